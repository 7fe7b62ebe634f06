//! Files that are larger than a request may be: sent in parts, put together when all are there. A part is there once its
//! marker is; until the commit nothing of a collection is. What is not committed within a day DynamoDB removes.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::access::{Access, Caller, CreateCollection};
use domain::collection::Head;
use domain::ids::{CollectionId, UploadId, UserId, WorkspaceId};
use domain::limit;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::keys::{self, Key};
use crate::{Error, Item, Range, Store, codec, read, row, s, values, with_ttl};

/// How long one may take to send all parts.
const LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// A file that comes in parts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Upload {
    /// Its id.
    pub id: UploadId,
    /// Who sends it; nobody else sees it.
    pub user: UserId,
    /// Where what is in it goes.
    pub workspace: WorkspaceId,
    /// The collection that it becomes: known from the start, so that a commit that is repeated makes no second one.
    pub collection: CollectionId,
    /// How many bytes it has in all.
    pub bytes: usize,
    /// Until when it can be committed.
    pub until: Timestamp,
    /// What the commit answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

impl Upload {
    /// How many parts it has.
    pub fn parts(&self) -> usize {
        self.bytes.div_ceil(limit::UPLOAD_PART_BYTES).max(1)
    }

    /// How many bytes a part has; all but the last are of one length. `None`: there is no such part.
    pub fn part_bytes(&self, part: usize) -> Option<usize> {
        let before = part.checked_mul(limit::UPLOAD_PART_BYTES)?;
        (part < self.parts()).then(|| (self.bytes - before).min(limit::UPLOAD_PART_BYTES))
    }
}

/// That a part is there, and where its bytes lie.
#[derive(Serialize, Deserialize)]
struct Marker {
    part: usize,
    version: String,
    pieces: usize,
}

fn pieces_of(upload: &Upload, marker: &Marker) -> Vec<Key> {
    (0..marker.pieces).map(|piece| keys::upload_piece(&upload.id, marker.part, &marker.version, piece)).collect()
}

impl Store {
    /// Begins a file of so many bytes.
    pub async fn start_upload(
        &self,
        by: &Access<CreateCollection>,
        bytes: usize,
        new_ids: (UploadId, CollectionId),
        now: Timestamp,
    ) -> Result<Upload, Error> {
        let (id, collection) = new_ids;
        let until = now + LIFETIME;
        let upload = Upload { id, user: by.caller.user, workspace: by.thing.id.clone(), collection, bytes, until, answer: None };
        let item = with_ttl(row(&keys::upload(&upload.id), "upload", &upload)?, until);
        self.put_when(item, Some("attribute_not_exists(pk)"), Item::new()).await?;
        Ok(upload)
    }

    /// A file that the caller sends, and which of its parts are there. `None`: there is none, it is somebody else's, or
    /// its time is over.
    pub async fn upload(&self, caller: &Caller, id: &UploadId, now: Timestamp) -> Result<Option<(Upload, Vec<usize>)>, Error> {
        let Some(item) = self.get(&keys::upload(id)).await? else { return Ok(None) };
        let upload: Upload = read(item)?;
        if upload.user != caller.user || upload.until <= now {
            return Ok(None);
        }
        let markers = self.markers(&upload).await?;
        Ok(Some((upload, markers.into_iter().map(|marker| marker.part).collect())))
    }

    async fn markers(&self, upload: &Upload) -> Result<Vec<Marker>, Error> {
        let items = self.all(&Range::prefix(keys::upload_partition(&upload.id), keys::UPLOAD_PARTS)).await?;
        items.into_iter().map(read).collect()
    }

    /// Takes a part, again too: its bytes first, then the marker that says where they are.
    pub async fn put_part(
        &self,
        _: &Access<CreateCollection>,
        upload: &Upload,
        part: usize,
        bytes: Vec<u8>,
        version: String,
    ) -> Result<(), Error> {
        let packed =
            tokio::task::spawn_blocking(move || codec::pack_bytes(&bytes)).await.map_err(|error| Error::Failed(error.to_string()))?;
        let pieces: Vec<Item> = packed
            .chunks(limit::PART_BYTES)
            .enumerate()
            .map(|(piece, bytes)| {
                let mut item = crate::transact::key_item(&keys::upload_piece(&upload.id, part, &version, piece));
                item.insert("kind".to_owned(), s("piece"));
                item.insert("body".to_owned(), AttributeValue::B(Blob::new(bytes)));
                with_ttl(item, upload.until)
            })
            .collect();
        let key = keys::upload_part(&upload.id, part);
        let before: Option<Marker> = self.get(&key).await?.map(read).transpose()?;
        let marker = Marker { part, version, pieces: pieces.len() };
        self.write_all(pieces).await?;
        self.put_when(with_ttl(row(&key, "upload-part", &marker)?, upload.until), None, Item::new()).await?;
        self.delete_all(&before.map(|before| pieces_of(upload, &before)).unwrap_or_default()).await
    }

    /// The whole file; or the parts that are not there yet.
    pub async fn assembled(&self, upload: &Upload) -> Result<Result<Vec<u8>, Vec<usize>>, Error> {
        let markers = self.markers(upload).await?;
        let missing: Vec<usize> = (0..upload.parts()).filter(|part| !markers.iter().any(|marker| marker.part == *part)).collect();
        if !missing.is_empty() {
            return Ok(Err(missing));
        }
        let mut whole = Vec::with_capacity(upload.bytes);
        for marker in markers {
            let keys = pieces_of(upload, &marker);
            let found = self.get_many(&keys).await?;
            let mut packed = Vec::new();
            for key in &keys {
                let body = found.get(key).and_then(codec::body);
                packed.extend_from_slice(body.ok_or_else(|| Error::torn(key, "a piece of an upload is missing"))?);
            }
            whole.extend(codec::unpack_bytes(&packed, limit::UPLOAD_PART_BYTES).map_err(Error::Failed)?);
        }
        Ok(Ok(whole))
    }

    /// The collection under an id, where the caller made it in this workspace.
    pub async fn made_collection(&self, by: &Access<CreateCollection>, id: &CollectionId) -> Result<Option<Head>, Error> {
        let head: Option<Head> = self.get(&keys::head(id)).await?.map(read).transpose()?;
        Ok(head.filter(|head| head.owner == by.caller.user && head.workspace == by.thing.id))
    }

    /// Remembers what the commit answered, and removes the parts.
    pub async fn end_upload(&self, _: &Access<CreateCollection>, upload: &Upload, answer: &str) -> Result<(), Error> {
        let values = values([(":answer", s(answer))]);
        self.update_when(&keys::upload(&upload.id), "SET #answer = :answer", "attribute_exists(pk)", values).await?;
        self.remove_parts(upload).await
    }

    /// Gives a file up.
    pub async fn drop_upload(&self, _: &Access<CreateCollection>, upload: &Upload) -> Result<(), Error> {
        self.delete_when(&keys::upload(&upload.id), None, Item::new()).await?;
        self.remove_parts(upload).await
    }

    async fn remove_parts(&self, upload: &Upload) -> Result<(), Error> {
        let mut gone = Vec::new();
        for marker in self.markers(upload).await? {
            gone.extend(pieces_of(upload, &marker));
            gone.push(keys::upload_part(&upload.id, marker.part));
        }
        self.delete_all(&gone).await
    }
}

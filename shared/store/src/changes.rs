//! The log of a collection: one item per change, written in the transaction of the change itself.

use domain::access::{Access, ReadCollection};
use domain::change::{Actor, Change, Counts, ItemRef, Moved, Op, Past};
use domain::collection::{Head, never, one_shard};
use domain::ids::{CollectionId, GenerationId, TeamId, UserId, WorkspaceId};
use domain::merge::FieldChange;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Error, Item, Range, Store, codec, keys, read, row};

/// What a stream record of a change holds beside the change itself: enough to tell everyone without another read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct About {
    /// The collection.
    pub collection: CollectionId,
    /// Its name.
    pub name: String,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// Its team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// Who made it.
    pub owner: UserId,
    /// How many elements it has after the change.
    pub count: u64,
    /// How often it had changed by then who sees it.
    #[serde(default, skip_serializing_if = "never")]
    pub access: u64,
    /// The generation of its elements after the change: where the folders lie that the element stands in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<GenerationId>,
    /// Over how many partitions its live registrations were spread.
    #[serde(default = "one_shard")]
    pub shards: u32,
}

impl About {
    /// As the head says it.
    pub fn of(head: &Head) -> About {
        About {
            collection: head.collection.clone(),
            name: head.name.clone(),
            workspace: head.workspace.clone(),
            team: head.team,
            owner: head.owner,
            count: head.count,
            access: head.access,
            generation: Some(head.generation.clone()),
            shards: head.shards,
        }
    }
}

/// A change as its item holds it; the field changes are packed in `body`.
#[derive(Serialize, Deserialize)]
struct Record {
    about: About,
    seq: u64,
    op: Op,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    item: Option<ItemRef>,
    actor: Actor,
    at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    moved: Option<Moved>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    counts: Option<Counts>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    merged: Option<String>,
}

/// What is packed where a change has more to say than its fields: those alone are an array.
#[derive(Default, Serialize, Deserialize)]
struct Body {
    changes: Vec<FieldChange>,
    past: Past,
}

/// The items of a change: itself, and the parts of a long body.
pub(crate) fn items(head: &Head, change: &Change) -> Result<Vec<Item>, Error> {
    let record = Record {
        about: About::of(head),
        seq: change.seq,
        op: change.op,
        item: change.item.clone(),
        actor: change.actor.clone(),
        at: change.at,
        client: change.client.clone(),
        base: change.base,
        moved: change.moved.clone(),
        counts: change.counts,
        merged: change.merged.clone(),
    };
    let key = keys::change(&change.collection, change.seq);
    let mut item = row(&key, "change", &record)?;
    let body = match change.past.is_empty() {
        true => serde_json::to_string(&change.changes),
        false => serde_json::to_string(&Body { changes: change.changes.clone(), past: change.past.clone() }),
    };
    let body = body.map_err(|error| Error::torn(&key, error))?;
    let mut all = codec::put_body(&mut item, codec::pack(&body), |part| keys::change_part(&change.collection, change.seq, part));
    all.insert(0, item);
    Ok(all)
}

/// A change from its item, as a stream record or a query gives it. `parts` gives the parts of a long body; without
/// them (in a stream record) the body is left out and the change says so.
fn decode(item: Item, parts: impl Fn(usize) -> Option<Vec<u8>>) -> Result<(Change, About), Error> {
    let key = crate::key_of(&item).ok_or_else(|| Error::Failed("a change without a key".to_owned()))?;
    let omitted = codec::parts(&item) > 0 && parts(0).is_none();
    let text = if omitted { "[]".to_owned() } else { codec::text(&key, &item, parts)? };
    let body = match text.starts_with('[') {
        true => serde_json::from_str(&text).map(|changes| Body { changes, past: Past::default() }),
        false => serde_json::from_str(&text),
    };
    let Body { changes, past } = body.map_err(|error| Error::torn(&key, error))?;
    let Record { about, seq, op, item, actor, at, client, base, moved, counts, merged } = read(item)?;
    let collection = about.collection.clone();
    Ok((Change { collection, seq, op, item, actor, at, client, base, changes, moved, counts, merged, omitted, past }, about))
}

/// A change from a stream record's image.
pub fn from_image(image: Item) -> Result<(Change, About), Error> {
    decode(image, |_| None)
}

impl Store {
    /// The changes after `since`, oldest first, at most `limit`. One query; another read only for long bodies.
    pub async fn changes(&self, by: &Access<ReadCollection>, since: u64, limit: usize) -> Result<Vec<Change>, Error> {
        self.log(&by.thing.collection, since, limit).await
    }

    pub(crate) async fn log(&self, collection: &CollectionId, since: u64, limit: usize) -> Result<Vec<Change>, Error> {
        let range = Range::between(
            keys::log_partition(collection),
            keys::change_sort(since.saturating_add(1)),
            keys::change_sort(9_999_999_999_999_999),
        );
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let page = self.page(&range.clone().at_most(limit - items.len()), start).await?;
            items.extend(page.items);
            start = page.next;
            if start.is_none() || items.len() >= limit {
                break;
            }
        }
        let mut changes = Vec::with_capacity(items.len());
        for item in items {
            changes.push(self.whole_change(collection, item).await?);
        }
        Ok(changes)
    }

    async fn whole_change(&self, collection: &CollectionId, item: Item) -> Result<Change, Error> {
        let seq = item.get("seq").and_then(|seq| seq.as_n().ok()).and_then(|seq| seq.parse::<u64>().ok()).unwrap_or(0);
        let part_keys: Vec<_> = (0..codec::parts(&item)).map(|part| keys::change_part(collection, seq, part)).collect();
        let parts = self.get_many(&part_keys).await?;
        let part = |index: usize| parts.get(part_keys.get(index)?).and_then(codec::body).map(<[u8]>::to_vec);
        Ok(decode(item, part)?.0)
    }

    /// One change by its number.
    pub(crate) async fn change(&self, collection: &CollectionId, seq: u64) -> Result<Option<Change>, Error> {
        match self.get(&keys::change(collection, seq)).await? {
            Some(item) => Ok(Some(self.whole_change(collection, item).await?)),
            None => Ok(None),
        }
    }
}

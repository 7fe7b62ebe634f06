//! Access keys: with one, anyone reads one collection, for as long as it is used now and then.

use domain::access::{Access, Caller, ManageAccessKeys, ShareCollection};
use domain::change::Actor;
use domain::happened::Happened;
use domain::ids::{CollectionId, KeyId, TeamId, UserId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Conflict, Error, Item, Leg, Range, Store, events, keys, n, read, row, s, values, with_ttl};

/// A key that is not used ends after this time.
pub const UNUSED: SignedDuration = SignedDuration::from_hours(60 * 24);
/// A use is noted when the last note is older than this.
const NOTED_EVERY: SignedDuration = SignedDuration::from_hours(24);

/// An access key. It shows what its maker may read, and nothing where they may no longer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccessKey {
    /// Its id.
    pub id: KeyId,
    /// Who made it.
    pub user: UserId,
    /// For which collection.
    pub collection: CollectionId,
    /// The collection's team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// The hash of its secret.
    pub secret_hash: String,
    /// The last four characters of its secret, by which people tell keys apart.
    pub tail: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it works if it is not used.
    pub expires_at: Timestamp,
    /// When it was last used (to a day).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<Timestamp>,
}

impl AccessKey {
    /// The key's text, one word. `id` has no `-`.
    pub fn text(&self, secret: &str) -> String {
        format!("PMAT-{}-{}-{secret}", self.user, self.id)
    }
}

/// By what right an access key is deleted.
#[derive(Debug, Clone)]
pub enum Deleting<'a> {
    /// Its maker takes it back.
    Own(&'a Caller),
    /// Whoever looks after the collection does.
    By(&'a Access<ManageAccessKeys>),
}

/// That a key is for a collection, where the collection finds it.
#[derive(Serialize, Deserialize)]
struct Pointer {
    user: UserId,
    id: KeyId,
}

impl Store {
    /// Keeps a new access key: under its maker, and a pointer to it under the collection.
    pub async fn make_access_key(&self, by: &Access<ShareCollection>, key: &AccessKey) -> Result<(), Error> {
        let own = with_ttl(row(&keys::access_key(key.user, &key.id), "access", key)?, key.expires_at);
        let pointer = Pointer { user: key.user, id: key.id.clone() };
        let what = Happened::AccessKeyMade { user: key.user, collection: key.collection.clone(), key: key.id.clone() };
        self.commit(&[
            Leg::create(own).or(Conflict::IdTaken),
            Leg::put(row(&keys::access_pointer(&by.thing.collection, &key.id), "access-pointer", &pointer)?),
            events::leg(Some(by.caller.actor()), what, key.created_at)?,
        ])
        .await
    }

    /// Notes that a key was used, once a day, which prolongs it. `false`: the key was deleted meanwhile.
    pub(crate) async fn note_access_key(&self, key: &AccessKey, now: Timestamp) -> Result<bool, Error> {
        if key.used_at.is_some_and(|at| now.duration_since(at) < NOTED_EVERY) {
            return Ok(true);
        }
        let until = now.saturating_add(UNUSED).unwrap_or(Timestamp::MAX);
        let values = values([(":now", s(now)), (":until", s(until)), (":ttl", n(until.as_second()))]);
        let set = "SET #used_at = :now, #expires_at = :until, #ttl = :ttl";
        self.update_when(&keys::access_key(key.user, &key.id), set, "attribute_exists(pk)", values).await
    }

    /// The access keys that a person made and that still work, in the order in which they were made.
    pub async fn own_access_keys(&self, user: UserId, now: Timestamp) -> Result<Vec<AccessKey>, Error> {
        let items = self.all(&Range::prefix(keys::user_partition(user), keys::ACCESS_KEYS)).await?;
        working(items, now)
    }

    /// Everybody's access keys for a collection. Pointers to what has ended go on this occasion.
    pub async fn access_keys_of(&self, by: &Access<ManageAccessKeys>, now: Timestamp) -> Result<Vec<AccessKey>, Error> {
        let collection = &by.thing.collection;
        let items = self.all(&Range::prefix(keys::collection_partition(collection), keys::ACCESS_KEYS)).await?;
        let pointers: Vec<Pointer> = items.into_iter().map(read).collect::<Result<_, _>>()?;
        let key_of = |pointer: &Pointer| keys::access_key(pointer.user, &pointer.id);
        let mut found = self.get_many(&pointers.iter().map(key_of).collect::<Vec<_>>()).await?;
        let (there, gone): (Vec<Pointer>, Vec<Pointer>) = pointers.into_iter().partition(|pointer| found.contains_key(&key_of(pointer)));
        self.delete_all(&gone.iter().map(|pointer| keys::access_pointer(collection, &pointer.id)).collect::<Vec<_>>()).await?;
        working(there.iter().filter_map(|pointer| found.remove(&key_of(pointer))).collect(), now)
    }

    /// An access key for a collection.
    pub async fn access_key(&self, collection: &CollectionId, key: &KeyId) -> Result<Option<AccessKey>, Error> {
        let Some(pointer) = self.get(&keys::access_pointer(collection, key)).await? else { return Ok(None) };
        let pointer: Pointer = read(pointer)?;
        self.get(&keys::access_key(pointer.user, key)).await?.map(read).transpose()
    }

    /// Deletes an access key; from then on nothing is read with it. [`Conflict::AccessKeyGone`]: it is not there, or
    /// this right is not for it.
    pub async fn delete_access_key(&self, by: &Deleting<'_>, key: &AccessKey, now: Timestamp) -> Result<(), Error> {
        let (actor, theirs): (Actor, bool) = match by {
            Deleting::Own(caller) => (caller.actor(), caller.user == key.user),
            Deleting::By(access) => (access.caller.actor(), access.thing.collection == key.collection),
        };
        if !theirs {
            return Err(Conflict::AccessKeyGone.into());
        }
        let what = Happened::AccessKeyDeleted { user: key.user, collection: key.collection.clone(), key: key.id.clone() };
        self.commit(&[
            Leg::delete(keys::access_key(key.user, &key.id)).when("attribute_exists(pk)").or(Conflict::AccessKeyGone),
            Leg::delete(keys::access_pointer(&key.collection, &key.id)),
            events::leg(Some(actor), what, now)?,
        ])
        .await
    }
}

fn working(items: Vec<Item>, now: Timestamp) -> Result<Vec<AccessKey>, Error> {
    let mut keys: Vec<AccessKey> = items.into_iter().map(read).collect::<Result<_, _>>()?;
    keys.retain(|key| now < key.expires_at);
    Ok(keys)
}

//! Who of many may read a collection now: asked when something is told, not when it was subscribed to.

use std::collections::{BTreeSet, HashMap, HashSet};

use domain::access::{Caller, CollectionRole, role_in};
use domain::collection::Head;
use domain::ids::{CollectionId, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::keys::Key;
use crate::users::Profile;
use crate::{Error, Item, Store, keys, read};

/// The role given to one person in one collection, as its item holds it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Grant {
    /// The role.
    pub role: CollectionRole,
}

/// Until when somebody has seen their feed.
#[derive(Serialize, Deserialize)]
pub(crate) struct Mark {
    pub(crate) at: Timestamp,
}

/// Collections that somebody may see, each with what they may do there.
pub type SeenHeads = HashMap<CollectionId, (Head, CollectionRole)>;

/// What says whether the caller may see collections.
fn heads_for(caller: &Caller, of: &HashSet<CollectionId>) -> Vec<Key> {
    of.iter().flat_map(|collection| [keys::head(collection), keys::grant(collection, caller.user)]).collect()
}

fn seen_among(caller: &Caller, of: &HashSet<CollectionId>, items: &mut HashMap<Key, Item>) -> Result<SeenHeads, Error> {
    let mut seen = HashMap::new();
    for collection in of {
        let Some(head) = items.remove(&keys::head(collection)) else { continue };
        let head: Head = read(head)?;
        let grant: Option<Grant> = items.remove(&keys::grant(collection, caller.user)).map(read).transpose()?;
        let there = Head { deleted_at: None, ..head.clone() };
        if let Some(role) = role_in(caller, &there, grant.map(|grant| grant.role)) {
            seen.insert(collection.clone(), (head, role));
        }
    }
    Ok(seen)
}

impl Store {
    /// A collection, and the role given in person to one who asks for it.
    pub async fn collection(&self, collection: &CollectionId, user: UserId) -> Result<Option<(Head, Option<CollectionRole>)>, Error> {
        let (head, grant) = (keys::head(collection), keys::grant(collection, user));
        let mut found = self.get_many(&[head.clone(), grant.clone()]).await?;
        let Some(head) = found.remove(&head) else { return Ok(None) };
        let grant: Option<Grant> = found.remove(&grant).map(read).transpose()?;
        Ok(Some((read(head)?, grant.map(|grant| grant.role))))
    }

    /// The names of collections; those that are not there are left out. Whether they may be told is the caller's business.
    pub async fn collection_names(&self, collections: &[CollectionId]) -> Result<HashMap<CollectionId, String>, Error> {
        let collections: BTreeSet<&CollectionId> = collections.iter().collect();
        let mut wanted: Vec<_> = collections.iter().copied().map(keys::head).collect();
        wanted.sort();
        wanted.dedup();
        let found = self.get_many(&wanted).await?;
        found.into_values().map(|item| read(item).map(|head: Head| (head.collection, head.name))).collect()
    }

    /// The collections among `of` that the caller may see, or could until they were deleted, with what they may do there.
    /// One read for all.
    pub async fn seen(&self, caller: &Caller, of: &HashSet<CollectionId>) -> Result<SeenHeads, Error> {
        let mut items = self.get_many(&heads_for(caller, of)).await?;
        seen_among(caller, of, &mut items)
    }

    /// The same, and until when the caller has seen their feed; in one read as well.
    pub async fn seen_of_feed(&self, caller: &Caller, of: &HashSet<CollectionId>) -> Result<(SeenHeads, Option<Timestamp>), Error> {
        let mark = keys::feed_seen(caller.user);
        let mut wanted = heads_for(caller, of);
        wanted.push(mark.clone());
        let mut items = self.get_many(&wanted).await?;
        let until = items.remove(&mark).map(read::<Mark>).transpose()?.map(|mark| mark.at);
        Ok((seen_among(caller, of, &mut items)?, until))
    }

    /// Those of `users` who may read a collection now, or could until it was deleted, with their profiles.
    pub async fn readers(&self, collection: &CollectionId, users: &[UserId]) -> Result<Vec<Profile>, Error> {
        self.readers_of_all(std::slice::from_ref(collection), users).await
    }

    /// The same of all of some collections. One that is gone for ever hides nothing from those who read the others.
    pub async fn readers_of_all(&self, collections: &[CollectionId], users: &[UserId]) -> Result<Vec<Profile>, Error> {
        let collections: BTreeSet<&CollectionId> = collections.iter().collect();
        let mut wanted: Vec<_> = collections.iter().copied().map(keys::head).chain(users.iter().map(|user| keys::profile(*user))).collect();
        wanted.extend(collections.iter().flat_map(|collection| users.iter().map(move |user| keys::grant(collection, *user))));
        let mut found = self.get_many(&wanted).await?;
        let mut heads = Vec::with_capacity(collections.len());
        for collection in collections {
            if let Some(head) = found.remove(&keys::head(collection)) {
                heads.push(Head { deleted_at: None, ..read(head)? });
            }
        }
        let mut readers = Vec::with_capacity(users.len());
        for user in users {
            let Some(profile) = found.remove(&keys::profile(*user)) else { continue };
            let profile: Profile = read(profile)?;
            let mut sees = !heads.is_empty();
            for head in &heads {
                let grant: Option<Grant> = found.remove(&keys::grant(&head.collection, *user)).map(read).transpose()?;
                sees &= role_in(&profile.caller(), head, grant.map(|grant| grant.role)).is_some();
            }
            if sees {
                readers.push(profile);
            }
        }
        Ok(readers)
    }
}

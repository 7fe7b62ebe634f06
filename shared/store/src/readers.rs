//! Who of many may read a collection now: asked when something is told, not when it was subscribed to.

use std::collections::{HashMap, HashSet};

use domain::access::{Caller, CollectionRole, role_in};
use domain::collection::Head;
use domain::ids::{CollectionId, UserId};
use serde::{Deserialize, Serialize};

use crate::users::Profile;
use crate::{Error, Store, keys, read};

/// The role given to one person in one collection, as its item holds it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Grant {
    /// The role.
    pub role: CollectionRole,
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
        let mut wanted: Vec<_> = collections.iter().map(keys::head).collect();
        wanted.sort();
        wanted.dedup();
        let found = self.get_many(&wanted).await?;
        found.into_values().map(|item| read(item).map(|head: Head| (head.collection, head.name))).collect()
    }

    /// The collections among `of` that the caller may see, or could until they were deleted, with what they may do there.
    /// One read for all.
    pub async fn seen(&self, caller: &Caller, of: &HashSet<CollectionId>) -> Result<HashMap<CollectionId, (Head, CollectionRole)>, Error> {
        let wanted: Vec<_> = of.iter().flat_map(|collection| [keys::head(collection), keys::grant(collection, caller.user)]).collect();
        let mut items = self.get_many(&wanted).await?;
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

    /// Those of `users` who may read a collection now, or could until it was deleted, with their profiles.
    pub async fn readers(&self, collection: &CollectionId, users: &[UserId]) -> Result<Vec<Profile>, Error> {
        let head = keys::head(collection);
        let mut wanted = vec![head.clone()];
        wanted.extend(users.iter().flat_map(|user| [keys::profile(*user), keys::grant(collection, *user)]));
        let mut found = self.get_many(&wanted).await?;
        let Some(head) = found.remove(&head) else { return Ok(Vec::new()) };
        let head = Head { deleted_at: None, ..read(head)? };
        let mut readers = Vec::with_capacity(users.len());
        for user in users {
            let Some(profile) = found.remove(&keys::profile(*user)) else { continue };
            let profile: Profile = read(profile)?;
            let grant: Option<Grant> = found.remove(&keys::grant(collection, *user)).map(read).transpose()?;
            if role_in(&profile.caller(), &head, grant.map(|grant| grant.role)).is_some() {
                readers.push(profile);
            }
        }
        Ok(readers)
    }
}

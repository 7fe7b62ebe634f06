//! Stars: the collections that somebody wants at hand. They are theirs alone.

use std::collections::HashSet;

use domain::access::{Access, ReadCollection};
use domain::ids::{CollectionId, UserId};
use jiff::Timestamp;

use crate::{Error, Item, Range, Store, keys, s};

impl Store {
    /// Puts the caller's star on a collection. One that is there stays.
    pub async fn put_star(&self, by: &Access<ReadCollection>, now: Timestamp) -> Result<(), Error> {
        let mut item = crate::transact::key_item(&keys::star(by.caller.user, &by.thing.collection));
        item.insert("kind".to_owned(), s("star"));
        item.insert("at".to_owned(), s(now));
        self.put_when(item, Some("attribute_not_exists(pk)"), Item::new()).await.map(drop)
    }

    /// Takes it away.
    pub async fn drop_star(&self, by: &Access<ReadCollection>) -> Result<(), Error> {
        self.delete_when(&keys::star(by.caller.user, &by.thing.collection), None, Item::new()).await.map(drop)
    }

    /// The collections with somebody's star, also those that they see no longer.
    pub async fn stars(&self, user: UserId) -> Result<HashSet<CollectionId>, Error> {
        let items = self.all(&Range::prefix(keys::user_partition(user), keys::STARS)).await?;
        let of = |item: &Item| crate::key_of(item)?.sk.strip_prefix(keys::STARS)?.parse().ok();
        Ok(items.iter().filter_map(of).collect())
    }
}

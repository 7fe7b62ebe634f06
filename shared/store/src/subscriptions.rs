//! Who wants to hear of a collection's changes.

use domain::access::{Access, Caller, ReadCollection};
use domain::collection::Head;
use domain::ids::{CollectionId, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::keys::Key;
use crate::transact::Leg;
use crate::{Error, Range, Store, keys, read, row};

/// How a subscriber is told by mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailLevel {
    /// At once.
    Now,
    /// Not at all.
    Off,
}

/// A subscription. It stands for the WebSocket and the feed; `mail` says how mails are wanted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Subscription {
    /// The collection.
    pub collection: CollectionId,
    /// Who subscribed.
    pub user: UserId,
    /// Their name when they did.
    pub username: String,
    /// By mail.
    pub mail: MailLevel,
    /// Since when.
    pub since: Timestamp,
    /// The collection's number at that time: they are told of later changes.
    #[serde(default)]
    pub after: u64,
}

/// The legs that write a subscription where the collection and where the subscriber finds it. One that is there keeps
/// its start: what happened between is still to be told.
pub(crate) fn legs(head: &Head, caller: &Caller, mail: MailLevel, after: u64, now: Timestamp) -> Result<[Leg; 2], Error> {
    let collection = &head.collection;
    let (user, username) = (caller.user, caller.username.clone());
    let subscription = Subscription { collection: collection.clone(), user, username, mail, since: now, after };
    let leg = |key: Key| {
        let mut item = row(&key, "subscription", &subscription)?;
        item.retain(|name, _| name != "pk" && name != "sk");
        let set = |name: &String| match name.as_str() {
            "since" | "after" => format!("#{name} = if_not_exists(#{name}, :{name})"),
            _ => format!("#{name} = :{name}"),
        };
        let mut names: Vec<&String> = item.keys().collect();
        names.sort();
        let expression = format!("SET {}", names.into_iter().map(set).collect::<Vec<_>>().join(", "));
        Ok::<Leg, Error>(item.into_iter().fold(Leg::update(key, expression), |leg, (name, value)| leg.value(&format!(":{name}"), value)))
    };
    Ok([leg(keys::subscription(collection, user))?, leg(keys::my_subscription(user, collection))?])
}

impl Store {
    /// Subscribes the caller, or changes how they are told.
    pub async fn subscribe(&self, by: &Access<ReadCollection>, mail: MailLevel, now: Timestamp) -> Result<(), Error> {
        self.commit(&legs(&by.thing, &by.caller, mail, by.thing.seq, now)?).await
    }

    /// Ends the caller's subscription. One that is not there is as good as ended.
    pub async fn unsubscribe(&self, by: &Access<ReadCollection>) -> Result<(), Error> {
        self.end_subscription(&by.thing.collection, by.caller.user).await
    }

    /// Ends a subscription on both sides.
    pub async fn end_subscription(&self, collection: &CollectionId, user: UserId) -> Result<(), Error> {
        self.commit(&[Leg::delete(keys::subscription(collection, user)), Leg::delete(keys::my_subscription(user, collection))]).await
    }

    /// The caller's subscription to a collection.
    pub async fn subscription(&self, by: &Access<ReadCollection>) -> Result<Option<Subscription>, Error> {
        self.get(&keys::subscription(&by.thing.collection, by.caller.user)).await?.map(read).transpose()
    }

    /// A person's subscriptions.
    pub async fn subscriptions_of(&self, user: UserId) -> Result<Vec<Subscription>, Error> {
        let items = self.all(&Range::prefix(keys::user_partition(user), keys::SUBSCRIPTIONS)).await?;
        items.into_iter().map(read).collect()
    }

    /// The caller's subscriptions to what is still there and theirs to see: one read more.
    pub async fn subscriptions_seen(&self, caller: &Caller) -> Result<Vec<Subscription>, Error> {
        let mut all = self.subscriptions_of(caller.user).await?;
        let seen = self.seen(caller, &all.iter().map(|subscription| subscription.collection.clone()).collect()).await?;
        all.retain(|subscription| seen.get(&subscription.collection).is_some_and(|(head, _)| head.deleted_at.is_none()));
        Ok(all)
    }

    /// Everyone who subscribed to a collection. Whether they may still see it is asked when they are told.
    pub async fn subscribers(&self, collection: &CollectionId) -> Result<Vec<Subscription>, Error> {
        let items = self.all(&Range::prefix(keys::collection_partition(collection), keys::SUBSCRIPTIONS)).await?;
        items.into_iter().map(read).collect()
    }
}

//! Who wants to hear of the changes of a collection, or of a folder or request in it, and how.

use domain::access::{Access, Caller, ReadCollection};
use domain::change::ItemRef;
use domain::collection::Head;
use domain::ids::{CollectionId, ElementId, GroupId, TeamId, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::keys::Key;
use crate::transact::Leg;
use crate::{Error, Item, Range, Store, following, keys, read, row, users};

/// How a subscriber is told by mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailLevel {
    /// At once; what comes shortly after is gathered.
    Now,
    /// Every hour, where there is something to tell.
    Hourly,
    /// Every morning, where there is something to tell.
    Daily,
    /// Not at all.
    Off,
}

impl MailLevel {
    /// The word that the API uses.
    pub fn as_str(self) -> &'static str {
        match self {
            MailLevel::Now => "now",
            MailLevel::Hourly => "hourly",
            MailLevel::Daily => "daily",
            MailLevel::Off => "off",
        }
    }
}

fn yes() -> bool {
    true
}

/// A subscription: to a collection, or to an item and everything in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Subscription {
    /// The collection.
    pub collection: CollectionId,
    /// The folder or request; `None`: the whole collection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemRef>,
    /// The collection's team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// Who subscribed.
    pub user: UserId,
    /// Their name when they did.
    pub username: String,
    /// Whether their WebSockets follow it without being asked.
    #[serde(default = "yes")]
    pub socket: bool,
    /// Whether it shows in their feed.
    #[serde(default = "yes")]
    pub feed: bool,
    /// By mail.
    pub mail: MailLevel,
    /// Since when.
    pub since: Timestamp,
    /// The collection's number at that time: they are told of later changes.
    #[serde(default)]
    pub after: u64,
    /// The group that subscribed in their stead: they have chosen nothing themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupId>,
}

/// What a subscriber chooses; what is left out stays as it is, and is on at first.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// See [`Subscription::socket`].
    pub socket: Option<bool>,
    /// See [`Subscription::feed`].
    pub feed: Option<bool>,
    /// See [`Subscription::mail`].
    pub mail: Option<MailLevel>,
}

/// The legs that write a subscription where the collection and where the subscriber finds it. One that is there keeps
/// its start: what happened between is still to be told.
pub(crate) fn legs(head: &Head, caller: &Caller, item: Option<ItemRef>, wish: Wish, after: u64, now: Timestamp) -> Result<[Leg; 2], Error> {
    let collection = &head.collection;
    let user = caller.user;
    let id = item.as_ref().map(|item| item.id.clone());
    let subscription = Subscription {
        collection: collection.clone(),
        item,
        team: head.team,
        user,
        username: caller.username.clone(),
        socket: wish.socket.unwrap_or(true),
        feed: wish.feed.unwrap_or(true),
        mail: wish.mail.unwrap_or(MailLevel::Now),
        since: now,
        after,
        group: None,
    };
    let both = [keys::subscription(collection, user, id.as_ref()), keys::my_subscription(user, collection, id.as_ref())];
    wished(both, "subscription", &subscription, wish)
}

/// The legs that write the same into two places, of which each keeps what is not wished for.
pub(crate) fn wished(both: [Key; 2], kind: &str, subscription: &impl Serialize, wish: Wish) -> Result<[Leg; 2], Error> {
    let leg = |key: Key| {
        let mut item = row(&key, kind, subscription)?;
        item.retain(|name, _| name != "pk" && name != "sk");
        let set = |name: &String| {
            let kept = match name.as_str() {
                "since" | "after" => true,
                "socket" => wish.socket.is_none(),
                "feed" => wish.feed.is_none(),
                "mail" => wish.mail.is_none(),
                _ => false,
            };
            if kept { format!("#{name} = if_not_exists(#{name}, :{name})") } else { format!("#{name} = :{name}") }
        };
        let mut names: Vec<&String> = item.keys().collect();
        names.sort();
        let expression = format!("SET {}", names.into_iter().map(set).collect::<Vec<_>>().join(", "));
        Ok::<Leg, Error>(item.into_iter().fold(Leg::update(key, expression), |leg, (name, value)| leg.value(&format!(":{name}"), value)))
    };
    let [one, other] = both;
    Ok([leg(one)?, leg(other)?])
}

impl Store {
    /// Subscribes the caller to a collection or to an item of it, or changes how they are told. Who is being removed
    /// from the team at the same time is refused.
    pub async fn subscribe(&self, by: &Access<ReadCollection>, item: Option<ItemRef>, wish: Wish, now: Timestamp) -> Result<(), Error> {
        let whole = item.is_none();
        let mut all = Vec::from(legs(&by.thing, &by.caller, item, wish, by.thing.seq, now)?);
        if whole {
            all.extend(following::opt_out_legs(&by.thing.collection, by.caller.user).map(Leg::delete));
        }
        if let Some(team) = by.thing.team {
            all.push(users::still_in(&by.caller, team)?);
        }
        self.commit(&all).await
    }

    /// Ends the caller's subscription; also to what a group of theirs follows. One that is not there is as good as ended.
    pub async fn unsubscribe(&self, by: &Access<ReadCollection>, item: Option<&ElementId>) -> Result<(), Error> {
        let (collection, user) = (&by.thing.collection, by.caller.user);
        if item.is_none() && self.through_groups(&by.caller, &by.thing).await?.is_some() {
            return self.opt_out(collection, user).await;
        }
        self.end_subscription(collection, user, item).await
    }

    /// Ends a subscription on both sides.
    pub async fn end_subscription(&self, collection: &CollectionId, user: UserId, item: Option<&ElementId>) -> Result<(), Error> {
        let both = [keys::subscription(collection, user, item), keys::my_subscription(user, collection, item)];
        self.commit(&both.map(Leg::delete)).await
    }

    /// The caller's subscription to a collection, or to an item of it; to a collection perhaps through a group. One read.
    pub async fn subscription(&self, by: &Access<ReadCollection>, item: Option<&ElementId>) -> Result<Option<Subscription>, Error> {
        let own = keys::subscription(&by.thing.collection, by.caller.user, item);
        match item {
            Some(_) => self.get(&own).await?.map(read).transpose(),
            None => self.subscription_or_group(&by.caller, &by.thing, own).await,
        }
    }

    /// What a person subscribed to themselves.
    pub async fn subscriptions_of(&self, user: UserId) -> Result<Vec<Subscription>, Error> {
        let items = self.all(&Range::prefix(keys::user_partition(user), keys::SUBSCRIPTIONS)).await?;
        items.into_iter().filter(is_own).map(read).collect()
    }

    /// What the caller follows, themselves or through a group, of what is still there and theirs to see, with the names of
    /// the collections: one read more.
    pub async fn subscriptions_seen(&self, caller: &Caller) -> Result<Vec<(Subscription, String)>, Error> {
        let all = self.followed_by(caller).await?;
        let seen = self.seen(caller, &all.iter().map(|subscription| subscription.collection.clone()).collect()).await?;
        let there = |subscription: &Subscription| seen.get(&subscription.collection).filter(|(head, _)| head.deleted_at.is_none());
        let named = all.into_iter().filter_map(|one| Some((there(&one)?.0.name.clone(), one)));
        Ok(named.map(|(name, subscription)| (subscription, name)).collect())
    }

    /// Everyone who subscribed to a collection or to something in it themselves.
    pub(crate) async fn subscriptions_in(&self, collection: &CollectionId) -> Result<Vec<Subscription>, Error> {
        let items = self.all(&Range::prefix(keys::collection_partition(collection), keys::SUBSCRIPTIONS)).await?;
        items.into_iter().filter(is_own).map(read).collect()
    }
}

/// Whether somebody subscribed themselves: a group's subscription, and that somebody does not take part in it, lie among
/// them.
pub(crate) fn is_own(item: &Item) -> bool {
    item.get("kind").and_then(|kind| kind.as_s().ok()).is_some_and(|kind| kind == "subscription")
}

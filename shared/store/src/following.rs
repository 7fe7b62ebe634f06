//! Groups that follow a collection. The group is one row, whoever is in it: who that is, and whether they have chosen
//! something else, is looked up when there is something to tell. So nothing is to be kept up when members come and go, and
//! a collection that no group follows costs nothing more.

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::access::{Access, Caller, ManageAccess};
use domain::change::Actor;
use domain::collection::Head;
use domain::happened::Happened;
use domain::ids::{CollectionId, GroupId, TeamId, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::keys::Key;
use crate::subscriptions::{MailLevel, Subscription, Wish, is_own, wished};
use crate::{Conflict, Error, Item, Leg, Range, Store, events, keys, read, row};

/// A group's subscription to a collection: for those in it who have not chosen something else themselves.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GroupSubscription {
    /// The collection.
    pub collection: CollectionId,
    /// The team.
    pub team: TeamId,
    /// The group.
    pub group: GroupId,
    /// Who subscribed it.
    pub by: Actor,
    /// See [`Subscription::socket`].
    pub socket: bool,
    /// See [`Subscription::feed`].
    pub feed: bool,
    /// See [`Subscription::mail`].
    pub mail: MailLevel,
    /// Since when.
    pub since: Timestamp,
    /// The collection's number at that time.
    pub after: u64,
}

#[derive(Serialize)]
struct OptOut {}

impl GroupSubscription {
    /// What it is for one of the group.
    fn of(&self, user: UserId, username: &str) -> Subscription {
        Subscription {
            collection: self.collection.clone(),
            item: None,
            team: Some(self.team),
            user,
            username: username.to_owned(),
            socket: self.socket,
            feed: self.feed,
            mail: self.mail,
            since: self.since,
            after: self.after,
            group: Some(self.group),
        }
    }
}

/// Where it stands that somebody does not follow what a group of theirs follows.
pub(crate) fn opt_out_legs(collection: &CollectionId, user: UserId) -> [Key; 2] {
    [keys::opt_out(collection, user), keys::my_opt_out(user, collection)]
}

/// What somebody in several groups that follow the same has of it: all ways of each, and the quickest mail.
fn together(all: impl Iterator<Item = Subscription>) -> Option<Subscription> {
    all.reduce(|one, other| Subscription {
        socket: one.socket || other.socket,
        feed: one.feed || other.feed,
        mail: one.mail.min(other.mail),
        after: one.after.min(other.after),
        since: one.since.min(other.since),
        ..one
    })
}

impl Store {
    /// Lets a group follow a collection, or changes how its members are told who have chosen nothing themselves.
    /// [`Conflict::GroupGone`].
    pub async fn subscribe_group(&self, by: &Access<ManageAccess>, group: GroupId, wish: Wish, now: Timestamp) -> Result<(), Error> {
        let head = &by.thing;
        let team = head.team.ok_or(Conflict::GroupGone)?;
        let subscription = GroupSubscription {
            collection: head.collection.clone(),
            team,
            group,
            by: by.caller.actor(),
            socket: wish.socket.unwrap_or(true),
            feed: wish.feed.unwrap_or(true),
            mail: wish.mail.unwrap_or(MailLevel::Now),
            since: now,
            after: head.seq,
        };
        let both = [keys::group_subscription(&head.collection, team, group), keys::group_follows(team, group, &head.collection)];
        let mut legs = Vec::from(wished(both, "group-subscription", &subscription, wish)?);
        legs.push(Leg::check(keys::group(team, group)).when("attribute_exists(pk)").or(Conflict::GroupGone));
        let what = Happened::GroupFollows { team, collection: head.collection.clone(), group, follows: true };
        legs.push(events::leg(&by.caller, what, now)?);
        self.commit(&legs).await
    }

    /// Lets a group follow a collection no longer. One that does not is as good.
    pub async fn unsubscribe_group(&self, by: &Access<ManageAccess>, group: GroupId, now: Timestamp) -> Result<(), Error> {
        let collection = &by.thing.collection;
        let team = by.thing.team.ok_or(Conflict::GroupGone)?;
        let own = keys::group_subscription(collection, team, group);
        if self.get(&own).await?.is_none() {
            return Ok(());
        }
        let what = Happened::GroupFollows { team, collection: collection.clone(), group, follows: false };
        let gone = [Leg::delete(own), Leg::delete(keys::group_follows(team, group, collection)), events::leg(&by.caller, what, now)?];
        self.commit(&gone).await
    }

    /// The groups that follow a collection, the first first.
    pub async fn groups_following(&self, collection: &CollectionId) -> Result<Vec<GroupSubscription>, Error> {
        let items = self.all(&Range::prefix(keys::collection_partition(collection), keys::GROUP_SUBSCRIPTIONS)).await?;
        let mut groups = items.into_iter().map(read).collect::<Result<Vec<GroupSubscription>, _>>()?;
        groups.sort_by_key(|one| (one.since, one.group));
        Ok(groups)
    }

    /// Ends what the groups of a team follow of a collection that left it.
    pub(crate) async fn end_groups_following(&self, collection: &CollectionId, team: TeamId) -> Result<(), Error> {
        let groups = self.groups_following(collection).await?;
        let gone = groups
            .iter()
            .filter(|one| one.team == team)
            .flat_map(|one| [keys::group_follows(team, one.group, collection), keys::group_subscription(collection, team, one.group)]);
        self.delete_all(&gone.collect::<Vec<_>>()).await
    }

    /// Ends what a group follows that is deleted.
    pub async fn end_group(&self, team: TeamId, group: GroupId) -> Result<(), Error> {
        let items = self.all(&Range::prefix(keys::team_partition(team), keys::followed_by_group(group))).await?;
        let all = items.into_iter().map(read).collect::<Result<Vec<GroupSubscription>, _>>()?;
        let gone = all
            .iter()
            .flat_map(|one| [keys::group_subscription(&one.collection, team, group), keys::group_follows(team, group, &one.collection)]);
        self.delete_all(&gone.collect::<Vec<_>>()).await
    }

    /// Everyone who is to be told of a collection: who subscribed, and who is in a group that did and has chosen nothing
    /// themselves. Whether they may still see it is asked when they are told. One query; where a group follows, its team's
    /// members are read as well.
    pub async fn subscribers(&self, collection: &CollectionId) -> Result<Vec<Subscription>, Error> {
        let items = self.all(&Range::prefix(keys::collection_partition(collection), keys::SUBSCRIPTIONS)).await?;
        let mut all = Vec::with_capacity(items.len());
        let (mut groups, mut chosen) = (BTreeMap::<TeamId, Vec<GroupSubscription>>::new(), HashSet::new());
        for item in items {
            let Some(key) = crate::key_of(&item) else { continue };
            if is_own(&item) {
                let subscription: Subscription = read(item)?;
                chosen.extend(subscription.item.is_none().then_some(subscription.user));
                all.push(subscription);
            } else if let Some(user) = key.sk.strip_prefix(keys::OPT_OUTS) {
                chosen.extend(user.parse::<UserId>().ok());
            } else {
                let group: GroupSubscription = read(item)?;
                groups.entry(group.team).or_default().push(group);
            }
        }
        for (team, groups) in groups {
            for member in self.members(team).await?.into_iter().filter(|member| !chosen.contains(&member.user)) {
                let theirs = groups.iter().filter(|one| member.groups.contains(&one.group));
                all.extend(together(theirs.map(|one| one.of(member.user, &member.username))));
            }
        }
        Ok(all)
    }

    /// What the caller follows, themselves or through a group. A query more for each team in which they are in a group.
    pub async fn followed_by(&self, caller: &Caller) -> Result<Vec<Subscription>, Error> {
        let own = Range::prefix(keys::user_partition(caller.user), keys::SUBSCRIPTIONS);
        let teams = caller.teams.iter().filter(|(_, member)| !member.groups.is_empty());
        let of_groups = teams.map(|(team, _)| async { self.all(&Range::prefix(keys::team_partition(*team), keys::SUBSCRIPTIONS)).await });
        let (items, of_groups) = tokio::try_join!(self.all(&own), futures::future::try_join_all(of_groups))?;
        let mut all = Vec::with_capacity(items.len());
        let mut chosen: HashSet<CollectionId> = HashSet::new();
        for item in items {
            if is_own(&item) {
                let subscription: Subscription = read(item)?;
                chosen.extend(subscription.item.is_none().then(|| subscription.collection.clone()));
                all.push(subscription);
            } else {
                chosen.extend(crate::key_of(&item).and_then(|key| keys::opted_out(&key)));
            }
        }
        let mut through: HashMap<CollectionId, Vec<Subscription>> = HashMap::new();
        for item in of_groups.into_iter().flatten() {
            let group: GroupSubscription = read(item)?;
            let inside = caller.teams.get(&group.team).is_some_and(|member| member.groups.contains(&group.group));
            if inside && !chosen.contains(&group.collection) {
                through.entry(group.collection.clone()).or_default().push(group.of(caller.user, &caller.username));
            }
        }
        let mut through: Vec<Subscription> = through.into_values().filter_map(|all| together(all.into_iter())).collect();
        through.sort_by(|one, other| (one.since, &one.collection).cmp(&(other.since, &other.collection)));
        all.extend(through);
        Ok(all)
    }

    /// The keys of what the caller's groups follow of a collection.
    fn group_keys(caller: &Caller, head: &Head) -> Vec<Key> {
        let member = head.team.and_then(|team| Some((team, caller.teams.get(&team)?)));
        let keys = member
            .into_iter()
            .flat_map(|(team, member)| member.groups.iter().map(move |group| keys::group_subscription(&head.collection, team, *group)));
        keys.collect()
    }

    fn through(caller: &Caller, items: impl Iterator<Item = Item>) -> Result<Option<Subscription>, Error> {
        let groups = items.map(read).collect::<Result<Vec<GroupSubscription>, _>>()?;
        Ok(together(groups.iter().map(|one| one.of(caller.user, &caller.username))))
    }

    /// What the caller has of a collection through their groups, whatever they have chosen.
    pub(crate) async fn through_groups(&self, caller: &Caller, head: &Head) -> Result<Option<Subscription>, Error> {
        let found = self.get_many(&Self::group_keys(caller, head)).await?;
        Self::through(caller, found.into_values())
    }

    /// The caller's own subscription, which lies at `own`, or what they have through their groups.
    pub(crate) async fn subscription_or_group(&self, caller: &Caller, head: &Head, own: Key) -> Result<Option<Subscription>, Error> {
        let out = keys::opt_out(&head.collection, caller.user);
        let wanted: Vec<Key> = [own.clone(), out.clone()].into_iter().chain(Self::group_keys(caller, head)).collect();
        let mut found = self.get_many(&wanted).await?;
        if let Some(own) = found.remove(&own) {
            return read(own).map(Some);
        }
        if found.remove(&out).is_some() {
            return Ok(None);
        }
        Self::through(caller, found.into_values())
    }

    /// Somebody does not follow a collection, whatever groups of theirs do.
    pub(crate) async fn opt_out(&self, collection: &CollectionId, user: UserId) -> Result<(), Error> {
        let mut legs = Vec::new();
        for key in opt_out_legs(collection, user) {
            legs.push(Leg::put(row(&key, "opt-out", &OptOut {})?));
        }
        legs.push(Leg::delete(keys::subscription(collection, user, None)));
        legs.push(Leg::delete(keys::my_subscription(user, collection, None)));
        self.commit(&legs).await
    }
}

//! Who sees a collection: the roles given in it, those who ask for one, and what ends when somebody loses theirs.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::access::{Access, Caller, CollectionRole, ManageAccess, ReadCollection, Why, role_in, standing};
use domain::collection::Head;
use domain::happened::{Grantee, Happened};
use domain::ids::{CollectionId, GroupId, TeamId, UserId};
use domain::limit;
use domain::team::Member;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::live::Registration;
use crate::readers::Grant;
use crate::users::Profile;
use crate::{Conflict, Ended, Error, Leg, Range, Store, events, keys, n, read, row, s, with_ttl};

/// How long somebody who asks for access may be answered.
pub const ASKED_FOR: SignedDuration = SignedDuration::from_hours(15 * 24);

/// The condition that nobody changed who sees a collection since its head was read.
pub(crate) fn same_audience(head: &Head) -> (&'static str, &'static str, Option<AttributeValue>) {
    match head.access {
        0 => ("attribute_not_exists(#access)", ":access", None),
        access => ("#access = :access", ":access", Some(n(access))),
    }
}

/// A role given to one person, as they see it.
#[derive(Serialize, Deserialize)]
struct MyGrant {
    collection: CollectionId,
    team: Option<TeamId>,
    role: CollectionRole,
}

/// That somebody asks for access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// The collection.
    pub collection: CollectionId,
    /// Who asks.
    pub user: UserId,
    /// Their name.
    pub username: String,
    /// For which role.
    pub role: CollectionRole,
    /// What they say about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Since when.
    pub asked_at: Timestamp,
    /// Until when they can be answered.
    pub expires_at: Timestamp,
}

/// The roles that are given in a collection.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// To everyone in the team, where that is chosen.
    pub everyone: Option<CollectionRole>,
    /// To groups.
    pub groups: BTreeMap<GroupId, CollectionRole>,
    /// To persons.
    pub users: BTreeMap<UserId, CollectionRole>,
}

/// A member and what they may do in a collection.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Who.
    pub member: Member,
    /// What was given to them in person.
    pub given: Option<CollectionRole>,
    /// What counts.
    pub role: CollectionRole,
    /// Why.
    pub why: Why,
}

fn role_text(role: CollectionRole) -> Result<AttributeValue, Error> {
    serde_dynamo::to_attribute_value(role).map_err(|error| Error::Failed(error.to_string()))
}

/// The legs that give a role to somebody in person, where the collection and where the person finds it.
fn grant_legs(head: &Head, user: UserId, role: Option<CollectionRole>) -> Result<[Leg; 2], Error> {
    let (own, mine) = (keys::grant(&head.collection, user), keys::my_grant(user, &head.collection));
    Ok(match role {
        Some(role) => [
            Leg::put(row(&own, "grant", &Grant { role })?),
            Leg::put(row(&mine, "grant", &MyGrant { collection: head.collection.clone(), team: head.team, role })?),
        ],
        None => [Leg::delete(own), Leg::delete(mine)],
    })
}

/// The legs that change whom a collection is for, on its head and in the list of its workspace.
fn audience_legs(before: &Head, everyone: Option<CollectionRole>, groups: &BTreeMap<GroupId, CollectionRole>) -> Result<[Leg; 2], Error> {
    let mut set = "SET #access = :next".to_owned();
    let mut remove = String::new();
    let mut values = vec![(":next", n(before.access + 1))];
    match everyone {
        Some(role) => {
            set.push_str(", #everyone = :everyone");
            values.push((":everyone", role_text(role)?));
        }
        None => remove.push_str(" REMOVE #everyone"),
    }
    if groups.is_empty() {
        remove.push_str(if remove.is_empty() { " REMOVE #groups" } else { ", #groups" });
    } else {
        set.push_str(", #groups = :groups");
        values.push((":groups", serde_dynamo::to_attribute_value(groups).map_err(|error| Error::Failed(error.to_string()))?));
    }
    let leg = |key| values.iter().fold(Leg::update(key, format!("{set}{remove}")), |leg, (name, value)| leg.value(name, value.clone()));
    Ok([
        leg(keys::head(&before.collection)).when("attribute_exists(pk) AND attribute_not_exists(#deleted_at)").and(same_audience(before)),
        leg(keys::listed(&before.workspace, &before.collection)).when("attribute_exists(pk)"),
    ])
}

impl Store {
    /// What somebody was given in person, by collection.
    pub(crate) async fn grants_of(&self, user: UserId) -> Result<HashMap<CollectionId, CollectionRole>, Error> {
        let items = self.all(&Range::prefix(keys::user_partition(user), keys::GRANTS)).await?;
        items.into_iter().map(|item| read::<MyGrant>(item).map(|grant| (grant.collection, grant.role))).collect()
    }

    /// The roles that are given in a collection.
    pub async fn given(&self, by: &Access<ReadCollection>) -> Result<Given, Error> {
        self.given_in(&by.thing).await
    }

    async fn given_in(&self, head: &Head) -> Result<Given, Error> {
        let mut users = BTreeMap::new();
        for item in self.all(&Range::prefix(keys::collection_partition(&head.collection), keys::GRANTS)).await? {
            let user = crate::key_of(&item).and_then(|key| key.sk.strip_prefix(keys::GRANTS)?.parse().ok());
            users.extend(user.map(|user| read::<Grant>(item).map(|grant| (user, grant.role))).transpose()?);
        }
        Ok(Given { everyone: head.everyone, groups: head.groups.clone(), users })
    }

    /// Each member of a collection's team with what they may do in it, and why: the rule that decides is asked.
    pub async fn standings(&self, head: &Head) -> Result<Vec<Standing>, Error> {
        let Some(team) = head.team else { return Ok(Vec::new()) };
        let (members, given) = tokio::try_join!(self.members(team), self.given_in(head))?;
        let judge = |member: Member| {
            let given = given.users.get(&member.user).copied();
            let (role, why) = standing(member.user, &member.membership(), head.audience(), given);
            Standing { member, given, role, why }
        };
        Ok(members.into_iter().map(judge).collect())
    }

    /// Gives roles in a collection, or takes them (`None`), all or nothing; it holds for every request from now on. Who
    /// sees the collection no longer is still registered and subscribed: see [`Store::drop_unseeing`].
    /// [`Conflict::CollectionGone`].
    pub async fn give_roles(
        &self,
        by: &Access<ManageAccess>,
        given: &BTreeMap<Grantee, Option<CollectionRole>>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let collection = &by.thing.collection;
        let mut head = by.thing.clone();
        let mut patience = self.patience();
        loop {
            let (mut everyone, mut groups) = (head.everyone, head.groups.clone());
            let mut legs = Vec::new();
            for (to, role) in given {
                match (to, role) {
                    (Grantee::Everyone, role) => everyone = *role,
                    (Grantee::Group(group), Some(role)) => drop(groups.insert(*group, *role)),
                    (Grantee::Group(group), None) => drop(groups.remove(group)),
                    (Grantee::User(user), role) => legs.extend(grant_legs(&head, *user, *role)?),
                }
                let what = Happened::RoleGiven { team: head.team, owner: head.owner, collection: collection.clone(), to: *to, role: *role };
                legs.push(events::leg(&by.caller, what, now)?);
            }
            legs.splice(0..0, audience_legs(&head, everyone, &groups)?);
            match self.transact(&legs).await? {
                Ended::Committed => return Ok(()),
                Ended::MovedOn(_) => patience.wait().await?,
            }
            head = self.head_now(collection).await?;
        }
    }

    /// A collection's head; `None` where it is not there (any more).
    pub async fn head(&self, collection: &CollectionId) -> Result<Option<Head>, Error> {
        let head: Option<Head> = self.get(&keys::head(collection)).await?.map(read).transpose()?;
        Ok(head.filter(|head| head.deleted_at.is_none()))
    }

    async fn head_now(&self, collection: &CollectionId) -> Result<Head, Error> {
        self.head(collection).await?.ok_or_else(|| Conflict::CollectionGone.into())
    }

    /// Ends what those follow of a collection, and are subscribed to, who see it no longer. When it has returned, no event
    /// of it reaches them: whoever registers meanwhile is asked again by its next change.
    pub async fn drop_unseeing(&self, collection: &CollectionId, now: Timestamp) -> Result<(), Error> {
        let (followers, subscribers, looking) = tokio::try_join!(
            self.followers(collection, limit::SHARDS, now),
            self.subscriptions_in(collection),
            self.looking(collection, now)
        )?;
        let of_followers = followers.iter().map(|one| one.user).chain(looking.iter().map(|one| one.user));
        let users: BTreeSet<UserId> = of_followers.chain(subscribers.iter().map(|one| one.user)).collect();
        let users: Vec<UserId> = users.into_iter().collect();
        let seeing: HashSet<UserId> = self.readers(collection, &users).await?.into_iter().map(|profile| profile.id).collect();
        self.end_registrations(followers.iter().filter(|one| !seeing.contains(&one.user))).await?;
        for gone in subscribers.iter().filter(|one| !seeing.contains(&one.user)) {
            self.end_subscription(collection, gone.user, gone.item.as_ref().map(|item| &item.id)).await?;
        }
        self.end_looking(looking.iter().filter(|one| !seeing.contains(&one.user))).await
    }

    /// Ends what a person follows of a team's collections, and is subscribed to, that they see no longer. When it has
    /// returned, no event of those reaches them: nothing registers them anew by what they were before.
    pub async fn drop_unseen(&self, user: UserId, team: TeamId) -> Result<(), Error> {
        let (registrations, subscriptions, looking, profile) = tokio::try_join!(
            self.registrations_of(user, team),
            self.subscriptions_of(user),
            self.looking_of(user, team),
            self.profile(user)
        )?;
        let caller = profile.map(|profile: Profile| profile.caller());
        let of: HashSet<CollectionId> =
            registrations.iter().map(|one| &one.collection).chain(subscriptions.iter().map(|one| &one.collection)).cloned().collect();
        let of: HashSet<CollectionId> = of.into_iter().chain(looking.iter().map(|one| one.collection.clone())).collect();
        let seen = match &caller {
            Some(caller) => self.seen(caller, &of).await?,
            None => HashMap::new(),
        };
        self.end_registrations(registrations.iter().filter(|one| !seen.contains_key(&one.collection))).await?;
        for gone in subscriptions.iter().filter(|one| !seen.contains_key(&one.collection)) {
            self.end_subscription(&gone.collection, user, gone.item.as_ref().map(|item| &item.id)).await?;
        }
        self.end_looking(looking.iter().filter(|one| !seen.contains_key(&one.collection))).await
    }

    /// Takes back what a person who is out was given in a team's collections and workspaces: should they come back, they begin anew.
    pub async fn forget_grants(&self, user: UserId, team: TeamId, now: Timestamp) -> Result<(), Error> {
        let items = self.all(&Range::prefix(keys::user_partition(user), keys::GRANTS)).await?;
        let mut gone = Vec::new();
        for item in items {
            let grant: MyGrant = read(item)?;
            if grant.team == Some(team) {
                gone.extend([keys::grant(&grant.collection, user), keys::my_grant(user, &grant.collection)]);
            }
        }
        self.delete_all(&gone).await?;
        self.forget_in_workspaces(user, team, now).await
    }

    /// Of registrations made before it last changed who sees the collection, those whose users still do.
    pub async fn still_seeing(&self, collection: &CollectionId, asked: Vec<Registration>) -> Result<Vec<Registration>, Error> {
        let users: BTreeSet<UserId> = asked.iter().map(|one| one.user).collect();
        let readers = self.readers(collection, &users.into_iter().collect::<Vec<_>>()).await?;
        let seeing: HashSet<UserId> = readers.into_iter().map(|profile| profile.id).collect();
        let (stay, gone): (Vec<_>, Vec<_>) = asked.into_iter().partition(|one| seeing.contains(&one.user));
        self.end_registrations(&gone).await?;
        Ok(stay)
    }

    /// Notes that the caller asks for a role, where the collection is there, is a team's that they are in, and they may do
    /// less. Otherwise nothing happens: whoever asks learns nothing of it.
    pub async fn ask_access(
        &self,
        by: &Caller,
        collection: &CollectionId,
        role: CollectionRole,
        message: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut items = self.get_many(&[keys::head(collection), keys::grant(collection, by.user), keys::ask(collection, by.user)]).await?;
        let Some(head) = items.remove(&keys::head(collection)) else { return Ok(()) };
        let head: Head = read(head)?;
        let grant: Option<Grant> = items.remove(&keys::grant(collection, by.user)).map(read).transpose()?;
        let Some((team, member)) = head.team.and_then(|team| Some((team, by.teams.get(&team)?))) else { return Ok(()) };
        // What is in a private workspace is given to nobody who is not let in.
        let outside = head.room.as_ref().is_some_and(|room| room.role(by.user, member).is_none());
        if outside || head.deleted_at.is_some() {
            return Ok(());
        }
        if role_in(by, &head, grant.map(|grant| grant.role)).is_some_and(|has| role <= has) {
            return Ok(());
        }
        let ask = Ask {
            collection: collection.clone(),
            user: by.user,
            username: by.username.clone(),
            role,
            message: message.to_owned(),
            asked_at: now,
            expires_at: now + ASKED_FOR,
        };
        // Who asks again for the same within the time has asked already.
        let before: Option<Ask> = items.remove(&keys::ask(collection, by.user)).map(read).transpose()?;
        if before.is_some_and(|before| now < before.expires_at && before.role == role && before.message == message) {
            return Ok(());
        }
        let what = Happened::AccessAsked { team, collection: collection.clone(), user: by.user, role };
        let item = with_ttl(row(&keys::ask(collection, by.user), "ask", &ask)?, ask.expires_at);
        self.commit(&[Leg::put(item), events::leg(by, what, now)?]).await
    }

    /// Who waits for an answer, the first first.
    pub async fn asks(&self, by: &Access<ManageAccess>, now: Timestamp) -> Result<Vec<Ask>, Error> {
        let items = self.all(&Range::prefix(keys::collection_partition(&by.thing.collection), keys::ASKS)).await?;
        let mut asks = items.into_iter().map(read).collect::<Result<Vec<Ask>, _>>()?;
        asks.retain(|ask| now < ask.expires_at);
        asks.sort_by_key(|ask| (ask.asked_at, ask.user));
        Ok(asks)
    }

    /// What somebody asks for, while they can be answered.
    pub async fn ask(&self, collection: &CollectionId, user: UserId, now: Timestamp) -> Result<Option<Ask>, Error> {
        let ask: Option<Ask> = self.get(&keys::ask(collection, user)).await?.map(read).transpose()?;
        Ok(ask.filter(|ask| now < ask.expires_at))
    }

    /// Answers somebody who asks: with a role, or with no (`None`). [`Conflict::AskGone`]: nobody asks, or not any more;
    /// [`Conflict::NotMember`]: they are no longer in the team.
    pub async fn answer_ask(
        &self,
        by: &Access<ManageAccess>,
        user: UserId,
        role: Option<CollectionRole>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let collection = &by.thing.collection;
        let mut head = by.thing.clone();
        let mut patience = self.patience();
        loop {
            let ask = self.ask(collection, user, now).await?.ok_or(Conflict::AskGone)?;
            let team = head.team.ok_or(Conflict::AskGone)?;
            let what = Happened::AccessAnswered { team, collection: collection.clone(), user, role };
            let mut legs = vec![
                Leg::delete(keys::ask(collection, user)).when("#asked_at = :asked").value(":asked", s(ask.asked_at)).or(Conflict::AskGone),
                events::leg(&by.caller, what, now)?,
            ];
            if role.is_some() {
                legs.push(Leg::check(keys::member(team, user)).when("attribute_exists(pk)").or(Conflict::NotMember));
                legs.extend(grant_legs(&head, user, role)?);
                legs.extend(audience_legs(&head, head.everyone, &head.groups)?);
            }
            match self.transact(&legs).await? {
                Ended::Committed => return Ok(()),
                Ended::MovedOn(_) => patience.wait().await?,
            }
            head = self.head_now(collection).await?;
        }
    }

    /// Who may give roles in a collection now, with their profiles: for the mails to them.
    pub async fn givers(&self, collection: &CollectionId) -> Result<Option<(Head, Vec<Profile>)>, Error> {
        let Some(head) = self.head(collection).await? else { return Ok(None) };
        let standings = self.standings(&head).await?;
        let givers: Vec<UserId> = standings.iter().filter(|one| one.role == CollectionRole::Admin).map(|one| one.member.user).collect();
        let mut profiles: Vec<Profile> = self.profiles(&givers).await?.into_values().collect();
        profiles.sort_by_key(|profile| profile.id);
        Ok(Some((head, profiles)))
    }

    /// The name of a collection that somebody may see; for a letter to them.
    pub async fn name_for(&self, profile: &Profile, collection: &CollectionId) -> Result<Option<String>, Error> {
        let seen = self.seen(&profile.caller(), &HashSet::from([collection.clone()])).await?;
        Ok(seen.into_values().next().map(|(head, _)| head.name))
    }
}

//! The end of an account. It ends in one transaction, after which nothing opens it any more; what is left of it is noted,
//! and removed by the janitor. What its owner did in teams stays, under the name of a former member.

use std::collections::BTreeSet;

use domain::access::Caller;
use domain::account::{Email, Username};
use domain::change::FORMER_MEMBER;
use domain::happened::{Event, Happened};
use domain::ids::{TeamId, UserId, WorkspaceId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::access_keys::AccessKey;
use crate::identities::Identity;
use crate::live::Connection;
use crate::subscriptions::{MailLevel, Subscription};
use crate::users::{Profile, claim_of};
use crate::{Conflict, Error, Item, Leg, Range, Store, events, key_of, keys, read, row, s, values};

/// What is left to do about an account that has ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Farewell {
    /// Whose it was.
    pub user: UserId,
    /// Where they are told.
    pub email: Email,
    /// What they were called.
    pub username: Username,
    /// Their own workspace, which goes with all that is in it.
    pub workspace: WorkspaceId,
    /// The teams that they left with it.
    pub teams: Vec<TeamId>,
    /// The teams that they bought for without being in them.
    #[serde(default)]
    pub buys: BTreeSet<TeamId>,
    /// Since when they had the account.
    pub since: Timestamp,
    /// When it ended.
    pub at: Timestamp,
    #[serde(rename = "gsi1pk")]
    index: String,
    #[serde(rename = "gsi1sk")]
    due: String,
}

impl Store {
    /// Ends the caller's account, whose teams they have left. From then on nothing opens it, and its names are free.
    /// `teams` are those that they were in. [`Conflict::SessionGone`]: it has ended, or is in a team again.
    pub async fn end_account(&self, by: &Caller, profile: &Profile, teams: &[TeamId], now: Timestamp) -> Result<(), Error> {
        let user = by.user;
        let farewell = Farewell {
            user,
            email: profile.email.clone(),
            username: profile.username.clone(),
            workspace: profile.workspace.clone(),
            teams: teams.to_vec(),
            buys: profile.buys.clone(),
            since: profile.created_at,
            at: now,
            index: keys::FAREWELLS.to_owned(),
            due: keys::farewell_since(now, user),
        };
        let own = "attribute_not_exists(pk) OR #user = :user";
        let alone = "attribute_exists(pk) AND (attribute_not_exists(#teams) OR size(#teams) = :none)";
        let mut legs = vec![
            Leg::delete(keys::profile(user)).when(alone).number(":none", 0).or(Conflict::SessionGone),
            Leg::delete(keys::name_claim(&profile.username)).when(own).number(":user", user),
            Leg::delete(claim_of(&profile.email)).when(own).number(":user", user),
            Leg::put(row(&keys::farewell(user), "farewell", &farewell)?),
            events::leg(None, Happened::AccountEnded { user }, now)?,
        ];
        let left = profile.emails_before.iter().filter(|left| left.email != profile.email);
        legs.extend(left.map(|left| Leg::delete(claim_of(&left.email)).when(own).number(":user", user)));
        self.commit(&legs).await
    }

    /// What is left of an account that has ended.
    pub async fn farewell(&self, user: UserId) -> Result<Option<Farewell>, Error> {
        self.get(&keys::farewell(user)).await?.map(read).transpose()
    }

    /// Removes what is left of accounts that have ended. Gives of how many.
    pub async fn remove_ended_accounts(&self, now: Timestamp) -> Result<usize, Error> {
        let mut removed = 0;
        for item in self.all(&Range::below(keys::FAREWELLS.to_owned(), keys::due(now)).in_index()).await? {
            // The index is for eyes: the item itself decides.
            let Some(key) = key_of(&item) else { continue };
            let Some(item) = self.get(&key).await? else { continue };
            self.remove_account(&read(item)?, now).await?;
            // Only now: a crash above is found again.
            self.delete_when(&key, None, Item::new()).await?;
            removed += 1;
        }
        Ok(removed)
    }

    async fn remove_account(&self, farewell: &Farewell, now: Timestamp) -> Result<(), Error> {
        let user = farewell.user;
        for team in &farewell.teams {
            self.rename_in(Range::of(keys::team_feed(*team)), user).await?;
            self.rename_in(Range::of(keys::team_access_feed(*team)), user).await?;
            let Some(team) = self.team(*team).await? else { continue };
            for workspace in self.rooms_of(&team).await? {
                for listed in self.listed_in(&workspace).await? {
                    self.rename_in(Range::prefix(keys::log_partition(&listed.collection), keys::CHANGES), user).await?;
                    self.rename_in(Range::of(keys::talk_partition(&listed.collection)), user).await?;
                    self.delete_when(&keys::grant(&listed.collection, user), None, Item::new()).await?;
                }
            }
            self.forget_in_workspaces(user, team.id, now).await?;
        }
        for team in &farewell.buys {
            self.delete_when(&keys::buyer(*team, user), None, Item::new()).await?;
        }
        // First what others' partitions hold of it, which this one says where to find.
        let own = keys::user_partition(user);
        for item in self.all(&Range::prefix(own.clone(), keys::SUBSCRIPTIONS)).await? {
            if let Some(collection) = key_of(&item).and_then(|key| keys::opted_out(&key)) {
                self.delete_when(&keys::opt_out(&collection, user), None, Item::new()).await?;
                continue;
            }
            let subscription: Subscription = read(item)?;
            let item = subscription.item.map(|item| item.id);
            self.end_subscription(&subscription.collection, user, item.as_ref()).await?;
        }
        for key in self.all(&Range::prefix(own.clone(), keys::GRANTS)).await?.iter().filter_map(key_of) {
            // What they said in other people's own collections stays as well.
            let Some(collection) = keys::granted(&key) else { continue };
            self.rename_in(Range::of(keys::talk_partition(&collection)), user).await?;
        }
        for item in self.all(&Range::prefix(own.clone(), keys::ACCESS_KEYS)).await? {
            let key: AccessKey = read(item)?;
            self.delete_when(&keys::access_pointer(&key.collection, &key.id), None, Item::new()).await?;
        }
        for item in self.all(&Range::prefix(own.clone(), keys::CONNECTIONS)).await? {
            let connection: Connection = read(item)?;
            self.disconnect(&connection.connection).await?;
        }
        for item in self.all(&Range::prefix(own.clone(), keys::IDENTITIES)).await? {
            let identity: Identity = read(item)?;
            self.delete_when(&keys::identity_claim(&identity.digest), None, Item::new()).await?;
        }
        self.erase_workspace(&farewell.workspace).await?;
        let waiting = [MailLevel::Now, MailLevel::Hourly, MailLevel::Daily].map(|rhythm| keys::waiting_partition(user, rhythm.as_str()));
        let months = months(farewell.since, now).into_iter().map(|month| keys::audit_partition(&own, &keys::month(month)));
        let partitions = [keys::user_feed(user), keys::inbox(user)].into_iter().chain(waiting).chain(months);
        for partition in partitions.chain([own.clone()]) {
            self.erase(partition, |_| None).await?;
        }
        Ok(())
    }

    /// Calls the author of changes a former member, where it is this one.
    async fn rename_in(&self, range: Range, user: UserId) -> Result<(), Error> {
        let mut start = None;
        loop {
            let page = self.page(&range, start).await?;
            let theirs = page.items.iter().filter(|item| {
                let author = item.get("actor").and_then(|actor| actor.as_m().ok()).and_then(|actor| actor.get("id")?.as_n().ok());
                author.is_some_and(|id| *id == user.to_string())
            });
            for key in theirs.filter_map(key_of) {
                let former = values([(":former", s(FORMER_MEMBER))]);
                self.update_when(&key, "SET #actor.#username = :former", "attribute_exists(pk)", former).await?;
            }
            start = page.next;
            if start.is_none() {
                return Ok(());
            }
        }
    }

    /// What happened to an account, the oldest first.
    pub async fn trail(&self, user: UserId, since: Timestamp, now: Timestamp) -> Result<Vec<Event>, Error> {
        let mut all = Vec::new();
        for month in months(since, now) {
            let items = self.all(&Range::of(keys::audit_partition(&keys::user_partition(user), &keys::month(month)))).await?;
            all.extend(items.into_iter().map(events::read_event).collect::<Result<Vec<_>, _>>()?);
        }
        Ok(all)
    }
}

/// A time in each month from one to another.
fn months(since: Timestamp, until: Timestamp) -> Vec<Timestamp> {
    let mut months = vec![since];
    while let Some(last) = months.last()
        && last.strftime("%Y%m").to_string() < until.strftime("%Y%m").to_string()
    {
        // No month is skipped by steps of 28 days; the same one twice is left out.
        let mut next = *last + SignedDuration::from_hours(28 * 24);
        if next.strftime("%Y%m").to_string() == last.strftime("%Y%m").to_string() {
            next += SignedDuration::from_hours(4 * 24);
        }
        months.push(next);
    }
    months
}

#[cfg(test)]
mod tests {

    #[test]
    fn each_month_comes_once() {
        let months = |since: &str, until: &str| -> Vec<String> {
            super::months(since.parse().unwrap(), until.parse().unwrap()).iter().map(|at| at.strftime("%Y%m").to_string()).collect()
        };
        assert_eq!(months("2026-01-31T23:00:00Z", "2026-01-31T23:30:00Z"), ["202601"]);
        assert_eq!(months("2026-01-31T23:00:00Z", "2026-04-01T00:00:00Z"), ["202601", "202602", "202603", "202604"]);
        assert_eq!(months("2025-12-01T00:00:00Z", "2026-02-28T00:00:00Z"), ["202512", "202601", "202602"]);
        let years = months("2020-01-01T00:00:00Z", "2026-11-25T00:00:00Z");
        let mut once = years.clone();
        once.dedup();
        assert_eq!((years.len(), once.len()), (83, 83));
    }
}

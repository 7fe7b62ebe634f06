//! Groups of a team's members. Who is in one stands with each member and, for decisions, in the member's own profile.

use std::collections::BTreeSet;

use domain::access::{Access, ManageMembers};
use domain::happened::Happened;
use domain::ids::{GroupId, TeamId, UserId};
use domain::limit;
use domain::team::{Group, Member};
use jiff::Timestamp;

use crate::teams::still;
use crate::{Conflict, Ended, Error, Leg, Store, events, keys, read, row, users};

impl Store {
    /// A group.
    pub async fn group(&self, team: TeamId, group: GroupId) -> Result<Option<Group>, Error> {
        self.get(&keys::group(team, group)).await?.map(read).transpose()
    }

    /// Makes a group with nobody in it. [`Conflict::IdTaken`], [`Conflict::TooManyGroups`] (to a few that are made at once).
    pub async fn create_group(&self, by: &Access<ManageMembers>, group: &Group, now: Timestamp) -> Result<(), Error> {
        if limit::GROUPS <= self.groups(by.thing).await?.len() {
            return Err(Conflict::TooManyGroups.into());
        }
        let what = Happened::GroupMade { team: by.thing, group: group.id, name: group.name.clone() };
        let create = Leg::create(row(&keys::group(by.thing, group.id), "group", group)?).or(Conflict::IdTaken);
        self.commit(&[create, events::leg(&by.caller, what, now)?]).await
    }

    /// Gives a group another name or summary. [`Conflict::GroupGone`].
    pub async fn rename_group(&self, by: &Access<ManageMembers>, group: &Group, now: Timestamp) -> Result<(), Error> {
        let what = Happened::GroupChanged { team: by.thing, group: group.id, name: group.name.clone() };
        let set = Leg::update(keys::group(by.thing, group.id), "SET #name = :name, #summary = :summary, #updated_at = :now")
            .when("attribute_exists(pk)")
            .or(Conflict::GroupGone)
            .text(":name", group.name.as_str())
            .text(":summary", group.summary.as_str())
            .text(":now", now.to_string());
        self.commit(&[set, events::leg(&by.caller, what, now)?]).await
    }

    /// Puts a member into a group, or takes them out of it; it holds for every request from now on. What they follow and
    /// see no longer is still there: see [`Store::drop_unseen`]. [`Conflict::NotMember`], [`Conflict::GroupGone`].
    pub async fn set_in_group(
        &self,
        by: &Access<ManageMembers>,
        group: GroupId,
        user: UserId,
        inside: bool,
        now: Timestamp,
    ) -> Result<(), Error> {
        let team = by.thing;
        let mut patience = self.patience();
        loop {
            let was = self.member(team, user).await?.ok_or(Conflict::NotMember)?;
            let mut groups: BTreeSet<GroupId> = was.groups.iter().copied().collect();
            let changes = if inside { groups.insert(group) } else { groups.remove(&group) };
            if !changes {
                return Ok(());
            }
            let member = Member { groups: groups.into_iter().collect(), ..was.clone() };
            let what = if inside { Happened::GroupJoined { team, group, user } } else { Happened::GroupLeft { team, group, user } };
            let mut legs = vec![
                still(Leg::put(row(&keys::member(team, user), "member", &member)?), &was),
                users::change(user, team, &member),
                events::leg(&by.caller, what, now)?,
            ];
            if inside {
                legs.push(Leg::check(keys::group(team, group)).when("attribute_exists(pk)").or(Conflict::GroupGone));
            }
            match self.transact(&legs).await? {
                Ended::Committed => return Ok(()),
                Ended::MovedOn(_) => patience.wait().await?,
            }
        }
    }

    /// Deletes a group. Its members are still in it: they are to be taken out, then nothing knows it. [`Conflict::GroupGone`].
    pub async fn delete_group(&self, by: &Access<ManageMembers>, group: GroupId, now: Timestamp) -> Result<(), Error> {
        let delete = Leg::delete(keys::group(by.thing, group)).when("attribute_exists(pk)").or(Conflict::GroupGone);
        self.commit(&[delete, events::leg(&by.caller, Happened::GroupDeleted { team: by.thing, group }, now)?]).await
    }
}

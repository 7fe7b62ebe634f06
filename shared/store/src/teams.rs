//! Teams: seats, members, workspaces.

use domain::access::{Access, Caller, LeaveTeam, ManageInvites, ManageMembers, Membership, TeamRole};
use domain::happened::Happened;
use domain::ids::{TeamId, UserId, WorkspaceId};
use domain::team::{Group, Handle, Joining, Member, Seats, Team, Workspace};
use std::collections::HashSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use aws_sdk_dynamodb::types::AttributeValue;

use crate::keys::Key;
use crate::{Conflict, Ended, Error, Item, Leg, Range, Store, events, flag, keys, n, read, row, users};

/// What a new team is made of.
#[derive(Debug, Clone)]
pub struct NewTeam {
    /// The id that was drawn.
    pub id: TeamId,
    /// Its name.
    pub name: String,
    /// Its part of a URL.
    pub handle: Handle,
    /// A sentence about it.
    pub description: String,
    /// The id of its workspace.
    pub workspace: WorkspaceId,
}

/// Who has a team URL.
#[derive(Serialize, Deserialize)]
pub(crate) struct HandleClaim {
    pub(crate) team: TeamId,
}

/// By what right a member goes.
#[derive(Debug, Clone)]
pub enum Removal {
    /// An admin removes them.
    By(Access<ManageMembers>, UserId),
    /// They leave by themselves.
    Leaving(Access<LeaveTeam>),
}

impl Removal {
    fn parts(&self) -> (&Caller, TeamId, UserId) {
        match self {
            Removal::By(access, user) => (&access.caller, access.thing, *user),
            Removal::Leaving(access) => (&access.caller, access.thing, access.caller.user),
        }
    }
}

/// A team from its item.
pub fn read_team(item: Item) -> Result<Team, Error> {
    read(item)
}

/// A team's seats from their item.
pub fn read_seats(item: Item) -> Result<Seats, Error> {
    read(item)
}

/// The leg that takes `count` seats. A condition cannot subtract, so that the free seats are kept beside the taken ones.
pub(crate) fn take_seats(team: TeamId, count: usize) -> Leg {
    Leg::update(keys::seats(team), "SET #used = #used + :count, #free = #free - :count")
        .when("#free >= :count")
        .number(":count", count)
        .or(Conflict::NoFreeSeat)
}

/// The leg that gives one seat back.
pub(crate) fn free_seat(team: TeamId) -> Leg {
    Leg::update(keys::seats(team), "SET #used = #used - :one, #free = #free + :one").when("#used >= :one").number(":one", 1)
}

/// The leg that counts one more admin.
pub(crate) fn one_more_admin(team: TeamId) -> Leg {
    Leg::update(keys::team(team), "SET #admins = #admins + :one").when("attribute_exists(pk)").number(":one", 1)
}

pub(crate) fn one_admin_less(team: TeamId) -> Leg {
    Leg::update(keys::team(team), "SET #admins = #admins - :one").when("#admins > :one").number(":one", 1).or(Conflict::LastAdmin)
}

/// The condition that a member is what was read.
pub(crate) fn still(leg: Leg, member: &Member) -> Leg {
    let leg = leg.when("#role = :was AND #billing = :billed").value(":was", role(member.role)).value(":billed", flag(member.billing));
    let groups = member.groups.iter().map(n).collect::<Vec<_>>();
    leg.and(match groups.is_empty() {
        true => ("attribute_not_exists(#groups)", ":groups", None),
        false => ("#groups = :groups", ":groups", Some(AttributeValue::L(groups))),
    })
}

pub(crate) fn role(role: TeamRole) -> AttributeValue {
    crate::s(match role {
        TeamRole::Viewer => "viewer",
        TeamRole::Editor => "editor",
        TeamRole::Admin => "admin",
    })
}

fn seats_item(team: TeamId, seats: Seats) -> Result<Item, Error> {
    let mut item = row(&keys::seats(team), "seats", &seats)?;
    item.insert("free".to_owned(), n(seats.free()));
    Ok(item)
}

impl Store {
    /// Makes a team with one seat, taken by its maker, who is admin and looks after the seats, and with its workspace.
    /// Refuses with [`Conflict::HandleTaken`], [`Conflict::IdTaken`].
    pub async fn create_team(&self, by: &Caller, new: &NewTeam, now: Timestamp) -> Result<(Team, Seats), Error> {
        let seats = Seats { count: 1, used: 1 };
        let (team, mut legs) = self.made(by, new, seats, 1, now)?;
        let membership = Membership::new(TeamRole::Admin, true);
        let member = Member {
            team: new.id,
            user: by.user,
            username: by.username.clone(),
            role: TeamRole::Admin,
            billing: true,
            groups: Vec::new(),
            joined_at: now,
        };
        legs.push(Leg::create(row(&keys::member(new.id, by.user), "member", &member)?).or(Conflict::IdTaken));
        legs.push(users::join(by.user, new.id, membership)?);
        self.commit(&legs).await?;
        Ok((team, seats))
    }

    /// The legs of a new team with so many seats and admins, and with its workspace, but without anybody in it.
    pub(crate) fn made(&self, by: &Caller, new: &NewTeam, seats: Seats, admins: u64, now: Timestamp) -> Result<(Team, Vec<Leg>), Error> {
        let team = Team {
            id: new.id,
            name: new.name.clone(),
            handle: new.handle.clone(),
            logo: None,
            description: new.description.clone(),
            workspace: new.workspace.clone(),
            created_by: by.user,
            created_at: now,
            updated_at: now,
            admins,
            joining: Joining::default(),
            requires_second_factor: false,
            delete_at: None,
            read_only: false,
        };
        let workspace = Workspace::new(new.workspace.clone(), "Team Library", Some(new.id), by.user, now);
        let legs = vec![
            Leg::create(row(&keys::handle_claim(new.handle.as_str()), "claim", &HandleClaim { team: new.id })?).or(Conflict::HandleTaken),
            Leg::create(row(&keys::team(new.id), "team", &team)?).or(Conflict::IdTaken),
            Leg::create(seats_item(new.id, seats)?).or(Conflict::IdTaken),
            Leg::create(row(&keys::workspace(&new.workspace), "workspace", &workspace)?).or(Conflict::IdTaken),
            events::leg(by, Happened::TeamMade { team: new.id }, now)?,
        ];
        Ok((team, legs))
    }

    /// Teams with their seats, in the order of `ids`; those that do not exist are left out.
    pub async fn teams(&self, ids: &[TeamId]) -> Result<Vec<(Team, Seats)>, Error> {
        let wanted: Vec<Key> = ids.iter().flat_map(|id| [keys::team(*id), keys::seats(*id)]).collect();
        let mut found = self.get_many(&wanted).await?;
        let mut teams = Vec::with_capacity(ids.len());
        for id in ids {
            if let (Some(team), Some(seats)) = (found.remove(&keys::team(*id)), found.remove(&keys::seats(*id))) {
                teams.push((read(team)?, read(seats)?));
            }
        }
        Ok(teams)
    }

    /// A team.
    pub async fn team(&self, team: TeamId) -> Result<Option<Team>, Error> {
        self.get(&keys::team(team)).await?.map(read).transpose()
    }

    /// The team that has a URL.
    pub async fn team_by_handle(&self, handle: &Handle) -> Result<Option<TeamId>, Error> {
        let claim = self.get(&keys::handle_claim(handle.as_str())).await?;
        Ok(claim.map(read::<HandleClaim>).transpose()?.map(|claim| claim.team))
    }

    /// The seats of a team.
    pub async fn seats(&self, team: TeamId) -> Result<Option<Seats>, Error> {
        self.get(&keys::seats(team)).await?.map(read).transpose()
    }

    /// Sets how people come into a team.
    pub async fn set_joining(&self, access: &Access<ManageInvites>, joining: Joining, now: Timestamp) -> Result<(), Error> {
        let team = access.thing;
        let value = serde_dynamo::to_attribute_value(joining).map_err(|error| Error::Failed(error.to_string()))?;
        let set = Leg::update(keys::team(team), "SET #joining = :joining").when("attribute_exists(pk)").value(":joining", value);
        self.commit(&[set, events::leg(&access.caller, Happened::JoiningSet { team, joining }, now)?]).await
    }

    /// The members of a team, in the order in which their accounts were made.
    pub async fn members(&self, team: TeamId) -> Result<Vec<Member>, Error> {
        let items = self.all(&Range::prefix(keys::team_partition(team), keys::MEMBERS)).await?;
        items.into_iter().map(read).collect()
    }

    /// Which of `users` are in a team.
    pub async fn members_among(&self, team: TeamId, users: &[UserId]) -> Result<HashSet<UserId>, Error> {
        Ok(self.members_named(team, users).await?.into_iter().map(|member| member.user).collect())
    }

    /// Those of `users` who are in a team, as its members.
    pub async fn members_named(&self, team: TeamId, users: &[UserId]) -> Result<Vec<Member>, Error> {
        let mut wanted: Vec<Key> = users.iter().map(|user| keys::member(team, *user)).collect();
        wanted.sort();
        wanted.dedup();
        let found = self.get_many(&wanted).await?;
        found.into_values().map(read).collect()
    }

    /// The groups of a team, the oldest first.
    pub async fn groups(&self, team: TeamId) -> Result<Vec<Group>, Error> {
        let items = self.all(&Range::prefix(keys::team_partition(team), keys::GROUPS)).await?;
        items.into_iter().map(read).collect()
    }

    /// A member.
    pub async fn member(&self, team: TeamId, user: UserId) -> Result<Option<Member>, Error> {
        self.get(&keys::member(team, user)).await?.map(read).transpose()
    }

    /// Changes a member's role, or whether they look after seats and payment, or both; at once, for every request that
    /// begins after this. Refuses with [`Conflict::NotMember`], [`Conflict::LastAdmin`].
    pub async fn change_member(
        &self,
        access: &Access<ManageMembers>,
        user: UserId,
        role: Option<TeamRole>,
        billing: Option<bool>,
        now: Timestamp,
    ) -> Result<Member, Error> {
        let team = access.thing;
        let mut patience = self.patience();
        loop {
            let was = self.member(team, user).await?.ok_or(Conflict::NotMember)?;
            let member = Member { role: role.unwrap_or(was.role), billing: billing.unwrap_or(was.billing), ..was.clone() };
            if member == was {
                return Ok(was);
            }
            let what = Happened::RoleChanged { team, user, role: member.role, billing: member.billing };
            let mut legs = vec![
                still(Leg::put(row(&keys::member(team, user), "member", &member)?), &was),
                users::change(user, team, &member),
                events::leg(&access.caller, what, now)?,
            ];
            match (was.role == TeamRole::Admin, member.role == TeamRole::Admin) {
                (true, false) => legs.push(one_admin_less(team)),
                (false, true) => legs.push(one_more_admin(team)),
                _ => (),
            }
            match self.transact(&legs).await? {
                Ended::Committed => return Ok(member),
                Ended::MovedOn(_) => patience.wait().await?,
            }
        }
    }

    /// Takes a member out of a team and frees the seat. Their live registrations are still there.
    /// Refuses with [`Conflict::NotMember`], [`Conflict::LastAdmin`].
    pub async fn remove_member(&self, removal: &Removal, now: Timestamp) -> Result<(), Error> {
        let (by, team, user) = removal.parts();
        let mut patience = self.patience();
        loop {
            let was = self.member(team, user).await?.ok_or(Conflict::NotMember)?;
            let mut legs = vec![
                still(Leg::delete(keys::member(team, user)), &was),
                users::part(user, team),
                free_seat(team),
                events::leg(by, Happened::Left { team, user }, now)?,
            ];
            if was.role == TeamRole::Admin {
                legs.push(one_admin_less(team));
            }
            match self.transact(&legs).await? {
                Ended::Committed => return Ok(()),
                Ended::MovedOn(_) => patience.wait().await?,
            }
        }
    }
}

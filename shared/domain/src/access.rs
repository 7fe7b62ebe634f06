//! Who may do what: one table of rules, one function that reads it, and a value that proves it was asked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::change::Actor;
use crate::collection::Head;
use crate::ids::{CollectionId, KeyId, SessionId, TeamId, UserId, WorkspaceId};
use crate::once::{Done, Once};
use crate::team::Workspace;

/// A member's role in a team, the lesser first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TeamRole {
    /// Reads.
    Viewer,
    /// Reads and edits.
    Editor,
    /// Everything but money.
    Admin,
}

/// A role in one collection, the lesser first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CollectionRole {
    /// Hidden: a deny, which wins over every other role.
    None,
    /// Reads.
    Viewer,
    /// Reads and edits.
    Editor,
    /// Also deletes it and chooses who edits.
    Admin,
}

/// What a person is in a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// Their role.
    pub role: TeamRole,
    /// Whether they also look after seats and payment.
    #[serde(default)]
    pub billing: bool,
}

/// Who calls, as the table says it at the time of the call.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The person.
    pub user: UserId,
    /// Their name.
    pub username: String,
    /// Whether their e-mail address is confirmed.
    pub verified: bool,
    /// The sign-in they came with; `None` with an API key.
    pub session: Option<SessionId>,
    /// The API key they came with; `None` with a sign-in.
    pub key: Option<KeyId>,
    /// `false` with a key that only reads.
    pub writes: bool,
    /// The one collection that they may know of, with a key that is bound to it.
    pub only: Option<CollectionId>,
    /// The program that they call with, as it names itself (`User-Agent`).
    pub client: Option<String>,
    /// How this request is known again, where it says so.
    pub once: Option<Once>,
    /// Their own workspace.
    pub workspace: WorkspaceId,
    /// Their teams.
    pub teams: BTreeMap<TeamId, Membership>,
}

impl Caller {
    /// What came of this request, where it was done already.
    pub fn done(&self) -> Option<&Done> {
        self.once.as_ref()?.done.as_deref()
    }

    /// The caller as the author of a change.
    pub fn actor(&self) -> Actor {
        Actor { id: self.user, username: self.username.clone() }
    }
}

/// What can be done, apart from what anyone may do with what is their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// See a team, its members, its library and its feed.
    ReadTeam,
    /// Choose the number of seats.
    ManageSeats,
    /// Invite, see and take back invitations.
    ManageInvites,
    /// Ask the admins to invite somebody.
    AskToInvite,
    /// Change roles, remove members.
    ManageMembers,
    /// Stop being a member.
    LeaveTeam,
    /// See what a workspace holds.
    ReadWorkspace,
    /// Put a collection into a workspace.
    CreateCollection,
    /// Read a collection and follow its changes.
    ReadCollection,
    /// Change its content.
    EditCollection,
    /// Delete it.
    DeleteCollection,
    /// Make an access key for it, with which anyone reads it.
    ShareCollection,
    /// See and delete everybody's access keys for it.
    ManageAccessKeys,
}

enum Needs {
    Member,
    Team(TeamRole),
    AdminOrBilling,
    Confirmed(TeamRole),
    Collection(CollectionRole),
}

impl Action {
    /// The table of rules.
    fn needs(self) -> Needs {
        match self {
            Action::ReadTeam | Action::ReadWorkspace | Action::LeaveTeam => Needs::Member,
            Action::ManageSeats => Needs::AdminOrBilling,
            Action::ManageInvites => Needs::Confirmed(TeamRole::Admin),
            Action::AskToInvite => Needs::Confirmed(TeamRole::Viewer),
            Action::ManageMembers => Needs::Team(TeamRole::Admin),
            Action::CreateCollection => Needs::Team(TeamRole::Editor),
            Action::ReadCollection => Needs::Collection(CollectionRole::Viewer),
            Action::EditCollection | Action::ShareCollection => Needs::Collection(CollectionRole::Editor),
            Action::DeleteCollection | Action::ManageAccessKeys => Needs::Collection(CollectionRole::Admin),
        }
    }

    fn reads(self) -> bool {
        matches!(self, Action::ReadTeam | Action::ReadWorkspace | Action::ReadCollection)
    }
}

/// What something is to be done to.
#[derive(Debug, Clone, Copy)]
pub enum Thing<'a> {
    /// A team.
    Team(TeamId),
    /// A workspace.
    Workspace(&'a Workspace),
    /// A collection, with the role given to the caller in person.
    Collection(&'a Head, Option<CollectionRole>),
}

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denied {
    /// The caller may not even know that it exists.
    NotFound,
    /// The caller sees it, but may not do this. Says what it needs, as the end of "this needs …".
    Forbidden(&'static str),
}

/// The caller's role in a collection; `None` where they must not know that it exists.
pub fn role_in(caller: &Caller, head: &Head, grant: Option<CollectionRole>) -> Option<CollectionRole> {
    let hidden = caller.only.as_ref().is_some_and(|only| *only != head.collection);
    if hidden || head.deleted_at.is_some() || grant == Some(CollectionRole::None) {
        return None;
    }
    let Some(team) = head.team else {
        return if head.owner == caller.user { Some(CollectionRole::Admin) } else { grant };
    };
    // What is a team's is seen by its members only, whoever made it.
    let member = caller.teams.get(&team)?;
    let by_team = match member.role {
        TeamRole::Admin => CollectionRole::Admin,
        TeamRole::Editor => CollectionRole::Editor,
        TeamRole::Viewer => CollectionRole::Viewer,
    };
    let role = match (grant, head.everyone) {
        _ if head.owner == caller.user => CollectionRole::Admin,
        (Some(grant), _) => grant,
        (None, Some(everyone)) => everyone,
        (None, None) => by_team,
    };
    (role != CollectionRole::None).then_some(role)
}

/// Whether `caller` may do `action` to `thing`. The only place that decides.
pub fn allows(caller: &Caller, action: Action, thing: Thing<'_>) -> Result<(), Denied> {
    // A key that is bound to a collection knows of nothing else.
    if caller.only.is_some() && !matches!(thing, Thing::Collection(..)) {
        return Err(Denied::NotFound);
    }
    let membership = match thing {
        Thing::Team(team) => Some(*caller.teams.get(&team).ok_or(Denied::NotFound)?),
        Thing::Workspace(workspace) => match workspace.team {
            Some(team) => Some(*caller.teams.get(&team).ok_or(Denied::NotFound)?),
            None if workspace.owner == caller.user => Some(Membership { role: TeamRole::Admin, billing: false }),
            None => return Err(Denied::NotFound),
        },
        Thing::Collection(..) => None,
    };
    let role = match thing {
        Thing::Collection(head, grant) => Some(role_in(caller, head, grant).ok_or(Denied::NotFound)?),
        _ => None,
    };
    if !caller.writes && !action.reads() {
        return Err(Denied::Forbidden("an API key with the scope \"write\""));
    }
    let team_role = |needed: TeamRole| membership.is_some_and(|member| needed <= member.role);
    let (allowed, needs) = match action.needs() {
        Needs::Member => (membership.is_some(), "a member"),
        Needs::Team(needed) => {
            (team_role(needed), if needed == TeamRole::Admin { "the role admin in the team" } else { "the role editor in the team" })
        }
        Needs::AdminOrBilling => {
            (team_role(TeamRole::Admin) || membership.is_some_and(|member| member.billing), "the role admin or billing in the team")
        }
        Needs::Confirmed(needed) if !caller.verified => {
            (false, if team_role(needed) { "a confirmed e-mail address" } else { "the role admin in the team" })
        }
        Needs::Confirmed(needed) => (team_role(needed), "the role admin in the team"),
        Needs::Collection(needed) => (
            role.is_some_and(|role| needed <= role),
            if needed == CollectionRole::Admin { "the role admin in the collection" } else { "the role editor in the collection" },
        ),
    };
    if allowed { Ok(()) } else { Err(Denied::Forbidden(needs)) }
}

/// What a permission can be about.
pub trait Subject {
    /// As the rules see it; `grant` is the role given to the caller in person, where there is one.
    fn seen(&self, grant: Option<CollectionRole>) -> Thing<'_>;
}

impl Subject for TeamId {
    fn seen(&self, _: Option<CollectionRole>) -> Thing<'_> {
        Thing::Team(*self)
    }
}

impl Subject for Workspace {
    fn seen(&self, _: Option<CollectionRole>) -> Thing<'_> {
        Thing::Workspace(self)
    }
}

impl Subject for Head {
    fn seen(&self, grant: Option<CollectionRole>) -> Thing<'_> {
        Thing::Collection(self, grant)
    }
}

/// A kind of permission, as a type.
pub trait Permission {
    /// What it permits.
    const ACTION: Action;
    /// To what.
    type Thing: Subject + Clone + std::fmt::Debug;
}

/// Proof that `caller` may do `P` to `thing`. Only [`Access::check`] makes one, and every write of the store asks for one.
#[derive(Debug, Clone)]
pub struct Access<P: Permission> {
    /// Who.
    pub caller: Caller,
    /// To what.
    pub thing: P::Thing,
    proof: std::marker::PhantomData<P>,
}

impl<P: Permission> Access<P> {
    /// Asks the rules. `grant` is the role given to the caller in person in a collection; `None` elsewhere.
    pub fn check(caller: Caller, thing: P::Thing, grant: Option<CollectionRole>) -> Result<Access<P>, Denied> {
        allows(&caller, P::ACTION, thing.seen(grant))?;
        Ok(Access { caller, thing, proof: std::marker::PhantomData })
    }
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident: $thing:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name;
        impl Permission for $name {
            const ACTION: Action = Action::$name;
            type Thing = $thing;
        }
    )*};
}

permissions! {
    /// See [`Action::ReadTeam`].
    ReadTeam: TeamId;
    /// See [`Action::ManageSeats`].
    ManageSeats: TeamId;
    /// See [`Action::ManageInvites`].
    ManageInvites: TeamId;
    /// See [`Action::AskToInvite`].
    AskToInvite: TeamId;
    /// See [`Action::ManageMembers`].
    ManageMembers: TeamId;
    /// See [`Action::LeaveTeam`].
    LeaveTeam: TeamId;
    /// See [`Action::ReadWorkspace`].
    ReadWorkspace: Workspace;
    /// See [`Action::CreateCollection`].
    CreateCollection: Workspace;
    /// See [`Action::ReadCollection`].
    ReadCollection: Head;
    /// See [`Action::EditCollection`].
    EditCollection: Head;
    /// See [`Action::DeleteCollection`].
    DeleteCollection: Head;
    /// See [`Action::ShareCollection`].
    ShareCollection: Head;
    /// See [`Action::ManageAccessKeys`].
    ManageAccessKeys: Head;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(user: u64, teams: &[(u64, TeamRole)]) -> Caller {
        Caller {
            user: UserId(user),
            username: "u".into(),
            verified: true,
            session: None,
            key: None,
            writes: true,
            only: None,
            client: None,
            once: None,
            workspace: "w".parse().unwrap(),
            teams: teams.iter().map(|(team, role)| (TeamId(*team), Membership { role: *role, billing: false })).collect(),
        }
    }

    fn head(team: Option<u64>, everyone: Option<CollectionRole>) -> Head {
        let at = jiff::Timestamp::UNIX_EPOCH;
        Head {
            collection: "c".parse().unwrap(),
            workspace: "w".parse().unwrap(),
            team: team.map(TeamId),
            owner: UserId(1),
            name: "n".into(),
            seq: 1,
            generation: "g".parse().unwrap(),
            count: 0,
            everyone,
            created_at: at,
            updated_at: at,
            updated_by: UserId(1),
            last: None,
            deleted_at: None,
            sweeping: Vec::new(),
        }
    }

    #[test]
    fn roles_in_a_collection() {
        use CollectionRole::{Admin, Editor, Viewer};
        let shared = head(Some(9), None);
        for (role, expected) in [(TeamRole::Viewer, Viewer), (TeamRole::Editor, Editor), (TeamRole::Admin, Admin)] {
            assert_eq!(role_in(&caller(2, &[(9, role)]), &shared, None), Some(expected));
        }
        assert_eq!(role_in(&caller(2, &[(8, TeamRole::Admin)]), &shared, Some(Admin)), None, "a stranger, even with a grant");
        assert_eq!(role_in(&caller(1, &[]), &shared, None), None, "the maker, after leaving the team");
        assert_eq!(role_in(&caller(1, &[(9, TeamRole::Viewer)]), &shared, None), Some(Admin), "the maker");
        assert_eq!(role_in(&caller(2, &[(9, TeamRole::Admin)]), &shared, Some(CollectionRole::None)), None, "hidden wins");
        let hidden = head(Some(9), Some(CollectionRole::None));
        assert_eq!(role_in(&caller(2, &[(9, TeamRole::Editor)]), &hidden, None), None);
        assert_eq!(role_in(&caller(2, &[(9, TeamRole::Editor)]), &hidden, Some(Viewer)), Some(Viewer));
        let own = head(None, None);
        assert_eq!(role_in(&caller(1, &[]), &own, None), Some(Admin));
        assert_eq!(role_in(&caller(2, &[]), &own, None), None);
    }

    #[test]
    fn a_bound_key_knows_of_its_collection_only() {
        let bound = |to: &str| Caller { only: Some(to.parse().unwrap()), ..caller(1, &[(9, TeamRole::Admin)]) };
        let (own, shared) = (head(None, None), head(Some(9), None));
        for head in [&own, &shared] {
            assert_eq!(allows(&bound("c"), Action::DeleteCollection, Thing::Collection(head, None)), Ok(()));
            for action in [Action::ReadCollection, Action::EditCollection, Action::DeleteCollection] {
                assert_eq!(allows(&bound("other"), action, Thing::Collection(head, Some(CollectionRole::Admin))), Err(Denied::NotFound));
            }
        }
        assert_eq!(allows(&bound("c"), Action::ReadTeam, Thing::Team(TeamId(9))), Err(Denied::NotFound));
        let at = jiff::Timestamp::UNIX_EPOCH;
        let workspace = Workspace { id: "w".parse().unwrap(), name: String::new(), team: None, owner: UserId(1), created_at: at };
        assert_eq!(allows(&bound("c"), Action::CreateCollection, Thing::Workspace(&workspace)), Err(Denied::NotFound));
    }

    #[test]
    fn a_stranger_learns_nothing_and_a_reader_is_told() {
        let team = Thing::Team(TeamId(9));
        assert_eq!(allows(&caller(2, &[]), Action::ManageInvites, team), Err(Denied::NotFound));
        assert!(matches!(allows(&caller(2, &[(9, TeamRole::Viewer)]), Action::ManageInvites, team), Err(Denied::Forbidden(_))));
        assert_eq!(allows(&caller(2, &[(9, TeamRole::Admin)]), Action::ManageInvites, team), Ok(()));
        let unconfirmed = Caller { verified: false, ..caller(2, &[(9, TeamRole::Admin)]) };
        assert_eq!(allows(&unconfirmed, Action::ManageInvites, team), Err(Denied::Forbidden("a confirmed e-mail address")));
        let reader = Caller { writes: false, ..caller(2, &[(9, TeamRole::Admin)]) };
        assert!(allows(&reader, Action::ReadTeam, team).is_ok());
        assert!(allows(&reader, Action::ManageSeats, team).is_err());
    }
}

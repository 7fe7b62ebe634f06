//! Who calls, and what the table says of them: their roles in teams, and how they came in.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::change::Actor;
use crate::ids::{CollectionId, GroupId, KeyId, SessionId, TeamId, UserId, WorkspaceId};
use crate::once::{Done, Once};

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

impl TeamRole {
    /// What it gives in a collection whose maker has not chosen.
    pub fn in_collections(self) -> CollectionRole {
        match self {
            TeamRole::Admin => CollectionRole::Admin,
            TeamRole::Editor => CollectionRole::Editor,
            TeamRole::Viewer => CollectionRole::Viewer,
        }
    }
}

/// What a person is in a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// Their role.
    pub role: TeamRole,
    /// Whether they also look after seats and payment.
    #[serde(default)]
    pub billing: bool,
    /// The team's groups that they are in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupId>,
    /// Whether the team asks for a second factor: without one the member does not get in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub second_factor: bool,
    /// That the team takes only sign-ins through its own single sign-on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sso: Option<SsoOnly>,
}

impl Membership {
    /// A member with a role, in no group, of a team that asks for nothing more.
    pub fn new(role: TeamRole, billing: bool) -> Membership {
        Membership { role, billing, groups: Vec::new(), second_factor: false, sso: None }
    }
}

/// A team that takes only sign-ins through its own single sign-on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SsoOnly {
    /// Sign-ins before this time came through another issuer.
    pub since: Timestamp,
    /// Whether API keys open the team nevertheless.
    pub api_keys: bool,
}

/// How somebody came, for teams that care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// By a sign-in: through the single sign-on of which team, and when.
    SignIn(Option<TeamId>, Timestamp),
    /// By an API key.
    ApiKey,
}

impl Door {
    fn opens(self, team: TeamId, membership: &Membership) -> bool {
        membership.sso.is_none_or(|only| match self {
            Door::SignIn(through, at) => through == Some(team) && only.since <= at,
            Door::ApiKey => only.api_keys,
        })
    }
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
    /// With an access key: when it was made. It tells nothing of what was before.
    pub shown_since: Option<Timestamp>,
    /// The program that they call with, as it names itself (`User-Agent`).
    pub client: Option<String>,
    /// How this request is known again, where it says so.
    pub once: Option<Once>,
    /// Their own workspace.
    pub workspace: WorkspaceId,
    /// Whether they sign in with a second factor.
    pub second_factor: bool,
    /// Their teams.
    pub teams: BTreeMap<TeamId, Membership>,
    /// Those of their teams that they do not get into before they have a second factor.
    pub closed: BTreeMap<TeamId, Membership>,
    /// The network address that they call from, where it is known.
    pub address: Option<String>,
    /// Their teams that do not open to how they came.
    pub held: BTreeMap<TeamId, Membership>,
    /// The team through whose single sign-on they came.
    pub through: Option<TeamId>,
    /// Those of their teams that can only read, because an invoice has waited for too long.
    pub read_only: BTreeSet<TeamId>,
    /// Teams that they buy for without being in them.
    pub buys: BTreeSet<TeamId>,
}

impl Caller {
    /// What came of this request, where it was done already.
    pub fn done(&self) -> Option<&Done> {
        self.once.as_ref()?.done.as_deref()
    }

    /// Whoever it is, with an account or without: what is public is read in this name. Nobody is asked for more with it
    /// than to read a workspace or a collection.
    pub fn anyone() -> Caller {
        Caller {
            user: UserId(0),
            username: String::new(),
            verified: false,
            session: None,
            key: None,
            writes: false,
            only: None,
            shown_since: None,
            client: None,
            once: None,
            workspace: WorkspaceId::from(uuid::Uuid::nil()),
            second_factor: false,
            teams: BTreeMap::new(),
            closed: BTreeMap::new(),
            address: None,
            held: BTreeMap::new(),
            through: None,
            read_only: BTreeSet::new(),
            buys: BTreeSet::new(),
        }
    }

    /// Whether this is [`Caller::anyone`].
    pub fn is_anyone(&self) -> bool {
        self.user == UserId(0)
    }

    /// The caller as if they had a second factor.
    pub fn inside(&self) -> Caller {
        let mut inside = self.clone();
        inside.teams.append(&mut inside.closed);
        inside
    }

    /// The caller as they came: teams that do not open to that are held back.
    pub fn come(mut self, door: Door) -> Caller {
        (self.teams, self.held) = self.teams.into_iter().partition(|(team, membership)| door.opens(*team, membership));
        self.through = match door {
            Door::SignIn(through, _) => through,
            Door::ApiKey => None,
        };
        self
    }

    /// The caller with what is held back: for what has to work also where a team's single sign-on does not.
    pub(super) fn with_held(&self) -> Caller {
        let mut whole = self.clone();
        whole.teams.append(&mut whole.held);
        whole
    }

    /// The caller as the author of a change.
    pub fn actor(&self) -> Actor {
        Actor { id: self.user, username: self.username.clone() }
    }
}

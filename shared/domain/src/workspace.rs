//! Workspaces: where collections live, and who is let in.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::access::{Membership, TeamRole};
use crate::ids::{GroupId, TeamId, UserId, WorkspaceId};

/// Where collections live: a person's own workspace, a team's library, or another workspace of a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// Its id.
    pub id: WorkspaceId,
    /// Its name.
    pub name: String,
    /// A sentence about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// More about it, in Markdown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The team whose it is; `None` for a person's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// The person whose it is, or who made it.
    pub owner: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed, where it ever did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
    /// Who changed it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_by: Option<UserId>,
    /// Who is let in. `None`: the members of its team, each by their role there; or the person whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<Room>,
    /// Whether it is being deleted: nothing new comes in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closing: bool,
}

impl Workspace {
    /// One to which everyone of its team is let in, or a person's own.
    pub fn new(id: WorkspaceId, name: &str, team: Option<TeamId>, owner: UserId, created_at: Timestamp) -> Workspace {
        Workspace {
            id,
            name: name.to_owned(),
            about: String::new(),
            description: String::new(),
            team,
            owner,
            created_at,
            updated_at: None,
            updated_by: None,
            room: None,
            closing: false,
        }
    }

    /// Who sees it.
    pub fn visibility(&self) -> Visibility {
        match (&self.room, self.team) {
            (_, None) => Visibility::Personal,
            (None, Some(_)) => Visibility::Team,
            (Some(room), Some(_)) => room.visibility,
        }
    }

    /// How often it was changed who is let in.
    pub fn revision(&self) -> u64 {
        self.room.as_ref().map_or(0, |room| room.revision)
    }
}

/// Who sees a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// One person.
    Personal,
    /// Those to whom it was given.
    Private,
    /// The members of its team.
    Team,
    /// Anybody, with an account or without, and search engines; the members of its team as in any other.
    Public,
}

impl Visibility {
    /// The word that the API uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Visibility::Personal => "personal",
            Visibility::Private => "private",
            Visibility::Team => "team",
            Visibility::Public => "public",
        }
    }
}

/// Who is let into a workspace of a team. A copy stands in the head of each collection in it, so that whoever reads the
/// head knows without another read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Who sees it.
    pub visibility: Visibility,
    /// The roles given to persons.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub users: BTreeMap<UserId, TeamRole>,
    /// The roles given to groups.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<GroupId, TeamRole>,
    /// Counts up with each change: a newer copy is never overwritten by an older one.
    pub revision: u64,
}

impl Room {
    /// The highest role that somebody was given in it, in person or through a group.
    pub fn given(&self, user: UserId, member: &Membership) -> Option<TeamRole> {
        let groups = member.groups.iter().filter_map(|group| self.groups.get(group));
        self.users.get(&user).into_iter().chain(groups).max().copied()
    }

    /// What a member of the team is in it; `None`: it is not for them. A private one asks only what was given.
    pub fn role(&self, user: UserId, member: &Membership) -> Option<TeamRole> {
        let given = self.given(user, member);
        match self.visibility {
            Visibility::Private | Visibility::Personal => given,
            Visibility::Team | Visibility::Public => given.max(Some(member.role)),
        }
    }

    /// Whether somebody is admin by what was given, not only through the team.
    pub fn has_admin(&self) -> bool {
        self.users.values().chain(self.groups.values()).any(|role| *role == TeamRole::Admin)
    }
}

/// What a member of a workspace's team is in it.
pub fn role_in_workspace(workspace: &Workspace, user: UserId, member: &Membership) -> Option<TeamRole> {
    workspace.room.as_ref().map_or(Some(member.role), |room| room.role(user, member))
}

//! Teams, their workspaces, seats and invitations.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Rejected;
use crate::access::{Membership, TeamRole};
use crate::account::Email;
use crate::ids::{GroupId, InviteId, TeamId, UserId, WishId, WorkspaceId};
use crate::limit;
use crate::mail_domain::Discovery;
pub use crate::workspace::Workspace;

/// A team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    /// Its id.
    pub id: TeamId,
    /// Its name.
    pub name: String,
    /// Its part of a URL, unique.
    pub handle: Handle,
    /// A sentence about it.
    pub description: String,
    /// The name of its logo's content; `None`: there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo: Option<String>,
    /// Its workspace, the Team Library.
    pub workspace: WorkspaceId,
    /// Who made it.
    pub created_by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// When its name or description last changed.
    pub updated_at: Timestamp,
    /// How many members are admins. 0 only where somebody bought for others, until the admin they named has come.
    pub admins: u64,
    /// Whether members need a second factor to get in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub requires_second_factor: bool,
    /// How people come in.
    #[serde(default)]
    pub joining: Joining,
    /// When it will be deleted, where somebody wants that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_at: Option<Timestamp>,
    /// Whether its members can only read, because an invoice has waited for too long.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
}

impl Team {
    /// How long one may change one's mind about deleting a team.
    pub const SECOND_THOUGHTS: SignedDuration = SignedDuration::from_hours(15 * 24);

    /// Where its logo is. With the content in its name, so that a page shows a new one at once.
    pub fn logo_path(&self) -> Option<String> {
        Some(format!("/api/teams/{}/logo?v={}", self.id, self.logo.as_ref()?))
    }
}

/// Somebody who buys for a team without being in it: they hold no seat, and see its plan and invoices only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buyer {
    /// The team.
    pub team: TeamId,
    /// The person.
    pub user: UserId,
    /// Their name when they began.
    pub username: String,
}

/// How people come into a team, as its admins chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Joining {
    /// Whether only the account with the invited address can accept an invitation. Otherwise its link is enough.
    pub bound: bool,
    /// Whether people with an address in the team's domains find it.
    pub discovery: Discovery,
    /// What those are who come in that way.
    pub role: TeamRole,
}

impl Default for Joining {
    fn default() -> Joining {
        Joining { bound: false, discovery: Discovery::Off, role: TeamRole::Viewer }
    }
}

/// The seats of a team. Members and pending invitations each hold one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seats {
    /// How many there are.
    pub count: u64,
    /// How many are taken.
    pub used: u64,
}

impl Seats {
    /// How many are free.
    pub fn free(&self) -> u64 {
        self.count.saturating_sub(self.used)
    }
}

/// A member of a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The team.
    pub team: TeamId,
    /// The person.
    pub user: UserId,
    /// Their name when they joined.
    pub username: String,
    /// Their role.
    pub role: TeamRole,
    /// Whether they look after seats and payment.
    #[serde(default)]
    pub billing: bool,
    /// The team's groups that they are in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupId>,
    /// Since when.
    pub joined_at: Timestamp,
}

impl Member {
    /// What the person's own item says of their roles; what the team asks of them stands there only.
    pub fn membership(&self) -> Membership {
        Membership { groups: self.groups.clone(), ..Membership::new(self.role, self.billing) }
    }
}

/// A group of a team's members, to whom roles in collections are given together. Who is in it stands with the members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// The team.
    pub team: TeamId,
    /// Its name.
    pub name: String,
    /// A sentence about it.
    #[serde(default)]
    pub summary: String,
    /// Who made it.
    pub created_by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// When its name or summary last changed.
    pub updated_at: Timestamp,
}

/// An invitation that waits. Its secret is not in the table: it is derived from the signing key, the id and `round`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invite {
    /// Its id.
    pub id: InviteId,
    /// The team.
    pub team: TeamId,
    /// To whom it was mailed.
    pub email: Email,
    /// The role that it gives.
    pub role: TeamRole,
    /// Who invited.
    pub inviter: UserId,
    /// Their name.
    pub inviter_name: String,
    /// Counts up with each resend: an older link is dead.
    pub round: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it can be accepted.
    pub expires_at: Timestamp,
}

impl Invite {
    /// How long an invitation can be accepted.
    pub const LIFETIME: SignedDuration = SignedDuration::from_hours(30 * 24);
}

/// A member's wish that somebody be invited, for an admin to decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// Its id: the address has one at a time.
    pub id: WishId,
    /// The team.
    pub team: TeamId,
    /// Who is to be invited.
    pub email: Email,
    /// As what.
    pub role: TeamRole,
    /// Who asks.
    pub by: UserId,
    /// Their name.
    pub by_name: String,
    /// Why, in their words.
    #[serde(default)]
    pub note: String,
    /// What became of it.
    pub state: WishState,
    /// When it was asked.
    pub created_at: Timestamp,
    /// Until when it can be decided.
    pub expires_at: Timestamp,
}

/// What became of a [`Wish`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WishState {
    /// Nobody has decided yet.
    Pending,
    /// The address was invited.
    Approved,
    /// It was not.
    Refused,
}

impl Wish {
    /// How long one waits for a decision, and is remembered.
    pub const LIFETIME: SignedDuration = Invite::LIFETIME;
}

/// A team's part of a URL: 2 to 64 of `a-z 0-9 -`, not at its ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Handle(String);

impl Handle {
    /// Reads one as typed; upper case becomes lower case.
    pub fn parse(raw: &str) -> Result<Handle, Rejected> {
        let handle = raw.trim().to_lowercase();
        let plain = handle.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !plain || handle.starts_with('-') || handle.ends_with('-') || !(2..=64).contains(&handle.len()) {
            return Err(Rejected::because("a team URL is 2 to 64 of a-z, 0-9 and -, and neither starts nor ends with -"));
        }
        Ok(Handle(handle))
    }

    /// Makes one from a team's name.
    pub fn from_name(name: &str) -> Result<Handle, Rejected> {
        let dashed: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
        let words: Vec<&str> = dashed.split('-').filter(|word| !word.is_empty()).collect();
        let joined: String = words.join("-").chars().take(64).collect();
        Handle::parse(joined.trim_matches('-')).map_err(|_| Rejected::because("this name gives no URL: choose one"))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A name as typed, without white space around it.
pub fn name(raw: &str) -> Result<String, Rejected> {
    let name = raw.trim();
    if name.is_empty() {
        return Err(Rejected::because("a name is needed"));
    }
    if name.chars().count() > limit::NAME_CHARS {
        return Err(Rejected::because(format!("a name has at most {} characters", limit::NAME_CHARS)));
    }
    if name.chars().any(char::is_control) {
        return Err(Rejected::because("a name has no control characters"));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles() {
        assert_eq!(Handle::from_name(" The Team, Ltd. ").unwrap().as_str(), "the-team-ltd");
        assert!(Handle::from_name("日本").is_err());
        assert_eq!(Handle::parse("ACME").unwrap().as_str(), "acme");
        for bad in ["a", "-ab", "ab-", "a b", "a/b", "ä1", &"a".repeat(65)] {
            assert!(Handle::parse(bad).is_err(), "{bad}");
        }
    }
}

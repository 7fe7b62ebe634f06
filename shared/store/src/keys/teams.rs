//! Keys of teams, their members, invitations and payments.

use domain::ids::{GroupId, InviteId, TeamId, UserId, WishId, WorkspaceId};
use domain::mail_domain::DomainName;
use jiff::Timestamp;

use super::{Key, milliseconds};

/// Everything of one team.
pub fn team_partition(team: TeamId) -> String {
    format!("TEAM#{team}")
}

/// The team itself.
pub fn team(team: TeamId) -> Key {
    Key::new(team_partition(team), "TEAM")
}

/// Its seats; apart from the team, so that a new name never collides with somebody joining.
pub fn seats(team: TeamId) -> Key {
    Key::new(team_partition(team), "SEATS")
}

/// Its single sign-on.
pub fn team_sso(team: TeamId) -> Key {
    Key::new(team_partition(team), "SSO")
}

/// A team's logo.
pub fn logo(team: TeamId) -> Key {
    Key::new(team_partition(team), "LOGO")
}

/// The prefix of a team's members.
pub const MEMBERS: &str = "MEMBER#";

/// A member.
pub fn member(team: TeamId, user: UserId) -> Key {
    Key::new(team_partition(team), format!("{MEMBERS}{user}"))
}

/// The prefix of a team's invitations.
pub const INVITES: &str = "INVITE#";

/// An invitation.
pub fn invite(team: TeamId, invite: &InviteId) -> Key {
    Key::new(team_partition(team), format!("{INVITES}{invite}"))
}

/// What a team pays.
pub fn billing(team: TeamId) -> Key {
    Key::new(team_partition(team), "BILLING")
}

/// The partition of gsi1 that lists what teams pay.
pub const BILLING: &str = "BILLING";

/// The place of what a team pays in gsi1.
pub fn billing_at(at: Timestamp, team: TeamId) -> String {
    format!("{}#{team}", milliseconds(at))
}

/// The end of the range of gsi1 that is to be looked at by `at`.
pub fn billing_until(at: Timestamp) -> String {
    // Below, not at: one millisecond later, so that what is due now is in it.
    milliseconds(at.saturating_add(jiff::SignedDuration::from_millis(1)).unwrap_or(at))
}

/// The team in whose partition something lies.
pub fn team_of(key: &Key) -> Option<TeamId> {
    key.pk.strip_prefix("TEAM#")?.parse().ok()
}

/// The prefix of a team's invoices.
pub const INVOICES: &str = "INVOICE#";

/// An invoice.
pub fn invoice(team: TeamId, number: u64) -> Key {
    Key::new(team_partition(team), format!("{INVOICES}{number:010}"))
}

/// The prefix of those who buy for a team.
pub const BUYERS: &str = "BUYER#";

/// Somebody who buys for a team.
pub fn buyer(team: TeamId, user: UserId) -> Key {
    Key::new(team_partition(team), format!("{BUYERS}{user}"))
}

/// The prefix of a team's mail domains.
pub const TEAM_DOMAINS: &str = "DOMAIN#";

/// A mail domain of a team.
pub fn team_domain(team: TeamId, name: &DomainName) -> Key {
    Key::new(team_partition(team), format!("{TEAM_DOMAINS}{name}"))
}

/// Which team has proven a mail domain.
pub fn domain_claim(name: &DomainName) -> Key {
    Key::new(format!("DOMAIN#{name}"), "CLAIM")
}

/// A member who may change the address that the team controls.
pub fn let_go(team: TeamId, user: UserId) -> Key {
    Key::new(team_partition(team), format!("LETGO#{user}"))
}

/// The prefix of a team's wishes that somebody be invited.
pub const WISHES: &str = "WISH#";

/// A wish that somebody be invited. Its id is the hash of the address.
pub fn wish(team: TeamId, wish: &WishId) -> Key {
    Key::new(team_partition(team), format!("{WISHES}{wish}"))
}

/// The partition of gsi1 that lists teams to be deleted.
pub const DOOMED: &str = "DOOMED";

/// A team's place in gsi1 until it is deleted.
pub fn doomed_at(at: Timestamp, team: TeamId) -> String {
    format!("{}#{team}", milliseconds(at))
}

/// The end of the range of gsi1 that is due at `at`.
pub fn doomed_until(at: Timestamp) -> String {
    milliseconds(at)
}

/// The prefix of a team's groups.
pub const GROUPS: &str = "GROUP#";

/// A group of a team's members.
pub fn group(team: TeamId, group: GroupId) -> Key {
    Key::new(team_partition(team), format!("{GROUPS}{group}"))
}

/// The partition of gsi1 that lists invitations.
pub const PENDING_INVITES: &str = "INVITES";

/// An invitation's place in gsi1.
pub fn invite_until(at: Timestamp, team: TeamId, invite: &InviteId) -> String {
    format!("{}#{team}#{invite}", milliseconds(at))
}

/// The end of the range of gsi1 that has expired at `at`.
pub fn invites_until(at: Timestamp) -> String {
    milliseconds(at)
}

/// The prefix of a team's workspaces beside its library.
pub const ROOMS: &str = "ROOM#";

/// That a workspace is a team's.
pub fn room(team: TeamId, workspace: &WorkspaceId) -> Key {
    Key::new(team_partition(team), format!("{ROOMS}{workspace}"))
}

/// The partition that lists public workspaces.
pub const PUBLIC: &str = "PUBLIC";

/// That a workspace is public.
pub fn public(workspace: &WorkspaceId) -> Key {
    Key::new(PUBLIC, workspace.to_string())
}

/// The partition of gsi1 that lists workspaces whose collections do not yet say who is let in.
pub const ROOMS_DUE: &str = "ROOMS";

/// Such a workspace's place in gsi1.
pub fn room_due(at: Timestamp, workspace: &WorkspaceId) -> String {
    format!("{}#{workspace}", milliseconds(at))
}

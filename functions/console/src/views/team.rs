//! A team: its members, seats and invitations.

use askama::Template;

use super::{Frame, Moment, TeamLink};

/// `/teams/new`.
#[derive(Debug, Template)]
#[template(path = "team_new.html")]
pub struct New {
    /// Around it.
    pub frame: Frame,
    /// This Postroom's host, which stands before a team's URL part.
    pub host: String,
    /// What one may buy for others.
    pub plans: Vec<super::Plan>,
}

/// `/teams/{team}`.
#[derive(Debug, Template)]
#[template(path = "team.html")]
pub struct TeamPage {
    /// Around it.
    pub frame: Frame,
    /// The team.
    pub team: TeamLink,
    /// Who is in it.
    pub members: Vec<Member>,
    /// Who was asked.
    pub invites: Vec<Pending>,
    /// How many may be in it.
    pub seats: Seats,
    /// The roles one may give.
    pub roles: Vec<&'static str>,
    /// Whether the viewer may change roles and remove members.
    pub may_manage: bool,
    /// Whether the viewer says who looks after seats and payment.
    pub may_grant: bool,
    /// Whether the viewer may invite.
    pub may_invite: bool,
    /// Whether the viewer could invite if they had confirmed their address.
    pub confirm_first: bool,
    /// Whether members need a second factor to get in.
    pub second_factor: bool,
    /// Whether the viewer has one, without which they cannot ask others for it.
    pub has_second_factor: bool,
    /// Whether the viewer may change the number of seats.
    pub may_seat: bool,
    /// Whether the viewer looks after payment.
    pub may_bill: bool,
    /// Whether invitations are for their addresses only.
    pub bound: bool,
    /// Who is to be invited: for an admin what waits, for others what they asked.
    pub wishes: Vec<Wish>,
    /// Whether the viewer may ask for an invitation.
    pub may_ask: bool,
}

/// A wish that somebody be invited.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Its id.
    pub id: String,
    /// Who is to be invited.
    pub email: String,
    /// As what.
    pub role: String,
    /// Who asks.
    pub by: String,
    /// Why.
    pub note: String,
    /// `pending`, `approved` or `refused`.
    pub state: &'static str,
    /// When it was asked.
    pub asked: Moment,
}

/// A member.
#[derive(Debug, Clone)]
pub struct Member {
    /// The user's id.
    pub id: String,
    /// The username.
    pub username: String,
    /// The role.
    pub role: String,
    /// The address, for admins; masked outside the team's own domains.
    pub email: Option<String>,
    /// Whether the team controls the address.
    pub controlled: bool,
    /// Whether they also look after billing.
    pub billing: bool,
    /// Since when.
    pub joined: Moment,
    /// Whether it is the viewer.
    pub is_me: bool,
}

/// An invitation that nobody has accepted yet.
#[derive(Debug, Clone)]
pub struct Pending {
    /// Its id.
    pub id: String,
    /// The address.
    pub email: String,
    /// The role that waits.
    pub role: String,
    /// Who invited.
    pub inviter: String,
    /// Until when it may be accepted.
    pub expires: Moment,
    /// Whether that is over.
    pub expired: bool,
    /// The secret link, for those who may see it.
    pub link: Option<String>,
}

/// Seats: members and pending invitations each hold one.
#[derive(Debug, Clone, Copy)]
pub struct Seats {
    /// In total.
    pub count: u64,
    /// Held.
    pub used: u64,
    /// Left.
    pub free: u64,
}

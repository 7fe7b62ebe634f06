//! The pages one sees before being inside: landing, sign up, sign in, confirm, invitation, and what went wrong.

use askama::Template;

use super::{Found, Frame, Moment, Robot, TeamLink};

/// `/` for a visitor.
#[derive(Debug, Template)]
#[template(path = "landing.html")]
pub struct Landing {
    /// Around it.
    pub frame: Frame,
    /// Where this Postroom is, `https://…` without a slash at the end.
    pub origin: String,
}

/// `/` for somebody with no team, or with several.
#[derive(Debug, Template)]
#[template(path = "home.html")]
pub struct Home {
    /// Around it.
    pub frame: Frame,
    /// Who is greeted.
    pub name: String,
    /// The names of their teams that ask for a second factor, which they do not have.
    pub closed: Vec<String>,
    /// Their teams that take only sign-ins through their own single sign-on.
    pub held: Vec<TeamLink>,
    /// A team that they find by their address.
    pub found: Option<Found>,
    /// Teams that they pay for without being in them.
    pub bought: Vec<TeamLink>,
}

/// What an invitation says, without its secret's hash.
#[derive(Debug, Clone)]
pub struct Note {
    /// The secret of the link.
    pub token: String,
    /// The team's name.
    pub team: String,
    /// The role that waits.
    pub role: String,
    /// The address it was sent to.
    pub email: String,
    /// Who sent it.
    pub inviter: String,
    /// Until when it may be accepted.
    pub expires: Moment,
    /// Whether somebody with that address has an account.
    pub account_exists: bool,
    /// Whether only that address can accept.
    pub bound: bool,
    /// The team's id, where it has a single sign-on.
    pub sso: Option<String>,
}

/// `/signup`.
#[derive(Debug, Template)]
#[template(path = "signup.html")]
pub struct Signup {
    /// Around it.
    pub frame: Frame,
    /// The invitation that brought the visitor here.
    pub invite: Option<Note>,
    /// Whether the confirmation is on its way.
    pub sent: bool,
    /// Whether one may sign up with Google.
    pub google: bool,
    /// The robot check.
    pub robot: Option<Robot>,
}

/// `/signin`.
#[derive(Debug, Template)]
#[template(path = "signin.html")]
pub struct Signin {
    /// Around it.
    pub frame: Frame,
    /// The invitation that brought the visitor here.
    pub invite: Option<Note>,
    /// Whether somebody is signed in with this browser.
    pub others: bool,
    /// What somebody has got who has shown all but the second factor.
    pub challenge: Option<String>,
    /// Where to go then: a path of ours.
    pub then: String,
    /// What has just happened, as a sentence.
    pub news: Option<&'static str>,
    /// Why a sign-in elsewhere did not work.
    pub failed: Option<&'static str>,
    /// Whether one may sign in with Google.
    pub google: bool,
}

/// `/forgot`.
#[derive(Debug, Template)]
#[template(path = "forgot.html")]
pub struct Forgot {
    /// Around it.
    pub frame: Frame,
    /// Whether a letter is on the way.
    pub sent: bool,
    /// The robot check.
    pub robot: Option<Robot>,
}

/// `/reset`, `/email`, `/way-back`: what the link of a letter does, behind a button, because mail scanners follow links.
#[derive(Debug, Template)]
#[template(path = "link.html")]
pub struct Link {
    /// Around it.
    pub frame: Frame,
    /// The secret of the link, if there is one.
    pub token: Option<String>,
    /// The heading.
    pub title: &'static str,
    /// What happens.
    pub text: &'static str,
    /// What the button says.
    pub button: &'static str,
    /// Where the form goes.
    pub api: &'static str,
    /// Where the visitor goes then.
    pub then: &'static str,
    /// Whether a new password is asked for.
    pub password: bool,
}

/// `/confirm`.
#[derive(Debug, Template)]
#[template(path = "confirm.html")]
pub struct Confirm {
    /// Around it.
    pub frame: Frame,
    /// The secret of the link, if there is one.
    pub token: Option<String>,
}

/// `/invite/{token}`.
#[derive(Debug, Template)]
#[template(path = "invite.html")]
pub struct Invite {
    /// Around it.
    pub frame: Frame,
    /// What it is about.
    pub invite: Note,
    /// Whether the viewer has another address than the one invited: then the page asks first.
    pub other_address: bool,
    /// Where the invited person signs in or up.
    pub elsewhere: String,
}

/// What went wrong.
#[derive(Debug, Template)]
#[template(path = "problem.html")]
pub struct Problem {
    /// Around it.
    pub frame: Frame,
    /// The HTTP status.
    pub status: u16,
    /// In a few words.
    pub title: String,
    /// What to do about it.
    pub detail: String,
    /// The collection that the viewer may ask for, whether it is there or not.
    pub ask: Option<String>,
    /// Where to do it, and what the link there says.
    pub way: Option<(&'static str, &'static str)>,
}

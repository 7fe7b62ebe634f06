//! Sign-in elsewhere: what is left to ask, and how a team sets its own up.

use askama::Template;

use super::{Frame, Moment, TeamLink};

/// `/sso`.
#[derive(Debug, Template)]
#[template(path = "sso.html")]
pub struct Sso {
    /// Around it.
    pub frame: Frame,
    /// Who vouches: Google, or a team's name.
    pub provider: String,
    /// Whether that is a team's single sign-on.
    pub of_team: bool,
    /// The address that it vouches for.
    pub email: String,
    /// Where to go then: a path of ours.
    pub then: String,
    /// What is asked.
    pub question: SsoQuestion,
}

/// What is left to ask.
#[derive(Debug, Clone)]
pub enum SsoQuestion {
    /// Whether the account with this address is theirs.
    Yours {
        /// Whether they are signed in to it, which says that it is.
        signed_in: bool,
        /// Whether that was said before, and only the second factor is missing.
        known: bool,
        /// Whether it has a password to say so with.
        has_password: bool,
        /// Whether it asks for a second factor.
        second_factor: bool,
        /// The account's name.
        username: String,
    },
    /// Whether they accept the terms.
    New {
        /// A name that is free.
        username: String,
    },
}

/// `/teams/{team}/sso`.
#[derive(Debug, Template)]
#[template(path = "team_sso.html")]
pub struct TeamSso {
    /// Around it.
    pub frame: Frame,
    /// The team.
    pub team: TeamLink,
    /// What is set up.
    pub sso: Option<SsoSettings>,
    /// What the issuer has to know.
    pub callback: String,
    /// Whether the viewer has signed in through it as it is set up now.
    pub tried: bool,
}

/// A team's single sign-on, without its secret.
#[derive(Debug, Clone)]
pub struct SsoSettings {
    /// The issuer.
    pub issuer: String,
    /// What it calls us.
    pub client_id: String,
    /// Whether the team takes nothing else.
    pub required: bool,
    /// Whether API keys open it nevertheless.
    pub api_keys: bool,
    /// When issuer, client or secret last changed.
    pub changed: Moment,
}

//! One's own account: names, address, password, sessions.

use askama::Template;

use super::{Frame, Moment, Viewer};

/// `/account`.
#[derive(Debug, Template)]
#[template(path = "account.html")]
pub struct Account {
    /// Around it.
    pub frame: Frame,
    /// Whose it is.
    pub viewer: Viewer,
    /// The name the person goes by, or nothing.
    pub full_name: String,
    /// Whether the address is confirmed.
    pub verified: bool,
    /// Since when they sign in with a second factor.
    pub second_factor: Option<Moment>,
    /// Whether they have chosen a password.
    pub has_password: bool,
    /// Where else they sign in.
    pub identities: Vec<Identity>,
    /// Whether Google can be one of them, and is not.
    pub offer_google: bool,
    /// The sessions.
    pub sessions: Vec<Session>,
}

/// `/account/profile`.
#[derive(Debug, Template)]
#[template(path = "profile.html")]
pub struct Profile {
    /// Around it.
    pub frame: Frame,
    /// Whose it is.
    pub viewer: Viewer,
    /// Their number.
    pub id: String,
    /// Where the picture is.
    pub picture: Option<String>,
    /// What they say about themselves.
    pub about: String,
    /// Where else they are.
    pub links: Vec<String>,
    /// Whether everybody sees the profile.
    pub public: bool,
    /// Whether whoever sees it sees the address.
    pub email_public: bool,
}

/// `/users/{user}`.
#[derive(Debug, Template)]
#[template(path = "person.html")]
pub struct Person {
    /// Around it.
    pub frame: Frame,
    /// The name they go by.
    pub name: String,
    /// Their username.
    pub username: String,
    /// Where the picture is.
    pub picture: Option<String>,
    /// What they say about themselves.
    pub about: String,
    /// Where else they are.
    pub links: Vec<String>,
    /// The address, where it is shown.
    pub email: Option<String>,
    /// Since when they have an account.
    pub joined: Moment,
    /// Whether everybody sees this.
    pub public: bool,
    /// Whether the viewer looks at themselves.
    pub mine: bool,
}

/// Another place that one signs in at.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Its id.
    pub id: String,
    /// Google, or a team's name.
    pub provider: String,
    /// The address that is known there.
    pub email: String,
    /// When it was last signed in with.
    pub used: Moment,
}

/// A sign-in.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its id.
    pub id: String,
    /// On what.
    pub device: String,
    /// From which network address.
    pub address: Option<String>,
    /// Since when.
    pub created: Moment,
    /// When it was last used.
    pub seen: Moment,
    /// Whether it is this one.
    pub current: bool,
}

/// `/accounts`.
#[derive(Debug, Template)]
#[template(path = "accounts.html")]
pub struct Accounts {
    /// Around it.
    pub frame: Frame,
    /// Those that are signed in with this browser.
    pub accounts: Vec<OtherAccount>,
}

/// An account in a list.
#[derive(Debug, Clone)]
pub struct OtherAccount {
    /// Its number.
    pub id: String,
    /// Its username.
    pub username: String,
    /// Its address.
    pub email: String,
    /// Its session, for signing out.
    pub session: String,
    /// Whether it is the viewer's.
    pub current: bool,
}

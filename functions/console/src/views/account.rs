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
    /// The sessions.
    pub sessions: Vec<Session>,
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

//! One's own account: API keys and sessions.

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
    /// The API keys, without their secrets.
    pub keys: Vec<Key>,
    /// The sessions.
    pub sessions: Vec<Session>,
}

/// An API key, without its secret.
#[derive(Debug, Clone)]
pub struct Key {
    /// Its id.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// What it may do, in words.
    pub scope: &'static str,
    /// When it was made.
    pub created: Moment,
    /// Until when it works, if not for ever.
    pub expires: Option<Moment>,
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

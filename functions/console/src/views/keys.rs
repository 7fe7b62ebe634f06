//! Keys for programs, and access keys for collections.

use askama::Template;

use super::{Frame, Moment, Viewer};

/// `/account/keys`.
#[derive(Debug, Template)]
#[template(path = "keys.html")]
pub struct Keys {
    /// Around it.
    pub frame: Frame,
    /// Whose they are.
    pub viewer: Viewer,
    /// The API keys, without their secrets.
    pub keys: Vec<Key>,
    /// The access keys, without their secrets.
    pub access: Vec<AccessKey>,
    /// The collections that a new key can be for.
    pub choices: Vec<Choice>,
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
    /// The name of the one collection that it is for, where it is bound to one.
    pub collection: Option<String>,
    /// When it was made.
    pub created: Moment,
    /// The day it was last used.
    pub used: Option<String>,
    /// Until when it works, if not for ever.
    pub expires: Option<Moment>,
}

/// An access key, without its secret.
#[derive(Debug, Clone)]
pub struct AccessKey {
    /// Its name in addresses.
    pub id: String,
    /// The name of its collection.
    pub collection: String,
    /// The last characters of its secret.
    pub tail: String,
    /// When it was last used.
    pub used: Option<Moment>,
    /// Until when it works if it is not used.
    pub expires: Moment,
}

/// A collection to choose.
#[derive(Debug, Clone)]
pub struct Choice {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it is the one that the page was asked for.
    pub chosen: bool,
}

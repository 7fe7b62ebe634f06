//! Who can see a collection.

use askama::Template;

use super::{Frame, Moment, RoomRow, Scan};

/// `/collections/{collection}/access`.
#[derive(Debug, Template)]
#[template(path = "access.html")]
pub struct AccessPage {
    /// Around it.
    pub frame: Frame,
    /// The collection.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What everyone in the team was given, where that was chosen.
    pub everyone: Option<&'static str>,
    /// The team's groups.
    pub groups: Vec<GroupRole>,
    /// What the viewer may do.
    pub mine: &'static str,
    /// The team's members.
    pub members: Vec<Seen>,
    /// Who waits for an answer.
    pub asks: Vec<Asking>,
    /// Whether the viewer may give roles.
    pub may_manage: bool,
    /// The workspace that it is in, where the viewer may take it out of it.
    pub from: Option<String>,
    /// Where they may take it.
    pub rooms: Vec<RoomRow>,
    /// The public workspace that they are about to take it to, and what was found that looks like a secret.
    pub scan: Option<(RoomRow, Scan)>,
}

impl AccessPage {
    /// Where a role is given.
    fn api(&self) -> String {
        format!("/api/collections/{}/access", self.id)
    }
}

/// A member and what they may do.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The user's id.
    pub id: String,
    /// Their name.
    pub username: String,
    /// What they may do; `none`: it is hidden from them.
    pub role: &'static str,
    /// Why, in a few words.
    pub why: String,
    /// What was given to them in person.
    pub given: Option<&'static str>,
    /// Whether they made the collection: then nothing is given to them.
    pub maker: bool,
    /// Whether it is the viewer.
    pub is_me: bool,
}

/// A group and what was given to it.
#[derive(Debug, Clone)]
pub struct GroupRole {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How many are in it.
    pub members: usize,
    /// What was given to it.
    pub role: Option<&'static str>,
    /// How its members are mailed, where it follows the collection.
    pub follows: Option<&'static str>,
}

/// Somebody who asks for access.
#[derive(Debug, Clone)]
pub struct Asking {
    /// The user's id.
    pub id: String,
    /// Their name.
    pub username: String,
    /// What they ask for.
    pub role: &'static str,
    /// What they say.
    pub message: String,
    /// Until when they can be answered.
    pub expires: Moment,
}

/// The roles that are given in a collection.
pub const COLLECTION_ROLES: [&str; 4] = ["viewer", "editor", "admin", "none"];
/// The roles that are given in a workspace.
pub const WORKSPACE_ROLES: [&str; 3] = ["viewer", "editor", "admin"];

/// Whether a role is the one that was given.
pub fn is_role(given: &Option<&'static str>, role: &str) -> bool {
    given.is_some_and(|given| given == role)
}

/// The words of a role for people.
pub fn role_name(role: &str) -> &str {
    if role == "none" { "hidden" } else { role }
}

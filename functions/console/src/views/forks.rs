//! Forks and pull requests.

use askama::Template;

use super::{Collection, Comments, Field, Frame, Moment, Teammate};

/// `/collections/{collection}/forks`.
#[derive(Debug, Template)]
#[template(path = "forks.html")]
pub struct Forks {
    /// Around it.
    pub frame: Frame,
    /// The collection.
    pub collection: Collection,
    /// What it is a fork of.
    pub of: Option<Origin>,
    /// Its forks that the viewer may see.
    pub forks: Vec<ForkRow>,
    /// The pull requests out of it and into it.
    pub pulls: Vec<PullRow>,
    /// Who can be asked to look at one.
    pub people: Vec<Teammate>,
    /// The workspaces that the viewer may fork it into.
    pub rooms: Vec<Room>,
    /// Whether the viewer may bring it up to date.
    pub may_edit: bool,
}

/// What a fork comes from.
#[derive(Debug)]
pub struct Origin {
    /// The parent's id.
    pub id: String,
    /// Its name, where the viewer may see it.
    pub parent: Option<String>,
    /// The fork's label.
    pub label: String,
    /// Since when.
    pub since: Moment,
}

/// A fork in a list.
#[derive(Debug)]
pub struct ForkRow {
    /// Its id.
    pub id: String,
    /// Its label.
    pub label: String,
    /// Who made it.
    pub by: String,
    /// When.
    pub since: Moment,
}

/// A workspace to choose.
#[derive(Debug)]
pub struct Room {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A pull request in a list.
#[derive(Debug)]
pub struct PullRow {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What is to be merged.
    pub source: String,
    /// Into what.
    pub destination: String,
    /// `open`, `approved`, `declined` or `merged`.
    pub status: &'static str,
    /// When it last changed.
    pub changed: Moment,
}

/// `/pull-requests/{pull}`.
#[derive(Debug, Template)]
#[template(path = "pull.html")]
pub struct PullPage {
    /// Around it.
    pub frame: Frame,
    /// What stands in a list, too.
    pub pull: PullRow,
    /// The id of what it is to be merged into.
    pub destination: String,
    /// Who asks.
    pub author: String,
    /// What it says.
    pub description: String,
    /// Why it was declined.
    pub comment: Option<String>,
    /// Who was asked, and what they said.
    pub reviewers: Vec<Reviewer>,
    /// The revision of what is to be merged that the page shows.
    pub seen: u64,
    /// Whether a collection of it is deleted.
    pub gone: bool,
    /// What a merge would change.
    pub changes: Vec<Touched>,
    /// How many elements, also those that are not shown.
    pub total: usize,
    /// What both sides changed.
    pub clashes: Vec<Touched>,
    /// What is said about it; `None`: the collection that it is to be merged into is deleted.
    pub comments: Option<Comments>,
    /// What the live client watches.
    pub watch: String,
    /// Whether the viewer may approve it.
    pub may_review: bool,
    /// Whether the viewer may decline it.
    pub may_decline: bool,
    /// Whether the viewer may merge it.
    pub may_merge: bool,
}

/// Somebody who was asked.
#[derive(Debug)]
pub struct Reviewer {
    /// Their name.
    pub name: String,
    /// What they said.
    pub status: &'static str,
    /// Whether the fork has changed since.
    pub outdated: bool,
}

/// An element that a merge touches.
#[derive(Debug)]
pub struct Touched {
    /// `create`, `update`, `move`, `delete`; or how it clashes.
    pub op: &'static str,
    /// `folder`, `request` …
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The places.
    pub fields: Vec<Field>,
}

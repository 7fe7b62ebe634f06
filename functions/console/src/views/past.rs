//! The history and the trash.

use askama::Template;

use super::{Collection, Entry, Frame, Moment};

/// `/collections/{collection}/history` and `/collections/{collection}/items/{item}/history`.
#[derive(Debug, Template)]
#[template(path = "history.html")]
pub struct History {
    /// Around it.
    pub frame: Frame,
    /// The collection.
    pub collection: Collection,
    /// The element that it is the history of, and its name; `None`: of the whole collection.
    pub item: Option<(String, String)>,
    /// The changes, the latest first.
    pub entries: Vec<Past>,
    /// Where the next page begins.
    pub older: Option<u64>,
    /// Whether the viewer may bring something back.
    pub may_edit: bool,
}

/// A change that can be gone back to.
#[derive(Debug)]
pub struct Past {
    /// The change.
    pub entry: Entry,
    /// The program it was made with; may be empty.
    pub program: String,
    /// What changed.
    pub fields: Vec<Field>,
    /// What brings that state back.
    pub restore: Option<Return>,
}

/// One place that changed.
#[derive(Debug)]
pub struct Field {
    /// Which.
    pub place: String,
    /// What was there.
    pub before: Option<String>,
    /// What is there.
    pub after: Option<String>,
}

/// What brings a state back.
#[derive(Debug)]
pub struct Return {
    /// After which change it was.
    pub seq: u64,
    /// Of which element; `None`: of the whole collection.
    pub item: Option<String>,
    /// Whether it was deleted.
    pub deleted: bool,
}

/// `/collections/{collection}/trash`, `/workspaces/{workspace}/trash` and `/teams/{team}/trash`.
#[derive(Debug, Template)]
#[template(path = "trash.html")]
pub struct Bin {
    /// Around it.
    pub frame: Frame,
    /// The collection whose trash it is; `None`: a workspace's, with whole collections.
    pub collection: Option<Collection>,
    /// Of a collection's, where the trash of its workspace is.
    pub workspace: String,
    /// What was deleted, the latest first.
    pub gone: Vec<Gone>,
    /// Whether the viewer may bring it back.
    pub may_restore: bool,
}

/// Something that was deleted.
#[derive(Debug)]
pub struct Gone {
    /// The endpoint that brings it back.
    pub action: String,
    /// What is sent there.
    pub restore: Option<Return>,
    /// Its name.
    pub name: String,
    /// What it was.
    pub kind: &'static str,
    /// How many elements went with it.
    pub inside: u64,
    /// Who deleted it.
    pub by: String,
    /// When.
    pub at: Moment,
}

//! What people say about a collection, or something in it.

use super::Moment;

/// Threads about one thing, and the forms to say something.
#[derive(Debug, Clone, Default)]
pub struct Comments {
    /// What they are about: `collection`, `request` …
    pub what: &'static str,
    /// Where a new one goes: `/api/collections/…/comments`.
    pub api: String,
    /// The threads, that with the newest comment first.
    pub threads: Vec<Thread>,
    /// Where the page with older ones is.
    pub older: Option<String>,
    /// Whether this is such a page.
    pub past: bool,
    /// Whether the viewer may say something.
    pub may_comment: bool,
}

/// Comments that answer each other.
#[derive(Debug, Clone)]
pub struct Thread {
    /// Its id.
    pub id: String,
    /// Whether it is called resolved.
    pub resolved: bool,
    /// What was said, oldest first.
    pub comments: Vec<Comment>,
}

/// A comment.
#[derive(Debug, Clone)]
pub struct Comment {
    /// Its id.
    pub id: String,
    /// Who wrote it.
    pub author: String,
    /// When.
    pub at: Moment,
    /// Whether it was changed since.
    pub edited: bool,
    /// What it says; plain text.
    pub body: String,
    /// The same in pieces; a mention is one of its own.
    pub pieces: Vec<Piece>,
    /// Whether the viewer may change it.
    pub may_edit: bool,
    /// Whether the viewer may take it away.
    pub may_delete: bool,
    /// Distinguishes it from how it was before.
    pub revision: i64,
}

/// A part of a comment's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Whether it is the name of somebody who is mentioned.
    pub name: bool,
    /// The text.
    pub text: String,
}

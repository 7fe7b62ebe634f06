//! Frames of the WebSocket: CloudEvents 1.0 in JSON, and what a client may say.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::change::{Actor, Change, ItemRef};
use crate::comment::{Did, Talk};
use crate::ids::{CollectionId, CommentId, ElementId, ThreadId, UserId};
use crate::pull::PullRef;

/// The type of the event that tells of a change.
pub const CHANGED: &str = "postroom.collection.changed";

/// One event (CloudEvents 1.0, JSON format).
#[derive(Debug, Clone, Serialize)]
pub struct Frame<T> {
    specversion: &'static str,
    /// Unique per source: the same event delivered twice has the same id.
    pub id: String,
    source: String,
    /// `postroom.…`
    #[serde(rename = "type")]
    pub kind: &'static str,
    time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    datacontenttype: &'static str,
    /// What the event is about.
    pub data: T,
}

impl<T: Serialize> Frame<T> {
    /// An event about the connection itself.
    pub fn new(kind: &'static str, id: String, time: Timestamp, data: T) -> Frame<T> {
        Frame {
            specversion: "1.0",
            id,
            source: "/realtime".to_owned(),
            kind,
            time,
            subject: None,
            datacontenttype: "application/json",
            data,
        }
    }
}

impl Frame<Change> {
    /// The event of a change, with its values left out where they are too large.
    pub fn of(change: Change) -> Frame<Change> {
        Frame {
            id: format!("{}:{}", change.collection, change.seq),
            source: format!("/api/collections/{}", change.collection),
            subject: change.item.as_ref().map(|item| format!("items/{}", item.id)),
            ..Frame::new(CHANGED, String::new(), change.at, change.for_event())
        }
    }
}

/// The type of the event that tells of comments.
pub const COMMENTED: &str = "postroom.collection.commented";

/// `data` of [`COMMENTED`]: what was done about which comment. What it says is read where the reader may.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Commented {
    collection: CollectionId,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<ItemRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pull: Option<PullRef>,
    op: Did,
    thread: ThreadId,
    comment: CommentId,
    actor: Actor,
    at: Timestamp,
}

impl Frame<Commented> {
    /// The event of what was done about comments. It is none of the collection's numbered changes.
    pub fn of_talk(talk: Talk) -> Frame<Commented> {
        let Talk { id, at, actor, did, collection, item, pull, thread, comment, .. } = talk;
        Frame {
            source: format!("/api/collections/{collection}"),
            subject: Some(format!("comments/{comment}")),
            ..Frame::new(COMMENTED, id.to_string(), at, Commented { collection, item, pull, op: did, thread, comment, actor, at })
        }
    }
}

/// What a client may send.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(tag = "action", rename_all = "lowercase", deny_unknown_fields)]
pub enum Said {
    /// Follow a collection; with `since`, the changes after that number come first.
    Subscribe {
        /// The collection, by id or uid.
        collection: String,
        /// A folder or request: then only what concerns it comes, and the numbers have gaps.
        item: Option<String>,
        /// The last number the client has.
        since: Option<u64>,
    },
    /// Follow it no longer, on this connection.
    Unsubscribe {
        /// The collection, by id or uid.
        collection: String,
        /// The folder or request; none: the collection with everything in it.
        item: Option<String>,
    },
    /// The user has a collection open here, or an item of it; the others who have are told, and this one of them.
    Look {
        /// The collection, by id or uid.
        collection: String,
        /// The item that is open.
        item: Option<String>,
    },
    /// The user has it open no longer.
    Away {
        /// The collection, by id or uid.
        collection: String,
    },
    /// Are you there?
    Ping,
}

/// `data` of `postroom.subscribed`.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Subscribed {
    /// The collection.
    pub collection: CollectionId,
    /// The item, where it is one that is followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<ElementId>,
    /// The number of its last change when the subscription took hold.
    pub head: u64,
}

/// `data` of `postroom.presence`: who has a collection open.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Presence {
    /// The collection.
    pub collection: CollectionId,
    /// Who, each once, by name; the first of them where they are very many.
    pub people: Vec<Present>,
    /// How many there are.
    pub count: usize,
}

/// Somebody who has a collection open.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Present {
    /// Who.
    pub id: UserId,
    /// Their name.
    pub username: String,
    /// The item that they have open, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<ElementId>,
}

/// `data` of `postroom.session.expiring` and `postroom.session.ended`: five minutes before, and when it has come to it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Expiring {
    /// When.
    pub at: Timestamp,
    /// `session`: it was not used; `key`: it was made for so long; `connection`: none lasts longer.
    pub why: &'static str,
}

/// `data` of `postroom.error`.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Trouble {
    /// A word for programs.
    pub code: &'static str,
    /// A sentence for people.
    pub message: String,
    /// What the client had said about, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<Value>,
}

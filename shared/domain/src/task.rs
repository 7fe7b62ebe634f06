//! Work that is done behind the answer to the request that asked for it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{CollectionId, TaskId, UploadId, UserId, WorkspaceId};

/// What is to be done. What a request brought lies beside the task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
pub enum Work {
    /// Make a collection of a Postman document.
    Create {
        /// Where.
        workspace: WorkspaceId,
        /// The id that it gets: a second try makes no second one.
        collection: CollectionId,
    },
    /// Import a file of any kind.
    Import {
        /// Where to.
        workspace: WorkspaceId,
        /// The id of its first collection.
        collection: CollectionId,
    },
    /// Import a file that came in parts.
    Commit {
        /// Which.
        upload: UploadId,
        /// The id of its first collection.
        collection: CollectionId,
    },
    /// Replace everything in a collection.
    Replace {
        /// Which.
        collection: CollectionId,
        /// The revision that it is based on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seen: Option<u64>,
    },
    /// Make a copy of a collection.
    Duplicate {
        /// Of which.
        from: CollectionId,
        /// Where.
        workspace: WorkspaceId,
        /// What is added to its name.
        suffix: String,
        /// The id that it gets.
        collection: CollectionId,
    },
}

impl Work {
    /// The collection that it is about, or that comes of it.
    pub fn collection(&self) -> &CollectionId {
        match self {
            Work::Create { collection, .. }
            | Work::Import { collection, .. }
            | Work::Commit { collection, .. }
            | Work::Replace { collection, .. }
            | Work::Duplicate { collection, .. } => collection,
        }
    }
}

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is being done, or waits for that.
    InProgress,
    /// It is done.
    Completed,
    /// It cannot be done.
    Failed,
}

/// A task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// Whose it is; nobody else sees it.
    pub user: UserId,
    /// What is to be done.
    pub work: Work,
    /// How far it is.
    pub status: Status,
    /// Until when somebody works at it; later, whoever comes takes it up.
    pub until: Timestamp,
    /// How often it was taken up.
    #[serde(default)]
    pub tries: u32,
    /// The program that asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the request would have answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

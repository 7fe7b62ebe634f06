//! Requests that are done once, however often they are sent (`Idempotency-Key`): after a lost answer the caller sends
//! the same again, and gets the first answer.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::collection::{Element, Head};
use crate::ids::ElementId;

/// How a request is known again.
#[derive(Debug, Clone)]
pub struct Once {
    /// The hash of the key that the caller gave it. It counts among the caller's own requests only.
    pub key: String,
    /// What is asked (method and address), so that a key used for something else is noticed.
    pub request: String,
    /// What came of it, where it was done already.
    pub done: Option<Arc<Done>>,
}

/// What came of a request: enough to answer it again.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Done {
    /// See [`Once::request`].
    pub request: String,
    /// The element as it was then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<Element>,
    /// Its JSON.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub json: String,
    /// Whether it was merged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub merged: bool,
    /// The collection as it was then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Head>,
    /// What came of each of several edits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<Edited>,
}

/// What came of one of several edits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edited {
    /// `create`, `update`, `move`, `delete` …, as it was asked.
    pub op: String,
    /// The element.
    pub id: ElementId,
    /// Its revision after the edit; of one that was deleted, the one before.
    pub revision: u64,
    /// Whether it was merged with somebody else's edit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub merged: bool,
}

impl Done {
    /// Of one element.
    pub fn element(element: &Element, merged: bool) -> Done {
        Done { element: Some(element.clone()), json: element.json.clone(), merged, ..Done::default() }
    }

    /// Of a collection.
    pub fn head(head: &Head) -> Done {
        Done { head: Some(head.clone()), ..Done::default() }
    }

    /// The element as it was then, whole.
    pub fn whole_element(&self) -> Option<Element> {
        self.element.clone().map(|element| Element { json: self.json.clone(), ..element })
    }
}

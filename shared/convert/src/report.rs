//! What an import took, changed and left.

use serde::Serialize;

use crate::Node;

/// Notes of a kind beyond this are only counted.
const NOTES: usize = 100;

/// What an import took, changed and left.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// What came over.
    pub taken: Taken,
    /// What came over as something else.
    pub changed: Vec<String>,
    /// What did not come over.
    pub left: Vec<String>,
}

/// How much of what came over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// Requests.
    pub requests: usize,
    /// Folders.
    pub folders: usize,
    /// Saved responses.
    pub examples: usize,
    /// Variables of collections.
    pub variables: usize,
}

impl Report {
    pub(crate) fn changed(&mut self, what: impl Into<String>) {
        note(&mut self.changed, what.into());
    }

    pub(crate) fn left(&mut self, what: impl Into<String>) {
        note(&mut self.left, what.into());
    }

    pub(crate) fn count(&mut self, collection: &Node) {
        self.taken.variables += collection.list("variable").len();
        let mut rest: Vec<&Node> = collection.list("item").iter().collect();
        while let Some(item) = rest.pop() {
            if item.get("item").is_some() {
                self.taken.folders += 1;
                rest.extend(item.list("item"));
            } else {
                self.taken.requests += 1;
                self.taken.examples += item.list("response").len();
            }
        }
    }
}

/// Each note once, and none longer than a line or two.
fn note(notes: &mut Vec<String>, what: String) {
    let what: String = what.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
    if !notes.contains(&what) && notes.len() < NOTES {
        notes.push(what);
    }
}

//! Comments: what people say about a collection, something in it, or a pull request to it; in threads.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Rejected;
use crate::account::Username;
use crate::change::{Actor, ItemRef};
use crate::ids::{CollectionId, CommentId, ElementId, PullId, ThreadId, UserId};
use crate::limit;
use crate::pull::PullRef;

/// What of a collection a thread is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Topic {
    /// The collection as a whole.
    Collection,
    /// A folder, request or response of it. Its threads go where it goes, are hidden while it is deleted, and come back
    /// with it.
    Element(ElementId),
    /// A pull request to it, by its id.
    Pull(PullId),
}

impl Topic {
    /// The element that it is about, if it is one.
    pub fn element(&self) -> Option<&ElementId> {
        match self {
            Topic::Element(id) => Some(id),
            Topic::Collection | Topic::Pull(_) => None,
        }
    }
}

/// The same as it is now, or was when something was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The collection as a whole.
    Collection,
    /// An element of it.
    Element(ItemRef),
    /// A pull request to it.
    Pull(PullRef),
}

impl Subject {
    /// What a thread about it is kept under.
    pub fn topic(&self) -> Topic {
        match self {
            Subject::Collection => Topic::Collection,
            Subject::Element(item) => Topic::Element(item.id.clone()),
            Subject::Pull(pull) => Topic::Pull(pull.id.clone()),
        }
    }

    /// What somebody has to see to be told of it: the collection, and of a pull request to it the other one as well.
    pub fn seen_with(&self, collection: &CollectionId) -> Vec<CollectionId> {
        let source = if let Subject::Pull(pull) = self { Some(pull.source.clone()) } else { None };
        std::iter::once(collection.clone()).chain(source).collect()
    }
}

/// One comment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// Its id. Later comments have higher ones.
    pub id: CommentId,
    /// Its thread.
    pub thread: ThreadId,
    /// The collection.
    pub collection: CollectionId,
    /// What of it the thread is about.
    pub topic: Topic,
    /// Who wrote it, with the name of that moment.
    pub actor: Actor,
    /// What it says; plain text.
    pub body: String,
    /// Who is mentioned, and by which name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mentions: BTreeMap<UserId, String>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Comment {
    /// Whether it begins its thread: with it the thread goes.
    pub fn begins(&self) -> bool {
        self.thread.0 == self.id.0
    }

    /// In the Postman API's shape. `resolved`: whether its thread is.
    pub fn shown(&self, resolved: bool) -> Value {
        json!({
            "id": self.id,
            "threadId": self.thread,
            "status": if resolved { "Resolved" } else { "Open" },
            "createdBy": self.actor.id,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
            "body": self.body,
        })
    }
}

/// Comments that answer each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    /// Its id: that of its first comment.
    pub id: ThreadId,
    /// The collection.
    pub collection: CollectionId,
    /// What of it this is about.
    pub topic: Topic,
    /// Who called it resolved, while it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_by: Option<UserId>,
    /// That it is being deleted: nobody sees it any more, and nothing is added.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closing: bool,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Did {
    /// Somebody said something.
    Create,
    /// They put it otherwise.
    Update,
    /// A comment was taken away; the first of a thread with all of it.
    Delete,
    /// A thread was called resolved.
    Resolve,
    /// It was opened again.
    Reopen,
}

/// That something was done about comments. It names them and says nothing of what they say: whoever tells of it reads
/// the comment as it is by then, and asks who may see it by then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Talk {
    /// Its id, a UUID of version 7.
    pub id: uuid::Uuid,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// What.
    pub did: Did,
    /// In which collection.
    pub collection: CollectionId,
    /// About what of it.
    pub topic: Topic,
    /// The element that it is about, as it was then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemRef>,
    /// The pull request that it is about, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull: Option<PullRef>,
    /// In which thread.
    pub thread: ThreadId,
    /// Which comment; of a thread that was resolved or opened again, its first one.
    pub comment: CommentId,
    /// Who is mentioned in it that was not before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<UserId>,
}

impl Talk {
    /// What somebody has to see to be told of it.
    pub fn seen_with(&self) -> Vec<CollectionId> {
        std::iter::once(&self.collection).chain(self.pull.as_ref().map(|pull| &pull.source)).cloned().collect()
    }
}

/// Reads what a comment says.
pub fn body(raw: &str) -> Result<String, Rejected> {
    let text = raw.trim();
    if text.is_empty() {
        return Err(Rejected::because("a comment says something"));
    }
    if limit::COMMENT_CHARS < text.chars().count() {
        return Err(Rejected::because("a comment has at most 10,000 characters"));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(Rejected::because("this holds control characters"));
    }
    Ok(text.to_owned())
}

/// The names that a text mentions (`@anna`), each once, in their order. A full stop behind a name belongs to the sentence.
pub fn named(text: &str) -> Vec<Username> {
    let mut found: Vec<Username> = Vec::new();
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        let starts = c == '@' && !before.is_alphanumeric();
        before = c;
        if !starts {
            continue;
        }
        let rest = &text[at + 1..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.')).unwrap_or(rest.len());
        let Ok(name) = Username::parse(rest[..end].trim_end_matches('.')) else { continue };
        if !found.iter().any(|known| known.folded() == name.folded()) {
            found.push(name);
        }
    }
    found
}

/// The tags of a comment in the Postman API's shape, `{"@anna": {"type": "user", "id": "123"}}`: whom each names, or why it
/// names nobody, with its place.
pub fn tagged(tags: &BTreeMap<String, Value>) -> Vec<Result<(String, UserId), (String, Rejected)>> {
    let read = |(name, tag): (&String, &Value)| {
        let at = |rest: &str| format!("/tags/{}{rest}", name.replace('~', "~0").replace('/', "~1"));
        if !tag.is_object() {
            return Err((at(""), Rejected::because("a tag is an object with type and id")));
        }
        if tag["type"] != "user" {
            return Err((at("/type"), Rejected::because("a tag is of the type user")));
        }
        let id = match &tag["id"] {
            Value::String(id) => id.parse().ok(),
            Value::Number(id) => id.as_u64().map(UserId),
            _ => None,
        };
        let id = id.ok_or_else(|| (at("/id"), Rejected::because("this is the id of a user")))?;
        Ok((at("/id"), id))
    };
    tags.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_a_text() {
        let names = |text: &str| named(text).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names("@anna, see this. (@bob.b) Or @carl."), ["anna", "bob.b", "carl"]);
        assert_eq!(names("@anna @ANNA mail@anna.example @@bob @x @-no ünder@dora"), ["anna", "bob"]);
        assert_eq!(names("äöü @anna-maria_2 …@dora…"), ["anna-maria_2", "dora"]);
        assert!(names("").is_empty());
    }

    #[test]
    fn a_comment_says_something_and_not_too_much() {
        assert_eq!(body("  so \n it is ").unwrap(), "so \n it is");
        for bad in ["", " \n ", "\u{7}", &"ä".repeat(10_001)] {
            assert!(body(bad).is_err());
        }
        assert!(body(&"ä".repeat(10_000)).is_ok());
    }

    #[test]
    fn tags_are_read_with_their_places() {
        let tags =
            serde_json::from_str(r#"{"@a/b":{"type":"team","id":"1"},"@c":{"type":"user","id":"x"},"@d":{"type":"user","id":"7"},"@e":1}"#);
        let read = tagged(&tags.unwrap());
        let places: Vec<&str> = read.iter().map(|one| one.as_ref().map_or_else(|(at, _)| at.as_str(), |(at, _)| at.as_str())).collect();
        assert_eq!(places, ["/tags/@a~1b/type", "/tags/@c/id", "/tags/@d/id", "/tags/@e"]);
        assert_eq!(read[2], Ok(("/tags/@d/id".to_owned(), UserId(7))));
    }
}

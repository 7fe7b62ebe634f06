//! A change of a collection: what the log keeps, the feed and the mails tell, and a WebSocket event carries.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::collection::{Element, Kind};
use crate::ids::{CollectionId, ElementId, GenerationId, UserId};
use crate::limit;
use crate::merge::{self, FieldChange};

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// An element or the collection came into being.
    Create,
    /// Its content changed.
    Update,
    /// It went to another place.
    Move,
    /// It went away, with everything in it.
    Delete,
    /// The whole content was replaced.
    Import,
    /// An earlier state came back.
    Restore,
}

impl Op {
    /// The word that the API uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Op::Create => "create",
            Op::Update => "update",
            Op::Move => "move",
            Op::Delete => "delete",
            Op::Import => "import",
            Op::Restore => "restore",
        }
    }
}

/// The name of whoever has no account any more, in what they did.
pub const FORMER_MEMBER: &str = "former member";

/// Who did it, with the name of that moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Actor {
    /// The person.
    pub id: UserId,
    /// Their username.
    pub username: String,
}

/// Which element a change is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ItemRef {
    /// Its id.
    pub id: ElementId,
    /// What it is.
    pub kind: Kind,
    /// Its name after the change (before it, where it was deleted).
    pub name: String,
    /// Where it stands.
    pub parent: Option<ElementId>,
}

impl From<&Element> for ItemRef {
    fn from(element: &Element) -> ItemRef {
        ItemRef { id: element.id.clone(), kind: element.kind, name: element.name.clone(), parent: element.parent.clone() }
    }
}

/// How many elements a change of many touched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Counts {
    /// New elements.
    pub created: u64,
    /// Changed elements.
    pub updated: u64,
    /// Elements that went away.
    pub deleted: u64,
    /// Elements that stayed as they were.
    pub unchanged: u64,
}

/// A place among siblings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Place {
    /// The folder or request; `None` directly in the collection.
    pub parent: Option<ElementId>,
    /// The order key there.
    pub order: String,
}

/// From where to where an element was moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Moved {
    /// Its place before.
    pub from: Place,
    /// Its place after.
    pub to: Place,
}

/// One change. `GET …/changes`, the WebSocket event and the log hold the same fields.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Change {
    /// The collection.
    pub collection: CollectionId,
    /// Its number in the collection: 1, 2, 3 … without a gap.
    pub seq: u64,
    /// What was done.
    pub op: Op,
    /// To which element; `None` where it was to the collection as a whole.
    pub item: Option<ItemRef>,
    /// By whom.
    pub actor: Actor,
    /// When.
    pub at: Timestamp,
    /// With which program, as it names itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The element's revision before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<u64>,
    /// The places that changed, with the values before and after.
    #[serde(default)]
    pub changes: Vec<FieldChange>,
    /// From where to where, for a move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<Moved>,
    /// How many elements, for a change of many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
    /// Where a merge of a fork brought it: the fork's label, or the parent's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged: Option<String>,
    /// `true` where `changes` was too large to travel: read them with `GET …/changes`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub omitted: bool,
    /// What it takes to go back behind this change and the fields above do not say. The log keeps it, nobody is told.
    #[serde(skip)]
    pub past: Past,
}

/// What a change leaves for those who go back behind it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Past {
    /// The element's JSON before, where the changed places alone do not lead there (keys that changed their order).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The generation of elements that this change replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<GenerationId>,
    /// The elements that a change of many touched, as they were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elements: Vec<Was>,
}

/// An element as it was before a change.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Was {
    /// Which.
    pub id: ElementId,
    /// What it was; `None` where it was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<Element>,
    /// Its JSON.
    #[serde(default)]
    pub json: String,
    /// The change that had deleted it, where it was in the trash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<u64>,
}

impl Past {
    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.before.is_none() && self.generation.is_none() && self.elements.is_empty()
    }
}

impl Change {
    /// The element's JSON before this change, from the one after it. `None`: this is not the change that led there.
    pub fn before(&self, after: &str) -> Option<String> {
        self.past.before.clone().or_else(|| merge::undo(after, &self.changes))
    }

    /// The bytes of the values in `changes`.
    pub fn body_bytes(&self) -> usize {
        let length = |value: &Option<Box<serde_json::value::RawValue>>| value.as_ref().map_or(0, |raw| raw.get().len());
        self.changes.iter().map(|field| field.pointer.len() + length(&field.before) + length(&field.after)).sum()
    }

    /// The change as an event carries it: without its values where they are too large.
    pub fn for_event(mut self) -> Change {
        if self.body_bytes() > limit::EVENT_BODY_BYTES {
            self.changes.clear();
            self.omitted = true;
        }
        self
    }
}

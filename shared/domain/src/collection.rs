//! A collection and its elements, as the store keeps them.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::access::{Audience, CollectionRole};
use crate::fork::ForkOf;
use crate::ids::{CollectionId, ElementId, GenerationId, GroupId, TeamId, UserId, WorkspaceId};
use crate::json;
use crate::tags::Tag;
use crate::workspace::Room;

/// What is known of a collection without its elements. Every change of the collection changes its head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The collection.
    pub collection: CollectionId,
    /// The workspace it lives in.
    pub workspace: WorkspaceId,
    /// The team it belongs to; `None` where it is a person's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// Who made it. Its uid carries this id.
    pub owner: UserId,
    /// Its name.
    pub name: String,
    /// The number of its last change: 1, 2, 3 … without a gap. Also its revision.
    pub seq: u64,
    /// The generation of elements that readers see.
    pub generation: GenerationId,
    /// How many elements it has, the collection itself not counted.
    pub count: u64,
    /// What everyone in the team may do, where the creator has chosen; by team role otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub everyone: Option<CollectionRole>,
    /// The roles given to groups of the team.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<GroupId, CollectionRole>,
    /// Who is let into its workspace, as that says it; `None`: everyone in the team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<Room>,
    /// Counts up whenever it changes who sees it. A change of the collection carries it along: whoever began to follow
    /// before is asked again whether they may.
    #[serde(default, skip_serializing_if = "never")]
    pub access: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Who changed it last.
    pub updated_by: UserId,
    /// An order key behind every other of the collection, so that something new goes to the end without a look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// Over how many partitions its live registrations are spread: more, the more popular it is.
    #[serde(default = "one_shard")]
    pub shards: u32,
    /// When it was deleted; a deleted collection answers as one that does not exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// What it is tagged with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
    /// Deleted folders whose content is not yet marked, one by one, as deleted: until then, whoever meets an element
    /// looks whether it stands in one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sweeping: Vec<ElementId>,
    /// What it is a fork of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fork: Option<ForkOf>,
}

/// Whether a counter has never counted.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over like this")]
pub fn never(count: &u64) -> bool {
    *count == 0
}

/// How many shards a collection has at first.
pub fn one_shard() -> u32 {
    1
}

/// A collection that was deleted, as it was then: `deleted_at` says nothing.
#[derive(Debug, Clone)]
pub struct Deleted(pub Head);

impl Head {
    /// Whom it is for, apart from roles given in person.
    pub fn audience(&self) -> Audience<'_> {
        Audience { team: self.team, owner: self.owner, everyone: self.everyone, groups: &self.groups, room: self.room.as_ref() }
    }

    /// The id that the Postman API shows beside the plain one.
    pub fn uid(&self) -> String {
        self.collection.uid(self.owner)
    }
}

/// What an element is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The collection's own part: `info`, variables, scripts, authorization.
    Collection,
    /// An item that holds items.
    Folder,
    /// An item that does not.
    Request,
    /// A saved response (an example) of a request.
    Response,
}

impl Kind {
    /// The key of the parent's JSON under which an element of this kind stands.
    pub fn slot(self) -> &'static str {
        match self {
            Kind::Response => "response",
            Kind::Collection | Kind::Folder | Kind::Request => "item",
        }
    }

    /// The word that the API uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Collection => "collection",
            Kind::Folder => "folder",
            Kind::Request => "request",
            Kind::Response => "response",
        }
    }
}

/// One element: its own JSON without its children, and its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Element {
    /// Its id.
    pub id: ElementId,
    /// The folder or request it stands in; `None` directly in the collection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<ElementId>,
    /// What it is.
    pub kind: Kind,
    /// Its place among its siblings: they sort by this text, then by id.
    pub order: String,
    /// Its name, taken from its JSON.
    pub name: String,
    /// A request's method, taken from its JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// A request's URL, taken from its JSON, at most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The number of the collection's change that last wrote it.
    pub revision: u64,
    /// Its JSON, as given or as format 2.1 has it; the arrays of its children are there and empty.
    #[serde(skip)]
    pub json: String,
    /// How it stood in the file of another format that it came from: see [`crate::format::origin`].
    #[serde(skip)]
    pub origin: Option<String>,
}

/// What a tree shows of an element, taken from its JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// `name`, empty where there is none.
    pub name: String,
    /// `request.method`; `GET` where a request does not say.
    pub method: Option<String>,
    /// `request.url` or `request.url.raw`.
    pub url: Option<String>,
}

pub(crate) fn short(text: String, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => text[..end].to_owned(),
        None => text,
    }
}

impl Summary {
    /// Reads what a tree shows from an element's own JSON.
    pub fn of(kind: Kind, own: &str) -> Summary {
        let name = json::get(own, "name").and_then(json::text).unwrap_or_default();
        let mut summary = Summary { name: short(name, 500), method: None, url: None };
        if kind == Kind::Request {
            let request = json::get(own, "request").unwrap_or("{}");
            // A request may be given as its URL alone (collection format 2.1, "request" as a string).
            let (method, url) = match json::text(request) {
                Some(url) => (None, Some(url)),
                None => {
                    let url = json::get(request, "url").unwrap_or("null");
                    let url = json::text(url).or_else(|| json::get(url, "raw").and_then(json::text));
                    (json::get(request, "method").and_then(json::text), url)
                }
            };
            summary.method = Some(short(method.unwrap_or_else(|| "GET".to_owned()), 40));
            summary.url = url.map(|url| short(url, 500));
        }
        summary
    }
}

impl Element {
    /// An element from its parts; what the tree shows is read from its JSON.
    pub fn new(id: ElementId, parent: Option<ElementId>, kind: Kind, order: String, own: String) -> Element {
        let Summary { name, method, url } = Summary::of(kind, &own);
        Element { id, parent, kind, order, name, method, url, revision: 0, json: own, origin: None }
    }

    /// The same element with other JSON.
    pub fn with_json(&self, own: String) -> Element {
        let origin = self.origin.clone();
        Element {
            revision: self.revision,
            origin,
            ..Element::new(self.id.clone(), self.parent.clone(), self.kind, self.order.clone(), own)
        }
    }
}

/// A copy of an element with everything in it, parents before children, with new ids. `None`: it is not there.
/// `renamed`: its name says that it is one.
pub fn copy(elements: &[Element], id: &ElementId, renamed: bool, new_id: impl FnMut() -> ElementId) -> Option<Vec<Element>> {
    let top = elements.iter().find(|element| element.id == *id)?;
    let mut copies = renewed(std::iter::once(top).chain(in_order(elements, Some(id), usize::MAX)), new_id);
    if let Some(first) = copies.first_mut() {
        if renamed && !top.name.is_empty() && json::is_object(&first.json) {
            *first = first.with_json(json::set(&first.json, "name", Some(&json::quote(&format!("{} Copy", top.name)))));
            first.origin = None;
        }
        first.parent.clone_from(&top.parent);
    }
    Some(copies)
}

/// A copy of everything that stands in a collection, parents before children, with new ids.
pub fn copy_all(elements: &[Element], new_id: impl FnMut() -> ElementId) -> Vec<Element> {
    renewed(in_order(elements, None, usize::MAX), new_id)
}

/// Elements under new ids; what they stand in is among them, or they stand in the collection itself.
fn renewed<'a>(elements: impl IntoIterator<Item = &'a Element>, mut new_id: impl FnMut() -> ElementId) -> Vec<Element> {
    let mut ids: HashMap<&ElementId, ElementId> = HashMap::new();
    let mut copies = Vec::new();
    for element in elements {
        let new = new_id();
        // A file's own ids go; the element's is its new one where its JSON names one.
        let mut own = json::set(&element.json, "_postman_id", None);
        own = if json::get(&own, "id").is_some() { json::set(&own, "id", Some(&json::quote(new.as_str()))) } else { own };
        let own = if json::is_object(&element.json) { own } else { element.json.clone() };
        let parent = element.parent.as_ref().and_then(|parent| ids.get(parent)).cloned();
        copies.push(Element::new(new.clone(), parent, element.kind, element.order.clone(), own));
        ids.insert(&element.id, new);
    }
    copies
}

/// The elements below `top` (`None`: all), `depth` levels of them: parents before children, items before examples,
/// siblings by their order; no recursion, however deep.
pub fn in_order<'a>(elements: &'a [Element], top: Option<&ElementId>, depth: usize) -> Vec<&'a Element> {
    let mut children: HashMap<Option<&ElementId>, Vec<&Element>> = HashMap::new();
    for element in elements {
        children.entry(element.parent.as_ref()).or_default().push(element);
    }
    for list in children.values_mut() {
        list.sort_by(|a, b| (b.kind.slot(), &b.order, &b.id).cmp(&(a.kind.slot(), &a.order, &a.id)));
    }
    let mut found = Vec::with_capacity(elements.len());
    let mut rest: Vec<(&Element, usize)> = children.get(&top).into_iter().flatten().map(|element| (*element, 1)).collect();
    while let Some((element, level)) = rest.pop() {
        if level > depth {
            continue;
        }
        found.push(element);
        rest.extend(children.get(&Some(&element.id)).into_iter().flatten().map(|child| (*child, level + 1)));
    }
    found
}

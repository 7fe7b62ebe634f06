//! The Team Library, a collection with its tree, and what happened to it.

use std::collections::BTreeMap;

use askama::Template;

use super::{Comments, Frame, Moment, TeamLink};

/// `/teams/{team}/library`.
#[derive(Debug, Template)]
#[template(path = "library.html")]
pub struct Library {
    /// Around it.
    pub frame: Frame,
    /// The team.
    pub team: TeamLink,
    /// What it is called.
    pub title: String,
    /// A sentence about it.
    pub about: String,
    /// Its own address.
    pub home: String,
    /// The page of what was deleted in it, where there is one.
    pub trash: String,
    /// The workspace, to which an import goes.
    pub workspace: String,
    /// What is in it, or has the tag that is asked for.
    pub collections: Vec<Collection>,
    /// Whether the viewer may import.
    pub may_import: bool,
    /// What the live client watches: `collection:seq` with spaces between.
    pub watch: String,
    /// What is looked for, and in which order things stand.
    pub asked: Asked,
    /// What was found, where something is looked for.
    pub found: Option<FoundPage>,
}

/// What a library is asked for.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// What was typed.
    pub q: String,
    /// `updated`, `name`, `author` or `favorites`.
    pub sort: String,
    /// Only what has this tag; empty: all.
    pub tag: String,
}

/// The orders that a library can stand in: the word for the address, and that for people.
pub const SORTS: [(&str, &str); 4] =
    [("updated", "Last changed"), ("name", "Name"), ("author", "Author"), ("favorites", "Favorites first")];

/// A page of what was found.
#[derive(Debug, Clone)]
pub struct FoundPage {
    /// What was found, the best first.
    pub hits: Vec<Match>,
    /// How much there is.
    pub total: usize,
    /// Where the next page starts.
    pub more: Option<String>,
    /// Why nothing can be found, where the question cannot be read.
    pub wrong: Option<String>,
}

/// Something that was found.
#[derive(Debug, Clone)]
pub struct Match {
    /// Its id in the page.
    pub key: String,
    /// Its page.
    pub href: String,
    /// `collection`, `folder`, `request` or `example`.
    pub kind: &'static str,
    /// A request's method; empty elsewhere.
    pub method: String,
    /// Its name: what stands before the part that fits, that part, what stands behind it.
    pub name: [String; 3],
    /// The same of another place that fits: a URL, a description. All empty: there is none.
    pub place: [String; 3],
    /// What it stands in, outermost first.
    pub path: Vec<String>,
    /// The collection's tags.
    pub tags: Vec<String>,
    /// Who changed it last, where that is known.
    pub by: Option<String>,
}

/// A collection in a list, or at the head of its page.
#[derive(Debug, Clone)]
pub struct Collection {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How many things it holds, in words.
    pub facts: Vec<String>,
    /// The number of its last change.
    pub seq: u64,
    /// When it last changed.
    pub changed: Moment,
    /// Who changed it, if that is known.
    pub changed_by: Option<String>,
    /// Whether the viewer follows it.
    pub subscribed: bool,
    /// What an exported file is called.
    pub file_name: String,
    /// What it is tagged with.
    pub tags: Vec<String>,
    /// Whether it has the viewer's star.
    pub starred: bool,
}

impl Collection {
    /// Where the viewer's subscription to it is changed, or to an item of it.
    pub fn subscription(&self, item: impl AsRef<str>) -> String {
        let item = item.as_ref();
        let query = if item.is_empty() { String::new() } else { format!("?item={item}") };
        format!("/api/collections/{}/subscription{query}", self.id)
    }
}

/// `/collections/{collection}`.
#[derive(Debug, Template)]
#[template(path = "collection.html")]
pub struct CollectionPage {
    /// Around it.
    pub frame: Frame,
    /// The collection.
    pub collection: Collection,
    /// Its folders and requests.
    pub tree: Vec<Step>,
    /// The viewer's subscription: how often by mail; `None` without one.
    pub subscription: Option<&'static str>,
    /// What happened last.
    pub changes: Vec<Entry>,
    /// What people say about it.
    pub comments: Comments,
    /// Where a program reads it: `https://…/api/collections/…`.
    pub address: String,
    /// Whether the viewer may change it.
    pub may_edit: bool,
    /// Whether the viewer may delete it.
    pub may_delete: bool,
}

/// One step of a walk through a tree. A template walks it without recursion, however deep folders nest.
#[derive(Debug, Clone)]
pub enum Step {
    /// A folder starts.
    Open(Folder),
    /// A request.
    Leaf(Leaf),
    /// The last folder that started ends.
    Close,
}

/// A folder in a tree.
#[derive(Debug, Clone)]
pub struct Folder {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its revision.
    pub revision: u64,
    /// How many folders and requests stand directly in it.
    pub children: usize,
    /// Whether it is open at first.
    pub open: bool,
}

/// A request in a tree.
#[derive(Debug, Clone)]
pub struct Leaf {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its revision.
    pub revision: u64,
    /// Its method.
    pub method: String,
    /// Its URL.
    pub url: String,
    /// How many saved responses it has.
    pub examples: usize,
}

/// An element as a tree needs it.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its id.
    pub id: String,
    /// What it stands in.
    pub parent: Option<String>,
    /// `folder`, `request` or `response`.
    pub kind: &'static str,
    /// Its order key among its siblings.
    pub order: String,
    /// Its name.
    pub name: String,
    /// Its method.
    pub method: String,
    /// Its URL.
    pub url: String,
    /// Its revision.
    pub revision: u64,
}

/// Walks the elements in the order of the collection. An element whose parent is not there (it was deleted while the
/// list was read) is left out.
pub fn flatten(nodes: Vec<Node>) -> Vec<Step> {
    let open = nodes.len() <= 80;
    let mut children: BTreeMap<Option<String>, Vec<Node>> = BTreeMap::new();
    for node in nodes {
        children.entry(node.parent.clone()).or_default().push(node);
    }
    for siblings in children.values_mut() {
        // The last comes first, because a walk takes from the end.
        siblings.sort_unstable_by(|one, other| (&other.order, &other.id).cmp(&(&one.order, &one.id)));
    }
    let mut steps = Vec::new();
    let mut ahead = vec![children.remove(&None).unwrap_or_default()];
    while let Some(siblings) = ahead.last_mut() {
        let Some(node) = siblings.pop() else {
            ahead.pop();
            if !ahead.is_empty() {
                steps.push(Step::Close);
            }
            continue;
        };
        let inside = children.remove(&Some(node.id.clone())).unwrap_or_default();
        match node.kind {
            "folder" => {
                let children = inside.len();
                steps.push(Step::Open(Folder { id: node.id, name: node.name, revision: node.revision, children, open }));
                ahead.push(inside);
            }
            "request" => steps.push(Step::Leaf(Leaf {
                id: node.id,
                name: node.name,
                revision: node.revision,
                method: node.method,
                url: node.url,
                examples: inside.len(),
            })),
            _ => (),
        }
    }
    steps
}

/// Something that happened to a collection.
#[derive(Debug, Clone)]
pub struct Entry {
    /// An id that does not change.
    pub id: String,
    /// The number of the (last) change it tells of.
    pub seq: u64,
    /// When.
    pub at: Moment,
    /// Who.
    pub actor: String,
    /// Did what: `changed`, `added` …
    pub verb: &'static str,
    /// To which element; `None` for the collection as a whole.
    pub item: Option<EntryItem>,
    /// The collection's id.
    pub collection_id: String,
    /// The collection's name.
    pub collection: String,
    /// How many changes it stands for.
    pub count: u64,
    /// More, in words; may be empty.
    pub note: String,
}

/// The element that something happened to.
#[derive(Debug, Clone)]
pub struct EntryItem {
    /// Its page; empty: it has none (it was deleted).
    pub page: String,
    /// `folder`, `request`, `example` or `pull request`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
}

/// What a collection can be exported as: the word of the API, and what it is called.
pub const EXPORTS: [(&str, &str); 5] = [
    ("v2.1", "Postman v2.1"),
    ("original", "As it was imported"),
    ("v2.0", "Postman v2.0"),
    ("v1", "Postman v1"),
    ("openapi", "OpenAPI 3.1"),
];

impl Collection {
    /// What a file is called that it is exported as.
    pub fn export_name(&self, format: &str) -> String {
        match format {
            "openapi" => self.file_name.replace(".postman_collection.json", ".openapi.json"),
            _ => self.file_name.clone(),
        }
    }
}

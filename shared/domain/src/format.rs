//! The collection format (Postman Collection v1, v2.0 and v2.1): a document is split into elements and put together again.
//!
//! Of format 2.1 each element keeps its own JSON exactly as given, with the arrays of its children empty. Of the older
//! formats it gets JSON of format 2.1, and what it was stays beside that ([`origin`]). No schema is applied: real files
//! break it, and what has no meaning to us is kept and given back.

use std::collections::{HashMap, HashSet};

use crate::collection::{Element, Kind, short};
use crate::ids::{CollectionId, ElementId, UserId};
use crate::json::{self, Builder, Cursor};
use crate::{Rejected, limit, order};

mod auth;
pub mod origin;
mod parts;
pub mod url;
mod v1;
mod v20;
mod versions;

pub use versions::{Version, export};

/// What `info.schema` says in format 2.1.
pub const SCHEMA_V21: &str = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";
/// What `info.schema` says in format 2.0.
pub const SCHEMA_V20: &str = "https://schema.getpostman.com/json/collection/v2.0.0/collection.json";

/// A document split up.
#[derive(Debug)]
pub struct Parsed {
    /// `info.name`, or a stand-in.
    pub name: String,
    /// The collection's own JSON: everything but its items.
    pub root: String,
    /// How that stood in a file of an older format; see [`origin`].
    pub origin: Option<String>,
    /// Its elements, parents before children. `revision` is 0.
    pub elements: Vec<Element>,
}

/// Takes the document out of `{"collection": …}`, where it is wrapped.
pub fn unwrap(text: &str) -> &str {
    match json::get(text, "collection") {
        Some(inner) if json::is_object(inner) && json::get(text, "info").is_none() => inner,
        _ => text,
    }
}

/// Splits a document that [`json::check`] has passed. Ids that it brings are kept where they can name an element;
/// `new_id` gives the others (and the second of two equal ones).
pub fn split(text: &str, new_id: impl FnMut() -> ElementId) -> Result<Parsed, Rejected> {
    let text = unwrap(text);
    if !json::is_object(text) {
        return Err(Rejected::because("a collection is a JSON object"));
    }
    if v1::is_v1(text) {
        return v1::split(text, new_id);
    }
    if json::get(text, "info").is_none_or(|info| !json::is_object(info)) {
        return Err(Rejected::because("a collection has an object \"info\" (format 2), or a list \"requests\" (format 1)"));
    }
    let (root, elements) = Splitter::new(new_id).run(text, true)?;
    let name = name_of(&root.json).unwrap_or_else(|| "Untitled collection".to_owned());
    let parsed = Parsed { name, root: root.json, origin: None, elements };
    Ok(if versions::of(&parsed.root) == Version::V20 { versions::raise(parsed) } else { parsed })
}

/// What lists show as a collection's name: `info.name`, at most 500 characters of it, where it says something.
pub fn name_of(root: &str) -> Option<String> {
    let name = json::get(root, "info").and_then(|info| json::get(info, "name")).and_then(json::text);
    name.filter(|name| !name.trim().is_empty()).map(|name| short(name, 500))
}

/// Splits one item (with whatever stands in it) that goes under `parent`.
/// The first element is the item itself; its order key is left empty.
pub fn split_item(
    text: &str,
    parent: Option<&ElementId>,
    kind: Option<Kind>,
    new_id: impl FnMut() -> ElementId,
) -> Result<Vec<Element>, Rejected> {
    if !json::is_object(text) {
        return Err(Rejected::because("an item is a JSON object"));
    }
    let (mut top, mut below) = Splitter::new(new_id).run(text, false)?;
    top.parent = parent.cloned();
    if let Some(kind) = kind {
        top = Element { kind, ..Element::new(top.id, top.parent, kind, String::new(), top.json) };
    }
    below.insert(0, top);
    Ok(below)
}

struct Open {
    id: Option<ElementId>,
    slot: &'static str,
    parent: Option<usize>,
    own: Builder,
    /// Which of its arrays of children were opened already; a repeated one stays in its JSON.
    has_items: bool,
    has_responses: bool,
    children_of: &'static str,
}

struct Splitter<F> {
    new_id: F,
    taken: HashSet<ElementId>,
}

impl<F: FnMut() -> ElementId> Splitter<F> {
    fn new(new_id: F) -> Self {
        Splitter { new_id, taken: HashSet::new() }
    }

    /// One pass over the text, with a stack of its own: nesting has no limit but the text's.
    fn run(&mut self, text: &str, whole: bool) -> Result<(Element, Vec<Element>), Rejected> {
        let mut at = Cursor::new(text);
        let mut done: Vec<Option<(Element, Option<usize>)>> = vec![None];
        let mut stack: Vec<(usize, Open)> = Vec::new();
        at.next_token();
        at.step();
        stack.push((0, Open::new("item", None)));
        // Inside an object we read members; inside an array of children, entries.
        let mut in_array = false;
        while let Some((index, open)) = stack.last_mut() {
            match (at.next_token(), in_array) {
                (Some(b','), _) => at.step(),
                (Some(b']'), true) => {
                    at.step();
                    in_array = false;
                }
                (Some(b'{'), true) => {
                    if done.len() > limit::ELEMENTS {
                        return Err(Rejected::because(format!("a collection has at most {} elements", limit::ELEMENTS)));
                    }
                    at.step();
                    let child = Open::new(open.children_of, Some(*index));
                    done.push(None);
                    stack.push((done.len() - 1, child));
                    in_array = false;
                }
                (Some(byte), true) if byte != b'}' => {
                    // Not an item at all, but the file has it here: kept as it is.
                    let scalar = at.value().to_owned();
                    let element = Element::new((self.new_id)(), None, Kind::Request, String::new(), scalar);
                    done.push(Some((element, Some(*index))));
                }
                (Some(b'"'), false) => {
                    let key = at.key();
                    let first = at.peek();
                    let root = whole && *index == 0;
                    let children = (first == Some(b'[')).then(|| open.opens(key, root)).flatten();
                    let looks_at = at.clone();
                    match children {
                        Some(slot) if starts_with_an_object(looks_at) => {
                            open.own.member(key, "[]");
                            open.children_of = slot;
                            at.step();
                            in_array = true;
                        }
                        _ => {
                            let value = at.value();
                            open.learn(key, value);
                            open.own.member(key, value);
                        }
                    }
                }
                _ => {
                    // The end of this object.
                    at.step();
                    let Some((index, open)) = stack.pop() else { break };
                    in_array = !stack.is_empty();
                    let parent = open.parent;
                    done[index] = Some((self.close(open, whole && index == 0), parent));
                }
            }
        }
        self.arrange(done)
    }

    fn close(&mut self, open: Open, root: bool) -> Element {
        let kind = match open.slot {
            _ if root => Kind::Collection,
            "response" => Kind::Response,
            _ if open.has_items => Kind::Folder,
            _ => Kind::Request,
        };
        let mut id = open.id;
        if id.as_ref().is_none_or(|id| self.taken.contains(id)) {
            id = None;
        }
        let id = id.unwrap_or_else(|| (self.new_id)());
        self.taken.insert(id.clone());
        Element::new(id, None, kind, String::new(), open.own.finish())
    }

    /// Gives each element its parent and its order key; parents come before their children, siblings in file order.
    fn arrange(&self, done: Vec<Option<(Element, Option<usize>)>>) -> Result<(Element, Vec<Element>), Rejected> {
        let parents: Vec<Option<usize>> = done.iter().map(|entry| entry.as_ref().and_then(|(_, parent)| *parent)).collect();
        let mut elements: Vec<Element> = done.into_iter().flatten().map(|(element, _)| element).collect();
        if elements.len() != parents.len() || elements.is_empty() {
            return Err(Rejected::because("the document ends in the middle"));
        }
        let mut siblings: HashMap<(usize, &str), Vec<usize>> = HashMap::new();
        for (index, parent) in parents.iter().enumerate().skip(1) {
            siblings.entry((parent.unwrap_or(0), elements[index].kind.slot())).or_default().push(index);
        }
        for ((parent, _), children) in siblings {
            let parent_id = (parent != 0).then(|| elements[parent].id.clone());
            for (child, key) in children.iter().zip(order::spread(children.len())) {
                elements[*child].parent.clone_from(&parent_id);
                elements[*child].order = key;
            }
        }
        let root = elements.remove(0);
        // Children of a single item that was split stand under that item.
        if root.kind != Kind::Collection {
            for (element, parent) in elements.iter_mut().zip(&parents[1..]) {
                if *parent == Some(0) {
                    element.parent = Some(root.id.clone());
                }
            }
        }
        Ok((root, elements))
    }
}

impl Open {
    fn new(slot: &'static str, parent: Option<usize>) -> Open {
        Open { id: None, slot, parent, own: Builder::object(), has_items: false, has_responses: false, children_of: "item" }
    }

    /// Whether an array under this key holds children, and of which slot.
    fn opens(&mut self, key: &str, root: bool) -> Option<&'static str> {
        if self.slot == "response" {
            return None;
        }
        if json::is_key(key, "item") && !self.has_items {
            self.has_items = true;
            return Some("item");
        }
        if json::is_key(key, "response") && !self.has_responses && !root {
            self.has_responses = true;
            return Some("response");
        }
        None
    }

    /// Remembers the id that the file gives the element: `id`, else `_postman_id`.
    fn learn(&mut self, key: &str, value: &str) {
        let is_id = json::is_key(key, "id");
        if is_id || (self.id.is_none() && json::is_key(key, "_postman_id")) {
            let id = json::text(value).and_then(|id| ElementId::parse(&id).ok());
            self.id = id.or(self.id.take());
        }
    }
}

/// Whether the array here is one of items: empty, or with an object first. Another array is content.
/// It looks at the first entry; a later one that is no object becomes an element all the same.
fn starts_with_an_object(mut at: Cursor<'_>) -> bool {
    at.step();
    matches!(at.next_token(), Some(b'{' | b']'))
}

/// Puts a document together: the collection's own JSON and its elements, in any order. Elements whose parent is not
/// there are left out, so a reader never sees the inside of a deleted folder.
pub fn join(root: &str, elements: &[Element], identity: Option<(&CollectionId, UserId)>) -> String {
    let mut children: HashMap<(Option<&ElementId>, &str), Vec<&Element>> = HashMap::new();
    for element in elements {
        children.entry((element.parent.as_ref(), element.kind.slot())).or_default().push(element);
    }
    for list in children.values_mut() {
        list.sort_by(|a, b| (&a.order, &a.id).cmp(&(&b.order, &b.id)));
    }
    let root = match identity {
        Some((collection, owner)) => with_identity(root, collection, owner),
        None => root.to_owned(),
    };
    let size = root.len() + elements.iter().map(|element| element.json.len() + 48).sum::<usize>();
    let mut out = String::with_capacity(size);
    // What is left to write, last first.
    let mut rest = vec![Piece::Object { own: std::borrow::Cow::Owned(root), of: None, root: true, id: None }];
    while let Some(piece) = rest.pop() {
        match piece {
            Piece::Text(text) => out.push_str(&text),
            Piece::Object { own, of, root, id } => {
                let mut pieces = Vec::new();
                open_up(&own, of, id, root, &children, &mut pieces);
                rest.extend(pieces.into_iter().rev());
            }
        }
    }
    out
}

enum Piece<'a> {
    Text(String),
    Object { own: std::borrow::Cow<'a, str>, of: Option<&'a ElementId>, root: bool, id: Option<&'a ElementId> },
}

fn open_up<'a>(
    own: &str,
    of: Option<&'a ElementId>,
    id: Option<&'a ElementId>,
    root: bool,
    children: &HashMap<(Option<&'a ElementId>, &str), Vec<&'a Element>>,
    pieces: &mut Vec<Piece<'a>>,
) {
    if !json::is_object(own) {
        pieces.push(Piece::Text(own.to_owned()));
        return;
    }
    let none: Vec<&Element> = Vec::new();
    let list = |slot: &'static str| {
        // A response has no children of its own; a collection has no responses.
        if root && slot == "response" { &none } else { children.get(&(of, slot)).unwrap_or(&none) }
    };
    let mut open = vec!["item", "response"];
    let mut text = "{".to_owned();
    let mut first = true;
    let mut has_id = false;
    for (key, value) in json::members(own) {
        if !std::mem::take(&mut first) {
            text.push(',');
        }
        let slot = open.iter().position(|slot| json::is_key(key, slot) && json::same(value, "[]"));
        let is_id = json::is_key(key, "id");
        has_id |= is_id || json::is_key(key, "_postman_id");
        text.push_str(key);
        text.push(':');
        match (slot, id) {
            (Some(slot), _) if !list(open[slot]).is_empty() => {
                let slot = open.remove(slot);
                text.push('[');
                push_children(list(slot), &mut text, pieces);
                text.push(']');
            }
            (_, Some(id)) if is_id && json::text(value).is_none_or(|given| given != id.as_str()) => {
                text.push_str(&json::quote(id.as_str()))
            }
            _ => text.push_str(value),
        }
    }
    if let (Some(id), false) = (id, has_id) {
        text.push_str(if std::mem::take(&mut first) { "\"id\":" } else { ",\"id\":" });
        text.push_str(&json::quote(id.as_str()));
    }
    for slot in open {
        if !list(slot).is_empty() {
            text.push_str(if std::mem::take(&mut first) { "" } else { "," });
            text.push_str(&format!("\"{slot}\":["));
            push_children(list(slot), &mut text, pieces);
            text.push(']');
        }
    }
    text.push('}');
    pieces.push(Piece::Text(text));
}

fn push_children<'a>(list: &[&'a Element], text: &mut String, pieces: &mut Vec<Piece<'a>>) {
    for (index, child) in list.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        pieces.push(Piece::Text(std::mem::take(text)));
        pieces.push(Piece::Object { own: std::borrow::Cow::Borrowed(&child.json), of: Some(&child.id), root: false, id: Some(&child.id) });
    }
}

/// The collection's own JSON with the ids that the server gave it in `info`.
pub fn with_identity(root: &str, collection: &CollectionId, owner: UserId) -> String {
    let info = json::get(root, "info").unwrap_or("{}");
    let info = json::set(info, "_postman_id", Some(&json::quote(collection.as_str())));
    let info = match json::get(&info, "uid") {
        Some(_) => json::set(&info, "uid", Some(&json::quote(&collection.uid(owner)))),
        None => info,
    };
    json::set(root, "info", Some(&info))
}

/// Whether an element's own JSON brings children along. They have their own addresses.
pub fn brings_children(own: &str) -> Option<&'static str> {
    ["item", "response"].into_iter().find(|slot| json::get(own, slot).is_some_and(|value| !json::entries(value).is_empty()))
}

/// An element's JSON for its own address: with its id, and the arrays of its children empty.
pub fn one(element: &Element) -> String {
    let mut pieces = Vec::new();
    open_up(&element.json, None, Some(&element.id), true, &HashMap::new(), &mut pieces);
    pieces.into_iter().map(|piece| if let Piece::Text(text) = piece { text } else { String::new() }).collect()
}

#[cfg(test)]
#[path = "format_tests.rs"]
mod tests;

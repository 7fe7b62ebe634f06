//! Format 1: flat lists of folders and requests, held together by lists of ids.
//!
//! Read, each becomes an element with JSON of format 2.1 and an origin: itself as it stood in the file, its place in the
//! file's flat list, and what its own members do not say truly. Written, the lists are put together from where the
//! elements stand now; what still is as it was read is given back as it was written.

use std::collections::{HashMap, HashSet};

use super::origin::{self, Origin, overlay};
use super::parts::Obj;
use super::{Parsed, Version, name_of};
use crate::collection::{Element, Kind};
use crate::ids::{CollectionId, ElementId};
use crate::json::{self, Builder, array, is_array, is_object, quote};
use crate::{Rejected, limit, order};

mod down;
mod up;

/// Whether a document (already unwrapped) is of format 1.
pub(super) fn is_v1(document: &str) -> bool {
    let read = Obj::of(document);
    let list = |key: &str| read.get(key).is_some_and(is_array);
    read.get("info").is_none() && (list("requests") || (list("order") && read.get("name").is_some()))
}

/// A list with `{}` in place of what became an element; anything else stays where it stood.
fn marked(list: &str) -> String {
    array(json::entries(list).into_iter().map(|entry| if is_object(entry) { "{}" } else { entry }))
}

/// A folder, request or response of the file.
struct Entry<'a> {
    kind: Kind,
    raw: &'a str,
    read: Obj<'a>,
    /// Its place in the file's list.
    at: usize,
    parent: Option<usize>,
    placed: bool,
}

impl Entry<'_> {
    /// Its id as written; ids are compared as they are written.
    fn id(&self) -> Option<&str> {
        self.read.get("id").filter(|id| id.starts_with('"'))
    }

    /// What it says that it stands in.
    fn says(&self) -> Option<&str> {
        says_parent(&self.read)
    }
}

fn says_parent<'a>(read: &Obj<'a>) -> Option<&'a str> {
    ["folder", "folderId"].into_iter().find_map(|key| read.said(key))
}

fn listed<'a>(read: &Obj<'a>, key: &str) -> Vec<&'a str> {
    json::entries(read.get(key).unwrap_or("[]"))
}

/// The children of each entry (and of the collection, `None`), in order.
type Children = HashMap<Option<usize>, Vec<usize>>;

fn entries_of<'a>(kind: Kind, list: Option<&'a str>) -> impl Iterator<Item = Entry<'a>> {
    let all = json::entries(list.unwrap_or("[]")).into_iter().enumerate().filter(|(_, raw)| is_object(raw));
    all.map(move |(at, raw)| Entry { kind, raw, read: Obj::of(raw), at, parent: None, placed: false })
}

/// Who stands where: as the orders say, then as the entries themselves say, then directly in the collection. Nothing is
/// left out, and nothing stands twice or in itself.
fn arrange(root: &Obj<'_>, all: &mut [Entry<'_>]) -> Children {
    let mut by_id: HashMap<(Kind, String), usize> = HashMap::new();
    for (index, entry) in all.iter().enumerate() {
        if let Some(id) = entry.id() {
            by_id.entry((entry.kind, id.to_owned())).or_insert(index);
        }
    }
    let mut children = Children::new();
    let mut place = |all: &mut [Entry<'_>], index: usize, parent: Option<usize>| {
        let mut above = parent;
        while let Some(at) = above {
            if at == index {
                return;
            }
            above = all[at].parent;
        }
        if !all[index].placed {
            all[index].parent = parent;
            all[index].placed = true;
            children.entry(parent).or_default().push(index);
        }
    };
    let folders: Vec<usize> = (0..all.len()).filter(|index| all[*index].kind == Kind::Folder).collect();
    for (kind, key) in [(Kind::Folder, "folders_order"), (Kind::Request, "order")] {
        for parent in folders.iter().copied().map(Some).chain([None]) {
            let order = parent.map_or_else(|| listed(root, key), |parent| listed(&all[parent].read, key));
            for id in order {
                if let Some(index) = by_id.get(&(kind, id.to_owned())) {
                    place(all, *index, parent);
                }
            }
        }
        for index in (0..all.len()).filter(|index| all[*index].kind == kind).collect::<Vec<_>>() {
            let parent = all[index].says().and_then(|id| by_id.get(&(Kind::Folder, id.to_owned())).copied());
            if !all[index].placed {
                place(all, index, parent);
                // It stands in itself, says the file.
                place(all, index, None);
            }
        }
    }
    children
}

/// Splits a document of format 1.
pub(super) fn split(document: &str, mut new_id: impl FnMut() -> ElementId) -> Result<Parsed, Rejected> {
    let root = Obj::of(document);
    let mut all: Vec<Entry<'_>> =
        entries_of(Kind::Folder, root.get("folders")).chain(entries_of(Kind::Request, root.get("requests"))).collect();
    let mut children = arrange(&root, &mut all);
    for index in 0..all.len() {
        if all[index].kind != Kind::Request {
            continue;
        }
        let mut found: Vec<Entry<'_>> = entries_of(Kind::Response, all[index].read.get("responses")).collect();
        let wanted: Vec<&str> = listed(&all[index].read, "responses_order");
        let rank = |entry: &Entry<'_>| entry.id().and_then(|id| wanted.iter().position(|other| *other == id)).unwrap_or(usize::MAX);
        found.sort_by_key(rank);
        for mut entry in found {
            entry.parent = Some(index);
            children.entry(Some(index)).or_default().push(all.len());
            all.push(entry);
        }
    }
    if all.len() > limit::ELEMENTS {
        return Err(Rejected::because(format!("a collection has at most {} elements", limit::ELEMENTS)));
    }
    let requests: HashMap<&str, &str> =
        all.iter().filter(|entry| entry.kind == Kind::Request).filter_map(|entry| Some((entry.id()?, entry.raw))).collect();
    let find = |id: &str| requests.get(id).map(|raw| (*raw).to_owned());
    let mut taken: HashSet<ElementId> = HashSet::new();
    let ids: Vec<ElementId> = all
        .iter()
        .map(|entry| {
            let given = entry.id().and_then(json::text).and_then(|id| ElementId::parse(&id).ok());
            let id = given.filter(|id| !taken.contains(id)).unwrap_or_else(&mut new_id);
            taken.insert(id.clone());
            id
        })
        .collect();
    let mut keys = vec![String::new(); all.len()];
    for list in children.values() {
        for (child, key) in list.iter().zip(order::spread(list.len())) {
            keys[*child] = key;
        }
    }
    let none = Vec::new();
    let ids_of = |parent: Option<usize>, kind: Kind| {
        let list = children.get(&parent).unwrap_or(&none).iter().filter(|child| all[**child].kind == kind);
        list.map(|child| all[*child].id().map_or_else(|| quote(ids[*child].as_str()), str::to_owned)).collect::<Vec<_>>()
    };
    // What an entry's own lists do not say as it is.
    let untold = |read: &Obj<'_>, parent: Option<usize>, more: &mut Vec<(&'static str, String)>| {
        for (key, kind) in ORDERS {
            let now = ids_of(parent, kind);
            if now != listed(read, key) {
                more.push((key, array(now)));
            }
        }
    };
    // Parents before children.
    let mut elements = Vec::with_capacity(all.len());
    let mut rest: Vec<usize> = children.get(&None).into_iter().flatten().rev().copied().collect();
    while let Some(index) = rest.pop() {
        rest.extend(children.get(&Some(index)).into_iter().flatten().rev());
        let entry = &all[index];
        let mut more = vec![("at", entry.at.to_string())];
        let parent = entry.parent.and_then(|parent| all[parent].id().map(str::to_owned).or(Some(quote(ids[parent].as_str()))));
        if entry.kind != Kind::Response && parent.as_deref() != entry.says() {
            more.push(("in", parent.unwrap_or_else(|| "null".to_owned())));
        }
        untold(&entry.read, Some(index), &mut more);
        let own = match entry.read.get("responses").filter(|list| entry.kind == Kind::Request && is_array(list)) {
            Some(list) => json::set(entry.raw, "responses", Some(&marked(list))),
            None => entry.raw.to_owned(),
        };
        let json = read_up(entry.kind, &entry.read, &find);
        let parent = entry.parent.map(|parent| ids[parent].clone());
        let mut element = Element::new(ids[index].clone(), parent, entry.kind, std::mem::take(&mut keys[index]), json);
        element.origin = Some(origin::write(Version::V1, &own, &more));
        elements.push(element);
    }
    let mut own = document.to_owned();
    for key in ["folders", "requests"] {
        if let Some(list) = root.get(key).filter(|list| is_array(list)) {
            own = json::set(&own, key, Some(&marked(list)));
        }
    }
    let mut more = Vec::new();
    untold(&root, None, &mut more);
    let json = up::root(&root);
    let name = name_of(&json).unwrap_or_else(|| "Untitled collection".to_owned());
    Ok(Parsed { name, root: json, origin: Some(origin::write(Version::V1, &own, &more)), elements })
}

/// The lists that hold the children of a kind together.
const ORDERS: [(&str, Kind); 3] = [("folders_order", Kind::Folder), ("order", Kind::Request), ("responses_order", Kind::Response)];

fn read_up(kind: Kind, read: &Obj<'_>, find: up::Find<'_>) -> String {
    match kind {
        Kind::Collection => up::root(read),
        Kind::Folder => up::folder(read),
        Kind::Request => up::request(read),
        Kind::Response => up::response(read, find),
    }
}

fn write_down(kind: Kind, own: &str, out: &mut Builder) {
    match kind {
        Kind::Collection => down::root(own, out),
        Kind::Folder => down::folder(own, out),
        Kind::Request => down::request(own, out),
        Kind::Response => down::response(own, out),
    }
}

/// An element on its way out, with what it was read from, if it was.
struct Out<'a> {
    element: &'a Element,
    origin: Option<Origin<'a>>,
    id: String,
}

impl<'a> Out<'a> {
    fn of(element: &'a Element) -> Out<'a> {
        let origin = element.origin.as_deref().and_then(Origin::read).filter(|origin| origin.version == Version::V1);
        let id = origin.as_ref().and_then(|origin| json::get(origin.own, "id")).filter(|id| id.starts_with('"'));
        Out { id: id.map_or_else(|| quote(element.id.as_str()), str::to_owned), origin, element }
    }

    /// Its JSON of format 1, without what holds it and others together where it is new.
    fn own(&self, find: up::Find<'_>) -> String {
        let (kind, json) = (self.element.kind, &self.element.json);
        let converted = |json: &str, mut out: Builder| {
            write_down(kind, json, &mut out);
            out.finish()
        };
        match &self.origin {
            Some(origin) => {
                let base = read_up(kind, &Obj::of(origin.own), find);
                if json::same(&base, json) {
                    return origin.own.to_owned();
                }
                overlay(origin.own, &converted(&base, Builder::object()), &converted(json, Builder::object()), 3)
            }
            None => {
                let mut out = Builder::object();
                out.put("id", &self.id);
                converted(json, out)
            }
        }
    }

    /// Sets an order where it is another one than it was.
    fn put_order(&self, text: String, key: &str, now: &[&str]) -> String {
        let before = self.origin.as_ref().map(|origin| match origin.more.get(key) {
            Some(list) => json::entries(list),
            None => json::entries(json::get(origin.own, key).unwrap_or("[]")),
        });
        if before.is_some_and(|before| before == now) { text } else { json::set(&text, key, Some(&array(now))) }
    }

    /// Sets what it stands in, where that is something else than it was.
    fn put_parent(&self, text: String, now: Option<&str>) -> String {
        let read = self.origin.as_ref().map(|origin| (origin.more.get("in"), Obj::of(origin.own)));
        let before = match &read {
            Some((Some(within), _)) => Some(*within).filter(|within| *within != "null"),
            Some((None, own)) => says_parent(own),
            None => None,
        };
        if before == now {
            return text;
        }
        let second = read.is_some_and(|(_, own)| own.get("folderId").is_some());
        let value = now.unwrap_or("null");
        let text = json::set(&text, "folder", Some(value));
        if second { json::set(&text, "folderId", Some(value)) } else { text }
    }

    fn at(&self) -> Option<usize> {
        self.origin.as_ref()?.more.get("at")?.parse().ok()
    }
}

/// A list of the file: what still is there in the file's order, then what is new.
fn filled_in(list: Option<&str>, now: Vec<(Option<usize>, String)>) -> Option<String> {
    if !list.is_some_and(is_array) && now.is_empty() {
        return None;
    }
    let mut known: HashMap<usize, String> = HashMap::new();
    let mut new = Vec::new();
    for (at, text) in now {
        match at.filter(|at| !known.contains_key(at)) {
            Some(at) => drop(known.insert(at, text)),
            None => new.push(text),
        }
    }
    let mut out: Vec<String> = Vec::new();
    for (at, entry) in json::entries(list.unwrap_or("[]")).into_iter().enumerate() {
        match known.remove(&at) {
            Some(text) => out.push(text),
            None if is_object(entry) => (),
            None => out.push(entry.to_owned()),
        }
    }
    let mut moved: Vec<(usize, String)> = known.into_iter().collect();
    moved.sort();
    out.extend(moved.into_iter().map(|(_, text)| text));
    out.extend(new);
    Some(array(out))
}

/// Puts a document of format 1 together.
pub(super) fn join(root: &Element, elements: &[Element], collection: &CollectionId) -> String {
    let outs: Vec<Out<'_>> = elements.iter().map(Out::of).collect();
    let top = {
        let out = Out::of(root);
        let known = out.origin.is_some();
        Out { id: if known { out.id } else { quote(collection.as_str()) }, ..out }
    };
    let index: HashMap<&ElementId, usize> = outs.iter().enumerate().map(|(index, out)| (&out.element.id, index)).collect();
    let mut children: HashMap<Option<usize>, Vec<usize>> = HashMap::new();
    for (at, out) in outs.iter().enumerate() {
        let parent = out.element.parent.as_ref().map(|parent| index.get(parent).copied());
        match parent {
            None => children.entry(None).or_default().push(at),
            Some(Some(parent)) => children.entry(Some(parent)).or_default().push(at),
            // It stands in something that is not there.
            Some(None) => (),
        }
    }
    for list in children.values_mut() {
        list.sort_by(|a, b| (&outs[*a].element.order, &outs[*a].element.id).cmp(&(&outs[*b].element.order, &outs[*b].element.id)));
    }
    let none = Vec::new();
    let of = |parent: Option<usize>, kind: Kind| {
        let list = children.get(&parent).unwrap_or(&none).iter().copied();
        list.filter(|child| outs[*child].element.kind == kind).collect::<Vec<_>>()
    };
    let with_orders = |out: &Out<'_>, parent: Option<usize>, mut text: String, which: &[(&str, Kind)]| {
        for (key, kind) in which {
            let now: Vec<&str> = of(parent, *kind).into_iter().map(|child| outs[child].id.as_str()).collect();
            text = out.put_order(text, key, &now);
        }
        text
    };
    let requests: HashMap<&str, &str> = outs
        .iter()
        .filter(|out| out.element.kind == Kind::Request)
        .filter_map(|out| Some((out.id.as_str(), out.origin.as_ref()?.own)))
        .collect();
    let find = |id: &str| requests.get(id).map(|own| (*own).to_owned());
    let (mut folders, mut all) = (Vec::new(), Vec::new());
    let mut rest: Vec<usize> = children.get(&None).into_iter().flatten().rev().copied().collect();
    while let Some(at) = rest.pop() {
        let out = &outs[at];
        rest.extend(children.get(&Some(at)).into_iter().flatten().rev());
        let parent = out.element.parent.as_ref().and_then(|parent| index.get(parent)).map(|parent| outs[*parent].id.as_str());
        match out.element.kind {
            Kind::Folder => {
                let text = with_orders(out, Some(at), out.own(&find), &ORDERS[..2]);
                folders.push((out.at(), out.put_parent(text, parent)));
            }
            Kind::Request => {
                let mut text = out.put_parent(with_orders(out, Some(at), out.own(&find), &ORDERS[2..]), parent);
                if out.origin.is_none() {
                    text = json::set(&text, "collectionId", Some(&top.id));
                }
                let responses = of(Some(at), Kind::Response).into_iter();
                let responses = responses.map(|child| (outs[child].at(), outs[child].own(&find))).collect();
                let list = json::get(&text, "responses").map(str::to_owned);
                all.push((
                    out.at(),
                    match filled_in(list.as_deref(), responses) {
                        Some(list) => json::set(&text, "responses", Some(&list)),
                        None => text,
                    },
                ));
            }
            Kind::Collection | Kind::Response => (),
        }
    }
    let mut text = with_orders(&top, None, top.own(&find), &ORDERS[..2]);
    for (key, now) in [("folders", folders), ("requests", all)] {
        let list = json::get(&text, key).map(str::to_owned);
        if let Some(list) = filled_in(list.as_deref(), now) {
            text = json::set(&text, key, Some(&list));
        }
    }
    text
}

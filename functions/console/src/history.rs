//! Changes in words: for the feed, and beside a collection's tree.

use std::collections::HashMap;

use domain::change::{Change, Counts, ItemRef, Op};
use domain::collection::Kind;
use domain::comment::Did;
use domain::happened::Grantee;
use domain::ids::CollectionId;
use store::feed::{self, Let};

use crate::views::{Entry, EntryItem, Moment, role_name};

/// Places of an element that have a name of their own, by the start of their pointer; the first that fits counts.
const PLACES: [(&str, &str); 13] = [
    ("/name", "name"),
    ("/description", "description"),
    ("/request/description", "description"),
    ("/request/method", "method"),
    ("/request/url", "URL"),
    ("/request/header", "headers"),
    ("/request/body", "body"),
    ("/request/auth", "authorization"),
    ("/auth", "authorization"),
    ("/event", "scripts"),
    ("/variable", "variables"),
    ("/info/name", "name"),
    ("/info/description", "description"),
];

/// The name of a place; others are shown as they stand.
pub(crate) fn place(pointer: &str) -> String {
    let under = |start: &str| pointer.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    PLACES.iter().find(|(start, _)| under(start)).map_or_else(|| pointer.trim_start_matches('/').to_owned(), |(_, name)| (*name).to_owned())
}

fn verb(op: Op, of_element: bool) -> &'static str {
    match op {
        Op::Create if of_element => "added",
        Op::Create => "created",
        Op::Update => "changed",
        Op::Move => "moved",
        Op::Delete => "deleted",
        Op::Import => "imported",
        Op::Restore => "restored",
    }
}

/// The element that a change was about; `None` where it was the collection itself.
fn item(collection: &CollectionId, op: Op, item: Option<&ItemRef>) -> Option<EntryItem> {
    let item = item?;
    let (kind, page) = match item.kind {
        Kind::Collection => return None,
        Kind::Folder => ("folder", Some(&item.id)),
        Kind::Request => ("request", Some(&item.id)),
        // An example is shown on the page of its request.
        Kind::Response => ("example", item.parent.as_ref()),
    };
    let page = page.filter(|_| op != Op::Delete).map(|id| format!("/collections/{collection}/items/{id}")).unwrap_or_default();
    let name = if item.name.is_empty() { "without a name".to_owned() } else { item.name.clone() };
    Some(EntryItem { page, kind, name })
}

/// `38 new, 2 changed, 1 removed`.
fn counted(counts: Counts) -> String {
    let parts = [(counts.created, "new"), (counts.updated, "changed"), (counts.deleted, "removed"), (counts.unchanged, "as before")];
    let said: Vec<String> = parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    said.join(", ")
}

/// An entry of a feed. `names` are the names that collections have now, `people` those of members and groups.
pub fn entry_of_feed(names: &HashMap<&CollectionId, &str>, people: &HashMap<String, String>, entry: &feed::Entry) -> Entry {
    let item = match &entry.pull {
        Some(pull) => Some(EntryItem { page: format!("/pull-requests/{}", pull.id), kind: "pull request", name: pull.title.clone() }),
        None => item(&entry.collection, entry.op, entry.item.as_ref()),
    };
    let verb = match entry.comment.as_ref().map(|one| one.did) {
        None => verb(entry.op, item.is_some()),
        Some(Did::Resolve) => "resolved a thread on",
        Some(Did::Reopen) => "reopened a thread on",
        Some(Did::Create | Did::Update | Did::Delete) => "commented on",
    };
    let verb = match &entry.access {
        None => verb,
        Some(Let::Role { role: Some(_), .. }) => "let somebody into",
        Some(Let::Role { role: None, .. }) => "took a role in",
        Some(Let::Moved { .. }) => "took to another workspace",
        Some(Let::Group { follows: true, .. }) => "subscribed a group to",
        Some(Let::Group { follows: false, .. }) => "unsubscribed a group from",
    };
    Entry {
        id: format!("{}-{}", entry.collection, entry.cause()),
        seq: entry.seq,
        at: Moment(entry.at),
        actor: entry.actor.username.clone(),
        verb,
        item,
        collection: names.get(&entry.collection).map_or_else(|| entry.collection_name.clone(), |name| (*name).to_owned()),
        collection_id: entry.collection.to_string(),
        count: entry.with.len() as u64 + 1,
        note: entry.access.as_ref().map_or_else(|| entry.counts.map(counted).unwrap_or_default(), |access| let_in(access, people)),
    }
}

/// Who was let in, as what. `people` are the names of members and groups by their ids.
fn let_in(access: &Let, people: &HashMap<String, String>) -> String {
    let name = |id: String| people.get(&id).cloned().unwrap_or_else(|| "somebody".to_owned());
    match access {
        Let::Role { to, role, .. } => {
            let to = match to {
                Grantee::Everyone => "everyone in the team".to_owned(),
                Grantee::Group(group) => format!("the group {}", name(group.to_string())),
                Grantee::User(user) => name(user.to_string()),
            };
            match role {
                Some(role) => format!("{to}: {}", role_name(crate::access::role_word(*role))),
                None => to,
            }
        }
        Let::Moved { .. } => String::new(),
        Let::Group { group, .. } => name(group.to_string()),
    }
}

/// A change, as the page of its collection tells it.
pub fn entry_of_change(name: &str, change: &Change) -> Entry {
    let item = item(&change.collection, change.op, change.item.as_ref());
    let note = match change.counts {
        Some(counts) => counted(counts),
        None if change.op == Op::Update => {
            let mut places: Vec<String> = change.changes.iter().map(|field| place(&field.pointer)).collect();
            places.dedup();
            places.join(", ")
        }
        None => String::new(),
    };
    Entry {
        id: format!("{}-{}", change.collection, change.seq),
        seq: change.seq,
        at: Moment(change.at),
        actor: change.actor.username.clone(),
        verb: verb(change.op, item.is_some()),
        item,
        collection: name.to_owned(),
        collection_id: change.collection.to_string(),
        count: 1,
        note,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_have_names() {
        assert_eq!(place("/request/url/query"), "URL");
        assert_eq!(place("/request/urlx"), "request/urlx");
        assert_eq!(place("/name"), "name");
    }

    #[test]
    fn counts_are_said_where_there_are_any() {
        assert_eq!(counted(Counts { created: 38, updated: 0, deleted: 1, unchanged: 0 }), "38 new, 1 removed");
        assert_eq!(counted(Counts::default()), "");
    }
}

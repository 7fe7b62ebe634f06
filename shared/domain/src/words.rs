//! How a change is told in a sentence: in letters, notices and feeds.

use crate::change::{ItemRef, Op};
use crate::collection::Kind;

/// What people call a kind of element.
pub fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Response => "example",
        other => other.as_str(),
    }
}

/// A name or value on one line.
pub fn line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// What something was done to: `the request “List orders”`.
pub fn thing(item: Option<&ItemRef>) -> String {
    match item {
        None => "the collection".to_owned(),
        Some(item) if item.kind == Kind::Collection => "the collection itself".to_owned(),
        Some(item) => format!("the {} “{}”", kind(item.kind), line(&item.name)),
    }
}

/// What was done: `changed the request “List orders”`. `merged`: the name of the fork that was merged.
pub fn deed(op: Op, item: Option<&ItemRef>, merged: Option<&str>) -> String {
    let thing = thing(item);
    match (op, item, merged) {
        (Op::Create, ..) => format!("added {thing}"),
        (Op::Update, ..) => format!("changed {thing}"),
        (Op::Move, ..) => format!("moved {thing}"),
        (Op::Delete, ..) => format!("deleted {thing}"),
        (Op::Import, None, Some(fork)) => format!("merged “{}” into the collection", line(fork)),
        (Op::Import, None, None) => "imported a new version".to_owned(),
        (Op::Import, Some(_), _) => format!("imported {thing}"),
        (Op::Restore, ..) => format!("restored {thing}"),
    }
}

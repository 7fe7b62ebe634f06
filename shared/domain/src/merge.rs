//! Differences between two states of one element, and the three-way merge of two edits (promise G2).
//!
//! A difference compares objects key by key, everything else as a whole; a merge also goes into lists of named things
//! and into lines ([`crate::lists`]). A JSON Pointer (RFC 6901) names each place.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::json;
use crate::lists::List;

/// Deeper than this, a value counts as a whole: nobody edits two places of the same hundred-fold nest at once.
const DEEPEST: usize = 64;

/// One place that changed. `before` is absent where the place is new, `after` where it went.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FieldChange {
    /// Where, in the element's own JSON (RFC 6901). Empty for the element as a whole.
    pub pointer: String,
    /// The value before, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    pub before: Option<Box<RawValue>>,
    /// The value after, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    pub after: Option<Box<RawValue>>,
}

/// One place that both sides changed, each in another way. A side that removed the place has no value.
#[derive(Debug, Clone, Serialize)]
pub struct Overlap {
    /// Where (RFC 6901). A place in a list is counted in what is there now, or in `mine` for what went from there.
    pub pointer: String,
    /// The value both started from.
    pub base: Option<Box<RawValue>>,
    /// The value of the edit that came late.
    pub mine: Option<Box<RawValue>>,
    /// The value that is there now.
    pub theirs: Option<Box<RawValue>>,
}

/// A value as written, for an answer or a record. `None` for text that is not JSON.
pub fn raw(value: &str) -> Option<Box<RawValue>> {
    RawValue::from_string(value.trim().to_owned()).ok()
}

/// An object's members if it can be compared key by key: no key twice, every key a text.
fn comparable(value: &str) -> Option<Vec<(String, &str, &str)>> {
    if !json::is_object(value) {
        return None;
    }
    let all: Option<Vec<_>> = json::members(value).into_iter().map(|(key, value)| json::text(key).map(|name| (name, key, value))).collect();
    let all = all?;
    let mut names: Vec<&str> = all.iter().map(|(name, ..)| name.as_str()).collect();
    names.sort_unstable();
    names.windows(2).all(|pair| pair[0] != pair[1]).then_some(all)
}

fn find<'a>(members: &[(String, &'a str, &'a str)], name: &str) -> Option<&'a str> {
    members.iter().find(|(other, ..)| other == name).map(|(.., value)| *value)
}

fn below(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// What changed from `before` to `after`. Equal values, and values that differ in white space only, give nothing.
pub fn diff(before: &str, after: &str) -> Vec<FieldChange> {
    let mut found = Vec::new();
    diff_at("", before, after, 0, &mut found);
    found
}

fn diff_at(pointer: &str, before: &str, after: &str, depth: usize, found: &mut Vec<FieldChange>) {
    if json::same(before, after) {
        return;
    }
    let (Some(old), Some(new), true) = (comparable(before), comparable(after), depth < DEEPEST) else {
        found.push(FieldChange { pointer: pointer.to_owned(), before: raw(before), after: raw(after) });
        return;
    };
    for (name, _, value) in &old {
        match find(&new, name) {
            Some(now) => diff_at(&below(pointer, name), value, now, depth + 1, found),
            None => found.push(FieldChange { pointer: below(pointer, name), before: raw(value), after: None }),
        }
    }
    for (name, _, value) in &new {
        if find(&old, name).is_none() {
            found.push(FieldChange { pointer: below(pointer, name), before: None, after: raw(value) });
        }
    }
}

/// The state before `changes`, from the state after them.
/// `None` where they do not fit it: then they are not the changes that led to it.
pub fn undo(after: &str, changes: &[FieldChange]) -> Option<String> {
    changes.iter().try_fold(after.to_owned(), |state, change| put(&state, &change.pointer, change.before.as_deref().map(RawValue::get)))
}

/// `document` with the place at `pointer` set, or removed where `value` is `None`.
fn put(document: &str, pointer: &str, value: Option<&str>) -> Option<String> {
    let Some(rest) = pointer.strip_prefix('/') else {
        return value.map(str::to_owned);
    };
    let (name, deeper) = match rest.split_once('/') {
        Some((name, _)) => (name, &rest[name.len()..]),
        None => (rest, ""),
    };
    let name = name.replace("~1", "/").replace("~0", "~");
    if deeper.is_empty() {
        return json::is_object(document).then(|| json::set(document, &name, value));
    }
    let inner = put(json::get(document, &name)?, deeper, value)?;
    Some(json::set(document, &name, Some(&inner)))
}

/// Merges two edits of one state: `mine` came late, `theirs` is there now.
/// Gives the merged state, or every place where both changed the same thing differently.
///
/// Objects merge key by key, lists of named things (headers, parameters, variables, form fields, scripts by what they
/// listen to) thing by thing, scripts and descriptions line by line, everything else as a whole. Keys stand in the
/// order of `theirs`; keys that are new in `mine` follow. What differs in white space or escapes only is equal.
pub fn three_way(base: &str, mine: &str, theirs: &str) -> Result<String, Vec<Overlap>> {
    let mut overlaps = Vec::new();
    let sides = Sides { base: Some(base), mine: Some(mine), theirs: Some(theirs) };
    let merged = merge_at("", sides, 0, &mut overlaps);
    match merged {
        Some(merged) if overlaps.is_empty() => Ok(merged),
        // The root itself cannot be removed by an edit; if it is, that is an overlap as well.
        _ => Err(overlaps),
    }
}

/// One place of the three states; `None` where it is not there.
#[derive(Clone, Copy)]
struct Sides<'a> {
    base: Option<&'a str>,
    mine: Option<&'a str>,
    theirs: Option<&'a str>,
}

impl Sides<'_> {
    fn overlap(self, pointer: &str) -> Overlap {
        Overlap {
            pointer: pointer.to_owned(),
            base: self.base.and_then(raw),
            mine: self.mine.and_then(raw),
            theirs: self.theirs.and_then(raw),
        }
    }
}

fn agree(one: Option<&str>, other: Option<&str>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => {
            json::same(one, other) || json::text(one.trim()).is_some_and(|one| json::text(other.trim()).is_some_and(|other| one == other))
        }
        (None, None) => true,
        _ => false,
    }
}

fn merge_at(pointer: &str, sides: Sides<'_>, depth: usize, overlaps: &mut Vec<Overlap>) -> Option<String> {
    let Sides { base, mine, theirs } = sides;
    if agree(mine, theirs) || agree(base, mine) {
        return theirs.map(str::to_owned);
    }
    if agree(base, theirs) {
        return mine.map(str::to_owned);
    }
    let merged = match (mine, theirs) {
        (Some(_), Some(_)) if depth >= DEEPEST => None,
        (Some(mine), Some(theirs)) if json::is_object(mine) && json::is_object(theirs) => merge_objects(pointer, sides, depth, overlaps),
        (Some(_), Some(_)) => match crate::lists::named_by(pointer) {
            Some(key) => merge_lists(pointer, key, sides, depth, overlaps),
            None if crate::lists::has_lines(pointer) => crate::lists::merge_lines(base, mine, theirs),
            None => None,
        },
        _ => None,
    };
    if merged.is_none() {
        overlaps.push(sides.overlap(pointer));
    }
    merged.or_else(|| theirs.map(str::to_owned))
}

/// `None` where they cannot be compared key by key.
fn merge_objects(pointer: &str, sides: Sides<'_>, depth: usize, overlaps: &mut Vec<Overlap>) -> Option<String> {
    let (left, right) = (sides.mine.and_then(comparable)?, sides.theirs.and_then(comparable)?);
    let start = sides.base.and_then(comparable).unwrap_or_default();
    let mut out = json::Builder::object();
    let new_in_mine = left.iter().filter(|(name, ..)| find(&right, name).is_none());
    for (name, key, _) in right.iter().chain(new_in_mine) {
        let sides = Sides { base: find(&start, name), mine: find(&left, name), theirs: find(&right, name) };
        if let Some(value) = merge_at(&below(pointer, name), sides, depth + 1, overlaps) {
            out.member(key, &value);
        }
    }
    Some(out.finish())
}

/// `None` where they are no lists of named things, or where both sides put them into another order.
fn merge_lists(pointer: &str, key: &str, sides: Sides<'_>, depth: usize, overlaps: &mut Vec<Overlap>) -> Option<String> {
    let start = match sides.base {
        Some(base) => List::read(base, key)?,
        None => List::default(),
    };
    let (left, right) = (List::read(sides.mine?, key)?, List::read(sides.theirs?, key)?);
    let order = crate::lists::order(&start, &left, &right)?;
    let mut entries = Vec::with_capacity(order.len());
    for name in order {
        let place = [&right, &left, &start].into_iter().find_map(|list| list.place(name)).unwrap_or(0);
        let sides = Sides { base: start.get(name), mine: left.get(name), theirs: right.get(name) };
        entries.extend(merge_at(&format!("{pointer}/{place}"), sides, depth + 1, overlaps));
    }
    Some(format!("[{}]", entries.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BASE: &str = r#"{"name":"Get","request":{"method":"GET","url":"http://a","header":[]},"n":1.0}"#;

    #[test]
    fn disjoint_edits_merge() {
        let mine = BASE.replace("\"GET\"", "\"POST\"");
        let theirs = BASE.replace("\"Get\"", "\"Fetch\"");
        let merged = three_way(BASE, &mine, &theirs).unwrap();
        assert_eq!(merged, BASE.replace("\"GET\"", "\"POST\"").replace("\"Get\"", "\"Fetch\""));
    }

    #[test]
    fn overlapping_edits_are_named() {
        let mine = BASE.replace("http://a", "http://mine");
        let theirs = BASE.replace("http://a", "http://theirs");
        let overlaps = three_way(BASE, &mine, &theirs).unwrap_err();
        assert_eq!(overlaps.len(), 1);
        assert_eq!(overlaps[0].pointer, "/request/url");
        assert_eq!(overlaps[0].base.as_ref().unwrap().get(), "\"http://a\"");
        assert_eq!(overlaps[0].mine.as_ref().unwrap().get(), "\"http://mine\"");
    }

    #[test]
    fn one_removes_what_the_other_changes() {
        let overlaps = three_way(r#"{"a":1,"b":1}"#, r#"{"b":1}"#, r#"{"a":2,"b":1}"#).unwrap_err();
        assert_eq!(overlaps[0].pointer, "/a");
        assert!(overlaps[0].mine.is_none());
        assert_eq!(three_way(r#"{"a":1,"b":1}"#, r#"{"b":1}"#, r#"{"a":1,"b":2}"#).unwrap(), r#"{"b":2}"#);
    }

    #[test]
    fn repeated_keys_are_compared_as_a_whole() {
        let changes = diff(r#"{"o":{"a":1,"a":2}}"#, r#"{"o":{"a":1,"a":3}}"#);
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].pointer, "/o");
    }

    fn tree() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![Just("1.0"), Just("1e3"), Just("null"), Just("\"x\\u0041\""), Just("[1, 2]")].prop_map(str::to_owned);
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop::collection::btree_map("[a-d/~]{1,2}", inner, 0..4).prop_map(|map| {
                let mut out = json::Builder::object();
                map.iter().for_each(|(key, value)| out.member(&json::quote(key), value));
                out.finish()
            })
        })
    }

    /// Same members, whatever their order.
    fn equal(one: &str, other: &str) -> bool {
        diff(one, other).is_empty()
    }

    proptest! {
        #[test]
        fn undo_gives_back_what_was(before in tree(), after in tree()) {
            prop_assert!(equal(&undo(&after, &diff(&before, &after)).unwrap(), &before));
        }

        #[test]
        fn merge_with_an_unchanged_side_is_the_other(base in tree(), edit in tree()) {
            prop_assert!(equal(&three_way(&base, &edit, &base).unwrap(), &edit));
            prop_assert!(equal(&three_way(&base, &base, &edit).unwrap(), &edit));
            prop_assert!(equal(&three_way(&base, &edit, &edit).unwrap(), &edit));
        }

        #[test]
        fn merge_commutes(base in tree(), one in tree(), other in tree()) {
            match (three_way(&base, &one, &other), three_way(&base, &other, &one)) {
                (Ok(left), Ok(right)) => prop_assert!(equal(&left, &right)),
                (Err(left), Err(right)) => prop_assert_eq!(left.len(), right.len()),
                _ => prop_assert!(false, "one order merges, the other does not"),
            }
        }
    }
}

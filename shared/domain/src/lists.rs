//! What a merge sees in lists and in texts: things with a name, and lines.

use std::collections::{HashMap, HashSet};

use similar::{Algorithm, DiffOp};

use crate::json;

/// Lists of named things, by the key they stand under, and the key that names a thing in them.
const NAMED: [(&str, &str); 7] = [
    ("header", "key"),
    ("query", "key"),
    ("variable", "key"),
    ("formdata", "key"),
    ("urlencoded", "key"),
    ("event", "listen"),
    ("cookie", "name"),
];

/// The last two names of a pointer, the last first.
fn tail(pointer: &str) -> (&str, &str) {
    let mut names = pointer.rsplit('/');
    (names.next().unwrap_or_default(), names.next().unwrap_or_default())
}

/// The key that names each thing of the list at a place; `None` where it is no list of named things.
pub(crate) fn named_by(pointer: &str) -> Option<&'static str> {
    let (last, above) = tail(pointer);
    // The parameters of an authorization stand under its kind: `/auth/bearer`.
    if above == "auth" {
        return Some("key");
    }
    NAMED.iter().find(|(list, _)| *list == last).map(|(_, key)| *key)
}

/// Whether the text (or the list of texts) at a place is one of lines: a script or a description.
pub(crate) fn has_lines(pointer: &str) -> bool {
    let (last, above) = tail(pointer);
    last == "exec" || last == "description" || (last == "content" && above == "description")
}

/// A thing's name, and which of those that are called so it is.
pub(crate) type Name = (String, usize);

/// A list of named things, as written.
#[derive(Debug, Default)]
pub(crate) struct List<'a> {
    names: Vec<Name>,
    entries: HashMap<Name, (usize, &'a str)>,
}

impl<'a> List<'a> {
    /// `None` for anything but an array of objects.
    pub(crate) fn read(array: &'a str, key: &str) -> Option<List<'a>> {
        if !json::is_array(array) {
            return None;
        }
        let mut list = List::default();
        let mut met: HashMap<String, usize> = HashMap::new();
        for (place, entry) in json::entries(array).into_iter().enumerate() {
            if !json::is_object(entry) {
                return None;
            }
            let name = json::get(entry, key).and_then(json::text).unwrap_or_default();
            let count = met.entry(name.clone()).or_default();
            let name = (name, *count);
            *count += 1;
            list.names.push(name.clone());
            list.entries.insert(name, (place, entry));
        }
        Some(list)
    }

    pub(crate) fn get(&self, name: &Name) -> Option<&'a str> {
        self.entries.get(name).map(|(_, entry)| *entry)
    }

    pub(crate) fn place(&self, name: &Name) -> Option<usize> {
        self.entries.get(name).map(|(place, _)| *place)
    }

    /// The order of those that are in all three.
    fn common<'b>(&'b self, one: &List<'_>, other: &List<'_>) -> Vec<&'b Name> {
        self.names.iter().filter(|name| one.entries.contains_key(*name) && other.entries.contains_key(*name)).collect()
    }
}

/// A thing of a list that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed<'a> {
    /// Its name.
    pub name: String,
    /// What it was.
    pub before: Option<&'a str>,
    /// What it is.
    pub after: Option<&'a str>,
}

/// What changed in a list of named things, thing by thing, in the order of the list as it is; what went comes last. `None`:
/// there is no such list at this place, or the same things only stand in another order.
pub fn changed<'a>(pointer: &str, before: Option<&'a str>, after: Option<&'a str>) -> Option<Vec<Changed<'a>>> {
    let key = named_by(pointer)?;
    let (was, is) = (List::read(before.unwrap_or("[]"), key)?, List::read(after.unwrap_or("[]"), key)?);
    let gone = was.names.iter().filter(|name| is.get(name).is_none());
    let found: Vec<Changed<'a>> = is
        .names
        .iter()
        .chain(gone)
        .map(|name| Changed { name: name.0.clone(), before: was.get(name), after: is.get(name) })
        .filter(|one| match (one.before, one.after) {
            (Some(before), Some(after)) => !json::same(before, after),
            _ => true,
        })
        .collect();
    (!found.is_empty()).then_some(found)
}

/// The names of all three lists in the order of their merge; what went is still in it. Whoever put them into another
/// order has it; `None` where both did, each into another.
pub(crate) fn order<'a>(base: &'a List<'_>, mine: &'a List<'_>, theirs: &'a List<'_>) -> Option<Vec<&'a Name>> {
    let (was, left, right) = (base.common(mine, theirs), mine.common(base, theirs), theirs.common(base, mine));
    let (first, second) = if left == was || left == right {
        (theirs, mine)
    } else if right == was {
        (mine, theirs)
    } else {
        return None;
    };
    let mut order: Vec<&Name> = first.names.iter().collect();
    let mut there: HashSet<&Name> = order.iter().copied().collect();
    for list in [second, base] {
        let mut before: Option<&Name> = None;
        for name in &list.names {
            if there.insert(name) {
                // Behind what it stood behind, and behind what the other side put there.
                let mut at = before.and_then(|before| order.iter().position(|other| *other == before)).map_or(0, |at| at + 1);
                while order.get(at).is_some_and(|other| !base.entries.contains_key(*other) && !list.entries.contains_key(*other)) {
                    at += 1;
                }
                order.insert(at, name);
            }
            before = Some(name);
        }
    }
    Some(order)
}

/// Merges texts, or lists of texts, line by line. `None` where both changed the same lines, or one is of another kind.
pub(crate) fn merge_lines(base: Option<&str>, mine: Option<&str>, theirs: Option<&str>) -> Option<String> {
    let (base, mine, theirs) = (base?, mine?, theirs?);
    if [base, mine, theirs].iter().all(|side| json::is_array(side)) {
        let lines = |side| {
            let lines = json::entries(side);
            lines.iter().all(|line| line.starts_with('"')).then_some(lines)
        };
        return Some(format!("[{}]", three_way(&lines(base)?, &lines(mine)?, &lines(theirs)?)?.join(",")));
    }
    let (base, mine, theirs) = (json::text(base)?, json::text(mine)?, json::text(theirs)?);
    let lines = |side: &'_ str| -> Vec<String> { side.split_inclusive('\n').map(str::to_owned).collect() };
    Some(json::quote(&three_way(&lines(&base), &lines(&mine), &lines(&theirs))?.concat()))
}

/// Lines `from..to` of the base became `new`.
struct Hunk<'a, T> {
    from: usize,
    to: usize,
    new: &'a [T],
}

fn hunks<'a, T: std::hash::Hash + Eq + Ord>(base: &[T], side: &'a [T]) -> Vec<Hunk<'a, T>> {
    let mut found: Vec<Hunk<'a, T>> = Vec::new();
    let (mut old, mut new) = (0, 0);
    let mut open = false;
    for op in similar::capture_diff_slices(Algorithm::Myers, base, side) {
        let (removed, added) = (op.old_range().len(), op.new_range().len());
        if matches!(op, DiffOp::Equal { .. }) {
            open = false;
        } else if let (true, Some(last)) = (open, found.last_mut()) {
            // What touches is one.
            last.to += removed;
            last.new = &side[new - last.new.len()..new + added];
        } else {
            found.push(Hunk { from: old, to: old + removed, new: &side[new..new + added] });
            open = true;
        }
        old += removed;
        new += added;
    }
    found
}

/// Whether two edits are of the same lines. Neighbours are not, as long as both replace lines: what is put between two
/// lines by both, or beside what the other replaced, has no order.
fn clash<T>(one: &Hunk<'_, T>, other: &Hunk<'_, T>) -> bool {
    let inserts = one.from == one.to || other.from == other.to;
    if inserts { one.from <= other.to && other.from <= one.to } else { one.from < other.to && other.from < one.to }
}

fn three_way<T: Clone + std::hash::Hash + Eq + Ord>(base: &[T], mine: &[T], theirs: &[T]) -> Option<Vec<T>> {
    let (mut left, mut right) = (hunks(base, mine).into_iter().peekable(), hunks(base, theirs).into_iter().peekable());
    let mut out = Vec::new();
    let mut at = 0;
    loop {
        let next = match (left.peek(), right.peek()) {
            (None, None) => break,
            (Some(one), Some(other)) if clash(one, other) => {
                if (one.from, one.to) != (other.from, other.to) || one.new != other.new {
                    return None;
                }
                right.next();
                left.next()
            }
            (Some(one), Some(other)) if other.from < one.from => right.next(),
            (None, Some(_)) => right.next(),
            _ => left.next(),
        };
        let Some(hunk) = next else { break };
        out.extend_from_slice(base.get(at..hunk.from)?);
        out.extend_from_slice(hunk.new);
        at = hunk.to;
    }
    out.extend_from_slice(base.get(at..)?);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merge;
    use proptest::prelude::*;

    fn merged(base: &str, mine: &str, theirs: &str) -> String {
        merge::three_way(base, mine, theirs).unwrap_or_else(|overlaps| panic!("{overlaps:?}"))
    }

    #[test]
    fn named_things_merge_by_name() {
        let base = r#"{"request":{"header":[{"key":"A","value":"1"},{"key":"B","value":"1"},{"key":"B","value":"2"}]}}"#;
        let mine = r#"{"request":{"header":[{"key":"A","value":"mine"},{"key":"B","value":"1"},{"key":"C","value":"mine"},{"key":"B","value":"2"}]}}"#;
        let theirs = r#"{"request":{"header":[{"key":"T","value":"t"},{"key":"A","value":"1"},{"key":"B","value":"theirs"},{"key":"B","value":"2","disabled":true}]}}"#;
        assert_eq!(
            merged(base, mine, theirs),
            r#"{"request":{"header":[{"key":"T","value":"t"},{"key":"A","value":"mine"},{"key":"B","value":"theirs"},{"key":"C","value":"mine"},{"key":"B","value":"2","disabled":true}]}}"#
        );
        let clash = mine.replace("\"value\":\"mine\"", "\"value\":\"x\"");
        let overlaps = merge::three_way(base, &clash, &theirs.replace("\"A\",\"value\":\"1\"", "\"A\",\"value\":\"y\"")).unwrap_err();
        assert_eq!(overlaps.iter().map(|overlap| overlap.pointer.as_str()).collect::<Vec<_>>(), ["/request/header/1/value"]);
    }

    #[test]
    fn what_changed_in_a_list_is_told_thing_by_thing() {
        let before = r#"[{"key":"a","value":"1"},{"key":"b","value":"2"},{"key":"a","value":"3"}]"#;
        let after = r#"[{"key":"a","value": "1"},{"key":"c","value":"4"},{"key":"a","value":"5"}]"#;
        let told = changed("/request/header", Some(before), Some(after)).unwrap();
        let told: Vec<(&str, bool, bool)> = told.iter().map(|one| (one.name.as_str(), one.before.is_some(), one.after.is_some())).collect();
        assert_eq!(told, [("c", false, true), ("a", true, true), ("b", true, false)]);
        assert_eq!(changed("/request/header", None, Some(before)).map(|told| told.len()), Some(3));
        let turned = r#"[{"key":"b","value":"2"},{"key":"a","value":"1"},{"key":"a","value":"3"}]"#;
        assert_eq!(changed("/request/header", Some(before), Some(turned)), None, "another order is told as a whole");
        assert_eq!(changed("/name", Some("\"a\""), Some("\"b\"")), None);
    }

    #[test]
    fn one_order_wins_two_are_a_conflict() {
        let list = |names: &str| {
            format!("{{\"variable\":[{}]}}", names.chars().map(|c| format!("{{\"key\":\"{c}\"}}")).collect::<Vec<_>>().join(","))
        };
        assert_eq!(merged(&list("abc"), &list("cab"), &list("abcd")), list("cdab"));
        assert_eq!(merged(&list("abc"), &list("ac"), &list("cba")), list("ca"));
        assert_eq!(merge::three_way(&list("abc"), &list("cab"), &list("bca")).unwrap_err()[0].pointer, "/variable");
    }

    #[test]
    fn scripts_and_descriptions_merge_by_line() {
        let script = |lines: &str| format!("{{\"event\":[{{\"listen\":\"test\",\"script\":{{\"exec\":[{lines}]}}}}]}}");
        let (base, mine, theirs) = (script("\"1\",\"2\",\"3\""), script("\"one\",\"2\",\"3\""), script("\"1\",\"2\",\"2b\",\"3\""));
        assert_eq!(merged(&base, &mine, &theirs), script("\"one\",\"2\",\"2b\",\"3\""));
        assert!(merge::three_way(&base, &mine, &script("\"uno\",\"2\",\"3\"")).is_err());
        let text = |text: &str| format!("{{\"description\":{}}}", json::quote(text));
        assert_eq!(merged(&text("a\nb\nc"), &text("A\nb\nc"), &text("a\nb\nc\nd")), text("A\nb\nc\nd"));
        assert_eq!(merged(&text("a\nb\n"), &text("A\nb\n"), &text("a\nB\n")), text("A\nB\n"), "neighbours");
        assert!(merge::three_way(&text("a\n"), &text("a\nb\n"), &text("a\nc\n")).is_err(), "two additions at one place");
    }

    #[test]
    fn what_is_written_in_another_way_is_no_edit() {
        let base = r#"{"name":"A","n":1}"#;
        assert_eq!(merged(base, r#"{"name":"\u0041" , "n": 2}"#, r#"{"name":"B","n":1}"#), r#"{"name":"B","n":2}"#);
        assert_eq!(merged(base, r#"{"n":1,"name":"B\/"}"#, r#"{"name":"B/","n":1}"#), r#"{"name":"B/","n":1}"#);
    }

    proptest! {
        #[test]
        fn lines_merge_the_same_from_both_sides(base in "[ab\n]{0,12}", one in "[ab\n]{0,12}", other in "[ab\n]{0,12}") {
            let [base, one, other] = [base, one, other].map(|text| json::quote(&text));
            let merge = |mine: &str, theirs: &str| merge_lines(Some(&base), Some(mine), Some(theirs));
            prop_assert_eq!(merge(&one, &other), merge(&other, &one));
            prop_assert_eq!(merge(&one, &base), Some(one.clone()));
            prop_assert_eq!(merge(&base, &one), Some(one.clone()));
            prop_assert_eq!(merge(&one, &one), Some(one));
        }

        #[test]
        fn edits_of_different_things_are_both_there(
            names in prop::collection::btree_set("[a-f]", 0..6), mine in prop::collection::btree_map("[a-f]", 0..3u8, 0..6),
            theirs in prop::collection::btree_map("[g-l]", 0..3u8, 0..6),
        ) {
            let entry = |name: &str, value: u8| format!("{{\"key\":\"{name}\",\"value\":{value}}}");
            let list = |entries: Vec<String>| format!("{{\"header\":[{}]}}", entries.join(","));
            let base = list(names.iter().map(|name| entry(name, 9)).collect());
            let left = list(mine.iter().map(|(name, value)| entry(name, *value)).collect());
            let right = list(names.iter().map(|name| entry(name, 9)).chain(theirs.iter().map(|(name, value)| entry(name, *value))).collect());
            let merged = merge::three_way(&base, &left, &right).unwrap();
            let back = merge::three_way(&base, &right, &left).unwrap();
            for text in [&merged, &back] {
                let got: std::collections::BTreeSet<String> = json::entries(json::get(text, "header").unwrap()).into_iter().map(str::to_owned).collect();
                let want = mine.iter().chain(&theirs).map(|(name, value)| entry(name, *value)).collect();
                prop_assert_eq!(&got, &want);
            }
        }
    }
}

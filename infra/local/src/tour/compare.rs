//! Whether an export is the import: token by token as text, key order, number literals, repeated keys and all.
//! Only ids may differ, where the server gives them: to what brought none, or not one of its own.

use domain::ids::ElementId;
use domain::json;
use std::collections::{HashMap, VecDeque};

/// Differences that are collected before it is given up.
const ENOUGH: usize = 20;

/// One place where two documents differ.
#[derive(Debug, PartialEq)]
pub struct Difference {
    /// Where (RFC 6901).
    pub pointer: String,
    /// What stands there in the one; nothing where the place is not there.
    pub one: Option<String>,
    /// What stands there in the other.
    pub other: Option<String>,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let short = |value: &Option<String>| value.as_ref().map_or_else(|| "nothing".to_owned(), |text| text.chars().take(80).collect());
        write!(out, "at {}: {} and {}", self.pointer, short(&self.one), short(&self.other))
    }
}

/// What a place in a collection is, which decides where the server's ids stand.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Collection,
    Info,
    Item,
    Other,
}

/// Where two collections differ; at most [`ENOUGH`] places. Without recursion, however deep they are.
pub fn differences(one: &str, other: &str) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut ids = Ids::default();
    let mut rest = vec![(String::new(), Place::Collection, one.trim(), other.trim())];
    while let Some((pointer, place, one, other)) = rest.pop() {
        if found.len() >= ENOUGH {
            break;
        }
        let named = place != Place::Other;
        if one == other && !named {
            continue;
        }
        if json::is_object(one) && json::is_object(other) {
            objects(&pointer, place, one, other, &mut rest, &mut found, &mut ids);
        } else if json::is_array(one) && json::is_array(other) {
            let (left, right) = (json::entries(one), json::entries(other));
            if left.len() != right.len() {
                let length = |entries: &[&str]| Some(format!("{} entries", entries.len()));
                found.push(Difference { pointer, one: length(&left), other: length(&right) });
                continue;
            }
            let pairs = left.into_iter().zip(right).enumerate().rev();
            rest.extend(pairs.map(|(index, (one, other))| (format!("{pointer}/{index}"), place, one, other)));
        } else if !json::same(one, other) {
            found.push(Difference { pointer, one: Some(one.to_owned()), other: Some(other.to_owned()) });
        }
    }
    // Of elements with the same id one only can keep it.
    let (count, changed) = (ids.count, ids.changed);
    found.extend(changed.into_iter().filter(|(id, _)| count.get(id) == Some(&1)).map(|(_, difference)| difference));
    found
}

/// The elements' ids that came in: how often each, and those that did not come out.
#[derive(Default)]
struct Ids {
    count: HashMap<String, usize>,
    changed: Vec<(String, Difference)>,
}

type Pending<'a> = (String, Place, &'a str, &'a str);

fn objects<'a>(
    pointer: &str,
    place: Place,
    one: &'a str,
    other: &'a str,
    rest: &mut Vec<Pending<'a>>,
    found: &mut Vec<Difference>,
    ids: &mut Ids,
) {
    let (left, right) = (json::members(one), json::members(other));
    let mut right: VecDeque<(&str, &str)> = right.into();
    let mut pairs = Vec::new();
    for (key, value) in left {
        let at = || below(pointer, key);
        // An id that the server gave stands at the end, so that another new key comes before it.
        let is_id = matches!(kind(place, key), Some(Id::Kept));
        let there = right.front().is_some_and(|(first, _)| *first == key).then_some(0);
        let there = there.or_else(|| right.iter().position(|(other, _)| is_id && *other == key));
        match there.and_then(|place| right.remove(place)) {
            Some((_, theirs)) => {
                match kind(place, key) {
                    Some(Id::Servers) => {}
                    // An id that came in stays, unless the file has it twice or it can name nothing.
                    Some(Id::Kept) => {
                        if let Some(id) = json::text(value).filter(|id| id.parse::<ElementId>().is_ok()) {
                            *ids.count.entry(id.clone()).or_default() += 1;
                            if value != theirs {
                                let difference = Difference { pointer: at(), one: Some(value.to_owned()), other: Some(theirs.to_owned()) };
                                ids.changed.push((id, difference));
                            }
                        }
                    }
                    None => pairs.push((at(), inside(place, key), value, theirs)),
                }
            }
            None => found.push(Difference { pointer: at(), one: Some(value.to_owned()), other: None }),
        }
    }
    let added = right.into_iter().filter(|(key, _)| kind(place, key).is_none());
    found.extend(added.map(|(key, value)| Difference { pointer: below(pointer, key), one: None, other: Some(value.to_owned()) }));
    rest.extend(pairs.into_iter().rev());
}

enum Id {
    Kept,
    Servers,
}

/// Whether a key holds an id that the server may give.
fn kind(place: Place, key: &str) -> Option<Id> {
    match place {
        Place::Info if json::is_key(key, "_postman_id") || json::is_key(key, "uid") => Some(Id::Servers),
        Place::Item if json::is_key(key, "id") => Some(Id::Kept),
        _ => None,
    }
}

fn inside(place: Place, key: &str) -> Place {
    match place {
        Place::Collection if json::is_key(key, "info") => Place::Info,
        Place::Collection | Place::Item if json::is_key(key, "item") => Place::Item,
        Place::Item if json::is_key(key, "response") => Place::Item,
        _ => Place::Other,
    }
}

fn below(pointer: &str, key: &str) -> String {
    let name = json::text(key).unwrap_or_else(|| key.to_owned());
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_of_the_server_may_differ() {
        let one = r#"{"info":{"name":"x"},"item":[{"name":"a","v":1.0},{"id":"7","name":"b"}],"n":1e3}"#;
        let with = |item: &str| {
            format!(r#"{{ "info": {{"name":"x","_postman_id":"i"}},"item":[{{"name":"a","v":1.0,"id":"9"}},{item}],"n":1e3}}"#)
        };
        assert_eq!(differences(one, &with(r#"{"id":"7","name":"b"}"#)), []);
        assert_eq!(differences(one, &with(r#"{"id":"8","name":"b"}"#))[0].pointer, "/item/1/id");
        assert_eq!(differences(one, &with(r#"{"id":"7","name":"c"}"#))[0].pointer, "/item/1/name");
        assert_eq!(differences(one, &with(r#"{"name":"b"}"#))[0].pointer, "/item/1/id");
        assert_eq!(differences(r#"{"b":1,"a":2}"#, r#"{"a":2,"b":1}"#).len(), 2);
        assert_eq!(differences("{\"a\":1.0}", "{\"a\":1}").len(), 1);
        assert_eq!(differences("{\"a\":2,\"a\":2}", "{\"a\":2}").len(), 1);
        assert_eq!(differences("{\"a\":[]}", "{}").len(), 1);
        assert_eq!(differences("{\"a\":[1,{}]}", " { \"a\" : [ 1 , { } ] } "), []);
    }

    #[test]
    fn a_second_element_with_the_same_id_gets_another() {
        let one = r#"{"item":[{"id":"7"},{"id":"7"}]}"#;
        assert_eq!(differences(one, r#"{"item":[{"id":"7"},{"id":"x"}]}"#), []);
        assert_eq!(differences(one, r#"{"item":[{"id":"x"},{"id":"7"}]}"#), []);
        assert_eq!(differences(one, r#"{"item":[{"id":"7"}]}"#).len(), 1);
    }
}

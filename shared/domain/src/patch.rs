//! JSON Patch (RFC 6902) on JSON as text: what a patch does not touch stays as it was written.

use crate::Rejected;
use crate::json;

/// Why a patch does not fit, and which of its operations it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// Where in the patch (RFC 6901).
    pub pointer: String,
    /// Why.
    pub reason: Rejected,
}

impl Unfit {
    /// What is wrong at a place of the body.
    pub fn at(pointer: impl Into<String>, reason: impl Into<String>) -> Unfit {
        Unfit { pointer: pointer.into(), reason: Rejected::because(reason) }
    }
}

fn unfit(index: usize, member: &str, reason: &str) -> Unfit {
    Unfit::at(format!("/{index}{member}"), reason)
}

/// The names of a pointer (RFC 6901). `None` where it is not one.
fn names(pointer: &str) -> Option<Vec<String>> {
    if pointer.is_empty() {
        return Some(Vec::new());
    }
    let rest = pointer.strip_prefix('/')?;
    Some(rest.split('/').map(|name| name.replace("~1", "/").replace("~0", "~")).collect())
}

/// A place in an array: digits without a leading zero.
fn place(name: &str) -> Option<usize> {
    let plain = name.bytes().all(|b| b.is_ascii_digit()) && (name == "0" || !name.starts_with('0'));
    name.parse().ok().filter(|_| plain)
}

/// What stands at a place.
fn at<'a>(document: &'a str, names: &[String]) -> Option<&'a str> {
    names.iter().try_fold(document, |value, name| match json::is_array(value) {
        true => json::entries(value).get(place(name)?).copied(),
        false => json::get(value, name),
    })
}

#[derive(Clone, Copy)]
enum Act<'a> {
    Add(&'a str),
    Replace(&'a str),
    Remove,
}

/// `document` with one place changed; `None` where it is not there.
fn put(document: &str, names: &[String], act: Act<'_>) -> Option<String> {
    let Some((name, deeper)) = names.split_first() else {
        return match act {
            Act::Add(value) | Act::Replace(value) => Some(value.to_owned()),
            Act::Remove => None,
        };
    };
    if json::is_array(document) {
        let mut entries: Vec<String> = json::entries(document).into_iter().map(str::to_owned).collect();
        let at = if name == "-" { entries.len() } else { place(name)? };
        match act {
            Act::Add(value) if deeper.is_empty() && at <= entries.len() => entries.insert(at, value.to_owned()),
            Act::Remove if deeper.is_empty() && at < entries.len() => drop(entries.remove(at)),
            _ => {
                let entry = entries.get_mut(at)?;
                *entry = put(entry, deeper, act)?;
            }
        }
        return Some(format!("[{}]", entries.join(",")));
    }
    if !json::is_object(document) {
        return None;
    }
    let there = json::get(document, name);
    match (deeper.is_empty(), act) {
        (true, Act::Add(value)) => Some(json::set(document, name, Some(value))),
        (true, Act::Replace(value)) => there.map(|_| json::set(document, name, Some(value))),
        (true, Act::Remove) => there.map(|_| json::set(document, name, None)),
        (false, _) => Some(json::set(document, name, Some(&put(there?, deeper, act)?))),
    }
}

/// Applies a patch that [`json::check`] has passed: all of its operations or none.
pub fn apply(document: &str, patch: &str) -> Result<String, Unfit> {
    if !json::is_array(patch) {
        return Err(Unfit::at("", "a JSON Patch is an array of operations"));
    }
    json::entries(patch).into_iter().enumerate().try_fold(document.to_owned(), |state, (index, operation)| step(&state, index, operation))
}

fn step(state: &str, index: usize, operation: &str) -> Result<String, Unfit> {
    let pointer = |member: &str| {
        let named = json::get(operation, member).and_then(json::text).and_then(|pointer| names(&pointer));
        named.ok_or_else(|| unfit(index, &format!("/{member}"), "this is no JSON Pointer"))
    };
    let path = pointer("path")?;
    let value = || json::get(operation, "value").ok_or_else(|| unfit(index, "/value", "this operation needs a value"));
    let missing = || unfit(index, "/path", "there is nothing at this place");
    let from = || {
        let from = pointer("from")?;
        let value = at(state, &from).ok_or_else(|| unfit(index, "/from", "there is nothing at this place"))?;
        Ok((from, value))
    };
    let changed = match json::get(operation, "op").and_then(json::text).unwrap_or_default().as_str() {
        "add" => put(state, &path, Act::Add(value()?)),
        "replace" => put(state, &path, Act::Replace(value()?)),
        "remove" => put(state, &path, Act::Remove),
        "copy" => put(state, &path, Act::Add(from()?.1)),
        "move" => {
            let (from, value) = from()?;
            if path.len() > from.len() && path.starts_with(&from) {
                return Err(unfit(index, "/path", "nothing moves into itself"));
            }
            put(state, &from, Act::Remove).and_then(|without| put(&without, &path, Act::Add(value)))
        }
        "test" => {
            let there = at(state, &path).ok_or_else(missing)?;
            if !equal(there, value()?) {
                return Err(unfit(index, "/value", "another value is at this place"));
            }
            Some(state.to_owned())
        }
        _ => return Err(unfit(index, "/op", "an operation is add, remove, replace, move, copy or test")),
    };
    changed.ok_or_else(missing)
}

/// Equal as RFC 6902 has it for `test`: numbers by value, objects whatever the order of their keys.
fn equal(one: &str, other: &str) -> bool {
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    json::same(one, other) || read(one).is_some_and(|one| read(other).is_some_and(|other| same_value(&one, &other)))
}

fn same_value(one: &serde_json::Value, other: &serde_json::Value) -> bool {
    use serde_json::Value;
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one == other || (one.as_f64().is_some() && one.as_f64() == other.as_f64()),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same_value(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len() && one.iter().all(|(key, value)| other.get(key).is_some_and(|other| same_value(value, other)))
        }
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_follow_the_rfc() {
        // The examples of RFC 6902, appendix A.
        for (document, patch, result) in [
            (r#"{"foo":"bar"}"#, r#"[{"op":"add","path":"/baz","value":"qux"}]"#, r#"{"foo":"bar","baz":"qux"}"#),
            (r#"{"foo":["bar","baz"]}"#, r#"[{"op":"add","path":"/foo/1","value":"qux"}]"#, r#"{"foo":["bar","qux","baz"]}"#),
            (r#"{"baz":"qux","foo":"bar"}"#, r#"[{"op":"remove","path":"/baz"}]"#, r#"{"foo":"bar"}"#),
            (r#"{"foo":["bar","qux","baz"]}"#, r#"[{"op":"remove","path":"/foo/1"}]"#, r#"{"foo":["bar","baz"]}"#),
            (r#"{"baz":"qux","foo":"bar"}"#, r#"[{"op":"replace","path":"/baz","value":"boo"}]"#, r#"{"baz":"boo","foo":"bar"}"#),
            (
                r#"{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}"#,
                r#"[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]"#,
                r#"{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}"#,
            ),
            (
                r#"{"foo":["all","grass","cows","eat"]}"#,
                r#"[{"op":"move","from":"/foo/1","path":"/foo/3"}]"#,
                r#"{"foo":["all","cows","eat","grass"]}"#,
            ),
            (r#"{"foo":["bar"]}"#, r#"[{"op":"add","path":"/foo/-","value":["abc","def"]}]"#, r#"{"foo":["bar",["abc","def"]]}"#),
            (
                r#"{"baz":"qux","foo":["a",2,"c"]}"#,
                r#"[{"op":"test","path":"/foo/1","value":2.0},{"op":"copy","from":"/foo/0","path":"/baz"}]"#,
                r#"{"baz":"a","foo":["a",2,"c"]}"#,
            ),
            (r#"{"/":9,"~1":10}"#, r#"[{"op":"test","path":"/~01","value":10}]"#, r#"{"/":9,"~1":10}"#),
        ] {
            assert_eq!(json::minify(&apply(document, patch).unwrap()), result, "{patch}");
        }
        for (document, patch, place) in [
            (r#"{"baz":"qux"}"#, r#"[{"op":"test","path":"/baz","value":"bar"}]"#, "/0/value"),
            (r#"{"foo":"bar"}"#, r#"[{"op":"add","path":"/baz/bat","value":"qux"}]"#, "/0/path"),
            (r#"{"foo":[1]}"#, r#"[{"op":"add","path":"/foo/2","value":1}]"#, "/0/path"),
            (r#"{"foo":[1]}"#, r#"[{"op":"add","path":"/foo/-","value":1},{"op":"replace","path":"/foo/01","value":1}]"#, "/1/path"),
            (r#"{"a":{"b":1}}"#, r#"[{"op":"move","from":"/a","path":"/a/b"}]"#, "/0/path"),
            ("{}", r#"[{"op":"add","path":"a","value":1}]"#, "/0/path"),
            ("{}", r#"[{"op":"spam","path":"/a"}]"#, "/0/op"),
            ("{}", "{}", ""),
        ] {
            assert_eq!(apply(document, patch).unwrap_err().pointer, place, "{patch}");
        }
    }

    #[test]
    fn what_is_not_touched_stays_as_written() {
        let document = r#"{"n":1.0, "big":12345678901234567890,"list":[1e3, {"x":"\u0041"}],"name":"old"}"#;
        let patch = r#"[{"op":"replace","path":"/name","value":"new"},{"op":"add","path":"/list/1/y","value":2.50}]"#;
        let patched = apply(document, patch).unwrap();
        assert_eq!(patched, r#"{"n":1.0,"big":12345678901234567890,"list":[1e3,{"x":"\u0041","y":2.50}],"name":"new"}"#);
    }
}

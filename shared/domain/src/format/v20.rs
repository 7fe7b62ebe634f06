//! Format 2.0 and 2.1 side by side: they differ in authorization, in URLs, and in what names a variable.

use super::parts::{filled, variables};
use super::url::Url;
use super::{SCHEMA_V20, SCHEMA_V21, auth};
use crate::json::{self, Builder, is_object};

/// An object with each member as `change` gives it; `None` keeps it.
fn each(own: &str, change: impl Fn(&str, &str) -> Option<String>) -> String {
    if !is_object(own) {
        return own.to_owned();
    }
    let mut out = Builder::object();
    for (key, value) in json::members(own) {
        let name = json::text(key).unwrap_or_default();
        match change(&name, value) {
            Some(new) => out.member(key, &new),
            None => out.member(key, value),
        }
    }
    out.finish()
}

/// A URL given as a text, as an object. One that cannot be read as text stays.
fn url_object(raw: &str) -> Option<String> {
    json::text(raw).map(|text| Url::parse(&text).to_json(None, None))
}

fn schema(info: &str, url: &str) -> Option<String> {
    is_object(info).then(|| json::set(info, "schema", Some(&json::quote(url))))
}

/// An element's own JSON (or the collection's own) of format 2.0 as 2.1 has it.
pub(super) fn up(own: &str) -> String {
    let request = |request: &str| {
        each(request, |key, value| match key {
            "auth" => Some(auth::to_list(value)),
            "url" if value.starts_with('"') => url_object(value),
            "url" => Some(each(value, |key, value| (key == "variable").then(|| variables(value)))),
            _ => None,
        })
    };
    each(own, |key, value| match key {
        "info" => schema(value, SCHEMA_V21),
        "auth" => Some(auth::to_list(value)),
        "request" | "originalRequest" => Some(request(value)),
        "variable" => Some(variables(value)),
        _ => None,
    })
}

/// The way back. A URL that is no more than its text becomes that text.
pub(super) fn down(own: &str) -> String {
    let plain = |url: &str| {
        let more = ["query", "variable"].iter().any(|part| json::get(url, part).is_some_and(filled));
        json::get(url, "raw").filter(|raw| raw.starts_with('"') && !more).map(str::to_owned)
    };
    let request = |request: &str| {
        each(request, |key, value| match key {
            "auth" => Some(auth::to_object(value)),
            "url" if is_object(value) => plain(value),
            _ => None,
        })
    };
    each(own, |key, value| match key {
        "info" => schema(value, SCHEMA_V20),
        "auth" => Some(auth::to_object(value)),
        "request" | "originalRequest" => Some(request(value)),
        _ => None,
    })
}

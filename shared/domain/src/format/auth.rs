//! Authorization: a list of named values (2.1), an object (2.0), or a helper with attributes (1).

use super::parts::{Obj, truthy};
use crate::json::{self, Builder, array, is_array, is_object, quote};

/// How format 1 calls a kind of authorization, how format 2 does, and which attributes have other names: old, new.
type Helper = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const HELPERS: [Helper; 12] = [
    ("apikeyAuth", "apikey", &[]),
    ("basicAuth", "basic", &[("saveToRequest", "saveHelperData")]),
    ("bearerAuth", "bearer", &[]),
    ("digestAuth", "digest", &[]),
    (
        "hawkAuth",
        "hawk",
        &[
            ("hawk_id", "authId"),
            ("hawk_key", "authKey"),
            ("saveToRequest", "saveHelperData"),
            ("ext", "extraData"),
            ("app", "appId"),
            ("dlg", "delegation"),
        ],
    ),
    ("oAuth1", "oauth1", &[("header", "addParamsToHeader"), ("auto", "autoAddParam"), ("includeEmpty", "addEmptyParamsToSign")]),
    ("oAuth2", "oauth2", &[]),
    ("ntlmAuth", "ntlm", &[]),
    ("awsSigV4", "awsv4", &[]),
    ("jwtAuth", "jwt", &[]),
    ("asapAuth", "asap", &[]),
    ("edgegridAuth", "edgegrid", &[]),
];

fn parameter(key: &str, value: &str) -> String {
    let kind = match value.as_bytes().first() {
        Some(b'"') => "string",
        Some(b't' | b'f') => "boolean",
        Some(b'-' | b'0'..=b'9') => "number",
        _ => "any",
    };
    format!("{{\"key\":{key},\"value\":{value},\"type\":\"{kind}\"}}")
}

/// The parameters of 2.0 (`{"username": …}`) as 2.1 has them. What is a list already stays.
pub(super) fn to_list(auth: &str) -> String {
    rebuilt(auth, |value| is_object(value).then(|| array(json::members(value).into_iter().map(|(key, value)| parameter(key, value)))))
}

/// The parameters of 2.1 as 2.0 has them. What is an object already stays, and a list that is none of named values.
pub(super) fn to_object(auth: &str) -> String {
    rebuilt(auth, |value| {
        let entries: Vec<Obj<'_>> = if is_array(value) { json::entries(value).into_iter().map(Obj::of).collect() } else { return None };
        let mut out = Builder::object();
        for entry in entries {
            out.member(entry.get("key").filter(|key| key.starts_with('"'))?, entry.get("value").unwrap_or("null"));
        }
        Some(out.finish())
    })
}

fn rebuilt(auth: &str, change: impl Fn(&str) -> Option<String>) -> String {
    if !is_object(auth) {
        return auth.to_owned();
    }
    let mut out = Builder::object();
    for (key, value) in json::members(auth) {
        match change(value) {
            Some(new) if !json::is_key(key, "type") => out.member(key, &new),
            _ => out.member(key, value),
        }
    }
    out.finish()
}

/// A format 1 entity's authorization, as 2.1 has it.
pub(super) fn from_v1(entity: &Obj<'_>) -> Option<String> {
    let attributes = entity.get("helperAttributes");
    let helper = entity.get("currentHelper");
    if let (Some(auth), None, false) = (entity.get("auth"), helper, attributes.is_some_and(truthy)) {
        return (auth == "null" || is_object(auth)).then(|| to_list(auth));
    }
    let helper = helper.and_then(json::text).filter(|helper| !helper.is_empty() && helper != "normal")?;
    let known = HELPERS.iter().find(|known| known.0 == helper);
    let kind = known.map_or(helper.as_str(), |known| known.1);
    // Some files have the attributes as a text.
    let text = attributes.and_then(json::text).filter(|text| json::check(text, 100).is_ok());
    let attributes = Obj::of(text.as_deref().or(attributes).unwrap_or("{}"));
    let mut list: Vec<String> = Vec::new();
    for (key, value) in attributes.members() {
        if json::is_key(key, "id") || json::is_key(key, "time") {
            continue;
        }
        let renamed = known.and_then(|known| known.2.iter().find(|(old, _)| json::is_key(key, old)));
        list.push(parameter(&renamed.map_or_else(|| (*key).to_owned(), |(_, new)| quote(new)), value));
    }
    Some(format!("{{\"type\":{},{}:{}}}", quote(kind), quote(kind), array(list)))
}

/// The name and the attributes of format 1's helper for a 2.1 authorization; `None` where format 1 has no such helper.
pub(super) fn to_helper(auth: &str) -> Option<(String, String)> {
    let auth = Obj::of(auth);
    let kind = auth.get("type").and_then(json::text)?;
    let (helper, _, names) = HELPERS.iter().find(|known| known.1 == kind)?;
    let mut out = Builder::object();
    out.put(
        "id",
        &quote(match *helper {
            "oAuth1" | "oAuth2" => helper,
            _ => &kind,
        }),
    );
    for entry in json::entries(auth.get(&kind).unwrap_or("[]")) {
        let entry = Obj::of(entry);
        let Some(key) = entry.get("key").filter(|key| key.starts_with('"')) else { continue };
        let renamed = names.iter().find(|(_, new)| json::is_key(key, new));
        out.member(&renamed.map_or_else(|| key.to_owned(), |(old, _)| quote(old)), entry.get("value").unwrap_or("null"));
    }
    Some((quote(helper), out.finish()))
}

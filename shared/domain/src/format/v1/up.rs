//! Format 1 as format 2.1 has it, element by element. What format 2.1 has no place for is left out here; it stays in
//! the element's origin.

use crate::format::parts::{Obj, events_of_v1, filled, truthy, turned, variables};
use crate::format::url::Url;
use crate::format::{SCHEMA_V21, auth};
use crate::json::{self, Builder, array, is_array, is_object, quote};

/// How format 1 calls the kinds of bodies, and how format 2 does.
pub(super) const MODES: [(&str, &str); 5] =
    [("binary", "file"), ("graphql", "graphql"), ("params", "formdata"), ("raw", "raw"), ("urlencoded", "urlencoded")];

/// Finds a request by its id: an old saved response only names the request that it belongs to.
pub(super) type Find<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The collection's own part.
pub(super) fn root(v1: &Obj<'_>) -> String {
    let mut info = Builder::object();
    if let Some(id) = v1.get("id").filter(|id| id.starts_with('"')) {
        info.put("_postman_id", id);
    }
    info.put("name", v1.get("name").unwrap_or("\"\""));
    if let Some(description) = v1.said("description") {
        info.put("description", description);
    }
    info.put("schema", &quote(SCHEMA_V21));
    let mut out = Builder::object();
    out.put("info", &info.finish());
    out.put("item", "[]");
    shared(v1, &mut out);
    out.finish()
}

/// A folder.
pub(super) fn folder(v1: &Obj<'_>) -> String {
    let mut out = named(v1, "\"\"");
    if let Some(description) = v1.said("description") {
        out.put("description", description);
    }
    out.put("item", "[]");
    shared(v1, &mut out);
    out.finish()
}

/// A request.
pub(super) fn request(v1: &Obj<'_>) -> String {
    let mut out = named(v1, "\"\"");
    if let Some(events) = events_of_v1(v1) {
        out.put("event", &events);
    }
    behavior(v1, &mut out);
    out.put("request", &request_part(v1));
    out.put("response", "[]");
    if let Some(list) = v1.get("variables").filter(|list| filled(list)) {
        out.put("variable", &variables(list));
    }
    out.finish()
}

/// A saved response.
pub(super) fn response(v1: &Obj<'_>, find: Find<'_>) -> String {
    let mut out = named(v1, "\"response\"");
    if let Some(original) = saved_request(v1, find) {
        out.put("originalRequest", &request_part(&Obj::of(&original)));
    }
    if let Some(code) = v1.get("responseCode").filter(|code| is_object(code)) {
        let code = Obj::of(code);
        if let Some(name) = code.said("name") {
            out.put("status", name);
        }
        let number = |text: &str| json::text(text).unwrap_or_else(|| text.to_owned());
        if let Some(number) = code.said("code").map(number).and_then(|code| code.parse::<u32>().ok()) {
            out.put("code", &number.to_string());
        }
    }
    for (old, new) in [
        ("language", "_postman_previewlanguage"),
        ("previewType", "_postman_previewtype"),
        ("headers", "header"),
        ("time", "responseTime"),
        ("text", "body"),
    ] {
        if let Some(value) = v1.get(old) {
            out.put(new, value);
        }
    }
    let cookies = v1.get("cookies").filter(|cookies| is_array(cookies)).unwrap_or("[]");
    out.put("cookie", &array(json::entries(cookies).into_iter().map(|cookie| renamed(cookie, "expirationDate", "expires", "name", "key"))));
    out.finish()
}

/// An object with two of its members under other names.
pub(super) fn renamed(object: &str, one: &str, one_new: &str, other: &str, other_new: &str) -> String {
    if !is_object(object) {
        return object.to_owned();
    }
    let mut out = Builder::object();
    for (key, value) in json::members(object) {
        if json::is_key(key, one) {
            out.put(one_new, value);
        } else if json::is_key(key, other) {
            out.put(other_new, value);
        } else {
            out.member(key, value);
        }
    }
    out.finish()
}

fn named(v1: &Obj<'_>, nameless: &str) -> Builder {
    let mut out = Builder::object();
    out.put("name", v1.said("name").unwrap_or(nameless));
    if let Some(id) = v1.get("id").filter(|id| id.starts_with('"')) {
        out.put("id", id);
    }
    out
}

/// What a collection and a folder have alike.
fn shared(v1: &Obj<'_>, out: &mut Builder) {
    if let Some(auth) = auth::from_v1(v1) {
        out.put("auth", &auth);
    }
    if let Some(events) = events_of_v1(v1) {
        out.put("event", &events);
    }
    if let Some(list) = v1.get("variables").filter(|list| filled(list)) {
        out.put("variable", &variables(list));
    }
    behavior(v1, out);
}

fn behavior(v1: &Obj<'_>, out: &mut Builder) {
    if let Some(behavior) = v1.get("protocolProfileBehavior").filter(|behavior| is_object(behavior) && filled(behavior)) {
        out.put("protocolProfileBehavior", behavior);
    }
}

fn request_part(v1: &Obj<'_>) -> String {
    let mut out = Builder::object();
    if let Some(auth) = auth::from_v1(v1) {
        out.put("auth", &auth);
    }
    if let Some(method) = v1.get("method") {
        out.put("method", method);
    }
    out.put("header", &headers(v1));
    if let Some(body) = body(v1) {
        out.put("body", &body);
    }
    if let Some(url) = url(v1) {
        out.put("url", &url);
    }
    if let Some(description) = v1.said("description") {
        out.put("description", description);
    }
    out.finish()
}

fn saved_request(v1: &Obj<'_>, find: Find<'_>) -> Option<String> {
    let mut named = None;
    for key in ["requestObject", "request"] {
        let Some(value) = v1.said(key) else { continue };
        if is_object(value) {
            return Some(value.to_owned());
        }
        let Some(text) = json::text(value) else { continue };
        if is_object(&text) && json::check(&text, 1_000).is_ok() {
            return Some(text);
        }
        named = Some(value);
    }
    find(named?)
}

/// A header that is commented out is one that is off.
fn headers(v1: &Obj<'_>) -> String {
    let given = v1.get("headers").unwrap_or("null");
    if is_array(given) {
        return given.to_owned();
    }
    let mut list: Vec<String> = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    for entry in json::entries(&turned(v1.get("headerData").unwrap_or("[]"), "enabled", "disabled")) {
        let key = json::get(entry, "key").and_then(json::text).unwrap_or_default();
        match key.strip_prefix("//") {
            Some(off) => {
                let entry = json::set(entry, "key", Some(&quote(off.trim())));
                list.push(json::set(&entry, "disabled", Some("true")));
                seen.push(off.trim().to_owned());
            }
            None => {
                list.push(entry.to_owned());
                seen.push(key);
            }
        }
    }
    match json::text(given) {
        Some(text) => {
            let unfolded = text.replace("\r\n ", " ").replace("\r\n\t", "\t");
            for line in unfolded.lines().map(str::trim).filter(|line| !line.is_empty()) {
                let (off, line) = line.strip_prefix("//").map_or((false, line), |line| (true, line.trim_start()));
                let (key, value) = line.split_once(':').unwrap_or((line, ""));
                let key = key.trim_end();
                if !seen.iter().any(|other| other == key) {
                    let off = if off { ",\"disabled\":true" } else { "" };
                    list.push(format!("{{\"key\":{},\"value\":{}{off}}}", quote(key), quote(value.trim())));
                }
            }
            array(list)
        }
        // A text that cannot be read (half a surrogate pair) stays one: format 2.1 takes that, too.
        None if given.starts_with('"') && list.is_empty() => given.to_owned(),
        None => array(list),
    }
}

fn url(v1: &Obj<'_>) -> Option<String> {
    let given = v1.get("url")?;
    let Some(text) = json::text(given) else { return Some(given.to_owned()) };
    let url = Url::parse(&text);
    let query = v1.get("queryParams").filter(|list| filled(list)).map(|list| {
        array(json::entries(&turned(list, "enabled", "disabled")).into_iter().map(|entry| match json::get(entry, "equals") {
            Some(equals) if is_object(entry) => {
                let value = match (truthy(equals), json::get(entry, "value").unwrap_or("null")) {
                    (true, "null") => "\"\"",
                    (false, "\"\"") => "null",
                    (_, value) => value,
                };
                json::set(&json::set(entry, "value", Some(value)), "equals", None)
            }
            _ => entry.to_owned(),
        }))
    });
    let mut paths: Vec<String> = json::entries(v1.get("pathVariableData").unwrap_or("[]")).into_iter().map(str::to_owned).collect();
    for (key, value) in json::members(v1.get("pathVariables").unwrap_or("{}")) {
        if !paths.iter().any(|entry| json::get(entry, "key").is_some_and(|other| other == key)) {
            paths.push(format!("{{\"key\":{key},\"value\":{value}}}"));
        }
    }
    let paths = (!paths.is_empty()).then(|| array(paths));
    Some(url.to_json(query.as_deref(), paths.as_deref()))
}

fn body(v1: &Obj<'_>) -> Option<String> {
    let some = |value: Option<&str>| value.is_some_and(|value| filled(value) || (value.starts_with('"') && value != "\"\""));
    let (data, raw, graphql) = (v1.get("data"), v1.get("rawModeData"), v1.get("graphqlModeData"));
    let given = v1.get("dataMode");
    let named = given.and_then(json::text).and_then(|mode| MODES.iter().find(|known| known.0 == mode)).map(|known| known.1);
    if given == Some("null") || (named.is_none() && !some(data) && !some(raw) && !some(graphql)) {
        return None;
    }
    let raw_text = raw.and_then(|raw| match json::entries(raw).as_slice() {
        [one] if one.starts_with('"') => Some(*one),
        _ => raw.starts_with('"').then_some(raw),
    });
    let options = v1.get("dataOptions");
    let graphql = graphql.filter(|graphql| some(Some(graphql))).or_else(|| {
        let meant = options.is_some_and(|options| json::get(options, "graphql").is_some());
        data.filter(|data| meant && some(Some(data)))
    });
    let list = data.filter(|data| truthy(data)).or(raw);
    let mode = match named {
        Some(mode) => mode,
        None if raw_text.is_none_or(|raw| !truthy(raw)) && list.is_some_and(is_array) => "formdata",
        None if raw_text.is_none_or(|raw| !truthy(raw)) && graphql.is_some() => "graphql",
        None => "raw",
    };
    let mut out = Builder::object();
    out.put("mode", &quote(mode));
    match mode {
        "raw" => {
            let text = raw_text.filter(|raw| truthy(raw)).or(data.filter(|data| data.starts_with('"')));
            out.put("raw", text.unwrap_or("\"\""));
        }
        "graphql" => out.put("graphql", graphql.unwrap_or("null")),
        "file" => out.put("file", &format!("{{\"src\":{}}}", raw_text.unwrap_or("null"))),
        _ => out.put(mode, &form(list.unwrap_or("[]"))),
    }
    if let Some(options) = options.filter(|options| is_object(options)) {
        let mut new = Builder::object();
        for (key, value) in json::members(options).into_iter().filter(|(_, value)| filled(value)) {
            match MODES.iter().find(|known| json::is_key(key, known.0)) {
                Some((_, name)) => new.put(name, value),
                None => new.member(key, value),
            }
        }
        let new = new.finish();
        if filled(&new) {
            out.put("options", &new);
        }
    }
    if v1.said("dataDisabled").is_some() {
        out.put("disabled", "true");
    }
    Some(out.finish())
}

fn form(list: &str) -> String {
    if !is_array(list) {
        return "[]".to_owned();
    }
    array(json::entries(&turned(list, "enabled", "disabled")).into_iter().filter_map(|entry| {
        let read = Obj::of(entry);
        read.get("key").filter(|key| *key != "null")?;
        let file = read.get("type") == Some("\"file\"") && read.said("src").is_none();
        Some(match read.said("value") {
            Some(value) if file => {
                let src = if value.starts_with('"') || is_array(value) { value } else { "null" };
                json::set(&json::set(entry, "value", None), "src", Some(src))
            }
            _ => entry.to_owned(),
        })
    }))
}

//! Format 2.1 as format 1 has it, element by element, without ids and without what holds elements together.

use super::up::{MODES, renamed};
use crate::format::auth;
use crate::format::parts::{Obj, filled, plain_description, script_of_events, turned, whole_events};
use crate::json::{self, Builder, array, is_array, is_object, quote};

fn description(value: Option<&str>) -> &str {
    value.map_or("null", plain_description)
}

/// The collection's own part.
pub(super) fn root(own: &str, out: &mut Builder) {
    let read = Obj::of(own);
    let info = Obj::of(read.get("info").unwrap_or("{}"));
    out.put("name", info.get("name").unwrap_or("\"\""));
    out.put("description", description(info.get("description")));
    shared(&read, out);
}

/// A folder.
pub(super) fn folder(own: &str, out: &mut Builder) {
    let read = Obj::of(own);
    out.put("name", read.get("name").unwrap_or("\"\""));
    out.put("description", description(read.get("description")));
    shared(&read, out);
}

fn shared(read: &Obj<'_>, out: &mut Builder) {
    if let Some(events) = read.get("event") {
        out.put("events", &whole_events(events));
    }
    for (new, old) in [("auth", "auth"), ("variable", "variables"), ("protocolProfileBehavior", "protocolProfileBehavior")] {
        if let Some(value) = read.get(new) {
            out.put(old, value);
        }
    }
}

/// A request.
pub(super) fn request(own: &str, out: &mut Builder) {
    let read = Obj::of(own);
    out.put("name", read.get("name").unwrap_or("\"\""));
    request_part(read.get("request").unwrap_or("{}"), out);
    if let Some(behavior) = read.get("protocolProfileBehavior") {
        out.put("protocolProfileBehavior", behavior);
    }
    if let Some(events) = read.get("event") {
        out.put("events", &whole_events(events));
        for (listen, key) in [("prerequest", "preRequestScript"), ("test", "tests")] {
            if let Some(script) = script_of_events(events, listen) {
                out.put(key, &script);
            }
        }
    }
    if let Some(variables) = read.get("variable") {
        out.put("variables", variables);
    }
}

/// A saved response.
pub(super) fn response(own: &str, out: &mut Builder) {
    let read = Obj::of(own);
    if let Some(original) = read.get("originalRequest") {
        let mut request = Builder::object();
        request_part(original, &mut request);
        let request = request.finish();
        out.put("request", &request);
        // Postman's own files have it a second time, as a text.
        out.put("requestObject", &quote(&request));
    }
    out.put("name", read.get("name").unwrap_or("\"\""));
    let status = read.get("status").unwrap_or("null");
    out.put("status", status);
    out.put("responseCode", &format!("{{\"code\":{},\"name\":{status},\"detail\":\"\"}}", read.get("code").unwrap_or("null")));
    out.put("language", read.get("_postman_previewlanguage").unwrap_or("\"Text\""));
    out.put("previewType", read.get("_postman_previewtype").unwrap_or("\"html\""));
    out.put("time", read.get("responseTime").unwrap_or("null"));
    out.put("headers", read.get("header").unwrap_or("[]"));
    let cookies = read.get("cookie").filter(|cookies| is_array(cookies)).unwrap_or("[]");
    out.put(
        "cookies",
        &array(json::entries(cookies).into_iter().map(|cookie| renamed(cookie, "expires", "expirationDate", "key", "name"))),
    );
    out.put("text", read.get("body").unwrap_or("null"));
    out.put("rawDataType", "\"text\"");
}

fn request_part(request: &str, out: &mut Builder) {
    // A request may be given as its URL alone.
    let alone = request.starts_with('"').then(|| format!("{{\"url\":{request}}}"));
    let read = Obj::of(alone.as_deref().unwrap_or(request));
    out.put("description", description(read.get("description")));
    if let Some(method) = read.get("method") {
        out.put("method", method);
    }
    match read.get("auth") {
        Some(value) if is_object(value) => {
            let list = auth::to_list(value);
            let (helper, attributes) = auth::to_helper(&list).unwrap_or_else(|| ("null".to_owned(), "null".to_owned()));
            out.put("auth", &list);
            out.put("currentHelper", &helper);
            out.put("helperAttributes", &attributes);
        }
        Some(other) => out.put("auth", other),
        None => (),
    }
    let header = read.get("header").unwrap_or("[]");
    if header.starts_with('"') {
        out.put("headers", header);
    } else {
        out.put("headers", &header_text(header));
        out.put("headerData", &turned(header, "disabled", "enabled"));
    }
    body(read.get("body").unwrap_or("null"), out);
    url(read.get("url").unwrap_or("\"\""), out);
}

/// As it is written between its quotes.
fn inside(value: Option<&str>) -> &str {
    value.filter(|value| value.starts_with('"')).map_or("", |value| &value[1..value.len() - 1])
}

fn header_text(list: &str) -> String {
    let lines: Vec<String> = json::entries(list)
        .into_iter()
        .map(|header| {
            if !is_object(header) {
                return inside(Some(header)).to_owned();
            }
            let read = Obj::of(header);
            let off = if read.get("disabled") == Some("true") { "// " } else { "" };
            format!("{off}{}: {}", inside(read.get("key")), inside(read.get("value")))
        })
        .collect();
    format!("\"{}\"", lines.join("\\n"))
}

fn body(body: &str, out: &mut Builder) {
    let read = Obj::of(body);
    let mode = read.get("mode").and_then(json::text);
    let Some((old, mode)) = mode.as_deref().and_then(|mode| MODES.iter().find(|known| known.1 == mode)) else { return };
    out.put("dataMode", &quote(old));
    match *mode {
        "raw" => out.put("rawModeData", read.get("raw").unwrap_or("\"\"")),
        "file" => {
            let src = read.get("file").filter(|file| is_object(file)).and_then(|file| json::get(file, "src"));
            out.put("rawModeData", src.unwrap_or("null"));
        }
        "graphql" => out.put("graphqlModeData", read.get("graphql").unwrap_or("null")),
        mode => {
            let list = turned(read.get(mode).unwrap_or("[]"), "disabled", "enabled");
            let entries = json::entries(&list).into_iter().map(|entry| {
                let read = Obj::of(entry);
                match read.get("src").filter(|_| read.get("type") == Some("\"file\"")) {
                    Some(src) => json::set(&json::set(entry, "src", None), "value", Some(src)),
                    None => entry.to_owned(),
                }
            });
            out.put("data", &array(entries));
        }
    }
    if read.get("disabled") == Some("true") {
        out.put("dataDisabled", "true");
    }
    if let Some(options) = read.get("options").filter(|options| is_object(options) && filled(options)) {
        let mut old = Builder::object();
        for (key, value) in json::members(options) {
            match MODES.iter().find(|known| json::is_key(key, known.1)) {
                Some((name, _)) => old.put(name, value),
                None => old.member(key, value),
            }
        }
        out.put("dataOptions", &old.finish());
    }
}

fn url(url: &str, out: &mut Builder) {
    if !is_object(url) {
        out.put("url", url);
        return;
    }
    let read = Obj::of(url);
    match read.get("raw").filter(|raw| raw.starts_with('"')) {
        Some(raw) => out.put("url", raw),
        None => out.put("url", &quote(&put_together(&read))),
    }
    let list = |key: &str| read.get(key).filter(|list| is_array(list));
    if let Some(query) = list("query") {
        out.put("queryParams", &turned(query, "disabled", "enabled"));
    }
    if let Some(variables) = list("variable") {
        out.put("pathVariableData", &turned(variables, "disabled", "enabled"));
        let mut map = Builder::object();
        for entry in json::entries(variables).into_iter().map(Obj::of) {
            if let Some(key) = entry.said("key").or(entry.said("id")).filter(|key| key.starts_with('"')) {
                map.member(key, entry.get("value").unwrap_or("null"));
            }
        }
        out.put("pathVariables", &map.finish());
    }
}

/// A URL's text from its parts, for one that has none of its own.
fn put_together(url: &Obj<'_>) -> String {
    let text = |value: &str| json::text(value).unwrap_or_default();
    let joined = |key: &str, with: &str| {
        let value = url.get(key)?;
        if is_array(value) { Some(json::entries(value).into_iter().map(text).collect::<Vec<_>>().join(with)) } else { json::text(value) }
    };
    let mut out = url.said("protocol").map(|protocol| format!("{}://", text(protocol).trim_end_matches("://"))).unwrap_or_default();
    out.push_str(&joined("host", ".").unwrap_or_default());
    if let Some(port) = url.said("port") {
        out.push_str(&format!(":{}", json::text(port).unwrap_or_else(|| port.to_owned())));
    }
    if let Some(path) = joined("path", "/") {
        out.push_str(&format!("/{}", path.trim_start_matches('/')));
    }
    let query = json::entries(url.get("query").unwrap_or("[]")).into_iter().map(Obj::of);
    let query: Vec<String> = query
        .filter(|entry| entry.get("disabled") != Some("true"))
        .map(|entry| {
            let key = entry.get("key").map(text).unwrap_or_default();
            entry.get("value").and_then(json::text).map_or(key.clone(), |value| format!("{key}={value}"))
        })
        .collect();
    if !query.is_empty() {
        out.push_str(&format!("?{}", query.join("&")));
    }
    if let Some(hash) = url.said("hash") {
        out.push_str(&format!("#{}", text(hash)));
    }
    out
}

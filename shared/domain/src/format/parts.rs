//! Pieces that the versions of the format share: objects read once, texts cut into lines, scripts.

use crate::json::{self, Builder, array, is_array, is_object};

/// An object's members as written, found by name.
#[derive(Debug)]
pub(super) struct Obj<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Obj<'a> {
    pub(super) fn of(object: &'a str) -> Obj<'a> {
        Obj(json::members(object))
    }

    /// The last value under a key.
    pub(super) fn get(&self, key: &str) -> Option<&'a str> {
        self.0.iter().rev().find(|(raw, _)| json::is_key(raw, key)).map(|(_, value)| *value)
    }

    /// The same, where it says something: not `null`, `false`, `0` or empty.
    pub(super) fn said(&self, key: &str) -> Option<&'a str> {
        self.get(key).filter(|value| truthy(value))
    }

    pub(super) fn members(&self) -> &[(&'a str, &'a str)] {
        &self.0
    }
}

/// What JavaScript takes for true.
pub(super) fn truthy(value: &str) -> bool {
    !matches!(value, "null" | "false" | "0" | "\"\"" | "")
}

/// Whether an object or array has something in it.
pub(super) fn filled(value: &str) -> bool {
    (is_array(value) && !json::entries(value).is_empty()) || (is_object(value) && !json::members(value).is_empty())
}

/// A JSON string cut at its line breaks, as an array. It is cut as it is written: no escape is read but the line break's.
pub(super) fn lines(raw: &str) -> String {
    let inside = &raw[1..raw.len() - 1];
    let mut found = Vec::new();
    let (mut from, mut at) = (0, 0);
    while let Some(next) = inside[at..].find('\\').map(|next| at + next) {
        let escape = inside.get(next + 1..next + 2).unwrap_or_default();
        let long = inside.get(next + 1..next + 6).is_some_and(|code| code.eq_ignore_ascii_case("u000a"));
        let end = if long { next + 6 } else { next + 2 };
        if escape == "n" || long {
            found.push(&inside[from..next]);
            from = end;
        }
        at = end;
    }
    found.push(&inside[from..]);
    array(found.into_iter().map(|line| format!("\"{line}\"")))
}

/// The strings of an array as one, with line breaks between them. A string stays one.
pub(super) fn one_text(value: &str) -> String {
    if !is_array(value) {
        return value.to_owned();
    }
    let inside: Vec<&str> =
        json::entries(value).into_iter().filter(|line| line.starts_with('"')).map(|line| &line[1..line.len() - 1]).collect();
    format!("\"{}\"", inside.join("\\n"))
}

/// Format 1's scripts as events.
pub(super) fn events_of_v1(entity: &Obj<'_>) -> Option<String> {
    let scripts: Vec<String> = [("test", "tests"), ("prerequest", "preRequestScript")]
        .into_iter()
        .filter_map(|(listen, key)| {
            let text = entity.said(key)?;
            let exec = if text.starts_with('"') { lines(text) } else { text.to_owned() };
            Some(format!("{{\"listen\":\"{listen}\",\"script\":{{\"type\":\"text/javascript\",\"exec\":{exec}}}}}"))
        })
        .collect();
    if !scripts.is_empty() {
        return Some(array(scripts));
    }
    entity.get("events").filter(|events| filled(events)).map(whole_events)
}

/// Events with everything said: what they listen to, the script's type, and its lines as a list.
pub(super) fn whole_events(events: &str) -> String {
    array(json::entries(events).into_iter().map(|event| {
        let event = if is_object(event) && json::get(event, "listen").is_none_or(|listen| !truthy(listen)) {
            json::set(event, "listen", Some("\"test\""))
        } else {
            event.to_owned()
        };
        match json::get(&event, "script").filter(|script| is_object(script)) {
            Some(script) => {
                let mut script = script.to_owned();
                if json::get(&script, "type").is_none_or(|kind| !truthy(kind)) {
                    script = json::set(&script, "type", Some("\"text/javascript\""));
                }
                if let Some(exec) = json::get(&script, "exec").filter(|exec| exec.starts_with('"')) {
                    script = json::set(&script, "exec", Some(&lines(exec)));
                }
                json::set(&event, "script", Some(&script))
            }
            None => event,
        }
    }))
}

/// All scripts of one kind among events, as one text. `None` where there is none.
pub(super) fn script_of_events(events: &str, listen: &str) -> Option<String> {
    let texts: Vec<String> = json::entries(events)
        .into_iter()
        .map(Obj::of)
        .filter(|event| event.get("listen").and_then(json::text).is_some_and(|found| found == listen))
        .filter_map(|event| json::get(event.get("script")?, "exec").map(one_text))
        .filter(|text| text.starts_with('"'))
        .map(|text| text[1..text.len() - 1].to_owned())
        .collect();
    (!texts.is_empty()).then(|| format!("\"{}\"", texts.join("\\n")))
}

/// Variables that are named by an `id` get it as their `key`, and the old type `text` its new name.
pub(super) fn variables(list: &str) -> String {
    if !is_array(list) {
        return list.to_owned();
    }
    array(json::entries(list).into_iter().map(|variable| {
        let read = Obj::of(variable);
        match (read.said("key"), read.said("id")) {
            (None, Some(id)) if is_object(variable) => json::set(variable, "key", Some(id)),
            _ if read.get("type") == Some("\"text\"") => json::set(variable, "type", Some("\"string\"")),
            _ => variable.to_owned(),
        }
    }))
}

/// A description is a text in format 1; in format 2 it may be an object with a text.
pub(super) fn plain_description(value: &str) -> &str {
    if is_object(value) { json::get(value, "content").unwrap_or("null") } else { value }
}

/// Entries that say `enabled` in format 1 and `disabled` in format 2, turned from one to the other.
pub(super) fn turned(list: &str, from: &str, to: &str) -> String {
    if !is_array(list) {
        return list.to_owned();
    }
    array(json::entries(list).into_iter().map(|entry| {
        let mut out = Builder::object();
        if !is_object(entry) {
            return entry.to_owned();
        }
        for (key, value) in json::members(entry) {
            match value {
                "false" if json::is_key(key, from) => out.put(to, "true"),
                // What is on says nothing in format 2, and something in format 1.
                "true" if json::is_key(key, from) && from == "enabled" => (),
                "true" if json::is_key(key, from) => out.put(to, "false"),
                _ if json::is_key(key, "description") && from == "disabled" => out.member(key, plain_description(value)),
                _ => out.member(key, value),
            }
        }
        out.finish()
    }))
}

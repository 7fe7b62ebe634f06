//! One request (or folder): its page, and how its JSON is read for it.
//!
//! The JSON came from a file that anybody may have written: each part may be missing, or be of another type than the
//! collection format says. Whatever cannot be read as expected is shown as it stands, or not at all; nothing fails.

use askama::Template;
use domain::json;

use super::{Collection, Comments, Frame};

/// More of one text than this is not shown on a page; the export has it whole.
const LONGEST_TEXT: usize = 200_000;
/// Deeper lines are not indented further.
const DEEPEST_INDENT: usize = 40;

/// `/collections/{collection}/items/{item}`.
#[derive(Debug, Template)]
#[template(path = "request.html")]
pub struct Request {
    /// Around it.
    pub frame: Frame,
    /// The collection it is in.
    pub collection: Collection,
    /// The request.
    pub request: Item,
    /// The viewer's subscription to it: how often by mail; `None` without one.
    pub subscription: Option<&'static str>,
    /// What people say about it.
    pub comments: Comments,
    /// Whether the viewer may change it.
    pub may_edit: bool,
}

/// An element's own JSON, read for people.
#[derive(Debug, Clone, Default)]
pub struct Item {
    /// Its id.
    pub id: String,
    /// `request`, `folder` or `response`.
    pub kind: &'static str,
    /// Its revision.
    pub revision: u64,
    /// Its name.
    pub name: String,
    /// Its method.
    pub method: String,
    /// Its URL as written.
    pub url: String,
    /// What its author says about it; plain text.
    pub description: String,
    /// Parameters, headers and the like.
    pub tables: Vec<Table>,
    /// Body and scripts.
    pub blocks: Vec<Block>,
    /// Saved responses.
    pub examples: Vec<Example>,
    /// The whole element, indented; number literals, key order and escapes as they came.
    pub json: String,
}

/// Rows of names and values.
#[derive(Debug, Clone)]
pub struct Table {
    /// What they are.
    pub title: &'static str,
    /// The rows.
    pub rows: Vec<Row>,
}

/// A name and its value.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// The name.
    pub key: String,
    /// The value.
    pub value: String,
    /// What its author says about it.
    pub said: String,
    /// Whether it is switched off.
    pub disabled: bool,
}

/// A longer text.
#[derive(Debug, Clone)]
pub struct Block {
    /// What it is.
    pub title: &'static str,
    /// Its language or kind; may be empty.
    pub note: String,
    /// The text.
    pub text: String,
}

/// A saved response.
#[derive(Debug, Clone)]
pub struct Example {
    /// Its id.
    pub id: String,
    /// Its revision.
    pub revision: u64,
    /// Its name.
    pub name: String,
    /// `200 OK`; may be empty.
    pub status: String,
    /// How the status is coloured: `good`, `warn`, `bad` or nothing.
    pub tone: &'static str,
    /// Its body.
    pub body: String,
}

impl Item {
    /// Reads an element's own JSON (without its children).
    pub fn read(kind: &'static str, id: String, revision: u64, own: &str) -> Item {
        let request = json::get(own, "request").unwrap_or("{}");
        let url = json::get(request, "url").unwrap_or("null");
        let said = |from: &str| described(json::get(from, "description"));
        let description = Some(said(request)).filter(|text| !text.is_empty()).unwrap_or_else(|| said(own));
        let mut item = Item { id, kind, revision, name: member(own, "name"), description, json: pretty(own), ..Item::default() };
        if kind == "request" {
            // A request may be given as its URL alone.
            let plain = json::text(request);
            item.method = Some(member(request, "method")).filter(|method| !method.is_empty()).unwrap_or_else(|| "GET".to_owned());
            item.url = plain.or_else(|| json::text(url)).unwrap_or_else(|| member(url, "raw"));
            item.tables = [
                ("Parameters", rows(json::get(url, "query"))),
                ("Path variables", rows(json::get(url, "variable"))),
                ("Headers", rows(json::get(request, "header"))),
                ("Authorization", authorization(json::get(request, "auth"))),
            ]
            .into_iter()
            .filter(|(_, rows)| !rows.is_empty())
            .map(|(title, rows)| Table { title, rows })
            .collect();
            item.read_body(json::get(request, "body").unwrap_or("null"));
        }
        item.read_scripts(json::get(own, "event").unwrap_or("[]"));
        item
    }

    fn read_body(&mut self, body: &str) {
        let mode = member(body, "mode");
        let content = json::get(body, &mode).unwrap_or("null");
        match mode.as_str() {
            "urlencoded" | "formdata" => {
                let rows = rows(Some(content));
                if !rows.is_empty() {
                    self.tables.push(Table { title: if mode == "formdata" { "Body: form data" } else { "Body: form" }, rows });
                }
            }
            "graphql" => {
                self.push_block("Body: GraphQL query", String::new(), member(content, "query"));
                self.push_block("Body: GraphQL variables", String::new(), member(content, "variables"));
            }
            "file" => self.push_block("Body: file", String::new(), member(content, "src")),
            _ => {
                let options = json::get(body, "options").and_then(|options| json::get(options, "raw")).unwrap_or("null");
                self.push_block("Body", member(options, "language"), text(json::get(body, "raw").unwrap_or("null")));
            }
        }
    }

    fn read_scripts(&mut self, events: &str) {
        for event in json::entries(events) {
            let script = json::get(event, "script").unwrap_or("null");
            let lines = json::get(script, "exec").unwrap_or(script);
            let code = if json::is_array(lines) {
                json::entries(lines).into_iter().map(text).collect::<Vec<_>>().join("\n")
            } else {
                json::text(lines).unwrap_or_default()
            };
            match member(event, "listen").as_str() {
                "prerequest" => self.push_block("Script before the request", "JavaScript".to_owned(), code),
                "test" => self.push_block("Tests", "JavaScript".to_owned(), code),
                _ => (),
            }
        }
    }

    fn push_block(&mut self, title: &'static str, note: String, text: String) {
        if !text.trim().is_empty() {
            self.blocks.push(Block { title, note, text: shortened(text) });
        }
    }
}

impl Example {
    /// Reads a saved response's own JSON.
    pub fn read(id: String, revision: u64, own: &str) -> Example {
        let code = member(own, "code");
        let tone = match code.as_bytes().first() {
            Some(b'2') => "good",
            Some(b'3' | b'4') => "warn",
            Some(b'5') => "bad",
            _ => "",
        };
        let status = format!("{code} {}", member(own, "status")).trim().to_owned();
        Example { id, revision, name: member(own, "name"), status, tone, body: shortened(member(own, "body")) }
    }
}

/// A value in words: a text without its quotes, nothing for `null`, everything else as written.
fn text(raw: &str) -> String {
    match raw.trim() {
        "null" => String::new(),
        other => json::text(other).unwrap_or_else(|| other.to_owned()),
    }
}

fn member(object: &str, key: &str) -> String {
    json::get(object, key).map(text).unwrap_or_default()
}

/// A description: a text, or an object with its `content`.
fn described(raw: Option<&str>) -> String {
    let Some(raw) = raw else { return String::new() };
    let said = if json::is_object(raw) { member(raw, "content") } else { text(raw) };
    shortened(said)
}

/// Headers, parameters, form fields. Headers may also be one text with a line for each.
fn rows(raw: Option<&str>) -> Vec<Row> {
    let raw = raw.unwrap_or("null");
    if let Some(lines) = json::text(raw) {
        let pairs = lines.lines().filter_map(|line| line.split_once(':'));
        return pairs.map(|(key, value)| Row { key: key.trim().to_owned(), value: value.trim().to_owned(), ..Row::default() }).collect();
    }
    json::entries(raw)
        .into_iter()
        .filter(|entry| json::is_object(entry))
        .map(|entry| Row {
            key: member(entry, "key"),
            value: match json::get(entry, "src") {
                Some(file) if member(entry, "type") == "file" => format!("file: {}", text(file)),
                _ => shortened(member(entry, "value")),
            },
            said: described(json::get(entry, "description")),
            disabled: json::get(entry, "disabled").is_some_and(|flag| flag.trim() == "true"),
        })
        .collect()
}

/// How the request authorizes itself. A secret that stands there in the clear is not shown, a variable is.
fn authorization(raw: Option<&str>) -> Vec<Row> {
    const OPEN: [&str; 9] = ["key", "in", "username", "algorithm", "realm", "region", "service", "addTokenTo", "grant_type"];
    let raw = raw.unwrap_or("null");
    let kind = member(raw, "type");
    if kind.is_empty() {
        return Vec::new();
    }
    let details = json::get(raw, &kind).unwrap_or("null");
    let pairs: Vec<(String, String)> = if json::is_object(details) {
        json::members(details).into_iter().map(|(key, value)| (text(key), text(value))).collect()
    } else {
        json::entries(details).into_iter().map(|entry| (member(entry, "key"), member(entry, "value"))).collect()
    };
    let masked = |key: &str, value: String| {
        let variable = value.starts_with("{{") && value.ends_with("}}");
        if value.is_empty() || variable || OPEN.contains(&key) { value } else { "••••••••".to_owned() }
    };
    let first = Row { key: "type".to_owned(), value: kind, ..Row::default() };
    let rest = pairs.into_iter().map(|(key, value)| Row { value: masked(&key, value), key, ..Row::default() });
    std::iter::once(first).chain(rest).collect()
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => format!("{}\n… (shortened: the export has it whole)", &text[..end]),
        None => text,
    }
}

/// The same JSON, indented by two spaces a level. Only white space between tokens differs.
pub fn pretty(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len() * 3 / 2);
    let mut depth = 0_usize;
    let mut at = json::Cursor::new(raw);
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth.min(DEEPEST_INDENT)));
    };
    while let Some(byte) = at.next_token() {
        match byte {
            b'"' => {
                out.push_str(at.string());
                continue;
            }
            b'{' | b'[' => {
                out.push(char::from(byte));
                at.step();
                if matches!(at.next_token(), Some(b'}' | b']')) {
                    out.push(if byte == b'{' { '}' } else { ']' });
                    at.step();
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
                continue;
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(char::from(byte));
            }
            b',' => {
                out.push(',');
                line(&mut out, depth);
            }
            b':' => out.push_str(": "),
            _ => {
                // A literal: `true`, `null`, a number as it was written. It is ASCII.
                out.push_str(at.value());
                continue;
            }
        }
        at.step();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pretty_changes_white_space_only() {
        let raw = r#"{"a":1.0,"b":[],"c":{"d":[1e3,"x, y: {}",null]},"a":{}}"#;
        let indented = pretty(raw);
        assert_eq!(json::minify(&indented), raw);
        assert!(indented.contains("\n  \"b\": [],\n"), "{indented}");
    }

    #[test]
    fn a_request_is_read() {
        let own = r##"{"name":"Get","request":{"method":"POST","url":{"raw":"{{base}}/a?x=1","query":[{"key":"x","value":"1","disabled":true,
            "description":{"content":"how many"}}]},"header":[{"key":"Accept","value":"*/*"}],"auth":{"type":"bearer","bearer":[{"key":"token","value":"s3cret"}]},
            "body":{"mode":"raw","raw":"{\"a\": 1}","options":{"raw":{"language":"json"}}}},"event":[{"listen":"test","script":{"exec":["a();","b();"]}}]}"##;
        let item = Item::read("request", "1".to_owned(), 3, own);
        assert_eq!((item.method.as_str(), item.url.as_str()), ("POST", "{{base}}/a?x=1"));
        let titles: Vec<_> = item.tables.iter().map(|table| table.title).collect();
        assert_eq!(titles, ["Parameters", "Headers", "Authorization"]);
        assert!(item.tables[0].rows[0].disabled && item.tables[0].rows[0].said == "how many");
        assert!(!format!("{:?}", item.tables).contains("s3cret"));
        assert_eq!(item.blocks[0].text, "{\"a\": 1}");
        assert_eq!(item.blocks[1].text, "a();\nb();");
    }

    #[test]
    fn nothing_of_the_wrong_type_fails() {
        for part in ["null", "1", "[]", "{}", "\"x\"", "[null,1,{}]", "{\"mode\":1,\"type\":[]}"] {
            let request =
                format!("{{\"method\":{part},\"url\":{part},\"header\":{part},\"body\":{part},\"auth\":{part},\"description\":{part}}}");
            let own = format!("{{\"name\":{part},\"request\":{request},\"event\":[{{\"listen\":\"test\",\"script\":{part}}},{part}]}}");
            Item::read("request", "1".to_owned(), 1, &own);
            Item::read("request", "1".to_owned(), 1, &format!("{{\"request\":{part},\"event\":{part}}}"));
            Example::read("1".to_owned(), 1, &format!("{{\"code\":{part},\"status\":{part},\"body\":{part}}}"));
        }
    }
}

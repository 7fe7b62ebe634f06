//! What a file of another program says, JSON or YAML, as one tree: keys in their order, numbers in their spelling.

use std::borrow::Cow;
use std::collections::HashMap;

use domain::json::{self, Cursor};
use domain::{Rejected, limit};
use saphyr_parser::{Event, Parser, ScalarStyle};

/// Values nested deeper than this are refused, so that what reads them may call itself.
const DEPTH: usize = 128;

/// A value.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Node {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as it is written.
    Number(String),
    /// A text.
    Text(String),
    /// An array.
    List(Vec<Node>),
    /// An object.
    Map(Vec<(String, Node)>),
    /// JSON that is written already.
    Raw(String),
}

impl Node {
    /// A text.
    pub fn from_text(text: impl Into<String>) -> Node {
        Node::Text(text.into())
    }

    /// An object; members that are not there are left out.
    pub fn map<const N: usize>(members: [(&str, Option<Node>); N]) -> Node {
        Node::Map(members.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect())
    }

    /// The member of an object.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.members().iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// A member's text.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_text()
    }

    /// A member's entries; none where it is no array.
    pub fn list(&self, key: &str) -> &[Node] {
        self.get(key).map_or(&[], Node::entries)
    }

    /// A member's members; none where it is no object.
    pub fn inside(&self, key: &str) -> &[(String, Node)] {
        self.get(key).map_or(&[], Node::members)
    }

    /// Whether a member is `true`.
    pub fn says(&self, key: &str) -> bool {
        self.get(key) == Some(&Node::Bool(true))
    }

    /// A text itself.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A text, number or truth as a text; anything else as JSON; nothing for `null`.
    pub fn shown(&self) -> String {
        match self {
            Node::Null => String::new(),
            Node::Text(text) => text.clone(),
            other => other.to_json(),
        }
    }

    /// The entries of an array.
    pub fn entries(&self) -> &[Node] {
        match self {
            Node::List(entries) => entries,
            _ => &[],
        }
    }

    /// The members of an object.
    pub fn members(&self) -> &[(String, Node)] {
        match self {
            Node::Map(members) => members,
            _ => &[],
        }
    }

    /// Puts a member in, in its place where it is there.
    pub fn put(&mut self, key: &str, value: Node) {
        if let Node::Map(members) = self {
            match members.iter_mut().find(|(name, _)| name == key) {
                Some((_, old)) => *old = value,
                None => members.push((key.to_owned(), value)),
            }
        }
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, None);
        out
    }

    /// As JSON, two spaces a level.
    pub fn to_pretty_json(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, Some(0));
        out
    }

    fn write(&self, out: &mut String, level: Option<usize>) {
        let inner = level.map(|level| level + 1);
        let line = |out: &mut String, level: Option<usize>| {
            if let Some(level) = level {
                out.push('\n');
                out.push_str(&"  ".repeat(level));
            }
        };
        match self {
            Node::Null => out.push_str("null"),
            Node::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Node::Number(text) | Node::Raw(text) => out.push_str(text),
            Node::Text(text) => out.push_str(&json::quote(text)),
            Node::List(entries) if entries.is_empty() => out.push_str("[]"),
            Node::Map(members) if members.is_empty() => out.push_str("{}"),
            Node::List(entries) => {
                out.push('[');
                for (index, entry) in entries.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    line(out, inner);
                    entry.write(out, inner);
                }
                line(out, level);
                out.push(']');
            }
            Node::Map(members) => {
                out.push('{');
                for (index, (key, value)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    line(out, inner);
                    out.push_str(&json::quote(key));
                    out.push_str(if level.is_some() { ": " } else { ":" });
                    value.write(out, inner);
                }
                line(out, level);
                out.push('}');
            }
        }
    }

    /// Reads JSON.
    pub fn from_json(text: &str) -> Result<Node, Rejected> {
        json::check(text, DEPTH)
            .map_err(|bad| Rejected::because(format!("this is not JSON: {} (line {}, column {})", bad.reason, bad.line, bad.column)))?;
        Ok(value(&mut Cursor::new(text)))
    }

    /// Reads YAML; of several documents the first. An alias is what it names; a file whose aliases unfold to more than
    /// anybody wrote is refused.
    pub fn from_yaml(text: &str) -> Result<Node, Rejected> {
        Yaml::default().read(text)
    }
}

/// The value at the cursor, of a text that is known to be JSON nested no deeper than [`DEPTH`].
fn value(at: &mut Cursor<'_>) -> Node {
    match at.next_token() {
        Some(b'{') => {
            at.step();
            let mut members = Vec::new();
            while let Some(byte) = at.next_token() {
                match byte {
                    b'"' => {
                        let key = string(at.key());
                        members.push((key, value(at)));
                    }
                    b',' => at.step(),
                    _ => break,
                }
            }
            at.step();
            Node::Map(members)
        }
        Some(b'[') => {
            at.step();
            let mut entries = Vec::new();
            while let Some(byte) = at.next_token() {
                match byte {
                    b']' => break,
                    b',' => at.step(),
                    _ => entries.push(value(at)),
                }
            }
            at.step();
            Node::List(entries)
        }
        Some(b'"') => Node::Text(string(at.string())),
        _ => match at.value() {
            "true" => Node::Bool(true),
            "false" => Node::Bool(false),
            "null" | "" => Node::Null,
            number => Node::Number(number.to_owned()),
        },
    }
}

/// A text. Half of a surrogate pair, which has no meaning in these files, stays as its escape.
fn string(raw: &str) -> String {
    json::text(raw).unwrap_or_else(|| raw[1..raw.len() - 1].to_owned())
}

#[derive(Default)]
struct Yaml {
    anchors: HashMap<usize, Node>,
    /// What is open: the value so far, the key that waits for its value, the anchor.
    open: Vec<(Node, Option<String>, usize)>,
    count: usize,
}

/// Values of one file.
const NODES: usize = 2_000_000;

impl Yaml {
    fn read(mut self, text: &str) -> Result<Node, Rejected> {
        let broken = |reason: String| Rejected::because(format!("this is not YAML: {reason}"));
        for event in Parser::new_from_str(text) {
            let (event, _) = event.map_err(|error| broken(error.to_string()))?;
            let done = match event {
                Event::Scalar(text, style, anchor, tag) => {
                    let text_is_meant = style != ScalarStyle::Plain || tag.as_ref().is_some_and(|tag| tag.suffix == "str");
                    let node = if text_is_meant { Node::Text(text.into_owned()) } else { plain(text) };
                    self.close(node, anchor)?
                }
                Event::Alias(anchor) => {
                    let node = self.anchors.get(&anchor).cloned().ok_or_else(|| broken("an alias names nothing".to_owned()))?;
                    self.count += size(&node);
                    self.close(node, 0)?
                }
                Event::SequenceStart(anchor, _) => self.start(Node::List(Vec::new()), anchor)?,
                Event::MappingStart(anchor, _) => self.start(Node::Map(Vec::new()), anchor)?,
                Event::SequenceEnd | Event::MappingEnd => {
                    let (node, _, anchor) = self.open.pop().ok_or_else(|| broken("something ends that never began".to_owned()))?;
                    self.close(node, anchor)?
                }
                Event::DocumentEnd => return Ok(Node::Null),
                Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) => None,
            };
            if let Some(node) = done {
                return Ok(node);
            }
        }
        Ok(Node::Null)
    }

    fn start(&mut self, node: Node, anchor: usize) -> Result<Option<Node>, Rejected> {
        if self.open.len() >= DEPTH {
            return Err(Rejected::because(format!("values are nested deeper than {DEPTH}")));
        }
        self.open.push((node, None, anchor));
        Ok(None)
    }

    /// A value is whole: it goes where it belongs. Gives the document where that was all.
    fn close(&mut self, node: Node, anchor: usize) -> Result<Option<Node>, Rejected> {
        self.count += 1;
        if self.count > NODES {
            return Err(Rejected::because(format!("more than {NODES} values")));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some((into, key, _)) = self.open.last_mut() else { return Ok(Some(node)) };
        match into {
            Node::List(entries) => entries.push(node),
            Node::Map(members) => match key.take() {
                None => *key = Some(node.shown()),
                // What is merged in comes second to what stands there itself.
                Some(name) if name == "<<" => {
                    let merged = if node.entries().is_empty() { std::slice::from_ref(&node) } else { node.entries() };
                    for (name, value) in merged.iter().flat_map(Node::members) {
                        if !members.iter().any(|(known, _)| known == name) {
                            members.push((name.clone(), value.clone()));
                        }
                    }
                }
                Some(name) => match members.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, old)) => *old = node,
                    None => members.push((name, node)),
                },
            },
            _ => (),
        }
        Ok(None)
    }
}

fn size(node: &Node) -> usize {
    match node {
        Node::List(entries) => 1 + entries.iter().map(size).sum::<usize>(),
        Node::Map(members) => 1 + members.iter().map(|(_, value)| size(value)).sum::<usize>(),
        _ => 1,
    }
}

/// A text without quotes, by YAML's core schema.
fn plain(text: Cow<'_, str>) -> Node {
    match text.as_ref() {
        "" | "~" | "null" | "Null" | "NULL" => Node::Null,
        "true" | "True" | "TRUE" => Node::Bool(true),
        "false" | "False" | "FALSE" => Node::Bool(false),
        // What JSON takes as a number is one.
        number if number.starts_with(|c: char| c == '-' || c.is_ascii_digit()) && json::check(number, 1).is_ok() => {
            Node::Number(text.into_owned())
        }
        _ => Node::Text(text.into_owned()),
    }
}

const _: () = assert!(DEPTH < limit::JSON_DEPTH);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_and_yaml_say_the_same() {
        let json = r#"{"b":1.0,"a":[true,null,"x","1"],"c":{"d":12345678901234567890123}}"#;
        let yaml = "b: 1.0\na: [true, ~, x, '1']\nc:\n  d: 12345678901234567890123\n";
        assert_eq!(Node::from_json(json).unwrap(), Node::from_yaml(yaml).unwrap());
        assert_eq!(Node::from_yaml(yaml).unwrap().to_json(), json);
        assert_eq!(Node::from_json(&Node::from_json(json).unwrap().to_pretty_json()).unwrap().to_json(), json);
        let merged = Node::from_yaml("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: *a").unwrap();
        assert_eq!(merged.to_json(), r#"{"a":{"x":1,"y":2},"b":{"x":1,"y":3},"c":{"x":1,"y":2}}"#);
    }

    #[test]
    fn files_that_would_unfold_without_end_are_refused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            bomb.push_str(&format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 9].join(", ")));
        }
        assert!(Node::from_yaml(&bomb).is_err());
        assert!(Node::from_yaml(&"[".repeat(5_000)).is_err());
        assert!(Node::from_json(&("[".repeat(500) + &"]".repeat(500))).is_err());
        assert!(Node::from_yaml("a: [").is_err());
    }
}

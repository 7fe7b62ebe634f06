//! What an OpenAPI document refers to, and values that its schemas describe.

use crate::Node;

/// Schemas within schemas beyond this are left out of an example: it is there to be read.
const DEPTH: usize = 8;
/// References that lead to references.
const HOPS: usize = 16;

/// Follows `$ref` within the document. What leads elsewhere or nowhere is nothing.
pub(crate) fn resolve<'a>(document: &'a Node, node: &'a Node) -> Option<&'a Node> {
    let mut at = node;
    for _ in 0..HOPS {
        let Some(target) = at.text("$ref") else { return Some(at) };
        at = target.strip_prefix("#/")?.split('/').try_fold(document, |node, part| {
            let part = crate::curl::plain(&part.replace('+', "%2B")).replace("~1", "/").replace("~0", "~");
            match node {
                Node::List(entries) => entries.get(part.parse::<usize>().ok()?),
                node => node.get(&part),
            }
        })?;
    }
    None
}

/// The example that a parameter, a media type or a schema names.
pub(crate) fn named_example<'a>(document: &'a Node, node: &'a Node) -> Option<&'a Node> {
    if let Some(example) = node.get("example") {
        return Some(example);
    }
    match node.get("examples")? {
        Node::Map(members) => members.first().and_then(|(_, example)| resolve(document, example)).and_then(|example| example.get("value")),
        Node::List(entries) => entries.first(),
        _ => None,
    }
}

/// A value that a schema describes: its own example, or one made up.
pub(crate) fn example(document: &Node, schema: &Node) -> Node {
    made(document, schema, &mut Vec::new())
}

fn made<'a>(document: &'a Node, schema: &'a Node, path: &mut Vec<*const Node>) -> Node {
    let Some(schema) = resolve(document, schema) else { return Node::Null };
    // A schema inside itself ends here.
    let own: *const Node = schema;
    if path.len() >= DEPTH || path.contains(&own) {
        return Node::Null;
    }
    if let Some(example) = named_example(document, schema).or_else(|| schema.get("default")).or_else(|| schema.get("const")) {
        return example.clone();
    }
    if let Some(first) = schema.list("enum").first() {
        return first.clone();
    }
    path.push(own);
    let value = by_type(document, schema, path);
    path.pop();
    value
}

fn by_type<'a>(document: &'a Node, schema: &'a Node, path: &mut Vec<*const Node>) -> Node {
    for choice in ["oneOf", "anyOf"] {
        let real = |one: &&Node| resolve(document, one).is_some_and(|one| one.text("type") != Some("null"));
        if let Some(first) = schema.list(choice).iter().find(real)
            && schema.get("properties").is_none()
        {
            return made(document, first, path);
        }
    }
    let kind = match schema.get("type") {
        Some(Node::Text(kind)) => Some(kind.as_str()),
        Some(Node::List(kinds)) => kinds.iter().filter_map(Node::as_text).find(|kind| *kind != "null"),
        _ => None,
    };
    let parts = schema.list("allOf");
    if !parts.is_empty() || schema.get("properties").is_some() || kind == Some("object") {
        let mut out = Node::Map(Vec::new());
        for part in parts {
            match made(document, part, path) {
                Node::Map(members) => members.into_iter().for_each(|(key, value)| out.put(&key, value)),
                Node::Null => (),
                // Parts that are no objects: the first says what it is.
                other if out.members().is_empty() && schema.get("properties").is_none() => return other,
                _ => (),
            }
        }
        for (key, property) in schema.inside("properties") {
            out.put(key, made(document, property, path));
        }
        if let (true, Some(more @ Node::Map(_))) = (out.members().is_empty(), schema.get("additionalProperties")) {
            out.put("key", made(document, more, path));
        }
        return out;
    }
    match kind {
        Some("array") => Node::List(schema.get("items").map(|items| made(document, items, path)).into_iter().collect()),
        Some("integer") => Node::Number(schema.get("minimum").map_or("0".to_owned(), Node::shown)),
        Some("number") => Node::Number(schema.get("minimum").map_or("0".to_owned(), Node::shown)),
        Some("boolean") => Node::Bool(true),
        Some("null") => Node::Null,
        Some("string") => Node::from_text(match schema.text("format") {
            Some("date") => "2026-01-31",
            Some("date-time") => "2026-01-31T12:00:00Z",
            Some("uuid") => "3fa85f64-5717-4562-b3fc-2c963f66afa6",
            Some("email") => "user@example.com",
            Some("uri" | "url") => "https://example.com",
            Some("hostname") => "example.com",
            Some("ipv4") => "192.0.2.1",
            Some("byte") => "VGV4dA==",
            Some("binary") => "",
            _ => "string",
        }),
        _ if schema.get("items").is_some() => {
            Node::List(schema.get("items").map(|items| made(document, items, path)).into_iter().collect())
        }
        _ => Node::Map(Vec::new()),
    }
}

/// A value as XML, as far as names go.
pub(crate) fn xml(name: &str, value: &Node) -> String {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    match value {
        Node::Map(members) => {
            let inside: String = members.iter().map(|(key, value)| xml(key, value)).collect();
            format!("<{name}>{inside}</{name}>")
        }
        Node::List(entries) => entries.iter().map(|entry| xml(name, entry)).collect(),
        other => format!("<{name}>{}</{name}>", escaped(&other.shown())),
    }
}

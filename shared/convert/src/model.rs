//! What every import makes: a collection of format 2.1, put together from its parts.

use domain::format::{SCHEMA_V21, url::Url};

use crate::Node;

/// A header, parameter or field.
#[derive(Debug, Clone, Default)]
pub(crate) struct Param {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) description: String,
    pub(crate) disabled: bool,
}

impl Param {
    pub(crate) fn new(key: impl Into<String>, value: impl Into<String>) -> Param {
        Param { key: key.into(), value: value.into(), ..Param::default() }
    }

    pub(crate) fn node(&self) -> Node {
        Node::map([
            ("key", Some(Node::from_text(&self.key))),
            ("value", Some(Node::from_text(&self.value))),
            ("description", said(&self.description)),
            ("disabled", self.disabled.then_some(Node::Bool(true))),
        ])
    }
}

pub(crate) fn params(list: &[Param]) -> Node {
    Node::List(list.iter().map(Param::node).collect())
}

/// A text, where it says something.
pub(crate) fn said(text: &str) -> Option<Node> {
    (!text.trim().is_empty()).then(|| Node::from_text(text))
}

/// A request, or the request of a saved response.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Without the query, where that is in `query`.
    pub(crate) url: String,
    pub(crate) query: Vec<Param>,
    pub(crate) path: Vec<Param>,
    pub(crate) headers: Vec<Param>,
    pub(crate) body: Option<Node>,
    pub(crate) auth: Option<Node>,
    pub(crate) description: String,
}

impl Request {
    pub(crate) fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|header| header.key.eq_ignore_ascii_case(name))
    }

    pub(crate) fn node(&self) -> Node {
        let mut url = self.url.clone();
        let on: Vec<String> =
            self.query.iter().filter(|param| !param.disabled).map(|param| format!("{}={}", param.key, param.value)).collect();
        if !on.is_empty() {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(&on.join("&"));
        }
        let query = (!self.query.is_empty()).then(|| params(&self.query).to_json());
        let path = (!self.path.is_empty()).then(|| params(&self.path).to_json());
        let url = Url::parse(&url).to_json(query.as_deref(), path.as_deref());
        Node::map([
            ("auth", self.auth.clone()),
            ("method", Some(Node::from_text(if self.method.is_empty() { "GET" } else { &self.method }))),
            ("header", Some(params(&self.headers))),
            ("body", self.body.clone()),
            ("url", Some(Node::Raw(url))),
            ("description", said(&self.description)),
        ])
    }
}

/// A request with its name, its scripts and its saved responses.
#[derive(Debug, Clone, Default)]
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) request: Request,
    pub(crate) before: String,
    pub(crate) tests: String,
    pub(crate) examples: Vec<Node>,
}

impl Item {
    pub(crate) fn node(&self) -> Node {
        Node::map([
            ("name", Some(Node::from_text(&self.name))),
            ("event", events(&self.before, &self.tests)),
            ("request", Some(self.request.node())),
            ("response", Some(Node::List(self.examples.clone()))),
        ])
    }
}

/// A saved response.
pub(crate) fn example(name: &str, request: &Request, code: Option<u16>, headers: &[Param], body: Option<String>) -> Node {
    let media = headers.iter().find(|header| header.key.eq_ignore_ascii_case("content-type")).map_or("", |header| &header.value);
    let language = ["json", "xml", "html", "javascript"].into_iter().find(|known| media.contains(known)).unwrap_or("text");
    Node::map([
        ("name", Some(Node::from_text(name))),
        ("originalRequest", Some(request.node())),
        ("status", code.map(|code| Node::from_text(reason(code)))),
        ("code", code.map(|code| Node::Number(code.to_string()))),
        ("_postman_previewlanguage", Some(Node::from_text(language))),
        ("header", Some(params(headers))),
        ("cookie", Some(Node::List(Vec::new()))),
        ("body", body.map(Node::Text)),
    ])
}

fn reason(code: u16) -> &'static str {
    match code {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        410 => "Gone",
        413 => "Payload Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "",
    }
}

/// Scripts that run before a request and on its answer.
pub(crate) fn events(before: &str, tests: &str) -> Option<Node> {
    let found: Vec<Node> = [("prerequest", before), ("test", tests)]
        .into_iter()
        .filter(|(_, script)| !script.trim().is_empty())
        .map(|(listen, script)| {
            let exec = Node::List(script.lines().map(Node::from_text).collect());
            let script = Node::map([("type", Some(Node::from_text("text/javascript"))), ("exec", Some(exec))]);
            Node::map([("listen", Some(Node::from_text(listen))), ("script", Some(script))])
        })
        .collect();
    (!found.is_empty()).then_some(Node::List(found))
}

/// A body as text.
pub(crate) fn raw(text: impl Into<String>, media: &str) -> Node {
    let language = ["json", "xml", "html", "javascript"].into_iter().find(|known| media.contains(known));
    let options = language.map(|language| Node::map([("raw", Some(Node::map([("language", Some(Node::from_text(language)))])))]));
    Node::map([("mode", Some(Node::from_text("raw"))), ("raw", Some(Node::from_text(text))), ("options", options)])
}

/// A body as a form: `urlencoded` or `formdata`.
pub(crate) fn form(mode: &str, fields: Vec<Node>) -> Node {
    Node::map([("mode", Some(Node::from_text(mode))), (mode, Some(Node::List(fields)))])
}

/// A field of a form that is a text.
pub(crate) fn text_field(param: &Param) -> Node {
    let mut node = param.node();
    node.put("type", Node::from_text("text"));
    node
}

/// A field of a form that is a file.
pub(crate) fn file_field(param: &Param) -> Node {
    Node::map([
        ("key", Some(Node::from_text(&param.key))),
        ("type", Some(Node::from_text("file"))),
        ("src", Some(if param.value.is_empty() { Node::List(Vec::new()) } else { Node::from_text(&param.value) })),
        ("description", said(&param.description)),
        ("disabled", param.disabled.then_some(Node::Bool(true))),
    ])
}

/// A body that is a query in GraphQL.
pub(crate) fn graphql(query: &str, variables: &str) -> Node {
    let graphql = Node::map([("query", Some(Node::from_text(query))), ("variables", Some(Node::from_text(variables)))]);
    Node::map([("mode", Some(Node::from_text("graphql"))), ("graphql", Some(graphql))])
}

/// Authorization of a kind with its parameters.
pub(crate) fn auth(kind: &str, parameters: &[(&str, &str)]) -> Node {
    let list = parameters.iter().map(|(key, value)| {
        Node::map([
            ("key", Some(Node::from_text(*key))),
            ("value", Some(Node::from_text(*value))),
            ("type", Some(Node::from_text("string"))),
        ])
    });
    let list = Node::List(list.collect());
    Node::map([("type", Some(Node::from_text(kind))), (kind, (kind != "noauth").then_some(list))])
}

/// A folder.
pub(crate) fn folder(name: &str, description: &str, items: Vec<Node>) -> Node {
    Node::map([("name", Some(Node::from_text(name))), ("description", said(description)), ("item", Some(Node::List(items)))])
}

/// A variable.
pub(crate) fn variable(key: &str, value: &str, description: &str) -> Node {
    Node::map([("key", Some(Node::from_text(key))), ("value", Some(Node::from_text(value))), ("description", said(description))])
}

/// A collection.
#[derive(Debug, Default)]
pub(crate) struct Collection {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) items: Vec<Node>,
    pub(crate) variables: Vec<Node>,
    pub(crate) auth: Option<Node>,
    pub(crate) events: Option<Node>,
}

impl Collection {
    pub(crate) fn node(self) -> Node {
        let name = if self.name.trim().is_empty() { "Imported" } else { self.name.trim() };
        let info = Node::map([
            ("name", Some(Node::from_text(name))),
            ("description", said(&self.description)),
            ("schema", Some(Node::from_text(SCHEMA_V21))),
        ]);
        Node::map([
            ("info", Some(info)),
            ("item", Some(Node::List(self.items))),
            ("auth", self.auth),
            ("event", self.events),
            ("variable", (!self.variables.is_empty()).then_some(Node::List(self.variables))),
        ])
    }
}

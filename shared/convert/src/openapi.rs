//! OpenAPI 3.0 and 3.1, and Swagger 2: operations become requests, tags folders, responses saved responses.
//!
//! Read without a schema: real documents break it, and what is not understood is left out and reported.

use domain::Rejected;

use crate::Node;
use crate::model::{Collection, Item, Param, Request, example, file_field, folder, form, raw, text_field, variable};
use crate::report::Report;
use crate::schema::{self, named_example, resolve};
use crate::security;

const METHODS: [&str; 9] = ["get", "post", "put", "patch", "delete", "head", "options", "trace", "query"];

/// Which version a document says it is of.
pub(crate) fn version(document: &Node) -> Option<String> {
    let of = |key: &str| document.get(key).map(Node::shown);
    match (of("openapi"), of("swagger")) {
        (Some(version), _) if version.starts_with('3') => {
            Some(format!("OpenAPI {}", version.split('.').take(2).collect::<Vec<_>>().join(".")))
        }
        (_, Some(version)) if version.starts_with('2') => Some("Swagger 2.0".to_owned()),
        _ => None,
    }
}

struct Reader<'a> {
    document: &'a Node,
    report: &'a mut Report,
}

pub(crate) fn read(document: &Node, report: &mut Report) -> Result<Vec<Node>, Rejected> {
    let info = document.get("info").cloned().unwrap_or_default();
    let Some(Node::Map(paths)) = document.get("paths").or_else(|| document.get("webhooks")) else {
        return Err(Rejected::because("this OpenAPI document has no paths"));
    };
    let mut reader = Reader { document, report };
    let mut folders: Vec<(String, String, Vec<Node>)> = document
        .list("tags")
        .iter()
        .filter_map(|tag| Some((tag.text("name")?.to_owned(), tag.text("description").unwrap_or_default().to_owned(), Vec::new())))
        .collect();
    let mut items = Vec::new();
    for (path, given) in paths {
        let Some(given) = resolve(document, given) else {
            reader.report.left(format!("the path {path}, which stands in another file"));
            continue;
        };
        for (method, operation) in given.members().iter().filter(|(key, _)| METHODS.contains(&key.as_str())) {
            let item = reader.operation(path, method, given, operation);
            match operation.list("tags").first().and_then(Node::as_text) {
                None => items.push(item),
                Some(tag) => match folders.iter_mut().find(|(name, _, _)| name == tag) {
                    Some((_, _, list)) => list.push(item),
                    None => folders.push((tag.to_owned(), String::new(), vec![item])),
                },
            }
            if operation.list("tags").len() > 1 {
                reader.report.changed("operations of several tags stand in the folder of the first");
            }
        }
    }
    let folders = folders.into_iter().filter(|(_, _, list)| !list.is_empty()).map(|(name, text, list)| folder(&name, &text, list));
    let items = folders.chain(items).collect();
    for key in ["webhooks", "externalDocs"] {
        if document.get(key).is_some() && document.get("paths").is_some() {
            reader.report.left(key);
        }
    }
    let auth = document.list("security").first().and_then(|wanted| security::wanted(document, wanted, reader.report));
    let (base, mut variables) = server(document);
    variables.insert(0, variable("baseUrl", &base, ""));
    let mut description = info.text("description").unwrap_or_default().to_owned();
    if let Some(contact) = info.get("contact") {
        let said: Vec<String> = contact.members().iter().map(|(key, value)| format!("{key}: {}", value.shown())).collect();
        description = format!("{description}\n\nContact: {}", said.join(", ")).trim().to_owned();
    }
    let name = info.text("title").unwrap_or("OpenAPI").to_owned();
    Ok(vec![Collection { name, description, items, variables, auth, events: None }.node()])
}

/// The first server's URL, and its variables.
fn server(holder: &Node) -> (String, Vec<Node>) {
    if let Some(server) = holder.list("servers").first() {
        let mut url = server.text("url").unwrap_or("/").to_owned();
        let mut variables = Vec::new();
        for (name, given) in server.inside("variables") {
            url = url.replace(&format!("{{{name}}}"), &format!("{{{{{name}}}}}"));
            let value = given.get("default").map(Node::shown).unwrap_or_default();
            variables.push(variable(name, &value, given.text("description").unwrap_or_default()));
        }
        return (url.trim_end_matches('/').to_owned(), variables);
    }
    let Some(host) = holder.text("host") else {
        return (holder.text("basePath").unwrap_or("/").trim_end_matches('/').to_owned(), Vec::new());
    };
    let schemes = holder.list("schemes").iter().filter_map(Node::as_text).collect::<Vec<_>>();
    let scheme = if schemes.contains(&"http") && !schemes.contains(&"https") { "http" } else { "https" };
    (format!("{scheme}://{host}{}", holder.text("basePath").unwrap_or_default().trim_end_matches('/')), Vec::new())
}

impl Reader<'_> {
    fn operation(&mut self, path: &str, method: &str, around: &Node, operation: &Node) -> Node {
        let document = self.document;
        let mut request = Request {
            method: method.to_uppercase(),
            description: operation.text("description").or(around.text("description")).unwrap_or_default().to_owned(),
            ..Request::default()
        };
        if operation.says("deprecated") {
            request.description = format!("Deprecated.\n\n{}", request.description).trim().to_owned();
        }
        // An operation's parameter stands before its path's of the same name.
        let mut given: Vec<&Node> = Vec::new();
        for parameter in operation.list("parameters").iter().chain(around.list("parameters")) {
            let same = |one: &Node, other: &Node| one.text("name") == other.text("name") && one.text("in") == other.text("in");
            match resolve(document, parameter) {
                Some(found) if !given.iter().any(|other| same(other, found)) => given.push(found),
                Some(_) => (),
                None => self.report.left(format!("the parameter {}", parameter.text("$ref").unwrap_or_default())),
            }
        }
        let (mut cookies, mut fields, mut body) = (Vec::new(), Vec::new(), None);
        for parameter in given {
            let param = self.parameter(parameter);
            match parameter.text("in") {
                Some("query") => request.query.push(param),
                Some("header") => request.headers.push(param),
                Some("path") => request.path.push(param),
                Some("cookie") => cookies.push(format!("{}={}", param.key, param.value)),
                Some("formData") => fields.push((parameter.text("type") == Some("file"), param)),
                Some("body") => body = Some(parameter),
                other => self.report.left(format!("a parameter in {}", other.unwrap_or("nothing"))),
            }
        }
        if !cookies.is_empty() {
            request.headers.push(Param::new("Cookie", cookies.join("; ")));
            self.report.changed("parameters in cookies: one header Cookie");
        }
        self.body(operation, fields, body, &mut request);
        let base = match [operation, around].into_iter().find(|holder| !holder.list("servers").is_empty()) {
            Some(holder) => server(holder).0,
            None => "{{baseUrl}}".to_owned(),
        };
        request.url = format!("{base}{}", with_colons(path));
        if let Some(Node::List(wanted)) = operation.get("security") {
            request.auth = match wanted.first().filter(|first| !first.members().is_empty()) {
                Some(first) => security::wanted(document, first, self.report),
                None => Some(crate::model::auth("noauth", &[])),
            };
            if wanted.len() > 1 {
                self.report.changed("of several ways to authorize, the first");
            }
        }
        for key in ["callbacks", "externalDocs"] {
            if operation.get(key).is_some() {
                self.report.left(format!("{key} of operations"));
            }
        }
        let examples = self.responses(operation, &request);
        if let Some(accept) = examples.1.filter(|_| !request.has_header("accept")) {
            request.headers.push(Param::new("Accept", accept));
        }
        let name = [operation.text("summary"), operation.text("operationId")].into_iter().flatten().find(|name| !name.trim().is_empty());
        let name = name.map_or_else(|| format!("{} {path}", request.method), str::to_owned);
        Item { name, request, examples: examples.0, ..Item::default() }.node()
    }

    fn parameter(&mut self, parameter: &Node) -> Param {
        let schema = parameter.get("schema").or_else(|| parameter.inside("content").first().and_then(|(_, media)| media.get("schema")));
        let value = match named_example(self.document, parameter) {
            Some(example) => example.clone(),
            // In Swagger 2 a parameter is its own schema.
            None => schema::example(self.document, schema.unwrap_or(parameter)),
        };
        let value = match &value {
            Node::List(entries) => entries.iter().map(Node::shown).collect::<Vec<_>>().join(","),
            Node::Map(members) if members.is_empty() => String::new(),
            other => other.shown(),
        };
        let mut description = parameter.text("description").unwrap_or_default().to_owned();
        if parameter.says("required") && parameter.text("in") != Some("path") {
            description = format!("(Required) {description}").trim_end().to_owned();
        }
        Param { key: parameter.text("name").unwrap_or_default().to_owned(), value, description, disabled: false }
    }

    fn body(&mut self, operation: &Node, fields: Vec<(bool, Param)>, body: Option<&Node>, request: &mut Request) {
        let document = self.document;
        let mut put = |media: &str, body: Node| {
            request.body = Some(body);
            if !media.starts_with("multipart/") && !request.has_header("content-type") {
                request.headers.push(Param::new("Content-Type", media));
            }
        };
        if !fields.is_empty() {
            let multipart =
                fields.iter().any(|(file, _)| *file) || consumes(document, operation).is_some_and(|media| media.starts_with("multipart/"));
            let nodes = fields
                .iter()
                .map(|(file, param)| if *file { file_field(&Param { value: String::new(), ..param.clone() }) } else { text_field(param) });
            let nodes = nodes.collect();
            if multipart {
                put("multipart/form-data", form("formdata", nodes))
            } else {
                put("application/x-www-form-urlencoded", form("urlencoded", nodes))
            }
            return;
        }
        if let Some(body) = body {
            let media = consumes(document, operation).unwrap_or("application/json");
            let value = body.get("schema").map(|schema| schema::example(document, schema)).unwrap_or_default();
            put(media, raw(written(media, &value), media));
            return;
        }
        let Some(given) = operation.get("requestBody") else { return };
        let Some(given) = resolve(document, given) else {
            self.report.left("a body that stands in another file");
            return;
        };
        let content = given.inside("content");
        let Some((media, kind)) = content.iter().find(|(media, _)| media.contains("json")).or(content.first()) else { return };
        if content.len() > 1 {
            self.report.changed("of several kinds of bodies, the first (JSON before others)");
        }
        let schema = kind.get("schema");
        let value = match (named_example(document, kind), schema) {
            (Some(example), _) => example.clone(),
            (None, Some(schema)) => schema::example(document, schema),
            (None, None) => Node::Null,
        };
        let properties = schema.and_then(|schema| resolve(document, schema)).map(|schema| schema.inside("properties")).unwrap_or_default();
        let field = |(key, value): &(String, Node)| {
            let property = properties.iter().find(|(name, _)| name == key).and_then(|(_, property)| resolve(document, property));
            let description = property.and_then(|property| property.text("description")).unwrap_or_default().to_owned();
            let binary =
                |schema: &Node| matches!(schema.text("format"), Some("binary" | "base64")) || schema.get("contentMediaType").is_some();
            let file = property.is_some_and(|property| binary(property) || property.get("items").is_some_and(binary));
            (file, Param { key: key.clone(), value: value.shown(), description, disabled: false })
        };
        match media.as_str() {
            "application/x-www-form-urlencoded" => {
                put(media, form("urlencoded", value.members().iter().map(|member| text_field(&field(member).1)).collect()));
            }
            "multipart/form-data" => {
                let fields = value
                    .members()
                    .iter()
                    .map(field)
                    .map(|(file, param)| if file { file_field(&Param { value: String::new(), ..param }) } else { text_field(&param) });
                put(media, form("formdata", fields.collect()));
            }
            media if media == "application/octet-stream" || media.starts_with("image/") => {
                let src = Node::map([("src", Some(Node::from_text("")))]);
                put(media, Node::map([("mode", Some(Node::from_text("file"))), ("file", Some(src))]));
            }
            media => put(media, raw(written(media, &value), media)),
        }
    }

    /// The saved responses, and the media type of the first good one.
    fn responses(&mut self, operation: &Node, request: &Request) -> (Vec<Node>, Option<String>) {
        let document = self.document;
        let (mut found, mut accept) = (Vec::new(), None);
        for (code, given) in operation.inside("responses").iter().filter(|(code, _)| !code.starts_with("x-")) {
            let Some(given) = resolve(document, given) else {
                self.report.left("a response that stands in another file");
                continue;
            };
            let number = code.parse::<u16>().ok().or_else(|| {
                let class = code.strip_suffix("XX").or(code.strip_suffix("xx"))?.parse::<u16>().ok()?;
                Some(class * 100)
            });
            if number.is_none() {
                self.report.changed("default responses: saved as 500");
            }
            let mut headers: Vec<Param> = Vec::new();
            let content = given.inside("content");
            let body = if let Some((media, kind)) = content.iter().find(|(media, _)| media.contains("json")).or(content.first()) {
                headers.push(Param::new("Content-Type", media));
                let value = named_example(document, kind).cloned().or_else(|| Some(schema::example(document, kind.get("schema")?)));
                value.map(|value| written(media, &value))
            } else if let Some((media, value)) = given.inside("examples").first() {
                headers.push(Param::new("Content-Type", media));
                Some(written(media, value))
            } else if let Some(schema) = given.get("schema") {
                let produces = [operation, document].into_iter().find_map(|holder| holder.list("produces").first()?.as_text());
                let media = produces.unwrap_or("application/json");
                headers.push(Param::new("Content-Type", media));
                Some(written(media, &schema::example(document, schema)))
            } else {
                None
            };
            if accept.is_none() && number.is_some_and(|code| (200..300).contains(&code)) {
                accept = headers.first().map(|header| header.value.clone());
            }
            for (name, header) in given.inside("headers") {
                let header = resolve(document, header).map(|header| self.parameter(header)).unwrap_or_default();
                headers.push(Param { key: name.clone(), ..header });
            }
            if given.get("links").is_some() {
                self.report.left("links of responses");
            }
            let name = given.text("description").map(str::trim).filter(|text| !text.is_empty()).map_or_else(|| code.clone(), str::to_owned);
            found.push(example(&name, request, number.or(Some(500)), &headers, body));
        }
        (found, accept)
    }
}

fn consumes<'a>(document: &'a Node, operation: &'a Node) -> Option<&'a str> {
    let all = [operation, document].into_iter().map(|holder| holder.list("consumes")).find(|list| !list.is_empty())?;
    all.iter().filter_map(Node::as_text).find(|media| media.contains("json")).or(all.first()?.as_text())
}

/// `/a/{b}` as `/a/:b`; a variable within a segment is one of Postman's.
fn with_colons(path: &str) -> String {
    let segments = path.split('/').map(|segment| match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(name) if !name.contains(['{', '}']) => format!(":{name}"),
        _ => segment.replace('{', "{{").replace('}', "}}"),
    });
    segments.collect::<Vec<_>>().join("/")
}

/// A value as a body of a media type.
fn written(media: &str, value: &Node) -> String {
    match value {
        Node::Text(text) => text.clone(),
        Node::Null if !media.contains("json") => String::new(),
        value if media.contains("xml") => schema::xml("root", value),
        value => value.to_pretty_json(),
    }
}

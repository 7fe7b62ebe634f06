//! A collection as an OpenAPI 3.1 document: requests become operations, their folders tags, saved responses examples.
//! What has no place there (scripts, a second request of the same method and path) is named in `x-left`.

use std::collections::HashMap;

use domain::collection::{Element, Kind};
use domain::format::url::Url;
use domain::ids::ElementId;

use crate::Node;

fn text(text: impl Into<String>) -> Option<Node> {
    Some(Node::Text(text.into()))
}

/// A description is a text or an object with one.
fn described(node: &Node) -> Option<Node> {
    let given = node.get("description")?;
    let words = given.as_text().or_else(|| given.text("content"))?;
    (!words.is_empty()).then(|| Node::from_text(words))
}

struct Writer {
    base: Option<String>,
    variables: HashMap<String, String>,
    schemes: Node,
    left: Vec<Node>,
}

/// Writes a collection (its own part and its elements, in any order) as OpenAPI.
pub fn openapi(root: &Element, elements: &[Element]) -> String {
    let own = Node::from_json(&root.json).unwrap_or_default();
    let info = own.get("info").cloned().unwrap_or_default();
    let variables = own.list("variable").iter().filter_map(|one| Some((one.text("key")?.to_owned(), one.get("value")?.shown())));
    let mut writer = Writer { base: None, variables: variables.collect(), schemes: Node::Map(Vec::new()), left: Vec::new() };
    let by_id: HashMap<&ElementId, &Element> = elements.iter().map(|element| (&element.id, element)).collect();
    let mut examples: HashMap<&ElementId, Vec<&Element>> = HashMap::new();
    for element in elements.iter().filter(|element| element.kind == Kind::Response) {
        if let Some(parent) = &element.parent {
            examples.entry(parent).or_default().push(element);
        }
    }
    let mut sorted: Vec<&Element> = elements.iter().collect();
    sorted.sort_by(|a, b| (&a.order, &a.id).cmp(&(&b.order, &b.id)));
    let mut paths = Node::Map(Vec::new());
    let mut tags: Vec<Node> = Vec::new();
    for element in sorted.into_iter().filter(|element| element.kind == Kind::Request) {
        let Ok(item) = Node::from_json(&element.json) else { continue };
        // The outermost folder is the tag.
        let mut folder = None;
        let mut at = element.parent.as_ref().and_then(|parent| by_id.get(parent));
        while let Some(above) = at {
            folder = Some(*above);
            at = above.parent.as_ref().and_then(|parent| by_id.get(parent));
        }
        if let Some(folder) = folder
            && !tags.iter().any(|tag| tag.text("name") == Some(&folder.name))
        {
            let own = Node::from_json(&folder.json).unwrap_or_default();
            tags.push(Node::map([("name", text(&folder.name)), ("description", described(&own))]));
        }
        let mut saved = examples.remove(&element.id).unwrap_or_default();
        saved.sort_by(|a, b| (&a.order, &a.id).cmp(&(&b.order, &b.id)));
        let saved: Vec<Node> = saved.iter().filter_map(|one| Node::from_json(&one.json).ok()).collect();
        writer.operation(&mut paths, &item, folder.map(|folder| folder.name.as_str()), &saved);
    }
    let security = own.get("auth").and_then(|auth| writer.security(auth));
    let server = writer.base.clone().filter(|base| !base.is_empty()).map(|base| writer.server(&base));
    let components = (!writer.schemes.members().is_empty()).then(|| Node::map([("securitySchemes", Some(writer.schemes.clone()))]));
    let version = info.get("version").map(Node::shown).filter(|version| !version.is_empty()).unwrap_or_else(|| "1.0.0".to_owned());
    let info = Node::map([("title", text(root_name(&info))), ("description", described(&info)), ("version", text(version))]);
    let document = Node::map([
        ("openapi", text("3.1.0")),
        ("info", Some(info)),
        ("servers", server.map(|server| Node::List(vec![server]))),
        ("security", security.map(|one| Node::List(vec![one]))),
        ("tags", (!tags.is_empty()).then_some(Node::List(tags))),
        ("paths", Some(paths)),
        ("components", components),
        ("x-left", (!writer.left.is_empty()).then(|| Node::List(std::mem::take(&mut writer.left)))),
    ]);
    document.to_pretty_json()
}

fn root_name(info: &Node) -> String {
    info.text("name").filter(|name| !name.trim().is_empty()).unwrap_or("Untitled collection").to_owned()
}

/// `:id` and `{{id}}` as `{id}`, with the names.
fn template(segments: &[String]) -> (String, Vec<String>) {
    let mut names = Vec::new();
    let mut path = String::new();
    for segment in segments {
        path.push('/');
        match segment.strip_prefix(':').filter(|name| !name.is_empty()) {
            Some(name) => {
                names.push(name.to_owned());
                path.push_str(&format!("{{{name}}}"));
            }
            None => {
                let mut rest = segment.as_str();
                while let Some((before, after)) = rest.split_once("{{") {
                    let Some((name, after)) = after.split_once("}}") else { break };
                    names.push(name.to_owned());
                    path.push_str(&format!("{before}{{{name}}}"));
                    rest = after;
                }
                path.push_str(rest);
            }
        }
    }
    (if path.is_empty() { "/".to_owned() } else { path }, names)
}

impl Writer {
    fn server(&self, base: &str) -> Node {
        let mut url = String::new();
        let mut variables = Node::Map(Vec::new());
        let mut rest = base;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((name, after)) = after.split_once("}}") else { break };
            url.push_str(before);
            url.push_str(&format!("{{{name}}}"));
            let value = self.variables.get(name).cloned().unwrap_or_default();
            variables.put(name, Node::map([("default", text(value))]));
            rest = after;
        }
        url.push_str(rest);
        Node::map([("url", text(url)), ("variables", (!variables.members().is_empty()).then_some(variables))])
    }

    fn operation(&mut self, paths: &mut Node, item: &Node, tag: Option<&str>, saved: &[Node]) {
        let name = item.text("name").unwrap_or_default();
        let empty = Node::Map(Vec::new());
        let request = item.get("request").unwrap_or(&empty);
        let url = request.get("url").or_else(|| item.get("request").filter(|request| request.as_text().is_some())).unwrap_or(&empty);
        let raw = url.as_text().or_else(|| url.text("raw")).unwrap_or_default().to_owned();
        let parsed = Url::parse(&raw);
        let mut base = parsed.protocol.map(|protocol| format!("{protocol}://")).unwrap_or_default();
        base.push_str(&parsed.host.join("."));
        base.push_str(&parsed.port.map(|port| format!(":{port}")).unwrap_or_default());
        let segments: Vec<String> = parsed.path.iter().flatten().map(|segment| (*segment).to_owned()).collect();
        let (path, names) = template(&segments);
        let method = request.text("method").unwrap_or("GET").to_ascii_lowercase();
        if !["get", "post", "put", "patch", "delete", "head", "options", "trace"].contains(&method.as_str()) {
            self.left.push(Node::Text(format!("{name}: the method {method}")));
            return;
        }
        if item.get("event").is_some_and(|events| !events.entries().is_empty()) {
            self.left.push(Node::Text(format!("{name}: its scripts")));
        }
        let own_server = match &self.base {
            None => {
                self.base = Some(base);
                None
            }
            Some(first) if *first == base => None,
            Some(_) => Some(Node::List(vec![self.server(&base)])),
        };
        let mut parameters: Vec<Node> = Vec::new();
        let mut parameter = |name: &str, place: &str, given: &Node| {
            if name.is_empty() || parameters.iter().any(|one| one.text("name") == Some(name) && one.text("in") == Some(place)) {
                return;
            }
            let value = given.get("value").map(Node::shown).filter(|value| !value.is_empty());
            parameters.push(Node::map([
                ("name", text(name)),
                ("in", text(place)),
                ("description", described(given)),
                ("required", (place == "path").then_some(Node::Bool(true))),
                ("schema", Some(Node::map([("type", text("string"))]))),
                ("example", value.map(Node::Text)),
            ]));
        };
        for name in &names {
            let given = url.list("variable").iter().find(|one| one.text("key") == Some(name));
            parameter(name, "path", given.unwrap_or(&empty));
        }
        for one in url.list("query") {
            parameter(one.text("key").unwrap_or_default(), "query", one);
        }
        let headers = request.list("header");
        let header = |name: &str| headers.iter().find(|one| one.text("key").is_some_and(|key| key.eq_ignore_ascii_case(name)));
        for one in headers {
            let key = one.text("key").unwrap_or_default();
            // OpenAPI says these elsewhere.
            if !["accept", "content-type", "authorization"].contains(&key.to_ascii_lowercase().as_str()) {
                parameter(key, "header", one);
            }
        }
        let media = header("content-type").and_then(|one| one.text("value")).unwrap_or_default();
        let body = request.get("body").and_then(|body| content(body, media)).map(|content| Node::map([("content", Some(content))]));
        let security = match request.get("auth") {
            Some(auth) if auth.text("type") == Some("noauth") => Some(Node::List(Vec::new())),
            Some(auth) => self.security(auth).map(|one| Node::List(vec![one])),
            None => None,
        };
        let operation = Node::map([
            ("tags", tag.map(|tag| Node::List(vec![Node::from_text(tag)]))),
            ("summary", text(name)),
            ("description", described(request).or_else(|| described(item))),
            ("servers", own_server),
            ("security", security),
            ("parameters", (!parameters.is_empty()).then_some(Node::List(parameters))),
            ("requestBody", body),
            ("responses", Some(responses(saved))),
        ]);
        if let Node::Map(all) = paths {
            let at = match all.iter().position(|(known, _)| *known == path) {
                Some(at) => at,
                None => {
                    all.push((path.clone(), Node::Map(Vec::new())));
                    all.len() - 1
                }
            };
            if all[at].1.get(&method).is_some() {
                self.left.push(Node::Text(format!("{name}: a second {} {path}", method.to_uppercase())));
            } else {
                all[at].1.put(&method, operation);
            }
        }
    }

    fn security(&mut self, auth: &Node) -> Option<Node> {
        let kind = auth.text("type")?;
        let value = |key: &str| {
            let found = auth.list(kind).iter().find(|one| one.text("key") == Some(key)).and_then(|one| one.get("value"));
            found.map(Node::shown).filter(|value| !value.is_empty())
        };
        let http = |scheme: &str| Node::map([("type", text("http")), ("scheme", text(scheme))]);
        let (name, scheme) = match kind {
            "basic" | "bearer" | "digest" => (format!("{kind}Auth"), http(kind)),
            "jwt" => ("bearerAuth".to_owned(), http("bearer")),
            "apikey" => {
                let place = value("in").filter(|place| place == "query").unwrap_or_else(|| "header".to_owned());
                let key = value("key").unwrap_or_else(|| "X-Api-Key".to_owned());
                let safe: String = key.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_').collect();
                (format!("apiKey-{safe}"), Node::map([("type", text("apiKey")), ("name", text(key)), ("in", text(place))]))
            }
            "oauth2" => {
                let flow = match value("grant_type").as_deref() {
                    Some("client_credentials") => "clientCredentials",
                    Some("password_credentials") => "password",
                    Some("implicit") => "implicit",
                    _ => "authorizationCode",
                };
                let scopes = value("scope").unwrap_or_default();
                let scopes = Node::Map(scopes.split_whitespace().map(|scope| (scope.to_owned(), Node::from_text(""))).collect());
                let with = |key: &str, wanted: bool| wanted.then(|| Node::Text(value(key).unwrap_or_default()));
                let flow_node = Node::map([
                    ("authorizationUrl", with("authUrl", matches!(flow, "implicit" | "authorizationCode"))),
                    ("tokenUrl", with("accessTokenUrl", flow != "implicit")),
                    ("scopes", Some(scopes)),
                ]);
                ("oauth2".to_owned(), Node::map([("type", text("oauth2")), ("flows", Some(Node::map([(flow, Some(flow_node))])))]))
            }
            "noauth" => return None,
            other => {
                let note = Node::Text(format!("authorization by {other}"));
                if !self.left.contains(&note) {
                    self.left.push(note);
                }
                return None;
            }
        };
        self.schemes.put(&name, scheme);
        Some(Node::Map(vec![(name, Node::List(Vec::new()))]))
    }
}

/// A body by its media type.
fn content(body: &Node, media: &str) -> Option<Node> {
    let one = |media: &str, inner: Node| Some(Node::Map(vec![(media.to_owned(), inner)]));
    match body.text("mode")? {
        "raw" => {
            let given = body.text("raw").filter(|text| !text.is_empty())?;
            let language = body.get("options").and_then(|options| options.get("raw")).and_then(|raw| raw.text("language"));
            let value = Node::from_json(given).ok();
            let media = match (media, language) {
                ("", Some("json")) => "application/json",
                ("", Some("xml")) => "application/xml",
                ("", _) if value.is_some() => "application/json",
                ("", _) => "text/plain",
                (media, _) => media.split(';').next().unwrap_or(media).trim(),
            };
            let example = value.filter(|_| media.contains("json")).unwrap_or_else(|| Node::from_text(given));
            one(media, Node::map([("schema", Some(schema(&example))), ("example", Some(example))]))
        }
        "graphql" => {
            let graphql = body.get("graphql")?;
            one(
                "application/json",
                Node::map([("schema", Some(Node::map([("type", text("object"))]))), ("example", Some(graphql.clone()))]),
            )
        }
        mode @ ("urlencoded" | "formdata") => {
            let mut properties = Node::Map(Vec::new());
            for field in body.list(mode) {
                let file = field.text("type") == Some("file");
                let value = field.get("value").map(Node::shown).filter(|value| !value.is_empty() && !file);
                let property = Node::map([
                    ("type", text("string")),
                    ("contentMediaType", file.then(|| Node::from_text("application/octet-stream"))),
                    ("description", described(field)),
                    ("examples", value.map(|value| Node::List(vec![Node::Text(value)]))),
                ]);
                properties.put(field.text("key").unwrap_or_default(), property);
            }
            let schema = Node::map([("type", text("object")), ("properties", Some(properties))]);
            let media = if mode == "urlencoded" { "application/x-www-form-urlencoded" } else { "multipart/form-data" };
            one(media, Node::map([("schema", Some(schema))]))
        }
        "file" => one(if media.is_empty() { "application/octet-stream" } else { media }, Node::Map(Vec::new())),
        _ => None,
    }
}

/// A schema that an example fits.
fn schema(example: &Node) -> Node {
    let kind = match example {
        Node::Map(members) => {
            let properties = members.iter().map(|(key, value)| (key.clone(), schema(value))).collect();
            return Node::map([("type", text("object")), ("properties", Some(Node::Map(properties)))]);
        }
        Node::List(entries) => {
            let items = entries.first().map_or_else(|| Node::Map(Vec::new()), schema);
            return Node::map([("type", text("array")), ("items", Some(items))]);
        }
        Node::Null => return Node::Map(Vec::new()),
        Node::Bool(_) => "boolean",
        Node::Number(number) if number.contains(['.', 'e', 'E']) => "number",
        Node::Number(_) => "integer",
        Node::Text(_) | Node::Raw(_) => "string",
    };
    Node::map([("type", text(kind))])
}

fn responses(saved: &[Node]) -> Node {
    let mut out = Node::Map(Vec::new());
    for given in saved {
        let code = given.get("code").map(Node::shown).filter(|code| code.parse::<u16>().is_ok_and(|code| (100..600).contains(&code)));
        let code = code.unwrap_or_else(|| "default".to_owned());
        let headers = given.list("header");
        let media = headers.iter().find(|one| one.text("key").is_some_and(|key| key.eq_ignore_ascii_case("content-type")));
        let media = media.and_then(|one| one.text("value")).map(|value| value.split(';').next().unwrap_or(value).trim().to_owned());
        let name = given.text("name").filter(|name| !name.is_empty()).unwrap_or("Answer");
        let body = given.text("body").filter(|body| !body.is_empty());
        let mut response = out.get(&code).cloned().unwrap_or_else(|| Node::map([("description", text(name))]));
        if let Some(body) = body {
            let value = Node::from_json(body).ok();
            let media = media
                .filter(|media| !media.is_empty())
                .unwrap_or_else(|| if value.is_some() { "application/json" } else { "text/plain" }.to_owned());
            let value = value.filter(|_| media.contains("json")).unwrap_or_else(|| Node::from_text(body));
            let mut content = response.get("content").cloned().unwrap_or_else(|| Node::Map(Vec::new()));
            let mut kind = content
                .get(&media)
                .cloned()
                .unwrap_or_else(|| Node::map([("schema", Some(schema(&value))), ("examples", Some(Node::Map(Vec::new())))]));
            let mut examples = kind.get("examples").cloned().unwrap_or_else(|| Node::Map(Vec::new()));
            let mut label = name.to_owned();
            while examples.get(&label).is_some() {
                label.push('\'');
            }
            examples.put(&label, Node::map([("value", Some(value))]));
            kind.put("examples", examples);
            content.put(&media, kind);
            response.put("content", content);
        }
        out.put(&code, response);
    }
    if out.members().is_empty() {
        out.put("default", Node::map([("description", text("Not described"))]));
    }
    out
}

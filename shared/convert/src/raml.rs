//! RAML 1.0: resources become folders, methods requests, responses with an example saved responses.

use domain::Rejected;

use crate::Node;
use crate::model::{Collection, Item, Param, Request, auth, example, folder, form, raw, text_field, variable};
use crate::report::Report;

const METHODS: [&str; 7] = ["get", "post", "put", "patch", "delete", "head", "options"];
/// Types within types beyond this are left out of an example.
const DEPTH: usize = 8;

/// Whether a text says that it is RAML 1.0.
pub(crate) fn is_one(text: &str) -> bool {
    text.starts_with("#%RAML 1.0")
}

struct Reader<'a> {
    document: &'a Node,
    report: &'a mut Report,
}

pub(crate) fn read(document: &Node, report: &mut Report) -> Result<Vec<Node>, Rejected> {
    let title = document.text("title").ok_or_else(|| Rejected::because("a RAML document has a title"))?.to_owned();
    let mut reader = Reader { document, report };
    let items = document
        .members()
        .iter()
        .filter(|(key, _)| key.starts_with('/'))
        .flat_map(|(path, resource)| reader.resource(path, path, &[], resource));
    let items: Vec<Node> = items.collect();
    for key in ["resourceTypes", "annotationTypes", "documentation", "uses"] {
        if document.get(key).is_some_and(|given| !given.members().is_empty() || !given.entries().is_empty()) {
            reader.report.left(key);
        }
    }
    let version = document.get("version").map(Node::shown).unwrap_or_default();
    let base =
        document.get("baseUri").map(|base| base.as_text().map_or_else(|| base.text("value").unwrap_or_default().to_owned(), str::to_owned));
    let base = with_variables(base.unwrap_or_default().replace("{version}", &version).trim_end_matches('/'));
    let mut variables = vec![variable("baseUrl", &base, "")];
    for (name, given) in document.inside("baseUriParameters") {
        variables.push(variable(name, &reader.value(given), given.text("description").unwrap_or_default()));
    }
    let auth = secured(document).and_then(|name| reader.security(name));
    let description = document.text("description").unwrap_or_default().to_owned();
    Ok(vec![Collection { name: title, description, items, variables, auth, events: None }.node()])
}

fn with_variables(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}

/// The first of the ways to authorize.
fn secured(holder: &Node) -> Option<&str> {
    let given = holder.get("securedBy")?;
    let first = given.entries().first().unwrap_or(given);
    first.as_text().or_else(|| first.members().first().map(|(name, _)| name.as_str()))
}

impl Reader<'_> {
    /// A resource with something in it is a folder; one with a single method is that request.
    fn resource(&mut self, own: &str, path: &str, around: &[Param], resource: &Node) -> Vec<Node> {
        let mut parameters = around.to_vec();
        parameters.extend(resource.inside("uriParameters").iter().map(|(name, given)| self.parameter(name, given)));
        let mut items = Vec::new();
        for (method, given) in resource.members().iter().filter(|(key, _)| METHODS.contains(&key.as_str())) {
            items.push(self.method(path, method, &parameters, resource, given));
        }
        for (below, inner) in resource.members().iter().filter(|(key, _)| key.starts_with('/')) {
            items.extend(self.resource(below, &format!("{}{below}", path.trim_end_matches('/')), &parameters, inner));
        }
        if resource.get("type").is_some() {
            self.report.left("resource types of resources");
        }
        if items.len() < 2 {
            return items;
        }
        let name = resource.text("displayName").unwrap_or_else(|| own.trim_matches('/'));
        vec![folder(if name.is_empty() { "/" } else { name }, resource.text("description").unwrap_or_default(), items)]
    }

    fn method(&mut self, path: &str, method: &str, around: &[Param], resource: &Node, given: &Node) -> Node {
        let mut request = Request {
            method: method.to_uppercase(),
            description: given.text("description").unwrap_or_default().to_owned(),
            ..Request::default()
        };
        let names = path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
        request.path =
            names.map(|name| around.iter().rev().find(|one| one.key == name).cloned().unwrap_or_else(|| Param::new(name, ""))).collect();
        let segments = path.split('/').map(|segment| match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => format!(":{name}"),
            None => with_variables(segment),
        });
        request.url = format!("{{{{baseUrl}}}}{}", segments.collect::<Vec<_>>().join("/"));
        let document = self.document;
        let traits = document.get("traits");
        let used: Vec<&Node> = [resource, given]
            .into_iter()
            .flat_map(|holder| holder.list("is"))
            .filter_map(|one| traits?.get(one.as_text().or_else(|| one.members().first().map(|(name, _)| name.as_str()))?))
            .collect();
        for holder in std::iter::once(given).chain(used) {
            for (key, list) in [("queryParameters", &mut request.query), ("headers", &mut request.headers)] {
                for (name, one) in holder.inside(key) {
                    let param = self.parameter(name, one);
                    if !list.iter().any(|known| known.key == param.key) {
                        list.push(param);
                    }
                }
            }
        }
        if let Some(body) = given.get("body") {
            let (media, kind) = self.media(body);
            let value = self.example(&kind, 0);
            request.body = match media.as_str() {
                "application/x-www-form-urlencoded" | "multipart/form-data" => {
                    let mode = if media.starts_with("multipart/") { "formdata" } else { "urlencoded" };
                    Some(form(mode, value.members().iter().map(|(key, value)| text_field(&Param::new(key, value.shown()))).collect()))
                }
                media => Some(raw(written(media, &value), media)),
            };
            if !media.starts_with("multipart/") && !request.has_header("content-type") {
                request.headers.push(Param::new("Content-Type", &media));
            }
        }
        request.auth = secured(given).or_else(|| secured(resource)).and_then(|name| self.security(name));
        let mut examples = Vec::new();
        for (code, answer) in given.inside("responses") {
            let mut headers: Vec<Param> = answer.inside("headers").iter().map(|(name, one)| self.parameter(name, one)).collect();
            let body = answer.get("body").map(|body| {
                let (media, kind) = self.media(body);
                headers.push(Param::new("Content-Type", &media));
                written(&media, &self.example(&kind, 0))
            });
            let name = answer.text("description").filter(|text| !text.trim().is_empty()).unwrap_or(code);
            examples.push(example(name, &request, code.parse().ok(), &headers, body));
        }
        let name = given.text("displayName").map_or_else(|| format!("{} {path}", request.method), str::to_owned);
        Item { name, request, examples, ..Item::default() }.node()
    }

    fn parameter(&mut self, name: &str, given: &Node) -> Param {
        let (key, optional) = name.strip_suffix('?').map_or((name, false), |key| (key, true));
        let description = given.text("description").unwrap_or_default();
        let needed = given.get("required").is_some_and(|needed| *needed == Node::Bool(true)) && !optional;
        let description = if needed { format!("(Required) {description}").trim_end().to_owned() } else { description.to_owned() };
        Param { description, ..Param::new(key, self.value(given)) }
    }

    fn value(&mut self, given: &Node) -> String {
        let value = self.example(given, 0);
        match value.entries() {
            [] => value.shown(),
            entries => entries.iter().map(Node::shown).collect::<Vec<_>>().join(","),
        }
    }

    /// A body by its media type; where it names none, the document's own.
    fn media(&self, body: &Node) -> (String, Node) {
        let named = body.members().iter().filter(|(key, _)| key.contains('/'));
        let named = named.clone().find(|(key, _)| key.contains("json")).or_else(|| named.clone().next());
        match named {
            Some((media, kind)) => (media.clone(), kind.clone()),
            None => {
                let given = self.document.get("mediaType");
                let media = given.and_then(|given| given.entries().first().unwrap_or(given).as_text()).unwrap_or("application/json");
                (media.to_owned(), body.clone())
            }
        }
    }

    /// The example that a type names, or one made up.
    fn example(&mut self, given: &Node, depth: usize) -> Node {
        if depth > DEPTH {
            return Node::Null;
        }
        if let Some(named) =
            given.get("example").or_else(|| given.inside("examples").first().map(|(_, one)| one)).or_else(|| given.get("default"))
        {
            let value = named.get("value").unwrap_or(named);
            // A text in which JSON stands is that.
            return match value.as_text().map(str::trim).filter(|text| text.starts_with(['{', '['])).map(Node::from_json) {
                Some(Ok(value)) => value,
                _ => value.clone(),
            };
        }
        if let Some(first) = given.list("enum").first() {
            return first.clone();
        }
        if !given.inside("properties").is_empty() {
            let inherited = given.text("type").filter(|kind| *kind != "object").map(|kind| self.named(kind, depth + 1));
            let mut out = inherited.filter(|value| matches!(value, Node::Map(_))).unwrap_or_else(|| Node::Map(Vec::new()));
            for (name, property) in given.inside("properties") {
                let value = self.example(property, depth + 1);
                out.put(name.strip_suffix('?').unwrap_or(name), value);
            }
            return out;
        }
        let kind = given.as_text().or_else(|| given.text("type")).or_else(|| given.text("schema"));
        match (kind, given.get("items")) {
            (Some("array"), Some(items)) => Node::List(vec![self.example(items, depth + 1)]),
            (Some(kind), _) => self.named(kind, depth + 1),
            (None, _) => Node::from_text(""),
        }
    }

    fn named(&mut self, kind: &str, depth: usize) -> Node {
        let kind = kind.trim();
        if depth > DEPTH {
            return Node::Null;
        }
        if let Some(inner) = kind.strip_suffix("[]") {
            return Node::List(vec![self.named(inner.trim_matches(['(', ')']), depth + 1)]);
        }
        if let Some((first, _)) = kind.split_once('|') {
            return self.named(first, depth + 1);
        }
        if kind.starts_with(['{', '[']) {
            self.report.left("schemas that stand in the text of a type");
            return Node::Map(Vec::new());
        }
        let document = self.document;
        if let Some(found) = document.get("types").or_else(|| document.get("schemas")).and_then(|types| types.get(kind)) {
            return self.example(found, depth + 1);
        }
        match kind {
            "integer" | "number" => Node::Number("0".to_owned()),
            "boolean" => Node::Bool(true),
            "object" => Node::Map(Vec::new()),
            "array" => Node::List(Vec::new()),
            "nil" | "null" => Node::Null,
            "date-only" => Node::from_text("2026-01-31"),
            "datetime" => Node::from_text("2026-01-31T12:00:00Z"),
            "file" => Node::from_text(""),
            "string" | "any" => Node::from_text("string"),
            other => {
                self.report.left(format!("the type {other}, which is not in the document"));
                Node::from_text("")
            }
        }
    }

    fn security(&mut self, name: &str) -> Option<Node> {
        let scheme = self.document.get("securitySchemes")?.get(name)?;
        match scheme.text("type").unwrap_or_default() {
            "Basic Authentication" => Some(auth("basic", &[("username", "{{username}}"), ("password", "{{password}}")])),
            "Digest Authentication" => Some(auth("digest", &[("username", "{{username}}"), ("password", "{{password}}")])),
            "OAuth 1.0" => Some(auth("oauth1", &[])),
            "OAuth 2.0" => {
                let settings = scheme.get("settings");
                let text = |key: &str| settings.and_then(|settings| settings.text(key)).unwrap_or_default();
                Some(auth("oauth2", &[("accessTokenUrl", text("accessTokenUri")), ("authUrl", text("authorizationUri"))]))
            }
            "Pass Through" => {
                let described = scheme.get("describedBy");
                let of = |key: &str| described.and_then(|described| described.inside(key).first()).map(|(name, _)| name.as_str());
                let (place, key) = of("headers").map(|key| ("header", key)).or_else(|| Some(("query", of("queryParameters")?)))?;
                Some(auth("apikey", &[("key", key), ("value", "{{apiKey}}"), ("in", place)]))
            }
            other => {
                self.report.left(format!("authorization by {other}"));
                None
            }
        }
    }
}

fn written(media: &str, value: &Node) -> String {
    match value {
        Node::Text(text) => text.clone(),
        value if media.contains("xml") => crate::schema::xml("root", value),
        value => value.to_pretty_json(),
    }
}

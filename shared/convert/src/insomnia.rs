//! Insomnia's exports: version 4 (JSON, a flat list of resources) and 5 (YAML, a tree).

use std::collections::HashMap;

use domain::Rejected;

use crate::Node;
use crate::model::{Collection, Item, Param, Request, auth, file_field, folder, form, graphql, raw, text_field, variable};
use crate::report::Report;

pub(crate) fn is_one(document: &Node) -> bool {
    document.text("_type") == Some("export") || document.text("type").is_some_and(|kind| kind.starts_with("collection.insomnia.rest/"))
}

pub(crate) fn read(document: &Node, report: &mut Report) -> Result<Vec<Node>, Rejected> {
    if document.get("resources").is_some() { flat(document, report) } else { tree(document, report) }
}

/// `{{ _.name }}` as `{{name}}`.
fn words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let Some(end) = rest[start..].find("}}").map(|end| start + end) else { break };
        let inside = rest[start + 2..end].trim();
        out.push_str(&rest[..start]);
        out.push_str(&format!("{{{{{}}}}}", inside.strip_prefix("_.").unwrap_or(inside)));
        rest = &rest[end + 2..];
    }
    out.push_str(rest);
    out
}

fn value(node: Option<&Node>) -> String {
    node.map(|node| words(&node.shown())).unwrap_or_default()
}

fn flat(document: &Node, report: &mut Report) -> Result<Vec<Node>, Rejected> {
    let mut children: HashMap<&str, Vec<&Node>> = HashMap::new();
    let all = document.list("resources");
    for resource in all {
        children.entry(resource.text("parentId").unwrap_or_default()).or_default().push(resource);
    }
    let key = |node: &Node| node.get("metaSortKey").and_then(|key| key.shown().parse::<f64>().ok()).unwrap_or(0.0);
    children.values_mut().for_each(|list| list.sort_by(|a, b| key(a).total_cmp(&key(b))));
    let mut found = Vec::new();
    for workspace in all.iter().filter(|one| one.text("_type") == Some("workspace")) {
        let id = workspace.text("_id").unwrap_or_default();
        let inner = |id: &str, kind: &str| {
            children.get(id).into_iter().flatten().copied().filter(|one| one.text("_type") == Some(kind)).collect::<Vec<_>>()
        };
        let environments = inner(id, "environment");
        let variables = environments
            .iter()
            .flat_map(|environment| environment.inside("data"))
            .map(|(name, given)| variable(name, &value(Some(given)), ""));
        let variables = variables.collect();
        if environments.iter().any(|environment| !inner(environment.text("_id").unwrap_or_default(), "environment").is_empty()) {
            report.left("environments below the base environment");
        }
        let items = under(id, &children, report, 0);
        if items.is_empty() {
            continue;
        }
        let text = |key: &str| workspace.text(key).unwrap_or_default().to_owned();
        found.push(Collection { name: text("name"), description: text("description"), items, variables, ..Collection::default() }.node());
    }
    for kind in all.iter().filter_map(|one| one.text("_type")) {
        if !["workspace", "environment", "request", "request_group", "cookie_jar"].contains(&kind) {
            report.left(format!("resources of the kind {kind}"));
        }
    }
    if found.is_empty() { Err(Rejected::because("this Insomnia export has no requests")) } else { Ok(found) }
}

fn under(id: &str, children: &HashMap<&str, Vec<&Node>>, report: &mut Report, depth: usize) -> Vec<Node> {
    let mut found = Vec::new();
    // Resources that name each other as parents are never reached from a workspace; the rest is no deeper than a person makes it.
    if depth > 100 {
        report.left("folders more than 100 deep");
        return found;
    }
    for given in children.get(id).into_iter().flatten() {
        match given.text("_type") {
            Some("request_group") => {
                let inner = under(given.text("_id").unwrap_or_default(), children, report, depth + 1);
                found.push(group(given, inner, report));
            }
            Some("request") => found.push(item(given, given.text("description"), report).node()),
            _ => (),
        }
    }
    found
}

fn group(given: &Node, inner: Vec<Node>, report: &mut Report) -> Node {
    let description = given.text("description").or_else(|| given.get("meta")?.text("description")).unwrap_or_default();
    let mut node = folder(given.text("name").unwrap_or_default(), description, inner);
    if let Some(auth) = given.get("authentication").and_then(|given| authorization(given, report)) {
        node.put("auth", auth);
    }
    let environment = given.inside("environment");
    if !environment.is_empty() {
        report.left("variables of folders");
    }
    node
}

fn tree(document: &Node, report: &mut Report) -> Result<Vec<Node>, Rejected> {
    let variables = document.get("environments").map(|base| base.inside("data")).unwrap_or_default();
    if document.get("environments").is_some_and(|base| !base.list("subEnvironments").is_empty()) {
        report.left("environments below the base environment");
    }
    let collection = Collection {
        name: document.text("name").unwrap_or_default().to_owned(),
        description: document.get("meta").and_then(|meta| meta.text("description")).unwrap_or_default().to_owned(),
        items: entries(document.list("collection"), report),
        variables: variables.iter().map(|(name, given)| variable(name, &value(Some(given)), "")).collect(),
        ..Collection::default()
    };
    Ok(vec![collection.node()])
}

fn entries(list: &[Node], report: &mut Report) -> Vec<Node> {
    let mut sorted: Vec<&Node> = list.iter().collect();
    let key =
        |node: &Node| node.get("meta").and_then(|meta| meta.get("sortKey")).and_then(|key| key.shown().parse::<f64>().ok()).unwrap_or(0.0);
    sorted.sort_by(|a, b| key(a).total_cmp(&key(b)));
    let mut found = Vec::new();
    for given in sorted {
        if given.get("children").is_some() {
            let inner = entries(given.list("children"), report);
            found.push(group(given, inner, report));
        } else if given.get("url").is_some() && given.get("method").is_some() {
            found.push(item(given, given.get("meta").and_then(|meta| meta.text("description")), report).node());
        } else {
            report.left("entries that are no HTTP requests");
        }
    }
    found
}

fn pairs(list: &[Node]) -> Vec<Param> {
    let pair = |one: &Node| Param {
        key: value(one.get("name")),
        value: value(one.get("value")),
        description: one.text("description").unwrap_or_default().to_owned(),
        disabled: one.says("disabled"),
    };
    list.iter().map(pair).filter(|param| !param.key.is_empty()).collect()
}

fn item(given: &Node, description: Option<&str>, report: &mut Report) -> Item {
    let mut request = Request {
        method: given.text("method").unwrap_or("GET").to_owned(),
        url: value(given.get("url")),
        query: pairs(given.list("parameters")),
        path: pairs(given.list("pathParameters")),
        headers: pairs(given.list("headers")),
        auth: given.get("authentication").and_then(|given| authorization(given, report)),
        description: description.unwrap_or_default().to_owned(),
        ..Request::default()
    };
    if let Some(body) = given.get("body") {
        let media = body.text("mimeType").unwrap_or_default();
        let field = |one: &Node| {
            let param = pairs(std::slice::from_ref(one)).pop().unwrap_or_default();
            if one.text("type") == Some("file") {
                file_field(&Param { value: one.text("fileName").unwrap_or_default().to_owned(), ..param })
            } else {
                text_field(&param)
            }
        };
        let text = value(body.get("text"));
        request.body = match media {
            "multipart/form-data" => Some(form("formdata", body.list("params").iter().map(field).collect())),
            "application/x-www-form-urlencoded" => Some(form("urlencoded", body.list("params").iter().map(field).collect())),
            "application/graphql" => match Node::from_json(&text) {
                Ok(asked) => {
                    Some(graphql(asked.text("query").unwrap_or_default(), &asked.get("variables").map(Node::shown).unwrap_or_default()))
                }
                Err(_) => Some(raw(text, media)),
            },
            _ if body.get("fileName").is_some() => {
                let src = Node::map([("src", Some(Node::from_text(value(body.get("fileName")))))]);
                Some(Node::map([("mode", Some(Node::from_text("file"))), ("file", Some(src))]))
            }
            _ if body.get("text").is_some() => Some(raw(text, media)),
            _ => None,
        };
        if request.body.is_some() && !media.is_empty() && !media.starts_with("multipart/") && !request.has_header("content-type") {
            let media = if media == "application/graphql" { "application/json" } else { media };
            request.headers.push(Param::new("Content-Type", media));
        }
    }
    let scripts = given.get("scripts");
    let script =
        |new: &str, old: &str| scripts.and_then(|scripts| scripts.text(new)).or_else(|| given.text(old)).unwrap_or_default().to_owned();
    let (before, tests) = (script("preRequest", "preRequestScript"), script("afterResponse", "afterResponseScript"));
    if !before.is_empty() || !tests.is_empty() {
        report.changed("scripts came over as they are: Insomnia's `insomnia` is Postman's `pm`");
    }
    if given.to_json().contains("{%") {
        report.left("template tags ({% … %}): they stand there as text");
    }
    Item { name: given.text("name").unwrap_or(&request.url).to_owned(), request, before, tests, examples: Vec::new() }
}

fn authorization(given: &Node, report: &mut Report) -> Option<Node> {
    let kind = given.text("type").filter(|kind| !kind.is_empty())?;
    if given.says("disabled") {
        return Some(auth("noauth", &[]));
    }
    let text = |key: &str| value(given.get(key));
    match kind {
        "none" => Some(auth("noauth", &[])),
        "basic" | "digest" | "ntlm" => Some(auth(kind, &[("username", &text("username")), ("password", &text("password"))])),
        "bearer" => Some(auth("bearer", &[("token", &text("token"))])),
        "apikey" => {
            let place = if text("addTo") == "queryParams" { "query" } else { "header" };
            Some(auth("apikey", &[("key", &text("key")), ("value", &text("value")), ("in", place)]))
        }
        "iam" => Some(auth(
            "awsv4",
            &[
                ("accessKey", &text("accessKeyId")),
                ("secretKey", &text("secretAccessKey")),
                ("sessionToken", &text("sessionToken")),
                ("region", &text("region")),
                ("service", &text("service")),
            ],
        )),
        "hawk" => Some(auth("hawk", &[("authId", &text("id")), ("authKey", &text("key")), ("algorithm", &text("algorithm"))])),
        "oauth1" => Some(auth(
            "oauth1",
            &[
                ("consumerKey", &text("consumerKey")),
                ("consumerSecret", &text("consumerSecret")),
                ("token", &text("tokenKey")),
                ("tokenSecret", &text("tokenSecret")),
                ("signatureMethod", &text("signatureMethod")),
            ],
        )),
        "oauth2" => Some(auth(
            "oauth2",
            &[
                ("grant_type", &text("grantType")),
                ("accessTokenUrl", &text("accessTokenUrl")),
                ("authUrl", &text("authorizationUrl")),
                ("clientId", &text("clientId")),
                ("clientSecret", &text("clientSecret")),
                ("scope", &text("scope")),
                ("redirect_uri", &text("redirectUrl")),
            ],
        )),
        other => {
            report.left(format!("authorization by {other}"));
            None
        }
    }
}

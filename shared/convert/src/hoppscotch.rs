//! Exports of Hoppscotch: one collection or an array of them, folders within folders.

use domain::Rejected;

use crate::Node;
use crate::model::{Collection, Item, Param, Request, auth, file_field, folder, form, raw, text_field};
use crate::report::Report;

fn collection(node: &Node) -> bool {
    node.get("name").is_some() && (node.get("requests").is_some() && node.get("folders").is_some())
}

pub(crate) fn is_one(document: &Node) -> bool {
    collection(document) || document.entries().first().is_some_and(collection)
}

pub(crate) fn read(document: &Node, report: &mut Report) -> Result<Vec<Node>, Rejected> {
    let all = if document.entries().is_empty() { std::slice::from_ref(document) } else { document.entries() };
    let all = all.iter().map(|given| {
        Collection {
            name: given.text("name").unwrap_or_default().to_owned(),
            description: given.text("description").unwrap_or_default().to_owned(),
            items: items(given, report),
            variables: given
                .list("variables")
                .iter()
                .map(|one| crate::model::variable(one.text("key").unwrap_or_default(), &value(one), ""))
                .collect(),
            auth: given.get("auth").and_then(|given| authorization(given, report)),
            events: None,
        }
        .node()
    });
    Ok(all.collect())
}

fn value(given: &Node) -> String {
    ["currentValue", "initialValue", "value"]
        .into_iter()
        .find_map(|key| given.get(key))
        .map(|value| words(&value.shown()))
        .unwrap_or_default()
}

/// Hoppscotch's `<<variable>>` as Postman's.
fn words(text: &str) -> String {
    text.replace("<<", "{{").replace(">>", "}}")
}

fn items(given: &Node, report: &mut Report) -> Vec<Node> {
    let mut found: Vec<Node> = Vec::new();
    for inner in given.list("folders") {
        let mut node = folder(inner.text("name").unwrap_or_default(), inner.text("description").unwrap_or_default(), items(inner, report));
        if let Some(auth) = inner.get("auth").and_then(|given| authorization(given, report)) {
            node.put("auth", auth);
        }
        if !inner.list("headers").is_empty() {
            report.left("headers of folders");
        }
        found.push(node);
    }
    if !given.list("headers").is_empty() {
        report.left("headers of collections");
    }
    found.extend(given.list("requests").iter().map(|request| item(request, report).node()));
    found
}

fn pairs(list: &[Node]) -> Vec<Param> {
    let pair = |one: &Node| Param {
        key: words(one.text("key").unwrap_or_default()),
        value: words(&one.get("value").map(Node::shown).unwrap_or_default()),
        description: one.text("description").unwrap_or_default().to_owned(),
        disabled: one.get("active") == Some(&Node::Bool(false)),
    };
    list.iter().map(pair).filter(|param| !param.key.is_empty()).collect()
}

fn item(given: &Node, report: &mut Report) -> Item {
    let url = given
        .text("endpoint")
        .map_or_else(|| format!("{}{}", given.text("url").unwrap_or_default(), given.text("path").unwrap_or_default()), str::to_owned);
    let mut request = Request {
        method: given.text("method").unwrap_or("GET").to_owned(),
        url: words(&url),
        query: pairs(given.list("params")),
        headers: pairs(given.list("headers")),
        auth: given.get("auth").and_then(|given| authorization(given, report)),
        description: given.text("description").unwrap_or_default().to_owned(),
        ..Request::default()
    };
    if let Some(query) = given.text("query") {
        request.method = "POST".to_owned();
        request.body = Some(crate::model::graphql(query, given.text("variables").unwrap_or_default()));
    }
    if let Some(body) = given.get("body") {
        let media = body.text("contentType").unwrap_or_default();
        request.body = match (media, body.get("body")) {
            ("multipart/form-data", Some(Node::List(fields))) => {
                let fields = fields.iter().map(|field| {
                    let param = pairs(std::slice::from_ref(field)).pop().unwrap_or_default();
                    if field.says("isFile") {
                        report.changed("files in forms: choose them again");
                        file_field(&Param { value: String::new(), ..param })
                    } else {
                        text_field(&param)
                    }
                });
                Some(form("formdata", fields.collect()))
            }
            ("application/x-www-form-urlencoded", Some(Node::Text(text))) => {
                let lines = text.split(['\n', '&']).filter(|line| !line.trim().is_empty());
                let field = |line: &str| {
                    let (key, value) = line.split_once([':', '=']).unwrap_or((line, ""));
                    let (off, key) = key.strip_prefix('#').map_or((false, key), |key| (true, key));
                    text_field(&Param { disabled: off, ..Param::new(words(key.trim()), words(value.trim())) })
                };
                Some(form("urlencoded", lines.map(field).collect()))
            }
            (media, Some(Node::Text(text))) if !media.is_empty() => Some(raw(words(text), media)),
            _ => None,
        };
        if request.body.is_some() && !media.is_empty() && !media.starts_with("multipart/") && !request.has_header("content-type") {
            request.headers.push(Param::new("Content-Type", media));
        }
    }
    let script = |key: &str| given.text(key).unwrap_or_default().to_owned();
    if !script("preRequestScript").trim().is_empty() || !script("testScript").trim().is_empty() {
        report.changed("scripts came over as they are: Hoppscotch's `pw` is Postman's `pm`");
    }
    for key in ["requestVariables", "responses"] {
        if given.get(key).is_some_and(|value| !value.entries().is_empty() || !value.members().is_empty()) {
            report.left(format!("{key} of requests"));
        }
    }
    Item {
        name: given.text("name").unwrap_or(&request.url).to_owned(),
        request,
        before: script("preRequestScript"),
        tests: script("testScript"),
        examples: Vec::new(),
    }
}

fn authorization(given: &Node, report: &mut Report) -> Option<Node> {
    if given.get("authActive") == Some(&Node::Bool(false)) {
        return Some(auth("noauth", &[]));
    }
    let text = |key: &str| words(given.text(key).unwrap_or_default());
    match given.text("authType")? {
        "inherit" => None,
        "none" => Some(auth("noauth", &[])),
        "basic" => Some(auth("basic", &[("username", &text("username")), ("password", &text("password"))])),
        "bearer" => Some(auth("bearer", &[("token", &text("token"))])),
        "api-key" => {
            let place = if text("addTo").to_ascii_lowercase().contains("query") { "query" } else { "header" };
            Some(auth("apikey", &[("key", &text("key")), ("value", &text("value")), ("in", place)]))
        }
        "oauth-2" => {
            report.changed("OAuth 2: the token and nothing of how it is got");
            let token = given.get("grantTypeInfo").and_then(|info| info.text("token")).map_or_else(|| text("token"), words);
            Some(auth("oauth2", &[("accessToken", &token)]))
        }
        other => {
            report.left(format!("authorization by {other}"));
            None
        }
    }
}

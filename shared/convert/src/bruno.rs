//! Bruno's JSON export of a collection: what its `.bru` files say, in one tree.

use domain::Rejected;

use crate::Node;
use crate::model::{Collection, Item, Param, Request, auth, file_field, folder, form, graphql, raw, text_field, variable};
use crate::report::Report;

pub(crate) fn is_one(document: &Node) -> bool {
    document.get("name").is_some() && document.get("items").is_some_and(|items| matches!(items, Node::List(_)))
}

pub(crate) fn read(document: &Node, report: &mut Report) -> Result<Vec<Node>, Rejected> {
    let root = document.get("root").and_then(|root| root.get("request"));
    let mut variables = root.map(vars).unwrap_or_default();
    for environment in document.list("environments") {
        for one in environment.list("variables") {
            let name = one.text("name").unwrap_or_default();
            if !variables.iter().any(|known| known.text("key") == Some(name)) {
                variables.push(variable(name, &one.get("value").map(Node::shown).unwrap_or_default(), ""));
            }
        }
        report.changed("environments: their variables are the collection's, each with the value of the first that has it");
    }
    let script = |root: &Node, key: &str| root.get("script").and_then(|script| script.text(key)).unwrap_or_default().to_owned();
    let collection = Collection {
        name: document.text("name").unwrap_or_default().to_owned(),
        description: document.get("root").and_then(|root| root.text("docs")).unwrap_or_default().to_owned(),
        items: items(document, report),
        variables,
        auth: root.and_then(|root| authorization(root.get("auth")?, report)),
        events: root.and_then(|root| crate::model::events(&script(root, "req"), root.text("tests").unwrap_or_default())),
    };
    Ok(vec![collection.node()])
}

fn vars(request: &Node) -> Vec<Node> {
    let list = request.get("vars").map(|vars| vars.list("req")).unwrap_or_default();
    list.iter()
        .map(|one| variable(one.text("name").unwrap_or_default(), &one.get("value").map(Node::shown).unwrap_or_default(), ""))
        .collect()
}

fn items(holder: &Node, report: &mut Report) -> Vec<Node> {
    let mut sorted: Vec<&Node> = holder.list("items").iter().collect();
    sorted.sort_by_key(|item| item.get("seq").and_then(|seq| seq.shown().parse::<f64>().ok()).map_or(i64::MAX, |seq| seq as i64));
    let mut found = Vec::new();
    for given in sorted {
        match given.text("type") {
            Some("folder") => {
                let docs = given.get("root").and_then(|root| root.text("docs")).unwrap_or_default();
                let mut node = folder(given.text("name").unwrap_or_default(), docs, items(given, report));
                let request = given.get("root").and_then(|root| root.get("request"));
                if let Some(auth) = request.and_then(|request| authorization(request.get("auth")?, report)) {
                    node.put("auth", auth);
                }
                found.push(node);
            }
            Some("http" | "http-request" | "graphql" | "graphql-request") => found.push(item(given, report).node()),
            other => report.left(format!("items of the kind {}", other.unwrap_or("nothing"))),
        }
    }
    found
}

fn pairs(list: &[Node], kind: Option<&str>) -> Vec<Param> {
    let list = list.iter().filter(|one| kind.is_none_or(|kind| one.text("type").unwrap_or("query") == kind));
    let pair = |one: &Node| Param {
        key: one.text("name").unwrap_or_default().to_owned(),
        value: one.get("value").map(Node::shown).unwrap_or_default(),
        description: one.text("description").unwrap_or_default().to_owned(),
        disabled: one.get("enabled") == Some(&Node::Bool(false)),
    };
    list.map(pair).collect()
}

fn item(given: &Node, report: &mut Report) -> Item {
    let empty = Node::Null;
    let asked = given.get("request").unwrap_or(&empty);
    let query = pairs(asked.list("params"), Some("query"));
    let url = asked.text("url").unwrap_or_default();
    let mut request = Request {
        method: asked.text("method").unwrap_or("GET").to_owned(),
        // The query stands in the URL, too.
        url: if query.is_empty() { url.to_owned() } else { url.split('?').next().unwrap_or_default().to_owned() },
        query,
        path: pairs(asked.list("params"), Some("path")),
        headers: pairs(asked.list("headers"), None),
        auth: asked.get("auth").and_then(|given| authorization(given, report)),
        description: asked.text("docs").unwrap_or_default().to_owned(),
        ..Request::default()
    };
    let body = asked.get("body").unwrap_or(&empty);
    let media = match body.text("mode").unwrap_or("none") {
        "json" => Some("application/json"),
        "xml" => Some("application/xml"),
        "text" | "sparql" => Some("text/plain"),
        "formUrlEncoded" => {
            request.body = Some(form("urlencoded", pairs(body.list("formUrlEncoded"), None).iter().map(text_field).collect()));
            None
        }
        "multipartForm" => {
            let fields = body.list("multipartForm").iter().map(|field| {
                let mut param = pairs(std::slice::from_ref(field), None).pop().unwrap_or_default();
                if field.text("type") != Some("file") {
                    return text_field(&param);
                }
                param.value = field.list("value").first().map(Node::shown).unwrap_or_default();
                file_field(&param)
            });
            request.body = Some(form("formdata", fields.collect()));
            None
        }
        "graphql" => {
            let text = |key: &str| body.get("graphql").and_then(|graphql| graphql.text(key)).unwrap_or_default();
            request.body = Some(graphql(text("query"), text("variables")));
            None
        }
        "none" => None,
        other => {
            report.left(format!("bodies of the kind {other}"));
            None
        }
    };
    if let Some(media) = media {
        request.body = Some(raw(body.text(body.text("mode").unwrap_or_default()).unwrap_or_default(), media));
        if !request.has_header("content-type") {
            request.headers.push(Param::new("Content-Type", media));
        }
    }
    let script = |key: &str| asked.get("script").and_then(|script| script.text(key)).unwrap_or_default().to_owned();
    let after = [script("res"), asked.text("tests").unwrap_or_default().to_owned()].into_iter().filter(|text| !text.trim().is_empty());
    let tests = after.collect::<Vec<_>>().join("\n\n");
    if !tests.is_empty() || !script("req").trim().is_empty() {
        report.changed("scripts came over as they are: Bruno's `bru` and `req` are Postman's `pm`");
    }
    for key in ["assertions", "vars"] {
        if asked
            .get(key)
            .is_some_and(|value| !value.entries().is_empty() || value.members().iter().any(|(_, list)| !list.entries().is_empty()))
        {
            report.left(format!("{key} of requests"));
        }
    }
    Item { name: given.text("name").unwrap_or(url).to_owned(), request, before: script("req"), tests, examples: Vec::new() }
}

fn authorization(given: &Node, report: &mut Report) -> Option<Node> {
    let mode = given.text("mode")?;
    let empty = Node::Null;
    let inner = given.get(mode).unwrap_or(&empty);
    let text = |key: &str| inner.text(key).unwrap_or_default();
    match mode {
        "inherit" => None,
        "none" => Some(auth("noauth", &[])),
        "basic" | "digest" => Some(auth(mode, &[("username", text("username")), ("password", text("password"))])),
        "bearer" => Some(auth("bearer", &[("token", text("token"))])),
        "ntlm" => Some(auth("ntlm", &[("username", text("username")), ("password", text("password")), ("domain", text("domain"))])),
        "apikey" => {
            let place = if text("placement").starts_with("query") { "query" } else { "header" };
            Some(auth("apikey", &[("key", text("key")), ("value", text("value")), ("in", place)]))
        }
        "awsv4" => Some(auth(
            "awsv4",
            &[
                ("accessKey", text("accessKeyId")),
                ("secretKey", text("secretAccessKey")),
                ("sessionToken", text("sessionToken")),
                ("service", text("service")),
                ("region", text("region")),
            ],
        )),
        "oauth2" => Some(auth(
            "oauth2",
            &[
                ("grant_type", text("grantType")),
                ("accessTokenUrl", text("accessTokenUrl")),
                ("authUrl", text("authorizationUrl")),
                ("redirect_uri", text("callbackUrl")),
                ("clientId", text("clientId")),
                ("clientSecret", text("clientSecret")),
                ("scope", text("scope")),
            ],
        )),
        other => {
            report.left(format!("authorization by {other}"));
            None
        }
    }
}

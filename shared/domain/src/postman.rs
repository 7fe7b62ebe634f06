//! Folders, requests and examples in the older shapes that the Postman API has at `/folders`, `/requests` and
//! `/responses`, and how those lie in the item JSON of collection format 2.1. What they have no word for stays.

use crate::collection::{Element, Head, Kind};
use crate::ids::ElementId;
use crate::json::{self, Builder};

/// `null` where there is nothing.
fn or_null(value: Option<&str>) -> String {
    value.unwrap_or("null").to_owned()
}

/// A list of parameters as the older shape has it: `enabled` instead of `disabled`.
fn enabled(list: Option<&str>) -> String {
    let each = json::entries(list.unwrap_or("[]")).into_iter().filter(|entry| json::is_object(entry)).map(|entry| {
        let off = json::get(entry, "disabled") == Some("true");
        json::set(&json::set(entry, "disabled", None), "enabled", Some(if off { "false" } else { "true" }))
    });
    format!("[{}]", each.collect::<Vec<_>>().join(","))
}

/// And back.
fn disabled(list: &str) -> String {
    let each = json::entries(list).into_iter().filter(|entry| json::is_object(entry)).map(|entry| {
        let off = json::get(entry, "enabled") == Some("false");
        let plain = json::set(&json::set(entry, "enabled", None), "equals", None);
        if off { json::set(&plain, "disabled", Some("true")) } else { plain }
    });
    format!("[{}]", each.collect::<Vec<_>>().join(","))
}

/// The lines of an item's script that listens to `listen`, as one text.
fn script(own: &str, listen: &str) -> String {
    let events = json::get(own, "event").map(json::entries).unwrap_or_default();
    let event = events.into_iter().find(|event| json::get(event, "listen").and_then(json::text).as_deref() == Some(listen));
    let exec = event.and_then(|event| json::get(json::get(event, "script")?, "exec"));
    match exec {
        Some(exec) if json::is_array(exec) => {
            let lines: Vec<String> = json::entries(exec).into_iter().filter_map(json::text).collect();
            json::quote(&lines.join("\n"))
        }
        Some(exec) => exec.to_owned(),
        None => "null".to_owned(),
    }
}

/// An item's JSON with a script that listens to `listen`, given as one text; without it for anything else.
fn with_script(own: &str, listen: &str, text: &str) -> String {
    let mut events: Vec<String> = json::get(own, "event").map(json::entries).unwrap_or_default().into_iter().map(str::to_owned).collect();
    let of = |event: &String| json::get(event, "listen").and_then(json::text).as_deref() == Some(listen);
    match json::text(text) {
        Some(text) => {
            let lines: Vec<String> = text.split('\n').map(json::quote).collect();
            let exec = format!("[{}]", lines.join(","));
            match events.iter_mut().find(|event| of(event)) {
                Some(event) => {
                    let script = json::set(json::get(event, "script").unwrap_or("{}"), "exec", Some(&exec));
                    *event = json::set(event, "script", Some(&script));
                }
                None => events
                    .push(format!("{{\"listen\":{},\"script\":{{\"type\":\"text/javascript\",\"exec\":{exec}}}}}", json::quote(listen))),
            }
        }
        None => events.retain(|event| !of(event)),
    }
    json::set(own, "event", (!events.is_empty()).then(|| format!("[{}]", events.join(","))).as_deref())
}

/// What stands around an element in its collection.
#[derive(Debug)]
pub struct Around<'a> {
    /// The collection.
    pub head: &'a Head,
    /// Its folders, requests or examples, in their order.
    pub folders: Vec<&'a ElementId>,
    /// See there.
    pub requests: Vec<&'a ElementId>,
    /// See there.
    pub responses: Vec<&'a ElementId>,
}

impl<'a> Around<'a> {
    /// What stands in an element.
    pub fn of(head: &'a Head, elements: &'a [Element], id: &ElementId) -> Around<'a> {
        let children = crate::collection::in_order(elements, Some(id), 1);
        let some = |kind: Kind| children.iter().filter(|child| child.kind == kind).map(|child| &child.id).collect();
        Around { head, folders: some(Kind::Folder), requests: some(Kind::Request), responses: some(Kind::Response) }
    }
}

fn ids(ids: &[&ElementId]) -> String {
    format!("[{}]", ids.iter().map(|id| json::quote(id.as_str())).collect::<Vec<_>>().join(","))
}

/// An element in the older shape.
pub fn shown(element: &Element, around: &Around<'_>) -> String {
    let own = &element.json;
    let mut out = Builder::object();
    let mut say = |name: &str, value: &str| out.member(&json::quote(name), value);
    let parent = element.parent.as_ref().map_or_else(|| "null".to_owned(), |parent| json::quote(parent.as_str()));
    say("id", &json::quote(element.id.as_str()));
    say("name", &json::quote(&element.name));
    match element.kind {
        Kind::Collection | Kind::Folder => {
            say("description", &or_null(json::get(own, "description")));
            say("auth", &or_null(json::get(own, "auth")));
            say("events", &or_null(json::get(own, "event")));
            say("variables", &or_null(json::get(own, "variable")));
            say("folder", &parent);
            say("order", &ids(&around.requests));
            say("folders_order", &ids(&around.folders));
        }
        Kind::Request => {
            request(own, json::get(own, "request").unwrap_or("{}"), &mut say);
            say("folder", &parent);
            say("responses_order", &ids(&around.responses));
        }
        Kind::Response => {
            let code = or_null(json::get(own, "code"));
            say("request", &parent);
            say("status", "null");
            say("responseCode", &format!("{{\"code\":{code},\"name\":{}}}", or_null(json::get(own, "status"))));
            say("time", &or_null(json::get(own, "responseTime")));
            say("headers", &or_null(json::get(own, "header")));
            say("cookies", &or_null(json::get(own, "cookie")));
            say("mime", "null");
            say("text", &or_null(json::get(own, "body")));
            say("language", &or_null(json::get(own, "_postman_previewlanguage")));
            say("rawDataType", "null");
            let original = json::get(own, "originalRequest").map(|original| {
                let mut out = Builder::object();
                request("{}", original, &mut |name, value| out.member(&json::quote(name), value));
                json::quote(&out.finish())
            });
            say("requestObject", &or_null(original.as_deref()));
        }
    }
    let head = around.head;
    say("collection", &json::quote(head.collection.as_str()));
    say("owner", &json::quote(&head.owner.to_string()));
    say("lastUpdatedBy", &json::quote(&head.updated_by.to_string()));
    say("lastRevision", &element.revision.to_string());
    say("createdAt", &json::quote(&head.created_at.to_string()));
    say("updatedAt", &json::quote(&head.updated_at.to_string()));
    out.finish()
}

/// A request of format 2.1 in the older shape; `own` is the item around it.
fn request(own: &str, request: &str, say: &mut impl FnMut(&str, &str)) {
    let url = if json::is_object(request) { json::get(request, "url").unwrap_or("\"\"") } else { request };
    let raw = if json::is_object(url) { json::get(url, "raw").unwrap_or("\"\"") } else { url };
    say("description", &or_null(json::get(request, "description")));
    say("method", json::get(request, "method").unwrap_or("\"GET\""));
    say("url", raw);
    say("queryParams", &enabled(json::get(url, "query")));
    let variables = json::get(url, "variable").unwrap_or("[]");
    say("pathVariableData", variables);
    let mut map = Builder::object();
    for entry in json::entries(variables) {
        if let (Some(key), Some(value)) = (json::get(entry, "key"), json::get(entry, "value")) {
            map.member(key, value);
        }
    }
    say("pathVariables", &map.finish());
    let headers = enabled(json::get(request, "header").filter(|header| json::is_array(header)));
    say("headers", &headers);
    say("headerData", &headers);
    let body = json::get(request, "body").filter(|body| json::is_object(body)).unwrap_or("{}");
    let mode = json::get(body, "mode").and_then(json::text).unwrap_or_default();
    let (data_mode, data, raw, graphql) = match mode.as_str() {
        "raw" => ("\"raw\"", "null".to_owned(), or_null(json::get(body, "raw")), "null".to_owned()),
        "formdata" => ("\"params\"", enabled(json::get(body, "formdata")), "null".to_owned(), "null".to_owned()),
        "urlencoded" => ("\"urlencoded\"", enabled(json::get(body, "urlencoded")), "null".to_owned(), "null".to_owned()),
        "file" => {
            ("\"binary\"", "null".to_owned(), or_null(json::get(body, "file").and_then(|file| json::get(file, "src"))), "null".to_owned())
        }
        "graphql" => ("\"graphql\"", "null".to_owned(), "null".to_owned(), or_null(json::get(body, "graphql"))),
        _ => ("null", "null".to_owned(), "null".to_owned(), "null".to_owned()),
    };
    say("dataMode", data_mode);
    say("data", &data);
    say("rawModeData", &raw);
    say("graphqlModeData", &graphql);
    say("dataOptions", &or_null(json::get(body, "options")));
    say("dataDisabled", json::get(body, "disabled").unwrap_or("false"));
    say("auth", &or_null(json::get(request, "auth")));
    say("events", &or_null(json::get(own, "event")));
    say("variables", &or_null(json::get(own, "variable")));
    say("preRequestScript", &script(own, "prerequest"));
    say("tests", &script(own, "test"));
    say("protocolProfileBehavior", &or_null(json::get(own, "protocolProfileBehavior")));
}

/// The answer around an element's data. The Postman API tells no revision of what is only read.
pub fn envelope(element: &Element, action: &str, data: &str) -> String {
    let id = json::quote(element.id.as_str());
    let model = element.kind.as_str();
    if action == "find" {
        let meta = format!("{{\"model\":\"{model}\",\"populate\":false,\"changeset\":false,\"action\":\"find\"}}");
        return format!("{{\"model_id\":{id},\"meta\":{meta},\"data\":{data}}}");
    }
    let meta = format!("{{\"model\":\"{model}\",\"action\":\"{action}\"}}");
    format!("{{\"model_id\":{id},\"meta\":{meta},\"data\":{data},\"revision\":{}}}", element.revision)
}

/// The start of a new element of a kind.
pub fn empty(kind: Kind) -> &'static str {
    match kind {
        Kind::Collection | Kind::Folder => r#"{"name":"","item":[]}"#,
        Kind::Request => r#"{"name":"","request":{"method":"GET","header":[],"url":""},"response":[]}"#,
        Kind::Response => r#"{"name":"","originalRequest":{"method":"GET","header":[],"url":""},"header":[],"cookie":[],"body":null}"#,
    }
}

/// An item's JSON with what `body`, in the older shape, says of it. What it does not name stays.
pub fn changed(kind: Kind, own: &str, body: &str) -> String {
    let given = |name: &str| json::get(body, name);
    let keep = |own: String, name: &str, value: Option<&str>| match value {
        None => own,
        Some("null") => json::set(&own, name, None),
        Some(value) => json::set(&own, name, Some(value)),
    };
    let own = match given("name") {
        Some(name) if json::text(name).is_some() => json::set(own, "name", Some(name)),
        _ => own.to_owned(),
    };
    match kind {
        Kind::Collection | Kind::Folder => {
            let own = keep(own, "description", given("description"));
            let own = keep(own, "auth", given("auth").filter(|auth| *auth == "null" || json::is_object(auth)));
            let own = keep(own, "event", given("events"));
            keep(own, "variable", given("variables"))
        }
        Kind::Request => {
            let own = keep(own, "event", given("events"));
            let own = keep(own, "variable", given("variables"));
            let own = keep(own, "protocolProfileBehavior", given("protocolProfileBehavior"));
            let own = given("preRequestScript")
                .filter(|text| *text != "null")
                .map_or_else(|| own.clone(), |text| with_script(&own, "prerequest", text));
            let own = given("tests").filter(|text| *text != "null").map_or_else(|| own.clone(), |text| with_script(&own, "test", text));
            let before = json::get(&own, "request").unwrap_or("{}").to_owned();
            json::set(&own, "request", Some(&changed_request(&before, body)))
        }
        Kind::Response => {
            let code = given("responseCode").filter(|code| json::is_object(code));
            let own = keep(own, "code", code.and_then(|code| json::get(code, "code")));
            let own = keep(own, "status", code.and_then(|code| json::get(code, "name")));
            let own = keep(own, "responseTime", given("time"));
            let own = keep(own, "header", given("headers").filter(|headers| json::is_array(headers)));
            let own = keep(own, "cookie", given("cookies").filter(|cookies| json::is_array(cookies)));
            let own = keep(own, "body", given("text").filter(|text| *text != "null"));
            let own = keep(own, "_postman_previewlanguage", given("language"));
            // The request may come as a text that holds it, or beside everything else.
            let asked = given("requestObject").and_then(json::text).filter(|text| json::check(text, crate::limit::JSON_DEPTH).is_ok());
            let before = json::get(&own, "originalRequest").unwrap_or("{}").to_owned();
            let asked = match asked {
                Some(asked) => changed_request(&before, &asked),
                None => changed_request(&before, &json::set(&json::set(body, "headers", None), "description", None)),
            };
            json::set(&own, "originalRequest", Some(&asked))
        }
    }
}

fn changed_request(before: &str, body: &str) -> String {
    let given = |name: &str| json::get(body, name).filter(|value| *value != "null");
    // A request may be its URL alone.
    let mut request =
        if json::is_object(before) { before.to_owned() } else { json::set("{\"method\":\"GET\",\"header\":[]}", "url", Some(before)) };
    for name in ["method", "description"] {
        if let Some(value) = given(name) {
            request = json::set(&request, name, Some(value));
        }
    }
    if let Some(auth) = given("auth").filter(|auth| json::is_object(auth)) {
        request = json::set(&request, "auth", Some(auth));
    }
    if let Some(headers) = given("headerData").filter(|list| !json::entries(list).is_empty()).or_else(|| given("headers")) {
        let list = match json::text(headers) {
            Some(lines) => {
                let pairs = lines.lines().filter_map(|line| line.split_once(':'));
                let each =
                    pairs.map(|(key, value)| format!("{{\"key\":{},\"value\":{}}}", json::quote(key.trim()), json::quote(value.trim())));
                format!("[{}]", each.collect::<Vec<_>>().join(","))
            }
            None => disabled(headers),
        };
        request = json::set(&request, "header", Some(&list));
    }
    let url = json::get(&request, "url").unwrap_or("\"\"").to_owned();
    let raw = given("url").map(|url| if json::is_object(url) { json::get(url, "raw").unwrap_or("\"\"") } else { url });
    let (query, variables) = (given("queryParams"), given("pathVariableData"));
    let mut next = match (raw, query.or(variables)) {
        (Some(raw), None) => raw.to_owned(),
        (None, None) => url,
        (raw, Some(_)) => {
            let was = if json::is_object(&url) { json::get(&url, "raw").unwrap_or("\"\"") } else { &url };
            json::set(if json::is_object(&url) && raw.is_none() { &url } else { "{}" }, "raw", Some(raw.unwrap_or(was)))
        }
    };
    for (name, list) in [("query", query), ("variable", variables)] {
        // An empty list is how a list that is not there is told.
        let told = |list: &&str| json::get(&next, name).is_some() || json::minify(list) != "[]";
        if let Some(list) = list.filter(|list| json::is_array(list)).filter(told) {
            next = json::set(&next, name, Some(&disabled(list)));
        }
    }
    request = json::set(&request, "url", Some(&next));
    let Some(mode) = given("dataMode").and_then(json::text) else { return request };
    let mut data = Builder::object();
    let mut say = |name: &str, value: &str| data.member(&json::quote(name), value);
    match mode.as_str() {
        "params" => {
            say("mode", "\"formdata\"");
            say("formdata", &disabled(given("data").unwrap_or("[]")));
        }
        "urlencoded" => {
            say("mode", "\"urlencoded\"");
            say("urlencoded", &disabled(given("data").unwrap_or("[]")));
        }
        "binary" => {
            say("mode", "\"file\"");
            say("file", &format!("{{\"src\":{}}}", or_null(given("rawModeData"))));
        }
        "graphql" => {
            say("mode", "\"graphql\"");
            say("graphql", given("graphqlModeData").unwrap_or("{}"));
        }
        _ => {
            say("mode", "\"raw\"");
            say("raw", given("rawModeData").unwrap_or("\"\""));
        }
    }
    if let Some(options) = given("dataOptions") {
        say("options", options);
    }
    json::set(&request, "body", Some(&data.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_there_is_shown_again() {
        let body = r#"{"name":"R","url":"https://a.example/get?id=1","method":"POST","description":"d","headers":[{"key":"A","value":"1"},{"key":"B","value":"2","enabled":false}],
            "queryParams":[{"key":"id","value":"1","equals":true,"enabled":true}],"dataMode":"params","data":[{"key":"f","value":"1","type":"text","enabled":true}],"tests":"a();\nb();","preRequestScript":null}"#;
        let own = changed(Kind::Request, empty(Kind::Request), body);
        assert_eq!(
            json::minify(&own),
            r#"{"name":"R","request":{"method":"POST","header":[{"key":"A","value":"1"},{"key":"B","value":"2","disabled":true}],"url":{"raw":"https://a.example/get?id=1","query":[{"key":"id","value":"1"}]},"description":"d","body":{"mode":"formdata","formdata":[{"key":"f","value":"1","type":"text"}]}},"response":[],"event":[{"listen":"test","script":{"type":"text/javascript","exec":["a();","b();"]}}]}"#
        );
        let mut told = Builder::object();
        request(&own, json::get(&own, "request").unwrap(), &mut |name, value| told.member(&json::quote(name), value));
        let told = told.finish();
        assert_eq!(json::get(&told, "tests"), Some(r#""a();\nb();""#));
        assert_eq!(json::get(&told, "dataMode"), Some("\"params\""));
        assert_eq!(json::get(&told, "url"), Some("\"https://a.example/get?id=1\""));
        assert_eq!(changed(Kind::Request, &own, &told).replace("\"id\"", ""), own.replace("\"id\"", ""), "told and put back");
        // What is not named stays.
        assert!(changed(Kind::Request, &own, r#"{"method":"GET"}"#).contains("\"formdata\""));
        let example = changed(
            Kind::Response,
            empty(Kind::Response),
            r#"{"name":"E","responseCode":{"code":404,"name":"Not Found"},"text":"{}","requestObject":"{\"method\":\"PUT\",\"url\":\"u\"}"}"#,
        );
        assert_eq!(json::get(&example, "code"), Some("404"));
        assert_eq!(json::get(json::get(&example, "originalRequest").unwrap(), "method"), Some("\"PUT\""));
        let folder = changed(Kind::Folder, empty(Kind::Folder), r#"{"name":"F","description":"d","auth":null}"#);
        assert_eq!(folder, r#"{"name":"F","item":[],"description":"d"}"#);
    }
}

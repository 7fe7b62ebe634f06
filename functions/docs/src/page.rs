//! The two documents as one page, which reads without JavaScript.

use app::App;
use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use console::answer::{self, Lost};
use console::views::Frame;
use serde_json::Value;

use crate::{asyncapi, openapi};

/// The page's template.
#[derive(Debug, Template)]
#[template(path = "docs.html")]
struct Docs {
    frame: Frame,
    about: String,
    groups: Vec<Group>,
    ways: Vec<(String, String)>,
    channels: Vec<Channel>,
}

/// Operations that belong together.
#[derive(Debug)]
struct Group {
    id: String,
    name: String,
    about: String,
    operations: Vec<Operation>,
}

#[derive(Debug)]
struct Operation {
    id: String,
    method: String,
    path: String,
    title: String,
    about: String,
    open: bool,
    parameters: Vec<Field>,
    body: Option<Body>,
    answers: Vec<(String, String)>,
}

#[derive(Debug)]
struct Body {
    media: String,
    about: String,
    fields: Vec<Field>,
}

/// A parameter, or a field of a body.
#[derive(Debug)]
struct Field {
    name: String,
    /// Where it stands, of a parameter: `path`, `query`, `header`.
    place: String,
    kind: String,
    required: bool,
    about: String,
}

/// Something that tells of changes.
#[derive(Debug)]
struct Channel {
    title: String,
    about: String,
    messages: Vec<Told>,
}

#[derive(Debug)]
struct Told {
    title: String,
    about: String,
    fields: Vec<Field>,
}

/// Markdown of our own as HTML.
fn html(markdown: &str) -> String {
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, pulldown_cmark::Parser::new(markdown));
    html
}

/// One line of it, without the paragraph around.
fn line(markdown: &str) -> String {
    html(markdown).trim().trim_start_matches("<p>").trim_end_matches("</p>").to_owned()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// What a `$ref` leads to.
fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let pointer = schema["$ref"].as_str().and_then(|to| to.strip_prefix('#'));
    pointer.and_then(|pointer| document.pointer(pointer)).unwrap_or(schema)
}

/// What a value is, in a word or two: `integer`, `string[]`, `"create" | "update"`.
fn kind(document: &Value, schema: &Value) -> String {
    let schema = resolve(document, schema);
    if let Some(constant) = schema.get("const") {
        return constant.to_string();
    }
    let choices: Vec<String> = list(&schema["enum"]).iter().map(Value::to_string).collect();
    if !choices.is_empty() {
        return choices.join(" | ");
    }
    for several in ["oneOf", "anyOf", "allOf"] {
        let each: Vec<String> = list(&schema[several]).iter().map(|one| kind(document, one)).filter(|kind| kind != "null").collect();
        if !each.is_empty() {
            return each.join(" | ");
        }
    }
    match &schema["type"] {
        Value::String(one) if one == "array" => format!("{}[]", kind(document, &schema["items"])),
        Value::String(one) => one.clone(),
        Value::Array(several) if several.iter().any(|one| one == "array") => format!("{}[]", kind(document, &schema["items"])),
        Value::Array(several) => several.iter().filter_map(Value::as_str).filter(|one| *one != "null").collect::<Vec<_>>().join(" | "),
        _ => "any".to_owned(),
    }
}

/// The fields of an object; those of the objects in it, a level down, as `outer.inner`.
fn fields(document: &Value, schema: &Value, within: &str) -> Vec<Field> {
    let mut all = Vec::new();
    let schema = resolve(document, schema);
    for part in [schema].into_iter().chain(list(&schema["oneOf"])).chain(list(&schema["allOf"])).map(|part| resolve(document, part)) {
        for (name, field) in part["properties"].as_object().into_iter().flatten() {
            let inner = resolve(document, field);
            let about = if field["description"].is_string() { &field["description"] } else { &inner["description"] };
            all.push(Field {
                name: format!("{within}{name}"),
                place: String::new(),
                kind: kind(document, field),
                required: list(&part["required"]).iter().any(|required| required == name),
                about: html(about.as_str().unwrap_or_default()),
            });
            if within.is_empty() {
                all.extend(fields(document, inner, &format!("{name}.")));
            }
        }
    }
    all
}

fn parameter(document: &Value, says: &Value) -> Field {
    Field {
        name: text(&says["name"]),
        place: text(&says["in"]),
        kind: kind(document, &says["schema"]),
        required: says["required"] == true,
        about: html(says["description"].as_str().unwrap_or_default()),
    }
}

fn operation(document: &Value, path: &str, method: &str, says: &Value) -> Operation {
    let body = says["requestBody"]["content"].as_object().and_then(|content| content.iter().next());
    Operation {
        id: text(&says["operationId"]),
        method: method.to_uppercase(),
        path: path.to_owned(),
        title: line(says["summary"].as_str().unwrap_or_default()),
        about: html(says["description"].as_str().unwrap_or_default()),
        open: says["security"].is_array(),
        parameters: list(&says["parameters"]).iter().map(|one| parameter(document, one)).collect(),
        body: body.map(|(media, body)| Body {
            media: media.clone(),
            about: html(says["requestBody"]["description"].as_str().unwrap_or_default()),
            fields: fields(document, &body["schema"], ""),
        }),
        answers: says["responses"]
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(status, _)| *status != "default")
            .map(|(status, answer)| (status.clone(), html(answer["description"].as_str().unwrap_or_default())))
            .collect(),
    }
}

fn groups(document: &Value) -> Vec<Group> {
    let mut groups: Vec<Group> = openapi::TAGS
        .into_iter()
        .map(|(name, about)| Group {
            id: name.to_lowercase().replace(' ', "-"),
            name: name.to_owned(),
            about: html(about),
            operations: Vec::new(),
        })
        .collect();
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        for (method, says) in methods.as_object().into_iter().flatten() {
            if let Some(group) = groups.iter_mut().find(|group| says["tags"][0] == group.name.as_str()) {
                group.operations.push(operation(document, path, method, says));
            }
        }
    }
    groups
}

fn channels(document: &Value) -> Vec<Channel> {
    let message = |reference: &Value| {
        let message = resolve(document, reference);
        let payload = resolve(document, &message["payload"]);
        // An event is read by its data; the envelope is the same for all.
        let data = payload["properties"].get("data").unwrap_or(payload);
        Told {
            title: text(&message["title"]),
            about: html(message["summary"].as_str().unwrap_or_default()),
            fields: fields(document, data, ""),
        }
    };
    let channels = document["channels"].as_object().into_iter().flatten();
    channels
        .map(|(_, channel)| Channel {
            title: text(&channel["title"]),
            about: html(channel["description"].as_str().unwrap_or_default()),
            messages: channel["messages"].as_object().into_iter().flatten().map(|(_, one)| message(one)).collect(),
        })
        .collect()
}

/// This API, to read.
#[utoipa::path(get, path = "/api/docs", tag = "Documents", security(()), responses((status = 200, description = "The page")))]
pub(crate) async fn docs(State(app): State<App>, headers: HeaderMap) -> Result<Response, Lost> {
    let api = openapi::document(&app.config.pages_url);
    let events = asyncapi::document(&app.config.pages_url, &app.config.realtime_url);
    let ways = api["components"]["securitySchemes"].as_object().into_iter().flatten();
    let way = |says: &Value| match (&says["scheme"], &says["in"]) {
        (Value::String(scheme), _) => format!("Authorization: {} …", if scheme == "basic" { "Basic" } else { "Bearer" }),
        (_, place) if place == "query" => format!("?{}=…", text(&says["name"])),
        _ => format!("{}: …", text(&says["name"])),
    };
    let page = Docs {
        frame: Frame::default(),
        about: html(api["info"]["description"].as_str().unwrap_or_default()),
        groups: groups(&api),
        ways: ways.map(|(_, says)| (way(says), html(says["description"].as_str().unwrap_or_default()))).collect(),
        channels: channels(&events),
    };
    answer::public(&app, &headers, &page, "/api/docs")
}

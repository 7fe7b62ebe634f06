//! What the documents of the API say, held against what comes over the wire: every answer and every event of every test.

use std::collections::HashMap;
use std::sync::LazyLock;

use docs::openapi::{Operation, operations};
use jsonschema::Validator;
use serde_json::{Value, json};

static EVENTS: LazyLock<HashMap<String, Validator>> = LazyLock::new(events);

/// Panics where an API call was answered with a success that its description does not name.
pub(crate) fn answer(method: &str, path: &str, status: u16) {
    let path = path.split(['?', '#']).next().unwrap_or(path);
    if !path.starts_with("/api/") || !(200..300).contains(&status) {
        return;
    }
    let asked: Vec<&str> = path.split('/').collect();
    let fits = |one: &&Operation| {
        let segments: Vec<&str> = one.path.split('/').collect();
        let same = |(segment, asked): (&&str, &&str)| segment.starts_with('{') || segment == asked;
        one.method == method && segments.len() == asked.len() && segments.iter().zip(&asked).all(same)
    };
    // `/api/collections/fork/{id}` before `/api/collections/{collection}/…`: as a gateway chooses.
    let Some(operation) = operations().iter().filter(fits).min_by_key(|one| one.path.matches('{').count()) else { return };
    let described = operation.says["responses"].get(status.to_string()).is_some();
    assert!(described, "{method} {} is described without an answer {status}", operation.path);
}

/// Panics where an event of the WebSocket, or a message of a webhook, is not as the AsyncAPI document says.
pub fn event(event: &Value) {
    let kind = event["type"].as_str().unwrap_or_default();
    let Some(schema) = EVENTS.get(kind) else { panic!("the document has no event {kind:?}: {event:#}") };
    let wrong: Vec<String> = schema.iter_errors(event).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(wrong.is_empty(), "{event:#}\nis not as the document says:\n{}", wrong.join("\n"));
}

/// The schemas of the events by their types.
fn events() -> HashMap<String, Validator> {
    let mut document = docs::asyncapi::document("https://postroom.example", "wss://postroom.example/live");
    closed(&mut document["components"]);
    let components = document["components"].clone();
    let messages = components["messages"].as_object().expect("messages").values();
    let typed = messages.filter_map(|message| Some((message["payload"]["properties"]["type"]["const"].as_str()?, &message["payload"])));
    let schema = |payload: &Value| {
        let mut root = payload.clone();
        root["components"] = json!({"schemas": components["schemas"]});
        jsonschema::validator_for(&root).expect("a schema")
    };
    typed.map(|(kind, payload)| (kind.to_owned(), schema(payload))).collect()
}

/// Makes every object take only what it names: what the document forgot is found, too.
fn closed(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.get("properties").is_some_and(Value::is_object) && members.get("type").is_some_and(|of| of == "object") {
                members.insert("additionalProperties".to_owned(), json!(false));
            }
            members.values_mut().for_each(closed);
        }
        Value::Array(each) => each.iter_mut().for_each(closed),
        _ => (),
    }
}

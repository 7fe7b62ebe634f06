//! One AsyncAPI document of all that tells of changes: the WebSocket, the stream of changes, webhooks.

use domain::change::Change;
use domain::event::{CHANGED, COMMENTED, Commented, Expiring, Presence, Said, Subscribed, Trouble};
use domain::webhook::{TEST, Test};
use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// What the server says over a WebSocket: the event's type, its name here, what it tells, the schema of its `data`.
fn told() -> [(&'static str, &'static str, &'static str, Value); 9] {
    let collection = json!({"$ref": "#/components/schemas/CollectionId"});
    let item = json!({"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/ElementId"}]});
    let followed = json!({"type": "object", "required": ["collection", "item"], "properties": {"collection": collection, "item": item}});
    let pong = json!({
        "type": "object",
        "required": ["subscriptions", "items", "heads"],
        "properties": {
            "subscriptions": {"type": "array", "items": collection, "description": "The collections that this connection follows."},
            "items": {"type": "array", "items": followed, "description": "The folders and requests that it follows."},
            "heads": {
                "type": "object",
                "additionalProperties": {"type": "integer", "minimum": 0},
                "description": "The number of the last change of each of those collections: who knows of fewer has missed an event.",
            },
        },
    });
    [
        (
            CHANGED,
            "changed",
            "A collection has changed. Apply it where `seq` is one more than what is there; on a gap ask for `changes?since=`.",
            to("Change"),
        ),
        (COMMENTED, "commented", "Something was done about a comment: who may read it asks for it.", to("Commented")),
        ("postroom.presence", "presence", "Who has a collection open: told to those who have it open themselves.", to("Presence")),
        ("postroom.subscribed", "subscribed", "A subscription holds: every change after `head` comes.", to("Subscribed")),
        ("postroom.unsubscribed", "unsubscribed", "It has ended.", followed.clone()),
        ("postroom.pong", "pong", "The answer to `ping`: what this connection follows.", pong),
        ("postroom.session.expiring", "expiring", "The connection will be closed, five minutes from now.", to("Expiring")),
        ("postroom.session.ended", "ended", "The connection is being closed.", to("Expiring")),
        ("postroom.error", "error", "What the client said is not done.", to("Trouble")),
    ]
}

fn to(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

/// The schema of an event: CloudEvents 1.0 in JSON, around its data.
fn event(kind: &str, data: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["specversion", "id", "source", "type", "time", "datacontenttype", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "description": "The same event delivered twice has the same id."},
            "source": {"type": "string", "description": "The path of what it is about."},
            "type": {"const": kind},
            "time": {"type": "string", "format": "date-time"},
            "subject": {"type": "string", "description": "What in the source it is about."},
            "datacontenttype": {"const": "application/json"},
            "data": data,
        },
    })
}

/// The schemas of everything in an event, by name.
fn schemas() -> Map<String, Value> {
    let mut found: Vec<(String, RefOr<Schema>)> = Vec::new();
    macro_rules! add {
        ($($one:ty),*) => { $( found.push((<$one>::name().into_owned(), <$one>::schema())); <$one>::schemas(&mut found); )* };
    }
    add!(Change, Commented, Presence, Subscribed, Expiring, Trouble, Said, Test);
    found.into_iter().filter_map(|(name, schema)| Some((name, serde_json::to_value(schema).ok()?))).collect()
}

/// `wss://host/path` as a server of the document.
fn server(url: &str, about: &str) -> Value {
    let (protocol, rest) = url.split_once("://").unwrap_or(("wss", url));
    let (host, path) = rest.split_once('/').map_or((rest, String::new()), |(host, path)| (host, format!("/{path}")));
    let mut server = json!({"host": host, "protocol": protocol, "description": about});
    if !path.is_empty() {
        server["pathname"] = json!(path);
    }
    server
}

/// The document: the API is at `pages`, WebSockets are opened at `realtime`.
pub fn document(pages: &str, realtime: &str) -> Value {
    let mut messages = Map::new();
    let mut on_socket = Map::new();
    let refer = |name: &str| json!({"$ref": format!("#/components/messages/{name}")});
    for (kind, name, about, data) in told() {
        messages.insert(
            name.to_owned(),
            json!({"name": kind, "title": kind, "summary": about, "contentType": "application/json", "payload": event(kind, &data)}),
        );
        on_socket.insert(name.to_owned(), refer(name));
    }
    let says: Vec<String> = on_socket.keys().cloned().collect();
    messages.insert(
        "said".to_owned(),
        json!({"name": "said", "title": "What a client may say", "contentType": "application/json", "payload": to("Said")}),
    );
    on_socket.insert("said".to_owned(), refer("said"));
    messages.insert(
        "change".to_owned(),
        json!({"name": "change", "title": "A change as a Server-Sent Event", "contentType": "application/json", "payload": to("Change"),
            "summary": "`id` is its number: `Last-Event-ID` goes on from there."}),
    );
    messages.insert(
        "tested".to_owned(),
        json!({"name": TEST, "title": TEST, "summary": "Somebody pressed the button that tries a webhook.", "contentType": "application/json",
            "headers": signed(), "payload": event(TEST, &to("Test"))}),
    );
    let mut hooked = messages["changed"].clone();
    hooked["headers"] = signed();
    messages.insert("hooked".to_owned(), hooked);
    let of = |channel: &str, name: &str| json!({"$ref": format!("#/channels/{channel}/messages/{name}")});
    let says: Vec<Value> = says.iter().map(|name| of("realtime", name)).collect();
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Postroom: who hears of changes",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "Apache-2.0"},
            "description": "Every change of a collection has a number: 1, 2, 3 … without a gap. Delivery is at least once. Whoever applies \
                them in order and asks for what is missing (`GET /api/collections/{collection}/changes?since=`) misses nothing.",
        },
        "defaultContentType": "application/json",
        "servers": {
            "realtime": server(realtime, "WebSockets. `POST /api/realtime/tickets` gives the address, and a ticket that opens one."),
            "api": server(pages, "The HTTP API; see its OpenAPI document."),
        },
        "channels": {
            "realtime": {
                "address": "?ticket={ticket}",
                "title": "WebSocket",
                "servers": [{"$ref": "#/servers/realtime"}],
                "parameters": {"ticket": {"description": "Opens one connection, once, within a minute."}},
                "messages": on_socket,
            },
            "changes": {
                "address": "/api/collections/{collection}/changes",
                "title": "Server-Sent Events (Accept: text/event-stream), or long poll (?wait=20)",
                "servers": [{"$ref": "#/servers/api"}],
                "parameters": {"collection": {"description": "The collection, by id or uid."}},
                "messages": {"change": refer("change")},
            },
            "webhook": {
                "address": null,
                "title": "A receiver's own address",
                "description": "A POST to it, signed after Standard Webhooks. Answered with anything but 2xx, or not within 10 seconds, it comes \
                    again: after 5 seconds, 5 and 30 minutes, 2, 5, 10, 14, 20 and 24 hours.",
                "messages": {"hooked": refer("hooked"), "tested": refer("tested")},
            },
        },
        "operations": {
            "tell": {"action": "send", "channel": {"$ref": "#/channels/realtime"}, "messages": says, "summary": "What a connection is told."},
            "hear": {"action": "receive", "channel": {"$ref": "#/channels/realtime"}, "messages": [of("realtime", "said")],
                "summary": "What a client may say."},
            "stream": {"action": "send", "channel": {"$ref": "#/channels/changes"}, "messages": [of("changes", "change")],
                "summary": "Changes, one after the other."},
            "post": {"action": "send", "channel": {"$ref": "#/channels/webhook"},
                "messages": [of("webhook", "hooked"), of("webhook", "tested")], "summary": "Tell a receiver."},
        },
        "components": {"messages": messages, "schemas": schemas()},
    })
}

/// The headers of Standard Webhooks.
fn signed() -> Value {
    let text = |about: &str| json!({"type": "string", "description": about});
    json!({
        "type": "object",
        "required": ["webhook-id", "webhook-timestamp", "webhook-signature"],
        "properties": {
            "webhook-id": text("The same message again has the same id."),
            "webhook-timestamp": text("Seconds since 1970 when it was sent."),
            "webhook-signature": text("`v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64, one for each secret that holds."),
        },
    })
}

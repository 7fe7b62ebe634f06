//! One OpenAPI document out of what the functions say about their routes.

use std::sync::LazyLock;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

/// What there is, in the order in which a newcomer reads.
pub const TAGS: [(&str, &str); 25] = [
    ("Collections", "Whole collections: list, create, read, replace, delete. The paths and shapes are the Postman API's."),
    ("Items", "What is in a collection, as items of format 2.1: read, add, change, move, delete, several at once."),
    ("Elements", "The same folders, requests and responses in the Postman API's older shapes."),
    ("Import", "Files of other programs, large files in parts, and what lies in a Postman account."),
    ("Changes", "Every change of a collection by its number: read them, wait for them, go back."),
    ("Comments", "What people say about collections and what is in them."),
    ("Forks", "Forks of collections, and merging them back."),
    ("Pull requests", "Merges that somebody else looks at first."),
    ("Search", "Searching the library."),
    ("Tags", "Tags of collections and workspaces, and favourites."),
    ("Access", "Who may do what with a collection."),
    ("Subscriptions", "Who hears of a collection's changes, and how."),
    ("Feed", "What happened."),
    ("Notifications", "The inbox, and what one wants to be told of."),
    ("Realtime", "WebSockets: see the AsyncAPI document for what goes over them."),
    ("Webhooks", "Programs that are told of changes by a request to them."),
    ("Workspaces", "Where collections are: the library of a team, and workspaces beside it."),
    ("Teams", "Teams, members, roles and settings."),
    ("Groups", "Groups of a team's members."),
    ("Invitations", "How people come into a team."),
    ("Billing", "Plans, seats, invoices."),
    ("Audit log", "What happened to a team's access and settings."),
    ("Accounts", "People: sign-up, profile, the end of an account."),
    ("Sessions and keys", "Signing in, in every way, and keys for programs."),
    ("Documents", "These documents."),
];

const ABOUT: &str = "The API of Postroom, the open server for a team's API collections. Where the Postman API has an endpoint, \
    this one has its path, parameters, bodies and shapes, so clients of the one work with the other.\n\n\
    Errors are problem documents (RFC 9457) that also carry the Postman API's `error`. Collections and items carry an `ETag`: with \
    `If-Match`, a write that somebody else's came before is merged where both touched different places, and answered with both \
    sides (409) where not. `Idempotency-Key` on a POST makes its repetition harmless. Cursors are opaque.";

/// The functions that answer requests, and what they say about it.
fn functions() -> [(&'static str, OpenApi); 9] {
    macro_rules! routers {
        ($($function:ident),*) => { [$((stringify!($function), $function::described())),*] };
    }
    let [a, b, c, d, e, f, g, h] = routers!(collections, console, feed, invites, library, signin, signup, teams);
    [a, b, c, d, e, f, g, h, ("docs", crate::described())]
}

/// One operation of one function.
#[derive(Debug, Clone)]
pub struct Operation {
    /// The function that answers.
    pub function: &'static str,
    /// The method, in capitals.
    pub method: String,
    /// The path, with `{name}` for one segment.
    pub path: String,
    /// What it says about itself: an Operation Object of OpenAPI.
    pub says: Value,
}

impl Operation {
    /// Its name in code that is made from the document: `getCollectionsByCollectionChanges`.
    pub fn id(&self) -> String {
        let word = |part: &str| match part.trim_start_matches('{').trim_end_matches('}') {
            inner if inner.len() < part.len() => format!("By{}", capital(inner)),
            plain => plain.split(['-', '.', '_']).map(capital).collect(),
        };
        let path = self.path.strip_prefix("/api").unwrap_or(&self.path);
        let path: String = path.split('/').filter(|part| !part.is_empty()).map(word).collect();
        format!("{}{path}", self.method.to_lowercase())
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// What the functions say: it is the same as long as the process lives.
static SAID: LazyLock<(Vec<Operation>, Map<String, Value>)> = LazyLock::new(read);

/// Every operation there is, pages as well.
pub fn operations() -> &'static [Operation] {
    &SAID.0
}

/// The operations, and the schemas that they name.
fn read() -> (Vec<Operation>, Map<String, Value>) {
    let mut operations = Vec::new();
    let mut schemas = Map::new();
    for (function, api) in functions() {
        let Ok(Value::Object(mut api)) = serde_json::to_value(api) else { continue };
        if let Some(Value::Object(more)) = api.get_mut("components").and_then(|all| all.get_mut("schemas")) {
            schemas.append(more);
        }
        let Some(Value::Object(paths)) = api.remove("paths") else { continue };
        for (path, item) in paths {
            let Value::Object(methods) = item else { continue };
            let methods = methods.into_iter().filter(|(_, says)| says.get("responses").is_some());
            operations.extend(methods.map(|(method, says)| Operation {
                function,
                method: method.to_uppercase(),
                path: path.clone(),
                says,
            }));
        }
    }
    (operations, schemas)
}

/// What it takes to say who one is, by name.
fn ways_in() -> Value {
    json!({
        "token": {"type": "http", "scheme": "bearer", "description": "An access token of `POST /api/sessions`."},
        "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key", "description": "An API key."},
        "keyInQuery": {"type": "apiKey", "in": "query", "name": "apikey", "description": "An API key, for programs that take only an address."},
        "basic": {"type": "http", "scheme": "basic", "description": "An API key as password."},
        "accessKey": {"type": "apiKey", "in": "query", "name": "access_key", "description": "Opens one collection, for reading."},
    })
}

/// Any answer that is none of the described ones: RFC 9457, and the Postman API's `error`.
fn problem() -> Value {
    let text = |about: &str| json!({"type": "string", "description": about});
    json!({
        "type": "object",
        "required": ["type", "title", "status", "detail", "code", "error", "request_id"],
        "properties": {
            "type": text("`urn:postroom:problem:` and the code."),
            "title": text("The status in words."),
            "status": {"type": "integer"},
            "detail": text("What is wrong, for people."),
            "instance": text("The path that was asked."),
            "code": text("What is wrong, for programs."),
            "request_id": text("To find it in the log."),
            "error": {
                "type": "object",
                "required": ["name", "message", "details"],
                "properties": {"name": text("The Postman API's word."), "message": text("As `detail`."), "details": {}},
            },
            "errors": {
                "type": "array",
                "description": "Each field that was not taken.",
                "items": {
                    "type": "object",
                    "required": ["pointer", "detail"],
                    "properties": {"pointer": text("Where in the body (RFC 6901)."), "detail": text("What is wrong with it.")},
                },
            },
        },
    })
}

/// The document, for the API at `url` (without a slash at the end). Pages are not in it.
pub fn document(url: &str) -> Value {
    let (operations, mut schemas) = SAID.clone();
    schemas.insert("Problem".to_owned(), problem());
    let mut paths = Map::new();
    for operation in operations.into_iter().filter(|one| one.path.starts_with("/api/")) {
        let id = operation.id();
        let Operation { method, path, mut says, .. } = operation;
        let (summary, description) = in_two(&says);
        says["operationId"] = json!(id);
        says["summary"] = json!(summary);
        says["description"] = json!(description);
        for (status, answer) in says["responses"].as_object_mut().into_iter().flatten() {
            if answer["description"].as_str().unwrap_or_default().is_empty() {
                let reason = status.parse::<u16>().ok().and_then(|code| StatusCode::from_u16(code).ok()?.canonical_reason());
                answer["description"] = json!(reason.unwrap_or("Done"));
            }
        }
        says["responses"]["default"] = json!({
            "description": "Refused, or failed",
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        });
        paths.entry(path).or_insert_with(|| json!({}))[method.to_lowercase()] = says;
    }
    let security: Vec<Value> = ways_in().as_object().into_iter().flatten().map(|(name, _)| json!({name: []})).collect();
    let tags: Vec<Value> = TAGS.iter().map(|(name, about)| json!({"name": name, "description": about})).collect();
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Postroom", "version": env!("CARGO_PKG_VERSION"), "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "servers": [{"url": url}],
        "security": security,
        "tags": tags,
        "paths": paths,
        "components": {"securitySchemes": ways_in(), "schemas": schemas},
    })
}

/// What is said about an operation: its first sentence, and the rest.
fn in_two(says: &Value) -> (String, String) {
    let part = |name: &str| says[name].as_str().unwrap_or_default().trim().to_owned();
    let all = [part("summary"), part("description")].join("\n");
    let all = all.trim();
    // A sentence ends before a space or at the end of a paragraph; lines are broken anywhere.
    let end = [". ", ".\n", "\n\n"].iter().filter_map(|end| all.find(end)).min().unwrap_or(all.len());
    let (first, rest) = all.split_at(end);
    let first = first.trim_end_matches('.').replace('\n', " ");
    (first, rest.trim_start_matches('.').trim().to_owned())
}

//! The collection that the tour brings: folders in folders, requests of every kind with examples, scripts, variables
//! and authorization, and what real files have that a tidy program would lose: odd numbers, repeated and unknown keys,
//! empty arrays, no ids, ids of somebody else.

use std::fmt::Write;

const FOLDERS: usize = 12;
const REQUESTS: usize = 10;
const METHODS: [&str; 6] = ["GET", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"];

const HEAD: &str = r#"{
  "info": {
    "_postman_id": "5f3c1a52-7f0e-4a57-9a0b-9d2d5f1c7e11",
    "name": "Parcel tracking – Pakete & more",
    "description": {"content": "Every request of the *parcel* service.\n\n1. Sign in\n2. Track", "type": "text/markdown"},
    "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
    "x-odd": [1.0, 1e3, -0, 0.10, 12345678901234567890, 1E-7, "\u00e4\ud83d\udce6", [], {}, null]
  },
  "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{token}}", "type": "string"}]},
  "event": [
    {"listen": "prerequest", "script": {"type": "text/javascript", "exec": ["pm.variables.set('now', Date.now());"], "packages": {}}},
    {"listen": "test", "script": {"type": "text/javascript", "exec": [""]}}
  ],
  "variable": [
    {"key": "base", "value": "https://parcels.example.com", "type": "string"},
    {"key": "retries", "value": 3, "type": "number"},
    {"key": "token", "value": "", "disabled": true}
  ],
  "item": [
"#;

const ODD: &str = r#"    {"name": "", "request": "{{base}}/health"},
    {"name": "odd", "name": "The same key twice", "request": {"method": "GET", "header": [], "url": "{{base}}/odd?n=1.50"}, "x": 1.50},
    {"name": "Without a request", "item": []},
    {"name": "GraphQL", "request": {"method": "POST", "header": null, "body": {"mode": "graphql", "graphql": {"query": "{ parcels { id } }", "variables": ""}}, "url": {"raw": "{{base}}/graphql", "host": ["{{base}}"], "path": ["graphql"]}}},
    {"id": "one id for two", "name": "First", "request": {"url": "{{base}}/first", "method": "GET"}, "response": []},
    {"id": "one id for two", "name": "Second", "request": {"url": "{{base}}/second", "method": "GET"}, "response": []}
  ],
  "protocolProfileBehavior": {"disableBodyPruning": true}
}
"#;

/// The collection as a file.
pub fn made() -> String {
    let mut file = HEAD.to_owned();
    for folder in 0..FOLDERS {
        // Some bring their id, some do not.
        let id = if folder % 3 == 0 { String::new() } else { format!("\"id\": \"b1a7c0de-0000-4000-8000-{folder:012}\", ") };
        add(
            &mut file,
            format_args!("    {{{id}\"name\": \"Depot {folder}\", \"description\": \"What depot {folder} does\", \"item\": [\n"),
        );
        for request in 0..REQUESTS {
            let comma = if request + 1 < REQUESTS { "," } else { "" };
            if request % 5 == 4 {
                add(&mut file, format_args!("      {{\"name\": \"Shelf {request}\", \"item\": [\n"));
                one(&mut file, folder, request);
                add(&mut file, format_args!("\n      ], \"auth\": {{\"type\": \"noauth\"}}}}{comma}\n"));
            } else {
                one(&mut file, folder, request);
                add(&mut file, format_args!("{comma}\n"));
            }
        }
        file.push_str("    ]},\n");
    }
    file.push_str(ODD);
    file
}

fn one(file: &mut String, folder: usize, request: usize) {
    let method = METHODS[(folder + request) % METHODS.len()];
    let body = match (method, request % 3) {
        ("GET" | "DELETE" | "PROPFIND", _) => String::new(),
        (_, 0) => r#""body": {"mode": "raw", "raw": "{\n  \"weight\": 1.0,\n  \"to\": \"{{address}}\"\n}", "options": {"raw": {"language": "json"}}}, "#.to_owned(),
        (_, 1) => r#""body": {"mode": "urlencoded", "urlencoded": [{"key": "a", "value": "1"}, {"key": "a", "value": "2", "disabled": true}]}, "#.to_owned(),
        _ => r#""body": {"mode": "formdata", "formdata": [{"key": "label", "type": "file", "src": []}]}, "#.to_owned(),
    };
    let example = format!(
        r#"{{"name": "Found", "originalRequest": {{"method": "{method}", "url": "{{{{base}}}}/depots/{folder}/parcels/{request}"}}, "status": "OK", "code": 200, "_postman_previewlanguage": "json", "header": [{{"key": "Content-Type", "value": "application/json"}}], "cookie": [], "body": "{{\"id\": {request}, \"weight\": 1.0}}"}}"#
    );
    let examples = if request.is_multiple_of(2) { format!("[{example}]") } else { "[]".to_owned() };
    add(
        file,
        format_args!(
            r#"        {{"name": "{method} parcel {folder}.{request}", "event": [{{"listen": "test", "script": {{"exec": ["pm.test('{folder}.{request}', () => pm.response.to.have.status(200));"], "type": "text/javascript"}}}}], "request": {{"method": "{method}", "header": [{{"key": "Accept", "value": "application/json"}}, {{"key": "X-Trace", "value": "{{{{$guid}}}}", "disabled": true}}], {body}"url": {{"raw": "{{{{base}}}}/depots/{folder}/parcels/:parcel?full=true", "host": ["{{{{base}}}}"], "path": ["depots", "{folder}", "parcels", ":parcel"], "query": [{{"key": "full", "value": "true"}}], "variable": [{{"key": "parcel", "value": "{request}"}}]}}}}, "response": {examples}}}"#
        ),
    );
}

fn add(file: &mut String, more: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    file.write_fmt(more).unwrap_or_default();
}

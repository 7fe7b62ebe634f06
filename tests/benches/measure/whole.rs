//! Import and reading back of 1,000 requests, 2.2 MB.

use std::time::Instant;

use serde_json::{Value, json};
use tests::{TestApp, samples};

use crate::{Row, median, millis};

const REQUESTS: usize = 1_000;
const BYTES: usize = 2_200_000;
const TIMES: usize = 7;

/// The lines of the table.
pub async fn rows() -> Vec<Row> {
    let app = TestApp::start().await;
    let anna = app.user("anna").await;
    let team = app.team(&anna, 3).await;
    let document = document();
    let address = format!("/api/collections?workspace={}", team.workspace);
    let (mut imports, mut reads, mut packed) = (Vec::new(), Vec::new(), Vec::new());
    let mut collection = String::new();
    for _ in 0..TIMES {
        let began = Instant::now();
        let made = anna.post_text(&address, document.clone()).await.ok();
        imports.push(began.elapsed());
        collection = made.at("/collection/id").as_str().expect("an id").to_owned();
        app.settle().await;
    }
    let whole = format!("/api/collections/{collection}");
    for _ in 0..2 * TIMES {
        let began = Instant::now();
        let read = anna.get(&whole).header("accept-encoding", "identity").await.ok();
        reads.push(began.elapsed());
        assert!(read.text.len() > BYTES / 2, "{} bytes came", read.text.len());
        let began = Instant::now();
        anna.get(&whole).await.ok();
        packed.push(began.elapsed());
    }
    app.kill();
    let size = document.len() as f64 / 1e6;
    vec![
        Row {
            what: format!("import of {REQUESTS} requests ({size:.1} MB)"),
            measured: format!("**{}**", millis(median(imports))),
            goal: "≤ 200 ms",
            peer: "1,200–2,200 ms",
        },
        Row {
            what: format!("reading them back ({} with gzip)", millis(median(packed))),
            measured: format!("**{}**", millis(median(reads))),
            goal: "≤ 15 ms",
            peer: "134–189 ms",
        },
    ]
}

/// Requests as people have them: headers, a query, a body, a script, and words about each, of [`BYTES`] together.
fn document() -> String {
    let bare = one(0).to_string().len();
    let words: Vec<&str> = "the parcel is sent to a depot and waits there until somebody asks for it by its number".split(' ').collect();
    let described = |number: usize| {
        let mut text = String::new();
        let mut step = number;
        while text.len() + bare + 20 < BYTES / REQUESTS {
            step = step.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(&format!("{} {} ", words[(step >> 33) % words.len()], (step >> 40) % 1000));
        }
        let mut item = one(number);
        item["request"]["description"] = json!(text);
        item
    };
    let folder = |folder: usize| {
        let requests: Vec<Value> = (0..20).map(|request| described(folder * 20 + request)).collect();
        samples::folder(&format!("Folder {folder}"), &requests)
    };
    let folders: Vec<Value> = (0..REQUESTS / 20).map(folder).collect();
    samples::collection("Measured", &folders)
}

fn one(number: usize) -> Value {
    let method = ["GET", "POST", "PUT", "DELETE"][number % 4];
    json!({
        "name": format!("Parcel {number}"),
        "event": [{"listen": "test", "script": {"type": "text/javascript", "exec": ["pm.test('ok', () => pm.response.to.have.status(200));"]}}],
        "request": {
            "method": method,
            "header": [{"key": "Accept", "value": "application/json"}, {"key": "X-Trace", "value": format!("{{{{trace}}}}-{number}")}],
            "body": {"mode": "raw", "raw": format!("{{\n  \"number\": {number},\n  \"weight\": 1.0\n}}"), "options": {"raw": {"language": "json"}}},
            "url": {"raw": format!("{{{{base}}}}/parcels/{number}?full=true"), "host": ["{{base}}"], "path": ["parcels", number.to_string()],
                "query": [{"key": "full", "value": "true"}]},
        },
        "response": [],
    })
}

//! Merges that go into lists, scripts and texts; requests that are done once; JSON Patch.

use serde_json::{Value, json};
use tests::faults::{Fault, Faults};
use tests::{TestApp, samples};

use crate::assert_gapless;

/// A request with a bit of everything that merges in parts.
fn rich() -> Value {
    json!({
        "name": "rich", "description": "First.\nSecond.\nThird.\n",
        "event": [{"listen": "test", "script": {"exec": ["one();", "two();", "three();"]}}],
        "request": {
            "method": "POST", "url": {"raw": "https://a.example/?q=1", "query": [{"key": "q", "value": "1"}]},
            "header": [{"key": "A", "value": "1"}, {"key": "B", "value": "1"}, {"key": "B", "value": "2"}],
            "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "x"}]},
            "body": {"mode": "formdata", "formdata": [{"key": "f", "value": "1"}]}
        },
        "response": []
    })
}

#[tokio::test]
async fn lists_scripts_and_texts_merge_in_parts() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let made = anna.post_text("/api/collections", samples::collection("Merge", &[rich()])).await.ok();
        let id = made.at("/collection/id").as_str().expect("id").to_owned();
        let path = format!("/api/collections/{id}/items/{}", anna.item_named(&id, "rich").await);
        let seen = anna.get(&path).await.ok();
        let edited = |places: &[(&str, Value)]| {
            let mut item = seen.json();
            for (pointer, value) in places {
                *item.pointer_mut(pointer).unwrap_or_else(|| panic!("nothing at {pointer}")) = value.clone();
            }
            item.to_string()
        };
        let theirs = edited(&[
            ("/description", json!("First.\nSecond.\nThird, by them.\n")),
            ("/event/0/script/exec", json!(["one();", "two();", "three();", "four();"])),
            ("/request/header", json!([{"key": "T", "value": "t"}, {"key": "A", "value": "1"}, {"key": "B", "value": "1"}, {"key": "B", "value": "theirs"}])),
            ("/request/url/query", json!([{"key": "q", "value": "1"}, {"key": "theirs", "value": "1"}])),
            ("/request/auth/bearer/0/value", json!("theirs")),
        ]);
        anna.put_if(&path, &seen.etag(), theirs).await.ok();
        let mine = edited(&[
            ("/description", json!("First, by me.\nSecond.\nThird.\n")),
            ("/event/0/script/exec", json!(["zero();", "one();", "two();", "three();"])),
            ("/request/header", json!([{"key": "A", "value": "mine"}, {"key": "B", "value": "1"}, {"key": "B", "value": "2"}, {"key": "M", "value": "m"}])),
            ("/request/url/query", json!([{"key": "mine", "value": "1"}, {"key": "q", "value": "1"}])),
            ("/request/body/formdata", json!([{"key": "f", "value": "mine"}])),
        ]);
        let merged = anna.put_if(&path, &seen.etag(), mine.clone()).await.ok();
        assert_eq!(merged.at("/merged"), true);
        assert_eq!(merged.at("/description"), "First, by me.\nSecond.\nThird, by them.\n");
        assert_eq!(merged.at("/event/0/script/exec"), json!(["zero();", "one();", "two();", "three();", "four();"]));
        let pairs = |pointer: &str| -> Vec<String> {
            let list = merged.at(pointer);
            let each = list.as_array().into_iter().flatten();
            each.map(|entry| format!("{}={}", entry["key"].as_str().unwrap_or("?"), entry["value"].as_str().unwrap_or("?"))).collect()
        };
        assert_eq!(pairs("/request/header"), ["T=t", "A=mine", "B=1", "B=theirs", "M=m"]);
        assert_eq!(pairs("/request/url/query"), ["mine=1", "q=1", "theirs=1"]);
        assert_eq!((pairs("/request/auth/bearer"), pairs("/request/body/formdata")), (vec!["token=theirs".to_owned()], vec!["f=mine".to_owned()]));

        // The same line and the same header by both: each place is named, nothing is written.
        let clash = edited(&[
            ("/description", json!("First.\nSecond.\nThird, by me.\n")),
            ("/request/header/2/value", json!("mine")),
            ("/request/method", json!("PUT")),
        ]);
        let refused = anna.put_if(&path, &seen.etag(), clash).await.refused(409, "conflict");
        let places: Vec<Value> = refused.at("/conflicts").as_array().into_iter().flatten().map(|one| one["pointer"].clone()).collect();
        assert_eq!(places, [json!("/description"), json!("/request/header/3/value")], "{refused}");
        // Written in another way, with the keys in another order: no conflict, nothing to keep.
        let again = anna.get(&path).await.ok();
        let other = again.text.replace("\"rich\"", "\"\\u0072ich\"").replace("\",\"", "\" , \"");
        assert_eq!(anna.put_if(&path, &seen.etag(), other).await.ok().etag(), again.etag());
        assert_gapless(&anna.changes(&id, 0).await, 3);
    })
    .await;
}

#[tokio::test]
async fn json_patches_are_done_whole_or_not_at_all() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let made = anna.post_text("/api/collections", samples::CURIOUS).await.ok();
        let id = made.at("/collection/id").as_str().expect("id").to_owned();
        let path = format!("/api/collections/{id}/items/kept-id-1");
        let patch = |patch: Value| anna.patch(&path, patch.to_string()).header("content-type", "application/json-patch+json");
        let done = patch(json!([
            {"op": "test", "path": "/request/body/options/a", "value": 1},
            {"op": "add", "path": "/request/body/options/z", "value": [1]},
            {"op": "move", "from": "/request/body/options/z", "path": "/y"},
            {"op": "remove", "path": "/y"}
        ]));
        assert_eq!(done.await.ok().etag(), "\"1\"", "in the end nothing changed");
        let answer = patch(json!([{"op": "replace", "path": "/name", "value": "patched"}, {"op": "add", "path": "/x", "value": [1]}, {"op": "copy", "from": "/name", "path": "/x/0"}])).await.ok();
        assert!(answer.text.contains("\"name\":\"patched\"") && answer.text.contains("\"x\":[\"patched\",1]"), "{answer}");
        for kept in ["1e3", "1E+3", "\"d\":-0", "0.10", "12345678901234567890", "1e400", "\"response\":[]"] {
            assert!(answer.text.replace(": ", ":").contains(kept), "{kept} in {}", answer.text);
        }
        let refused = patch(json!([{"op": "remove", "path": "/x"}, {"op": "test", "path": "/name", "value": "else"}])).await.refused(422, "rejected");
        assert_eq!(refused.at("/errors/0/pointer"), "/1/value");
        patch(json!([{"op": "add", "path": "/response/-", "value": {"name": "example"}}])).await.refused(422, "rejected");
        patch(json!([{"op": "replace", "path": "", "value": 1}])).await.refused(422, "rejected");
        patch(json!({"name": "n"})).await.refused(422, "rejected");
        assert_eq!(anna.get(&path).await.ok().text, answer.text, "nothing of them is written");
        let merge = anna.patch(&path, "{\"x\": null}").header("content-type", "application/merge-patch+json").await.ok();
        assert!(!merge.text.contains("\"x\":"), "{merge}");
    })
    .await;
}

#[tokio::test]
async fn a_retry_after_a_lost_answer_is_not_a_second_edit() {
    let faults = Faults::new();
    let app = TestApp::with(faults.options()).await;
    let anna = app.user("anna").await;
    let workspace = anna.get("/api/workspaces").await.ok().at("/workspaces/0/id").as_str().expect("id").to_owned();
    let collection = anna.import(&workspace, samples::of_requests("Once", 2)).await;
    let path = format!("/api/collections/{collection}");
    let (first, second) = (anna.item_named(&collection, "request 0").await, anna.item_named(&collection, "request 1").await);
    app.settle().await;
    let mut head = 1;
    for (index, (method, address, body)) in [
        ("PATCH", format!("{path}/items/{first}"), json!({"name": "renamed"}).to_string()),
        ("PUT", format!("{path}/items/{first}"), samples::request("replaced").to_string()),
        ("POST", format!("{path}/items"), samples::request("new").to_string()),
        ("POST", format!("{path}/items/{first}/move"), json!({"parent": null, "after": null}).to_string()),
        ("DELETE", format!("{path}/items/{second}"), String::new()),
        ("PATCH", path.clone(), json!({"collection": {"name": "Renamed"}}).to_string()),
        ("PUT", path.clone(), samples::of_requests("Replaced", 1)),
        ("POST", format!("/api/collections?workspace={workspace}"), samples::of_requests("Another", 1)),
        ("DELETE", path.clone(), String::new()),
    ]
    .into_iter()
    .enumerate()
    {
        let ask = || {
            let ask = anna.ask(method, &address).header("idempotency-key", &format!("mutation {index}"));
            if body.is_empty() { ask } else { ask.json(body.clone()) }
        };
        // Written, and the answer lost as often as the SDK asks again.
        faults.reset();
        faults.next("TransactWriteItems", 1_000, Fault::LostAnswer);
        let lost = ask().await;
        assert!(500 <= lost.status, "{lost}");
        faults.reset();
        let (one, two) = (ask().await.ok(), ask().await.ok());
        assert_eq!((one.status, &one.text, one.header("etag")), (two.status, &two.text, two.header("etag")), "{method} {address}");
        assert_eq!(faults.counts().get("TransactWriteItems"), None, "{method} {address} is written once");
        if !address.contains("?workspace=") {
            head += 1;
        }
        if method != "DELETE" || address != path {
            let changes = anna.changes(&collection, 0).await;
            assert_gapless(&changes, head);
        }
        if address.ends_with(&first) {
            assert_eq!(one.etag(), format!("\"{head}\""));
        }
    }
    assert_eq!(anna.get("/api/collections").await.ok().at("/collections").as_array().map(Vec::len), Some(1));
    anna.get(&path).await.refused(404, "not_found");
    // A key is for one request, and each caller's own.
    let other = anna.post("/api/collections", json!({"info": {"name": "x"}})).header("idempotency-key", "mutation 0").await;
    other.refused(422, "rejected");
    anna.post("/api/collections", json!({"info": {"name": "x"}})).header("idempotency-key", "").await.refused(400, "malformed");
    let bob = app.user("bob").await;
    bob.post_text("/api/collections", samples::of_requests("Bob's", 1)).header("idempotency-key", "mutation 0").await.ok();
    // A day later it is forgotten.
    let address = format!("/api/collections?workspace={workspace}");
    let create = || anna.post_text(&address, samples::of_requests("Another", 1)).header("idempotency-key", "mutation 7");
    let kept = create().await.ok().at("/collection/id");
    app.advance("PT25H").await;
    app.settle().await;
    let anna = app.sign_in("anna").await;
    let create = || anna.post_text(&address, samples::of_requests("Another", 1)).header("idempotency-key", "mutation 7");
    assert_ne!(create().await.ok().at("/collection/id"), kept);
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn the_same_request_at_the_same_time_is_done_once() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let made = anna.post_text("/api/collections", samples::of_requests("Twice", 1)).await.ok();
        let id = made.at("/collection/id").as_str().expect("id").to_owned();
        let items = format!("/api/collections/{id}/items");
        let add = || anna.post(&items, samples::request("once")).header("idempotency-key", "the same");
        let answers = futures::future::join_all((0..6).map(|_| async { add().await })).await;
        for answer in &answers {
            assert!(answer.status == 200 || (answer.status == 409 && answer.at("/code") == "under_way"), "{answer}");
        }
        let first = add().await.ok();
        assert!(answers.iter().filter(|answer| answer.status == 200).all(|answer| answer.text == first.text));
        assert_eq!(anna.items(&id).await.len(), 2);
        assert_gapless(&anna.changes(&id, 0).await, 2);
    })
    .await;
}

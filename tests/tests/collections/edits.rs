//! Editing one element: based on what was seen, merged where it can be, refused with everything to choose from where not.

use serde_json::json;
use tests::{Client, TestApp, samples};

use crate::assert_gapless;

/// A collection of one request, `ping`: its id, and the path of the request.
async fn one_request(anna: &Client) -> (String, String) {
    let made = anna.post_text("/api/collections", samples::collection("Edits", &[samples::request("ping")])).await.ok();
    let id = made.at("/collection/id").as_str().expect("id").to_owned();
    let path = format!("/api/collections/{id}/items/{}", anna.item_named(&id, "ping").await);
    (id, path)
}

#[tokio::test]
async fn fresh_stale_and_overlapping() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let (id, path) = one_request(&anna).await;
        let seen = anna.get(&path).await.ok();

        // Fresh.
        let fresh = anna.put_if(&path, &seen.etag(), seen.text.replace("\"GET\"", "\"HEAD\"")).await.ok();
        assert_eq!((fresh.etag().as_str(), fresh.json().get("merged")), ("\"2\"", None), "{fresh}");

        // Stale, and elsewhere: both are kept, whatever is an object's member or an array's entry.
        let named = anna.put_if(&path, &seen.etag(), seen.text.replace("\"ping\",", "\"pong\",")).await.ok();
        assert_eq!((named.at("/merged"), named.etag()), (json!(true), "\"3\"".to_owned()), "{named}");
        assert_eq!((named.at("/name"), named.at("/request/method")), (json!("pong"), json!("HEAD")));
        let read = anna.get(&path).await.ok();
        assert_eq!(read.json().get("merged"), None, "only the answer says so");
        assert_eq!((read.at("/name"), read.at("/request/method")), (json!("pong"), json!("HEAD")));

        // Stale, and at the same place: nothing is written, everything is told.
        let mine = seen.text.replace("\"ping\",", "\"mine\",");
        let refused = anna.put_if(&path, &seen.etag(), mine.clone()).await.refused(409, "conflict");
        assert_eq!(refused.at("/base/name"), "ping");
        assert_eq!(refused.at("/mine/name"), "mine");
        assert_eq!(refused.at("/theirs/name"), "pong");
        assert_eq!(refused.at("/conflicts"), json!([{"pointer": "/name", "base": "ping", "mine": "mine", "theirs": "pong"}]));
        assert_eq!(refused.at("/choices"), json!(["mine", "theirs", "merge"]));
        assert_eq!(refused.at("/revision"), 3);
        assert_eq!(anna.get(&path).await.ok().text, read.text);

        // The choice "mine": the same again, based on what is there.
        let chosen = anna.put_if(&path, "\"3\"", refused.at("/mine").to_string()).await.ok();
        assert_eq!((chosen.at("/name"), chosen.etag()), (json!("mine"), "\"4\"".to_owned()));
        // The losing value stays in the history.
        let changes = anna.changes(&id, 0).await;
        assert_gapless(&changes, 4);
        let names: Vec<_> = changes[3]["changes"].as_array().into_iter().flatten().filter(|change| change["pointer"] == "/name").collect();
        assert_eq!(names, [&json!({"pointer": "/name", "before": "pong", "after": "mine"})]);
    })
    .await;
}

#[tokio::test]
async fn who_wants_no_merge_gets_none() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let (_, path) = one_request(&anna).await;
        let seen = anna.get(&path).await.ok();
        anna.patch(&path, r#"{"name": "theirs"}"#).await.ok();
        let strict = |text: String| anna.put_if(&path, "\"1\"", text).header("prefer", "handling=strict");
        let refused = strict(seen.text.replace("\"GET\"", "\"HEAD\"")).await.refused(412, "stale");
        assert_eq!(refused.at("/revision"), 2);
        anna.delete(&path).header("if-match", "\"1\"").await.refused(412, "stale");
        anna.put_if(&path, "\"2\"", seen.text.clone()).header("prefer", "handling=strict").await.ok();
        anna.put_if(&path, "not a revision", seen.text.clone()).await.refused(400, "malformed");
        // As Postman's clients do it: whatever is there.
        let any = anna.put(&path, seen.text.replace("\"GET\"", "\"POST\"")).await.ok();
        assert_eq!(any.at("/request/method"), "POST");
        let known = anna.get(&path).header("if-none-match", &any.etag()).await;
        assert_eq!((known.status, known.text.as_str()), (304, ""));
        anna.get(&path).await.status(200);
    })
    .await;
}

#[tokio::test]
async fn an_edit_that_changes_nothing_is_no_change() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let (id, path) = one_request(&anna).await;
        let seen = anna.get(&path).await.ok();
        for answer in [
            anna.put(&path, seen.text.clone()).await.ok(),
            anna.put_if(&path, &seen.etag(), seen.text.replace("\":", "\" : ")).await.status(200),
            anna.patch(&path, "{}").await.ok(),
            anna.patch(&path, r#"{"name": "ping", "absent": null}"#).await.ok(),
        ] {
            assert_eq!(answer.etag(), "\"1\"", "{answer}");
        }
        assert_eq!(anna.changes(&id, 0).await.len(), 1);
        // The same edit by two people is one edit.
        let named = seen.text.replace("\"ping\",", "\"pong\",");
        anna.put_if(&path, "\"1\"", named.clone()).await.ok();
        assert_eq!(anna.put_if(&path, "\"1\"", named).await.ok().etag(), "\"2\"");
        assert_eq!(anna.changes(&id, 0).await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn patches_set_remove_and_leave_the_rest_as_written() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let made = anna.post_text("/api/collections", samples::CURIOUS).await.ok();
        let id = made.at("/collection/id").as_str().expect("id").to_owned();
        let path = format!("/api/collections/{id}/items/kept-id-1");
        let answer = anna.patch(&path, r#"{"name": "n", "request": {"method": null, "body": {"options": {"a": 2.50}}}}"#).await.ok();
        for kept in ["\"a\":2.50", "1e3", "1E+3", "\"d\":-0", "0.10", "12345678901234567890", "1e400", "\"response\":[]"] {
            assert!(answer.text.replace(": ", ":").contains(kept), "{kept} in {}", answer.text);
        }
        assert!(!answer.text.contains("method"), "{}", answer.text);
        let refused = anna.patch(&path, r#"{"response": [{"name": "example"}]}"#).await.refused(422, "rejected");
        assert_eq!(refused.at("/errors/0/pointer"), "/response");
        anna.put(&path, "[]").await.refused(422, "rejected");
        anna.put(&path, "{").await.refused(400, "malformed");
        anna.patch(&format!("/api/collections/{id}/items/absent"), "{}").await.refused(404, "not_found");
        // The collection's own part, the way Postman's clients do it and ours.
        let patched = anna
            .patch(&format!("/api/collections/{id}"), r#"{"collection": {"name": "Renamed", "info": {"description": "d"}}}"#)
            .await
            .ok();
        assert_eq!((patched.at("/collection/name"), patched.at("/collection/description")), (json!("Renamed"), json!("d")));
        let whole = anna.get(&format!("/api/collections/{id}")).await.ok();
        assert!(whole.text.contains("\"name\":\"Renamed\""), "{whole}");
        assert!(whole.text.replace(": ", ":").contains("\"x-unknown\":12345678901234567890"));
        assert_eq!(anna.get("/api/collections").await.ok().at("/collections/0/name"), "Renamed");
        anna.patch(&format!("/api/collections/{id}"), r#"{"collection": {"item": []}}"#).await.refused(422, "rejected");
    })
    .await;
}

#[tokio::test]
async fn changes_are_numbered_without_a_gap_and_read_in_pages() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let (id, path) = one_request(&anna).await;
        for round in 0..130 {
            anna.patch(&path, json!({"name": format!("round {round}")}).to_string()).await.ok();
        }
        assert_gapless(&anna.changes(&id, 0).await, 131);
        let page = anna.get(&format!("/api/collections/{id}/changes?since=120&limit=3")).await.ok();
        let numbers: Vec<_> = page.at("/changes").as_array().into_iter().flatten().map(|change| change["seq"].clone()).collect();
        assert_eq!((numbers, page.at("/head")), (vec![json!(121), json!(122), json!(123)], json!(131)));
        assert_eq!(page.at("/changes/0/op"), "update");
        assert_eq!(page.at("/changes/0/actor/username"), "anna");
        assert_eq!(page.at("/changes/0/changes"), json!([{"pointer": "/name", "before": "round 118", "after": "round 119"}]));
        let level = anna.get(&format!("/api/collections/{id}/changes?since=131")).await.ok();
        assert_eq!((level.at("/changes"), level.at("/head")), (json!([]), json!(131)));
        anna.get(&format!("/api/collections/{id}/changes?since=-1")).await.refused(400, "malformed");
    })
    .await;
}

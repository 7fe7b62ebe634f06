//! Work behind an answer: asked for with `Prefer: respond-async`, done once, whoever dies at it. And requests that are done
//! once because they say so.

use serde_json::{Value, json};
use tests::faults::{Fault, Faults};
use tests::{Client, Reply, TestApp, samples};

use crate::assert_gapless;

/// Asks until it is over. A poll does what nobody is at, so the first one answers.
async fn over(who: &Client, begun: &Reply) -> Value {
    assert_eq!((begun.status, begun.header("preference-applied")), (202, "respond-async"), "{begun}");
    assert_eq!(begun.at("/task/status"), "in-progress");
    who.get(begun.header("location")).await.ok().json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn big_imports_are_done_behind_the_answer() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let bob = app.user("bob").await;
        let begun = anna.post_text("/api/collections", samples::of_requests("Later", 120)).header("prefer", "respond-async").await;
        assert_eq!(anna.get("/api/collections").await.ok().at("/collections"), json!([]), "nothing yet");
        bob.get(begun.header("location")).await.refused(404, "not_found");
        let done = over(&anna, &begun).await;
        assert_eq!((&done["status"], &done["meta"]), (&json!("completed"), &json!({"model": "collection", "action": "import"})));
        let id = done["result"]["collection"]["id"].as_str().expect("id").to_owned();
        assert_eq!(begun.at("/collection/id"), id);
        assert_eq!(done["details"]["resources"][0]["url"], format!("/collections/{id}"));
        assert_eq!(anna.items(&id).await.len(), 120);
        assert_eq!(anna.get(begun.header("location")).await.ok().json(), done, "and says so again");

        let path = format!("/api/collections/{id}");
        let begun = anna.put(&path, samples::of_requests("Replaced", 100)).header("prefer", "handling=lenient, respond-async").await;
        let done = over(&anna, &begun).await;
        assert_eq!((&done["status"], &done["id"]), (&json!("successful"), &begun.at("/task/id")));
        assert_eq!(anna.items(&id).await.len(), 100);
        assert_gapless(&anna.changes(&id, 0).await, 2);
        // What is refused says why.
        let begun = anna.put(&path, "{\"info\": 7}").header("prefer", "respond-async").await;
        let done = over(&anna, &begun).await;
        assert_eq!(done["status"], "failed");
        assert!(done["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{done}");
        let stale = anna.put_if(&path, "\"1\"", samples::of_requests("Stale", 1)).header("prefer", "respond-async").await;
        assert_eq!(over(&anna, &stale).await["status"], "failed");

        let curl = "curl https://a.example/one\ncurl -X POST https://a.example/two";
        let begun = anna.post_text("/api/import", curl).header("content-type", "text/plain").header("prefer", "respond-async").await;
        let done = over(&anna, &begun).await;
        assert_eq!((&done["status"], &done["result"]["report"]["taken"]["requests"]), (&json!("completed"), &json!(2)), "{done}");
        let begun = anna.post_text("/api/import", "what is this?").header("prefer", "respond-async").await;
        let done = over(&anna, &begun).await;
        assert!(done["status"] == "failed" && done["details"].is_string(), "{done}");

        // A file in parts.
        let file = samples::of_requests("In parts", 90);
        let upload = anna.post("/api/uploads", json!({"bytes": file.len()})).await.status(201).at("/upload/id");
        let upload = format!("/api/uploads/{}", upload.as_str().expect("id"));
        anna.put(&format!("{upload}/parts/0"), file).await.ok();
        let begun = anna.post(&format!("{upload}/commit"), json!({})).header("prefer", "respond-async").await;
        let done = over(&anna, &begun).await;
        assert_eq!(done["result"]["collection"]["name"], "In parts");
        assert_eq!(anna.post(&format!("{upload}/commit"), json!({})).await.ok().json(), done["result"]);

        // A copy in another workspace.
        let team = app.team(&anna, 1).await;
        let begun = anna.post(&format!("{path}/duplicates"), json!({"workspace": team.workspace, "suffix": "Copy"})).await.ok();
        assert_eq!(begun.at("/task/status"), "processing");
        let task = begun.at("/task/id");
        let done = anna.get(&format!("/api/collection-duplicate-tasks/{}", task.as_str().expect("id"))).await.ok().json();
        assert_eq!(done["task"], json!({"id": task, "status": "completed", "reason": null}));
        let copy = done["collection"]["id"].as_str().expect("id").to_owned();
        let name = anna.get(&format!("/api/collections/{copy}")).await.ok().at("/collection/info/name");
        assert_eq!((name, anna.items(&copy).await.len()), (json!("Replaced Copy"), 100));
        assert_ne!(anna.item_named(&copy, "request 7").await, anna.item_named(&id, "request 7").await);
        anna.post(&format!("{path}/duplicates"), json!({"workspace": "nowhere"})).await.refused(422, "rejected");
        bob.post(&format!("{path}/duplicates"), json!({"workspace": team.workspace})).await.refused(404, "not_found");
        app.mails().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_whose_worker_died_is_taken_up_and_done_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let faults = Faults::new();
    let app = TestApp::in_folder(folder.path(), faults.options()).await;
    let anna = app.user("anna").await;
    let begun =
        anna.post_text("/api/collections", samples::of_requests("Taken up", 400)).header("prefer", "respond-async").await.status(202);
    faults.reset();
    faults.later("BatchWriteItem", 2, 1_000, Fault::Hang);
    let (asker, address) = (anna.clone(), begun.header("location").to_owned());
    let asking = tokio::spawn(async move { asker.get(&address).await });
    faults.hanging().await;
    app.kill();
    asking.abort();

    let app = TestApp::in_folder(folder.path(), Faults::new().options()).await;
    let anna = app.sign_in("anna").await;
    assert_eq!(anna.get(begun.header("location")).await.ok().at("/status"), "pending", "the dead one still has it");
    app.advance("PT2M").await;
    app.settle().await;
    let listed = anna.get("/api/collections").await.ok().at("/collections");
    assert_eq!((listed.as_array().map(Vec::len), &listed[0]["name"]), (Some(1), &json!("Taken up")), "the courier did it");
    let done = anna.get(begun.header("location")).await.ok();
    assert_eq!(done.at("/status"), "completed", "{done}");
    assert_eq!(anna.items(listed[0]["id"].as_str().expect("id")).await.len(), 400);
    assert!(!app.table_keys().await.iter().any(|(_, sk)| sk.starts_with("PIECE#")), "what it was done with is gone");
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn what_says_that_it_is_done_once_is_done_once() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let team = json!({"name": "Once", "handle": "once"});
        let make = |key: &'static str| anna.post("/api/teams", team.clone()).header("idempotency-key", key);
        let made = make("a team").await.ok();
        let again = make("a team").await.ok();
        assert_eq!((again.text.as_str(), again.header("idempotency-replayed")), (made.text.as_str(), "true"));
        assert_eq!(again.header("content-type"), made.header("content-type"));
        make("another").await.refused(409, "handle_taken");
        make("another").await.refused(409, "handle_taken");
        anna.post("/api/me/api-keys", json!({"name": "a key"})).header("idempotency-key", "a team").await.refused(422, "rejected");

        // One invitation, one mail; the link is in no item of the table but behind a seal.
        let id = made.at("/team/id").as_u64().expect("id");
        anna.post(&format!("/api/teams/{id}/seats"), json!({"count": 3})).await.ok();
        let invite = || anna.post(&format!("/api/teams/{id}/invites"), json!({"emails": ["bob@example.com"], "role": "viewer"})).header("idempotency-key", "bob");
        let first = invite().await.ok();
        assert_eq!(invite().await.ok().text, first.text);
        assert_eq!(app.mails_to("bob@example.com").await.len(), 1);
        let bob = app.user("bob").await;
        bob.post("/api/teams", json!({"name": "Bob's", "handle": "bobs"})).header("idempotency-key", "a team").await.ok();

        // All collections of a file, or those that are missing.
        let file = json!({"_type": "export", "__export_format": 4, "resources": [
            {"_id": "wrk_1", "_type": "workspace", "name": "One"}, {"_id": "req_1", "_type": "request", "parentId": "wrk_1", "name": "a", "method": "GET", "url": "https://a.example"},
            {"_id": "wrk_2", "_type": "workspace", "name": "Two"}, {"_id": "req_2", "_type": "request", "parentId": "wrk_2", "name": "b", "method": "GET", "url": "https://b.example"},
        ]});
        let import = || anna.post("/api/import", file.clone()).header("idempotency-key", "both");
        let first = import().await.ok();
        assert_eq!(first.at("/collections").as_array().map(Vec::len), Some(2), "{first}");
        assert_eq!(import().await.ok().json(), first.json());
        assert_eq!(anna.get("/api/collections").await.ok().at("/collections").as_array().map(Vec::len), Some(2));
        anna.post_text("/api/collections", samples::of_requests("Other", 1)).header("idempotency-key", "both").await.refused(422, "rejected");
        app.mails().await;
    })
    .await;
}

//! Carrying elements to other places and collections, and adding more of them than a transaction takes.

use serde_json::{Value, json};
use tests::faults::{Fault, Faults};
use tests::{Client, TestApp, samples};

use crate::assert_gapless;

fn many(name: &str, count: usize) -> Value {
    let inside: Vec<Value> = (0..count).map(|index| samples::request(&format!("{name} {index}"))).collect();
    samples::folder(name, &[samples::folder(&format!("{name} inner"), &inside), samples::request(&format!("{name} last"))])
}

async fn import(who: &Client, name: &str, items: &[Value]) -> String {
    let made = who.post_text("/api/collections", samples::collection(name, items)).await.ok().at("/collection/id");
    made.as_str().expect("id").to_owned()
}

async fn names(who: &Client, collection: &str) -> Vec<String> {
    who.items(collection).await.iter().map(|item| item["name"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_elements_as_one_likes_are_added_and_copied_at_once() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let collection = import(&anna, "Large", &[samples::request("first")]).await;
        let path = format!("/api/collections/{collection}");
        let added = anna.post(&format!("{path}/items"), many("big", 250)).await.ok();
        let big = added.at("/id").as_str().expect("id").to_owned();
        assert_eq!(added.etag(), "\"2\"");
        assert_eq!(names(&anna, &collection).await.len(), 1 + 253);
        let copy = anna.post(&format!("{path}/items/{big}/duplicate"), json!({})).header("idempotency-key", "once").await.ok();
        let again = anna.post(&format!("{path}/items/{big}/duplicate"), json!({})).header("idempotency-key", "once").await.ok();
        assert_eq!(copy.text, again.text);
        let all = names(&anna, &collection).await;
        assert_eq!((all.len(), all[0].as_str(), all[1].as_str(), all[254].as_str()), (1 + 2 * 253, "first", "big", "big Copy"));
        let changes = anna.changes(&collection, 0).await;
        assert_gapless(&changes, 3);
        assert_eq!(changes[2]["counts"]["created"], 253);

        // It is an element like any other: edited, found in the history, deleted as a whole, brought back.
        let inside = anna.item_named(&collection, "big 249").await;
        anna.patch(&format!("{path}/items/{inside}"), json!({"name": "edited"}).to_string()).await.ok();
        assert_eq!(anna.get(&format!("{path}/at/2")).await.ok().at("/collection/item").as_array().map(Vec::len), Some(2));
        anna.delete(&format!("{path}/items/{big}")).await.ok();
        assert_eq!(names(&anna, &collection).await.len(), 1 + 253);
        anna.post(&format!("{path}/restore"), json!({"seq": 4, "item": big})).await.ok();
        assert_eq!(names(&anna, &collection).await.len(), 1 + 2 * 253);

        // Ids that come along are kept, and are not taken twice.
        let mut known = many("known", 100);
        known["id"] = json!("known-folder");
        known["item"][0]["item"][7]["id"] = json!("known-seven");
        anna.post(&format!("{path}/items"), known.clone()).await.ok();
        let before = names(&anna, &collection).await;
        anna.post(&format!("{path}/items"), known.clone()).await.refused(409, "element_exists");
        known["id"] = json!("another-folder");
        anna.post(&format!("{path}/items"), known).await.refused(409, "element_exists");
        assert_eq!(names(&anna, &collection).await, before);
        anna.get(&format!("{path}/items/known-seven")).await.ok();
        anna.post(&format!("{path}/items?parent=nothing"), many("lost", 100)).await.refused(404, "not_found");
        app.mails().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_in_the_middle_of_a_large_addition() {
    let folder = tempfile::tempdir().expect("a folder");
    let faults = Faults::new();
    let app = TestApp::in_folder(folder.path(), faults.options()).await;
    let anna = app.user("anna").await;
    let collection = import(&anna, "Killed", &[samples::request("first")]).await;
    let path = format!("/api/collections/{collection}");
    app.settle().await;
    faults.reset();
    // Four that write, at the same time; the fifth shows what they wrote.
    faults.later("TransactWriteItems", 4, 1_000, Fault::Hang);
    let (adder, address) = (anna.clone(), format!("{path}/items"));
    let adding = tokio::spawn(async move { adder.post(&address, many("big", 300)).await });
    faults.hanging().await;
    app.kill();
    adding.abort();

    let app = TestApp::in_folder(folder.path(), Faults::new().options()).await;
    let anna = app.sign_in("anna").await;
    assert_eq!(names(&anna, &collection).await, ["first"]);
    assert_gapless(&anna.changes(&collection, 0).await, 1);
    let there = async || app.table_keys().await.into_iter().filter(|(_, sk)| sk.starts_with("EL#") || sk.starts_with("ADD#")).count();
    assert!(there().await > 90, "what was begun is there, unseen");
    anna.post(&format!("{path}/items"), samples::request("second")).await.ok();
    app.advance("PT2H").await;
    app.settle().await;
    assert_eq!(there().await, 3, "the root and what is seen");
    let anna = app.sign_in("anna").await;
    anna.post(&format!("{path}/items"), many("big", 300)).await.ok();
    assert_eq!(names(&anna, &collection).await.len(), 2 + 303);
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn folders_requests_and_responses_are_carried_in_the_postman_apis_shape() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let team = app.team(&anna, 3).await;
        let bob = app.join(&team, "bob", "viewer").await;
        let request = |name: &str| json!({"name": name, "request": {"method": "GET", "url": "https://a.example"}, "response": [{"name": format!("{name} answers"), "originalRequest": {}, "code": 200}]});
        let from = anna.import(&team.workspace, samples::collection("From", &[samples::folder("F", &[request("one"), request("two")]), request("three")])).await;
        let to = anna.import(&team.workspace, samples::collection("To", &[samples::folder("G", &[request("four")]), request("five")])).await;
        let uid = |id: &str| format!("{}-{id}", anna.id);
        let id = async |collection: &str, name: &str| uid(&anna.item_named(collection, name).await);
        let call = |what: &str, body: Value| anna.post(&format!("/api/collection-{what}-transfers"), body);

        // A copy of two requests, in order, before another one.
        let body = json!({"ids": [id(&from, "one").await, id(&from, "two").await], "mode": "copy",
            "target": {"model": "folder", "id": id(&to, "G").await}, "location": {"position": "before", "model": "request", "id": id(&to, "four").await}});
        let copied = call("requests", body.clone()).header("idempotency-key", "copy").await.ok().json();
        assert_eq!(copied["ids"].as_array().map(Vec::len), Some(2));
        assert_eq!(call("requests", body).header("idempotency-key", "copy").await.ok().json(), copied, "once");
        assert_eq!(names(&anna, &to).await, ["G", "one", "one answers", "two", "two answers", "four", "four answers", "five", "five answers"]);
        assert_eq!(names(&anna, &from).await.len(), 7);

        // A folder moves with everything in it, and keeps its ids.
        let folder = anna.item_named(&from, "F").await;
        let body = json!({"ids": [uid(&folder)], "mode": "move", "target": {"model": "collection", "id": uid(&to)}, "location": {"position": "start", "model": null, "id": null}});
        assert_eq!(call("folders", body).await.ok().json(), json!({"ids": [uid(&folder)]}));
        assert_eq!(names(&anna, &from).await, ["three", "three answers"]);
        assert_eq!(names(&anna, &to).await[..2], ["F", "one"]);
        // And back: it was there, and was deleted; it comes again.
        let body = json!({"ids": [uid(&folder)], "mode": "move", "target": {"model": "collection", "id": from}, "location": {"position": "end"}});
        call("folders", body).await.ok();
        assert_eq!(names(&anna, &from).await, ["three", "three answers", "F", "one", "one answers", "two", "two answers"]);
        assert!(!names(&anna, &to).await.contains(&"F".to_owned()));

        // Inside one collection it is a move like any other; a response goes to a request only.
        let body = json!({"ids": [id(&from, "three answers").await], "mode": "move", "target": {"model": "request", "id": id(&from, "one").await}, "location": {"position": "start"}});
        call("responses", body).await.ok();
        assert_eq!(names(&anna, &from).await, ["three", "F", "one", "three answers", "one answers", "two", "two answers"]);
        let body = json!({"ids": [id(&from, "one answers").await], "mode": "copy", "target": {"model": "folder", "id": id(&to, "G").await}, "location": {"position": "end"}});
        assert!(call("responses", body).await.refused(422, "rejected").text.contains("/target/model"));
        let body = json!({"ids": [id(&from, "one").await], "mode": "copy", "target": {"model": "collection", "id": to}, "location": {"position": "end"}});
        assert!(call("folders", body.clone()).await.refused(422, "rejected").text.contains("/ids/0"));

        // Rights on both ends; what one does not see is not there.
        assert_eq!(bob.post("/api/collection-requests-transfers", body.clone()).await.status, 403);
        let own = bob.post_text("/api/collections", samples::collection("Bob's", &[])).await.ok().at("/collection/id");
        let mut into = body.clone();
        into["target"] = json!({"model": "collection", "id": own});
        bob.post("/api/collection-requests-transfers", into.clone()).await.ok();
        into["mode"] = json!("move");
        assert_eq!(bob.post("/api/collection-requests-transfers", into).await.status, 403);
        let carl = app.user("carl").await;
        carl.post("/api/collection-requests-transfers", body).await.refused(422, "rejected");
        app.mails().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_that_was_cut_off_is_ended_by_the_same_request() {
    let folder = tempfile::tempdir().expect("a folder");
    let faults = Faults::new();
    let app = TestApp::in_folder(folder.path(), faults.options()).await;
    let anna = app.user("anna").await;
    let from = import(&anna, "From", &[many("moved", 3)]).await;
    let to = import(&anna, "To", &[]).await;
    let moved = anna.item_named(&from, "moved").await;
    let body = json!({"ids": [format!("{}-{moved}", anna.id)], "collection": from, "mode": "move", "target": {"model": "collection", "id": to}, "location": {"position": "end"}});
    app.settle().await;
    faults.reset();
    faults.later("TransactWriteItems", 1, 1_000, Fault::Hang);
    let (mover, sent) = (anna.clone(), body.clone());
    let moving = tokio::spawn(async move { mover.post("/api/collection-folders-transfers", sent).await });
    faults.hanging().await;
    app.kill();
    moving.abort();

    let app = TestApp::in_folder(folder.path(), Faults::new().options()).await;
    let anna = app.sign_in("anna").await;
    assert_eq!((names(&anna, &from).await.len(), names(&anna, &to).await.len()), (6, 6), "nothing is lost");
    anna.post("/api/collection-folders-transfers", body).await.ok();
    assert_eq!((names(&anna, &from).await.len(), names(&anna, &to).await.len()), (0, 6));
    app.mails().await;
    app.finish().await;
}

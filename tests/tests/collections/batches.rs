//! Several edits at once, however large each of them is: all of them or none.

use serde_json::{Value, json};
use tests::faults::{Fault, Faults};
use tests::{Client, TestApp, samples};

use crate::assert_gapless;

async fn import(anna: &Client, file: String) -> (String, String) {
    let id = anna.post_text("/api/collections", file).await.ok().at("/collection/id").as_str().expect("id").to_owned();
    (id.clone(), format!("/api/collections/{id}"))
}

/// A folder of `count` requests, named after it, whose ids are given.
fn folder(name: &str, count: usize) -> Value {
    let requests = (0..count).map(|index| {
        let mut request = samples::request(&format!("{name} {index}"));
        request["id"] = json!(format!("{name}-{index}"));
        request
    });
    json!({"id": name, "name": name, "item": requests.collect::<Vec<_>>()})
}

/// How many items stand in the one at a place of a collection.
fn inside(whole: &Value, name: &str) -> usize {
    let items = whole["collection"]["item"].as_array().expect("items");
    items.iter().find(|item| item["name"] == name).map_or(0, |item| item["item"].as_array().map_or(0, Vec::len))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_several_edits_may_be_large() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let file = samples::collection("Large", &[folder("moved", 300), folder("gone", 120), folder("also-gone", 60), folder("stays", 2)]);
        let (id, path) = import(&anna, file).await;
        let batch = |operations: &Value| anna.post(&format!("{path}/batch"), json!({"operations": operations}));
        let edits = json!([
            {"op": "create", "item": folder("made", 400)},
            {"op": "patch", "id": "made-17", "patch": {"name": "named here"}},
            {"op": "move", "id": "moved", "parent": "made"},
            {"op": "delete", "id": "gone"},
            {"op": "delete", "id": "also-gone"},
            {"op": "create", "parent": "stays", "item": folder("second", 95)},
            {"op": "move", "id": "second-3", "parent": null},
            {"op": "delete", "id": "made-18"},
            {"op": "patch", "id": "stays-0", "patch": {"name": "patched"}},
        ]);
        // One that cannot be: nothing is done, and nothing of it is left.
        let before = anna.get(&path).await.ok();
        app.settle().await;
        let keys = app.table_keys().await.len();
        let mut wrong = edits.clone();
        wrong.as_array_mut().expect("a list").push(json!({"op": "delete", "id": "nobody"}));
        assert_eq!(batch(&wrong).await.refused(404, "not_found").at("/operation"), 9);
        let twice = json!([edits[0], edits[0]]);
        assert_eq!(batch(&twice).await.refused(409, "element_exists").at("/operation"), 1);
        assert_eq!(anna.get(&path).await.ok().text, before.text);
        app.settle().await;
        assert_eq!(app.table_keys().await.len(), keys, "what was written ahead is taken back");

        let done = batch(&edits).await.ok();
        let revisions: Vec<u64> = done.at("/results").as_array().into_iter().flatten().filter_map(|one| one["revision"].as_u64()).collect();
        assert_eq!((revisions.len(), revisions[0], revisions[8]), (9, 2, 10), "{done}");
        let whole = anna.get(&path).await.ok().json();
        assert_eq!(["made", "stays", "gone", "also-gone", "moved"].map(|name| inside(&whole, name)), [400, 3, 0, 0, 0]);
        let text = whole.to_string();
        assert!(text.contains("named here") && text.contains("patched") && text.contains("moved 299") && !text.contains("\"made-18\""));
        // Each is a change of its own, and each state between them can be read.
        assert_gapless(&anna.changes(&id, 0).await, 10);
        let at = async |seq: usize| anna.get(&format!("{path}/at/{seq}")).await.ok().json();
        assert_eq!(at(1).await, serde_json::from_str::<Value>(&before.text).expect("JSON"));
        assert_eq!((inside(&at(2).await, "made"), inside(&at(4).await, "made"), inside(&at(5).await, "gone")), (400, 401, 0));
        assert_eq!(anna.get(&format!("{path}/items/made-5/history")).await.ok().at("/changes/0/seq"), 2);
        anna.get(&format!("{path}/items/gone-7")).await.refused(404, "not_found");
        // What was deleted comes back with all that was in it.
        anna.post(&format!("{path}/restore"), json!({"seq": 4, "item": "gone"})).await.ok();
        assert_eq!(inside(&anna.get(&path).await.ok().json(), "gone"), 120);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_as_are_promised_fit_together() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let (id, path) = import(&anna, samples::of_requests("Many", 32)).await;
        let batch = |operations: Vec<Value>| anna.post(&format!("{path}/batch"), json!({"operations": operations}));
        let items = anna.items(&id).await;
        let transactions = batch((0..32).map(|index| json!({"op": "create", "item": folder(&format!("f{index}"), 4)})).collect());
        assert_eq!(transactions.await.ok().at("/done"), 32);
        let deletions = items.iter().map(|item| json!({"op": "delete", "id": item["id"]})).collect();
        assert_eq!(batch(deletions).await.ok().at("/done"), 32);
        let whole = anna.get(&path).await.ok().json();
        assert_eq!(whole["collection"]["item"].as_array().map(Vec::len), Some(32));
        assert!((0..32).all(|index| inside(&whole, &format!("f{index}")) == 4));
        // Forty that change or add one element each: with the last one refused, none is done.
        let folders = anna.items(&id).await;
        let folders: Vec<&Value> = folders.iter().filter(|item| item["parent"].is_null()).collect();
        let patch = |item: &Value| json!({"op": "patch", "id": item["id"], "patch": {"description": "all or none"}});
        let mut forty: Vec<Value> = folders.iter().map(|item| patch(item)).collect();
        forty.extend((32..39).map(|index| json!({"op": "create", "item": {"name": format!("new {index}"), "request": {}}})));
        forty.push(json!({"op": "patch", "id": "nobody", "patch": {"name": "x"}}));
        assert_eq!(forty.len(), 40);
        assert_eq!(batch(forty.clone()).await.refused(404, "not_found").at("/operation"), 39);
        assert_gapless(&anna.changes(&id, 0).await, 65);
        forty[39] = patch(folders[0]);
        forty[39]["patch"]["description"] = json!("once more");
        assert_eq!(batch(forty).await.ok().at("/done"), 40);
        assert_gapless(&anna.changes(&id, 0).await, 105);

        // More bytes than a transaction takes: which one is too many is told, and those before it fit.
        let long = |index: usize| json!({"op": "create", "item": {"name": format!("long {index}"), "request": {"description": samples::noise(200_000)}}});
        let long: Vec<Value> = (0..24).map(long).collect();
        let refused = batch(long.clone()).await.refused(413, "batch_too_large");
        let fits = usize::try_from(refused.at("/operation").as_u64().expect("a place")).expect("small");
        assert!(4 < fits && fits < 24, "{refused}");
        assert_gapless(&anna.changes(&id, 0).await, 105);
        assert_eq!(batch(long[..fits].to_vec()).await.ok().at("/done"), fits);
        batch(long[fits..2 * fits].to_vec()).await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_was_offline_may_have_made_much() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let (id, path) = import(&anna, samples::of_requests("Offline", 1)).await;
        let sent = json!({"since": 1, "operations": [
            {"key": "1", "op": "create", "item": folder("small", 2)},
            {"key": "2", "op": "create", "parent": "small", "item": folder("large", 200)},
            {"key": "3", "op": "patch", "id": "large-3", "patch": {"name": "mine"}},
            {"key": "4", "op": "create", "item": folder("larger", 300)},
            {"key": "5", "op": "create", "item": folder("small", 100)},
            {"key": "6", "op": "delete", "id": "larger-4"},
        ]});
        let sync = async || {
            let answer = anna.post(&format!("{path}/sync"), sent.clone()).await.ok();
            let results = answer.at("/results");
            let said: Vec<String> =
                results.as_array().expect("a list").iter().map(|one| format!("{} {}", one["status"], one["revision"])).collect();
            (said, answer.at("/head"))
        };
        let first = sync().await;
        let expected = ["\"applied\" 2", "\"applied\" 3", "\"applied\" 4", "\"applied\" 5", "\"failed\" null", "\"applied\" 5"];
        assert_eq!(first, (expected.map(str::to_owned).to_vec(), json!(6)));
        assert_eq!(sync().await, first, "nothing is done twice");
        assert_eq!(anna.items(&id).await.len(), 1 + 3 + 201 + 300);
        assert_gapless(&anna.changes(&id, 0).await, 6);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_batch_that_dies_is_as_if_it_had_not_begun() {
    let directory = tempfile::tempdir().expect("a folder");
    let faults = Faults::new();
    let app = TestApp::in_folder(directory.path(), faults.options()).await;
    let anna = app.user("anna").await;
    let (_, path) = import(&anna, samples::of_requests("Dies", 1)).await;
    let before = anna.get(&path).await.ok().text;
    app.settle().await;
    let edits = json!({"operations": [
        {"op": "create", "item": folder("one", 150)},
        {"op": "create", "item": folder("two", 150)},
    ]});
    // What stands in the two is written in four transactions; the one that would show them never is.
    faults.reset();
    faults.later("TransactWriteItems", 4, 1_000, Fault::Hang);
    let (editor, address, sent) = (anna.clone(), format!("{path}/batch"), edits.clone());
    let editing = tokio::spawn(async move { editor.post(&address, sent).await });
    faults.hanging().await;
    app.kill();
    editing.abort();

    let app = TestApp::in_folder(directory.path(), Faults::new().options()).await;
    let anna = app.sign_in("anna").await;
    assert_eq!(anna.get(&path).await.ok().text, before);
    let elements = async || app.table_keys().await.into_iter().filter(|(_, sk)| sk.starts_with("EL#")).count();
    let left = elements().await;
    assert!(left > 300, "{left}");
    app.advance("PT2H").await;
    app.settle().await;
    assert_eq!(elements().await, left - 300, "the janitor takes away what nobody saw");
    let anna = app.sign_in("anna").await;
    anna.post(&format!("{path}/batch"), edits).await.ok();
    let whole = anna.get(&path).await.ok().json();
    assert_eq!([inside(&whole, "one"), inside(&whole, "two")], [150, 150]);
    app.mails().await;
    app.finish().await;
}

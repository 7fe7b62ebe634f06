//! A process that dies in the middle of many edits: what it left is seen by nobody, and is finished by the next.

use serde_json::Value;
use tests::faults::{Fault, Faults};
use tests::{TestApp, samples};

use crate::assert_gapless;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_is_deleted_as_a_whole_even_where_the_process_dies() {
    let folder = tempfile::tempdir().expect("a folder");
    let faults = Faults::new();
    let app = TestApp::in_folder(folder.path(), faults.options()).await;
    let anna = app.user("anna").await;
    let many: Vec<Value> = (0..120).map(|index| samples::request(&format!("inside {index}"))).collect();
    let inner = samples::folder("inner", &many);
    let file = samples::collection("Kill", &[samples::folder("full", &[inner]), samples::request("beside")]);
    let id = anna.post_text("/api/collections", file).await.ok().at("/collection/id").as_str().expect("id").to_owned();
    let path = format!("/api/collections/{id}");
    let (full, inner) = (anna.item_named(&id, "full").await, anna.item_named(&id, "inner").await);
    let (inside, beside) = (anna.item_named(&id, "inside 119").await, anna.item_named(&id, "beside").await);
    app.settle().await;

    // The folder itself is deleted; what stands in it is never marked.
    faults.reset();
    faults.later("TransactWriteItems", 1, 1_000, Fault::Hang);
    let (deleter, address) = (anna.clone(), format!("{path}/items/{full}"));
    let deleting = tokio::spawn(async move { deleter.delete(&address).await });
    faults.hanging().await;
    app.kill();
    deleting.abort();

    let faults = Faults::new();
    let app = TestApp::in_folder(folder.path(), faults.options()).await;
    let anna = app.sign_in("anna").await;
    assert_eq!(anna.items(&id).await.len(), 1);
    for gone in [&full, &inner, &inside] {
        let item = format!("{path}/items/{gone}");
        anna.get(&item).await.refused(404, "not_found");
        anna.patch(&item, "{\"name\": \"x\"}").await.refused(404, "not_found");
        anna.delete(&item).await.refused(404, "not_found");
        anna.post(&format!("{item}/move"), serde_json::json!({"parent": null})).await.refused(404, "not_found");
        anna.post(&format!("{path}/items?parent={gone}"), samples::request("lost")).await.refused(404, "not_found");
    }
    assert_gapless(&anna.changes(&id, 0).await, 2);
    anna.patch(&format!("{path}/items/{beside}"), "{\"name\": \"still here\"}").await.ok();

    // The janitor has been there: nobody has to look any more.
    app.advance("PT1H").await;
    app.settle().await;
    let anna = app.sign_in("anna").await;
    faults.reset();
    anna.get(&format!("{path}/items/{inside}")).await.refused(404, "not_found");
    anna.get(&format!("{path}/items/{inside}")).await.refused(404, "not_found");
    assert_eq!(faults.counts().get("Query"), None, "{:?}", faults.counts());

    // Ninety days later it is gone for ever.
    let elements = async || app.table_keys().await.into_iter().filter(|(_, sk)| sk.starts_with("EL#") || sk.starts_with("TRASH#")).count();
    assert_eq!(elements().await, 1 + 122 + 1 + 1, "the root, what was deleted, what was not, the place in the trash");
    app.advance("PT2161H").await;
    app.settle().await;
    assert_eq!(elements().await, 2);
    app.mails().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_in_steps_goes_on_where_it_was_cut_off() {
    let folder = tempfile::tempdir().expect("a folder");
    let faults = Faults::new();
    let app = TestApp::in_folder(folder.path(), faults.options()).await;
    let anna = app.user("anna").await;
    let made = anna.post_text("/api/collections", samples::of_requests("Steps", 1)).await.ok().at("/collection/id");
    let id = made.as_str().expect("id").to_owned();
    let path = format!("/api/collections/{id}");
    let edits: Vec<Value> =
        (0..130).map(|index| serde_json::json!({"op": "create", "item": samples::request(&format!("step {index}"))})).collect();
    let edits = serde_json::json!({"operations": edits});
    app.settle().await;
    // Two steps are written; the answer to the third never comes.
    faults.reset();
    faults.later("TransactWriteItems", 2, 1_000, Fault::Hang);
    let (editor, address, sent) = (anna.clone(), format!("{path}/batch"), edits.clone());
    let editing = tokio::spawn(async move { editor.post(&address, sent).header("idempotency-key", "steps").await });
    faults.hanging().await;
    app.kill();
    editing.abort();

    let app = TestApp::in_folder(folder.path(), Faults::new().options()).await;
    let anna = app.sign_in("anna").await;
    let there = anna.items(&id).await.len();
    assert!(there == 1 + 80 || there == 1 + 120, "each step is there as a whole or not at all: {there}");
    let done = anna.post(&format!("{path}/batch"), edits.clone()).header("idempotency-key", "steps").await.ok();
    assert_eq!((done.at("/done"), done.at("/results").as_array().map(Vec::len)), (serde_json::json!(130), Some(130)));
    let names: Vec<String> = anna.items(&id).await.iter().map(|item| item["name"].as_str().unwrap_or_default().to_owned()).collect();
    let expected: Vec<String> = std::iter::once("request 0".to_owned()).chain((0..130).map(|index| format!("step {index}"))).collect();
    assert_eq!(names, expected);
    assert_gapless(&anna.changes(&id, 0).await, 131);
    assert_eq!(anna.post(&format!("{path}/batch"), edits).header("idempotency-key", "steps").await.ok().text, done.text);
    app.mails().await;
    app.finish().await;
}

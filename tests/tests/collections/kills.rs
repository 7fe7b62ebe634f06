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

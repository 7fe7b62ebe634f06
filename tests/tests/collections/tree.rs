//! The tree: adding, moving, deleting.

use serde_json::{Value, json};
use tests::{TestApp, samples};

use crate::assert_gapless;

/// The names of a level, in order; with those below a name in brackets.
fn shape(level: &Value) -> String {
    let one = |item: &Value| {
        let name = item["name"].as_str().unwrap_or("?").to_owned();
        let below = [&item["item"], &item["response"]].map(shape).concat();
        if below.is_empty() { name } else { format!("{name}({below})") }
    };
    level.as_array().map(|items| items.iter().map(one).collect::<Vec<_>>().join(" ")).unwrap_or_default()
}

#[tokio::test]
async fn items_are_added_moved_and_deleted() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let file =
            samples::collection("Tree", &[samples::folder("a", &[samples::request("a1"), samples::request("a2")]), samples::request("b")]);
        let made = anna.post_text("/api/collections", file).await.ok();
        let id = made.at("/collection/id").as_str().expect("id").to_owned();
        let items = format!("/api/collections/{id}/items");
        let now = async || shape(&anna.get(&format!("/api/collections/{id}")).await.ok().at("/collection/item"));
        let (a, a1, b) = (anna.item_named(&id, "a").await, anna.item_named(&id, "a1").await, anna.item_named(&id, "b").await);
        let added = async |place: String, item: Value| {
            let answer = anna.post(&format!("{items}{place}"), item).await.ok();
            answer.at("/id").as_str().expect("id").to_owned()
        };

        added(String::new(), samples::request("c")).await;
        let in_front = added(format!("?parent={a}&after={a1}"), samples::request("a1b")).await;
        let example = added(format!("?parent={b}"), json!({"name": "200 OK", "code": 200, "body": ""})).await;
        assert_eq!(now().await, "a(a1 a1b a2) b(200 OK) c");
        let folder = added(
            format!("?parent={a}"),
            samples::folder("inner", &[samples::request("i1"), samples::folder("innermost", &[samples::request("leaf")])]),
        )
        .await;
        assert_eq!(now().await, "a(a1 a1b a2 inner(i1 innermost(leaf))) b(200 OK) c");
        let tree = anna.get(&format!("{items}?parent={a}&depth=1")).await.ok();
        assert_eq!(shape(&tree.at("/items")), "a1 a1b a2 inner");

        let relocate = |item: &str, to: Value| anna.post(&format!("{items}/{item}/move"), to);
        relocate(&in_front, json!({"parent": null, "after": null})).await.ok();
        assert_eq!(now().await, "a1b a(a1 a2 inner(i1 innermost(leaf))) b(200 OK) c");
        relocate(&in_front, json!({"parent": a, "after": a1})).await.ok();
        relocate(&b, json!({"parent": folder})).await.ok();
        assert_eq!(now().await, "a(a1 a1b a2 inner(i1 innermost(leaf) b(200 OK))) c");
        relocate(&folder, json!({"parent": null, "after": a})).await.ok();
        assert_eq!(now().await, "a(a1 a1b a2) inner(i1 innermost(leaf) b(200 OK)) c");

        // What cannot be.
        let innermost = anna.item_named(&id, "innermost").await;
        relocate(&folder, json!({"parent": folder})).await.refused(409, "inside_itself");
        relocate(&folder, json!({"parent": innermost})).await.refused(409, "inside_itself");
        relocate(&a, json!({"parent": b})).await.refused(422, "wrong_parent");
        relocate(&example, json!({"parent": a})).await.refused(422, "wrong_parent");
        relocate(&a, json!({"parent": "absent"})).await.refused(404, "not_found");
        relocate("absent", json!({"parent": null})).await.refused(404, "not_found");
        anna.post(&format!("{items}?parent=absent"), samples::request("x")).await.refused(404, "not_found");
        anna.post(&format!("{items}?parent={example}"), samples::request("x")).await.refused(422, "wrong_parent");
        anna.post(&items, json!({"id": b, "name": "the same id"})).await.refused(409, "element_exists");
        anna.post_text(&items, "[]").await.refused(422, "rejected");

        // An element that was deleted is gone, with everything in it.
        anna.delete(&format!("{items}/{folder}")).await.ok();
        assert_eq!(now().await, "a(a1 a1b a2) c");
        for gone in [&folder, &innermost, &b, &example] {
            anna.get(&format!("{items}/{gone}")).await.refused(404, "not_found");
            anna.patch(&format!("{items}/{gone}"), "{\"name\": \"x\"}").await.refused(404, "not_found");
        }
        anna.delete(&format!("{items}/{folder}")).await.refused(404, "not_found");
        anna.post(&format!("{items}?parent={folder}"), samples::request("x")).await.refused(404, "not_found");

        let changes = anna.changes(&id, 0).await;
        assert_gapless(&changes, 10);
        let ops: Vec<&str> = changes.iter().filter_map(|change| change["op"].as_str()).collect();
        assert_eq!(ops, ["import", "create", "create", "create", "create", "move", "move", "move", "move", "delete"]);
    })
    .await;
}

#[tokio::test]
async fn moving_to_one_place_for_long_keeps_the_order() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let made = anna.post_text("/api/collections", samples::of_requests("Order", 6)).await.ok();
        let id = made.at("/collection/id").as_str().expect("id").to_owned();
        let items: Vec<String> = anna.items(&id).await.iter().filter_map(|item| item["id"].as_str().map(str::to_owned)).collect();
        let mut expected = items.clone();
        for round in 0..40 {
            // The last one goes to the front, again and again.
            let last = expected.pop().expect("six items");
            let to = if round % 2 == 0 { json!({"parent": null, "after": null}) } else { json!({"parent": null, "after": expected[0]}) };
            anna.post(&format!("/api/collections/{id}/items/{last}/move"), to).await.ok();
            expected.insert(round % 2, last);
        }
        let now: Vec<String> = anna.items(&id).await.iter().filter_map(|item| item["id"].as_str().map(str::to_owned)).collect();
        assert_eq!(now, expected);
    })
    .await;
}

#[tokio::test]
async fn a_folder_with_more_in_it_than_a_transaction_takes() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let many: Vec<Value> = (0..130).map(|index| samples::request(&format!("inside {index}"))).collect();
        let file = samples::collection("Delete", &[samples::folder("full", &many), samples::request("beside")]);
        let made = anna.post_text("/api/collections", file).await.ok();
        let id = made.at("/collection/id").as_str().expect("id").to_owned();
        let (folder, inside) = (anna.item_named(&id, "full").await, anna.item_named(&id, "inside 129").await);
        anna.delete(&format!("/api/collections/{id}/items/{folder}")).await.ok();
        assert_eq!(shape(&anna.get(&format!("/api/collections/{id}")).await.ok().at("/collection/item")), "beside");
        assert_eq!(anna.items(&id).await.len(), 1);
        for gone in [&folder, &inside] {
            anna.get(&format!("/api/collections/{id}/items/{gone}")).await.refused(404, "not_found");
            anna.patch(&format!("/api/collections/{id}/items/{gone}"), "{\"name\": \"x\"}").await.refused(404, "not_found");
        }
        assert_gapless(&anna.changes(&id, 0).await, 2);
        // More than a transaction takes is one change, too.
        anna.post(&format!("/api/collections/{id}/items"), samples::folder("full again", &many)).await.ok();
        assert_eq!(anna.items(&id).await.len(), 1 + 131);
        assert_gapless(&anna.changes(&id, 0).await, 3);
    })
    .await;
}

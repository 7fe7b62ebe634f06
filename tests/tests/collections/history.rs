//! Going back: any number of a collection, any element, what was deleted. And several edits at once.

use serde_json::{Value, json};
use tests::{Client, TestApp, samples};

use crate::assert_gapless;

async fn import(anna: &Client, file: String) -> (String, String) {
    let id = anna.post_text("/api/collections", file).await.ok().at("/collection/id").as_str().expect("id").to_owned();
    (id.clone(), format!("/api/collections/{id}"))
}

#[tokio::test]
async fn every_number_can_be_read_and_brought_back() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let file = samples::collection(
            "History",
            &[samples::folder("a", &[samples::request("a1"), samples::request("a2")]), samples::request("b"), samples::request("c")],
        );
        let (id, path) = import(&anna, file).await;
        let ids: Vec<String> = ["a", "a1", "a2", "b", "c"].map(str::to_owned).to_vec();
        let mut of = std::collections::BTreeMap::new();
        for name in ids {
            of.insert(name.clone(), anna.item_named(&id, &name).await);
        }
        let item = |name: &str| format!("{path}/items/{}", of[name]);
        // What the collection was after each change, as it was read then.
        let mut states = vec![String::new(), anna.get(&path).await.ok().text];
        macro_rules! note {
            ($what:literal) => {
                let read = anna.get(&path).await.ok();
                assert_eq!(read.etag(), format!("\"{}\"", states.len()), concat!($what, " is one change"));
                states.push(read.text);
            };
        }
        anna.patch(&item("b"), json!({"name": "b2", "request": {"method": null}}).to_string()).await.ok();
        note!("a place that goes");
        let seen = anna.get(&item("c")).await.ok().json();
        let turned = format!("{{\"id\":{},\"response\":[],\"request\":{},\"name\":\"c\"}}", seen["id"], seen["request"]);
        anna.put(&item("c"), turned).await.ok();
        note!("other order of keys");
        anna.post(&format!("{}/move", item("b")), json!({"parent": of["a"], "after": of["a1"]})).await.ok();
        note!("a move");
        anna.post(&format!("{path}/items?parent={}", of["a"]), samples::folder("new", &[samples::request("n1"), samples::request("n2")]))
            .await
            .ok();
        note!("a folder with content");
        anna.delete(&item("a")).await.ok();
        note!("a folder goes");
        anna.patch(&path, json!({"collection": {"name": "Renamed", "variable": [{"key": "v", "value": "1"}]}}).to_string()).await.ok();
        note!("the collection's own part");
        anna.put(&path, samples::of_requests("Replaced", 3)).await.ok();
        note!("a whole replacement");
        let first = anna.item_named(&id, "request 0").await;
        anna.patch(&format!("{path}/items/{first}"), json!({"name": "first"}).to_string()).await.ok();
        note!("an edit behind it");
        let head = states.len() - 1;
        for (seq, state) in states.iter().enumerate().skip(1) {
            assert_eq!(&anna.get(&format!("{path}/at/{seq}")).await.ok().text, state, "as of {seq}");
        }
        anna.get(&format!("{path}/at/0")).await.refused(404, "not_found");
        anna.get(&format!("{path}/at/{}", head + 1)).await.refused(404, "not_found");

        // What was deleted lies in the trash, and comes back as it was, also behind a whole replacement.
        let trash = anna.get(&format!("{path}/trash")).await.ok();
        assert_eq!(
            (trash.at("/trash/0/item/name"), trash.at("/trash/0/count"), trash.at("/trash/0/by/username")),
            (json!("a"), json!(7), json!("anna"))
        );
        let restored = anna.post(&format!("{path}/restore"), trash.at("/trash/0/restore")).await.ok();
        assert_eq!(restored.at("/revision"), head + 1);
        note!("a folder from the trash");
        let now = anna.get(&path).await.ok();
        let names = |level: &Value| level.as_array().into_iter().flatten().map(|one| one["name"].clone()).collect::<Vec<_>>();
        assert_eq!(names(&now.at("/collection/item")).len(), 4, "{now}");
        let folder =
            now.at("/collection/item").as_array().into_iter().flatten().find(|one| one["name"] == "a").cloned().expect("the folder");
        assert_eq!(names(&folder["item"]), ["a1", "b2", "a2", "new"]);
        anna.get(&item("a2")).await.ok();

        // All of it, several times, and each is a change that can be read and undone itself.
        for seq in [1, 5, head, 6, head + 1] {
            anna.post(&format!("{path}/restore"), json!({"seq": seq})).await.ok();
            let now = anna.get(&path).await.ok().text;
            assert_eq!(&now, &states[seq], "restored as of {seq}");
            if anna.get(&path).await.ok().etag() == format!("\"{}\"", states.len()) {
                states.push(now);
            }
        }
        for (seq, state) in states.iter().enumerate().skip(1) {
            assert_eq!(&anna.get(&format!("{path}/at/{seq}")).await.ok().text, state, "as of {seq}, in the end");
        }
        let before = anna.get(&path).await.ok();
        anna.post(&format!("{path}/restore"), json!({"seq": states.len() - 1})).await.ok();
        assert_eq!(anna.get(&path).await.ok().etag(), before.etag(), "what is so already is no change");
        assert_gapless(&anna.changes(&id, 0).await, states.len() as u64 - 1);
        anna.post(&format!("{path}/restore"), json!({"seq": 1, "item": "absent"})).await.refused(404, "not_found");

        // What happened to one request, the latest first, with who and which program.
        let program = anna.with("user-agent", "probe/1.0");
        program.patch(&item("b"), json!({"name": "see"}).to_string()).await.ok();
        let history = anna.get(&format!("{}/history", item("b"))).await.ok();
        assert_eq!((history.at("/changes/0/client"), history.at("/changes/0/op")), (json!("probe/1.0"), json!("update")));
        assert_eq!(history.at("/changes/0/changes"), json!([{"pointer": "/name", "before": "b2", "after": "see"}]));
        let page = anna.get(&format!("{}/history?limit=1", item("b"))).await.ok();
        let next = anna.get(&format!("{}/history?limit=50&cursor={}", item("b"), page.at("/cursor"))).await.ok();
        let (all, rest) = (history.at("/changes"), next.at("/changes"));
        assert_eq!(all.as_array().map(|all| all[1..].to_vec()), rest.as_array().cloned());
        assert!(all.as_array().is_some_and(|all| all.len() > 2), "{history}");
    })
    .await;
}

#[tokio::test]
async fn a_large_folder_and_a_whole_collection_come_back() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let team = app.team(&anna, 1).await;
        let many: Vec<Value> = (0..130).map(|index| samples::request(&format!("inside {index}"))).collect();
        let file = samples::collection("Large", &[samples::folder("full", &many), samples::request("beside")]);
        let id = anna.import(&team.workspace, file).await;
        let path = format!("/api/collections/{id}");
        let before = anna.get(&path).await.ok().text;
        let (full, inside) = (anna.item_named(&id, "full").await, anna.item_named(&id, "inside 7").await);
        anna.delete(&format!("{path}/items/{full}")).await.ok();
        assert_eq!(anna.items(&id).await.len(), 1);
        anna.get(&format!("{path}/items/{inside}/history")).await.ok();
        anna.post(&format!("{path}/restore"), json!({"seq": 1, "item": full})).await.ok();
        assert_eq!(anna.get(&path).await.ok().text, before);
        anna.patch(&format!("{path}/items/{inside}"), "{\"name\": \"again\"}").await.ok();
        anna.get(&format!("{path}/at/2")).await.ok();
        assert_eq!(anna.get(&format!("{path}/at/3")).await.ok().text, before);

        // The collection itself.
        let now = anna.get(&path).await.ok().text;
        anna.delete(&path).await.ok();
        anna.get(&path).await.refused(404, "not_found");
        let trash = anna.get(&format!("/api/workspaces/{}/trash", team.workspace)).await.ok();
        assert_eq!(
            (trash.at("/collections/0/id"), trash.at("/collections/0/name"), trash.at("/collections/0/count")),
            (json!(id), json!("Large"), json!(132))
        );
        anna.post(&format!("/api/trash/{id}/restore"), json!(null)).await.ok();
        assert_eq!(anna.get(&path).await.ok().text, now);
        anna.post(&format!("/api/trash/{id}/restore"), json!(null)).await.refused(404, "not_found");
        assert_eq!(anna.get(&format!("/api/workspaces/{}/trash", team.workspace)).await.ok().at("/collections"), json!([]));
        assert_eq!(anna.get(&format!("/api/collections?workspace={}", team.workspace)).await.ok().at("/collections/0/name"), "Large");
        anna.patch(&format!("{path}/items/{inside}"), "{\"name\": \"and again\"}").await.ok();
        assert_gapless(&anna.changes(&id, 0).await, 7);

        // Ninety days after it was deleted again, nothing of it is left.
        anna.delete(&path).await.ok();
        app.settle().await;
        app.advance("PT2162H").await;
        app.settle().await;
        let left: Vec<_> = app.table_keys().await.into_iter().filter(|(pk, sk)| pk.contains(&id) || sk.contains(&id)).collect();
        assert!(left.iter().all(|(pk, _)| pk.starts_with("FEED#")), "{left:#?}");
        app.mails().await;
    })
    .await;
}

#[tokio::test]
async fn many_edits_are_one_or_none_and_copies_are_new() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let (id, path) = import(&anna, samples::of_requests("Batch", 3)).await;
        let (first, second, third) =
            (anna.item_named(&id, "request 0").await, anna.item_named(&id, "request 1").await, anna.item_named(&id, "request 2").await);
        let batch = |operations: Value| anna.post(&format!("{path}/batch"), json!({"operations": operations}));
        let done = batch(json!([
            {"op": "create", "item": {"id": "made-here", "name": "folder", "item": []}},
            {"op": "move", "id": first, "parent": "made-here"},
            {"op": "patch", "id": first, "patch": {"name": "moved and named"}},
            {"op": "create", "parent": first, "item": {"name": "200 OK", "code": 200}},
            {"op": "patch", "id": second, "base": 1, "patch": [{"op": "replace", "path": "/name", "value": "patched"}]},
            {"op": "delete", "id": third}
        ]))
        .await
        .ok();
        let results = done.at("/results");
        let revisions: Vec<_> = results.as_array().into_iter().flatten().map(|one| one["revision"].clone()).collect();
        assert_eq!(revisions[..5], [json!(2), json!(3), json!(4), json!(5), json!(6)], "{done}");
        assert_eq!((done.at("/done"), done.at("/cursor")), (json!(6), json!(null)));
        let now = anna.get(&path).await.ok();
        assert_eq!(now.at("/collection/item/1/item/0/name"), "moved and named", "{now}");
        assert_eq!(now.at("/collection/item/1/item/0/response/0/name"), "200 OK");
        assert_gapless(&anna.changes(&id, 0).await, 7);
        for seq in 1..=7 {
            anna.get(&format!("{path}/at/{seq}")).await.ok();
        }
        // One that cannot be, and nothing is done.
        let refused = batch(json!([{"op": "patch", "id": second, "patch": {"name": "no"}}, {"op": "delete", "id": third}]))
            .await
            .refused(404, "not_found");
        assert_eq!(refused.at("/operation"), 1);
        let refused = batch(
            json!([{"op": "move", "id": first, "parent": null}, {"op": "patch", "id": second, "base": 1, "patch": {"name": "mine"}}]),
        )
        .await
        .refused(409, "conflict");
        assert_eq!((refused.at("/operation"), refused.at("/theirs/name")), (json!(1), json!("patched")));
        let wrong = batch(json!([{"op": "nonsense"}, {"op": "move"}])).await.refused(422, "rejected");
        assert_eq!((wrong.at("/errors/0/pointer"), wrong.at("/errors/1/pointer")), (json!("/operations/0/op"), json!("/operations/1/id")));
        assert_eq!(anna.get(&path).await.ok().text, now.text);

        // More than fit together are done in steps; sent again with the same key, nothing is done twice.
        let many: Vec<Value> = (0..95).map(|index| json!({"op": "create", "item": samples::request(&format!("step {index}"))})).collect();
        let steps = || batch(json!(many)).header("idempotency-key", "in steps");
        let (one, two) = (steps().await.ok(), steps().await.ok());
        assert_eq!((one.at("/done"), one.at("/total"), &one.text), (json!(95), json!(95), &two.text));
        assert_gapless(&anna.changes(&id, 0).await, 7 + 95);

        // Copies have ids of their own.
        let copy = anna.post(&format!("{path}/items/made-here/duplicate"), json!(null)).await.ok();
        assert_eq!(copy.at("/name"), "folder Copy");
        let (other, there) = import(&anna, samples::of_requests("Other", 1)).await;
        anna.post(&format!("{path}/items/made-here/copy"), json!({"collection": other, "after": null})).await.ok();
        let read = anna.get(&there).await.ok();
        assert_eq!(read.at("/collection/item/0/item/0/response/0/name"), "200 OK", "{read}");
        assert_ne!(read.at("/collection/item/0/id"), "made-here");
        let bob = app.user("bob").await;
        bob.post(&format!("{path}/items/made-here/copy"), json!({"collection": other})).await.refused(404, "not_found");
        let (own, _) = import(&bob, samples::of_requests("Bob's", 1)).await;
        anna.post(&format!("{path}/items/made-here/copy"), json!({"collection": own})).await.refused(422, "rejected");
    })
    .await;
}

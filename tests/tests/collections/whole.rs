//! Replacing and deleting whole collections.

use serde_json::{Value, json};
use tests::{TestApp, samples};

use crate::{assert_gapless, assert_same};

#[tokio::test]
async fn a_replacement_keeps_ids_and_says_what_it_did() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let file = samples::collection("Before", &[samples::request("same"), samples::request("changed"), samples::request("gone")]);
        let made = anna.post_text("/api/collections", file).await.ok();
        let id = made.at("/collection/id").as_str().expect("id").to_owned();
        let path = format!("/api/collections/{id}");
        let before = anna.items(&id).await;
        let of =
            |items: &[Value], name: &str, member: &str| items.iter().find(|item| item["name"] == name).map(|item| item[member].clone());
        // As text, so that what stays the same does: the order of keys is a part of it.
        let read = anna.get(&path).await.ok();
        let mut gone = samples::request("gone").to_string();
        gone.insert_str(gone.len() - 1, &format!(",\"id\":{}", of(&before, "gone", "id").expect("id")));
        assert!(read.text.contains(&gone), "{gone} in {read}");
        let whole = read.text.replace(&gone, &samples::request("new").to_string()).replace("\"Before\"", "\"After\"");
        let whole =
            whole.replace("\"GET\",\"url\":\"https://api.example.com/changed\"", "\"PUT\",\"url\":\"https://api.example.com/changed\"");
        let etag = read.etag();
        let replaced = anna.put_if(&path, &etag, whole.clone()).await.ok();
        assert_eq!((replaced.at("/collection/name"), replaced.etag()), (json!("After"), "\"2\"".to_owned()));

        let after = anna.items(&id).await;
        let of =
            |items: &[Value], name: &str, member: &str| items.iter().find(|item| item["name"] == name).map(|item| item[member].clone());
        for kept in ["same", "changed"] {
            assert_eq!(of(&after, kept, "id"), of(&before, kept, "id"), "{kept}");
        }
        assert_eq!(of(&after, "same", "revision"), Some(json!(1)));
        assert_eq!(of(&after, "changed", "revision"), Some(json!(2)));
        assert_eq!(of(&after, "gone", "id"), None);
        let changes = anna.changes(&id, 1).await;
        assert_eq!(changes.len(), 1, "one entry, however many elements");
        assert_eq!(changes[0]["op"], "import");
        assert_eq!(changes[0]["counts"], json!({"created": 1, "updated": 1, "deleted": 1, "unchanged": 1}));
        assert_same(&whole, &anna.get(&path).await.ok().text);

        // Stale: somebody changed it meanwhile. A whole is not merged.
        let refused = anna.put_if(&path, &etag, whole.clone()).await.refused(412, "stale");
        assert_eq!(refused.at("/revision"), 2);
        anna.put(&path, "{\"info\": 1}").await.refused(422, "rejected");
        // An edit that was based on an element before the replacement is told, not lost.
        let item = of(&before, "changed", "id").expect("id");
        let item = format!("{path}/items/{}", item.as_str().expect("id"));
        anna.put_if(&item, "\"1\"", json!({"name": "mine", "request": {}}).to_string()).await.refused(409, "conflict");
        let same = of(&before, "same", "id").expect("id");
        let same = format!("{path}/items/{}", same.as_str().expect("id"));
        anna.patch(&same, "{\"name\": \"fresh\"}").header("if-match", "\"1\"").await.ok();
        assert_gapless(&anna.changes(&id, 0).await, 3);
        app.settle().await;
        let listed = anna.get("/api/collections").await.ok();
        assert_eq!((listed.at("/collections/0/name"), listed.at("/collections/0/count")), (json!("After"), json!(3)));
    })
    .await;
}

#[tokio::test]
async fn what_was_read_is_put_back_without_a_change() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let folder = samples::folder("Folder", &[serde_json::from_str(&samples::request("inside").to_string()).expect("JSON")]);
        let document = samples::collection("Same", &[folder, serde_json::from_str(&samples::request("beside").to_string()).expect("JSON")]);
        let made = anna.post_text("/api/collections", document).await.ok();
        let path = format!("/api/collections/{}", made.at("/collection/id").as_str().expect("an id"));
        let read = anna.get(&path).await.ok().text;
        // Also with other white space.
        let spacious = read.replace("\":", "\" : ").replace("\",\"", "\",\n \"");
        assert_ne!(read, spacious);
        for same in [&read, &spacious] {
            assert_eq!(anna.put(&path, same.clone()).await.ok().etag(), "\"1\"");
        }
        // Another order is a change, and so is another name.
        let mut turned: Value = serde_json::from_str(&read).expect("JSON");
        turned["collection"]["item"].as_array_mut().expect("items").reverse();
        assert_eq!(anna.put(&path, turned.to_string()).await.ok().etag(), "\"2\"");
        turned["collection"]["info"]["name"] = json!("Other");
        assert_eq!(anna.put(&path, turned.to_string()).await.ok().etag(), "\"3\"");
        assert_same(&turned.to_string(), &anna.get(&path).await.ok().text);
    })
    .await;
}

#[tokio::test]
async fn what_is_deleted_is_gone_for_everyone() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let team = app.team(&anna, 2).await;
        let bob = app.join(&team, "bob", "editor").await;
        let collection = anna.import(&team.workspace, samples::of_requests("Doomed", 3)).await;
        let path = format!("/api/collections/{collection}");
        let item = format!("{path}/items/{}", anna.item_named(&collection, "request 1").await);
        bob.ask("PUT", &format!("{path}/subscription")).json("{\"mail\": \"off\"}").await.ok();
        let deleted = anna.delete(&path).await.ok();
        assert_eq!(deleted.at("/collection/id"), collection);
        for who in [&anna, &bob] {
            for gone in [
                who.get(&path),
                who.get(&format!("{path}/items")),
                who.get(&item),
                who.get(&format!("{path}/changes")),
                who.get(&format!("{path}/subscription")),
                who.put(&path, samples::of_requests("Again", 1)),
                who.patch(&path, "{\"collection\": {\"name\": \"Again\"}}"),
                who.patch(&item, "{\"name\": \"again\"}"),
                who.post(&format!("{path}/items"), samples::request("again")),
                who.delete(&item),
                who.delete(&path),
            ] {
                gone.await.refused(404, "not_found");
            }
            assert_eq!(who.get("/api/collections").await.ok().at("/collections"), json!([]));
        }
        app.settle().await;
        let feed = bob.get(&format!("/api/teams/{}/feed", team.id)).await.ok();
        assert_eq!(feed.at("/entries/0/op"), "delete");
        assert_eq!(bob.get("/api/subscriptions").await.ok().at("/subscriptions"), json!([]));
    })
    .await;
}

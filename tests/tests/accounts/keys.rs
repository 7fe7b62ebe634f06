//! Keys that are bound to one collection, and access keys: they open that collection and nothing else.

use serde_json::{Value, json};
use tests::{Client, Reply, TestApp, samples};

fn text(reply: &Reply, pointer: &str) -> String {
    reply.at(pointer).as_str().unwrap_or_else(|| panic!("no text at {pointer} in {reply}")).to_owned()
}

fn ids(reply: &Reply, list: &str, name: &str) -> Vec<Value> {
    reply.at(list).as_array().into_iter().flatten().map(|one| one[name].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bound_key_sees_and_does_nothing_else() {
    TestApp::on_each_engine(async |app| {
        let (anna, eve) = (app.user("anna").await, app.user("eve").await);
        let team = app.team(&anna, 2).await;
        let mine = anna.import(&team.workspace, samples::of_requests("Mine", 2)).await;
        let other = anna.import(&team.workspace, samples::of_requests("Other", 2)).await;
        let hers = text(&eve.post_text("/api/collections", samples::of_requests("Hers", 1)).await.ok(), "/collection/id");
        app.settle().await;
        let make = |body: Value| anna.post("/api/me/api-keys", body);
        let made = make(json!({"name": "CI", "scope": "write", "collection": mine})).await.ok();
        assert_eq!(made.at("/api_key/collection"), json!(mine));
        let key = app.nobody().with("x-api-key", &text(&made, "/api_key/key"));

        // It reads and writes what it is bound to …
        let item = key.item_named(&mine, "request 0").await;
        let address = |collection: &str| format!("/api/collections/{collection}");
        key.get(&address(&mine)).await.ok();
        key.put(&format!("{}/items/{item}", address(&mine)), samples::request("by the key").to_string()).await.ok();
        // … and knows of nothing else: not of what lies beside it, and not of its owner.
        let theirs = anna.item_named(&other, "request 0").await;
        for collection in [&other, &hers] {
            key.get(&address(collection)).await.refused(404, "not_found");
            key.put(&format!("{}/items/{theirs}", address(collection)), samples::request("no").to_string()).await.refused(404, "not_found");
            key.delete(&address(collection)).await.refused(404, "not_found");
            assert_eq!(key.get(&format!("/collections/{collection}")).await.status, 404);
        }
        for path in
            [format!("/api/teams/{}", team.id), format!("/api/teams/{}/feed", team.id), format!("/api/workspaces/{}", team.workspace)]
        {
            key.get(&path).await.refused(404, "not_found");
        }
        for path in ["/api/me", "/api/teams", "/api/workspaces", "/api/sessions", "/api/me/api-keys", "/api/collection-access-keys"] {
            key.get(path).await.refused(403, "forbidden");
        }
        key.post_text("/api/collections", samples::of_requests("New", 1)).await.refused(404, "not_found");
        key.post(&format!("/api/teams/{}/invites", team.id), json!({"emails": ["x@example.com"]})).await.refused(404, "not_found");
        key.patch("/api/me", "{\"full_name\": \"Mallory\"}").await.refused(403, "forbidden");
        key.post("/api/teams", json!({"name": "Theirs"})).await.refused(403, "forbidden");
        assert_eq!(key.get("/account").await.status, 403);
        // Lists show only it.
        for path in ["/api/collections".to_owned(), format!("/api/collections?workspace={}", team.workspace)] {
            assert_eq!(ids(&key.get(&path).await.ok(), "/collections", "id"), [json!(mine)], "{path}");
        }
        assert_eq!(key.get("/api/collections?workspace=elsewhere").await.ok().at("/collections"), json!([]));
        assert_eq!(ids(&anna.get("/api/subscriptions").await.ok(), "/subscriptions", "collection").len(), 2);
        assert_eq!(ids(&key.get("/api/subscriptions").await.ok(), "/subscriptions", "collection"), [json!(mine)]);
        let told = key.get("/api/feed").await.ok();
        assert!(told.at("/entries").as_array().unwrap().iter().all(|entry| entry["collection"]["id"] == json!(mine)), "{told}");
        let mut socket = key.listen().await;
        assert_eq!(socket.following().await, vec![mine.clone()]);
        socket.say(json!({"action": "subscribe", "collection": other})).await;
        assert_eq!(socket.next_of("postroom.error").await["data"]["code"], "not_found");

        // A key cannot be bound to what its owner does not see, nor read on when it has expired.
        let refused = make(json!({"name": "", "collection": hers})).await.refused(422, "rejected");
        assert_eq!(ids(&refused, "/errors", "pointer"), ["/name", "/collection"]);
        let until = (app.stack().clock().now() + jiff::SignedDuration::from_hours(1)).to_string();
        let brief = make(json!({"name": "brief", "scope": "read", "collection": mine, "expires_at": until})).await.ok();
        let brief = app.nobody().with("x-api-key", &text(&brief, "/api_key/key"));
        brief.get(&address(&mine)).await.ok();
        brief.delete(&address(&mine)).await.refused(403, "forbidden");
        app.advance("PT61M").await;
        brief.get(&address(&mine)).await.refused(401, "unauthenticated");
        let listed = app.sign_in("anna").await.get("/api/me/api-keys").await.ok();
        assert_eq!(ids(&listed, "/api_keys", "name"), ["CI"]);
        assert!(listed.at("/api_keys/0/used_on").is_string(), "{listed}");
        app.mails().await;
    })
    .await;
}

/// What whoever has an access key reads.
async fn with_key(app: &TestApp, collection: &str, key: &str) -> Reply {
    app.nobody().get(&format!("/api/collections/{collection}?access_key={key}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_key_reads_one_collection() {
    TestApp::on_each_engine(async |app| {
        let (anna, eve) = (app.user("anna").await, app.user("eve").await);
        let team = app.team(&anna, 4).await;
        let (bob, vera) = (app.join(&team, "bob", "editor").await, app.join(&team, "vera", "viewer").await);
        let shared = anna.import(&team.workspace, samples::of_requests("Shared", 2)).await;
        let other = anna.import(&team.workspace, samples::of_requests("Other", 1)).await;
        let make = async |who: &Client| who.post("/api/collection-access-keys", json!({"collectionId": shared})).await;
        make(&vera).await.refused(403, "forbidden");
        make(&eve).await.refused(422, "rejected");
        make(&app.api_key(&anna, "write").await).await.refused(403, "forbidden");
        let made = make(&bob).await.ok();
        let key = text(&made, "/access_key/key");
        assert_eq!(text(&made, "/access_key/url"), format!("{}/api/collections/{shared}?access_key={key}", app.url()));

        // Anyone reads the same document with it, and nothing else.
        let whole = anna.get(&format!("/api/collections/{shared}")).await.ok().text;
        assert_eq!(with_key(app, &shared, &key).await.ok().text, whole);
        with_key(app, &other, &key).await.refused(401, "unauthenticated");
        with_key(app, &shared, &format!("{key}x")).await.refused(401, "unauthenticated");
        with_key(app, &shared, "").await.refused(401, "unauthenticated");
        for path in
            ["/api/collections".to_owned(), format!("/api/collections/{shared}/items"), format!("/api/collections/{shared}/changes")]
        {
            app.nobody().get(&format!("{path}?access_key={key}")).await.refused(401, "unauthenticated");
        }
        let write = app.nobody().put(&format!("/api/collections/{shared}?access_key={key}"), samples::of_requests("Theirs", 1)).await;
        write.refused(401, "unauthenticated");
        app.nobody().with("x-api-key", &key).get(&format!("/api/collections/{shared}")).await.refused(401, "unauthenticated");
        assert_eq!(app.nobody().get(&format!("/collections/{shared}?access_key={key}")).await.status, 303);

        // It lasts as long as it is used now and then.
        for _ in 0..2 {
            app.advance("PT1416H").await;
            with_key(app, &shared, &key).await.ok();
        }
        app.advance("PT1464H").await;
        with_key(app, &shared, &key).await.refused(401, "unauthenticated");

        // Its maker and the collection's admin see it, without its secret, and delete it; others do not.
        let (anna, bob, vera) = (app.sign_in("anna").await, app.sign_in("bob").await, app.sign_in("vera").await);
        let of = format!("/api/collection-access-keys?collectionId={shared}");
        assert_eq!(anna.get(&of).await.ok().at("/data"), json!([]), "it has ended");
        let made = make(&bob).await.ok();
        let (key, id) = (text(&made, "/access_key/key"), text(&made, "/access_key/id"));
        for (who, path, sees) in [
            (&bob, "/api/collection-access-keys", true),
            (&anna, &*of, true),
            (&anna, "/api/collection-access-keys", false),
            (&vera, &*of, false),
        ] {
            let listed = who.get(path).await.ok();
            assert_eq!(!ids(&listed, "/data", "id").is_empty(), sees, "{listed}");
            assert!(!listed.text.contains(&key), "{listed}");
        }
        let listed = bob.get("/api/collection-access-keys").await.ok();
        let shown = listed.at("/data/0");
        assert_eq!((&shown["status"], &shown["lastUsedAt"], &shown["teamId"]), (&json!("ACTIVE"), &json!(""), &json!(team.id)));
        assert!(key.ends_with(shown["token"].as_str().unwrap().trim_start_matches(['P', 'M', 'A', 'T', '-', '*'])), "{shown}");
        vera.delete(&format!("/api/collection-access-keys/{id}")).await.refused(403, "forbidden");
        app.sign_in("eve").await.delete(&format!("/api/collection-access-keys/{id}")).await.refused(404, "not_found");
        anna.delete(&format!("/api/collection-access-keys/{id}")).await.status(204);
        anna.delete(&format!("/api/collection-access-keys/{id}")).await.refused(404, "not_found");
        with_key(app, &shared, &key).await.refused(401, "unauthenticated");

        // What its maker reads no longer, it does not show any longer.
        let key = text(&make(&bob).await.ok(), "/access_key/key");
        with_key(app, &shared, &key).await.ok();
        anna.delete(&format!("/api/teams/{}/members/{}", team.id, bob.id)).await.ok();
        with_key(app, &shared, &key).await.refused(404, "not_found");
        let key = text(&make(&anna).await.ok(), "/access_key/key");
        with_key(app, &shared, &key).await.ok();
        anna.delete(&format!("/api/collections/{shared}")).await.ok();
        with_key(app, &shared, &key).await.refused(404, "not_found");
        app.mails().await;
    })
    .await;
}

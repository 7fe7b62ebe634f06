//! The end of an account: who is told to hand over first, what ends at once, what is left and what is not; and what one
//! takes along.

use serde_json::{Value, json};
use tests::{PASSWORD, TestApp, samples};

#[tokio::test(flavor = "multi_thread")]
async fn an_account_ends_and_nothing_personal_is_left() {
    TestApp::on_each_engine(async |app| {
        let (anna, carl) = (app.user("anna").await, app.user("carl").await);
        let team = app.team(&anna, 4).await;
        let bob = app.join(&team, "bob", "admin").await;
        let shared = bob.import(&team.workspace, samples::of_requests("Shared", 1)).await;
        let item = bob.item_named(&shared, "request 0").await;
        bob.put(&format!("/api/collections/{shared}/items/{item}"), samples::request("bob's").to_string()).await.ok();
        let own = bob.post_text("/api/collections", samples::of_requests("Own", 2)).await.ok().at("/collection/id");
        let own = own.as_str().unwrap().to_owned();
        let key = app.api_key(&bob, "write").await;
        let made = bob.post("/api/collection-access-keys", json!({"collectionId": shared})).await.ok();
        let url = made.at("/access_key/url").as_str().unwrap().replace(app.url(), "");
        bob.patch("/api/me", json!({"full_name": "Bob Lee", "about": "I am Bob", "public": true}).to_string()).await.ok();
        bob.ask("PUT", "/api/me/picture").header("content-type", "image/png").body(samples::picture()).await.ok();
        let mut socket = bob.listen().await;
        app.settle().await;
        let end =
            async |who: &tests::Client, password: &str| who.ask("DELETE", "/api/me").json(json!({"password": password}).to_string()).await;
        let password = format!("{PASSWORD}bob");

        // Not with another password, not with a key, and not where a team would be left without an admin.
        end(&bob, "wrong horse").await.refused(422, "rejected");
        end(&bob, "").await.refused(422, "rejected");
        end(&key, &password).await.refused(403, "forbidden");
        let member = format!("/api/teams/{}/members", team.id);
        bob.patch(&format!("{member}/{}", anna.id), "{\"role\": \"editor\"}").await.ok();
        end(&bob, &password).await.refused(409, "last_admin");
        bob.get("/api/me").await.ok();
        bob.patch(&format!("{member}/{}", anna.id), "{\"role\": \"admin\"}").await.ok();

        assert_eq!(end(&bob, &password).await.ok().at("/status"), "deleted");
        // Nothing opens it any more, at once.
        socket.closed().await;
        bob.get("/api/me").await.refused(401, "unauthenticated");
        key.get("/api/me").await.refused(401, "unauthenticated");
        app.nobody().get(&url).await.refused(401, "unauthenticated");
        app.nobody().post("/api/sessions", json!({"login": "bob", "password": password})).await.refused(401, "wrong_login");
        app.nobody().get(&format!("/api/users/{}", bob.id)).await.refused(404, "not_found");
        app.nobody().post("/api/password/forgot", json!({"email": "bob@example.com"})).await.status(202);
        let told: Vec<String> = app.mails_to("bob@example.com").await.iter().map(|mail| mail.subject.clone()).collect();
        assert_eq!(told.last().map(String::as_str), Some("Your Postroom account is deleted"), "{told:?}");
        assert_eq!(anna.get(&format!("/api/teams/{}", team.id)).await.ok().at("/team/seats/used"), 1);

        // Within the hour nothing of it is left, but what was done in the team.
        app.advance("PT2H").await;
        app.settle().await;
        let keys = app.table_keys().await;
        let personal = |(pk, sk): &&(String, String)| {
            let id = bob.id.to_string();
            pk.contains(&id) && !pk.starts_with("MAIL#") && !pk.starts_with("RATE#") || sk.contains(&format!("#{id}")) || pk.contains(&own)
        };
        let left: Vec<_> = keys.iter().filter(personal).collect();
        assert!(left.is_empty(), "{left:#?}");
        let anna = app.sign_in("anna").await;
        let changes = anna.changes(&shared, 0).await;
        let authors: Vec<&Value> = changes.iter().map(|change| &change["actor"]["username"]).collect();
        assert_eq!(authors, ["former member", "former member"]);
        let feed = anna.get(&format!("/api/teams/{}/feed", team.id)).await.ok();
        assert!(feed.text.contains("former member") && !feed.text.contains("\"bob\""), "{feed}");
        anna.get(&format!("/api/collections/{shared}")).await.ok();

        // The names are free again, for somebody else.
        let again = app.user("bob").await;
        assert_ne!(again.id, bob.id);
        again.get(&format!("/api/collections/{own}")).await.refused(404, "not_found");
        assert_eq!(again.get("/api/teams").await.ok().at("/data"), json!([]));
        drop(carl);
        app.mails().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_takes_along_what_is_kept_about_one() {
    let app = TestApp::start().await;
    let anna = app.user("anna").await;
    let team = app.team(&anna, 1).await;
    anna.post_text("/api/collections", samples::of_requests("Own", 2)).await.ok();
    anna.patch("/api/me", json!({"about": "I am Anna", "links": ["https://anna.example"]}).to_string()).await.ok();
    let made = anna.post("/api/me/api-keys", json!({"name": "mine"})).await.ok().at("/api_key/key");
    app.api_key(&anna, "write").await.post("/api/me/export", json!({})).await.refused(403, "forbidden");
    let taken = anna.post("/api/me/export", json!({})).await.ok();
    assert!(taken.header("content-disposition").starts_with("attachment"), "{taken}");
    let body = taken.json();
    assert_eq!((&body["account"]["email"], &body["profile"]["about"]), (&json!("anna@example.com"), &json!("I am Anna")));
    assert_eq!((&body["teams"][0]["id"], &body["teams"][0]["role"]), (&json!(team.id), &json!("admin")));
    assert_eq!((&body["collections"][0]["name"], &body["sessions"][0]["current"]), (&json!("Own"), &json!(true)));
    let happened: Vec<&Value> = body["happened"].as_array().unwrap().iter().map(|event| &event["what"]).collect();
    assert!(happened.contains(&&json!("signed_up")) && happened.contains(&&json!("key_made")), "{happened:?}");
    // No secret is among it, nor what one is checked by.
    assert!(!taken.text.contains(made.as_str().unwrap()) && !taken.text.contains("argon2") && !taken.text.contains("_hash"), "{taken}");
    app.finish().await;
}

//! Profiles: what people say about themselves, and who sees it.

use serde_json::{Value, json};
use tests::{Client, Reply, TestApp, samples};

async fn upload(who: &Client, kind: &str, file: Vec<u8>) -> Reply {
    who.ask("PUT", "/api/me/picture").header("content-type", kind).body(file).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_is_seen_by_ones_teams_until_it_is_made_public() {
    TestApp::on_each_engine(async |app| {
        let (anna, eve) = (app.user("anna").await, app.user("eve").await);
        let team = app.team(&anna, 2).await;
        let bob = app.join(&team, "bob", "viewer").await;
        let change = |body: Value| anna.patch("/api/me", body.to_string());
        let about = "I look after <b>payments</b>.\nAsk me.";
        let links = json!(["https://example.com/~anna", "http://anna.example"]);
        let me = change(json!({"full_name": "Anna Lee", "about": format!(" {about} "), "links": links})).await.ok();
        assert_eq!((me.at("/user/about"), me.at("/user/links"), me.at("/user/isPublic")), (json!(about), links.clone(), json!(false)));
        let (profile, page) = (format!("/api/users/{}", anna.id), format!("/users/{}", anna.id));

        // Bob is in a team with her. Of her address he is told nothing.
        let seen = bob.get(&profile).await.ok().json();
        assert_eq!((&seen["id"], &seen["name"], &seen["username"]), (&json!(anna.id), &json!("Anna Lee"), &json!("anna")));
        assert_eq!((&seen["email"], &seen["roles"], &seen["links"]), (&Value::Null, &json!(["user", "admin", "billing"]), &links));
        let html = bob.get(&page).await.ok();
        assert!(html.text.contains("Anna Lee") && !html.text.contains("anna@example.com") && !html.text.contains("<b>payments"), "{html}");
        assert!(html.text.contains("href=\"https://example.com/~anna\" rel=\"nofollow noopener noreferrer ugc\""), "{html}");
        bob.get("/users/Anna").await.ok();
        assert_eq!(anna.get(&profile).await.ok().at("/email"), json!(anna.email), "her own");

        // For a stranger she is not there, like somebody who is not.
        let hidden = eve.get(&profile).await.refused(404, "not_found");
        let none = eve.get("/api/users/1").await.refused(404, "not_found");
        assert_eq!((hidden.at("/detail"), hidden.at("/error")), (none.at("/detail"), none.at("/error")));
        app.nobody().get(&profile).await.refused(404, "not_found");
        for name in ["anna", "nobody-at-all"] {
            assert_eq!(eve.get(&format!("/users/{name}")).await.status, 404);
            assert_eq!(app.nobody().get(&format!("/users/{name}")).await.header("location"), format!("/signin?next=%2Fusers%2F{name}"));
        }
        let key = anna.post(
            "/api/me/api-keys",
            json!({"name": "bound", "collection": anna.import(&team.workspace, samples::of_requests("Mine", 1)).await}),
        );
        let key = app.nobody().with("x-api-key", key.await.ok().at("/api_key/key").as_str().unwrap());
        assert!([403, 404].contains(&key.get(&profile).await.status));

        // Public, everybody sees her, and her address only when she wants it.
        change(json!({"public": true})).await.ok();
        for who in [&*eve, app.nobody()] {
            let seen = who.get(&profile).await.ok().json();
            assert_eq!((&seen["about"], &seen["email"], &seen["roles"]), (&json!(about), &Value::Null, &json!(["user"])));
            assert!(!who.get("/users/anna").await.ok().text.contains("anna@example.com"));
        }
        change(json!({"email_public": true})).await.ok();
        assert_eq!(app.nobody().get(&profile).await.ok().at("/email"), json!("anna@example.com"));
        change(json!({"public": false})).await.ok();
        app.nobody().get(&profile).await.refused(404, "not_found");
        // What was not named has stayed; who leaves the team sees her no more.
        assert_eq!(anna.get("/api/me").await.ok().at("/user/about"), json!(about));
        bob.delete(&format!("/api/teams/{}/members/{}", team.id, bob.id)).await.ok();
        bob.get(&profile).await.refused(404, "not_found");

        let wrong =
            json!({"about": "x".repeat(1_001), "links": ["https://a.example", "javascript:alert(1)", "a.example"], "public": "yes"});
        let refused = change(wrong).await.refused(422, "rejected");
        let pointers: Vec<Value> = refused.at("/errors").as_array().unwrap().iter().map(|error| error["pointer"].clone()).collect();
        assert_eq!(pointers, ["/public", "/about", "/links/1", "/links/2"]);
        change(json!({"links": vec!["https://a.example"; 6]})).await.refused(422, "rejected");
        app.mails().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_drawn_anew_and_shown_to_the_same_people() {
    TestApp::on_each_engine(async |app| {
        let (anna, eve) = (app.user("anna").await, app.user("eve").await);
        let address = format!("/api/users/{}/picture", anna.id);
        anna.get(&address).await.refused(404, "not_found");
        upload(&anna, "text/html", samples::picture()).await.refused(415, "media_type");
        upload(&anna, "image/svg+xml", b"<svg/>".to_vec()).await.refused(415, "media_type");
        upload(&anna, "image/png", b"<svg onload=alert(1)>".to_vec()).await.refused(422, "rejected");
        upload(&anna, "image/jpeg", samples::picture()).await.refused(422, "rejected");
        upload(&anna, "image/png", vec![0; 4 * 1024 * 1024 + 1]).await.refused(413, "too_large");
        let put = upload(&anna, "image/png", samples::picture()).await.ok();
        let url = anna.get("/api/me").await.ok().at("/user/avatar");
        assert_eq!(url.as_str().unwrap(), format!("{}{}", app.url(), put.at("/picture/url").as_str().unwrap()));

        let shown = anna.get(&address).await.ok();
        assert!(["image/png", "image/jpeg"].contains(&shown.header("content-type")), "{shown}");
        assert_eq!((shown.header("x-content-type-options"), shown.header("cache-control")), ("nosniff", "private, no-cache"));
        let tag = shown.etag();
        assert_eq!(anna.get(&address).header("if-none-match", &tag).await.status, 304);
        assert_eq!(anna.get(&address).header("if-none-match", "\"x\"").await.status, 200);
        eve.get(&address).header("if-none-match", &tag).await.refused(404, "not_found");
        app.nobody().get(&address).await.refused(404, "not_found");
        anna.patch("/api/me", "{\"public\": true}").await.ok();
        app.nobody().get(&address).await.ok();
        assert!(app.nobody().get("/users/anna").await.ok().text.contains(&format!("src=\"{address}?v=")));

        anna.delete("/api/me/picture").await.ok();
        anna.delete("/api/me/picture").await.ok();
        anna.get(&address).await.refused(404, "not_found");
        assert_eq!(anna.get("/api/me").await.ok().at("/user/avatar"), Value::Null);
        app.mails().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logo_is_the_admins_to_choose_and_the_members_to_see() {
    TestApp::on_each_engine(async |app| {
        let (anna, eve) = (app.user("anna").await, app.user("eve").await);
        let team = app.team(&anna, 2).await;
        let bob = app.join(&team, "bob", "editor").await;
        let address = format!("/api/teams/{}/logo", team.id);
        let upload = async |who: &Client, kind: &str, file: Vec<u8>| who.ask("PUT", &address).header("content-type", kind).body(file).await;
        bob.get(&address).await.refused(404, "not_found");
        upload(&anna, "image/svg+xml", b"<svg/>".to_vec()).await.refused(415, "media_type");
        upload(&anna, "image/png", vec![0; 4 * 1024 * 1024 + 1]).await.refused(413, "too_large");
        upload(&bob, "image/png", samples::picture()).await.refused(403, "forbidden");
        let put = upload(&anna, "image/png", samples::picture()).await.ok();
        let url = put.at("/logo/url").as_str().unwrap().to_owned();
        assert_eq!(bob.get(&format!("/api/teams/{}", team.id)).await.ok().at("/team/logo"), json!(url));
        let shown = bob.get(&url).await.ok();
        assert!(["image/png", "image/jpeg"].contains(&shown.header("content-type")), "{shown}");
        assert_eq!(bob.get(&address).header("if-none-match", &shown.etag()).await.status, 304);
        for page in ["", "/settings"] {
            assert!(anna.get(&format!("/teams/{}{page}", team.id)).await.ok().text.contains(&format!("src=\"{url}\"")));
        }
        eve.get(&address).await.refused(404, "not_found");
        anna.delete(&address).await.ok();
        anna.delete(&address).await.ok();
        bob.get(&address).await.refused(404, "not_found");
        assert_eq!(bob.get(&format!("/api/teams/{}", team.id)).await.ok().at("/team/logo"), Value::Null);
        let log = anna.get(&format!("/api/teams/{}/audit?format=csv", team.id)).await.ok();
        assert_eq!(log.text.matches("logo").count(), 3, "{}", log.text);
        app.mails().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_users_of_ones_teams_are_listed_as_the_postman_api_has_them() {
    TestApp::on_each_engine(async |app| {
        let (anna, eve) = (app.user("anna").await, app.user("eve").await);
        let team = app.team(&anna, 3).await;
        let bob = app.join(&team, "bob", "viewer").await;
        app.team(&bob, 1).await;
        bob.patch("/api/me", json!({"full_name": "Bob Lee", "email_public": true}).to_string()).await.ok();
        let group = anna.post(&format!("/api/teams/{}/groups", team.id), json!({"name": "Testers"})).await.ok().at("/group/id");
        anna.patch(&format!("/api/teams/{}/groups/{group}", team.id), json!({"add": [bob.id]}).to_string()).await.ok();
        let users = anna.get("/api/users").await.ok().json();
        let users = users["data"].as_array().unwrap();
        assert_eq!(users.len(), 2);
        let one = |id: u64| users.iter().find(|user| user["id"] == id).unwrap();
        assert_eq!((&one(anna.id)["roles"], &one(anna.id)["email"]), (&json!(["user", "admin", "billing"]), &json!(anna.email)));
        assert_eq!((&one(bob.id)["name"], &one(bob.id)["username"]), (&json!("Bob Lee"), &json!("bob")));
        assert_eq!((&one(bob.id)["roles"], &one(bob.id)["email"]), (&json!(["user", "viewer"]), &json!(bob.email)));
        assert!(one(bob.id)["joinedAt"].is_string());
        assert_eq!(anna.get(&format!("/api/users/{}", bob.id)).await.ok().at("/joinedAt"), one(bob.id)["joinedAt"]);
        assert_eq!(bob.get("/api/users").await.ok().at("/data").as_array().unwrap().len(), 2, "each once");
        let some = anna.get(&format!("/api/users?groupId={group}")).await.ok().json();
        assert_eq!((some["data"].as_array().unwrap().len(), &some["data"][0]["id"]), (1, &json!(bob.id)));
        assert_eq!(anna.get("/api/users?groupId=1").await.ok().at("/data"), json!([]));
        assert_eq!(eve.get("/api/users").await.ok().at("/data"), json!([]));
        app.nobody().get("/api/users").await.refused(401, "unauthenticated");
        app.mails().await;
    })
    .await;
}

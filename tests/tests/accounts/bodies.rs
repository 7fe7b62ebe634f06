//! What is wrong with a body is told at once, each field by its pointer: unknown, missing, of another type, too long,
//! badly written.

use serde_json::{Value, json};
use tests::{Client, PASSWORD, TestApp};

/// The places that a refusal names, sorted.
async fn told(who: &Client, method: &str, path: &str, body: &Value) -> Vec<String> {
    let refused = who.ask(method, path).json(body.to_string()).await.refused(422, "rejected");
    let errors = refused.at("/errors");
    let errors = errors.as_array().unwrap_or_else(|| panic!("{refused}"));
    assert!(errors.iter().all(|error| error["detail"].as_str().is_some_and(|detail| !detail.is_empty())), "{refused}");
    let mut pointers: Vec<String> = errors.iter().map(|error| error["pointer"].as_str().expect("a pointer").to_owned()).collect();
    pointers.sort();
    pointers
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_is_told_at_once() {
    let app = TestApp::start().await;
    let anna = app.user("anna").await;
    let team = app.team(&anna, 1).await;
    let invited = anna.get("/api/me").await.ok().at("/user/email");
    let (long, past) = ("x".repeat(3_000), "2020-01-01T00:00:00Z");
    let (invites, seats) = (format!("/api/teams/{}/invites", team.id), format!("/api/teams/{}/seats", team.id));
    let member = format!("/api/teams/{}/members/{}", team.id, anna.id);
    let nobody = app.nobody();
    #[rustfmt::skip]
    let bodies: Vec<(&Client, &str, &str, Value, Vec<&str>)> = vec![
        (nobody, "POST", "/api/signup", json!({"email": 5, "username": "a b", "password": "short", "accept_terms": "yes", "admin": true}),
            vec!["/accept_terms", "/admin", "/email", "/over_13", "/password", "/username"]),
        (nobody, "POST", "/api/signup/confirm", json!({"tokn": "x"}), vec!["/token", "/tokn"]),
        (nobody, "POST", "/api/signup/resend", json!({"email": "no address", "more": 1}), vec!["/email", "/more"]),
        (nobody, "POST", "/api/username/recover", json!({"mail": "x"}), vec!["/email", "/mail"]),
        (nobody, "POST", "/api/password/forgot", json!({"email": ["x"], "mail": "x"}), vec!["/email", "/mail"]),
        (nobody, "POST", "/api/password/reset", json!({"password": "12345678", "old": ""}), vec!["/old", "/password", "/token"]),
        (nobody, "POST", "/api/sessions", json!({"keep_signed_in": "yes", "name": "x"}), vec!["/keep_signed_in", "/login", "/name", "/password"]),
        (nobody, "POST", "/api/sessions/refresh", json!({"token": "x"}), vec!["/refresh_token", "/token"]),
        (nobody, "POST", "/api/me/email/confirm", json!({"token": null, "x": 1}), vec!["/token", "/x"]),
        (&anna, "PATCH", "/api/me", json!({"username": "-", "full_name": long, "email": "x"}), vec!["/email", "/full_name", "/username"]),
        (&anna, "PUT", "/api/me/password", json!({"old_password": "wrong", "password": "12345678", "x": 1}), vec!["/old_password", "/password", "/x"]),
        (&anna, "POST", "/api/me/email", json!({"email": "no", "password": "wrong", "x": 1}), vec!["/email", "/password", "/x"]),
        (&anna, "POST", "/api/me/email", json!({"email": invited, "password": format!("{PASSWORD}anna")}), vec!["/email"]),
        (&anna, "POST", "/api/me/api-keys", json!({"name": long, "scope": "all", "expires_at": past, "collection": "none", "x": 1}),
            vec!["/collection", "/expires_at", "/name", "/scope", "/x"]),
        (&anna, "POST", "/api/me/api-keys", json!({"name": "ok", "expires_at": "tomorrow"}), vec!["/expires_at"]),
        (&anna, "POST", "/api/collection-access-keys", json!({"collection": "x"}), vec!["/collection", "/collectionId"]),
        (&anna, "POST", "/api/teams", json!({"name": "", "handle": "?", "description": long, "seats": 5}), vec!["/description", "/handle", "/name", "/seats"]),
        (&anna, "POST", &seats, json!({"count": -1, "seats": 5}), vec!["/count", "/seats"]),
        (&anna, "PATCH", &member, json!({"role": "boss", "billing": 1, "x": 1}), vec!["/billing", "/role", "/x"]),
        (&anna, "POST", &invites, json!({"email": "x", "role": "boss"}), vec!["/email", "/emails", "/role"]),
        (&anna, "POST", &invites, json!({"emails": ["a@example.com", 5]}), vec!["/emails/1"]),
        (&anna, "POST", "/api/invites/accept", json!({"link": "x"}), vec!["/link", "/token"]),
        (&anna, "POST", "/api/teams", json!(["name"]), vec![""]),
    ];
    for (who, method, path, body, expected) in &bodies {
        assert_eq!(&told(who, method, path, body).await, expected, "{method} {path} {body}");
    }
    // Nothing came of any of it.
    assert_eq!(anna.get("/api/me/api-keys").await.ok().at("/api_keys"), json!([]));
    app.finish().await;
}

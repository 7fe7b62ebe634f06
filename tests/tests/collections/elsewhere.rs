//! Bringing collections from a running Postman account, here from what stands in for its API.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use local::Options;
use serde_json::{Value, json};
use tests::{TestApp, samples};

const KEY: &str = "PMAK-0123456789abcdef-secret";

/// The few calls of the Postman API that we make, for one key, and what was asked.
#[derive(Clone, Default)]
struct Postman(Arc<Mutex<Vec<String>>>);

impl Postman {
    async fn start() -> (Postman, String) {
        let postman = Postman::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new()
            .route("/workspaces", get(|| async { Json(json!({"workspaces": [{"id": "w1", "name": "Theirs", "type": "personal"}]})) }))
            .route("/collections", get(collections))
            .route("/collections/{uid}", get(collection))
            .layer(axum::middleware::from_fn_with_state(postman.clone(), only_with_the_key))
            .with_state(postman.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (postman, url)
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().expect("no test panicked here"))
    }
}

async fn only_with_the_key(
    State(postman): State<Postman>,
    headers: HeaderMap,
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> Response {
    postman.0.lock().expect("no test panicked here").push(request.uri().to_string());
    match headers.get("x-api-key").and_then(|key| key.to_str().ok()) {
        Some(KEY) => next.run(request).await,
        _ => (StatusCode::UNAUTHORIZED, Json(json!({"error": {"name": "AuthenticationError"}}))).into_response(),
    }
}

async fn collections(Query(asked): Query<HashMap<String, String>>) -> Json<Value> {
    let one = |uid: &str, name: &str| json!({"id": uid, "uid": uid, "name": name, "owner": "1"});
    Json(match asked.get("workspace") {
        None => json!({"collections": [one("1-a", "Large"), one("1-b", "Small"), one("1-gone", "Gone"), one("1-odd", "Odd")]}),
        Some(_) => json!({"collections": [one("1-b", "Small")]}),
    })
}

async fn collection(Path(uid): Path<String>) -> Response {
    let file = match uid.as_str() {
        // Longer than other partners may answer.
        "1-a" => samples::collection(
            "Large",
            &[
                json!({"name": "long", "request": {"method": "GET", "url": "https://a.example", "description": samples::noise(900_000)}}),
                json!({"name": "longer", "request": {"method": "GET", "url": "https://a.example", "description": samples::noise(900_001)}}),
            ],
        ),
        "1-b" => samples::of_requests("Small", 3),
        "1-odd" => return "no JSON".into_response(),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    ([("content-type", "application/json")], format!("{{\"collection\":{file}}}")).into_response()
}

#[tokio::test]
async fn collections_come_from_a_postman_account_and_the_key_stays_nowhere() {
    let (postman, url) = Postman::start().await;
    let app = TestApp::with(Options { postman: Some(url), ..Options::default() }).await;
    let anna = app.user("anna").await;
    let team = app.team(&anna, 1).await;
    let listed = anna.post("/api/import/postman/collections", json!({"api_key": KEY})).await.ok();
    assert_eq!(listed.at("/workspaces"), json!([{"id": "w1", "name": "Theirs"}]));
    assert_eq!(listed.at("/collections/1"), json!({"uid": "1-b", "name": "Small"}));
    postman.asked();

    let address = format!("/api/import/postman?workspace={}", team.workspace);
    let body = json!({"api_key": KEY});
    let brought = anna.post(&address, body.clone()).header("idempotency-key", "bring").await.ok();
    let status: Vec<Value> = (0..4).map(|index| brought.at(&format!("/results/{index}/status"))).collect();
    assert_eq!(status, ["imported", "imported", "failed", "failed"], "{brought}");
    assert_eq!(brought.at("/results/2/reason"), "the Postman API answers 404");
    assert_eq!(brought.at("/left"), json!([]));
    let small = brought.at("/results/1/collection/id");
    assert_eq!(anna.items(small.as_str().expect("id")).await.len(), 3);
    // Sent again, what is there is not made twice, and what failed is tried again.
    postman.asked();
    let again = anna.post(&address, body).header("idempotency-key", "bring").await.ok();
    assert_eq!(again.at("/results/0/collection"), brought.at("/results/0/collection"));
    assert_eq!(postman.asked(), ["/collections", "/collections/1-gone", "/collections/1-odd"]);
    let library = anna.get(&format!("/api/collections?workspace={}", team.workspace)).await.ok();
    assert_eq!(library.at("/collections").as_array().map(Vec::len), Some(2));

    // Chosen ones, or those of a workspace there.
    let chosen = anna.post("/api/import/postman", json!({"api_key": KEY, "collections": ["1-b"]})).await.ok();
    assert_eq!(chosen.at("/results").as_array().map(Vec::len), Some(1));
    anna.post("/api/import/postman", json!({"api_key": KEY, "workspace": "w1"})).await.ok();
    postman.asked();
    for wrong in [
        json!({"api_key": "PMAK-another"}),
        json!({"api_key": "no key\r\nx-evil: 1"}),
        json!({"api_key": KEY, "collections": ["../me"]}),
        json!({"api_key": KEY, "workspace": "w1&x=1"}),
    ] {
        let refused = anna.post("/api/import/postman", wrong).await.refused(422, "rejected");
        assert!(!refused.text.contains("PMAK"), "{refused}");
    }
    assert_eq!(postman.asked(), ["/collections"], "nothing else was asked");
    // The key is in no item of the table.
    let everything = app.table_text().await;
    assert!(!everything.contains(KEY) && everything.contains("Small"), "the key was kept");
    app.mails().await;
    app.finish().await;
}

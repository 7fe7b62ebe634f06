//! The robot check, with a verifier of the shape that Turnstile and hCaptcha share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use local::{Options, Robot};
use serde_json::{Value, json};
use tests::{PASSWORD, TestApp};

const SECRET: &str = "robot & secret";

#[derive(Clone, Default)]
struct Verifier {
    /// What it was sent.
    asked: Arc<Mutex<Vec<HashMap<String, String>>>>,
    /// What it answers instead of a verdict.
    broken: Arc<Mutex<Option<(u16, &'static str)>>>,
}

async fn verify(State(verifier): State<Verifier>, Form(form): Form<HashMap<String, String>>) -> Response {
    let good = form.get("secret").is_some_and(|secret| secret == SECRET);
    let person = form.get("response").is_some_and(|token| token == "a person & more");
    verifier.asked.lock().unwrap().push(form);
    if let Some((status, body)) = *verifier.broken.lock().unwrap() {
        return (StatusCode::from_u16(status).unwrap(), body).into_response();
    }
    let reasons = if !good { json!(["invalid-input-secret"]) } else { json!(["timeout-or-duplicate"]) };
    Json(if good && person { json!({"success": true}) } else { json!({"success": false, "error-codes": reasons}) }).into_response()
}

async fn start(secret: &str) -> (TestApp, Verifier, tokio::task::JoinHandle<()>) {
    let verifier = Verifier::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/siteverify", listener.local_addr().unwrap());
    let router = Router::new().route("/siteverify", post(verify)).with_state(verifier.clone());
    let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let robot = Robot {
        verify_url: url,
        script_url: "https://robots.example/api.js?x=1".into(),
        site_key: "site & key".into(),
        secret: secret.into(),
    };
    (TestApp::with(Options { robot: Some(robot), ..Options::default() }).await, verifier, serving)
}

fn sign_up(name: &str, field: &str, token: &str) -> Value {
    let email = format!("{name}@example.com");
    let mut body = json!({"email": email, "username": name, "password": PASSWORD, "accept_terms": true, "over_13": true});
    body[field] = json!(token);
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_signs_up_or_recovers_is_no_robot() {
    let (app, verifier, serving) = start(SECRET).await;
    let post = async |path: &str, body: Value| app.nobody().post(path, body).header("x-forwarded-for", "192.0.2.7").await;
    let asked = || verifier.asked.lock().unwrap().len();
    let pointers = |body: Value| body["errors"].as_array().unwrap().iter().map(|error| error["pointer"].clone()).collect::<Vec<_>>();

    // Without a token, and with one that is not taken. What is wrong besides is said first: a token is good once.
    for token in ["", " "] {
        let refused = post("/api/signup", sign_up("ann", "robot_token", token)).await.refused(422, "rejected").json();
        assert_eq!(pointers(refused), ["/robot_token"]);
    }
    let mut wrong = sign_up("ann", "robot_token", "a person & more");
    wrong["accept_terms"] = json!(false);
    assert_eq!(pointers(post("/api/signup", wrong).await.refused(422, "rejected").json()), ["/accept_terms"]);
    assert_eq!(asked(), 0, "nobody was asked for that");
    assert_eq!(
        pointers(post("/api/signup", sign_up("ann", "robot_token", "a robot")).await.refused(422, "rejected").json()),
        ["/robot_token"]
    );
    assert_eq!(asked(), 1);
    // With a good one, under any of its names.
    for (name, field) in [("ann", "robot_token"), ("ben", "cf-turnstile-response"), ("cleo", "h-captcha-response")] {
        post("/api/signup", sign_up(name, field, "a person & more")).await.status(202);
        app.mail_to(&format!("{name}@example.com")).await;
    }
    let sent = verifier.asked.lock().unwrap().last().cloned().unwrap();
    assert_eq!((sent["secret"].as_str(), sent["response"].as_str()), (SECRET, "a person & more"));
    assert!(sent["remoteip"].parse::<std::net::IpAddr>().is_ok(), "{sent:?}");

    for path in ["/api/password/forgot", "/api/username/recover"] {
        let body = |token: &str| json!({"email": "ann@example.com", "robot_token": token});
        assert_eq!(pointers(post(path, json!({"email": "ann@example.com"})).await.refused(422, "rejected").json()), ["/robot_token"]);
        post(path, body("a robot")).await.refused(422, "rejected");
        post(path, body("a person & more")).await.status(202);
        app.mail_to("ann@example.com").await;
    }
    // Whoever is signed in has shown enough.
    let ann = app.nobody().post("/api/sessions", json!({"login": "ann", "password": PASSWORD})).await.ok();
    let ann = app.nobody().with("authorization", &format!("Bearer {}", ann.at("/access_token").as_str().unwrap()));
    app.advance("PT2M").await;
    ann.post("/api/password/forgot", json!({"email": "ann@example.com"})).await.status(202);
    app.mail_to("ann@example.com").await;

    // A verifier that does not answer as one lets nobody in, and says so.
    let count = asked();
    for broken in [(500, "{\"success\": true}"), (200, "<html>"), (302, ""), (200, "{}")] {
        *verifier.broken.lock().unwrap() = Some(broken);
        let refused = post("/api/signup", sign_up("dora", "robot_token", "a person & more")).await.refused(503, "unavailable");
        assert_eq!(refused.header("retry-after"), "60");
    }
    assert_eq!(asked(), count + 4);
    serving.abort();
    drop(serving.await);
    post("/api/signup", sign_up("dora", "robot_token", "a person & more")).await.refused(503, "unavailable");
    post("/api/password/forgot", json!({"email": "ann@example.com", "robot_token": "a person & more"})).await.refused(503, "unavailable");
    app.nobody().post("/api/sessions", json!({"login": "dora", "password": PASSWORD})).await.refused(401, "wrong_login");

    // The widget is on the pages that need it, and only they may load it.
    for (page, widgets) in [("/signup", 1), ("/forgot", 2)] {
        let page = app.nobody().get(page).await.ok();
        assert_eq!(page.text.matches("data-sitekey=\"site &#38; key\"").count(), widgets, "{page}");
        assert_eq!(page.text.matches("<script src=\"https://robots.example/api.js?x=1\"").count(), 1, "{page}");
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains("script-src 'self' https://robots.example;") && policy.contains("frame-src https://robots.example;"),
            "{policy}"
        );
    }
    let page = app.nobody().get("/signin").await.ok();
    assert!(!page.text.contains("robots.example") && !page.header("content-security-policy").contains("robots.example"));
    app.finish().await;

    // A secret that the verifier does not take is our fault: nobody is told that they are a robot.
    let (app, _, _serving) = start("wrong").await;
    app.nobody().post("/api/signup", sign_up("ann", "robot_token", "a person & more")).await.refused(503, "unavailable");
    app.finish().await;
    // Where it is off, nothing is asked and nothing shown.
    let app = TestApp::start().await;
    app.nobody().post("/api/signup", sign_up("ann", "robot_token", "whatever")).await.status(202);
    app.mail_to("ann@example.com").await;
    let page = app.nobody().get("/signup").await.ok();
    assert!(!page.text.contains("sitekey") && !page.header("content-security-policy").contains("frame-src"));
    app.finish().await;
}

//! How much one account, and one network address, may ask a minute.

use local::Options;
use tests::{Client, Reply, TestApp};

fn left(reply: &Reply) -> (&str, &str) {
    (reply.header("ratelimit-limit"), reply.header("ratelimit-remaining"))
}

/// Asks until it is refused; gives how often it was not, and the refusal.
async fn until_refused(who: &Client, path: &str) -> (usize, Reply) {
    for count in 0..1_000 {
        let answer = who.get(path).await;
        if answer.status == 429 {
            return (count, answer.refused(429, "too_many"));
        }
    }
    panic!("never refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_and_an_address_have_so_much_a_minute() {
    let app = TestApp::with(Options { rate_limit: 8, ..Options::default() }).await;
    let (anna, bob) = (app.user("anna").await, app.user("bob").await);
    let first = anna.get("/api/feed").await.ok();
    assert_eq!(left(&first), ("8", "7"));
    let (more, refused) = until_refused(&anna, "/api/feed").await;
    assert!((7..=8).contains(&more), "one may have come back meanwhile: {more}");
    assert_eq!(left(&refused), ("8", "0"));
    let wait: u32 = refused.header("retry-after").parse().expect("seconds");
    assert!((1..=8).contains(&wait) && refused.header("ratelimit-reset") == wait.to_string(), "{refused}");
    // An account is one, whatever it comes with; another has its own.
    let key = anna.post("/api/me/api-keys", serde_json::json!({"name": "mine"})).await.ok().at("/api_key/key");
    app.nobody().get(&format!("/api/feed?apikey={}", key.as_str().expect("a key"))).await.refused(429, "too_many");
    assert_eq!(left(&bob.get("/api/feed").await.ok()), ("8", "7"));
    app.advance("PT1M").await;
    assert_eq!(left(&anna.get("/api/feed").await.ok()), ("8", "7"));
    // Whoever is nobody is known by their address, which has the limit of an office. Whoever comes from there shares it.
    app.advance("PT1M").await;
    assert_eq!(left(&app.nobody().get("/api/feed").await.refused(401, "unauthenticated")), ("80", "79"));
    let (more, refused) = until_refused(app.nobody(), "/api/feed").await;
    assert!((79..=85).contains(&more), "{more}");
    assert_eq!(refused.header("ratelimit-limit"), "80");
    anna.get("/api/feed").await.refused(429, "too_many");
    app.advance("PT1M").await;
    anna.get("/api/feed").await.ok();
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_limited_on_a_laptop() {
    let app = TestApp::start().await;
    let anna = app.user("anna").await;
    let answer = anna.get("/api/me").await.ok();
    assert_eq!(left(&answer), ("", ""));
    app.finish().await;
}

//! What somebody tries who means harm: forged forms on every route, tokens of their own making, planted sessions,
//! redirects to elsewhere.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use docs::openapi::operations;
use serde_json::{Value, json};
use tests::{Client, PASSWORD, Reply, TestApp};

/// Routes that ask for no sign-in: what they do, they do for whoever shows the secret in the body, or asks.
const OPEN: [&str; 12] = [
    "POST /api/signup",
    "POST /api/signup/confirm",
    "POST /api/signup/resend",
    "POST /api/sessions",
    "POST /api/sessions/second-factor",
    "POST /api/sessions/refresh",
    "POST /api/sso/find",
    "POST /api/sso/account",
    "POST /api/username/recover",
    "POST /api/password/reset",
    "POST /api/me/email/confirm",
    "POST /api/me/email/undo",
];

/// What programs ask as OAuth has it, what a mail program sends by the link of a mail, and what Stripe signs: forms among
/// it. No cookie is read there: what counts is in the body, the address or the signature.
const NO_COOKIE: [&str; 5] =
    ["POST /api/device/code", "POST /api/device/token", "POST /api/oauth/token", "POST /api/unsubscribe", "POST /api/payments/stripe"];

async fn sign_in(from: &Client, name: &str) -> Reply {
    from.post("/api/sessions", json!({"login": name, "password": format!("{PASSWORD}{name}")})).await.ok()
}

/// The cookie of a session that an answer sets.
fn cookie(signed_in: &Reply) -> String {
    let set = signed_in.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    let found = set.filter_map(|value| value.split(';').next()).find(|pair| pair.starts_with("postroom_session_"));
    found.unwrap_or_else(|| panic!("no cookie: {signed_in}")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_takes_what_another_site_sends() {
    let app = TestApp::start().await;
    app.user("anna").await;
    let browser = app.nobody().with("cookie", &cookie(&sign_in(app.nobody(), "anna").await));
    let mut walked = 0;
    for route in operations().iter().filter(|route| route.method != "GET") {
        let named = format!("{} {}", route.method, route.path);
        if NO_COOKIE.contains(&named.as_str()) {
            continue;
        }
        let path: String = route.path.split('/').map(|part| if part.starts_with('{') { "/1" } else { part }).collect::<Vec<_>>().join("/");
        let path = path.replace("//", "/");
        let ask = || browser.ask(&route.method, &path);
        let forms = ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"];
        if OPEN.contains(&named.as_str()) {
            // No page of another site can send JSON without being allowed to, and it is not.
            for form in forms {
                ask().header("content-type", form).body("{}").await.refused(415, "media_type");
            }
            let asked = app.nobody().ask("OPTIONS", &path).header("origin", "https://evil.example").await;
            assert!(!asked.headers.contains_key("access-control-allow-origin"), "{asked}");
            continue;
        }
        for origin in ["https://evil.example", "null", "http://localhost.evil.example"] {
            ask().json("{}").header("origin", origin).await.refused(403, "forged");
        }
        ask().json("{}").header("sec-fetch-site", "cross-site").await.refused(403, "forged");
        ask().json("{}").header("sec-fetch-site", "same-site").await.refused(403, "forged");
        for form in forms {
            ask().header("content-type", form).body("{}").await.refused(403, "forged");
        }
        ask().await.refused(403, "forged");
        walked += 1;
    }
    assert!(30 < walked, "{walked}");
    // All of that ended nothing, and what our own page sends is taken.
    browser
        .patch("/api/me", "{\"full_name\": \"Anna Lee\"}")
        .header("origin", app.url())
        .header("sec-fetch-site", "same-origin")
        .await
        .ok();
    app.finish().await;
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_ones_own_making_open_nothing() {
    let app = TestApp::start().await;
    let (anna, eve) = (app.user("anna").await, app.user("eve").await);
    let token = eve.signed_in["access_token"].as_str().unwrap().to_owned();
    let parts: Vec<&str> = token.split('.').collect();
    let read = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let (header, claims, signature) = (read(parts[0]), read(parts[1]), parts[2]);
    assert_eq!(header["alg"], "HS256");
    let with = |value: &Value, name: &str, to: Value| {
        let mut value = value.clone();
        value[name] = to;
        value
    };
    let for_anna = with(&claims, "sub", json!(anna.id.to_string()));
    let for_anna = with(&for_anna, "sid", anna.signed_in["session"]["id"].clone());
    let later = with(&claims, "exp", json!(9_999_999_999_u64));
    let mut forged = Vec::new();
    for claims in [&claims, &for_anna, &later] {
        for alg in ["none", "None", "HS512", "RS256", "ES256", "HS256"] {
            let header = with(&header, "alg", json!(alg));
            for signature in ["", signature] {
                forged.push(format!("{}.{}.{signature}", part(&header), part(claims)));
            }
        }
        // A key of their own, named in the header in each way that there is.
        for (name, value) in [
            ("kid", json!("another")),
            ("kid", json!("../../dev/null")),
            ("jwk", json!({"kty": "oct", "k": "AAAA"})),
            ("jku", json!("https://evil.example/keys")),
        ] {
            forged.push(format!("{}.{}.{signature}", part(&with(&header, name, value)), part(claims)));
        }
    }
    forged.retain(|forged| *forged != token);
    forged.extend(["..".to_owned(), String::new(), format!("{token}x"), format!("{token}.{signature}")]);
    for forged in &forged {
        let header = format!("Bearer {forged}");
        let answer = app.nobody().get("/api/me").header("authorization", header.trim_end()).await;
        assert_eq!(answer.status, 401, "{forged}: {answer}");
    }
    eve.get("/api/me").await.ok();
    // One that was good is too old in the end.
    app.advance("PT10M").await;
    eve.get("/api/me").await.refused(401, "unauthenticated");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planted_session_is_not_signed_in_to() {
    let app = TestApp::start().await;
    app.user("anna").await;
    app.user("eve").await;
    let planted = cookie(&sign_in(app.nobody(), "eve").await);
    let user = async |cookie: &str| app.nobody().with("cookie", cookie).get("/api/me").await;
    // Anna's browser was made to carry Eve's cookie, or one that Eve invented.
    let id = anna_session_like(&planted);
    for before in [planted.as_str(), id.as_str()] {
        let signed_in = sign_in(&app.nobody().with("cookie", before), "anna").await;
        let after = cookie(&signed_in);
        assert_ne!(after, before);
        assert!(!after.contains(before.split(['=', '.']).nth(2).unwrap()), "another session, not the same with another secret");
        assert_eq!(user(&after).await.ok().at("/user/username"), "anna");
    }
    assert_eq!(user(&planted).await.ok().at("/user/username"), "eve");
    user(&id).await.refused(401, "unauthenticated");
    // Signing out ends the session itself, not only the cookie.
    let mine = cookie(&sign_in(app.nobody(), "anna").await);
    app.nobody().with("cookie", &mine).delete("/api/sessions").header("x-requested-with", "postroom").await.ok();
    user(&mine).await.refused(401, "unauthenticated");
    app.mails().await;
    app.finish().await;
}

/// A cookie of the right shape that nobody gave out.
fn anna_session_like(cookie: &str) -> String {
    let (start, secret) = cookie.rsplit_once('.').expect("a secret");
    let (owner, _) = start.rsplit_once('.').expect("a session");
    format!("{owner}.0000.{secret}")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_leads_elsewhere() {
    let app = TestApp::start().await;
    app.user("anna").await;
    let browser = app.nobody().with("cookie", &cookie(&sign_in(app.nobody(), "anna").await));
    let operations = operations();
    let api = |path: &str| path.starts_with("/api") || path.starts_with("/assets");
    let pages: Vec<&str> = operations.iter().filter(|route| route.method == "GET" && !api(&route.path)).map(|route| &*route.path).collect();
    assert!(pages.contains(&"/signin"));
    for evil in [
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "https://evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "/\r\nLocation:evil.example",
        "\t//evil.example",
    ] {
        let evil_in_query: String = evil.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for page in &pages {
            for name in ["next", "return_to"] {
                let path = format!("{}?{name}={evil_in_query}", page.replace(['{', '}'], ""));
                for who in [app.nobody(), &browser] {
                    let answer = who.get(&path).await;
                    let location = answer.header("location");
                    let host =
                        location.is_empty() || location.starts_with('/') && !location.starts_with("//") && !location.starts_with("/\\");
                    assert!(host && answer.status < 500, "{answer}");
                    for place in ["data-then=\"", "href=\"", "action=\"", "src=\""] {
                        let leads = |rest: &str| rest.starts_with(evil) || rest.starts_with("https:evil") || rest.starts_with("//");
                        assert!(!answer.text.split(place).skip(1).any(leads), "{path}: {answer}");
                    }
                }
            }
        }
    }
    // A path of ours is gone to.
    assert_eq!(browser.get("/signin?next=%2Faccount%3Fx%3D1").await.header("location"), "/account?x=1");
    app.finish().await;
}

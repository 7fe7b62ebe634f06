//! Sign-in with Google, and everything that holds for any issuer.

use local::Options;
use serde_json::{Value, json};
use tests::issuer::{Issuer, Somebody, Wrong};
use tests::{Browser, PASSWORD, TestApp, link_token};

const START: &str = "/api/sso/google/start";

/// A stack with an issuer in place of Google.
async fn with(issuer: &Issuer, clock: app::Clock) -> TestApp {
    TestApp::with(Options { google: Some(issuer.as_google()), clock, ..Options::default() }).await
}

async fn world() -> (TestApp, Issuer) {
    let clock = app::Clock::system();
    let issuer = Issuer::start(clock.clone()).await;
    (with(&issuer, clock).await, issuer)
}

fn pointers(body: &Value) -> Vec<&str> {
    body["errors"].as_array().into_iter().flatten().filter_map(|error| error["pointer"].as_str()).collect()
}

/// Somebody new comes back from Google and accepts the terms.
async fn joins(browser: &Browser) {
    assert_eq!(browser.signs_in(START).await, "/sso");
    browser.post("/api/sso/account", json!({"accept_terms": true, "over_13": true})).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_new_accepts_the_terms_and_is_in() {
    let (app, issuer) = world().await;
    issuer.knows(Somebody::new("ann"));
    app.user("ben").await;
    let browser = Browser::new(app.url());
    // Whoever planted a session there has not planted the one that begins.
    browser.put("postroom_session_1", "1.planted.secret");
    assert_eq!(browser.signs_in("/api/sso/google/start?return_to=%2Faccount").await, "/sso");
    assert_eq!(browser.cookie("postroom_sso"), "", "the way back is good once");
    assert_eq!(browser.sessions(), ["1.planted.secret"], "nobody is signed in yet");
    browser.forgets();
    let page = browser.get("/sso").await.ok().text;
    for said in ["Create your account", "ann@example.com", "value=\"ann\"", "data-then=\"/account\""] {
        assert!(page.contains(said), "{said}: {page}");
    }
    let refused = browser.post("/api/sso/account", json!({"username": "b"})).await.refused(422, "rejected").json();
    assert_eq!(pointers(&refused), ["/username", "/accept_terms", "/over_13"]);
    let terms = |name: &str| json!({"username": name, "accept_terms": true, "over_13": true});
    let taken = browser.post("/api/sso/account", terms("BEN")).await.refused(409, "username_taken").json();
    assert_eq!(pointers(&taken), ["/username"]);
    let made = browser.post("/api/sso/account", terms("ann")).await.ok();
    assert_eq!(made.at("/session/through"), Value::Null);
    let me = browser.get("/api/me").await.ok().json();
    assert_eq!((&me["user"]["username"], &me["user"]["email"]), (&json!("ann"), &json!("ann@example.com")));
    assert_eq!((&me["user"]["emailVerified"], &me["user"]["fullName"]), (&json!(true), &json!("ann lee")));
    // The question is answered.
    browser.post("/api/sso/account", terms("ann2")).await.refused(410, "sso_gone");
    assert_eq!(browser.get("/sso").await.status(303).header("location"), "/signin?failed=gone");

    // From now on it goes straight in, anywhere, into a session of its own, for 30 minutes or 30 days.
    let other = Browser::new(app.url());
    assert_eq!(other.signs_in("/api/sso/google/start?return_to=/teams/new").await, "/teams/new");
    assert!(other.sessions().len() == 1 && other.sessions() != browser.sessions());
    let kept = Browser::new(app.url());
    kept.signs_in("/api/sso/google/start?keep=1").await;
    let sessions = kept.get("/api/sessions").await.ok().at("/sessions");
    let keeps: Vec<bool> = sessions.as_array().unwrap().iter().map(|session| session["keep_signed_in"].as_bool().unwrap()).collect();
    assert_eq!(keeps.iter().filter(|keep| **keep).count(), 1, "{sessions:#}");
    // There is no password, so none is right, and changing it says what to do.
    for password in ["ann", "correct horse battery"] {
        app.nobody().post("/api/sessions", json!({"login": "ann", "password": password})).await.refused(401, "wrong_login");
    }
    let change = browser.ask("PUT", "/api/me/password", json!({"old_password": "ann", "password": "correct horse battery"})).await;
    assert!(change.refused(422, "rejected").text.contains("no password yet"));
    assert!(browser.get("/account").await.ok().text.contains("Send me a link to choose one"));
    // Its address is taken, and its maker is told of nothing that they did themselves.
    app.nobody()
        .post(
            "/api/signup",
            json!({"email": "ann@example.com", "username": "ann3", "password": PASSWORD, "accept_terms": true, "over_13": true}),
        )
        .await
        .status(202);
    assert_eq!(app.mail_to("ann@example.com").await.subject, "You already have a Postroom account");
    // Another name is found for the next one.
    issuer.knows(Somebody { subject: "another".into(), email: Some("Ann@other.example".into()), ..Somebody::new("ann") });
    let next = Browser::new(app.url());
    joins(&next).await;
    let me = next.get("/api/me").await.ok().json();
    assert_eq!((&me["user"]["username"], &me["user"]["email"]), (&json!("ann2"), &json!("ann@other.example")));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_linked_by_its_owner_only() {
    let (app, issuer) = world().await;
    let ann = app.user("ann").await;
    let ben = app.user("ben").await;
    issuer.knows(Somebody::new("ann"));
    let browser = Browser::new(app.url());
    assert_eq!(browser.signs_in(START).await, "/sso");
    assert!(browser.get("/sso").await.ok().text.contains("Is this account yours?"));
    // Neither by not saying anything, nor with a wrong password, nor as somebody else, nor as somebody new.
    let silent = browser.post("/api/sso/link", json!({})).await.refused(422, "rejected").json();
    assert_eq!(pointers(&silent), ["/password"]);
    browser.post("/api/sso/link", json!({"password": "wrong horse battery"})).await.refused(422, "rejected");
    browser.post("/api/sso/account", json!({"accept_terms": true, "over_13": true})).await.refused(409, "email_taken");
    let as_ben = ben.post("/api/sso/link", json!({})).header("cookie", &browser.header()).await;
    as_ben.refused(422, "rejected");
    let without = Browser::new(app.url()).post("/api/sso/link", json!({"password": format!("{PASSWORD}ann")})).await;
    without.refused(410, "sso_gone");
    assert_eq!(ann.get("/api/me/identities").await.ok().at("/identities"), json!([]));

    browser.post("/api/sso/link", json!({"password": format!("{PASSWORD}ann")})).await.ok();
    assert_eq!(browser.get("/api/me").await.ok().at("/user/id"), ann.id);
    assert_eq!(app.mail_to("ann@example.com").await.subject, "Another way to sign in to Postroom");
    let other = Browser::new(app.url());
    assert_eq!(other.signs_in(START).await, "/");
    assert_eq!(other.get("/api/me").await.ok().at("/user/id"), ann.id);
    let identity = ann.get("/api/me/identities").await.ok().at("/identities/0");
    assert_eq!((&identity["provider"], &identity["email"]), (&json!("google"), &json!("ann@example.com")));
    assert!(!ann.get("/api/me/identities").await.ok().text.contains("subject of"));

    // Unlinked, it is asked for again; whoever is signed in need not type the password.
    let path = format!("/api/me/identities/{}", identity["id"].as_str().unwrap());
    ben.delete(&path).await.refused(404, "not_found");
    app.api_key(&ann, "write").await.delete(&path).await.refused(403, "forbidden");
    ann.delete(&path).await.ok();
    ann.delete(&path).await.refused(404, "not_found");
    assert_eq!(other.signs_in(START).await, "/sso");
    assert!(other.get("/sso").await.ok().text.contains("Connect Google with ann"));
    other.post("/api/sso/link", json!({})).await.ok();
    app.mail_to("ann@example.com").await;
    // Google knows somebody by what it calls them, not by the address.
    issuer.knows(Somebody { email: Some("ann.new@example.com".into()), ..Somebody::new("ann") });
    assert_eq!(Browser::new(app.url()).signs_in(START).await, "/");
    issuer.knows(Somebody { subject: "who got the address later".into(), ..Somebody::new("ann") });
    assert_eq!(Browser::new(app.url()).signs_in(START).await, "/sso");

    // An address that nobody has confirmed is nobody's yet.
    app.unconfirmed("cleo").await;
    issuer.knows(Somebody::new("cleo"));
    let cleo = Browser::new(app.url());
    assert_eq!(cleo.signs_in(START).await, "/signin?failed=unconfirmed");
    assert!(cleo.get("/signin?failed=unconfirmed").await.ok().text.contains("waits for its confirmation"));
    assert_eq!(app.mail_to("cleo@example.com").await.subject, "Finish your Postroom account");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_only_way_in_stays() {
    let clock = app::Clock::system();
    let issuer = Issuer::start(clock.clone()).await;
    for dynamodb in [None, Some(TestApp::second_engine())] {
        let options = Options { google: Some(issuer.as_google()), clock: clock.clone(), dynamodb, ..Options::default() };
        let app = TestApp::with(options).await;
        issuer.knows(Somebody::new("ann"));
        let browser = Browser::new(app.url());
        joins(&browser).await;
        let identity = browser.get("/api/me/identities").await.ok().at("/identities/0/id");
        let path = format!("/api/me/identities/{}", identity.as_str().unwrap());
        browser.ask("DELETE", &path, Value::Null).await.refused(409, "last_way_in");
        assert_eq!(Browser::new(app.url()).signs_in(START).await, "/");
        // A password is another way in. It is chosen by the link of a letter, and ends the sessions.
        app.nobody().post("/api/password/forgot", json!({"email": "ann@example.com"})).await.status(202);
        let token = link_token(&app.mail_to("ann@example.com").await.text);
        app.nobody().post("/api/password/reset", json!({"token": token, "password": format!("{PASSWORD}ann")})).await.ok();
        app.nobody()
            .post("/api/password/reset", json!({"token": token, "password": format!("{PASSWORD}ann")}))
            .await
            .refused(410, "link_gone");
        let ann = app.sign_in("ann").await;
        ann.delete(&path).await.ok();
        assert_eq!(Browser::new(app.url()).signs_in(START).await, "/sso");
        app.mails_to("ann@example.com").await;
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_sent_elsewhere() {
    let (app, issuer) = world().await;
    issuer.knows(Somebody::new("ann"));
    joins(&Browser::new(app.url())).await;
    let outside = [
        "//evil.example",
        "/%5Cevil.example",
        "/\\evil.example",
        "%2F%2Fevil.example",
        "%2F%5Cevil.example",
        "https://evil.example",
        "https:%2F%2Fevil.example",
        "javascript:alert(1)",
        "evil.example",
        "%09//evil.example",
        "/%0A/evil.example",
        "/%0D%0ASet-Cookie:x=y",
        "%20//evil.example",
        "/%20evil",
        "/{access_token}",
        "",
    ];
    for path in outside {
        let browser = Browser::new(app.url());
        assert_eq!(browser.signs_in(&format!("{START}?return_to={}", path.replace('\\', "%5C"))).await, "/", "{path:?}");
    }
    for path in ["/account", "/teams/1/library?x=%2520y", "/%252F%252Fevil.example"] {
        let expected = path.replace("%25", "%");
        assert_eq!(Browser::new(app.url()).signs_in(&format!("{START}?return_to={path}")).await, expected);
    }
    // Nor does what waits for an answer lead elsewhere.
    issuer.knows(Somebody::new("ben"));
    let browser = Browser::new(app.url());
    assert_eq!(browser.signs_in(&format!("{START}?return_to=//evil.example")).await, "/sso");
    assert!(browser.get("/sso").await.ok().text.contains("data-then=\"/\""));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_back_is_for_the_browser_that_went_and_good_once() {
    let (app, issuer) = world().await;
    issuer.knows(Somebody::new("ann"));
    joins(&Browser::new(app.url())).await;
    let gone = "/signin?failed=gone";
    let lost = async |browser: &Browser, path: &str| browser.get(path).await.status(303).header("location").to_owned();

    // Login CSRF: whoever makes somebody open the end of another's sign-in signs nobody in.
    let (mine, other) = (Browser::new(app.url()), Browser::new(app.url()));
    let back = mine.outside(START).await;
    assert_eq!(lost(&other, &back).await, gone);
    let others = other.outside(START).await;
    assert_eq!(lost(&other, &back).await, gone, "with a flow of its own");
    assert!(other.sessions().is_empty());
    assert_eq!(lost(&other, &others).await, "/", "which goes on");
    // Another state, another provider.
    let state = back.split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    assert_eq!(lost(&mine, &back.replace(&state, &"A".repeat(43))).await, gone);
    assert_eq!(lost(&mine, &back.replace(&state, "")).await, gone);
    assert_eq!(lost(&mine, &back.replace("/google/", "/42/")).await, gone);
    // A cookie that somebody has made or changed.
    let sealed = mine.cookie("postroom_sso");
    mine.put("postroom_sso", &format!("A{}", &sealed[1..]));
    assert_eq!(lost(&mine, &back).await, gone);
    mine.put("postroom_sso", &sealed);
    assert_eq!(lost(&mine, &back).await, "/");
    // Once more: the browser has forgotten it; where it has not, the issuer takes no code twice.
    assert_eq!(lost(&mine, &back).await, gone);
    mine.put("postroom_sso", &sealed);
    assert_eq!(lost(&mine, &back).await, "/signin?failed=refused");

    // An answer of another issuer, a refusal, no code.
    let of = async |change: &dyn Fn(&str) -> String| {
        let browser = Browser::new(app.url());
        let back = browser.outside(START).await;
        let told = lost(&browser, &change(&back)).await;
        assert!(browser.cookie("postroom_sso").is_empty() && browser.sessions().is_empty(), "{told}");
        told
    };
    assert_eq!(of(&|back| back.replace("iss=http", "iss=https")).await, "/signin?failed=cancelled");
    assert_eq!(of(&|back| back.replace("code=", "error=access_denied&x=")).await, "/signin?failed=cancelled");
    assert_eq!(of(&|back| back.replace("code=", "x=")).await, gone);
    assert_eq!(of(&|back| back.replace("code=", "code=x")).await, "/signin?failed=refused");
    // Too late.
    let late = Browser::new(app.url());
    let back = late.outside(START).await;
    app.advance("PT10M").await;
    assert_eq!(lost(&late, &back).await, gone);
    // A cookie that says it is something else opens nothing.
    let swapped = Browser::new(app.url());
    let back = swapped.outside(START).await;
    issuer.knows(Somebody::new("ben"));
    let ben = Browser::new(app.url());
    ben.signs_in(START).await;
    swapped.put("postroom_sso", &ben.cookie("postroom_sso_waiting"));
    assert_eq!(lost(&swapped, &back).await, gone);
    // Whoever dawdles over the question begins again.
    app.advance("PT10M").await;
    ben.post("/api/sso/account", json!({"accept_terms": true, "over_13": true})).await.refused(410, "sso_gone");
    // A page of another site asks in vain.
    issuer.knows(Somebody::new("cleo"));
    let cleo = Browser::new(app.url());
    cleo.signs_in(START).await;
    let forged = app.nobody().ask("POST", "/api/sso/account").header("cookie", &cleo.header());
    let forged = forged.header("content-type", "text/plain").body(r#"{"accept_terms":true,"over_13":true}"#).await;
    assert_eq!(forged.status, 415, "{forged}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_does_not_hold_signs_nobody_in() {
    let (app, issuer) = world().await;
    issuer.knows(Somebody::new("ann"));
    joins(&Browser::new(app.url())).await;
    for wrong in [
        Wrong::Nonce,
        Wrong::Audience,
        Wrong::Issuer,
        Wrong::Expired,
        Wrong::None,
        Wrong::Hmac,
        Wrong::ForeignKey,
        Wrong::UnknownKey,
        Wrong::Tampered,
    ] {
        issuer.goes_wrong(wrong);
        let browser = Browser::new(app.url());
        assert_eq!(browser.signs_in(START).await, "/signin?failed=refused", "{wrong:?}");
        assert_eq!(browser.header(), "", "{wrong:?}");
    }
    issuer.goes_wrong(Wrong::Nothing);
    assert_eq!(Browser::new(app.url()).signs_in(START).await, "/");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_remembered_and_asked_for_anew_when_they_change() {
    let (app, issuer) = world().await;
    issuer.knows(Somebody::new("ann"));
    joins(&Browser::new(app.url())).await;
    let signs_in = async || Browser::new(app.url()).signs_in(START).await;
    assert_eq!((signs_in().await.as_str(), issuer.asked().0), ("/", 1));
    issuer.rotates();
    assert_eq!((signs_in().await.as_str(), issuer.asked().0), ("/", 2), "asked once more");
    assert_eq!((signs_in().await.as_str(), issuer.asked().0), ("/", 2));
    issuer.goes_wrong(Wrong::UnknownKey);
    assert_eq!((signs_in().await.as_str(), issuer.asked().0), ("/signin?failed=refused", 3), "and no more than once");
    issuer.goes_wrong(Wrong::ForeignKey);
    assert_eq!((signs_in().await.as_str(), issuer.asked().0), ("/signin?failed=refused", 3), "a signature that is wrong asks for nothing");
    issuer.goes_wrong(Wrong::Nothing);
    app.advance("PT61M").await;
    assert_eq!((signs_in().await.as_str(), issuer.asked().0), ("/", 4), "what is known is believed for an hour");
    app.mails_to("ann@example.com").await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_to_be_theirs() {
    let clock = app::Clock::system();
    // As Google signs; and it wants its secret elsewhere.
    let issuer = Issuer::rsa(clock.clone()).await;
    issuer.wants_the_secret_in_the_body();
    let app = with(&issuer, clock).await;
    let told = async |somebody: Somebody| {
        issuer.knows(somebody);
        Browser::new(app.url()).signs_in(START).await
    };
    assert_eq!(told(Somebody { verified: Some(false), ..Somebody::new("ann") }).await, "/signin?failed=unverified");
    assert_eq!(told(Somebody { verified: None, ..Somebody::new("ann") }).await, "/signin?failed=unverified");
    assert_eq!(told(Somebody { email: None, ..Somebody::new("ann") }).await, "/signin?failed=no_address");
    assert_eq!(told(Somebody { email: Some("ann".into()), ..Somebody::new("ann") }).await, "/signin?failed=no_address");
    let asked = Somebody { email: None, told_when_asked: Some("ann@example.com".into()), ..Somebody::new("ann") };
    assert_eq!(told(asked).await, "/sso");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_is_not_there_is_said_on_the_page() {
    let unreachable = "/signin?failed=unreachable";
    let start = async |app: &TestApp, path: &str| app.nobody().get(path).await.status(303).header("location").to_owned();
    let (app, issuer) = world().await;
    issuer.calls_itself("https://somebody.else.example");
    assert_eq!(start(&app, START).await, unreachable);
    assert_eq!(start(&app, "/api/sso/42/start").await, "/signin?failed=unknown");
    assert_eq!(start(&app, "/api/sso/nonsense/start").await, "/signin?failed=unknown");
    assert!(app.nobody().get(unreachable).await.ok().text.contains("does not answer at the moment"));
    assert!(app.nobody().get("/signin").await.ok().text.contains("Continue with Google"));
    app.finish().await;
    let mut google = issuer.as_google();
    google.issuer = "http://127.0.0.1:1".to_owned();
    let app = TestApp::with(Options { google: Some(google), ..Options::default() }).await;
    assert_eq!(start(&app, START).await, unreachable);
    app.finish().await;
    // Where it is not set up, it is not offered.
    let app = TestApp::start().await;
    assert_eq!(start(&app, START).await, "/signin?failed=unknown");
    for page in ["/signin", "/signup"] {
        assert!(!app.nobody().get(page).await.ok().text.contains("Google"));
    }
    app.finish().await;
}

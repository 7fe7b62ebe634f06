//! The single sign-on of a team: set up by its admins, and perhaps the only way in.

use local::Options;
use serde_json::{Value, json};
use tests::issuer::{CLIENT_ID, CLIENT_SECRET, Issuer, Somebody};
use tests::{Browser, Client, PASSWORD, Team, TestApp, link_token, samples};

use crate::world::dump_of;

fn settings(issuer: &Issuer) -> Value {
    json!({"issuer": issuer.url(), "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET})
}

fn path(team: &Team) -> String {
    format!("/api/teams/{}/sso", team.id)
}

fn start(team: &Team) -> String {
    format!("/api/sso/{}/start", team.id)
}

fn pointers(body: &Value) -> Vec<&str> {
    body["errors"].as_array().into_iter().flatten().filter_map(|error| error["pointer"].as_str()).collect()
}

/// Somebody with an account comes through the team's issuer for the first time, and proves that the account is theirs.
async fn comes(app: &TestApp, issuer: &Issuer, team: &Team, name: &str) -> Browser {
    issuer.knows(Somebody::new(name));
    let browser = Browser::new(app.url());
    assert_eq!(browser.signs_in(&start(team)).await, "/sso");
    browser.post("/api/sso/link", json!({"password": format!("{PASSWORD}{name}")})).await.ok();
    app.mails_to(&format!("{name}@example.com")).await;
    browser
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_sets_it_up_and_its_secret_is_never_seen() {
    let app = TestApp::start().await;
    let clock = app.stack().clock().clone();
    let (issuer, other) = (Issuer::start(clock.clone()).await, Issuer::start(clock).await);
    let owner = app.user("owner").await;
    let team = app.team(&owner, 3).await;
    let put = async |body: Value| owner.put(&path(&team), body.to_string()).await;
    let bad = put(json!({"issuer": "ftp://id.example", "client_id": " ", "client_secret": ""})).await.refused(422, "rejected").json();
    assert_eq!(pointers(&bad), ["/issuer", "/client_id", "/client_secret"]);
    for issuer in ["", "id.example", "http://", "http://127.0.0.1:1", &format!("{}/elsewhere", issuer.url()), "http://a@127.0.0.1:1"] {
        let bad = put(json!({"issuer": issuer, "client_id": "c", "client_secret": "s"})).await.refused(422, "rejected").json();
        assert_eq!(pointers(&bad), ["/issuer"], "{issuer}");
    }
    other.calls_itself("https://id.example");
    assert_eq!(pointers(&put(settings(&other)).await.refused(422, "rejected").json()), ["/issuer"]);
    assert_eq!(owner.get(&path(&team)).await.ok().at("/sso"), Value::Null);
    let none = app.nobody().post("/api/sso/find", json!({"team": "team-owner"})).await.refused(422, "rejected");

    let set = put(settings(&issuer)).await.ok();
    let callback = format!("{}/api/sso/{}/callback", app.url(), team.id);
    assert_eq!(
        (set.at("/sso/issuer"), set.at("/sso/required"), set.at("/sso/callback")),
        (json!(issuer.url()), json!(false), json!(callback))
    );
    let page = owner.get(&format!("/teams/{}/sso", team.id)).await.ok();
    assert!(page.text.contains(&callback) && page.text.contains("sign in through it once yourself"));
    for shown in [set.text, owner.get(&path(&team)).await.ok().text, page.text, dump_of(app.stack()).await] {
        assert!(!shown.contains(CLIENT_SECRET), "{shown}");
    }
    let found = app.nobody().post("/api/sso/find", json!({"team": " Team-Owner "})).await.ok();
    assert_eq!(found.at("/provider"), json!(team.id.to_string()));
    let unknown = app.nobody().post("/api/sso/find", json!({"team": "nobodys"})).await.refused(422, "rejected");
    assert_eq!(unknown.at("/detail"), none.at("/detail"), "no team and no single sign-on are the same");

    // Without a secret the one that is there stays; it belongs to its issuer and client only.
    put(json!({"issuer": issuer.url(), "client_id": CLIENT_ID})).await.ok();
    let bad = put(json!({"issuer": issuer.url(), "client_id": "another"})).await.refused(422, "rejected").json();
    assert_eq!(pointers(&bad), ["/client_secret"]);
    let browser = comes(&app, &issuer, &team, "owner").await;
    let sessions = browser.get("/api/sessions").await.ok().text;
    assert_eq!(sessions.matches(&format!("\"through\":{}", team.id)).count(), 1, "{sessions}");
    // Sign-ins through it are the team's business, others are not.
    let log = owner.get(&format!("/api/teams/{}/audit?format=json&action=signed_in_through", team.id)).await.ok().json();
    assert_eq!(log["trails"].as_array().unwrap().len(), 1, "{log}");
    assert!(log.to_string().contains("127.0.0.1"), "{log}");
    // A secret that is wrong lets nobody in.
    put(json!({"issuer": issuer.url(), "client_id": CLIENT_ID, "client_secret": "wrong"})).await.ok();
    assert_eq!(browser.signs_in(&start(&team)).await, "/signin?failed=refused");

    let key = app.api_key(&owner, "write").await;
    key.delete(&path(&team)).await.refused(403, "forbidden");
    owner.delete(&path(&team)).await.ok();
    owner.delete(&path(&team)).await.refused(404, "not_found");
    assert_eq!(app.nobody().get(&start(&team)).await.status(303).header("location"), "/signin?failed=unknown");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_new_comes_through_their_team() {
    let app = TestApp::start().await;
    let issuer = Issuer::start(app.stack().clock().clone()).await;
    let owner = app.user("owner").await;
    let team = app.team(&owner, 3).await;
    owner.put(&path(&team), settings(&issuer).to_string()).await.ok();
    let invited =
        owner.post(&format!("/api/teams/{}/invites", team.id), json!({"emails": ["zoe@example.com"], "role": "editor"})).await.ok();
    let token = link_token(invited.at("/invites/0/link").as_str().unwrap());
    app.mails_to("zoe@example.com").await;
    assert!(app.nobody().get(&format!("/invite/{token}")).await.ok().text.contains("Single sign-on of Team of owner"));

    // The issuer need not say that the address is theirs, as long as it does not say that it is not.
    issuer.knows(Somebody { verified: Some(false), ..Somebody::new("zoe") });
    assert_eq!(Browser::new(app.url()).signs_in(&start(&team)).await, "/signin?failed=unverified");
    issuer.knows(Somebody { verified: None, ..Somebody::new("zoe") });
    let zoe = Browser::new(app.url());
    assert_eq!(zoe.signs_in(&format!("{}?keep=1&return_to=/invite/{token}", start(&team))).await, "/sso");
    let page = zoe.get("/sso").await.ok().text;
    assert!(page.contains("Signed in with Team of owner as zoe@example.com") && page.contains("We send a link to"), "{page}");
    let made = zoe.post("/api/sso/account", json!({"accept_terms": true, "over_13": true})).await.ok();
    assert_eq!((made.at("/session/through"), made.at("/session/keep_signed_in")), (json!(team.id), json!(false)));
    // Only its owner confirms an address, whatever the issuer of some team says.
    assert_eq!(zoe.get("/api/me").await.ok().at("/user/emailVerified"), false);
    let letter = app.mail_to("zoe@example.com").await;
    zoe.post("/api/invites/accept", json!({"token": token})).await.ok();
    zoe.get(&format!("/api/teams/{}", team.id)).await.ok();
    app.nobody().post("/api/signup/confirm", json!({"token": link_token(&letter.text)})).await.ok();
    assert_eq!(zoe.get("/api/me").await.ok().at("/user/emailVerified"), true);
    let again = Browser::new(app.url());
    assert_eq!(again.signs_in(&start(&team)).await, "/");
    assert_eq!(again.get("/api/me").await.ok().at("/user/username"), "zoe");
    app.mails().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_team_vouches_for_anybody_elses_account() {
    let app = TestApp::start().await;
    let issuer = Issuer::start(app.stack().clock().clone()).await;
    let mallory = app.user("mallory").await;
    let team = app.team(&mallory, 1).await;
    mallory.put(&path(&team), settings(&issuer).to_string()).await.ok();
    let mine = format!("{PASSWORD}mallory");

    // An account that is there: neither the one who says so gets in, nor does its owner link it by opening an address.
    let ann = app.user("ann").await;
    issuer.knows(Somebody::new("ann"));
    let browser = Browser::new(app.url());
    assert_eq!(browser.signs_in(&start(&team)).await, "/sso");
    browser.post("/api/sso/link", json!({"password": mine})).await.refused(422, "rejected");
    assert!(browser.sessions().is_empty());
    let hers = Browser::new(app.url());
    hers.post("/api/sessions", json!({"login": "ann", "password": format!("{PASSWORD}ann")})).await.ok();
    assert_eq!(hers.signs_in(&start(&team)).await, "/sso", "she is asked");
    let page = hers.get("/sso").await.ok().text;
    assert!(page.contains("Whoever runs the single sign-on of Team of mallory can then sign in as you"), "{page}");
    let forged = app.nobody().ask("POST", "/api/sso/link").header("cookie", &hers.header()).header("origin", "https://evil.example");
    forged.json("{}").await.refused(403, "forged");
    assert_eq!(ann.get("/api/me/identities").await.ok().at("/identities"), json!([]));

    // An account that is not there yet: made with somebody else's address, it is theirs as soon as they want it.
    issuer.knows(Somebody::new("zoe"));
    let squatter = Browser::new(app.url());
    squatter.signs_in(&start(&team)).await;
    squatter.post("/api/sso/account", json!({"accept_terms": true, "over_13": true})).await.ok();
    app.mails_to("zoe@example.com").await;
    let sign_up = json!({"email": "zoe@example.com", "username": "zoe-lee", "password": PASSWORD, "accept_terms": true, "over_13": true});
    app.nobody().post("/api/signup", sign_up).await.status(202);
    let letter = app.mail_to("zoe@example.com").await;
    assert_eq!(letter.subject, "Finish your Postroom account");
    app.nobody().post("/api/password/reset", json!({"token": link_token(&letter.text), "password": format!("{PASSWORD}zoe")})).await.ok();
    let zoe = app.sign_in("zoe").await;
    assert_eq!(zoe.get("/api/me/identities").await.ok().at("/identities"), json!([]));
    squatter.get("/api/me").await.refused(401, "unauthenticated");
    assert_eq!(squatter.signs_in(&start(&team)).await, "/sso", "what the squatter had linked opens nothing");
    squatter.post("/api/sso/link", json!({"password": mine})).await.refused(422, "rejected");

    // Another issuer of the same team that calls somebody by the same name is another issuer.
    let linked = comes(&app, &issuer, &team, "mallory").await;
    let another = Issuer::start(app.stack().clock().clone()).await;
    mallory.put(&path(&team), settings(&another).to_string()).await.ok();
    another.knows(Somebody::new("mallory"));
    linked.forgets();
    assert_eq!(linked.signs_in(&start(&team)).await, "/sso");
    app.mails().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_may_insist_on_it() {
    TestApp::on_each_engine(insists).await;
}

async fn insists(app: &TestApp) {
    let issuer = Issuer::start(app.stack().clock().clone()).await;
    let owner = app.user("owner").await;
    let team = app.team(&owner, 5).await;
    let bob = app.join(&team, "bob", "editor").await;
    let collection = owner.import(&team.workspace, samples::of_requests("Ours", 1)).await;
    let theirs = format!("/api/collections/{collection}");
    let about = format!("/api/teams/{}", team.id);
    let key = app.api_key(&bob, "write").await;
    let required = |required: bool| {
        let mut body = settings(&issuer);
        body.as_object_mut().unwrap().remove("client_secret");
        body["required"] = json!(required);
        body
    };
    let put = async |by: &Client, body: &Value| by.put(&path(&team), body.to_string()).await;
    put(&owner, &settings(&issuer)).await.ok();
    // Whoever makes it compulsory has tried it, as it is now.
    put(&owner, &required(true)).await.refused(409, "sso_untried");
    let through = comes(app, &issuer, &team, "owner").await;
    let mut other_secret = settings(&issuer);
    other_secret["required"] = json!(true);
    put(&owner, &other_secret).await.refused(409, "sso_untried");

    let mut his = bob.listen().await;
    his.subscribe(&collection, None).await;
    put(&owner, &required(true)).await.ok();
    // Out at once, whoever came another way; the socket is closed; nothing of it is hidden from a member, nor shown to a stranger.
    his.closed().await;
    let stranger = app.user("stranger").await;
    for ours in [about.clone(), theirs.clone(), format!("/api/workspaces/{}", team.workspace), format!("/api/teams/{}/feed", team.id)] {
        let refused = bob.get(&ours).await.refused(403, "forbidden");
        assert_eq!(refused.at("/detail"), "this needs a sign-in through the single sign-on of the team", "{ours}");
        stranger.get(&ours).await.refused(404, "not_found");
        owner.get(&ours).await.refused(403, "forbidden");
        through.get(&ours).await.ok();
        key.get(&ours).await.ok();
    }
    assert_eq!(bob.get("/api/teams").await.ok().at("/data"), json!([]));
    bob.patch(&theirs, "{\"collection\": {\"name\": \"Mine\"}}").await.refused(403, "forbidden");
    let mut again = bob.listen().await;
    again.say(json!({"action": "subscribe", "collection": collection})).await;
    assert_ne!(again.next().await["type"], "postroom.subscribed");
    assert!(again.following().await.is_empty());
    assert!(bob.get("/").await.ok().text.contains("asks for its single sign-on"));
    // Through it, he is what he was, and stays held to it when his role changes.
    let bob_through = comes(app, &issuer, &team, "bob").await;
    bob_through.ask("PATCH", &theirs, json!({"collection": {"name": "His"}})).await.ok();
    through.ask("PATCH", &format!("{about}/members/{}", bob.id), json!({"role": "viewer"})).await.ok();
    bob_through.get(&about).await.ok();
    bob.get(&about).await.refused(403, "forbidden");

    // Whoever joins comes through it.
    let carl = app.user("carl").await;
    let invites = format!("{about}/invites");
    let invite = async |name: &str| {
        let invited = through.post(&invites, json!({"emails": [format!("{name}@example.com")]})).await.ok();
        app.mails_to(&format!("{name}@example.com")).await;
        link_token(invited.at("/invites/0/link").as_str().unwrap())
    };
    let token = json!({"token": invite("carl").await});
    carl.post("/api/invites/accept", token.clone()).await.refused(403, "sso_required");
    let carl_through = comes(app, &issuer, &team, "carl").await;
    carl_through.post("/api/invites/accept", token).await.ok();
    carl_through.get(&about).await.ok();
    carl.get(&about).await.refused(403, "forbidden");
    let dora = json!({
        "email": "dora@example.com", "username": "dora", "password": PASSWORD, "accept_terms": true, "over_13": true, "invite": invite("dora").await,
    });
    app.nobody().post("/api/signup", dora).await.refused(403, "sso_required");

    // API keys, too, where the team says so.
    let mut strict = required(true);
    strict["api_keys"] = json!(false);
    put(&through_client(app, &through), &strict).await.ok();
    key.get(&about).await.refused(403, "forbidden");
    // An admin switches it off however they came: an issuer that is gone locks nobody out. Others do not.
    bob.get(&path(&team)).await.refused(403, "forbidden");
    put(&bob, &required(false)).await.refused(403, "forbidden");
    assert_eq!(owner.get(&path(&team)).await.ok().at("/sso/required"), true);
    owner.get(&format!("/teams/{}/sso", team.id)).await.ok();
    put(&owner, &required(false)).await.ok();
    bob.get(&about).await.ok();
    key.get(&about).await.ok();
    carl.get(&about).await.ok();

    // What came through it before it was changed counts no longer.
    app.advance("PT1M").await;
    put(&owner, &settings(&issuer)).await.ok();
    put(&owner, &required(true)).await.refused(409, "sso_untried");
    issuer.knows(Somebody::new("owner"));
    let anew = Browser::new(app.url());
    assert_eq!(anew.signs_in(&start(&team)).await, "/");
    put(&owner, &required(true)).await.ok();
    bob_through.get(&about).await.refused(403, "forbidden");
    anew.get(&about).await.ok();
    owner.delete(&path(&team)).await.ok();
    bob.get(&about).await.ok();
    bob_through.get(&about).await.ok();
    app.mails().await;
}

/// A program that shows what a browser keeps.
fn through_client(app: &TestApp, browser: &Browser) -> Client {
    app.nobody().with("cookie", &browser.header()).with("origin", app.url())
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_joins_while_it_is_made_compulsory_is_held_to_it() {
    let app = TestApp::with(Options::default()).await;
    let issuer = Issuer::start(app.stack().clock().clone()).await;
    let owner = app.user("owner").await;
    let team = app.team(&owner, 20).await;
    owner.put(&path(&team), settings(&issuer).to_string()).await.ok();
    comes(&app, &issuer, &team, "owner").await;
    let mut joining = Vec::new();
    for name in ["ann", "ben", "cleo", "dan"] {
        let user = app.user(name).await;
        let invites = format!("/api/teams/{}/invites", team.id);
        let invited = owner.post(&invites, json!({"emails": [user.email]})).await.ok();
        joining.push((user, link_token(invited.at("/invites/0/link").as_str().unwrap())));
    }
    let mut body = settings(&issuer);
    body.as_object_mut().unwrap().remove("client_secret");
    body["required"] = json!(true);
    let insist = async { owner.put(&path(&team), body.to_string()).await };
    let join = async || {
        let joins =
            joining.iter().map(|(user, token)| async move { user.post("/api/invites/accept", json!({"token": token})).await.status });
        futures::future::join_all(joins).await
    };
    let (insisted, joined) = tokio::join!(insist, join());
    insisted.ok();
    for ((user, _), status) in joining.iter().zip(joined) {
        assert!(matches!(status, 200 | 403 | 503), "{} was answered with {status}", user.name);
        let seen = user.get(&format!("/api/teams/{}", team.id)).await.status;
        assert_eq!(seen, if status == 200 { 403 } else { 404 }, "{} joined with {status}", user.name);
    }
    app.mails().await;
    app.finish().await;
}

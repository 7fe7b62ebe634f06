//! The story of a team, from the first sign-up to a colleague who is up to date, and each refusal in it.

use serde_json::{Value, json};
use tests::{PASSWORD, TestApp, link_token, samples};

fn sign_up(name: &str) -> Value {
    json!({"email": format!("{name}@example.com"), "username": name, "password": format!("{PASSWORD}{name}"), "accept_terms": true, "over_13": true})
}

#[tokio::test]
async fn a_team_works_on_a_collection() {
    let app = TestApp::start().await;
    let nobody = app.nobody();

    // Anna signs up, confirms through the mail, signs in.
    nobody.post("/api/signup", sign_up("anna")).await.status(202);
    let mail = app.mail_to("anna@example.com").await;
    assert!(mail.html.contains("href=") && mail.text.contains(app.url()), "{mail:?}");
    let confirmed = nobody.post("/api/signup/confirm", json!({"token": link_token(&mail.text)})).await.ok();
    assert_eq!(confirmed.at("/user/emailVerified"), true);
    let anna = app.sign_in("anna").await;

    // Makes a team with a name and URL, takes seats, invites two.
    let team = anna.post("/api/teams", json!({"name": "The Team", "handle": "the-team"})).await.ok();
    assert_eq!(team.at("/team/handle"), "the-team");
    assert_eq!(team.at("/team/seats"), json!({"count": 1, "used": 1, "free": 0}));
    let (id, workspace) = (team.at("/team/id"), team.at("/team/workspace"));
    let workspace = workspace.as_str().expect("workspace").to_owned();
    let seats = anna.post(&format!("/api/teams/{id}/seats"), json!({"count": 3})).await.ok();
    assert_eq!(seats.at("/seats"), json!({"count": 3, "used": 1, "free": 2}));

    // Bob has an account already, Carl has none.
    let bob = app.user("bob").await;
    let invites = format!("/api/teams/{id}/invites");
    let invited = anna.post(&invites, json!({"emails": ["bob@example.com", "carl@example.com"], "role": "editor"})).await.ok();
    assert_eq!(invited.at("/invites/0/status"), "pending");
    let to_copy = invited.at("/invites/1/link");
    let (to_bob, to_carl) = (app.mail_to("bob@example.com").await, app.mail_to("carl@example.com").await);
    assert_eq!(link_token(&to_carl.text), link_token(to_copy.as_str().expect("link")), "the mailed link can also be copied");
    assert!(to_bob.subject.contains("anna") && to_bob.subject.contains("The Team"), "{}", to_bob.subject);
    anna.post(&invites, json!({"emails": ["dora@example.com"]})).await.refused(409, "no_free_seat");

    // Carl signs up through the link and is in the team. The link could be copied, so it confirms no address: a mail does.
    let token = link_token(&to_carl.text);
    let look = nobody.get(&format!("/api/invites/{token}")).await.ok();
    assert_eq!(look.at("/invite/account_exists"), false);
    assert_eq!(look.at("/invite/team/name"), "The Team");
    let mut with_invite = sign_up("carl");
    with_invite["invite"] = json!(token);
    nobody.post("/api/signup", with_invite).await.status(202);
    let carl = app.sign_in("carl").await;
    let me = carl.get("/api/me").await.ok();
    assert_eq!((me.at("/user/teamId"), me.at("/user/emailVerified")), (id.clone(), json!(false)));
    let mail = app.mail_to("carl@example.com").await;
    nobody.post("/api/signup/confirm", json!({"token": link_token(&mail.text)})).await.ok();

    // Bob signs in through his.
    let token = link_token(&to_bob.text);
    assert_eq!(nobody.get(&format!("/api/invites/{token}")).await.ok().at("/invite/account_exists"), true);
    // In the hands of a member it does nothing: it waits for him.
    carl.post("/api/invites/accept", json!({"token": token})).await.ok();
    let joined = bob.post("/api/invites/accept", json!({"token": token})).await.ok();
    assert_eq!(joined.at("/team/seats"), json!({"count": 3, "used": 3, "free": 0}));
    let members = bob.get(&format!("/api/teams/{id}/members")).await.ok();
    assert_eq!(members.at("/members").as_array().map(Vec::len), Some(3));

    // Anna imports a collection into the library; Bob subscribes and listens.
    let file = samples::collection("Pets", &[samples::folder("dogs", &[samples::request("bark")]), samples::request("feed")]);
    let collection = anna.import(&workspace, file).await;
    bob.ask("PUT", &format!("/api/collections/{collection}/subscription")).json("{}").await.ok();
    app.settle().await;
    let mut socket = bob.listen().await;
    assert_eq!(socket.following().await, [collection.as_str()], "standing subscriptions need no asking");

    // Anna edits one request.
    let item = anna.item_named(&collection, "bark").await;
    let path = format!("/api/collections/{collection}/items/{item}");
    let read = anna.get(&path).await.ok();
    let renamed = read.text.replace("\"bark\"", "\"bark loudly\"");
    let saved = anna.put_if(&path, &read.etag(), renamed).await.ok();
    assert_eq!(saved.at("/name"), "bark loudly");

    // It reaches Bob's socket, …
    let event = socket.next_event().await;
    assert_eq!((&event["collection"], &event["seq"], &event["op"]), (&json!(collection), &json!(2), &json!("update")), "{event}");
    assert_eq!(event["item"]["name"], "bark loudly");
    assert_eq!(event["actor"]["username"], "anna");
    assert_eq!(event["changes"], json!([{"pointer": "/name", "before": "bark", "after": "bark loudly"}]));
    // … the feeds, …
    app.settle().await;
    for feed in [format!("/api/teams/{id}/feed"), "/api/feed".to_owned()] {
        let entries = bob.get(&feed).await.ok();
        assert_eq!(entries.at("/entries/0/op"), "update", "{feed}");
        assert_eq!(entries.at("/entries/0/item/name"), "bark loudly", "{feed}");
        assert_eq!(entries.at("/entries/0/actor/username"), "anna", "{feed}");
    }
    // … and his inbox, not hers.
    let mail = app.mail_to("bob@example.com").await;
    assert!(mail.text.contains("bark loudly") && mail.text.contains(&collection), "{}", mail.text);
    assert!(app.mails_to("anna@example.com").await.is_empty());

    // Bob reads the collection back, and it is up to date; newman's way too.
    let read = bob.get(&format!("/api/collections/{collection}")).await.ok();
    assert_eq!(read.at("/collection/item/0/item/0/name"), "bark loudly");
    let key = bob.post("/api/me/api-keys", json!({"name": "newman"})).await.ok().at("/api_key/key");
    let key = key.as_str().expect("key");
    let by_key = nobody.get(&format!("/api/collections/{collection}?apikey={key}")).await.ok();
    assert_eq!(by_key.text, read.text);
    assert_eq!(carl.get("/api/collections").await.ok().at("/collections/0/name"), "Pets");
    app.finish().await;
}

#[tokio::test]
async fn each_refusal_on_the_way() {
    let app = TestApp::start().await;
    let (anna, stranger) = (app.user("anna").await, app.user("stranger").await);
    let team = app.team(&anna, 2).await;
    let nobody = app.nobody();

    for login in ["anna", "anna@example.com", "no-such-person"] {
        nobody.post("/api/sessions", json!({"login": login, "password": "wrong horse battery"})).await.refused(401, "wrong_login");
    }
    nobody.get("/api/me").await.refused(401, "unauthenticated");
    let taken = nobody.post(
        "/api/signup",
        json!({"email": "new@example.com", "username": "Anna", "password": "correct horse battery", "accept_terms": true, "over_13": true}),
    );
    taken.await.refused(409, "username_taken");

    // An invitation is good for one use, for a time; where the team says so, only by the one it is for.
    anna.patch(&format!("/api/teams/{}/joining", team.id), r#"{"bound":true}"#).await.ok();
    let invites = format!("/api/teams/{}/invites", team.id);
    let invited = anna.post(&invites, json!({"emails": ["bob@example.com"]})).await.ok();
    let token = link_token(invited.at("/invites/0/link").as_str().expect("link"));
    app.mail_to("bob@example.com").await;
    stranger.post("/api/invites/accept", json!({"token": token})).await.refused(403, "invite_for_another");
    let mut as_bob = sign_up("bob");
    as_bob["invite"] = json!(token);
    nobody.post("/api/signup", as_bob).await.status(202);
    app.mail_to("bob@example.com").await;
    let mut again = sign_up("bobby");
    again["email"] = json!("bob@example.com");
    again["invite"] = json!(token);
    nobody.post("/api/signup", again).await.refused(410, "invite_gone");
    nobody.get(&format!("/api/invites/{token}")).await.refused(410, "invite_gone");
    nobody.get("/api/invites/nonsense").await.refused(404, "not_found");
    anna.post(&invites, json!({"emails": ["late@example.com"]})).await.refused(409, "no_free_seat");
    anna.post(&format!("/api/teams/{}/seats", team.id), json!({"count": 1})).await.refused(409, "seats_in_use");
    anna.post(&format!("/api/teams/{}/seats", team.id), json!({"count": 3})).await.ok();
    let invited = anna.post(&invites, json!({"emails": ["late@example.com"]})).await.ok();
    let token = link_token(invited.at("/invites/0/link").as_str().expect("link"));
    app.mail_to("late@example.com").await;
    // The clock alone: the janitor, who would take the invitation away, does not notice.
    app.stack().clock().advance(jiff::SignedDuration::from_hours(2400));
    nobody.get(&format!("/api/invites/{token}")).await.refused(410, "invite_expired");
    let mut late = sign_up("late");
    late["invite"] = json!(token);
    nobody.post("/api/signup", late).await.refused(410, "invite_expired");
    // The session, too, was not used for too long.
    anna.get("/api/me").await.status(401);
    app.finish().await;
}

#[tokio::test]
async fn a_stranger_learns_nothing() {
    let app = TestApp::start().await;
    let (anna, stranger) = (app.user("anna").await, app.user("stranger").await);
    let team = app.team(&anna, 1).await;
    let collection = anna.import(&team.workspace, samples::of_requests("Secret", 1)).await;
    let absent = "00000000-0000-7000-8000-000000000000";
    // What is there and not theirs answers like what is not there.
    let real = stranger.get(&format!("/api/collections/{collection}")).await.refused(404, "not_found").json();
    let unreal = stranger.get(&format!("/api/collections/{absent}")).await.refused(404, "not_found").json();
    for member in ["type", "title", "detail", "code", "error"] {
        assert_eq!(real[member], unreal[member]);
    }
    assert_eq!(stranger.get("/api/collections").await.ok().at("/collections"), json!([]));
    assert_eq!(stranger.get(&format!("/api/collections?workspace={}", team.workspace)).await.ok().at("/collections"), json!([]));
    stranger.get(&format!("/api/teams/{}", team.id)).await.refused(404, "not_found");
    stranger
        .post_text(&format!("/api/collections?workspace={}", team.workspace), samples::of_requests("Mine", 1))
        .await
        .refused(404, "not_found");
    app.finish().await;
}

//! What ends, ends at once: when a removal or a revocation has answered, nothing more is delivered.

use serde_json::json;
use tests::{Client, Socket, TestApp, samples};

/// A second credential of somebody, and what ends it.
async fn closes(app: &TestApp, other: &Client, ended: impl AsyncFnOnce()) {
    let mut socket = other.listen().await;
    socket.following().await;
    let unused = other.ticket().await;
    let open = app.stack().connections();
    ended().await;
    socket.closed().await;
    assert_eq!(app.stack().connections(), open - 1, "only this one is closed");
    // A ticket from before opens nothing any more.
    assert_eq!(Socket::open(&unused).await.err(), Some(401));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_opened_a_socket_closes_it() {
    let app = TestApp::start().await;
    let (here, bob) = (app.user("anna").await, app.user("bob").await);
    let mut mine = here.listen().await;
    let mut his = bob.listen().await;
    let there = app.sign_in("anna").await;
    let id = there.signed_in["session"]["id"].as_str().unwrap().to_owned();
    closes(&app, &there, async || drop(here.delete(&format!("/api/sessions/{id}")).await.ok())).await;
    let key = here.post("/api/me/api-keys", json!({"name": "tool", "scope": "read"})).await.ok();
    let (id, text) = (key.at("/api_key/id"), key.at("/api_key/key"));
    let program = app.nobody().with("x-api-key", text.as_str().unwrap());
    closes(&app, &program, async || drop(here.delete(&format!("/api/me/api-keys/{}", id.as_str().unwrap())).await.ok())).await;
    let copied = app.sign_in("anna").await;
    let refresh = json!({"refresh_token": copied.signed_in["refresh_token"]});
    app.nobody().post("/api/sessions/refresh", refresh.clone()).await.ok();
    closes(&app, &copied, async || drop(app.nobody().post("/api/sessions/refresh", refresh).await.refused(401, "session_gone"))).await;
    assert!(mine.following().await.is_empty() && his.following().await.is_empty());
    here.delete("/api/sessions").await.ok();
    mine.closed().await;
    his.following().await;
    let told: Vec<String> = app.mails().await.iter().map(|mail| mail.subject.clone()).collect();
    assert_eq!(told, ["A session of your Postroom account was ended"]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_opens_one_socket_for_a_minute() {
    let app = TestApp::start().await;
    let anna = app.user("anna").await;
    let ticket = anna.ticket().await;
    let _open = Socket::open(&ticket).await.unwrap();
    assert_eq!(Socket::open(&ticket).await.err(), Some(401));
    let late = anna.ticket().await;
    app.advance("PT61S").await;
    assert_eq!(Socket::open(&late).await.err(), Some(401));
    assert_eq!(Socket::open(&late.replace("ticket=", "ticket=x")).await.err(), Some(401));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_member_gets_no_further_event() {
    let app = TestApp::start().await;
    let anna = app.user("anna").await;
    let team = app.team(&anna, 3).await;
    let bob = app.join(&team, "bob", "editor").await;
    let collection = anna.import(&team.workspace, samples::collection("Pets", &[samples::request("bark")])).await;
    // What is still on its way would reach them, too: events come at least once.
    app.settle().await;
    let (mut mine, mut his) = (anna.listen().await, bob.listen().await);
    for socket in [&mut mine, &mut his] {
        socket.subscribe(&collection, None).await;
    }
    let item = anna.item_named(&collection, "bark").await;
    let path = format!("/api/collections/{collection}/items/{item}");
    let rename = async |from: &str, to: &str| drop(anna.put(&path, anna.get(&path).await.ok().text.replace(from, to)).await.ok());
    rename("bark", "growl").await;
    assert_eq!((mine.next_event().await["seq"].as_u64(), his.next_event().await["seq"].as_u64()), (Some(2), Some(2)));
    anna.delete(&format!("/api/teams/{}/members/{}", team.id, bob.id)).await.ok();
    rename("growl", "howl").await;
    assert_eq!(mine.next_event().await["seq"], 3);
    app.settle().await;
    // His socket still answers: what came before the answer is all that came.
    assert!(his.following().await.is_empty());
    his.say(json!({"action": "subscribe", "collection": collection})).await;
    assert_eq!(his.next().await["data"]["code"], "not_found");
    app.mails_to("bob@example.com").await;
    app.finish().await;
}

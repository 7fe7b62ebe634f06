//! Realtime is a hint over a log: nobody misses a change, and nobody hears what is not theirs.

mod changes;
mod client;
mod webhooks;

use serde_json::json;
use tests::{Client, Socket, Team, TestApp, User, link_token, samples};

struct Pair {
    anna: User,
    bob: User,
    team: Team,
    collection: String,
    item: String,
}

/// Anna, who edits, and Bob, who listens.
async fn pair(app: &TestApp) -> Pair {
    let anna = app.user("anna").await;
    let team = app.team(&anna, 3).await;
    let bob = app.join(&team, "bob", "viewer").await;
    let collection = anna.import(&team.workspace, samples::of_requests("Live", 2)).await;
    let item = format!("/api/collections/{collection}/items/{}", anna.item_named(&collection, "request 0").await);
    // Events come at least once: who begins to listen while the import is still on its way would hear of it.
    app.settle().await;
    Pair { anna, bob, team, collection, item }
}

impl Pair {
    async fn rename(&self, name: &str) -> u64 {
        let answer = self.anna.patch(&self.item, json!({"name": name}).to_string()).await.ok();
        answer.etag().trim_matches('"').parse().expect("a revision")
    }
}

/// Subscribed without mails.
async fn subscribe(client: &Client, collection: &str) {
    client.ask("PUT", &format!("/api/collections/{collection}/subscription")).json("{\"mail\": \"off\"}").await.ok();
}

#[tokio::test]
async fn standing_subscriptions_need_no_asking() {
    let app = TestApp::start().await;
    let pair = pair(&app).await;
    let other = pair.anna.import(&pair.team.workspace, samples::of_requests("Quiet", 1)).await;
    subscribe(&pair.bob, &pair.collection).await;
    let (mut first, mut second) = (pair.bob.listen().await, pair.bob.listen().await);
    assert_eq!(first.following().await, [pair.collection.as_str()]);
    second.following().await;
    pair.anna.patch(&format!("/api/collections/{other}"), "{\"collection\": {\"name\": \"Not for Bob\"}}").await.ok();
    for round in 0..5 {
        pair.rename(&format!("round {round}")).await;
    }
    for socket in [&mut first, &mut second] {
        let events = socket.events_until(1, 6).await;
        let names: Vec<_> = events.iter().map(|event| event["item"]["name"].clone()).collect();
        assert_eq!(names, ["round 0", "round 1", "round 2", "round 3", "round 4"]);
        assert!(events.iter().all(|event| event["collection"] == pair.collection), "{events:#?}");
    }
    // The event is what the log says.
    let logged = pair.bob.changes(&pair.collection, 5).await;
    app.settle().await;
    pair.rename("last").await;
    assert_eq!(first.next_event().await, pair.bob.changes(&pair.collection, 6).await[0]);
    assert_eq!(logged[0]["item"]["name"], "round 4");
    first.close().await;
    pair.rename("after one is gone").await;
    assert_eq!(second.events_until(6, 8).await.len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn a_frame_is_a_cloud_event() {
    let app = TestApp::start().await;
    let pair = pair(&app).await;
    subscribe(&pair.bob, &pair.collection).await;
    let mut socket = pair.bob.listen().await;
    socket.following().await;
    pair.rename("renamed").await;
    let frame = socket.next_of("postroom.collection.changed").await;
    assert_eq!(frame["specversion"], "1.0");
    for member in ["id", "source", "time", "subject"] {
        assert!(frame[member].as_str().is_some_and(|text| !text.is_empty()), "{member} in {frame}");
    }
    assert_eq!(frame["data"]["changes"], json!([{"pointer": "/name", "before": "request 0", "after": "renamed"}]));
    app.finish().await;
}

#[tokio::test]
async fn with_since_the_missed_comes_first_then_the_live() {
    let app = TestApp::start().await;
    let pair = pair(&app).await;
    for round in 0..120 {
        pair.rename(&format!("missed {round}")).await;
    }
    let mut socket = pair.bob.listen().await;
    let (missed, answer) = socket.subscribe(&pair.collection, Some(1)).await;
    assert_eq!((&answer["type"], &answer["data"]["head"]), (&json!("postroom.subscribed"), &json!(121)));
    let mut numbers: Vec<u64> = missed.iter().filter_map(|frame| frame["data"]["seq"].as_u64()).collect();
    numbers.dedup();
    assert_eq!(numbers, (2..=121).collect::<Vec<u64>>(), "in order, without a gap");
    pair.rename("live").await;
    assert_eq!(socket.events_until(121, 122).await[0]["item"]["name"], "live");
    // Without `since` only what comes from now on.
    let mut late = pair.bob.listen().await;
    let (before, answer) = late.subscribe(&pair.collection, None).await;
    assert_eq!((before.len(), &answer["data"]["head"]), (0, &json!(122)));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscribing_in_the_middle_of_edits_misses_none() {
    let app = TestApp::start().await;
    let pair = pair(&app).await;
    let editing = async {
        for round in 0..60 {
            pair.rename(&format!("round {round}")).await;
        }
    };
    let joining = async {
        let mut sockets = Vec::new();
        for _ in 0..6 {
            let mut socket = pair.bob.listen().await;
            let (before, answer) = socket.subscribe(&pair.collection, Some(1)).await;
            let head = answer["data"]["head"].as_u64().expect("head");
            let mut numbers: Vec<u64> = before.iter().filter_map(|frame| frame["data"]["seq"].as_u64()).collect();
            numbers.sort_unstable();
            numbers.dedup();
            // A live event may come before the answer, too: up to the head there is no gap.
            numbers.retain(|number| *number <= head);
            assert_eq!(numbers, (2..=head).collect::<Vec<u64>>());
            sockets.push((
                socket,
                before.iter().filter_map(|frame| frame["data"]["seq"].as_u64()).filter(|seq| head < *seq).collect::<Vec<u64>>(),
                head,
            ));
        }
        sockets
    };
    let ((), sockets) = tokio::join!(editing, joining);
    for (mut socket, early, head) in sockets {
        let mut missing: std::collections::BTreeSet<u64> = (head + 1..=61).filter(|seq| !early.contains(seq)).collect();
        while !missing.is_empty() {
            let event = socket.next_event().await;
            missing.remove(&event["seq"].as_u64().expect("seq"));
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn who_unsubscribes_hears_no_more() {
    let app = TestApp::start().await;
    let pair = pair(&app).await;
    subscribe(&pair.bob, &pair.collection).await;
    let mut socket = pair.bob.listen().await;
    socket.following().await;
    pair.rename("heard").await;
    assert_eq!(socket.next_event().await["item"]["name"], "heard");
    socket.say(json!({"action": "unsubscribe", "collection": pair.collection})).await;
    let frame = socket.next().await;
    assert_eq!((&frame["type"], &frame["data"]["collection"]), (&json!("postroom.unsubscribed"), &json!(pair.collection)));
    pair.rename("not heard").await;
    app.settle().await;
    assert_eq!(socket.heard().await, Vec::<serde_json::Value>::new());
    assert!(socket.following().await.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn what_is_not_understood_is_answered_and_harms_nobody() {
    let app = TestApp::start().await;
    let pair = pair(&app).await;
    let mut socket = pair.bob.listen().await;
    for bad in [
        "",
        "{",
        "7",
        "null",
        "{}",
        "{\"action\": \"dance\"}",
        "{\"action\": \"subscribe\"}",
        "{\"action\": \"subscribe\", \"collection\": 7}",
        "{\"action\": \"subscribe\", \"collection\": \"x\", \"since\": -1}",
    ] {
        socket.say_text(bad).await;
        let frame = socket.next().await;
        assert_eq!((&frame["type"], &frame["data"]["code"]), (&json!("postroom.error"), &json!("malformed")), "{bad}: {frame}");
        assert!(frame["data"]["message"].is_string(), "{frame}");
    }
    let (_, frame) = socket.subscribe("00000000-0000-7000-8000-000000000000", None).await;
    assert_eq!((&frame["type"], &frame["data"]["code"]), (&json!("postroom.error"), &json!("not_found")));
    let (_, frame) = socket.subscribe(&pair.collection, None).await;
    assert_eq!(frame["type"], "postroom.subscribed");
    app.finish().await;
}

#[tokio::test]
async fn a_ticket_opens_one_socket_and_soon() {
    let app = TestApp::start().await;
    let bob = app.user("bob").await;
    let ticket = bob.ticket().await;
    let mut socket = Socket::open(&ticket).await.expect("the first use");
    socket.following().await;
    assert_eq!(Socket::open(&ticket).await.err(), Some(401), "a ticket is good for one use");
    let late = bob.ticket().await;
    app.advance("PT61S").await;
    assert_eq!(Socket::open(&late).await.err(), Some(401), "a ticket lives for a minute");
    let (address, _) = ticket.split_once('?').expect("a query");
    assert_eq!(Socket::open(address).await.err(), Some(401));
    assert_eq!(Socket::open(&format!("{address}?ticket=guessed")).await.err(), Some(401));
    socket.following().await;
    app.finish().await;
}

#[tokio::test]
async fn a_stranger_hears_nothing() {
    let app = TestApp::start().await;
    let pair = pair(&app).await;
    let stranger = app.user("stranger").await;
    let mut socket = stranger.listen().await;
    let (before, frame) = socket.subscribe(&pair.collection, Some(0)).await;
    assert!(before.is_empty(), "{before:#?}");
    assert_eq!((&frame["type"], &frame["data"]["code"]), (&json!("postroom.error"), &json!("not_found")));
    pair.rename("secret").await;
    app.settle().await;
    assert!(socket.heard().await.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn the_end_of_a_session_closes_its_sockets() {
    let app = TestApp::start().await;
    let bob = app.user("bob").await;
    let (here, there) = (app.sign_in("bob").await, app.sign_in("bob").await);
    let key = app.api_key(&bob, "read").await;
    let (mut own, mut of_here, mut of_there, mut of_key) =
        (bob.listen().await, here.listen().await, there.listen().await, key.listen().await);
    let session = here.signed_in["session"]["id"].as_str().expect("session.id");
    bob.delete(&format!("/api/sessions/{session}")).await.ok();
    let (_, reason, _) = of_here.closed().await;
    assert!(!reason.is_empty());
    own.following().await;
    of_there.following().await;
    let keys = bob.get("/api/me/api-keys").await.ok().at("/api_keys/0/id");
    bob.delete(&format!("/api/me/api-keys/{}", keys.as_str().expect("id"))).await.ok();
    of_key.closed().await;
    bob.delete("/api/sessions").await.ok();
    own.closed().await;
    of_there.closed().await;
    bob.post("/api/realtime/tickets", json!({})).await.status(401);
    app.finish().await;
}

/// A hundred removals: ten people, ten times.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_was_removed_hears_nothing_more() {
    let app = TestApp::start().await;
    let pair = pair(&app).await;
    let team = format!("/api/teams/{}", pair.team.id);
    pair.anna.post(&format!("{team}/seats"), json!({"count": 12})).await.ok();
    let mut people = vec![pair.bob.clone()];
    for number in 0..9 {
        people.push(app.join(&pair.team, &format!("reader{number}"), "viewer").await);
    }
    let emails: Vec<&str> = people.iter().map(|one| one.email.as_str()).collect();
    for round in 0..10 {
        if 0 < round {
            let invited = pair.anna.post(&format!("{team}/invites"), json!({"emails": emails, "role": "viewer"})).await.ok().at("/invites");
            let links = invited.as_array().into_iter().flatten().map(|invite| link_token(invite["link"].as_str().expect("link")));
            let accepted = people.iter().zip(links).map(|(one, token)| one.post("/api/invites/accept", json!({"token": token})));
            for answer in accepted {
                answer.await.ok();
            }
        }
        let mut sockets = Vec::new();
        for (number, one) in people.iter().enumerate() {
            // Some follow by a standing subscription, some by asking.
            if number % 2 == 0 {
                subscribe(one, &pair.collection).await;
            }
            let mut socket = one.listen().await;
            if number % 2 == 1 {
                socket.subscribe(&pair.collection, None).await;
            }
            assert_eq!(socket.following().await, [pair.collection.as_str()]);
            sockets.push(socket);
        }
        // In the middle of edits, and while another socket of each opens and subscribes.
        let editing = async {
            for step in 0..4 {
                pair.rename(&format!("round {round}, step {step}")).await;
            }
        };
        let leaving = futures::future::join_all(people.iter().map(|one| async {
            let removing = async { pair.anna.delete(&format!("{team}/members/{}", one.id)).await.ok() };
            let opening = async {
                let mut socket = one.listen().await;
                socket.subscribe(&pair.collection, None).await;
                socket
            };
            tokio::join!(removing, opening).1
        }));
        let ((), racing) = tokio::join!(editing, leaving);
        sockets.extend(racing);
        // The removals have answered, and so have the edits: the next one is not delivered.
        let after = pair.rename(&format!("round {round}, after")).await;
        app.settle().await;
        for socket in &mut sockets {
            let heard = socket.heard().await;
            let leaked: Vec<_> = heard.iter().filter(|frame| frame["data"]["seq"] == after).collect();
            assert!(leaked.is_empty(), "round {round}: {leaked:#?}");
            assert!(socket.following().await.is_empty());
        }
        for socket in sockets {
            socket.close().await;
        }
        app.mails().await;
    }
    app.finish().await;
}

#[tokio::test]
async fn what_is_too_large_for_a_frame_is_fetched() {
    let app = TestApp::start().await;
    let pair = pair(&app).await;
    subscribe(&pair.bob, &pair.collection).await;
    let mut socket = pair.bob.listen().await;
    socket.following().await;
    let text = samples::noise(40_000);
    pair.anna.patch(&pair.item, json!({"description": text}).to_string()).await.ok();
    let frame = socket.next_of("postroom.collection.changed").await;
    assert!(frame.to_string().len() < 32 * 1024, "{} bytes", frame.to_string().len());
    assert_eq!((&frame["data"]["omitted"], &frame["data"]["seq"]), (&json!(true), &json!(2)));
    let changes = pair.bob.changes(&pair.collection, 1).await;
    assert_eq!(changes[0]["changes"][0]["after"], text);
    // The same for who comes later.
    let mut late = pair.bob.listen().await;
    let (missed, _) = late.subscribe(&pair.collection, Some(1)).await;
    assert_eq!(missed[0]["data"]["omitted"], true);
    app.finish().await;
}

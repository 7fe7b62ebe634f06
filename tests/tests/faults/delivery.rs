//! What follows from a change, whatever goes wrong on the way: everyone hears of it, nobody is mailed twice, and what
//! cannot be delivered keeps nothing else back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::StreamExt;
use jiff::SignedDuration;
use local::Options;
use local::redrive::Done;
use serde_json::{Value, json};
use tests::faults::{Fault, Faults};
use tests::{Client, Socket, TestApp, User, samples};

/// Anna, who edits, and Bob, who subscribes to her collection.
pub(crate) struct World {
    pub anna: User,
    /// What she edits with.
    pub editor: Client,
    pub bob: User,
    pub team: u64,
    pub collection: String,
    pub item: String,
}

impl World {
    pub async fn new(app: &TestApp) -> World {
        let anna = app.user("anna").await;
        let team = app.team(&anna, 3).await;
        let bob = app.join(&team, "bob", "viewer").await;
        let collection = anna.import(&team.workspace, samples::of_requests("Told", 2)).await;
        let item = format!("/api/collections/{collection}/items/{}", anna.item_named(&collection, "request 0").await);
        bob.put(&format!("/api/collections/{collection}/subscription"), "{}").await.ok();
        app.settle().await;
        let editor: &Client = &anna;
        World { editor: editor.clone(), anna, bob, team: team.id, collection, item }
    }

    async fn rename(&self, name: &str) {
        self.editor.patch(&self.item, json!({"name": name}).to_string()).await.ok();
    }

    /// How many edits the team's feed and a person's own feed tell of.
    pub async fn told_in_feeds(&self, reader: &Client) -> [u64; 2] {
        let mut told = [0, 0];
        for (told, feed) in told.iter_mut().zip([format!("/api/teams/{}/feed", self.team), "/api/feed".to_owned()]) {
            let entries = reader.get(&feed).await.ok().at("/entries");
            let updates = entries.as_array().into_iter().flatten().filter(|entry| entry["op"] == "update");
            *told = updates.filter_map(|entry| entry["count"].as_u64()).sum();
        }
        told
    }

    /// How often each of `round 0`, `round 1` … is told of in Bob's mails, once all that waits has gone.
    pub async fn told_in_mails(&self, app: &TestApp, rounds: usize) -> Vec<usize> {
        // Twice: where a sender died behind a mail, the first look only ends what it began.
        for _ in 0..2 {
            app.settle().await;
            app.advance("PT6M").await;
        }
        let mails = app.mails_to(&self.bob.email).await;
        let count = |round| mails.iter().map(|mail| mail.text.matches(&format!("changed the request “round {round}”")).count()).sum();
        (0..rounds).map(count).collect()
    }
}

/// The numbers of the changes that came, in the order in which they came.
fn numbers(frames: &[Value]) -> Vec<u64> {
    let changes = frames.iter().filter(|frame| frame["type"] == "postroom.collection.changed");
    changes.filter_map(|frame| frame["data"]["seq"].as_u64()).collect()
}

#[tokio::test]
async fn what_cannot_be_delivered_keeps_nothing_back_and_is_redriven_once_that_is_mended() {
    let broken = Arc::new(AtomicBool::new(true));
    let breaks = Arc::clone(&broken);
    // While it is broken, change 3 cannot be read. Then each record comes twice.
    let meddler: local::Meddler = Arc::new(move |_, records| {
        let broken = breaks.load(Ordering::SeqCst);
        let each = records.into_iter().flat_map(|record| {
            let mut value = serde_json::to_value(&record).expect("a record is JSON");
            let change = &mut value["dynamodb"];
            let third = change["Keys"]["sk"]["S"].as_str().is_some_and(|sk| sk.starts_with("CHG#") && sk.ends_with("0003"));
            if broken && third {
                change["NewImage"]["seq"] = json!({"S": "unreadable"});
            }
            let record: Vec<_> = vec![serde_json::from_value(value).expect("a record")];
            if broken { record } else { [record.clone(), record].concat() }
        });
        each.collect()
    });
    let app = TestApp::with(Options { meddler: Some(meddler), hasty: true, ..Options::default() }).await;
    let world = World::new(&app).await;
    let mut socket = world.bob.listen().await;
    socket.following().await;
    for round in 0..3 {
        world.rename(&format!("round {round}")).await;
    }
    app.settle().await;
    let letters = || {
        let letters = app.stack().dead_letters();
        let mut all: Vec<_> = letters.into_iter().map(|letter| (letter.function, letter.records)).collect();
        all.sort();
        all
    };
    let given_up = vec![("fanout".to_owned(), 1), ("mailer".to_owned(), 1)];
    assert_eq!(letters(), given_up);
    assert_eq!(numbers(&socket.heard().await), [2, 4]);
    assert_eq!(world.told_in_feeds(&world.bob).await, [2, 2]);
    // Nothing is mended: they stay, and nothing else happens.
    assert_eq!(app.stack().redrive().await.expect("no file is written"), Done { delivered: 0, left: 2 });
    assert_eq!(letters(), given_up);

    broken.store(false, Ordering::SeqCst);
    assert_eq!(app.stack().redrive().await.expect("no file is written"), Done { delivered: 2, left: 0 });
    assert_eq!(app.stack().redrive().await.expect("no file is written"), Done::default());
    app.settle().await;
    assert_eq!(numbers(&socket.heard().await), [3]);
    assert_eq!(world.told_in_feeds(&world.bob).await, [3, 3]);
    assert_eq!(world.told_in_mails(&app, 3).await, [1, 1, 1]);
    app.finish().await;
}

/// The same folder again, a minute later: who died in the middle of a mail is waited for no longer.
async fn start_again(folder: &std::path::Path) -> TestApp {
    let options = Options::default();
    options.clock.advance(SignedDuration::from_mins(1));
    TestApp::in_folder(folder, options).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_in_the_middle_of_telling() {
    let folder = tempfile::tempdir().expect("a folder");
    let faults = Faults::new();
    let app = TestApp::with(Options { data: Some(folder.path().to_owned()), ..faults.options() }).await;
    let world = World::new(&app).await;
    let mut sockets = Vec::new();
    for _ in 0..3 {
        let mut socket = world.bob.listen().await;
        socket.following().await;
        sockets.push(socket);
    }
    // All three hear of the first change, one of the second, nobody of the others.
    faults.reset();
    faults.later("PostToConnection", 4, 1_000_000, Fault::Hang);
    for round in 0..5 {
        world.rename(&format!("round {round}")).await;
    }
    for socket in &mut sockets {
        assert_eq!(socket.next_event().await["seq"], 2);
    }
    faults.hanging().await;
    app.kill();

    let app = start_again(folder.path()).await;
    let bob = app.sign_in("bob").await;
    let mut socket = bob.listen().await;
    let (missed, _) = socket.subscribe(&world.collection, Some(2)).await;
    let mut came = numbers(&missed);
    came.sort_unstable();
    came.dedup();
    assert_eq!(came, [3, 4, 5, 6]);
    app.settle().await;
    let world = World { bob: bob.clone(), ..world };
    assert_eq!(world.told_in_feeds(&bob).await, [5, 5]);
    assert_eq!(world.told_in_mails(&app, 5).await, [1; 5]);
    app.mails().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_in_the_middle_of_a_mail() {
    let folder = tempfile::tempdir().expect("a folder");
    let faults = Faults::new();
    let app = TestApp::with(Options { data: Some(folder.path().to_owned()), ..faults.options() }).await;
    let world = World::new(&app).await;
    faults.next("SendRawEmail", 1_000, Fault::Hang);
    world.rename("round 0").await;
    faults.hanging().await;
    app.kill();
    let app = start_again(folder.path()).await;
    assert_eq!(world.told_in_mails(&app, 1).await, [1]);
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn a_mail_goes_once_whatever_becomes_of_the_answer() {
    let faults = Faults::new();
    let app = TestApp::with(faults.options()).await;
    // It is taken, and the answer is lost: SES's own word settles it.
    faults.next("SendRawEmail", 1, Fault::LostAnswer);
    app.user("anna").await;
    assert!(faults.are_over());
    // It was not taken, and nobody knows: it is sent again when SES has said nothing for a while.
    faults.next("SendRawEmail", 1, Fault::Unreachable);
    let waiting = async {
        faults.over().await;
        app.advance("PT31S").await;
    };
    tokio::join!(app.user("bob"), waiting);
    // It was refused: again at once.
    faults.next("SendRawEmail", 1, Fault::Broken);
    app.user("cleo").await;
    assert!(faults.are_over());
    app.finish().await;
}

#[tokio::test]
async fn connections_that_are_gone_or_throttled_keep_nobody_waiting() {
    let faults = Faults::new();
    let app = TestApp::with(faults.options()).await;
    let world = World::new(&app).await;
    let mut sockets = Vec::new();
    for _ in 0..3 {
        let mut socket = world.bob.listen().await;
        socket.following().await;
        sockets.push(socket);
    }
    let remembered = async || app.table_keys().await.iter().filter(|(pk, sk)| pk.starts_with("CONN#") && sk == "CONN").count();
    // Long enough open that `gone` means it.
    app.advance("PT1M").await;
    app.settle().await;
    faults.reset();
    faults.next("PostToConnection", 1, Fault::Gone);
    world.rename("gone").await;
    app.settle().await;
    let mut left = Vec::new();
    for mut socket in sockets {
        if let Some(heard) = socket.heard_unless_closed().await {
            assert_eq!(numbers(&heard), [2]);
            left.push(socket);
        }
    }
    assert_eq!((left.len(), remembered().await), (2, 2));
    faults.reset();
    world.rename("to two").await;
    app.settle().await;
    assert_eq!(faults.counts().get("PostToConnection"), Some(&2));
    // More than the SDK itself stands: three tries for each, twice.
    faults.reset();
    faults.next("PostToConnection", 8, Fault::Throttle);
    world.rename("throttled").await;
    app.settle().await;
    assert!(faults.are_over());
    for socket in &mut left {
        assert_eq!(numbers(&socket.heard().await), [3, 4]);
    }
    // An event that is lost for good, and none after it: a ping tells how far the collection is.
    faults.next("PostToConnection", 6, Fault::Unreachable);
    world.rename("lost").await;
    app.settle().await;
    assert!(faults.are_over());
    for socket in &mut left {
        socket.say(json!({"action": "ping"})).await;
        let pong = socket.next().await;
        assert_eq!((&pong["type"], &pong["data"]["heads"]), (&json!("postroom.pong"), &json!({&world.collection: 5})));
    }
    app.mails_to(&world.bob.email).await;
    app.finish().await;
}

#[tokio::test]
async fn a_client_that_was_cut_off_for_an_hour_misses_nothing_while_edits_go_on() {
    let app = TestApp::start().await;
    let world = World::new(&app).await;
    let key = app.api_key(&world.bob, "read").await;
    let world = World { editor: app.api_key(&world.anna, "write").await, ..world };
    let mut socket = key.listen().await;
    socket.following().await;
    world.rename("round 0").await;
    assert_eq!(socket.next_event().await["seq"], 2);
    socket.close().await;
    for part in 0..12 {
        for round in 0..10 {
            world.rename(&format!("while away {part}.{round}")).await;
        }
        app.advance("PT5M").await;
    }
    app.settle().await;
    let registered = app.table_keys().await.into_iter().filter(|(pk, _)| pk.starts_with("LIVE#")).count();
    assert_eq!(registered, 0, "nobody is registered any more");
    let editing = async {
        for round in 0..40 {
            world.rename(&format!("meanwhile {round}")).await;
        }
    };
    let returning = async {
        let mut socket = key.listen().await;
        let (frames, _) = socket.subscribe(&world.collection, Some(2)).await;
        // As a client applies them: the next number is applied, an older one ignored, one ahead waits.
        let (mut level, mut applied, mut ahead) = (2, Vec::new(), BTreeMap::new());
        let mut came: Vec<Value> = frames.into_iter().map(|mut frame| frame["data"].take()).filter(|data| data["seq"].is_u64()).collect();
        while level < 162 {
            if came.is_empty() {
                came.push(socket.next_event().await);
            }
            ahead.extend(came.drain(..).map(|data| (data["seq"].as_u64().expect("seq"), data)));
            while let Some(data) = ahead.remove(&(level + 1)) {
                level += 1;
                applied.push(data);
            }
        }
        applied
    };
    let ((), applied) = tokio::join!(editing, returning);
    app.settle().await;
    assert_eq!(applied.len(), 160);
    assert_eq!(applied, key.changes(&world.collection, 2).await, "what came is what the log says");
    app.mails().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_sockets_hear_of_each_change_and_slow_ones_delay_nobody() {
    let faults = Faults::new();
    let app = TestApp::with(faults.options()).await;
    let world = World::new(&app).await;
    let open = (0..1_000).map(|_| async {
        let mut socket = world.bob.listen().await;
        socket.following().await;
        socket
    });
    let mut sockets: Vec<Socket> = futures::stream::iter(open).buffer_unordered(8).collect().await;
    // A post that does not end is given up after two seconds and made again. Were they made one after the other, these would
    // keep the rest waiting for longer than a socket of the tests waits.
    faults.next("PostToConnection", 16, Fault::Hang);
    for round in 0..3 {
        world.rename(&format!("round {round}")).await;
    }
    for socket in &mut sockets {
        let names: Vec<Value> = socket.events_until(1, 4).await.iter().map(|event| event["item"]["name"].clone()).collect();
        assert_eq!(names, ["round 0", "round 1", "round 2"]);
    }
    assert!(faults.are_over());
    app.settle().await;
    assert_eq!(app.stack().connections(), 1_000);
    app.mails_to(&world.bob.email).await;
    app.finish().await;
}

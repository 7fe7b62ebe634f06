//! Webhooks: each change is told once, signed, again and again where it is not taken, and to nobody whose maker lost it.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use local::Options;
use serde_json::{Value, json};
use tests::receiver::Receiver;
use tests::{TestApp, User};

use crate::{Pair, pair};

/// A webhook of somebody for the pair's collection: its id and its secret.
async fn webhook(user: &User, collection: &str, receiver: &Receiver) -> (String, String) {
    let made = user.post(&format!("/api/collections/{collection}/webhooks"), json!({"url": receiver.url})).await.ok();
    let text = |pointer: &str| made.at(pointer).as_str().expect("a text").to_owned();
    (text("/webhook/id"), text("/webhook/secret"))
}

async fn state(user: &User, webhook: &str) -> Value {
    user.get(&format!("/api/webhooks/{webhook}")).await.ok().at("/webhook")
}

async fn deliveries(user: &User, webhook: &str) -> Vec<Value> {
    let page = user.get(&format!("/api/webhooks/{webhook}/deliveries?limit=100")).await.ok();
    page.at("/deliveries").as_array().cloned().unwrap_or_default()
}

/// Makes Bob, who makes webhooks, an editor.
async fn editor(pair: &Pair) {
    let member = format!("/api/teams/{}/members/{}", pair.team.id, pair.bob.id);
    pair.anna.patch(&member, json!({"role": "editor"}).to_string()).await.ok();
}

#[tokio::test]
async fn a_change_is_told_once_and_signed() {
    TestApp::on_each_engine(async |app| {
        let pair = pair(app).await;
        let receiver = Receiver::start().await;
        let (hook, secret) = webhook(&pair.anna, &pair.collection, &receiver).await;
        assert!(secret.starts_with("whsec_"));
        assert_eq!(state(&pair.anna, &hook).await.get("secret"), None, "shown once");
        for round in 2..5 {
            pair.rename(&format!("round {round}")).await;
        }
        app.settle().await;
        let told = receiver.told();
        assert_eq!(told.len(), 3, "{told:#?}");
        let mut ids: Vec<_> = told.iter().map(|told| told.id.clone()).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 3);
        let logged = pair.anna.changes(&pair.collection, 1).await;
        for told in &told {
            let event = told.json();
            assert_eq!(event["type"], "postroom.collection.changed");
            assert_eq!(event["id"], told.id, "what a receiver knows it by");
            assert!(logged.contains(&event["data"]), "what the log says: {event:#}");
            assert!(told.is_signed_with(&secret) && !told.is_signed_with("whsec_AAAA"));
            assert!((Timestamp::now().as_second() - told.at).abs() < 60);
        }
        let log = deliveries(&pair.anna, &hook).await;
        assert!(log.iter().all(|one| one["state"] == "delivered" && one["tries"][0]["status"] == 204), "{log:#?}");
        // Whose secret it is does not stand in the table in the clear, nor does it come back in any answer.
        let keys = app.table_keys().await;
        assert!(keys.iter().any(|(pk, sk)| pk.starts_with("HOOK#") && sk.starts_with("DLV#")));
        assert!(!keys.iter().any(|(_, sk)| sk.starts_with("WAIT#")), "nothing waits");
    })
    .await;
}

#[tokio::test]
async fn what_is_not_taken_comes_again_later_and_later() {
    let app = TestApp::start().await;
    let pair = pair(&app).await;
    let receiver = Receiver::start().await;
    let (hook, _) = webhook(&pair.anna, &pair.collection, &receiver).await;
    receiver.answers(500);
    pair.rename("not taken").await;
    app.settle().await;
    assert_eq!(receiver.numbers(), [2]);
    let key = app.api_key(&pair.anna, "write").await;
    assert!(key.get(&format!("/api/webhooks/{hook}")).await.ok().at("/webhook/failing_since").is_string());
    // Standard Webhooks' schedule, as far as a look every minute can keep it.
    for pause in ["PT1M1S", "PT5M", "PT30M", "PT2H", "PT5H", "PT10H", "PT14H", "PT20H", "PT24H"] {
        app.advance(pause).await;
        app.settle().await;
        assert_eq!(receiver.numbers(), [2], "after {pause}");
        app.settle().await;
        assert_eq!(receiver.numbers(), Vec::<u64>::new(), "only once after {pause}");
    }
    let page = key.get(&format!("/api/webhooks/{hook}/deliveries")).await.ok();
    assert_eq!((page.at("/deliveries/0/state"), page.at("/deliveries/0/tries").as_array().map(Vec::len)), (json!("failed"), Some(10)));
    app.advance("PT24H").await;
    app.settle().await;
    assert_eq!(receiver.numbers(), Vec::<u64>::new(), "ten tries, then no more");
    // By hand it comes again, and once it is taken all is well.
    receiver.answers(204);
    let delivery = page.at("/deliveries/0/id");
    let again = format!("/api/webhooks/{hook}/deliveries/{}/redeliver", delivery.as_str().expect("id"));
    key.post(&again, json!({})).await.status(202);
    app.settle().await;
    assert_eq!(receiver.numbers(), [2]);
    let after = key.get(&format!("/api/webhooks/{hook}")).await.ok();
    assert_eq!((after.at("/webhook/active"), after.at("/webhook/failing_since")), (json!(true), Value::Null));
    key.post(&format!("/api/webhooks/{hook}/deliveries/bm9uZQ/redeliver"), json!({})).await.refused(404, "not_found");
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn a_receiver_that_fails_for_days_is_told_nothing_more_and_its_owner_is() {
    let app = TestApp::start().await;
    let pair = pair(&app).await;
    let (dead, gone, well) = (Receiver::start().await, Receiver::start().await, Receiver::start().await);
    let (dead_hook, _) = webhook(&pair.anna, &pair.collection, &dead).await;
    let (gone_hook, _) = webhook(&pair.anna, &pair.collection, &gone).await;
    webhook(&pair.anna, &pair.collection, &well).await;
    dead.answers(503);
    gone.answers(410);
    let key = app.api_key(&pair.anna, "write").await;
    let rename = async |name: &str| key.patch(&pair.item, json!({"name": name}).to_string()).await.ok();
    rename("first").await;
    let mail = app.mail_to(&pair.anna.email).await;
    assert!(mail.text.contains("gone for good") && mail.text.contains("/webhooks"), "{}", mail.text);
    assert_eq!(key.get(&format!("/api/webhooks/{gone_hook}")).await.ok().at("/webhook/off"), "gone");
    for day in 1..6 {
        app.advance("PT24H").await;
        rename(&format!("day {day}")).await;
        app.settle().await;
    }
    app.advance("PT1H").await;
    let mails = app.mails_to(&pair.anna.email).await;
    let about: Vec<_> = mails.iter().filter(|mail| mail.subject == "A webhook was switched off").collect();
    assert_eq!(about.len(), 1, "{mails:#?}");
    assert!(about[0].text.contains("five days"), "{}", about[0].text);
    assert_eq!(key.get(&format!("/api/webhooks/{dead_hook}")).await.ok().at("/webhook/off"), "failing");
    dead.told();
    rename("not for the dead").await;
    app.settle().await;
    assert!(dead.told().is_empty() && gone.numbers() == [2]);
    assert_eq!(well.numbers(), [2, 3, 4, 5, 6, 7, 8]);
    // Switched on again it tells of what comes from then on.
    dead.answers(204);
    key.patch(&format!("/api/webhooks/{dead_hook}"), "{\"active\": true}").await.ok();
    rename("for all").await;
    app.settle().await;
    assert_eq!(dead.numbers(), [9]);
    app.mails().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_receiver_delays_nobody() {
    let app = TestApp::start().await;
    let pair = pair(&app).await;
    let (hanging, well) = (Receiver::start().await, Receiver::start().await);
    webhook(&pair.anna, &pair.collection, &hanging).await;
    webhook(&pair.anna, &pair.collection, &well).await;
    let mut socket = pair.bob.listen().await;
    socket.subscribe(&pair.collection, None).await;
    hanging.hangs(true);
    for round in 2..6 {
        pair.rename(&format!("round {round}")).await;
    }
    // Both have everything while the other receiver still holds its first message.
    socket.events_until(1, 5).await;
    let all = async {
        let mut numbers = Vec::new();
        while numbers.len() < 4 {
            numbers.extend(well.numbers());
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), all).await.expect("it is told at once, not when the clock says so");
    assert!(hanging.numbers().len() <= 4);
    hanging.hangs(false);
    app.settle().await;
    app.advance("PT2M").await;
    app.settle().await;
    app.finish().await;
}

#[tokio::test]
async fn a_new_secret_signs_beside_the_old_one_for_a_day() {
    let app = TestApp::start().await;
    let pair = pair(&app).await;
    let receiver = Receiver::start().await;
    let (hook, old) = webhook(&pair.anna, &pair.collection, &receiver).await;
    let key = app.api_key(&pair.anna, "write").await;
    let new = key.post(&format!("/api/webhooks/{hook}/secret"), json!({})).await.ok().at("/webhook/secret");
    let new = new.as_str().expect("a secret");
    let test = async || {
        key.post(&format!("/api/webhooks/{hook}/test"), json!({})).await.status(202);
        app.settle().await;
        let told = receiver.told();
        assert_eq!((told.len(), &told[0].json()["type"]), (1, &json!("postroom.webhook.test")));
        (told[0].is_signed_with(&old), told[0].is_signed_with(new))
    };
    assert_eq!(test().await, (true, true));
    app.advance("PT25H").await;
    assert_eq!(test().await, (false, true));
    app.finish().await;
}

#[tokio::test]
async fn whoever_lost_access_is_told_nothing_more() {
    let app = TestApp::start().await;
    let pair = pair(&app).await;
    editor(&pair).await;
    let (own, teams) = (Receiver::start().await, Receiver::start().await);
    let (hook, _) = webhook(&pair.bob, &pair.collection, &own).await;
    pair.rename("for both").await;
    app.settle().await;
    assert_eq!(own.numbers(), [2]);
    // Hidden from Bob: his webhook ends, and he is told so.
    let hide = json!({"roles": [{"op": "update", "path": "/user", "value": [{"id": pair.bob.id, "role": "NONE"}]}]});
    pair.anna.patch(&format!("/api/collections/{}/roles", pair.collection), hide.to_string()).await.status(204);
    pair.rename("not for Bob").await;
    app.settle().await;
    assert_eq!(own.numbers(), Vec::<u64>::new());
    let mail = app.mail_to(&pair.bob.email).await;
    assert!(mail.text.contains("no longer see") && !mail.text.contains("Live"), "{}", mail.text);
    pair.bob.get(&format!("/api/webhooks/{hook}")).await.refused(404, "not_found");
    assert_eq!(state(&pair.anna, &hook).await["off"], "no_access");
    // Who switches it on answers for it.
    pair.anna.patch(&format!("/api/webhooks/{hook}"), "{\"active\": true}").await.ok();
    pair.rename("for Anna").await;
    app.settle().await;
    assert_eq!(own.numbers(), [4]);
    // A team's webhook tells what its maker sees, and ends when they leave.
    let admin = app.join(&pair.team, "cora", "admin").await;
    let path = format!("/api/teams/{}/webhooks", pair.team.id);
    let teams_hook = admin.post(&path, json!({"url": teams.url})).await.ok().at("/webhook/id");
    let other = pair.anna.import(&pair.team.workspace, tests::samples::of_requests("Other", 1)).await;
    pair.rename("for the team").await;
    app.settle().await;
    let told: Vec<Value> = teams.told().iter().map(|told| told.json()["data"]["collection"].clone()).collect();
    assert!(told.contains(&json!(other)) && told.contains(&json!(pair.collection)), "{told:?}");
    own.told();
    pair.anna.delete(&format!("/api/teams/{}/members/{}", pair.team.id, admin.id)).await.ok();
    pair.rename("not for Cora").await;
    app.settle().await;
    assert!(teams.told().is_empty());
    assert_eq!(state(&pair.anna, teams_hook.as_str().expect("id")).await["off"], "no_access");
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn what_cannot_be_a_webhook_is_refused() {
    let app = TestApp::start().await;
    let pair = pair(&app).await;
    let path = format!("/api/collections/{}/webhooks", pair.collection);
    for bad in [json!({}), json!({"url": "nowhere"}), json!({"url": "ftp://example.com/"}), json!({"url": "http://me:secret@example.com/"})]
    {
        let refused = pair.anna.post(&path, bad.clone()).await.refused(422, "rejected");
        assert!(refused.text.contains("/url"), "{bad}: {refused}");
    }
    pair.bob.post(&path, json!({"url": "http://127.0.0.1:1/"})).await.refused(403, "forbidden");
    for _ in 0..20 {
        pair.anna.post(&path, json!({"url": "http://127.0.0.1:1/"})).await.ok();
    }
    pair.anna.post(&path, json!({"url": "http://127.0.0.1:1/"})).await.refused(409, "too_many_webhooks");
    let all = pair.anna.get(&path).await.ok().at("/webhooks");
    for one in all.as_array().into_iter().flatten() {
        let hook = one["id"].as_str().expect("id");
        pair.anna.delete(&format!("/api/webhooks/{hook}")).await.status(204);
        pair.anna.get(&format!("/api/webhooks/{hook}")).await.refused(404, "not_found");
    }
    app.settle().await;
    let left: Vec<_> = app.table_keys().await.into_iter().filter(|(pk, sk)| pk.contains("HOOK#") || sk.contains("HOOK#")).collect();
    assert!(left.is_empty(), "{left:?}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_changed_before_it_was_there_is_not_told() {
    // While it is held, the stream stands still.
    let held = Arc::new((Mutex::new(false), Condvar::new()));
    let hold = |wanted: bool| {
        *held.0.lock().expect("nobody panics with it") = wanted;
        held.1.notify_all();
    };
    let gate = Arc::clone(&held);
    let meddler: local::Meddler = Arc::new(move |_, records| {
        tokio::task::block_in_place(|| {
            let held = gate.0.lock().expect("nobody panics with it");
            drop(gate.1.wait_while(held, |held| *held).expect("nobody panics with it"));
        });
        records
    });
    let app = TestApp::with(Options { meddler: Some(meddler), ..Options::default() }).await;
    let pair = pair(&app).await;
    let (of_collection, of_team) = (Receiver::start().await, Receiver::start().await);
    hold(true);
    pair.rename("before").await;
    app.advance("PT10S").await;
    let (hook, _) = webhook(&pair.anna, &pair.collection, &of_collection).await;
    let made = pair.anna.post(&format!("/api/teams/{}/webhooks", pair.team.id), json!({"url": of_team.url})).await.ok();
    let team_hook = made.at("/webhook/id").as_str().expect("id").to_owned();
    pair.rename("after").await;
    hold(false);
    app.settle().await;
    assert_eq!((of_collection.numbers(), of_team.numbers()), (vec![3], vec![3]));
    // The same where it is switched on again.
    let switch = async |active: bool| {
        for hook in [&hook, &team_hook] {
            pair.anna.patch(&format!("/api/webhooks/{hook}"), json!({"active": active}).to_string()).await.ok();
        }
    };
    switch(false).await;
    hold(true);
    pair.rename("while off").await;
    app.advance("PT10S").await;
    switch(true).await;
    pair.rename("on again").await;
    hold(false);
    app.settle().await;
    assert_eq!((of_collection.numbers(), of_team.numbers()), (vec![5], vec![5]));
    app.finish().await;
}

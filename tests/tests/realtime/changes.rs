//! The change stream for programs: long poll, and Server-Sent Events.

use std::pin::pin;

use local::Options;
use serde_json::{Value, json};
use tests::events::Events;
use tests::{Client, Reply, TestApp};

use crate::pair;

/// Lets time pass until an answer is there.
async fn while_time_passes(app: &TestApp, ask: impl Future<Output = Reply>) -> Reply {
    let mut ask = pin!(ask);
    loop {
        tokio::select! {
            biased;
            answer = &mut ask => return answer,
            () = app.advance("PT5S") => tokio::task::yield_now().await,
        }
    }
}

fn numbers(answer: &Reply) -> Vec<u64> {
    answer.at("/changes").as_array().into_iter().flatten().filter_map(|change| change["seq"].as_u64()).collect()
}

#[tokio::test]
async fn a_poll_waits_for_the_next_change() {
    for buffered in [false, true] {
        let app = TestApp::with(Options { buffered, ..Options::default() }).await;
        let pair = pair(&app).await;
        let key = app.api_key(&pair.bob, "read").await;
        let path = format!("/api/collections/{}/changes", pair.collection);
        // What is there already is not waited for.
        let there = key.get(&format!("{path}?since=0&wait=20")).await.ok();
        assert_eq!((numbers(&there), there.at("/head")), (vec![1], json!(1)));
        // What is not comes with the answer.
        let poll = async { key.get(&format!("{path}?since=1&wait=20")).await.ok() };
        let edit = async {
            tokio::task::yield_now().await;
            pair.rename("while it waits").await
        };
        // Alone, the head is looked at again after two seconds.
        let poll = async { if buffered { while_time_passes(&app, poll).await } else { poll.await } };
        let (answer, seq) = tokio::join!(poll, edit);
        let answer = if numbers(&answer).is_empty() { key.get(&format!("{path}?since=1&wait=20")).await.ok() } else { answer };
        assert_eq!((numbers(&answer), answer.at("/head")), (vec![seq], json!(seq)));
        // Where nothing comes, it says so in the end, however long was asked for.
        let nothing = while_time_passes(&app, async { key.get(&format!("{path}?since={seq}&wait=3600")).await.ok() }).await;
        assert_eq!((numbers(&nothing), nothing.at("/head")), (vec![], json!(seq)));
        key.get(&format!("{path}?wait=soon")).await.refused(400, "malformed");
        app.finish().await;
    }
}

#[tokio::test]
async fn events_come_one_after_the_other_and_go_on_where_they_broke_off() {
    let app = TestApp::start().await;
    let pair = pair(&app).await;
    let path = format!("/api/collections/{}/changes", pair.collection);
    let mut from_now = Events::open(pair.bob.get(&path)).await;
    let begin = from_now.next().await.expect("a beginning");
    assert_eq!((begin.id.as_deref(), &begin.data), (Some("1"), &Value::Null), "where a client goes on that is cut off at once");
    assert!(begin.retry.is_some());
    let mut all = Events::open(pair.bob.get(&format!("{path}?since=0"))).await;
    assert_eq!(all.next_data().await.data["seq"], 1);
    for round in 2..5 {
        assert_eq!(pair.rename(&format!("round {round}")).await, round);
        for events in [&mut from_now, &mut all] {
            let event = events.next_data().await;
            assert_eq!((event.id, &event.data["seq"]), (Some(round.to_string()), &json!(round)));
            assert_eq!(event.data["item"]["name"], format!("round {round}"));
        }
    }
    // What an event carries is what the log says.
    pair.rename("the same").await;
    assert_eq!(all.next_data().await.data, pair.bob.changes(&pair.collection, 4).await[0]);
    // Cut off for an hour, while edits go on; the cursor wins over the address, as a browser repeats that as it was.
    drop(from_now);
    app.advance("PT1H").await;
    let (anna, bob) = (app.sign_in("anna").await, app.sign_in("bob").await);
    for round in 6..130 {
        anna.patch(&pair.item, json!({"name": format!("round {round}")}).to_string()).await.ok();
    }
    let again = bob.get(&format!("{path}?since=0")).header("last-event-id", "4");
    let mut again = Events::open(again).await;
    for seq in 5..130 {
        assert_eq!(again.next_data().await.data["seq"], seq, "no gap, nothing twice");
    }
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn who_listens_to_nothing_hears_signs_of_life() {
    let app = TestApp::start().await;
    let pair = pair(&app).await;
    let key = app.api_key(&pair.bob, "read").await;
    let mut events = Events::open(key.get(&format!("/api/collections/{}/changes", pair.collection))).await;
    events.next().await;
    let sign = loop {
        tokio::select! {
            biased;
            sign = events.next() => break sign,
            () = app.advance("PT5S") => tokio::task::yield_now().await,
        }
    };
    assert!(sign.is_some_and(|sign| sign.comment.is_some() && sign.data.is_null()));
    app.finish().await;
}

#[tokio::test]
async fn where_answers_go_out_as_a_whole_each_ends_and_the_next_goes_on() {
    let app = TestApp::with(Options { buffered: true, ..Options::default() }).await;
    let pair = pair(&app).await;
    for round in 2..4 {
        pair.rename(&format!("round {round}")).await;
    }
    let path = format!("/api/collections/{}/changes", pair.collection);
    let mut events = Events::open(pair.bob.get(&path).header("last-event-id", "1")).await;
    assert_eq!(events.next_data().await.id.as_deref(), Some("2"));
    assert_eq!(events.next_data().await.id.as_deref(), Some("3"));
    assert_eq!(events.next().await, None);
    app.finish().await;
}

#[tokio::test]
async fn who_loses_access_while_waiting_hears_of_nothing_more() {
    let app = TestApp::start().await;
    let pair = pair(&app).await;
    let key = app.api_key(&pair.bob, "read").await;
    let path = format!("/api/collections/{}/changes", pair.collection);
    for round in 0..10 {
        if 0 < round {
            app.bring(&pair.team, &pair.bob, "viewer").await;
        }
        let head = pair.rename(&format!("round {round}")).await;
        let mut events = Events::open(key.get(&path)).await;
        events.next().await;
        let poll = async { key.get(&format!("{path}?since={head}&wait=20")).await };
        let removing = async {
            pair.anna.delete(&format!("/api/teams/{}/members/{}", pair.team.id, pair.bob.id)).await.ok();
            pair.rename("not for Bob").await
        };
        let (answer, _) = tokio::join!(poll, removing);
        answer.refused(404, "not_found");
        while let Some(event) = events.next().await {
            assert_eq!(event.data, Value::Null, "round {round}");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn the_end_of_a_session_ends_what_it_listens_to() {
    let app = TestApp::start().await;
    let pair = pair(&app).await;
    let other = app.sign_in("bob").await;
    let path = format!("/api/collections/{}/changes", pair.collection);
    let listen = async |client: &Client| {
        let mut events = Events::open(client.get(&path)).await;
        events.next().await;
        events
    };
    let (mut gone, mut stays) = (listen(&other).await, listen(&pair.bob).await);
    pair.bob.delete(&format!("/api/sessions/{}", other.signed_in["session"]["id"].as_str().expect("session.id"))).await.ok();
    let seq = pair.rename("after").await;
    assert_eq!(stays.next_data().await.data["seq"], seq);
    assert_eq!(gone.next().await, None);
    app.finish().await;
}

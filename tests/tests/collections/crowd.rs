//! Many writers at one collection: every edit is there or was refused, and the sequence has no gap.

use std::collections::{BTreeMap, HashSet};

use futures::future::join_all;
use serde_json::{Value, json};
use tests::{Reply, TestApp, User, samples};

use crate::assert_gapless;

const WRITERS: usize = 16;
const EDITS: usize = 20;

/// Twenty edits of one writer: of the request that all share, and of one of their own, in turn.
async fn write(anna: User, path: String, shared: String, own: String, writer: usize) -> Vec<(String, Value, Reply)> {
    let mut done = Vec::new();
    for round in 0..EDITS {
        let value = json!(format!("writer {writer}, round {round}"));
        let (item, body) = match round % 2 {
            0 => (&shared, json!({"description": value})),
            _ => (&own, json!({"description": value})),
        };
        let seen = anna.get(&format!("{path}/items/{item}")).await.ok();
        let answer = anna.patch(&format!("{path}/items/{item}"), body.to_string()).header("if-match", &seen.etag()).await;
        done.push((item.clone(), value, answer));
    }
    done
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_writers_lose_nothing() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let made = anna.post_text("/api/collections", samples::of_requests("Crowd", WRITERS + 1)).await.ok();
        let id = made.at("/collection/id").as_str().expect("id").to_owned();
        let path = format!("/api/collections/{id}");
        let items: Vec<String> = anna.items(&id).await.iter().filter_map(|item| item["id"].as_str().map(str::to_owned)).collect();
        let writers = (0..WRITERS)
            .map(|writer| tokio::spawn(write(anna.clone(), path.clone(), items[WRITERS].clone(), items[writer].clone(), writer)));
        let done: Vec<_> = join_all(writers).await.into_iter().flat_map(|writer| writer.expect("no writer failed")).collect();
        assert_eq!(done.len(), WRITERS * EDITS);

        let changes = anna.changes(&id, 0).await;
        let mut last = BTreeMap::new();
        let mut applied = 0;
        for (item, value, answer) in &done {
            if answer.status == 409 {
                assert_eq!(answer.at("/code"), "conflict");
                assert_eq!(answer.at("/conflicts/0/mine"), *value, "the refused value is told");
                continue;
            }
            assert_eq!(answer.status, 200, "{answer}");
            applied += 1;
            // Every acknowledged edit is a change, under the revision that it was acknowledged with.
            let revision: u64 = answer.etag().trim_matches('"').parse().expect("a revision");
            let change = &changes[usize::try_from(revision - 1).expect("a place")];
            assert_eq!((&change["seq"], &change["item"]["id"]), (&json!(revision), &json!(item)), "{change}");
            assert_eq!(change["changes"][0]["after"], *value, "{change}");
            let newest = last.entry(item.clone()).or_insert((revision, value.clone()));
            if newest.0 < revision {
                *newest = (revision, value.clone());
            }
        }
        assert_gapless(&changes, applied + 1);
        assert!(WRITERS * EDITS / 2 < usize::try_from(applied).expect("a count"), "edits of one's own request never clash: {applied}");
        for (item, (revision, value)) in last {
            let read = anna.get(&format!("{path}/items/{item}")).await.ok();
            assert_eq!((read.at("/description"), read.etag()), (value, format!("\"{revision}\"")));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_of_different_fields_all_survive() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let made = anna.post_text("/api/collections", samples::of_requests("Fields", 1)).await.ok();
        let id = made.at("/collection/id").as_str().expect("id").to_owned();
        let path = format!("/api/collections/{id}/items/{}", anna.item_named(&id, "request 0").await);
        let seen = anna.get(&path).await.ok();
        // Each replaces the whole request as they saw it, with one member more.
        let edits = (0..WRITERS).map(|writer| {
            let mut mine = seen.json();
            mine["request"][format!("x-{writer}")] = json!(writer);
            let (anna, path, etag) = (anna.clone(), path.clone(), seen.etag());
            tokio::spawn(async move { anna.put_if(&path, &etag, mine.to_string()).await.ok() })
        });
        let answers: Vec<Reply> = join_all(edits).await.into_iter().map(|answer| answer.expect("an answer")).collect();
        let revisions: HashSet<String> = answers.iter().map(Reply::etag).collect();
        assert_eq!(revisions.len(), WRITERS);
        assert_eq!(answers.iter().filter(|answer| answer.json().get("merged").is_some()).count(), WRITERS - 1);
        let read = anna.get(&path).await.ok();
        for writer in 0..WRITERS {
            assert_eq!(read.at(&format!("/request/x-{writer}")), writer);
        }
        assert_gapless(&anna.changes(&id, 0).await, 1 + WRITERS as u64);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_sees_all_of_the_old_or_all_of_the_new() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let made = anna.post_text("/api/collections", samples::of_requests("Half", 40)).await.ok();
        let id = made.at("/collection/id").as_str().expect("id").to_owned();
        let path = format!("/api/collections/{id}");
        let whole = anna.get(&path).await.ok().json();
        let items: Vec<String> = anna.items(&id).await.iter().filter_map(|item| item["id"].as_str().map(str::to_owned)).collect();
        let version = |round: usize| {
            let mut whole = whole.clone();
            for item in whole["collection"]["item"].as_array_mut().into_iter().flatten() {
                item["description"] = json!(round);
            }
            whole.to_string()
        };
        anna.put(&path, version(0)).await.ok();
        let replacing = async {
            for round in 1..=8 {
                anna.put(&path, version(round)).await.ok();
            }
        };
        let editing = async {
            let mut acknowledged = Vec::new();
            for (round, item) in items.iter().enumerate() {
                let name = format!("edit {round}");
                let answer = anna.patch(&format!("{path}/items/{item}"), json!({"name": name}).to_string()).await.ok();
                let revision: u64 = answer.etag().trim_matches('"').parse().expect("a revision");
                acknowledged.push((item.clone(), name, revision));
            }
            acknowledged
        };
        let reading = async {
            for _ in 0..40 {
                let read = anna.get(&path).await.ok();
                let items = read.at("/collection/item");
                let versions: HashSet<String> =
                    items.as_array().into_iter().flatten().map(|item| item["description"].to_string()).collect();
                assert_eq!((versions.len(), items.as_array().map(Vec::len)), (1, Some(40)), "{versions:?}");
            }
        };
        let ((), acknowledged, ()) = tokio::join!(replacing, editing, reading);
        let changes = anna.changes(&id, 0).await;
        assert_gapless(&changes, 1 + 9 + 40);
        let last_import =
            changes.iter().rev().find(|change| change["op"] == "import").and_then(|change| change["seq"].as_u64()).expect("imports");
        for (item, name, revision) in acknowledged {
            let change = &changes[usize::try_from(revision - 1).expect("a place")];
            assert_eq!(change["changes"][0]["after"], name, "{change}");
            if last_import < revision {
                assert_eq!(anna.get(&format!("{path}/items/{item}")).await.ok().at("/name"), name);
            }
        }
    })
    .await;
}

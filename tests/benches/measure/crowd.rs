//! Sixteen writers at one collection for thirty seconds, on each engine: no edit is lost, and nobody gets an error. Fails
//! where that does not hold.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use local::Options;
use serde_json::json;
use tests::{TestApp, User, samples};

use crate::{Row, median, millis};

/// How long they write.
const FOR: Duration = Duration::from_secs(30);
const WRITERS: usize = 16;

/// An edit that was acknowledged: of which element, under which revision, what it wrote, and how long it took.
struct Edit {
    item: String,
    revision: u64,
    value: String,
    took: Duration,
    /// How often somebody else was faster, and it was written again on what was there by then.
    again: usize,
}

/// The lines of the table: the embedded engine, and the second one where it is named.
pub async fn rows() -> Vec<Row> {
    let mut rows = vec![run(None).await];
    if std::env::var_os("POSTROOM_SECOND_ENGINE").is_some() {
        rows.push(run(Some(TestApp::second_engine())).await);
    }
    rows
}

/// Changes in turn the request that all share, and one of their own; a conflict is answered by writing again.
async fn write(anna: User, path: String, items: [String; 2], writer: usize, began: Instant) -> Vec<Edit> {
    let mut done: Vec<Edit> = Vec::new();
    while began.elapsed() < FOR {
        let item = &items[done.len() % 2];
        let address = format!("{path}/items/{item}");
        let value = format!("writer {writer}, edit {}", done.len());
        let (asked, mut again) = (Instant::now(), 0);
        let saved = loop {
            let seen = anna.get(&address).await.ok();
            let body = json!({"description": value}).to_string();
            let answer = anna.patch(&address, body).header("if-match", &seen.etag()).await;
            if answer.status == 200 {
                break answer;
            }
            assert_eq!((answer.status, answer.at("/code")), (409, json!("conflict")), "an edit ended with an error: {answer}");
            assert_eq!(answer.at("/conflicts/0/mine"), json!(value), "the refused value is told: {answer}");
            again += 1;
        };
        let revision = saved.etag().trim_matches('"').parse().expect("a revision");
        done.push(Edit { item: item.clone(), revision, value, took: asked.elapsed(), again });
    }
    done
}

async fn run(dynamodb: Option<String>) -> Row {
    let engine = if dynamodb.is_some() { "the second engine" } else { "the embedded engine" };
    let app = TestApp::with(Options { dynamodb, ..Options::default() }).await;
    let anna = app.user("anna").await;
    let team = app.team(&anna, 3).await;
    let collection = anna.import(&team.workspace, samples::of_requests("Crowd", WRITERS + 1)).await;
    let path = format!("/api/collections/{collection}");
    let items: Vec<String> = anna.items(&collection).await.iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect();
    let began = Instant::now();
    let mut work = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let own = [items[WRITERS].clone(), items[writer].clone()];
        work.spawn(write(anna.clone(), path.clone(), own, writer, began));
    }
    let done: Vec<Edit> = work.join_all().await.into_iter().flatten().collect();
    let rate = done.len() as f64 / began.elapsed().as_secs_f64();

    let changes = anna.changes(&collection, 1).await;
    let gapless = changes.iter().zip(2..).all(|(change, seq)| change["seq"] == seq);
    let mut last: BTreeMap<&str, &Edit> = BTreeMap::new();
    let mut lost = 0;
    for edit in &done {
        let change = usize::try_from(edit.revision).ok().and_then(|seq| changes.get(seq.checked_sub(2)?));
        let there = change.is_some_and(|change| change["item"]["id"] == edit.item && change["changes"][0]["after"] == edit.value);
        lost += usize::from(!there);
        let newest = last.entry(&edit.item).or_insert(edit);
        if newest.revision < edit.revision {
            *newest = edit;
        }
    }
    for (item, edit) in last {
        let read = anna.get(&format!("{path}/items/{item}")).await.ok();
        lost += usize::from(read.at("/description") != edit.value);
    }
    assert!(gapless && lost == 0 && changes.len() == done.len(), "{lost} of {} edits are lost, gapless: {gapless}", done.len());
    app.kill();
    let again: usize = done.iter().map(|edit| edit.again).sum();
    let longest = done.iter().map(|edit| edit.took).max().unwrap_or_default();
    let middle = millis(median(done.iter().map(|edit| edit.took).collect()));
    Row {
        what: format!("{WRITERS} writers at one collection for {} s, {engine}", FOR.as_secs()),
        measured: format!(
            "**{} edits**, {rate:.0} a second, {middle} each, {} at most; {again} times somebody else was faster; none lost, no error",
            done.len(),
            millis(longest)
        ),
        goal: "none lost, no error",
        peer: "",
    }
}

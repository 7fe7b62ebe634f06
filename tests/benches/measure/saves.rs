//! Many editors on one collection: how many saves a second, and that none is lost.

use std::time::{Duration, Instant};

use local::Options;
use tests::{TestApp, samples};

use crate::{Row, median, millis};

/// How long the editors work.
const FOR: Duration = Duration::from_secs(5);
/// Requests in the collection.
const REQUESTS: usize = 200;

/// The lines of the table.
pub async fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (editors, on_disk) in [(8, true), (8, false), (16, true), (16, false)] {
        rows.push(run(editors, on_disk).await);
    }
    rows
}

async fn run(editors: usize, on_disk: bool) -> Row {
    let folder = tempfile::tempdir().expect("a folder");
    let data = on_disk.then(|| folder.path().join("data"));
    let app = TestApp::with(Options { data, ..Options::default() }).await;
    let anna = app.user("anna").await;
    let team = app.team(&anna, 3).await;
    let collection = anna.import(&team.workspace, samples::of_requests("Measured", REQUESTS)).await;
    let items: Vec<String> = anna.items(&collection).await.iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect();
    let began = Instant::now();
    let mut work = tokio::task::JoinSet::new();
    for editor in 0..editors {
        let anna = anna.clone();
        // Each has requests of their own; all of them meet at the collection.
        let own: Vec<String> =
            items.iter().skip(editor).step_by(editors).map(|item| format!("/api/collections/{collection}/items/{item}")).collect();
        work.spawn(async move {
            let mut done: Vec<(String, Duration)> = Vec::new();
            let mut tags = vec!["\"1\"".to_owned(); own.len()];
            while began.elapsed() < FOR {
                let turn = done.len();
                let name = format!("editor {editor}, edit {turn}");
                let place = turn % own.len();
                let asked = Instant::now();
                let saved = anna.put_if(&own[place], &tags[place], samples::request(&name).to_string()).await.ok();
                done.push((name, asked.elapsed()));
                tags[place] = saved.etag();
            }
            done
        });
    }
    let done: Vec<(String, Duration)> = work.join_all().await.into_iter().flatten().collect();
    let rate = done.len() as f64 / began.elapsed().as_secs_f64();
    let changes = anna.changes(&collection, 1).await;
    let gapless = changes.iter().zip(2..).all(|(change, seq)| change["seq"] == seq);
    let there: std::collections::HashSet<&str> = changes.iter().filter_map(|change| change["item"]["name"].as_str()).collect();
    let lost = done.iter().filter(|(name, _)| !there.contains(name.as_str())).count();
    assert!(gapless && lost == 0 && changes.len() == done.len(), "{lost} of {} saves are lost, gapless: {gapless}", done.len());
    app.kill();
    let middle = millis(median(done.into_iter().map(|(_, took)| took).collect()));
    Row {
        what: format!("saves a second, {editors} editors on one collection, {}", if on_disk { "on disk" } else { "in memory" }),
        measured: format!("**{rate:.0}**, {middle} each, none lost, no gap"),
        goal: "≥ 700 (8 editors), none lost",
        peer: "140, edits lost",
    }
}

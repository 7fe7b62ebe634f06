//! From an edit to the first and the last of many WebSockets.

use std::time::{Duration, Instant};

use futures::StreamExt;
use tests::{TestApp, samples};
use tokio::sync::mpsc;

use crate::{Row, median, millis};

/// The lines of the table.
pub async fn rows() -> Vec<Row> {
    let app = TestApp::start().await;
    let anna = app.user("anna").await;
    let team = app.team(&anna, 3).await;
    let bob = app.join(&team, "bob", "editor").await;
    let collection = anna.import(&team.workspace, samples::of_requests("Measured", 10)).await;
    bob.put(&format!("/api/collections/{collection}/subscription"), r#"{"mail":"off"}"#).await.ok();
    let item = anna.items(&collection).await[0]["id"].as_str().expect("an id").to_owned();
    let address = format!("/api/collections/{collection}/items/{item}");
    let (told, mut came) = mpsc::unbounded_channel::<Instant>();
    let mut open = 0;
    let mut edits = 0;
    let mut rows = Vec::new();
    for (subscribers, times) in [(1, 30), (100, 30), (1_000, 20), (5_000, 10)] {
        let missing: Vec<usize> = (open..subscribers).collect();
        futures::stream::iter(missing)
            .for_each_concurrent(8, |_| async {
                let url = bob.ticket().await;
                let (mut stream, _) = tokio_tungstenite::connect_async(url).await.expect("an open socket");
                let told = told.clone();
                tokio::spawn(async move {
                    while let Some(Ok(message)) = stream.next().await {
                        if message.is_text() && told.send(Instant::now()).is_err() {
                            return;
                        }
                    }
                });
            })
            .await;
        open = subscribers;
        app.settle().await;
        while came.try_recv().is_ok() {}
        let (mut first, mut last, mut answers, mut after) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..times {
            edits += 1;
            let began = Instant::now();
            anna.put(&address, samples::request(&format!("edit {edits}")).to_string()).await.ok();
            let answered = began.elapsed();
            let mut heard = Vec::with_capacity(subscribers);
            for _ in 0..subscribers {
                heard.push(tokio::time::timeout(Duration::from_secs(60), came.recv()).await.expect("every socket is told").expect("ours"));
            }
            let (earliest, latest) = (heard.iter().min().copied().unwrap_or(began), heard.iter().max().copied().unwrap_or(began));
            first.push(earliest - began);
            answers.push(answered);
            last.push(latest - began);
            after.push((latest - began).saturating_sub(answered));
        }
        rows.push(Row {
            what: format!("from an edit to the last of {subscribers} WebSockets"),
            measured: format!(
                "**{}**, the first {}; the last {} after its answer, which the editor has in {}",
                millis(median(last)),
                millis(median(first)),
                millis(median(after)),
                millis(median(answers))
            ),
            goal: if subscribers == 1_000 { "≤ 70 ms, the editor does not wait" } else { "" },
            peer: if subscribers == 1_000 { "70 ms, and so the editor" } else { "" },
        });
    }
    app.kill();
    rows
}

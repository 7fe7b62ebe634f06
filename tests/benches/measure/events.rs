//! What one change costs in requests to AWS, from the edit to the last thing that follows from it, as those grow who hear
//! of it.

use std::collections::BTreeMap;

use futures::StreamExt;
use serde_json::json;
use tests::faults::Faults;
use tests::{Client, Socket, TestApp, samples};

/// More accounts than this take minutes to make.
const MOST_MEMBERS: usize = 100;

struct Bench {
    app: TestApp,
    faults: Faults,
    /// Anna, by a key: the clock is moved further than sessions last.
    anna: Client,
    edits: usize,
}

/// A collection that only its reader follows, and an element of it.
struct Subject {
    collection: String,
    item: String,
}

impl Bench {
    async fn subject(&self, workspace: &str) -> Subject {
        let collection = self.anna.import(workspace, samples::of_requests("Measured", 10)).await;
        self.anna.delete(&format!("/api/collections/{collection}/subscription")).await.ok();
        let item = format!("/api/collections/{collection}/items/{}", self.anna.item_named(&collection, "request 0").await);
        Subject { collection, item }
    }

    /// The requests of one edit and of what follows from it, without those that are made every minute anyway.
    async fn row(&mut self, who: &str, count: usize, item: &str) {
        self.app.settle().await;
        self.faults.reset();
        self.app.settle().await;
        let idle = self.faults.counts();
        self.faults.reset();
        self.edits += 1;
        self.anna.patch(item, json!({"name": format!("edit {}", self.edits)}).to_string()).await.ok();
        self.app.settle().await;
        let mut counts: BTreeMap<String, usize> = self.faults.counts();
        for (operation, times) in idle {
            counts.entry(operation).and_modify(|count| *count = count.saturating_sub(times));
        }
        let [posts, mails] = ["PostToConnection", "SendRawEmail"].map(|operation| counts.remove(operation).unwrap_or_default());
        counts.remove("PutEvents");
        let table: usize = counts.values().sum();
        println!("| {count} {who} | {table} | {posts} | {mails} |");
    }
}

/// Prints the table: for so many WebSockets, and for so many people who are mailed.
pub async fn print(sizes: &[usize]) {
    let faults = Faults::new();
    let app = TestApp::with(faults.options()).await;
    let anna = app.user("anna").await;
    let most = sizes.iter().copied().max().unwrap_or_default();
    let mut team = app.team(&anna, 3 + most.min(MOST_MEMBERS) as u64).await;
    let bob = app.join(&team, "bob", "viewer").await;
    let (anna, bob) = (app.api_key(&anna, "write").await, app.api_key(&bob, "write").await);
    let mut bench = Bench { app, faults, anna, edits: 0 };
    println!("| who hears of a change | DynamoDB | @connections | SES |\n| --- | --- | --- | --- |");

    let subject = bench.subject(&team.workspace).await;
    bob.put(&format!("/api/collections/{}/subscription", subject.collection), r#"{"mail":"off"}"#).await.ok();
    let mut sockets: Vec<Socket> = Vec::new();
    for size in sizes {
        let missing = sockets.len()..*size;
        let open = missing.map(|_| async {
            let mut socket = bob.listen().await;
            socket.following().await;
            socket
        });
        sockets.extend(futures::stream::iter(open).buffer_unordered(8).collect::<Vec<_>>().await);
        bench.row("WebSockets", *size, &subject.item).await;
    }
    for socket in sockets {
        socket.close().await;
    }

    let subject = bench.subject(&team.workspace).await;
    let mut members = 0;
    for size in sizes.iter().filter(|size| **size <= MOST_MEMBERS) {
        // The clock has gone past her sign-in.
        team.owner = bench.app.sign_in("anna").await;
        for member in members..*size {
            let member = bench.app.join(&team, &format!("member{member}"), "viewer").await;
            member.put(&format!("/api/collections/{}/subscription", subject.collection), "{}").await.ok();
        }
        members = *size;
        // Nobody was mailed lately: a mail goes at once.
        bench.app.advance("PT6M").await;
        bench.row("people who are mailed", *size, &subject.item).await;
    }
    println!();
    bench.app.kill();
}

//! DynamoDB's round trips and capacity units of each operation, for 10, 1,000 and 10,000 elements and changes. The stream
//! functions stand still while an operation is counted, and are counted for themselves.

use std::collections::HashSet;
use std::fmt::Write;
use std::sync::{Arc, Condvar, Mutex};

use futures::StreamExt;
use local::Options;
use serde_json::json;
use tests::faults::{Call, Faults};
use tests::{TestApp, User, link_token, samples};

/// Lets the stream functions go on, or holds them before their next batch.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<HashSet<String>>, Condvar)>);

impl Gate {
    fn hold(&self, functions: &[&str]) {
        *self.0.0.lock().expect("nobody panics with it") = functions.iter().map(|name| (*name).to_owned()).collect();
        self.0.1.notify_all();
    }

    fn pass(&self, function: &str) {
        let held = self.0.0.lock().expect("nobody panics with it");
        let function = function.to_lowercase();
        let passed = self.0.1.wait_while(held, |held| held.iter().any(|name| function.contains(name)));
        drop(passed.expect("nobody panics with it"));
    }
}

struct Bench {
    app: TestApp,
    faults: Faults,
    gate: Gate,
    rows: Vec<(&'static str, Vec<Call>)>,
}

impl Bench {
    async fn start() -> Bench {
        let (faults, gate) = (Faults::new(), Gate::default());
        faults.weigh();
        let held = gate.clone();
        let meddler: local::Meddler = Arc::new(move |function: &str, records| {
            tokio::task::block_in_place(|| held.pass(function));
            records
        });
        let app = TestApp::with(Options { meddler: Some(meddler), ..faults.options() }).await;
        Bench { app, faults, gate, rows: Vec::new() }
    }

    /// Counts what one operation asks of the table, with the stream functions held.
    async fn count<T>(&mut self, name: &'static str, operation: impl Future<Output = T>) -> T {
        self.gate.hold(&[]);
        self.app.settle().await;
        self.gate.hold(&["fanout", "mailer"]);
        self.faults.reset();
        let result = operation.await;
        self.rows.push((name, self.faults.calls()));
        result
    }

    /// Counts what one stream function makes of what the last operation wrote.
    async fn count_stream(&mut self, name: &'static str, function: &'static str) {
        let others: Vec<&str> = ["fanout", "mailer"].into_iter().filter(|other| *other != function).collect();
        self.faults.reset();
        self.gate.hold(&others);
        // The one that is held is what the other must not wait for: so no settling, but looking until it is quiet.
        let mut last = 0;
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            let calls = self.faults.calls().len();
            if calls > 0 && calls == last {
                break;
            }
            last = calls;
        }
        self.rows.push((name, self.faults.calls()));
    }
}

/// Prints the table, with a column for a team with so many elements and changes each.
pub async fn print(columns: &[usize]) {
    let mut sizes = Vec::new();
    for size in columns {
        sizes.push(measure(*size).await);
    }
    let heads: Vec<String> = columns.iter().map(|size| format!("{size} elements and changes")).collect();
    println!("| operation | {} |", heads.join(" | "));
    println!("| --- |{}", " --- |".repeat(columns.len()));
    for (place, (name, _)) in sizes[0].iter().enumerate() {
        let cells: Vec<String> = sizes.iter().map(|rows| rows.get(place).map_or_else(String::new, |(_, calls)| cell(calls))).collect();
        println!("| {name} | {} |", cells.join(" | "));
    }
    println!();
}

/// Round trips, and what they take: `2 (6 + 14 units)` reads and writes.
pub(crate) fn cell(calls: &[Call]) -> String {
    let table: Vec<&Call> = calls.iter().filter(|call| call.operation != "PostToConnection" && call.operation != "SendRawEmail").collect();
    let is_read = |call: &&&Call| matches!(call.operation.as_str(), "GetItem" | "BatchGetItem" | "Query" | "TransactGetItems");
    let reads: f64 = table.iter().filter(is_read).map(|call| call.units).sum();
    let writes: f64 = table.iter().filter(|call| !is_read(call)).map(|call| call.units).sum();
    let mut text = format!("{} trips", table.len());
    if reads > 0.0 {
        write!(text, ", {reads} RCU").expect("a string takes it");
    }
    if writes > 0.0 {
        write!(text, ", {writes} WCU").expect("a string takes it");
    }
    text
}

async fn measure(size: usize) -> Vec<(&'static str, Vec<Call>)> {
    let mut bench = Bench::start().await;
    let anna = bench.app.user("anna").await;
    let bob = bench.app.user("bob").await;
    let team = bench.app.team(&anna, 5).await;
    let document = samples::of_requests("Measured", size);
    let import = format!("/api/collections?workspace={}", team.workspace);

    bench.count("sign in", sign_in(&anna)).await;
    let invites = format!("/api/teams/{}/invites", team.id);
    let invited = bench.count("invite one address", async { anna.post(&invites, json!({"emails": [bob.email]})).await.ok() }).await;
    let token = link_token(invited.at("/invites/0/link").as_str().expect("a link"));
    bench.count("accept an invitation", async { bob.post("/api/invites/accept", json!({"token": token})).await.ok() }).await;
    let made = bench.count("import the collection", async { anna.post_text(&import, document.clone()).await.ok() }).await;
    let collection = made.at("/collection/id").as_str().expect("an id").to_owned();
    let whole = format!("/api/collections/{collection}");
    bob.put(&format!("{whole}/subscription"), r#"{"mail":"off"}"#).await.ok();
    let mut socket = bob.listen().await;
    socket.following().await;

    let items = bob.items(&collection).await;
    let address = format!("{whole}/items/{}", items[0]["id"].as_str().expect("an id"));
    bench.gate.hold(&[]);
    changes(&bench.app, &anna, &whole, &items, size).await;
    bench.count("read one element", async { bob.get(&address).await.ok() }).await;
    let tag = bob.get(&address).await.etag();
    let text = samples::request("saved").to_string();
    bench.count("save one element", async { anna.put_if(&address, &tag, text).await.ok() }).await;
    bench.count_stream("→ fan-out of that change, one subscriber live", "fanout").await;
    bench.count_stream("→ feeds and mail of that change, two subscribers", "mailer").await;
    let added = bench
        .count("add an element", async { anna.post_text(&format!("{whole}/items"), samples::request("new").to_string()).await.ok() })
        .await;
    let new = added.at("/id").as_str().expect("an id").to_owned();
    bench
        .count("move an element", async {
            anna.post(&format!("{whole}/items/{new}/move"), json!({"parent": null, "after": null})).await.ok()
        })
        .await;
    bench.count("a feed page of 50", async { bob.get("/api/feed?limit=50").await.ok() }).await;
    bench.count("a page of the team's feed", async { bob.get(&format!("/api/teams/{}/feed?limit=50", team.id)).await.ok() }).await;
    bench.count("the library of the team", async { bob.get(&format!("/api/collections?workspace={}", team.workspace)).await.ok() }).await;
    bench.count("the last 50 changes", async { bob.get(&format!("{whole}/changes?since={}", size.saturating_sub(49))).await.ok() }).await;
    let read = bench.count("read the whole collection", async { bob.get(&whole).await.ok() }).await;
    bench.count("read it again", async { bob.get(&whole).await.ok() }).await;
    bench.count("the changes of one element", async { bob.get(&format!("{address}/history")).await.ok() }).await;
    bench.count("the tree of it", async { bob.get(&format!("{whole}/items")).await.ok() }).await;
    bench.count("the collection as it was at the import", async { bob.get(&format!("{whole}/at/1")).await.ok() }).await;
    bench.count("replace it by the same", async { anna.put(&whole, read.text.clone()).await.ok() }).await;
    bench.gate.hold(&[]);
    bench.app.settle().await;
    bench.app.kill();
    bench.rows
}

async fn sign_in(anna: &User) {
    let login = json!({"login": anna.name, "password": format!("{}{}", tests::PASSWORD, anna.name)});
    anna.post("/api/sessions", login).await.ok();
}

/// Makes changes until there are `count`; the import was the first. The stream keeps up with them.
async fn changes(app: &TestApp, anna: &User, whole: &str, items: &[serde_json::Value], count: usize) {
    let address = |number: usize| format!("{whole}/items/{}", items[number % items.len()]["id"].as_str().expect("an id"));
    for begin in (1..count).step_by(500) {
        futures::stream::iter(begin..count.min(begin + 500))
            .for_each_concurrent(8, |number| async move {
                anna.put(&address(number), samples::request(&format!("change {number}")).to_string()).await.ok();
            })
            .await;
        app.settle().await;
    }
}

//! The client module that pages load, as a program uses it: run by Node, against a server that goes away and comes back.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use local::Options;
use serde_json::{Value, json};
use tests::{Client, TestApp, samples};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// What Node runs: it says what it hears, a line each.
const PROGRAM: &str = r#"
const [module, base, key, collection, since] = process.argv.slice(1);
const { Realtime } = await import(module);
const say = (what) => console.log(JSON.stringify(what));
const live = new Realtime({ base, headers: () => ({ "X-Api-Key": key }) });
live.addEventListener("state", ({ detail }) => say({ state: detail.state, why: detail.why, since: detail.since instanceof Date }));
live.addEventListener("change", ({ detail: { collection, change } }) => say({ seq: change.seq, size: JSON.stringify(change).length, collection }));
live.addEventListener("gone", ({ detail }) => say({ gone: detail.collection }));
live.follow(collection, Number(since));
"#;

/// What Node runs to see the module by itself: the server, the clock and chance are played.
const PLAYED: &str = r#"
const { Realtime } = await import(process.argv[1]);
const sockets = [], waits = [], asked = [], told = [], states = [];
globalThis.setTimeout = (work, ms) => waits.push({ work, ms });
globalThis.clearTimeout = () => {};
globalThis.setInterval = () => 0;
Math.random = () => 1;
class Played extends EventTarget {
  readyState = 1;
  sent = [];
  constructor() { super(); sockets.push(this); }
  send(text) { this.sent.push(JSON.parse(text)); }
  close() { this.dispatchEvent(new Event("close")); }
  hears(type, data) { this.dispatchEvent(Object.assign(new Event("message"), { data: JSON.stringify({ type, data }) })); }
  change(seq, more = {}) { this.hears("postroom.collection.changed", { collection: "c", seq, ...more }); }
}
let ticket = 201, tickets = 0, head = 0;
const answer = (status, body) => ({ ok: status < 400, status, json: async () => body });
const fetch = async (path) => {
  if (path.endsWith("/tickets")) {
    tickets++;
    if (ticket === 0) throw new TypeError("nobody answers");
    return answer(ticket, { url: "ws://played", ticket: "t" });
  }
  const since = Number(new URL(path, "http://played").searchParams.get("since"));
  asked.push(since);
  return answer(200, { head, changes: Array.from({ length: head - since }, (_, at) => ({ seq: since + at + 1, whole: true })) });
};
const quiet = async () => { for (let round = 0; round < 20; round++) await new Promise((done) => setImmediate(done)); };
const live = new Realtime({ fetch, WebSocket: Played });
live.addEventListener("state", ({ detail }) => states.push(detail.why ?? detail.state));
live.addEventListener("change", ({ detail: { change } }) => told.push(change.whole ? `fetched ${change.seq}` : change.seq));
live.follow("c", 0);
await quiet();
const opened = async () => { sockets.at(-1).dispatchEvent(new Event("open")); sockets.at(-1).hears("postroom.subscribed", { collection: "c", head }); await quiet(); };
await opened();
// One after the other, one twice; then a gap, what closes it late; then one without its values.
for (const seq of [1, 1, 2]) sockets[0].change(seq);
await quiet();
head = 4;
for (const seq of [4, 3, 4]) sockets[0].change(seq);
await quiet();
head = 5;
sockets[0].change(5, { omitted: true });
await quiet();
const before = { told: [...told], asked: [...asked] };
// Cut off, and nobody answers for a while; then the server is back, with more.
ticket = 0;
waits.length = 0;
sockets[0].close();
for (let round = 0; round < 7; round++) { await quiet(); waits.at(-1).work(); }
await quiet();
const pauses = waits.map(({ ms }) => ms);
ticket = 201;
head = 7;
waits.at(-1).work();
await quiet();
await opened();
const after = { told: told.slice(before.told.length), said: sockets[1].sent };
// Signed out: that is final.
ticket = 401;
waits.length = 0;
sockets[1].close();
await quiet();
waits.at(-1).work();
await quiet();
live.wake();
await quiet();
console.log(JSON.stringify({ before, pauses, after, states, tickets }));
"#;

/// Much longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(60);

struct Program {
    lines: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

/// Node with the module, as what it imports and is given first.
fn node(program: &str) -> Command {
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("../functions/console/assets/realtime.js");
    let module = std::fs::read_to_string(module).expect("the module");
    // From its text: a file without a package beside it is no ES module to every Node.
    let module = format!("data:text/javascript,{}", percent(&module));
    let mut command = Command::new("node");
    command.args(["--experimental-websocket", "--no-warnings", "--input-type=module", "--eval", program, &module]);
    command.stdout(Stdio::piped()).kill_on_drop(true);
    command
}

impl Program {
    fn start(base: &str, key: &str, collection: &str, since: u64) -> Program {
        let mut command = node(PROGRAM);
        let mut child = command.args([base, key, collection]).arg(since.to_string()).spawn().expect("the test needs Node (20 or newer)");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        Program { lines, _child: child }
    }

    async fn next(&mut self) -> Value {
        let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await.expect("it says nothing more").expect("its output");
        serde_json::from_str(&line.expect("it has ended")).expect("JSON")
    }

    /// The numbers of the changes that it tells of up to `last`, each as it comes, with the sizes of what it tells.
    async fn changes(&mut self, last: u64) -> Vec<(u64, u64)> {
        let mut told = Vec::new();
        while told.last().is_none_or(|(seq, _)| *seq < last) {
            let said = self.next().await;
            match (said["seq"].as_u64(), said["size"].as_u64()) {
                (Some(seq), Some(size)) => told.push((seq, size)),
                _ => assert!(said["state"].is_string(), "{said}"),
            }
        }
        told
    }
}

fn percent(text: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes().map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

async fn rename(client: &Client, item: &str, rounds: std::ops::Range<usize>) {
    for round in rounds {
        client.patch(item, json!({"name": format!("round {round}")}).to_string()).await.ok();
    }
}

#[tokio::test]
async fn the_client_module_puts_changes_in_order_and_waits_longer_and_longer() {
    let ran = node(PLAYED).output().await.expect("the test needs Node (20 or newer)");
    let said: Value = serde_json::from_slice(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    let told = json!([1, 2, "fetched 3", "fetched 4", "fetched 5"]);
    assert_eq!(said["before"], json!({"told": told, "asked": [2, 4]}), "{said:#}");
    assert_eq!(said["pauses"], json!([1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]), "{said:#}");
    let again = json!([{"action": "subscribe", "collection": "c", "since": 5}]);
    assert_eq!(said["after"], json!({"told": ["fetched 6", "fetched 7"], "said": again}), "{said:#}");
    assert_eq!(said["states"], json!(["connecting", "live", "offline", "live", "offline", "signed_out"]), "{said:#}");
    assert_eq!(said["tickets"], 10, "who is signed out asks for none: {said:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_module_misses_nothing_and_tells_nothing_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    // A port of its own, to come back on.
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number").port();
    // Every event comes twice, and backwards.
    let meddler: local::Meddler = std::sync::Arc::new(|_, records| records.into_iter().rev().flat_map(|one| [one.clone(), one]).collect());
    let options = Options { port, data: Some(folder.path().to_owned()), meddler: Some(meddler), ..Options::default() };
    let app = TestApp::with(options.clone()).await;
    let anna = app.user("anna").await;
    let team = app.team(&anna, 3).await;
    let bob = app.join(&team, "bob", "viewer").await;
    let collection = anna.import(&team.workspace, samples::of_requests("Live", 2)).await;
    let item = format!("/api/collections/{collection}/items/{}", anna.item_named(&collection, "request 0").await);
    let made = bob.post("/api/me/api-keys", json!({"name": "client", "scope": "write"})).await.ok();
    let key = made.at("/api_key/key").as_str().expect("key").to_owned();
    rename(&anna, &item, 0..3).await;

    // What was missed, then what comes; a body that a frame has no room for is fetched.
    let mut program = Program::start(app.url(), &key, &collection, 1);
    assert_eq!(program.next().await["state"], "connecting");
    rename(&anna, &item, 3..6).await;
    anna.patch(&item, json!({"description": samples::noise(40_000)}).to_string()).await.ok();
    let told = program.changes(8).await;
    assert_eq!(told.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), (2..=8).collect::<Vec<_>>());
    assert!(40_000 < told[6].1, "{told:?}");

    // The server goes away and comes back; edits were made before the client is back.
    app.mails().await;
    app.kill();
    let said = program.next().await;
    assert_eq!((&said["state"], &said["since"]), (&json!("offline"), &json!(true)));
    let app = TestApp::in_folder(folder.path(), options).await;
    let anna = app.sign_in("anna").await;
    rename(&anna, &item, 6..16).await;
    let told = program.changes(18).await;
    assert_eq!(told.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), (9..=18).collect::<Vec<_>>());

    // The key ends, and with it the connection: that is no reason to try again.
    let bob = app.sign_in("bob").await;
    let keys = bob.get("/api/me/api-keys").await.ok().at("/api_keys/0/id");
    bob.delete(&format!("/api/me/api-keys/{}", keys.as_str().expect("id"))).await.ok();
    let mut said = program.next().await;
    while said["why"] != "signed_out" {
        assert_ne!(said["state"], Value::Null, "{said}");
        said = program.next().await;
    }
    assert_eq!(said["state"], "error");
    app.mails().await;
    app.finish().await;
}

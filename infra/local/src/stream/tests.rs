//! The readers against the embedded engine, with functions made up here.

use super::*;
use crate::database::{self, Embedded};
use crate::template::{self, Template};
use crate::{stream_of, wire};
use app::Clock;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Mutex;

/// A table in memory and what reads its stream.
struct Bench {
    embedded: Embedded,
    clock: Clock,
    client: aws_sdk_dynamodbstreams::Client,
    stream: String,
    writes: Arc<watch::Sender<u64>>,
    drain: Arc<Drain>,
    letters: Arc<DeadLetters>,
}

/// What a function was handed, batch by batch: the sort keys.
type Seen = Arc<Mutex<Vec<Vec<String>>>>;

impl Bench {
    async fn new() -> Bench {
        let (clock, writes) = (Clock::system(), Arc::new(watch::Sender::new(0)));
        let embedded = Embedded::start(None, clock.clone(), Arc::clone(&writes)).await.unwrap();
        let aws = wire::config(wire::client(false), false);
        let template = Template::parse(template::SOURCE).unwrap();
        let spec = database::spec(&template.table, "bench").unwrap();
        store::table::create(&aws, Some(&embedded.endpoint), &spec).await.unwrap();
        let config = aws_sdk_dynamodbstreams::config::Builder::from(&aws).endpoint_url(&embedded.endpoint).build();
        let client = aws_sdk_dynamodbstreams::Client::from_conf(config);
        let stream = stream_of(&client, "bench").await.unwrap();
        let letters = Arc::new(DeadLetters::open(None).unwrap());
        Bench { embedded, clock, client, stream, writes, drain: Arc::new(Drain::default()), letters }
    }

    /// One write, as a client of the wire below the SDK would do it.
    async fn act(&self, operation: &str, mut body: Value) {
        body["TableName"] = json!("bench");
        let answer = reqwest::Client::new()
            .post(&self.embedded.endpoint)
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-date", "20260301T090000Z")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=f")
            .body(body.to_string());
        let answer = answer.send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
        self.writes.send_modify(|count| *count += 1);
    }

    async fn put(&self, kind: &str, sk: &str) {
        self.act("PutItem", json!({"Item": {"pk": {"S": "p"}, "sk": {"S": sk}, "kind": {"S": kind}}})).await;
    }

    /// Starts a reader; what it is handed goes through `answer` and is noted.
    fn read(
        &self,
        pattern: &str,
        size: usize,
        checkpoint: Option<PathBuf>,
        answer: impl Fn(&[String]) -> Result<DynamoDbEventResponse, String> + Send + Sync + 'static,
    ) -> (Seen, watch::Sender<bool>, tokio::task::JoinHandle<()>) {
        let seen = Seen::default();
        let noted = Arc::clone(&seen);
        let answer = Arc::new(answer);
        let handler: Handler = Arc::new(move |event: Event| {
            let (noted, answer) = (Arc::clone(&noted), Arc::clone(&answer));
            async move {
                let keys: Vec<String> = event
                    .records
                    .iter()
                    .map(|record| serde_json::to_value(&record.change.keys).unwrap()["sk"]["S"].as_str().unwrap().to_owned())
                    .collect();
                noted.lock().unwrap().push(keys.clone());
                answer(&keys)
            }
            .boxed()
        });
        let (stop, stopping) = watch::channel(false);
        let consumer = Arc::new(Consumer {
            mapping: Mapping {
                function: "reader".to_owned(),
                filter: filter::Filter::parse(&[pattern]).unwrap(),
                rules: batch::Rules { size, retries: Some(1), max_age: None, bisect: true, partial: true },
                from_start: true,
                dead_letters: true,
            },
            handler,
            timeout: Duration::from_secs(5),
            client: self.client.clone(),
            stream: self.stream.clone(),
            writes: self.writes.subscribe(),
            stop: stopping,
            drain: Arc::clone(&self.drain),
            checkpoint: Checkpoint::open(checkpoint, &self.stream),
            letters: Arc::clone(&self.letters),
            meddler: None,
            hasty: false,
            failing: AtomicBool::new(false),
        });
        // So that settling waits for it, however late it starts.
        self.drain.join("reader");
        (seen, stop, tokio::spawn(consumer.run()))
    }
}

const CHANGES: &str = r#"{"eventName":["INSERT"],"dynamodb":{"NewImage":{"kind":{"S":["change"]}}}}"#;

fn fine() -> Result<DynamoDbEventResponse, String> {
    Ok(DynamoDbEventResponse::default())
}

#[tokio::test]
async fn what_passes_the_filter_arrives_in_order_and_in_batches() {
    let bench = Bench::new().await;
    for sk in ["1", "2", "3", "4", "5"] {
        bench.put("change", sk).await;
        bench.put("session", &format!("s{sk}")).await;
        // A second put is no insertion.
        bench.put("change", sk).await;
    }
    let (seen, _stop, _) = bench.read(CHANGES, 2, None, |_| fine());
    bench.drain.settle().await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [vec!["1", "2"], vec!["3", "4"], vec!["5"]]);
    bench.put("change", "6").await;
    bench.drain.settle().await.unwrap();
    assert_eq!(seen.lock().unwrap()[3..], [["6"]]);
}

#[tokio::test]
async fn a_panic_is_retried_and_the_one_bad_record_becomes_a_dead_letter() {
    let bench = Bench::new().await;
    for sk in ["1", "2", "bad", "4"] {
        bench.put("change", sk).await;
    }
    let (seen, _stop, _) = bench.read(CHANGES, 10, None, |keys| {
        assert!(!keys.contains(&"bad".to_owned()), "a record that cannot be digested");
        fine()
    });
    bench.drain.settle().await.unwrap();
    let expected: [&[&str]; 6] = [&["1", "2", "bad", "4"], &["1", "2"], &["bad", "4"], &["bad"], &["bad"], &["4"]];
    assert_eq!(*seen.lock().unwrap(), expected);
    let letters = bench.letters.all();
    let [letter] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!((letter.function.as_str(), letter.records), ("reader", 1));
    assert_eq!((letter.condition, &letter.first), (batch::Condition::RetryAttemptsExhausted, &letter.last));
}

#[tokio::test]
async fn a_restart_goes_on_where_the_last_run_ended() {
    let folder = tempfile::tempdir().unwrap();
    let file = Some(folder.path().join("reader.json"));
    let bench = Bench::new().await;
    bench.put("change", "1").await;
    let (_, stop, task) = bench.read(CHANGES, 10, file.clone(), |_| fine());
    bench.drain.settle().await.unwrap();
    stop.send_replace(true);
    task.await.unwrap();
    bench.put("change", "2").await;
    let (seen, _stop, _) = bench.read(CHANGES, 10, file, |_| fine());
    bench.drain.settle().await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [["2"]]);
}

#[tokio::test]
async fn expired_items_go_and_their_removal_is_on_the_stream() {
    let bench = Bench::new().await;
    let at = bench.clock.now().as_second() + 60;
    let item = json!({"pk": {"S": "p"}, "sk": {"S": "x"}, "kind": {"S": "session"}, "ttl": {"N": at.to_string()}});
    bench.act("PutItem", json!({ "Item": item })).await;
    let (seen, _stop, _) = bench.read(r#"{"eventName":["REMOVE"]}"#, 10, None, |_| fine());
    bench.embedded.sweep().await;
    bench.drain.settle().await.unwrap();
    assert!(seen.lock().unwrap().is_empty());
    bench.clock.advance(jiff::SignedDuration::from_mins(2));
    bench.embedded.sweep().await;
    bench.drain.settle().await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [["x"]]);
}

//! What the embedded engine hides: conflicts between transactions, throttling, answers that get lost after the write
//! was done, batches that are done in part. All of it happens below the real SDK clients, in their HTTP client, which
//! also counts what they ask.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use local::{Options, Stack};
use serde_json::{Value, json};
use tokio::sync::watch;

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A transaction is cancelled because another one is at the same items. Nothing is written.
    Conflict,
    /// The table takes no more for now. Nothing is done.
    Throttle,
    /// An error of the service. Nothing is done.
    Broken,
    /// It is done, but the connection breaks before the answer is there.
    LostAnswer,
    /// Of a batch, the first half is done, the rest comes back as unprocessed.
    Half,
    /// The connection that is posted to is gone.
    Gone,
    /// There is no way to the service: nothing is done, and the caller does not know it.
    Unreachable,
    /// The call never leaves and never ends: from here on, the process is as good as dead.
    Hang,
    /// The call leaves when [`Faults::release`] is called, so that something else can happen before.
    Hold,
}

/// A rule: the calls `skip + 1` to `skip + times` of an operation meet a fault.
#[derive(Debug)]
struct Rule {
    operation: &'static str,
    skip: usize,
    times: usize,
    fault: Fault,
}

/// One call that was made, with the capacity units that the engine says it took (0 unless [`Faults::weigh`] was called).
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// `GetItem`, `TransactWriteItems` … as in `x-amz-target`; `PostToConnection` and `SendRawEmail` for the others.
    pub operation: String,
    /// Consumed capacity units.
    pub units: f64,
}

#[derive(Debug, Default)]
struct State {
    rules: Vec<Rule>,
    calls: Vec<Call>,
    weigh: bool,
}

/// Counts and breaks the calls of one stack. Cheap to clone; all clones are the same.
#[derive(Clone, Debug)]
pub struct Faults {
    inner: SharedHttpClient,
    state: Arc<Mutex<State>>,
    hanging: Arc<watch::Sender<bool>>,
    released: Arc<watch::Sender<bool>>,
}

impl Default for Faults {
    fn default() -> Faults {
        let no = || Arc::new(watch::Sender::new(false));
        Faults { inner: local::http_client(), state: Arc::default(), hanging: no(), released: no() }
    }
}

impl Faults {
    /// No fault yet.
    pub fn new() -> Faults {
        Faults::default()
    }

    /// Options for a stack whose calls go through here.
    pub fn options(&self) -> Options {
        Options { http_client: Some(SharedHttpClient::new(self.clone())), ..Options::default() }
    }

    /// The next `times` calls of an operation meet a fault.
    pub fn next(&self, operation: &'static str, times: usize, fault: Fault) {
        self.later(operation, 0, times, fault);
    }

    /// The same after `skip` calls that go well.
    pub fn later(&self, operation: &'static str, skip: usize, times: usize, fault: Fault) {
        self.state().rules.push(Rule { operation, skip, times, fault });
    }

    /// Whether all faults have happened.
    pub fn are_over(&self) -> bool {
        self.state().rules.iter().all(|rule| rule.times == 0)
    }

    /// Forgets the calls made so far and the faults to come.
    pub fn reset(&self) {
        let mut state = self.state();
        state.calls.clear();
        state.rules.clear();
    }

    /// Asks the engine for the capacity units of each call from now on.
    pub fn weigh(&self) {
        self.state().weigh = true;
    }

    /// The calls since the last [`Faults::reset`], in the order in which they were made; retries by the SDK count.
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// The names of the calls, for assertions: `["BatchGetItem", "TransactWriteItems"]`.
    pub fn operations(&self) -> Vec<String> {
        self.state().calls.iter().map(|call| call.operation.clone()).collect()
    }

    /// How often each operation was called.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for operation in self.operations() {
            *counts.entry(operation).or_default() += 1;
        }
        counts
    }

    /// Waits until all faults have happened.
    pub async fn over(&self) {
        while !self.are_over() {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until a call hangs or is held.
    pub async fn hanging(&self) {
        let mut hanging = self.hanging.subscribe();
        hanging.wait_for(|hanging| *hanging).await.expect("the sender is ours");
    }

    /// The next call of an operation is held, until [`Faults::release`].
    pub fn hold(&self, operation: &'static str) {
        self.hanging.send_replace(false);
        self.released.send_replace(false);
        self.next(operation, 1, Fault::Hold);
    }

    /// Lets what is held go.
    pub fn release(&self) {
        self.released.send_replace(true);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a call and finds its fault. Gives its place in the list of calls.
    fn note(&self, operation: &str) -> (usize, Option<Fault>, bool) {
        let mut state = self.state();
        state.calls.push(Call { operation: operation.to_owned(), units: 0.0 });
        let place = state.calls.len() - 1;
        let weigh = state.weigh;
        let rule = state.rules.iter_mut().find(|rule| rule.operation == operation && (0 < rule.skip || 0 < rule.times));
        let fault = rule.and_then(|rule| {
            if 0 < rule.skip {
                rule.skip -= 1;
                return None;
            }
            rule.times -= 1;
            Some(rule.fault)
        });
        (place, fault, weigh)
    }

    fn weighed(&self, place: usize, operation: &str, answer: &Value) {
        let units = |capacity: &Value| capacity["CapacityUnits"].as_f64().unwrap_or(0.0);
        let sum = match &answer["ConsumedCapacity"] {
            Value::Array(tables) => tables.iter().map(units).sum(),
            one => units(one),
        };
        // The list may have been forgotten meanwhile.
        if let Some(call) = self.state().calls.get_mut(place).filter(|call| call.operation == operation) {
            call.units = sum;
        }
    }
}

impl HttpClient for Faults {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector { inner: self.inner.http_connector(settings, components), faults: self.clone() })
    }
}

#[derive(Debug)]
struct Connector {
    inner: SharedHttpConnector,
    faults: Faults,
}

impl HttpConnector for Connector {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let operation = operation(&request);
        let (place, fault, weigh) = self.faults.note(&operation);
        let faults = self.faults.clone();
        match fault {
            Some(Fault::Hang) => {
                faults.hanging.send_replace(true);
                HttpConnectorFuture::new(std::future::pending())
            }
            Some(Fault::Hold) => {
                faults.hanging.send_replace(true);
                let (inner, mut released) = (self.inner.clone(), faults.released.subscribe());
                HttpConnectorFuture::new(async move {
                    released.wait_for(|released| *released).await.expect("the sender is ours");
                    inner.call(request).await
                })
            }
            Some(Fault::Conflict) => {
                let legs = body(&request)["TransactItems"].as_array().map_or(1, Vec::len);
                let reasons: Vec<Value> =
                    (0..legs).map(|leg| json!({"Code": if leg == 0 { "TransactionConflict" } else { "None" }})).collect();
                refuse(400, "TransactionCanceledException", json!({"CancellationReasons": reasons}))
            }
            Some(Fault::Gone) => refuse(410, "GoneException", json!({})),
            Some(Fault::Unreachable) => HttpConnectorFuture::ready(Err(ConnectorError::io("there is no way".into()))),
            Some(Fault::Throttle) if operation == "PostToConnection" => refuse(429, "LimitExceededException", json!({})),
            Some(Fault::Throttle) => refuse(400, "ProvisionedThroughputExceededException", json!({})),
            Some(Fault::Broken) => refuse(500, "InternalServerError", json!({})),
            Some(Fault::LostAnswer) => {
                let answer = self.inner.call(request);
                HttpConnectorFuture::new(async move {
                    answer.await?;
                    Err(ConnectorError::io("the connection broke before the answer".into()))
                })
            }
            Some(Fault::Half) => {
                let mut asked = body(&request);
                let (member, list) =
                    if operation == "BatchGetItem" { ("UnprocessedKeys", Some("Keys")) } else { ("UnprocessedItems", None) };
                let rest = halve(&mut asked, list);
                replace_body(&mut request, &asked);
                let answer = self.inner.call(request);
                HttpConnectorFuture::new(async move {
                    let mut answer = answer.await?;
                    let mut told = read(&mut answer).await;
                    told[member] = rest;
                    *answer.body_mut() = SdkBody::from(told.to_string());
                    answer.headers_mut().remove("content-length");
                    answer.headers_mut().remove("x-amz-crc32");
                    Ok(answer)
                })
            }
            None if weigh && request.headers().get("x-amz-target").is_some() => {
                let mut asked = body(&request);
                asked["ReturnConsumedCapacity"] = json!("TOTAL");
                replace_body(&mut request, &asked);
                let answer = self.inner.call(request);
                HttpConnectorFuture::new(async move {
                    let mut answer = answer.await?;
                    let told = read(&mut answer).await;
                    faults.weighed(place, &operation, &told);
                    Ok(answer)
                })
            }
            None => self.inner.call(request),
        }
    }
}

fn operation(request: &HttpRequest) -> String {
    match request.headers().get("x-amz-target").and_then(|target| target.split_once('.')) {
        Some((_, operation)) => operation.to_owned(),
        None if request.uri().contains("@connections") || request.uri().contains("%40connections") => {
            if request.method() == "DELETE" { "DeleteConnection" } else { "PostToConnection" }.to_owned()
        }
        None => "SendRawEmail".to_owned(),
    }
}

fn body(request: &HttpRequest) -> Value {
    request.body().bytes().and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default()
}

fn replace_body(request: &mut HttpRequest, body: &Value) {
    let text = body.to_string();
    request.headers_mut().insert("content-length", text.len().to_string());
    *request.body_mut() = SdkBody::from(text);
}

/// Reads an answer and puts the same text back.
async fn read(answer: &mut HttpResponse) -> Value {
    let body = std::mem::replace(answer.body_mut(), SdkBody::empty());
    let bytes = aws_smithy_types::byte_stream::ByteStream::new(body).collect().await.expect("the answer can be read").into_bytes();
    let value = serde_json::from_slice(&bytes).unwrap_or_default();
    *answer.body_mut() = SdkBody::from(bytes);
    value
}

/// Takes the second half out of the lists of a batch; gives it in the shape in which it would come back.
fn halve(asked: &mut Value, list: Option<&str>) -> Value {
    let mut rest = json!({});
    for (table, of_table) in asked["RequestItems"].as_object_mut().into_iter().flatten() {
        let mut unprocessed = of_table.clone();
        let (kept, left) = match list {
            Some(list) => (&mut of_table[list], &mut unprocessed[list]),
            None => (&mut *of_table, &mut unprocessed),
        };
        let (Some(kept), Some(left)) = (kept.as_array_mut(), left.as_array_mut()) else { continue };
        let half = kept.len().div_ceil(2);
        kept.truncate(half);
        left.drain(..half);
        if !left.is_empty() {
            rest[table] = unprocessed;
        }
    }
    rest
}

fn refuse(status: u16, kind: &str, more: Value) -> HttpConnectorFuture {
    let mut body = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": "a fault of the test", "Message": "a fault of the test"});
    for (key, value) in more.as_object().into_iter().flatten() {
        body[key] = value.clone();
    }
    let status = StatusCode::try_from(status).expect("a status");
    let mut answer = HttpResponse::new(status, SdkBody::from(body.to_string()));
    answer.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    answer.headers_mut().insert("x-amzn-errortype", kind.to_owned());
    HttpConnectorFuture::ready(Ok(answer))
}

/// A client of a stack's database that goes past everything that is counted or meddled with.
pub fn database(stack: &Stack) -> aws_sdk_dynamodb::Client {
    use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(Credentials::new("local", "local", None, None, "tests"))
        .region(Region::new("us-east-1"))
        .endpoint_url(stack.dynamodb())
        .http_client(local::http_client())
        .build();
    aws_sdk_dynamodb::Client::from_conf(config)
}

/// Everything in a stack's table: `pk`, `sk`, and the whole item as text.
pub(crate) async fn scan(stack: &Stack) -> Vec<(String, String, String)> {
    let client = database(stack);
    let mut keys = Vec::new();
    let mut from = None;
    loop {
        let page = client.scan().table_name(stack.table()).consistent_read(true).set_exclusive_start_key(from).send().await;
        let page = page.unwrap_or_else(|error| panic!("the table cannot be read: {error:?}"));
        for item in page.items() {
            let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
            keys.push((text("pk"), text("sk"), format!("{item:?}")));
        }
        from = page.last_evaluated_key;
        if from.is_none() {
            return keys;
        }
    }
}

//! Every function is a Lambda: what `sam build` made is started against a Lambda Runtime API and answers events as
//! API Gateway, DynamoDB Streams and EventBridge send them.
//!
//! `tests/run` builds the functions (`sam build`) and installs `cargo lambda`, whose `watch` is the Runtime API here.
//! `POSTROOM_SAM_BUILD` names another folder with built functions.

#![allow(clippy::unwrap_used)] // It is all test.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use app::{Config, Var};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use local::database::{Embedded, spec};
use local::template::{SOURCE, Template};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::sync::watch;

/// Nothing here takes a second; this is for a machine that is busy with something else.
const PATIENCE: Duration = Duration::from_secs(60);
const PAGES: &str = "https://pages.example.com";
const TABLE: &str = "postroom-lambda";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The bootstrap that `sam build` made of a function.
fn bootstrap(function: &str) -> PathBuf {
    let built = std::env::var_os("POSTROOM_SAM_BUILD").map_or_else(|| root().join(".aws-sam/build"), PathBuf::from);
    let capital = function[..1].to_uppercase();
    let file = built.join(format!("{capital}{}Function", &function[1..])).join("bootstrap");
    assert!(file.exists(), "{} is not there: run `sam build`, or tests/run, which also installs it", file.display());
    file
}

/// A table, the functions' surroundings, and a Lambda Runtime API, each on a port of its own.
struct Cloud {
    invocations: String,
    runtime: String,
    table: Embedded,
    services: SocketAddr,
    mails: Arc<Mutex<Vec<String>>>,
    refuses_mail: watch::Sender<bool>,
    http: reqwest::Client,
    _runtime_api: Child,
}

impl Cloud {
    async fn start() -> Cloud {
        let table = Embedded::start(None, app::Clock::system(), Arc::new(watch::Sender::new(0))).await.unwrap();
        let template = Template::parse(SOURCE).unwrap();
        let sdk = aws_config::SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .region(aws_config::Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new("local", "local", None, None, "test")))
            .http_client(local::http_client())
            .build();
        store::table::create(&sdk, Some(&table.endpoint), &spec(&template.table, TABLE).unwrap()).await.unwrap();

        let mails = Arc::new(Mutex::new(Vec::new()));
        let (refuses_mail, refusing) = watch::channel(false);
        let services = services(Arc::clone(&mails), refusing).await;
        let (runtime_api, port) = runtime_api().await;
        Cloud {
            invocations: format!("http://127.0.0.1:{port}/2015-03-31/functions"),
            runtime: format!("http://127.0.0.1:{port}/.rt"),
            table,
            services,
            mails,
            refuses_mail,
            http: reqwest::Client::builder().timeout(PATIENCE).build().unwrap(),
            _runtime_api: runtime_api,
        }
    }

    /// Starts a function as Lambda does: the variables of the template, and those of Lambda itself.
    fn function(&self, name: &str) -> Child {
        let services = format!("http://{}", self.services);
        let own = BTreeMap::from([
            ("TABLE_NAME", TABLE),
            ("PAGES_URL", PAGES),
            ("REALTIME_URL", "wss://realtime.example.com/realtime"),
            ("CONNECTIONS_URL", services.as_str()),
            ("MAIL_FROM", "no-reply@example.com"),
            ("TOKEN_SECRET_ID", "postroom-keys"),
            ("PARTNERS_SECRET_ID", "postroom-partners"),
            ("GOOGLE_CLIENT_ID", ""),
            ("GOOGLE_ISSUER", "https://accounts.google.com"),
            ("ROBOT_VERIFY_URL", ""),
            ("ROBOT_SCRIPT_URL", ""),
            ("ROBOT_SITE_KEY", ""),
            ("ROBOT_ORIGINS", ""),
            ("STRIPE_SECRET_ID", ""),
            ("POSTMAN_API_URL", "https://api.getpostman.com"),
            ("RATE_LIMIT", "600"),
            ("MAIL_CONFIGURATION_SET", "postroom"),
        ]);
        let given = Template::parse(SOURCE).unwrap().functions.remove(name).unwrap().variables.into_keys();
        Command::new(bootstrap(name))
            .env_clear()
            .envs(given.map(|variable| {
                let value = own[variable.as_str()];
                (variable, value)
            }))
            .env("AWS_LAMBDA_RUNTIME_API", format!("{}/{name}", self.runtime))
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
            .env("AWS_REGION", "eu-central-1")
            .env("AWS_ACCESS_KEY_ID", "local")
            .env("AWS_SECRET_ACCESS_KEY", "local")
            .env("AWS_ENDPOINT_URL", &services)
            .env("AWS_ENDPOINT_URL_DYNAMODB", &self.table.endpoint)
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    /// What a function answers to an event.
    async fn invoke(&self, function: &str, event: &Value) -> Value {
        let address = format!("{}/{function}/invocations", self.invocations);
        let sent = self.http.post(address).body(event.to_string()).send().await.unwrap();
        let (status, body) = (sent.status(), sent.text().await.unwrap());
        assert_eq!(status, 200, "{function}: {body}");
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{function}: {error}: {body}"))
    }

    /// What a function answers to an HTTP request: the status and the body.
    async fn request(&self, function: &str, method: &str, path: &str, token: Option<&Value>, body: &Value) -> (u64, Value) {
        let mut event = http_event(method, path, body);
        if let Some(token) = token {
            event["headers"]["authorization"] = json!(format!("Bearer {}", token.as_str().unwrap()));
        }
        let answer = self.invoke(function, &event).await;
        assert!(answer["headers"]["x-request-id"].is_string(), "{answer}");
        let text = answer["body"].as_str().unwrap_or_default();
        let body = serde_json::from_str(text).unwrap_or_else(|error| panic!("{method} {path}: {error}: {answer}"));
        (answer["statusCode"].as_u64().unwrap(), body)
    }

    /// Everything in the table's stream, as Lambda hands it over, apart from what the function's filter keeps back.
    async fn stream(&self, kind: &str) -> Value {
        let mut calls = Vec::new();
        let streams = self.dynamodb("DynamoDBStreams_20120810.ListStreams", json!({"TableName": TABLE})).await;
        let arn = streams["Streams"][0]["StreamArn"].clone();
        let about = self.dynamodb("DynamoDBStreams_20120810.DescribeStream", json!({"StreamArn": arn})).await;
        for shard in about["StreamDescription"]["Shards"].as_array().unwrap() {
            let from = json!({"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"});
            let iterator = self.dynamodb("DynamoDBStreams_20120810.GetShardIterator", from).await;
            calls.push(json!({"ShardIterator": iterator["ShardIterator"]}));
        }
        let mut records = Vec::new();
        for call in calls {
            let read = self.dynamodb("DynamoDBStreams_20120810.GetRecords", call).await;
            records.extend(read["Records"].as_array().unwrap().clone());
        }
        records.retain(|record| record["eventName"] == "INSERT" && record["dynamodb"]["NewImage"]["kind"]["S"] == kind);
        records.iter_mut().for_each(|record| record["eventSourceARN"] = arn.clone());
        json!({ "Records": records })
    }

    async fn dynamodb(&self, target: &str, call: Value) -> Value {
        let request = self
            .http
            .post(&self.table.endpoint)
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", target)
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=local/20260101/eu-central-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
            )
            .header("x-amz-date", "20260101T000000Z")
            .body(call.to_string());
        let sent = request.send().await.unwrap();
        let (status, body) = (sent.status(), sent.text().await.unwrap());
        assert_eq!(status, 200, "{target}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    fn mails(&self) -> Vec<String> {
        self.mails.lock().unwrap().clone()
    }
}

/// An HTTP API's event, payload format 2.0, with all that API Gateway puts into it.
fn http_event(method: &str, path: &str, body: &Value) -> Value {
    let text = body.to_string();
    json!({
        "version": "2.0",
        "routeKey": format!("{method} {path}"),
        "rawPath": path,
        "rawQueryString": "",
        "headers": {
            "accept": "application/json",
            "content-length": text.len().to_string(),
            "content-type": "application/json",
            "host": "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com",
            "user-agent": "curl/8.5.0",
            "x-amzn-trace-id": "Root=1-65f0a1b2-0123456789abcdef01234567",
            "x-forwarded-for": "203.0.113.9",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https"
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "domainName": "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com",
            "domainPrefix": "a1b2c3d4e5",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.9",
                "userAgent": "curl/8.5.0"
            },
            "requestId": "Kz0f2hXbliAEMgg=",
            "routeKey": format!("{method} {path}"),
            "stage": "$default",
            "time": "12/Mar/2026:19:03:58 +0000",
            "timeEpoch": 1_773_342_238_000_u64
        },
        "body": text,
        "isBase64Encoded": false
    })
}

/// Secrets Manager and SES, as far as the functions use them; open connections are all gone.
async fn services(mails: Arc<Mutex<Vec<String>>>, refuses_mail: watch::Receiver<bool>) -> SocketAddr {
    let answer = move |headers: HeaderMap, body: Bytes| {
        let (mails, refuses_mail) = (Arc::clone(&mails), *refuses_mail.borrow());
        async move {
            if headers.get("x-amz-target").is_some_and(|target| target == "secretsmanager.GetSecretValue") {
                let keys = json!({"kid": "k1", "key": "a-key-of-a-test-that-is-long-enough-to-sign-with"});
                let secret = json!({"ARN": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:postroom-keys-a1b2c3",
                    "Name": "postroom-keys", "SecretString": keys.to_string(), "VersionId": "1"});
                return (StatusCode::OK, secret.to_string());
            }
            let form = reqwest::Url::parse(&format!("http://form/?{}", String::from_utf8_lossy(&body))).unwrap();
            let form: BTreeMap<_, _> = form.query_pairs().into_owned().collect();
            if form.get("Action").is_none_or(|action| action != "SendRawEmail") {
                return (StatusCode::GONE, json!({"message": "gone"}).to_string());
            }
            if refuses_mail {
                let error =
                    "<ErrorResponse><Error><Type>Sender</Type><Code>MessageRejected</Code><Message>no</Message></Error></ErrorResponse>";
                return (StatusCode::BAD_REQUEST, error.to_owned());
            }
            let mail = STANDARD.decode(&form["RawMessage.Data"]).unwrap();
            mails.lock().unwrap().push(String::from_utf8(mail).unwrap());
            let sent = "<SendRawEmailResponse><SendRawEmailResult><MessageId>m-1</MessageId></SendRawEmailResult></SendRawEmailResponse>";
            (StatusCode::OK, sent.to_owned())
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await.unwrap() });
    address
}

/// `cargo lambda watch` without a function of its own, and its port.
async fn runtime_api() -> (Child, u16) {
    let tools = root().join("tests/.tools/aws/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = [tools].into_iter().chain(std::env::split_paths(&path).collect::<Vec<_>>());
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let mut child = Command::new("cargo-lambda")
        .args(["lambda", "watch", "--only-lambda-apis", "--invoke-address", "127.0.0.1", "--invoke-port", &port.to_string()])
        .current_dir(root())
        .env("PATH", std::env::join_paths(places).unwrap())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("cargo-lambda is not there: `tests/run --tools` installs it");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let up = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains("starting Runtime server") {
                while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                    tokio::task::yield_now().await;
                }
                return;
            }
        }
        panic!("cargo lambda watch ended");
    };
    tokio::time::timeout(PATIENCE, up).await.expect("cargo lambda watch did not start");
    // Its later lines are not read: they must not fill the pipe.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (child, port)
}

#[tokio::test]
async fn a_function_names_every_variable_that_it_misses() {
    // What may be empty switches something off, and is missed by nobody.
    let needed = |name: &&str| Var::ALL.iter().any(|var| var.name() == *name && Config::read(&[*var], |_| None).is_err());
    for (name, function) in Template::parse(SOURCE).unwrap().functions {
        let ended = Command::new(bootstrap(&name)).env_clear().kill_on_drop(true).output();
        let ended = tokio::time::timeout(PATIENCE, ended).await.unwrap_or_else(|_| panic!("{name} runs on")).unwrap();
        assert!(!ended.status.success(), "{name} does not fail");
        let said = String::from_utf8_lossy(&ended.stderr);
        let named = said.split("not set: ").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        let mut named: Vec<&str> = named.split(", ").collect();
        named.sort_unstable();
        let given: Vec<&str> = function.variables.keys().map(String::as_str).filter(needed).collect();
        assert_eq!(named, given, "left: {name} asks for, right: the template gives; {said}");
    }
}

#[tokio::test]
async fn someone_signs_up_and_edits_on_lambdas() {
    let cloud = Cloud::start().await;
    let _signup = cloud.function("signup");
    let new = json!({"email": "ann@example.com", "username": "ann", "password": "correct horse battery staple",
        "accept_terms": true, "over_13": true});
    let (status, body) = cloud.request("signup", "POST", "/api/signup", None, &new).await;
    assert_eq!((status, &body), (202, &json!({"status": "confirmation_sent"})));
    let (status, problem) = cloud.request("signup", "POST", "/api/signup", None, &json!({"email": 1})).await;
    assert_eq!((status, &problem["status"]), (422, &json!(422)), "{problem}");

    // The stream's record of it becomes a mail, once, and only a mail that was sent settles it.
    let _mailer = cloud.function("mailer");
    let events = cloud.stream("event").await;
    assert_eq!(events["Records"].as_array().unwrap().len(), 1, "{events}");
    cloud.refuses_mail.send_replace(true);
    let failed = cloud.invoke("mailer", &events).await;
    let number = &events["Records"][0]["dynamodb"]["SequenceNumber"];
    assert_eq!(failed, json!({"batchItemFailures": [{"itemIdentifier": number}]}));
    cloud.refuses_mail.send_replace(false);
    for _ in 0..2 {
        assert_eq!(cloud.invoke("mailer", &events).await, json!({"batchItemFailures": []}));
    }
    let [mail] = &cloud.mails()[..] else { panic!("{:?}", cloud.mails()) };
    assert!(mail.contains("To: ann@example.com"), "{mail}");
    let token = json!({"token": secret_of(mail, "/confirm")});
    let (status, body) = cloud.request("signup", "POST", "/api/signup/confirm", None, &token).await;
    assert_eq!((status, &body["user"]["username"]), (200, &json!("ann")), "{body}");

    let _signin = cloud.function("signin");
    let who = json!({"login": "ann", "password": "correct horse battery staple"});
    let (status, session) = cloud.request("signin", "POST", "/api/sessions", None, &who).await;
    assert_eq!(status, 200, "{session}");
    let token = Some(&session["access_token"]);

    // A write to a collection, and its record in the stream.
    let _collections = cloud.function("collections");
    let collection = json!({"collection": {
        "info": {"name": "Letters", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
        "item": [{"name": "Send", "request": {"method": "POST", "url": "https://example.com/letters"}}]
    }});
    let (status, made) = cloud.request("collections", "POST", "/api/collections", token, &collection).await;
    assert_eq!(status, 200, "{made}");
    let _fanout = cloud.function("fanout");
    let changes = cloud.stream("change").await;
    assert!(!changes["Records"].as_array().unwrap().is_empty());
    assert_eq!(cloud.invoke("fanout", &changes).await, json!({"batchItemFailures": []}));
    let _library = cloud.function("library");
    let path = format!("/api/collections/{}", made["collection"]["id"].as_str().unwrap());
    let (status, read) = cloud.request("library", "GET", &path, token, &Value::Null).await;
    assert_eq!((status, &read["collection"]["info"]["name"]), (200, &json!("Letters")), "{read}");
}

#[tokio::test]
async fn a_socket_without_a_ticket_is_refused_and_the_clock_wakes_the_janitor() {
    let cloud = Cloud::start().await;
    let (_realtime, _janitor) = (cloud.function("realtime"), cloud.function("janitor"));
    let connect = json!({
        "headers": {"Host": "f6g7h8i9j0.execute-api.eu-central-1.amazonaws.com", "Sec-WebSocket-Version": "13"},
        "multiValueHeaders": {"Host": ["f6g7h8i9j0.execute-api.eu-central-1.amazonaws.com"], "Sec-WebSocket-Version": ["13"]},
        "requestContext": {
            "routeKey": "$connect", "eventType": "CONNECT", "extendedRequestId": "Kz0f2HXbliAEMgg=",
            "requestTime": "12/Mar/2026:19:03:58 +0000", "messageDirection": "IN", "stage": "realtime",
            "connectedAt": 1_773_342_238_000_u64, "requestTimeEpoch": 1_773_342_238_000_u64,
            "identity": {"sourceIp": "203.0.113.9"}, "requestId": "Kz0f2HXbliAEMgg=",
            "domainName": "f6g7h8i9j0.execute-api.eu-central-1.amazonaws.com",
            "connectionId": "Kz0f2cEkliACEYA=", "apiId": "f6g7h8i9j0"
        },
        "isBase64Encoded": false
    });
    let answer = cloud.invoke("realtime", &connect).await;
    assert_eq!(answer["statusCode"], 401, "{answer}");

    let hourly = json!({
        "version": "0", "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa", "detail-type": "Scheduled Event",
        "source": "aws.events", "account": "123456789012", "time": "2026-03-12T19:00:00Z", "region": "eu-central-1",
        "resources": ["arn:aws:events:eu-central-1:123456789012:rule/postroom-JanitorFunctionHourly"], "detail": {}
    });
    let answer = cloud.invoke("janitor", &hourly).await;
    assert!(answer["errorMessage"].is_null(), "{answer}");
}

/// The secret in a mail's link to one of our pages.
fn secret_of(mail: &str, page: &str) -> String {
    let text = mail.replace("=\r\n", "").replace("=3D", "=");
    let link = text.split(&format!("{PAGES}{page}")).nth(1).unwrap_or_else(|| panic!("no link to {page}: {text}"));
    let end = link.find(|letter: char| letter.is_whitespace() || matches!(letter, '"' | '<')).unwrap_or(link.len());
    link[..end].rsplit(['=', '/', '#', '?']).next().unwrap().to_owned()
}

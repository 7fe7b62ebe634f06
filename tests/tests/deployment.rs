//! The template, the routers and the functions agree, and each function may do what it needs and nothing else.

#![allow(clippy::unwrap_used)] // It is all test.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use docs::openapi::operations;
use local::template::{SOURCE, Template, yaml};
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn template() -> Template {
    Template::parse(SOURCE).unwrap()
}

/// The names of the variables that each function asks for.
macro_rules! needs {
    ($($function:ident),*) => {
        BTreeMap::from([$((stringify!($function).to_owned(), $function::NEEDS.iter().map(|var| var.name().to_owned()).collect::<BTreeSet<_>>())),*])
    };
}

#[test]
fn a_route_is_in_the_template_and_in_the_code() {
    let template = template();
    let mut written: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    for route in &template.routes {
        let before = written.insert((&route.method, &route.path), &route.function);
        assert_eq!(before, None, "{} {} is in the template twice", route.method, route.path);
    }
    // What a route leads to: the methods that its function answers on this path, `ANY` for all that no other route takes.
    let mut led: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    for operation in operations() {
        let keys = [(operation.method.as_str(), operation.path.as_str()), ("ANY", operation.path.as_str())];
        let Some(key) = keys.into_iter().find(|key| written.contains_key(key)) else { panic!("{operation:?} is not in the template") };
        assert_eq!(written[&key], operation.function, "{operation:?} goes to another function");
        *led.entry(key).or_default() += 1;
    }
    for ((method, path), function) in &written {
        let led = led.get(&(*method, *path)).copied().unwrap_or_default();
        let enough = if *method == "ANY" { 2 } else { 1 };
        assert!(enough <= led, "{method} {path}: {function} answers {led} methods there");
    }
    assert_eq!(template.sockets.keys().collect::<Vec<_>>(), ["$connect", "$default", "$disconnect"]);
    // What an HTTP API and a stack take before somebody asks AWS for more.
    let resources = yaml::parse(SOURCE).unwrap()["Resources"].as_object().unwrap().len();
    assert!(template.routes.len() <= 300 && resources <= 500, "{} routes, {resources} resources", template.routes.len());
}

/// What is sent without a body.
const BODILESS: [&str; 20] = [
    "PUT /api/collections/{collection}/favorite",
    "POST /api/collections/{collection}/items/{item}/duplicate",
    "POST /api/comments-resolutions/{thread}",
    "POST /api/me/export",
    "POST /api/me/notifications/resume",
    "POST /api/realtime/tickets",
    "POST /api/teams/{team}/domains/{domain}/verify",
    "POST /api/teams/{team}/invite-requests/{request}/refuse",
    "POST /api/teams/{team}/invites/resend",
    "POST /api/teams/{team}/invites/{invite}/resend",
    "POST /api/teams/{team}/invoices/{number}/checkout",
    "POST /api/teams/{team}/invoices/{number}/paid",
    "POST /api/teams/{team}/members/{user}/let-go",
    "POST /api/teams/{team}/restore",
    "POST /api/trash/{collection}/restore",
    "POST /api/unsubscribe",
    "POST /api/uploads/{upload}/commit",
    "POST /api/webhooks/{webhook}/deliveries/{delivery}/redeliver",
    "POST /api/webhooks/{webhook}/secret",
    "POST /api/webhooks/{webhook}/test",
];

#[test]
fn an_operation_says_what_it_is_and_what_it_takes() {
    let document = docs::openapi::document("https://postroom.example");
    let tags: Vec<&Value> = document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    let mut ids = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, says) in methods.as_object().unwrap() {
            let named = format!("{} {path}", method.to_uppercase());
            assert!(!says["summary"].as_str().unwrap().is_empty(), "{named} does not say what it is");
            assert!(tags.contains(&&says["tags"][0]), "{named} belongs nowhere: {}", says["tags"]);
            assert!(ids.insert(says["operationId"].as_str().unwrap().to_owned()), "{named} has another's name");
            let takes = ["post", "put", "patch"].contains(&method.as_str()) && !BODILESS.contains(&named.as_str());
            assert!(says["requestBody"].is_object() || !takes, "{named} does not say what it takes");
            assert!(says["requestBody"].is_null() || !BODILESS.contains(&named.as_str()), "{named} takes a body");
            let parameters = says["parameters"].as_array().map_or(&[][..], Vec::as_slice);
            let named_in_path = parameters.iter().filter(|one| one["in"] == "path").map(|one| one["name"].as_str().unwrap());
            let asked = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
            assert_eq!(named_in_path.collect::<BTreeSet<_>>(), asked.collect(), "{named} and the parameters of its path");
        }
    }
    let events = docs::asyncapi::document("https://postroom.example", "wss://postroom.example/live");
    for document in [&document, &events] {
        for reference in references(document) {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "nothing at {reference}");
        }
    }
}

/// Every `$ref` in a document.
fn references(value: &Value) -> Vec<&str> {
    match value {
        Value::Object(members) => {
            let own = members.get("$ref").and_then(Value::as_str);
            own.into_iter().chain(members.values().flat_map(references)).collect()
        }
        Value::Array(each) => each.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

/// A schema that shares its name with another's would stand for both.
#[test]
fn no_two_bodies_share_a_name() {
    let mut seen = BTreeMap::new();
    for (path, source) in sources(&root().join("functions")) {
        for (at, _) in source.match_indices("ToSchema)]") {
            let item = &source[at..];
            let Some(word) = ["struct ", "enum "].iter().filter_map(|word| Some(item.find(word)? + word.len())).min() else { continue };
            let (head, rest) = item.split_at(word);
            let given = head.split_once("schema(as = ").and_then(|(_, rest)| rest.split_once(')'));
            let name = given.map_or_else(|| rest.split(|c: char| !c.is_alphanumeric()).next().unwrap(), |(name, _)| name).to_owned();
            if let Some(before) = seen.insert(name.clone(), path.clone()) {
                panic!("{name} is in {} and in {}: tell them apart by #[schema(as = file::{name})]", before.display(), path.display());
            }
        }
    }
}

/// The Rust files under a folder.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let rust = files.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let own = rust.map(|path| (path.clone(), fs::read_to_string(path).unwrap()));
    own.chain(folders.iter().flat_map(|folder| sources(folder))).collect()
}

#[test]
fn a_function_is_a_folder_a_binary_and_a_resource() {
    let folders: BTreeSet<String> =
        fs::read_dir(root().join("functions")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let template = template();
    assert_eq!(folders, template.functions.keys().cloned().collect(), "left: functions/, right: infra/template.yaml");
    for name in folders {
        let home = root().join("functions").join(&name);
        assert!(home.join("src/main.rs").exists(), "functions/{name} has no binary");
        let manifest = fs::read_to_string(home.join("Cargo.toml")).unwrap();
        assert!(manifest.contains(&format!("name = \"{name}\"")), "functions/{name} has another name for itself");
    }
    for (id, function) in resources("AWS::Serverless::Function") {
        let binary = function["Metadata"]["BuildProperties"]["Binary"].as_str().unwrap();
        assert_eq!(id.to_lowercase(), format!("{binary}function"));
    }
}

#[test]
fn a_function_is_given_the_variables_that_it_asks_for() {
    let asked = needs!(
        collections,
        console,
        courier,
        docs,
        fanout,
        feed,
        invites,
        janitor,
        library,
        mailer,
        realtime,
        signin,
        signup,
        teams,
        webhooks
    );
    let given = template().functions.into_iter().map(|(name, function)| (name, function.variables.into_keys().collect()));
    assert_eq!(asked, given.collect(), "left: functions, right: infra/template.yaml");
}

#[test]
fn a_function_that_answers_requests_has_a_limit_of_them() {
    let template = template();
    for route in &template.routes {
        assert!(template.functions[&route.function].variables.contains_key("RATE_LIMIT"), "{} has no RATE_LIMIT", route.function);
    }
}

#[test]
fn a_function_may_do_what_it_needs_and_nothing_else() {
    let roles: BTreeMap<String, Value> = resources("AWS::IAM::Role").collect();
    let mut used = BTreeSet::new();
    for (id, function) in resources("AWS::Serverless::Function") {
        let properties = &function["Properties"];
        assert!(properties["Policies"].is_null(), "{id}: SAM would add a managed policy of its own; the role says it all");
        let role = yaml::references(&properties["Role"])[0].to_owned();
        let statements = statements(&roles[&role]);
        assert!(used.insert(role), "{id} shares its role");

        let allowed: BTreeSet<&str> = statements.iter().flat_map(|(actions, _)| actions.iter().copied()).collect();
        let may = |action: &str| allowed.contains(action);
        let given = |variable: &str| !properties["Environment"]["Variables"][variable].is_null();
        let reads_stream = properties["Events"].to_string().contains("StreamArn");
        assert!(may("logs:CreateLogStream") && may("logs:PutLogEvents"), "{id} cannot log");
        assert_eq!(may("secretsmanager:GetSecretValue"), given("TOKEN_SECRET_ID"), "{id} and the signing keys");
        let reads = |secret: &str| {
            let read = statements.iter().filter(|(actions, _)| actions.contains(&"secretsmanager:GetSecretValue"));
            read.flat_map(|(_, statement)| yaml::references(&statement["Resource"])).any(|id| id == secret)
        };
        assert_eq!(reads("SigningKeys"), given("TOKEN_SECRET_ID"), "{id} and the signing keys");
        assert_eq!(reads("Partners"), given("PARTNERS_SECRET_ID"), "{id} and the partners' secrets");
        assert_eq!(may("execute-api:ManageConnections"), given("CONNECTIONS_URL"), "{id} and open connections");
        assert_eq!(may("ses:SendRawEmail"), given("MAIL_FROM"), "{id} and mail");
        let wakes = ["FanoutFunction", "FeedFunction"].contains(&id.as_str());
        assert_eq!(may("events:PutEvents"), wakes, "{id} and the webhooks that it wakes");
        for action in ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "s3:PutObject", "s3:ListBucket"] {
            assert_eq!(may(action), reads_stream, "{id} and {action}");
        }
        for (actions, statement) in &statements {
            assert!(actions.iter().all(|action| !action.contains('*')), "{id} names no action: {actions:?}");
            // Reading which streams there are is a right without a resource; mail is bound by the sender's address.
            let bound = match actions[..] {
                ["dynamodb:ListStreams"] => true,
                ["ses:SendRawEmail"] => statement["Condition"].to_string().contains("ses:FromAddress"),
                _ => statement["Resource"] != "*",
            };
            assert!(bound, "{id} may do {actions:?} to anything");
            assert_eq!(statement["Effect"], "Allow", "{id}");
        }
        assert!(!allowed.contains("dynamodb:Scan"), "{id} reads the whole table");
    }
    assert_eq!(used, roles.keys().cloned().collect(), "left: used roles, right: roles");
}

#[test]
fn what_a_stream_function_gives_up_is_kept_and_raises_an_alarm() {
    let alarms: Vec<Value> = resources("AWS::CloudWatch::Alarm").map(|(_, alarm)| alarm["Properties"].clone()).collect();
    let mut streams = 0;
    for (id, function) in resources("AWS::Serverless::Function") {
        for (event, source) in function["Properties"]["Events"].as_object().into_iter().flatten() {
            if source["Type"] != "DynamoDB" {
                continue;
            }
            streams += 1;
            let mapping = &source["Properties"];
            assert_eq!(yaml::references(&mapping["DestinationConfig"]), ["DeadLetterBucket"], "{id}");
            assert_eq!(
                list(&mapping["MetricsConfig"]["Metrics"]),
                ["EventCount"],
                "{id}: without it there is nothing to raise an alarm on"
            );
            // What SAM calls the mapping that it makes.
            let made = format!("{id}{event}");
            let raises = |alarm: &&Value| {
                alarm["MetricName"] == "OnFailureDestinationDeliveredEventCount"
                    && yaml::references(&alarm["Dimensions"]).contains(&made.as_str())
            };
            assert!(alarms.iter().any(|alarm| raises(&alarm)), "{id} has no alarm");
        }
    }
    assert_eq!(streams, 2, "a shard of a stream has two readers at most");
}

/// Actions of each statement, and the statement.
fn statements(role: &Value) -> Vec<(Vec<&str>, &Value)> {
    let properties = &role["Properties"];
    assert!(properties["ManagedPolicyArns"].is_null(), "rights are written out");
    let trusted = &properties["AssumeRolePolicyDocument"]["Statement"];
    assert_eq!(trusted[0]["Principal"]["Service"], "lambda.amazonaws.com");
    assert_eq!(trusted.as_array().unwrap().len(), 1);
    let policies = properties["Policies"].as_array().unwrap().iter();
    let statements = policies.flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array().unwrap());
    statements.map(|statement| (list(&statement["Action"]), statement)).collect()
}

fn list(value: &Value) -> Vec<&str> {
    match value {
        Value::String(one) => vec![one],
        many => many.as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect(),
    }
}

/// The template's resources of one type, by logical id.
fn resources(kind: &str) -> impl Iterator<Item = (String, Value)> {
    let document = yaml::parse(SOURCE).unwrap();
    let all = document["Resources"].as_object().unwrap().clone();
    all.into_iter().filter(move |(_, resource)| resource["Type"] == kind)
}

//! Files of other programs, and files larger than a request: sent in parts, put together, imported once.

use serde_json::{Value, json};
use tests::faults::{Fault, Faults};
use tests::{TestApp, User, samples};

use crate::assert_same;

const OPENAPI: &str = "openapi: 3.1.0\ninfo: {title: Pets, version: '1'}\nservers: [{url: https://pets.example.com}]\npaths:\n  /pets/{id}:\n    get:\n      tags: [pets]\n      summary: A pet\n      parameters: [{name: id, in: path, required: true, schema: {type: integer, example: 7}}]\n      responses: {'200': {description: Found, content: {application/json: {example: {name: Rex}}}}}\n      callbacks: {x: {}}\n";

#[tokio::test]
async fn files_of_other_programs_become_collections() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let import =
            async |body: &[u8]| anna.ask("POST", "/api/import").header("content-type", "application/octet-stream").body(body).await;
        let made = import(OPENAPI.as_bytes()).await.ok();
        assert_eq!(made.at("/format"), "OpenAPI 3.1");
        assert_eq!(made.at("/report/taken"), json!({"requests": 1, "folders": 1, "examples": 1, "variables": 1}));
        assert_eq!(made.at("/report/left"), json!(["callbacks of operations"]));
        let path = format!("/api/collections/{}", made.at("/collection/id").as_str().expect("an id"));
        let whole = anna.get(&path).await.ok();
        assert_eq!(whole.at("/collection/info/name"), "Pets");
        assert_eq!(whole.at("/collection/item/0/item/0/request/url/raw"), "{{baseUrl}}/pets/:id");
        // Out again as OpenAPI, and in by Postman's own shape.
        let written = anna.get(&format!("{path}?format=openapi")).await.ok();
        assert_eq!(written.at("/paths/~1pets~1{id}/get/summary"), "A pet");
        for (kind, input) in [("json", written.json()), ("string", json!(OPENAPI))] {
            let made = anna.post("/api/import/openapi", json!({"type": kind, "input": input})).await.ok();
            assert_eq!(made.at("/collections/0/name"), "Pets");
        }
        for (body, pointer) in [
            (json!({"type": "json", "input": {"info": {}}}), "/input"),
            (json!({"type": "file", "input": "x"}), "/type"),
            (json!({"input": "x"}), ""),
        ] {
            let refused = anna.post("/api/import/openapi", body).await.refused(422, "rejected");
            assert_eq!(refused.at("/errors/0/pointer"), pointer);
        }
        // A collection of Postman's stays what it is; of it nothing is reported.
        let made = import(samples::CURIOUS.as_bytes()).await.ok();
        assert_eq!((made.at("/format"), made.at("/report")), (json!("Postman Collection"), Value::Null));
        assert_same(
            samples::CURIOUS,
            &anna.get(&format!("/api/collections/{}", made.at("/collection/id").as_str().expect("an id"))).await.ok().text,
        );
        let made = import(b"curl https://example.com/a -d b=c\ncurl https://example.com/d").await.ok();
        assert_eq!(made.at("/report/taken/requests"), 2);
        // Of several collections in one file each becomes one.
        let two = json!([{"v": 2, "name": "One", "folders": [], "requests": []}, {"v": 2, "name": "Two", "folders": [], "requests": []}]);
        let made = import(two.to_string().as_bytes()).await.ok();
        assert_eq!((made.at("/collections/0/name"), made.at("/collections/1/name")), (json!("One"), json!("Two")));
        for nothing in ["", "hello", "{\"a\": 1}", "curl", "openapi: 3.0.0", "\u{0}\u{1}"] {
            import(nothing.as_bytes()).await.refused(422, "rejected");
        }
    })
    .await;
}

/// A file of so many requests, with white space that makes it so long.
fn file(requests: usize, length: usize) -> Vec<u8> {
    let mut text = samples::of_requests("Large", requests).into_bytes();
    text.resize(length.max(text.len()), b' ');
    text
}

async fn begin(who: &User, length: usize) -> (String, usize) {
    let begun = who.post("/api/uploads", json!({"bytes": length})).await.status(201);
    let id = begun.at("/upload/id").as_str().expect("an id").to_owned();
    assert_eq!(begun.header("location"), format!("/api/uploads/{id}"));
    (format!("/api/uploads/{id}"), usize::try_from(begun.at("/upload/part_bytes").as_u64().expect("a length")).expect("a length"))
}

async fn put(who: &User, path: &str, part: usize, bytes: &[u8]) -> tests::Reply {
    who.ask("PUT", &format!("{path}/parts/{part}")).header("content-type", "application/octet-stream").body(bytes).await
}

#[tokio::test]
async fn a_file_in_parts_is_imported_once() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let bob = app.user("bob").await;
        // More than a request takes, and not to be compressed.
        let mut items: Vec<Value> = (0..20).map(|index| samples::request(&format!("request {index}"))).collect();
        items.iter_mut().for_each(|item| item["request"]["description"] = json!(samples::noise(330_000)));
        let text = samples::collection("Large", &items);
        let bytes = text.as_bytes();
        let (path, length) = begin(&anna, bytes.len()).await;
        let parts: Vec<&[u8]> = bytes.chunks(length).collect();
        assert!(parts.len() > 2, "{}", bytes.len());
        put(&anna, &path, 1, parts[1]).await.ok();
        assert_eq!(anna.get(&path).await.ok().at("/upload/received"), json!([1]));
        let refused = anna.ask("POST", &format!("{path}/commit")).await.refused(422, "rejected");
        assert!(refused.at("/errors/0/detail").to_string().contains("0, 2"), "{refused}");
        put(&anna, &path, 0, &parts[0][1..]).await.refused(422, "rejected");
        put(&anna, &path, parts.len(), parts[0]).await.refused(404, "not_found");
        put(&bob, &path, 0, parts[0]).await.refused(404, "not_found");
        bob.get(&path).await.refused(404, "not_found");
        // Sent twice, a part is there once, with what was sent last.
        put(&anna, &path, 0, &vec![b'x'; parts[0].len()]).await.ok();
        for (index, part) in parts.iter().enumerate().filter(|(index, _)| *index != 1) {
            put(&anna, &path, index, part).await.ok();
        }
        let made = anna.ask("POST", &format!("{path}/commit")).await.ok();
        let collection = made.at("/collection/id").as_str().expect("an id").to_owned();
        assert_same(&text, &anna.get(&format!("/api/collections/{collection}")).await.ok().text);
        // An answer that was lost is given again, and nothing is made a second time; the parts are gone.
        assert_eq!(anna.ask("POST", &format!("{path}/commit")).await.ok().json(), made.json());
        assert_eq!(anna.get("/api/collections").await.ok().at("/collections").as_array().map(Vec::len), Some(1));
        assert_eq!(anna.get(&path).await.ok().at("/upload/committed"), true);
        assert!(!app.table_keys().await.iter().any(|(_, sk)| sk.starts_with("PIECE")), "pieces are left behind");

        // What is not a collection is said at the commit; the file can be given up.
        let (path, _) = begin(&anna, 5).await;
        put(&anna, &path, 0, b"hello").await.ok();
        anna.ask("POST", &format!("{path}/commit")).await.refused(422, "rejected");
        anna.delete(&path).await.status(204);
        anna.get(&path).await.refused(404, "not_found");
        anna.post("/api/uploads", json!({"bytes": 0})).await.refused(422, "rejected");
        anna.post("/api/uploads", json!({"bytes": 100 * 1024 * 1024})).await.refused(422, "rejected");
    })
    .await;
}

#[tokio::test]
async fn what_was_begun_ends_after_a_day() {
    let app = TestApp::start().await;
    let anna = app.user("anna").await;
    let (path, _) = begin(&anna, 5).await;
    put(&anna, &path, 0, b"hello").await.ok();
    app.advance("PT23H").await;
    let anna = app.sign_in("anna").await;
    anna.get(&path).await.ok();
    app.advance("PT2H").await;
    let anna = app.sign_in("anna").await;
    for gone in [anna.get(&path), anna.ask("POST", &format!("{path}/commit")), anna.delete(&path)] {
        gone.await.refused(404, "not_found");
    }
    app.mails().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_in_the_middle_of_a_commit_it_is_there_or_not_at_all() {
    let data = tempfile::tempdir().expect("a folder");
    let faults = Faults::new();
    let file = file(600, 7_000_000);
    let app = TestApp::in_folder(data.path(), faults.options()).await;
    let anna = app.user("anna").await;
    app.settle().await;
    let (path, length) = begin(&anna, file.len()).await;
    let parts: Vec<&[u8]> = file.chunks(length).collect();
    assert_eq!(parts.len(), 3);
    put(&anna, &path, 0, parts[0]).await.ok();
    put(&anna, &path, 1, parts[1]).await.ok();
    app.kill();

    // The parts that were there still are. Of the commit two batches are written, the third never is.
    let app = TestApp::in_folder(data.path(), faults.options()).await;
    let anna = app.sign_in("anna").await;
    assert_eq!(anna.get(&path).await.ok().at("/upload/received"), json!([0, 1]));
    put(&anna, &path, 2, parts[2]).await.ok();
    faults.reset();
    faults.later("BatchWriteItem", 2, 1_000, Fault::Hang);
    let (committer, address) = (anna.clone(), format!("{path}/commit"));
    let commit = tokio::spawn(async move { committer.ask("POST", &address).await });
    faults.hanging().await;
    app.kill();
    commit.abort();

    let app = TestApp::in_folder(data.path(), local::Options::default()).await;
    let anna = app.sign_in("anna").await;
    let list = async || anna.get("/api/collections").await.ok().at("/collections").as_array().cloned().unwrap_or_default();
    assert_eq!(list().await, Vec::<Value>::new(), "half of it is there");
    // Sent again, the commit ends what was begun, once.
    let made = anna.ask("POST", &format!("{path}/commit")).await.ok();
    let all = list().await;
    assert_eq!((all.len(), &all[0]["id"], &all[0]["count"]), (1, &made.at("/collection/id"), &json!(600)));
    assert_eq!(anna.ask("POST", &format!("{path}/commit")).await.ok().json(), made.json());
    app.mails().await;
    app.finish().await;
}

//! The versions of the format: what comes in one of them is edited in format 2.1 and given back in any.

use serde_json::{Value, json};
use tests::exact::{Exact, differences};
use tests::{TestApp, samples};

use crate::assert_same;

/// As Postman wrote it years ago: flat lists, an order that names nothing, members that no other format has.
const V1: &str = include_str!("v1.json");
const V20: &str = include_str!("v20.json");

#[tokio::test]
async fn older_formats_come_back_as_they_were() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        for (file, word) in [(V1, "v1"), (V20, "v2.0")] {
            for sent in [file.to_owned(), format!("{{\"collection\":{file}}}")] {
                let made = anna.post_text("/api/collections", sent).await.ok();
                let path = format!("/api/collections/{}", made.at("/collection/id").as_str().expect("an id"));
                assert_same(file, &anna.get(&format!("{path}?format=original")).await.ok().text);
                let bare = anna.get(&format!("{path}?format={word}&bare=true")).await.ok();
                let found = differences(&Exact::read(file), &Exact::read(&bare.text));
                assert!(found.is_empty(), "{found:#?}");
                // For everyone else it is one of format 2.1, which says nothing of where it came from.
                let whole = anna.get(&path).await.ok();
                assert_eq!(whole.at("/collection/info/schema"), samples::SCHEMA);
                assert!(!whole.text.contains("x-only-here"), "{whole}");
                assert_eq!(anna.get(&format!("{path}?format=v2.1")).await.ok().text, whole.text);
                // Put back as it was read, nothing changes.
                assert_eq!(anna.put(&path, whole.text.clone()).await.ok().etag(), "\"1\"");
                assert_same(file, &anna.get(&format!("{path}?format=original")).await.ok().text);
                anna.get(&format!("{path}?format=v3")).await.refused(422, "rejected");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn an_edit_in_2_1_is_one_in_the_old_format() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let made = anna.post_text("/api/collections", V1).await.ok();
        let id = made.at("/collection/id").as_str().expect("an id").to_owned();
        let path = format!("/api/collections/{id}");
        let item = format!("{path}/items/{}", anna.item_named(&id, "List").await);
        let read = anna.get(&item).await.ok();
        assert_eq!(read.at("/request/header/1"), json!({"key": "B", "value": "2", "disabled": true}));
        assert_eq!(read.at("/request/auth/basic/0"), json!({"key": "username", "value": "u", "type": "string"}));
        assert_eq!(read.at("/event/0/script/exec"), json!(["one", "two"]));
        anna.patch(&item, "{\"name\": \"All\", \"request\": {\"method\": \"PUT\"}}").await.ok();
        let expected = V1.replace("\"List\"", "\"All\"").replace("\"method\": \"POST\"", "\"method\": \"PUT\"");
        assert_ne!(expected, V1);
        assert_same(&expected, &anna.get(&format!("{path}?format=original")).await.ok().text);
        // Replaced by somebody who reads format 2.1 only: what format 1 alone knows is still there.
        let whole = anna.get(&path).await.ok().text.replace("\"All\"", "\"Every\"");
        anna.put(&path, whole).await.ok();
        assert_same(&expected.replace("\"All\"", "\"Every\""), &anna.get(&format!("{path}?format=original")).await.ok().text);
        // Something new stands in the old format, too.
        anna.post(&format!("{path}/items"), samples::request("new")).await.ok();
        let old = anna.get(&format!("{path}?format=original")).await.ok();
        // Half a surrogate pair is none of a value tree.
        let old: Value = serde_json::from_str(&old.text.replace("\\ud800", "")).expect("JSON");
        let new = old["collection"]["requests"].as_array().and_then(|all| all.last()).cloned().unwrap_or(Value::Null);
        assert_eq!((&new["name"], &new["headers"]), (&json!("new"), &json!("accept: application/json")), "{old:#}");
        assert_eq!(old["collection"]["order"][1], new["id"]);
    })
    .await;
}

#[tokio::test]
async fn any_collection_goes_out_in_any_format() {
    let app = TestApp::start().await;
    let anna = app.user("anna").await;
    let made = anna.post_text("/api/collections", samples::CURIOUS).await.ok();
    let path = format!("/api/collections/{}", made.at("/collection/id").as_str().expect("an id"));
    assert_same(samples::CURIOUS, &anna.get(&format!("{path}?format=original")).await.ok().text);
    let whole = anna.get(&path).await.ok();
    for word in ["v1", "v2.0"] {
        let old = anna.get(&format!("{path}?format={word}")).await.ok();
        let again = anna.post_text("/api/collections", old.text.clone()).await.ok();
        let again = anna.get(&format!("/api/collections/{}/items", again.at("/collection/id").as_str().expect("an id"))).await.ok();
        let names = |reply: &tests::Reply| {
            let mut names: Vec<String> =
                reply.at("/items").as_array().expect("items").iter().map(|item| item["name"].to_string()).collect();
            names.sort();
            names
        };
        assert_eq!(names(&again), names(&anna.get(&format!("{path}/items")).await.ok()), "{word}");
        // The tag is the revision, in whatever format.
        assert_eq!(old.etag(), whole.etag());
        anna.get(&format!("{path}?format={word}")).header("if-none-match", &whole.etag()).await.status(200);
    }
    anna.get(&path).header("if-none-match", &whole.etag()).await.status(304);
    app.finish().await;
}

#[tokio::test]
async fn nothing_is_mangled() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let folders = 5_000;
        let deep = format!(
            "{{\"info\":{{\"name\":\"Deep\"}},\"item\":[{}{}]}}",
            (0..folders).map(|level| format!("{{\"id\":\"f{level}\",\"name\":\"f\",\"item\":[")).collect::<String>(),
            "]}".repeat(folders)
        );
        let long = samples::collection("Long", &[json!({"name": "x".repeat(1_000_000), "request": {"url": "u", "description": samples::noise(450_000)}})]);
        let odd = r#"{"info":{"name":"Odd","name":"Odder"},"item":[{"id":"twice","name":"a","n":1e999,"n":-0.0},{"id":"twice","name":"\udc00"},{"name":""}],"v":12345678901234567890123}"#;
        let made = anna.post_text("/api/collections", deep.clone()).await.ok();
        let path = format!("/api/collections/{}", made.at("/collection/id").as_str().expect("an id"));
        let inside = deep.split_once("\"item\"").expect("items").1;
        assert!(anna.get(&path).await.ok().text.contains(inside), "a deep collection came back different");
        assert!(anna.get(&format!("{path}?format=v2.0")).await.ok().text.contains(inside));
        assert_eq!(anna.get(&format!("{path}?format=v1")).await.ok().at("/collection/folders").as_array().map(Vec::len), Some(folders));
        for file in [long.as_str(), odd] {
            let made = anna.post_text("/api/collections", file).await.ok();
            let path = format!("/api/collections/{}", made.at("/collection/id").as_str().expect("an id"));
            for format in ["", "?format=original"] {
                assert_same(file, &anna.get(&format!("{path}{format}")).await.ok().text);
            }
        }
        // UTF-16 holds half of a surrogate pair that UTF-8 cannot: it is kept as its escape. With the other byte order, too.
        let text = odd.replace("\\udc00", "Z");
        let half = |unit: u16| if unit == u16::from(b'Z') { 0xdc00 } else { unit };
        let wide: Vec<u8> = std::iter::once(0xfeff).chain(text.encode_utf16().map(half)).flat_map(u16::to_be_bytes).collect();
        let made = anna.post_text("/api/collections", wide.clone()).await.ok();
        let path = format!("/api/collections/{}", made.at("/collection/id").as_str().expect("an id"));
        assert_same(odd, &anna.get(&path).await.ok().text);
        let refused = anna.post_text("/api/collections", wide[..wide.len() - 1].to_vec()).await.refused(400, "malformed");
        assert!(refused.at("/detail").to_string().contains(&format!("byte {}", wide.len() - 3)), "{refused}");
    })
    .await;
}

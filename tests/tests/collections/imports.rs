//! Importing: every encoding, every size, every oddity; and what is refused, with the reason.

use serde_json::{Value, json};
use tests::{TestApp, samples};

use crate::assert_same;

#[tokio::test]
async fn what_goes_in_comes_out() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let me = anna.get("/api/me").await.ok();
        assert_eq!(me.at("/user/id"), anna.id);
        let utf16 = |text: &str| {
            let mark = std::iter::once(0xfeff_u16);
            mark.chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect::<Vec<u8>>()
        };
        // The escapes are in the text already: what is sent in UTF-16 is the same document.
        let sent: [(&str, Vec<u8>); 5] = [
            ("bare", samples::CURIOUS.as_bytes().to_vec()),
            ("wrapped", format!("{{\"collection\": {}}}", samples::CURIOUS).into_bytes()),
            ("with a byte order mark", format!("\u{feff}{}", samples::CURIOUS).into_bytes()),
            ("in UTF-16", utf16(samples::CURIOUS)),
            ("packed", samples::gzip(samples::CURIOUS.as_bytes())),
        ];
        for (how, body) in sent {
            println!("{how}");
            let mut ask = anna.post_text("/api/collections", body);
            if how == "packed" {
                ask = ask.header("content-encoding", "gzip");
            }
            let made = ask.await.ok();
            let id = made.at("/collection/id").as_str().expect("id").to_owned();
            let uid = format!("{}-{id}", anna.id);
            assert_eq!(made.at("/collection/uid"), uid);
            let back = anna.get(&format!("/api/collections/{id}")).await.ok();
            assert_same(samples::CURIOUS, &back.text);
            assert!(back.text.contains(&format!("\"_postman_id\":\"{id}\"")), "{back}");
            assert_eq!(anna.get(&format!("/api/collections/{uid}")).await.ok().text, back.text, "the uid names it, too");
            // What came out goes in again, and is the same once more.
            anna.put(&format!("/api/collections/{id}"), back.text.clone()).await.ok();
            let again = anna.get(&format!("/api/collections/{id}")).await.ok();
            assert_same(samples::CURIOUS, &again.text);
            assert_same(&back.text, &again.text);
        }
    })
    .await;
}

#[tokio::test]
async fn what_comes_without_ids_gets_some_that_stay() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let file = samples::collection("Twins", &[samples::request("twin"), samples::request("twin"), samples::folder("twin", &[])]);
        let made = anna.post_text("/api/collections", file.clone()).await.ok();
        let id = made.at("/collection/id").as_str().expect("id").to_owned();
        let read = anna.get(&format!("/api/collections/{id}")).await.ok();
        assert_same(&file, &read.text);
        let items = anna.items(&id).await;
        let ids: std::collections::HashSet<&str> = items.iter().filter_map(|item| item["id"].as_str()).collect();
        assert_eq!(ids.len(), 3, "{items:#?}");
        assert_eq!(items.iter().map(|item| &item["kind"]).collect::<Vec<_>>(), ["request", "request", "folder"]);
        assert_eq!(anna.items(&id).await, items);
    })
    .await;
}

#[tokio::test]
async fn deep_and_wide() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let deep = (0..300).fold(samples::request("the deepest"), |inside, level| samples::folder(&format!("level {level}"), &[inside]));
        let wide: Vec<Value> = (0..1_200).map(|index| samples::request(&format!("request {index}"))).collect();
        for file in [samples::collection("Deep", &[deep]), samples::collection("Wide", &wide)] {
            let made = anna.post_text("/api/collections", file.clone()).await.ok();
            let id = made.at("/collection/id").as_str().expect("id").to_owned();
            assert_same(&file, &anna.get(&format!("/api/collections/{id}")).await.ok().text);
        }
    })
    .await;
}

#[tokio::test]
async fn elements_that_no_item_of_the_table_can_hold() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let mut long = samples::request("long");
        long["request"]["body"] = json!({"mode": "raw", "raw": samples::noise(1_700_000)});
        let mut longer = samples::request("longer");
        longer["request"]["description"] = json!(samples::noise(2_600_000));
        let file = samples::collection("Long", &[samples::request("short"), long.clone(), samples::folder("f", &[longer])]);
        assert!(file.len() > 4_200_000);
        let made = anna.post_text("/api/collections", file.clone()).await.ok();
        let id = made.at("/collection/id").as_str().expect("id").to_owned();
        assert_same(&file, &anna.get(&format!("/api/collections/{id}")).await.ok().text);

        let path = format!("/api/collections/{id}/items/{}", anna.item_named(&id, "long").await);
        let read = anna.get(&path).await.ok();
        assert_eq!(read.at("/request/body"), long["request"]["body"]);
        // Edited, an element and its change travel in one transaction: there a limit stands, and it is said.
        anna.patch(&path, json!({"name": "renamed"}).to_string()).await.refused(413, "element_too_long");
        let text = samples::noise(700_000);
        let edited = anna.patch(&path, json!({"request": {"body": {"raw": text}}}).to_string()).await.ok();
        let again = anna.get(&path).await.ok();
        assert_eq!((again.at("/request/body/raw"), again.etag()), (json!(text), edited.etag()));
        // Renamed, it is written anew, and its old parts go; then it is short, and has none.
        let renamed = anna.patch(&path, json!({"name": "renamed"}).to_string()).await.ok();
        assert_eq!(renamed.at("/request/body/raw"), text);
        assert_eq!(anna.get(&path).await.ok().text, renamed.text);
        let parts =
            async || app.table_keys().await.into_iter().filter(|(_, sk)| sk.contains(path.rsplit('/').next().expect("an id"))).count();
        let before = parts().await;
        anna.patch(&path, json!({"request": {"body": {"raw": "short"}}}).to_string()).await.ok();
        assert_eq!(anna.get(&path).await.ok().at("/request/body/raw"), "short");
        assert!(parts().await < before, "the parts of a long element stay when it becomes short");
        let changes = anna.changes(&id, 1).await;
        assert_eq!(changes[2]["changes"][0]["before"], text, "the losing value is in the history");
    })
    .await;
}

#[tokio::test]
async fn large_bodies_up_to_what_a_lambda_takes() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let items: Vec<Value> = (0..60)
            .map(|index| {
                let mut item = samples::request(&format!("request {index}"));
                item["request"]["description"] = json!(samples::noise(90_000));
                item
            })
            .collect();
        let file = samples::collection("Large", &items);
        assert!(5_300_000 < file.len() && file.len() < 6_000_000, "{}", file.len());
        let made = anna.post_text("/api/collections", file.clone()).await.ok();
        let id = made.at("/collection/id").as_str().expect("id").to_owned();
        assert_same(&file, &anna.get(&format!("/api/collections/{id}")).await.ok().text);
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_taken_is_refused_with_the_reason() {
    let app = TestApp::start().await;
    let anna = app.user("anna").await;
    let path = "/api/collections";

    let too_large = samples::collection(&"x".repeat(6 * 1024 * 1024), &[]);
    let refused = anna.post_text(path, too_large.clone()).await.refused(413, "too_large");
    assert_eq!(refused.at("/limit"), 6 * 1024 * 1024);
    assert!(refused.at("/detail").as_str().is_some_and(|detail| detail.contains("6291456")), "{refused}");
    // Packed it may be smaller; what it unfolds to has a limit as well.
    let bomb = samples::gzip(samples::collection(&"x".repeat(40 * 1024 * 1024), &[]).as_bytes());
    anna.post_text(path, bomb).header("content-encoding", "gzip").await.refused(413, "too_large");
    anna.post_text(path, samples::gzip(too_large.as_bytes())).header("content-encoding", "gzip").await.ok();

    for (text, place) in [
        ("{\"info\": {},\n \"item\": [}", "line 2, column "),
        ("", "line 1, column "),
        ("{\"info\": nul}", "line 1, column "),
        ("{}\n\n{}", "line 3, column "),
    ] {
        let refused = anna.post_text(path, text).await.refused(400, "malformed");
        let detail = refused.at("/detail");
        assert!(detail.as_str().is_some_and(|detail| detail.contains(place)), "{text}: {detail}");
    }
    anna.post_text(path, b"{\"info\": \"\xff\xfe\xfd\"}".to_vec()).await.refused(400, "malformed");
    anna.post_text(path, b"no gzip".to_vec()).header("content-encoding", "gzip").await.refused(400, "malformed");
    anna.post_text(path, "{}").header("content-encoding", "compress").await.refused(415, "media_type");
    anna.post_text(path, "{\"info\": {}}").header("content-type", "text/plain").await.refused(415, "media_type");
    anna.ask("POST", path).body("{\"info\": {}}").await.refused(415, "media_type");
    let deep = format!("{{\"info\": {{\"name\": \"deep\"}}, \"x\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    anna.post_text(path, deep).await.refused(400, "malformed");
    for no_collection in ["[]", "7", "{}", "{\"info\": 7}", "{\"collection\": []}"] {
        let refused = anna.post_text(path, no_collection).await.refused(422, "rejected");
        assert_eq!(refused.at("/errors/0/pointer"), "/collection", "{no_collection}");
    }
    assert_eq!(anna.get(path).await.ok().at("/collections").as_array().map(Vec::len), Some(1));
    app.finish().await;
}

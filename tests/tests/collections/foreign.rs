//! Files of each other program over HTTP, and many odd files of our own, on both engines.

use serde_json::json;
use tests::TestApp;

use crate::assert_same;

/// A file of each kind, what it is called, and the name of its first collection and request.
const FILES: [(&str, &str, &str, &str); 8] = [
    (
        "openapi: 3.0.3\ninfo: {title: Pets}\npaths:\n  /pets:\n    get: {summary: All pets, responses: {}}\n",
        "OpenAPI 3.0",
        "Pets",
        "All pets",
    ),
    (
        r#"{"swagger":"2.0","info":{"title":"Old"},"host":"example.com","paths":{"/a":{"get":{"summary":"Read a","responses":{}}}}}"#,
        "Swagger 2.0",
        "Old",
        "Read a",
    ),
    ("#%RAML 1.0\ntitle: Birds\nbaseUri: https://x.example\n/birds:\n  get: {displayName: All birds}\n", "RAML 1.0", "Birds", "All birds"),
    (
        r#"{"log":{"creator":{"name":"Browser"},"entries":[{"request":{"method":"GET","url":"https://a.example/x?y=1","headers":[]},"response":{"status":200,"statusText":"OK","content":{"text":"{}"}}}]}}"#,
        "HAR",
        "",
        "",
    ),
    ("curl -X PUT https://a.example/things -d a=b", "cURL", "", ""),
    (
        "type: collection.insomnia.rest/5.0\nname: Five\ncollection:\n  - {name: R, url: 'http://x/{{ _.a }}', method: GET}\n",
        "Insomnia",
        "Five",
        "R",
    ),
    (
        r#"{"name":"B","version":"1","items":[{"type":"http","name":"Ask","seq":1,"request":{"url":"http://x/:id?a=b","method":"POST"}}]}"#,
        "Bruno",
        "B",
        "Ask",
    ),
    (
        r#"{"v":2,"name":"H","folders":[],"requests":[{"v":"5","name":"Hop","method":"POST","endpoint":"<<base>>/r"}]}"#,
        "Hoppscotch",
        "H",
        "Hop",
    ),
];

#[tokio::test]
async fn a_file_of_each_other_program_becomes_a_collection_that_is_edited_and_exported_like_any() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        for (text, format, name, request) in FILES {
            let made = anna.ask("POST", "/api/import").header("content-type", "application/octet-stream").body(text).await.ok();
            assert_eq!(made.at("/format"), format, "{made}");
            assert_eq!(made.at("/report/taken/requests"), 1, "{made}");
            let id = made.at("/collection/id").as_str().expect("id").to_owned();
            let path = format!("/api/collections/{id}");
            let whole = anna.get(&path).await.ok();
            if !name.is_empty() {
                assert_eq!((made.at("/collection/name"), whole.at("/collection/info/name")), (json!(name), json!(name)));
                anna.item_named(&id, request).await;
            }
            let items = anna.items(&id).await;
            let first = items.iter().find(|item| item["kind"] == "request").expect("a request");
            let item = format!("{path}/items/{}", first["id"].as_str().expect("id"));
            anna.patch(&item, json!({"name": "edited here"}).to_string()).await.ok();
            // What goes out as format 2.1 comes in again as the same.
            let out = anna.get(&format!("{path}?bare=true")).await.ok();
            let again = anna.post_text("/api/collections", out.text.clone()).await.ok().at("/collection/id");
            assert_same(&out.text, &anna.get(&format!("/api/collections/{}", again.as_str().expect("id"))).await.ok().text);
            for format in ["v2.0", "v1", "openapi", "original"] {
                anna.get(&format!("{path}?format={format}")).await.ok();
            }
        }
    })
    .await;
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap_or(0)
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len())]
    }

    /// What people and programs write into files, and what gets lost easily.
    fn value(&mut self) -> String {
        let simple = [
            "null",
            "true",
            "0",
            "-0",
            "1.0",
            "1e400",
            "12345678901234567890123",
            "0.1000",
            "\"\"",
            "\"\\ud800 alone\"",
            "\"\\u0041\"",
            "\"Zoë\"",
            "\"\\/\"",
            "[]",
            "{}",
            "[[],{}]",
            "{\"a\":1,\"a\":2}",
            "{\"\":null}",
            "\"<script>\"",
            "[1, 2 ,3]",
        ];
        self.one(&simple).to_owned()
    }

    fn extra(&mut self) -> String {
        let names = ["x-unknown", "_postman_isSubFolder", "protocolProfileBehavior", "Über", "a/b~c"];
        (0..self.roll(3)).map(|index| format!(",\"{}{index}\":{}", self.one(&names), self.value())).collect()
    }

    fn request(&mut self) -> String {
        let name = format!("\"name\": \"request {}\"", self.roll(4));
        let id = if self.roll(3) == 0 { format!(",\"id\":\"own-{}\"", self.0) } else { String::new() };
        let url = match self.roll(3) {
            0 => "\"{{base}}/x?y=1#z\"".to_owned(),
            1 => "{\"raw\":\"https://a.example/:id\",\"host\":[\"a\",\"example\"],\"path\":[\":id\"],\"variable\":[{\"key\":\"id\",\"value\":7}]}".to_owned(),
            _ => self.value(),
        };
        let request = match self.roll(5) {
            0 => "\"https://only.example/url\"".to_owned(),
            _ => format!(
                "{{\"method\":\"{}\",\"header\":[{{\"key\":\"A\",\"value\":\"1\"}},{{\"key\":\"A\",\"value\":\"2\",\"disabled\":true}}],\"url\":{url}{}}}",
                self.one(&["GET", "PURGE", "post", ""]),
                self.extra()
            ),
        };
        let response = match self.roll(4) {
            0 => ",\"response\":[]".to_owned(),
            1 => format!(",\"response\":[{{\"name\":\"e\",\"originalRequest\":{{}},\"code\":200,\"body\":\"{{}}\"{}}}]", self.extra()),
            2 => ",\"response\": [ ]".to_owned(),
            _ => String::new(),
        };
        format!("{{{name}{id},\"request\":{request}{response}{}}}", self.extra())
    }

    fn items(&mut self, depth: usize) -> String {
        let each: Vec<String> = (0..self.roll(5))
            .map(|index| match self.roll(3) {
                0 if depth < 5 => format!("{{\"name\":\"folder {index}\",\"item\":{}{}}}", self.items(depth + 1), self.extra()),
                _ => self.request(),
            })
            .collect();
        let between = self.one(&[",", " ,\n  "]);
        format!("[{}]", each.join(between))
    }

    fn file(&mut self) -> String {
        let schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";
        let (seed, extra) = (self.0, self.extra());
        let info = format!("{{\"name\":\"File {seed}\",\"schema\":\"{schema}\"{extra}}}");
        format!(
            "{{\n\t\"info\" : {info},\"item\":{},\"variable\":[{{\"key\":\"base\",\"value\":{}}}]{}}}\n",
            self.items(0),
            self.value(),
            self.extra()
        )
    }
}

#[tokio::test]
async fn many_odd_files_come_back_as_they_were() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        for seed in 1..=60 {
            let file = Dice(0x9e37_79b9_7f4a_7c15 ^ seed).file();
            let made = anna.post_text("/api/collections", file.clone()).await.ok().at("/collection/id");
            let path = format!("/api/collections/{}", made.as_str().expect("id"));
            let back = anna.get(&format!("{path}?format=original")).await.ok();
            assert_same(&file, &back.text);
            // And what came out, put back, changes nothing.
            anna.put(&path, back.text.clone()).await.ok();
            let again = anna.get(&path).await.ok();
            assert_eq!(again.etag(), "\"1\"", "{file}");
            assert_same(&file, &again.text);
        }
    })
    .await;
}

//! HTTP as programs speak it, with answers that explain themselves when they are not what a test expects.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, redirect};
use serde_json::Value;

/// Somebody who asks: an address and the headers that all their requests carry. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    headers: HeaderMap,
}

impl Client {
    /// A client without credentials. Redirects are not followed.
    pub fn new(base: &str) -> Client {
        let http = reqwest::Client::builder().redirect(redirect::Policy::none()).build().expect("a client");
        Client { http, base: base.to_owned(), headers: HeaderMap::new() }
    }

    /// The same client with one more header in all its requests.
    pub fn with(&self, name: &str, value: &str) -> Client {
        let mut client = self.clone();
        client.headers.insert(header_name(name), header_value(value));
        client
    }

    /// A request, sent by `.await`.
    pub fn ask(&self, method: &str, path: &str) -> Ask {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let request = self.http.request(method.clone(), format!("{}{path}", self.base));
        Ask { request, headers: self.headers.clone(), what: format!("{method} {path}") }
    }

    /// GET.
    pub fn get(&self, path: &str) -> Ask {
        self.ask("GET", path)
    }

    /// POST with a JSON body.
    pub fn post(&self, path: &str, body: Value) -> Ask {
        self.ask("POST", path).json(body.to_string())
    }

    /// POST with a JSON body as text, exactly as it stands there.
    pub fn post_text(&self, path: &str, body: impl Into<Vec<u8>>) -> Ask {
        self.ask("POST", path).json(body)
    }

    /// PUT with a JSON body as text, exactly as it stands there.
    pub fn put(&self, path: &str, body: impl Into<Vec<u8>>) -> Ask {
        self.ask("PUT", path).json(body)
    }

    /// PUT with `If-Match`.
    pub fn put_if(&self, path: &str, etag: &str, body: impl Into<Vec<u8>>) -> Ask {
        self.put(path, body).header("if-match", etag)
    }

    /// PATCH with a JSON body as text.
    pub fn patch(&self, path: &str, body: impl Into<Vec<u8>>) -> Ask {
        self.ask("PATCH", path).json(body)
    }

    /// DELETE.
    pub fn delete(&self, path: &str) -> Ask {
        self.ask("DELETE", path)
    }

    /// Imports a collection into a workspace; gives its id.
    pub async fn import(&self, workspace: &str, body: impl Into<Vec<u8>>) -> String {
        let answer = self.post_text(&format!("/api/collections?workspace={workspace}"), body).await.ok();
        answer.at("/collection/id").as_str().expect("collection.id").to_owned()
    }

    /// The elements of a collection, as the tree lists them: parents before children.
    pub async fn items(&self, collection: &str) -> Vec<Value> {
        let answer = self.get(&format!("/api/collections/{collection}/items")).await.ok();
        answer.at("/items").as_array().expect("items").clone()
    }

    /// The id of the first element that has this name.
    pub async fn item_named(&self, collection: &str, name: &str) -> String {
        let items = self.items(collection).await;
        let found = items.iter().find(|item| item["name"] == name).and_then(|item| item["id"].as_str());
        found.unwrap_or_else(|| panic!("no {name:?} in {items:#?}")).to_owned()
    }

    /// All changes of a collection after `since`, page by page.
    pub async fn changes(&self, collection: &str, since: u64) -> Vec<Value> {
        let mut all: Vec<Value> = Vec::new();
        let mut level = since;
        loop {
            let page = self.get(&format!("/api/collections/{collection}/changes?since={level}")).await.ok();
            let head = page.at("/head").as_u64().expect("head");
            let changes = page.at("/changes").as_array().expect("changes").clone();
            match changes.last() {
                Some(last) => level = last["seq"].as_u64().expect("seq"),
                None => return all,
            }
            all.extend(changes);
            if level >= head {
                return all;
            }
        }
    }
}

fn header_name(name: &str) -> HeaderName {
    HeaderName::from_bytes(name.as_bytes()).expect("a header's name")
}

fn header_value(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).expect("a header's value")
}

/// A request that is being put together; `.await` sends it.
#[derive(Debug)]
#[must_use]
pub struct Ask {
    request: reqwest::RequestBuilder,
    headers: HeaderMap,
    what: String,
}

impl Ask {
    /// One more header, instead of the one that is there.
    pub fn header(mut self, name: &str, value: &str) -> Ask {
        self.headers.insert(header_name(name), header_value(value));
        self
    }

    /// A body as it is.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Ask {
        self.request = self.request.body(body.into());
        self
    }

    /// A body that says it is JSON.
    pub fn json(self, body: impl Into<Vec<u8>>) -> Ask {
        self.header("content-type", "application/json").body(body)
    }

    /// Sends it, and gives the beginning of the answer.
    pub(crate) async fn begin(self) -> reqwest::Response {
        let what = self.what;
        self.request.headers(self.headers).send().await.unwrap_or_else(|error| panic!("{what}: {error:?}"))
    }
}

impl IntoFuture for Ask {
    type Output = Reply;
    type IntoFuture = Pin<Box<dyn Future<Output = Reply> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let what = self.what;
            let answer = self.request.headers(self.headers).send().await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
            let status = answer.status().as_u16();
            let headers = answer.headers().clone();
            let text = answer.text().await.unwrap_or_else(|error| panic!("{what}: {status}, then {error:?}"));
            if let Some((method, path)) = what.split_once(' ') {
                crate::described::answer(method, path, status);
            }
            Reply { what, status, headers, text }
        })
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    what: String,
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub text: String,
}

impl Reply {
    /// Asserts 200 to 299.
    #[track_caller]
    pub fn ok(self) -> Reply {
        assert!((200..300).contains(&self.status), "{self}");
        self
    }

    /// Asserts a status.
    #[track_caller]
    pub fn status(self, expected: u16) -> Reply {
        assert_eq!(self.status, expected, "{self}");
        self
    }

    /// Asserts that it is a problem with this status and this word for programs, in both shapes: RFC 9457 and Postman's.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Reply {
        assert_eq!(self.status, status, "{self}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{self}");
        let body = self.json();
        assert_eq!(body["code"], code, "{self}");
        assert_eq!(body["status"], status, "{self}");
        assert_eq!(body["detail"], body["error"]["message"], "{self}");
        assert!(body["error"]["name"].is_string() && body["request_id"].is_string() && body["title"].is_string(), "{self}");
        self
    }

    /// The body as a value. Numbers lose their spelling and objects the order of their keys: see [`crate::exact`].
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {self}"))
    }

    /// What stands at a JSON pointer of the body.
    #[track_caller]
    pub fn at(&self, pointer: &str) -> Value {
        self.json().pointer(pointer).cloned().unwrap_or_else(|| panic!("nothing at {pointer} in {self}"))
    }

    /// A header, or an empty text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The `ETag`.
    #[track_caller]
    pub fn etag(&self) -> String {
        let tag = self.header("etag");
        assert!(!tag.is_empty(), "no ETag: {self}");
        tag.to_owned()
    }
}

impl std::fmt::Display for Reply {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown: String = self.text.chars().take(4_000).collect();
        write!(out, "{} was answered with {}\n{:?}\n{shown}", self.what, self.status, self.headers)
    }
}

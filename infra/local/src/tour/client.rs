//! A person with an HTTP client, as any program that uses the API.

use super::Failure;
use reqwest::{Method, Url};
use serde_json::Value;

/// Somebody who calls the API, signed in or not.
#[derive(Clone)]
pub struct Person {
    /// The username.
    pub name: &'static str,
    http: reqwest::Client,
    base: Url,
    token: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The method and the path.
    pub asked: String,
    /// The status.
    pub status: u16,
    /// The revision in the `ETag`, without its quotes.
    pub revision: Option<u64>,
    /// The body.
    pub text: String,
}

/// What is sent.
pub enum Body {
    /// Nothing.
    None,
    /// A JSON value.
    Json(Value),
    /// JSON text, as it is.
    Text(String),
    /// A file, packed where it is larger than what may be sent.
    File(Vec<u8>),
}

impl Person {
    /// Somebody new.
    pub fn new(name: &'static str, url: &str) -> Result<Person, Failure> {
        let base = Url::parse(url).map_err(|error| Failure::new("the stack's address", error.to_string()))?;
        Ok(Person { name, http: reqwest::Client::new(), base, token: None })
    }

    /// The e-mail address.
    pub fn email(&self) -> String {
        format!("{}@example.com", self.name)
    }

    /// The password.
    pub fn password(&self) -> String {
        format!("a quiet lane behind {}'s house", self.name)
    }

    /// From now on with this access token.
    pub fn signed_in(&mut self, token: String) {
        self.token = Some(token);
    }

    /// The same client without its sign-in.
    pub fn signed_out(&self) -> Person {
        Person { token: None, ..self.clone() }
    }

    /// A request. `path` has segments (which may hold anything), `query` pairs.
    pub async fn ask(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        seen: Option<u64>,
        body: Body,
    ) -> Result<Answer, Failure> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let asked = format!("{method} {}", url.path());
        let mut request = self.http.request(method, url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(seen) = seen {
            request = request.header("if-match", format!("\"{seen}\""));
        }
        request = match body {
            Body::None => request,
            Body::Json(value) => request.json(&value),
            Body::Text(text) => request.header("content-type", "application/json").body(text),
            Body::File(bytes) => {
                let request = request.header("content-type", "application/json");
                if bytes.len() > domain::limit::BODY_BYTES {
                    let packed = zstd::bulk::compress(&bytes, 3);
                    let packed = packed.map_err(|error| Failure::new("a file that can be compressed", error.to_string()))?;
                    request.header("content-encoding", "zstd").body(packed)
                } else {
                    request.body(bytes)
                }
            }
        };
        let failed = |error: reqwest::Error| Failure::new(format!("an answer to {asked}"), error.to_string());
        let response = request.send().await.map_err(failed)?;
        let status = response.status().as_u16();
        let tag = response.headers().get("etag").and_then(|tag| tag.to_str().ok());
        let revision = tag.and_then(|tag| tag.trim_matches('"').parse().ok());
        let text = response.text().await.map_err(failed)?;
        Ok(Answer { asked, status, revision, text })
    }

    /// `GET`.
    pub async fn get(&self, path: &[&str]) -> Result<Answer, Failure> {
        self.ask(Method::GET, path, &[], None, Body::None).await
    }

    /// `POST` of a JSON value.
    pub async fn post(&self, path: &[&str], body: Value) -> Result<Answer, Failure> {
        self.ask(Method::POST, path, &[], None, Body::Json(body)).await
    }

    /// `PUT` of JSON text, based on a revision.
    pub async fn put(&self, path: &[&str], seen: Option<u64>, text: String) -> Result<Answer, Failure> {
        self.ask(Method::PUT, path, &[], seen, Body::Text(text)).await
    }
}

impl Answer {
    /// The answer, if it has the status that it should have.
    pub fn expect(self, status: u16) -> Result<Answer, Failure> {
        if self.status == status {
            return Ok(self);
        }
        let body: String = self.text.chars().take(600).collect();
        Err(Failure::new(format!("{status} from {}", self.asked), format!("{} {body}", self.status)))
    }

    /// The body as a value, to look into.
    pub fn value(&self) -> Result<Value, Failure> {
        serde_json::from_str(&self.text).map_err(|error| Failure::new(format!("JSON from {}", self.asked), error.to_string()))
    }

    /// The text at a JSON pointer of the body.
    pub fn text_at(&self, pointer: &str) -> Result<String, Failure> {
        let value = self.value()?;
        match value.pointer(pointer).and_then(Value::as_str) {
            Some(text) => Ok(text.to_owned()),
            None => Err(Failure::new(format!("a text at {pointer} from {}", self.asked), self.text.clone())),
        }
    }

    /// The revision that the answer must carry.
    pub fn revision(&self) -> Result<u64, Failure> {
        self.revision.ok_or_else(|| Failure::new(format!("an ETag from {}", self.asked), "none"))
    }
}

/// Holds a fact, or says what was expected and what came.
pub fn hold(holds: bool, expected: impl Into<String>, came: impl ToString) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(Failure::new(expected, came.to_string())) }
}

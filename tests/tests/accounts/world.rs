//! A stack, the people at it, and what they are answered.

use std::sync::Arc;

use local::{Mail, Options, Stack};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

pub const PASSWORD: &str = "correct horse battery";

/// A running product.
pub struct World {
    pub stack: Stack,
    http: reqwest::Client,
}

/// An answer, with its headers.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    pub headers: HeaderMap,
}

impl Answer {
    /// The body of an answer that is to have this status.
    #[track_caller]
    pub fn is(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{:#}", self.body);
        self.body
    }

    /// A refusal with this status and code.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!((self.status, self.body["code"].as_str().unwrap_or_default()), (status, code), "{:#}", self.body);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert!(self.body["request_id"].is_string(), "{:#}", self.body);
        self.body
    }
}

/// The places that a refusal names.
pub fn pointers(problem: &Value) -> Vec<&str> {
    problem["errors"].as_array().into_iter().flatten().filter_map(|error| error["pointer"].as_str()).collect()
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Person {
    pub id: u64,
    pub email: String,
    pub token: String,
    pub refresh: String,
    pub session: String,
    pub cookie: String,
}

impl World {
    pub async fn start() -> World {
        World::with(Options::default()).await
    }

    pub async fn with(options: Options) -> World {
        World { stack: Stack::start(options).await.unwrap(), http: reqwest::Client::new() }
    }

    /// A request with these headers.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&'static str, &str)], body: Option<String>) -> Answer {
        let mut request = self.http.request(method.parse::<Method>().unwrap(), format!("{}{path}", self.stack.url()));
        for (name, value) in headers {
            request = request.header(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.unwrap();
        Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)), headers }
    }

    /// A request of nobody.
    pub async fn anyone(&self, method: &str, path: &str, body: Value) -> Answer {
        self.send(method, path, &[("content-type", "application/json")], (!body.is_null()).then(|| body.to_string())).await
    }

    /// A request of somebody.
    pub async fn by(&self, who: &Person, method: &str, path: &str, body: Value) -> Answer {
        let bearer = format!("Bearer {}", who.token);
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        self.send(method, path, &headers, (!body.is_null()).then(|| body.to_string())).await
    }

    pub async fn get(&self, who: &Person, path: &str) -> Value {
        self.by(who, "GET", path, Value::Null).await.is(200)
    }

    pub async fn sign_up(&self, name: &str, invite: Option<&str>) -> Answer {
        let mut body = json!({"email": address(name), "username": name, "password": PASSWORD, "accept_terms": true, "over_13": true});
        if let Some(invite) = invite {
            body["invite"] = json!(invite);
        }
        self.anyone("POST", "/api/signup", body).await
    }

    pub async fn sign_in(&self, login: &str) -> Person {
        let answer = self.anyone("POST", "/api/sessions", json!({"login": login, "password": PASSWORD, "device": "test"})).await;
        let cookie = answer.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let body = answer.is(200);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let mut person = Person {
            id: 0,
            email: String::new(),
            token: text(&body["access_token"]),
            refresh: text(&body["refresh_token"]),
            session: text(&body["session"]["id"]),
            cookie,
        };
        let me = self.get(&person, "/api/me").await;
        person.id = me["user"]["id"].as_u64().unwrap();
        person.email = text(&me["user"]["email"]);
        person
    }

    /// Somebody with an account and a confirmed address.
    pub async fn person(&self, name: &str) -> Person {
        self.sign_up(name, None).await.is(202);
        self.settle().await;
        let link = link(&self.last_mail(&address(name)));
        let token = link.split_once("token=").unwrap().1;
        self.anyone("POST", "/api/signup/confirm", json!({"token": token})).await.is(200);
        self.sign_in(name).await
    }

    /// A team of somebody, with this many seats.
    pub async fn team(&self, who: &Person, name: &str, seats: u64) -> u64 {
        let team = self.by(who, "POST", "/api/teams", json!({"name": name})).await.is(200)["team"]["id"].as_u64().unwrap();
        self.by(who, "POST", &format!("/api/teams/{team}/seats"), json!({"count": seats})).await.is(200);
        team
    }

    /// Invites one address; gives the invitation.
    pub async fn invite(&self, who: &Person, team: u64, email: &str, role: &str) -> Value {
        let answer = self.by(who, "POST", &format!("/api/teams/{team}/invites"), json!({"emails": [email], "role": role})).await;
        answer.is(200)["invites"][0].clone()
    }

    /// A new member of a team, through an invitation.
    pub async fn member(&self, admin: &Person, team: u64, name: &str, role: &str) -> Person {
        let invite = self.invite(admin, team, &address(name), role).await;
        self.sign_up(name, Some(token(&invite))).await.is(202);
        self.sign_in(name).await
    }

    /// Somebody with an account comes into a team through an invitation.
    pub async fn member_again(&self, admin: &Person, team: u64, who: &Person) {
        let invite = self.invite(admin, team, &who.email, "editor").await;
        self.by(who, "POST", "/api/invites/accept", json!({"token": token(&invite)})).await.is(200);
    }

    pub async fn used_seats(&self, who: &Person, team: u64) -> u64 {
        self.get(who, &format!("/api/teams/{team}")).await["team"]["seats"]["used"].as_u64().unwrap()
    }

    pub async fn advance(&self, by: &str) {
        self.anyone("POST", "/_local/clock", json!({"advance": by})).await.is(200);
    }

    /// Everything that follows from what was answered has happened, and nothing was given up on.
    pub async fn settle(&self) {
        self.stack.settle().await.unwrap();
        assert!(self.stack.dead_letters().is_empty());
    }

    pub fn mails(&self, to: &str) -> Vec<Arc<Mail>> {
        self.stack.outbox().into_iter().filter(|mail| mail.to == [to]).collect()
    }

    #[track_caller]
    pub fn last_mail(&self, to: &str) -> Arc<Mail> {
        self.mails(to).pop().unwrap_or_else(|| panic!("no mail to {to}"))
    }
}

pub fn address(name: &str) -> String {
    format!("{name}@example.com")
}

/// The link of a mail, the same in both of its bodies.
#[track_caller]
pub fn link(mail: &Mail) -> String {
    let link =
        mail.text.split_whitespace().find(|word| word.starts_with("http")).unwrap_or_else(|| panic!("no link in {}", mail.text)).to_owned();
    assert!(mail.html.contains(&link.replace('&', "&#38;")), "{link} is not in {}", mail.html);
    link
}

/// The token at the end of an invitation's link.
#[track_caller]
pub fn token(invite: &Value) -> &str {
    invite["link"].as_str().unwrap_or_else(|| panic!("no link in {invite:#}")).rsplit_once('/').unwrap().1
}

/// Everything that lies in the table, as text.
pub async fn dump(world: &World) -> String {
    dump_of(&world.stack).await
}

/// Everything that lies in a stack's table, as text.
pub async fn dump_of(stack: &Stack) -> String {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
        .endpoint_url(stack.dynamodb())
        .region(aws_sdk_dynamodb::config::Region::new("us-east-1"))
        .credentials_provider(aws_sdk_dynamodb::config::Credentials::new("test", "test", None, None, "test"))
        .build();
    let client = aws_sdk_dynamodb::Client::from_conf(config);
    let mut text = String::new();
    let mut start = None;
    loop {
        let page = client.scan().table_name(stack.table()).set_exclusive_start_key(start).send().await.unwrap();
        text += &format!("{:?}", page.items());
        start = page.last_evaluated_key;
        if start.is_none() {
            return text;
        }
    }
}

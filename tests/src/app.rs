//! One stack, the people in it, and what has to hold when a test ends.

use std::collections::HashSet;
use std::ops::Deref;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::SignedDuration;
use local::{Mail, Options, Stack};
use serde_json::{Value, json};

use crate::Client;

/// What everybody's password begins with; their name follows.
pub const PASSWORD: &str = "correct horse battery ";

/// A running stack, fresh for one test.
pub struct TestApp {
    stack: Option<Stack>,
    nobody: Client,
    read: Mutex<HashSet<String>>,
    finished: AtomicBool,
}

/// Somebody with a confirmed account, signed in. Everything that a [`Client`] can ask, they ask as themselves.
#[derive(Clone, Debug)]
pub struct User {
    /// The account's number.
    pub id: u64,
    /// The name that they signed up with.
    pub name: String,
    /// `{name}@example.com`.
    pub email: String,
    /// The answer of their sign-in: `access_token`, `refresh_token`, `session` …
    pub signed_in: Value,
    client: Client,
}

impl Deref for User {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// A team.
#[derive(Clone, Debug)]
pub struct Team {
    /// Its number.
    pub id: u64,
    /// The workspace that is its library.
    pub workspace: String,
    /// Who made it, and is admin.
    pub owner: User,
}

impl TestApp {
    /// A fresh stack in memory on the embedded engine.
    pub async fn start() -> TestApp {
        TestApp::with(Options::default()).await
    }

    /// A fresh stack, started as `options` say: with a folder, another engine, faults.
    pub async fn with(options: Options) -> TestApp {
        let stack = Stack::start(options).await.unwrap_or_else(|error| panic!("the stack does not start: {error}"));
        let nobody = Client::new(stack.url());
        TestApp { stack: Some(stack), nobody, read: Mutex::default(), finished: AtomicBool::new(false) }
    }

    /// Further instances of a stack's functions, with its table, its keys and its clock. Sockets and mails stay with the first.
    pub async fn beside(&self) -> TestApp {
        let stack = self.stack();
        TestApp::with(Options { beside: Some(stack.shared()), clock: stack.clock().clone(), ..Options::default() }).await
    }

    /// A stack on a folder that another one may just have left: it is free when that one's database has closed its file.
    pub async fn in_folder(folder: &Path, options: Options) -> TestApp {
        let options = Options { data: Some(folder.to_owned()), ..options };
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        loop {
            match Stack::start(options.clone()).await {
                Ok(stack) => {
                    stack.stop().await;
                    return TestApp::with(options).await;
                }
                Err(error) => assert!(tokio::time::Instant::now() < deadline, "the folder does not become free: {error}"),
            }
            tokio::task::yield_now().await;
        }
    }

    /// Runs a data test on the embedded engine and then, on a table of its own, on the second engine: the endpoint in
    /// `POSTROOM_SECOND_ENGINE` or `POSTROOM_DYNAMODB_ENDPOINT`. Without one the test fails. Calls [`TestApp::finish`].
    ///
    /// ```no_run
    /// # async fn test() {
    /// tests::TestApp::on_each_engine(async |app| {
    ///     let anna = app.user("anna").await;
    /// })
    /// .await;
    /// # }
    /// ```
    pub async fn on_each_engine(test: impl AsyncFn(&TestApp)) {
        let second = TestApp::second_engine();
        for dynamodb in [None, Some(second)] {
            println!("on {}:", dynamodb.as_deref().unwrap_or("the embedded engine"));
            let app = TestApp::with(Options { dynamodb, ..Options::default() }).await;
            test(&app).await;
            app.finish().await;
        }
    }

    /// Where the second engine is. The test fails with a sentence that says how to start one where none is named.
    pub fn second_engine() -> String {
        let named = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
        named("POSTROOM_SECOND_ENGINE").or_else(|| named("POSTROOM_DYNAMODB_ENDPOINT")).expect(
            "the data tests need a second engine, in POSTROOM_SECOND_ENGINE or POSTROOM_DYNAMODB_ENDPOINT: `tests/run` starts one; \
             by hand: tests/run --tools, then SERVICES=dynamodb,dynamodbstreams GATEWAY_PORT=4567 tests/.tools/ministack/bin/ministack, and \
             export POSTROOM_SECOND_ENGINE=http://127.0.0.1:4567",
        )
    }

    /// The stack itself.
    pub fn stack(&self) -> &Stack {
        self.stack.as_ref().expect("the stack runs until the test ends")
    }

    /// Where everything is, `http://localhost:PORT`.
    pub fn url(&self) -> &str {
        self.stack().url()
    }

    /// Somebody who is not signed in.
    pub fn nobody(&self) -> &Client {
        &self.nobody
    }

    /// Signs somebody up, confirms through the link that was mailed, signs in.
    pub async fn user(&self, name: &str) -> User {
        let email = format!("{name}@example.com");
        self.nobody.post("/api/signup", sign_up(name, &email, None)).await.status(202);
        let mail = self.mail_to(&email).await;
        self.nobody.post("/api/signup/confirm", json!({"token": link_token(&mail.text)})).await.ok();
        self.sign_in(name).await
    }

    /// Signs somebody up who does not confirm their address. The mail counts as read.
    pub async fn unconfirmed(&self, name: &str) -> User {
        let email = format!("{name}@example.com");
        self.nobody.post("/api/signup", sign_up(name, &email, None)).await.status(202);
        self.mail_to(&email).await;
        self.sign_in(name).await
    }

    /// Signs somebody in who has an account already: another session of theirs.
    pub async fn sign_in(&self, name: &str) -> User {
        let login = json!({"login": name, "password": format!("{PASSWORD}{name}")});
        let signed_in = self.nobody.post("/api/sessions", login).await.ok().json();
        let token = signed_in["access_token"].as_str().expect("access_token");
        let client = self.nobody.with("authorization", &format!("Bearer {token}"));
        let id = client.get("/api/me").await.ok().at("/user/id").as_u64().expect("user.id");
        User { id, name: name.to_owned(), email: format!("{name}@example.com"), signed_in, client }
    }

    /// A team of somebody, with this many seats, one of which is theirs.
    pub async fn team(&self, owner: &User, seats: u64) -> Team {
        let name = format!("Team of {}", owner.name);
        let team = owner.post("/api/teams", json!({"name": name, "handle": format!("team-{}", owner.name)})).await.ok();
        let id = team.at("/team/id").as_u64().expect("team.id");
        let workspace = team.at("/team/workspace").as_str().expect("team.workspace").to_owned();
        if seats > 1 {
            owner.post(&format!("/api/teams/{id}/seats"), json!({"count": seats})).await.ok();
        }
        Team { id, workspace, owner: owner.clone() }
    }

    /// Invites somebody new, who signs up through the link. The mails of it count as read. `role` is `viewer`,
    /// `editor` or `admin`.
    pub async fn join(&self, team: &Team, name: &str, role: &str) -> User {
        let email = format!("{name}@example.com");
        let invites = format!("/api/teams/{}/invites", team.id);
        let invited = team.owner.post(&invites, json!({"emails": [email], "role": role})).await.ok();
        let link = invited.at("/invites/0/link");
        let token = link_token(link.as_str().expect("link"));
        self.nobody.post("/api/signup", sign_up(name, &email, Some(&token))).await.status(202);
        let mails = self.mails_to(&email).await;
        let confirm = mails.iter().find(|mail| mail.text.contains("/confirm?token=")).expect("a mail that confirms the address");
        self.nobody.post("/api/signup/confirm", json!({"token": link_token(&confirm.text)})).await.ok();
        self.mails_to(&team.owner.email).await;
        self.sign_in(name).await
    }

    /// Invites somebody who has an account, and accepts in their name. The mails of it count as read.
    pub async fn bring(&self, team: &Team, user: &User, role: &str) {
        let invites = format!("/api/teams/{}/invites", team.id);
        let invited = team.owner.post(&invites, json!({"emails": [user.email], "role": role})).await.ok();
        let link = invited.at("/invites/0/link");
        user.post("/api/invites/accept", json!({"token": link_token(link.as_str().expect("link"))})).await.ok();
        self.mails_to(&user.email).await;
        self.mails_to(&team.owner.email).await;
    }

    /// A client with a new API key of somebody's, in the header `X-Api-Key`. `scope` is `read` or `write`.
    pub async fn api_key(&self, user: &User, scope: &str) -> Client {
        let made = user.post("/api/me/api-keys", json!({"name": format!("{scope} key"), "scope": scope})).await.ok();
        self.nobody.with("x-api-key", made.at("/api_key/key").as_str().expect("api_key.key"))
    }

    /// Waits until everything acknowledged so far has been through the stream functions.
    pub async fn settle(&self) {
        self.stack().settle().await.unwrap_or_else(|error| panic!("the stream does not settle: {error}"));
    }

    /// Lets time pass: `app.advance("PT31M")`, ISO 8601 without years and months.
    pub async fn advance(&self, by: &str) {
        let by: SignedDuration = by.parse().unwrap_or_else(|error| panic!("{by}: {error}"));
        self.stack().advance(by).await;
    }

    /// The mails to an address that nobody has looked at, oldest first, once the stream has settled. Marks them read.
    pub async fn mails_to(&self, address: &str) -> Vec<Arc<Mail>> {
        self.settle().await;
        let mut read = self.read.lock().expect("no test panicked here");
        let mails = self.stack().outbox().into_iter().filter(|mail| mail.to.iter().any(|to| to == address));
        mails.filter(|mail| read.insert(mail.id.clone())).collect()
    }

    /// The one mail to an address that nobody has looked at. Fails where there is none, or more.
    pub async fn mail_to(&self, address: &str) -> Arc<Mail> {
        let mails = self.mails_to(address).await;
        let subjects: Vec<&str> = mails.iter().map(|mail| mail.subject.as_str()).collect();
        assert_eq!(mails.len(), 1, "one new mail to {address} is expected: {subjects:?}");
        mails[0].clone()
    }

    /// All mails that nobody has looked at, to whomever. Marks them read.
    pub async fn mails(&self) -> Vec<Arc<Mail>> {
        self.settle().await;
        let mut read = self.read.lock().expect("no test panicked here");
        self.stack().outbox().into_iter().filter(|mail| read.insert(mail.id.clone())).collect()
    }

    /// Everything in the table, for tests that look for what must not be there. Pairs of `pk` and `sk`.
    pub async fn table_keys(&self) -> Vec<(String, String)> {
        crate::faults::scan(self.stack()).await.into_iter().map(|(pk, sk, _)| (pk, sk)).collect()
    }

    /// All items of the table as text, for tests that look for what must not be in one.
    pub async fn table_text(&self) -> String {
        crate::faults::scan(self.stack()).await.into_iter().map(|(.., item)| item).collect()
    }

    /// Ends the test: the stream is drained, no record was given up, every mail was looked at.
    pub async fn finish(mut self) {
        self.settle().await;
        self.finished.store(true, Ordering::Relaxed);
        let letters = self.stack().dead_letters();
        assert!(letters.is_empty(), "the stream functions gave up on: {letters:#?}");
        let read = self.read.lock().expect("no test panicked here").clone();
        let unread: Vec<_> = self.stack().outbox().into_iter().filter(|mail| !read.contains(&mail.id)).collect();
        let unread: Vec<_> = unread.iter().map(|mail| format!("to {:?}: {}", mail.to, mail.subject)).collect();
        assert!(unread.is_empty(), "mails that the test did not look at: {unread:#?}");
        if let Some(stack) = self.stack.take() {
            stack.stop().await;
        }
    }

    /// Cuts the stack off, as a power cut would. What it kept in its folder stays; the test goes on with another one.
    pub fn kill(mut self) {
        self.finished.store(true, Ordering::Relaxed);
        drop(self.stack.take());
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        let done = self.finished.load(Ordering::Relaxed) || std::thread::panicking();
        assert!(done, "the test ended without app.finish().await: nobody looked whether the stream was drained and the mails read");
    }
}

fn sign_up(name: &str, email: &str, invite: Option<&str>) -> Value {
    let mut body = json!({
        "email": email, "username": name, "password": format!("{PASSWORD}{name}"), "accept_terms": true, "over_13": true,
    });
    if let Some(invite) = invite {
        body["invite"] = json!(invite);
    }
    body
}

/// The token in the link of a mail or an invitation: behind `token=` or `/invite/`.
pub fn link_token(text: &str) -> String {
    let from = ["token=", "/invite/"].iter().find_map(|mark| Some(text.find(mark)? + mark.len()));
    let from = from.unwrap_or_else(|| panic!("no link with a token in: {text}"));
    text[from..].chars().take_while(|c| c.is_ascii_alphanumeric() || "-_.~".contains(*c)).collect()
}

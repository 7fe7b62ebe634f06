//! A browser, as far as signing in goes: it keeps cookies for the product and follows where it is sent.

use std::collections::BTreeMap;
use std::sync::Mutex;

use reqwest::redirect;
use serde_json::Value;

use crate::{Ask, Client, Reply};

/// A browser at the product. It shows its cookies to the product alone.
pub struct Browser {
    client: Client,
    base: String,
    http: reqwest::Client,
    cookies: Mutex<BTreeMap<String, String>>,
}

impl Browser {
    /// A fresh one, at a product's address.
    pub fn new(base: &str) -> Browser {
        let http = reqwest::Client::builder().redirect(redirect::Policy::none()).build().expect("a client");
        Browser { client: Client::new(base), base: base.to_owned(), http, cookies: Mutex::default() }
    }

    /// A cookie's value, or an empty text.
    pub fn cookie(&self, name: &str) -> String {
        self.cookies.lock().expect("no test panicked here").get(name).cloned().unwrap_or_default()
    }

    /// The cookies of its sessions.
    pub fn sessions(&self) -> Vec<String> {
        let cookies = self.cookies.lock().expect("no test panicked here");
        cookies.iter().filter(|(name, _)| name.starts_with("postroom_session_")).map(|(_, value)| value.clone()).collect()
    }

    /// Forgets its sessions.
    pub fn forgets(&self) {
        self.cookies
            .lock()
            .expect("no test panicked here")
            .retain(|name, _| !name.starts_with("postroom_session_") && name != "postroom_account");
    }

    /// Puts a cookie there, or takes it away with an empty value.
    pub fn put(&self, name: &str, value: &str) {
        let mut cookies = self.cookies.lock().expect("no test panicked here");
        if value.is_empty() {
            cookies.remove(name);
        } else {
            cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    /// What it sends along.
    pub fn header(&self) -> String {
        let cookies = self.cookies.lock().expect("no test panicked here");
        cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    async fn send(&self, ask: Ask) -> Reply {
        let cookies = self.header();
        let ask = if cookies.is_empty() { ask } else { ask.header("cookie", &cookies) };
        let reply = ask.await;
        for set in reply.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok()) {
            let (name, value) = set.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            // Which account is meant is no secret: pages write it, too.
            assert!(set.contains("SameSite=Lax") && (set.contains("HttpOnly") || name == "postroom_account"), "{set}");
            self.put(name, if set.contains("Max-Age=0") { "" } else { value });
        }
        reply
    }

    /// GET of a path, without following.
    pub async fn get(&self, path: &str) -> Reply {
        self.send(self.client.get(path)).await
    }

    /// What a page's form sends.
    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(self.client.post(path, body).header("origin", &self.base)).await
    }

    /// Any method, as a page's form sends it.
    pub async fn ask(&self, method: &str, path: &str, body: Value) -> Reply {
        self.send(self.client.ask(method, path).header("origin", &self.base).json(body.to_string())).await
    }

    /// Goes where a redirect of the product leads outside, and gives the address that leads back, not yet visited.
    pub async fn outside(&self, path: &str) -> String {
        let there = self.get(path).await.status(303).header("location").to_owned();
        assert!(!there.starts_with('/'), "not sent outside: {there}");
        let answer = self.http.get(&there).send().await.unwrap_or_else(|error| panic!("{there}: {error:?}"));
        let status = answer.status();
        let back = answer.headers().get("location").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let Some(back) = back else { panic!("{there} answered {status}: {:?}", answer.text().await) };
        back.strip_prefix(&self.base).unwrap_or_else(|| panic!("sent elsewhere: {back}")).to_owned()
    }

    /// Begins a sign-in elsewhere and comes back from it: where the product sends the person then.
    pub async fn signs_in(&self, start: &str) -> String {
        let back = self.outside(start).await;
        self.get(&back).await.status(303).header("location").to_owned()
    }
}

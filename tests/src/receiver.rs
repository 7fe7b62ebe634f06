//! A program that webhooks tell: it takes what comes, or does not, and checks signatures as Standard Webhooks says.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use aws_lc_rs::hmac;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// What came.
#[derive(Debug, Clone)]
pub struct Told {
    /// `webhook-id`.
    pub id: String,
    /// `webhook-timestamp`.
    pub at: i64,
    /// `webhook-signature`.
    pub signatures: Vec<String>,
    /// The body, as it was sent.
    pub body: Vec<u8>,
}

impl Told {
    /// The body.
    pub fn json(&self) -> Value {
        let message = serde_json::from_slice(&self.body).expect("JSON");
        crate::described::event(&message);
        message
    }

    /// Whether it was signed with a secret.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").expect("a secret")).expect("base64");
        let signed = [format!("{}.{}.", self.id, self.at).as_bytes(), &self.body].concat();
        let right = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &signed);
        self.signatures.iter().any(|signature| *signature == format!("v1,{}", STANDARD.encode(right)))
    }
}

#[derive(Default)]
struct Inner {
    told: Vec<Told>,
    answers: VecDeque<u16>,
    always: u16,
}

/// A receiver on a port of its own.
#[derive(Clone)]
pub struct Receiver {
    /// Where it is.
    pub url: String,
    inner: Arc<Mutex<Inner>>,
    hangs: Arc<watch::Sender<bool>>,
}

impl Receiver {
    /// Starts one that takes everything.
    pub async fn start() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hooks", listener.local_addr().expect("an address"));
        let inner = Arc::new(Mutex::new(Inner { always: 204, ..Inner::default() }));
        let receiver = Receiver { url, inner, hangs: Arc::new(watch::Sender::new(false)) };
        let router = Router::new().fallback(take).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nobody panicked here")
    }

    /// Answers the next ones with these statuses.
    pub fn answers_next(&self, statuses: &[u16]) {
        self.inner().answers.extend(statuses);
    }

    /// Answers everything with a status from now on.
    pub fn answers(&self, status: u16) {
        self.inner().always = status;
    }

    /// Whether it answers nothing.
    pub fn hangs(&self, hangs: bool) {
        self.hangs.send_replace(hangs);
    }

    /// Everything that came since this was asked last, in order.
    pub fn told(&self) -> Vec<Told> {
        std::mem::take(&mut self.inner().told)
    }

    /// The numbers of the changes that came since this was asked last.
    pub fn numbers(&self) -> Vec<u64> {
        self.told().iter().filter_map(|told| told.json()["data"]["seq"].as_u64()).collect()
    }
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let told = Told {
        id: text("webhook-id"),
        at: text("webhook-timestamp").parse().unwrap_or_default(),
        signatures: text("webhook-signature").split(' ').map(str::to_owned).collect(),
        body: body.to_vec(),
    };
    let status = {
        let mut inner = receiver.inner();
        inner.told.push(told);
        inner.answers.pop_front().unwrap_or(inner.always)
    };
    // The sender is the receiver's own: it is there.
    drop(receiver.hangs.subscribe().wait_for(|hangs| !hangs).await);
    StatusCode::from_u16(status).expect("a status")
}

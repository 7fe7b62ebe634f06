//! What a browser keeps between the steps of a sign-in elsewhere: sealed, for some minutes.

use axum::http::{HeaderMap, HeaderValue};
use domain::sso::Vouched;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{App, Problem, cookie};

/// How long each step may take.
const LIFETIME: SignedDuration = SignedDuration::from_mins(10);
/// The cookie of somebody who was sent to an issuer. Only the addresses that the issuer sends back to get it.
const FLOW: cookie::Kept = cookie::Kept { name: "postroom_sso", path: "/api/sso", seconds: 600 };
/// The cookie of somebody who came back and has a question to answer.
const WAITING: cookie::Kept = cookie::Kept { name: "postroom_sso_waiting", path: "/", seconds: 600 };

/// Somebody for whom an issuer has vouched, and who is to prove that the account is theirs, or to accept the terms.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Waiting {
    /// What the issuer says.
    pub vouched: Vouched,
    /// Where they wanted to go: a path of ours.
    pub then: String,
    /// Whether the session is to last.
    pub keep: bool,
}

#[derive(Serialize, Deserialize)]
struct Dated<T> {
    until: Timestamp,
    value: T,
}

impl App {
    fn keep<T: Serialize>(&self, kept: &cookie::Kept, value: T) -> Result<HeaderValue, Problem> {
        let until = self.now().saturating_add(LIFETIME).unwrap_or(Timestamp::MAX);
        let sealed = self.tokens.seal_value(kept.name, "", &Dated { until, value })?;
        kept.set(&self.config, &sealed).ok_or_else(|| Problem::Internal("a sealed cookie is no header".to_owned()))
    }

    fn kept<T: for<'a> Deserialize<'a>>(&self, kept: &cookie::Kept, headers: &HeaderMap) -> Option<T> {
        let dated: Dated<T> = self.tokens.open_value(kept.name, "", &kept.find(headers)?)?;
        (self.now() < dated.until).then_some(dated.value)
    }

    /// `Set-Cookie` for a browser that is sent to an issuer.
    pub fn keep_flow(&self, flow: &impl Serialize) -> Result<HeaderValue, Problem> {
        self.keep(&FLOW, flow)
    }

    /// What [`App::keep_flow`] gave this browser some minutes ago.
    pub fn kept_flow<T: for<'a> Deserialize<'a>>(&self, headers: &HeaderMap) -> Option<T> {
        self.kept(&FLOW, headers)
    }

    /// `Set-Cookie` that ends it: the way back is good once.
    pub fn end_flow(&self) -> Option<HeaderValue> {
        FLOW.clear(&self.config)
    }

    /// `Set-Cookie` for a browser that has a question to answer.
    pub fn keep_waiting(&self, waiting: &Waiting) -> Result<HeaderValue, Problem> {
        self.keep(&WAITING, waiting)
    }

    /// Who waits in this browser.
    pub fn waiting(&self, headers: &HeaderMap) -> Option<Waiting> {
        self.kept(&WAITING, headers)
    }

    /// `Set-Cookie` that ends the wait.
    pub fn end_waiting(&self) -> Option<HeaderValue> {
        WAITING.clear(&self.config)
    }
}

/// A path of ours that someone named to go to afterwards. Nothing that a browser could read as another host, and no
/// braces, which the console's module would fill in.
pub fn own_path(raw: Option<&str>) -> Option<&str> {
    let fits = |path: &&str| {
        let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'{' | b'}'));
        path.starts_with('/') && !path.starts_with("//") && path.len() <= 2000 && plain
    };
    raw.filter(fits)
}

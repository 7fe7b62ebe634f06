//! The cookie of a browser's session.

use axum::http::HeaderValue;
use domain::ids::UserId;

use crate::Config;

/// Its name.
pub const NAME: &str = "postroom_session";

/// `Secure` follows the pages: on a laptop they are served over plain HTTP, where such a cookie would never come back.
fn attributes(config: &Config) -> &'static str {
    if config.pages_url.starts_with("http://") { "Path=/; HttpOnly; SameSite=Lax" } else { "Path=/; HttpOnly; SameSite=Lax; Secure" }
}

/// `Set-Cookie` for a session. Without `seconds` it ends with the browser.
pub fn set(config: &Config, token: &str, seconds: Option<i64>) -> Option<HeaderValue> {
    let age = seconds.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
    HeaderValue::from_str(&format!("{NAME}={token}; {}{age}", attributes(config))).ok()
}

/// `Set-Cookie` that removes it.
pub fn clear(config: &Config) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("{NAME}=; {}; Max-Age=0", attributes(config))).ok()
}

/// The session's token in a `Cookie` header.
pub fn find(header: &str) -> Option<&str> {
    named(header, NAME)
}

/// How long a browser says that somebody has signed in with it before, in seconds: the longest that browsers keep.
const KNOWN_SECONDS: u32 = 400 * 24 * 3600;

fn known_name(user: UserId) -> String {
    format!("postroom_known_{user}")
}

/// `Set-Cookie` for a browser that somebody has signed in with. `secret` is the link secret of [`crate::App::known`].
pub fn set_known(config: &Config, user: UserId, secret: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("{}={secret}; {}; Max-Age={KNOWN_SECONDS}", known_name(user), attributes(config))).ok()
}

/// What [`set_known`] set, in a `Cookie` header.
pub fn find_known(header: &str, user: UserId) -> Option<&str> {
    named(header, &known_name(user))
}

fn named<'a>(header: &'a str, wanted: &str) -> Option<&'a str> {
    header.split(';').filter_map(|pair| pair.trim().split_once('=')).find(|(name, _)| *name == wanted).map(|(_, token)| token)
}

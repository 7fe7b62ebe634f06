//! The cookies of a browser: one session for each account that is signed in with it, and which of them is meant.
//!
//! A page of ours says with each request whose it is (`X-Postroom-Account`), so that a tab stays with its account. Where
//! nothing says so (a link is followed, a page is loaded), the cookie `postroom_account` does, which the tab that one looks
//! at keeps up to date. It is no secret and gives no right: it chooses among the sessions that the browser shows anyway.
//! Whoever it names is meant or nobody, never another account.

use axum::http::{HeaderMap, HeaderValue, header};
use domain::ids::UserId;

use crate::Config;

/// What the names of sessions' cookies begin with; the account's number follows.
const SESSION: &str = "postroom_session_";
/// The cookie that says which account is meant.
const ACCOUNT: &str = "postroom_account";
/// The header in which a page of ours says it.
const ACCOUNT_HEADER: &str = "x-postroom-account";

/// `Secure` follows the pages: on a laptop they are served over plain HTTP, where such a cookie would never come back.
fn attributes(config: &Config) -> &'static str {
    if config.pages_url.starts_with("http://") { "Path=/; HttpOnly; SameSite=Lax" } else { "Path=/; HttpOnly; SameSite=Lax; Secure" }
}

/// `Set-Cookie` for a session of an account. Without `seconds` it ends with the browser.
pub fn set(config: &Config, user: UserId, token: &str, seconds: Option<i64>) -> Option<HeaderValue> {
    let age = seconds.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
    HeaderValue::from_str(&format!("{SESSION}{user}={token}; {}{age}", attributes(config))).ok()
}

/// `Set-Cookie` that removes it.
pub fn clear(config: &Config, user: UserId) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("{SESSION}{user}=; {}; Max-Age=0", attributes(config))).ok()
}

/// `Set-Cookie` that says which account is meant. Pages write it as well, so that it is open to them.
pub fn choose(config: &Config, user: UserId) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("{ACCOUNT}={user}; {}", attributes(config).replace("HttpOnly; ", ""))).ok()
}

/// `Set-Cookie` that says nothing any more.
pub fn choose_none(config: &Config) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("{ACCOUNT}=; {}; Max-Age=0", attributes(config).replace("HttpOnly; ", ""))).ok()
}

fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|cookie| cookie.split(';')).filter_map(|pair| pair.trim().split_once('='))
}

/// The tokens of all sessions that a browser shows.
pub fn sessions(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let named = pairs(headers).filter(|(name, _)| name.starts_with(SESSION));
    named.map(|(_, token)| token).filter(|token| !token.is_empty())
}

/// The token of the session that is meant: that of the account which the request or the browser names, and without such a
/// name the first.
pub fn session(headers: &HeaderMap) -> Option<&str> {
    let said = headers.get(ACCOUNT_HEADER).and_then(|value| value.to_str().ok());
    let said = said.or_else(|| pairs(headers).find(|(name, value)| *name == ACCOUNT && !value.is_empty()).map(|(_, user)| user));
    match said {
        Some(user) => sessions(headers).find(|token| token.split('.').next() == Some(user)),
        None => sessions(headers).next(),
    }
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

/// A cookie that is kept for some minutes.
pub(crate) struct Kept {
    pub(crate) name: &'static str,
    pub(crate) path: &'static str,
    pub(crate) seconds: u32,
}

impl Kept {
    fn header(&self, config: &Config, value: &str, seconds: u32) -> Option<HeaderValue> {
        let attributes = attributes(config).replacen("Path=/", &format!("Path={}", self.path), 1);
        HeaderValue::from_str(&format!("{}={value}; {attributes}; Max-Age={seconds}", self.name)).ok()
    }

    pub(crate) fn set(&self, config: &Config, value: &str) -> Option<HeaderValue> {
        self.header(config, value, self.seconds)
    }

    pub(crate) fn clear(&self, config: &Config) -> Option<HeaderValue> {
        self.header(config, "", 0)
    }

    pub(crate) fn find(&self, headers: &HeaderMap) -> Option<String> {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        cookies.filter_map(|cookie| named(cookie, self.name)).find(|value| !value.is_empty()).map(str::to_owned)
    }
}

fn named<'a>(header: &'a str, wanted: &str) -> Option<&'a str> {
    header.split(';').filter_map(|pair| pair.trim().split_once('=')).find(|(name, _)| *name == wanted).map(|(_, token)| token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_that_is_named_is_meant_or_nobody() {
        let meant = |cookie: &str, page: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, cookie.parse().unwrap());
            if let Some(user) = page {
                headers.insert(ACCOUNT_HEADER, user.parse().unwrap());
            }
            session(&headers).map(str::to_owned)
        };
        let both = "postroom_session_1=1.a.x; other=1; postroom_session_22=22.b.y";
        assert_eq!(meant(both, None).as_deref(), Some("1.a.x"));
        assert_eq!(meant(both, Some("22")).as_deref(), Some("22.b.y"));
        assert_eq!(meant(&format!("{both}; postroom_account=22"), None).as_deref(), Some("22.b.y"));
        assert_eq!(meant(&format!("{both}; postroom_account=22"), Some("1")).as_deref(), Some("1.a.x"));
        for nobody in ["2", "3", "x", ""] {
            assert_eq!(meant(both, Some(nobody)), None, "{nobody}");
        }
        assert_eq!(meant(&format!("{both}; postroom_account=3"), None), None);
        assert_eq!(meant("postroom_session_1=; postroom_known_1=k", None), None);
    }
}

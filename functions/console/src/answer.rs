//! How pages are answered: with a strict Content-Security-Policy, and with a page where the API has a problem document.

pub use app::sso::own_path;
use app::{App, Problem};
use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use domain::ids::CollectionId;
use sha2::{Digest, Sha256};

use crate::views::{self, Frame};

/// The origin of an address: its scheme, host and port.
fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    url[host..].find('/').map_or(url, |end| &url[..host + end])
}

/// What a page may load and where it may connect: our own assets, our API, and our WebSocket at `realtime`.
/// `robot`: the origins of the robot check's widget, on the pages that show it.
fn policy(realtime: &str, robot: &str) -> String {
    let spaced = |text: &str| if text.is_empty() { String::new() } else { format!(" {text}") };
    let (live, robot) = (spaced(origin(realtime)), spaced(robot));
    let frames = if robot.is_empty() { String::new() } else { format!(" frame-src{robot};") };
    format!(
        "default-src 'none'; script-src 'self'{robot}; style-src 'self'{robot}; img-src 'self' data:; connect-src 'self'{live}{robot};{frames} \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
}

fn headers(realtime: &str, robot: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(policy) = HeaderValue::from_str(&policy(realtime, robot)) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    // What anybody may find says so itself.
    headers.insert("x-robots-tag", HeaderValue::from_static("noindex"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers
}

/// A page.
pub fn page(app: &App, template: &impl Template) -> Result<Response, Lost> {
    let html = template.render().map_err(|error| Problem::Internal(format!("a page cannot be rendered: {error}")))?;
    Ok((headers(&app.config.realtime_url, ""), Html(html)).into_response())
}

/// A page that may be kept, and found: by the address that it is known by.
pub fn public(app: &App, headers: &HeaderMap, template: &impl Template, path: &str) -> Result<Response, Lost> {
    let html = template.render().map_err(|error| Problem::Internal(format!("a page cannot be rendered: {error}")))?;
    let hash: String = Sha256::digest(html.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{hash}\"");
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let mut answer = match known.is_some_and(|known| known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag)) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => page(app, template)?,
    };
    let canonical = format!("<{}{path}>; rel=\"canonical\"", app.config.pages_url);
    for (name, value) in [(header::ETAG, tag), (header::CACHE_CONTROL, "public, no-cache".to_owned()), (header::LINK, canonical)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            answer.headers_mut().insert(name, value);
        }
    }
    answer.headers_mut().remove("x-robots-tag");
    Ok(answer)
}

/// The robot check's widget, where there is one.
pub fn robot(app: &App) -> Option<views::Robot> {
    let (script, key) = (&app.config.robot_script_url, &app.config.robot_site_key);
    (!script.is_empty() && !key.is_empty()).then(|| views::Robot { script: script.clone(), key: key.clone() })
}

/// A page that may show the robot check's widget.
pub fn page_with_robot(app: &App, template: &impl Template) -> Result<Response, Lost> {
    let Some(robot) = robot(app) else { return page(app, template) };
    let html = template.render().map_err(|error| Problem::Internal(format!("a page cannot be rendered: {error}")))?;
    let origins = Some(app.config.robot_origins.as_str()).filter(|origins| !origins.is_empty());
    Ok((headers(&app.config.realtime_url, origins.unwrap_or_else(|| origin(&robot.script))), Html(html)).into_response())
}

/// Another page instead.
pub fn go(path: &str) -> Response {
    Redirect::to(path).into_response()
}

/// Percent-encodes a value for a query.
pub fn in_query(value: &str) -> String {
    value.bytes().fold(String::with_capacity(value.len()), |mut out, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
        out
    })
}

/// Why a page is not shown as asked.
#[derive(Debug)]
pub enum Lost {
    /// It is for those who are signed in. Where to come back to.
    SignIn(String),
    /// There is no such collection, or they may not see it: they may ask for it.
    Unseen(CollectionId),
    /// Something else.
    Problem(Problem),
}

impl From<Problem> for Lost {
    fn from(problem: Problem) -> Lost {
        Lost::Problem(problem)
    }
}

impl From<store::Error> for Lost {
    fn from(error: store::Error) -> Lost {
        Lost::Problem(error.into())
    }
}

impl Lost {
    /// Nothing there, or nothing that the viewer may know of.
    pub fn nothing() -> Lost {
        Lost::Problem(Problem::NotFound("page"))
    }
}

/// What a person reads: a title and a sentence.
fn told(problem: &Problem) -> (&'static str, String) {
    match problem.status() {
        StatusCode::NOT_FOUND => ("There is nothing here", "The page does not exist, or it is not open to you.".to_owned()),
        StatusCode::FORBIDDEN => ("This is not open to you", sentence(&problem.detail())),
        StatusCode::GONE => ("This link no longer works", sentence(&problem.detail())),
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => ("One moment, please", sentence(&problem.detail())),
        StatusCode::INTERNAL_SERVER_ERROR => ("Something broke here", "It is in our log. Please try again.".to_owned()),
        _ => ("This did not work", sentence(&problem.detail())),
    }
}

/// A detail of the API as a sentence: it has no capital and no full stop there.
fn sentence(detail: &str) -> String {
    let mut letters = detail.chars();
    letters.next().map(|first| format!("{}{}.", first.to_uppercase(), letters.as_str())).unwrap_or_default()
}

impl IntoResponse for Lost {
    fn into_response(self) -> Response {
        let (problem, ask) = match self {
            Lost::SignIn(next) => return go(&format!("/signin?next={}", in_query(&next))),
            Lost::Problem(problem) => (problem, None),
            Lost::Unseen(collection) => (Problem::NotFound("collection"), Some(collection.to_string())),
        };
        if let Problem::Internal(why) = &problem {
            tracing::error!("a page failed: {why}");
        }
        let (title, detail) = told(&problem);
        let way = matches!(problem, Problem::SecondFactorRequired).then_some(("/account/second-factor", "Set up two-factor sign-in"));
        let status = problem.status();
        let page = views::Problem {
            frame: Frame { section: "lost", ..Frame::default() },
            status: status.as_u16(),
            title: title.to_owned(),
            detail,
            ask,
            way,
        };
        match page.render() {
            Ok(html) => (status, headers("", ""), Html(html)).into_response(),
            Err(_) => problem.into_response(),
        }
    }
}

/// An extractor of the API on a page: who is not signed in is sent to sign in, any other problem becomes a page.
#[derive(Debug, Clone)]
pub struct On<E>(pub E);

impl<E> FromRequestParts<App> for On<E>
where
    E: FromRequestParts<App, Rejection = Problem>,
{
    type Rejection = Lost;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<On<E>, Lost> {
        match E::from_request_parts(parts, app).await {
            Ok(found) => Ok(On(found)),
            Err(Problem::Unauthenticated(_)) => {
                let here = parts.uri.path_and_query().map_or("/", |path| path.as_str());
                Err(Lost::SignIn(here.to_owned()))
            }
            Err(problem) => Err(unseen(parts, &problem).map_or(Lost::Problem(problem), Lost::Unseen)),
        }
    }
}

/// The collection that a page is about which is not shown.
fn unseen(parts: &Parts, problem: &Problem) -> Option<CollectionId> {
    let id = parts.uri.path().strip_prefix("/collections/")?.split('/').next()?;
    CollectionId::parse(id).ok().filter(|_| matches!(problem, Problem::NotFound("collection")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_names_the_sockets_origin_only() {
        assert_eq!(origin("wss://abc.execute-api.eu-central-1.amazonaws.com/live"), "wss://abc.execute-api.eu-central-1.amazonaws.com");
        assert_eq!(origin("ws://localhost:3000/realtime"), "ws://localhost:3000");
        assert!(policy("ws://localhost:3000/realtime", "").contains("connect-src 'self' ws://localhost:3000; form-action"));
        assert!(policy("", "").contains("connect-src 'self'; form-action"));
        let with_robot = policy("wss://x/y", "https://robots.example");
        assert!(
            with_robot.contains("script-src 'self' https://robots.example;") && with_robot.contains("frame-src https://robots.example;")
        );
        assert!(!policy("wss://x/y", "").contains("frame-src"));
        for word in ["unsafe", "*", "http:"] {
            assert!(!policy("wss://x/y", "https://robots.example").contains(word), "{word}");
        }
    }

    #[test]
    fn only_paths_of_ours_are_gone_to() {
        for good in ["/", "/teams/1?x=%20y", "/invite/a.b-c_d"] {
            assert_eq!(own_path(Some(good)), Some(good));
        }
        for bad in ["", "teams", "//evil.example", "/\\evil.example", "https://evil.example", "/a b", "/a\nb", "/{access_token}", "/\u{e9}"]
        {
            assert_eq!(own_path(Some(bad)), None, "{bad}");
        }
        assert_eq!(own_path(None), None);
    }

    #[test]
    fn details_become_sentences() {
        assert_eq!(sentence("this needs the role admin"), "This needs the role admin.");
        assert_eq!(in_query("/a?b=c&d"), "%2Fa%3Fb%3Dc%26d");
    }
}

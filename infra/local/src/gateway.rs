//! The HTTP API on the laptop: exactly the routes of the template, each answered by its function.

use crate::template::Route;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use serde_json::json;
use std::collections::BTreeMap;
use std::net::IpAddr;
use tower::ServiceExt;

/// What API Gateway takes, 10 MB.
const BODY_TAKEN: usize = 10 * 1024 * 1024;
/// What is read of a body that is too long, before its sender is cut off.
const BODY_DRAINED: usize = 128 * 1024 * 1024;

/// Routes and the functions behind them.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// The most specific first.
    routes: Vec<(String, Vec<Segment>, String)>,
    functions: BTreeMap<String, Router>,
}

#[derive(Clone, Debug, PartialEq)]
enum Segment {
    Fixed(String),
    One,
    Rest,
}

impl Gateway {
    /// A gateway for these routes. Each of them names a function in `functions`.
    pub fn new(routes: &[Route], functions: BTreeMap<String, Router>) -> Gateway {
        let mut routes: Vec<_> = routes.iter().map(|route| (route.method.clone(), segments(&route.path), route.function.clone())).collect();
        routes.sort_by_key(|(method, path, _)| (rank(path), method == "ANY"));
        Gateway { routes, functions }
    }

    /// Answers a request as API Gateway and the function would.
    pub async fn answer(&self, mut request: Request<Body>, peer: IpAddr) -> Response {
        let function = self.function(request.method(), request.uri().path());
        let Some(router) = function.and_then(|name| self.functions.get(name)) else {
            return (StatusCode::NOT_FOUND, axum::Json(json!({"message": "Not Found"}))).into_response();
        };
        forwarded(&mut request, peer);
        let Ok(request) = taken_in(request).await else {
            // The client went away, or sends no HTTP any more: nobody hears this.
            return (StatusCode::BAD_REQUEST, axum::Json(json!({"message": "Bad Request"}))).into_response();
        };
        let Ok(answer) = router.clone().oneshot(request).await;
        answer
    }

    /// The function that a request goes to.
    pub fn function(&self, method: &Method, path: &str) -> Option<&str> {
        let asked: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let (_, _, function) =
            self.routes.iter().find(|(wanted, segments, _)| (wanted == "ANY" || wanted == method.as_str()) && fits(segments, &asked))?;
        Some(function)
    }
}

fn segments(path: &str) -> Vec<Segment> {
    let segment = |text: &str| match text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        None => Segment::Fixed(text.to_owned()),
        Some(name) if name.ends_with('+') => Segment::Rest,
        Some(_) => Segment::One,
    };
    path.trim_start_matches('/').split('/').map(segment).collect()
}

/// Sorts fixed segments before variables, segment by segment, as API Gateway chooses.
fn rank(path: &[Segment]) -> Vec<u8> {
    let rank = |segment: &Segment| match segment {
        Segment::Fixed(_) => 0,
        Segment::One => 1,
        Segment::Rest => 2,
    };
    path.iter().map(rank).collect()
}

fn fits(segments: &[Segment], asked: &[&str]) -> bool {
    match (segments, asked) {
        ([], []) => true,
        ([Segment::Rest], [_, ..]) => true,
        ([Segment::Fixed(text), segments @ ..], [one, asked @ ..]) => text == one && fits(segments, asked),
        ([Segment::One, segments @ ..], [one, asked @ ..]) => !one.is_empty() && fits(segments, asked),
        _ => false,
    }
}

/// Takes the whole body in first, as API Gateway does: an answer that comes earlier ("too large") would be lost with
/// the connection. What is longer than API Gateway takes is cut, and longer than any function takes all the same.
async fn taken_in(request: Request<Body>) -> Result<Request<Body>, axum::Error> {
    let (parts, body) = request.into_parts();
    let mut stream = body.into_data_stream();
    let (mut kept, mut taken) = (Vec::new(), 0);
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        taken += chunk.len();
        if kept.len() <= BODY_TAKEN {
            kept.extend_from_slice(&chunk);
        }
        if BODY_DRAINED < taken {
            break;
        }
    }
    Ok(Request::from_parts(parts, Body::from(kept)))
}

/// What API Gateway says about the client, appended to what the client says itself.
fn forwarded(request: &mut Request<Body>, peer: IpAddr) {
    let headers = request.headers_mut();
    let before = headers.get("x-forwarded-for").and_then(|value| value.to_str().ok());
    let chain = before.map_or_else(|| peer.to_string(), |before| format!("{before}, {peer}"));
    if let Ok(value) = HeaderValue::from_str(&chain) {
        headers.insert("x-forwarded-for", value);
    }
    headers.insert("x-forwarded-proto", HeaderValue::from_static("http"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gateway(routes: &[(&str, &str, &str)]) -> Gateway {
        let routes: Vec<_> = routes
            .iter()
            .map(|(method, path, function)| Route {
                method: (*method).to_owned(),
                path: (*path).to_owned(),
                function: (*function).to_owned(),
            })
            .collect();
        Gateway::new(&routes, BTreeMap::new())
    }

    #[test]
    fn a_request_goes_to_the_most_specific_route_of_its_method() {
        let gateway = gateway(&[
            ("GET", "/", "home"),
            ("GET", "/teams/{team}", "team"),
            ("GET", "/teams/new", "new"),
            ("POST", "/api/teams/{team}/invites/{invite}/resend", "one"),
            ("POST", "/api/teams/{team}/invites/resend", "all"),
            ("GET", "/docs/{path+}", "docs"),
            ("ANY", "/x", "any"),
        ]);
        let to = |method: Method, path| gateway.function(&method, path);
        assert_eq!(to(Method::GET, "/"), Some("home"));
        assert_eq!(to(Method::GET, "/teams/new"), Some("new"));
        assert_eq!(to(Method::GET, "/teams/7"), Some("team"));
        assert_eq!(to(Method::GET, "/teams/"), None);
        assert_eq!(to(Method::GET, "/teams/7/"), None);
        assert_eq!(to(Method::GET, "/teams"), None);
        assert_eq!(to(Method::POST, "/api/teams/7/invites/resend"), Some("all"));
        assert_eq!(to(Method::POST, "/api/teams/7/invites/9/resend"), Some("one"));
        assert_eq!(to(Method::GET, "/docs/a/b"), Some("docs"));
        assert_eq!(to(Method::HEAD, "/x"), Some("any"));
        assert_eq!(to(Method::HEAD, "/"), None);
        assert_eq!(to(Method::GET, "/api/unknown"), None);
    }
}

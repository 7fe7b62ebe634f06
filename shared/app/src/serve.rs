//! One router, two hosts: the layers around an HTTP function, the same in a Lambda and on a laptop.

use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use domain::limit;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::decompression::RequestDecompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tracing::Instrument;
use utoipa_axum::router::OpenApiRouter;

use crate::problem::Slot;
use crate::{App, Problem, meter, once};

const REQUEST_ID: &str = "x-request-id";

/// The routes of a function with everything around them: request id and log line, problem bodies, limits,
/// decompression, compression, and an answer even where a handler panics.
pub fn host(routes: OpenApiRouter<App>, app: App) -> Router {
    let (router, _) = routes.split_for_parts();
    router
        .fallback(|| async { Problem::NotFound("address") })
        .method_not_allowed_fallback(|| async { Problem::MethodNotAllowed })
        .layer(CatchPanicLayer::custom(|_panic| Problem::Internal("a handler panicked".to_owned()).into_response()))
        .layer(RequestDecompressionLayer::new())
        .layer(RequestBodyLimitLayer::new(limit::BODY_BYTES))
        // Large bodies are limited above, not by axum's 2 MB.
        .layer(axum::extract::DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(app.clone(), once::answered))
        .layer(middleware::from_fn_with_state(app.clone(), meter::metered))
        .layer(middleware::from_fn(around))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .with_state(app)
}

async fn around(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = uuid::Uuid::now_v7().to_string();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    // The route, not the address: an address can hold the secret of a link.
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("request", request_id = %id, %method, route);
    // A HEAD is answered by the handler of GET; a body that nobody asked for is dropped by the host.
    request.headers_mut().remove(header::EXPECT);
    let mut response = next.run(request).instrument(span.clone()).await;
    if let Some(problem) = response.extensions().get::<Slot>().map(|slot| slot.0.clone()) {
        if let Problem::Internal(why) = problem.as_ref() {
            span.in_scope(|| tracing::error!("the request failed: {why}"));
        }
        response = told(&problem, &path, &id, response);
    } else if let Some(problem) = plain_failure(response.status()) {
        // From a layer (body limit, decompression), which answers without a body of ours.
        let ours = |kind: &HeaderValue| [&b"application/"[..], b"text/html"].iter().any(|own| kind.as_bytes().starts_with(own));
        if !response.headers().get(header::CONTENT_TYPE).is_some_and(ours) {
            response = told(&problem, &path, &id, response);
        }
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    span.in_scope(|| {
        let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(status = response.status().as_u16(), milliseconds, "answered");
    });
    response
}

fn told(problem: &Problem, path: &str, id: &str, from: Response) -> Response {
    let mut response = (problem.status(), Body::from(problem.body(path, id))).into_response();
    for name in [header::WWW_AUTHENTICATE, header::RETRY_AFTER, header::ALLOW, header::SET_COOKIE].into_iter().chain(meter::HEADERS) {
        if let Some(value) = from.headers().get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}

fn plain_failure(status: StatusCode) -> Option<Problem> {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => Some(Problem::body_too_large()),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Some(Problem::MediaType("the content encodings gzip, br and zstd")),
        StatusCode::BAD_REQUEST => Some(Problem::Malformed("the request cannot be read".to_owned())),
        _ => None,
    }
}

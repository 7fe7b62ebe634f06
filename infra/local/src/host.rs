//! The one public port: the template's routes, `/realtime`, and under `/_local` what only the local stack has.

use crate::{Inner, page};
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Json, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use jiff::{SignedDuration, Span, SpanRelativeTo};
use serde::Deserialize;
use serde_json::json;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Everything that the public port answers.
pub fn router(inner: Arc<Inner>) -> Router {
    let local = Router::new()
        .route("/health", get(health))
        .route("/outbox", get(outbox))
        .route("/outbox.json", get(outbox_json))
        .route("/clock", get(time).post(advance))
        .route("/settle", post(settle))
        .route("/redrive", post(redrive))
        .route("/bounce", post(bounce))
        .route("/dns", post(say))
        .layer(middleware::from_fn(only_from_here))
        .with_state(Arc::clone(&inner));
    let realtime = Router::new().route("/realtime", get(crate::realtime::connect)).with_state(Arc::clone(&inner.realtime));
    Router::new().nest("/_local", local).merge(realtime).fallback(api).with_state(inner)
}

async fn api(State(inner): State<Arc<Inner>>, ConnectInfo(peer): ConnectInfo<SocketAddr>, request: axum::http::Request<Body>) -> Response {
    inner.gateway.answer(request, peer.ip().to_canonical()).await
}

/// The outbox holds secret links: a page of somebody else's whose name was made to lead here must not read it.
async fn only_from_here(request: Request, next: Next) -> Response {
    if is_here(request.headers(), request.uri()) {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, Json(json!({"message": "/_local answers to localhost only"}))).into_response()
    }
}

fn is_here(headers: &HeaderMap, uri: &Uri) -> bool {
    let named = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let Some(authority) = named.or_else(|| uri.authority().map(|authority| authority.as_str())) else { return true };
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let address: Option<IpAddr> = host.trim_start_matches('[').trim_end_matches(']').parse().ok();
    host == "localhost" || host.ends_with(".localhost") || address.is_some_and(|address| address.is_loopback())
}

async fn health(State(inner): State<Arc<Inner>>) -> Response {
    let failing: Vec<_> = inner
        .consumers
        .iter()
        .filter(|consumer| consumer.failing.load(Ordering::Relaxed))
        .map(|consumer| consumer.mapping.function.as_str())
        .collect();
    let status = if failing.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({
        "status": if failing.is_empty() { "ok" } else { "failing" },
        "failing": failing,
        "mails": inner.outbox.count(),
        "dead_letters": inner.letters.all().len(),
        "connections": inner.realtime.sockets.count(),
        "time": inner.clock.now().to_string(),
    });
    (status, Json(body)).into_response()
}

async fn outbox(State(inner): State<Arc<Inner>>) -> Response {
    let mut nonce = [0; 16];
    if getrandom::fill(&mut nonce).is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let nonce = format!("{:032x}", u128::from_be_bytes(nonce));
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'unsafe-inline'; connect-src 'self'; \
         img-src data: https:; frame-ancestors 'none'"
    );
    let mut answer = Html(page::outbox(&inner.outbox.all(), &nonce)).into_response();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

async fn outbox_json(State(inner): State<Arc<Inner>>) -> Response {
    let mails = inner.outbox.all();
    let mails: Vec<_> = mails.iter().map(Arc::as_ref).collect();
    ([(header::CACHE_CONTROL, "no-store")], Json(mails)).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bounced {
    email: String,
    /// `bounce` (the default), `soft` (a bounce that may pass) or `complaint`.
    #[serde(default)]
    kind: String,
}

/// Plays what SES tells of a mail that did not arrive or was not wanted.
async fn bounce(State(inner): State<Arc<Inner>>, body: Result<Json<Bounced>, axum::extract::rejection::JsonRejection>) -> Response {
    let Bounced { email, kind } = match body {
        Ok(Json(body)) => body,
        Err(rejection) => return (StatusCode::BAD_REQUEST, Json(json!({"message": rejection.body_text()}))).into_response(),
    };
    let recipients = json!([{"emailAddress": email}]);
    let (title, detail) = match kind.as_str() {
        "complaint" => ("Email Complaint Received", json!({"eventType": "Complaint", "complaint": {"complainedRecipients": recipients}})),
        kind => {
            let lasting = if kind == "soft" { "Transient" } else { "Permanent" };
            ("Email Bounced", json!({"eventType": "Bounce", "bounce": {"bounceType": lasting, "bouncedRecipients": recipients}}))
        }
    };
    inner.event(json!({"version": "0", "source": "aws.ses", "detail-type": title, "detail": detail})).await;
    Json(json!({"told": title})).into_response()
}

/// Hands the dead letters over again.
async fn redrive(State(inner): State<Arc<Inner>>) -> Response {
    match inner.redrive().await {
        Ok(done) => Json(done).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({"message": error.to_string()}))).into_response(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance: Span,
}

async fn time(State(inner): State<Arc<Inner>>) -> Response {
    Json(json!({"now": inner.clock.now().to_string()})).into_response()
}

async fn advance(State(inner): State<Arc<Inner>>, body: Result<Json<Advance>, axum::extract::rejection::JsonRejection>) -> Response {
    let by = match body {
        Ok(Json(Advance { advance })) => duration(advance),
        Err(rejection) => Err(rejection.body_text()),
    };
    match by {
        Ok(by) => {
            inner.advance(by).await;
            time(State(inner)).await
        }
        Err(why) => (StatusCode::BAD_REQUEST, Json(json!({ "message": why }))).into_response(),
    }
}

/// A duration as ISO 8601 writes it, days of 24 hours; months and years have no length.
fn duration(span: Span) -> Result<SignedDuration, String> {
    let by = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|error| error.to_string())?;
    if by.is_negative() { Err("the clock goes forward only".to_owned()) } else { Ok(by) }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    name: String,
    texts: Vec<String>,
}

/// Says which texts the DNS has under a name.
async fn say(State(inner): State<Arc<Inner>>, Json(record): Json<Record>) -> Response {
    inner.dns.set(&record.name, record.texts);
    StatusCode::NO_CONTENT.into_response()
}

async fn settle(State(inner): State<Arc<Inner>>) -> Response {
    let began = std::time::Instant::now();
    match inner.settle().await {
        Ok(()) => Json(json!({"settled": true, "milliseconds": began.elapsed().as_secs_f64() * 1e3})).into_response(),
        Err(why) => (StatusCode::GATEWAY_TIMEOUT, Json(json!({"settled": false, "message": why}))).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_from_here() {
        let from =
            |host: &'static str| is_here(&HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(host))]), &Uri::from_static("/"));
        for host in ["localhost", "localhost:3000", "127.0.0.1:3000", "[::1]:3000", "[::1]", "app.localhost:1"] {
            assert!(from(host), "{host}");
        }
        for host in ["evil.example", "evil.example:3000", "localhost.evil.example", "10.0.0.1:3000"] {
            assert!(!from(host), "{host}");
        }
    }

    #[test]
    fn durations_are_read_as_iso_8601() {
        let read = |text: &str| duration(text.parse::<Span>().map_err(|error| error.to_string())?);
        assert_eq!(read("PT31M"), Ok(SignedDuration::from_mins(31)));
        assert_eq!(read("P1DT1H"), Ok(SignedDuration::from_hours(25)));
        assert_eq!(read("P2W"), Ok(SignedDuration::from_hours(14 * 24)));
        assert!(read("P1M").is_err() && read("-PT1S").is_err() && read("soon").is_err());
    }
}

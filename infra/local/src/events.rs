//! EventBridge on the laptop: the one operation that the product uses, `PutEvents`, and the rules of the template.

use crate::Inner;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Json, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::watch;

/// How many events were and are being told.
#[derive(Debug)]
pub struct Telling(watch::Sender<(u64, u64)>);

impl Default for Telling {
    fn default() -> Telling {
        Telling(watch::Sender::new((0, 0)))
    }
}

impl Telling {
    /// How many were told since the start.
    pub fn told(&self) -> u64 {
        self.0.borrow().0
    }

    /// Returns when none is being told.
    pub async fn done(&self) {
        // The sender is ours: it is there.
        drop(self.0.subscribe().wait_for(|(_, telling)| *telling == 0).await);
    }
}

/// The endpoint.
pub fn endpoint(inner: &Arc<Inner>) -> Router {
    let act = post(act).with_state(Arc::clone(inner));
    Router::new().route("/events", act.clone()).route("/events/", act)
}

/// Hands an event to those who take it. Whoever sends it does not wait for them.
pub fn tell(inner: &Arc<Inner>, event: Value) {
    inner.telling.0.send_modify(|(told, telling)| (*told, *telling) = (*told + 1, *telling + 1));
    let told = Arc::clone(inner);
    tokio::spawn(async move {
        told.event(event).await;
        told.telling.0.send_modify(|(_, telling)| *telling -= 1);
    });
}

async fn act(State(inner): State<Arc<Inner>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    if target != Some("AWSEvents.PutEvents") {
        return (StatusCode::BAD_REQUEST, Json(json!({"__type": "UnknownOperationException"}))).into_response();
    }
    // Its media type is `application/x-amz-json-1.1`.
    let asked: Value = match serde_json::from_slice(&body) {
        Ok(asked) => asked,
        Err(_) => return (StatusCode::BAD_REQUEST, Json(json!({"__type": "SerializationException"}))).into_response(),
    };
    let mut entries = Vec::new();
    for entry in asked["Entries"].as_array().into_iter().flatten() {
        let id = uuid::Uuid::now_v7().to_string();
        let now = inner.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let detail: Option<Value> = entry["Detail"].as_str().and_then(|detail| serde_json::from_str(detail).ok());
        let Some(detail) = detail else {
            entries.push(json!({"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}));
            continue;
        };
        let event = json!({
            "version": "0", "id": id, "detail-type": entry["DetailType"], "source": entry["Source"], "account": "000000000000",
            "time": now, "region": "local", "resources": [], "detail": detail,
        });
        tell(&inner, event);
        entries.push(json!({"EventId": id}));
    }
    let failed = entries.iter().filter(|entry| entry["EventId"].is_null()).count();
    Json(json!({"FailedEntryCount": failed, "Entries": entries})).into_response()
}

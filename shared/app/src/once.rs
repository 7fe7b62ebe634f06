//! `Idempotency-Key` on what is not in a collection: the answer is kept, sealed, and given again to whoever sends the same
//! request with the same key. Where a function dies between what it did and its answer, the request is done again a minute
//! later: what must not happen twice at all is kept in its own transaction, as in collections.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::ids::UserId;
use domain::limit;
use domain::once::Once;
use serde::{Deserialize, Serialize};
use store::once::Claim;

use crate::{App, Problem, Tokens};

/// What an answer is sealed for.
const PURPOSE: &str = "answer";
/// Headers of an answer that belong to what it says.
const KEPT: [HeaderName; 3] = [header::CONTENT_TYPE, header::LOCATION, header::ETAG];
/// That an answer was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// An answer that is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

#[derive(Clone)]
struct Claimed {
    user: UserId,
    key: String,
    request: String,
}

#[derive(Default)]
struct Noted {
    claimed: Option<Claimed>,
    answer: Option<Kept>,
}

/// Where an extractor notes that a request is done once.
#[derive(Clone, Default)]
pub(crate) struct Slot(Arc<Mutex<Noted>>);

impl Slot {
    fn with<T>(&self, act: impl FnOnce(&mut Noted) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Lets a request through that comes for the first time. Otherwise what is answered is not what this says, but what was
/// answered before.
pub(crate) async fn first_time(app: &App, parts: &Parts, user: UserId, once: Option<&Once>) -> Result<(), Problem> {
    let (Some(slot), Some(once)) = (parts.extensions.get::<Slot>(), once) else { return Ok(()) };
    let key = Tokens::hash(&format!("answer {}", once.key));
    match app.store.claim_answer(user, &key, &once.request, app.now()).await? {
        Claim::Mine => {
            let claimed = Claimed { user, key, request: once.request.clone() };
            slot.with(|state| state.claimed = Some(claimed));
            Ok(())
        }
        Claim::Answered(sealed) => {
            // Sealed under a key that is gone: it cannot be told again, and is not done again either.
            let kept = app.tokens.open_value(PURPOSE, &format!("{user} {key}"), &sealed);
            slot.with(|state| state.answer = kept);
            Err(Problem::Conflict(store::Conflict::UnderWay, ""))
        }
        Claim::UnderWay => Err(Problem::Conflict(store::Conflict::UnderWay, "")),
        Claim::Another => Err(Problem::field("", "this Idempotency-Key was used for another request: choose a new one for each")),
    }
}

/// Around a function: keeps the answer to a request that is done once, and gives it again.
pub(crate) async fn answered(State(app): State<App>, mut request: Request, next: Next) -> Response {
    if request.method().is_safe() || !request.headers().contains_key("idempotency-key") {
        return next.run(request).await;
    }
    let slot = Slot::default();
    request.extensions_mut().insert(slot.clone());
    let response = next.run(request).await;
    if let Some(kept) = slot.with(|state| state.answer.take()) {
        return again(kept);
    }
    let Some(claimed) = slot.with(|state| state.claimed.take()) else { return response };
    let (parts, body) = response.into_parts();
    let (body, answer) = match parts.status.is_success() {
        true => match to_bytes(body, limit::BODY_BYTES).await {
            Ok(bytes) => {
                let text = std::str::from_utf8(&bytes).ok().filter(|text| text.len() <= limit::PART_BYTES / 2).map(str::to_owned);
                (Body::from(bytes), text)
            }
            Err(error) => return Problem::Internal(format!("an answer broke off: {error}")).into_response(),
        },
        false => (body, None),
    };
    let sealed = answer.map(|body| {
        let of = format!("{} {}", claimed.user, claimed.key);
        let header = |name: &HeaderName| Some((name.to_string(), parts.headers.get(name)?.to_str().ok()?.to_owned()));
        app.tokens.seal_value(
            PURPOSE,
            &of,
            &Kept { status: parts.status.as_u16(), headers: KEPT.iter().filter_map(header).collect(), body },
        )
    });
    let kept = match sealed.transpose() {
        Ok(sealed) => app.store.keep_answer(claimed.user, &claimed.key, &claimed.request, sealed, app.now()).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    if let Err(problem) = kept {
        // It was done; who asks again within the minute is told to wait.
        tracing::warn!(?problem, "an answer could not be kept");
    }
    Response::from_parts(parts, body)
}

fn again(kept: Kept) -> Response {
    let mut response = Response::new(Body::from(kept.body));
    *response.status_mut() = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
    for (name, value) in kept.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(&value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

//! The changes of a collection for programs: those that are there, those that come within a while (long poll), or one
//! after the other as they come (Server-Sent Events).
//!
//! All three are the log behind a cursor, so that a program may change from one to another, and whoever is cut off goes
//! on where it was. Who asks and what they may is asked again before each answer (promise G3).

use std::collections::VecDeque;
use std::convert::Infallible;

use app::{Again, App, By, Json, Problem, Query};
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use domain::access::ReadCollection;
use domain::change::Change;
use domain::ids::CollectionId;
use domain::limit;
use futures::Stream;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::json;

/// Nobody waits for longer: API Gateway gives up after 30 seconds.
const WAIT: SignedDuration = SignedDuration::from_secs(20);
/// Where nobody tells this process of changes, the head is looked at so often. That is one small read.
const LOOK: SignedDuration = SignedDuration::from_secs(2);
/// Whoever listens hears something at least so often: a connection that says nothing is cut by what lies between.
const SIGN_OF_LIFE: SignedDuration = SignedDuration::from_secs(15);
/// A browser that was cut off comes back after so long.
const COME_BACK: std::time::Duration = std::time::Duration::from_secs(1);

#[derive(Deserialize)]
pub(crate) struct Since {
    since: Option<u64>,
    limit: Option<usize>,
    /// Seconds to wait for a change where there is none.
    wait: Option<u64>,
}

impl Since {
    fn wait(&self) -> SignedDuration {
        SignedDuration::from_secs(self.wait.and_then(|seconds| i64::try_from(seconds).ok()).unwrap_or(0)).min(WAIT)
    }
}

/// The changes after `since`, oldest first: with them a client is level again (promise G1). With `wait`, and where there
/// are none, the answer comes with the next one, after so many seconds at the latest (20 at most).
///
/// With `Accept: text/event-stream` they come as Server-Sent Events, each with its number as `id`: from `Last-Event-ID`
/// or `since` on, else from now on. Where answers go out as a whole (API Gateway) each one ends with what there was to
/// say, and the client comes back with `Last-Event-ID`, as `EventSource` does by itself.
#[utoipa::path(get, path = "/api/collections/{collection}/changes", tag = "Changes",
    params(("collection" = String, Path), ("since" = Option<u64>, Query), ("limit" = Option<usize>, Query),
        ("wait" = Option<u64>, Query, description = "Seconds to wait for a change where there is none; 20 at most"),
        ("last-event-id" = Option<u64>, Header, description = "For Server-Sent Events: the last number the client has")),
    responses((status = 200, description = "`{\"changes\":[…],\"head\":n}`: the same objects that events carry")))]
pub(crate) async fn changes(
    By(mut by): By<ReadCollection>,
    again: Again,
    Query(asked): Query<Since>,
    headers: HeaderMap,
    State(app): State<App>,
) -> Result<Response, Problem> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if text(header::ACCEPT.as_str()).is_some_and(|accept| accept.split(',').any(|one| one.trim().starts_with("text/event-stream"))) {
        let since = text("last-event-id").and_then(|id| id.trim().parse().ok()).or(asked.since);
        return Ok(events(app, again, by.thing.collection, since.unwrap_or(by.thing.seq)).into_response());
    }
    let since = asked.since.unwrap_or(0);
    if by.thing.seq <= since && !asked.wait().is_zero() {
        let until = app.now() + asked.wait();
        news(&app, &by.thing.collection, since, until).await?;
        by = again.ask(&app).await?;
    }
    let limit = asked.limit.unwrap_or(limit::PAGE).clamp(1, limit::PAGE);
    let changes = app.store.changes(&by, since, limit).await?;
    // The head was read first: a change that came since is not missing, its number is beyond it.
    let head = changes.last().map_or(by.thing.seq, |last| last.seq.max(by.thing.seq));
    Ok(Json(json!({"changes": changes, "head": head})).into_response())
}

/// Waits for a change after `since`, or for the collection to go away. `false`: nothing came until `until`.
async fn news(app: &App, collection: &CollectionId, since: u64, until: Timestamp) -> Result<bool, Problem> {
    // Listening begins before the look: nothing comes between.
    let mut ear = app.waiting.on(collection);
    loop {
        if app.store.head(collection).await?.is_none_or(|head| since < head.seq) {
            return Ok(true);
        }
        if until <= app.now() || app.waiting.has_ended() {
            return Ok(false);
        }
        let look = until.min(app.now() + LOOK);
        tokio::select! {
            () = ear.hears() => {}
            () = app.clock.reaches(if app.waiting.streams() { until } else { look }) => {}
        }
    }
}

/// One who listens.
struct Listening {
    app: App,
    again: Again,
    collection: CollectionId,
    since: u64,
    ready: VecDeque<Event>,
    /// Whether nothing more comes in this answer.
    done: bool,
}

fn events(app: App, again: Again, collection: CollectionId, since: u64) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    // An event without data tells nobody anything, but is where a client begins that is cut off before the first one.
    let begin = Event::default().id(since.to_string()).retry(COME_BACK);
    let listening = Listening { app, again, collection, since, ready: VecDeque::from([begin]), done: false };
    Sse::new(futures::stream::unfold(listening, |mut listening| async move { listening.next().await.map(|event| (Ok(event), listening)) }))
}

impl Listening {
    async fn next(&mut self) -> Option<Event> {
        while self.ready.is_empty() && !self.done {
            // Whoever has lost the collection, or whose session has ended, hears of nothing more: the answer ends, and
            // the next request is refused.
            if let Err(problem) = self.fetch().await {
                tracing::info!(%self.collection, status = problem.status().as_u16(), "nobody is told of changes any more");
                self.done = true;
            }
        }
        self.ready.pop_front()
    }

    /// The next changes or, where none come for a while, a sign of life.
    async fn fetch(&mut self) -> Result<(), Problem> {
        // Also the first time: how long ago the request was let in, the client decides that reads its answer.
        let by = self.again.ask::<ReadCollection>(&self.app).await?;
        let streams = self.app.waiting.streams();
        let changes = self.app.store.changes(&by, self.since, limit::PAGE).await?;
        if let Some(last) = changes.last() {
            self.since = last.seq;
            self.done = !streams;
            self.ready = changes.iter().map(event).collect::<Result<_, _>>()?;
            return Ok(());
        }
        let until = self.app.now() + if streams { SIGN_OF_LIFE } else { WAIT };
        let came = news(&self.app, &self.collection, self.since, until).await?;
        self.done = self.app.waiting.has_ended() || (!came && !streams);
        if !came && streams {
            self.ready.push_back(Event::default().comment("nothing new"));
        }
        Ok(())
    }
}

fn event(change: &Change) -> Result<Event, Problem> {
    Event::default().id(change.seq.to_string()).json_data(change).map_err(|error| Problem::Internal(error.to_string()))
}

//! The WebSocket API on the laptop: `/realtime` for clients, `@connections` for the functions' SDK client.
//!
//! As in the cloud, the `realtime` function learns of a connection, its messages and its end through the events of
//! API Gateway, and a connection can be written to from the moment that `$connect` has agreed.

pub mod sockets;

use crate::functions::SocketHandler;
use app::Clock;
use aws_lambda_events::event::apigw::{ApiGatewayProxyResponse, ApiGatewayWebsocketProxyRequest};
use axum::Router;
use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, extract::rejection::BytesRejection};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::stream::{SplitSink, SplitStream};
use futures::{FutureExt, SinkExt, StreamExt};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sockets::{Ending, Outgoing, Refusal, Socket, Sockets};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch;

/// API Gateway closes a connection on which nothing was said for so long.
const IDLE: SignedDuration = SignedDuration::from_mins(10);
/// API Gateway closes every connection after so long.
const LIFETIME: SignedDuration = SignedDuration::from_hours(2);
/// API Gateway's limit for one frame of a client; larger messages come in several.
const FRAME: usize = 32 * 1024;
/// How long a client may take to answer a close frame, and a slow one to take it.
const FAREWELL: Duration = Duration::from_secs(2);

/// What the host of the sockets needs.
pub struct Realtime {
    /// Route key to the function and how long a call may take.
    pub routes: BTreeMap<String, (SocketHandler, Duration)>,
    /// The stage's name, for the events.
    pub stage: String,
    /// The public host and port, for the events.
    pub domain: String,
    /// The open connections.
    pub sockets: Sockets,
    /// The time, which tests move.
    pub clock: Clock,
    /// Told when the clock was moved: connections may be too old now.
    pub moved: watch::Sender<u64>,
    /// How many connections are open or being closed.
    pub serving: watch::Sender<usize>,
}

/// The client of one connection.
struct Client {
    id: String,
    connected_at: Timestamp,
    headers: HeaderMap,
    query: Vec<(String, String)>,
    source: String,
}

/// `GET /realtime`.
pub async fn connect(
    State(realtime): State<Arc<Realtime>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade.max_message_size(sockets::MESSAGE).max_frame_size(FRAME),
        Err(_) => return (StatusCode::UPGRADE_REQUIRED, Json(json!({"message": "Upgrade Required"}))).into_response(),
    };
    let Ok(id) = identifier() else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let source = peer.ip().to_canonical().to_string();
    let client = Arc::new(Client { id, connected_at: realtime.clock.now(), headers, query, source });
    let answer = match realtime.call(&client, "$connect", json!({"eventType": "CONNECT"}), None).await {
        Ok(answer) => answer,
        Err(()) => return (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({"message": "Internal server error"}))).into_response(),
    };
    if !(200..300).contains(&answer.status_code) {
        let status = u16::try_from(answer.status_code).ok().and_then(|code| StatusCode::from_u16(code).ok());
        return status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response();
    }
    let agent = client.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let connected = client.connected_at.as_millisecond();
    let (socket, outgoing) = realtime.sockets.open(&client.id, connected, client.source.clone(), agent.to_owned());
    let (lost, gone) = (Arc::clone(&realtime), Arc::clone(&client));
    upgrade
        .on_failed_upgrade(move |_| {
            tokio::spawn(async move { lost.end(&gone, &ending(1006, "The upgrade failed")).await });
        })
        .on_upgrade(move |stream| realtime.serve(client, socket, outgoing, stream))
}

impl Realtime {
    /// One connection from its beginning to its end.
    async fn serve(self: Arc<Self>, client: Arc<Client>, socket: Arc<Socket>, outgoing: Outgoing, stream: WebSocket) {
        self.serving.send_modify(|open| *open += 1);
        let (sink, mut stream) = stream.split();
        let Outgoing { messages, ending } = outgoing;
        let sender = tokio::spawn(send(sink, messages, ending.clone()));
        let ended = self.listen(&client, &socket, &mut stream, ending).await;
        self.end(&client, &ended).await;
        if let Err(error) = sender.await {
            tracing::warn!(%error, "the sender of a WebSocket failed");
        }
        // The client's own close is waited for: a connection cut off before it might take our last words along.
        let answered = async { while let Some(Ok(_)) = stream.next().await {} };
        if tokio::time::timeout(FAREWELL, answered).await.is_err() {
            tracing::debug!("a client did not answer a close");
        }
        self.serving.send_modify(|open| *open -= 1);
    }

    async fn end(&self, client: &Client, ending: &Ending) {
        self.sockets.close(&client.id, ending.clone());
        let about = json!({
            "eventType": "DISCONNECT",
            "disconnectStatusCode": ending.code,
            "disconnectReason": ending.reason,
        });
        // Logged where it failed; API Gateway does not try again either.
        drop(self.call(client, "$disconnect", about, None).await);
    }

    /// Handles what the client says, in order, until one side ends it.
    async fn listen(
        &self,
        client: &Client,
        socket: &Socket,
        stream: &mut SplitStream<WebSocket>,
        mut closing: watch::Receiver<Option<Ending>>,
    ) -> Ending {
        let mut moved = self.moved.subscribe();
        loop {
            let now = self.clock.now();
            let active = Timestamp::from_millisecond(socket.active_at.load(Ordering::Relaxed)).unwrap_or(now);
            let left = (client.connected_at + LIFETIME).min(active + IDLE).duration_since(now);
            if !left.is_positive() {
                return ending(1001, "Going away");
            }
            let message = tokio::select! {
                message = stream.next() => message,
                _ = closing.changed() => {
                    return closing.borrow().clone().unwrap_or_else(|| ending(1006, "The stack stopped"));
                }
                _ = moved.changed() => continue,
                () = tokio::time::sleep(left.unsigned_abs()) => continue,
            };
            let body = match message {
                Some(Ok(Message::Text(text))) => text.as_str().to_owned(),
                // API Gateway hands a binary message to a function as base64.
                Some(Ok(Message::Binary(bytes))) => STANDARD.encode(bytes),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                Some(Ok(Message::Close(frame))) => {
                    return frame.map_or_else(
                        || ending(1005, "Client-side close frame status not set"),
                        |frame| ending(frame.code, frame.reason.as_str()),
                    );
                }
                Some(Err(error)) => {
                    tracing::debug!(%error, "a WebSocket broke");
                    let code = if error.to_string().contains("too long") { 1009 } else { 1006 };
                    return ending(code, if code == 1009 { "Message too long" } else { "Connection closed abnormally" });
                }
                None => return ending(1006, "Connection closed abnormally"),
            };
            socket.active_at.store(self.clock.now().as_millisecond(), Ordering::Relaxed);
            self.message(client, body).await;
        }
    }

    async fn message(&self, client: &Client, body: String) {
        let Ok(id) = identifier() else { return };
        if self.call(client, "$default", json!({"eventType": "MESSAGE", "messageId": id}), Some(body)).await.is_err() {
            let said = json!({"message": "Internal server error", "connectionId": client.id, "requestId": id});
            // If the connection is gone, nobody is there to read it.
            let now = self.clock.now().as_millisecond();
            self.sockets.post(&client.id, said.to_string().into_bytes(), now).unwrap_or_default();
        }
    }

    /// Calls the function of a route. The error has been logged.
    async fn call(&self, client: &Client, route: &str, about: Value, body: Option<String>) -> Result<ApiGatewayProxyResponse, ()> {
        let Some((handler, timeout)) = self.routes.get(route) else {
            tracing::error!(route, "the template has no such route");
            return Err(());
        };
        let event = self.event(client, route, about, body).map_err(|error| {
            tracing::error!(%error, "a WebSocket event could not be made");
        })?;
        match tokio::time::timeout(*timeout, AssertUnwindSafe(handler(event)).catch_unwind()).await {
            Ok(Ok(Ok(answer))) => return Ok(answer),
            Ok(Ok(Err(error))) => tracing::error!(route, error, "the realtime function failed"),
            Ok(Err(_)) => tracing::error!(route, "the realtime function panicked"),
            Err(_) => tracing::error!(route, "the realtime function took too long"),
        }
        Err(())
    }

    fn event(
        &self,
        client: &Client,
        route: &str,
        about: Value,
        body: Option<String>,
    ) -> serde_json::Result<ApiGatewayWebsocketProxyRequest> {
        let now = self.clock.now();
        let id = identifier().unwrap_or_default();
        let mut context = json!({
            "routeKey": route,
            "messageDirection": "IN",
            "stage": self.stage,
            "connectedAt": client.connected_at.as_millisecond(),
            "requestTimeEpoch": now.as_millisecond(),
            "requestTime": now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "requestId": id,
            "extendedRequestId": id,
            "connectionId": client.id,
            "domainName": self.domain,
            "apiId": "local",
            "identity": {"sourceIp": client.source},
        });
        if let (Value::Object(context), Value::Object(about)) = (&mut context, about) {
            context.extend(about);
        }
        let mut event = json!({"requestContext": context, "isBase64Encoded": false, "body": body});
        // Only `$connect` and `$disconnect` carry headers, and only `$connect` the query.
        if route != "$default" {
            let headers = client.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
            let (mut single, mut multiple) = (BTreeMap::new(), BTreeMap::<_, Vec<_>>::new());
            for (name, value) in headers {
                single.insert(name, value);
                multiple.entry(name).or_default().push(value);
            }
            event["headers"] = json!(single);
            event["multiValueHeaders"] = json!(multiple);
        }
        if route == "$connect" {
            let (mut single, mut multiple) = (BTreeMap::new(), BTreeMap::<_, Vec<_>>::new());
            for (name, value) in &client.query {
                single.insert(name, value);
                multiple.entry(name).or_default().push(value);
            }
            event["queryStringParameters"] = json!(single);
            event["multiValueQueryStringParameters"] = json!(multiple);
        }
        serde_json::from_value(event)
    }
}

/// Sends what is queued until the connection ends; a client that does not read cannot hold the end up.
async fn send(
    mut sink: SplitSink<WebSocket, Message>,
    mut messages: tokio::sync::mpsc::Receiver<Vec<u8>>,
    mut ending: watch::Receiver<Option<Ending>>,
) {
    let flow = async {
        while let Some(message) = messages.recv().await {
            sink.feed(frame(message)).await?;
            // Those that wait go out together.
            if messages.is_empty() {
                sink.flush().await?;
            }
        }
        Ok::<_, axum::Error>(())
    };
    tokio::select! {
        _ = flow => {}
        _ = ending.changed() => {}
    }
    let last = ending.borrow().clone();
    let farewell = async {
        // What was queued before the end is still said: the reason may be in it.
        while let Ok(message) = messages.try_recv() {
            sink.feed(frame(message)).await?;
        }
        if let Some(Ending { code, reason }) = last {
            // These two are told about a close, never sent in one.
            let code = if matches!(code, 1005 | 1006) { 1000 } else { code };
            sink.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await?;
        }
        sink.flush().await
    };
    if !matches!(tokio::time::timeout(FAREWELL, farewell).await, Ok(Ok(()))) {
        tracing::debug!("a WebSocket was cut off");
    }
}

fn frame(message: Vec<u8>) -> Message {
    match String::from_utf8(message) {
        Ok(text) => Message::Text(text.into()),
        Err(error) => Message::Binary(error.into_bytes().into()),
    }
}

fn ending(code: u16, reason: &str) -> Ending {
    Ending { code, reason: reason.to_owned() }
}

/// An id as API Gateway makes them.
fn identifier() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 11];
    getrandom::fill(&mut bytes)?;
    Ok(STANDARD.encode(bytes).replace(['+', '/'], "_"))
}

/// `@connections`, as the SDK's management client calls it: `/{stage}/@connections/{id}`.
pub fn management(realtime: Arc<Realtime>) -> Router {
    Router::new()
        .route("/{stage}/@connections/{id}", post(push).get(look).delete(close))
        .layer(DefaultBodyLimit::max(2 * sockets::MESSAGE))
        .with_state(realtime)
}

async fn push(
    State(realtime): State<Arc<Realtime>>,
    Path((_, id)): Path<(String, String)>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let pushed = match body {
        Ok(body) => realtime.sockets.post(&id, body.into(), realtime.clock.now().as_millisecond()),
        Err(_) => Err(Refusal::TooLarge),
    };
    match pushed {
        Ok(()) => StatusCode::OK.into_response(),
        Err(refusal) => refused(&refusal),
    }
}

async fn look(State(realtime): State<Arc<Realtime>>, Path((_, id)): Path<(String, String)>) -> Response {
    let at = |millis| Timestamp::from_millisecond(millis).unwrap_or_default().to_string();
    match realtime.sockets.find(&id) {
        Some(socket) => Json(json!({
            "connectedAt": at(socket.connected_at),
            "lastActiveAt": at(socket.active_at.load(Ordering::Relaxed)),
            "identity": {"sourceIp": socket.source, "userAgent": socket.agent},
        }))
        .into_response(),
        None => refused(&Refusal::Gone),
    }
}

async fn close(State(realtime): State<Arc<Realtime>>, Path((_, id)): Path<(String, String)>) -> Response {
    if realtime.sockets.close(&id, ending(1000, "Closed by the server")) {
        StatusCode::NO_CONTENT.into_response()
    } else {
        refused(&Refusal::Gone)
    }
}

fn refused(refusal: &Refusal) -> Response {
    let (status, name, message) = match refusal {
        Refusal::Gone => (StatusCode::GONE, "GoneException", "Gone"),
        Refusal::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "PayloadTooLargeException", "Payload too large"),
    };
    (status, [("x-amzn-errortype", name)], Json(json!({ "message": message }))).into_response()
}

#[cfg(test)]
mod tests;

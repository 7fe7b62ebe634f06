//! A WebSocket client that waits for what it is told, and says what came when it does not come.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::Client;

/// Much longer than anything takes: reached only when it does not come at all.
const PATIENCE: Duration = Duration::from_secs(20);

/// An open WebSocket.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    came: Vec<Value>,
}

impl Client {
    /// Gets a ticket and opens a WebSocket with it.
    pub async fn listen(&self) -> Socket {
        let ticket = self.ticket().await;
        Socket::open(&ticket).await.unwrap_or_else(|status| panic!("the socket is refused with {status}"))
    }

    /// Gets a ticket: the address that opens one WebSocket.
    pub async fn ticket(&self) -> String {
        let made = self.post("/api/realtime/tickets", json!({})).await.ok();
        format!("{}?ticket={}", made.at("/url").as_str().expect("url"), made.at("/ticket").as_str().expect("ticket"))
    }
}

impl Socket {
    /// Opens a WebSocket, or gives the status that it was refused with. The server greets with the standing
    /// subscriptions once the client says something: see [`Socket::following`].
    pub async fn open(address: &str) -> Result<Socket, u16> {
        match connect_async(address).await {
            Ok((stream, _)) => Ok(Socket { stream, came: Vec::new() }),
            Err(Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("{address}: {error}"),
        }
    }

    /// Sends a message.
    pub async fn say(&mut self, message: Value) {
        self.say_text(&message.to_string()).await;
    }

    /// Sends a message that need not be JSON.
    pub async fn say_text(&mut self, message: &str) {
        self.stream.send(Message::text(message)).await.unwrap_or_else(|error| panic!("cannot say {message}: {error}"));
    }

    /// Asks what this socket follows, and waits for the answer: everything said before has been heard then.
    pub async fn following(&mut self) -> Vec<String> {
        self.say(json!({"action": "ping"})).await;
        let pong = self.next_of("postroom.pong").await;
        let collections = pong["data"]["subscriptions"].as_array().unwrap_or_else(|| panic!("{pong}"));
        collections.iter().map(|id| id.as_str().expect("an id").to_owned()).collect()
    }

    /// Everything that came until now. Behind [`crate::TestApp::settle`] that is every event there is.
    pub async fn heard(&mut self) -> Vec<Value> {
        self.say(json!({"action": "ping"})).await;
        let mut heard = Vec::new();
        loop {
            let frame = self.next().await;
            if frame["type"] == "postroom.pong" {
                return heard;
            }
            heard.push(frame);
        }
    }

    /// The same where the server may have closed the socket instead, as it does with one that it knows no longer: `None`.
    pub async fn heard_unless_closed(&mut self) -> Option<Vec<Value>> {
        self.say(json!({"action": "ping"})).await;
        let mut heard = Vec::new();
        while let Ok(frame) = self.message().await {
            if frame["type"] == "postroom.pong" {
                return Some(heard);
            }
            heard.push(frame);
        }
        None
    }

    /// Follows a collection, from a change on where `since` is given; waits for the answer, which it gives with all
    /// frames that came before it.
    pub async fn subscribe(&mut self, collection: &str, since: Option<u64>) -> (Vec<Value>, Value) {
        let mut message = json!({"action": "subscribe", "collection": collection});
        if let Some(since) = since {
            message["since"] = json!(since);
        }
        self.say(message).await;
        let mut before = Vec::new();
        loop {
            let frame = self.next().await;
            match frame["type"].as_str() {
                Some("postroom.subscribed" | "postroom.error") => return (before, frame),
                _ => before.push(frame),
            }
        }
    }

    /// The next frame, whatever it is.
    pub async fn next(&mut self) -> Value {
        match self.message().await {
            Ok(frame) => frame,
            Err(why) => panic!("{why}; before that came {:#?}", self.came),
        }
    }

    /// The next frame of a type; others are passed over.
    pub async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let frame = match self.message().await {
                Ok(frame) => frame,
                Err(why) => panic!("no {kind}: {why}; before that came {:#?}", self.came),
            };
            if frame["type"] == kind {
                return frame;
            }
        }
    }

    /// The `data` of the next change of a collection.
    pub async fn next_event(&mut self) -> Value {
        self.next_of("postroom.collection.changed").await["data"].take()
    }

    /// All changes up to number `seq` of whatever collection, each number once and in order: as a client applies them.
    pub async fn events_until(&mut self, last_known: u64, seq: u64) -> Vec<Value> {
        let mut level = last_known;
        let mut held = std::collections::BTreeMap::new();
        let mut events = Vec::new();
        while level < seq {
            let event = self.next_event().await;
            held.insert(event["seq"].as_u64().expect("seq"), event);
            while let Some(event) = held.remove(&(level + 1)) {
                level += 1;
                events.push(event);
            }
        }
        events
    }

    /// Waits until the server closes the socket; gives the code and the reason, and what came before.
    pub async fn closed(&mut self) -> (u16, String, Vec<Value>) {
        let deadline = Instant::now() + PATIENCE;
        let mut before = Vec::new();
        loop {
            match timeout_at(deadline, self.stream.next()).await {
                Ok(Some(Ok(Message::Close(Some(frame))))) => return (frame.code.into(), frame.reason.to_string(), before),
                Ok(Some(Ok(Message::Text(text)))) => before.push(serde_json::from_str(&text).expect("a frame is JSON")),
                Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => (),
                other => panic!("the socket is not closed with a reason: {other:?}; before that came {before:#?}"),
            }
        }
    }

    /// Closes the socket, as a client does that goes away.
    pub async fn close(mut self) {
        drop(self.stream.close(None).await);
    }

    async fn message(&mut self) -> Result<Value, String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match timeout_at(deadline, self.stream.next()).await {
                Ok(Some(Ok(Message::Text(text)))) => {
                    let frame: Value = serde_json::from_str(&text).map_err(|error| format!("{error} in {text}"))?;
                    crate::described::event(&frame);
                    self.came.push(frame.clone());
                    return Ok(frame);
                }
                Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => (),
                Ok(other) => return Err(format!("instead came {other:?}")),
                Err(_) => return Err(format!("nothing came for {PATIENCE:?}")),
            }
        }
    }
}

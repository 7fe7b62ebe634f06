//! A WebSocket with a reader of its own, which notes when each event came.

use super::Failure;
use super::client::{Person, hold};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

/// How long an event may take before it counts as lost.
const PATIENCE: Duration = Duration::from_secs(10);

/// An open WebSocket.
pub struct Live {
    events: mpsc::UnboundedReceiver<(Instant, Value)>,
    sender: mpsc::UnboundedSender<String>,
    reader: tokio::task::JoinHandle<()>,
}

impl Live {
    /// Takes a ticket and opens the WebSocket that it names.
    pub async fn open(person: &Person) -> Result<Live, Failure> {
        let ticket = person.post(&["api", "realtime", "tickets"], json!({})).await?.expect(200)?;
        let url = format!("{}?ticket={}", ticket.text_at("/url")?, ticket.text_at("/ticket")?);
        let opened = tokio_tungstenite::connect_async(url).await;
        let (stream, _) = opened.map_err(|error| Failure::new("an open WebSocket", error.to_string()))?;
        let (mut sink, mut stream) = stream.split();
        let (noted, events) = mpsc::unbounded_channel();
        let (sender, mut wishes) = mpsc::unbounded_channel::<String>();
        let reader = tokio::spawn(async move {
            loop {
                tokio::select! {
                    message = stream.next() => match message {
                        Some(Ok(Message::Text(text))) => {
                            let at = Instant::now();
                            let event = serde_json::from_str(&text).unwrap_or(Value::String(text.as_str().to_owned()));
                            if noted.send((at, event)).is_err() { return }
                        }
                        Some(Ok(_)) => {}
                        Some(Err(_)) | None => return,
                    },
                    wish = wishes.recv() => match wish {
                        Some(wish) => if sink.send(Message::text(wish)).await.is_err() { return },
                        None => return drop(sink.close().await),
                    },
                }
            }
        });
        Ok(Live { events, sender, reader })
    }

    /// Says something.
    pub fn say(&self, wish: &Value) -> Result<(), Failure> {
        self.sender.send(wish.to_string()).map_err(|_| Failure::new("an open WebSocket", "it is closed"))
    }

    /// The next event of a type, and when it came. Others are passed over.
    pub async fn next(&mut self, kind: &str) -> Result<(Instant, Value), Failure> {
        let next = async {
            while let Some((at, event)) = self.events.recv().await {
                if event["type"] == kind {
                    return Some((at, event));
                }
                if event["type"] == "postroom.error" {
                    return Some((at, event));
                }
            }
            None
        };
        let expected = || format!("the event {kind}");
        match tokio::time::timeout(PATIENCE, next).await {
            Ok(Some((at, event))) => {
                hold(event["type"] == kind, expected(), &event)?;
                Ok((at, event))
            }
            Ok(None) => Err(Failure::new(expected(), "the WebSocket was closed")),
            Err(_) => Err(Failure::new(expected(), format!("nothing within {} s", PATIENCE.as_secs()))),
        }
    }

    /// The event of change `seq`, or of a later one. Earlier ones are passed over: they may come late, or twice.
    pub async fn change(&mut self, seq: u64) -> Result<(Instant, Value), Failure> {
        loop {
            let (at, event) = self.next("postroom.collection.changed").await?;
            if event["data"]["seq"].as_u64().is_none_or(|came| came >= seq) {
                return Ok((at, event));
            }
        }
    }

    /// Closes it.
    pub async fn close(self) {
        drop(self.sender);
        // Closed by its reader, or with the stack.
        drop(tokio::time::timeout(Duration::from_secs(1), self.reader).await);
    }
}

//! Server-Sent Events as a program hears them.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::Ask;

/// Nothing takes so long: whoever waits for longer waits in vain.
const PATIENCE: Duration = Duration::from_secs(30);

/// An open answer of events.
#[derive(Debug)]
pub struct Events {
    answer: reqwest::Response,
    text: String,
}

/// One event, or a comment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Event {
    /// Its `id`, with which a client goes on.
    pub id: Option<String>,
    /// What it says; `Null` where it has no data.
    pub data: Value,
    /// What a comment says.
    pub comment: Option<String>,
    /// After how many milliseconds a client is to come back.
    pub retry: Option<u64>,
}

impl Events {
    /// Sends the request, and takes the beginning of its answer, which is a stream of events.
    pub async fn open(ask: Ask) -> Events {
        let answer = ask.header("accept", "text/event-stream").begin().await;
        assert_eq!(answer.status(), 200, "{answer:?}");
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Events { answer, text: String::new() }
    }

    /// The next event or comment; `None`: the answer has ended.
    pub async fn next(&mut self) -> Option<Event> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let event = parsed(block);
                self.text = rest.to_owned();
                return Some(event);
            }
            match timeout_at(deadline, self.answer.chunk()).await {
                Ok(Ok(Some(chunk))) => self.text.push_str(std::str::from_utf8(&chunk).expect("text")),
                Ok(Ok(None)) => return None,
                Ok(Err(error)) => panic!("the stream broke: {error:?}"),
                Err(_) => panic!("nothing came for {PATIENCE:?}"),
            }
        }
    }

    /// The next event that says something.
    pub async fn next_data(&mut self) -> Event {
        loop {
            let event = self.next().await.expect("the stream goes on");
            if !event.data.is_null() {
                return event;
            }
        }
    }
}

fn parsed(block: &str) -> Event {
    let mut event = Event::default();
    for line in block.lines() {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
        match name {
            "" => event.comment = Some(value),
            "id" => event.id = Some(value),
            "retry" => event.retry = value.parse().ok(),
            "data" => event.data = serde_json::from_str(&value).unwrap_or_else(|error| panic!("{error} in {value}")),
            _ => panic!("an unknown field: {line}"),
        }
    }
    event
}

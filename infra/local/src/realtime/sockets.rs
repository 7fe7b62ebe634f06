//! The open WebSocket connections, as `@connections` sees them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{mpsc, watch};

/// Messages that may wait for a slow client; one more and it is dropped, because nobody waits for it.
const QUEUE: usize = 512;
/// API Gateway's limit for a message in either direction.
pub const MESSAGE: usize = 128 * 1024;

/// Why a message was not taken.
#[derive(Debug, PartialEq)]
pub enum Refusal {
    /// The connection is not there (any more): 410.
    Gone,
    /// The message is larger than API Gateway carries: 413.
    TooLarge,
}

/// How a connection ended, in the words of the `$disconnect` event.
#[derive(Clone, Debug, PartialEq)]
pub struct Ending {
    /// The close code.
    pub code: u16,
    /// The reason.
    pub reason: String,
}

/// One connection, from the moment `$connect` has agreed.
#[derive(Debug)]
pub struct Socket {
    /// Milliseconds since 1970.
    pub connected_at: i64,
    /// Milliseconds since 1970 of the last message either way.
    pub active_at: AtomicI64,
    /// The client's address.
    pub source: String,
    /// The client's `User-Agent`.
    pub agent: String,
    queue: mpsc::Sender<Vec<u8>>,
    ending: watch::Sender<Option<Ending>>,
}

/// The other end of a `Socket`: what its task sends, and when it ends.
#[derive(Debug)]
pub struct Outgoing {
    /// Messages to send.
    pub messages: mpsc::Receiver<Vec<u8>>,
    /// Set when the connection must end.
    pub ending: watch::Receiver<Option<Ending>>,
}

/// All connections by id.
#[derive(Debug, Default)]
pub struct Sockets(Mutex<HashMap<String, Arc<Socket>>>);

impl Sockets {
    /// A new connection: from now on messages to it are taken.
    pub fn open(&self, id: &str, connected_at: i64, source: String, agent: String) -> (Arc<Socket>, Outgoing) {
        let (queue, messages) = mpsc::channel(QUEUE);
        let (ending, ended) = watch::channel(None);
        let active_at = AtomicI64::new(connected_at);
        let socket = Arc::new(Socket { connected_at, active_at, source, agent, queue, ending });
        self.table().insert(id.to_owned(), Arc::clone(&socket));
        (socket, Outgoing { messages, ending: ended })
    }

    /// The connection, if it is there.
    pub fn find(&self, id: &str) -> Option<Arc<Socket>> {
        self.table().get(id).cloned()
    }

    /// Queues a message without waiting. A client that does not keep up loses its connection.
    pub fn post(&self, id: &str, message: Vec<u8>, now: i64) -> Result<(), Refusal> {
        let socket = self.find(id).ok_or(Refusal::Gone)?;
        if message.len() > MESSAGE {
            return Err(Refusal::TooLarge);
        }
        socket.active_at.store(now, Ordering::Relaxed);
        socket.queue.try_send(message).map_err(|_| {
            self.close(id, Ending { code: 1008, reason: "the client does not keep up".to_owned() });
            Refusal::Gone
        })
    }

    /// Ends a connection; it is gone at once. False when it was not there.
    pub fn close(&self, id: &str, ending: Ending) -> bool {
        let socket = self.table().remove(id);
        socket.is_some_and(|socket| {
            socket.ending.send_replace(Some(ending));
            true
        })
    }

    /// Ends every connection.
    pub fn close_all(&self, ending: &Ending) {
        for (_, socket) in self.table().drain() {
            socket.ending.send_replace(Some(ending.clone()));
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.table().len()
    }

    fn table(&self) -> MutexGuard<'_, HashMap<String, Arc<Socket>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_client_is_dropped_and_delays_nobody() {
        let sockets = Sockets::default();
        let (_, slow) = sockets.open("slow", 0, String::new(), String::new());
        let (_, mut quick) = sockets.open("quick", 0, String::new(), String::new());
        for _ in 0..QUEUE {
            sockets.post("slow", vec![1], 1).unwrap();
        }
        assert_eq!(sockets.post("slow", vec![1], 1), Err(Refusal::Gone));
        assert_eq!(slow.ending.borrow().as_ref().unwrap().code, 1008);
        assert_eq!(sockets.count(), 1);
        sockets.post("quick", vec![2], 7).unwrap();
        assert_eq!(quick.messages.try_recv().unwrap(), [2]);
        assert_eq!(sockets.find("quick").unwrap().active_at.load(Ordering::Relaxed), 7);
    }

    #[test]
    fn who_is_not_there_is_gone_and_large_messages_are_refused() {
        let sockets = Sockets::default();
        assert_eq!(sockets.post("x", vec![], 0), Err(Refusal::Gone));
        let (_, outgoing) = sockets.open("x", 0, String::new(), String::new());
        assert_eq!(sockets.post("x", vec![0; MESSAGE + 1], 0), Err(Refusal::TooLarge));
        assert!(sockets.close("x", Ending { code: 1000, reason: "bye".into() }));
        assert!(!sockets.close("x", Ending { code: 1000, reason: "bye".into() }));
        assert_eq!(outgoing.ending.borrow().as_ref().unwrap().reason, "bye");
    }
}

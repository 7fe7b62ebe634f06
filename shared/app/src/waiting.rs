//! Who waits in this process for a change of a collection.
//!
//! Where the functions share a process (a laptop, a test), `fanout` wakes those who wait, and answers can go out bit by
//! bit. A Lambda hears of nothing while it waits, and its answer goes out as a whole: there, the table is looked at
//! again from time to time, and an answer ends with what it has to say.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::ids::CollectionId;
use tokio::sync::watch;

/// Beyond this many collections, those that nobody waits for any more are forgotten.
const REMEMBERED: usize = 1_000;

/// The waiting room of a process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Waiting(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    streams: bool,
    ended: watch::Sender<bool>,
    collections: Mutex<HashMap<CollectionId, watch::Sender<u64>>>,
}

/// One who waits. What is told after [`Waiting::on`] returned is heard.
#[derive(Debug)]
pub struct Ear {
    told: watch::Receiver<u64>,
    ended: watch::Receiver<bool>,
}

impl Waiting {
    /// Of a process that tells of changes, and whose answers go out bit by bit.
    pub fn together() -> Waiting {
        Waiting::new(true)
    }

    /// Of a process that waits by itself, and whose answers go out as a whole.
    pub fn alone() -> Waiting {
        Waiting::new(false)
    }

    fn new(streams: bool) -> Waiting {
        Waiting(Arc::new(Inner { streams, ended: watch::Sender::new(false), collections: Mutex::default() }))
    }

    /// Whether an answer goes out bit by bit.
    pub fn streams(&self) -> bool {
        self.0.streams
    }

    /// Begins to wait for changes of a collection.
    pub fn on(&self, collection: &CollectionId) -> Ear {
        let mut collections = self.0.collections.lock().unwrap_or_else(PoisonError::into_inner);
        if REMEMBERED < collections.len() {
            collections.retain(|_, told| told.receiver_count() > 0);
        }
        let told = collections.entry(collection.clone()).or_insert_with(|| watch::Sender::new(0)).subscribe();
        Ear { told, ended: self.0.ended.subscribe() }
    }

    /// Tells those who wait that a collection changed.
    pub fn tell(&self, collection: &CollectionId) {
        let mut collections = self.0.collections.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(told) = collections.get(collection) else { return };
        if told.receiver_count() == 0 {
            collections.remove(collection);
        } else {
            told.send_modify(|times| *times += 1);
        }
    }

    /// The process ends: nobody waits any longer.
    pub fn end(&self) {
        self.0.ended.send_replace(true);
    }

    /// Whether the process ends.
    pub fn has_ended(&self) -> bool {
        *self.0.ended.borrow()
    }
}

impl Ear {
    /// Returns when the collection changed since the last call, or the process ends.
    pub async fn hears(&mut self) {
        let ended = self.ended.wait_for(|ended| *ended);
        tokio::select! {
            // An error means that the waiting room is gone: the process ends.
            _ = self.told.changed() => {}
            _ = ended => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_hears_of_its_collection_and_of_the_end() {
        let waiting = Waiting::together();
        let parse = |id: &str| CollectionId::parse(id).unwrap();
        let (mine, other) = (parse("00000000-0000-7000-8000-000000000001"), parse("00000000-0000-7000-8000-000000000002"));
        let mut ear = waiting.on(&mine);
        waiting.tell(&other);
        waiting.tell(&mine);
        ear.hears().await;
        let next = tokio::spawn(async move { ear.hears().await });
        tokio::task::yield_now().await;
        assert!(!next.is_finished(), "once for each");
        waiting.end();
        next.await.unwrap();
        waiting.tell(&mine);
        assert!(waiting.0.collections.lock().unwrap().is_empty(), "forgotten");
    }
}

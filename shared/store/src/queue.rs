//! Writers of one collection inside one process wait for each other instead of clashing in the table.
//!
//! This decides nothing: the transaction's conditions do. It only spares writers that share a process (a laptop, a
//! test) the clashes that the table would answer one by one.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use domain::collection::{Element, Head};
use domain::ids::{CollectionId, GenerationId};
use tokio::sync::OwnedMutexGuard;

use crate::saves::Pending;

/// Beyond this many collections, those that nobody writes to at the moment are forgotten.
const REMEMBERED: usize = 10_000;

/// What the last writer of this process left.
#[derive(Debug, Default)]
pub(crate) struct Last {
    pub(crate) head: Option<Head>,
}

#[derive(Debug, Default)]
struct Known {
    turn: Arc<tokio::sync::Mutex<Last>>,
    waiting: VecDeque<Pending>,
    generation: Option<GenerationId>,
}

/// What this process remembers of collections. Hints, all of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    known: Arc<Mutex<HashMap<CollectionId, Known>>>,
}

impl Memory {
    fn with<T>(&self, collection: &CollectionId, act: impl FnOnce(&mut Known) -> T) -> T {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() > REMEMBERED {
            // Only what nobody uses: a turn that is held or waited for must stay the one turn.
            known.retain(|_, known| Arc::strong_count(&known.turn) > 1 || !known.waiting.is_empty());
        }
        act(known.entry(collection.clone()).or_default())
    }

    /// Waits for this process's other writers of the collection.
    pub(crate) async fn turn(&self, collection: &CollectionId) -> OwnedMutexGuard<Last> {
        let turn = self.with(collection, |known| Arc::clone(&known.turn));
        turn.lock_owned().await
    }

    /// Puts a save among those that wait for the turn.
    pub(crate) fn wait(&self, collection: &CollectionId, pending: Pending) {
        self.with(collection, |known| known.waiting.push_back(pending));
    }

    /// Takes saves of different elements from those that wait, the first one in any case.
    pub(crate) fn take(&self, collection: &CollectionId, at_most: usize, bytes: usize) -> Vec<Pending> {
        self.with(collection, |known| {
            let mut taken: Vec<Pending> = Vec::new();
            let mut left = VecDeque::new();
            let mut size = 0;
            for pending in known.waiting.drain(..) {
                let twice =
                    taken.iter().any(|other| other.id() == pending.id()) || left.iter().any(|other: &Pending| other.id() == pending.id());
                if taken.is_empty() || (taken.len() < at_most && size + pending.bytes() <= bytes && !twice) {
                    size += pending.bytes();
                    taken.push(pending);
                } else {
                    left.push_back(pending);
                }
            }
            known.waiting = left;
            taken
        })
    }

    /// Tells those that wait to write the same element what it is now.
    pub(crate) fn wrote(&self, collection: &CollectionId, element: &Element) {
        self.with(collection, |known| {
            known.waiting.iter_mut().filter(|pending| *pending.id() == element.id).for_each(|pending| pending.is_now(element))
        });
    }

    /// The generation that readers saw last: so that an element can be read together with the head.
    pub(crate) fn generation(&self, collection: &CollectionId) -> Option<GenerationId> {
        self.with(collection, |known| known.generation.clone())
    }

    /// Remembers the generation.
    pub(crate) fn saw(&self, collection: &CollectionId, generation: &GenerationId) {
        self.with(collection, |known| {
            if known.generation.as_ref() != Some(generation) {
                known.generation = Some(generation.clone());
            }
        });
    }
}

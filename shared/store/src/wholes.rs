//! Collections that this process read lately, so that reading one again does not take its megabytes out of the table.
//!
//! This decides nothing: whoever asks has read the head, consistently, and takes what is here only where its number says
//! that nothing changed since.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::collection::{Element, Head};
use domain::ids::{CollectionId, GenerationId};

use crate::elements::Whole;

/// The JSON that is kept together, in bytes. The smallest Lambda has 128 MB.
const KEPT: usize = 16 * 1024 * 1024;

/// A collection as it was at a number.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    collection: CollectionId,
    pub(crate) generation: GenerationId,
    pub(crate) seq: u64,
    pub(crate) whole: Arc<Whole>,
    bytes: usize,
}

/// What is known, the last used at the end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wholes(Arc<Mutex<Vec<Known>>>);

impl Wholes {
    fn known(&self) -> MutexGuard<'_, Vec<Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn find(&self, collection: &CollectionId) -> Option<Known> {
        let mut known = self.known();
        let at = known.iter().position(|known| known.collection == *collection)?;
        let found = known.remove(at);
        known.push(found.clone());
        Some(found)
    }

    /// Keeps a collection as it was when its head was read, unless a later state is known; the longest unused go.
    pub(crate) fn keep(&self, head: &Head, whole: &Arc<Whole>) {
        let origin = |element: &Element| element.origin.as_ref().map_or(0, String::len);
        let bytes = whole.elements.iter().map(|element| element.json.len() + origin(element) + size_of_val(element)).sum();
        let mut known = self.known();
        if bytes > KEPT || known.iter().any(|known| known.collection == head.collection && known.seq > head.seq) {
            return;
        }
        known.retain(|known| known.collection != head.collection);
        known.push(Known {
            collection: head.collection.clone(),
            generation: head.generation.clone(),
            seq: head.seq,
            whole: Arc::clone(whole),
            bytes,
        });
        let mut kept = 0;
        let fit = known.iter().rev().take_while(|known| {
            kept += known.bytes;
            kept <= KEPT
        });
        let too_much = known.len() - fit.count();
        known.drain(..too_much);
    }
}

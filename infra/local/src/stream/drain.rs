//! Knowing that the stream is drained, without sleeping: whoever settles asks every reader for an empty read that
//! began after the question, until a round passes in which no function was called.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// A function's writes can lead to further calls. No chain of ours is nearly as long, and under constant traffic
/// there is no quiet round: what was there when settling began is long done by then.
const ROUNDS: usize = 16;
/// Longer than the lease of a mail whose sender died, which holds the stream up after a crash.
const PATIENCE: Duration = Duration::from_secs(120);

/// The readers of a stack and how far each has come.
#[derive(Debug)]
pub struct Drain {
    /// Number of the last question asked.
    asked: watch::Sender<u64>,
    /// The last question that each reader has answered.
    answered: Mutex<HashMap<String, u64>>,
    changed: watch::Sender<u64>,
    calls: AtomicU64,
}

impl Default for Drain {
    fn default() -> Drain {
        Drain { asked: watch::Sender::new(0), answered: Mutex::default(), changed: watch::Sender::new(0), calls: AtomicU64::new(0) }
    }
}

impl Drain {
    /// From now on settling waits for this reader too.
    pub fn join(&self, reader: &str) {
        self.readers().entry(reader.to_owned()).or_default();
    }

    /// Settling no longer waits for this reader.
    pub fn leave(&self, reader: &str) {
        self.readers().remove(reader);
        self.changed.send_modify(|count| *count += 1);
    }

    /// The questions; a reader looks before it reads, and answers with that number when the read came back empty.
    pub fn questions(&self) -> watch::Receiver<u64> {
        self.asked.subscribe()
    }

    /// A read that began after question `number` found nothing, and nothing is in the reader's hands.
    pub fn answer(&self, reader: &str, number: u64) {
        if let Some(answered) = self.readers().get_mut(reader) {
            *answered = number;
        }
        self.changed.send_modify(|count| *count += 1);
    }

    /// A function is about to be called.
    pub fn called(&self) {
        self.calls.fetch_add(1, Ordering::SeqCst);
    }

    /// Returns when everything that was acknowledged before this call has been handed over, and everything that
    /// followed from it. The error names the readers that did not get there.
    pub async fn settle(&self) -> Result<(), String> {
        for _ in 0..ROUNDS {
            let before = self.calls.load(Ordering::SeqCst);
            let mut changed = self.changed.subscribe();
            let mut number = 0;
            self.asked.send_modify(|asked| {
                *asked += 1;
                number = *asked;
            });
            let everyone = changed.wait_for(|_| self.behind(number).is_empty());
            if !matches!(tokio::time::timeout(PATIENCE, everyone).await, Ok(Ok(_))) {
                return Err(format!("the stream did not drain: {} is not done", self.behind(number).join(", ")));
            }
            if self.calls.load(Ordering::SeqCst) == before {
                return Ok(());
            }
        }
        Ok(())
    }

    fn behind(&self, number: u64) -> Vec<String> {
        let readers = self.readers();
        readers.iter().filter(|(_, answered)| **answered < number).map(|(reader, _)| reader.clone()).collect()
    }

    fn readers(&self) -> MutexGuard<'_, HashMap<String, u64>> {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[tokio::test]
    async fn settling_goes_on_until_a_round_calls_no_function() {
        let drain = Arc::new(Drain::default());
        drain.join("reader");
        let (reader, mut questions) = (Arc::clone(&drain), drain.questions());
        let task = tokio::spawn(async move {
            let mut work = 3;
            while questions.changed().await.is_ok() {
                let number = *questions.borrow_and_update();
                if work > 0 {
                    work -= 1;
                    reader.called();
                }
                reader.answer("reader", number);
            }
        });
        drain.settle().await.unwrap();
        assert_eq!(drain.calls.load(Ordering::SeqCst), 3);
        assert_eq!(*drain.asked.borrow(), 4);
        task.abort();
    }

    #[tokio::test]
    async fn who_leaves_is_not_waited_for_and_an_empty_stack_is_settled() {
        let drain = Drain::default();
        drain.settle().await.unwrap();
        drain.join("gone");
        drain.leave("gone");
        drain.settle().await.unwrap();
    }
}

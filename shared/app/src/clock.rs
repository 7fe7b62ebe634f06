//! The time. Tests and the local stack move it; nothing below a handler asks the system.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// The system's time plus what the clock was moved by.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    moved_ms: Arc<watch::Sender<i64>>,
}

impl Clock {
    /// The system's time.
    pub fn system() -> Clock {
        Clock::default()
    }

    /// The time now, to the millisecond.
    pub fn now(&self) -> Timestamp {
        let now = Timestamp::now().as_millisecond() + *self.moved_ms.borrow();
        Timestamp::from_millisecond(now).unwrap_or(Timestamp::MAX)
    }

    /// Moves the clock, for everyone who shares it.
    pub fn advance(&self, by: SignedDuration) {
        let ms = i64::try_from(by.as_millis()).unwrap_or(0);
        self.moved_ms.send_modify(|moved| *moved += ms);
    }

    /// Returns when the clock shows `at`, also where it is moved there.
    pub async fn reaches(&self, at: Timestamp) {
        let mut moved = self.moved_ms.subscribe();
        loop {
            let left = at.duration_since(self.now());
            if left <= SignedDuration::ZERO {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(left.unsigned_abs()) => {}
                // The sender is this clock's own: it is there.
                _ = moved.changed() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_clock_that_is_moved_wakes_those_who_wait_for_it() {
        let clock = Clock::system();
        let later = clock.now() + SignedDuration::from_hours(24);
        let waiting = tokio::spawn({
            let clock = clock.clone();
            async move { clock.reaches(later).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        clock.advance(SignedDuration::from_hours(25));
        waiting.await.unwrap();
    }
}

//! The time. Tests and the local stack move it; nothing below a handler asks the system.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// The system's time plus what the clock was moved by.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    moved_ms: Arc<AtomicI64>,
}

impl Clock {
    /// The system's time.
    pub fn system() -> Clock {
        Clock::default()
    }

    /// The time now, to the millisecond.
    pub fn now(&self) -> Timestamp {
        let now = Timestamp::now().as_millisecond() + self.moved_ms.load(Ordering::Relaxed);
        Timestamp::from_millisecond(now).unwrap_or(Timestamp::MAX)
    }

    /// Moves the clock, for everyone who shares it.
    pub fn advance(&self, by: SignedDuration) {
        let ms = i64::try_from(by.as_millis()).unwrap_or(0);
        self.moved_ms.fetch_add(ms, Ordering::Relaxed);
    }
}

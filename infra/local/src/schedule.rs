//! The schedules of the template, by the stack's clock.

use crate::functions::ScheduleHandler;
use app::Clock;
use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::sync::{Mutex, watch};

/// All schedules of a stack.
pub struct Schedules {
    clock: Clock,
    entries: Mutex<Vec<Entry>>,
}

/// One function and when it runs.
#[derive(Clone)]
pub struct Entry {
    /// The function's name.
    pub function: String,
    /// The time between two calls.
    pub every: SignedDuration,
    /// When it is called next.
    pub due: Timestamp,
    /// How long one call may take.
    pub timeout: Duration,
    /// The function.
    pub handler: ScheduleHandler,
}

impl Schedules {
    /// These schedules by this clock.
    pub fn new(clock: Clock, entries: Vec<Entry>) -> Schedules {
        Schedules { clock, entries: Mutex::new(entries) }
    }

    /// Calls what is due, once each however long it was due, and returns when it is done.
    pub async fn run_due(&self) {
        for entry in self.entries.lock().await.iter_mut() {
            let now = self.clock.now();
            if entry.due <= now {
                entry.due = now.saturating_add(entry.every).unwrap_or(Timestamp::MAX);
                entry.call(now).await;
            }
        }
    }

    /// Calls what runs every minute, due or not: what the stream has just brought may be due already.
    pub async fn run_frequent(&self) {
        for entry in self.entries.lock().await.iter_mut() {
            if entry.every <= SignedDuration::from_mins(1) {
                entry.call(self.clock.now()).await;
            }
        }
    }

    /// Hands an event to a function.
    pub async fn tell(&self, function: &str, event: serde_json::Value) {
        // Outside the lock: a function that is told an event keeps no other waiting.
        let entry = self.entries.lock().await.iter().find(|entry| entry.function == function).cloned();
        if let Some(entry) = entry {
            entry.hand(event).await;
        }
    }

    /// Calls what is due when it is due, also when the clock is moved.
    pub async fn run(&self, mut moved: watch::Receiver<u64>) {
        loop {
            let next = self.entries.lock().await.iter().map(|entry| entry.due).min();
            let Some(next) = next else { return };
            let left = next.duration_since(self.clock.now()).max(SignedDuration::ZERO);
            tokio::select! {
                () = tokio::time::sleep(left.unsigned_abs()) => {}
                changed = moved.changed() => if changed.is_err() { return },
            }
            self.run_due().await;
        }
    }
}

impl Entry {
    async fn call(&self, now: Timestamp) {
        let event = json!({
            "version": "0",
            "id": format!("{}-{}", self.function, now.as_millisecond()),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": "000000000000",
            "time": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "region": "local",
            "resources": [],
            "detail": {},
        });
        self.hand(event).await;
    }

    async fn hand(&self, event: serde_json::Value) {
        let function = &self.function;
        match tokio::time::timeout(self.timeout, AssertUnwindSafe((self.handler)(event)).catch_unwind()).await {
            Ok(Ok(Ok(_))) => {}
            Ok(Ok(Err(error))) => tracing::error!(function, error, "a scheduled function failed"),
            Ok(Err(_)) => tracing::error!(function, "a scheduled function panicked"),
            Err(_) => tracing::error!(function, "a scheduled function took too long"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn a_schedule_runs_when_the_clock_says_so() {
        let clock = Clock::system();
        let calls = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&calls);
        let handler: ScheduleHandler = Arc::new(move |event| {
            assert_eq!(event["detail-type"], "Scheduled Event");
            counted.fetch_add(1, Ordering::SeqCst);
            async { panic!("a janitor that fails is called again") }.boxed()
        });
        let every = SignedDuration::from_hours(1);
        let due = clock.now() + every;
        let entry = Entry { function: "janitor".into(), every, due, timeout: Duration::from_secs(9), handler };
        let schedules = Schedules::new(clock.clone(), vec![entry]);
        schedules.run_due().await;
        assert_eq!(calls.load(Ordering::SeqCst), 0);
        clock.advance(SignedDuration::from_hours(3));
        schedules.run_due().await;
        schedules.run_due().await;
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }
}

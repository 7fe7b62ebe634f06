//! The stream as Lambda reads it for a function: each mapping has its own place in every shard, hands over filtered
//! batches in order, and retries, splits and gives up as `batch` says.

pub mod batch;
pub mod checkpoint;
pub mod drain;
pub mod filter;
pub mod letters;
mod record;

use crate::redrive;
use crate::template::Mapping;
use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use aws_lambda_events::event::streams::DynamoDbEventResponse;
use aws_sdk_dynamodbstreams::error::DisplayErrorContext;
use aws_sdk_dynamodbstreams::operation::get_records::{GetRecordsError, GetRecordsOutput};
use aws_sdk_dynamodbstreams::types::{Record, Shard, ShardIteratorType};
use batch::{Batch, Next, Outcome};
use checkpoint::Checkpoint;
use drain::Drain;
use futures::FutureExt;
use futures::future::BoxFuture;
use letters::{DeadLetter, DeadLetters};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

/// Records of one read: an element can be 300 KB, so that more would be too much to hold.
const PAGE: i32 = 100;
/// Without a sign of a write: how soon to look again, doubled up to the second value while nothing comes. Only
/// writers outside this process need it.
const LOOK_AGAIN: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));
/// A reader rests this many times as long as its read took …
const REST: u32 = 8;
/// … but not longer than this: Lambda itself looks four times a second.
const LONGEST_REST: Duration = Duration::from_millis(80);
/// After a failed read.
const RECOVER: Duration = Duration::from_millis(500);
/// How often to look for shards that nothing announced.
const NEW_SHARDS: Duration = Duration::from_secs(300);

/// A stream function.
pub type Handler = Arc<dyn Fn(Event) -> BoxFuture<'static, Result<DynamoDbEventResponse, String>> + Send + Sync>;
/// Changes what a function is handed: tests duplicate and reorder records. Gets the function's name.
pub type Meddler = Arc<dyn Fn(&str, Vec<EventRecord>) -> Vec<EventRecord> + Send + Sync>;

/// One mapping at work.
pub struct Consumer {
    /// What the template says.
    pub mapping: Mapping,
    /// The function.
    pub handler: Handler,
    /// How long one call may take.
    pub timeout: Duration,
    /// The stream's client.
    pub client: aws_sdk_dynamodbstreams::Client,
    /// The stream.
    pub stream: String,
    /// Signs of writes to the table.
    pub writes: watch::Receiver<u64>,
    /// True when the stack stops.
    pub stop: watch::Receiver<bool>,
    /// Who wants to know when all is done.
    pub drain: Arc<Drain>,
    /// How far each shard is done.
    pub checkpoint: Checkpoint,
    /// Where records go that are given up.
    pub letters: Arc<DeadLetters>,
    /// What a test does to batches.
    pub meddler: Option<Meddler>,
    /// Whether what failed is tried again without a pause.
    pub hasty: bool,
    /// Whether the last read failed.
    pub failing: AtomicBool,
}

impl Consumer {
    /// Reads all shards, parents before their children, until the stack stops.
    pub async fn run(self: Arc<Self>) {
        let name = &self.mapping.function;
        self.drain.join(name);
        let mut questions = self.drain.questions();
        let mut stop = self.stop.clone();
        let mut readers = JoinSet::new();
        let mut reading = BTreeSet::new();
        let mut ended: Vec<String> = Vec::new();
        while !self.stopped() {
            let question = *questions.borrow_and_update();
            match self.shards().await {
                Ok(shards) => {
                    for shard in self.ready(&shards) {
                        if reading.insert(shard.clone()) {
                            self.drain.join(&self.reader(&shard));
                            let consumer = Arc::clone(&self);
                            readers.spawn(async move {
                                consumer.read(&shard).await;
                                shard
                            });
                        }
                    }
                    // Only now that their children are known may nobody wait for them any more.
                    ended.drain(..).for_each(|shard| self.drain.leave(&self.reader(&shard)));
                    self.drain.answer(name, question);
                }
                Err(error) => {
                    self.complain(&error);
                    sleep(RECOVER).await;
                    continue;
                }
            }
            tokio::select! {
                Some(Ok(shard)) = readers.join_next() => ended.push(shard),
                _ = questions.changed() => {}
                _ = stop.changed() => {}
                () = sleep(NEW_SHARDS) => {}
            }
        }
        while readers.join_next().await.is_some() {}
        self.checkpoint.save();
    }

    /// The stack stops, or is gone.
    fn stopped(&self) -> bool {
        *self.stop.borrow() || self.stop.has_changed().is_err()
    }

    fn reader(&self, shard: &str) -> String {
        format!("{} at {shard}", self.mapping.function)
    }

    fn complain(&self, error: &str) {
        if !self.failing.swap(true, Ordering::Relaxed) {
            tracing::warn!(function = self.mapping.function, error, "the stream cannot be read");
        }
    }

    async fn shards(&self) -> Result<Vec<Shard>, String> {
        let mut shards = Vec::new();
        let mut from = None;
        loop {
            let page = self
                .client
                .describe_stream()
                .stream_arn(&self.stream)
                .set_exclusive_start_shard_id(from)
                .send()
                .await
                .map_err(|error| DisplayErrorContext(error).to_string())?;
            let Some(description) = page.stream_description else { return Ok(shards) };
            from = description.last_evaluated_shard_id;
            shards.extend(description.shards.unwrap_or_default());
            if from.is_none() {
                return Ok(shards);
            }
        }
    }

    /// The shards that may be read now: not done, and their parent is done or no longer there.
    fn ready(&self, shards: &[Shard]) -> Vec<String> {
        let open: BTreeMap<_, _> = shards
            .iter()
            .filter_map(|shard| Some((shard.shard_id()?, shard.parent_shard_id())))
            .filter(|(id, _)| !self.checkpoint.is_closed(id))
            .collect();
        open.iter().filter(|(_, parent)| parent.is_none_or(|parent| !open.contains_key(parent))).map(|(id, _)| (*id).to_owned()).collect()
    }

    /// Reads one shard until it ends or the stack stops.
    async fn read(&self, shard: &str) {
        let name = self.reader(shard);
        let (mut writes, mut stop) = (self.writes.clone(), self.stop.clone());
        let mut questions = self.drain.questions();
        let mut place = None;
        let mut quiet = LOOK_AGAIN.0;
        let mut rested = Instant::now();
        while !self.stopped() {
            sleep_until(rested).await;
            // Looked at before the read: what comes during it makes for another one.
            writes.mark_unchanged();
            let question = *questions.borrow_and_update();
            let began = Instant::now();
            let page = match self.page(shard, &mut place).await {
                Ok(page) => page,
                Err(error) => {
                    self.complain(&error);
                    place = None;
                    sleep(RECOVER).await;
                    continue;
                }
            };
            self.failing.store(false, Ordering::Relaxed);
            // Two readers must not keep the database from the writers who wait for it: the busier it is, the more there
            // is to read at once.
            rested = began + (began.elapsed() * REST).min(LONGEST_REST);
            let records = page.records.unwrap_or_default();
            if let Some(last) = records.last() {
                self.deliver(shard, &records).await;
                if self.stopped() {
                    // Given up in the middle, perhaps: the next start hands them over again.
                    return;
                }
                self.checkpoint.advance(shard, record::sequence(last));
            }
            place = page.next_shard_iterator;
            if place.is_none() {
                self.checkpoint.close(shard);
                return;
            }
            if !records.is_empty() {
                quiet = LOOK_AGAIN.0;
                continue;
            }
            self.checkpoint.save();
            self.drain.answer(&name, question);
            tokio::select! {
                _ = writes.changed() => {}
                _ = questions.changed() => {}
                _ = stop.changed() => {}
                () = sleep(quiet) => quiet = (quiet * 2).min(LOOK_AGAIN.1),
            }
        }
    }

    async fn page(&self, shard: &str, place: &mut Option<String>) -> Result<GetRecordsOutput, String> {
        let iterator = match place.take() {
            Some(iterator) => iterator,
            None => self.iterator(shard).await?,
        };
        match self.client.get_records().shard_iterator(iterator).limit(PAGE).send().await {
            Ok(page) => Ok(page),
            Err(error) => match error.as_service_error() {
                // An iterator lives fifteen minutes.
                Some(GetRecordsError::ExpiredIteratorException(_)) => {
                    Ok(GetRecordsOutput::builder().next_shard_iterator(self.iterator(shard).await?).build())
                }
                _ => Err(DisplayErrorContext(error).to_string()),
            },
        }
    }

    async fn iterator(&self, shard: &str) -> Result<String, String> {
        let from = |kind, after| {
            let ask = self.client.get_shard_iterator().stream_arn(&self.stream).shard_id(shard);
            ask.shard_iterator_type(kind).set_sequence_number(after).send()
        };
        let begin = if self.mapping.from_start { ShardIteratorType::TrimHorizon } else { ShardIteratorType::Latest };
        let found = match self.checkpoint.after(shard) {
            None => from(begin, None).await,
            Some(after) => match from(ShardIteratorType::AfterSequenceNumber, Some(after)).await {
                // Older than the stream goes back: begin with the oldest that is left.
                Err(error) if error.as_service_error().is_some_and(|error| error.is_trimmed_data_access_exception()) => {
                    from(ShardIteratorType::TrimHorizon, None).await
                }
                found => found,
            },
        };
        let found = found.map_err(|error| DisplayErrorContext(error).to_string())?;
        found.shard_iterator.ok_or_else(|| "the shard has no iterator".to_owned())
    }

    /// Hands over what passes the filter, in batches.
    async fn deliver(&self, shard: &str, records: &[Record]) {
        let filter = &self.mapping.filter;
        let images = ["Keys", "NewImage", "OldImage"].map(|image| (image, filter.attributes(image)));
        let looked_at =
            |image: &str, attribute: &str| images.iter().any(|(name, attributes)| *name == image && attributes.contains(attribute));
        let mut passed = Vec::new();
        for record in records {
            if record::is_unchanged(record) || !filter.matches(&record::only(record, &looked_at)) {
                continue;
            }
            match serde_json::from_value::<EventRecord>(record::event(record, &self.stream)) {
                Ok(event) => passed.push(event),
                Err(error) => tracing::error!(%error, shard, sequence = record::sequence(record), "unreadable record"),
            }
        }
        for records in passed.chunks(self.mapping.rules.size) {
            self.work_off(shard, records).await;
        }
    }

    async fn work_off(&self, shard: &str, records: &[EventRecord]) {
        // A record ages from when it was seen: time that the laptop was off, or that a test skipped, does not count.
        let seen = Instant::now();
        let place = |record: &EventRecord| record.change.sequence_number.clone().unwrap_or_default();
        let mut batch = Batch::new(records.iter().map(place).collect(), self.mapping.rules.clone());
        let mut stop = self.stop.clone();
        loop {
            match batch.next(|_| seen.elapsed()) {
                Next::Finished => return,
                Next::Invoke(range, pause) => {
                    tokio::select! {
                        () = sleep(if self.hasty { Duration::ZERO } else { pause }) => {}
                        _ = stop.wait_for(|stop| *stop) => return,
                    }
                    batch.report(self.call(records[range].to_vec()).await);
                }
                Next::GiveUp { records: range, why, tries } => {
                    let given_up = &records[range];
                    let letter = DeadLetter {
                        function: self.mapping.function.clone(),
                        condition: why,
                        tries,
                        shard: shard.to_owned(),
                        first: given_up.first().map(place).unwrap_or_default(),
                        last: given_up.last().map(place).unwrap_or_default(),
                        records: given_up.len(),
                        at: jiff::Timestamp::now(),
                        payload: payload(given_up),
                    };
                    tracing::error!(function = letter.function, records = letter.records, ?why, "records were given up");
                    if self.mapping.dead_letters {
                        self.letters.add(letter);
                    }
                }
            }
        }
    }

    /// Hands the records of a dead letter over again; whether the function took all of them.
    pub async fn redeliver(&self, letter: &DeadLetter) -> bool {
        let records = match serde_json::from_str::<Event>(&letter.payload) {
            Ok(event) => event.records,
            Err(error) => {
                tracing::error!(%error, function = letter.function, "a dead letter cannot be read");
                return false;
            }
        };
        let takes = |records| async { Ok(matches!(self.call(records).await, Outcome::Answered(failed) if failed.is_empty())) };
        redrive::each(records, takes).await.is_ok_and(|left| left == 0)
    }

    /// One invocation. A panic or a function that takes too long is a failure, as in Lambda.
    async fn call(&self, records: Vec<EventRecord>) -> Outcome {
        let function = &self.mapping.function;
        let mut event = Event::default();
        event.records = match &self.meddler {
            Some(meddle) => meddle(function, records),
            None => records,
        };
        self.drain.called();
        let answer = AssertUnwindSafe(async { (self.handler)(event).await }).catch_unwind();
        match tokio::time::timeout(self.timeout, answer).await {
            Ok(Ok(Ok(response))) => {
                Outcome::Answered(response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect())
            }
            Ok(Ok(Err(error))) => {
                tracing::warn!(function, error, "a stream function failed");
                Outcome::Failed
            }
            Ok(Err(_)) => {
                tracing::warn!(function, "a stream function panicked");
                Outcome::Failed
            }
            Err(_) => {
                tracing::warn!(function, "a stream function took too long");
                Outcome::Failed
            }
        }
    }
}

/// The event that hands these records over, as JSON text.
fn payload(records: &[EventRecord]) -> String {
    let mut event = Event::default();
    event.records = records.to_vec();
    serde_json::to_string(&event).unwrap_or_else(|error| {
        tracing::error!(%error, "a dead letter's records cannot be written");
        String::new()
    })
}

#[cfg(test)]
mod tests;

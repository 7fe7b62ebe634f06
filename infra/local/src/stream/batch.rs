//! What Lambda does with one batch of stream records, as a state machine without I/O: it hands the batch over, reads
//! the answer, and retries, splits or gives up.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

/// Pause before the first retry; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The settings of an event source mapping that decide about a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// Most records of one invocation.
    pub size: usize,
    /// How often a failed batch is tried again; `None` means for ever.
    pub retries: Option<u32>,
    /// How long a record is tried; `None` means for ever.
    pub max_age: Option<Duration>,
    /// Whether a failed batch is halved before it is tried again.
    pub bisect: bool,
    /// Whether the answer may name the records that failed (`ReportBatchItemFailures`).
    pub partial: bool,
}

/// What came of one invocation.
#[derive(Debug)]
pub enum Outcome {
    /// The function answered; the identifiers are those of `batchItemFailures`.
    Answered(Vec<Option<String>>),
    /// The function failed, panicked or took too long.
    Failed,
}

/// What to do next with the batch. Ranges are positions in the batch's records.
#[derive(Debug, PartialEq)]
pub enum Next {
    /// Hand these records over, after a pause.
    Invoke(Range<usize>, Duration),
    /// Give these records up: they have been tried `tries` times.
    GiveUp { records: Range<usize>, why: Condition, tries: u32 },
    /// All records are done or given up.
    Finished,
}

/// Why records were given up, in Lambda's words.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Condition {
    /// The mapping's `MaximumRetryAttempts` were used up.
    RetryAttemptsExhausted,
    /// The oldest record is older than the mapping's `MaximumRecordAgeInSeconds`.
    RecordAgeExceeded,
}

/// One batch on its way: the sequence numbers of its records, and the slices still to be done, in order.
#[derive(Debug)]
pub struct Batch {
    sequence: Vec<String>,
    slices: VecDeque<Slice>,
    rules: Rules,
}

#[derive(Debug)]
struct Slice {
    records: Range<usize>,
    /// Failures that count against `rules.retries`; halving a batch does not.
    failures: u32,
    /// Invocations, for the pause.
    tries: u32,
}

impl Batch {
    /// A batch of the records with these sequence numbers, oldest first.
    pub fn new(sequence: Vec<String>, rules: Rules) -> Batch {
        let whole = Slice { records: 0..sequence.len(), failures: 0, tries: 0 };
        Batch { sequence, slices: VecDeque::from([whole]), rules }
    }

    /// What to do now. `age` tells how old the record at a position is.
    pub fn next(&mut self, age: impl Fn(usize) -> Duration) -> Next {
        let Some(slice) = self.slices.front_mut() else { return Next::Finished };
        if slice.records.is_empty() {
            self.slices.pop_front();
            return self.next(age);
        }
        if self.rules.retries.is_some_and(|most| slice.failures > most) {
            let given_up = Next::GiveUp { records: slice.records.clone(), why: Condition::RetryAttemptsExhausted, tries: slice.tries };
            self.slices.pop_front();
            return given_up;
        }
        if let Some(most) = self.rules.max_age {
            let old = slice.records.clone().take_while(|record| age(*record) > most).count();
            if old > 0 {
                let records = slice.records.start..slice.records.start + old;
                slice.records.start += old;
                return Next::GiveUp { records, why: Condition::RecordAgeExceeded, tries: slice.tries };
            }
        }
        Next::Invoke(slice.records.clone(), pause(slice.tries))
    }

    /// Takes the outcome of the invocation that `next` asked for.
    pub fn report(&mut self, outcome: Outcome) {
        let Some(mut slice) = self.slices.pop_front() else { return };
        slice.tries += 1;
        match outcome {
            Outcome::Answered(failed) if !self.rules.partial || failed.is_empty() => return,
            Outcome::Answered(failed) => match self.first_failed(&slice.records, &failed) {
                // What stands before the first failure is done, and the rest begins anew.
                Some(first) if first > slice.records.start => {
                    let records = first..slice.records.end;
                    let failures = u32::from(!self.rules.bisect || records.len() == 1);
                    self.slices.push_front(Slice { records, failures, tries: 1 });
                    return;
                }
                // An identifier that is not in the batch, or none at all, fails the whole of it.
                Some(_) | None => {}
            },
            Outcome::Failed => {}
        }
        if self.rules.bisect && slice.records.len() > 1 {
            let middle = slice.records.start + slice.records.len() / 2;
            for records in [middle..slice.records.end, slice.records.start..middle] {
                self.slices.push_front(Slice { records, failures: 0, tries: slice.tries });
            }
        } else {
            slice.failures += 1;
            self.slices.push_front(slice);
        }
    }

    /// The position of the lowest sequence number reported; `None` when one of them is not of this slice.
    fn first_failed(&self, records: &Range<usize>, failed: &[Option<String>]) -> Option<usize> {
        failed
            .iter()
            .map(|id| {
                let id = id.as_deref()?;
                records.clone().find(|record| compare(&self.sequence[*record], id) == Ordering::Equal)
            })
            .collect::<Option<Vec<_>>>()?
            .into_iter()
            .min()
    }
}

fn pause(tries: u32) -> Duration {
    match tries {
        0 => Duration::ZERO,
        tries => FIRST_PAUSE.saturating_mul(1 << (tries - 1).min(16)).min(LONGEST_PAUSE),
    }
}

/// Compares two sequence numbers as the numbers they are, however long.
pub fn compare(one: &str, other: &str) -> Ordering {
    let (one, other) = (one.trim_start_matches('0'), other.trim_start_matches('0'));
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        Rules { size: 100, retries: Some(2), max_age: None, bisect: false, partial: true }
    }

    fn batch(records: usize, rules: Rules) -> Batch {
        Batch::new((0..records).map(|record| format!("10000{record}")).collect(), rules)
    }

    fn answered(failed: &[&str]) -> Outcome {
        Outcome::Answered(failed.iter().map(|id| Some((*id).to_owned())).collect())
    }

    /// Plays a batch against a function; gives what was handed over and, after a minus, what was given up.
    fn play(mut batch: Batch, mut function: impl FnMut(Range<usize>) -> Outcome) -> String {
        let mut story = Vec::new();
        loop {
            match batch.next(|_| Duration::ZERO) {
                Next::Invoke(records, _) => {
                    story.push(format!("{records:?}"));
                    batch.report(function(records));
                }
                Next::GiveUp { records, .. } => story.push(format!("-{records:?}")),
                Next::Finished => return story.join(" "),
            }
        }
    }

    #[test]
    fn a_batch_that_succeeds_is_handed_over_once() {
        assert_eq!(play(batch(3, rules()), |_| answered(&[])), "0..3");
        assert_eq!(play(batch(0, rules()), |_| answered(&[])), "");
    }

    #[test]
    fn a_failed_batch_is_retried_as_a_whole_and_given_up() {
        assert_eq!(play(batch(3, rules()), |_| Outcome::Failed), "0..3 0..3 0..3 -0..3");
        let never = Rules { retries: Some(0), ..rules() };
        assert_eq!(play(batch(3, never), |_| Outcome::Failed), "0..3 -0..3");
    }

    #[test]
    fn the_pause_doubles_up_to_a_limit() {
        let mut batch = batch(1, Rules { retries: None, ..rules() });
        let mut pauses = Vec::new();
        for _ in 0..9 {
            let Next::Invoke(_, pause) = batch.next(|_| Duration::ZERO) else { panic!("it gave up") };
            pauses.push(pause.as_millis());
            batch.report(Outcome::Failed);
        }
        assert_eq!(pauses, [0, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
    }

    #[test]
    fn a_partial_failure_is_retried_from_the_lowest_number_reported() {
        let mut times = 0;
        let story = play(batch(5, rules()), |_| {
            times += 1;
            if times == 1 { answered(&["100003", "100002"]) } else { answered(&[]) }
        });
        assert_eq!(story, "0..5 2..5");
    }

    #[test]
    fn progress_gives_the_rest_its_retries_back() {
        // Each invocation gets one record further: five records outlive two retries.
        let story =
            play(
                batch(5, rules()),
                |records| {
                    if records.len() == 1 { answered(&[]) } else { answered(&[&format!("10000{}", records.start + 1)]) }
                },
            );
        assert_eq!(story, "0..5 1..5 2..5 3..5 4..5");
    }

    #[test]
    fn an_identifier_that_is_not_in_the_batch_fails_the_whole_of_it() {
        for wrong in [vec![None], vec![Some("7".to_owned())], vec![Some("100002".to_owned()), Some(String::new())]] {
            let mut answers = vec![Outcome::Answered(vec![]), Outcome::Answered(wrong)];
            assert_eq!(play(batch(3, rules()), |_| answers.pop().unwrap()), "0..3 0..3");
        }
    }

    #[test]
    fn an_answer_is_not_read_unless_the_mapping_says_so() {
        let deaf = Rules { partial: false, ..rules() };
        assert_eq!(play(batch(3, deaf), |_| answered(&["100001"])), "0..3");
    }

    #[test]
    fn bisecting_finds_the_one_bad_record_and_keeps_the_order() {
        let halving = Rules { bisect: true, retries: Some(1), ..rules() };
        let mut done = Vec::new();
        let story = play(batch(8, halving.clone()), |records| {
            if records.contains(&5) {
                return Outcome::Failed;
            }
            done.extend(records);
            answered(&[])
        });
        assert_eq!(story, "0..8 0..4 4..8 4..6 4..5 5..6 5..6 -5..6 6..8");
        assert_eq!(done, [0, 1, 2, 3, 4, 6, 7]);
        // A function that names the bad record: what comes after it is not lost with it.
        let mut done = Vec::new();
        let story = play(batch(4, halving), |records| {
            let bad = 1;
            done.extend(records.clone().take_while(|record| *record != bad));
            if records.contains(&bad) { answered(&["100001"]) } else { answered(&[]) }
        });
        assert_eq!(story, "0..4 1..4 1..2 1..2 -1..2 2..4");
        assert_eq!(done, [0, 2, 3]);
    }

    #[test]
    fn records_that_are_too_old_are_given_up_and_the_rest_is_not() {
        let mut batch = batch(3, Rules { max_age: Some(Duration::from_secs(60)), ..rules() });
        let age = |record| Duration::from_secs(if record < 2 { 61 } else { 10 });
        assert_eq!(batch.next(age), Next::GiveUp { records: 0..2, why: Condition::RecordAgeExceeded, tries: 0 });
        assert_eq!(batch.next(age), Next::Invoke(2..3, Duration::ZERO));
        batch.report(answered(&[]));
        assert_eq!(batch.next(age), Next::Finished);
    }

    #[test]
    fn sequence_numbers_are_compared_as_numbers() {
        assert_eq!(compare("9", "10"), Ordering::Less);
        assert_eq!(compare("0010", "10"), Ordering::Equal);
        assert_eq!(compare("100000000000000000000002", "100000000000000000000001"), Ordering::Greater);
    }
}

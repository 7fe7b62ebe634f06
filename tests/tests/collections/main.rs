//! Collections: what goes in comes out, no edit is lost, the sequence has no gap. On both engines.

mod batches;
mod comments;
mod conflicts;
mod crowd;
mod edits;
mod elsewhere;
mod feed;
mod following;
mod foreign;
mod forks;
mod formats;
mod history;
mod imports;
mod kills;
mod offline;
mod pulls;
mod search;
mod tasks;
mod transfers;
mod tree;
mod uploads;
mod whole;

use serde_json::Value;
use tests::exact::{Exact, differences};

/// Asserts that a collection is what was sent (promise G6). `sent` may be wrapped in `{"collection": …}`.
#[track_caller]
fn assert_same(sent: &str, answer: &str) {
    let sent = Exact::read(sent);
    let sent = match &sent {
        Exact::Object(members) if members.len() == 1 => sent.get("collection"),
        _ => &sent,
    };
    let back = Exact::read(answer);
    let found = differences(sent, back.get("collection"));
    assert!(found.is_empty(), "the collection came back different: {found:#?}");
}

/// Asserts that changes are numbered 1, 2, 3 … up to `head`.
#[track_caller]
fn assert_gapless(changes: &[Value], head: u64) {
    let numbers: Vec<u64> = changes.iter().filter_map(|change| change["seq"].as_u64()).collect();
    assert_eq!(numbers, (1..=head).collect::<Vec<u64>>(), "the numbers of the changes");
}

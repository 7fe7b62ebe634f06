//! `postroom tour`: the story of a team, played against a fresh stack in memory over real HTTP and a real WebSocket.
//! Each step says what it took, and fails with what was expected and what came.

mod client;
mod collection;
mod compare;
mod live;
mod people;
mod show;
mod story;
mod work;

use app::Crash;
use clap::Args;
use domain::{format, json, limit};
use local::{Options, Stack};
use show::Show;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What `tour` takes.
#[derive(Args)]
pub struct Tour {
    /// A Postman collection (format 1, 2.0 or 2.1) to play the story with, instead of the one that the tour makes.
    #[arg(long, value_name = "FILE")]
    collection: Option<PathBuf>,
}

/// A collection as it goes in.
pub struct Given {
    /// What is sent: the file as it is.
    pub bytes: Vec<u8>,
    /// The document as text, without what a file may put around it.
    pub text: String,
    /// How many folders, requests and examples are in it.
    pub elements: usize,
    /// How many requests.
    pub requests: usize,
}

/// A step that did not do what it should.
#[derive(Debug)]
pub struct Failure {
    /// What it should have done.
    pub expected: String,
    /// What it did.
    pub came: String,
}

impl Failure {
    /// A failure.
    pub fn new(expected: impl Into<String>, came: impl Into<String>) -> Failure {
        Failure { expected: expected.into(), came: came.into() }
    }
}

/// Plays the story. The error is one line: what is wrong with the file, or which step failed.
pub async fn run(tour: Tour) -> Result<(), Crash> {
    let given = match &tour.collection {
        Some(file) => read(file)?,
        None => check(collection::made().into_bytes()).map_err(|why| format!("the tour's own collection is wrong: {why}"))?,
    };
    let began = Instant::now();
    let stack = Stack::start(Options::default()).await?;
    let mut show = Show::begin(stack.url(), began.elapsed());
    let told = story::play(&mut show, &stack, &given).await;
    // The last mails are on their way still; a failed step has said what there is to say.
    let settled = stack.settle().await;
    stack.stop().await;
    show.end(told)?;
    settled
}

fn read(file: &Path) -> Result<Given, String> {
    let bytes = std::fs::read(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    check(bytes).map_err(|why| format!("{} is not a collection that can be imported: {why}", file.display()))
}

/// Looks at a file as the product will, so that what is wrong with it is said before anything starts.
fn check(bytes: Vec<u8>) -> Result<Given, String> {
    if bytes.len() > limit::UNPACKED_BODY_BYTES {
        let mega = |bytes: usize| bytes / 1024 / 1024;
        return Err(format!("it has {} MB; {} are the most that can be sent", mega(bytes.len()), mega(limit::UNPACKED_BODY_BYTES)));
    }
    let text = json::decode(&bytes).map_err(|rejected| rejected.0)?;
    json::check(&text, limit::JSON_DEPTH)
        .map_err(|bad| format!("it is not JSON: {} (line {}, column {})", bad.reason, bad.line, bad.column))?;
    let mut count = 0_u64;
    let parsed = format::split(&text, || {
        count += 1;
        // Only counted: the product gives ids of its own.
        uuid::Uuid::from_u64_pair(0, count).into()
    });
    let parsed = parsed.map_err(|rejected| rejected.0)?;
    let requests = parsed.elements.iter().filter(|element| element.kind == domain::collection::Kind::Request).count();
    Ok(Given { bytes, elements: parsed.elements.len(), requests, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tours_own_collection_is_a_large_one() {
        let given = check(collection::made().into_bytes()).unwrap();
        assert!(given.requests >= 100 && given.elements > given.requests + 20, "{} of {}", given.requests, given.elements);
    }

    #[test]
    fn what_is_no_collection_is_refused_in_one_line() {
        for (bytes, why) in [
            (&b"{\"a\":"[..], "not JSON"),
            (b"[]", "object"),
            (b"{\"openapi\":\"3.1.0\"}", "info"),
            (b"{\"requests\":{},\"id\":\"x\"}", "format 1"),
            (b"\xff\xff", "UTF-8"),
        ] {
            let refusal = check(bytes.to_vec()).err().unwrap();
            assert!(refusal.contains(why) && !refusal.contains('\n'), "{refusal}");
        }
    }
}

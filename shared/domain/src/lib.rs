//! What Postroom is about, without the outside world: ids, limits, the rules of access, the collection format,
//! its differences and merges, and the events that tell of a change. No async, no AWS, no clock, no randomness.

pub mod access;
pub mod account;
pub mod billing;
pub mod change;
pub mod collection;
pub mod comment;
pub mod event;
pub mod fork;
pub mod format;
pub mod happened;
pub mod ids;
pub mod json;
pub mod limit;
pub mod lists;
pub mod mail_domain;
pub mod merge;
pub mod notify;
pub mod once;
pub mod order;
pub mod patch;
pub mod postman;
pub mod program;
pub mod proof;
pub mod pull;
pub mod search;
pub mod second_factor;
pub mod secrets;
pub mod sso;
pub mod tags;
pub mod task;
pub mod team;
pub mod webhook;
pub mod words;
pub mod workspace;

/// Why a value from outside was not taken: a sentence for a person, in lower case, without a full stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected(pub String);

impl Rejected {
    /// Makes a rejection from a sentence.
    pub fn because(reason: impl Into<String>) -> Rejected {
        Rejected(reason.into())
    }
}

impl std::fmt::Display for Rejected {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Rejected {}

//! Webhooks: programs that are told of changes by a POST to an address of theirs, after Standard Webhooks.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Rejected;
use crate::change::Change;
use crate::ids::{CollectionId, TeamId, UserId, WebhookId};

/// The type of the message that the test button sends.
pub const TEST: &str = "postroom.webhook.test";
/// A receiver that took nothing for so long is told nothing more.
pub const FAILING: SignedDuration = SignedDuration::from_hours(5 * 24);
/// After a secret was replaced, messages are signed with the old one, too, for so long.
pub const ROTATION: SignedDuration = SignedDuration::from_hours(24);
/// A receiver that took nothing just now is left alone for so long.
pub const REST: SignedDuration = SignedDuration::from_secs(60);

/// How long after each try that failed the next one comes: the schedule of Standard Webhooks. Due messages are looked
/// for every minute.
const NEXT: [SignedDuration; 9] = [
    SignedDuration::from_secs(5),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(30),
    SignedDuration::from_hours(2),
    SignedDuration::from_hours(5),
    SignedDuration::from_hours(10),
    SignedDuration::from_hours(14),
    SignedDuration::from_hours(20),
    SignedDuration::from_hours(24),
];

/// How long after the `tries`th try the next one comes; `None`: that was the last.
pub fn next_try(tries: usize) -> Option<SignedDuration> {
    NEXT.get(tries.checked_sub(1)?).copied()
}

/// A write that takes longer is given up: none is younger than it says by more.
const WRITING: SignedDuration = SignedDuration::from_secs(5);

/// Where what a webhook is told begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Begin {
    /// Behind this change of its collection.
    Behind(u64),
    /// At this time: the collections of a team have no number in common. What was under way then is told.
    At(Timestamp),
}

impl Begin {
    /// Whether a change is behind the beginning.
    pub fn has(self, change: &Change) -> bool {
        match self {
            Begin::Behind(seq) => seq < change.seq,
            Begin::At(at) => at.duration_since(change.at) < WRITING,
        }
    }
}

/// Of whose changes a webhook tells.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Of {
    /// Of one collection's.
    Collection(CollectionId),
    /// Of those of all collections of a team that its maker sees.
    Team(TeamId),
}

impl fmt::Display for Of {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Of::Collection(collection) => collection.fmt(out),
            Of::Team(team) => team.fmt(out),
        }
    }
}

impl FromStr for Of {
    type Err = Rejected;

    /// A team's id is a number, a collection's never is.
    fn from_str(raw: &str) -> Result<Of, Rejected> {
        match raw.parse::<TeamId>() {
            Ok(team) => Ok(Of::Team(team)),
            Err(_) => raw.parse().map(Of::Collection),
        }
    }
}

impl Serialize for Of {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Of {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Of, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(|rejected: Rejected| serde::de::Error::custom(rejected.0))
    }
}

/// A webhook's name in addresses: it says where the webhook lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Its id.
    pub id: WebhookId,
    /// Of whose changes it tells.
    pub of: Of,
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}~{}", self.id, self.of)
    }
}

impl FromStr for Address {
    type Err = Rejected;

    fn from_str(raw: &str) -> Result<Address, Rejected> {
        let (id, of) = raw.split_once('~').ok_or_else(|| Rejected::because("this is no id of a webhook"))?;
        Ok(Address { id: id.parse()?, of: of.parse()? })
    }
}

/// Why a webhook tells nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Off {
    /// Somebody switched it off.
    SwitchedOff,
    /// Its receiver took nothing for days.
    Failing,
    /// Its receiver says that it is gone (410).
    Gone,
    /// Its maker no longer sees what it tells of.
    NoAccess,
}

impl Off {
    /// The word that the API uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Off::SwitchedOff => "switched_off",
            Off::Failing => "failing",
            Off::Gone => "gone",
            Off::NoAccess => "no_access",
        }
    }
}

/// `data` of [`TEST`].
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Test {
    /// The webhook.
    pub webhook: String,
    /// Who pressed the button.
    pub by: UserId,
}

/// What is told of a change under an id: the same one however often it is told.
pub fn message_id(change: &Change) -> String {
    format!("{}:{}", change.collection, change.seq)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_tried_ten_times_within_four_days() {
        let total: SignedDuration = (1..).map_while(next_try).fold(SignedDuration::ZERO, |sum, pause| sum + pause);
        assert_eq!((1..).map_while(next_try).count(), 9);
        assert!(SignedDuration::from_hours(72) < total && total < FAILING, "{total}");
        assert_eq!(next_try(0), None);
    }

    #[test]
    fn an_address_says_where_the_webhook_lies() {
        for text in ["abc~7", "abc~01a21166-92b1-7523-a927-4a0762b82645"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        assert_eq!("abc~7".parse::<Address>().unwrap().of, Of::Team(TeamId(7)));
        for bad in ["", "abc", "~7", "abc~", "a b~7"] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
    }
}

//! Ids. Two ids are never the same type, and none can hold the `#` that separates the parts of a key.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use crate::Rejected;

/// 2020-01-01T00:00:00Z in milliseconds: number ids count from here, so that 53 bits last until 2089.
const EPOCH_MS: i64 = 1_577_836_800_000;
const RANDOM_BITS: u32 = 12;

/// The number behind a [`UserId`] or [`TeamId`]: milliseconds since 2020 and 12 random bits, at most 53 bits,
/// so that a JavaScript client reads it exactly. Uniqueness is the store's: it creates only where nothing is.
fn number(now: Timestamp, random: u16) -> u64 {
    let ms = u64::try_from(now.as_millisecond() - EPOCH_MS).unwrap_or(0);
    (ms << RANDOM_BITS) | u64::from(random & ((1 << RANDOM_BITS) - 1))
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// A new id from the time and 12 random bits (the rest of `random` is ignored).
            pub fn new(now: Timestamp, random: u16) -> Self {
                Self(number(now, random))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, "{}", self.0)
            }
        }

        impl FromStr for $name {
            type Err = Rejected;
            fn from_str(raw: &str) -> Result<Self, Rejected> {
                let digits = !raw.is_empty() && raw.bytes().all(|b| b.is_ascii_digit());
                raw.parse().ok().filter(|_| digits).map(Self).ok_or_else(|| Rejected::because("this id is a number"))
            }
        }
    };
}

number_id!(
    /// A person. An integer, as in the Postman API.
    UserId
);
number_id!(
    /// A team. An integer, as in the Postman API.
    TeamId
);
number_id!(
    /// A group of a team's members. An integer, as in the Postman API.
    GroupId
);

number_id!(
    /// A comment. An integer, as in the Postman API.
    CommentId
);
number_id!(
    /// A thread of comments. An integer, as in the Postman API.
    ThreadId
);

fn plain(raw: &str, longest: usize) -> bool {
    !raw.is_empty()
        && raw.len() <= longest
        && raw.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~' | b'='))
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $longest:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, utoipa::ToSchema)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = Rejected;
            fn from_str(raw: &str) -> Result<Self, Rejected> {
                if plain(raw, $longest) {
                    Ok(Self(raw.to_owned()))
                } else {
                    Err(Rejected::because(concat!("an id is 1 to ", $longest, " letters, digits and - _ . ~ =")))
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
            }
        }

        impl From<uuid::Uuid> for $name {
            fn from(id: uuid::Uuid) -> Self {
                Self(id.to_string())
            }
        }
    };
}

text_id!(
    /// A workspace: where collections live.
    WorkspaceId, 64
);
text_id!(
    /// A collection. A UUID; a caller may also name it by its uid, `<ownerUserId>-<uuid>`.
    CollectionId, 64
);
text_id!(
    /// A folder, request or response inside a collection; unique in its collection only, because a file's ids are kept.
    ElementId, 100
);
text_id!(
    /// One set of elements of a collection. A whole replacement writes a new one and switches to it.
    GenerationId, 64
);
text_id!(
    /// A file that is sent in parts.
    UploadId, 64
);
text_id!(
    /// Work that is done behind an answer.
    TaskId, 64
);
text_id!(
    /// A pull request.
    PullId, 64
);
text_id!(
    /// A sign-in.
    SessionId, 64
);
text_id!(
    /// An API key's name in the table (not its secret).
    KeyId, 64
);
text_id!(
    /// An invitation (not its secret).
    InviteId, 64
);
text_id!(
    /// A wish that somebody be invited.
    WishId, 64
);
text_id!(
    /// A webhook.
    WebhookId, 64
);
text_id!(
    /// An open WebSocket, as API Gateway names it.
    ConnectionId, 128
);

/// Strips the owner from a uid (`<ownerUserId>-<uuid>`), as the Postman API takes ids and uids alike.
fn without_owner(raw: &str) -> &str {
    match raw.split_once('-') {
        Some((owner, id)) if !owner.is_empty() && owner.bytes().all(|b| b.is_ascii_digit()) && uuid::Uuid::try_parse(id).is_ok() => id,
        _ => raw,
    }
}

impl CollectionId {
    /// Reads an id or a uid.
    pub fn parse(raw: &str) -> Result<CollectionId, Rejected> {
        without_owner(raw).parse()
    }

    /// `<ownerUserId>-<id>`.
    pub fn uid(&self, owner: UserId) -> String {
        format!("{owner}-{self}")
    }
}

impl ElementId {
    /// Reads an id or a uid.
    pub fn parse(raw: &str) -> Result<ElementId, Rejected> {
        without_owner(raw).parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_safe_in_javascript_and_ordered() {
        let early = UserId::new("2026-11-21T00:00:00Z".parse().unwrap(), 4095);
        let late = UserId::new("2089-01-01T00:00:00Z".parse().unwrap(), u16::MAX);
        assert!(early < late);
        assert!(late.0 < 1 << 53);
    }

    #[test]
    fn a_uid_is_read_as_its_id() {
        let id = "12ece9e1-2abf-4edc-8e34-de66e74114d2";
        assert_eq!(CollectionId::parse(&format!("12345678-{id}")).unwrap().as_str(), id);
        assert_eq!(CollectionId::parse(id).unwrap().uid(UserId(7)), format!("7-{id}"));
        assert_eq!(ElementId::parse("12-not-a-uuid").unwrap().as_str(), "12-not-a-uuid");
    }

    #[test]
    fn no_id_reaches_into_a_key() {
        for bad in ["", "a#b", "a/b", "ä", "a b", &"x".repeat(101)] {
            assert!(ElementId::parse(bad).is_err(), "{bad:?}");
        }
        assert!("12a".parse::<UserId>().is_err());
        assert!("+1".parse::<UserId>().is_err());
    }
}

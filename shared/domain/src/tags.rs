//! Tags: what people sort their collections and workspaces by.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{Rejected, limit};

/// A tag, as it stands in addresses: `needs-review`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Slug(String);

impl Slug {
    /// Lower-case letters, digits and hyphens; it begins with a letter and does not end with a hyphen.
    pub fn parse(raw: &str) -> Result<Slug, Rejected> {
        let plain = raw.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let ends = raw.starts_with(|c: char| c.is_ascii_lowercase()) && !raw.ends_with('-');
        if plain && ends && (2..=limit::TAG_CHARS).contains(&raw.len()) {
            return Ok(Slug(raw.to_owned()));
        }
        Err(Rejected(format!(
            "a tag has 2 to {} characters: lower-case letters, digits and hyphens, a letter first, no hyphen last",
            limit::TAG_CHARS
        )))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Slug {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Slug, D::Error> {
        String::deserialize(from).map(Slug)
    }
}

/// A tag that somebody put on something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// Which.
    pub slug: Slug,
    /// Since when.
    pub at: Timestamp,
}

/// The tags that are asked for: those that are there keep their time.
pub fn next(before: &[Tag], slugs: Vec<Slug>, now: Timestamp) -> Vec<Tag> {
    let mut tags: Vec<Tag> = Vec::with_capacity(slugs.len());
    for slug in slugs {
        if tags.iter().all(|tag| tag.slug != slug) {
            let at = before.iter().find(|tag| tag.slug == slug).map_or(now, |tag| tag.at);
            tags.push(Tag { slug, at });
        }
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_a_part_of_an_address() {
        for good in ["ab", "needs-review", "v2"] {
            assert_eq!(Slug::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "a", "2v", "-a", "a-", "Needs", "a b", "ä1", &"a".repeat(65)] {
            assert!(Slug::parse(bad).is_err(), "{bad}");
        }
    }
}

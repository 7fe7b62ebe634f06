//! Mail domains that teams prove to be theirs.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Rejected;
use crate::account::Email;
use crate::ids::{TeamId, UserId};

/// A mail domain in lower case, such as `example.com`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DomainName(String);

impl DomainName {
    /// Reads a domain: labels of letters, digits and hyphens with dots between them.
    pub fn parse(raw: &str) -> Result<DomainName, Rejected> {
        let name = raw.trim().trim_start_matches('@').trim_end_matches('.').to_lowercase();
        let label = |label: &str| {
            let plain = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            plain && (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
        };
        if !name.contains('.') || 253 < name.len() || !name.split('.').all(label) {
            return Err(Rejected::because("a domain looks like example.com"));
        }
        Ok(DomainName(name))
    }

    /// The domain of an address; `None` where it has one that nobody could prove.
    pub fn of(email: &Email) -> Option<DomainName> {
        email.as_str().rsplit_once('@').and_then(|(_, host)| DomainName::parse(host).ok())
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where its owner puts the TXT record that proves it.
    pub fn record(&self) -> String {
        format!("_postroom.{}", self.0)
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// A domain that a team says is its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamDomain {
    /// The team.
    pub team: TeamId,
    /// The domain.
    pub name: DomainName,
    /// Who named it.
    pub added_by: UserId,
    /// When.
    pub added_at: Timestamp,
    /// When it was proven; `None`: not yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<Timestamp>,
    /// Whether the team controls the addresses of its members there: they change theirs only when an admin lets them.
    #[serde(default)]
    pub controls: bool,
}

/// Whether people with a confirmed address in a team's domains find it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Discovery {
    /// They do not.
    #[default]
    Off,
    /// They do, and may ask to join.
    Ask,
    /// They do, and join.
    Join,
}

impl Email {
    /// For those who may not know the address: `a***@example.com`.
    pub fn masked(&self) -> String {
        let (local, host) = self.as_str().rsplit_once('@').unwrap_or_default();
        let first: String = local.chars().take(1).collect();
        format!("{first}***@{host}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains() {
        assert_eq!(DomainName::parse(" @Example.COM. ").unwrap().record(), "_postroom.example.com");
        for bad in ["", "example", "a..b", "-a.com", "a-.com", "a b.com", "exämple.com", "a/b.com", "a#b.com", &"a.".repeat(200)] {
            assert!(DomainName::parse(bad).is_err(), "{bad}");
        }
        let ann = Email::parse("ann@mail.example.com").unwrap();
        assert_eq!((DomainName::of(&ann).unwrap().as_str(), ann.masked().as_str()), ("mail.example.com", "a***@mail.example.com"));
    }
}

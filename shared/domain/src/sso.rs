//! Single sign-on: who vouches for somebody (OpenID Connect), and what they say.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Rejected;
use crate::ids::{TeamId, UserId};

/// Who vouches: Google, or the issuer that a team has chosen. As text: `google`, or the team's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Provider {
    /// Google, for everybody.
    Google,
    /// The issuer of a team.
    Team(TeamId),
}

impl Provider {
    /// The team whose issuer it is.
    pub fn team(self) -> Option<TeamId> {
        match self {
            Provider::Google => None,
            Provider::Team(team) => Some(team),
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Provider::Google => out.write_str("google"),
            Provider::Team(team) => write!(out, "{team}"),
        }
    }
}

impl FromStr for Provider {
    type Err = Rejected;

    fn from_str(raw: &str) -> Result<Provider, Rejected> {
        if raw == "google" { Ok(Provider::Google) } else { raw.parse().map(Provider::Team) }
    }
}

impl TryFrom<String> for Provider {
    type Error = Rejected;

    fn try_from(raw: String) -> Result<Provider, Rejected> {
        raw.parse()
    }
}

impl From<Provider> for String {
    fn from(provider: Provider) -> String {
        provider.to_string()
    }
}

/// The single sign-on of a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamSso {
    /// The team.
    pub team: TeamId,
    /// The issuer, exactly as it calls itself.
    pub issuer: String,
    /// What the issuer calls us.
    pub client_id: String,
    /// What we show the issuer, sealed.
    pub client_secret: String,
    /// Whether the team takes only sign-ins that came through it.
    pub required: bool,
    /// Whether API keys of members open the team nevertheless.
    pub api_keys: bool,
    /// When issuer, client id or secret were last changed. What came through before counts no longer.
    pub changed_at: Timestamp,
    /// When anything of it was last changed.
    pub set_at: Timestamp,
    /// Who changed it.
    pub set_by: UserId,
}

/// What an issuer has said of somebody: no more than we take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vouched {
    /// Who said it.
    pub provider: Provider,
    /// The issuer.
    pub issuer: String,
    /// What the issuer calls them, for ever.
    pub subject: String,
    /// Their address, as the issuer knows it.
    pub email: String,
    /// The name they go by.
    pub name: Option<String>,
}

/// Usernames for somebody, from their address, the plain one first; the last ones are told apart by `random`.
pub fn usernames(email: &str, random: u16) -> Vec<String> {
    let local = email.split('@').next().unwrap_or_default();
    // What is behind a + sorts mail, it is no part of a name.
    let local = local.split('+').next().unwrap_or_default();
    let plain: String = local.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')).collect();
    let plain = plain.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    let base: String = plain.chars().take(26).collect();
    let base = if base.len() < 3 { format!("user{base}") } else { base };
    let numbered = (2..=4).map(|number| format!("{base}{number}"));
    let drawn = (0..4_u16).map(|more| format!("{base}-{}", random.wrapping_add(more.wrapping_mul(7919)) % 10_000));
    std::iter::once(base.clone()).chain(numbered).chain(drawn).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Username;

    #[test]
    fn a_provider_is_google_or_a_team() {
        assert_eq!("google".parse::<Provider>().unwrap(), Provider::Google);
        assert_eq!("42".parse::<Provider>().unwrap().to_string(), "42");
        for bad in ["", "Google", "-1", "acme", "google/"] {
            assert!(bad.parse::<Provider>().is_err(), "{bad}");
        }
    }

    #[test]
    fn every_address_gives_usernames() {
        assert_eq!(usernames("ann.lee+lists@example.com", 7)[..2], ["ann.lee", "ann.lee2"]);
        for email in ["a@b.c", "ünö@b.c", "...@b.c", "_x@b.c", &format!("{}@b.c", "a".repeat(64))] {
            for name in usernames(email, u16::MAX) {
                assert!(Username::parse(&name).is_ok(), "{email}: {name}");
            }
        }
    }
}

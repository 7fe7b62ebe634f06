//! A team's mail domains.

use askama::Template;

use super::{Frame, TeamLink};

/// `/teams/{team}/domains`.
#[derive(Debug, Template)]
#[template(path = "domains.html")]
pub struct Domains {
    /// Around it.
    pub frame: Frame,
    /// The team.
    pub team: TeamLink,
    /// Its domains.
    pub domains: Vec<Domain>,
    /// `off`, `ask` or `join`.
    pub discovery: &'static str,
    /// The role of those who join.
    pub role: &'static str,
    /// The roles there are.
    pub roles: Vec<&'static str>,
}

/// A domain.
#[derive(Debug, Clone)]
pub struct Domain {
    /// Its name.
    pub name: String,
    /// Whether it is proven.
    pub verified: bool,
    /// Whether the team controls its members' addresses there.
    pub controls: bool,
    /// Where the record stands.
    pub record: String,
    /// What it says.
    pub value: String,
}

/// A team that somebody finds by their address.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether one joins at once; otherwise one asks.
    pub joins: bool,
}

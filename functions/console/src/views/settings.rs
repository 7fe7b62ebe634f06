//! A team's settings and groups, and its audit log.

use askama::Template;

use super::{Frame, Moment, TeamLink};

/// `/teams/{team}/settings`.
#[derive(Debug, Template)]
#[template(path = "settings.html")]
pub struct SettingsPage {
    /// Around it.
    pub frame: Frame,
    /// The team.
    pub link: TeamLink,
    /// A sentence about it.
    pub description: String,
    /// When it will be deleted, if somebody wants that.
    pub delete_at: Option<Moment>,
    /// Its groups.
    pub groups: Vec<GroupCard>,
    /// Its other members.
    pub others: Vec<Teammate>,
    /// Whether the viewer may change all this.
    pub may_manage: bool,
}

/// A group.
#[derive(Debug, Clone)]
pub struct GroupCard {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// A sentence about it.
    pub summary: String,
    /// Who is in it.
    pub members: Vec<Teammate>,
    /// Who is not.
    pub others: Vec<Teammate>,
}

/// Somebody to choose.
#[derive(Debug, Clone)]
pub struct Teammate {
    /// The user's id.
    pub id: String,
    /// Their name.
    pub name: String,
}

/// `/teams/{team}/audit`.
#[derive(Debug, Template)]
#[template(path = "audit.html")]
pub struct AuditPage {
    /// Around it.
    pub frame: Frame,
    /// The team.
    pub link: TeamLink,
    /// The newest first.
    pub entries: Vec<AuditEntry>,
    /// The members, to choose from.
    pub members: Vec<Teammate>,
    /// The filters, as they were asked for.
    pub user: String,
    /// The kind.
    pub action: String,
    /// From this day on.
    pub since: String,
    /// Before this day.
    pub until: String,
    /// The same as a query.
    pub query: String,
    /// The query of the next page.
    pub older: Option<String>,
}

/// An entry of the log.
#[derive(Debug, Clone)]
pub struct AuditEntry {
    /// Its id.
    pub id: String,
    /// When.
    pub at: Moment,
    /// Who; nobody: time.
    pub actor: Option<String>,
    /// What.
    pub action: String,
    /// To whom, what, in words.
    pub details: String,
    /// From which network address.
    pub address: Option<String>,
}

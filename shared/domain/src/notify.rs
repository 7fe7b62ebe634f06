//! What a person wants to be told of, and how.

use serde::{Deserialize, Serialize};

use crate::Rejected;
use crate::ids::CollectionId;

/// What something to tell is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    /// Sign-ins, passwords, addresses. Its mails always go.
    Security,
    /// What the account or the team uses of what it may.
    Usage,
    /// Monitors.
    Monitors,
    /// Comments, and being mentioned in one.
    Comments,
    /// Changes of what one follows.
    Changes,
    /// Invitations, and who joins or leaves.
    Invitations,
    /// Plans, seats and invoices.
    Billing,
}

impl Category {
    /// The word that the API uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Category::Security => "security",
            Category::Usage => "usage",
            Category::Monitors => "monitors",
            Category::Comments => "comments",
            Category::Changes => "changes",
            Category::Invitations => "invitations",
            Category::Billing => "billing",
        }
    }
}

/// Which mails the link in one of them turns off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Letters {
    /// All about changes.
    Changes,
    /// Those about changes of one collection.
    ChangesOf(CollectionId),
    /// All about comments.
    Comments,
    /// All about plans, seats and invoices.
    Billing,
    /// All about what a team uses of its plan.
    Usage,
}

impl Letters {
    /// The word that stands in the link; a collection's id is never one of the others.
    pub fn as_str(&self) -> &str {
        match self {
            Letters::Changes => "all",
            Letters::Comments => "comments",
            Letters::Billing => "billing",
            Letters::Usage => "usage",
            Letters::ChangesOf(collection) => collection.as_str(),
        }
    }

    /// Reads it.
    pub fn parse(raw: &str) -> Result<Letters, Rejected> {
        Ok(match raw {
            "all" => Letters::Changes,
            "comments" => Letters::Comments,
            "billing" => Letters::Billing,
            "usage" => Letters::Usage,
            collection => Letters::ChangesOf(collection.parse()?),
        })
    }
}

/// The ways in which somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ways {
    /// In the inbox of the pages.
    pub in_app: bool,
    /// By mail.
    pub mail: bool,
}

impl Default for Ways {
    fn default() -> Ways {
        Ways { in_app: true, mail: true }
    }
}

/// A person's choices; at first everything is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Preferences {
    /// Sign-ins, passwords, addresses, keys; its mails cannot be switched off.
    pub security: Ways,
    /// What one's teams use of their plans: seats that run out.
    pub usage: Ways,
    /// Runs that fail, and that work again.
    pub monitors: Ways,
    /// Comments, and mentions.
    pub comments: Ways,
    /// Changes of what one follows.
    pub changes: Ways,
    /// Invitations, roles, who joins and leaves.
    pub invitations: Ways,
    /// Plans, seats and invoices.
    pub billing: Ways,
    /// The hour of the day (UTC) at which daily mails go out.
    pub daily_at: i8,
}

impl Default for Preferences {
    fn default() -> Preferences {
        let on = Ways::default();
        Preferences { security: on, usage: on, monitors: on, comments: on, changes: on, invitations: on, billing: on, daily_at: 7 }
    }
}

impl Preferences {
    /// How somebody is told of a category.
    pub fn of(&self, category: Category) -> Ways {
        match category {
            Category::Security => self.security,
            Category::Usage => self.usage,
            Category::Monitors => self.monitors,
            Category::Comments => self.comments,
            Category::Changes => self.changes,
            Category::Invitations => self.invitations,
            Category::Billing => self.billing,
        }
    }

    /// What cannot be chosen, each with the place where it stands.
    pub fn refused(&self) -> Vec<(&'static str, Rejected)> {
        let mut refused = Vec::new();
        if !self.security.mail {
            refused.push(("/security/mail", Rejected::because("mails about the security of an account cannot be turned off")));
        }
        if !(0..24).contains(&self.daily_at) {
            refused.push(("/daily_at", Rejected::because("an hour of the day is 0 to 23")));
        }
        refused
    }
}

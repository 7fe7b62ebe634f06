//! The webhooks of a collection or a team.

use askama::Template;

use super::{Frame, Moment};

/// `/collections/{collection}/webhooks` and `/teams/{team}/webhooks`.
#[derive(Debug, Template)]
#[template(path = "webhooks.html")]
pub struct WebhooksPage {
    /// Around it.
    pub frame: Frame,
    /// The name of the collection or the team.
    pub name: String,
    /// Its path, of pages and (behind `/api`) of the API.
    pub path: String,
    /// Whether it is a team.
    pub team: bool,
    /// Its webhooks.
    pub webhooks: Vec<WebhookCard>,
    /// What one of them told.
    pub log: Option<WebhookLog>,
}

/// A webhook.
#[derive(Debug, Clone)]
pub struct WebhookCard {
    /// Its id.
    pub id: String,
    /// Where it tells.
    pub url: String,
    /// What it is for.
    pub description: String,
    /// Who answers for it.
    pub maker: String,
    /// Why it tells nothing, where it does not.
    pub off: Option<&'static str>,
    /// Since when its receiver has taken nothing.
    pub failing: Option<Moment>,
    /// Until when the old secret signs, too.
    pub rotating: Option<Moment>,
    /// Whether its log is shown.
    pub chosen: bool,
}

/// What a webhook told.
#[derive(Debug, Clone)]
pub struct WebhookLog {
    /// Its id.
    pub id: String,
    /// Where it tells.
    pub url: String,
    /// The newest first.
    pub deliveries: Vec<Delivery>,
    /// Where the next page is.
    pub older: Option<String>,
}

/// A message and what became of it.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Its id.
    pub id: String,
    /// What it tells.
    pub what: String,
    /// Where that can be read.
    pub link: Option<String>,
    /// When it came up.
    pub at: Moment,
    /// What became of it, and how good that is.
    pub state: (&'static str, &'static str),
    /// When it is tried next.
    pub next: Option<Moment>,
    /// What the last try gave.
    pub answer: Option<String>,
    /// How often it was tried.
    pub tries: usize,
}

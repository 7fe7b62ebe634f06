//! What one is told, what one wants to be told of, and turning it off.

use askama::Template;

use super::{Frame, Moment, Viewer};

/// How often mails about changes go, and what a page calls it.
pub const RHYTHMS: [(&str, &str); 4] = [("now", "at once"), ("hourly", "every hour"), ("daily", "every day"), ("off", "never")];

/// Whether two texts are the same, however a template holds them.
pub fn same(one: impl AsRef<str>, other: impl AsRef<str>) -> bool {
    one.as_ref() == other.as_ref()
}

/// `/notifications`.
#[derive(Debug, Template)]
#[template(path = "notifications.html")]
pub struct Notifications {
    /// Around it.
    pub frame: Frame,
    /// The notices, newest first.
    pub notices: Vec<Notice>,
    /// Where older ones are.
    pub older: Option<String>,
    /// What the live client watches.
    pub watch: String,
}

/// Something that somebody is told.
#[derive(Debug, Clone)]
pub struct Notice {
    /// Its id.
    pub id: String,
    /// Of the same id the higher number is the newer.
    pub seq: u64,
    /// When.
    pub at: Moment,
    /// What it is about.
    pub category: &'static str,
    /// A sentence.
    pub text: String,
    /// Where it leads.
    pub link: String,
    /// Whether it was read.
    pub read: bool,
}

/// `/notifications/settings`.
#[derive(Debug, Template)]
#[template(path = "notification_settings.html")]
pub struct NotificationSettings {
    /// Around it.
    pub frame: Frame,
    /// Whose they are.
    pub viewer: Viewer,
    /// Why no mail goes to them, if none does: `bounce` or `complaint`.
    pub stopped: Option<String>,
    /// One for each category.
    pub rows: Vec<CategoryRow>,
    /// The hour of daily mails.
    pub daily_at: i8,
    /// What they follow.
    pub followed: Vec<Followed>,
}

/// A category and its two ways.
#[derive(Debug, Clone)]
pub struct CategoryRow {
    /// As the API calls it.
    pub name: &'static str,
    /// As people do.
    pub title: &'static str,
    /// What belongs to it.
    pub about: &'static str,
    /// In the inbox.
    pub in_app: bool,
    /// By mail.
    pub mail: bool,
}

/// A subscription.
#[derive(Debug, Clone)]
pub struct Followed {
    /// Distinguishes it on the page.
    pub id: String,
    /// What is followed.
    pub name: String,
    /// In which collection, for an item.
    pub within: Option<String>,
    /// Where it is.
    pub link: String,
    /// Where it is changed.
    pub api: String,
    /// How often by mail.
    pub mail: &'static str,
    /// Whether in the feed.
    pub feed: bool,
    /// Whether live without being asked.
    pub socket: bool,
    /// Whether a group of theirs subscribed, and they have chosen nothing themselves.
    pub by_group: bool,
}

/// `/unsubscribe`.
#[derive(Debug, Template)]
#[template(path = "unsubscribe.html")]
pub struct Unsubscribe {
    /// Around it.
    pub frame: Frame,
    /// Whether it is done.
    pub done: bool,
    /// Whether the link is one of ours.
    pub ours: bool,
    /// Which letters end, as a sentence.
    pub what: &'static str,
    /// Where the form goes.
    pub api: String,
}

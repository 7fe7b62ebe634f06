//! The feeds.

use askama::Template;

use super::{Entry, Frame, Past, Return};

/// `/feed` and `/teams/{team}/feed`.
#[derive(Debug, Template)]
#[template(path = "feed.html")]
pub struct Feed {
    /// Around it.
    pub frame: Frame,
    /// Whose it is: a team's name; `None` for the viewer's own.
    pub team: Option<String>,
    /// Its page.
    pub home: String,
    /// Where a reader of feeds gets it, with `{key}` in place of an API key.
    pub atom: String,
    /// What is shown of it.
    pub filter: FeedFilter,
    /// Whether something in it was not seen.
    pub news: bool,
    /// What happened, newest first.
    pub days: Vec<Day>,
    /// The query of the next page.
    pub older: Option<String>,
    /// What the live client watches: `collection:seq` with spaces between.
    pub watch: String,
}

/// What a feed is narrowed down to.
#[derive(Debug, Clone, Default)]
pub struct FeedFilter {
    /// The collections to choose from.
    pub collections: Vec<Pick>,
    /// The people.
    pub people: Vec<Pick>,
    /// The kinds of entries.
    pub kinds: Vec<Pick>,
    /// The first day, or nothing.
    pub from: String,
    /// The last day, or nothing.
    pub to: String,
    /// A folder or request, or nothing.
    pub item: String,
    /// Whether any of this is chosen.
    pub on: bool,
}

/// One of several things to choose from.
#[derive(Debug, Clone)]
pub struct Pick {
    /// What is sent.
    pub value: String,
    /// What it is called.
    pub name: String,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// What happened on one day (UTC).
#[derive(Debug)]
pub struct Day {
    /// `Today`, `Yesterday` or the date.
    pub name: String,
    /// Newest first.
    pub entries: Vec<FeedEntry>,
}

/// An entry, and what can be done with it.
#[derive(Debug)]
pub struct FeedEntry {
    /// What it says.
    pub entry: Entry,
    /// Whether the viewer has not seen it.
    pub unread: bool,
    /// The query that opens it; `None`: there is nothing in it.
    pub open: Option<String>,
    /// The changes in it, where it is open.
    pub changes: Option<Vec<Past>>,
    /// What brings back what was before it, where the viewer may.
    pub back: Option<Return>,
}

/// The days that entries fall on, newest first as they came.
pub fn days(entries: Vec<FeedEntry>, now: jiff::Timestamp) -> Vec<Day> {
    let day = |at: jiff::Timestamp| at.to_zoned(jiff::tz::TimeZone::UTC).date();
    let today = day(now);
    let mut days: Vec<(jiff::civil::Date, Day)> = Vec::new();
    for entry in entries {
        let date = day(entry.entry.at.0);
        match days.last_mut() {
            Some((last, found)) if *last == date => found.entries.push(entry),
            _ => {
                let name = match today.since(date).map(|span| span.get_days()) {
                    Ok(0) => "Today".to_owned(),
                    Ok(1) => "Yesterday".to_owned(),
                    _ => date.strftime("%A, %-d %B %Y").to_string(),
                };
                days.push((date, Day { name, entries: vec![entry] }));
            }
        }
    }
    days.into_iter().map(|(_, day)| day).collect()
}

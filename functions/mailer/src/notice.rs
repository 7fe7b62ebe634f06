//! Letters that nobody subscribes to: a few sentences and one thing to do.

use app::{App, Crash, Letter};
use askama::Template;
use domain::account::Email;
use domain::ids::UserId;
use domain::notify::Letters;
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use store::users::Profile;

use crate::crash;

/// A letter of a few sentences and one thing to do.
pub(crate) struct Notice {
    pub(crate) title: &'static str,
    pub(crate) paragraphs: Vec<String>,
    /// What the button says, and where it leads.
    pub(crate) button: Option<(&'static str, String)>,
    pub(crate) foot: &'static str,
}

#[derive(Template)]
#[template(path = "notice.html")]
struct NoticeHtml<'a> {
    notice: &'a Notice,
    preferences: Option<String>,
}

#[derive(Template)]
#[template(path = "notice.txt")]
struct NoticeText<'a> {
    notice: &'a Notice,
    preferences: Option<String>,
}

impl Notice {
    /// The letter to an address.
    pub(crate) fn letter(&self, to: &Email) -> Result<Option<Letter>, Crash> {
        self.written(to, None).map(Some)
    }

    /// The letter to somebody who may choose to get none of its kind: it says where, and with one click.
    pub(crate) fn of_choice(&self, app: &App, to: &Profile, kind: &Letters) -> Result<Option<Letter>, Crash> {
        let mut letter = self.written(&to.email, Some(format!("{}/notifications/settings", app.config.pages_url)))?;
        one_click(app, &mut letter, to.id, kind)?;
        Ok(Some(letter))
    }

    fn written(&self, to: &Email, preferences: Option<String>) -> Result<Letter, Crash> {
        let html = NoticeHtml { notice: self, preferences: preferences.clone() }.render()?;
        let text = NoticeText { notice: self, preferences }.render()?;
        Ok(letter(to, self.title.to_owned(), text, html))
    }
}

/// The hour in which something happened: where what is told once in it stands in an inbox.
pub(crate) fn hour(at: Timestamp) -> Result<Timestamp, Crash> {
    Ok(at.round(TimestampRound::new().smallest(Unit::Hour).mode(RoundMode::Floor))?)
}

/// Lets a mail program offer to end letters of this kind with one click (RFC 8058).
pub(crate) fn one_click(app: &App, letter: &mut Letter, to: UserId, letters: &Letters) -> Result<(), Crash> {
    let address = app.unsubscribe_address(to, letters).map_err(crash)?;
    letter.headers.push(("List-Unsubscribe", format!("<{address}>")));
    letter.headers.push(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()));
    Ok(())
}

/// A letter that no answering machine is to answer.
pub(crate) fn letter(to: &Email, subject: String, text: String, html: String) -> Letter {
    // RFC 3834: no answering machine is to answer.
    Letter { to: to.to_string(), subject, text, html, headers: vec![("Auto-Submitted", "auto-generated".to_owned())] }
}

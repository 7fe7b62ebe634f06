//! Changes and comments on their way into a mail: what comes within a short time, an hour or a day becomes one.
//!
//! A change that is to be mailed is put beside the others that wait for the same person and rhythm. A *window* says when
//! these are sent next; its item stands in the index by that time. Sending takes what waits, notes in the window what was
//! taken, sends it under a receipt named after the window and the number of its mail, and removes it. Whoever dies in
//! between is followed by another who finds what was taken, and by the receipt whether it was sent.

use domain::change::Change;
use domain::comment::Talk;
use domain::ids::{CollectionId, UserId};
use jiff::{SignedDuration, Timestamp, ToSpan, Unit, ZonedRound, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::keys::Key;
use crate::subscriptions::MailLevel;
use crate::{Conflict, Error, Item, Leg, Range, Store, changes, comments, keys, n, read, row, s, values, with_ttl};

/// After a mail that went at once, what comes is gathered for this long.
const QUIET: SignedDuration = SignedDuration::from_mins(5);
/// Changes of one mail; what is more follows with the next.
const AT_ONCE: usize = 100;
/// What was never sent (mail was turned off) is forgotten.
const KEPT: SignedDuration = SignedDuration::from_hours(14 * 24);

/// A change that waits, or that something was done about comments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Of which collection.
    pub collection: CollectionId,
    /// The change's number; 0 where it is about comments.
    #[serde(default)]
    pub seq: u64,
    /// What was done about comments, by its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub talk: Option<uuid::Uuid>,
}

impl Waiting {
    /// A change of a collection.
    pub fn change(collection: &CollectionId, seq: u64) -> Waiting {
        Waiting { collection: collection.clone(), seq, talk: None }
    }

    /// What was done about comments on it.
    pub fn talk(talk: &Talk) -> Waiting {
        Waiting { collection: talk.collection.clone(), seq: 0, talk: Some(talk.id) }
    }

    /// What it is known by.
    fn cause(&self) -> String {
        match self.talk {
            Some(id) => format!("{}.{id}", self.collection),
            None => format!("{}.{}", self.collection, self.seq),
        }
    }

    fn key(&self, user: UserId, rhythm: MailLevel) -> Key {
        match self.talk {
            Some(id) => keys::waiting_talk(user, rhythm.as_str(), &self.collection, id),
            None => keys::waiting(user, rhythm.as_str(), &self.collection, self.seq),
        }
    }
}

/// When what waits for a person is sent next.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Window {
    /// To whom.
    pub user: UserId,
    /// In which rhythm.
    pub rhythm: MailLevel,
    /// Distinguishes it from those before.
    pub id: uuid::Uuid,
    /// How many mails it has sent.
    pub sent: u64,
    /// When it is due.
    pub due: Timestamp,
    /// How often something came.
    pub touched: u64,
    /// What was taken to be sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taken: Vec<Waiting>,
}

/// When a mail of a rhythm goes after `now`. `daily_at` is the hour for daily ones.
pub fn next_due(rhythm: MailLevel, daily_at: i8, now: Timestamp) -> Timestamp {
    let day = now.to_zoned(TimeZone::UTC);
    let hour =
        || day.round(ZonedRound::new().smallest(Unit::Hour).mode(jiff::RoundMode::Floor)).and_then(|hour| hour.checked_add(1.hour()));
    let morning = || {
        let today = day.with().hour(daily_at).minute(0).second(0).subsec_nanosecond(0).build()?;
        if now < today.timestamp() { Ok(today) } else { today.checked_add(1.day()) }
    };
    let next = match rhythm {
        MailLevel::Hourly => hour(),
        MailLevel::Daily => morning(),
        MailLevel::Now | MailLevel::Off => return now.saturating_add(QUIET).unwrap_or(Timestamp::MAX),
    };
    next.map_or_else(|_| now.saturating_add(QUIET).unwrap_or(Timestamp::MAX), |next| next.timestamp())
}

fn item(window: &Window) -> Result<Item, Error> {
    let mut item = row(&keys::mail_window(window.user, window.rhythm.as_str()), "window", window)?;
    item.insert("gsi1pk".to_owned(), s(keys::MAIL_WINDOWS));
    item.insert("gsi1sk".to_owned(), s(keys::mail_due(window.due, window.user)));
    Ok(item)
}

impl Store {
    /// Lets something wait for a person's mail, once whatever the stream repeats. `true`: nothing was sent lately and
    /// nothing waited, so that one of the rhythm [`MailLevel::Now`] can go now.
    pub async fn queue_mail(&self, user: UserId, rhythm: MailLevel, one: &Waiting, due: Timestamp, now: Timestamp) -> Result<bool, Error> {
        let receipt = keys::receipt("change", &user.to_string(), &one.cause());
        let key = one.key(user, rhythm);
        let legs = [
            Leg::create(with_ttl(row(&receipt, "receipt", one)?, now + KEPT)).or(Conflict::IdTaken),
            Leg::put(with_ttl(row(&key, "waiting", one)?, now + KEPT)),
        ];
        match self.commit(&legs).await {
            // It waited before; whoever put it there may have died before the window was opened.
            Ok(()) | Err(Error::Conflict(Conflict::IdTaken)) => (),
            Err(error) => return Err(error),
        }
        let window = Window { user, rhythm, id: uuid::Uuid::now_v7(), sent: 0, due, touched: 1, taken: Vec::new() };
        let mut patience = self.patience();
        loop {
            if self.put_when(item(&window)?, Some("attribute_not_exists(pk)"), Item::new()).await? {
                return Ok(true);
            }
            let there = keys::mail_window(user, rhythm.as_str());
            let touched = values([(":one", n(1))]);
            if self.update_when(&there, "SET #touched = #touched + :one", "attribute_exists(pk)", touched).await? {
                return Ok(false);
            }
            patience.wait().await?;
        }
    }

    /// The windows that are due.
    pub async fn windows_due(&self, now: Timestamp) -> Result<Vec<Window>, Error> {
        let range = Range::below(keys::MAIL_WINDOWS.to_owned(), keys::mail_due_until(now)).in_index();
        let keys: Vec<Key> = self.all(&range).await?.iter().filter_map(crate::key_of).collect();
        let windows = self.get_many(&keys).await?.into_values().map(read).collect::<Result<Vec<Window>, Error>>()?;
        Ok(windows.into_iter().filter(|window| window.due <= now).collect())
    }

    /// Takes what waits in a window, for one mail. What was taken before and not finished is taken again. `None`: there
    /// is nothing (the window is closed then), or another one is at it.
    pub async fn take_waiting(&self, user: UserId, rhythm: MailLevel) -> Result<Option<Window>, Error> {
        let key = keys::mail_window(user, rhythm.as_str());
        let Some(found) = self.get(&key).await? else { return Ok(None) };
        let window: Window = read(found)?;
        if !window.taken.is_empty() {
            return Ok(Some(window));
        }
        let page = self.page(&Range::of(keys::waiting_partition(user, rhythm.as_str())).at_most(AT_ONCE), None).await?;
        let taken = page.items.into_iter().map(read).collect::<Result<Vec<Waiting>, Error>>()?;
        if taken.is_empty() {
            let unchanged = "#touched = :touched AND attribute_not_exists(#taken)";
            self.delete_when(&key, Some(unchanged), values([(":touched", n(window.touched))])).await?;
            return Ok(None);
        }
        let list = serde_dynamo::to_attribute_value(&taken).map_err(|error| Error::torn(&key, error))?;
        let mine = values([(":taken", list), (":sent", n(window.sent)), (":id", s(window.id))]);
        let free = "#id = :id AND #sent = :sent AND attribute_not_exists(#taken)";
        let taken_now = self.update_when(&key, "SET #taken = :taken", free, mine).await?;
        Ok(taken_now.then_some(Window { taken, ..window }))
    }

    /// Removes what was sent, and says when the window is due next.
    pub async fn finish_window(&self, window: &Window, due: Timestamp) -> Result<(), Error> {
        let gone: Vec<Key> = window.taken.iter().map(|one| one.key(window.user, window.rhythm)).collect();
        self.delete_all(&gone).await?;
        let next = values([
            (":one", n(1)),
            (":sent", n(window.sent)),
            (":id", s(window.id)),
            (":due", s(due)),
            (":place", s(keys::mail_due(due, window.user))),
        ]);
        let key = keys::mail_window(window.user, window.rhythm.as_str());
        let expression = "SET #sent = #sent + :one, #due = :due, #gsi1sk = :place REMOVE #taken";
        self.update_when(&key, expression, "#id = :id AND #sent = :sent", next).await.map(drop)
    }

    /// Changes by their numbers, as a letter tells them: the values of very long ones are left out.
    pub async fn changes_at(&self, wanted: &[Waiting]) -> Result<Vec<(Change, changes::About)>, Error> {
        let changes = wanted.iter().filter(|one| one.talk.is_none());
        let keys: Vec<Key> = changes.map(|one| keys::change(&one.collection, one.seq)).collect();
        let mut found = self.get_many(&keys).await?;
        keys.iter().filter_map(|key| found.remove(key)).map(changes::from_image).collect()
    }

    /// What was done about comments, of what waited.
    pub async fn talks_at(&self, wanted: &[Waiting]) -> Result<Vec<(Talk, changes::About)>, Error> {
        let keys: Vec<Key> = wanted.iter().filter_map(|one| Some(keys::talk(&one.collection, one.talk?))).collect();
        let mut found = self.get_many(&keys).await?;
        keys.iter().filter_map(|key| found.remove(key)).map(comments::from_image).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_go_at_the_hour_in_the_morning_or_after_a_pause() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-11-21T06:59:30Z");
        assert_eq!(next_due(MailLevel::Hourly, 7, now), at("2026-11-21T07:00:00Z"));
        assert_eq!(next_due(MailLevel::Hourly, 7, at("2026-11-21T07:00:00Z")), at("2026-11-21T08:00:00Z"));
        assert_eq!(next_due(MailLevel::Daily, 7, now), at("2026-11-21T07:00:00Z"));
        assert_eq!(next_due(MailLevel::Daily, 7, at("2026-11-21T07:00:00Z")), at("2026-11-22T07:00:00Z"));
        assert_eq!(next_due(MailLevel::Now, 7, now), at("2026-11-21T07:04:30Z"));
    }
}

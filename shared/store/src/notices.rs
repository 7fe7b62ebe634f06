//! What a person is told in the pages, what they want to be told of, and addresses that no mail goes to any more.

use std::collections::HashMap;

use domain::access::Caller;
use domain::account::Email;
use domain::ids::UserId;
use domain::notify::{Category, Letters, Preferences};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::keys::Key;
use crate::readers::Mark;
use crate::subscriptions::{MailLevel, Subscription};
use crate::users::digest;
use crate::{Error, Item, Leg, Range, Store, cursor, flag, keys, n, read, row, s, values, with_ttl};

/// How long a notice is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Unread notices are counted up to this number.
const COUNTED: usize = 100;

/// Something that a person is told in the pages.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Notice {
    /// Its id; the same cause has the same id.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// Where it stands among the others: what comes with the same id and place stands in its stead.
    pub place: Timestamp,
    /// What it is about.
    pub category: Category,
    /// A sentence.
    pub text: String,
    /// Where it leads, a path of the pages.
    pub link: String,
    /// Of notices with the same id the one with the higher number counts.
    #[serde(default)]
    pub seq: u64,
    /// Whether it was read.
    #[serde(default)]
    pub read: bool,
}

/// A page of an inbox, newest first.
#[derive(Debug, Clone)]
pub struct Inbox {
    /// The notices.
    pub notices: Vec<Notice>,
    /// Where the next page starts.
    pub cursor: Option<String>,
}

/// That no mail goes to an address, and why.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stopped {
    /// `bounce` or `complaint`.
    pub why: String,
    /// Since when.
    pub at: Timestamp,
}

impl Store {
    /// What a person wants to be told of.
    pub async fn preferences(&self, user: UserId) -> Result<Preferences, Error> {
        Ok(self.preferences_of(&[user]).await?.remove(&user).unwrap_or_default())
    }

    /// The same of many people; who has not chosen is not in the answer.
    pub async fn preferences_of(&self, users: &[UserId]) -> Result<HashMap<UserId, Preferences>, Error> {
        let mut wanted: Vec<(Key, UserId)> = users.iter().map(|user| (keys::preferences(*user), *user)).collect();
        wanted.sort();
        wanted.dedup();
        let keys: Vec<Key> = wanted.iter().map(|(key, _)| key.clone()).collect();
        let mut found = self.get_many(&keys).await?;
        let chosen = wanted.into_iter().filter_map(|(key, user)| Some((user, found.remove(&key)?)));
        chosen.map(|(user, item)| Ok((user, read::<Chosen>(item)?.preferences))).collect()
    }

    /// Keeps what the caller wants to be told of.
    pub async fn set_preferences(&self, by: &Caller, preferences: Preferences) -> Result<(), Error> {
        self.keep_preferences(by.user, preferences).await
    }

    async fn keep_preferences(&self, user: UserId, preferences: Preferences) -> Result<(), Error> {
        let item = row(&keys::preferences(user), "preferences", &Chosen { preferences })?;
        self.put_when(item, None, Item::new()).await.map(drop)
    }

    /// Ends the mails about changes of one collection, or all of a kind. For the link in a mail: whoever has it is the reader.
    pub async fn silence(&self, user: UserId, letters: &Letters) -> Result<(), Error> {
        let collection = match letters {
            Letters::ChangesOf(collection) => collection,
            Letters::Changes | Letters::Comments | Letters::Billing | Letters::Usage => {
                let mut preferences = self.preferences(user).await?;
                let ways = match letters {
                    Letters::Comments => &mut preferences.comments,
                    Letters::Billing => &mut preferences.billing,
                    Letters::Usage => &mut preferences.usage,
                    Letters::Changes | Letters::ChangesOf(_) => &mut preferences.changes,
                };
                ways.mail = false;
                return self.keep_preferences(user, preferences).await;
            }
        };
        let Some(profile) = self.profile(user).await? else { return Ok(()) };
        for subscription in self.followed_by(&profile.caller()).await?.into_iter().filter(|one| one.collection == *collection) {
            if subscription.group.is_some() {
                // From now on it is theirs, and what the group wants is nothing to them.
                let own = Subscription { mail: MailLevel::Off, group: None, ..subscription };
                let both = [keys::subscription(collection, user, None), keys::my_subscription(user, collection, None)];
                let legs = both.map(|key| row(&key, "subscription", &own).map(Leg::create));
                self.transact(&legs.into_iter().collect::<Result<Vec<_>, _>>()?).await?;
                continue;
            }
            let item = subscription.item.as_ref().map(|item| &item.id);
            let both = [keys::subscription(collection, user, item), keys::my_subscription(user, collection, item)];
            let off = |key| Leg::update(key, "SET #mail = :off").when("attribute_exists(pk)").text(":off", MailLevel::Off.as_str());
            // A leg that does not hold: the subscription was ended meanwhile, and tells nobody either.
            self.transact(&both.map(off)).await?;
        }
        Ok(())
    }

    /// Tells somebody something, once: of the same id only a higher number is told anew.
    pub async fn notify(&self, user: UserId, notice: &Notice) -> Result<(), Error> {
        let key = keys::notice(user, notice.place, &notice.id);
        let item = with_ttl(row(&key, "notice", notice)?, notice.at + KEPT);
        let newer = "attribute_not_exists(pk) OR #seq < :seq";
        self.put_when(item, Some(newer), values([(":seq", n(notice.seq))])).await.map(drop)
    }

    /// A page of the caller's inbox.
    pub async fn inbox(&self, by: &Caller, cursor: Option<&str>, limit: usize) -> Result<Inbox, Error> {
        let inbox = keys::inbox(by.user);
        let range = match cursor::place(cursor, cursor::sort_key)? {
            Some(before) => Range::below(inbox, before),
            None => Range::of(inbox),
        };
        let page = self.page(&range.newest_first().at_most(limit), None).await?;
        let cursor = page.next.and(page.items.last().and_then(crate::key_of)).map(|key| cursor::of(&key.sk));
        Ok(Inbox { notices: page.items.into_iter().map(read).collect::<Result<_, _>>()?, cursor })
    }

    /// How many of the caller's newest notices are not read: 100 stands for that many or more.
    pub async fn unread(&self, by: &Caller) -> Result<usize, Error> {
        let page = self.page(&Range::of(keys::inbox(by.user)).newest_first().at_most(COUNTED), None).await?;
        Ok(page.items.iter().filter(|item| item.get("read").is_none_or(|read| read.as_bool() != Ok(&true))).count())
    }

    /// Marks notices of the caller as read: those with these ids, or all that count as unread.
    pub async fn mark_read(&self, by: &Caller, ids: Option<&[String]>) -> Result<(), Error> {
        let page = self.page(&Range::of(keys::inbox(by.user)).newest_first().at_most(COUNTED), None).await?;
        for item in page.items {
            let Some(key) = crate::key_of(&item) else { continue };
            let notice: Notice = read(item)?;
            if !notice.read && ids.is_none_or(|ids| ids.contains(&notice.id)) {
                self.update_when(&key, "SET #read = :yes", "attribute_exists(pk)", values([(":yes", flag(true))])).await?;
            }
        }
        Ok(())
    }

    /// Lets no further mail go to an address.
    pub async fn stop_mail(&self, email: &Email, stopped: &Stopped) -> Result<(), Error> {
        let item = row(&keys::mail_stop(&digest(email)), "stop", stopped)?;
        self.put_when(item, None, Item::new()).await.map(drop)
    }

    /// Whether mail to an address is stopped.
    pub async fn mail_stopped(&self, email: &Email) -> Result<Option<Stopped>, Error> {
        self.get(&keys::mail_stop(&digest(email))).await?.map(read).transpose()
    }

    /// Lets mail go to the caller's own address again.
    pub async fn resume_mail(&self, by: &Caller) -> Result<(), Error> {
        let Some(profile) = self.profile(by.user).await? else { return Ok(()) };
        self.delete_all(&[keys::mail_stop(&digest(&profile.email))]).await
    }

    /// Notes that the caller has seen their feed.
    pub async fn see_feed(&self, by: &Caller, at: Timestamp) -> Result<(), Error> {
        let item = row(&keys::feed_seen(by.user), "seen", &Mark { at })?;
        let later = "attribute_not_exists(pk) OR #at < :at";
        self.put_when(item, Some(later), values([(":at", s(at))])).await.map(drop)
    }
}

#[derive(Serialize, Deserialize)]
struct Chosen {
    preferences: Preferences,
}

//! What webhooks tell: one message for each change and webhook, written down before it is sent, and the tries to send it.
//!
//! A message that is to be sent stands beside the log of all, under the time when it is due. Both are written together,
//! under names derived from the change: a stream that comes twice tells once.

use domain::change::Change;
use domain::ids::WebhookId;
use domain::webhook::{Address, message_id};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::changes::About;
use crate::digests::Waiting;
use crate::keys::Key;
use crate::webhooks::{Managing, Webhook};
use crate::{Conflict, Error, Leg, Range, Store, cursor, keys, n, read, row, s, values, with_ttl};

/// How long a message is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Tries of a message that are kept.
const TRIES: usize = 20;

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It waits to be sent, or sent again.
    Waiting,
    /// The receiver took it.
    Delivered,
    /// It was tried as often as messages are.
    Failed,
    /// It was not sent: the maker of the webhook does not see what it tells.
    Withheld,
}

/// A message.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Message {
    /// What receivers know it by, however often it comes.
    pub id: String,
    /// Its place among those of its webhook.
    pub place: String,
    /// The change that it tells of; `None`: a test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<Waiting>,
    /// When it came up.
    pub at: Timestamp,
    /// What became of it.
    pub state: State,
    /// When it is sent next, where it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Timestamp>,
    /// How often it was tried since it was asked for.
    #[serde(default)]
    pub tried: usize,
    /// The last tries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tries: Vec<Try>,
}

/// A try to send a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Try {
    /// When.
    pub at: Timestamp,
    /// What the receiver answered, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What went wrong, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How long it took, in milliseconds.
    pub milliseconds: u64,
}

/// A page of messages, newest first.
#[derive(Debug, Clone)]
pub struct Messages {
    /// The messages.
    pub messages: Vec<Message>,
    /// Where the next page starts.
    pub cursor: Option<String>,
}

impl Message {
    fn new(id: String, about: Option<Waiting>, at: Timestamp, now: Timestamp) -> Message {
        let place = keys::message_place(at, &id);
        Message { id, place, about, at, state: State::Waiting, next: Some(now), tried: 0, tries: Vec::new() }
    }

    /// What the API calls it.
    pub fn name(&self) -> String {
        cursor::of(&self.place)
    }

    fn legs(&self, webhook: &WebhookId, now: Timestamp) -> Result<Vec<Leg>, Error> {
        let until = now + KEPT;
        let mut legs = vec![Leg::put(with_ttl(row(&keys::message(webhook, &self.place), "message", self)?, until))];
        if let Some(next) = self.next {
            let waits = keys::message_waits(webhook, next, &self.place);
            legs.push(Leg::put(with_ttl(row(&waits, "message-waits", &Place { place: self.place.clone() })?, until)));
        }
        Ok(legs)
    }
}

#[derive(Serialize, Deserialize)]
struct Place {
    place: String,
}

impl Store {
    /// Writes down that a webhook is to tell of changes, each once whatever the stream repeats.
    pub async fn queue_changes(&self, address: &Address, changes: &[(Change, About)], now: Timestamp) -> Result<(), Error> {
        let Some(webhook) = self.webhook_at(address).await? else { return Ok(()) };
        let mut news = false;
        for (change, about) in changes.iter().filter(|(change, _)| webhook.begin.is_none_or(|begin| begin.has(change))) {
            let about = Waiting::change(&about.collection, change.seq);
            news |= self.queue(address, Message::new(message_id(change), Some(about), change.at, now), now).await?;
        }
        if news { self.touch(address, now).await } else { Ok(()) }
    }

    /// Writes down that a webhook is to tell that it works.
    pub async fn queue_test(&self, by: &Managing, webhook: &Webhook, id: uuid::Uuid, now: Timestamp) -> Result<Message, Error> {
        let address = Address { id: webhook.address.id.clone(), of: by.of() };
        let message = Message::new(format!("test-{id}"), None, now, now);
        self.queue(&address, message.clone(), now).await?;
        self.touch(&address, now).await?;
        Ok(message)
    }

    /// `false`: it was written down before.
    async fn queue(&self, address: &Address, message: Message, now: Timestamp) -> Result<bool, Error> {
        let mut legs = message.legs(&address.id, now)?;
        let first = legs.remove(0).when("attribute_not_exists(pk)").or(Conflict::IdTaken);
        legs.insert(0, first);
        match self.commit(&legs).await {
            Ok(()) => Ok(true),
            // Whoever wrote it down may have died before the webhook knew.
            Err(Error::Conflict(Conflict::IdTaken)) => {
                let there = self.message(&address.id, &message.place).await?;
                Ok(there.is_some_and(|there| there.state == State::Waiting && there.tried == 0))
            }
            Err(error) => Err(error),
        }
    }

    /// Notes that a webhook has something to tell now.
    async fn touch(&self, address: &Address, now: Timestamp) -> Result<(), Error> {
        let due =
            values([(":zero", n(0)), (":one", n(1)), (":due", s(keys::WEBHOOKS_DUE)), (":place", s(keys::webhook_due(now, &address.id)))]);
        let set = "SET #touched = if_not_exists(#touched, :zero) + :one, #gsi1pk = :due, #gsi1sk = :place";
        let there = "attribute_exists(pk) AND attribute_not_exists(#off)";
        self.update_when(&keys::webhook(address), set, there, due).await.map(drop)
    }

    async fn message(&self, webhook: &WebhookId, place: &str) -> Result<Option<Message>, Error> {
        self.get(&keys::message(webhook, place)).await?.map(read).transpose()
    }

    /// A page of what a webhook told.
    pub async fn messages(&self, by: &Managing, webhook: &Webhook, cursor: Option<&str>, limit: usize) -> Result<Messages, Error> {
        let address = Address { id: webhook.address.id.clone(), of: by.of() };
        let partition = keys::messages_partition(&address.id);
        let range = match cursor::place(cursor, cursor::sort_key)? {
            // Nothing of a webhook sorts before its messages.
            Some(place) => Range::below(partition, keys::message(&address.id, &place).sk),
            None => Range::prefix(partition, keys::MESSAGES),
        };
        let page = self.page(&range.newest_first().at_most(limit), None).await?;
        let messages = page.items.into_iter().map(read).collect::<Result<Vec<Message>, Error>>()?;
        let cursor = page.next.and(messages.last()).map(|last| cursor::of(&last.place));
        Ok(Messages { messages, cursor })
    }

    /// Lets a message be sent again, as if it had never been tried. [`Conflict::WebhookGone`]: there is no such message.
    pub async fn send_again(&self, by: &Managing, webhook: &Webhook, name: &str, now: Timestamp) -> Result<Message, Error> {
        let address = Address { id: webhook.address.id.clone(), of: by.of() };
        let Ok(Some(place)) = cursor::place(Some(name), cursor::sort_key) else { return Err(Conflict::WebhookGone.into()) };
        let was = self.message(&address.id, &place).await?.ok_or(Conflict::WebhookGone)?;
        let mut legs: Vec<Leg> = was.next.map(|next| Leg::delete(keys::message_waits(&address.id, next, &place))).into_iter().collect();
        let message = Message { state: State::Waiting, next: Some(now), tried: 0, ..was };
        // One that waits under the same time is not to be deleted and put at once.
        legs.retain(|_| message.next != was.next);
        legs.extend(message.legs(&address.id, now)?);
        self.commit(&legs).await?;
        self.touch(&address, now).await?;
        Ok(message)
    }

    /// What a webhook is to tell by now, the oldest first.
    pub async fn messages_due(&self, webhook: &WebhookId, now: Timestamp, limit: usize) -> Result<Vec<Message>, Error> {
        let partition = keys::messages_partition(webhook);
        let range = Range::between(partition, keys::MESSAGES_WAITING, keys::messages_due_until(now)).at_most(limit);
        let places = self.page(&range, None).await?.items.into_iter().map(read).collect::<Result<Vec<Place>, Error>>()?;
        let keys: Vec<Key> = places.iter().map(|one| keys::message(webhook, &one.place)).collect();
        let mut found = self.get_many(&keys).await?;
        keys.iter().filter_map(|key| found.remove(key)).map(read).collect()
    }

    /// When a webhook has to tell something next.
    pub async fn message_next(&self, webhook: &WebhookId) -> Result<Option<Timestamp>, Error> {
        let range = Range::prefix(keys::messages_partition(webhook), keys::MESSAGES_WAITING).at_most(1);
        let Some(item) = self.page(&range, None).await?.items.pop() else { return Ok(None) };
        let Place { place } = read(item)?;
        Ok(self.message(webhook, &place).await?.and_then(|message| message.next))
    }

    /// Notes what came of a message, and when it is sent again. What was asked for meanwhile stands.
    pub async fn settle_message(
        &self,
        webhook: &WebhookId,
        was: &Message,
        tried: Option<Try>,
        state: State,
        next: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut message = Message { state, next, ..was.clone() };
        if let Some(tried) = tried {
            message.tried += 1;
            message.tries.push(tried);
            let more = message.tries.len().saturating_sub(TRIES);
            message.tries.drain(..more);
        }
        let mut legs: Vec<Leg> = Vec::new();
        if let Some(before) = was.next.filter(|before| message.next != Some(*before)) {
            legs.push(Leg::delete(keys::message_waits(webhook, before, &was.place)));
        }
        let mut written = message.legs(webhook, now)?;
        // Who deleted the webhook meanwhile deleted its messages.
        let whole = written.remove(0).when("attribute_exists(pk)").or(Conflict::WebhookGone);
        legs.push(whole);
        legs.extend(written);
        match self.commit(&legs).await {
            Err(Error::Conflict(Conflict::WebhookGone)) => Ok(()),
            ended => ended,
        }
    }

    /// Forgets what waits to be told by a webhook that tells nothing more.
    pub async fn drop_messages(&self, webhook: &WebhookId) -> Result<(), Error> {
        let waiting = self.all(&Range::prefix(keys::messages_partition(webhook), keys::MESSAGES_WAITING)).await?;
        self.delete_all(&waiting.iter().filter_map(crate::key_of).collect::<Vec<Key>>()).await
    }
}

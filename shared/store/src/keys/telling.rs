//! Keys of all by which people and programs are told: connections, feeds, mails, webhooks.

use domain::ids::{CollectionId, ConnectionId, ElementId, TeamId, UserId, WebhookId};
use domain::webhook::{Address, Of};
use jiff::Timestamp;

use super::{CONNECTIONS, Key, collection_partition, milliseconds, of_item, team_partition, user_partition};

/// The live registrations of a collection. One shard until the collection is popular.
pub fn live_partition(collection: &CollectionId, shard: u32) -> String {
    format!("LIVE#{collection}#{shard}")
}

/// A connection's registration for a collection.
pub fn live(collection: &CollectionId, shard: u32, connection: &ConnectionId, item: Option<&ElementId>) -> Key {
    Key::new(live_partition(collection, shard), format!("{CONNECTIONS}{connection}{}", of_item(item)))
}

/// Everything of one connection.
pub fn connection_partition(connection: &ConnectionId) -> String {
    format!("CONN#{connection}")
}

/// A connection.
pub fn connection(connection: &ConnectionId) -> Key {
    Key::new(connection_partition(connection), "CONN")
}

/// The partition of gsi1 that lists connections by the time when they are looked after.
pub const CONNECTIONS_DUE: &str = "CONNECTIONS";

/// A connection's place in gsi1.
pub fn connection_due(at: Timestamp, connection: &ConnectionId) -> String {
    format!("{}#{connection}", milliseconds(at))
}

/// The end of the range of gsi1 that is due at `at`.
pub fn connections_due_until(at: Timestamp) -> String {
    mail_due_until(at)
}

/// The prefix of a connection's registrations.
pub const LIVE: &str = "LIVE#";

/// A registration as its connection sees it.
pub fn my_live(connection: &ConnectionId, collection: &CollectionId, item: Option<&ElementId>) -> Key {
    Key::new(connection_partition(connection), format!("{LIVE}{collection}{}", of_item(item)))
}

/// Who looks at a collection.
pub fn looking_partition(collection: &CollectionId) -> String {
    format!("LOOK#{collection}")
}

/// That a connection's user looks at a collection.
pub fn looking(collection: &CollectionId, connection: &ConnectionId) -> Key {
    Key::new(looking_partition(collection), format!("{CONNECTIONS}{connection}"))
}

/// The prefix of what a connection's user looks at.
pub const LOOKING: &str = "LOOK#";

/// The same as its connection sees it.
pub fn my_looking(connection: &ConnectionId, collection: &CollectionId) -> Key {
    Key::new(connection_partition(connection), format!("{LOOKING}{collection}"))
}

/// A program that asks to sign in, by the hash of the code that a person types.
pub fn question(code_hash: &str) -> Key {
    Key::new(format!("QUESTION#{code_hash}"), "QUESTION")
}

/// What lets a program sign in once, by the hash of its code.
pub fn permit(code_hash: &str) -> Key {
    Key::new(format!("PERMIT#{code_hash}"), "PERMIT")
}

/// A one-time ticket for a WebSocket.
pub fn ticket(id: &str) -> Key {
    Key::new(format!("TICKET#{id}"), "TICKET")
}

/// A team's feed.
pub fn team_feed(team: TeamId) -> String {
    format!("FEED#TEAM#{team}")
}

/// Apart from it: who was let into a team's collections, and where these went.
pub fn team_access_feed(team: TeamId) -> String {
    format!("FEED#TEAM#{team}#ACCESS")
}

/// What a person wants to be told of.
pub fn preferences(user: UserId) -> Key {
    Key::new(user_partition(user), "PREFS")
}

/// Until when a person has seen their feed.
pub fn feed_seen(user: UserId) -> Key {
    Key::new(user_partition(user), "SEEN")
}

/// What a person is told in the pages.
pub fn inbox(user: UserId) -> String {
    format!("INBOX#{user}")
}

/// A notice, named by its cause.
pub fn notice(user: UserId, place: Timestamp, id: &str) -> Key {
    Key::new(inbox(user), format!("{}#{id}", milliseconds(place)))
}

/// That no mail goes to an address, whose SHA-256 this is.
pub fn mail_stop(digest: &str) -> Key {
    Key::new(format!("EMAIL#{digest}"), "STOP")
}

/// When what waits for a person's mail is sent next.
pub fn mail_window(user: UserId, rhythm: &str) -> Key {
    Key::new(user_partition(user), format!("MAILS#{rhythm}"))
}

/// The partition of gsi1 that lists these by the time when they are due.
pub const MAIL_WINDOWS: &str = "MAILS";

/// Their place in gsi1.
pub fn mail_due(at: Timestamp, user: UserId) -> String {
    format!("{}#{user}", milliseconds(at))
}

/// The end of the range of gsi1 that is due at `at`.
pub fn mail_due_until(at: Timestamp) -> String {
    milliseconds(at + jiff::SignedDuration::from_millis(1))
}

/// Changes that wait for a person's mail of a rhythm.
pub fn waiting_partition(user: UserId, rhythm: &str) -> String {
    format!("WAITING#{user}#{rhythm}")
}

/// A change that waits.
pub fn waiting(user: UserId, rhythm: &str, collection: &CollectionId, seq: u64) -> Key {
    Key::new(waiting_partition(user, rhythm), format!("{collection}#{seq:016}"))
}

/// That something was done about comments, which waits as well.
pub fn waiting_talk(user: UserId, rhythm: &str, collection: &CollectionId, id: uuid::Uuid) -> Key {
    Key::new(waiting_partition(user, rhythm), format!("{collection}#{id}"))
}

/// A person's feed.
pub fn user_feed(user: UserId) -> String {
    format!("FEED#USER#{user}")
}

/// Where the entries of a time begin in a feed.
pub fn feed_at(at: Timestamp) -> String {
    milliseconds(at)
}

/// A feed entry: named by its cause, so that a replayed stream overwrites itself.
pub fn feed_entry(feed: String, at: Timestamp, collection: &CollectionId, seq: u64) -> Key {
    Key::new(feed, format!("{}#{collection}#{seq:016}", milliseconds(at)))
}

/// A feed entry about comments or access, named by its cause as well.
pub fn feed_talk(feed: String, at: Timestamp, collection: &CollectionId, id: uuid::Uuid) -> Key {
    Key::new(feed, format!("{}#{collection}#{id}", milliseconds(at)))
}

/// An entry of the audit trail; `subject` is a user's or a team's partition.
pub fn event(subject: &str, at: Timestamp, id: uuid::Uuid) -> Key {
    Key::new(audit_partition(subject, &month(at)), format!("EVT#{id}"))
}

/// The month that an entry of the audit trail lies in, `202611`.
pub fn month(at: Timestamp) -> String {
    at.strftime("%Y%m").to_string()
}

/// A month of the audit trail.
pub fn audit_partition(subject: &str, month: &str) -> String {
    format!("AUDIT#{subject}#{month}")
}

/// The receipt of a mail: one per kind, person and cause.
pub fn receipt(kind: &str, to: &str, cause: &str) -> Key {
    Key::new(format!("MAIL#{kind}#{to}#{cause}"), "RECEIPT")
}

/// The prefix of a collection's or a team's webhooks.
pub const WEBHOOKS: &str = "HOOK#";

/// Where webhooks lie.
pub fn webhooks_partition(of: &Of) -> String {
    match of {
        Of::Collection(collection) => collection_partition(collection),
        Of::Team(team) => team_partition(*team),
    }
}

/// A webhook.
pub fn webhook(address: &Address) -> Key {
    Key::new(webhooks_partition(&address.of), format!("{WEBHOOKS}{}", address.id))
}

/// Which webhooks of a collection or a team are on.
pub fn webhooks_on(of: &Of) -> Key {
    Key::new(webhooks_partition(of), "HOOKS")
}

/// The partition of gsi1 that lists webhooks by the time when they have something to tell.
pub const WEBHOOKS_DUE: &str = "HOOKS";

/// A webhook's place in gsi1.
pub fn webhook_due(at: Timestamp, webhook: &WebhookId) -> String {
    format!("{}#{webhook}", milliseconds(at))
}

/// The end of the range of gsi1 that is due at `at`.
pub fn webhooks_due_until(at: Timestamp) -> String {
    mail_due_until(at)
}

/// The messages of one webhook.
pub fn messages_partition(webhook: &WebhookId) -> String {
    format!("{WEBHOOKS}{webhook}")
}

/// The prefix of the messages of a webhook.
pub const MESSAGES: &str = "DLV#";

/// A message's place among those of its webhook: named by its cause, so that a repetition is the same one.
pub fn message_place(at: Timestamp, message: &str) -> String {
    format!("{}#{message}", milliseconds(at))
}

/// A message of a webhook.
pub fn message(webhook: &WebhookId, place: &str) -> Key {
    Key::new(messages_partition(webhook), format!("{MESSAGES}{place}"))
}

/// The prefix of the messages of a webhook that wait.
pub const MESSAGES_WAITING: &str = "WAIT#";

/// That a message waits to be sent at a time.
pub fn message_waits(webhook: &WebhookId, at: Timestamp, place: &str) -> Key {
    Key::new(messages_partition(webhook), format!("{MESSAGES_WAITING}{}#{place}", milliseconds(at)))
}

/// The end of the range of those that are due at `at`.
pub fn messages_due_until(at: Timestamp) -> String {
    format!("{MESSAGES_WAITING}{}", milliseconds(at + jiff::SignedDuration::from_millis(1)))
}

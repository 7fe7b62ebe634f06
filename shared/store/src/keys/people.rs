//! Keys of people: their accounts, their ways in, what is theirs alone.

use domain::account::Username;
use domain::ids::{CollectionId, ConnectionId, ElementId, KeyId, SessionId, TeamId, UserId};
use jiff::Timestamp;

use super::{Key, collection_partition, milliseconds, of_item};

/// Everything of one user.
pub fn user_partition(user: UserId) -> String {
    format!("USER#{user}")
}

/// The user, with their roles in all teams.
pub fn profile(user: UserId) -> Key {
    Key::new(user_partition(user), "PROFILE")
}

/// The user's second factor.
pub fn factor(user: UserId) -> Key {
    Key::new(user_partition(user), "FACTOR")
}

/// What a user says about themselves.
pub fn about(user: UserId) -> Key {
    Key::new(user_partition(user), "ABOUT")
}

/// A user's picture.
pub fn picture(user: UserId) -> Key {
    Key::new(user_partition(user), "PICTURE")
}

/// What is left to do about an account that has ended; outside its partition, which goes.
pub fn farewell(user: UserId) -> Key {
    Key::new(format!("GONE#{user}"), "GONE")
}

/// The partition of gsi1 that lists accounts that have ended.
pub const FAREWELLS: &str = "GONE";

/// Such an account's place in gsi1.
pub fn farewell_since(at: Timestamp, user: UserId) -> String {
    format!("{}#{user}", milliseconds(at))
}

/// The prefix of a user's sessions.
pub const SESSIONS: &str = "SESS#";

/// A session.
pub fn session(user: UserId, session: &SessionId) -> Key {
    Key::new(user_partition(user), format!("{SESSIONS}{session}"))
}

/// The prefix of a user's API keys.
pub const API_KEYS: &str = "KEY#";

/// An API key.
pub fn api_key(user: UserId, key: &KeyId) -> Key {
    Key::new(user_partition(user), format!("{API_KEYS}{key}"))
}

/// The prefix of a user's or a collection's access keys.
pub const ACCESS_KEYS: &str = "ACCESS#";

/// An access key for a collection, under its maker.
pub fn access_key(user: UserId, key: &KeyId) -> Key {
    Key::new(user_partition(user), format!("{ACCESS_KEYS}{key}"))
}

/// That there is an access key for a collection.
pub fn access_pointer(collection: &CollectionId, key: &KeyId) -> Key {
    Key::new(collection_partition(collection), format!("{ACCESS_KEYS}{key}"))
}

/// The prefix of a user's identities elsewhere.
pub const IDENTITIES: &str = "IDENT#";

/// An identity elsewhere. `digest` is the SHA-256 of who vouches for it and what they call it.
pub fn identity(user: UserId, digest: &str) -> Key {
    Key::new(user_partition(user), format!("{IDENTITIES}{digest}"))
}

/// Whose an identity is.
pub fn identity_claim(digest: &str) -> Key {
    Key::new(format!("{IDENTITIES}{digest}"), "CLAIM")
}

/// The prefix of a user's or a collection's subscriptions.
pub const SUBSCRIPTIONS: &str = "SUB#";

/// A subscription as the user sees it.
pub fn my_subscription(user: UserId, collection: &CollectionId, item: Option<&ElementId>) -> Key {
    Key::new(user_partition(user), format!("{SUBSCRIPTIONS}{collection}{}", of_item(item)))
}

/// The prefix of a user's connections, and of the registrations of a collection.
pub const CONNECTIONS: &str = "CONN#";

/// A connection as its user sees it.
pub fn my_connection(user: UserId, connection: &ConnectionId) -> Key {
    Key::new(user_partition(user), format!("{CONNECTIONS}{connection}"))
}

/// Who has an e-mail address. `digest` is its SHA-256, so that the address stays out of metrics and logs.
pub fn email_claim(digest: &str) -> Key {
    Key::new(format!("EMAIL#{digest}"), "CLAIM")
}

/// An address's pending invitation to a team.
pub fn email_invite(digest: &str, team: TeamId) -> Key {
    Key::new(format!("EMAIL#{digest}"), format!("INVITE#{team}"))
}

/// Who has a username, under what it looks like: of names that are taken for each other there is one.
pub fn name_claim(username: &Username) -> Key {
    Key::new(format!("NAME#{}", username.skeleton()), "CLAIM")
}

/// How often something was done in the window that starts at a time (seconds since 1970).
pub fn rate(what: &str, whom: &str, start: i64) -> Key {
    Key::new(format!("RATE#{what}#{whom}"), start.to_string())
}

/// Which team has a URL.
pub fn handle_claim(handle: &str) -> Key {
    Key::new(format!("HANDLE#{handle}"), "CLAIM")
}

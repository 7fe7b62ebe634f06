//! What people and programs show, and how it is read: each text carries its own address in the table.

use domain::ids::{CollectionId, KeyId, SessionId, UserId};

use crate::keys::{self, Key};

/// A refresh token, read from [`crate::sessions::Session::refresh_token`].
pub struct RefreshToken {
    /// Whose.
    pub user: UserId,
    /// Of which session.
    pub session: SessionId,
    /// Which of its tokens: they count up.
    pub rotation: u64,
    /// The hash of its secret.
    pub secret_hash: String,
}

impl RefreshToken {
    /// Reads one.
    pub fn parse(text: &str, hash: impl Fn(&str) -> String) -> Option<RefreshToken> {
        let mut parts = text.trim().splitn(4, '.');
        let (user, session, rotation) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(RefreshToken { user, session, rotation, secret_hash: hash(parts.next()?) })
    }
}

/// What someone shows.
pub enum Credential {
    /// A session: by an access token whose signature was checked, or by the cookie.
    Session {
        /// Whose.
        user: UserId,
        /// Which.
        session: SessionId,
        /// The hash of the secret that was shown; `None` where a signature was checked instead.
        secret_hash: Option<String>,
        /// Whether it is the cookie: its use prolongs the session.
        cookie: bool,
    },
    /// An API key.
    ApiKey {
        /// Whose.
        user: UserId,
        /// Which.
        key: KeyId,
        /// The hash of the secret that was shown.
        secret_hash: String,
    },
    /// A collection's access key.
    AccessKey {
        /// Its maker.
        user: UserId,
        /// The collection that is asked for.
        collection: CollectionId,
        /// Which.
        key: KeyId,
        /// The hash of the secret that was shown.
        secret_hash: String,
    },
    /// Someone who has shown one of these before: the holder of a ticket or of a connection.
    Known {
        /// Who.
        user: UserId,
        /// Their session then.
        session: Option<SessionId>,
        /// Their API key then.
        key: Option<KeyId>,
    },
}

impl Credential {
    /// Reads an API key as [`crate::sessions::ApiKey::text`] wrote it.
    pub fn api_key(text: &str, hash: impl Fn(&str) -> String) -> Option<Credential> {
        let mut parts = text.trim().strip_prefix("PMAK-")?.splitn(3, '-');
        let (user, key, secret) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?);
        Some(Credential::ApiKey { user, key, secret_hash: hash(secret) })
    }

    /// Reads an access key as [`crate::access_keys::AccessKey::text`] wrote it, shown for a collection.
    pub fn access_key(collection: CollectionId, text: &str, hash: impl Fn(&str) -> String) -> Option<Credential> {
        let mut parts = text.trim().strip_prefix("PMAT-")?.splitn(3, '-');
        let (user, key, secret) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?);
        Some(Credential::AccessKey { user, collection, key, secret_hash: hash(secret) })
    }

    /// Reads a cookie as [`crate::sessions::Session::cookie`] wrote it.
    pub fn cookie(text: &str, hash: impl Fn(&str) -> String) -> Option<Credential> {
        let mut parts = text.splitn(3, '.');
        let (user, session, secret) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?);
        Some(Credential::Session { user, session, secret_hash: Some(hash(secret)), cookie: true })
    }

    /// Whose it says it is.
    pub fn user(&self) -> UserId {
        match self {
            Credential::Session { user, .. }
            | Credential::ApiKey { user, .. }
            | Credential::AccessKey { user, .. }
            | Credential::Known { user, .. } => *user,
        }
    }

    /// The item that says whether it is good.
    pub(crate) fn row(&self) -> Option<Key> {
        match self {
            Credential::Session { user, session, .. } | Credential::Known { user, session: Some(session), .. } => {
                Some(keys::session(*user, session))
            }
            Credential::ApiKey { user, key, .. } | Credential::Known { user, key: Some(key), .. } => Some(keys::api_key(*user, key)),
            Credential::AccessKey { user, key, .. } => Some(keys::access_key(*user, key)),
            Credential::Known { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::account::Scope;
    use jiff::Timestamp;

    use super::*;
    use crate::sessions::{ApiKey, Session};

    #[test]
    fn what_is_shown_says_where_it_lies() {
        let hash = |secret: &str| format!("h({secret})");
        let at = Timestamp::UNIX_EPOCH;
        let session = Session {
            id: "018f-a".parse().unwrap(),
            user: UserId(7),
            refresh_hash: String::new(),
            rotation: 3,
            cookie_hash: String::new(),
            created_at: at,
            used_at: at,
            keep: false,
            device: String::new(),
            address: None,
            through: None,
            kept_at: None,
        };
        let Some(Credential::Session { user, session: id, secret_hash, cookie }) = Credential::cookie(&session.cookie("s-_x"), hash) else {
            panic!()
        };
        assert_eq!((user, id.as_str(), secret_hash.as_deref(), cookie), (UserId(7), "018f-a", Some("h(s-_x)"), true));
        let token = RefreshToken::parse(&session.refresh_token("s-_x"), hash).unwrap();
        assert_eq!((token.user, token.rotation, token.secret_hash.as_str()), (UserId(7), 3, "h(s-_x)"));
        let key = ApiKey {
            id: "0a".parse().unwrap(),
            user: UserId(7),
            name: String::new(),
            scope: Scope::Read,
            collection: None,
            secret_hash: String::new(),
            created_at: at,
            expires_at: None,
            used_on: None,
        };
        let Some(Credential::ApiKey { user, key, secret_hash }) = Credential::api_key(&key.text("a-b_c"), hash) else { panic!() };
        assert_eq!((user, key.as_str(), secret_hash.as_str()), (UserId(7), "0a", "h(a-b_c)"));
        for bad in ["", "PMAK-", "PMAK-7", "PMAK-x-y-z", "7.a.b", "7..c"] {
            assert!(Credential::api_key(bad, hash).is_none(), "{bad}");
        }
        assert!(Credential::cookie("7..c", hash).is_none());
        assert!(RefreshToken::parse("7.a.b.c", hash).is_none());
    }
}

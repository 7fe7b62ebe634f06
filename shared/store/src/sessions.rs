//! How people and programs show who they are: sessions (access token, refresh token, cookie), API keys, and tickets for
//! WebSockets. Of secrets, the table has hashes only.

use std::collections::HashMap;

use domain::access::{Caller, Door};
use domain::account::Scope;
use domain::change::Actor;
use domain::happened::{Doer, Happened};
use domain::ids::{CollectionId, KeyId, SessionId, TeamId, UserId};
use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::access_keys::AccessKey;
pub use crate::credentials::{Credential, RefreshToken};
use crate::keys::Key;
use crate::users::Profile;
use crate::{Conflict, Error, Item, Leg, Range, Store, events, keys, n, read, row, s, values, with_ttl};

/// A session without use ends after this time …
const IDLE: SignedDuration = SignedDuration::from_mins(30);
/// … or after this one, with "keep me signed in".
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// A cookie's use is noted when the last note is older than this; a session lasts that much longer.
const NOTED_EVERY: SignedDuration = SignedDuration::from_secs(30);

/// A sign-in.
#[derive(Clone, Serialize, Deserialize)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// The hash of the refresh token's secret.
    pub refresh_hash: String,
    /// How often the refresh token was changed.
    pub rotation: u64,
    /// The hash of the cookie's secret.
    pub cookie_hash: String,
    /// When the person signed in.
    pub created_at: Timestamp,
    /// When the session was last used (to 30 seconds).
    pub used_at: Timestamp,
    /// "Keep me signed in".
    pub keep: bool,
    /// Where, as the client says.
    pub device: String,
    /// The address that it was begun from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The team through whose single sign-on it was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<TeamId>,
    /// When it outlived an end of all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_at: Option<Timestamp>,
}

impl Session {
    /// When it ends if it is not used.
    pub fn ends_at(&self) -> Timestamp {
        ends(self.keep, self.used_at)
    }

    /// The cookie's text: it carries its own address in the table.
    pub fn cookie(&self, secret: &str) -> String {
        format!("{}.{}.{secret}", self.user, self.id)
    }

    /// The refresh token's text.
    pub fn refresh_token(&self, secret: &str) -> String {
        format!("{}.{}.{}.{secret}", self.user, self.id, self.rotation)
    }

    /// For a cookie, the seconds that a browser should keep it; `None`: until it is closed.
    pub fn cookie_seconds(&self) -> Option<i64> {
        self.keep.then(|| KEPT.as_secs())
    }
}

fn ends(keep: bool, used_at: Timestamp) -> Timestamp {
    used_at.saturating_add(if keep { KEPT } else { IDLE + NOTED_EVERY }).unwrap_or(Timestamp::MAX)
}

/// A key for programs.
#[derive(Clone, Serialize, Deserialize)]
pub struct ApiKey {
    /// Its id.
    pub id: KeyId,
    /// Whose.
    pub user: UserId,
    /// What its owner calls it.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// The one collection that it is for; `None`: whatever its owner may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<CollectionId>,
    /// The hash of its secret.
    pub secret_hash: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it works; `None`: until it is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The day it was last used (UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_on: Option<civil::Date>,
}

impl ApiKey {
    /// The key's text, one word. `id` has no `-`.
    pub fn text(&self, secret: &str) -> String {
        format!("PMAK-{}-{}-{secret}", self.user, self.id)
    }
}

/// The right to open one WebSocket.
#[derive(Clone, Serialize, Deserialize)]
pub struct Ticket {
    /// For whom.
    pub user: UserId,
    /// The session they asked with; the socket lives no longer than it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// The API key they asked with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyId>,
    /// Until when it can be used.
    pub expires_at: Timestamp,
}

impl Ticket {
    /// How long a ticket is good for.
    pub const LIFETIME: SignedDuration = SignedDuration::from_secs(60);
}

/// What a refresh token gave.
pub enum Refreshed {
    /// The session with its new secret.
    Fresh(Box<Session>),
    /// The token had been used before: somebody copied it. The session has ended; its connections are to be closed.
    Reused,
}

pub(crate) fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

impl Store {
    /// Who shows a credential, and further items that the request needs, in one round trip.
    /// No caller where the credential is wrong, has ended or was revoked.
    pub async fn caller(
        &self,
        credential: &Credential,
        more: &[Key],
        now: Timestamp,
    ) -> Result<(Option<Caller>, HashMap<Key, Item>), Error> {
        let user = credential.user();
        let (profile, Some(proof)) = (keys::profile(user), credential.row()) else { return Ok((None, HashMap::new())) };
        let mut wanted = [&[profile.clone(), proof.clone()], more].concat();
        wanted.sort();
        wanted.dedup();
        let mut found = self.get_many(&wanted).await?;
        let mut take = |key: &Key| if more.contains(key) { found.get(key).cloned() } else { found.remove(key) };
        let (Some(profile), Some(proof_item)) = (take(&profile), take(&proof)) else { return Ok((None, found)) };
        let mut profile: Profile = read(profile)?;
        if !profile.read_only.is_empty() {
            profile.read_only = self.really_read_only(&profile).await?;
        }
        let caller = match credential {
            Credential::Session { secret_hash, cookie, .. } => {
                let session: Session = read(proof_item)?;
                let right = secret_hash.as_ref().is_none_or(|hash| same(hash, &session.cookie_hash));
                let alive = right && lives(&session, &profile, now) && (!cookie || self.note_session(&session, now).await?);
                alive.then(|| with_session(&profile, session))
            }
            Credential::ApiKey { secret_hash, .. } => {
                let key: ApiKey = read(proof_item)?;
                let alive = same(secret_hash, &key.secret_hash) && key_lives(&key, &profile, now) && self.note_key(&key, now).await?;
                alive.then(|| with_key(&profile, key))
            }
            Credential::AccessKey { secret_hash, collection, .. } => {
                let key: AccessKey = read(proof_item)?;
                let lives = now < key.expires_at && made_since(key.created_at, &profile);
                let right = same(secret_hash, &key.secret_hash) && *collection == key.collection;
                let alive = right && lives && self.note_access_key(&key, now).await?;
                let only = Some(key.collection);
                alive.then(|| Caller { writes: false, only, shown_since: Some(key.created_at), ..profile.caller().come(Door::ApiKey) })
            }
            Credential::Known { session: Some(_), .. } => {
                let session: Session = read(proof_item)?;
                lives(&session, &profile, now).then(|| with_session(&profile, session))
            }
            Credential::Known { .. } => {
                let key: ApiKey = read(proof_item)?;
                key_lives(&key, &profile, now).then(|| with_key(&profile, key))
            }
        };
        Ok((caller, found))
    }

    /// Notes that a cookie was used, now and then. `false`: the session was ended meanwhile.
    async fn note_session(&self, session: &Session, now: Timestamp) -> Result<bool, Error> {
        if now.duration_since(session.used_at) < NOTED_EVERY {
            return Ok(true);
        }
        let values = values([(":now", s(now)), (":ttl", n(ends(session.keep, now).as_second()))]);
        self.update_when(&keys::session(session.user, &session.id), "SET #used_at = :now, #ttl = :ttl", "attribute_exists(pk)", values)
            .await
    }

    /// Notes that a key was used, once a day. `false`: the key was deleted meanwhile.
    async fn note_key(&self, key: &ApiKey, now: Timestamp) -> Result<bool, Error> {
        let today = now.to_zoned(TimeZone::UTC).date();
        if key.used_on == Some(today) {
            return Ok(true);
        }
        self.update_when(&keys::api_key(key.user, &key.id), "SET #used_on = :today", "attribute_exists(pk)", values([(":today", s(today))]))
            .await
    }

    /// Keeps a new session of `owner`'s. `anew`: from a place that was not seen before, which its owner is told. A session
    /// through a team's single sign-on stands in the team's audit log; others are nobody's business but the owner's.
    pub async fn start_session(&self, session: &Session, owner: Actor, anew: bool) -> Result<(), Error> {
        let item = with_ttl(row(&keys::session(session.user, &session.id), "session", session)?, session.ends_at());
        if !anew && session.through.is_none() {
            return self.put_when(item, None, Item::new()).await.map(drop);
        }
        let mut legs = vec![Leg::create(item).or(Conflict::IdTaken)];
        if anew {
            let what = Happened::SignedInAnew { user: session.user, session: session.id.clone() };
            legs.push(events::leg(None, what, session.created_at)?);
        }
        if let Some(team) = session.through {
            let by = Doer { actor: Some(owner), address: session.address.clone(), client: Some(session.device.clone()) };
            legs.push(events::leg(by, Happened::SignedInThrough { team, user: session.user }, session.created_at)?);
        }
        self.commit(&legs).await
    }

    /// One of a user's sessions.
    pub async fn session(&self, user: UserId, session: &SessionId) -> Result<Option<Session>, Error> {
        self.get(&keys::session(user, session)).await?.map(read).transpose()
    }

    /// Changes a refresh token for a new one, whose secret's hash is `fresh_hash`.
    /// [`Conflict::SessionGone`]: the session ended, or this is not its token.
    pub async fn refresh_session(&self, token: &RefreshToken, fresh_hash: String, now: Timestamp) -> Result<Refreshed, Error> {
        let RefreshToken { user, session: id, rotation, secret_hash } = token;
        let (user, rotation) = (*user, *rotation);
        let (profile, key) = (keys::profile(user), keys::session(user, id));
        let mut found = self.get_many(&[profile.clone(), key.clone()]).await?;
        let (Some(profile), Some(item)) = (found.remove(&profile), found.remove(&key)) else { return Err(Conflict::SessionGone.into()) };
        let (profile, session): (Profile, Session) = (read(profile)?, read(item)?);
        if !lives(&session, &profile, now) || rotation > session.rotation {
            return Err(Conflict::SessionGone.into());
        }
        let actor = profile.caller().actor();
        if rotation < session.rotation {
            return self.reused(session, actor, now).await;
        }
        if !same(secret_hash, &session.refresh_hash) {
            return Err(Conflict::SessionGone.into());
        }
        let changes = values([
            (":next", n(rotation + 1)),
            (":fresh", s(&fresh_hash)),
            (":now", s(now)),
            (":ttl", n(ends(session.keep, now).as_second())),
            (":rotation", n(rotation)),
        ]);
        let expression = "SET #rotation = :next, #refresh_hash = :fresh, #used_at = :now, #ttl = :ttl";
        if self.update_when(&key, expression, "#rotation = :rotation", changes).await? {
            let fresh = Session { rotation: rotation + 1, refresh_hash: fresh_hash, used_at: now, ..session };
            return Ok(Refreshed::Fresh(Box::new(fresh)));
        }
        // Somebody else used the same token at the same moment, or ended the session.
        self.reused(session, actor, now).await
    }

    /// Ends a session whose proof came twice: somebody copied it. Its connections are still open.
    pub async fn end_copied(&self, profile: &Profile, session: &SessionId, now: Timestamp) -> Result<(), Error> {
        match self.end(profile.id, session, true, profile.caller().actor(), now).await {
            Err(Error::Conflict(Conflict::SessionGone)) => Ok(()),
            ended => ended,
        }
    }

    async fn reused(&self, session: Session, actor: Actor, now: Timestamp) -> Result<Refreshed, Error> {
        match self.end(session.user, &session.id, true, actor, now).await {
            Ok(()) | Err(Error::Conflict(Conflict::SessionGone)) => Ok(Refreshed::Reused),
            Err(error) => Err(error),
        }
    }

    /// A user's sessions that have not ended.
    pub async fn sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, Error> {
        let items = self.all(&Range::prefix(keys::user_partition(user), keys::SESSIONS)).await?;
        let sessions: Vec<Session> = items.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(sessions.into_iter().filter(|session| now < session.ends_at()).collect())
    }

    /// Ends one of the caller's sessions. [`Conflict::SessionGone`]: it has ended. Its connections are still open.
    pub async fn end_session(&self, by: &Caller, session: &SessionId, now: Timestamp) -> Result<(), Error> {
        self.end(by.user, session, false, by.actor(), now).await
    }

    async fn end(&self, user: UserId, session: &SessionId, reused: bool, actor: Actor, now: Timestamp) -> Result<(), Error> {
        let what = Happened::SessionEnded { user, session: Some(session.clone()), reused };
        let delete = Leg::delete(keys::session(user, session)).when("attribute_exists(pk)").or(Conflict::SessionGone);
        self.commit(&[delete, events::leg(Some(actor), what, now)?]).await
    }

    /// Ends all of the caller's sessions at once, however many there are, but the one to `keep`. Their connections are
    /// still open.
    pub async fn end_all_sessions(&self, by: &Caller, keep: Option<&SessionId>, now: Timestamp) -> Result<(), Error> {
        let all = Leg::update(keys::profile(by.user), "SET #sessions_from = :from").when("attribute_exists(pk)");
        let what = Happened::SessionEnded { user: by.user, session: None, reused: false };
        let mut legs = vec![all.value(":from", s(ended_from(now))), events::leg(by, what, now)?];
        legs.extend(keep.map(|session| keep_session(by.user, session, now)));
        self.commit(&legs).await?;
        self.sweep_sessions(by.user, keep).await
    }

    /// Removes the items of sessions that have ended all together.
    pub(crate) async fn sweep_sessions(&self, user: UserId, keep: Option<&SessionId>) -> Result<(), Error> {
        self.sweep(user, keys::SESSIONS, keep.map(|session| keys::session(user, session))).await
    }

    /// Removes the items of API keys, access keys and identities that have ended all together.
    pub(crate) async fn sweep_ways_in(&self, user: UserId) -> Result<(), Error> {
        self.sweep_identities(user).await?;
        self.sweep(user, keys::ACCESS_KEYS, None).await?;
        self.sweep(user, keys::API_KEYS, None).await
    }

    async fn sweep(&self, user: UserId, prefix: &str, keep: Option<Key>) -> Result<(), Error> {
        let items = self.all(&Range::prefix(keys::user_partition(user), prefix)).await?;
        let ended: Vec<Key> = items.iter().filter_map(crate::key_of).filter(|key| Some(key) != keep.as_ref()).collect();
        self.delete_all(&ended).await
    }

    /// Keeps a new API key.
    pub async fn make_key(&self, by: &Caller, key: &ApiKey) -> Result<(), Error> {
        let item = row(&keys::api_key(key.user, &key.id), "key", key)?;
        let item = match key.expires_at {
            Some(at) => with_ttl(item, at),
            None => item,
        };
        let what = Happened::KeyMade { user: key.user, key: key.id.clone() };
        self.commit(&[Leg::create(item).or(Conflict::IdTaken), events::leg(by, what, key.created_at)?]).await
    }

    /// A user's API keys that have not expired, in the order in which they were made.
    pub async fn api_keys(&self, user: UserId, now: Timestamp) -> Result<Vec<ApiKey>, Error> {
        let items = self.all(&Range::prefix(keys::user_partition(user), keys::API_KEYS)).await?;
        let api_keys: Vec<ApiKey> = items.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(api_keys.into_iter().filter(|key| key.expires_at.is_none_or(|end| now < end)).collect())
    }

    /// Deletes one of the caller's API keys. `false`: there is none. Its connections are still open.
    pub async fn delete_key(&self, by: &Caller, key: &KeyId, now: Timestamp) -> Result<bool, Error> {
        let what = Happened::KeyDeleted { user: by.user, key: key.clone() };
        let delete = Leg::delete(keys::api_key(by.user, key)).when("attribute_exists(pk)").or(Conflict::SessionGone);
        match self.commit(&[delete, events::leg(by, what, now)?]).await {
            Ok(()) => Ok(true),
            Err(Error::Conflict(Conflict::SessionGone)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Keeps a ticket under the hash of its secret.
    pub async fn make_ticket(&self, secret_hash: &str, ticket: &Ticket) -> Result<(), Error> {
        let item = row(&keys::ticket(secret_hash), "ticket", ticket)?;
        self.put_when(with_ttl(item, ticket.expires_at), None, Item::new()).await.map(drop)
    }

    /// Takes a ticket, once. [`Conflict::TicketGone`]: it was used, is too old, or never was.
    /// Whether its session still lives is to be asked with [`Credential::Known`].
    pub async fn redeem_ticket(&self, secret_hash: &str, now: Timestamp) -> Result<Ticket, Error> {
        let key = keys::ticket(secret_hash);
        let ticket: Ticket = read(self.get(&key).await?.ok_or(Conflict::TicketGone)?)?;
        let mine = self.delete_when(&key, Some("attribute_exists(pk)"), Item::new()).await?;
        if mine && now < ticket.expires_at { Ok(ticket) } else { Err(Conflict::TicketGone.into()) }
    }
}

/// From when on sessions count that are made after all have ended. One that was made in this very millisecond has seen
/// the end coming: it ends as well.
pub(crate) fn ended_from(now: Timestamp) -> Timestamp {
    now.saturating_add(SignedDuration::from_millis(1)).unwrap_or(now)
}

/// The leg that lets one session outlive the end of all.
pub(crate) fn keep_session(user: UserId, session: &SessionId, now: Timestamp) -> Leg {
    let keep = Leg::update(keys::session(user, session), "SET #kept_at = :from").value(":from", s(ended_from(now)));
    keep.when("attribute_exists(pk)").or(Conflict::SessionGone)
}

fn lives(session: &Session, profile: &Profile, now: Timestamp) -> bool {
    session.kept_at.unwrap_or(session.created_at) >= profile.sessions_from && now < session.ends_at()
}

fn key_lives(key: &ApiKey, profile: &Profile, now: Timestamp) -> bool {
    key.expires_at.is_none_or(|end| now < end) && made_since(key.created_at, profile)
}

/// Whether a key was made after all keys were ended.
fn made_since(created_at: Timestamp, profile: &Profile) -> bool {
    profile.keys_from.is_none_or(|from| from <= created_at)
}

fn with_key(profile: &Profile, key: ApiKey) -> Caller {
    Caller { writes: key.scope == Scope::Write, key: Some(key.id), only: key.collection, ..profile.caller().come(Door::ApiKey) }
}

fn with_session(profile: &Profile, session: Session) -> Caller {
    let door = Door::SignIn(session.through, session.created_at);
    Caller { session: Some(session.id), ..profile.caller().come(door) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_without_use() {
        let at = Timestamp::UNIX_EPOCH;
        assert_eq!(ends(false, at).duration_since(at), IDLE + NOTED_EVERY);
        assert_eq!(ends(true, at).duration_since(at), KEPT);
    }

    #[test]
    fn secrets_are_compared_whole() {
        assert!(same("abc", "abc"));
        assert!(!same("abc", "abd"));
        assert!(!same("abc", "ab"));
        assert!(!same("", "a"));
    }
}

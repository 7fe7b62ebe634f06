//! Requests that are done once (`Idempotency-Key`): what came of one is written in its own transaction, and kept a day.

use domain::ids::UserId;
use domain::limit;
use domain::once::{Done, Once};
use jiff::{SignedDuration, Timestamp};

use crate::transact::Leg;
use crate::{Error, Item, Store, codec, key_of, keys, with_ttl};

/// A longer JSON is not kept once more: the element's own history has it.
const KEPT_JSON: usize = limit::PART_BYTES;

/// The legs that keep what came of a request. The first one fails where it was done already.
pub(crate) fn legs(user: UserId, once: &Once, done: Done, now: Timestamp) -> Result<Vec<Leg>, Error> {
    let key = keys::once(user, &once.key);
    let mut done = Done { request: once.request.clone(), ..done };
    if done.json.len() > KEPT_JSON {
        done.json.clear();
    }
    let body = serde_json::to_string(&done).map_err(|error| Error::torn(&key, error))?;
    let until = now + SignedDuration::from_hours(limit::ONCE_HOURS);
    let mut item = crate::transact::key_item(&key);
    item.insert("kind".to_owned(), crate::s("once"));
    let parts = codec::put_body(&mut item, codec::pack(&body), |part| keys::once_part(&key, part));
    let first = Leg::create(with_ttl(item, until));
    Ok(std::iter::once(first).chain(parts.into_iter().map(|part| Leg::put(with_ttl(part, until)))).collect())
}

impl Store {
    /// What came of a request, from its item.
    pub async fn done(&self, item: Item) -> Result<Done, Error> {
        let key = key_of(&item).ok_or_else(|| Error::Failed("an answer without a key".to_owned()))?;
        let wanted: Vec<_> = (0..codec::parts(&item)).map(|part| keys::once_part(&key, part)).collect();
        let parts = self.get_many(&wanted).await?;
        let part = |index: usize| parts.get(wanted.get(index)?).and_then(codec::body).map(<[u8]>::to_vec);
        serde_json::from_str(&codec::text(&key, &item, part)?).map_err(|error| Error::torn(&key, error))
    }
}

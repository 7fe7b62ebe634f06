//! Requests that are done once (`Idempotency-Key`). In a collection, what came of one is written in its own transaction; of
//! others the answer is kept, sealed, behind it. Both for a day.

use domain::ids::UserId;
use domain::limit;
use domain::once::{Done, Once};
use jiff::{SignedDuration, Timestamp};

use crate::transact::Leg;
use crate::{Error, Item, Store, codec, key_of, keys, n, s, values, with_ttl};

/// A request that was begun longer ago than this is over, however it ended: it may be done again.
const ANSWERED: SignedDuration = SignedDuration::from_mins(1);

/// Whether a request may be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// It may: nobody else does it.
    Mine,
    /// It was done: this is the answer, as it was sealed.
    Answered(String),
    /// It is being done.
    UnderWay,
    /// The key was used for something else.
    Another,
}

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

    /// Asks whether a request of a user may be done, and keeps others from doing it. `request` says what is asked.
    pub async fn claim_answer(&self, user: UserId, key: &str, request: &str, now: Timestamp) -> Result<Claim, Error> {
        let item = answer_item(user, key, request, now + ANSWERED, None, now);
        let free = "attribute_not_exists(pk) OR #ttl < :seconds OR (attribute_not_exists(#answer) AND #until < :now)";
        let held = values([(":seconds", n(now.as_second())), (":now", n(now.as_millisecond()))]);
        if self.put_when(item, Some(free), held).await? {
            return Ok(Claim::Mine);
        }
        let Some(item) = self.get(&keys::once(user, key)).await? else { return Ok(Claim::UnderWay) };
        let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok());
        Ok(match (text("request"), text("answer")) {
            (Some(asked), _) if asked != request => Claim::Another,
            (_, Some(answer)) => Claim::Answered(answer.clone()),
            (_, None) => Claim::UnderWay,
        })
    }

    /// Keeps the answer to a request that was claimed; without one it may be done again.
    pub async fn keep_answer(&self, user: UserId, key: &str, request: &str, answer: Option<String>, now: Timestamp) -> Result<(), Error> {
        let over = now - SignedDuration::from_millis(1);
        self.put_when(answer_item(user, key, request, over, answer, now), None, Item::new()).await.map(drop)
    }
}

fn answer_item(user: UserId, key: &str, request: &str, until: Timestamp, answer: Option<String>, now: Timestamp) -> Item {
    let mut item = crate::transact::key_item(&keys::once(user, key));
    item.insert("kind".to_owned(), s("answer"));
    item.insert("request".to_owned(), s(request));
    item.insert("until".to_owned(), n(until.as_millisecond()));
    if let Some(answer) = answer {
        item.insert("answer".to_owned(), s(answer));
    }
    with_ttl(item, now + SignedDuration::from_hours(limit::ONCE_HOURS))
}

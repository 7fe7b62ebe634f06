//! Programs that sign in through the browser: what they ask, and what a person answers. Of secrets, the table has hashes.

use domain::access::Caller;
use domain::ids::{SessionId, UserId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::keys::Key;
use crate::users::Profile;
use crate::{Conflict, Error, Item, Store, keys, n, read, row, s, values, with_ttl};

/// Rows outlive what they say by this time, so that a late answer can say why.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(1);

/// What somebody said to a program.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Answer {
    /// Who.
    pub user: UserId,
    /// When.
    pub at: Timestamp,
    /// Whether it may sign in as them.
    pub approved: bool,
}

/// A program that asks to sign in (RFC 8628). It lies under the hash of the code that a person types.
#[derive(Clone, Serialize, Deserialize)]
pub struct Question {
    /// What the program calls itself.
    pub client: String,
    /// The network address that it asked from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The hash of the secret that it polls with.
    pub secret_hash: String,
    /// When it asked.
    pub asked_at: Timestamp,
    /// How many seconds it has to wait between two polls.
    pub interval: i64,
    /// When it polled last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub polled_at: Option<Timestamp>,
    /// What it is answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
}

impl Question {
    /// How long it waits for an answer.
    pub const LIFETIME: SignedDuration = SignedDuration::from_mins(5);
    /// Seconds between two polls at first, and how many more it gets each time that it does not wait.
    pub const INTERVAL: i64 = 5;

    /// When it is too late to answer.
    pub fn ends_at(&self) -> Timestamp {
        self.asked_at.saturating_add(Question::LIFETIME).unwrap_or(Timestamp::MAX)
    }
}

/// What a browser brings back to a program: the right to sign in as somebody, once. It lies under the hash of its code.
#[derive(Clone, Serialize, Deserialize)]
pub struct Permit {
    /// As whom.
    pub user: UserId,
    /// What the program calls itself.
    pub client: String,
    /// Where the browser brings it.
    pub redirect: String,
    /// The program's challenge (RFC 7636): the SHA-256 of what it will show.
    pub challenge: String,
    /// When the person said yes.
    pub made_at: Timestamp,
    /// The session that it became.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
}

impl Permit {
    /// How long it can be used.
    pub const LIFETIME: SignedDuration = SignedDuration::from_secs(60);
}

fn kept<T: Serialize>(key: &Key, kind: &str, value: &T, now: Timestamp, lifetime: SignedDuration) -> Result<Item, Error> {
    let ends = now.saturating_add(lifetime).unwrap_or(Timestamp::MAX);
    let mut item = with_ttl(row(key, kind, value)?, ends.saturating_add(REMEMBERED).unwrap_or(ends));
    item.insert("ends".to_owned(), n(ends.as_millisecond()));
    Ok(item)
}

/// Whether somebody who said yes at a time would still say it: not who has ended all sessions since.
pub fn holds(profile: &Profile, said_at: Timestamp) -> bool {
    profile.sessions_from <= said_at
}

impl Store {
    /// Keeps a program's question under the hash of its code. [`Conflict::IdTaken`]: another one has this code.
    pub async fn ask_question(&self, code_hash: &str, question: &Question) -> Result<(), Error> {
        let item = kept(&keys::question(code_hash), "question", question, question.asked_at, Question::LIFETIME)?;
        let free = self.put_when(item, Some("attribute_not_exists(pk)"), Item::new()).await?;
        if free { Ok(()) } else { Err(Conflict::IdTaken.into()) }
    }

    /// A program's question, also one that is too old.
    pub async fn question(&self, code_hash: &str) -> Result<Option<Question>, Error> {
        self.get(&keys::question(code_hash)).await?.map(read).transpose()
    }

    /// Answers a program's question in the caller's name. [`Conflict::QuestionGone`]: it was answered, or is too old.
    pub async fn answer_question(&self, by: &Caller, code_hash: &str, approved: bool, now: Timestamp) -> Result<(), Error> {
        let answer = Answer { user: by.user, at: now, approved };
        let answer = serde_dynamo::to_attribute_value(answer).map_err(|error| Error::Failed(error.to_string()))?;
        let values = values([(":answer", answer), (":now", n(now.as_millisecond()))]);
        let condition = "attribute_exists(pk) AND attribute_not_exists(#answer) AND #ends > :now";
        let taken = self.update_when(&keys::question(code_hash), "SET #answer = :answer", condition, values).await?;
        if taken { Ok(()) } else { Err(Conflict::QuestionGone.into()) }
    }

    /// Notes that a program polled, and how long it has to wait now.
    pub async fn note_poll(&self, code_hash: &str, interval: i64, now: Timestamp) -> Result<(), Error> {
        let values = values([(":now", s(now)), (":interval", n(interval))]);
        let expression = "SET #polled_at = :now, #interval = :interval";
        self.update_when(&keys::question(code_hash), expression, "attribute_exists(pk)", values).await.map(drop)
    }

    /// Takes a question away, once. `false`: somebody else did.
    pub async fn take_question(&self, code_hash: &str) -> Result<bool, Error> {
        self.delete_when(&keys::question(code_hash), Some("attribute_exists(pk)"), Item::new()).await
    }

    /// Keeps a permit under the hash of its code.
    pub async fn make_permit(&self, by: &Caller, code_hash: &str, permit: &Permit) -> Result<(), Error> {
        let permit = Permit { user: by.user, ..permit.clone() };
        let item = kept(&keys::permit(code_hash), "permit", &permit, permit.made_at, Permit::LIFETIME)?;
        self.put_when(item, None, Item::new()).await.map(drop)
    }

    /// A permit, also one that was used or is too old.
    pub async fn permit(&self, code_hash: &str) -> Result<Option<Permit>, Error> {
        self.get(&keys::permit(code_hash)).await?.map(read).transpose()
    }

    /// Uses a permit for a session, once. `false`: it was used, or is gone.
    pub async fn use_permit(&self, code_hash: &str, session: &SessionId) -> Result<bool, Error> {
        let condition = "attribute_exists(pk) AND attribute_not_exists(#session)";
        self.update_when(&keys::permit(code_hash), "SET #session = :session", condition, values([(":session", s(session))])).await
    }

    /// Forgets a permit.
    pub async fn drop_permit(&self, code_hash: &str) -> Result<(), Error> {
        self.delete_when(&keys::permit(code_hash), None, Item::new()).await.map(drop)
    }
}

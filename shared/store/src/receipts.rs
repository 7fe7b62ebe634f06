//! Receipts of mails: one per kind, recipient and cause, so that a stream that comes twice mails once.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Error, Store, keys, n, read, row, s, values, with_ttl};

/// What a receipt is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The kind of mail.
    pub kind: Cow<'static, str>,
    /// To whom: an id, or the digest of an address.
    pub to: String,
    /// Because of what: the id of an event, or a collection and the number of a change.
    pub cause: String,
}

/// Names of the tags that say which receipt a mail has.
const TAGS: [&str; 3] = ["receipt-kind", "receipt-to", "receipt-cause"];

impl Receipt {
    /// Of a kind of mail, to somebody, because of something.
    pub fn new(kind: &'static str, to: String, cause: String) -> Receipt {
        Receipt { kind: Cow::Borrowed(kind), to, cause }
    }

    /// What a mail is tagged with. Tags hold few characters.
    pub fn tags(&self) -> Vec<(&'static str, String)> {
        TAGS.into_iter().zip([&*self.kind, &self.to, &self.cause].map(|part| URL_SAFE_NO_PAD.encode(part))).collect()
    }

    /// The receipt of a mail with these tags.
    pub fn from_tags(tag: impl Fn(&str) -> Option<String>) -> Option<Receipt> {
        let part = |name| String::from_utf8(URL_SAFE_NO_PAD.decode(tag(name)?).ok()?).ok();
        let [kind, to, cause] = TAGS.map(part);
        Some(Receipt { kind: Cow::Owned(kind?), to: to?, cause: cause? })
    }
}

/// Who may send the mail of a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// The caller: nobody else will for the length of the lease.
    Mine,
    /// Somebody else is at it.
    Leased,
    /// Nobody: it is sent.
    Settled,
}

/// A sender that died or got no answer is waited for this long, and so is SES's word that it has the mail; meanwhile the
/// stream waits, too. A letter takes SES's client 10 seconds at most.
const LEASE: SignedDuration = SignedDuration::from_secs(30);
/// How long a receipt is kept: longer than any stream record lives.
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

#[derive(Serialize, Deserialize)]
struct Row {
    settled: bool,
    /// Milliseconds since 1970; 0 once the lease was given back.
    lease_until: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl Store {
    /// Asks to send the mail of a receipt.
    pub async fn claim(&self, receipt: &Receipt, now: Timestamp) -> Result<Claim, Error> {
        let key = keys::receipt(&receipt.kind, &receipt.to, &receipt.cause);
        let until = now.saturating_add(LEASE).unwrap_or(Timestamp::MAX).as_millisecond();
        let item = row(&key, "receipt", &Row { settled: false, lease_until: until, message: None })?;
        let item = with_ttl(item, now.saturating_add(KEPT).unwrap_or(Timestamp::MAX));
        let free = "attribute_not_exists(pk) OR (#settled = :no AND #lease_until < :now)";
        if self.put_when(item, Some(free), values([(":no", crate::flag(false)), (":now", n(now.as_millisecond()))])).await? {
            return Ok(Claim::Mine);
        }
        let there: Option<Row> = self.get(&key).await?.map(read).transpose()?;
        Ok(if there.is_some_and(|row| row.settled) { Claim::Settled } else { Claim::Leased })
    }

    /// Notes that the mail of a claimed receipt is sent; `message` is SES's id of it, or why none was needed.
    pub async fn settle(&self, receipt: &Receipt, message: &str) -> Result<(), Error> {
        let key = keys::receipt(&receipt.kind, &receipt.to, &receipt.cause);
        let values = values([(":yes", crate::flag(true)), (":message", s(message))]);
        self.update_when(&key, "SET #settled = :yes, #message = :message", "attribute_exists(pk)", values).await.map(drop)
    }

    /// Gives a claimed receipt back: the mail was surely not sent, and may be tried again at once.
    pub async fn give_back(&self, receipt: &Receipt) -> Result<(), Error> {
        let key = keys::receipt(&receipt.kind, &receipt.to, &receipt.cause);
        let values = values([(":no", crate::flag(false)), (":never", n(0))]);
        self.update_when(&key, "SET #lease_until = :never", "#settled = :no", values).await.map(drop)
    }
}

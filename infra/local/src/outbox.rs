//! The mails that the product sent: kept for good before SES's answer goes out, shown instead of delivered.

use crate::lines::Lines;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use mail_parser::{HeaderValue, Message, MessageParser};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A mail as people see it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mail {
    /// The message id that SES answered with.
    pub id: String,
    /// When it was sent.
    pub at: Timestamp,
    /// The sender's address.
    pub from: String,
    /// The recipients' addresses, from the envelope.
    pub to: Vec<String>,
    /// The subject.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The HTML; empty when there is none.
    pub html: String,
    /// All headers by name. The values of a repeated one stand on lines of their own.
    pub headers: BTreeMap<String, String>,
}

/// A mail as it is kept.
#[derive(Debug, Deserialize, Serialize)]
struct Kept {
    id: String,
    at: Timestamp,
    #[serde(default)]
    from: Option<String>,
    to: Vec<String>,
    /// The MIME message, base64.
    raw: String,
}

/// All mails, oldest first.
#[derive(Debug)]
pub struct Outbox {
    mails: Mutex<Vec<Arc<Mail>>>,
    file: Option<Arc<Lines>>,
}

impl Outbox {
    /// Reads the mails of earlier runs, if there is a file.
    pub fn open(file: Option<&Path>) -> io::Result<Outbox> {
        let (mails, file) = match file {
            Some(path) => {
                let (kept, lines) = Lines::open::<Kept>(path)?;
                let mails = kept.iter().map(|kept| kept.read().map(Arc::new)).collect::<Result<_, _>>();
                (mails.map_err(io::Error::other)?, Some(Arc::new(lines)))
            }
            None => (Vec::new(), None),
        };
        Ok(Outbox { mails: Mutex::new(mails), file })
    }

    /// Keeps a MIME message with the envelope it came in. When this returns, no crash loses it.
    pub async fn add(&self, at: Timestamp, from: Option<String>, to: Vec<String>, raw: &[u8]) -> Result<Arc<Mail>, String> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|error| error.to_string())?;
        let id = format!("{:032x}", u128::from_be_bytes(id));
        let kept = Kept { id, at, from, to, raw: STANDARD.encode(raw) };
        let mail = Arc::new(kept.read()?);
        if let Some(file) = self.file.clone() {
            let written = tokio::task::spawn_blocking(move || file.append(&kept)).await;
            written.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        }
        self.mails().push(Arc::clone(&mail));
        Ok(mail)
    }

    /// All mails, oldest first.
    pub fn all(&self) -> Vec<Arc<Mail>> {
        self.mails().clone()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.mails().len()
    }

    fn mails(&self) -> MutexGuard<'_, Vec<Arc<Mail>>> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn read(&self) -> Result<Mail, String> {
        let raw = STANDARD.decode(&self.raw).map_err(|error| error.to_string())?;
        let message = MessageParser::default().parse(&raw).ok_or("no MIME message")?;
        let sender = message.from().and_then(|from| from.first()).and_then(|from| from.address());
        let to = if self.to.is_empty() { recipients(&message) } else { self.to.clone() };
        if to.is_empty() {
            return Err("a mail needs a recipient".to_owned());
        }
        Ok(Mail {
            id: self.id.clone(),
            at: self.at,
            from: self.from.as_deref().or(sender).unwrap_or_default().to_owned(),
            to,
            subject: message.subject().unwrap_or_default().to_owned(),
            text: body(&message, message.text_body.first()),
            // The parser makes HTML of a plain text where there is none: that is not what was sent.
            html: body(&message, message.html_body.first().filter(|part| !message.text_body.contains(part))),
            headers: headers(&message),
        })
    }
}

fn recipients(message: &Message<'_>) -> Vec<String> {
    [message.to(), message.cc(), message.bcc()]
        .into_iter()
        .flatten()
        .flat_map(mail_parser::Address::iter)
        .filter_map(|address| address.address().map(str::to_owned))
        .collect()
}

fn body(message: &Message<'_>, part: Option<&u32>) -> String {
    let part = part.and_then(|part| message.parts.get(usize::try_from(*part).ok()?));
    part.and_then(|part| part.text_contents()).unwrap_or_default().to_owned()
}

fn headers(message: &Message<'_>) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::<String, String>::new();
    for header in message.headers() {
        let raw = raw_header(message, header);
        let value = match &header.value {
            // RFC 2047: what is not ASCII stands there in code.
            HeaderValue::Text(text) if raw.contains("=?") => text.to_string(),
            _ => raw,
        };
        headers
            .entry(header.name().to_owned())
            .and_modify(|values| {
                values.push('\n');
                values.push_str(&value);
            })
            .or_insert(value);
    }
    headers
}

/// The header as it stands in the message, unfolded.
fn raw_header(message: &Message<'_>, header: &mail_parser::Header<'_>) -> String {
    let place = usize::try_from(header.offset_start).unwrap_or(0)..usize::try_from(header.offset_end).unwrap_or(0);
    let raw = message.raw_message.get(place).unwrap_or_default();
    String::from_utf8_lossy(raw).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LETTER: &str = "From: Postroom <no-reply@example.com>\r\nTo: \"Ann\" <ann@example.com>\r\n\
        Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\nList-Unsubscribe: <https://x/u>,\r\n <mailto:u@x>\r\n\
        MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n\
        --b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe!\r\n\
        --b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nPGI+aGk8L2I+\r\n--b--\r\n";

    #[tokio::test]
    async fn a_mail_is_read_and_outlives_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mails.jsonl");
        let outbox = Outbox::open(Some(&path)).unwrap();
        let at = "2026-03-01T09:00:00Z".parse().unwrap();
        let mail = outbox.add(at, None, vec!["ann@example.com".into()], LETTER.as_bytes()).await.unwrap();
        assert_eq!(mail.subject, "Grüße");
        assert_eq!(mail.text.trim(), "Grüße!");
        assert_eq!(mail.html, "<b>hi</b>");
        assert_eq!(mail.from, "no-reply@example.com");
        assert_eq!(mail.to, ["ann@example.com"]);
        assert_eq!(mail.headers["List-Unsubscribe"], "<https://x/u>, <mailto:u@x>");
        assert_eq!(mail.headers["Subject"], "Grüße");
        assert_eq!(mail.headers["From"], "Postroom <no-reply@example.com>");
        assert_eq!(Outbox::open(Some(&path)).unwrap().all(), [mail]);
    }

    #[tokio::test]
    async fn a_plain_mail_has_no_html_and_its_header_names_the_recipient() {
        let outbox = Outbox::open(None).unwrap();
        let raw = b"From: a@example.com\r\nTo: b@example.com, c@example.com\r\nSubject: s\r\n\r\nplain\r\n";
        let mail = outbox.add(Timestamp::now(), None, vec![], raw).await.unwrap();
        assert_eq!((mail.text.trim(), mail.html.as_str()), ("plain", ""));
        assert_eq!(mail.to, ["b@example.com", "c@example.com"]);
        assert!(outbox.add(Timestamp::now(), None, vec![], b"Subject: s\r\n\r\nx").await.is_err());
        assert_eq!(outbox.count(), 1);
    }
}

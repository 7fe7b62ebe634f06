//! The way to inboxes: one letter, as MIME, to SES.

use std::time::Duration;

use aws_sdk_ses::config::retry::RetryConfig;
use aws_sdk_ses::config::timeout::TimeoutConfig;
use aws_sdk_ses::primitives::Blob;
use aws_sdk_ses::types::{MessageTag, RawMessage};
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};

use crate::{Config, Crash};

/// A mail.
#[derive(Debug, Clone)]
pub struct Letter {
    /// The recipient's address.
    pub to: String,
    /// The subject: line ends in it become spaces.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The HTML.
    pub html: String,
    /// Further headers, such as `List-Unsubscribe`.
    pub headers: Vec<(&'static str, String)>,
}

/// Why a letter was not sent.
#[derive(Debug)]
pub enum Unsent {
    /// SES has not taken it.
    Surely(Crash),
    /// SES may have taken it: its answer did not come.
    Perhaps(Crash),
}

/// Sends letters through SES.
#[derive(Clone, Debug)]
pub struct Mail {
    client: aws_sdk_ses::Client,
    from: String,
    /// By which SES tells what became of a mail; empty where nobody listens.
    configuration_set: String,
}

#[derive(Clone)]
struct Further(HeaderName, String);

impl Header for Further {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("X-Further")
    }
    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Further(Further::name(), text.to_owned()))
    }
    fn display(&self) -> HeaderValue {
        HeaderValue::new(self.0.clone(), self.1.clone())
    }
}

impl Mail {
    pub(crate) fn new(aws: &aws_types::SdkConfig, endpoint: Option<&str>, settings: &Config) -> Mail {
        // Shorter than the lease of a mail's receipt: one letter is never under way twice. And tried once: a mail whose
        // answer got lost may be on its way. Whoever sends it comes again, by its receipt.
        let timeouts = TimeoutConfig::builder().operation_timeout(Duration::from_secs(10)).build();
        let mut config = aws_sdk_ses::config::Builder::from(aws).timeout_config(timeouts).retry_config(RetryConfig::disabled());
        if let Some(endpoint) = endpoint {
            config = config.endpoint_url(endpoint);
        }
        Mail {
            client: aws_sdk_ses::Client::from_conf(config.build()),
            from: settings.mail_from.clone(),
            configuration_set: settings.mail_configuration_set.clone(),
        }
    }

    /// Sends a letter; gives SES's id of the message. SES says the tags again when it tells what becomes of it.
    pub async fn send(&self, letter: &Letter, tags: Vec<(&str, String)>) -> Result<String, Unsent> {
        let message = self.message(letter).map_err(Unsent::Surely)?;
        let raw = RawMessage::builder().data(Blob::new(message)).build().map_err(|error| Unsent::Surely(error.into()))?;
        let tags = tags.into_iter().map(|(name, value)| MessageTag::builder().name(name).value(value).build());
        let tags = tags.collect::<Result<Vec<_>, _>>().map_err(|error| Unsent::Surely(error.into()))?;
        let set = Some(self.configuration_set.clone()).filter(|set| !set.is_empty());
        let send = self.client.send_raw_email().destinations(&letter.to).raw_message(raw);
        match send.set_tags(set.as_ref().map(|_| tags)).set_configuration_set_name(set).send().await {
            Ok(answer) => Ok(answer.message_id),
            Err(error) => {
                let why = format!("SES: {}", store::plainly(&error)).into();
                // Where SES has answered, it has not taken the mail.
                Err(if error.raw_response().is_some() { Unsent::Surely(why) } else { Unsent::Perhaps(why) })
            }
        }
    }

    /// The letter as MIME.
    fn message(&self, letter: &Letter) -> Result<Vec<u8>, Crash> {
        let from: Mailbox = self.from.parse()?;
        let mut message = lettre::Message::builder()
            .from(from)
            .to(Mailbox::new(None, letter.to.parse()?))
            .subject(letter.subject.split_whitespace().collect::<Vec<_>>().join(" "))
            .date_now()
            .message_id(None);
        for (name, value) in &letter.headers {
            message = message.header(Further(HeaderName::new_from_ascii((*name).to_owned())?, value.clone()));
        }
        let message = message.multipart(MultiPart::alternative_plain_html(letter.text.clone(), letter.html.clone()))?;
        Ok(message.formatted())
    }
}

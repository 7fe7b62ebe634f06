//! The secrets of webhooks, and the headers of what they tell, after Standard Webhooks.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::ids::WebhookId;
use jiff::Timestamp;
use store::webhooks::Webhook;

use crate::{App, Problem};

const PURPOSE: &str = "webhook";
const PREFIX: &str = "whsec_";
const SECRET_BYTES: usize = 32;

/// `v1,` and what a message is signed with: its id, the time, and its body.
fn signature(secret: &str, id: &str, at: i64, body: &[u8]) -> Option<String> {
    let key = STANDARD.decode(secret.strip_prefix(PREFIX)?).ok()?;
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &key));
    context.update(format!("{id}.{at}.").as_bytes());
    context.update(body);
    Some(format!("v1,{}", STANDARD.encode(context.sign())))
}

impl App {
    /// A new secret: as its owner is shown it once, and sealed.
    pub fn webhook_secret(&self, webhook: &WebhookId) -> Result<(String, String), Problem> {
        let mut bytes = [0; SECRET_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| Problem::Internal(error.to_string()))?;
        let secret = format!("{PREFIX}{}", STANDARD.encode(bytes));
        let sealed = self.tokens.seal(PURPOSE, webhook.as_str(), &secret)?;
        Ok((secret, sealed))
    }

    /// The headers of a message: `webhook-id`, `webhook-timestamp` and `webhook-signature`, with one signature for each
    /// secret that signs by now. `None`: the signing key that sealed the secret is gone.
    pub fn webhook_headers(&self, webhook: &Webhook, id: &str, body: &[u8], now: Timestamp) -> Option<[(&'static str, String); 3]> {
        let at = now.as_second();
        let before = webhook.previous.as_ref().filter(|previous| now < previous.until).map(|previous| &previous.secret);
        let signatures: Vec<String> = std::iter::once(&webhook.secret)
            .chain(before)
            .filter_map(|sealed| signature(&self.tokens.open(PURPOSE, webhook.address.id.as_str(), sealed)?, id, at, body))
            .collect();
        let signed = (!signatures.is_empty()).then(|| signatures.join(" "))?;
        Some([("webhook-id", id.to_owned()), ("webhook-timestamp", at.to_string()), ("webhook-signature", signed)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_one_of_the_specification() {
        // The example of Standard Webhooks.
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let signed = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signed.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
        assert_eq!(signature("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "x", 1, b""), None);
    }
}

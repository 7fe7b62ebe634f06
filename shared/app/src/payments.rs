//! The way to money: by invoice, which somebody marks as paid, or through Stripe Checkout.

use std::sync::Arc;

use axum::http::{Request, header};
use domain::billing::Invoice;
use domain::ids::TeamId;
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use tokio::sync::OnceCell;

use crate::{Outbound, Problem, outbound};

/// Where Stripe's API is.
const STRIPE: &str = "https://api.stripe.com";
/// How old a notice can be: Stripe signs anew what it sends again.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// How teams pay. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Payments {
    /// As agreed with whoever runs this server; somebody who looks after payment notes that it arrived.
    ByInvoice,
    /// On a page of Stripe's, which tells us.
    Stripe(Box<Stripe>),
}

/// What Stripe and we know of each other: `{"key": "sk_…", "webhook_secret": "whsec_…", "url"?: …}`.
#[derive(Clone, Deserialize)]
pub struct StripeSecrets {
    /// What we show Stripe.
    pub key: String,
    /// What its notices are signed with.
    pub webhook_secret: String,
    /// Where its API is, if not at Stripe.
    #[serde(default = "stripe")]
    pub url: String,
}

fn stripe() -> String {
    STRIPE.to_owned()
}

impl std::fmt::Debug for StripeSecrets {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("StripeSecrets(***)")
    }
}

/// The way to Stripe.
#[derive(Clone, Debug)]
pub struct Stripe {
    kept: Option<(aws_types::SdkConfig, String)>,
    secrets: Arc<OnceCell<StripeSecrets>>,
}

/// A payment that was noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paid {
    /// Whose invoice.
    pub team: TeamId,
    /// Which.
    pub number: u64,
    /// How much, in cents.
    pub cents: i64,
    /// In which currency, in lower case.
    pub currency: String,
}

#[derive(Deserialize)]
struct Notice {
    #[serde(rename = "type")]
    kind: String,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: serde_json::Value,
}

#[derive(Deserialize)]
struct Session {
    payment_status: String,
    amount_total: i64,
    currency: String,
    metadata: About,
}

#[derive(Deserialize)]
struct About {
    team: String,
    invoice: String,
}

impl Payments {
    /// With Stripe's secrets as given: on a laptop and in tests.
    pub fn stripe(secrets: StripeSecrets) -> Payments {
        Payments::Stripe(Box::new(Stripe { kept: None, secrets: Arc::new(OnceCell::new_with(Some(secrets))) }))
    }

    /// With Stripe's secrets in Secrets Manager, under an id; they are read when they are first needed. By invoice where
    /// the id is empty.
    pub(crate) fn kept(aws: &aws_types::SdkConfig, id: &str) -> Payments {
        match id {
            "" => Payments::ByInvoice,
            id => Payments::Stripe(Box::new(Stripe { kept: Some((aws.clone(), id.to_owned())), secrets: Arc::default() })),
        }
    }

    /// Where an invoice is paid: the address of a page. `None`: as agreed. `back` is the invoice's own page.
    pub async fn page(&self, outbound: &Outbound, invoice: &Invoice, team: &str, back: &str) -> Result<Option<String>, Problem> {
        match self {
            Payments::ByInvoice => Ok(None),
            Payments::Stripe(stripe) => stripe.checkout(outbound, invoice, team, back).await.map(Some),
        }
    }

    /// What a notice says was paid; nothing where it tells of something else. A notice that is not signed, or not lately,
    /// is refused.
    pub async fn noticed(&self, signature: &str, body: &[u8], now: Timestamp) -> Result<Option<Paid>, Problem> {
        let Payments::Stripe(stripe) = self else { return Err(Problem::NotFound("payment service")) };
        let secrets = stripe.secrets().await?;
        if !is_signed(signature, body, &secrets.webhook_secret, now) {
            return Err(Problem::Malformed("this notice is not signed by the payment service, or not lately".to_owned()));
        }
        paid(body)
    }
}

fn paid(body: &[u8]) -> Result<Option<Paid>, Problem> {
    let strange = |error: serde_json::Error| Problem::Malformed(format!("this notice cannot be read: {error}"));
    let notice: Notice = serde_json::from_slice(body).map_err(strange)?;
    if !matches!(notice.kind.as_str(), "checkout.session.completed" | "checkout.session.async_payment_succeeded") {
        return Ok(None);
    }
    // The account may be used for other things than this server.
    let Ok(session) = serde_json::from_value::<Session>(notice.data.object) else { return Ok(None) };
    let about = session.metadata.team.parse().ok().zip(session.metadata.invoice.parse().ok());
    let paid = about.filter(|_| session.payment_status == "paid");
    Ok(paid.map(|(team, number)| Paid { team, number, cents: session.amount_total, currency: session.currency }))
}

/// `Stripe-Signature: t=SECONDS,v1=HEX[,v1=HEX …]`: HMAC-SHA256 of `SECONDS.BODY`. Any of them may be the right one, while
/// a secret is being changed.
fn is_signed(signature: &str, body: &[u8], secret: &str, now: Timestamp) -> bool {
    let mut at = None;
    let mut presented = Vec::new();
    for (name, value) in signature.split(',').filter_map(|part| part.trim().split_once('=')) {
        match name {
            "t" => at = value.parse::<i64>().ok(),
            "v1" => presented.push(value),
            _ => (),
        }
    }
    let Some(signed_at) = at.and_then(|seconds| Timestamp::from_second(seconds).ok()) else { return false };
    if TOLERANCE < now.duration_since(signed_at).abs() {
        return false;
    }
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return false };
    mac.update(format!("{}.", signed_at.as_second()).as_bytes());
    mac.update(body);
    let right: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    presented.iter().any(|one| bool::from(one.as_bytes().ct_eq(right.as_bytes())))
}

impl Stripe {
    async fn secrets(&self) -> Result<&StripeSecrets, Problem> {
        let read = || async {
            let Some((aws, id)) = &self.kept else { return Err(Problem::Internal("Stripe has no secrets".to_owned())) };
            let answer = aws_sdk_secretsmanager::Client::new(aws).get_secret_value().secret_id(id).send().await;
            let answer = answer.map_err(|error| Problem::Internal(format!("Stripe's secrets: {}", store::plainly(&error))))?;
            serde_json::from_str(answer.secret_string().unwrap_or_default())
                .map_err(|_| Problem::Internal("Stripe's secrets are not {\"key\", \"webhook_secret\"}".to_owned()))
        };
        self.secrets.get_or_try_init(read).await
    }

    /// A page of Stripe's for an invoice. The same invoice gets the same page for a day: Stripe knows the key again.
    async fn checkout(&self, outbound: &Outbound, invoice: &Invoice, team: &str, back: &str) -> Result<String, Problem> {
        let secrets = self.secrets().await?;
        let name = format!("Postroom, {team}, invoice {}", invoice.name());
        let (team, number) = (invoice.team.to_string(), invoice.number.to_string());
        let (cents, currency) = (invoice.total.to_string(), invoice.currency.to_lowercase());
        let form = [
            ("mode", "payment"),
            ("success_url", back),
            ("cancel_url", back),
            ("client_reference_id", &team),
            ("line_items[0][quantity]", "1"),
            ("line_items[0][price_data][currency]", &currency),
            ("line_items[0][price_data][unit_amount]", &cents),
            ("line_items[0][price_data][product_data][name]", &name),
            ("metadata[team]", &team),
            ("metadata[invoice]", &number),
        ];
        let request = Request::post(format!("{}/v1/checkout/sessions", secrets.url))
            .header(header::AUTHORIZATION, format!("Bearer {}", secrets.key))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("idempotency-key", format!("postroom-{team}-{number}"))
            .body(outbound::form(&form))
            .map_err(|error| Problem::Internal(format!("a request to Stripe: {error}")))?;
        let answer = outbound.send(request).await.map_err(|error| Problem::Internal(format!("Stripe: {error}")))?;
        let url =
            serde_json::from_slice::<serde_json::Value>(answer.body()).ok().and_then(|page| Some(page.get("url")?.as_str()?.to_owned()));
        match url {
            Some(url) if answer.status().is_success() && (url.starts_with("https://") || url.starts_with("http://")) => Ok(url),
            _ => Err(Problem::Internal(format!("Stripe answers {} to a checkout", answer.status()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Signed by hand: HMAC-SHA256 of `1492774577.{}` with `whsec_test`.
    #[test]
    fn a_signature_is_of_this_body_at_this_time() {
        let now = Timestamp::from_second(1_492_774_577).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(b"whsec_test").unwrap();
        mac.update(b"1492774577.{}");
        let right: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let header = format!("t=1492774577,v1=00,v0=zz,v1={right}");
        assert!(is_signed(&header, b"{}", "whsec_test", now));
        assert!(is_signed(&header, b"{}", "whsec_test", now + TOLERANCE));
        let other = header.replace("t=1492774577", "t=1492774578");
        for (header, body, secret, now) in [
            (header.as_str(), b"{} ".as_slice(), "whsec_test", now),
            (&header, b"{}", "whsec_other", now),
            (&header, b"{}", "whsec_test", now + TOLERANCE + SignedDuration::from_secs(1)),
            (&header, b"{}", "whsec_test", now - TOLERANCE - SignedDuration::from_secs(1)),
            (&other, b"{}", "whsec_test", now),
            ("t=1492774577", b"{}", "whsec_test", now),
            ("", b"{}", "whsec_test", now),
        ] {
            assert!(!is_signed(header, body, secret, now), "{header}");
        }
    }

    #[test]
    fn what_is_paid_is_said_plainly() {
        let notice = |kind: &str, status: &str| {
            let session = serde_json::json!({
                "payment_status": status, "amount_total": 2400, "currency": "usd", "metadata": {"team": "7", "invoice": "3"},
            });
            serde_json::json!({"id": "evt_1", "type": kind, "data": {"object": session}}).to_string()
        };
        let expected = Paid { team: TeamId(7), number: 3, cents: 2_400, currency: "usd".to_owned() };
        assert_eq!(paid(notice("checkout.session.completed", "paid").as_bytes()).unwrap(), Some(expected));
        assert_eq!(paid(notice("checkout.session.completed", "unpaid").as_bytes()).unwrap(), None);
        assert_eq!(paid(notice("customer.created", "paid").as_bytes()).unwrap(), None);
        assert!(paid(b"x").is_err());
    }
}

//! What becomes of mails: one that SES took is settled, also where its answer got lost; an address that does not exist, or
//! whose owner calls our mail unwanted, gets no more.

use std::collections::BTreeMap;

use app::{App, Crash};
use domain::account::Email;
use serde::Deserialize;
use serde_json::{Value, json};
use store::notices::Stopped;
use store::receipts::Receipt;

/// As SES tells it. <https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html>
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    bounce: Option<Bounce>,
    complaint: Option<Complaint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    bounce_type: String,
    bounced_recipients: Vec<Recipient>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    complained_recipients: Vec<Recipient>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recipient {
    email_address: String,
}

/// A mail that SES took.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Taken {
    message_id: String,
    #[serde(default)]
    tags: BTreeMap<String, Vec<String>>,
}

/// Settles the receipt of a mail that SES took: in most cases it is settled already.
pub(crate) async fn settle(app: &App, detail: &Value) -> Result<Value, Crash> {
    let mail = Taken::deserialize(&detail["mail"])?;
    let Some(receipt) = Receipt::from_tags(|name| mail.tags.get(name)?.first().cloned()) else { return Ok(json!({"settled": 0})) };
    app.store.settle(&receipt, &mail.message_id).await?;
    Ok(json!({"settled": 1}))
}

/// Notes the addresses. A bounce that may pass (a full inbox) stops nothing.
pub(crate) async fn note(app: &App, detail: &Value) -> Result<Value, Crash> {
    let told = Told::deserialize(detail)?;
    let bounced = told.bounce.filter(|bounce| bounce.bounce_type == "Permanent").map(|bounce| bounce.bounced_recipients);
    let complained = told.complaint.map(|complaint| complaint.complained_recipients);
    let mut stopped = 0;
    for (why, recipients) in [("bounce", bounced), ("complaint", complained)] {
        for recipient in recipients.into_iter().flatten() {
            // SES may name somebody as `Ann <ann@example.com>`.
            let bare = recipient.email_address.rsplit('<').next().unwrap_or_default().trim_end_matches('>');
            let Ok(email) = Email::parse(bare) else { continue };
            app.store.stop_mail(&email, &Stopped { why: why.to_owned(), at: app.now() }).await?;
            stopped += 1;
        }
    }
    Ok(json!({"stopped": stopped}))
}

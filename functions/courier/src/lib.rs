//! What is due by the clock, every minute: mails about changes that were gathered, connections that end soon, work behind an
//! answer that nobody is at. And what
//! the mail service reports: addresses that no mail is to go to any more.

mod bounces;
mod ending;

use app::{App, Crash, Var};
use serde_json::{Value, json};

/// What it needs of the environment.
pub const NEEDS: &[Var] =
    &[Var::TableName, Var::PagesUrl, Var::ConnectionsUrl, Var::TokenSecretId, Var::MailFrom, Var::MailConfigurationSet];

/// Handles the schedule's event, and those of SES that EventBridge hands on. Answers what was done.
pub async fn handle(app: &App, event: Value) -> Result<Value, Crash> {
    match event["detail-type"].as_str() {
        Some("Email Sent") => bounces::settle(app, &event["detail"]).await,
        Some("Email Bounced" | "Email Complaint Received") => bounces::note(app, &event["detail"]).await,
        _ => {
            let connections = ending::tell(app).await?;
            let mails = mailer::due(app).await?;
            let tasks = collections::tasks::take_up(app).await?;
            Ok(json!({"mails": mails, "connections": connections, "tasks": tasks}))
        }
    }
}

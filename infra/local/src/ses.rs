//! SES on the laptop: the one operation of its query protocol that the product uses, `SendRawEmail`.

use crate::outbox::Outbox;
use app::Clock;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Form, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// SES takes 10 MB of message, which base64 makes a third larger.
const BODY: usize = 14 * 1024 * 1024;
/// SES's limit for one message.
const RECIPIENTS: usize = 50;

/// What the endpoint needs.
pub struct Ses {
    /// Where mails go.
    pub outbox: Arc<Outbox>,
    /// The time, which tests move.
    pub clock: Clock,
    /// Told of each mail that was taken, as EventBridge would be.
    pub tell: Arc<dyn Fn(Value) + Send + Sync>,
}

/// The endpoint.
pub fn endpoint(ses: Arc<Ses>) -> Router {
    Router::new().route("/", post(act)).layer(DefaultBodyLimit::max(BODY)).with_state(ses)
}

async fn act(State(ses): State<Arc<Ses>>, Form(fields): Form<BTreeMap<String, String>>) -> Response {
    match fields.get("Action").map(String::as_str) {
        Some("SendRawEmail") => match send(&ses, &fields).await {
            Ok(id) => xml(
                StatusCode::OK,
                &format!(
                    "<SendRawEmailResponse xmlns=\"http://ses.amazonaws.com/doc/2010-12-01/\">\
                     <SendRawEmailResult><MessageId>{id}</MessageId></SendRawEmailResult>\
                     <ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata></SendRawEmailResponse>"
                ),
            ),
            Err(why) => refuse("MessageRejected", &why),
        },
        _ => refuse("InvalidAction", "the local stack knows SendRawEmail only"),
    }
}

async fn send(ses: &Ses, fields: &BTreeMap<String, String>) -> Result<String, String> {
    let data = fields.get("RawMessage.Data").ok_or("RawMessage.Data is missing")?;
    let raw = STANDARD.decode(data).map_err(|error| format!("RawMessage.Data: {error}"))?;
    let members = (1..).map_while(|number| fields.get(&format!("Destinations.member.{number}")));
    let to: Vec<String> = members.cloned().collect();
    if to.len() > RECIPIENTS {
        return Err(format!("a message has at most {RECIPIENTS} recipients"));
    }
    let mail = ses.outbox.add(ses.clock.now(), fields.get("Source").cloned(), to, &raw).await?;
    let tag = |number: u32, part| fields.get(&format!("Tags.member.{number}.{part}"));
    let tags: BTreeMap<_, _> = (1..).map_while(|number| Some((tag(number, "Name")?, [tag(number, "Value")?]))).collect();
    let detail = json!({"eventType": "Send", "mail": {"messageId": mail.id, "tags": tags}});
    (ses.tell)(json!({"version": "0", "source": "aws.ses", "detail-type": "Email Sent", "detail": detail}));
    Ok(mail.id.clone())
}

fn refuse(code: &str, why: &str) -> Response {
    let why = why.replace('&', "&amp;").replace('<', "&lt;");
    xml(
        StatusCode::BAD_REQUEST,
        &format!(
            "<ErrorResponse xmlns=\"http://ses.amazonaws.com/doc/2010-12-01/\"><Error><Type>Sender</Type>\
             <Code>{code}</Code><Message>{why}</Message></Error><RequestId>local</RequestId></ErrorResponse>"
        ),
    )
}

fn xml(status: StatusCode, body: &str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/xml")], body.to_owned()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;
    use app::{App, Config, Letter, Tokens, Wiring};
    use std::sync::Mutex;

    #[tokio::test]
    async fn the_real_client_sends_and_its_mail_is_in_the_outbox() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let hears = Arc::clone(&told);
        let tell = Arc::new(move |event| hears.lock().unwrap().push(event));
        let ses = Arc::new(Ses { outbox: Arc::new(Outbox::open(None).unwrap()), clock: Clock::system(), tell });
        let (listener, address) = crate::serve::internal().unwrap();
        tokio::spawn(crate::serve::serve(listener, endpoint(Arc::clone(&ses)), std::future::pending()));
        let app = App::new(Wiring {
            config: Config {
                mail_configuration_set: "postroom".to_owned(),
                mail_from: "Postroom <no-reply@example.com>".to_owned(),
                ..Config::default()
            },
            aws: wire::config(wire::client(false), false),
            dynamodb: None,
            ses: Some(format!("http://{address}")),
            events: None,
            partners: app::Partners::given(app::PartnerSecrets::default()),
            tokens: Tokens::none(),
            outbound: app::Outbound::anywhere(),
            waiting: app::Waiting::together(),
            clock: Clock::system(),
        });
        let letter = Letter {
            to: "ann@example.com".to_owned(),
            subject: "Grüße & <more>".to_owned(),
            text: "Komm: http://x/invite/a?b=1&c=2".to_owned(),
            html: "<p>Komm & sieh</p>".to_owned(),
            headers: vec![("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned())],
        };
        let id = app.mail.send(&letter, vec![("receipt", "a-b_c".to_owned())]).await.unwrap();
        let told = told.lock().unwrap();
        assert_eq!((&told[0]["detail-type"], &told[0]["detail"]["mail"]["tags"]["receipt"]), (&json!("Email Sent"), &json!(["a-b_c"])));
        let mails = ses.outbox.all();
        let [mail] = mails.as_slice() else { panic!("{mails:?}") };
        assert_eq!(mail.id, id);
        assert_eq!((mail.subject.as_str(), mail.to.as_slice()), ("Grüße & <more>", &["ann@example.com".to_owned()][..]));
        assert_eq!((mail.text.trim(), mail.html.trim()), (letter.text.as_str(), letter.html.as_str()));
        assert_eq!(mail.from, "no-reply@example.com");
        assert_eq!(mail.headers["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click");
    }
}

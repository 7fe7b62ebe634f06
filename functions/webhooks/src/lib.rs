//! Webhooks tell what they have to tell: woken when something has come up, and every minute.
//!
//! Receivers are told side by side, and each by one instance at a time, the oldest message first. One that does not
//! answer costs its own tries and nobody else's time: after a few in a row it is left alone for a minute, and its
//! messages wait longer and longer (Standard Webhooks' schedule). Whether the maker of a webhook may still see what it
//! tells is asked right before it is told (promise G3).

use std::collections::HashMap;

use app::{App, Crash, Unreachable, Var};
use axum::http::{Method, Request, StatusCode, header};
use domain::change::Change;
use domain::event::Frame;
use domain::ids::CollectionId;
use domain::limit;
use domain::webhook::{self, Address, FAILING, Of, Off, REST};
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use store::messages::{Message, State, Try};
use store::webhooks::Webhook;

/// What it needs of the environment.
pub const NEEDS: &[Var] = &[Var::TableName, Var::TokenSecretId];

/// One receiver is told for so long; what is left follows a minute later.
const LONGEST: SignedDuration = SignedDuration::from_secs(30);
/// An instance that died is waited for this long: longer than a call of the function may take.
const LEASE: SignedDuration = SignedDuration::from_secs(70);
/// Messages that are looked for at once.
const PAGE: usize = 50;

/// Handles the schedule's event, and those of the bell. Answers how many webhooks had something to tell.
pub async fn handle(app: &App, event: Value) -> Result<Value, Crash> {
    let due = match event["detail"]["webhook"].as_str() {
        Some(named) => vec![named.parse::<Address>().map_err(|rejected| rejected.0)?],
        None => app.store.webhooks_due(app.now()).await?,
    };
    let told = due.len();
    let each = due.into_iter().map(|address| async move { tell(app, &address).await });
    let done: Vec<Result<(), Crash>> = futures::stream::iter(each).buffer_unordered(limit::WEBHOOKS_AT_ONCE).collect().await;
    done.into_iter().collect::<Result<(), Crash>>()?;
    Ok(json!({"webhooks": told}))
}

/// How telling ended.
enum Ended {
    /// Everything that was due is told, or was tried.
    Level,
    /// The receiver takes nothing just now, or there is more than fits into one call.
    Later,
    /// The webhook tells nothing more.
    Off(Off),
}

async fn tell(app: &App, address: &Address) -> Result<(), Crash> {
    let began = app.now();
    // What comes up while a receiver is told finds somebody at it, and goes away again: that one looks once more.
    while !tell_once(app, address, began).await? {}
    Ok(())
}

/// `false`: something came up meanwhile that is to be told, too.
async fn tell_once(app: &App, address: &Address, began: Timestamp) -> Result<bool, Crash> {
    let now = app.now();
    let Some(webhook) = app.store.claim_webhook(address, now + LEASE, now).await? else { return Ok(true) };
    if webhook.off.is_some() {
        app.store.drop_messages(&address.id).await?;
        app.store.webhook_due(&webhook, None, now).await?;
        return Ok(true);
    }
    match work_off(app, &webhook, began).await? {
        Ended::Off(why) => {
            if app.store.end_webhook(&webhook, why, app.now()).await? {
                tracing::info!(webhook = %address, why = why.as_str(), "a webhook was switched off");
            }
            app.store.drop_messages(&address.id).await?;
            Ok(true)
        }
        ended => {
            let next = app.store.message_next(&address.id).await?;
            let now = app.now();
            let later = matches!(ended, Ended::Later);
            let rested = if later { next.map(|next| next.max(now + REST)) } else { next };
            Ok(app.store.webhook_due(&webhook, rested, now).await? || later || LONGEST < now.duration_since(began))
        }
    }
}

/// Sends what is due, some at a time.
async fn work_off(app: &App, webhook: &Webhook, began: Timestamp) -> Result<Ended, Crash> {
    let mut webhook = webhook.clone();
    let mut sees = HashMap::new();
    loop {
        let due = app.store.messages_due(&webhook.address.id, app.now(), PAGE).await?;
        if due.is_empty() {
            return Ok(Ended::Level);
        }
        for some in due.chunks(limit::MESSAGES_AT_ONCE) {
            if LONGEST < app.now().duration_since(began) {
                return Ok(Ended::Later);
            }
            let told = match told(app, &webhook, some, &mut sees).await? {
                Some(told) => told,
                None => return Ok(Ended::Off(Off::NoAccess)),
            };
            let sent = told.into_iter().map(|(message, body)| send(app, &webhook, message, body));
            let outcomes = futures::future::try_join_all(sent).await?;
            if outcomes.contains(&Outcome::Gone) {
                return Ok(Ended::Off(Off::Gone));
            }
            if outcomes.is_empty() {
                continue;
            }
            let fails = !outcomes.contains(&Outcome::Taken);
            let since = app.store.note_failing(&webhook, fails, app.now()).await?;
            if since.is_some_and(|since| FAILING <= app.now().duration_since(since)) {
                return Ok(Ended::Off(Off::Failing));
            }
            webhook.failing_since = since;
            if fails {
                return Ok(Ended::Later);
            }
        }
    }
}

/// What messages say, of those that may be told now; the others are withheld. `None`: the webhook's maker sees nothing of
/// it any more.
async fn told<'a>(
    app: &App,
    webhook: &Webhook,
    messages: &'a [Message],
    sees: &mut HashMap<CollectionId, bool>,
) -> Result<Option<Vec<(&'a Message, Vec<u8>)>>, Crash> {
    let maker = webhook.maker.id;
    match &webhook.address.of {
        Of::Team(team) => {
            let inside = app.store.profile(maker).await?.is_some_and(|profile| profile.caller().teams.contains_key(team));
            if !inside {
                return Ok(None);
            }
        }
        Of::Collection(collection) => {
            if app.store.readers(collection, &[maker]).await?.is_empty() {
                return Ok(None);
            }
        }
    }
    // Asked anew for each few messages.
    sees.clear();
    let about: Vec<_> = messages.iter().filter_map(|message| message.about.clone()).collect();
    let changes = app.store.changes_at(&about).await?;
    let mut told = Vec::with_capacity(messages.len());
    for message in messages {
        let Some(about) = &message.about else {
            told.push((message, test(webhook, message)?));
            continue;
        };
        let visible = match sees.get(&about.collection) {
            Some(visible) => *visible,
            None => {
                let visible = !app.store.readers(&about.collection, &[maker]).await?.is_empty();
                sees.insert(about.collection.clone(), visible);
                visible
            }
        };
        let change = changes.iter().map(|(change, _)| change).find(|one| one.collection == about.collection && one.seq == about.seq);
        match change.filter(|_| visible) {
            Some(change) => told.push((message, serde_json::to_vec(&Frame::<Change>::of(change.clone()))?)),
            None => app.store.settle_message(&webhook.address.id, message, None, State::Withheld, None, app.now()).await?,
        }
    }
    Ok(Some(told))
}

fn test(webhook: &Webhook, message: &Message) -> Result<Vec<u8>, Crash> {
    let data = webhook::Test { webhook: webhook.address.to_string(), by: webhook.maker.id };
    Ok(serde_json::to_vec(&Frame::new(webhook::TEST, message.id.clone(), message.at, data))?)
}

#[derive(PartialEq)]
enum Outcome {
    Taken,
    Refused,
    Gone,
}

/// Sends one message and notes what came of it.
async fn send(app: &App, webhook: &Webhook, message: &Message, body: Vec<u8>) -> Result<Outcome, Crash> {
    let at = app.now();
    let headers = app.webhook_headers(webhook, &message.id, &body, at).ok_or("a webhook's secret cannot be opened")?;
    let mut request = Request::builder().method(Method::POST).uri(&webhook.url).header(header::CONTENT_TYPE, "application/json");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let answer = match request.body(body) {
        Ok(request) => app.outbound.send(request).await,
        Err(error) => Err(Unreachable::Failed(error.to_string())),
    };
    let now = app.now();
    let (status, error) = match &answer {
        Ok(answer) if answer.status().is_success() => (Some(answer.status()), None),
        Ok(answer) => (Some(answer.status()), Some("the receiver did not take it".to_owned())),
        Err(why) => (None, Some(why.to_string())),
    };
    let milliseconds = u64::try_from(now.duration_since(at).as_millis()).unwrap_or(0);
    let outcome = match (&error, status) {
        (None, _) => Outcome::Taken,
        (_, Some(StatusCode::GONE)) => Outcome::Gone,
        _ => Outcome::Refused,
    };
    let tried = Try { at, status: status.map(|status| status.as_u16()), error, milliseconds };
    let next = webhook::next_try(message.tried + 1).map(|pause| now + pause);
    let (state, next) = match (&outcome, next) {
        (Outcome::Taken, _) => (State::Delivered, None),
        (Outcome::Refused, Some(next)) => (State::Waiting, Some(next)),
        (Outcome::Refused, None) | (Outcome::Gone, _) => (State::Failed, None),
    };
    app.store.settle_message(&webhook.address.id, message, Some(tried), state, next, now).await?;
    Ok(outcome)
}

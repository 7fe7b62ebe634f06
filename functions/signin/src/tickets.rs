//! Tickets: a browser cannot send headers with a WebSocket, and no token is to stand in a URL.

use app::{App, Holder, Json, Problem, Tokens};
use axum::extract::State;
use jiff::Timestamp;
use serde_json::{Value, json};
use store::sessions::Ticket;

/// Make a ticket: it opens one WebSocket, within a minute.
#[utoipa::path(
    post, path = "/api/realtime/tickets", tag = "Realtime",
    responses((status = 200, description = "A ticket that opens one WebSocket at `{url}?ticket={ticket}` within `expires_in` seconds"))
)]
pub(crate) async fn make(State(app): State<App>, Holder(caller): Holder) -> Result<Json<Value>, Problem> {
    let secret = app.tokens.random()?;
    let expires_at = app.now().saturating_add(Ticket::LIFETIME).unwrap_or(Timestamp::MAX);
    let ticket = Ticket { user: caller.user, session: caller.session, key: caller.key, expires_at };
    app.store.make_ticket(&Tokens::hash(&secret), &ticket).await?;
    Ok(Json(json!({"ticket": secret, "url": app.config.realtime_url, "expires_in": Ticket::LIFETIME.as_secs()})))
}

//! What the caller wants to be told of, and the links in mails that turn some of it off.

use app::{App, FieldError, Json, Problem, Query, Who};
use axum::extract::State;
use domain::access::Caller;
use domain::notify::Preferences;
use serde::Deserialize;
use serde_json::{Value, json};

async fn shown(app: &App, caller: &Caller, preferences: Preferences) -> Result<Json<Value>, Problem> {
    let profile = app.store.profile(caller.user).await?.ok_or(Problem::NotFound("account"))?;
    let stopped = app.store.mail_stopped(&profile.email).await?;
    Ok(Json(json!({"notifications": preferences, "mail": {"address": profile.email, "stopped": stopped}})))
}

/// What the caller wants to be told of, in the pages (`in_app`) and by `mail`; and whether mail reaches them: it is
/// `stopped` after a `bounce` or a `complaint`.
#[utoipa::path(get, path = "/api/me/notifications", tag = "Notifications",
    responses((status = 200, description = "`{\"notifications\":{\"security\":{\"in_app\",\"mail\"},…,\"daily_at\"},\"mail\":{\"address\",\"stopped\"}}`")))]
pub(crate) async fn get(Who(caller): Who, State(app): State<App>) -> Result<Json<Value>, Problem> {
    let preferences = app.store.preferences(caller.user).await?;
    shown(&app, &caller, preferences).await
}

/// Chooses. What is left out is on; mails about security cannot be turned off.
#[utoipa::path(put, path = "/api/me/notifications", tag = "Notifications", request_body = Preferences,
    responses((status = 200, description = "As `GET` answers"), (status = 422, description = "Names each place that was not taken")))]
pub(crate) async fn put(Who(caller): Who, State(app): State<App>, Json(chosen): Json<Preferences>) -> Result<Json<Value>, Problem> {
    app::writes(&caller)?;
    let refused = chosen.refused();
    if !refused.is_empty() {
        return Err(Problem::Rejected(refused.into_iter().map(|(pointer, why)| FieldError::at(pointer, why)).collect()));
    }
    app.store.set_preferences(&caller, chosen).await?;
    shown(&app, &caller, chosen).await
}

/// Lets mail go to the caller's address again, after it was stopped.
#[utoipa::path(post, path = "/api/me/notifications/resume", tag = "Notifications", responses((status = 200, description = "As `GET /api/me/notifications` answers")))]
pub(crate) async fn resume(Who(caller): Who, State(app): State<App>) -> Result<Json<Value>, Problem> {
    app::writes(&caller)?;
    app.store.resume_mail(&caller).await?;
    let preferences = app.store.preferences(caller.user).await?;
    shown(&app, &caller, preferences).await
}

#[derive(Deserialize)]
pub(crate) struct Link {
    token: Option<String>,
}

/// Ends mails about changes, of one collection or of all, about comments or about payments, by the link of such a mail
/// (RFC 8058): whoever has it is its reader. The body, `List-Unsubscribe=One-Click`, says nothing further.
#[utoipa::path(post, path = "/api/unsubscribe", tag = "Notifications", params(("token" = String, Query)), security(()),
    responses((status = 200, description = "`{\"unsubscribed\": collection, \"all\", \"comments\" or \"billing\"}`"), (status = 404, description = "The link is not ours")))]
pub(crate) async fn unsubscribe(Query(link): Query<Link>, State(app): State<App>) -> Result<Json<Value>, Problem> {
    let (user, letters) = app.unsubscribe_by(link.token.as_deref().unwrap_or_default())?;
    app.store.silence(user, &letters).await?;
    Ok(Json(json!({"unsubscribed": letters.as_str()})))
}

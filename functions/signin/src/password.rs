//! The password: forgotten, chosen anew by the link of a mail, changed by whoever knows it.

use app::{App, Json, Problem, Who, rates};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use domain::account::{Email, Password, PasswordHash};
use domain::happened::Happened;
use serde::Deserialize;
use serde_json::{Value, json};
use store::users::Profile;
use utoipa::ToSchema;

use crate::closing;
use crate::sessions::own_session;

/// Whose password is forgotten.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Forgotten {
    /// The e-mail address of the account.
    email: String,
}

#[utoipa::path(
    post, path = "/api/password/forgot", tag = "accounts", request_body = Forgotten, security(()),
    responses((status = 202, description = "Where the address has an account, a link is on the way that is good for 30 minutes and once"))
)]
pub(crate) async fn forgot(
    State(app): State<App>,
    headers: HeaderMap,
    Json(body): Json<Forgotten>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    app.once_more(rates::LETTERS, &app::address(&headers).unwrap_or_default()).await?;
    let email = Email::parse(&body.email).map_err(|rejected| Problem::field("/email", rejected.0))?;
    if let Some(profile) = app.store.profile_by_email(&email).await? {
        app.store.tell(None, Happened::PasswordForgotten { user: profile.id }, app.now()).await?;
    }
    Ok((StatusCode::ACCEPTED, Json(json!({"status": "mail_sent"}))))
}

/// A password chosen anew.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reset {
    /// The token of the mail's link.
    token: String,
    /// The new password: 8 to 128 characters that are not easily guessed.
    password: String,
}

/// The hash of a new password, judged for its owner.
async fn hashed(app: &App, profile: &Profile, typed: String) -> Result<PasswordHash, Problem> {
    let about = vec![profile.email.to_string(), profile.username.to_string()];
    let password = app::strong(typed, about).await?;
    let password = password.map_err(|rejected| Problem::field("/password", rejected.0))?;
    Ok(PasswordHash::new(app.passwords.hash(&password).await?))
}

#[utoipa::path(
    post, path = "/api/password/reset", tag = "accounts", request_body = Reset, security(()),
    responses(
        (status = 200, description = "The password is changed, the address confirmed, and all sessions have ended: `user`"),
        (status = 404, description = "This is no link of ours"),
        (status = 410, description = "`link_gone`: used, or older than 30 minutes"),
        (status = 422, description = "The password is not taken; says why"),
    )
)]
pub(crate) async fn reset(State(app): State<App>, Json(body): Json<Reset>) -> Result<Json<Value>, Problem> {
    let profile = app.reset_by(&body.token).await?;
    let hash = hashed(&app, &profile, body.password).await?;
    app.store.change_password(&profile, &hash, None, None, app.now()).await?;
    closing::all(&app, profile.id).await?;
    Ok(Json(json!({"user": {"id": profile.id, "username": profile.username, "email": profile.email}})))
}

/// A change by whoever knows the password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// The current password.
    old_password: String,
    /// The new one: 8 to 128 characters that are not easily guessed.
    password: String,
}

/// The caller's account, if they know its password. `pointer` names the field that they typed it in.
pub(crate) async fn who_knows(app: &App, who: &Who, password: String, pointer: &str) -> Result<Profile, Problem> {
    let user = who.0.user.to_string();
    let limits = [(rates::WRONG_FROM_KNOWN, user.as_str())];
    app.not_too_often(&limits).await?;
    let profile = app.store.profile(who.0.user).await?.ok_or(Problem::NotFound("user"))?;
    let right = app.passwords.verify(&Password::typed(password), Some(profile.password_hash.expose())).await?;
    if right {
        return Ok(profile);
    }
    app.failed(&limits).await?;
    Err(Problem::field(pointer, "this is not the password of your account"))
}

#[utoipa::path(
    put, path = "/api/me/password", tag = "accounts", request_body = Change,
    responses(
        (status = 200, description = "The password is changed; the caller's other sessions have ended, and their WebSockets are closed"),
        (status = 403, description = "An API key cannot do this"),
        (status = 422, description = "The old password is wrong, or the new one is not taken; says why"),
    )
)]
pub(crate) async fn change(State(app): State<App>, who: Who, Json(body): Json<Change>) -> Result<Json<Value>, Problem> {
    let session = own_session(&who.0)?.clone();
    let profile = who_knows(&app, &who, body.old_password, "/old_password").await?;
    let hash = hashed(&app, &profile, body.password).await?;
    app.store.change_password(&profile, &hash, Some(&session), Some(who.0.actor()), app.now()).await?;
    closing::other_sessions(&app, profile.id, &session).await?;
    Ok(Json(json!({"status": "changed"})))
}

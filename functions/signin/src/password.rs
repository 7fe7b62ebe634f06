//! The password: forgotten, chosen anew by the link of a mail, changed by whoever knows it.

use app::{App, Json, Problem, Typed, Who, Wrong, rates};
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
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = password::Forgotten)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Forgotten {
    /// The e-mail address of the account.
    email: String,
    /// Where a robot check is set up: what its widget gave. Its own names for that are taken, too. Whoever is signed in
    /// needs none.
    #[serde(alias = "cf-turnstile-response", alias = "h-captcha-response")]
    robot_token: Option<String>,
}

/// Ask for a mail by which the password is set anew.
#[utoipa::path(
    post, path = "/api/password/forgot", tag = "Accounts", request_body = Forgotten, security(()),
    responses(
        (status = 202, description = "Where the address has an account, a link is on the way that is good for 30 minutes and once"),
        (status = 422, description = "This is no address, or the robot check did not take the token"),
        (status = 503, description = "`unavailable`: the robot check does not answer"),
    )
)]
pub(crate) async fn forgot(
    State(app): State<App>,
    headers: HeaderMap,
    who: Option<Who>,
    Typed(body, mut wrong): Typed<Forgotten>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    app.once_more(rates::LETTERS, &app::address(&headers).unwrap_or_default()).await?;
    let email = wrong.keep("/email", Email::parse(&body.email));
    let email = wrong.with(email)?;
    if who.is_none() {
        app.is_no_robot(body.robot_token.as_deref(), app::address(&headers).as_deref()).await?;
    }
    if let Some(profile) = app.store.profile_by_email(&email).await? {
        app.store.tell(None, Happened::PasswordForgotten { user: profile.id }, app.now()).await?;
    }
    Ok((StatusCode::ACCEPTED, Json(json!({"status": "mail_sent"}))))
}

/// A password chosen anew.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Reset {
    /// The token of the mail's link.
    token: String,
    /// The new password: 8 to 128 characters that are not easily guessed.
    password: String,
}

/// A new password, judged for its owner.
async fn judged(profile: Option<&Profile>, typed: String, wrong: &mut Wrong) -> Result<Option<Password>, Problem> {
    let about = profile.map(|profile| vec![profile.email.to_string(), profile.username.to_string()]).unwrap_or_default();
    Ok(wrong.keep("/password", app::strong(typed, about).await?))
}

async fn hashed(app: &App, password: &Password) -> Result<PasswordHash, Problem> {
    Ok(PasswordHash::new(app.passwords.hash(password).await?))
}

/// Set a new password, by the link of the mail.
#[utoipa::path(
    post, path = "/api/password/reset", tag = "Accounts", request_body = Reset, security(()),
    responses(
        (status = 200, description = "The password is changed, the address confirmed, and all sessions have ended: `user`"),
        (status = 404, description = "This is no link of ours"),
        (status = 410, description = "`link_gone`: used, or older than 30 minutes"),
        (status = 422, description = "The password is not taken; says why"),
    )
)]
pub(crate) async fn reset(State(app): State<App>, Typed(body, mut wrong): Typed<Reset>) -> Result<Json<Value>, Problem> {
    wrong.needed("/token", &body.token);
    let profile = if body.token.is_empty() { None } else { Some(app.reset_by(&body.token).await?) };
    let password = judged(profile.as_ref(), body.password, &mut wrong).await?;
    let (profile, password) = wrong.with(profile.zip(password))?;
    let hash = hashed(&app, &password).await?;
    app.store.change_password(&profile, &hash, None, None, app.now()).await?;
    closing::all(&app, profile.id).await?;
    Ok(Json(json!({"user": {"id": profile.id, "username": profile.username, "email": profile.email}})))
}

/// A change by whoever knows the password.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = password::Change)]
#[serde(deny_unknown_fields, default)]
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
    if profile.password_hash.usable().is_none() {
        return Err(Problem::field(pointer, "your account has no password yet: have a link sent to choose one"));
    }
    let right = app.passwords.verify(&Password::typed(password), profile.password_hash.usable()).await?;
    if right {
        return Ok(profile);
    }
    app.failed(&limits).await?;
    Err(Problem::field(pointer, "this is not the password of your account"))
}

/// Change the password; other sessions end.
#[utoipa::path(
    put, path = "/api/me/password", tag = "Accounts", request_body = Change,
    responses(
        (status = 200, description = "The password is changed; the caller's other sessions have ended, and their WebSockets are closed"),
        (status = 403, description = "An API key cannot do this"),
        (status = 422, description = "The old password is wrong, or the new one is not taken; says why"),
    )
)]
pub(crate) async fn change(State(app): State<App>, who: Who, Typed(body, mut wrong): Typed<Change>) -> Result<Json<Value>, Problem> {
    let session = own_session(&who.0)?.clone();
    let profile = wrong.absorb(who_knows(&app, &who, body.old_password, "/old_password").await)?;
    let password = judged(profile.as_ref(), body.password, &mut wrong).await?;
    let (profile, password) = wrong.with(profile.zip(password))?;
    let hash = hashed(&app, &password).await?;
    app.store.change_password(&profile, &hash, Some(&session), Some(who.0.actor()), app.now()).await?;
    closing::other_sessions(&app, profile.id, &session).await?;
    Ok(Json(json!({"status": "changed"})))
}

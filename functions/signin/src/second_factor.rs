//! The second factor of one's own account: set up, confirmed by a first code, switched off; recovery codes.

use app::second_factor::recovery_codes;
use app::{App, Json, Problem, Who};
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};
use store::Conflict;
use store::factors::Factor;
use store::users::Profile;
use utoipa::ToSchema;

use crate::password::who_knows;
use crate::sessions::own_session;
use crate::starting::is_known;

/// Whether the caller has a second factor.
#[utoipa::path(
    get, path = "/api/me/second-factor", tag = "Accounts",
    responses((status = 200, description = "`second_factor`: whether it is `on`, since when, and how many `recovery_codes` are left"))
)]
pub(crate) async fn look(State(app): State<App>, Who(caller): Who) -> Result<Json<Value>, Problem> {
    let factor = app.store.factor(caller.user).await?.filter(|factor| factor.on_at.is_some());
    Ok(Json(json!({"second_factor": {
        "on": factor.is_some(),
        "since": factor.as_ref().and_then(|factor| factor.on_at),
        "recovery_codes": factor.map_or(0, |factor| factor.recovery.len()),
    }})))
}

/// Who sets it up.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetUp {
    /// The password of the account.
    password: String,
}

/// Begin to set up a second factor: the secret for the authenticator.
#[utoipa::path(
    post, path = "/api/me/second-factor", tag = "Accounts", request_body = SetUp,
    responses(
        (status = 200, description = "`secret` and `otpauth_url` for an authenticator. It counts once its first code has come within `expires_in` seconds"),
        (status = 403, description = "An API key cannot do this, nor an account whose address is not confirmed"),
        (status = 409, description = "`second_factor_on`"),
        (status = 422, description = "The password is wrong"),
    )
)]
pub(crate) async fn set_up(State(app): State<App>, who: Who, Json(body): Json<SetUp>) -> Result<Json<Value>, Problem> {
    own_session(&who.0)?;
    let profile = who_knows(&app, &who, body.password, "/password").await?;
    // Whoever confirms the address gets the account: a stranger who began it must not lock them out.
    if !profile.verified {
        return Err(Problem::Forbidden("a confirmed e-mail address"));
    }
    let (authenticator, sealed) = app.new_authenticator(&profile)?;
    app.store.ask_factor(&who.0, sealed, app.now()).await?;
    Ok(Json(json!({
        "secret": authenticator.secret(),
        "otpauth_url": authenticator.url()?,
        "expires_in": Factor::SET_UP.as_secs(),
    })))
}

/// What an authenticator shows.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Code {
    /// Six digits.
    code: String,
}

/// Switch the second factor on, by a code of it.
#[utoipa::path(
    post, path = "/api/me/second-factor/confirm", tag = "Accounts", request_body = Code,
    responses(
        (status = 200, description = "The second factor is on. `recovery_codes`, each good once, are shown this once"),
        (status = 403, description = "An API key cannot do this"),
        (status = 409, description = "`no_set_up` waits for a code"),
        (status = 422, description = "The code is wrong"),
        (status = 429, description = "`too_many` codes were tried"),
    )
)]
pub(crate) async fn confirm(State(app): State<App>, Who(caller): Who, Json(body): Json<Code>) -> Result<Json<Value>, Problem> {
    own_session(&caller)?;
    let (profile, factor) = tokio::try_join!(app.store.profile(caller.user), app.store.factor(caller.user))?;
    let profile = profile.ok_or(Problem::NotFound("user"))?;
    let factor = factor.filter(|factor| factor.waits(app.now())).ok_or(Problem::Conflict(Conflict::NoSetUp, ""))?;
    let step = app.first_step(&profile, &factor, &body.code).await?;
    let step = step.ok_or_else(|| Problem::field("/code", "this is not the code that the authenticator shows now"))?;
    let (codes, hashes) = recovery_codes()?;
    app.store.switch_factor_on(&caller, &factor, step, &hashes, app.now()).await?;
    Ok(Json(json!({"recovery_codes": codes})))
}

/// Who changes it: the owner, with both factors.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Both {
    /// The password of the account.
    password: String,
    /// The code of the authenticator, or a recovery code.
    code: String,
}

/// The account of a caller who shows both factors.
async fn shows_both(app: &App, who: &Who, headers: &HeaderMap, body: Both) -> Result<Profile, Problem> {
    own_session(&who.0)?;
    let profile = who_knows(app, who, body.password, "/password").await?;
    if profile.second_factor.is_none() {
        return Err(Problem::Conflict(Conflict::NoSecondFactor, ""));
    }
    let known = is_known(app, profile.id, headers);
    if app.proves(&profile, &body.code, known).await? {
        return Ok(profile);
    }
    Err(Problem::field("/code", "this code is wrong, or was used: wait for the next one"))
}

/// Make new recovery codes; the old ones end.
#[utoipa::path(
    post, path = "/api/me/second-factor/recovery-codes", tag = "Accounts", request_body = Both,
    responses(
        (status = 200, description = "New `recovery_codes`, shown this once; the old ones are dead"),
        (status = 403, description = "An API key cannot do this"),
        (status = 409, description = "`second_factor_off`"),
        (status = 422, description = "The password or the code is wrong"),
        (status = 429, description = "`too_many` passwords or codes were tried"),
    )
)]
pub(crate) async fn renew(State(app): State<App>, who: Who, headers: HeaderMap, Json(body): Json<Both>) -> Result<Json<Value>, Problem> {
    shows_both(&app, &who, &headers, body).await?;
    let (codes, hashes) = recovery_codes()?;
    app.store.renew_recovery(&who.0, &hashes, app.now()).await?;
    Ok(Json(json!({"recovery_codes": codes})))
}

/// Switch the second factor off.
#[utoipa::path(
    delete, path = "/api/me/second-factor", tag = "Accounts", request_body = Both,
    responses(
        (status = 200, description = "The second factor is off. Teams that ask for one are closed to the caller from now on"),
        (status = 403, description = "An API key cannot do this"),
        (status = 409, description = "`second_factor_off` already"),
        (status = 422, description = "The password or the code is wrong"),
        (status = 429, description = "`too_many` passwords or codes were tried"),
    )
)]
pub(crate) async fn switch_off(
    State(app): State<App>,
    who: Who,
    headers: HeaderMap,
    Json(body): Json<Both>,
) -> Result<Json<Value>, Problem> {
    let profile = shows_both(&app, &who, &headers, body).await?;
    app.store.switch_factor_off(&who.0, app.now()).await?;
    // What the caller follows of teams that are closed to them now is dropped before the answer.
    for (team, _) in profile.teams.iter().filter(|(_, membership)| membership.second_factor) {
        app.store.drop_live(profile.id, *team).await?;
    }
    Ok(Json(json!({"second_factor": {"on": false}})))
}

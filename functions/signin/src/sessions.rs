//! Sign in, stay signed in, see where one is signed in, sign out.

use app::{App, Json, Problem, Query, Tokens, Who, cookie, rates};
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use domain::access::Caller;
use domain::account::Password;
use domain::ids::{SessionId, UserId};
use domain::limit;
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};
use store::Conflict;
use store::sessions::{RefreshToken, Refreshed, Session};
use utoipa::ToSchema;

use crate::closing;

/// Of sign-ins to an account that is not older nobody is told: its maker is still setting up.
const NEW: SignedDuration = SignedDuration::from_hours(1);

/// What a person shows to sign in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    /// E-mail address or username.
    login: String,
    /// The password.
    password: String,
    /// 30 days instead of 30 minutes without use.
    #[serde(default)]
    keep_signed_in: bool,
    /// What this place is called in the list of sessions.
    device: Option<String>,
}

fn shown(session: &Session, current: Option<&SessionId>) -> Value {
    json!({
        "id": session.id,
        "device": session.device,
        "address": session.address,
        "created_at": session.created_at,
        "used_at": session.used_at,
        "expires_at": session.ends_at(),
        "keep_signed_in": session.keep,
        "current": current == Some(&session.id),
    })
}

fn tokens(app: &App, session: &Session, refresh_secret: &str) -> Result<Value, Problem> {
    Ok(json!({
        "access_token": app.tokens.access(session.user, &session.id, app.now())?,
        "token_type": "Bearer",
        "expires_in": app::ACCESS_SECONDS,
        "refresh_token": session.refresh_token(refresh_secret),
        "session": shown(session, Some(&session.id)),
    }))
}

fn device(given: Option<String>, headers: &HeaderMap) -> String {
    let browser = || headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let text = given.filter(|text| !text.trim().is_empty()).or_else(browser).unwrap_or_else(|| "unknown".to_owned());
    text.trim().chars().filter(|c| !c.is_control()).take(limit::NAME_CHARS).collect()
}

#[utoipa::path(
    post, path = "/api/sessions", tag = "sessions", request_body = SignIn, security(()),
    responses(
        (status = 200, description = "Tokens for programs, and a cookie for browsers"),
        (status = 401, description = "`wrong_login`: the same whether the account exists"),
        (status = 429, description = "`too_many` wrong passwords for this account or from this address; `Retry-After` says how long"),
    )
)]
pub(crate) async fn sign_in(State(app): State<App>, headers: HeaderMap, Json(body): Json<SignIn>) -> Result<Response, Problem> {
    let profile = app.store.profile_by_login(&body.login).await?;
    // Whoever floods an account with wrong passwords locks nobody out of it who has signed in with the same browser.
    let known = profile.as_ref().is_some_and(|profile| is_known(&app, profile.id, &headers));
    let whom = profile.as_ref().map_or_else(|| body.login.trim().to_lowercase(), |profile| profile.id.to_string());
    let wrong = if known { rates::WRONG_FROM_KNOWN } else { rates::WRONG_FOR_ACCOUNT };
    let address = app::address(&headers).unwrap_or_default();
    let limits = [(wrong, whom.as_str()), (rates::WRONG_FROM_ADDRESS, address.as_str())];
    // Nor does whoever shares a network address with them.
    let held_to = if known { &limits[..1] } else { &limits[..] };
    app.not_too_often(held_to).await?;
    // Without an account the same work is done, so that the time tells nothing either.
    let hash = profile.as_ref().map(|profile| profile.password_hash.expose());
    let right = app.passwords.verify(&Password::typed(body.password), hash).await?;
    let Some(profile) = profile.filter(|_| right) else {
        app.failed(&limits).await?;
        return Err(Problem::WrongLogin);
    };
    let (refresh_secret, cookie_secret) = (app.tokens.random()?, app.tokens.random()?);
    let session = Session {
        id: app.new_id().into(),
        user: profile.id,
        refresh_hash: Tokens::hash(&refresh_secret),
        rotation: 0,
        cookie_hash: Tokens::hash(&cookie_secret),
        created_at: app.now(),
        used_at: app.now(),
        keep: body.keep_signed_in,
        device: device(body.device, &headers),
        address: app::address(&headers),
        kept_at: None,
    };
    let anew = !seen_before(&app, &session, &headers).await?;
    app.store.start_session(&session, anew && NEW < app.now().duration_since(profile.created_at)).await?;
    let known = cookie::set_known(&app.config, session.user, &app.known(session.user)?);
    let cookies = [cookie::set(&app.config, &session.cookie(&cookie_secret), session.cookie_seconds()), known];
    let cookies = cookies.into_iter().flatten().map(|cookie| (header::SET_COOKIE, cookie)).collect::<Vec<_>>();
    Ok((AppendHeaders(cookies), Json(tokens(&app, &session, &refresh_secret)?)).into_response())
}

/// Whether this browser shows that somebody has signed in to this account with it before.
fn is_known(app: &App, user: UserId, headers: &HeaderMap) -> bool {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.filter_map(|cookie| cookie::find_known(cookie, user)).any(|shown| app.is_known(user, shown))
}

/// Whether somebody has signed in to this account from here before: this browser says so, or a session that still lives
/// came from the same device and address.
async fn seen_before(app: &App, session: &Session, headers: &HeaderMap) -> Result<bool, Problem> {
    if is_known(app, session.user, headers) {
        return Ok(true);
    }
    let others = app.store.sessions(session.user, app.now()).await?;
    Ok(others.iter().any(|other| other.device == session.device && other.address == session.address))
}

/// What keeps a program signed in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refresh {
    /// The refresh token of the last answer. It is good for one use.
    refresh_token: String,
}

#[utoipa::path(
    post, path = "/api/sessions/refresh", tag = "sessions", request_body = Refresh, security(()),
    responses(
        (status = 200, description = "New tokens; the old refresh token is dead"),
        (status = 401, description = "`session_gone`: ended, or the token was used before, which ends the session"),
    )
)]
pub(crate) async fn refresh(State(app): State<App>, Json(body): Json<Refresh>) -> Result<Json<Value>, Problem> {
    let token = RefreshToken::parse(&body.refresh_token, Tokens::hash).ok_or(Problem::Conflict(Conflict::SessionGone, ""))?;
    let secret = app.tokens.random()?;
    match app.store.refresh_session(&token, Tokens::hash(&secret), app.now()).await? {
        Refreshed::Fresh(session) => Ok(Json(tokens(&app, &session, &secret)?)),
        Refreshed::Reused => {
            closing::session(&app, token.user, &token.session).await?;
            Err(Problem::Conflict(Conflict::SessionGone, ""))
        }
    }
}

#[utoipa::path(get, path = "/api/sessions", tag = "sessions", responses((status = 200, description = "Where the caller is signed in: `sessions`")))]
pub(crate) async fn list(State(app): State<App>, Who(caller): Who) -> Result<Json<Value>, Problem> {
    let sessions = app.store.sessions(caller.user, app.now()).await?;
    let shown: Vec<Value> = sessions.iter().map(|session| shown(session, caller.session.as_ref())).collect();
    Ok(Json(json!({"sessions": shown})))
}

#[derive(Deserialize)]
pub(crate) struct Which {
    #[serde(default)]
    others: bool,
}

#[utoipa::path(
    delete, path = "/api/sessions", tag = "sessions",
    params(("others" = Option<bool>, Query, description = "`true`: all but this one")),
    responses((status = 200, description = "All sessions have ended, this one too, and their WebSockets are closed"))
)]
pub(crate) async fn end_all(State(app): State<App>, Who(caller): Who, Query(which): Query<Which>) -> Result<Response, Problem> {
    let session = own_session(&caller)?;
    if which.others {
        app.store.end_all_sessions(&caller, Some(session), app.now()).await?;
        closing::other_sessions(&app, caller.user, session).await?;
        return Ok(Json(json!({"status": "signed_out"})).into_response());
    }
    app.store.end_all_sessions(&caller, None, app.now()).await?;
    closing::all_sessions(&app, caller.user).await?;
    Ok(without_cookie(&app, json!({"status": "signed_out"})))
}

#[utoipa::path(
    delete, path = "/api/sessions/{session}", tag = "sessions", params(("session" = String, Path)),
    responses(
        (status = 200, description = "The session has ended, and its WebSockets are closed"),
        (status = 404, description = "The caller has no such session"),
    )
)]
pub(crate) async fn end_one(
    State(app): State<App>,
    Who(caller): Who,
    app::Path(session): app::Path<SessionId>,
) -> Result<Response, Problem> {
    signed_in(&caller)?;
    app.store.end_session(&caller, &session, app.now()).await.map_err(|error| match error {
        store::Error::Conflict(Conflict::SessionGone) => Problem::NotFound("session"),
        error => error.into(),
    })?;
    closing::session(&app, caller.user, &session).await?;
    let body = json!({"session": {"id": session}});
    Ok(if caller.session.as_ref() == Some(&session) { without_cookie(&app, body) } else { Json(body).into_response() })
}

/// What a stolen API key must not do: lock its owner out, or make more keys.
pub(crate) fn signed_in(caller: &Caller) -> Result<(), Problem> {
    own_session(caller).map(drop)
}

/// The session that the caller came with.
pub(crate) fn own_session(caller: &Caller) -> Result<&SessionId, Problem> {
    caller.session.as_ref().ok_or(Problem::Forbidden("a sign-in with name and password, not an API key"))
}

fn without_cookie(app: &App, body: Value) -> Response {
    let cookie = cookie::clear(&app.config);
    (AppendHeaders(cookie.map(|cookie| (header::SET_COOKIE, cookie))), Json(body)).into_response()
}

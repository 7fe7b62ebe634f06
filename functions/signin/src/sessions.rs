//! Sign in, stay signed in, see where one is signed in, sign out.

use app::{App, Json, Problem, Query, Tokens, Typed, Who, cookie, rates};
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use domain::access::Caller;
use domain::account::Password;
use domain::ids::{SessionId, UserId};
use serde::Deserialize;
use serde_json::{Value, json};
use store::Conflict;
use store::sessions::{Credential, RefreshToken, Refreshed, Session};
use utoipa::ToSchema;

use crate::closing;
use crate::starting::{self, Place, is_known};

/// What a person shows to sign in.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SignIn {
    /// E-mail address or username.
    login: String,
    /// The password.
    password: String,
    /// 30 days instead of 30 minutes without use.
    keep_signed_in: bool,
    /// What this place is called in the list of sessions.
    device: Option<String>,
}

pub(crate) fn shown(session: &Session, current: Option<&SessionId>) -> Value {
    json!({
        "id": session.id,
        "device": session.device,
        "address": session.address,
        "created_at": session.created_at,
        "used_at": session.used_at,
        "expires_at": session.ends_at(),
        "keep_signed_in": session.keep,
        "through": session.through,
        "current": current == Some(&session.id),
    })
}

pub(crate) fn tokens(app: &App, session: &Session, refresh_secret: &str) -> Result<Value, Problem> {
    Ok(json!({
        "access_token": app.tokens.access(session.user, &session.id, app.now())?,
        "token_type": "Bearer",
        "expires_in": app::ACCESS_SECONDS,
        "refresh_token": session.refresh_token(refresh_secret),
        "session": shown(session, Some(&session.id)),
    }))
}

/// Sign in by e-mail address or username, and password.
#[utoipa::path(
    post, path = "/api/sessions", tag = "Sessions and keys", request_body = SignIn, security(()),
    responses(
        (status = 200, description = "Tokens for programs, and a cookie for browsers"),
        (status = 401, description = "`wrong_login`: the same whether the account exists; `second_factor_needed`: right so far, go on with the `challenge`"),
        (status = 429, description = "`too_many` wrong passwords for this account or from this address; `Retry-After` says how long"),
    )
)]
pub(crate) async fn sign_in(
    State(app): State<App>,
    headers: HeaderMap,
    Typed(body, mut wrong): Typed<SignIn>,
) -> Result<Response, Problem> {
    wrong.needed("/login", &body.login);
    wrong.needed("/password", &body.password);
    wrong.end()?;
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
    let hash = profile.as_ref().and_then(|profile| profile.password_hash.usable());
    let right = app.passwords.verify(&Password::typed(body.password), hash).await?;
    let Some(profile) = profile.filter(|_| right) else {
        app.failed(&limits).await?;
        return Err(Problem::WrongLogin);
    };
    if profile.second_factor.is_some() {
        return Err(Problem::SecondFactorNeeded(app.challenge(&profile)?));
    }
    starting::start(&app, &profile, Place { keep: body.keep_signed_in, device: body.device, through: None }, &headers).await
}

/// The second half of a sign-in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecondHalf {
    /// What the first half was answered with.
    challenge: String,
    /// The code of the authenticator, or a recovery code.
    code: String,
    /// 30 days instead of 30 minutes without use.
    #[serde(default)]
    keep_signed_in: bool,
    /// What this place is called in the list of sessions.
    device: Option<String>,
}

/// Go on signing in, by a code of the second factor.
#[utoipa::path(
    post, path = "/api/sessions/second-factor", tag = "Sessions and keys", request_body = SecondHalf, security(()),
    responses(
        (status = 200, description = "Tokens for programs, and a cookie for browsers"),
        (status = 401, description = "`wrong_code`; `challenge_gone`: older than five minutes, or the password has changed"),
        (status = 429, description = "`too_many` codes were tried; `Retry-After` says how long"),
    )
)]
pub(crate) async fn second_half(State(app): State<App>, headers: HeaderMap, Json(body): Json<SecondHalf>) -> Result<Response, Problem> {
    let profile = app.challenged_by(&body.challenge).await?;
    let known = is_known(&app, profile.id, &headers);
    // Without a second factor by now there is nothing to show, and the password alone is enough: it was shown.
    if profile.second_factor.is_some() && !app.proves(&profile, &body.code, known).await? {
        return Err(Problem::Conflict(Conflict::WrongCode, "/code"));
    }
    starting::start(&app, &profile, Place { keep: body.keep_signed_in, device: body.device, through: None }, &headers).await
}

/// What keeps a program signed in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refresh {
    /// The refresh token of the last answer. It is good for one use.
    refresh_token: String,
}

/// Exchange a refresh token for new tokens; each can be used once.
#[utoipa::path(
    post, path = "/api/sessions/refresh", tag = "Sessions and keys", request_body = Refresh, security(()),
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

/// The caller's sessions.
#[utoipa::path(get, path = "/api/sessions", tag = "Sessions and keys", responses((status = 200, description = "Where the caller is signed in: `sessions`")))]
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

/// End all of the caller's sessions.
#[utoipa::path(
    delete, path = "/api/sessions", tag = "Sessions and keys",
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
    Ok(without_cookies(&app, &[caller.user], json!({"status": "signed_out"})))
}

/// Sign out of every account in this browser.
#[utoipa::path(
    delete, path = "/api/sessions/here", tag = "Sessions and keys",
    responses(
        (status = 200, description = "The sessions of all accounts in this browser have ended, and their WebSockets are closed"),
        (status = 403, description = "An API key cannot do this"),
    )
)]
pub(crate) async fn end_here(State(app): State<App>, Who(caller): Who, headers: HeaderMap) -> Result<Response, Problem> {
    own_session(&caller)?;
    let mut users = Vec::new();
    for credential in cookie::sessions(&headers).filter_map(|token| Credential::cookie(token, Tokens::hash)) {
        users.push(credential.user());
        let (Some(caller), _) = app.store.caller(&credential, &[], app.now()).await? else { continue };
        let Some(session) = caller.session.clone() else { continue };
        match app.store.end_session(&caller, &session, app.now()).await {
            Ok(()) | Err(store::Error::Conflict(Conflict::SessionGone)) => (),
            Err(error) => return Err(error.into()),
        }
        closing::session(&app, caller.user, &session).await?;
    }
    Ok(without_cookies(&app, &users, json!({"status": "signed_out"})))
}

/// End a session.
#[utoipa::path(
    delete, path = "/api/sessions/{session}", tag = "Sessions and keys", params(("session" = String, Path)),
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
    Ok(if caller.session.as_ref() == Some(&session) { without_cookies(&app, &[caller.user], body) } else { Json(body).into_response() })
}

/// What a stolen API key must not do: lock its owner out, or make more keys.
pub(crate) fn signed_in(caller: &Caller) -> Result<(), Problem> {
    own_session(caller).map(drop)
}

/// The session that the caller came with.
pub(crate) fn own_session(caller: &Caller) -> Result<&SessionId, Problem> {
    caller.session.as_ref().ok_or(Problem::Forbidden("a sign-in with name and password, not an API key"))
}

/// The browser forgets these accounts; which of the others is meant is not said any more.
pub(crate) fn without_cookies(app: &App, users: &[UserId], body: Value) -> Response {
    let cookies = users.iter().filter_map(|user| cookie::clear(&app.config, *user)).chain(cookie::choose_none(&app.config));
    let cookies: Vec<_> = cookies.map(|cookie| (header::SET_COOKIE, cookie)).collect();
    (AppendHeaders(cookies), Json(body)).into_response()
}

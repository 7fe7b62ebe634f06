//! Where programs get their tokens (RFC 6749): for a code of their own (RFC 8628), for one that a browser brought
//! (RFC 7636), or for a refresh token. Refusals have the shape of those standards, not that of our other answers.

use app::{App, Fields, Problem, Tokens};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::program::{Loopback, UserCode};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};
use store::programs::{Permit, Question, holds};
use store::sessions::{RefreshToken, Refreshed};
use store::users::Profile;
use utoipa::ToSchema;

use crate::closing;
use crate::sessions::tokens;
use crate::starting::{Place, begin};

/// A program that waits as it was told may be this much early: the network is not always equally slow.
const EARLY: SignedDuration = SignedDuration::from_millis(500);

/// What a program shows, in a form or as JSON.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Exchange {
    /// `urn:ietf:params:oauth:grant-type:device_code`, `authorization_code` or `refresh_token`.
    #[serde(default)]
    grant_type: String,
    /// Of `POST /api/device/code`.
    device_code: Option<String>,
    /// That a browser brought.
    code: Option<String>,
    /// Where it brought it.
    redirect_uri: Option<String>,
    /// What the challenge was made of.
    code_verifier: Option<String>,
    /// As before.
    client_id: Option<String>,
    /// Of the last answer.
    refresh_token: Option<String>,
}

/// A refusal as programs know it.
struct Refusal(&'static str, &'static str);

const USED: Refusal = Refusal("invalid_grant", "this code is not known, or was used");
const NOT_THIS: Refusal = Refusal("invalid_grant", "this code was made for another program, address or challenge, or is too old");
const MISSING: Refusal = Refusal("invalid_request", "a parameter of this grant_type is missing");

impl Refusal {
    fn answer(self) -> Response {
        let body = json!({"error": self.0, "error_description": self.1});
        (StatusCode::BAD_REQUEST, [(header::CACHE_CONTROL, "no-store")], axum::Json(body)).into_response()
    }
}

fn granted(tokens: Value) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], axum::Json(tokens)).into_response()
}

/// Ask whether somebody has let the device in.
#[utoipa::path(
    post, path = "/api/device/token", tag = "Sessions and keys", request_body = Exchange, security(()),
    responses(
        (status = 200, description = "The person said yes: tokens, as of `POST /api/sessions`. Once"),
        (status = 400, description = "As in RFC 8628: `error` is `authorization_pending`, `slow_down` (wait 5 seconds more from now on), `access_denied`, `expired_token`, `invalid_grant` …"),
    )
)]
pub(crate) async fn device_token(State(app): State<App>, headers: HeaderMap, Fields(body): Fields<Exchange>) -> Result<Response, Problem> {
    exchange(&app, &headers, body).await
}

/// Exchange a program's permit, or its refresh token, for tokens (OAuth 2.0 with PKCE).
#[utoipa::path(
    post, path = "/api/oauth/token", tag = "Sessions and keys", request_body = Exchange, security(()),
    responses(
        (status = 200, description = "Tokens, as of `POST /api/sessions`"),
        (status = 400, description = "As in RFC 6749: `error` is `invalid_grant`, `invalid_request` or `unsupported_grant_type`"),
    )
)]
pub(crate) async fn token(State(app): State<App>, headers: HeaderMap, Fields(body): Fields<Exchange>) -> Result<Response, Problem> {
    exchange(&app, &headers, body).await
}

async fn exchange(app: &App, headers: &HeaderMap, body: Exchange) -> Result<Response, Problem> {
    let ended = match body.grant_type.as_str() {
        "urn:ietf:params:oauth:grant-type:device_code" => by_device(app, headers, &body).await?,
        "authorization_code" => by_code(app, headers, &body).await?,
        "refresh_token" => by_refresh(app, &body).await?,
        "" => Err(MISSING),
        _ => Err(Refusal("unsupported_grant_type", "this takes device_code, authorization_code and refresh_token")),
    };
    Ok(ended.map_or_else(Refusal::answer, granted))
}

/// A program asks whether the person has answered.
async fn by_device(app: &App, headers: &HeaderMap, body: &Exchange) -> Result<Result<Value, Refusal>, Problem> {
    let Some(shown) = &body.device_code else { return Ok(Err(MISSING)) };
    let Some((code, secret)) = shown.split_once('.') else { return Ok(Err(USED)) };
    let Ok(code) = UserCode::parse(code) else { return Ok(Err(USED)) };
    let hash = Tokens::hash(code.as_str());
    let question = app.store.question(&hash).await?.filter(|question| Tokens::is_hash(&question.secret_hash, secret));
    let Some(question) = question else { return Ok(Err(USED)) };
    let now = app.now();
    let Some(answer) = &question.answer else {
        if question.ends_at() <= now {
            return Ok(Err(Refusal("expired_token", "nobody answered within five minutes: begin again")));
        }
        return poll(app, &hash, &question).await.map(Err);
    };
    if question.ends_at() <= now {
        return Ok(Err(Refusal("expired_token", "this was answered, but not fetched within five minutes: begin again")));
    }
    if !app.store.take_question(&hash).await? {
        return Ok(Err(USED));
    }
    if !answer.approved {
        return Ok(Err(Refusal("access_denied", "the person said no")));
    }
    match app.store.profile(answer.user).await?.filter(|profile| holds(profile, answer.at)) {
        Some(profile) => start(app, headers, &profile, question.client).await.map(Ok),
        None => Ok(Err(Refusal("access_denied", "the person has signed out everywhere since"))),
    }
}

/// Nobody has answered yet. Whoever asks too soon has to wait longer from now on.
async fn poll(app: &App, hash: &str, question: &Question) -> Result<Refusal, Problem> {
    let wait = SignedDuration::from_secs(question.interval) - EARLY;
    let hasty = question.polled_at.is_some_and(|polled_at| app.now().duration_since(polled_at) < wait);
    let interval = if hasty { question.interval + Question::INTERVAL } else { question.interval };
    app.store.note_poll(hash, interval, app.now()).await?;
    Ok(match hasty {
        true => Refusal("slow_down", "this came too soon: wait 5 seconds more each time"),
        false => Refusal("authorization_pending", "nobody has answered yet"),
    })
}

/// A program shows what the browser brought, and what its challenge was made of.
async fn by_code(app: &App, headers: &HeaderMap, body: &Exchange) -> Result<Result<Value, Refusal>, Problem> {
    let (Some(code), Some(redirect), Some(verifier), Some(client)) = (&body.code, &body.redirect_uri, &body.code_verifier, &body.client_id)
    else {
        return Ok(Err(MISSING));
    };
    let hash = Tokens::hash(code);
    let Some(permit) = app.store.permit(&hash).await? else { return Ok(Err(USED)) };
    let Some(profile) = app.store.profile(permit.user).await? else { return Ok(Err(USED)) };
    if let Some(session) = &permit.session {
        // RFC 6749: a code that comes twice was copied, and what it gave ends.
        app.store.end_copied(&profile, session, app.now()).await?;
        closing::session(app, profile.id, session).await?;
        app.store.drop_permit(&hash).await?;
        return Ok(Err(USED));
    }
    let in_time = app.now().duration_since(permit.made_at) <= Permit::LIFETIME && holds(&profile, permit.made_at);
    let same = Loopback::parse(redirect).is_ok_and(|redirect| redirect.as_str() == permit.redirect) && *client == permit.client;
    if !in_time || !same || !app::is_pkce_verifier(verifier, &permit.challenge) {
        app.store.drop_permit(&hash).await?;
        return Ok(Err(NOT_THIS));
    }
    let place = Place { keep: true, device: Some(permit.client), through: None };
    let begun = begin(app, &profile, place, headers)?;
    if !app.store.use_permit(&hash, &begun.session.id).await? {
        return Ok(Err(USED));
    }
    begun.keep(app, &profile, headers).await?;
    tokens(app, &begun.session, &begun.refresh_secret).map(Ok)
}

async fn by_refresh(app: &App, body: &Exchange) -> Result<Result<Value, Refusal>, Problem> {
    let gone = Refusal("invalid_grant", "this session has ended, or the refresh token was used before");
    let Some(shown) = &body.refresh_token else { return Ok(Err(MISSING)) };
    let Some(token) = RefreshToken::parse(shown, Tokens::hash) else { return Ok(Err(gone)) };
    let secret = app.tokens.random()?;
    match app.store.refresh_session(&token, Tokens::hash(&secret), app.now()).await {
        Ok(Refreshed::Fresh(session)) => tokens(app, &session, &secret).map(Ok),
        Ok(Refreshed::Reused) => {
            closing::session(app, token.user, &token.session).await?;
            Ok(Err(gone))
        }
        Err(store::Error::Conflict(_)) => Ok(Err(gone)),
        Err(error) => Err(error.into()),
    }
}

/// Begins a session for a program, under its name.
async fn start(app: &App, headers: &HeaderMap, profile: &Profile, client: String) -> Result<Value, Problem> {
    let begun = begin(app, profile, Place { keep: true, device: Some(client), through: None }, headers)?;
    begun.keep(app, profile, headers).await?;
    tokens(app, &begun.session, &begun.refresh_secret)
}

//! Programs that sign in through the browser: with a code that a person types (RFC 8628), or by a redirect to the person's
//! own machine (RFC 8252, with PKCE). Either way a person who is signed in sees what asks, and says yes or no.

use app::{App, Fields, Json, Problem, Tokens, Who, rates};
use axum::extract::State;
use axum::http::HeaderMap;
use domain::program::{Loopback, UserCode};
use domain::team;
use serde::Deserialize;
use serde_json::{Value, json};
use store::programs::{Permit, Question};
use store::{Conflict, Error};
use utoipa::ToSchema;

use crate::sessions::own_session;

/// Codes are drawn from 25 thousand million: two that wait at the same time hardly ever meet.
const DRAWS: usize = 3;

/// What a program calls itself.
fn client(name: &str, pointer: &str) -> Result<String, Problem> {
    team::name(name).map_err(|rejected| Problem::field(pointer, rejected.0))
}

/// A program that asks.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Asks {
    /// What the program calls itself; the person sees it. No registration is needed.
    #[serde(default)]
    client_id: String,
}

/// Begin a device's sign-in (RFC 8628): a code for whoever stands before it.
#[utoipa::path(
    post, path = "/api/device/code", tag = "Sessions and keys", request_body = Asks, security(()),
    responses(
        (status = 200, description = "As in RFC 8628: `device_code`, `user_code`, `verification_uri`, `verification_uri_complete`, `expires_in`, `interval`"),
        (status = 422, description = "`client_id` is missing or too long"),
        (status = 429, description = "`too_many` programs ask from this network address"),
    )
)]
pub(crate) async fn ask(State(app): State<App>, headers: HeaderMap, Fields(body): Fields<Asks>) -> Result<Json<Value>, Problem> {
    let client = client(&body.client_id, "/client_id")?;
    let address = app::address(&headers);
    app.once_more(rates::PROGRAMS, address.as_deref().unwrap_or_default()).await?;
    let secret = app.tokens.random()?;
    let question = Question {
        client,
        address,
        secret_hash: Tokens::hash(&secret),
        asked_at: app.now(),
        interval: Question::INTERVAL,
        polled_at: None,
        answer: None,
    };
    let mut draws = 1;
    let code = loop {
        let code = UserCode::from_chance(app.chance()?);
        match app.store.ask_question(&Tokens::hash(code.as_str()), &question).await {
            Ok(()) => break code,
            Err(Error::Conflict(Conflict::IdTaken)) if draws < DRAWS => draws += 1,
            Err(error) => return Err(error.into()),
        }
    };
    let page = format!("{}/device", app.config.pages_url);
    Ok(Json(json!({
        "device_code": format!("{}.{secret}", code.as_str()),
        "user_code": code.to_string(),
        "verification_uri": page,
        "verification_uri_complete": format!("{page}?user_code={code}"),
        "expires_in": Question::LIFETIME.as_secs(),
        "interval": Question::INTERVAL,
    })))
}

/// What a person says.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Said {
    /// It may sign in as me.
    Approve,
    /// It may not.
    Refuse,
}

/// A person's answer to a program.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    /// The code that the program shows.
    user_code: String,
    /// `approve` or `refuse`.
    answer: Said,
}

/// Say yes or no to the device that showed a code.
#[utoipa::path(
    post, path = "/api/device/answer", tag = "Sessions and keys", request_body = Answer,
    responses(
        (status = 200, description = "The program hears it when it asks next: `answer`"),
        (status = 403, description = "An API key cannot do this"),
        (status = 404, description = "No program shows this code"),
        (status = 410, description = "`request_gone`: it was answered, or is older than five minutes"),
        (status = 429, description = "`too_many` codes were tried"),
    )
)]
pub(crate) async fn answer(State(app): State<App>, Who(caller): Who, Json(body): Json<Answer>) -> Result<Json<Value>, Problem> {
    own_session(&caller)?;
    app.once_more(rates::PROGRAM_CODES, &caller.user.to_string()).await?;
    let code = UserCode::parse(&body.user_code).map_err(|rejected| Problem::field("/user_code", rejected.0))?;
    let hash = Tokens::hash(code.as_str());
    app.store.question(&hash).await?.ok_or(Problem::NotFound("program that shows this code"))?;
    let approved = body.answer == Said::Approve;
    app.store.answer_question(&caller, &hash, approved, app.now()).await?;
    Ok(Json(json!({"answer": if approved { "approved" } else { "refused" }})))
}

/// What a program's page in the browser was opened with, and what the person says to it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Authorize {
    /// What the program calls itself.
    client_id: String,
    /// Where it waits, on the person's own machine.
    redirect_uri: String,
    /// RFC 7636: the SHA-256 of what the program will show, base64url.
    code_challenge: String,
    /// What the program wants to hear again.
    state: Option<String>,
    /// `approve` or `refuse`.
    answer: Said,
}

/// Let a program sign in with the caller's account, or refuse it.
#[utoipa::path(
    post, path = "/api/authorize", tag = "Sessions and keys", request_body = Authorize,
    responses(
        (status = 200, description = "Where the browser goes on: `redirect_to`, with a code that is good once, for 60 seconds, or with `error=access_denied`"),
        (status = 403, description = "An API key cannot do this"),
        (status = 422, description = "The address is not on the person's own machine, or there is no challenge"),
    )
)]
pub(crate) async fn authorize(State(app): State<App>, Who(caller): Who, Json(body): Json<Authorize>) -> Result<Json<Value>, Problem> {
    own_session(&caller)?;
    let redirect = Loopback::parse(&body.redirect_uri).map_err(|rejected| Problem::field("/redirect_uri", rejected.0))?;
    let client = client(&body.client_id, "/client_id")?;
    if !app::is_pkce_challenge(&body.code_challenge) {
        return Err(Problem::field("/code_challenge", "a challenge is a SHA-256, base64url: 43 characters"));
    }
    let state = body.state.as_deref().map(|state| ("state", state));
    if body.answer == Said::Refuse {
        let parameters: Vec<_> = std::iter::once(("error", "access_denied")).chain(state).collect();
        return Ok(Json(json!({"redirect_to": redirect.with(&parameters)})));
    }
    let code = app.tokens.random()?;
    let permit = Permit {
        user: caller.user,
        client,
        redirect: redirect.as_str().to_owned(),
        challenge: body.code_challenge,
        made_at: app.now(),
        session: None,
    };
    app.store.make_permit(&caller, &Tokens::hash(&code), &permit).await?;
    let parameters: Vec<_> = std::iter::once(("code", code.as_str())).chain(state).collect();
    Ok(Json(json!({"redirect_to": redirect.with(&parameters)})))
}

//! To the issuer and back. A browser comes here by itself: what goes wrong is told on the sign-in page.

use app::{App, Json, Path, Problem, Query, rates, sso};
use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use domain::account::Email;
use domain::happened::Happened;
use domain::sso::{Provider, Vouched};
use domain::team::Handle;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use subtle::ConstantTimeEq;
use utoipa::ToSchema;

use super::issuer::{Failed, Issuers, Once};
use super::relation;
use crate::starting::{Place, enter};

/// What a browser keeps while it is at the issuer.
#[derive(Serialize, Deserialize)]
struct Flow {
    provider: Provider,
    issuer: String,
    state: String,
    nonce: String,
    verifier: String,
    then: String,
    keep: bool,
}

/// What is said on the sign-in page.
pub(crate) enum Lost {
    /// Nobody has set that up.
    Unknown,
    /// The issuer does not answer.
    Unreachable,
    /// The person did not want to, or the issuer did not want them.
    Cancelled,
    /// Too long ago, done before, or begun in another browser.
    Gone,
    /// What the issuer says does not hold.
    Refused,
    /// The issuer knows no address.
    NoAddress,
    /// The issuer does not say that the address is theirs.
    Unverified,
    /// The account with this address waits for its confirmation.
    Unconfirmed,
    /// Too often.
    TooOften,
}

impl Lost {
    fn word(&self) -> &'static str {
        match self {
            Lost::Unknown => "unknown",
            Lost::Unreachable => "unreachable",
            Lost::Cancelled => "cancelled",
            Lost::Gone => "gone",
            Lost::Refused => "refused",
            Lost::NoAddress => "no_address",
            Lost::Unverified => "unverified",
            Lost::Unconfirmed => "unconfirmed",
            Lost::TooOften => "too_often",
        }
    }
}

impl From<Failed> for Lost {
    fn from(failed: Failed) -> Lost {
        match failed {
            Failed::Unreachable(why) => {
                tracing::warn!("an issuer does not answer: {why}");
                Lost::Unreachable
            }
            Failed::Refused(why) => {
                tracing::warn!("an issuer vouches for nobody: {why}");
                Lost::Refused
            }
            Failed::NoAddress => Lost::NoAddress,
            Failed::Unverified => Lost::Unverified,
        }
    }
}

type Cookies = Vec<(HeaderName, HeaderValue)>;

fn go(path: &str, cookies: Cookies) -> Response {
    (AppendHeaders(cookies), Redirect::to(path)).into_response()
}

fn lost(lost: &Lost, cookies: Cookies) -> Response {
    go(&format!("/signin?failed={}", lost.word()), cookies)
}

fn cookie(value: Option<HeaderValue>) -> Cookies {
    value.into_iter().map(|value| (header::SET_COOKIE, value)).collect()
}

/// The team that somebody wants to sign in through.
#[derive(Deserialize, ToSchema)]
#[schema(as = way::Wanted)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Its URL name.
    team: String,
}

/// Where somebody with this address signs in.
#[utoipa::path(
    post, path = "/api/sso/find", tag = "Sessions and keys", request_body = Wanted, security(()),
    responses(
        (status = 200, description = "`provider`: the single sign-on of the team begins at `/api/sso/{provider}/start`"),
        (status = 422, description = "There is no such team, or it has none"),
    )
)]
pub(crate) async fn find(State(app): State<App>, Json(body): Json<Wanted>) -> Result<Json<Value>, Problem> {
    let none = || Problem::field("/team", "there is no team of this name with a single sign-on");
    let handle = Handle::parse(&body.team).map_err(|_| none())?;
    let team = app.store.team_by_handle(&handle).await?.ok_or_else(none)?;
    let sso = app.store.team_sso(team).await?.ok_or_else(none)?;
    Ok(Json(json!({"provider": Provider::Team(sso.team)})))
}

#[derive(Deserialize)]
pub(crate) struct Start {
    return_to: Option<String>,
    keep: Option<String>,
}

/// Begin to sign in elsewhere.
#[utoipa::path(
    get, path = "/api/sso/{provider}/start", tag = "Sessions and keys", security(()),
    params(
        ("provider" = String, Path, description = "`google`, or the id of a team"),
        ("return_to" = Option<String>, Query, description = "Where to go then: a path of this server, nothing else"),
        ("keep" = Option<String>, Query, description = "With any value: 30 days instead of 30 minutes without use. Not through a team"),
    ),
    responses((status = 303, description = "To the issuer or, where that cannot be, to the sign-in page"))
)]
pub(crate) async fn start(
    State(app): State<App>,
    Extension(issuers): Extension<Issuers>,
    Path(provider): Path<String>,
    Query(asked): Query<Start>,
) -> Result<Response, Problem> {
    let Ok(provider) = provider.parse::<Provider>() else { return Ok(lost(&Lost::Unknown, Vec::new())) };
    let Some(relation) = relation(&app, provider).await? else { return Ok(lost(&Lost::Unknown, Vec::new())) };
    let once = Once { state: app.tokens.random()?, nonce: app.tokens.random()?, verifier: app.tokens.random()? };
    let address = match issuers.address(&app, &relation, &once).await {
        Ok(address) => address,
        Err(failed) => return Ok(lost(&failed.into(), Vec::new())),
    };
    let flow = Flow {
        provider,
        issuer: relation.issuer,
        state: once.state,
        nonce: once.nonce,
        verifier: once.verifier,
        then: sso::own_path(asked.return_to.as_deref()).unwrap_or("/").to_owned(),
        // Whoever is no longer let in there is to be out here soon, too.
        keep: asked.keep.is_some() && provider.team().is_none(),
    };
    let cookies = cookie(Some(app.keep_flow(&flow)?));
    Ok(go(&address, cookies))
}

#[derive(Deserialize)]
pub(crate) struct Back {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

/// Where somebody comes back to who signed in elsewhere.
#[utoipa::path(
    get, path = "/api/sso/{provider}/callback", tag = "Sessions and keys", security(()), params(("provider" = String, Path)),
    responses((status = 303, description = "Signed in, or to the page that asks what is left to ask, or to the sign-in page, which says what went wrong"))
)]
pub(crate) async fn callback(
    State(app): State<App>,
    Extension(issuers): Extension<Issuers>,
    Path(provider): Path<String>,
    Query(back): Query<Back>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let flow = app.kept_flow::<Flow>(&headers).filter(|flow| {
        let state = back.state.as_deref().unwrap_or_default();
        flow.provider.to_string() == provider && bool::from(flow.state.as_bytes().ct_eq(state.as_bytes()))
    });
    // Begun in another browser, or by nobody: the flow of this browser, if it has one, goes on.
    let Some(flow) = flow else { return Ok(lost(&Lost::Gone, Vec::new())) };
    match arrive(&app, &issuers, flow, back, &headers).await {
        Ok((then, mut cookies)) => {
            cookies.extend(cookie(app.end_flow()));
            Ok(go(&then, cookies))
        }
        Err(Arrival::Lost(why)) => Ok(lost(&why, cookie(app.end_flow()))),
        Err(Arrival::Problem(problem)) => Err(problem),
    }
}

enum Arrival {
    Lost(Lost),
    Problem(Problem),
}

impl<P: Into<Problem>> From<P> for Arrival {
    fn from(problem: P) -> Arrival {
        Arrival::Problem(problem.into())
    }
}

async fn arrive(app: &App, issuers: &Issuers, flow: Flow, back: Back, headers: &HeaderMap) -> Result<(String, Cookies), Arrival> {
    match app.once_more(rates::ARRIVALS, &app::address(headers).unwrap_or_default()).await {
        Err(Problem::TooMany(_)) => return Err(Arrival::Lost(Lost::TooOften)),
        counted => counted?,
    }
    // RFC 9207: an answer of another issuer than the one that was asked.
    if back.error.is_some() || back.iss.as_deref().is_some_and(|issuer| issuer != flow.issuer) {
        return Err(Arrival::Lost(Lost::Cancelled));
    }
    let code = back.code.filter(|code| !code.is_empty()).ok_or(Arrival::Lost(Lost::Gone))?;
    let relation = relation(app, flow.provider).await?.filter(|relation| relation.issuer == flow.issuer);
    let relation = relation.ok_or(Arrival::Lost(Lost::Gone))?;
    let once = Once { state: flow.state, nonce: flow.nonce, verifier: flow.verifier };
    let vouched = issuers.vouched(app, flow.provider, &relation, once, code).await.map_err(|failed| Arrival::Lost(failed.into()))?;
    let Ok(email) = Email::parse(&vouched.email) else { return Err(Arrival::Lost(Lost::NoAddress)) };
    if let Some((profile, identity)) = app.store.identified(&vouched).await? {
        app.store.note_identity(&identity, app.now()).await?;
        if profile.second_factor.is_none() {
            let place = Place { keep: flow.keep, device: None, through: flow.provider.team() };
            return Ok((flow.then, enter(app, &profile, place, headers).await?.cookies));
        }
        // Whoever asks for a second factor here is not to depend on who asks for one there.
        return wait(app, vouched, flow.then, flow.keep);
    }
    if let Some(profile) = app.store.profile_by_email(&email).await?
        && !profile.verified
    {
        // Whoever made it may be somebody else: its owner is the one who reads the letter.
        app.store.tell(None, Happened::SignedUpAgain { user: profile.id, team: None }, app.now()).await?;
        return Err(Arrival::Lost(Lost::Unconfirmed));
    }
    let vouched = Vouched { email: email.to_string(), ..vouched };
    wait(app, vouched, flow.then, flow.keep)
}

/// To the page that asks what is left to ask.
fn wait(app: &App, vouched: Vouched, then: String, keep: bool) -> Result<(String, Cookies), Arrival> {
    let waiting = app.keep_waiting(&sso::Waiting { vouched, then, keep })?;
    Ok(("/sso".to_owned(), cookie(Some(waiting))))
}

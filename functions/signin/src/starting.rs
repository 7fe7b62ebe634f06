//! A session begins: for whoever has shown all that an account asks for.

use app::{App, Json, Problem, Tokens, cookie};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use domain::ids::{TeamId, UserId};
use domain::limit;
use jiff::SignedDuration;
use serde_json::Value;
use store::sessions::Session;
use store::users::Profile;

use crate::sessions::tokens;

/// Of sign-ins to an account that is not older nobody is told: its maker is still setting up.
const NEW: SignedDuration = SignedDuration::from_hours(1);

/// Where a session begins, and for how long.
pub(crate) struct Place {
    /// 30 days instead of 30 minutes without use.
    pub(crate) keep: bool,
    /// What the client calls itself; without it, the browser's own words count.
    pub(crate) device: Option<String>,
    /// The team through whose single sign-on they come.
    pub(crate) through: Option<TeamId>,
}

/// What is given to whoever is in.
pub(crate) struct Entered {
    /// For a browser.
    pub(crate) cookies: Vec<(HeaderName, HeaderValue)>,
    /// For a program.
    pub(crate) tokens: Value,
}

/// A session that begins, with its secrets.
pub(crate) struct Begun {
    pub(crate) session: Session,
    pub(crate) refresh_secret: String,
    cookie_secret: String,
}

/// A new session for the owner of an account, that nobody has kept yet.
pub(crate) fn begin(app: &App, profile: &Profile, place: Place, headers: &HeaderMap) -> Result<Begun, Problem> {
    let (refresh_secret, cookie_secret) = (app.tokens.random()?, app.tokens.random()?);
    let session = Session {
        id: app.new_id().into(),
        user: profile.id,
        refresh_hash: Tokens::hash(&refresh_secret),
        rotation: 0,
        cookie_hash: Tokens::hash(&cookie_secret),
        created_at: app.now(),
        used_at: app.now(),
        keep: place.keep,
        device: device(place.device, headers),
        address: app::address(headers),
        through: place.through,
        kept_at: None,
    };
    Ok(Begun { session, refresh_secret, cookie_secret })
}

impl Begun {
    /// Keeps it. Its owner is told where it is the first from its place.
    pub(crate) async fn keep(&self, app: &App, profile: &Profile, headers: &HeaderMap) -> Result<(), Problem> {
        let anew = !seen_before(app, &self.session, headers).await?;
        let tell = anew && NEW < app.now().duration_since(profile.created_at);
        Ok(app.store.start_session(&self.session, profile.caller().actor(), tell).await?)
    }
}

/// Begins a session for the owner of an account; answers with tokens for programs, and a cookie for browsers.
pub(crate) async fn start(app: &App, profile: &Profile, place: Place, headers: &HeaderMap) -> Result<Response, Problem> {
    let entered = enter(app, profile, place, headers).await?;
    Ok((AppendHeaders(entered.cookies), Json(entered.tokens)).into_response())
}

/// Begins a session for the owner of an account, and keeps it. It is always a new one.
pub(crate) async fn enter(app: &App, profile: &Profile, place: Place, headers: &HeaderMap) -> Result<Entered, Problem> {
    let begun = begin(app, profile, place, headers)?;
    begun.keep(app, profile, headers).await?;
    let session = &begun.session;
    let known = cookie::set_known(&app.config, session.user, &app.known(session.user)?);
    let own = cookie::set(&app.config, session.user, &session.cookie(&begun.cookie_secret), session.cookie_seconds());
    let cookies = [own, known, cookie::choose(&app.config, session.user)];
    let cookies = cookies.into_iter().flatten().map(|cookie| (header::SET_COOKIE, cookie)).collect();
    Ok(Entered { cookies, tokens: tokens(app, session, &begun.refresh_secret)? })
}

fn device(given: Option<String>, headers: &HeaderMap) -> String {
    let browser = || headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let text = given.filter(|text| !text.trim().is_empty()).or_else(browser).unwrap_or_else(|| "unknown".to_owned());
    text.trim().chars().filter(|c| !c.is_control()).take(limit::NAME_CHARS).collect()
}

/// Whether this browser shows that somebody has signed in to this account with it before.
pub(crate) fn is_known(app: &App, user: UserId, headers: &HeaderMap) -> bool {
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

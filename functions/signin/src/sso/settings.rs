//! The single sign-on of a team, as its admins set it up.

use app::{App, By, FieldError, Json, Problem};
use axum::Extension;
use axum::extract::State;
use domain::Rejected;
use domain::access::{Caller, ManageSso};
use domain::limit;
use domain::sso::{Provider, TeamSso};
use serde::Deserialize;
use serde_json::{Value, json};
use store::Conflict;
use utoipa::ToSchema;

use super::issuer::Issuers;
use super::{callback, seal};
use crate::closing;

fn shown(app: &App, sso: &TeamSso) -> Value {
    json!({
        "issuer": sso.issuer,
        "client_id": sso.client_id,
        "required": sso.required,
        "api_keys": sso.api_keys,
        "changed_at": sso.changed_at,
        "start": format!("{}/api/sso/{}/start", app.config.pages_url, sso.team),
        "callback": callback(app, Provider::Team(sso.team)),
    })
}

/// The team's single sign-on, without its secret.
#[utoipa::path(
    get, path = "/api/teams/{team}/sso", tag = "Teams", params(("team" = u64, Path)),
    responses(
        (status = 200, description = "`sso`, without the secret; null where there is none; `callback` is what the issuer has to know in any case"),
        (status = 403, description = "The caller is not an admin. Admins may, however they signed in: a dead issuer locks nobody out"),
    )
)]
pub(crate) async fn look(State(app): State<App>, By(access): By<ManageSso>) -> Result<Json<Value>, Problem> {
    let sso = app.store.team_sso(access.thing).await?;
    let callback = callback(&app, Provider::Team(access.thing));
    Ok(Json(json!({"sso": sso.map(|sso| shown(&app, &sso)), "callback": callback})))
}

/// A team's single sign-on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The issuer, exactly as it calls itself.
    issuer: String,
    /// What it calls us.
    client_id: String,
    /// What we show it. Without one, the one that is there stays. It is kept sealed and never shown.
    client_secret: Option<String>,
    /// Whether the team takes only sign-ins through it.
    #[serde(default)]
    required: bool,
    /// Whether API keys of members open the team even then.
    #[serde(default = "yes")]
    api_keys: bool,
}

fn yes() -> bool {
    true
}

fn text(pointer: &str, typed: &str, errors: &mut Vec<FieldError>) -> String {
    let typed = typed.trim();
    if typed.is_empty() || limit::SSO_CHARS < typed.chars().count() || typed.chars().any(char::is_control) {
        errors.push(FieldError::at(pointer, Rejected::because(format!("this is needed, with at most {} characters", limit::SSO_CHARS))));
    }
    typed.to_owned()
}

/// An issuer as the standard has it: an address without query and fragment, that may be asked.
fn issuer(app: &App, typed: &str, errors: &mut Vec<FieldError>) -> String {
    let typed = typed.trim();
    let asked = match typed.parse() {
        Ok(url) => app.outbound.may_ask(&url).map_err(|why| why.to_string()),
        Err(_) => Err("this is no web address".to_owned()),
    };
    let whole = if typed.contains(['?', '#', '@']) { Err("an issuer has neither ? nor # nor @".to_owned()) } else { Ok(()) };
    if let Err(why) = asked.and(whole) {
        errors.push(FieldError::at("/issuer", Rejected::because(why)));
    }
    typed.to_owned()
}

/// Set the team's single sign-on up: an issuer of OpenID Connect.
#[utoipa::path(
    put, path = "/api/teams/{team}/sso", tag = "Teams", params(("team" = u64, Path)), request_body = Settings,
    responses(
        (status = 200, description = "`sso`; with `required`, whoever did not come through it is out of the team, and their WebSockets are closed"),
        (status = 403, description = "The caller is not an admin, or came with an API key"),
        (status = 409, description = "`sso_untried`: whoever makes it compulsory has signed in through it as it is set up now"),
        (status = 422, description = "Names each field that was not taken, such as an issuer that does not answer"),
    )
)]
pub(crate) async fn set(
    State(app): State<App>,
    By(access): By<ManageSso>,
    Extension(issuers): Extension<Issuers>,
    Json(body): Json<Settings>,
) -> Result<Json<Value>, Problem> {
    crate::sessions::own_session(&access.caller)?;
    let (team, now) = (access.thing, app.now());
    let seen = app.store.team_sso(team).await?;
    let mut errors = Vec::new();
    let (issuer, client_id) = (issuer(&app, &body.issuer, &mut errors), text("/client_id", &body.client_id, &mut errors));
    let secret = body.client_secret.as_deref().filter(|secret| !secret.trim().is_empty());
    let secret = secret.map(|secret| text("/client_secret", secret, &mut errors));
    let same = seen.as_ref().filter(|seen| seen.issuer == issuer && seen.client_id == client_id);
    if secret.is_none() && same.is_none() {
        errors.push(FieldError::at("/client_secret", Rejected::because("the secret that belongs to this issuer and client is needed")));
    }
    if errors.is_empty()
        && let Err(failed) = issuers.metadata(&app, &issuer, true).await
    {
        // What exactly we see there is for our log.
        tracing::info!("no issuer of team {team}: {failed:?}");
        errors.push(FieldError::at("/issuer", Rejected::because("this does not answer as an issuer, or calls itself something else")));
    }
    if !errors.is_empty() {
        return Err(Problem::Rejected(errors));
    }
    let (client_secret, changed_at) = match (secret, same) {
        (None, Some(same)) => (same.client_secret.clone(), same.changed_at),
        (secret, _) => (seal(&app, team, &secret.unwrap_or_default())?, now),
    };
    let (required, api_keys) = (body.required, body.api_keys);
    let sso = TeamSso { team, issuer, client_id, client_secret, required, api_keys, changed_at, set_at: now, set_by: access.caller.user };
    if required && !tried(&app, &access.caller, &sso).await? {
        return Err(Problem::Conflict(Conflict::SsoUntried, "/required"));
    }
    app.store.set_team_sso(&access, seen.as_ref(), &sso).await?;
    if required {
        closing::held_back(&app, &sso).await?;
    }
    Ok(Json(json!({"sso": shown(&app, &sso)})))
}

/// Whether somebody has signed in through it as it is set up now.
async fn tried(app: &App, caller: &Caller, sso: &TeamSso) -> Result<bool, Problem> {
    let profile = app.store.profile(caller.user).await?.ok_or(Problem::NotFound("user"))?;
    let identities = app.store.identities(&profile).await?;
    let here = |provider: Provider, issuer: &str| provider == Provider::Team(sso.team) && issuer == sso.issuer;
    Ok(identities.iter().any(|identity| here(identity.provider, &identity.issuer) && sso.changed_at <= identity.used_at))
}

/// Take the team's single sign-on away.
#[utoipa::path(
    delete, path = "/api/teams/{team}/sso", tag = "Teams", params(("team" = u64, Path)),
    responses(
        (status = 200, description = "The team has no single sign-on; its members sign in as everybody does"),
        (status = 404, description = "It has none"),
    )
)]
pub(crate) async fn remove(State(app): State<App>, By(access): By<ManageSso>) -> Result<Json<Value>, Problem> {
    crate::sessions::own_session(&access.caller)?;
    let seen = app.store.team_sso(access.thing).await?.ok_or(Problem::NotFound("single sign-on"))?;
    app.store.remove_team_sso(&access, &seen, app.now()).await?;
    Ok(Json(json!({"sso": null})))
}

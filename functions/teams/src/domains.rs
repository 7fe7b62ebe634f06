//! A team's mail domains: named, proven by a DNS record, and what follows from it.

use app::{App, By, Json, Path, Problem, Who};
use axum::extract::State;
use domain::access::ManageDomains;
use domain::ids::{TeamId, UserId};
use domain::limit;
use domain::mail_domain::{Discovery, DomainName, TeamDomain};
use domain::team::Team;
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Conflict, Error};
use utoipa::ToSchema;

fn shown(app: &App, domain: &TeamDomain) -> Result<Value, Problem> {
    Ok(json!({
        "domain": domain.name,
        "status": if domain.verified_at.is_some() { "verified" } else { "pending" },
        "record": {"type": "TXT", "name": domain.name.record(), "value": app.domain_proof(domain.team, &domain.name)?},
        "controls": domain.controls,
        "added_at": domain.added_at,
        "verified_at": domain.verified_at,
    }))
}

/// A domain that the address names. One that cannot be one is not the team's.
fn named(raw: &str) -> Result<DomainName, Problem> {
    DomainName::parse(raw).map_err(|_| Problem::NotFound("domain"))
}

/// The mail domains of a team.
#[utoipa::path(
    get, path = "/api/teams/{team}/domains", tag = "Teams", params(("team" = u64, Path)),
    responses((status = 200, description = "`domains`, each with the DNS record that proves it"))
)]
pub(crate) async fn list(State(app): State<App>, By(access): By<ManageDomains>) -> Result<Json<Value>, Problem> {
    let domains = app.store.domains(access.thing).await?;
    Ok(Json(json!({"domains": domains.iter().map(|domain| shown(&app, domain)).collect::<Result<Vec<_>, _>>()?})))
}

/// Which domain.
#[derive(Deserialize, ToSchema)]
#[schema(as = domains::New)]
#[serde(deny_unknown_fields)]
pub(crate) struct New {
    /// Such as `example.com`.
    domain: String,
}

/// Name a mail domain of a team: says which TXT record proves it.
#[utoipa::path(
    post, path = "/api/teams/{team}/domains", tag = "Teams", params(("team" = u64, Path)), request_body = New,
    responses(
        (status = 200, description = "Put `record` into the DNS, then verify: `domain`"),
        (status = 409, description = "`domain_added`: it is named already"),
        (status = 422, description = "This is no domain, or there are too many"),
    )
)]
pub(crate) async fn add(State(app): State<App>, By(access): By<ManageDomains>, Json(body): Json<New>) -> Result<Json<Value>, Problem> {
    let name = DomainName::parse(&body.domain).map_err(|rejected| Problem::field("/domain", rejected.0))?;
    if app.store.domains(access.thing).await?.len() >= limit::DOMAINS {
        return Err(Problem::field("/domain", format!("a team has at most {} domains", limit::DOMAINS)));
    }
    match app.store.add_domain(&access, name, app.now()).await {
        Ok(domain) => Ok(Json(json!({"domain": shown(&app, &domain)?}))),
        Err(Error::Conflict(conflict)) => Err(Problem::Conflict(conflict, "/domain")),
        Err(error) => Err(error.into()),
    }
}

/// Look for the record that proves a mail domain.
#[utoipa::path(
    post, path = "/api/teams/{team}/domains/{domain}/verify", tag = "Teams", params(("team" = u64, Path), ("domain" = String, Path)),
    responses(
        (status = 200, description = "It is proven, and was before where it was: `domain`"),
        (status = 404, description = "The team has not named it"),
        (status = 409, description = "`domain_unverified`: the record is not there (yet); `domain_taken`: another team has proven it"),
    )
)]
pub(crate) async fn verify(
    State(app): State<App>,
    By(access): By<ManageDomains>,
    Path((team, name)): Path<(TeamId, String)>,
) -> Result<Json<Value>, Problem> {
    let name = named(&name)?;
    let domain = app.store.team_domain(team, &name).await?.ok_or(Problem::NotFound("domain"))?;
    if domain.verified_at.is_none() {
        let texts = app.dns.texts(&name.record()).await.map_err(|why| {
            tracing::warn!(domain = %name, why, "the DNS did not answer");
            Problem::Conflict(Conflict::DomainUnverified, "")
        })?;
        if !texts.iter().any(|text| app.proves_domain(team, &name, text.trim())) {
            return Err(Problem::Conflict(Conflict::DomainUnverified, ""));
        }
    }
    let domain = app.store.verify_domain(&access, &name, app.now()).await?;
    Ok(Json(json!({"domain": shown(&app, &domain)?})))
}

/// What to change of a domain.
#[derive(Deserialize, ToSchema)]
#[schema(as = domains::Change)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// Whether the team controls the addresses of its members there. They are told, and then change theirs only when an
    /// admin lets them.
    controls: bool,
}

/// Choose what a mail domain is for.
#[utoipa::path(
    patch, path = "/api/teams/{team}/domains/{domain}", tag = "Teams", params(("team" = u64, Path), ("domain" = String, Path)),
    request_body = Change,
    responses((status = 200, description = "`domain`"), (status = 409, description = "`domain_unverified`"))
)]
pub(crate) async fn change(
    State(app): State<App>,
    By(access): By<ManageDomains>,
    Path((_, name)): Path<(TeamId, String)>,
    Json(body): Json<Change>,
) -> Result<Json<Value>, Problem> {
    let domain = app.store.control_domain(&access, &named(&name)?, body.controls, app.now()).await?;
    Ok(Json(json!({"domain": shown(&app, &domain)?})))
}

/// Take a mail domain away.
#[utoipa::path(
    delete, path = "/api/teams/{team}/domains/{domain}", tag = "Teams", params(("team" = u64, Path), ("domain" = String, Path)),
    responses((status = 200, description = "It is not the team's any more"), (status = 404, description = "It was not"))
)]
pub(crate) async fn remove(
    State(app): State<App>,
    By(access): By<ManageDomains>,
    Path((_, name)): Path<(TeamId, String)>,
) -> Result<Json<Value>, Problem> {
    let name = named(&name)?;
    app.store.remove_domain(&access, &name, app.now()).await?;
    Ok(Json(json!({"domain": {"domain": name}})))
}

/// Let a member with a controlled address change it.
#[utoipa::path(
    post, path = "/api/teams/{team}/members/{user}/let-go", tag = "Teams", params(("team" = u64, Path), ("user" = u64, Path)),
    responses(
        (status = 200, description = "The member may change the address that the team controls, within a week: `until`"),
        (status = 404, description = "Not a member"),
    )
)]
pub(crate) async fn let_go(
    State(app): State<App>,
    By(access): By<ManageDomains>,
    Path((_, user)): Path<(TeamId, UserId)>,
) -> Result<Json<Value>, Problem> {
    let until = app.store.let_go(&access, user, app.now()).await?;
    Ok(Json(json!({"until": until})))
}

fn found(team: &Team) -> Value {
    json!({
        "id": team.id,
        "name": team.name,
        "handle": team.handle,
        "description": team.description,
        "role": team.joining.role,
        "how": team.joining.discovery,
    })
}

/// Teams that take people of the caller's mail domain.
#[utoipa::path(
    get, path = "/api/teams/discover", tag = "Teams",
    responses((status = 200, description = "`teams` that the caller finds by their confirmed address and is not in: `how` is `join` or `ask`"))
)]
pub(crate) async fn discover(State(app): State<App>, Who(caller): Who) -> Result<Json<Value>, Problem> {
    let profile = app.store.profile(caller.user).await?.ok_or(Problem::NotFound("user"))?;
    let team = app.store.discovered(&profile).await?;
    Ok(Json(json!({"teams": team.iter().map(found).collect::<Vec<_>>()})))
}

/// What to tell the admins.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Joining {
    /// Where one asks: why, at most 500 characters.
    #[serde(default)]
    note: String,
}

/// Join a team that takes people of the caller's mail domain.
#[utoipa::path(
    post, path = "/api/teams/{team}/join", tag = "Teams", params(("team" = u64, Path)), request_body = Joining,
    responses(
        (status = 200, description = "`status`: `joined`, or `asked` where the team decides; then an invitation comes by mail"),
        (status = 404, description = "There is no such team that the caller finds"),
        (status = 409, description = "`no_free_seat`, `already_asked`, `already_invited`"),
    )
)]
pub(crate) async fn join(
    State(app): State<App>,
    Who(caller): Who,
    Path(team): Path<TeamId>,
    Json(body): Json<Joining>,
) -> Result<Json<Value>, Problem> {
    app::writes(&caller)?;
    if body.note.chars().count() > limit::NOTE_CHARS {
        return Err(Problem::field("/note", format!("a note has at most {} characters", limit::NOTE_CHARS)));
    }
    let profile = app.store.profile(caller.user).await?.ok_or(Problem::NotFound("user"))?;
    if profile.teams.contains_key(&team) {
        return Ok(Json(json!({"status": "joined"})));
    }
    let found = app.store.discovered(&profile).await?.filter(|found| found.id == team).ok_or(Problem::NotFound("team"))?;
    if found.joining.discovery == Discovery::Ask {
        app.store.ask_to_join(&caller, &profile, &found, body.note.trim().to_owned(), app.now()).await?;
        return Ok(Json(json!({"status": "asked"})));
    }
    match app.store.join_found(&caller, &profile, &found, app.now()).await {
        Ok(()) | Err(Error::Conflict(Conflict::AlreadyMember)) => Ok(Json(json!({"status": "joined"}))),
        Err(error) => Err(error.into()),
    }
}

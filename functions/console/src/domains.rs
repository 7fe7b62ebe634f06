//! A team's mail domains, and the teams that somebody finds by their address.

use app::App;
use axum::extract::State;
use axum::response::Response;
use domain::access::{Caller, ManageDomains};
use domain::mail_domain::Discovery;

use crate::answer::{Lost, On, page};
use crate::views;
use crate::{frame, teams};

/// The domains of a team.
#[utoipa::path(get, path = "/teams/{team}/domains", params(("team" = String, Path)), responses((status = 200), (status = 303), (status = 404)))]
pub async fn domains(State(app): State<App>, On(app::By(by)): On<app::By<ManageDomains>>) -> Result<Response, Lost> {
    let id = by.thing;
    let found = async { app.store.domains(id).await.map_err(Lost::from) };
    let about = async { app.store.team(id).await.map_err(Lost::from) };
    let (frame, found, about) = tokio::try_join!(frame(&app, &by.caller, Some(id), "team"), found, about)?;
    let (team, about) = frame.team.clone().zip(about).ok_or_else(Lost::nothing)?;
    let mut domains = Vec::with_capacity(found.len());
    for domain in found {
        domains.push(views::Domain {
            verified: domain.verified_at.is_some(),
            controls: domain.controls,
            record: domain.name.record(),
            value: app.domain_proof(id, &domain.name)?,
            name: domain.name.to_string(),
        });
    }
    let view = views::Domains {
        frame,
        team,
        domains,
        discovery: match about.joining.discovery {
            Discovery::Off => "off",
            Discovery::Ask => "ask",
            Discovery::Join => "join",
        },
        role: teams::role_word(about.joining.role),
        roles: vec!["viewer", "editor", "admin"],
    };
    page(&app, &view)
}

/// The team that somebody finds by their address.
pub(crate) async fn found(app: &App, caller: &Caller) -> Result<Option<views::Found>, Lost> {
    let Some(profile) = app.store.profile(caller.user).await? else { return Ok(None) };
    let team = app.store.discovered(&profile).await?;
    Ok(team.map(|team| views::Found { id: team.id.to_string(), name: team.name, joins: team.joining.discovery == Discovery::Join }))
}

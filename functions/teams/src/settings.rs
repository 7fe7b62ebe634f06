//! What a team is called, who runs it, and whether it is to stay.

use app::{App, By, FieldError, Json, Path, Problem};
use axum::extract::State;
use domain::access::{ManageMembers, ManageTeam, TeamRole};
use domain::ids::{TeamId, UserId};
use domain::team::{self, Handle};
use domain::{Rejected, limit};
use serde::Deserialize;
use serde_json::{Value, json};
use store::settings::Changes;
use store::{Conflict, Error};
use utoipa::ToSchema;

use crate::groups::Id;

/// What is to change. What is left out stays.
#[derive(Deserialize, ToSchema)]
#[schema(as = settings::Change)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// Its name.
    name: Option<String>,
    /// Its part of a URL. The old one is free from then on.
    #[serde(alias = "url")]
    handle: Option<String>,
    /// A sentence about it.
    description: Option<String>,
}

/// Change a team's name, address and settings.
#[utoipa::path(
    patch, path = "/api/teams/{team}", tag = "Teams", params(("team" = u64, Path)), request_body = Change,
    responses((status = 200, description = "`team`"), (status = 409, description = "`handle_taken`"))
)]
pub(crate) async fn change(State(app): State<App>, By(access): By<ManageTeam>, Json(body): Json<Change>) -> Result<Json<Value>, Problem> {
    let mut errors = Vec::new();
    let mut keep = |pointer: &str, rejected| errors.push(FieldError::at(pointer, rejected));
    let name = body.name.map(|name| team::name(&name)).transpose().map_err(|rejected| keep("/name", rejected)).ok().flatten();
    let handle = body.handle.map(|handle| Handle::parse(&handle)).transpose().map_err(|rejected| keep("/handle", rejected)).ok().flatten();
    if body.description.as_ref().is_some_and(|text| text.chars().count() > limit::DESCRIPTION_CHARS) {
        keep("/description", Rejected::because(format!("a description has at most {} characters", limit::DESCRIPTION_CHARS)));
    }
    if !errors.is_empty() {
        return Err(Problem::Rejected(errors));
    }
    let changes = Changes { name, handle, description: body.description };
    match app.store.change_team(&access, &changes, app.now()).await {
        Ok(_) => (),
        Err(Error::Conflict(Conflict::HandleTaken)) => return Err(Problem::Conflict(Conflict::HandleTaken, "/handle")),
        Err(error) => return Err(error.into()),
    }
    let (team, seats) = app.store.teams(&[access.thing]).await?.pop().ok_or(Problem::NotFound("team"))?;
    Ok(Json(json!({"team": app::show::team(&team, seats)})))
}

/// Delete a team: it can be brought back for a while.
#[utoipa::path(
    delete, path = "/api/teams/{team}", tag = "Teams", params(("team" = u64, Path)),
    responses((status = 200, description = "`team` with `deleteAt`: in 15 days everything of it is deleted, unless an admin keeps it"))
)]
pub(crate) async fn delete(State(app): State<App>, By(access): By<ManageTeam>) -> Result<Json<Value>, Problem> {
    let due = app.store.doom_team(&access, app.now()).await?;
    Ok(Json(json!({"team": {"id": access.thing, "deleteAt": due}})))
}

/// Bring a deleted team back.
#[utoipa::path(
    post, path = "/api/teams/{team}/restore", tag = "Teams", params(("team" = u64, Path)),
    responses((status = 200, description = "The team stays"), (status = 409, description = "`team_stays`: it was not to be deleted"))
)]
pub(crate) async fn restore(State(app): State<App>, By(access): By<ManageTeam>) -> Result<Json<Value>, Problem> {
    app.store.keep_team(&access, app.now()).await?;
    Ok(Json(json!({"team": {"id": access.thing, "deleteAt": null}})))
}

/// To whom.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Heir {
    /// A member.
    user: Id,
}

/// Hand a team over: the other becomes admin, and looks after seats and payment if the caller did; the caller becomes
/// editor. In two steps, each of which leaves the team with an admin.
#[utoipa::path(
    post, path = "/api/teams/{team}/transfer", tag = "Teams", params(("team" = u64, Path)), request_body = Heir,
    responses((status = 200, description = "`team`: it has another admin now"), (status = 422, description = "This person is not in the team, or is the caller"))
)]
pub(crate) async fn transfer(
    State(app): State<App>,
    By(access): By<ManageMembers>,
    Path(team): Path<TeamId>,
    Json(heir): Json<Heir>,
) -> Result<Json<Value>, Problem> {
    let heir: UserId = heir.user.user().ok_or_else(|| Problem::field("/user", "this is the id of a user"))?;
    let me = access.caller.user;
    let bills = access.caller.teams.get(&team).is_some_and(|member| member.billing);
    if heir == me {
        return Err(Problem::field("/user", "this is you: name another member"));
    }
    match app.store.change_member(&access, heir, Some(TeamRole::Admin), bills.then_some(true), app.now()).await {
        Ok(_) => (),
        Err(Error::Conflict(Conflict::NotMember)) => return Err(Problem::field("/user", "this person is not in the team")),
        Err(error) => return Err(error.into()),
    }
    app.store.change_member(&access, me, Some(TeamRole::Editor), bills.then_some(false), app.now()).await?;
    app.store.drop_unseen(me, team).await?;
    Ok(Json(json!({"team": {"id": team, "admin": heir}})))
}

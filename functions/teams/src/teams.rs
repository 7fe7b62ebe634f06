//! The teams themselves.

use app::{App, By, Json, Problem, Typed, Who, Wrong};
use axum::extract::State;
use domain::access::{ManageMembers, ReadTeam};
use domain::ids::TeamId;
use domain::limit;
use domain::team::{self, Handle};
use serde::Deserialize;
use serde_json::{Value, json};
use store::teams::NewTeam;
use store::{Conflict, Error};
use utoipa::ToSchema;

/// Ids are drawn from the time and 12 random bits: two teams of one millisecond meet once in 4,096 times.
pub(crate) const DRAWS: usize = 5;

/// What a new team is to be.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = teams::New)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct New {
    /// Its name.
    name: String,
    /// Its part of a URL: 2 to 64 of `a-z 0-9 -`. Made from the name where it is not given.
    #[serde(alias = "url")]
    handle: Option<String>,
    /// A sentence about it.
    description: String,
}

/// A team's name, and its handle as typed or made from the name.
pub(crate) fn names(name: &str, handle: Option<&str>, wrong: &mut Wrong) -> (Option<String>, Option<Handle>) {
    let name = wrong.keep("/name", team::name(name));
    let handle = match (handle.filter(|handle| !handle.trim().is_empty()), &name) {
        (Some(typed), _) => wrong.keep("/handle", Handle::parse(typed)),
        (None, Some(name)) => wrong.keep("/handle", Handle::from_name(name)),
        (None, None) => None,
    };
    (name, handle)
}

/// The caller's teams, in the Postman API's shape.
#[utoipa::path(
    get, path = "/api/teams", tag = "Teams",
    responses((status = 200, description = "The caller's teams, in the Postman API's shape, with seats and workspace"))
)]
pub(crate) async fn list(State(app): State<App>, Who(caller): Who) -> Result<Json<Value>, Problem> {
    let ids: Vec<TeamId> = caller.teams.keys().copied().collect();
    let teams = app.store.teams(&ids).await?;
    let counts = futures::future::try_join_all(teams.iter().map(|(team, _)| app.store.members(team.id))).await?;
    let data: Vec<Value> = teams
        .iter()
        .zip(counts)
        .map(|((team, seats), members)| {
            let mut shown = app::show::team(team, *seats);
            shown["memberCount"] = json!(members.len());
            shown
        })
        .collect();
    Ok(Json(json!({"data": data, "metadata": {"nextCursor": null}})))
}

/// Make a team, with its library.
#[utoipa::path(
    post, path = "/api/teams", tag = "Teams", request_body = New,
    responses(
        (status = 200, description = "The team with one seat, taken by its maker, who is admin and looks after the seats: `team`"),
        (status = 409, description = "`handle_taken`"),
    )
)]
pub(crate) async fn make(State(app): State<App>, Who(caller): Who, Typed(body, mut wrong): Typed<New>) -> Result<Json<Value>, Problem> {
    app::writes(&caller)?;
    let (name, handle) = names(&body.name, body.handle.as_deref(), &mut wrong);
    if body.description.chars().count() > limit::DESCRIPTION_CHARS {
        wrong.note("/description", format!("a description has at most {} characters", limit::DESCRIPTION_CHARS));
    }
    let (name, handle) = wrong.with(name.zip(handle))?;
    let mut new =
        NewTeam { id: TeamId::new(app.now(), app.random()), name, handle, description: body.description, workspace: app.new_id().into() };
    let mut draws = 1;
    let (team, seats) = loop {
        match app.store.create_team(&caller, &new, app.now()).await {
            Ok(made) => break made,
            Err(Error::Conflict(Conflict::IdTaken)) if draws < DRAWS => new.id = TeamId::new(app.now(), app.random()),
            Err(Error::Conflict(Conflict::HandleTaken)) => return Err(Problem::Conflict(Conflict::HandleTaken, "/handle")),
            Err(error) => return Err(error.into()),
        }
        draws += 1;
    };
    Ok(Json(json!({"team": app::show::team(&team, seats)})))
}

/// A team, in the Postman API's shape.
#[utoipa::path(
    get, path = "/api/teams/{team}", tag = "Teams", params(("team" = u64, Path)),
    responses((status = 200, description = "`team`"), (status = 404, description = "No such team, or not a member"))
)]
pub(crate) async fn get(State(app): State<App>, By(access): By<ReadTeam>) -> Result<Json<Value>, Problem> {
    let (team, seats) = app.store.teams(&[access.thing]).await?.pop().ok_or(Problem::NotFound("team"))?;
    Ok(Json(json!({"team": app::show::team(&team, seats)})))
}

/// Whether a team is to ask for a second factor.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    /// Whether members without one stay outside.
    required: bool,
}

/// Ask all members for a second factor, or no longer.
#[utoipa::path(
    put, path = "/api/teams/{team}/second-factor", tag = "Teams", params(("team" = u64, Path)), request_body = Rule,
    responses(
        (status = 200, description = "`second_factor`; members without one are outside from now on, until they set one up"),
        (status = 403, description = "Not an admin, or `second_factor_required`: an admin without one cannot ask others for it"),
    )
)]
pub(crate) async fn require_second_factor(
    State(app): State<App>,
    By(access): By<ManageMembers>,
    Json(body): Json<Rule>,
) -> Result<Json<Value>, Problem> {
    if !access.caller.second_factor {
        return Err(Problem::SecondFactorRequired);
    }
    app.store.require_second_factor(&access, body.required, app.now()).await?;
    Ok(Json(json!({"second_factor": {"required": body.required}})))
}

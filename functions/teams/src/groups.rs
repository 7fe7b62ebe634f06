//! Groups of a team's members.

use std::collections::{BTreeMap, BTreeSet};

use app::{App, By, FieldError, Json, Path, Problem, Who};
use axum::extract::State;
use domain::access::{Access, ManageMembers, ReadTeam};
use domain::ids::{GroupId, TeamId, UserId};
use domain::team::{self, Group, Member};
use domain::{Rejected, limit};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Conflict, Error};
use utoipa::ToSchema;

/// Ids are drawn from the time and 12 random bits.
const DRAWS: usize = 5;

fn shown(group: &Group, members: &[Member]) -> Value {
    let inside: Vec<UserId> = members.iter().filter(|member| member.groups.contains(&group.id)).map(|member| member.user).collect();
    json!({
        "id": group.id,
        "teamId": group.team,
        "name": group.name,
        "summary": group.summary,
        "createdBy": group.created_by,
        "createdAt": group.created_at,
        "updatedAt": group.updated_at,
        "members": inside,
        "roles": ["user"],
        "managers": [group.created_by],
    })
}

async fn of(app: &App, team: TeamId) -> Result<Vec<Value>, Problem> {
    let (groups, members) = tokio::try_join!(app.store.groups(team), app.store.members(team))?;
    Ok(groups.iter().map(|group| shown(group, &members)).collect())
}

async fn one(app: &App, team: TeamId, group: GroupId) -> Result<Value, Problem> {
    let (found, members) = tokio::try_join!(app.store.group(team, group), app.store.members(team))?;
    Ok(shown(&found.ok_or(Problem::NotFound("group"))?, &members))
}

/// The groups of the caller's teams.
#[utoipa::path(get, path = "/api/groups", tag = "Groups", responses((status = 200, description = "`data`, in the Postman API's shape")))]
pub(crate) async fn all(State(app): State<App>, Who(caller): Who) -> Result<Json<Value>, Problem> {
    let found = futures::future::try_join_all(caller.teams.keys().map(|team| of(&app, *team))).await?;
    Ok(Json(json!({"data": found.concat()})))
}

/// A group of one of the caller's teams.
#[utoipa::path(get, path = "/api/groups/{group}", tag = "Groups", params(("group" = u64, Path)),
    responses((status = 200, description = "The group, in the Postman API's shape"), (status = 404, description = "No such group in the caller's teams")))]
pub(crate) async fn find(State(app): State<App>, Who(caller): Who, Path(group): Path<GroupId>) -> Result<Json<Value>, Problem> {
    for team in caller.teams.keys() {
        if app.store.group(*team, group).await?.is_some() {
            return Ok(Json(one(&app, *team, group).await?));
        }
    }
    Err(Problem::NotFound("group"))
}

/// The groups of a team.
#[utoipa::path(get, path = "/api/teams/{team}/groups", tag = "Groups", params(("team" = u64, Path)),
    responses((status = 200, description = "`groups`, each with its `members`")))]
pub(crate) async fn list(State(app): State<App>, By(access): By<ReadTeam>) -> Result<Json<Value>, Problem> {
    Ok(Json(json!({"groups": of(&app, access.thing).await?})))
}

/// What a new group is to be.
#[derive(Deserialize, ToSchema)]
#[schema(as = groups::New)]
#[serde(deny_unknown_fields)]
pub(crate) struct New {
    /// Its name.
    #[serde(default)]
    name: String,
    /// A sentence about it.
    #[serde(default)]
    summary: String,
}

fn summary(raw: &str) -> Result<String, Rejected> {
    let long = raw.chars().count() > limit::DESCRIPTION_CHARS;
    if long { Err(Rejected::because(format!("a summary has at most {} characters", limit::DESCRIPTION_CHARS))) } else { Ok(raw.to_owned()) }
}

/// Make a group with nobody in it.
#[utoipa::path(post, path = "/api/teams/{team}/groups", tag = "Groups", params(("team" = u64, Path)), request_body = New,
    responses((status = 200, description = "`group`"), (status = 409, description = "`too_many_groups`")))]
pub(crate) async fn make(State(app): State<App>, By(access): By<ManageMembers>, Json(new): Json<New>) -> Result<Json<Value>, Problem> {
    let mut errors = Vec::new();
    let name = team::name(&new.name).map_err(|rejected| errors.push(FieldError::at("/name", rejected)));
    let summary = summary(&new.summary).map_err(|rejected| errors.push(FieldError::at("/summary", rejected)));
    let (Ok(name), Ok(summary)) = (name, summary) else { return Err(Problem::Rejected(errors)) };
    let now = app.now();
    let draw = || GroupId::new(now, app.random());
    let mut group =
        Group { id: draw(), team: access.thing, name, summary, created_by: access.caller.user, created_at: now, updated_at: now };
    let mut draws = 1;
    loop {
        match app.store.create_group(&access, &group, now).await {
            Ok(()) => return Ok(Json(json!({"group": shown(&group, &[])}))),
            Err(Error::Conflict(Conflict::IdTaken)) if draws < DRAWS => group.id = draw(),
            Err(error) => return Err(error.into()),
        }
        draws += 1;
    }
}

/// A user's id, as a number or as a text.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Id {
    Number(u64),
    Text(String),
}

impl Id {
    pub(crate) fn user(&self) -> Option<UserId> {
        match self {
            Id::Number(id) => Some(UserId(*id)),
            Id::Text(id) => id.parse().ok(),
        }
    }
}

/// What is to change. What is left out stays.
#[derive(Deserialize, ToSchema)]
#[schema(as = groups::Change)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// Its name.
    name: Option<String>,
    /// A sentence about it.
    summary: Option<String>,
    /// Members to put in.
    #[serde(default)]
    add: Vec<Id>,
    /// Members to take out.
    #[serde(default)]
    remove: Vec<Id>,
}

/// Change a group's name, summary or members. Each member is put in or taken out for itself; what somebody may do in
/// collections follows at once.
#[utoipa::path(patch, path = "/api/teams/{team}/groups/{group}", tag = "Groups", params(("team" = u64, Path), ("group" = u64, Path)), request_body = Change,
    responses((status = 200, description = "`group`"), (status = 404, description = "No such group in the team")))]
pub(crate) async fn change(
    State(app): State<App>,
    By(access): By<ManageMembers>,
    Path((_, id)): Path<(TeamId, GroupId)>,
    Json(change): Json<Change>,
) -> Result<Json<Value>, Problem> {
    let group = app.store.group(access.thing, id).await?.ok_or(Problem::NotFound("group"))?;
    let mut errors = Vec::new();
    let name = change.name.map(|name| team::name(&name)).transpose().map_err(|rejected| errors.push(FieldError::at("/name", rejected)));
    let summary =
        change.summary.map(|text| summary(&text)).transpose().map_err(|rejected| errors.push(FieldError::at("/summary", rejected)));
    if change.add.len() + change.remove.len() > limit::GROUP_CHANGES {
        errors.push(FieldError::at(
            "/add",
            Rejected::because(format!("at most {} members are put in or taken out at once", limit::GROUP_CHANGES)),
        ));
    }
    let mut wanted: BTreeMap<UserId, bool> = BTreeMap::new();
    let mut places = Vec::new();
    for (field, ids, inside) in [("add", &change.add, true), ("remove", &change.remove, false)] {
        for (at, id) in ids.iter().enumerate() {
            match id.user() {
                Some(user) if wanted.insert(user, inside).is_none() => places.push((user, format!("/{field}/{at}"))),
                Some(_) => errors.push(FieldError::at(format!("/{field}/{at}"), Rejected::because("this person is here twice"))),
                None => errors.push(FieldError::at(format!("/{field}/{at}"), Rejected::because("this is the id of a user"))),
            }
        }
    }
    let members = app.store.members_among(access.thing, &wanted.keys().copied().collect::<Vec<_>>()).await?;
    for (user, pointer) in places.into_iter().filter(|(user, _)| !members.contains(user)) {
        errors.push(FieldError::at(pointer, Rejected::because(format!("{user} is not in the team"))));
    }
    let (Ok(name), Ok(summary), true) = (name, summary, errors.is_empty()) else { return Err(Problem::Rejected(errors)) };
    if name.is_some() || summary.is_some() {
        let group = Group { name: name.unwrap_or(group.name), summary: summary.unwrap_or(group.summary), ..group };
        app.store.rename_group(&access, &group, app.now()).await?;
    }
    set_members(&app, &access, id, &wanted).await?;
    Ok(Json(json!({"group": one(&app, access.thing, id).await?})))
}

async fn set_members(app: &App, access: &Access<ManageMembers>, group: GroupId, wanted: &BTreeMap<UserId, bool>) -> Result<(), Problem> {
    for (user, inside) in wanted {
        app.store.set_in_group(access, group, *user, *inside, app.now()).await?;
        // A group may be one that a collection is hidden from.
        app.store.drop_unseen(*user, access.thing).await?;
    }
    Ok(())
}

/// Delete a group. What was given to it is given to nobody any more, and what it followed nobody follows through it.
#[utoipa::path(delete, path = "/api/teams/{team}/groups/{group}", tag = "Groups", params(("team" = u64, Path), ("group" = u64, Path)),
    responses((status = 200, description = "`group`"), (status = 404, description = "No such group in the team")))]
pub(crate) async fn delete(
    State(app): State<App>,
    By(access): By<ManageMembers>,
    Path((_, group)): Path<(TeamId, GroupId)>,
) -> Result<Json<Value>, Problem> {
    app.store.delete_group(&access, group, app.now()).await?;
    app.store.end_group(access.thing, group).await?;
    let members = app.store.members(access.thing).await?;
    let inside: BTreeSet<UserId> = members.iter().filter(|member| member.groups.contains(&group)).map(|member| member.user).collect();
    set_members(&app, &access, group, &inside.into_iter().map(|user| (user, false)).collect()).await?;
    Ok(Json(json!({"group": {"id": group}})))
}

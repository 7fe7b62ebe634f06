//! Workspaces: a person's own, the library of each of their teams, and others that members of a team make.

use app::{App, By, Json, Open, Problem, Query, Typed, Who, Wrong};
use axum::extract::State;
use domain::access::{
    Access, Caller, CreateWorkspace, ManageTeam, ManageWorkspace, PublishWorkspace, ReadCollection, ReadWorkspace, TeamRole,
};
use domain::ids::{CollectionId, TeamId, UserId, WorkspaceId};
use domain::team::{self, Workspace};
use domain::workspace::{Room, Visibility, role_in_workspace};
use domain::{Rejected, limit};
use serde::Deserialize;
use serde_json::{Value, json};
use store::workspaces::WorkspaceChange;
use utoipa::ToSchema;

use crate::groups::Id;

const KINDS: &str = "this is \"private\", \"team\" or \"public\"";

/// The Postman API's two words: what it is, and who sees it.
fn kind(workspace: &Workspace) -> &'static str {
    if workspace.team.is_some() { "team" } else { "personal" }
}

/// What the caller is in it; `None`: an admin of the team who is not let in.
fn role(caller: &Caller, workspace: &Workspace) -> Option<TeamRole> {
    match workspace.team {
        None => Some(TeamRole::Admin),
        Some(team) => role_in_workspace(workspace, caller.user, caller.teams.get(&team)?),
    }
}

fn shown(caller: &Caller, workspace: &Workspace) -> Value {
    json!({
        "id": workspace.id,
        "name": workspace.name,
        "type": kind(workspace),
        "visibility": workspace.visibility(),
        "createdBy": workspace.owner.to_string(),
        "createdAt": workspace.created_at,
        "updatedAt": workspace.updated_at.unwrap_or(workspace.created_at),
        "about": workspace.about,
        "team": workspace.team,
        "role": role(caller, workspace),
    })
}

#[derive(Deserialize)]
pub(crate) struct Filter {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(rename = "createdBy")]
    created_by: Option<String>,
    #[serde(rename = "elementType")]
    element_type: Option<String>,
    #[serde(rename = "elementId")]
    element_id: Option<String>,
    cursor: Option<String>,
    limit: Option<usize>,
}

/// The one workspace that holds a collection, where the caller may read that.
async fn holding(app: &App, caller: &Caller, collection: &str) -> Result<Option<WorkspaceId>, Problem> {
    let Ok(collection) = CollectionId::parse(collection) else { return Ok(None) };
    match app.reach::<ReadCollection>(caller, &collection).await {
        Ok(access) => Ok(Some(access.thing.workspace)),
        Err(Problem::NotFound(_)) => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// The workspaces that the caller sees, in the Postman API's shape.
#[utoipa::path(
    get, path = "/api/workspaces", tag = "Workspaces",
    params(
        ("type" = Option<String>, Query, description = "Who sees it: `personal`, `private`, `team`, `public`"),
        ("createdBy" = Option<String>, Query, description = "Ids of users, with commas between"),
        ("elementType" = Option<String>, Query, description = "`collection`, with `elementId`: the workspace that holds it"),
        ("elementId" = Option<String>, Query), ("cursor" = Option<String>, Query), ("limit" = Option<usize>, Query)
    ),
    responses((status = 200, description = "`workspaces`, the caller's own first; with `limit` also `meta.nextCursor`. `role` is the caller's; null: an admin of the team knows that it is there"))
)]
pub(crate) async fn list(State(app): State<App>, Who(caller): Who, Query(filter): Query<Filter>) -> Result<Json<Value>, Problem> {
    if filter.kind.as_deref().is_some_and(|kind| !["personal", "private", "team", "public", "partner"].contains(&kind)) {
        return Err(Problem::Malformed("type must be one of personal/private/team/public/partner".to_owned()));
    }
    if filter.limit.is_some_and(|limit| limit == 0 || limit::PAGE < limit) {
        return Err(Problem::Malformed("the limit parameter must be 1 to 100".to_owned()));
    }
    let within = match (filter.element_type.as_deref(), filter.element_id.as_deref()) {
        (None, None) => None,
        (Some("collection"), Some(id)) => Some(holding(&app, &caller, id).await?),
        // There are none: no workspace holds it.
        (Some("specification"), Some(_)) => Some(None),
        (Some("collection" | "specification") | None, _) => {
            return Err(Problem::Malformed("elementType and elementId are given together".to_owned()));
        }
        (Some(_), _) => return Err(Problem::Malformed("elementType must be one of: collection, specification".to_owned())),
    };
    let makers: Option<Vec<UserId>> =
        filter.created_by.as_deref().map(|ids| ids.split(',').filter_map(|id| id.trim().parse().ok()).collect());
    let mut found = app.store.workspaces_known(&caller).await?;
    found.retain(|one| {
        filter.kind.as_deref().is_none_or(|kind| kind == one.visibility().as_str())
            && makers.as_ref().is_none_or(|makers| makers.contains(&one.owner))
            && within.as_ref().is_none_or(|within| within.as_ref() == Some(&one.id))
    });
    let Some(limit) = filter.limit else {
        return Ok(Json(json!({"workspaces": found.iter().map(|one| shown(&caller, one)).collect::<Vec<_>>()})));
    };
    // The cursor is the id of the last one that was shown; one that is gone begins anew.
    let from = filter.cursor.and_then(|last| found.iter().position(|one| one.id.as_str() == last)).map_or(0, |at| at + 1);
    let page: Vec<Value> = found.iter().skip(from).take(limit).map(|one| shown(&caller, one)).collect();
    let last = found.get((from + limit).saturating_sub(1)).filter(|_| from + limit < found.len());
    let mut answer = json!({"workspaces": page, "meta": {}});
    if let Some(last) = last {
        answer["meta"]["nextCursor"] = json!(last.id);
    }
    Ok(Json(answer))
}

/// A workspace, in the Postman API's shape.
#[utoipa::path(
    get, path = "/api/workspaces/{workspace}", tag = "Workspaces", params(("workspace" = String, Path)),
    responses((status = 200, description = "`workspace` with its collections"), (status = 404, description = "No such workspace, or not the caller's"))
)]
pub(crate) async fn get(State(app): State<App>, Open(access): Open<ReadWorkspace>) -> Result<Json<Value>, Problem> {
    let listed = app.store.listed(&access).await?;
    let collections =
        listed.iter().map(|listed| json!({"id": listed.collection, "name": listed.name, "uid": listed.collection.uid(listed.owner)}));
    let mut workspace = shown(&access.caller, &access.thing);
    workspace["description"] = json!(access.thing.description);
    workspace["updatedBy"] = json!(access.thing.updated_by.unwrap_or(access.thing.owner).to_string());
    workspace["collections"] = collections.collect();
    for none in ["environments", "mocks", "monitors", "apis", "specs"] {
        workspace[none] = json!([]);
    }
    Ok(Json(json!({"workspace": workspace})))
}

/// A workspace as it is sent, in the Postman API's envelope.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sent {
    #[serde(default)]
    workspace: Option<Fields>,
}

/// What is left out stays, or is empty.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Fields {
    /// Its name.
    name: Option<String>,
    /// `private`, `team` or `public`.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// A sentence about it.
    about: Option<String>,
    /// More about it.
    description: Option<String>,
    /// The team whose it is to be; not needed by who is in one team.
    #[serde(rename = "teamId")]
    team: Option<Id>,
    /// What came with the warning about a workspace that is to be public.
    confirm: Option<String>,
}

fn sent_fields(sent: Sent, wrong: &mut Wrong) -> Result<Fields, Problem> {
    if sent.workspace.is_none() {
        wrong.note("/workspace", "this is needed");
        std::mem::take(wrong).end()?;
    }
    Ok(sent.workspace.unwrap_or_default())
}

/// Texts and visibility, or what is wrong with them.
fn change(fields: &Fields, wrong: &mut Wrong) -> WorkspaceChange {
    let name = fields.name.as_deref().and_then(|name| wrong.keep("/workspace/name", team::name(name)));
    let mut text = |pointer: &str, text: &Option<String>, most: usize| {
        let text = text.as_deref()?.trim();
        let bad = text.chars().count() > most || text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
        let why = || Rejected::because(format!("this has at most {most} characters, none of them control characters"));
        wrong.keep(pointer, if bad { Err(why()) } else { Ok(text.to_owned()) })
    };
    let about = text("/workspace/about", &fields.about, limit::DESCRIPTION_CHARS);
    let description = text("/workspace/description", &fields.description, limit::WORKSPACE_CHARS);
    let visibility = match fields.kind.as_deref() {
        None => None,
        Some("private") => Some(Visibility::Private),
        Some("team") => Some(Visibility::Team),
        Some("public") => Some(Visibility::Public),
        Some("personal") => Some(Visibility::Personal),
        Some(_) => {
            wrong.note("/workspace/type", KINDS);
            None
        }
    };
    WorkspaceChange { name, about, description, visibility }
}

/// The team that is meant: the one that is named, or the only one.
fn team_of(caller: &Caller, named: Option<&Id>, wrong: &mut Wrong) -> Option<TeamId> {
    let pointer = "/workspace/teamId";
    if let Some(named) = named {
        let team = named.user().map(|id| TeamId(id.0)).filter(|team| caller.teams.contains_key(team));
        return wrong.keep(pointer, team.ok_or_else(|| Rejected::because("this is not one of your teams")));
    }
    let mut teams = caller.teams.keys();
    match (teams.next(), teams.next()) {
        (Some(team), None) => Some(*team),
        (Some(_), Some(_)) => wrong.keep(pointer, Err(Rejected::because("you are in several teams: say which"))),
        (None, _) => wrong.keep(pointer, Err(Rejected::because("a workspace is a team's: make a team first"))),
    }
}

/// Make a workspace of a team. Its maker is admin in it.
#[utoipa::path(
    post, path = "/api/workspaces", tag = "Workspaces", request_body = Sent,
    responses((status = 200, description = "`workspace`: `id`, `name`"), (status = 409, description = "`too_many_workspaces`"), (status = 422, description = "Each wrong field is named"))
)]
pub(crate) async fn make(State(app): State<App>, Who(caller): Who, Typed(sent, mut wrong): Typed<Sent>) -> Result<Json<Value>, Problem> {
    app::writes(&caller)?;
    let fields = sent_fields(sent, &mut wrong)?;
    let change = change(&fields, &mut wrong);
    if fields.name.is_none() {
        wrong.note("/workspace/name", "this is needed");
    }
    if fields.kind.is_none() {
        wrong.note("/workspace/type", KINDS);
    }
    if change.visibility == Some(Visibility::Personal) {
        wrong.note("/workspace/type", "everybody has one personal workspace, and it is there: make a private one in a team");
    }
    let team = team_of(&caller, fields.team.as_ref(), &mut wrong);
    let team = wrong.with(team)?;
    let access = Access::<CreateWorkspace>::check(caller, team, None)?;
    if change.visibility == Some(Visibility::Public) {
        Access::<ManageTeam>::check(access.caller.clone(), team, None)?;
    }
    let (now, me) = (app.now(), access.caller.user);
    let mut workspace = Workspace::new(app.new_id().into(), change.name.as_deref().unwrap_or_default(), Some(team), me, now);
    workspace.about = change.about.unwrap_or_default();
    workspace.description = change.description.unwrap_or_default();
    let visibility = change.visibility.unwrap_or(Visibility::Private);
    workspace.room = Some(Room { visibility, users: [(me, TeamRole::Admin)].into(), groups: [].into(), revision: 1 });
    app.store.create_workspace(&access, &workspace, now).await?;
    Ok(Json(json!({"workspace": {"id": workspace.id, "name": workspace.name}})))
}

/// Whether a workspace is its team's library.
async fn is_library(app: &App, workspace: &Workspace) -> Result<bool, Problem> {
    let Some(team) = workspace.team else { return Ok(false) };
    Ok(app.store.team(team).await?.is_some_and(|team| team.workspace == workspace.id))
}

/// To let anybody read takes an admin of the team, who has seen what looks like a secret.
async fn publishes(app: &App, access: &Access<ManageWorkspace>, confirm: Option<&str>) -> Result<(), Problem> {
    access.also::<PublishWorkspace>().ok_or(Problem::Forbidden("the role admin in the team"))?;
    let reads = access.also::<ReadWorkspace>().ok_or(Problem::NotFound("workspace"))?;
    let listed: Vec<CollectionId> = app.store.listed(&reads).await?.into_iter().map(|one| one.collection).collect();
    let heads = app.store.heads(&listed).await?;
    app.warn(access.thing.id.as_str(), &heads, confirm).await
}

/// Change a workspace's name, texts, or who sees it; what is left out stays.
#[utoipa::path(
    put, path = "/api/workspaces/{workspace}", tag = "Workspaces", params(("workspace" = String, Path)), request_body = Sent,
    responses((status = 200, description = "`workspace`: `id`, `name`. Who sees it no longer hears nothing more of it"), (status = 409, description = "`confirm_public`: anybody could read it from then on. `findings` (`collection`, `element`, `pointer`, `kind`, `masked`) look like secrets, `total` of them; `left` collections were not looked at. Sent again with this `confirm`, it is done"), (status = 422, description = "Each wrong field is named"))
)]
pub(crate) async fn update(
    State(app): State<App>,
    By(access): By<ManageWorkspace>,
    Typed(sent, mut wrong): Typed<Sent>,
) -> Result<Json<Value>, Problem> {
    let fields = sent_fields(sent, &mut wrong)?;
    let mut change = change(&fields, &mut wrong);
    if fields.team.is_some() {
        wrong.note("/workspace/teamId", "a workspace stays its team's");
    }
    let was = access.thing.visibility();
    change.visibility = change.visibility.filter(|visibility| *visibility != was);
    if let Some(visibility) = change.visibility {
        if was == Visibility::Personal {
            wrong.note("/workspace/type", "a personal workspace stays personal: move its collections into another");
        } else if visibility == Visibility::Personal {
            wrong.note("/workspace/type", "what is a team's does not become personal");
        } else if is_library(&app, &access.thing).await? {
            wrong.note("/workspace/type", "the library is for everyone in the team");
        }
    }
    wrong.end()?;
    if change.visibility == Some(Visibility::Public) {
        publishes(&app, &access, fields.confirm.as_deref()).await?;
    }
    let workspace = app.store.change_workspace(&access, &change, app.now()).await?;
    Ok(Json(json!({"workspace": {"id": workspace.id, "name": workspace.name}})))
}

/// Delete a workspace with everything in it.
#[utoipa::path(
    delete, path = "/api/workspaces/{workspace}", tag = "Workspaces", params(("workspace" = String, Path)),
    responses((status = 200, description = "`workspace`: `id`"), (status = 409, description = "`not_yours`: it holds a collection that the caller may not delete"))
)]
pub(crate) async fn delete(State(app): State<App>, By(access): By<ManageWorkspace>) -> Result<Json<Value>, Problem> {
    let workspace = &access.thing;
    if workspace.team.is_none() || is_library(&app, workspace).await? {
        return Err(Problem::Malformed("a personal workspace and a team's library stay as long as their owner".to_owned()));
    }
    app.store.delete_workspace(&access, app.now()).await?;
    Ok(Json(json!({"workspace": {"id": workspace.id}})))
}

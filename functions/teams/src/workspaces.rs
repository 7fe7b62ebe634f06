//! Workspaces: a person's own, and the library of each of their teams.

use app::{App, By, Json, Problem, Query, Who};
use axum::extract::State;
use domain::access::ReadWorkspace;
use domain::team::Workspace;
use serde::Deserialize;
use serde_json::{Value, json};

/// `team` and `personal` mean the same as a type and as a visibility: there are no other workspaces.
fn kind(workspace: &Workspace) -> &'static str {
    if workspace.team.is_some() { "team" } else { "personal" }
}

fn shown(workspace: &Workspace) -> Value {
    json!({
        "id": workspace.id,
        "name": workspace.name,
        "type": kind(workspace),
        "visibility": kind(workspace),
        "createdBy": workspace.owner.to_string(),
        "createdAt": workspace.created_at,
        "updatedAt": workspace.created_at,
        "about": "",
        "team": workspace.team,
    })
}

#[derive(Deserialize)]
pub(crate) struct Filter {
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[utoipa::path(
    get, path = "/api/workspaces", tag = "workspaces", params(("type" = Option<String>, Query, description = "`personal` or `team`")),
    responses((status = 200, description = "`workspaces`, the caller's own first"))
)]
pub(crate) async fn list(State(app): State<App>, Who(caller): Who, Query(filter): Query<Filter>) -> Result<Json<Value>, Problem> {
    let workspaces = app.store.workspaces(&caller).await?;
    let wanted = workspaces.iter().filter(|workspace| filter.kind.as_deref().is_none_or(|wanted| wanted == kind(workspace)));
    Ok(Json(json!({"workspaces": wanted.map(shown).collect::<Vec<_>>()})))
}

#[utoipa::path(
    get, path = "/api/workspaces/{workspace}", tag = "workspaces", params(("workspace" = String, Path)),
    responses((status = 200, description = "`workspace` with its collections"), (status = 404, description = "No such workspace, or not the caller's"))
)]
pub(crate) async fn get(State(app): State<App>, By(access): By<ReadWorkspace>) -> Result<Json<Value>, Problem> {
    let listed = app.store.listed(&access).await?;
    let collections =
        listed.iter().map(|listed| json!({"id": listed.collection, "name": listed.name, "uid": listed.collection.uid(listed.owner)}));
    let mut workspace = shown(&access.thing);
    workspace["description"] = json!("");
    workspace["updatedBy"] = json!(access.thing.owner.to_string());
    workspace["collections"] = collections.collect();
    for none in ["environments", "mocks", "monitors", "apis", "specs"] {
        workspace[none] = json!([]);
    }
    Ok(Json(json!({"workspace": workspace})))
}

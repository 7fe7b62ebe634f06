//! A team's workspaces, and the settings of one.

use app::{App, By};
use axum::extract::State;
use axum::response::Response;
use domain::access::{
    Access, Caller, CreateWorkspace, ManageTeam, ManageWorkspace, PublishWorkspace, ReadTeam, ReadWorkspace, SeeWorkspace, ShareWorkspace,
    TeamRole,
};
use domain::workspace::{Visibility, Workspace, role_in_workspace};
use serde::Deserialize;

use crate::answer::{Lost, On, page};
use crate::frame;
use crate::teams::role_word;
use crate::views::{Finding, GroupRole, PersonRole, RoomRow, Scan, WorkspaceSettings, Workspaces};

pub(crate) fn row(caller: &Caller, workspace: &Workspace) -> RoomRow {
    let member = workspace.team.and_then(|team| caller.teams.get(&team));
    let role = match member {
        Some(member) => role_in_workspace(workspace, caller.user, member),
        None => (workspace.team.is_none()).then_some(TeamRole::Admin),
    };
    let settings = if role.is_some() { "" } else { "/settings" };
    RoomRow {
        id: workspace.id.to_string(),
        href: format!("/workspaces/{}{settings}", workspace.id),
        name: workspace.name.clone(),
        about: workspace.about.clone(),
        visibility: workspace.visibility().as_str(),
        role: role.map(role_word),
    }
}

/// A team's workspaces.
#[utoipa::path(get, path = "/teams/{team}/workspaces", params(("team" = String, Path)), responses((status = 200), (status = 303), (status = 404)))]
pub async fn workspaces(State(app): State<App>, On(By(by)): On<By<ReadTeam>>) -> Result<Response, Lost> {
    let known = async { app.store.workspaces_known(&by.caller).await.map_err(Lost::from) };
    let (frame, known) = tokio::try_join!(frame(&app, &by.caller, Some(by.thing), "library"), known)?;
    let team = frame.team.clone().ok_or_else(Lost::nothing)?;
    let frame = frame.under(&team.name, format!("/teams/{}/library", team.id));
    let rooms = known.iter().filter(|one| one.team == Some(by.thing)).map(|one| row(&by.caller, one)).collect();
    let (may_make, may_publish) = (by.also::<CreateWorkspace>().is_some(), by.also::<ManageTeam>().is_some());
    page(&app, &Workspaces { frame, team, rooms, may_make, may_publish })
}

/// What the viewer is about to do.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct About {
    publish: Option<String>,
}

/// What looks like a secret in what would be public.
pub(crate) fn shown(scan: app::Scan) -> Scan {
    let findings = scan.findings.into_iter().map(|found| Finding {
        href: match found.element.as_str() == found.collection.as_str() {
            true => format!("/collections/{}", found.collection),
            false => format!("/collections/{}/items/{}", found.collection, found.element),
        },
        collection: found.name,
        element: found.element_name,
        pointer: found.finding.pointer,
        kind: found.finding.kind,
        masked: found.finding.masked,
    });
    Scan { findings: findings.collect(), total: scan.total, left: scan.left, confirm: scan.confirm }
}

/// The settings of a workspace: what it is called, and who is let in.
#[utoipa::path(get, path = "/workspaces/{workspace}/settings", params(("workspace" = String, Path), ("publish" = Option<String>, Query)), responses((status = 200), (status = 303), (status = 404)))]
pub async fn settings(
    State(app): State<App>,
    On(By(by)): On<By<SeeWorkspace>>,
    On(app::Query(about)): On<app::Query<About>>,
) -> Result<Response, Lost> {
    let workspace = &by.thing;
    let Some(team_id) = workspace.team else { return Err(Lost::nothing()) };
    let (members, groups, owner) = (
        async { app.store.members(team_id).await.map_err(Lost::from) },
        async { app.store.groups(team_id).await.map_err(Lost::from) },
        async { app.store.team(team_id).await.map_err(Lost::from) },
    );
    let (frame, members, groups, owner) = tokio::try_join!(frame(&app, &by.caller, Some(team_id), "library"), members, groups, owner)?;
    let team = frame.team.clone().ok_or_else(Lost::nothing)?;
    let mut frame = frame.under(&team.name, format!("/teams/{}/workspaces", team.id));
    let fixed = owner.is_some_and(|owner| owner.workspace == workspace.id);
    let room = workspace.room.as_ref();
    let mut people: Vec<PersonRole> = members
        .iter()
        .map(|member| PersonRole {
            id: member.user.to_string(),
            username: member.username.clone(),
            given: room.and_then(|room| room.users.get(&member.user)).copied().map(role_word),
        })
        .collect();
    people.sort_by_key(|person| (person.given.is_none(), person.username.to_lowercase()));
    let groups = groups.iter().map(|group| GroupRole {
        id: group.id.to_string(),
        name: group.name.clone(),
        members: members.iter().filter(|member| member.groups.contains(&group.id)).count(),
        role: room.and_then(|room| room.groups.get(&group.id)).copied().map(role_word),
        follows: None,
    });
    let may_publish = !fixed && by.also::<PublishWorkspace>().is_some() && by.also::<ManageWorkspace>().is_some();
    let is_public = workspace.visibility() == Visibility::Public;
    let scan = match by.also::<ReadWorkspace>().filter(|_| about.publish.is_some() && may_publish && !is_public) {
        Some(reads) => Some(scan(&app, &reads).await?),
        None => None,
    };
    let room = row(&by.caller, workspace);
    if room.role.is_some() {
        frame = frame.under(&room.name, &room.href);
    }
    let view = WorkspaceSettings {
        room,
        frame,
        team,
        description: workspace.description.clone(),
        fixed,
        people,
        groups: groups.collect(),
        may_manage: by.also::<ManageWorkspace>().is_some(),
        may_share: by.also::<ShareWorkspace>().is_some(),
        may_publish,
        scan,
        public: is_public.then(|| format!("/public/workspaces/{}", workspace.id)),
    };
    page(&app, &view)
}

async fn scan(app: &App, reads: &Access<ReadWorkspace>) -> Result<Scan, Lost> {
    let listed: Vec<_> = app.store.listed(reads).await?.into_iter().map(|one| one.collection).collect();
    let heads = app.store.heads(&listed).await?;
    Ok(shown(app.scan(reads.thing.id.as_str(), &heads).await?))
}

//! Who can see a collection.

use app::{App, By};
use axum::extract::State;
use axum::response::Response;
use domain::access::{Access, CollectionRole, CreateCollection, ManageAccess, ManageTeam, MoveCollection, ReadCollection, Why};
use domain::ids::GroupId;
use domain::team::Group;
use domain::workspace::{Visibility, Workspace};
use serde::Deserialize;
use store::access::Standing;

use crate::answer::{Lost, On, page};
use crate::frame_of;
use crate::views::{AccessPage, Asking, GroupRole, Moment, Seen};
use crate::workspaces;

/// The word for a role, as the API spells it.
pub(crate) fn role_word(role: CollectionRole) -> &'static str {
    match role {
        CollectionRole::None => "none",
        CollectionRole::Viewer => "viewer",
        CollectionRole::Editor => "editor",
        CollectionRole::Admin => "admin",
    }
}

fn name_of(groups: &[Group], group: GroupId) -> &str {
    groups.iter().find(|one| one.id == group).map_or("a group", |group| group.name.as_str())
}

/// Why somebody has their role, as a sentence without its full stop.
fn reason(standing: &Standing, groups: &[Group]) -> String {
    match standing.why {
        Why::Maker => "made it".to_owned(),
        Why::HiddenInPerson => "hidden from them in person".to_owned(),
        Why::HiddenFromGroup(group) => format!("hidden from the group {}", name_of(groups, group)),
        Why::TeamAdmin => "admin of the team".to_owned(),
        Why::InPerson => "given in person".to_owned(),
        Why::Group(group) => format!("given to the group {}", name_of(groups, group)),
        Why::Everyone if standing.role == CollectionRole::None => "hidden from everyone who is not named".to_owned(),
        Why::Everyone => "given to everyone in the team".to_owned(),
        Why::WorkspaceRole => "by their role in the workspace".to_owned(),
        Why::OutsideWorkspace => "not let into the workspace".to_owned(),
        Why::TeamRole => format!("{} in the team", crate::teams::role_word(standing.member.role)),
    }
}

/// What the viewer is about to do.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct About {
    into: Option<String>,
}

/// The workspaces that somebody may take a collection to.
async fn targets(app: &App, by: &Access<ReadCollection>) -> Result<Vec<Workspace>, Lost> {
    let head = &by.thing;
    let mut all = app.store.workspaces(&by.caller).await?;
    all.retain(|one| {
        let leaves = head.team.is_some() && one.team != head.team;
        let given_away = head.team.is_some_and(|team| Access::<ManageTeam>::check(by.caller.clone(), team, None).is_ok());
        one.id != head.workspace
            && (!leaves || (given_away && one.team.is_some()))
            && Access::<CreateCollection>::check(by.caller.clone(), one.clone(), None).is_ok()
    });
    Ok(all)
}

/// Who can see a collection, and why; for its admins, also who shall.
#[utoipa::path(get, path = "/collections/{collection}/access", params(("collection" = String, Path), ("into" = Option<String>, Query)), responses((status = 200), (status = 303), (status = 404)))]
pub async fn access(
    State(app): State<App>,
    On(By(by)): On<By<ReadCollection>>,
    On(app::Query(about)): On<app::Query<About>>,
) -> Result<Response, Lost> {
    let head = &by.thing;
    let manages = by.also::<ManageAccess>();
    let groups = async {
        match head.team {
            Some(team) => app.store.groups(team).await.map_err(Lost::from),
            None => Ok(Vec::new()),
        }
    };
    let asks = async {
        match &manages {
            Some(access) => app.store.asks(access, app.now()).await.map_err(Lost::from),
            None => Ok(Vec::new()),
        }
    };
    let standings = async { app.store.standings(head).await.map_err(Lost::from) };
    let following = async { app.store.groups_following(&head.collection).await.map_err(Lost::from) };
    let (frame, groups, asks, standings, following) =
        tokio::try_join!(frame_of(&app, &by.caller, head), groups, asks, standings, following)?;
    let moves = by.also::<MoveCollection>();
    let targets = match &moves {
        Some(_) => targets(&app, &by).await?,
        None => Vec::new(),
    };
    let into = targets.iter().find(|one| about.into.as_deref() == Some(one.id.as_str()) && one.visibility() == Visibility::Public);
    let scan = match into {
        Some(into) => {
            let found = app.scan(into.id.as_str(), std::slice::from_ref(head)).await?;
            Some((workspaces::row(&by.caller, into), workspaces::shown(found)))
        }
        None => None,
    };
    let mut members: Vec<Seen> = standings
        .iter()
        .map(|standing| Seen {
            id: standing.member.user.to_string(),
            username: standing.member.username.clone(),
            role: role_word(standing.role),
            why: reason(standing, &groups),
            given: standing.given.map(role_word),
            maker: standing.why == Why::Maker,
            is_me: standing.member.user == by.caller.user,
        })
        .collect();
    members.sort_by_key(|member| member.username.to_lowercase());
    let mine = members.iter().find(|member| member.is_me).map_or("admin", |member| member.role);
    let view = AccessPage {
        frame,
        id: head.collection.to_string(),
        name: head.name.clone(),
        everyone: head.everyone.map(role_word),
        groups: groups
            .iter()
            .map(|group| GroupRole {
                id: group.id.to_string(),
                name: group.name.clone(),
                members: standings.iter().filter(|one| one.member.groups.contains(&group.id)).count(),
                role: head.groups.get(&group.id).copied().map(role_word),
                follows: following.iter().find(|one| one.group == group.id).map(|one| one.mail.as_str()),
            })
            .collect(),
        mine,
        members,
        asks: asks
            .into_iter()
            .map(|ask| Asking {
                id: ask.user.to_string(),
                username: ask.username,
                role: role_word(ask.role),
                message: ask.message,
                expires: Moment(ask.expires_at),
            })
            .collect(),
        may_manage: manages.is_some(),
        from: moves.is_some().then(|| head.workspace.to_string()),
        rooms: targets.iter().map(|one| workspaces::row(&by.caller, one)).collect(),
        scan,
    };
    page(&app, &view)
}

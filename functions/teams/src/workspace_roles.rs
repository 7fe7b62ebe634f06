//! Who is let into a workspace, and collections that move between two.

use std::collections::{BTreeMap, HashSet};

use app::{App, By, FieldError, Json, Problem, Typed, Who};
use axum::extract::State;
use domain::Rejected;
use domain::access::{Access, CreateCollection, MoveCollection, ReadWorkspace, SeeWorkspace, ShareWorkspace, TeamRole};
use domain::happened::Grantee;
use domain::ids::{CollectionId, GroupId, UserId, WorkspaceId};
use domain::team::Workspace;
use domain::workspace::Visibility;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// As many as the Postman API takes in one call.
const AT_ONCE: usize = 50;

/// The Postman API's numbers of the roles.
const ROLES: [(TeamRole, &str, &str, &str); 3] = [
    (TeamRole::Admin, "3", "Admin", "Can manage people and all resources"),
    (TeamRole::Editor, "2", "Editor", "Can create and edit all resources"),
    (TeamRole::Viewer, "1", "Viewer", "Can view and collaborate on all resources"),
];

/// The roles that there are in workspaces.
#[utoipa::path(get, path = "/api/workspaces-roles", tag = "Workspaces",
    responses((status = 200, description = "`roles`: `user`, `usergroup`, `partner` (none), each a list of `id`, `displayName`, `description`")))]
pub(crate) async fn all(Who(_): Who) -> Json<Value> {
    let roles: Vec<Value> = ROLES.iter().map(|(_, id, name, text)| json!({"id": id, "displayName": name, "description": text})).collect();
    Json(json!({"roles": {"user": roles, "usergroup": roles, "partner": []}}))
}

fn shown(workspace: &Workspace) -> Value {
    let owner = BTreeMap::from([(workspace.owner, TeamRole::Admin)]);
    let (users, groups) = match (&workspace.room, workspace.team) {
        (Some(room), _) => (room.users.clone(), room.groups.clone()),
        (None, None) => (owner, BTreeMap::new()),
        (None, Some(_)) => (BTreeMap::new(), BTreeMap::new()),
    };
    let roles = ROLES.iter().rev().filter_map(|(role, id, name, _)| {
        let users: Vec<String> = users.iter().filter(|(_, has)| *has == role).map(|(user, _)| user.to_string()).collect();
        let groups: Vec<String> = groups.iter().filter(|(_, has)| *has == role).map(|(group, _)| group.to_string()).collect();
        let mut entry = json!({"id": id, "displayName": name});
        if !users.is_empty() {
            entry["user"] = json!(users);
        }
        if !groups.is_empty() {
            // The Postman API's text calls it one, its examples the other.
            entry["group"] = json!(groups);
            entry["usergroup"] = json!(groups);
        }
        (entry.as_object().map_or(0, serde_json::Map::len) > 2).then_some(entry)
    });
    json!({"roles": roles.collect::<Vec<_>>()})
}

/// The roles that were given in a workspace. In one that its team sees, everyone else has their role in the team.
#[utoipa::path(get, path = "/api/workspaces/{workspace}/roles", tag = "Workspaces", params(("workspace" = String, Path)),
    responses((status = 200, description = "`roles`: for each that somebody has `id`, `displayName`, `user`, `group`")))]
pub(crate) async fn get(By(access): By<SeeWorkspace>) -> Json<Value> {
    Json(shown(&access.thing))
}

/// What to change, as the Postman API says it.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = workspace_roles::Changes)]
#[serde(deny_unknown_fields)]
pub(crate) struct Changes {
    #[serde(default)]
    roles: Vec<Operation>,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = workspace_roles::Operation)]
#[serde(deny_unknown_fields)]
struct Operation {
    /// `add` or `remove`.
    op: String,
    /// `/user` or `/usergroup`.
    path: String,
    value: Vec<Entry>,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = workspace_roles::Entry)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// Of the person or group.
    id: String,
    /// `1` viewer, `2` editor, `3` admin.
    role: String,
}

/// One role that is to be given or taken, and where it stands in the body.
struct Wish {
    to: Grantee,
    role: Option<TeamRole>,
    pointer: String,
}

fn wishes(changes: Changes, wrong: &mut app::Wrong) -> Vec<Wish> {
    let mut wishes = Vec::new();
    for (at, operation) in changes.roles.into_iter().enumerate() {
        let adds = match operation.op.as_str() {
            "add" => true,
            "remove" => false,
            _ => {
                wrong.note(&format!("/roles/{at}/op"), "this is \"add\" or \"remove\"");
                continue;
            }
        };
        for (index, entry) in operation.value.into_iter().enumerate() {
            let here = format!("/roles/{at}/value/{index}");
            let role = ROLES.iter().find(|(_, id, ..)| *id == entry.role).map(|(role, ..)| *role);
            if role.is_none() {
                wrong.note(&format!("{here}/role"), "this is \"1\" (viewer), \"2\" (editor) or \"3\" (admin)");
            }
            let to = match operation.path.as_str() {
                "/user" => entry.id.parse().ok().map(Grantee::User),
                "/usergroup" | "/group" => entry.id.parse().ok().map(Grantee::Group),
                _ => {
                    wrong.note(&format!("/roles/{at}/path"), "this is \"/user\" or \"/usergroup\": there are no partners here");
                    break;
                }
            };
            match (to, role) {
                (None, _) => wrong.note(&format!("{here}/id"), "this is the id of a person or group, in digits"),
                (Some(to), Some(role)) => wishes.push(Wish { to, role: adds.then_some(role), pointer: format!("{here}/id") }),
                _ => (),
            }
        }
    }
    if wishes.len() > AT_ONCE {
        wrong.note("/roles", format!("at most {AT_ONCE} roles are given at once"));
    }
    wishes
}

async fn check(app: &App, workspace: &Workspace, wishes: &[Wish]) -> Result<(), Problem> {
    let Some(team) = workspace.team else {
        return Err(Problem::field("", "a personal workspace is its owner's alone"));
    };
    let users: Vec<UserId> = wishes.iter().filter_map(|wish| if let Grantee::User(user) = wish.to { Some(user) } else { None }).collect();
    let (members, groups) = tokio::try_join!(app.store.members_among(team, &users), app.store.groups(team))?;
    let known = |group: GroupId| groups.iter().any(|one| one.id == group);
    let mut seen = HashSet::new();
    let wrong = wishes.iter().filter_map(|wish| {
        let why = match wish.to {
            _ if !seen.insert(wish.to) => "this is here twice",
            // What was given to somebody who is gone can be taken back.
            Grantee::User(user) if wish.role.is_some() && !members.contains(&user) => "this person is not in the team",
            Grantee::Group(group) if wish.role.is_some() && !known(group) => "there is no such group in the team",
            _ => return None,
        };
        Some(FieldError::at(wish.pointer.clone(), Rejected::because(why)))
    });
    let wrong: Vec<FieldError> = wrong.collect();
    if wrong.is_empty() { Ok(()) } else { Err(Problem::Rejected(wrong)) }
}

/// Give roles in a workspace, or take them back; all or nothing. Who loses sight of it hears nothing more of what is in it
/// from the answer on. An admin of the team may, also of a private one that they are not in: that stands in the audit log.
#[utoipa::path(patch, path = "/api/workspaces/{workspace}/roles", tag = "Workspaces", params(("workspace" = String, Path)), request_body = Changes,
    responses((status = 200, description = "`roles`, as they are now"), (status = 409, description = "`last_admin`, `too_many_named`"), (status = 422, description = "Each wrong place is named; nothing was given")))]
pub(crate) async fn change(
    State(app): State<App>,
    By(access): By<ShareWorkspace>,
    Typed(changes, mut wrong): Typed<Changes>,
) -> Result<Json<Value>, Problem> {
    let wishes = wishes(changes, &mut wrong);
    if wishes.is_empty() {
        wrong.note("/roles", "this names at least one role");
    }
    wrong.end()?;
    check(&app, &access.thing, &wishes).await?;
    let given: BTreeMap<Grantee, Option<TeamRole>> = wishes.into_iter().map(|wish| (wish.to, wish.role)).collect();
    let workspace = app.store.give_workspace_roles(&access, &given, app.now()).await?;
    Ok(Json(shown(&workspace)))
}

/// One role.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = workspace_roles::One)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct One {
    /// `user:ID` or `group:ID`.
    to: String,
    /// `viewer`, `editor`, `admin`; none at all takes it back.
    role: Option<String>,
}

/// Give one role in a workspace, or take it back.
#[utoipa::path(put, path = "/api/workspaces/{workspace}/roles", tag = "Workspaces", params(("workspace" = String, Path)), request_body = One,
    responses((status = 200, description = "`roles`, as they are now"), (status = 409, description = "`last_admin`, `too_many_named`")))]
pub(crate) async fn change_one(
    State(app): State<App>,
    By(access): By<ShareWorkspace>,
    Typed(one, mut wrong): Typed<One>,
) -> Result<Json<Value>, Problem> {
    let role = match one.role.as_deref() {
        None => None,
        Some("viewer") => Some(TeamRole::Viewer),
        Some("editor") => Some(TeamRole::Editor),
        Some("admin") => Some(TeamRole::Admin),
        Some(_) => {
            wrong.note("/role", "a role is viewer, editor, admin, or null to take it back");
            None
        }
    };
    let to = match one.to.split_once(':') {
        Some(("user", id)) => id.parse().ok().map(Grantee::User),
        Some(("group", id)) => id.parse().ok().map(Grantee::Group),
        _ => None,
    };
    let to = wrong.keep("/to", to.ok_or_else(|| Rejected::because("this is \"user:ID\" or \"group:ID\"")));
    let to = wrong.with(to)?;
    check(&app, &access.thing, &[Wish { to, role, pointer: "/to".to_owned() }]).await?;
    let workspace = app.store.give_workspace_roles(&access, &BTreeMap::from([(to, role)]), app.now()).await?;
    Ok(Json(shown(&workspace)))
}

/// What goes where.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Transfer {
    /// Its id or uid.
    id: Option<String>,
    /// `collection`.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// The workspace that it goes to.
    to: Option<String>,
    /// What came with the warning about a collection that is to be public.
    confirm: Option<String>,
}

/// Take a collection from this workspace into another. Its id and history stay; who sees it, the other workspace says, from
/// the answer on.
#[utoipa::path(post, path = "/api/workspaces/{workspace}/element-transfers", tag = "Workspaces", params(("workspace" = String, Path)), request_body = Transfer,
    responses((status = 200, description = "`workspace.element-transfers`: `type`, `id`, `from`, `to`"), (status = 400, description = "From a team's workspace to a personal one"), (status = 403, description = "It takes the role admin in the collection, editor in the other workspace, and admin in the team that it leaves"), (status = 409, description = "`too_many_roles`; `confirm_public`: the other workspace is public. `findings` look like secrets; sent again with this `confirm`, it is done")))]
pub(crate) async fn transfer(
    State(app): State<App>,
    By(access): By<ReadWorkspace>,
    Typed(transfer, mut wrong): Typed<Transfer>,
) -> Result<Json<Value>, Problem> {
    match transfer.kind.as_deref() {
        Some("collection") => (),
        Some("environment" | "api" | "flow" | "mock" | "monitor") => wrong.note("/type", "there are collections only"),
        Some(_) => wrong.note("/type", "this is \"collection\""),
        None => wrong.note("/type", "this is needed"),
    }
    let id = transfer.id.as_deref().ok_or_else(|| Rejected::because("this is needed"));
    let id = wrong.keep("/id", id.and_then(CollectionId::parse));
    let to = transfer.to.as_deref().ok_or_else(|| Rejected::because("this is needed"));
    let to: Option<WorkspaceId> = wrong.keep("/to", to.and_then(str::parse));
    let (id, to) = wrong.with(id.zip(to))?;
    let caller = &access.caller;
    let collection = app.reach::<MoveCollection>(caller, &id).await?;
    let from = access.thing.id;
    if collection.thing.workspace != from && collection.thing.workspace != to {
        return Err(Problem::field("/id", "this collection is not in this workspace"));
    }
    let target = app.store.workspace(&to).await?.ok_or(Problem::NotFound("workspace"))?;
    let (left, entered) = (collection.thing.team, target.team);
    let into = Access::<CreateCollection>::check(caller.clone(), target, None)?;
    if let Some(team) = left.filter(|team| entered != Some(*team)) {
        if entered.is_none() {
            return Err(Problem::Malformed("Cannot move elements from team level workspace to personal".to_owned()));
        }
        // What is a team's is given away by its admins only.
        Access::<domain::access::ManageTeam>::check(caller.clone(), team, None)?;
    }
    if into.thing.visibility() == Visibility::Public && collection.thing.workspace != to {
        app.warn(to.as_str(), std::slice::from_ref(&collection.thing), transfer.confirm.as_deref()).await?;
    }
    app.store.move_collection(&collection, &into, app.now()).await?;
    Ok(Json(json!({"workspace": {"element-transfers": {"type": "collection", "id": transfer.id, "from": from, "to": to}}})))
}

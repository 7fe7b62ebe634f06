//! Who sees a collection: the roles given in it, why each member has theirs, and those who ask for one.

use std::collections::{BTreeMap, HashSet};

use app::{App, By, FieldError, Json, Path, Problem, Who};
use axum::extract::State;
use axum::http::StatusCode;
use domain::access::{CollectionRole, ManageAccess, ReadCollection, Why};
use domain::happened::Grantee;
use domain::ids::{CollectionId, GroupId, UserId};
use domain::{Rejected, limit};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use utoipa::ToSchema;

/// The Postman API's word, and `NONE` for hidden.
fn word(role: CollectionRole) -> &'static str {
    match role {
        CollectionRole::None => "NONE",
        CollectionRole::Viewer => "VIEWER",
        CollectionRole::Editor => "EDITOR",
        CollectionRole::Admin => "ADMIN",
    }
}

fn role(word: &str) -> Result<CollectionRole, Rejected> {
    match word.to_ascii_uppercase().as_str() {
        "NONE" => Ok(CollectionRole::None),
        "VIEWER" => Ok(CollectionRole::Viewer),
        "EDITOR" => Ok(CollectionRole::Editor),
        "ADMIN" => Ok(CollectionRole::Admin),
        _ => Err(Rejected::because("a role is VIEWER, EDITOR, ADMIN, NONE (hidden), or null to take it back")),
    }
}

/// The word for a reason.
fn reason(why: Why) -> &'static str {
    match why {
        Why::Maker => "maker",
        Why::HiddenInPerson => "hidden_in_person",
        Why::HiddenFromGroup(_) => "hidden_from_group",
        Why::TeamAdmin => "team_admin",
        Why::InPerson => "in_person",
        Why::Group(_) => "group",
        Why::Everyone => "everyone",
        Why::TeamRole => "team_role",
        Why::WorkspaceRole => "workspace_role",
        Why::OutsideWorkspace => "outside_workspace",
    }
}

/// The roles that are given in a collection.
#[utoipa::path(get, path = "/api/collections/{collection}/roles", tag = "Access", params(("collection" = String, Path)),
    responses((status = 200, description = "`user`, `group`, `team`, each a list of `id` and `role`; `NONE` is hidden. What is not there goes by the role in the team")))]
pub(crate) async fn roles(State(app): State<App>, By(access): By<ReadCollection>) -> Result<Json<Value>, Problem> {
    let given = app.store.given(&access).await?;
    let users = given.users.iter().map(|(id, role)| json!({"role": word(*role), "id": id}));
    let groups = given.groups.iter().map(|(id, role)| json!({"role": word(*role), "id": id}));
    let team = access.thing.team.zip(given.everyone).map(|(id, role)| json!({"role": word(role), "id": id}));
    Ok(Json(json!({"group": groups.collect::<Vec<_>>(), "team": team.into_iter().collect::<Vec<_>>(), "user": users.collect::<Vec<_>>()})))
}

/// What to change, as the Postman API says it.
#[derive(Deserialize, ToSchema)]
#[schema(as = access::Changes)]
#[serde(deny_unknown_fields)]
pub(crate) struct Changes {
    roles: Vec<Operation>,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = access::Operation)]
#[serde(deny_unknown_fields)]
struct Operation {
    /// `update`.
    op: String,
    /// `/user`, `/group` or `/team`.
    path: String,
    value: Vec<Entry>,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = access::Entry)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: u64,
    /// `VIEWER`, `EDITOR`, `ADMIN`, `NONE` (hidden); `null` takes it back.
    #[serde(deserialize_with = "given")]
    role: Option<String>,
}

/// Null has to be said: a role that is left out is a mistake.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(from)
}

/// One role that is to be given or taken, and where it stands in the body.
struct Wish {
    to: Grantee,
    role: Option<CollectionRole>,
    pointer: String,
}

fn wishes(access: &domain::access::Access<ManageAccess>, changes: Changes) -> Result<Vec<Wish>, Problem> {
    let mut errors = Vec::new();
    let mut wishes = Vec::new();
    for (at, operation) in changes.roles.into_iter().enumerate() {
        if operation.op != "update" {
            errors.push(FieldError::at(format!("/roles/{at}/op"), Rejected::because("this is \"update\"")));
        }
        for (index, entry) in operation.value.into_iter().enumerate() {
            let here = format!("/roles/{at}/value/{index}");
            let role = entry
                .role
                .map(|word| role(&word))
                .transpose()
                .map_err(|rejected| errors.push(FieldError::at(format!("{here}/role"), rejected)));
            let to = match operation.path.as_str() {
                "/user" => Grantee::User(UserId(entry.id)),
                "/group" => Grantee::Group(GroupId(entry.id)),
                "/team" if access.thing.team.is_some_and(|team| team.0 == entry.id) => Grantee::Everyone,
                "/team" => {
                    errors.push(FieldError::at(format!("{here}/id"), Rejected::because("this is not the collection's team")));
                    continue;
                }
                _ => {
                    errors
                        .push(FieldError::at(format!("/roles/{at}/path"), Rejected::because("this is \"/user\", \"/group\" or \"/team\"")));
                    break;
                }
            };
            if let Ok(role) = role {
                wishes.push(Wish { to, role, pointer: format!("{here}/id") });
            }
        }
    }
    if errors.is_empty() { Ok(wishes) } else { Err(Problem::Rejected(errors)) }
}

/// Gives the roles, and ends what those follow who lose sight of the collection.
async fn grant(app: &App, access: &domain::access::Access<ManageAccess>, wishes: Vec<Wish>) -> Result<(), Problem> {
    let head = &access.thing;
    let Some(team) = head.team else {
        return Err(Problem::field("", "a collection in a personal workspace is its owner's alone: move it to a team's to share it"));
    };
    if wishes.is_empty() || wishes.len() > limit::ROLES_AT_ONCE {
        return Err(Problem::field("/roles", format!("1 to {} roles are given at once", limit::ROLES_AT_ONCE)));
    }
    let users: Vec<UserId> = wishes.iter().filter_map(|wish| if let Grantee::User(user) = wish.to { Some(user) } else { None }).collect();
    let (members, groups) = tokio::try_join!(app.store.members_named(team, &users), app.store.groups(team))?;
    let let_in = |user: UserId| {
        let member = members.iter().find(|member| member.user == user);
        member.map(|member| head.room.as_ref().is_none_or(|room| room.role(user, &member.membership()).is_some()))
    };
    let mut errors = Vec::new();
    let mut seen = HashSet::new();
    for wish in &wishes {
        let wrong = match wish.to {
            _ if !seen.insert(wish.to) => "this is here twice",
            Grantee::User(user) if user == head.owner => "whoever made a collection is its admin, always",
            // What was given to somebody who is gone can be taken back.
            Grantee::User(user) if wish.role.is_some() && let_in(user).is_none() => "this person is not in the team",
            Grantee::User(user) if wish.role.is_some() && let_in(user) == Some(false) => {
                "this person is not let into the workspace: give them a role there first"
            }
            Grantee::Group(group) if wish.role.is_some() && !groups.iter().any(|one| one.id == group) => {
                "there is no such group in the team"
            }
            _ => continue,
        };
        errors.push(FieldError::at(wish.pointer.clone(), Rejected::because(wrong)));
    }
    if !errors.is_empty() {
        return Err(Problem::Rejected(errors));
    }
    let given: BTreeMap<Grantee, Option<CollectionRole>> = wishes.into_iter().map(|wish| (wish.to, wish.role)).collect();
    app.store.give_roles(access, &given, app.now()).await?;
    app.store.drop_unseeing(&head.collection, app.now()).await?;
    Ok(())
}

/// Give roles in a collection, or take them back; all or nothing. Who loses sight of it hears nothing more of it from
/// the answer on.
#[utoipa::path(patch, path = "/api/collections/{collection}/roles", tag = "Access", params(("collection" = String, Path)), request_body = Changes,
    responses((status = 204, description = "They hold for every request from now on"), (status = 422, description = "Each wrong place is named; nothing was given")))]
pub(crate) async fn change_roles(
    State(app): State<App>,
    By(access): By<ManageAccess>,
    Json(changes): Json<Changes>,
) -> Result<StatusCode, Problem> {
    let wishes = wishes(&access, changes)?;
    grant(&app, &access, wishes).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One role.
#[derive(Deserialize, ToSchema)]
#[schema(as = access::One)]
#[serde(deny_unknown_fields)]
pub(crate) struct One {
    /// `everyone`, `user:ID` or `group:ID`.
    to: String,
    /// `viewer`, `editor`, `admin`, `none` (hidden); none at all takes it back.
    role: Option<String>,
}

/// Give one role in a collection, or take it back.
#[utoipa::path(put, path = "/api/collections/{collection}/access", tag = "Access", params(("collection" = String, Path)), request_body = One,
    responses((status = 200, description = "`access`, as `GET` shows it")))]
pub(crate) async fn change_one(State(app): State<App>, By(access): By<ManageAccess>, Json(one): Json<One>) -> Result<Json<Value>, Problem> {
    let mut errors = Vec::new();
    let role = one.role.map(|word| role(&word)).transpose().map_err(|rejected| errors.push(FieldError::at("/role", rejected)));
    let to = match one.to.split_once(':') {
        None if one.to == "everyone" => Some(Grantee::Everyone),
        Some(("user", id)) => id.parse().ok().map(Grantee::User),
        Some(("group", id)) => id.parse().ok().map(Grantee::Group),
        _ => None,
    };
    if to.is_none() {
        errors.push(FieldError::at("/to", Rejected::because("this is \"everyone\", \"user:ID\" or \"group:ID\"")));
    }
    let (Some(to), Ok(role)) = (to, role) else { return Err(Problem::Rejected(errors)) };
    grant(&app, &access, vec![Wish { to, role, pointer: "/to".to_owned() }]).await?;
    let head = app.store.head(&access.thing.collection).await?.ok_or(Problem::NotFound("collection"))?;
    Ok(Json(json!({"access": shown(&app, &head).await?})))
}

async fn shown(app: &App, head: &domain::collection::Head) -> Result<Value, Problem> {
    let standings = app.store.standings(head).await?;
    let members: Vec<Value> = standings
        .iter()
        .map(|standing| {
            let group = match standing.why {
                Why::Group(group) | Why::HiddenFromGroup(group) => Some(group),
                _ => None,
            };
            json!({
                "user": {"id": standing.member.user, "username": standing.member.username},
                "team_role": standing.member.role,
                "given": standing.given,
                "role": standing.role,
                "why": reason(standing.why),
                "group": group,
            })
        })
        .collect();
    let groups: Vec<Value> = head.groups.iter().map(|(id, role)| json!({"id": id, "role": role})).collect();
    Ok(json!({"collection": head.collection, "team": head.team, "everyone": head.everyone, "groups": groups, "members": members}))
}

/// Who can see this: each member of the team, with what they may do in the collection and why.
#[utoipa::path(get, path = "/api/collections/{collection}/access", tag = "Access", params(("collection" = String, Path)),
    responses((status = 200, description = "`access`: `everyone`, `groups`, and `members` with `role` (`none`: hidden) and `why`: `maker`, `hidden_in_person`, `hidden_from_group`, `team_admin`, `in_person`, `group`, `everyone`, `team_role`, `workspace_role`, `outside_workspace`")))]
pub(crate) async fn who(State(app): State<App>, By(access): By<ReadCollection>) -> Result<Json<Value>, Problem> {
    Ok(Json(json!({"access": shown(&app, &access.thing).await?})))
}

/// What is asked for.
#[derive(Deserialize, ToSchema)]
#[schema(as = access::Wanted)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// `viewer`, `editor` or `admin`.
    role: String,
    /// A sentence for those who decide.
    #[serde(default)]
    message: String,
}

/// Ask for a role in a collection of one of one's teams. The answer is the same whether there is such a collection.
#[utoipa::path(post, path = "/api/collections/{collection}/access-requests", tag = "Access", params(("collection" = String, Path)), request_body = Wanted,
    responses((status = 202, description = "Those who can grant it are asked by mail, if there is such a collection and the caller may do less in it. It lapses after 15 days")))]
pub(crate) async fn ask(
    State(app): State<App>,
    Who(caller): Who,
    Path(collection): Path<String>,
    Json(wanted): Json<Wanted>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    app::writes(&caller)?;
    let mut errors = Vec::new();
    let role = role(&wanted.role).ok().filter(|role| *role != CollectionRole::None);
    if role.is_none() {
        errors.push(FieldError::at("/role", Rejected::because("ask for viewer, editor or admin")));
    }
    let message = wanted.message.trim();
    if message.chars().count() > limit::MESSAGE_CHARS || message.chars().any(|c| c.is_control() && c != '\n') {
        errors.push(FieldError::at(
            "/message",
            Rejected::because(format!("a message has at most {} characters, none of them control characters", limit::MESSAGE_CHARS)),
        ));
    }
    let (Some(role), true) = (role, errors.is_empty()) else { return Err(Problem::Rejected(errors)) };
    if let Ok(collection) = CollectionId::parse(&collection) {
        app.store.ask_access(&caller, &collection, role, message, app.now()).await?;
    }
    Ok((StatusCode::ACCEPTED, Json(json!({"status": "asked"}))))
}

/// Who waits for an answer.
#[utoipa::path(get, path = "/api/collections/{collection}/access-requests", tag = "Access", params(("collection" = String, Path)),
    responses((status = 200, description = "`data`: who asks for what, until when they can be answered")))]
pub(crate) async fn asks(State(app): State<App>, By(access): By<ManageAccess>) -> Result<Json<Value>, Problem> {
    let asks = app.store.asks(&access, app.now()).await?;
    let shown = asks.iter().map(|ask| {
        json!({
            "user": {"id": ask.user, "username": ask.username},
            "role": ask.role,
            "message": ask.message,
            "createdAt": ask.asked_at,
            "expiresAt": ask.expires_at,
        })
    });
    Ok(Json(json!({"data": shown.collect::<Vec<_>>()})))
}

/// An answer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decision {
    /// `approve` or `deny`.
    action: String,
    /// Another role than the one that was asked for.
    role: Option<String>,
}

/// Answer somebody who asks. They are told by mail.
#[utoipa::path(post, path = "/api/collections/{collection}/access-requests/{user}", tag = "Access",
    params(("collection" = String, Path), ("user" = u64, Path)), request_body = Decision,
    responses((status = 200, description = "`result`: `role`, `status`"), (status = 404, description = "Nobody asks, or not any more")))]
pub(crate) async fn answer(
    State(app): State<App>,
    By(access): By<ManageAccess>,
    Path((_, user)): Path<(String, UserId)>,
    Json(decision): Json<Decision>,
) -> Result<Json<Value>, Problem> {
    let mut errors = Vec::new();
    let approve = match decision.action.as_str() {
        "approve" => Some(true),
        "deny" => Some(false),
        _ => None,
    };
    if approve.is_none() {
        errors.push(FieldError::at("/action", Rejected::because("this is \"approve\" or \"deny\"")));
    }
    let role = decision.role.map(|word| role(&word)).transpose().map_err(|rejected| errors.push(FieldError::at("/role", rejected)));
    let (Some(approve), Ok(role)) = (approve, role) else { return Err(Problem::Rejected(errors)) };
    let ask = app.store.ask(&access.thing.collection, user, app.now()).await?.ok_or(Problem::NotFound("request"))?;
    let role = approve.then(|| role.unwrap_or(ask.role));
    app.store.answer_ask(&access, user, role, app.now()).await?;
    app.store.drop_unseeing(&access.thing.collection, app.now()).await?;
    let status = if approve { "Accepted" } else { "Denied" };
    Ok(Json(json!({"result": {"entityType": "user", "entityId": user, "role": role, "status": status}})))
}

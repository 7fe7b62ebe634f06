//! Who is in a team, and as what.

use std::collections::HashMap;

use app::{App, By, Json, Path, Problem, Who};
use axum::extract::State;
use domain::access::{Access, LeaveTeam, ManageDomains, ManageMembers, ReadTeam, TeamRole};
use domain::ids::{TeamId, UserId};
use domain::team::Member;
use serde::Deserialize;
use serde_json::{Value, json};
use store::teams::Removal;
use store::{Conflict, Error};
use utoipa::ToSchema;

fn shown(member: &Member) -> Value {
    json!({
        "user": {"id": member.user, "username": member.username},
        "role": member.role,
        "billing": member.billing,
        "joined_at": member.joined_at,
    })
}

/// The members of a team.
#[utoipa::path(
    get, path = "/api/teams/{team}/members", tag = "Teams", params(("team" = u64, Path)),
    responses((status = 200, description = "`members`; for admins with their addresses, in full only in the team's verified domains"))
)]
pub(crate) async fn list(State(app): State<App>, By(access): By<ReadTeam>) -> Result<Json<Value>, Problem> {
    let members = app.store.members(access.thing).await?;
    let mut addresses = match access.also::<ManageDomains>() {
        Some(admin) => app.store.addresses(&admin, &members).await?,
        None => HashMap::new(),
    };
    let shown = members.iter().map(|member| {
        let mut shown = shown(member);
        if let Some(address) = addresses.remove(&member.user) {
            shown["email"] = json!(address.shown);
            shown["controlled"] = json!(address.controlled);
        }
        shown
    });
    Ok(Json(json!({"members": shown.collect::<Vec<_>>()})))
}

/// What a member is to be. What is left out stays.
#[derive(Deserialize, ToSchema)]
#[schema(as = members::Change)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// `viewer`, `editor` or `admin`.
    #[schema(value_type = Option<String>)]
    role: Option<TeamRole>,
    /// Whether they look after seats and payment. Only somebody who does may choose this; where nobody does any more, an admin.
    billing: Option<bool>,
}

/// Change a member's role.
#[utoipa::path(
    patch, path = "/api/teams/{team}/members/{user}", tag = "Teams", params(("team" = u64, Path), ("user" = u64, Path)), request_body = Change,
    responses(
        (status = 200, description = "`member`; it holds for every request from now on"),
        (status = 409, description = "`last_admin`: a team keeps one"),
    )
)]
pub(crate) async fn change(
    State(app): State<App>,
    By(access): By<ManageMembers>,
    Path((_, user)): Path<(TeamId, UserId)>,
    Json(body): Json<Change>,
) -> Result<Json<Value>, Problem> {
    if body.role.is_none() && body.billing.is_none() {
        return Err(Problem::field("", "say what to change: role, billing"));
    }
    let may_bill = access.caller.teams.get(&access.thing).is_some_and(|membership| membership.billing);
    if body.billing.is_some() && !may_bill && !app.store.payers(access.thing, false).await?.is_empty() {
        return Err(Problem::Forbidden("the role billing in the team"));
    }
    match app.store.change_member(&access, user, body.role, body.billing, app.now()).await {
        Ok(member) => {
            // Another role in the team may be none in a collection.
            app.store.drop_unseen(user, access.thing).await?;
            Ok(Json(json!({"member": shown(&member)})))
        }
        Err(Error::Conflict(Conflict::LastAdmin)) => Err(Problem::Conflict(Conflict::LastAdmin, "/role")),
        Err(error) => Err(error.into()),
    }
}

/// Remove a member, or leave: from the answer on they hear of nothing more.
#[utoipa::path(
    delete, path = "/api/teams/{team}/members/{user}", tag = "Teams", params(("team" = u64, Path), ("user" = u64, Path)),
    responses(
        (status = 200, description = "The member is out, or has left; no event of the team reaches them any more"),
        (status = 409, description = "`last_admin`"),
    )
)]
pub(crate) async fn remove(
    State(app): State<App>,
    Who(caller): Who,
    Path((team, user)): Path<(TeamId, UserId)>,
) -> Result<Json<Value>, Problem> {
    let removal = if caller.user == user {
        Access::<LeaveTeam>::check(caller, team, None).map(Removal::Leaving)
    } else {
        Access::<ManageMembers>::check(caller, team, None).map(|access| Removal::By(access, user))
    };
    let removal = removal.map_err(|denied| match Problem::from(denied) {
        Problem::NotFound(_) => Problem::NotFound("team"),
        problem => problem,
    })?;
    app.store.remove_member(&removal, app.now()).await?;
    app.store.drop_unseen(user, team).await?;
    app.store.forget_grants(user, team, app.now()).await?;
    Ok(Json(json!({"member": {"user": {"id": user}}})))
}

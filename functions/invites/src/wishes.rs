//! Members ask for an invitation for somebody, admins decide.

use app::{App, By, Json, Path, Problem, Typed, rates};
use axum::extract::State;
use domain::access::{Access, AskToInvite, ManageInvites, TeamRole};
use domain::account::Email;
use domain::ids::{InviteId, TeamId, WishId};
use domain::limit;
use domain::mail_domain::Discovery;
use domain::team::{Wish, WishState};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

fn shown(wish: &Wish) -> Value {
    json!({
        "id": wish.id,
        "email": wish.email,
        "role": wish.role,
        "note": wish.note,
        "status": wish.state,
        "asked_by": {"id": wish.by, "username": wish.by_name},
        "created_at": wish.created_at,
        "expires_at": wish.expires_at,
    })
}

/// The wishes that somebody be invited.
#[utoipa::path(
    get, path = "/api/teams/{team}/invite-requests", tag = "Invitations", params(("team" = u64, Path)),
    responses((status = 200, description = "`requests`, the newest first: for an admin those that wait, for others their own with what became of them"))
)]
pub(crate) async fn list(State(app): State<App>, By(access): By<AskToInvite>) -> Result<Json<Value>, Problem> {
    let admin = Access::<ManageInvites>::check(access.caller.clone(), access.thing, None).is_ok();
    let wishes = app.store.wishes(access.thing, app.now()).await?;
    let mine = wishes.iter().filter(|wish| if admin { wish.state == WishState::Pending } else { wish.by == access.caller.user });
    Ok(Json(json!({"requests": mine.map(shown).collect::<Vec<_>>()})))
}

/// Who is to be invited.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = wishes::New)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct New {
    /// Their e-mail address.
    email: String,
    /// What they are to be: `viewer`, `editor` or `admin`. The admin who grants it may choose otherwise.
    #[schema(value_type = Option<String>)]
    role: Option<TeamRole>,
    /// Why, at most 500 characters.
    note: String,
}

/// Wish that somebody be invited.
#[utoipa::path(
    post, path = "/api/teams/{team}/invite-requests", tag = "Invitations", params(("team" = u64, Path)), request_body = New,
    responses(
        (status = 200, description = "The admins are told: `request`"),
        (status = 409, description = "`already_member`, `already_invited`, `already_asked`"),
        (status = 422, description = "Names each field that was not taken"),
        (status = 429, description = "`too_many` at once"),
    )
)]
pub(crate) async fn make(
    State(app): State<App>,
    By(access): By<AskToInvite>,
    Typed(body, mut wrong): Typed<New>,
) -> Result<Json<Value>, Problem> {
    let email = wrong.keep("/email", Email::parse(&body.email));
    let note = body.note.trim().to_owned();
    if note.chars().count() > limit::NOTE_CHARS {
        wrong.note("/note", format!("a note has at most {} characters", limit::NOTE_CHARS));
    }
    let email = wrong.with(email)?;
    let role = body.role.unwrap_or_else(crate::manage::editor);
    app.once_more(rates::WISHES, &access.caller.user.to_string()).await?;
    let wish = app.store.wish(&access, email, role, note, app.now()).await.map_err(|error| match error {
        store::Error::Conflict(conflict) => Problem::Conflict(conflict, "/email"),
        error => error.into(),
    })?;
    Ok(Json(json!({"request": shown(&wish)})))
}

/// As what to invite.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Approval {
    /// `viewer`, `editor` or `admin`; what was asked for where it is not given.
    #[schema(value_type = Option<String>)]
    role: Option<TeamRole>,
}

/// Invite whom somebody wished for.
#[utoipa::path(
    post, path = "/api/teams/{team}/invite-requests/{request}/approve", tag = "Invitations",
    params(("team" = u64, Path), ("request" = String, Path)), request_body = Approval,
    responses(
        (status = 200, description = "The address is invited, who asked is told: `request`"),
        (status = 409, description = "`no_free_seat`: it still waits"),
        (status = 410, description = "`wish_gone`: decided before, or too old"),
    )
)]
pub(crate) async fn approve(
    State(app): State<App>,
    By(access): By<ManageInvites>,
    Path((_, wish)): Path<(TeamId, WishId)>,
    Json(body): Json<Approval>,
) -> Result<Json<Value>, Problem> {
    let wish = app.store.grant_wish(&access, &wish, body.role, InviteId::from(app.new_id()), app.now()).await?;
    Ok(Json(json!({"request": shown(&wish)})))
}

/// Refuse a wish.
#[utoipa::path(
    post, path = "/api/teams/{team}/invite-requests/{request}/refuse", tag = "Invitations",
    params(("team" = u64, Path), ("request" = String, Path)),
    responses((status = 200, description = "Who asked is told: `request`"), (status = 410, description = "`wish_gone`"))
)]
pub(crate) async fn refuse(
    State(app): State<App>,
    By(access): By<ManageInvites>,
    Path((_, wish)): Path<(TeamId, WishId)>,
) -> Result<Json<Value>, Problem> {
    let wish = app.store.refuse_wish(&access, &wish, app.now()).await?;
    Ok(Json(json!({"request": shown(&wish)})))
}

/// What to change of how people come in. What is left out stays.
#[derive(Deserialize, ToSchema)]
#[schema(as = wishes::Change)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// Whether only the account with the invited address can accept an invitation.
    bound: Option<bool>,
    /// Whether people with a confirmed address in a verified domain find the team: `off`, `ask` or `join`.
    #[schema(value_type = Option<String>)]
    discovery: Option<Discovery>,
    /// What those are who come in that way: `viewer`, `editor` or `admin`.
    #[schema(value_type = Option<String>)]
    role: Option<TeamRole>,
}

/// How people come into the team.
#[utoipa::path(
    get, path = "/api/teams/{team}/joining", tag = "Invitations", params(("team" = u64, Path)),
    responses((status = 200, description = "How people come into the team: `joining`"))
)]
pub(crate) async fn joining(State(app): State<App>, By(access): By<ManageInvites>) -> Result<Json<Value>, Problem> {
    let team = app.store.team(access.thing).await?.ok_or(Problem::NotFound("team"))?;
    Ok(Json(json!({"joining": team.joining})))
}

/// Change how people come into the team.
#[utoipa::path(
    patch, path = "/api/teams/{team}/joining", tag = "Invitations", params(("team" = u64, Path)), request_body = Change,
    responses((status = 200, description = "It holds from now on, for invitations that wait as well: `joining`"))
)]
pub(crate) async fn set_joining(
    State(app): State<App>,
    By(access): By<ManageInvites>,
    Json(body): Json<Change>,
) -> Result<Json<Value>, Problem> {
    let team = app.store.team(access.thing).await?.ok_or(Problem::NotFound("team"))?;
    let mut joining = team.joining;
    joining.bound = body.bound.unwrap_or(joining.bound);
    joining.discovery = body.discovery.unwrap_or(joining.discovery);
    joining.role = body.role.unwrap_or(joining.role);
    if joining != team.joining {
        app.store.set_joining(&access, joining, app.now()).await?;
    }
    Ok(Json(json!({"joining": joining})))
}

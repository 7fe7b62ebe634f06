//! What the invited does.

use app::{App, Json, Path, Problem, Who};
use axum::extract::State;
use domain::account::Email;
use serde::Deserialize;
use serde_json::{Value, json};
use store::Conflict;
use utoipa::ToSchema;

/// What the link of an invitation invites to.
#[utoipa::path(
    get, path = "/api/invites/{token}", tag = "Invitations", params(("token" = String, Path, description = "The last part of the link")), security(()),
    responses(
        (status = 200, description = "What the holder of the link is invited to: `invite`"),
        (status = 404, description = "This is no link of ours"),
        (status = 410, description = "`invite_gone`: accepted, taken back or replaced; `invite_expired`"),
    )
)]
pub(crate) async fn look(State(app): State<App>, Path(token): Path<String>) -> Result<Json<Value>, Problem> {
    let invite = app.invited(&token).await?;
    let (team, owner) = tokio::try_join!(app.store.team(invite.team), app.store.user_by_email(&invite.email))?;
    let team = team.ok_or(Problem::NotFound("invitation"))?;
    Ok(Json(json!({"invite": {
        "team": {"id": team.id, "name": team.name, "handle": team.handle},
        "role": invite.role,
        "email": invite.email,
        "inviter": invite.inviter_name,
        "expires_at": invite.expires_at,
        "account_exists": owner.is_some(),
        "bound": team.joining.bound,
    }})))
}

/// The link that was opened.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Accept {
    /// The last part of the link.
    token: String,
    /// Accept only if this is the caller's address: for a page that would otherwise ask first.
    email: Option<String>,
}

/// Accept an invitation: the caller is in the team.
#[utoipa::path(
    post, path = "/api/invites/accept", tag = "Invitations", request_body = Accept,
    responses(
        (status = 200, description = "The caller is in the team (or was already): `team`"),
        (status = 403, description = "`invite_for_another`: the team binds invitations to their addresses, and the caller has another; `sso_required`"),
        (status = 409, description = "`other_account`: the caller has another address than `email`"),
        (status = 404, description = "This is no link of ours"),
        (status = 410, description = "`invite_gone`: accepted by another, taken back or replaced; `invite_expired`"),
    )
)]
pub(crate) async fn accept(State(app): State<App>, Who(caller): Who, Json(body): Json<Accept>) -> Result<Json<Value>, Problem> {
    app::writes(&caller)?;
    let token = app.read_invite_token(&body.token)?;
    if let Some(email) = &body.email {
        let profile = app.store.profile(caller.user).await?.ok_or(Problem::NotFound("user"))?;
        if Email::parse(email).map_err(|rejected| Problem::field("/email", rejected.0))? != profile.email {
            return Err(Problem::Conflict(Conflict::OtherAccount, "/email"));
        }
    }
    app.store.accept_invite(&caller, token.team, &token.invite, token.round, app.now()).await?;
    let (team, seats) = app.store.teams(&[token.team]).await?.pop().ok_or(Problem::NotFound("team"))?;
    Ok(Json(json!({"team": app::show::team(&team, seats)})))
}

//! What a team's admins do.

use std::collections::HashSet;

use app::{App, By, FieldError, Json, Path, Problem, Typed};
use axum::extract::State;
use domain::access::{ManageInvites, TeamRole};
use domain::account::{self, Email};
use domain::ids::{InviteId, TeamId};
use domain::limit;
use domain::team::Invite;
use serde::Deserialize;
use serde_json::{Value, json};
use store::Conflict;
use store::invites::Outcome;
use utoipa::ToSchema;

fn shown(app: &App, invite: &Invite) -> Result<Value, Problem> {
    let expired = invite.expires_at <= app.now();
    Ok(json!({
        "id": invite.id,
        "email": invite.email,
        "role": invite.role,
        "status": if expired { "expired" } else { "pending" },
        "inviter": invite.inviter_name,
        "created_at": invite.created_at,
        "expires_at": invite.expires_at,
        "link": app.invite_link(invite)?,
    }))
}

fn all_shown(app: &App, invites: &[Invite]) -> Result<Json<Value>, Problem> {
    let invites = invites.iter().map(|invite| shown(app, invite)).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(json!({"invites": invites})))
}

/// The invitations of a team.
#[utoipa::path(
    get, path = "/api/teams/{team}/invites", tag = "Invitations", params(("team" = u64, Path)),
    responses((status = 200, description = "`invites`, the oldest first, each with its link to copy"))
)]
pub(crate) async fn list(State(app): State<App>, By(access): By<ManageInvites>) -> Result<Json<Value>, Problem> {
    all_shown(&app, &app.store.invites(access.thing).await?)
}

/// Whom to invite.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = manage::New)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct New {
    /// E-mail addresses, at most 100. One text may hold many, as people paste them: with commas, semicolons, lines and
    /// names (`Ann <ann@example.com>`).
    emails: Vec<String>,
    /// What they are to be: `viewer`, `editor` (which is meant without it) or `admin`.
    #[schema(value_type = Option<String>)]
    role: Option<TeamRole>,
}

pub(crate) fn editor() -> TeamRole {
    TeamRole::Editor
}

/// Reads what was typed, each address once. What is no address comes with the place of the text that it stands in.
fn lines(typed: &[String]) -> Vec<Result<Email, (usize, String)>> {
    let mut seen = HashSet::new();
    let all = typed.iter().enumerate().flat_map(|(index, text)| {
        // A line of white space is no address either.
        let read = account::addresses(text);
        let read = if read.is_empty() { vec![Err(text.clone())] } else { read };
        read.into_iter().map(move |one| one.map_err(|typed| (index, typed)))
    });
    all.filter(|line| line.as_ref().map_or(true, |email| seen.insert(email.clone()))).collect()
}

/// Invite people by their addresses: each is sent a link, which can also be copied.
#[utoipa::path(
    post, path = "/api/teams/{team}/invites", tag = "Invitations", params(("team" = u64, Path)), request_body = New,
    responses(
        (status = 200, description = "`invites`, one for each address: with id and link where it is invited and mailed, otherwise with the reason as its status"),
        (status = 409, description = "None could be invited: `no_free_seat`, `already_invited`, `already_member`; `invites` says what became of each"),
        (status = 422, description = "None is an address, or too many are given"),
    )
)]
pub(crate) async fn make(
    State(app): State<App>,
    By(access): By<ManageInvites>,
    Typed(body, mut wrong): Typed<New>,
) -> Result<Json<Value>, Problem> {
    let lines = lines(&body.emails);
    if lines.is_empty() || lines.len() > limit::INVITES_AT_ONCE {
        wrong.note("/emails", format!("give 1 to {} addresses", limit::INVITES_AT_ONCE));
    }
    wrong.end()?;
    let role = body.role.unwrap_or_else(editor);
    let addresses = lines.iter().flatten().map(|email| (InviteId::from(app.new_id()), email.clone()));
    let mut outcomes = app.store.invite(&access, addresses.collect(), role, app.now()).await?.into_iter();
    let mut answers = Vec::with_capacity(lines.len());
    let mut refused = Vec::new();
    let mut invited = false;
    let mut strange = Vec::new();
    for line in lines {
        let (email, conflict, status) = match line {
            Err((index, typed)) => {
                strange.push(FieldError { pointer: format!("/emails/{index}"), detail: format!("“{typed}” is not an e-mail address") });
                (typed, None, "not_an_address")
            }
            Ok(_) => {
                let Some((email, outcome)) = outcomes.next() else { continue };
                let (conflict, status) = match outcome {
                    Outcome::Invited(invite) => {
                        invited = true;
                        answers.push(shown(&app, &invite)?);
                        continue;
                    }
                    Outcome::AlreadyMember => (Conflict::AlreadyMember, "already_member"),
                    Outcome::AlreadyInvited => (Conflict::AlreadyInvited, "already_invited"),
                    Outcome::NoFreeSeat => (Conflict::NoFreeSeat, "no_free_seat"),
                };
                (email.as_str().to_owned(), Some(conflict), status)
            }
        };
        refused.extend(conflict);
        answers.push(json!({"email": email, "role": role, "status": status}));
    }
    if !invited {
        return Err(nobody(strange, &refused, json!(answers)));
    }
    Ok(Json(json!({"invites": answers})))
}

/// The problem of a request that invited nobody: what an admin can do something about comes first.
fn nobody(strange: Vec<FieldError>, refused: &[Conflict], answers: Value) -> Problem {
    let worst = [Conflict::NoFreeSeat, Conflict::AlreadyInvited, Conflict::AlreadyMember];
    match worst.into_iter().find(|conflict| refused.contains(conflict)) {
        Some(conflict) => Problem::Nothing(conflict, "/emails", ("invites", answers)),
        None => Problem::Rejected(strange),
    }
}

/// Send all pending invitations again, with new links.
#[utoipa::path(
    post, path = "/api/teams/{team}/invites/resend", tag = "Invitations", params(("team" = u64, Path)),
    responses((status = 200, description = "All pending invitations are mailed again with new links: `invites`"))
)]
pub(crate) async fn resend_all(State(app): State<App>, By(access): By<ManageInvites>) -> Result<Json<Value>, Problem> {
    let mut again = Vec::new();
    for invite in app.store.invites(access.thing).await? {
        match app.store.resend_invite(&access, &invite.id, app.now()).await {
            Ok(invite) => again.push(invite),
            // Accepted or taken back while we were at it.
            Err(store::Error::Conflict(Conflict::InviteGone)) => (),
            Err(error) => return Err(error.into()),
        }
    }
    all_shown(&app, &again)
}

/// Send an invitation again, with a new link.
#[utoipa::path(
    post, path = "/api/teams/{team}/invites/{invite}/resend", tag = "Invitations", params(("team" = u64, Path), ("invite" = String, Path)),
    responses(
        (status = 200, description = "The invitation is mailed again with a new link, the old link is dead: `invite`"),
        (status = 410, description = "`invite_gone`"),
    )
)]
pub(crate) async fn resend(
    State(app): State<App>,
    By(access): By<ManageInvites>,
    Path((_, invite)): Path<(TeamId, InviteId)>,
) -> Result<Json<Value>, Problem> {
    let invite = app.store.resend_invite(&access, &invite, app.now()).await?;
    Ok(Json(json!({"invite": shown(&app, &invite)?})))
}

/// Take an invitation back: its link opens nothing.
#[utoipa::path(
    delete, path = "/api/teams/{team}/invites/{invite}", tag = "Invitations", params(("team" = u64, Path), ("invite" = String, Path)),
    responses((status = 200, description = "Its link is dead and its seat is free"), (status = 410, description = "`invite_gone`"))
)]
pub(crate) async fn take_back(
    State(app): State<App>,
    By(access): By<ManageInvites>,
    Path((_, invite)): Path<(TeamId, InviteId)>,
) -> Result<Json<Value>, Problem> {
    app.store.take_back_invite(&access, &invite, app.now()).await?;
    Ok(Json(json!({"invite": {"id": invite}})))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_counts_once() {
        let typed = ["Ann@example.com", "nobody", " ann@example.com ", "bob@example.com"].map(str::to_owned);
        let shown: Vec<String> =
            lines(&typed).into_iter().map(|line| line.map_or_else(|(_, typed)| format!("?{typed}"), |email| email.to_string())).collect();
        assert_eq!(shown, ["ann@example.com", "?nobody", "bob@example.com"]);
    }

    #[test]
    fn the_reason_is_the_one_to_act_on() {
        let all = [Conflict::AlreadyMember, Conflict::NoFreeSeat];
        assert!(matches!(nobody(vec![], &all, json!([])), Problem::Nothing(Conflict::NoFreeSeat, "/emails", _)));
        assert!(matches!(nobody(vec![], &[], json!([])), Problem::Rejected(_)));
    }
}

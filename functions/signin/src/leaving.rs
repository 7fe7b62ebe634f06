//! What an account holds of a person, for them to take along, and its end.

use app::{App, Json, Problem, Typed, Who};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use domain::access::{Access, Caller, LeaveTeam, ReadWorkspace, TeamRole};
use domain::ids::TeamId;
use serde::Deserialize;
use serde_json::{Value, json};
use store::teams::Removal;
use store::{Conflict, Error};
use utoipa::ToSchema;

use crate::password::who_knows;
use crate::sessions::{own_session, signed_in};
use crate::{access_keys, api_keys, closing, sessions};

/// Everything that is kept about the caller.
#[utoipa::path(
    post, path = "/api/me/export", tag = "Accounts",
    responses(
        (status = 200, description = "Everything that is kept about the caller: account, profile, sessions, keys, teams, subscriptions, collections of their own by their addresses, and what happened"),
        (status = 403, description = "An API key cannot do this"),
    )
)]
pub(crate) async fn export(State(app): State<App>, Who(caller): Who) -> Result<Response, Problem> {
    signed_in(&caller)?;
    let caller = caller.inside();
    let (user, now) = (caller.user, app.now());
    let person = app.store.person(user).await?.ok_or(Problem::NotFound("user"))?;
    let teams: Vec<TeamId> = caller.teams.keys().copied().collect();
    let (teams, signed_in, keys, access, subscriptions, happened, picture, own) = tokio::try_join!(
        app.store.teams(&teams),
        app.store.sessions(user, now),
        app.store.api_keys(user, now),
        app.store.own_access_keys(user, now),
        app.store.subscriptions_of(user),
        app.store.trail(user, person.profile.created_at, now),
        app.store.picture(user),
        own_collections(&app, &caller),
    )?;
    let teams = teams.iter().map(|(team, _)| {
        let member = caller.teams.get(&team.id);
        json!({
            "id": team.id,
            "name": team.name,
            "role": member.map(|member| member.role),
            "billing": member.is_some_and(|member| member.billing),
        })
    });
    let (profile, about) = (&person.profile, &person.about);
    let address = format!("{}/api/users/{user}/picture", app.config.pages_url);
    let body = json!({
        "exported_at": now,
        "account": {
            "id": user,
            "username": profile.username,
            "email": profile.email,
            "email_confirmed": profile.verified,
            "email_asked_for": profile.email_asked,
            "emails_before": profile.emails_before.iter().map(|left| json!({"email": left.email, "until": left.until})).collect::<Vec<_>>(),
            "second_factor": caller.second_factor,
            "created_at": profile.created_at,
        },
        "profile": {
            "name": profile.full_name,
            "about": about.text,
            "links": about.links,
            "public": about.public,
            "email_public": about.email_public,
            "picture": picture.map(|_| address),
        },
        "teams": teams.collect::<Vec<_>>(),
        "sessions": signed_in.iter().map(|session| sessions::shown(session, caller.session.as_ref())).collect::<Vec<_>>(),
        "api_keys": keys.iter().map(api_keys::shown).collect::<Vec<_>>(),
        "access_keys": access.iter().map(access_keys::shown).collect::<Vec<_>>(),
        "subscriptions": subscriptions,
        "collections": own,
        "happened": happened,
    });
    let file = [(header::CONTENT_DISPOSITION, "attachment; filename=\"postroom-account.json\"")];
    Ok((file, Json(body)).into_response())
}

/// The collections in the caller's own workspace, and where each is exported whole.
async fn own_collections(app: &App, caller: &Caller) -> Result<Vec<Value>, Error> {
    let Some(workspace) = app.store.workspace(&caller.workspace).await? else { return Ok(Vec::new()) };
    let Ok(by) = Access::<ReadWorkspace>::check(caller.clone(), workspace, None) else { return Ok(Vec::new()) };
    let listed = app.store.listed(&by).await?;
    let shown = |one: store::imports::Listed| {
        let url = format!("{}/api/collections/{}", app.config.pages_url, one.collection);
        json!({"id": one.collection, "name": one.name, "created_at": one.created_at, "url": url})
    };
    Ok(listed.into_iter().map(shown).collect())
}

/// What whoever ends their account shows.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct End {
    /// The password of the account.
    password: String,
}

/// End the caller's account, with everything that is theirs alone.
#[utoipa::path(
    delete, path = "/api/me", tag = "Accounts", request_body = End,
    responses(
        (status = 200, description = "The account has ended, at once and for good: nothing opens it any more, its collections are no longer there, and the janitor removes what is left within the hour. What was done in teams stays, under the name of a former member"),
        (status = 403, description = "An API key cannot do this"),
        (status = 409, description = "`last_admin` of a team: somebody else is to be made admin first"),
        (status = 422, description = "The password is wrong"),
    )
)]
pub(crate) async fn end(State(app): State<App>, who: Who, Typed(body, mut wrong): Typed<End>) -> Result<Response, Problem> {
    own_session(&who.0)?;
    let profile = wrong.absorb(who_knows(&app, &who, body.password, "/password").await)?;
    let profile = wrong.with(profile)?;
    // One may always leave, also what one does not get into without a second factor.
    let caller = who.0.inside();
    let teams: Vec<TeamId> = caller.teams.keys().copied().collect();
    // Before the first is left, so that nobody is out of some teams for an account that stays.
    let admin = |team: &TeamId| caller.teams.get(team).is_some_and(|member| member.role == TeamRole::Admin);
    if app.store.teams(&teams).await?.iter().any(|(team, _)| team.admins <= 1 && admin(&team.id)) {
        return Err(Problem::Conflict(Conflict::LastAdmin, ""));
    }
    for team in &teams {
        let leaving = Access::<LeaveTeam>::check(caller.clone(), *team, None)?;
        match app.store.remove_member(&Removal::Leaving(leaving), app.now()).await {
            Ok(()) | Err(Error::Conflict(Conflict::NotMember)) => app.store.drop_live(caller.user, *team).await?,
            Err(error) => return Err(error.into()),
        }
    }
    app.store.end_account(&caller, &profile, &teams, app.now()).await?;
    closing::all(&app, caller.user).await?;
    Ok(sessions::without_cookies(&app, &[caller.user], json!({"status": "deleted"})))
}

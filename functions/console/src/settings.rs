//! A team's settings and groups, and its audit log.

use app::App;
use axum::extract::State;
use axum::response::Response;
use domain::access::{ManageTeam, ReadAudit, ReadTeam};
use domain::ids::UserId;
use serde::Deserialize;
use store::audit::{Filter, moment};

use crate::answer::{Lost, On, in_query, page};
use crate::frame;
use crate::views::{AuditEntry, AuditPage, GroupCard, Moment, SettingsPage, Teammate};

/// Entries of one page of the log.
const PAGE: usize = 50;

/// What a team is called, its groups, and its end.
#[utoipa::path(get, path = "/teams/{team}/settings", params(("team" = String, Path)), responses((status = 200), (status = 303), (status = 404)))]
pub async fn settings(State(app): State<App>, On(app::By(by)): On<app::By<ReadTeam>>) -> Result<Response, Lost> {
    let id = by.thing;
    let team = async { app.store.team(id).await.map_err(Lost::from) };
    let groups = async { app.store.groups(id).await.map_err(Lost::from) };
    let members = async { app.store.members(id).await.map_err(Lost::from) };
    let (frame, team, groups, members) = tokio::try_join!(frame(&app, &by.caller, Some(id), "team"), team, groups, members)?;
    let team = team.ok_or_else(Lost::nothing)?;
    let person = |member: &domain::team::Member| Teammate { id: member.user.to_string(), name: member.username.clone() };
    let cards = groups
        .into_iter()
        .map(|group| {
            let (inside, outside): (Vec<_>, Vec<_>) = members.iter().partition(|member| member.groups.contains(&group.id));
            GroupCard {
                id: group.id.to_string(),
                name: group.name,
                summary: group.summary,
                members: inside.into_iter().map(person).collect(),
                others: outside.into_iter().map(person).collect(),
            }
        })
        .collect();
    let link = frame.team.clone().ok_or_else(Lost::nothing)?;
    let view = SettingsPage {
        frame: frame.under(&link.name, format!("/teams/{id}")),
        link,
        description: team.description,
        delete_at: team.delete_at.map(Moment),
        groups: cards,
        others: members.iter().filter(|member| member.user != by.caller.user).map(person).collect(),
        may_manage: by.also::<ManageTeam>().is_some(),
    };
    page(&app, &view)
}

/// Which entries.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    user: Option<String>,
    action: Option<String>,
    since: Option<String>,
    until: Option<String>,
    cursor: Option<String>,
}

/// The audit log.
#[utoipa::path(get, path = "/teams/{team}/audit", params(("team" = String, Path), ("cursor" = Option<String>, Query)), responses((status = 200), (status = 303), (status = 403), (status = 404)))]
pub async fn audit(
    State(app): State<App>,
    On(app::By(by)): On<app::By<ReadAudit>>,
    On(app::Query(asked)): On<app::Query<Asked>>,
) -> Result<Response, Lost> {
    let id = by.thing;
    let text = |raw: &Option<String>| raw.clone().unwrap_or_default();
    let filter = Filter {
        user: asked.user.as_deref().and_then(|user| user.parse::<UserId>().ok()),
        action: asked.action.clone().filter(|action| !action.is_empty()),
        since: asked.since.as_deref().and_then(moment),
        until: asked.until.as_deref().and_then(moment),
        ascending: false,
    };
    let team = async { app.store.team(id).await.map_err(Lost::from) };
    let members = async { app.store.members(id).await.map_err(Lost::from) };
    let (frame, team, members) = tokio::try_join!(frame(&app, &by.caller, Some(id), "team"), team, members)?;
    let team = team.ok_or_else(Lost::nothing)?;
    let found = app.store.audit(&by, &filter, (team.created_at, app.now()), asked.cursor.as_deref(), PAGE).await?;
    let name = |user: UserId| {
        let member = members.iter().find(|member| member.user == user);
        member.map_or_else(|| user.to_string(), |member| member.username.clone())
    };
    let entries = found
        .events
        .iter()
        .map(|event| AuditEntry {
            id: event.id.to_string(),
            at: Moment(event.at),
            actor: event.actor.as_ref().map(|actor| actor.username.clone()),
            action: event.what.word().replace('_', " "),
            details: event.what.details(name),
            address: event.address.clone(),
        })
        .collect();
    let query = format!(
        "user={}&action={}&since={}&until={}",
        in_query(&text(&asked.user)),
        in_query(&text(&asked.action)),
        in_query(&text(&asked.since)),
        in_query(&text(&asked.until))
    );
    let link = frame.team.clone().ok_or_else(Lost::nothing)?;
    let view = AuditPage {
        frame: frame.under(&link.name, format!("/teams/{id}")).under("Settings", format!("/teams/{id}/settings")),
        link,
        entries,
        members: members.iter().map(|member| Teammate { id: member.user.to_string(), name: member.username.clone() }).collect(),
        user: text(&asked.user),
        action: text(&asked.action),
        since: text(&asked.since),
        until: text(&asked.until),
        older: found.cursor.map(|cursor| format!("{query}&cursor={cursor}")),
        query,
    };
    page(&app, &view)
}

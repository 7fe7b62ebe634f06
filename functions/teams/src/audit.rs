//! The audit log of a team: who did what, when, from where. Nobody can delete from it.

use app::{App, By, Json, Problem, Query, Who};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use domain::access::{Access, ReadAudit};
use domain::happened::Event;
use domain::ids::{TeamId, UserId};
use serde::Deserialize;
use serde_json::{Value, json};
use store::audit::{AuditPage, Filter, moment};

/// Entries of one page at most.
const PAGE: usize = 300;
/// Entries of one export at most.
const EXPORTED: usize = 10_000;

#[derive(Deserialize)]
pub(crate) struct Asked {
    /// One of the caller's teams; the first that they are admin of where none is named.
    team: Option<TeamId>,
    #[serde(rename = "userId", alias = "user")]
    user: Option<UserId>,
    action: Option<String>,
    since: Option<String>,
    until: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
    #[serde(rename = "orderBy", alias = "order_by")]
    order: Option<String>,
    format: Option<String>,
}

impl Asked {
    fn filter(&self) -> Result<Filter, Problem> {
        let mut errors = Vec::new();
        let mut time = |name: &str, raw: &Option<String>| {
            let raw = raw.as_ref().filter(|raw| !raw.is_empty())?;
            let found = moment(raw);
            if found.is_none() {
                let wrong = domain::Rejected::because("this is a day (2026-11-25) or a time (2026-11-25T10:00:00Z)");
                errors.push(app::FieldError::at(format!("?{name}"), wrong));
            }
            found
        };
        let (since, until) = (time("since", &self.since), time("until", &self.until));
        let ascending = match self.order.as_deref() {
            None | Some("desc" | "") => false,
            Some("asc") => true,
            Some(_) => {
                errors.push(app::FieldError::at("?orderBy", domain::Rejected::because("this is \"asc\" or \"desc\"")));
                false
            }
        };
        let action = self.action.clone().filter(|action| !action.is_empty());
        if errors.is_empty() { Ok(Filter { user: self.user, action, since, until, ascending }) } else { Err(Problem::Rejected(errors)) }
    }
}

async fn page(app: &App, by: &Access<ReadAudit>, asked: &Asked, limit: usize) -> Result<(String, AuditPage), Problem> {
    let filter = asked.filter()?;
    let team = app.store.team(by.thing).await?.ok_or(Problem::NotFound("team"))?;
    let page = app.store.audit(by, &filter, (team.created_at, app.now()), asked.cursor.as_deref(), limit).await?;
    Ok((team.name, page))
}

/// An entry in the Postman API's shape.
fn trail(event: &Event, team: TeamId, name: &str) -> Value {
    let actor =
        event.actor.as_ref().map(|actor| json!({"id": actor.id, "username": actor.username, "name": actor.username, "active": true}));
    let mut what = serde_json::to_value(&event.what).unwrap_or_default();
    if let Some(what) = what.as_object_mut() {
        what.remove("what");
        what.remove("team");
    }
    let who = event.actor.as_ref().map_or("Time", |actor| actor.username.as_str());
    json!({
        "id": event.id,
        "ip": event.address,
        "userAgent": event.client,
        "action": event.what.word(),
        "timestamp": event.at,
        "message": format!("{who}: {}", event.what.word().replace('_', " ")),
        "data": {"actor": actor, "user": actor, "team": {"id": team, "name": name}, "details": what},
    })
}

/// The audit log in the Postman API's shape.
#[utoipa::path(get, path = "/api/audit/logs", tag = "Audit log",
    params(("team" = Option<u64>, Query), ("userId" = Option<u64>, Query), ("action" = Option<String>, Query), ("since" = Option<String>, Query),
        ("until" = Option<String>, Query), ("limit" = Option<usize>, Query), ("cursor" = Option<String>, Query), ("orderBy" = Option<String>, Query)),
    responses((status = 200, description = "`trails`, and `nextCursor`"), (status = 403, description = "The caller is admin of no team")))]
pub(crate) async fn logs(State(app): State<App>, Who(caller): Who, Query(asked): Query<Asked>) -> Result<Json<Value>, Problem> {
    let mine = |team: TeamId| Access::<ReadAudit>::check(caller.clone(), team, None);
    let by = match asked.team {
        Some(team) => mine(team).map_err(|denied| match Problem::from(denied) {
            Problem::NotFound(_) => Problem::NotFound("team"),
            problem => problem,
        })?,
        None => caller.teams.keys().find_map(|team| mine(*team).ok()).ok_or(Problem::Forbidden("the role admin in a team"))?,
    };
    let (name, page) = page(&app, &by, &asked, asked.limit.unwrap_or(50).clamp(1, PAGE)).await?;
    let trails: Vec<Value> = page.events.iter().map(|event| trail(event, by.thing, &name)).collect();
    Ok(Json(json!({"trails": trails, "nextCursor": page.cursor})))
}

/// A field of CSV (RFC 4180). What a spreadsheet would take for a formula is text.
fn field(raw: &str) -> String {
    let guard = if raw.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{guard}{}\"", raw.replace('"', "\"\""))
}

/// The audit log as a file: `format=csv` or `json`; at most 10,000 entries, narrow the time for others.
#[utoipa::path(get, path = "/api/teams/{team}/audit", tag = "Audit log",
    params(("team" = u64, Path), ("format" = Option<String>, Query), ("userId" = Option<u64>, Query), ("action" = Option<String>, Query),
        ("since" = Option<String>, Query), ("until" = Option<String>, Query)),
    responses((status = 200, description = "The entries, the newest first")))]
pub(crate) async fn export(State(app): State<App>, By(by): By<ReadAudit>, Query(asked): Query<Asked>) -> Result<Response, Problem> {
    let csv = match asked.format.as_deref() {
        None | Some("json") => false,
        Some("csv") => true,
        Some(_) => return Err(Problem::field("?format", "this is \"csv\" or \"json\"")),
    };
    let mut asked = asked;
    let mut events = Vec::new();
    let name = loop {
        let (name, page) = page(&app, &by, &asked, PAGE).await?;
        events.extend(page.events);
        asked.cursor = page.cursor;
        if asked.cursor.is_none() || EXPORTED <= events.len() {
            break name;
        }
    };
    let entries = events.iter().map(|event| trail(event, by.thing, &name));
    if !csv {
        return Ok(Json(json!({"trails": entries.collect::<Vec<_>>()})).into_response());
    }
    let mut text = "time,actor,address,client,action,details\r\n".to_owned();
    for entry in entries {
        let said = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let details = entry["data"]["details"].to_string();
        let row = [said("/timestamp"), said("/data/actor/username"), said("/ip"), said("/userAgent"), said("/action"), details];
        text.push_str(&row.iter().map(|one| field(one)).collect::<Vec<_>>().join(","));
        text.push_str("\r\n");
    }
    let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CONTENT_DISPOSITION, "attachment; filename=\"audit.csv\"")];
    Ok((headers, text).into_response())
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn a_spreadsheet_runs_nothing() {
        assert_eq!(field("=1+1"), "\"'=1+1\"");
        assert_eq!(field("a \"b\", c"), "\"a \"\"b\"\", c\"");
    }
}

//! What happened in a workspace, as the Postman API tells it.

use std::collections::BTreeSet;

use app::{App, By, Json, Problem, Query};
use axum::extract::State;
use domain::access::{Access, ReadTeam, ReadWorkspace};
use domain::change::Op;
use domain::limit;
use serde::Deserialize;
use serde_json::{Value, json};
use store::feed::{ACCESS, Entry, FeedPage, KINDS, Wanted};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Asked {
    user_id: Option<String>,
    element_type: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

/// The Postman API knows three actions; what was done is the `trigger`.
fn action(entry: &Entry) -> &'static str {
    match entry.op {
        Op::Import | Op::Create if entry.seq == 1 => "create",
        _ => "update",
    }
}

/// A number for an entry, the same each time: the time in milliseconds, and a few digits of the change's number.
fn number(entry: &Entry) -> i64 {
    entry.at.as_millisecond().saturating_mul(1_000).saturating_add(i64::try_from(entry.seq % 1_000).unwrap_or_default())
}

fn shown(workspace: &str, entry: &Entry) -> Value {
    json!({
        "workspaceId": workspace,
        "createdAt": entry.at,
        "updatedAt": entry.at,
        "id": number(entry),
        "user": {"id": entry.actor.id, "username": entry.actor.username, "isPartner": false, "name": entry.actor.username},
        "action": action(entry),
        "elementType": "collection",
        "trigger": entry.op.as_str(),
        "elementId": entry.collection.uid(entry.owner),
        "elementName": entry.collection_name,
    })
}

/// What happened to the collections of a workspace while they were in it, newest first, in the Postman API's shape.
/// `userId`: by this person; `elementType`: a list with commas between, of which we have `collection`. A page can be
/// short: while `meta.nextCursor` is there, there is more to look at.
#[utoipa::path(get, path = "/api/workspaces/{workspace}/activities", tag = "Workspaces", params(("workspace" = String, Path),
    ("userId" = Option<String>, Query), ("elementType" = Option<String>, Query), ("limit" = Option<usize>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, description = "`{\"meta\":{\"nextCursor\"},\"data\":[…]}`"), (status = 400, description = "Names the parameter")))]
pub(crate) async fn activities(
    By(by): By<ReadWorkspace>,
    Query(asked): Query<Asked>,
    State(app): State<App>,
) -> Result<Json<Value>, Problem> {
    let user = asked.user_id.as_deref().filter(|raw| !raw.is_empty());
    let user = user.map(|raw| raw.parse().map_err(|_| Problem::Malformed("userId: this is the id of a user".to_owned()))).transpose()?;
    let types: BTreeSet<&str> =
        asked.element_type.as_deref().unwrap_or_default().split(',').map(str::trim).filter(|one| !one.is_empty()).collect();
    let wanted = Wanted {
        workspace: Some(by.thing.id.clone()),
        user,
        kinds: KINDS.iter().filter(|kind| !matches!(**kind, "comment" | ACCESS)).map(|kind| (*kind).to_owned()).collect(),
        ..Wanted::default()
    };
    let limit = asked.limit.unwrap_or(15).clamp(1, limit::PAGE);
    let page = if !types.is_empty() && !types.contains("collection") {
        FeedPage::default()
    } else if let Some(team) = by.thing.team {
        let reads = Access::<ReadTeam>::check(by.caller.clone(), team, None).map_err(|_| Problem::NotFound("workspace"))?;
        app.store.team_feed(&reads, &wanted, asked.cursor.as_deref(), limit).await?
    } else {
        // A workspace of one's own has no team's feed; who makes a collection follows it.
        app.store.user_feed(by.caller.user, &wanted, asked.cursor.as_deref(), limit).await?
    };
    let seen = app.store.seen(&by.caller, &page.collections()).await?;
    let workspace = by.thing.id.to_string();
    let page = page.together();
    let data: Vec<Value> =
        page.entries.iter().filter(|entry| entry.shows(|one| seen.contains_key(one))).map(|entry| shown(&workspace, entry)).collect();
    Ok(Json(json!({"meta": {"nextCursor": page.cursor}, "data": data})))
}

//! Activity feeds: what happened in a team's library, and in what the caller follows. Newest first.

mod activities;
mod atom;
mod inbox;
mod preferences;
mod webhooks;

use std::collections::HashSet;

use app::feed::FeedQuery;
use app::{App, By, Holder, Json, Problem, Query, Var, Who};
use axum::extract::State;
use domain::access::ReadTeam;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use store::feed::{Entry, FeedPage};

/// What it needs of the environment.
pub const NEEDS: &[Var] = &[Var::TableName, Var::PagesUrl, Var::TokenSecretId, Var::RateLimit];

app::routes! {
    mine;
    team;
    see;
    atom::mine;
    atom::of_team;
    atom::of_collection;
    activities::activities;
    inbox::list;
    inbox::read;
    preferences::get, preferences::put;
    preferences::resume;
    preferences::unsubscribe;
    webhooks::of_collection, webhooks::make_of_collection;
    webhooks::of_team, webhooks::make_of_team;
    webhooks::find, webhooks::change, webhooks::delete;
    webhooks::rotate;
    webhooks::test;
    webhooks::deliveries;
    webhooks::redeliver;
}

fn shown(page: FeedPage, keep: impl Fn(&Entry) -> bool, unread: impl Fn(&Entry) -> Option<bool>) -> Value {
    let entries: Vec<Value> = page
        .entries
        .iter()
        .filter(|entry| keep(entry))
        .map(|entry| {
            let mut shown = json!({
                "id": format!("{}:{}", entry.collection, entry.cause()),
                "at": entry.at,
                "actor": entry.actor,
                "op": entry.kind(),
                "collection": {"id": entry.collection, "name": entry.collection_name},
                "workspace": entry.workspace,
                "item": entry.item,
                "pull": entry.pull,
                "seq": entry.seq,
                "count": entry.count(),
                "counts": entry.counts,
                "comment": entry.comment.as_ref().map(|one| json!({"id": one.comment, "thread": one.thread, "op": one.did})),
            });
            if let Some(access) = &entry.access {
                shown["access"] = json!(access);
            }
            if let Some(unread) = unread(entry) {
                shown["unread"] = Value::Bool(unread);
            }
            shown
        })
        .collect();
    json!({"entries": entries, "cursor": page.cursor})
}

/// What happened in the collections that the caller follows. `since` and `until` are times (RFC 3339); `kind` is one of
/// `create`, `update`, `move`, `delete`, `import`, `restore` and `comment`, or several with commas between; `item` is a
/// folder or request, with `collection` the folder with all that stands in it. A page of filtered entries can be short:
/// while there is a `cursor`, there is more to look at. What a change did, place by place, says
/// `GET /api/collections/{collection}/changes?since={seq - 1}&limit=1`.
#[utoipa::path(get, path = "/api/feed", tag = "Feed", params(("cursor" = Option<String>, Query), ("limit" = Option<usize>, Query),
    ("collection" = Option<String>, Query), ("user" = Option<String>, Query), ("kind" = Option<String>, Query), ("item" = Option<String>, Query),
    ("since" = Option<String>, Query), ("until" = Option<String>, Query)),
    responses((status = 200, description = "`{\"entries\":[{…,\"unread\"}],\"cursor\",\"seen_until\"}`"), (status = 400, description = "Names the parameter")))]
async fn mine(Holder(caller): Holder, Query(asked): Query<FeedQuery>, State(app): State<App>) -> Result<Json<Value>, Problem> {
    let wanted = asked.wanted(&app, &caller).await?;
    let page = app.store.user_feed(caller.user, &wanted, asked.cursor.as_deref(), asked.limit()).await?.together();
    // Who left a team, or lost sight of a collection, does not read on what was written into their feed before.
    let (seen, until) = app.store.seen_of_feed(&caller, &page.collections()).await?;
    let mut body = shown(page, |entry| entry.shows(|one| seen.contains_key(one)), |entry| Some(entry.is_news(caller.user, until)));
    body["seen_until"] = json!(until);
    Ok(Json(body))
}

/// Until when the feed was seen.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct SeenUntil {
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<Timestamp>,
}

/// Marks the caller's own feed as seen: until `at`, or until now. It never goes back.
#[utoipa::path(post, path = "/api/feed/seen", tag = "Feed", request_body = Option<SeenUntil>, responses((status = 200, description = "`{\"seen_until\"}`")))]
async fn see(Who(caller): Who, State(app): State<App>, until: Option<Json<SeenUntil>>) -> Result<Json<Value>, Problem> {
    app::writes(&caller)?;
    let now = app.now();
    // What comes later was not seen, whatever a client's clock says.
    let at = until.and_then(|Json(until)| until.at).unwrap_or(now).min(now);
    app.store.see_feed(&caller, at).await?;
    let (_, until) = app.store.seen_of_feed(&caller, &HashSet::new()).await?;
    Ok(Json(json!({"seen_until": until})))
}

/// What happened in a team's library. The parameters are those of `GET /api/feed`; the kind `access`, which stands alone,
/// tells who was let into collections, and which workspace they went to.
#[utoipa::path(get, path = "/api/teams/{team}/feed", tag = "Feed", params(("team" = u64, Path), ("cursor" = Option<String>, Query),
    ("limit" = Option<usize>, Query), ("collection" = Option<String>, Query), ("user" = Option<String>, Query), ("kind" = Option<String>, Query),
    ("item" = Option<String>, Query), ("since" = Option<String>, Query), ("until" = Option<String>, Query)),
    responses((status = 200, description = "`{\"entries\":[…],\"cursor\"}`"), (status = 400, description = "Names the parameter")))]
async fn team(By(by): By<ReadTeam>, Query(asked): Query<FeedQuery>, State(app): State<App>) -> Result<Json<Value>, Problem> {
    let wanted = asked.wanted(&app, &by.caller).await?;
    let page = app.store.team_feed(&by, &wanted, asked.cursor.as_deref(), asked.limit()).await?.together();
    let seen = app.store.seen(&by.caller, &page.collections()).await?;
    Ok(Json(shown(page, |entry| entry.shows(|one| seen.contains_key(one)), |_| None)))
}

//! Activity feeds: what happened in a team's library, and in what the caller follows. Newest first.

mod inbox;
mod preferences;
mod webhooks;

use app::{App, By, Holder, Json, Problem, Query, Var};
use axum::extract::State;
use domain::access::ReadTeam;
use domain::limit;
use serde::Deserialize;
use serde_json::{Value, json};
use store::feed::{Entry, FeedPage};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What it needs of the environment.
pub const NEEDS: &[Var] = &[Var::TableName, Var::PagesUrl, Var::TokenSecretId, Var::RateLimit];

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(mine))
        .routes(routes!(team))
        .routes(routes!(inbox::list))
        .routes(routes!(inbox::read))
        .routes(routes!(preferences::get, preferences::put))
        .routes(routes!(preferences::resume))
        .routes(routes!(preferences::unsubscribe))
        .routes(routes!(webhooks::of_collection, webhooks::make_of_collection))
        .routes(routes!(webhooks::of_team, webhooks::make_of_team))
        .routes(routes!(webhooks::find, webhooks::change, webhooks::delete))
        .routes(routes!(webhooks::rotate))
        .routes(routes!(webhooks::test))
        .routes(routes!(webhooks::deliveries))
        .routes(routes!(webhooks::redeliver))
}

#[derive(Deserialize)]
struct Asked {
    cursor: Option<String>,
    limit: Option<usize>,
    collection: Option<String>,
    user: Option<String>,
    kind: Option<String>,
    item: Option<String>,
}

impl Asked {
    fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    fn limit(&self) -> usize {
        self.limit.unwrap_or(50).clamp(1, limit::PAGE)
    }

    fn wants(&self, entry: &Entry) -> bool {
        let is = |asked: &Option<String>, value: &str| asked.as_ref().is_none_or(|asked| asked == value);
        let collection =
            self.collection.as_deref().is_none_or(|asked| asked == entry.collection.as_str() || asked == entry.collection.uid(entry.owner));
        let item = self.item.as_ref().is_none_or(|asked| entry.item.as_ref().is_some_and(|item| item.id.as_str() == asked));
        collection && item && is(&self.user, &entry.actor.id.to_string()) && is(&self.kind, entry.kind())
    }
}

fn shown(page: FeedPage, keep: impl Fn(&Entry) -> bool) -> Json<Value> {
    let entries: Vec<Value> = page
        .entries
        .iter()
        .filter(|entry| keep(entry))
        .map(|entry| {
            json!({
                "id": match &entry.comment {
                    Some(one) => format!("{}:{}", entry.collection, one.id),
                    None => format!("{}:{}", entry.collection, entry.seq),
                },
                "at": entry.at,
                "actor": entry.actor,
                "op": entry.kind(),
                "collection": {"id": entry.collection, "name": entry.collection_name},
                "item": entry.item,
                "pull": entry.pull,
                "seq": entry.seq,
                "count": entry.count,
                "counts": entry.counts,
                "comment": entry.comment.as_ref().map(|one| json!({"id": one.comment, "thread": one.thread, "op": one.did})),
            })
        })
        .collect();
    Json(json!({"entries": entries, "cursor": page.cursor}))
}

/// What happened in the collections that the caller follows.
#[utoipa::path(get, path = "/api/feed", tag = "Feed", params(("cursor" = Option<String>, Query), ("limit" = Option<usize>, Query),
    ("collection" = Option<String>, Query), ("user" = Option<String>, Query), ("kind" = Option<String>, Query), ("item" = Option<String>, Query)),
    responses((status = 200, description = "`{\"entries\":[…],\"cursor\"}`")))]
async fn mine(Holder(caller): Holder, Query(asked): Query<Asked>, State(app): State<App>) -> Result<Json<Value>, Problem> {
    let page = app.store.user_feed(caller.user, asked.cursor.as_deref(), asked.limit()).await?;
    // Who left a team, or lost sight of a collection, does not read on what was written into their feed before.
    let seen = app.store.seen(&caller, &page.collections()).await?;
    Ok(shown(page, |entry| entry.shows(|one| seen.contains_key(one)) && asked.wants(entry)))
}

/// What happened in a team's library.
#[utoipa::path(get, path = "/api/teams/{team}/feed", tag = "Feed", params(("team" = u64, Path), ("cursor" = Option<String>, Query),
    ("limit" = Option<usize>, Query), ("collection" = Option<String>, Query), ("user" = Option<String>, Query), ("kind" = Option<String>, Query),
    ("item" = Option<String>, Query)), responses((status = 200, description = "`{\"entries\":[…],\"cursor\"}`")))]
async fn team(By(by): By<ReadTeam>, Query(asked): Query<Asked>, State(app): State<App>) -> Result<Json<Value>, Problem> {
    let page = app.store.team_feed(&by, asked.cursor.as_deref(), asked.limit()).await?;
    let seen = app.store.seen(&by.caller, &page.collections()).await?;
    Ok(shown(page, |entry| entry.shows(|one| seen.contains_key(one)) && asked.wants(entry)))
}

//! Tags, in the Postman API's shapes.

use app::{App, By, Holder, Json, Path, Problem, Query};
use axum::extract::State;
use domain::access::{ReadCollection, ReadWorkspace};
use domain::tags::{Slug, Tag};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use store::cursor;

fn told(tags: &[Tag]) -> Json<Value> {
    Json(json!({"tags": tags.iter().map(|tag| json!({"slug": tag.slug})).collect::<Vec<_>>()}))
}

/// A collection's tags.
#[utoipa::path(get, path = "/api/collections/{collection}/tags", tag = "Tags", params(("collection" = String, Path)),
    responses((status = 200, description = "`{\"tags\":[{\"slug\"}]}`")))]
pub(crate) async fn of_collection(By(by): By<ReadCollection>) -> Json<Value> {
    told(&by.thing.tags)
}

/// A workspace's tags.
#[utoipa::path(get, path = "/api/workspaces/{workspace}/tags", tag = "Tags", params(("workspace" = String, Path)),
    responses((status = 200, description = "`{\"tags\":[{\"slug\"}]}`")))]
pub(crate) async fn of_workspace(By(by): By<ReadWorkspace>, State(app): State<App>) -> Result<Json<Value>, Problem> {
    let tags = app.store.workspace_tags(std::slice::from_ref(&by.thing.id)).await?.remove(&by.thing.id);
    Ok(told(&tags.unwrap_or_default()))
}

#[derive(Deserialize)]
pub(crate) struct Page {
    limit: Option<usize>,
    direction: Option<String>,
    cursor: Option<String>,
}

/// What has a tag: the caller's workspaces and collections, the last tagged first.
#[utoipa::path(get, path = "/api/tags/{slug}/entities", tag = "Tags",
    params(("slug" = String, Path), ("limit" = Option<usize>, Query), ("direction" = Option<String>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, description = "`{\"data\":{\"entities\":[{\"entityId\",\"entityType\"}]},\"meta\":{\"count\",\"nextCursor\"}}`")))]
pub(crate) async fn entities(
    Holder(caller): Holder,
    Path(slug): Path<String>,
    Query(page): Query<Page>,
    State(app): State<App>,
) -> Result<Json<Value>, Problem> {
    let slug = Slug::parse(&slug).map_err(|rejected| Problem::field("/slug", rejected.0))?;
    let newest_first = match page.direction.as_deref() {
        None | Some("desc") => true,
        Some("asc") => false,
        Some(_) => return Err(Problem::field("/direction", "asc or desc")),
    };
    let since = |tags: &[Tag]| tags.iter().find(|tag| tag.slug == slug).map(|tag| tag.at);
    let mut all: Vec<(Timestamp, String, &str)> = Vec::new();
    for listed in app.visible(&caller).await? {
        all.extend(since(&listed.tags).map(|at| (at, listed.collection.uid(listed.owner), "collection")));
    }
    if caller.only.is_none() {
        let workspaces: Vec<_> = app.store.workspaces(&caller).await?.into_iter().map(|workspace| workspace.id).collect();
        let tagged = app.store.workspace_tags(&workspaces).await?;
        all.extend(tagged.iter().filter_map(|(workspace, tags)| Some((since(tags)?, workspace.to_string(), "workspace"))));
    }
    all.sort();
    if newest_first {
        all.reverse();
    }
    // The place of the last one of the page before.
    let behind = cursor::place(page.cursor.as_deref(), |place| serde_json::from_str::<(Timestamp, String)>(&place).ok())?;
    if let Some((at, id)) = behind {
        all.retain(|one| if newest_first { (one.0, &one.1) < (at, &id) } else { (one.0, &one.1) > (at, &id) });
    }
    let limit = page.limit.unwrap_or(10).clamp(1, 50);
    let next = all.get(limit).and(all.get(limit - 1)).and_then(|last| serde_json::to_vec(&(last.0, &last.1)).ok());
    all.truncate(limit);
    let mut meta = json!({"count": all.len()});
    if let Some(next) = next {
        meta["nextCursor"] = json!(cursor::of(next));
    }
    let entities: Vec<Value> = all.iter().map(|(_, id, kind)| json!({"entityId": id, "entityType": kind})).collect();
    Ok(Json(json!({"data": {"entities": entities}, "meta": meta})))
}

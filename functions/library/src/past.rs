//! What was: a collection at an earlier number, an element's history, the trash; and the proof of what is.

use app::{App, By, Document, Json, Path, Problem, Query};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::access::{ReadCollection, ReadWorkspace};
use domain::ids::ElementId;
use domain::{format, limit, proof};
use serde::Deserialize;
use serde_json::{Value, json};

/// The proof of the collection's state: who computes the same hash holds the same collection. The hash is SHA-256 over one
/// line for the collection and one for each element in the order of the tree, `<depth> <kind> <id> <digest>`; the digest is
/// the SHA-256 of the element's JSON as its own address answers it, without white space between tokens (the collection's, at
/// depth 0: the document with an empty `item`).
#[utoipa::path(get, path = "/api/collections/{collection}/state", tag = "Changes", params(("collection" = String, Path)),
    responses((status = 200, description = "`{\"revision\",\"count\",\"hash\"}`")))]
pub(crate) async fn state(By(by): By<ReadCollection>, State(app): State<App>) -> Result<Json<Value>, Problem> {
    let whole = app.store.whole(&by.thing).await?;
    let head = by.thing;
    let prove = move || proof::of(&head, &whole.root.json, &whole.elements);
    // Off the async threads: ten thousand elements take a moment.
    let proof = tokio::task::spawn_blocking(prove).await.map_err(|error| Problem::Internal(error.to_string()))?;
    Ok(Json(json!(proof)))
}

/// The collection as it was after change `seq`.
#[utoipa::path(get, path = "/api/collections/{collection}/at/{seq}", tag = "Changes",
    params(("collection" = String, Path), ("seq" = u64, Path)), responses((status = 200, description = "`{\"collection\": …}`"),
    (status = 410, description = "What was deleted or replaced since is no longer kept")))]
pub(crate) async fn at(
    By(by): By<ReadCollection>,
    Path((_, seq)): Path<(String, u64)>,
    State(app): State<App>,
) -> Result<Response, Problem> {
    let whole = app.store.at(&by, seq, app.now()).await?;
    let head = by.thing;
    let join =
        move || format!("{{\"collection\":{}}}", format::join(&whole.root.json, &whole.elements, Some((&head.collection, head.owner))));
    let text = tokio::task::spawn_blocking(join).await.map_err(|error| Problem::Internal(error.to_string()))?;
    Ok(Document(text).into_response())
}

#[derive(Deserialize)]
pub(crate) struct Page {
    cursor: Option<u64>,
    limit: Option<usize>,
}

/// What happened to an element, also to a deleted one, the latest first: who, when, with which program, what changed.
#[utoipa::path(get, path = "/api/collections/{collection}/items/{item}/history", tag = "Changes",
    params(("collection" = String, Path), ("item" = String, Path), ("cursor" = Option<u64>, Query), ("limit" = Option<usize>, Query)),
    responses((status = 200, description = "`{\"changes\":[…],\"cursor\":…}`")))]
pub(crate) async fn history(
    By(by): By<ReadCollection>,
    Path((_, item)): Path<(String, String)>,
    Query(page): Query<Page>,
    State(app): State<App>,
) -> Result<Json<Value>, Problem> {
    let id = ElementId::parse(&item).map_err(|_| Problem::NotFound("item"))?;
    let limit = page.limit.unwrap_or(20).clamp(1, limit::PAGE);
    let (changes, next) = app.store.history(&by, &id, page.cursor, limit).await?;
    Ok(Json(json!({"changes": changes, "cursor": next})))
}

/// What was deleted in a collection during the last 90 days, the latest first.
#[utoipa::path(get, path = "/api/collections/{collection}/trash", tag = "Changes", params(("collection" = String, Path)),
    responses((status = 200, description = "`{\"trash\":[{\"seq\",\"item\",\"count\",\"by\",\"at\",\"restore\"}]}`: `restore` is what to send to `…/restore`")))]
pub(crate) async fn trash(By(by): By<ReadCollection>, State(app): State<App>) -> Result<Json<Value>, Problem> {
    let trash = app.store.trash(&by).await?;
    let shown: Vec<Value> = trash
        .into_iter()
        .map(|one| {
            let restore = json!({"seq": one.seq - 1, "item": one.item.id});
            json!({"seq": one.seq, "item": one.item, "count": one.count, "by": one.by, "at": one.at, "restore": restore})
        })
        .collect();
    Ok(Json(json!({"trash": shown})))
}

/// The collections of a workspace that were deleted during the last 90 days, the latest first.
#[utoipa::path(get, path = "/api/workspaces/{workspace}/trash", tag = "Collections", params(("workspace" = String, Path)),
    responses((status = 200, description = "`{\"collections\":[{\"id\",\"name\",\"count\",\"by\",\"at\"}]}`")))]
pub(crate) async fn trashed_collections(By(by): By<ReadWorkspace>, State(app): State<App>) -> Result<Json<Value>, Problem> {
    let trash = app.store.trashed_collections(&by).await?;
    let shown: Vec<Value> = trash
        .into_iter()
        .map(|(one, _)| json!({"id": one.collection, "name": one.name, "count": one.count, "by": one.by, "at": one.at}))
        .collect();
    Ok(Json(json!({"collections": shown})))
}

//! Bringing back what was.

use app::{App, By, Json, Problem};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use domain::access::{EditCollection, RestoreCollection};
use domain::ids::ElementId;
use serde::Deserialize;
use serde_json::json;

use crate::whole::told;

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = restore::What)]
#[serde(deny_unknown_fields)]
pub(crate) struct What {
    seq: u64,
    item: Option<String>,
}

/// Bring back what was after change `seq`: the element `item` with everything that stood in it, or the whole collection. It
/// is a change like any other: what it replaces stays in the history.
#[utoipa::path(post, path = "/api/collections/{collection}/restore", tag = "Changes", request_body = What, params(("collection" = String, Path)),
    responses((status = 200, description = "`{\"collection\":{\"id\",\"name\",\"uid\"},\"revision\"}`")))]
pub(crate) async fn restore(By(by): By<EditCollection>, State(app): State<App>, Json(what): Json<What>) -> Result<Response, Problem> {
    let item = what.item.map(|raw| ElementId::parse(&raw).map_err(|_| Problem::field("/item", "there is no such item"))).transpose()?;
    let head = app.store.restore(&by, what.seq, item.as_ref(), || app.new_id().into(), app.now()).await?;
    let body = json!({"collection": {"id": head.collection, "name": head.name, "uid": head.uid()}, "revision": head.seq});
    Ok(([(header::ETAG, format!("\"{}\"", head.seq))], Json(body)).into_response())
}

/// Bring back a deleted collection, as it was.
#[utoipa::path(post, path = "/api/trash/{collection}/restore", tag = "Collections", params(("collection" = String, Path)),
    responses((status = 200, description = "`{\"collection\":{\"id\",\"name\",\"uid\"}}`")))]
pub(crate) async fn restore_collection(By(by): By<RestoreCollection>, State(app): State<App>) -> Result<Response, Problem> {
    Ok(told(&app.store.restore_collection(&by, app.now()).await?))
}

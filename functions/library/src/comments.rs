//! What people say about a collection and what is in it, at the Postman API's addresses. Newest first, as there.

use app::{App, By, Fetched, Json, Path, Problem, Query};
use axum::extract::State;
use domain::access::{Access, ReadComments};
use domain::collection::Kind;
use domain::comment::Topic;
use domain::ids::ElementId;
use domain::limit;
use serde::Deserialize;
use serde_json::{Value, json};

/// Which page; without, the newest.
#[derive(Deserialize)]
pub(crate) struct Asked {
    cursor: Option<String>,
    limit: Option<usize>,
}

async fn list(
    app: &App,
    by: &Access<ReadComments>,
    of: Option<(Kind, &str)>,
    fetched: &Fetched,
    asked: Asked,
) -> Result<Json<Value>, Problem> {
    let topic = match of {
        None => Topic::Collection,
        Some((kind, item)) => {
            let gone = || Problem::NotFound(kind.as_str());
            let id = ElementId::parse(item).map_err(|_| gone())?;
            app.store.element(&by.thing, &id, &fetched.0).await?.filter(|element| element.kind == kind).ok_or_else(gone)?;
            Topic::Element(id)
        }
    };
    let at_most = asked.limit.unwrap_or(limit::PAGE).clamp(1, limit::PAGE);
    let page = app.store.comments(by, &topic, asked.cursor.as_deref(), at_most).await?;
    let data: Vec<Value> = page.comments.iter().map(|said| said.comment.shown(said.thread.resolved_by.is_some())).collect();
    Ok(Json(json!({"data": data, "meta": {"nextCursor": page.cursor}})))
}

/// What is said about a collection itself.
#[utoipa::path(get, path = "/api/collections/{collection}/comments", tag = "Comments",
    params(("collection" = String, Path), ("cursor" = Option<String>, Query), ("limit" = Option<usize>, Query)),
    responses((status = 200, description = "`{\"data\":[{\"id\",\"threadId\",\"status\",\"createdBy\",\"createdAt\",\"updatedAt\",\"body\"}],\"meta\":{\"nextCursor\"}}`")))]
pub(crate) async fn on_collection(
    By(by): By<ReadComments>,
    fetched: Fetched,
    Query(asked): Query<Asked>,
    State(app): State<App>,
) -> Result<Json<Value>, Problem> {
    list(&app, &by, None, &fetched, asked).await
}

/// What is said about a folder.
#[utoipa::path(get, path = "/api/collections/{collection}/folders/{item}/comments", tag = "Comments",
    params(("collection" = String, Path), ("item" = String, Path), ("cursor" = Option<String>, Query), ("limit" = Option<usize>, Query)),
    responses((status = 200, description = "`{\"data\":[…],\"meta\":{\"nextCursor\"}}`")))]
pub(crate) async fn on_folder(
    By(by): By<ReadComments>,
    fetched: Fetched,
    Path((_, item)): Path<(String, String)>,
    Query(asked): Query<Asked>,
    State(app): State<App>,
) -> Result<Json<Value>, Problem> {
    list(&app, &by, Some((Kind::Folder, &item)), &fetched, asked).await
}

/// What is said about a request.
#[utoipa::path(get, path = "/api/collections/{collection}/requests/{item}/comments", tag = "Comments",
    params(("collection" = String, Path), ("item" = String, Path), ("cursor" = Option<String>, Query), ("limit" = Option<usize>, Query)),
    responses((status = 200, description = "`{\"data\":[…],\"meta\":{\"nextCursor\"}}`")))]
pub(crate) async fn on_request(
    By(by): By<ReadComments>,
    fetched: Fetched,
    Path((_, item)): Path<(String, String)>,
    Query(asked): Query<Asked>,
    State(app): State<App>,
) -> Result<Json<Value>, Problem> {
    list(&app, &by, Some((Kind::Request, &item)), &fetched, asked).await
}

/// What is said about a response.
#[utoipa::path(get, path = "/api/collections/{collection}/responses/{item}/comments", tag = "Comments",
    params(("collection" = String, Path), ("item" = String, Path), ("cursor" = Option<String>, Query), ("limit" = Option<usize>, Query)),
    responses((status = 200, description = "`{\"data\":[…],\"meta\":{\"nextCursor\"}}`")))]
pub(crate) async fn on_response(
    By(by): By<ReadComments>,
    fetched: Fetched,
    Path((_, item)): Path<(String, String)>,
    Query(asked): Query<Asked>,
    State(app): State<App>,
) -> Result<Json<Value>, Problem> {
    list(&app, &by, Some((Kind::Response, &item)), &fetched, asked).await
}

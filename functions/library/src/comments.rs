//! What people say about a collection and what is in it, at the Postman API's addresses. Newest first, as there.

use app::{App, By, Fetched, Json, Path, Problem, Query, Who};
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

async fn list(app: &App, by: &Access<ReadComments>, topic: &Topic, asked: Asked) -> Result<Json<Value>, Problem> {
    let at_most = asked.limit.unwrap_or(limit::PAGE).clamp(1, limit::PAGE);
    let page = app.store.comments(by, topic, asked.cursor.as_deref(), at_most).await?;
    let data: Vec<Value> = page.comments.iter().map(|said| said.comment.shown(said.thread.resolved_by.is_some())).collect();
    Ok(Json(json!({"data": data, "meta": {"nextCursor": page.cursor}})))
}

/// What is said about a collection itself.
#[utoipa::path(get, path = "/api/collections/{collection}/comments", tag = "Comments",
    params(("collection" = String, Path), ("cursor" = Option<String>, Query), ("limit" = Option<usize>, Query)),
    responses((status = 200, description = "`{\"data\":[{\"id\",\"threadId\",\"status\",\"createdBy\",\"createdAt\",\"updatedAt\",\"body\"}],\"meta\":{\"nextCursor\"}}`")))]
pub(crate) async fn on_collection(
    By(by): By<ReadComments>,
    Query(asked): Query<Asked>,
    State(app): State<App>,
) -> Result<Json<Value>, Problem> {
    list(&app, &by, &Topic::Collection, asked).await
}

/// What is said about a pull request. Who sees both of its collections sees it.
#[utoipa::path(get, path = "/api/pull-requests/{pull}/comments", tag = "Comments",
    params(("pull" = String, Path), ("cursor" = Option<String>, Query), ("limit" = Option<usize>, Query)),
    responses((status = 200, description = "`{\"data\":[…],\"meta\":{\"nextCursor\"}}`")))]
pub(crate) async fn on_pull(
    Who(caller): Who,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
    State(app): State<App>,
) -> Result<Json<Value>, Problem> {
    let pull = app.pull(&caller, &id).await?.pull;
    let by: Access<ReadComments> = app.reach(&caller, &pull.destination.collection).await?;
    list(&app, &by, &Topic::Pull(pull.id), asked).await
}

/// The handler for comments on one kind of element: each path has its own in the OpenAPI document.
macro_rules! said_on {
    ($(#[$doc:meta])* $name:ident, $kind:expr, $path:literal) => {
        $(#[$doc])*
        #[utoipa::path(get, path = $path, tag = "Comments",
            params(("collection" = String, Path), ("item" = String, Path), ("cursor" = Option<String>, Query), ("limit" = Option<usize>, Query)),
            responses((status = 200, description = "`{\"data\":[…],\"meta\":{\"nextCursor\"}}`")))]
        pub(crate) async fn $name(
            By(by): By<ReadComments>,
            fetched: Fetched,
            Path((_, item)): Path<(String, String)>,
            Query(asked): Query<Asked>,
            State(app): State<App>,
        ) -> Result<Json<Value>, Problem> {
            let gone = || Problem::NotFound($kind.as_str());
            let id = ElementId::parse(&item).map_err(|_| gone())?;
            app.store.element(&by.thing, &id, &fetched.0).await?.filter(|element| element.kind == $kind).ok_or_else(gone)?;
            list(&app, &by, &Topic::Element(id), asked).await
        }
    };
}

said_on! {
    /// What is said about a folder.
    on_folder, Kind::Folder, "/api/collections/{collection}/folders/{item}/comments"
}

said_on! {
    /// What is said about a request.
    on_request, Kind::Request, "/api/collections/{collection}/requests/{item}/comments"
}

said_on! {
    /// What is said about a response.
    on_response, Kind::Response, "/api/collections/{collection}/responses/{item}/comments"
}

//! A collection as a whole.

use std::sync::Arc;

use app::{App, By, Document, Fetched, Json, Problem, Seen};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use domain::access::{CreateCollection, DeleteCollection, EditCollection};
use domain::collection::Head;
use domain::format::{self, Parsed};
use domain::ids::ElementId;
use domain::json;
use domain::task::Work;
use serde_json::{Value, json as value};
use store::imports::Replaced;
use store::saves::Outcome;

use crate::items;
use crate::tasks::{self, Later};

/// Splits a document off the async threads: 6 MB take a moment.
pub(crate) async fn split(app: &App, document: String) -> Result<Parsed, Problem> {
    let app = app.clone();
    let split = move || format::split(&document, || app.new_id().into());
    let parsed = tokio::task::spawn_blocking(split).await.map_err(|error| Problem::Internal(error.to_string()))?;
    parsed.map_err(|rejected| Problem::field("/collection", rejected.0))
}

/// A collection as whoever made it or replaced it is told of it.
pub(crate) fn named(head: &Head) -> Value {
    value!({"collection": {"id": head.collection, "name": head.name, "uid": head.uid()}})
}

pub(crate) fn told(head: &Head) -> Response {
    ([(header::ETAG, format!("\"{}\"", head.seq))], Json(named(head))).into_response()
}

/// Import a collection (format 1, 2.0 or 2.1, wrapped in `{"collection": …}` or bare) into a workspace. With `Prefer:
/// respond-async` it is answered at once (202) with a task to ask for.
#[utoipa::path(post, path = "/api/collections", tag = "Collections", request_body(content = serde_json::Value, description = "`{\"collection\":{…}}` or the collection alone: Postman v1, v2.0 or v2.1"),
    params(("workspace" = Option<String>, Query, description = "The workspace; one's own where none is named")),
    responses((status = 200, description = "`{\"collection\":{\"id\",\"name\",\"uid\"}}`"),
        (status = 202, description = "With `Prefer: respond-async`: `{\"task\":{\"id\",\"status\",…}}`, to be asked for at `Location`")))]
pub(crate) async fn create(
    By(by): By<CreateCollection>,
    Later(later): Later,
    State(app): State<App>,
    Document(document): Document,
) -> Result<Response, Problem> {
    if later {
        let work = Work::Create { workspace: by.thing.id.clone(), collection: app.new_id().into() };
        return tasks::later(&app, &by.caller, work, Some(document.into_bytes())).await;
    }
    let parsed = split(&app, document).await?;
    let ids = (app.new_id().into(), app.new_id().into());
    let head = app.store.create_collection(&by, parsed, ids, app.now()).await?;
    Ok(told(&head))
}

/// Replace everything in a collection. Ids that match are kept. With `If-Match`, only if nothing changed since. With `Prefer:
/// respond-async` it is answered at once (202) with a task to ask for.
#[utoipa::path(put, path = "/api/collections/{collection}", tag = "Collections", request_body(content = serde_json::Value, description = "`{\"collection\":{…}}` or the collection alone: Postman v1, v2.0 or v2.1"), params(("collection" = String, Path)),
    responses((status = 200, description = "`{\"collection\":{\"id\",\"name\",\"uid\"}}`"),
        (status = 202, description = "With `Prefer: respond-async`: `{\"task\":{\"id\",\"status\",…}}`, to be asked for at `Location`")))]
pub(crate) async fn replace(
    By(by): By<EditCollection>,
    Seen(seen): Seen,
    Later(later): Later,
    State(app): State<App>,
    Document(document): Document,
) -> Result<Response, Problem> {
    if later {
        let work = Work::Replace { collection: by.thing.collection.clone(), seen: seen.revision };
        return tasks::later(&app, &by.caller, work, Some(document.into_bytes())).await;
    }
    let parsed = split(&app, document).await?;
    let generation = || app.new_id().into();
    match app.store.replace_collection(&by, parsed, seen.revision, generation, app.now()).await? {
        Replaced::Done(head) => Ok(told(&head)),
        Replaced::Stale(now) => Err(Problem::Precondition(now)),
    }
}

/// Change the collection's own part (name, description, variables, authorization, scripts) by a JSON Merge Patch.
#[utoipa::path(patch, path = "/api/collections/{collection}", tag = "Collections", request_body(content = serde_json::Value, description = "`{\"collection\":{…}}`: the parts of a collection, beside its items, that are changed"), params(("collection" = String, Path)),
    responses((status = 200, description = "`{\"collection\":{\"id\",\"name\",\"description\"}}`")))]
pub(crate) async fn change(
    By(by): By<EditCollection>,
    Seen(seen): Seen,
    fetched: Fetched,
    State(app): State<App>,
    Document(body): Document,
) -> Result<Json<Value>, Problem> {
    let patch = format::unwrap(&body);
    if !json::is_object(patch) {
        return Err(Problem::field("/collection", "a collection is a JSON object"));
    }
    if json::get(patch, "item").is_some() {
        return Err(Problem::field("/collection/item", "elements are changed at their own addresses, or all together by PUT"));
    }
    let patch = lift(patch);
    let id: ElementId = by.thing.collection.as_str().parse()?;
    let mine = Arc::new(move |seen: &str| Ok(json::merge_patch(seen, &patch)));
    match app.store.save(&by, &id, mine, seen, &fetched.0, app.now()).await? {
        Outcome::Saved { element, .. } => {
            let info = json::get(&element.json, "info").unwrap_or("{}");
            let text = |key| json::get(info, key).and_then(json::text);
            let body = value!({"collection": {"id": by.thing.collection, "name": text("name"), "description": text("description")}});
            Ok(Json(body))
        }
        refused => Err(items::refusal(refused)),
    }
}

/// Postman's clients put `name` and `description` beside `info`, too.
fn lift(patch: &str) -> String {
    let mut info = json::get(patch, "info").unwrap_or("{}").to_owned();
    let mut rest = patch.to_owned();
    for key in ["name", "description"] {
        if let Some(value) = json::get(patch, key) {
            info = json::set(&info, key, Some(value));
            rest = json::set(&rest, key, None);
        }
    }
    if info == "{}" { rest } else { json::set(&rest, "info", Some(&info)) }
}

/// Delete a collection.
#[utoipa::path(delete, path = "/api/collections/{collection}", tag = "Collections", params(("collection" = String, Path)),
    responses((status = 200, description = "`{\"collection\":{\"id\",\"uid\"}}`")))]
pub(crate) async fn delete(By(by): By<DeleteCollection>, State(app): State<App>) -> Result<Json<Value>, Problem> {
    app.store.delete_collection(&by, app.now()).await?;
    Ok(Json(value!({"collection": {"id": by.thing.collection, "uid": by.thing.uid()}})))
}

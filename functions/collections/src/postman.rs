//! Folders, requests and examples at the Postman API's own addresses, in its older shapes.

use std::sync::Arc;

use app::{App, By, Document, Fetched, Path, Problem, Query, Seen};
use axum::extract::State;
use domain::access::{Access, EditCollection};
use domain::collection::{Element, Kind};
use domain::ids::ElementId;
use domain::{format, json, postman};
use serde::Deserialize;
use store::saves::Outcome;

use crate::items;

/// Where a new one goes: a folder of the collection, or the request of an example.
#[derive(Deserialize)]
pub(crate) struct Under {
    #[serde(rename = "folderId")]
    folder: Option<String>,
    request: Option<String>,
}

async fn create(app: &App, by: &Access<EditCollection>, kind: Kind, under: Under, body: &str) -> Result<Document, Problem> {
    if !json::is_object(body) {
        return Err(Problem::field("", "this is a JSON object"));
    }
    let named = json::get(body, if kind == Kind::Response { "request" } else { "folder" }).and_then(json::text);
    let parent = under.request.filter(|_| kind == Kind::Response).or(under.folder.filter(|_| kind != Kind::Response)).or(named);
    let parent = parent.filter(|parent| !parent.is_empty()).map(|raw| items::item_id(&raw)).transpose()?;
    let mut own = postman::changed(kind, postman::empty(kind), body);
    if let Some(id) = json::get(body, "id").filter(|id| json::text(id).is_some_and(|id| ElementId::parse(&id).is_ok())) {
        own = json::set(&own, "id", Some(id));
    }
    let elements = format::split_item(&own, parent.as_ref(), Some(kind), || app.new_id().into())?;
    let element = app.store.add(by, elements, None, app.now()).await?;
    answer(app, by, &element, "create").await
}

async fn replace(
    app: &App,
    by: &Access<EditCollection>,
    kind: Kind,
    item: &str,
    seen: Seen,
    fetched: Fetched,
    body: String,
) -> Result<Document, Problem> {
    if !json::is_object(&body) {
        return Err(Problem::field("", "this is a JSON object"));
    }
    let id = of_kind(app, by, kind, item, &fetched).await?;
    let mine = Arc::new(move |seen: &str| Ok(postman::changed(kind, seen, &body)));
    match app.store.save(by, &id, mine, seen.0, &fetched.0, app.now()).await? {
        Outcome::Saved { element, .. } => answer(app, by, &element, "update").await,
        refused => Err(items::refusal(refused)),
    }
}

async fn delete(app: &App, by: &Access<EditCollection>, kind: Kind, item: &str, seen: Seen, fetched: Fetched) -> Result<Document, Problem> {
    let id = match by.caller.done() {
        // It is gone; the request is known again.
        Some(_) => items::item_id(item)?,
        None => of_kind(app, by, kind, item, &fetched).await?,
    };
    match app.store.remove(by, &id, seen.0, app.now()).await? {
        Ok(element) => {
            let data = format!("{{\"id\":{},\"owner\":\"{}\"}}", json::quote(element.id.as_str()), by.thing.owner);
            Ok(Document(postman::envelope(&element, "destroy", &data)))
        }
        Err(now) => Err(Problem::Precondition(now)),
    }
}

/// The id of an element that is of this kind.
async fn of_kind(app: &App, by: &Access<EditCollection>, kind: Kind, item: &str, fetched: &Fetched) -> Result<ElementId, Problem> {
    let id = items::item_id(item)?;
    if by.caller.done().is_some() {
        return Ok(id);
    }
    let element = app.store.element(&by.thing, &id, &fetched.0).await?.filter(|element| element.kind == kind);
    element.map(|element| element.id).ok_or(Problem::NotFound(kind.as_str()))
}

async fn answer(app: &App, by: &Access<EditCollection>, element: &Element, action: &str) -> Result<Document, Problem> {
    let whole = match action {
        "create" => None,
        _ => Some(app.store.whole(&by.thing).await?),
    };
    let elements = whole.as_ref().map_or(&[][..], |whole| &whole.elements);
    let around = postman::Around::of(&by.thing, elements, &element.id);
    Ok(Document(postman::envelope(element, action, &postman::shown(element, &around))))
}

/// Make a folder, in the Postman API's older shape.
#[utoipa::path(post, path = "/api/collections/{collection}/folders", tag = "Elements", params(("collection" = String, Path)),
    responses((status = 200, description = "`{\"model_id\",\"meta\",\"data\",\"revision\"}`")))]
pub(crate) async fn create_folder(
    By(by): By<EditCollection>,
    Query(under): Query<Under>,
    State(app): State<App>,
    Document(body): Document,
) -> Result<Document, Problem> {
    create(&app, &by, Kind::Folder, under, &body).await
}

/// Change a folder: what the body does not name stays.
#[utoipa::path(put, path = "/api/collections/{collection}/folders/{item}", tag = "Elements",
    params(("collection" = String, Path), ("item" = String, Path)), responses((status = 200, description = "`{\"model_id\",\"meta\",\"data\",\"revision\"}`")))]
pub(crate) async fn replace_folder(
    By(by): By<EditCollection>,
    seen: Seen,
    fetched: Fetched,
    Path((_, item)): Path<(String, String)>,
    State(app): State<App>,
    Document(body): Document,
) -> Result<Document, Problem> {
    replace(&app, &by, Kind::Folder, &item, seen, fetched, body).await
}

/// Delete a folder with everything in it.
#[utoipa::path(delete, path = "/api/collections/{collection}/folders/{item}", tag = "Elements",
    params(("collection" = String, Path), ("item" = String, Path)), responses((status = 200, description = "`{\"model_id\",\"meta\",\"data\",\"revision\"}`")))]
pub(crate) async fn delete_folder(
    By(by): By<EditCollection>,
    seen: Seen,
    fetched: Fetched,
    Path((_, item)): Path<(String, String)>,
    State(app): State<App>,
) -> Result<Document, Problem> {
    delete(&app, &by, Kind::Folder, &item, seen, fetched).await
}

/// Make a request in the folder `folderId`, in the Postman API's older shape.
#[utoipa::path(post, path = "/api/collections/{collection}/requests", tag = "Elements", params(("collection" = String, Path), ("folderId" = Option<String>, Query)),
    responses((status = 200, description = "`{\"model_id\",\"meta\",\"data\",\"revision\"}`")))]
pub(crate) async fn create_request(
    By(by): By<EditCollection>,
    Query(under): Query<Under>,
    State(app): State<App>,
    Document(body): Document,
) -> Result<Document, Problem> {
    create(&app, &by, Kind::Request, under, &body).await
}

/// Change a request: what the body does not name stays.
#[utoipa::path(put, path = "/api/collections/{collection}/requests/{item}", tag = "Elements",
    params(("collection" = String, Path), ("item" = String, Path)), responses((status = 200, description = "`{\"model_id\",\"meta\",\"data\",\"revision\"}`")))]
pub(crate) async fn replace_request(
    By(by): By<EditCollection>,
    seen: Seen,
    fetched: Fetched,
    Path((_, item)): Path<(String, String)>,
    State(app): State<App>,
    Document(body): Document,
) -> Result<Document, Problem> {
    replace(&app, &by, Kind::Request, &item, seen, fetched, body).await
}

/// Delete a request with everything in it.
#[utoipa::path(delete, path = "/api/collections/{collection}/requests/{item}", tag = "Elements",
    params(("collection" = String, Path), ("item" = String, Path)), responses((status = 200, description = "`{\"model_id\",\"meta\",\"data\",\"revision\"}`")))]
pub(crate) async fn delete_request(
    By(by): By<EditCollection>,
    seen: Seen,
    fetched: Fetched,
    Path((_, item)): Path<(String, String)>,
    State(app): State<App>,
) -> Result<Document, Problem> {
    delete(&app, &by, Kind::Request, &item, seen, fetched).await
}

/// Make a response of the request `request`, in the Postman API's older shape.
#[utoipa::path(post, path = "/api/collections/{collection}/responses", tag = "Elements", params(("collection" = String, Path), ("request" = Option<String>, Query)),
    responses((status = 200, description = "`{\"model_id\",\"meta\",\"data\",\"revision\"}`")))]
pub(crate) async fn create_response(
    By(by): By<EditCollection>,
    Query(under): Query<Under>,
    State(app): State<App>,
    Document(body): Document,
) -> Result<Document, Problem> {
    create(&app, &by, Kind::Response, under, &body).await
}

/// Change a response: what the body does not name stays.
#[utoipa::path(put, path = "/api/collections/{collection}/responses/{item}", tag = "Elements",
    params(("collection" = String, Path), ("item" = String, Path)), responses((status = 200, description = "`{\"model_id\",\"meta\",\"data\",\"revision\"}`")))]
pub(crate) async fn replace_response(
    By(by): By<EditCollection>,
    seen: Seen,
    fetched: Fetched,
    Path((_, item)): Path<(String, String)>,
    State(app): State<App>,
    Document(body): Document,
) -> Result<Document, Problem> {
    replace(&app, &by, Kind::Response, &item, seen, fetched, body).await
}

/// Delete a response.
#[utoipa::path(delete, path = "/api/collections/{collection}/responses/{item}", tag = "Elements",
    params(("collection" = String, Path), ("item" = String, Path)), responses((status = 200, description = "`{\"model_id\",\"meta\",\"data\",\"revision\"}`")))]
pub(crate) async fn delete_response(
    By(by): By<EditCollection>,
    seen: Seen,
    fetched: Fetched,
    Path((_, item)): Path<(String, String)>,
    State(app): State<App>,
) -> Result<Document, Problem> {
    delete(&app, &by, Kind::Response, &item, seen, fetched).await
}

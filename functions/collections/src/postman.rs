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

/// The three ways to write elements of a kind: their addresses differ in its word only.
macro_rules! written {
    ($kind:expr, $list:literal, $one:literal, $under:literal, $(#[$make:meta])* $create:ident, $(#[$change:meta])* $replace:ident, $(#[$drop:meta])* $delete:ident) => {
        $(#[$make])*
        #[utoipa::path(post, path = $list, tag = "Elements", request_body(content = serde_json::Value, description = "What the Postman API takes for it: `name`, `description`, and of a request its `url`, `method`, `headerData`, `dataMode` …"), params(("collection" = String, Path), ($under = Option<String>, Query)),
            responses((status = 200, description = "`{\"model_id\",\"meta\",\"data\",\"revision\"}`")))]
        pub(crate) async fn $create(
            By(by): By<EditCollection>,
            Query(under): Query<Under>,
            State(app): State<App>,
            Document(body): Document,
        ) -> Result<Document, Problem> {
            create(&app, &by, $kind, under, &body).await
        }

        $(#[$change])*
        #[utoipa::path(put, path = $one, tag = "Elements", request_body(content = serde_json::Value, description = "What the Postman API takes for it; fields that are left out stay"), params(("collection" = String, Path), ("item" = String, Path)),
            responses((status = 200, description = "`{\"model_id\",\"meta\",\"data\",\"revision\"}`")))]
        pub(crate) async fn $replace(
            By(by): By<EditCollection>,
            seen: Seen,
            fetched: Fetched,
            Path((_, item)): Path<(String, String)>,
            State(app): State<App>,
            Document(body): Document,
        ) -> Result<Document, Problem> {
            replace(&app, &by, $kind, &item, seen, fetched, body).await
        }

        $(#[$drop])*
        #[utoipa::path(delete, path = $one, tag = "Elements", params(("collection" = String, Path), ("item" = String, Path)),
            responses((status = 200, description = "`{\"model_id\",\"meta\",\"data\",\"revision\"}`")))]
        pub(crate) async fn $delete(
            By(by): By<EditCollection>,
            seen: Seen,
            fetched: Fetched,
            Path((_, item)): Path<(String, String)>,
            State(app): State<App>,
        ) -> Result<Document, Problem> {
            delete(&app, &by, $kind, &item, seen, fetched).await
        }
    };
}

written! {
    Kind::Folder, "/api/collections/{collection}/folders", "/api/collections/{collection}/folders/{item}", "folderId",
    /// Make a folder, in the folder `folderId` or in the collection itself, in the Postman API's older shape.
    create_folder,
    /// Change a folder: what the body does not name stays.
    replace_folder,
    /// Delete a folder with everything in it.
    delete_folder
}

written! {
    Kind::Request, "/api/collections/{collection}/requests", "/api/collections/{collection}/requests/{item}", "folderId",
    /// Make a request in the folder `folderId`, in the Postman API's older shape.
    create_request,
    /// Change a request: what the body does not name stays.
    replace_request,
    /// Delete a request with everything in it.
    delete_request
}

written! {
    Kind::Response, "/api/collections/{collection}/responses", "/api/collections/{collection}/responses/{item}", "request",
    /// Make a response of the request `request`, in the Postman API's older shape.
    create_response,
    /// Change a response: what the body does not name stays.
    replace_response,
    /// Delete a response.
    delete_response
}

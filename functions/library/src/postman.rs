//! Folders, requests and examples at the Postman API's own addresses, in its older shapes.

use app::{App, Document, Open, Path, Problem};
use axum::extract::State;
use domain::access::{Access, ReadCollection};
use domain::collection::Kind;
use domain::ids::ElementId;
use domain::postman;

async fn find(app: &App, by: &Access<ReadCollection>, kind: Kind, item: &str) -> Result<Document, Problem> {
    let id = ElementId::parse(item).map_err(|_| Problem::NotFound(kind.as_str()))?;
    let whole = app.store.whole(&by.thing).await?;
    let element = whole.elements.iter().find(|element| element.id == id && element.kind == kind);
    let element = element.ok_or(Problem::NotFound(kind.as_str()))?;
    let around = postman::Around::of(&by.thing, &whole.elements, &id);
    Ok(Document(postman::envelope(element, "find", &postman::shown(element, &around))))
}

/// A folder, in the Postman API's older shape.
#[utoipa::path(get, path = "/api/collections/{collection}/folders/{item}", tag = "Elements",
    params(("collection" = String, Path), ("item" = String, Path)), responses((status = 200, description = "`{\"model_id\",\"meta\",\"data\"}`")))]
pub(crate) async fn folder(
    Open(by): Open<ReadCollection>,
    Path((_, item)): Path<(String, String)>,
    State(app): State<App>,
) -> Result<Document, Problem> {
    find(&app, &by, Kind::Folder, &item).await
}

/// A request, in the Postman API's older shape.
#[utoipa::path(get, path = "/api/collections/{collection}/requests/{item}", tag = "Elements",
    params(("collection" = String, Path), ("item" = String, Path)), responses((status = 200, description = "`{\"model_id\",\"meta\",\"data\"}`")))]
pub(crate) async fn request(
    Open(by): Open<ReadCollection>,
    Path((_, item)): Path<(String, String)>,
    State(app): State<App>,
) -> Result<Document, Problem> {
    find(&app, &by, Kind::Request, &item).await
}

/// A response, in the Postman API's older shape.
#[utoipa::path(get, path = "/api/collections/{collection}/responses/{item}", tag = "Elements",
    params(("collection" = String, Path), ("item" = String, Path)), responses((status = 200, description = "`{\"model_id\",\"meta\",\"data\"}`")))]
pub(crate) async fn response(
    Open(by): Open<ReadCollection>,
    Path((_, item)): Path<(String, String)>,
    State(app): State<App>,
) -> Result<Document, Problem> {
    find(&app, &by, Kind::Response, &item).await
}

//! Elements, in the item JSON of collection format 2.1, without their children.

use std::sync::Arc;

use app::{App, By, Document, Fetched, Json, Path, Problem, Query, Seen};
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use domain::access::{EditCollection, ReadCollection};
use domain::collection::{self as tree, Element, Kind};
use domain::ids::ElementId;
use domain::patch::{self, Unfit};
use domain::{format, json};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json as value};
use store::saves::{Basis, Mine, Outcome};

pub(crate) fn item_id(raw: &str) -> Result<ElementId, Problem> {
    ElementId::parse(raw).map_err(|_| Problem::NotFound("item"))
}

fn answer(element: &Element, merged: bool) -> Response {
    let text = format::one(element);
    let text = if merged { json::set(&text, "merged", Some("true")) } else { text };
    ([(header::ETAG, format!("\"{}\"", element.revision))], Document(text)).into_response()
}

/// What the caller is told of an edit that was not written.
pub(crate) fn refusal(outcome: Outcome) -> Problem {
    match outcome {
        Outcome::Stale(now) => Problem::Precondition(now),
        Outcome::Overlap { base, mine, theirs, overlaps } => Problem::Stale(vec![
            ("base", base.unwrap_or_else(|| "null".to_owned())),
            ("mine", mine),
            ("theirs", format::one(&theirs)),
            ("conflicts", serde_json::to_string(&overlaps).unwrap_or_else(|_| "[]".to_owned())),
            ("choices", r#"["mine","theirs","merge"]"#.to_owned()),
            ("revision", theirs.revision.to_string()),
        ]),
        Outcome::Unfit(Unfit { pointer, reason }) => Problem::field(pointer, reason.0),
        Outcome::Saved { .. } => Problem::Internal("a saved edit is no refusal".to_owned()),
    }
}

#[derive(Deserialize)]
pub(crate) struct Where {
    parent: Option<String>,
    after: Option<String>,
}

/// Add an item (with whatever stands in it) to the end of the collection, or under `parent`, or behind `after`.
#[utoipa::path(post, path = "/api/collections/{collection}/items", tag = "Items", request_body(content = serde_json::Value, description = "An item of a collection of format 2.1: a folder, a request with its examples or, under a request, an example"), params(("collection" = String, Path),
    ("parent" = Option<String>, Query), ("after" = Option<String>, Query)), responses((status = 200, description = "The item")))]
pub(crate) async fn create(
    By(by): By<EditCollection>,
    Query(place): Query<Where>,
    State(app): State<App>,
    Document(body): Document,
) -> Result<Response, Problem> {
    let parent = place.parent.filter(|parent| !parent.is_empty()).map(|raw| item_id(&raw)).transpose()?;
    let after = place.after.map(|raw| item_id(&raw)).transpose()?;
    // Under a request stand its responses.
    let kind = match &parent {
        Some(parent) => {
            let parent = app.store.element(&by.thing, parent, &Default::default()).await?.ok_or(Problem::NotFound("parent"))?;
            (parent.kind == Kind::Request).then_some(Kind::Response)
        }
        None => None,
    };
    let elements = format::split_item(&body, parent.as_ref(), kind, || app.new_id().into())?;
    let element = app.store.add(&by, elements, after.as_ref().map(Some), app.now()).await?;
    Ok(answer(&element, false))
}

async fn save(
    app: &App,
    by: &domain::access::Access<EditCollection>,
    item: &str,
    mine: Mine,
    seen: Basis,
    fetched: &Fetched,
) -> Result<Response, Problem> {
    match app.store.save(by, &item_id(item)?, mine, seen, &fetched.0, app.now()).await? {
        Outcome::Saved { element, merged } => Ok(answer(&element, merged)),
        refused => Err(refusal(refused)),
    }
}

pub(crate) fn checked(body: &str) -> Result<(), Problem> {
    if !json::is_object(body) {
        return Err(Problem::field("", "an item is a JSON object"));
    }
    match format::brings_children(body) {
        Some(slot) => Err(Problem::field(format!("/{slot}"), "what stands in an item is changed at its own address")),
        None => Ok(()),
    }
}

/// An item as sent, with the empty arrays of children that it has: where they are left out, they stay. So does its
/// id, which is its address and no content: we show one also where the file has none.
pub(crate) fn with_slots(body: &str, seen: &str) -> String {
    let text = ["item", "response"].into_iter().fold(body.to_owned(), |text, slot| {
        let missing = json::get(&text, slot).is_none() && json::get(seen, slot).is_some_and(json::is_array);
        if missing { json::set(&text, slot, Some("[]")) } else { text }
    });
    let id = json::get(seen, "id");
    if json::get(&text, "id") == id { text } else { json::set(&text, "id", id) }
}

/// Replace an item's JSON. With `If-Match`, an edit that came between is merged or told (409); it is never overwritten.
#[utoipa::path(put, path = "/api/collections/{collection}/items/{item}", tag = "Items", request_body(content = serde_json::Value, description = "The item of format 2.1, without what stands in it"),
    params(("collection" = String, Path), ("item" = String, Path)),
    responses((status = 200, description = "The item as it is now; `\"merged\": true` where it was merged"), (status = 409, description = "Both sides, and the choices")))]
pub(crate) async fn replace(
    By(by): By<EditCollection>,
    Seen(seen): Seen,
    fetched: Fetched,
    Path((_, item)): Path<(String, String)>,
    State(app): State<App>,
    Document(body): Document,
) -> Result<Response, Problem> {
    checked(&body)?;
    save(&app, &by, &item, Arc::new(move |seen| Ok(with_slots(&body, seen))), seen, &fetched).await
}

/// Whether a body is a JSON Patch; other JSON is a JSON Merge Patch.
fn is_json_patch(headers: &HeaderMap) -> bool {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    given.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json-patch+json")
}

/// What makes the new JSON of an item from a patch.
pub(crate) fn patched(body: String, json_patch: bool) -> Result<Mine, Problem> {
    if !json_patch {
        checked(&body)?;
        return Ok(Arc::new(move |seen| Ok(with_slots(&json::merge_patch(seen, &body), seen))));
    }
    Ok(Arc::new(move |seen| {
        // A patch is written for what was shown: the item with its id.
        let text = patch::apply(seen, &body)?;
        if !json::is_object(&text) {
            return Err(Unfit::at("", "an item is a JSON object"));
        }
        match format::brings_children(&text) {
            Some(_) => Err(Unfit::at("", "what stands in an item is changed at its own address")),
            None => Ok(with_slots(&text, seen)),
        }
    }))
}

/// Change an item's JSON by a JSON Merge Patch (RFC 7396), or by a JSON Patch (RFC 6902, `application/json-patch+json`).
#[utoipa::path(patch, path = "/api/collections/{collection}/items/{item}", tag = "Items", request_body(content = serde_json::Value, description = "A JSON Merge Patch (RFC 7396) or, as `application/json-patch+json`, a JSON Patch (RFC 6902)"),
    params(("collection" = String, Path), ("item" = String, Path)), responses((status = 200, description = "The item as it is now")))]
pub(crate) async fn change(
    By(by): By<EditCollection>,
    Seen(seen): Seen,
    fetched: Fetched,
    headers: HeaderMap,
    Path((_, item)): Path<(String, String)>,
    State(app): State<App>,
    Document(body): Document,
) -> Result<Response, Problem> {
    let mine = patched(body, is_json_patch(&headers))?;
    save(&app, &by, &item, mine, seen, &fetched).await
}

/// Delete an item with everything in it. With `If-Match`, only if it did not change since.
#[utoipa::path(delete, path = "/api/collections/{collection}/items/{item}", tag = "Items",
    params(("collection" = String, Path), ("item" = String, Path)), responses((status = 200, description = "`{\"id\"}`")))]
pub(crate) async fn delete(
    By(by): By<EditCollection>,
    Seen(seen): Seen,
    Path((_, item)): Path<(String, String)>,
    State(app): State<App>,
) -> Result<Json<Value>, Problem> {
    match app.store.remove(&by, &item_id(&item)?, seen, app.now()).await? {
        Ok(element) => Ok(Json(value!({"id": element.id}))),
        Err(now) => Err(Problem::Precondition(now)),
    }
}

/// Put a copy of an item, with everything in it, right behind it.
#[utoipa::path(post, path = "/api/collections/{collection}/items/{item}/duplicate", tag = "Items",
    params(("collection" = String, Path), ("item" = String, Path)), responses((status = 200, description = "The copy")))]
pub(crate) async fn duplicate(
    By(by): By<EditCollection>,
    Path((_, item)): Path<(String, String)>,
    State(app): State<App>,
) -> Result<Response, Problem> {
    let id = item_id(&item)?;
    let whole = app.store.whole(&by.thing).await?;
    let copy = tree::copy(&whole.elements, &id, true, || app.new_id().into()).ok_or(Problem::NotFound("item"))?;
    Ok(answer(&app.store.add(&by, copy, Some(Some(&id)), app.now()).await?, false))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = items::Copy)]
#[serde(deny_unknown_fields)]
pub(crate) struct Copy {
    collection: String,
    parent: Option<String>,
    #[serde(default, deserialize_with = "present")]
    after: Option<Option<String>>,
}

/// Put a copy of an item, with everything in it, into another collection (or another place of this one).
#[utoipa::path(post, path = "/api/collections/{collection}/items/{item}/copy", tag = "Items", request_body = Copy,
    params(("collection" = String, Path), ("item" = String, Path)), responses((status = 200, description = "The copy")))]
pub(crate) async fn copy(
    By(from): By<ReadCollection>,
    Path((_, item)): Path<(String, String)>,
    State(app): State<App>,
    Json(to): Json<Copy>,
) -> Result<Response, Problem> {
    let id = item_id(&item)?;
    let by = app::edits(&app, &from.caller, &to.collection, "/collection").await?;
    let (parent, after) = place(to.parent, to.after)?;
    let whole = app.store.whole(&from.thing).await?;
    let mut copy = tree::copy(&whole.elements, &id, false, || app.new_id().into()).ok_or(Problem::NotFound("item"))?;
    if let Some(top) = copy.first_mut() {
        top.parent = parent;
    }
    let element = app.store.add(&by, copy, after.as_ref().map(Option::as_ref), app.now()).await?;
    Ok(answer(&element, false))
}

/// Where something is to stand, as a body names it: `parent`, and behind what.
fn place(parent: Option<String>, after: Option<Option<String>>) -> Result<(Option<ElementId>, Option<Option<ElementId>>), Problem> {
    let parent = parent.map(|raw| ElementId::parse(&raw).map_err(|_| Problem::field("/parent", "there is no such folder"))).transpose()?;
    let after = match after {
        None => None,
        Some(None) => Some(None),
        Some(Some(raw)) => Some(Some(ElementId::parse(&raw).map_err(|_| Problem::field("/after", "there is no such item"))?)),
    };
    Ok((parent, after))
}

/// Tells `null` from nothing.
pub(crate) fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(from).map(Some)
}

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = items::Move)]
#[serde(deny_unknown_fields)]
pub(crate) struct Move {
    parent: Option<String>,
    #[serde(default, deserialize_with = "present")]
    after: Option<Option<String>>,
}

/// Move an item under `parent` (`null`: to the collection itself), behind `after` (`null`: to the front; left out: to the end).
#[utoipa::path(post, path = "/api/collections/{collection}/items/{item}/move", tag = "Items", request_body = Move,
    params(("collection" = String, Path), ("item" = String, Path)), responses((status = 200, description = "The item")))]
pub(crate) async fn relocate(
    By(by): By<EditCollection>,
    Path((_, item)): Path<(String, String)>,
    State(app): State<App>,
    Json(to): Json<Move>,
) -> Result<Response, Problem> {
    let id = item_id(&item)?;
    let (parent, after) = place(to.parent, to.after)?;
    let after = after.as_ref().map(Option::as_ref);
    let element = app.store.relocate(&by, &id, parent.as_ref(), after, app.now()).await?;
    Ok(answer(&element, false))
}

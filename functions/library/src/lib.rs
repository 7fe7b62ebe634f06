//! Everything that reads collections: the library, whole collections, elements, changes, subscriptions.

use app::{App, By, Document, Export, Fetched, Holder, Json, Open, Path, Problem, Query, Var};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::access::ReadCollection;
use domain::collection::{self as tree, Element};
use domain::format::{self, Version};
use domain::ids::ElementId;
use serde::Deserialize;
use serde_json::{Value, json};

mod changes;
mod comments;
mod forks;
mod past;
mod postman;
mod pulls;
mod search;
mod shelf;
mod tags;

/// What it needs of the environment.
pub const NEEDS: &[Var] = &[Var::TableName, Var::PagesUrl, Var::TokenSecretId, Var::RateLimit];

app::routes! {
    shelf::collections;
    search::search;
    search::postman;
    tags::of_collection;
    tags::of_workspace;
    tags::entities;
    collection;
    items;
    item;
    changes::changes;
    postman::folder;
    postman::request;
    postman::response;
    forks::of;
    forks::mine;
    pulls::list;
    pulls::get;
    past::state;
    past::at;
    past::history;
    past::trash;
    past::trashed_collections;
    comments::on_collection;
    comments::on_folder;
    comments::on_request;
    comments::on_response;
    comments::on_pull;
    subscription;
    subscriptions;
    subscribers;
}

fn tagged(headers: &HeaderMap, revision: u64, body: impl FnOnce() -> String) -> Response {
    let tag = format!("\"{revision}\"");
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let fresh = known.is_some_and(|known| known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag));
    if fresh {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response();
    }
    ([(header::ETAG, tag)], Document(body())).into_response()
}

#[derive(Deserialize)]
struct Wanted {
    format: Option<String>,
    #[serde(default)]
    bare: bool,
}

/// What a collection is written as.
#[derive(Clone, Copy, PartialEq, Eq)]
enum As {
    /// A version of the format; `None` is the one that the collection came in.
    Postman(Option<Version>),
    OpenApi,
}

fn wanted_as(word: Option<&str>) -> Result<As, Problem> {
    match word {
        None | Some("") => Ok(As::Postman(Some(Version::V21))),
        Some("original") => Ok(As::Postman(None)),
        Some("openapi") => Ok(As::OpenApi),
        Some(word) => {
            let known = "the format is one of v2.1, v2.0, v1, original and openapi";
            Version::parse(word).map(|version| As::Postman(Some(version))).ok_or_else(|| Problem::field("/format", known))
        }
    }
}

/// A collection with everything in it, in format 2.1, or in the one that is asked for; `original` is the one that it
/// came in, and gives back what nobody changed as it was written; `openapi` is OpenAPI 3.1, always bare. `bare` leaves out the `{"collection": …}` around it.
#[utoipa::path(get, path = "/api/collections/{collection}", tag = "Collections",
    params(("collection" = String, Path), ("bare" = Option<bool>, Query),
        ("access_key" = Option<String>, Query, description = "An access key for it, instead of a sign-in"),
        ("format" = Option<String>, Query, description = "`v2.1` (where nothing is said), `v2.0`, `v1`, `original` or `openapi`")),
    responses((status = 200, description = "`{\"collection\": …}`")))]
async fn collection(
    Export(by): Export,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
    State(app): State<App>,
) -> Result<Response, Problem> {
    let head = by.thing;
    let written = wanted_as(wanted.format.as_deref())?;
    let whole = app.store.whole(&head).await?;
    // The tag is the revision, for `If-Match`: it does not tell one format from another.
    let headers = if written == As::Postman(Some(Version::V21)) && !wanted.bare { headers } else { HeaderMap::new() };
    let join = move || {
        tagged(&headers, head.seq, || {
            let As::Postman(version) = written else { return convert::to_openapi(&whole.root, &whole.elements) };
            let document = format::export(version, &whole.root, &whole.elements, (&head.collection, head.owner));
            if wanted.bare { document } else { format!("{{\"collection\":{document}}}") }
        })
    };
    // Off the async threads: 6 MB take a moment.
    tokio::task::spawn_blocking(join).await.map_err(|error| Problem::Internal(error.to_string()))
}

#[derive(Deserialize)]
struct Tree {
    parent: Option<String>,
    depth: Option<usize>,
}

/// The tree: what stands where, without content; below `parent` where it is named, `depth` levels of it.
#[utoipa::path(get, path = "/api/collections/{collection}/items", tag = "Items",
    params(("collection" = String, Path), ("parent" = Option<String>, Query), ("depth" = Option<usize>, Query)),
    responses((status = 200, description = "`{\"items\":[…],\"head\":n}`: parents before children, siblings in order")))]
async fn items(Open(by): Open<ReadCollection>, Query(asked): Query<Tree>, State(app): State<App>) -> Result<Json<Value>, Problem> {
    let whole = app.store.whole(&by.thing).await?;
    let parent = asked
        .parent
        .filter(|parent| !parent.is_empty())
        .map(|raw| ElementId::parse(&raw).map_err(|_| Problem::NotFound("parent")))
        .transpose()?;
    if let Some(parent) = &parent
        && !whole.elements.iter().any(|element| element.id == *parent)
    {
        return Err(Problem::NotFound("parent"));
    }
    let shown: Vec<Value> =
        tree::in_order(&whole.elements, parent.as_ref(), asked.depth.unwrap_or(usize::MAX)).into_iter().map(row).collect();
    Ok(Json(json!({"items": shown, "head": by.thing.seq})))
}

fn row(element: &Element) -> Value {
    let mut row = json!({
        "id": element.id,
        "parent": element.parent,
        "kind": element.kind,
        "name": element.name,
        "revision": element.revision,
        "order": element.order,
    });
    if let Some(method) = &element.method {
        row["method"] = json!(method);
        row["url"] = json!(element.url);
    }
    row
}

/// One element: its own JSON, with its revision as `ETag`.
#[utoipa::path(get, path = "/api/collections/{collection}/items/{item}", tag = "Items",
    params(("collection" = String, Path), ("item" = String, Path)), responses((status = 200, description = "The item")))]
async fn item(
    Open(by): Open<ReadCollection>,
    fetched: Fetched,
    headers: HeaderMap,
    Path((_, item)): Path<(String, String)>,
    State(app): State<App>,
) -> Result<Response, Problem> {
    let id = ElementId::parse(&item).map_err(|_| Problem::NotFound("item"))?;
    let element = app.store.element(&by.thing, &id, &fetched.0).await?.ok_or(Problem::NotFound("item"))?;
    Ok(tagged(&headers, element.revision, || format::one(&element)))
}

#[derive(Deserialize)]
struct Which {
    item: Option<String>,
}

/// The caller's subscription to a collection, or to an item of it.
#[utoipa::path(get, path = "/api/collections/{collection}/subscription", tag = "Subscriptions",
    params(("collection" = String, Path), ("item" = Option<String>, Query)),
    responses((status = 200, description = "`{\"subscription\":{…}}` or `{\"subscription\":null}`")))]
async fn subscription(By(by): By<ReadCollection>, Query(which): Query<Which>, State(app): State<App>) -> Result<Json<Value>, Problem> {
    let item = which.item.as_deref().map(|raw| ElementId::parse(raw).map_err(|_| Problem::NotFound("item"))).transpose()?;
    Ok(Json(json!({"subscription": app.store.subscription(&by, item.as_ref()).await?})))
}

/// Who follows a collection, or something in it, and the groups that do: whoever is in one, and has chosen nothing
/// themselves, says which `group` it is. How people are told is theirs to know.
#[utoipa::path(get, path = "/api/collections/{collection}/subscribers", tag = "Subscriptions", params(("collection" = String, Path)),
    responses((status = 200, description = "`{\"subscribers\":[{\"user\":{\"id\",\"username\"},\"item\",\"since\",\"group\"}],\"groups\":[{\"id\",\"name\",\"mail\",\"since\"}]}`")))]
async fn subscribers(By(by): By<ReadCollection>, State(app): State<App>) -> Result<Json<Value>, Problem> {
    let (mut all, following) =
        tokio::try_join!(app.store.subscribers(&by.thing.collection), app.store.groups_following(&by.thing.collection))?;
    let names = match by.thing.team.filter(|_| !following.is_empty()) {
        Some(team) => app.store.groups(team).await?,
        None => Vec::new(),
    };
    let mut users: Vec<_> = all.iter().map(|subscription| subscription.user).collect();
    users.sort();
    users.dedup();
    let readers = app.store.readers(&by.thing.collection, &users).await?;
    all.retain(|subscription| readers.iter().any(|reader| reader.id == subscription.user));
    all.sort_by_key(|subscription| subscription.since);
    let shown = all.into_iter().map(|subscription| {
        let user = json!({"id": subscription.user, "username": subscription.username});
        json!({"user": user, "item": subscription.item, "since": subscription.since, "group": subscription.group})
    });
    let groups = following.iter().filter_map(|one| {
        let group = names.iter().find(|group| group.id == one.group)?;
        Some(json!({"id": group.id, "name": group.name, "socket": one.socket, "feed": one.feed, "mail": one.mail, "since": one.since}))
    });
    Ok(Json(json!({"subscribers": shown.collect::<Vec<_>>(), "groups": groups.collect::<Vec<_>>()})))
}

/// All of the caller's subscriptions.
#[utoipa::path(get, path = "/api/subscriptions", tag = "Subscriptions", responses((status = 200, description = "`{\"subscriptions\":[…]}`")))]
async fn subscriptions(Holder(caller): Holder, State(app): State<App>) -> Result<Json<Value>, Problem> {
    let seen: Vec<_> = app.store.subscriptions_seen(&caller).await?.into_iter().map(|(subscription, _)| subscription).collect();
    Ok(Json(json!({"subscriptions": seen})))
}

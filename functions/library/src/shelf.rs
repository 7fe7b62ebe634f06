//! The library: which collections there are.

use std::collections::{HashMap, HashSet};

use app::{App, Holder, Json, Open, Problem, Query};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use domain::access::{Caller, ReadWorkspace};
use domain::ids::UserId;
use domain::search::fold;
use serde::Deserialize;
use serde_json::{Value, json};
use store::imports::Listed;

#[derive(Deserialize)]
pub(crate) struct Listing {
    workspace: Option<String>,
    name: Option<String>,
    limit: Option<usize>,
    offset: Option<usize>,
    sort: Option<String>,
    tag: Option<String>,
    favorite: Option<bool>,
}

/// The collections of a workspace, or of all of the caller's workspaces: the last changed first, or by `name`, by `author`
/// (who made them), or the caller's `favorites` first. `tag` and `favorite` leave out what has not got that tag, or the
/// caller's star (or has it: `false`). Who asks for favourites is told which ones are.
#[utoipa::path(get, path = "/api/collections", tag = "Collections",
    params(("workspace" = Option<String>, Query), ("name" = Option<String>, Query), ("limit" = Option<usize>, Query), ("offset" = Option<usize>, Query),
        ("sort" = Option<String>, Query, description = "`updated` (where nothing is said), `name`, `author` or `favorites`"),
        ("tag" = Option<String>, Query), ("favorite" = Option<bool>, Query)),
    responses((status = 200, description = "`{\"collections\":[…]}`, with `meta` where it is a page")))]
pub(crate) async fn collections(Query(asked): Query<Listing>, State(app): State<App>, request: Request) -> Result<Json<Value>, Problem> {
    let (mut parts, _) = request.into_parts();
    let (caller, mut found) = listed(&app, asked.workspace.as_deref(), &mut parts).await?;
    let sort = asked.sort.as_deref().unwrap_or("updated");
    let stars = match asked.favorite.is_some() || sort == "favorites" {
        true => Some(app.store.stars(caller.user).await?),
        false => None,
    };
    let starred = |listed: &Listed| stars.as_ref().is_some_and(|stars| stars.contains(&listed.collection));
    found.retain(|listed| {
        asked.name.as_ref().is_none_or(|name| listed.name == *name)
            && asked.tag.as_ref().is_none_or(|tag| listed.tags.iter().any(|one| one.slug.as_str() == tag))
            && asked.favorite.is_none_or(|wanted| starred(listed) == wanted)
    });
    found.sort_by(|a, b| b.updated_at.cmp(&a.updated_at).then_with(|| a.collection.cmp(&b.collection)));
    match sort {
        "updated" => (),
        "name" => found.sort_by_cached_key(|listed| fold(&listed.name)),
        "favorites" => found.sort_by_key(|listed| !starred(listed)),
        "author" => {
            let names: HashMap<UserId, String> = app.store.names(found.iter().map(|listed| listed.owner).collect::<HashSet<_>>()).await?;
            found.sort_by_cached_key(|listed| names.get(&listed.owner).map(|name| fold(name)).unwrap_or_default());
        }
        _ => return Err(Problem::field("/sort", "what is listed is sorted by updated, name, author or favorites")),
    }
    let total = found.len();
    let offset = asked.offset.unwrap_or(0);
    let page = found.iter().skip(offset).take(asked.limit.unwrap_or(usize::MAX));
    let shown: Vec<Value> = page
        .map(|listed| {
            let mut shown = json!({
                "id": listed.collection,
                "name": listed.name,
                "owner": listed.owner.to_string(),
                "uid": listed.collection.uid(listed.owner),
                "createdAt": listed.created_at,
                "updatedAt": listed.updated_at,
                "isPublic": listed.public,
                "workspace": listed.workspace,
                "team": listed.team,
                "count": listed.count,
                "revision": listed.seq,
                "fork": listed.fork.as_ref().map(app::show::fork),
                "tags": listed.tags.iter().map(|tag| json!({"slug": tag.slug})).collect::<Vec<_>>(),
            });
            if stars.is_some() {
                shown["favorite"] = json!(starred(listed));
            }
            shown
        })
        .collect();
    let mut body = json!({"collections": shown});
    if asked.limit.is_some() || asked.offset.is_some() {
        body["meta"] = json!({"total": total, "offset": offset, "limit": asked.limit});
    }
    Ok(Json(body))
}

/// What lies in the workspaces that are asked for and that the caller may read. One that is named is read together with
/// the caller; as with Postman, one that is not there is an empty one.
pub(crate) async fn listed(app: &App, asked: Option<&str>, parts: &mut Parts) -> Result<(Caller, Vec<Listed>), Problem> {
    if asked.is_some() {
        match Open::<ReadWorkspace>::from_request_parts(parts, app).await {
            Ok(Open(by)) => {
                let listed = app.store.listed(&by).await?;
                return Ok((by.caller, listed));
            }
            Err(Problem::NotFound(_)) => (),
            Err(problem) => return Err(problem),
        }
    }
    let Holder(caller) = Holder::from_request_parts(parts, app).await?;
    let found = match (&caller.only, asked) {
        (None, None) => app.visible(&caller).await?,
        (None, Some(_)) => Vec::new(),
        (Some(_), asked) => {
            let mut found = app.visible(&caller).await?;
            found.retain(|found| asked.is_none_or(|asked| asked == found.workspace.as_str()));
            found
        }
    };
    Ok((caller, found))
}

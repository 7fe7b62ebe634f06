//! Keys for programs, and access keys for collections.

use std::cmp::Reverse;
use std::collections::HashMap;

use app::App;
use axum::extract::State;
use axum::response::Response;
use domain::access::{Access, Caller, ReadWorkspace};
use domain::account::Scope;
use domain::ids::CollectionId;
use serde::Deserialize;
use store::imports::Listed;

use crate::answer::{Lost, On, page};
use crate::frame;
use crate::views::{AccessKey, Choice, Key, Keys, Moment};

/// Collections that a page offers to choose from: the ones that changed last.
const CHOICES: usize = 500;
/// What a collection is called that is not there any more.
const GONE: &str = "a deleted collection";

#[derive(Debug, Deserialize)]
pub struct Asked {
    collection: Option<String>,
}

/// The caller's keys, and what new ones can be for.
#[utoipa::path(get, path = "/account/keys", params(("collection" = Option<String>, Query, description = "The one that is chosen beforehand")), responses((status = 200), (status = 303)))]
pub async fn keys(
    State(app): State<App>,
    On(app::Who(caller)): On<app::Who>,
    On(app::Query(asked)): On<app::Query<Asked>>,
) -> Result<Response, Lost> {
    let now = app.now();
    let api = async { app.store.api_keys(caller.user, now).await.map_err(Lost::from) };
    let access = async { app.store.own_access_keys(caller.user, now).await.map_err(Lost::from) };
    let (frame, mut api, mut access, choices) =
        tokio::try_join!(frame(&app, &caller, None, ""), api, access, choices(&app, &caller, asked.collection.as_deref()))?;
    let viewer = frame.viewer.clone().ok_or_else(Lost::nothing)?;
    api.sort_by_key(|key| Reverse(key.created_at));
    access.sort_by_key(|key| Reverse(key.created_at));
    let named: Vec<CollectionId> =
        api.iter().filter_map(|key| key.collection.clone()).chain(access.iter().map(|key| key.collection.clone())).collect();
    let names: HashMap<CollectionId, String> = app.store.collection_names(&named).await?;
    let name = |collection: &CollectionId| names.get(collection).map_or(GONE, String::as_str).to_owned();
    let keys = api
        .into_iter()
        .map(|key| Key {
            id: key.id.to_string(),
            name: key.name,
            scope: match key.scope {
                Scope::Read => "read only",
                Scope::Write => "read and write",
            },
            collection: key.collection.as_ref().map(name),
            created: Moment(key.created_at),
            used: key.used_on.map(|day| day.strftime("%-d %b %Y").to_string()),
            expires: key.expires_at.map(Moment),
        })
        .collect();
    let access = access
        .into_iter()
        .map(|key| AccessKey {
            id: format!("{}~{}", key.id, key.collection),
            collection: name(&key.collection),
            tail: key.tail,
            used: key.used_at.map(Moment),
            expires: Moment(key.expires_at),
        })
        .collect();
    page(&app, &Keys { frame, viewer, keys, access, choices })
}

/// The collections in the caller's workspaces.
async fn choices(app: &App, caller: &Caller, chosen: Option<&str>) -> Result<Vec<Choice>, Lost> {
    let workspaces = app.store.workspaces(caller).await?;
    let readable = workspaces.into_iter().filter_map(|workspace| Access::<ReadWorkspace>::check(caller.clone(), workspace, None).ok());
    let shelves = readable.map(|by| async move { app.store.listed(&by).await });
    let mut found: Vec<Listed> = futures::future::try_join_all(shelves).await?.into_iter().flatten().collect();
    found.sort_by_key(|one| Reverse(one.updated_at));
    let choice = |one: Listed| Choice { chosen: chosen == Some(one.collection.as_str()), id: one.collection.to_string(), name: one.name };
    Ok(found.into_iter().take(CHOICES).map(choice).collect())
}

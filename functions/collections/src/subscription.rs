//! The caller's own subscriptions to a collection and to what is in it, and a group's to a collection.

use app::{App, By, Json, Problem, Query};
use axum::extract::State;
use domain::access::{Access, ManageAccess, ReadCollection};
use domain::change::ItemRef;
use domain::collection::Kind;
use domain::ids::{ElementId, GroupId};
use serde::Deserialize;
use serde_json::{Value, json};
use store::subscriptions::Wish;

/// Which item of the collection, or which group that follows it; none: the collection itself, for the caller.
#[derive(Deserialize)]
pub(crate) struct Which {
    item: Option<String>,
    group: Option<String>,
}

impl Which {
    fn id(&self) -> Result<Option<ElementId>, Problem> {
        self.item.as_deref().map(|raw| ElementId::parse(raw).map_err(|_| Problem::NotFound("item"))).transpose()
    }

    /// The folder or request that is meant, which is there.
    async fn there(&self, app: &App, by: &Access<ReadCollection>) -> Result<Option<ItemRef>, Problem> {
        let Some(id) = self.id()? else { return Ok(None) };
        let element = app.store.element(&by.thing, &id, &store::elements::Fetched::new()).await?;
        match element.filter(|element| matches!(element.kind, Kind::Folder | Kind::Request)) {
            Some(element) => Ok(Some(ItemRef::from(&element))),
            None => Err(Problem::NotFound("item")),
        }
    }

    /// The group that is meant, for whoever chooses who sees the collection.
    fn group(&self, by: &Access<ReadCollection>) -> Result<Option<(GroupId, Access<ManageAccess>)>, Problem> {
        let Some(group) = &self.group else { return Ok(None) };
        if self.item.is_some() {
            return Err(Problem::Malformed("item: a group follows a whole collection".to_owned()));
        }
        let manages = by.also::<ManageAccess>().ok_or(Problem::Forbidden("the role admin in the collection"))?;
        let group = group.parse().map_err(|_| Problem::NotFound("group"))?;
        Ok(Some((group, manages)))
    }
}

/// Follow a collection, or with `item` a folder or request of it and everything in it: its changes come to the caller's
/// WebSockets (`socket`) and feed (`feed`), and by mail: `now`, `hourly`, `daily` or `off`. What is left out stays as it
/// is; at first all is on. With `group` everybody follows it who is in that group of the team, now or later, sees the
/// collection, and has chosen nothing themselves; that is for those who choose who sees it.
#[utoipa::path(put, path = "/api/collections/{collection}/subscription", tag = "Subscriptions", request_body(content = Option<serde_json::Value>, description = "`{\"socket\":true,\"feed\":true,\"mail\":\"now|hourly|daily|off\"}`; what is left out stays as it is"),
    params(("collection" = String, Path), ("item" = Option<String>, Query), ("group" = Option<String>, Query)),
    responses((status = 200, description = "`{\"subscription\":{\"collection\",\"item\"?,\"group\"?,\"socket\",\"feed\",\"mail\",\"since\"}}`"),
    (status = 403, description = "`group`, and the caller does not choose who sees it"), (status = 404, description = "No such item or group")))]
pub(crate) async fn subscribe(
    By(by): By<ReadCollection>,
    Query(which): Query<Which>,
    State(app): State<App>,
    wish: Option<Json<Wish>>,
) -> Result<Json<Value>, Problem> {
    app::writes(&by.caller)?;
    let wish = wish.map(|Json(wish)| wish).unwrap_or_default();
    if let Some((group, manages)) = which.group(&by)? {
        app.store.subscribe_group(&manages, group, wish, app.now()).await?;
        let all = app.store.groups_following(&by.thing.collection).await?;
        return Ok(Json(json!({"subscription": all.into_iter().find(|one| one.group == group)})));
    }
    let item = which.there(&app, &by).await?;
    let id = item.as_ref().map(|item| item.id.clone());
    app.store.subscribe(&by, item, wish, app.now()).await?;
    Ok(Json(json!({"subscription": app.store.subscription(&by, id.as_ref()).await?})))
}

/// Follow it no longer, also not through a group; with `group`: the group follows it no longer.
#[utoipa::path(delete, path = "/api/collections/{collection}/subscription", tag = "Subscriptions",
    params(("collection" = String, Path), ("item" = Option<String>, Query), ("group" = Option<String>, Query)),
    responses((status = 200, description = "`{\"subscription\":null}`")))]
pub(crate) async fn unsubscribe(
    By(by): By<ReadCollection>,
    Query(which): Query<Which>,
    State(app): State<App>,
) -> Result<Json<Value>, Problem> {
    app::writes(&by.caller)?;
    match which.group(&by)? {
        Some((group, manages)) => app.store.unsubscribe_group(&manages, group, app.now()).await?,
        None => app.store.unsubscribe(&by, which.id()?.as_ref()).await?,
    }
    Ok(Json(json!({"subscription": null})))
}

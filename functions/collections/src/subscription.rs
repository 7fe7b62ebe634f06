//! The caller's own subscriptions to a collection and to what is in it.

use app::{App, By, Json, Problem, Query};
use axum::extract::State;
use domain::access::{Access, ReadCollection};
use domain::change::ItemRef;
use domain::collection::Kind;
use domain::ids::ElementId;
use serde::Deserialize;
use serde_json::{Value, json};
use store::subscriptions::Wish;

/// Which item of the collection; none: the collection itself.
#[derive(Deserialize)]
pub(crate) struct Which {
    item: Option<String>,
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
}

/// Follow a collection, or with `item` a folder or request of it and everything in it: its changes come to the caller's
/// WebSockets (`socket`) and feed (`feed`), and by mail: `now`, `hourly`, `daily` or `off`. What is left out stays as it
/// is; at first all is on.
#[utoipa::path(put, path = "/api/collections/{collection}/subscription", tag = "Subscriptions", request_body(content = Option<serde_json::Value>, description = "`{\"socket\":true,\"feed\":true,\"mail\":\"now|hourly|daily|never\"}`; what is left out stays as it is"),
    params(("collection" = String, Path), ("item" = Option<String>, Query)),
    responses((status = 200, description = "`{\"subscription\":{\"collection\",\"item\"?,\"socket\",\"feed\",\"mail\",\"since\"}}`")))]
pub(crate) async fn subscribe(
    By(by): By<ReadCollection>,
    Query(which): Query<Which>,
    State(app): State<App>,
    wish: Option<Json<Wish>>,
) -> Result<Json<Value>, Problem> {
    app::writes(&by.caller)?;
    let item = which.there(&app, &by).await?;
    let id = item.as_ref().map(|item| item.id.clone());
    app.store.subscribe(&by, item, wish.map(|Json(wish)| wish).unwrap_or_default(), app.now()).await?;
    Ok(Json(json!({"subscription": app.store.subscription(&by, id.as_ref()).await?})))
}

/// Follow it no longer.
#[utoipa::path(delete, path = "/api/collections/{collection}/subscription", tag = "Subscriptions",
    params(("collection" = String, Path), ("item" = Option<String>, Query)),
    responses((status = 200, description = "`{\"subscription\":null}`")))]
pub(crate) async fn unsubscribe(
    By(by): By<ReadCollection>,
    Query(which): Query<Which>,
    State(app): State<App>,
) -> Result<Json<Value>, Problem> {
    app::writes(&by.caller)?;
    app.store.unsubscribe(&by, which.id()?.as_ref()).await?;
    Ok(Json(json!({"subscription": null})))
}

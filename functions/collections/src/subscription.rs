//! The caller's own subscription to a collection.

use app::{App, By, Json, Problem};
use axum::extract::State;
use domain::access::ReadCollection;
use serde::Deserialize;
use serde_json::{Value, json};
use store::subscriptions::MailLevel;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct How {
    mail: Option<MailLevel>,
}

/// Follow a collection: its changes come to the caller's WebSockets and feed, and by mail (`now`, the default) or not (`off`).
#[utoipa::path(put, path = "/api/collections/{collection}/subscription", tag = "Subscriptions", params(("collection" = String, Path)),
    responses((status = 200, description = "`{\"subscription\":{\"collection\",\"mail\"}}`")))]
pub(crate) async fn subscribe(By(by): By<ReadCollection>, State(app): State<App>, how: Option<Json<How>>) -> Result<Json<Value>, Problem> {
    app::writes(&by.caller)?;
    let mail = how.and_then(|Json(how)| how.mail).unwrap_or(MailLevel::Now);
    app.store.subscribe(&by, mail, app.now()).await?;
    Ok(Json(json!({"subscription": {"collection": by.thing.collection, "mail": mail}})))
}

/// Follow a collection no longer.
#[utoipa::path(delete, path = "/api/collections/{collection}/subscription", tag = "Subscriptions", params(("collection" = String, Path)),
    responses((status = 200, description = "`{\"subscription\":null}`")))]
pub(crate) async fn unsubscribe(By(by): By<ReadCollection>, State(app): State<App>) -> Result<Json<Value>, Problem> {
    app::writes(&by.caller)?;
    app.store.unsubscribe(&by).await?;
    Ok(Json(json!({"subscription": null})))
}

//! How collections are found again: their tags, and the caller's own star.

use app::{App, By, Json, Problem, Typed};
use axum::extract::State;
use domain::access::{CreateCollection, EditCollection, ReadCollection};
use domain::limit;
use domain::tags::{Slug, Tag};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = shelf::Tags)]
pub(crate) struct Tags {
    tags: Option<Vec<Named>>,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = shelf::Named)]
struct Named {
    #[serde(default)]
    slug: String,
}

/// The tags that a body names; all that is wrong with them at once.
fn slugs(Typed(body, mut wrong): Typed<Tags>) -> Result<Vec<Slug>, Problem> {
    let named = body.tags.unwrap_or_else(|| {
        wrong.note("/tags", "a list of tags");
        Vec::new()
    });
    if named.len() > limit::TAGS {
        wrong.note("/tags", format!("at most {} tags", limit::TAGS));
    }
    let mut slugs = Vec::with_capacity(named.len());
    for (index, Named { slug }) in named.into_iter().enumerate() {
        match Slug::parse(&slug) {
            Ok(slug) => slugs.push(slug),
            Err(rejected) => wrong.note(&format!("/tags/{index}/slug"), rejected.0),
        }
    }
    wrong.end()?;
    Ok(slugs)
}

fn told(tags: &[Tag]) -> Json<Value> {
    Json(json!({"tags": tags.iter().map(|tag| json!({"slug": tag.slug})).collect::<Vec<_>>()}))
}

/// Replace a collection's tags.
#[utoipa::path(put, path = "/api/collections/{collection}/tags", tag = "Tags", request_body = Tags, params(("collection" = String, Path)),
    responses((status = 200, description = "`{\"tags\":[{\"slug\"}]}`")))]
pub(crate) async fn tag_collection(By(by): By<EditCollection>, State(app): State<App>, body: Typed<Tags>) -> Result<Json<Value>, Problem> {
    Ok(told(&app.store.tag_collection(&by, slugs(body)?, app.now()).await?))
}

/// Replace a workspace's tags.
#[utoipa::path(put, path = "/api/workspaces/{workspace}/tags", tag = "Tags", request_body = Tags, params(("workspace" = String, Path)),
    responses((status = 200, description = "`{\"tags\":[{\"slug\"}]}`")))]
pub(crate) async fn tag_workspace(By(by): By<CreateCollection>, State(app): State<App>, body: Typed<Tags>) -> Result<Json<Value>, Problem> {
    Ok(told(&app.store.tag_workspace(&by, slugs(body)?, app.now()).await?))
}

/// Put a star on a collection: it is among the caller's favourites, and nobody else's.
#[utoipa::path(put, path = "/api/collections/{collection}/favorite", tag = "Collections", params(("collection" = String, Path)),
    responses((status = 200, description = "`{\"favorite\":true}`")))]
pub(crate) async fn star(By(by): By<ReadCollection>, State(app): State<App>) -> Result<Json<Value>, Problem> {
    app::writes(&by.caller)?;
    app.store.put_star(&by, app.now()).await?;
    Ok(Json(json!({"favorite": true})))
}

/// Take the star away.
#[utoipa::path(delete, path = "/api/collections/{collection}/favorite", tag = "Collections", params(("collection" = String, Path)),
    responses((status = 200, description = "`{\"favorite\":false}`")))]
pub(crate) async fn unstar(By(by): By<ReadCollection>, State(app): State<App>) -> Result<Json<Value>, Problem> {
    app::writes(&by.caller)?;
    app.store.drop_star(&by).await?;
    Ok(Json(json!({"favorite": false})))
}

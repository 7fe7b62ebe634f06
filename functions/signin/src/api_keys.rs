//! Keys for programs.

use app::{App, Json, Path, Problem, Tokens, Typed, Who};
use axum::extract::State;
use domain::access::{Caller, ReadCollection};
use domain::account::Scope;
use domain::ids::{CollectionId, KeyId};
use domain::team;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use store::sessions::ApiKey;
use utoipa::ToSchema;

use crate::closing;
use crate::sessions::signed_in;

/// What a new key is to be.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct NewKey {
    /// What its owner calls it.
    name: String,
    /// `read` or `write` (which also reads, and is what is meant without it).
    #[schema(value_type = Option<String>)]
    scope: Option<Scope>,
    /// The id or uid of the one collection that it is for; without it, it does whatever its owner may.
    collection: Option<String>,
    /// Until when it works; without it, until it is deleted.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

pub(crate) fn shown(key: &ApiKey) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "scope": key.scope,
        "collection": key.collection,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "used_on": key.used_on,
    })
}

/// The caller's API keys, without their secrets.
#[utoipa::path(get, path = "/api/me/api-keys", tag = "Sessions and keys", responses((status = 200, description = "The caller's keys, without their secrets: `api_keys`")))]
pub(crate) async fn list(State(app): State<App>, Who(caller): Who) -> Result<Json<Value>, Problem> {
    let api_keys = app.store.api_keys(caller.user, app.now()).await?;
    Ok(Json(json!({"api_keys": api_keys.iter().map(shown).collect::<Vec<_>>()})))
}

/// Make an API key: it is shown once.
#[utoipa::path(
    post, path = "/api/me/api-keys", tag = "Sessions and keys", request_body = NewKey,
    responses((status = 200, description = "The key; `api_key.key` is shown this once"))
)]
pub(crate) async fn make(State(app): State<App>, Who(caller): Who, Typed(body, mut wrong): Typed<NewKey>) -> Result<Json<Value>, Problem> {
    signed_in(&caller)?;
    let name = wrong.keep("/name", team::name(&body.name));
    if body.expires_at.is_some_and(|at| at <= app.now()) {
        wrong.note("/expires_at", "this time has passed");
    }
    let mut bound = None;
    if let Some(named) = body.collection.as_deref().map(str::trim).filter(|named| !named.is_empty()) {
        bound = readable(&app, &caller, named).await?;
        if bound.is_none() {
            wrong.note("/collection", "there is no such collection");
        }
    }
    let name = wrong.with(name)?;
    let secret = app.tokens.random()?;
    let id: KeyId = app.new_id().simple().to_string().parse()?;
    let key = ApiKey {
        id,
        user: caller.user,
        name,
        scope: body.scope.unwrap_or(Scope::Write),
        collection: bound,
        secret_hash: Tokens::hash(&secret),
        created_at: app.now(),
        expires_at: body.expires_at,
        used_on: None,
    };
    app.store.make_key(&caller, &key).await?;
    let mut answer = shown(&key);
    answer["key"] = json!(key.text(&secret));
    Ok(Json(json!({"api_key": answer})))
}

/// A collection by its id or uid, where the caller may read it.
async fn readable(app: &App, caller: &Caller, named: &str) -> Result<Option<CollectionId>, Problem> {
    let Ok(collection) = CollectionId::parse(named) else { return Ok(None) };
    match app.reach::<ReadCollection>(caller, &collection).await {
        Ok(_) => Ok(Some(collection)),
        Err(Problem::NotFound(_)) => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// Delete an API key: it opens nothing from now on.
#[utoipa::path(
    delete, path = "/api/me/api-keys/{key}", tag = "Sessions and keys", params(("key" = String, Path)),
    responses(
        (status = 200, description = "The key works no longer, and its WebSockets are closed"),
        (status = 404, description = "The caller has no such key"),
    )
)]
pub(crate) async fn delete(State(app): State<App>, Who(caller): Who, Path(key): Path<KeyId>) -> Result<Json<Value>, Problem> {
    signed_in(&caller)?;
    if !app.store.delete_key(&caller, &key, app.now()).await? {
        return Err(Problem::NotFound("API key"));
    }
    closing::key(&app, caller.user, &key).await?;
    Ok(Json(json!({"api_key": {"id": key}})))
}

//! Keys for one collection: whoever has one reads it (`?access_key=`) and does nothing else.

use app::{App, Json, Path, Problem, Query, Tokens, Typed, Who, writes};
use axum::extract::State;
use axum::http::StatusCode;
use domain::access::{ManageAccessKeys, ReadCollection, ShareCollection};
use domain::ids::{CollectionId, KeyId};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use store::access_keys::{AccessKey, Deleting, UNUSED};
use utoipa::ToSchema;

use crate::sessions::signed_in;

/// The key's name in addresses: it says where the key lies.
fn id(key: &AccessKey) -> String {
    format!("{}~{}", key.id, key.collection)
}

/// A key in the Postman API's shape. Its owner knows it by its last characters.
pub(crate) fn shown(key: &AccessKey) -> Value {
    json!({
        "id": id(key),
        "token": format!("PMAT-**********************{}", key.tail),
        "status": "ACTIVE",
        "teamId": key.team,
        "userId": key.user,
        "collectionId": key.collection.uid(key.user),
        "expiresAfter": key.expires_at,
        "lastUsedAt": key.used_at.map_or_else(String::new, |at| at.to_string()),
        "createdAt": key.created_at,
        "updatedAt": key.used_at.unwrap_or(key.created_at),
    })
}

#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(rename = "collectionId")]
    collection: Option<String>,
}

/// The caller's access keys, each for one collection.
#[utoipa::path(
    get, path = "/api/collection-access-keys", tag = "Sessions and keys",
    params(("collectionId" = Option<String>, Query, description = "A collection by its uid or id: whoever is admin in it sees everybody's keys")),
    responses((status = 200, description = "The caller's access keys, without their secrets: `data`"))
)]
pub(crate) async fn list(State(app): State<App>, Who(caller): Who, Query(asked): Query<Asked>) -> Result<Json<Value>, Problem> {
    let named = asked.collection.filter(|named| !named.is_empty());
    let collection = named.map(|named| CollectionId::parse(&named).map_err(|_| Problem::NotFound("collection"))).transpose()?;
    let keys = match &collection {
        None => app.store.own_access_keys(caller.user, app.now()).await?,
        Some(collection) => match app.reach::<ManageAccessKeys>(&caller, collection).await {
            Ok(by) => app.store.access_keys_of(&by, app.now()).await?,
            Err(Problem::Forbidden(_)) => {
                let mut own = app.store.own_access_keys(caller.user, app.now()).await?;
                own.retain(|key| key.collection == *collection);
                own
            }
            Err(problem) => return Err(problem),
        },
    };
    Ok(Json(json!({"data": keys.iter().map(shown).collect::<Vec<_>>(), "meta": {"nextCursor": null}})))
}

/// For what an access key is to be.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct NewAccessKey {
    /// The collection by its id or uid.
    #[serde(rename = "collectionId")]
    collection: String,
}

/// Make an access key: it opens one collection, for reading, and is shown once.
#[utoipa::path(
    post, path = "/api/collection-access-keys", tag = "Sessions and keys", request_body = NewAccessKey,
    responses(
        (status = 200, description = "The key; `access_key.key` is shown this once, `access_key.url` is the export with it"),
        (status = 403, description = "The caller does not edit the collection, or came with an API key"),
        (status = 422, description = "There is no such collection"),
    )
)]
pub(crate) async fn make(
    State(app): State<App>,
    Who(caller): Who,
    Typed(body, mut wrong): Typed<NewAccessKey>,
) -> Result<Json<Value>, Problem> {
    signed_in(&caller)?;
    let by = match CollectionId::parse(&body.collection) {
        Ok(collection) => app.reach::<ShareCollection>(&caller, &collection).await,
        Err(_) => Err(Problem::NotFound("collection")),
    };
    let by = match by {
        Err(Problem::NotFound(_)) => {
            wrong.note("/collectionId", "there is no such collection");
            None
        }
        by => Some(by?),
    };
    let by = wrong.with(by)?;
    let secret = app.tokens.random()?;
    let key = AccessKey {
        id: app.new_id().simple().to_string().parse()?,
        user: caller.user,
        collection: by.thing.collection.clone(),
        team: by.thing.team,
        secret_hash: Tokens::hash(&secret),
        tail: secret.chars().skip(secret.len().saturating_sub(4)).collect(),
        created_at: app.now(),
        expires_at: app.now().saturating_add(UNUSED).unwrap_or(Timestamp::MAX),
        used_at: None,
    };
    app.store.make_access_key(&by, &key).await?;
    let text = key.text(&secret);
    let mut answer = shown(&key);
    answer["url"] = json!(format!("{}/api/collections/{}?access_key={text}", app.config.pages_url, key.collection));
    answer["key"] = json!(text);
    Ok(Json(json!({"access_key": answer})))
}

/// Delete an access key: it opens nothing from now on.
#[utoipa::path(
    delete, path = "/api/collection-access-keys/{key}", tag = "Sessions and keys", params(("key" = String, Path)),
    responses(
        (status = 204, description = "The key works no longer"),
        (status = 403, description = "Somebody else's key, and the caller is not admin in the collection"),
        (status = 404, description = "No such key, or one of a collection that the caller may not see"),
    )
)]
pub(crate) async fn delete(State(app): State<App>, Who(caller): Who, Path(named): Path<String>) -> Result<StatusCode, Problem> {
    writes(&caller)?;
    let no_key = Problem::NotFound("access key");
    let parse = || {
        let (key, collection) = named.split_once('~')?;
        Some((key.parse::<KeyId>().ok()?, collection.parse::<CollectionId>().ok()?))
    };
    let (id, collection) = parse().ok_or_else(|| no_key.clone())?;
    let key = app.store.access_key(&collection, &id).await?.ok_or_else(|| no_key.clone())?;
    if key.user == caller.user {
        app.store.delete_access_key(&Deleting::Own(&caller), &key, app.now()).await?;
        return Ok(StatusCode::NO_CONTENT);
    }
    // Who may not see the collection does not learn whether there is such a key.
    app.reach::<ReadCollection>(&caller, &collection).await.map_err(|_| no_key)?;
    let by = app.reach::<ManageAccessKeys>(&caller, &collection).await?;
    app.store.delete_access_key(&Deleting::By(&by), &key, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

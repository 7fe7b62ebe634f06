//! Bringing collections along from a running Postman account, through its own API, with the person's key. The key is used and
//! forgotten: it is in no item, no log and no answer.

use std::time::{Duration, Instant};

use app::{App, By, Json, Problem};
use axum::extract::State;
use axum::http::{Request, StatusCode};
use domain::access::CreateCollection;
use domain::limit;
use serde::Deserialize;
use serde_json::{Value, json as value};

use crate::import;

/// A function answers within half a minute: what is left is named, and is sent again.
const TIME: Duration = Duration::from_secs(15);
/// Collections of one request.
const AT_ONCE: usize = 500;

/// A key, which is shown nowhere.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(as = elsewhere::Key)]
struct Key(String);

impl Key {
    /// As it stands in a header: a key is letters, digits and hyphens.
    fn checked(&self) -> Result<&str, Problem> {
        let key = self.0.trim();
        let plain = key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        match plain && (1..=300).contains(&key.len()) {
            true => Ok(key),
            false => Err(Problem::field("/api_key", "a key of the Postman API")),
        }
    }
}

/// Something of theirs stands in a path.
fn plain(id: &str) -> bool {
    (1..=100).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

enum Refused {
    /// The key is not theirs: nothing more is to be had.
    Key,
    /// This one does not come, for a reason that a person is told.
    This(String),
}

async fn ask(app: &App, key: &str, path: &str) -> Result<Vec<u8>, Refused> {
    let request = Request::get(format!("{}{path}", app.config.postman_api_url)).header("x-api-key", key).body(Vec::new());
    let request = request.map_err(|_| Refused::This("the address of the Postman API cannot be asked".to_owned()))?;
    let answer = app.outbound.send_for(request, limit::UPLOAD_BYTES).await.map_err(|why| {
        tracing::warn!(%why, "the Postman API does not answer");
        Refused::This("the Postman API does not answer".to_owned())
    })?;
    match answer.status() {
        StatusCode::OK => Ok(answer.into_body()),
        StatusCode::UNAUTHORIZED => Err(Refused::Key),
        StatusCode::TOO_MANY_REQUESTS => Err(Refused::This("the Postman API asks to wait: try again in a minute".to_owned())),
        status => Err(Refused::This(format!("the Postman API answers {}", status.as_u16()))),
    }
}

const NO_KEY: &str = "the Postman API does not take this key";

/// An answer, or what whoever asked is told.
async fn read(app: &App, key: &str, path: &str) -> Result<Value, Problem> {
    let bytes = ask(app, key, path).await.map_err(|refused| match refused {
        Refused::Key => Problem::field("/api_key", NO_KEY),
        Refused::This(why) => Problem::field("", why),
    })?;
    serde_json::from_slice(&bytes).map_err(|_| Problem::field("", "the Postman API answers something that cannot be read"))
}

async fn listed(app: &App, key: &str, workspace: Option<&str>) -> Result<Vec<Value>, Problem> {
    let path = match workspace {
        Some(workspace) if plain(workspace) => format!("/collections?workspace={workspace}"),
        Some(_) => return Err(Problem::field("/workspace", "the id of a workspace there")),
        None => "/collections".to_owned(),
    };
    let mut answer = read(app, key, &path).await?;
    match answer["collections"].take() {
        Value::Array(all) => Ok(all),
        _ => Err(Problem::field("", "the Postman API answers something that cannot be read")),
    }
}

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = elsewhere::Where)]
#[serde(deny_unknown_fields)]
pub(crate) struct Where {
    api_key: Key,
    workspace: Option<String>,
}

/// What there is in a Postman account, or in one workspace of it: sent with the account's key, which is not kept.
#[utoipa::path(post, path = "/api/import/postman/collections", tag = "Import", request_body = Where, params(("workspace" = Option<String>, Query)),
    responses((status = 200, description = "`{\"workspaces\":[{\"id\",\"name\"}],\"collections\":[{\"uid\",\"name\"}]}`")))]
pub(crate) async fn list(By(_): By<CreateCollection>, State(app): State<App>, Json(asked): Json<Where>) -> Result<Json<Value>, Problem> {
    let key = asked.api_key.checked()?;
    let (workspaces, collections) = tokio::try_join!(read(&app, key, "/workspaces"), listed(&app, key, asked.workspace.as_deref()))?;
    let named = |one: &Value, id: &str| value!({id: one[id], "name": one["name"]});
    let workspaces: Vec<Value> = workspaces["workspaces"].as_array().into_iter().flatten().map(|one| named(one, "id")).collect();
    let collections: Vec<Value> = collections.iter().map(|one| named(one, "uid")).collect();
    Ok(Json(value!({"workspaces": workspaces, "collections": collections})))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = elsewhere::Wanted)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    api_key: Key,
    workspace: Option<String>,
    collections: Option<Vec<String>>,
}

/// Import collections of a Postman account: those whose uids are named, or all of a workspace of it (or of all). The key is not
/// kept. `results` says what became of each; where there are more than fit into one answer, `left` are those to be asked for
/// again.
#[utoipa::path(post, path = "/api/import/postman", tag = "Import", request_body = Wanted, params(("workspace" = Option<String>, Query, description = "Ours, where they go")),
    responses((status = 200, description = "`{\"results\":[{\"uid\",\"status\":\"imported|failed\",\"collection\"?,\"reason\"?}],\"left\":[…]}`")))]
pub(crate) async fn bring(
    By(by): By<CreateCollection>,
    State(app): State<App>,
    Json(wanted): Json<Wanted>,
) -> Result<Json<Value>, Problem> {
    let started = Instant::now();
    let key = wanted.api_key.checked()?;
    let uids = match wanted.collections {
        Some(uids) => uids,
        None => {
            let all = listed(&app, key, wanted.workspace.as_deref()).await?;
            all.iter().filter_map(|one| one["uid"].as_str().map(str::to_owned)).collect()
        }
    };
    if uids.len() > AT_ONCE {
        return Err(Problem::field("/collections", format!("at most {AT_ONCE} at once")));
    }
    if let Some(index) = uids.iter().position(|uid| !plain(uid)) {
        return Err(Problem::field(format!("/collections/{index}"), "the uid of a collection there"));
    }
    let mut results = Vec::new();
    let mut rest = uids.into_iter();
    while started.elapsed() < TIME {
        let Some(uid) = rest.next() else { break };
        match one(&app, &by, key, &uid).await {
            Ok(made) => results.push(value!({"uid": uid, "status": "imported", "collection": made})),
            Err(Refused::Key) => return Err(Problem::field("/api_key", NO_KEY)),
            Err(Refused::This(why)) => results.push(value!({"uid": uid, "status": "failed", "reason": why})),
        }
    }
    Ok(Json(value!({"results": results, "left": rest.collect::<Vec<_>>()})))
}

/// Brings one collection. Asked again with the same `Idempotency-Key`, it is the same one.
async fn one(app: &App, by: &domain::access::Access<CreateCollection>, key: &str, uid: &str) -> Result<Value, Refused> {
    let told = |problem: Problem| match problem {
        Problem::Internal(why) => {
            tracing::error!(why, "a collection from elsewhere could not be imported");
            Refused::This("something went wrong with us".to_owned())
        }
        problem => Refused::This(problem.detail()),
    };
    let id = import::id_for(app, by, uid);
    let mut plain = by.clone();
    plain.caller.once = None;
    let head = match app.store.made_collection(&plain, &id).await.map_err(|error| told(error.into()))? {
        Some(head) => head,
        None => {
            let bytes = ask(app, key, &format!("/collections/{uid}")).await?;
            let taken = import::read(app, bytes, convert::read).await.map_err(told)?;
            return import::write(app, &plain, taken, id).await.map(|mut made| made["collection"].take()).map_err(told);
        }
    };
    Ok(value!({"id": head.collection, "name": head.name, "uid": head.uid()}))
}

//! Work that is done behind the answer (`Prefer: respond-async`): whoever asks how far it is does it, or the courier, who looks
//! every minute. What it does is done once, however often somebody dies at it.

use app::{App, By, Json, Path, Problem, Who};
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::access::{Access, Caller, CreateCollection, EditCollection, ReadCollection};
use domain::collection as tree;
use domain::format::Parsed;
use domain::ids::{TaskId, WorkspaceId};
use domain::json;
use domain::once::Once;
use domain::task::{Status, Task, Work};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json as value};
use store::imports::Replaced;

use crate::import;
use crate::whole;

/// Whoever asks works at a task for as long as a function answers.
const ASKED: SignedDuration = SignedDuration::from_secs(45);
/// The courier has more time.
const LOOKED: SignedDuration = SignedDuration::from_mins(6);
/// So often it is tried.
const TRIES: u32 = 5;

/// Whether the caller wants to be answered before it is done: `Prefer: respond-async`.
pub(crate) struct Later(pub bool);

impl<S: Sync> FromRequestParts<S> for Later {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Later, std::convert::Infallible> {
        let said = parts.headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
        let asked = said.flat_map(|value| value.split(',')).any(|one| one.trim().eq_ignore_ascii_case("respond-async"));
        Ok(Later(asked))
    }
}

async fn begin(app: &App, caller: &Caller, work: Work, body: Option<Vec<u8>>) -> Result<Task, Problem> {
    let task = Task {
        id: app.new_id().into(),
        user: caller.user,
        work,
        status: Status::InProgress,
        until: app.now(),
        tries: 0,
        client: caller.client.clone(),
        reason: None,
        answer: None,
    };
    app.store.put_task(&task, body, app.now()).await?;
    Ok(task)
}

/// Writes the work down and answers where to ask how far it is.
pub(crate) async fn later(app: &App, caller: &Caller, work: Work, body: Option<Vec<u8>>) -> Result<Response, Problem> {
    let task = begin(app, caller, work, body).await?;
    let place = match &task.work {
        Work::Replace { .. } => format!("/api/collection-updates-tasks/{}", task.id),
        work => format!("/api/collections/{}/tasks/{}", work.collection(), task.id),
    };
    let applied = (HeaderName::from_static("preference-applied"), HeaderValue::from_static("respond-async"));
    let body = value!({"task": {"id": task.id, "status": "in-progress"}, "collection": {"id": task.work.collection()}});
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, place)], [applied], Json(body)).into_response())
}

/// The caller's task, done by them where nobody is at it.
async fn asked(app: &App, caller: &Caller, id: &str) -> Result<Task, Problem> {
    let missing = || Problem::NotFound("task");
    let id: TaskId = id
        .split_once('-')
        .filter(|(owner, _)| *owner == caller.user.to_string())
        .map_or(id, |(_, id)| id)
        .parse()
        .map_err(|_| missing())?;
    let task = app.store.task(caller, &id).await?.ok_or_else(missing)?;
    if task.status != Status::InProgress {
        return Ok(task);
    }
    work(app, &id, ASKED).await?;
    app.store.task(caller, &id).await?.ok_or_else(missing)
}

/// Takes up what nobody is at. Gives how many.
pub async fn take_up(app: &App) -> Result<usize, app::Crash> {
    let mut done = 0;
    for id in app.store.tasks_due(app.now()).await? {
        match work(app, &id, LOOKED).await {
            Ok(()) => done += 1,
            Err(problem) => tracing::warn!(task = %id, ?problem, "a task could not be done"),
        }
    }
    Ok(done)
}

/// Does a task, unless somebody is at it.
async fn work(app: &App, id: &TaskId, hold: SignedDuration) -> Result<(), Problem> {
    let now = app.now();
    let Some((task, body)) = app.store.take_task(id, now + hold, now).await? else { return Ok(()) };
    let ended = match act(app, &task, body).await {
        Ok(answer) => Task { status: Status::Completed, answer: Some(answer.to_string()), ..task },
        // Perhaps the next one is luckier.
        Err(Problem::Busy | Problem::Internal(_)) if task.tries < TRIES => return Ok(()),
        Err(Problem::Internal(why)) => {
            tracing::error!(task = %id, why, "a task failed");
            Task { status: Status::Failed, reason: Some("something went wrong with us".to_owned()), ..task }
        }
        Err(problem) => Task { status: Status::Failed, reason: Some(problem.detail()), ..task },
    };
    Ok(app.store.end_task(&ended, app.now()).await?)
}

/// The right that whoever asked has now.
async fn into(app: &App, caller: &Caller, workspace: &WorkspaceId) -> Result<Access<CreateCollection>, Problem> {
    let found = app.store.workspace(workspace).await?.ok_or(Problem::NotFound("workspace"))?;
    Ok(Access::check(caller.clone(), found, None)?)
}

async fn act(app: &App, task: &Task, body: Option<Vec<u8>>) -> Result<Value, Problem> {
    let profile = app.store.profile(task.user).await?.ok_or(Problem::NotFound("account"))?;
    let key = app::Tokens::hash(&format!("task {}", task.id));
    let done = app.store.done_before(task.user, &key).await?;
    let once = Once { key, request: "task".to_owned(), done: done.map(std::sync::Arc::new) };
    let caller = Caller { client: task.client.clone(), once: Some(once), ..profile.caller() };
    let bytes = body.unwrap_or_default();
    match &task.work {
        Work::Create { workspace, collection } => {
            let by = into(app, &caller, workspace).await?;
            if let Some(head) = app.store.made_collection(&by, collection).await? {
                return Ok(whole::named(&head));
            }
            let parsed = whole::split(app, text(bytes)?).await?;
            let head = app.store.create_collection(&by, parsed, (collection.clone(), app.new_id().into()), app.now()).await?;
            Ok(whole::named(&head))
        }
        Work::Import { workspace, collection } => {
            let by = into(app, &caller, workspace).await?;
            let taken = import::read(app, bytes, convert::read).await?;
            import::write(app, &by, taken, collection.clone()).await
        }
        Work::Commit { upload, .. } => {
            let (upload, _) = app.store.upload(&caller, upload, app.now()).await?.ok_or(Problem::NotFound("upload"))?;
            let by = into(app, &caller, &upload.workspace).await?;
            let answer = import::committed(app, &by, &upload).await?;
            serde_json::from_str(&answer).map_err(|error| Problem::Internal(error.to_string()))
        }
        Work::Replace { collection, seen } => {
            let by: Access<EditCollection> = app.reach(&caller, collection).await?;
            let parsed = whole::split(app, text(bytes)?).await?;
            match app.store.replace_collection(&by, parsed, *seen, || app.new_id().into(), app.now()).await? {
                Replaced::Done(head) => Ok(whole::named(&head)),
                Replaced::Stale(now) => Err(Problem::Precondition(now)),
            }
        }
        Work::Duplicate { from, workspace, suffix, collection } => {
            let by = into(app, &caller, workspace).await?;
            if let Some(head) = app.store.made_collection(&by, collection).await? {
                return Ok(whole::named(&head));
            }
            let source: Access<ReadCollection> = app.reach(&caller, from).await?;
            let whole = app.store.whole(&source.thing).await?;
            let name = format!("{}{suffix}", source.thing.name);
            let info = json::get(&whole.root.json, "info").unwrap_or("{}");
            let info = json::set(&json::set(info, "_postman_id", None), "name", Some(&json::quote(&name)));
            let parsed = Parsed {
                name,
                root: json::set(&whole.root.json, "info", Some(&info)),
                origin: None,
                elements: tree::copy_all(&whole.elements, || app.new_id().into()),
            };
            let head = app.store.create_collection(&by, parsed, (collection.clone(), app.new_id().into()), app.now()).await?;
            Ok(whole::named(&head))
        }
    }
}

fn text(bytes: Vec<u8>) -> Result<String, Problem> {
    json::decode(&bytes).map_err(|rejected| Problem::Malformed(rejected.0))
}

fn word(status: Status, words: [&'static str; 3]) -> &'static str {
    match status {
        Status::InProgress => words[0],
        Status::Completed => words[1],
        Status::Failed => words[2],
    }
}

/// How far a task is that makes collections. `result` is what the request would have answered.
#[utoipa::path(get, path = "/api/collections/{collection}/tasks/{task}", tag = "Import", params(("collection" = String, Path), ("task" = String, Path)),
    responses((status = 200, description = "`{\"status\":\"pending|completed|failed\",\"meta\":{\"model\",\"action\"},\"details\":{\"resources\":[{\"id\",\"url\"}]},\"result\"}`; of one that failed, `details` is the reason")))]
pub(crate) async fn show(
    Who(caller): Who,
    Path((collection, id)): Path<(String, String)>,
    State(app): State<App>,
) -> Result<Json<Value>, Problem> {
    let task = asked(&app, &caller, &id).await?;
    if domain::ids::CollectionId::parse(&collection).ok().as_ref() != Some(task.work.collection()) {
        return Err(Problem::NotFound("task"));
    }
    let action = match &task.work {
        Work::Duplicate { .. } => "duplication",
        Work::Replace { .. } => "update",
        Work::Create { .. } | Work::Import { .. } | Work::Commit { .. } => "import",
    };
    let mut shown = value!({
        "status": word(task.status, ["pending", "completed", "failed"]),
        "meta": {"model": "collection", "action": action},
    });
    if let Some(reason) = &task.reason {
        shown["details"] = value!(reason);
    }
    if let Some(answer) = task.answer.as_ref().and_then(|answer| serde_json::from_str::<Value>(answer).ok()) {
        let one = |made: &Value| value!({"id": made["uid"], "url": format!("/collections/{}", made["id"].as_str().unwrap_or_default())});
        let made = answer["collections"].as_array().cloned().unwrap_or_else(|| vec![answer["collection"].clone()]);
        shown["details"] = value!({"resources": made.iter().map(one).collect::<Vec<_>>()});
        shown["result"] = answer;
    }
    Ok(Json(shown))
}

/// How far a replacement is.
#[utoipa::path(get, path = "/api/collection-updates-tasks/{task}", tag = "Collections", params(("task" = String, Path)),
    responses((status = 200, description = "`{\"id\",\"status\":\"in-progress|successful|failed\",\"reason\"?}`")))]
pub(crate) async fn of_update(Who(caller): Who, Path(id): Path<String>, State(app): State<App>) -> Result<Json<Value>, Problem> {
    let task = asked(&app, &caller, &id).await?;
    let mut shown = value!({"id": task.id, "status": word(task.status, ["in-progress", "successful", "failed"])});
    if let Some(reason) = &task.reason {
        shown["reason"] = value!(reason);
    }
    Ok(Json(shown))
}

fn duplication(task: &Task) -> Json<Value> {
    let status = word(task.status, ["processing", "completed", "failed"]);
    let mut shown = value!({"task": {"id": format!("{}-{}", task.user, task.id), "status": status, "reason": task.reason}});
    if task.status == Status::Completed {
        shown["collection"] = value!({"id": task.work.collection(), "uid": task.work.collection().uid(task.user)});
    }
    Json(shown)
}

/// How far a duplication is.
#[utoipa::path(get, path = "/api/collection-duplicate-tasks/{task}", tag = "Collections", params(("task" = String, Path)),
    responses((status = 200, description = "`{\"task\":{\"id\",\"status\":\"processing|completed|failed\",\"reason\"}}`, and the `collection` when it is there")))]
pub(crate) async fn of_duplication(Who(caller): Who, Path(id): Path<String>, State(app): State<App>) -> Result<Json<Value>, Problem> {
    Ok(duplication(&asked(&app, &caller, &id).await?))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = tasks::Duplicate)]
pub(crate) struct Duplicate {
    workspace: String,
    suffix: Option<String>,
}

/// Make a copy of a collection, with everything in it, in a workspace.
#[utoipa::path(post, path = "/api/collections/{collection}/duplicates", tag = "Collections", request_body = Duplicate, params(("collection" = String, Path)),
    responses((status = 200, description = "`{\"task\":{\"id\",\"status\",\"reason\"}}`")))]
pub(crate) async fn duplicate(
    By(by): By<ReadCollection>,
    State(app): State<App>,
    Json(wanted): Json<Duplicate>,
) -> Result<Json<Value>, Problem> {
    let missing = || Problem::field("/workspace", "there is no such workspace");
    let workspace: WorkspaceId = wanted.workspace.parse().map_err(|_| missing())?;
    let found = app.store.workspace(&workspace).await?.ok_or_else(missing)?;
    Access::<CreateCollection>::check(by.caller.clone(), found, None).map_err(|denied| match denied {
        domain::access::Denied::NotFound => missing(),
        denied => denied.into(),
    })?;
    let suffix = wanted.suffix.map(|suffix| if suffix.starts_with(char::is_whitespace) { suffix } else { format!(" {suffix}") });
    let work = Work::Duplicate {
        from: by.thing.collection.clone(),
        workspace,
        suffix: suffix.filter(|suffix| !suffix.trim().is_empty()).unwrap_or_default(),
        collection: app.new_id().into(),
    };
    Ok(duplication(&begin(&app, &by.caller, work, None).await?))
}

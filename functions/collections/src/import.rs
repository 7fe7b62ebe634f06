//! Importing files of any kind: at once, or in parts where a file is larger than a request may be.

use app::{App, By, File, Json, Path, Problem, Who};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use convert::Converted;
use domain::access::{Access, Caller, CreateCollection};
use domain::collection::Head;
use domain::format::{self, Parsed};
use domain::ids::{CollectionId, UploadId};
use domain::task::Work;
use domain::{Rejected, json, limit};
use serde::Deserialize;
use serde_json::{Value, json as value};
use store::Conflict;
use store::uploads::Upload;

use crate::tasks::{self, Later};

/// What a file holds, ready to be written.
pub(crate) struct Taken {
    format: String,
    report: Value,
    parsed: Vec<Parsed>,
}

/// Reads a file off the async threads: 60 MB take a moment.
pub(crate) async fn read(app: &App, bytes: Vec<u8>, reader: fn(&str) -> Result<Converted, Rejected>) -> Result<Taken, Problem> {
    let app = app.clone();
    let reading = move || {
        let text = json::decode(&bytes)?;
        drop(bytes);
        let Converted { format, documents, report } = reader(&text)?;
        drop(text);
        let parsed = documents.into_iter().map(|document| format::split(&document, || app.new_id().into()));
        let report = if format.starts_with("Postman") { Value::Null } else { value!(report) };
        Ok(Taken { format, report, parsed: parsed.collect::<Result<_, Rejected>>()? })
    };
    let read: Result<Taken, Rejected> = tokio::task::spawn_blocking(reading).await.map_err(|error| Problem::Internal(error.to_string()))?;
    read.map_err(|rejected| Problem::field("", rejected.0))
}

/// Writes what was read; a collection that is there under its id was written before, by an attempt whose answer was lost.
pub(crate) async fn write(app: &App, by: &Access<CreateCollection>, taken: Taken, first: CollectionId) -> Result<Value, Problem> {
    let mut heads: Vec<Head> = Vec::new();
    // The first one comes last, and with it that the request is done.
    let mut others = by.clone();
    others.caller.once = None;
    for (index, parsed) in taken.parsed.into_iter().enumerate().rev() {
        let id = nth(&first, index);
        let head = match app.store.made_collection(by, &id).await? {
            Some(head) => head,
            None => {
                let by = if index == 0 { by } else { &others };
                app.store.create_collection(by, parsed, (id, app.new_id().into()), app.now()).await?
            }
        };
        heads.push(head);
    }
    heads.reverse();
    let told: Vec<Value> = heads.iter().map(|head| value!({"id": head.collection, "name": head.name, "uid": head.uid()})).collect();
    Ok(value!({"collection": told.first(), "collections": told, "format": taken.format, "report": taken.report}))
}

/// The id of a file's second collection and so on, which follows from the first one's.
fn nth(first: &CollectionId, index: usize) -> CollectionId {
    match first.as_str().parse::<uuid::Uuid>() {
        Ok(id) if index > 0 => uuid::Uuid::from_u128(id.as_u128() ^ index as u128).into(),
        _ => first.clone(),
    }
}

/// Import a file of any kind that is known: Postman (every version), OpenAPI 3, Swagger 2, HAR, cURL, Insomnia, Bruno, Hoppscotch.
/// What it is, its content says. With `Prefer: respond-async` it is answered at once (202) with a task to ask for.
#[utoipa::path(post, path = "/api/import", tag = "Import", request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The file, as it is; JSON, YAML or text are taken under their own media types, too"), params(("workspace" = Option<String>, Query)),
    responses((status = 200, description = "`{\"collection\":{…},\"collections\":[…],\"format\",\"report\":{\"taken\",\"changed\",\"left\"}}`"),
        (status = 202, description = "With `Prefer: respond-async`: `{\"task\":{\"id\",\"status\",…}}`, to be asked for at `Location`")))]
pub(crate) async fn import(
    By(by): By<CreateCollection>,
    Later(later): Later,
    State(app): State<App>,
    File(bytes): File,
) -> Result<Response, Problem> {
    let first = first(&app, &by);
    if later {
        let work = Work::Import { workspace: by.thing.id.clone(), collection: first };
        return tasks::later(&app, &by.caller, work, Some(bytes)).await;
    }
    let taken = read(&app, bytes, convert::read).await?;
    Ok(Json(write(&app, &by, taken, first).await?).into_response())
}

/// The id of a file's first collection: of a request that may be sent again, always the same.
fn first(app: &App, by: &Access<CreateCollection>) -> CollectionId {
    id_for(app, by, "file")
}

/// The id of what a request makes of something: of a request that may be sent again, always the same.
pub(crate) fn id_for(app: &App, by: &Access<CreateCollection>, what: &str) -> CollectionId {
    let Some(once) = &by.caller.once else { return app.new_id().into() };
    let hash = app::Tokens::hash(&format!("{what} {} {} {}", by.caller.user, once.key, once.request));
    let bits = hash.get(..32).and_then(|half| u128::from_str_radix(half, 16).ok());
    bits.map_or_else(|| app.new_id(), |bits| uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()).into()
}

#[derive(Deserialize)]
struct OpenApi {
    #[serde(rename = "type")]
    kind: String,
    input: Value,
}

/// Import an OpenAPI document in Postman's shape: `{"type": "json", "input": {…}}` or `{"type": "string", "input": "…"}`.
#[utoipa::path(post, path = "/api/import/openapi", tag = "Import", request_body(content = serde_json::Value, description = "`{\"type\":\"json\",\"input\":{…}}` or `{\"type\":\"string\",\"input\":\"…\"}`, as the Postman API takes it"), params(("workspace" = Option<String>, Query)),
    responses((status = 200, description = "`{\"collections\":[{\"id\",\"name\",\"uid\"}]}`")))]
pub(crate) async fn openapi(By(by): By<CreateCollection>, State(app): State<App>, File(bytes): File) -> Result<Json<Value>, Problem> {
    let text = json::decode(&bytes).map_err(|rejected| Problem::Malformed(rejected.0))?;
    // The document stays the text that it is: the order of its keys is the order of the requests.
    json::check(&text, limit::JSON_DEPTH).map_err(|bad| Problem::Malformed(format!("the body is not JSON: {}", bad.reason)))?;
    let shape = serde_json::from_str::<OpenApi>(&text).map_err(|error| Problem::field("", error.to_string()))?;
    let input = json::get(&text, "input").unwrap_or("null");
    let document = match (shape.kind.as_str(), shape.input) {
        ("string", Value::String(text)) => text,
        ("json", Value::Object(_)) => input.to_owned(),
        ("json", Value::String(text)) => text,
        ("file", _) => return Err(Problem::field("/type", "a file is sent to /api/import; here a document is a \"string\" or \"json\"")),
        ("string" | "json", _) => return Err(Problem::field("/input", "an OpenAPI document")),
        _ => return Err(Problem::field("/type", "\"json\" or \"string\"")),
    };
    let taken = read(&app, document.into_bytes(), convert::read_openapi).await.map_err(|problem| match problem {
        Problem::Rejected(errors) => {
            Problem::Rejected(errors.into_iter().map(|error| app::FieldError { pointer: "/input".to_owned(), ..error }).collect())
        }
        other => other,
    })?;
    let first = first(&app, &by);
    Ok(Json(write(&app, &by, taken, first).await?))
}

fn told(upload: &Upload, received: &[usize]) -> Value {
    value!({"upload": {
        "id": upload.id,
        "workspace": upload.workspace,
        "bytes": upload.bytes,
        "part_bytes": limit::UPLOAD_PART_BYTES,
        "parts": upload.parts(),
        "received": received,
        "committed": upload.answer.is_some(),
        "expires_at": upload.until,
    }})
}

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = import::NewUpload)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUpload {
    bytes: usize,
}

/// Begin a file that is sent in parts: says how many there are and how long each is.
#[utoipa::path(post, path = "/api/uploads", tag = "Import", request_body = NewUpload, params(("workspace" = Option<String>, Query)),
    responses((status = 201, description = "`{\"upload\":{\"id\",\"parts\",\"part_bytes\",\"received\":[],\"expires_at\"}}`")))]
pub(crate) async fn start(By(by): By<CreateCollection>, State(app): State<App>, Json(new): Json<NewUpload>) -> Result<Response, Problem> {
    if new.bytes == 0 || new.bytes > limit::UPLOAD_BYTES {
        return Err(Problem::field("/bytes", format!("a file has 1 to {} bytes", limit::UPLOAD_BYTES)));
    }
    let upload = app.store.start_upload(&by, new.bytes, (app.new_id().into(), app.new_id().into()), app.now()).await?;
    let place = format!("/api/uploads/{}", upload.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Json(told(&upload, &[]))).into_response())
}

async fn mine(app: &App, caller: &Caller, id: &str) -> Result<(Upload, Vec<usize>), Problem> {
    let id: UploadId = id.parse().map_err(|_| Problem::NotFound("upload"))?;
    app.store.upload(caller, &id, app.now()).await?.ok_or(Problem::NotFound("upload"))
}

/// Whether the sender may still write where the file goes.
async fn access(app: &App, caller: Caller, upload: &Upload) -> Result<Access<CreateCollection>, Problem> {
    let workspace = app.store.workspace(&upload.workspace).await?.ok_or(Problem::NotFound("workspace"))?;
    Ok(Access::check(caller, workspace, None)?)
}

/// A file that is sent in parts: which of them are there.
#[utoipa::path(get, path = "/api/uploads/{upload}", tag = "Import", params(("upload" = String, Path)),
    responses((status = 200, description = "`{\"upload\":{…,\"received\":[0,1,…]}}`")))]
pub(crate) async fn show(Who(caller): Who, Path(id): Path<String>, State(app): State<App>) -> Result<Json<Value>, Problem> {
    let (upload, received) = mine(&app, &caller, &id).await?;
    Ok(Json(told(&upload, &received)))
}

/// Send a part; again too, whatever came of it before. Parts are counted from 0.
#[utoipa::path(put, path = "/api/uploads/{upload}/parts/{part}", tag = "Import", request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The part, of exactly the length that was said"), params(("upload" = String, Path), ("part" = usize, Path)),
    responses((status = 200, description = "`{\"part\":n}`")))]
pub(crate) async fn part(
    Who(caller): Who,
    Path((id, part)): Path<(String, usize)>,
    State(app): State<App>,
    File(bytes): File,
) -> Result<Json<Value>, Problem> {
    let (upload, _) = mine(&app, &caller, &id).await?;
    let by = access(&app, caller, &upload).await?;
    let length = upload.part_bytes(part).ok_or(Problem::NotFound("part"))?;
    if bytes.len() != length {
        return Err(Problem::field("", format!("part {part} has {length} bytes, not {}", bytes.len())));
    }
    app.store.put_part(&by, &upload, part, bytes, app.new_id().to_string()).await?;
    Ok(Json(value!({"part": part})))
}

/// Import the file, now that all of its parts are there. Sent again, it answers what it answered. With `Prefer:
/// respond-async` it is answered at once (202) with a task to ask for.
#[utoipa::path(post, path = "/api/uploads/{upload}/commit", tag = "Import", params(("upload" = String, Path)),
    responses((status = 200, description = "As `POST /api/import`"),
        (status = 202, description = "With `Prefer: respond-async`: `{\"task\":{\"id\",\"status\",…}}`, to be asked for at `Location`")))]
pub(crate) async fn commit(
    Who(caller): Who,
    Later(later): Later,
    Path(id): Path<String>,
    State(app): State<App>,
) -> Result<Response, Problem> {
    let (upload, received) = mine(&app, &caller, &id).await?;
    let by = access(&app, caller, &upload).await?;
    if later && upload.answer.is_none() && received.len() == upload.parts() {
        let work = Work::Commit { upload: upload.id.clone(), collection: upload.collection.clone() };
        return tasks::later(&app, &by.caller, work, None).await;
    }
    Ok(app::Document(committed(&app, &by, &upload).await?).into_response())
}

/// Imports a file whose parts are all there. Gives the answer, the same every time.
pub(crate) async fn committed(app: &App, by: &Access<CreateCollection>, upload: &Upload) -> Result<String, Problem> {
    if let Some(answer) = &upload.answer {
        return Ok(answer.clone());
    }
    let bytes = match app.store.assembled(upload).await? {
        Ok(bytes) => bytes,
        Err(missing) => {
            let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
            return Err(Problem::field("/parts", format!("not there yet: {}", missing.join(", "))));
        }
    };
    let taken = read(app, bytes, convert::read).await?;
    let answer = match write(app, by, taken, upload.collection.clone()).await {
        // Two commits at once: the other one was first.
        Err(Problem::Conflict(Conflict::IdTaken, _)) => return Err(Problem::Busy),
        other => other?.to_string(),
    };
    app.store.end_upload(by, upload, &answer).await?;
    Ok(answer)
}

/// Give a file up: its parts are removed.
#[utoipa::path(delete, path = "/api/uploads/{upload}", tag = "Import", params(("upload" = String, Path)), responses((status = 204)))]
pub(crate) async fn drop_it(Who(caller): Who, Path(id): Path<String>, State(app): State<App>) -> Result<StatusCode, Problem> {
    let (upload, _) = mine(&app, &caller, &id).await?;
    let by = access(&app, caller, &upload).await?;
    app.store.drop_upload(&by, &upload).await?;
    Ok(StatusCode::NO_CONTENT)
}

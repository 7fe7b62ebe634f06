//! Forks: making one, and merging it with its parent, either way.

use std::collections::HashMap;

use app::{App, By, Json, Path, Problem, Typed, Who};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use domain::access::{Access, Caller, CreateCollection, DeleteCollection, EditCollection, ReadCollection};
use domain::collection::Head;
use domain::fork::{Choice, Choices, Clash, Side};
use domain::ids::{CollectionId, ElementId};
use domain::{Rejected, json, limit};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json as value};
use store::Conflict;
use store::forks::Outcome;
use utoipa::ToSchema;

/// Before the number of a merge in the id of its task, as in the Postman API.
const TASK: &str = "pm~vc:merge-workflow~";

/// What a new fork is to be.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = forks::New)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct New {
    /// What it is called among the forks: 1 to 255 characters.
    label: String,
}

/// Fork a collection into a workspace: a copy that knows where it comes from, to be merged back or brought up to date.
#[utoipa::path(post, path = "/api/collections/fork/{collection}", tag = "Forks", request_body = New,
    params(("collection" = String, Path), ("workspace" = Option<String>, Query, description = "The workspace; one's own where none is named")),
    responses((status = 200, description = "`{\"collection\":{\"id\",\"name\",\"fork\":{\"label\",\"createdAt\",\"from\"},\"uid\"}}`")))]
pub(crate) async fn fork(
    By(from): By<ReadCollection>,
    By(into): By<CreateCollection>,
    State(app): State<App>,
    Typed(body, mut wrong): Typed<New>,
) -> Result<Json<Value>, Problem> {
    let label = wrong.keep("/label", line(&body.label, "label", "a fork has a label, by which it is told from others"));
    let label = wrong.with(label)?;
    let ids = (app.new_id().into(), app.new_id().into(), app.new_id().into());
    let head = app.store.fork(&from, &into, label, ids, app.now()).await?;
    Ok(Json(
        value!({"collection": {"id": head.collection, "name": head.name, "fork": head.fork.as_ref().map(app::show::fork), "uid": head.uid()}}),
    ))
}

/// A text of one line, such as `what` names; `needed` is said where it is empty.
pub(crate) fn line(raw: &str, what: &str, needed: &str) -> Result<String, Rejected> {
    let line = raw.trim();
    match line.chars().count() {
        0 => Err(Rejected::because(needed)),
        long if limit::NAME_CHARS < long => Err(Rejected::because(format!("a {what} has at most {} characters", limit::NAME_CHARS))),
        _ if line.chars().any(char::is_control) => Err(Rejected::because(format!("a {what} is one line"))),
        _ => Ok(line.to_owned()),
    }
}

/// What is chosen for one element that both sides changed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Chosen {
    /// The element, as the conflict names it.
    item: String,
    /// `mine` (the fork's), `theirs` (the parent's), or `merge`: `value`.
    choice: String,
    /// The element's JSON as it is to be.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    value: Option<Box<RawValue>>,
}

/// What is to be where both sides changed the same.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settled {
    /// For single elements.
    #[serde(default)]
    pub(crate) choices: Vec<Chosen>,
    /// For all others: `mine` or `theirs`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(crate) others: Option<Side>,
}

impl Settled {
    pub(crate) fn read(self) -> Result<Choices, Problem> {
        let mut of = HashMap::new();
        for (place, chosen) in self.choices.into_iter().enumerate() {
            let wrong = |name: &str, detail: &str| Problem::field(format!("/choices/{place}/{name}"), detail);
            let item: ElementId = chosen.item.parse().map_err(|_| wrong("item", "this is no id of an element"))?;
            let choice = match (chosen.choice.as_str(), chosen.value) {
                ("mine", None) => Choice::Take(Side::Mine),
                ("theirs", None) => Choice::Take(Side::Theirs),
                ("merge", Some(value)) if json::is_object(value.get()) => Choice::Value(value.get().to_owned()),
                ("merge", _) => return Err(wrong("value", "with \"merge\" this is the element's JSON, an object")),
                ("mine" | "theirs", Some(_)) => return Err(wrong("value", "only \"merge\" has a value")),
                _ => return Err(wrong("choice", "this is \"mine\", \"theirs\" or \"merge\"")),
            };
            of.insert(item, choice);
        }
        Ok(Choices { of, others: self.others })
    }
}

/// A merge that nobody has settled: everything that both sides changed, by element.
pub(crate) fn unsettled(clashes: &[Clash]) -> Problem {
    Problem::Stale(vec![
        ("conflicts", serde_json::to_string(clashes).unwrap_or_else(|_| "[]".to_owned())),
        ("choices", r#"["mine","theirs","merge"]"#.to_owned()),
    ])
}

/// Merges `from` into `into`.
pub(crate) async fn merge(
    app: &App,
    into: &Access<EditCollection>,
    from: &Access<ReadCollection>,
    choices: &Choices,
) -> Result<Head, Problem> {
    match app.store.merge_fork(into, from, choices, || app.new_id().into(), app.now()).await? {
        Outcome::Done(head) => Ok(*head),
        Outcome::Clashes(clashes) => Err(unsettled(&clashes)),
    }
}

/// Bring a fork up to date: what changed in its parent comes into it, by the same merge as everywhere. Where both changed the
/// same, nothing is written, and the answer names the places (`mine` is the fork, `theirs` the parent).
#[utoipa::path(put, path = "/api/collections/{collection}/pulls", tag = "Forks", params(("collection" = String, Path)),
    request_body = Option<Settled>,
    responses((status = 200, description = "`{\"collection\":{\"destinationId\",\"sourceId\"}}`"),
        (status = 400, description = "`not_a_fork`"), (status = 409, description = "Both sides changed the same: `conflicts`, `choices`")))]
pub(crate) async fn pull(
    By(into): By<EditCollection>,
    State(app): State<App>,
    settled: Option<Json<Settled>>,
) -> Result<Response, Problem> {
    let choices = settled.map(|Json(settled)| settled).unwrap_or_default().read()?;
    let of = into.thing.fork.clone().ok_or(Problem::Conflict(Conflict::NotAFork, ""))?;
    let from: Access<ReadCollection> = app.reach(&into.caller, &of.from).await?;
    let head = merge(&app, &into, &from, &choices).await?;
    let body = value!({"collection": {"destinationId": head.uid(), "sourceId": from.thing.uid()}});
    Ok(([(header::ETAG, format!("\"{}\"", head.seq))], Json(body)).into_response())
}

/// What is to be merged into what.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Merge {
    /// The uid of the collection whose changes are taken.
    #[serde(default)]
    source: String,
    /// The uid of the collection that gets them.
    #[serde(default)]
    destination: String,
    /// What becomes of the source: `default` (nothing), `updateSourceWithDestination`, `deleteSource`.
    #[serde(default)]
    strategy: Option<String>,
    /// What is to be where both changed the same, for single elements.
    #[serde(default)]
    choices: Vec<Chosen>,
    /// For all others: `mine` or `theirs`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    others: Option<Side>,
}

/// What becomes of the source.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strategy {
    Leave,
    Update,
    Delete,
}

/// Merges as asked; gives the source and the destination as they are then.
async fn merged(app: &App, caller: Caller, asked: Merge, otherwise: Strategy) -> Result<(Head, Head), Problem> {
    let strategy = match asked.strategy.as_deref() {
        None => otherwise,
        Some("default") => Strategy::Leave,
        Some("updateSourceWithDestination") => Strategy::Update,
        Some("deleteSource") => Strategy::Delete,
        Some(_) => return Err(Problem::field("/strategy", "this is default, updateSourceWithDestination or deleteSource")),
    };
    let id =
        |pointer: &str, raw: &str| CollectionId::parse(raw).map_err(|_| Problem::field(pointer, "this is the id or uid of a collection"));
    let (source, destination) = (id("/source", &asked.source)?, id("/destination", &asked.destination)?);
    let choices = Settled { choices: asked.choices, others: asked.others }.read()?;
    let into = app::edits(app, &caller, destination.as_str(), "/destination").await?;
    let from: Access<ReadCollection> = app.reach(&caller, &source).await?;
    // What becomes of the source is asked first: nothing is merged for somebody who may do only half of it.
    let ends: Option<Access<DeleteCollection>> = match strategy {
        Strategy::Delete => Some(app.reach(&caller, &source).await?),
        _ => None,
    };
    let follows: Option<Access<EditCollection>> = match strategy {
        Strategy::Update => Some(app.reach(&caller, &source).await?),
        _ => None,
    };
    let head = merge(app, &into, &from, &choices).await?;
    if let Some(source) = ends {
        app.store.delete_collection(&source, app.now()).await?;
    }
    if let Some(source) = follows {
        let parent: Access<ReadCollection> = app.reach(&caller, &destination).await?;
        merge(app, &source, &parent, &choices).await?;
    }
    Ok((from.thing, head))
}

/// Merge a fork into its parent (or the parent into the fork), as one change. Where both changed the same, nothing is written,
/// and the answer names the places (`mine` is the fork, `theirs` the parent).
#[utoipa::path(post, path = "/api/collections/merge", tag = "Forks", request_body = Merge,
    responses((status = 200, description = "`{\"collection\":{\"id\",\"uid\"}}`: the source"),
        (status = 400, description = "`not_a_fork`"), (status = 409, description = "Both sides changed the same: `conflicts`, `choices`")))]
pub(crate) async fn merge_fork(Who(caller): Who, State(app): State<App>, Json(asked): Json<Merge>) -> Result<Json<Value>, Problem> {
    let (source, _) = merged(&app, caller, asked, Strategy::Update).await?;
    Ok(Json(value!({"collection": {"id": source.collection, "uid": source.uid()}})))
}

/// The same as a task, as the Postman API has it. It is done when this answers: what cannot be merged is refused here.
#[utoipa::path(put, path = "/api/collection-merges", tag = "Forks", request_body = Merge,
    responses((status = 200, description = "`{\"task\":{\"id\",\"status\"}}`"),
        (status = 400, description = "`not_a_fork`"), (status = 409, description = "Both sides changed the same: `conflicts`, `choices`")))]
pub(crate) async fn merge_as_task(Who(caller): Who, State(app): State<App>, Json(asked): Json<Merge>) -> Result<Json<Value>, Problem> {
    let (_, destination) = merged(&app, caller, asked, Strategy::Leave).await?;
    Ok(Json(value!({"task": {"id": format!("{TASK}{}~{}", destination.uid(), destination.seq), "status": "successful"}})))
}

/// What became of such a task. Its id says which change it was.
#[utoipa::path(get, path = "/api/collection-merges-tasks/{task}", tag = "Forks", params(("task" = String, Path)),
    responses((status = 200, description = "`{\"id\",\"status\"}`"), (status = 404, description = "No such task")))]
pub(crate) async fn task(Who(caller): Who, State(app): State<App>, Path(task): Path<String>) -> Result<Json<Value>, Problem> {
    let none = || Problem::NotFound("task");
    let (collection, seq) = task.strip_prefix(TASK).and_then(|rest| rest.rsplit_once('~')).ok_or_else(none)?;
    let (collection, seq): (_, u64) = (CollectionId::parse(collection).map_err(|_| none())?, seq.parse().map_err(|_| none())?);
    let by: Access<ReadCollection> = app.reach(&caller, &collection).await.map_err(|_| none())?;
    if seq == 0 || by.thing.seq < seq {
        return Err(none());
    }
    Ok(Json(value!({"id": task, "status": "successful"})))
}

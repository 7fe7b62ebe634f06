//! Several edits in one request.

use app::{App, By, Document, Problem, Tokens};
use axum::extract::State;
use domain::access::EditCollection;
use domain::json;
use domain::limit;
use domain::once::Once;
use serde_json::{Value, json as value};
use store::batches::{Asked, Batch, steps};

use crate::{items, operations};

/// Steps of one request: a Lambda answers within its time.
const STEPS: usize = 25;

/// Several edits at once. Up to 40 are done together or not at all, each as a change of its own, however much one of them
/// creates, moves or deletes; where they are deletions, or create folders with something in them, 32 are. More of them are
/// done in steps, each of them together or not at all: where the answer has a `cursor`, send the same operations again with
/// it. Who heard no answer sends the same again with the same `Idempotency-Key`: steps that were done are not done twice.
#[utoipa::path(post, path = "/api/collections/{collection}/batch", tag = "Items", request_body(content = serde_json::Value, description = "`{\"operations\":[{\"op\":\"create|update|patch|move|delete\",…}]}`, see the description"), params(("collection" = String, Path)),
    responses((status = 200, description = "`{\"results\":[{\"op\",\"id\",\"revision\",\"merged\"?}],\"done\",\"total\",\"cursor\"}`"),
        (status = 413, description = "`batch_too_large`: which `operation` is one too many"),
        (status = 409, description = "Which operation was refused, and both sides; `results` are those of the steps before")))]
pub(crate) async fn batch(
    By(by): By<EditCollection>,
    State(app): State<App>,
    Document(body): Document,
) -> Result<app::Json<Value>, Problem> {
    let operations: Vec<Asked> = operations::read(&app, &body, limit::EDITS)?.into_iter().map(|(_, asked)| asked).collect();
    let steps = steps(&operations);
    let cursor = json::get(&body, "cursor").and_then(json::text);
    let (name, start) = match &cursor {
        Some(cursor) => {
            let read = cursor.rsplit_once('.').and_then(|(name, at)| Some((name.to_owned(), at.parse::<usize>().ok()?)));
            read.filter(|(_, at)| steps.iter().any(|step| step.start == *at))
                .ok_or_else(|| Problem::field("/cursor", "this is no cursor of these operations"))?
        }
        None => (by.caller.once.as_ref().map_or_else(|| app.new_id().to_string(), |once| once.key.clone()), 0),
    };
    let total = operations.len();
    let mut results = Vec::new();
    let mut at = start;
    for step in steps.iter().filter(|step| start <= step.start).take(STEPS) {
        let step = &operations[step.clone()];
        let mut by = by.clone();
        let asked = body_hash(step);
        if steps.len() > 1 || by.caller.once.is_some() {
            // Each step is known again by itself.
            let key = Tokens::hash(&format!("{name} step {at}"));
            let done = app.store.done_before(by.caller.user, &key).await?;
            if done.as_ref().is_some_and(|done| done.request != asked) {
                return Err(Problem::field("/operations", "these are not the operations that this key or cursor began with"));
            }
            by.caller.once = Some(Once { key, request: asked, done: done.map(std::sync::Arc::new) });
        }
        match app.store.edit_all(&by, step, app.now()).await? {
            Batch::Done(edited) => results.extend(edited),
            Batch::Refused(place, outcome) => return Err(stopped(items::refusal(*outcome), at, place, &name, &results)),
            Batch::Failed(place, conflict) => return Err(stopped(Problem::Conflict(conflict, ""), at, place, &name, &results)),
        }
        at += step.len();
    }
    let next = (at < total).then(|| format!("{name}.{at}"));
    Ok(app::Json(value!({"results": results, "done": at, "total": total, "cursor": next})))
}

/// What the operations of a step are, for a comparison: which kinds, of which elements.
fn body_hash(step: &[Asked]) -> String {
    let named: Vec<String> = step.iter().map(Asked::named).collect();
    Tokens::hash(&named.join("\n"))
}

/// The problem of an operation, with the place of it, and what was done in the steps before.
fn stopped(problem: Problem, at: usize, place: usize, name: &str, results: &[domain::once::Edited]) -> Problem {
    let mut more = vec![("operation", (at + place).to_string()), ("done", at.to_string())];
    if at > 0 {
        more.push(("results", serde_json::to_string(results).unwrap_or_else(|_| "[]".to_owned())));
        more.push(("cursor", json::quote(&format!("{name}.{at}"))));
    }
    problem.with(more)
}

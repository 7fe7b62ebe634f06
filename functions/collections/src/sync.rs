//! A client that was offline: one round trip to be level again.

use app::{App, By, Document, Problem, Tokens};
use axum::extract::State;
use axum::response::Response;
use domain::access::{Access, EditCollection, ReadCollection};
use domain::json::{self, Builder};
use domain::once::Once;
use domain::{format, limit, proof};
use store::batches::Synced;
use store::saves::Outcome;

use crate::operations;

/// Changes of one answer: a Lambda answers 6 MB.
const CHANGES: usize = 1_000;
const CHANGES_BYTES: usize = 4 * 1024 * 1024;

/// Send what was done offline, get what was missed. Each operation brings its `key` (the mutation's id) and the `base`
/// revision of what it changes: it is applied, merged, or answered as a conflict with both sides, whatever becomes of the
/// others. Sent again with the same keys, nothing is done twice. The answer has the changes after `since` (the client's own
/// among them) and the proof of the state after them; `more` where there are further ones (`GET …/changes`).
#[utoipa::path(post, path = "/api/collections/{collection}/sync", tag = "Changes", request_body(content = serde_json::Value, description = "`{\"since\":N,\"operations\":[{\"key\",\"op\",\"base\",…}]}`, see the description"), params(("collection" = String, Path)),
    responses((status = 200, description = "`{\"results\":[{\"key\",\"status\":\"applied|merged|conflict|failed\",…}],\"changes\":[…],\"head\",\"more\",\"state\"}`")))]
pub(crate) async fn sync(By(by): By<EditCollection>, State(app): State<App>, Document(body): Document) -> Result<Response, Problem> {
    let since = match json::get(&body, "since") {
        Some(since) => Some(since.parse::<u64>().map_err(|_| Problem::field("/since", "this is the number of a change"))?),
        None => None,
    };
    let none = json::get(&body, "operations").is_none_or(|list| json::is_array(list) && json::entries(list).is_empty());
    let asked = if none { Vec::new() } else { operations::read(&app, &body, limit::EDITS)? };
    let mut keys = std::collections::HashSet::new();
    let mut edits = Vec::with_capacity(asked.len());
    for (index, (key, asked)) in asked.into_iter().enumerate() {
        let key = key.filter(|key| !key.is_empty() && key.len() <= limit::ONCE_CHARS && keys.insert(key.clone()));
        let key = key.ok_or_else(|| {
            Problem::field(
                format!("/operations/{index}/key"),
                format!("each operation has its own key, 1 to {} characters", limit::ONCE_CHARS),
            )
        })?;
        let once = Once { key: Tokens::hash(&format!("{} {key}", by.thing.collection)), request: "sync".to_owned(), done: None };
        edits.push((key, once, asked));
    }
    let pairs: Vec<_> = edits.iter().map(|(_, once, asked)| (once.clone(), asked.clone())).collect();
    let synced = app.store.sync(&by, &pairs, app.now()).await?;
    let results: Vec<String> = edits.iter().zip(synced).map(|((key, ..), synced)| result(key, synced)).collect();

    // Read anew: the changes of this very request are among what was missed.
    let by = fresh(&app, &by).await?;
    let whole = app.store.whole(&by.thing).await?;
    let state = proof::of(&by.thing, &whole.root.json, &whole.elements);
    let mut changes = Vec::new();
    let mut level = since.unwrap_or(by.thing.seq);
    let mut bytes = 0;
    'pages: while level < by.thing.seq && changes.len() < CHANGES {
        let page = app.store.changes(&by, level, limit::PAGE).await?;
        if page.is_empty() {
            break;
        }
        for change in page.into_iter().filter(|change| change.seq <= by.thing.seq) {
            let text = serde_json::to_string(&change).map_err(|error| Problem::Internal(error.to_string()))?;
            bytes += text.len();
            if bytes > CHANGES_BYTES && !changes.is_empty() {
                break 'pages;
            }
            level = change.seq;
            changes.push(text);
        }
    }
    let state = serde_json::to_string(&state).map_err(|error| Problem::Internal(error.to_string()))?;
    let mut out = Builder::object();
    out.member("\"results\"", &format!("[{}]", results.join(",")));
    out.member("\"changes\"", &format!("[{}]", changes.join(",")));
    out.member("\"head\"", &by.thing.seq.to_string());
    out.member("\"more\"", if level < by.thing.seq { "true" } else { "false" });
    out.member("\"state\"", &state);
    Ok(axum::response::IntoResponse::into_response(Document(out.finish())))
}

async fn fresh(app: &App, by: &Access<EditCollection>) -> Result<Access<ReadCollection>, Problem> {
    let missing = Problem::NotFound("collection");
    let (head, grant) = app.store.collection(&by.thing.collection, by.caller.user).await?.ok_or_else(|| missing.clone())?;
    Access::check(by.caller.clone(), head, grant).map_err(|_| missing)
}

fn result(key: &str, synced: Synced) -> String {
    let mut out = Builder::object();
    out.member("\"key\"", &json::quote(key));
    let mut say = |pairs: &[(&str, String)]| pairs.iter().for_each(|(name, value)| out.member(&json::quote(name), value));
    match synced {
        Synced::Done(edited) => say(&[
            ("status", json::quote(if edited.merged { "merged" } else { "applied" })),
            ("op", json::quote(&edited.op)),
            ("id", json::quote(edited.id.as_str())),
            ("revision", edited.revision.to_string()),
        ]),
        Synced::Refused(outcome) => match *outcome {
            Outcome::Overlap { base, mine, theirs, overlaps } => say(&[
                ("status", json::quote("conflict")),
                ("id", json::quote(theirs.id.as_str())),
                ("revision", theirs.revision.to_string()),
                ("base", base.unwrap_or_else(|| "null".to_owned())),
                ("mine", mine),
                ("theirs", format::one(&theirs)),
                ("conflicts", serde_json::to_string(&overlaps).unwrap_or_else(|_| "[]".to_owned())),
                ("choices", r#"["mine","theirs","merge"]"#.to_owned()),
            ]),
            Outcome::Stale(revision) => say(&[("status", json::quote("conflict")), ("revision", revision.to_string())]),
            Outcome::Unfit(unfit) => say(&[
                ("status", json::quote("failed")),
                ("code", json::quote("rejected")),
                ("detail", json::quote(&unfit.reason.0)),
                ("pointer", json::quote(&unfit.pointer)),
            ]),
            Outcome::Saved { .. } => say(&[("status", json::quote("applied"))]),
        },
        Synced::Failed(conflict) => {
            let problem = Problem::Conflict(conflict, "");
            say(&[("status", json::quote("failed")), ("code", json::quote(problem.code())), ("detail", json::quote(&problem.detail()))]);
        }
    }
    out.finish()
}

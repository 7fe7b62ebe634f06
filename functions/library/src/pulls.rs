//! Pull requests, as one reads them.

use app::{App, By, Json, Path, Problem, Query, Who};
use axum::extract::State;
use domain::access::{Access, ReadCollection};
use domain::fork::{Choices, Difference, Tree, differences};
use domain::ids::PullId;
use domain::limit;
use domain::pull::End;
use serde::Deserialize;
use serde_json::{Value, json};
use store::pulls::Seen;

/// Which page.
#[derive(Deserialize)]
pub(crate) struct Page {
    cursor: Option<String>,
    limit: Option<usize>,
}

/// The pull requests out of a collection and into it, the newest first.
#[utoipa::path(get, path = "/api/collections/{collection}/pull-requests", tag = "Pull requests",
    params(("collection" = String, Path), ("cursor" = Option<String>, Query), ("limit" = Option<usize>, Query)),
    responses((status = 200, description = "`{\"data\":[…],\"meta\":{\"nextCursor\"}}`")))]
pub(crate) async fn list(By(by): By<ReadCollection>, State(app): State<App>, Query(page): Query<Page>) -> Result<Json<Value>, Problem> {
    let after: Option<PullId> = app::cursor(page.cursor.as_deref())?;
    let size = page.limit.unwrap_or(limit::PULLS_PAGE).clamp(1, limit::PULLS_PAGE);
    let (pulls, next) = app.store.pulls_of(&by, after.as_ref(), size).await?;
    let data: Vec<Value> = pulls
        .iter()
        .map(|seen| {
            let mut shown = app::show::pull_in_list(&seen.pull);
            shown["href"] = json!(format!("/pull-requests/{}", seen.pull.id));
            shown["updatedBy"] = json!(seen.pull.updated_by.to_string());
            shown
        })
        .collect();
    Ok(Json(json!({"data": data, "meta": {"nextCursor": next}})))
}

/// What else to tell.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    #[serde(default)]
    changes: bool,
}

fn end(end: &End, exists: bool) -> Value {
    json!({"id": end.uid(), "name": end.name, "forkName": end.label, "exists": exists})
}

/// A pull request. `changes=true`: with what a merge would do now (`changes`), and what both sides changed (`conflicts`).
#[utoipa::path(get, path = "/api/pull-requests/{pull}", tag = "Pull requests",
    params(("pull" = String, Path), ("changes" = Option<bool>, Query)), responses((status = 200, description = "The pull request")))]
pub(crate) async fn get(
    Who(caller): Who,
    State(app): State<App>,
    Path(id): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Value>, Problem> {
    let seen = app.pull(&caller, &id).await?;
    let Seen { pull, source, destination } = &seen;
    let now = source.as_ref().map(|(head, _)| head.seq);
    let reviewers: Vec<Value> = pull
        .reviewers
        .iter()
        .map(|user| {
            let (status, outdated) = pull.said(*user, now);
            json!({"id": user.to_string(), "status": status, "outdated": outdated})
        })
        .collect();
    let mut shown = app::show::pull_in_list(pull);
    if let Some(shown) = shown.as_object_mut() {
        shown.remove("sourceId");
        shown.remove("destinationId");
    }
    shown["updatedBy"] = json!(pull.updated_by.to_string());
    shown["source"] = end(&pull.source, source.is_some());
    shown["destination"] = end(&pull.destination, destination.is_some());
    shown["merge"] = json!({"status": "inactive"});
    shown["reviewers"] = json!(reviewers);
    if wanted.changes && source.is_some() && destination.is_some() {
        let from: Access<ReadCollection> = app.reach(&caller, &pull.source.collection).await?;
        let into: Access<ReadCollection> = app.reach(&caller, &pull.destination.collection).await?;
        match app.store.merge_forks(&into, &from, &Choices::default()).await? {
            (Ok(merged), there) => {
                let mut changes: Vec<Difference> = differences(Tree { root: &there.root, elements: &there.elements }, &merged);
                shown["total"] = json!(changes.len());
                changes.truncate(limit::DIFFERENCES);
                shown["changes"] = json!(changes);
                shown["conflicts"] = json!([]);
            }
            (Err(clashes), _) => shown["conflicts"] = json!(clashes),
        }
    }
    Ok(Json(shown))
}

//! The forks of a collection, and those that somebody made.

use app::{App, By, Json, Problem, Query, Who};
use axum::extract::State;
use domain::access::ReadCollection;
use domain::limit;
use serde::Deserialize;
use serde_json::{Value, json};
use store::forks::Fork;

/// Which page of a list.
#[derive(Deserialize)]
pub(crate) struct Page {
    cursor: Option<String>,
    limit: Option<usize>,
    /// `asc` or `desc`, by the time when they were made.
    direction: Option<String>,
}

/// One page of a list, and what the Postman API says beside it. A cursor is a number of forks that were shown.
fn paged(mut forks: Vec<Fork>, page: &Page, shown: impl Fn(&Fork) -> Value) -> Result<Value, Problem> {
    match page.direction.as_deref() {
        None | Some("desc") => (),
        Some("asc") => forks.reverse(),
        Some(_) => return Err(Problem::field("?direction", "this is \"asc\" or \"desc\"")),
    }
    let from: usize = app::cursor(page.cursor.as_deref())?.unwrap_or(0);
    let size = page.limit.unwrap_or(limit::FORKS_PAGE).clamp(1, limit::FORKS_PAGE);
    let data: Vec<Value> = forks.iter().skip(from).take(size).map(shown).collect();
    let next = from + data.len();
    Ok(json!({"data": data, "meta": {"total": forks.len(), "nextCursor": (next < forks.len()).then(|| next.to_string())}}))
}

/// The forks of a collection that the caller may see, the newest first.
#[utoipa::path(get, path = "/api/collections/{collection}/forks", tag = "Forks",
    params(("collection" = String, Path), ("cursor" = Option<String>, Query), ("limit" = Option<usize>, Query), ("direction" = Option<String>, Query)),
    responses((status = 200, description = "`{\"data\":[{\"forkName\",\"forkId\",\"createdBy\",\"createdAt\"}],\"meta\"}`")))]
pub(crate) async fn of(By(by): By<ReadCollection>, State(app): State<App>, Query(page): Query<Page>) -> Result<Json<Value>, Problem> {
    let forks = app.store.forks_of(&by).await?;
    let shown = |fork: &Fork| json!({"forkName": fork.of.label, "forkId": fork.head.uid(), "createdBy": fork.by, "createdAt": fork.of.at});
    Ok(Json(paged(forks, &page, shown)?))
}

/// The forks that the caller made, the newest first.
#[utoipa::path(get, path = "/api/collections/collection-forks", tag = "Forks",
    params(("cursor" = Option<String>, Query), ("limit" = Option<usize>, Query), ("direction" = Option<String>, Query)),
    responses((status = 200, description = "`{\"data\":[{\"forkName\",\"forkId\",\"sourceId\",\"createdAt\"}],\"meta\"}`")))]
pub(crate) async fn mine(Who(caller): Who, State(app): State<App>, Query(page): Query<Page>) -> Result<Json<Value>, Problem> {
    let (forks, hidden) = app.store.forks_by(&caller).await?;
    let shown =
        |fork: &Fork| json!({"forkName": fork.of.label, "forkId": fork.head.uid(), "sourceId": fork.of.uid(), "createdAt": fork.of.at});
    let mut body = paged(forks, &page, shown)?;
    body["meta"]["inaccessibleFork"] = json!(hidden);
    Ok(Json(body))
}

//! What the caller is told in the pages.

use app::{App, Json, Problem, Query, Who};
use axum::extract::State;
use domain::limit;
use serde::Deserialize;
use serde_json::{Value, json};

/// Which page of a list.
#[derive(Deserialize)]
pub(crate) struct Page {
    pub(crate) cursor: Option<String>,
    limit: Option<usize>,
}

impl Page {
    /// How many a page has at most.
    pub(crate) fn limit(&self) -> usize {
        self.limit.unwrap_or(50).clamp(1, limit::PAGE)
    }
}

/// The caller's inbox, newest first, with the number of what is not read: 100 stands for that many or more.
#[utoipa::path(get, path = "/api/notifications", tag = "Notifications", params(("cursor" = Option<String>, Query), ("limit" = Option<usize>, Query)),
    responses((status = 200, description = "`{\"notifications\":[{\"id\",\"at\",\"category\",\"text\",\"link\",\"read\"}],\"unread\",\"cursor\"}`")))]
pub(crate) async fn list(Who(caller): Who, Query(asked): Query<Page>, State(app): State<App>) -> Result<Json<Value>, Problem> {
    let page = app.store.inbox(&caller, asked.cursor.as_deref(), asked.limit()).await?;
    let unread = app.store.unread(&caller).await?;
    let notices: Vec<Value> = page
        .notices
        .into_iter()
        .map(|one| json!({"id": one.id, "at": one.at, "category": one.category, "text": one.text, "link": one.link, "read": one.read}))
        .collect();
    Ok(Json(json!({"notifications": notices, "unread": unread, "cursor": page.cursor})))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = inbox::Which)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    ids: Option<Vec<String>>,
}

/// Marks notifications as read: those with these `ids`, or all.
#[utoipa::path(post, path = "/api/notifications/read", tag = "Notifications", request_body = Option<Which>, responses((status = 200, description = "`{\"unread\"}`")))]
pub(crate) async fn read(Who(caller): Who, State(app): State<App>, which: Option<Json<Which>>) -> Result<Json<Value>, Problem> {
    app::writes(&caller)?;
    app.store.mark_read(&caller, which.and_then(|Json(which)| which.ids).as_deref()).await?;
    Ok(Json(json!({"unread": app.store.unread(&caller).await?})))
}

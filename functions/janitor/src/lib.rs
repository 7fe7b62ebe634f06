//! Scheduled clean-up: imports that were never finished, generations replaced long ago, invitations past their time.

use app::{App, Crash, Var};
use serde_json::{Value, json};

/// What it needs of the environment.
pub const NEEDS: &[Var] = &[Var::TableName];

/// Handles the schedule's event, whatever it holds. Answers what was removed.
pub async fn handle(app: &App, _event: Value) -> Result<Value, Crash> {
    let now = app.now();
    let generations = app.store.remove_generations(now).await?;
    let invites = app.store.expire_invites(now).await?;
    tracing::info!(generations, invites, "cleaned up");
    Ok(json!({"generations": generations, "invites": invites}))
}

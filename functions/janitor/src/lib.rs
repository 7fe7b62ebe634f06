//! Scheduled: imports that were never finished, generations replaced long ago, additions that were never finished, deleted folders, who is let into workspaces, the trash, invitations past
//! their time, teams that are to be deleted, accounts that have ended; what teams pay: new cycles, reminders, teams whose invoice has waited for too
//! long.

use app::{App, Crash, Var};
use serde_json::{Value, json};

/// What it needs of the environment.
pub const NEEDS: &[Var] = &[Var::TableName];

/// Handles the schedule's event, whatever it holds. Answers what was removed.
pub async fn handle(app: &App, _event: Value) -> Result<Value, Crash> {
    let now = app.now();
    let generations = app.store.remove_generations(now).await?;
    let additions = app.store.remove_additions(now).await?;
    let trash = app.store.empty_trash(now).await?;
    let workspaces = app.store.spread_rooms(now).await?;
    let invites = app.store.expire_invites(now).await?;
    let teams = app.store.delete_doomed(now).await?;
    let ended = app.store.remove_ended_accounts(now).await?;
    let mut accounts = 0;
    for team in app.store.accounts_due(now).await? {
        accounts += app.store.look_after_account(team, now).await?;
    }
    tracing::info!(generations, additions, trash, workspaces, invites, teams, accounts, ended, "cleaned up");
    Ok(
        json!({"generations": generations, "additions": additions, "trash": trash, "workspaces": workspaces, "invites": invites, "teams": teams, "accounts": accounts, "ended": ended}),
    )
}

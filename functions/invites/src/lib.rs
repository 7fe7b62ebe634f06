//! Invitations: made and looked after by a team's admins, seen and accepted by the invited.

use app::{App, Var};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

mod accept;
mod manage;
mod wishes;

/// What it needs of the environment.
pub const NEEDS: &[Var] = &[Var::TableName, Var::PagesUrl, Var::TokenSecretId, Var::RateLimit];

/// The routes of this function.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(manage::list, manage::make))
        .routes(routes!(manage::resend_all))
        .routes(routes!(manage::resend))
        .routes(routes!(manage::take_back))
        .routes(routes!(wishes::list, wishes::make))
        .routes(routes!(wishes::approve))
        .routes(routes!(wishes::refuse))
        .routes(routes!(wishes::joining, wishes::set_joining))
        .routes(routes!(accept::look))
        .routes(routes!(accept::accept))
}

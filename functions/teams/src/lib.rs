//! Teams: their seats, members and workspaces, and who sees a collection; their
//! settings, groups and audit log.

use app::{App, Var};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

mod access;
mod audit;
mod groups;
mod members;
mod settings;
mod teams;
mod workspaces;

/// What it needs of the environment.
pub const NEEDS: &[Var] = &[Var::TableName, Var::PagesUrl, Var::TokenSecretId, Var::RateLimit];

/// The routes of this function.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(teams::list, teams::make))
        .routes(routes!(teams::get, settings::change, settings::delete))
        .routes(routes!(settings::restore))
        .routes(routes!(settings::transfer))
        .routes(routes!(teams::set_seats))
        .routes(routes!(teams::require_second_factor))
        .routes(routes!(members::list))
        .routes(routes!(members::change, members::remove))
        .routes(routes!(workspaces::list))
        .routes(routes!(workspaces::get))
        .routes(routes!(access::roles, access::change_roles))
        .routes(routes!(access::who, access::change_one))
        .routes(routes!(access::asks, access::ask))
        .routes(routes!(access::answer))
        .routes(routes!(groups::all))
        .routes(routes!(groups::find))
        .routes(routes!(groups::list, groups::make))
        .routes(routes!(groups::change, groups::delete))
        .routes(routes!(audit::logs))
        .routes(routes!(audit::export))
}

//! Teams: their seats, members and workspaces, and who sees a collection; their
//! settings, groups and audit log.

use app::{App, Var};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

mod access;
mod accounts;
mod audit;
mod billing;
mod buyers;
mod domains;
mod groups;
mod members;
mod payments;
mod settings;
mod teams;
mod workspace_roles;
mod workspaces;

/// What it needs of the environment.
pub const NEEDS: &[Var] = &[Var::TableName, Var::PagesUrl, Var::TokenSecretId, Var::RateLimit, Var::StripeSecretId];

/// The routes of this function.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(teams::list, teams::make))
        .routes(routes!(teams::get, settings::change, settings::delete))
        .routes(routes!(settings::restore))
        .routes(routes!(settings::transfer))
        .routes(routes!(teams::require_second_factor))
        .routes(routes!(billing::plans))
        .routes(routes!(billing::get))
        .routes(routes!(billing::choose))
        .routes(routes!(billing::set_seats))
        .routes(routes!(billing::invoices))
        .routes(routes!(billing::one_invoice))
        .routes(routes!(billing::mark_paid))
        .routes(routes!(payments::checkout))
        .routes(routes!(payments::noticed))
        .routes(routes!(domains::list, domains::add))
        .routes(routes!(domains::verify))
        .routes(routes!(domains::change, domains::remove))
        .routes(routes!(domains::let_go))
        .routes(routes!(domains::discover))
        .routes(routes!(domains::join))
        .routes(routes!(buyers::buy))
        .routes(routes!(buyers::name_admin))
        .routes(routes!(accounts::account))
        .routes(routes!(accounts::invoices))
        .routes(routes!(members::list))
        .routes(routes!(members::change, members::remove))
        .routes(routes!(workspaces::list, workspaces::make))
        .routes(routes!(workspaces::get, workspaces::update, workspaces::delete))
        .routes(routes!(workspace_roles::all))
        .routes(routes!(workspace_roles::get, workspace_roles::change, workspace_roles::change_one))
        .routes(routes!(workspace_roles::transfer))
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

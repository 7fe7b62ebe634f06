//! Teams: their seats, members and workspaces, and who sees a collection; their
//! settings, groups and audit log.

use app::Var;

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

app::routes! {
    teams::list, teams::make;
    teams::get, settings::change, settings::delete;
    settings::restore;
    settings::transfer;
    teams::require_second_factor;
    billing::plans;
    billing::get;
    billing::choose;
    billing::set_seats;
    billing::invoices;
    billing::one_invoice;
    billing::mark_paid;
    payments::checkout;
    payments::noticed;
    domains::list, domains::add;
    domains::verify;
    domains::change, domains::remove;
    domains::let_go;
    domains::discover;
    domains::join;
    buyers::buy;
    buyers::name_admin;
    accounts::account;
    accounts::invoices;
    members::list;
    members::change, members::remove;
    workspaces::list, workspaces::make;
    workspaces::get, workspaces::update, workspaces::delete;
    workspace_roles::all;
    workspace_roles::get, workspace_roles::change, workspace_roles::change_one;
    workspace_roles::transfer;
    access::roles, access::change_roles;
    access::who, access::change_one;
    access::asks, access::ask;
    access::answer;
    groups::all;
    groups::find;
    groups::list, groups::make;
    groups::change, groups::delete;
    audit::logs;
    audit::export;
}

//! Sign-in: sessions, API keys, tickets for WebSockets, and what one signs in with: the password, the address, and
//! others who vouch for one.

use app::{App, Var};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

mod access_keys;
mod api_keys;
mod closing;
mod email;
mod exchange;
mod leaving;
mod password;
mod programs;
mod second_factor;
mod sessions;
mod sso;
mod starting;
mod tickets;

/// What it needs of the environment.
pub const NEEDS: &[Var] = &[
    Var::TableName,
    Var::PagesUrl,
    Var::TokenSecretId,
    Var::RealtimeUrl,
    Var::ConnectionsUrl,
    Var::RateLimit,
    Var::PartnersSecretId,
    Var::GoogleClientId,
    Var::GoogleIssuer,
    Var::RobotVerifyUrl,
];

/// The routes of this function.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(sessions::sign_in, sessions::list, sessions::end_all))
        .routes(routes!(sessions::second_half))
        .routes(routes!(sessions::refresh))
        .routes(routes!(sessions::end_here))
        .routes(routes!(sessions::end_one))
        .routes(routes!(api_keys::list, api_keys::make))
        .routes(routes!(api_keys::delete))
        .routes(routes!(access_keys::list, access_keys::make))
        .routes(routes!(access_keys::delete))
        .routes(routes!(password::forgot))
        .routes(routes!(password::reset))
        .routes(routes!(password::change))
        .routes(routes!(email::ask))
        .routes(routes!(email::confirm))
        .routes(routes!(email::undo))
        .routes(routes!(second_factor::look, second_factor::set_up, second_factor::switch_off))
        .routes(routes!(second_factor::confirm))
        .routes(routes!(second_factor::renew))
        .routes(routes!(programs::ask))
        .routes(routes!(programs::answer))
        .routes(routes!(programs::authorize))
        .routes(routes!(exchange::device_token))
        .routes(routes!(exchange::token))
        .routes(routes!(leaving::export))
        .routes(routes!(leaving::end))
        .routes(routes!(tickets::make))
        .merge(sso::routes())
}

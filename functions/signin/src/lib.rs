//! Sign-in: sessions, API keys, tickets for WebSockets, and what one signs in with: the password, the address, and
//! others who vouch for one.

use app::Var;
use axum::Extension;

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

app::routes! {
    sessions::sign_in, sessions::list, sessions::end_all;
    sessions::second_half;
    sessions::refresh;
    sessions::end_here;
    sessions::end_one;
    api_keys::list, api_keys::make;
    api_keys::delete;
    access_keys::list, access_keys::make;
    access_keys::delete;
    password::forgot;
    password::reset;
    password::change;
    email::ask;
    email::confirm;
    email::undo;
    second_factor::look, second_factor::set_up, second_factor::switch_off;
    second_factor::confirm;
    second_factor::renew;
    programs::ask;
    programs::answer;
    programs::authorize;
    exchange::device_token;
    exchange::token;
    leaving::export;
    leaving::end;
    tickets::make;
    sso::way::find;
    sso::way::start;
    sso::way::callback;
    sso::link::link;
    sso::link::account;
    sso::link::identities;
    sso::link::unlink;
    sso::settings::look, sso::settings::set, sso::settings::remove;
    => .layer(Extension(sso::issuer::Issuers::default()))
}

//! Invitations: made and looked after by a team's admins, seen and accepted by the invited.

use app::Var;

mod accept;
mod manage;
mod wishes;

/// What it needs of the environment.
pub const NEEDS: &[Var] = &[Var::TableName, Var::PagesUrl, Var::TokenSecretId, Var::RateLimit];

app::routes! {
    manage::list, manage::make;
    manage::resend_all;
    manage::resend;
    manage::take_back;
    wishes::list, wishes::make;
    wishes::approve;
    wishes::refuse;
    wishes::joining, wishes::set_joining;
    accept::look;
    accept::accept;
}

//! Buying for others: a team that the buyer need not use, and its first admin.

use app::{App, By, Json, Problem, Typed, Who};
use axum::extract::State;
use domain::access::ManageBilling;
use domain::account::Email;
use domain::billing::{Choice, Period, PlanId};
use domain::ids::{InviteId, TeamId};
use domain::limit;
use serde::Deserialize;
use serde_json::{Value, json};
use store::buyers::Purchase;
use store::teams::NewTeam;
use store::{Conflict, Error};
use utoipa::ToSchema;

use crate::teams::{DRAWS, names};

/// What is bought.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Purchased {
    /// The team's name.
    name: String,
    /// Its part of a URL; made from the name where it is not given.
    handle: Option<String>,
    /// The e-mail address of who is to be its admin. They are invited, and hold the first seat.
    admin: String,
    /// How many seats.
    seats: u64,
    /// `free`, `team` or `enterprise`.
    #[schema(value_type = String)]
    plan: PlanId,
    /// `month` or `year`.
    #[schema(value_type = String)]
    period: Period,
}

impl Default for Purchased {
    fn default() -> Purchased {
        Purchased { name: String::new(), handle: None, admin: String::new(), seats: 1, plan: PlanId::default(), period: Period::default() }
    }
}

/// Buy a plan for a team that somebody else will lead.
#[utoipa::path(
    post, path = "/api/teams/buy", tag = "Billing", request_body = Purchased,
    responses(
        (status = 200, description = "The team, which the caller is not in but pays for: `team`; `invoice`, its number, where it costs something"),
        (status = 409, description = "`handle_taken`"),
        (status = 422, description = "Names each field that was not taken"),
    )
)]
pub(crate) async fn buy(
    State(app): State<App>,
    Who(caller): Who,
    Typed(body, mut wrong): Typed<Purchased>,
) -> Result<Json<Value>, Problem> {
    app::writes(&caller)?;
    if !caller.verified {
        return Err(Problem::Forbidden("a confirmed e-mail address"));
    }
    let (name, handle) = names(&body.name, body.handle.as_deref(), &mut wrong);
    let admin = wrong.keep("/admin", Email::parse(&body.admin));
    if !(1..=limit::SEATS).contains(&body.seats) {
        wrong.note("/seats", format!("a team has 1 to {} seats", limit::SEATS));
    }
    let ((name, handle), admin) = wrong.with(name.zip(handle).zip(admin))?;
    let team =
        NewTeam { id: TeamId::new(app.now(), app.random()), name, handle, description: String::new(), workspace: app.new_id().into() };
    let choice = Choice { plan: body.plan, period: body.period };
    let mut bought = Purchase { team, seats: body.seats, choice, admin: (InviteId::from(app.new_id()), admin) };
    let mut draws = 1;
    let (team, seats, invoice) = loop {
        match app.store.buy_team(&caller, &bought, app.now()).await {
            Ok(made) => break made,
            Err(Error::Conflict(Conflict::IdTaken)) if draws < DRAWS => bought.team.id = TeamId::new(app.now(), app.random()),
            Err(Error::Conflict(Conflict::HandleTaken)) => return Err(Problem::Conflict(Conflict::HandleTaken, "/handle")),
            Err(error) => return Err(error.into()),
        }
        draws += 1;
    };
    Ok(Json(json!({"team": app::show::team(&team, seats), "invoice": invoice.map(|invoice| invoice.number)})))
}

/// Who is to be admin.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Admin {
    /// Their e-mail address.
    email: String,
}

/// Invite somebody to be the first admin of a team that one bought for others.
#[utoipa::path(
    post, path = "/api/teams/{team}/admin", tag = "Billing", params(("team" = u64, Path)), request_body = Admin,
    responses(
        (status = 200, description = "They are invited to be the team's first admin: `invite`"),
        (status = 409, description = "`has_admin`, who invites people; `already_invited`; `no_free_seat`"),
    )
)]
pub(crate) async fn name_admin(
    State(app): State<App>,
    By(access): By<ManageBilling>,
    Json(body): Json<Admin>,
) -> Result<Json<Value>, Problem> {
    let email = Email::parse(&body.email).map_err(|rejected| Problem::field("/email", rejected.0))?;
    match app.store.name_admin(&access, (InviteId::from(app.new_id()), email), app.now()).await {
        Ok(invite) => Ok(Json(json!({"invite": {"id": invite.id, "email": invite.email, "expires_at": invite.expires_at}}))),
        Err(Error::Conflict(conflict)) => Err(Problem::Conflict(conflict, "/email")),
        Err(error) => Err(error.into()),
    }
}

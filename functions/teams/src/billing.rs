//! What a team pays: its plan, its seats, its invoices.

use app::{App, By, Json, Path, Payments, Problem, Typed};
use axum::extract::State;
use domain::access::{ManageBilling, ManageSeats};
use domain::billing::{Account, CURRENCY, Choice, Invoice, PLANS, Period, PlanId};
use domain::ids::TeamId;
use domain::limit;
use domain::team::Seats;
use serde::Deserialize;
use serde_json::{Value, json};
use store::billing::Payment;
use store::{Conflict, Error};
use utoipa::ToSchema;

fn account(account: &Account, seats: Seats) -> Value {
    let cycle = account.cycle().map(|cycle| json!({"start": cycle.start, "end": cycle.end, "days": cycle.days()}));
    json!({
        "plan": account.now.plan,
        "period": account.now.period,
        "next": account.next,
        "cycle": cycle,
        "seats": app::show::seats(seats),
        "paid_seats": account.paid_seats,
        "credit": account.credit,
        "currency": CURRENCY,
        "read_only": account.read_only,
        "open": account.open.iter().map(|open| json!({"number": open.number, "due_at": open.due})).collect::<Vec<_>>(),
    })
}

fn invoice(app: &App, invoice: &Invoice) -> Value {
    json!({
        "number": invoice.number,
        "name": invoice.name(),
        "issued_at": invoice.issued_at,
        "due_at": invoice.due_at,
        "status": status(app, invoice),
        "currency": invoice.currency,
        "total": invoice.total,
        "lines": invoice.lines,
        "paid_at": invoice.paid_at,
        "paid_by": invoice.paid_by,
        "page": page(app, invoice),
    })
}

pub(crate) fn page(app: &App, invoice: &Invoice) -> String {
    format!("{}/teams/{}/invoices/{}", app.config.pages_url, invoice.team, invoice.number)
}

fn status(app: &App, invoice: &Invoice) -> &'static str {
    match invoice.paid_at {
        Some(_) => "paid",
        None if invoice.due_at <= app.now() => "overdue",
        None => "open",
    }
}

/// The plans that a team can have.
#[utoipa::path(
    get, path = "/api/plans", tag = "Billing", security(()),
    responses((status = 200, description = "`plans`: what a seat costs for a month and for a year, in cents"))
)]
pub(crate) async fn plans() -> Json<Value> {
    let shown = PLANS.iter().map(
        |plan| json!({"id": plan.id, "name": plan.name, "about": plan.about, "currency": CURRENCY, "month": plan.month, "year": plan.year}),
    );
    Json(json!({"plans": shown.collect::<Vec<_>>()}))
}

/// What a team pays, and for what.
#[utoipa::path(
    get, path = "/api/teams/{team}/billing", tag = "Billing", params(("team" = u64, Path)),
    responses((status = 200, description = "`billing`: plan, cycle, seats, what waits to be paid"))
)]
pub(crate) async fn get(State(app): State<App>, By(access): By<ManageBilling>) -> Result<Json<Value>, Problem> {
    let (found, seats) = app.store.account(access.thing, app.now()).await?;
    Ok(Json(json!({"billing": account(&found, seats)})))
}

/// Which plan.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plan {
    /// `free`, `team` or `enterprise`.
    #[schema(value_type = String)]
    plan: PlanId,
    /// `month` or `year`.
    #[serde(default)]
    #[schema(value_type = String)]
    period: Period,
}

/// Change a team's plan.
#[utoipa::path(
    put, path = "/api/teams/{team}/plan", tag = "Billing", params(("team" = u64, Path)), request_body = Plan,
    responses(
        (status = 200, description = "More holds at once and is invoiced for what is left of the cycle, less holds from the next cycle on: `billing`, `invoice`"),
        (status = 402, description = "`team_unpaid`: an invoice has waited for too long"),
    )
)]
pub(crate) async fn choose(State(app): State<App>, By(access): By<ManageBilling>, Json(body): Json<Plan>) -> Result<Json<Value>, Problem> {
    let want = Choice { plan: body.plan, period: if body.plan == PlanId::Free { Period::Month } else { body.period } };
    let (_, bill) = app.store.choose_plan(&access, want, app.now()).await?;
    let (found, seats) = app.store.account(access.thing, app.now()).await?;
    Ok(Json(json!({"billing": account(&found, seats), "invoice": bill.as_ref().map(|bill| invoice(&app, bill))})))
}

/// How many seats a team is to have.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Count {
    /// In total, not in addition.
    count: u64,
}

/// Buy or give up seats.
#[utoipa::path(
    post, path = "/api/teams/{team}/seats", tag = "Billing", params(("team" = u64, Path)), request_body = Count,
    responses(
        (status = 200, description = "`seats`; `invoice`, where more seats cost something for what is left of the cycle"),
        (status = 402, description = "`team_unpaid`: an invoice has waited for too long"),
        (status = 403, description = "`needs_billing`: it would cost something, and the caller does not look after payment"),
        (status = 409, description = "`seats_in_use`: members and pending invitations hold more"),
    )
)]
pub(crate) async fn set_seats(
    State(app): State<App>,
    By(access): By<ManageSeats>,
    Typed(body, mut wrong): Typed<Count>,
) -> Result<Json<Value>, Problem> {
    if !(1..=limit::SEATS).contains(&body.count) {
        wrong.note("/count", format!("a team has 1 to {} seats", limit::SEATS));
    }
    wrong.end()?;
    match app.store.set_seats(&access, body.count, app.now()).await {
        Ok((seats, bill)) => Ok(Json(json!({"seats": app::show::seats(seats), "invoice": bill.as_ref().map(|bill| invoice(&app, bill))}))),
        Err(Error::Conflict(conflict @ (Conflict::SeatsInUse | Conflict::NeedsBilling))) => Err(Problem::Conflict(conflict, "/count")),
        Err(error) => Err(error.into()),
    }
}

/// The invoices of a team.
#[utoipa::path(
    get, path = "/api/teams/{team}/invoices", tag = "Billing", params(("team" = u64, Path)),
    responses((status = 200, description = "`invoices`, the newest first, amounts in cents"))
)]
pub(crate) async fn invoices(State(app): State<App>, By(access): By<ManageBilling>) -> Result<Json<Value>, Problem> {
    let invoices = app.store.invoices(access.thing).await?;
    Ok(Json(json!({"invoices": invoices.iter().map(|one| invoice(&app, one)).collect::<Vec<_>>()})))
}

/// An invoice.
#[utoipa::path(
    get, path = "/api/teams/{team}/invoices/{number}", tag = "Billing", params(("team" = u64, Path), ("number" = u64, Path)),
    responses((status = 200, description = "`invoice`, each line with its arithmetic"), (status = 404, description = "There is none"))
)]
pub(crate) async fn one_invoice(
    State(app): State<App>,
    By(access): By<ManageBilling>,
    Path((_, number)): Path<(TeamId, u64)>,
) -> Result<Json<Value>, Problem> {
    let found = app.store.invoice_of(access.thing, number).await?.ok_or(Problem::NotFound("invoice"))?;
    Ok(Json(json!({"invoice": invoice(&app, &found)})))
}

/// Note that an invoice is paid.
#[utoipa::path(
    post, path = "/api/teams/{team}/invoices/{number}/paid", tag = "Billing", params(("team" = u64, Path), ("number" = u64, Path)),
    responses(
        (status = 200, description = "It counts as paid, and did before where it was: `invoice`"),
        (status = 403, description = "Payments go through a payment service here"),
        (status = 404, description = "There is none"),
    )
)]
pub(crate) async fn mark_paid(
    State(app): State<App>,
    By(access): By<ManageBilling>,
    Path((_, number)): Path<(TeamId, u64)>,
) -> Result<Json<Value>, Problem> {
    if !matches!(app.payments, Payments::ByInvoice) {
        return Err(Problem::Forbidden("a payment: this server hears of payments from the payment service"));
    }
    let paid = app.store.pay(&Payment::By(&access), number, app.now()).await?;
    Ok(Json(json!({"invoice": invoice(&app, &paid)})))
}

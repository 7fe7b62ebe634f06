//! The billing account in the Postman API's shape. A team's account has the team's number.

use app::{App, Json, Path, Problem, Query, Who};
use axum::extract::State;
use domain::access::{Access, Caller, ManageBilling};
use domain::billing::{Account, Invoice, PlanId};
use domain::ids::TeamId;
use serde::Deserialize;
use serde_json::{Value, json};

fn state(account: &Account, now: jiff::Timestamp) -> &'static str {
    match (account.read_only, account.now.plan) {
        (true, _) => "SUSPENDED",
        _ if account.open.iter().any(|open| open.due <= now) => "OVERDUE",
        (_, PlanId::Free) => "FREE",
        _ => "PAID",
    }
}

fn status(invoice: &Invoice, now: jiff::Timestamp) -> &'static str {
    match invoice.paid_at {
        Some(_) => "PAID",
        None if invoice.due_at <= now => "OVERDUE",
        None => "OPEN",
    }
}

/// The first of the caller's teams whose payments they look after.
fn paid_for(caller: &Caller) -> Result<Access<ManageBilling>, Problem> {
    let teams = caller.teams.keys().chain(&caller.buys);
    let mut refused = Problem::Malformed("You must be part of a team".to_owned());
    for team in teams {
        match Access::check(caller.clone(), *team, None) {
            Ok(access) => return Ok(access),
            Err(denied) => refused = denied.into(),
        }
    }
    Err(refused)
}

/// What the caller's team pays, in the Postman API's shape.
#[utoipa::path(
    get, path = "/api/accounts", tag = "Billing",
    responses(
        (status = 200, description = "The billing account of the first team whose payments the caller looks after, in the Postman API's shape"),
        (status = 400, description = "The caller is in no team"),
    )
)]
pub(crate) async fn account(State(app): State<App>, Who(caller): Who) -> Result<Json<Value>, Problem> {
    let access = paid_for(&caller)?;
    let team = access.thing;
    let (account, payers) = tokio::try_join!(app.store.account(team, app.now()), app.store.payers(team, false))?;
    let (account, seats) = account;
    Ok(Json(json!({
        "id": team,
        "teamId": team,
        "state": state(&account, app.now()),
        "salesChannel": "SELF_SERVE",
        "billingEmail": payers.first().map(|payer| &payer.email),
        "slots": {"available": seats.free(), "consumed": seats.used, "total": seats.count, "unbilled": 0},
    })))
}

/// Which invoices.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    status: Option<String>,
}

/// The invoices of a team, in the Postman API's shape.
#[utoipa::path(
    get, path = "/api/accounts/{account}/invoices", tag = "Billing",
    params(("account" = u64, Path), ("status" = String, Query, description = "`PAID`, `OPEN` or `OVERDUE`")),
    responses(
        (status = 200, description = "The invoices with this status, in the Postman API's shape: `data`"),
        (status = 400, description = "No valid status"),
    )
)]
pub(crate) async fn invoices(
    State(app): State<App>,
    Who(caller): Who,
    Path(team): Path<TeamId>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Value>, Problem> {
    let access = Access::<ManageBilling>::check(caller, team, None).map_err(|denied| match Problem::from(denied) {
        Problem::NotFound(_) => Problem::NotFound("account"),
        problem => problem,
    })?;
    let wanted = wanted.status.unwrap_or_default().to_uppercase();
    if !["PAID", "OPEN", "OVERDUE"].contains(&wanted.as_str()) {
        return Err(Problem::Malformed("Please provide a valid status to fetch invoices".to_owned()));
    }
    let found = app.store.invoices(access.thing).await?;
    let shown = found.iter().filter(|invoice| status(invoice, app.now()) == wanted).map(|invoice| {
        json!({
            "id": format!("inv_{}_{}", invoice.team, invoice.number),
            "status": status(invoice, app.now()),
            "issuedAt": domain::billing::day(invoice.issued_at),
            "totalAmount": {"value": cents(invoice.total), "currency": invoice.currency},
            "links": {"web": {"href": format!("{}/teams/{}/invoices/{}", app.config.pages_url, invoice.team, invoice.number)}},
        })
    });
    Ok(Json(json!({"data": shown.collect::<Vec<_>>()})))
}

/// An amount as the Postman API shows it: in the currency's unit, with cents where there are some.
fn cents(cents: i64) -> serde_json::Number {
    let written = if cents % 100 == 0 { (cents / 100).to_string() } else { format!("{}.{:02}", cents / 100, cents % 100) };
    written.parse().unwrap_or_else(|_| cents.into())
}

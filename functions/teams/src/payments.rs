//! Paying on a payment service's page, and hearing of it.

use app::{App, By, Json, Path, Problem};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use domain::access::ManageBilling;
use domain::ids::TeamId;
use serde_json::{Value, json};
use store::billing::Payment;
use store::{Conflict, Error};

use crate::billing::page;

/// Pay an invoice: where that is done.
#[utoipa::path(
    post, path = "/api/teams/{team}/invoices/{number}/checkout", tag = "Billing", params(("team" = u64, Path), ("number" = u64, Path)),
    responses(
        (status = 200, description = "Where it is paid: `checkout.url`"),
        (status = 404, description = "There is no such invoice, or teams pay by invoice here"),
        (status = 409, description = "`invoice_paid`"),
    )
)]
pub(crate) async fn checkout(
    State(app): State<App>,
    By(access): By<ManageBilling>,
    Path((_, number)): Path<(TeamId, u64)>,
) -> Result<Json<Value>, Problem> {
    let (invoice, team) = tokio::try_join!(app.store.invoice_of(access.thing, number), app.store.team(access.thing))?;
    let (invoice, team) = invoice.zip(team).ok_or(Problem::NotFound("invoice"))?;
    if invoice.paid_at.is_some() {
        return Err(Problem::Conflict(Conflict::InvoicePaid, ""));
    }
    let url = app.payments.page(&app.outbound, &invoice, &team.name, &page(&app, &invoice)).await?;
    Ok(Json(json!({"checkout": {"url": url.ok_or(Problem::NotFound("payment service"))?}})))
}

/// What Stripe tells of payments.
#[utoipa::path(
    post, path = "/api/payments/stripe", tag = "Billing", request_body(content = serde_json::Value, description = "An event of Stripe, signed in `Stripe-Signature`"), security(()),
    responses(
        (status = 200, description = "Heard. The same notice again changes nothing"),
        (status = 400, description = "Not signed by Stripe, or not lately"),
        (status = 404, description = "Teams pay by invoice here"),
    )
)]
pub(crate) async fn noticed(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Result<Json<Value>, Problem> {
    let signature = headers.get("stripe-signature").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some(paid) = app.payments.noticed(signature, &body, app.now()).await? else { return Ok(Json(json!({"received": true}))) };
    let invoice = app.store.invoice_of(paid.team, paid.number).await?;
    let right = invoice.is_some_and(|invoice| invoice.total == paid.cents && invoice.currency.eq_ignore_ascii_case(&paid.currency));
    if !right {
        // Whoever runs this has to look: sending it again would not help.
        tracing::error!(team.id = %paid.team, invoice = paid.number, "a payment does not fit its invoice");
        return Ok(Json(json!({"received": true})));
    }
    match app.store.pay(&Payment::Through(paid.team, "Stripe"), paid.number, app.now()).await {
        Ok(_) | Err(Error::Conflict(Conflict::InvoiceGone)) => Ok(Json(json!({"received": true}))),
        Err(error) => Err(error.into()),
    }
}

//! Plan and invoices of a team, for those who look after its payments; some of them are not in the team.

use app::App;
use axum::extract::State;
use axum::response::Response;
use domain::access::ManageBilling;
use domain::billing::{Account, Choice, Invoice, Line, PLANS, Period, PlanId, day, money};
use domain::ids::TeamId;

use crate::answer::{Lost, On, page};
use crate::frame;
use crate::views::{self, Moment};

fn word(plan: PlanId) -> &'static str {
    match plan {
        PlanId::Free => "free",
        PlanId::Team => "team",
        PlanId::Enterprise => "enterprise",
    }
}

fn period(period: Period) -> &'static str {
    match period {
        Period::Month => "month",
        Period::Year => "year",
    }
}

fn called(choice: Choice) -> String {
    match choice.plan {
        PlanId::Free => "Free".to_owned(),
        plan => format!("{}, per {}", plan.plan().name, period(choice.period)),
    }
}

/// The plans there are.
pub(crate) fn plans() -> Vec<views::Plan> {
    let shown = PLANS.iter().map(|plan| views::Plan {
        id: word(plan.id),
        name: plan.name,
        about: plan.about,
        month: money(plan.month),
        year: money(plan.year),
    });
    shown.collect()
}

fn bill(app: &App, invoice: &Invoice) -> views::Bill {
    views::Bill {
        number: invoice.number,
        name: invoice.name(),
        issued: Moment(invoice.issued_at),
        due: Moment(invoice.due_at),
        total: money(invoice.total),
        status: match invoice.paid_at {
            Some(_) => "paid",
            None if invoice.due_at <= app.now() => "overdue",
            None => "open",
        },
    }
}

fn line(line: &Line) -> views::Line {
    let seats = format!("{} × {}", line.seats, money(line.unit));
    views::Line {
        text: line.text.clone(),
        arithmetic: if line.days == line.of { seats } else { format!("{seats} × {} of {} days", line.days, line.of) },
        amount: money(line.cents),
    }
}

/// Plan, seats and invoices.
#[utoipa::path(get, path = "/teams/{team}/billing", params(("team" = String, Path)), responses((status = 200), (status = 303), (status = 404)))]
pub async fn billing(State(app): State<App>, On(app::By(by)): On<app::By<ManageBilling>>) -> Result<Response, Lost> {
    let id = by.thing;
    let account = async { app.store.account(id, app.now()).await.map_err(Lost::from) };
    let invoices = async { app.store.invoices(id).await.map_err(Lost::from) };
    let about = async { app.store.team(id).await.map_err(Lost::from) };
    let (frame, (account, seats), invoices, about) = tokio::try_join!(frame(&app, &by.caller, Some(id), "team"), account, invoices, about)?;
    let about = about.ok_or_else(Lost::nothing)?;
    let cycle = |account: &Account| {
        let cycle = account.cycle()?;
        Some((cycle.start.to_string(), cycle.end.yesterday().ok()?.to_string(), cycle.left(day(app.now()))))
    };
    let view = views::Billing {
        frame,
        team: id.to_string(),
        name: about.name,
        plans: plans(),
        plan: word(account.now.plan),
        plan_name: account.now.plan.plan().name,
        period: period(account.now.period),
        next: account.next.map(called),
        cycle: cycle(&account),
        seats: views::Seats { count: seats.count, used: seats.used, free: seats.free() },
        credit: (account.credit > 0).then(|| money(account.credit)),
        read_only: account.read_only,
        no_admin: about.admins == 0,
        invoices: invoices.iter().map(|invoice| bill(&app, invoice)).collect(),
    };
    page(&app, &view)
}

/// One invoice, made for printing.
#[utoipa::path(
    get, path = "/teams/{team}/invoices/{number}", params(("team" = String, Path), ("number" = u64, Path)),
    responses((status = 200), (status = 303), (status = 404))
)]
pub async fn invoice(
    State(app): State<App>,
    On(app::By(by)): On<app::By<ManageBilling>>,
    On(app::Path((_, number))): On<app::Path<(TeamId, u64)>>,
) -> Result<Response, Lost> {
    let id = by.thing;
    let found = async { app.store.invoice_of(id, number).await.map_err(Lost::from) };
    let about = async { app.store.team(id).await.map_err(Lost::from) };
    let (frame, found, about) = tokio::try_join!(frame(&app, &by.caller, Some(id), "team"), found, about)?;
    let (found, about) = found.zip(about).ok_or_else(Lost::nothing)?;
    let view = views::InvoicePage {
        frame,
        team: id.to_string(),
        name: about.name,
        bill: bill(&app, &found),
        paid: found.paid_by.clone().zip(found.paid_at.map(Moment)),
        lines: found.lines.iter().map(line).collect(),
        checkout: !app.config.stripe_secret_id.is_empty(),
    };
    page(&app, &view)
}

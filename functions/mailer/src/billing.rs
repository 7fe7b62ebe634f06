//! Notices and letters about invoices: to those who look after payment, and where a team can only read to its admins, too.

use app::{App, Crash};
use domain::billing::{Invoice, money};
use domain::ids::TeamId;
use domain::notify::{Category, Letters};
use jiff::Timestamp;
use store::notices;

use crate::deliver;
use crate::happened::once;
use crate::notice::Notice;

fn date(at: Timestamp) -> String {
    at.strftime("%-d %B %Y").to_string()
}

/// The event that is told of.
#[derive(Clone, Copy)]
pub(crate) struct Cause {
    pub(crate) id: uuid::Uuid,
    pub(crate) at: Timestamp,
}

/// Tells all of them, each once, in the ways that they chose: in the inbox what the letter begins with, and by the letter.
async fn all(app: &App, team: TeamId, admins: bool, kind: &'static str, cause: Cause, notice: Notice) -> Result<(), Crash> {
    let payers = app.store.payers(team, admins).await?;
    let preferences = app.store.preferences_of(&payers.iter().map(|profile| profile.id).collect::<Vec<_>>()).await?;
    let told = notices::Notice {
        id: cause.id.to_string(),
        at: cause.at,
        place: cause.at,
        category: Category::Billing,
        text: notice.paragraphs.first().map(|text| text.trim_end_matches('.').to_owned()).unwrap_or_default(),
        link: notice.button.as_ref().and_then(|(_, link)| link.strip_prefix(app.config.pages_url.as_str())).unwrap_or("/").to_owned(),
        seq: 0,
        read: false,
    };
    for profile in payers {
        let ways = preferences.get(&profile.id).copied().unwrap_or_default().of(Category::Billing);
        if ways.in_app {
            app.store.notify(profile.id, &told).await?;
        }
        if ways.mail {
            let write = async { notice.of_choice(app, &profile, &Letters::Billing) };
            deliver::once(app, once(kind, profile.id, cause.id), write).await?;
        }
    }
    Ok(())
}

async fn about(app: &App, team: TeamId, number: u64) -> Result<Option<(String, Invoice)>, Crash> {
    let (about, invoice) = tokio::try_join!(app.store.team(team), app.store.invoice_of(team, number))?;
    Ok(about.map(|team| team.name).zip(invoice))
}

fn page(app: &App, invoice: &Invoice) -> String {
    format!("{}/teams/{}/invoices/{}", app.config.pages_url, invoice.team, invoice.number)
}

/// A new invoice. One that is paid by the time, or from a credit, needs no letter of its own.
pub(crate) async fn invoiced(app: &App, team: TeamId, number: u64, cause: Cause) -> Result<(), Crash> {
    let Some((name, invoice)) = about(app, team, number).await? else { return Ok(()) };
    let notice = Notice {
        title: "An invoice from Postroom",
        paragraphs: vec![
            format!("Invoice {} for {name} is over {}.", invoice.name(), money(invoice.total)),
            match invoice.paid_at {
                Some(_) => "It is paid.".to_owned(),
                None => {
                    format!("Please pay it by {}. After that day the team can read everything, but change nothing.", date(invoice.due_at))
                }
            },
        ],
        button: Some(("Look at the invoice", page(app, &invoice))),
        foot: "You get this letter because you look after the team's payments.",
    };
    all(app, team, false, "invoiced", cause, notice).await
}

/// An invoice that has waited for a week.
pub(crate) async fn waits(app: &App, team: TeamId, number: u64, cause: Cause) -> Result<(), Crash> {
    let Some((name, invoice)) = about(app, team, number).await?.filter(|(_, invoice)| invoice.paid_at.is_none()) else { return Ok(()) };
    let notice = Notice {
        title: "An invoice waits to be paid",
        paragraphs: vec![
            format!("Invoice {} for {name} over {} is not paid yet.", invoice.name(), money(invoice.total)),
            format!("If it is not paid by {}, the team can read everything, but change nothing. Nothing is deleted.", date(invoice.due_at)),
        ],
        button: Some(("Look at the invoice", page(app, &invoice))),
        foot: "If it is on its way, there is nothing to do.",
    };
    all(app, team, false, "invoice-waits", cause, notice).await
}

/// A team that can only read from now on.
pub(crate) async fn unpaid(app: &App, team: TeamId, cause: Cause) -> Result<(), Crash> {
    let Some(about) = app.store.team(team).await?.filter(|team| team.read_only) else { return Ok(()) };
    let notice = Notice {
        title: "Your team can only read now",
        paragraphs: vec![
            format!("An invoice for {} has waited for more than ten days.", about.name),
            "Everybody in the team reads everything as before, and nothing is deleted. Changes are possible again as soon as the invoice \
             is paid."
                .to_owned(),
        ],
        button: Some(("Plan and invoices", format!("{}/teams/{team}/billing", app.config.pages_url))),
        foot: "Those who look after payments and the admins of the team get this letter.",
    };
    all(app, team, true, "team-unpaid", cause, notice).await
}

/// A payment that arrived.
pub(crate) async fn paid(app: &App, team: TeamId, number: u64, cause: Cause) -> Result<(), Crash> {
    let Some((name, invoice)) = about(app, team, number).await? else { return Ok(()) };
    let notice = Notice {
        title: "Your payment has arrived",
        paragraphs: vec![format!("Invoice {} for {name} over {} is paid. Thank you.", invoice.name(), money(invoice.total))],
        button: Some(("Look at the invoice", page(app, &invoice))),
        foot: "You get this letter because you look after the team's payments.",
    };
    all(app, team, false, "invoice-paid", cause, notice).await
}

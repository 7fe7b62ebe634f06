//! Notices and letters about invoices and seats: to those who look after payment, and where it is their concern, too, to the
//! admins.

use app::{App, Crash};
use domain::billing::{Invoice, money};
use domain::ids::{TeamId, UserId};
use domain::notify::{Category, Letters};
use jiff::Timestamp;
use store::notices;
use store::receipts::Receipt;

use crate::deliver;
use crate::notice::{Notice, hour};

fn date(at: Timestamp) -> String {
    at.strftime("%-d %B %Y").to_string()
}

/// The event that is told of.
#[derive(Clone)]
pub(crate) struct Cause {
    /// What is told once: the event's id, or what several events have in common.
    pub(crate) id: String,
    /// When it happened.
    pub(crate) at: Timestamp,
    /// Where it stands in an inbox.
    pub(crate) place: Timestamp,
}

/// Who hears of something, and as what.
#[derive(Clone, Copy)]
struct Whom {
    team: TeamId,
    /// Not only who looks after payment.
    admins: bool,
    /// Who did it knows.
    but: Option<UserId>,
    category: Category,
}

impl Whom {
    fn payers(team: TeamId) -> Whom {
        Whom { team, admins: false, but: None, category: Category::Billing }
    }
}

/// Tells all of them, each once, in the ways that they chose: in the inbox what the letter begins with, and by the letter.
async fn all(app: &App, whom: Whom, kind: &'static str, cause: Cause, notice: Notice) -> Result<(), Crash> {
    let mut payers = app.store.payers(whom.team, whom.admins).await?;
    payers.retain(|profile| Some(profile.id) != whom.but);
    let preferences = app.store.preferences_of(&payers.iter().map(|profile| profile.id).collect::<Vec<_>>()).await?;
    let told = notices::Notice {
        id: cause.id.clone(),
        at: cause.at,
        place: cause.place,
        category: whom.category,
        text: notice.paragraphs.first().map(|text| text.trim_end_matches('.').to_owned()).unwrap_or_default(),
        link: notice.button.as_ref().and_then(|(_, link)| link.strip_prefix(app.config.pages_url.as_str())).unwrap_or("/").to_owned(),
        seq: 0,
        read: false,
    };
    let letters = if whom.category == Category::Usage { Letters::Usage } else { Letters::Billing };
    for profile in payers {
        let ways = preferences.get(&profile.id).copied().unwrap_or_default().of(whom.category);
        if ways.in_app {
            app.store.notify(profile.id, &told).await?;
        }
        if ways.mail {
            let write = async { notice.of_choice(app, &profile, &letters) };
            deliver::once(app, Receipt::new(kind, profile.id.to_string(), cause.id.clone()), write).await?;
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
    all(app, Whom::payers(team), "invoiced", cause, notice).await
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
    all(app, Whom::payers(team), "invoice-waits", cause, notice).await
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
    all(app, Whom { admins: true, ..Whom::payers(team) }, "team-unpaid", cause, notice).await
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
    all(app, Whom::payers(team), "invoice-paid", cause, notice).await
}

/// An invitation that took the last seat: whoever can do something about it learns of it before the next one is refused. For
/// the same number of seats once an hour, however many invitations there were, and not whoever made them, who saw it.
pub(crate) async fn full(app: &App, team: TeamId, by: Option<UserId>, at: Timestamp) -> Result<(), Crash> {
    let Some(seats) = app.store.seats(team).await?.filter(|seats| seats.free() == 0) else { return Ok(()) };
    let Some(about) = app.store.team(team).await? else { return Ok(()) };
    let hour = hour(at)?;
    let cause = Cause { id: format!("full.{team}.{}.{}", seats.count, hour.as_second()), at, place: hour };
    let notice = Notice {
        title: "All seats of your team are taken",
        paragraphs: vec![
            format!("All {} seats of {} are taken.", seats.count, about.name),
            "Nobody else can be invited until there are more, somebody leaves, or an invitation is taken back.".to_owned(),
        ],
        button: Some(("Add seats", format!("{}/teams/{team}/billing", app.config.pages_url))),
        foot: "Those who look after payments and the admins of the team get this letter.",
    };
    all(app, Whom { team, admins: true, but: by, category: Category::Usage }, "seats-full", cause, notice).await
}

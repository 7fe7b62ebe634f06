//! What a team pays: plan and invoices.

use askama::Template;

use super::{Frame, Moment, Seats};

/// `/teams/{team}/billing`.
#[derive(Debug, Template)]
#[template(path = "billing.html")]
pub struct Billing {
    /// Around it.
    pub frame: Frame,
    /// The team's id.
    pub team: String,
    /// Its name.
    pub name: String,
    /// The plans there are.
    pub plans: Vec<Plan>,
    /// The plan now: `free`, `team` or `enterprise`.
    pub plan: &'static str,
    /// Its name for people.
    pub plan_name: &'static str,
    /// `month` or `year`.
    pub period: &'static str,
    /// The plan from the next cycle on, in words.
    pub next: Option<String>,
    /// The first and the last day of the cycle, and how many days are left of it.
    pub cycle: Option<(String, String, i64)>,
    /// The seats.
    pub seats: Seats,
    /// What the next invoice is less.
    pub credit: Option<String>,
    /// Whether the team can only read.
    pub read_only: bool,
    /// Whether nobody is admin yet.
    pub no_admin: bool,
    /// The newest first.
    pub invoices: Vec<Bill>,
}

/// A plan, with prices as people write them.
#[derive(Debug, Clone)]
pub struct Plan {
    /// `free`, `team` or `enterprise`.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Whom it is for.
    pub about: &'static str,
    /// A seat for a month.
    pub month: String,
    /// A seat for a year.
    pub year: String,
}

/// An invoice in a list.
#[derive(Debug, Clone)]
pub struct Bill {
    /// Its number.
    pub number: u64,
    /// Its name, `INV-0001`.
    pub name: String,
    /// When it was written.
    pub issued: Moment,
    /// Until when it is to be paid.
    pub due: Moment,
    /// The sum.
    pub total: String,
    /// `open`, `overdue` or `paid`.
    pub status: &'static str,
}

/// `/teams/{team}/invoices/{number}`: made for printing.
#[derive(Debug, Template)]
#[template(path = "invoice.html")]
pub struct InvoicePage {
    /// Around it.
    pub frame: Frame,
    /// The team's id.
    pub team: String,
    /// Its name.
    pub name: String,
    /// What it is about.
    pub bill: Bill,
    /// How it was paid, and when.
    pub paid: Option<(String, Moment)>,
    /// What for.
    pub lines: Vec<Line>,
    /// Whether it is paid on a page of a payment service.
    pub checkout: bool,
}

/// A line with its arithmetic.
#[derive(Debug, Clone)]
pub struct Line {
    /// What for.
    pub text: String,
    /// `3 seats × $8.00 × 10 of 30 days`.
    pub arithmetic: String,
    /// The amount.
    pub amount: String,
}

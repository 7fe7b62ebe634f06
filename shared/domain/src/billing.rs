//! What a team pays: plans, cycles, proration, invoices. Whole cents and whole days (UTC), nothing else.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::ids::TeamId;

/// The currency of all prices (ISO 4217).
pub const CURRENCY: &str = "USD";
/// How long an invoice can wait before its team can only read.
pub const GRACE: SignedDuration = SignedDuration::from_hours(10 * 24);
/// So long before the end of [`GRACE`] the team is reminded.
pub const REMINDED: SignedDuration = SignedDuration::from_hours(3 * 24);

/// Which plan. The greater costs more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlanId {
    /// Costs nothing.
    #[default]
    Free,
    /// For a team.
    Team,
    /// For many teams' worth of people.
    Enterprise,
}

/// How long a cycle is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    /// A calendar month.
    #[default]
    Month,
    /// A calendar year.
    Year,
}

/// A plan: what a seat costs for a cycle, in cents.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Which.
    pub id: PlanId,
    /// Its name.
    pub name: &'static str,
    /// Whom it is for, in a few words.
    pub about: &'static str,
    /// A seat for a month.
    pub month: i64,
    /// A seat for a year.
    pub year: i64,
}

/// The plans. Nothing of the product is kept for those who pay: a plan pays for whoever runs the server.
pub const PLANS: [Plan; 3] = [
    Plan { id: PlanId::Free, name: "Free", about: "Everything, at no cost.", month: 0, year: 0 },
    Plan {
        id: PlanId::Team,
        name: "Team",
        about: "Helps to run the server, with answers within two working days.",
        month: 800,
        year: 8_000,
    },
    Plan { id: PlanId::Enterprise, name: "Enterprise", about: "With answers within a working day.", month: 2_000, year: 20_000 },
];

impl PlanId {
    /// The plan.
    pub fn plan(self) -> &'static Plan {
        match self {
            PlanId::Free => &PLANS[0],
            PlanId::Team => &PLANS[1],
            PlanId::Enterprise => &PLANS[2],
        }
    }
}

impl Plan {
    /// What a seat costs for a cycle.
    pub fn price(&self, period: Period) -> i64 {
        match period {
            Period::Month => self.month,
            Period::Year => self.year,
        }
    }
}

/// The part of a price that falls on `days` of the `of` days of a cycle, in cents, half up.
///
/// Each day costs the same; the sum is rounded once.
pub fn prorated(cents: i64, days: i64, of: i64) -> i64 {
    let (cents, days, of) = (i128::from(cents), i128::from(days), i128::from(of.max(1)));
    i64::try_from((2 * cents * days + of).div_euclid(2 * of)).unwrap_or(i64::MAX)
}

/// A plan and how long its cycles are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The plan.
    pub plan: PlanId,
    /// The period.
    pub period: Period,
}

impl Choice {
    fn price(self) -> i64 {
        self.plan.plan().price(self.period)
    }

    fn called(self) -> String {
        format!("{}, per {}", self.plan.plan().name, if self.period == Period::Month { "month" } else { "year" })
    }
}

/// The days that were paid for together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cycle {
    /// The first day.
    pub start: Date,
    /// The day after the last.
    pub end: Date,
}

impl Cycle {
    /// How many days it has.
    pub fn days(&self) -> i64 {
        between(self.start, self.end)
    }

    /// How many of them are left: today and those after it.
    pub fn left(&self, today: Date) -> i64 {
        between(today, self.end).clamp(0, self.days())
    }
}

fn between(from: Date, to: Date) -> i64 {
    from.duration_until(to).as_hours() / 24
}

/// The day that a moment is in.
pub fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

fn midnight(day: Date) -> Timestamp {
    day.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |zoned| zoned.timestamp())
}

/// An invoice that waits to be paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// Its number.
    pub number: u64,
    /// The end of its grace.
    pub due: Timestamp,
    /// Whether the team was reminded.
    #[serde(default)]
    pub reminded: bool,
}

/// What a team pays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Whose.
    pub team: TeamId,
    /// Counts the writes to it.
    pub version: u64,
    /// What it has.
    pub now: Choice,
    /// What it has from the next cycle on, where that is something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Choice>,
    /// The first day of the first cycle of this period; cycles start on its day of the month.
    pub anchor: Date,
    /// How many cycles are over since.
    pub passed: i64,
    /// So many seats are paid for until the cycle ends.
    pub paid_seats: u64,
    /// What is to be credited on the next invoice, in cents.
    #[serde(default)]
    pub credit: i64,
    /// The number of the last invoice.
    pub invoices: u64,
    /// Invoices that wait to be paid, the oldest first.
    #[serde(default)]
    pub open: Vec<Open>,
    /// Whether the team can only read, because an invoice waited for too long.
    #[serde(default)]
    pub read_only: bool,
    /// Whether its members carry the mark of that.
    #[serde(default)]
    pub marked: bool,
}

/// A line of an invoice, with its arithmetic: `seats` × `unit` × `days` ÷ `of`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What for.
    pub text: String,
    /// How many seats.
    pub seats: u64,
    /// A seat for a whole cycle, in cents; below 0 where it is given back.
    pub unit: i64,
    /// So many days …
    pub days: i64,
    /// … of so many.
    pub of: i64,
    /// In cents.
    pub cents: i64,
}

impl Line {
    fn new(text: String, seats: u64, unit: i64, days: i64, of: i64) -> Line {
        let whole = unit.saturating_mul(i64::try_from(seats).unwrap_or(i64::MAX));
        // Half up of what is given back, too: to the customer's favour by at most half a cent.
        let cents = if whole < 0 { -prorated(-whole, days, of) } else { prorated(whole, days, of) };
        Line { text, seats, unit, days, of, cents }
    }
}

/// An invoice. It never changes but for being paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    /// The team.
    pub team: TeamId,
    /// 1, 2, 3 … of its team.
    pub number: u64,
    /// When it was written.
    pub issued_at: Timestamp,
    /// Until when it is to be paid.
    pub due_at: Timestamp,
    /// What for.
    pub lines: Vec<Line>,
    /// The sum of the lines, in cents.
    pub total: i64,
    /// ISO 4217.
    pub currency: String,
    /// When it was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_at: Option<Timestamp>,
    /// How: by whom it was marked, or through what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_by: Option<String>,
}

impl Invoice {
    /// Its name for people: `INV-0007`.
    pub fn name(&self) -> String {
        format!("INV-{:04}", self.number)
    }
}

/// An amount of cents as people write it: `-1234` is `-$12.34`.
pub fn money(cents: i64) -> String {
    let (sign, whole) = (if cents < 0 { "-" } else { "" }, cents.unsigned_abs());
    format!("{sign}${}.{:02}", whole / 100, whole % 100)
}

/// An account after a decision, and what is to be paid for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// As it is to be.
    pub account: Account,
    /// What is to be paid; nothing where there are no lines.
    pub lines: Vec<Line>,
}

/// What an account waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// The cycle is over.
    Renew,
    /// This invoice is to be paid soon.
    Remind(u64),
    /// An invoice has waited for too long.
    Freeze,
}

impl Account {
    /// The account of a team that has chosen nothing.
    pub fn free(team: TeamId, today: Date) -> Account {
        Account {
            team,
            version: 0,
            now: Choice::default(),
            next: None,
            anchor: today,
            passed: 0,
            paid_seats: 0,
            credit: 0,
            invoices: 0,
            open: Vec::new(),
            read_only: false,
            marked: false,
        }
    }

    /// The days that are paid for now; none on the free plan.
    pub fn cycle(&self) -> Option<Cycle> {
        (self.now.plan != PlanId::Free).then(|| Cycle { start: self.turn(self.passed), end: self.turn(self.passed + 1) })
    }

    /// The first day of a cycle. Counted from the anchor, so that the 31st comes back after a short month.
    fn turn(&self, cycles: i64) -> Date {
        let span = if self.now.period == Period::Month { cycles.months() } else { cycles.years() };
        self.anchor.saturating_add(span)
    }

    /// Another plan or period, chosen today by a team with so many seats. More takes effect at once and costs for what
    /// is left of the cycle; less takes effect at the cycle's end.
    pub fn choose(&self, want: Choice, seats: u64, today: Date) -> Quote {
        let mut account = self.clone();
        account.next = None;
        let Some(cycle) = self.cycle() else {
            return if want.plan == PlanId::Free { Quote { account, lines: Vec::new() } } else { account.begin(want, seats, today) };
        };
        let now = match want.plan {
            PlanId::Free => self.now,
            _ => Choice { plan: self.now.plan.max(want.plan), period: self.now.period.max(want.period) },
        };
        let next = (now != want).then_some(want);
        let (left, of) = (cycle.left(today), cycle.days());
        let back = |why: &str| Line::new(format!("{}: {why}", self.now.called()), self.paid_seats, -self.now.price(), left, of);
        let mut quote = if now == self.now {
            Quote { account, lines: Vec::new() }
        } else if now.period == self.now.period {
            account.now = now;
            let rest = Line::new(format!("{}: rest of the cycle", now.called()), self.paid_seats, now.price(), left, of);
            Quote { account, lines: vec![rest, back("not used")] }
        } else {
            let mut quote = account.begin(now, seats, today);
            quote.lines.push(back("not used"));
            quote
        };
        quote.account.next = next;
        quote
    }

    /// Another number of seats, chosen today. Those that are paid for already cost nothing.
    pub fn with_seats(&self, seats: u64, today: Date) -> Quote {
        let mut account = self.clone();
        let mut lines = Vec::new();
        if let Some(cycle) = self.cycle().filter(|_| self.paid_seats < seats) {
            let more = seats - self.paid_seats;
            lines.push(Line::new(format!("{}: more seats", self.now.called()), more, self.now.price(), cycle.left(today), cycle.days()));
            account.paid_seats = seats;
        }
        Quote { account, lines }
    }

    /// The next cycle of an account whose cycle is over, for the seats that there are by then.
    pub fn renew(&self, seats: u64) -> Quote {
        let Some(cycle) = self.cycle() else { return Quote { account: self.clone(), lines: Vec::new() } };
        let mut account = Account { next: None, passed: self.passed + 1, paid_seats: seats, ..self.clone() };
        match self.next {
            Some(next) if next.plan == PlanId::Free => {
                account.now = next;
                account.paid_seats = 0;
                return Quote { account, lines: Vec::new() };
            }
            Some(next) if next.period != self.now.period => return account.begin(next, seats, cycle.end),
            Some(next) => account.now = next,
            None => (),
        }
        let lines = account.whole();
        Quote { account, lines }
    }

    /// Goes on after the team could only read: that time is not paid for.
    pub fn resume(&self, seats: u64, today: Date) -> Quote {
        match self.cycle() {
            Some(cycle) if cycle.end <= today && self.next.is_none_or(|next| next.plan != PlanId::Free) => {
                self.clone().begin(self.next.unwrap_or(self.now), seats, today)
            }
            Some(cycle) if cycle.end <= today => self.renew(seats),
            _ => Quote { account: self.clone(), lines: Vec::new() },
        }
    }

    /// A first cycle from `start` on.
    fn begin(mut self, choice: Choice, seats: u64, start: Date) -> Quote {
        self = Account { now: choice, next: None, anchor: start, passed: 0, paid_seats: seats, ..self };
        let lines = self.whole();
        Quote { account: self, lines }
    }

    fn whole(&self) -> Vec<Line> {
        let Some(cycle) = self.cycle() else { return Vec::new() };
        let text = format!("{}: {} to {}", self.now.called(), cycle.start, cycle.end.yesterday().unwrap_or(cycle.end));
        vec![Line::new(text, self.paid_seats, self.now.price(), cycle.days(), cycle.days())]
    }

    /// Turns what is to be paid into the account's next invoice. What is credited stays for the one after where it is
    /// more; without anything to pay there is no invoice.
    pub fn invoice(&mut self, mut lines: Vec<Line>, now: Timestamp) -> Option<Invoice> {
        let sum: i64 = lines.iter().map(|line| line.cents).sum();
        if sum <= 0 {
            self.credit -= sum;
            return None;
        }
        let credited = self.credit.min(sum);
        if credited > 0 {
            lines.push(Line { text: "Credit from before".to_owned(), seats: 1, unit: -credited, days: 1, of: 1, cents: -credited });
            self.credit -= credited;
        }
        let total = sum - credited;
        self.invoices += 1;
        let due_at = now.saturating_add(GRACE).unwrap_or(Timestamp::MAX);
        let mut invoice = Invoice {
            team: self.team,
            number: self.invoices,
            issued_at: now,
            due_at,
            lines,
            total,
            currency: CURRENCY.to_owned(),
            paid_at: None,
            paid_by: None,
        };
        if total == 0 {
            invoice.paid_at = Some(now);
            invoice.paid_by = Some("credit".to_owned());
        } else {
            self.open.push(Open { number: invoice.number, due: due_at, reminded: false });
        }
        Some(invoice)
    }

    /// What is to be done by now, the first thing first.
    pub fn due(&self, now: Timestamp) -> Option<Due> {
        if self.read_only {
            return None;
        }
        if self.open.iter().any(|open| open.due <= now) {
            return Some(Due::Freeze);
        }
        if self.cycle().is_some_and(|cycle| midnight(cycle.end) <= now) {
            return Some(Due::Renew);
        }
        self.open.iter().find(|open| !open.reminded && remind_at(open) <= now).map(|open| Due::Remind(open.number))
    }

    /// When somebody has to look at it next; `None`: never.
    pub fn look_at(&self) -> Option<Timestamp> {
        if self.read_only || self.marked {
            // Each time: who came in meanwhile is to be marked, too.
            return Some(Timestamp::UNIX_EPOCH);
        }
        let paid_until = self.cycle().map(|cycle| midnight(cycle.end));
        let waits = self.open.iter().map(|open| if open.reminded { open.due } else { remind_at(open) }).min();
        paid_until.into_iter().chain(waits).min()
    }
}

fn remind_at(open: &Open) -> Timestamp {
    open.due.saturating_sub(REMINDED).unwrap_or(open.due)
}

#[cfg(test)]
#[path = "billing_tests.rs"]
mod tests;

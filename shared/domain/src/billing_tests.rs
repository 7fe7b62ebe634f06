use super::*;
use proptest::prelude::*;

/// The specification, day by day: each day of the cycle costs the same part of the price; the days from today on are
/// added up as fractions (numerators over `of`), and the sum is rounded once, half up.
fn day_by_day(cents: i64, today: Date, cycle: Cycle) -> i64 {
    let (mut numerator, of) = (0_i128, i128::from(cycle.days()));
    let mut day = cycle.start;
    while day < cycle.end {
        if today <= day {
            numerator += i128::from(cents);
        }
        day = day.tomorrow().unwrap();
    }
    let (whole, rest) = (numerator / of, numerator % of);
    i64::try_from(whole + i128::from(2 * rest >= of)).unwrap()
}

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

fn account(plan: PlanId, period: Period, seats: u64, start: &str) -> Account {
    Account::free(TeamId(1), date(start)).choose(Choice { plan, period }, seats, date(start)).account
}

fn sum(quote: &Quote) -> i64 {
    quote.lines.iter().map(|line| line.cents).sum()
}

fn dates() -> impl Strategy<Value = Date> {
    (0..20_000_i64).prop_map(|days| date("2020-01-01").saturating_add(days.days()))
}

fn choices() -> impl Strategy<Value = Choice> {
    let plans = prop_oneof![Just(PlanId::Free), Just(PlanId::Team), Just(PlanId::Enterprise)];
    (plans, prop_oneof![Just(Period::Month), Just(Period::Year)]).prop_map(|(plan, period)| Choice { plan, period })
}

proptest! {
    #[test]
    fn proration_is_what_it_costs_day_by_day(cents in 0_i64..100_000_000, start in dates(), length in 1_i64..400, into in -5_i64..410) {
        let cycle = Cycle { start, end: start.saturating_add(length.days()) };
        let today = start.saturating_add(into.days());
        prop_assert_eq!(prorated(cents, cycle.left(today), cycle.days()), day_by_day(cents, today, cycle));
    }

    #[test]
    fn more_seats_cost_what_is_left(start in dates(), into in 0_i64..31, seats in 1_u64..500, more in 1_u64..500) {
        let account = Account::free(TeamId(1), start).choose(Choice { plan: PlanId::Team, period: Period::Month }, seats, start).account;
        let cycle = account.cycle().unwrap();
        let today = start.saturating_add(into.min(cycle.days() - 1).days());
        let quote = account.with_seats(seats + more, today);
        prop_assert_eq!(sum(&quote), day_by_day(i64::try_from(more).unwrap() * 800, today, cycle));
        // Fewer, and as many again, is paid for already.
        prop_assert!(quote.account.with_seats(1, today).account.with_seats(seats + more, today).lines.is_empty());
    }

    #[test]
    fn nothing_is_lost_whatever_is_chosen(
        first in choices(), steps in prop::collection::vec((choices(), 0_i64..500, 1_u64..50), 0..8), start in dates(), seats in 1_u64..50,
    ) {
        let mut today = start;
        let mut seats = seats;
        let mut quote = Account::free(TeamId(1), start).choose(first, seats, today);
        let (mut asked, mut billed) = (0, 0);
        for (want, days, count) in steps {
            asked += sum(&quote);
            let lines = std::mem::take(&mut quote.lines);
            let number = quote.account.invoices;
            if let Some(invoice) = quote.account.invoice(lines, midnight(today)) {
                prop_assert_eq!(invoice.number, number + 1);
                prop_assert!(0 <= invoice.total);
                prop_assert_eq!(invoice.total, invoice.lines.iter().map(|line| line.cents).sum::<i64>());
                billed += invoice.total;
            }
            // What was asked for is billed, or credited and not forgotten.
            prop_assert_eq!(billed - quote.account.credit, asked);
            today = today.saturating_add(days.days());
            let mut account = quote.account;
            while account.cycle().is_some_and(|cycle| cycle.end <= today) {
                let renewed = account.renew(seats);
                asked += sum(&renewed);
                account = renewed.account;
                let before = account.cycle();
                if let Some(invoice) = account.invoice(renewed.lines, midnight(today)) {
                    billed += invoice.total;
                }
                prop_assert_eq!(account.cycle(), before);
            }
            if let Some(cycle) = account.cycle() {
                prop_assert!(cycle.start <= today && today < cycle.end);
            }
            quote = if count % 2 == 0 { account.choose(want, seats, today) } else { account.with_seats(count, today) };
            if count % 2 == 1 {
                seats = count;
            }
        }
    }
}

#[test]
fn half_a_cent_is_a_cent() {
    assert_eq!(prorated(1, 1, 2), 1);
    assert_eq!(prorated(1, 1, 3), 0);
    assert_eq!(prorated(3, 1, 2), 2);
    assert_eq!(prorated(800, 0, 30), 0);
    assert_eq!(money(-1_205), "-$12.05");
}

#[test]
fn an_upgrade_costs_the_rest_and_a_downgrade_waits() {
    // April has 30 days; on the 21st ten are left.
    let team = account(PlanId::Team, Period::Month, 3, "2026-04-01");
    let up = team.choose(Choice { plan: PlanId::Enterprise, period: Period::Month }, 3, date("2026-04-21"));
    let cents: Vec<(u64, i64, i64, i64, i64)> =
        up.lines.iter().map(|line| (line.seats, line.unit, line.days, line.of, line.cents)).collect();
    assert_eq!(cents, [(3, 2_000, 10, 30, 2_000), (3, -800, 10, 30, -800)]);
    assert_eq!(up.account.cycle().unwrap().end, date("2026-05-01"));
    let down = up.account.choose(Choice { plan: PlanId::Team, period: Period::Month }, 3, date("2026-04-22"));
    assert!(down.lines.is_empty() && down.account.now.plan == PlanId::Enterprise);
    let renewed = down.account.renew(2);
    assert_eq!((renewed.account.now.plan, sum(&renewed), renewed.account.cycle().unwrap().end), (PlanId::Team, 1_600, date("2026-06-01")));
    // Changing one's mind costs nothing.
    assert_eq!(down.account.choose(up.account.now, 3, date("2026-04-23")).account.next, None);
    let free = team.choose(Choice::default(), 3, date("2026-04-21")).account.renew(3);
    assert_eq!((free.account.now.plan, free.lines.len(), free.account.look_at()), (PlanId::Free, 0, None));
}

#[test]
fn a_year_starts_anew_and_a_month_waits_for_its_end() {
    let month = account(PlanId::Team, Period::Month, 2, "2026-04-01");
    let year = month.choose(Choice { plan: PlanId::Team, period: Period::Year }, 2, date("2026-04-16"));
    assert_eq!(year.lines.iter().map(|line| line.cents).collect::<Vec<_>>(), [16_000, -800]);
    assert_eq!(year.account.cycle().unwrap(), Cycle { start: date("2026-04-16"), end: date("2027-04-16") });
    let back = year.account.choose(Choice { plan: PlanId::Enterprise, period: Period::Month }, 2, date("2026-05-01"));
    assert_eq!((back.account.now.plan, back.account.now.period), (PlanId::Enterprise, Period::Year));
    let renewed = back.account.renew(2);
    assert_eq!((renewed.account.now.period, renewed.account.cycle().unwrap().end), (Period::Month, date("2027-05-16")));
}

#[test]
fn the_last_day_of_a_month_comes_back() {
    let mut account = account(PlanId::Team, Period::Month, 1, "2026-01-31");
    let mut ends = Vec::new();
    for _ in 0..4 {
        ends.push(account.cycle().unwrap().end.to_string());
        account = account.renew(1).account;
    }
    assert_eq!(ends, ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]);
}

#[test]
fn an_invoice_waits_is_reminded_of_and_freezes() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let mut account = account(PlanId::Team, Period::Month, 1, "2026-04-01");
    let lines = account.whole();
    let invoice = account.invoice(lines, at("2026-04-01T12:00:00Z")).unwrap();
    assert_eq!((invoice.total, invoice.due_at), (800, at("2026-04-11T12:00:00Z")));
    assert_eq!((account.due(at("2026-04-08T11:59:00Z")), account.look_at()), (None, Some(at("2026-04-08T12:00:00Z"))));
    assert_eq!(account.due(at("2026-04-08T12:00:00Z")), Some(Due::Remind(1)));
    account.open[0].reminded = true;
    assert_eq!((account.due(at("2026-04-11T11:59:00Z")), account.due(at("2026-04-11T12:00:00Z"))), (None, Some(Due::Freeze)));
    account.open.clear();
    assert_eq!(account.due(at("2026-04-30T23:59:59Z")), None);
    assert_eq!(account.due(at("2026-05-01T00:00:00Z")), Some(Due::Renew));
    // What could only be read is not paid for.
    let frozen = Account { read_only: true, ..account };
    assert_eq!(frozen.due(at("2026-09-01T00:00:00Z")), None);
    let resumed = frozen.resume(4, date("2026-09-10"));
    assert_eq!((sum(&resumed), resumed.account.cycle().unwrap().start), (3_200, date("2026-09-10")));
}

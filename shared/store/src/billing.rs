//! What teams pay: plan, cycle, seats and invoices. A decision and the invoice that it costs are one transaction.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::access::{Access, ManageBilling, ManageSeats, TeamRole};
use domain::billing::{Account, Choice, Due, Invoice, Quote, day};
use domain::happened::{Doer, Happened};
use domain::ids::{TeamId, UserId};
use domain::team::Seats;
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;

use crate::users::Profile;
use crate::{Conflict, Ended, Error, Leg, Range, Store, events, keys, read, row, s, values};

/// Profiles that are marked at the same time.
const MARKED_AT_ONCE: usize = 8;

/// By what right an invoice counts as paid.
#[derive(Debug, Clone)]
pub enum Payment<'a> {
    /// Somebody who looks after payment says so.
    By(&'a Access<ManageBilling>),
    /// What takes payments says so: its name.
    Through(TeamId, &'static str),
}

impl Payment<'_> {
    fn team(&self) -> TeamId {
        match self {
            Payment::By(access) => access.thing,
            Payment::Through(team, _) => *team,
        }
    }

    fn doer(&self) -> Doer {
        match self {
            Payment::By(access) => Doer::from(&access.caller),
            Payment::Through(..) => Doer::default(),
        }
    }

    fn name(&self) -> String {
        match self {
            Payment::By(access) => access.caller.username.clone(),
            Payment::Through(_, name) => (*name).to_owned(),
        }
    }
}

/// The leg that keeps an account that was read at its version and changed since.
pub(crate) fn keep(account: &Account) -> Result<Leg, Error> {
    let next = Account { version: account.version + 1, ..account.clone() };
    let mut item = row(&keys::billing(account.team), "billing", &next)?;
    if let Some(at) = account.look_at() {
        item.insert("gsi1pk".to_owned(), s(keys::BILLING));
        item.insert("gsi1sk".to_owned(), s(keys::billing_at(at, account.team)));
    }
    let put = Leg::put(item);
    Ok(match account.version {
        0 => put.when("attribute_not_exists(pk)"),
        was => put.when("#version = :version").number(":version", was),
    })
}

/// The condition that nobody has changed an account since it was read.
fn still(account: &Account) -> Leg {
    let check = Leg::check(keys::billing(account.team));
    match account.version {
        0 => check.when("attribute_not_exists(pk)"),
        was => check.when("#version = :version").number(":version", was),
    }
}

fn same_seats(team: TeamId, seats: Seats) -> Leg {
    Leg::check(keys::seats(team)).when("#count = :count").number(":count", seats.count)
}

pub(crate) fn invoice_legs(invoice: &Invoice, now: Timestamp) -> Result<[Leg; 2], Error> {
    let what = Happened::Invoiced { team: invoice.team, number: invoice.number };
    Ok([Leg::create(row(&keys::invoice(invoice.team, invoice.number), "invoice", invoice)?), events::leg(None, what, now)?])
}

impl Store {
    /// What a team pays, and its seats. A team that never chose a plan is on the free one.
    pub async fn account(&self, team: TeamId, now: Timestamp) -> Result<(Account, Seats), Error> {
        let (account, seats) = (keys::billing(team), keys::seats(team));
        let mut found = self.get_many(&[account.clone(), seats.clone()]).await?;
        let seats = found.remove(&seats).ok_or_else(|| Error::Failed(format!("team {team} has no seats item")))?;
        let account = found.remove(&account).map(read).transpose()?;
        Ok((account.unwrap_or_else(|| Account::free(team, day(now))), read(seats)?))
    }

    /// An invoice of a team.
    pub async fn invoice_of(&self, team: TeamId, number: u64) -> Result<Option<Invoice>, Error> {
        self.get(&keys::invoice(team, number)).await?.map(read).transpose()
    }

    /// A team's invoices, the newest first.
    pub async fn invoices(&self, team: TeamId) -> Result<Vec<Invoice>, Error> {
        let items = self.all(&Range::prefix(keys::team_partition(team), keys::INVOICES).newest_first()).await?;
        items.into_iter().map(read).collect()
    }

    /// Chooses a plan: more at once, for what is left of the cycle; less from the next cycle on.
    /// [`Conflict::TeamUnpaid`]: an invoice waits for too long.
    pub async fn choose_plan(
        &self,
        access: &Access<ManageBilling>,
        want: Choice,
        now: Timestamp,
    ) -> Result<(Account, Option<Invoice>), Error> {
        let team = access.thing;
        let mut patience = self.patience();
        loop {
            let (account, seats) = self.account(team, now).await?;
            if account.read_only {
                return Err(Conflict::TeamUnpaid.into());
            }
            let quote = account.choose(want, seats.count, day(now));
            if quote.account == account {
                return Ok((account, None));
            }
            let (chosen, invoice, mut legs) = self.bill(quote, seats, now)?;
            let what = Happened::PlanChosen { team, plan: want.plan, period: want.period };
            legs.push(events::leg(&access.caller, what, now)?);
            match self.transact(&legs).await? {
                Ended::Committed => return Ok((chosen, invoice)),
                Ended::MovedOn(_) => patience.wait().await?,
            }
        }
    }

    /// The legs of a decision that costs something, or nothing.
    fn bill(&self, quote: Quote, seats: Seats, now: Timestamp) -> Result<(Account, Option<Invoice>, Vec<Leg>), Error> {
        let Quote { mut account, lines } = quote;
        let invoice = if lines.is_empty() { None } else { account.invoice(lines, now) };
        let mut legs = vec![keep(&account)?, same_seats(account.team, seats)];
        if let Some(invoice) = &invoice {
            legs.extend(invoice_legs(invoice, now)?);
        }
        Ok((account, invoice, legs))
    }

    /// Sets the number of seats of a team. On a plan, more cost what is left of the cycle; fewer are not paid back, but
    /// cost nothing if they are wanted again before it ends.
    ///
    /// Refuses with [`Conflict::SeatsInUse`]; with [`Conflict::NeedsBilling`] where it costs and the caller does not look
    /// after payment; with [`Conflict::TeamUnpaid`].
    pub async fn set_seats(&self, access: &Access<ManageSeats>, count: u64, now: Timestamp) -> Result<(Seats, Option<Invoice>), Error> {
        let team = access.thing;
        let may_buy = Access::<ManageBilling>::check(access.caller.clone(), team, None).is_ok();
        let mut patience = self.patience();
        loop {
            let (account, seats) = self.account(team, now).await?;
            let wanted = Seats { count, ..seats };
            if wanted.count < wanted.used {
                return Err(Conflict::SeatsInUse.into());
            }
            if account.read_only {
                return Err(Conflict::TeamUnpaid.into());
            }
            if wanted == seats {
                return Ok((seats, None));
            }
            let Quote { account: mut after, lines } = account.with_seats(count, day(now));
            if !lines.is_empty() && !may_buy {
                return Err(Conflict::NeedsBilling.into());
            }
            let invoice = if lines.is_empty() { None } else { after.invoice(lines, now) };
            let set = Leg::update(keys::seats(team), "SET #count = :count, #free = :free")
                .when("#count = :was AND #used = :used")
                .number(":count", count)
                .number(":free", wanted.free())
                .number(":was", seats.count)
                .number(":used", seats.used);
            let mut legs = vec![set, events::leg(&access.caller, Happened::SeatsSet { team, count }, now)?];
            legs.push(if after == account { still(&account) } else { keep(&after)? });
            if let Some(invoice) = &invoice {
                legs.extend(invoice_legs(invoice, now)?);
            }
            match self.transact(&legs).await? {
                Ended::Committed => return Ok((wanted, invoice)),
                Ended::MovedOn(_) => patience.wait().await?,
            }
        }
    }

    /// Notes that an invoice is paid; once it is, it stays so, whoever says it again. A team that could only read goes on
    /// with the last of the invoices that waited for too long, in a new cycle where the old one is over.
    /// [`Conflict::InvoiceGone`]: there is none.
    pub async fn pay(&self, payment: &Payment<'_>, number: u64, now: Timestamp) -> Result<Invoice, Error> {
        let team = payment.team();
        let mut patience = self.patience();
        loop {
            let was = self.invoice_of(team, number).await?.ok_or(Conflict::InvoiceGone)?;
            if was.paid_at.is_some() {
                return Ok(was);
            }
            let invoice = Invoice { paid_at: Some(now), paid_by: Some(payment.name()), ..was };
            let (mut account, seats) = self.account(team, now).await?;
            account.open.retain(|open| open.number != number);
            let thaws = account.read_only && account.open.iter().all(|open| now < open.due);
            let quote = match thaws {
                true => Account { read_only: false, ..account }.resume(seats.count, day(now)),
                false => Quote { account, lines: Vec::new() },
            };
            let (_, _, mut legs) = self.bill(quote, seats, now)?;
            let item = row(&keys::invoice(team, number), "invoice", &invoice)?;
            legs.push(Leg::put(item).when("attribute_exists(pk) AND attribute_not_exists(#paid_at)"));
            legs.push(events::leg(payment.doer(), Happened::InvoicePaid { team, number }, now)?);
            if thaws {
                legs.push(Leg::update(keys::team(team), "REMOVE #read_only").when("attribute_exists(pk)"));
            }
            match self.transact(&legs).await? {
                Ended::Committed => return Ok(invoice),
                Ended::MovedOn(_) => patience.wait().await?,
            }
        }
    }

    /// The accounts of those who hear of a team's payments: who looks after them, and with `admins` its admins.
    pub async fn payers(&self, team: TeamId, admins: bool) -> Result<Vec<Profile>, Error> {
        let (members, buyers) = futures::try_join!(self.members(team), self.buyers(team))?;
        let told = members.into_iter().filter(|member| member.billing || admins && member.role == TeamRole::Admin);
        let mut users: Vec<UserId> = told.map(|member| member.user).chain(buyers.into_iter().map(|buyer| buyer.user)).collect();
        users.sort_unstable();
        users.dedup();
        let mut profiles = self.profiles(&users).await?;
        Ok(users.iter().filter_map(|user| profiles.remove(user)).collect())
    }

    /// The teams whose accounts somebody has to look at by now. For the janitor.
    pub async fn accounts_due(&self, now: Timestamp) -> Result<Vec<TeamId>, Error> {
        let due = Range::below(keys::BILLING.to_owned(), keys::billing_until(now)).in_index();
        let items = self.all(&due).await?;
        Ok(items.iter().filter_map(crate::key_of).filter_map(|key| keys::team_of(&key)).collect())
    }

    /// Does what an account waits for: begins the cycles that are due, reminds of invoices, lets a team only read whose
    /// invoice has waited for too long, and marks its members. Says how many things it did. For the janitor.
    pub async fn look_after_account(&self, team: TeamId, now: Timestamp) -> Result<usize, Error> {
        let mut done = 0;
        let mut patience = self.patience();
        loop {
            let (mut account, seats) = self.account(team, now).await?;
            let legs = match account.due(now) {
                None => break,
                Some(Due::Freeze) => {
                    account = Account { read_only: true, marked: true, ..account };
                    let freeze = Leg::update(keys::team(team), "SET #read_only = :yes").when("attribute_exists(pk)");
                    let event = events::leg(None, Happened::TeamUnpaid { team }, now)?;
                    vec![keep(&account)?, freeze.value(":yes", crate::flag(true)), event]
                }
                Some(Due::Remind(number)) => {
                    account.open.iter_mut().filter(|open| open.number == number).for_each(|open| open.reminded = true);
                    vec![keep(&account)?, events::leg(None, Happened::InvoiceWaits { team, number }, now)?]
                }
                Some(Due::Renew) => {
                    let before = account.now;
                    let (after, _, mut legs) = self.bill(account.renew(seats.count), seats, now)?;
                    if after.now != before {
                        let what = Happened::PlanChosen { team, plan: after.now.plan, period: after.now.period };
                        legs.push(events::leg(None, what, now)?);
                    }
                    legs
                }
            };
            match self.transact(&legs).await? {
                Ended::Committed => done += 1,
                Ended::MovedOn(_) => patience.wait().await?,
            }
        }
        let (account, _) = self.account(team, now).await?;
        if account.marked {
            done += self.mark(team, account.read_only).await?;
            if !account.read_only {
                // Frozen again meanwhile, it stays marked and is looked at the next time.
                let cleared = self.transact(&[keep(&Account { marked: false, ..account })?]).await?;
                done += usize::from(matches!(cleared, Ended::Committed));
            }
        }
        Ok(done)
    }

    /// Marks all members of a team as in a team that can only read, or takes the mark away; says how many.
    async fn mark(&self, team: TeamId, read_only: bool) -> Result<usize, Error> {
        let users: Vec<UserId> = self.members(team).await?.into_iter().map(|member| member.user).collect();
        let profiles = self.profiles(&users).await?;
        let other = profiles.into_values().filter(|profile| profile.read_only.contains(&team) != read_only);
        let expression = if read_only { "ADD #read_only :team" } else { "DELETE #read_only :team" };
        let marks = other.map(|profile| async move {
            let values = values([(":team", AttributeValue::Ns(vec![team.to_string()]))]);
            self.update_when(&keys::profile(profile.id), expression, "attribute_exists(pk)", values).await
        });
        let marked: Vec<bool> = futures::stream::iter(marks).buffer_unordered(MARKED_AT_ONCE).try_collect().await?;
        Ok(marked.len())
    }

    /// Which of the teams that a person's profile says can only read really do: a payment takes effect at once, the marks
    /// go later.
    pub(crate) async fn really_read_only(&self, profile: &Profile) -> Result<BTreeSet<TeamId>, Error> {
        let wanted: Vec<_> =
            profile.read_only.iter().filter(|team| profile.teams.contains_key(team)).map(|team| keys::team(*team)).collect();
        let teams = self.get_many(&wanted).await?;
        let teams = teams.into_values().map(crate::teams::read_team).collect::<Result<Vec<_>, _>>()?;
        Ok(teams.into_iter().filter(|team| team.read_only).map(|team| team.id).collect())
    }
}

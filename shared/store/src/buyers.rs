//! Buying for a team without being in it: no seat, no library, but plan, seats and invoices.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::access::{Access, Caller, ManageBilling, TeamRole};
use domain::account::Email;
use domain::billing::{Account, Choice, Invoice, day};
use domain::ids::{InviteId, TeamId, UserId};
use domain::team::{Buyer, Invite, Seats, Team};
use jiff::Timestamp;

use crate::billing::{invoice_legs, keep};
use crate::invites::begin;
use crate::teams::{NewTeam, take_seats};
use crate::{Conflict, Error, Leg, Range, Store, keys, read, row};

/// What is bought for others.
#[derive(Debug, Clone)]
pub struct Purchase {
    /// The team.
    pub team: NewTeam,
    /// How many seats.
    pub seats: u64,
    /// On which plan.
    pub choice: Choice,
    /// Who is to be admin: an invitation's id, and where it goes.
    pub admin: (InviteId, Email),
}

fn admin_invite(by: &Caller, team: TeamId, admin: &(InviteId, Email), now: Timestamp) -> Invite {
    Invite {
        id: admin.0.clone(),
        team,
        email: admin.1.clone(),
        role: TeamRole::Admin,
        inviter: by.user,
        inviter_name: by.username.clone(),
        round: 1,
        created_at: now,
        expires_at: now.saturating_add(Invite::LIFETIME).unwrap_or(Timestamp::MAX),
    }
}

/// The leg that lets a person buy for a team.
fn let_buy(user: UserId, team: TeamId) -> Leg {
    let teams = AttributeValue::Ns(vec![team.to_string()]);
    Leg::update(keys::profile(user), "ADD #buys :team").when("attribute_exists(pk)").value(":team", teams)
}

impl Store {
    /// Makes a team for others: whoever is named is invited to be its admin, and holds the first of its seats; the buyer
    /// holds none. Refuses with [`Conflict::HandleTaken`], [`Conflict::IdTaken`].
    pub async fn buy_team(&self, by: &Caller, bought: &Purchase, now: Timestamp) -> Result<(Team, Seats, Option<Invoice>), Error> {
        let id = bought.team.id;
        let seats = Seats { count: bought.seats, used: 1 };
        let (team, mut legs) = self.made(by, &bought.team, seats, 0, now)?;
        let buyer = Buyer { team: id, user: by.user, username: by.username.clone() };
        legs.push(Leg::create(row(&keys::buyer(id, by.user), "buyer", &buyer)?).or(Conflict::IdTaken));
        legs.push(let_buy(by.user, id));
        legs.extend(begin(&admin_invite(by, id, &bought.admin, now), by, now)?);
        let quote = Account::free(id, day(now)).choose(bought.choice, bought.seats, day(now));
        let mut account = quote.account;
        let invoice = account.invoice(quote.lines, now);
        legs.push(keep(&account)?);
        if let Some(invoice) = &invoice {
            legs.extend(invoice_legs(invoice, now)?);
        }
        self.commit(&legs).await?;
        Ok((team, seats, invoice))
    }

    /// Names somebody admin of a team that has none: the one who was named before has not come.
    /// Refuses with [`Conflict::HasAdmin`], [`Conflict::AlreadyInvited`], [`Conflict::NoFreeSeat`].
    pub async fn name_admin(&self, access: &Access<ManageBilling>, admin: (InviteId, Email), now: Timestamp) -> Result<Invite, Error> {
        let team = access.thing;
        let invite = admin_invite(&access.caller, team, &admin, now);
        let none = Leg::check(keys::team(team)).when("#admins = :none").number(":none", 0).or(Conflict::HasAdmin);
        let mut legs = vec![none];
        legs.extend(begin(&invite, &access.caller, now)?);
        legs.push(take_seats(team, 1));
        // An address whose invitation has expired is free again.
        self.known(team, &[admin], now).await?;
        self.commit(&legs).await?;
        Ok(invite)
    }

    /// Who buys for a team without being in it.
    pub async fn buyers(&self, team: TeamId) -> Result<Vec<Buyer>, Error> {
        let items = self.all(&Range::prefix(keys::team_partition(team), keys::BUYERS)).await?;
        items.into_iter().map(read).collect()
    }
}

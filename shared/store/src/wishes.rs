//! Wishes: members ask the admins to invite somebody.

use domain::access::{Access, AskToInvite, Caller, ManageInvites, TeamRole};
use domain::account::Email;
use domain::happened::Happened;
use domain::ids::{InviteId, TeamId, WishId};
use domain::team::{Wish, WishState};
use jiff::Timestamp;

use crate::invites::Outcome;
use crate::users::digest;
use crate::{Conflict, Error, Item, Leg, Range, Store, events, keys, read, row, with_ttl};

fn item(wish: &Wish) -> Result<Item, Error> {
    // Nothing is counted by it: DynamoDB may take it away.
    Ok(with_ttl(row(&keys::wish(wish.team, &wish.id), "wish", wish)?, wish.expires_at))
}

impl Store {
    /// Asks the admins to invite somebody. Refuses with [`Conflict::AlreadyMember`], [`Conflict::AlreadyInvited`],
    /// [`Conflict::AlreadyAsked`].
    pub async fn wish(
        &self,
        access: &Access<AskToInvite>,
        email: Email,
        role: TeamRole,
        note: String,
        now: Timestamp,
    ) -> Result<Wish, Error> {
        let team = access.thing;
        let id: WishId = digest(&email).parse().map_err(|_| Error::Failed("a hash is no id".to_owned()))?;
        let nobodys: InviteId = id.as_str().parse().map_err(|_| Error::Failed("a hash is no id".to_owned()))?;
        match self.known(team, &[(nobodys, email.clone())], now).await?.remove(&email) {
            Some(Outcome::AlreadyMember) => return Err(Conflict::AlreadyMember.into()),
            Some(_) => return Err(Conflict::AlreadyInvited.into()),
            None => (),
        }
        let wish = Wish {
            id,
            team,
            email,
            role,
            by: access.caller.user,
            by_name: access.caller.username.clone(),
            note,
            state: WishState::Pending,
            created_at: now,
            expires_at: now.saturating_add(Wish::LIFETIME).unwrap_or(Timestamp::MAX),
        };
        self.put_wish(&wish, &access.caller, now).await?;
        Ok(wish)
    }

    /// Keeps a wish and tells of it. [`Conflict::AlreadyAsked`]: one for the address waits.
    pub(crate) async fn put_wish(&self, wish: &Wish, by: &Caller, now: Timestamp) -> Result<(), Error> {
        let free = "attribute_not_exists(pk) OR #ttl <= :now OR #state <> :pending";
        let put = Leg::put(item(wish)?).when(free).number(":now", now.as_second()).text(":pending", "pending").or(Conflict::AlreadyAsked);
        let what = Happened::InviteWished { team: wish.team, wish: wish.id.clone() };
        self.commit(&[put, events::leg(by, what, now)?]).await
    }

    /// A wish.
    pub async fn find_wish(&self, team: TeamId, wish: &WishId) -> Result<Option<Wish>, Error> {
        self.get(&keys::wish(team, wish)).await?.map(read).transpose()
    }

    /// The wishes of a team that are not too old, decided or not, the newest first.
    pub async fn wishes(&self, team: TeamId, now: Timestamp) -> Result<Vec<Wish>, Error> {
        let items = self.all(&Range::prefix(keys::team_partition(team), keys::WISHES)).await?;
        let mut wishes: Vec<Wish> = items.into_iter().map(read).collect::<Result<_, _>>()?;
        wishes.retain(|wish| now < wish.expires_at);
        wishes.sort_by_key(|wish| std::cmp::Reverse(wish.created_at));
        Ok(wishes)
    }

    /// Grants a wish: the address is invited by the admin who grants it, as `role` or as was asked. Whoever has been
    /// invited or is in the team by now counts as invited.
    ///
    /// Refuses with [`Conflict::WishGone`]; with [`Conflict::NoFreeSeat`] the wish still waits.
    pub async fn grant_wish(
        &self,
        access: &Access<ManageInvites>,
        wish: &WishId,
        role: Option<TeamRole>,
        invite: InviteId,
        now: Timestamp,
    ) -> Result<Wish, Error> {
        let wish = self.waiting(access.thing, wish, now).await?;
        let invited = self.invite(access, vec![(invite, wish.email.clone())], role.unwrap_or(wish.role), now).await?;
        if invited.iter().any(|(_, outcome)| *outcome == Outcome::NoFreeSeat) {
            return Err(Conflict::NoFreeSeat.into());
        }
        // Killed here, the wish still waits, and granting it again finds the invitation.
        self.decide(access, Wish { state: WishState::Approved, ..wish }, now).await
    }

    /// Refuses a wish. [`Conflict::WishGone`]: it was decided before.
    pub async fn refuse_wish(&self, access: &Access<ManageInvites>, wish: &WishId, now: Timestamp) -> Result<Wish, Error> {
        let wish = self.waiting(access.thing, wish, now).await?;
        self.decide(access, Wish { state: WishState::Refused, ..wish }, now).await
    }

    async fn waiting(&self, team: TeamId, wish: &WishId, now: Timestamp) -> Result<Wish, Error> {
        let wish = self.find_wish(team, wish).await?;
        Ok(wish.filter(|wish| wish.state == WishState::Pending && now < wish.expires_at).ok_or(Conflict::WishGone)?)
    }

    async fn decide(&self, access: &Access<ManageInvites>, wish: Wish, now: Timestamp) -> Result<Wish, Error> {
        let approved = wish.state == WishState::Approved;
        let what = Happened::WishDecided { team: wish.team, wish: wish.id.clone(), approved };
        let put = Leg::put(item(&wish)?).when("#state = :pending").text(":pending", "pending").or(Conflict::WishGone);
        self.commit(&[put, events::leg(&access.caller, what, now)?]).await?;
        Ok(wish)
    }
}

//! Invitations. A pending one holds a seat, so that whoever is invited can come in.

use std::collections::{HashMap, HashSet};

use domain::access::{Access, Caller, ManageInvites, Membership, TeamRole};
use domain::account::Email;
use domain::happened::{Doer, Happened};
use domain::ids::{InviteId, TeamId, UserId};
use domain::limit;
use domain::team::{Invite, Member, Team};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::factors::still_asks;
use crate::teams::{free_seat, one_more_admin, take_seats};
use crate::users::{Profile, digest};
use crate::{Conflict, Ended, Error, Item, Leg, Range, Store, events, keys, n, read, row, s, sso, users};

/// What became of one address of many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is invited, and holds a seat.
    Invited(Invite),
    /// The person is in the team.
    AlreadyMember,
    /// The address has a pending invitation.
    AlreadyInvited,
    /// There was no seat left for it.
    NoFreeSeat,
}

/// The pending invitation of an address to a team, as the address sees it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Pending {
    team: TeamId,
    pub(crate) invite: InviteId,
}

/// Addresses of one transaction: invitation, mirror and event of each, and the seats.
const AT_ONCE: usize = 30;
const _: () = assert!(3 * AT_ONCE < limit::TRANSACTION_LEGS);

fn item(invite: &Invite) -> Result<Item, Error> {
    let mut item = row(&keys::invite(invite.team, &invite.id), "invite", invite)?;
    // Conditions compare numbers; as text, a time with milliseconds sorts before the same second without.
    item.insert("until".to_owned(), n(invite.expires_at.as_millisecond()));
    item.insert("gsi1pk".to_owned(), s(keys::PENDING_INVITES));
    item.insert("gsi1sk".to_owned(), s(keys::invite_until(invite.expires_at, invite.team, &invite.id)));
    Ok(item)
}

/// The legs that turn a pending invitation into a membership; the seat stays taken. The profile is the caller's to write.
/// `asks`: whether the team asks for a second factor, as it was read just now.
pub(crate) fn take(invite: &Invite, profile: &Profile, asks: bool, by: Doer, now: Timestamp) -> Result<Vec<Leg>, Error> {
    let (team, user) = (invite.team, profile.id);
    let username = profile.username.to_string();
    let member = Member { team, user, username, role: invite.role, billing: false, groups: Vec::new(), joined_at: now };
    let mut legs = vec![
        Leg::delete(keys::invite(team, &invite.id))
            .when("#round = :round AND #until > :now")
            .number(":round", invite.round)
            .number(":now", now.as_millisecond())
            .or(Conflict::InviteGone),
        Leg::delete(keys::email_invite(&digest(&invite.email), team)),
        Leg::create(row(&keys::member(team, user), "member", &member)?).or(Conflict::AlreadyMember),
        events::leg(by, Happened::Joined { team, user, role: invite.role }, now)?,
    ];
    let rule = if invite.role == TeamRole::Admin { one_more_admin(team) } else { Leg::check(keys::team(team)) };
    legs.push(still_asks(rule, asks));
    Ok(legs)
}

/// The legs that invite an address; the seat is the caller's to take.
pub(crate) fn begin(invite: &Invite, by: &Caller, now: Timestamp) -> Result<[Leg; 3], Error> {
    let team = invite.team;
    let pending = Pending { team, invite: invite.id.clone() };
    let what = Happened::Invited { team, invite: invite.id.clone(), round: invite.round };
    Ok([
        Leg::create(row(&keys::email_invite(&digest(&invite.email), team), "pending", &pending)?).or(Conflict::AlreadyInvited),
        Leg::create(item(invite)?).or(Conflict::IdTaken),
        events::leg(by, what, now)?,
    ])
}

/// The legs that end a pending invitation and free its seat.
fn end(invite: &Invite, by: impl Into<Doer>, what: Happened, now: Timestamp) -> Result<Vec<Leg>, Error> {
    Ok(vec![
        Leg::delete(keys::invite(invite.team, &invite.id)).when("#round = :round").number(":round", invite.round).or(Conflict::InviteGone),
        Leg::delete(keys::email_invite(&digest(&invite.email), invite.team)),
        free_seat(invite.team),
        events::leg(by, what, now)?,
    ])
}

impl Store {
    /// An invitation.
    pub async fn find_invite(&self, team: TeamId, invite: &InviteId) -> Result<Option<Invite>, Error> {
        self.get(&keys::invite(team, invite)).await?.map(read).transpose()
    }

    /// The pending invitations of a team, the oldest first, expired ones too until their seats are needed.
    pub async fn invites(&self, team: TeamId) -> Result<Vec<Invite>, Error> {
        let items = self.all(&Range::prefix(keys::team_partition(team), keys::INVITES)).await?;
        items.into_iter().map(read).collect()
    }

    /// Invites addresses, each once. Every address gets its own answer, in the order given; with fewer free seats than
    /// addresses, the first ones get them.
    pub async fn invite(
        &self,
        access: &Access<ManageInvites>,
        addresses: Vec<(InviteId, Email)>,
        role: TeamRole,
        now: Timestamp,
    ) -> Result<Vec<(Email, Outcome)>, Error> {
        let team = access.thing;
        let known = self.known(team, &addresses, now).await?;
        let mut outcomes: HashMap<Email, Outcome> = known;
        let fresh: Vec<Invite> = addresses
            .iter()
            .filter(|(_, email)| !outcomes.contains_key(email))
            .map(|(id, email)| Invite {
                id: id.clone(),
                team,
                email: email.clone(),
                role,
                inviter: access.caller.user,
                inviter_name: access.caller.username.clone(),
                round: 1,
                created_at: now,
                expires_at: now.saturating_add(Invite::LIFETIME).unwrap_or(Timestamp::MAX),
            })
            .collect();
        for chunk in fresh.chunks(AT_ONCE) {
            for (invite, outcome) in chunk.iter().zip(self.invite_chunk(chunk, &access.caller, now).await?) {
                outcomes.insert(invite.email.clone(), outcome);
            }
        }
        let answers = addresses.into_iter().filter_map(|(_, email)| outcomes.get(&email).cloned().map(|outcome| (email, outcome)));
        Ok(answers.collect())
    }

    /// All of a chunk in one transaction; where that is refused, one by one.
    async fn invite_chunk(&self, chunk: &[Invite], by: &Caller, now: Timestamp) -> Result<Vec<Outcome>, Error> {
        match self.invite_once(chunk, by, now).await {
            Ok(()) => return Ok(chunk.iter().cloned().map(Outcome::Invited).collect()),
            Err(Error::Conflict(_)) => (),
            Err(error) => return Err(error),
        }
        let mut outcomes = Vec::with_capacity(chunk.len());
        let mut swept = false;
        for invite in chunk {
            let one = std::slice::from_ref(invite);
            let mut ended = self.invite_once(one, by, now).await;
            if matches!(ended, Err(Error::Conflict(Conflict::NoFreeSeat))) && !swept {
                swept = true;
                if self.sweep_invites(invite.team, now).await? > 0 {
                    ended = self.invite_once(one, by, now).await;
                }
            }
            outcomes.push(match ended {
                Ok(()) => Outcome::Invited(invite.clone()),
                Err(Error::Conflict(Conflict::AlreadyInvited)) => Outcome::AlreadyInvited,
                Err(Error::Conflict(_)) => Outcome::NoFreeSeat,
                Err(error) => return Err(error),
            });
        }
        Ok(outcomes)
    }

    async fn invite_once(&self, invites: &[Invite], by: &Caller, now: Timestamp) -> Result<(), Error> {
        let Some(team) = invites.first().map(|invite| invite.team) else { return Ok(()) };
        let mut legs = Vec::with_capacity(1 + 3 * invites.len());
        for invite in invites {
            legs.extend(begin(invite, by, now)?);
        }
        // Last: an address that is invited already needs no seat.
        legs.push(take_seats(team, invites.len()));
        self.commit(&legs).await
    }

    /// The addresses that need no invitation. An expired one that is found on the way is ended.
    pub(crate) async fn known(
        &self,
        team: TeamId,
        addresses: &[(InviteId, Email)],
        now: Timestamp,
    ) -> Result<HashMap<Email, Outcome>, Error> {
        let digests: HashMap<String, &Email> = addresses.iter().map(|(_, email)| (digest(email), email)).collect();
        let wanted: Vec<_> = digests.keys().flat_map(|digest| [keys::email_claim(digest), keys::email_invite(digest, team)]).collect();
        let mut found = self.get_many(&wanted).await?;
        let mut outcomes = HashMap::new();
        let mut pending: Vec<keys::Key> = Vec::new();
        let mut owners: HashMap<UserId, Email> = HashMap::new();
        for (digest, email) in digests {
            if let Some(mirror) = found.remove(&keys::email_invite(&digest, team)) {
                pending.push(keys::invite(team, &read::<Pending>(mirror)?.invite));
                outcomes.insert(email.clone(), Outcome::AlreadyInvited);
            }
            if let Some(owner) = found.remove(&keys::email_claim(&digest)) {
                owners.insert(users::claimed_by(owner)?, email.clone());
            }
        }
        for item in self.get_many(&pending).await?.into_values() {
            let invite: Invite = read(item)?;
            if invite.expires_at <= now {
                self.expire_invite(&invite, now).await?;
                outcomes.remove(&invite.email);
            }
        }
        let members: Vec<_> = owners.keys().map(|user| keys::member(team, *user)).collect();
        let members: HashSet<UserId> = self
            .get_many(&members)
            .await?
            .into_values()
            .map(|item| read::<Member>(item).map(|member| member.user))
            .collect::<Result<_, _>>()?;
        outcomes.extend(owners.into_iter().filter(|(user, _)| members.contains(user)).map(|(_, email)| (email, Outcome::AlreadyMember)));
        Ok(outcomes)
    }

    /// Mails an invitation again, with a new link and a new lifetime: the old link is dead.
    /// [`Conflict::InviteGone`]: it was accepted or taken back.
    pub async fn resend_invite(&self, access: &Access<ManageInvites>, invite: &InviteId, now: Timestamp) -> Result<Invite, Error> {
        let team = access.thing;
        let mut patience = self.patience();
        loop {
            let was = self.find_invite(team, invite).await?.ok_or(Conflict::InviteGone)?;
            let again =
                Invite { round: was.round + 1, expires_at: now.saturating_add(Invite::LIFETIME).unwrap_or(Timestamp::MAX), ..was.clone() };
            let what = Happened::Invited { team, invite: again.id.clone(), round: again.round };
            let legs =
                [Leg::put(item(&again)?).when("#round = :round").number(":round", was.round), events::leg(&access.caller, what, now)?];
            match self.transact(&legs).await? {
                Ended::Committed => return Ok(again),
                Ended::MovedOn(_) => patience.wait().await?,
            }
        }
    }

    /// Takes an invitation back and frees its seat. [`Conflict::InviteGone`]: it was accepted or taken back before.
    pub async fn take_back_invite(&self, access: &Access<ManageInvites>, invite: &InviteId, now: Timestamp) -> Result<(), Error> {
        let invite = self.find_invite(access.thing, invite).await?.ok_or(Conflict::InviteGone)?;
        let what = Happened::Uninvited { team: invite.team, invite: invite.id.clone() };
        self.commit(&end(&invite, &access.caller, what, now)?).await
    }

    /// Makes the invited person a member. Doing it again changes nothing; whoever is a member already stays what they
    /// are, and the seat of the invitation becomes free.
    ///
    /// Refuses with [`Conflict::InviteGone`] (accepted by somebody else, taken back, replaced by a resend),
    /// [`Conflict::InviteExpired`], [`Conflict::InviteForAnother`] (where the team binds its invitations),
    /// [`Conflict::SsoRequired`].
    pub async fn accept_invite(&self, by: &Caller, team: TeamId, invite: &InviteId, round: u32, now: Timestamp) -> Result<(), Error> {
        let user = by.user;
        let (profile, key, about, sso) = (keys::profile(user), keys::invite(team, invite), keys::team(team), keys::team_sso(team));
        let mut found = self.get_many(&[profile.clone(), key.clone(), about.clone(), sso.clone()]).await?;
        let about: Team = read(found.remove(&about).ok_or(Conflict::InviteGone)?)?;
        let profile: Profile = read(found.remove(&profile).ok_or(Conflict::InviteGone)?)?;
        let invite: Option<Invite> = found.remove(&key).map(read).transpose()?;
        let inside = profile.teams.contains_key(&team);
        let Some(invite) = invite.filter(|invite| invite.round == round) else {
            return if inside { Ok(()) } else { Err(Conflict::InviteGone.into()) };
        };
        let theirs = invite.email == profile.email;
        if about.joining.bound && !theirs {
            return Err(Conflict::InviteForAnother.into());
        }
        if inside && !theirs {
            // Somebody else's link in a member's hands: it still waits for them.
            return Ok(());
        }
        if inside {
            let what = Happened::Uninvited { team, invite: invite.id.clone() };
            return settled(self.commit(&end(&invite, by, what, now)?).await);
        }
        if invite.expires_at <= now {
            return Err(Conflict::InviteExpired.into());
        }
        let asks = about.requires_second_factor;
        let mut legs = take(&invite, &profile, asks, by.into(), now)?;
        let sso = found.remove(&sso).map(read).transpose()?;
        let (only, unchanged) = sso::join(team, sso.as_ref(), by)?;
        let membership = Membership { second_factor: asks, sso: only, ..Membership::new(invite.role, false) };
        legs.push(users::join(user, team, membership)?);
        legs.push(unchanged);
        match self.commit(&legs).await {
            // Perhaps it was this person, on two devices at once.
            Err(Error::Conflict(Conflict::InviteGone | Conflict::AlreadyMember)) if self.member(team, user).await?.is_some() => Ok(()),
            Err(Error::Conflict(Conflict::AlreadyMember)) => Err(Conflict::InviteGone.into()),
            ended => ended,
        }
    }

    /// Ends an invitation that is too old. `false`: it was accepted, taken back or sent again meanwhile.
    async fn expire_invite(&self, invite: &Invite, now: Timestamp) -> Result<bool, Error> {
        let what = Happened::InviteExpired { team: invite.team, invite: invite.id.clone() };
        match self.commit(&end(invite, Doer::default(), what, now)?).await {
            Ok(()) => Ok(true),
            Err(Error::Conflict(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Ends the expired invitations of one team; says how many.
    async fn sweep_invites(&self, team: TeamId, now: Timestamp) -> Result<usize, Error> {
        let mut ended = 0;
        for invite in self.invites(team).await?.iter().filter(|invite| invite.expires_at <= now) {
            ended += usize::from(self.expire_invite(invite, now).await?);
        }
        Ok(ended)
    }

    /// Ends expired invitations of all teams, so that their seats are free again; says how many. For the janitor.
    pub async fn expire_invites(&self, now: Timestamp) -> Result<usize, Error> {
        let due = Range::below(keys::PENDING_INVITES.to_owned(), keys::invites_until(now)).in_index();
        let mut ended = 0;
        for key in self.all(&due).await?.iter().filter_map(crate::key_of) {
            // The index may be behind: the item decides.
            let invite: Option<Invite> = self.get(&key).await?.map(read).transpose()?;
            if let Some(invite) = invite.filter(|invite| invite.expires_at <= now) {
                ended += usize::from(self.expire_invite(&invite, now).await?);
            }
        }
        Ok(ended)
    }
}

/// Whoever else ended it: it has ended.
fn settled(ended: Result<(), Error>) -> Result<(), Error> {
    match ended {
        Err(Error::Conflict(Conflict::InviteGone)) => Ok(()),
        ended => ended,
    }
}

//! Mail domains of teams, and who finds a team by their address.

use std::collections::HashMap;

use domain::access::{Access, Caller, ManageDomains, Membership, TeamRole};
use domain::happened::Happened;
use domain::ids::{TeamId, UserId, WishId};
use domain::mail_domain::{Discovery, DomainName, TeamDomain};
use domain::team::{Member, Team, Wish, WishState};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::factors::still_asks;
use crate::invites::Outcome;
use crate::teams::{one_more_admin, take_seats};
use crate::users::{Profile, digest};
use crate::{Conflict, Error, Item, Leg, Range, Store, events, flag, keys, read, row, sso, users, with_ttl};

/// How long somebody who was let go may change their address.
pub const LET_GO: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Whose a domain is.
#[derive(Serialize, Deserialize)]
struct DomainClaim {
    team: TeamId,
}

/// Somebody who may change their address, for a time.
#[derive(Serialize, Deserialize)]
struct LetGo {
    user: UserId,
    until: Timestamp,
}

/// A member's address, as an admin of the team sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// In full where it is in a domain that the team has proven, masked elsewhere.
    pub shown: String,
    /// Whether the team controls it, so that its owner changes it only when an admin lets them.
    pub controlled: bool,
}

fn item(domain: &TeamDomain) -> Result<Item, Error> {
    row(&keys::team_domain(domain.team, &domain.name), "domain", domain)
}

impl Store {
    /// The domains of a team.
    pub async fn domains(&self, team: TeamId) -> Result<Vec<TeamDomain>, Error> {
        let items = self.all(&Range::prefix(keys::team_partition(team), keys::TEAM_DOMAINS)).await?;
        items.into_iter().map(read).collect()
    }

    /// The addresses of a team's members.
    pub async fn addresses(&self, by: &Access<ManageDomains>, members: &[Member]) -> Result<HashMap<UserId, Address>, Error> {
        let users: Vec<UserId> = members.iter().map(|member| member.user).collect();
        let (domains, profiles) = tokio::try_join!(self.domains(by.thing), self.profiles(&users))?;
        let seen = |profile: &Profile| {
            let name = DomainName::of(&profile.email);
            let ours = domains.iter().find(|domain| domain.verified_at.is_some() && Some(&domain.name) == name.as_ref());
            let shown = if ours.is_some() { profile.email.to_string() } else { profile.email.masked() };
            Address { shown, controlled: profile.verified && ours.is_some_and(|domain| domain.controls) }
        };
        Ok(profiles.into_iter().map(|(user, profile)| (user, seen(&profile))).collect())
    }

    /// A domain of a team.
    pub async fn team_domain(&self, team: TeamId, name: &DomainName) -> Result<Option<TeamDomain>, Error> {
        self.get(&keys::team_domain(team, name)).await?.map(read).transpose()
    }

    /// Names a domain; it has to be proven. [`Conflict::DomainAdded`]: it is named already.
    pub async fn add_domain(&self, access: &Access<ManageDomains>, name: DomainName, now: Timestamp) -> Result<TeamDomain, Error> {
        let team = access.thing;
        let domain = TeamDomain { team, name, added_by: access.caller.user, added_at: now, verified_at: None, controls: false };
        self.commit(&[Leg::create(item(&domain)?).or(Conflict::DomainAdded)]).await?;
        Ok(domain)
    }

    /// Notes that a domain is proven. Doing it again changes nothing.
    /// [`Conflict::DomainGone`]; [`Conflict::DomainTaken`]: another team has proven it.
    pub async fn verify_domain(&self, access: &Access<ManageDomains>, name: &DomainName, now: Timestamp) -> Result<TeamDomain, Error> {
        let team = access.thing;
        let was = self.team_domain(team, name).await?.ok_or(Conflict::DomainGone)?;
        if was.verified_at.is_some() {
            return Ok(was);
        }
        let domain = TeamDomain { verified_at: Some(now), ..was };
        let claim = row(&keys::domain_claim(name), "claim", &DomainClaim { team })?;
        let what = Happened::DomainVerified { team, domain: name.clone() };
        let legs = [
            Leg::create(claim).or(Conflict::DomainTaken),
            Leg::put(item(&domain)?).when("attribute_exists(pk)").or(Conflict::DomainGone),
            events::leg(&access.caller, what, now)?,
        ];
        self.commit(&legs).await?;
        Ok(domain)
    }

    /// Takes control of the addresses that the team's members have in a domain, or gives it up. They are told.
    /// [`Conflict::DomainGone`]; [`Conflict::DomainUnverified`].
    pub async fn control_domain(
        &self,
        access: &Access<ManageDomains>,
        name: &DomainName,
        controls: bool,
        now: Timestamp,
    ) -> Result<TeamDomain, Error> {
        let team = access.thing;
        let was = self.team_domain(team, name).await?.ok_or(Conflict::DomainGone)?;
        if was.verified_at.is_none() {
            return Err(Conflict::DomainUnverified.into());
        }
        if was.controls == controls {
            return Ok(was);
        }
        let set = Leg::update(keys::team_domain(team, name), "SET #controls = :controls");
        let set = set.when("attribute_exists(#verified_at)").value(":controls", flag(controls)).or(Conflict::DomainGone);
        let what = Happened::DomainControlled { team, domain: name.clone(), controls };
        self.commit(&[set, events::leg(&access.caller, what, now)?]).await?;
        Ok(TeamDomain { controls, ..was })
    }

    /// Forgets a domain. [`Conflict::DomainGone`]: it is not the team's.
    pub async fn remove_domain(&self, access: &Access<ManageDomains>, name: &DomainName, now: Timestamp) -> Result<(), Error> {
        let team = access.thing;
        let was = self.team_domain(team, name).await?.ok_or(Conflict::DomainGone)?;
        let delete = Leg::delete(keys::team_domain(team, name));
        let mut legs = match was.verified_at {
            None => vec![delete.when("attribute_exists(pk) AND attribute_not_exists(#verified_at)").or(Conflict::DomainGone)],
            Some(_) => vec![
                delete.when("attribute_exists(#verified_at)").or(Conflict::DomainGone),
                Leg::delete(keys::domain_claim(name)).when("#team = :team").number(":team", team).or(Conflict::DomainGone),
            ],
        };
        legs.push(events::leg(&access.caller, Happened::DomainRemoved { team, domain: name.clone() }, now)?);
        self.commit(&legs).await
    }

    /// The team that has proven a domain.
    pub async fn domain_owner(&self, name: &DomainName) -> Result<Option<TeamId>, Error> {
        let claim = self.get(&keys::domain_claim(name)).await?;
        Ok(claim.map(read::<DomainClaim>).transpose()?.map(|claim| claim.team))
    }

    /// The team that controls a person's address: they are in it, and it has proven the address's domain and said so.
    pub async fn controlled_by(&self, profile: &Profile) -> Result<Option<TeamId>, Error> {
        let Some(name) = DomainName::of(&profile.email).filter(|_| profile.verified) else { return Ok(None) };
        let Some(team) = self.domain_owner(&name).await?.filter(|team| profile.teams.contains_key(team)) else { return Ok(None) };
        Ok(self.team_domain(team, &name).await?.filter(|domain| domain.controls).map(|domain| domain.team))
    }

    /// Whether a person may change their address: nobody controls it, or an admin lets them.
    pub async fn may_change_email(&self, profile: &Profile, now: Timestamp) -> Result<bool, Error> {
        let Some(team) = self.controlled_by(profile).await? else { return Ok(true) };
        let let_go: Option<LetGo> = self.get(&keys::let_go(team, profile.id)).await?.map(read).transpose()?;
        Ok(let_go.is_some_and(|let_go| now < let_go.until))
    }

    /// Lets a member change their address within a week. [`Conflict::NotMember`].
    pub async fn let_go(&self, access: &Access<ManageDomains>, user: UserId, now: Timestamp) -> Result<Timestamp, Error> {
        let team = access.thing;
        let until = now.saturating_add(LET_GO).unwrap_or(Timestamp::MAX);
        let item = with_ttl(row(&keys::let_go(team, user), "let_go", &LetGo { user, until })?, until);
        let legs = [
            Leg::put(item),
            Leg::check(keys::member(team, user)).when("attribute_exists(pk)").or(Conflict::NotMember),
            events::leg(&access.caller, Happened::LetGo { team, user }, now)?,
        ];
        self.commit(&legs).await?;
        Ok(until)
    }

    /// The team that a person with a confirmed address finds by it, and is not in.
    pub async fn discovered(&self, profile: &Profile) -> Result<Option<Team>, Error> {
        let Some(name) = DomainName::of(&profile.email).filter(|_| profile.verified) else { return Ok(None) };
        let Some(team) = self.domain_owner(&name).await?.filter(|team| !profile.teams.contains_key(team)) else { return Ok(None) };
        Ok(self.team(team).await?.filter(|team| team.joining.discovery != Discovery::Off))
    }

    /// Joins a team that a person found by their address: a seat is taken. Whoever has an invitation comes in by it.
    /// [`Conflict::NoFreeSeat`], [`Conflict::AlreadyMember`], [`Conflict::SsoRequired`].
    pub async fn join_found(&self, by: &Caller, profile: &Profile, team: &Team, now: Timestamp) -> Result<(), Error> {
        let invited = self.get(&keys::email_invite(&digest(&profile.email), team.id)).await?;
        if let Some(pending) = invited {
            let pending = read::<crate::invites::Pending>(pending)?;
            if let Some(invite) = self.find_invite(team.id, &pending.invite).await?.filter(|invite| now < invite.expires_at) {
                return self.accept_invite(by, team.id, &invite.id, invite.round, now).await;
            }
        }
        let role = team.joining.role;
        let username = profile.username.to_string();
        let member = Member { team: team.id, user: by.user, username, role, billing: false, groups: Vec::new(), joined_at: now };
        let asks = team.requires_second_factor;
        let rule = if role == TeamRole::Admin { one_more_admin(team.id) } else { Leg::check(keys::team(team.id)) };
        let (only, unchanged) = sso::join(team.id, self.team_sso(team.id).await?.as_ref(), by)?;
        let legs = [
            Leg::create(row(&keys::member(team.id, by.user), "member", &member)?).or(Conflict::AlreadyMember),
            users::join(by.user, team.id, Membership { second_factor: asks, sso: only, ..Membership::new(role, false) })?,
            unchanged,
            take_seats(team.id, 1),
            still_asks(rule, asks),
            events::leg(by, Happened::Joined { team: team.id, user: by.user, role }, now)?,
        ];
        self.commit(&legs).await
    }

    /// Asks the admins of a team that a person found by their address to be invited.
    /// [`Conflict::AlreadyAsked`], [`Conflict::AlreadyInvited`], [`Conflict::AlreadyMember`].
    pub async fn ask_to_join(&self, by: &Caller, profile: &Profile, team: &Team, note: String, now: Timestamp) -> Result<Wish, Error> {
        let id: WishId = digest(&profile.email).parse().map_err(|_| Error::Failed("a hash is no id".to_owned()))?;
        let nobodys = id.as_str().parse().map_err(|_| Error::Failed("a hash is no id".to_owned()))?;
        match self.known(team.id, &[(nobodys, profile.email.clone())], now).await?.remove(&profile.email) {
            Some(Outcome::AlreadyMember) => return Err(Conflict::AlreadyMember.into()),
            Some(_) => return Err(Conflict::AlreadyInvited.into()),
            None => (),
        }
        let wish = Wish {
            id,
            team: team.id,
            email: profile.email.clone(),
            role: team.joining.role,
            by: by.user,
            by_name: by.username.clone(),
            note,
            state: WishState::Pending,
            created_at: now,
            expires_at: now.saturating_add(Wish::LIFETIME).unwrap_or(Timestamp::MAX),
        };
        self.put_wish(&wish, by, now).await?;
        Ok(wish)
    }
}

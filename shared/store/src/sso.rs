//! The single sign-on of teams, and that some take nothing else.
//!
//! Whether a team does stands in the membership in each member's own item, beside the role, so that a request learns it
//! with the caller. Whoever joins meanwhile is held to the same: a transaction that lets somebody in also holds to the
//! team's setting.

use domain::access::{Access, Caller, ManageSso, SsoOnly};
use domain::happened::Happened;
use domain::ids::{TeamId, UserId};
use domain::sso::TeamSso;
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;

use crate::{Conflict, Error, Leg, Store, events, flag, keys, read, row};

/// Members whose items are written at the same time.
const AT_ONCE: usize = 16;

fn only(sso: &TeamSso) -> Option<SsoOnly> {
    sso.required.then_some(SsoOnly { since: sso.changed_at, api_keys: sso.api_keys })
}

/// The leg that lets somebody into a team who did not come through its single sign-on.
pub(crate) fn open_to_all(team: TeamId) -> Leg {
    let free = Leg::check(keys::team_sso(team)).when("attribute_not_exists(pk) OR #required = :no");
    free.value(":no", flag(false)).or(Conflict::SsoRequired)
}

/// What a new membership says of the team's single sign-on, and the leg that holds to it. [`Conflict::SsoRequired`]: the
/// team takes only who comes through it.
pub(crate) fn join(team: TeamId, sso: Option<&TeamSso>, by: &Caller) -> Result<(Option<SsoOnly>, Leg), Error> {
    let Some((sso, only)) = sso.and_then(|sso| Some((sso, only(sso)?))) else { return Ok((None, open_to_all(team))) };
    if by.through != Some(team) {
        return Err(Conflict::SsoRequired.into());
    }
    Ok((Some(only), Leg::check(keys::team_sso(team)).when("#set_at = :seen").text(":seen", sso.set_at.to_string())))
}

impl Store {
    /// The single sign-on of a team.
    pub async fn team_sso(&self, team: TeamId) -> Result<Option<TeamSso>, Error> {
        self.get(&keys::team_sso(team)).await?.map(read).transpose()
    }

    /// Sets up a team's single sign-on in place of what was `seen`, and holds all members to it, or to it no longer.
    /// Their open connections are as they were. [`Error::Busy`]: somebody else changed it meanwhile.
    pub async fn set_team_sso(&self, access: &Access<ManageSso>, seen: Option<&TeamSso>, sso: &TeamSso) -> Result<(), Error> {
        let put = self.as_seen(Leg::put(row(&keys::team_sso(sso.team), "sso", sso)?), seen);
        let what = Happened::SsoSet { team: sso.team, required: sso.required };
        self.commit(&[put, events::leg(Some(access.caller.actor()), what, sso.set_at)?]).await?;
        self.hold_members(sso.team, Some(sso)).await
    }

    /// Takes a team's single sign-on away. Its members' identities of it open nothing any more.
    pub async fn remove_team_sso(&self, access: &Access<ManageSso>, seen: &TeamSso, now: Timestamp) -> Result<(), Error> {
        let team = access.thing;
        let delete = self.as_seen(Leg::delete(keys::team_sso(team)), Some(seen));
        self.commit(&[delete, events::leg(Some(access.caller.actor()), Happened::SsoRemoved { team }, now)?]).await?;
        self.hold_members(team, None).await
    }

    fn as_seen(&self, leg: Leg, seen: Option<&TeamSso>) -> Leg {
        match seen {
            None => leg.when("attribute_not_exists(pk)"),
            Some(seen) => leg.when("#set_at = :seen").text(":seen", seen.set_at.to_string()),
        }
    }

    async fn hold_members(&self, team: TeamId, sso: Option<&TeamSso>) -> Result<(), Error> {
        let held = self.members(team).await?.into_iter().map(|member| self.hold(team, member.user, sso));
        futures::stream::iter(held).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Writes a team's setting into one member's item.
    async fn hold(&self, team: TeamId, user: UserId, sso: Option<&TeamSso>) -> Result<(), Error> {
        let member = match sso.and_then(only) {
            Some(only) => {
                let only = serde_dynamo::to_attribute_value(only).map_err(|error| Error::Failed(error.to_string()))?;
                Leg::update(keys::profile(user), format!("SET #teams.#{team}.#sso = :only")).value(":only", only)
            }
            None => Leg::update(keys::profile(user), format!("REMOVE #teams.#{team}.#sso")),
        };
        let member = member.when(format!("attribute_exists(#teams.#{team})"));
        let unchanged = self.as_seen(Leg::check(keys::team_sso(team)), sso);
        // They have left, or somebody else has changed the setting again and writes it everywhere.
        self.transact(&[member, unchanged]).await.map(drop)
    }
}

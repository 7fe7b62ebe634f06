//! The second factor of an account: an authenticator, and recovery codes for the day that it is lost.

use std::collections::BTreeMap;

use domain::access::{Access, Caller, ManageMembers};
use domain::happened::Happened;
use domain::ids::{TeamId, UserId};
use futures::{StreamExt, TryStreamExt};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::users::Profile;
use crate::{Conflict, Ended, Error, Item, Leg, Store, events, flag, keys, n, read, row, s, values};

/// Members whose item is brought up to date at the same time.
const AT_ONCE: usize = 16;

/// An authenticator, wanted or in use.
#[derive(Clone, Serialize, Deserialize)]
pub struct Factor {
    /// Whose.
    pub user: UserId,
    /// Its secret, sealed.
    pub sealed: String,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// Since when it is in use; `None` until its first code has shown that it works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_at: Option<Timestamp>,
    /// The hashes of the recovery codes that are left, and when each was made.
    #[serde(default)]
    pub recovery: BTreeMap<String, Timestamp>,
}

impl Factor {
    /// How long a set-up waits for its first code.
    pub const SET_UP: SignedDuration = SignedDuration::from_mins(15);

    /// Whether it waits for its first code.
    pub fn waits(&self, now: Timestamp) -> bool {
        self.on_at.is_none() && now.duration_since(self.asked_at) <= Factor::SET_UP
    }
}

fn recovery(hashes: &[String], now: Timestamp) -> aws_sdk_dynamodb::types::AttributeValue {
    aws_sdk_dynamodb::types::AttributeValue::M(hashes.iter().map(|hash| (hash.clone(), s(now))).collect())
}

impl Store {
    /// The second factor of an account, in use or wanted.
    pub async fn factor(&self, user: UserId) -> Result<Option<Factor>, Error> {
        self.get(&keys::factor(user)).await?.map(read).transpose()
    }

    /// Keeps the secret of an authenticator that the caller sets up, in place of one that waits.
    /// [`Conflict::SecondFactorOn`]: one is in use.
    pub async fn ask_factor(&self, by: &Caller, sealed: String, now: Timestamp) -> Result<(), Error> {
        let factor = Factor { user: by.user, sealed, asked_at: now, on_at: None, recovery: BTreeMap::new() };
        let item = row(&keys::factor(by.user), "factor", &factor)?;
        let free = self.put_when(item, Some("attribute_not_exists(#on_at)"), Item::new()).await?;
        if free { Ok(()) } else { Err(Conflict::SecondFactorOn.into()) }
    }

    /// Takes an authenticator into use that has shown the code of `step`. `hashes` are those of the recovery codes.
    /// [`Conflict::NoSetUp`]: it was replaced or is in use already.
    pub async fn switch_factor_on(&self, by: &Caller, factor: &Factor, step: u64, hashes: &[String], now: Timestamp) -> Result<(), Error> {
        let on = Leg::update(keys::factor(by.user), "SET #on_at = :now, #used_step = :step, #recovery = :recovery")
            .when("#sealed = :sealed AND attribute_not_exists(#on_at)")
            .value(":now", s(now))
            .value(":recovery", recovery(hashes, now))
            .number(":step", step)
            .text(":sealed", &factor.sealed)
            .or(Conflict::NoSetUp);
        let profile = Leg::update(keys::profile(by.user), "SET #second_factor = :now").when("attribute_exists(pk)").value(":now", s(now));
        self.commit(&[on, profile, events::leg(Some(by.actor()), Happened::SecondFactorOn { user: by.user }, now)?]).await
    }

    /// Takes the second factor away. [`Conflict::NoSecondFactor`]: there is none.
    pub async fn switch_factor_off(&self, by: &Caller, now: Timestamp) -> Result<(), Error> {
        let off = Leg::delete(keys::factor(by.user)).when("attribute_exists(#on_at)").or(Conflict::NoSecondFactor);
        let profile = Leg::update(keys::profile(by.user), "REMOVE #second_factor").when("attribute_exists(pk)");
        self.commit(&[off, profile, events::leg(Some(by.actor()), Happened::SecondFactorOff { user: by.user }, now)?]).await
    }

    /// Puts new recovery codes in the place of all that are left. [`Conflict::NoSecondFactor`].
    pub async fn renew_recovery(&self, by: &Caller, hashes: &[String], now: Timestamp) -> Result<(), Error> {
        let renew = Leg::update(keys::factor(by.user), "SET #recovery = :recovery").when("attribute_exists(#on_at)");
        let renew = renew.value(":recovery", recovery(hashes, now)).or(Conflict::NoSecondFactor);
        self.commit(&[renew, events::leg(Some(by.actor()), Happened::RecoveryCodesMade { user: by.user }, now)?]).await
    }

    /// Uses the code that an authenticator shows in one step of time. `false`: that one or a later one was used.
    pub async fn use_step(&self, user: UserId, step: u64) -> Result<bool, Error> {
        let condition = "attribute_exists(#on_at) AND #used_step < :step";
        self.update_when(&keys::factor(user), "SET #used_step = :step", condition, values([(":step", n(step))])).await
    }

    /// Uses a recovery code, whose hash this is. `false`: it is none, or was used.
    pub async fn use_recovery(&self, profile: &Profile, hash: &str, now: Timestamp) -> Result<bool, Error> {
        let take = Leg::update(keys::factor(profile.id), format!("REMOVE #recovery.#{hash}"));
        let take = take.when(format!("attribute_exists(#recovery.#{hash})")).or(Conflict::NoSecondFactor);
        let used = events::leg(Some(profile.caller().actor()), Happened::RecoveryCodeUsed { user: profile.id }, now)?;
        match self.commit(&[take, used]).await {
            Ok(()) => Ok(true),
            Err(Error::Conflict(Conflict::NoSecondFactor)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Lets a team ask for a second factor, or no longer. The rule stands in the team; the members' own items, which
    /// decide, follow before this returns. Whoever joins meanwhile is either among them or joins under the new rule:
    /// see [`crate::users::join`]. The live registrations of those who are outside now are dropped.
    pub async fn require_second_factor(&self, access: &Access<ManageMembers>, required: bool, now: Timestamp) -> Result<(), Error> {
        let team = access.thing;
        let rule = Leg::update(keys::team(team), "SET #requires_second_factor = :required").when("attribute_exists(pk)");
        let what = Happened::SecondFactorRequired { team, required };
        self.commit(&[rule.value(":required", flag(required)), events::leg(Some(access.caller.actor()), what, now)?]).await?;
        let members = self.members(team).await?.into_iter().map(|member| self.hold_to(team, member.user, required));
        futures::stream::iter(members).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Whether a team asks for a second factor.
    pub(crate) async fn asks_for_second_factor(&self, team: TeamId) -> Result<bool, Error> {
        Ok(self.team(team).await?.is_some_and(|team| team.requires_second_factor))
    }

    /// Writes a team's rule into one member's item.
    async fn hold_to(&self, team: TeamId, user: UserId, required: bool) -> Result<(), Error> {
        // As a membership is written whole: what is not asked for is no attribute.
        let member = match required {
            true => {
                Leg::update(keys::profile(user), format!("SET #teams.#{team}.#second_factor = :required")).value(":required", flag(true))
            }
            false => Leg::update(keys::profile(user), format!("REMOVE #teams.#{team}.#second_factor")),
        };
        let member = member.when(format!("attribute_exists(#teams.#{team})"));
        match self.transact(&[member, still_asks(Leg::check(keys::team(team)), required)]).await? {
            Ended::Committed => (),
            // They have left, or somebody else has changed the rule again and writes it everywhere.
            Ended::MovedOn(_) => return Ok(()),
        }
        let outside = required && self.profile(user).await?.is_some_and(|profile| profile.second_factor.is_none());
        if outside { self.drop_live(user, team).await } else { Ok(()) }
    }
}

/// Holds a leg on a team's item to the team's rule about the second factor.
pub(crate) fn still_asks(leg: Leg, required: bool) -> Leg {
    let condition = if required {
        "#requires_second_factor = :required"
    } else {
        "attribute_exists(pk) AND (attribute_not_exists(#requires_second_factor) OR #requires_second_factor = :required)"
    };
    leg.when(condition).value(":required", flag(required))
}

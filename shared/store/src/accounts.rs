//! What an account is entered with, and how it changes: password, username, address.

use domain::access::Caller;
use domain::account::{Email, PasswordHash, Username};
use domain::change::Actor;
use domain::happened::Happened;
use domain::ids::SessionId;
use jiff::{SignedDuration, Timestamp};

use crate::sessions::{ended_from, keep_session};
use crate::users::{Claim, Left, Profile, UNCLAIMED, claim_of, digest};
use crate::{Conflict, Error, Leg, Store, events, flag, keys, row, s, with_ttl};

/// How long an address that was left may take its account back.
pub const WAY_BACK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// So many addresses may have a way back at once: whoever takes the account back has to shut out all the others.
const REMEMBERED: usize = 5;

impl Store {
    /// Gives an account another password, and ends its sessions, but the one to `keep`. Their connections are still open.
    /// An address that was asked for and not confirmed is forgotten.
    /// Through the link of a mail (`keep` is `None`) the address is confirmed by it, too; whatever keys somebody made
    /// and identities they linked who had not confirmed it are dead then.
    ///
    /// [`Conflict::LinkGone`]: the password has changed since the profile was read. [`Conflict::SessionGone`]: the
    /// session to keep has ended.
    pub async fn change_password(
        &self,
        profile: &Profile,
        password: &PasswordHash,
        keep: Option<&SessionId>,
        actor: Option<Actor>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let user = profile.id;
        let reset = keep.is_none();
        let stranger = reset && !profile.verified;
        let mut set = "SET #password_hash = :new, #sessions_from = :from".to_owned();
        if reset {
            set.push_str(", #verified = :yes");
        }
        if stranger {
            set.push_str(", #keys_from = :from");
        }
        // Whoever knew the old password may have asked for another address with it.
        set.push_str(" REMOVE #email_asked");
        let mut change = Leg::update(keys::profile(user), set)
            .when("#password_hash = :seen AND #email = :email")
            .or(Conflict::LinkGone)
            .text(":new", password.expose())
            .text(":seen", profile.password_hash.expose())
            .text(":email", profile.email.as_str())
            .value(":from", s(ended_from(now)));
        if reset {
            change = change.value(":yes", flag(true));
        }
        let mut legs = vec![change, events::leg(actor, Happened::PasswordChanged { user, reset }, now)?];
        legs.extend(keep.map(|session| keep_session(user, session, now)));
        self.commit(&legs).await?;
        self.sweep_sessions(user, keep).await?;
        if stranger { self.sweep_ways_in(user).await } else { Ok(()) }
    }

    /// Gives the caller another username, in the lists of their teams as well. What they did keeps the name of its time.
    /// [`Conflict::UsernameTaken`].
    pub async fn change_username(&self, by: &Caller, profile: &Profile, username: &Username, now: Timestamp) -> Result<(), Error> {
        let user = profile.id;
        let (old, new) = (keys::name_claim(&profile.username), keys::name_claim(username));
        let mut legs = vec![
            Leg::update(keys::profile(user), "SET #username = :new")
                .when("#username = :old")
                .or(Conflict::UsernameTaken)
                .text(":new", username.as_str())
                .text(":old", profile.username.as_str()),
            events::leg(by, Happened::UsernameChanged { user }, now)?,
        ];
        if old != new {
            let claim = row(&new, "claim", &Claim { user, until: None })?;
            legs.push(Leg::create(claim).or(Conflict::UsernameTaken));
            legs.push(Leg::delete(old));
        }
        // A hundred legs are one transaction; who is in more teams than that is listed under the old name in the rest.
        let room = domain::limit::TRANSACTION_LEGS - legs.len();
        legs.extend(profile.teams.keys().take(room).map(|team| {
            let member = Leg::update(keys::member(*team, user), "SET #username = :new");
            member.when("attribute_exists(pk)").text(":new", username.as_str())
        }));
        self.commit(&legs).await
    }

    /// Gives an account the name it goes by; `None` takes it away.
    pub async fn set_full_name(&self, profile: &Profile, name: Option<&str>) -> Result<(), Error> {
        let key = keys::profile(profile.id);
        match name {
            Some(name) => {
                self.update_when(&key, "SET #full_name = :name", "attribute_exists(pk)", crate::values([(":name", s(name))])).await
            }
            None => self.update_when(&key, "REMOVE #full_name", "attribute_exists(pk)", crate::Item::new()).await,
        }
        .map(drop)
    }

    /// Notes which address the caller wants instead of theirs. Nothing changes before it is confirmed.
    pub async fn ask_email(&self, by: &Caller, email: &Email, now: Timestamp) -> Result<(), Error> {
        let user = by.user;
        let ask = Leg::update(keys::profile(user), "SET #email_asked = :email").when("attribute_exists(pk)").text(":email", email.as_str());
        self.commit(&[ask, events::leg(by, Happened::EmailAsked { user }, now)?]).await
    }

    /// Gives an account the address that it asked for. The old one is kept for it for [`WAY_BACK`].
    /// [`Conflict::EmailTaken`]; [`Conflict::LinkGone`]: it has another address by now, or asks for another;
    /// [`Conflict::ChangedTooOften`].
    pub async fn take_email(&self, profile: &Profile, email: &Email, now: Timestamp) -> Result<(), Error> {
        let user = profile.id;
        let until = now.saturating_add(WAY_BACK).unwrap_or(Timestamp::MAX);
        let mut before: Vec<Left> = profile.emails_before.iter().filter(|left| now < left.until && left.email != *email).cloned().collect();
        if REMEMBERED <= before.len() {
            return Err(Conflict::ChangedTooOften.into());
        }
        before.push(Left { email: profile.email.clone(), until });
        let before = serde_dynamo::to_attribute_value(before).map_err(|error| Error::Failed(error.to_string()))?;
        let left = with_ttl(row(&claim_of(&profile.email), "claim", &Claim { user, until: Some(until) })?, until);
        self.commit(&[
            Leg::update(keys::profile(user), "SET #email = :new, #emails_before = :before, #verified = :yes REMOVE #email_asked")
                .when("#email = :old AND #email_asked = :new")
                .or(Conflict::LinkGone)
                .text(":new", email.as_str())
                .text(":old", profile.email.as_str())
                .value(":before", before)
                .value(":yes", flag(true)),
            // One that this account left may be had again.
            Leg::put(row(&claim_of(email), "claim", &Claim { user, until: None })?)
                .when(format!("{UNCLAIMED} OR #user = :user"))
                .number(":now", now.as_second())
                .number(":user", user)
                .or(Conflict::EmailTaken),
            Leg::put(left),
            events::leg(Some(profile.caller().actor()), Happened::EmailChanged { user, left: digest(&profile.email) }, now)?,
        ])
        .await
    }

    /// Gives an account back to an address that it was taken from, and ends all sessions, keys and identities: whoever
    /// changed it is out, with the second factor that they may have set up. Their connections are still open.
    /// [`Conflict::LinkGone`]: that was too long ago, or is done.
    pub async fn restore_email(&self, profile: &Profile, email: &Email, now: Timestamp) -> Result<(), Error> {
        let user = profile.id;
        // A second factor that is younger than the change of address is that of whoever changed it.
        let changed = profile.emails_before.iter().find(|left| left.email == *email).map(|left| left.until - WAY_BACK);
        let theirs = profile.second_factor.is_some_and(|since| changed.is_some_and(|changed| changed <= since));
        let mut legs = vec![
            Leg::update(
                keys::profile(user),
                format!(
                    "SET #email = :back, #verified = :yes, #sessions_from = :from, #keys_from = :from \
                     REMOVE #email_asked, #emails_before{}",
                    if theirs { ", #second_factor" } else { "" }
                ),
            )
            .when("#email = :now")
            .or(Conflict::LinkGone)
            .text(":back", email.as_str())
            .text(":now", profile.email.as_str())
            .value(":yes", flag(true))
            .value(":from", s(ended_from(now))),
            Leg::put(row(&claim_of(email), "claim", &Claim { user, until: None })?)
                .when("#user = :user AND :now < #ttl")
                .number(":user", user)
                .number(":now", now.as_second())
                .or(Conflict::LinkGone),
            Leg::delete(claim_of(&profile.email)),
            events::leg(None, Happened::EmailRestored { user }, now)?,
        ];
        if theirs {
            legs.push(Leg::delete(keys::factor(user)));
        }
        // Nor have the addresses in between a way back any more.
        let others = profile.emails_before.iter().filter(|left| now < left.until && left.email != *email && left.email != profile.email);
        legs.extend(others.map(|left| {
            let ours = Leg::delete(claim_of(&left.email)).when("attribute_not_exists(pk) OR #user = :user");
            ours.number(":user", user).or(Conflict::LinkGone)
        }));
        self.commit(&legs).await?;
        self.sweep_sessions(user, None).await?;
        self.sweep_ways_in(user).await
    }
}

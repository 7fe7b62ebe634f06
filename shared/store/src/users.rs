//! Accounts: sign-up, confirmation, profile.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::access::{Caller, Membership};
use domain::account::{Email, PasswordHash, Username};
use domain::happened::{Doer, Happened};
use domain::ids::{TeamId, UserId, WorkspaceId};
use domain::team::{Invite, Member, Workspace};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::identities::Identity;
use crate::{Conflict, Ended, Error, Item, Leg, Store, events, flag, identities, invites, keys, read, row, sso, teams};

/// An account. It carries the person's roles in all their teams, so that one item says what they may.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Profile {
    /// The user's id.
    pub id: UserId,
    /// Their address.
    pub email: Email,
    /// Their name, unique.
    pub username: Username,
    /// The name they go by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_name: Option<String>,
    /// What their password is checked against.
    pub password_hash: PasswordHash,
    /// Whether their address is confirmed.
    pub verified: bool,
    /// Sessions made before this time have ended.
    pub sessions_from: Timestamp,
    /// API keys made before this time have ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys_from: Option<Timestamp>,
    /// Since when they sign in with a second factor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_factor: Option<Timestamp>,
    /// The address that they want instead, until it is confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_asked: Option<Email>,
    /// The addresses that it left lately, the last at the end. Each may take the account back for a time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emails_before: Vec<Left>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// Their own workspace.
    pub workspace: WorkspaceId,
    /// Their roles in their teams.
    #[serde(default)]
    pub teams: BTreeMap<TeamId, Membership>,
    /// Those of their teams that could only read when the janitor last came by. The team itself decides.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub read_only: BTreeSet<TeamId>,
    /// Teams that they buy for without being in them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub buys: BTreeSet<TeamId>,
}

/// An address that an account has left.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Left {
    /// The address.
    pub email: Email,
    /// Until when it may take the account back.
    pub until: Timestamp,
}

impl Profile {
    /// The person as the rules see them, apart from how they came.
    pub fn caller(&self) -> Caller {
        let second_factor = self.second_factor.is_some();
        let teams = self.teams.clone().into_iter();
        let (teams, closed) = teams.partition(|(_, membership)| second_factor || !membership.second_factor);
        Caller {
            user: self.id,
            username: self.username.to_string(),
            verified: self.verified,
            session: None,
            key: None,
            writes: true,
            only: None,
            shown_since: None,
            client: None,
            once: None,
            workspace: self.workspace.clone(),
            second_factor,
            teams,
            closed,
            address: None,
            held: BTreeMap::new(),
            through: None,
            read_only: self.read_only.clone(),
            buys: self.buys.clone(),
        }
    }
}

/// Who has a name that only one may have.
#[derive(Serialize, Deserialize)]
pub(crate) struct Claim {
    pub(crate) user: UserId,
    /// For an address that its account has left: until when nobody else can have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<Timestamp>,
}

/// The condition under which a claim can be made: nobody has the name, or the one who left it can no longer come back.
pub(crate) const UNCLAIMED: &str = "attribute_not_exists(pk) OR #ttl <= :now";

/// What a new account is made of.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The id that was drawn.
    pub id: UserId,
    /// The address.
    pub email: Email,
    /// The username.
    pub username: Username,
    /// The hash of the password.
    pub password_hash: PasswordHash,
    /// The name they go by.
    pub full_name: Option<String>,
    /// Whether somebody whom we trust says that the address is theirs.
    pub verified: bool,
    /// Who vouches for them elsewhere.
    pub identity: Option<Identity>,
    /// The id of the person's own workspace.
    pub workspace: WorkspaceId,
    /// The network address that they sign up from.
    pub address: Option<String>,
}

/// The hash under which an address is kept in keys, so that it stays out of metrics and logs.
pub fn digest(email: &Email) -> String {
    Sha256::digest(email.as_str().as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Who has an address.
pub(crate) fn claim_of(email: &Email) -> keys::Key {
    keys::email_claim(&digest(email))
}

/// A profile from its item.
pub fn read_profile(item: Item) -> Result<Profile, Error> {
    read(item)
}

/// Who has a name, from the item that says so.
pub(crate) fn claimed_by(item: Item) -> Result<UserId, Error> {
    read::<Claim>(item).map(|claim| claim.user)
}

/// The leg that gives a person a role in a team, on the item that decides. What the team asks of its members stands in
/// the membership: whoever joins reads it first, and holds the transaction to it ([`crate::factors::still_asks`]).
pub(crate) fn join(user: UserId, team: TeamId, membership: Membership) -> Result<Leg, Error> {
    let membership = serde_dynamo::to_attribute_value(membership).map_err(|error| Error::Failed(error.to_string()))?;
    Ok(Leg::update(keys::profile(user), format!("SET #teams.#{team} = :membership"))
        .when("attribute_exists(pk)")
        .value(":membership", membership))
}

/// The leg that gives a member another role or other groups; what the team asks of them stays.
pub(crate) fn change(user: UserId, team: TeamId, member: &Member) -> Leg {
    let groups: Vec<_> = member.groups.iter().map(crate::n).collect();
    let set = format!("SET #teams.#{team}.#role = :role, #teams.#{team}.#billing = :billing");
    let leg = match groups.is_empty() {
        true => Leg::update(keys::profile(user), format!("{set} REMOVE #teams.#{team}.#groups")),
        false => Leg::update(keys::profile(user), format!("{set}, #teams.#{team}.#groups = :groups"))
            .value(":groups", aws_sdk_dynamodb::types::AttributeValue::L(groups)),
    };
    leg.when(format!("attribute_exists(#teams.#{team})")).value(":role", teams::role(member.role)).value(":billing", flag(member.billing))
}

/// The leg that holds a transaction to what the caller is in a team, as they were read, and to their getting in.
pub(crate) fn still_in(caller: &Caller, team: TeamId) -> Result<Leg, Error> {
    let membership = caller.teams.get(&team).ok_or(Conflict::NotMember)?;
    let open = if membership.second_factor { " AND attribute_exists(#second_factor)" } else { "" };
    let membership = serde_dynamo::to_attribute_value(membership).map_err(|error| Error::Failed(error.to_string()))?;
    let check = Leg::check(keys::profile(caller.user)).when(format!("#teams.#{team} = :membership{open}"));
    Ok(check.value(":membership", membership).or(Conflict::NotMember))
}

/// The leg that takes it away.
pub(crate) fn part(user: UserId, team: TeamId) -> Leg {
    Leg::update(keys::profile(user), format!("REMOVE #teams.#{team}")).when("attribute_exists(pk)")
}

impl Store {
    /// An account.
    pub async fn profile(&self, user: UserId) -> Result<Option<Profile>, Error> {
        self.get(&keys::profile(user)).await?.map(read).transpose()
    }

    /// Many accounts; those that do not exist are not in the answer.
    pub async fn profiles(&self, users: &[UserId]) -> Result<HashMap<UserId, Profile>, Error> {
        let mut wanted: Vec<_> = users.iter().map(|user| keys::profile(*user)).collect();
        wanted.sort();
        wanted.dedup();
        let found = self.get_many(&wanted).await?;
        found.into_values().map(|item| read(item).map(|profile: Profile| (profile.id, profile))).collect()
    }

    /// The account that has an address; not the one that left it.
    pub async fn profile_by_email(&self, email: &Email) -> Result<Option<Profile>, Error> {
        match self.user_by_email(email).await? {
            Some(user) => Ok(self.profile(user).await?.filter(|profile| profile.email == *email)),
            None => Ok(None),
        }
    }

    /// Who has an address, or had it and may still take it back.
    pub async fn user_by_email(&self, email: &Email) -> Result<Option<UserId>, Error> {
        let claim = self.get(&keys::email_claim(&digest(email))).await?;
        Ok(claim.map(read::<Claim>).transpose()?.map(|claim| claim.user))
    }

    /// The account that someone means by an e-mail address or a username, as typed.
    pub async fn profile_by_login(&self, login: &str) -> Result<Option<Profile>, Error> {
        match (Email::parse(login), Username::parse(login)) {
            (Ok(email), _) => self.profile_by_email(&email).await,
            (_, Ok(username)) => self.profile_by_username(&username).await,
            _ => Ok(None),
        }
    }

    /// The account that has a username; not one whose name only looks like it.
    pub async fn profile_by_username(&self, username: &Username) -> Result<Option<Profile>, Error> {
        let Some(claim) = self.get(&keys::name_claim(username)).await?.map(read::<Claim>).transpose()? else { return Ok(None) };
        Ok(self.profile(claim.user).await?.filter(|profile| profile.username.folded() == username.folded()))
    }

    /// The first of some usernames that nobody has.
    pub async fn free_username(&self, names: &[Username]) -> Result<Option<Username>, Error> {
        let claim = |name: &Username| keys::name_claim(name);
        let taken = self.get_many(&names.iter().map(claim).collect::<Vec<_>>()).await?;
        Ok(names.iter().find(|name| !taken.contains_key(&claim(name))).cloned())
    }

    /// Makes an account with its own workspace, and a member of the team that invited, all or nothing.
    ///
    /// Refuses with [`Conflict::UsernameTaken`] before [`Conflict::EmailTaken`] (so that a taken address shows nothing
    /// that a free one does not), [`Conflict::IdTaken`], [`Conflict::InviteGone`], [`Conflict::SsoRequired`],
    /// [`Conflict::IdentityTaken`].
    pub async fn sign_up(&self, new: &NewUser, invite: Option<&Invite>, now: Timestamp) -> Result<Profile, Error> {
        let asks = match invite {
            Some(invite) => self.asks_for_second_factor(invite.team).await?,
            None => false,
        };
        let profile = Profile {
            id: new.id,
            email: new.email.clone(),
            username: new.username.clone(),
            full_name: new.full_name.clone(),
            password_hash: new.password_hash.clone(),
            verified: new.verified,
            sessions_from: now,
            keys_from: None,
            second_factor: None,
            email_asked: None,
            emails_before: Vec::new(),
            created_at: now,
            workspace: new.workspace.clone(),
            teams: invite
                .map(|invite| (invite.team, Membership { second_factor: asks, ..Membership::new(invite.role, false) }))
                .into_iter()
                .collect(),
            read_only: BTreeSet::new(),
            buys: BTreeSet::new(),
        };
        let workspace = Workspace::new(new.workspace.clone(), "My Workspace", None, new.id, now);
        let claim = Claim { user: new.id, until: None };
        let by = |actor| Doer { actor, address: new.address.clone(), client: None };
        let (name, email) = (keys::name_claim(&new.username), keys::email_claim(&digest(&new.email)));
        let mut legs = vec![
            Leg::create(row(&name, "claim", &claim)?).or(Conflict::UsernameTaken),
            Leg::put(row(&email, "claim", &claim)?).when(UNCLAIMED).number(":now", now.as_second()).or(Conflict::EmailTaken),
            Leg::create(row(&keys::profile(new.id), "user", &profile)?).or(Conflict::IdTaken),
            Leg::create(row(&keys::workspace(&new.workspace), "workspace", &workspace)?).or(Conflict::IdTaken),
            events::leg(by(None), Happened::SignedUp { user: new.id }, now)?,
        ];
        if let Some(invite) = invite {
            legs.extend(invites::take(invite, &profile, asks, by(Some(profile.caller().actor())), now)?);
            legs.push(sso::open_to_all(invite.team));
        }
        if let Some(identity) = &new.identity {
            legs.extend(identities::link(identity)?);
        }
        self.commit(&legs).await?;
        Ok(profile)
    }

    /// Confirms the address of an account. Confirming what is confirmed changes nothing.
    /// [`Conflict::LinkGone`]: the account is gone, or has another address by now.
    pub async fn confirm(&self, user: UserId, email: &Email, now: Timestamp) -> Result<Profile, Error> {
        let confirm = Leg::update(keys::profile(user), "SET #verified = :yes")
            .when("#email = :email AND #verified = :no")
            .text(":email", email.as_str())
            .value(":yes", flag(true))
            .value(":no", flag(false));
        let ended = self.transact(&[confirm, events::leg(None, Happened::Confirmed { user }, now)?]).await?;
        let profile = self.profile(user).await?.filter(|profile| profile.email == *email && profile.verified);
        match (ended, profile) {
            (Ended::Committed | Ended::MovedOn(_), Some(profile)) => Ok(profile),
            (_, None) => Err(Conflict::LinkGone.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::access::TeamRole;

    #[test]
    fn a_profile_survives_the_table_and_hides_its_hash() {
        let profile = Profile {
            id: UserId(7),
            email: Email::parse("ann@example.com").unwrap(),
            username: Username::parse("ann").unwrap(),
            full_name: None,
            password_hash: PasswordHash::new("$argon2id$secret".to_owned()),
            verified: false,
            sessions_from: Timestamp::UNIX_EPOCH,
            keys_from: None,
            second_factor: None,
            email_asked: None,
            emails_before: Vec::new(),
            created_at: Timestamp::UNIX_EPOCH,
            workspace: "w".parse().unwrap(),
            teams: [(TeamId(9), Membership::new(TeamRole::Editor, true))].into(),
            read_only: BTreeSet::new(),
            buys: BTreeSet::new(),
        };
        let item = row(&keys::profile(UserId(7)), "user", &profile).unwrap();
        assert!(item["teams"].as_m().unwrap().contains_key("9"));
        let back = read_profile(item).unwrap();
        assert_eq!(back.teams, profile.teams);
        assert!(!format!("{back:?}").contains("secret"));
    }
}

//! Identities elsewhere: that somebody for whom an issuer vouches may sign in to an account.

use domain::access::Caller;
use domain::happened::Happened;
use domain::ids::UserId;
use domain::sso::{Provider, Vouched};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::users::{Claim, Profile, claimed_by};
use crate::{Conflict, Error, Leg, Range, Store, events, keys, read, row, s};

/// An identity elsewhere, linked to an account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Identity {
    /// The SHA-256 of who vouches and what they call the person: its name in the table and in addresses.
    pub digest: String,
    /// Whose.
    pub user: UserId,
    /// Who vouches.
    pub provider: Provider,
    /// The issuer.
    pub issuer: String,
    /// The address that the issuer knows.
    pub email: String,
    /// Since when.
    pub linked_at: Timestamp,
    /// When it was last signed in with.
    pub used_at: Timestamp,
}

impl Identity {
    /// What an issuer vouches for, linked to an account.
    pub fn of(vouched: &Vouched, user: UserId, now: Timestamp) -> Identity {
        Identity {
            digest: digest(vouched),
            user,
            provider: vouched.provider,
            issuer: vouched.issuer.clone(),
            email: vouched.email.clone(),
            linked_at: now,
            used_at: now,
        }
    }

    /// Whether it still opens its account: as an API key, it ends where all of them do.
    fn lives(&self, profile: &Profile) -> bool {
        profile.keys_from.is_none_or(|from| from <= self.linked_at)
    }
}

/// Another issuer of the same provider, or another provider with the same issuer, is somebody else.
fn digest(vouched: &Vouched) -> String {
    let mut sha = Sha256::new();
    for part in [&vouched.provider.to_string(), &vouched.issuer, &vouched.subject] {
        sha.update((part.len() as u64).to_be_bytes());
        sha.update(part.as_bytes());
    }
    sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The legs that link an identity, which refuse where it is somebody else's.
pub(crate) fn link(identity: &Identity) -> Result<[Leg; 3], Error> {
    let claim = row(&keys::identity_claim(&identity.digest), "claim", &Claim { user: identity.user, until: None })?;
    let what = Happened::IdentityLinked { user: identity.user, provider: identity.provider };
    Ok([
        Leg::create(claim).or(Conflict::IdentityTaken),
        Leg::put(row(&keys::identity(identity.user, &identity.digest), "identity", identity)?),
        events::leg(None, what, identity.linked_at)?,
    ])
}

impl Store {
    /// The account into which what an issuer vouches for leads, and the identity that does.
    pub async fn identified(&self, vouched: &Vouched) -> Result<Option<(Profile, Identity)>, Error> {
        let digest = digest(vouched);
        let Some(user) = self.get(&keys::identity_claim(&digest)).await?.map(claimed_by).transpose()? else { return Ok(None) };
        let (profile, identity) = (keys::profile(user), keys::identity(user, &digest));
        let mut found = self.get_many(&[profile.clone(), identity.clone()]).await?;
        let profile: Option<Profile> = found.remove(&profile).map(read).transpose()?;
        let identity: Option<Identity> = found.remove(&identity).map(read).transpose()?;
        match (profile, identity) {
            (Some(profile), Some(identity)) if identity.lives(&profile) => Ok(Some((profile, identity))),
            // What a sweep that did not finish has left behind.
            _ => self.delete_all(&[keys::identity_claim(&digest), keys::identity(user, &digest)]).await.map(|()| None),
        }
    }

    /// Links an identity to its account. [`Conflict::IdentityTaken`]: it is somebody else's, or was linked meanwhile.
    pub async fn link_identity(&self, identity: &Identity) -> Result<(), Error> {
        self.commit(&link(identity)?).await
    }

    /// Notes that an identity was signed in with.
    pub async fn note_identity(&self, identity: &Identity, now: Timestamp) -> Result<(), Error> {
        let key = keys::identity(identity.user, &identity.digest);
        self.update_when(&key, "SET #used_at = :now", "attribute_exists(pk)", crate::values([(":now", s(now))])).await.map(drop)
    }

    /// The identities of an account.
    pub async fn identities(&self, profile: &Profile) -> Result<Vec<Identity>, Error> {
        let items = self.all(&Range::prefix(keys::user_partition(profile.id), keys::IDENTITIES)).await?;
        let identities: Vec<Identity> = items.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(identities.into_iter().filter(|identity| identity.lives(profile)).collect())
    }

    /// Unlinks one of the caller's identities. `false`: there is none such.
    /// [`Conflict::LastWayIn`]: there is neither a password nor another one.
    pub async fn unlink_identity(&self, by: &Caller, digest: &str, now: Timestamp) -> Result<bool, Error> {
        let user = by.user;
        let profile = self.profile(user).await?.ok_or(Conflict::LastWayIn)?;
        let all = self.identities(&profile).await?;
        let Some(identity) = all.iter().find(|identity| identity.digest == digest) else { return Ok(false) };
        let mut legs = vec![
            Leg::delete(keys::identity(user, digest)),
            Leg::delete(keys::identity_claim(digest)),
            events::leg(Some(by.actor()), Happened::IdentityUnlinked { user, provider: identity.provider }, now)?,
        ];
        if profile.password_hash.usable().is_none() {
            // Two that are unlinked at once must not both count on the other.
            let other = all.iter().find(|other| other.digest != digest).ok_or(Conflict::LastWayIn)?;
            legs.push(Leg::check(keys::identity(user, &other.digest)).when("attribute_exists(pk)").or(Conflict::LastWayIn));
        }
        self.commit(&legs).await?;
        Ok(true)
    }

    /// Removes the items of identities that have ended all together.
    pub(crate) async fn sweep_identities(&self, user: UserId) -> Result<(), Error> {
        let items = self.all(&Range::prefix(keys::user_partition(user), keys::IDENTITIES)).await?;
        let identities = items.into_iter().map(read).collect::<Result<Vec<Identity>, Error>>()?;
        let gone = identities.iter().flat_map(|identity| [keys::identity(user, &identity.digest), keys::identity_claim(&identity.digest)]);
        self.delete_all(&gone.collect::<Vec<_>>()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::TeamId;

    #[test]
    fn an_identity_is_of_one_provider_and_one_issuer() {
        let of = |provider, issuer: &str, subject: &str| {
            let (issuer, subject) = (issuer.to_owned(), subject.to_owned());
            digest(&Vouched { provider, issuer, subject, email: String::new(), name: None })
        };
        let one = of(Provider::Team(TeamId(7)), "https://a.example", "1");
        assert_eq!(one, of(Provider::Team(TeamId(7)), "https://a.example", "1"));
        for other in [
            of(Provider::Team(TeamId(8)), "https://a.example", "1"),
            of(Provider::Team(TeamId(7)), "https://b.example", "1"),
            of(Provider::Team(TeamId(7)), "https://a.example1", ""),
            of(Provider::Google, "https://a.example", "1"),
        ] {
            assert_ne!(one, other);
        }
    }
}

//! What people say about themselves: kept apart from the account, which every request reads.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::access::{Caller, knows};
use domain::account::Username;
use domain::ids::UserId;
use serde::{Deserialize, Serialize};

use crate::users::Profile;
use crate::{Error, Leg, Store, keys, read, s};

/// What somebody says about themselves, and who may see it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct About {
    /// Some sentences; may be empty.
    pub text: String,
    /// Where else they are, `https://…`.
    pub links: Vec<String>,
    /// Whether everybody sees the profile, not only the members of the person's teams.
    pub public: bool,
    /// Whether whoever sees the profile sees the address, too.
    pub email_public: bool,
    /// The name of the picture's content; `None`: there is no picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
}

/// An account and what its owner says about themselves.
#[derive(Debug, Clone)]
pub struct Person {
    /// The account.
    pub profile: Profile,
    /// The rest.
    pub about: About,
}

impl Person {
    /// Whether somebody sees the profile: its owner, who is in a team with them, and everybody where it is public.
    pub fn seen_by(&self, viewer: Option<&Caller>) -> bool {
        self.about.public || viewer.is_some_and(|viewer| knows(viewer, self.profile.id, &self.profile.teams))
    }

    /// The address, where the owner shows it, or asks themselves.
    pub fn email_for(&self, viewer: Option<&Caller>) -> Option<&domain::account::Email> {
        let own = viewer.is_some_and(|viewer| viewer.user == self.profile.id);
        (own || self.about.email_public).then_some(&self.profile.email)
    }
}

impl Store {
    /// Somebody, with what they say about themselves. One read.
    pub async fn person(&self, user: UserId) -> Result<Option<Person>, Error> {
        Ok(self.people(&[user]).await?.pop())
    }

    /// People by their ids, each with what they say about themselves; who is not there is left out.
    pub async fn people(&self, users: &[UserId]) -> Result<Vec<Person>, Error> {
        let wanted: Vec<_> = users.iter().flat_map(|user| [keys::profile(*user), keys::about(*user)]).collect();
        let mut found = self.get_many(&wanted).await?;
        let people = users.iter().filter_map(|user| {
            let profile = found.remove(&keys::profile(*user))?;
            let about = found.remove(&keys::about(*user)).map(read).transpose();
            Some(about.and_then(|about| Ok(Person { profile: read(profile)?, about: about.unwrap_or_default() })))
        });
        people.collect()
    }

    /// Somebody by their number or username.
    pub async fn person_named(&self, name: &str) -> Result<Option<Person>, Error> {
        if let Ok(user) = name.parse()
            && let Some(person) = self.person(user).await?
        {
            return Ok(Some(person));
        }
        let Ok(username) = Username::parse(name) else { return Ok(None) };
        match self.profile_by_username(&username).await? {
            Some(profile) => self.person(profile.id).await,
            None => Ok(None),
        }
    }

    /// Changes what the caller says about themselves; what is `None` stays.
    pub async fn describe(
        &self,
        by: &Caller,
        text: Option<&str>,
        links: Option<&[String]>,
        public: Option<bool>,
        email_public: Option<bool>,
    ) -> Result<(), Error> {
        let links = links.map(|links| AttributeValue::L(links.iter().map(s).collect()));
        let changed = [
            ("text", text.map(s)),
            ("links", links),
            ("public", public.map(AttributeValue::Bool)),
            ("email_public", email_public.map(AttributeValue::Bool)),
        ];
        let changed: Vec<(&str, AttributeValue)> = changed.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        if changed.is_empty() {
            return Ok(());
        }
        let sets: Vec<String> = changed.iter().map(|(name, _)| format!("#{name} = :{name}")).collect();
        let set = Leg::update(keys::about(by.user), format!("SET #kind = :kind, {}", sets.join(", "))).text(":kind", "about");
        let set = changed.into_iter().fold(set, |leg, (name, value)| leg.value(&format!(":{name}"), value));
        self.commit(&[set, still_there(by.user)]).await
    }
}

/// Nothing is said by an account that is gone.
pub(crate) fn still_there(user: UserId) -> Leg {
    Leg::check(keys::profile(user)).when("attribute_exists(pk)").or(crate::Conflict::SessionGone)
}

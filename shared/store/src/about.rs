//! What people say about themselves: kept apart from the account, which every request reads.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::access::{Caller, knows};
use domain::account::Username;
use domain::ids::UserId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::users::Profile;
use crate::{Error, Leg, Store, keys, n, read, s, transact};

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

/// A picture, as it is served.
#[derive(Debug, Clone)]
pub struct Picture {
    /// The name of its content.
    pub tag: String,
    /// `image/png` or `image/jpeg`.
    pub media: String,
    /// The file.
    pub bytes: Vec<u8>,
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
        let (profile, about) = (keys::profile(user), keys::about(user));
        let mut found = self.get_many(&[profile.clone(), about.clone()]).await?;
        let Some(profile) = found.remove(&profile) else { return Ok(None) };
        let about = found.remove(&about).map(read).transpose()?.unwrap_or_default();
        Ok(Some(Person { profile: read(profile)?, about }))
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

    /// Gives the caller a picture, instead of the one that is there.
    pub async fn set_picture(&self, by: &Caller, picture: &Picture, now: Timestamp) -> Result<(), Error> {
        let mut item = transact::key_item(&keys::picture(by.user));
        item.insert("kind".to_owned(), s("picture"));
        item.insert("tag".to_owned(), s(&picture.tag));
        item.insert("media".to_owned(), s(&picture.media));
        item.insert("bytes".to_owned(), AttributeValue::B(Blob::new(picture.bytes.clone())));
        item.insert("at".to_owned(), n(now.as_second()));
        let name =
            Leg::update(keys::about(by.user), "SET #kind = :kind, #picture = :tag").text(":kind", "about").text(":tag", &picture.tag);
        self.commit(&[Leg::put(item), name, still_there(by.user)]).await
    }

    /// Takes the caller's picture away. One that is not there is as good as gone.
    pub async fn delete_picture(&self, by: &Caller) -> Result<(), Error> {
        let name = Leg::update(keys::about(by.user), "SET #kind = :kind REMOVE #picture").text(":kind", "about");
        self.commit(&[Leg::delete(keys::picture(by.user)), name, still_there(by.user)]).await
    }

    /// Somebody's picture. Whether it may be shown is the caller's business.
    pub async fn picture(&self, user: UserId) -> Result<Option<Picture>, Error> {
        let key = keys::picture(user);
        let Some(mut item) = self.get(&key).await? else { return Ok(None) };
        let mut take = |name: &str| item.remove(name).ok_or_else(|| Error::torn(&key, format!("no {name}")));
        let text = |value: AttributeValue| value.as_s().cloned().map_err(|_| Error::torn(&key, "no text"));
        let (tag, media, bytes) = (text(take("tag")?)?, text(take("media")?)?, take("bytes")?);
        let AttributeValue::B(bytes) = bytes else { return Err(Error::torn(&key, "no bytes")) };
        Ok(Some(Picture { tag, media, bytes: bytes.into_inner() }))
    }
}

/// Nothing is said by an account that is gone.
fn still_there(user: UserId) -> Leg {
    Leg::check(keys::profile(user)).when("attribute_exists(pk)").or(crate::Conflict::SessionGone)
}

//! Pictures of people, and logos of teams. Each lies in an item of its own; who shows it learns its name with the rest.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::access::{Access, Caller, ManageTeam};
use domain::happened::Happened;
use domain::ids::{TeamId, UserId};
use jiff::Timestamp;

use crate::about::still_there;
use crate::{Error, Key, Leg, Store, events, keys, n, s, transact};

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

impl Picture {
    fn row(&self, key: &Key, now: Timestamp) -> Leg {
        let mut item = transact::key_item(key);
        item.insert("kind".to_owned(), s("picture"));
        item.insert("tag".to_owned(), s(&self.tag));
        item.insert("media".to_owned(), s(&self.media));
        item.insert("bytes".to_owned(), AttributeValue::B(Blob::new(self.bytes.clone())));
        item.insert("at".to_owned(), n(now.as_second()));
        Leg::put(item)
    }
}

impl Store {
    /// Gives the caller a picture instead of the one that is there, or takes it away. One that is not there is as good as gone.
    pub async fn set_picture(&self, by: &Caller, picture: Option<&Picture>, now: Timestamp) -> Result<(), Error> {
        let (key, about) = (keys::picture(by.user), keys::about(by.user));
        let (file, name) = match picture {
            Some(picture) => (picture.row(&key, now), Leg::update(about, "SET #kind = :kind, #picture = :tag").text(":tag", &picture.tag)),
            None => (Leg::delete(key), Leg::update(about, "SET #kind = :kind REMOVE #picture")),
        };
        self.commit(&[file, name.text(":kind", "about"), still_there(by.user)]).await
    }

    /// Gives a team a logo instead of the one that is there, or takes it away. Stands in the audit log.
    pub async fn set_logo(&self, by: &Access<ManageTeam>, logo: Option<&Picture>, now: Timestamp) -> Result<(), Error> {
        let (key, team) = (keys::logo(by.thing), keys::team(by.thing));
        let (file, name) = match logo {
            Some(logo) => (logo.row(&key, now), Leg::update(team, "SET #updated_at = :now, #logo = :tag").text(":tag", &logo.tag)),
            None => (Leg::delete(key), Leg::update(team, "SET #updated_at = :now REMOVE #logo")),
        };
        let name = name.text(":now", now.to_string()).when("attribute_exists(pk)").or(crate::Conflict::NotMember);
        let told = events::leg(&by.caller, Happened::TeamChanged { team: by.thing, fields: vec!["logo".to_owned()] }, now)?;
        self.commit(&[file, name, told]).await
    }

    /// Somebody's picture. Whether it may be shown is for others to say.
    pub async fn picture(&self, user: UserId) -> Result<Option<Picture>, Error> {
        self.picture_at(&keys::picture(user)).await
    }

    /// A team's logo. Whether it may be shown is for others to say.
    pub async fn logo(&self, team: TeamId) -> Result<Option<Picture>, Error> {
        self.picture_at(&keys::logo(team)).await
    }

    async fn picture_at(&self, key: &Key) -> Result<Option<Picture>, Error> {
        let Some(mut item) = self.get(key).await? else { return Ok(None) };
        let mut take = |name: &str| item.remove(name).ok_or_else(|| Error::torn(key, format!("no {name}")));
        let text = |value: AttributeValue| value.as_s().cloned().map_err(|_| Error::torn(key, "no text"));
        let (tag, media, bytes) = (text(take("tag")?)?, text(take("media")?)?, take("bytes")?);
        let AttributeValue::B(bytes) = bytes else { return Err(Error::torn(key, "no bytes")) };
        Ok(Some(Picture { tag, media, bytes: bytes.into_inner() }))
    }
}

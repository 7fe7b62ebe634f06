//! Who has a collection open, as long as their connection lives.

use domain::access::{Access, ReadCollection};
use domain::ids::{CollectionId, ConnectionId, ElementId, TeamId, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::keys::Key;
use crate::live::{KEPT, still_there};
use crate::transact::Leg;
use crate::{Error, Range, Store, keys, read, row, with_ttl};

/// That somebody looks at a collection.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Looking {
    /// The connection of the page.
    pub connection: ConnectionId,
    /// Who.
    pub user: UserId,
    /// Their name.
    pub username: String,
    /// The collection.
    pub collection: CollectionId,
    /// Its team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// The item that they have open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<ElementId>,
    /// Items past this time are not there, whether or not DynamoDB has removed them.
    pub until: Timestamp,
}

impl Looking {
    /// Where it lies: with the collection, and with the connection.
    pub(crate) fn keys(&self) -> [Key; 2] {
        [keys::looking(&self.collection, &self.connection), keys::my_looking(&self.connection, &self.collection)]
    }
}

impl Store {
    /// Notes that a connection's user looks at a collection, or at an item of it.
    pub async fn look(
        &self,
        by: &Access<ReadCollection>,
        connection: &ConnectionId,
        item: Option<ElementId>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let until = now + KEPT;
        let looking = Looking {
            connection: connection.clone(),
            user: by.caller.user,
            username: by.caller.username.clone(),
            collection: by.thing.collection.clone(),
            team: by.thing.team,
            item,
            until,
        };
        let mut legs = still_there(by, connection)?;
        for key in looking.keys() {
            legs.push(Leg::put(with_ttl(row(&key, "looking", &looking)?, until)));
        }
        self.commit(&legs).await
    }

    /// Notes that they no longer do.
    pub async fn look_away(&self, collection: &CollectionId, connection: &ConnectionId) -> Result<(), Error> {
        self.delete_all(&[keys::looking(collection, connection), keys::my_looking(connection, collection)]).await
    }

    /// Who looks at a collection.
    pub async fn looking(&self, collection: &CollectionId, now: Timestamp) -> Result<Vec<Looking>, Error> {
        let items = self.all(&Range::prefix(keys::looking_partition(collection), keys::CONNECTIONS)).await?;
        let all = items.into_iter().map(read).collect::<Result<Vec<Looking>, Error>>()?;
        Ok(all.into_iter().filter(|looking| now < looking.until).collect())
    }

    /// Where a person looks, of a team's collections.
    pub(crate) async fn looking_of(&self, user: UserId, team: TeamId) -> Result<Vec<Looking>, Error> {
        let mut all: Vec<Looking> = Vec::new();
        for connection in self.connections_of(user).await? {
            let rows = self.all(&Range::prefix(keys::connection_partition(&connection.connection), keys::LOOKING)).await?;
            all.extend(rows.into_iter().map(read).collect::<Result<Vec<Looking>, Error>>()?);
        }
        all.retain(|looking| looking.team == Some(team));
        Ok(all)
    }

    /// Lets people look no longer.
    pub(crate) async fn end_looking(&self, gone: impl IntoIterator<Item = &Looking>) -> Result<(), Error> {
        self.delete_all(&gone.into_iter().flat_map(Looking::keys).collect::<Vec<_>>()).await
    }
}

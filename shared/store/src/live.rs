//! Open WebSockets, and which collections each of them follows.

use domain::access::{Access, ReadCollection};
use domain::collection::never;
use domain::ids::{CollectionId, ConnectionId, KeyId, SessionId, TeamId, UserId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::transact::Leg;
use crate::{Conflict, Error, Range, Store, keys, read, row, users, with_ttl};

/// API Gateway ends a connection after two hours; what is left of one is removed after three.
const KEPT: SignedDuration = SignedDuration::from_hours(3);
/// One shard until a collection is popular.
const SHARD: u32 = 0;

/// An open WebSocket.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Connection {
    /// Its id at API Gateway.
    pub connection: ConnectionId,
    /// Whose it is.
    pub user: UserId,
    /// The sign-in that opened it …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// … or the API key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyId>,
    /// Since when.
    pub connected_at: Timestamp,
}

/// That a connection follows a collection.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Registration {
    /// The connection.
    pub connection: ConnectionId,
    /// Whose it is.
    pub user: UserId,
    /// The collection.
    pub collection: CollectionId,
    /// The collection's team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// How often it had changed who sees the collection when it was asked whether this user does.
    #[serde(default, skip_serializing_if = "never")]
    pub access: u64,
    /// Items past this time are not there, whether or not DynamoDB has removed them.
    pub until: Timestamp,
}

impl Registration {
    /// Whether it was made so little ago that API Gateway may not have finished opening the connection.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        now < self.until - KEPT + SignedDuration::from_secs(30)
    }
}

impl Store {
    /// Remembers a connection, if the session or the API key that opened it still lives.
    pub async fn open_connection(&self, connection: &Connection) -> Result<(), Error> {
        let ttl = connection.connected_at + KEPT;
        let Connection { connection: id, user, session, key, .. } = connection;
        let own = with_ttl(row(&keys::connection(id), "connection", connection)?, ttl);
        let mirror = with_ttl(row(&keys::my_connection(*user, id), "connection", connection)?, ttl);
        let opened_by = match (session, key) {
            (Some(session), _) => keys::session(*user, session),
            (None, Some(key)) => keys::api_key(*user, key),
            (None, None) => return Err(Conflict::SessionGone.into()),
        };
        let alive = Leg::check(opened_by).when("attribute_exists(pk)").or(Conflict::SessionGone);
        self.commit(&[alive, Leg::put(own), Leg::put(mirror)]).await
    }

    /// A connection by its id.
    pub async fn connection(&self, id: &ConnectionId) -> Result<Option<Connection>, Error> {
        self.get(&keys::connection(id)).await?.map(read).transpose()
    }

    /// A person's open connections.
    pub async fn connections_of(&self, user: UserId) -> Result<Vec<Connection>, Error> {
        let items = self.all(&Range::prefix(keys::user_partition(user), keys::CONNECTIONS)).await?;
        items.into_iter().map(read).collect()
    }

    /// Lets a connection follow a collection. The transaction holds only while the connection is open and, for a
    /// team's collection, its user gets into the team and is what they were there: somebody who is removed at this moment,
    /// or gets another role or group, is not registered behind it. Who loses a role in the collection itself is found by the
    /// number that the registration carries.
    pub async fn follow(&self, by: &Access<ReadCollection>, connection: &ConnectionId, now: Timestamp) -> Result<(), Error> {
        let head = &by.thing;
        let until = now + KEPT;
        let registration = Registration {
            connection: connection.clone(),
            user: by.caller.user,
            collection: head.collection.clone(),
            team: head.team,
            access: head.access,
            until,
        };
        let mut legs = vec![
            Leg::check(keys::connection(connection)).when("attribute_exists(pk)").or(Conflict::SessionGone),
            Leg::put(with_ttl(row(&keys::live(&head.collection, SHARD, connection), "live", &registration)?, until)),
            Leg::put(with_ttl(row(&keys::my_live(connection, &head.collection), "live", &registration)?, until)),
        ];
        if let Some(team) = head.team {
            legs.push(users::still_in(&by.caller, team)?);
        }
        self.commit(&legs).await
    }

    /// The collections that a connection follows.
    pub async fn following(&self, connection: &ConnectionId) -> Result<Vec<CollectionId>, Error> {
        let items = self.all(&Range::prefix(keys::connection_partition(connection), keys::LIVE)).await?;
        items.into_iter().map(|item| read::<Registration>(item).map(|registration| registration.collection)).collect()
    }

    /// Lets a connection follow a collection no longer.
    pub async fn unfollow(&self, collection: &CollectionId, connection: &ConnectionId) -> Result<(), Error> {
        self.commit(&[Leg::delete(keys::live(collection, SHARD, connection)), Leg::delete(keys::my_live(connection, collection))]).await
    }

    /// Forgets a connection and everything it follows.
    pub async fn disconnect(&self, connection: &ConnectionId) -> Result<(), Error> {
        let rows = self.all(&Range::of(keys::connection_partition(connection))).await?;
        let mut gone = Vec::new();
        for row in rows {
            let Some(key) = crate::key_of(&row) else { continue };
            if key.sk.starts_with(keys::LIVE) {
                let registration: Registration = read(row)?;
                gone.push(keys::live(&registration.collection, SHARD, connection));
            } else {
                let connection: Connection = read(row)?;
                gone.push(keys::my_connection(connection.user, &connection.connection));
            }
            gone.push(key);
        }
        self.delete_all(&gone).await
    }

    /// Ends what a person's connections follow of a team that is closed to them. When it has returned, no event of it
    /// reaches them: they get into the team no longer, so nothing registers them anew.
    pub async fn drop_live(&self, user: UserId, team: TeamId) -> Result<(), Error> {
        self.end_registrations(&self.registrations_of(user, team).await?).await
    }

    /// What a person's connections follow of a team's collections.
    pub(crate) async fn registrations_of(&self, user: UserId, team: TeamId) -> Result<Vec<Registration>, Error> {
        let mut all = Vec::new();
        for connection in self.connections_of(user).await? {
            let rows = self.all(&Range::prefix(keys::connection_partition(&connection.connection), keys::LIVE)).await?;
            all.extend(rows.into_iter().map(read).collect::<Result<Vec<Registration>, Error>>()?);
        }
        all.retain(|registration| registration.team == Some(team));
        Ok(all)
    }

    /// Ends registrations.
    pub(crate) async fn end_registrations(&self, gone: impl IntoIterator<Item = &Registration>) -> Result<(), Error> {
        let both =
            |one: &Registration| [keys::live(&one.collection, SHARD, &one.connection), keys::my_live(&one.connection, &one.collection)];
        self.delete_all(&gone.into_iter().flat_map(both).collect::<Vec<_>>()).await
    }

    /// The connections that follow a collection: one query, a page of 1 MB is about 4,000.
    pub async fn followers(&self, collection: &CollectionId, now: Timestamp) -> Result<Vec<Registration>, Error> {
        let items = self.all(&Range::prefix(keys::live_partition(collection, SHARD), keys::CONNECTIONS)).await?;
        let all = items.into_iter().map(read).collect::<Result<Vec<Registration>, Error>>()?;
        Ok(all.into_iter().filter(|registration| now < registration.until).collect())
    }
}

//! Open WebSockets, and which collections each of them follows.

use domain::access::{Access, ReadCollection};
use domain::collection::never;
use domain::ids::{CollectionId, ConnectionId, ElementId, KeyId, SessionId, TeamId, UserId};
use domain::limit;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::keys::Key;
use crate::presence::Looking;
use crate::transact::Leg;
use crate::{Conflict, Error, Range, Store, keys, n, read, row, s, users, values, with_ttl};

/// API Gateway ends a connection after this time.
pub const LASTS: SignedDuration = SignedDuration::from_hours(2);
/// API Gateway ends a connection after two hours; what is left of one is removed after three.
pub(crate) const KEPT: SignedDuration = SignedDuration::from_hours(3);

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
    /// The item that is followed; `None`: the whole collection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<ElementId>,
    /// The partition that it stands in.
    #[serde(default)]
    pub shard: u32,
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
    /// Where it lies: with the collection, and with the connection.
    fn keys(&self) -> [Key; 2] {
        let Registration { connection, collection, item, shard, .. } = self;
        [keys::live(collection, *shard, connection, item.as_ref()), keys::my_live(connection, collection, item.as_ref())]
    }

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
        let mut own = with_ttl(row(&keys::connection(id), "connection", connection)?, ttl);
        // Whoever looks after connections finds out by then when it ends.
        own.insert("gsi1pk".to_owned(), s(keys::CONNECTIONS_DUE));
        own.insert("gsi1sk".to_owned(), s(keys::connection_due(connection.connected_at, id)));
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

    /// The connections that are to be looked after.
    pub async fn connections_due(&self, now: Timestamp) -> Result<Vec<Connection>, Error> {
        let range = Range::below(keys::CONNECTIONS_DUE.to_owned(), keys::connections_due_until(now)).in_index();
        let keys: Vec<Key> = self.all(&range).await?.iter().filter_map(crate::key_of).collect();
        self.get_many(&keys).await?.into_values().map(read).collect()
    }

    /// Notes when a connection is to be looked after next.
    pub async fn look_after(&self, id: &ConnectionId, at: Timestamp) -> Result<(), Error> {
        let place = values([(":place", s(keys::connection_due(at, id)))]);
        self.update_when(&keys::connection(id), "SET #gsi1sk = :place", "attribute_exists(pk)", place).await.map(drop)
    }

    /// A person's open connections.
    pub async fn connections_of(&self, user: UserId) -> Result<Vec<Connection>, Error> {
        let items = self.all(&Range::prefix(keys::user_partition(user), keys::CONNECTIONS)).await?;
        items.into_iter().map(read).collect()
    }

    /// Lets a connection follow a collection, or an item of it. The transaction holds only while the connection is open
    /// and, for a team's collection, its user gets into the team and is what they were there: somebody who is removed at
    /// this moment, or gets another role or group, is not registered behind it. Who loses a role in the collection itself
    /// is found by the number that the registration carries.
    pub async fn follow(
        &self,
        by: &Access<ReadCollection>,
        connection: &ConnectionId,
        item: Option<&ElementId>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let head = &by.thing;
        let until = now + KEPT;
        let registration = Registration {
            connection: connection.clone(),
            user: by.caller.user,
            collection: head.collection.clone(),
            item: item.cloned(),
            shard: shard_of(connection, head.shards),
            team: head.team,
            access: head.access,
            until,
        };
        let [there, mirror] = registration.keys();
        let mut legs = still_there(by, connection)?;
        legs.push(Leg::put(with_ttl(row(&there, "live", &registration)?, until)));
        legs.push(Leg::put(with_ttl(row(&mirror, "live", &registration)?, until)));
        self.commit(&legs).await
    }

    /// What a connection follows.
    pub async fn following(&self, connection: &ConnectionId) -> Result<Vec<Registration>, Error> {
        let items = self.all(&Range::prefix(keys::connection_partition(connection), keys::LIVE)).await?;
        items.into_iter().map(read).collect()
    }

    /// Lets a connection follow an item of a collection no longer; without an item, the collection and everything in it.
    pub async fn unfollow(&self, collection: &CollectionId, connection: &ConnectionId, item: Option<&ElementId>) -> Result<(), Error> {
        let all = self.following(connection).await?.into_iter();
        let ended = all.filter(|one| one.collection == *collection && (item.is_none() || one.item.as_ref() == item));
        self.delete_all(&ended.flat_map(|one| one.keys()).collect::<Vec<_>>()).await
    }

    /// Forgets a connection, everything it follows, and where it was looking; gives the collections of the latter.
    pub async fn disconnect(&self, connection: &ConnectionId) -> Result<Vec<CollectionId>, Error> {
        let rows = self.all(&Range::of(keys::connection_partition(connection))).await?;
        let mut gone = Vec::new();
        let mut looked = Vec::new();
        for row in rows {
            let Some(key) = crate::key_of(&row) else { continue };
            if key.sk.starts_with(keys::LIVE) {
                gone.extend(read::<Registration>(row)?.keys());
            } else if key.sk.starts_with(keys::LOOKING) {
                let looking: Looking = read(row)?;
                gone.extend(looking.keys());
                looked.push(looking.collection);
            } else {
                let connection: Connection = read(row)?;
                gone.push(keys::my_connection(connection.user, &connection.connection));
                gone.push(key);
            }
        }
        self.delete_all(&gone).await?;
        Ok(looked)
    }

    /// Ends what a person's connections follow of a team that is closed to them. When it has returned, no event of it
    /// reaches them: they get into the team no longer, so nothing registers them anew.
    pub async fn drop_live(&self, user: UserId, team: TeamId) -> Result<(), Error> {
        self.end_registrations(&self.registrations_of(user, team).await?).await?;
        self.end_looking(&self.looking_of(user, team).await?).await
    }

    /// What a person's connections follow of a team's collections.
    pub(crate) async fn registrations_of(&self, user: UserId, team: TeamId) -> Result<Vec<Registration>, Error> {
        let mut all = Vec::new();
        for connection in self.connections_of(user).await? {
            all.extend(self.following(&connection.connection).await?);
        }
        all.retain(|registration| registration.team == Some(team));
        Ok(all)
    }

    /// Ends registrations.
    pub(crate) async fn end_registrations(&self, gone: impl IntoIterator<Item = &Registration>) -> Result<(), Error> {
        self.delete_all(&gone.into_iter().flat_map(Registration::keys).collect::<Vec<_>>()).await
    }

    /// The registrations for a collection that was spread over `shards` partitions: one query each, side by side, whose
    /// page of 1 MB is about 4,000.
    pub async fn followers(&self, collection: &CollectionId, shards: u32, now: Timestamp) -> Result<Vec<Registration>, Error> {
        let each = (0..shards.clamp(1, limit::SHARDS))
            .map(|shard| async move { self.all(&Range::prefix(keys::live_partition(collection, shard), keys::CONNECTIONS)).await });
        let items = futures::future::try_join_all(each).await?;
        let all = items.into_iter().flatten().map(read).collect::<Result<Vec<Registration>, Error>>()?;
        Ok(all.into_iter().filter(|registration| now < registration.until).collect())
    }

    /// Spreads the registrations of a collection over more partitions, from the next one on. What is registered stays
    /// where it is: the first partitions are read as before.
    ///
    /// A change that was committed before, and is told from fewer partitions, is not missed by who registers behind it
    /// in a new one: whoever subscribes reads the log after having registered.
    pub async fn spread(&self, collection: &CollectionId, shards: u32) -> Result<(), Error> {
        let shards = shards.min(limit::SHARDS);
        let more = "attribute_exists(pk) AND (attribute_not_exists(#shards) OR #shards < :shards)";
        self.update_when(&keys::head(collection), "SET #shards = :shards", more, values([(":shards", n(shards))])).await.map(drop)
    }
}

/// The checks that somebody may be told of a collection over a connection, at the moment of the write.
pub(crate) fn still_there(by: &Access<ReadCollection>, connection: &ConnectionId) -> Result<Vec<Leg>, Error> {
    let open = Leg::check(keys::connection(connection)).when("attribute_exists(pk)").or(Conflict::SessionGone);
    let member = by.thing.team.map(|team| users::still_in(&by.caller, team)).transpose()?;
    Ok(std::iter::once(open).chain(member).collect())
}

/// The partition that a connection is registered in: any of the collection's, and always the same one.
fn shard_of(connection: &ConnectionId, shards: u32) -> u32 {
    let hash = connection.as_str().bytes().fold(2_166_136_261_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(16_777_619));
    // The low bits of this hash are the weak ones.
    (hash >> 8) % shards.clamp(1, limit::SHARDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_spread_evenly_and_one_shard_takes_all() {
        let ids: Vec<ConnectionId> = (0..4_000).map(|n| format!("L0SM9cOFvHcCIhw{n}=").parse().unwrap()).collect();
        assert!(ids.iter().all(|id| shard_of(id, 1) == 0));
        let mut counts = [0; 8];
        ids.iter().for_each(|id| counts[shard_of(id, 8) as usize] += 1);
        assert!(counts.iter().all(|count| (350..650).contains(count)), "{counts:?}");
    }
}

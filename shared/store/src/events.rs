//! The audit trail: what happened outside the collections, written in the transaction in which it happened.

use domain::happened::{Doer, Event, Happened, Trail};
use jiff::Timestamp;

use crate::{Error, Item, Leg, Store, keys, read, row};

/// The kind of the items that the mailer reads from the stream.
pub const KIND: &str = "event";

fn item(by: Doer, what: Happened, now: Timestamp) -> Result<Item, Error> {
    let subject = match what.trail() {
        Trail::User(user) => keys::user_partition(user),
        Trail::Team(team) => keys::team_partition(team),
    };
    let seconds = u64::try_from(now.as_second()).unwrap_or(0);
    let nanoseconds = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
    let id = uuid::Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanoseconds));
    row(&keys::event(&subject, now, id), KIND, &Event { id, at: now, actor: by.actor, address: by.address, client: by.client, what })
}

/// The leg that tells what a transaction does.
pub(crate) fn leg(by: impl Into<Doer>, what: Happened, now: Timestamp) -> Result<Leg, Error> {
    Ok(Leg::create(item(by.into(), what, now)?))
}

/// An entry from its item, such as a stream record carries.
pub fn read_event(item: Item) -> Result<Event, Error> {
    read(item)
}

impl Store {
    /// Tells of something that changed nothing else.
    pub async fn tell(&self, by: impl Into<Doer>, what: Happened, now: Timestamp) -> Result<(), Error> {
        self.put_when(item(by.into(), what, now)?, None, Item::new()).await.map(drop)
    }
}

//! Who has a collection open: told to all who have, whenever somebody comes or goes.

use std::collections::BTreeMap;

use app::{App, Crash};
use domain::event::{Frame, Presence, Present};
use domain::ids::{CollectionId, UserId};
use domain::limit;
use futures::StreamExt;

/// Tells everyone who has a collection open who they are. One who is named in two windows is named once.
pub(crate) async fn tell(app: &App, collection: &CollectionId) -> Result<(), Crash> {
    let now = app.now();
    let looking = app.store.looking(collection, now).await?;
    let mut people: BTreeMap<(String, UserId), Present> = BTreeMap::new();
    for one in &looking {
        let present = Present { id: one.user, username: one.username.clone(), item: one.item.clone() };
        people.insert((one.username.clone(), one.user), present);
    }
    let count = people.len();
    let people = people.into_values().take(limit::PRESENT_NAMED).collect();
    let frame = Frame::new("postroom.presence", app.new_id().to_string(), now, Presence { collection: collection.clone(), people, count });
    let frame = serde_json::to_vec(&frame)?;
    let posts = looking.into_iter().map(|one| {
        let frame = app::Frame::new(frame.clone());
        async move { app.push.post(&one.connection, frame).await }
    });
    // One that is gone is taken off when its disconnection comes, or by time: presence is for eyes only.
    futures::stream::iter(posts).buffer_unordered(limit::PUSHES_AT_ONCE).for_each(|_| async {}).await;
    Ok(())
}

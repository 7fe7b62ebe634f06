//! Stream → WebSockets: every change of a collection goes to the connections that follow it, at least once, with its
//! number. A slow or dead connection delays nobody: pushes run side by side, and one that fails never fails the batch,
//! because the client sees the gap in the numbers and catches up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use app::{App, Crash, Frame, Pushed, Var};
use aws_lambda_events::event::dynamodb::Event;
use aws_lambda_events::event::streams::DynamoDbEventResponse;
use domain::change::Change;
use domain::comment::Talk;
use domain::event;
use domain::ids::{CollectionId, ConnectionId, ElementId, UserId};
use domain::limit;
use futures::StreamExt;
use jiff::Timestamp;
use store::changes::About;
use store::comments;
use store::live::Registration;

/// How long a push waits that API Gateway does not take yet, each a random half shorter or longer. The function runs on
/// with all others.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(100), Duration::from_millis(300), Duration::from_millis(900), Duration::from_millis(2_700)];

/// What it needs of the environment.
pub const NEEDS: &[Var] = &[Var::TableName, Var::ConnectionsUrl];

/// Handles a batch of the stream. Everything it writes can be written again: a batch that fails is halved and repeated.
pub async fn handle(app: &App, batch: Event) -> Result<DynamoDbEventResponse, Crash> {
    let mut told: Vec<(Change, About)> = Vec::with_capacity(batch.records.len());
    let mut talks: Vec<(Talk, About)> = Vec::new();
    for record in batch.records {
        let Some(image) = store::image(record.change.new_image) else { continue };
        match image.get("kind").and_then(|kind| kind.as_s().ok()).map(String::as_str) {
            Some(comments::KIND) => talks.push(comments::from_image(image)?),
            _ => told.push(store::changes::from_image(image)?),
        }
    }
    app.store.put_team_talks(&talks).await?;
    // The feed first: who hears of a change and looks finds it there.
    app.store.put_team_feed(&told).await?;
    let mut by_collection: BTreeMap<CollectionId, Vec<(Change, About)>> = BTreeMap::new();
    for (change, about) in told {
        by_collection.entry(about.collection.clone()).or_default().push((change, about));
    }
    let each = by_collection.into_iter().map(|(collection, changes)| async move {
        let due = store::search::is_due(changes.iter().map(|(change, _)| store::search::weight(change)));
        tell(app, changes).await?;
        if due && let Err(error) = app.store.refresh_index(&collection).await {
            // Whoever searches brings it up to date for themselves.
            tracing::warn!(%collection, %error, "what is searched of a collection could not be written");
        }
        Ok::<_, Crash>(())
    });
    futures::future::try_join_all(each).await?;
    for (talk, _) in talks {
        commented(app, talk).await?;
    }
    Ok(DynamoDbEventResponse::default())
}

/// Tells of the changes of one collection: the list in its workspace, then its webhooks and everyone who follows it.
async fn tell(app: &App, mut changes: Vec<(Change, About)>) -> Result<(), Crash> {
    // Records of a stream come in no order that we rely on, and may come twice.
    changes.sort_by_key(|(change, _)| change.seq);
    changes.dedup_by_key(|(change, _)| change.seq);
    let Some((last, about)) = changes.last() else { return Ok(()) };
    app.store.note_change(about, last).await?;
    app.waiting.tell(&about.collection);
    futures::future::try_join(queue(app, &changes), push_all(app, &changes)).await?;
    Ok(())
}

/// Writes down what webhooks have to tell, and wakes the function that does so.
async fn queue(app: &App, changes: &[(Change, About)]) -> Result<(), Crash> {
    let Some((_, about)) = changes.last() else { return Ok(()) };
    let webhooks = app.store.webhooks_on(about).await?;
    let now = app.now();
    futures::future::try_join_all(webhooks.iter().map(|webhook| app.store.queue_changes(webhook, changes, now))).await?;
    if !webhooks.is_empty() {
        app.bell.ring(&webhooks).await;
    }
    Ok(())
}

/// Tells everyone who follows the collection.
async fn push_all(app: &App, changes: &[(Change, About)]) -> Result<(), Crash> {
    let Some((_, about)) = changes.last() else { return Ok(()) };
    let collection = about.collection.clone();
    let now = app.now();
    let shards = about.shards;
    let mut registrations = app.store.followers(&collection, shards, now).await?;
    // Who began to follow before it changed who sees the collection, and was not dropped then, is asked again.
    let access = about.access;
    if registrations.iter().any(|one| one.access < access) {
        let (fresh, asked): (Vec<_>, Vec<_>) = registrations.into_iter().partition(|one| access <= one.access);
        registrations = app.store.still_seeing(&collection, asked).await?;
        registrations.extend(fresh);
    }
    if registrations.is_empty() {
        return Ok(());
    }
    if usize::try_from(shards).is_ok_and(|shards| registrations.len() > shards * limit::FOLLOWERS_A_SHARD) {
        app.store.spread(&collection, shards * 2).await?;
    }
    let items: BTreeSet<ElementId> = registrations.iter().filter_map(|one| one.item.clone()).collect();
    let mut frames = Vec::with_capacity(changes.len());
    for (change, about) in changes {
        let concerned = if items.is_empty() { BTreeSet::new() } else { app.store.concerned(about, change, &items).await? };
        frames.push((serde_json::to_vec(&event::Frame::of(change.clone()))?, concerned));
    }
    post(app, &collection, registrations, frames, now).await
}

/// Tells of comments everyone who follows the collection, or what they are about. The collection is read as it is now:
/// comments do not change it, so what was written down with them may be behind what changed who sees it.
async fn commented(app: &App, talk: Talk) -> Result<(), Crash> {
    let Some(head) = app.store.subject_of(&talk).await? else { return Ok(()) };
    let now = app.now();
    let registrations = app.store.followers(&head.collection, head.shards, now).await?;
    let (fresh, asked): (Vec<_>, Vec<_>) = registrations.into_iter().partition(|one| head.access <= one.access);
    let mut registrations = if asked.is_empty() { Vec::new() } else { app.store.still_seeing(&head.collection, asked).await? };
    registrations.extend(fresh);
    if talk.pull.is_some() {
        // Who follows the one collection of a pull request may not see the other.
        let users: BTreeSet<UserId> = registrations.iter().map(|one| one.user).collect();
        let readers = app.store.readers_of_all(&talk.seen_with(), &Vec::from_iter(users)).await?;
        registrations.retain(|one| readers.iter().any(|reader| reader.id == one.user));
    }
    if registrations.is_empty() {
        return Ok(());
    }
    let items: BTreeSet<ElementId> = registrations.iter().filter_map(|one| one.item.clone()).collect();
    let concerned = app.store.around(&head.collection, &head.generation, talk.item.as_ref(), &items).await?;
    let frame = serde_json::to_vec(&event::Frame::of_talk(talk))?;
    post(app, &head.collection, registrations, vec![(frame, concerned)], now).await
}

/// Posts frames to everyone who is registered, each with the items whose followers it concerns, and forgets connections
/// that are gone.
async fn post(
    app: &App,
    collection: &CollectionId,
    registrations: Vec<Registration>,
    frames: Vec<(Vec<u8>, BTreeSet<ElementId>)>,
    now: Timestamp,
) -> Result<(), Crash> {
    let frames: Arc<[(Vec<u8>, BTreeSet<ElementId>)]> = frames.into();
    let gone: Vec<Registration> = futures::stream::iter(by_connection(registrations))
        .map(|follower| {
            let frames = Arc::clone(&frames);
            async move { (push(app, &follower, &frames).await, follower.registration) }
        })
        .buffer_unordered(limit::PUSHES_AT_ONCE)
        // One that is only just connecting is not there yet either: it stays, and catches up.
        .filter_map(|(pushed, follower)| async move { (pushed == Pushed::Gone && !follower.is_fresh(now)).then_some(follower) })
        .collect()
        .await;
    for follower in gone {
        // API Gateway does not always say goodbye for a connection.
        tracing::info!(connection = %follower.connection, %collection, "a connection is gone");
        app.store.disconnect(&follower.connection).await?;
    }
    Ok(())
}

/// One connection, and what of the collection it follows.
struct Follower {
    registration: Registration,
    /// The items; `None`: all of it.
    items: Option<BTreeSet<ElementId>>,
}

/// Who follows the collection and an item of it hears of a change once.
fn by_connection(registrations: Vec<Registration>) -> impl Iterator<Item = Follower> {
    let mut all: BTreeMap<ConnectionId, Follower> = BTreeMap::new();
    for registration in registrations {
        let item = registration.item.clone();
        let follower =
            all.entry(registration.connection.clone()).or_insert_with(|| Follower { registration, items: Some(BTreeSet::new()) });
        match (item, &mut follower.items) {
            (Some(item), Some(items)) => drop(items.insert(item)),
            (None, items) => *items = None,
            (Some(_), None) => (),
        }
    }
    all.into_values()
}

/// Posts events to one connection, in order. After one that did not arrive the rest waits for the client to catch up.
async fn push(app: &App, follower: &Follower, frames: &[(Vec<u8>, BTreeSet<ElementId>)]) -> Pushed {
    for (frame, concerned) in frames {
        if follower.items.as_ref().is_some_and(|items| items.is_disjoint(concerned)) {
            continue;
        }
        let pushed = post_patiently(app, &follower.registration.connection, frame).await;
        if pushed != Pushed::Sent {
            return pushed;
        }
    }
    Pushed::Sent
}

/// Posts a frame, and again after a while where API Gateway takes no more for now. Others go on meanwhile.
async fn post_patiently(app: &App, connection: &ConnectionId, frame: &[u8]) -> Pushed {
    for pause in PAUSES {
        let pushed = app.push.post(connection, Frame::new(frame.to_vec())).await;
        if pushed != Pushed::Throttled {
            return pushed;
        }
        // A random part, so that those who wait do not come back together.
        tokio::time::sleep(pause.mul_f64(0.5 + f64::from(app.random()) / f64::from(u16::MAX))).await;
    }
    let pushed = app.push.post(connection, Frame::new(frame.to_vec())).await;
    if pushed == Pushed::Throttled {
        tracing::warn!(%connection, "a push was throttled again and again");
    }
    pushed
}

//! Stream → WebSockets: every change of a collection goes to the connections that follow it, at least once, with its
//! number. A slow or dead connection delays nobody: pushes run side by side, and one that fails never fails the batch,
//! because the client sees the gap in the numbers and catches up.

use std::collections::BTreeMap;
use std::sync::Arc;

use app::{App, Crash, Frame, Pushed, Var};
use aws_lambda_events::event::dynamodb::Event;
use aws_lambda_events::event::streams::DynamoDbEventResponse;
use domain::change::Change;
use domain::event;
use domain::ids::CollectionId;
use domain::limit;
use futures::StreamExt;
use store::changes::About;
use store::live::Registration;

/// What it needs of the environment.
pub const NEEDS: &[Var] = &[Var::TableName, Var::ConnectionsUrl];

/// Handles a batch of the stream. Everything it writes can be written again: a batch that fails is halved and repeated.
pub async fn handle(app: &App, batch: Event) -> Result<DynamoDbEventResponse, Crash> {
    let mut told: Vec<(Change, About)> = Vec::with_capacity(batch.records.len());
    for record in batch.records {
        if let Some(image) = store::image(record.change.new_image) {
            told.push(store::changes::from_image(image)?);
        }
    }
    // The feed first: who hears of a change and looks finds it there.
    app.store.put_team_feed(&told).await?;
    let mut by_collection: BTreeMap<CollectionId, Vec<(Change, About)>> = BTreeMap::new();
    for (change, about) in told {
        by_collection.entry(about.collection.clone()).or_default().push((change, about));
    }
    let each = by_collection.into_values().map(|changes| tell(app, changes));
    futures::future::try_join_all(each).await?;
    Ok(DynamoDbEventResponse::default())
}

/// Tells of the changes of one collection: the list in its workspace, then everyone who follows it.
async fn tell(app: &App, mut changes: Vec<(Change, About)>) -> Result<(), Crash> {
    // Records of a stream come in no order that we rely on, and may come twice.
    changes.sort_by_key(|(change, _)| change.seq);
    changes.dedup_by_key(|(change, _)| change.seq);
    let Some((last, about)) = changes.last() else { return Ok(()) };
    app.store.note_change(about, last).await?;
    let collection = about.collection.clone();
    let now = app.now();
    let mut followers = app.store.followers(&collection, now).await?;
    // Who began to follow before it changed who sees the collection, and was not dropped then, is asked again.
    let access = about.access;
    if followers.iter().any(|follower| follower.access < access) {
        let (fresh, asked): (Vec<_>, Vec<_>) = followers.into_iter().partition(|follower| access <= follower.access);
        followers = app.store.still_seeing(&collection, asked).await?;
        followers.extend(fresh);
    }
    if followers.is_empty() {
        return Ok(());
    }
    let frames = changes.into_iter().map(|(change, _)| serde_json::to_vec(&event::Frame::of(change)));
    let frames: Arc<[Vec<u8>]> = frames.collect::<Result<Vec<_>, _>>()?.into();
    let gone: Vec<Registration> = futures::stream::iter(followers)
        .map(|follower| {
            let frames = Arc::clone(&frames);
            async move { (push(app, &follower, &frames).await, follower) }
        })
        .buffer_unordered(limit::PUSHES_AT_ONCE)
        // One that is only just connecting is not there yet either: it stays, and catches up.
        .filter_map(|(pushed, follower)| async move { (pushed == Pushed::Gone && !follower.is_fresh(now)).then_some(follower) })
        .collect()
        .await;
    for follower in gone {
        // API Gateway does not always say goodbye for a connection.
        tracing::info!(connection = %follower.connection, %collection, "a connection is gone");
        app.store.unfollow(&collection, &follower.connection).await?;
        app.store.disconnect(&follower.connection).await?;
    }
    Ok(())
}

/// Posts events to one connection, in order. After one that did not arrive the rest waits for the client to catch up.
async fn push(app: &App, follower: &Registration, frames: &[Vec<u8>]) -> Pushed {
    for frame in frames {
        let pushed = app.push.post(&follower.connection, Frame::new(frame.clone())).await;
        if pushed != Pushed::Sent {
            return pushed;
        }
    }
    Pushed::Sent
}

//! Changes of collections, to those who subscribed: into their feeds and inboxes, and on the way into a mail.

use std::collections::{BTreeMap, BTreeSet};

use app::{App, Crash};
use domain::change::{Change, Op};
use domain::collection::Kind;
use domain::ids::{ElementId, UserId};
use domain::notify::{Category, Preferences};
use futures::StreamExt;
use store::changes::About;
use store::digests::{Waiting, next_due};
use store::notices::Notice;
use store::subscriptions::{MailLevel, Subscription};

use crate::notice::hour;
use crate::{digest, words};

/// Subscribers served at the same time.
const AT_ONCE: usize = 8;

/// How one person is told of a change, by all their subscriptions together.
struct Told {
    /// Whether they subscribed themselves; who is in a group that did is asked each time.
    own: bool,
    feed: bool,
    rhythm: Option<MailLevel>,
}

/// Brings a change into the feeds and inboxes of those whom it concerns, and queues it for their mails.
pub(crate) async fn tell(app: &App, change: &Change, about: &About) -> Result<(), Crash> {
    let told = concerned(app, change, about).await?;
    if told.is_empty() {
        return Ok(());
    }
    let users: Vec<UserId> = told.keys().copied().collect();
    let readers = app.store.readers(&about.collection, &users).await?;
    let preferences = app.store.preferences_of(&users).await?;
    if told.iter().any(|(user, told)| told.own && readers.iter().all(|reader| reader.id != *user)) {
        // Whoever may no longer see it is subscribed no longer.
        app.store.drop_unseeing(&about.collection, app.now()).await?;
    }
    let each = told.into_iter().filter(|(user, _)| readers.iter().any(|reader| reader.id == *user)).map(|(user, told)| {
        let preferences = preferences.get(&user).copied().unwrap_or_default();
        async move { tell_one(app, change, about, user, &told, &preferences).await }
    });
    all(each.collect()).await
}

/// The people whom a change concerns: subscribers of the collection, and of what it touches.
async fn concerned(app: &App, change: &Change, about: &About) -> Result<BTreeMap<UserId, Told>, Crash> {
    let mut subscriptions = app.store.subscribers(&about.collection).await?;
    // Whoever subscribed after the change has seen it.
    subscriptions.retain(|subscription| subscription.after < change.seq);
    let items: BTreeSet<ElementId> = subscriptions.iter().filter_map(item).cloned().collect();
    let touched = if items.is_empty() { items } else { app.store.concerned(about, change, &items).await? };
    subscriptions.retain(|subscription| item(subscription).is_none_or(|item| touched.contains(item)));
    let mut told: BTreeMap<UserId, Told> = BTreeMap::new();
    for subscription in subscriptions {
        let one = told.entry(subscription.user).or_insert(Told { own: false, feed: false, rhythm: None });
        one.own |= subscription.group.is_none();
        one.feed |= subscription.feed;
        // The quickest of them counts.
        let rhythm = Some(subscription.mail).filter(|mail| *mail != MailLevel::Off);
        one.rhythm = [one.rhythm, rhythm].into_iter().flatten().min();
    }
    Ok(told)
}

fn item(subscription: &Subscription) -> Option<&ElementId> {
    subscription.item.as_ref().map(|item| &item.id)
}

async fn tell_one(app: &App, change: &Change, about: &About, user: UserId, told: &Told, preferences: &Preferences) -> Result<(), Crash> {
    if told.feed {
        app.store.put_user_feed(user, about, change).await?;
    }
    if user == change.actor.id {
        return Ok(());
    }
    if preferences.changes.in_app {
        app.store.notify(user, &notice(change, about)?).await?;
    }
    let Some(rhythm) = told.rhythm.filter(|_| preferences.changes.mail) else { return Ok(()) };
    let now = app.now();
    let due = next_due(rhythm, preferences.daily_at, now);
    let opened = app.store.queue_mail(user, rhythm, &Waiting::change(&change.collection, change.seq), due, now).await?;
    if opened && rhythm == MailLevel::Now {
        // Nothing went lately: this goes at once, and what comes in the next minutes is gathered.
        digest::flush(app, user, rhythm).await?;
    }
    Ok(())
}

/// What the inbox says: the last of somebody's changes to a collection within the hour stands for all.
fn notice(change: &Change, about: &About) -> Result<Notice, Crash> {
    let link = match &change.item {
        Some(item) if change.op != Op::Delete && matches!(item.kind, Kind::Folder | Kind::Request) => {
            format!("/collections/{}/items/{}", about.collection, item.id)
        }
        _ => format!("/collections/{}", about.collection),
    };
    Ok(Notice {
        id: format!("change.{}.{}", about.collection, change.actor.id),
        at: change.at,
        place: hour(change.at)?,
        category: Category::Changes,
        text: format!("{} {} in {}", change.actor.username, words::deed(change), words::line(&about.name)),
        link,
        seq: change.seq,
        read: false,
    })
}

/// Does all, and only then fails with the first that failed: one bad inbox keeps nobody else's letter back.
pub(crate) async fn all<F: Future<Output = Result<(), Crash>>>(each: Vec<F>) -> Result<(), Crash> {
    let results: Vec<Result<(), Crash>> = futures::stream::iter(each).buffer_unordered(AT_ONCE).collect().await;
    results.into_iter().collect()
}

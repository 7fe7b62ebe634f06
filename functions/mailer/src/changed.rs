//! Letters about changes of collections, to those who subscribed.

use std::collections::HashSet;

use app::{App, Crash, Letter};
use askama::Template;
use domain::change::{Change, Op};
use domain::ids::UserId;
use futures::StreamExt;
use store::changes::About;
use store::receipts::Receipt;
use store::subscriptions::MailLevel;
use store::users::Profile;

use crate::deliver;
use crate::words::{self, Line};

/// Subscribers served at the same time.
const AT_ONCE: usize = 8;

#[derive(Template)]
#[template(path = "changed.html")]
struct ChangedHtml<'a> {
    story: &'a Story,
}

#[derive(Template)]
#[template(path = "changed.txt")]
struct ChangedText<'a> {
    story: &'a Story,
}

/// What a letter about a change says, the same to everyone.
struct Story {
    subject: String,
    who: String,
    deed: String,
    collection: String,
    at: String,
    counts: Option<String>,
    lines: Vec<Line>,
    /// How many more places changed; `None` in `lines` and here where the change was too large to travel.
    more: usize,
    omitted: bool,
    link: String,
    collection_link: String,
}

impl Story {
    fn of(app: &App, change: &Change, about: &About) -> Story {
        let collection_link = format!("{}/collections/{}", app.config.pages_url, about.collection);
        let link = match &change.item {
            Some(item) if change.op != Op::Delete => format!("{collection_link}/items/{}", item.id),
            _ => collection_link.clone(),
        };
        Story {
            subject: words::subject(change, &about.name),
            who: change.actor.username.clone(),
            deed: words::deed(change),
            collection: words::line(&about.name),
            at: change.at.strftime("%-d %B %Y, %H:%M UTC").to_string(),
            counts: change.counts.as_ref().map(words::counts).filter(|counts| !counts.is_empty()),
            // A new or deleted element is one change of everything: its name says enough.
            lines: if change.op == Op::Update { words::lines(&change.changes) } else { Vec::new() },
            more: if change.op == Op::Update { change.changes.len().saturating_sub(words::LINES) } else { 0 },
            omitted: change.omitted,
            link,
            collection_link,
        }
    }

    fn letter(&self, to: &Profile) -> Result<Letter, Crash> {
        Ok(Letter {
            to: to.email.to_string(),
            subject: self.subject.clone(),
            text: ChangedText { story: self }.render()?,
            html: ChangedHtml { story: self }.render()?,
            headers: vec![("Auto-Submitted", "auto-generated".to_owned()), ("List-Unsubscribe", format!("<{}>", self.collection_link))],
        })
    }
}

/// Brings a change into the feeds of the subscribers, and mails those who want it at once and may still see it.
pub(crate) async fn tell(app: &App, change: &Change, about: &About) -> Result<(), Crash> {
    let mut subscriptions = app.store.subscribers(&about.collection).await?;
    // Whoever subscribed after the change has seen it.
    subscriptions.retain(|subscription| subscription.after < change.seq);
    let feeds = subscriptions
        .iter()
        .map(|subscription| subscription.user)
        .map(|user| async move { Ok(app.store.put_user_feed(user, about, change).await?) });
    all(feeds.collect()).await?;
    let wanted: HashSet<UserId> = subscriptions
        .iter()
        .filter(|subscription| subscription.mail == MailLevel::Now && subscription.user != change.actor.id)
        .map(|subscription| subscription.user)
        .collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let wanted: Vec<UserId> = wanted.into_iter().collect();
    let readers = app.store.readers(&about.collection, &wanted).await?;
    let story = &Story::of(app, change, about);
    let letters = readers.iter().map(|reader| async move {
        let receipt = Receipt { kind: "change", to: reader.id.to_string(), cause: format!("{}.{}", about.collection, change.seq) };
        deliver::once(app, receipt, async { story.letter(reader).map(Some) }).await
    });
    all(letters.collect()).await
}

/// Does all, and only then fails with the first that failed: one bad inbox keeps nobody else's letter back.
async fn all<F: Future<Output = Result<(), Crash>>>(each: Vec<F>) -> Result<(), Crash> {
    let results: Vec<Result<(), Crash>> = futures::stream::iter(each).buffer_unordered(AT_ONCE).collect().await;
    results.into_iter().collect()
}

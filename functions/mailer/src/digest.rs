//! One mail about what changed: of a single change, or of all that was gathered.

use std::collections::{BTreeMap, HashSet};

use app::{App, Crash, Letter};
use askama::Template;
use domain::change::{Change, Op};
use domain::ids::{CollectionId, UserId};
use domain::notify::Letters;
use store::changes::About;
use store::digests::{Window, next_due};
use store::receipts::Receipt;
use store::subscriptions::MailLevel;
use store::users::Profile;

use crate::notice::{self, one_click};
use crate::words::{self, Line};
use crate::{changed, crash, deliver};

/// Changes that a letter tells one by one; the rest is a number.
const TOLD: usize = 30;

#[derive(Template)]
#[template(path = "changed.html")]
struct ChangedHtml<'a> {
    told: &'a Told,
}

#[derive(Template)]
#[template(path = "changed.txt")]
struct ChangedText<'a> {
    told: &'a Told,
}

/// What a letter says.
struct Told {
    subject: String,
    /// One for each collection, by name.
    collections: Vec<Part>,
    /// How many more changes there are.
    more: usize,
    /// Where these letters are turned off, and where what one gets is chosen.
    unsubscribe: String,
    preferences: String,
}

struct Part {
    name: String,
    link: String,
    stories: Vec<Story>,
}

/// One change, or several of one person to one thing.
struct Story {
    who: String,
    deed: String,
    at: String,
    counts: Option<String>,
    lines: Vec<Line>,
    /// How many more places changed.
    more: usize,
    omitted: bool,
    link: String,
}

impl Story {
    fn of(app: &App, change: &Change, about: &About) -> Story {
        let collection = format!("{}/collections/{}", app.config.pages_url, about.collection);
        Story {
            who: change.actor.username.clone(),
            deed: words::deed(change),
            at: change.at.strftime("%-d %B %Y, %H:%M UTC").to_string(),
            counts: change.counts.as_ref().map(words::counts).filter(|counts| !counts.is_empty()),
            // A new or deleted element is one change of everything: its name says enough.
            lines: if change.op == Op::Update { words::lines(&change.changes) } else { Vec::new() },
            more: if change.op == Op::Update { change.changes.len().saturating_sub(words::LINES) } else { 0 },
            omitted: change.omitted,
            link: match &change.item {
                Some(item) if change.op != Op::Delete => format!("{collection}/items/{}", item.id),
                _ => collection,
            },
        }
    }
}

/// Sends what waits for a person in a rhythm, as one mail, and says when the next one is due.
pub(crate) async fn flush(app: &App, user: UserId, rhythm: MailLevel) -> Result<(), Crash> {
    let Some(window) = app.store.take_waiting(user, rhythm).await? else { return Ok(()) };
    let receipt = Receipt::new("changes", user.to_string(), format!("{}.{}.{}", rhythm.as_str(), window.id, window.sent));
    deliver::once(app, receipt, letter(app, &window)).await?;
    let daily_at = app.store.preferences(user).await?.daily_at;
    app.store.finish_window(&window, next_due(rhythm, daily_at, app.now())).await?;
    Ok(())
}

/// Sends all mails about changes that are due.
pub async fn due(app: &App) -> Result<usize, Crash> {
    let windows = app.store.windows_due(app.now()).await?;
    let count = windows.len();
    changed::all(windows.into_iter().map(|window| flush(app, window.user, window.rhythm)).collect()).await?;
    Ok(count)
}

/// The letter about what a window has taken: what its reader still follows, still wants by mail, and may still see.
async fn letter(app: &App, window: &Window) -> Result<Option<Letter>, Crash> {
    let user = window.user;
    if !app.store.preferences(user).await?.changes.mail {
        return Ok(None);
    }
    let subscribed = app.store.subscriptions_of(user).await?;
    let subscribed: HashSet<CollectionId> =
        subscribed.into_iter().filter(|one| one.mail != MailLevel::Off).map(|one| one.collection).collect();
    let mut by_collection: BTreeMap<CollectionId, Vec<(Change, About)>> = BTreeMap::new();
    for (change, about) in app.store.changes_at(&window.taken).await? {
        by_collection.entry(change.collection.clone()).or_default().push((change, about));
    }
    by_collection.retain(|collection, _| subscribed.contains(collection));
    let mut to: Option<Profile> = None;
    let mut seen = Vec::new();
    for (collection, changes) in by_collection {
        if let Some(reader) = app.store.readers(&collection, &[user]).await?.pop() {
            to = Some(reader);
            seen.push((collection, changes));
        }
    }
    let Some(to) = to else { return Ok(None) };
    let one = if let [(collection, _)] = &seen[..] { Some(collection.clone()) } else { None };
    let told = told(app, &to, one.as_ref(), seen)?;
    let (html, text) = (ChangedHtml { told: &told }.render()?, ChangedText { told: &told }.render()?);
    let mut letter = notice::letter(&to.email, told.subject.clone(), text, html);
    one_click(app, &mut letter, to.id, &letters(one.as_ref()))?;
    Ok(Some(letter))
}

/// What the link of a letter turns off: letters about the collection that it is about, or all.
fn letters(one: Option<&CollectionId>) -> Letters {
    one.map_or(Letters::Changes, |collection| Letters::ChangesOf(collection.clone()))
}

fn told(app: &App, to: &Profile, one: Option<&CollectionId>, seen: Vec<(CollectionId, Vec<(Change, About)>)>) -> Result<Told, Crash> {
    let count: usize = seen.iter().map(|(_, changes)| changes.len()).sum();
    let mut left = TOLD;
    let mut collections = Vec::with_capacity(seen.len());
    let mut subject = format!("{count} changes in {} collections", seen.len());
    for (collection, mut changes) in seen {
        changes.sort_by_key(|(change, _)| change.seq);
        let Some((last, about)) = changes.last() else { continue };
        let name = words::line(&about.name);
        match (one, count) {
            (Some(_), 1) => subject = words::subject(last, &about.name),
            (Some(_), _) => subject = format!("{name} · {count} changes"),
            (None, _) => (),
        }
        let stories: Vec<Story> = changes.iter().take(left).map(|(change, about)| Story::of(app, change, about)).collect();
        left -= stories.len();
        collections.push(Part { name, link: format!("{}/collections/{collection}", app.config.pages_url), stories });
    }
    collections.retain(|part| !part.stories.is_empty());
    collections.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Told {
        subject,
        collections,
        more: count.saturating_sub(TOLD),
        unsubscribe: app.unsubscribe_page(to.id, &letters(one)).map_err(crash)?,
        preferences: format!("{}/notifications/settings", app.config.pages_url),
    })
}

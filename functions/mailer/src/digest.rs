//! One mail about what changed, and what was said about it: of a single change, or of all that was gathered.

use std::collections::{BTreeMap, HashSet};

use app::{App, Crash, Letter};
use askama::Template;
use domain::change::{Change, Op};
use domain::comment::Talk;
use domain::ids::{CollectionId, UserId};
use domain::notify::Letters;
use jiff::Timestamp;
use store::changes::About;
use store::digests::{Window, next_due};
use store::receipts::Receipt;
use store::subscriptions::MailLevel;
use store::users::Profile;

use crate::notice::{self, one_click};
use crate::words::{self, Line};
use crate::{changed, commented, crash, deliver};

/// Changes and comments that a letter tells one by one; the rest is a number.
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

/// One change, or one comment.
struct Story {
    happened: Timestamp,
    /// What was said, in a comment.
    said: Option<String>,
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

fn told_at(at: Timestamp) -> String {
    at.strftime("%-d %B %Y, %H:%M UTC").to_string()
}

impl Story {
    fn of_comment(talk: &Talk, comment: commented::Gathered) -> Story {
        Story {
            happened: talk.at,
            said: Some(comment.body),
            who: talk.actor.username.clone(),
            deed: comment.deed,
            at: told_at(talk.at),
            counts: None,
            lines: Vec::new(),
            more: 0,
            omitted: false,
            link: comment.link,
        }
    }

    fn of(app: &App, change: &Change, about: &About) -> Story {
        let collection = format!("{}/collections/{}", app.config.pages_url, about.collection);
        Story {
            happened: change.at,
            said: None,
            who: change.actor.username.clone(),
            deed: words::deed(change),
            at: told_at(change.at),
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

/// What there is to tell of one collection.
#[derive(Default)]
struct Gathered {
    name: String,
    stories: Vec<Story>,
    comments: usize,
    /// What the subject says where there is nothing else.
    subject: String,
}

/// The letter about what a window has taken: what its reader still follows, still wants by mail, and may still see.
async fn letter(app: &App, window: &Window) -> Result<Option<Letter>, Crash> {
    let user = window.user;
    let preferences = app.store.preferences(user).await?;
    let Some(profile) = app.store.profile(user).await? else { return Ok(None) };
    let caller = profile.caller();
    let subscribed = app.store.followed_by(&caller).await?;
    let subscribed: HashSet<CollectionId> =
        subscribed.into_iter().filter(|one| one.mail != MailLevel::Off).map(|one| one.collection).collect();
    let changes = if preferences.changes.mail { app.store.changes_at(&window.taken).await? } else { Vec::new() };
    let talks = if preferences.comments.mail { app.store.talks_at(&window.taken).await? } else { Vec::new() };
    let of = changes.iter().map(|(change, _)| &change.collection).chain(talks.iter().map(|(talk, _)| &talk.collection));
    let of: HashSet<CollectionId> = of.filter(|collection| subscribed.contains(*collection)).cloned().collect();
    let seen = app.store.seen(&caller, &of).await?;
    let mut seen: BTreeMap<CollectionId, Gathered> = seen.into_keys().map(|collection| (collection, Gathered::default())).collect();
    for (change, about) in &changes {
        let Some(gathered) = seen.get_mut(&change.collection) else { continue };
        gathered.name = words::line(&about.name);
        gathered.subject = words::subject(change, &about.name);
        gathered.stories.push(Story::of(app, change, about));
    }
    for (talk, _) in &talks {
        let Some(gathered) = seen.get_mut(&talk.collection) else { continue };
        let Some(comment) = commented::gathered(app, talk).await? else { continue };
        gathered.name = words::line(&comment.name);
        gathered.subject = format!("{} · {} {}", gathered.name, talk.actor.username, comment.deed);
        gathered.stories.push(Story::of_comment(talk, comment));
        gathered.comments += 1;
    }
    seen.retain(|_, gathered| !gathered.stories.is_empty());
    if seen.is_empty() {
        return Ok(None);
    }
    let letters = letters(&seen);
    let told = told(app, &profile, &letters, seen)?;
    let (html, text) = (ChangedHtml { told: &told }.render()?, ChangedText { told: &told }.render()?);
    let mut letter = notice::letter(&profile.email, told.subject.clone(), text, html);
    one_click(app, &mut letter, user, &letters)?;
    Ok(Some(letter))
}

/// What the link of a letter turns off: letters about the collection that it is about, or all; of comments those, where it
/// tells of nothing else.
fn letters(seen: &BTreeMap<CollectionId, Gathered>) -> Letters {
    match seen.iter().next() {
        Some((collection, _)) if seen.len() == 1 => Letters::ChangesOf(collection.clone()),
        _ if seen.values().all(|one| one.comments == one.stories.len()) => Letters::Comments,
        _ => Letters::Changes,
    }
}

/// `3 changes`, `2 comments`, `3 changes and 1 comment`.
fn amount(changes: usize, comments: usize) -> String {
    let some = |count: usize, word: &str| match count {
        0 => None,
        1 => Some(format!("1 {word}")),
        _ => Some(format!("{count} {word}s")),
    };
    let parts: Vec<String> = [some(changes, "change"), some(comments, "comment")].into_iter().flatten().collect();
    parts.join(" and ")
}

fn told(app: &App, to: &Profile, letters: &Letters, seen: BTreeMap<CollectionId, Gathered>) -> Result<Told, Crash> {
    let count: usize = seen.values().map(|one| one.stories.len()).sum();
    let comments: usize = seen.values().map(|one| one.comments).sum();
    let amount = amount(count - comments, comments);
    let subject = match seen.values().next() {
        Some(one) if seen.len() == 1 && count == 1 => one.subject.clone(),
        Some(one) if seen.len() == 1 => format!("{} · {amount}", one.name),
        _ => format!("{amount} in {} collections", seen.len()),
    };
    let mut left = TOLD;
    let mut collections = Vec::with_capacity(seen.len());
    for (collection, mut gathered) in seen {
        gathered.stories.sort_by_key(|story| story.happened);
        gathered.stories.truncate(left);
        left -= gathered.stories.len();
        let link = format!("{}/collections/{collection}", app.config.pages_url);
        collections.push(Part { name: gathered.name, link, stories: gathered.stories });
    }
    collections.retain(|part| !part.stories.is_empty());
    collections.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Told {
        subject,
        collections,
        more: count.saturating_sub(TOLD),
        unsubscribe: app.unsubscribe_page(to.id, letters).map_err(crash)?,
        preferences: format!("{}/notifications/settings", app.config.pages_url),
    })
}

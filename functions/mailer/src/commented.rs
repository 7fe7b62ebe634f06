//! Comments, to those whom they concern: whoever is mentioned, whoever said something in the thread, and whoever follows
//! the thing. Each is told once of one comment, in the ways that they chose for comments, and only of what they may see
//! now. What a comment says is read when it is told: one that was taken away meanwhile is not.

use std::collections::{BTreeMap, BTreeSet};

use app::{App, Crash, Letter};
use askama::Template;
use domain::collection::Head;
use domain::comment::{Comment, Did, Talk};
use domain::ids::{ElementId, UserId};
use domain::notify::{Category, Letters, Preferences};
use store::changes::About;
use store::digests::{Waiting, next_due};
use store::notices::Notice;
use store::receipts::Receipt;
use store::subscriptions::MailLevel;
use store::users::Profile;

use crate::changed::all;
use crate::notice::{letter, one_click};
use crate::{crash, deliver, words};

/// Why somebody is told, the stronger first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    Mentioned,
    InThread,
    /// It is about their pull request.
    Asks,
    /// It is about a pull request that they look at.
    Reviews,
    Follows,
}

/// How one person comes to be told.
struct Told {
    why: Why,
    /// Whether a letter comes into question.
    mail: bool,
    /// In which rhythm, where only what gathers letters.
    later: Option<MailLevel>,
    feed: bool,
}

#[derive(Template)]
#[template(path = "comment.html")]
struct CommentHtml<'a> {
    said: &'a Said,
}

#[derive(Template)]
#[template(path = "comment.txt")]
struct CommentText<'a> {
    said: &'a Said,
}

/// What a letter says.
struct Said {
    title: String,
    place: String,
    body: String,
    at: String,
    link: String,
    why: &'static str,
    unsubscribe: String,
    preferences: String,
}

/// Tells of what was done about a comment.
pub(crate) async fn tell(app: &App, talk: &Talk, about: &About) -> Result<(), Crash> {
    if talk.did == Did::Delete {
        return Ok(());
    }
    // What it is about may be deleted by now, and the comment or its thread taken away.
    let Some(head) = app.store.subject_of(talk).await? else { return Ok(()) };
    if app.store.thread(talk.thread).await?.is_none() {
        return Ok(());
    }
    let Some(comment) = app.store.comment(&talk.collection, &talk.topic, talk.comment).await? else { return Ok(()) };
    let told = concerned(app, talk, &head).await?;
    let users: Vec<UserId> = told.keys().copied().collect();
    let readers = app.store.readers_of_all(&talk.seen_with(), &users).await?;
    let preferences = app.store.preferences_of(&users).await?;
    let each = readers.iter().filter_map(|reader| {
        let told = told.get(&reader.id)?;
        let preferences = preferences.get(&reader.id).copied().unwrap_or_default();
        let (head, comment) = (&head, &comment);
        Some(async move { tell_one(app, talk, about, head, comment, reader, told, &preferences).await })
    });
    all(each.collect()).await
}

/// Whom it concerns. Changed words concern only those who are mentioned in them for the first time.
async fn concerned(app: &App, talk: &Talk, head: &Head) -> Result<BTreeMap<UserId, Told>, Crash> {
    let mut told: BTreeMap<UserId, Told> = BTreeMap::new();
    let mut add = |user: UserId, why: Why, mail: Option<MailLevel>, feed: bool| {
        let one = told.entry(user).or_insert(Told { why, mail: false, later: None, feed: false });
        one.why = one.why.min(why);
        one.mail |= mail == Some(MailLevel::Now);
        let gathered = mail.filter(|mail| matches!(mail, MailLevel::Hourly | MailLevel::Daily));
        one.later = [one.later, gathered].into_iter().flatten().min();
        one.feed |= feed;
    };
    for user in &talk.mentions {
        add(*user, Why::Mentioned, Some(MailLevel::Now), false);
    }
    if talk.did != Did::Update {
        // That a thread was resolved or opened again is no letter.
        let mail = (talk.did == Did::Create).then_some(MailLevel::Now);
        for said in app.store.in_thread(&talk.collection, &talk.topic, talk.thread).await? {
            if said.id == talk.comment && talk.did == Did::Create {
                continue;
            }
            std::iter::once(said.actor.id).chain(said.mentions.into_keys()).for_each(|user| add(user, Why::InThread, mail, false));
        }
        let pull = match &talk.pull {
            Some(pull) => app.store.find_pull(&pull.id).await?,
            None => None,
        };
        if let Some(pull) = &pull {
            add(pull.by, Why::Asks, mail, false);
            pull.looked_at_by().for_each(|user| add(user, Why::Reviews, mail, false));
        }
        // A pull request is mailed to those who have to do with it only.
        let mail = mail.filter(|_| pull.is_none());
        let subscriptions = app.store.subscribers(&talk.collection).await?;
        let items: BTreeSet<ElementId> = subscriptions.iter().filter_map(|one| Some(one.item.as_ref()?.id.clone())).collect();
        let around = app.store.around(&talk.collection, &head.generation, talk.item.as_ref(), &items).await?;
        for one in subscriptions.iter().filter(|one| one.item.as_ref().is_none_or(|item| around.contains(&item.id))) {
            // Who wants letters by the hour or the day finds it in the next of these.
            add(one.user, Why::Follows, mail.map(|_| one.mail), one.feed);
        }
    }
    Ok(told)
}

#[allow(clippy::too_many_arguments, reason = "one person, and all that there is to say to them")]
async fn tell_one(
    app: &App,
    talk: &Talk,
    about: &About,
    head: &Head,
    comment: &Comment,
    reader: &Profile,
    told: &Told,
    preferences: &Preferences,
) -> Result<(), Crash> {
    if told.feed {
        app.store.put_user_talk(reader.id, about, talk).await?;
    }
    if reader.id == talk.actor.id {
        return Ok(());
    }
    if preferences.comments.in_app && (talk.did == Did::Create || told.why <= Why::InThread) {
        app.store.notify(reader.id, &notice(talk, head, told.why)).await?;
    }
    if !preferences.comments.mail {
        return Ok(());
    }
    if let Some(rhythm) = told.later.filter(|_| !told.mail) {
        let now = app.now();
        app.store.queue_mail(reader.id, rhythm, &Waiting::talk(talk), next_due(rhythm, preferences.daily_at, now), now).await?;
    }
    if told.mail {
        let receipt = Receipt::new("comment", reader.id.to_string(), talk.id.to_string());
        deliver::once(app, receipt, async { said(app, talk, head, comment, reader, told.why) }).await?;
    }
    Ok(())
}

/// A comment, as a letter that gathers them tells it; `None`: it is not there any more.
pub(crate) async fn gathered(app: &App, talk: &Talk) -> Result<Option<Gathered>, Crash> {
    let Some(head) = app.store.subject_of(talk).await? else { return Ok(None) };
    if app.store.thread(talk.thread).await?.is_none() {
        return Ok(None);
    }
    let comment = app.store.comment(&talk.collection, &talk.topic, talk.comment).await?;
    let link = format!("{}{}", app.config.pages_url, link(talk));
    Ok(comment.map(|comment| Gathered {
        name: head.name,
        deed: format!("commented on {}", words::thing(talk.item.as_ref())),
        body: comment.body,
        link,
    }))
}

/// See [`gathered`].
pub(crate) struct Gathered {
    pub(crate) name: String,
    pub(crate) deed: String,
    pub(crate) body: String,
    pub(crate) link: String,
}

/// What it is about: `the request “List orders” in Orders API`.
fn place(talk: &Talk, head: &Head) -> String {
    let collection = words::line(&head.name);
    match (&talk.item, &talk.pull) {
        (Some(item), _) => format!("the {} “{}” in {collection}", words::kind(item.kind), words::line(&item.name)),
        (None, Some(pull)) => format!("the pull request “{}” to {collection}", words::line(&pull.title)),
        (None, None) => collection,
    }
}

/// `anna mentioned you on …`
fn deed(talk: &Talk, why: Why) -> String {
    let deed = match (talk.did, why) {
        (Did::Resolve, _) => "resolved a thread on",
        (Did::Reopen, _) => "reopened a thread on",
        (_, Why::Mentioned) => "mentioned you on",
        (_, Why::InThread) => "answered in a thread on",
        (_, Why::Asks | Why::Reviews | Why::Follows) => "commented on",
    };
    format!("{} {deed}", talk.actor.username)
}

fn link(talk: &Talk) -> String {
    match (&talk.item, &talk.pull) {
        (Some(item), _) => format!("/collections/{}/items/{}#comments", talk.collection, item.id),
        (None, Some(pull)) => format!("/pull-requests/{}#comments", pull.id),
        (None, None) => format!("/collections/{}#comments", talk.collection),
    }
}

fn notice(talk: &Talk, head: &Head, why: Why) -> Notice {
    Notice {
        id: format!("comment.{}", talk.id),
        at: talk.at,
        place: talk.at,
        category: Category::Comments,
        text: format!("{} {}", deed(talk, why), place(talk, head)),
        link: link(talk),
        seq: 0,
        read: false,
    }
}

/// The letter about a comment.
fn said(app: &App, talk: &Talk, head: &Head, comment: &Comment, to: &Profile, why: Why) -> Result<Option<Letter>, Crash> {
    let said = Said {
        title: deed(talk, why),
        place: place(talk, head),
        body: comment.body.clone(),
        at: talk.at.strftime("%-d %B %Y, %H:%M UTC").to_string(),
        link: format!("{}{}", app.config.pages_url, link(talk)),
        why: match why {
            Why::Mentioned => "you are mentioned",
            Why::InThread => "you are in this thread",
            Why::Asks => "you made the pull request",
            Why::Reviews => "you look at the pull request",
            Why::Follows => "you follow this",
        },
        unsubscribe: app.unsubscribe_page(to.id, &Letters::Comments).map_err(crash)?,
        preferences: format!("{}/notifications/settings", app.config.pages_url),
    };
    let (html, text) = (CommentHtml { said: &said }.render()?, CommentText { said: &said }.render()?);
    let mut letter = letter(&to.email, format!("{} {}", said.title, said.place), text, html);
    one_click(app, &mut letter, to.id, &Letters::Comments)?;
    Ok(Some(letter))
}

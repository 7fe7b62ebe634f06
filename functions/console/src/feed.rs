//! The feeds: of a team, and of what the viewer follows.

use std::collections::{BTreeMap, HashMap, HashSet};

use app::feed::FeedQuery;
use app::{App, By, Problem, Who};
use axum::extract::State;
use axum::response::Response;
use domain::access::{Access, Caller, CollectionRole, EditCollection, ReadTeam};
use domain::change::Op;
use domain::collection::{Head, Kind};
use domain::ids::{CollectionId, UserId};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde::Deserialize;
use store::digests::Waiting;
use store::feed::{Entry, FeedPage};

use crate::answer::{Lost, On, in_query, page};
use crate::frame;
use crate::history::entry_of_feed;
use crate::library::{shelf, watch};
use crate::past::past;
use crate::views::{self, Feed, FeedEntry, FeedFilter, Past, Pick, Return, days};

/// Entries of one page.
const PAGE: usize = 50;
/// Changes of one entry that are shown when it is opened.
const OPENED: usize = 20;
/// What the kinds of entries are called here, with the words of the API.
const KINDS: [(&str, &str); 7] = [
    ("", "Everything"),
    ("create,update,move,delete,import,restore", "All changes"),
    ("create,import", "New things"),
    ("update,move", "Edits"),
    ("delete,restore", "Deleted and brought back"),
    ("comment", "Comments"),
    ("access", "Who was let in"),
];

/// Which page, what of it, and which entry is open.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct At {
    cursor: String,
    collection: String,
    user: String,
    kind: String,
    item: String,
    from: String,
    to: String,
    open: String,
}

fn day(name: &str, value: &str) -> Result<Option<Date>, Problem> {
    let bad = |_| Problem::Malformed(format!("{name}: this is a day, such as 2026-11-25"));
    if value.is_empty() { Ok(None) } else { value.parse().map(Some).map_err(bad) }
}

fn midnight(day: Date) -> String {
    format!("{day}T00:00:00Z")
}

impl At {
    fn asked(&self) -> Result<FeedQuery, Problem> {
        let after = day("to", &self.to)?.map(|day| day.checked_add(1.day()).unwrap_or(Date::MAX));
        let given = |value: &str| Some(value.to_owned());
        Ok(FeedQuery {
            cursor: given(&self.cursor),
            limit: Some(PAGE),
            collection: given(&self.collection),
            user: given(&self.user),
            kind: given(&self.kind),
            item: given(&self.item),
            since: day("from", &self.from)?.map(midnight),
            until: after.map(midnight),
        })
    }

    /// The query of this page, with another beginning or another entry open.
    fn query(&self, cursor: &str, open: &str) -> String {
        let all = [
            ("collection", self.collection.as_str()),
            ("user", &self.user),
            ("kind", &self.kind),
            ("item", &self.item),
            ("from", &self.from),
            ("to", &self.to),
            ("cursor", cursor),
            ("open", open),
        ];
        let given: Vec<String> =
            all.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("{name}={}", in_query(value))).collect();
        format!("?{}", given.join("&"))
    }

    fn filter(&self, team: bool, collections: Vec<(String, String)>, people: Vec<(String, String)>) -> FeedFilter {
        let pick = |chosen: &str, all: Vec<(String, String)>| {
            let any = std::iter::once((String::new(), "Anything".to_owned()));
            let known = all.iter().any(|(value, _)| value == chosen);
            let other = (!known && !chosen.is_empty()).then(|| (chosen.to_owned(), "Another".to_owned()));
            let picks = any.chain(all).chain(other).map(|(value, name)| Pick { chosen: value == chosen, value, name });
            picks.collect::<Vec<Pick>>()
        };
        // Who is let in is the team's business.
        let kinds = KINDS.iter().filter(|(value, _)| team || *value != "access").map(|(value, name)| Pick {
            value: (*value).to_owned(),
            name: (*name).to_owned(),
            chosen: *value == self.kind,
        });
        let chosen = [&self.collection, &self.user, &self.kind, &self.item, &self.from, &self.to];
        FeedFilter {
            collections: pick(&self.collection, collections),
            people: pick(&self.user, people),
            kinds: kinds.collect(),
            from: self.from.clone(),
            to: self.to.clone(),
            item: self.item.clone(),
            on: chosen.iter().any(|one| !one.is_empty()),
        }
    }
}

/// What brings back what an entry changed: an element as it was before.
fn back(by: &Caller, seen: &(Head, CollectionRole), entry: &Entry) -> Option<Return> {
    let item = entry.item.as_ref().filter(|item| item.kind != Kind::Collection && entry.seq > 0)?;
    let first = entry.with.last().copied().unwrap_or(entry.seq);
    let before = first.checked_sub(1).filter(|before| *before > 0)?;
    if matches!(entry.op, Op::Create | Op::Import) || entry.with.len() >= OPENED {
        return None;
    }
    let (head, role) = seen;
    Access::<EditCollection>::check(by.clone(), head.clone(), Some(*role)).ok()?;
    Some(Return { seq: before, item: Some(item.id.to_string()), deleted: entry.op == Op::Delete })
}

/// The changes of the entry that is open, the latest first: one read, also of several.
async fn opened(app: &App, page: &FeedPage, open: &str) -> Result<Option<(String, Vec<Past>)>, Lost> {
    let is_open = |entry: &&Entry| entry.seq > 0 && key(entry) == open;
    let Some(entry) = page.entries.iter().find(is_open) else { return Ok(None) };
    let numbers = std::iter::once(entry.seq).chain(entry.with.iter().copied()).take(OPENED);
    let wanted: Vec<Waiting> = numbers.map(|seq| Waiting::change(&entry.collection, seq)).collect();
    let changes = app.store.changes_at(&wanted).await?;
    Ok(Some((open.to_owned(), changes.iter().map(|(change, about)| past(&about.name, change, None)).collect())))
}

fn key(entry: &Entry) -> String {
    format!("{}-{}", entry.collection, entry.seq)
}

/// The entries of a page that the viewer may see, with the one that is open.
struct Shown<'a> {
    by: &'a Caller,
    at: &'a At,
    page: FeedPage,
    names: HashMap<&'a CollectionId, &'a str>,
    /// The names of members and groups, by their ids.
    people: HashMap<String, String>,
}

impl Shown<'_> {
    async fn days(mut self, app: &App, mine: bool, now: Timestamp) -> Result<(Vec<views::Day>, bool), Lost> {
        let collections = self.page.collections();
        let seen = async { app.store.seen_of_feed(self.by, &collections).await.map_err(Lost::from) };
        let ((seen, until), mut opened) = tokio::try_join!(seen, opened(app, &self.page, &self.at.open))?;
        self.page.entries.retain(|entry| entry.shows(|one| seen.contains_key(one)));
        let entries = self.page.entries.iter().map(|entry| {
            let key = key(entry);
            let changes = opened.take_if(|(open, _)| *open == key).map(|(_, changes)| changes);
            FeedEntry {
                unread: mine && entry.is_news(self.by.user, until),
                open: (entry.seq > 0).then(|| self.at.query(&self.at.cursor, if changes.is_some() { "" } else { &key })),
                back: changes.as_ref().and_then(|_| back(self.by, seen.get(&entry.collection)?, entry)),
                entry: entry_of_feed(&self.names, &self.people, entry),
                changes,
            }
        });
        let entries: Vec<FeedEntry> = entries.collect();
        let news = entries.iter().any(|entry| entry.unread);
        Ok((days(entries, now), news))
    }
}

/// A team's feed.
#[utoipa::path(get, path = "/teams/{team}/feed", params(("team" = String, Path), ("cursor" = Option<String>, Query), ("collection" = Option<String>, Query),
    ("user" = Option<String>, Query), ("kind" = Option<String>, Query), ("item" = Option<String>, Query), ("from" = Option<String>, Query),
    ("to" = Option<String>, Query), ("open" = Option<String>, Query)), responses((status = 200), (status = 303), (status = 400), (status = 404)))]
pub async fn of_team(
    State(app): State<App>,
    On(By(by)): On<By<ReadTeam>>,
    On(app::Query(at)): On<app::Query<At>>,
) -> Result<Response, Lost> {
    let asked = at.asked()?;
    let wanted = asked.wanted(&app, &by.caller).await?;
    let found = async { app.store.team_feed(&by, &wanted, asked.cursor.as_deref(), PAGE).await.map_err(Lost::from) };
    let members = async { app.store.members(by.thing).await.map_err(Lost::from) };
    let (frame, (_, listed), found, members) =
        tokio::try_join!(frame(&app, &by.caller, Some(by.thing), "feed"), shelf(&app, &by), found, members)?;
    let team = frame.team.clone().ok_or_else(Lost::nothing)?;
    let older = found.cursor.as_ref().map(|cursor| at.query(cursor, ""));
    // A name may have changed since, and a collection may be gone.
    let names = listed.iter().map(|one| (&one.collection, one.name.as_str())).collect();
    let groups = if at.kind == "access" { app.store.groups(by.thing).await? } else { Vec::new() };
    let people = members.iter().map(|member| (member.user.to_string(), member.username.clone()));
    let people = people.chain(groups.into_iter().map(|group| (group.id.to_string(), group.name))).collect();
    let shown = Shown { by: &by.caller, at: &at, page: found.together(), names, people };
    let (days, news) = shown.days(&app, false, app.now()).await?;
    let mut people: Vec<(String, String)> = members.into_iter().map(|member| (member.user.to_string(), member.username)).collect();
    people.sort_by_key(|(_, name)| name.to_lowercase());
    let mut collections: Vec<(String, String)> = listed.iter().map(|one| (one.collection.to_string(), one.name.clone())).collect();
    collections.sort_by_key(|(_, name)| name.to_lowercase());
    let view = Feed {
        frame,
        home: format!("/teams/{}/feed", team.id),
        atom: format!("{}/api/teams/{}/feed.atom?apikey={{key}}", app.config.pages_url, team.id),
        team: Some(team.name),
        filter: at.filter(true, collections, people),
        news,
        days,
        older,
        watch: watch(&listed),
    };
    page(&app, &view)
}

/// The viewer's own feed.
#[utoipa::path(get, path = "/feed", params(("cursor" = Option<String>, Query), ("collection" = Option<String>, Query), ("user" = Option<String>, Query),
    ("kind" = Option<String>, Query), ("item" = Option<String>, Query), ("from" = Option<String>, Query), ("to" = Option<String>, Query),
    ("open" = Option<String>, Query)), responses((status = 200), (status = 303), (status = 400)))]
pub async fn mine(State(app): State<App>, On(Who(caller)): On<Who>, On(app::Query(at)): On<app::Query<At>>) -> Result<Response, Lost> {
    let asked = at.asked()?;
    let wanted = asked.wanted(&app, &caller).await?;
    let found = async { app.store.user_feed(caller.user, &wanted, asked.cursor.as_deref(), PAGE).await.map_err(Lost::from) };
    let followed = async { app.store.subscriptions_seen(&caller).await.map_err(Lost::from) };
    let members =
        async { futures::future::try_join_all(caller.teams.keys().map(|team| app.store.members(*team))).await.map_err(Lost::from) };
    let (frame, found, followed, members) = tokio::try_join!(frame(&app, &caller, None, "mine"), found, followed, members)?;
    let older = found.cursor.as_ref().map(|cursor| at.query(cursor, ""));
    let names = followed.iter().map(|(one, name)| (&one.collection, name.as_str())).collect();
    let shown = Shown { by: &caller, at: &at, page: found.together(), names, people: HashMap::new() };
    let (days, news) = shown.days(&app, true, app.now()).await?;
    let people: BTreeMap<UserId, String> = members.into_iter().flatten().map(|member| (member.user, member.username)).collect();
    let mut people: Vec<(String, String)> = people.into_iter().map(|(user, name)| (user.to_string(), name)).collect();
    people.sort_by_key(|(_, name)| name.to_lowercase());
    let collections: HashSet<(String, String)> = followed.iter().map(|(one, name)| (one.collection.to_string(), name.clone())).collect();
    let mut collections: Vec<(String, String)> = collections.into_iter().collect();
    collections.sort_by_key(|(_, name)| name.to_lowercase());
    let view = Feed {
        frame,
        home: "/feed".to_owned(),
        atom: format!("{}/api/feed.atom?apikey={{key}}", app.config.pages_url),
        team: None,
        filter: at.filter(false, collections, people),
        news,
        days,
        older,
        watch: crate::notices::watch(&followed),
    };
    page(&app, &view)
}

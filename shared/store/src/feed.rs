//! Feeds: rows that point at changes, written by the stream under names derived from their cause.

use std::collections::{BTreeMap, HashSet};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::access::{Access, ReadTeam};
use domain::change::{Actor, Change, Counts, ItemRef, Op};
use domain::comment::{Did, Talk};
use domain::ids::{CollectionId, CommentId, TeamId, ThreadId, UserId};
use domain::pull::PullRef;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::changes::About;
use crate::keys::Key;
use crate::{Error, Item, Range, Store, keys, read, row, with_ttl};

const TEAM_KEPT: SignedDuration = SignedDuration::from_hours(396 * 24);
const USER_KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Edits of one person to one collection within this time show as one.
const TOGETHER: SignedDuration = SignedDuration::from_secs(60);

/// One row of a feed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    /// The collection.
    pub collection: CollectionId,
    /// Its name then.
    pub collection_name: String,
    /// Its team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// Who made the collection.
    pub owner: UserId,
    /// The change's number.
    pub seq: u64,
    /// What was done.
    pub op: Op,
    /// To which element.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemRef>,
    /// By whom.
    pub actor: Actor,
    /// When.
    pub at: Timestamp,
    /// How many elements, for a change of many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,
    /// What was done about comments, where the entry tells of that instead of a change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<Spoken>,
    /// The pull request that was commented on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull: Option<PullRef>,
    /// How many changes this entry stands for.
    #[serde(skip_deserializing, default = "one", skip_serializing)]
    pub count: u64,
}

/// Which comment an entry tells of, and what was done.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Spoken {
    /// The id of what was done.
    pub id: uuid::Uuid,
    /// What.
    pub did: Did,
    /// In which thread.
    pub thread: ThreadId,
    /// Which comment.
    pub comment: CommentId,
}

/// A sort key as the opaque text that clients send back.
pub(crate) fn cursor_of(sort: &str) -> String {
    URL_SAFE_NO_PAD.encode(sort)
}

/// The sort key in a cursor. One that is not ours starts from the beginning.
pub(crate) fn sort_of(cursor: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()
}

fn one() -> u64 {
    1
}

/// A page of a feed, newest first.
#[derive(Debug, Clone)]
pub struct FeedPage {
    /// The entries; consecutive edits of one person to one collection are one.
    pub entries: Vec<Entry>,
    /// Where the next page starts.
    pub cursor: Option<String>,
}

impl FeedPage {
    /// The collections that it tells of. Whether the reader may see each is asked when it is read.
    pub fn collections(&self) -> HashSet<CollectionId> {
        self.entries.iter().flat_map(|entry| std::iter::once(&entry.collection).chain(entry.source())).cloned().collect()
    }
}

impl Entry {
    fn of(about: &About, change: &Change) -> Entry {
        Entry {
            collection: about.collection.clone(),
            collection_name: about.name.clone(),
            team: about.team,
            owner: about.owner,
            seq: change.seq,
            op: change.op,
            item: change.item.clone(),
            actor: change.actor.clone(),
            at: change.at,
            counts: change.counts,
            comment: None,
            pull: None,
            count: 1,
        }
    }

    /// Says that something was done about comments, and nothing of what they say.
    fn of_talk(about: &About, talk: &Talk) -> Entry {
        Entry {
            collection: about.collection.clone(),
            collection_name: about.name.clone(),
            team: about.team,
            owner: about.owner,
            seq: 0,
            op: Op::Create,
            item: talk.item.clone(),
            actor: talk.actor.clone(),
            at: talk.at,
            counts: None,
            comment: Some(Spoken { id: talk.id, did: talk.did, thread: talk.thread, comment: talk.comment }),
            pull: talk.pull.clone(),
            count: 1,
        }
    }

    fn source(&self) -> Option<&CollectionId> {
        self.pull.as_ref().map(|pull| &pull.source)
    }

    /// Whether somebody who sees these collections may be told of it.
    pub fn shows(&self, sees: impl Fn(&CollectionId) -> bool) -> bool {
        sees(&self.collection) && self.source().is_none_or(sees)
    }

    /// What kind of entry this is: `comment`, or what the change did.
    pub fn kind(&self) -> &'static str {
        if self.comment.is_some() { "comment" } else { self.op.as_str() }
    }

    /// Whether `older`, the next one down, is part of this entry.
    fn takes_in(&self, older: &Entry) -> bool {
        let edits = self.op == Op::Update && older.op == Op::Update;
        edits && self.collection == older.collection && self.actor.id == older.actor.id && self.at.duration_since(older.at) <= TOGETHER
    }
}

/// The row of a change in a feed: named by its cause, so that a repetition writes the same one.
fn entry(feed: String, about: &About, change: &Change, kept: SignedDuration) -> Result<(Key, Item), Error> {
    let key = keys::feed_entry(feed, change.at, &about.collection, change.seq);
    let item = with_ttl(row(&key, "feed", &Entry::of(about, change))?, change.at + kept);
    Ok((key, item))
}

/// The row of what was done about comments; changed words and comments that are taken away are no news.
fn talk_entry(feed: String, about: &About, talk: &Talk, kept: SignedDuration) -> Result<Option<(Key, Item)>, Error> {
    if matches!(talk.did, Did::Update | Did::Delete) {
        return Ok(None);
    }
    let key = keys::feed_talk(feed, talk.at, &about.collection, talk.id);
    let item = with_ttl(row(&key, "feed", &Entry::of_talk(about, talk))?, talk.at + kept);
    Ok(Some((key, item)))
}

impl Store {
    /// Writes what was done about comments into the feeds of the teams.
    pub async fn put_team_talks(&self, talks: &[(Talk, About)]) -> Result<(), Error> {
        let mut rows = BTreeMap::new();
        for (talk, about) in talks {
            if let Some(team) = about.team {
                rows.extend(talk_entry(keys::team_feed(team), about, talk, TEAM_KEPT)?);
            }
        }
        self.write_all(rows.into_values().collect()).await
    }

    /// Writes it into a person's feed.
    pub async fn put_user_talk(&self, user: UserId, about: &About, talk: &Talk) -> Result<(), Error> {
        match talk_entry(keys::user_feed(user), about, talk, USER_KEPT)? {
            Some((_, item)) => self.put_when(item, None, Item::new()).await.map(drop),
            None => Ok(()),
        }
    }

    /// Writes changes into the feeds of their teams, 25 a round trip.
    pub async fn put_team_feed(&self, changes: &[(Change, About)]) -> Result<(), Error> {
        // By key: a batch must not hold the same item twice, and a stream may.
        let mut rows = BTreeMap::new();
        for (change, about) in changes {
            if let Some(team) = about.team {
                let (key, item) = entry(keys::team_feed(team), about, change, TEAM_KEPT)?;
                rows.insert(key, item);
            }
        }
        self.write_all(rows.into_values().collect()).await
    }

    /// Writes a change into a person's feed.
    pub async fn put_user_feed(&self, user: UserId, about: &About, change: &Change) -> Result<(), Error> {
        let (_, item) = entry(keys::user_feed(user), about, change, USER_KEPT)?;
        self.put_when(item, None, Item::new()).await?;
        Ok(())
    }

    /// A page of a team's feed.
    pub async fn team_feed(&self, by: &Access<ReadTeam>, cursor: Option<&str>, limit: usize) -> Result<FeedPage, Error> {
        self.feed_page(keys::team_feed(by.thing), cursor, limit).await
    }

    /// A page of a person's own feed. The caller drops entries of collections that the person may no longer see.
    pub async fn user_feed(&self, user: UserId, cursor: Option<&str>, limit: usize) -> Result<FeedPage, Error> {
        self.feed_page(keys::user_feed(user), cursor, limit).await
    }

    async fn feed_page(&self, feed: String, cursor: Option<&str>, limit: usize) -> Result<FeedPage, Error> {
        let before = cursor.and_then(sort_of);
        let range = match before {
            Some(before) => Range::below(feed, before),
            None => Range::of(feed),
        };
        let page = self.page(&range.newest_first().at_most(limit), None).await?;
        let last = page.items.last().and_then(crate::key_of);
        let cursor = page.next.and(last).map(|key| cursor_of(&key.sk));
        let mut entries: Vec<Entry> = Vec::with_capacity(page.items.len());
        for item in page.items {
            let entry: Entry = read(item)?;
            match entries.last_mut() {
                Some(newer) if newer.takes_in(&entry) => newer.count += 1,
                _ => entries.push(entry),
            }
        }
        Ok(FeedPage { entries, cursor })
    }
}

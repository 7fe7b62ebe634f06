//! Feeds: rows that point at changes, written by the stream under names derived from their cause.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use domain::access::{Access, Caller, CollectionRole, ReadTeam};
use domain::change::{Actor, Change, Counts, ItemRef, Op};
use domain::comment::{Did, Talk};
use domain::happened::{Event, Grantee, Happened};
use domain::ids::{CollectionId, CommentId, ElementId, GroupId, TeamId, ThreadId, UserId, WorkspaceId};
use domain::pull::PullRef;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::changes::About;
use crate::keys::Key;
use crate::readers::Mark;
use crate::{Error, Item, Range, Store, cursor, keys, read, row, with_ttl};

const TEAM_KEPT: SignedDuration = SignedDuration::from_hours(396 * 24);
const USER_KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Edits of one person to one collection within this time show as one.
const TOGETHER: SignedDuration = SignedDuration::from_secs(60);
/// Rows that are read at once, and looked at in all, for a page that not every row is on.
const READ_AT_ONCE: usize = 250;
const LOOKED_AT: usize = 500;
/// Whether a feed has news is told from this many of its newest rows.
const NEWEST: usize = 10;

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
    /// The workspace that it was in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<WorkspaceId>,
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
    /// Who was let in, or where it went, where the entry tells of that instead of a change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<Let>,
    /// The numbers of the older changes that this entry stands for as well, the latest first.
    #[serde(skip)]
    pub with: Vec<u64>,
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

/// Who was let into a collection, or where it went.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Let {
    /// A role was given, or taken (`None`).
    Role {
        /// The id of what happened.
        id: uuid::Uuid,
        /// To whom.
        to: Grantee,
        /// Which.
        role: Option<CollectionRole>,
    },
    /// It went from one workspace to another.
    Moved {
        /// The id of what happened.
        id: uuid::Uuid,
        /// Where it was.
        from: WorkspaceId,
        /// Where it is.
        into: WorkspaceId,
    },
    /// A group follows it, or no longer.
    Group {
        /// The id of what happened.
        id: uuid::Uuid,
        /// Which.
        group: GroupId,
        /// Which of the two.
        follows: bool,
    },
}

impl Let {
    /// The team, the collection and what an event says of it, where it says something.
    pub fn of(event: &Event) -> Option<(TeamId, &CollectionId, Let)> {
        let id = event.id;
        Some(match &event.what {
            Happened::RoleGiven { team, collection, to, role, .. } => ((*team)?, collection, Let::Role { id, to: *to, role: *role }),
            Happened::CollectionMoved { team, collection, from, into } => {
                (*team, collection, Let::Moved { id, from: from.clone(), into: into.clone() })
            }
            Happened::GroupFollows { team, collection, group, follows } => {
                (*team, collection, Let::Group { id, group: *group, follows: *follows })
            }
            _ => return None,
        })
    }

    /// The id of what happened.
    pub fn id(&self) -> uuid::Uuid {
        match self {
            Let::Role { id, .. } | Let::Moved { id, .. } | Let::Group { id, .. } => *id,
        }
    }
}

/// Which entries are wanted; what is left out is no condition.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Of this collection.
    pub collection: Option<CollectionId>,
    /// Of collections that were in this workspace.
    pub workspace: Option<WorkspaceId>,
    /// By this person.
    pub user: Option<UserId>,
    /// Of these kinds.
    pub kinds: BTreeSet<String>,
    /// About one of these items, or about what stands in one of them.
    pub items: BTreeSet<ElementId>,
    /// From this time on, to the millisecond.
    pub since: Option<Timestamp>,
    /// Before this time, to the millisecond.
    pub until: Option<Timestamp>,
}

impl Wanted {
    /// Whether each row of a range is on a page. Times say which range.
    fn takes_all(&self) -> bool {
        self.collection.is_none() && self.workspace.is_none() && self.user.is_none() && self.kinds.is_empty() && self.items.is_empty()
    }

    /// Whether they are entries about who was let in: those alone, because they are kept apart.
    fn is_access(&self) -> bool {
        self.kinds.contains(ACCESS)
    }

    fn takes(&self, entry: &Entry) -> bool {
        let item = |item: &ItemRef| self.items.contains(&item.id) || item.parent.as_ref().is_some_and(|parent| self.items.contains(parent));
        self.collection.as_ref().is_none_or(|wanted| *wanted == entry.collection)
            && (self.workspace.is_none() || self.workspace == entry.workspace)
            && self.user.is_none_or(|wanted| wanted == entry.actor.id)
            && (self.kinds.is_empty() || self.kinds.contains(entry.kind()))
            && (self.items.is_empty() || entry.item.as_ref().is_some_and(item))
    }

    /// The rows behind `cursor` at the times that are wanted; `None`: there can be none.
    fn range(&self, feed: String, cursor: Option<&str>) -> Option<Range> {
        let until = self.until.map(keys::feed_at);
        let to = [cursor.map(str::to_owned), until].into_iter().flatten().min();
        let range = match (self.since.map(keys::feed_at), to) {
            (Some(since), Some(to)) if to < since => return None,
            (Some(since), Some(to)) => Range::between(feed, since, to),
            (Some(since), None) => Range::above(feed, since),
            (None, Some(to)) => Range::below(feed, to),
            (None, None) => Range::of(feed),
        };
        Some(range.newest_first())
    }
}

/// What an entry can be, as `kind` says it: what a change did, that something was done about a comment, or [`ACCESS`].
pub const KINDS: [&str; 8] = ["create", "update", "move", "delete", "import", "restore", "comment", ACCESS];
/// The kind of entries about who was let in. They are kept apart, and shown only where they are asked for.
pub const ACCESS: &str = "access";

/// A page of a feed, newest first.
#[derive(Debug, Clone, Default)]
pub struct FeedPage {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Where the next page starts.
    pub cursor: Option<String>,
}

impl FeedPage {
    /// The page with consecutive edits of one person to one collection as one entry.
    #[must_use]
    pub fn together(self) -> FeedPage {
        let mut entries: Vec<Entry> = Vec::with_capacity(self.entries.len());
        for entry in self.entries {
            match entries.last_mut() {
                Some(newer) if newer.takes_in(&entry) => newer.with.push(entry.seq),
                _ => entries.push(entry),
            }
        }
        FeedPage { entries, ..self }
    }

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
            workspace: Some(about.workspace.clone()),
            owner: about.owner,
            seq: change.seq,
            op: change.op,
            item: change.item.clone(),
            actor: change.actor.clone(),
            at: change.at,
            counts: change.counts,
            comment: None,
            pull: None,
            access: None,
            with: Vec::new(),
        }
    }

    /// Says that something was done about comments, and nothing of what they say.
    fn of_talk(about: &About, talk: &Talk) -> Entry {
        Entry {
            collection: about.collection.clone(),
            collection_name: about.name.clone(),
            team: about.team,
            workspace: Some(about.workspace.clone()),
            owner: about.owner,
            seq: 0,
            op: Op::Create,
            item: talk.item.clone(),
            actor: talk.actor.clone(),
            at: talk.at,
            counts: None,
            comment: Some(Spoken { id: talk.id, did: talk.did, thread: talk.thread, comment: talk.comment }),
            pull: talk.pull.clone(),
            access: None,
            with: Vec::new(),
        }
    }

    fn source(&self) -> Option<&CollectionId> {
        self.pull.as_ref().map(|pull| &pull.source)
    }

    /// Whether somebody who sees these collections may be told of it.
    pub fn shows(&self, sees: impl Fn(&CollectionId) -> bool) -> bool {
        sees(&self.collection) && self.source().is_none_or(sees)
    }

    /// What kind of entry this is: `comment`, `access`, or what the change did.
    pub fn kind(&self) -> &'static str {
        if self.access.is_some() {
            return ACCESS;
        }
        if self.comment.is_some() { "comment" } else { self.op.as_str() }
    }

    /// What it is known by among the entries of its collection: a change's number, or the id of what happened.
    pub fn cause(&self) -> String {
        let other = self.comment.as_ref().map(|one| one.id).or(self.access.as_ref().map(Let::id));
        other.map_or_else(|| self.seq.to_string(), |id| id.to_string())
    }

    /// Whether it is news to somebody who has seen their feed until a time.
    pub fn is_news(&self, to: UserId, seen_until: Option<Timestamp>) -> bool {
        self.actor.id != to && seen_until.is_none_or(|until| until < self.at)
    }

    /// How many changes it stands for.
    pub fn count(&self) -> usize {
        1 + self.with.len()
    }

    /// Whether `older`, the next one down, is part of this entry.
    fn takes_in(&self, older: &Entry) -> bool {
        let edits = self.kind() == "update" && older.kind() == "update";
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

    /// Writes who was let in, or where a collection went, beside the feed of the team. What is gone by then is not told.
    pub async fn put_team_access(&self, event: &Event) -> Result<(), Error> {
        let Some((team, collection, access)) = Let::of(event) else { return Ok(()) };
        let (Some(head), Some(actor)) = (self.head(collection).await?, &event.actor) else { return Ok(()) };
        let key = keys::feed_talk(keys::team_access_feed(team), event.at, collection, event.id);
        let entry = Entry {
            collection: head.collection,
            collection_name: head.name,
            team: Some(team),
            workspace: Some(head.workspace),
            owner: head.owner,
            seq: 0,
            op: Op::Update,
            item: None,
            actor: actor.clone(),
            at: event.at,
            counts: None,
            comment: None,
            pull: None,
            access: Some(access),
            with: Vec::new(),
        };
        self.put_when(with_ttl(row(&key, "feed", &entry)?, event.at + TEAM_KEPT), None, Item::new()).await.map(drop)
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
    pub async fn team_feed(&self, by: &Access<ReadTeam>, wanted: &Wanted, cursor: Option<&str>, limit: usize) -> Result<FeedPage, Error> {
        let feed = if wanted.is_access() { keys::team_access_feed(by.thing) } else { keys::team_feed(by.thing) };
        self.feed_page(feed, wanted, cursor, limit).await
    }

    /// A page of a person's own feed. The caller drops entries of collections that the person may no longer see.
    pub async fn user_feed(&self, user: UserId, wanted: &Wanted, cursor: Option<&str>, limit: usize) -> Result<FeedPage, Error> {
        // Who is let in is the team's business.
        if wanted.is_access() {
            return Ok(FeedPage::default());
        }
        self.feed_page(keys::user_feed(user), wanted, cursor, limit).await
    }

    /// Whether the caller's own feed has something of others, among the newest, that they have not seen. Two reads at once.
    pub async fn has_news(&self, caller: &Caller) -> Result<bool, Error> {
        let mark = keys::feed_seen(caller.user);
        let newest = Wanted::default();
        let (mark, page) = tokio::try_join!(self.get(&mark), self.user_feed(caller.user, &newest, None, NEWEST))?;
        let until = mark.map(read::<Mark>).transpose()?.map(|mark| mark.at);
        Ok(page.entries.iter().any(|entry| entry.is_news(caller.user, until)))
    }

    /// One query where each row is on the page. Otherwise it is read on, until the page is full or so much was looked at
    /// that the client shall say whether it goes on.
    async fn feed_page(&self, feed: String, wanted: &Wanted, cursor: Option<&str>, limit: usize) -> Result<FeedPage, Error> {
        let before = cursor::place(cursor, cursor::sort_key)?;
        let Some(range) = wanted.range(feed, before.as_deref()) else { return Ok(FeedPage::default()) };
        // A range with two ends holds the row that the last page ended with.
        let range = range.at_most(if wanted.takes_all() { limit + usize::from(wanted.since.is_some()) } else { READ_AT_ONCE });
        let (mut entries, mut looked, mut start) = (Vec::new(), 0, None);
        loop {
            let page = self.page(&range, start).await?;
            let rows = page.items.len();
            for (at, item) in page.items.into_iter().enumerate() {
                let Some(key) = crate::key_of(&item).filter(|key| Some(&key.sk) != before.as_ref()) else { continue };
                let entry: Entry = read(item)?;
                looked += 1;
                if wanted.takes(&entry) {
                    entries.push(entry);
                }
                let last = at + 1 == rows && page.next.is_none();
                if entries.len() == limit || looked == LOOKED_AT {
                    return Ok(FeedPage { entries, cursor: (!last).then(|| cursor::of(&key.sk)) });
                }
            }
            start = page.next;
            if start.is_none() {
                return Ok(FeedPage { entries, cursor: None });
            }
        }
    }

    /// An item and all that stands in it now, where the caller may see the collection; otherwise the item alone, which is
    /// then in nothing that they are shown.
    pub async fn within(&self, caller: &Caller, collection: &CollectionId, item: &ElementId) -> Result<BTreeSet<ElementId>, Error> {
        let mut inside = BTreeSet::from([item.clone()]);
        let Some((head, _)) = self.seen(caller, &HashSet::from([collection.clone()])).await?.remove(collection) else { return Ok(inside) };
        let whole = self.whole(&head).await?;
        let mut children: BTreeMap<&ElementId, Vec<&ElementId>> = BTreeMap::new();
        for element in &whole.elements {
            if let Some(parent) = &element.parent {
                children.entry(parent).or_default().push(&element.id);
            }
        }
        let mut ahead = vec![item];
        while let Some(folder) = ahead.pop() {
            for child in children.remove(folder).unwrap_or_default() {
                inside.insert(child.clone());
                ahead.push(child);
            }
        }
        Ok(inside)
    }
}

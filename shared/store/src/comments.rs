//! Comments, and the threads that they stand in. A thread is one item, and each comment another beside the collection;
//! whatever is done is told by an item of its own, which the stream carries on.

use std::collections::{BTreeMap, HashMap};

use domain::access::{Access, Comment as MayComment, ReadComments};
use domain::account::Username;
use domain::collection::Head;
use domain::comment::{Comment, Did, Subject, Talk, Thread, Topic};
use domain::ids::{CollectionId, CommentId, ThreadId, UserId};
use domain::once::Done;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::changes::About;
use crate::keys::Key;
use crate::users::{Profile, claimed_by};
use crate::{Conflict, Error, Item, Leg, Range, Store, cursor, keys, n, once, read, row, with_ttl};

/// The kind of the items that tell what was done about comments.
pub const KIND: &str = "talk";

/// How long such an item is kept: longer than any stream record lives.
const KEPT: SignedDuration = SignedDuration::from_hours(14 * 24);

/// What somebody wants to say.
#[derive(Debug, Clone)]
pub struct Saying {
    /// The id that it gets; drawn anew where it is in use ([`Conflict::IdTaken`]).
    pub id: CommentId,
    /// About what.
    pub about: Subject,
    /// The thread that it answers; none: it begins one.
    pub thread: Option<ThreadId>,
    /// What it says.
    pub body: String,
    /// Who is mentioned.
    pub mentions: BTreeMap<UserId, String>,
}

/// A comment, and what became of its thread.
#[derive(Debug, Clone)]
pub struct Said {
    /// The comment.
    pub comment: Comment,
    /// Its thread.
    pub thread: Thread,
}

/// A page of comments, newest first.
#[derive(Debug, Clone)]
pub struct Page {
    /// The comments.
    pub comments: Vec<Said>,
    /// Where the next page starts.
    pub cursor: Option<String>,
}

/// A thread with what was said in it, oldest first.
#[derive(Debug, Clone)]
pub struct Discussion {
    /// The thread.
    pub thread: Thread,
    /// Its first comment, and those of one page.
    pub comments: Vec<Comment>,
}

#[derive(Serialize, Deserialize)]
struct Record {
    about: About,
    #[serde(flatten)]
    talk: Talk,
}

/// What was done about comments, from its item, such as a stream record carries.
pub fn from_image(item: Item) -> Result<(Talk, About), Error> {
    let record: Record = read(item)?;
    Ok((record.talk, record.about))
}

/// Something that is done about a comment.
struct Doing<'a> {
    by: &'a Access<MayComment>,
    did: Did,
    comment: &'a Comment,
    about: Subject,
    mentions: Vec<UserId>,
}

impl Doing<'_> {
    /// The leg that tells of it.
    fn leg(self, now: Timestamp) -> Result<Leg, Error> {
        let Comment { collection, topic, thread, id, .. } = self.comment.clone();
        let seconds = u64::try_from(now.as_second()).unwrap_or(0);
        let nanoseconds = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
        let (item, pull) = match self.about {
            Subject::Collection => (None, None),
            Subject::Element(item) => (Some(item), None),
            Subject::Pull(pull) => (None, Some(pull)),
        };
        let talk = Talk {
            id: uuid::Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanoseconds)),
            at: now,
            actor: self.by.caller.actor(),
            did: self.did,
            collection,
            topic,
            item,
            pull,
            thread,
            comment: id,
            mentions: self.mentions,
        };
        let key = keys::talk(&talk.collection, talk.id);
        let record = Record { about: About::of(&self.by.thing), talk };
        Ok(Leg::create(with_ttl(row(&key, KIND, &record)?, now + KEPT)))
    }
}

fn key(comment: &Comment) -> Key {
    keys::comment(&comment.collection, &comment.topic, comment.id)
}

/// The condition of a thread to which something can be added.
const OPEN: &str = "attribute_exists(pk) AND attribute_not_exists(#closing)";

impl Store {
    /// Says something. [`Conflict::ThreadGone`]: what it answers is not there, or about something else;
    /// [`Conflict::IdTaken`]: the id is in use. `done` is what a repetition of the request is answered with.
    pub async fn say(
        &self,
        by: &Access<MayComment>,
        saying: Saying,
        done: impl FnOnce(&Said) -> Done,
        now: Timestamp,
    ) -> Result<Said, Error> {
        let (collection, topic) = (by.thing.collection.clone(), saying.about.topic());
        let thread = match saying.thread {
            Some(id) => {
                let thread = self.thread(id).await?.filter(|thread| thread.collection == collection && thread.topic == topic);
                thread.ok_or(Conflict::ThreadGone)?
            }
            None => {
                let id = ThreadId(saying.id.0);
                Thread { id, collection: collection.clone(), topic: topic.clone(), resolved_by: None, closing: false }
            }
        };
        let comment = Comment {
            id: saying.id,
            thread: thread.id,
            collection,
            topic,
            actor: by.caller.actor(),
            body: saying.body,
            mentions: saying.mentions,
            created_at: now,
            updated_at: now,
        };
        let of_thread = match saying.thread {
            Some(id) => Leg::check(keys::thread(id)).when(OPEN).or(Conflict::ThreadGone),
            None => Leg::create(row(&keys::thread(thread.id), "thread", &thread)?).or(Conflict::IdTaken),
        };
        let mentions = comment.mentions.keys().copied().collect();
        let mut legs = vec![
            Leg::create(row(&key(&comment), "comment", &comment)?).or(Conflict::IdTaken),
            of_thread,
            Doing { by, did: Did::Create, comment: &comment, about: saying.about, mentions }.leg(now)?,
        ];
        let said = Said { comment, thread };
        if let Some(request) = &by.caller.once {
            let kept = once::legs(by.caller.user, request, done(&said), now)?;
            legs.extend(kept.into_iter().enumerate().map(|(index, leg)| if index == 0 { leg.or(Conflict::UnderWay) } else { leg }));
        }
        self.commit(&legs).await?;
        Ok(said)
    }

    /// Lets the caller put their own comment otherwise. [`Conflict::CommentGone`]: it is gone, or somebody else's.
    pub async fn reword(
        &self,
        by: &Access<MayComment>,
        comment: Comment,
        about: Subject,
        body: String,
        mentions: BTreeMap<UserId, String>,
        now: Timestamp,
    ) -> Result<Comment, Error> {
        if comment.body == body && comment.mentions == mentions && comment.actor.id == by.caller.user {
            return Ok(comment);
        }
        let fresh = mentions.keys().filter(|user| !comment.mentions.contains_key(user)).copied().collect();
        let changed = Comment { body, mentions, updated_at: now, ..comment };
        let own = "attribute_exists(pk) AND #actor.#id = :by";
        let legs = [
            Leg::put(row(&key(&changed), "comment", &changed)?).when(own).number(":by", by.caller.user).or(Conflict::CommentGone),
            Leg::check(keys::thread(changed.thread)).when(OPEN).or(Conflict::CommentGone),
            Doing { by, did: Did::Update, comment: &changed, about, mentions: fresh }.leg(now)?,
        ];
        self.commit(&legs).await?;
        Ok(changed)
    }

    /// Takes a comment away; with the first one of a thread all of it. That the caller may is asked before. A thread of
    /// many is hidden first, so that nothing is added while it goes; whoever repeats a request that broke off ends it.
    pub async fn unsay(&self, by: &Access<MayComment>, comment: &Comment, about: Subject, now: Timestamp) -> Result<(), Error> {
        let there = "attribute_exists(pk)";
        let mut legs = vec![
            Leg::delete(key(comment)).when(there).or(Conflict::CommentGone),
            Doing { by, did: Did::Delete, comment, about, mentions: Vec::new() }.leg(now)?,
        ];
        if comment.begins() {
            let closing = crate::values([(":yes", crate::flag(true))]);
            let thread = keys::thread(comment.thread);
            self.update_when(&thread, "SET #closing = :yes", there, closing).await?;
            let replies = self.in_thread(&comment.collection, &comment.topic, comment.thread).await?;
            let replies: Vec<Key> = replies.iter().filter(|reply| reply.id != comment.id).map(key).collect();
            self.delete_all(&replies).await?;
            legs.push(Leg::delete(thread));
        }
        self.commit(&legs).await
    }

    /// Calls a thread resolved, or opens it again. One that is so already stays as it is, and nobody is told.
    pub async fn settle_thread(
        &self,
        by: &Access<MayComment>,
        thread: &Thread,
        about: Subject,
        resolved: bool,
        now: Timestamp,
    ) -> Result<(), Error> {
        if thread.resolved_by.is_some() == resolved {
            return Ok(());
        }
        let first = self.comment(&thread.collection, &thread.topic, CommentId(thread.id.0)).await?.ok_or(Conflict::ThreadGone)?;
        let (did, set) = match resolved {
            true => (Did::Resolve, "SET #resolved_by = :by"),
            false => (Did::Reopen, "REMOVE #resolved_by"),
        };
        let leg = Leg::update(keys::thread(thread.id), set).when(OPEN).or(Conflict::ThreadGone);
        let leg = if resolved { leg.value(":by", n(by.caller.user)) } else { leg };
        self.commit(&[leg, Doing { by, did, comment: &first, about, mentions: Vec::new() }.leg(now)?]).await
    }

    /// A thread that is there. Whether it may be told is asked about its collection.
    pub async fn thread(&self, id: ThreadId) -> Result<Option<Thread>, Error> {
        let thread: Option<Thread> = self.get(&keys::thread(id)).await?.map(read).transpose()?;
        Ok(thread.filter(|thread| !thread.closing))
    }

    /// A comment, also of a thread that is being deleted.
    pub async fn comment(&self, collection: &CollectionId, topic: &Topic, id: CommentId) -> Result<Option<Comment>, Error> {
        self.get(&keys::comment(collection, topic, id)).await?.map(read).transpose()
    }

    /// What was said in a thread, oldest first.
    pub async fn in_thread(&self, collection: &CollectionId, topic: &Topic, thread: ThreadId) -> Result<Vec<Comment>, Error> {
        let items = self.all(&Range::prefix(keys::talk_partition(collection), keys::comments_on(topic))).await?;
        let comments: Vec<Comment> = items.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(comments.into_iter().filter(|comment| comment.thread == thread).collect())
    }

    /// A page of what is said about something, newest first: one query, and one read of the threads. The caller knows that
    /// it is there.
    pub async fn comments(&self, by: &Access<ReadComments>, topic: &Topic, cursor: Option<&str>, limit: usize) -> Result<Page, Error> {
        let before = cursor::place(cursor, |id| id.parse::<u64>().ok())?.map_or(u64::MAX >> 11, |id| id.saturating_sub(1));
        let partition = keys::talk_partition(&by.thing.collection);
        let range = Range::between(partition, keys::comments_on(topic), keys::comment_sort(topic, before));
        let page = self.page(&range.newest_first().at_most(limit), None).await?;
        let comments: Vec<Comment> = page.items.into_iter().map(read).collect::<Result<_, _>>()?;
        let cursor = page.next.and(comments.last()).map(|last| cursor::of(last.id.to_string()));
        let mut wanted: Vec<Key> = comments.iter().map(|comment| keys::thread(comment.thread)).collect();
        wanted.sort();
        wanted.dedup();
        let mut threads: HashMap<ThreadId, Thread> = HashMap::new();
        for item in self.get_many(&wanted).await?.into_values() {
            let thread: Thread = read(item)?;
            threads.insert(thread.id, thread);
        }
        let open = |comment: Comment| {
            let thread = threads.get(&comment.thread).filter(|thread| !thread.closing)?.clone();
            Some(Said { comment, thread })
        };
        Ok(Page { comments: comments.into_iter().filter_map(open).collect(), cursor })
    }

    /// The same as threads, the one with the newest comment first. Where the first comment of one is on an older page, it
    /// is read as well: one read more.
    pub async fn discussions(
        &self,
        by: &Access<ReadComments>,
        topic: &Topic,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Discussion>, Option<String>), Error> {
        let page = self.comments(by, topic, cursor, limit).await?;
        let mut all: Vec<Discussion> = Vec::new();
        for Said { comment, thread } in page.comments {
            match all.iter_mut().find(|known| known.thread.id == thread.id) {
                Some(known) => known.comments.insert(0, comment),
                None => all.push(Discussion { thread, comments: vec![comment] }),
            }
        }
        let begun = |one: &Discussion| one.comments.first().is_some_and(Comment::begins);
        let first = |one: &Discussion| keys::comment(&by.thing.collection, topic, CommentId(one.thread.id.0));
        let missing: Vec<Key> = all.iter().filter(|one| !begun(one)).map(first).collect();
        let mut found = if missing.is_empty() { HashMap::new() } else { self.get_many(&missing).await? };
        for one in &mut all {
            if let Some(item) = found.remove(&first(one)) {
                one.comments.insert(0, read(item)?);
            }
        }
        Ok((all, page.cursor))
    }

    /// Those who have these names and may read all of some collections.
    pub async fn readers_named(&self, collections: &[CollectionId], names: &[Username]) -> Result<Vec<Profile>, Error> {
        let claims: Vec<Key> = names.iter().map(keys::name_claim).collect();
        let mut users = Vec::new();
        for item in self.get_many(&claims).await?.into_values() {
            users.push(claimed_by(item)?);
        }
        let mut readers = self.readers_of_all(collections, &users).await?;
        // Names that look alike have one claim; only the one that was written is meant.
        readers.retain(|reader| names.iter().any(|name| name.folded() == reader.username.folded()));
        Ok(readers)
    }

    /// The collection of what was done, where that and what it is about are there.
    pub async fn subject_of(&self, talk: &Talk) -> Result<Option<Head>, Error> {
        let Some(head) = self.head(&talk.collection).await?.filter(|head| head.deleted_at.is_none()) else { return Ok(None) };
        let there = match &talk.topic {
            Topic::Element(id) => self.element(&head, id, &HashMap::new()).await?.is_some(),
            Topic::Collection | Topic::Pull(_) => true,
        };
        Ok(there.then_some(head))
    }

    /// Removes everything that is said about a collection, and its threads.
    pub(crate) async fn erase_comments(&self, collection: &CollectionId) -> Result<(), Error> {
        self.erase(keys::talk_partition(collection), keys::thread_begun).await
    }

    /// Removes what is said about something that is removed for ever.
    pub(crate) async fn erase_comments_on(&self, collection: &CollectionId, topic: &Topic) -> Result<(), Error> {
        let items = self.all(&Range::prefix(keys::talk_partition(collection), keys::comments_on(topic))).await?;
        let comments: Vec<Key> = items.iter().filter_map(crate::key_of).collect();
        let threads: Vec<Key> = comments.iter().filter_map(keys::thread_begun).collect();
        self.delete_all(&threads).await?;
        self.delete_all(&comments).await
    }
}

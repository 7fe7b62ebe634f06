//! Whole collections: a new one, and a whole replacement. The elements are written first, as a generation that nobody
//! sees; one small transaction then switches to it. A reader sees all of the old or all of the new, and a crash leaves
//! a generation that the janitor removes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::access::{Access, Audience, CollectionRole, CreateCollection, EditCollection, ReadCollection, ReadWorkspace, role_for};
use domain::change::{Change, Counts, Op, Past};
use domain::collection::{Element, Head, Kind, never, one_shard};
use domain::fork::ForkOf;
use domain::format::Parsed;
use domain::ids::{CollectionId, ElementId, GenerationId, GroupId, TeamId, UserId, WorkspaceId};
use domain::once::Done;
use domain::search::Index;
use domain::tags::Tag;
use domain::workspace::{Room, Visibility, Workspace};
use domain::{format, json, limit};
use futures::{StreamExt, TryStreamExt};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::commit::{Plan, Tried, Writing};
use crate::elements::Whole;
use crate::transact::Leg;
use crate::{
    Conflict, Ended, Error, Item, Range, Store, changes, elements, forks, keys, n, once, read, row, s, search, subscriptions, values,
    workspaces,
};

/// Elements that are packed and written together while others are packed.
const WRITTEN_TOGETHER: usize = 4 * limit::BATCH_WRITE;
/// How many such steps are under way.
const STEPS_AT_ONCE: usize = 2;
/// A generation that was not finished for this long will not be.
const UNFINISHED: SignedDuration = SignedDuration::from_hours(1);
/// How long a replaced generation is kept.
const REPLACED: SignedDuration = SignedDuration::from_hours(90 * 24);

/// A collection as its workspace lists it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Listed {
    /// The collection.
    pub collection: CollectionId,
    /// Its name.
    pub name: String,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// Its team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// Who made it.
    pub owner: UserId,
    /// When.
    pub created_at: Timestamp,
    /// When it last changed. Written behind the change, by the stream: it may lag for a moment.
    pub updated_at: Timestamp,
    /// How many elements it has; may lag like `updated_at`.
    pub count: u64,
    /// The number of its last change; may lag like `updated_at`.
    pub seq: u64,
    /// As its head says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub everyone: Option<CollectionRole>,
    /// As its head says.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<GroupId, CollectionRole>,
    /// As its head says. 0: no role was ever given in it.
    #[serde(default, skip_serializing_if = "never")]
    pub access: u64,
    /// As its head says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
    /// As its head says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fork: Option<ForkOf>,
    /// Whether anybody reads it, as its workspace says it.
    #[serde(skip)]
    pub public: bool,
}

impl Listed {
    /// Whom it is for, apart from roles given in person; who is let in, its workspace says.
    pub fn audience<'a>(&'a self, room: Option<&'a Room>) -> Audience<'a> {
        Audience { team: self.team, owner: self.owner, everyone: self.everyone, groups: &self.groups, room }
    }
}

/// A generation to look after.
#[derive(Serialize, Deserialize)]
struct Generation {
    collection: CollectionId,
    generation: GenerationId,
    gsi1pk: String,
    gsi1sk: String,
}

/// Due now: under construction. Due in 90 days: replaced.
pub(crate) fn generation_item(collection: &CollectionId, generation: &GenerationId, since: Timestamp) -> Result<Item, Error> {
    let key = keys::generation(collection, generation);
    let value = Generation {
        collection: collection.clone(),
        generation: generation.clone(),
        gsi1pk: keys::GENERATIONS.to_owned(),
        gsi1sk: keys::generation_since(since, collection, generation),
    };
    row(&key, "generation", &value)
}

/// The legs that make a finished generation the one that readers see, and keep the one before for its time.
pub(crate) fn switch_legs(head: &Head, generation: &GenerationId, now: Timestamp) -> Result<Vec<Leg>, Error> {
    Ok(vec![
        Leg::delete(keys::generation(&head.collection, generation)).when("attribute_exists(pk)"),
        Leg::put(generation_item(&head.collection, &head.generation, now + REPLACED)?),
    ])
}

/// A collection's item in the list of its workspace.
pub(crate) fn listed_item(head: &Head) -> Result<Item, Error> {
    let listed = Listed {
        collection: head.collection.clone(),
        name: head.name.clone(),
        workspace: head.workspace.clone(),
        team: head.team,
        owner: head.owner,
        created_at: head.created_at,
        updated_at: head.updated_at,
        count: head.count,
        seq: head.seq,
        everyone: head.everyone,
        groups: head.groups.clone(),
        access: head.access,
        tags: head.tags.clone(),
        fork: head.fork.clone(),
        public: false,
    };
    row(&keys::listed(&head.workspace, &head.collection), "listed", &listed)
}

/// What a whole replacement is based on, and what it did.
#[derive(Debug)]
pub enum Replaced {
    /// It is there; the head as it is now.
    Done(Box<Head>),
    /// The collection has changed since the revision that the author saw. Carries the current one.
    Stale(u64),
}

fn last_key(elements: &[Element]) -> Option<String> {
    elements.iter().map(|element| element.order.clone()).max()
}

fn root_element(collection: &CollectionId, json: String, origin: Option<String>, revision: u64) -> Result<Element, Error> {
    let id: ElementId = collection.as_str().parse().map_err(|rejected: domain::Rejected| Error::Failed(rejected.0))?;
    let mut root = Element::new(id, None, Kind::Collection, String::new(), json);
    root.revision = revision;
    root.origin = origin;
    Ok(root)
}

impl Store {
    /// Writes down that a generation is begun, before it is.
    pub(crate) async fn begin_generation(&self, collection: &CollectionId, generation: &GenerationId, now: Timestamp) -> Result<(), Error> {
        self.put_when(generation_item(collection, generation, now)?, None, Item::new()).await.map(drop)
    }

    /// Packs and writes side by side.
    pub(crate) async fn write_generation(
        &self,
        head: &CollectionId,
        generation: &GenerationId,
        root: &Element,
        all: &Arc<[Element]>,
    ) -> Result<(), Error> {
        let (own, elements, to) = (root.clone(), Arc::clone(all), (head.clone(), generation.clone()));
        let index = move || search::items(&to.0, &to.1, &Index::of(&own, elements.iter()));
        let index = tokio::task::spawn_blocking(index).await.map_err(|error| Error::Failed(error.to_string()))??;
        let mut first = elements::items(&keys::root(head, generation), root)?;
        first.extend(index);
        self.write_all(first).await?;
        let steps = (0..all.len()).step_by(WRITTEN_TOGETHER).map(|from| {
            let (all, head, generation) = (Arc::clone(all), head.clone(), generation.clone());
            async move {
                let pack = move || {
                    let some = all.iter().skip(from).take(WRITTEN_TOGETHER);
                    some.map(|element| elements::items(&keys::element(&head, &generation, &element.id), element)).collect()
                };
                let packed: Result<Vec<Vec<Item>>, Error> =
                    tokio::task::spawn_blocking(pack).await.map_err(|error| Error::Failed(error.to_string()))?;
                self.write_all(packed?.concat()).await
            }
        });
        futures::stream::iter(steps).buffer_unordered(STEPS_AT_ONCE).try_collect().await
    }

    /// Makes a collection in a workspace; its maker is subscribed to it.
    pub async fn create_collection(
        &self,
        by: &Access<CreateCollection>,
        parsed: Parsed,
        new_ids: (CollectionId, GenerationId),
        now: Timestamp,
    ) -> Result<Head, Error> {
        self.create_as(by, parsed, new_ids, None, now).await
    }

    /// Makes a collection, as a fork where it is one.
    pub(crate) async fn create_as(
        &self,
        by: &Access<CreateCollection>,
        parsed: Parsed,
        new_ids: (CollectionId, GenerationId),
        fork: Option<(ForkOf, GenerationId)>,
        now: Timestamp,
    ) -> Result<Head, Error> {
        let (collection, generation) = new_ids;
        let caller = &by.caller;
        if let Some(head) = caller.done().and_then(|done| done.head.clone()) {
            return Ok(head);
        }
        let mut head = Head {
            collection: collection.clone(),
            workspace: by.thing.id.clone(),
            team: by.thing.team,
            owner: caller.user,
            name: parsed.name,
            seq: 1,
            generation: generation.clone(),
            count: parsed.elements.len() as u64,
            everyone: None,
            groups: BTreeMap::new(),
            room: by.thing.room.clone(),
            access: 0,
            created_at: now,
            updated_at: now,
            updated_by: caller.user,
            last: last_key(&parsed.elements),
            shards: one_shard(),
            deleted_at: None,
            tags: Vec::new(),
            sweeping: Vec::new(),
            fork: fork.as_ref().map(|(of, _)| of.clone()),
        };
        let mut all = parsed.elements;
        all.iter_mut().for_each(|element| element.revision = 1);
        let all: Arc<[Element]> = all.into();
        let root = root_element(&collection, parsed.root, parsed.origin, 1)?;
        let marker = keys::generation(&collection, &generation);
        self.begin_generation(&collection, &generation, now).await?;
        self.write_generation(&collection, &generation, &root, &all).await?;
        if let Some((_, base)) = &fork {
            self.begin_generation(&collection, base, now).await?;
            self.write_generation(&collection, base, &root, &all).await?;
        }
        let change = Change {
            collection: collection.clone(),
            seq: 1,
            op: if all.is_empty() { Op::Create } else { Op::Import },
            item: None,
            actor: caller.actor(),
            at: now,
            client: caller.client.clone(),
            base: None,
            changes: Vec::new(),
            moved: None,
            counts: Some(Counts { created: head.count, ..Counts::default() }),
            merged: None,
            omitted: false,
            past: Past::default(),
        };
        let mut patience = self.patience();
        loop {
            let mut legs = vec![
                Leg::create(row(&keys::head(&collection), "head", &head)?).or(Conflict::IdTaken),
                Leg::put(listed_item(&head)?),
                Leg::delete(marker.clone()).when("attribute_exists(pk)").or(Conflict::CollectionGone),
            ];
            legs.extend(changes::items(&head, &change)?.into_iter().map(Leg::create));
            if let Some((of, base)) = &fork {
                legs.extend(forks::legs(&head, of, base)?);
            }
            if let Some(once) = &caller.once {
                let mut kept = once::legs(caller.user, once, Done::head(&head), now)?.into_iter();
                legs.extend(kept.next().map(|leg| leg.or(Conflict::UnderWay)));
                legs.extend(kept);
            }
            legs.extend(subscriptions::legs(&head, caller, None, subscriptions::Wish::default(), 0, now)?);
            if by.thing.team.is_some() {
                // The head says who is let in as the workspace says it now.
                legs.push(workspaces::same_room(&Workspace { room: head.room.clone(), ..by.thing.clone() }));
            }
            if let Ended::Committed = self.transact(&legs).await? {
                self.memory.saw(&collection, &generation);
                return Ok(head);
            }
            patience.wait().await?;
            let there = self.workspace(&by.thing.id).await?.filter(|workspace| !workspace.closing).ok_or(Conflict::WorkspaceGone)?;
            let still = Access::<CreateCollection>::check(caller.clone(), there, None).map_err(|_| Conflict::WorkspaceGone)?;
            head.room = still.thing.room;
        }
    }

    /// Replaces everything in a collection. Ids that match are kept; elements that stay the same keep their revision, and
    /// where all do, nothing is written.
    pub async fn replace_collection(
        &self,
        by: &Access<EditCollection>,
        parsed: Parsed,
        seen: Option<u64>,
        mut new_generation: impl FnMut() -> GenerationId + Send,
        now: Timestamp,
    ) -> Result<Replaced, Error> {
        if let Some(head) = by.caller.done().and_then(|done| done.head.clone()) {
            return Ok(Replaced::Done(Box::new(head)));
        }
        let mut writing = Writing::start(self, by).await;
        loop {
            if seen.is_some_and(|seen| seen != writing.head.seq) {
                return Ok(Replaced::Stale(writing.head.seq));
            }
            let head = writing.head.clone();
            let seq = head.seq + 1;
            let old = self.whole(&head).await?;
            let (root, all, counts) = compare(&head, &old, &parsed, seq)?;
            if root.revision != seq && counts.unchanged == head.count && order_of(&old.elements) == order_of(&all) {
                return Ok(Replaced::Done(Box::new(head)));
            }
            let all: Arc<[Element]> = all.into();
            let generation = new_generation();
            self.begin_generation(&head.collection, &generation, now).await?;
            self.write_generation(&head.collection, &generation, &root, &all).await?;
            let mut plan = Plan::new(Op::Import, None, &by.caller, now);
            plan.counts = Some(counts);
            plan.effect.added = i64::try_from(all.len()).unwrap_or(i64::MAX) - i64::try_from(head.count).unwrap_or(i64::MAX);
            plan.effect.name = (parsed.name != head.name).then(|| parsed.name.clone());
            plan.effect.last = last_key(&all);
            plan.effect.generation = Some(generation.clone());
            plan.past.generation = Some(head.generation.clone());
            plan.legs = switch_legs(&head, &generation, now)?;
            plan.remember(|| Done::head(&Head { seq, name: parsed.name.clone(), ..head.clone() }))?;
            if let Tried::Done = writing.commit(plan).await? {
                self.memory.saw(&head.collection, &generation);
                return Ok(Replaced::Done(Box::new(writing.head)));
            }
        }
    }

    /// One collection as its workspace lists it.
    pub async fn listed_one(&self, by: &Access<ReadCollection>) -> Result<Option<Listed>, Error> {
        self.get(&keys::listed(&by.thing.workspace, &by.thing.collection)).await?.map(read).transpose()
    }

    /// The collections of a workspace that the caller may see, by id. One page of 1 MB is about 3,000; another query
    /// only where roles were given in one of them.
    pub async fn listed(&self, by: &Access<ReadWorkspace>) -> Result<Vec<Listed>, Error> {
        let items = self.all(&Range::prefix(keys::workspace_partition(&by.thing.id), keys::COLLECTIONS)).await?;
        let mut listed = items.into_iter().map(read).collect::<Result<Vec<Listed>, _>>()?;
        let grants = match listed.iter().any(|listed| listed.access > 0) {
            true => self.grants_of(by.caller.user).await?,
            false => HashMap::new(),
        };
        let public = by.thing.visibility() == Visibility::Public;
        listed.iter_mut().for_each(|listed| listed.public = public && listed.everyone != Some(CollectionRole::None));
        listed.retain(|listed| {
            role_for(&by.caller, listed.audience(by.thing.room.as_ref()), grants.get(&listed.collection).copied()).is_some()
        });
        Ok(listed)
    }

    /// Brings a change into the list for eyes. An older change than the one that is there changes nothing.
    pub async fn note_change(&self, about: &changes::About, change: &Change) -> Result<(), Error> {
        let key = keys::listed(&about.workspace, &about.collection);
        let values = values([(":seq", n(change.seq)), (":at", s(change.at)), (":count", n(about.count))]);
        self.update_when(&key, "SET #seq = :seq, #updated_at = :at, #count = :count", "attribute_exists(pk) AND #seq < :seq", values)
            .await?;
        Ok(())
    }

    /// Removes generations that were never finished or were replaced long ago. Gives how many.
    pub async fn remove_generations(&self, now: Timestamp) -> Result<usize, Error> {
        let before = keys::generations_before(now - UNFINISHED);
        let mut removed = 0;
        for item in self.all(&Range::below(keys::GENERATIONS.to_owned(), before).in_index()).await? {
            let Some(key) = crate::key_of(&item) else { continue };
            // The index is for eyes: the item itself decides, and the head of the collection.
            let Some(item) = self.get(&key).await? else { continue };
            let Generation { collection, generation, .. } = read(item)?;
            let head: Option<Head> = self.get(&keys::head(&collection)).await?.map(read).transpose()?;
            let used = head.is_some_and(|head| head.generation == generation) || self.is_common(&collection, &generation).await?;
            if used {
                self.delete_when(&key, None, Item::new()).await?;
                continue;
            }
            let partition = keys::collection_partition(&collection);
            for prefix in [keys::elements(&generation), keys::element_parts(&generation), keys::index_prefix(&generation)] {
                let found = self.all(&Range::prefix(partition.clone(), prefix)).await?;
                let found: Vec<_> = found.iter().filter_map(crate::key_of).collect();
                self.delete_all(&found).await?;
            }
            // Only now: a crash above is found again.
            self.delete_when(&key, Some("#kind = :kind"), values([(":kind", AttributeValue::S("generation".to_owned()))])).await?;
            removed += 1;
        }
        Ok(removed)
    }
}

/// Whether two elements read the same. An id that we added when it was read makes no difference.
fn looks_same(old: &Element, new: &Element) -> bool {
    if old.origin != new.origin {
        return false;
    }
    json::same(&old.json, &new.json) || json::same(&format::one(old), &format::one(new))
}

/// Which element stands where.
fn order_of(elements: &[Element]) -> Vec<(&Option<ElementId>, &ElementId)> {
    let mut sorted: Vec<&Element> = elements.iter().collect();
    sorted.sort_by(|a, b| (&a.parent, &a.order, &a.id).cmp(&(&b.parent, &b.order, &b.id)));
    sorted.into_iter().map(|element| (&element.parent, &element.id)).collect()
}

/// The new elements beside the old ones: what is the same keeps its revision and its place.
fn compare(head: &Head, old: &Whole, parsed: &Parsed, seq: u64) -> Result<(Element, Vec<Element>, Counts), Error> {
    let before: HashMap<&ElementId, &Element> = old.elements.iter().map(|element| (&element.id, element)).collect();
    let mut counts = Counts::default();
    let mut all = parsed.elements.clone();
    for element in &mut all {
        element.revision = seq;
        // What comes in format 2.1 may be what was given out of an older file: it still is from there.
        if let (None, Some(old)) = (&element.origin, before.get(&element.id)) {
            element.origin.clone_from(&old.origin);
        }
        match before.get(&element.id) {
            None => counts.created += 1,
            Some(old) if old.kind == element.kind && old.parent == element.parent && looks_same(old, element) => {
                counts.unchanged += 1;
                element.revision = old.revision;
            }
            Some(_) => counts.updated += 1,
        }
    }
    counts.deleted = old.elements.len() as u64 - (counts.updated + counts.unchanged).min(old.elements.len() as u64);
    // What we show with our ids in it and get back like that is what it was.
    let shown = format::with_identity(&old.root.json, &head.collection, head.owner);
    let same = parsed.origin.as_ref().is_none_or(|origin| old.root.origin.as_ref() == Some(origin))
        && (json::same(&old.root.json, &parsed.root) || json::same(&shown, &parsed.root));
    let origin = parsed.origin.clone().or_else(|| old.root.origin.clone());
    let root = match same {
        true => old.root.clone(),
        false => root_element(&head.collection, parsed.root.clone(), origin, seq)?,
    };
    debug_assert!(all.len() <= limit::ELEMENTS);
    Ok((root, all, counts))
}

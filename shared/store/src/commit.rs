//! One change of a collection: the head goes from n to n+1, change n+1 is recorded, the elements change, all in one
//! transaction. Somebody who wrote meanwhile makes a leg fail; the caller then plans again on what is there now.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::access::{Access, Caller, Permission};
use domain::change::{Change, Counts, ItemRef, Moved, Op, Past};
use domain::collection::{Element, Head};
use domain::ids::{ElementId, GenerationId};
use domain::merge::{self, FieldChange};
use domain::once::Done;
use domain::{format, json, limit};
use jiff::Timestamp;
use tokio::sync::OwnedMutexGuard;

use crate::keys::Key;
use crate::queue::Last;
use crate::transact::{Ended, Leg};
use crate::{Conflict, Error, Item, Patience, Store, access, changes, codec, elements, keys, n, once, read, s};

/// What a change does to the head beside its number.
#[derive(Debug, Default)]
pub(crate) struct Effect {
    pub(crate) added: i64,
    pub(crate) name: Option<String>,
    pub(crate) last: Option<String>,
    pub(crate) generation: Option<GenerationId>,
    pub(crate) deleted: bool,
    /// A deleted folder whose content is marked behind the transaction.
    pub(crate) sweeping: Option<ElementId>,
}

impl Effect {
    /// Adds another change's effect, and brings it into the head.
    fn take_in(&mut self, other: Effect, head: &mut Head) {
        self.added += other.added;
        head.count = head.count.saturating_add_signed(other.added);
        if let Some(name) = other.name {
            head.name.clone_from(&name);
            self.name = Some(name);
        }
        if let Some(last) = other.last {
            head.last = Some(last.clone());
            self.last = Some(last);
        }
        if let Some(generation) = other.generation {
            head.generation = generation.clone();
            self.generation = Some(generation);
        }
        if let Some(folder) = other.sweeping {
            head.sweeping.push(folder.clone());
            self.sweeping = Some(folder);
        }
        if other.deleted {
            head.deleted_at = Some(head.updated_at);
            self.deleted = true;
        }
    }
}

/// The leg that takes the head from its number to a later one, unless somebody else did.
fn advance(before: &Head, after: &Head, effect: &Effect) -> Leg {
    let mut set = "SET #seq = :new, #updated_at = :at, #updated_by = :by, #count = #count + :added".to_owned();
    let more = [
        ("name", effect.name.clone()),
        ("last", effect.last.clone()),
        ("generation", effect.generation.as_ref().map(GenerationId::to_string)),
        ("deleted_at", effect.deleted.then(|| after.updated_at.to_string())),
    ];
    let more: Vec<(&str, String)> = more.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    for (name, _) in &more {
        set.push_str(&format!(", #{name} = :set_{name}"));
    }
    if effect.sweeping.is_some() {
        set.push_str(", #sweeping = :sweeping");
    }
    let leg = Leg::update(keys::head(&before.collection), set)
        .when("#seq = :old AND #generation = :in AND attribute_not_exists(#deleted_at)")
        .and(access::same_audience(before))
        .number(":old", before.seq)
        .number(":new", after.seq)
        .number(":by", after.updated_by)
        .number(":added", effect.added)
        .text(":at", after.updated_at.to_string())
        .text(":in", before.generation.as_str());
    let leg = match effect.sweeping {
        Some(_) => leg.value(":sweeping", AttributeValue::L(after.sweeping.iter().map(s).collect())),
        None => leg,
    };
    more.into_iter().fold(leg, |leg, (name, value)| leg.text(&format!(":set_{name}"), value))
}

/// A planned change, with the legs of its elements; the head's and the record's are added when it is committed.
pub(crate) struct Plan {
    pub(crate) op: Op,
    pub(crate) item: Option<ItemRef>,
    pub(crate) caller: Caller,
    pub(crate) at: Timestamp,
    pub(crate) base: Option<u64>,
    pub(crate) changes: Vec<FieldChange>,
    pub(crate) moved: Option<Moved>,
    pub(crate) counts: Option<Counts>,
    pub(crate) merged: Option<String>,
    pub(crate) effect: Effect,
    pub(crate) past: Past,
    pub(crate) legs: Vec<Leg>,
    /// Which of the legs keeps the answer, so that the request is done once.
    once: Option<usize>,
}

impl Plan {
    pub(crate) fn new(op: Op, element: Option<&Element>, caller: &Caller, at: Timestamp) -> Plan {
        Plan {
            op,
            item: element.map(ItemRef::from),
            caller: caller.clone(),
            at,
            base: None,
            changes: Vec::new(),
            moved: None,
            counts: None,
            merged: None,
            effect: Effect::default(),
            past: Past::default(),
            legs: Vec::new(),
            once: None,
        }
    }

    /// From one JSON of an element to another.
    pub(crate) fn changes(&mut self, before: &str, after: &str) {
        self.changes = merge::diff(before, after);
        let back = merge::undo(after, &self.changes);
        self.past.before = back.is_none_or(|back| !json::same(&back, before)).then(|| before.to_owned());
    }

    /// The change, under the number of the head after it.
    pub(crate) fn change(&self, after: &Head) -> Change {
        Change {
            collection: after.collection.clone(),
            seq: after.seq,
            op: self.op,
            item: self.item.clone(),
            actor: self.caller.actor(),
            at: self.at,
            client: self.caller.client.clone(),
            base: self.base,
            changes: self.changes.clone(),
            moved: self.moved.clone(),
            counts: self.counts,
            merged: self.merged.clone(),
            omitted: false,
            past: self.past.clone(),
        }
    }

    /// The element's JSON before this change, from the one after it.
    pub(crate) fn before(&self, after: &str) -> Option<String> {
        self.past.before.clone().or_else(|| merge::undo(after, &self.changes))
    }

    /// Keeps what comes of the caller's request, where it says how it is known again.
    pub(crate) fn remember(&mut self, done: impl FnOnce() -> Done) -> Result<(), Error> {
        if let Some(request) = &self.caller.once {
            self.once = Some(self.legs.len());
            self.legs.extend(once::legs(self.caller.user, request, done(), self.at)?);
        }
        Ok(())
    }

    /// The place of the leg that fails where the request was done by somebody faster.
    pub(crate) fn once(&self) -> Option<usize> {
        self.once
    }
}

/// The places of the legs that keep answers, among the legs of all plans.
pub(crate) fn places_of_once(plans: &[Plan]) -> Vec<usize> {
    let mut before = 0;
    let mut places = Vec::new();
    for plan in plans {
        places.extend(plan.once.map(|once| before + once));
        before += plan.legs.len();
    }
    places
}

/// What became of a try to commit.
pub(crate) enum Tried {
    Done,
    /// Somebody wrote meanwhile. The legs of elements that failed, by their place among all of them, with what is there now.
    Again(HashMap<usize, Option<Item>>),
}

/// The turn among this process's writers of a collection, and the collection's head as far as it is known.
pub(crate) struct Writing {
    pub(crate) store: Store,
    pub(crate) head: Head,
    pub(crate) turn: OwnedMutexGuard<Last>,
    patience: Patience,
}

impl Writing {
    /// Waits for the turn.
    pub(crate) async fn start<P: Permission<Thing = Head>>(store: &Store, by: &Access<P>) -> Writing {
        Writing::with(store, &by.thing, store.memory.turn(&by.thing.collection).await)
    }

    /// Starts from the newest head that this process knows.
    pub(crate) fn with(store: &Store, read: &Head, turn: OwnedMutexGuard<Last>) -> Writing {
        let head = turn.head.as_ref().filter(|last| read.seq < last.seq).unwrap_or(read).clone();
        Writing { store: store.clone(), head, turn, patience: store.patience() }
    }

    pub(crate) fn next_seq(&self) -> u64 {
        self.head.seq + 1
    }

    /// Commits one change.
    pub(crate) async fn commit(&mut self, plan: Plan) -> Result<Tried, Error> {
        let once = plan.once();
        match self.commit_all(vec![plan]).await? {
            Tried::Again(failed) if once.is_some_and(|once| failed.contains_key(&once)) => Err(Conflict::UnderWay.into()),
            tried => Ok(tried),
        }
    }

    /// Commits changes of different elements, numbered in their order, together or not at all.
    pub(crate) async fn commit_all(&mut self, plans: Vec<Plan>) -> Result<Tried, Error> {
        let before = self.head.clone();
        let mut after = self.head.clone();
        let mut effect = Effect::default();
        let mut legs = Vec::new();
        let mut records = Vec::new();
        for mut plan in plans {
            after.seq += 1;
            after.updated_at = plan.at;
            after.updated_by = plan.caller.user;
            effect.take_in(std::mem::take(&mut plan.effect), &mut after);
            let change = plan.change(&after);
            legs.extend(plan.legs);
            records.extend(changes::items(&after, &change)?.into_iter().map(Leg::create));
        }
        let mut all = vec![advance(&before, &after, &effect)];
        all.append(&mut legs);
        if effect.name.is_some() {
            // The list for eyes has the name, too.
            let listed = keys::listed(&after.workspace, &after.collection);
            all.push(Leg::update(listed, "SET #name = :name").when("attribute_exists(pk)").text(":name", after.name.clone()));
        }
        all.extend(records);
        match self.store.transact(&all).await? {
            Ended::Committed => {
                self.head = after.clone();
                self.turn.head = Some(after);
                Ok(Tried::Done)
            }
            Ended::MovedOn(mut failed) => {
                let head = match failed.remove(&0) {
                    Some(None) => return Err(Conflict::CollectionGone.into()),
                    found => found.flatten(),
                };
                let clashed = head.is_some() || failed.is_empty();
                self.refresh(head).await?;
                if clashed {
                    // Another process writes to the same collection.
                    self.patience.wait().await?;
                } else {
                    self.patience.check()?;
                }
                Ok(Tried::Again(failed.into_iter().map(|(leg, item)| (leg - 1, item)).collect()))
            }
        }
    }

    async fn refresh(&mut self, item: Option<Item>) -> Result<(), Error> {
        let item = match item {
            Some(item) => Some(item),
            None => self.store.get(&keys::head(&self.head.collection)).await?,
        };
        let head: Head = read(item.ok_or(Conflict::CollectionGone)?)?;
        if head.deleted_at.is_some() {
            return Err(Conflict::CollectionGone.into());
        }
        self.head = head;
        Ok(())
    }
}

/// Counts of an element's stored parts: the packing is the same every time.
fn stored_parts(text: &str) -> usize {
    let packed = codec::pack(text).len();
    if packed <= limit::PART_BYTES { 0 } else { packed.div_ceil(limit::PART_BYTES) }
}

/// The legs that write `next` where `current` is, or where nothing is; as deleted by a change where one is named.
pub(crate) fn write_legs(key: &Key, current: Option<&Element>, next: &Element, deleted: Option<u64>) -> Result<Vec<Leg>, Error> {
    let mut items = elements::items(key, next)?.into_iter();
    let mut item = items.next().unwrap_or_default();
    if let Some(seq) = deleted {
        item.insert("deleted".to_owned(), n(seq));
    }
    let first = Leg::put(item);
    let first = match current {
        Some(current) => first.when("#revision = :seen AND attribute_not_exists(#deleted)").number(":seen", current.revision),
        None => first.when("attribute_not_exists(pk)").or(Conflict::ElementExists),
    };
    let old = current.map_or(0, |current| stored_parts(&elements::stored(current)));
    let stale = current.map_or(0, |current| current.revision);
    Ok(std::iter::once(first)
        .chain(items.map(Leg::put))
        .chain((0..old).map(|part| Leg::delete(keys::element_part(key, stale, part))))
        .collect())
}

pub(crate) fn too_long(text: &str) -> bool {
    text.len() > limit::ELEMENT_STORED_BYTES && codec::pack(text).len() > limit::ELEMENT_STORED_BYTES
}

/// The name in a collection's own JSON.
pub(crate) fn root_name(own: &str) -> Option<String> {
    format::name_of(own)
}

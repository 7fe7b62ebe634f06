//! Adding more elements than a transaction takes. What stands in the new one is written first: nobody sees it, because it
//! stands in something that is not there. One transaction then puts the new one there, with all of it.

use std::collections::{HashMap, HashSet};

use domain::access::{Access, EditCollection};
use domain::collection::{Element, Head};
use domain::ids::{CollectionId, ElementId, GenerationId};
use domain::limit;
use domain::once::Done;
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::commit::{Tried, Writing, too_long, write_legs};
use crate::edits::{creation, order_key};
use crate::keys::Key;
use crate::transact::Leg;
use crate::{Conflict, Error, Item, Range, Store, codec, elements, key_of, keys, read, row};

/// Transactions that are under way together.
const AT_ONCE: usize = 4;
/// The JSON of one of them: a transaction takes 4 MB.
const BYTES: usize = 3 * limit::ELEMENT_STORED_BYTES;
/// An addition that was not finished for this long will not be.
const UNFINISHED: SignedDuration = SignedDuration::from_hours(1);

/// A request that was begun longer ago than this is over, however it ended.
const ANSWERED: SignedDuration = SignedDuration::from_mins(2);

/// An addition that was begun.
#[derive(Serialize, Deserialize)]
struct Begun {
    collection: CollectionId,
    generation: GenerationId,
    top: ElementId,
    gsi1pk: String,
    gsi1sk: String,
}

/// Whether elements are more than one transaction takes.
pub(crate) fn is_large(all: &[Element]) -> bool {
    all.len() > limit::DELETE_AT_ONCE || all.iter().map(|element| element.json.len()).sum::<usize>() > BYTES
}

/// The leg that goes with an element ahead of which what stands in it was written: nothing of that was taken back.
pub(crate) fn written_ahead(head: &Head, top: &ElementId) -> Leg {
    Leg::delete(keys::addition(&head.collection, &head.generation, top)).when("attribute_exists(pk)")
}

/// Elements in steps of which each fits into a transaction.
fn steps(all: &[Element]) -> Vec<&[Element]> {
    let mut steps = Vec::new();
    let (mut from, mut bytes, mut legs) = (0, 0, 0);
    for (at, element) in all.iter().enumerate() {
        let parts = 1 + element.json.len() / limit::PART_BYTES;
        if from < at && (bytes + element.json.len() > BYTES || legs + parts > limit::DELETE_AT_ONCE) {
            steps.push(&all[from..at]);
            (from, bytes, legs) = (at, 0, 0);
        }
        bytes += element.json.len();
        legs += parts;
    }
    steps.push(&all[from..]);
    steps
}

impl Store {
    /// Puts many new elements there, as [`Store::add`] does a few.
    pub(crate) async fn add_many(
        &self,
        by: &Access<EditCollection>,
        mut all: Vec<Element>,
        after: Option<Option<&ElementId>>,
        now: Timestamp,
    ) -> Result<Element, Error> {
        self.write_ahead(&by.thing, &mut all, by.thing.seq + 1, now).await?;
        let seen = self.show(by, all.clone(), after, now).await;
        if let Err(Error::Conflict(_)) = seen {
            self.take_back(&by.thing, &all[0].id).await?;
        }
        seen
    }

    /// Writes new elements but the first, which nobody sees before that one is there; with it goes [`written_ahead`].
    /// `seq` is the number that the change probably gets: a later one makes no difference to anybody.
    pub(crate) async fn write_ahead(&self, head: &Head, all: &mut [Element], seq: u64, now: Timestamp) -> Result<(), Error> {
        if all.iter().any(|element| too_long(&element.json)) {
            return Err(Conflict::ElementTooLong.into());
        }
        let ids: HashSet<&ElementId> = all.iter().map(|element| &element.id).collect();
        if all.len() + usize::try_from(head.count).unwrap_or(usize::MAX) > limit::ELEMENTS {
            return Err(Conflict::TooManyElements.into());
        }
        if ids.len() < all.len() {
            return Err(Conflict::ElementExists.into());
        }
        all.iter_mut().for_each(|element| element.revision = seq);
        let (top, rest) = all.split_first().ok_or(Conflict::ElementGone)?;
        let mark = keys::addition(&head.collection, &head.generation, &top.id);
        let begun = Begun {
            collection: head.collection.clone(),
            generation: head.generation.clone(),
            top: top.id.clone(),
            gsi1pk: keys::ADDITIONS.to_owned(),
            gsi1sk: keys::addition_since(now, &head.collection, &top.id),
        };
        if let Some(before) = self.get(&mark).await? {
            let before: Begun = read(before)?;
            if keys::due(now - ANSWERED) < before.gsi1sk {
                return Err(Error::Busy);
            }
            self.remove_addition(&head.collection, &head.generation, &top.id, &mark).await?;
        }
        // Whoever adds the same at the same time is not to take away what is written here.
        if !self.put_when(row(&mark, "addition", &begun)?, Some("attribute_not_exists(pk)"), Item::new()).await? {
            return Err(Error::Busy);
        }
        let mut legs = Vec::new();
        for step in steps(rest).into_iter().filter(|step| !step.is_empty()) {
            // In something that is there they would be seen.
            let absent = Leg::check(elements::key(head, &top.id)).when("attribute_not_exists(pk)").or(Conflict::ElementExists);
            let mut together = vec![absent];
            for element in step {
                together.extend(write_legs(&elements::key(head, &element.id), None, element, None)?);
            }
            legs.push(together);
        }
        let written = futures::stream::iter(legs.into_iter().map(|legs| async move { self.commit(&legs).await }))
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        // All have ended: nothing is written any more behind what is taken back.
        let written = written.into_iter().collect::<Result<(), _>>();
        if let Err(Error::Conflict(_)) = written {
            self.take_back(head, &top.id).await?;
        }
        written
    }

    /// Removes what was written ahead of an element that will not be. What was there before under one of its ids stays.
    pub(crate) async fn take_back(&self, head: &Head, top: &ElementId) -> Result<(), Error> {
        let mark = keys::addition(&head.collection, &head.generation, top);
        self.remove_addition(&head.collection, &head.generation, top, &mark).await
    }

    /// Puts the first of them there, and with it all.
    async fn show(
        &self,
        by: &Access<EditCollection>,
        mut all: Vec<Element>,
        after: Option<Option<&ElementId>>,
        now: Timestamp,
    ) -> Result<Element, Error> {
        let mut writing = Writing::start(self, by).await;
        loop {
            if writing.head.generation != by.thing.generation {
                // Somebody replaced the whole collection meanwhile.
                return Err(Error::Busy);
            }
            let Some(top) = all.first_mut() else { return Err(Conflict::ElementGone.into()) };
            self.check_parent(&writing.head, top.parent.as_ref(), top.kind).await?;
            let whole = match after {
                Some(_) => Some(self.whole(&writing.head).await?),
                None => None,
            };
            let siblings = whole.iter().flat_map(|whole| whole.elements.iter());
            let (order, last) = order_key(writing.head.last.as_deref(), siblings, &top.parent, top.kind, after)?;
            top.order = order;
            let (mut plan, top) = creation(&by.caller, &mut all, last, writing.next_seq(), now)?;
            plan.legs = write_legs(&elements::key(&writing.head, &top.id), None, &top, None)?;
            plan.legs.push(written_ahead(&writing.head, &top.id));
            plan.remember(|| Done::element(&top, false))?;
            if let Tried::Done = writing.commit(plan).await? {
                return Ok(top);
            }
        }
    }

    /// Removes what was written for an addition that never was seen. Only what stands in it, and nothing that is there.
    async fn remove_addition(
        &self,
        collection: &CollectionId,
        generation: &GenerationId,
        top: &ElementId,
        mark: &Key,
    ) -> Result<(), Error> {
        let all = self.all(&Range::prefix(keys::collection_partition(collection), keys::elements(generation))).await?;
        let items: HashMap<ElementId, Item> =
            all.into_iter().filter_map(|item| Some((item.get("id")?.as_s().ok()?.parse().ok()?, item))).collect();
        let parent =
            |item: &Item| item.get("parent").and_then(|parent| parent.as_s().ok()).and_then(|parent| parent.parse::<ElementId>().ok());
        let stands_in_it = |item: &Item| {
            let mut above = parent(item);
            for _ in 0..items.len() {
                match &above {
                    Some(id) if id == top => return true,
                    Some(id) => above = items.get(id).and_then(parent),
                    None => return false,
                }
            }
            false
        };
        let mut gone = Vec::new();
        if !items.contains_key(top) {
            for item in items.values().filter(|item| !elements::is_deleted(item) && stands_in_it(item)) {
                let Some(key) = key_of(item) else { continue };
                let revision = item.get("revision").and_then(|n| n.as_n().ok()).and_then(|n| n.parse().ok()).unwrap_or(0);
                gone.extend((0..codec::parts(item)).map(|part| keys::element_part(&key, revision, part)));
                gone.push(key);
            }
        }
        self.delete_all(&gone).await?;
        self.delete_when(mark, None, Item::new()).await.map(drop)
    }

    /// Removes what was written for additions that were never finished. Gives how many.
    pub async fn remove_additions(&self, now: Timestamp) -> Result<usize, Error> {
        let mut removed = 0;
        let due = Range::below(keys::ADDITIONS.to_owned(), keys::due(now - UNFINISHED)).in_index();
        for item in self.all(&due).await? {
            let Some(key) = key_of(&item) else { continue };
            // The index is for eyes: the item itself decides.
            let Some(item) = self.get(&key).await? else { continue };
            let Begun { collection, generation, top, .. } = read(item)?;
            let head: Option<Head> = self.get(&keys::head(&collection)).await?.map(read).transpose()?;
            match head.filter(|head| head.generation == generation) {
                Some(_) => self.remove_addition(&collection, &generation, &top, &key).await?,
                // Its generation goes as a whole.
                None => drop(self.delete_when(&key, None, Item::new()).await?),
            }
            removed += 1;
        }
        Ok(removed)
    }
}

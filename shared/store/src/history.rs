//! The history: what happened to an element, and what a collection was at any of its numbers.

use std::collections::HashMap;

use domain::access::{Access, ReadCollection};
use domain::change::{Change, Op};
use domain::collection::{Element, Head, Kind};
use domain::ids::{CollectionId, ElementId, GenerationId};
use domain::limit;
use jiff::{SignedDuration, Timestamp};

use crate::elements::{self, Whole};
use crate::{Conflict, Error, Item, Range, Store, codec, key_of, keys, read};

/// Everything in a generation, with what was deleted and by which change.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) root: Element,
    pub(crate) elements: HashMap<ElementId, (Element, Option<u64>)>,
}

pub(crate) fn deleted_by(item: &Item) -> Option<u64> {
    item.get("deleted")?.as_n().ok()?.parse().ok()
}

impl State {
    /// What was there: not deleted, and in nothing that was.
    pub(crate) fn alive(self) -> Whole {
        let there = self.elements.into_values().filter(|(_, deleted)| deleted.is_none());
        Whole { root: self.root, elements: there.map(|(element, _)| element).collect() }.without_orphans()
    }

    fn element(&mut self, change: &Change) -> Result<&mut Element, Error> {
        let lost = || Error::Failed(format!("change {} of {} is of an element that is not there", change.seq, change.collection));
        let id = &change.item.as_ref().ok_or_else(lost)?.id;
        if *id == self.root.id {
            return Ok(&mut self.root);
        }
        self.elements.get_mut(id).map(|(element, _)| element).ok_or_else(lost)
    }

    /// Goes back behind a change.
    fn undo(&mut self, change: &Change) -> Result<(), Error> {
        let base = change.base.unwrap_or(0);
        match (change.op, &change.item) {
            (Op::Update, _) => {
                let element = self.element(change)?;
                let before = change.before(&element.json);
                let before = before.ok_or_else(|| Error::Failed(format!("change {} did not lead to what is there", change.seq)))?;
                *element = Element { revision: base, ..element.with_json(before) };
            }
            (Op::Move, _) => {
                let element = self.element(change)?;
                if let Some(moved) = &change.moved {
                    element.parent.clone_from(&moved.from.parent);
                    element.order.clone_from(&moved.from.order);
                }
                element.revision = base;
            }
            // What was put there with it is an orphan then.
            (Op::Create, Some(item)) => drop(self.elements.remove(&item.id)),
            (Op::Delete, _) => {
                self.elements.values_mut().filter(|(_, deleted)| *deleted == Some(change.seq)).for_each(|(_, deleted)| *deleted = None);
            }
            (Op::Restore | Op::Import, _) => {
                for was in &change.past.elements {
                    match &was.element {
                        Some(element) if element.kind == Kind::Collection => {
                            self.root = Element { json: was.json.clone(), ..element.clone() }
                        }
                        Some(element) => {
                            let element = Element { json: was.json.clone(), ..element.clone() };
                            self.elements.insert(was.id.clone(), (element, was.deleted));
                        }
                        None => drop(self.elements.remove(&was.id)),
                    }
                }
            }
            // The collection itself. (Of an import of all, the replaced generation is where going back starts.)
            (Op::Create, None) => (),
        }
        Ok(())
    }
}

impl Store {
    /// Everything in a generation, with what was deleted. `None`: it was removed.
    pub(crate) async fn state(&self, collection: &CollectionId, generation: &GenerationId) -> Result<Option<State>, Error> {
        let partition = keys::collection_partition(collection);
        let items = self.all(&Range::prefix(partition.clone(), keys::elements(generation))).await?;
        let parts = match items.iter().any(|item| codec::parts(item) > 0) {
            true => self.all(&Range::prefix(partition, keys::element_parts(generation))).await?,
            false => Vec::new(),
        };
        let parts: HashMap<_, Item> = parts.into_iter().filter_map(|item| Some((key_of(&item)?, item))).collect();
        let root_key = keys::root(collection, generation);
        let mut root = None;
        let mut all = HashMap::with_capacity(items.len());
        for item in items {
            let Some(key) = key_of(&item) else { continue };
            let deleted = deleted_by(&item);
            let element = elements::decode(&key, item, |key| parts.get(key).and_then(codec::body).map(<[u8]>::to_vec))?;
            if key == root_key { root = Some(element) } else { drop(all.insert(element.id.clone(), (element, deleted))) }
        }
        Ok(root.map(|root| State { root, elements: all }))
    }

    /// A collection as it was after change `seq`.
    pub async fn at(&self, by: &Access<ReadCollection>, seq: u64, now: Timestamp) -> Result<Whole, Error> {
        Ok(self.state_at(&by.thing, seq, now).await?.alive())
    }

    pub(crate) async fn state_at(&self, head: &Head, seq: u64, now: Timestamp) -> Result<State, Error> {
        if seq == 0 || head.seq < seq {
            return Err(Conflict::NoSuchChange.into());
        }
        let kept = SignedDuration::from_hours(limit::TRASH_DAYS * 24);
        // The changes since, up to the first that replaced the whole generation: what it replaced is kept as it was.
        let mut generation = head.generation.clone();
        let mut since = Vec::new();
        let mut at = seq;
        'log: while at < head.seq {
            let page = self.log(&head.collection, at, limit::PAGE).await?;
            if page.is_empty() {
                break;
            }
            for change in page {
                at = change.seq;
                if head.seq < at {
                    break 'log;
                }
                let removes = change.op == Op::Delete || change.past.generation.is_some();
                if removes && change.at + kept <= now {
                    return Err(Conflict::HistoryGone.into());
                }
                if let Some(replaced) = &change.past.generation {
                    generation = replaced.clone();
                    break 'log;
                }
                since.push(change);
            }
        }
        let mut state = self.state(&head.collection, &generation).await?.ok_or(Conflict::HistoryGone)?;
        for change in since.iter().rev() {
            state.undo(change)?;
        }
        Ok(state)
    }

    /// What happened to an element (also a deleted one), the latest first: from change `from` on, or from its last.
    /// Gives where the next page begins, too.
    pub async fn history(
        &self,
        by: &Access<ReadCollection>,
        id: &ElementId,
        from: Option<u64>,
        limit: usize,
    ) -> Result<(Vec<Change>, Option<u64>), Error> {
        let head = &by.thing;
        let mut next = match from {
            Some(from) => Some(from),
            None => {
                let item = self.get(&elements::key(head, id)).await?.ok_or(Conflict::ElementGone)?;
                let deleted = deleted_by(&item);
                let element: Element = read(item)?;
                match deleted {
                    Some(seq) if self.change(&head.collection, seq).await?.is_some_and(|change| is_about(&change, id)) => Some(seq),
                    _ => Some(element.revision),
                }
            }
        };
        let mut found = Vec::new();
        while let (Some(seq), true) = (next, found.len() < limit) {
            let Some(change) = self.change(&head.collection, seq).await? else { return Ok((found, None)) };
            next = match &change.past.generation {
                _ if is_about(&change, id) => change.base,
                Some(replaced) => {
                    let replaced = Head { generation: replaced.clone(), ..head.clone() };
                    match self.get(&elements::key(&replaced, id)).await? {
                        Some(item) if deleted_by(&item).is_none() => Some(read::<Element>(item)?.revision),
                        _ => None,
                    }
                }
                None => {
                    let was = change.past.elements.iter().find(|was| was.id == *id);
                    was.and_then(|was| was.element.as_ref()).map(|element| element.revision)
                }
            };
            next = next.filter(|next| *next < seq);
            found.push(change);
        }
        Ok((found, next))
    }

    /// The latest changes of a collection before number `before`, the latest first.
    pub async fn changes_before(&self, by: &Access<ReadCollection>, before: u64, limit: usize) -> Result<Vec<Change>, Error> {
        let first = before.saturating_sub(limit as u64 + 1);
        let mut changes = self.log(&by.thing.collection, first, limit).await?;
        changes.retain(|change| change.seq < before);
        changes.reverse();
        Ok(changes)
    }

    /// One change by its number.
    pub async fn change_of(&self, by: &Access<ReadCollection>, seq: u64) -> Result<Option<Change>, Error> {
        self.change(&by.thing.collection, seq).await
    }
}

fn is_about(change: &Change, id: &ElementId) -> bool {
    change.item.as_ref().is_some_and(|item| item.id == *id)
}

//! Bringing back what was: an element, a folder, or the whole collection, as it was after an earlier change. That is a
//! change like any other: what it replaces stays in the history.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use domain::access::{Access, EditCollection};
use domain::change::{Counts, ItemRef, Op, Was};
use domain::collection::{Element, Head, Kind};
use domain::ids::{ElementId, GenerationId};
use domain::merge::{self, FieldChange};
use domain::once::Done;
use domain::{json, limit};
use jiff::Timestamp;

use crate::commit::{self, Plan, Tried, Writing, write_legs};
use crate::history::State;
use crate::transact::Leg;
use crate::{Conflict, Error, Store, edits, elements, imports, keys, n};

/// Elements that are brought back in one transaction; more of them become a new generation.
const TOGETHER: usize = 40;
/// Their JSON: what was there before stands in the change, too.
const TOGETHER_BYTES: usize = 1024 * 1024;

/// What an element is to become: there, or not there.
pub(crate) struct Wanted {
    pub(crate) put: Vec<Element>,
    pub(crate) removed: Vec<Element>,
}

impl Store {
    /// Brings back the state after change `seq`: of `item` with everything that stood in it, or of the whole collection.
    /// Gives the collection as it is then.
    pub async fn restore(
        &self,
        by: &Access<EditCollection>,
        seq: u64,
        item: Option<&ElementId>,
        mut new_generation: impl FnMut() -> GenerationId + Send,
        now: Timestamp,
    ) -> Result<Head, Error> {
        if let Some(head) = by.caller.done().and_then(|done| done.head.clone()) {
            return Ok(head);
        }
        let mut writing = Writing::start(self, by).await;
        loop {
            let head = writing.head.clone();
            self.sweep_folders(&head).await?;
            let then = self.state_at(&head, seq, now).await?.alive();
            let current = self.state(&head.collection, &head.generation).await?.ok_or(Conflict::CollectionGone)?;
            let wanted = wanted(&head, &current, &then.root, then.elements, item)?;
            if wanted.put.is_empty() && wanted.removed.is_empty() {
                return Ok(head);
            }
            let plan = Plan::new(Op::Restore, None, &by.caller, now);
            let mut plan = self.plan_all(plan, &head, &current, &wanted, item, &mut new_generation).await?;
            let after = after(&head, &plan);
            plan.remember(|| Done::head(&after))?;
            if let Tried::Done = writing.commit(plan).await? {
                return Ok(writing.head);
            }
        }
    }

    /// Plans that all that is wanted becomes so, in one change: of `item` where it is about one.
    pub(crate) async fn plan_all(
        &self,
        mut plan: Plan,
        head: &Head,
        current: &State,
        wanted: &Wanted,
        item: Option<&ElementId>,
        new_generation: &mut (impl FnMut() -> GenerationId + Send),
    ) -> Result<Plan, Error> {
        let now = plan.at;
        describe(&mut plan, head, current, wanted, item);
        let bytes: usize =
            plan.past.elements.iter().map(|was| was.json.len()).chain(wanted.put.iter().map(|element| element.json.len())).sum();
        if wanted.put.len() + wanted.removed.len() <= TOGETHER && bytes <= TOGETHER_BYTES {
            plan.legs = legs(head, current, wanted)?;
            for trashed in self.trashed(&head.collection).await? {
                if wanted.put.iter().any(|element| element.id == trashed.item.id) {
                    plan.legs.push(Leg::delete(keys::trashed(&head.collection, trashed.seq)));
                }
            }
        } else {
            // Too many for a transaction: as with an import, all of it anew, seen by nobody before it is complete.
            plan.past.elements.clear();
            let generation = new_generation();
            self.write_restored(head, current, wanted, &generation, now).await?;
            plan.past.generation = Some(head.generation.clone());
            plan.effect.generation = Some(generation.clone());
            plan.legs = imports::switch_legs(head, &generation, now)?;
        }
        Ok(plan)
    }

    /// Writes what the collection is to become as a generation that nobody sees yet.
    async fn write_restored(
        &self,
        head: &Head,
        current: &State,
        wanted: &Wanted,
        generation: &GenerationId,
        now: Timestamp,
    ) -> Result<(), Error> {
        let whole = current.clone().alive();
        let mut root = whole.root;
        let mut all: HashMap<ElementId, Element> = whole.elements.into_iter().map(|element| (element.id.clone(), element)).collect();
        for element in &wanted.removed {
            all.remove(&element.id);
        }
        for element in &wanted.put {
            if element.kind == Kind::Collection {
                root = element.clone();
            } else {
                all.insert(element.id.clone(), element.clone());
            }
        }
        let all: Arc<[Element]> = all.into_values().collect();
        self.begin_generation(&head.collection, generation, now).await?;
        self.write_generation(&head.collection, generation, &root, &all).await
    }
}

/// The head behind a planned change.
pub(crate) fn after(head: &Head, plan: &Plan) -> Head {
    Head {
        seq: head.seq + 1,
        count: head.count.saturating_add_signed(plan.effect.added),
        name: plan.effect.name.clone().unwrap_or_else(|| head.name.clone()),
        generation: plan.effect.generation.clone().unwrap_or_else(|| head.generation.clone()),
        ..head.clone()
    }
}

/// What a change of many says of itself.
fn describe(plan: &mut Plan, head: &Head, current: &State, wanted: &Wanted, item: Option<&ElementId>) {
    let top = item.and_then(|item| wanted.put.iter().find(|element| element.id == *item));
    plan.item = match (top, item) {
        (Some(top), _) => Some(ItemRef::from(top)),
        // The element itself is as it was; what stands in it is not.
        (None, Some(item)) => current.elements.get(item).map(|(element, _)| ItemRef::from(element)),
        (None, None) => None,
    };
    let is_there = |id: &ElementId| current.elements.get(id).is_some_and(|(_, deleted)| deleted.is_none());
    let mut counts = Counts { deleted: wanted.removed.len() as u64, ..Counts::default() };
    for element in wanted.put.iter().filter(|element| element.kind != Kind::Collection) {
        if is_there(&element.id) { counts.updated += 1 } else { counts.created += 1 }
    }
    plan.effect.added = i64::try_from(counts.created).unwrap_or(0) - i64::try_from(counts.deleted).unwrap_or(0);
    plan.counts = (plan.op == Op::Import || counts.created + counts.updated + counts.deleted > 1).then_some(counts);
    if let Some(element) = top {
        let was = match element.kind {
            Kind::Collection => Some(&current.root),
            _ => current.elements.get(&element.id).map(|(element, _)| element),
        };
        plan.base = was.map(|was| was.revision);
        match was.filter(|_| element.kind == Kind::Collection || is_there(&element.id)) {
            Some(was) => plan.changes(&was.json, &element.json),
            None => plan.changes = vec![FieldChange { pointer: String::new(), before: None, after: merge::raw(&element.json) }],
        }
    }
    if let Some(root) = wanted.put.iter().find(|element| element.kind == Kind::Collection) {
        plan.effect.name = commit::root_name(&root.json).filter(|name| *name != head.name);
    }
    let last = wanted.put.iter().filter(|element| element.kind != Kind::Collection).map(|element| element.order.clone()).max();
    plan.effect.last = last.filter(|last| head.last.as_ref().is_none_or(|now| now < last));
    let touched = wanted.put.iter().chain(&wanted.removed);
    plan.past.elements = touched
        .map(|element| {
            let was = match element.kind {
                Kind::Collection => Some((&current.root, None)),
                _ => current.elements.get(&element.id).map(|(element, deleted)| (element, *deleted)),
            };
            Was {
                id: element.id.clone(),
                element: was.map(|(element, _)| element.clone()),
                json: was.map(|(element, _)| element.json.clone()).unwrap_or_default(),
                deleted: was.and_then(|(_, deleted)| deleted),
            }
        })
        .collect();
}

/// What has to change so that a collection, or an item of it, becomes `then` again.
pub(crate) fn wanted(head: &Head, current: &State, root: &Element, then: Vec<Element>, item: Option<&ElementId>) -> Result<Wanted, Error> {
    let next = head.seq + 1;
    let whole = current.clone().alive();
    let there: HashMap<&ElementId, &Element> = whole.elements.iter().map(|element| (&element.id, element)).collect();
    let known: HashSet<&ElementId> = then.iter().map(|element| &element.id).collect();
    let (scope, removed): (Vec<&Element>, Vec<&Element>) = match item {
        None => (then.iter().collect(), whole.elements.iter().filter(|element| !known.contains(&element.id)).collect()),
        Some(id) if *id == current.root.id => (Vec::new(), Vec::new()),
        Some(id) => {
            let top = then.iter().find(|element| element.id == *id).ok_or(Conflict::ElementGone)?;
            let inside = edits::descendants(then.iter(), id);
            let new = edits::descendants(whole.elements.iter(), id).into_iter().filter(|element| !known.contains(&element.id));
            (std::iter::once(top).chain(inside).collect(), new.collect())
        }
    };
    let in_scope: HashSet<&ElementId> = scope.iter().map(|element| &element.id).collect();
    let mut put = Vec::new();
    if item.is_none_or(|id| *id == current.root.id) && !json::same(&root.json, &current.root.json) {
        put.push(Element { revision: next, ..root.clone() });
    }
    let mut last = head.last.clone();
    for element in scope {
        let mut element = element.clone();
        let homeless = element.parent.as_ref().is_some_and(|parent| !there.contains_key(parent) && !in_scope.contains(parent));
        if homeless {
            // What it stood in is gone: it comes back at the end of the collection.
            if element.kind == Kind::Response {
                return Err(Conflict::WrongParent.into());
            }
            let (order, new_last) = edits::order_key(last.as_deref(), std::iter::empty(), &None, element.kind, None)?;
            element.parent = None;
            element.order = order;
            last = new_last;
        }
        let same = there.get(&element.id).is_some_and(|now| {
            now.parent == element.parent && now.order == element.order && now.kind == element.kind && json::same(&now.json, &element.json)
        });
        if !same {
            element.revision = next;
            put.push(element);
        }
    }
    within_itself(&there, &put)?;
    Ok(Wanted { put, removed: removed.into_iter().cloned().collect() })
}

/// Refuses what would bring a folder back into something that stands in it now.
fn within_itself(there: &HashMap<&ElementId, &Element>, put: &[Element]) -> Result<(), Error> {
    let new: HashMap<&ElementId, &Element> = put.iter().map(|element| (&element.id, element)).collect();
    let parent = |id: &ElementId| new.get(id).or_else(|| there.get(id)).and_then(|element| element.parent.clone());
    for element in put {
        let mut above = element.parent.clone();
        let mut steps = 0;
        while let Some(at) = above {
            steps += 1;
            if at == element.id || steps > limit::ELEMENTS {
                return Err(Conflict::InsideItself.into());
            }
            above = parent(&at);
        }
    }
    Ok(())
}

fn legs(head: &Head, current: &State, wanted: &Wanted) -> Result<Vec<Leg>, Error> {
    let mut legs = Vec::new();
    for element in &wanted.put {
        let key = elements::key(head, &element.id);
        match current.elements.get(&element.id) {
            // Over what is in the trash.
            Some((was, Some(deleted))) => {
                let mut items = elements::items(&key, element)?.into_iter();
                let first = Leg::put(items.next().unwrap_or_default());
                legs.push(first.when("#revision = :seen AND #deleted = :by").number(":seen", was.revision).value(":by", n(deleted)));
                legs.extend(items.map(Leg::put));
            }
            Some((was, None)) => legs.extend(write_legs(&key, Some(was), element, None)?),
            None if element.kind == Kind::Collection => legs.extend(write_legs(&key, Some(&current.root), element, None)?),
            None => legs.extend(write_legs(&key, None, element, None)?),
        }
    }
    for element in &wanted.removed {
        let leg = Leg::update(elements::key(head, &element.id), "SET #deleted = :seq")
            .when("#revision = :seen AND attribute_not_exists(#deleted)")
            .number(":seq", head.seq + 1)
            .number(":seen", element.revision);
        legs.push(leg);
    }
    Ok(legs)
}

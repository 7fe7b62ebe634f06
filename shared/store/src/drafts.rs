//! Edits of a collection that are planned on a copy of it and written in one transaction, each as a change of its own:
//! moving and deleting, several edits at once, what a client did offline.

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::access::{Access, Caller, EditCollection};
use domain::change::{Counts, Moved, Op, Place};
use domain::collection::{Element, Head, Kind};
use domain::ids::ElementId;
use domain::limit;
use domain::merge::{self, FieldChange};
use domain::once::Done;
use jiff::Timestamp;

use crate::commit::{self, Plan, Tried, Writing, write_legs};
use crate::saves::{Basis, Mine, Outcome, Save, Step};
use crate::transact::Leg;
use crate::{Conflict, Error, Store, additions, changes, edits, elements, trash};

/// Behind which sibling: `None` at the end, `Some(None)` first.
pub type After = Option<Option<ElementId>>;

/// One edit.
#[derive(Clone)]
pub enum Edit {
    /// Puts new elements there, as [`domain::format::split_item`] gives them: the first under its parent.
    Create {
        /// The elements, parents before children.
        elements: Vec<Element>,
        /// Where the first of them goes.
        after: After,
    },
    /// Changes an element's JSON.
    Change {
        /// Which.
        id: ElementId,
        /// Makes the new JSON.
        mine: Mine,
        /// From what.
        basis: Basis,
    },
    /// Moves an element, with everything in it.
    Move {
        /// Which.
        id: ElementId,
        /// Into which folder or request; `None`: the collection itself.
        parent: Option<ElementId>,
        /// Behind what.
        after: After,
    },
    /// Deletes an element, with everything in it.
    Delete {
        /// Which.
        id: ElementId,
        /// Only if it is still at this revision.
        basis: Basis,
    },
}

/// A copy of a collection with edits on it that are not written yet.
pub(crate) struct Draft {
    store: Store,
    head: Head,
    at: Timestamp,
    root: Element,
    elements: HashMap<ElementId, Element>,
    /// What was deleted here, by which change.
    gone: HashMap<ElementId, (Element, u64)>,
    /// What is to be written, as it lies in the table.
    touched: BTreeMap<ElementId, Option<Element>>,
    last: Option<String>,
    plans: Vec<Plan>,
    /// New elements ahead of which what stands in them was written.
    ahead: HashSet<ElementId>,
    /// Items of the transaction that are kept free for edits to come.
    reserved: usize,
}

/// Bytes of a transaction that we fill: DynamoDB takes 4 MB, and packed ones may count as the text that carries them.
const BYTES: usize = 3_000_000;

impl Draft {
    /// Starts from what is there.
    pub(crate) async fn open(writing: &Writing, at: Timestamp) -> Result<Draft, Error> {
        let whole = writing.store.whole(&writing.head).await?;
        Ok(Draft {
            store: writing.store.clone(),
            head: writing.head.clone(),
            at,
            root: whole.root.clone(),
            elements: whole.elements.iter().map(|element| (element.id.clone(), element.clone())).collect(),
            gone: HashMap::new(),
            touched: BTreeMap::new(),
            last: writing.head.last.clone(),
            plans: Vec::new(),
            ahead: HashSet::new(),
            reserved: 0,
        })
    }

    /// Says which new elements have what stands in them written already.
    pub(crate) fn written_ahead(&mut self, tops: HashSet<ElementId>) {
        self.ahead = tops;
    }

    /// Keeps room for what edits that are still to be made take at least.
    pub(crate) fn reserve(&mut self, items: usize) {
        self.reserved = items;
    }

    fn next_seq(&self) -> u64 {
        self.head.seq + 1 + self.plans.len() as u64
    }

    fn find(&self, id: &ElementId) -> Result<&Element, Error> {
        let root = (*id == self.root.id).then_some(&self.root);
        root.or_else(|| self.elements.get(id)).ok_or_else(|| Conflict::ElementGone.into())
    }

    /// Remembers what lies in the table where an element is about to change.
    fn touch(&mut self, id: &ElementId) {
        let now = if *id == self.root.id { Some(self.root.clone()) } else { self.elements.get(id).cloned() };
        self.touched.entry(id.clone()).or_insert(now);
    }

    fn set(&mut self, element: Element) {
        self.touch(&element.id);
        if element.id == self.root.id {
            self.root = element;
        } else {
            self.elements.insert(element.id.clone(), element);
        }
    }

    /// About how many items the transaction has so far.
    pub(crate) fn legs(&self) -> usize {
        2 + self.touched.len() + self.plans.iter().map(|plan| 1 + plan.legs.len()).sum::<usize>()
    }

    /// About how many bytes it takes, not compressed.
    pub(crate) fn bytes(&self) -> usize {
        self.touched_bytes().sum()
    }

    /// Whether it is more than one transaction takes.
    pub(crate) fn is_over(&self) -> Result<bool, Error> {
        // What is surely little need not be packed to know it.
        let values =
            |plan: &Plan| plan.changes.iter().flat_map(|one| [&one.before, &one.after]).flatten().map(|raw| raw.get().len()).sum::<usize>();
        let recorded = |plan: &Plan| values(plan) + plan.past.before.as_ref().map_or(0, String::len);
        let sizes: Vec<usize> = self.plans.iter().map(recorded).chain(self.touched_bytes()).collect();
        let parts: usize = sizes.iter().map(|size| size / limit::PART_BYTES).sum();
        if sizes.iter().sum::<usize>() <= BYTES && self.legs() + 2 * parts < limit::TRANSACTION_LEGS {
            return Ok(false);
        }
        let mut legs = self.element_legs()?;
        let mut after = self.head.clone();
        for plan in &self.plans {
            after.seq += 1;
            legs.extend(changes::items(&after, &plan.change(&after))?.into_iter().map(Leg::create));
        }
        let count = 3 + legs.len() + self.plans.iter().map(|plan| plan.legs.len()).sum::<usize>();
        Ok(limit::TRANSACTION_LEGS < count || BYTES < legs.iter().map(Leg::bytes).sum())
    }

    fn touched_bytes(&self) -> impl Iterator<Item = usize> {
        let now = |id: &ElementId| if *id == self.root.id { Some(&self.root) } else { self.elements.get(id) };
        self.touched.keys().filter_map(now).map(|element| element.json.len())
    }

    /// How many changes it makes.
    pub(crate) fn edits(&self) -> usize {
        self.plans.len()
    }

    /// Keeps what comes of all edits so far under the caller's key.
    pub(crate) fn remember(&mut self, caller: &Caller, done: impl FnOnce() -> Done) -> Result<(), Error> {
        match self.plans.last_mut() {
            Some(plan) => {
                plan.caller.once.clone_from(&caller.once);
                plan.remember(done)
            }
            None => Ok(()),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.plans.is_empty()
    }

    /// Makes one edit on the copy. A refusal leaves the copy as it was. Keeps the answer under the caller's key.
    pub(crate) async fn make(&mut self, caller: &Caller, edit: &Edit) -> Result<Outcome, Error> {
        let before = self.plans.len();
        let outcome = match edit {
            Edit::Create { elements, after } => self.create(caller, elements.clone(), after),
            Edit::Change { id, mine, basis } => self.change(caller, id, mine, *basis).await,
            Edit::Move { id, parent, after } => self.relocate(caller, id, parent.as_ref(), after),
            Edit::Delete { id, basis } => self.delete(caller, id, *basis),
        }?;
        if let (Outcome::Saved { element, merged }, true) = (&outcome, before < self.plans.len()) {
            let done = || match edit {
                // What was deleted need not be kept once more.
                Edit::Delete { .. } => Done { element: Some(element.clone()), ..Done::default() },
                _ => Done::element(element, *merged),
            };
            if let Some(plan) = self.plans.last_mut() {
                plan.remember(done)?;
            }
        }
        Ok(outcome)
    }

    fn create(&mut self, caller: &Caller, mut new: Vec<Element>, after: &After) -> Result<Outcome, Error> {
        let top = new.first_mut().ok_or(Conflict::ElementGone)?;
        let ahead = self.ahead.contains(&top.id);
        if !ahead {
            edits::fit_together(&new)?;
        }
        let seq = self.next_seq();
        let top = new.first_mut().ok_or(Conflict::ElementGone)?;
        match &top.parent {
            Some(parent) => {
                let parent = self.find(parent)?;
                if parent.kind == Kind::Request && top.kind == Kind::Request {
                    // Under a request stand its examples.
                    top.kind = Kind::Response;
                    (top.method, top.url) = (None, None);
                }
                edits::fits(parent, top.kind)?
            }
            None if top.kind == Kind::Response => return Err(Conflict::WrongParent.into()),
            None => (),
        }
        let (order, last) = self.order_key(&top.parent, top.kind, after, None)?;
        top.order = order;
        if new.iter().any(|element| self.elements.contains_key(&element.id) || self.gone.contains_key(&element.id)) {
            return Err(Conflict::ElementExists.into());
        }
        if limit::ELEMENTS < self.elements.len() + new.len() {
            return Err(Conflict::TooManyElements.into());
        }
        let written: Vec<u64> = new.iter().map(|element| element.revision).collect();
        let (mut plan, top) = edits::creation(caller, &mut new, last.clone(), seq, self.at)?;
        for (element, revision) in new.into_iter().zip(written) {
            if ahead && element.id != top.id {
                // It lies in the table as it was written.
                self.elements.insert(element.id.clone(), Element { revision, ..element });
            } else {
                self.set(element);
            }
        }
        if ahead {
            plan.legs.push(additions::written_ahead(&self.head, &top.id));
        }
        self.last = last.or(self.last.take());
        self.plans.push(plan);
        Ok(Outcome::Saved { element: top, merged: false })
    }

    async fn change(&mut self, caller: &Caller, id: &ElementId, mine: &Mine, basis: Basis) -> Result<Outcome, Error> {
        let current = self.find(id)?.clone();
        let save = Save { id: id.clone(), mine: mine.clone(), basis, caller: caller.clone(), at: self.at, current };
        match self.store.step(&self.head, &self.plans, &save, self.next_seq()).await? {
            Step::Answer(outcome) => Ok(*outcome),
            Step::Write { next, merged, plan } => {
                self.set(next.as_ref().clone());
                self.plans.push(*plan);
                Ok(Outcome::Saved { element: *next, merged })
            }
        }
    }

    fn relocate(&mut self, caller: &Caller, id: &ElementId, parent: Option<&ElementId>, after: &After) -> Result<Outcome, Error> {
        let current = self.elements.get(id).ok_or(Conflict::ElementGone)?.clone();
        match parent {
            Some(parent) => edits::fits(self.find(parent)?, current.kind)?,
            None if current.kind == Kind::Response => return Err(Conflict::WrongParent.into()),
            None => (),
        }
        let mut above = parent;
        while let Some(at) = above {
            if at == id {
                return Err(Conflict::InsideItself.into());
            }
            above = self.elements.get(at).and_then(|element| element.parent.as_ref());
        }
        let after = after.clone().map(|after| after.filter(|after| after != id));
        let (order, last) = self.order_key(&parent.cloned(), current.kind, &after, Some(id))?;
        let next = Element { parent: parent.cloned(), order, revision: self.next_seq(), ..current.clone() };
        let mut plan = Plan::new(Op::Move, Some(&next), caller, self.at);
        plan.base = Some(current.revision);
        plan.moved = Some(Moved {
            from: Place { parent: current.parent, order: current.order },
            to: Place { parent: next.parent.clone(), order: next.order.clone() },
        });
        plan.effect.last.clone_from(&last);
        self.last = last.or(self.last.take());
        self.set(next.clone());
        self.plans.push(plan);
        Ok(Outcome::Saved { element: next, merged: false })
    }

    fn delete(&mut self, caller: &Caller, id: &ElementId, basis: Basis) -> Result<Outcome, Error> {
        let current = self.elements.get(id).ok_or(Conflict::ElementGone)?.clone();
        if basis.revision.is_some_and(|seen| seen != current.revision) {
            return Ok(Outcome::Stale(current.revision));
        }
        let seq = self.next_seq();
        let inside = edits::descendants(self.elements.values(), id);
        let inside: Vec<ElementId> = inside.into_iter().map(|element| element.id.clone()).collect();
        let count = inside.len() as u64 + 1;
        let mut plan = Plan::new(Op::Delete, Some(&current), caller, self.at);
        plan.base = Some(current.revision);
        plan.changes = vec![FieldChange { pointer: String::new(), before: merge::raw(&current.json), after: None }];
        plan.counts = (count > 1).then(|| Counts { deleted: count, ..Counts::default() });
        plan.effect.added = -i64::try_from(count).unwrap_or(i64::MAX);
        // What does not fit in is marked behind the transaction; nobody sees it meanwhile, because it stands in
        // something deleted.
        let fits = self.legs() + inside.len() + 3 + self.reserved <= limit::DELETE_AT_ONCE + 5;
        plan.effect.sweeping = (!fits).then(|| id.clone());
        plan.legs.push(trash::leg(&self.head, &plan, count, seq)?);
        for id in inside.iter().filter(|_| fits).chain([id]) {
            self.touch(id);
        }
        for id in inside.iter().chain([id]) {
            if let Some(element) = self.elements.remove(id) {
                self.gone.insert(id.clone(), (element, seq));
            }
        }
        self.plans.push(plan);
        Ok(Outcome::Saved { element: current, merged: false })
    }

    fn order_key(
        &self,
        parent: &Option<ElementId>,
        kind: Kind,
        after: &After,
        but: Option<&ElementId>,
    ) -> Result<(String, Option<String>), Error> {
        let others = self.elements.values().filter(|element| Some(&element.id) != but);
        edits::order_key(self.last.as_deref(), others, parent, kind, after.as_ref().map(Option::as_ref))
    }

    /// The legs of the elements.
    fn element_legs(&self) -> Result<Vec<Leg>, Error> {
        let mut legs = Vec::new();
        for (id, was) in &self.touched {
            let key = elements::key(&self.head, id);
            let now = if *id == self.root.id { Some(&self.root) } else { self.elements.get(id) };
            match (was, now, self.gone.get(id)) {
                (Some(was), Some(now), _) if was == now => (),
                (was, Some(now), _) => legs.extend(write_legs(&key, was.as_ref(), now, None)?),
                (Some(was), None, Some((now, seq))) if was == now => legs.push(
                    Leg::update(key, "SET #deleted = :seq")
                        .when("#revision = :seen AND attribute_not_exists(#deleted)")
                        .number(":seq", seq)
                        .number(":seen", was.revision),
                ),
                (was, None, Some((now, seq))) => legs.extend(write_legs(&key, was.as_ref(), now, Some(*seq))?),
                (_, None, None) => (),
            }
        }
        Ok(legs)
    }

    /// Writes all of it, or nothing.
    pub(crate) async fn commit(mut self, writing: &mut Writing) -> Result<Tried, Error> {
        let mut legs = self.element_legs()?;
        let sweeps = self.plans.iter().any(|plan| plan.effect.sweeping.is_some());
        let first = self.plans.first_mut().ok_or_else(|| Error::Failed("nothing is to be written".to_owned()))?;
        // Behind those of the plan itself, so that the place of the leg that keeps the answer stays.
        first.legs.append(&mut legs);
        let once = commit::places_of_once(&self.plans);
        if self.plans.iter().map(|plan| plan.legs.len() + 1).sum::<usize>() + 2 > limit::TRANSACTION_LEGS {
            return Err(Conflict::TooManyElements.into());
        }
        let tried = writing.commit_all(self.plans).await?;
        match &tried {
            Tried::Done if sweeps => self.store.sweep_folders(&writing.head).await?,
            Tried::Again(failed) if once.iter().any(|place| failed.contains_key(place)) => return Err(Conflict::UnderWay.into()),
            _ => (),
        }
        Ok(tried)
    }
}

impl Store {
    /// Makes one edit.
    pub(crate) async fn edit(&self, by: &Access<EditCollection>, edit: &Edit, now: Timestamp) -> Result<Outcome, Error> {
        if let Some(element) = by.caller.done().and_then(Done::whole_element) {
            return Ok(Outcome::Saved { element, merged: false });
        }
        let mut writing = Writing::start(self, by).await;
        loop {
            let mut draft = Draft::open(&writing, now).await?;
            let outcome = draft.make(&by.caller, edit).await?;
            if draft.is_empty() {
                return Ok(outcome);
            }
            if let Tried::Done = draft.commit(&mut writing).await? {
                return Ok(outcome);
            }
        }
    }
}

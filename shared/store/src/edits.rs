//! Putting elements into a collection, moving and deleting them, and deleting a collection.

use std::collections::HashMap;

use domain::access::{Access, Caller, DeleteCollection, EditCollection};
use domain::change::{Counts, Op};
use domain::collection::{Element, Head, Kind};
use domain::ids::ElementId;
use domain::merge::{self, FieldChange};
use domain::once::Done;
use domain::{limit, order};
use jiff::Timestamp;

use crate::commit::{Plan, Tried, Writing, too_long, write_legs};
use crate::drafts::Edit;
use crate::elements::{self, Fetched};
use crate::saves::{Basis, Outcome};
use crate::transact::Leg;
use crate::{Conflict, Error, Store, additions, keys, trash};

impl Store {
    /// Puts new elements under `parent`, the first of them at `after` (`None`: at the end; `Some(None)`: first).
    /// `elements` come as [`domain::format::split_item`] gives them. Gives the first one as it is now.
    pub async fn add(
        &self,
        by: &Access<EditCollection>,
        mut elements: Vec<Element>,
        after: Option<Option<&ElementId>>,
        now: Timestamp,
    ) -> Result<Element, Error> {
        if let Some(element) = by.caller.done().and_then(Done::whole_element) {
            return Ok(element);
        }
        if additions::is_large(&elements) {
            return self.add_many(by, elements, after, now).await;
        }
        fit_together(&elements)?;
        let mut writing = Writing::start(self, by).await;
        loop {
            let Some(top) = elements.first_mut() else { return Err(Conflict::ElementGone.into()) };
            self.check_parent(&writing.head, top.parent.as_ref(), top.kind).await?;
            let whole = match after {
                Some(_) => Some(self.whole(&writing.head).await?),
                None => None,
            };
            let siblings = whole.iter().flat_map(|whole| whole.elements.iter());
            let (key, last) = order_key(writing.head.last.as_deref(), siblings, &top.parent, top.kind, after)?;
            top.order = key;
            let (mut plan, top) = creation(&by.caller, &mut elements, last, writing.next_seq(), now)?;
            for element in &elements {
                plan.legs.extend(write_legs(&elements::key(&writing.head, &element.id), None, element, None)?);
            }
            plan.remember(|| Done::element(&top, false))?;
            if let Tried::Done = writing.commit(plan).await? {
                return Ok(top);
            }
        }
    }

    pub(crate) async fn check_parent(&self, head: &Head, parent: Option<&ElementId>, kind: Kind) -> Result<(), Error> {
        let Some(parent) = parent else {
            return if kind == Kind::Response { Err(Conflict::WrongParent.into()) } else { Ok(()) };
        };
        let parent = self.element(head, parent, &Fetched::new()).await?.ok_or(Conflict::ElementGone)?;
        fits(&parent, kind)
    }

    /// Moves an element (with everything in it): one element is written.
    pub async fn relocate(
        &self,
        by: &Access<EditCollection>,
        id: &ElementId,
        parent: Option<&ElementId>,
        after: Option<Option<&ElementId>>,
        now: Timestamp,
    ) -> Result<Element, Error> {
        let edit = Edit::Move { id: id.clone(), parent: parent.cloned(), after: after.map(Option::<&ElementId>::cloned) };
        match self.edit(by, &edit, now).await? {
            Outcome::Saved { element, .. } => Ok(element),
            _ => Err(Error::Failed("a move is never refused".to_owned())),
        }
    }

    /// Deletes an element with everything in it, or gives its revision where that is not the one that was seen. Gives
    /// what it was.
    ///
    /// The items stay, marked and unseen, for the history and the trash. What is more than a transaction takes is marked
    /// behind it; nobody sees it meanwhile, because it stands in something deleted.
    pub async fn remove(
        &self,
        by: &Access<EditCollection>,
        id: &ElementId,
        basis: Basis,
        now: Timestamp,
    ) -> Result<Result<Element, u64>, Error> {
        match self.edit(by, &Edit::Delete { id: id.clone(), basis }, now).await? {
            Outcome::Saved { element, .. } => Ok(Ok(element)),
            Outcome::Stale(now) => Ok(Err(now)),
            _ => Err(Error::Failed("a deletion does not overlap".to_owned())),
        }
    }

    /// Deletes a collection. Its items stay for the history and the trash; nobody sees them.
    pub async fn delete_collection(&self, by: &Access<DeleteCollection>, now: Timestamp) -> Result<(), Error> {
        if by.caller.done().is_some() {
            return Ok(());
        }
        let mut writing = Writing::start(self, by).await;
        loop {
            let head = &writing.head;
            let legs =
                vec![Leg::delete(keys::listed(&head.workspace, &head.collection)), trash::collection_leg(head, by.caller.actor(), now)?];
            let mut plan = Plan::new(Op::Delete, None, &by.caller, now);
            plan.effect.deleted = true;
            plan.legs = legs;
            plan.remember(|| Done::head(head))?;
            if let Tried::Done = writing.commit(plan).await? {
                return Ok(());
            }
        }
    }
}

/// The plan of new elements, which get the number of the change, and the first of them. It has no legs yet.
pub(crate) fn creation(
    caller: &Caller,
    elements: &mut [Element],
    last: Option<String>,
    seq: u64,
    now: Timestamp,
) -> Result<(Plan, Element), Error> {
    elements.iter_mut().for_each(|element| element.revision = seq);
    let top = elements.first().ok_or(Conflict::ElementGone)?.clone();
    let mut plan = Plan::new(Op::Create, Some(&top), caller, now);
    plan.changes = vec![FieldChange { pointer: String::new(), before: None, after: merge::raw(&top.json) }];
    plan.effect.added = i64::try_from(elements.len()).unwrap_or(i64::MAX);
    plan.effect.last = last;
    plan.counts = (elements.len() > 1).then(|| Counts { created: elements.len() as u64, ..Counts::default() });
    Ok((plan, top))
}

/// The order key at a place, and the collection's new last key where it is behind all others. `last` is a key behind all
/// that there are; `elements` are those among which the siblings are, needed only where it says behind which one.
pub(crate) fn order_key<'a>(
    last: Option<&str>,
    elements: impl Iterator<Item = &'a Element>,
    parent: &Option<ElementId>,
    kind: Kind,
    after: Option<Option<&ElementId>>,
) -> Result<(String, Option<String>), Error> {
    let broken = |rejected: domain::Rejected| Error::Failed(rejected.0);
    let Some(after) = after else {
        let key = order::between(last, None).map_err(broken)?;
        return Ok((key.clone(), Some(key)));
    };
    let mut siblings: Vec<&Element> = elements.filter(|element| element.parent == *parent && element.kind.slot() == kind.slot()).collect();
    siblings.sort_by(|a, b| (&a.order, &a.id).cmp(&(&b.order, &b.id)));
    let at = match after {
        None => 0,
        Some(after) => siblings.iter().position(|element| element.id == *after).ok_or(Conflict::ElementGone)? + 1,
    };
    let left = at.checked_sub(1).and_then(|left| siblings.get(left)).map(|element| element.order.as_str());
    let right = siblings.get(at).map(|element| element.order.as_str());
    if right.is_none() && left.is_some() {
        let key = order::between(last, None).map_err(broken)?;
        return Ok((key.clone(), Some(key)));
    }
    Ok((order::between(left, right).map_err(broken)?, None))
}

/// Whether elements that are put there together fit into a transaction.
pub(crate) fn fit_together(elements: &[Element]) -> Result<(), Error> {
    if elements.len() > limit::DELETE_AT_ONCE {
        return Err(Conflict::TooManyElements.into());
    }
    let bytes = elements.iter().map(|element| element.json.len()).sum::<usize>();
    if elements.iter().any(|element| too_long(&element.json)) || bytes > 3 * limit::ELEMENT_STORED_BYTES {
        return Err(Conflict::ElementTooLong.into());
    }
    Ok(())
}

/// Whether an element of a kind may stand in `parent`.
pub(crate) fn fits(parent: &Element, kind: Kind) -> Result<(), Error> {
    let right = match kind {
        Kind::Response => parent.kind == Kind::Request,
        Kind::Folder | Kind::Request | Kind::Collection => parent.kind == Kind::Folder,
    };
    if right { Ok(()) } else { Err(Conflict::WrongParent.into()) }
}

/// Everything that stands in an element, at any depth, parents before children.
pub(crate) fn descendants<'a>(elements: impl Iterator<Item = &'a Element>, id: &ElementId) -> Vec<&'a Element> {
    let mut by_parent: HashMap<&ElementId, Vec<&Element>> = HashMap::new();
    for element in elements {
        if let Some(parent) = &element.parent {
            by_parent.entry(parent).or_default().push(element);
        }
    }
    let mut found: Vec<&Element> = by_parent.remove(id).unwrap_or_default();
    let mut at = 0;
    while let Some(element) = found.get(at) {
        found.extend(by_parent.remove(&element.id).unwrap_or_default());
        at += 1;
    }
    found
}

//! Putting elements into a collection, moving and deleting them, and deleting a collection.

use domain::access::{Access, DeleteCollection, EditCollection};
use domain::change::{Counts, Moved, Op, Place};
use domain::collection::{Element, Head, Kind};
use domain::ids::ElementId;
use domain::merge::{self, FieldChange};
use domain::{limit, order};
use jiff::Timestamp;

use crate::commit::{Plan, Tried, Writing, too_long, write_legs};
use crate::elements::{self, Fetched, Whole};
use crate::saves::Basis;
use crate::transact::Leg;
use crate::{Conflict, Error, Store, keys};

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
        if elements.len() > limit::DELETE_AT_ONCE {
            return Err(Conflict::TooManyElements.into());
        }
        if elements.iter().any(|element| too_long(&element.json))
            || elements.iter().map(|element| element.json.len()).sum::<usize>() > 3 * limit::ELEMENT_STORED_BYTES
        {
            return Err(Conflict::ElementTooLong.into());
        }
        let mut writing = Writing::start(self, by).await;
        loop {
            let Some(top) = elements.first_mut() else { return Err(Conflict::ElementGone.into()) };
            self.check_parent(&writing.head, top.parent.as_ref(), top.kind).await?;
            let place = Place { parent: top.parent.clone(), order: String::new() };
            let (key, last) = self.order_key(&writing.head, &place, top.kind, after, None).await?;
            top.order = key;
            let top = top.clone();
            let mut plan = Plan::new(Op::Create, Some(&top), by.caller.actor(), now);
            plan.changes = vec![FieldChange { pointer: String::new(), before: None, after: merge::raw(&top.json) }];
            plan.effect.added = i64::try_from(elements.len()).unwrap_or(i64::MAX);
            plan.effect.last = last;
            plan.counts = (elements.len() > 1).then(|| Counts { created: elements.len() as u64, ..Counts::default() });
            for element in &mut elements {
                element.revision = writing.next_seq();
                plan.legs.extend(write_legs(&elements::key(&writing.head, &element.id), None, element)?);
            }
            if let Tried::Done = writing.commit(plan).await? {
                return elements.into_iter().next().ok_or(Conflict::ElementGone.into());
            }
        }
    }

    async fn check_parent(&self, head: &Head, parent: Option<&ElementId>, kind: Kind) -> Result<(), Error> {
        let Some(parent) = parent else {
            return if kind == Kind::Response { Err(Conflict::WrongParent.into()) } else { Ok(()) };
        };
        let parent = self.element(head, parent, &Fetched::new()).await?.ok_or(Conflict::ElementGone)?;
        fits(&parent, kind)
    }

    /// The order key at a place, and the collection's new last key where it is behind all others.
    async fn order_key(
        &self,
        head: &Head,
        place: &Place,
        kind: Kind,
        after: Option<Option<&ElementId>>,
        whole: Option<&Whole>,
    ) -> Result<(String, Option<String>), Error> {
        let broken = |rejected: domain::Rejected| Error::Failed(rejected.0);
        let Some(after) = after else {
            let key = order::between(head.last.as_deref(), None).map_err(broken)?;
            return Ok((key.clone(), Some(key)));
        };
        let loaded;
        let whole = match whole {
            Some(whole) => whole,
            None => {
                loaded = self.whole(head).await?;
                &loaded
            }
        };
        let mut siblings: Vec<&Element> =
            whole.elements.iter().filter(|element| element.parent == place.parent && element.kind.slot() == kind.slot()).collect();
        siblings.sort_by(|a, b| (&a.order, &a.id).cmp(&(&b.order, &b.id)));
        let at = match after {
            None => 0,
            Some(after) => siblings.iter().position(|element| element.id == *after).ok_or(Conflict::ElementGone)? + 1,
        };
        let left = at.checked_sub(1).and_then(|left| siblings.get(left)).map(|element| element.order.as_str());
        let right = siblings.get(at).map(|element| element.order.as_str());
        if right.is_none() && left.is_some() {
            let key = order::between(head.last.as_deref(), None).map_err(broken)?;
            return Ok((key.clone(), Some(key)));
        }
        Ok((order::between(left, right).map_err(broken)?, None))
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
        let mut writing = Writing::start(self, by).await;
        loop {
            let whole = self.whole(&writing.head).await?;
            let find = |id: &ElementId| whole.elements.iter().find(|element| element.id == *id);
            let current = find(id).ok_or(Conflict::ElementGone)?;
            match parent {
                Some(parent) => fits(find(parent).ok_or(Conflict::ElementGone)?, current.kind)?,
                None if current.kind == Kind::Response => return Err(Conflict::WrongParent.into()),
                None => (),
            }
            let mut above = parent;
            while let Some(at) = above {
                if at == id {
                    return Err(Conflict::InsideItself.into());
                }
                above = find(at).and_then(|element| element.parent.as_ref());
            }
            let after = after.map(|after| after.filter(|after| *after != id));
            let place = Place { parent: parent.cloned(), order: String::new() };
            let others =
                Whole { root: whole.root.clone(), elements: whole.elements.iter().filter(|element| element.id != *id).cloned().collect() };
            let (key, last) = self.order_key(&writing.head, &place, current.kind, after, Some(&others)).await?;
            let next = Element { parent: parent.cloned(), order: key, revision: writing.next_seq(), ..current.clone() };
            let mut plan = Plan::new(Op::Move, Some(&next), by.caller.actor(), now);
            plan.base = Some(current.revision);
            plan.moved = Some(Moved {
                from: Place { parent: current.parent.clone(), order: current.order.clone() },
                to: Place { parent: next.parent.clone(), order: next.order.clone() },
            });
            plan.effect.last = last;
            plan.legs = write_legs(&elements::key(&writing.head, id), Some(current), &next)?;
            if let Tried::Done = writing.commit(plan).await? {
                return Ok(next);
            }
        }
    }

    /// Deletes an element with everything in it. Gives what it was.
    ///
    /// The items stay, marked and unseen, for the history. What is more than a transaction takes is marked behind it;
    /// nobody sees it meanwhile, because it stands in something deleted.
    pub async fn remove(
        &self,
        by: &Access<EditCollection>,
        id: &ElementId,
        basis: Basis,
        now: Timestamp,
    ) -> Result<Result<Element, u64>, Error> {
        let mut writing = Writing::start(self, by).await;
        loop {
            let whole = self.whole(&writing.head).await?;
            let current = whole.elements.iter().find(|element| element.id == *id).ok_or(Conflict::ElementGone)?.clone();
            if basis.revision.is_some_and(|seen| seen != current.revision) {
                return Ok(Err(current.revision));
            }
            let inside = descendants(&whole, id);
            let seq = writing.next_seq();
            let mark = |element: &Element| {
                Leg::update(elements::key(&writing.head, &element.id), "SET #deleted = :seq")
                    .when("attribute_exists(pk)")
                    .number(":seq", seq)
            };
            let mut plan = Plan::new(Op::Delete, Some(&current), by.caller.actor(), now);
            plan.base = Some(current.revision);
            plan.changes = vec![FieldChange { pointer: String::new(), before: merge::raw(&current.json), after: None }];
            plan.counts = (!inside.is_empty()).then(|| Counts { deleted: inside.len() as u64 + 1, ..Counts::default() });
            plan.effect.added = -i64::try_from(inside.len() + 1).unwrap_or(i64::MAX);
            let own = mark(&current).when("#revision = :seen AND attribute_not_exists(#deleted)").number(":seen", current.revision);
            plan.legs.push(own);
            plan.legs.extend(inside.iter().take(limit::DELETE_AT_ONCE - 1).map(|element| mark(element)));
            let rest: Vec<Leg> = inside.iter().skip(limit::DELETE_AT_ONCE - 1).map(|element| mark(element)).collect();
            if let Tried::Done = writing.commit(plan).await? {
                for chunk in rest.chunks(limit::TRANSACTION_LEGS) {
                    self.commit(chunk).await?;
                }
                return Ok(Ok(current));
            }
        }
    }

    /// Deletes a collection. Its items stay for the history; nobody sees them.
    pub async fn delete_collection(&self, by: &Access<DeleteCollection>, now: Timestamp) -> Result<(), Error> {
        let mut writing = Writing::start(self, by).await;
        loop {
            let head = &writing.head;
            let legs = vec![Leg::delete(keys::listed(&head.workspace, &head.collection))];
            let mut plan = Plan::new(Op::Delete, None, by.caller.actor(), now);
            plan.effect.deleted = true;
            plan.legs = legs;
            if let Tried::Done = writing.commit(plan).await? {
                return Ok(());
            }
        }
    }
}

fn fits(parent: &Element, kind: Kind) -> Result<(), Error> {
    let right = match kind {
        Kind::Response => parent.kind == Kind::Request,
        Kind::Folder | Kind::Request | Kind::Collection => parent.kind == Kind::Folder,
    };
    if right { Ok(()) } else { Err(Conflict::WrongParent.into()) }
}

/// Everything that stands in an element, at any depth.
fn descendants<'a>(whole: &'a Whole, id: &ElementId) -> Vec<&'a Element> {
    let mut found: Vec<&Element> = Vec::new();
    let mut parents: Vec<&ElementId> = vec![id];
    let mut by_parent: std::collections::HashMap<&ElementId, Vec<&Element>> = std::collections::HashMap::new();
    for element in &whole.elements {
        if let Some(parent) = &element.parent {
            by_parent.entry(parent).or_default().push(element);
        }
    }
    while let Some(parent) = parents.pop() {
        for element in by_parent.get(parent).into_iter().flatten() {
            parents.push(&element.id);
            found.push(element);
        }
    }
    found
}

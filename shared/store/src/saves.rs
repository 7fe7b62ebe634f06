//! Changing one element: merged with what came between, or refused with all there is to choose from (promise G2).
//!
//! Saves of one collection that wait for each other inside a process are committed together, each as a change of its own:
//! whoever gets the turn commits for all who wait. In a Lambda, which has one request at a time, that is always one.

use std::sync::Arc;

use domain::access::{Access, Caller, EditCollection};
use domain::change::{Change, Op};
use domain::collection::{Element, Head, Kind};
use domain::ids::ElementId;
use domain::json;
use domain::merge::{self, Overlap};
use domain::once::Done;
use domain::patch::Unfit;
use jiff::Timestamp;
use tokio::sync::oneshot;

use crate::commit::{self, Plan, Tried, Writing};
use crate::elements::{self, Fetched};
use crate::{Conflict, Error, Store};

/// More steps back than this are not taken to find what an edit was based on.
const STEPS_BACK: usize = 200;
/// Saves that are committed together: each is two items of the transaction's hundred, if it is short.
const TOGETHER: usize = 24;
/// The JSON of saves that are committed together: a transaction takes 4 MB, and each value may stand in it four times.
const TOGETHER_BYTES: usize = 768 * 1024;

/// Makes an element's new JSON from the one that the author saw, where it fits that one.
pub type Mine = Arc<dyn Fn(&str) -> Result<String, Unfit> + Send + Sync>;

/// On which state an edit is based.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Basis {
    /// The revision that the author saw (`If-Match`); `None`: whatever is there.
    pub revision: Option<u64>,
    /// Refuse any staleness instead of merging (`Prefer: handling=strict`).
    pub strict: bool,
}

/// How an edit ended.
#[derive(Debug)]
pub enum Outcome {
    /// It is there. `merged`: with somebody else's edit. An edit that changes nothing is no change.
    Saved {
        /// The element as it is now.
        element: Element,
        /// Whether an edit that came between was kept beside it.
        merged: bool,
    },
    /// It overlaps with an edit that came between; nothing was written.
    Overlap {
        /// What both started from, where that is known.
        base: Option<String>,
        /// The edit.
        mine: String,
        /// What is there.
        theirs: Element,
        /// Every place where they differ.
        overlaps: Vec<Overlap>,
    },
    /// It is stale, and was to be refused then. Carries the current revision.
    Stale(u64),
    /// It cannot be done to what the author saw. Says where and why.
    Unfit(Unfit),
}

/// A save that waits for its turn.
#[derive(Debug)]
pub(crate) struct Pending {
    save: Save,
    reply: oneshot::Sender<Result<Outcome, Error>>,
}

pub(crate) struct Save {
    pub(crate) id: ElementId,
    pub(crate) mine: Mine,
    pub(crate) basis: Basis,
    pub(crate) caller: Caller,
    pub(crate) at: Timestamp,
    pub(crate) current: Element,
}

impl std::fmt::Debug for Save {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Save({})", self.id)
    }
}

/// What is to be done for a save on the state that is known.
pub(crate) enum Step {
    /// Nothing to write: this is the answer.
    Answer(Box<Outcome>),
    /// Write this.
    Write { next: Box<Element>, merged: bool, plan: Box<Plan> },
}

impl Store {
    /// Changes the JSON of one element. `mine` makes the new JSON from the one that the author saw.
    pub async fn save(
        &self,
        by: &Access<EditCollection>,
        id: &ElementId,
        mine: Mine,
        basis: Basis,
        fetched: &Fetched,
        now: Timestamp,
    ) -> Result<Outcome, Error> {
        if let Some(done) = by.caller.done() {
            return self.answered(&by.thing, id, done).await;
        }
        let current = self.element(&by.thing, id, fetched).await?.ok_or(Conflict::ElementGone)?;
        let (reply, mut answer) = oneshot::channel();
        let save = Save { id: id.clone(), mine, basis, caller: by.caller.clone(), at: now, current };
        let collection = &by.thing.collection;
        self.memory.wait(collection, Pending { save, reply });
        loop {
            let turn = self.memory.turn(collection).await;
            match answer.try_recv() {
                Ok(outcome) => return outcome,
                Err(oneshot::error::TryRecvError::Closed) => return Err(Error::Busy),
                Err(oneshot::error::TryRecvError::Empty) => (),
            }
            let writing = Writing::with(self, &by.thing, turn);
            // In a task of its own: a client that hangs up must not take the others' saves along.
            let led = tokio::spawn(lead(writing)).await;
            led.map_err(|error| Error::Failed(error.to_string()))?;
        }
    }

    /// What was answered to a save the first time.
    async fn answered(&self, head: &Head, id: &ElementId, done: &Done) -> Result<Outcome, Error> {
        let element = done.whole_element().ok_or(Conflict::ElementGone)?;
        if !element.json.is_empty() {
            return Ok(Outcome::Saved { element, merged: done.merged });
        }
        // Too long to be kept once more.
        let now = self.element(head, id, &Fetched::new()).await?.ok_or(Conflict::ElementGone)?;
        let json = self.text_at(head, &[], &now, element.revision).await?.unwrap_or(now.json);
        Ok(Outcome::Saved { element: Element { json, ..element }, merged: done.merged })
    }

    /// The step for a save, whose number would be `seq`; its plan has no legs yet. `planned` are the changes that come before it in its transaction.
    pub(crate) async fn step(&self, head: &Head, planned: &[Plan], save: &Save, seq: u64) -> Result<Step, Error> {
        let Save { mine, basis, caller, at, current, .. } = save;
        let stale = basis.revision.filter(|seen| *seen != current.revision);
        if stale.is_some() && basis.strict {
            return Ok(Step::Answer(Box::new(Outcome::Stale(current.revision))));
        }
        let unfit = |unfit| Ok(Step::Answer(Box::new(Outcome::Unfit(unfit))));
        let (text, merged) = match stale {
            None => match mine(&current.json) {
                Ok(text) => (text, false),
                Err(why) => return unfit(why),
            },
            Some(seen) => {
                let base = self.text_at(head, planned, current, seen).await?;
                let text = match mine(base.as_deref().unwrap_or(&current.json)) {
                    Ok(text) => text,
                    Err(why) => return unfit(why),
                };
                match base.as_ref().map_or(Err(Vec::new()), |base| merge::three_way(base, &text, &current.json)) {
                    Ok(merged) => (merged, true),
                    Err(_) if json::same(&text, &current.json) => (current.json.clone(), true),
                    Err(overlaps) => {
                        return Ok(Step::Answer(Box::new(Outcome::Overlap { base, mine: text, theirs: current.clone(), overlaps })));
                    }
                }
            }
        };
        if json::same(&text, &current.json) {
            return Ok(Step::Answer(Box::new(Outcome::Saved { element: current.clone(), merged })));
        }
        if commit::too_long(&text) {
            return Err(Conflict::ElementTooLong.into());
        }
        let mut next = current.with_json(text);
        next.revision = seq;
        let mut plan = Plan::new(Op::Update, Some(&next), caller, *at);
        plan.base = Some(current.revision);
        plan.changes(&current.json, &next.json);
        if next.kind == Kind::Collection {
            plan.effect.name = commit::root_name(&next.json).filter(|name| *name != head.name);
        }
        Ok(Step::Write { next: Box::new(next), merged, plan: Box::new(plan) })
    }

    /// The JSON that an element had at an earlier revision, from the changes since; `None` where they do not lead there.
    async fn text_at(&self, head: &Head, planned: &[Plan], element: &Element, revision: u64) -> Result<Option<String>, Error> {
        let mut text = element.json.clone();
        let mut at = element.revision;
        for _ in 0..STEPS_BACK {
            if at == revision {
                return Ok(Some(text));
            }
            if at < revision {
                return Ok(None);
            }
            let pending = at.checked_sub(head.seq + 1).and_then(|place| planned.get(usize::try_from(place).ok()?));
            let (base, before) = match pending {
                Some(plan) => (plan.base, plan.before(&text)),
                None => {
                    let change = self.change(&head.collection, at).await?;
                    let about = |change: &Change| change.item.as_ref().is_some_and(|item| item.id == element.id);
                    let Some(change) = change.filter(about) else { return Ok(None) };
                    (change.base, change.before(&text))
                }
            };
            let (Some(before), Some(base)) = (before, base) else { return Ok(None) };
            text = before;
            at = base;
        }
        Ok(None)
    }
}

/// Commits what waits, as much as fits into a transaction, and answers it.
async fn lead(mut writing: Writing) {
    let store = writing.store.clone();
    let mut batch = store.memory.take(&writing.head.collection, TOGETHER, TOGETHER_BYTES);
    while !batch.is_empty() {
        let generation = writing.head.generation.clone();
        let mut plans = Vec::new();
        let mut written = Vec::new();
        // The place of each save's first leg among all legs.
        let mut place = 0;
        let mut rest = Vec::with_capacity(batch.len());
        for pending in batch {
            let seq = writing.next_seq() + plans.len() as u64;
            match store.step(&writing.head, &plans, &pending.save, seq).await {
                Ok(Step::Answer(outcome)) => pending.answer(Ok(*outcome)),
                Err(error) => pending.answer(Err(error)),
                Ok(Step::Write { next, merged, mut plan }) => {
                    let key = elements::key(&writing.head, &next.id);
                    let legs = commit::write_legs(&key, Some(&pending.save.current), &next, None);
                    let kept = legs.map(|legs| plan.legs = legs).and_then(|()| plan.remember(|| Done::element(&next, merged)));
                    if let Err(error) = kept {
                        pending.answer(Err(error));
                        continue;
                    }
                    written.push((place, plan.once().map(|once| place + once), next, merged));
                    place += plan.legs.len();
                    plans.push(*plan);
                    rest.push(pending);
                }
            }
        }
        if plans.is_empty() {
            return;
        }
        batch = match writing.commit_all(plans).await {
            Ok(Tried::Done) => {
                for (pending, (.., next, merged)) in rest.into_iter().zip(written) {
                    store.memory.wrote(&writing.head.collection, &next);
                    pending.answer(Ok(Outcome::Saved { element: *next, merged }));
                }
                return;
            }
            Ok(Tried::Again(mut failed)) => {
                let moved = generation != writing.head.generation;
                let mut again = Vec::with_capacity(rest.len());
                for (mut pending, (place, once, ..)) in rest.into_iter().zip(written) {
                    if once.is_some_and(|once| failed.contains_key(&once)) {
                        pending.answer(Err(Conflict::UnderWay.into()));
                        continue;
                    }
                    match store.now(&writing.head, &pending.save, failed.remove(&place), moved).await {
                        Ok(Some(current)) => {
                            pending.save.current = current;
                            again.push(pending);
                        }
                        Ok(None) => pending.answer(Err(Conflict::ElementGone.into())),
                        Err(error) => pending.answer(Err(error)),
                    }
                }
                again
            }
            Err(error) => {
                for pending in rest {
                    pending.answer(Err(error.again()));
                }
                return;
            }
        };
    }
}

impl Store {
    /// The element of a save that has to be planned again.
    async fn now(&self, head: &Head, save: &Save, failed: Option<Option<crate::Item>>, moved: bool) -> Result<Option<Element>, Error> {
        match failed {
            _ if moved => self.element(head, &save.id, &Fetched::new()).await,
            Some(item) => self.returned(head, &save.id, item).await,
            // What it stands in may have been deleted.
            None if !head.sweeping.is_empty() => self.element(head, &save.id, &Fetched::new()).await,
            None => Ok(Some(save.current.clone())),
        }
    }
}

impl Pending {
    pub(crate) fn id(&self) -> &ElementId {
        &self.save.id
    }

    pub(crate) fn bytes(&self) -> usize {
        self.save.current.json.len()
    }

    pub(crate) fn is_now(&mut self, element: &Element) {
        self.save.current = element.clone();
    }

    fn answer(self, outcome: Result<Outcome, Error>) {
        if self.reply.send(outcome).is_err() {
            tracing::debug!("a client hung up before its save was answered");
        }
    }
}

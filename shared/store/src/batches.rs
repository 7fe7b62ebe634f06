//! Several edits at once: all of them or none, or, of what a client did offline, whatever applies.

use std::collections::HashSet;
use std::ops::Range;

use domain::access::{Access, Caller, EditCollection};
use domain::collection::{Element, Head};
use domain::ids::{ElementId, UserId};
use domain::limit;
use domain::once::{Done, Edited, Once};
use jiff::Timestamp;

use crate::commit::{Tried, Writing};
use crate::drafts::{After, Draft, Edit};
use crate::saves::Outcome;
use crate::{Conflict, Error, Store, additions, keys};

/// Items of a transaction that a further edit is still added to.
const LEGS: usize = limit::TRANSACTION_LEGS - 8;
/// And its bytes, not compressed: a transaction takes 4 MB, and a JSON may stand in it four times.
const BYTES: usize = limit::ELEMENT_STORED_BYTES;

/// How several edits ended.
#[derive(Debug)]
pub enum Batch {
    /// All of them are there.
    Done(Vec<Edited>),
    /// The edit at this place was refused; nothing was written.
    Refused(usize, Box<Outcome>),
    /// The edit at this place cannot be; nothing was written.
    Failed(usize, Conflict),
}

/// How one edit of a client that was offline ended.
#[derive(Debug)]
pub enum Synced {
    /// It is there.
    Done(Edited),
    /// It was refused: what it was to change has changed.
    Refused(Box<Outcome>),
    /// It cannot be.
    Failed(Conflict),
}

/// An edit, and the word that it was asked by.
#[derive(Clone)]
pub struct Asked {
    /// `create`, `update`, `patch`, `move` or `delete`.
    pub op: String,
    /// What is to be done.
    pub edit: Edit,
}

impl Asked {
    /// Which operation of which element, for a comparison.
    pub fn named(&self) -> String {
        let id = match &self.edit {
            Edit::Create { .. } => "",
            Edit::Change { id, .. } | Edit::Move { id, .. } | Edit::Delete { id, .. } => id.as_str(),
        };
        format!("{} {id}", self.op)
    }

    fn edited(&self, outcome: &Outcome) -> Option<Edited> {
        let Outcome::Saved { element, merged } = outcome else { return None };
        Some(self.done(element, *merged))
    }

    fn done(&self, element: &Element, merged: bool) -> Edited {
        Edited { op: self.op.clone(), id: element.id.clone(), revision: element.revision, merged }
    }

    /// How many items of a transaction it takes where what is large of it is written apart: its change, its element, and
    /// for a deletion the place in the trash, for a creation of several elements the word that the others are there.
    fn items(&self) -> usize {
        match &self.edit {
            Edit::Delete { .. } => 3,
            Edit::Create { elements, .. } if elements.len() > 1 => 3,
            _ => 2,
        }
    }

    /// About how many items of a transaction it takes.
    fn legs(&self) -> usize {
        match &self.edit {
            Edit::Create { elements, .. } => elements.len() + 3,
            _ => 5,
        }
    }

    /// What it creates, where that is more than a transaction takes by itself.
    fn large(&self) -> Option<(&Vec<Element>, &After)> {
        match &self.edit {
            Edit::Create { elements, after } => additions::is_large(elements).then_some((elements, after)),
            _ => None,
        }
    }
}

/// The steps of several edits, each of which fits into one transaction: up to 40 edits, or as many of those that take more.
pub fn steps(edits: &[Asked]) -> Vec<Range<usize>> {
    let mut steps: Vec<Range<usize>> = Vec::new();
    let mut items = 0;
    for (place, asked) in edits.iter().enumerate() {
        match steps.last_mut().filter(|step| step.len() < limit::EDITS_AT_ONCE && items + asked.items() + 3 <= limit::TRANSACTION_LEGS) {
            Some(step) => step.end = place + 1,
            None => {
                items = 0;
                steps.push(place..place + 1);
            }
        }
        items += asked.items();
    }
    steps
}

impl Store {
    /// What came of a request of a user, by the hash of its key, where it was done.
    pub async fn done_before(&self, user: UserId, key: &str) -> Result<Option<Done>, Error> {
        match self.get(&keys::once(user, key)).await? {
            Some(item) => self.done(item).await.map(Some),
            None => Ok(None),
        }
    }

    /// Makes all edits, each a change of its own, or none.
    pub async fn edit_all(&self, by: &Access<EditCollection>, edits: &[Asked], now: Timestamp) -> Result<Batch, Error> {
        if let Some(done) = by.caller.done() {
            return Ok(Batch::Done(done.edits.clone()));
        }
        let mut edits = edits.to_vec();
        let mut ahead = HashSet::new();
        let written = self.write_creations(&by.thing, &mut edits, &mut ahead, now).await;
        let ended = match written {
            Ok(None) => self.edit_together(by, &edits, &ahead, now).await,
            Ok(Some((place, conflict))) => Ok(Batch::Failed(place, conflict)),
            Err(error) => Err(error),
        };
        // What nobody will see goes; what may have been written, and what nobody answers for, the janitor looks at.
        if matches!(ended, Ok(Batch::Refused(..) | Batch::Failed(..)) | Err(Error::Conflict(_))) {
            for top in &ahead {
                self.take_back(&by.thing, top).await?;
            }
        }
        ended
    }

    /// Writes what stands in new elements ahead of them, where the edits together are more than a transaction takes: so
    /// it takes them, however much they create. Gives the place of one that cannot be.
    async fn write_creations(
        &self,
        head: &Head,
        edits: &mut [Asked],
        ahead: &mut HashSet<ElementId>,
        now: Timestamp,
    ) -> Result<Option<(usize, Conflict)>, Error> {
        let created = edits.iter().map(|asked| match &asked.edit {
            Edit::Create { elements, .. } => (1 + elements.len(), elements.iter().map(|element| element.json.len()).sum()),
            _ => (asked.items(), 0),
        });
        let (legs, bytes) = created.fold((0, 0), |(legs, bytes), (more, long): (usize, usize)| (legs + more, bytes + long));
        if legs <= LEGS && bytes <= BYTES && edits.iter().all(|asked| asked.large().is_none()) {
            return Ok(None);
        }
        for (place, asked) in edits.iter_mut().enumerate() {
            let Edit::Create { elements, .. } = &mut asked.edit else { continue };
            let Some(top) = elements.first().filter(|_| elements.len() > 1).map(|top| top.id.clone()) else { continue };
            if ahead.contains(&top) {
                return Ok(Some((place, Conflict::ElementExists)));
            }
            match self.write_ahead(head, elements, head.seq + 1 + place as u64, now).await {
                Ok(()) => drop(ahead.insert(top)),
                Err(Error::Conflict(conflict)) => return Ok(Some((place, conflict))),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    async fn edit_together(
        &self,
        by: &Access<EditCollection>,
        edits: &[Asked],
        ahead: &HashSet<ElementId>,
        now: Timestamp,
    ) -> Result<Batch, Error> {
        // What came of them is kept for all together.
        let each = Caller { once: None, ..by.caller.clone() };
        let mut writing = Writing::start(self, by).await;
        loop {
            if !ahead.is_empty() && writing.head.generation != by.thing.generation {
                // Somebody replaced the whole collection meanwhile.
                return Err(Error::Busy);
            }
            let mut draft = Draft::open(&writing, now).await?;
            draft.written_ahead(ahead.clone());
            let mut edited = Vec::with_capacity(edits.len());
            for (place, asked) in edits.iter().enumerate() {
                draft.reserve(edits[place + 1..].iter().map(Asked::items).sum());
                match draft.make(&each, &asked.edit).await {
                    Ok(outcome) => match asked.edited(&outcome) {
                        Some(done) => edited.push(done),
                        None => return Ok(Batch::Refused(place, Box::new(outcome))),
                    },
                    Err(Error::Conflict(conflict)) => return Ok(Batch::Failed(place, conflict)),
                    Err(error) => return Err(error),
                }
                if draft.is_over()? {
                    return Ok(Batch::Failed(place, Conflict::BatchTooLarge));
                }
            }
            draft.remember(&by.caller, || Done { edits: edited.clone(), ..Done::default() })?;
            if draft.is_empty() {
                return Ok(Batch::Done(edited));
            }
            if let Tried::Done = draft.commit(&mut writing).await? {
                return Ok(Batch::Done(edited));
            }
        }
    }

    /// Makes those edits that apply, each a change of its own, in transactions of as many as fit in. What came of each is
    /// kept under its own key, so that a client may send all of them again.
    pub async fn sync(&self, by: &Access<EditCollection>, edits: &[(Once, Asked)], now: Timestamp) -> Result<Vec<Synced>, Error> {
        let wanted: Vec<_> = edits.iter().map(|(once, _)| keys::once(by.caller.user, &once.key)).collect();
        let mut before = Vec::with_capacity(edits.len());
        let mut found = self.get_many(&wanted).await?;
        for key in &wanted {
            before.push(match found.remove(key) {
                Some(item) => Some(self.done(item).await?),
                None => None,
            });
        }
        let mut synced: Vec<Synced> = Vec::with_capacity(edits.len());
        let mut writing = Writing::start(self, by).await;
        while synced.len() < edits.len() {
            let start = synced.len();
            // What a transaction does not take goes by itself.
            let (once, asked) = &edits[start];
            if let Some((elements, after)) = asked.large().filter(|_| before[start].is_none()) {
                let mut alone = by.clone();
                alone.thing = writing.head.clone();
                drop(writing);
                alone.caller.once = Some(once.clone());
                let added = self.add(&alone, elements.clone(), after.as_ref().map(Option::as_ref), now).await;
                synced.push(match added {
                    Ok(element) => Synced::Done(asked.done(&element, false)),
                    Err(Error::Conflict(conflict)) => Synced::Failed(conflict),
                    Err(error) => return Err(error),
                });
                writing = Writing::start(self, by).await;
                continue;
            }
            let mut draft = Draft::open(&writing, now).await?;
            for ((once, asked), before) in edits.iter().zip(&before).skip(start) {
                if let Some(done) = before {
                    let alone = done.element.as_ref().map(|element| asked.done(element, done.merged));
                    if let Some(edited) = done.edits.first().cloned().or(alone) {
                        synced.push(Synced::Done(edited));
                        continue;
                    }
                }
                if asked.large().is_some() {
                    break;
                }
                let full = draft.legs() + asked.legs() > LEGS || draft.bytes() > BYTES || draft.edits() == limit::EDITS_AT_ONCE;
                if full && !draft.is_empty() {
                    break;
                }
                let each = Caller { once: None, ..by.caller.clone() };
                let changes = draft.edits();
                synced.push(match draft.make(&each, &asked.edit).await {
                    Ok(outcome) => match asked.edited(&outcome) {
                        Some(edited) => {
                            if changes < draft.edits() {
                                let caller = Caller { once: Some(once.clone()), ..each };
                                draft.remember(&caller, || Done { edits: vec![edited.clone()], ..Done::default() })?;
                            }
                            Synced::Done(edited)
                        }
                        None => Synced::Refused(Box::new(outcome)),
                    },
                    Err(Error::Conflict(conflict)) => Synced::Failed(conflict),
                    Err(error) => return Err(error),
                });
            }
            if draft.is_empty() {
                continue;
            }
            if let Tried::Again(_) = draft.commit(&mut writing).await? {
                synced.truncate(start);
            }
        }
        Ok(synced)
    }
}

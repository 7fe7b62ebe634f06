//! Whom a change of an element concerns, of those who follow a folder or a request: the element, and what it stands in.
//!
//! A change does not carry the path of its element: to know it would cost a save a read for each folder around it. Who
//! tells of changes looks it up instead, and only where somebody follows an item of this collection at all.

use std::collections::{BTreeSet, HashMap, HashSet};

use domain::change::{Change, ItemRef, Op};
use domain::collection::Kind;
use domain::ids::{CollectionId, ElementId, GenerationId};

use crate::changes::About;
use crate::{Error, Store, keys};

/// What elements stand in, as far as it was looked up.
#[derive(Debug, Default)]
struct Parents(HashMap<ElementId, Option<ElementId>>);

impl Parents {
    /// Everything that `from` stands in, itself included, as far as it is known.
    fn above(&self, from: Option<&ElementId>) -> HashSet<ElementId> {
        let mut path = HashSet::new();
        let mut at = from.cloned();
        while let Some(id) = at {
            at = self.0.get(&id).cloned().flatten();
            if !path.insert(id) {
                break;
            }
        }
        path
    }
}

impl Store {
    /// Which of the `followed` items a change concerns: those that it touches, those that the touched element stands in
    /// (or stood in, before it was moved), and those that went away with it.
    pub async fn concerned(&self, about: &About, change: &Change, followed: &BTreeSet<ElementId>) -> Result<BTreeSet<ElementId>, Error> {
        let Some(item) = &change.item else { return Ok(followed.clone()) };
        if followed.is_empty() || item.kind == Kind::Collection {
            return Ok(BTreeSet::new());
        }
        let from = change.moved.as_ref().and_then(|moved| moved.from.parent.clone());
        let deleted = change.op == Op::Delete && item.kind != Kind::Response;
        let mut starts: HashSet<ElementId> = item.parent.iter().chain(&from).cloned().collect();
        if deleted {
            starts.extend(followed.iter().cloned());
        }
        let mut parents = match &about.generation {
            Some(generation) => self.parents(&about.collection, generation, starts).await?,
            None => Parents::default(),
        };
        parents.0.insert(item.id.clone(), item.parent.clone());
        let mut touched = parents.above(Some(&item.id));
        touched.extend(parents.above(from.as_ref()));
        let concerns = |id: &&ElementId| touched.contains(*id) || (deleted && parents.above(Some(id)).contains(&item.id));
        Ok(followed.iter().filter(concerns).cloned().collect())
    }

    /// Which of the `followed` items are an element, or what it stands in.
    pub async fn around(
        &self,
        collection: &CollectionId,
        generation: &GenerationId,
        item: Option<&ItemRef>,
        followed: &BTreeSet<ElementId>,
    ) -> Result<BTreeSet<ElementId>, Error> {
        let Some(item) = item.filter(|_| !followed.is_empty()) else { return Ok(BTreeSet::new()) };
        let mut parents = self.parents(collection, generation, item.parent.iter().cloned().collect()).await?;
        parents.0.insert(item.id.clone(), item.parent.clone());
        let above = parents.above(Some(&item.id));
        Ok(followed.iter().filter(|id| above.contains(*id)).cloned().collect())
    }

    /// What each of these elements stands in, up to the collection: one read for each level. Deleted ones count.
    async fn parents(&self, collection: &CollectionId, generation: &GenerationId, mut level: HashSet<ElementId>) -> Result<Parents, Error> {
        let mut parents = Parents::default();
        while !level.is_empty() {
            let wanted: Vec<_> = level.iter().map(|id| keys::element(collection, generation, id)).collect();
            let found = self.get_many(&wanted).await?;
            let mut next = HashSet::new();
            for (id, key) in level.iter().zip(&wanted) {
                let parent = found.get(key).and_then(|item| item.get("parent")?.as_s().ok()?.parse::<ElementId>().ok());
                next.extend(parent.clone());
                parents.0.insert(id.clone(), parent);
            }
            next.retain(|id| !parents.0.contains_key(id));
            level = next;
        }
        Ok(parents)
    }
}

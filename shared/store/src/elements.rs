//! Elements: reading them, and their items.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::change::Op;
use domain::collection::{Element, Head, Kind};
use domain::ids::{CollectionId, ElementId, GenerationId};

use crate::keys::Key;
use crate::wholes::Known;
use crate::{Error, Item, Range, Store, codec, keys, read, row};

/// With more changes than this since it was read, a collection is read anew.
const CATCH_UP: u64 = 50;

/// Items that were read along with the caller.
pub type Fetched = HashMap<Key, Item>;

/// The key of an element; the collection's own part lies under a name that no element can have.
pub(crate) fn key(head: &Head, id: &ElementId) -> Key {
    if id.as_str() == head.collection.as_str() {
        keys::root(&head.collection, &head.generation)
    } else {
        keys::element(&head.collection, &head.generation, id)
    }
}

/// Stands between an element's JSON and its origin where they are stored; in no JSON is there such a character.
const ORIGIN: char = '\u{1e}';

/// What is stored of an element: its JSON, and beside it where it came from. Packed together they take little more than one.
pub(crate) fn stored(element: &Element) -> Cow<'_, str> {
    match &element.origin {
        Some(origin) => Cow::Owned(format!("{}{ORIGIN}{origin}", element.json)),
        None => Cow::Borrowed(&element.json),
    }
}

/// The items of an element in a generation: itself, and the parts of a long body.
pub(crate) fn items(key: &Key, element: &Element) -> Result<Vec<Item>, Error> {
    // An element says itself what kind of item it is: `folder`, `request` …
    let mut item = row(key, element.kind.as_str(), element)?;
    let mut all = codec::put_body(&mut item, codec::pack(&stored(element)), |part| keys::element_part(key, element.revision, part));
    all.insert(0, item);
    Ok(all)
}

/// Whether an element was deleted: it stays for the history, unseen.
pub(crate) fn is_deleted(item: &Item) -> bool {
    item.contains_key("deleted")
}

pub(crate) fn decode(key: &Key, item: Item, part: impl Fn(&Key) -> Option<Vec<u8>>) -> Result<Element, Error> {
    let revision = item.get("revision").and_then(|n| n.as_n().ok()).and_then(|n| n.parse().ok()).unwrap_or(0);
    let mut json = codec::text(key, &item, |index| part(&keys::element_part(key, revision, index)))?;
    let origin = json.find(ORIGIN).map(|at| json.split_off(at).split_off(ORIGIN.len_utf8()));
    Ok(Element { json, origin, ..read(item)? })
}

/// A collection with everything in it.
#[derive(Debug, Clone)]
pub struct Whole {
    /// The collection's own part.
    pub root: Element,
    /// Its elements, in no order.
    pub elements: Vec<Element>,
}

impl Whole {
    /// Drops what stands in something that is not there.
    pub(crate) fn without_orphans(mut self) -> Whole {
        let parents: HashMap<ElementId, Option<ElementId>> = self.elements.iter().map(|e| (e.id.clone(), e.parent.clone())).collect();
        let mut alive: HashSet<ElementId> = HashSet::new();
        let mut dead: HashSet<ElementId> = HashSet::new();
        for element in &self.elements {
            let mut path = Vec::new();
            let mut at = Some(&element.id);
            let lives = loop {
                match at {
                    None => break true,
                    Some(id) if alive.contains(id) => break true,
                    Some(id) if dead.contains(id) || path.contains(id) => break false,
                    Some(id) => match parents.get(id) {
                        Some(parent) => {
                            path.push(id.clone());
                            at = parent.as_ref();
                        }
                        None => break false,
                    },
                }
            };
            if lives { alive.extend(path) } else { dead.extend(path) }
        }
        self.elements.retain(|element| alive.contains(&element.id));
        self
    }
}

impl Store {
    /// The key under which an element probably lies, so that it can be read together with the head.
    pub fn probable_element(&self, collection: &CollectionId, id: &ElementId) -> Option<Key> {
        self.memory.generation(collection).map(|generation| keys::element(collection, &generation, id))
    }

    /// One element. Taken from `fetched` where it was read along, else one read (two for a long one).
    pub async fn element(&self, head: &Head, id: &ElementId, fetched: &Fetched) -> Result<Option<Element>, Error> {
        self.memory.saw(&head.collection, &head.generation);
        let key = key(head, id);
        let item = match fetched.get(&key) {
            Some(item) => Some(item.clone()),
            None => self.get(&key).await?,
        };
        match item.filter(|item| !is_deleted(item)) {
            Some(item) if self.stands(head, id).await? => Ok(Some(self.whole_element(&key, item).await?)),
            _ => Ok(None),
        }
    }

    /// Whether an element that is not marked as deleted is there: what it stands in may be deleted. That costs a look
    /// only while the content of a deleted folder is being marked, or was not because a process died.
    async fn stands(&self, head: &Head, id: &ElementId) -> Result<bool, Error> {
        if head.sweeping.is_empty() || id.as_str() == head.collection.as_str() {
            return Ok(true);
        }
        Ok(self.whole(head).await?.elements.iter().any(|element| element.id == *id))
    }

    pub(crate) async fn whole_element(&self, key: &Key, item: Item) -> Result<Element, Error> {
        let revision = item.get("revision").and_then(|n| n.as_n().ok()).and_then(|n| n.parse().ok()).unwrap_or(0);
        let part_keys: Vec<Key> = (0..codec::parts(&item)).map(|part| keys::element_part(key, revision, part)).collect();
        let parts = self.get_many(&part_keys).await?;
        decode(key, item, |key| parts.get(key).and_then(codec::body).map(<[u8]>::to_vec))
    }

    /// Everything in a collection. One query of pages of 1 MB, and another one only where it has long elements. What
    /// this process read lately costs nothing where no change came since, and two small reads where a few did: `head`
    /// was read consistently, and says.
    pub async fn whole(&self, head: &Head) -> Result<Arc<Whole>, Error> {
        self.memory.saw(&head.collection, &head.generation);
        let known = self.wholes.find(&head.collection).filter(|known| known.generation == head.generation);
        let whole = match known {
            Some(known) if known.seq == head.seq => return Ok(known.whole),
            Some(known) if known.seq < head.seq && head.seq - known.seq <= CATCH_UP => self.catch_up(head, &known).await?,
            _ => None,
        };
        let whole = match whole {
            Some(whole) => whole,
            None => self.generation(&head.collection, &head.generation).await?,
        };
        let whole = Arc::new(whole);
        self.wholes.keep(head, &whole);
        Ok(whole)
    }

    /// What is known, with the elements that changed since read again. `None`: there were changes of another kind.
    async fn catch_up(&self, head: &Head, known: &Known) -> Result<Option<Whole>, Error> {
        let mut touched = HashSet::new();
        let since = self.log(&head.collection, known.seq, CATCH_UP as usize).await?;
        for change in since.into_iter().filter(|change| change.seq <= head.seq) {
            match (change.op, change.item, change.counts) {
                // What stood in it is an orphan then.
                (Op::Update | Op::Move | Op::Create, Some(item), None) | (Op::Delete, Some(item), _) => touched.insert(item.id),
                _ => return Ok(None),
            };
        }
        let wanted: Vec<Key> = touched.iter().map(|id| key(head, id)).collect();
        let mut whole = Whole::clone(&known.whole);
        whole.elements.retain(|element| !touched.contains(&element.id));
        for (key, item) in self.get_many(&wanted).await? {
            if is_deleted(&item) {
                continue;
            }
            let element = self.whole_element(&key, item).await?;
            if element.kind == Kind::Collection { whole.root = element } else { whole.elements.push(element) }
        }
        Ok(Some(whole.without_orphans()))
    }

    pub(crate) async fn generation(&self, collection: &CollectionId, generation: &GenerationId) -> Result<Whole, Error> {
        let partition = keys::collection_partition(collection);
        let items = self.all(&Range::prefix(partition.clone(), keys::elements(generation))).await?;
        let parts: HashMap<Key, Item> = if items.iter().any(|item| codec::parts(item) > 0) {
            let parts = self.all(&Range::prefix(partition, keys::element_parts(generation))).await?;
            parts.into_iter().filter_map(|item| Some((crate::key_of(&item)?, item))).collect()
        } else {
            HashMap::new()
        };
        let root_key = keys::root(collection, generation);
        let mut root = None;
        let mut elements = Vec::with_capacity(items.len());
        for item in items.into_iter().filter(|item| !is_deleted(item)) {
            let Some(key) = crate::key_of(&item) else { continue };
            let element = decode(&key, item, |key| parts.get(key).and_then(codec::body).map(<[u8]>::to_vec))?;
            if key == root_key { root = Some(element) } else { elements.push(element) }
        }
        let root = root.ok_or_else(|| Error::torn(&root_key, "it is not there"))?;
        Ok(Whole { root, elements }.without_orphans())
    }

    /// An element as a failed leg gave it back. `None`: it is gone or deleted.
    pub(crate) async fn returned(&self, head: &Head, id: &ElementId, item: Option<Item>) -> Result<Option<Element>, Error> {
        if !self.stands(head, id).await? {
            return Ok(None);
        }
        let key = &key(head, id);
        match item.filter(|item| !is_deleted(item)) {
            // An engine may leave the binary out of what it gives back; then it is read.
            Some(item) if item.get("body").is_some_and(|body| matches!(body, AttributeValue::B(_))) || codec::parts(&item) > 0 => {
                self.whole_element(key, item).await.map(Some)
            }
            _ => match self.get(key).await?.filter(|item| !is_deleted(item)) {
                Some(item) => self.whole_element(key, item).await.map(Some),
                None => Ok(None),
            },
        }
    }
}

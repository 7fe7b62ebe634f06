//! What is searched of collections: one packed list of names, addresses and descriptions beside each generation of elements.
//! It is written with the generation, brought up to date behind the stream every so many changes, and by whoever searches by
//! the changes since. So a search reads a few bytes for each element, never its JSON.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::change::{Change, Op};
use domain::collection::{Head, Kind};
use domain::ids::{CollectionId, ElementId, GenerationId, TeamId, UserId, WorkspaceId};
use domain::limit;
use domain::search::{self, Around, Index, Query, Rank, Row, Spot};
use domain::tags::Slug;
use futures::{StreamExt, TryStreamExt};

use crate::imports::Listed;
use crate::keys::{self, Key};
use crate::{Error, Item, Store, codec, cursor, elements, n, read};

/// With more changes than this since it was written, it is made anew.
const CATCH_UP: usize = 200;
/// Collections that are brought up to date side by side.
const AT_ONCE: usize = 8;
/// What a process keeps of what it searched lately, in bytes.
const KEPT: usize = 32 * 1024 * 1024;
/// Authors of a collection that are looked up at once.
const AUTHORS: usize = 1_000;

/// What was searched lately, the last at the end. It decides nothing: the head says whether it still is true.
#[derive(Debug, Clone, Default)]
pub(crate) struct Indexes(Arc<Mutex<Vec<Kept>>>);

/// An index, and of which generation it is.
type Kept = (CollectionId, GenerationId, Arc<Index>);

impl Indexes {
    fn known(&self) -> MutexGuard<'_, Vec<(CollectionId, GenerationId, Arc<Index>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, head: &Head) -> Option<Arc<Index>> {
        let known = self.known();
        let found = known.iter().find(|(collection, generation, _)| *collection == head.collection && *generation == head.generation);
        found.map(|(.., index)| Arc::clone(index)).filter(|index| index.seq <= head.seq)
    }

    fn keep(&self, head: &Head, index: &Arc<Index>) {
        let mut known = self.known();
        known.retain(|(collection, ..)| *collection != head.collection);
        known.push((head.collection.clone(), head.generation.clone(), Arc::clone(index)));
        let mut kept = 0;
        let fit = known.iter().rev().take_while(|(.., index)| {
            kept += index.bytes();
            kept <= KEPT
        });
        let too_much = known.len() - fit.count();
        known.drain(..too_much);
    }
}

/// The items of an index: itself, and the parts of a long one.
pub(crate) fn items(collection: &CollectionId, generation: &GenerationId, index: &Index) -> Result<Vec<Item>, Error> {
    let key = keys::index(collection, generation);
    let text = index.write().map_err(|rejected| Error::torn(&key, rejected))?;
    let mut item = crate::transact::key_item(&key);
    item.insert("kind".to_owned(), AttributeValue::S("index".to_owned()));
    item.insert("seq".to_owned(), n(index.seq));
    let mut all = codec::put_body(&mut item, codec::pack(&text), |part| keys::index_part(&key, index.seq, part));
    all.insert(0, item);
    Ok(all)
}

fn seq_of(item: &Item) -> u64 {
    item.get("seq").and_then(|seq| seq.as_n().ok()).and_then(|seq| seq.parse().ok()).unwrap_or(0)
}

fn part_keys(key: &Key, item: &Item) -> Vec<Key> {
    (0..codec::parts(item)).map(|part| keys::index_part(key, seq_of(item), part)).collect()
}

/// Whether a change is one to a single element, which says all that changed.
fn is_single(change: &Change) -> bool {
    change.item.is_some()
        && match change.op {
            Op::Update | Op::Move | Op::Create => change.counts.is_none(),
            // What stood in it goes with it.
            Op::Delete => true,
            Op::Import | Op::Restore => false,
        }
}

/// Whether what is searched of a collection is to be written anew behind these changes.
pub fn is_due(changes: impl IntoIterator<Item = (u64, bool)>) -> bool {
    changes.into_iter().any(|(seq, single)| !single || seq.is_multiple_of(limit::INDEX_EVERY))
}

/// A change's number, and whether it says all that changed: for [`is_due`].
pub fn weight(change: &Change) -> (u64, bool) {
    // A new generation brings its index.
    (change.seq, is_single(change) || change.op == Op::Import || change.past.generation.is_some())
}

impl Store {
    /// What is searched of collections, by their heads, which were just read. Reads one list for each collection that this
    /// process does not know at its number, 100 a round trip, and the changes since.
    pub async fn indexes(&self, heads: Vec<Head>) -> Result<Vec<(Head, Arc<Index>)>, Error> {
        let mut known: HashMap<CollectionId, Arc<Index>> = HashMap::new();
        let mut missing = Vec::new();
        for head in &heads {
            match self.searched.find(head) {
                Some(index) => drop(known.insert(head.collection.clone(), index)),
                None => missing.push(head.clone()),
            }
        }
        known.extend(self.stored(&missing).await?);
        let each = heads.into_iter().map(|head| {
            let found = known.remove(&head.collection);
            async move {
                let index = self.level(&head, found).await?;
                Ok::<_, Error>((head, index))
            }
        });
        futures::stream::iter(each).buffered(AT_ONCE).try_collect().await
    }

    /// The indexes that are in the table.
    async fn stored(&self, heads: &[Head]) -> Result<HashMap<CollectionId, Arc<Index>>, Error> {
        let key = |head: &Head| keys::index(&head.collection, &head.generation);
        let mut found = self.get_many(&heads.iter().map(key).collect::<Vec<_>>()).await?;
        let parts: Vec<Key> = found.iter().flat_map(|(key, item)| part_keys(key, item)).collect();
        let parts = self.get_many(&parts).await?;
        let mut packed = Vec::new();
        for head in heads {
            let key = key(head);
            if let Some(item) = found.remove(&key) {
                let bytes: Vec<Option<Vec<u8>>> =
                    part_keys(&key, &item).iter().map(|key| parts.get(key).and_then(codec::body).map(<[u8]>::to_vec)).collect();
                packed.push((head.collection.clone(), key, item, bytes));
            }
        }
        let unpack = move || {
            let one = |(collection, key, item, bytes): (CollectionId, Key, Item, Vec<Option<Vec<u8>>>)| {
                // Somebody may just have written another one: what cannot be read is made anew.
                let text = codec::text(&key, &item, |part| bytes.get(part).cloned().flatten()).ok();
                Some((collection, Arc::new(Index::read(&text?).ok()?)))
            };
            packed.into_iter().filter_map(one).collect::<HashMap<_, _>>()
        };
        tokio::task::spawn_blocking(unpack).await.map_err(|error| Error::Failed(error.to_string()))
    }

    /// An index as of the head's number.
    async fn level(&self, head: &Head, found: Option<Arc<Index>>) -> Result<Arc<Index>, Error> {
        let caught_up = match &found {
            Some(index) if index.seq == head.seq && index.unknown().is_empty() => {
                self.searched.keep(head, index);
                return Ok(Arc::clone(index));
            }
            Some(index) => self.since(head, index).await?,
            None => None,
        };
        let index = match caught_up {
            Some(index) => index,
            None => {
                let whole = self.whole(head).await?;
                let make = move || Index::of(&whole.root, &whole.elements);
                let mut index = tokio::task::spawn_blocking(make).await.map_err(|error| Error::Failed(error.to_string()))?;
                index.seq = head.seq;
                if let Some(older) = &found {
                    index.learn_from(older);
                }
                self.learn(head, &mut index, HashMap::new()).await?;
                index
            }
        };
        let index = Arc::new(index);
        self.searched.keep(head, &index);
        Ok(index)
    }

    /// What is known, with what changed since read again. `None`: that does not say all.
    async fn since(&self, head: &Head, index: &Index) -> Result<Option<Index>, Error> {
        let mut changes = match index.seq < head.seq {
            true => self.log(&head.collection, index.seq, CATCH_UP).await?,
            false => Vec::new(),
        };
        changes.retain(|change| change.seq <= head.seq);
        if changes.last().is_some_and(|last| last.seq < head.seq) {
            return Ok(None);
        }
        // The generation came into being by one of these: it has what was before.
        let from = changes.iter().rposition(|change| change.past.generation.is_some() || change.seq == 1).map_or(0, |at| at + 1);
        let mut authors: HashMap<u64, UserId> = changes.iter().map(|change| (change.seq, change.actor.id)).collect();
        authors.retain(|seq, _| *seq > 1);
        let later = changes.get(from..).unwrap_or_default();
        if !later.iter().all(is_single) {
            return Ok(None);
        }
        let ids: Vec<_> = later.iter().filter_map(|change| change.item.as_ref().map(|item| item.id.clone())).collect();
        let touched: HashSet<_> = ids.into_iter().collect();
        let wanted: Vec<Key> = touched.iter().map(|id| elements::key(head, id)).collect();
        let mut rows = Vec::with_capacity(wanted.len());
        for (key, item) in self.get_many(&wanted).await? {
            if !elements::is_deleted(&item) {
                rows.push(Row::of(&self.whole_element(&key, item).await?));
            }
        }
        let mut index = index.replaced(head.seq, &touched, rows);
        self.learn(head, &mut index, authors).await?;
        Ok(Some(index))
    }

    /// Notes who made the changes that rows were written by: as `authors` says, or as the log does.
    async fn learn(&self, head: &Head, index: &mut Index, mut authors: HashMap<u64, UserId>) -> Result<(), Error> {
        let mut wanted: Vec<u64> = index.unknown().into_iter().filter(|seq| !authors.contains_key(seq)).collect();
        wanted.sort_unstable_by_key(|seq| std::cmp::Reverse(*seq));
        wanted.truncate(AUTHORS);
        let keys: Vec<Key> = wanted.iter().map(|seq| keys::change(&head.collection, *seq)).collect();
        for item in self.get_many(&keys).await?.into_values() {
            let seq = seq_of(&item);
            let author = item.get("actor").and_then(|actor| actor.as_m().ok()).and_then(|actor| actor.get("id")?.as_n().ok()?.parse().ok());
            authors.extend(author.map(|author: u64| (seq, UserId(author))));
        }
        index.learn(&authors);
        // Who cannot be found is not looked for again and again.
        let nobody: HashMap<u64, UserId> = index.unknown().into_iter().map(|seq| (seq, UserId(0))).collect();
        index.learn(&nobody);
        Ok(())
    }

    /// Writes what is searched of a collection as it is now. Behind the stream: written again, it is the same.
    pub async fn refresh_index(&self, collection: &CollectionId) -> Result<(), Error> {
        let head = keys::head(collection);
        let Some(head) = self.get_many(std::slice::from_ref(&head)).await?.remove(&head) else { return Ok(()) };
        let head: Head = read(head)?;
        if head.deleted_at.is_some() {
            return Ok(());
        }
        let key = keys::index(collection, &head.generation);
        let before = self.get_many(std::slice::from_ref(&key)).await?.remove(&key);
        let found = self.stored(std::slice::from_ref(&head)).await?.remove(collection);
        let index = self.level(&head, found).await?;
        if before.as_ref().is_some_and(|before| index.seq <= seq_of(before)) {
            return Ok(());
        }
        let (to, made) = ((collection.clone(), head.generation.clone()), Arc::clone(&index));
        let packed = move || items(&to.0, &to.1, &made);
        let packed = tokio::task::spawn_blocking(packed).await.map_err(|error| Error::Failed(error.to_string()))??;
        let mut packed = packed.into_iter();
        let Some(mut first) = packed.next() else { return Ok(()) };
        self.write_all(packed.collect()).await?;
        let mut take = |name: &str| first.remove(name);
        let mut set = vec![(":seq", n(index.seq)), (":kind", AttributeValue::S("index".to_owned()))];
        let expression = match (take("body"), take("parts")) {
            (Some(body), _) => {
                set.push((":body", body));
                "SET #seq = :seq, #kind = :kind, #body = :body REMOVE #parts"
            }
            (None, Some(parts)) => {
                set.push((":parts", parts));
                "SET #seq = :seq, #kind = :kind, #parts = :parts REMOVE #body"
            }
            (None, None) => return Ok(()),
        };
        let all: Item = set.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let written = self.update_when(&key, expression, "attribute_not_exists(pk) OR #seq < :seq", all).await?;
        let old = before.filter(|_| written).map(|before| part_keys(&key, &before)).unwrap_or_default();
        self.delete_all(&old).await
    }

    /// The heads of collections, consistently; what is not there (any more) is left out.
    pub async fn heads(&self, collections: &[CollectionId]) -> Result<Vec<Head>, Error> {
        let wanted: Vec<Key> = collections.iter().map(keys::head).collect();
        let chunks: Vec<Vec<Key>> = wanted.chunks(limit::BATCH_GET).map(<[Key]>::to_vec).collect();
        let chunks = chunks.into_iter().map(|chunk| async move { self.get_many(&chunk).await });
        let found: Vec<HashMap<Key, Item>> = futures::stream::iter(chunks).buffered(AT_ONCE).try_collect().await?;
        let heads = found.into_iter().flatten().map(|(_, item)| read::<Head>(item));
        let mut heads: Vec<Head> = heads.collect::<Result<_, _>>()?;
        heads.retain(|head| head.deleted_at.is_none());
        Ok(heads)
    }
}

/// Something that was found, with what one wants to know of it.
#[derive(Debug, Clone)]
pub struct Hit {
    /// The element; of a collection its own id.
    pub id: ElementId,
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// A request's method.
    pub method: Option<String>,
    /// A request's URL.
    pub url: Option<String>,
    /// The beginning of its description.
    pub description: String,
    /// The change that last wrote it.
    pub revision: u64,
    /// The collection.
    pub collection: CollectionId,
    /// Its name.
    pub collection_name: String,
    /// Who made the collection.
    pub owner: UserId,
    /// Its tags.
    pub tags: Vec<Slug>,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// Its team.
    pub team: Option<TeamId>,
    /// The names of what it stands in, outermost first, without the collection.
    pub path: Vec<String>,
    /// Who changed it last, or made the collection, where they have an account.
    pub author: Option<(UserId, String)>,
    /// The place that fits.
    pub spot: Option<Spot>,
}

/// A page of what was found, the best first.
#[derive(Debug, Clone, Default)]
pub struct Results {
    /// What was found.
    pub hits: Vec<Hit>,
    /// How much there is in all.
    pub total: usize,
    /// Where the next page starts.
    pub cursor: Option<String>,
    /// Collections that were not looked at, because there are too many.
    pub left: usize,
}

impl Store {
    /// Looks for something in collections that the caller may see. Four reads one after the other at most where nothing
    /// changed lately: heads, indexes, the parts of long ones, authors. `cursor` is the one of the page before.
    pub async fn search(&self, mut among: Vec<Listed>, query: Query, cursor: Option<&str>, limit: usize) -> Result<Results, Error> {
        if query.is_empty() {
            return Ok(Results::default());
        }
        among.sort_by(|one, other| other.updated_at.cmp(&one.updated_at).then_with(|| one.collection.cmp(&other.collection)));
        let mut elements = 0;
        let fit = among.iter().take(limit::SEARCHED_COLLECTIONS).take_while(|listed| {
            elements += listed.count;
            elements <= limit::SEARCHED
        });
        let looked_at = fit.count().max(1).min(among.len());
        let left = among.len() - looked_at;
        let ids: Vec<CollectionId> = among.into_iter().take(looked_at).map(|listed| listed.collection).collect();
        let indexes = self.indexes(self.heads(&ids).await?).await?;
        let names = match query.asks_for_authors() {
            true => {
                let mut authors: HashSet<UserId> = indexes.iter().map(|(head, _)| head.owner).collect();
                authors.extend(indexes.iter().flat_map(|(_, index)| index.rows.iter().filter_map(|row| row.author)));
                self.names(authors).await?
            }
            false => HashMap::new(),
        };
        let behind: Option<Rank> = cursor::place(cursor, |rank| serde_json::from_str(&rank).ok())?;
        let find = move || pick(&indexes, &query, names, behind.as_ref(), limit);
        let mut results = tokio::task::spawn_blocking(find).await.map_err(|error| Error::Failed(error.to_string()))?;
        let unnamed: HashSet<UserId> =
            results.hits.iter().filter_map(|hit| hit.author.as_ref()).filter(|(_, name)| name.is_empty()).map(|(id, _)| *id).collect();
        let names = self.names(unnamed).await?;
        for hit in &mut results.hits {
            hit.author = hit.author.take().and_then(|(id, name)| match name.is_empty() {
                true => Some((id, names.get(&id)?.clone())),
                false => Some((id, name)),
            });
        }
        results.left = left;
        Ok(results)
    }

    /// In which of some collections elements are, and what they are.
    pub async fn locate(&self, among: &[Listed], ids: &[ElementId]) -> Result<Vec<(CollectionId, ElementId, Kind)>, Error> {
        let collections: Vec<CollectionId> = among.iter().map(|listed| listed.collection.clone()).collect();
        let mut found = Vec::new();
        for (head, index) in self.indexes(self.heads(&collections).await?).await? {
            found.extend(ids.iter().filter_map(|id| Some((head.collection.clone(), id.clone(), index.row(id)?.kind))));
        }
        Ok(found)
    }

    /// The names of people, where they have an account.
    pub async fn names(&self, mut users: HashSet<UserId>) -> Result<HashMap<UserId, String>, Error> {
        users.remove(&UserId(0));
        let users: Vec<UserId> = users.into_iter().collect();
        Ok(self.profiles(&users).await?.into_iter().map(|(id, profile)| (id, profile.username.to_string())).collect())
    }
}

fn pick(indexes: &[(Head, Arc<Index>)], query: &Query, names: HashMap<UserId, String>, behind: Option<&Rank>, limit: usize) -> Results {
    let compared: HashMap<UserId, String> = names.iter().map(|(id, name)| (*id, search::fold(name))).collect();
    let mut found = Vec::new();
    for (head, index) in indexes {
        let around = Around {
            collection: head.collection.clone(),
            name: head.name.clone(),
            tags: head.tags.iter().map(|tag| tag.slug.as_str().to_owned()).collect(),
            owner: head.owner,
        };
        found.extend(
            search::find(query, index, &around, &compared).into_iter().map(|one| (Rank::of(&one, &head.collection), one, head, index)),
        );
    }
    let total = found.len();
    found.retain(|(rank, ..)| behind.is_none_or(|behind| behind < rank));
    found.sort_by(|one, other| one.0.cmp(&other.0));
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| more).and_then(|(rank, ..)| serde_json::to_vec(rank).ok());
    let hits = found.into_iter().map(|(_, one, head, index)| {
        let row = one.row;
        Hit {
            id: row.id.clone(),
            kind: row.kind,
            name: row.name.clone(),
            method: row.method.clone(),
            url: row.url.clone(),
            description: row.description.clone(),
            revision: row.revision,
            collection: head.collection.clone(),
            collection_name: head.name.clone(),
            owner: head.owner,
            tags: head.tags.iter().map(|tag| tag.slug.clone()).collect(),
            workspace: head.workspace.clone(),
            team: head.team,
            path: index.path(row),
            author: row.author_in(head.owner).map(|id| (id, names.get(&id).cloned().unwrap_or_default())),
            spot: search::spot(query, &one),
        }
    });
    Results { hits: hits.collect(), total, cursor: last.map(cursor::of), left: 0 }
}

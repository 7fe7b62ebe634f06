//! What was deleted: it stays for [`limit::TRASH_DAYS`] days, unseen, and can be brought back.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::access::{Access, ReadCollection};
use domain::change::{Actor, ItemRef};
use domain::collection::Head;
use domain::ids::{CollectionId, ElementId};
use domain::limit;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::commit::Plan;
use crate::keys::Key;
use crate::transact::Leg;
use crate::{Error, Item, Range, Store, edits, elements, key_of, keys, read, row, s, values};

/// A process that is to mark what stood in a deleted folder had this long; then the janitor does it.
const UNSWEPT: SignedDuration = SignedDuration::from_mins(15);

fn kept() -> SignedDuration {
    SignedDuration::from_hours(limit::TRASH_DAYS * 24)
}

/// Something that was deleted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Trashed {
    /// The collection.
    pub collection: CollectionId,
    /// The change that deleted it.
    pub seq: u64,
    /// What it was.
    pub item: ItemRef,
    /// How many elements went with it, itself among them.
    pub count: u64,
    /// Who deleted it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    #[serde(rename = "gsi1pk")]
    index: String,
    /// Due at once while it is being swept; then at the end of its time.
    #[serde(rename = "gsi1sk")]
    due: String,
}

/// The leg that puts what a plan deletes into the trash.
pub(crate) fn leg(head: &Head, plan: &Plan, count: u64, seq: u64) -> Result<Leg, Error> {
    let collection = head.collection.clone();
    let item = plan.item.clone().ok_or_else(|| Error::Failed("a deletion is of an element".to_owned()))?;
    let due = if plan.effect.sweeping.is_some() { plan.at } else { plan.at + kept() };
    let due = keys::trashed_since(due, &collection, seq);
    let key = keys::trashed(&collection, seq);
    let trashed = Trashed { collection, seq, item, count, by: plan.caller.actor(), at: plan.at, index: keys::TRASH.to_owned(), due };
    Ok(Leg::create(row(&key, "trashed", &trashed)?))
}

impl Store {
    /// What was deleted in a collection and can be brought back, the latest first.
    pub async fn trash(&self, by: &Access<ReadCollection>) -> Result<Vec<Trashed>, Error> {
        self.trashed(&by.thing.collection).await
    }

    async fn trashed(&self, collection: &CollectionId) -> Result<Vec<Trashed>, Error> {
        let range = Range::prefix(keys::collection_partition(collection), keys::TRASHED).newest_first();
        self.all(&range).await?.into_iter().map(read).collect()
    }

    /// Marks, one by one, what stands in deleted folders as deleted with them. Whoever dies in the middle leaves it to
    /// the next: until it is done, the head names the folders.
    pub(crate) async fn sweep_folders(&self, head: &Head) -> Result<(), Error> {
        if head.sweeping.is_empty() {
            return Ok(());
        }
        let items = self.all(&Range::prefix(keys::collection_partition(&head.collection), keys::elements(&head.generation))).await?;
        let swept: Vec<(Key, bool, domain::collection::Element)> = items
            .into_iter()
            .map(|item| {
                Ok((
                    key_of(&item).ok_or_else(|| Error::Failed("an element without a key".to_owned()))?,
                    elements::is_deleted(&item),
                    read(item)?,
                ))
            })
            .collect::<Result<_, Error>>()?;
        let deleted: Vec<&ElementId> = swept.iter().filter(|(_, deleted, _)| *deleted).map(|(.., element)| &element.id).collect();
        let trashed = self.trashed(&head.collection).await?;
        for folder in &head.sweeping {
            let Some(trashed) = trashed.iter().find(|trashed| trashed.item.id == *folder) else { continue };
            let inside = edits::descendants(swept.iter().map(|(.., element)| element), folder);
            let marks: Vec<Leg> = inside
                .into_iter()
                .filter(|element| !deleted.contains(&&element.id))
                .map(|element| {
                    Leg::update(elements::key(head, &element.id), "SET #deleted = if_not_exists(#deleted, :seq)")
                        .when("attribute_exists(pk)")
                        .number(":seq", trashed.seq)
                })
                .collect();
            for chunk in marks.chunks(limit::TRANSACTION_LEGS) {
                self.commit(chunk).await?;
            }
        }
        let seen = AttributeValue::L(head.sweeping.iter().map(s).collect());
        let head_key = keys::head(&head.collection);
        if self.update_when(&head_key, "REMOVE #sweeping", "#sweeping = :seen", values([(":seen", seen)])).await? {
            for trashed in trashed.iter().filter(|trashed| head.sweeping.contains(&trashed.item.id)) {
                let due = keys::trashed_since(trashed.at + kept(), &head.collection, trashed.seq);
                let key = keys::trashed(&head.collection, trashed.seq);
                self.update_when(&key, "SET #gsi1sk = :due", "attribute_exists(pk)", values([(":due", s(due))])).await?;
            }
        }
        Ok(())
    }

    /// Sweeps what a process that died left, and removes for ever what was deleted long ago. Gives how many.
    pub async fn empty_trash(&self, now: Timestamp) -> Result<usize, Error> {
        let mut removed = 0;
        for item in self.all(&Range::below(keys::TRASH.to_owned(), keys::due(now - UNSWEPT)).in_index()).await? {
            let Some(key) = key_of(&item) else { continue };
            // The index is for eyes: the item itself decides.
            let Some(item) = self.get(&key).await? else { continue };
            let trashed: Trashed = read(item)?;
            let head: Option<Head> = self.get(&keys::head(&trashed.collection)).await?.map(read).transpose()?;
            if let Some(head) = &head {
                self.sweep_folders(head).await?;
            }
            if now < trashed.at + kept() {
                continue;
            }
            if let Some(head) = &head {
                self.remove_deleted(head, trashed.seq).await?;
            }
            // Only now: a crash above is found again.
            self.delete_when(&key, None, Item::new()).await?;
            removed += 1;
        }
        Ok(removed)
    }

    /// Removes for ever what a change deleted.
    async fn remove_deleted(&self, head: &Head, seq: u64) -> Result<(), Error> {
        let partition = keys::collection_partition(&head.collection);
        let items = self.all(&Range::prefix(partition.clone(), keys::elements(&head.generation))).await?;
        let mut gone = Vec::new();
        for item in items.iter().filter(|item| item.get("deleted").and_then(|n| n.as_n().ok()).is_some_and(|n| *n == seq.to_string())) {
            let Some(key) = key_of(item) else { continue };
            let revision = item.get("revision").and_then(|n| n.as_n().ok()).and_then(|n| n.parse().ok()).unwrap_or(0);
            gone.extend((0..crate::codec::parts(item)).map(|part| keys::element_part(&key, revision, part)));
            gone.push(key);
        }
        self.delete_all(&gone).await
    }
}

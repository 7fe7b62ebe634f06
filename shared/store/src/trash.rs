//! What was deleted: it stays for [`limit::TRASH_DAYS`] days, unseen, and can be brought back.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::access::{Access, ReadCollection, ReadWorkspace, RestoreCollection};
use domain::change::{Actor, ItemRef, Op};
use domain::collection::{Deleted, Head};
use domain::comment::Topic;
use domain::ids::{CollectionId, ElementId, WorkspaceId};
use domain::limit;
use domain::once::Done;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::commit::Plan;
use crate::keys::Key;
use crate::readers::Grant;
use crate::transact::Leg;
use crate::{Conflict, Error, Item, Range, Store, changes, edits, elements, imports, key_of, keys, read, row, s, values};

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

/// A collection that was deleted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TrashedCollection {
    /// Which.
    pub collection: CollectionId,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// Its name.
    pub name: String,
    /// How many elements it had.
    pub count: u64,
    /// Who deleted it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    #[serde(rename = "gsi1pk")]
    index: String,
    #[serde(rename = "gsi1sk")]
    due: String,
}

/// The leg that puts a collection into its workspace's trash.
pub(crate) fn collection_leg(head: &Head, by: Actor, now: Timestamp) -> Result<Leg, Error> {
    let collection = head.collection.clone();
    let trashed = TrashedCollection {
        workspace: head.workspace.clone(),
        name: head.name.clone(),
        count: head.count,
        by,
        at: now,
        index: keys::TRASH.to_owned(),
        due: keys::trashed_since(now + kept(), &collection, 0),
        collection,
    };
    Ok(Leg::put(row(&keys::trashed_collection(&head.workspace, &head.collection), "trashed_collection", &trashed)?))
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

    pub(crate) async fn trashed(&self, collection: &CollectionId) -> Result<Vec<Trashed>, Error> {
        let range = Range::prefix(keys::collection_partition(collection), keys::TRASHED).newest_first();
        self.all(&range).await?.into_iter().map(read).collect()
    }

    /// The collections of a workspace that were deleted and can be brought back, the latest first: those that the caller
    /// may read, with whether the caller may bring them back.
    pub async fn trashed_collections(&self, by: &Access<ReadWorkspace>) -> Result<Vec<(TrashedCollection, bool)>, Error> {
        let range = Range::prefix(keys::workspace_partition(&by.thing.id), keys::TRASHED);
        let mut all: Vec<TrashedCollection> = self.all(&range).await?.into_iter().map(read).collect::<Result<_, _>>()?;
        all.sort_by_key(|one| std::cmp::Reverse(one.at));
        let user = by.caller.user;
        let wanted: Vec<Key> = all.iter().flat_map(|one| [keys::head(&one.collection), keys::grant(&one.collection, user)]).collect();
        let mut found = self.get_many(&wanted).await?;
        let mut seen = Vec::with_capacity(all.len());
        for one in all {
            let Some(head) = found.remove(&keys::head(&one.collection)) else { continue };
            let head = Head { deleted_at: None, ..read(head)? };
            let grant: Option<Grant> = found.remove(&keys::grant(&one.collection, user)).map(read).transpose()?;
            let grant = grant.map(|grant| grant.role);
            if Access::<ReadCollection>::check(by.caller.clone(), head.clone(), grant).is_ok() {
                let may = Access::<RestoreCollection>::check(by.caller.clone(), Deleted(head), grant).is_ok();
                seen.push((one, may));
            }
        }
        Ok(seen)
    }

    /// Brings back a deleted collection, as it was.
    pub async fn restore_collection(&self, by: &Access<RestoreCollection>, now: Timestamp) -> Result<Head, Error> {
        if let Some(head) = by.caller.done().and_then(|done| done.head.clone()) {
            return Ok(head);
        }
        let before = &by.thing.0;
        let mut turn = self.memory.turn(&before.collection).await;
        let head = Head { seq: before.seq + 1, updated_at: now, updated_by: by.caller.user, ..before.clone() };
        let mut plan = Plan::new(Op::Restore, None, &by.caller, now);
        plan.remember(|| Done::head(&head))?;
        let change = plan.change(&head);
        let set = "SET #seq = :new, #updated_at = :at, #updated_by = :by REMOVE #deleted_at";
        let mut legs = vec![
            Leg::update(keys::head(&head.collection), set)
                .when("#seq = :old AND attribute_exists(#deleted_at)")
                .number(":old", before.seq)
                .number(":new", head.seq)
                .number(":by", head.updated_by)
                .text(":at", now.to_string())
                .or(Conflict::CollectionGone),
            Leg::put(imports::listed_item(&head)?),
            Leg::delete(keys::trashed_collection(&head.workspace, &head.collection))
                .when("attribute_exists(pk)")
                .or(Conflict::CollectionGone),
        ];
        // It goes back to where it was, if that is there.
        let there = "attribute_exists(pk) AND attribute_not_exists(#closing)";
        legs.push(Leg::check(keys::workspace(&head.workspace)).when(there).or(Conflict::WorkspaceGone));
        legs.extend(plan.legs);
        legs.extend(changes::items(&head, &change)?.into_iter().map(Leg::create));
        self.commit(&legs).await?;
        turn.head = Some(head.clone());
        Ok(head)
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
            if item.get("kind").and_then(|kind| kind.as_s().ok()).is_some_and(|kind| kind == "trashed_collection") {
                let trashed: TrashedCollection = read(item)?;
                if trashed.at + kept() <= now {
                    self.remove_collection(&trashed).await?;
                    removed += 1;
                }
                continue;
            }
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

    /// Removes for ever a collection that was deleted: everything of it, and the place in the trash last.
    async fn remove_collection(&self, trashed: &TrashedCollection) -> Result<(), Error> {
        let head: Option<Head> = self.get(&keys::head(&trashed.collection)).await?.map(read).transpose()?;
        if head.is_none_or(|head| head.deleted_at.is_some()) {
            self.erase_comments(&trashed.collection).await?;
            let mut gone = Vec::new();
            for partition in [keys::log_partition(&trashed.collection), keys::collection_partition(&trashed.collection)] {
                let found = self.all(&Range::of(partition)).await?;
                for key in found.iter().filter_map(key_of) {
                    gone.extend(keys::subscription_mirror(&trashed.collection, &key.sk));
                    gone.push(key);
                }
            }
            self.delete_all(&gone).await?;
        }
        self.delete_when(&keys::trashed_collection(&trashed.workspace, &trashed.collection), None, Item::new()).await.map(drop)
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
            if let Some(id) = item.get("id").and_then(|id| id.as_s().ok()).and_then(|id| id.parse().ok()) {
                self.erase_comments_on(&head.collection, &Topic::Element(id)).await?;
            }
            gone.push(key);
        }
        self.delete_all(&gone).await
    }
}

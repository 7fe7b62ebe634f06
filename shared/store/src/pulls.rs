//! Pull requests: one item each, and a pointer to it in each of its two collections.

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::access::{Access, Caller, CollectionRole, EditCollection, ReadCollection, ReviewCollection};
use domain::collection::Head;
use domain::fork::Choices;
use domain::happened::Happened;
use domain::ids::{CollectionId, GenerationId, PullId, UserId};
use domain::pull::{End, Pull, Status, Verdict};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::forks::{Outcome, sides};
use crate::transact::Leg;
use crate::{Conflict, Error, Range, Store, events, keys, read, row};

/// What a new pull request is to be, or an old one.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its title.
    pub title: String,
    /// Its description.
    pub description: String,
    /// Who is asked to look at it.
    pub reviewers: Vec<UserId>,
}

/// A pull request that somebody may see, with its collections as they are.
#[derive(Debug, Clone)]
pub struct Seen {
    /// It.
    pub pull: Pull,
    /// The source and what the caller may do there; `None`: it is deleted.
    pub source: Option<(Head, CollectionRole)>,
    /// The destination, likewise.
    pub destination: Option<(Head, CollectionRole)>,
}

#[derive(Serialize, Deserialize)]
struct Pointer {
    pull: PullId,
}

/// The leg that writes what has become of a pull request, unless somebody else changed it.
fn changed(pull: &Pull) -> Result<Leg, Error> {
    let leg = Leg::put(row(&keys::pull(&pull.id), "pull", pull)?);
    Ok(leg.when("#version = :was").number(":was", pull.version - 1).or(Conflict::PullChanged))
}

/// The legs that ask people to look at it.
fn ask(by: &Caller, pull: &Pull, users: &[UserId], now: Timestamp) -> Result<Vec<Leg>, Error> {
    users.iter().map(|user| events::leg(by, Happened::ReviewAsked { user: *user, pull: pull.id.clone() }, now)).collect()
}

impl Store {
    /// Asks that `source` be merged into `destination`. [`Conflict::NotAFork`].
    pub async fn ask_to_merge(
        &self,
        source: &Access<ReviewCollection>,
        destination: &Access<ReviewCollection>,
        asked: Asked,
        id: PullId,
        now: Timestamp,
    ) -> Result<Pull, Error> {
        sides(&destination.thing, &source.thing)?;
        let by = &source.caller;
        let pull = Pull {
            id,
            title: asked.title,
            description: asked.description,
            source: End::of(&source.thing),
            destination: End::of(&destination.thing),
            by: by.user,
            created_at: now,
            updated_at: now,
            updated_by: by.user,
            status: Status::Open,
            reviews: BTreeMap::new(),
            reviewers: asked.reviewers,
            comment: None,
            version: 1,
        };
        let pointer = Pointer { pull: pull.id.clone() };
        let mut legs = vec![Leg::create(row(&keys::pull(&pull.id), "pull", &pull)?).or(Conflict::IdTaken)];
        for end in [&pull.source, &pull.destination] {
            legs.push(Leg::put(row(&keys::pull_of(&end.collection, &pull.id), "pointer", &pointer)?));
        }
        legs.extend(ask(by, &pull, &pull.reviewers, now)?);
        self.commit(&legs).await?;
        Ok(pull)
    }

    /// A pull request, where the caller may see both of its collections. Two reads.
    pub async fn pull(&self, caller: &Caller, id: &PullId) -> Result<Option<Seen>, Error> {
        let Some(pull) = self.get(&keys::pull(id)).await?.map(read).transpose()? else { return Ok(None) };
        Ok(self.seen_pulls(caller, vec![pull]).await?.pop())
    }

    /// The pull requests of a collection (out of it and into it) that the caller may see, the newest first: a page of them, behind
    /// the one that `after` names. Gives where the next page begins, too.
    pub async fn pulls_of(
        &self,
        by: &Access<ReadCollection>,
        after: Option<&PullId>,
        limit: usize,
    ) -> Result<(Vec<Seen>, Option<PullId>), Error> {
        let partition = keys::collection_partition(&by.thing.collection);
        let mut ids: Vec<PullId> = Vec::new();
        for item in self.all(&Range::prefix(partition, keys::PULLS)).await? {
            ids.push(read::<Pointer>(item)?.pull);
        }
        ids.reverse();
        ids.retain(|id| after.is_none_or(|after| id < after));
        let next = ids.get(limit).and(ids.get(limit - 1)).cloned();
        ids.truncate(limit);
        let wanted: Vec<_> = ids.iter().map(keys::pull).collect();
        let mut found = self.get_many(&wanted).await?;
        let pulls = ids.iter().filter_map(|id| found.remove(&keys::pull(id)).map(read)).collect::<Result<Vec<Pull>, _>>()?;
        Ok((self.seen_pulls(&by.caller, pulls).await?, next))
    }

    async fn seen_pulls(&self, caller: &Caller, pulls: Vec<Pull>) -> Result<Vec<Seen>, Error> {
        let of: HashSet<CollectionId> =
            pulls.iter().flat_map(|pull| [pull.source.collection.clone(), pull.destination.collection.clone()]).collect();
        let seen = self.seen(caller, &of).await?;
        let unseen: Vec<CollectionId> = of.into_iter().filter(|collection| !seen.contains_key(collection)).collect();
        // What is hidden hides the request, what is gone does not.
        let hidden: HashMap<CollectionId, String> = self.collection_names(&unseen).await?;
        let there = |end: &End| seen.get(&end.collection).filter(|(head, _)| head.deleted_at.is_none()).cloned();
        Ok(pulls
            .into_iter()
            .filter(|pull| ![&pull.source, &pull.destination].into_iter().any(|end| hidden.contains_key(&end.collection)))
            .map(|pull| Seen { source: there(&pull.source), destination: there(&pull.destination), pull })
            .filter(|seen| seen.source.is_some() || seen.destination.is_some())
            .collect())
    }

    /// Changes what it says and who is asked; those who were not asked before are told. [`Conflict::PullMerged`],
    /// [`Conflict::PullChanged`].
    pub async fn change_pull(&self, by: &Access<ReviewCollection>, was: Pull, asked: Asked, now: Timestamp) -> Result<Pull, Error> {
        if was.status == Status::Merged {
            return Err(Conflict::PullMerged.into());
        }
        let new: Vec<UserId> = asked.reviewers.iter().filter(|user| !was.reviewers.contains(user)).copied().collect();
        let pull = Pull {
            title: asked.title,
            description: asked.description,
            reviewers: asked.reviewers,
            updated_at: now,
            updated_by: by.caller.user,
            version: was.version + 1,
            ..was
        };
        let mut legs = vec![changed(&pull)?];
        legs.extend(ask(&by.caller, &pull, &new, now)?);
        self.commit(&legs).await?;
        Ok(pull)
    }

    /// Says something about it, as of the source's revision `seq`. Its author is told of it. [`Conflict::PullMerged`],
    /// [`Conflict::PullChanged`].
    pub async fn review_pull(
        &self,
        by: &Access<ReviewCollection>,
        was: Pull,
        verdict: Verdict,
        comment: Option<String>,
        seq: u64,
        now: Timestamp,
    ) -> Result<Pull, Error> {
        if was.status == Status::Merged {
            return Err(Conflict::PullMerged.into());
        }
        let mut pull = Pull { updated_at: now, updated_by: by.caller.user, version: was.version + 1, ..was };
        pull.review(by.caller.user, verdict, comment, seq, now);
        let mut legs = vec![changed(&pull)?];
        if verdict != Verdict::Unapprove {
            let status = if verdict == Verdict::Approve { Status::Approved } else { Status::Declined };
            legs.push(events::leg(&by.caller, Happened::PullReviewed { user: pull.by, pull: pull.id.clone(), status }, now)?);
        }
        self.commit(&legs).await?;
        Ok(pull)
    }

    /// Merges it, in the transaction that changes the collection. [`Conflict::PullMerged`], [`Conflict::PullDeclined`],
    /// [`Conflict::PullChanged`].
    pub async fn merge_pull(
        &self,
        into: &Access<EditCollection>,
        from: &Access<ReadCollection>,
        was: Pull,
        choices: &Choices,
        new_generation: impl FnMut() -> GenerationId + Send,
        now: Timestamp,
    ) -> Result<(Outcome, Pull), Error> {
        if was.status == Status::Merged {
            return Err(Conflict::PullMerged.into());
        }
        if was.status == Status::Declined {
            return Err(Conflict::PullDeclined.into());
        }
        let (by, version) = (&into.caller, was.version + 1);
        let pull = Pull { status: Status::Merged, comment: None, updated_at: now, updated_by: by.user, version, ..was };
        let told = || Happened::PullReviewed { user: pull.by, pull: pull.id.clone(), status: Status::Merged };
        let more = || Ok(vec![changed(&pull)?, events::leg(by, told(), now)?]);
        let outcome = self.merge_fork_with(into, from, choices, new_generation, now, more).await?;
        Ok((outcome, pull))
    }

    /// A pull request by its id, for those who were told of it and whose rights are asked elsewhere.
    pub async fn find_pull(&self, id: &PullId) -> Result<Option<Pull>, Error> {
        self.get(&keys::pull(id)).await?.map(read).transpose()
    }
}

//! Forks of collections: making one, and merging it with its parent, either way. What both had last in common is kept
//! as a generation of elements beside the fork's own, so that a merge never depends on how long changes are kept.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use domain::access::{Access, Caller, CollectionRole, CreateCollection, EditCollection, ReadCollection};
use domain::change::{FORMER_MEMBER, Op};
use domain::collection::{Element, Head};
use domain::fork::{self, Choices, Clash, ForkOf, Merged, Side, Tree};
use domain::format::Parsed;
use domain::ids::{CollectionId, GenerationId, UserId};
use domain::once::Done;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::commit::{Plan, Tried, Writing};
use crate::elements::Whole;
use crate::imports::generation_item;
use crate::restore::{after, wanted};
use crate::transact::Leg;
use crate::{Conflict, Error, Item, Range, Store, keys, read, row};

/// Forks that are listed at most, the newest.
const LISTED: usize = 1_000;

/// What a fork and its parent have in common.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Common {
    base: GenerationId,
}

/// A fork as its parent, or its maker, lists it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Pointer {
    fork: CollectionId,
    by: UserId,
    at: Timestamp,
}

/// A fork that somebody may see.
#[derive(Debug, Clone)]
pub struct Fork {
    /// It.
    pub head: Head,
    /// What it is a fork of.
    pub of: ForkOf,
    /// Who made it.
    pub by: String,
}

/// What came of a merge.
#[derive(Debug)]
pub enum Outcome {
    /// It is done; the collection that was merged into, as it is now. Where both had the same, nothing was written.
    Done(Box<Head>),
    /// Both sides changed the same, and nobody chose: nothing was written.
    Clashes(Vec<Clash>),
}

/// The legs that make a new collection a fork.
pub(crate) fn legs(head: &Head, of: &ForkOf, base: &GenerationId) -> Result<Vec<Leg>, Error> {
    let (fork, parent) = (&head.collection, &of.from);
    let pointer = Pointer { fork: fork.clone(), by: head.owner, at: of.at };
    Ok(vec![
        Leg::delete(keys::generation(fork, base)).when("attribute_exists(pk)"),
        Leg::put(row(&keys::fork(fork, parent), "fork", &Common { base: base.clone() })?),
        Leg::put(row(&keys::forked(parent, fork), "forked", &pointer)?),
        Leg::put(row(&keys::my_fork(head.owner, fork), "forked", &pointer)?),
    ])
}

/// Which of two collections is the fork: which side each of them is, with the fork's head and what it is of.
pub(crate) fn sides<'a>(into: &'a Head, from: &'a Head) -> Result<(Side, &'a Head, &'a ForkOf), Error> {
    let of = |fork: &'a Head, parent: &Head| fork.fork.as_ref().filter(|of| of.from == parent.collection);
    if let Some(found) = of(into, from) {
        return Ok((Side::Mine, into, found));
    }
    of(from, into).map(|found| (Side::Theirs, from, found)).ok_or_else(|| Conflict::NotAFork.into())
}

fn tree(whole: &Whole) -> Tree<'_> {
    Tree { root: &whole.root, elements: &whole.elements }
}

impl Store {
    /// Forks a collection into a workspace. The fork's elements have the ids that they have in the parent.
    pub async fn fork(
        &self,
        from: &Access<ReadCollection>,
        into: &Access<CreateCollection>,
        label: String,
        new_ids: (CollectionId, GenerationId, GenerationId),
        now: Timestamp,
    ) -> Result<Head, Error> {
        let parent = &from.thing;
        self.sweep_folders(parent).await?;
        let whole = self.whole(parent).await?;
        let parsed = Parsed {
            name: parent.name.clone(),
            root: whole.root.json.clone(),
            origin: whole.root.origin.clone(),
            elements: whole.elements.clone(),
        };
        let of = ForkOf { from: parent.collection.clone(), owner: parent.owner, label, at: now };
        let (collection, generation, base) = new_ids;
        self.create_as(into, parsed, (collection, generation), Some((of, base)), now).await
    }

    /// What would come of a merge of `from` into `into`, of which one is a fork of the other, and what `into` is now.
    pub async fn merge_forks(
        &self,
        into: &Access<ReadCollection>,
        from: &Access<ReadCollection>,
        choices: &Choices,
    ) -> Result<(Result<Merged, Vec<Clash>>, Arc<Whole>), Error> {
        let (side, fork, of) = sides(&into.thing, &from.thing)?;
        let common: Common = read(self.get(&keys::fork(&fork.collection, &of.from)).await?.ok_or(Conflict::NotAFork)?)?;
        let (there, source) = tokio::try_join!(self.whole(&into.thing), self.whole(&from.thing))?;
        Ok((self.merged(side, fork, &common.base, there.clone(), source, choices).await?, there))
    }

    /// Merges what is in both, in memory. `side`: which one `into` is.
    async fn merged(
        &self,
        side: Side,
        fork: &Head,
        base: &GenerationId,
        into: Arc<Whole>,
        from: Arc<Whole>,
        choices: &Choices,
    ) -> Result<Result<Merged, Vec<Clash>>, Error> {
        let base = self.generation(&fork.collection, base).await?;
        let (mine, theirs) = if side == Side::Mine { (into, from) } else { (from, into) };
        let choices = choices.clone();
        // Off the async threads: three times 25 MB take a moment.
        let merge = move || fork::merge(tree(&base), tree(&mine), tree(&theirs), &choices);
        tokio::task::spawn_blocking(merge).await.map_err(|error| Error::Failed(error.to_string()))
    }

    /// Merges a fork into its parent, or the parent into the fork, as one change of `into`. What both have then in common is
    /// what `from` is. [`Conflict::NotAFork`]: neither is a fork of the other.
    pub async fn merge_fork(
        &self,
        into: &Access<EditCollection>,
        from: &Access<ReadCollection>,
        choices: &Choices,
        new_generation: impl FnMut() -> GenerationId + Send,
        now: Timestamp,
    ) -> Result<Outcome, Error> {
        self.merge_fork_with(into, from, choices, new_generation, now, || Ok(Vec::new())).await
    }

    /// The same, and what more is to happen with it, also where both had the same.
    pub(crate) async fn merge_fork_with(
        &self,
        into: &Access<EditCollection>,
        from: &Access<ReadCollection>,
        choices: &Choices,
        mut new_generation: impl FnMut() -> GenerationId + Send,
        now: Timestamp,
        more: impl Fn() -> Result<Vec<Leg>, Error> + Send,
    ) -> Result<Outcome, Error> {
        if let Some(head) = into.caller.done().and_then(|done| done.head.clone()) {
            return Ok(Outcome::Done(Box::new(head)));
        }
        let (side, fork, of) = sides(&into.thing, &from.thing)?;
        let key = keys::fork(&fork.collection, &of.from);
        let source = self.whole(&from.thing).await?;
        let mut writing = Writing::start(self, into).await;
        loop {
            let head = writing.head.clone();
            self.sweep_folders(&head).await?;
            let common: Common = read(self.get(&key).await?.ok_or(Conflict::NotAFork)?)?;
            let current = self.state(&head.collection, &head.generation).await?.ok_or(Conflict::CollectionGone)?;
            let there = Arc::new(current.clone().alive());
            let merged = match self.merged(side, fork, &common.base, there, source.clone(), choices).await? {
                Ok(merged) => merged,
                Err(clashes) => return Ok(Outcome::Clashes(clashes)),
            };
            let root = current.root.with_json(merged.root);
            let wanted = wanted(&head, &current, &root, merged.elements, None)?;
            if wanted.put.is_empty() && wanted.removed.is_empty() {
                let legs = more()?;
                if !legs.is_empty() {
                    self.commit(&legs).await?;
                }
                return Ok(Outcome::Done(Box::new(head)));
            }
            // What both have in common from now on, before anybody is told.
            let base = new_generation();
            let all = source.elements.clone().into();
            let root = Element { id: fork.collection.as_str().parse().map_err(|_| Conflict::NotAFork)?, ..source.root.clone() };
            self.begin_generation(&fork.collection, &base, now).await?;
            self.write_generation(&fork.collection, &base, &root, &all).await?;
            let mut plan = Plan::new(Op::Import, None, &into.caller, now);
            plan.merged = Some(if side == Side::Theirs { of.label.clone() } else { from.thing.name.clone() });
            let mut plan = self.plan_all(plan, &head, &current, &wanted, None, &mut new_generation).await?;
            plan.legs.push(Leg::delete(keys::generation(&fork.collection, &base)).when("attribute_exists(pk)"));
            let settle = Leg::update(key.clone(), "SET #base = :base").when("#base = :was");
            plan.legs.push(settle.text(":base", base.as_str()).text(":was", common.base.as_str()));
            plan.legs.extend(more()?);
            // The janitor removes it.
            plan.legs.push(Leg::put(generation_item(&fork.collection, &common.base, now)?));
            let after = after(&head, &plan);
            plan.remember(|| Done::head(&after))?;
            let generation = plan.effect.generation.clone();
            if let Tried::Done = writing.commit(plan).await? {
                if let Some(generation) = generation {
                    self.memory.saw(&head.collection, &generation);
                }
                return Ok(Outcome::Done(Box::new(writing.head)));
            }
        }
    }

    /// The forks of a collection that somebody may see, the newest first.
    pub async fn forks_of(&self, by: &Access<ReadCollection>) -> Result<Vec<Fork>, Error> {
        let range = Range::prefix(keys::collection_partition(&by.thing.collection), keys::FORKED);
        self.forks_there(&by.caller, range).await.map(|(forks, _)| forks)
    }

    /// The forks that somebody made, the newest first, and how many of theirs they may not see any more.
    pub async fn forks_by(&self, caller: &Caller) -> Result<(Vec<Fork>, usize), Error> {
        self.forks_there(caller, Range::prefix(keys::user_partition(caller.user), keys::FORKS)).await
    }

    async fn forks_there(&self, caller: &Caller, range: Range) -> Result<(Vec<Fork>, usize), Error> {
        let mut pointers = self.all(&range).await?.into_iter().map(read).collect::<Result<Vec<Pointer>, _>>()?;
        pointers.sort_by(|one, other| (other.at, &other.fork).cmp(&(one.at, &one.fork)));
        pointers.truncate(LISTED);
        let of: HashSet<CollectionId> = pointers.iter().map(|pointer| pointer.fork.clone()).collect();
        let makers: Vec<UserId> = pointers.iter().map(|pointer| pointer.by).collect();
        let seen = self.seen(caller, &of);
        let (mut seen, makers): (HashMap<CollectionId, (Head, CollectionRole)>, _) = tokio::try_join!(seen, self.profiles(&makers))?;
        let all = pointers.len();
        let forks = pointers.into_iter().filter_map(|pointer| {
            let (head, _) = seen.remove(&pointer.fork).filter(|(head, _)| head.deleted_at.is_none())?;
            let by = makers.get(&pointer.by).map_or_else(|| FORMER_MEMBER.to_owned(), |profile| profile.username.to_string());
            Some(Fork { of: head.fork.clone()?, head, by })
        });
        let forks: Vec<Fork> = forks.collect();
        let hidden = all - forks.len();
        Ok((forks, hidden))
    }

    /// Whether a generation is what a fork and its parent have in common. For the janitor.
    pub(crate) async fn is_common(&self, collection: &CollectionId, generation: &GenerationId) -> Result<bool, Error> {
        let items: Vec<Item> = self.all(&Range::prefix(keys::collection_partition(collection), keys::FORKS)).await?;
        let mut common = items.into_iter().map(read::<Common>).collect::<Result<Vec<_>, _>>()?.into_iter();
        Ok(common.any(|common| common.base == *generation))
    }
}

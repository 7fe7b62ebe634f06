//! How somebody asks for a page of a feed: the same words in the API, in Atom and on the pages.

use std::collections::BTreeSet;

use domain::Rejected;
use domain::access::Caller;
use domain::ids::{CollectionId, ElementId};
use domain::limit;
use jiff::Timestamp;
use serde::Deserialize;
use store::feed::{ACCESS, KINDS, Wanted};

use crate::{App, Problem};

/// The query of a page of a feed. A parameter without a value is as good as left out: forms send those.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct FeedQuery {
    /// Where the page starts.
    pub cursor: Option<String>,
    /// How many entries.
    pub limit: Option<usize>,
    /// A collection's id or uid.
    pub collection: Option<String>,
    /// A person's id.
    pub user: Option<String>,
    /// One of the kinds, or several with commas between.
    pub kind: Option<String>,
    /// A folder or request.
    pub item: Option<String>,
    /// From this time on.
    pub since: Option<String>,
    /// Before this time.
    pub until: Option<String>,
}

/// A parameter that was given, read; 400 with its name where it cannot be.
fn given<T, E: std::fmt::Display>(name: &str, value: Option<&String>, read: impl Fn(&str) -> Result<T, E>) -> Result<Option<T>, Problem> {
    let Some(value) = value.map(|value| value.trim()).filter(|value| !value.is_empty()) else { return Ok(None) };
    read(value).map(Some).map_err(|why| Problem::Malformed(format!("{name}: {why}")))
}

fn time(value: &str) -> Result<Timestamp, &'static str> {
    value.parse().map_err(|_| "this is a time as in RFC 3339, such as 2026-11-25T09:30:00Z")
}

fn kinds(value: &str) -> Result<BTreeSet<String>, String> {
    let words: BTreeSet<String> = value.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect();
    match words.iter().find(|word| !KINDS.contains(&word.as_str())) {
        Some(other) => Err(format!("there is no kind {other:?}; there are {}", KINDS.join(", "))),
        None if words.contains(ACCESS) && 1 < words.len() => Err(format!("{ACCESS} stands alone")),
        None => Ok(words),
    }
}

impl FeedQuery {
    /// How many entries a page has at most.
    pub fn limit(&self) -> usize {
        self.limit.unwrap_or(50).clamp(1, limit::PAGE)
    }

    /// Which entries are meant. A folder of a collection that is named as well stands for all that is in it now; without
    /// its collection for itself and what stands right in it, which is what an entry can tell.
    pub async fn wanted(&self, app: &App, caller: &Caller) -> Result<Wanted, Problem> {
        let said = |rejected: Rejected| rejected.0;
        let collection = given("collection", self.collection.as_ref(), |raw| CollectionId::parse(raw).map_err(said))?;
        let item = given("item", self.item.as_ref(), |raw| ElementId::parse(raw).map_err(said))?;
        let items = match (&collection, item) {
            (_, None) => BTreeSet::new(),
            (None, Some(item)) => BTreeSet::from([item]),
            (Some(collection), Some(item)) => app.store.within(caller, collection, &item).await?,
        };
        Ok(Wanted {
            collection,
            workspace: None,
            user: given("user", self.user.as_ref(), |raw| raw.parse().map_err(said))?,
            kinds: given("kind", self.kind.as_ref(), kinds)?.unwrap_or_default(),
            items,
            since: given("since", self.since.as_ref(), time)?,
            until: given("until", self.until.as_ref(), time)?,
        })
    }
}

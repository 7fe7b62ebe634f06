//! The one place that speaks to DynamoDB: keys, transactions with named legs, one file per noun.
//!
//! Functions that write ask for an [`domain::access::Access`], the proof that the caller may. Decisions read items by
//! their key, consistently; the index serves lists for eyes only.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, PutRequest, ReturnConsumedCapacity, WriteRequest};
use domain::limit;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub mod about;
pub mod access;
pub mod access_keys;
pub mod accounts;
pub mod additions;
pub mod audit;
pub mod batches;
pub mod billing;
pub mod buyers;
pub mod changes;
mod codec;
pub mod comments;
mod commit;
mod credentials;
pub mod cursor;
pub mod deletion;
pub mod digests;
pub mod domains;
pub mod drafts;
pub mod edits;
pub mod elements;
pub mod ending;
mod error;
pub mod events;
pub mod factors;
pub mod feed;
pub mod following;
pub mod forks;
pub mod groups;
pub mod history;
pub mod identities;
pub mod imports;
pub mod invites;
pub mod keys;
pub mod live;
pub mod messages;
pub mod moves;
pub mod notices;
pub mod once;
pub mod pictures;
pub mod presence;
pub mod programs;
pub mod pulls;
mod queue;
pub mod rates;
pub mod reach;
pub mod readers;
pub mod receipts;
pub mod restore;
pub mod saves;
pub mod search;
pub mod sessions;
pub mod settings;
pub mod sso;
pub mod stars;
pub mod subscriptions;
pub mod table;
pub mod tags;
pub mod tasks;
pub mod teams;
mod transact;
pub mod trash;
pub mod uploads;
pub mod users;
pub mod webhooks;
mod wholes;
pub mod wishes;
pub mod workspaces;

pub use error::{Conflict, Error, plainly};
use keys::Key;
pub use transact::{Ended, Leg, OnFail};

/// An item as the SDK knows it.
pub type Item = HashMap<String, AttributeValue>;

/// The table. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    client: Client,
    table: Arc<str>,
    memory: queue::Memory,
    wholes: wholes::Wholes,
    searched: search::Indexes,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Store({})", self.table)
    }
}

/// Which items of a partition, in the order of their sort keys.
#[derive(Debug, Clone)]
pub(crate) struct Range {
    partition: String,
    condition: &'static str,
    values: Vec<(&'static str, String)>,
    backward: bool,
    limit: Option<i32>,
    index: bool,
}

impl Range {
    pub(crate) fn of(partition: String) -> Range {
        Range { partition, condition: "", values: Vec::new(), backward: false, limit: None, index: false }
    }

    pub(crate) fn prefix(partition: String, prefix: impl Into<String>) -> Range {
        Range { condition: " AND begins_with(sk, :a)", values: vec![(":a", prefix.into())], ..Range::of(partition) }
    }

    /// From and to, both included.
    pub(crate) fn between(partition: String, from: impl Into<String>, to: impl Into<String>) -> Range {
        Range { condition: " AND sk BETWEEN :a AND :b", values: vec![(":a", from.into()), (":b", to.into())], ..Range::of(partition) }
    }

    pub(crate) fn below(partition: String, sort: impl Into<String>) -> Range {
        Range { condition: " AND sk < :a", values: vec![(":a", sort.into())], ..Range::of(partition) }
    }

    pub(crate) fn above(partition: String, sort: impl Into<String>) -> Range {
        Range { condition: " AND sk > :a", values: vec![(":a", sort.into())], ..Range::of(partition) }
    }

    pub(crate) fn in_index(self) -> Range {
        Range { index: true, ..self }
    }

    pub(crate) fn newest_first(self) -> Range {
        Range { backward: true, ..self }
    }

    pub(crate) fn at_most(self, limit: usize) -> Range {
        Range { limit: i32::try_from(limit).ok(), ..self }
    }
}

/// One page of a query and where the next one starts.
pub(crate) struct Page {
    pub(crate) items: Vec<Item>,
    pub(crate) next: Option<Item>,
}

/// Waits longer and longer, at random, until the time for contention is over.
pub(crate) struct Patience {
    until: Instant,
    pause: Duration,
}

impl Patience {
    /// Whether there is time left.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if Instant::now() >= self.until { Err(Error::Busy) } else { Ok(()) }
    }

    pub(crate) async fn wait(&mut self) -> Result<(), Error> {
        self.check()?;
        let share = f64::from(getrandom::u32().unwrap_or(u32::MAX / 2)) / f64::from(u32::MAX);
        tokio::time::sleep(self.pause.mul_f64(share)).await;
        self.pause = (self.pause * 2).min(Duration::from_millis(100));
        Ok(())
    }
}

impl Store {
    /// A store on a table. `endpoint` overrides where the SDK would go by itself.
    pub fn connect(sdk: &aws_types::SdkConfig, endpoint: Option<&str>, table: &str) -> Store {
        Store {
            client: table::client(sdk, endpoint),
            table: table.into(),
            memory: queue::Memory::default(),
            wholes: wholes::Wholes::default(),
            searched: search::Indexes::default(),
        }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn table(&self) -> &str {
        &self.table
    }

    pub(crate) fn patience(&self) -> Patience {
        Patience { until: Instant::now() + Duration::from_millis(limit::CONTENTION_MS), pause: Duration::from_millis(4) }
    }

    /// One item by its key, consistently.
    pub(crate) async fn get(&self, key: &Key) -> Result<Option<Item>, Error> {
        let sent = self
            .client
            .get_item()
            .table_name(self.table())
            .set_key(Some(transact::key_item(key)))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        Ok(sent.map_err(|error| Error::from_sdk("GetItem", &error))?.item)
    }

    /// Many items by their keys, where nobody asks who calls: for what anybody may read.
    pub async fn get_all(&self, keys: &[Key]) -> Result<HashMap<Key, Item>, Error> {
        self.get_many(keys).await
    }

    /// Many items by their keys, consistently; what is not there is not in the answer. One round trip per 100 keys.
    pub(crate) async fn get_many(&self, keys: &[Key]) -> Result<HashMap<Key, Item>, Error> {
        let mut found = HashMap::new();
        for chunk in keys.chunks(limit::BATCH_GET) {
            let mut wanted: Vec<Item> = chunk.iter().map(transact::key_item).collect();
            let mut patience = self.patience();
            while !wanted.is_empty() {
                let request = KeysAndAttributes::builder().set_keys(Some(wanted)).consistent_read(true).build();
                let request = request.map_err(|error| Error::Failed(error.to_string()))?;
                let sent = self
                    .client
                    .batch_get_item()
                    .request_items(self.table(), request)
                    .return_consumed_capacity(ReturnConsumedCapacity::Total)
                    .send()
                    .await;
                let answer = sent.map_err(|error| Error::from_sdk("BatchGetItem", &error))?;
                for item in answer.responses.unwrap_or_default().remove(self.table()).unwrap_or_default() {
                    if let Some(key) = key_of(&item) {
                        found.insert(key, item);
                    }
                }
                wanted = answer.unprocessed_keys.unwrap_or_default().remove(self.table()).map(|rest| rest.keys).unwrap_or_default();
                if !wanted.is_empty() {
                    patience.wait().await?;
                }
            }
        }
        Ok(found)
    }

    /// One page: at most 1 MB, or the range's own limit.
    pub(crate) async fn page(&self, range: &Range, start: Option<Item>) -> Result<Page, Error> {
        let (partition, condition) =
            if range.index { ("gsi1pk", range.condition.replace("sk", "gsi1sk")) } else { ("pk", range.condition.to_owned()) };
        let mut query = self
            .client
            .query()
            .table_name(self.table())
            .key_condition_expression(format!("{partition} = :p{condition}"))
            .expression_attribute_values(":p", AttributeValue::S(range.partition.clone()))
            .scan_index_forward(!range.backward)
            .consistent_read(!range.index)
            .set_limit(range.limit)
            .set_exclusive_start_key(start)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        if range.index {
            query = query.index_name("gsi1");
        }
        for (name, value) in &range.values {
            query = query.expression_attribute_values(*name, AttributeValue::S(value.clone()));
        }
        let answer = query.send().await.map_err(|error| Error::from_sdk("Query", &error))?;
        Ok(Page { items: answer.items.unwrap_or_default(), next: answer.last_evaluated_key })
    }

    /// All pages.
    pub(crate) async fn all(&self, range: &Range) -> Result<Vec<Item>, Error> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let page = self.page(range, start).await?;
            items.extend(page.items);
            start = page.next;
            if start.is_none() {
                return Ok(items);
            }
        }
    }

    /// Writes one item, whatever is there, or where the condition holds. `false`: it does not hold.
    pub(crate) async fn put_when(&self, item: Item, condition: Option<&str>, values: Item) -> Result<bool, Error> {
        let sent = self
            .client
            .put_item()
            .table_name(self.table())
            .set_item(Some(item))
            .set_condition_expression(condition.map(str::to_owned))
            .set_expression_attribute_names(condition.and_then(transact::names))
            .set_expression_attribute_values((!values.is_empty()).then_some(values))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        held("PutItem", sent.map(drop))
    }

    /// Removes one item, where the condition holds. `false`: it does not hold.
    pub(crate) async fn delete_when(&self, key: &Key, condition: Option<&str>, values: Item) -> Result<bool, Error> {
        let sent = self
            .client
            .delete_item()
            .table_name(self.table())
            .set_key(Some(transact::key_item(key)))
            .set_condition_expression(condition.map(str::to_owned))
            .set_expression_attribute_names(condition.and_then(transact::names))
            .set_expression_attribute_values((!values.is_empty()).then_some(values))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        held("DeleteItem", sent.map(drop))
    }

    /// Changes one item where the condition holds. `false`: it does not hold.
    pub(crate) async fn update_when(&self, key: &Key, expression: &str, condition: &str, values: Item) -> Result<bool, Error> {
        let sent = self
            .client
            .update_item()
            .table_name(self.table())
            .set_key(Some(transact::key_item(key)))
            .update_expression(expression)
            .condition_expression(condition)
            .set_expression_attribute_names(transact::names(&format!("{expression} {condition}")))
            .set_expression_attribute_values((!values.is_empty()).then_some(values))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        held("UpdateItem", sent.map(drop))
    }

    /// Writes many items that nobody else writes, 25 a round trip, several at a time.
    pub(crate) async fn write_all(&self, items: Vec<Item>) -> Result<(), Error> {
        let puts = items.into_iter().map(|item| {
            let put = PutRequest::builder().set_item(Some(item)).build().map_err(|error| Error::Failed(error.to_string()))?;
            Ok(WriteRequest::builder().put_request(put).build())
        });
        self.batch(puts.collect::<Result<Vec<_>, Error>>()?).await
    }

    /// Removes many items, 25 a round trip, several at a time.
    pub(crate) async fn delete_all(&self, keys: &[Key]) -> Result<(), Error> {
        let deletes = keys.iter().map(|key| {
            let delete = aws_sdk_dynamodb::types::DeleteRequest::builder().set_key(Some(transact::key_item(key))).build();
            Ok(WriteRequest::builder().delete_request(delete.map_err(|error| Error::Failed(error.to_string()))?).build())
        });
        self.batch(deletes.collect::<Result<Vec<_>, Error>>()?).await
    }

    async fn batch(&self, requests: Vec<WriteRequest>) -> Result<(), Error> {
        use futures::{StreamExt, TryStreamExt};
        let chunks: Vec<Vec<WriteRequest>> = requests.chunks(limit::BATCH_WRITE).map(<[WriteRequest]>::to_vec).collect();
        futures::stream::iter(chunks.into_iter().map(|chunk| self.batch_once(chunk))).buffer_unordered(8).try_collect().await
    }

    async fn batch_once(&self, mut chunk: Vec<WriteRequest>) -> Result<(), Error> {
        let mut patience = self.patience();
        while !chunk.is_empty() {
            let sent = self
                .client
                .batch_write_item()
                .request_items(self.table(), chunk)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await;
            let answer = sent.map_err(|error| Error::from_sdk("BatchWriteItem", &error))?;
            chunk = answer.unprocessed_items.unwrap_or_default().remove(self.table()).unwrap_or_default();
            if !chunk.is_empty() {
                patience.wait().await?;
            }
        }
        Ok(())
    }
}

fn held<E, R>(operation: &str, sent: Result<(), SdkError<E, R>>) -> Result<bool, Error>
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
    R: std::fmt::Debug,
{
    match sent {
        Ok(()) => Ok(true),
        Err(error) if error.as_service_error().and_then(ProvideErrorMetadata::code) == Some("ConditionalCheckFailedException") => Ok(false),
        Err(error) => Err(Error::from_sdk(operation, &error)),
    }
}

/// Where an item lies.
pub(crate) fn key_of(item: &Item) -> Option<Key> {
    Some(Key { pk: item.get("pk")?.as_s().ok()?.clone(), sk: item.get("sk")?.as_s().ok()?.clone() })
}

/// A value as an item of a kind.
pub(crate) fn row<T: Serialize>(key: &Key, kind: &str, value: &T) -> Result<Item, Error> {
    let mut item: Item = serde_dynamo::to_item(value).map_err(|error| Error::torn(key, error))?;
    item.extend(transact::key_item(key));
    item.insert("kind".to_owned(), AttributeValue::S(kind.to_owned()));
    Ok(item)
}

/// An item with the time when DynamoDB may remove it, in seconds since 1970. Never on anything that is counted.
pub(crate) fn with_ttl(mut item: Item, at: jiff::Timestamp) -> Item {
    item.insert("ttl".to_owned(), AttributeValue::N(at.as_second().to_string()));
    item
}

/// The value of an item.
pub fn read<T: DeserializeOwned>(item: Item) -> Result<T, Error> {
    let key = key_of(&item);
    serde_dynamo::from_item(item).map_err(|error| match key {
        Some(key) => Error::torn(&key, error),
        None => Error::Failed(error.to_string()),
    })
}

/// The values of expressions.
pub(crate) fn values<const N: usize>(pairs: [(&str, AttributeValue); N]) -> Item {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A text as an attribute.
pub(crate) fn s(text: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::S(text.to_string())
}

/// A number as an attribute.
pub(crate) fn n(number: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// A truth as an attribute.
pub(crate) fn flag(flag: bool) -> AttributeValue {
    AttributeValue::Bool(flag)
}

/// A stream record's image as an item. `None` where the record has none.
pub fn image(image: serde_dynamo::Item) -> Option<Item> {
    let item: Item = image.into();
    (!item.is_empty()).then_some(item)
}

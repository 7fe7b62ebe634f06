//! How often something was done lately: one counter for each window of time, which DynamoDB removes afterwards.

use aws_sdk_dynamodb::types::{ReturnConsumedCapacity, ReturnValue};
use jiff::{SignedDuration, Timestamp};

use crate::keys::{self, Key};
use crate::{Error, Item, Store, n, transact, values};

/// What is counted: of whom, in which window.
#[derive(Debug, Clone)]
pub struct Counter {
    key: Key,
    /// When the window ends.
    pub ends: Timestamp,
}

impl Counter {
    /// The counter of what `whom` does now. Windows lie end to end, the same for everyone.
    pub fn of(what: &str, whom: &str, window: SignedDuration, now: Timestamp) -> Counter {
        let length = window.as_secs().max(1);
        let start = now.as_second() - now.as_second().rem_euclid(length);
        let ends = Timestamp::from_second(start.saturating_add(length)).unwrap_or(Timestamp::MAX);
        Counter { key: keys::rate(what, whom, start), ends }
    }
}

fn counted(item: Option<&Item>) -> u64 {
    item.and_then(|item| item.get("count")?.as_n().ok()?.parse().ok()).unwrap_or(0)
}

impl Store {
    /// What counters show, in their order. One read.
    pub async fn counts(&self, counters: &[&Counter]) -> Result<Vec<u64>, Error> {
        let keys: Vec<Key> = counters.iter().map(|counter| counter.key.clone()).collect();
        let found = self.get_many(&keys).await?;
        Ok(keys.iter().map(|key| counted(found.get(key))).collect())
    }

    /// Counts one more; gives how many there are with it.
    pub async fn count(&self, counter: &Counter) -> Result<u64, Error> {
        let expression = "ADD #count :one SET #ttl = :ttl";
        let sent = self
            .client()
            .update_item()
            .table_name(self.table())
            .set_key(Some(transact::key_item(&counter.key)))
            .update_expression(expression)
            .set_expression_attribute_names(transact::names(expression))
            .set_expression_attribute_values(Some(values([(":one", n(1)), (":ttl", n(counter.ends.as_second()))])))
            .return_values(ReturnValue::UpdatedNew)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        let answer = sent.map_err(|error| Error::from_sdk("UpdateItem", &error))?;
        Ok(counted(answer.attributes.as_ref()))
    }
}

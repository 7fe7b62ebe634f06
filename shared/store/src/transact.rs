//! Transactions whose legs say what their failure means.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, ConditionCheck, Delete, Put, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, Update,
};

use crate::keys::Key;
use crate::{Conflict, Error, Item, Store};

/// What to do when a leg's condition does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFail {
    /// Tell the caller.
    Refuse(Conflict),
    /// The state moved on since it was read: read again, try again.
    Retry,
}

enum Act {
    Put(Item),
    Update(Key, String),
    Delete(Key),
    Check(Key),
}

/// One item of a transaction. In expressions, `#name` stands for the attribute `name`, so that no reserved word bites.
pub struct Leg {
    act: Act,
    condition: Option<String>,
    values: HashMap<String, AttributeValue>,
    on_fail: OnFail,
}

impl Leg {
    fn of(act: Act) -> Leg {
        Leg { act, condition: None, values: HashMap::new(), on_fail: OnFail::Retry }
    }

    /// Writes an item over whatever is there.
    pub fn put(item: Item) -> Leg {
        Leg::of(Act::Put(item))
    }

    /// Writes an item where nothing is.
    pub fn create(item: Item) -> Leg {
        Leg::put(item).when("attribute_not_exists(pk)")
    }

    /// Changes attributes by an update expression.
    pub fn update(key: Key, expression: impl Into<String>) -> Leg {
        Leg::of(Act::Update(key, expression.into()))
    }

    /// Removes an item.
    pub fn delete(key: Key) -> Leg {
        Leg::of(Act::Delete(key))
    }

    /// Writes nothing, but holds the transaction to a condition.
    pub fn check(key: Key) -> Leg {
        Leg::of(Act::Check(key))
    }

    /// The condition of this leg.
    pub fn when(mut self, condition: impl Into<String>) -> Leg {
        self.condition = Some(condition.into());
        self
    }

    /// One more condition, with the value that stands in it.
    pub fn and(mut self, (condition, name, value): (&str, &str, Option<AttributeValue>)) -> Leg {
        self.condition = Some(match self.condition {
            Some(before) => format!("{before} AND {condition}"),
            None => condition.to_owned(),
        });
        self.values.extend(value.map(|value| (name.to_owned(), value)));
        self
    }

    /// A value of its expressions.
    pub fn value(mut self, name: &str, value: AttributeValue) -> Leg {
        self.values.insert(name.to_owned(), value);
        self
    }

    /// A number of its expressions.
    pub fn number(self, name: &str, value: impl std::fmt::Display) -> Leg {
        self.value(name, AttributeValue::N(value.to_string()))
    }

    /// A text of its expressions.
    pub fn text(self, name: &str, value: impl Into<String>) -> Leg {
        self.value(name, AttributeValue::S(value.into()))
    }

    /// What the caller is told when the condition does not hold.
    pub fn or(mut self, conflict: Conflict) -> Leg {
        self.on_fail = OnFail::Refuse(conflict);
        self
    }

    /// About how many bytes it brings into a transaction.
    pub(crate) fn bytes(&self) -> usize {
        let size = |value: &AttributeValue| match value {
            AttributeValue::B(bytes) => bytes.as_ref().len(),
            AttributeValue::S(text) | AttributeValue::N(text) => text.len(),
            _ => 0,
        };
        match &self.act {
            Act::Put(item) => item.iter().map(|(name, value)| name.len() + size(value)).sum(),
            _ => 0,
        }
    }

    fn build(&self, table: &str) -> Result<TransactWriteItem, Error> {
        let values = (!self.values.is_empty()).then(|| self.values.clone());
        let condition = self.condition.clone();
        let expressions = match &self.act {
            Act::Update(_, expression) => format!("{expression} {}", condition.as_deref().unwrap_or_default()),
            _ => condition.clone().unwrap_or_default(),
        };
        let names = names(&expressions);
        let old = Some(ReturnValuesOnConditionCheckFailure::AllOld);
        let broken = |error: aws_sdk_dynamodb::error::BuildError| Error::Failed(error.to_string());
        // The SDK's four builders have the same setters and no trait.
        macro_rules! guarded {
            ($builder:expr) => {
                $builder
                    .table_name(table)
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .set_return_values_on_condition_check_failure(old)
                    .build()
                    .map_err(broken)?
            };
        }
        let item = TransactWriteItem::builder();
        let item = match &self.act {
            Act::Put(whole) => item.put(guarded!(Put::builder().set_item(Some(whole.clone())))),
            Act::Update(key, expression) => {
                item.update(guarded!(Update::builder().set_key(Some(key_item(key))).update_expression(expression)))
            }
            Act::Delete(key) => item.delete(guarded!(Delete::builder().set_key(Some(key_item(key))))),
            Act::Check(key) => item.condition_check(guarded!(ConditionCheck::builder().set_key(Some(key_item(key))))),
        };
        Ok(item.build())
    }
}

/// A key as an item's two attributes.
pub(crate) fn key_item(key: &Key) -> Item {
    HashMap::from([("pk".to_owned(), AttributeValue::S(key.pk.clone())), ("sk".to_owned(), AttributeValue::S(key.sk.clone()))])
}

/// The names that `#…` in an expression stand for.
pub(crate) fn names(expression: &str) -> Option<HashMap<String, String>> {
    let found: HashMap<String, String> = expression
        .split('#')
        .skip(1)
        .map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default())
        .map(|name| (format!("#{name}"), name.to_owned()))
        .collect();
    (!found.is_empty()).then_some(found)
}

/// How a transaction ended that did not fail.
pub enum Ended {
    /// Everything is written.
    Committed,
    /// A leg with [`OnFail::Retry`] did not hold; for each leg that did not, the item as it is now.
    MovedOn(HashMap<usize, Option<Item>>),
}

impl Store {
    /// Runs a transaction once. A refused leg is an [`Error::Conflict`]; contention that a second try of the same legs
    /// can solve (another transaction on the same items, throttling) is tried again for a bounded time.
    pub async fn transact(&self, legs: &[Leg]) -> Result<Ended, Error> {
        let items = legs.iter().map(|leg| leg.build(self.table())).collect::<Result<Vec<_>, _>>()?;
        let mut patience = self.patience();
        loop {
            let sent = self
                .client()
                .transact_write_items()
                .set_transact_items(Some(items.clone()))
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await;
            let error = match sent {
                Ok(_) => return Ok(Ended::Committed),
                Err(error) => error,
            };
            match judge(&error, legs) {
                Verdict::Refuse(conflict) => return Err(Error::Conflict(conflict)),
                Verdict::MovedOn(items) => return Ok(Ended::MovedOn(items)),
                Verdict::Again => patience.wait().await?,
                Verdict::Broken => return Err(Error::from_sdk("TransactWriteItems", &error)),
            }
        }
    }

    /// Runs a transaction all of whose legs refuse or hold.
    pub async fn commit(&self, legs: &[Leg]) -> Result<(), Error> {
        match self.transact(legs).await? {
            Ended::Committed => Ok(()),
            Ended::MovedOn(_) => Err(Error::Busy),
        }
    }
}

enum Verdict {
    Refuse(Conflict),
    MovedOn(HashMap<usize, Option<Item>>),
    Again,
    Broken,
}

fn judge(error: &SdkError<TransactWriteItemsError>, legs: &[Leg]) -> Verdict {
    let Some(service) = error.as_service_error() else { return Verdict::Broken };
    match service {
        TransactWriteItemsError::TransactionCanceledException(cancelled) => judge_reasons(cancelled.cancellation_reasons(), legs),
        TransactWriteItemsError::TransactionInProgressException(_)
        | TransactWriteItemsError::ProvisionedThroughputExceededException(_)
        | TransactWriteItemsError::RequestLimitExceeded(_) => Verdict::Again,
        _ if error.as_service_error().and_then(|e| e.meta().code()) == Some("TransactionConflictException") => Verdict::Again,
        _ => Verdict::Broken,
    }
}

/// A refusal wins over contention: it would still be one after a second try.
fn judge_reasons(reasons: &[CancellationReason], legs: &[Leg]) -> Verdict {
    let mut moved = HashMap::new();
    let mut again = false;
    for (index, (reason, leg)) in reasons.iter().zip(legs).enumerate() {
        match reason.code().unwrap_or("None") {
            "None" => (),
            "ConditionalCheckFailed" => match leg.on_fail {
                OnFail::Refuse(conflict) => return Verdict::Refuse(conflict),
                OnFail::Retry => {
                    moved.insert(index, reason.item().cloned().filter(|item| !item.is_empty()));
                }
            },
            "TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded" => again = true,
            _ => return Verdict::Broken,
        }
    }
    match (moved.is_empty(), again) {
        (false, _) => Verdict::MovedOn(moved),
        (true, true) => Verdict::Again,
        (true, false) => Verdict::Broken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(code: &str) -> CancellationReason {
        CancellationReason::builder().code(code).build()
    }

    fn legs() -> Vec<Leg> {
        let leg = || Leg::check(crate::keys::handle_claim("n")).when("attribute_exists(pk)");
        vec![leg(), leg().or(Conflict::NoFreeSeat)]
    }

    #[test]
    fn a_refusal_wins_over_contention() {
        let verdict = judge_reasons(&[reason("TransactionConflict"), reason("ConditionalCheckFailed")], &legs());
        assert!(matches!(verdict, Verdict::Refuse(Conflict::NoFreeSeat)));
    }

    #[test]
    fn a_moved_leg_is_named() {
        let Verdict::MovedOn(moved) = judge_reasons(&[reason("ConditionalCheckFailed"), reason("None")], &legs()) else { panic!() };
        assert!(moved.contains_key(&0));
    }

    #[test]
    fn what_we_do_not_understand_is_not_tried_again() {
        assert!(matches!(judge_reasons(&[reason("ValidationError"), reason("None")], &legs()), Verdict::Broken));
        assert!(matches!(judge_reasons(&[reason("None"), reason("None")], &legs()), Verdict::Broken));
        assert!(matches!(judge_reasons(&[reason("ThrottlingError"), reason("None")], &legs()), Verdict::Again));
    }

    #[test]
    fn names_are_found_in_expressions() {
        let found = names("SET #seq = :n, #name=:m REMOVE #deleted_at").unwrap();
        assert_eq!(found["#seq"], "seq");
        assert_eq!(found["#deleted_at"], "deleted_at");
        assert_eq!(found.len(), 3);
        assert!(names("attribute_exists(pk)").is_none());
    }
}

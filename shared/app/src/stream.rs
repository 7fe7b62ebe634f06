//! The table's stream, as a Lambda gets it: batches of records, answered with the first one that failed.

use std::future::Future;

use aws_lambda_events::event::dynamodb::Event;
use aws_lambda_events::event::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use store::Item;

use crate::Crash;

/// Gives the new image of each record to `handle`, one after the other, and stops at the first failure: Lambda retries
/// from there anyway, and everything behind it would be done twice.
///
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html>
pub async fn each<W: Future<Output = Result<(), Crash>>>(event: Event, mut handle: impl FnMut(Item) -> W) -> DynamoDbEventResponse {
    let mut answer = DynamoDbEventResponse::default();
    for record in event.records {
        let number = record.change.sequence_number.clone();
        let Some(image) = store::image(record.change.new_image) else { continue };
        if let Err(error) = handle(image).await {
            tracing::error!(sequence_number = number, "a stream record failed: {error}");
            let mut failure = DynamoDbBatchItemFailure::default();
            failure.item_identifier = number;
            answer.batch_item_failures.push(failure);
            break;
        }
    }
    answer
}

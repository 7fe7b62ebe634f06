//! A stream record of the SDK as the JSON that Lambda hands to a function.

use aws_sdk_dynamodbstreams::types::{AttributeValue, Record};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

type Item = HashMap<String, AttributeValue>;

/// The record's place in its shard.
pub fn sequence(record: &Record) -> &str {
    record.dynamodb().and_then(|change| change.sequence_number()).unwrap_or("0")
}

/// Whether the write changed nothing: the embedded engine reports it, DynamoDB does not.
pub fn is_unchanged(record: &Record) -> bool {
    let change = record.dynamodb();
    let images = change.and_then(|change| change.old_image().zip(change.new_image()));
    images.is_some_and(|(old, new)| old == new)
}

/// The whole record, with the ARN of the stream that it comes from.
pub fn event(record: &Record, source: &str) -> Value {
    let mut event = only(record, &|_, _| true);
    event["eventSourceARN"] = json!(source);
    event
}

/// The record with only those attributes that `keep` (image, attribute) asks for: enough for a filter to judge it.
pub fn only(record: &Record, keep: &dyn Fn(&str, &str) -> bool) -> Value {
    let mut change = Map::new();
    if let Some(body) = record.dynamodb() {
        for (name, image) in [("Keys", body.keys()), ("NewImage", body.new_image()), ("OldImage", body.old_image())] {
            if let Some(image) = image {
                change.insert(name.to_owned(), item(image, &|attribute| keep(name, attribute)));
            }
        }
        if let Some(at) = body.approximate_creation_date_time() {
            change.insert("ApproximateCreationDateTime".to_owned(), json!(at.as_secs_f64()));
        }
        if let Some(view) = body.stream_view_type() {
            change.insert("StreamViewType".to_owned(), json!(view.as_str()));
        }
        change.insert("SequenceNumber".to_owned(), json!(sequence(record)));
        change.insert("SizeBytes".to_owned(), json!(body.size_bytes().unwrap_or_default()));
    }
    let mut event = json!({
        "eventID": record.event_id(),
        "eventName": record.event_name().map(|name| name.as_str()),
        "eventVersion": record.event_version(),
        "eventSource": "aws:dynamodb",
        "awsRegion": record.aws_region().unwrap_or_default(),
        "dynamodb": change,
    });
    if record.user_identity().is_some() {
        // A deletion by TTL. The embedded engine spells the fields so that the SDK cannot read them.
        event["userIdentity"] = json!({"type": "Service", "principalId": "dynamodb.amazonaws.com"});
    }
    event
}

fn item(image: &Item, keep: &dyn Fn(&str) -> bool) -> Value {
    image.iter().filter(|(name, _)| keep(name)).map(|(name, value)| (name.clone(), attribute(value))).collect()
}

fn attribute(value: &AttributeValue) -> Value {
    let binary = |blob: &aws_smithy_types::Blob| STANDARD.encode(blob.as_ref());
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::B(blob) => json!({ "B": binary(blob) }),
        AttributeValue::Bool(flag) => json!({ "BOOL": flag }),
        AttributeValue::Null(flag) => json!({ "NULL": flag }),
        AttributeValue::Ss(texts) => json!({ "SS": texts }),
        AttributeValue::Ns(numbers) => json!({ "NS": numbers }),
        AttributeValue::Bs(blobs) => json!({ "BS": blobs.iter().map(binary).collect::<Vec<_>>() }),
        AttributeValue::L(items) => json!({ "L": items.iter().map(attribute).collect::<Vec<_>>() }),
        AttributeValue::M(map) => json!({ "M": item(map, &|_| true) }),
        // A kind of value that is newer than the SDK: the function decides what to do about it.
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lambda_events::event::dynamodb::Event;
    use aws_sdk_dynamodbstreams::types::{Identity, OperationType, StreamRecord, StreamViewType};
    use aws_smithy_types::{Blob, DateTime};

    fn record() -> Record {
        let change = StreamRecord::builder()
            .approximate_creation_date_time(DateTime::from_secs(1_700_000_000))
            .keys("pk", AttributeValue::S("a".into()))
            .new_image("pk", AttributeValue::S("a".into()))
            .new_image("body", AttributeValue::B(Blob::new([1, 2, 3])))
            .new_image("n", AttributeValue::N("7".into()))
            .new_image("deep", AttributeValue::M(HashMap::from([("l".into(), AttributeValue::L(vec![]))])))
            .sequence_number("42")
            .size_bytes(9)
            .stream_view_type(StreamViewType::NewImage);
        Record::builder()
            .event_id("id")
            .event_name(OperationType::Insert)
            .event_version("1.1")
            .aws_region("local")
            .dynamodb(change.build())
            .build()
    }

    #[test]
    fn lambda_reads_what_we_write() {
        let event: Event = serde_json::from_value(json!({"Records": [event(&record(), "arn:x")]})).unwrap();
        let [read] = event.records.as_slice() else { panic!("{event:?}") };
        assert_eq!((read.event_name.as_str(), read.event_id.as_str()), ("INSERT", "id"));
        assert_eq!(read.event_source_arn.as_deref(), Some("arn:x"));
        assert_eq!(read.change.sequence_number.as_deref(), Some("42"));
        assert_eq!(read.change.approximate_creation_date_time.timestamp(), 1_700_000_000);
        let image = serde_json::to_value(&read.change.new_image).unwrap();
        assert_eq!(image["body"], json!({"B": "AQID"}));
        assert_eq!(image["n"], json!({"N": "7"}));
        assert_eq!(image["deep"], json!({"M": {"l": {"L": []}}}));
        assert!(read.user_identity.is_none());
    }

    #[test]
    fn a_deletion_by_ttl_says_who_deleted() {
        let mut record = record();
        record.user_identity = Some(Identity::builder().build());
        let event: Event = serde_json::from_value(json!({"Records": [event(&record, "arn:x")]})).unwrap();
        let who = event.records[0].user_identity.as_ref().unwrap();
        assert_eq!((who.type_.as_str(), who.principal_id.as_str()), ("Service", "dynamodb.amazonaws.com"));
    }

    #[test]
    fn a_filter_gets_only_what_it_asks_for() {
        let narrow = only(&record(), &|image, name| image == "NewImage" && name == "n");
        assert_eq!(narrow["dynamodb"]["NewImage"], json!({"n": {"N": "7"}}));
        assert_eq!(narrow["dynamodb"]["Keys"], json!({}));
        assert_eq!(narrow["eventName"], "INSERT");
    }

    #[test]
    fn equal_images_are_no_change() {
        let mut record = record();
        assert!(!is_unchanged(&record));
        let change = record.dynamodb.as_mut().unwrap();
        change.old_image = change.new_image.clone();
        assert!(is_unchanged(&record));
    }
}

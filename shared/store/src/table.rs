//! The table itself: how to reach it, and how to make one outside the cloud, where no CloudFormation does.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType, ScalarAttributeType,
    StreamSpecification, StreamViewType, TableStatus, TimeToLiveSpecification,
};

use crate::Error;

/// A table as the template describes it. All keys are texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSpec {
    /// Its name.
    pub name: String,
    /// Partition and sort key.
    pub key: (String, String),
    /// Index name, partition and sort key of each index.
    pub indexes: Vec<(String, String, String)>,
    /// The attribute that holds the time to live.
    pub ttl: Option<String>,
    /// What a stream record carries (`NEW_IMAGE`, …); `None` without a stream.
    pub stream: Option<String>,
}

pub(crate) fn client(sdk: &aws_types::SdkConfig, endpoint: Option<&str>) -> Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(5))
        .operation_timeout(Duration::from_secs(20))
        .build();
    let mut config = aws_sdk_dynamodb::config::Builder::from(sdk)
        .retry_config(RetryConfig::standard().with_max_attempts(5).with_initial_backoff(Duration::from_millis(30)))
        .timeout_config(timeouts);
    // Without one, the SDK's own order of places holds, with AWS_ENDPOINT_URL_DYNAMODB before AWS_ENDPOINT_URL.
    if let Some(endpoint) = endpoint {
        config = config.endpoint_url(endpoint);
    }
    Client::from_conf(config.build())
}

/// Makes the table where it is not, waits until it can be used, and turns its time to live on. Safe to repeat.
pub async fn create(sdk: &aws_types::SdkConfig, endpoint: Option<&str>, spec: &TableSpec) -> Result<(), Error> {
    let client = client(sdk, endpoint);
    let broken = |error: aws_sdk_dynamodb::error::BuildError| Error::Failed(error.to_string());
    let key = |name: &str, kind: KeyType| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().map_err(broken);
    let mut names = vec![&spec.key.0, &spec.key.1];
    names.extend(spec.indexes.iter().flat_map(|(_, partition, sort)| [partition, sort]));
    names.sort();
    names.dedup();
    let mut request = client
        .create_table()
        .table_name(&spec.name)
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key(&spec.key.0, KeyType::Hash)?)
        .key_schema(key(&spec.key.1, KeyType::Range)?);
    for name in names {
        let definition = AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
        request = request.attribute_definitions(definition.build().map_err(broken)?);
    }
    for (name, partition, sort) in &spec.indexes {
        let index = GlobalSecondaryIndex::builder()
            .index_name(name)
            .key_schema(key(partition, KeyType::Hash)?)
            .key_schema(key(sort, KeyType::Range)?)
            .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build());
        request = request.global_secondary_indexes(index.build().map_err(broken)?);
    }
    if let Some(view) = &spec.stream {
        let stream = StreamSpecification::builder().stream_enabled(true).stream_view_type(StreamViewType::from(view.as_str()));
        request = request.stream_specification(stream.build().map_err(broken)?);
    }
    match request.send().await {
        Ok(_) => (),
        Err(error) if error.as_service_error().and_then(ProvideErrorMetadata::code) == Some("ResourceInUseException") => return Ok(()),
        Err(error) => return Err(Error::from_sdk("CreateTable", &error)),
    }
    let mut patience = crate::Patience { until: std::time::Instant::now() + Duration::from_secs(60), pause: Duration::from_millis(10) };
    loop {
        let table =
            client.describe_table().table_name(&spec.name).send().await.map_err(|error| Error::from_sdk("DescribeTable", &error))?;
        if table.table.and_then(|table| table.table_status) == Some(TableStatus::Active) {
            break;
        }
        patience.wait().await?;
    }
    if let Some(attribute) = &spec.ttl {
        let ttl = TimeToLiveSpecification::builder().enabled(true).attribute_name(attribute).build().map_err(broken)?;
        let sent = client.update_time_to_live().table_name(&spec.name).time_to_live_specification(ttl).send().await;
        sent.map_err(|error| Error::from_sdk("UpdateTimeToLive", &error))?;
    }
    Ok(())
}

//! The way to open WebSockets: API Gateway's `@connections`.

use std::time::Duration;

use aws_sdk_apigatewaymanagement::config::retry::RetryConfig;
use aws_sdk_apigatewaymanagement::config::timeout::TimeoutConfig;
use aws_sdk_apigatewaymanagement::error::ProvideErrorMetadata;
use aws_sdk_apigatewaymanagement::operation::RequestId;
use aws_sdk_apigatewaymanagement::primitives::Blob;
use domain::ids::ConnectionId;

/// How a push ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// The connection has it.
    Sent,
    /// There is no such connection any more.
    Gone,
    /// API Gateway takes no more for now: it may be tried again a little later.
    Throttled,
    /// It did not arrive; the client will find the gap and catch up.
    Failed,
}

/// Posts to connections and closes them.
#[derive(Clone, Debug)]
pub struct Push {
    client: Option<aws_sdk_apigatewaymanagement::Client>,
}

impl Push {
    pub(crate) fn new(aws: &aws_types::SdkConfig, url: &str) -> Push {
        if url.is_empty() {
            return Push { client: None };
        }
        // A slow connection costs two short tries and delays nobody.
        let timeouts =
            TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(2)).operation_timeout(Duration::from_secs(4)).build();
        let config = aws_sdk_apigatewaymanagement::config::Builder::from(aws)
            .endpoint_url(url)
            .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50)))
            .timeout_config(timeouts)
            .build();
        Push { client: Some(aws_sdk_apigatewaymanagement::Client::from_conf(config)) }
    }

    /// Posts a frame to a connection.
    pub async fn post(&self, connection: &ConnectionId, frame: Blob) -> Pushed {
        let Some(client) = &self.client else {
            tracing::error!("this function has no CONNECTIONS_URL");
            return Pushed::Failed;
        };
        match client.post_to_connection().connection_id(connection.as_str()).data(frame).send().await {
            Ok(_) => Pushed::Sent,
            Err(error) if error.as_service_error().is_some_and(|error| error.is_gone_exception()) => Pushed::Gone,
            Err(error) if error.as_service_error().is_some_and(|error| error.is_limit_exceeded_exception()) => Pushed::Throttled,
            Err(error) => {
                let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
                tracing::warn!(connection = %connection, code, request = error.request_id(), "a push failed: {}", store::plainly(&error));
                Pushed::Failed
            }
        }
    }

    /// Posts a text to a connection.
    pub async fn say(&self, connection: &ConnectionId, frame: &impl serde::Serialize) -> Pushed {
        match serde_json::to_vec(frame) {
            Ok(bytes) => self.post(connection, Blob::new(bytes)).await,
            Err(error) => {
                tracing::error!("a frame cannot be written: {error}");
                Pushed::Failed
            }
        }
    }

    /// Closes a connection. One that is gone is as good as closed.
    pub async fn close(&self, connection: &ConnectionId) -> Pushed {
        let Some(client) = &self.client else {
            tracing::error!("this function has no CONNECTIONS_URL");
            return Pushed::Failed;
        };
        match client.delete_connection().connection_id(connection.as_str()).send().await {
            Ok(_) => Pushed::Sent,
            Err(error) if error.as_service_error().is_some_and(|error| error.is_gone_exception()) => Pushed::Gone,
            Err(error) => {
                tracing::warn!(connection = %connection, "a connection was not closed: {}", store::plainly(&error));
                Pushed::Failed
            }
        }
    }
}

pub use aws_sdk_apigatewaymanagement::primitives::Blob as Frame;

//! The HTTP client below the SDK clients: plain HTTP, shared by all functions, and telling when the table was
//! written, so that the stream's readers need not ask all the time.

use aws_config::SdkConfig;
use aws_sdk_dynamodbstreams::config::{Credentials, Region, RuntimeComponents, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use std::sync::Arc;
use tokio::sync::watch;

/// Operations that change no item, whatever their answer.
const READS: [&str; 6] = ["GetItem", "BatchGetItem", "TransactGetItems", "Query", "Scan", "DescribeTable"];

/// A client for the stack's own endpoints, or for an endpoint with TLS.
pub fn client(tls: bool) -> SharedHttpClient {
    let builder = aws_smithy_http_client::Builder::new();
    if tls {
        let aws_lc = aws_smithy_http_client::tls::rustls_provider::CryptoMode::AwsLc;
        builder.tls_provider(aws_smithy_http_client::tls::Provider::Rustls(aws_lc)).build_https()
    } else {
        builder.build_http()
    }
}

/// What the SDK clients share. Credentials and region come from the environment only where `external` says that
/// somebody else's endpoint is used.
pub fn config(http: SharedHttpClient, external: bool) -> SdkConfig {
    let var = |name: &str| if external { std::env::var(name).ok().filter(|value| !value.is_empty()) } else { None };
    let credentials = Credentials::new(
        var("AWS_ACCESS_KEY_ID").unwrap_or_else(|| "local".to_owned()),
        var("AWS_SECRET_ACCESS_KEY").unwrap_or_else(|| "local".to_owned()),
        var("AWS_SESSION_TOKEN"),
        None,
        "postroom",
    );
    let region = var("AWS_REGION").or_else(|| var("AWS_DEFAULT_REGION")).unwrap_or_else(|| "us-east-1".to_owned());
    SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .region(Region::new(region))
        .http_client(http)
        .build()
}

/// `inner`, with every possible write to a table counted in `writes` when its answer is there.
pub fn noting(inner: SharedHttpClient, writes: Arc<watch::Sender<u64>>) -> SharedHttpClient {
    SharedHttpClient::new(Noting { inner, writes })
}

#[derive(Debug)]
struct Noting {
    inner: SharedHttpClient,
    writes: Arc<watch::Sender<u64>>,
}

impl HttpClient for Noting {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(NotingConnector { inner, writes: Arc::clone(&self.writes) })
    }
}

#[derive(Debug)]
struct NotingConnector {
    inner: SharedHttpConnector,
    writes: Arc<watch::Sender<u64>>,
}

impl HttpConnector for NotingConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let noted = writes(request.headers().get("x-amz-target")).then(|| Arc::clone(&self.writes));
        let answer = self.inner.call(request);
        match noted {
            None => answer,
            Some(noted) => HttpConnectorFuture::new(async move {
                let answer = answer.await;
                // Also after an error: the answer may be lost and the write done.
                noted.send_modify(|count| *count += 1);
                answer
            }),
        }
    }
}

/// Whether a request may change a table.
fn writes(target: Option<&str>) -> bool {
    let operation = target.and_then(|target| target.strip_prefix("DynamoDB_")?.split_once('.'));
    operation.is_some_and(|(_, operation)| !READS.contains(&operation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_are_told_from_reads() {
        assert!(writes(Some("DynamoDB_20120810.TransactWriteItems")));
        assert!(writes(Some("DynamoDB_20120810.PutItem")));
        assert!(!writes(Some("DynamoDB_20120810.Query")));
        assert!(!writes(Some("DynamoDBStreams_20120810.GetRecords")));
        assert!(!writes(None));
    }
}

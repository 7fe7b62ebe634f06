//! What wakes the function that tells webhooks: an event to EventBridge, which starts it.
//!
//! The event says which webhook has something to tell; what, stands in the table. So an event that comes twice tells
//! nothing twice, and one that is lost costs a minute: the function also looks by itself.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_sdk_eventbridge::config::timeout::TimeoutConfig;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use domain::webhook::Address;

/// Who we are among those that send events.
pub const SOURCE: &str = "postroom";
/// What the event is called.
pub const WEBHOOK_DUE: &str = "Webhook Due";
/// Events of one call: EventBridge's own limit.
const AT_ONCE: usize = 10;

/// The way to EventBridge. Cheap to clone; the client is made at the first use.
#[derive(Clone, Debug)]
pub struct Bell {
    aws: aws_types::SdkConfig,
    endpoint: Option<String>,
    client: Arc<OnceLock<aws_sdk_eventbridge::Client>>,
}

impl Bell {
    pub(crate) fn new(aws: &aws_types::SdkConfig, endpoint: Option<String>) -> Bell {
        Bell { aws: aws.clone(), endpoint, client: Arc::default() }
    }

    fn client(&self) -> &aws_sdk_eventbridge::Client {
        self.client.get_or_init(|| {
            let timeouts = TimeoutConfig::builder().operation_timeout(Duration::from_secs(4)).build();
            let config = aws_sdk_eventbridge::config::Builder::from(&self.aws).timeout_config(timeouts);
            let config = match &self.endpoint {
                Some(endpoint) => config.endpoint_url(endpoint),
                None => config,
            };
            aws_sdk_eventbridge::Client::from_conf(config.build())
        })
    }

    /// Says that these webhooks have something to tell. What goes wrong is logged: they are found by the clock, too.
    pub async fn ring(&self, webhooks: &[Address]) {
        for some in webhooks.chunks(AT_ONCE) {
            let entry = |address: &Address| {
                let detail = serde_json::json!({"webhook": address.to_string()}).to_string();
                PutEventsRequestEntry::builder().source(SOURCE).detail_type(WEBHOOK_DUE).detail(detail).build()
            };
            match self.client().put_events().set_entries(Some(some.iter().map(entry).collect())).send().await {
                Ok(answer) if answer.failed_entry_count() == 0 => (),
                Ok(answer) => tracing::warn!(failed = answer.failed_entry_count(), "webhooks were not woken"),
                Err(error) => tracing::warn!("webhooks were not woken: {}", store::plainly(&error)),
            }
        }
    }
}

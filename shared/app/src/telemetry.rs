//! Logs: one JSON object a line on standard output, with the request's id. Never an event, a header or a body.

use tracing_subscriber::EnvFilter;

/// Starts logging. `RUST_LOG` chooses what; without it everything from `info` on. A second call does nothing.
pub fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber =
        tracing_subscriber::fmt().json().flatten_event(true).with_current_span(true).with_span_list(false).with_env_filter(filter);
    if subscriber.try_init().is_err() {
        tracing::debug!("logging runs already");
    }
}

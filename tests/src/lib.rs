//! The harness of the black-box tests: a whole stack in memory for each test, people who sign up for real, and what
//! they say over HTTP and WebSocket.
//!
//! ```no_run
//! # use serde_json::json;
//! # async fn test() {
//! let app = tests::TestApp::start().await;
//! let anna = app.user("anna").await;
//! let team = app.team(&anna, 3).await;
//! let bob = app.join(&team, "bob", "editor").await;
//! bob.post(&format!("/api/teams/{}/seats", team.id), json!({"count": 9})).await.refused(403, "forbidden");
//! app.finish().await;
//! # }
//! ```
//!
//! A data test is written once and runs on two engines, see [`TestApp::on_each_engine`]. A test ends with
//! [`TestApp::finish`]: the stream is drained then, nothing was given up, and every mail was looked at. Nothing sleeps:
//! [`TestApp::settle`] waits for the stream, [`TestApp::advance`] moves the clock, a [`Socket`] waits for its frame.

mod app;
mod browser;
mod client;
pub mod described;
pub mod events;
pub mod exact;
pub mod faults;
pub mod issuer;
pub mod receiver;
pub mod samples;
mod socket;

pub use app::{PASSWORD, Team, TestApp, User, link_token};
pub use browser::Browser;
pub use client::{Ask, Client, Reply};
pub use socket::Socket;

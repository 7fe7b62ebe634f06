//! The API as programs and people read it: OpenAPI 3.1 and AsyncAPI 3, both made from the code, and a page of the two.
//!
//! It knows the routers of the other functions, and of those only what they say about themselves.

pub mod asyncapi;
pub mod openapi;
mod page;

use app::{App, Problem, Var};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

// What the templates of the pages expect beside them.
use console::{assets, views};

/// What it needs of the environment.
pub const NEEDS: &[Var] = &[Var::PagesUrl, Var::RealtimeUrl, Var::RateLimit];

app::routes! {
    openapi;
    asyncapi;
    page::docs;
}

fn document(document: &Value) -> Response {
    // Anybody's tools may read it, also from a page elsewhere: nothing in it is anybody's own.
    let headers =
        [(header::CONTENT_TYPE, "application/json"), (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"), (header::CACHE_CONTROL, "no-cache")];
    (headers, document.to_string()).into_response()
}

/// This API as an OpenAPI 3.1 document.
#[utoipa::path(get, path = "/api/openapi.json", tag = "Documents", security(()), responses((status = 200, description = "The document")))]
async fn openapi(State(app): State<App>) -> Result<Response, Problem> {
    Ok(document(&openapi::document(&app.config.pages_url)))
}

/// The WebSocket, the stream of changes and the webhooks as an AsyncAPI 3 document.
#[utoipa::path(get, path = "/api/asyncapi.json", tag = "Documents", security(()), responses((status = 200, description = "The document")))]
async fn asyncapi(State(app): State<App>) -> Result<Response, Problem> {
    Ok(document(&asyncapi::document(&app.config.pages_url, &app.config.realtime_url)))
}

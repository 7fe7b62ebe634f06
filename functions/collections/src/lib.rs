//! Everything that writes to a collection: import, replace, change, delete, its elements, and who follows it.

use app::{App, Var};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

mod items;
mod subscription;
mod whole;

/// What it needs of the environment.
pub const NEEDS: &[Var] = &[Var::TableName, Var::PagesUrl, Var::TokenSecretId, Var::RateLimit];

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(whole::create))
        .routes(routes!(whole::replace, whole::change, whole::delete))
        .routes(routes!(items::create))
        .routes(routes!(items::replace, items::change, items::delete))
        .routes(routes!(items::relocate))
        .routes(routes!(subscription::subscribe, subscription::unsubscribe))
}

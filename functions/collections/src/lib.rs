//! Everything that writes to a collection: import, replace, change, delete, its elements, and who follows it.

use app::{App, Var};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

mod batch;
mod comments;
mod elsewhere;
mod forks;
mod import;
mod items;
mod operations;
mod postman;
mod pulls;
mod restore;
mod shelf;
mod subscription;
mod sync;
pub mod tasks;
mod transfers;
mod whole;

/// What it needs of the environment.
pub const NEEDS: &[Var] = &[Var::TableName, Var::PagesUrl, Var::TokenSecretId, Var::RateLimit, Var::PostmanApiUrl];

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(whole::create))
        .routes(routes!(import::import))
        .routes(routes!(import::openapi))
        .routes(routes!(elsewhere::list))
        .routes(routes!(elsewhere::bring))
        .routes(routes!(import::start))
        .routes(routes!(import::show, import::drop_it))
        .routes(routes!(import::part))
        .routes(routes!(import::commit))
        .routes(routes!(whole::replace, whole::change, whole::delete))
        .routes(routes!(items::create))
        .routes(routes!(items::replace, items::change, items::delete))
        .routes(routes!(items::relocate))
        .routes(routes!(items::duplicate))
        .routes(routes!(items::copy))
        .routes(routes!(postman::create_folder))
        .routes(routes!(postman::replace_folder, postman::delete_folder))
        .routes(routes!(postman::create_request))
        .routes(routes!(postman::replace_request, postman::delete_request))
        .routes(routes!(postman::create_response))
        .routes(routes!(postman::replace_response, postman::delete_response))
        .routes(routes!(batch::batch))
        .routes(routes!(forks::fork))
        .routes(routes!(forks::pull))
        .routes(routes!(forks::merge_fork))
        .routes(routes!(forks::merge_as_task))
        .routes(routes!(forks::task))
        .routes(routes!(pulls::create))
        .routes(routes!(pulls::change))
        .routes(routes!(pulls::task))
        .routes(routes!(sync::sync))
        .routes(routes!(restore::restore))
        .routes(routes!(restore::restore_collection))
        .routes(routes!(tasks::show))
        .routes(routes!(tasks::of_update))
        .routes(routes!(tasks::of_duplication))
        .routes(routes!(tasks::duplicate))
        .routes(routes!(transfers::folders))
        .routes(routes!(transfers::requests))
        .routes(routes!(transfers::responses))
        .routes(routes!(shelf::tag_collection))
        .routes(routes!(shelf::tag_workspace))
        .routes(routes!(shelf::star, shelf::unstar))
        .routes(routes!(comments::on_collection))
        .routes(routes!(comments::change_on_collection, comments::delete_on_collection))
        .routes(routes!(comments::on_folder))
        .routes(routes!(comments::change_on_folder, comments::delete_on_folder))
        .routes(routes!(comments::on_request))
        .routes(routes!(comments::change_on_request, comments::delete_on_request))
        .routes(routes!(comments::on_response))
        .routes(routes!(comments::change_on_response, comments::delete_on_response))
        .routes(routes!(comments::on_pull))
        .routes(routes!(comments::change_on_pull, comments::delete_on_pull))
        .routes(routes!(comments::resolve, comments::reopen))
        .routes(routes!(subscription::subscribe, subscription::unsubscribe))
}

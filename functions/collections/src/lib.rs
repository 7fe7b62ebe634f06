//! Everything that writes to a collection: import, replace, change, delete, its elements, and who follows it.

use app::Var;

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

app::routes! {
    whole::create;
    import::import;
    import::openapi;
    elsewhere::list;
    elsewhere::bring;
    import::start;
    import::show, import::drop_it;
    import::part;
    import::commit;
    whole::replace, whole::change, whole::delete;
    items::create;
    items::replace, items::change, items::delete;
    items::relocate;
    items::duplicate;
    items::copy;
    postman::create_folder;
    postman::replace_folder, postman::delete_folder;
    postman::create_request;
    postman::replace_request, postman::delete_request;
    postman::create_response;
    postman::replace_response, postman::delete_response;
    batch::batch;
    forks::fork;
    forks::pull;
    forks::merge_fork;
    forks::merge_as_task;
    forks::task;
    pulls::create;
    pulls::change;
    pulls::task;
    sync::sync;
    restore::restore;
    restore::restore_collection;
    tasks::show;
    tasks::of_update;
    tasks::of_duplication;
    tasks::duplicate;
    transfers::folders;
    transfers::requests;
    transfers::responses;
    shelf::tag_collection;
    shelf::tag_workspace;
    shelf::star, shelf::unstar;
    comments::on_collection;
    comments::change_on_collection, comments::delete_on_collection;
    comments::on_folder;
    comments::change_on_folder, comments::delete_on_folder;
    comments::on_request;
    comments::change_on_request, comments::delete_on_request;
    comments::on_response;
    comments::change_on_response, comments::delete_on_response;
    comments::on_pull;
    comments::change_on_pull, comments::delete_on_pull;
    comments::resolve, comments::reopen;
    subscription::subscribe, subscription::unsubscribe;
}

//! The console: server-rendered pages that read the store, and one style sheet and one module that go with them.
//!
//! A page only reads. What changes something is a form that names an endpoint of the API (`data-api`), which the module
//! sends as JSON; live regions (`data-live`) are fetched again when a change comes in. Reading works without JavaScript.

mod access;
mod account;
mod accounts;
pub mod answer;
pub mod assets;
mod billing;
mod comments;
mod domains;
mod door;
mod feed;
mod forks;
mod history;
mod keys;
mod library;
mod notices;
mod past;
mod programs;
mod public;
mod second_factor;
mod settings;
mod sso;
mod teams;
pub mod views;
mod webhooks;
mod workspaces;

use app::App;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::access::Caller;
use domain::collection::Head;
use domain::ids::{TeamId, WorkspaceId};

use answer::Lost;
use views::{Frame, TeamLink, Viewer};

/// What it needs of the environment.
pub const NEEDS: &[app::Var] = &[
    app::Var::TableName,
    app::Var::PagesUrl,
    app::Var::RealtimeUrl,
    app::Var::TokenSecretId,
    app::Var::RateLimit,
    app::Var::GoogleClientId,
    app::Var::RobotScriptUrl,
    app::Var::RobotSiteKey,
    app::Var::RobotOrigins,
    app::Var::StripeSecretId,
];

app::routes! {
    door::home;
    door::sign_up;
    door::sign_in;
    door::confirm;
    door::forgot;
    door::reset;
    door::email;
    door::way_back;
    door::invite;
    teams::new;
    teams::team;
    billing::billing;
    domains::domains;
    billing::invoice;
    library::library;
    library::workspace;
    workspaces::workspaces;
    workspaces::settings;
    public::workspace;
    public::collection;
    public::robots;
    public::sitemap;
    feed::mine;
    feed::of_team;
    library::collection;
    library::request;
    forks::forks;
    forks::pull;
    past::of_collection;
    past::of_item;
    past::trash;
    past::of_team;
    past::of_workspace;
    access::access;
    settings::settings;
    settings::audit;
    account::account;
    account::profile;
    account::person;
    accounts::accounts;
    accounts::switch;
    keys::keys;
    second_factor::second_factor;
    programs::device;
    programs::authorize;
    notices::inbox;
    notices::settings;
    notices::unsubscribe;
    sso::back;
    sso::settings;
    webhooks::of_collection;
    webhooks::of_team;
    asset;
}

/// A style sheet, the module or the icon. A name with the content's hash may be kept for ever.
#[utoipa::path(get, path = "/assets/{file}", params(("file" = String, Path)), responses((status = 200), (status = 304), (status = 404)))]
async fn asset(app::Path(file): app::Path<String>, headers: HeaderMap) -> Result<Response, app::Problem> {
    let (asset, hashed) = assets::find(&file).ok_or(app::Problem::NotFound("asset"))?;
    let tag = format!("\"{}\"", asset.hash);
    let keep = if hashed { "public, max-age=31536000, immutable" } else { "public, no-cache" };
    let answer = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, keep.to_owned())];
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    if known.map(|one| one.trim().trim_start_matches("W/")).any(|one| one == "*" || one == tag) {
        return Ok((StatusCode::NOT_MODIFIED, answer).into_response());
    }
    Ok((answer, [(header::CONTENT_TYPE, asset.media)], asset.bytes).into_response())
}

/// What stands around a page of somebody who is signed in: a few reads at the same time.
async fn frame(app: &App, caller: &Caller, team: Option<TeamId>, section: &'static str) -> Result<Frame, Lost> {
    let ids: Vec<TeamId> = caller.teams.keys().copied().collect();
    let (profile, teams, unread, news) =
        tokio::try_join!(app.store.profile(caller.user), app.store.teams(&ids), app.store.unread(caller), app.store.has_news(caller))?;
    let email = profile.map(|profile| profile.email.to_string()).unwrap_or_default();
    let session = caller.session.as_ref().map(ToString::to_string).unwrap_or_default();
    let teams: Vec<TeamLink> = teams
        .into_iter()
        .map(|(team, _)| {
            let role = caller.teams.get(&team.id).map(|member| teams::role_word(member.role)).unwrap_or_default();
            TeamLink::to(team, role)
        })
        .collect();
    let team = team.and_then(|team| teams.iter().find(|link| link.id == team.to_string()).cloned());
    Ok(Frame {
        viewer: Some(Viewer { id: caller.user.to_string(), session, username: caller.username.clone(), email }),
        teams,
        team,
        section,
        unread,
        way: Vec::new(),
        news,
    })
}

/// The same for a page about what is in a workspace, with the way there. Another one than a library is read.
async fn frame_in(app: &App, caller: &Caller, workspace: &WorkspaceId, team: Option<TeamId>) -> Result<Frame, Lost> {
    let frame = frame(app, caller, team, "library").await?;
    let Some(team) = frame.team.clone() else { return Ok(frame) };
    if team.library == workspace.as_str() {
        return Ok(frame.under(team.name, format!("/teams/{}/library", team.id)));
    }
    let name = app.store.workspace(workspace).await?.map(|workspace| workspace.name).unwrap_or_default();
    Ok(frame.under(team.name, format!("/teams/{}/workspaces", team.id)).under(name, format!("/workspaces/{workspace}")))
}

/// The same for a page that stands in a collection.
async fn frame_of(app: &App, caller: &Caller, head: &Head) -> Result<Frame, Lost> {
    let frame = frame_in(app, caller, &head.workspace, head.team).await?;
    Ok(frame.under(&head.name, format!("/collections/{}", head.collection)))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(file: &str, known: Option<&str>) -> Result<Response, app::Problem> {
        let mut headers = HeaderMap::new();
        if let Some(known) = known.and_then(|known| known.parse().ok()) {
            headers.insert(header::IF_NONE_MATCH, known);
        }
        asset(app::Path(file.to_owned()), headers).await
    }

    #[tokio::test]
    async fn assets_are_kept_by_their_hash() {
        let css = assets::css();
        let answer = ask(css.trim_start_matches("/assets/"), None).await.unwrap();
        assert!(answer.headers()[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));
        let tag = answer.headers()[header::ETAG].to_str().unwrap().to_owned();
        let plain = ask("console.css", None).await.unwrap();
        assert_eq!(plain.headers()[header::CACHE_CONTROL], "public, no-cache");
        for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            assert_eq!(ask("console.css", Some(&known)).await.unwrap().status(), StatusCode::NOT_MODIFIED, "{known}");
        }
        assert_eq!(ask("console.css", Some("\"x\"")).await.unwrap().status(), StatusCode::OK);
        assert!(ask("console.map", None).await.is_err());
    }
}

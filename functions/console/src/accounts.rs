//! The accounts that are signed in with this browser.

use app::{App, Tokens, Who, cookie};
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use domain::ids::UserId;
use store::sessions::Credential;

use crate::answer::{Lost, On, go, page};
use crate::frame;
use crate::views::{self, Frame, OtherAccount};

/// More than a person has.
const SHOWN: usize = 10;

/// The accounts, to switch between them.
#[utoipa::path(get, path = "/accounts", responses((status = 200)))]
pub async fn accounts(State(app): State<App>, headers: HeaderMap, who: Option<Who>) -> Result<Response, Lost> {
    let current = who.map(|Who(caller)| caller);
    let mut found = Vec::new();
    for credential in cookie::sessions(&headers).filter_map(|token| Credential::cookie(token, Tokens::hash)).take(SHOWN) {
        found.extend(app.store.caller(&credential, &[], app.now()).await?.0);
    }
    let users: Vec<UserId> = found.iter().map(|caller| caller.user).collect();
    let profiles = app.store.profiles(&users).await?;
    let accounts = found.into_iter().map(|caller| OtherAccount {
        id: caller.user.to_string(),
        email: profiles.get(&caller.user).map(|profile| profile.email.to_string()).unwrap_or_default(),
        session: caller.session.as_ref().map(ToString::to_string).unwrap_or_default(),
        current: current.as_ref().is_some_and(|current| current.user == caller.user),
        username: caller.username,
    });
    let accounts = accounts.collect();
    let frame = match &current {
        Some(caller) => frame(&app, caller, None, "").await?,
        None => Frame::default(),
    };
    page(&app, &views::Accounts { frame, accounts })
}

/// Goes on with another account. It gives no right, so that a link may do it; a link of another site may not.
#[utoipa::path(get, path = "/accounts/{user}", params(("user" = u64, Path)), responses((status = 303)))]
pub async fn switch(State(app): State<App>, On(app::Path(user)): On<app::Path<UserId>>, headers: HeaderMap) -> Response {
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    let ours = site.is_none_or(|site| matches!(site, "same-origin" | "none"));
    let chosen = cookie::choose(&app.config, user).filter(|_| ours).map(|cookie| (header::SET_COOKIE, cookie));
    (AppendHeaders(chosen), go("/")).into_response()
}

//! The pages before one is inside.

use app::{App, Who};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use domain::access::Caller;
use domain::ids::TeamId;
use domain::team::Team;
use serde::Deserialize;

use crate::answer::{Lost, On, go, in_query, own_path, page, page_with_robot, robot};
use crate::views::{self, Frame, Moment, Note};
use crate::{domains, frame, sso, teams};

/// What an address may say to these pages.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    invite: Option<String>,
    next: Option<String>,
    token: Option<String>,
    challenge: Option<String>,
    add: Option<String>,
    sent: Option<String>,
    confirmed: Option<String>,
    changed: Option<String>,
    failed: Option<String>,
}

fn only_team(caller: &Caller) -> Option<TeamId> {
    let mut teams = caller.teams.keys();
    teams.next().filter(|_| teams.next().is_none() && caller.closed.is_empty()).copied()
}

/// What Postroom is, or the viewer's teams; with one team, its library.
#[utoipa::path(get, path = "/", responses((status = 200), (status = 303)))]
pub async fn home(State(app): State<App>, who: Option<Who>) -> Result<Response, Lost> {
    let Some(Who(caller)) = who else {
        return page(&app, &views::Landing { frame: Frame::default(), origin: app.config.pages_url.clone() });
    };
    if let Some(team) = only_team(&caller)
        && caller.held.is_empty()
        && caller.buys.is_empty()
    {
        return Ok(go(&format!("/teams/{team}/library")));
    }
    let closed: Vec<TeamId> = caller.closed.keys().copied().collect();
    let closed = async { app.store.teams(&closed).await.map_err(Lost::from) };
    let link = |role: &'static str| move |(team, _): (Team, _)| views::TeamLink::to(team, role);
    let held: Vec<TeamId> = caller.held.keys().copied().collect();
    let held = async { app.store.teams(&held).await.map_err(Lost::from) };
    let bought: Vec<TeamId> = caller.buys.iter().copied().collect();
    let bought = async { app.store.teams(&bought).await.map_err(Lost::from) };
    let found = domains::found(&app, &caller);
    let (frame, closed, held, bought, found) = tokio::try_join!(frame(&app, &caller, None, ""), closed, held, bought, found)?;
    let closed = closed.into_iter().map(|(team, _)| team.name).collect();
    let (held, bought) = (held.into_iter().map(link("")).collect(), bought.into_iter().map(link("buyer")).collect());
    page(&app, &views::Home { frame, closed, held, found, bought, name: caller.username })
}

/// The invitation that a secret link is for, as its page tells it.
async fn note(app: &App, token: &str) -> Result<Note, Lost> {
    let invite = app.invited(token).await?;
    let team = async { app.store.team(invite.team).await };
    let account = async { app.store.user_by_email(&invite.email).await };
    let sso = async { app.store.team_sso(invite.team).await };
    let (team, account, sso) = tokio::try_join!(team, account, sso)?;
    let team = team.ok_or_else(Lost::nothing)?;
    Ok(Note {
        token: token.to_owned(),
        bound: team.joining.bound,
        team: team.name,
        role: teams::role_word(invite.role).to_owned(),
        email: invite.email.to_string(),
        inviter: invite.inviter_name,
        expires: Moment(invite.expires_at),
        account_exists: account.is_some(),
        sso: sso.map(|sso| sso.team.to_string()),
    })
}

/// An invitation that came along. One that is over is not worth an error here: the page works without it.
async fn note_along(app: &App, token: Option<&str>) -> Result<Option<Note>, Lost> {
    let Some(token) = token else { return Ok(None) };
    match note(app, token).await {
        Ok(note) => Ok(Some(note)),
        Err(Lost::Problem(problem)) if !problem.status().is_server_error() => Ok(None),
        Err(lost) => Err(lost),
    }
}

/// Where somebody who is signed in already goes on.
fn onward(asked: &Asked) -> String {
    match &asked.invite {
        Some(token) => format!("/invite/{}", in_query(token)),
        None => own_path(asked.next.as_deref()).unwrap_or("/").to_owned(),
    }
}

/// Sign up.
#[utoipa::path(get, path = "/signup", responses((status = 200), (status = 303)))]
pub async fn sign_up(State(app): State<App>, who: Option<Who>, On(app::Query(asked)): On<app::Query<Asked>>) -> Result<Response, Lost> {
    if who.is_some() {
        return Ok(go(&onward(&asked)));
    }
    let invite = note_along(&app, asked.invite.as_deref()).await?;
    let google = !app.config.google_client_id.is_empty();
    page_with_robot(&app, &views::Signup { frame: Frame::default(), invite, sent: asked.sent.is_some(), google, robot: robot(&app) })
}

/// Sign in.
#[utoipa::path(get, path = "/signin", responses((status = 200), (status = 303)))]
pub async fn sign_in(
    State(app): State<App>,
    who: Option<Who>,
    headers: HeaderMap,
    On(app::Query(asked)): On<app::Query<Asked>>,
) -> Result<Response, Lost> {
    let then = onward(&asked);
    if who.is_some() && asked.add.is_none() && asked.failed.is_none() {
        return Ok(go(&then));
    }
    let invite = note_along(&app, asked.invite.as_deref()).await?;
    let google = !app.config.google_client_id.is_empty();
    let failed = asked.failed.as_deref().map(sso::why);
    let news = match (asked.confirmed, asked.changed.as_deref()) {
        (Some(_), _) => Some("Your address is confirmed. Sign in to continue."),
        (_, Some("password")) => Some("Your password is changed. Sign in with the new one."),
        (_, Some("email")) => Some("Your account has its new address."),
        (_, Some("restored")) => Some("Your account is yours again. We have sent you a link to choose another password."),
        _ => None,
    };
    let others = app::cookie::sessions(&headers).next().is_some();
    page(&app, &views::Signin { frame: Frame::default(), invite, others, challenge: asked.challenge, then, news, failed, google })
}

/// The page of a confirmation link: a button, because mail scanners follow links.
#[utoipa::path(get, path = "/confirm", responses((status = 200)))]
pub async fn confirm(State(app): State<App>, On(app::Query(asked)): On<app::Query<Asked>>) -> Result<Response, Lost> {
    let token = asked.token.filter(|token| !token.is_empty());
    page(&app, &views::Confirm { frame: Frame::default(), token })
}

/// Password or username forgotten.
#[utoipa::path(get, path = "/forgot", responses((status = 200)))]
pub async fn forgot(State(app): State<App>, On(app::Query(asked)): On<app::Query<Asked>>) -> Result<Response, Lost> {
    page_with_robot(&app, &views::Forgot { frame: Frame::default(), sent: asked.sent.is_some(), robot: robot(&app) })
}

fn link(app: &App, asked: Asked, view: views::Link) -> Result<Response, Lost> {
    page(app, &views::Link { token: asked.token.filter(|token| !token.is_empty()), ..view })
}

/// Another password, by the link of a letter.
#[utoipa::path(get, path = "/reset", responses((status = 200)))]
pub async fn reset(State(app): State<App>, On(app::Query(asked)): On<app::Query<Asked>>) -> Result<Response, Lost> {
    let view = views::Link {
        frame: Frame::default(),
        token: None,
        title: "Choose another password",
        text: "With it, all sign-ins to your account end.",
        button: "Change my password",
        api: "POST /api/password/reset",
        then: "/signin?changed=password",
        password: true,
    };
    link(&app, asked, view)
}

/// Another address, by the link of a letter to it.
#[utoipa::path(get, path = "/email", responses((status = 200)))]
pub async fn email(State(app): State<App>, On(app::Query(asked)): On<app::Query<Asked>>) -> Result<Response, Lost> {
    let view = views::Link {
        frame: Frame::default(),
        token: None,
        title: "Confirm your new address",
        text: "Your account has this address from then on. The old one is told, and can take the account back for 7 days.",
        button: "Confirm the new address",
        api: "POST /api/me/email/confirm",
        then: "/signin?changed=email",
        password: false,
    };
    link(&app, asked, view)
}

/// The way back to an address that was left.
#[utoipa::path(get, path = "/way-back", responses((status = 200)))]
pub async fn way_back(State(app): State<App>, On(app::Query(asked)): On<app::Query<Asked>>) -> Result<Response, Lost> {
    let view = views::Link {
        frame: Frame::default(),
        token: None,
        title: "Take your account back",
        text: "Your account gets this address again. All sign-ins and API keys end, and we send you a link to choose another password.",
        button: "Take my account back",
        api: "POST /api/me/email/undo",
        then: "/signin?changed=restored",
        password: false,
    };
    link(&app, asked, view)
}

/// The page of an invitation link.
#[utoipa::path(get, path = "/invite/{token}", params(("token" = String, Path)), responses((status = 200), (status = 404), (status = 410)))]
pub async fn invite(State(app): State<App>, On(app::Path(token)): On<app::Path<String>>, who: Option<Who>) -> Result<Response, Lost> {
    let caller = who.map(|Who(caller)| caller);
    // Whoever opens the link again after accepting it wants to be in the team, not to hear that it was used.
    let inside = app
        .read_invite_token(&token)
        .ok()
        .map(|link| link.team)
        .filter(|team| caller.as_ref().is_some_and(|caller| caller.teams.contains_key(team)));
    if let Some(team) = inside {
        return Ok(go(&format!("/teams/{team}/library")));
    }
    let invite = note(&app, &token).await?;
    let frame = match &caller {
        Some(caller) => frame(&app, caller, None, "").await?,
        None => Frame::default(),
    };
    let other_address = frame.viewer.as_ref().is_some_and(|viewer| viewer.email != invite.email);
    let page_of = if invite.account_exists { "signin" } else { "signup" };
    let elsewhere = format!("/{page_of}?invite={}", in_query(&token));
    page(&app, &views::Invite { frame, invite, other_address, elsewhere })
}

//! The inbox, what one wants to be told of, and the page behind the link that turns mails off.

use app::{App, Who};
use axum::extract::State;
use axum::response::Response;
use domain::notify::{Category, Letters, Preferences};
use serde::Deserialize;
use store::subscriptions::Subscription;

use crate::answer::{Lost, On, in_query, page};
use crate::frame;
use crate::views::{self, CategoryRow, Followed, Moment, NotificationSettings, Notifications, Unsubscribe};

/// Notices of one page.
const PAGE: usize = 50;

/// Which page of the inbox.
#[derive(Debug, Deserialize)]
pub struct At {
    cursor: Option<String>,
}

/// What the viewer is told.
#[utoipa::path(get, path = "/notifications", params(("cursor" = Option<String>, Query)), responses((status = 200), (status = 303)))]
pub async fn inbox(State(app): State<App>, On(Who(caller)): On<Who>, On(app::Query(at)): On<app::Query<At>>) -> Result<Response, Lost> {
    let found = async { app.store.inbox(&caller, at.cursor.as_deref(), PAGE).await.map_err(Lost::from) };
    let followed = async { app.store.subscriptions_seen(&caller).await.map_err(Lost::from) };
    let (frame, found, followed) = tokio::try_join!(frame(&app, &caller, None, "notices"), found, followed)?;
    let notices = found
        .notices
        .into_iter()
        .map(|one| views::Notice {
            id: one.id,
            seq: one.seq,
            at: Moment(one.at),
            category: one.category.as_str(),
            text: one.text,
            link: one.link,
            read: one.read,
        })
        .collect();
    page(&app, &Notifications { frame, notices, older: found.cursor, watch: watch(&followed) })
}

/// What the live client watches of what is followed. From no number on: what the page shows follows the changes, it is
/// not one itself.
pub(crate) fn watch(followed: &[(Subscription, String)]) -> String {
    let mut watch: Vec<String> = followed.iter().map(|(one, _)| format!("{}:{}", one.collection, one.after)).collect();
    watch.dedup();
    watch.truncate(50);
    watch.join(" ")
}

fn rows(chosen: &Preferences) -> Vec<CategoryRow> {
    let of = |category: Category, title, about| {
        let ways = chosen.of(category);
        CategoryRow { name: category.as_str(), title, about, in_app: ways.in_app, mail: ways.mail }
    };
    vec![
        of(Category::Security, "Security", "sign-ins, passwords, addresses, API keys"),
        of(Category::Changes, "Changes", "of the collections, folders and requests you follow"),
        of(Category::Comments, "Comments", "and when somebody mentions you"),
        of(Category::Invitations, "Teams", "invitations, roles, who joins and leaves"),
        of(Category::Usage, "Usage", "what your teams use of their plans: seats that run out"),
        of(Category::Monitors, "Monitors", "runs that fail, and that work again"),
        of(Category::Billing, "Billing", "plans, seats, invoices"),
    ]
}

fn followed(number: usize, (subscription, collection): (Subscription, String)) -> Followed {
    let id = &subscription.collection;
    let (name, within, link, api) = match &subscription.item {
        Some(item) => (
            item.name.clone(),
            Some(collection),
            format!("/collections/{id}/items/{}", item.id),
            format!("/api/collections/{id}/subscription?item={}", in_query(item.id.as_str())),
        ),
        None => (collection, None, format!("/collections/{id}"), format!("/api/collections/{id}/subscription")),
    };
    let Subscription { mail, feed, socket, group, .. } = subscription;
    Followed { id: number.to_string(), name, within, link, api, mail: mail.as_str(), feed, socket, by_group: group.is_some() }
}

/// What the viewer wants to be told of.
#[utoipa::path(get, path = "/notifications/settings", responses((status = 200), (status = 303)))]
pub async fn settings(State(app): State<App>, On(Who(caller)): On<Who>) -> Result<Response, Lost> {
    let chosen = async { app.store.preferences(caller.user).await.map_err(Lost::from) };
    let subscriptions = async { app.store.subscriptions_seen(&caller).await.map_err(Lost::from) };
    let profile = async { app.store.profile(caller.user).await.map_err(Lost::from) };
    let (frame, chosen, subscriptions, profile) = tokio::try_join!(frame(&app, &caller, None, "notices"), chosen, subscriptions, profile)?;
    let viewer = frame.viewer.clone().ok_or_else(Lost::nothing)?;
    let stopped = match profile {
        Some(profile) => app.store.mail_stopped(&profile.email).await.map_err(Lost::from)?,
        None => None,
    };
    let followed = subscriptions.into_iter().enumerate().map(|(number, one)| followed(number, one)).collect();
    let stopped = stopped.map(|stopped| stopped.why);
    page(&app, &NotificationSettings { frame, viewer, stopped, rows: rows(&chosen), daily_at: chosen.daily_at, followed })
}

/// What the link in a mail carries.
#[derive(Debug, Deserialize)]
pub struct Link {
    token: Option<String>,
    done: Option<String>,
}

/// Turns mails about changes or comments off: behind a button, because mail scanners follow links.
#[utoipa::path(get, path = "/unsubscribe", params(("token" = Option<String>, Query)), responses((status = 200)))]
pub async fn unsubscribe(State(app): State<App>, On(app::Query(link)): On<app::Query<Link>>) -> Result<Response, Lost> {
    let token = link.token.unwrap_or_default();
    let read = app.unsubscribe_by(&token).ok();
    let view = Unsubscribe {
        frame: views::Frame::default(),
        done: link.done.is_some(),
        ours: read.is_some(),
        what: match read {
            Some((_, Letters::Changes)) => "Mails about changes of everything you follow end. You go on following it in your feed.",
            Some((_, Letters::Comments)) => "Mails about comments end. You still find them in your inbox.",
            Some((_, Letters::Billing)) => "Mails about plans and invoices end. You still find them in your inbox.",
            Some((_, Letters::Usage)) => "Mails about what your teams use of their plans end. You still find them in your inbox.",
            Some((_, Letters::ChangesOf(_))) | None => "Mails about changes of this collection end. You go on following it in your feed.",
        },
        api: format!("/api/unsubscribe?token={}", in_query(&token)),
    };
    page(&app, &view)
}

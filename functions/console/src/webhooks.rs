//! The webhooks of a collection or a team, and what they told.

use app::{App, By};
use axum::extract::State;
use axum::response::Response;
use domain::access::{ManageTeamWebhooks, ManageWebhooks};
use domain::webhook::Off;
use serde::Deserialize;
use store::messages::{Message, State as Told};
use store::webhooks::{Managing, Webhook};

use crate::answer::{Lost, On, in_query, page};
use crate::views::{Delivery, Frame, Moment, WebhookCard, WebhookLog, WebhooksPage};
use crate::{frame, frame_of};

/// Deliveries of one page.
const PAGE: usize = 20;

#[derive(Debug, Deserialize)]
pub struct Asked {
    webhook: Option<String>,
    cursor: Option<String>,
}

/// A collection's webhooks.
#[utoipa::path(get, path = "/collections/{collection}/webhooks", params(("collection" = String, Path), ("webhook" = Option<String>, Query, description = "The one whose deliveries are shown"), ("cursor" = Option<String>, Query)), responses((status = 200), (status = 303), (status = 404)))]
pub async fn of_collection(
    State(app): State<App>,
    On(By(by)): On<By<ManageWebhooks>>,
    On(app::Query(asked)): On<app::Query<Asked>>,
) -> Result<Response, Lost> {
    let frame = frame_of(&app, &by.caller, &by.thing).await?;
    let (name, path) = (by.thing.name.clone(), format!("/collections/{}", by.thing.collection));
    shown(&app, frame, &Managing::Collection(Box::new(by)), name, path, &asked).await
}

/// A team's webhooks.
#[utoipa::path(get, path = "/teams/{team}/webhooks", params(("team" = String, Path), ("webhook" = Option<String>, Query, description = "The one whose deliveries are shown"), ("cursor" = Option<String>, Query)), responses((status = 200), (status = 303), (status = 404)))]
pub async fn of_team(
    State(app): State<App>,
    On(By(by)): On<By<ManageTeamWebhooks>>,
    On(app::Query(asked)): On<app::Query<Asked>>,
) -> Result<Response, Lost> {
    let frame = frame(&app, &by.caller, Some(by.thing), "team").await?;
    let name = frame.team.as_ref().map(|team| team.name.clone()).ok_or_else(Lost::nothing)?;
    let path = format!("/teams/{}", by.thing);
    let frame = frame.under(&name, &path);
    shown(&app, frame, &Managing::Team(Box::new(by)), name, path, &asked).await
}

async fn shown(app: &App, frame: Frame, by: &Managing, name: String, path: String, asked: &Asked) -> Result<Response, Lost> {
    let all = app.store.webhooks(by).await?;
    let chosen = match &asked.webhook {
        Some(chosen) => Some(all.iter().find(|webhook| webhook.address.to_string() == *chosen).ok_or_else(Lost::nothing)?),
        // Of one alone the log is shown without asking.
        None => all.first().filter(|_| all.len() == 1),
    };
    let log = match chosen {
        Some(webhook) => Some(log(app, by, webhook, &path, asked.cursor.as_deref()).await?),
        None => None,
    };
    let chosen = chosen.map(|webhook| webhook.address.to_string()).unwrap_or_default();
    let webhooks = all.iter().map(|webhook| card(webhook, &chosen)).collect();
    let team = matches!(by, Managing::Team(_));
    page(app, &WebhooksPage { frame, name, path, team, webhooks, log })
}

fn card(webhook: &Webhook, chosen: &str) -> WebhookCard {
    let id = webhook.address.to_string();
    WebhookCard {
        chosen: id == chosen,
        id,
        url: webhook.url.clone(),
        description: webhook.description.clone(),
        maker: webhook.maker.username.clone(),
        off: webhook.off.map(|off| match off {
            Off::SwitchedOff => "switched off",
            Off::Failing => "off: its receiver took nothing for days",
            Off::Gone => "off: its receiver is gone",
            Off::NoAccess => "off: its maker has no access",
        }),
        failing: webhook.failing_since.map(Moment),
        rotating: webhook.previous.as_ref().map(|previous| Moment(previous.until)),
    }
}

async fn log(app: &App, by: &Managing, webhook: &Webhook, path: &str, cursor: Option<&str>) -> Result<WebhookLog, Lost> {
    let page = app.store.messages(by, webhook, cursor, PAGE).await?;
    let id = webhook.address.to_string();
    let older = page.cursor.map(|cursor| format!("{path}/webhooks?webhook={}&cursor={}", in_query(&id), in_query(&cursor)));
    Ok(WebhookLog { id, url: webhook.url.clone(), deliveries: page.messages.iter().map(delivery).collect(), older })
}

fn delivery(message: &Message) -> Delivery {
    let last = message.tries.last();
    Delivery {
        id: message.name(),
        what: match &message.about {
            Some(about) => format!("change {}", about.seq),
            None => "test".to_owned(),
        },
        link: message.about.as_ref().map(|about| format!("/collections/{}/history", about.collection)),
        at: Moment(message.at),
        state: match message.state {
            Told::Waiting if message.tries.is_empty() => ("on its way", ""),
            Told::Waiting => ("tried again later", "warn"),
            Told::Delivered => ("delivered", "good"),
            Told::Failed => ("failed", "bad"),
            Told::Withheld => ("not told: its maker does not see it", ""),
        },
        next: message.next.filter(|_| !message.tries.is_empty()).map(Moment),
        answer: last.map(|last| match (last.status, &last.error) {
            (Some(status), _) => format!("{status} in {} ms", last.milliseconds),
            (None, Some(error)) => error.clone(),
            (None, None) => String::new(),
        }),
        tries: message.tries.len(),
    }
}

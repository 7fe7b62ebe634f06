//! Webhooks of a collection or a team: programs that are told of changes by a POST.

use app::{App, By, Json, Path, Problem, Query, Typed, Who, Wrong};
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use domain::access::{Access, Caller, ManageTeamWebhooks, ManageWebhooks};
use domain::limit;
use domain::webhook::{Address, Of};
use serde::Deserialize;
use serde_json::{Value, json};
use store::messages::Message;
use store::webhooks::{Managing, Webhook, Wish};
use utoipa::ToSchema;

use crate::inbox::Page;

fn shown(webhook: &Webhook) -> Value {
    let (collection, team) = match &webhook.address.of {
        Of::Collection(collection) => (Some(collection), webhook.team),
        Of::Team(team) => (None, Some(*team)),
    };
    json!({
        "id": webhook.address.to_string(),
        "collection": collection,
        "team": team,
        "url": webhook.url,
        "description": webhook.description,
        "active": webhook.off.is_none(),
        "off": webhook.off,
        "maker": webhook.maker,
        "created_at": webhook.created_at,
        "failing_since": webhook.failing_since,
        "old_secret_until": webhook.previous.as_ref().map(|previous| previous.until),
    })
}

fn delivery(message: &Message) -> Value {
    json!({
        "id": message.name(),
        "message": message.id,
        "collection": message.about.as_ref().map(|about| &about.collection),
        "seq": message.about.as_ref().map(|about| about.seq),
        "at": message.at,
        "state": message.state,
        "next": message.next,
        "tries": message.tries,
    })
}

/// A webhook as it is wanted. What is left out of a change stays as it is.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = webhooks::Wanted)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Wanted {
    /// Where it tells: an `https` address that everybody reaches.
    url: Option<String>,
    /// What it is for.
    description: Option<String>,
    /// Whether it is on. Who switches it on answers for it: it tells what that person may see.
    active: Option<bool>,
}

impl Wanted {
    fn check(&self, app: &App, wrong: &mut Wrong) {
        if let Some(url) = &self.url {
            match url.parse::<Uri>() {
                _ if limit::WEBHOOK_URL_CHARS < url.len() => wrong.note("/url", "an address has at most 2000 characters"),
                Ok(uri) if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) => {
                    wrong.note("/url", "the address holds no name and password: messages are signed instead");
                }
                Ok(uri) => {
                    if let Err(why) = app.outbound.may_ask(&uri) {
                        wrong.note("/url", why.to_string());
                    }
                }
                Err(_) => wrong.note("/url", "this is no address"),
            }
        }
        if self.description.as_ref().is_some_and(|text| limit::NOTE_CHARS < text.chars().count()) {
            wrong.note("/description", "a description has at most 500 characters");
        }
    }
}

async fn all(app: &App, by: &Managing) -> Result<Json<Value>, Problem> {
    let all = app.store.webhooks(by).await?;
    Ok(Json(json!({"webhooks": all.iter().map(shown).collect::<Vec<_>>()})))
}

async fn made(app: &App, by: &Managing, Typed(wanted, mut wrong): Typed<Wanted>) -> Result<Json<Value>, Problem> {
    wanted.check(app, &mut wrong);
    wrong.needed("/url", wanted.url.as_deref().unwrap_or_default());
    let url = wrong.with(wanted.url)?;
    let address = Address { id: app.new_id().simple().to_string().parse()?, of: by.of() };
    let (secret, sealed) = app.webhook_secret(&address.id)?;
    let webhook = Webhook {
        address,
        team: by.team(),
        url,
        description: wanted.description.unwrap_or_default(),
        maker: by.caller().actor(),
        created_at: app.now(),
        begin: Some(by.begin(app.now())),
        secret: sealed,
        previous: None,
        off: None,
        failing_since: None,
        touched: 0,
    };
    app.store.make_webhook(by, &webhook).await?;
    if wanted.active == Some(false) {
        app.store.change_webhook(by, &webhook.address.id, &Wish { active: Some(false), ..Wish::default() }, app.now()).await?;
    }
    with_secret(app, by, &webhook, &secret).await
}

/// The webhook as it is now, with its secret, which is shown this once.
async fn with_secret(app: &App, by: &Managing, webhook: &Webhook, secret: &str) -> Result<Json<Value>, Problem> {
    let mut answer = shown(&app.store.webhook(by, &webhook.address.id).await?);
    answer["secret"] = json!(secret);
    Ok(Json(json!({"webhook": answer})))
}

/// The webhook that an address names, and the right to look after it. Who may not know of its collection or team is told
/// that it is not there.
async fn named(app: &App, caller: Caller, raw: &str) -> Result<(Managing, Webhook), Problem> {
    let not_found = Problem::NotFound("webhook");
    let address: Address = raw.parse().map_err(|_| not_found.clone())?;
    let by = match address.of {
        Of::Collection(collection) => {
            app.reach::<ManageWebhooks>(&caller, &collection).await.map(|access| Managing::Collection(Box::new(access)))
        }
        Of::Team(team) => {
            Access::<ManageTeamWebhooks>::check(caller, team, None).map(|access| Managing::Team(Box::new(access))).map_err(Problem::from)
        }
    };
    let by = by.map_err(|problem| if matches!(problem, Problem::NotFound(_)) { not_found } else { problem })?;
    let webhook = app.store.webhook(&by, &address.id).await?;
    Ok((by, webhook))
}

/// The webhooks of a collection.
#[utoipa::path(get, path = "/api/collections/{collection}/webhooks", tag = "Webhooks", params(("collection" = String, Path)),
    responses((status = 200, description = "`{\"webhooks\":[…]}`, without their secrets")))]
pub(crate) async fn of_collection(By(by): By<ManageWebhooks>, State(app): State<App>) -> Result<Json<Value>, Problem> {
    all(&app, &Managing::Collection(Box::new(by))).await
}

/// Makes a webhook of a collection: each change is sent to its address, as the WebSocket tells it, signed after Standard
/// Webhooks. It ends when whoever made it no longer sees the collection.
#[utoipa::path(post, path = "/api/collections/{collection}/webhooks", tag = "Webhooks", params(("collection" = String, Path)), request_body = Wanted,
    responses((status = 200, description = "The webhook; `webhook.secret` is shown this once"), (status = 422, description = "The address is not a public one")))]
pub(crate) async fn make_of_collection(
    By(by): By<ManageWebhooks>,
    State(app): State<App>,
    wanted: Typed<Wanted>,
) -> Result<Json<Value>, Problem> {
    made(&app, &Managing::Collection(Box::new(by)), wanted).await
}

/// The webhooks of a team.
#[utoipa::path(get, path = "/api/teams/{team}/webhooks", tag = "Webhooks", params(("team" = u64, Path)),
    responses((status = 200, description = "`{\"webhooks\":[…]}`, without their secrets")))]
pub(crate) async fn of_team(By(by): By<ManageTeamWebhooks>, State(app): State<App>) -> Result<Json<Value>, Problem> {
    all(&app, &Managing::Team(Box::new(by))).await
}

/// Makes a webhook of a team: it tells of all collections of the team that whoever made it may see.
#[utoipa::path(post, path = "/api/teams/{team}/webhooks", tag = "Webhooks", params(("team" = u64, Path)), request_body = Wanted,
    responses((status = 200, description = "The webhook; `webhook.secret` is shown this once"), (status = 422, description = "The address is not a public one")))]
pub(crate) async fn make_of_team(
    By(by): By<ManageTeamWebhooks>,
    State(app): State<App>,
    wanted: Typed<Wanted>,
) -> Result<Json<Value>, Problem> {
    made(&app, &Managing::Team(Box::new(by)), wanted).await
}

/// A webhook.
#[utoipa::path(get, path = "/api/webhooks/{webhook}", tag = "Webhooks", params(("webhook" = String, Path)),
    responses((status = 200, description = "The webhook, without its secret"), (status = 404, description = "No such webhook")))]
pub(crate) async fn find(Who(caller): Who, Path(webhook): Path<String>, State(app): State<App>) -> Result<Json<Value>, Problem> {
    let (_, webhook) = named(&app, caller, &webhook).await?;
    Ok(Json(json!({"webhook": shown(&webhook)})))
}

/// Changes a webhook, or switches it off or on.
#[utoipa::path(patch, path = "/api/webhooks/{webhook}", tag = "Webhooks", params(("webhook" = String, Path)), request_body = Wanted,
    responses((status = 200, description = "The webhook, without its secret"), (status = 422, description = "The address is not a public one")))]
pub(crate) async fn change(
    Who(caller): Who,
    Path(webhook): Path<String>,
    State(app): State<App>,
    Typed(wanted, mut wrong): Typed<Wanted>,
) -> Result<Json<Value>, Problem> {
    let (by, webhook) = named(&app, caller, &webhook).await?;
    wanted.check(&app, &mut wrong);
    wrong.end()?;
    let wish = Wish { url: wanted.url, description: wanted.description, active: wanted.active };
    app.store.change_webhook(&by, &webhook.address.id, &wish, app.now()).await?;
    Ok(Json(json!({"webhook": shown(&app.store.webhook(&by, &webhook.address.id).await?)})))
}

/// Deletes a webhook, with the log of what it told.
#[utoipa::path(delete, path = "/api/webhooks/{webhook}", tag = "Webhooks", params(("webhook" = String, Path)),
    responses((status = 204, description = "It is gone"), (status = 404, description = "No such webhook")))]
pub(crate) async fn delete(Who(caller): Who, Path(webhook): Path<String>, State(app): State<App>) -> Result<StatusCode, Problem> {
    let (by, webhook) = named(&app, caller, &webhook).await?;
    app.store.delete_webhook(&by, &webhook, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a webhook another secret. For a day messages are signed with both.
#[utoipa::path(post, path = "/api/webhooks/{webhook}/secret", tag = "Webhooks", params(("webhook" = String, Path)),
    responses((status = 200, description = "The webhook; `webhook.secret` is shown this once")))]
pub(crate) async fn rotate(Who(caller): Who, Path(webhook): Path<String>, State(app): State<App>) -> Result<Json<Value>, Problem> {
    let (by, webhook) = named(&app, caller, &webhook).await?;
    let (secret, sealed) = app.webhook_secret(&webhook.address.id)?;
    app.store.rotate_webhook(&by, &webhook, &sealed, app.now()).await?;
    with_secret(&app, &by, &webhook, &secret).await
}

/// Sends a webhook's receiver a message that says nothing but that it works. What came of it stands in the deliveries.
#[utoipa::path(post, path = "/api/webhooks/{webhook}/test", tag = "Webhooks", params(("webhook" = String, Path)),
    responses((status = 202, description = "The delivery, on its way")))]
pub(crate) async fn test(
    Who(caller): Who,
    Path(webhook): Path<String>,
    State(app): State<App>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let (by, webhook) = named(&app, caller, &webhook).await?;
    let message = app.store.queue_test(&by, &webhook, app.new_id(), app.now()).await?;
    app.bell.ring(std::slice::from_ref(&webhook.address)).await;
    Ok((StatusCode::ACCEPTED, Json(json!({"delivery": delivery(&message)}))))
}

/// What a webhook told, newest first: each message with the tries to deliver it.
#[utoipa::path(get, path = "/api/webhooks/{webhook}/deliveries", tag = "Webhooks",
    params(("webhook" = String, Path), ("cursor" = Option<String>, Query), ("limit" = Option<usize>, Query)),
    responses((status = 200, description = "`{\"deliveries\":[{\"id\",\"message\",\"seq\",\"at\",\"state\",\"next\",\"tries\":[…]}],\"cursor\"}`")))]
pub(crate) async fn deliveries(
    Who(caller): Who,
    Path(webhook): Path<String>,
    Query(asked): Query<Page>,
    State(app): State<App>,
) -> Result<Json<Value>, Problem> {
    let (by, webhook) = named(&app, caller, &webhook).await?;
    let page = app.store.messages(&by, &webhook, asked.cursor.as_deref(), asked.limit()).await?;
    let shown: Vec<Value> = page.messages.iter().map(delivery).collect();
    Ok(Json(json!({"deliveries": shown, "cursor": page.cursor})))
}

/// Delivers a message again, whatever came of it.
#[utoipa::path(post, path = "/api/webhooks/{webhook}/deliveries/{delivery}/redeliver", tag = "Webhooks",
    params(("webhook" = String, Path), ("delivery" = String, Path)),
    responses((status = 202, description = "The delivery, on its way"), (status = 404, description = "No such delivery")))]
pub(crate) async fn redeliver(
    Who(caller): Who,
    Path((webhook, name)): Path<(String, String)>,
    State(app): State<App>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let (by, webhook) = named(&app, caller, &webhook).await?;
    let message = app.store.send_again(&by, &webhook, &name, app.now()).await?;
    app.bell.ring(std::slice::from_ref(&webhook.address)).await;
    Ok((StatusCode::ACCEPTED, Json(json!({"delivery": delivery(&message)}))))
}

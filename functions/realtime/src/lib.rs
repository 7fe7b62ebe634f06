//! The WebSocket: who connects, what they follow, what they missed.

mod presence;

use std::collections::{BTreeMap, BTreeSet};

use app::{App, Crash, Var};
use aws_lambda_events::event::apigw::{ApiGatewayProxyResponse, ApiGatewayWebsocketProxyRequest};
use domain::access::{Access, Caller, Denied, ReadCollection};
use domain::collection::Head;
use domain::event::{Frame, Said, Subscribed, Trouble};
use domain::ids::{CollectionId, ConnectionId, ElementId};
use domain::limit;
use futures::{StreamExt, TryStreamExt};
use serde_json::json;
use store::changes::About;
use store::elements::Fetched;
use store::live::{Connection, Registration};
use store::readers::Grant;
use store::sessions::Credential;
use store::{Conflict, keys};

/// What it needs of the environment.
pub const NEEDS: &[Var] = &[Var::TableName, Var::ConnectionsUrl];

/// Standing subscriptions that are registered at the same time.
const FOLLOWED_AT_ONCE: usize = 8;

/// Why a client's wish is not granted: a word for programs and a sentence.
struct Refused(&'static str, String);

/// Handles `$connect`, `$disconnect` and a message.
pub async fn handle(app: &App, event: ApiGatewayWebsocketProxyRequest) -> Result<ApiGatewayProxyResponse, Crash> {
    let context = &event.request_context;
    let connection: ConnectionId = context.connection_id.clone().ok_or("an event without a connection")?.parse()?;
    match context.route_key.as_deref() {
        Some("$connect") => {
            let ticket = event.query_string_parameters.first("ticket").unwrap_or_default();
            Ok(answer(connect(app, connection, ticket).await?))
        }
        Some("$disconnect") => {
            for collection in app.store.disconnect(&connection).await? {
                presence::tell(app, &collection).await?;
            }
            Ok(answer(200))
        }
        _ => {
            message(app, &connection, event.body.as_deref().unwrap_or_default()).await?;
            Ok(answer(200))
        }
    }
}

fn answer(status: i64) -> ApiGatewayProxyResponse {
    let mut response = ApiGatewayProxyResponse::default();
    response.status_code = status;
    response
}

/// Redeems the ticket. Nothing can be posted to a connection before `$connect` is answered, so its standing
/// subscriptions are registered here and told with the client's first message.
async fn connect(app: &App, connection: ConnectionId, ticket: &str) -> Result<i64, Crash> {
    let now = app.now();
    let ticket = match app.store.redeem_ticket(&app::Tokens::hash(ticket), now).await {
        Ok(ticket) => ticket,
        Err(store::Error::Conflict(_)) => return Ok(401),
        Err(error) => return Err(error.into()),
    };
    let opened = Connection { connection, user: ticket.user, session: ticket.session, key: ticket.key, connected_at: now };
    match app.store.open_connection(&opened).await {
        Ok(()) => (),
        Err(store::Error::Conflict(_)) => return Ok(401),
        Err(error) => return Err(error.into()),
    }
    let standing = match app.store.profile(opened.user).await? {
        Some(profile) => app.store.followed_by(&profile.caller()).await?,
        None => Vec::new(),
    };
    let opened = &opened;
    let each = standing.into_iter().filter(|subscription| subscription.socket).map(|subscription| async move {
        let item = subscription.item.as_ref().map(|item| &item.id);
        // What may not be seen any more is not followed; that is no reason to refuse the rest.
        if let Err(Refused(code, _)) = follow(app, opened, &subscription.collection, item).await? {
            tracing::info!(collection = %subscription.collection, code, "a subscription is not followed");
        }
        Ok::<(), Crash>(())
    });
    futures::stream::iter(each).buffer_unordered(FOLLOWED_AT_ONCE).try_collect::<()>().await?;
    Ok(200)
}

/// The right of a connection's user to read a collection, as the table says it now.
async fn access(app: &App, connection: &Connection, collection: &CollectionId) -> Result<Result<Access<ReadCollection>, Refused>, Crash> {
    let credential = Credential::Known { user: connection.user, session: connection.session.clone(), key: connection.key.clone() };
    let wanted = [keys::head(collection), keys::grant(collection, connection.user)];
    let (caller, mut items): (Option<Caller>, _) = app.store.caller(&credential, &wanted, app.now()).await?;
    let Some(caller) = caller else { return Ok(Err(Refused("session_gone", "this session has ended: sign in again".to_owned()))) };
    let head: Option<Head> = items.remove(&wanted[0]).map(store::read).transpose()?;
    let grant: Option<Grant> = items.remove(&wanted[1]).map(store::read).transpose()?;
    let checked = head.ok_or(Denied::NotFound).and_then(|head| Access::check(caller, head, grant.map(|grant| grant.role)));
    Ok(checked.map_err(|_| absent()))
}

/// Registers a connection for a collection, or for an item of it.
async fn follow(
    app: &App,
    connection: &Connection,
    collection: &CollectionId,
    item: Option<&ElementId>,
) -> Result<Result<Access<ReadCollection>, Refused>, Crash> {
    let by = match access(app, connection, collection).await? {
        Ok(by) => by,
        Err(refused) => return Ok(Err(refused)),
    };
    Ok(granted(app.store.follow(&by, &connection.connection, item, app.now()).await)?.map(|()| by))
}

/// Why the transaction of a registration did not hold, in words.
fn granted(done: Result<(), store::Error>) -> Result<Result<(), Refused>, Crash> {
    match done {
        Ok(()) => Ok(Ok(())),
        Err(store::Error::Conflict(Conflict::SessionGone)) => Ok(Err(Refused("session_gone", "this connection has ended".to_owned()))),
        Err(store::Error::Conflict(_)) => Ok(Err(absent())),
        Err(error) => Err(error.into()),
    }
}

fn absent() -> Refused {
    Refused("not_found", "there is no such collection".to_owned())
}

/// A collection and an item of it, as a client names them.
fn named(collection: &str, item: Option<&str>) -> Option<(CollectionId, Option<ElementId>)> {
    let item = item.map(ElementId::parse).transpose().ok()?;
    Some((CollectionId::parse(collection).ok()?, item))
}

async fn message(app: &App, id: &ConnectionId, body: &str) -> Result<(), Crash> {
    let Some(connection) = app.store.connection(id).await? else {
        app.push.close(id).await;
        return Ok(());
    };
    let said = match serde_json::from_str::<Said>(body) {
        Ok(said) => said,
        Err(error) => return complain(app, id, Refused("malformed", format!("this is not understood: {error}")), body).await,
    };
    match said {
        Said::Ping => {
            let (items, whole): (Vec<Registration>, _) = app.store.following(id).await?.into_iter().partition(|one| one.item.is_some());
            let whole: Vec<CollectionId> = whole.into_iter().map(|one: Registration| one.collection).collect();
            let items: Vec<_> = items.into_iter().map(|one| json!({"collection": one.collection, "item": one.item})).collect();
            // An event that was lost, and nothing after it to show the gap: the client sees here that it is behind.
            let heads = app.store.heads(&whole).await?;
            let heads: BTreeMap<_, _> = heads.iter().map(|head| (head.collection.as_str(), head.seq)).collect();
            say(app, id, "postroom.pong", json!({"subscriptions": whole, "items": items, "heads": heads})).await;
            Ok(())
        }
        Said::Subscribe { collection, item, since } => {
            let Some((collection, item)) = named(&collection, item.as_deref()) else { return complain(app, id, absent(), body).await };
            subscribe(app, &connection, &collection, item, since, body).await
        }
        Said::Unsubscribe { collection, item } => {
            if let Some((collection, item)) = named(&collection, item.as_deref()) {
                app.store.unfollow(&collection, id, item.as_ref()).await?;
                say(app, id, "postroom.unsubscribed", json!({"collection": collection, "item": item})).await;
            }
            Ok(())
        }
        Said::Look { collection, item } => {
            let Some((collection, item)) = named(&collection, item.as_deref()) else { return complain(app, id, absent(), body).await };
            let by = match access(app, &connection, &collection).await? {
                Ok(by) => by,
                Err(refused) => return complain(app, id, refused, body).await,
            };
            match granted(app.store.look(&by, id, item, app.now()).await)? {
                Ok(()) => presence::tell(app, &collection).await,
                Err(refused) => complain(app, id, refused, body).await,
            }
        }
        Said::Away { collection } => {
            if let Some((collection, _)) = named(&collection, None) {
                app.store.look_away(&collection, id).await?;
                presence::tell(app, &collection).await?;
            }
            Ok(())
        }
    }
}

/// Sends what was missed, registers the connection, then sends what came in between: no gap, and in order as far as
/// one connection can tell. A change may come twice; its number says so.
async fn subscribe(
    app: &App,
    connection: &Connection,
    collection: &CollectionId,
    item: Option<ElementId>,
    since: Option<u64>,
    about: &str,
) -> Result<(), Crash> {
    let id = &connection.connection;
    let by = match access(app, connection, collection).await? {
        Ok(by) => by,
        Err(refused) => return complain(app, id, refused, about).await,
    };
    if let Some(item) = &item
        && app.store.element(&by.thing, item, &Fetched::new()).await?.is_none()
    {
        return complain(app, id, Refused("not_found", "there is no such item in this collection".to_owned()), about).await;
    }
    let mut level = match since {
        Some(since) => catch_up(app, &by, id, item.as_ref(), since).await?,
        None => by.thing.seq,
    };
    let by = match follow(app, connection, collection, item.as_ref()).await? {
        Ok(by) => by,
        Err(refused) => return complain(app, id, refused, about).await,
    };
    level = catch_up(app, &by, id, item.as_ref(), level).await?;
    let told = Subscribed { collection: collection.clone(), item, head: level };
    app.push.say(id, &Frame::new("postroom.subscribed", app.new_id().to_string(), app.now(), told)).await;
    Ok(())
}

/// Posts every change after `since`, or those that concern an item; gives the number of the last one.
async fn catch_up(app: &App, by: &Access<ReadCollection>, id: &ConnectionId, item: Option<&ElementId>, since: u64) -> Result<u64, Crash> {
    let followed: BTreeSet<ElementId> = item.cloned().into_iter().collect();
    let mut level = since;
    loop {
        let changes = app.store.changes(by, level, limit::PAGE).await?;
        let more = changes.len() == limit::PAGE;
        for change in changes {
            level = change.seq;
            if item.is_none() || !app.store.concerned(&About::of(&by.thing), &change, &followed).await?.is_empty() {
                app.push.say(id, &Frame::of(change)).await;
            }
        }
        if !more {
            return Ok(level);
        }
    }
}

async fn say(app: &App, id: &ConnectionId, kind: &'static str, data: serde_json::Value) {
    app.push.say(id, &Frame::new(kind, app.new_id().to_string(), app.now(), data)).await;
}

async fn complain(app: &App, id: &ConnectionId, Refused(code, message): Refused, about: &str) -> Result<(), Crash> {
    // What was said comes back only where it is short: enough to know which message was meant.
    let about = serde_json::from_str(about).ok().filter(|_| about.len() <= 1024);
    app.push.say(id, &Frame::new("postroom.error", app.new_id().to_string(), app.now(), Trouble { code, message, about })).await;
    Ok(())
}

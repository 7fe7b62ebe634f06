//! The WebSocket: who connects, what they follow, what they missed.

use app::{App, Crash, Var};
use aws_lambda_events::event::apigw::{ApiGatewayProxyResponse, ApiGatewayWebsocketProxyRequest};
use domain::access::{Access, Caller, Denied, ReadCollection};
use domain::collection::Head;
use domain::event::{Frame, Said, Subscribed, Trouble};
use domain::ids::{CollectionId, ConnectionId};
use domain::limit;
use serde_json::json;
use store::live::Connection;
use store::readers::Grant;
use store::sessions::Credential;
use store::{Conflict, keys};

/// What it needs of the environment.
pub const NEEDS: &[Var] = &[Var::TableName, Var::ConnectionsUrl];

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
            app.store.disconnect(&connection).await?;
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
    for subscription in app.store.subscriptions_of(opened.user).await? {
        // What may not be seen any more is not followed; that is no reason to refuse the rest.
        match follow(app, &opened, &subscription.collection).await? {
            Ok(_) => (),
            Err(Refused(code, _)) => tracing::info!(collection = %subscription.collection, code, "a subscription is not followed"),
        }
    }
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
    Ok(checked.map_err(|_| Refused("not_found", "there is no such collection".to_owned())))
}

/// Registers a connection for a collection.
async fn follow(app: &App, connection: &Connection, collection: &CollectionId) -> Result<Result<Access<ReadCollection>, Refused>, Crash> {
    let by = match access(app, connection, collection).await? {
        Ok(by) => by,
        Err(refused) => return Ok(Err(refused)),
    };
    match app.store.follow(&by, &connection.connection, app.now()).await {
        Ok(()) => Ok(Ok(by)),
        Err(store::Error::Conflict(Conflict::SessionGone)) => Ok(Err(Refused("session_gone", "this connection has ended".to_owned()))),
        Err(store::Error::Conflict(_)) => Ok(Err(Refused("not_found", "there is no such collection".to_owned()))),
        Err(error) => Err(error.into()),
    }
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
            let following: Vec<CollectionId> = app.store.following(id).await?;
            say(app, id, "postroom.pong", json!({"subscriptions": following})).await;
            Ok(())
        }
        Said::Subscribe { collection, since } => {
            let Ok(collection) = CollectionId::parse(&collection) else {
                return complain(app, id, Refused("not_found", "there is no such collection".to_owned()), body).await;
            };
            subscribe(app, &connection, &collection, since, body).await
        }
        Said::Unsubscribe { collection } => {
            if let Ok(collection) = CollectionId::parse(&collection) {
                app.store.unfollow(&collection, id).await?;
                say(app, id, "postroom.unsubscribed", json!({"collection": collection})).await;
            }
            Ok(())
        }
    }
}

/// Sends what was missed, registers the connection, then sends what came in between: no gap, and in order as far as
/// one connection can tell. A change may come twice; its number says so.
async fn subscribe(app: &App, connection: &Connection, collection: &CollectionId, since: Option<u64>, about: &str) -> Result<(), Crash> {
    let id = &connection.connection;
    let by = match access(app, connection, collection).await? {
        Ok(by) => by,
        Err(refused) => return complain(app, id, refused, about).await,
    };
    let mut level = match since {
        Some(since) => catch_up(app, &by, id, since).await?,
        None => by.thing.seq,
    };
    let by = match follow(app, connection, collection).await? {
        Ok(by) => by,
        Err(refused) => return complain(app, id, refused, about).await,
    };
    level = catch_up(app, &by, id, level).await?;
    let told = Subscribed { collection: collection.clone(), head: level };
    app.push.say(id, &Frame::new("postroom.subscribed", app.new_id().to_string(), app.now(), told)).await;
    Ok(())
}

/// Posts every change after `since`; gives the number of the last one.
async fn catch_up(app: &App, by: &Access<ReadCollection>, id: &ConnectionId, since: u64) -> Result<u64, Crash> {
    let mut level = since;
    loop {
        let changes = app.store.changes(by, level, limit::PAGE).await?;
        let more = changes.len() == limit::PAGE;
        for change in changes {
            level = change.seq;
            app.push.say(id, &Frame::of(change)).await;
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

//! Open connections near their end: their clients are told five minutes before, and closed with a reason when it has come.

use app::{App, Crash, Pushed};
use domain::event::{Expiring, Frame};
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use store::live::{Connection, LASTS};

/// Clients are told this long before.
const BEFORE: SignedDuration = SignedDuration::from_mins(5);
/// Connections looked after at the same time.
const AT_ONCE: usize = 32;

/// Looks after the connections that are due; gives how many.
pub(crate) async fn tell(app: &App) -> Result<usize, Crash> {
    let due = app.store.connections_due(app.now()).await?;
    let count = due.len();
    let each = due.into_iter().map(|connection| look_after(app, connection));
    let done: Vec<Result<(), Crash>> = futures::stream::iter(each).buffer_unordered(AT_ONCE).collect().await;
    done.into_iter().collect::<Result<(), Crash>>()?;
    Ok(count)
}

async fn look_after(app: &App, connection: Connection) -> Result<(), Crash> {
    let now = app.now();
    let id = &connection.connection;
    let (ends, why) = ends(app, &connection).await?;
    if ends <= now {
        say(app, &connection, "postroom.session.ended", Expiring { at: ends, why }).await;
        app.store.disconnect(id).await?;
        app.push.close(id).await;
        return Ok(());
    }
    let warned = ends - BEFORE;
    if now < warned {
        return Ok(app.store.look_after(id, warned).await?);
    }
    if say(app, &connection, "postroom.session.expiring", Expiring { at: ends, why }).await == Pushed::Gone {
        app.store.disconnect(id).await?;
        return Ok(());
    }
    Ok(app.store.look_after(id, ends).await?)
}

async fn say(app: &App, connection: &Connection, kind: &'static str, data: Expiring) -> Pushed {
    app.push.say(&connection.connection, &Frame::new(kind, app.new_id().to_string(), app.now(), data)).await
}

/// When a connection ends, as things are now: with what opened it, or after two hours.
async fn ends(app: &App, connection: &Connection) -> Result<(Timestamp, &'static str), Crash> {
    let lasts = (connection.connected_at + LASTS, "connection");
    let opened_by = match (&connection.session, &connection.key) {
        (Some(session), _) => match app.store.session(connection.user, session).await? {
            Some(session) => Some((session.ends_at(), "session")),
            None => Some((connection.connected_at, "session")),
        },
        (None, Some(key)) => {
            let keys = app.store.api_keys(connection.user, app.now()).await?;
            match keys.into_iter().find(|one| one.id == *key) {
                Some(key) => key.expires_at.map(|at| (at, "key")),
                None => Some((connection.connected_at, "key")),
            }
        }
        (None, None) => None,
    };
    Ok(opened_by.into_iter().chain([lasts]).min_by_key(|(at, _)| *at).unwrap_or(lasts))
}

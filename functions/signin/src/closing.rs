//! Closing what a session or a key had opened, before the answer that says it has ended.

use std::collections::HashSet;

use app::{App, Problem};
use domain::ids::{ConnectionId, KeyId, SessionId, UserId};
use domain::sso::TeamSso;
use futures::{StreamExt, TryStreamExt};
use store::live::Connection;
use store::sessions::Session;

/// Connections closed at the same time.
const AT_ONCE: usize = 16;

/// The WebSockets of one session.
pub(crate) async fn session(app: &App, user: UserId, session: &SessionId) -> Result<(), Problem> {
    close(app, user, |connection| connection.session.as_ref() == Some(session)).await
}

/// The WebSockets of all sessions of a user.
pub(crate) async fn all_sessions(app: &App, user: UserId) -> Result<(), Problem> {
    close(app, user, |connection| connection.session.is_some()).await
}

/// The WebSockets of all sessions of a user but one.
pub(crate) async fn other_sessions(app: &App, user: UserId, kept: &SessionId) -> Result<(), Problem> {
    close(app, user, |connection| connection.session.as_ref().is_some_and(|session| session != kept)).await
}

/// Every WebSocket of a user.
pub(crate) async fn all(app: &App, user: UserId) -> Result<(), Problem> {
    close(app, user, |_| true).await
}

/// The WebSockets of one API key.
pub(crate) async fn key(app: &App, user: UserId, key: &KeyId) -> Result<(), Problem> {
    close(app, user, |connection| connection.key.as_ref() == Some(key)).await
}

/// The WebSockets of a team's members who may not use it as they came, now that it insists on its own single sign-on.
pub(crate) async fn held_back(app: &App, sso: &TeamSso) -> Result<(), Problem> {
    let members = app.store.members(sso.team).await?;
    let held = members.into_iter().map(|member| async move {
        let sessions = app.store.sessions(member.user, app.now()).await?;
        let through = |session: &Session| session.through == Some(sso.team) && sso.changed_at <= session.created_at;
        let good: HashSet<&SessionId> = sessions.iter().filter(|session| through(session)).map(|session| &session.id).collect();
        let stays = |connection: &Connection| match &connection.session {
            Some(session) => good.contains(session),
            None => sso.api_keys,
        };
        close(app, member.user, |connection| !stays(connection)).await
    });
    futures::stream::iter(held).buffer_unordered(AT_ONCE).try_collect().await
}

async fn close(app: &App, user: UserId, which: impl Fn(&Connection) -> bool) -> Result<(), Problem> {
    let connections = app.store.connections_of(user).await?;
    let ended: Vec<ConnectionId> =
        connections.into_iter().filter(|connection| which(connection)).map(|connection| connection.connection).collect();
    let closed = ended.into_iter().map(|connection| async move {
        // First its registrations: from then on nothing is sent to it, even where closing it takes a while or fails.
        app.store.disconnect(&connection).await?;
        app.push.close(&connection).await;
        Ok::<(), Problem>(())
    });
    futures::stream::iter(closed).buffer_unordered(AT_ONCE).try_collect().await
}

//! What happened outside the collections, as the inbox of the pages tells it.

use app::{App, Crash};
use domain::happened::{Event, Happened};
use domain::ids::UserId;
use domain::notify::Category;
use store::notices::Notice;

/// Tells those whom an event concerns, where they want to be told of such in the pages.
pub(crate) async fn tell(app: &App, event: &Event) -> Result<(), Crash> {
    let Some((user, category, text, link)) = words(app, event).await? else { return Ok(()) };
    if event.actor.as_ref().is_some_and(|actor| actor.id == user) && category != Category::Security {
        return Ok(());
    }
    if !app.store.preferences(user).await?.of(category).in_app {
        return Ok(());
    }
    let notice = Notice { id: event.id.to_string(), at: event.at, place: event.at, category, text, link, seq: 0, read: false };
    Ok(app.store.notify(user, &notice).await?)
}

/// Who is told what; `None` where an event is nobody's news.
async fn words(app: &App, event: &Event) -> Result<Option<(UserId, Category, String, String)>, Crash> {
    let security = |user: &UserId, text: &str| Some((*user, Category::Security, text.to_owned(), "/account".to_owned()));
    let actor = event.actor.as_ref().map_or("Somebody", |actor| actor.username.as_str());
    let team_name = async |team| Ok::<String, Crash>(app.store.team(team).await?.map(|team| team.name).unwrap_or_default());
    Ok(match &event.what {
        Happened::PasswordChanged { user, .. } => security(user, "Your password was changed"),
        Happened::EmailChanged { user, .. } => security(user, "Your e-mail address was changed"),
        Happened::EmailRestored { user } => security(user, "Your account went back to an earlier address"),
        Happened::SignedInAnew { user, .. } => security(user, "You signed in on a device that was not seen before"),
        Happened::SessionEnded { user, reused: true, .. } => security(user, "A session was ended because its token came twice"),
        Happened::KeyMade { user, .. } => security(user, "An API key was made"),
        Happened::KeyDeleted { user, .. } => security(user, "An API key was deleted"),
        Happened::Invited { team, invite, .. } => {
            let Some(invite) = app.store.find_invite(*team, invite).await? else { return Ok(None) };
            let Some(user) = app.store.profile_by_email(&invite.email).await? else { return Ok(None) };
            let text = format!("{actor} invites you to the team {}", team_name(*team).await?);
            // The link of an invitation is a secret that only its mail has; the address it went to says where.
            Some((user.id, Category::Invitations, format!("{text}: the link is in your mail"), "/".to_owned()))
        }
        Happened::RoleChanged { team, user, role, .. } => {
            let text = format!("{actor} made you {} of the team {}", crate::words::role(*role), team_name(*team).await?);
            Some((*user, Category::Invitations, text, format!("/teams/{team}")))
        }
        Happened::Left { team, user } => {
            Some((*user, Category::Invitations, format!("You are no longer in the team {}", team_name(*team).await?), "/".to_owned()))
        }
        Happened::ReviewAsked { user, pull } => crate::pulls::seen(app, *user, pull).await?.map(|(_, pull)| {
            let text = format!("{actor} asks you to look at the pull request {}", crate::words::line(&pull.title));
            (*user, Category::Comments, text, format!("/pull-requests/{}", pull.id))
        }),
        Happened::PullReviewed { user, pull, status } => crate::pulls::seen(app, *user, pull).await?.map(|(_, pull)| {
            let text = format!("{actor} {} your pull request {}", status.as_str(), crate::words::line(&pull.title));
            (*user, Category::Comments, text, format!("/pull-requests/{}", pull.id))
        }),
        _ => None,
    })
}

//! Letters about wishes that somebody be invited: to the admins, and back to who asked.

use app::{App, Crash};
use domain::access::TeamRole;
use domain::ids::{TeamId, UserId, WishId};
use domain::team::WishState;

use crate::deliver;
use crate::happened::once;
use crate::notice::Notice;

/// To every admin. What was decided meanwhile is not mailed.
pub(crate) async fn wished(app: &App, team: TeamId, wish: &WishId, event: uuid::Uuid) -> Result<(), Crash> {
    let (wish, about, members) = tokio::try_join!(app.store.find_wish(team, wish), app.store.team(team), app.store.members(team))?;
    let (Some(wish), Some(about)) = (wish.filter(|wish| wish.state == WishState::Pending), about) else { return Ok(()) };
    let admins: Vec<UserId> = members.into_iter().filter(|member| member.role == TeamRole::Admin).map(|member| member.user).collect();
    let profiles = app.store.profiles(&admins).await?;
    let mut paragraphs =
        vec![format!("{} asks you to invite {} to {} as {}.", wish.by_name, wish.email, about.name, crate::words::role(wish.role))];
    if !wish.note.is_empty() {
        paragraphs.push(format!("“{}”", crate::words::line(&wish.note)));
    }
    let notice = Notice {
        title: "Somebody asks for an invitation",
        paragraphs,
        button: Some(("Decide", format!("{}/teams/{team}", app.config.pages_url))),
        foot: "All admins of the team get this letter; one of you decides.",
    };
    for profile in profiles.values() {
        deliver::once(app, once("wish", profile.id, event), async { notice.letter(&profile.email) }).await?;
    }
    Ok(())
}

/// To who asked.
pub(crate) async fn decided(app: &App, team: TeamId, wish: &WishId, approved: bool, event: uuid::Uuid) -> Result<(), Crash> {
    let (wish, about) = tokio::try_join!(app.store.find_wish(team, wish), app.store.team(team))?;
    let (Some(wish), Some(about)) = (wish, about) else { return Ok(()) };
    let Some(profile) = app.store.profile(wish.by).await? else { return Ok(()) };
    let notice = Notice {
        title: if approved { "The invitation you asked for is sent" } else { "The invitation you asked for was refused" },
        paragraphs: vec![match approved {
            true => format!("An admin of {} has invited {}.", about.name, wish.email),
            false => format!("An admin of {} has decided not to invite {}.", about.name, wish.email),
        }],
        button: None,
        foot: "You get this letter because you asked.",
    };
    deliver::once(app, once("wish-decided", profile.id, event), async { notice.letter(&profile.email) }).await
}

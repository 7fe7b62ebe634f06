//! Letters to those whose address their team controls.

use app::{App, Crash};
use domain::ids::{TeamId, UserId};
use domain::mail_domain::DomainName;
use store::users::Profile;

use crate::deliver;
use crate::happened::once;
use crate::notice::Notice;

async fn tell(app: &App, team: &str, profile: &Profile, event: uuid::Uuid) -> Result<(), Crash> {
    let notice = Notice {
        title: "Your team controls the address of your account",
        paragraphs: vec![
            format!(
                "The address {} belongs to a domain of {team}. As long as you are in the team, you can give your account {} another address only when an admin lets you.",
                profile.email, profile.username
            ),
            "Nothing else changes: your password, your sign-ins and what is yours stay yours.".to_owned(),
        ],
        button: None,
        foot: "If this surprises you, ask an admin of your team.",
    };
    deliver::once(app, once("address-controlled", profile.id, event), async { notice.letter(&profile.email) }).await
}

/// To every member with a confirmed address in a domain that their team controls from now on.
pub(crate) async fn controlled(app: &App, team: TeamId, domain: &DomainName, event: uuid::Uuid) -> Result<(), Crash> {
    let (about, members) = tokio::try_join!(app.store.team(team), app.store.members(team))?;
    let Some(about) = about else { return Ok(()) };
    let users: Vec<UserId> = members.into_iter().map(|member| member.user).collect();
    for profile in app.store.profiles(&users).await?.values() {
        if profile.verified && DomainName::of(&profile.email).as_ref() == Some(domain) {
            tell(app, &about.name, profile, event).await?;
        }
    }
    Ok(())
}

/// To somebody who has confirmed the address that their team controls.
pub(crate) async fn confirmed(app: &App, user: UserId, event: uuid::Uuid) -> Result<(), Crash> {
    let Some(profile) = app.store.profile(user).await? else { return Ok(()) };
    match app.store.controlled_by(&profile).await? {
        Some(team) => joined(app, team, user, event).await,
        None => Ok(()),
    }
}

/// To somebody who came into a team that controls their address.
pub(crate) async fn joined(app: &App, team: TeamId, user: UserId, event: uuid::Uuid) -> Result<(), Crash> {
    let (about, profile) = tokio::try_join!(app.store.team(team), app.store.profile(user))?;
    let (Some(about), Some(profile)) = (about, profile) else { return Ok(()) };
    match app.store.controlled_by(&profile).await? {
        Some(controller) if controller == team => tell(app, &about.name, &profile, event).await,
        _ => Ok(()),
    }
}

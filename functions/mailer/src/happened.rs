//! Letters about accounts and invitations. They always go out, whatever a person's preferences.

use app::{App, Crash, Letter, Problem};
use askama::Template;
use domain::account::Email;
use domain::happened::{Event, Happened};
use domain::ids::{InviteId, TeamId, UserId};
use jiff::Timestamp;
use store::receipts::Receipt;
use store::users::digest;

use crate::deliver;

/// Somebody who signs up again and again does not fill the owner's inbox: one letter an hour.
const HOUR: i64 = 3_600;

#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmHtml<'a> {
    username: &'a str,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "confirm.txt")]
struct ConfirmText<'a> {
    username: &'a str,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "known.html")]
struct KnownHtml<'a> {
    username: &'a str,
    team: Option<&'a str>,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "known.txt")]
struct KnownText<'a> {
    username: &'a str,
    team: Option<&'a str>,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "invitation.html")]
struct InvitationHtml<'a> {
    inviter: &'a str,
    team: &'a str,
    role: &'a str,
    until: &'a str,
    again: bool,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "invitation.txt")]
struct InvitationText<'a> {
    inviter: &'a str,
    team: &'a str,
    role: &'a str,
    until: &'a str,
    again: bool,
    link: &'a str,
}

/// Mails about what happened, where it is something to mail about.
pub(crate) async fn tell(app: &App, event: Event) -> Result<(), Crash> {
    match event.what {
        Happened::SignedUp { user } => {
            let receipt = Receipt { kind: "confirm", to: user.to_string(), cause: event.id.to_string() };
            deliver::once(app, receipt, confirm(app, user, event.at)).await
        }
        Happened::SignedUpAgain { user, team } => {
            let receipt = Receipt { kind: "known", to: user.to_string(), cause: (event.at.as_second() / HOUR).to_string() };
            deliver::once(app, receipt, known(app, user, team, event.at)).await
        }
        Happened::Invited { team, invite, round } => {
            let Some(found) = app.store.find_invite(team, &invite).await? else { return Ok(()) };
            let receipt = Receipt { kind: "invitation", to: digest(&found.email), cause: format!("{invite}.{round}") };
            deliver::once(app, receipt, invitation(app, team, invite, round)).await
        }
        Happened::Confirmed { .. }
        | Happened::SessionEnded { .. }
        | Happened::KeyMade { .. }
        | Happened::KeyDeleted { .. }
        | Happened::TeamMade { .. }
        | Happened::SeatsSet { .. }
        | Happened::Uninvited { .. }
        | Happened::InviteExpired { .. }
        | Happened::Joined { .. }
        | Happened::RoleChanged { .. }
        | Happened::Left { .. } => Ok(()),
    }
}

fn letter(to: &Email, subject: String, text: String, html: String) -> Letter {
    // RFC 3834: no answering machine is to answer.
    Letter { to: to.to_string(), subject, text, html, headers: vec![("Auto-Submitted", "auto-generated".to_owned())] }
}

fn crash(problem: Problem) -> Crash {
    match problem {
        Problem::Internal(why) => why.into(),
        problem => problem.detail().into(),
    }
}

async fn confirm(app: &App, user: UserId, issued: Timestamp) -> Result<Option<Letter>, Crash> {
    let Some(profile) = app.store.profile(user).await?.filter(|profile| !profile.verified) else { return Ok(None) };
    let link = app.confirm_link(user, &profile.email, issued).map_err(crash)?;
    let username = profile.username.as_str();
    let (html, text) = (ConfirmHtml { username, link: &link }.render()?, ConfirmText { username, link: &link }.render()?);
    Ok(Some(letter(&profile.email, "Confirm your address for Postroom".to_owned(), text, html)))
}

async fn known(app: &App, user: UserId, team: Option<TeamId>, issued: Timestamp) -> Result<Option<Letter>, Crash> {
    let Some(profile) = app.store.profile(user).await? else { return Ok(None) };
    if !profile.verified {
        // Most likely the first letter was lost: the way out is the same.
        return confirm(app, user, issued).await;
    }
    let team = match team {
        Some(team) => app.store.team(team).await?,
        None => None,
    };
    let (team, username) = (team.as_ref().map(|team| team.name.as_str()), profile.username.as_str());
    let link = format!("{}/signin", app.config.pages_url);
    let html = KnownHtml { username, team, link: &link }.render()?;
    let text = KnownText { username, team, link: &link }.render()?;
    Ok(Some(letter(&profile.email, "You already have a Postroom account".to_owned(), text, html)))
}

/// The letter of one round. What was accepted, taken back, sent again or has expired meanwhile is not mailed.
async fn invitation(app: &App, team: TeamId, invite: InviteId, round: u32) -> Result<Option<Letter>, Crash> {
    let (team, invite) = tokio::try_join!(app.store.team(team), app.store.find_invite(team, &invite))?;
    let invite = invite.filter(|invite| invite.round == round && app.now() < invite.expires_at);
    let (Some(team), Some(invite)) = (team, invite) else { return Ok(None) };
    let link = app.invite_link(&invite).map_err(crash)?;
    let (inviter, name, role, again) = (invite.inviter_name.as_str(), team.name.as_str(), crate::words::role(invite.role), 1 < round);
    let until = invite.expires_at.strftime("%-d %B %Y").to_string();
    let html = InvitationHtml { inviter, team: name, role, until: &until, again, link: &link }.render()?;
    let text = InvitationText { inviter, team: name, role, until: &until, again, link: &link }.render()?;
    let subject = format!("{}{inviter} invites you to {name} on Postroom", if again { "Reminder: " } else { "" });
    Ok(Some(letter(&invite.email, subject, text, html)))
}

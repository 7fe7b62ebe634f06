//! Letters about accounts and invitations. They always go out, whatever a person's preferences.

use app::{App, Crash, Letter};
use askama::Template;
use domain::happened::{Event, Happened};
use domain::ids::{InviteId, SessionId, TeamId, UserId};
use domain::sso::Provider;
use jiff::Timestamp;
use store::receipts::Receipt;
use store::users::digest;

use crate::billing::Cause;
use crate::notice::{Notice, letter};
use crate::{access, crash, deliver};

/// Somebody who signs up again and again does not fill the owner's inbox: one letter an hour.
const HOUR: i64 = 3_600;
const MINUTE: i64 = 60;

const NOT_YOU: &str = "If this was you, there is nothing to do.";

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
    let cause = Cause { id: event.id.to_string(), at: event.at, place: event.at };
    match event.what {
        Happened::SignedUp { user } => {
            let receipt = Receipt::new("confirm", user.to_string(), event.id.to_string());
            deliver::once(app, receipt, confirm(app, user, event.at)).await
        }
        Happened::SignedUpAgain { user, team } => {
            let receipt = Receipt::new("known", user.to_string(), (event.at.as_second() / HOUR).to_string());
            deliver::once(app, receipt, known(app, user, team, event.at)).await
        }
        Happened::Invited { team, invite, round } => {
            let Some(found) = app.store.find_invite(team, &invite).await? else { return Ok(()) };
            let receipt = Receipt::new("invitation", digest(&found.email), format!("{invite}.{round}"));
            deliver::once(app, receipt, invitation(app, team, invite, round)).await?;
            match round {
                1 => crate::billing::full(app, team, event.actor.map(|actor| actor.id), event.at).await,
                // It had its seat already.
                _ => Ok(()),
            }
        }
        Happened::ConfirmationAsked { user } => deliver::once(app, hasty("confirm", user, event.at), confirm(app, user, event.at)).await,
        Happened::PasswordForgotten { user } => {
            deliver::once(app, hasty("forgotten", user, event.at), forgotten(app, user, event.at)).await
        }
        Happened::UsernameForgotten { user } => deliver::once(app, hasty("username", user, event.at), username(app, user)).await,
        Happened::PasswordChanged { user, .. } => deliver::once(app, once("password", user, event.id), password_changed(app, user)).await,
        Happened::EmailAsked { user } => deliver::once(app, once("email", user, event.id), email_asked(app, user, event.at)).await,
        Happened::EmailChanged { user, left } => {
            deliver::once(app, once("way-back", user, event.id), email_changed(app, user, &left, event.at)).await
        }
        Happened::EmailRestored { user } => deliver::once(app, once("restored", user, event.id), forgotten(app, user, event.at)).await,
        Happened::SignedInAnew { user, session } => {
            deliver::once(app, once("signed-in", user, event.id), signed_in(app, user, &session)).await
        }
        Happened::ReviewAsked { user, pull } => {
            deliver::once(app, once("review", user, event.id), crate::pulls::asked(app, user, &pull, event.actor)).await
        }
        Happened::PullReviewed { user, pull, status } => {
            deliver::once(app, once("reviewed", user, event.id), crate::pulls::reviewed(app, user, &pull, status, event.actor)).await
        }
        Happened::TeamDeletionAsked { team, due } => access::doomed(app, team, due, event.actor, event.id).await,
        Happened::AccessAsked { collection, user, .. } => access::asked(app, &collection, user, event.id).await,
        Happened::AccessAnswered { collection, user, role, .. } => {
            deliver::once(app, once("access-answer", user, event.id), access::answered(app, &collection, user, role, event.actor)).await
        }
        Happened::AccountEnded { user } => deliver::once(app, once("ended", user, event.id), ended(app, user)).await,
        Happened::SessionEnded { user, reused: true, .. } => deliver::once(app, once("reused", user, event.id), reused(app, user)).await,
        Happened::Invoiced { team, number } => crate::billing::invoiced(app, team, number, cause).await,
        Happened::InvoiceWaits { team, number } => crate::billing::waits(app, team, number, cause).await,
        Happened::InvoicePaid { team, number } => crate::billing::paid(app, team, number, cause).await,
        Happened::TeamUnpaid { team } => crate::billing::unpaid(app, team, cause).await,
        Happened::InviteWished { team, wish } => crate::wishes::wished(app, team, &wish, event.id).await,
        Happened::WishDecided { team, wish, approved } => crate::wishes::decided(app, team, &wish, approved, event.id).await,
        Happened::SecondFactorOn { user } => {
            deliver::once(app, once("factor-on", user, event.id), second_factor(app, user, SecondFactor::On)).await
        }
        Happened::SecondFactorOff { user } => {
            deliver::once(app, once("factor-off", user, event.id), second_factor(app, user, SecondFactor::Off)).await
        }
        Happened::RecoveryCodeUsed { user } => {
            deliver::once(app, once("recovery-used", user, event.id), second_factor(app, user, SecondFactor::RecoveryCode)).await
        }
        Happened::RecoveryCodesMade { user } => {
            deliver::once(app, once("recovery-made", user, event.id), second_factor(app, user, SecondFactor::RecoveryCodes)).await
        }
        Happened::WebhookEnded { user, webhook, why, .. } => {
            deliver::once(app, once("webhook-ended", user, event.id), crate::webhooks::ended(app, user, &webhook, why)).await
        }
        Happened::IdentityLinked { user, provider } => {
            deliver::once(app, once("linked", user, event.id), linked(app, user, provider)).await
        }
        Happened::Confirmed { user } => crate::domains::confirmed(app, user, event.id).await,
        Happened::Joined { team, user, .. } => crate::domains::joined(app, team, user, event.id).await,
        Happened::DomainControlled { team, domain, controls: true } => crate::domains::controlled(app, team, &domain, event.id).await,
        Happened::IdentityUnlinked { .. }
        | Happened::SignedInThrough { .. }
        | Happened::SsoSet { .. }
        | Happened::SsoRemoved { .. }
        | Happened::DomainControlled { .. }
        | Happened::DomainVerified { .. }
        | Happened::DomainRemoved { .. }
        | Happened::LetGo { .. }
        | Happened::UsernameChanged { .. }
        | Happened::SessionEnded { .. }
        | Happened::KeyMade { .. }
        | Happened::KeyDeleted { .. }
        | Happened::AccessKeyMade { .. }
        | Happened::AccessKeyDeleted { .. }
        | Happened::TeamMade { .. }
        | Happened::SeatsSet { .. }
        | Happened::SecondFactorRequired { .. }
        | Happened::PlanChosen { .. }
        | Happened::Uninvited { .. }
        | Happened::InviteExpired { .. }
        | Happened::JoiningSet { .. }
        | Happened::RoleChanged { .. }
        | Happened::Left { .. }
        | Happened::TeamChanged { .. }
        | Happened::TeamKept { .. }
        | Happened::TeamDeleted { .. }
        | Happened::GroupMade { .. }
        | Happened::GroupChanged { .. }
        | Happened::GroupDeleted { .. }
        | Happened::GroupJoined { .. }
        | Happened::GroupLeft { .. }
        | Happened::WorkspaceMade { .. }
        | Happened::WorkspaceChanged { .. }
        | Happened::WorkspaceDeleted { .. }
        | Happened::WorkspaceRoleGiven { .. }
        | Happened::CollectionMoved { .. }
        | Happened::GroupFollows { .. }
        | Happened::WebhookMade { .. }
        | Happened::WebhookDeleted { .. }
        | Happened::RoleGiven { .. } => Ok(()),
    }
}

/// A letter that somebody may ask for again and again: one a minute.
fn hasty(kind: &'static str, user: UserId, at: Timestamp) -> Receipt {
    Receipt::new(kind, user.to_string(), format!("minute.{}", at.as_second() / MINUTE))
}

/// A letter about one event.
pub(crate) fn once(kind: &'static str, user: UserId, event: uuid::Uuid) -> Receipt {
    Receipt::new(kind, user.to_string(), event.to_string())
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
        // Perhaps the first letter was lost; perhaps somebody else was here first. To confirm would hand that one the
        // address: whoever reads this letter chooses the password.
        let notice = Notice {
            title: "Finish your Postroom account",
            paragraphs: vec![format!(
                "Somebody, perhaps you, has begun an account named {} with this address and did not confirm it. To make it yours, \
                 choose a password within 30 minutes: the one that was chosen before, and whatever was signed in with it, ends.",
                profile.username
            )],
            button: Some(("Choose a password", app.reset_link(&profile, issued).map_err(crash)?)),
            foot: "If this was not you, ignore this letter: nobody can use your address without it.",
        };
        return notice.letter(&profile.email);
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

async fn forgotten(app: &App, user: UserId, issued: Timestamp) -> Result<Option<Letter>, Crash> {
    let Some(profile) = app.store.profile(user).await? else { return Ok(None) };
    let notice = Notice {
        title: "Choose another password for Postroom",
        paragraphs: vec![format!(
            "For your account {} another password can be chosen within 30 minutes, once. All sign-ins end with it.",
            profile.username
        )],
        button: Some(("Choose a password", app.reset_link(&profile, issued).map_err(crash)?)),
        foot: "If you did not ask for this, ignore this letter: nothing changes without the link.",
    };
    notice.letter(&profile.email)
}

async fn username(app: &App, user: UserId) -> Result<Option<Letter>, Crash> {
    let Some(profile) = app.store.profile(user).await? else { return Ok(None) };
    let notice = Notice {
        title: "Your Postroom username",
        paragraphs: vec![format!("The account with this address is named {}.", profile.username)],
        button: Some(("Sign in", format!("{}/signin", app.config.pages_url))),
        foot: "If you did not ask for this, ignore this letter.",
    };
    notice.letter(&profile.email)
}

async fn password_changed(app: &App, user: UserId) -> Result<Option<Letter>, Crash> {
    let Some(profile) = app.store.profile(user).await? else { return Ok(None) };
    let notice = Notice {
        title: "Your Postroom password was changed",
        paragraphs: vec![
            format!("The password of your account {} was changed, and the other sign-ins have ended.", profile.username),
            "If this was not you, choose another one now:".to_owned(),
        ],
        button: Some(("I did not do this", format!("{}/forgot", app.config.pages_url))),
        foot: NOT_YOU,
    };
    notice.letter(&profile.email)
}

/// To the new address. Whose account that is already learns of it here, and nowhere else.
async fn email_asked(app: &App, user: UserId, issued: Timestamp) -> Result<Option<Letter>, Crash> {
    let Some(profile) = app.store.profile(user).await? else { return Ok(None) };
    let Some(asked) = &profile.email_asked else { return Ok(None) };
    let taken = app.store.profile_by_email(asked).await?.is_some();
    let notice = Notice {
        title: "Confirm your new address for Postroom",
        paragraphs: vec![match taken {
            true => format!(
                "Somebody wants to give this address to the account {}. It belongs to your account, so nothing happens.",
                profile.username
            ),
            false => format!("The account {} is to have this address. If that is your wish, confirm it within 24 hours.", profile.username),
        }],
        button: match taken {
            true => None,
            false => Some(("Confirm the new address", app.email_link(user, asked, issued).map_err(crash)?)),
        },
        foot: "If you know nothing of this, ignore this letter.",
    };
    notice.letter(asked)
}

/// To the address that was left.
async fn email_changed(app: &App, user: UserId, left: &str, issued: Timestamp) -> Result<Option<Letter>, Crash> {
    let Some(profile) = app.store.profile(user).await? else { return Ok(None) };
    let Some(before) = profile.emails_before.iter().map(|left| &left.email).find(|before| digest(before) == left) else { return Ok(None) };
    let notice = Notice {
        title: "Your Postroom account has another address",
        paragraphs: vec![
            format!("The account {} has another e-mail address now; letters go there from now on.", profile.username),
            "If this was not you, take the account back within 7 days: all sign-ins and API keys end, and you choose another password."
                .to_owned(),
        ],
        button: Some(("Take my account back", app.way_back_link(user, before, issued).map_err(crash)?)),
        foot: NOT_YOU,
    };
    notice.letter(before)
}

async fn signed_in(app: &App, user: UserId, session: &SessionId) -> Result<Option<Letter>, Crash> {
    let (profile, session) = tokio::try_join!(app.store.profile(user), app.store.session(user, session))?;
    let (Some(profile), Some(session)) = (profile, session) else { return Ok(None) };
    let address = session.address.as_deref().unwrap_or("an unknown address");
    let at = session.created_at.strftime("%-d %B %Y, %H:%M UTC");
    let notice = Notice {
        title: "A new sign-in to your Postroom account",
        paragraphs: vec![
            format!("Somebody signed in to {} on {at}, from {address}, with: {}.", profile.username, session.device),
            "If this was not you, end that session on your account's page and change your password.".to_owned(),
        ],
        button: Some(("Look at my sessions", format!("{}/account", app.config.pages_url))),
        foot: NOT_YOU,
    };
    notice.letter(&profile.email)
}

/// To whoever has had the account for a while. Of the first identity of a new account its maker knows.
async fn linked(app: &App, user: UserId, provider: Provider) -> Result<Option<Letter>, Crash> {
    let Some(profile) = app.store.profile(user).await? else { return Ok(None) };
    if profile.password_hash.usable().is_none() && app.store.identities(&profile).await?.len() < 2 {
        return Ok(None);
    }
    let team = match provider.team() {
        Some(team) => app.store.team(team).await?.map(|team| team.name),
        None => Some("Google".to_owned()),
    };
    let with = team.unwrap_or_else(|| "the single sign-on of a team".to_owned());
    let notice = Notice {
        title: "Another way to sign in to Postroom",
        paragraphs: vec![
            format!("From now on one can sign in to {} with: {with}.", profile.username),
            "If this was not you, unlink it on your account's page and change your password.".to_owned(),
        ],
        button: Some(("Look at my account", format!("{}/account", app.config.pages_url))),
        foot: NOT_YOU,
    };
    notice.letter(&profile.email)
}

/// The account is gone; what is left of it still knows whom to tell.
async fn ended(app: &App, user: UserId) -> Result<Option<Letter>, Crash> {
    let Some(farewell) = app.store.farewell(user).await? else { return Ok(None) };
    let notice = Notice {
        title: "Your Postroom account is deleted",
        paragraphs: vec![
            format!("The account {} and the collections of its own are deleted, as was asked for with its password.", farewell.username),
            "What you did in your teams stays with them, without your name.".to_owned(),
        ],
        button: None,
        foot: "This is the last letter: we do not know your address any more.",
    };
    notice.letter(&farewell.email)
}

async fn reused(app: &App, user: UserId) -> Result<Option<Letter>, Crash> {
    let Some(profile) = app.store.profile(user).await? else { return Ok(None) };
    let notice = Notice {
        title: "A session of your Postroom account was ended",
        paragraphs: vec![
            format!(
                "A program signed in to {} showed a key of its session that had been used before, which happens when it was copied. \
                 The session was ended, for whoever holds it.",
                profile.username
            ),
            "Sign in there again. If it happens once more, change your password.".to_owned(),
        ],
        button: Some(("Look at my sessions", format!("{}/account", app.config.pages_url))),
        foot: "Nobody needs to do anything else.",
    };
    notice.letter(&profile.email)
}

/// What happened to a second factor.
enum SecondFactor {
    On,
    Off,
    RecoveryCode,
    RecoveryCodes,
}

async fn second_factor(app: &App, user: UserId, what: SecondFactor) -> Result<Option<Letter>, Crash> {
    let Some(profile) = app.store.profile(user).await? else { return Ok(None) };
    let name = &profile.username;
    let (title, text) = match what {
        SecondFactor::On => (
            "Two-factor sign-in is on for your Postroom account",
            format!("To sign in to {name}, the code of an authenticator is asked for from now on, beside the password."),
        ),
        SecondFactor::Off => (
            "Two-factor sign-in is off for your Postroom account",
            format!("To sign in to {name}, the password is enough from now on. Teams that ask for a second factor are closed to it."),
        ),
        SecondFactor::RecoveryCode => (
            "A recovery code of your Postroom account was used",
            format!("Somebody showed a recovery code of {name} in place of an authenticator's code. It does not work again."),
        ),
        SecondFactor::RecoveryCodes => (
            "New recovery codes for your Postroom account",
            format!("New recovery codes were made for {name}. The old ones no longer work."),
        ),
    };
    let notice = Notice {
        title,
        paragraphs: vec![text, "If this was not you, somebody knows your password: choose another one now.".to_owned()],
        button: Some(("I did not do this", format!("{}/forgot", app.config.pages_url))),
        foot: NOT_YOU,
    };
    notice.letter(&profile.email)
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

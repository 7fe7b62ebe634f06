//! Sign-in elsewhere: what is left to ask whoever comes back, and the single sign-on of a team.

use app::App;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use domain::access::ManageSso;
use domain::account::{Email, Username};
use domain::ids::TeamId;
use domain::sso::Provider;

use crate::answer::{Lost, On, go, page};
use crate::views::{self, Frame, Moment, SsoQuestion, TeamLink};
use crate::{frame, teams};

/// What a sign-in that went wrong says on the sign-in page.
pub fn why(failed: &str) -> &'static str {
    match failed {
        "cancelled" => "The sign-in was cancelled there.",
        "unknown" => "This way to sign in is not set up here.",
        "unreachable" => "The other side does not answer at the moment. Try again, or sign in with your password.",
        "no_address" => "The other side does not tell us your e-mail address, which we need.",
        "unverified" => "Your e-mail address is not confirmed there. Confirm it there first.",
        "unconfirmed" => {
            "An account with your address waits for its confirmation. We have sent a letter there: open its link to make the account yours."
        }
        "too_often" => "Too many sign-ins from here. Wait some minutes.",
        "gone" => "This sign-in took too long, was done before, or was begun in another browser. Start it again.",
        _ => "What the other side says of you does not hold. Start again, or tell whoever runs it.",
    }
}

/// Who vouches, in words.
pub async fn named(app: &App, provider: Provider) -> Result<String, Lost> {
    match provider.team() {
        None => Ok("Google".to_owned()),
        Some(team) => Ok(app.store.team(team).await?.map_or_else(|| "a team that is gone".to_owned(), |team| team.name)),
    }
}

/// Somebody who came back: is the account with this address theirs, or do they want one?
#[utoipa::path(get, path = "/sso", responses((status = 200), (status = 303)))]
pub async fn back(State(app): State<App>, who: Option<app::Who>, headers: HeaderMap) -> Result<Response, Lost> {
    let Some(waiting) = app.waiting(&headers) else { return Ok(go("/signin?failed=gone")) };
    let provider = named(&app, waiting.vouched.provider).await?;
    let email = Email::parse(&waiting.vouched.email).map_err(|_| Lost::nothing())?;
    let linked = app.store.identified(&waiting.vouched).await?.map(|(profile, _)| profile);
    let known = linked.is_some();
    let profile = match linked {
        Some(profile) => Some(profile),
        None => app.store.profile_by_email(&email).await?.filter(|profile| profile.verified),
    };
    let caller = who.map(|app::Who(caller)| caller);
    let frame = match &caller {
        Some(caller) => frame(&app, caller, None, "").await?,
        None => Frame::default(),
    };
    let question = match profile {
        Some(profile) => SsoQuestion::Yours {
            signed_in: caller.is_some_and(|caller| caller.user == profile.id && caller.session.is_some()),
            known,
            has_password: profile.password_hash.usable().is_some(),
            second_factor: profile.second_factor.is_some(),
            username: profile.username.to_string(),
        },
        None => {
            let names = domain::sso::usernames(email.as_str(), app.random());
            let names: Vec<Username> = names.iter().filter_map(|name| Username::parse(name).ok()).collect();
            SsoQuestion::New { username: app.store.free_username(&names).await?.map(|name| name.to_string()).unwrap_or_default() }
        }
    };
    let of_team = waiting.vouched.provider.team().is_some();
    page(&app, &views::Sso { frame, provider, of_team, email: email.to_string(), then: waiting.then, question })
}

/// The single sign-on of a team, for its admins, however they signed in.
#[utoipa::path(get, path = "/teams/{team}/sso", params(("team" = String, Path)), responses((status = 200), (status = 303), (status = 403), (status = 404)))]
pub async fn settings(State(app): State<App>, On(app::By(by)): On<app::By<ManageSso>>) -> Result<Response, Lost> {
    let (id, caller) = (by.thing, &by.caller);
    let sso = async { app.store.team_sso(id).await.map_err(Lost::from) };
    let profile = async { app.store.profile(caller.user).await.map_err(Lost::from) };
    let (frame, team, sso, profile) = tokio::try_join!(frame(&app, caller, Some(id), "team"), link(&app, id), sso, profile)?;
    let identities = app.store.identities(&profile.ok_or_else(Lost::nothing)?).await?;
    let tried = sso.as_ref().is_some_and(|sso| {
        let here = identities.iter().filter(|identity| identity.provider == Provider::Team(id) && identity.issuer == sso.issuer);
        here.into_iter().any(|identity| sso.changed_at <= identity.used_at)
    });
    let callback = format!("{}/api/sso/{id}/callback", app.config.pages_url);
    let sso = sso.map(|sso| views::SsoSettings {
        issuer: sso.issuer,
        client_id: sso.client_id,
        required: sso.required,
        api_keys: sso.api_keys,
        changed: Moment(sso.changed_at),
    });
    page(&app, &views::TeamSso { frame, team, sso, callback, tried })
}

/// A team that the viewer may administer, also where it is held back from them.
async fn link(app: &App, id: TeamId) -> Result<TeamLink, Lost> {
    let team = app.store.team(id).await?.ok_or_else(Lost::nothing)?;
    Ok(TeamLink::to(team, teams::role_word(domain::access::TeamRole::Admin)))
}

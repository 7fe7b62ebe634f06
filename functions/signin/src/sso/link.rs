//! Accounts and identities elsewhere: linking one to an account whose owner proves it, making an account for one.

use app::{App, FieldError, Json, Path, Problem, Who, rates, sso};
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use domain::account::{Email, Password, PasswordHash, Username};
use domain::ids::UserId;
use domain::sso::Provider;
use domain::{Rejected, team};
use serde::Deserialize;
use serde_json::{Value, json};
use store::identities::Identity;
use store::users::{NewUser, Profile};
use store::{Conflict, Error};
use utoipa::ToSchema;

use crate::sessions::own_session;
use crate::starting::{self, Place, is_known};

/// Who waits in this browser.
fn waiting(app: &App, headers: &HeaderMap) -> Result<sso::Waiting, Problem> {
    app.waiting(headers).ok_or(Problem::Conflict(Conflict::SsoGone, ""))
}

/// Signs in and ends the wait.
async fn enter(app: &App, profile: &Profile, waiting: &sso::Waiting, headers: &HeaderMap) -> Result<Response, Problem> {
    let place = Place { keep: waiting.keep, device: None, through: waiting.vouched.provider.team() };
    let mut begun = starting::enter(app, profile, place, headers).await?;
    begun.cookies.extend(app.end_waiting().map(|cookie| (header::SET_COOKIE, cookie)));
    Ok((AppendHeaders(begun.cookies), Json(begun.tokens)).into_response())
}

/// That the account is one's own.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Proof {
    /// Its password; not needed from whoever is signed in to it, or has linked the two before.
    password: Option<String>,
    /// The code of the authenticator, or a recovery code, where the account asks for a second factor; not needed from
    /// whoever is signed in to it.
    code: Option<String>,
}

/// Link an identity elsewhere to an account, by its password.
#[utoipa::path(
    post, path = "/api/sso/link", tag = "Sessions and keys", request_body = Proof, security(()),
    responses(
        (status = 200, description = "The identity is linked to the account with its address, and its owner signed in: as `POST /api/sessions` answers"),
        (status = 401, description = "`wrong_code`"),
        (status = 409, description = "`identity_taken`"),
        (status = 410, description = "`sso_gone`: nobody waits in this browser (any more)"),
        (status = 422, description = "The password is wrong, or missing"),
        (status = 429, description = "`too_many` wrong passwords for this account"),
    )
)]
pub(crate) async fn link(
    State(app): State<App>,
    headers: HeaderMap,
    who: Option<Who>,
    Json(body): Json<Proof>,
) -> Result<Response, Problem> {
    let waiting = waiting(&app, &headers)?;
    let linked = app.store.identified(&waiting.vouched).await?.map(|(profile, _)| profile);
    let email = Email::parse(&waiting.vouched.email)?;
    let profile = match &linked {
        Some(profile) => Some(profile.clone()),
        None => app.store.profile_by_email(&email).await?.filter(|profile| profile.verified),
    };
    let profile = profile.ok_or(Problem::Conflict(Conflict::SsoGone, ""))?;
    let signed_in = who.is_some_and(|Who(caller)| caller.user == profile.id && caller.session.is_some());
    if !signed_in {
        if linked.is_none() {
            knows(&app, &profile, body.password, &headers).await?;
        }
        if profile.second_factor.is_some() {
            let code = body.code.filter(|code| !code.trim().is_empty());
            let code = code.ok_or_else(|| Problem::field("/code", "the code of your authenticator is needed"))?;
            if !app.proves(&profile, &code, is_known(&app, profile.id, &headers)).await? {
                return Err(Problem::Conflict(Conflict::WrongCode, "/code"));
            }
        }
    }
    if linked.is_some() {
        return enter(&app, &profile, &waiting, &headers).await;
    }
    let identity = Identity::of(&waiting.vouched, profile.id, app.now());
    match app.store.link_identity(&identity).await {
        // Sent twice.
        Err(Error::Conflict(Conflict::IdentityTaken)) => {
            let owner = app.store.identified(&waiting.vouched).await?.map(|(owner, _)| owner.id);
            if owner != Some(profile.id) {
                return Err(Problem::Conflict(Conflict::IdentityTaken, ""));
            }
        }
        ended => ended?,
    }
    enter(&app, &profile, &waiting, &headers).await
}

async fn knows(app: &App, profile: &Profile, password: Option<String>, headers: &HeaderMap) -> Result<(), Problem> {
    let password = password.filter(|password| !password.is_empty());
    let password = password.ok_or_else(|| Problem::field("/password", "the password of the account is needed"))?;
    let (user, address) = (profile.id.to_string(), app::address(headers).unwrap_or_default());
    let limits = [(rates::WRONG_FOR_ACCOUNT, user.as_str()), (rates::WRONG_FROM_ADDRESS, address.as_str())];
    app.not_too_often(&limits).await?;
    if app.passwords.verify(&Password::typed(password), profile.password_hash.usable()).await? {
        return Ok(());
    }
    app.failed(&limits).await?;
    Err(Problem::field("/password", "this is not the password of the account"))
}

/// What somebody new decides.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
pub(crate) struct Terms {
    /// How others see them: 3 to 32 of letters, digits, `-`, `_` and `.`. Without one, one is made from the address.
    username: Option<String>,
    /// The terms of whoever runs this server.
    accept_terms: bool,
    /// Whether they are over 13 years old.
    over_13: bool,
}

/// Make an account for somebody who was vouched for elsewhere.
#[utoipa::path(
    post, path = "/api/sso/account", tag = "Accounts", request_body = Terms, security(()),
    responses(
        (status = 200, description = "The account is made and signed in to: as `POST /api/sessions` answers. An address that a team's issuer vouches for gets a mail to confirm it"),
        (status = 409, description = "`username_taken`, `email_taken`, `identity_taken`"),
        (status = 410, description = "`sso_gone`: nobody waits in this browser (any more)"),
        (status = 422, description = "Names each field that was not taken"),
        (status = 429, description = "`too_many` new accounts from this network address"),
    )
)]
pub(crate) async fn account(State(app): State<App>, headers: HeaderMap, Json(body): Json<Terms>) -> Result<Response, Problem> {
    let waiting = waiting(&app, &headers)?;
    let mut errors = Vec::new();
    let mut keep = |pointer: &str, rejected| errors.push(FieldError::at(pointer, rejected));
    let chosen = body.username.filter(|name| !name.trim().is_empty());
    let chosen = chosen.and_then(|name| Username::parse(&name).map_err(|rejected| keep("/username", rejected)).ok());
    if !body.accept_terms {
        keep("/accept_terms", Rejected::because("an account needs your consent to the terms"));
    }
    if !body.over_13 {
        keep("/over_13", Rejected::because("an account is for people over 13"));
    }
    if !errors.is_empty() {
        return Err(Problem::Rejected(errors));
    }
    app.once_more(rates::SIGN_UPS, &app::address(&headers).unwrap_or_default()).await?;
    let derived = || domain::sso::usernames(&waiting.vouched.email, app.random());
    let names = chosen.map_or_else(|| derived().iter().filter_map(|name| Username::parse(name).ok()).collect(), |name| vec![name]);
    for username in names {
        match make(&app, &waiting, username, app::address(&headers)).await {
            Err(Error::Conflict(Conflict::UsernameTaken)) => (),
            made => return enter(&app, &made?, &waiting, &headers).await,
        }
    }
    Err(Problem::Conflict(Conflict::UsernameTaken, "/username"))
}

async fn make(app: &App, waiting: &sso::Waiting, username: Username, address: Option<String>) -> Result<Profile, Error> {
    let vouched = &waiting.vouched;
    // What cannot be an address does not wait.
    let email = Email::parse(&vouched.email).map_err(|_| Conflict::SsoGone)?;
    let new = |id: UserId| NewUser {
        id,
        email: email.clone(),
        username: username.clone(),
        password_hash: PasswordHash::none(),
        full_name: vouched.name.as_deref().and_then(|name| team::name(name).ok()),
        // Whoever runs a team chooses its issuer: that one's word on an address is not enough for everybody else.
        verified: vouched.provider == Provider::Google,
        identity: Some(Identity::of(vouched, id, app.now())),
        workspace: app.new_id().into(),
        address: address.clone(),
    };
    app.sign_up(new, None).await
}

/// The accounts elsewhere by which the caller signs in.
#[utoipa::path(
    get, path = "/api/me/identities", tag = "Sessions and keys",
    responses((status = 200, description = "Where else the caller signs in: `identities`"))
)]
pub(crate) async fn identities(State(app): State<App>, Who(caller): Who) -> Result<Json<Value>, Problem> {
    let profile = app.store.profile(caller.user).await?.ok_or(Problem::NotFound("user"))?;
    let shown = |identity: &Identity| {
        json!({
            "id": identity.digest,
            "provider": identity.provider,
            "issuer": identity.issuer,
            "email": identity.email,
            "linked_at": identity.linked_at,
            "used_at": identity.used_at,
        })
    };
    let identities = app.store.identities(&profile).await?;
    Ok(Json(json!({"identities": identities.iter().map(shown).collect::<Vec<_>>()})))
}

/// Sign in by an account elsewhere no longer.
#[utoipa::path(
    delete, path = "/api/me/identities/{identity}", tag = "Sessions and keys", params(("identity" = String, Path)),
    responses(
        (status = 200, description = "Nobody signs in to the account with it any more"),
        (status = 404, description = "The caller has no such identity"),
        (status = 409, description = "`last_way_in`: there is neither a password nor another one"),
    )
)]
pub(crate) async fn unlink(State(app): State<App>, Who(caller): Who, Path(identity): Path<String>) -> Result<Json<Value>, Problem> {
    own_session(&caller)?;
    if !app.store.unlink_identity(&caller, &identity, app.now()).await? {
        return Err(Problem::NotFound("identity"));
    }
    Ok(Json(json!({"identity": {"id": identity}})))
}

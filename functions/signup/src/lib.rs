//! Accounts: sign-up, confirmation of the address, and the account itself.

use app::{App, FieldError, Json, Problem, Var, Who, rates};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use domain::account::{Email, Password, PasswordHash, Username};
use domain::happened::Happened;
use domain::ids::UserId;
use domain::team::Invite;
use serde::Deserialize;
use serde_json::{Value, json};
use store::users::{NewUser, Profile};
use store::{Conflict, Error};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Ids are drawn from the time and 12 random bits: two people in one millisecond meet once in 4,096 times.
const DRAWS: usize = 5;

/// What it needs of the environment.
pub const NEEDS: &[Var] = &[Var::TableName, Var::PagesUrl, Var::TokenSecretId];

/// The routes of this function.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(sign_up))
        .routes(routes!(confirm))
        .routes(routes!(resend))
        .routes(routes!(recover))
        .routes(routes!(me, change))
}

/// What a new user types.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct SignUp {
    /// Their e-mail address. A mail with a link is sent there.
    email: String,
    /// How others see them: 3 to 32 of letters, digits, `-`, `_` and `.`.
    username: String,
    /// 8 to 128 characters that are not easily guessed.
    password: String,
    /// The terms of whoever runs this server.
    accept_terms: bool,
    /// Whether they are over 13 years old.
    over_13: bool,
    /// The token of an invitation's link: the account is made and in the team, or neither.
    invite: Option<String>,
}

struct Typed {
    email: Email,
    username: Username,
    password: Password,
}

/// Reads the fields; names all that are wrong at once.
async fn read(body: SignUp) -> Result<(Typed, Option<String>), Problem> {
    let password = app::strong(body.password, vec![body.email.clone(), body.username.clone()]).await?;
    let mut errors = Vec::new();
    let mut keep = |pointer: &str, rejected| errors.push(FieldError::at(pointer, rejected));
    let email = Email::parse(&body.email).map_err(|rejected| keep("/email", rejected)).ok();
    let username = Username::parse(&body.username).map_err(|rejected| keep("/username", rejected)).ok();
    let password = password.map_err(|rejected| keep("/password", rejected)).ok();
    if !body.accept_terms {
        keep("/accept_terms", domain::Rejected::because("an account needs your consent to the terms"));
    }
    if !body.over_13 {
        keep("/over_13", domain::Rejected::because("an account is for people over 13"));
    }
    match (email, username, password) {
        (Some(email), Some(username), Some(password)) if errors.is_empty() => Ok((Typed { email, username, password }, body.invite)),
        _ => Err(Problem::Rejected(errors)),
    }
}

#[utoipa::path(
    post, path = "/api/signup", tag = "accounts", request_body = SignUp, security(()),
    responses(
        (status = 202, description = "A mail is sent to the address: to confirm it or, where it has an account, to say so"),
        (status = 403, description = "`invite_for_another`: the team binds invitations to their addresses, and this is another"),
        (status = 409, description = "`username_taken`"),
        (status = 410, description = "`invite_gone`, `invite_expired`"),
        (status = 422, description = "Names each field that was not taken"),
        (status = 429, description = "`too_many` new accounts from this network address"),
    )
)]
async fn sign_up(State(app): State<App>, headers: HeaderMap, Json(body): Json<SignUp>) -> Result<(StatusCode, Json<Value>), Problem> {
    let (typed, invite) = read(body).await?;
    app.once_more(rates::SIGN_UPS, &app::address(&headers).unwrap_or_default()).await?;
    let invite = match invite.as_deref().map(str::trim).filter(|token| !token.is_empty()) {
        Some(token) => Some(app.invited(token).await?),
        None => None,
    };
    if let Some(invite) = invite.as_ref().filter(|invite| invite.email != typed.email)
        && app.store.team(invite.team).await?.is_none_or(|team| team.joining.bound)
    {
        return Err(Problem::Conflict(Conflict::InviteForAnother, "/email"));
    }
    let password_hash = PasswordHash::new(app.passwords.hash(&typed.password).await?);
    match make(&app, &typed, password_hash, invite.as_ref()).await {
        Ok(_) => (),
        // The answer is the same: who asks does not learn whose address it is. Its owner does.
        Err(Error::Conflict(Conflict::EmailTaken)) => {
            if let Some(user) = app.store.user_by_email(&typed.email).await? {
                let what = Happened::SignedUpAgain { user, team: invite.map(|invite| invite.team) };
                app.store.tell(None, what, app.now()).await?;
            }
        }
        Err(Error::Conflict(Conflict::UsernameTaken)) => return Err(Problem::Conflict(Conflict::UsernameTaken, "/username")),
        Err(error) => return Err(error.into()),
    }
    Ok((StatusCode::ACCEPTED, Json(json!({"status": "confirmation_sent"}))))
}

async fn make(app: &App, typed: &Typed, password_hash: PasswordHash, invite: Option<&Invite>) -> Result<Profile, Error> {
    let mut new = NewUser {
        id: UserId::new(app.now(), app.random()),
        email: typed.email.clone(),
        username: typed.username.clone(),
        password_hash,
        workspace: app.new_id().into(),
    };
    for _ in 1..DRAWS {
        match app.store.sign_up(&new, invite, app.now()).await {
            Err(Error::Conflict(Conflict::IdTaken)) => new.id = UserId::new(app.now(), app.random()),
            ended => return ended,
        }
    }
    app.store.sign_up(&new, invite, app.now()).await
}

/// What the confirmation mail's link carries.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Confirm {
    /// The token of the link.
    token: String,
}

#[utoipa::path(
    post, path = "/api/signup/confirm", tag = "accounts", request_body = Confirm, security(()),
    responses(
        (status = 200, description = "The address is confirmed (or was, by this link): `user`"),
        (status = 404, description = "This is no link of ours"),
        (status = 410, description = "`link_gone`: older than 24 hours"),
    )
)]
async fn confirm(State(app): State<App>, Json(body): Json<Confirm>) -> Result<Json<Value>, Problem> {
    let profile = app.confirm(&body.token).await?;
    about(&app, &profile).await
}

#[utoipa::path(get, path = "/api/me", tag = "accounts", responses((status = 200, description = "The caller, in the Postman API's shape")))]
async fn me(State(app): State<App>, Who(caller): Who) -> Result<Json<Value>, Problem> {
    let profile = app.store.profile(caller.user).await?.ok_or(Problem::NotFound("user"))?;
    about(&app, &profile).await
}

/// The account as `GET /me` of the Postman API shows it: with the first of the person's teams, or team 0.
async fn about(app: &App, profile: &Profile) -> Result<Json<Value>, Problem> {
    let first = profile.teams.first_key_value();
    let team = match first {
        Some((team, _)) => app.store.team(*team).await?,
        None => None,
    };
    let roles = first
        .map(|(_, membership)| json!([membership.role, if membership.billing { "billing" } else { "user" }]))
        .unwrap_or_else(|| json!(["user"]));
    Ok(Json(json!({
        "user": {
            "id": profile.id,
            "username": profile.username,
            "email": profile.email,
            "fullName": profile.full_name.as_deref().unwrap_or(profile.username.as_str()),
            "avatar": null,
            "isPublic": false,
            "emailVerified": profile.verified,
            "teamId": team.as_ref().map_or(0, |team| team.id.0),
            "teamName": team.as_ref().map_or("", |team| &team.name),
            "teamDomain": team.as_ref().map_or("", |team| team.handle.as_str()),
            "roles": roles,
        },
        "operations": [],
    })))
}

/// An address, typed by somebody who cannot sign in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Address {
    /// The e-mail address of the account.
    email: String,
}

impl Address {
    fn read(&self) -> Result<Email, Problem> {
        Email::parse(&self.email).map_err(|rejected| Problem::field("/email", rejected.0))
    }
}

#[utoipa::path(
    post, path = "/api/signup/resend", tag = "accounts", request_body = Address, security(()),
    responses((status = 202, description = "Where the address has an account and is not confirmed, its link is on the way"))
)]
async fn resend(State(app): State<App>, headers: HeaderMap, Json(body): Json<Address>) -> Result<(StatusCode, Json<Value>), Problem> {
    app.once_more(rates::LETTERS, &app::address(&headers).unwrap_or_default()).await?;
    if let Some(profile) = app.store.profile_by_email(&body.read()?).await?
        && !profile.verified
    {
        app.store.tell(None, Happened::ConfirmationAsked { user: profile.id }, app.now()).await?;
    }
    Ok((StatusCode::ACCEPTED, Json(json!({"status": "confirmation_sent"}))))
}

#[utoipa::path(
    post, path = "/api/username/recover", tag = "accounts", request_body = Address, security(()),
    responses((status = 202, description = "Where the address has an account, its name is on the way"))
)]
async fn recover(State(app): State<App>, headers: HeaderMap, Json(body): Json<Address>) -> Result<(StatusCode, Json<Value>), Problem> {
    app.once_more(rates::LETTERS, &app::address(&headers).unwrap_or_default()).await?;
    if let Some(profile) = app.store.profile_by_email(&body.read()?).await? {
        app.store.tell(None, Happened::UsernameForgotten { user: profile.id }, app.now()).await?;
    }
    Ok((StatusCode::ACCEPTED, Json(json!({"status": "mail_sent"}))))
}

/// What of the account is to change; what is not named stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Change {
    /// The username.
    username: Option<String>,
    /// The name the person goes by, at most 255 characters; empty takes it away.
    full_name: Option<String>,
}

#[utoipa::path(
    patch, path = "/api/me", tag = "accounts", request_body = Change,
    responses(
        (status = 200, description = "The caller, in the Postman API's shape"),
        (status = 403, description = "An API key that only reads"),
        (status = 409, description = "`username_taken`"),
        (status = 422, description = "Names each field that was not taken"),
    )
)]
async fn change(State(app): State<App>, Who(caller): Who, Json(body): Json<Change>) -> Result<Json<Value>, Problem> {
    app::writes(&caller)?;
    let mut errors = Vec::new();
    let mut keep = |pointer: &str, rejected| errors.push(FieldError::at(pointer, rejected));
    let username = body.username.map(|username| Username::parse(&username).map_err(|rejected| keep("/username", rejected)).ok());
    let full_name = body.full_name.as_deref().map(str::trim).map(|name| match name {
        "" => None,
        name => domain::team::name(name).map_err(|rejected| keep("/full_name", rejected)).ok(),
    });
    if !errors.is_empty() {
        return Err(Problem::Rejected(errors));
    }
    let profile = || async { app.store.profile(caller.user).await?.ok_or(Problem::NotFound("user")) };
    let now = profile().await?;
    if let Some(username) = username.flatten().filter(|username| *username != now.username) {
        app.store.change_username(&caller, &now, &username, app.now()).await.map_err(|error| match error {
            Error::Conflict(Conflict::UsernameTaken) => Problem::Conflict(Conflict::UsernameTaken, "/username"),
            error => error.into(),
        })?;
    }
    if let Some(name) = full_name {
        app.store.set_full_name(&now, name.as_deref()).await?;
    }
    about(&app, &profile().await?).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn everything_wrong_is_named_at_once() {
        let Err(Problem::Rejected(errors)) = read(SignUp::default()).await.map(drop) else { panic!() };
        let pointers: Vec<&str> = errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/email", "/username", "/password", "/accept_terms", "/over_13"]);
    }
}

//! Accounts: sign-up, confirmation of the address, and the account itself with its profile; pictures, and logos of teams.

use app::{App, Json, Problem, Typed, Var, rates};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use domain::account::{Email, Password, PasswordHash, Username};
use domain::happened::Happened;
use serde::Deserialize;
use serde_json::{Value, json};
use store::users::NewUser;
use store::{Conflict, Error};
use utoipa::ToSchema;

mod picture;
mod profile;

/// What it needs of the environment.
pub const NEEDS: &[Var] = &[Var::TableName, Var::PagesUrl, Var::TokenSecretId, Var::RateLimit, Var::PartnersSecretId, Var::RobotVerifyUrl];

app::routes! {
    sign_up;
    confirm;
    resend;
    recover;
    profile::me, profile::change;
    profile::users;
    profile::user;
    picture::put, picture::delete;
    picture::get;
    picture::get_logo, picture::put_logo, picture::delete_logo;
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
    /// Where a robot check is set up: what its widget gave. Its own names for that are taken, too.
    #[serde(alias = "cf-turnstile-response", alias = "h-captcha-response")]
    robot_token: Option<String>,
}

struct Fields {
    email: Email,
    username: Username,
    password: Password,
}

/// Reads the fields; names all that are wrong at once.
async fn read(Typed(body, mut wrong): Typed<SignUp>) -> Result<(Fields, Option<String>), Problem> {
    let password = app::strong(body.password, vec![body.email.clone(), body.username.clone()]).await?;
    let email = wrong.keep("/email", Email::parse(&body.email));
    let username = wrong.keep("/username", Username::parse(&body.username));
    let password = wrong.keep("/password", password);
    if !body.accept_terms {
        wrong.note("/accept_terms", "an account needs your consent to the terms");
    }
    if !body.over_13 {
        wrong.note("/over_13", "an account is for people over 13");
    }
    let fields = email.zip(username).zip(password).map(|((email, username), password)| Fields { email, username, password });
    Ok((wrong.with(fields)?, body.invite))
}

/// Make an account: a mail is sent to confirm the address.
#[utoipa::path(
    post, path = "/api/signup", tag = "Accounts", request_body = SignUp, security(()),
    responses(
        (status = 202, description = "A mail is sent to the address: to confirm it or, where it has an account, to say so"),
        (status = 403, description = "`invite_for_another`: the team binds invitations to their addresses, and this is another; `sso_required`: it takes only its own sign-ins"),
        (status = 409, description = "`username_taken`"),
        (status = 410, description = "`invite_gone`, `invite_expired`"),
        (status = 422, description = "Names each field that was not taken"),
        (status = 429, description = "`too_many` new accounts from this network address"),
        (status = 503, description = "`unavailable`: the robot check does not answer"),
    )
)]
async fn sign_up(State(app): State<App>, headers: HeaderMap, body: Typed<SignUp>) -> Result<(StatusCode, Json<Value>), Problem> {
    let robot_token = body.0.robot_token.clone();
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
    app.is_no_robot(robot_token.as_deref(), app::address(&headers).as_deref()).await?;
    let password_hash = PasswordHash::new(app.passwords.hash(&typed.password).await?);
    let new = |id| NewUser {
        id,
        email: typed.email.clone(),
        username: typed.username.clone(),
        password_hash: password_hash.clone(),
        full_name: None,
        verified: false,
        identity: None,
        workspace: app.new_id().into(),
        address: app::address(&headers),
    };
    match app.sign_up(new, invite.as_ref()).await {
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

/// What the confirmation mail's link carries.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Confirm {
    /// The token of the link.
    token: String,
}

/// Confirm an address, by the link of the mail.
#[utoipa::path(
    post, path = "/api/signup/confirm", tag = "Accounts", request_body = Confirm, security(()),
    responses(
        (status = 200, description = "The address is confirmed (or was, by this link): `user`"),
        (status = 404, description = "This is no link of ours"),
        (status = 410, description = "`link_gone`: older than 24 hours"),
    )
)]
async fn confirm(State(app): State<App>, Json(body): Json<Confirm>) -> Result<Json<Value>, Problem> {
    let profile = app.confirm(&body.token).await?;
    profile::own(&app, profile.id).await
}

/// An address, typed by somebody who cannot sign in.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct Address {
    /// The e-mail address of the account.
    email: String,
}

fn address(Typed(body, mut wrong): Typed<Address>) -> Result<Email, Problem> {
    let email = wrong.keep("/email", Email::parse(&body.email));
    wrong.with(email)
}

/// Send the mail that confirms the address again.
#[utoipa::path(
    post, path = "/api/signup/resend", tag = "Accounts", request_body = Address, security(()),
    responses((status = 202, description = "Where the address has an account and is not confirmed, its link is on the way"))
)]
async fn resend(State(app): State<App>, headers: HeaderMap, body: Typed<Address>) -> Result<(StatusCode, Json<Value>), Problem> {
    app.once_more(rates::LETTERS, &app::address(&headers).unwrap_or_default()).await?;
    if let Some(profile) = app.store.profile_by_email(&address(body)?).await?
        && !profile.verified
    {
        app.store.tell(None, Happened::ConfirmationAsked { user: profile.id }, app.now()).await?;
    }
    Ok((StatusCode::ACCEPTED, Json(json!({"status": "confirmation_sent"}))))
}

/// Whose username is forgotten.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = signup::Forgotten)]
#[serde(deny_unknown_fields, default)]
struct Forgotten {
    /// The e-mail address of the account.
    email: String,
    /// As for a sign-up.
    #[serde(alias = "cf-turnstile-response", alias = "h-captcha-response")]
    robot_token: Option<String>,
}

/// Ask for a mail that says one's username.
#[utoipa::path(
    post, path = "/api/username/recover", tag = "Accounts", request_body = Forgotten, security(()),
    responses(
        (status = 202, description = "Where the address has an account, its name is on the way"),
        (status = 422, description = "This is no address, or the robot check did not take the token"),
        (status = 503, description = "`unavailable`: the robot check does not answer"),
    )
)]
async fn recover(
    State(app): State<App>,
    headers: HeaderMap,
    Typed(body, wrong): Typed<Forgotten>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    app.once_more(rates::LETTERS, &app::address(&headers).unwrap_or_default()).await?;
    let email = address(Typed(Address { email: body.email }, wrong))?;
    app.is_no_robot(body.robot_token.as_deref(), app::address(&headers).as_deref()).await?;
    if let Some(profile) = app.store.profile_by_email(&email).await? {
        app.store.tell(None, Happened::UsernameForgotten { user: profile.id }, app.now()).await?;
    }
    Ok((StatusCode::ACCEPTED, Json(json!({"status": "mail_sent"}))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn everything_wrong_is_named_at_once() {
        let Err(Problem::Rejected(errors)) = read(Typed(SignUp::default(), app::Wrong::default())).await.map(drop) else { panic!() };
        let pointers: Vec<&str> = errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/email", "/username", "/password", "/accept_terms", "/over_13"]);
    }
}

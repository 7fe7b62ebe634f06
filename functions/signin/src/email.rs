//! Another e-mail address: asked for, confirmed from the new one, and for a week taken back from the old one.

use app::{App, Json, Problem, Typed, Who};
use axum::extract::State;
use axum::http::StatusCode;
use domain::account::Email;
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Conflict, Error};
use utoipa::ToSchema;

use crate::closing;
use crate::password::who_knows;
use crate::sessions::own_session;

/// The address that is wanted.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Ask {
    /// The new address. A mail with a link is sent there.
    email: String,
    /// The password of the account.
    password: String,
}

/// Ask for another e-mail address: a mail is sent to it.
#[utoipa::path(
    post, path = "/api/me/email", tag = "Accounts", request_body = Ask,
    responses(
        (status = 202, description = "A link is on the way to the new address, good for 24 hours; until it is opened nothing changes"),
        (status = 403, description = "An API key cannot do this; `address_controlled`: the team has to let one"),
        (status = 422, description = "The password is wrong, or this is no other address"),
    )
)]
pub(crate) async fn ask(
    State(app): State<App>,
    who: Who,
    Typed(body, mut wrong): Typed<Ask>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    own_session(&who.0)?;
    let email = wrong.keep("/email", Email::parse(&body.email));
    let profile = wrong.absorb(who_knows(&app, &who, body.password, "/password").await)?;
    if email.is_some() && email.as_ref() == profile.as_ref().map(|profile| &profile.email) {
        wrong.note("/email", "this is the address of your account already");
    }
    let (email, profile) = wrong.with(email.zip(profile))?;
    if !app.store.may_change_email(&profile, app.now()).await? {
        return Err(Problem::Conflict(Conflict::AddressControlled, "/email"));
    }
    // Whether somebody else has it is not said here: its owner gets the letter, and the link does nothing.
    app.store.ask_email(&who.0, &email, app.now()).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({"status": "confirmation_sent", "email": email}))))
}

/// What a mail's link carries.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Link {
    /// The token of the link.
    token: String,
}

/// Take the new address, by the link of the mail.
#[utoipa::path(
    post, path = "/api/me/email/confirm", tag = "Accounts", request_body = Link, security(()),
    responses(
        (status = 200, description = "The account has the new address; the old one is told, and may take it back for 7 days: `user`"),
        (status = 404, description = "This is no link of ours"),
        (status = 409, description = "`email_taken`"),
        (status = 410, description = "`link_gone`: used, replaced or older than 24 hours"),
    )
)]
pub(crate) async fn confirm(State(app): State<App>, Json(body): Json<Link>) -> Result<Json<Value>, Problem> {
    let profile = app.email_by(&body.token).await?;
    let asked = profile.email_asked.clone().ok_or(Problem::Conflict(Conflict::LinkGone, ""))?;
    if !app.store.may_change_email(&profile, app.now()).await? {
        return Err(Problem::Conflict(Conflict::AddressControlled, ""));
    }
    app.store.take_email(&profile, &asked, app.now()).await?;
    Ok(Json(json!({"user": {"id": profile.id, "username": profile.username, "email": asked}})))
}

/// Go back to the old address, by the link of the mail that was sent there.
#[utoipa::path(
    post, path = "/api/me/email/undo", tag = "Accounts", request_body = Link, security(()),
    responses(
        (status = 200, description = "The account has its old address back; all sessions and keys have ended, and a link to choose another password is on the way: `user`"),
        (status = 404, description = "This is no link of ours"),
        (status = 410, description = "`link_gone`: used, or the change was more than 7 days ago"),
    )
)]
pub(crate) async fn undo(State(app): State<App>, Json(body): Json<Link>) -> Result<Json<Value>, Problem> {
    let (profile, left) = app.way_back_by(&body.token).await?;
    if profile.email == left {
        return Err(Error::from(Conflict::LinkGone).into());
    }
    app.store.restore_email(&profile, &left, app.now()).await?;
    closing::all(&app, profile.id).await?;
    Ok(Json(json!({"user": {"id": profile.id, "username": profile.username, "email": left}})))
}

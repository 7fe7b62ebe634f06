//! Sign-in elsewhere, by OpenID Connect: with Google, or through the single sign-on of a team.
//!
//! The way: `/start` sends the browser to the issuer with a state, a nonce and a PKCE challenge, which it keeps sealed in
//! a cookie; the issuer sends it back to `/callback` with a code. What the issuer then says of the person leads into the
//! account that the identity is linked to. Where it is linked to none, the person has a question to answer first, on a
//! page: is this account yours (a password, or the sign-in of now), or: do you accept the terms.

pub(crate) mod issuer;
pub(crate) mod link;
pub(crate) mod settings;
pub(crate) mod way;

use app::{App, Problem};
use domain::ids::TeamId;
use domain::sso::{Provider, TeamSso};

use issuer::Relation;

/// Where the issuer sends people back to.
fn callback(app: &App, provider: Provider) -> String {
    format!("{}/api/sso/{provider}/callback", app.config.pages_url)
}

const CLIENT_SECRET: &str = "sso client secret";

/// Seals what a team shows its issuer.
fn seal(app: &App, team: TeamId, secret: &str) -> Result<String, Problem> {
    app.tokens.seal(CLIENT_SECRET, &team.to_string(), secret)
}

/// What we are to a team's issuer.
fn team_relation(app: &App, sso: &TeamSso) -> Result<Relation, Problem> {
    let opened = app.tokens.open(CLIENT_SECRET, &sso.team.to_string(), &sso.client_secret);
    let client_secret = opened.ok_or_else(|| Problem::Internal(format!("the client secret of team {} cannot be opened", sso.team)))?;
    Ok(Relation {
        issuer: sso.issuer.clone(),
        client_id: sso.client_id.clone(),
        client_secret,
        callback: callback(app, Provider::Team(sso.team)),
    })
}

/// What we are to who vouches. `None`: nobody has set that up.
async fn relation(app: &App, provider: Provider) -> Result<Option<Relation>, Problem> {
    match provider {
        Provider::Google if app.config.google_client_id.is_empty() => Ok(None),
        Provider::Google => Ok(Some(Relation {
            issuer: app.config.google_issuer.clone(),
            client_id: app.config.google_client_id.clone(),
            client_secret: app.partners.secrets().await?.google_client_secret.clone(),
            callback: callback(app, provider),
        })),
        Provider::Team(team) => app.store.team_sso(team).await?.map(|sso| team_relation(app, &sso)).transpose(),
    }
}

//! One's own account.

use app::App;
use axum::extract::State;
use axum::response::Response;
use domain::sso::Provider;

use store::about::Person;

use crate::answer::{Lost, On, in_query, page};
use crate::frame;
use crate::sso;
use crate::views::{self, Account, Frame, Identity, Moment, Session};

/// Names, address, password and sessions.
#[utoipa::path(get, path = "/account", responses((status = 200), (status = 303)))]
pub async fn account(State(app): State<App>, On(app::Who(caller)): On<app::Who>) -> Result<Response, Lost> {
    let now = app.now();
    let sessions = async { app.store.sessions(caller.user, now).await.map_err(Lost::from) };
    let profile = async { app.store.profile(caller.user).await.map_err(Lost::from) };
    let (frame, mut sessions, profile) = tokio::try_join!(frame(&app, &caller, None, ""), sessions, profile)?;
    let viewer = frame.viewer.clone().ok_or_else(Lost::nothing)?;
    sessions.sort_by_key(|session| (Some(&session.id) != caller.session.as_ref(), std::cmp::Reverse(session.used_at)));
    let sessions = sessions
        .into_iter()
        .map(|session| Session {
            current: Some(&session.id) == caller.session.as_ref(),
            id: session.id.to_string(),
            device: device(&session.device),
            address: session.address,
            created: Moment(session.created_at),
            seen: Moment(session.used_at),
        })
        .collect();
    let profile = profile.ok_or_else(Lost::nothing)?;
    let linked = app.store.identities(&profile).await?;
    let offer_google = !app.config.google_client_id.is_empty() && linked.iter().all(|identity| identity.provider != Provider::Google);
    let mut identities = Vec::with_capacity(linked.len());
    for identity in linked {
        let (provider, used) = (sso::named(&app, identity.provider).await?, Moment(identity.used_at));
        identities.push(Identity { id: identity.digest, provider, email: identity.email, used });
    }
    let (has_password, verified) = (profile.password_hash.usable().is_some(), caller.verified);
    let second_factor = profile.second_factor.map(Moment);
    let full_name = profile.full_name.unwrap_or_default();
    page(&app, &Account { frame, viewer, full_name, verified, second_factor, has_password, identities, offer_google, sessions })
}

/// Where somebody's picture is.
fn picture(person: &Person) -> Option<String> {
    person.about.picture.as_ref().map(|tag| format!("/api/users/{}/picture?v={tag}", person.profile.id))
}

/// What the caller says about themselves.
#[utoipa::path(get, path = "/account/profile", responses((status = 200), (status = 303)))]
pub async fn profile(State(app): State<App>, On(app::Who(caller)): On<app::Who>) -> Result<Response, Lost> {
    let person = async { app.store.person(caller.user).await.map_err(Lost::from) };
    let (frame, person) = tokio::try_join!(frame(&app, &caller, None, ""), person)?;
    let (viewer, person) = frame.viewer.clone().zip(person).ok_or_else(Lost::nothing)?;
    let view = views::Profile {
        frame,
        viewer,
        id: caller.user.to_string(),
        picture: picture(&person),
        about: person.about.text,
        links: person.about.links,
        public: person.about.public,
        email_public: person.about.email_public,
    };
    page(&app, &view)
}

/// Somebody, by their number or username, as the viewer may see them. A visitor who may not is asked to sign in, whether
/// there is anybody or not.
#[utoipa::path(get, path = "/users/{user}", params(("user" = String, Path)), responses((status = 200), (status = 303), (status = 404)))]
pub async fn person(State(app): State<App>, On(app::Path(named)): On<app::Path<String>>, who: Option<app::Who>) -> Result<Response, Lost> {
    let viewer = who.map(|app::Who(caller)| caller);
    let found = app.store.person_named(&named).await?.filter(|person| person.seen_by(viewer.as_ref()));
    let Some(person) = found else {
        return Err(if viewer.is_some() { Lost::nothing() } else { Lost::SignIn(format!("/users/{}", in_query(&named))) });
    };
    let frame = match &viewer {
        Some(caller) => frame(&app, caller, None, "").await?,
        None => Frame::default(),
    };
    let username = person.profile.username.to_string();
    let view = views::Person {
        frame,
        name: person.profile.full_name.clone().unwrap_or_else(|| username.clone()),
        username,
        picture: picture(&person),
        email: person.email_for(viewer.as_ref()).map(ToString::to_string),
        joined: Moment(person.profile.created_at),
        mine: viewer.is_some_and(|viewer| viewer.user == person.profile.id),
        about: person.about.text,
        links: person.about.links,
        public: person.about.public,
    };
    page(&app, &view)
}

/// A browser by its name and its system, where the session only has what it calls itself (`User-Agent`).
fn device(said: &str) -> String {
    if !said.starts_with("Mozilla/") {
        return said.to_owned();
    }
    let first = |known: &[(&str, &'static str)]| known.iter().find(|(mark, _)| said.contains(mark)).map(|(_, name)| *name);
    // The order counts: most browsers also name the ones they descend from.
    let browser = first(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("HeadlessChrome/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => "A browser".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::device;

    #[test]
    fn browsers_are_called_by_their_names() {
        let edge =
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0";
        assert_eq!(device(edge), "Edge on Windows");
        assert_eq!(device("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"), "Firefox on Linux");
        assert_eq!(device("Mozilla/5.0"), "A browser");
        assert_eq!(device("build server"), "build server");
    }
}

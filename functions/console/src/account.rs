//! One's own account.

use app::App;
use axum::extract::State;
use axum::response::Response;

use crate::answer::{Lost, On, page};
use crate::frame;
use crate::views::{Account, Moment, Session};

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
    let second_factor = profile.as_ref().and_then(|profile| profile.second_factor).map(Moment);
    let full_name = profile.and_then(|profile| profile.full_name).unwrap_or_default();
    page(&app, &Account { frame, viewer, full_name, verified: caller.verified, second_factor, sessions })
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

//! What a person sees of a program that wants to sign in as them.

use app::{App, Problem, Tokens, rates};
use axum::extract::State;
use axum::response::Response;
use domain::program::{Loopback, UserCode};
use domain::team;
use serde::Deserialize;

use crate::answer::{Lost, On, go, page};
use crate::frame;
use crate::views::{self, DeviceStep, Moment};

/// What the address of the page says.
#[derive(Debug, Default, Deserialize)]
pub struct Shown {
    user_code: Option<String>,
    done: Option<String>,
}

/// A program shows a code: type it, see what asks, say yes or no.
#[utoipa::path(get, path = "/device", responses((status = 200), (status = 303)))]
pub async fn device(
    State(app): State<App>,
    On(app::Who(caller)): On<app::Who>,
    On(app::Query(shown)): On<app::Query<Shown>>,
) -> Result<Response, Lost> {
    let step = match (shown.done.as_deref(), shown.user_code.filter(|code| !code.is_empty())) {
        (Some(done), _) => DeviceStep::Done { approved: done == "approved" },
        (None, None) => DeviceStep::Type { typed: String::new(), wrong: None },
        (None, Some(typed)) => {
            app.once_more(rates::PROGRAM_CODES, &caller.user.to_string()).await?;
            asked(&app, typed).await?
        }
    };
    page(&app, &views::Device { frame: frame(&app, &caller, None, "").await?, step })
}

/// Who asks with a code.
async fn asked(app: &App, typed: String) -> Result<DeviceStep, Lost> {
    let code = match UserCode::parse(&typed) {
        Ok(code) => code,
        Err(rejected) => return Ok(DeviceStep::Type { typed, wrong: Some(rejected.0) }),
    };
    let question = app.store.question(&Tokens::hash(code.as_str())).await?;
    let open = question.filter(|question| question.answer.is_none() && app.now() < question.ends_at());
    Ok(match open {
        Some(question) => DeviceStep::Answer {
            code: code.to_string(),
            client: question.client,
            address: question.address,
            asked: Moment(question.asked_at),
        },
        None => DeviceStep::Type { typed, wrong: Some("no program waits with this code: they wait five minutes".to_owned()) },
    })
}

/// What a program opens the browser with (RFC 6749, RFC 7636).
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    response_type: Option<String>,
    client_id: Option<String>,
    redirect_uri: Option<String>,
    code_challenge: Option<String>,
    code_challenge_method: Option<String>,
    state: Option<String>,
}

/// A program on this machine asks: say yes or no, then the browser goes back to it.
#[utoipa::path(get, path = "/authorize", responses((status = 200), (status = 303), (status = 422)))]
pub async fn authorize(
    State(app): State<App>,
    On(app::Who(caller)): On<app::Who>,
    On(app::Query(asked)): On<app::Query<Asked>>,
) -> Result<Response, Lost> {
    // Before it is known that the address is on the person's own machine nothing is sent there, not even what is wrong.
    let redirect = Loopback::parse(asked.redirect_uri.as_deref().unwrap_or_default());
    let redirect = redirect.map_err(|rejected| Problem::field("redirect_uri", rejected.0))?;
    let client = team::name(asked.client_id.as_deref().unwrap_or_default());
    let client = client.map_err(|rejected| Problem::field("client_id", rejected.0))?;
    let refused = |error: &str| {
        let state = asked.state.as_deref().map(|state| ("state", state));
        let parameters: Vec<_> = std::iter::once(("error", error)).chain(state).collect();
        Ok(go(&redirect.with(&parameters)))
    };
    if asked.response_type.as_deref() != Some("code") {
        return refused("unsupported_response_type");
    }
    let challenge = asked.code_challenge.clone().filter(|challenge| app::is_pkce_challenge(challenge));
    let (Some(challenge), Some("S256")) = (challenge, asked.code_challenge_method.as_deref()) else { return refused("invalid_request") };
    let frame = frame(&app, &caller, None, "").await?;
    let viewer = frame.viewer.clone().ok_or_else(Lost::nothing)?;
    let view = views::Authorize { frame, viewer, client, redirect: redirect.as_str().to_owned(), challenge, state: asked.state };
    page(&app, &view)
}

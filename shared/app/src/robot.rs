//! The robot check: whoever signs up, or has letters sent, shows that they are a person. It is done by others: a widget on
//! the page gives a token, which a verifier takes once. Turnstile and hCaptcha share the shape.

use axum::http::{Request, header};
use serde::Deserialize;

use crate::{App, Problem, outbound};

#[derive(Deserialize)]
struct Verdict {
    success: bool,
    #[serde(default, rename = "error-codes")]
    reasons: Vec<String>,
}

const DOWN: &str = "the robot check does not answer at the moment: try again in a minute";

impl App {
    /// Refuses whoever does not show a good `token`: with 422 where it is not taken, with 503 where it cannot be
    /// checked. Takes anything where no check is set up. A token is good once: everything else is to be judged before.
    pub async fn is_no_robot(&self, token: Option<&str>, address: Option<&str>) -> Result<(), Problem> {
        if self.config.robot_verify_url.is_empty() {
            return Ok(());
        }
        let Some(token) = token.map(str::trim).filter(|token| !token.is_empty()) else {
            return Err(Problem::field("/robot_token", "show that you are no robot"));
        };
        let secret = &self.partners.secrets().await?.robot_secret;
        let mut fields = vec![("secret", secret.as_str()), ("response", token)];
        fields.extend(address.map(|address| ("remoteip", address)));
        let request = Request::post(&self.config.robot_verify_url).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = request.body(outbound::form(&fields)).map_err(|error| Problem::Internal(error.to_string()))?;
        let down = |why: String| {
            tracing::error!("the robot check: {why}");
            Problem::Unavailable(DOWN)
        };
        let answer = self.outbound.send(request).await.map_err(|why| down(why.to_string()))?;
        let verdict: Option<Verdict> = serde_json::from_slice(answer.body()).ok().filter(|_| answer.status().is_success());
        let verdict = verdict.ok_or_else(|| down(format!("it answers {} and no verdict", answer.status())))?;
        // What is wrong with us is not to be held against whoever asks, nor to let them pass.
        if verdict.reasons.iter().any(|reason| reason.ends_with("-input-secret")) {
            return Err(down(format!("it does not take our secret: {:?}", verdict.reasons)));
        }
        if verdict.success { Ok(()) } else { Err(Problem::field("/robot_token", "the robot check did not take this: do it again")) }
    }
}

//! Stream to mail: what happened and what changed becomes letters, each once. Who was let into a collection is written
//! down beside its team's feed on the way.
//!
//! Records are handled in order. At the first one that fails the rest of the batch is left: Lambda comes again from
//! there. What was mailed before has its receipt and is not mailed again.

use app::{App, Crash, Problem, Var};
use aws_lambda_events::event::dynamodb::Event;
use aws_lambda_events::event::streams::DynamoDbEventResponse;
use store::{Item, changes, comments, events};

mod access;
mod billing;
mod changed;
mod commented;
mod deliver;
mod digest;
mod domains;
mod happened;
mod notice;
mod noticed;
mod pulls;
mod webhooks;
mod wishes;
mod words;

pub use digest::due;

/// What it needs of the environment.
pub const NEEDS: &[Var] = &[Var::TableName, Var::PagesUrl, Var::TokenSecretId, Var::MailFrom, Var::MailConfigurationSet];

/// Handles a batch of the stream.
pub async fn handle(app: &App, batch: Event) -> Result<DynamoDbEventResponse, Crash> {
    Ok(app::stream::each(batch, |image| tell(app, image)).await)
}

/// Why a letter cannot be written.
fn crash(problem: Problem) -> Crash {
    match problem {
        Problem::Internal(why) => why.into(),
        problem => problem.detail().into(),
    }
}

async fn tell(app: &App, image: Item) -> Result<(), Crash> {
    let kind = image.get("kind").and_then(|kind| kind.as_s().ok()).map(String::as_str);
    match kind {
        Some(events::KIND) => {
            let event = events::read_event(image)?;
            app.store.put_team_access(&event).await?;
            noticed::tell(app, &event).await?;
            happened::tell(app, event).await
        }
        Some("change") => {
            let (change, about) = changes::from_image(image)?;
            changed::tell(app, &change, &about).await
        }
        Some(comments::KIND) => {
            let (talk, about) = comments::from_image(image)?;
            commented::tell(app, &talk, &about).await
        }
        // The mapping's filter lets nothing else through.
        _ => Ok(()),
    }
}

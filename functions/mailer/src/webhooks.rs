//! The letter about a webhook that tells nothing more.

use app::{App, Crash, Letter};
use domain::ids::UserId;
use domain::webhook::{Address, Of, Off};

use crate::notice::Notice;

/// To whoever answers for it. Who no longer sees what it told of is not told its name.
pub(crate) async fn ended(app: &App, user: UserId, webhook: &Address, why: Off) -> Result<Option<Letter>, Crash> {
    let Some(profile) = app.store.profile(user).await? else { return Ok(None) };
    let named = match &webhook.of {
        Of::Collection(collection) => app.store.name_for(&profile, collection).await?.map(|name| format!("the collection “{name}”")),
        Of::Team(team) if profile.caller().teams.contains_key(team) => {
            app.store.team(*team).await?.map(|team| format!("the team {}", team.name))
        }
        Of::Team(_) => None,
    };
    let page = match &webhook.of {
        Of::Collection(collection) => format!("{}/collections/{collection}/webhooks", app.config.pages_url),
        Of::Team(team) => format!("{}/teams/{team}/webhooks", app.config.pages_url),
    };
    let what = named.clone().unwrap_or_else(|| "what you no longer see".to_owned());
    let because = match why {
        Off::Failing => "Its receiver has taken nothing for five days.",
        Off::Gone => "Its receiver answered that it is gone for good (410).",
        Off::NoAccess => "You no longer see what it told of.",
        Off::SwitchedOff => return Ok(None),
    };
    let notice = Notice {
        title: "A webhook was switched off",
        paragraphs: vec![
            format!("Your webhook for {what} tells nothing more. {because}"),
            "What happens meanwhile is not lost: a program finds it with GET …/changes. Switched on again, the webhook tells of what \
             comes from then on."
                .to_owned(),
        ],
        button: named.map(|_| ("Look at the webhook", page)),
        foot: "You get this letter because you answer for this webhook.",
    };
    notice.letter(&profile.email)
}

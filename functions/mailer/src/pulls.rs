//! Letters about pull requests: to who is asked to look at one, and to its author.

use app::{App, Crash, Letter};
use domain::change::Actor;
use domain::ids::{PullId, UserId};
use domain::notify::{Category, Letters};
use domain::pull::{Pull, Status};
use store::users::Profile;

use crate::notice::Notice;
use crate::words;

/// A pull request and who is to be told of it, where they may see both of its collections now.
pub(crate) async fn seen(app: &App, user: UserId, pull: &PullId) -> Result<Option<(Profile, Pull)>, Crash> {
    let Some(pull) = app.store.find_pull(pull).await? else { return Ok(None) };
    let mut readers = app.store.readers_of_all(&pull.collections(), &[user]).await?;
    Ok(readers.pop().map(|profile| (profile, pull)))
}

fn who(by: Option<Actor>) -> String {
    by.map_or_else(|| "Somebody".to_owned(), |actor| actor.username)
}

async fn letter(
    app: &App,
    to: &Profile,
    pull: &Pull,
    title: &'static str,
    said: Vec<String>,
    foot: &'static str,
) -> Result<Option<Letter>, Crash> {
    if !app.store.preferences(to.id).await?.of(Category::Comments).mail {
        return Ok(None);
    }
    let button = Some(("Look at it", format!("{}/pull-requests/{}", app.config.pages_url, pull.id)));
    Notice { title, paragraphs: said, button, foot }.of_choice(app, to, &Letters::Comments)
}

/// To who is asked to look at one.
pub(crate) async fn asked(app: &App, user: UserId, pull: &PullId, by: Option<Actor>) -> Result<Option<Letter>, Crash> {
    let Some((to, pull)) = seen(app, user, pull).await? else { return Ok(None) };
    let said = vec![format!(
        "{} would like to merge {} into {} and asks you to look at it: {}.",
        who(by),
        words::line(pull.source.label.as_deref().unwrap_or(&pull.source.name)),
        words::line(&pull.destination.name),
        words::line(&pull.title)
    )];
    let foot = "You get this letter because you are asked to review.";
    letter(app, &to, &pull, "A pull request waits for you on Postroom", said, foot).await
}

/// To its author, unless they did it themselves.
pub(crate) async fn reviewed(app: &App, user: UserId, pull: &PullId, status: Status, by: Option<Actor>) -> Result<Option<Letter>, Crash> {
    if by.as_ref().is_some_and(|actor| actor.id == user) {
        return Ok(None);
    }
    let Some((to, pull)) = seen(app, user, pull).await? else { return Ok(None) };
    let mut said = vec![format!("{} {} your pull request {}.", who(by), status.as_str(), words::line(&pull.title))];
    if let (Status::Declined, Some(why)) = (status, &pull.comment) {
        said.push(format!("They say: {why}"));
    }
    let foot = "You get this letter because you made the pull request.";
    letter(app, &to, &pull, "Your pull request on Postroom", said, foot).await
}

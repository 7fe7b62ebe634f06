//! Letters about access to a collection, to those who can give it and to who asked; and about the end of a team.

use app::{App, Crash, Letter};
use domain::access::{CollectionRole, TeamRole};
use domain::change::Actor;
use domain::ids::{CollectionId, TeamId, UserId};
use futures::StreamExt;
use jiff::Timestamp;
use store::receipts::Receipt;

use crate::deliver;
use crate::notice::Notice;
use crate::words;

/// Letters under way at the same time.
const AT_ONCE: usize = 8;

/// What a role lets one do, behind "may".
fn may(role: CollectionRole) -> &'static str {
    match role {
        CollectionRole::None => "do nothing with",
        CollectionRole::Viewer => "view",
        CollectionRole::Editor => "edit",
        CollectionRole::Admin => "administer",
    }
}

/// To everyone who can give it, each once.
pub(crate) async fn asked(app: &App, collection: &CollectionId, user: UserId, event: uuid::Uuid) -> Result<(), Crash> {
    let Some((head, givers)) = app.store.givers(collection).await? else { return Ok(()) };
    let name = &words::line(&head.name);
    let letters = givers.iter().map(|giver| async move {
        let receipt = Receipt::new("access-asked", giver.id.to_string(), event.to_string());
        let write = async {
            // Answered meanwhile, or too old.
            let Some(ask) = app.store.ask(collection, user, app.now()).await? else { return Ok(None) };
            let said = (!ask.message.is_empty()).then(|| format!("They say: {}", ask.message));
            let notice = Notice {
                title: "Somebody asks for access on Postroom",
                paragraphs: [format!("{} would like to {} the collection {name}.", ask.username, may(ask.role))]
                    .into_iter()
                    .chain(said)
                    .chain([format!("You can answer until {}.", ask.expires_at.strftime("%-d %B %Y"))])
                    .collect(),
                button: Some(("Answer", format!("{}/collections/{collection}/access", app.config.pages_url))),
                foot: "You get this letter because you choose who sees this collection.",
            };
            notice.letter(&giver.email)
        };
        deliver::once(app, receipt, write).await
    });
    let results: Vec<Result<(), Crash>> = futures::stream::iter(letters.collect::<Vec<_>>()).buffer_unordered(AT_ONCE).collect().await;
    results.into_iter().collect()
}

/// To the admins of a team that somebody wants deleted, each once.
pub(crate) async fn doomed(app: &App, team: TeamId, due: Timestamp, by: Option<Actor>, event: uuid::Uuid) -> Result<(), Crash> {
    let Some(about) = app.store.team(team).await? else { return Ok(()) };
    let members = app.store.members(team).await?;
    let admins: Vec<UserId> = members.iter().filter(|member| member.role == TeamRole::Admin).map(|member| member.user).collect();
    let by = by.map_or_else(|| "Somebody".to_owned(), |actor| actor.username);
    let name = words::line(&about.name);
    for admin in app.store.profiles(&admins).await?.into_values() {
        let receipt = Receipt::new("team-doomed", admin.id.to_string(), event.to_string());
        let write = async {
            if about.delete_at != Some(due) {
                return Ok(None);
            }
            let notice = Notice {
                title: "A team of yours on Postroom is to be deleted",
                paragraphs: vec![
                    format!("{by} wants the team {name} deleted. On {} everything of it goes, for good.", due.strftime("%-d %B %Y")),
                    "Until then every admin can keep it.".to_owned(),
                ],
                button: Some(("Look at the team", format!("{}/teams/{team}/settings", app.config.pages_url))),
                foot: "You get this letter because you are an admin of the team.",
            };
            notice.letter(&admin.email)
        };
        deliver::once(app, receipt, write).await?;
    }
    Ok(())
}

/// To who asked.
pub(crate) async fn answered(
    app: &App,
    collection: &CollectionId,
    user: UserId,
    role: Option<CollectionRole>,
    by: Option<Actor>,
) -> Result<Option<Letter>, Crash> {
    let Some(profile) = app.store.profile(user).await? else { return Ok(None) };
    // Whoever does not see it is not told its name either.
    let name = app.store.name_for(&profile, collection).await?.map(|name| words::line(&name));
    let what = name.as_ref().map_or_else(|| "the collection that you asked about".to_owned(), |name| format!("the collection {name}"));
    let by = by.map_or_else(|| "Somebody".to_owned(), |actor| actor.username);
    let link = format!("{}/collections/{collection}", app.config.pages_url);
    let (title, sentence) = match role {
        Some(role) => ("You have access on Postroom", format!("{by} said yes: you may {} {what}.", may(role))),
        None => ("Your request on Postroom was refused", format!("{by} said no: nothing changes in what you may do with {what}.")),
    };
    let notice = Notice {
        title,
        paragraphs: vec![sentence],
        button: role.map(|_| ("Open it", link)),
        foot: "You get this letter because you asked.",
    };
    notice.letter(&profile.email)
}

//! The Team Library, a collection, a request.

use std::collections::{HashMap, HashSet};

use app::{App, By};
use axum::extract::State;
use axum::response::Response;
use domain::access::{Access, CreateCollection, DeleteCollection, EditCollection, Permission, ReadCollection, ReadTeam, ReadWorkspace};
use domain::collection::{Element, Head, Kind};
use domain::comment::Subject;
use domain::ids::{CollectionId, ElementId, TeamId, UserId};
use domain::search::{self, Field};
use serde::Deserialize;
use store::elements::Whole;
use store::imports::Listed;
use store::search::Hit;

use crate::answer::{Lost, On, page};
use crate::comments;
use crate::history::entry_of_change;
use crate::views::{self, Asked, Collection, CollectionPage, Example, FoundPage, Item, Library, Match, Moment, Node, flatten};
use crate::{frame, frame_in, frame_of};

/// What was found, on one page.
const FOUND_PAGE: usize = 50;
/// Changes beside a collection's tree.
const LATEST: u64 = 8;
/// Collections that one page watches live: the most recent ones. Others show up when the page looks by itself.
const WATCHED: usize = 50;

/// A team's library: the workspace and what it holds, most recent first.
pub(crate) async fn shelf(app: &App, by: &Access<ReadTeam>) -> Result<(Access<ReadWorkspace>, Vec<Listed>), Lost> {
    let team = app.store.team(by.thing).await?.ok_or_else(Lost::nothing)?;
    let workspace = app.store.workspace(&team.workspace).await?.ok_or_else(Lost::nothing)?;
    let access = Access::<ReadWorkspace>::check(by.caller.clone(), workspace, None).map_err(app::Problem::from)?;
    let listed = latest_first(app.store.listed(&access).await?);
    Ok((access, listed))
}

fn latest_first(mut listed: Vec<Listed>) -> Vec<Listed> {
    listed.sort_by(|one, other| other.updated_at.cmp(&one.updated_at).then_with(|| one.name.cmp(&other.name)));
    listed
}

/// What the live client watches, with the number that the page has seen of each.
pub(crate) fn watch(listed: &[Listed]) -> String {
    let pairs: Vec<String> = listed.iter().take(WATCHED).map(|one| format!("{}:{}", one.collection, one.seq)).collect();
    pairs.join(" ")
}

fn many(count: u64, one: &str, more: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {more}") }
}

/// What an exported file is called: the collection's name, without what a file system does not take.
fn file_name(name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.') { c } else { '_' }).take(100).collect();
    format!("{}.postman_collection.json", plain.trim())
}

/// What is looked for in a library, and how it is sorted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    q: String,
    sort: String,
    tag: String,
    cursor: Option<String>,
}

/// Sorts a library; what cannot be told apart stays as it was, the last changed first.
async fn sort(app: &App, listed: &mut [Listed], by: &str, stars: &HashSet<CollectionId>) -> Result<HashMap<UserId, String>, Lost> {
    let mut names = HashMap::new();
    match by {
        "name" => listed.sort_by_cached_key(|one| search::fold(&one.name)),
        "favorites" => listed.sort_by_key(|one| !stars.contains(&one.collection)),
        "author" => {
            names = app.store.names(listed.iter().map(|one| one.owner).collect()).await?;
            listed.sort_by_cached_key(|one| names.get(&one.owner).map(|name| search::fold(name)).unwrap_or_default());
        }
        _ => (),
    }
    Ok(names)
}

fn found(hit: Hit) -> Match {
    let page = format!("/collections/{}", hit.collection);
    let spot = hit.spot.map(|spot| (spot.field, [spot.before, spot.text, spot.after]));
    let (name, place) = match spot {
        Some((Field::Name, spot)) => (spot, <[String; 3]>::default()),
        Some((Field::Url | Field::Description, spot)) => ([hit.name, String::new(), String::new()], spot),
        _ => ([hit.name, String::new(), String::new()], [hit.url.unwrap_or_default(), String::new(), String::new()]),
    };
    let (kind, href) = match hit.kind {
        Kind::Collection => ("collection", page),
        Kind::Folder => ("folder", format!("{page}/items/{}", hit.id)),
        Kind::Request => ("request", format!("{page}/items/{}", hit.id)),
        Kind::Response => ("example", format!("{page}/items/{}", hit.id)),
    };
    let mut path = hit.path;
    if hit.kind != Kind::Collection {
        path.insert(0, hit.collection_name);
    }
    Match {
        key: format!("{}-{}", hit.collection, hit.id),
        href,
        kind,
        method: hit.method.unwrap_or_default(),
        name,
        place,
        path,
        tags: hit.tags.iter().map(|tag| tag.as_str().to_owned()).collect(),
        by: hit.author.map(|(_, name)| name),
    }
}

/// What fits a question; what is wrong with the question stands on the page.
async fn look(app: &App, listed: Vec<Listed>, wanted: &Wanted) -> Result<Option<FoundPage>, Lost> {
    if wanted.q.trim().is_empty() {
        return Ok(None);
    }
    let query = match search::Query::parse(&wanted.q) {
        Ok(query) => query,
        Err(rejected) => return Ok(Some(FoundPage { hits: Vec::new(), total: 0, more: None, wrong: Some(rejected.0) })),
    };
    let results = app.store.search(listed, query, wanted.cursor.as_deref(), FOUND_PAGE).await?;
    let hits = results.hits.into_iter().map(found).collect();
    Ok(Some(FoundPage { hits, total: results.total, more: results.cursor, wrong: None }))
}

/// A team's library: all of it, in the order that is asked for, or what fits a few words.
#[utoipa::path(get, path = "/teams/{team}/library", params(("team" = String, Path), ("q" = Option<String>, Query), ("sort" = Option<String>, Query),
    ("tag" = Option<String>, Query), ("cursor" = Option<String>, Query)), responses((status = 200), (status = 303), (status = 404)))]
pub async fn library(
    State(app): State<App>,
    On(By(by)): On<By<ReadTeam>>,
    On(app::Query(wanted)): On<app::Query<Wanted>>,
) -> Result<Response, Lost> {
    let (workspace, listed) = shelf(&app, &by).await?;
    let home = format!("/teams/{}/library", by.thing);
    shown(&app, workspace, listed, by.thing, home, wanted).await
}

/// A workspace, like a library.
#[utoipa::path(get, path = "/workspaces/{workspace}", params(("workspace" = String, Path), ("q" = Option<String>, Query), ("sort" = Option<String>, Query),
    ("tag" = Option<String>, Query), ("cursor" = Option<String>, Query)), responses((status = 200), (status = 303), (status = 404)))]
pub async fn workspace(
    State(app): State<App>,
    On(By(by)): On<By<ReadWorkspace>>,
    On(app::Query(wanted)): On<app::Query<Wanted>>,
) -> Result<Response, Lost> {
    // A person's own has no team around it, and no page.
    let team = by.thing.team.ok_or_else(Lost::nothing)?;
    let listed = latest_first(app.store.listed(&by).await?);
    let home = format!("/workspaces/{}", by.thing.id);
    shown(&app, by, listed, team, home, wanted).await
}

async fn shown(
    app: &App,
    workspace: Access<ReadWorkspace>,
    mut listed: Vec<Listed>,
    team: TeamId,
    home: String,
    wanted: Wanted,
) -> Result<Response, Lost> {
    let caller = &workspace.caller;
    let subscriptions = async { app.store.followed_by(caller).await.map_err(Lost::from) };
    let stars = async { app.store.stars(caller.user).await.map_err(Lost::from) };
    let about = async { app.store.team(team).await.map_err(Lost::from) };
    let (frame, subscriptions, stars, about) = tokio::try_join!(frame(app, caller, Some(team), "library"), subscriptions, stars, about)?;
    let is_library = about.is_some_and(|about| about.workspace == workspace.thing.id);
    let link = frame.team.clone().ok_or_else(Lost::nothing)?;
    let watch = watch(&listed);
    listed.retain(|one| wanted.tag.is_empty() || one.tags.iter().any(|tag| tag.slug.as_str() == wanted.tag));
    let names = sort(app, &mut listed, &wanted.sort, &stars).await?;
    let found = look(app, listed.clone(), &wanted).await?;
    let collections = listed
        .into_iter()
        .map(|one| Collection {
            facts: std::iter::once(many(one.count, "item", "items"))
                .chain(names.get(&one.owner).map(|name| format!("made by {name}")))
                .collect(),
            seq: one.seq,
            changed: Moment(one.updated_at),
            changed_by: None,
            subscribed: subscriptions.iter().any(|subscription| subscription.collection == one.collection),
            file_name: file_name(&one.name),
            tags: one.tags.iter().map(|tag| tag.slug.as_str().to_owned()).collect(),
            starred: stars.contains(&one.collection),
            id: one.collection.to_string(),
            name: one.name,
        })
        .collect();
    let may_import = Access::<CreateCollection>::check(caller.clone(), workspace.thing.clone(), None).is_ok();
    let asked = Asked { q: wanted.q, sort: wanted.sort, tag: wanted.tag };
    let about = match (workspace.thing.about.is_empty(), is_library) {
        (false, _) => workspace.thing.about.clone(),
        (true, true) => format!("Everything {} calls, in one place.", link.name),
        (true, false) => format!("A {} workspace of {}.", workspace.thing.visibility().as_str(), link.name),
    };
    let view = Library {
        frame,
        title: workspace.thing.name.clone(),
        about,
        trash: format!("{}/trash", if is_library { format!("/teams/{}", link.id) } else { home.clone() }),
        home,
        workspace: workspace.thing.id.to_string(),
        team: link,
        collections,
        may_import,
        watch,
        asked,
        found,
    };
    page(app, &view)
}

/// Whether somebody who reads a collection may do more: the rules are asked, so that a page never offers what is refused.
pub(crate) fn may<P: Permission<Thing = Head>>(by: &Access<ReadCollection>) -> bool {
    by.also::<P>().is_some()
}

pub(crate) fn heading(head: &Head, facts: Vec<String>, changed_by: Option<String>) -> Collection {
    Collection {
        id: head.collection.to_string(),
        name: head.name.clone(),
        facts,
        seq: head.seq,
        changed: Moment(head.updated_at),
        changed_by,
        subscribed: false,
        file_name: file_name(&head.name),
        tags: head.tags.iter().map(|tag| tag.slug.as_str().to_owned()).collect(),
        starred: false,
    }
}

fn node(element: &Element) -> Node {
    Node {
        id: element.id.to_string(),
        parent: element.parent.as_ref().map(ToString::to_string),
        kind: element.kind.as_str(),
        order: element.order.clone(),
        name: element.name.clone(),
        method: element.method.clone().unwrap_or_default(),
        url: element.url.clone().unwrap_or_default(),
        revision: element.revision,
    }
}

/// A collection: its tree, what happened last, the viewer's subscription.
#[utoipa::path(get, path = "/collections/{collection}", params(("collection" = String, Path), ("comments" = Option<String>, Query)),
    responses((status = 200), (status = 303), (status = 404)))]
pub async fn collection(
    State(app): State<App>,
    On(By(by)): On<By<ReadCollection>>,
    On(app::Query(at)): On<app::Query<comments::At>>,
) -> Result<Response, Lost> {
    let head = &by.thing;
    let whole = async { app.store.whole(head).await.map_err(Lost::from) };
    let latest = async { app.store.changes(&by, head.seq.saturating_sub(LATEST), LATEST as usize).await.map_err(Lost::from) };
    let subscription = async { app.store.subscription(&by, None).await.map_err(Lost::from) };
    let said = comments::comments(&app, &by, Subject::Collection, &at);
    let (frame, whole, latest, subscription, comments) =
        tokio::try_join!(frame_in(&app, &by.caller, &head.workspace, head.team), whole, latest, subscription, said)?;
    let count = |kind: Kind| whole.elements.iter().filter(|element| element.kind == kind).count() as u64;
    let mut facts = vec![many(count(Kind::Request), "request", "requests")];
    for (count, one, more) in [(count(Kind::Folder), "folder", "folders"), (count(Kind::Response), "example", "examples")] {
        if count > 0 {
            facts.push(many(count, one, more));
        }
    }
    let changed_by = latest.last().map(|change| change.actor.username.clone());
    let view = CollectionPage {
        frame,
        collection: heading(head, facts, changed_by),
        tree: flatten(whole.elements.iter().map(node).collect()),
        subscription: subscription.map(|subscription| subscription.mail.as_str()),
        changes: latest.iter().rev().map(|change| entry_of_change(&head.name, change)).collect(),
        comments,
        address: format!("{}/api/collections/{}", app.config.pages_url, head.collection),
        may_edit: may::<EditCollection>(&by),
        may_delete: may::<DeleteCollection>(&by),
    };
    page(&app, &view)
}

/// The names of what an element stands in, outermost first.
fn folders(whole: &Whole, element: &Element) -> Vec<String> {
    let mut names = Vec::new();
    let mut above = element.parent.as_ref();
    while let Some(parent) = above.and_then(|id| whole.elements.iter().find(|other| other.id == *id)) {
        names.push(parent.name.clone());
        above = parent.parent.as_ref();
    }
    names.reverse();
    names
}

/// A request (or a folder, or an example).
#[utoipa::path(get, path = "/collections/{collection}/items/{item}",
    params(("collection" = String, Path), ("item" = String, Path), ("comments" = Option<String>, Query)), responses((status = 200), (status = 303), (status = 404)))]
pub async fn request(
    State(app): State<App>,
    On(By(by)): On<By<ReadCollection>>,
    On(app::Path((_, item))): On<app::Path<(String, String)>>,
    On(app::Query(at)): On<app::Query<comments::At>>,
) -> Result<Response, Lost> {
    let head = &by.thing;
    let id = ElementId::parse(&item).map_err(|_| Lost::nothing())?;
    let whole = async { app.store.whole(head).await.map_err(Lost::from) };
    let subscription = async { app.store.subscription(&by, Some(&id)).await.map_err(Lost::from) };
    let (frame, whole, subscription) = tokio::try_join!(frame_of(&app, &by.caller, head), whole, subscription)?;
    let subscription = subscription.map(|subscription| subscription.mail.as_str());
    let element = whole.elements.iter().find(|element| element.id == id).ok_or_else(Lost::nothing)?;
    let mut item = Item::read(element.kind.as_str(), element.id.to_string(), element.revision, &element.json);
    let mut examples: Vec<&Element> =
        whole.elements.iter().filter(|other| other.kind == Kind::Response && other.parent.as_ref() == Some(&element.id)).collect();
    examples.sort_by(|one, other| (&one.order, &one.id).cmp(&(&other.order, &other.id)));
    item.examples = examples.into_iter().map(|one| Example::read(one.id.to_string(), one.revision, &one.json)).collect();
    let may_edit = may::<EditCollection>(&by);
    let comments = comments::comments(&app, &by, Subject::Element(element.into()), &at).await?;
    let view = views::Request {
        frame: folders(&whole, element).into_iter().fold(frame, |frame, folder| frame.under(folder, "")),
        collection: heading(head, Vec::new(), None),
        request: item,
        subscription,
        comments,
        may_edit,
    };
    page(&app, &view)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_holds_nothing_that_a_file_system_reads() {
        assert_eq!(file_name("Orders / v2: \"beta\""), "Orders _ v2_ _beta_.postman_collection.json");
        assert!(file_name(&"x".repeat(1000)).len() < 200);
    }
}

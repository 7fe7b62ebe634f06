//! What was: the history of a collection and of an element, and the trash.

use app::{App, By, Path, Query};
use axum::extract::State;
use axum::response::Response;
use domain::access::{Access, EditCollection, ReadCollection, ReadTeam, ReadWorkspace};
use domain::change::{Change, ItemRef, Op};
use domain::ids::ElementId;
use domain::json;
use domain::lists;
use domain::merge::FieldChange;
use serde::Deserialize;

use crate::answer::{Lost, On, page};
use crate::history::{entry_of_change, place};
use crate::library::{heading, may};
use crate::views::{Bin, Field, Gone, History, Moment, Past, Return};
use crate::{frame_in, frame_of};

/// Changes of one page.
const PAGE: usize = 30;
/// Characters of a value that a page shows.
const SHOWN: usize = 2_000;

#[derive(Debug, Deserialize)]
pub struct At {
    cursor: Option<u64>,
}

/// A value as a person reads it: a text as text, a list of texts line by line, the rest as JSON.
fn shown(value: &str) -> String {
    let lines: Option<Vec<String>> = json::is_array(value).then(|| json::entries(value).into_iter().map(json::text).collect()).flatten();
    let text = match (json::text(value), lines) {
        (Some(text), _) => text,
        (None, Some(lines)) if !lines.is_empty() => lines.join("\n"),
        _ => {
            let entries = if json::is_array(value) { json::entries(value) } else { Vec::new() };
            if entries.is_empty() { json::minify(value) } else { entries.into_iter().map(json::minify).collect::<Vec<_>>().join("\n") }
        }
    };
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text,
    }
}

/// A thing of a list, without what says which one it is: of a script its lines.
fn entry(value: &str) -> String {
    let lines = json::get(value, "script").and_then(|script| json::get(script, "exec"));
    shown(lines.unwrap_or(value))
}

/// What a change did at a place; in a list of named things, to each of them.
pub(crate) fn fields(change: &FieldChange) -> Vec<Field> {
    let name = if change.pointer.is_empty() { "everything".to_owned() } else { place(&change.pointer) };
    let (before, after) = (change.before.as_ref().map(|value| value.get()), change.after.as_ref().map(|value| value.get()));
    match lists::changed(&change.pointer, before, after) {
        Some(all) => {
            let each = all.into_iter().map(|one| Field {
                place: if one.name.is_empty() { name.clone() } else { format!("{name}: {}", one.name) },
                before: one.before.map(entry),
                after: one.after.map(entry),
            });
            each.collect()
        }
        None => vec![Field { place: name, before: before.map(shown), after: after.map(shown) }],
    }
}

/// A change, with what brings its state back. `item`: on the page of one element.
pub(crate) fn past(name: &str, change: &Change, item: Option<&ElementId>) -> Past {
    let deleted = change.op == Op::Delete;
    let target = match (item, &change.item) {
        (Some(item), _) => Some(item.to_string()),
        (None, Some(gone)) if deleted => Some(gone.id.to_string()),
        (None, _) => None,
    };
    // Before a deletion it was there; after any other change it is as that change left it.
    let seq = if deleted { change.seq.saturating_sub(1) } else { change.seq };
    Past {
        entry: entry_of_change(name, change),
        program: change.client.as_deref().unwrap_or_default().chars().take(80).collect(),
        // What was put there or went is told by its name.
        fields: if matches!(change.op, Op::Update | Op::Restore) { change.changes.iter().flat_map(fields).collect() } else { Vec::new() },
        restore: (seq > 0).then_some(Return { seq, item: target, deleted }),
    }
}

/// The history of a collection, the latest first.
#[utoipa::path(get, path = "/collections/{collection}/history", params(("collection" = String, Path), ("cursor" = Option<u64>, Query)), responses((status = 200), (status = 303), (status = 404)))]
pub async fn of_collection(
    State(app): State<App>,
    On(By(by)): On<By<ReadCollection>>,
    On(Query(at)): On<Query<At>>,
) -> Result<Response, Lost> {
    let head = &by.thing;
    let before = at.cursor.unwrap_or(head.seq + 1).min(head.seq + 1);
    let changes = async { app.store.changes_before(&by, before, PAGE).await.map_err(Lost::from) };
    let (frame, changes) = tokio::try_join!(frame_of(&app, &by.caller, head), changes)?;
    let older = changes.last().map(|last| last.seq).filter(|last| *last > 1);
    let view = History {
        frame,
        collection: heading(head, Vec::new(), None),
        item: None,
        entries: changes.iter().map(|change| past(&head.name, change, None)).collect(),
        older,
        may_edit: may::<EditCollection>(&by),
    };
    page(&app, &view)
}

/// The history of an element, also of a deleted one, the latest first.
#[utoipa::path(get, path = "/collections/{collection}/items/{item}/history", params(("collection" = String, Path), ("item" = String, Path), ("cursor" = Option<u64>, Query)), responses((status = 200), (status = 303), (status = 404)))]
pub async fn of_item(
    State(app): State<App>,
    On(By(by)): On<By<ReadCollection>>,
    On(Path((_, item))): On<Path<(String, String)>>,
    On(Query(at)): On<Query<At>>,
) -> Result<Response, Lost> {
    let head = &by.thing;
    let id = ElementId::parse(&item).map_err(|_| Lost::nothing())?;
    let found = async { app.store.history(&by, &id, at.cursor, PAGE).await.map_err(Lost::from) };
    let (frame, (changes, older)) = tokio::try_join!(frame_of(&app, &by.caller, head), found)?;
    let named = |item: &ItemRef| if item.name.is_empty() { "Without a name".to_owned() } else { item.name.clone() };
    let name =
        changes.iter().filter_map(|change| change.item.as_ref()).find(|item| item.id == id).map_or_else(|| "An item".to_owned(), named);
    let frame = frame.under(&name, format!("/collections/{}/items/{id}", head.collection));
    let view = History {
        frame,
        collection: heading(head, Vec::new(), None),
        item: Some((id.to_string(), name)),
        entries: changes.iter().map(|change| past(&head.name, change, Some(&id))).collect(),
        older,
        may_edit: may::<EditCollection>(&by),
    };
    page(&app, &view)
}

/// What was deleted in a collection.
#[utoipa::path(get, path = "/collections/{collection}/trash", params(("collection" = String, Path)), responses((status = 200), (status = 303), (status = 404)))]
pub async fn trash(State(app): State<App>, On(By(by)): On<By<ReadCollection>>) -> Result<Response, Lost> {
    let head = &by.thing;
    let found = async { app.store.trash(&by).await.map_err(Lost::from) };
    let (frame, found) = tokio::try_join!(frame_of(&app, &by.caller, head), found)?;
    let gone = found
        .into_iter()
        .map(|one| Gone {
            action: format!("/api/collections/{}/restore", head.collection),
            restore: Some(Return { seq: one.seq.saturating_sub(1), item: Some(one.item.id.to_string()), deleted: true }),
            name: if one.item.name.is_empty() { "Without a name".to_owned() } else { one.item.name },
            kind: one.item.kind.as_str(),
            inside: one.count.saturating_sub(1),
            by: one.by.username,
            at: Moment(one.at),
        })
        .collect();
    let may_restore = may::<EditCollection>(&by);
    let workspace = format!("/workspaces/{}/trash", head.workspace);
    page(&app, &Bin { frame, collection: Some(heading(head, Vec::new(), None)), workspace, gone, may_restore })
}

/// The collections of a team that were deleted.
#[utoipa::path(get, path = "/teams/{team}/trash", params(("team" = String, Path)), responses((status = 200), (status = 303), (status = 404)))]
pub async fn of_team(State(app): State<App>, On(By(by)): On<By<ReadTeam>>) -> Result<Response, Lost> {
    let team = app.store.team(by.thing).await?.ok_or_else(Lost::nothing)?;
    let workspace = app.store.workspace(&team.workspace).await?.ok_or_else(Lost::nothing)?;
    bin(&app, &Access::<ReadWorkspace>::check(by.caller, workspace, None).map_err(app::Problem::from)?).await
}

/// The collections of a workspace that were deleted.
#[utoipa::path(get, path = "/workspaces/{workspace}/trash", params(("workspace" = String, Path)), responses((status = 200), (status = 303), (status = 404)))]
pub async fn of_workspace(State(app): State<App>, On(By(by)): On<By<ReadWorkspace>>) -> Result<Response, Lost> {
    bin(&app, &by).await
}

async fn bin(app: &App, by: &Access<ReadWorkspace>) -> Result<Response, Lost> {
    let found = async { app.store.trashed_collections(by).await.map_err(Lost::from) };
    let (frame, found) = tokio::try_join!(frame_in(app, &by.caller, &by.thing.id, by.thing.team), found)?;
    let may_restore = found.iter().any(|(_, may)| *may);
    let gone = found
        .into_iter()
        .map(|(one, _)| Gone {
            action: format!("/api/trash/{}/restore", one.collection),
            restore: None,
            name: one.name,
            kind: "collection",
            inside: one.count,
            by: one.by.username,
            at: Moment(one.at),
        })
        .collect();
    page(app, &Bin { frame, collection: None, workspace: String::new(), gone, may_restore })
}

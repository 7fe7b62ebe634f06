//! Carrying folders, requests and examples to other places and into other collections, in the Postman API's shapes.

use std::collections::HashSet;

use app::{App, Json, Keyed, Problem, Who};
use axum::extract::State;
use domain::access::{Access, Caller, EditCollection, ReadCollection};
use domain::collection::{self as tree, Element, Kind};
use domain::ids::{CollectionId, ElementId, UserId};
use serde::Deserialize;
use serde_json::{Value, json};
use store::imports::Listed;
use store::saves::Basis;
use store::{Conflict, Error};

/// Things that are carried at once.
const AT_ONCE: usize = 100;

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = transfers::Transfer)]
pub(crate) struct Transfer {
    ids: Vec<String>,
    mode: Mode,
    target: Target,
    #[serde(default)]
    location: Location,
    /// The collection that the things are in, where their uids do not say it: ids of files are unique in a collection only.
    collection: Option<String>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq, utoipa::ToSchema)]
#[schema(as = transfers::Mode)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Copy,
    Move,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = transfers::Target)]
struct Target {
    id: String,
    model: String,
    /// The collection of a target that is a folder or a request; as above.
    collection: Option<String>,
}

#[derive(Deserialize, Default, utoipa::ToSchema)]
#[schema(as = transfers::Location)]
struct Location {
    id: Option<String>,
    position: Option<String>,
}

/// Where something goes.
struct Place {
    collection: CollectionId,
    parent: Option<ElementId>,
    after: Option<Option<ElementId>>,
}

/// Whose collections a uid can be in: it begins with their maker's number.
fn owner(uid: &str) -> Option<UserId> {
    uid.split_once('-').and_then(|(owner, _)| owner.parse().ok())
}

fn id(raw: &str, pointer: &str) -> Result<ElementId, Problem> {
    ElementId::parse(raw).map_err(|rejected| Problem::field(pointer, rejected.0))
}

/// What is carried, and where it is.
struct Known {
    among: Vec<Listed>,
}

impl Known {
    /// Finds elements; each has to be in one collection that the caller sees.
    async fn find(
        &self,
        app: &App,
        raw: &[(String, String)],
        named: Option<&str>,
    ) -> Result<Vec<(CollectionId, ElementId, Kind)>, Problem> {
        let owners: HashSet<UserId> = raw.iter().filter_map(|(raw, _)| owner(raw)).collect();
        let all_owned = raw.iter().all(|(raw, _)| owner(raw).is_some());
        let named =
            named.map(|named| CollectionId::parse(named).map_err(|rejected| Problem::field("/collection", rejected.0))).transpose()?;
        let among: Vec<Listed> = self
            .among
            .iter()
            .filter(|listed| match &named {
                Some(named) => listed.collection == *named,
                None => !all_owned || owners.contains(&listed.owner),
            })
            .cloned()
            .collect();
        let mut ids = Vec::with_capacity(raw.len());
        for (raw, pointer) in raw {
            ids.push(id(raw, pointer)?);
        }
        let found = app.store.locate(&among, &ids).await?;
        let mut located = Vec::with_capacity(ids.len());
        for (id, (_, pointer)) in ids.iter().zip(raw) {
            let mut places = found.iter().filter(|(_, found, _)| found == id);
            match (places.next(), places.next()) {
                (Some(place), None) => located.push(place.clone()),
                (None, _) => return Err(Problem::field(pointer.clone(), "there is no such element")),
                (Some(_), Some(_)) => {
                    return Err(Problem::field(
                        pointer.clone(),
                        "several collections have an element of this id: name the one in /collection",
                    ));
                }
            }
        }
        Ok(located)
    }
}

async fn transfer(app: &App, caller: Caller, key: &Keyed, kind: Kind, wanted: Transfer) -> Result<Json<Value>, Problem> {
    app::writes(&caller)?;
    if wanted.ids.is_empty() || wanted.ids.len() > AT_ONCE {
        return Err(Problem::field("/ids", format!("1 to {AT_ONCE} ids are taken at once")));
    }
    let known = Known { among: app.visible(&caller).await? };
    let raw: Vec<(String, String)> = wanted.ids.iter().enumerate().map(|(index, raw)| (raw.clone(), format!("/ids/{index}"))).collect();
    let located = known.find(app, &raw, wanted.collection.as_deref()).await?;
    if let Some(index) = located.iter().position(|(.., found)| *found != kind) {
        return Err(Problem::field(format!("/ids/{index}"), format!("this is no {}", kind.as_str())));
    }
    let mut place = place(app, &caller, &known, kind, &wanted).await?;
    let mut carried = Vec::with_capacity(located.len());
    for (index, (from, id, _)) in located.into_iter().enumerate() {
        let element = carry(app, &caller, key, index, (&from, &id), &place, wanted.mode).await?;
        if place.after.is_some() {
            place.after = Some(Some(element.1.clone()));
        }
        carried.push(element);
    }
    let ids: Vec<String> = carried.iter().map(|(owner, id)| format!("{owner}-{id}")).collect();
    Ok(Json(json!({"ids": ids})))
}

/// The place that a body names.
async fn place(app: &App, caller: &Caller, known: &Known, kind: Kind, wanted: &Transfer) -> Result<Place, Problem> {
    let target = &wanted.target;
    let (collection, parent) = match target.model.as_str() {
        "collection" if kind != Kind::Response => (CollectionId::parse(&target.id)?, None),
        "folder" | "request" if (target.model == "request") == (kind == Kind::Response) => {
            let raw = [(target.id.clone(), "/target/id".to_owned())];
            let found = known.find(app, &raw, target.collection.as_deref()).await?;
            let found = found.into_iter().next().filter(|(.., found)| found.as_str() == target.model);
            let (collection, id, _) = found.ok_or_else(|| Problem::field("/target/id", format!("this is no {}", target.model)))?;
            (collection, Some(id))
        }
        "collection" | "folder" | "request" => {
            return Err(Problem::field("/target/model", format!("a {} does not go into a {}", kind.as_str(), target.model)));
        }
        _ => return Err(Problem::field("/target/model", "collection, folder or request")),
    };
    let beside = |pointer: &'static str| {
        let raw = wanted.location.id.as_ref().ok_or_else(|| Problem::field(pointer, "beside which element"))?;
        id(raw, pointer)
    };
    let after = match wanted.location.position.as_deref() {
        None | Some("end") => None,
        Some("start") => Some(None),
        Some("after") => Some(Some(beside("/location/id")?)),
        Some("before") => {
            let beside = beside("/location/id")?;
            let by: Access<ReadCollection> = app.reach(caller, &collection).await?;
            let whole = app.store.whole(&by.thing).await?;
            let moved: HashSet<ElementId> = wanted.ids.iter().filter_map(|raw| ElementId::parse(raw).ok()).collect();
            let mut siblings: Vec<&Element> =
                whole.elements.iter().filter(|one| one.parent == parent && one.kind.slot() == kind.slot()).collect();
            siblings.sort_by(|one, other| (&one.order, &one.id).cmp(&(&other.order, &other.id)));
            let at = siblings.iter().position(|one| one.id == beside);
            let at = at.ok_or_else(|| Problem::field("/location/id", "this does not stand in the target"))?;
            // What is carried away does not stay before it.
            Some(siblings[..at].iter().rev().find(|one| wanted.mode == Mode::Copy || !moved.contains(&one.id)).map(|one| one.id.clone()))
        }
        Some(_) => return Err(Problem::field("/location/position", "start, end, before or after")),
    };
    Ok(Place { collection, parent, after })
}

/// Carries one thing. Into another collection it is put there first and taken away then: whatever happens between, it is
/// somewhere, and the same request sent again takes it away.
async fn carry(
    app: &App,
    caller: &Caller,
    key: &Keyed,
    index: usize,
    (from, id): (&CollectionId, &ElementId),
    place: &Place,
    mode: Mode,
) -> Result<(UserId, ElementId), Problem> {
    let after = place.after.as_ref().map(Option::as_ref);
    let putting = app.step(caller, key, &format!("put {index}")).await?;
    let to: Access<EditCollection> = app.reach(&putting, &place.collection).await?;
    if mode == Mode::Move && *from == place.collection {
        let element = app.store.relocate(&to, id, place.parent.as_ref(), after, app.now()).await?;
        return Ok((to.thing.owner, element.id));
    }
    let source: Access<ReadCollection> = app.reach(caller, from).await?;
    let taking: Option<Access<EditCollection>> = match mode {
        Mode::Copy => None,
        Mode::Move => Some(app.reach(&app.step(caller, key, &format!("take {index}")).await?, from).await?),
    };
    let whole = app.store.whole(&source.thing).await?;
    let there = app.store.whole(&to.thing).await?;
    let put = async |renewed: bool| {
        let mut copy = match renewed {
            true => tree::copy(&whole.elements, id, false, || app.new_id().into()),
            false => taken(&whole.elements, id),
        }
        .ok_or(Problem::NotFound("item"))?;
        if let Some(top) = copy.first_mut() {
            top.parent.clone_from(&place.parent);
        }
        app.store.add(&to, copy, after, app.now()).await.map_err(Problem::from)
    };
    let element = match mode {
        Mode::Copy => put(true).await?,
        Mode::Move => match there.elements.iter().find(|element| element.id == *id) {
            // The same request was sent before, and was cut off.
            Some(element) => element.clone(),
            None => match put(false).await {
                // It was there once, and was deleted: it comes under another id.
                Err(Problem::Conflict(Conflict::ElementExists, _)) => put(true).await?,
                put => put?,
            },
        },
    };
    if let Some(taking) = taking {
        match app.store.remove(&taking, id, Basis { revision: None, strict: false }, app.now()).await {
            Ok(_) | Err(Error::Conflict(Conflict::ElementGone)) => (),
            Err(error) => return Err(error.into()),
        }
    }
    Ok((to.thing.owner, element.id))
}

/// An element with everything in it, as it is.
fn taken(elements: &[Element], id: &ElementId) -> Option<Vec<Element>> {
    let top = elements.iter().find(|element| element.id == *id)?;
    Some(std::iter::once(top).chain(tree::in_order(elements, Some(id), usize::MAX)).cloned().collect())
}

/// The three kinds of what is carried: the addresses differ in its word only.
macro_rules! transfers {
    ($($(#[$doc:meta])* $name:ident: $path:literal, $kind:expr;)*) => {$(
        $(#[$doc])*
        #[utoipa::path(post, path = $path, tag = "Elements", request_body = Transfer, responses((status = 200, description = "`{\"ids\":[…]}`: the uids of what is there now")))]
        pub(crate) async fn $name(
            Who(caller): Who,
            key: Keyed,
            State(app): State<App>,
            Json(wanted): Json<Transfer>,
        ) -> Result<Json<Value>, Problem> {
            transfer(&app, caller, &key, $kind, wanted).await
        }
    )*};
}

transfers! {
    /// Copy or move folders, with everything in them, into a collection or a folder.
    folders: "/api/collection-folders-transfers", Kind::Folder;
    /// Copy or move requests, with their responses, into a collection or a folder.
    requests: "/api/collection-requests-transfers", Kind::Request;
    /// Copy or move responses into a request.
    responses: "/api/collection-responses-transfers", Kind::Response;
}

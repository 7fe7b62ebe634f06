//! Searching: what of the caller's collections fits a few words, the best first.

use app::{App, Holder, Json, Problem, Query};
use axum::extract::{Request, State};
use domain::collection::Kind;
use domain::ids::CollectionId;
use domain::limit;
use domain::search::{self, Field, fold};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use store::imports::Listed;
use store::search::{Hit, Results};

use crate::shelf;

#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    q: String,
    workspace: Option<String>,
    cursor: Option<String>,
    limit: Option<usize>,
}

/// Look for something in the caller's collections, or in those of a workspace: by name, URL, method, description, tag and
/// author. All words have to fit, each anywhere, whatever their case and accents; what stands in `"quotes"` is one word, a
/// `-` before it leaves out what has it. `name:`, `url:`, `description:`, `tag:`, `method:`, `author:`, `type:` (`collection`,
/// `folder`, `request`, `example`) and `in:` (a folder's or the collection's name) say where. `match` is the place that fits.
#[utoipa::path(get, path = "/api/search", tag = "Search",
    params(("q" = String, Query), ("workspace" = Option<String>, Query), ("limit" = Option<usize>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, description = "`{\"results\":[{\"id\",\"kind\",\"name\",\"method\",\"url\",\"collection\",\"path\",\"tags\",\"author\",\"match\":{\"field\",\"before\",\"text\",\"after\"}}],\"total\",\"cursor\",\"left\"}`: \
    `left` is how many collections were not looked at, because there are too many")))]
pub(crate) async fn search(Query(asked): Query<Asked>, State(app): State<App>, request: Request) -> Result<Json<Value>, Problem> {
    let (mut parts, _) = request.into_parts();
    let (_, among) = shelf::listed(&app, asked.workspace.as_deref(), &mut parts).await?;
    let query = search::Query::parse(&asked.q).map_err(|rejected| Problem::field("/q", rejected.0))?;
    let limit = asked.limit.unwrap_or(25).clamp(1, limit::PAGE);
    let found = app.store.search(among, query, asked.cursor.as_deref(), limit).await?;
    let results: Vec<Value> = found.hits.iter().map(shown).collect();
    Ok(Json(json!({"results": results, "total": found.total, "cursor": found.cursor, "left": found.left})))
}

fn shown(hit: &Hit) -> Value {
    let mut shown = json!({
        "id": hit.id,
        "kind": hit.kind,
        "name": hit.name,
        "collection": {"id": hit.collection, "name": hit.collection_name, "uid": hit.collection.uid(hit.owner)},
        "workspace": hit.workspace,
        "team": hit.team,
        "path": hit.path,
        "tags": hit.tags,
        "author": hit.author.as_ref().map(|(id, username)| json!({"id": id, "username": username})),
        "revision": hit.revision,
        "match": hit.spot,
    });
    if hit.kind == Kind::Request {
        shown["method"] = json!(hit.method);
        shown["url"] = json!(hit.url);
    }
    shown
}

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = search::Wanted)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Wanted {
    #[serde(default)]
    q: String,
    element_type: String,
    #[serde(default)]
    ownership: Option<String>,
    #[serde(default)]
    filters: Option<Filters>,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = search::Filters)]
struct Filters {
    #[serde(rename = "$and", default)]
    and: Vec<Map<String, Value>>,
}

#[derive(Deserialize)]
pub(crate) struct Page {
    cursor: Option<String>,
    limit: Option<usize>,
}

/// One condition: which values, and whether those or all others.
struct Condition<'a> {
    name: &'a str,
    values: Vec<String>,
    not: bool,
}

fn conditions(filters: Option<&Filters>) -> Result<Vec<Condition<'_>>, Problem> {
    let mut all = Vec::new();
    for (index, filter) in filters.iter().flat_map(|filters| filters.and.iter()).enumerate() {
        for (name, said) in filter {
            let said = said.as_object().filter(|said| !said.is_empty());
            let said = said.ok_or_else(|| Problem::field(format!("/filters/$and/{index}/{name}"), "this takes $eq, $ne, $in or $nin"))?;
            for (operator, value) in said {
                let not = match operator.as_str() {
                    "$eq" | "$in" => false,
                    "$ne" | "$nin" => true,
                    _ => return Err(Problem::field(format!("/filters/$and/{index}/{name}"), "this takes $eq, $ne, $in or $nin")),
                };
                let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let values = value.as_array().map_or_else(|| vec![text(value)], |list| list.iter().map(text).collect());
                all.push(Condition { name, values, not });
            }
        }
    }
    Ok(all)
}

/// What every collection here is, for filters about what we do not have.
fn of_all(name: &str) -> Option<&'static str> {
    match name {
        "visibility" => Some("internal"),
        "privateNetwork" | "publisherIsVerified" | "isGitConnected" => Some("false"),
        _ => None,
    }
}

/// Look for requests, collections or workspaces, in the Postman API's shape. Of what Postman has and we have not (its public
/// network, flows, specifications …) nothing is found.
#[utoipa::path(post, path = "/api/search", tag = "Search", request_body = Wanted, params(("limit" = Option<usize>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, description = "`{\"data\":[…],\"meta\":{\"q\",\"total\",\"nextCursor\"}}`")))]
pub(crate) async fn postman(
    Holder(caller): Holder,
    Query(page): Query<Page>,
    State(app): State<App>,
    Json(wanted): Json<Wanted>,
) -> Result<Json<Value>, Problem> {
    let limit = page.limit.unwrap_or(10).clamp(1, 25);
    let mut query = search::Query::parse(&wanted.q).map_err(|rejected| Problem::field("/q", rejected.0))?;
    let conditions = conditions(wanted.filters.as_ref())?;
    let mut none = wanted.ownership.as_deref() == Some("external");
    let kind = match wanted.element_type.as_str() {
        "requests" => "request",
        "collections" => "collection",
        "workspaces" => "workspace",
        "environments" | "documents" | "flows" | "specs" => {
            none = true;
            ""
        }
        _ => {
            return Err(Problem::field(
                "/elementType",
                "one of requests, collections, workspaces, environments, documents, flows and specs",
            ));
        }
    };
    let told = |data: Vec<Value>, total: usize, next: Option<String>| {
        let mut meta = json!({"q": wanted.q, "total": total});
        if let Some(next) = next {
            meta["nextCursor"] = json!(next);
        }
        Json(json!({"data": data, "meta": meta}))
    };
    for condition in &conditions {
        let fits = |value: &str| condition.values.iter().any(|one| one == value) != condition.not;
        none |= of_all(condition.name).is_some_and(|value| !fits(value));
    }
    if none {
        return Ok(told(Vec::new(), 0, None));
    }
    let workspaces = if caller.only.is_some() { Vec::new() } else { app.store.workspaces(&caller).await? };
    if kind == "workspace" {
        let asked = fold(wanted.q.trim());
        let all: Vec<Value> = workspaces
            .iter()
            .filter(|workspace| fold(&workspace.name).contains(&asked))
            .map(|one| json!({"id": one.id, "name": one.name, "createdBy": one.owner.to_string(), "team": one.team.map(|team| json!({"id": team.to_string()}))}))
            .collect();
        let start: usize = app::cursor(page.cursor.as_deref())?.unwrap_or(0);
        let next = (start + limit < all.len()).then(|| (start + limit).to_string());
        let total = all.len();
        return Ok(told(all.into_iter().skip(start).take(limit).collect(), total, next));
    }
    let mut among: Vec<Listed> = app.visible(&caller).await?;
    query = query.and(Field::Type, kind, false);
    for condition in &conditions {
        let named = |value: &str| condition.values.iter().any(|one| one == value) != condition.not;
        match condition.name {
            "workspaceId" => among.retain(|listed| named(listed.workspace.as_str())),
            "collectionId" => {
                let ids: Vec<CollectionId> = condition.values.iter().filter_map(|one| CollectionId::parse(one).ok()).collect();
                among.retain(|listed| ids.contains(&listed.collection) != condition.not);
            }
            "tags" => among.retain(|listed| {
                listed.tags.iter().any(|tag| condition.values.iter().any(|one| one == tag.slug.as_str())) != condition.not
            }),
            "teamId" => among.retain(|listed| named(&listed.team.map(|team| team.to_string()).unwrap_or_default())),
            "createdBy" => among.retain(|listed| named(&listed.owner.to_string())),
            "method" => {
                for value in &condition.values {
                    query = query.and(Field::Method, value, condition.not);
                }
            }
            name if of_all(name).is_some() => (),
            // What we do not have is in nothing that is found.
            _ if condition.not => (),
            _ => return Ok(told(Vec::new(), 0, None)),
        }
    }
    let Results { hits, total, cursor, .. } = app.store.search(among, query, page.cursor.as_deref(), limit).await?;
    let data = hits.iter().map(|hit| {
        let uid = format!("{}-{}", hit.owner, hit.id);
        let path = format!("{}/api/collections/{}", app.config.pages_url, hit.collection.uid(hit.owner));
        let web = format!("{}/collections/{}", app.config.pages_url, hit.collection);
        let name = workspaces.iter().find(|workspace| workspace.id == hit.workspace).map(|workspace| workspace.name.clone());
        let mut shown = json!({
            "id": uid,
            "name": hit.name,
            "workspace": {"id": hit.workspace, "name": name},
            "createdBy": hit.owner.to_string(),
            "team": hit.team.map(|team| json!({"id": team.to_string()})),
            "tags": hit.tags,
            "isGitConnected": false,
            "isPrivateNetworkEntity": false,
        });
        match hit.kind {
            Kind::Collection => {
                shown["summary"] = json!(hit.description);
                shown["links"] = json!({"web": {"href": web}, "self": {"href": path}});
            }
            _ => {
                shown["method"] = json!(hit.method);
                shown["url"] = json!(hit.url);
                shown["type"] = json!("http");
                shown["collection"] = json!({"id": hit.collection.uid(hit.owner), "name": hit.collection_name});
                shown["links"] =
                    json!({"web": {"href": format!("{web}/items/{}", hit.id)}, "self": {"href": format!("{path}/requests/{uid}")}});
            }
        }
        shown
    });
    Ok(told(data.collect(), total, cursor))
}

//! What anybody reads, with an account or without, and what search engines are told. These pages are the same for everyone;
//! who keeps a copy asks each time whether it still is so, because a workspace may be closed at any moment.

use app::{Anyone, App};
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use domain::access::{Access, Caller, ReadCollection, ReadWorkspace};
use domain::collection::{self, Kind};
use domain::{json, limit};
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;

use crate::answer::{Lost, On, public};
use crate::views::{Frame, Moment, PublicCollection, PublicLink, PublicRow, PublicWorkspace};

/// Folders and requests on one page.
const ROWS: usize = 1_000;
/// Workspaces that are listed side by side for the map.
const AT_ONCE: usize = 8;

fn paragraphs(text: &str) -> Vec<String> {
    text.split("\n\n").map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect()
}

/// What an element says about itself: a text, or an object with one.
fn description(own: &str) -> Vec<String> {
    let found = json::get(own, "description").unwrap_or("null");
    let text = json::text(found).or_else(|| json::get(found, "content").and_then(json::text));
    paragraphs(&text.unwrap_or_default())
}

/// A public workspace.
#[utoipa::path(get, path = "/public/workspaces/{workspace}", params(("workspace" = String, Path)), responses((status = 200), (status = 304), (status = 404)))]
pub async fn workspace(State(app): State<App>, headers: HeaderMap, On(Anyone(by)): On<Anyone<ReadWorkspace>>) -> Result<Response, Lost> {
    let mut listed = app.store.listed(&by).await?;
    listed.sort_by(|one, other| (&one.name, &one.collection).cmp(&(&other.name, &other.collection)));
    let collections = listed.into_iter().map(|one| PublicLink {
        id: one.collection.to_string(),
        name: one.name,
        count: one.count,
        changed: Moment(one.updated_at),
    });
    let path = format!("/public/workspaces/{}", by.thing.id);
    let view = PublicWorkspace {
        frame: Frame::default(),
        path: path.clone(),
        name: by.thing.name.clone(),
        about: by.thing.about.clone(),
        description: paragraphs(&by.thing.description),
        collections: collections.collect(),
    };
    public(&app, &headers, &view, &path)
}

/// A public collection.
#[utoipa::path(get, path = "/public/collections/{collection}", params(("collection" = String, Path)), responses((status = 200), (status = 304), (status = 404)))]
pub async fn collection(State(app): State<App>, headers: HeaderMap, On(Anyone(by)): On<Anyone<ReadCollection>>) -> Result<Response, Lost> {
    let head = &by.thing;
    let whole = app.store.whole(head).await?;
    let all = collection::in_order(&whole.elements, None, usize::MAX).into_iter().filter(|element| element.kind != Kind::Response);
    let all: Vec<_> = all.collect();
    let rows = all.iter().take(ROWS).map(|element| {
        let own = match element.kind {
            Kind::Request => json::get(&element.json, "request").filter(|request| json::is_object(request)),
            _ => None,
        };
        let mut said = own.map(description).unwrap_or_default();
        if said.is_empty() {
            said = description(&element.json);
        }
        PublicRow {
            id: element.id.to_string(),
            method: element.method.clone().unwrap_or_default(),
            name: element.name.clone(),
            url: element.url.clone().unwrap_or_default(),
            description: said,
        }
    });
    let info = json::get(&whole.root.json, "info").unwrap_or("{}");
    let said = description(info);
    let path = format!("/public/collections/{}", head.collection);
    let view = PublicCollection {
        frame: Frame::default().under("All collections here", format!("/public/workspaces/{}", head.workspace)),
        path: path.clone(),
        id: head.collection.to_string(),
        name: head.name.clone(),
        summary: match said.first() {
            Some(first) => first.chars().take(160).collect(),
            None => format!("{}: {} requests and folders to read and to run.", head.name, all.len()),
        },
        description: said,
        workspace: head.workspace.to_string(),
        rows: rows.collect(),
        left: all.len().saturating_sub(ROWS),
        address: format!("{}/api/collections/{}", app.config.pages_url, head.collection),
    };
    public(&app, &headers, &view, &path)
}

/// What programs may look at that look at everything.
#[utoipa::path(get, path = "/robots.txt", responses((status = 200)))]
pub async fn robots(State(app): State<App>) -> Response {
    let text = format!("User-agent: *\nDisallow: /api/\n\nSitemap: {}/sitemap.xml\n", app.config.pages_url);
    kept("text/plain; charset=utf-8", text)
}

fn kept(kind: &'static str, text: String) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, no-cache")], text).into_response()
}

fn place(pages: &str, path: &str, at: Timestamp) -> String {
    // Ids are letters, digits and dashes: nothing in them is XML.
    format!("<url><loc>{pages}{path}</loc><lastmod>{}</lastmod></url>\n", at.strftime("%Y-%m-%d"))
}

/// The map of what is public.
#[utoipa::path(get, path = "/sitemap.xml", responses((status = 200)))]
pub async fn sitemap(State(app): State<App>) -> Result<Response, Lost> {
    let open = app.store.public_workspaces(limit::MAPPED).await?;
    let each = open.into_iter().filter_map(|one| Access::<ReadWorkspace>::check(Caller::anyone(), one, None).ok()).map(|by| {
        let app = app.clone();
        async move {
            let listed = app.store.listed(&by).await?;
            Ok::<_, store::Error>((by.thing, listed))
        }
    });
    let all: Vec<_> = futures::stream::iter(each).buffered(AT_ONCE).try_collect().await?;
    let pages = &app.config.pages_url;
    let mut map = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n".to_owned();
    let mut left = 50_000_usize;
    for (workspace, listed) in all {
        map.push_str(&place(pages, &format!("/public/workspaces/{}", workspace.id), workspace.updated_at.unwrap_or(workspace.created_at)));
        for one in listed.iter().take(left.saturating_sub(1)) {
            map.push_str(&place(pages, &format!("/public/collections/{}", one.collection), one.updated_at));
        }
        // A map holds 50,000 addresses.
        left = left.saturating_sub(listed.len() + 1);
        if left == 0 {
            break;
        }
    }
    map.push_str("</urlset>\n");
    Ok(kept("application/xml; charset=utf-8", map))
}

//! Feeds for readers of feeds: Atom (RFC 4287), in pages (RFC 5005). Those cannot send headers, so they show an API key
//! (`?apikey=`) or, for one collection, an access key (`?access_key=`) in the address.
//!
//! Each change is an entry of its own: a reader knows an entry by its id, and one that goes on growing has none.

use app::feed::FeedQuery;
use app::{App, By, Follower, Holder, Problem, Query, Tokens};
use atom_syndication::{Entry, Feed, FixedDateTime, Generator, Link, Person, Text};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use domain::access::ReadTeam;
use domain::change::{Counts, ItemRef, Op};
use domain::comment::Did;
use domain::ids::CollectionId;
use domain::words::{deed, line, thing};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use store::feed::{self, FeedPage};

/// What a feed says of itself.
struct About<'a> {
    id: String,
    title: String,
    /// The page of it, a path.
    page: String,
    uri: &'a Uri,
    next: Option<String>,
    /// When there was something last, where no entry says so.
    updated: Timestamp,
}

/// A URN that always is the same for the same thing: a UUID of version 8, made of its name.
fn urn(name: &str) -> String {
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(Sha256::digest(name.as_bytes())).for_each(|(byte, hashed)| *byte = hashed);
    format!("urn:uuid:{}", uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

/// A name as XML can hold it, on one line.
fn plain(name: &str) -> String {
    line(name).replace(['\u{fffe}', '\u{ffff}'], "")
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn link(rel: &str, href: String, kind: &str) -> Link {
    Link { rel: rel.to_owned(), href, mime_type: Some(kind.to_owned()), ..Link::default() }
}

fn time(at: Timestamp) -> Result<FixedDateTime, Problem> {
    at.to_string().parse().map_err(|error| Problem::Internal(format!("a time that Atom does not take: {error}")))
}

fn counted(counts: Counts) -> String {
    format!("{} new, {} changed, {} removed", counts.created, counts.updated, counts.deleted)
}

/// One thing that happened.
struct Told<'a> {
    collection: &'a CollectionId,
    name: &'a str,
    /// What it is known by within the collection: a number, or the id of what was done about a comment.
    key: String,
    at: Timestamp,
    /// Who; left out where that is not told.
    who: Option<&'a str>,
    deed: String,
    counts: Option<Counts>,
    /// The page that shows more, a path.
    page: String,
}

impl Told<'_> {
    fn entry(self, pages: &str) -> Result<Entry, Problem> {
        let name = plain(self.name);
        let said = match self.who {
            Some(who) => format!("{} {} in {name}", plain(who), self.deed),
            None => format!("{name}: {}", self.deed),
        };
        let counts = self.counts.map(|counts| format!("<p>{}</p>", counted(counts))).unwrap_or_default();
        let page = format!("{pages}{}", self.page);
        Ok(Entry {
            id: urn(&format!("{}/{}", self.collection, self.key)),
            title: Text::plain(said.clone()),
            updated: time(self.at)?,
            published: Some(time(self.at)?),
            authors: self.who.map(|who| Person { name: plain(who), ..Person::default() }).into_iter().collect(),
            summary: Some(Text::html(format!("<p>{}</p>{counts}<p><a href=\"{page}\">Open in Postroom</a></p>", html(&said)))),
            links: vec![link("alternate", page, "text/html")],
            ..Entry::default()
        })
    }
}

/// The page on which a change is shown with all that it did.
fn change_page(collection: &CollectionId, seq: u64) -> String {
    format!("/collections/{collection}/history?cursor={}", seq.saturating_add(1))
}

/// What was done, as a sentence has it: of a comment nothing that it says.
fn said(op: Op, item: Option<&ItemRef>, did: Option<(Did, String)>) -> String {
    let sentence = match did {
        None => deed(op, item, None),
        Some((Did::Resolve, thing)) => format!("resolved a thread on {thing}"),
        Some((Did::Reopen, thing)) => format!("reopened a thread on {thing}"),
        Some((Did::Create | Did::Update | Did::Delete, thing)) => format!("commented on {thing}"),
    };
    plain(&sentence)
}

fn told(entry: &feed::Entry) -> Told<'_> {
    let here = format!("/collections/{}", entry.collection);
    let pull = entry.pull.as_ref();
    let page = match (&entry.comment, &entry.item) {
        _ if entry.access.is_some() => format!("{here}/access"),
        (None, _) => change_page(&entry.collection, entry.seq),
        (Some(_), Some(item)) => format!("{here}/items/{}#comments", item.id),
        (Some(_), None) => pull.map_or_else(|| format!("{here}#comments"), |pull| format!("/pull-requests/{}#comments", pull.id)),
    };
    Told {
        collection: &entry.collection,
        name: &entry.collection_name,
        key: entry.cause(),
        at: entry.at,
        who: Some(&entry.actor.username),
        deed: match entry.access {
            Some(_) => "changed who sees or follows the collection".to_owned(),
            None => {
                let thing = pull.map_or_else(|| thing(entry.item.as_ref()), |pull| format!("the pull request “{}”", line(&pull.title)));
                said(entry.op, entry.item.as_ref(), entry.comment.as_ref().map(|one| (one.did, thing)))
            }
        },
        counts: entry.counts,
        page,
    }
}

/// The address of this request with another cursor. Its key stays: whoever asks for the next page needs it as well.
fn at_cursor(pages: &str, uri: &Uri, cursor: &str) -> String {
    let rest = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
    let query: Vec<String> = rest.map(str::to_owned).chain([format!("cursor={cursor}")]).collect();
    format!("{pages}{}?{}", uri.path(), query.join("&"))
}

/// The answer: for this caller only, and nothing at all where they have it already.
fn answer(app: &App, headers: &HeaderMap, about: About<'_>, told: Vec<Told<'_>>) -> Result<Response, Problem> {
    let pages = app.config.pages_url.as_str();
    let own = format!("{pages}{}", about.uri.path_and_query().map_or("/", |path| path.as_str()));
    let mut links = vec![link("self", own, "application/atom+xml"), link("alternate", format!("{pages}{}", about.page), "text/html")];
    links.extend(about.next.map(|cursor| link("next", at_cursor(pages, about.uri, &cursor), "application/atom+xml")));
    let updated = told.iter().map(|one| one.at).max().unwrap_or(about.updated);
    let title = plain(&about.title);
    let feed = Feed {
        id: urn(&about.id),
        updated: time(updated)?,
        // What has no author of its own has this one.
        authors: vec![Person { name: title.clone(), ..Person::default() }],
        title: Text::plain(title),
        generator: Some(Generator { value: "Postroom".to_owned(), ..Generator::default() }),
        links,
        entries: told.into_iter().map(|one| one.entry(pages)).collect::<Result<_, _>>()?,
        ..Feed::default()
    };
    let body = feed.to_string();
    let tag = format!("\"{}\"", Tokens::hash(&body));
    let kept = [
        (header::ETAG, tag.clone()),
        (header::LAST_MODIFIED, updated.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()),
        (header::CACHE_CONTROL, "private, no-cache".to_owned()),
    ];
    if is_known(headers, &tag, updated) {
        return Ok((StatusCode::NOT_MODIFIED, kept).into_response());
    }
    Ok((kept, [(header::CONTENT_TYPE, "application/atom+xml; charset=utf-8")], body).into_response())
}

/// Whether the caller says that they have it: by its tag, or where they show none, by its time (RFC 9110, 13.2.2).
fn is_known(headers: &HeaderMap, tag: &str, updated: Timestamp) -> bool {
    let mut tags = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).peekable();
    if tags.peek().is_some() {
        return tags.flat_map(|value| value.split(',')).map(|one| one.trim().trim_start_matches("W/")).any(|one| one == "*" || one == tag);
    }
    let since = headers.get(header::IF_MODIFIED_SINCE).and_then(|value| jiff::fmt::rfc2822::parse(value.to_str().ok()?).ok());
    since.is_some_and(|since| updated.as_second() <= since.timestamp().as_second())
}

/// The caller's own feed as Atom. The parameters are those of `GET /api/feed`.
#[utoipa::path(get, path = "/api/feed.atom", tag = "Feed", params(("apikey" = Option<String>, Query), ("cursor" = Option<String>, Query),
    ("limit" = Option<usize>, Query), ("collection" = Option<String>, Query), ("user" = Option<String>, Query), ("kind" = Option<String>, Query),
    ("item" = Option<String>, Query), ("since" = Option<String>, Query), ("until" = Option<String>, Query)),
    responses((status = 200, content_type = "application/atom+xml", body = String), (status = 304, description = "The caller has it already")))]
pub(crate) async fn mine(
    Holder(caller): Holder,
    Query(asked): Query<FeedQuery>,
    uri: Uri,
    headers: HeaderMap,
    State(app): State<App>,
) -> Result<Response, Problem> {
    let wanted = asked.wanted(&app, &caller).await?;
    let page = app.store.user_feed(caller.user, &wanted, asked.cursor.as_deref(), asked.limit()).await?;
    let seen = app.store.seen(&caller, &page.collections()).await?;
    let about = About {
        id: format!("user/{}", caller.user),
        title: format!("What {} follows", caller.username),
        page: "/feed".to_owned(),
        uri: &uri,
        next: page.cursor.clone(),
        updated: Timestamp::UNIX_EPOCH,
    };
    answer(&app, &headers, about, shown(&page, |entry| entry.shows(|one| seen.contains_key(one))))
}

fn shown(page: &FeedPage, keep: impl Fn(&feed::Entry) -> bool) -> Vec<Told<'_>> {
    page.entries.iter().filter(|entry| keep(entry)).map(told).collect()
}

/// A team's feed as Atom. The parameters are those of `GET /api/feed`.
#[utoipa::path(get, path = "/api/teams/{team}/feed.atom", tag = "Feed", params(("team" = u64, Path), ("apikey" = Option<String>, Query),
    ("cursor" = Option<String>, Query), ("limit" = Option<usize>, Query), ("collection" = Option<String>, Query), ("user" = Option<String>, Query),
    ("kind" = Option<String>, Query), ("item" = Option<String>, Query), ("since" = Option<String>, Query), ("until" = Option<String>, Query)),
    responses((status = 200, content_type = "application/atom+xml", body = String), (status = 304, description = "The caller has it already")))]
pub(crate) async fn of_team(
    By(by): By<ReadTeam>,
    Query(asked): Query<FeedQuery>,
    uri: Uri,
    headers: HeaderMap,
    State(app): State<App>,
) -> Result<Response, Problem> {
    let wanted = asked.wanted(&app, &by.caller).await?;
    let found = app.store.team_feed(&by, &wanted, asked.cursor.as_deref(), asked.limit());
    let (page, team) = tokio::try_join!(found, app.store.team(by.thing))?;
    let team = team.ok_or(Problem::NotFound("team"))?;
    let seen = app.store.seen(&by.caller, &page.collections()).await?;
    let about = About {
        id: format!("team/{}", team.id),
        title: team.name,
        page: format!("/teams/{}/feed", team.id),
        uri: &uri,
        next: page.cursor.clone(),
        updated: team.created_at,
    };
    answer(&app, &headers, about, shown(&page, |entry| entry.shows(|one| seen.contains_key(one))))
}

/// The changes of a collection as Atom, also by an access key for it: whoever has nothing but that is told what changed
/// since the key was made, and not by whom.
#[utoipa::path(get, path = "/api/collections/{collection}/feed.atom", tag = "Feed", params(("collection" = String, Path),
    ("access_key" = Option<String>, Query, description = "An access key for it, instead of a sign-in"), ("apikey" = Option<String>, Query),
    ("cursor" = Option<String>, Query), ("limit" = Option<usize>, Query)),
    responses((status = 200, content_type = "application/atom+xml", body = String), (status = 304, description = "The caller has it already")))]
pub(crate) async fn of_collection(
    Follower(by): Follower,
    Query(asked): Query<FeedQuery>,
    uri: Uri,
    headers: HeaderMap,
    State(app): State<App>,
) -> Result<Response, Problem> {
    let head = &by.thing;
    let before = app::cursor(asked.cursor.as_deref())?.unwrap_or(u64::MAX).min(head.seq + 1);
    let mut changes = app.store.changes_before(&by, before, asked.limit()).await?;
    let last = changes.last().map(|change| change.seq);
    let since = by.caller.shown_since;
    changes.retain(|change| since.is_none_or(|since| since <= change.at));
    // What was left out is older than the key, and so is all that comes behind it.
    let next = changes.last().map(|change| change.seq).filter(|seq| 1 < *seq && Some(*seq) == last).map(|seq| seq.to_string());
    let told = changes.iter().map(|change| Told {
        collection: &head.collection,
        name: &head.name,
        key: change.seq.to_string(),
        at: change.at,
        who: since.is_none().then_some(change.actor.username.as_str()),
        deed: plain(&deed(change.op, change.item.as_ref(), change.merged.as_deref())),
        counts: change.counts,
        page: change_page(&head.collection, change.seq),
    });
    let about = About {
        id: format!("collection/{}", head.collection),
        title: head.name.clone(),
        page: format!("/collections/{}", head.collection),
        uri: &uri,
        next,
        updated: since.unwrap_or(head.updated_at),
    };
    answer(&app, &headers, about, told.collect())
}

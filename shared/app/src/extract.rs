//! Who calls, and may they: settled before a handler runs and before its body is read, in one read of the table.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use base64::Engine;
use domain::access::{Access, Caller, CollectionRole, Denied, EditCollection, Permission, ReadCollection, ReadWorkspace, Subject};
use domain::collection::{Deleted, Head};
use domain::ids::{CollectionId, ElementId, PullId, TeamId, UserId, WorkspaceId};
use domain::limit;
use domain::once::Once;
use domain::team::Workspace;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use store::imports::Listed;
use store::keys::{self, Key};
use store::readers::Grant;
use store::saves::Basis;
use store::sessions::Credential;

use crate::meter::Meter;
use crate::{App, Problem, Tokens, cookie};

type Items = HashMap<Key, store::Item>;

/// The caller, whoever they are; but not with a key that is bound to one collection, which is for nothing else.
#[derive(Debug, Clone)]
pub struct Who(pub Caller);

/// The caller, also with a key that is bound to one collection: for what asks the rules about each thing that it shows.
#[derive(Debug, Clone)]
pub struct Holder(pub Caller);

/// Proof that a collection may be read as a whole: by a caller, or by whoever shows an access key for it.
pub struct Export(pub Access<ReadCollection>);

/// Proof that what happens in a collection may be told: to a caller who reads it, or to whoever shows an access key for
/// it, to whom it is told from when the key was made ([`Caller::shown_since`]). Not to anybody.
pub struct Follower(pub Access<ReadCollection>);

/// Proof that the caller may do `P` to the thing that the address names.
pub struct By<P: Permission>(pub Access<P>);

/// A parameter of the path, parsed.
#[derive(Debug, Clone)]
pub struct Path<T>(pub T);

/// The query, parsed; unknown parameters are ignored, as the Postman API does.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

const NO_CREDENTIAL: &str = "sign in, or send an API key (X-Api-Key)";
const DEAD_ACCESS_KEY: &str = "this access key is not valid (any more): ask for another";
const UNBOUND: &str = "a sign-in or an API key that is not bound to one collection";
const DEAD_CREDENTIAL: &str = "this sign-in has ended or this key is not valid: sign in again, or send another key";

#[derive(Deserialize)]
struct InQuery {
    apikey: Option<String>,
    access_key: Option<String>,
    workspace: Option<String>,
}

fn in_query(parts: &Parts) -> InQuery {
    let none = InQuery { apikey: None, access_key: None, workspace: None };
    axum::extract::Query::<InQuery>::try_from_uri(&parts.uri).map_or(none, |query| query.0)
}

fn bearer(headers: &HeaderMap, scheme: &str) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (given, rest) = value.split_once(' ')?;
    given.eq_ignore_ascii_case(scheme).then(|| rest.trim().to_owned())
}

/// The password of HTTP Basic (RFC 7617), where clients put an API key.
fn basic_password(headers: &HeaderMap) -> Option<String> {
    let decoded = base64::engine::general_purpose::STANDARD.decode(bearer(headers, "basic")?).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (user, password) = text.split_once(':')?;
    Some(if password.is_empty() { user } else { password }.to_owned())
}

/// Reads the credential of a request. `None`: there is none. A credential that cannot be one is dead.
fn credential(app: &App, parts: &Parts) -> Result<Option<Credential>, Problem> {
    let headers = &parts.headers;
    let key = headers.get("x-api-key").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let dead = Problem::Unauthenticated(DEAD_CREDENTIAL);
    if let Some(key) = key.or_else(|| in_query(parts).apikey).or_else(|| basic_password(headers)) {
        return Credential::api_key(&key, Tokens::hash).map(Some).ok_or(dead);
    }
    if let Some(token) = bearer(headers, "bearer") {
        if let Some(key) = Credential::api_key(&token, Tokens::hash) {
            return Ok(Some(key));
        }
        let claims = app.tokens.check(&token, app.now()).ok_or_else(|| dead.clone())?;
        let user: UserId = claims.sub.parse().map_err(|_| dead)?;
        return Ok(Some(Credential::Session { user, session: claims.sid, secret_hash: None, cookie: false }));
    }
    let Some(token) = cookie::session(headers) else { return Ok(None) };
    if !came_from_our_pages(app, parts) {
        return Err(Problem::Forged);
    }
    Ok(Credential::cookie(token, Tokens::hash))
}

/// A browser sends the cookie whoever asks it to. What changes something must show that a page of ours asked: another
/// site's form can neither send JSON nor a header of its own, and browsers say in `Origin` and `Sec-Fetch-Site` who asks.
fn came_from_our_pages(app: &App, parts: &Parts) -> bool {
    if matches!(parts.method, Method::GET | Method::HEAD) {
        return true;
    }
    let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let json = text("content-type").is_some_and(|kind| kind.to_ascii_lowercase().starts_with("application/json"));
    let asked = json || text("x-requested-with").is_some();
    let site = text("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    let ours = text("origin").is_none_or(|origin| app.config.pages_url == origin || same_laptop(&app.config.pages_url, origin));
    asked && site && ours
}

/// `localhost` and `127.0.0.1` are one place on a laptop: both are printed, either may be typed.
fn same_laptop(pages: &str, origin: &str) -> bool {
    let plain = |url: &str| url.replacen("//127.0.0.1", "//localhost", 1).replacen("//[::1]", "//localhost", 1);
    pages.starts_with("http://localhost") && plain(origin) == pages
}

/// The caller and the items under `more`, in one read.
async fn caller(app: &App, parts: &Parts, more: impl FnOnce(UserId) -> Vec<Key>) -> Result<(Caller, Items), Problem> {
    let credential = credential(app, parts)?.ok_or(Problem::Unauthenticated(NO_CREDENTIAL))?;
    let (caller, items) = app.store.caller(&credential, &more(credential.user()), app.now()).await?;
    let caller = caller.ok_or(Problem::Unauthenticated(DEAD_CREDENTIAL))?;
    // Only now is it known that it is theirs: whoever makes credentials up uses up nobody's requests.
    if let Some(meter) = parts.extensions.get::<Meter>() {
        meter.count(app, caller.user)?;
    }
    Ok((Caller { client: client(&parts.headers), address: address(&parts.headers), ..caller }, items))
}

/// The program that asks, as it names itself.
fn client(headers: &HeaderMap) -> Option<String> {
    let named = headers.get(header::USER_AGENT)?.to_str().ok()?.trim();
    (!named.is_empty()).then(|| named.chars().take(limit::CLIENT_CHARS).collect())
}

/// How a request that changes something is known again: `Idempotency-Key`, a text of the caller's choice.
fn once(parts: &Parts) -> Result<Option<Once>, Problem> {
    let Some(key) = parts.headers.get("idempotency-key").filter(|_| !parts.method.is_safe()) else { return Ok(None) };
    let key = key.to_str().ok().map(str::trim).filter(|key| !key.is_empty() && key.len() <= limit::ONCE_CHARS);
    let key = key.ok_or_else(|| Problem::Malformed(format!("an Idempotency-Key is 1 to {} ASCII characters", limit::ONCE_CHARS)))?;
    let request = Tokens::hash(&format!("{} {}", parts.method, parts.uri));
    Ok(Some(Once { key: Tokens::hash(key), request, done: None }))
}

impl FromRequestParts<App> for Who {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Who, Problem> {
        let (caller, _) = caller(app, parts, |_| Vec::new()).await?;
        if caller.only.is_some() {
            return Err(Problem::Forbidden(UNBOUND));
        }
        crate::once::first_time(app, parts, caller.user, once(parts)?.as_ref()).await?;
        Ok(Who(caller))
    }
}

impl FromRequestParts<App> for Holder {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Holder, Problem> {
        Ok(Holder(caller(app, parts, |_| Vec::new()).await?.0))
    }
}

/// The right of whoever shows an access key in the query; `None`: nobody does.
async fn by_access_key(parts: &mut Parts, app: &App) -> Result<Option<Access<ReadCollection>>, Problem> {
    let Some(shown) = in_query(parts).access_key else { return Ok(None) };
    let dead = Problem::Unauthenticated(DEAD_ACCESS_KEY);
    let not_found = Problem::NotFound(Head::WHAT);
    let collection = Head::name(&params(parts, app).await, parts).ok_or_else(|| not_found.clone())?;
    let credential = Credential::access_key(collection.clone(), &shown, Tokens::hash).ok_or_else(|| dead.clone())?;
    let user = credential.user();
    let (caller, mut items) = app.store.caller(&credential, &Head::wanted(&collection, user), app.now()).await?;
    let caller = caller.ok_or(dead)?;
    let (head, grant) = Head::found(&collection, user, &mut items)?.ok_or_else(|| not_found.clone())?;
    // The key's maker is asked for: what they may read no longer, their keys do not show any longer.
    Access::check(caller, head, grant).map(Some).map_err(|_| not_found)
}

impl FromRequestParts<App> for Export {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Export, Problem> {
        match by_access_key(parts, app).await? {
            Some(access) => Ok(Export(access)),
            None => Open::from_request_parts(parts, app).await.map(|Open(access)| Export(access)),
        }
    }
}

impl FromRequestParts<App> for Follower {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Follower, Problem> {
        match by_access_key(parts, app).await? {
            Some(access) => Ok(Follower(access)),
            None => By::from_request_parts(parts, app).await.map(|By(access)| Follower(access)),
        }
    }
}

impl axum::extract::OptionalFromRequestParts<App> for Who {
    type Rejection = Problem;

    /// `None` without a credential and with a dead one: for pages that also have something for strangers.
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Option<Who>, Problem> {
        match <Who as FromRequestParts<App>>::from_request_parts(parts, app).await {
            Ok(who) => Ok(Some(who)),
            Err(Problem::Unauthenticated(_)) => Ok(None),
            Err(problem) => Err(problem),
        }
    }
}

/// The client's network address, as API Gateway (or the local stack in its place) appends it to what the client says.
pub fn address(headers: &HeaderMap) -> Option<String> {
    let chain = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
    let last = chain.rsplit(',').next()?.trim();
    last.parse::<std::net::IpAddr>().ok().map(|address| address.to_string())
}

/// Proof that the caller may change another collection than the one of the address, which a body names.
pub async fn edits(app: &App, caller: &Caller, collection: &str, pointer: &'static str) -> Result<Access<EditCollection>, Problem> {
    let missing = || Problem::field(pointer, "there is no such collection");
    let id = CollectionId::parse(collection).map_err(|_| missing())?;
    let (head, grant) = app.store.collection(&id, caller.user).await?.ok_or_else(missing)?;
    Access::check(caller.clone(), head, grant).map_err(|denied| match denied {
        Denied::NotFound => missing(),
        denied => Problem::from(denied),
    })
}

/// For what is nobody's thing yet, such as a new team: the caller came with more than a key that only reads.
pub fn writes(caller: &Caller) -> Result<(), Problem> {
    if caller.writes { Ok(()) } else { Err(Problem::Forbidden("an API key with the scope \"write\"")) }
}

/// A thing that an address names and that lies in the table, or is nothing but its id.
trait Named: Subject + Sized {
    /// What the caller is told where it is not.
    const WHAT: &'static str;
    /// The name in the address.
    type Name;
    fn name(params: &HashMap<String, String>, parts: &Parts) -> Option<Self::Name>;
    /// The one that is meant where the address names none.
    fn own(_: &Caller, _: &Parts) -> Option<Self> {
        None
    }
    /// Whether what came of a request to it is written in its own transaction. Otherwise its answer is kept.
    const KEPT: bool = true;
    /// For a request that was done already: as it was before it was deleted.
    fn undeleted(self) -> Self {
        self
    }
    fn wanted(name: &Self::Name, user: UserId) -> Vec<Key>;
    fn found(name: &Self::Name, user: UserId, items: &mut Items) -> Result<Option<(Self, Option<CollectionRole>)>, Problem>;
}

impl Named for TeamId {
    const WHAT: &'static str = "team";
    const KEPT: bool = false;
    type Name = TeamId;

    fn name(params: &HashMap<String, String>, _: &Parts) -> Option<TeamId> {
        params.get("team")?.parse().ok()
    }
    fn wanted(_: &TeamId, _: UserId) -> Vec<Key> {
        // The caller's roles in all teams stand in the caller's own item.
        Vec::new()
    }
    fn found(team: &TeamId, _: UserId, _: &mut Items) -> Result<Option<(TeamId, Option<CollectionRole>)>, Problem> {
        Ok(Some((*team, None)))
    }
}

impl Named for Head {
    const WHAT: &'static str = "collection";
    type Name = CollectionId;

    fn name(params: &HashMap<String, String>, _: &Parts) -> Option<CollectionId> {
        CollectionId::parse(params.get("collection")?).ok()
    }
    fn undeleted(self) -> Head {
        Head { deleted_at: None, ..self }
    }
    fn wanted(collection: &CollectionId, user: UserId) -> Vec<Key> {
        vec![keys::head(collection), keys::grant(collection, user)]
    }
    fn found(collection: &CollectionId, user: UserId, items: &mut Items) -> Result<Option<(Head, Option<CollectionRole>)>, Problem> {
        let Some(head) = items.remove(&keys::head(collection)) else { return Ok(None) };
        let grant: Option<Grant> = items.remove(&keys::grant(collection, user)).map(store::read).transpose()?;
        Ok(Some((store::read(head)?, grant.map(|grant| grant.role))))
    }
}

impl Named for Deleted {
    const WHAT: &'static str = "deleted collection";
    type Name = CollectionId;

    fn name(params: &HashMap<String, String>, parts: &Parts) -> Option<CollectionId> {
        Head::name(params, parts)
    }
    fn wanted(collection: &CollectionId, user: UserId) -> Vec<Key> {
        Head::wanted(collection, user)
    }
    fn found(collection: &CollectionId, user: UserId, items: &mut Items) -> Result<Option<(Deleted, Option<CollectionRole>)>, Problem> {
        let found = Head::found(collection, user, items)?;
        Ok(found.filter(|(head, _)| head.deleted_at.is_some()).map(|(head, role)| (Deleted(head.undeleted()), role)))
    }
}

impl Named for Workspace {
    const WHAT: &'static str = "workspace";
    type Name = WorkspaceId;

    fn name(params: &HashMap<String, String>, parts: &Parts) -> Option<WorkspaceId> {
        let named = params.get("workspace").cloned().or_else(|| in_query(parts).workspace)?;
        named.parse().ok()
    }
    fn own(caller: &Caller, parts: &Parts) -> Option<Workspace> {
        // What decides about one's own workspace is known without reading it.
        let own = Workspace::new(caller.workspace.clone(), "", None, caller.user, jiff::Timestamp::UNIX_EPOCH);
        in_query(parts).workspace.is_none().then_some(own)
    }
    fn wanted(workspace: &WorkspaceId, _: UserId) -> Vec<Key> {
        vec![keys::workspace(workspace)]
    }
    fn found(workspace: &WorkspaceId, _: UserId, items: &mut Items) -> Result<Option<(Workspace, Option<CollectionRole>)>, Problem> {
        Ok(items.remove(&keys::workspace(workspace)).map(store::read).transpose()?.map(|workspace| (workspace, None)))
    }
}

/// Where the element that the address names probably lies: read along, it spares a second read.
fn element_key(app: &App, params: &HashMap<String, String>) -> Option<Key> {
    let collection = CollectionId::parse(params.get("collection")?).ok()?;
    app.store.probable_element(&collection, &ElementId::parse(params.get("item")?).ok()?)
}

/// The question who asks and what they may, for those who answer more than once or after a while: it is asked again
/// before each answer, and counts as one request.
#[derive(Debug, Clone)]
pub struct Again(Parts);

impl<S: Sync> FromRequestParts<S> for Again {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Again, std::convert::Infallible> {
        let mut parts = parts.clone();
        parts.extensions.remove::<Meter>();
        Ok(Again(parts))
    }
}

impl Again {
    /// Asks as [`By`] did.
    #[allow(private_bounds)] // As for `By`.
    pub async fn ask<P: Permission<Thing: Named + Send> + Send>(&self, app: &App) -> Result<Access<P>, Problem>
    where
        <P::Thing as Named>::Name: Send + Sync,
    {
        let By(access) = By::<P>::from_request_parts(&mut self.0.clone(), app).await?;
        Ok(access)
    }
}

/// What was read along with the caller. To be asked for behind [`By`].
#[derive(Debug, Clone, Default)]
pub struct Fetched(pub store::elements::Fetched);

impl<S: Sync> FromRequestParts<S> for Fetched {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Fetched, std::convert::Infallible> {
        Ok(parts.extensions.remove::<Fetched>().unwrap_or_default())
    }
}

/// On which revision a write is based: `If-Match` with the `ETag` of what was read, and `Prefer: handling=strict`.
#[derive(Debug, Clone, Copy)]
pub struct Seen(pub Basis);

impl<S: Sync> FromRequestParts<S> for Seen {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Seen, Problem> {
        let text = |name: header::HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let strict =
            parts.headers.get("prefer").and_then(|value| value.to_str().ok()).is_some_and(|prefer| prefer.contains("handling=strict"));
        let revision = match text(header::IF_MATCH).map(str::trim) {
            None | Some("*") => None,
            Some(tag) => {
                let number = tag.trim_start_matches("W/").trim_matches('"').parse();
                Some(number.map_err(|_| Problem::Malformed("If-Match takes the ETag of what was read: a revision in quotes".to_owned()))?)
            }
        };
        Ok(Seen(Basis { revision, strict }))
    }
}

/// The parameters of the path by their names.
async fn params(parts: &mut Parts, app: &App) -> HashMap<String, String> {
    let params = RawPathParams::from_request_parts(parts, app).await;
    params.map(|params| params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()).unwrap_or_default()
}

impl App {
    /// The caller's right to a collection that no address names, but a body or a key does. One more read.
    pub async fn reach<P: Permission<Thing = Head>>(&self, caller: &Caller, collection: &CollectionId) -> Result<Access<P>, Problem> {
        let not_found = Problem::NotFound(Head::WHAT);
        let (head, grant) = self.store.collection(collection, caller.user).await?.ok_or_else(|| not_found.clone())?;
        Access::check(caller.clone(), head, grant).map_err(|denied| match denied {
            Denied::NotFound => not_found,
            denied => denied.into(),
        })
    }

    /// A pull request that the caller may see, by what an address calls it.
    pub async fn pull(&self, caller: &Caller, id: &str) -> Result<store::pulls::Seen, Problem> {
        let not_found = Problem::NotFound("pull request");
        let id: PullId = id.parse().map_err(|_| not_found.clone())?;
        self.store.pull(caller, &id).await?.ok_or(not_found)
    }
}

impl App {
    /// All collections that the caller sees in their workspaces, or the one that their key is bound to.
    pub async fn visible(&self, caller: &Caller) -> Result<Vec<Listed>, Problem> {
        if let Some(only) = &caller.only {
            return match self.reach::<ReadCollection>(caller, only).await {
                Ok(by) => Ok(self.store.listed_one(&by).await?.into_iter().collect()),
                Err(Problem::NotFound(_)) => Ok(Vec::new()),
                Err(problem) => Err(problem),
            };
        }
        let readable = self.store.workspaces(caller).await?.into_iter();
        let readable: Vec<_> = readable.filter_map(|one| Access::<ReadWorkspace>::check(caller.clone(), one, None).ok()).collect();
        let found = futures::future::try_join_all(readable.iter().map(|by| self.store.listed(by))).await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// The caller for one step of a request that writes in several: each is known again by itself.
    pub async fn step(&self, caller: &Caller, key: &Keyed, step: &str) -> Result<Caller, Problem> {
        let Some(name) = &key.0 else { return Ok(Caller { once: None, ..caller.clone() }) };
        let key = Tokens::hash(&format!("{name} {step}"));
        let done = self.store.done_before(caller.user, &key).await?;
        let request = done.as_ref().map_or_else(|| step.to_owned(), |done| done.request.clone());
        Ok(Caller { once: Some(Once { key, request, done: done.map(Arc::new) }), ..caller.clone() })
    }
}

/// The `Idempotency-Key` of a request that writes in several steps.
#[derive(Debug, Clone)]
pub struct Keyed(Option<String>);

impl<S: Sync> FromRequestParts<S> for Keyed {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Keyed, Problem> {
        Ok(Keyed(once(parts)?.map(|once| format!("{} {}", once.key, once.request))))
    }
}

#[allow(private_bounds)] // Which things an address can name is this file's business.
impl<P: Permission<Thing: Named + Send> + Send> FromRequestParts<App> for By<P>
where
    <P::Thing as Named>::Name: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<By<P>, Problem> {
        let not_found = Problem::NotFound(P::Thing::WHAT);
        let params = params(parts, app).await;
        let name = P::Thing::name(&params, parts);
        let element = element_key(app, &params);
        let once = once(parts)?;
        let wanted = |user| {
            let named = name.as_ref().map(|name| P::Thing::wanted(name, user)).unwrap_or_default();
            named.into_iter().chain(element).chain(once.as_ref().map(|once| keys::once(user, &once.key))).collect()
        };
        let (mut caller, mut items) = caller(app, parts, wanted).await?;
        let user = caller.user;
        if let Some(once) = once {
            let done = match items.remove(&keys::once(user, &once.key)) {
                Some(item) => Some(app.store.done(item).await?),
                None => None,
            };
            if done.as_ref().is_some_and(|done| done.request != once.request) {
                return Err(Problem::field("", "this Idempotency-Key was used for another request: choose a new one for each"));
            }
            caller.once = Some(Once { done: done.map(Arc::new), ..once });
        }
        let found = match name {
            Some(name) => P::Thing::found(&name, user, &mut items)?,
            None => P::Thing::own(&caller, parts).map(|own| (own, None)),
        };
        parts.extensions.insert(Fetched(items));
        let (thing, grant) = found.ok_or_else(|| not_found.clone())?;
        // Who deleted it and did not hear the answer asks again.
        let thing = if caller.done().is_some() { thing.undeleted() } else { thing };
        let access = Access::check(caller, thing, grant).map_err(|denied| match denied {
            Denied::NotFound => not_found,
            denied => denied.into(),
        })?;
        if !P::Thing::KEPT {
            crate::once::first_time(app, parts, user, access.caller.once.as_ref()).await?;
        }
        Ok(By(access))
    }
}

/// What anybody may do `P` to, whoever asks: for pages that are the same for all. Reads the thing only.
pub struct Anyone<P: Permission>(pub Access<P>);

/// Proof that the caller may do `P`, or that anybody may: for what shows a public thing as it is now. What tells of people,
/// or of the past, asks for [`By`].
pub struct Open<P: Permission>(pub Access<P>);

#[allow(private_bounds)] // Which things an address can name is this file's business.
impl<P: Permission<Thing: Named + Send> + Send> FromRequestParts<App> for Anyone<P>
where
    <P::Thing as Named>::Name: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Anyone<P>, Problem> {
        let not_found = Problem::NotFound(P::Thing::WHAT);
        let params = params(parts, app).await;
        let name = P::Thing::name(&params, parts).ok_or_else(|| not_found.clone())?;
        let caller = Caller::anyone();
        let wanted: Vec<Key> = P::Thing::wanted(&name, caller.user).into_iter().chain(element_key(app, &params)).collect();
        let mut items = app.store.get_all(&wanted).await?;
        let (thing, _) = P::Thing::found(&name, caller.user, &mut items)?.ok_or_else(|| not_found.clone())?;
        parts.extensions.insert(Fetched(items));
        Access::check(caller, thing, None).map(Anyone).map_err(|_| not_found)
    }
}

#[allow(private_bounds)] // As above.
impl<P: Permission<Thing: Named + Send> + Send> FromRequestParts<App> for Open<P>
where
    <P::Thing as Named>::Name: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Open<P>, Problem> {
        match By::from_request_parts(parts, app).await {
            Ok(By(access)) => Ok(Open(access)),
            Err(problem @ (Problem::NotFound(_) | Problem::Unauthenticated(_) | Problem::Forbidden(_))) => {
                let open = Anyone::from_request_parts(parts, app).await;
                open.map(|Anyone(access)| Open(access)).map_err(|_| problem)
            }
            Err(problem) => Err(problem),
        }
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Path<T>, Problem> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Path(value)),
            // An id that cannot be one names nothing.
            Err(_) => Err(Problem::NotFound("thing")),
        }
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Query<T>, Problem> {
        match axum::extract::Query::<T>::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(value)) => Ok(Query(value)),
            Err(rejection) => Err(Problem::Malformed(format!("the query cannot be read: {rejection}"))),
        }
    }
}

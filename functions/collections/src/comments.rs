//! What people say about a collection and what is in it, at the Postman API's addresses. Whoever may read the thing as a
//! member may say something; who wrote a comment changes it; they and the admins of the collection take it away.

use std::collections::BTreeMap;

use app::{App, By, Fetched, Holder, Json, Path, Problem, Typed, Wrong};
use axum::extract::State;
use axum::http::StatusCode;
use domain::access::{Access, Comment as MayComment, ManageComments};
use domain::change::ItemRef;
use domain::collection::{Head, Kind};
use domain::comment::{self, Comment, Topic};
use domain::ids::{CommentId, ElementId, ThreadId, UserId};
use domain::limit;
use domain::once::Done;
use serde::Deserialize;
use serde_json::{Value, json};
use store::Conflict;
use store::comments::{Said, Saying};

/// What a comment says: `tags` names those whom it mentions, `{"@anna": {"type": "user", "id": "123"}}`. Names in the text
/// (`@anna`) of people who can see it count as well.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[schema(as = comments::New)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct New {
    body: String,
    #[serde(rename = "threadId")]
    thread: Option<Value>,
    tags: Option<BTreeMap<String, Value>>,
}

/// The same of one that is changed: its thread stays.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[schema(as = comments::Reworded)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Reworded {
    body: String,
    tags: Option<BTreeMap<String, Value>>,
}

type Created = (StatusCode, Json<Value>);

/// What a thread is about, where it is there.
async fn topic(app: &App, head: &Head, of: Option<(Kind, &str)>, fetched: &Fetched) -> Result<(Topic, Option<ItemRef>), Problem> {
    let Some((kind, item)) = of else { return Ok((Topic::Collection, None)) };
    let gone = || Problem::NotFound(kind.as_str());
    let id = ElementId::parse(item).map_err(|_| gone())?;
    let element = app.store.element(head, &id, &fetched.0).await?.filter(|element| element.kind == kind).ok_or_else(gone)?;
    Ok((Topic::Element(id), Some(ItemRef::from(&element))))
}

/// Who is mentioned: whom the tags name, who have to be people that can see the thing, and whom the text names, of whom
/// those count that can.
async fn mentions(
    app: &App,
    by: &Access<MayComment>,
    body: &str,
    tags: Option<BTreeMap<String, Value>>,
    wrong: &mut Wrong,
) -> Result<BTreeMap<UserId, String>, Problem> {
    let tags = tags.unwrap_or_default();
    if limit::MENTIONS < tags.len() {
        wrong.note("/tags", format!("a comment mentions at most {} people", limit::MENTIONS));
        return Ok(BTreeMap::new());
    }
    let mut wanted: Vec<(String, UserId)> = Vec::new();
    for tag in comment::tagged(&tags) {
        match tag {
            Ok(tag) => wanted.push(tag),
            Err((pointer, why)) => wrong.note(&pointer, why.0),
        }
    }
    let collection = &by.thing.collection;
    let mut found = Vec::new();
    if !wanted.is_empty() {
        let users: Vec<UserId> = wanted.iter().map(|(_, user)| *user).collect();
        found = app.store.readers(collection, &users).await?;
        for (pointer, user) in &wanted {
            if !found.iter().any(|reader| reader.id == *user) {
                wrong.note(pointer, "nobody with this id can see this");
            }
        }
    }
    let mut names = comment::named(body);
    names.retain(|name| !found.iter().any(|reader| reader.username.folded() == name.folded()));
    names.truncate(limit::MENTIONS.saturating_sub(found.len()));
    if !names.is_empty() {
        found.extend(app.store.readers_named(collection, &names).await?);
    }
    Ok(found.into_iter().map(|reader| (reader.id, reader.username.to_string())).collect())
}

/// The thread that a new comment answers.
async fn answered(app: &App, by: &Access<MayComment>, topic: &Topic, raw: Value) -> Result<ThreadId, Problem> {
    let id = match &raw {
        Value::Number(id) => id.as_u64().map(ThreadId),
        Value::String(id) => id.parse().ok(),
        _ => return Err(Problem::field("/threadId", "the id of a thread is an integer")),
    };
    let thread = match id {
        Some(id) => app.store.thread(id).await?,
        None => None,
    };
    let here = thread.filter(|thread| thread.collection == by.thing.collection && thread.topic == *topic);
    here.map(|thread| thread.id).ok_or_else(|| Problem::field("/threadId", "there is no such thread here"))
}

async fn create(
    app: &App,
    by: &Access<MayComment>,
    of: Option<(Kind, &str)>,
    fetched: &Fetched,
    new: New,
    mut wrong: Wrong,
) -> Result<Created, Problem> {
    if let Some(done) = by.caller.done() {
        let said = serde_json::from_str(&done.json).map_err(|error| Problem::Internal(error.to_string()))?;
        return Ok((StatusCode::CREATED, Json(said)));
    }
    let (topic, item) = topic(app, &by.thing, of, fetched).await?;
    let body = wrong.keep("/body", comment::body(&new.body));
    let thread = match new.thread.filter(|thread| !thread.is_null()) {
        Some(raw) => wrong.absorb(answered(app, by, &topic, raw).await)?,
        None => None,
    };
    let mentions = mentions(app, by, body.as_deref().unwrap_or_default(), new.tags, &mut wrong).await?;
    let body = wrong.with(body)?;
    let saying = || Saying {
        id: CommentId::new(app.now(), app.random()),
        topic: topic.clone(),
        item: item.clone(),
        thread,
        body: body.clone(),
        mentions: mentions.clone(),
    };
    let done = |said: &Said| Done { json: answer(&said.comment, said.thread.resolved_by.is_some()).to_string(), ..Done::default() };
    let said = match app.store.say(by, saying(), done, app.now()).await {
        // Two in one millisecond meet once in 4,096 times.
        Err(store::Error::Conflict(Conflict::IdTaken)) => app.store.say(by, saying(), done, app.now()).await?,
        said => said?,
    };
    Ok((StatusCode::CREATED, Json(answer(&said.comment, said.thread.resolved_by.is_some()))))
}

fn answer(comment: &Comment, resolved: bool) -> Value {
    json!({"data": comment.shown(resolved)})
}

/// The comment that the address names, of what it names.
async fn named(app: &App, by: &Access<MayComment>, topic: &Topic, raw: &str) -> Result<Comment, Problem> {
    let gone = || Problem::NotFound("comment");
    let id: CommentId = raw.parse().map_err(|_| gone())?;
    app.store.comment(&by.thing.collection, topic, id).await?.ok_or_else(gone)
}

async fn change(
    app: &App,
    by: &Access<MayComment>,
    of: Option<(Kind, &str)>,
    comment: &str,
    fetched: &Fetched,
    new: Reworded,
    mut wrong: Wrong,
) -> Result<Json<Value>, Problem> {
    let (topic, item) = topic(app, &by.thing, of, fetched).await?;
    let known = named(app, by, &topic, comment).await?;
    if known.actor.id != by.caller.user {
        return Err(Problem::Forbidden("who wrote it"));
    }
    let body = wrong.keep("/body", comment::body(&new.body));
    let mentions = mentions(app, by, body.as_deref().unwrap_or_default(), new.tags, &mut wrong).await?;
    let body = wrong.with(body)?;
    let thread = app.store.thread(known.thread).await?.ok_or(Problem::NotFound("comment"))?;
    let changed = app.store.reword(by, known, item, body, mentions, app.now()).await?;
    Ok(Json(answer(&changed, thread.resolved_by.is_some())))
}

async fn delete(
    app: &App,
    by: &Access<MayComment>,
    of: Option<(Kind, &str)>,
    comment: &str,
    fetched: &Fetched,
) -> Result<StatusCode, Problem> {
    let (topic, item) = topic(app, &by.thing, of, fetched).await?;
    let known = named(app, by, &topic, comment).await?;
    if known.actor.id != by.caller.user && by.also::<ManageComments>().is_none() {
        return Err(Problem::Forbidden("who wrote it, or the role admin in the collection"));
    }
    app.store.unsay(by, &known, item, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn settle(app: &App, Holder(caller): Holder, raw: &str, resolved: bool) -> Result<StatusCode, Problem> {
    let gone = || Problem::NotFound("thread");
    let thread = app.store.thread(raw.parse().map_err(|_| gone())?).await?.ok_or_else(gone)?;
    let by = app.reach::<MayComment>(&caller, &thread.collection).await.map_err(|problem| match problem {
        Problem::NotFound(_) => gone(),
        problem => problem,
    })?;
    let item = match &thread.topic {
        Topic::Element(id) => {
            let element = app.store.element(&by.thing, id, &Fetched::default().0).await?.ok_or_else(gone)?;
            Some(ItemRef::from(&element))
        }
        Topic::Collection | Topic::Pull(_) => None,
    };
    app.store.settle_thread(&by, &thread, item, resolved, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Call a thread of comments resolved.
#[utoipa::path(post, path = "/api/comments-resolutions/{thread}", tag = "Comments", params(("thread" = u64, Path)),
    responses((status = 204, description = "It is")))]
pub(crate) async fn resolve(holder: Holder, Path(thread): Path<String>, State(app): State<App>) -> Result<StatusCode, Problem> {
    settle(&app, holder, &thread, true).await
}

/// Open a thread of comments again.
#[utoipa::path(delete, path = "/api/comments-resolutions/{thread}", tag = "Comments", params(("thread" = u64, Path)),
    responses((status = 204, description = "It is")))]
pub(crate) async fn reopen(holder: Holder, Path(thread): Path<String>, State(app): State<App>) -> Result<StatusCode, Problem> {
    settle(&app, holder, &thread, false).await
}

/// Say something about a collection; with `threadId`, answer.
#[utoipa::path(post, path = "/api/collections/{collection}/comments", tag = "Comments", request_body = New, params(("collection" = String, Path)),
    responses((status = 201, description = "`{\"data\":{\"id\",\"threadId\",\"status\",\"createdBy\",\"createdAt\",\"updatedAt\",\"body\"}}`")))]
pub(crate) async fn on_collection(
    By(by): By<MayComment>,
    fetched: Fetched,
    State(app): State<App>,
    Typed(new, wrong): Typed<New>,
) -> Result<Created, Problem> {
    create(&app, &by, None, &fetched, new, wrong).await
}

/// Put one's own comment on a collection otherwise.
#[utoipa::path(put, path = "/api/collections/{collection}/comments/{comment}", tag = "Comments", request_body = Reworded,
    params(("collection" = String, Path), ("comment" = u64, Path)), responses((status = 200, description = "`{\"data\"}`, the comment")))]
pub(crate) async fn change_on_collection(
    By(by): By<MayComment>,
    fetched: Fetched,
    Path((_, comment)): Path<(String, String)>,
    State(app): State<App>,
    Typed(new, wrong): Typed<Reworded>,
) -> Result<Json<Value>, Problem> {
    change(&app, &by, None, &comment, &fetched, new, wrong).await
}

/// Take a comment on a collection away; with the first one of a thread all of it.
#[utoipa::path(delete, path = "/api/collections/{collection}/comments/{comment}", tag = "Comments",
    params(("collection" = String, Path), ("comment" = u64, Path)), responses((status = 204, description = "It is gone")))]
pub(crate) async fn delete_on_collection(
    By(by): By<MayComment>,
    fetched: Fetched,
    Path((_, comment)): Path<(String, String)>,
    State(app): State<App>,
) -> Result<StatusCode, Problem> {
    delete(&app, &by, None, &comment, &fetched).await
}

/// The three handlers for comments on one kind of element: each path has its own in the OpenAPI document.
macro_rules! said_on {
    ($kind:expr, $all:literal, $one:literal, $(#[$say:meta])* $create:ident, $(#[$reword:meta])* $change:ident, $(#[$take:meta])* $delete:ident) => {
        $(#[$say])*
        #[utoipa::path(post, path = $all, tag = "Comments", request_body = New, params(("collection" = String, Path), ("item" = String, Path)),
            responses((status = 201, description = "`{\"data\"}`, the comment")))]
        pub(crate) async fn $create(
            By(by): By<MayComment>,
            fetched: Fetched,
            Path((_, item)): Path<(String, String)>,
            State(app): State<App>,
            Typed(new, wrong): Typed<New>,
        ) -> Result<Created, Problem> {
            create(&app, &by, Some(($kind, &item)), &fetched, new, wrong).await
        }

        $(#[$reword])*
        #[utoipa::path(put, path = $one, tag = "Comments", request_body = Reworded,
            params(("collection" = String, Path), ("item" = String, Path), ("comment" = u64, Path)),
            responses((status = 200, description = "`{\"data\"}`, the comment")))]
        pub(crate) async fn $change(
            By(by): By<MayComment>,
            fetched: Fetched,
            Path((_, item, comment)): Path<(String, String, String)>,
            State(app): State<App>,
            Typed(new, wrong): Typed<Reworded>,
        ) -> Result<Json<Value>, Problem> {
            change(&app, &by, Some(($kind, &item)), &comment, &fetched, new, wrong).await
        }

        $(#[$take])*
        #[utoipa::path(delete, path = $one, tag = "Comments",
            params(("collection" = String, Path), ("item" = String, Path), ("comment" = u64, Path)),
            responses((status = 204, description = "It is gone")))]
        pub(crate) async fn $delete(
            By(by): By<MayComment>,
            fetched: Fetched,
            Path((_, item, comment)): Path<(String, String, String)>,
            State(app): State<App>,
        ) -> Result<StatusCode, Problem> {
            delete(&app, &by, Some(($kind, &item)), &comment, &fetched).await
        }
    };
}

said_on! {
    Kind::Folder, "/api/collections/{collection}/folders/{item}/comments", "/api/collections/{collection}/folders/{item}/comments/{comment}",
    /// Say something about a folder; with `threadId`, answer.
    on_folder,
    /// Put one's own comment on a folder otherwise.
    change_on_folder,
    /// Take a comment on a folder away; with the first one of a thread all of it.
    delete_on_folder
}

said_on! {
    Kind::Request, "/api/collections/{collection}/requests/{item}/comments", "/api/collections/{collection}/requests/{item}/comments/{comment}",
    /// Say something about a request; with `threadId`, answer.
    on_request,
    /// Put one's own comment on a request otherwise.
    change_on_request,
    /// Take a comment on a request away; with the first one of a thread all of it.
    delete_on_request
}

said_on! {
    Kind::Response, "/api/collections/{collection}/responses/{item}/comments", "/api/collections/{collection}/responses/{item}/comments/{comment}",
    /// Say something about a response; with `threadId`, answer.
    on_response,
    /// Put one's own comment on a response otherwise.
    change_on_response,
    /// Take a comment on a response away; with the first one of a thread all of it.
    delete_on_response
}

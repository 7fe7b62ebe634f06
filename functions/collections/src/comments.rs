//! What people say about a collection and what is in it, at the Postman API's addresses. Whoever may read the thing as a
//! member may say something; who wrote a comment changes it; they and the admins of the collection take it away.

use std::collections::BTreeMap;
use std::future::{Future, ready};

use app::{App, By, Fetched, Holder, Json, Path, Problem, Typed, Who, Wrong};
use axum::extract::State;
use axum::http::StatusCode;
use domain::access::{Access, Caller, Comment as MayComment, ManageComments};
use domain::change::ItemRef;
use domain::collection::{Head, Kind};
use domain::comment::{self, Comment, Subject, Topic};
use domain::ids::{CollectionId, CommentId, ElementId, ThreadId, UserId};
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
async fn element(app: &App, head: &Head, kind: Kind, item: &str, fetched: &Fetched) -> Result<Subject, Problem> {
    let gone = || Problem::NotFound(kind.as_str());
    let id = ElementId::parse(item).map_err(|_| gone())?;
    let element = app.store.element(head, &id, &fetched.0).await?.filter(|element| element.kind == kind).ok_or_else(gone)?;
    Ok(Subject::Element(ItemRef::from(&element)))
}

/// The caller's right to say something about a pull request: who sees both of its collections sees it.
async fn pull(app: &App, caller: &Caller, id: &str) -> Result<(Access<MayComment>, Subject), Problem> {
    let seen = app.pull(caller, id).await?;
    Ok((app.reach(caller, &seen.pull.destination.collection).await?, Subject::Pull((&seen.pull).into())))
}

/// Who is mentioned: whom the tags name, who have to be people that can see the thing, and whom the text names, of whom
/// those count that can.
async fn mentions(
    app: &App,
    seen_with: &[CollectionId],
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
    let mut found = Vec::new();
    if !wanted.is_empty() {
        let users: Vec<UserId> = wanted.iter().map(|(_, user)| *user).collect();
        found = app.store.readers_of_all(seen_with, &users).await?;
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
        found.extend(app.store.readers_named(seen_with, &names).await?);
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
    about: impl Future<Output = Result<Subject, Problem>>,
    new: New,
    mut wrong: Wrong,
) -> Result<Created, Problem> {
    if let Some(done) = by.caller.done() {
        let said = serde_json::from_str(&done.json).map_err(|error| Problem::Internal(error.to_string()))?;
        return Ok((StatusCode::CREATED, Json(said)));
    }
    let about = about.await?;
    let body = wrong.keep("/body", comment::body(&new.body));
    let thread = match new.thread.filter(|thread| !thread.is_null()) {
        Some(raw) => wrong.absorb(answered(app, by, &about.topic(), raw).await)?,
        None => None,
    };
    let mentions = mentions(app, &about.seen_with(&by.thing.collection), body.as_deref().unwrap_or_default(), new.tags, &mut wrong).await?;
    let body = wrong.with(body)?;
    let saying = || Saying {
        id: CommentId::new(app.now(), app.random()),
        about: about.clone(),
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
    about: Subject,
    comment: &str,
    new: Reworded,
    mut wrong: Wrong,
) -> Result<Json<Value>, Problem> {
    let known = named(app, by, &about.topic(), comment).await?;
    if known.actor.id != by.caller.user {
        return Err(Problem::Forbidden("who wrote it"));
    }
    let body = wrong.keep("/body", comment::body(&new.body));
    let mentions = mentions(app, &about.seen_with(&by.thing.collection), body.as_deref().unwrap_or_default(), new.tags, &mut wrong).await?;
    let body = wrong.with(body)?;
    let thread = app.store.thread(known.thread).await?.ok_or(Problem::NotFound("comment"))?;
    let changed = app.store.reword(by, known, about, body, mentions, app.now()).await?;
    Ok(Json(answer(&changed, thread.resolved_by.is_some())))
}

async fn delete(app: &App, by: &Access<MayComment>, about: Subject, comment: &str) -> Result<StatusCode, Problem> {
    let known = named(app, by, &about.topic(), comment).await?;
    if known.actor.id != by.caller.user && by.also::<ManageComments>().is_none() {
        return Err(Problem::Forbidden("who wrote it, or the role admin in the collection"));
    }
    app.store.unsay(by, &known, about, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn settle(app: &App, Holder(caller): Holder, raw: &str, resolved: bool) -> Result<StatusCode, Problem> {
    let gone = || Problem::NotFound("thread");
    let thread = app.store.thread(raw.parse().map_err(|_| gone())?).await?.ok_or_else(gone)?;
    let unseen = |problem| match problem {
        Problem::NotFound(_) => gone(),
        problem => problem,
    };
    let by = app.reach::<MayComment>(&caller, &thread.collection).await.map_err(unseen)?;
    let about = match &thread.topic {
        Topic::Collection => Subject::Collection,
        Topic::Element(id) => {
            let element = app.store.element(&by.thing, id, &Fetched::default().0).await?.ok_or_else(gone)?;
            Subject::Element(ItemRef::from(&element))
        }
        Topic::Pull(id) => Subject::Pull((&app.pull(&caller, id.as_str()).await.map_err(unseen)?.pull).into()),
    };
    app.store.settle_thread(&by, &thread, about, resolved, app.now()).await?;
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
    State(app): State<App>,
    Typed(new, wrong): Typed<New>,
) -> Result<Created, Problem> {
    create(&app, &by, ready(Ok(Subject::Collection)), new, wrong).await
}

/// Put one's own comment on a collection otherwise.
#[utoipa::path(put, path = "/api/collections/{collection}/comments/{comment}", tag = "Comments", request_body = Reworded,
    params(("collection" = String, Path), ("comment" = u64, Path)), responses((status = 200, description = "`{\"data\"}`, the comment")))]
pub(crate) async fn change_on_collection(
    By(by): By<MayComment>,
    Path((_, comment)): Path<(String, String)>,
    State(app): State<App>,
    Typed(new, wrong): Typed<Reworded>,
) -> Result<Json<Value>, Problem> {
    change(&app, &by, Subject::Collection, &comment, new, wrong).await
}

/// Take a comment on a collection away; with the first one of a thread all of it.
#[utoipa::path(delete, path = "/api/collections/{collection}/comments/{comment}", tag = "Comments",
    params(("collection" = String, Path), ("comment" = u64, Path)), responses((status = 204, description = "It is gone")))]
pub(crate) async fn delete_on_collection(
    By(by): By<MayComment>,
    Path((_, comment)): Path<(String, String)>,
    State(app): State<App>,
) -> Result<StatusCode, Problem> {
    delete(&app, &by, Subject::Collection, &comment).await
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
            create(&app, &by, element(&app, &by.thing, $kind, &item, &fetched), new, wrong).await
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
            let about = element(&app, &by.thing, $kind, &item, &fetched).await?;
            change(&app, &by, about, &comment, new, wrong).await
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
            let about = element(&app, &by.thing, $kind, &item, &fetched).await?;
            delete(&app, &by, about, &comment).await
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

/// Say something about a pull request; with `threadId`, answer.
#[utoipa::path(post, path = "/api/pull-requests/{pull}/comments", tag = "Comments", request_body = New, params(("pull" = String, Path)),
    responses((status = 201, description = "`{\"data\"}`, the comment")))]
pub(crate) async fn on_pull(
    Who(caller): Who,
    Path(id): Path<String>,
    State(app): State<App>,
    Typed(new, wrong): Typed<New>,
) -> Result<Created, Problem> {
    let (by, about) = pull(&app, &caller, &id).await?;
    create(&app, &by, ready(Ok(about)), new, wrong).await
}

/// Put one's own comment on a pull request otherwise.
#[utoipa::path(put, path = "/api/pull-requests/{pull}/comments/{comment}", tag = "Comments", request_body = Reworded,
    params(("pull" = String, Path), ("comment" = u64, Path)), responses((status = 200, description = "`{\"data\"}`, the comment")))]
pub(crate) async fn change_on_pull(
    Who(caller): Who,
    Path((id, comment)): Path<(String, String)>,
    State(app): State<App>,
    Typed(new, wrong): Typed<Reworded>,
) -> Result<Json<Value>, Problem> {
    let (by, about) = pull(&app, &caller, &id).await?;
    change(&app, &by, about, &comment, new, wrong).await
}

/// Take a comment on a pull request away; with the first one of a thread all of it.
#[utoipa::path(delete, path = "/api/pull-requests/{pull}/comments/{comment}", tag = "Comments",
    params(("pull" = String, Path), ("comment" = u64, Path)), responses((status = 204, description = "It is gone")))]
pub(crate) async fn delete_on_pull(
    Who(caller): Who,
    Path((id, comment)): Path<(String, String)>,
    State(app): State<App>,
) -> Result<StatusCode, Problem> {
    let (by, about) = pull(&app, &caller, &id).await?;
    delete(&app, &by, about, &comment).await
}

//! Pull requests: asking for a merge, looking at it, merging.

use app::{App, By, Json, Path, Problem, Typed, Who, Wrong};
use axum::extract::State;
use domain::access::{Access, Caller, EditCollection, ReadCollection, ReviewCollection};
use domain::collection::Head;
use domain::ids::{CollectionId, UserId};
use domain::pull::{Pull, Status, Verdict};
use domain::{Rejected, limit};
use serde::Deserialize;
use serde_json::{Value, json};
use store::forks::Outcome;
use store::pulls::{Asked, Seen};
use utoipa::ToSchema;

use crate::forks::{Chosen, Settled, line, unsettled};

/// What is asked.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Body {
    /// What it is about: 1 to 255 characters.
    title: String,
    /// And in more: at most 10,000 characters.
    description: String,
    /// The ids of those who are to look at it, at most 20. They have to see both collections.
    #[schema(value_type = Vec<String>)]
    reviewers: Vec<Value>,
    /// For a new one: the uid of what it is to be merged into.
    #[serde(rename = "destinationId")]
    destination: Option<String>,
}

fn title(raw: &str) -> Result<String, Rejected> {
    line(raw, "title", "a pull request has a title")
}

fn short(text: &str) -> Result<(), Rejected> {
    let long = limit::PULL_CHARS < text.chars().count();
    if long { Err(Rejected::because(format!("this has at most {} characters", limit::PULL_CHARS))) } else { Ok(()) }
}

/// The people who are asked: each sees both collections, and is not the author.
async fn reviewers(app: &App, given: &[Value], author: UserId, of: &[CollectionId; 2], wrong: &mut Wrong) -> Result<Vec<UserId>, Problem> {
    if limit::REVIEWERS < given.len() {
        wrong.note("/reviewers", format!("at most {} people are asked", limit::REVIEWERS));
        return Ok(Vec::new());
    }
    let mut users: Vec<(usize, UserId)> = Vec::new();
    for (place, one) in given.iter().enumerate() {
        let number = one.as_u64().or_else(|| one.as_str().and_then(|text| text.parse().ok()));
        match number.map(UserId) {
            Some(user) if user == author => wrong.note(&format!("/reviewers/{place}"), "its author does not review a pull request"),
            Some(user) if users.iter().all(|(_, known)| *known != user) => users.push((place, user)),
            Some(_) => (),
            None => wrong.note(&format!("/reviewers/{place}"), "this is no id of a person"),
        }
    }
    let ids: Vec<UserId> = users.iter().map(|(_, user)| *user).collect();
    let readers = app.store.readers_of_all(of, &ids).await?;
    for (place, user) in &users {
        if !readers.iter().any(|reader| reader.id == *user) {
            wrong.note(&format!("/reviewers/{place}"), "this person does not see both collections");
        }
    }
    Ok(ids)
}

/// What a pull request is to say.
async fn read(app: &App, body: &Body, author: UserId, of: &[CollectionId; 2], mut wrong: Wrong) -> Result<Asked, Problem> {
    let title = wrong.keep("/title", title(&body.title));
    wrong.keep("/description", short(&body.description));
    let reviewers = reviewers(app, &body.reviewers, author, of, &mut wrong).await?;
    let title = wrong.with(title)?;
    Ok(Asked { title, description: body.description.clone(), reviewers })
}

/// Ask that this collection be merged into another, of which it is a fork (or which is a fork of it).
#[utoipa::path(post, path = "/api/collections/{collection}/pull-requests", tag = "Pull requests", params(("collection" = String, Path)),
    request_body = Body, responses((status = 200, description = "The pull request"), (status = 400, description = "`not_a_fork`")))]
pub(crate) async fn create(
    By(source): By<ReviewCollection>,
    State(app): State<App>,
    Typed(body, mut wrong): Typed<Body>,
) -> Result<Json<Value>, Problem> {
    let destination = CollectionId::parse(body.destination.as_deref().unwrap_or_default());
    let destination = destination.map_err(|_| Rejected::because("this is the uid of the collection that it is to be merged into"));
    let Some(destination) = wrong.keep("/destinationId", destination) else {
        wrong.keep("/title", title(&body.title));
        return Err(wrong.end().err().unwrap_or(Problem::NotFound("pull request")));
    };
    let destination: Access<ReviewCollection> = app.reach(&source.caller, &destination).await?;
    let of = [source.thing.collection.clone(), destination.thing.collection.clone()];
    let asked = read(&app, &body, source.caller.user, &of, wrong).await?;
    let pull = app.store.ask_to_merge(&source, &destination, asked, app.new_id().into(), app.now()).await?;
    Ok(Json(app::show::pull_in_list(&pull)))
}

/// The caller's right to say something about it, and whether they edit what it is to be merged into.
async fn by(app: &App, caller: &Caller, pull: &Pull) -> Result<(Access<ReviewCollection>, bool), Problem> {
    let by: Access<ReviewCollection> = app.reach(caller, &pull.destination.collection).await?;
    let edits = by.also::<EditCollection>().is_some();
    Ok((by, edits))
}

/// Change what a pull request says, and who is asked. For its author, and for those who edit what it is to be merged into.
#[utoipa::path(put, path = "/api/pull-requests/{pull}", tag = "Pull requests", params(("pull" = String, Path)), request_body = Body,
    responses((status = 200, description = "The pull request"), (status = 409, description = "`pull_merged`, `pull_changed`")))]
pub(crate) async fn change(
    Who(caller): Who,
    State(app): State<App>,
    Path(id): Path<String>,
    Typed(body, mut wrong): Typed<Body>,
) -> Result<Json<Value>, Problem> {
    let Seen { pull, .. } = app.pull(&caller, &id).await?;
    let (by, edits) = by(&app, &caller, &pull).await?;
    if pull.by != caller.user && !edits {
        return Err(Problem::Forbidden("to be its author, or the role editor in the collection that it is to be merged into"));
    }
    if body.destination.as_deref().is_some_and(|raw| CollectionId::parse(raw).ok().as_ref() != Some(&pull.destination.collection)) {
        wrong.note("/destinationId", "what it is to be merged into stays");
    }
    let asked = read(&app, &body, pull.by, &pull.collections(), wrong).await?;
    let pull = app.store.change_pull(&by, pull, asked, app.now()).await?;
    Ok(Json(app::show::pull_in_list(&pull)))
}

/// What somebody does with it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deed {
    /// `approve`, `unapprove`, `decline` or `merge`.
    #[serde(default)]
    action: String,
    /// Why it is declined.
    #[serde(default)]
    comment: Option<String>,
    /// The revision of what is to be merged that was looked at: an approval is for that one. Left out: as it is now.
    #[serde(default)]
    seen: Option<u64>,
    /// For a merge: what is to be where both changed the same, for single elements.
    #[serde(default)]
    choices: Vec<Chosen>,
    /// For all others: `mine` or `theirs`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    others: Option<domain::fork::Side>,
}

/// Approve, decline or merge a pull request. Who was asked, and who edits what it is to be merged into, approve and decline; its
/// author takes it back by declining. Who edits the destination merges.
#[utoipa::path(post, path = "/api/pull-requests/{pull}/tasks", tag = "Pull requests", params(("pull" = String, Path)), request_body = Deed,
    responses((status = 200, description = "`{\"id\",\"reviewedBy\",\"status\",\"updatedAt\"}`"),
        (status = 409, description = "`pull_merged`, `pull_declined`, `pull_changed`; or both sides changed the same: `conflicts`, `choices`")))]
pub(crate) async fn task(
    Who(caller): Who,
    State(app): State<App>,
    Path(id): Path<String>,
    Json(deed): Json<Deed>,
) -> Result<Json<Value>, Problem> {
    let seen = app.pull(&caller, &id).await?;
    let verdict = match deed.action.as_str() {
        "approve" => Some(Verdict::Approve),
        "unapprove" => Some(Verdict::Unapprove),
        "decline" => Some(Verdict::Decline),
        "merge" => None,
        _ => return Err(Problem::field("/action", "this is approve, unapprove, decline or merge")),
    };
    if let Some(comment) = &deed.comment {
        short(comment).map_err(|rejected| Problem::field("/comment", rejected.0))?;
    }
    let choices = Settled { choices: deed.choices, others: deed.others }.read()?;
    let pull = seen.pull;
    let (by, edits) = by(&app, &caller, &pull).await?;
    let Some(verdict) = verdict else {
        let into: Access<EditCollection> = app.reach(&caller, &pull.destination.collection).await?;
        let from: Access<ReadCollection> = app.reach(&caller, &pull.source.collection).await?;
        let merged = app.store.merge_pull(&into, &from, pull, &choices, || app.new_id().into(), app.now()).await?;
        return match merged {
            (Outcome::Done(_), pull) => Ok(Json(reviewed(&caller, &pull))),
            (Outcome::Clashes(clashes), _) => Err(unsettled(&clashes)),
        };
    };
    let author = pull.by == caller.user;
    if author && verdict != Verdict::Decline {
        return Err(Problem::Forbidden("somebody else than its author"));
    }
    if !edits && !pull.asks(caller.user) {
        return Err(Problem::Forbidden("to be asked for it, or the role editor in the collection that it is to be merged into"));
    }
    let now = seen.source.as_ref().map_or(0, |(head, _): &(Head, _)| head.seq);
    let seq = deed.seen.map_or(now, |seen| seen.min(now));
    let comment = deed.comment.map(|comment| comment.trim().to_owned()).filter(|comment| !comment.is_empty());
    let pull = app.store.review_pull(&by, pull, verdict, comment, seq, app.now()).await?;
    Ok(Json(reviewed(&caller, &pull)))
}

fn reviewed(by: &Caller, pull: &Pull) -> Value {
    let name = &by.username;
    json!({
        "id": pull.id,
        "reviewedBy": {"id": by.user, "name": name, "username": name},
        "status": Status::as_str(pull.status),
        "updatedAt": pull.updated_at,
    })
}

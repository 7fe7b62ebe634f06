//! Forks of a collection, and pull requests.

use app::{App, By, Who};
use axum::extract::State;
use axum::response::Response;
use domain::access::{Access, CreateCollection, EditCollection, ReadCollection, ReviewCollection};
use domain::change::FORMER_MEMBER;
use domain::comment::Subject;
use domain::fork::{Choices, Clash, Clashing, Difference, Tree, differences};
use domain::ids::UserId;
use domain::merge::FieldChange;
use domain::pull::Pull;

use crate::answer::{Lost, On, page};
use crate::comments;
use crate::library::{heading, may};
use crate::past::fields;
use crate::views::{ForkRow, Forks, Moment, Origin, PullPage, PullRow, Reviewer, Room, Teammate, Touched};
use crate::{frame, frame_of};

/// Pull requests that a page lists.
const PULLS: usize = 50;
/// Elements whose differences a page shows.
const SHOWN: usize = 200;

fn row(pull: &Pull) -> PullRow {
    PullRow {
        id: pull.id.to_string(),
        title: pull.title.clone(),
        source: pull.source.label.clone().unwrap_or_else(|| pull.source.name.clone()),
        destination: pull.destination.name.clone(),
        status: pull.status.as_str(),
        changed: Moment(pull.updated_at),
    }
}

/// The forks of a collection, what it is a fork of, and its pull requests.
#[utoipa::path(get, path = "/collections/{collection}/forks", params(("collection" = String, Path)), responses((status = 200), (status = 303), (status = 404)))]
pub async fn forks(State(app): State<App>, On(By(by)): On<By<ReadCollection>>) -> Result<Response, Lost> {
    let (head, caller) = (&by.thing, &by.caller);
    let forks = async { app.store.forks_of(&by).await.map_err(Lost::from) };
    let pulls = async { app.store.pulls_of(&by, None, PULLS).await.map_err(Lost::from) };
    let rooms = async { app.store.workspaces(caller).await.map_err(Lost::from) };
    let members = async {
        match head.team {
            Some(team) => app.store.members(team).await.map_err(Lost::from),
            None => Ok(Vec::new()),
        }
    };
    let (frame, forks, (pulls, _), rooms, members) = tokio::try_join!(frame_of(&app, caller, head), forks, pulls, rooms, members)?;
    let of = match &head.fork {
        None => None,
        Some(of) => {
            let parent = app.reach::<ReadCollection>(caller, &of.from).await.ok();
            let parent = parent.map(|parent| parent.thing.name);
            Some(Origin { id: of.from.to_string(), parent, label: of.label.clone(), since: Moment(of.at) })
        }
    };
    let fork = |fork: store::forks::Fork| ForkRow {
        id: fork.head.collection.to_string(),
        label: fork.of.label,
        by: fork.by,
        since: Moment(fork.of.at),
    };
    let others = members.into_iter().filter(|member| member.user != caller.user);
    let rooms = rooms.into_iter().filter(|room| Access::<CreateCollection>::check(caller.clone(), room.clone(), None).is_ok());
    let view = Forks {
        frame,
        collection: heading(head, Vec::new(), None),
        of,
        forks: forks.into_iter().map(fork).collect(),
        pulls: pulls.iter().map(|seen| row(&seen.pull)).collect(),
        people: others.map(|member| Teammate { id: member.user.to_string(), name: member.username }).collect(),
        rooms: rooms.map(|room| Room { id: room.id.to_string(), name: room.name }).collect(),
        may_edit: may::<EditCollection>(&by),
    };
    page(&app, &view)
}

fn touched(difference: &Difference) -> Touched {
    Touched {
        op: difference.op.as_str(),
        kind: difference.kind.as_str(),
        name: difference.name.clone(),
        fields: difference.changes.iter().flat_map(fields).collect(),
    }
}

/// A clash, as what the parent has (before) and what the fork has (after).
fn clashing(clash: &Clash) -> Touched {
    let places = clash
        .conflicts
        .iter()
        .flat_map(|place| fields(&FieldChange { pointer: place.pointer.clone(), before: place.theirs.clone(), after: place.mine.clone() }));
    Touched {
        op: match clash.clash {
            Clashing::Content => "changed",
            Clashing::Place => "moved",
            Clashing::Deletion => "deleted on one side",
        },
        kind: clash.kind.as_str(),
        name: clash.name.clone(),
        fields: places.collect(),
    }
}

/// A pull request, with what it would change.
#[utoipa::path(get, path = "/pull-requests/{pull}", params(("pull" = String, Path), ("comments" = Option<String>, Query)),
    responses((status = 200), (status = 303), (status = 404)))]
pub async fn pull(
    State(app): State<App>,
    On(Who(caller)): On<Who>,
    On(app::Path(id)): On<app::Path<String>>,
    On(app::Query(at)): On<app::Query<comments::At>>,
) -> Result<Response, Lost> {
    let seen = app.pull(&caller, &id).await?;
    let pull = &seen.pull;
    let people: Vec<UserId> = pull.reviewers.iter().copied().chain([pull.by]).collect();
    let names = async { app.store.profiles(&people).await.map_err(Lost::from) };
    let frame = async {
        match seen.destination.as_ref().or(seen.source.as_ref()) {
            Some((head, _)) => {
                let of = frame_of(&app, &caller, head).await?;
                Ok(of.under("Forks and pull requests", format!("/collections/{}/forks", head.collection)))
            }
            None => frame(&app, &caller, None, "library").await,
        }
    };
    let (frame, names) = tokio::try_join!(frame, names)?;
    let name = |user: UserId| names.get(&user).map_or_else(|| FORMER_MEMBER.to_owned(), |profile| profile.username.to_string());
    let now = seen.source.as_ref().map(|(head, _)| head.seq);
    let reviewers = pull.reviewers.iter().map(|user| {
        let (status, outdated) = pull.said(*user, now);
        Reviewer { name: name(*user), status: status.as_str(), outdated }
    });
    let gone = seen.source.is_none() || seen.destination.is_none();
    // What was said goes with what it was said about: the collection that it is to be merged into.
    let mut said = None;
    if let Some((head, _)) = &seen.destination {
        let into: Access<ReadCollection> = app.reach(&caller, &head.collection).await?;
        said = Some(comments::comments(&app, &into, Subject::Pull(pull.into()), &at).await?);
    }
    let both = [&seen.source, &seen.destination].into_iter().flatten();
    let watch: Vec<String> = both.map(|(head, _)| format!("{}:{}", head.collection, head.seq)).collect();
    let (mut changes, mut clashes, mut total) = (Vec::new(), Vec::new(), 0);
    let mut edits = false;
    let mut may_say = false;
    if !gone {
        let from: Access<ReadCollection> = app.reach(&caller, &pull.source.collection).await?;
        let into: Access<ReadCollection> = app.reach(&caller, &pull.destination.collection).await?;
        edits = may::<EditCollection>(&into);
        may_say = may::<ReviewCollection>(&into);
        match app.store.merge_forks(&into, &from, &Choices::default()).await? {
            (Ok(merged), there) => {
                let all = differences(Tree { root: &there.root, elements: &there.elements }, &merged);
                total = all.len();
                changes = all.iter().take(SHOWN).map(touched).collect();
            }
            (Err(found), _) => clashes = found.iter().take(SHOWN).map(clashing).collect(),
        }
    }
    let may_decline = may_say && (edits || pull.asks(caller.user));
    let view = PullPage {
        frame,
        pull: row(pull),
        destination: pull.destination.collection.to_string(),
        author: name(pull.by),
        description: pull.description.clone(),
        comment: pull.comment.clone(),
        reviewers: reviewers.collect(),
        seen: now.unwrap_or_default(),
        gone,
        changes,
        total,
        clashes,
        comments: said,
        watch: watch.join(" "),
        may_review: may_decline && pull.by != caller.user,
        may_decline,
        may_merge: edits,
    };
    page(&app, &view)
}

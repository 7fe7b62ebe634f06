//! Keys of workspaces and collections: their content, their changes, what is said about them.

use domain::comment::Topic;
use domain::ids::{
    CollectionId, CommentId, ElementId, GenerationId, GroupId, PullId, TaskId, TeamId, ThreadId, UploadId, UserId, WorkspaceId,
};
use jiff::Timestamp;

use super::{Key, SUBSCRIPTIONS, milliseconds, my_subscription, of_item, team_partition, user_partition};

/// A workspace.
pub fn workspace(workspace: &WorkspaceId) -> Key {
    Key::new(workspace_partition(workspace), "WS")
}

/// Everything of one workspace.
pub fn workspace_partition(workspace: &WorkspaceId) -> String {
    format!("WS#{workspace}")
}

/// The prefix of a workspace's collections.
pub const COLLECTIONS: &str = "COLL#";

/// A collection as its workspace lists it.
pub fn listed(workspace: &WorkspaceId, collection: &CollectionId) -> Key {
    Key::new(workspace_partition(workspace), format!("{COLLECTIONS}{collection}"))
}

/// Everything of one collection but its log.
pub fn collection_partition(collection: &CollectionId) -> String {
    format!("COLL#{collection}")
}

/// A collection's head.
pub fn head(collection: &CollectionId) -> Key {
    Key::new(collection_partition(collection), "HEAD")
}

/// The prefix of the roles given to persons, in a collection and to a user.
pub const GRANTS: &str = "GRANT#";

/// The role given to one person.
pub fn grant(collection: &CollectionId, user: UserId) -> Key {
    Key::new(collection_partition(collection), format!("{GRANTS}{user}"))
}

/// The same as the person sees it.
pub fn my_grant(user: UserId, collection: &CollectionId) -> Key {
    Key::new(user_partition(user), format!("{GRANTS}{collection}"))
}

/// The collection in which a role was given, from where the person sees it.
pub fn granted(key: &Key) -> Option<CollectionId> {
    key.sk.strip_prefix(GRANTS)?.parse().ok()
}

/// The prefix of those who ask for access.
pub const ASKS: &str = "ASK#";

/// That somebody asks for access.
pub fn ask(collection: &CollectionId, user: UserId) -> Key {
    Key::new(collection_partition(collection), format!("{ASKS}{user}"))
}

/// A subscription as the collection sees it.
pub fn subscription(collection: &CollectionId, user: UserId, item: Option<&ElementId>) -> Key {
    Key::new(collection_partition(collection), format!("{SUBSCRIPTIONS}{user}{}", of_item(item)))
}

/// The prefix of the groups that follow a collection, among its subscriptions.
pub const GROUP_SUBSCRIPTIONS: &str = "SUB#@";

/// That a group follows a collection.
pub fn group_subscription(collection: &CollectionId, team: TeamId, group: GroupId) -> Key {
    Key::new(collection_partition(collection), format!("{GROUP_SUBSCRIPTIONS}{team}.{group}"))
}

/// The prefix of what a group follows, in its team.
pub fn followed_by_group(group: GroupId) -> String {
    format!("{SUBSCRIPTIONS}{group}#")
}

/// The same as its team finds it.
pub fn group_follows(team: TeamId, group: GroupId, collection: &CollectionId) -> Key {
    Key::new(team_partition(team), format!("{}{collection}", followed_by_group(group)))
}

/// The prefix of those who do not follow what a group of theirs follows, among a collection's and a user's subscriptions.
pub const OPT_OUTS: &str = "SUB#!";

/// That a user does not follow what a group of theirs follows.
pub fn opt_out(collection: &CollectionId, user: UserId) -> Key {
    Key::new(collection_partition(collection), format!("{OPT_OUTS}{user}"))
}

/// The same as the user finds it.
pub fn my_opt_out(user: UserId, collection: &CollectionId) -> Key {
    Key::new(user_partition(user), format!("{OPT_OUTS}{collection}"))
}

/// Of which collection that is.
pub fn opted_out(key: &Key) -> Option<CollectionId> {
    key.sk.strip_prefix(OPT_OUTS)?.parse().ok()
}

/// Where others find what lies under `sort` among the subscriptions of a collection.
pub fn subscription_mirror(collection: &CollectionId, sort: &str) -> Option<Key> {
    if let Some(user) = sort.strip_prefix(OPT_OUTS) {
        return Some(my_opt_out(user.parse().ok()?, collection));
    }
    if let Some(group) = sort.strip_prefix(GROUP_SUBSCRIPTIONS) {
        let (team, group) = group.split_once('.')?;
        return Some(group_follows(team.parse().ok()?, group.parse().ok()?, collection));
    }
    let (user, item) = sort.strip_prefix(SUBSCRIPTIONS).map(|rest| rest.split_once('#').unwrap_or((rest, "")))?;
    let item: Option<ElementId> = item.parse().ok();
    Some(my_subscription(user.parse().ok()?, collection, item.as_ref()))
}

/// The prefix of pointers to pull requests.
pub const PULLS: &str = "PULL#";

/// A pull request.
pub fn pull(pull: &PullId) -> Key {
    Key::new(format!("{PULLS}{pull}"), "PULL")
}

/// A pull request, as each of its collections lists it; the id sorts by time.
pub fn pull_of(collection: &CollectionId, pull: &PullId) -> Key {
    Key::new(collection_partition(collection), format!("{PULLS}{pull}"))
}

/// The prefix of forks: of a fork's own item in it, and of a person's forks.
pub const FORKS: &str = "FORK#";
/// The prefix of a collection's forks.
pub const FORKED: &str = "FORKED#";

/// What a fork and its parent have in common.
pub fn fork(fork: &CollectionId, parent: &CollectionId) -> Key {
    Key::new(collection_partition(fork), format!("{FORKS}{parent}"))
}

/// A fork, as its parent lists it.
pub fn forked(parent: &CollectionId, fork: &CollectionId) -> Key {
    Key::new(collection_partition(parent), format!("{FORKED}{fork}"))
}

/// A fork, as its maker finds it.
pub fn my_fork(user: UserId, fork: &CollectionId) -> Key {
    Key::new(user_partition(user), format!("{FORKS}{fork}"))
}

/// Where others find what lies under `sort` in a collection: a person their subscription or their role, a parent its fork.
pub fn mirror(collection: &CollectionId, sort: &str) -> Option<Key> {
    if let Some(id) = sort.strip_prefix(PULLS) {
        return Some(pull(&id.parse().ok()?));
    }
    if let Some(parent) = sort.strip_prefix(FORKS) {
        return Some(forked(&parent.parse().ok()?, collection));
    }
    if let Some(user) = sort.strip_prefix(GRANTS) {
        return Some(my_grant(user.parse().ok()?, collection));
    }
    subscription_mirror(collection, sort)
}

/// The prefix of what was deleted in a collection.
pub const TRASHED: &str = "TRASH#";
/// A deleted collection as its workspace lists it.
pub fn trashed_collection(workspace: &WorkspaceId, collection: &CollectionId) -> Key {
    Key::new(workspace_partition(workspace), format!("{TRASHED}{collection}"))
}

/// The partition of gsi1 that lists what was deleted.
pub const TRASH: &str = "TRASH";

/// What a change deleted.
pub fn trashed(collection: &CollectionId, seq: u64) -> Key {
    Key::new(collection_partition(collection), format!("{TRASHED}{seq:016}"))
}

/// Its place in gsi1.
pub fn trashed_since(at: Timestamp, collection: &CollectionId, seq: u64) -> String {
    format!("{}#{collection}#{seq:016}", milliseconds(at))
}

/// The end of the range of gsi1 that is due at `at`.
pub fn due(at: Timestamp) -> String {
    milliseconds(at)
}

/// What is said about a collection, what is in it, and pull requests to it.
pub fn talk_partition(collection: &CollectionId) -> String {
    format!("TALK#{collection}")
}

/// The prefix of comments.
pub const COMMENTS: &str = "SAID#";

/// The prefix of the comments on one topic. No element can have the name of the others: they have a `/`.
pub fn comments_on(topic: &Topic) -> String {
    match topic {
        Topic::Collection => format!("{COMMENTS}/#"),
        Topic::Element(id) => format!("{COMMENTS}{id}#"),
        Topic::Pull(id) => format!("{COMMENTS}/{id}#"),
    }
}

/// The sort key of a comment.
pub fn comment_sort(topic: &Topic, comment: u64) -> String {
    format!("{}{comment:016}", comments_on(topic))
}

/// A comment.
pub fn comment(collection: &CollectionId, topic: &Topic, comment: CommentId) -> Key {
    Key::new(talk_partition(collection), comment_sort(topic, comment.0))
}

/// The thread that a comment begins, if it begins one.
pub fn thread_begun(key: &Key) -> Option<Key> {
    let id: u64 = key.sk.strip_prefix(COMMENTS)?.rsplit_once('#')?.1.parse().ok()?;
    Some(thread(ThreadId(id)))
}

/// That something was done about comments.
pub fn talk(collection: &CollectionId, id: uuid::Uuid) -> Key {
    Key::new(talk_partition(collection), format!("EVT#{id}"))
}

/// A thread of comments.
pub fn thread(thread: ThreadId) -> Key {
    Key::new(format!("THREAD#{thread}"), "THREAD")
}

/// What came of a request of a user that is done once. `key` is the hash of what they called it.
pub fn once(user: UserId, key: &str) -> Key {
    Key::new(format!("ONCE#{user}#{key}"), "ONCE")
}

/// A part of a long one.
pub fn once_part(whole: &Key, part: usize) -> Key {
    Key::new(whole.pk.clone(), format!("PART#{part:03}"))
}

/// A generation under construction, or one to be removed.
pub fn generation(collection: &CollectionId, generation: &GenerationId) -> Key {
    Key::new(collection_partition(collection), format!("GEN#{generation}"))
}

/// The partition of gsi1 that lists generations to look after.
pub const GENERATIONS: &str = "GENERATIONS";

/// A generation's place in gsi1.
pub fn generation_since(at: Timestamp, collection: &CollectionId, generation: &GenerationId) -> String {
    format!("{}#{collection}#{generation}", milliseconds(at))
}

/// The end of the range of gsi1 that is older than `at`.
pub fn generations_before(at: Timestamp) -> String {
    milliseconds(at)
}

/// That elements are being added, of which this is the first.
pub fn addition(collection: &CollectionId, generation: &GenerationId, top: &ElementId) -> Key {
    Key::new(collection_partition(collection), format!("ADD#{generation}#{top}"))
}

/// The partition of gsi1 that lists additions to look after.
pub const ADDITIONS: &str = "ADDITIONS";

/// An addition's place in gsi1.
pub fn addition_since(at: Timestamp, collection: &CollectionId, top: &ElementId) -> String {
    format!("{}#{collection}#{top}", milliseconds(at))
}

/// The prefix of a generation's elements.
pub fn elements(generation: &GenerationId) -> String {
    format!("EL#{generation}#")
}

/// An element.
pub fn element(collection: &CollectionId, generation: &GenerationId, element: &ElementId) -> Key {
    Key::new(collection_partition(collection), format!("{}{element}", elements(generation)))
}

/// The collection's own part. No element of a file can have this name: it has a `/`.
pub fn root(collection: &CollectionId, generation: &GenerationId) -> Key {
    Key::new(collection_partition(collection), format!("{}/", elements(generation)))
}

/// The prefix of the parts of a generation's long elements.
pub fn element_parts(generation: &GenerationId) -> String {
    format!("PART#{generation}#")
}

/// A part of a long element, whose key is `whole`, as written by change `revision`.
pub fn element_part(whole: &Key, revision: u64, part: usize) -> Key {
    let rest = whole.sk.strip_prefix("EL#").unwrap_or(&whole.sk);
    Key::new(whole.pk.clone(), format!("PART#{rest}#{revision:016}#{part:03}"))
}

/// The prefix of what is searched of a generation.
pub fn index_prefix(generation: &GenerationId) -> String {
    format!("INDEX#{generation}")
}

/// What is searched of a generation.
pub fn index(collection: &CollectionId, generation: &GenerationId) -> Key {
    Key::new(collection_partition(collection), index_prefix(generation))
}

/// A part of a long one, as it was at change `seq`.
pub fn index_part(whole: &Key, seq: u64, part: usize) -> Key {
    Key::new(whole.pk.clone(), format!("{}#{seq:016}#{part:03}", whole.sk))
}

/// The prefix of the collections that a user put a star on.
pub const STARS: &str = "STAR#";

/// That a user put a star on a collection.
pub fn star(user: UserId, collection: &CollectionId) -> Key {
    Key::new(user_partition(user), format!("{STARS}{collection}"))
}

/// The tags of a workspace.
pub fn workspace_tags(workspace: &WorkspaceId) -> Key {
    Key::new(workspace_partition(workspace), "TAGS")
}

/// Everything of one file that is sent in parts.
pub fn upload_partition(upload: &UploadId) -> String {
    format!("UPLOAD#{upload}")
}

/// A file that is sent in parts.
pub fn upload(upload: &UploadId) -> Key {
    Key::new(upload_partition(upload), "UPLOAD")
}

/// The prefix of the parts that are there.
pub const UPLOAD_PARTS: &str = "PART#";

/// That a part is there.
pub fn upload_part(upload: &UploadId, part: usize) -> Key {
    Key::new(upload_partition(upload), format!("{UPLOAD_PARTS}{part:04}"))
}

/// A piece of a part, as one attempt sent it.
pub fn upload_piece(upload: &UploadId, part: usize, version: &str, piece: usize) -> Key {
    Key::new(upload_partition(upload), format!("PIECE#{part:04}#{version}#{piece:03}"))
}

/// Work behind an answer.
pub fn task(task: &TaskId) -> Key {
    Key::new(format!("TASK#{task}"), "TASK")
}

/// Which one an item is.
pub fn task_of(key: &Key) -> Option<TaskId> {
    key.pk.strip_prefix("TASK#")?.parse().ok()
}

/// The prefix of the pieces of the body that a task is done with.
pub const TASK_PIECES: &str = "PIECE#";

/// A piece of it.
pub fn task_piece(task: &TaskId, piece: usize) -> Key {
    Key::new(format!("TASK#{task}"), format!("{TASK_PIECES}{piece:03}"))
}

/// The partition of gsi1 that lists tasks that are not done.
pub const TASKS: &str = "TASKS";

/// A task's place in gsi1.
pub fn task_due(at: Timestamp, task: &TaskId) -> String {
    format!("{}#{task}", milliseconds(at))
}

/// A collection's log.
pub fn log_partition(collection: &CollectionId) -> String {
    format!("LOG#{collection}")
}

/// The prefix of the changes in a log.
pub const CHANGES: &str = "CHG#";

/// The sort key of a change.
pub fn change_sort(seq: u64) -> String {
    format!("{CHANGES}{seq:016}")
}

/// A change.
pub fn change(collection: &CollectionId, seq: u64) -> Key {
    Key::new(log_partition(collection), change_sort(seq))
}

/// A part of a long change.
pub fn change_part(collection: &CollectionId, seq: u64, part: usize) -> Key {
    Key::new(log_partition(collection), format!("PART#{seq:016}#{part:03}"))
}

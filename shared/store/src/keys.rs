//! The schema: every key of the table. No other file knows how one is spelled.
//!
//! Ids cannot hold `#`, numbers are padded with zeros so that they sort, and every item carries `kind`.
//!
//! | thing | pk | sk |
//! | --- | --- | --- |
//! | user, with the roles in all teams | `USER#u` | `PROFILE` |
//! | what the user says about themselves, their picture | `USER#u` | `ABOUT`, `PICTURE` |
//! | session | `USER#u` | `SESS#s` |
//! | API key | `USER#u` | `KEY#k` |
//! | access key for a collection | `USER#u` | `ACCESS#k` |
//! | second factor | `USER#u` | `FACTOR` |
//! | identity elsewhere, and whose it is | `USER#u`, `IDENT#sha` | `IDENT#sha`, `CLAIM` |
//! | my subscription to a collection or an item of it, role given to me in person (mirrors) | `USER#u` | `SUB#c` or `SUB#c#e`, `GRANT#c` |
//! | my connection (mirror) | `USER#u` | `CONN#x` |
//! | e-mail address, username, team URL: unique | `EMAIL#sha`, `NAME#skeleton`, `HANDLE#h` | `CLAIM` |
//! | team, seats, member, group, invitation | `TEAM#t` | `TEAM`, `SEATS`, `MEMBER#u`, `GROUP#g`, `INVITE#i` |
//! | what a team pays, invoice, who buys for it | `TEAM#t` | `BILLING`, `INVOICE#number`, `BUYER#u` |
//! | mail domain of a team, member who may change a controlled address | `TEAM#t` | `DOMAIN#name`, `LETGO#u` |
//! | mail domain: proven by one | `DOMAIN#name` | `CLAIM` |
//! | wish that an address be invited | `TEAM#t` | `WISH#sha` |
//! | single sign-on of a team, its logo | `TEAM#t` | `SSO`, `LOGO` |
//! | pending invitation of an address (mirror) | `EMAIL#sha` | `INVITE#t` |
//! | group that follows a collection (and mirror) | `COLL#c`, `TEAM#t` | `SUB#@t.g`, `SUB#g#c` |
//! | that I do not follow what a group of mine follows (and mirror) | `COLL#c`, `USER#u` | `SUB#!u`, `SUB#!c` |
//! | workspace, and its collections | `WS#w` | `WS`, `COLL#c` |
//! | public workspace | `PUBLIC` | `w` |
//! | workspace of a team beside its library | `TEAM#t` | `ROOM#w` |
//! | collection: head, grant, who asks for access, subscription, pointer to an access key | `COLL#c` | `HEAD`, `GRANT#u`, `ASK#u`, `SUB#u` or `SUB#u#e`, `ACCESS#k` |
//! | what a fork and its parent have in common, fork of it (mirror) | `COLL#c` | `FORK#parent`, `FORKED#c` |
//! | pull request, and its pointers | `PULL#id`, `COLL#c` | `PULL`, `PULL#id` |
//! | my fork (mirror) | `USER#u` | `FORK#c` |
//! | deleted folder, request or response | `COLL#c` | `TRASH#seq` |
//! | deleted collection, in its workspace | `WS#w` | `TRASH#c` |
//! | elements that are being added, and are not seen yet | `COLL#c` | `ADD#g#e` |
//! | generation under construction or to be removed | `COLL#c` | `GEN#g` |
//! | webhook, and the ids of those that are on | `COLL#c`, `TEAM#t` | `HOOK#h`, `HOOKS` |
//! | what a webhook tells, and that it waits to be told | `HOOK#h` | `DLV#ms#message`, `WAIT#ms#ms#message` |
//! | element, and the parts of a long one | `COLL#c` | `EL#g#e`, `PART#g#e#rev#n` |
//! | what is searched of a generation, and its parts | `COLL#c` | `INDEX#g`, `INDEX#g#seq#n` |
//! | collection that I put a star on | `USER#u` | `STAR#c` |
//! | tags of a workspace | `WS#w` | `TAGS` |
//! | file sent in parts, a part that is there, its pieces | `UPLOAD#id` | `UPLOAD`, `PART#n`, `PIECE#n#version#i` |
//! | work behind an answer, and the body that it is done with | `TASK#id` | `TASK`, `PIECE#n` |
//! | change, and the parts of a long one | `LOG#c` | `CHG#seq`, `PART#seq#n` |
//! | program that asks to sign in; its permit | `QUESTION#sha`, `PERMIT#sha` | `QUESTION`, `PERMIT` |
//! | live registration, for a collection or an item of it | `LIVE#c#shard` | `CONN#x`, `CONN#x#e` |
//! | connection, and its registrations (mirror) | `CONN#x` | `CONN`, `LIVE#c` or `LIVE#c#e` |
//! | who looks at a collection (and mirror) | `LOOK#c`, `CONN#x` | `CONN#x`, `LOOK#c` |
//! | ticket for a WebSocket | `TICKET#id` | `TICKET` |
//! | who was let in, in a team's collections | `FEED#TEAM#t#ACCESS` | `ms#c#id` |
//! | feed of a team, of a person | `FEED#TEAM#t`, `FEED#USER#u` | `ms#c#seq` |
//! | what is left to do about an account that has ended | `GONE#u` | `GONE` |
//! | something happened (not in a collection) | `AUDIT#subject#yyyymm` | `EVT#id` |
//! | comment on a collection, something in it or a pull request; that something was done about one | `TALK#c` | `SAID#topic#id`, `EVT#id` |
//! | thread of comments | `THREAD#t` | `THREAD` |
//! | answer to a request that is done once | `ONCE#u#key` | `ONCE`, `PART#n` |
//! | mail receipt | `MAIL#kind#u#cause` | `RECEIPT` |
//! | index gsi1: generations to look after | `GENERATIONS` | `time#c#g` |
//! | index gsi1: tasks by the time when somebody else may take them up | `TASKS` | `time#id` |
//! | index gsi1: additions to look after | `ADDITIONS` | `time#c#e` |
//! | index gsi1: the trash to be emptied or swept | `TRASH` | `time#c#seq` |
//! | what I want to be told of, what I have seen of my feed | `USER#u` | `PREFS`, `SEEN` |
//! | what I am told in the pages | `INBOX#u` | `ms#cause` |
//! | changes and comments that wait for a mail, and when it goes | `WAITING#u#rhythm`, `USER#u` | `c#seq` or `c#id`, `MAILS#rhythm` |
//! | an address that no mail goes to | `EMAIL#sha` | `STOP` |
//! | index gsi1: mails about changes by the time when they are due | `MAILS` | `time#u` |
//! | index gsi1: webhooks by the time when they have something to tell | `HOOKS` | `time#h` |
//! | index gsi1: connections by the time when they are looked after | `CONNECTIONS` | `time#x` |
//! | index gsi1: teams to be deleted, by when | `DOOMED` | `time#t` |
//! | index gsi1: what teams pay, by the time when it is to be looked at | `BILLING` | `time#t` |
//! | index gsi1: accounts that have ended | `GONE` | `time#u` |
//! | index gsi1: workspaces whose collections do not yet say who is let in | `ROOMS` | `time#w` |
//! | index gsi1: invitations by the time when they expire | `INVITES` | `time#t#i` |

use std::fmt;

use domain::account::Username;
use domain::comment::Topic;
use domain::ids::{
    CollectionId, CommentId, ConnectionId, ElementId, GenerationId, GroupId, InviteId, KeyId, PullId, SessionId, TaskId, TeamId, ThreadId,
    UploadId, UserId, WebhookId, WishId, WorkspaceId,
};
use domain::mail_domain::DomainName;
use domain::webhook::{Address, Of};
use jiff::Timestamp;

/// Where an item lies.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

impl Key {
    fn new(pk: impl Into<String>, sk: impl Into<String>) -> Key {
        Key { pk: pk.into(), sk: sk.into() }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} / {}", self.pk, self.sk)
    }
}

/// Fifteen digits hold milliseconds until the year 33658.
fn milliseconds(at: Timestamp) -> String {
    format!("{:015}", at.as_millisecond().max(0))
}

/// Everything of one user.
pub fn user_partition(user: UserId) -> String {
    format!("USER#{user}")
}

/// The user, with their roles in all teams.
pub fn profile(user: UserId) -> Key {
    Key::new(user_partition(user), "PROFILE")
}

/// The user's second factor.
pub fn factor(user: UserId) -> Key {
    Key::new(user_partition(user), "FACTOR")
}

/// What a user says about themselves.
pub fn about(user: UserId) -> Key {
    Key::new(user_partition(user), "ABOUT")
}

/// A user's picture.
pub fn picture(user: UserId) -> Key {
    Key::new(user_partition(user), "PICTURE")
}

/// What is left to do about an account that has ended; outside its partition, which goes.
pub fn farewell(user: UserId) -> Key {
    Key::new(format!("GONE#{user}"), "GONE")
}

/// The partition of gsi1 that lists accounts that have ended.
pub const FAREWELLS: &str = "GONE";

/// Such an account's place in gsi1.
pub fn farewell_since(at: Timestamp, user: UserId) -> String {
    format!("{}#{user}", milliseconds(at))
}

/// The prefix of a user's sessions.
pub const SESSIONS: &str = "SESS#";

/// A session.
pub fn session(user: UserId, session: &SessionId) -> Key {
    Key::new(user_partition(user), format!("{SESSIONS}{session}"))
}

/// The prefix of a user's API keys.
pub const API_KEYS: &str = "KEY#";

/// An API key.
pub fn api_key(user: UserId, key: &KeyId) -> Key {
    Key::new(user_partition(user), format!("{API_KEYS}{key}"))
}

/// The prefix of a user's or a collection's access keys.
pub const ACCESS_KEYS: &str = "ACCESS#";

/// An access key for a collection, under its maker.
pub fn access_key(user: UserId, key: &KeyId) -> Key {
    Key::new(user_partition(user), format!("{ACCESS_KEYS}{key}"))
}

/// That there is an access key for a collection.
pub fn access_pointer(collection: &CollectionId, key: &KeyId) -> Key {
    Key::new(collection_partition(collection), format!("{ACCESS_KEYS}{key}"))
}

/// The prefix of a user's identities elsewhere.
pub const IDENTITIES: &str = "IDENT#";

/// An identity elsewhere. `digest` is the SHA-256 of who vouches for it and what they call it.
pub fn identity(user: UserId, digest: &str) -> Key {
    Key::new(user_partition(user), format!("{IDENTITIES}{digest}"))
}

/// Whose an identity is.
pub fn identity_claim(digest: &str) -> Key {
    Key::new(format!("{IDENTITIES}{digest}"), "CLAIM")
}

/// The prefix of a user's or a collection's subscriptions.
pub const SUBSCRIPTIONS: &str = "SUB#";

/// The end of a key that is about one element of a collection, or about all of it.
fn of_item(item: Option<&ElementId>) -> String {
    item.map(|item| format!("#{item}")).unwrap_or_default()
}

/// A subscription as the user sees it.
pub fn my_subscription(user: UserId, collection: &CollectionId, item: Option<&ElementId>) -> Key {
    Key::new(user_partition(user), format!("{SUBSCRIPTIONS}{collection}{}", of_item(item)))
}

/// The prefix of a user's connections, and of the registrations of a collection.
pub const CONNECTIONS: &str = "CONN#";

/// A connection as its user sees it.
pub fn my_connection(user: UserId, connection: &ConnectionId) -> Key {
    Key::new(user_partition(user), format!("{CONNECTIONS}{connection}"))
}

/// Who has an e-mail address. `digest` is its SHA-256, so that the address stays out of metrics and logs.
pub fn email_claim(digest: &str) -> Key {
    Key::new(format!("EMAIL#{digest}"), "CLAIM")
}

/// An address's pending invitation to a team.
pub fn email_invite(digest: &str, team: TeamId) -> Key {
    Key::new(format!("EMAIL#{digest}"), format!("INVITE#{team}"))
}

/// Who has a username, under what it looks like: of names that are taken for each other there is one.
pub fn name_claim(username: &Username) -> Key {
    Key::new(format!("NAME#{}", username.skeleton()), "CLAIM")
}

/// How often something was done in the window that starts at a time (seconds since 1970).
pub fn rate(what: &str, whom: &str, start: i64) -> Key {
    Key::new(format!("RATE#{what}#{whom}"), start.to_string())
}

/// Which team has a URL.
pub fn handle_claim(handle: &str) -> Key {
    Key::new(format!("HANDLE#{handle}"), "CLAIM")
}

/// Everything of one team.
pub fn team_partition(team: TeamId) -> String {
    format!("TEAM#{team}")
}

/// The team itself.
pub fn team(team: TeamId) -> Key {
    Key::new(team_partition(team), "TEAM")
}

/// Its seats; apart from the team, so that a new name never collides with somebody joining.
pub fn seats(team: TeamId) -> Key {
    Key::new(team_partition(team), "SEATS")
}

/// Its single sign-on.
pub fn team_sso(team: TeamId) -> Key {
    Key::new(team_partition(team), "SSO")
}

/// A team's logo.
pub fn logo(team: TeamId) -> Key {
    Key::new(team_partition(team), "LOGO")
}

/// The prefix of a team's members.
pub const MEMBERS: &str = "MEMBER#";

/// A member.
pub fn member(team: TeamId, user: UserId) -> Key {
    Key::new(team_partition(team), format!("{MEMBERS}{user}"))
}

/// The prefix of a team's invitations.
pub const INVITES: &str = "INVITE#";

/// An invitation.
pub fn invite(team: TeamId, invite: &InviteId) -> Key {
    Key::new(team_partition(team), format!("{INVITES}{invite}"))
}

/// What a team pays.
pub fn billing(team: TeamId) -> Key {
    Key::new(team_partition(team), "BILLING")
}

/// The partition of gsi1 that lists what teams pay.
pub const BILLING: &str = "BILLING";

/// The place of what a team pays in gsi1.
pub fn billing_at(at: Timestamp, team: TeamId) -> String {
    format!("{}#{team}", milliseconds(at))
}

/// The end of the range of gsi1 that is to be looked at by `at`.
pub fn billing_until(at: Timestamp) -> String {
    // Below, not at: one millisecond later, so that what is due now is in it.
    milliseconds(at.saturating_add(jiff::SignedDuration::from_millis(1)).unwrap_or(at))
}

/// The team in whose partition something lies.
pub fn team_of(key: &Key) -> Option<TeamId> {
    key.pk.strip_prefix("TEAM#")?.parse().ok()
}

/// The prefix of a team's invoices.
pub const INVOICES: &str = "INVOICE#";

/// An invoice.
pub fn invoice(team: TeamId, number: u64) -> Key {
    Key::new(team_partition(team), format!("{INVOICES}{number:010}"))
}

/// The prefix of those who buy for a team.
pub const BUYERS: &str = "BUYER#";

/// Somebody who buys for a team.
pub fn buyer(team: TeamId, user: UserId) -> Key {
    Key::new(team_partition(team), format!("{BUYERS}{user}"))
}

/// The prefix of a team's mail domains.
pub const TEAM_DOMAINS: &str = "DOMAIN#";

/// A mail domain of a team.
pub fn team_domain(team: TeamId, name: &DomainName) -> Key {
    Key::new(team_partition(team), format!("{TEAM_DOMAINS}{name}"))
}

/// Which team has proven a mail domain.
pub fn domain_claim(name: &DomainName) -> Key {
    Key::new(format!("DOMAIN#{name}"), "CLAIM")
}

/// A member who may change the address that the team controls.
pub fn let_go(team: TeamId, user: UserId) -> Key {
    Key::new(team_partition(team), format!("LETGO#{user}"))
}

/// The prefix of a team's wishes that somebody be invited.
pub const WISHES: &str = "WISH#";

/// A wish that somebody be invited. Its id is the hash of the address.
pub fn wish(team: TeamId, wish: &WishId) -> Key {
    Key::new(team_partition(team), format!("{WISHES}{wish}"))
}

/// The partition of gsi1 that lists teams to be deleted.
pub const DOOMED: &str = "DOOMED";

/// A team's place in gsi1 until it is deleted.
pub fn doomed_at(at: Timestamp, team: TeamId) -> String {
    format!("{}#{team}", milliseconds(at))
}

/// The end of the range of gsi1 that is due at `at`.
pub fn doomed_until(at: Timestamp) -> String {
    milliseconds(at)
}

/// The prefix of a team's groups.
pub const GROUPS: &str = "GROUP#";

/// The prefix of a collection's or a team's webhooks.
pub const WEBHOOKS: &str = "HOOK#";

/// Where webhooks lie.
pub fn webhooks_partition(of: &Of) -> String {
    match of {
        Of::Collection(collection) => collection_partition(collection),
        Of::Team(team) => team_partition(*team),
    }
}

/// A webhook.
pub fn webhook(address: &Address) -> Key {
    Key::new(webhooks_partition(&address.of), format!("{WEBHOOKS}{}", address.id))
}

/// Which webhooks of a collection or a team are on.
pub fn webhooks_on(of: &Of) -> Key {
    Key::new(webhooks_partition(of), "HOOKS")
}

/// The partition of gsi1 that lists webhooks by the time when they have something to tell.
pub const WEBHOOKS_DUE: &str = "HOOKS";

/// A webhook's place in gsi1.
pub fn webhook_due(at: Timestamp, webhook: &WebhookId) -> String {
    format!("{}#{webhook}", milliseconds(at))
}

/// The end of the range of gsi1 that is due at `at`.
pub fn webhooks_due_until(at: Timestamp) -> String {
    mail_due_until(at)
}

/// The messages of one webhook.
pub fn messages_partition(webhook: &WebhookId) -> String {
    format!("{WEBHOOKS}{webhook}")
}

/// The prefix of the messages of a webhook.
pub const MESSAGES: &str = "DLV#";

/// A message's place among those of its webhook: named by its cause, so that a repetition is the same one.
pub fn message_place(at: Timestamp, message: &str) -> String {
    format!("{}#{message}", milliseconds(at))
}

/// A message of a webhook.
pub fn message(webhook: &WebhookId, place: &str) -> Key {
    Key::new(messages_partition(webhook), format!("{MESSAGES}{place}"))
}

/// The prefix of the messages of a webhook that wait.
pub const MESSAGES_WAITING: &str = "WAIT#";

/// That a message waits to be sent at a time.
pub fn message_waits(webhook: &WebhookId, at: Timestamp, place: &str) -> Key {
    Key::new(messages_partition(webhook), format!("{MESSAGES_WAITING}{}#{place}", milliseconds(at)))
}

/// The end of the range of those that are due at `at`.
pub fn messages_due_until(at: Timestamp) -> String {
    format!("{MESSAGES_WAITING}{}", milliseconds(at + jiff::SignedDuration::from_millis(1)))
}

/// A group of a team's members.
pub fn group(team: TeamId, group: GroupId) -> Key {
    Key::new(team_partition(team), format!("{GROUPS}{group}"))
}

/// The partition of gsi1 that lists invitations.
pub const PENDING_INVITES: &str = "INVITES";

/// An invitation's place in gsi1.
pub fn invite_until(at: Timestamp, team: TeamId, invite: &InviteId) -> String {
    format!("{}#{team}#{invite}", milliseconds(at))
}

/// The end of the range of gsi1 that has expired at `at`.
pub fn invites_until(at: Timestamp) -> String {
    milliseconds(at)
}

/// The prefix of a team's workspaces beside its library.
pub const ROOMS: &str = "ROOM#";

/// That a workspace is a team's.
pub fn room(team: TeamId, workspace: &WorkspaceId) -> Key {
    Key::new(team_partition(team), format!("{ROOMS}{workspace}"))
}

/// The partition that lists public workspaces.
pub const PUBLIC: &str = "PUBLIC";

/// That a workspace is public.
pub fn public(workspace: &WorkspaceId) -> Key {
    Key::new(PUBLIC, workspace.to_string())
}

/// The partition of gsi1 that lists workspaces whose collections do not yet say who is let in.
pub const ROOMS_DUE: &str = "ROOMS";

/// Such a workspace's place in gsi1.
pub fn room_due(at: Timestamp, workspace: &WorkspaceId) -> String {
    format!("{}#{workspace}", milliseconds(at))
}

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

/// The live registrations of a collection. One shard until the collection is popular.
pub fn live_partition(collection: &CollectionId, shard: u32) -> String {
    format!("LIVE#{collection}#{shard}")
}

/// A connection's registration for a collection.
pub fn live(collection: &CollectionId, shard: u32, connection: &ConnectionId, item: Option<&ElementId>) -> Key {
    Key::new(live_partition(collection, shard), format!("{CONNECTIONS}{connection}{}", of_item(item)))
}

/// Everything of one connection.
pub fn connection_partition(connection: &ConnectionId) -> String {
    format!("CONN#{connection}")
}

/// A connection.
pub fn connection(connection: &ConnectionId) -> Key {
    Key::new(connection_partition(connection), "CONN")
}

/// The partition of gsi1 that lists connections by the time when they are looked after.
pub const CONNECTIONS_DUE: &str = "CONNECTIONS";

/// A connection's place in gsi1.
pub fn connection_due(at: Timestamp, connection: &ConnectionId) -> String {
    format!("{}#{connection}", milliseconds(at))
}

/// The end of the range of gsi1 that is due at `at`.
pub fn connections_due_until(at: Timestamp) -> String {
    mail_due_until(at)
}

/// The prefix of a connection's registrations.
pub const LIVE: &str = "LIVE#";

/// A registration as its connection sees it.
pub fn my_live(connection: &ConnectionId, collection: &CollectionId, item: Option<&ElementId>) -> Key {
    Key::new(connection_partition(connection), format!("{LIVE}{collection}{}", of_item(item)))
}

/// Who looks at a collection.
pub fn looking_partition(collection: &CollectionId) -> String {
    format!("LOOK#{collection}")
}

/// That a connection's user looks at a collection.
pub fn looking(collection: &CollectionId, connection: &ConnectionId) -> Key {
    Key::new(looking_partition(collection), format!("{CONNECTIONS}{connection}"))
}

/// The prefix of what a connection's user looks at.
pub const LOOKING: &str = "LOOK#";

/// The same as its connection sees it.
pub fn my_looking(connection: &ConnectionId, collection: &CollectionId) -> Key {
    Key::new(connection_partition(connection), format!("{LOOKING}{collection}"))
}

/// A program that asks to sign in, by the hash of the code that a person types.
pub fn question(code_hash: &str) -> Key {
    Key::new(format!("QUESTION#{code_hash}"), "QUESTION")
}

/// What lets a program sign in once, by the hash of its code.
pub fn permit(code_hash: &str) -> Key {
    Key::new(format!("PERMIT#{code_hash}"), "PERMIT")
}

/// A one-time ticket for a WebSocket.
pub fn ticket(id: &str) -> Key {
    Key::new(format!("TICKET#{id}"), "TICKET")
}

/// A team's feed.
pub fn team_feed(team: TeamId) -> String {
    format!("FEED#TEAM#{team}")
}

/// Apart from it: who was let into a team's collections, and where these went.
pub fn team_access_feed(team: TeamId) -> String {
    format!("FEED#TEAM#{team}#ACCESS")
}

/// What a person wants to be told of.
pub fn preferences(user: UserId) -> Key {
    Key::new(user_partition(user), "PREFS")
}

/// Until when a person has seen their feed.
pub fn feed_seen(user: UserId) -> Key {
    Key::new(user_partition(user), "SEEN")
}

/// What a person is told in the pages.
pub fn inbox(user: UserId) -> String {
    format!("INBOX#{user}")
}

/// A notice, named by its cause.
pub fn notice(user: UserId, place: Timestamp, id: &str) -> Key {
    Key::new(inbox(user), format!("{}#{id}", milliseconds(place)))
}

/// That no mail goes to an address, whose SHA-256 this is.
pub fn mail_stop(digest: &str) -> Key {
    Key::new(format!("EMAIL#{digest}"), "STOP")
}

/// When what waits for a person's mail is sent next.
pub fn mail_window(user: UserId, rhythm: &str) -> Key {
    Key::new(user_partition(user), format!("MAILS#{rhythm}"))
}

/// The partition of gsi1 that lists these by the time when they are due.
pub const MAIL_WINDOWS: &str = "MAILS";

/// Their place in gsi1.
pub fn mail_due(at: Timestamp, user: UserId) -> String {
    format!("{}#{user}", milliseconds(at))
}

/// The end of the range of gsi1 that is due at `at`.
pub fn mail_due_until(at: Timestamp) -> String {
    milliseconds(at + jiff::SignedDuration::from_millis(1))
}

/// Changes that wait for a person's mail of a rhythm.
pub fn waiting_partition(user: UserId, rhythm: &str) -> String {
    format!("WAITING#{user}#{rhythm}")
}

/// A change that waits.
pub fn waiting(user: UserId, rhythm: &str, collection: &CollectionId, seq: u64) -> Key {
    Key::new(waiting_partition(user, rhythm), format!("{collection}#{seq:016}"))
}

/// That something was done about comments, which waits as well.
pub fn waiting_talk(user: UserId, rhythm: &str, collection: &CollectionId, id: uuid::Uuid) -> Key {
    Key::new(waiting_partition(user, rhythm), format!("{collection}#{id}"))
}

/// A person's feed.
pub fn user_feed(user: UserId) -> String {
    format!("FEED#USER#{user}")
}

/// Where the entries of a time begin in a feed.
pub fn feed_at(at: Timestamp) -> String {
    milliseconds(at)
}

/// A feed entry: named by its cause, so that a replayed stream overwrites itself.
pub fn feed_entry(feed: String, at: Timestamp, collection: &CollectionId, seq: u64) -> Key {
    Key::new(feed, format!("{}#{collection}#{seq:016}", milliseconds(at)))
}

/// A feed entry about comments or access, named by its cause as well.
pub fn feed_talk(feed: String, at: Timestamp, collection: &CollectionId, id: uuid::Uuid) -> Key {
    Key::new(feed, format!("{}#{collection}#{id}", milliseconds(at)))
}

/// An entry of the audit trail; `subject` is a user's or a team's partition.
pub fn event(subject: &str, at: Timestamp, id: uuid::Uuid) -> Key {
    Key::new(audit_partition(subject, &month(at)), format!("EVT#{id}"))
}

/// The month that an entry of the audit trail lies in, `202611`.
pub fn month(at: Timestamp) -> String {
    at.strftime("%Y%m").to_string()
}

/// A month of the audit trail.
pub fn audit_partition(subject: &str, month: &str) -> String {
    format!("AUDIT#{subject}#{month}")
}

/// The receipt of a mail: one per kind, person and cause.
pub fn receipt(kind: &str, to: &str, cause: &str) -> Key {
    Key::new(format!("MAIL#{kind}#{to}#{cause}"), "RECEIPT")
}

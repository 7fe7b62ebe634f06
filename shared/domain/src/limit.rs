//! Every limit, in one place, with the relations between them checked by the compiler.

/// A transaction's items: DynamoDB's own limit.
pub const TRANSACTION_LEGS: usize = 100;
/// Items of one BatchGetItem: DynamoDB's own limit.
pub const BATCH_GET: usize = 100;
/// Items of one BatchWriteItem: DynamoDB's own limit.
pub const BATCH_WRITE: usize = 25;
/// An attribute longer than this is split over several items: DynamoDB takes 400 KB an item.
pub const PART_BYTES: usize = 300 * 1024;
/// What one element may take, stored, when it is edited: it travels in a transaction (4 MB) beside its change.
pub const ELEMENT_STORED_BYTES: usize = 1024 * 1024;
/// A request's body, before and after decompression: what a Lambda takes (6 MB).
pub const BODY_BYTES: usize = 6 * 1024 * 1024;
/// A compressed body may unfold to this.
pub const UNPACKED_BODY_BYTES: usize = 32 * 1024 * 1024;
/// A file that comes in parts.
pub const UPLOAD_BYTES: usize = 64 * 1024 * 1024;
/// Parts of such a file, and what one takes: in a Lambda's body bytes grow by a third.
pub const UPLOAD_PARTS: usize = 64;
/// What one part of such a file takes.
pub const UPLOAD_PART_BYTES: usize = 3 * 1024 * 1024;
/// Nesting of JSON values in what we take.
pub const JSON_DEPTH: usize = 20_000;
/// Elements of a collection.
pub const ELEMENTS: usize = 50_000;
/// Characters of a name (team, collection, key, device).
pub const NAME_CHARS: usize = 255;
/// Characters of a team's description.
pub const DESCRIPTION_CHARS: usize = 2_000;
/// Characters of what people say about themselves.
pub const ABOUT_CHARS: usize = 1_000;
/// Links of a profile.
pub const PROFILE_LINKS: usize = 5;
/// Characters of one of them.
pub const LINK_CHARS: usize = 300;
/// A picture's file, as it is sent: a Lambda takes it in base64.
pub const PICTURE_BYTES: usize = 4 * 1024 * 1024;
/// Addresses of one invitation request.
pub const INVITES_AT_ONCE: usize = 100;
/// Characters of the note with a wish that somebody be invited.
pub const NOTE_CHARS: usize = 500;
/// Mail domains of a team.
pub const DOMAINS: usize = 20;
/// Seats of a team.
pub const SEATS: u64 = 10_000;
/// Roles that are given in a collection at once: each is an item with its mirror and an event.
pub const ROLES_AT_ONCE: usize = 30;
/// Characters of what somebody says who asks for something.
pub const MESSAGE_CHARS: usize = 500;
/// Workspaces of a team beside its library.
pub const WORKSPACES: usize = 200;
/// Persons and groups that are named in a workspace: each head of what is in it carries them.
pub const WORKSPACE_NAMED: usize = 100;
/// Characters of a workspace's description.
pub const WORKSPACE_CHARS: usize = 20_000;
/// What is looked at for secrets before something becomes public.
pub const SCANNED_BYTES: usize = 32 * 1024 * 1024;
/// Findings that are told; of more, how many there are.
pub const FINDINGS: usize = 200;
/// Public workspaces in the map for search engines, and those whose collections are in it.
pub const MAPPED: usize = 1_000;
/// Roles in a collection that are taken away in the transaction of a move: each is an item with its mirror.
pub const ROLES_ON_A_MOVE: usize = 40;
/// Characters of a comment.
pub const COMMENT_CHARS: usize = 10_000;
/// People that one comment mentions.
pub const MENTIONS: usize = 50;
/// Groups of a team.
pub const GROUPS: usize = 100;
/// Members that are put into a group or taken out of it at once.
pub const GROUP_CHANGES: usize = 100;
/// Characters of a client's id or secret at an issuer.
pub const SSO_CHARS: usize = 1_000;
/// People who are asked to look at one pull request.
pub const REVIEWERS: usize = 20;
/// Characters of a pull request's description, and of why it is declined.
pub const PULL_CHARS: usize = 10_000;
/// Pull requests on one page of a list.
pub const PULLS_PAGE: usize = 100;
/// Elements whose differences one answer names.
pub const DIFFERENCES: usize = 1_000;
/// Forks on one page of a list.
pub const FORKS_PAGE: usize = 100;
/// Entries of one page (feed, changes).
pub const PAGE: usize = 100;
/// A change's body in an event; larger ones are left out and marked (API Gateway: 128 KB a message, 32 KB a frame).
pub const EVENT_BODY_BYTES: usize = 30 * 1024;
/// How long a write tries again when others write to the same collection, in milliseconds.
pub const CONTENTION_MS: u64 = 2_000;
/// What an address that somebody gave us may answer.
pub const OUTBOUND_ANSWER_BYTES: usize = 1024 * 1024;
/// Live registrations in one partition before the collection's are spread over more (1,000 writes a second are its limit).
pub const FOLLOWERS_A_SHARD: usize = 1_000;
/// Partitions that the live registrations of one collection are spread over at most.
pub const SHARDS: u32 = 16;
/// People that a presence event names; of more only the number is told.
pub const PRESENT_NAMED: usize = 30;
/// Webhooks of a collection, and of a team.
pub const WEBHOOKS: usize = 20;
/// Characters of a webhook's address.
pub const WEBHOOK_URL_CHARS: usize = 2_000;
/// Receivers of webhooks that are told at the same time.
pub const WEBHOOKS_AT_ONCE: usize = 16;
/// Messages that one receiver is sent at the same time.
pub const MESSAGES_AT_ONCE: usize = 4;
/// Events a fan-out posts at the same time.
pub const PUSHES_AT_ONCE: usize = 64;
/// Characters of a program's name that a change keeps.
pub const CLIENT_CHARS: usize = 200;
/// Characters of an `Idempotency-Key`.
pub const ONCE_CHARS: usize = 255;
/// How long the answer to a request with an `Idempotency-Key` is kept, in hours.
pub const ONCE_HOURS: i64 = 24;
/// How long what was deleted or replaced can be read and brought back, in days.
pub const TRASH_DAYS: i64 = 90;
/// Edits that are committed together.
pub const EDITS_AT_ONCE: usize = 40;
/// Edits of one request.
pub const EDITS: usize = 2_000;
/// Characters of a tag.
pub const TAG_CHARS: usize = 64;
/// Tags of a collection or a workspace.
pub const TAGS: usize = 5;
/// Characters of what somebody searches for.
pub const QUERY_CHARS: usize = 500;
/// Words of it that count.
pub const QUERY_WORDS: usize = 20;
/// Characters of a description that are searched.
pub const FOUND_CHARS: usize = 400;
/// Elements that one search looks at; of the collections that changed last.
pub const SEARCHED: u64 = 200_000;
/// Collections that one search looks at.
pub const SEARCHED_COLLECTIONS: usize = 1_000;
/// Changes after which what is searched is written anew.
pub const INDEX_EVERY: u64 = 50;
/// Descendants that a delete takes along in its own transaction.
pub const DELETE_AT_ONCE: usize = 90;

// Head, change, the element itself, the parts of both.
const _: () = assert!(3 + 4 * (ELEMENT_STORED_BYTES / PART_BYTES + 1) <= TRANSACTION_LEGS);
// Head, change and its parts, the place in the trash, the answer to be kept.
const _: () = assert!(DELETE_AT_ONCE + 4 + ELEMENT_STORED_BYTES / PART_BYTES < TRANSACTION_LEGS);
// Head, list, the answer to be kept.
const _: () = assert!(2 * EDITS_AT_ONCE + 3 <= TRANSACTION_LEGS);
// Head, list.
const _: () = assert!(3 * ROLES_AT_ONCE + 2 <= TRANSACTION_LEGS);
const _: () = assert!(3 * ELEMENT_STORED_BYTES < 4 * 1024 * 1024);
const _: () = assert!(PART_BYTES < 400 * 1024);
const _: () = assert!(PICTURE_BYTES / 3 * 4 < BODY_BYTES);
const _: () = assert!(UPLOAD_PART_BYTES * 4 / 3 < BODY_BYTES);
const _: () = assert!(UPLOAD_PARTS * UPLOAD_PART_BYTES >= UPLOAD_BYTES);

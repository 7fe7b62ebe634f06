//! The schema: every key of the table, spelled here and in the files of this module, nowhere else.
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

use domain::ids::ElementId;
use jiff::Timestamp;

mod collections;
mod people;
mod teams;
mod telling;

pub use collections::*;
pub use people::*;
pub use teams::*;
pub use telling::*;

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

/// The end of a key that is about one element of a collection, or about all of it.
fn of_item(item: Option<&ElementId>) -> String {
    item.map(|item| format!("#{item}")).unwrap_or_default()
}

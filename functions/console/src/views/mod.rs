//! What each page shows: plain values that a template renders. They know neither the store nor a request, so that a
//! test renders any page with any text in it. Everything in them is escaped by the template; nothing in them is HTML.

mod access;
mod account;
mod billing;
mod comments;
mod domains;
mod door;
mod feed;
mod forks;
mod item;
mod keys;
mod library;
mod notices;
mod past;
mod programs;
mod second_factor;
mod settings;
mod sso;
mod team;
mod webhooks;
mod workspaces;

use domain::team::Team;
use jiff::Timestamp;

pub use access::{AccessPage, Asking, COLLECTION_ROLES, GroupRole, Seen, WORKSPACE_ROLES, is_role, role_name};
pub use account::{Account, Accounts, Identity, OtherAccount, Person, Profile, Session};
pub use billing::{Bill, Billing, InvoicePage, Line, Plan};
pub use comments::{Comment, Comments, Piece, Thread};
pub use domains::{Domain, Domains, Found};
pub use door::{Confirm, Forgot, Home, Invite, Landing, Link, Note, Problem, Signin, Signup};
pub use feed::{Day, Feed, FeedEntry, FeedFilter, Pick, days};
pub use forks::{ForkRow, Forks, Origin, PullPage, PullRow, Reviewer, Room, Touched};
pub use item::{Block, Example, Item, Request, Row, Table};
pub use keys::{AccessKey, Choice, Key, Keys};
pub use library::{
    Asked, Collection, CollectionPage, EXPORTS, Entry, EntryItem, Folder, FoundPage, Leaf, Library, Match, Node, SORTS, Step, flatten,
};
pub use notices::{CategoryRow, Followed, Notice, NotificationSettings, Notifications, RHYTHMS, Unsubscribe, same};
pub use past::{Bin, Field, Gone, History, Past, Return};
pub use programs::{Authorize, Device, DeviceStep};
pub use second_factor::{Qr, SecondFactor, State};
pub use settings::{AuditEntry, AuditPage, GroupCard, SettingsPage, Teammate};
pub use sso::{Sso, SsoQuestion, SsoSettings, TeamSso};
pub use team::{Member, New, Pending, Seats, TeamPage, Wish};
pub use webhooks::{Delivery, WebhookCard, WebhookLog, WebhooksPage};
pub use workspaces::{
    Finding, PersonRole, PublicCollection, PublicLink, PublicRow, PublicWorkspace, RoomRow, Scan, WorkspaceSettings, Workspaces,
};

/// What stands around every page.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    /// Who looks at it; `None` for a visitor.
    pub viewer: Option<Viewer>,
    /// The viewer's teams.
    pub teams: Vec<TeamLink>,
    /// The team the page is about.
    pub team: Option<TeamLink>,
    /// Which tab of the team it is: `library`, `feed` or `team`; `mine` on the viewer's own feed. `lost` where it is not known who looks.
    pub section: &'static str,
    /// How many notices the viewer has not read.
    pub unread: usize,
    /// Whether the viewer's feed has something new.
    pub news: bool,
    /// What the page stands in, the outermost first.
    pub way: Vec<Crumb>,
}

impl Frame {
    /// The same for a page that stands in one more thing; `href` is its page, where it has one.
    pub fn under(mut self, name: impl Into<String>, href: impl Into<String>) -> Frame {
        self.way.push(Crumb { name: name.into(), href: href.into() });
        self
    }
}

/// Something that a page stands in.
#[derive(Debug, Clone)]
pub struct Crumb {
    /// What it is called.
    pub name: String,
    /// Its page; may be empty.
    pub href: String,
}

/// The widget of a robot check.
#[derive(Debug, Clone)]
pub struct Robot {
    /// Its script.
    pub script: String,
    /// Which site this is.
    pub key: String,
}

/// Who looks at a page.
#[derive(Debug, Clone)]
pub struct Viewer {
    /// The account's number, by which a tab says whose it is.
    pub id: String,
    /// The session, for signing out.
    pub session: String,
    /// The username.
    pub username: String,
    /// The address.
    pub email: String,
}

/// A team in a list.
#[derive(Debug, Clone)]
pub struct TeamLink {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its URL part.
    pub handle: String,
    /// Where its logo is.
    pub logo: Option<String>,
    /// The workspace that is its library.
    pub library: String,
    /// The viewer's role in it.
    pub role: String,
}

impl TeamLink {
    /// A team, to somebody with a role in it.
    pub fn to(team: Team, role: &str) -> TeamLink {
        TeamLink {
            id: team.id.to_string(),
            logo: team.logo_path(),
            name: team.name,
            handle: team.handle.as_str().to_owned(),
            library: team.workspace.to_string(),
            role: role.to_owned(),
        }
    }
}

/// A moment as a page shows it. The module turns it into the reader's own time zone.
#[derive(Debug, Clone, Copy)]
pub struct Moment(pub Timestamp);

impl Moment {
    /// For machines: RFC 3339 in UTC.
    pub fn iso(&self) -> String {
        self.0.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// For people.
    pub fn short(&self) -> String {
        self.0.strftime("%-d %b %Y, %H:%M UTC").to_string()
    }

    /// For people who want to know it exactly.
    pub fn full(&self) -> String {
        self.0.strftime("%A, %-d %B %Y, %H:%M:%S UTC").to_string()
    }
}

/// The class that colours a method; none for a method of one's own.
pub fn verb_class(method: &str) -> &'static str {
    match method.to_ascii_uppercase().as_str() {
        "GET" => "v-get",
        "POST" => "v-post",
        "PUT" => "v-put",
        "PATCH" => "v-patch",
        "DELETE" => "v-delete",
        "HEAD" => "v-head",
        "OPTIONS" => "v-options",
        _ => "",
    }
}

/// One or two letters that stand for a name.
pub fn initials(name: &str) -> String {
    let mut words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let first = words.next().and_then(|word| word.chars().next());
    let second = words.next().and_then(|word| word.chars().next());
    let letters: String = first.into_iter().chain(second).collect();
    if letters.is_empty() { "?".to_owned() } else { letters }
}

/// A colour for a name, the same on every page: 0 to 5.
pub fn tint(name: &str) -> u32 {
    name.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte))) % 6
}

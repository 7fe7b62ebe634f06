//! A team's workspaces, the settings of one, and what anybody may read.

use askama::Template;

use super::{Frame, GroupRole, Moment, TeamLink};

/// `/teams/{team}/workspaces`.
#[derive(Debug, Template)]
#[template(path = "workspaces.html")]
pub struct Workspaces {
    /// Around it.
    pub frame: Frame,
    /// The team.
    pub team: TeamLink,
    /// Those that the viewer sees, or knows of.
    pub rooms: Vec<RoomRow>,
    /// Whether the viewer may make one.
    pub may_make: bool,
    /// Whether the viewer may make one that is public.
    pub may_publish: bool,
}

/// A workspace in a list.
#[derive(Debug, Clone)]
pub struct RoomRow {
    /// Its id.
    pub id: String,
    /// Its page.
    pub href: String,
    /// Its name.
    pub name: String,
    /// A sentence about it.
    pub about: String,
    /// Who sees it.
    pub visibility: &'static str,
    /// What the viewer is in it; `None`: they only know that it is there.
    pub role: Option<&'static str>,
}

/// `/workspaces/{workspace}/settings`.
#[derive(Debug, Template)]
#[template(path = "workspace_settings.html")]
pub struct WorkspaceSettings {
    /// Around it.
    pub frame: Frame,
    /// The team.
    pub team: TeamLink,
    /// The workspace.
    pub room: RoomRow,
    /// More about it.
    pub description: String,
    /// Whether it is the team's library, which stays what it is.
    pub fixed: bool,
    /// Members of the team with what was given to them, those who were given something first.
    pub people: Vec<PersonRole>,
    /// The team's groups.
    pub groups: Vec<GroupRole>,
    /// Whether the viewer may change it.
    pub may_manage: bool,
    /// Whether the viewer may let people in.
    pub may_share: bool,
    /// Whether the viewer may let anybody read.
    pub may_publish: bool,
    /// What was found that looks like a secret, where the viewer is about to let anybody read.
    pub scan: Option<Scan>,
    /// Where anybody reads it, where it is public.
    pub public: Option<String>,
}

impl WorkspaceSettings {
    /// Where a role is given.
    fn api(&self) -> String {
        format!("/api/workspaces/{}/roles", self.room.id)
    }
}

/// A person, and what was given to them.
#[derive(Debug, Clone)]
pub struct PersonRole {
    /// The user's id.
    pub id: String,
    /// Their name.
    pub username: String,
    /// What was given to them in person.
    pub given: Option<&'static str>,
}

/// What looks like a secret.
#[derive(Debug, Clone)]
pub struct Scan {
    /// Where, and what.
    pub findings: Vec<Finding>,
    /// How much in all.
    pub total: usize,
    /// Collections that were not looked at.
    pub left: usize,
    /// What confirms that it was seen.
    pub confirm: String,
}

/// Something that looks like a secret.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The collection's name.
    pub collection: String,
    /// The element's name.
    pub element: String,
    /// Its page.
    pub href: String,
    /// Where in it.
    pub pointer: String,
    /// What it looks like.
    pub kind: &'static str,
    /// As much of it as tells it from others.
    pub masked: String,
}

/// `/public/workspaces/{workspace}`.
#[derive(Debug, Template)]
#[template(path = "public_workspace.html")]
pub struct PublicWorkspace {
    /// Around it: nobody's.
    pub frame: Frame,
    /// Its own address, below the pages'.
    pub path: String,
    /// Its name.
    pub name: String,
    /// A sentence about it.
    pub about: String,
    /// More about it.
    pub description: Vec<String>,
    /// What is in it.
    pub collections: Vec<PublicLink>,
}

/// A public collection in a list.
#[derive(Debug, Clone)]
pub struct PublicLink {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How much is in it.
    pub count: u64,
    /// When it last changed.
    pub changed: Moment,
}

/// `/public/collections/{collection}`.
#[derive(Debug, Template)]
#[template(path = "public_collection.html")]
pub struct PublicCollection {
    /// Around it: nobody's.
    pub frame: Frame,
    /// Its own address, below the pages'.
    pub path: String,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it says about itself, by paragraphs.
    pub description: Vec<String>,
    /// A sentence for search engines.
    pub summary: String,
    /// Its workspace.
    pub workspace: String,
    /// What stands in it.
    pub rows: Vec<PublicRow>,
    /// How much is not shown.
    pub left: usize,
    /// Where a program reads it.
    pub address: String,
}

/// A folder or a request.
#[derive(Debug, Clone)]
pub struct PublicRow {
    /// Its id.
    pub id: String,
    /// A request's method; empty of a folder.
    pub method: String,
    /// Its name.
    pub name: String,
    /// A request's URL.
    pub url: String,
    /// What it says about itself, by paragraphs.
    pub description: Vec<String>,
}

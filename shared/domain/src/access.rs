//! Who may do what: one table of rules, one function that reads it, and a value that proves it was asked.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::change::Actor;
use crate::collection::{Deleted, Head};
use crate::ids::{CollectionId, GroupId, KeyId, SessionId, TeamId, UserId, WorkspaceId};
use crate::once::{Done, Once};
use crate::workspace::{Room, Visibility, Workspace, role_in_workspace};

/// A member's role in a team, the lesser first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TeamRole {
    /// Reads.
    Viewer,
    /// Reads and edits.
    Editor,
    /// Everything but money.
    Admin,
}

/// A role in one collection, the lesser first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CollectionRole {
    /// Hidden: a deny, which wins over every other role.
    None,
    /// Reads.
    Viewer,
    /// Reads and edits.
    Editor,
    /// Also deletes it and chooses who edits.
    Admin,
}

impl TeamRole {
    /// What it gives in a collection whose maker has not chosen.
    pub fn in_collections(self) -> CollectionRole {
        match self {
            TeamRole::Admin => CollectionRole::Admin,
            TeamRole::Editor => CollectionRole::Editor,
            TeamRole::Viewer => CollectionRole::Viewer,
        }
    }
}

/// What a person is in a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// Their role.
    pub role: TeamRole,
    /// Whether they also look after seats and payment.
    #[serde(default)]
    pub billing: bool,
    /// The team's groups that they are in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupId>,
    /// Whether the team asks for a second factor: without one the member does not get in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub second_factor: bool,
    /// That the team takes only sign-ins through its own single sign-on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sso: Option<SsoOnly>,
}

impl Membership {
    /// A member with a role, in no group, of a team that asks for nothing more.
    pub fn new(role: TeamRole, billing: bool) -> Membership {
        Membership { role, billing, groups: Vec::new(), second_factor: false, sso: None }
    }
}

/// A team that takes only sign-ins through its own single sign-on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SsoOnly {
    /// Sign-ins before this time came through another issuer.
    pub since: Timestamp,
    /// Whether API keys open the team nevertheless.
    pub api_keys: bool,
}

/// How somebody came, for teams that care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// By a sign-in: through the single sign-on of which team, and when.
    SignIn(Option<TeamId>, Timestamp),
    /// By an API key.
    ApiKey,
}

impl Door {
    fn opens(self, team: TeamId, membership: &Membership) -> bool {
        membership.sso.is_none_or(|only| match self {
            Door::SignIn(through, at) => through == Some(team) && only.since <= at,
            Door::ApiKey => only.api_keys,
        })
    }
}

/// Who calls, as the table says it at the time of the call.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The person.
    pub user: UserId,
    /// Their name.
    pub username: String,
    /// Whether their e-mail address is confirmed.
    pub verified: bool,
    /// The sign-in they came with; `None` with an API key.
    pub session: Option<SessionId>,
    /// The API key they came with; `None` with a sign-in.
    pub key: Option<KeyId>,
    /// `false` with a key that only reads.
    pub writes: bool,
    /// The one collection that they may know of, with a key that is bound to it.
    pub only: Option<CollectionId>,
    /// With an access key: when it was made. It tells nothing of what was before.
    pub shown_since: Option<Timestamp>,
    /// The program that they call with, as it names itself (`User-Agent`).
    pub client: Option<String>,
    /// How this request is known again, where it says so.
    pub once: Option<Once>,
    /// Their own workspace.
    pub workspace: WorkspaceId,
    /// Whether they sign in with a second factor.
    pub second_factor: bool,
    /// Their teams.
    pub teams: BTreeMap<TeamId, Membership>,
    /// Those of their teams that they do not get into before they have a second factor.
    pub closed: BTreeMap<TeamId, Membership>,
    /// The network address that they call from, where it is known.
    pub address: Option<String>,
    /// Their teams that do not open to how they came.
    pub held: BTreeMap<TeamId, Membership>,
    /// The team through whose single sign-on they came.
    pub through: Option<TeamId>,
    /// Those of their teams that can only read, because an invoice has waited for too long.
    pub read_only: BTreeSet<TeamId>,
    /// Teams that they buy for without being in them.
    pub buys: BTreeSet<TeamId>,
}

impl Caller {
    /// What came of this request, where it was done already.
    pub fn done(&self) -> Option<&Done> {
        self.once.as_ref()?.done.as_deref()
    }

    /// Whoever it is, with an account or without: what is public is read in this name. Nobody is asked for more with it
    /// than to read a workspace or a collection.
    pub fn anyone() -> Caller {
        Caller {
            user: UserId(0),
            username: String::new(),
            verified: false,
            session: None,
            key: None,
            writes: false,
            only: None,
            shown_since: None,
            client: None,
            once: None,
            workspace: WorkspaceId::from(uuid::Uuid::nil()),
            second_factor: false,
            teams: BTreeMap::new(),
            closed: BTreeMap::new(),
            address: None,
            held: BTreeMap::new(),
            through: None,
            read_only: BTreeSet::new(),
            buys: BTreeSet::new(),
        }
    }

    /// Whether this is [`Caller::anyone`].
    pub fn is_anyone(&self) -> bool {
        self.user == UserId(0)
    }

    /// The caller as if they had a second factor.
    pub fn inside(&self) -> Caller {
        let mut inside = self.clone();
        inside.teams.append(&mut inside.closed);
        inside
    }

    /// The caller as they came: teams that do not open to that are held back.
    pub fn come(mut self, door: Door) -> Caller {
        (self.teams, self.held) = self.teams.into_iter().partition(|(team, membership)| door.opens(*team, membership));
        self.through = match door {
            Door::SignIn(through, _) => through,
            Door::ApiKey => None,
        };
        self
    }

    /// The caller with what is held back: for what has to work also where a team's single sign-on does not.
    fn with_held(&self) -> Caller {
        let mut whole = self.clone();
        whole.teams.append(&mut whole.held);
        whole
    }

    /// The caller as the author of a change.
    pub fn actor(&self) -> Actor {
        Actor { id: self.user, username: self.username.clone() }
    }
}

/// What can be done, apart from what anyone may do with what is their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// See a team, its members, its library and its feed.
    ReadTeam,
    /// Choose the number of seats.
    ManageSeats,
    /// Choose the plan, see and pay invoices.
    ManageBilling,
    /// Invite, see and take back invitations.
    ManageInvites,
    /// Name and prove mail domains, and control the addresses there.
    ManageDomains,
    /// Ask the admins to invite somebody.
    AskToInvite,
    /// Change roles, remove members, make groups.
    ManageMembers,
    /// Change the team's name and URL, delete it.
    ManageTeam,
    /// Read the audit log.
    ReadAudit,
    /// Stop being a member.
    LeaveTeam,
    /// Set up the team's single sign-on.
    ManageSso,
    /// Make a workspace of a team.
    CreateWorkspace,
    /// Know that a workspace is there, and who is let in.
    SeeWorkspace,
    /// See what a workspace holds.
    ReadWorkspace,
    /// Rename, describe or delete it, open it to the team or close it.
    ManageWorkspace,
    /// Choose who is let in.
    ShareWorkspace,
    /// Let anybody read what is in it.
    PublishWorkspace,
    /// Put a collection into a workspace.
    CreateCollection,
    /// Read a collection and follow its changes.
    ReadCollection,
    /// Say something about it: ask for a merge, look at one.
    ReviewCollection,
    /// Read what is said about it, its elements and its pull requests.
    ReadComments,
    /// Say something about it; needs no more than to read it as a member.
    Comment,
    /// Take anybody's comments away.
    ManageComments,
    /// Change its content.
    EditCollection,
    /// Delete it.
    DeleteCollection,
    /// Take it out of its workspace, into another.
    MoveCollection,
    /// Bring it back from the trash.
    RestoreCollection,
    /// Make an access key for it, with which anyone reads it.
    ShareCollection,
    /// See and delete everybody's access keys for it.
    ManageAccessKeys,
    /// Choose who sees and edits it, answer those who ask.
    ManageAccess,
    /// Make, change and delete its webhooks.
    ManageWebhooks,
    /// Make, change and delete a team's webhooks.
    ManageTeamWebhooks,
}

enum Needs {
    Member,
    Team(TeamRole),
    AdminOrBilling,
    Billing,
    Confirmed(TeamRole),
    Collection(CollectionRole),
}

impl Action {
    /// The table of rules.
    fn needs(self) -> Needs {
        match self {
            Action::ReadTeam | Action::SeeWorkspace | Action::ReadWorkspace | Action::LeaveTeam => Needs::Member,
            Action::ManageSeats => Needs::AdminOrBilling,
            Action::ManageBilling => Needs::Billing,
            Action::ManageDomains => Needs::Confirmed(TeamRole::Admin),
            Action::ManageInvites => Needs::Confirmed(TeamRole::Admin),
            Action::AskToInvite => Needs::Confirmed(TeamRole::Viewer),
            Action::ManageMembers | Action::ManageTeam | Action::ReadAudit | Action::ManageSso | Action::ManageTeamWebhooks => {
                Needs::Team(TeamRole::Admin)
            }
            Action::ManageWorkspace | Action::ShareWorkspace | Action::PublishWorkspace => Needs::Team(TeamRole::Admin),
            Action::CreateCollection | Action::CreateWorkspace => Needs::Team(TeamRole::Editor),
            Action::ReadCollection | Action::ReviewCollection | Action::ReadComments | Action::Comment => {
                Needs::Collection(CollectionRole::Viewer)
            }
            Action::EditCollection | Action::ShareCollection | Action::ManageWebhooks => Needs::Collection(CollectionRole::Editor),
            Action::DeleteCollection
            | Action::MoveCollection
            | Action::RestoreCollection
            | Action::ManageAccessKeys
            | Action::ManageAccess
            | Action::ManageComments => Needs::Collection(CollectionRole::Admin),
        }
    }

    fn reads(self) -> bool {
        matches!(
            self,
            Action::ReadTeam
                | Action::ReadAudit
                | Action::SeeWorkspace
                | Action::ReadWorkspace
                | Action::ReadCollection
                | Action::ReadComments
        )
    }
}

impl Action {
    /// What is done about payment, by somebody who need not be in the team.
    fn pays(self) -> bool {
        matches!(self, Action::ManageSeats | Action::ManageBilling)
    }

    /// What a team that can only read may still do: pay, let people go, and be deleted.
    fn always(self) -> bool {
        self.reads() || self.pays() || matches!(self, Action::ManageMembers | Action::ManageTeam | Action::LeaveTeam)
    }
}

/// What something is to be done to.
#[derive(Debug, Clone, Copy)]
pub enum Thing<'a> {
    /// A team.
    Team(TeamId),
    /// A workspace.
    Workspace(&'a Workspace),
    /// A collection, with the role given to the caller in person.
    Collection(&'a Head, Option<CollectionRole>),
}

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denied {
    /// The caller may not even know that it exists.
    NotFound,
    /// It is a team's of which the caller is a member, but that asks for a second factor.
    SecondFactor,
    /// The caller sees it, but may not do this. Says what it needs, as the end of "this needs …".
    Forbidden(&'static str),
    /// The team can only read, because an invoice has waited for too long.
    Unpaid,
}

/// Whom a collection is for, apart from roles given in person.
#[derive(Debug, Clone, Copy)]
pub struct Audience<'a> {
    /// The team whose it is; `None` where it is a person's own.
    pub team: Option<TeamId>,
    /// Who made it.
    pub owner: UserId,
    /// What everyone in the team may do, where the maker has chosen.
    pub everyone: Option<CollectionRole>,
    /// What groups may do.
    pub groups: &'a BTreeMap<GroupId, CollectionRole>,
    /// Who is let into its workspace; `None`: everyone in the team.
    pub room: Option<&'a Room>,
}

/// Why somebody has a role in a collection, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// They made it.
    Maker,
    /// It is hidden from them in person.
    HiddenInPerson,
    /// It is hidden from a group that they are in.
    HiddenFromGroup(GroupId),
    /// They are admin of the team.
    TeamAdmin,
    /// The role was given to them in person.
    InPerson,
    /// It was given to a group that they are in.
    Group(GroupId),
    /// It was given to everyone in the team.
    Everyone,
    /// Their role in the team gives it, because the maker has not chosen.
    TeamRole,
    /// Their role in the workspace gives it.
    WorkspaceRole,
    /// They are not let into its workspace.
    OutsideWorkspace,
}

/// A member's role in a collection of their team, and why. Who is not let into its workspace sees nothing of it, whoever
/// they are; who is, counts by their role there. The maker is admin. A deny that names the person or one of their groups
/// wins over everything else. Otherwise the highest counts of what their groups, everyone, and they in person were given;
/// an admin of the workspace is admin. Hidden from everyone means: only those see it who are named.
pub fn standing(user: UserId, member: &Membership, audience: Audience<'_>, grant: Option<CollectionRole>) -> (CollectionRole, Why) {
    let inside = audience.room.map_or(Some(member.role), |room| room.role(user, member));
    let Some(inside) = inside else { return (CollectionRole::None, Why::OutsideWorkspace) };
    if audience.owner == user {
        return (CollectionRole::Admin, Why::Maker);
    }
    // What the team's own role gives as well is told as that.
    let through_team = audience.room.is_none_or(|room| room.visibility != Visibility::Private) && inside == member.role;
    let groups = || member.groups.iter().filter_map(|group| Some((*audience.groups.get(group)?, Why::Group(*group))));
    if grant == Some(CollectionRole::None) {
        return (CollectionRole::None, Why::HiddenInPerson);
    }
    if let Some((_, Why::Group(group))) = groups().find(|(role, _)| *role == CollectionRole::None) {
        return (CollectionRole::None, Why::HiddenFromGroup(group));
    }
    if inside == TeamRole::Admin {
        return (CollectionRole::Admin, if through_team { Why::TeamAdmin } else { Why::WorkspaceRole });
    }
    let general = match audience.everyone {
        Some(everyone) => (everyone, Why::Everyone),
        None => (inside.in_collections(), if through_team { Why::TeamRole } else { Why::WorkspaceRole }),
    };
    let named = grant.map(|role| (role, Why::InPerson)).into_iter().chain(groups());
    // Of equal ones the first is told.
    named.fold(general, |best, other| if best.0 < other.0 { other } else { best })
}

/// The caller's role in a collection; `None` where they must not know that it exists.
pub fn role_in(caller: &Caller, head: &Head, grant: Option<CollectionRole>) -> Option<CollectionRole> {
    let hidden = caller.only.as_ref().is_some_and(|only| *only != head.collection);
    if hidden || head.deleted_at.is_some() { None } else { role_for(caller, head.audience(), grant) }
}

/// The same of a collection that is there, by whom it is for.
pub fn role_for(caller: &Caller, audience: Audience<'_>, grant: Option<CollectionRole>) -> Option<CollectionRole> {
    let role = match audience.team {
        None if audience.owner == caller.user => CollectionRole::Admin,
        None => grant?,
        // What is public is read by anybody, but not what is hidden from everyone.
        Some(_) if caller.is_anyone() => {
            let public = audience.room.is_some_and(|room| room.visibility == Visibility::Public);
            if public && audience.everyone != Some(CollectionRole::None) { CollectionRole::Viewer } else { CollectionRole::None }
        }
        // What is a team's is seen by its members only, whoever made it.
        Some(team) => standing(caller.user, caller.teams.get(&team)?, audience, grant).0,
    };
    (role != CollectionRole::None).then_some(role)
}

/// Whether `viewer` knows a person who is in `teams`: they are that person, or in a team with them.
pub fn knows(viewer: &Caller, person: UserId, teams: &BTreeMap<TeamId, Membership>) -> bool {
    viewer.only.is_none() && (viewer.user == person || viewer.teams.keys().any(|team| teams.contains_key(team)))
}

/// Whether `caller` may do `action` to `thing`. The only place that decides.
pub fn allows(caller: &Caller, action: Action, thing: Thing<'_>) -> Result<(), Denied> {
    // An issuer that is gone must not lock out whoever can switch it off.
    if action == Action::ManageSso && !caller.held.is_empty() {
        return judge(&caller.with_held(), action, thing);
    }
    match judge(caller, action, thing) {
        // Who is outside is told how to get in, where they would see the thing from inside.
        Err(Denied::NotFound) if !caller.closed.is_empty() && judge(&caller.inside(), action, thing) != Err(Denied::NotFound) => {
            Err(Denied::SecondFactor)
        }
        Err(Denied::NotFound) if !caller.held.is_empty() && judge(&caller.with_held(), action, thing) != Err(Denied::NotFound) => {
            Err(Denied::Forbidden(THROUGH_SSO))
        }
        judged => judged,
    }
}

/// What the caller is in a workspace, as a member.
fn inside(caller: &Caller, action: Action, workspace: &Workspace) -> Result<Membership, Denied> {
    let Some(team) = workspace.team else {
        let own = workspace.owner == caller.user;
        return if own { Ok(Membership::new(TeamRole::Admin, false)) } else { Err(Denied::NotFound) };
    };
    if caller.is_anyone() {
        let public = workspace.visibility() == Visibility::Public && !workspace.closing;
        return if public { Ok(Membership::new(TeamRole::Viewer, false)) } else { Err(Denied::NotFound) };
    }
    let member = caller.teams.get(&team).ok_or(Denied::NotFound)?;
    // What is in a team's workspace is the team's, and must not be lost with the last one who was let in: its admins know
    // which private ones there are, and can let people in, themselves too. Before that, they see nothing of what is inside.
    let rescues = member.role == TeamRole::Admin && matches!(action, Action::SeeWorkspace | Action::ShareWorkspace);
    let role = if rescues { Some(TeamRole::Admin) } else { role_in_workspace(workspace, caller.user, member) };
    // To publish is the team's business: it takes its admin, who is also the workspace's.
    let role = if action == Action::PublishWorkspace { role.map(|role| role.min(member.role)) } else { role };
    match role {
        Some(role) => Ok(Membership { role, ..member.clone() }),
        None if member.role == TeamRole::Admin => {
            Err(Denied::Forbidden("a role in this private workspace: admins of the team can give it"))
        }
        None => Err(Denied::NotFound),
    }
}

const THROUGH_SSO: &str = "a sign-in through the single sign-on of the team";

fn judge(caller: &Caller, action: Action, thing: Thing<'_>) -> Result<(), Denied> {
    // A key that is bound to a collection knows of nothing else.
    if caller.only.is_some() && !matches!(thing, Thing::Collection(..)) {
        return Err(Denied::NotFound);
    }
    // What members say to each other about what is public is not.
    if caller.is_anyone() && matches!(action, Action::ReadComments | Action::Comment | Action::ManageComments) {
        return Err(Denied::NotFound);
    }
    let buys = matches!(thing, Thing::Team(team) if action.pays() && caller.buys.contains(&team));
    let membership = match thing {
        Thing::Team(team) if buys => caller.teams.get(&team).cloned(),
        Thing::Team(team) => Some(caller.teams.get(&team).ok_or(Denied::NotFound)?.clone()),
        Thing::Workspace(workspace) => Some(inside(caller, action, workspace)?),
        Thing::Collection(..) => None,
    };
    let role = match thing {
        Thing::Collection(head, grant) => Some(role_in(caller, head, grant).ok_or(Denied::NotFound)?),
        _ => None,
    };
    if !caller.writes && !action.reads() {
        return Err(Denied::Forbidden("an API key with the scope \"write\""));
    }
    let in_workspace = matches!(thing, Thing::Workspace(_));
    let team_role = |needed: TeamRole| membership.as_ref().is_some_and(|member| needed <= member.role);
    let bills = buys || membership.as_ref().is_some_and(|member| member.billing);
    let (allowed, needs) = match action.needs() {
        Needs::Member => (membership.is_some(), "a member"),
        Needs::Team(needed) => {
            let words = match (needed, in_workspace) {
                (TeamRole::Admin, false) => "the role admin in the team",
                (_, false) => "the role editor in the team",
                (TeamRole::Admin, true) => "the role admin in the workspace",
                (_, true) => "the role editor in the workspace",
            };
            (team_role(needed), words)
        }
        Needs::AdminOrBilling => (bills || team_role(TeamRole::Admin), "the role admin or billing in the team"),
        Needs::Billing => (bills, "the role billing in the team"),
        Needs::Confirmed(needed) if !caller.verified => {
            (false, if team_role(needed) { "a confirmed e-mail address" } else { "the role admin in the team" })
        }
        Needs::Confirmed(needed) => (team_role(needed), "the role admin in the team"),
        Needs::Collection(needed) => (
            role.is_some_and(|role| needed <= role),
            if needed == CollectionRole::Admin { "the role admin in the collection" } else { "the role editor in the collection" },
        ),
    };
    let team = match thing {
        Thing::Team(team) => Some(team),
        Thing::Workspace(workspace) => workspace.team,
        Thing::Collection(head, _) => head.team,
    };
    match allowed {
        false => Err(Denied::Forbidden(needs)),
        true if !action.always() && team.is_some_and(|team| caller.read_only.contains(&team)) => Err(Denied::Unpaid),
        true => Ok(()),
    }
}

/// What a permission can be about.
pub trait Subject {
    /// As the rules see it; `grant` is the role given to the caller in person, where there is one.
    fn seen(&self, grant: Option<CollectionRole>) -> Thing<'_>;
}

impl Subject for TeamId {
    fn seen(&self, _: Option<CollectionRole>) -> Thing<'_> {
        Thing::Team(*self)
    }
}

impl Subject for Workspace {
    fn seen(&self, _: Option<CollectionRole>) -> Thing<'_> {
        Thing::Workspace(self)
    }
}

impl Subject for Head {
    fn seen(&self, grant: Option<CollectionRole>) -> Thing<'_> {
        Thing::Collection(self, grant)
    }
}

impl Subject for Deleted {
    fn seen(&self, grant: Option<CollectionRole>) -> Thing<'_> {
        Thing::Collection(&self.0, grant)
    }
}

/// A kind of permission, as a type.
pub trait Permission {
    /// What it permits.
    const ACTION: Action;
    /// To what.
    type Thing: Subject + Clone + std::fmt::Debug;
}

/// Proof that `caller` may do `P` to `thing`. Only [`Access::check`] makes one, and every write of the store asks for one.
#[derive(Debug, Clone)]
pub struct Access<P: Permission> {
    /// Who.
    pub caller: Caller,
    /// To what.
    pub thing: P::Thing,
    /// The role given to the caller in person, where the thing is a collection.
    pub grant: Option<CollectionRole>,
    proof: std::marker::PhantomData<P>,
}

impl<P: Permission> Access<P> {
    /// Asks the rules. `grant` is the role given to the caller in person in a collection; `None` elsewhere.
    pub fn check(caller: Caller, thing: P::Thing, grant: Option<CollectionRole>) -> Result<Access<P>, Denied> {
        allows(&caller, P::ACTION, thing.seen(grant))?;
        Ok(Access { caller, thing, grant, proof: std::marker::PhantomData })
    }

    /// Whether the caller may do something else to the same thing, too.
    pub fn also<Q: Permission<Thing = P::Thing>>(&self) -> Option<Access<Q>> {
        Access::check(self.caller.clone(), self.thing.clone(), self.grant).ok()
    }
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident: $thing:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name;
        impl Permission for $name {
            const ACTION: Action = Action::$name;
            type Thing = $thing;
        }
    )*};
}

permissions! {
    /// See [`Action::ReadTeam`].
    ReadTeam: TeamId;
    /// See [`Action::ManageSeats`].
    ManageSeats: TeamId;
    /// See [`Action::ManageBilling`].
    ManageBilling: TeamId;
    /// See [`Action::ManageInvites`].
    ManageInvites: TeamId;
    /// See [`Action::ManageDomains`].
    ManageDomains: TeamId;
    /// See [`Action::AskToInvite`].
    AskToInvite: TeamId;
    /// See [`Action::ManageMembers`].
    ManageMembers: TeamId;
    /// See [`Action::ManageTeam`].
    ManageTeam: TeamId;
    /// See [`Action::ReadAudit`].
    ReadAudit: TeamId;
    /// See [`Action::LeaveTeam`].
    LeaveTeam: TeamId;
    /// See [`Action::ManageSso`].
    ManageSso: TeamId;
    /// See [`Action::CreateWorkspace`].
    CreateWorkspace: TeamId;
    /// See [`Action::SeeWorkspace`].
    SeeWorkspace: Workspace;
    /// See [`Action::ReadWorkspace`].
    ReadWorkspace: Workspace;
    /// See [`Action::ManageWorkspace`].
    ManageWorkspace: Workspace;
    /// See [`Action::ShareWorkspace`].
    ShareWorkspace: Workspace;
    /// See [`Action::PublishWorkspace`].
    PublishWorkspace: Workspace;
    /// See [`Action::CreateCollection`].
    CreateCollection: Workspace;
    /// See [`Action::ReadCollection`].
    ReadCollection: Head;
    /// See [`Action::ReviewCollection`].
    ReviewCollection: Head;
    /// See [`Action::ReadComments`].
    ReadComments: Head;
    /// See [`Action::Comment`].
    Comment: Head;
    /// See [`Action::ManageComments`].
    ManageComments: Head;
    /// See [`Action::EditCollection`].
    EditCollection: Head;
    /// See [`Action::DeleteCollection`].
    DeleteCollection: Head;
    /// See [`Action::MoveCollection`].
    MoveCollection: Head;
    /// See [`Action::RestoreCollection`].
    RestoreCollection: Deleted;
    /// See [`Action::ShareCollection`].
    ShareCollection: Head;
    /// See [`Action::ManageAccessKeys`].
    ManageAccessKeys: Head;
    /// See [`Action::ManageAccess`].
    ManageAccess: Head;
    /// See [`Action::ManageWebhooks`].
    ManageWebhooks: Head;
    /// See [`Action::ManageTeamWebhooks`].
    ManageTeamWebhooks: TeamId;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(user: u64, teams: &[(u64, TeamRole)]) -> Caller {
        Caller {
            user: UserId(user),
            username: "u".into(),
            verified: true,
            session: None,
            key: None,
            writes: true,
            only: None,
            shown_since: None,
            client: None,
            once: None,
            workspace: "w".parse().unwrap(),
            second_factor: false,
            closed: BTreeMap::new(),
            read_only: BTreeSet::new(),
            buys: BTreeSet::new(),
            teams: teams.iter().map(|(team, role)| (TeamId(*team), Membership::new(*role, false))).collect(),
            address: None,
            held: BTreeMap::new(),
            through: None,
        }
    }

    fn head(team: Option<u64>, everyone: Option<CollectionRole>) -> Head {
        let at = jiff::Timestamp::UNIX_EPOCH;
        Head {
            collection: "c".parse().unwrap(),
            workspace: "w".parse().unwrap(),
            team: team.map(TeamId),
            owner: UserId(1),
            name: "n".into(),
            seq: 1,
            generation: "g".parse().unwrap(),
            count: 0,
            everyone,
            groups: BTreeMap::new(),
            room: None,
            access: 0,
            created_at: at,
            updated_at: at,
            updated_by: UserId(1),
            last: None,
            shards: 1,
            deleted_at: None,
            tags: Vec::new(),
            sweeping: Vec::new(),
            fork: None,
        }
    }

    #[test]
    fn roles_in_a_collection() {
        use CollectionRole::{Admin, Editor, Viewer};
        let shared = head(Some(9), None);
        for (role, expected) in [(TeamRole::Viewer, Viewer), (TeamRole::Editor, Editor), (TeamRole::Admin, Admin)] {
            assert_eq!(role_in(&caller(2, &[(9, role)]), &shared, None), Some(expected));
        }
        assert_eq!(role_in(&caller(2, &[(8, TeamRole::Admin)]), &shared, Some(Admin)), None, "a stranger, even with a grant");
        assert_eq!(role_in(&caller(1, &[]), &shared, None), None, "the maker, after leaving the team");
        assert_eq!(role_in(&caller(1, &[(9, TeamRole::Viewer)]), &shared, None), Some(Admin), "the maker");
        assert_eq!(role_in(&caller(2, &[(9, TeamRole::Admin)]), &shared, Some(CollectionRole::None)), None, "hidden wins");
        let hidden = head(Some(9), Some(CollectionRole::None));
        assert_eq!(role_in(&caller(2, &[(9, TeamRole::Editor)]), &hidden, None), None);
        assert_eq!(role_in(&caller(2, &[(9, TeamRole::Editor)]), &hidden, Some(Viewer)), Some(Viewer));
        assert_eq!(role_in(&caller(2, &[(9, TeamRole::Admin)]), &hidden, None), Some(Admin), "somebody can always let others in");
        let own = head(None, None);
        assert_eq!(role_in(&caller(1, &[]), &own, None), Some(Admin));
        assert_eq!(role_in(&caller(2, &[]), &own, None), None);
    }

    /// The rule in its plainest words, for every combination of what can be given.
    #[test]
    fn a_deny_wins_and_else_the_highest() {
        use CollectionRole::{Admin, Editor, None as Hidden, Viewer};
        let given = [None, Some(Hidden), Some(Viewer), Some(Editor), Some(Admin)];
        let mut seen = 0;
        for team_role in [TeamRole::Viewer, TeamRole::Editor, TeamRole::Admin] {
            for everyone in given {
                for person in given {
                    for (one, two) in given.iter().flat_map(|one| given.iter().map(move |two| (*one, *two))) {
                        for maker in [false, true] {
                            let groups: BTreeMap<GroupId, CollectionRole> = [(1, one), (2, two), (3, Some(Hidden)), (4, Some(Admin))]
                                .into_iter()
                                .filter_map(|(id, role)| Some((GroupId(id), role?)))
                                .collect();
                            let head = Head { groups, ..head(Some(9), everyone) };
                            let mut who = caller(if maker { 1 } else { 2 }, &[(9, team_role)]);
                            // In groups 1 and 2 only: what 3 and 4 were given is nothing to them.
                            who.teams.get_mut(&TeamId(9)).unwrap().groups = vec![GroupId(1), GroupId(2)];
                            let denied = [person, one, two].contains(&Some(Hidden));
                            let general = everyone.unwrap_or(team_role.in_collections());
                            let highest = [person, one, two, Some(general)].into_iter().flatten().max().unwrap();
                            let expected = match (maker, denied, team_role) {
                                (true, ..) => Some(Admin),
                                (_, true, _) => None,
                                (.., TeamRole::Admin) => Some(Admin),
                                _ => Some(highest).filter(|role| *role != Hidden),
                            };
                            assert_eq!(
                                role_in(&who, &head, person),
                                expected,
                                "{team_role:?} {everyone:?} {person:?} {one:?} {two:?} {maker}"
                            );
                            let (role, why) = standing(who.user, &who.teams[&TeamId(9)], head.audience(), person);
                            assert_eq!(Some(role).filter(|role| *role != Hidden), expected);
                            // What is told as the reason gives just that role.
                            let told = match why {
                                Why::Maker | Why::TeamAdmin => Admin,
                                Why::HiddenInPerson | Why::HiddenFromGroup(_) => Hidden,
                                Why::InPerson => person.unwrap(),
                                Why::Group(group) => head.groups[&group],
                                Why::Everyone => everyone.unwrap(),
                                Why::TeamRole => team_role.in_collections(),
                                Why::WorkspaceRole | Why::OutsideWorkspace => panic!("everyone is let in"),
                            };
                            assert_eq!(told, role, "{why:?}");
                            seen += 1;
                        }
                    }
                }
            }
        }
        assert_eq!(seen, 3 * 5 * 5 * 25 * 2);
    }

    /// Every kind of member and every way to be let in, against the rule in its plainest words.
    #[test]
    fn a_private_workspace_is_for_whom_it_was_given() {
        use Action::{CreateCollection, CreateWorkspace, ManageWorkspace, ReadWorkspace, SeeWorkspace, ShareWorkspace};
        let roles = [None, Some(TeamRole::Viewer), Some(TeamRole::Editor), Some(TeamRole::Admin)];
        for visibility in [Visibility::Private, Visibility::Team, Visibility::Public] {
            for team_role in [TeamRole::Viewer, TeamRole::Editor, TeamRole::Admin] {
                for (person, group) in roles.iter().flat_map(|one| roles.iter().map(move |two| (*one, *two))) {
                    let mut who = caller(2, &[(9, team_role)]);
                    who.teams.get_mut(&TeamId(9)).unwrap().groups = vec![GroupId(1)];
                    let room = Room {
                        visibility,
                        users: person.map(|role| (UserId(2), role)).into_iter().chain([(UserId(3), TeamRole::Admin)]).collect(),
                        groups: group.map(|role| (GroupId(1), role)).into_iter().chain([(GroupId(2), TeamRole::Admin)]).collect(),
                        revision: 1,
                    };
                    let through_team = (visibility != Visibility::Private).then_some(team_role);
                    let inside = [person, group, through_team].into_iter().flatten().max();
                    let at = jiff::Timestamp::UNIX_EPOCH;
                    let workspace =
                        Workspace { room: Some(room.clone()), ..Workspace::new("w".parse().unwrap(), "W", Some(TeamId(9)), UserId(1), at) };
                    let may = |action| allows(&who, action, Thing::Workspace(&workspace)).is_ok();
                    let least = |needed| inside.is_some_and(|role| needed <= role);
                    let told = format!("{visibility:?} {team_role:?} {person:?} {group:?}");
                    assert_eq!(may(ReadWorkspace), inside.is_some(), "{told}");
                    assert_eq!(may(CreateCollection), least(TeamRole::Editor), "{told}");
                    assert_eq!(may(ManageWorkspace), least(TeamRole::Admin), "{told}");
                    assert_eq!(may(ShareWorkspace), least(TeamRole::Admin) || team_role == TeamRole::Admin, "{told}");
                    assert_eq!(may(SeeWorkspace), inside.is_some() || team_role == TeamRole::Admin, "{told}");
                    let shelf = Head { room: Some(room), ..head(Some(9), None) };
                    assert_eq!(role_in(&who, &shelf, None), inside.map(TeamRole::in_collections), "{told}");
                    let all = Some(CollectionRole::Admin);
                    assert_eq!(role_in(&who, &shelf, all), inside.and(all), "what is given in a collection opens no workspace: {told}");
                    assert_eq!(role_in(&who, &shelf, Some(CollectionRole::None)), None, "{told}");
                    let made = Head { owner: UserId(2), ..shelf };
                    assert_eq!(role_in(&who, &made, None), inside.and(all), "nor does having made it: {told}");
                    let publishes = inside == Some(TeamRole::Admin) && team_role == TeamRole::Admin;
                    assert_eq!(may(Action::PublishWorkspace), publishes, "{told}");
                    let public = visibility == Visibility::Public;
                    let anyone = |action| allows(&Caller::anyone(), action, Thing::Workspace(&workspace)).is_ok();
                    assert_eq!(anyone(ReadWorkspace), public);
                    assert!(![CreateCollection, ManageWorkspace, ShareWorkspace].into_iter().any(anyone));
                    let public = public.then_some(CollectionRole::Viewer);
                    assert_eq!(role_in(&Caller::anyone(), &made, None), public);
                    let said = allows(&Caller::anyone(), Action::ReadComments, Thing::Collection(&made, None));
                    assert_eq!(said, Err(Denied::NotFound), "what members say about it is theirs");
                    let veiled = Head { everyone: Some(CollectionRole::None), ..made.clone() };
                    assert_eq!(role_in(&Caller::anyone(), &veiled, None), None);
                    let stranger = caller(3, &[(8, TeamRole::Admin)]);
                    assert_eq!(allows(&stranger, SeeWorkspace, Thing::Workspace(&workspace)), Err(Denied::NotFound));
                    assert_eq!(role_in(&stranger, &made, all), None);
                }
            }
        }
        let made = |role| allows(&caller(2, &[(9, role)]), CreateWorkspace, Thing::Team(TeamId(9))).is_ok();
        assert_eq!([TeamRole::Viewer, TeamRole::Editor, TeamRole::Admin].map(made), [false, true, true]);
    }

    #[test]
    fn a_bound_key_knows_of_its_collection_only() {
        let bound = |to: &str| Caller { only: Some(to.parse().unwrap()), ..caller(1, &[(9, TeamRole::Admin)]) };
        let (own, shared) = (head(None, None), head(Some(9), None));
        for head in [&own, &shared] {
            assert_eq!(allows(&bound("c"), Action::DeleteCollection, Thing::Collection(head, None)), Ok(()));
            for action in [Action::ReadCollection, Action::EditCollection, Action::DeleteCollection] {
                assert_eq!(allows(&bound("other"), action, Thing::Collection(head, Some(CollectionRole::Admin))), Err(Denied::NotFound));
            }
        }
        assert_eq!(allows(&bound("c"), Action::ReadTeam, Thing::Team(TeamId(9))), Err(Denied::NotFound));
        let at = jiff::Timestamp::UNIX_EPOCH;
        let workspace = Workspace::new("w".parse().unwrap(), "", None, UserId(1), at);
        assert_eq!(allows(&bound("c"), Action::CreateCollection, Thing::Workspace(&workspace)), Err(Denied::NotFound));
    }

    #[test]
    fn a_team_that_has_not_paid_reads() {
        let mut member = caller(1, &[(9, TeamRole::Admin), (8, TeamRole::Admin)]);
        member.read_only.insert(TeamId(9));
        let (frozen, other) = (head(Some(9), None), head(Some(8), None));
        let edits = |head| allows(&member, Action::EditCollection, Thing::Collection(head, None));
        assert_eq!((edits(&frozen), edits(&other)), (Err(Denied::Unpaid), Ok(())));
        for still in [Action::ReadTeam, Action::ManageSeats, Action::ManageMembers, Action::LeaveTeam] {
            assert_eq!(allows(&member, still, Thing::Team(TeamId(9))), Ok(()));
        }
        assert_eq!(allows(&member, Action::ManageInvites, Thing::Team(TeamId(9))), Err(Denied::Unpaid));
    }

    #[test]
    fn a_buyer_buys_and_sees_nothing_else() {
        let mut buyer = caller(1, &[]);
        buyer.buys.insert(TeamId(9));
        let team = |action| allows(&buyer, action, Thing::Team(TeamId(9)));
        assert_eq!((team(Action::ManageBilling), team(Action::ManageSeats)), (Ok(()), Ok(())));
        assert_eq!((team(Action::ReadTeam), team(Action::ManageInvites)), (Err(Denied::NotFound), Err(Denied::NotFound)));
        assert_eq!(allows(&buyer, Action::ManageBilling, Thing::Team(TeamId(8))), Err(Denied::NotFound));
        let admin = caller(1, &[(9, TeamRole::Admin)]);
        assert!(matches!(allows(&admin, Action::ManageBilling, Thing::Team(TeamId(9))), Err(Denied::Forbidden(_))));
    }

    #[test]
    fn a_stranger_learns_nothing_and_a_reader_is_told() {
        let team = Thing::Team(TeamId(9));
        assert_eq!(allows(&caller(2, &[]), Action::ManageInvites, team), Err(Denied::NotFound));
        assert!(matches!(allows(&caller(2, &[(9, TeamRole::Viewer)]), Action::ManageInvites, team), Err(Denied::Forbidden(_))));
        assert_eq!(allows(&caller(2, &[(9, TeamRole::Admin)]), Action::ManageInvites, team), Ok(()));
        let unconfirmed = Caller { verified: false, ..caller(2, &[(9, TeamRole::Admin)]) };
        assert_eq!(allows(&unconfirmed, Action::ManageInvites, team), Err(Denied::Forbidden("a confirmed e-mail address")));
        let reader = Caller { writes: false, ..caller(2, &[(9, TeamRole::Admin)]) };
        assert!(allows(&reader, Action::ReadTeam, team).is_ok());
        assert!(allows(&reader, Action::ManageSeats, team).is_err());
    }

    #[test]
    fn a_member_without_the_second_factor_that_a_team_asks_for_stays_outside() {
        let outside =
            Caller { closed: [(TeamId(9), Membership::new(TeamRole::Editor, false))].into(), ..caller(2, &[(8, TeamRole::Viewer)]) };
        assert_eq!(allows(&outside, Action::ReadTeam, Thing::Team(TeamId(9))), Err(Denied::SecondFactor));
        assert_eq!(allows(&outside, Action::ReadCollection, Thing::Collection(&head(Some(9), None), None)), Err(Denied::SecondFactor));
        assert_eq!(role_in(&outside, &head(Some(9), None), Some(CollectionRole::Admin)), None, "nor do events and mails reach them");
        let hidden = Some(CollectionRole::None);
        assert_eq!(allows(&outside, Action::ReadCollection, Thing::Collection(&head(Some(9), None), hidden)), Err(Denied::NotFound));
        assert_eq!(allows(&outside, Action::ReadTeam, Thing::Team(TeamId(7))), Err(Denied::NotFound), "a stranger learns nothing");
        assert_eq!(allows(&outside, Action::ReadTeam, Thing::Team(TeamId(8))), Ok(()));
    }

    #[test]
    fn a_team_may_insist_on_its_own_sign_on() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let only = SsoOnly { since: at(10), api_keys: false };
        let mut member = caller(2, &[(8, TeamRole::Viewer), (9, TeamRole::Admin)]);
        member.teams.insert(TeamId(9), Membership { sso: Some(only), ..Membership::new(TeamRole::Admin, false) });
        let teams = |caller: &Caller| caller.teams.keys().map(|team| team.0).collect::<Vec<_>>();
        for (door, opened) in [
            (Door::SignIn(Some(TeamId(9)), at(10)), vec![8, 9]),
            (Door::SignIn(Some(TeamId(9)), at(9)), vec![8]),
            (Door::SignIn(Some(TeamId(8)), at(10)), vec![8]),
            (Door::SignIn(None, at(10)), vec![8]),
            (Door::ApiKey, vec![8]),
        ] {
            assert_eq!(teams(&member.clone().come(door)), opened, "{door:?}");
        }
        let with_keys = Membership { sso: Some(SsoOnly { api_keys: true, ..only }), ..Membership::new(TeamRole::Admin, false) };
        let mut keyed = member.clone();
        keyed.teams.insert(TeamId(9), with_keys);
        assert_eq!(teams(&keyed.come(Door::ApiKey)), [8, 9]);

        let outside = member.come(Door::SignIn(None, at(20)));
        assert_eq!(allows(&outside, Action::ReadTeam, Thing::Team(TeamId(9))), Err(Denied::Forbidden(THROUGH_SSO)));
        assert_eq!(
            allows(&outside, Action::ReadCollection, Thing::Collection(&head(Some(9), None), None)),
            Err(Denied::Forbidden(THROUGH_SSO))
        );
        let hidden = head(Some(9), Some(CollectionRole::None));
        assert!(allows(&outside, Action::ReadCollection, Thing::Collection(&hidden, Some(CollectionRole::None))) == Err(Denied::NotFound));
        assert_eq!(allows(&outside, Action::ReadTeam, Thing::Team(TeamId(7))), Err(Denied::NotFound), "a stranger learns nothing");
        assert_eq!(allows(&outside, Action::ManageSso, Thing::Team(TeamId(9))), Ok(()), "the way out of a dead issuer");
    }
}

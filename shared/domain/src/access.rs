//! Who may do what: one table of rules, one function that reads it, and a value that proves it was asked.

use std::collections::BTreeMap;

use crate::collection::Head;
use crate::ids::{GroupId, TeamId, UserId};
use crate::workspace::{Room, Visibility, Workspace, role_in_workspace};

mod caller;
mod permission;

pub use caller::*;
pub use permission::*;

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

#[cfg(test)]
mod tests;

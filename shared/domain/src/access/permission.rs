//! Permissions as values: a write asks for one, and only the rules make it.

use super::{Action, Caller, CollectionRole, Denied, Thing, allows};
use crate::collection::{Deleted, Head};
use crate::ids::TeamId;
use crate::workspace::Workspace;

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

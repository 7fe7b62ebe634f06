//! What happened outside the collections: the entries of the audit trail, some of which are mailed about.
//!
//! An entry names things by id and says public words only. Whoever acts on one (the mailer) reads the thing as it is by
//! then: an invitation that was taken back meanwhile is not mailed, and no secret ever stands in an entry.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::access::{Caller, CollectionRole, TeamRole};
use crate::billing::{Period, PlanId};
use crate::change::Actor;
use crate::ids::{CollectionId, GroupId, InviteId, KeyId, PullId, SessionId, TeamId, UserId, WishId, WorkspaceId};
use crate::mail_domain::DomainName;
use crate::pull::Status;
use crate::sso::Provider;
use crate::team::Joining;
use crate::webhook::{Address, Off};
use crate::workspace::Visibility;

/// Who does something, and from where.
#[derive(Debug, Clone, Default)]
pub struct Doer {
    /// Who; `None` where nobody is signed in, or time does it.
    pub actor: Option<Actor>,
    /// The network address.
    pub address: Option<String>,
    /// The program, as it names itself.
    pub client: Option<String>,
}

impl From<Option<Actor>> for Doer {
    fn from(actor: Option<Actor>) -> Doer {
        Doer { actor, address: None, client: None }
    }
}

impl From<&Caller> for Doer {
    fn from(caller: &Caller) -> Doer {
        Doer { actor: Some(caller.actor()), address: caller.address.clone(), client: caller.client.clone() }
    }
}

/// An entry of the audit trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its id, a UUID of version 7.
    pub id: uuid::Uuid,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it; `None` where nobody was signed in, or time did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
    /// From which network address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// By which program, as it names itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// What happened.
    #[serde(flatten)]
    pub what: Happened,
}

/// To whom a role in a collection is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grantee {
    /// Everyone in the team.
    Everyone,
    /// A group.
    Group(GroupId),
    /// A person.
    User(UserId),
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Happened {
    /// Someone made an account. Mailed: confirm your address.
    SignedUp {
        /// The account.
        user: UserId,
    },
    /// Someone signed up with an address that has an account. Mailed to its owner.
    SignedUpAgain {
        /// The account that is there.
        user: UserId,
        /// The team that they were about to join through an invitation.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        team: Option<TeamId>,
    },
    /// An address was confirmed.
    Confirmed {
        /// The account.
        user: UserId,
    },
    /// Someone asked for the confirmation mail again. Mailed: the link.
    ConfirmationAsked {
        /// The account.
        user: UserId,
    },
    /// Someone has forgotten the password. Mailed: a link to choose another.
    PasswordForgotten {
        /// The account.
        user: UserId,
    },
    /// The password was changed. Mailed: that it was.
    PasswordChanged {
        /// The account.
        user: UserId,
        /// Whether by the link of a mail instead of the old password.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        reset: bool,
    },
    /// Someone has forgotten the username. Mailed: the name.
    UsernameForgotten {
        /// The account.
        user: UserId,
    },
    /// The username was changed.
    UsernameChanged {
        /// The account.
        user: UserId,
    },
    /// Someone wants another address. Mailed to that address: the link to confirm it.
    EmailAsked {
        /// The account.
        user: UserId,
    },
    /// The address was changed. Mailed to the old one: the way back.
    EmailChanged {
        /// The account.
        user: UserId,
        /// The SHA-256 of the old address.
        left: String,
    },
    /// The old address took the account back. Mailed to it: a link to choose another password.
    EmailRestored {
        /// The account.
        user: UserId,
    },
    /// Someone signed in from a browser or program that was not seen before. Mailed.
    SignedInAnew {
        /// The account.
        user: UserId,
        /// The session.
        session: SessionId,
    },
    /// A second factor was switched on. Mailed.
    SecondFactorOn {
        /// The account.
        user: UserId,
    },
    /// The second factor was switched off. Mailed.
    SecondFactorOff {
        /// The account.
        user: UserId,
    },
    /// A recovery code was used in place of the second factor. Mailed.
    RecoveryCodeUsed {
        /// The account.
        user: UserId,
    },
    /// New recovery codes were made; the old ones are dead. Mailed.
    RecoveryCodesMade {
        /// The account.
        user: UserId,
    },
    /// A session was ended by its user, or because its refresh token came twice, which is mailed.
    SessionEnded {
        /// The account.
        user: UserId,
        /// The session; `None`: all of them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<SessionId>,
        /// Whether a refresh token came twice.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        reused: bool,
    },
    /// An API key was made.
    KeyMade {
        /// Whose.
        user: UserId,
        /// The key's id.
        key: KeyId,
    },
    /// An API key was deleted.
    KeyDeleted {
        /// Whose.
        user: UserId,
        /// The key's id.
        key: KeyId,
    },
    /// The account was ended by its owner. Mailed: that it was.
    AccountEnded {
        /// The account.
        user: UserId,
    },
    /// An access key for a collection was made.
    AccessKeyMade {
        /// By whom.
        user: UserId,
        /// The collection.
        collection: CollectionId,
        /// The key's id.
        key: KeyId,
    },
    /// An access key for a collection was deleted.
    AccessKeyDeleted {
        /// Whose it was.
        user: UserId,
        /// The collection.
        collection: CollectionId,
        /// The key's id.
        key: KeyId,
    },
    /// Somebody can sign in to the account elsewhere. Mailed.
    IdentityLinked {
        /// The account.
        user: UserId,
        /// Who vouches for them.
        provider: Provider,
    },
    /// Somebody can no longer sign in to the account there.
    IdentityUnlinked {
        /// The account.
        user: UserId,
        /// Who vouched for them.
        provider: Provider,
    },
    /// A member signed in through the team's single sign-on.
    SignedInThrough {
        /// The team.
        team: TeamId,
        /// Who.
        user: UserId,
    },
    /// Somebody is asked to look at a pull request. Mailed.
    ReviewAsked {
        /// Who is asked.
        user: UserId,
        /// Which.
        pull: PullId,
    },
    /// A pull request was approved, declined or merged. Its author is mailed.
    PullReviewed {
        /// The author.
        user: UserId,
        /// Which.
        pull: PullId,
        /// What it is now.
        status: Status,
    },
    /// A team's single sign-on was set up or changed.
    SsoSet {
        /// The team.
        team: TeamId,
        /// Whether the team takes only sign-ins through it.
        required: bool,
    },
    /// A team's single sign-on was taken away.
    SsoRemoved {
        /// The team.
        team: TeamId,
    },
    /// A team was made.
    TeamMade {
        /// The team.
        team: TeamId,
    },
    /// The number of seats was chosen.
    SeatsSet {
        /// The team.
        team: TeamId,
        /// How many.
        count: u64,
    },
    /// The team asks for a second factor from now on, or no longer does.
    SecondFactorRequired {
        /// The team.
        team: TeamId,
        /// Which of the two.
        required: bool,
    },
    /// A plan was chosen, or began with a new cycle.
    PlanChosen {
        /// The team.
        team: TeamId,
        /// Which.
        plan: PlanId,
        /// For how long a time each.
        period: Period,
    },
    /// An invoice was written. Mailed to those who look after payment.
    Invoiced {
        /// The team.
        team: TeamId,
        /// Its number.
        number: u64,
    },
    /// An invoice will soon have waited for too long. Mailed.
    InvoiceWaits {
        /// The team.
        team: TeamId,
        /// Its number.
        number: u64,
    },
    /// An invoice was paid. Mailed.
    InvoicePaid {
        /// The team.
        team: TeamId,
        /// Its number.
        number: u64,
    },
    /// An invoice has waited for too long: the team can only read. Mailed.
    TeamUnpaid {
        /// The team.
        team: TeamId,
    },
    /// Someone was invited, or invited again. Mailed: the link.
    Invited {
        /// The team.
        team: TeamId,
        /// The invitation.
        invite: InviteId,
        /// Which of its mails: 1, then 2 after a resend …
        round: u32,
    },
    /// An invitation was taken back.
    Uninvited {
        /// The team.
        team: TeamId,
        /// The invitation.
        invite: InviteId,
    },
    /// An invitation became too old; its seat is free again.
    InviteExpired {
        /// The team.
        team: TeamId,
        /// The invitation.
        invite: InviteId,
    },
    /// A member asked the admins to invite somebody. Mailed to the admins.
    InviteWished {
        /// The team.
        team: TeamId,
        /// What they asked.
        wish: WishId,
    },
    /// An admin decided on it. Mailed to who asked.
    WishDecided {
        /// The team.
        team: TeamId,
        /// What was asked.
        wish: WishId,
        /// Whether it was granted.
        approved: bool,
    },
    /// An admin chose how people come in.
    JoiningSet {
        /// The team.
        team: TeamId,
        /// As it is now.
        joining: Joining,
    },
    /// A mail domain was proven to be the team's.
    DomainVerified {
        /// The team.
        team: TeamId,
        /// The domain.
        domain: DomainName,
    },
    /// The team took control of its members' addresses in a domain, or gave it up. Mailed to them.
    DomainControlled {
        /// The team.
        team: TeamId,
        /// The domain.
        domain: DomainName,
        /// Whether it controls them now.
        controls: bool,
    },
    /// A mail domain is not the team's any more.
    DomainRemoved {
        /// The team.
        team: TeamId,
        /// The domain.
        domain: DomainName,
    },
    /// An admin lets a member change the address that the team controls.
    LetGo {
        /// The team.
        team: TeamId,
        /// Who.
        user: UserId,
    },
    /// Someone joined through an invitation.
    Joined {
        /// The team.
        team: TeamId,
        /// Who.
        user: UserId,
        /// As what.
        role: TeamRole,
    },
    /// A member's role was changed.
    RoleChanged {
        /// The team.
        team: TeamId,
        /// Whose.
        user: UserId,
        /// The role now.
        role: TeamRole,
        /// Whether they look after seats and payment now.
        billing: bool,
    },
    /// A member was removed, or left.
    Left {
        /// The team.
        team: TeamId,
        /// Who.
        user: UserId,
    },
    /// A team got another name, URL or description.
    TeamChanged {
        /// The team.
        team: TeamId,
        /// What changed: `name`, `handle`, `description`.
        fields: Vec<String>,
    },
    /// A team is to be deleted. Mailed to its admins.
    TeamDeletionAsked {
        /// The team.
        team: TeamId,
        /// When.
        due: Timestamp,
    },
    /// A team is not to be deleted after all.
    TeamKept {
        /// The team.
        team: TeamId,
    },
    /// A team was deleted, and everything of it.
    TeamDeleted {
        /// The team.
        team: TeamId,
    },
    /// A group was made.
    GroupMade {
        /// The team.
        team: TeamId,
        /// The group.
        group: GroupId,
        /// Its name.
        name: String,
    },
    /// A group got another name or summary.
    GroupChanged {
        /// The team.
        team: TeamId,
        /// The group.
        group: GroupId,
        /// Its name now.
        name: String,
    },
    /// A group was deleted.
    GroupDeleted {
        /// The team.
        team: TeamId,
        /// The group.
        group: GroupId,
    },
    /// Somebody was put into a group.
    GroupJoined {
        /// The team.
        team: TeamId,
        /// The group.
        group: GroupId,
        /// Who.
        user: UserId,
    },
    /// Somebody was taken out of a group.
    GroupLeft {
        /// The team.
        team: TeamId,
        /// The group.
        group: GroupId,
        /// Who.
        user: UserId,
    },
    /// A workspace was made.
    WorkspaceMade {
        /// The team.
        team: TeamId,
        /// The workspace.
        workspace: WorkspaceId,
        /// Who sees it.
        visibility: Visibility,
    },
    /// A workspace got another name, text or visibility.
    WorkspaceChanged {
        /// The team.
        team: TeamId,
        /// The workspace.
        workspace: WorkspaceId,
        /// What changed: `name`, `about`, `description`, `visibility`.
        fields: Vec<String>,
        /// Who sees it now.
        visibility: Visibility,
    },
    /// A workspace was deleted, with everything in it.
    WorkspaceDeleted {
        /// The team.
        team: TeamId,
        /// The workspace.
        workspace: WorkspaceId,
    },
    /// A role in a workspace was given or taken.
    WorkspaceRoleGiven {
        /// The team.
        team: TeamId,
        /// The workspace.
        workspace: WorkspaceId,
        /// To whom: a person or a group.
        to: Grantee,
        /// What; `None`: it was taken.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role: Option<TeamRole>,
    },
    /// A collection was taken from one workspace to another.
    CollectionMoved {
        /// The team in whose trail this stands: the one that it left, or the one that it came to.
        team: TeamId,
        /// The collection.
        collection: CollectionId,
        /// Where it was.
        from: WorkspaceId,
        /// Where it is.
        into: WorkspaceId,
    },
    /// A webhook was made.
    WebhookMade {
        /// By whom.
        user: UserId,
        /// The team, where it is one's or one of its collections'.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        team: Option<TeamId>,
        /// The webhook.
        webhook: Address,
    },
    /// A webhook was deleted.
    WebhookDeleted {
        /// Who answered for it.
        user: UserId,
        /// The team, where it is one's or one of its collections'.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        team: Option<TeamId>,
        /// The webhook.
        webhook: Address,
    },
    /// A webhook tells nothing more, without anybody having switched it off. Mailed to who answers for it.
    WebhookEnded {
        /// Who answers for it.
        user: UserId,
        /// The team, where it is one's or one of its collections'.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        team: Option<TeamId>,
        /// The webhook.
        webhook: Address,
        /// Why.
        why: Off,
    },
    /// A role in a collection was given or taken.
    RoleGiven {
        /// The collection's team; `None` where it is a person's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        team: Option<TeamId>,
        /// Who made it.
        owner: UserId,
        /// The collection.
        collection: CollectionId,
        /// To whom.
        to: Grantee,
        /// What; `None`: it was taken.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role: Option<CollectionRole>,
    },
    /// A group follows a collection from now on, or no longer.
    GroupFollows {
        /// The team.
        team: TeamId,
        /// The collection.
        collection: CollectionId,
        /// The group.
        group: GroupId,
        /// Which of the two.
        follows: bool,
    },
    /// A member asks for a role in a collection. Mailed to those who can give it.
    AccessAsked {
        /// The team.
        team: TeamId,
        /// The collection.
        collection: CollectionId,
        /// Who.
        user: UserId,
        /// What for.
        role: CollectionRole,
    },
    /// Somebody who asked was answered. Mailed to them.
    AccessAnswered {
        /// The team.
        team: TeamId,
        /// The collection.
        collection: CollectionId,
        /// Who had asked.
        user: UserId,
        /// What they were given; `None`: nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role: Option<CollectionRole>,
    },
}

/// In whose trail an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trail {
    /// A person's.
    User(UserId),
    /// A team's.
    Team(TeamId),
}

impl Happened {
    /// In whose trail this stands.
    pub fn trail(&self) -> Trail {
        match self {
            Happened::SignedUp { user }
            | Happened::SignedUpAgain { user, .. }
            | Happened::Confirmed { user }
            | Happened::ConfirmationAsked { user }
            | Happened::PasswordForgotten { user }
            | Happened::PasswordChanged { user, .. }
            | Happened::UsernameForgotten { user }
            | Happened::UsernameChanged { user }
            | Happened::EmailAsked { user }
            | Happened::EmailChanged { user, .. }
            | Happened::EmailRestored { user }
            | Happened::ReviewAsked { user, .. }
            | Happened::PullReviewed { user, .. }
            | Happened::SignedInAnew { user, .. }
            | Happened::SecondFactorOn { user }
            | Happened::SecondFactorOff { user }
            | Happened::RecoveryCodeUsed { user }
            | Happened::RecoveryCodesMade { user }
            | Happened::SessionEnded { user, .. }
            | Happened::KeyMade { user, .. }
            | Happened::KeyDeleted { user, .. }
            | Happened::AccountEnded { user }
            | Happened::AccessKeyMade { user, .. }
            | Happened::AccessKeyDeleted { user, .. }
            | Happened::IdentityLinked { user, .. }
            | Happened::IdentityUnlinked { user, .. } => Trail::User(*user),
            Happened::TeamMade { team }
            | Happened::SignedInThrough { team, .. }
            | Happened::SsoSet { team, .. }
            | Happened::SsoRemoved { team }
            | Happened::SeatsSet { team, .. }
            | Happened::SecondFactorRequired { team, .. }
            | Happened::PlanChosen { team, .. }
            | Happened::Invoiced { team, .. }
            | Happened::InvoiceWaits { team, .. }
            | Happened::InvoicePaid { team, .. }
            | Happened::TeamUnpaid { team }
            | Happened::Invited { team, .. }
            | Happened::Uninvited { team, .. }
            | Happened::InviteExpired { team, .. }
            | Happened::InviteWished { team, .. }
            | Happened::WishDecided { team, .. }
            | Happened::JoiningSet { team, .. }
            | Happened::DomainVerified { team, .. }
            | Happened::DomainControlled { team, .. }
            | Happened::DomainRemoved { team, .. }
            | Happened::LetGo { team, .. }
            | Happened::Joined { team, .. }
            | Happened::RoleChanged { team, .. }
            | Happened::Left { team, .. }
            | Happened::TeamChanged { team, .. }
            | Happened::TeamDeletionAsked { team, .. }
            | Happened::TeamKept { team }
            | Happened::TeamDeleted { team }
            | Happened::GroupMade { team, .. }
            | Happened::GroupChanged { team, .. }
            | Happened::GroupDeleted { team, .. }
            | Happened::GroupJoined { team, .. }
            | Happened::GroupLeft { team, .. }
            | Happened::WorkspaceMade { team, .. }
            | Happened::WorkspaceChanged { team, .. }
            | Happened::WorkspaceDeleted { team, .. }
            | Happened::WorkspaceRoleGiven { team, .. }
            | Happened::CollectionMoved { team, .. }
            | Happened::GroupFollows { team, .. }
            | Happened::AccessAsked { team, .. }
            | Happened::AccessAnswered { team, .. } => Trail::Team(*team),
            Happened::WebhookMade { team, user, .. }
            | Happened::WebhookDeleted { team, user, .. }
            | Happened::WebhookEnded { team, user, .. } => team.map_or(Trail::User(*user), Trail::Team),
            Happened::RoleGiven { team, owner, .. } => team.map_or(Trail::User(*owner), Trail::Team),
        }
    }
}

impl Happened {
    /// The word for what happened, as the table and the audit log have it.
    pub fn word(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        value["what"].as_str().unwrap_or_default().to_owned()
    }

    /// The rest of it in words: what it says beside its team, with persons by the names that `name` gives.
    pub fn details(&self, name: impl Fn(UserId) -> String) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        let person = |value: &serde_json::Value| value.as_u64().map(|user| name(UserId(user)));
        let mut said = Vec::new();
        for (key, value) in value.as_object().into_iter().flatten().filter(|(key, _)| !matches!(key.as_str(), "what" | "team")) {
            let told = match key.as_str() {
                "user" | "owner" => person(value),
                "to" => value.get("user").and_then(person),
                _ => value.as_str().map(str::to_owned),
            };
            said.push(format!("{key}: {}", told.unwrap_or_else(|| value.to_string())));
        }
        said.join(", ")
    }
}

#[cfg(test)]
mod tests;

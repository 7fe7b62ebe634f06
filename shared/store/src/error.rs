//! Why the table does not do what was asked.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use crate::keys::Key;

/// Why a write that was allowed did not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflict {
    /// The e-mail address belongs to an account.
    EmailTaken,
    /// The username belongs to an account.
    UsernameTaken,
    /// The team URL belongs to a team.
    HandleTaken,
    /// An id that was drawn is in use: draw again.
    IdTaken,
    /// All seats are taken.
    NoFreeSeat,
    /// Fewer seats than are in use.
    SeatsInUse,
    /// The address has a pending invitation to this team.
    AlreadyInvited,
    /// The person is in the team.
    AlreadyMember,
    /// The invitation was accepted, taken back or replaced.
    InviteGone,
    /// The invitation is too old.
    InviteExpired,
    /// The invitation is for another address.
    InviteForAnother,
    /// The account has another address than the one that it was to have.
    OtherAccount,
    /// Somebody asked to invite this address before, and waits.
    AlreadyAsked,
    /// The wish was decided or is too old.
    WishGone,
    /// The team has named this domain before.
    DomainAdded,
    /// Another team has proven this domain.
    DomainTaken,
    /// The team has not named this domain.
    DomainGone,
    /// The domain is not proven.
    DomainUnverified,
    /// The team controls this address.
    AddressControlled,
    /// There is no such invoice.
    InvoiceGone,
    /// The invoice is paid.
    InvoicePaid,
    /// An invoice of the team has waited for too long.
    TeamUnpaid,
    /// It costs something, and the caller does not look after payment.
    NeedsBilling,
    /// The team has an admin.
    HasAdmin,
    /// The member is not there (any more).
    NotMember,
    /// The group is not there (any more).
    GroupGone,
    /// The team has as many groups as it can have.
    TooManyGroups,
    /// The team has as many workspaces as it can have.
    TooManyWorkspaces,
    /// The workspace is not there (any more).
    WorkspaceGone,
    /// The private workspace would be left without an admin.
    LastWorkspaceAdmin,
    /// As many persons and groups are named in the workspace as can be.
    TooManyNamed,
    /// More roles were given in the collection than a move can take away.
    TooManyRoles,
    /// Anybody would read it: that has to be confirmed.
    Unconfirmed,
    /// Something in it is not the caller's to delete.
    NotYours,
    /// The team is not to be deleted.
    TeamStays,
    /// The team would be left without an admin.
    LastAdmin,
    /// The link was used, replaced or is too old.
    LinkGone,
    /// The address was changed too often lately.
    ChangedTooOften,
    /// The access key was deleted.
    AccessKeyGone,
    /// The session ended.
    SessionGone,
    /// A second factor is in use.
    SecondFactorOn,
    /// No second factor is in use.
    NoSecondFactor,
    /// No set-up of a second factor waits for its first code.
    NoSetUp,
    /// The code is wrong, or was used.
    WrongCode,
    /// The password was shown too long ago, or has changed since.
    ChallengeGone,
    /// A program's question was answered, or is too old.
    QuestionGone,
    /// The identity elsewhere belongs to an account.
    IdentityTaken,
    /// The account would be left without a way in.
    LastWayIn,
    /// The sign-in elsewhere took too long, or is done.
    SsoGone,
    /// The team takes only sign-ins through its own single sign-on.
    SsoRequired,
    /// The single sign-on was not tried by whoever makes it compulsory.
    SsoUntried,
    /// The ticket was used or is too old.
    TicketGone,
    /// The collection has no such change.
    NoSuchChange,
    /// What was then is no longer kept.
    HistoryGone,
    /// The same request, by its `Idempotency-Key`, is being answered.
    UnderWay,
    /// The collection is not there (any more).
    CollectionGone,
    /// The element or its parent is not there (any more).
    ElementGone,
    /// An element would stand inside itself.
    InsideItself,
    /// The id is in use in this collection.
    ElementExists,
    /// The element is longer than one that is edited can be.
    ElementTooLong,
    /// More elements at once than a transaction takes.
    TooManyElements,
    /// A folder or request stands in a folder, a response in a request.
    WrongParent,
    /// The thread of comments is not there (any more).
    ThreadGone,
    /// The comment is not there (any more), or somebody else's.
    CommentGone,
    /// Nobody asks (any more).
    AskGone,
    /// Several edits that are to be made together are more than one transaction takes.
    BatchTooLarge,
    /// The pull request is merged.
    PullMerged,
    /// The pull request is declined.
    PullDeclined,
    /// Somebody changed the pull request meanwhile.
    PullChanged,
    /// Neither of two collections is a fork of the other.
    NotAFork,
    /// There is no such webhook (any more).
    WebhookGone,
    /// There are as many webhooks as there can be.
    TooManyWebhooks,
}

/// Why an operation of the store failed.
#[derive(Debug)]
pub enum Error {
    /// A rule of the data refused it.
    Conflict(Conflict),
    /// A cursor is none of ours.
    NoCursor,
    /// Too much contention or throttling for too long: try again later.
    Busy,
    /// What is read is not what was written, or DynamoDB failed. For the log.
    Failed(String),
}

impl Error {
    pub(crate) fn from_sdk<E, R>(operation: &str, error: &SdkError<E, R>) -> Error
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
        R: std::fmt::Debug,
    {
        match error.as_service_error().and_then(ProvideErrorMetadata::code) {
            Some("ProvisionedThroughputExceededException" | "ThrottlingException" | "RequestLimitExceeded") => Error::Busy,
            _ => Error::Failed(format!("{operation}: {}", plainly(error))),
        }
    }

    /// The same error, for another who waited for the same write.
    pub(crate) fn again(&self) -> Error {
        match self {
            Error::Conflict(conflict) => Error::Conflict(*conflict),
            Error::NoCursor => Error::NoCursor,
            Error::Busy => Error::Busy,
            Error::Failed(why) => Error::Failed(why.clone()),
        }
    }

    pub(crate) fn torn(key: &Key, error: impl std::fmt::Display) -> Error {
        Error::Failed(format!("{key} cannot be read: {error}"))
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Conflict(conflict) => write!(out, "refused: {conflict:?}"),
            Error::NoCursor => out.write_str("no cursor of ours"),
            Error::Busy => out.write_str("busy"),
            Error::Failed(why) => out.write_str(why),
        }
    }
}

impl std::error::Error for Error {}

impl From<Conflict> for Error {
    fn from(conflict: Conflict) -> Error {
        Error::Conflict(conflict)
    }
}

/// An SDK's error as a line for the log: code and message, or what went wrong below. The SDK's own rendering would put
/// the whole answer there, headers and body.
pub fn plainly<E, R>(error: &SdkError<E, R>) -> String
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
    R: std::fmt::Debug,
{
    if let Some(service) = error.as_service_error() {
        return format!("{}: {}", service.code().unwrap_or("unknown"), service.message().unwrap_or("no message"));
    }
    let mut told = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        told.push_str(&format!(": {error}"));
        cause = error.source();
    }
    told
}

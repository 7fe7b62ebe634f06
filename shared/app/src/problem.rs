//! The one error type of the API. What the caller sees and what we log are different fields.

use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::access::Denied;
use domain::{Rejected, limit};
use serde::Serialize;
use serde_json::json;
use store::Conflict;

use crate::links;

/// A field that was not taken.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct FieldError {
    /// Where in the body (RFC 6901), or `?name` for a parameter of the query.
    pub pointer: String,
    /// What is wrong, as a sentence without a full stop.
    pub detail: String,
}

impl FieldError {
    /// A field error from its place and a rejection.
    pub fn at(pointer: impl Into<String>, rejected: Rejected) -> FieldError {
        FieldError { pointer: pointer.into(), detail: rejected.0 }
    }
}

/// Why a request is not answered as asked. Rendered as RFC 9457 problem details with Postman's envelope inside.
#[derive(Debug, Clone)]
pub enum Problem {
    /// 422: the fields are named, all at once.
    Rejected(Vec<FieldError>),
    /// 400: the body, the path or the query cannot be read at all.
    Malformed(String),
    /// 401: no credential, or one that is dead. Says which.
    Unauthenticated(&'static str),
    /// 401: wrong name or password; the same whether the account exists.
    WrongLogin,
    /// 401: the password is right, the second factor is missing. Carries the challenge to show with it.
    SecondFactorNeeded(String),
    /// 403: the team asks its members for a second factor, and the caller has none.
    SecondFactorRequired,
    /// 403: a request from a browser that did not come from our pages.
    Forged,
    /// 403: the caller sees the thing, but may not do this. Says what it needs.
    Forbidden(&'static str),
    /// 404: nothing there, or nothing that the caller may know of. Names the kind of thing.
    NotFound(&'static str),
    /// 405.
    MethodNotAllowed,
    /// 409 or 410: a rule of the data refused it. The pointer names the field that it is about, where there is one.
    Conflict(Conflict, &'static str),
    /// 409: nothing of many could be done. The pointer, and what became of each under a name of its own.
    Nothing(Conflict, &'static str, (&'static str, serde_json::Value)),
    /// 409: the edit and one that came between overlap: the body carries these members, JSON as written
    /// (`base`, `mine`, `theirs`, …).
    Stale(Vec<(&'static str, String)>),
    /// The same with more members in its body, JSON as written.
    With(Box<Problem>, Vec<(&'static str, String)>),
    /// 412: `Prefer: handling=strict` and the thing has changed. Carries the current revision.
    Precondition(u64),
    /// 413: carries the limit in bytes.
    TooLarge(usize),
    /// 415: says what is taken.
    MediaType(&'static str),
    /// 429: carries the seconds to wait.
    TooMany(u32),
    /// 503: something that we need does not answer. Says what; try again in a minute.
    Unavailable(&'static str),
    /// 503: too busy; try again in a second.
    Busy,
    /// 500: logged whole, shown never.
    Internal(String),
}

struct Face {
    status: StatusCode,
    code: &'static str,
    /// Postman's `error.name`.
    name: &'static str,
    detail: String,
}

const UNPAID: &str = "an invoice of the team has waited for more than 10 days: until it is paid, the team can only read";

/// Status, word and sentence of each conflict.
fn face_of_conflict(conflict: Conflict) -> (u16, &'static str, &'static str) {
    match conflict {
        Conflict::EmailTaken => (409, "email_taken", "this e-mail address belongs to an account"),
        Conflict::UsernameTaken => (409, "username_taken", "this username is taken: choose another"),
        Conflict::HandleTaken => (409, "handle_taken", "this team URL is taken: choose another"),
        Conflict::IdTaken => (409, "id_taken", "this id is in use"),
        Conflict::NoFreeSeat => (409, "no_free_seat", "the team has no free seat: take more seats first"),
        Conflict::SeatsInUse => (409, "seats_in_use", "more seats than that are in use"),
        Conflict::AlreadyInvited => (409, "already_invited", "this address has a pending invitation to the team"),
        Conflict::AlreadyMember => (409, "already_member", "this person is in the team already"),
        Conflict::InviteGone => (410, "invite_gone", "this invitation was used, replaced or taken back: ask for a new one"),
        Conflict::InviteExpired => (410, "invite_expired", "this invitation has expired: ask for a new one"),
        Conflict::InviteForAnother => (
            403,
            "invite_for_another",
            "this invitation is for another e-mail address: sign in with the account that has it, or ask for a new one",
        ),
        Conflict::OtherAccount => (409, "other_account", "you are signed in with another account than the one that was invited"),
        Conflict::AlreadyAsked => (409, "already_asked", "somebody has asked to invite this address: an admin will decide"),
        Conflict::WishGone => (410, "wish_gone", "this was decided before, or is too old"),
        Conflict::DomainAdded => (409, "domain_added", "the team has named this domain before"),
        Conflict::DomainTaken => (409, "domain_taken", "another team has proven this domain"),
        Conflict::DomainGone => (404, "not_found", "the team has no such domain"),
        Conflict::DomainUnverified => (409, "domain_unverified", "the DNS does not show the record yet: it can take an hour"),
        Conflict::AddressControlled => (403, "address_controlled", "your team controls this address: ask an admin to let you change it"),
        Conflict::InvoiceGone => (404, "not_found", "there is no such invoice"),
        Conflict::InvoicePaid => (409, "invoice_paid", "this invoice is paid"),
        Conflict::TeamUnpaid => (402, "team_unpaid", UNPAID),
        Conflict::NeedsBilling => (403, "needs_billing", "more seats cost something: somebody with the role billing has to add them"),
        Conflict::HasAdmin => (409, "has_admin", "the team has an admin, who invites people"),
        Conflict::NotMember => (404, "not_found", "this person is not in the team"),
        Conflict::GroupGone => (404, "not_found", "there is no such group in the team (any more)"),
        Conflict::TooManyGroups => (409, "too_many_groups", "a team has at most 100 groups"),
        Conflict::TooManyWorkspaces => (409, "too_many_workspaces", "a team has at most 200 workspaces beside its library"),
        Conflict::WorkspaceGone => (404, "not_found", "there is no such workspace (any more)"),
        Conflict::LastWorkspaceAdmin => (409, "last_admin", "a private workspace keeps at least one admin: make somebody else admin first"),
        Conflict::TooManyNamed => (409, "too_many_named", "at most 100 persons and groups are named in a workspace: make a group of them"),
        Conflict::TooManyRoles => (409, "too_many_roles", "more than 40 persons have a role in this collection: take some back first"),
        Conflict::Unconfirmed => {
            (409, "confirm_public", "anybody could read this from then on: look at `findings`, then send it again with this `confirm`")
        }
        Conflict::NotYours => (409, "not_yours", "it holds a collection that you may not delete: ask its maker, or move it elsewhere"),
        Conflict::TeamStays => (409, "team_stays", "this team is not to be deleted"),
        Conflict::LastAdmin => (409, "last_admin", "a team keeps at least one admin: make somebody else admin first"),
        Conflict::ChangedTooOften => (409, "changed_too_often", "the address was changed several times this week: wait some days"),
        Conflict::LinkGone => (410, "link_gone", "this link was used, replaced or is too old: ask for a new one"),
        Conflict::AccessKeyGone => (404, "not_found", "there is no such access key (any more)"),
        Conflict::SessionGone => (401, "session_gone", "this session has ended: sign in again"),
        Conflict::SecondFactorOn => (409, "second_factor_on", "a second factor is in use: switch it off first"),
        Conflict::NoSecondFactor => (409, "second_factor_off", "the account has no second factor"),
        Conflict::NoSetUp => (409, "no_set_up", "no set-up waits for a code, or it waited more than 15 minutes: begin again"),
        Conflict::WrongCode => (401, "wrong_code", "this code is wrong, or was used: wait for the next one"),
        Conflict::ChallengeGone => (401, "challenge_gone", "this took too long, or the password has changed: sign in again"),
        Conflict::QuestionGone => (410, "request_gone", "this was answered, or is older than 5 minutes: begin again in the program"),
        Conflict::IdentityTaken => (409, "identity_taken", "this sign-in belongs to another account: unlink it there first"),
        Conflict::LastWayIn => (409, "last_way_in", "this is the only way into your account: choose a password first"),
        Conflict::SsoGone => (410, "sso_gone", "this sign-in took too long or is done: start it again"),
        Conflict::SsoRequired => (403, "sso_required", "this team takes only sign-ins through its own single sign-on: sign in there first"),
        Conflict::SsoUntried => (409, "sso_untried", "sign in through it once yourself before you make it compulsory"),
        Conflict::TicketGone => (401, "ticket_gone", "this ticket was used or is too old: get a new one"),
        Conflict::NoSuchChange => (404, "not_found", "the collection has no such change"),
        Conflict::HistoryGone => (410, "history_gone", "what was deleted or replaced is kept for 90 days: this is gone"),
        Conflict::UnderWay => (409, "under_way", "a request with this Idempotency-Key is being answered: send it again in a second"),
        Conflict::CollectionGone => (404, "not_found", "there is no such collection (any more)"),
        Conflict::ElementGone => (404, "not_found", "there is no such element in the collection (any more)"),
        Conflict::ThreadGone => (404, "not_found", "there is no such thread of comments (any more)"),
        Conflict::CommentGone => (404, "not_found", "there is no such comment (any more)"),
        Conflict::InsideItself => (409, "inside_itself", "a folder cannot stand inside itself"),
        Conflict::ElementTooLong => (413, "element_too_long", "an element that is edited takes at most 1 MB, stored"),
        Conflict::BatchTooLarge => (
            413,
            "batch_too_large",
            "the operations up to this one are more than is written together (4 MB): send this one and those behind it in another request",
        ),
        Conflict::TooManyElements => (413, "too_many_elements", "too many elements: a collection has at most 50,000"),
        Conflict::WrongParent => (422, "wrong_parent", "a folder or request stands in a folder, a response in a request"),
        Conflict::AskGone => (404, "not_found", "nobody waits for an answer here (any more)"),
        Conflict::PullMerged => (409, "pull_merged", "this pull request is merged: nothing of it changes any more"),
        Conflict::PullDeclined => (409, "pull_declined", "this pull request is declined: it is approved before it is merged"),
        Conflict::PullChanged => (409, "pull_changed", "somebody changed this pull request meanwhile: look at it again"),
        Conflict::NotAFork => (400, "not_a_fork", "neither of the two collections is a fork of the other"),
        Conflict::WebhookGone => (404, "not_found", "there is no such webhook (any more)"),
        Conflict::TooManyWebhooks => (409, "too_many_webhooks", "a collection or a team has at most 20 webhooks"),
        Conflict::ElementExists => (409, "element_exists", "an element with this id is in the collection already"),
    }
}

impl Problem {
    /// One field that was not taken.
    pub fn field(pointer: impl Into<String>, detail: impl Into<String>) -> Problem {
        Problem::Rejected(vec![FieldError { pointer: pointer.into(), detail: detail.into() }])
    }

    fn face(&self) -> Face {
        let face = |status: StatusCode, code, name, detail: String| Face { status, code, name, detail };
        match self {
            Problem::Rejected(fields) => {
                let first = fields.first().map(|field| format!("{}: {}", field.pointer, field.detail)).unwrap_or_default();
                face(StatusCode::UNPROCESSABLE_ENTITY, "rejected", "invalidParamsError", first)
            }
            Problem::Malformed(why) => face(StatusCode::BAD_REQUEST, "malformed", "malformedRequestError", why.clone()),
            Problem::Unauthenticated(why) => face(StatusCode::UNAUTHORIZED, "unauthenticated", "AuthenticationError", (*why).to_owned()),
            Problem::WrongLogin => face(
                StatusCode::UNAUTHORIZED,
                "wrong_login",
                "AuthenticationError",
                "the name and the password do not belong together".to_owned(),
            ),
            Problem::SecondFactorNeeded(_) => face(
                StatusCode::UNAUTHORIZED,
                "second_factor_needed",
                "AuthenticationError",
                "show the code of your authenticator with this challenge".to_owned(),
            ),
            Problem::SecondFactorRequired => face(
                StatusCode::FORBIDDEN,
                "second_factor_required",
                "forbiddenError",
                "this team asks for a second factor: set one up on your account's page".to_owned(),
            ),
            Problem::Forged => {
                face(StatusCode::FORBIDDEN, "forged", "forbiddenError", "this request did not come from a page of ours".to_owned())
            }
            Problem::Forbidden(needs) => face(StatusCode::FORBIDDEN, "forbidden", "forbiddenError", format!("this needs {needs}")),
            Problem::NotFound(thing) => {
                face(StatusCode::NOT_FOUND, "not_found", "instanceNotFoundError", format!("there is no such {thing}"))
            }
            Problem::MethodNotAllowed => face(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "methodNotAllowedError",
                "this address does not take this method".to_owned(),
            ),
            Problem::Conflict(conflict, _) | Problem::Nothing(conflict, ..) => {
                let (status, code, detail) = face_of_conflict(*conflict);
                face(StatusCode::from_u16(status).unwrap_or(StatusCode::CONFLICT), code, "conflictError", detail.to_owned())
            }
            Problem::With(problem, _) => problem.face(),
            Problem::Stale(_) => face(
                StatusCode::CONFLICT,
                "conflict",
                "conflictError",
                "somebody changed the same fields meanwhile: choose mine, theirs or merge".to_owned(),
            ),
            Problem::Precondition(now) => {
                face(StatusCode::PRECONDITION_FAILED, "stale", "preconditionFailedError", format!("this is at revision {now} now"))
            }
            Problem::TooLarge(limit) => {
                face(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "payloadTooLargeError", format!("this takes at most {limit} bytes"))
            }
            Problem::MediaType(takes) => {
                face(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media_type", "unsupportedMediaTypeError", format!("this takes {takes}"))
            }
            Problem::TooMany(seconds) => {
                face(StatusCode::TOO_MANY_REQUESTS, "too_many", "rateLimited", format!("too many requests: try again in {seconds} seconds"))
            }
            Problem::Unavailable(why) => face(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "serviceUnavailableError", (*why).to_owned()),
            Problem::Busy => face(
                StatusCode::SERVICE_UNAVAILABLE,
                "busy",
                "serviceUnavailableError",
                "too many writes at once: try again in a second".to_owned(),
            ),
            Problem::Internal(_) => face(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "serverError",
                "something went wrong here; it is in our log under this request id".to_owned(),
            ),
        }
    }

    /// The status that it is answered with.
    pub fn status(&self) -> StatusCode {
        self.face().status
    }

    /// The word for programs.
    pub fn code(&self) -> &'static str {
        self.face().code
    }

    /// The sentence for people.
    pub fn detail(&self) -> String {
        self.face().detail
    }

    /// The body for a request to `instance`.
    pub fn body(&self, instance: &str, request_id: &str) -> String {
        if let Problem::With(problem, members) = self {
            return with_members(problem.body(instance, request_id), members);
        }
        let face = self.face();
        let title = face.status.canonical_reason().unwrap_or("Error");
        let mut body = json!({
            "type": format!("urn:postroom:problem:{}", face.code),
            "title": title,
            "status": face.status.as_u16(),
            "detail": face.detail,
            "instance": instance,
            "request_id": request_id,
            "code": face.code,
            "error": {"name": face.name, "message": face.detail, "details": {}},
        });
        match self {
            Problem::Rejected(fields) => body["errors"] = json!(fields),
            Problem::Conflict(_, pointer) if !pointer.is_empty() => body["errors"] = json!([{"pointer": pointer, "detail": face.detail}]),
            Problem::Nothing(_, pointer, (member, each)) => {
                body["errors"] = json!([{"pointer": pointer, "detail": face.detail}]);
                body[member] = each.clone();
            }
            Problem::NotFound(thing) => body["error"]["details"] = json!({"item": thing}),
            Problem::SecondFactorNeeded(challenge) => {
                body["challenge"] = json!(challenge);
                body["expires_in"] = json!(links::CHALLENGE_SECONDS);
            }
            Problem::TooLarge(limit) => body["limit"] = json!(limit),
            Problem::Precondition(now) => body["revision"] = json!(now),
            _ => (),
        }
        match self {
            Problem::Stale(members) => with_members(body.to_string(), members),
            _ => body.to_string(),
        }
    }

    /// The same problem with more members in its body, JSON as written.
    pub fn with(self, members: Vec<(&'static str, String)>) -> Problem {
        Problem::With(Box::new(self), members)
    }

    fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        match self {
            Problem::Unauthenticated(_) => Some((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"postroom\""))),
            Problem::TooMany(seconds) => Some((header::RETRY_AFTER, HeaderValue::from(*seconds))),
            Problem::Unavailable(_) => Some((header::RETRY_AFTER, HeaderValue::from_static("60"))),
            Problem::Busy => Some((header::RETRY_AFTER, HeaderValue::from_static("1"))),
            _ => None,
        }
    }
}

/// An object with more members. As written: turned into values, numbers and escapes could become others.
fn with_members(mut object: String, members: &[(&'static str, String)]) -> String {
    object.pop();
    for (key, value) in members {
        object.push_str(&format!(",\"{key}\":{value}"));
    }
    object.push('}');
    object
}

/// A problem on its way to the layer that knows the request's id and address (`serve.rs`).
#[derive(Clone)]
pub(crate) struct Slot(pub(crate) Arc<Problem>);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        if let Some((name, value)) = self.header() {
            response.headers_mut().insert(name, value);
        }
        response.extensions_mut().insert(Slot(Arc::new(self)));
        response
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Problem {
        match error {
            store::Error::Conflict(conflict) => Problem::Conflict(conflict, ""),
            store::Error::NoCursor => Problem::Malformed("cursor: this is no cursor of ours".to_owned()),
            store::Error::Busy => Problem::Busy,
            store::Error::Failed(why) => Problem::Internal(why),
        }
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Problem {
        match denied {
            Denied::NotFound => Problem::NotFound("thing"),
            Denied::SecondFactor => Problem::SecondFactorRequired,
            Denied::Forbidden(needs) => Problem::Forbidden(needs),
            Denied::Unpaid => Problem::Conflict(Conflict::TeamUnpaid, ""),
        }
    }
}

impl From<Rejected> for Problem {
    fn from(rejected: Rejected) -> Problem {
        Problem::Rejected(vec![FieldError::at("", rejected)])
    }
}

impl Problem {
    /// The problem of a body that is larger than a Lambda takes.
    pub fn body_too_large() -> Problem {
        Problem::TooLarge(limit::BODY_BYTES)
    }
}

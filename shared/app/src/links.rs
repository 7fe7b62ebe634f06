//! The secret links of mails. Their secrets are derived from the signing key, so that the table holds none of them and
//! an invitation's link can be shown again; each is good for one person and one purpose.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::account::Email;
use domain::ids::{InviteId, TeamId, UserId};
use domain::mail_domain::DomainName;
use domain::notify::Letters;
use domain::team::Invite;
use jiff::{SignedDuration, Timestamp};
use store::{Conflict, users::Profile};

use crate::{App, Problem};

/// What the token of an invitation's link names. The table says whether it is still good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteToken {
    /// The team.
    pub team: TeamId,
    /// The invitation.
    pub invite: InviteId,
    /// Which of its mails the link is from: a resend kills the links before it.
    pub round: u32,
}

fn joined(parts: &[&str], mac: &str) -> String {
    [parts, &[mac]].concat().join(".")
}

impl App {
    fn sign(&self, purpose: &str, shown: &[&str], hidden: &[&str]) -> Result<String, Problem> {
        Ok(joined(shown, &self.tokens.link(purpose, &[shown, hidden].concat())?))
    }

    /// The token of an invitation's link: `<team>.<invite>.<round>.<mac>`.
    pub fn invite_token(&self, invite: &Invite) -> Result<String, Problem> {
        self.sign("invite", &[&invite.team.to_string(), invite.id.as_str(), &invite.round.to_string()], &[])
    }

    /// The link of an invitation.
    pub fn invite_link(&self, invite: &Invite) -> Result<String, Problem> {
        Ok(format!("{}/invite/{}", self.config.pages_url, self.invite_token(invite)?))
    }

    /// Reads the token of an invitation's link. One that is not ours names nothing.
    pub fn read_invite_token(&self, token: &str) -> Result<InviteToken, Problem> {
        let parts: Vec<&str> = token.trim().split('.').collect();
        let [team, invite, round, mac] = parts.as_slice() else { return Err(Problem::NotFound("invitation")) };
        let read = || Some(InviteToken { team: team.parse().ok()?, invite: invite.parse().ok()?, round: round.parse().ok()? });
        let ours = self.tokens.link_is("invite", &[team, invite, round], mac);
        read().filter(|_| ours).ok_or(Problem::NotFound("invitation"))
    }

    /// The invitation behind a link. Refused with 404 (not ours), 410 `invite_gone` (accepted, taken back, replaced by a
    /// resend), 410 `invite_expired`.
    pub async fn invited(&self, token: &str) -> Result<Invite, Problem> {
        let token = self.read_invite_token(token)?;
        let invite = self.store.find_invite(token.team, &token.invite).await?.filter(|invite| invite.round == token.round);
        match invite {
            None => Err(Problem::Conflict(Conflict::InviteGone, "")),
            Some(invite) if invite.expires_at <= self.now() => Err(Problem::Conflict(Conflict::InviteExpired, "")),
            Some(invite) => Ok(invite),
        }
    }

    /// What a link that turns off mails carries: `<user>.<collection, "all" or "comments">.<mac>`.
    fn unsubscribe_token(&self, user: UserId, letters: &Letters) -> Result<String, Problem> {
        self.sign("unsubscribe", &[&user.to_string(), letters.as_str()], &[])
    }

    /// Where a mail program unsubscribes by one click (RFC 8058).
    pub fn unsubscribe_address(&self, user: UserId, letters: &Letters) -> Result<String, Problem> {
        Ok(format!("{}/api/unsubscribe?token={}", self.config.pages_url, self.unsubscribe_token(user, letters)?))
    }

    /// The page where a reader does.
    pub fn unsubscribe_page(&self, user: UserId, letters: &Letters) -> Result<String, Problem> {
        Ok(format!("{}/unsubscribe?token={}", self.config.pages_url, self.unsubscribe_token(user, letters)?))
    }

    /// Whose mails a link turns off, and which. 404: it is not ours.
    pub fn unsubscribe_by(&self, token: &str) -> Result<(UserId, Letters), Problem> {
        let parts: Vec<&str> = token.trim().split('.').collect();
        let [user, letters, mac] = parts.as_slice() else { return Err(Problem::NotFound("link")) };
        let ours = self.tokens.link_is("unsubscribe", &[user, letters], mac);
        let read = || Some((user.parse().ok()?, Letters::parse(letters).ok()?));
        read().filter(|_| ours).ok_or(Problem::NotFound("link"))
    }

    /// What a team puts into the DNS of a domain to prove that it is theirs.
    pub fn domain_proof(&self, team: TeamId, name: &DomainName) -> Result<String, Problem> {
        Ok(format!("{PROOF}{}", self.tokens.link("domain", &[&team.to_string(), name.as_str()])?))
    }

    /// Whether a text of the DNS proves it.
    pub fn proves_domain(&self, team: TeamId, name: &DomainName, text: &str) -> bool {
        let proof = text.strip_prefix(PROOF);
        proof.is_some_and(|proof| self.tokens.link_is("domain", &[&team.to_string(), name.as_str()], proof))
    }

    /// The link of a confirmation mail; its token is `<user>.<issued at, seconds>.<mac>`, like those below.
    pub fn confirm_link(&self, user: UserId, email: &Email, issued: Timestamp) -> Result<String, Problem> {
        self.timed_link(&CONFIRM, user, issued, email.as_str())
    }

    /// Confirms the address that a confirmation mail was sent to. The same link confirms again without harm; it is
    /// refused with 410 `link_gone` when it is too old or the account has another address by now, with 404 when it is
    /// not ours.
    pub async fn confirm(&self, token: &str) -> Result<Profile, Problem> {
        let profile = self.timed(&CONFIRM, token, |profile| Some(profile.email.to_string())).await?;
        if profile.verified { Ok(profile) } else { Ok(self.store.confirm(profile.id, &profile.email, self.now()).await?) }
    }

    /// The link to choose another password. The password of now is in its secret: it is good for one change.
    pub fn reset_link(&self, profile: &Profile, issued: Timestamp) -> Result<String, Problem> {
        self.timed_link(&RESET, profile.id, issued, &reset_binds(profile))
    }

    /// Whose password a link of [`App::reset_link`] may change. 410 `link_gone`: it was used or is too old.
    pub async fn reset_by(&self, token: &str) -> Result<Profile, Problem> {
        self.timed(&RESET, token, |profile| Some(reset_binds(profile))).await
    }

    /// The link that confirms the address that somebody asks for instead of theirs.
    pub fn email_link(&self, user: UserId, asked: &Email, issued: Timestamp) -> Result<String, Problem> {
        self.timed_link(&EMAIL, user, issued, asked.as_str())
    }

    /// Who gets the address they asked for by a link of [`App::email_link`]. 410 `link_gone`: it was used or is too old.
    pub async fn email_by(&self, token: &str) -> Result<Profile, Problem> {
        self.timed(&EMAIL, token, |profile| profile.email_asked.as_ref().map(Email::to_string)).await
    }

    /// The link by which an address that was left takes its account back:
    /// `<user>.<issued at, seconds>.<address, base64url>.<mac>`.
    pub fn way_back_link(&self, user: UserId, left: &Email, issued: Timestamp) -> Result<String, Problem> {
        let left = URL_SAFE_NO_PAD.encode(left.as_str());
        let token = self.sign("way-back", &[&user.to_string(), &issued.as_second().to_string(), &left], &[])?;
        Ok(format!("{}/way-back?token={token}", self.config.pages_url))
    }

    /// Which account goes back to which address by a link of [`App::way_back_link`]. The table says whether it still may.
    pub async fn way_back_by(&self, token: &str) -> Result<(Profile, Email), Problem> {
        let not_ours = || Problem::NotFound("link");
        let parts: Vec<&str> = token.trim().split('.').collect();
        let [user, issued, left, mac] = parts.as_slice() else { return Err(not_ours()) };
        if !self.tokens.link_is("way-back", &[user, issued, left], mac) {
            return Err(not_ours());
        }
        let left = URL_SAFE_NO_PAD.decode(left).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let left = left.and_then(|left| Email::parse(&left).ok()).ok_or_else(not_ours)?;
        let profile = self.store.profile(user.parse().map_err(|_| not_ours())?).await?.ok_or_else(not_ours)?;
        Ok((profile, left))
    }

    /// What a browser keeps to say that somebody has signed in with it before.
    pub fn known(&self, user: UserId) -> Result<String, Problem> {
        self.tokens.link("known", &[&user.to_string()])
    }

    /// Whether a browser shows what [`App::known`] gave it.
    pub fn is_known(&self, user: UserId, shown: &str) -> bool {
        self.tokens.link_is("known", &[&user.to_string()], shown)
    }

    /// What somebody gets who knows the password of an account with a second factor. Good for five minutes, and as long
    /// as the password does not change. It opens nothing without a code.
    pub fn challenge(&self, profile: &Profile) -> Result<String, Problem> {
        let issued = self.now().as_second().to_string();
        self.sign(CHALLENGE.purpose, &[&profile.id.to_string(), &issued], &[profile.password_hash.expose()])
    }

    /// Who has shown their password to get a challenge. 401 `challenge_gone`.
    pub async fn challenged_by(&self, challenge: &str) -> Result<Profile, Problem> {
        match self.timed(&CHALLENGE, challenge, |profile| Some(profile.password_hash.expose().to_owned())).await {
            Err(Problem::NotFound(_) | Problem::Conflict(..)) => Err(Problem::Conflict(Conflict::ChallengeGone, "")),
            ended => ended,
        }
    }

    fn timed_link(&self, kind: &Timed, user: UserId, issued: Timestamp, bound: &str) -> Result<String, Problem> {
        let token = self.sign(kind.purpose, &[&user.to_string(), &issued.as_second().to_string()], &[bound])?;
        Ok(format!("{}/{}?token={token}", self.config.pages_url, kind.page))
    }

    /// Whose link it is, where what it is bound to is still so.
    async fn timed(&self, kind: &Timed, token: &str, bound: impl Fn(&Profile) -> Option<String>) -> Result<Profile, Problem> {
        let not_ours = || Problem::NotFound("link");
        let gone = || Problem::Conflict(Conflict::LinkGone, "");
        let parts: Vec<&str> = token.trim().split('.').collect();
        let [user, issued, mac] = parts.as_slice() else { return Err(not_ours()) };
        let (Ok(id), Ok(seconds)) = (user.parse::<UserId>(), issued.parse::<i64>()) else { return Err(not_ours()) };
        let profile = self.store.profile(id).await?.ok_or_else(not_ours)?;
        let ours = bound(&profile).is_some_and(|bound| self.tokens.link_is(kind.purpose, &[user, issued, &bound], mac));
        if !ours {
            // What it was bound to may have changed since: then it was ours once.
            return Err(if kind.changes { gone() } else { not_ours() });
        }
        let issued = Timestamp::from_second(seconds).map_err(|_| not_ours())?;
        if self.now().duration_since(issued) > kind.within { Err(gone()) } else { Ok(profile) }
    }
}

/// To the password, so that the link is good once; to the address, so that it dies with it.
fn reset_binds(profile: &Profile) -> String {
    format!("{} {}", profile.email, profile.password_hash.expose())
}

/// What stands before a domain's proof in the DNS.
const PROOF: &str = "postroom-verification=";

/// A kind of link that is good for a time.
struct Timed {
    purpose: &'static str,
    page: &'static str,
    within: SignedDuration,
    /// Whether using it, or something else, changes what it is bound to.
    changes: bool,
}

const CONFIRM: Timed = Timed { purpose: "confirm", page: "confirm", within: SignedDuration::from_hours(24), changes: false };
const RESET: Timed = Timed { purpose: "reset", page: "reset", within: SignedDuration::from_mins(30), changes: true };
/// How long a challenge is good for, in seconds.
pub const CHALLENGE_SECONDS: i64 = 300;
const CHALLENGE: Timed =
    Timed { purpose: "second-factor", page: "signin", within: SignedDuration::from_secs(CHALLENGE_SECONDS), changes: true };
const EMAIL: Timed = Timed { purpose: "email", page: "email", within: SignedDuration::from_hours(24), changes: true };

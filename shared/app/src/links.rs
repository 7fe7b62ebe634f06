//! The secret links of mails. Their secrets are derived from the signing key, so that the table holds none of them and
//! an invitation's link can be shown again; each is good for one person and one purpose.

use domain::account::Email;
use domain::ids::{InviteId, TeamId, UserId};
use domain::team::Invite;
use jiff::{SignedDuration, Timestamp};
use store::{Conflict, users::Profile};

use crate::{App, Problem};

/// How long the link of a confirmation mail is good for.
const CONFIRM_WITHIN: SignedDuration = SignedDuration::from_hours(24);

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

    /// The link of a confirmation mail; its token is `<user>.<issued at, seconds>.<mac>`.
    pub fn confirm_link(&self, user: UserId, email: &Email, issued: Timestamp) -> Result<String, Problem> {
        let token = self.sign("confirm", &[&user.to_string(), &issued.as_second().to_string()], &[email.as_str()])?;
        Ok(format!("{}/confirm?token={token}", self.config.pages_url))
    }

    /// Confirms the address that a confirmation mail was sent to. The same link confirms again without harm; it is
    /// refused with 410 `link_gone` when it is too old or the account has another address by now, with 404 when it is
    /// not ours.
    pub async fn confirm(&self, token: &str) -> Result<Profile, Problem> {
        let not_ours = || Problem::NotFound("link");
        let gone = || Problem::Conflict(Conflict::LinkGone, "");
        let parts: Vec<&str> = token.trim().split('.').collect();
        let [user, issued, mac] = parts.as_slice() else { return Err(not_ours()) };
        let (Ok(id), Ok(seconds)) = (user.parse::<UserId>(), issued.parse::<i64>()) else { return Err(not_ours()) };
        let profile = self.store.profile(id).await?.ok_or_else(not_ours)?;
        if !self.tokens.link_is("confirm", &[user, issued, profile.email.as_str()], mac) {
            return Err(not_ours());
        }
        let issued = Timestamp::from_second(seconds).map_err(|_| not_ours())?;
        if self.now().duration_since(issued) > CONFIRM_WITHIN {
            return Err(gone());
        }
        if profile.verified { Ok(profile) } else { Ok(self.store.confirm(id, &profile.email, self.now()).await?) }
    }
}

//! A team's page, and the page that makes one.

use std::collections::HashMap;

use app::App;
use axum::extract::State;
use axum::response::Response;
use domain::access::{
    Access, AskToInvite, ManageBilling, ManageDomains, ManageInvites, ManageMembers, ManageSeats, Permission, ReadTeam, TeamRole,
};
use domain::ids::{TeamId, UserId};
use domain::team::{Wish, WishState};

use crate::answer::{Lost, On, page};
use crate::frame;
use crate::views::{self, Member, Moment, New, Pending, Seats, TeamPage};

/// The word for a role, as the API spells it.
pub fn role_word(role: TeamRole) -> &'static str {
    match role {
        TeamRole::Viewer => "viewer",
        TeamRole::Editor => "editor",
        TeamRole::Admin => "admin",
    }
}

/// The page that makes a team.
#[utoipa::path(get, path = "/teams/new", responses((status = 200), (status = 303)))]
pub async fn new(State(app): State<App>, On(app::Who(caller)): On<app::Who>) -> Result<Response, Lost> {
    let host = app.config.pages_url.split_once("://").map_or("", |(_, host)| host).to_owned();
    page(&app, &New { frame: frame(&app, &caller, None, "").await?, host, plans: crate::billing::plans() })
}

/// A team: members, seats, invitations.
#[utoipa::path(get, path = "/teams/{team}", params(("team" = String, Path)), responses((status = 200), (status = 303), (status = 404)))]
pub async fn team(State(app): State<App>, On(app::By(by)): On<app::By<ReadTeam>>) -> Result<Response, Lost> {
    let (id, caller) = (by.thing, &by.caller);
    let invites_access = may::<ManageInvites>(&by);
    let invites = async {
        match &invites_access {
            Some(_) => app.store.invites(id).await.map_err(Lost::from),
            None => Ok(Vec::new()),
        }
    };
    let wishes = async { app.store.wishes(id, app.now()).await.map_err(Lost::from) };
    let about = async { app.store.team(id).await.map_err(Lost::from) };
    let members = async { app.store.members(id).await.map_err(Lost::from) };
    let seats = async { app.store.seats(id).await.map_err(Lost::from) };
    let (frame, members, invites, seats, wishes, about) =
        tokio::try_join!(frame(&app, caller, Some(id), "team"), members, invites, seats, wishes, about)?;
    let team = frame.team.clone().ok_or_else(Lost::nothing)?;
    let seats = seats.ok_or_else(Lost::nothing)?;
    let bills = members.iter().any(|member| member.billing && member.user == caller.user);
    let may_manage = may::<ManageMembers>(&by).is_some();
    // Where nobody looks after payment any more, an admin says who does.
    let may_grant = may_manage && (bills || app.store.payers(id, false).await?.is_empty());
    let mut addresses = match by.also::<ManageDomains>() {
        Some(admin) => app.store.addresses(&admin, &members).await?,
        None => HashMap::new(),
    };
    let mut members: Vec<Member> = members
        .into_iter()
        .map(|member| (addresses.remove(&member.user), member))
        .map(|(address, member)| Member {
            controlled: address.as_ref().is_some_and(|address| address.controlled),
            email: address.map(|address| address.shown),
            id: member.user.to_string(),
            username: member.username,
            role: role_word(member.role).to_owned(),
            billing: member.billing,
            joined: Moment(member.joined_at),
            is_me: member.user == caller.user,
        })
        .collect();
    members.sort_by_key(|member| member.username.to_lowercase());
    let mut invites = invites;
    invites.sort_by(|one, other| one.email.cmp(&other.email));
    let mut pending = Vec::with_capacity(invites.len());
    for invite in invites {
        pending.push(Pending {
            link: Some(app.invite_link(&invite)?),
            id: invite.id.to_string(),
            email: invite.email.to_string(),
            role: role_word(invite.role).to_owned(),
            inviter: invite.inviter_name,
            expired: invite.expires_at <= app.now(),
            expires: Moment(invite.expires_at),
        });
    }
    let seats = Seats { count: seats.count, used: seats.used, free: seats.free() };
    let view = TeamPage {
        frame,
        team,
        members,
        invites: pending,
        seats,
        roles: vec!["viewer", "editor", "admin"],
        may_manage,
        may_grant,
        may_invite: invites_access.is_some(),
        confirm_first: !caller.verified && may_manage,
        second_factor: about.as_ref().is_some_and(|team| team.requires_second_factor),
        has_second_factor: caller.second_factor,
        may_seat: may::<ManageSeats>(&by).is_some(),
        may_bill: may::<ManageBilling>(&by).is_some(),
        bound: about.as_ref().is_some_and(|team| team.joining.bound),
        wishes: wishes_for(wishes, caller.user, invites_access.is_some()),
        may_ask: invites_access.is_none() && may::<AskToInvite>(&by).is_some(),
    };
    page(&app, &view)
}

/// What an admin is to decide, or what somebody else has asked.
fn wishes_for(wishes: Vec<Wish>, viewer: UserId, admin: bool) -> Vec<views::Wish> {
    let theirs = |wish: &Wish| if admin { wish.state == WishState::Pending } else { wish.by == viewer };
    let shown = |wish: Wish| views::Wish {
        id: wish.id.to_string(),
        email: wish.email.to_string(),
        role: role_word(wish.role).to_owned(),
        by: wish.by_name,
        note: wish.note,
        state: match wish.state {
            WishState::Pending => "pending",
            WishState::Approved => "approved",
            WishState::Refused => "refused",
        },
        asked: Moment(wish.created_at),
    };
    wishes.into_iter().filter(theirs).map(shown).collect()
}

/// Whether somebody who sees a team may do more: the rules are asked, so that a page never offers what is refused.
fn may<P: Permission<Thing = TeamId>>(by: &Access<ReadTeam>) -> Option<Access<P>> {
    by.also()
}

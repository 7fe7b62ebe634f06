//! What a team is called, and whether it is to stay.

use domain::access::{Access, ManageTeam};
use domain::happened::Happened;
use domain::team::{Handle, Team};
use jiff::Timestamp;

use crate::teams::HandleClaim;
use crate::{Conflict, Ended, Error, Leg, Store, events, keys, row, s};

/// What of a team is to change; `None` stays.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// The name.
    pub name: Option<String>,
    /// The URL.
    pub handle: Option<Handle>,
    /// The description.
    pub description: Option<String>,
}

impl Store {
    /// Gives a team another name, URL or description. The old URL is free from then on. [`Conflict::HandleTaken`].
    pub async fn change_team(&self, by: &Access<ManageTeam>, changes: &Changes, now: Timestamp) -> Result<Team, Error> {
        let mut patience = self.patience();
        loop {
            let was = self.team(by.thing).await?.ok_or_else(|| Error::Failed(format!("team {} has no item", by.thing)))?;
            let mut fields = Vec::new();
            let mut set = "SET #updated_at = :now".to_owned();
            let mut values = Vec::new();
            for (field, old, new) in [
                ("name", was.name.as_str(), changes.name.as_deref()),
                ("handle", was.handle.as_str(), changes.handle.as_ref().map(Handle::as_str)),
                ("description", was.description.as_str(), changes.description.as_deref()),
            ] {
                if let Some(new) = new.filter(|new| *new != old) {
                    set.push_str(&format!(", #{field} = :{field}"));
                    values.push((format!(":{field}"), s(new)));
                    fields.push(field.to_owned());
                }
            }
            if fields.is_empty() {
                return Ok(was);
            }
            let update = Leg::update(keys::team(by.thing), set)
                .when("#handle = :was")
                .text(":was", was.handle.as_str())
                .text(":now", now.to_string());
            let update = values.into_iter().fold(update, |leg, (name, value)| leg.value(&name, value));
            let mut legs = vec![update];
            if let Some(handle) = changes.handle.as_ref().filter(|handle| **handle != was.handle) {
                let claim = row(&keys::handle_claim(handle.as_str()), "claim", &HandleClaim { team: by.thing })?;
                legs.push(Leg::create(claim).or(Conflict::HandleTaken));
                legs.push(Leg::delete(keys::handle_claim(was.handle.as_str())));
            }
            legs.push(events::leg(&by.caller, Happened::TeamChanged { team: by.thing, fields }, now)?);
            match self.transact(&legs).await? {
                Ended::Committed => {
                    return Ok(Team {
                        name: changes.name.clone().unwrap_or(was.name),
                        handle: changes.handle.clone().unwrap_or(was.handle),
                        description: changes.description.clone().unwrap_or(was.description),
                        updated_at: now,
                        ..self.team(by.thing).await?.ok_or(Conflict::NotMember)?
                    });
                }
                Ended::MovedOn(_) => patience.wait().await?,
            }
        }
    }

    /// Wants a team deleted, in [`Team::SECOND_THOUGHTS`]. Wanting it again changes nothing. Gives when.
    pub async fn doom_team(&self, by: &Access<ManageTeam>, now: Timestamp) -> Result<Timestamp, Error> {
        let team = by.thing;
        let due = now.saturating_add(Team::SECOND_THOUGHTS).unwrap_or(Timestamp::MAX);
        let doom = Leg::update(keys::team(team), "SET #delete_at = :due, #gsi1pk = :list, #gsi1sk = :place")
            .when("attribute_exists(pk) AND attribute_not_exists(#delete_at)")
            .text(":due", due.to_string())
            .text(":list", keys::DOOMED)
            .text(":place", keys::doomed_at(due, team));
        match self.transact(&[doom, events::leg(&by.caller, Happened::TeamDeletionAsked { team, due }, now)?]).await? {
            Ended::Committed => Ok(due),
            Ended::MovedOn(_) => Ok(self.team(team).await?.and_then(|team| team.delete_at).unwrap_or(due)),
        }
    }

    /// Keeps a team that was to be deleted. [`Conflict::TeamStays`]: it was not.
    pub async fn keep_team(&self, by: &Access<ManageTeam>, now: Timestamp) -> Result<(), Error> {
        let team = by.thing;
        let keep = Leg::update(keys::team(team), "REMOVE #delete_at, #gsi1pk, #gsi1sk")
            .when("attribute_exists(#delete_at) AND #delete_at > :now")
            .text(":now", now.to_string())
            .or(Conflict::TeamStays);
        self.commit(&[keep, events::leg(&by.caller, Happened::TeamKept { team }, now)?]).await
    }
}

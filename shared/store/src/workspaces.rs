//! Workspaces of teams, and who is let in. What is decided stands in the workspace's own item; a copy of it stands in the
//! head of each collection that is in it, so that who reads a head knows without another read. A change is written to the
//! workspace first, then to the heads, each under a condition that an older copy never overwrites a newer one. Who dies
//! in between leaves the workspace listed in the index, and the janitor ends it; what was answered is whole.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::access::{
    Access, Caller, CreateWorkspace, DeleteCollection, ManageWorkspace, ReadWorkspace, SeeWorkspace, ShareWorkspace, TeamRole,
};
use domain::happened::{Grantee, Happened};
use domain::ids::{CollectionId, TeamId, UserId, WorkspaceId};
use domain::limit;
use domain::team::Team;
use domain::workspace::{Room, Visibility, Workspace};
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::imports::Listed;
use crate::keys::Key;
use crate::{Conflict, Ended, Error, Item, Leg, Range, Store, events, keys, n, read, row, s, values};

/// Heads that are written side by side.
const HEADS_AT_ONCE: usize = 8;

/// Where a team finds one of its workspaces.
#[derive(Serialize, Deserialize)]
struct Pointer {
    workspace: WorkspaceId,
}

/// What is to change of a workspace. What is left out stays.
#[derive(Debug, Clone, Default)]
pub struct WorkspaceChange {
    /// Its name.
    pub name: Option<String>,
    /// A sentence about it.
    pub about: Option<String>,
    /// More about it.
    pub description: Option<String>,
    /// Who sees it.
    pub visibility: Option<Visibility>,
}

/// A workspace from its item.
pub fn read_workspace(item: Item) -> Result<Workspace, Error> {
    read(item)
}

/// The condition that nobody changed who is let into a workspace since it was read, and that it is not being deleted.
pub(crate) fn same_room(workspace: &Workspace) -> Leg {
    let leg = Leg::check(keys::workspace(&workspace.id)).when("attribute_exists(pk) AND attribute_not_exists(#closing)");
    leg.and(same_revision(workspace))
}

fn same_revision(workspace: &Workspace) -> (&'static str, &'static str, Option<aws_sdk_dynamodb::types::AttributeValue>) {
    match &workspace.room {
        None => ("attribute_not_exists(#room)", ":revision", None),
        Some(room) => ("#room.#revision = :revision", ":revision", Some(n(room.revision))),
    }
}

fn pack(room: &Room) -> Result<aws_sdk_dynamodb::types::AttributeValue, Error> {
    serde_dynamo::to_attribute_value(room).map_err(|error| Error::Failed(error.to_string()))
}

/// Whether somebody may be let in no longer, or with less.
fn narrows(before: Option<&Room>, after: &Room) -> bool {
    let Some(before) = before else { return after.visibility == Visibility::Private };
    let closed = before.visibility != Visibility::Private && after.visibility == Visibility::Private;
    closed
        || before.users.iter().any(|(user, role)| after.users.get(user).is_none_or(|now| now < role))
        || before.groups.iter().any(|(group, role)| after.groups.get(group).is_none_or(|now| now < role))
}

/// The leg that lists a workspace among the public ones, or no longer.
fn public_leg(workspace: &Workspace) -> Result<Leg, Error> {
    let key = keys::public(&workspace.id);
    Ok(match workspace.visibility() {
        Visibility::Public => Leg::put(row(&key, "public", &Pointer { workspace: workspace.id.clone() })?),
        Visibility::Personal | Visibility::Private | Visibility::Team => Leg::delete(key),
    })
}

/// The leg that changes who is let into a workspace, and lists it in the index until the heads say so, too.
fn room_leg(before: &Workspace, after: &Room, now: Timestamp) -> Result<Leg, Error> {
    let set = "SET #room = :room, #gsi1pk = :index, #gsi1sk = :due";
    let leg = Leg::update(keys::workspace(&before.id), set).when("attribute_exists(pk)").and(same_revision(before));
    let due = keys::room_due(now, &before.id);
    Ok(leg.value(":room", pack(after)?).value(":index", s(keys::ROOMS_DUE)).value(":due", s(due)))
}

impl Store {
    /// A workspace.
    pub async fn workspace(&self, workspace: &WorkspaceId) -> Result<Option<Workspace>, Error> {
        self.get(&keys::workspace(workspace)).await?.map(read).transpose()
    }

    /// The workspaces that a person may read: their own, then those of their teams, each team's library first.
    pub async fn workspaces(&self, caller: &Caller) -> Result<Vec<Workspace>, Error> {
        let all = self.workspaces_around(caller).await?;
        Ok(all.into_iter().filter(|one| Access::<ReadWorkspace>::check(caller.clone(), one.clone(), None).is_ok()).collect())
    }

    /// The same, and the private ones of which an admin of their team knows no more than that they are there.
    pub async fn workspaces_known(&self, caller: &Caller) -> Result<Vec<Workspace>, Error> {
        let all = self.workspaces_around(caller).await?;
        Ok(all.into_iter().filter(|one| Access::<SeeWorkspace>::check(caller.clone(), one.clone(), None).is_ok()).collect())
    }

    async fn workspaces_around(&self, caller: &Caller) -> Result<Vec<Workspace>, Error> {
        let teams: Vec<TeamId> = caller.teams.keys().copied().collect();
        let heads: Vec<Key> = teams.iter().map(|team| keys::team(*team)).collect();
        let others = teams.iter().map(|team| self.pointed(*team));
        let (mut heads, others) = tokio::try_join!(self.get_many(&heads), futures::future::try_join_all(others))?;
        let mut wanted = vec![keys::workspace(&caller.workspace)];
        for (team, others) in teams.iter().zip(others) {
            if let Some(item) = heads.remove(&keys::team(*team)) {
                wanted.push(keys::workspace(&read::<Team>(item)?.workspace));
            }
            wanted.extend(others.iter().map(keys::workspace));
        }
        let mut found = self.get_many(&wanted).await?;
        wanted.iter().filter_map(|key| found.remove(key)).map(read).collect()
    }

    /// The workspaces of a team beside its library.
    async fn pointed(&self, team: TeamId) -> Result<Vec<WorkspaceId>, Error> {
        let items = self.all(&Range::prefix(keys::team_partition(team), keys::ROOMS)).await?;
        items.into_iter().map(|item| read::<Pointer>(item).map(|pointer| pointer.workspace)).collect()
    }

    /// Public workspaces, at most so many.
    pub async fn public_workspaces(&self, limit: usize) -> Result<Vec<Workspace>, Error> {
        let page = self.page(&Range::of(keys::PUBLIC.to_owned()).at_most(limit), None).await?;
        let ids = page.items.into_iter().map(|item| read::<Pointer>(item).map(|pointer| keys::workspace(&pointer.workspace)));
        let found = self.get_many(&ids.collect::<Result<Vec<_>, _>>()?).await?;
        let mut all = found.into_values().map(read).collect::<Result<Vec<Workspace>, _>>()?;
        all.retain(|one| one.visibility() == Visibility::Public);
        all.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(all)
    }

    /// All workspaces of a team.
    pub(crate) async fn rooms_of(&self, team: &Team) -> Result<Vec<WorkspaceId>, Error> {
        let mut all = vec![team.workspace.clone()];
        all.extend(self.pointed(team.id).await?);
        Ok(all)
    }

    /// Makes a workspace of a team. [`Conflict::IdTaken`], [`Conflict::TooManyWorkspaces`] (to a few that are made at once).
    pub async fn create_workspace(&self, by: &Access<CreateWorkspace>, workspace: &Workspace, now: Timestamp) -> Result<(), Error> {
        let team = by.thing;
        if limit::WORKSPACES <= self.pointed(team).await?.len() {
            return Err(Conflict::TooManyWorkspaces.into());
        }
        let what = Happened::WorkspaceMade { team, workspace: workspace.id.clone(), visibility: workspace.visibility() };
        let pointer = Pointer { workspace: workspace.id.clone() };
        self.commit(&[
            Leg::create(row(&keys::workspace(&workspace.id), "workspace", workspace)?).or(Conflict::IdTaken),
            Leg::create(row(&keys::room(team, &workspace.id), "room", &pointer)?).or(Conflict::IdTaken),
            Leg::check(keys::team(team)).when("attribute_exists(pk)").or(Conflict::NotMember),
            events::leg(&by.caller, what, now)?,
            public_leg(workspace)?,
        ])
        .await
    }

    /// Changes a workspace. Who loses sight of it has lost it when this has returned. [`Conflict::WorkspaceGone`].
    pub async fn change_workspace(
        &self,
        by: &Access<ManageWorkspace>,
        change: &WorkspaceChange,
        now: Timestamp,
    ) -> Result<Workspace, Error> {
        let mut before = by.thing.clone();
        let mut patience = self.patience();
        loop {
            let mut after = before.clone();
            let mut fields = Vec::new();
            let mut set = "SET #updated_at = :now, #updated_by = :by".to_owned();
            let texts = [("name", &change.name), ("about", &change.about), ("description", &change.description)];
            let texts: Vec<(&str, &String)> = texts.into_iter().filter_map(|(field, text)| Some((field, text.as_ref()?))).collect();
            for (field, text) in &texts {
                set.push_str(&format!(", #{field} = :{field}"));
                fields.push((*field).to_owned());
                match *field {
                    "name" => after.name.clone_from(text),
                    "about" => after.about.clone_from(text),
                    _ => after.description.clone_from(text),
                }
            }
            let opened = change.visibility.filter(|visibility| *visibility != before.visibility());
            if let Some(visibility) = opened {
                let mut room = before.room.clone().unwrap_or_else(|| empty(visibility));
                room.visibility = visibility;
                room.revision += 1;
                if visibility == Visibility::Private && !room.has_admin() {
                    room.users.insert(by.caller.user, TeamRole::Admin);
                }
                fields.push("visibility".to_owned());
                after.room = Some(room);
            }
            if fields.is_empty() {
                return Ok(before);
            }
            (after.updated_at, after.updated_by) = (Some(now), Some(by.caller.user));
            let mut leg = match (&after.room, opened) {
                (Some(room), Some(_)) => {
                    set.push_str(", #room = :room, #gsi1pk = :index, #gsi1sk = :due");
                    Leg::update(keys::workspace(&before.id), set)
                        .when("attribute_exists(pk)")
                        .and(same_revision(&before))
                        .value(":room", pack(room)?)
                        .value(":index", s(keys::ROOMS_DUE))
                        .value(":due", s(keys::room_due(now, &before.id)))
                }
                _ => Leg::update(keys::workspace(&before.id), set).when("attribute_exists(pk)"),
            };
            leg = leg.text(":now", now.to_string()).number(":by", by.caller.user);
            leg = texts.iter().fold(leg, |leg, (field, text)| leg.text(&format!(":{field}"), (*text).clone()));
            let mut legs = vec![leg];
            if opened.is_some() {
                legs.push(public_leg(&after)?);
            }
            if let Some(team) = before.team {
                let visibility = after.visibility();
                legs.push(events::leg(
                    &by.caller,
                    Happened::WorkspaceChanged { team, workspace: before.id.clone(), fields, visibility },
                    now,
                )?);
            }
            if let Ended::Committed = self.transact(&legs).await? {
                if let (Some(room), Some(_)) = (&after.room, opened) {
                    self.spread_room(&before.id, room, narrows(before.room.as_ref(), room), now).await?;
                }
                return Ok(after);
            }
            patience.wait().await?;
            before = self.workspace(&before.id).await?.ok_or(Conflict::WorkspaceGone)?;
        }
    }

    /// Gives roles in a workspace, or takes them (`None`), all or nothing. Who loses sight of it has lost it when this has
    /// returned. [`Conflict::LastWorkspaceAdmin`], [`Conflict::TooManyNamed`], [`Conflict::WorkspaceGone`].
    pub async fn give_workspace_roles(
        &self,
        by: &Access<ShareWorkspace>,
        given: &BTreeMap<Grantee, Option<TeamRole>>,
        now: Timestamp,
    ) -> Result<Workspace, Error> {
        let team = by.thing.team.ok_or(Conflict::WorkspaceGone)?;
        let mut before = by.thing.clone();
        let mut patience = self.patience();
        loop {
            let mut room = before.room.clone().unwrap_or_else(|| empty(Visibility::Team));
            room.revision += 1;
            let mut events = Vec::with_capacity(given.len());
            for (to, role) in given {
                match (to, role) {
                    (Grantee::User(user), Some(role)) => drop(room.users.insert(*user, *role)),
                    (Grantee::User(user), None) => drop(room.users.remove(user)),
                    (Grantee::Group(group), Some(role)) => drop(room.groups.insert(*group, *role)),
                    (Grantee::Group(group), None) => drop(room.groups.remove(group)),
                    (Grantee::Everyone, _) => (),
                }
                let what = Happened::WorkspaceRoleGiven { team, workspace: before.id.clone(), to: *to, role: *role };
                events.push(events::leg(&by.caller, what, now)?);
            }
            if room.visibility == Visibility::Private && !room.has_admin() {
                return Err(Conflict::LastWorkspaceAdmin.into());
            }
            if limit::WORKSPACE_NAMED < room.users.len() + room.groups.len() {
                return Err(Conflict::TooManyNamed.into());
            }
            let mut legs = vec![room_leg(&before, &room, now)?];
            legs.append(&mut events);
            if let Ended::Committed = self.transact(&legs).await? {
                self.spread_room(&before.id, &room, narrows(before.room.as_ref(), &room), now).await?;
                return Ok(Workspace { room: Some(room), ..before });
            }
            patience.wait().await?;
            before = self.workspace(&before.id).await?.ok_or(Conflict::WorkspaceGone)?;
        }
    }

    /// Takes back what a person who is out of a team was given in its workspaces: should they come back, they begin anew.
    /// A private one may be left without an admin: those of the team can let people in.
    pub(crate) async fn forget_in_workspaces(&self, user: UserId, team: TeamId, now: Timestamp) -> Result<(), Error> {
        let Some(of) = self.team(team).await? else { return Ok(()) };
        let wanted: Vec<Key> = self.rooms_of(&of).await?.iter().map(keys::workspace).collect();
        for item in self.get_many(&wanted).await?.into_values() {
            let mut workspace: Option<Workspace> = Some(read(item)?);
            let mut patience = self.patience();
            while let Some(before) = workspace {
                let Some(mut room) = before.room.clone().filter(|room| room.users.contains_key(&user)) else { break };
                room.users.remove(&user);
                room.revision += 1;
                if let Ended::Committed = self.transact(&[room_leg(&before, &room, now)?]).await? {
                    self.spread_room(&before.id, &room, false, now).await?;
                    break;
                }
                patience.wait().await?;
                workspace = self.workspace(&before.id).await?;
            }
        }
        Ok(())
    }

    /// Writes who is let into a workspace into the heads of what is in it, and in its trash; then ends what those follow
    /// who see it no longer.
    async fn spread_room(&self, workspace: &WorkspaceId, room: &Room, narrows: bool, now: Timestamp) -> Result<(), Error> {
        let items = self.all(&Range::of(keys::workspace_partition(workspace))).await?;
        let (mut live, mut all): (Vec<CollectionId>, BTreeSet<CollectionId>) = Default::default();
        for key in items.iter().filter_map(crate::key_of) {
            let listed = key.sk.strip_prefix(keys::COLLECTIONS).and_then(|id| id.parse().ok());
            let trashed = key.sk.strip_prefix(keys::TRASHED).and_then(|id| id.parse().ok());
            live.extend(listed.clone());
            all.extend(listed.or(trashed));
        }
        let packed = pack(room)?;
        let each = all.into_iter().map(|collection| {
            let values = values([
                (":room", packed.clone()),
                (":revision", n(room.revision)),
                (":workspace", s(workspace)),
                (":zero", n(0)),
                (":one", n(1)),
            ]);
            let set = "SET #room = :room, #access = if_not_exists(#access, :zero) + :one";
            let older = "#workspace = :workspace AND (attribute_not_exists(#room) OR #room.#revision < :revision)";
            async move { self.update_when(&keys::head(&collection), set, older, values).await }
        });
        futures::stream::iter(each).buffer_unordered(HEADS_AT_ONCE).try_for_each(|_| async { Ok(()) }).await?;
        if narrows {
            let each = live.into_iter().map(|collection| async move { self.drop_unseeing(&collection, now).await });
            futures::stream::iter(each).buffer_unordered(HEADS_AT_ONCE).try_for_each(|()| async { Ok(()) }).await?;
        }
        let done = values([(":revision", n(room.revision))]);
        self.update_when(&keys::workspace(workspace), "REMOVE #gsi1pk, #gsi1sk", "#room.#revision = :revision", done).await.map(drop)
    }

    /// Ends what somebody who died left of changes of who is let in. Gives how many. For the janitor.
    pub async fn spread_rooms(&self, now: Timestamp) -> Result<usize, Error> {
        let mut spread = 0;
        for key in self.all(&Range::below(keys::ROOMS_DUE.to_owned(), keys::due(now)).in_index()).await?.iter().filter_map(crate::key_of) {
            // The index is for eyes: the item itself decides.
            let workspace: Option<Workspace> = self.get(&key).await?.map(read).transpose()?;
            if let Some((id, room)) = workspace.and_then(|workspace| Some((workspace.id, workspace.room?))) {
                self.spread_room(&id, &room, true, now).await?;
                spread += 1;
            }
        }
        Ok(spread)
    }

    /// Deletes a workspace with the collections in it, which can be brought back no longer; nothing is deleted where one
    /// of them is not the caller's to delete ([`Conflict::NotYours`]). A crash leaves it there, closed, to be deleted again.
    pub async fn delete_workspace(&self, by: &Access<ManageWorkspace>, now: Timestamp) -> Result<(), Error> {
        let (workspace, team) = (&by.thing, by.thing.team.ok_or(Conflict::WorkspaceGone)?);
        self.deletable(&by.caller, &workspace.id).await?;
        let close = "SET #closing = :yes";
        let yes = values([(":yes", crate::flag(true))]);
        if !self.update_when(&keys::workspace(&workspace.id), close, "attribute_exists(pk)", yes).await? {
            return Err(Conflict::WorkspaceGone.into());
        }
        // Nothing comes in from here on.
        let each = match self.deletable(&by.caller, &workspace.id).await {
            Ok(each) => each,
            Err(error) => {
                self.update_when(&keys::workspace(&workspace.id), "REMOVE #closing", "attribute_exists(pk)", Item::new()).await?;
                return Err(error);
            }
        };
        for collection in each {
            match self.delete_collection(&collection, now).await {
                // Somebody was faster.
                Ok(()) | Err(Error::Conflict(Conflict::CollectionGone)) => (),
                Err(error) => return Err(error),
            }
        }
        self.commit(&[
            Leg::delete(keys::workspace(&workspace.id)).when("attribute_exists(pk)").or(Conflict::WorkspaceGone),
            Leg::delete(keys::room(team, &workspace.id)),
            Leg::delete(keys::workspace_tags(&workspace.id)),
            Leg::delete(keys::public(&workspace.id)),
            events::leg(&by.caller, Happened::WorkspaceDeleted { team, workspace: workspace.id.clone() }, now)?,
        ])
        .await
    }

    /// What is in a workspace, to be deleted by the caller: all of it, or nothing.
    async fn deletable(&self, caller: &Caller, workspace: &WorkspaceId) -> Result<Vec<Access<DeleteCollection>>, Error> {
        // It is asked for the request as a whole whether it was done, not for each of them.
        let caller = Caller { once: None, ..caller.clone() };
        let listed = self.listed_in(workspace).await?;
        let wanted: Vec<Key> =
            listed.iter().flat_map(|one| [keys::head(&one.collection), keys::grant(&one.collection, caller.user)]).collect();
        let mut found: HashMap<Key, Item> = self.get_many(&wanted).await?;
        let mut each = Vec::with_capacity(listed.len());
        for one in listed {
            let Some(head) = found.remove(&keys::head(&one.collection)) else { continue };
            let grant: Option<crate::readers::Grant> = found.remove(&keys::grant(&one.collection, caller.user)).map(read).transpose()?;
            let may = Access::check(caller.clone(), read(head)?, grant.map(|grant| grant.role));
            each.push(may.map_err(|_| Conflict::NotYours)?);
        }
        Ok(each)
    }

    /// The collections that a workspace lists.
    pub(crate) async fn listed_in(&self, workspace: &WorkspaceId) -> Result<Vec<Listed>, Error> {
        let items = self.all(&Range::prefix(keys::workspace_partition(workspace), keys::COLLECTIONS)).await?;
        items.into_iter().map(read).collect()
    }
}

fn empty(visibility: Visibility) -> Room {
    Room { visibility, users: BTreeMap::new(), groups: BTreeMap::new(), revision: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_something_away_narrows() {
        let room = |visibility, users: &[(u64, TeamRole)]| Room {
            visibility,
            users: users.iter().map(|(user, role)| (UserId(*user), *role)).collect(),
            groups: BTreeMap::new(),
            revision: 1,
        };
        let (private, team) = (Visibility::Private, Visibility::Team);
        assert!(narrows(None, &room(private, &[(1, TeamRole::Admin)])));
        assert!(!narrows(None, &room(team, &[(1, TeamRole::Admin)])));
        assert!(narrows(Some(&room(team, &[])), &room(private, &[])));
        assert!(!narrows(Some(&room(private, &[])), &room(team, &[])));
        assert!(narrows(Some(&room(private, &[(1, TeamRole::Editor)])), &room(private, &[])));
        assert!(narrows(Some(&room(private, &[(1, TeamRole::Editor)])), &room(private, &[(1, TeamRole::Viewer)])));
        assert!(!narrows(Some(&room(private, &[(1, TeamRole::Editor)])), &room(private, &[(1, TeamRole::Admin), (2, TeamRole::Viewer)])));
    }
}

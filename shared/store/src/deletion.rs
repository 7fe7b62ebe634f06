//! Deleting for good: a collection with everything of it, a team with everything of it. Each step can be done again, and
//! the last one takes away what says that there is something to do: a crash in between is found by the next hour's janitor.

use domain::happened::Happened;
use domain::ids::{CollectionId, TeamId, WorkspaceId};
use domain::limit;
use domain::team::{Invite, Member, Team};
use jiff::Timestamp;

use crate::imports::Listed;
use crate::keys::Key;
use crate::users::digest;
use crate::{Error, Item, Leg, Range, Store, events, keys, read, users};

impl Store {
    /// Removes every item of a partition, page by page. `also` names what lies elsewhere for each of them.
    pub(crate) async fn erase(&self, partition: String, also: impl Fn(&Key) -> Option<Key>) -> Result<(), Error> {
        let range = Range::of(partition);
        loop {
            let page = self.page(&range, None).await?;
            let here: Vec<Key> = page.items.iter().filter_map(crate::key_of).collect();
            // What lies elsewhere first: what is here is how it is found.
            self.delete_all(&here.iter().filter_map(&also).collect::<Vec<_>>()).await?;
            self.delete_all(&here).await?;
            if page.next.is_none() {
                return Ok(());
            }
        }
    }

    /// Removes a collection with its elements, its log, its comments, its subscriptions and roles.
    pub async fn erase_collection(&self, collection: &CollectionId, workspace: &WorkspaceId) -> Result<(), Error> {
        let mirror = |key: &Key| keys::mirror(collection, &key.sk);
        self.erase(keys::log_partition(collection), |_| None).await?;
        self.erase_comments(collection).await?;
        for shard in 0..limit::SHARDS {
            self.erase(keys::live_partition(collection, shard), |_| None).await?;
        }
        self.erase(keys::collection_partition(collection), mirror).await?;
        self.delete_all(&[keys::listed(workspace, collection)]).await
    }

    /// Deletes the teams whose time has come; says how many. For the janitor.
    pub async fn delete_doomed(&self, now: Timestamp) -> Result<usize, Error> {
        let due = Range::below(keys::DOOMED.to_owned(), keys::doomed_until(now)).in_index();
        let mut deleted = 0;
        for key in self.all(&due).await?.iter().filter_map(crate::key_of) {
            // The index may be behind: the item decides.
            let team: Option<Team> = self.get(&key).await?.map(read).transpose()?;
            if let Some(team) = team.filter(|team| team.delete_at.is_some_and(|due| due <= now)) {
                self.delete_team(&team, now).await?;
                deleted += 1;
            }
        }
        Ok(deleted)
    }

    async fn delete_team(&self, team: &Team, now: Timestamp) -> Result<(), Error> {
        // Nobody is in it first: from there on nobody sees anything of it. The audit log stays.
        for member in self.members(team.id).await? {
            self.forget_member(&member, now).await?;
        }
        for workspace in self.rooms_of(team).await? {
            self.erase_workspace(&workspace).await?;
            self.delete_all(&[keys::public(&workspace)]).await?;
        }
        let invites = self.invites(team.id).await?;
        self.delete_all(&invites.iter().map(|invite: &Invite| keys::email_invite(&digest(&invite.email), team.id)).collect::<Vec<_>>())
            .await?;
        // A domain that is not proven may be another team's.
        let proven = self.domains(team.id).await?.into_iter().filter(|domain| domain.verified_at.is_some());
        self.delete_all(&proven.map(|domain| keys::domain_claim(&domain.name)).collect::<Vec<_>>()).await?;
        self.erase(keys::team_feed(team.id), |_| None).await?;
        self.erase(keys::team_access_feed(team.id), |_| None).await?;
        let own = keys::team(team.id);
        let rest = self.all(&Range::of(keys::team_partition(team.id))).await?;
        let rest: Vec<Key> = rest.iter().filter_map(crate::key_of).filter(|key| *key != own).collect();
        self.delete_all(&rest).await?;
        self.commit(&[
            Leg::delete(own),
            Leg::delete(keys::handle_claim(team.handle.as_str())),
            events::leg(None, Happened::TeamDeleted { team: team.id }, now)?,
        ])
        .await
    }

    async fn forget_member(&self, member: &Member, now: Timestamp) -> Result<(), Error> {
        let (team, user): (TeamId, _) = (member.team, member.user);
        let part = users::part(user, team);
        self.transact(&[part, Leg::delete(keys::member(team, user))]).await?;
        self.drop_unseen(user, team).await?;
        self.forget_grants(user, team, now).await
    }

    /// Removes a workspace with everything in it.
    pub(crate) async fn erase_workspace(&self, workspace: &WorkspaceId) -> Result<(), Error> {
        let items: Vec<Item> = self.all(&Range::prefix(keys::workspace_partition(workspace), keys::COLLECTIONS)).await?;
        for item in items {
            let listed: Listed = read(item)?;
            self.erase_collection(&listed.collection, workspace).await?;
        }
        self.erase(keys::workspace_partition(workspace), |_| None).await
    }
}

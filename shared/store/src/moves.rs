//! Collections that move from one workspace to another.

use domain::access::{Access, CreateCollection, MoveCollection};
use domain::collection::Head;
use domain::happened::Happened;
use domain::ids::UserId;
use domain::limit;
use jiff::Timestamp;

use crate::access::same_audience;
use crate::workspaces::same_room;
use crate::{Conflict, Ended, Error, Leg, Range, Store, events, imports, keys, n, s};

impl Store {
    /// Takes a collection into another workspace, in one transaction: its head says so, and both lists. Its id, history and
    /// elements stay what they are. In another team, the roles that were given in it are gone: they were the other team's.
    /// Who sees it no longer has lost it when this has returned: what they follow has ended, and whoever registers meanwhile
    /// is asked again by the next change.
    ///
    /// [`Conflict::CollectionGone`], [`Conflict::WorkspaceGone`] (also where a right was taken meanwhile),
    /// [`Conflict::TooManyRoles`].
    pub async fn move_collection(
        &self,
        by: &Access<MoveCollection>,
        into: &Access<CreateCollection>,
        now: Timestamp,
    ) -> Result<Head, Error> {
        let collection = &by.thing.collection;
        let mut turn = self.memory.turn(collection).await;
        let (mut head, mut target) = (by.thing.clone(), into.thing.clone());
        let mut patience = self.patience();
        let after = loop {
            if head.workspace == target.id {
                break head;
            }
            let leaves = head.team != target.team;
            let mut after = Head {
                workspace: target.id.clone(),
                team: target.team,
                room: target.room.clone(),
                access: head.access + 1,
                ..head.clone()
            };
            let mut given = Vec::new();
            if leaves {
                (after.everyone, after.groups) = (None, Default::default());
                given = self.given_to(&head).await?;
            }
            if limit::ROLES_ON_A_MOVE < given.len() {
                return Err(Conflict::TooManyRoles.into());
            }
            let mut legs = vec![
                head_leg(&head, &after)?,
                Leg::delete(keys::listed(&head.workspace, collection)).when("attribute_exists(pk)"),
                Leg::put(imports::listed_item(&after)?),
                same_room(&target),
            ];
            for user in given {
                legs.extend([Leg::delete(keys::grant(collection, user)), Leg::delete(keys::my_grant(user, collection))]);
            }
            let teams = [head.team, target.team.filter(|team| head.team != Some(*team))];
            for team in teams.into_iter().flatten() {
                let (from, into) = (head.workspace.clone(), target.id.clone());
                legs.push(events::leg(&by.caller, Happened::CollectionMoved { team, collection: collection.clone(), from, into }, now)?);
            }
            if let Ended::Committed = self.transact(&legs).await? {
                turn.head = Some(after.clone());
                break after;
            }
            patience.wait().await?;
            let (now_there, grant) = self.collection(collection, by.caller.user).await?.ok_or(Conflict::CollectionGone)?;
            head = Access::<MoveCollection>::check(by.caller.clone(), now_there, grant).map_err(|_| Conflict::CollectionGone)?.thing;
            let now_target = self.workspace(&target.id).await?.filter(|target| !target.closing).ok_or(Conflict::WorkspaceGone)?;
            let still = Access::<CreateCollection>::check(into.caller.clone(), now_target, None);
            target = still.map_err(|_| Conflict::WorkspaceGone)?.thing;
        };
        drop(turn);
        if let Some(team) = by.thing.team.filter(|team| after.team != Some(*team)) {
            // Its groups know this collection no longer.
            self.end_groups_following(collection, team).await?;
        }
        self.drop_unseeing(collection, now).await?;
        Ok(after)
    }

    /// To whom a role was given in person.
    async fn given_to(&self, head: &Head) -> Result<Vec<UserId>, Error> {
        let items = self.all(&Range::prefix(keys::collection_partition(&head.collection), keys::GRANTS)).await?;
        let user = |item| crate::key_of(item).and_then(|key| key.sk.strip_prefix(keys::GRANTS)?.parse().ok());
        Ok(items.iter().filter_map(user).collect())
    }
}

/// The leg that moves the head. It holds to the number of the last change and to the tags, so that the new list
/// has them.
fn head_leg(before: &Head, after: &Head) -> Result<Leg, Error> {
    let mut set = "SET #workspace = :workspace, #access = :next".to_owned();
    let mut remove = Vec::new();
    let mut values =
        vec![(":workspace", s(&after.workspace)), (":next", n(after.access)), (":seq", n(before.seq)), (":was", s(&before.workspace))];
    match after.team {
        Some(team) => {
            set.push_str(", #team = :team");
            values.push((":team", n(team)));
        }
        None => remove.push("#team"),
    }
    match &after.room {
        Some(room) => {
            set.push_str(", #room = :room");
            values.push((":room", serde_dynamo::to_attribute_value(room).map_err(|error| Error::Failed(error.to_string()))?));
        }
        None => remove.push("#room"),
    }
    if after.everyone.is_none() {
        remove.push("#everyone");
    }
    if after.groups.is_empty() {
        remove.push("#groups");
    }
    if !remove.is_empty() {
        set.push_str(&format!(" REMOVE {}", remove.join(", ")));
    }
    let leg = Leg::update(keys::head(&before.collection), set)
        .when("#seq = :seq AND #workspace = :was AND attribute_not_exists(#deleted_at) AND (attribute_not_exists(#tags) OR #tags = :tags)")
        .value(":tags", serde_dynamo::to_attribute_value(&before.tags).map_err(|error| Error::Failed(error.to_string()))?)
        .and(same_audience(before));
    Ok(values.into_iter().fold(leg, |leg, (name, value)| leg.value(name, value)))
}

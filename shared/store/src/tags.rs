//! Tags of collections (on their heads, and in the lists of their workspaces) and of workspaces.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::access::{Access, CreateCollection, EditCollection};
use domain::ids::WorkspaceId;
use domain::tags::{self, Slug, Tag};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::transact::Leg;
use crate::{Conflict, Error, Item, Store, keys, read, row};

#[derive(Default, Serialize, Deserialize)]
struct Tags {
    tags: Vec<Tag>,
}

fn value(tags: &[Tag]) -> Result<AttributeValue, Error> {
    serde_dynamo::to_attribute_value(tags).map_err(|error| Error::Failed(error.to_string()))
}

impl Store {
    /// Replaces the tags of a collection. They are no part of its content: its number stays. [`Conflict::CollectionGone`].
    pub async fn tag_collection(&self, by: &Access<EditCollection>, slugs: Vec<Slug>, now: Timestamp) -> Result<Vec<Tag>, Error> {
        let head = &by.thing;
        let tags = tags::next(&head.tags, slugs, now);
        let set = |key| Leg::update(key, "SET #tags = :tags");
        self.commit(&[
            set(keys::head(&head.collection))
                .when("attribute_exists(pk) AND attribute_not_exists(#deleted_at)")
                .or(Conflict::CollectionGone)
                .value(":tags", value(&tags)?),
            set(keys::listed(&head.workspace, &head.collection)).when("attribute_exists(pk)").value(":tags", value(&tags)?),
        ])
        .await?;
        Ok(tags)
    }

    /// Replaces the tags of a workspace.
    pub async fn tag_workspace(&self, by: &Access<CreateCollection>, slugs: Vec<Slug>, now: Timestamp) -> Result<Vec<Tag>, Error> {
        let id = &by.thing.id;
        let before = self.workspace_tags(std::slice::from_ref(id)).await?.remove(id).unwrap_or_default();
        let tags = tags::next(&before, slugs, now);
        self.put_when(row(&keys::workspace_tags(id), "tags", &Tags { tags: tags.clone() })?, None, Item::new()).await?;
        Ok(tags)
    }

    /// The tags of workspaces; of one that has none there is nothing.
    pub async fn workspace_tags(&self, workspaces: &[WorkspaceId]) -> Result<HashMap<WorkspaceId, Vec<Tag>>, Error> {
        let wanted: Vec<_> = workspaces.iter().map(keys::workspace_tags).collect();
        let mut found = self.get_many(&wanted).await?;
        let mut all = HashMap::new();
        for (workspace, key) in workspaces.iter().zip(&wanted) {
            if let Some(item) = found.remove(key) {
                all.insert(workspace.clone(), read::<Tags>(item)?.tags);
            }
        }
        Ok(all)
    }
}

//! Webhooks: who is told of changes by a POST, and which of them are on. What they are told stands in [`crate::messages`].

use aws_sdk_dynamodb::types::AttributeValue;
use domain::access::{Access, Caller, ManageTeamWebhooks, ManageWebhooks};
use domain::change::Actor;
use domain::happened::{Doer, Happened};
use domain::ids::{TeamId, WebhookId};
use domain::limit;
use domain::webhook::{Address, Begin, Of, Off, ROTATION};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::keys::Key;
use crate::{Conflict, Error, Leg, Range, Store, events, keys, n, read, row, s, values};

/// A webhook.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Webhook {
    /// Its id, and of whose changes it tells.
    pub address: Address,
    /// The team, where it is one's or one of its collections'.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// Where it tells.
    pub url: String,
    /// What it is for, in its maker's words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Who answers for it: it tells what this person may see.
    pub maker: Actor,
    /// When it was made.
    pub created_at: Timestamp,
    /// Where what it is told begins: when it was made or switched on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begin: Option<Begin>,
    /// What its messages are signed with, sealed.
    pub secret: String,
    /// What they were signed with before, and still are until a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
    /// Why it tells nothing, where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off: Option<Off>,
    /// Since when its receiver has taken nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// How often something came that is to be told.
    #[serde(default)]
    pub touched: u64,
}

/// A secret that was replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previous {
    /// The secret, sealed.
    pub secret: String,
    /// Until when it still signs.
    pub until: Timestamp,
}

/// The right to look after the webhooks of a collection or a team.
#[derive(Debug, Clone)]
pub enum Managing {
    /// Of a collection.
    Collection(Box<Access<ManageWebhooks>>),
    /// Of a team.
    Team(Box<Access<ManageTeamWebhooks>>),
}

impl Managing {
    /// Of whose changes the webhooks tell.
    pub fn of(&self) -> Of {
        match self {
            Managing::Collection(access) => Of::Collection(access.thing.collection.clone()),
            Managing::Team(access) => Of::Team(access.thing),
        }
    }

    /// Where what a webhook is told begins that is switched on now.
    pub fn begin(&self, now: Timestamp) -> Begin {
        match self {
            Managing::Collection(access) => Begin::Behind(access.thing.seq),
            Managing::Team(_) => Begin::At(now),
        }
    }

    /// Who looks after them.
    pub fn caller(&self) -> &Caller {
        match self {
            Managing::Collection(access) => &access.caller,
            Managing::Team(access) => &access.caller,
        }
    }

    /// The team.
    pub fn team(&self) -> Option<TeamId> {
        match self {
            Managing::Collection(access) => access.thing.team,
            Managing::Team(access) => Some(access.thing),
        }
    }
}

/// What is changed about a webhook; `None` leaves it as it is.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// See [`Webhook::url`].
    pub url: Option<String>,
    /// See [`Webhook::description`].
    pub description: Option<String>,
    /// Whether it is on. Who switches it on answers for it from now on.
    pub active: Option<bool>,
}

fn one(id: &WebhookId) -> AttributeValue {
    AttributeValue::Ss(vec![id.to_string()])
}

/// The leg that puts a webhook among those that are on.
fn on(address: &Address) -> Leg {
    let free = "attribute_not_exists(#ids) OR contains(#ids, :id) OR size(#ids) < :most";
    Leg::update(keys::webhooks_on(&address.of), "ADD #ids :one")
        .when(free)
        .or(Conflict::TooManyWebhooks)
        .value(":one", one(&address.id))
        .text(":id", address.id.as_str())
        .number(":most", limit::WEBHOOKS)
}

/// The leg that takes a webhook from those that are on.
fn off(address: &Address) -> Leg {
    Leg::update(keys::webhooks_on(&address.of), "DELETE #ids :one").value(":one", one(&address.id))
}

impl Store {
    /// Makes a webhook. [`Conflict::TooManyWebhooks`].
    pub async fn make_webhook(&self, by: &Managing, webhook: &Webhook) -> Result<(), Error> {
        if limit::WEBHOOKS <= self.webhooks(by).await?.len() {
            return Err(Conflict::TooManyWebhooks.into());
        }
        let what = Happened::WebhookMade { user: webhook.maker.id, team: webhook.team, webhook: webhook.address.clone() };
        let create = Leg::create(row(&keys::webhook(&webhook.address), "webhook", webhook)?).or(Conflict::IdTaken);
        self.commit(&[create, on(&webhook.address), events::leg(by.caller(), what, webhook.created_at)?]).await
    }

    /// The webhooks of a collection or a team, in the order in which they were made.
    pub async fn webhooks(&self, by: &Managing) -> Result<Vec<Webhook>, Error> {
        let items = self.all(&Range::prefix(keys::webhooks_partition(&by.of()), keys::WEBHOOKS)).await?;
        let mut all = items.into_iter().map(read).collect::<Result<Vec<Webhook>, Error>>()?;
        all.sort_by(|a, b| (a.created_at, a.address.id.as_str()).cmp(&(b.created_at, b.address.id.as_str())));
        Ok(all)
    }

    /// A webhook. [`Conflict::WebhookGone`].
    pub async fn webhook(&self, by: &Managing, id: &WebhookId) -> Result<Webhook, Error> {
        self.webhook_at(&Address { id: id.clone(), of: by.of() }).await?.ok_or_else(|| Conflict::WebhookGone.into())
    }

    /// A webhook, for whoever tells by it.
    pub async fn webhook_at(&self, address: &Address) -> Result<Option<Webhook>, Error> {
        self.get(&keys::webhook(address)).await?.map(read).transpose()
    }

    /// Changes a webhook. [`Conflict::WebhookGone`].
    pub async fn change_webhook(&self, by: &Managing, id: &WebhookId, wish: &Wish, now: Timestamp) -> Result<(), Error> {
        let address = Address { id: id.clone(), of: by.of() };
        let mut set = Vec::new();
        let mut remove = Vec::new();
        let mut given = Vec::new();
        if let Some(url) = &wish.url {
            set.push("#url = :url".to_owned());
            given.push((":url", s(url)));
        }
        if let Some(description) = &wish.description {
            set.push("#description = :description".to_owned());
            given.push((":description", s(description)));
        }
        let mut legs = Vec::new();
        match wish.active {
            Some(true) => {
                let failed = |error: serde_dynamo::Error| Error::Failed(error.to_string());
                set.push("#maker = :maker, #begin = :begin".to_owned());
                given.push((":maker", serde_dynamo::to_attribute_value(by.caller().actor()).map_err(failed)?));
                given.push((":begin", serde_dynamo::to_attribute_value(by.begin(now)).map_err(failed)?));
                remove.extend(["#off", "#failing_since"]);
                legs.push(on(&address));
            }
            Some(false) => {
                set.push("#off = :off".to_owned());
                given.push((":off", s(Off::SwitchedOff.as_str())));
                legs.push(off(&address));
            }
            None => (),
        }
        if set.is_empty() {
            return self.webhook(by, id).await.map(drop);
        }
        let removed = if remove.is_empty() { String::new() } else { format!(" REMOVE {}", remove.join(", ")) };
        let change = Leg::update(keys::webhook(&address), format!("SET {}{removed}", set.join(", ")));
        let change = given.into_iter().fold(change, |leg, (name, value)| leg.value(name, value));
        legs.push(change.when("attribute_exists(pk)").or(Conflict::WebhookGone));
        self.commit(&legs).await
    }

    /// Gives a webhook another secret; the one before signs as well for a day. [`Conflict::WebhookGone`]: also where
    /// somebody else did so meanwhile.
    pub async fn rotate_webhook(&self, by: &Managing, webhook: &Webhook, secret: &str, now: Timestamp) -> Result<(), Error> {
        let until = now.saturating_add(ROTATION).unwrap_or(Timestamp::MAX);
        let previous = Previous { secret: webhook.secret.clone(), until };
        let previous = serde_dynamo::to_attribute_value(previous).map_err(|error| Error::Failed(error.to_string()))?;
        let new = values([(":secret", s(secret)), (":previous", previous), (":old", s(&webhook.secret))]);
        let key = keys::webhook(&Address { id: webhook.address.id.clone(), of: by.of() });
        match self.update_when(&key, "SET #secret = :secret, #previous = :previous", "#secret = :old", new).await? {
            true => Ok(()),
            false => Err(Conflict::WebhookGone.into()),
        }
    }

    /// Deletes a webhook with everything that it told. [`Conflict::WebhookGone`].
    pub async fn delete_webhook(&self, by: &Managing, webhook: &Webhook, now: Timestamp) -> Result<(), Error> {
        let address = Address { id: webhook.address.id.clone(), of: by.of() };
        let what = Happened::WebhookDeleted { user: webhook.maker.id, team: webhook.team, webhook: address.clone() };
        let delete = Leg::delete(keys::webhook(&address)).when("attribute_exists(pk)").or(Conflict::WebhookGone);
        self.commit(&[delete, off(&address), events::leg(by.caller(), what, now)?]).await?;
        let items = self.all(&Range::of(keys::messages_partition(&address.id))).await?;
        self.delete_all(&items.iter().filter_map(crate::key_of).collect::<Vec<Key>>()).await
    }

    /// Switches a webhook off, because of its receiver or its maker. `false`: it is off or gone already.
    pub async fn end_webhook(&self, webhook: &Webhook, why: Off, now: Timestamp) -> Result<bool, Error> {
        let Webhook { address, maker, team, .. } = webhook;
        let what = Happened::WebhookEnded { user: maker.id, team: *team, webhook: address.clone(), why };
        let end = Leg::update(keys::webhook(address), "SET #off = :off REMOVE #gsi1pk, #gsi1sk, #lease_until")
            .when("attribute_exists(pk) AND attribute_not_exists(#off)")
            .text(":off", why.as_str())
            .or(Conflict::WebhookGone);
        match self.commit(&[end, off(address), events::leg(Doer::default(), what, now)?]).await {
            Ok(()) => Ok(true),
            Err(Error::Conflict(Conflict::WebhookGone)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The webhooks that are on and are told of a collection's changes: its own, and its team's. One read.
    pub async fn webhooks_on(&self, about: &crate::changes::About) -> Result<Vec<Address>, Error> {
        let of: Vec<Of> = std::iter::once(Of::Collection(about.collection.clone())).chain(about.team.map(Of::Team)).collect();
        let keys: Vec<Key> = of.iter().map(keys::webhooks_on).collect();
        let found = self.get_many(&keys).await?;
        let mut all = Vec::new();
        for (of, key) in of.into_iter().zip(&keys) {
            let ids = found.get(key).and_then(|item| item.get("ids")?.as_ss().ok()).map_or(&[][..], Vec::as_slice);
            all.extend(ids.iter().filter_map(|id| Some(Address { id: id.parse().ok()?, of: of.clone() })));
        }
        Ok(all)
    }

    /// Notes that a receiver takes nothing, or does again; gives since when it does not.
    pub async fn note_failing(&self, webhook: &Webhook, fails: bool, now: Timestamp) -> Result<Option<Timestamp>, Error> {
        let key = keys::webhook(&webhook.address);
        if !fails {
            if webhook.failing_since.is_some() {
                self.update_when(&key, "REMOVE #failing_since", "attribute_exists(pk)", crate::Item::new()).await?;
            }
            return Ok(None);
        }
        let since = webhook.failing_since.unwrap_or(now);
        if webhook.failing_since.is_none() {
            self.update_when(&key, "SET #failing_since = :since", "attribute_exists(pk)", values([(":since", s(since))])).await?;
        }
        Ok(Some(since))
    }

    /// Says when a webhook is looked at next; `None`: when something comes. `false`: something came since it was read, and
    /// it is to be looked at now.
    pub async fn webhook_due(&self, webhook: &Webhook, next: Option<Timestamp>, now: Timestamp) -> Result<bool, Error> {
        let key = keys::webhook(&webhook.address);
        let same = "attribute_exists(pk) AND #touched = :touched";
        let touched = (":touched", n(webhook.touched));
        let id = &webhook.address.id;
        let said = match next {
            Some(next) => {
                let place = values([touched, (":place", s(keys::webhook_due(next, id))), (":due", s(keys::WEBHOOKS_DUE))]);
                self.update_when(&key, "SET #gsi1pk = :due, #gsi1sk = :place REMOVE #lease_until", same, place).await?
            }
            None => self.update_when(&key, "REMOVE #gsi1pk, #gsi1sk, #lease_until", same, values([touched])).await?,
        };
        if !said {
            let place = values([(":place", s(keys::webhook_due(now, id)))]);
            self.update_when(&key, "SET #gsi1sk = :place REMOVE #lease_until", "attribute_exists(gsi1pk)", place).await?;
        }
        Ok(said)
    }

    /// The webhooks that have something to tell by now.
    pub async fn webhooks_due(&self, now: Timestamp) -> Result<Vec<Address>, Error> {
        let range = Range::below(keys::WEBHOOKS_DUE.to_owned(), keys::webhooks_due_until(now)).in_index();
        let keys: Vec<Key> = self.all(&range).await?.iter().filter_map(crate::key_of).collect();
        let items = self.get_many(&keys).await?;
        items.into_values().map(|item| read::<Webhook>(item).map(|webhook| webhook.address)).collect()
    }

    /// Asks to tell what a webhook has to tell: nobody else does so until `until`. `None`: somebody is at it, or it is gone.
    pub async fn claim_webhook(&self, address: &Address, until: Timestamp, now: Timestamp) -> Result<Option<Webhook>, Error> {
        let key = keys::webhook(address);
        let mine = values([(":until", n(until.as_millisecond())), (":now", n(now.as_millisecond()))]);
        let free = "attribute_exists(pk) AND (attribute_not_exists(#lease_until) OR #lease_until < :now)";
        if !self.update_when(&key, "SET #lease_until = :until", free, mine).await? {
            return Ok(None);
        }
        self.webhook_at(address).await
    }
}

//! Mails about changes: to those who want them and may still read, once each.

use serde_json::{Value, json};

use crate::world::{Person, World, address};

struct Team {
    world: World,
    ann: Person,
    id: u64,
    collection: String,
}

/// A team with a collection of one request.
async fn team() -> Team {
    let world = World::start().await;
    let ann = world.person("ann").await;
    let id = world.team(&ann, "Acme", 5).await;
    let workspace = world.get(&ann, &format!("/api/teams/{id}")).await["team"]["workspace"].as_str().unwrap().to_owned();
    let file = json!({"collection": {
        "info": {"name": "Payments", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
        "item": [{"name": "List orders", "request": {"method": "GET", "url": "http://example.com/orders", "auth": {"type": "noauth"}}, "response": []}],
    }});
    let made = world.by(&ann, "POST", &format!("/api/collections?workspace={workspace}"), file).await.is(200);
    let collection = made["collection"]["id"].as_str().unwrap().to_owned();
    Team { world, ann, id, collection }
}

impl Team {
    async fn subscribe(&self, who: &Person, mail: &str) {
        self.world.by(who, "PUT", &format!("/api/collections/{}/subscription", self.collection), json!({ "mail": mail })).await.is(200);
    }

    /// Ann edits the request; gives its address.
    async fn edit(&self, change: impl Fn(&mut Value)) -> String {
        let items = self.world.get(&self.ann, &format!("/api/collections/{}/items", self.collection)).await;
        let id = items["items"][0]["id"].as_str().unwrap().to_owned();
        let path = format!("/collections/{}/items/{id}", self.collection);
        let mut item = self.world.get(&self.ann, &format!("/api{path}")).await;
        change(&mut item);
        self.world.by(&self.ann, "PUT", &format!("/api{path}"), item).await.is(200);
        self.world.settle().await;
        path
    }

    fn changes_mailed(&self, name: &str) -> usize {
        self.world.mails(&address(name)).iter().filter(|mail| mail.subject.starts_with("Payments")).count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_mailed_to_those_who_want_it() {
    let team = team().await;
    let bob = team.world.member(&team.ann, team.id, "bob", "viewer").await;
    let carl = team.world.member(&team.ann, team.id, "carl", "viewer").await;
    team.subscribe(&team.ann, "now").await;
    team.subscribe(&bob, "now").await;
    team.subscribe(&carl, "off").await;
    let path = team.edit(|item| item["request"]["url"] = json!("http://example.com/v2/orders?<b>")).await;
    let mail = team.world.last_mail("bob@example.com");
    assert_eq!(mail.subject, "Payments · List orders changed by ann");
    let link = format!("{}{path}", team.world.stack.url());
    for told in ["ann changed the request “List orders”", "http://example.com/orders", "http://example.com/v2/orders?<b>", &link] {
        assert!(mail.text.contains(told), "{told} is not in {}", mail.text);
    }
    assert!(mail.html.contains("http://example.com/v2/orders?&#60;b&#62;") && mail.html.contains(&link), "{}", mail.html);
    assert!(mail.headers["List-Unsubscribe"].contains("/api/unsubscribe?token="), "{:?}", mail.headers);
    assert_eq!(mail.headers["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click");
    assert_eq!((team.changes_mailed("ann"), team.changes_mailed("bob"), team.changes_mailed("carl")), (0, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_out_hears_nothing_more() {
    let team = team().await;
    let bob = team.world.member(&team.ann, team.id, "bob", "editor").await;
    team.subscribe(&bob, "now").await;
    team.edit(|item| item["name"] = json!("One")).await;
    assert_eq!(team.changes_mailed("bob"), 1);
    team.world.by(&team.ann, "DELETE", &format!("/api/teams/{}/members/{}", team.id, bob.id), Value::Null).await.is(200);
    team.edit(|item| item["name"] = json!("Two")).await;
    assert_eq!(team.changes_mailed("bob"), 1);
    team.world.by(&bob, "GET", &format!("/api/collections/{}", team.collection), Value::Null).await.refused(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_not_mailed() {
    let team = team().await;
    let bob = team.world.member(&team.ann, team.id, "bob", "viewer").await;
    team.subscribe(&bob, "now").await;
    team.edit(|item| {
        item["request"]["auth"] = json!({"type": "bearer", "bearer": [{"key": "token", "value": "hunter2-hunter2"}]});
        item["request"]["header"] = json!([{"key": "Authorization", "value": "Bearer hunter2-hunter2"}]);
    })
    .await;
    let mail = team.world.last_mail("bob@example.com");
    assert!(mail.text.contains("request › auth") && mail.text.contains("(1 entry)"), "{}", mail.text);
    assert!(!mail.text.contains("hunter2") && !mail.html.contains("hunter2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_comes_twice_is_mailed_once() {
    let meddler: local::Meddler =
        std::sync::Arc::new(|_, records| records.iter().flat_map(|record| [record.clone(), record.clone()]).collect());
    let world = World::with(local::Options { meddler: Some(meddler), ..local::Options::default() }).await;
    let ann = world.person("ann").await;
    let team = world.team(&ann, "Acme", 2).await;
    world.invite(&ann, team, "bob@example.com", "viewer").await;
    world.settle().await;
    assert_eq!((world.mails("ann@example.com").len(), world.mails("bob@example.com").len()), (1, 1));
}

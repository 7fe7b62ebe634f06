//! Who sees a collection: roles given in it, what follows when one is lost, and asking for one.

use serde_json::{Value, json};
use tests::{Team, TestApp, User, samples};

async fn give(admin: &User, collection: &str, path: &str, id: u64, role: Value) {
    let body = json!({"roles": [{"op": "update", "path": path, "value": [{"id": id, "role": role}]}]});
    admin.patch(&format!("/api/collections/{collection}/roles"), body.to_string()).await.status(204);
}

async fn collection(team: &Team) -> String {
    team.owner.import(&team.workspace, samples::collection("Pets", &[samples::request("bark")])).await
}

/// What `GET …/access` says of somebody: role and reason.
async fn standing(reader: &User, collection: &str, of: &User) -> (String, String) {
    let access = reader.get(&format!("/api/collections/{collection}/access")).await.ok();
    let members = access.at("/access/members");
    let member = members.as_array().unwrap().iter().find(|member| member["user"]["id"] == of.id).unwrap().clone();
    (member["role"].as_str().unwrap().to_owned(), member["why"].as_str().unwrap().to_owned())
}

fn check(standing: (String, String), role: &str, why: &str) {
    assert_eq!(standing, (role.to_owned(), why.to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_maker_chooses_who_sees_and_edits() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let team = app.team(&anna, 6).await;
        let bob = app.join(&team, "bob", "editor").await;
        let dora = app.join(&team, "dora", "admin").await;
        let made = app.join(&team, "mia", "editor").await;
        let collection = made.import(&team.workspace, samples::collection("Pets", &[samples::request("bark")])).await;
        let home = format!("/api/collections/{collection}");
        let item = format!("{home}/items/{}", made.item_named(&collection, "bark").await);
        check(standing(&bob, &collection, &bob).await, "editor", "team_role");
        check(standing(&bob, &collection, &made).await, "admin", "maker");
        check(standing(&bob, &collection, &dora).await, "admin", "team_admin");
        // Everyone reads; bob edits.
        give(&made, &collection, "/team", team.id, json!("VIEWER")).await;
        check(standing(&bob, &collection, &bob).await, "viewer", "everyone");
        bob.patch(&item, "{\"name\": \"growl\"}").await.refused(403, "forbidden");
        give(&made, &collection, "/user", bob.id, json!("EDITOR")).await;
        check(standing(&bob, &collection, &bob).await, "editor", "in_person");
        bob.patch(&item, "{\"name\": \"growl\"}").await.ok();
        bob.patch(&format!("{home}/roles"), "{\"roles\": []}").await.refused(403, "forbidden");
        let roles = bob.get(&format!("{home}/roles")).await.ok().json();
        let expected = json!({"group": [], "team": [{"role": "VIEWER", "id": team.id}], "user": [{"role": "EDITOR", "id": bob.id}]});
        assert_eq!(roles, expected);
        // Hidden from everyone: from bob only when he is no longer named.
        give(&made, &collection, "/team", team.id, json!("NONE")).await;
        bob.get(&home).await.ok();
        give(&made, &collection, "/user", bob.id, Value::Null).await;
        bob.get(&home).await.refused(404, "not_found");
        check(standing(&dora, &collection, &bob).await, "none", "everyone");
        // Not even its name is in what lists collections.
        for place in
            ["/api/collections", &format!("/api/workspaces/{}", team.workspace), &format!("/api/teams/{}/feed", team.id), "/api/feed"]
        {
            let seen = bob.get(place).await.ok().text;
            assert!(!seen.contains("Pets") && !seen.contains(&collection), "{place}: {seen}");
        }
        app.settle().await;
        assert!(made.get(&format!("/api/teams/{}/feed", team.id)).await.ok().text.contains(&collection));
        assert!(dora.get("/api/collections").await.ok().text.contains(&collection));
        // A deny in person wins, even over an admin of the team.
        give(&made, &collection, "/team", team.id, json!("ADMIN")).await;
        give(&made, &collection, "/user", dora.id, json!("NONE")).await;
        dora.get(&home).await.refused(404, "not_found");
        bob.patch(
            &format!("{home}/roles"),
            json!({"roles": [{"op": "update", "path": "/user", "value": [{"id": dora.id, "role": null}]}]}).to_string(),
        )
        .await
        .status(204);
        dora.get(&home).await.ok();
        app.mails().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_roles_are_named_and_nothing_is_given() {
    let app = TestApp::start().await;
    let anna = app.user("anna").await;
    let team = app.team(&anna, 3).await;
    let bob = app.join(&team, "bob", "viewer").await;
    let stranger = app.user("carl").await;
    let collection = collection(&team).await;
    let roles = format!("/api/collections/{collection}/roles");
    let value = json!([{"id": bob.id, "role": "EDITOR"}, {"id": stranger.id, "role": "VIEWER"}, {"id": anna.id, "role": "VIEWER"}]);
    let pointers = |reply: tests::Reply| -> Vec<String> {
        let errors = reply.refused(422, "rejected").at("/errors");
        errors.as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
    };
    let change = async |body: Value| anna.patch(&roles, body.to_string()).await;
    let op = |path: &str, value: Value| json!({"op": "update", "path": path, "value": value});
    assert_eq!(pointers(change(json!({"roles": [op("/user", value)]})).await), ["/roles/0/value/1/id", "/roles/0/value/2/id"]);
    let wrong = json!({"roles": [
        {"op": "add", "path": "/user", "value": []},
        op("/user", json!([{"id": bob.id, "role": "KING"}])),
        op("/team", json!([{"id": 1, "role": "VIEWER"}])),
        op("/robots", json!([{"id": 1, "role": "VIEWER"}])),
    ]});
    assert_eq!(pointers(change(wrong).await), ["/roles/0/op", "/roles/1/value/0/role", "/roles/2/value/0/id", "/roles/3/path"]);
    assert_eq!(pointers(change(json!({"roles": [op("/group", json!([{"id": 5, "role": "VIEWER"}]))]})).await), ["/roles/0/value/0/id"]);
    assert_eq!(pointers(change(json!({"roles": []})).await), ["/roles"]);
    assert_eq!(pointers(change(json!({"roles": [op("/user", json!([{"id": bob.id}]))]})).await), ["/roles/0/value/0/role"]);
    anna.patch(&roles, "[").await.refused(400, "malformed");
    assert_eq!(anna.get(&roles).await.ok().json(), json!({"group": [], "team": [], "user": []}));
    let one = format!("/api/collections/{collection}/access");
    assert_eq!(pointers(anna.put(&one, "{\"to\": \"bob\", \"role\": \"king\"}").await), ["/role", "/to"]);
    let own = anna.post_text("/api/collections", samples::of_requests("Mine", 1)).await.ok().at("/collection/id");
    let own = format!("/api/collections/{}/roles", own.as_str().unwrap());
    assert_eq!(
        pointers(anna.patch(&own, json!({"roles": [op("/user", json!([{"id": bob.id, "role": "VIEWER"}]))]}).to_string()).await),
        [""]
    );
    app.mails().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_loses_sight_hears_nothing_more() {
    let app = TestApp::start().await;
    let anna = app.user("anna").await;
    let team = app.team(&anna, 3).await;
    let bob = app.join(&team, "bob", "admin").await;
    let collection = collection(&team).await;
    let home = format!("/api/collections/{collection}");
    let item = format!("{home}/items/{}", anna.item_named(&collection, "bark").await);
    bob.put(&format!("{home}/subscription"), "{\"mail\": \"now\"}").await.ok();
    let mut socket = bob.listen().await;
    assert_eq!(socket.following().await, [collection.as_str()]);
    let edit = async |name: String| drop(anna.patch(&item, json!({"name": name}).to_string()).await.ok());
    // Hidden in person: the registration is dropped before the answer, the subscription as well.
    give(&anna, &collection, "/user", bob.id, json!("NONE")).await;
    assert!(socket.following().await.is_empty());
    edit("one".into()).await;
    app.settle().await;
    assert!(socket.heard().await.is_empty());
    assert_eq!(bob.get("/api/subscriptions").await.ok().at("/subscriptions"), json!([]));
    // Back in, then out by another role in the team.
    give(&anna, &collection, "/team", team.id, json!("NONE")).await;
    give(&anna, &collection, "/user", bob.id, Value::Null).await;
    socket.subscribe(&collection, None).await;
    edit("two".into()).await;
    assert_eq!(socket.next_event().await["seq"], 3);
    anna.patch(&format!("/api/teams/{}/members/{}", team.id, bob.id), "{\"role\": \"editor\"}").await.ok();
    assert!(socket.following().await.is_empty());
    edit("three".into()).await;
    app.settle().await;
    assert!(socket.heard().await.is_empty());
    let (_, refused) = socket.subscribe(&collection, None).await;
    assert_eq!(refused["data"]["code"], "not_found");
    app.mails().await;
    app.finish().await;
}

/// Edits race the loss of access, again and again: what was committed after the answer never arrives.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_comes_after_the_answer_is_delivered() {
    const TRIES: usize = 100;
    let app = TestApp::start().await;
    let anna = app.user("anna").await;
    let team = app.team(&anna, 3).await;
    let bob = app.join(&team, "bob", "viewer").await;
    let collection = collection(&team).await;
    let item = format!("/api/collections/{collection}/items/{}", anna.item_named(&collection, "bark").await);
    let mut socket = bob.listen().await;
    let mut heard_after = Vec::new();
    for round in 0..TRIES {
        give(&anna, &collection, "/user", bob.id, Value::Null).await;
        socket.subscribe(&collection, None).await;
        let edits = async {
            for edit in 0..3 {
                anna.patch(&item, json!({"name": format!("{round} before {edit}")}).to_string()).await.ok();
            }
        };
        let hide = async {
            give(&anna, &collection, "/user", bob.id, json!("NONE")).await;
            // Somebody who tries to come back at this very moment does not.
            socket.say(json!({"action": "subscribe", "collection": collection})).await;
        };
        futures::join!(edits, hide);
        let after = anna.patch(&item, json!({"name": format!("{round} after")}).to_string()).await.ok();
        heard_after.push(after.etag().trim_matches('"').parse::<u64>().unwrap());
        // What is still on its way when somebody is let in again is theirs to hear.
        app.settle().await;
    }
    let heard = socket.heard().await;
    let numbers: Vec<u64> = heard.iter().filter_map(|frame| frame["data"]["seq"].as_u64()).collect();
    let leaked: Vec<_> = heard_after.iter().filter(|seq| numbers.contains(seq)).collect();
    assert!(leaked.is_empty(), "{} of {TRIES} were heard after the answer: {leaked:?}", leaked.len());
    app.mails().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn access_is_asked_for_granted_and_refused() {
    let app = TestApp::start().await;
    let anna = app.user("anna").await;
    let team = app.team(&anna, 4).await;
    let bob = app.join(&team, "bob", "viewer").await;
    let carl = app.join(&team, "carl", "viewer").await;
    let stranger = app.user("dora").await;
    let collection = collection(&team).await;
    give(&anna, &collection, "/team", team.id, json!("NONE")).await;
    let asks = format!("/api/collections/{collection}/access-requests");
    let nowhere = "/api/collections/0199aaaa-0000-7000-8000-000000000000/access-requests";
    let wanted = json!({"role": "viewer", "message": "For the <b>new</b> client"});
    // A stranger, and one who asks for what is not there, are answered alike; nobody is told.
    let told = bob.post(nowhere, wanted.clone()).await.status(202).text;
    assert_eq!(stranger.post(&asks, wanted.clone()).await.status(202).text, told);
    assert_eq!(bob.post(&asks, wanted.clone()).await.status(202).text, told);
    let mail = app.mail_to("anna@example.com").await;
    assert_eq!(mail.subject, "Somebody asks for access on Postroom");
    assert!(
        mail.text.contains("bob would like to view the collection Pets") && mail.text.contains("For the <b>new</b> client"),
        "{}",
        mail.text
    );
    assert!(mail.text.contains(&format!("/collections/{collection}/access")) && !mail.html.contains("<b>new"), "{}", mail.html);
    // Asking again changes nothing.
    bob.post(&asks, wanted.clone()).await.status(202);
    carl.post(&asks, json!({"role": "editor"})).await.status(202);
    assert_eq!(app.mails_to("anna@example.com").await.len(), 1);
    let waiting = anna.get(&asks).await.ok().at("/data");
    assert_eq!(waiting.as_array().unwrap().iter().map(|ask| ask["user"]["username"].clone()).collect::<Vec<_>>(), ["bob", "carl"]);
    bob.post(&format!("{asks}/{}", carl.id), json!({"action": "approve"})).await.refused(404, "not_found");
    anna.post(&format!("{asks}/{}", bob.id), json!({"action": "maybe"})).await.refused(422, "rejected");
    anna.post(&format!("{asks}/{}", stranger.id), json!({"action": "approve"})).await.refused(404, "not_found");
    anna.post(&format!("{asks}/{}", bob.id), json!({"action": "approve"})).await.ok();
    let mail = app.mail_to("bob@example.com").await;
    assert!(mail.text.contains("anna said yes: you may view the collection Pets."), "{}", mail.text);
    bob.get(&format!("/api/collections/{collection}")).await.ok();
    check(standing(&bob, &collection, &bob).await, "viewer", "in_person");
    // Refused: told so, without a name that is not theirs to know.
    anna.post(&format!("{asks}/{}", carl.id), json!({"action": "deny"})).await.ok();
    let mail = app.mail_to("carl@example.com").await;
    assert!(mail.text.contains("said no") && !mail.text.contains("Pets"), "{}", mail.text);
    carl.get(&format!("/api/collections/{collection}")).await.refused(404, "not_found");
    anna.post(&format!("{asks}/{}", carl.id), json!({"action": "approve"})).await.refused(404, "not_found");
    // More than one has; after 15 days there is nothing to answer.
    bob.post(&asks, json!({"role": "king"})).await.refused(422, "rejected");
    bob.post(&asks, json!({"role": "viewer"})).await.status(202);
    bob.post(&asks, json!({"role": "editor"})).await.status(202);
    assert_eq!(app.mails_to("anna@example.com").await.len(), 1);
    app.advance("PT360H").await;
    let anna = app.sign_in("anna").await;
    assert_eq!(anna.get(&asks).await.ok().at("/data"), json!([]));
    anna.post(&format!("{asks}/{}", bob.id), json!({"action": "approve"})).await.refused(404, "not_found");
    app.mails().await;
    app.finish().await;
}

//! Workspaces: who makes and sees which, who is let into a private one, and collections that move between them.

use serde_json::{Value, json};
use tests::faults::{Fault, Faults};
use tests::{Client, Reply, Team, TestApp, User, samples};

async fn workspace(maker: &Client, team: &Team, name: &str, kind: &str) -> String {
    let body = json!({"workspace": {"name": name, "type": kind, "teamId": team.id.to_string()}});
    maker.post("/api/workspaces", body).await.ok().at("/workspace/id").as_str().unwrap().to_owned()
}

async fn roles(by: &User, workspace: &str, op: &str, path: &str, id: u64, role: &str) -> Reply {
    let body = json!({"roles": [{"op": op, "path": path, "value": [{"id": id.to_string(), "role": role}]}]});
    by.patch(&format!("/api/workspaces/{workspace}/roles"), body.to_string()).header("content-type", "application/json-patch+json").await
}

async fn transfer(by: &Client, collection: &str, from: &str, to: &str) -> Reply {
    let body = json!({"id": collection, "type": "collection", "to": to});
    by.post(&format!("/api/workspaces/{from}/element-transfers"), body).await
}

/// The names of the workspaces that somebody is shown.
async fn names(by: &Client, query: &str) -> Vec<String> {
    let found = by.get(&format!("/api/workspaces{query}")).await.ok().at("/workspaces");
    found.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

fn pointers(reply: Reply) -> Vec<String> {
    let errors = reply.refused(422, "rejected").at("/errors");
    errors.as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
}

/// Asserts that nothing of a collection is shown to somebody, wherever they look.
async fn sees_nothing(who: &User, team: &Team, collection: &str, secret: &str) {
    for place in [
        "/api/collections",
        &format!("/api/collections?workspace={}", team.workspace),
        &format!("/api/workspaces/{}", team.workspace),
        "/api/workspaces",
        &format!("/api/teams/{}/feed", team.id),
        "/api/feed",
        "/api/subscriptions",
        "/api/notifications",
        &format!("/api/workspaces/{}/trash", team.workspace),
    ] {
        let seen = who.get(place).await.ok().text;
        assert!(!seen.contains(secret) && !seen.contains(collection), "{place}: {seen}");
    }
    let home = format!("/api/collections/{collection}");
    for path in ["", "/items", "/changes", "/roles", "/access", "/trash", "/subscription"] {
        who.get(&format!("{home}{path}")).await.refused(404, "not_found");
    }
    who.patch(&home, json!({"collection": {"name": "theirs"}}).to_string()).await.refused(404, "not_found");
    who.delete(&home).await.refused(404, "not_found");
    who.put(&format!("{home}/subscription"), "{\"mail\": \"now\"}").await.refused(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_workspace_is_seen_by_whom_it_was_given() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let team = app.team(&anna, 6).await;
        let bob = app.join(&team, "bob", "editor").await;
        let carl = app.join(&team, "carl", "editor").await;
        let dora = app.join(&team, "dora", "viewer").await;
        let stranger = app.user("eve").await;
        let room = workspace(&bob, &team, "Skunkworks", "private").await;
        let home = format!("/api/workspaces/{room}");
        let collection = bob.import(&room, samples::collection("Secret plan", &[samples::request("bark")])).await;
        app.settle().await;
        let shown = bob.get(&home).await.ok().at("/workspace");
        assert_eq!((&shown["visibility"], &shown["type"], &shown["role"]), (&json!("private"), &json!("team"), &json!("admin")));
        assert_eq!(shown["collections"][0]["id"], collection);
        assert_eq!(names(&bob, "").await, ["My Workspace", "Team Library", "Skunkworks"]);
        // Neither an editor of the team nor a stranger learns of it; an admin of the team that it is there.
        for outside in [&carl, &dora, &stranger] {
            outside.get(&home).await.refused(404, "not_found");
            outside.get(&format!("{home}/roles")).await.refused(404, "not_found");
            outside.put(&home, json!({"workspace": {"name": "Mine"}}).to_string()).await.refused(404, "not_found");
            outside.delete(&home).await.refused(404, "not_found");
            outside.post_text(&format!("/api/collections?workspace={room}"), samples::of_requests("In", 1)).await.refused(404, "not_found");
            assert!(!names(outside, "").await.contains(&"Skunkworks".to_owned()));
        }
        sees_nothing(&carl, &team, &collection, "Secret plan").await;
        let known = anna.get("/api/workspaces?type=private").await.ok().at("/workspaces/0");
        assert_eq!((&known["name"], &known["role"]), (&json!("Skunkworks"), &Value::Null));
        anna.get(&home).await.refused(403, "forbidden");
        anna.get(&format!("/api/collections/{collection}")).await.refused(404, "not_found");
        anna.delete(&home).await.refused(403, "forbidden");
        assert!(!anna.get("/api/collections").await.ok().text.contains("Secret plan"));
        assert!(!anna.get(&format!("/api/teams/{}/feed", team.id)).await.ok().text.contains("Secret plan"));
        // What is given in the collection opens no workspace; nor does asking.
        let give = json!({"roles": [{"op": "update", "path": "/user", "value": [{"id": carl.id, "role": "EDITOR"}]}]}).to_string();
        assert_eq!(pointers(bob.patch(&format!("/api/collections/{collection}/roles"), give.clone()).await), ["/roles/0/value/0/id"]);
        carl.post(&format!("/api/collections/{collection}/access-requests"), json!({"role": "viewer"})).await.status(202);
        assert_eq!(bob.get(&format!("/api/collections/{collection}/access-requests")).await.ok().at("/data"), json!([]));
        // In person, as a viewer, then as an editor.
        let given = roles(&bob, &room, "add", "/user", carl.id, "1").await.ok().json();
        let expected = json!({"roles": [
            {"id": "1", "displayName": "Viewer", "user": [carl.id.to_string()]},
            {"id": "3", "displayName": "Admin", "user": [bob.id.to_string()]},
        ]});
        assert_eq!(given, expected);
        assert_eq!(carl.get(&format!("{home}/roles")).await.ok().json(), expected);
        carl.get(&format!("/api/collections/{collection}")).await.ok();
        carl.patch(&format!("/api/collections/{collection}"), json!({"collection": {"name": "x"}}).to_string())
            .await
            .refused(403, "forbidden");
        carl.post_text(&format!("/api/collections?workspace={room}"), samples::of_requests("In", 1)).await.refused(403, "forbidden");
        bob.put(&format!("{home}/roles"), json!({"to": format!("user:{}", carl.id), "role": "editor"}).to_string()).await.ok();
        let in_person = carl.get(&format!("/api/collections/{collection}/access")).await.ok();
        let standing = |of: &User| {
            let members = in_person.at("/access/members");
            let member = members.as_array().unwrap().iter().find(|member| member["user"]["id"] == of.id).unwrap().clone();
            (member["role"].as_str().unwrap().to_owned(), member["why"].as_str().unwrap().to_owned())
        };
        assert_eq!(standing(&carl), ("editor".to_owned(), "workspace_role".to_owned()));
        assert_eq!(standing(&dora), ("none".to_owned(), "outside_workspace".to_owned()));
        carl.import(&room, samples::of_requests("Carl's", 1)).await;
        // A group, and out of it again: a socket that is open hears nothing more.
        let group = anna.post(&format!("/api/teams/{}/groups", team.id), json!({"name": "Ducks"})).await.ok().at("/group/id");
        let group = group.as_u64().unwrap();
        let members = format!("/api/teams/{}/groups/{group}", team.id);
        anna.patch(&members, json!({"add": [dora.id]}).to_string()).await.ok();
        roles(&bob, &room, "add", "/usergroup", group, "1").await.ok();
        dora.get(&format!("/api/collections/{collection}")).await.ok();
        dora.put(&format!("/api/collections/{collection}/subscription"), "{\"mail\": \"now\"}").await.ok();
        let mut socket = dora.listen().await;
        socket.subscribe(&collection, None).await;
        anna.patch(&members, json!({"remove": [dora.id]}).to_string()).await.ok();
        assert!(socket.following().await.is_empty());
        sees_nothing(&dora, &team, &collection, "Secret plan").await;
        anna.patch(&members, json!({"add": [dora.id]}).to_string()).await.ok();
        socket.subscribe(&collection, None).await;
        roles(&bob, &room, "remove", "/usergroup", group, "1").await.ok();
        assert!(socket.following().await.is_empty());
        bob.patch(&format!("/api/collections/{collection}"), json!({"collection": {"name": "Secret plan B"}}).to_string()).await.ok();
        app.settle().await;
        assert!(socket.heard().await.is_empty());
        sees_nothing(&dora, &team, &collection, "Secret plan").await;
        // The last admin stays, unless the team has let them go: then an admin of the team lets somebody in.
        roles(&bob, &room, "remove", "/user", bob.id, "3").await.refused(409, "last_admin");
        anna.delete(&format!("/api/teams/{}/members/{}", team.id, bob.id)).await.ok();
        bob.get(&home).await.refused(404, "not_found");
        roles(&anna, &room, "add", "/user", anna.id, "3").await.ok();
        anna.get(&format!("/api/collections/{collection}")).await.ok();
        let audit = anna.get(&format!("/api/teams/{}/audit", team.id)).await.ok().text;
        assert!(audit.contains("workspace_made") && audit.contains("workspace_role_given"), "{audit}");
        // Who comes back begins anew.
        app.bring(&team, &bob, "editor").await;
        bob.get(&home).await.refused(404, "not_found");
        bob.get(&format!("/api/collections/{collection}")).await.refused(404, "not_found");
        assert!(!anna.get(&format!("{home}/roles")).await.ok().text.contains(&bob.id.to_string()));
        app.settle().await;
        for mail in app.mails_to("dora@example.com").await {
            assert!(!mail.text.contains("Secret plan B"), "{}", mail.text);
        }
        app.mails().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_is_opened_closed_and_deleted() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let team = app.team(&anna, 4).await;
        let bob = app.join(&team, "bob", "editor").await;
        let carl = app.join(&team, "carl", "viewer").await;
        let room = workspace(&bob, &team, "Open", "team").await;
        let home = format!("/api/workspaces/{room}");
        let collection = bob.import(&room, samples::collection("Pets", &[samples::request("bark")])).await;
        carl.get(&format!("/api/collections/{collection}")).await.ok();
        let mut socket = carl.listen().await;
        socket.subscribe(&collection, None).await;
        let change = json!({"workspace": {"name": "Closed", "about": "a", "description": "b", "type": "private"}});
        let changed = bob.put(&home, change.to_string()).await.ok().json();
        assert_eq!(changed, json!({"workspace": {"id": room, "name": "Closed"}}));
        assert!(socket.following().await.is_empty());
        carl.get(&home).await.refused(404, "not_found");
        carl.get(&format!("/api/collections/{collection}")).await.refused(404, "not_found");
        bob.delete(&format!("/api/collections/{collection}")).await.ok();
        let shown = bob.get(&home).await.ok().at("/workspace");
        assert_eq!((&shown["about"], &shown["description"], &shown["updatedBy"]), (&json!("a"), &json!("b"), &json!(bob.id.to_string())));
        // What lies in the trash is closed and opened along.
        carl.post(&format!("/api/trash/{collection}/restore"), json!({})).await.refused(404, "not_found");
        bob.put(&home, json!({"workspace": {"type": "team"}}).to_string()).await.ok();
        carl.post(&format!("/api/trash/{collection}/restore"), json!({})).await.refused(403, "forbidden");
        bob.post(&format!("/api/trash/{collection}/restore"), json!({})).await.ok();
        carl.get(&format!("/api/collections/{collection}")).await.ok();
        carl.delete(&home).await.refused(403, "forbidden");
        // Somebody else's, hidden from the admin of the workspace: it is not deleted along.
        let hidden = anna.import(&room, samples::of_requests("Hidden", 1)).await;
        let hide = |role: Value| json!({"roles": [{"op": "update", "path": "/user", "value": [{"id": bob.id, "role": role}]}]}).to_string();
        anna.patch(&format!("/api/collections/{hidden}/roles"), hide(json!("NONE"))).await.status(204);
        bob.delete(&home).await.refused(409, "not_yours");
        carl.get(&format!("/api/collections/{collection}")).await.ok();
        anna.patch(&format!("/api/collections/{hidden}/roles"), hide(Value::Null)).await.status(204);
        assert_eq!(bob.delete(&home).await.ok().json(), json!({"workspace": {"id": room}}));
        for gone in [&collection, &hidden] {
            anna.get(&format!("/api/collections/{gone}")).await.refused(404, "not_found");
            anna.post(&format!("/api/trash/{gone}/restore"), json!({})).await.refused(404, "not_found");
        }
        anna.get(&home).await.refused(404, "not_found");
        bob.delete(&home).await.refused(404, "not_found");
        assert_eq!(names(&anna, "").await, ["My Workspace", "Team Library"]);
        // With the team goes what is in its workspaces.
        let left = workspace(&bob, &team, "Left", "private").await;
        let inside = bob.import(&left, samples::of_requests("Inside", 1)).await;
        anna.delete(&format!("/api/teams/{}", team.id)).await.ok();
        app.advance("PT361H").await;
        app.advance("PT3H").await;
        // What is left is what lapses by itself, and the audit log.
        app.settle().await;
        let mut keys = app.table_keys().await;
        keys.retain(|(pk, _)| !["AUDIT#", "MAIL#", "FEED#USER#"].iter().any(|kept| pk.starts_with(kept)));
        let remains: Vec<_> =
            keys.iter().filter(|(pk, sk)| [pk, sk].iter().any(|key| key.contains(&left) || key.contains(&inside))).collect();
        assert!(remains.is_empty(), "{remains:?}");
        app.mails().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_moves_with_its_history() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let team = app.team(&anna, 5).await;
        let bob = app.join(&team, "bob", "editor").await;
        let carl = app.join(&team, "carl", "editor").await;
        let room = workspace(&bob, &team, "Room", "private").await;
        let collection = bob.import(&team.workspace, samples::collection("Pets", &[samples::request("bark")])).await;
        let home = format!("/api/collections/{collection}");
        let item = bob.item_named(&collection, "bark").await;
        bob.patch(&format!("{home}/items/{item}"), "{\"name\": \"growl\"}").await.ok();
        carl.put(&format!("{home}/subscription"), "{\"mail\": \"now\"}").await.ok();
        let mut socket = carl.listen().await;
        assert_eq!(socket.following().await, [collection.as_str()]);
        app.settle().await;
        assert!(carl.get(&format!("/api/teams/{}/feed", team.id)).await.ok().text.contains(&collection));
        // Rights on both ends.
        transfer(&carl, &collection, &team.workspace, &room).await.refused(403, "forbidden");
        let own = bob.get("/api/workspaces?type=personal").await.ok().at("/workspaces/0/id");
        transfer(&bob, &collection, &team.workspace, own.as_str().unwrap()).await.refused(400, "malformed");
        transfer(&anna, &collection, &team.workspace, &room).await.refused(403, "forbidden");
        assert_eq!(pointers(transfer(&bob, &collection, &room, &room).await), ["/id"]);
        let answer = transfer(&bob, &collection, &team.workspace, &room).await.ok().json();
        let moved = json!({"type": "collection", "id": collection, "from": team.workspace, "to": room});
        assert_eq!(answer, json!({"workspace": {"element-transfers": moved}}));
        // Who has lost it hears nothing more of it; the others have all of it.
        assert!(socket.following().await.is_empty());
        sees_nothing(&carl, &team, &collection, "Pets").await;
        bob.patch(&format!("{home}/items/{item}"), "{\"name\": \"howl\"}").await.ok();
        app.settle().await;
        assert!(socket.heard().await.is_empty());
        let listed = bob.get(&format!("/api/collections?workspace={room}")).await.ok().at("/collections");
        assert_eq!((listed.as_array().map(Vec::len), &listed[0]["id"]), (Some(1), &json!(collection)));
        assert!(!bob.get(&format!("/api/collections?workspace={}", team.workspace)).await.ok().text.contains(&collection));
        assert_eq!(bob.changes(&collection, 0).await.len(), 3);
        assert_eq!(bob.item_named(&collection, "howl").await, item);
        let found = format!("?elementType=collection&elementId={}-{collection}", bob.id);
        assert_eq!(names(&bob, &found).await, ["Room"]);
        assert_eq!(names(&carl, &found).await, Vec::<String>::new());
        // Once more is harmless; back, and everyone sees all of it again.
        transfer(&bob, &collection, &team.workspace, &room).await.ok();
        transfer(&bob, &collection, &room, &team.workspace).await.ok();
        assert_eq!(carl.changes(&collection, 0).await.len(), 3);
        assert!(carl.get(&format!("/api/teams/{}/feed", team.id)).await.ok().text.contains("howl"));
        // From a person's own into the team, with a socket open; and from there nobody takes it away but an admin.
        let mine = bob.import(own.as_str().unwrap(), samples::of_requests("Mine", 2)).await;
        let mut at_home = bob.listen().await;
        at_home.subscribe(&mine, None).await;
        transfer(&bob, &mine, own.as_str().unwrap(), &team.workspace).await.ok();
        carl.patch(&format!("/api/collections/{mine}"), json!({"collection": {"name": "Ours"}}).to_string()).await.ok();
        assert_eq!(at_home.next_event().await["collection"], mine);
        app.bring(&app.team(&bob, 3).await, &carl, "admin").await;
        let other = names(&carl, "").await;
        assert_eq!(other, ["My Workspace", "Team Library", "Team Library"]);
        let teams = carl.get("/api/workspaces?type=team").await.ok().at("/workspaces");
        let elsewhere = teams.as_array().unwrap().iter().find(|one| one["team"] != team.id).unwrap()["id"].as_str().unwrap().to_owned();
        let own_of_carl = carl.import(&team.workspace, samples::of_requests("Carl's", 1)).await;
        transfer(&carl, &own_of_carl, &team.workspace, &elsewhere).await.refused(403, "forbidden");
        anna.patch(&format!("/api/teams/{}/members/{}", team.id, carl.id), "{\"role\": \"admin\"}").await.ok();
        // Roles that were given in the one team are nothing in the other.
        let give = json!({"roles": [
            {"op": "update", "path": "/user", "value": [{"id": bob.id, "role": "NONE"}]},
            {"op": "update", "path": "/team", "value": [{"id": team.id, "role": "NONE"}]},
        ]});
        carl.patch(&format!("/api/collections/{own_of_carl}/roles"), give.to_string()).await.status(204);
        transfer(&carl, &own_of_carl, &team.workspace, &elsewhere).await.ok();
        anna.get(&format!("/api/collections/{own_of_carl}")).await.refused(404, "not_found");
        bob.get(&format!("/api/collections/{own_of_carl}")).await.ok();
        let given = carl.get(&format!("/api/collections/{own_of_carl}/roles")).await.ok().json();
        assert_eq!(given, json!({"group": [], "team": [], "user": []}));
        // Who has left the team that it came to hears nothing of it, whatever they followed before.
        anna.delete(&format!("/api/teams/{}/members/{}", team.id, bob.id)).await.ok();
        carl.patch(&format!("/api/collections/{mine}"), json!({"collection": {"name": "Still ours"}}).to_string()).await.ok();
        app.settle().await;
        assert!(at_home.heard().await.iter().all(|frame| !frame.to_string().contains("Still ours")));
        app.mails().await;
    })
    .await;
}

/// Edits race a move out of somebody's sight, again and again: what was committed after the answer never arrives, and
/// nothing is lost or listed twice.
#[tokio::test(flavor = "multi_thread")]
async fn edits_race_a_move() {
    const TRIES: usize = 50;
    let app = TestApp::start().await;
    let anna = app.user("anna").await;
    let team = app.team(&anna, 3).await;
    let bob = app.join(&team, "bob", "viewer").await;
    let room = workspace(&anna, &team, "Room", "private").await;
    let collection = anna.import(&team.workspace, samples::collection("Pets", &[samples::request("bark")])).await;
    let item = format!("/api/collections/{collection}/items/{}", anna.item_named(&collection, "bark").await);
    let mut socket = bob.listen().await;
    let mut heard_after = Vec::new();
    for round in 0..TRIES {
        transfer(&anna, &collection, &room, &team.workspace).await;
        socket.subscribe(&collection, None).await;
        let edits = async {
            for edit in 0..3 {
                anna.patch(&item, json!({"name": format!("{round} before {edit}")}).to_string()).await.ok();
            }
        };
        let leave = async {
            transfer(&anna, &collection, &team.workspace, &room).await.ok();
            // Somebody who tries to come back at this very moment does not.
            socket.say(json!({"action": "subscribe", "collection": collection})).await;
        };
        futures::join!(edits, leave);
        let after = anna.patch(&item, json!({"name": format!("{round} after")}).to_string()).await.ok();
        heard_after.push(after.etag().trim_matches('"').parse::<u64>().unwrap());
        app.settle().await;
    }
    let heard = socket.heard().await;
    let numbers: Vec<u64> = heard.iter().filter_map(|frame| frame["data"]["seq"].as_u64()).collect();
    assert!(!numbers.is_empty(), "the socket hears what is bob's to hear");
    let leaked: Vec<_> = heard_after.iter().filter(|seq| numbers.contains(seq)).collect();
    assert!(leaked.is_empty(), "{} of {TRIES} were heard after the answer: {leaked:?}", leaked.len());
    let changes = anna.changes(&collection, 0).await;
    assert_eq!(
        changes.iter().filter_map(|change| change["seq"].as_u64()).collect::<Vec<_>>(),
        (1..=1 + 4 * TRIES as u64).collect::<Vec<_>>()
    );
    let listed = anna.get(&format!("/api/collections?workspace={room}")).await.ok().at("/collections");
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
    assert_eq!(anna.get(&format!("/api/collections?workspace={}", team.workspace)).await.ok().at("/collections"), json!([]));
    app.mails().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_workspace_is_named() {
    let app = TestApp::start().await;
    let anna = app.user("anna").await;
    let make = async |body: Value| anna.post("/api/workspaces", body).await;
    assert_eq!(pointers(make(json!({"workspace": {"name": "W", "type": "team"}})).await), ["/workspace/teamId"]);
    let team = app.team(&anna, 3).await;
    let viewer = app.join(&team, "vera", "viewer").await;
    viewer.post("/api/workspaces", json!({"workspace": {"name": "W", "type": "private"}})).await.refused(403, "forbidden");
    let key = app.api_key(&anna, "read").await;
    key.post("/api/workspaces", json!({"workspace": {"name": "W", "type": "private"}})).await.refused(403, "forbidden");
    assert_eq!(pointers(make(json!({})).await), ["/workspace"]);
    assert_eq!(pointers(make(json!({"workspace": 5})).await), ["/workspace"]);
    let wrong = json!({"workspace": {"name": " ", "type": "partner", "about": "x".repeat(3_000), "teamId": "1", "nonsense": 1}});
    let mut named = pointers(make(wrong).await);
    named.sort_unstable();
    assert_eq!(named, ["/workspace/about", "/workspace/name", "/workspace/nonsense", "/workspace/teamId", "/workspace/type"]);
    assert_eq!(pointers(make(json!({"workspace": {"name": "W", "type": "personal"}})).await), ["/workspace/type"]);
    anna.post_text("/api/workspaces", "{").await.refused(400, "malformed");
    // In one team, the team need not be said.
    let made = make(json!({"workspace": {"name": "<b>W</b>", "type": "private"}})).await.ok().at("/workspace");
    assert_eq!(made["name"], "<b>W</b>");
    let room = made["id"].as_str().unwrap();
    for query in ["?type=king", "?limit=0", "?limit=101", "?elementType=collection", "?elementType=king&elementId=1", "?elementId=1"] {
        anna.get(&format!("/api/workspaces{query}")).await.refused(400, "malformed");
    }
    assert_eq!(names(&anna, "?elementType=collection&elementId=no%20id").await, Vec::<String>::new());
    assert_eq!(names(&anna, &format!("?createdBy={},1&type=private", anna.id)).await, ["<b>W</b>"]);
    assert_eq!(names(&anna, "?createdBy=1").await, Vec::<String>::new());
    // Page by page.
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = anna.get(&format!("/api/workspaces?limit=1{cursor}")).await.ok();
        assert_eq!(page.at("/workspaces").as_array().map(Vec::len), Some(1));
        seen.push(page.at("/workspaces/0/name"));
        let Some(next) = page.json()["meta"]["nextCursor"].as_str().map(str::to_owned) else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, ["My Workspace", "Team Library", "<b>W</b>"]);
    // Roles.
    let path = format!("/api/workspaces/{room}/roles");
    let op = |op: &str, path: &str, value: Value| json!({"op": op, "path": path, "value": value});
    let change = async |body: Value| anna.patch(&path, body.to_string()).await;
    let wrong = json!({"roles": [
        op("update", "/user", json!([])),
        op("add", "/user", json!([{"id": viewer.id.to_string(), "role": "9"}, {"id": "bob", "role": "1"}])),
        op("add", "/partner", json!([{"id": "1", "role": "4"}])),
    ]});
    let named = pointers(change(wrong).await);
    assert_eq!(named, ["/roles/0/op", "/roles/1/value/0/role", "/roles/1/value/1/id", "/roles/2/value/0/role", "/roles/2/path"]);
    let wrong = json!({"roles": [
        op("add", "/user", json!([{"id": "5", "role": "1"}, {"id": viewer.id.to_string(), "role": "1"}])),
        op("remove", "/user", json!([{"id": viewer.id.to_string(), "role": "1"}])),
        op("add", "/usergroup", json!([{"id": "5", "role": "1"}])),
    ]});
    assert_eq!(pointers(change(wrong).await), ["/roles/0/value/0/id", "/roles/1/value/0/id", "/roles/2/value/0/id"]);
    assert_eq!(pointers(change(json!({"roles": []})).await), ["/roles"]);
    let many: Vec<Value> = (0..51).map(|id| json!({"id": id.to_string(), "role": "1"})).collect();
    assert_eq!(pointers(change(json!({"roles": [op("add", "/user", json!(many))]})).await), ["/roles"]);
    anna.patch(&path, "[").await.refused(400, "malformed");
    // The library and a person's own stay what they are.
    let own = anna.get("/api/workspaces?type=personal").await.ok().at("/workspaces/0/id");
    for fixed in [&team.workspace, own.as_str().unwrap()] {
        let path = format!("/api/workspaces/{fixed}");
        assert_eq!(pointers(anna.put(&path, json!({"workspace": {"type": "private"}}).to_string()).await), ["/workspace/type"]);
        anna.delete(&path).await.refused(400, "malformed");
        anna.put(&path, json!({"workspace": {"name": "Renamed"}}).to_string()).await.ok();
        assert_eq!(anna.get(&path).await.ok().at("/workspace/name"), "Renamed");
    }
    let to_own = json!({"roles": [op("add", "/user", json!([{"id": viewer.id.to_string(), "role": "1"}]))]}).to_string();
    assert_eq!(pointers(anna.patch(&format!("/api/workspaces/{}/roles", own.as_str().unwrap()), to_own).await), [""]);
    // Moves.
    let moves = format!("/api/workspaces/{room}/element-transfers");
    assert_eq!(pointers(anna.post(&moves, json!({})).await), ["/type", "/id", "/to"]);
    assert_eq!(pointers(anna.post(&moves, json!({"id": "1", "type": "mock", "to": "no id"})).await), ["/type", "/to"]);
    anna.post(&moves, json!({"id": "1", "type": "collection", "to": room})).await.refused(404, "not_found");
    let inside = anna.import(room, samples::of_requests("Inside", 1)).await;
    anna.post(&moves, json!({"id": inside, "type": "collection", "to": "nowhere"})).await.refused(404, "not_found");
    let roles = anna.get("/api/workspaces-roles").await.ok().at("/roles");
    assert_eq!((&roles["user"][0]["id"], &roles["usergroup"][2]["displayName"]), (&json!("3"), &json!("Viewer")));
    app.mails().await;
    app.finish().await;
}

/// Who is let in stands in each head. A process that dies before all say so has answered nothing, and the janitor ends it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_who_is_let_in_survives_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let faults = Faults::new();
    let app = TestApp::in_folder(folder.path(), faults.options()).await;
    let anna = app.user("anna").await;
    let team = app.team(&anna, 3).await;
    let carl = app.join(&team, "carl", "viewer").await;
    let room = workspace(&anna, &team, "Room", "private").await;
    roles(&anna, &room, "add", "/user", carl.id, "1").await.ok();
    let mut collections = Vec::new();
    for at in 0..3 {
        let collection = anna.import(&room, samples::of_requests(&format!("Secret {at}"), 1)).await;
        carl.get(&format!("/api/collections/{collection}")).await.ok();
        collections.push(format!("/api/collections/{collection}"));
    }
    app.settle().await;

    faults.reset();
    faults.later("UpdateItem", 1, 1_000, Fault::Hang);
    let (giver, address) = ((*anna).clone(), format!("/api/workspaces/{room}/roles"));
    let body = json!({"to": format!("user:{}", carl.id), "role": null}).to_string();
    let taking = tokio::spawn(async move { giver.put(&address, body).await });
    faults.hanging().await;
    app.kill();
    taking.abort();

    let app = TestApp::in_folder(folder.path(), Faults::new().options()).await;
    let carl = app.sign_in("carl").await;
    // The workspace is decided; of what is in it something may still be seen, because nobody was told otherwise.
    carl.get(&format!("/api/workspaces/{room}")).await.refused(404, "not_found");
    let mut seen = 0;
    for collection in &collections {
        seen += usize::from(carl.get(collection).await.status == 200);
    }
    assert!(2 <= seen, "the process died at the second of three at the latest, and {seen} were seen");
    app.advance("PT2H").await;
    app.settle().await;
    let (anna, carl) = (app.sign_in("anna").await, app.sign_in("carl").await);
    for collection in &collections {
        carl.get(collection).await.refused(404, "not_found");
        anna.get(collection).await.ok();
    }
    let keys = anna.get(&format!("/api/workspaces/{room}/roles")).await.ok().text;
    assert!(!keys.contains(&carl.id.to_string()), "{keys}");
    app.mails().await;
    app.finish().await;
}

/// What a request asks of the table, in the library and in a private workspace: the same.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_let_in_costs_no_further_read() {
    let faults = Faults::new();
    let app = TestApp::with(faults.options()).await;
    let anna = app.user("anna").await;
    let team = app.team(&anna, 3).await;
    let carl = app.join(&team, "carl", "editor").await;
    let room = workspace(&anna, &team, "Room", "private").await;
    roles(&anna, &room, "add", "/user", carl.id, "2").await.ok();
    let mut asked = Vec::new();
    for workspace in [&team.workspace, &room] {
        let collection = anna.import(workspace, samples::of_requests("Made", 2)).await;
        let item = format!("/api/collections/{collection}/items/{}", anna.item_named(&collection, "request 0").await);
        app.settle().await;
        let mut each = Vec::new();
        faults.reset();
        carl.get(&item).await.ok();
        each.push(faults.operations());
        faults.reset();
        carl.get(&format!("/api/collections/{collection}/items")).await.ok();
        each.push(faults.operations());
        faults.reset();
        // Behind the answer the stream's functions ask, too.
        carl.patch(&item, "{\"name\": \"theirs\"}").await.ok();
        each.push(faults.operations().into_iter().take(2).collect());
        app.settle().await;
        asked.push(each);
    }
    assert_eq!(asked[0], asked[1]);
    assert_eq!(asked[1][2], ["BatchGetItem", "TransactWriteItems"]);
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn a_page_says_which_workspace_it_is_in_and_what_was_deleted_there() {
    let app = TestApp::start().await;
    let anna = app.user("anna").await;
    let team = app.team(&anna, 4).await;
    let (bob, carl) = (app.join(&team, "bob", "editor").await, app.join(&team, "carl", "editor").await);
    let room = workspace(&bob, &team, "Skunkworks", "private").await;
    let own = bob.get("/api/workspaces?type=personal").await.ok().at("/workspaces/0/id").as_str().unwrap().to_owned();
    let (library, rooms) = (format!("/teams/{}/library", team.id), format!("/teams/{}/workspaces", team.id));
    for (of, name, way) in [
        (&team.workspace, "Public plan", vec![library.clone()]),
        (&room, "Secret plan", vec![rooms.clone(), format!("/workspaces/{room}")]),
        (&own, "Own plan", vec![]),
    ] {
        let collection = bob.import(of, samples::collection(name, &[samples::folder("dogs", &[samples::request("bark")])])).await;
        let item = bob.item_named(&collection, "bark").await;
        let home = format!("/collections/{collection}");
        for page in
            [home.clone(), format!("{home}/items/{item}"), format!("{home}/history"), format!("{home}/trash"), format!("{home}/forks")]
        {
            let text = bob.get(&page).await.ok().text;
            let crumbs = text.split("class=\"crumbs\">").nth(1).and_then(|rest| rest.split("</ol>").next()).expect("crumbs");
            let mut links: Vec<&str> = crumbs.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
            links.retain(|link| !link.starts_with("/collections/"));
            assert_eq!(links, way, "{page}: {crumbs}");
        }
        // Deleted, it is found in the trash of its workspace only, and comes back from there.
        let bin = format!("/workspaces/{of}/trash");
        assert!(bob.get(&format!("{home}/trash")).await.ok().text.contains(&bin));
        bob.delete(&format!("/api/collections/{collection}")).await.ok();
        let back = format!("/api/trash/{collection}/restore");
        for other in [&team.workspace, &room, &own] {
            let text = bob.get(&format!("/workspaces/{other}/trash")).await.ok().text;
            assert_eq!((text.contains(name), text.contains(&back)), (other == of, other == of), "{text}");
        }
        assert_eq!(bob.get(&format!("/teams/{}/trash", team.id)).await.ok().text.contains(name), *of == team.workspace);
        carl.get(&bin).await.status(if *of == team.workspace { 200 } else { 404 });
        bob.post(&back, json!({})).await.ok();
        assert!(!bob.get(&bin).await.ok().text.contains(name));
        bob.get(&home).await.ok();
    }
    let page = bob.get(&format!("/workspaces/{room}")).await.ok().text;
    assert!(page.contains(&format!("/workspaces/{room}/trash")), "{page}");
    app.mails().await;
    app.finish().await;
}

//! Who runs a team: two admins at once, settings, handing over, groups, the audit log, and the end.

use serde_json::{Value, json};
use tests::{Reply, Team, TestApp, User, samples};

fn pointers(reply: Reply) -> Vec<String> {
    let errors = reply.refused(422, "rejected").at("/errors");
    errors.as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
}

async fn role_of(reader: &User, team: &Team, of: &User) -> Value {
    let members = reader.get(&format!("/api/teams/{}/members", team.id)).await.ok().at("/members");
    members.as_array().unwrap().iter().find(|member| member["user"]["id"] == of.id).unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_admins_who_demote_each_other_leave_one() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let team = app.team(&anna, 4).await;
        let bob = app.join(&team, "bob", "admin").await;
        let carl = app.join(&team, "carl", "viewer").await;
        for round in 0..10 {
            let demote = async |by: &User, whom: &User| {
                by.patch(&format!("/api/teams/{}/members/{}", team.id, whom.id), "{\"role\": \"editor\"}").await.status
            };
            let ended = futures::join!(demote(&anna, &bob), demote(&bob, &anna));
            // One of them succeeds; the other is the last admin, or is no longer admin when it is decided.
            let (won, lost) = if ended.0 == 200 { (&anna, ended.1) } else { (&bob, ended.0) };
            assert!((ended.0 == 200) != (ended.1 == 200) && [403, 409].contains(&lost), "round {round}: {ended:?}");
            let members = carl.get(&format!("/api/teams/{}/members", team.id)).await.ok().at("/members");
            let admins = members.as_array().unwrap().iter().filter(|member| member["role"] == "admin").count();
            assert_eq!(admins, 1, "round {round}: {members:#}");
            let other = if won.id == anna.id { &bob } else { &anna };
            won.patch(&format!("/api/teams/{}/members/{}", team.id, other.id), "{\"role\": \"admin\"}").await.ok();
        }
        app.mails().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_is_renamed_and_handed_over() {
    let app = TestApp::start().await;
    let anna = app.user("anna").await;
    let team = app.team(&anna, 3).await;
    let bob = app.join(&team, "bob", "viewer").await;
    let carl = app.user("carl").await;
    let home = format!("/api/teams/{}", team.id);
    let renamed = anna.patch(&home, json!({"name": " Harbour ", "url": "Harbour", "description": "We pay."}).to_string()).await.ok();
    assert_eq!((renamed.at("/team/name"), renamed.at("/team/handle")), (json!("Harbour"), json!("harbour")));
    // The old URL is free, the new one is not.
    carl.post("/api/teams", json!({"name": "Theirs", "handle": "team-anna"})).await.ok();
    carl.post("/api/teams", json!({"name": "Theirs", "handle": "harbour"})).await.refused(409, "handle_taken");
    assert_eq!(anna.patch(&home, "{\"handle\": \"team-anna\"}").await.refused(409, "handle_taken").at("/errors/0/pointer"), "/handle");
    assert_eq!(
        pointers(anna.patch(&home, json!({"name": "", "handle": "-", "description": "x".repeat(2001)}).to_string()).await),
        ["/name", "/handle", "/description"]
    );
    bob.patch(&home, "{\"name\": \"Bob's\"}").await.refused(403, "forbidden");
    anna.patch(&home, "{}").await.ok();
    // Handed over: bob runs it and pays, anna edits.
    let transfer = format!("{home}/transfer");
    assert_eq!(pointers(anna.post(&transfer, json!({"user": carl.id})).await), ["/user"]);
    assert_eq!(pointers(anna.post(&transfer, json!({"user": anna.id})).await), ["/user"]);
    bob.post(&transfer, json!({"user": bob.id})).await.refused(403, "forbidden");
    anna.post(&transfer, json!({"user": bob.id.to_string()})).await.ok();
    let roles = (role_of(&bob, &team, &bob).await, role_of(&bob, &team, &anna).await);
    assert_eq!((&roles.0["role"], &roles.0["billing"]), (&json!("admin"), &json!(true)));
    assert_eq!((&roles.1["role"], &roles.1["billing"]), (&json!("editor"), &json!(false)));
    anna.patch(&home, "{\"name\": \"Anna's\"}").await.refused(403, "forbidden");
    app.mails().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_give_roles_together() {
    let app = TestApp::start().await;
    let anna = app.user("anna").await;
    let team = app.team(&anna, 4).await;
    let bob = app.join(&team, "bob", "viewer").await;
    let carl = app.join(&team, "carl", "editor").await;
    let stranger = app.user("dora").await;
    let collection = anna.import(&team.workspace, samples::collection("Pets", &[samples::request("bark")])).await;
    let item = format!("/api/collections/{collection}/items/{}", anna.item_named(&collection, "bark").await);
    let groups = format!("/api/teams/{}/groups", team.id);
    assert_eq!(pointers(anna.post(&groups, json!({"name": ""})).await), ["/name"]);
    let made = anna.post(&groups, json!({"name": "Testers", "summary": "They test."})).await.ok();
    let id = made.at("/group/id").as_u64().unwrap();
    let group = format!("{groups}/{id}");
    let change = async |body: Value| anna.patch(&group, body.to_string()).await;
    assert_eq!(pointers(change(json!({"add": [bob.id, stranger.id, "x", bob.id]})).await), ["/add/2", "/add/3", "/add/1"]);
    change(json!({"add": [bob.id], "name": "Crew"})).await.ok();
    let shown = bob.get(&format!("/api/groups/{id}")).await.ok().json();
    assert_eq!((&shown["name"], &shown["members"], &shown["teamId"]), (&json!("Crew"), &json!([bob.id]), &json!(team.id)));
    assert_eq!(bob.get("/api/groups").await.ok().at("/data/0/id"), id);
    stranger.get(&format!("/api/groups/{id}")).await.refused(404, "not_found");
    // A role for the group is a role for bob, at once, and gone with his place in it.
    let roles = format!("/api/collections/{collection}/roles");
    let give = async |role: Value| {
        let body = json!({"roles": [{"op": "update", "path": "/group", "value": [{"id": id, "role": role}]}]});
        anna.patch(&roles, body.to_string()).await.status(204);
    };
    bob.patch(&item, "{\"name\": \"a\"}").await.refused(403, "forbidden");
    give(json!("EDITOR")).await;
    bob.patch(&item, "{\"name\": \"b\"}").await.ok();
    assert_eq!(anna.get(&roles).await.ok().at("/group"), json!([{"role": "EDITOR", "id": id}]));
    change(json!({"remove": [bob.id]})).await.ok();
    bob.patch(&item, "{\"name\": \"c\"}").await.refused(403, "forbidden");
    // Hidden from the group: whoever is put into it loses sight, on open sockets too.
    give(json!("NONE")).await;
    let mut socket = carl.listen().await;
    socket.subscribe(&collection, None).await;
    change(json!({"add": [carl.id.to_string()]})).await.ok();
    assert!(socket.following().await.is_empty());
    carl.get(&item).await.refused(404, "not_found");
    let seen = anna.get(&format!("/api/collections/{collection}/access")).await.ok().at("/access/members");
    let carls = seen.as_array().unwrap().iter().find(|member| member["user"]["id"] == carl.id).unwrap().clone();
    assert_eq!((&carls["role"], &carls["why"], &carls["group"]), (&json!("none"), &json!("hidden_from_group"), &json!(id)));
    // Deleted: what was given to it is given to nobody.
    anna.delete(&group).await.ok();
    carl.get(&item).await.ok();
    anna.delete(&group).await.refused(404, "not_found");
    change(json!({"add": [bob.id]})).await.refused(404, "not_found");
    app.mails().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_says_who_did_what_from_where() {
    let app = TestApp::start().await;
    let anna = app.user("anna").await;
    let team = app.team(&anna, 4).await;
    let bob = app.join(&team, "bob", "viewer").await;
    let home = format!("/api/teams/{}", team.id);
    let member = format!("{home}/members/{}", bob.id);
    anna.patch(&member, "{\"role\": \"editor\"}").await.ok();
    app.advance("PT800H").await;
    let anna = app.sign_in("anna").await;
    anna.patch(&home, json!({"name": "=HYPERLINK(\"x\")"}).to_string()).await.ok();
    anna.post(&format!("{home}/groups"), json!({"name": "Crew"})).await.ok();
    anna.delete(&member).await.ok();
    let logs = format!("/api/audit/logs?team={}", team.id);
    let actions = async |query: &str| -> Vec<String> {
        let trails = anna.get(&format!("{logs}{query}")).await.ok().at("/trails");
        trails.as_array().unwrap().iter().map(|trail| trail["action"].as_str().unwrap().to_owned()).collect()
    };
    // Newest first, over the turn of a month.
    assert_eq!(actions("").await, ["left", "group_made", "team_changed", "role_changed", "joined", "invited", "seats_set", "team_made"]);
    let all = anna.get(&logs).await.ok();
    assert_eq!((all.at("/trails/0/ip"), all.at("/trails/0/data/actor/username")), (json!("127.0.0.1"), json!("anna")));
    assert_eq!((all.at("/trails/0/data/details/user"), all.at("/trails/0/data/team/id")), (json!(bob.id), json!(team.id)));
    assert_eq!(actions("&orderBy=asc&limit=2").await, ["team_made", "seats_set"]);
    let joined = anna.get(&format!("{logs}&action=joined")).await.ok();
    assert_eq!(joined.at("/trails/0/ip"), json!("127.0.0.1"), "also who comes by an invitation");
    assert_eq!(actions("&action=role_changed").await, ["role_changed"]);
    assert_eq!(actions(&format!("&userId={}", bob.id)).await, ["left", "role_changed", "joined"]);
    let day = all.at("/trails/0/timestamp").as_str().unwrap()[..10].to_owned();
    assert_eq!(actions(&format!("&since={day}")).await, ["left", "group_made", "team_changed"]);
    assert_eq!(actions(&format!("&until={day}")).await.len(), 5);
    // Page by page it is the same.
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = anna.get(&format!("{logs}&limit=3{cursor}")).await.ok();
        paged.extend(page.at("/trails").as_array().unwrap().iter().map(|trail| trail["id"].clone()));
        match page.at("/nextCursor").as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let ids: Vec<Value> = all.at("/trails").as_array().unwrap().iter().map(|trail| trail["id"].clone()).collect();
    assert_eq!(paged, ids);
    let wrong = anna.get(&format!("{logs}&since=yesterday&orderBy=up")).await;
    assert_eq!(pointers(wrong), ["?since", "?orderBy"]);
    app.sign_in("bob").await.get(&logs).await.refused(404, "not_found");
    // As files.
    let csv = anna.get(&format!("{home}/audit?format=csv")).await.ok();
    assert!(csv.header("content-type").starts_with("text/csv") && csv.text.lines().count() == 9, "{csv}");
    let json = anna.get(&format!("{home}/audit?format=json&action=left")).await.ok();
    assert_eq!(json.at("/trails").as_array().unwrap().len(), 1);
    // There is no way to take an entry away.
    assert!([404, 405].contains(&anna.delete(&format!("{home}/audit")).await.status));
    app.mails().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_is_deleted_after_second_thoughts() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let team = app.team(&anna, 4).await;
        let bob = app.join(&team, "bob", "editor").await;
        let home = format!("/api/teams/{}", team.id);
        let collection = bob.import(&team.workspace, samples::of_requests("Pets", 30)).await;
        anna.post(&format!("{home}/invites"), json!({"emails": ["carl@example.com"]})).await.ok();
        anna.post(&format!("{home}/restore"), json!({})).await.refused(409, "team_stays");
        bob.delete(&home).await.refused(403, "forbidden");
        app.mails().await;
        let due = anna.delete(&home).await.ok().at("/team/deleteAt");
        assert_eq!(anna.delete(&home).await.ok().at("/team/deleteAt"), due);
        assert!(app.mail_to("anna@example.com").await.text.contains("wants the team Team of anna deleted"));
        // Kept, and wanted again; nothing goes before its time.
        anna.post(&format!("{home}/restore"), json!({})).await.ok();
        app.advance("PT361H").await;
        let (anna, bob) = (app.sign_in("anna").await, app.sign_in("bob").await);
        bob.get(&format!("/api/collections/{collection}")).await.ok();
        anna.delete(&home).await.ok();
        app.advance("PT359H").await;
        let bob = app.sign_in("bob").await;
        bob.get(&format!("/api/collections/{collection}")).await.ok();
        app.advance("PT3H").await;
        let (anna, bob) = (app.sign_in("anna").await, app.sign_in("bob").await);
        for (who, path) in
            [(&anna, home.clone()), (&bob, format!("/api/collections/{collection}")), (&bob, format!("/api/workspaces/{}", team.workspace))]
        {
            who.get(&path).await.refused(404, "not_found");
        }
        assert_eq!(bob.get("/api/teams").await.ok().at("/data"), json!([]));
        // What is left is its audit log, and what lapses by itself: receipts of mails, and rows of feeds that nobody is shown.
        app.settle().await;
        let id = team.id.to_string();
        let mut left = app.table_keys().await;
        left.retain(|(pk, sk)| [pk, sk].iter().any(|key| key.contains(&id) || key.contains(&collection)));
        left.retain(|(pk, _)| !["AUDIT#", "MAIL#", "FEED#USER#", "RATE#"].iter().any(|kept| pk.starts_with(kept)));
        assert!(left.is_empty(), "{left:#?}");
        anna.post("/api/teams", json!({"name": "Again", "handle": "team-anna"})).await.ok();
        app.mails().await;
    })
    .await;
}

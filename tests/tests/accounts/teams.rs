//! Teams, seats, members, workspaces.

use serde_json::{Value, json};

use crate::world::{World, pointers};

#[tokio::test(flavor = "multi_thread")]
async fn a_team_is_made() {
    let world = World::start().await;
    let ann = world.person("ann").await;
    let team =
        world.by(&ann, "POST", "/api/teams", json!({"name": " Harbour Payments, Ltd. ", "description": "We pay."})).await.is(200)["team"]
            .clone();
    assert_eq!((&team["name"], &team["handle"]), (&json!("Harbour Payments, Ltd."), &json!("harbour-payments-ltd")));
    assert_eq!(team["seats"], json!({"count": 1, "used": 1, "free": 0}));
    assert_eq!((&team["createdBy"], &team["enabled"]), (&json!(ann.id), &json!(true)));
    let id = team["id"].as_u64().unwrap();
    assert_eq!(world.get(&ann, &format!("/api/teams/{id}")).await["team"], team);
    let listed = world.get(&ann, "/api/teams").await;
    assert_eq!((&listed["data"][0]["id"], &listed["data"][0]["memberCount"]), (&json!(id), &json!(1)));
    let me = world.get(&ann, "/api/me").await;
    assert_eq!((&me["user"]["teamId"], &me["user"]["teamDomain"]), (&json!(id), &json!("harbour-payments-ltd")));
    let members = world.get(&ann, &format!("/api/teams/{id}/members")).await;
    assert_eq!(members["members"][0]["user"], json!({"id": ann.id, "username": "ann"}));
    assert_eq!((&members["members"][0]["role"], &members["members"][0]["billing"]), (&json!("admin"), &json!(true)));
    let workspaces = world.get(&ann, "/api/workspaces").await;
    let names: Vec<&str> = workspaces["workspaces"].as_array().unwrap().iter().filter_map(|workspace| workspace["name"].as_str()).collect();
    assert_eq!(names, ["My Workspace", "Team Library"]);
    assert_eq!(world.get(&ann, "/api/workspaces?type=team").await["workspaces"].as_array().unwrap().len(), 1);
    let library = world.get(&ann, &format!("/api/workspaces/{}", team["workspace"].as_str().unwrap())).await;
    assert_eq!((&library["workspace"]["type"], &library["workspace"]["collections"]), (&json!("team"), &json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_team_cannot_be() {
    let world = World::start().await;
    let ann = world.person("ann").await;
    let make = async |body: Value| world.by(&ann, "POST", "/api/teams", body).await;
    make(json!({"name": "Acme", "handle": "acme"})).await.is(200);
    assert_eq!(pointers(&make(json!({"name": "Other", "url": "ACME"})).await.refused(409, "handle_taken")), ["/handle"]);
    assert_eq!(pointers(&make(json!({"name": "acme"})).await.refused(409, "handle_taken")), ["/handle"]);
    assert_eq!(pointers(&make(json!({"name": "", "handle": "-x"})).await.refused(422, "rejected")), ["/name", "/handle"]);
    assert_eq!(pointers(&make(json!({"name": "日本"})).await.refused(422, "rejected")), ["/handle"]);
    world.anyone("POST", "/api/teams", json!({"name": "Acme"})).await.refused(401, "unauthenticated");
    assert_eq!(world.get(&ann, "/api/teams").await["data"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn seats() {
    let world = World::start().await;
    let ann = world.person("ann").await;
    let team = world.team(&ann, "Acme", 3).await;
    let bob = world.member(&ann, team, "bob", "editor").await;
    world.invite(&ann, team, "carl@example.com", "viewer").await;
    let set = async |who, count: Value| world.by(who, "POST", &format!("/api/teams/{team}/seats"), json!({ "count": count })).await;
    assert_eq!(pointers(&set(&ann, json!(2)).await.refused(409, "seats_in_use")), ["/count"]);
    assert_eq!(set(&ann, json!(5)).await.is(200)["seats"], json!({"count": 5, "used": 3, "free": 2}));
    for bad in [json!(0), json!(10_001), json!(-1), json!("many")] {
        assert_eq!(pointers(&set(&ann, bad).await.refused(422, "rejected")), ["/count"]);
    }
    set(&bob, json!(6)).await.refused(403, "forbidden");
    let stranger = world.person("dora").await;
    set(&stranger, json!(6)).await.refused(404, "not_found");
    world.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_count_at_once() {
    let world = World::start().await;
    let ann = world.person("ann").await;
    let team = world.team(&ann, "Acme", 5).await;
    let bob = world.member(&ann, team, "bob", "viewer").await;
    let members = format!("/api/teams/{team}/members");
    let change = async |who, user: u64, body: Value| world.by(who, "PATCH", &format!("{members}/{user}"), body).await;
    change(&bob, bob.id, json!({"role": "admin"})).await.refused(403, "forbidden");
    assert_eq!(pointers(&change(&ann, ann.id, json!({"role": "viewer"})).await.refused(409, "last_admin")), ["/role"]);
    change(&ann, bob.id, json!({"role": "king"})).await.refused(422, "rejected");
    change(&ann, bob.id, json!({})).await.refused(422, "rejected");
    change(&ann, 12345, json!({"role": "admin"})).await.refused(404, "not_found");
    assert_eq!(change(&ann, bob.id, json!({"role": "admin"})).await.is(200)["member"]["role"], "admin");
    // Only billing makes billing.
    change(&bob, bob.id, json!({"billing": true})).await.refused(403, "forbidden");
    assert_eq!(change(&ann, bob.id, json!({"billing": true})).await.is(200)["member"]["billing"], true);
    change(&bob, ann.id, json!({"role": "viewer", "billing": false})).await.is(200);
    change(&ann, bob.id, json!({"role": "viewer"})).await.refused(403, "forbidden");
    assert_eq!(pointers(&change(&bob, bob.id, json!({"role": "editor"})).await.refused(409, "last_admin")), ["/role"]);
    // Where nobody looks after payment any more, an admin says who does.
    change(&bob, bob.id, json!({"billing": false})).await.is(200);
    change(&ann, ann.id, json!({"billing": true})).await.refused(403, "forbidden");
    assert_eq!(change(&bob, ann.id, json!({"billing": true})).await.is(200)["member"]["billing"], true);
    change(&bob, bob.id, json!({"billing": true})).await.refused(403, "forbidden");
    change(&ann, bob.id, json!({"role": "viewer"})).await.refused(403, "forbidden");
    let stranger = world.person("dora").await;
    change(&stranger, bob.id, json!({"role": "viewer"})).await.refused(404, "not_found");
    world.by(&stranger, "GET", &members, Value::Null).await.refused(404, "not_found");
    world.by(&stranger, "GET", &format!("/api/teams/{team}"), Value::Null).await.refused(404, "not_found");
    let workspace = world.get(&ann, "/api/teams").await["data"][0]["workspace"].as_str().unwrap().to_owned();
    world.get(&ann, &format!("/api/workspaces/{workspace}")).await;
    world.by(&stranger, "GET", &format!("/api/workspaces/{workspace}"), Value::Null).await.refused(404, "not_found");
    world.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_leave_and_are_removed() {
    let world = World::start().await;
    let ann = world.person("ann").await;
    let team = world.team(&ann, "Acme", 3).await;
    let bob = world.member(&ann, team, "bob", "editor").await;
    let carl = world.member(&ann, team, "carl", "viewer").await;
    let remove = async |who, user: u64| world.by(who, "DELETE", &format!("/api/teams/{team}/members/{user}"), Value::Null).await;
    remove(&bob, carl.id).await.refused(403, "forbidden");
    remove(&ann, ann.id).await.refused(409, "last_admin");
    assert_eq!(world.used_seats(&ann, team).await, 3);
    remove(&ann, carl.id).await.is(200);
    remove(&bob, bob.id).await.is(200);
    assert_eq!(world.used_seats(&ann, team).await, 1);
    for gone in [&bob, &carl] {
        world.by(gone, "GET", &format!("/api/teams/{team}"), Value::Null).await.refused(404, "not_found");
        assert_eq!(world.get(gone, "/api/teams").await["data"], json!([]));
        remove(&ann, gone.id).await.refused(404, "not_found");
    }
    remove(&bob, ann.id).await.refused(404, "not_found");
    // The seat is free: they can come back.
    world.member_again(&ann, team, &bob).await;
    world.settle().await;
}

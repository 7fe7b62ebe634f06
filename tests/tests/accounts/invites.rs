//! Invitations: each seat once, each link for one.

use serde_json::{Value, json};

use crate::world::{Person, World, address, link, pointers, token};

async fn accept(world: &World, who: &Person, token: &str) -> crate::world::Answer {
    world.by(who, "POST", "/api/invites/accept", json!({ "token": token })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_signs_up_and_one_signs_in_through_the_link() {
    let world = World::start().await;
    let (ann, carl) = (world.person("ann").await, world.person("carl").await);
    let team = world.team(&ann, "Acme", 3).await;
    let body = json!({"emails": ["bob@example.com", "Carl@example.com "], "role": "viewer"});
    let invites = world.by(&ann, "POST", &format!("/api/teams/{team}/invites"), body).await.is(200)["invites"].clone();
    assert_eq!(
        invites.as_array().unwrap().iter().map(|invite| invite["status"].as_str().unwrap()).collect::<Vec<_>>(),
        ["pending", "pending"]
    );
    assert_eq!(world.get(&ann, &format!("/api/teams/{team}/invites")).await["invites"].as_array().unwrap().len(), 2);
    assert_eq!(world.used_seats(&ann, team).await, 3);
    world.settle().await;
    for (invite, name) in invites.as_array().unwrap().iter().zip(["bob", "carl"]) {
        let mail = world.last_mail(&address(name));
        assert_eq!(mail.subject, "ann invites you to Acme on Postroom");
        assert_eq!(link(&mail), invite["link"].as_str().unwrap(), "mailed and copied links are one");
        let seen = world.anyone("GET", &format!("/api/invites/{}", token(invite)), Value::Null).await.is(200)["invite"].clone();
        assert_eq!((&seen["team"]["name"], &seen["inviter"], &seen["role"]), (&json!("Acme"), &json!("ann"), &json!("viewer")));
        assert_eq!((&seen["email"], &seen["account_exists"]), (&json!(address(name)), &json!(name == "carl")));
    }
    world.sign_up("bob", Some(token(&invites[0]))).await.is(202);
    let bob = world.sign_in("bob").await;
    assert_eq!(world.get(&bob, "/api/teams").await["data"][0]["id"], team);
    // Accepting twice is harmless for the one who did, and nothing for anybody else.
    for _ in 0..2 {
        assert_eq!(accept(&world, &carl, token(&invites[1])).await.is(200)["team"]["id"], team);
    }
    accept(&world, &bob, token(&invites[0])).await.is(200);
    let dora = world.person("dora").await;
    for used in invites.as_array().unwrap() {
        accept(&world, &dora, token(used)).await.refused(410, "invite_gone");
        world.anyone("GET", &format!("/api/invites/{}", token(used)), Value::Null).await.refused(410, "invite_gone");
    }
    world.sign_up("eve", Some(token(&invites[0]))).await.refused(410, "invite_gone");
    assert_eq!(world.used_seats(&ann, team).await, 3);
    assert_eq!(world.get(&ann, &format!("/api/teams/{team}/members")).await["members"].as_array().unwrap().len(), 3);
    assert_eq!(world.get(&ann, &format!("/api/teams/{team}/invites")).await["invites"], json!([]));
    world.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_for_one_address_where_the_team_says_so_and_cannot_be_made_up() {
    let world = World::start().await;
    let (ann, dora) = (world.person("ann").await, world.person("dora").await);
    let team = world.team(&ann, "Acme", 3).await;
    let other = world.team(&dora, "Other", 3).await;
    let invite = world.invite(&ann, team, "bob@example.com", "admin").await;
    let secret = token(&invite);
    let bound = world.by(&ann, "PATCH", &format!("/api/teams/{team}/joining"), json!({"bound": true})).await.is(200);
    assert_eq!(bound["joining"]["bound"], true);
    accept(&world, &dora, secret).await.refused(403, "invite_for_another");
    assert_eq!(pointers(&world.sign_up("eve", Some(secret)).await.refused(403, "invite_for_another")), ["/email"]);
    world.anyone("POST", "/api/invites/accept", json!({ "token": secret })).await.refused(401, "unauthenticated");
    let elsewhere = secret.replacen(&team.to_string(), &other.to_string(), 1);
    let later = secret.replacen(".1.", ".2.", 1);
    for made_up in [elsewhere.as_str(), &later, &secret[..secret.len() - 1], "rubbish", "1.2.3.4"] {
        accept(&world, &dora, made_up).await.refused(404, "not_found");
        world.anyone("GET", &format!("/api/invites/{made_up}"), Value::Null).await.refused(404, "not_found");
    }
    // Nothing was made of it: the account neither.
    world.anyone("POST", "/api/sessions", json!({"login": "eve", "password": crate::world::PASSWORD})).await.refused(401, "wrong_login");
    assert_eq!(world.get(&ann, &format!("/api/teams/{team}/members")).await["members"].as_array().unwrap().len(), 1);
    world.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invited_address_that_has_an_account_is_told_to_sign_in() {
    let world = World::start().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let team = world.team(&ann, "Acme", 2).await;
    let invite = world.invite(&ann, team, &bob.email, "editor").await;
    let body = json!({"email": bob.email, "username": "bob2", "password": crate::world::PASSWORD, "accept_terms": true, "over_13": true, "invite": token(&invite)});
    world.anyone("POST", "/api/signup", body).await.is(202);
    world.settle().await;
    let mail = world.last_mail(&bob.email);
    assert_eq!(mail.subject, "You already have a Postroom account");
    assert!(mail.text.contains("Acme"), "{}", mail.text);
    // The invitation still waits.
    accept(&world, &bob, token(&invite)).await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_invitations_give_their_seats_back() {
    let world = World::start().await;
    let ann = world.person("ann").await;
    let team = world.team(&ann, "Acme", 2).await;
    let bob = world.person("bob").await;
    let invite = world.invite(&ann, team, &bob.email, "editor").await;
    let full = world.by(&ann, "POST", &format!("/api/teams/{team}/invites"), json!({"emails": ["carl@example.com"]})).await;
    assert_eq!(pointers(&full.refused(409, "no_free_seat")), ["/emails"]);
    // The schedule is only asked to run by settling: before, the item is still there.
    world.stack.clock().advance(jiff::SignedDuration::from_hours(31 * 24));
    let (ann, bob) = (world.sign_in("ann").await, world.sign_in("bob").await);
    accept(&world, &bob, token(&invite)).await.refused(410, "invite_expired");
    // Its seat is given to the next one who needs it.
    world.invite(&ann, team, "carl@example.com", "editor").await;
    assert_eq!(world.used_seats(&ann, team).await, 2);
    accept(&world, &bob, token(&invite)).await.refused(410, "invite_gone");
    // The other way round: the schedule comes first.
    world.advance("P31D").await;
    world.settle().await;
    let ann = world.sign_in("ann").await;
    assert_eq!(world.used_seats(&ann, team).await, 1);
    assert_eq!(world.get(&ann, &format!("/api/teams/{team}/invites")).await["invites"], json!([]));
    // And the same address can be invited anew, before the schedule has come.
    let first = world.invite(&ann, team, "dora@example.com", "editor").await;
    world.stack.clock().advance(jiff::SignedDuration::from_hours(31 * 24));
    let ann = world.sign_in("ann").await;
    assert_eq!(world.get(&ann, &format!("/api/teams/{team}/invites")).await["invites"][0]["status"], "expired");
    let second = world.invite(&ann, team, "dora@example.com", "editor").await;
    assert!(second["status"] == "pending" && second["id"] != first["id"], "{second:#}");
    assert_eq!(world.used_seats(&ann, team).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn resending_and_taking_back() {
    let world = World::start().await;
    let ann = world.person("ann").await;
    let team = world.team(&ann, "Acme", 3).await;
    let path = format!("/api/teams/{team}/invites");
    let first = world.invite(&ann, team, "bob@example.com", "editor").await;
    let other = world.invite(&ann, team, "carl@example.com", "editor").await;
    world.settle().await;
    let id = first["id"].as_str().unwrap();
    let second = world.by(&ann, "POST", &format!("{path}/{id}/resend"), json!({})).await.is(200)["invite"].clone();
    let all = world.by(&ann, "POST", &format!("{path}/resend"), json!({})).await.is(200)["invites"].clone();
    assert_eq!(all.as_array().unwrap().len(), 2);
    world.settle().await;
    for old in [&first, &second] {
        world.anyone("GET", &format!("/api/invites/{}", token(old)), Value::Null).await.refused(410, "invite_gone");
    }
    let mails = world.mails("bob@example.com");
    let newest = world.get(&ann, &path).await["invites"][0].clone();
    assert_eq!(link(mails.last().unwrap()), newest["link"].as_str().unwrap());
    assert_eq!(mails.last().unwrap().subject, "Reminder: ann invites you to Acme on Postroom");
    assert_eq!(world.mails("carl@example.com").len(), 2);
    let gone = other["id"].as_str().unwrap();
    world.by(&ann, "DELETE", &format!("{path}/{gone}"), Value::Null).await.is(200);
    world.by(&ann, "DELETE", &format!("{path}/{gone}"), Value::Null).await.refused(410, "invite_gone");
    world.by(&ann, "POST", &format!("{path}/{gone}/resend"), json!({})).await.refused(410, "invite_gone");
    assert_eq!(world.used_seats(&ann, team).await, 2);
    world.sign_up("bob", Some(token(&newest))).await.is(202);
    assert_eq!(world.used_seats(&ann, team).await, 2);
    world.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_address_of_many_gets_its_answer() {
    let world = World::start().await;
    let ann = world.person("ann").await;
    let team = world.team(&ann, "Acme", 5).await;
    world.member(&ann, team, "bob", "editor").await;
    world.invite(&ann, team, "carl@example.com", "editor").await;
    let emails =
        ["bob@example.com", "new1@example.com", "nonsense", "carl@example.com", "new1@example.com", "new2@example.com", "new3@example.com"];
    let answer = world.by(&ann, "POST", &format!("/api/teams/{team}/invites"), json!({ "emails": emails })).await.is(200);
    let told: Vec<(&str, &str, bool)> = answer["invites"]
        .as_array()
        .unwrap()
        .iter()
        .map(|invite| (invite["email"].as_str().unwrap(), invite["status"].as_str().unwrap(), invite["id"].is_string()))
        .collect();
    assert_eq!(
        told,
        [
            ("bob@example.com", "already_member", false),
            ("new1@example.com", "pending", true),
            ("nonsense", "not_an_address", false),
            ("carl@example.com", "already_invited", false),
            ("new2@example.com", "pending", true),
            ("new3@example.com", "no_free_seat", false),
        ]
    );
    let post = async |emails: Value| world.by(&ann, "POST", &format!("/api/teams/{team}/invites"), json!({ "emails": emails })).await;
    post(json!(["carl@example.com"])).await.refused(409, "already_invited");
    post(json!(["bob@example.com"])).await.refused(409, "already_member");
    assert_eq!(pointers(&post(json!(["nonsense"])).await.refused(422, "rejected")), ["/emails/0"]);
    post(json!([])).await.refused(422, "rejected");
    // A hundred at once, over several transactions.
    world.by(&ann, "POST", &format!("/api/teams/{team}/seats"), json!({"count": 105})).await.is(200);
    let many: Vec<String> = (0..100).map(|index| address(&format!("many{index}"))).collect();
    assert!(post(json!(many)).await.is(200)["invites"].as_array().unwrap().iter().all(|invite| invite["status"] == "pending"));
    assert_eq!(world.used_seats(&ann, team).await, 105);
    world.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_invite() {
    let world = World::start().await;
    world.sign_up("ann", None).await.is(202);
    let ann = world.sign_in("ann").await;
    let team = world.team(&ann, "Acme", 5).await;
    let path = format!("/api/teams/{team}/invites");
    let post = async |who| world.by(who, "POST", &path, json!({"emails": ["x@example.com"]})).await;
    let problem = post(&ann).await.refused(403, "forbidden");
    assert!(problem["detail"].as_str().unwrap().contains("confirmed e-mail address"), "{problem:#}");
    world.settle().await;
    let link = link(&world.last_mail("ann@example.com"));
    world.anyone("POST", "/api/signup/confirm", json!({"token": link.split_once("token=").unwrap().1})).await.is(200);
    let bob = world.member(&ann, team, "bob", "editor").await;
    let dora = world.person("dora").await;
    post(&bob).await.refused(403, "forbidden");
    world.by(&bob, "GET", &path, Value::Null).await.refused(403, "forbidden");
    post(&dora).await.refused(404, "not_found");
    world.anyone("POST", &path, json!({"emails": ["x@example.com"]})).await.refused(401, "unauthenticated");
    world.settle().await;
}

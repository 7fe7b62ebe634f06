//! Invitations as people use them: pasted, forwarded, wished for.

use serde_json::{Value, json};

use crate::world::{World, address, link, pointers, token};

fn told(answer: &Value) -> Vec<(&str, &str)> {
    let invites = answer["invites"].as_array().unwrap().iter();
    invites.map(|invite| (invite["email"].as_str().unwrap(), invite["status"].as_str().unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pasted_list_is_answered_address_by_address() {
    let world = World::start().await;
    let ann = world.person("ann").await;
    let team = world.team(&ann, "Acme", 5).await;
    world.invite(&ann, team, "carl@example.com", "editor").await;
    let path = format!("/api/teams/{team}/invites");
    let paste = "Ann <ANN@example.com>; \"Lee, Bob\" <bob@example.com>,\r\nBob again bob@example.com\ncarl@example.com, nobody,  \
                 dora@example.com eve@example.com\nfred@example.com";
    let answer = world.by(&ann, "POST", &path, json!({"emails": [paste], "role": "viewer"})).await.is(200);
    assert_eq!(
        told(&answer),
        [
            ("ann@example.com", "already_member"),
            ("bob@example.com", "pending"),
            ("carl@example.com", "already_invited"),
            ("nobody", "not_an_address"),
            ("dora@example.com", "pending"),
            ("eve@example.com", "pending"),
            ("fred@example.com", "no_free_seat"),
        ]
    );
    // Where nobody could be invited, the refusal still says what became of each.
    let refused = world.by(&ann, "POST", &path, json!({"emails": ["bob@example.com, fred@example.com; Ann <ann@example.com>"]})).await;
    let refused = refused.refused(409, "no_free_seat");
    assert_eq!(
        told(&refused),
        [("bob@example.com", "already_invited"), ("fred@example.com", "no_free_seat"), ("ann@example.com", "already_member")]
    );
    let strange = world.by(&ann, "POST", &path, json!({"emails": ["x, y@z", " "]})).await.refused(422, "rejected");
    assert_eq!(pointers(&strange), ["/emails/0", "/emails/0", "/emails/1"]);
    let many: Vec<String> = (0..101).map(|index| address(&format!("many{index}"))).collect();
    assert_eq!(pointers(&world.by(&ann, "POST", &path, json!({"emails": [many.join(",")]})).await.refused(422, "rejected")), ["/emails"]);
    assert_eq!(world.used_seats(&ann, team).await, 5);
    world.settle().await;
    assert_eq!((world.mails("bob@example.com").len(), world.mails("fred@example.com").len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_for_whoever_has_it() {
    let world = World::start().await;
    let (ann, dora) = (world.person("ann").await, world.person("dora").await);
    let team = world.team(&ann, "Acme", 4).await;
    let accept = async |who, body: Value| world.by(who, "POST", "/api/invites/accept", body).await;
    let bobs = world.invite(&ann, team, "bob@example.com", "viewer").await;
    let seen = world.anyone("GET", &format!("/api/invites/{}", token(&bobs)), Value::Null).await.is(200);
    assert_eq!((&seen["invite"]["bound"], &seen["invite"]["email"]), (&json!(false), &json!("bob@example.com")));
    // A page that knows whose invitation it is asks first.
    let asked = accept(&dora, json!({"token": token(&bobs), "email": "bob@example.com"})).await.refused(409, "other_account");
    assert_eq!(pointers(&asked), ["/email"]);
    assert_eq!(world.get(&dora, "/api/teams").await["data"], json!([]));
    // Somebody else's link in a member's hands does nothing to it.
    accept(&ann, json!({"token": token(&bobs)})).await.is(200);
    assert_eq!(world.used_seats(&ann, team).await, 2);
    accept(&dora, json!({"token": token(&bobs)})).await.is(200);
    let members = world.get(&ann, &format!("/api/teams/{team}/members")).await;
    assert_eq!((members["members"].as_array().unwrap().len(), &members["members"][1]["role"]), (2, &json!("viewer")));
    world.sign_up("bob", Some(token(&bobs))).await.refused(410, "invite_gone");
    assert_eq!(world.used_seats(&ann, team).await, 2);
    // A new account with another address, and the address is free to be invited again.
    let carls = world.invite(&ann, team, "carl@example.com", "editor").await;
    world.sign_up("carla", Some(token(&carls))).await.is(202);
    let carla = world.sign_in("carla").await;
    assert_eq!((carla.email.as_str(), world.get(&carla, "/api/teams").await["data"][0]["id"].as_u64()), ("carla@example.com", Some(team)));
    assert_eq!(world.invite(&ann, team, "carl@example.com", "editor").await["status"], "pending");
    assert_eq!(world.used_seats(&ann, team).await, 4);
    world.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_ask_and_admins_decide() {
    let world = World::start().await;
    let ann = world.person("ann").await;
    let team = world.team(&ann, "Acme", 3).await;
    let invite = world.invite(&ann, team, "bob@example.com", "viewer").await;
    world.sign_up("bob", Some(token(&invite))).await.is(202);
    let bob = world.sign_in("bob").await;
    let path = format!("/api/teams/{team}/invite-requests");
    let ask = async |email: &str, note: &str| world.by(&bob, "POST", &path, json!({"email": email, "role": "editor", "note": note})).await;
    ask("carl@example.com", "").await.refused(403, "forbidden");
    world.settle().await;
    let confirm = world.mails("bob@example.com").iter().map(|mail| link(mail)).find(|link| link.contains("/confirm?")).unwrap();
    world.anyone("POST", "/api/signup/confirm", json!({"token": confirm.split_once("token=").unwrap().1})).await.is(200);
    let wish = ask("Carl@example.com ", "He knows\nthe orders").await.is(200)["request"].clone();
    assert_eq!(
        (&wish["email"], &wish["status"], &wish["asked_by"]["username"]),
        (&json!("carl@example.com"), &json!("pending"), &json!("bob"))
    );
    assert_eq!(pointers(&ask("carl@example.com", "").await.refused(409, "already_asked")), ["/email"]);
    ask("ann@example.com", "").await.refused(409, "already_member");
    assert_eq!(pointers(&ask("nobody", &"x".repeat(501)).await.refused(422, "rejected")), ["/email", "/note"]);
    // It holds no seat, and the admins are told.
    assert_eq!(world.used_seats(&ann, team).await, 2);
    world.settle().await;
    let mail = world.last_mail("ann@example.com");
    assert_eq!(mail.subject, "Somebody asks for an invitation");
    for words in ["bob asks you to invite carl@example.com to Acme as an editor", "“He knows the orders”"] {
        assert!(mail.text.contains(words), "{}", mail.text);
    }
    let decide =
        async |who, id: &Value, how: &str| world.by(who, "POST", &format!("{path}/{}/{how}", id.as_str().unwrap()), json!({})).await;
    decide(&bob, &wish["id"], "approve").await.refused(403, "forbidden");
    // Without a seat the wish waits.
    let last = world.invite(&ann, team, "dora@example.com", "viewer").await;
    decide(&ann, &wish["id"], "approve").await.refused(409, "no_free_seat");
    ask("dora@example.com", "").await.refused(409, "already_invited");
    world.by(&ann, "DELETE", &format!("/api/teams/{team}/invites/{}", last["id"].as_str().unwrap()), Value::Null).await.is(200);
    assert_eq!(world.get(&ann, &path).await["requests"].as_array().unwrap().len(), 1);
    assert_eq!(decide(&ann, &wish["id"], "approve").await.is(200)["request"]["status"], "approved");
    decide(&ann, &wish["id"], "refuse").await.refused(410, "wish_gone");
    assert_eq!(world.used_seats(&ann, team).await, 3);
    let other = ask("eve@example.com", "").await.is(200)["request"].clone();
    decide(&ann, &other["id"], "refuse").await.is(200);
    world.settle().await;
    assert_eq!(world.last_mail("carl@example.com").subject, "ann invites you to Acme on Postroom");
    let subjects: Vec<String> = world.mails("bob@example.com").iter().rev().take(2).map(|mail| mail.subject.clone()).collect();
    assert_eq!(subjects, ["The invitation you asked for was refused", "The invitation you asked for is sent"]);
    assert!(world.mails("eve@example.com").is_empty());
    // Who asked sees what became of it; what was refused may be asked again; what is old is gone.
    assert_eq!(world.get(&ann, &path).await["requests"], json!([]));
    let mine = world.get(&bob, &path).await;
    let states: Vec<&str> = mine["requests"].as_array().unwrap().iter().map(|wish| wish["status"].as_str().unwrap()).collect();
    assert_eq!(states, ["refused", "approved"]);
    let again = ask("eve@example.com", "").await.is(200)["request"].clone();
    world.stack.clock().advance(jiff::SignedDuration::from_hours(31 * 24));
    let ann = world.sign_in("ann").await;
    decide(&ann, &again["id"], "approve").await.refused(410, "wish_gone");
    assert_eq!(world.get(&ann, &path).await["requests"], json!([]));
    world.settle().await;
}

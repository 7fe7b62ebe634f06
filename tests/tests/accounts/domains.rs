//! Mail domains: proven by the DNS, found by the address, controlled by the team.

use app::GivenDns;
use futures::future::join_all;
use local::Options;
use serde_json::{Value, json};

use crate::world::{Person, World, address};

async fn with_dns() -> (World, GivenDns) {
    let dns = GivenDns::default();
    (World::with(Options { dns: dns.clone(), ..Options::default() }).await, dns)
}

/// A team that has proven example.com, where everybody has their address.
async fn proven(world: &World, dns: &GivenDns, admin: &Person, team: u64) {
    let path = format!("/api/teams/{team}/domains");
    let added = world.by(admin, "POST", &path, json!({"domain": "example.com"})).await.is(200)["domain"].clone();
    dns.set(added["record"]["name"].as_str().unwrap(), vec![added["record"]["value"].as_str().unwrap().to_owned()]);
    let verified = world.by(admin, "POST", &format!("{path}/example.com/verify"), json!({})).await.is(200)["domain"].clone();
    assert_eq!(verified["status"], "verified");
}

async fn joining(world: &World, admin: &Person, team: u64, body: Value) {
    world.by(admin, "PATCH", &format!("/api/teams/{team}/joining"), body).await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_is_proven_by_its_owner_only() {
    let (world, dns) = with_dns().await;
    let (ann, dora) = (world.person("ann").await, world.person("dora").await);
    let (team, other) = (world.team(&ann, "Acme", 3).await, world.team(&dora, "Other", 3).await);
    let path = format!("/api/teams/{team}/domains");
    let others = format!("/api/teams/{other}/domains");
    for bad in ["", "example", "ex ample.com", "a#b.com"] {
        world.by(&ann, "POST", &path, json!({"domain": bad})).await.refused(422, "rejected");
    }
    let added = world.by(&ann, "POST", &path, json!({"domain": " Example.COM "})).await.is(200)["domain"].clone();
    assert_eq!((&added["domain"], &added["status"]), (&json!("example.com"), &json!("pending")));
    assert_eq!(added["record"]["name"], "_postroom.example.com");
    world.by(&ann, "POST", &path, json!({"domain": "example.com"})).await.refused(409, "domain_added");
    let verify = async |who, path: &str| world.by(who, "POST", &format!("{path}/example.com/verify"), json!({})).await;
    verify(&ann, &path).await.refused(409, "domain_unverified");
    // Another team's record proves it for that team, not for this one.
    let theirs = world.by(&dora, "POST", &others, json!({"domain": "example.com"})).await.is(200)["domain"].clone();
    let value = |domain: &Value| domain["record"]["value"].as_str().unwrap().to_owned();
    assert_ne!(value(&added), value(&theirs));
    dns.set("_postroom.example.com", vec!["v=spf1 -all".to_owned(), value(&theirs)]);
    verify(&ann, &path).await.refused(409, "domain_unverified");
    dns.set("_postroom.example.com", vec![value(&theirs), value(&added)]);
    assert_eq!(verify(&ann, &path).await.is(200)["domain"]["status"], "verified");
    verify(&ann, &path).await.is(200);
    verify(&dora, &others).await.refused(409, "domain_taken");
    verify(&dora, &path).await.refused(404, "not_found");
    // Given up, it is free for the other.
    world.by(&ann, "DELETE", &format!("{path}/example.com"), Value::Null).await.is(200);
    world.by(&ann, "DELETE", &format!("{path}/example.com"), Value::Null).await.refused(404, "not_found");
    verify(&dora, &others).await.is(200);
    assert_eq!(world.get(&ann, &path).await["domains"], json!([]));
    world.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_an_address_there_finds_the_team() {
    let (world, dns) = with_dns().await;
    let ann = world.person("ann").await;
    let team = world.team(&ann, "Acme", 2).await;
    proven(&world, &dns, &ann, team).await;
    let bob = world.person("bob").await;
    let found = async |who: &Person| world.get(who, "/api/teams/discover").await["teams"].clone();
    let join = async |who: &Person| world.by(who, "POST", &format!("/api/teams/{team}/join"), json!({"note": "Please"})).await;
    assert_eq!(found(&bob).await, json!([]));
    join(&bob).await.refused(404, "not_found");
    joining(&world, &ann, team, json!({"discovery": "join", "role": "editor"})).await;
    // Not who has not confirmed, and not who has an address elsewhere.
    world.sign_up("eve", None).await.is(202);
    let eve = world.sign_in("eve").await;
    assert_eq!(found(&eve).await, json!([]));
    join(&eve).await.refused(404, "not_found");
    let seen = found(&bob).await;
    assert_eq!((&seen[0]["id"], &seen[0]["how"], &seen[0]["role"]), (&json!(team), &json!("join"), &json!("editor")));
    // One seat, wanted by many at once.
    let names = ["carl", "dora", "fred", "gina"];
    let mut people = vec![bob];
    for name in names {
        people.push(world.person(name).await);
    }
    let answers = join_all(people.iter().map(&join)).await;
    let joined: Vec<usize> = answers.iter().enumerate().filter(|(_, answer)| answer.status == 200).map(|(index, _)| index).collect();
    assert_eq!(joined.len(), 1, "{answers:?}");
    answers.into_iter().filter(|answer| answer.status != 200).for_each(|answer| drop(answer.refused(409, "no_free_seat")));
    assert_eq!(world.used_seats(&ann, team).await, 2);
    assert_eq!(join(&people[joined[0]]).await.is(200)["status"], "joined");
    assert_eq!(found(&people[joined[0]]).await, json!([]));
    // Where the team decides, they ask, and an admin invites.
    joining(&world, &ann, team, json!({"discovery": "ask"})).await;
    world.by(&ann, "POST", &format!("/api/teams/{team}/seats"), json!({"count": 3})).await.is(200);
    let asker = people.iter().enumerate().find(|(index, _)| *index != joined[0]).unwrap().1;
    assert_eq!(join(asker).await.is(200)["status"], "asked");
    join(asker).await.refused(409, "already_asked");
    let requests = format!("/api/teams/{team}/invite-requests");
    let waiting = world.get(&ann, &requests).await["requests"].clone();
    assert_eq!((&waiting[0]["email"], &waiting[0]["note"]), (&json!(asker.email), &json!("Please")));
    world.by(&ann, "POST", &format!("{requests}/{}/approve", waiting[0]["id"].as_str().unwrap()), json!({})).await.is(200);
    world.settle().await;
    let link = world.mails(&asker.email).iter().map(|mail| mail.text.clone()).find(|text| text.contains("/invite/")).unwrap();
    assert!(link.contains("Acme"));
    joining(&world, &ann, team, json!({"discovery": "join"})).await;
    assert_eq!(join(asker).await.is(200)["status"], "joined", "by the invitation that waits");
    assert_eq!(world.used_seats(&ann, team).await, 3);
    world.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controlled_address_changes_when_an_admin_lets_it() {
    let (world, dns) = with_dns().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let team = world.team(&ann, "Acme", 4).await;
    world.member_again(&ann, team, &bob).await;
    let path = format!("/api/teams/{team}/domains");
    world.by(&ann, "POST", &path, json!({"domain": "example.com"})).await.is(200);
    let control = async |controls: bool| world.by(&ann, "PATCH", &format!("{path}/example.com"), json!({ "controls": controls })).await;
    control(true).await.refused(409, "domain_unverified");
    world.by(&ann, "DELETE", &format!("{path}/example.com"), Value::Null).await.is(200);
    proven(&world, &dns, &ann, team).await;
    let change = async |who: &Person, email: &str| {
        world.by(who, "POST", "/api/me/email", json!({"email": email, "password": crate::world::PASSWORD})).await
    };
    change(&bob, "bob@elsewhere.example").await.is(202);
    control(true).await.is(200);
    world.settle().await;
    let told = |name: &str| {
        let mails = world.mails(&address(name));
        mails.iter().filter(|mail| mail.subject == "Your team controls the address of your account").count()
    };
    assert_eq!((told("ann"), told("bob")), (1, 1));
    change(&bob, "bob@other.example").await.refused(403, "address_controlled");
    // The link that was on its way before is dead, too.
    let link = crate::world::link(&world.last_mail("bob@elsewhere.example"));
    let late = json!({"token": link.split_once("token=").unwrap().1});
    world.anyone("POST", "/api/me/email/confirm", late.clone()).await.refused(403, "address_controlled");
    // Who comes in later is told then.
    let carl = world.person("carl").await;
    assert_eq!(told("carl"), 0);
    world.member_again(&ann, team, &carl).await;
    world.settle().await;
    assert_eq!(told("carl"), 1);
    world.by(&bob, "POST", &format!("/api/teams/{team}/members/{}/let-go", bob.id), json!({})).await.refused(403, "forbidden");
    world.by(&ann, "POST", &format!("/api/teams/{team}/members/{}/let-go", bob.id), json!({})).await.is(200);
    world.anyone("POST", "/api/me/email/confirm", late).await.is(200);
    change(&carl, "carl@elsewhere.example").await.refused(403, "address_controlled");
    control(false).await.is(200);
    change(&carl, "carl@elsewhere.example").await.is(202);
    // Admins see full addresses in their domains only.
    let members = world.get(&ann, &format!("/api/teams/{team}/members")).await["members"].clone();
    let mut emails: Vec<&str> = members.as_array().unwrap().iter().map(|member| member["email"].as_str().unwrap()).collect();
    emails.sort_unstable();
    assert_eq!(emails, ["ann@example.com", "b***@elsewhere.example", "carl@example.com"]);
    assert_eq!(world.get(&bob, &format!("/api/teams/{team}/members")).await["members"][0]["email"], Value::Null);
    world.settle().await;
}

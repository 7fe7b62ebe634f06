//! Following: collections, folders and requests; by socket, feed and mail; and what ends it.

use serde_json::{Value, json};
use tests::{Team, TestApp, User, samples};

struct World {
    anna: User,
    bob: User,
    team: Team,
    collection: String,
}

/// A collection with `dogs/big/bark`, `dogs/sit` and `feed`.
async fn world(app: &TestApp) -> World {
    let anna = app.user("anna").await;
    let team = app.team(&anna, 5).await;
    let bob = app.join(&team, "bob", "editor").await;
    let big = samples::folder("big", &[samples::request("bark")]);
    let file = samples::collection("Pets", &[samples::folder("dogs", &[big, samples::request("sit")]), samples::request("feed")]);
    let collection = anna.import(&team.workspace, file).await;
    app.settle().await;
    World { anna, bob, team, collection }
}

impl World {
    fn at(&self, rest: &str) -> String {
        format!("/api/collections/{}{rest}", self.collection)
    }

    async fn id(&self, name: &str) -> String {
        self.anna.item_named(&self.collection, name).await
    }

    async fn rename(&self, from: &str, to: &str) {
        let path = self.at(&format!("/items/{}", self.id(from).await));
        self.anna.patch(&path, json!({"name": to}).to_string()).await.ok();
    }

    /// Bob follows something, told as `how` says.
    async fn follow(&self, item: Option<&str>, how: Value) -> Value {
        let query = item.map(|item| format!("?item={item}")).unwrap_or_default();
        self.bob.put(&self.at(&format!("/subscription{query}")), how.to_string()).await.ok().at("/subscription")
    }
}

fn names(entries: &Value) -> Vec<String> {
    let all = entries.as_array().expect("entries").iter();
    all.map(|entry| entry["item"]["name"].as_str().unwrap_or("-").to_owned()).collect()
}

#[tokio::test]
async fn a_folder_brings_what_is_in_it_and_nothing_else() {
    TestApp::on_each_engine(async |app| {
        let world = world(app).await;
        let dogs = world.id("dogs").await;
        let kept = world.follow(Some(&dogs), json!({"mail": "now"})).await;
        assert_eq!(
            (&kept["item"]["name"], &kept["mail"], &kept["socket"], &kept["feed"]),
            (&json!("dogs"), &json!("now"), &json!(true), &json!(true))
        );
        // What is left out stays as it is.
        let kept = world.follow(Some(&dogs), json!({"socket": true})).await;
        assert_eq!(kept["mail"], "now");
        let mut socket = world.bob.listen().await;
        assert!(socket.following().await.is_empty(), "not the whole collection");
        world.rename("feed", "feed at noon").await;
        world.rename("bark", "bark loudly").await;
        // Out of the folder: its followers hear of that, and not of what comes after.
        let bark = world.id("bark loudly").await;
        world.anna.post(&world.at(&format!("/items/{bark}/move")), json!({"parent": null})).await.ok();
        world.rename("bark loudly", "bark outside").await;
        // A folder that goes away takes its followers' items along.
        let big = world.id("big").await;
        world.anna.delete(&world.at(&format!("/items/{big}"))).await.ok();
        app.settle().await;
        let heard: Vec<Value> =
            socket.heard().await.into_iter().map(|frame| json!([frame["data"]["op"], frame["data"]["item"]["name"]])).collect();
        assert_eq!(heard, [json!(["update", "bark loudly"]), json!(["move", "bark loudly"]), json!(["delete", "big"])]);
        // The feed says the same, newest first; the mail went at once and is gathered from then on.
        let feed = world.bob.get("/api/feed").await.ok().at("/entries");
        assert_eq!(names(&feed), ["big", "bark loudly", "bark loudly"]);
        app.advance("PT6M").await;
        let mails = app.mails_to(&world.bob.email).await;
        let text: String = mails.iter().map(|mail| mail.text.as_str()).collect();
        assert!(text.contains("“bark loudly”") && text.contains("deleted the folder “big”"), "{text}");
        assert!(!text.contains("noon") && !text.contains("outside"), "{text}");
        assert_eq!(mails.len(), 2, "one at once, one for what came after");
    })
    .await;
}

#[tokio::test]
async fn who_follows_an_item_hears_when_it_goes_away_with_its_folder_and_catches_up() {
    let app = TestApp::start().await;
    let world = world(&app).await;
    let bark = world.id("bark").await;
    world.follow(Some(&bark), json!({"mail": "off"})).await;
    world.rename("sit", "sit down").await;
    world.rename("bark", "bark twice").await;
    let dogs = world.id("dogs").await;
    world.anna.delete(&world.at(&format!("/items/{dogs}"))).await.ok();
    app.settle().await;
    assert_eq!(names(&world.bob.get("/api/feed").await.ok().at("/entries")), ["dogs", "bark twice"]);
    // Asked over the socket, with what was missed; an item that is not there is refused.
    let feed = world.id("feed").await;
    world.rename("feed", "feed twice").await;
    let mut socket = world.bob.listen().await;
    socket.say(json!({"action": "subscribe", "collection": world.collection, "item": feed, "since": 1})).await;
    assert_eq!(socket.next_event().await["item"]["name"], "feed twice");
    let told = socket.next_of("postroom.subscribed").await;
    assert_eq!((&told["data"]["item"], &told["data"]["head"]), (&json!(feed), &json!(5)));
    socket.say(json!({"action": "subscribe", "collection": world.collection, "item": bark})).await;
    assert_eq!(socket.next_of("postroom.error").await["data"]["code"], "not_found");
    // Both at once: a change comes once.
    socket.subscribe(&world.collection, None).await;
    world.rename("feed twice", "feed thrice").await;
    app.settle().await;
    assert_eq!(socket.heard().await.len(), 1);
    socket.say(json!({"action": "unsubscribe", "collection": world.collection})).await;
    socket.next_of("postroom.unsubscribed").await;
    assert!(socket.following().await.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn subscribers_are_listed_and_lost_access_ends_it() {
    let app = TestApp::start().await;
    let world = world(&app).await;
    let dogs = world.id("dogs").await;
    world.follow(None, json!({"mail": "off"})).await;
    world.follow(Some(&dogs), json!({"mail": "daily", "feed": false})).await;
    let list = world.anna.get(&world.at("/subscribers")).await.ok().at("/subscribers");
    let told: Vec<Value> =
        list.as_array().expect("a list").iter().map(|one| json!([one["user"]["username"], one["item"]["name"]])).collect();
    assert_eq!(told, [json!(["anna", null]), json!(["bob", null]), json!(["bob", "dogs"])], "the maker follows by itself");
    assert!(!list.to_string().contains("mail"), "how somebody is told is theirs to know: {list}");
    assert_eq!(world.bob.get("/api/subscriptions").await.ok().at("/subscriptions").as_array().map(Vec::len), Some(2));
    for bad in [json!({"mail": "weekly"}), json!({"feed": "yes"}), json!({"sms": true})] {
        world.bob.put(&world.at("/subscription"), bad.to_string()).await.status(422);
    }
    world.bob.put(&world.at("/subscription?item=nothing"), "{}").await.refused(404, "not_found");
    // Removed, and back: nothing is followed any more, and nothing was told meanwhile.
    world.anna.delete(&format!("/api/teams/{}/members/{}", world.team.id, world.bob.id)).await.ok();
    assert_eq!(world.anna.get(&world.at("/subscribers")).await.ok().at("/subscribers").as_array().map(Vec::len), Some(1));
    app.bring(&world.team, &world.bob, "viewer").await;
    assert_eq!(world.bob.get("/api/subscriptions").await.ok().at("/subscriptions"), json!([]));
    world.rename("sit", "sit still").await;
    app.settle().await;
    assert!(world.bob.get("/api/feed").await.ok().at("/entries").as_array().is_some_and(Vec::is_empty));
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn mails_by_the_hour_and_by_the_day() {
    // It is twenty past nine, some day: daily mails go at seven.
    let options = local::Options::default();
    let past = options.clock.now().as_second() % 86_400;
    options.clock.advance(jiff::SignedDuration::from_secs(86_400 + 9 * 3_600 + 20 * 60 - past));
    let app = TestApp::with(options).await;
    let world = world(&app).await;
    let other = world.anna.import(&world.team.workspace, samples::of_requests("Second", 1)).await;
    world.follow(None, json!({"mail": "hourly"})).await;
    world.bob.put(&format!("/api/collections/{other}/subscription"), "{\"mail\": \"daily\"}").await.ok();
    for name in ["feed 1", "feed 2", "feed 3"] {
        let from = if name == "feed 1" { "feed".to_owned() } else { format!("feed {}", name[5..].parse::<u32>().expect("a number") - 1) };
        world.rename(&from, name).await;
    }
    world.anna.patch(&format!("/api/collections/{other}"), "{\"collection\": {\"name\": \"Second, renamed\"}}").await.ok();
    app.settle().await;
    assert!(app.mails_to(&world.bob.email).await.is_empty(), "not before the hour");
    app.advance("PT41M").await;
    let mail = app.mail_to(&world.bob.email).await;
    assert_eq!(mail.subject, "Pets · 3 changes");
    assert!(mail.text.contains("feed 1") && mail.text.contains("feed 3") && !mail.text.contains("Second"), "{}", mail.text);
    assert!(mail.html.contains("feed 2") && mail.html.contains("/notifications/settings"), "{}", mail.html);
    // Nothing new, no mail.
    app.advance("PT2H").await;
    assert!(app.mails_to(&world.bob.email).await.is_empty());
    app.advance("PT24H").await;
    let mail = app.mail_to(&world.bob.email).await;
    assert!(mail.text.contains("Second") && !mail.text.contains("feed"), "{}", mail.text);
    // One click, as a mail program does it, without a sign-in; after that only the feed tells.
    let address = mail.headers["List-Unsubscribe"].trim_matches(['<', '>']).to_owned();
    assert_eq!(mail.headers["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click");
    let path = address.strip_prefix(app.url()).expect("an address of ours");
    let form =
        app.nobody().ask("POST", path).header("content-type", "application/x-www-form-urlencoded").body("List-Unsubscribe=One-Click");
    form.await.ok();
    app.nobody().ask("POST", "/api/unsubscribe?token=1.all.AAAA").await.refused(404, "not_found");
    let bob = app.sign_in("bob").await;
    let kept = bob.get(&format!("/api/collections/{other}/subscription")).await.ok().at("/subscription");
    assert_eq!((&kept["mail"], &kept["feed"]), (&json!("off"), &json!(true)));
    let page = app.nobody().get(&path.replace("/api/unsubscribe", "/unsubscribe")).await.ok();
    assert!(page.text.contains("Stop these letters?"), "{page}");
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn what_one_is_told_of_is_chosen() {
    let app = TestApp::start().await;
    let world = world(&app).await;
    world.follow(None, json!({})).await;
    let first = world.bob.get("/api/me/notifications").await.ok();
    assert_eq!((first.at("/notifications/changes"), first.at("/mail/stopped")), (json!({"in_app": true, "mail": true}), Value::Null));
    let refused =
        world.bob.put("/api/me/notifications", json!({"security": {"in_app": true, "mail": false}, "daily_at": 24}).to_string()).await;
    assert_eq!(refused.status, 422, "{refused}");
    assert_eq!((refused.at("/errors/0/pointer"), refused.at("/errors/1/pointer")), (json!("/security/mail"), json!("/daily_at")));
    // In the pages, not by mail.
    world.bob.put("/api/me/notifications", json!({"changes": {"in_app": true, "mail": false}}).to_string()).await.ok();
    world.rename("sit", "sit 1").await;
    world.rename("sit 1", "sit 2").await;
    app.settle().await;
    assert!(app.mails_to(&world.bob.email).await.is_empty());
    let inbox = world.bob.get("/api/notifications").await.ok();
    let notices = inbox.at("/notifications");
    let changes: Vec<&Value> = notices.as_array().expect("a list").iter().filter(|one| one["category"] == "changes").collect();
    assert_eq!(changes.len(), 1, "one for somebody's changes of an hour: {notices:#}");
    assert_eq!(changes[0]["text"], "anna changed the request “sit 2” in Pets");
    let unread = inbox.at("/unread").as_u64().expect("a number");
    let left = world.bob.post("/api/notifications/read", json!({"ids": [changes[0]["id"]]})).await.ok().at("/unread");
    assert_eq!(left, unread - 1);
    assert_eq!(world.bob.post("/api/notifications/read", json!({})).await.ok().at("/unread"), 0);
    world.rename("sit 2", "sit 3").await;
    app.settle().await;
    assert_eq!(world.bob.get("/api/notifications").await.ok().at("/unread"), 1, "another change is news again");
    // By mail, not in the pages.
    world.bob.put("/api/me/notifications", json!({"changes": {"in_app": false, "mail": true}}).to_string()).await.ok();
    world.rename("sit 3", "sit 4").await;
    app.mail_to(&world.bob.email).await;
    assert_eq!(world.bob.get("/api/notifications").await.ok().at("/unread"), 1);
    // Security is always mailed, and told in the pages.
    world
        .bob
        .ask("PUT", "/api/me/password")
        .json(json!({"old_password": format!("{}bob", tests::PASSWORD), "password": "another long sentence 77"}).to_string())
        .await
        .ok();
    app.mail_to(&world.bob.email).await;
    let inbox = world.bob.get("/api/notifications").await.ok().at("/notifications/0");
    assert_eq!((&inbox["category"], &inbox["text"]), (&json!("security"), &json!("Your password was changed")));
    app.finish().await;
}

#[tokio::test]
async fn an_address_that_bounces_or_complains_gets_no_more_mail() {
    let app = TestApp::start().await;
    let mut world = world(&app).await;
    world.follow(None, json!({})).await;
    let nobody = app.nobody();
    nobody.post("/_local/bounce", json!({"email": world.bob.email, "kind": "soft"})).await.ok();
    world.rename("sit", "sit 1").await;
    app.mail_to(&world.bob.email).await;
    for kind in ["bounce", "complaint"] {
        nobody.post("/_local/bounce", json!({"email": format!("Bob <{}>", world.bob.email), "kind": kind})).await.ok();
        let stopped = world.bob.get("/api/me/notifications").await.ok().at("/mail/stopped");
        assert_eq!(stopped["why"], kind);
        let page = world.bob.get("/notifications/settings").await.ok();
        assert!(page.text.contains("No mail goes to bob@example.com any more"), "{page}");
        world.rename("sit 1", "sit 2").await;
        world.rename("sit 2", "sit 1").await;
        app.settle().await;
        app.advance("PT6M").await;
        assert!(app.mails_to(&world.bob.email).await.is_empty());
        (world.anna, world.bob) = (app.sign_in("anna").await, app.sign_in("bob").await);
        assert_eq!(world.bob.post("/api/me/notifications/resume", json!({})).await.ok().at("/mail/stopped"), Value::Null);
    }
    world.rename("sit 1", "sit 3").await;
    app.settle().await;
    app.advance("PT6M").await;
    assert_eq!(app.mails_to(&world.bob.email).await.len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn who_looks_is_seen() {
    let app = TestApp::start().await;
    let world = world(&app).await;
    let bark = world.id("bark").await;
    let (mut of_anna, mut of_bob) = (world.anna.listen().await, world.bob.listen().await);
    of_anna.say(json!({"action": "look", "collection": world.collection})).await;
    assert_eq!(of_anna.next_of("postroom.presence").await["data"]["count"], 1);
    of_bob.say(json!({"action": "look", "collection": world.collection, "item": bark})).await;
    let told = of_anna.next_of("postroom.presence").await["data"].take();
    assert_eq!((&told["people"][1]["username"], &told["people"][1]["item"], &told["count"]), (&json!("bob"), &json!(bark), &json!(2)));
    of_bob.next_of("postroom.presence").await;
    of_bob.close().await;
    assert_eq!(of_anna.next_of("postroom.presence").await["data"]["count"], 1, "who goes away is seen to go");
    // A stranger sees nothing, and who is removed is neither told nor named.
    let stranger = app.user("stranger").await;
    let mut of_stranger = stranger.listen().await;
    of_stranger.say(json!({"action": "look", "collection": world.collection})).await;
    assert_eq!(of_stranger.next_of("postroom.error").await["data"]["code"], "not_found");
    let mut of_bob = world.bob.listen().await;
    of_bob.say(json!({"action": "look", "collection": world.collection})).await;
    of_bob.next_of("postroom.presence").await;
    of_anna.next_of("postroom.presence").await;
    world.anna.delete(&format!("/api/teams/{}/members/{}", world.team.id, world.bob.id)).await.ok();
    of_anna.say(json!({"action": "look", "collection": world.collection})).await;
    assert_eq!(of_anna.next_of("postroom.presence").await["data"]["count"], 1);
    app.settle().await;
    assert!(of_bob.heard().await.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn a_connection_is_told_before_it_ends_and_closed_with_a_reason() {
    let app = TestApp::start().await;
    let bob = app.user("bob").await;
    let mut socket = bob.listen().await;
    socket.following().await;
    app.settle().await;
    // Something said every few minutes keeps the gateway from closing it; the session is not used by that.
    for _ in 0..3 {
        app.advance("PT8M").await;
        socket.following().await;
    }
    app.advance("PT2M").await;
    app.settle().await;
    let told = socket.next_of("postroom.session.expiring").await;
    assert_eq!(told["data"]["why"], "session");
    app.advance("PT6M").await;
    app.settle().await;
    let (_, _, before) = socket.closed().await;
    assert!(before.iter().any(|frame| frame["type"] == "postroom.session.ended"), "{before:#?}");
    app.finish().await;
}

impl World {
    /// A group with these members in it.
    async fn group(&self, name: &str, members: &[&User]) -> String {
        let path = format!("/api/teams/{}/groups", self.team.id);
        let made = self.anna.post(&path, json!({"name": name})).await.ok();
        let id = made.at("/group/id").as_u64().expect("an id").to_string();
        self.set_group(&id, "add", members).await;
        id
    }

    async fn set_group(&self, group: &str, change: &str, members: &[&User]) {
        let ids: Vec<u64> = members.iter().map(|user| user.id).collect();
        self.anna.patch(&format!("/api/teams/{}/groups/{group}", self.team.id), json!({change: ids}).to_string()).await.ok();
    }
}

async fn feed(user: &User) -> Vec<String> {
    names(&user.get("/api/feed").await.ok().at("/entries"))
}

#[tokio::test]
async fn a_group_follows_with_whoever_is_in_it() {
    TestApp::on_each_engine(async |app| {
        let mut world = world(app).await;
        let (carl, dora) = (app.join(&world.team, "carl", "viewer").await, app.join(&world.team, "dora", "viewer").await);
        let group = world.group("Dog people", &[&world.bob, &carl]).await;
        let path = world.at(&format!("/subscription?group={group}"));
        // Who chooses who sees it subscribes groups, of this team.
        world.bob.put(&path, "{}").await.refused(403, "forbidden");
        world.bob.delete(&path).await.refused(403, "forbidden");
        world.anna.put(&world.at("/subscription?group=12345"), "{}").await.refused(404, "not_found");
        world.anna.put(&world.at("/subscription?group=dogs"), "{}").await.refused(404, "not_found");
        world.anna.put(&format!("{path}&item=x"), "{}").await.refused(400, "malformed");
        let kept = world.anna.put(&path, json!({"mail": "now"}).to_string()).await.ok();
        assert_eq!((kept.at("/subscription/mail"), kept.at("/subscription/group").to_string()), (json!("now"), group.clone()));
        // They hear of it in each way, and dora does not.
        let mut socket = carl.listen().await;
        assert_eq!(socket.following().await.len(), 1);
        world.rename("sit", "sit 1").await;
        app.settle().await;
        assert_eq!((feed(&world.bob).await, feed(&carl).await, feed(&dora).await), (vec!["sit 1".into()], vec!["sit 1".into()], vec![]));
        assert_eq!(socket.next_event().await["item"]["name"], "sit 1");
        let mail = app.mail_to(&carl.email).await;
        assert!(mail.text.contains("sit 1"), "{}", mail.text);
        assert_eq!(app.mails_to(&world.bob.email).await.len(), 1);
        let list = world.anna.get(&world.at("/subscribers")).await.ok();
        let told: Vec<Value> =
            list.at("/subscribers").as_array().expect("a list").iter().map(|one| one["user"]["username"].clone()).collect();
        assert_eq!((told.len(), list.at("/groups/0/name"), list.at("/groups/0/mail")), (3, json!("Dog people"), json!("now")), "{list}");
        let mine = carl.get("/api/subscriptions").await.ok();
        assert_eq!(mine.at("/subscriptions/0/group").to_string(), group);
        assert!(carl.get("/notifications/settings").await.ok().text.contains("through a group"));
        // Carl ends his letters by one click, bob chooses his own rhythm; the group changes its own.
        let click = mail.headers["List-Unsubscribe"].trim_matches(['<', '>']).to_owned();
        app.nobody().post(click.strip_prefix(app.url()).expect("ours"), json!({})).await.ok();
        world.bob.put(&world.at("/subscription"), json!({"mail": "off"}).to_string()).await.ok();
        world.anna.put(&path, json!({"feed": true}).to_string()).await.ok();
        app.advance("PT2M").await;
        world.rename("sit 1", "sit 2").await;
        app.settle().await;
        app.advance("PT6M").await;
        assert!(app.mails_to(&carl.email).await.is_empty() && app.mails_to(&world.bob.email).await.is_empty());
        assert_eq!(carl.get(&world.at("/subscription")).await.ok().at("/subscription/mail"), "off");
        // Out for themselves, and in again.
        (world.anna, world.bob) = (app.sign_in("anna").await, app.sign_in("bob").await);
        let (carl, dora) = (app.sign_in("carl").await, app.sign_in("dora").await);
        carl.delete(&world.at("/subscription")).await.ok();
        assert_eq!(carl.get(&world.at("/subscription")).await.ok().at("/subscription"), Value::Null);
        assert_eq!(carl.get("/api/subscriptions").await.ok().at("/subscriptions"), json!([]));
        world.rename("sit 2", "sit 3").await;
        app.settle().await;
        assert_eq!(feed(&carl).await[0], "sit 2");
        carl.put(&world.at("/subscription"), json!({"mail": "off"}).to_string()).await.ok();
        // Who comes later hears of what comes later; who leaves the group hears nothing more through it.
        world.set_group(&group, "add", &[&dora]).await;
        app.advance("PT2M").await;
        world.rename("sit 3", "sit 4").await;
        app.settle().await;
        assert_eq!((feed(&carl).await[0].as_str(), feed(&dora).await), ("sit 4", vec!["sit 4".to_owned()]));
        app.mail_to(&dora.email).await;
        world.set_group(&group, "remove", &[&dora, &carl]).await;
        assert_eq!(dora.get("/api/subscriptions").await.ok().at("/subscriptions"), json!([]));
        app.advance("PT2M").await;
        world.rename("sit 4", "sit 5").await;
        app.settle().await;
        assert_eq!((feed(&carl).await[0].as_str(), feed(&dora).await[0].as_str()), ("sit 5", "sit 4"), "carl follows by himself now");
        assert!(app.mails_to(&dora.email).await.is_empty());
        app.mails().await;
    })
    .await;
}

#[tokio::test]
async fn what_a_group_follows_ends_with_sight_and_with_the_group() {
    let app = TestApp::start().await;
    let world = world(&app).await;
    let carl = app.join(&world.team, "carl", "viewer").await;
    let group = world.group("Dog people", &[&carl]).await;
    let path = world.at(&format!("/subscription?group={group}"));
    world.anna.put(&path, json!({"mail": "off"}).to_string()).await.ok();
    let page = world.anna.get(&world.at("/access").replace("/api", "")).await.ok();
    assert!(page.text.contains("Unsubscribe<span class=\"sr\"> Dog people"), "{page}");
    // Hidden from him: no event, no feed, no place in the list. Seen again, he follows again.
    let hide = |role: Value| world.anna.put(&world.at("/access"), json!({"to": format!("user:{}", carl.id), "role": role}).to_string());
    hide(json!("none")).await.ok();
    world.rename("sit", "sit 1").await;
    app.settle().await;
    assert!(feed(&carl).await.is_empty());
    assert_eq!(carl.get("/api/subscriptions").await.ok().at("/subscriptions"), json!([]));
    assert!(!world.anna.get(&world.at("/subscribers")).await.ok().text.contains("carl"));
    hide(Value::Null).await.ok();
    app.advance("PT2M").await;
    world.rename("sit 1", "sit 2").await;
    app.settle().await;
    assert_eq!(feed(&carl).await[0], "sit 2");
    // The group ends it, the audit log knows, and a group that is deleted leaves nothing.
    world.anna.delete(&path).await.ok();
    world.anna.delete(&path).await.ok();
    app.advance("PT2M").await;
    world.rename("sit 2", "sit 3").await;
    app.settle().await;
    assert_eq!(feed(&carl).await[0], "sit 2");
    let log = world.anna.get(&format!("/api/teams/{}/audit", world.team.id)).await;
    assert!(
        log.text.contains("group_follows")
            || world.anna.get(&format!("/teams/{}/audit", world.team.id)).await.ok().text.contains("group follows")
    );
    world.anna.put(&path, "{}").await.ok();
    world.anna.delete(&format!("/api/teams/{}/groups/{group}", world.team.id)).await.ok();
    let keys = app.table_keys().await;
    let left: Vec<_> = keys.iter().filter(|(_, sk)| sk.starts_with("SUB#") && sk.contains(&group)).collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(world.anna.get(&world.at("/subscribers")).await.ok().at("/groups"), json!([]));
    app.mails().await;
    app.finish().await;
}

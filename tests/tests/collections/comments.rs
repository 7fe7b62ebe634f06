//! Comments: threads on collections and what is in them, who may say and take away what, who is told, and what stays.

use serde_json::{Value, json};
use tests::{Client, Team, TestApp, User, samples};

struct World {
    anna: User,
    bob: User,
    vera: User,
    team: Team,
    collection: String,
    request: String,
}

/// A collection `Pets` with `dogs/bark`; Anna is its admin, Bob an editor, Vera a viewer.
async fn world(app: &TestApp) -> World {
    let anna = app.user("anna").await;
    let team = app.team(&anna, 6).await;
    let bob = app.join(&team, "bob", "editor").await;
    let vera = app.join(&team, "vera", "viewer").await;
    let bark = json!({"name": "bark", "request": "https://example.com", "response": [{"name": "woof", "code": 200}]});
    let file = samples::collection("Pets", &[samples::folder("dogs", &[bark])]);
    let collection = anna.import(&team.workspace, file).await;
    let request = anna.item_named(&collection, "bark").await;
    app.settle().await;
    World { anna, bob, vera, team, collection, request }
}

impl World {
    fn on_request(&self) -> String {
        format!("/api/collections/{}/requests/{}/comments", self.collection, self.request)
    }

    fn on_collection(&self) -> String {
        format!("/api/collections/{}/comments", self.collection)
    }
}

/// Says something; gives the comment.
async fn say(who: &Client, at: &str, body: Value) -> Value {
    who.post(at, body).await.status(201).at("/data")
}

fn bodies(list: &Value) -> Vec<String> {
    list.as_array().expect("a list").iter().map(|one| one["body"].as_str().expect("a body").to_owned()).collect()
}

async fn inbox(who: &Client) -> Vec<String> {
    let all = who.get("/api/notifications").await.ok().at("/notifications");
    let comments = all.as_array().expect("a list").iter().filter(|one| one["category"] == "comments").cloned().collect::<Vec<_>>();
    comments.iter().map(|one| one["text"].as_str().expect("a text").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_from_its_first_word_to_its_last() {
    TestApp::on_each_engine(async |app| {
        let world = world(app).await;
        let (anna, bob, vera) = (&world.anna, &world.bob, &world.vera);
        let at = world.on_request();
        let mut socket = bob.listen().await;
        socket.subscribe(&world.collection, None).await;

        // A viewer may; the shape is the Postman API's.
        let first = say(vera, &at, json!({"body": "Which dog?"})).await;
        let keys: Vec<&String> = first.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["body", "createdAt", "createdBy", "id", "status", "threadId", "updatedAt"], "{first}");
        assert_eq!((&first["status"], &first["createdBy"], first["id"].is_u64()), (&json!("Open"), &json!(vera.id), true));
        let answer = say(bob, &at, json!({"body": "The big one.", "threadId": first["threadId"]})).await;
        assert_eq!(answer["threadId"], first["threadId"]);
        let other = say(anna, &at, json!({"body": "Something else"})).await;
        assert_ne!(other["threadId"], first["threadId"]);
        let listed = anna.get(&at).await.ok().at("/data");
        assert_eq!(bodies(&listed), ["Something else", "The big one.", "Which dog?"], "newest first");
        assert_eq!(anna.get(&world.on_collection()).await.ok().at("/data"), json!([]), "each thing has its own");

        // Only who wrote it changes it; they and admins take it away.
        let of = |comment: &Value| format!("{at}/{}", comment["id"]);
        let changed = vera.put(&of(&first), json!({"body": "Which dog, please?"}).to_string()).await.ok().at("/data");
        assert_eq!((&changed["body"], &changed["createdAt"]), (&json!("Which dog, please?"), &first["createdAt"]));
        anna.put(&of(&first), json!({"body": "No"}).to_string()).await.refused(403, "forbidden");
        vera.delete(&of(&answer)).await.refused(403, "forbidden");
        bob.delete(&of(&first)).await.refused(403, "forbidden");
        let elsewhere = format!("{}/{}", world.on_collection(), first["id"]);
        vera.put(&elsewhere, json!({"body": "No"}).to_string()).await.refused(404, "not_found");
        vera.delete(&elsewhere).await.refused(404, "not_found");

        // Resolved, and opened again; twice is once.
        let thread = format!("/api/comments-resolutions/{}", first["threadId"]);
        vera.post(&thread, json!({})).await.status(204);
        anna.ask("POST", &thread).await.status(204);
        let status = |list: &Value, id: &Value| list.as_array().unwrap().iter().find(|one| one["id"] == *id).unwrap()["status"].clone();
        let listed = bob.get(&at).await.ok().at("/data");
        assert_eq!([status(&listed, &answer["id"]), status(&listed, &other["id"])], ["Resolved", "Open"]);
        bob.delete(&thread).await.status(204);
        assert_eq!(status(&bob.get(&at).await.ok().at("/data"), &answer["id"]), "Open");

        // The first one takes its thread along; another only itself.
        bob.delete(&of(&answer)).await.status(204);
        bob.delete(&of(&answer)).await.refused(404, "not_found");
        let answer = say(bob, &at, json!({"body": "The small one.", "threadId": first["threadId"].to_string()})).await;
        anna.delete(&of(&first)).await.status(204);
        assert_eq!(bodies(&anna.get(&at).await.ok().at("/data")), ["Something else"]);
        bob.delete(&of(&answer)).await.refused(404, "not_found");
        bob.post(&thread, json!({})).await.refused(404, "not_found");
        bob.post(&at, json!({"body": "Late", "threadId": first["threadId"]})).await.refused(422, "rejected");

        // What was done came live, none of it as a numbered change, and without what was said.
        app.settle().await;
        let heard: Vec<Value> = socket.heard().await.into_iter().filter(|frame| frame["type"] == "postroom.collection.commented").collect();
        let done: Vec<&Value> = heard.iter().map(|frame| &frame["data"]["op"]).collect();
        let expected = ["create", "create", "create", "update", "resolve", "reopen", "delete", "create", "delete"];
        assert_eq!(done, expected.iter().map(|op| json!(op)).collect::<Vec<_>>().iter().collect::<Vec<_>>());
        assert_eq!((&heard[0]["data"]["item"]["name"], &heard[0]["data"]["comment"]), (&json!("bark"), &first["id"]));
        assert!(!json!(heard).to_string().contains("dog"), "{heard:?}");
        assert_eq!(anna.get(&format!("/api/collections/{}/changes", world.collection)).await.ok().at("/head"), 1);

        // The feed tells of it, again without what was said, and is filtered by its kind.
        let feed = vera.get(&format!("/api/teams/{}/feed?kind=comment", world.team.id)).await.ok();
        let ops: Vec<Value> = feed.at("/entries").as_array().unwrap().iter().map(|one| one["comment"]["op"].clone()).collect();
        assert_eq!(ops, ["create", "reopen", "resolve", "create", "create", "create"]);
        assert!(!feed.text.contains("dog?") && feed.text.contains("\"bark\""), "{feed}");
        assert!(
            !anna.get(&format!("/api/collections/{}", world.collection)).await.ok().text.contains("Something else"),
            "no export has it"
        );
        app.mails().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_mentioned_is_told_at_once_and_everybody_once() {
    TestApp::on_each_engine(async |app| {
        let world = world(app).await;
        let (anna, bob, vera) = (&world.anna, &world.bob, &world.vera);
        let stranger = app.user("stranger").await;
        let at = world.on_request();
        // By a tag and by a name in the text; who cannot see it is not told, and a tag of theirs is refused.
        let tags = json!({"@bob": {"type": "user", "id": bob.id.to_string()}});
        let said = say(vera, &at, json!({"body": "@bob, @stranger: see @nobody.", "tags": tags})).await;
        app.settle().await;
        let mail = app.mail_to(&bob.email).await;
        assert_eq!(mail.subject, "vera mentioned you on the request “bark” in Pets");
        assert!(mail.text.contains("@bob, @stranger: see") && mail.text.contains("you are mentioned"), "{}", mail.text);
        assert!(mail.html.contains(&format!("/collections/{}/items/{}#comments", world.collection, world.request)), "{}", mail.html);
        assert_eq!(inbox(bob).await, ["vera mentioned you on the request “bark” in Pets"]);
        // Anna made the collection and follows it.
        assert_eq!(app.mail_to(&anna.email).await.subject, "vera commented on the request “bark” in Pets");
        assert_eq!(inbox(anna).await, ["vera commented on the request “bark” in Pets"]);
        assert!(app.mails_to(&stranger.email).await.is_empty() && inbox(&stranger).await.is_empty());
        assert!(app.mails_to(&vera.email).await.is_empty() && inbox(vera).await.is_empty(), "nobody is told of what they said");
        let strange = json!({"@x": {"type": "user", "id": stranger.id.to_string()}, "@y": {"type": "user", "id": "999999"}});
        let refused = vera.post(&at, json!({"body": "@x @y", "tags": strange})).await.refused(422, "rejected");
        let told: Vec<Value> = refused.at("/errors").as_array().unwrap().iter().map(|one| one["pointer"].clone()).collect();
        assert_eq!(told, ["/tags/@x/id", "/tags/@y/id"]);
        let details = refused.at("/errors");
        assert_eq!(details[0]["detail"], details[1]["detail"], "who is there is not told");

        // Who is in the thread hears of an answer; who is mentioned only later in other words, too. Nobody hears twice.
        let answer = say(bob, &at, json!({"body": "I see it", "threadId": said["threadId"]})).await;
        app.settle().await;
        assert_eq!(app.mail_to(&vera.email).await.subject, "bob answered in a thread on the request “bark” in Pets");
        assert_eq!(app.mail_to(&anna.email).await.subject, "bob commented on the request “bark” in Pets");
        bob.put(&format!("{at}/{}", answer["id"]), json!({"body": "I see it, @anna"}).to_string()).await.ok();
        app.settle().await;
        let mail = app.mail_to(&anna.email).await;
        assert_eq!(mail.subject, "bob mentioned you on the request “bark” in Pets");
        assert!(app.mails_to(&vera.email).await.is_empty());

        // The link of the letter ends such letters, not the inbox.
        let address = mail.headers["List-Unsubscribe"].trim_matches(['<', '>']).to_owned();
        let path = address.strip_prefix(app.url()).expect("an address of ours");
        assert!(app.nobody().get(&path.replace("/api/", "/")).await.ok().text.contains("Mails about comments end"));
        assert_eq!(app.nobody().ask("POST", path).await.ok().at("/unsubscribed"), "comments");
        say(vera, &at, json!({"body": "@anna again"})).await;
        app.settle().await;
        assert!(app.mails_to(&anna.email).await.is_empty());
        assert_eq!(inbox(anna).await[0], "vera mentioned you on the request “bark” in Pets");
        bob.put("/api/me/notifications", json!({"comments": {"in_app": false, "mail": true}}).to_string()).await.ok();
        say(vera, &at, json!({"body": "@bob!"})).await;
        app.settle().await;
        assert_eq!(app.mail_to(&bob.email).await.subject, "vera mentioned you on the request “bark” in Pets");
        assert_eq!(inbox(bob).await.len(), 1);
        app.mails().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_see_it_neither_reads_nor_hears() {
    TestApp::on_each_engine(async |app| {
        let world = world(app).await;
        let (anna, bob, vera) = (&world.anna, &world.bob, &world.vera);
        let at = world.on_request();
        let said = say(bob, &at, json!({"body": "@vera"})).await;
        let thread = format!("/api/comments-resolutions/{}", said["threadId"]);
        let of = format!("{at}/{}", said["id"]);
        app.settle().await;
        app.mail_to(&vera.email).await;
        app.mails_to(&anna.email).await;
        let mut socket = vera.listen().await;
        socket.subscribe(&world.collection, None).await;
        vera.put(&format!("/api/collections/{}/subscription", world.collection), json!({"mail": "now"}).to_string()).await.ok();
        let shut = async |who: &Client| {
            who.get(&at).await.refused(404, "not_found");
            who.post(&at, json!({"body": "x"})).await.refused(404, "not_found");
            who.put(&of, json!({"body": "x"}).to_string()).await.refused(404, "not_found");
            who.delete(&of).await.refused(404, "not_found");
            who.post(&thread, json!({})).await.refused(404, "not_found");
        };
        shut(&*app.user("stranger").await).await;
        // A key that only reads, reads.
        let reader = app.api_key(bob, "read").await;
        assert_eq!(bodies(&reader.get(&at).await.ok().at("/data")), ["@vera"]);
        reader.post(&at, json!({"body": "x"})).await.refused(403, "forbidden");
        reader.post(&thread, json!({})).await.refused(403, "forbidden");
        // An access key shows the collection, not what is said about it.
        let made = anna.post("/api/collection-access-keys", json!({"collectionId": world.collection})).await.ok();
        let key = made.at("/access_key/url").as_str().unwrap().split("access_key=").nth(1).unwrap().to_owned();
        app.nobody().get(&format!("{at}?access_key={key}")).await.status(401);

        // Hidden: nothing is told any more, by any way, though she is in the thread and follows the collection.
        let hide = json!({"roles": [{"op": "update", "path": "/user", "value": [{"id": vera.id, "role": "NONE"}]}]});
        anna.patch(&format!("/api/collections/{}/roles", world.collection), hide.to_string()).await.status(204);
        shut(vera).await;
        let refused = bob.post(&at, json!({"body": "x", "tags": {"@vera": {"type": "user", "id": vera.id.to_string()}}})).await;
        refused.refused(422, "rejected");
        say(bob, &at, json!({"body": "secret @vera", "threadId": said["threadId"]})).await;
        app.settle().await;
        assert!(app.mails_to(&vera.email).await.is_empty());
        assert_eq!(inbox(vera).await.len(), 1);
        assert!(socket.heard().await.iter().all(|frame| frame["type"] != "postroom.collection.commented"));
        let feed = vera.get("/api/feed").await.ok();
        assert!(!feed.text.contains("Pets"), "{feed}");

        // Removed from the team.
        anna.delete(&format!("/api/teams/{}/members/{}", world.team.id, bob.id)).await.ok();
        shut(bob).await;
        say(anna, &at, json!({"body": "gone? @bob", "threadId": said["threadId"]})).await;
        app.settle().await;
        assert!(app.mails_to(&bob.email).await.is_empty());
        app.mails().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn comments_go_with_the_thing_and_come_back_with_it() {
    TestApp::on_each_engine(async |app| {
        let world = world(app).await;
        let (anna, bob) = (&world.anna, &world.bob);
        let base = format!("/api/collections/{}", world.collection);
        let items = anna.items(&world.collection).await;
        let id = |name: &str| items.iter().find(|item| item["name"] == name).unwrap()["id"].as_str().unwrap().to_owned();
        let folder = format!("{base}/folders/{}/comments", id("dogs"));
        let response = format!("{base}/responses/{}/comments", id("woof"));
        say(bob, &folder, json!({"body": "on the folder"})).await;
        let said = say(bob, &response, json!({"body": "on the example"})).await;
        say(bob, &world.on_request(), json!({"body": "on the request"})).await;
        say(bob, &world.on_collection(), json!({"body": "on the collection"})).await;
        // An address names the kind as well.
        bob.get(&format!("{base}/folders/{}/comments", world.request)).await.refused(404, "not_found");
        bob.get(&format!("{base}/requests/nothing/comments")).await.refused(404, "not_found");
        // Moved out of the folder: they go along.
        anna.post(&format!("{base}/items/{}/move", world.request), json!({"parent": null})).await.ok();
        assert_eq!(bodies(&bob.get(&world.on_request()).await.ok().at("/data")), ["on the request"]);
        // Deleted: hidden, also the thread; back: as before.
        anna.delete(&format!("{base}/items/{}", world.request)).await.ok();
        for at in [&world.on_request(), &response] {
            bob.get(at).await.refused(404, "not_found");
            bob.post(at, json!({"body": "late"})).await.refused(404, "not_found");
        }
        bob.post(&format!("/api/comments-resolutions/{}", said["threadId"]), json!({})).await.refused(404, "not_found");
        anna.post(&format!("{base}/restore"), json!({"seq": 2, "item": world.request})).await.ok();
        assert_eq!(bodies(&bob.get(&world.on_request()).await.ok().at("/data")), ["on the request"]);
        assert_eq!(bodies(&bob.get(&response).await.ok().at("/data")), ["on the example"]);
        // What is deleted for ever goes with what was said about it, and a collection with all of it.
        let dogs = id("dogs");
        anna.delete(&format!("{base}/items/{dogs}")).await.ok();
        app.settle().await;
        app.advance("PT2184H").await;
        app.settle().await;
        let said =
            async || app.table_keys().await.into_iter().filter(|(pk, sk)| pk.starts_with("THREAD#") || sk.starts_with("SAID#")).count();
        assert_eq!(said().await, 6, "three comments and their threads");
        let anna = app.sign_in("anna").await;
        anna.delete(&base).await.ok();
        app.settle().await;
        app.advance("PT2184H").await;
        app.settle().await;
        assert_eq!(said().await, 0);
        app.mails().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_ends_their_account_is_a_former_member() {
    TestApp::on_each_engine(async |app| {
        let world = world(app).await;
        say(&world.bob, &world.on_request(), json!({"body": "I was here"})).await;
        app.settle().await;
        world.bob.ask("DELETE", "/api/me").json(json!({"password": format!("{}bob", tests::PASSWORD)}).to_string()).await.ok();
        app.advance("PT2H").await;
        app.settle().await;
        let anna = app.sign_in("anna").await;
        assert_eq!(bodies(&anna.get(&world.on_request()).await.ok().at("/data")), ["I was here"]);
        let page = anna.get(&format!("/collections/{}/items/{}", world.collection, world.request)).await.ok();
        let comments = page.text.split("id=\"comments\"").nth(1).expect("the comments");
        assert!(comments.contains("former member") && !comments.contains("<b>bob</b>"), "{comments}");
        app.mails().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_comments_come_in_pages() {
    TestApp::on_each_engine(async |app| {
        let world = world(app).await;
        let at = world.on_collection();
        world.anna.put("/api/me/notifications", json!({"comments": {"in_app": false, "mail": false}}).to_string()).await.ok();
        let root = say(&world.bob, &at, json!({"body": "comment 0"})).await;
        for number in 1..60 {
            say(&world.bob, &at, json!({"body": format!("comment {number}"), "threadId": root["threadId"]})).await;
        }
        let mut all = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = world.vera.get(&format!("{at}?limit=25{cursor}")).await.ok();
            all.extend(bodies(&page.at("/data")));
            match page.at("/meta/nextCursor").as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let mut expected: Vec<String> = (0..60).rev().map(|number| format!("comment {number}")).collect();
        // Those of one millisecond stand in any order.
        all.sort();
        expected.sort();
        assert_eq!(all, expected);
        assert_eq!(world.vera.get(&at).await.ok().at("/data").as_array().map(Vec::len), Some(60));
        world.vera.get(&format!("{at}?cursor=nonsense")).await.refused(400, "malformed");
        // The page has the newest, with what they answer, and leads to the older ones.
        let page = world.vera.get(&format!("/collections/{}", world.collection)).await.ok().text;
        assert!(page.contains("comment 59<") && page.contains("comment 0<") && page.contains("Older comments"), "{page}");
        let older = page.split("href=\"").find(|rest| rest.contains("?comments=")).expect("a link").split('#').next().expect("a path");
        let older = world.vera.get(&older.replace("&amp;", "&")).await.ok().text;
        assert!(older.contains("comment 5<") && !older.contains("comment 59<"), "{older}");
        app.mails().await;
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_said_is_told_with_its_place() {
    let app = TestApp::start().await;
    let world = world(&app).await;
    let at = world.on_request();
    let said = say(&world.vera, &at, json!({"body": "first"})).await;
    let on_other = say(&world.vera, &world.on_collection(), json!({"body": "elsewhere"})).await;
    let tag = |tag: Value| json!({"body": "x", "tags": {"@a/b": tag}});
    for (body, pointer) in [
        (json!({}), "/body"),
        (json!({"body": "  "}), "/body"),
        (json!({"body": 5}), "/body"),
        (json!({"body": "ä".repeat(10_001)}), "/body"),
        (json!({"body": "a\u{0}b"}), "/body"),
        (json!({"body": "x", "threadId": "one"}), "/threadId"),
        (json!({"body": "x", "threadId": -1}), "/threadId"),
        (json!({"body": "x", "threadId": [1]}), "/threadId"),
        (json!({"body": "x", "threadId": 12}), "/threadId"),
        (json!({"body": "x", "threadId": on_other["threadId"]}), "/threadId"),
        (json!({"body": "x", "text": "y"}), "/text"),
        (json!({"body": "x", "tags": []}), "/tags"),
        (tag(json!("anna")), "/tags/@a~1b"),
        (tag(json!({"type": "team", "id": "1"})), "/tags/@a~1b/type"),
        (tag(json!({"type": "user", "id": "x"})), "/tags/@a~1b/id"),
        (tag(json!({"type": "user", "id": 1.5})), "/tags/@a~1b/id"),
    ] {
        let refused = world.vera.post(&at, body.clone()).await.refused(422, "rejected");
        assert_eq!(refused.at("/errors/0/pointer"), pointer, "{body} {refused}");
    }
    let of = format!("{at}/{}", said["id"]);
    world.vera.put(&of, json!({"body": ""}).to_string()).await.refused(422, "rejected");
    world.vera.put(&of, json!({"body": "x", "threadId": 1}).to_string()).await.refused(422, "rejected");
    for wrong in ["x", "-1", "99999999999999999999", "1"] {
        world.vera.put(&format!("{at}/{wrong}"), json!({"body": "x"}).to_string()).await.refused(404, "not_found");
        world.vera.delete(&format!("{at}/{wrong}")).await.refused(404, "not_found");
        world.vera.post(&format!("/api/comments-resolutions/{wrong}"), json!({})).await.refused(404, "not_found");
    }
    world.vera.post_text(&at, "not json").await.status(400);
    // Ten thousand characters fit; the same request with its key is done once.
    let long = json!({"body": "ä".repeat(10_000)}).to_string();
    let ask = || world.vera.ask("POST", &at).json(long.clone()).header("idempotency-key", "once");
    let (one, two) = (ask().await.status(201).at("/data"), ask().await.status(201).at("/data"));
    assert_eq!(one, two);
    assert_eq!(world.vera.get(&at).await.ok().at("/data").as_array().map(Vec::len), Some(2));
    app.settle().await;
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn a_stream_that_repeats_itself_tells_once() {
    // Every batch is handed over backwards, and every record twice.
    let meddler: local::Meddler = std::sync::Arc::new(|_, records| {
        let backwards = records.into_iter().rev();
        backwards.flat_map(|record| [record.clone(), record]).collect()
    });
    let app = TestApp::with(local::Options { meddler: Some(meddler), ..local::Options::default() }).await;
    let world = world(&app).await;
    world.bob.put(&format!("/api/collections/{}/subscription", world.collection), "{}").await.ok();
    let first = say(&world.vera, &world.on_request(), json!({"body": "@bob one"})).await;
    say(&world.vera, &world.on_request(), json!({"body": "@bob two", "threadId": first["threadId"]})).await;
    app.settle().await;
    assert_eq!(app.mails_to(&world.bob.email).await.len(), 2);
    assert_eq!(app.mails_to(&world.anna.email).await.len(), 2);
    assert_eq!(inbox(&world.bob).await.len(), 2);
    for feed in [format!("/api/teams/{}/feed?kind=comment", world.team.id), "/api/feed?kind=comment".to_owned()] {
        assert_eq!(world.bob.get(&feed).await.ok().at("/entries").as_array().map(Vec::len), Some(2), "{feed}");
    }
    app.finish().await;
}

#[tokio::test]
async fn comments_come_with_the_letter_of_the_hour() {
    TestApp::on_each_engine(async |app| {
        let world = world(app).await;
        let (bob, vera) = (&world.bob, &world.vera);
        let follow = async |mail: &str| {
            vera.put(&format!("/api/collections/{}/subscription", world.collection), json!({"mail": mail}).to_string()).await.ok();
        };
        follow("hourly").await;
        say(bob, &world.on_request(), json!({"body": "Does it <b>bite</b>?\nSometimes?"})).await;
        let gone = say(bob, &world.on_collection(), json!({"body": "never mind"})).await;
        let item = format!("/api/collections/{}/items/{}", world.collection, world.request);
        bob.patch(&item, json!({"name": "bark loudly"}).to_string()).await.ok();
        bob.delete(&format!("{}/{}", world.on_collection(), gone["id"])).await.status(204);
        // A mention goes at once, and not once more with the hour.
        say(bob, &world.on_request(), json!({"body": "@vera look"})).await;
        app.settle().await;
        assert_eq!(app.mail_to(&vera.email).await.subject, "bob mentioned you on the request “bark loudly” in Pets");
        app.advance("PT61M").await;
        let mail = app.mail_to(&vera.email).await;
        assert_eq!(mail.subject, "Pets · 1 change and 1 comment");
        assert!(
            mail.text.contains("bob commented on the request “bark”")
                && mail.text.contains("Does it <b>bite</b>?")
                && mail.text.contains("Sometimes?"),
            "{}",
            mail.text
        );
        assert!(mail.html.contains("&#60;b&#62;bite") && !mail.html.contains("<b>bite"), "{}", mail.html);
        assert!(
            mail.text.contains("changed the request") && !mail.text.contains("never mind") && !mail.text.contains("@vera"),
            "{}",
            mail.text
        );
        // Who wants no letters about comments has the rest; who wants only those is told how to end them.
        let (bob, vera) = (app.sign_in("bob").await, app.sign_in("vera").await);
        let wants = |wanted: Value| vera.put("/api/me/notifications", wanted.to_string());
        wants(json!({"comments": {"in_app": true, "mail": false}})).await.ok();
        say(&bob, &world.on_request(), json!({"body": "still?"})).await;
        app.settle().await;
        app.advance("PT61M").await;
        // Beside the letter about the new sign-in.
        let told = app.mails_to(&vera.email).await;
        assert!(told.iter().all(|mail| mail.subject.contains("sign-in")), "{told:#?}");
        let (bob, vera) = (app.sign_in("bob").await, app.sign_in("vera").await);
        let wants = |wanted: Value| vera.put("/api/me/notifications", wanted.to_string());
        wants(json!({"changes": {"in_app": true, "mail": false}})).await.ok();
        bob.patch(&item, json!({"name": "bark"}).to_string()).await.ok();
        say(&bob, &world.on_request(), json!({"body": "and now?"})).await;
        app.settle().await;
        app.advance("PT61M").await;
        let told = app.mails_to(&vera.email).await;
        let told: Vec<_> = told.iter().filter(|mail| !mail.subject.contains("sign-in")).collect();
        assert_eq!(told.len(), 1, "{told:#?}");
        let mail = told[0];
        assert!(
            mail.subject.starts_with("Pets · bob commented on")
                && mail.text.contains("and now?")
                && !mail.text.contains("changed the request"),
            "{mail:?}"
        );
        app.mails().await;
    })
    .await;
}

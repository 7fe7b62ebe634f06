//! Pull requests: what is said about them, and what several people do to one at once.

use local::Options;
use serde_json::{Value, json};
use tests::faults::Faults;
use tests::{Client, Reply, Team, TestApp, User};

use crate::forks::{Asked, ask, rename};

struct World {
    anna: User,
    bob: User,
    carl: User,
    dora: User,
    team: Team,
    asked: Asked,
}

/// A pull request of Bob's to Anna's collection `Payments`, that Carl is to look at. Dora only reads along.
async fn world(app: &TestApp) -> World {
    let anna = app.user("anna").await;
    let team = app.team(&anna, 6).await;
    let bob = app.join(&team, "bob", "editor").await;
    let carl = app.join(&team, "carl", "viewer").await;
    let dora = app.join(&team, "dora", "viewer").await;
    let asked = ask(&anna, &bob, json!([carl.id])).await;
    app.mails().await;
    World { anna, bob, carl, dora, team, asked }
}

impl World {
    fn comments(&self) -> String {
        format!("{}/comments", self.asked.path)
    }

    async fn hide(&self, collection: &str, from: &User) {
        let hide = json!({"roles": [{"op": "update", "path": "/user", "value": [{"id": from.id, "role": "NONE"}]}]});
        let by = if collection == self.asked.copy { &self.bob } else { &self.anna };
        by.patch(&format!("/api/collections/{collection}/roles"), hide.to_string()).await.status(204);
    }
}

async fn say(who: &Client, at: &str, body: Value) -> Value {
    who.post(at, body).await.status(201).at("/data")
}

async fn bodies(who: &Client, at: &str) -> Vec<String> {
    let listed = who.get(at).await.ok().at("/data");
    listed.as_array().expect("a list").iter().map(|one| one["body"].as_str().expect("a body").to_owned()).collect()
}

async fn inbox(who: &Client) -> Vec<String> {
    let all = who.get("/api/notifications").await.ok().at("/notifications");
    all.as_array().expect("a list").iter().map(|one| one["text"].as_str().expect("a text").to_owned()).collect()
}

async fn deed(who: &Client, path: &str, action: &str) -> Reply {
    who.post(&format!("{path}/tasks"), json!({"action": action})).await
}

async fn head(who: &Client, collection: &str) -> u64 {
    who.get(&format!("/api/collections/{collection}/changes")).await.ok().at("/head").as_u64().expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_is_talked_about() {
    TestApp::on_each_engine(async |app| {
        let world = world(app).await;
        let World { anna, bob, carl, dora, asked, .. } = &world;
        let at = world.comments();
        let mut socket = dora.listen().await;
        socket.subscribe(&asked.parent, None).await;

        // Its author and who looks at it get a letter, whoever follows the collection finds it in the inbox.
        let first = say(dora, &at, json!({"body": "Why this name?"})).await;
        app.settle().await;
        let subject = "dora commented on the pull request “Better names” to Payments";
        let letter = app.mail_to(&bob.email).await;
        assert_eq!(letter.subject, subject);
        assert!(letter.text.contains(&format!("{}#comments", asked.path.replace("/api", ""))), "{}", letter.text);
        assert!(letter.text.contains("you made the pull request"), "{}", letter.text);
        let letter = app.mail_to(&carl.email).await;
        assert!(letter.subject == subject && letter.text.contains("you look at the pull request"), "{}", letter.text);
        assert!(app.mails_to(&anna.email).await.is_empty() && app.mails_to(&dora.email).await.is_empty());
        for who in [anna, bob, carl] {
            assert_eq!(inbox(who).await[0], subject, "{}", who.name);
        }

        // Who is in the thread hears of the answer, and who is mentioned.
        let answer = say(bob, &at, json!({"body": "@anna said so.", "threadId": first["threadId"]})).await;
        app.settle().await;
        assert_eq!(app.mail_to(&dora.email).await.subject, "bob answered in a thread on the pull request “Better names” to Payments");
        assert_eq!(app.mail_to(&anna.email).await.subject, "bob mentioned you on the pull request “Better names” to Payments");
        assert_eq!(app.mail_to(&carl.email).await.subject, "bob commented on the pull request “Better names” to Payments");
        assert!(app.mails_to(&bob.email).await.is_empty());
        assert_eq!(bodies(carl, &at).await, ["@anna said so.", "Why this name?"]);
        for collection in [&asked.parent, &asked.copy] {
            assert!(bodies(anna, &format!("/api/collections/{collection}/comments")).await.is_empty(), "each thing has its own");
        }

        // Changed, resolved, opened again, taken away: as elsewhere.
        let of = |comment: &Value| format!("{at}/{}", comment["id"]);
        bob.put(&of(&answer), json!({"body": "Anna said so."}).to_string()).await.ok();
        dora.put(&of(&answer), json!({"body": "No"}).to_string()).await.refused(403, "forbidden");
        let thread = format!("/api/comments-resolutions/{}", first["threadId"]);
        carl.post(&thread, json!({})).await.status(204);
        assert_eq!(dora.get(&at).await.ok().at("/data/0/status"), "Resolved");
        let page = dora.get(&asked.path.replace("/api", "")).await.ok().text;
        assert!(page.contains("Why this name?") && page.contains("Anna said so.") && page.contains("Resolved"), "{page}");
        carl.delete(&thread).await.status(204);
        let nowhere = format!("/api/collections/{}/comments/{}", asked.parent, first["id"]);
        dora.delete(&nowhere).await.refused(404, "not_found");
        dora.delete(&of(&answer)).await.refused(403, "forbidden");
        anna.delete(&of(&answer)).await.status(204);
        let once = |text: &str| bob.ask("POST", &at).json(json!({"body": text}).to_string()).header("idempotency-key", "once");
        assert_eq!(once("again").await.status(201).text, once("again").await.status(201).text);
        assert_eq!(bodies(anna, &at).await, ["again", "Why this name?"]);

        // It came live, without what was said, and as no change.
        app.settle().await;
        let heard: Vec<Value> = socket.heard().await.into_iter().filter(|frame| frame["type"] == "postroom.collection.commented").collect();
        let done: Vec<&str> = heard.iter().map(|frame| frame["data"]["op"].as_str().expect("an op")).collect();
        assert_eq!(done, ["create", "create", "update", "resolve", "reopen", "delete", "create"]);
        assert_eq!(heard[0]["data"]["pull"]["title"], "Better names");
        assert!(!json!(heard).to_string().contains("Why this"), "{heard:?}");
        assert_eq!(head(anna, &asked.parent).await, 1);
        let feed = dora.get(&format!("/api/teams/{}/feed?kind=comment", world.team.id)).await.ok();
        assert_eq!(feed.at("/entries/0/pull/title"), "Better names");
        let feed = dora.get(&format!("/teams/{}/feed", world.team.id)).await.ok().text;
        assert!(feed.contains("commented on pull request") && feed.contains(&asked.path.replace("/api", "")), "{feed}");

        // Merged, it can still be talked about. What was said goes with the collection, and comes back with it.
        deed(anna, &asked.path, "merge").await.ok();
        say(carl, &at, json!({"body": "Good."})).await;
        bob.delete(&format!("/api/collections/{}", asked.copy)).await.ok();
        assert_eq!(bodies(dora, &at).await.len(), 3, "the fork is not needed");
        anna.delete(&format!("/api/collections/{}", asked.parent)).await.ok();
        dora.get(&at).await.refused(404, "not_found");
        dora.post(&at, json!({"body": "Late"})).await.refused(404, "not_found");
        anna.post(&format!("/api/trash/{}/restore", asked.parent), json!({})).await.ok();
        assert_eq!(bodies(dora, &at).await.len(), 3);
        app.mails().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sees_one_side_only_hears_nothing_of_what_is_said() {
    TestApp::on_each_engine(async |app| {
        let world = world(app).await;
        let World { anna, bob, carl, dora, asked, team } = &world;
        let (at, page) = (world.comments(), asked.path.replace("/api", ""));
        let said = say(carl, &at, json!({"body": "@dora, look"})).await;
        app.mails().await;
        // Dora follows the destination, is in the thread, and sees the fork no longer.
        let mut socket = dora.listen().await;
        socket.subscribe(&asked.parent, None).await;
        dora.put(&format!("/api/collections/{}/subscription", asked.parent), json!({"mail": "now"}).to_string()).await.ok();
        let before = inbox(dora).await.len();
        world.hide(&asked.copy, dora).await;
        let thread = format!("/api/comments-resolutions/{}", said["threadId"]);
        for refused in [
            dora.get(&at).await,
            dora.post(&at, json!({"body": "x"})).await,
            dora.put(&format!("{at}/{}", said["id"]), json!({"body": "x"}).to_string()).await,
            dora.delete(&format!("{at}/{}", said["id"])).await,
            dora.post(&thread, json!({})).await,
        ] {
            refused.refused(404, "not_found");
        }
        dora.get(&page).await.status(404);
        let tag = json!({"@dora": {"type": "user", "id": dora.id}});
        bob.post(&at, json!({"body": "x", "tags": tag})).await.refused(422, "rejected");
        say(bob, &at, json!({"body": "secret @dora", "threadId": said["threadId"]})).await;
        carl.post(&thread, json!({})).await.status(204);
        app.settle().await;
        assert!(app.mails_to(&dora.email).await.is_empty());
        assert_eq!(inbox(dora).await.len(), before);
        assert!(socket.heard().await.iter().all(|frame| frame["type"] != "postroom.collection.commented"));
        for feed in [format!("/api/teams/{}/feed?kind=comment", team.id), "/api/feed?kind=comment".to_owned()] {
            assert_eq!(dora.get(&feed).await.ok().at("/entries"), json!([]), "{feed}");
        }
        let feed = dora.get(&format!("/teams/{}/feed", team.id)).await.ok().text;
        assert!(!feed.contains("Better names"), "{feed}");
        // The other side is hidden: the same. A fork that is gone hides nothing.
        world.hide(&asked.parent, carl).await;
        carl.get(&at).await.refused(404, "not_found");
        app.mails().await;
        bob.delete(&format!("/api/collections/{}", asked.copy)).await.ok();
        app.settle().await;
        app.advance("PT2184H").await;
        app.settle().await;
        let (anna, bob) = (app.sign_in(&anna.name).await, app.sign_in(&bob.name).await);
        app.mails().await;
        say(&anna, &at, json!({"body": "@bob, shall we?"})).await;
        assert_eq!(app.mail_to(&bob.email).await.subject, "anna mentioned you on the pull request “Better names” to Payments");
        // What is deleted for ever goes with what was said about it.
        anna.delete(&format!("/api/collections/{}", asked.parent)).await.ok();
        app.settle().await;
        app.advance("PT2184H").await;
        app.settle().await;
        let keys = app.table_keys().await.into_iter();
        assert_eq!(keys.filter(|(pk, sk)| pk.starts_with("THREAD#") || sk.starts_with("SAID#")).count(), 0);
        app.mails().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_is_merged_once_however_many_do_it_at_once() {
    TestApp::on_each_engine(async |app| {
        let world = world(app).await;
        let World { anna, bob, asked, .. } = &world;
        let (one, two) = (app.sign_in("anna").await, app.sign_in("bob").await);
        let before = head(anna, &asked.parent).await;
        let all: [&Client; 4] = [anna, &one, bob, &two];
        let answers = futures::future::join_all(all.into_iter().map(|who| deed(who, &asked.path, "merge"))).await;
        let done = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(done, 1, "{answers:?}");
        for late in answers.iter().filter(|answer| answer.status != 200) {
            let code = late.at("/code");
            assert!(late.status == 409 && ["pull_merged", "pull_changed"].contains(&code.as_str().expect("a code")), "{late}");
        }
        assert_eq!(head(anna, &asked.parent).await, before + 1, "one change");
        assert_eq!(anna.get(&asked.path).await.ok().at("/status"), "merged");
        let told = app.mails_to(&bob.email).await;
        assert!(told.iter().filter(|mail| mail.text.contains("merged your pull request")).count() <= 1, "{told:?}");
        app.mails().await;
    })
    .await;
}

/// Runs a test on both engines with calls that can be held.
async fn with_faults(test: impl AsyncFn(&TestApp, &Faults)) {
    for dynamodb in [None, Some(TestApp::second_engine())] {
        let faults = Faults::new();
        let app = TestApp::with(Options { dynamodb, ..faults.options() }).await;
        test(&app, &faults).await;
        app.finish().await;
    }
}

/// Begins something, holds what it writes, does something else, and lets the first go on.
async fn overtaken(faults: &Faults, first: impl Future<Output = Reply>, then: impl AsyncFnOnce()) -> Reply {
    faults.hold("TransactWriteItems");
    let overtaking = async {
        faults.hanging().await;
        then().await;
        faults.release();
    };
    let (answer, ()) = tokio::join!(first, overtaking);
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_and_a_decline_at_once_end_with_one_of_them() {
    with_faults(async |app, faults| {
        let world = world(app).await;
        let World { anna, bob, carl, asked, .. } = &world;
        // The stream is quiet: what is held next is what the test means.
        let before = head(anna, &asked.parent).await;
        app.settle().await;
        let merge = overtaken(faults, deed(anna, &asked.path, "merge"), async || {
            deed(carl, &asked.path, "decline").await.ok();
        });
        merge.await.refused(409, "pull_changed");
        assert_eq!(head(anna, &asked.parent).await, before, "nothing is half merged");
        assert_eq!(anna.get(&asked.path).await.ok().at("/status"), "declined");
        // What is declined is not merged either by whoever comes a moment later.
        deed(anna, &asked.path, "merge").await.refused(409, "pull_declined");
        assert_eq!(head(anna, &asked.parent).await, before);

        deed(carl, &asked.path, "approve").await.ok();
        app.settle().await;
        let decline = overtaken(faults, deed(carl, &asked.path, "decline"), async || {
            deed(anna, &asked.path, "merge").await.ok();
        });
        decline.await.refused(409, "pull_changed");
        assert_eq!(head(anna, &asked.parent).await, before + 1);
        assert_eq!(bob.get(&asked.path).await.ok().at("/status"), "merged");
        app.mails().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_for_what_was_looked_at() {
    with_faults(async |app, faults| {
        let world = world(app).await;
        let World { anna, bob, carl, asked, .. } = &world;
        let review = async || carl.get(&asked.path).await.ok().at("/reviewers/0");
        app.settle().await;
        // The fork is edited while the approval is written.
        let approval = overtaken(faults, deed(carl, &asked.path, "approve"), async || {
            rename(bob, &asked.copy, "request 2", "behind your back").await;
        });
        approval.await.ok();
        assert_eq!((review().await["status"].clone(), review().await["outdated"].clone()), (json!("approved"), json!(true)));
        // The fork was edited since the page was opened.
        let seen = head(bob, &asked.copy).await;
        rename(bob, &asked.copy, "request 0", "once more").await;
        let late = json!({"action": "approve", "seen": seen});
        carl.post(&format!("{}/tasks", asked.path), late.clone()).await.ok();
        assert_eq!(review().await["outdated"], true);
        // Nobody has seen what is not there yet.
        let future = json!({"action": "approve", "seen": seen + 100});
        carl.post(&format!("{}/tasks", asked.path), future).await.ok();
        assert_eq!(review().await["outdated"], false);
        rename(bob, &asked.copy, "once more", "and again").await;
        assert_eq!(review().await["outdated"], true);
        // Two who say something at the same time: both count, the second looks again.
        app.settle().await;
        let approval = overtaken(faults, deed(carl, &asked.path, "approve"), async || {
            deed(anna, &asked.path, "approve").await.ok();
        });
        approval.await.refused(409, "pull_changed");
        deed(carl, &asked.path, "approve").await.ok();
        assert_eq!(review().await["outdated"], false);
        app.mails().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_said_about_a_pull_request_that_is_none() {
    let app = TestApp::start().await;
    let world = world(&app).await;
    for nothing in ["nonsense", "a%20b", "018f0000-0000-7000-8000-000000000000"] {
        let at = format!("/api/pull-requests/{nothing}/comments");
        world.anna.get(&at).await.refused(404, "not_found");
        world.anna.post(&at, json!({"body": "x"})).await.refused(404, "not_found");
        world.anna.delete(&format!("{at}/1")).await.refused(404, "not_found");
    }
    world.anna.post(&world.comments(), json!({"body": ""})).await.refused(422, "rejected");
    let other = say(&world.anna, &format!("/api/collections/{}/comments", world.asked.parent), json!({"body": "elsewhere"})).await;
    let wrong = world.anna.post(&world.comments(), json!({"body": "x", "threadId": other["threadId"]})).await.refused(422, "rejected");
    assert_eq!(wrong.at("/errors/0/pointer"), "/threadId");
    let reader = app.api_key(&world.bob, "read").await;
    assert!(bodies(&reader, &world.comments()).await.is_empty());
    reader.post(&world.comments(), json!({"body": "x"})).await.refused(403, "forbidden");
    app.mails().await;
    app.finish().await;
}

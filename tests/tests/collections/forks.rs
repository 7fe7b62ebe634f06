//! Forks: made, brought up to date, merged back; what both sides changed; and a kill in the middle.

use serde_json::{Value, json};
use tests::faults::{Fault, Faults};
use tests::{Reply, TestApp, User, samples};

use crate::assert_gapless;

/// A collection's JSON without what is each collection's own: its id.
async fn content(who: &User, collection: &str) -> Value {
    let mut whole = who.get(&format!("/api/collections/{collection}?bare=true")).await.ok().json();
    whole["info"].as_object_mut().expect("info").remove("_postman_id");
    whole
}

pub(crate) async fn fork(who: &User, collection: &str, workspace: &str, label: &str) -> String {
    let made = who.post(&format!("/api/collections/fork/{collection}?workspace={workspace}"), json!({"label": label})).await.ok();
    made.at("/collection/id").as_str().expect("an id").to_owned()
}

/// A collection in one's own workspace.
async fn own(who: &User, file: String) -> String {
    who.post_text("/api/collections", file).await.ok().at("/collection/id").as_str().expect("an id").to_owned()
}

async fn pull(who: &User, fork: &str, settled: Value) -> Reply {
    who.put(&format!("/api/collections/{fork}/pulls"), settled.to_string()).await
}

pub(crate) async fn merge(who: &User, source: &str, destination: &str, more: Value) -> Reply {
    let mut body = json!({"source": source, "destination": destination, "strategy": "updateSourceWithDestination"});
    body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    who.post("/api/collections/merge", body).await
}

pub(crate) async fn rename(who: &User, collection: &str, from: &str, to: &str) {
    let item = who.item_named(collection, from).await;
    who.patch(&format!("/api/collections/{collection}/items/{item}"), json!({"name": to}).to_string()).await.ok();
}

async fn set_url(who: &User, collection: &str, name: &str, url: &str) {
    let item = who.item_named(collection, name).await;
    who.patch(&format!("/api/collections/{collection}/items/{item}"), json!({"request": {"url": url}}).to_string()).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_is_made_brought_up_to_date_and_merged_back() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let team = app.team(&anna, 3).await;
        let bob = app.join(&team, "bob", "viewer").await;
        let own = bob.get("/api/workspaces?type=personal").await.ok().at("/workspaces/0/id").as_str().unwrap().to_owned();
        let parent = anna.import(&team.workspace, samples::of_requests("Payments", 5)).await;
        bob.post(&format!("/api/collections/fork/{parent}?workspace={own}"), json!({"label": " "})).await.refused(422, "rejected");
        bob.post(&format!("/api/collections/fork/{parent}?workspace={}", team.workspace), json!({"label": "x"}))
            .await
            .refused(403, "forbidden");
        let copy = fork(&bob, &parent, &own, "Bob's try").await;
        assert_eq!(content(&bob, &copy).await, content(&anna, &parent).await);
        let listed = bob.get(&format!("/api/collections?workspace={own}")).await.ok();
        assert_eq!(listed.at("/collections/0/fork/label"), "Bob's try");

        // Each sees the forks that they may see.
        let forks = bob.get(&format!("/api/collections/{parent}/forks")).await.ok();
        assert_eq!(
            (forks.at("/data/0/forkName"), forks.at("/data/0/createdBy"), forks.at("/meta/total")),
            (json!("Bob's try"), json!("bob"), json!(1))
        );
        assert_eq!(anna.get(&format!("/api/collections/{parent}/forks")).await.ok().at("/meta/total"), 0);
        let mine = bob.get("/api/collections/collection-forks").await.ok();
        assert!(mine.at("/data/0/sourceId").as_str().unwrap().ends_with(&parent));

        // Both go on; what does not overlap meets.
        rename(&bob, &copy, "request 1", "renamed by bob").await;
        rename(&anna, &parent, "request 2", "renamed by anna").await;
        set_url(&anna, &parent, "request 1", "https://anna.example").await;
        let before = anna.get(&format!("/api/collections/{parent}/changes")).await.ok().at("/head");
        pull(&bob, &copy, json!({})).await.ok();
        pull(&bob, &copy, json!({})).await.ok();
        let got = content(&bob, &copy).await.to_string();
        assert!(got.contains("renamed by bob") && got.contains("renamed by anna") && got.contains("https://anna.example"), "{got}");
        let told = bob.get(&format!("/api/collections/{copy}/changes?since=2")).await.ok();
        assert_eq!(
            (told.at("/changes/0/op"), told.at("/changes/0/merged"), told.at("/head")),
            (json!("import"), json!("Payments"), json!(3))
        );

        // Only who edits the parent merges into it.
        merge(&bob, &copy, &parent, json!({})).await.refused(403, "forbidden");
        merge(&anna, &copy, &parent, json!({})).await.refused(404, "not_found");
        let role = json!({"roles": [{"op": "update", "path": "/user", "value": [{"id": bob.id, "role": "EDITOR"}]}]});
        anna.patch(&format!("/api/collections/{parent}/roles"), role.to_string()).await.status(204);
        merge(&bob, &copy, &parent, json!({"strategy": "burn"})).await.refused(422, "rejected");
        merge(&bob, &parent, &parent, json!({})).await.refused(400, "not_a_fork");
        merge(&bob, &copy, &parent, json!({})).await.ok();
        assert_eq!(content(&anna, &parent).await, content(&bob, &copy).await);
        let told = anna.get(&format!("/api/collections/{parent}/changes?since={before}")).await.ok();
        assert_eq!((told.at("/changes/0/merged"), told.at("/changes/0/counts/updated")), (json!("Bob's try"), json!(1)));
        assert_eq!(told.at("/changes").as_array().unwrap().len(), 1, "one change, however many elements");
        // Once more changes nothing; what was before can be seen and brought back.
        merge(&bob, &copy, &parent, json!({})).await.ok();
        assert_eq!(
            anna.get(&format!("/api/collections/{parent}/changes?since={before}")).await.ok().at("/head").as_u64(),
            before.as_u64().map(|seq| seq + 1)
        );
        let was = anna.get(&format!("/api/collections/{parent}/at/{before}")).await.ok();
        assert!(was.text.contains("\"request 1\"") && !was.text.contains("renamed by bob"), "{was}");

        // As a task, and with the fork's end.
        rename(&bob, &copy, "request 3", "third").await;
        let task = bob
            .put("/api/collection-merges", json!({"source": copy, "destination": parent, "strategy": "deleteSource"}).to_string())
            .await
            .ok();
        assert_eq!(task.at("/task/status"), "successful");
        let task = format!("/api/collection-merges-tasks/{}", task.at("/task/id").as_str().unwrap());
        assert_eq!(bob.get(&task).await.ok().at("/status"), "successful");
        app.user("eve").await.get(&task).await.refused(404, "not_found");
        bob.get("/api/collection-merges-tasks/nonsense").await.refused(404, "not_found");
        bob.get(&format!("/api/collections/{copy}")).await.refused(404, "not_found");
        assert!(content(&anna, &parent).await.to_string().contains("third"));
        let mine = bob.get("/api/collections/collection-forks").await.ok();
        assert_eq!((mine.at("/meta/total"), mine.at("/meta/inaccessibleFork")), (json!(0), json!(1)));
        let changes = anna.changes(&parent, 0).await;
        assert_gapless(&changes, changes.len() as u64);
        app.mails().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_both_sides_changed_is_chosen_by_somebody() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let parent = own(&anna, samples::of_requests("Payments", 4)).await;
        let workspace = anna.get("/api/collections?name=Payments").await.ok().at("/collections/0/workspace").as_str().unwrap().to_owned();
        let copy = fork(&anna, &parent, &workspace, "try").await;
        for (collection, who) in [(&copy, "mine"), (&parent, "theirs")] {
            set_url(&anna, collection, "request 1", &format!("https://{who}.example")).await;
            rename(&anna, collection, "request 2", who).await;
        }
        let gone = anna.item_named(&copy, "request 3").await;
        anna.delete(&format!("/api/collections/{copy}/items/{gone}")).await.ok();
        set_url(&anna, &parent, "request 3", "https://later.example").await;
        let refused = pull(&anna, &copy, json!({})).await.refused(409, "conflict");
        let conflicts = refused.at("/conflicts");
        assert_eq!(conflicts.as_array().unwrap().len(), 3, "{conflicts}");
        assert_eq!(refused.at("/choices"), json!(["mine", "theirs", "merge"]));
        let of = |item: &str| conflicts.as_array().unwrap().iter().find(|clash| clash["item"] == item).unwrap().clone();
        let first = anna.item_named(&parent, "request 1").await;
        let second = anna.item_named(&parent, "theirs").await;
        let url = &of(&first)["conflicts"][0];
        assert!(url["mine"].to_string().contains("mine.example") && url["theirs"].to_string().contains("theirs.example"), "{url}");
        assert_eq!((&of(&first)["clash"], &of(&gone)["clash"]), (&json!("content"), &json!("deletion")));
        // A merge the other way names the same sides, and nothing was written.
        let back = merge(&anna, &copy, &parent, json!({})).await.refused(409, "conflict");
        assert_eq!(back.at("/conflicts"), conflicts);
        for wrong in [
            json!({"choices": [{"item": first, "choice": "both"}]}),
            json!({"choices": [{"item": first, "choice": "merge"}]}),
            json!({"choices": [{"item": "#", "choice": "mine"}]}),
        ] {
            pull(&anna, &copy, wrong).await.refused(422, "rejected");
        }
        pull(&anna, &copy, json!({"others": "nobodys"})).await.refused(422, "rejected");
        let own = json!({"name": "settled", "request": {"method": "PUT", "url": "https://both.example"}, "response": []});
        let settled =
            json!({"choices": [{"item": second, "choice": "merge", "value": own}, {"item": gone, "choice": "theirs"}], "others": "mine"});
        pull(&anna, &copy, settled).await.ok();
        let got = content(&anna, &copy).await.to_string();
        assert!(got.contains("mine.example") && got.contains("both.example") && got.contains("later.example"), "{got}");
        merge(&anna, &copy, &parent, json!({})).await.ok();
        assert_eq!(content(&anna, &parent).await, content(&anna, &copy).await);
        // What lost stands in the history.
        let history = anna.get(&format!("/api/collections/{parent}/items/{first}/history")).await.ok();
        assert!(history.text.contains("theirs.example"), "{history}");
        app.mails().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_fork_merges_in_one_change() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let parent = own(&anna, samples::of_requests("Large", 120)).await;
        let workspace = anna.get("/api/collections").await.ok().at("/collections/0/workspace").as_str().unwrap().to_owned();
        let copy = fork(&anna, &parent, &workspace, "large").await;
        let mut whole = anna.get(&format!("/api/collections/{copy}?bare=true")).await.ok().json();
        for item in whole["item"].as_array_mut().unwrap() {
            item["name"] = json!(format!("{} of the fork", item["name"].as_str().unwrap()));
        }
        anna.put(&format!("/api/collections/{copy}"), whole.to_string()).await.ok();
        set_url(&anna, &parent, "request 7", "https://parent.example").await;
        merge(&anna, &copy, &parent, json!({"strategy": "updateSourceWithDestination"})).await.ok();
        let changes = anna.get(&format!("/api/collections/{parent}/changes?since=2")).await.ok();
        assert_eq!((changes.at("/head"), changes.at("/changes/0/counts/updated")), (json!(3), json!(120)));
        assert!(content(&anna, &parent).await.to_string().contains("parent.example"));
        assert_eq!(content(&anna, &parent).await, content(&anna, &copy).await);
        // Old states that nobody needs go; what both have in common stays, and the next merge works.
        app.advance("PT2400H").await;
        let anna = app.sign_in("anna").await;
        rename(&anna, &copy, "request 1 of the fork", "once more").await;
        merge(&anna, &copy, &parent, json!({})).await.ok();
        assert!(content(&anna, &parent).await.to_string().contains("once more"));
        app.mails().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fork_or_a_merge_that_dies_is_as_if_it_had_not_begun() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut faults = Faults::new();
    let mut app = TestApp::in_folder(folder.path(), faults.options()).await;
    let mut anna = app.user("anna").await;
    let parent = own(&anna, samples::of_requests("Payments", 60)).await;
    let workspace = anna.get("/api/collections").await.ok().at("/collections/0/workspace").as_str().unwrap().to_owned();
    let copy = fork(&anna, &parent, &workspace, "kept").await;
    for number in 0..60 {
        rename(&anna, &copy, &format!("request {number}"), &format!("new {number}")).await;
    }
    let (before, after) = (content(&anna, &parent).await, content(&anna, &copy).await);
    for (method, path, body) in [
        ("POST", format!("/api/collections/fork/{parent}?workspace={workspace}"), json!({"label": "lost"})),
        (
            "POST",
            "/api/collections/merge".to_owned(),
            json!({"source": copy, "destination": parent, "strategy": "updateSourceWithDestination"}),
        ),
    ] {
        app.settle().await;
        faults.reset();
        faults.later("TransactWriteItems", 0, 1_000, Fault::Hang);
        let (asker, body) = (anna.clone(), body.to_string());
        let asking = tokio::spawn(async move { asker.ask(method, &path).json(body).await });
        faults.hanging().await;
        app.kill();
        asking.abort();
        faults = Faults::new();
        app = TestApp::in_folder(folder.path(), faults.options()).await;
        anna = app.sign_in("anna").await;
        assert_eq!(content(&anna, &parent).await, before);
        assert_eq!(anna.get(&format!("/api/collections/{parent}/forks")).await.ok().at("/meta/total"), 1);
    }
    // What was begun goes, what is needed stays.
    app.advance("PT2H").await;
    app.settle().await;
    let anna = app.sign_in("anna").await;
    let generations = app.table_keys().await.into_iter().filter(|(_, sk)| sk.starts_with("GEN#")).count();
    assert_eq!(generations, 0);
    merge(&anna, &copy, &parent, json!({})).await.ok();
    assert_eq!(content(&anna, &parent).await, after);
    assert_eq!(content(&anna, &copy).await, after);
    app.mails().await;
    app.finish().await;
}

/// A pull request of bob's from a fork into anna's collection, with an editor and a viewer to look at it.
pub(crate) struct Asked {
    pub(crate) parent: String,
    pub(crate) copy: String,
    pub(crate) path: String,
}

pub(crate) async fn ask(anna: &User, bob: &User, reviewers: Value) -> Asked {
    let workspace = anna.get("/api/teams").await.ok().at("/data/0/workspace").as_str().expect("an id").to_owned();
    let parent = anna.import(&workspace, samples::of_requests("Payments", 3)).await;
    let copy = fork(bob, &parent, &workspace, "Bob's try").await;
    rename(bob, &copy, "request 1", "renamed by bob").await;
    let body = json!({"title": "Better names", "description": "As we said.", "reviewers": reviewers, "destinationId": parent});
    let made = bob.post(&format!("/api/collections/{copy}/pull-requests"), body).await.ok();
    assert_eq!((made.at("/status"), made.at("/forkType")), (json!("open"), json!("collection")));
    let path = format!("/api/pull-requests/{}", made.at("/id").as_str().expect("an id"));
    Asked { parent, copy, path }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_is_looked_at_and_merged() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let team = app.team(&anna, 5).await;
        let (bob, carl) = (app.join(&team, "bob", "editor").await, app.join(&team, "carl", "viewer").await);
        let (dora, eve) = (app.join(&team, "dora", "viewer").await, app.user("eve").await);
        let Asked { parent, copy, path } = ask(&anna, &bob, json!([carl.id.to_string()])).await;

        // Who is asked hears of it, once.
        let mails = app.mails_to("carl@example.com").await;
        let asked: Vec<_> = mails.iter().filter(|mail| mail.subject.contains("pull request")).collect();
        assert!(asked.len() == 1 && asked[0].text.contains("Better names"), "{asked:?}");
        assert!(asked[0].headers["List-Unsubscribe"].contains("/api/unsubscribe?token="), "{:?}", asked[0].headers);
        let inbox = carl.get("/api/notifications").await.ok();
        assert!(inbox.text.contains("asks you to look at the pull request Better names"), "{inbox}");

        let shown = carl.get(&format!("{path}?changes=true")).await.ok();
        assert_eq!((shown.at("/source/forkName"), shown.at("/source/exists")), (json!("Bob's try"), json!(true)));
        assert_eq!((shown.at("/total"), shown.at("/changes/0/op"), shown.at("/conflicts")), (json!(1), json!("update"), json!([])));
        assert_eq!(shown.at("/changes/0/changes/0/pointer"), "/name");
        for who in [&copy, &parent] {
            let list = dora.get(&format!("/api/collections/{who}/pull-requests")).await.ok();
            assert_eq!((list.at("/data/0/title"), list.at("/data/0/status")), (json!("Better names"), json!("open")));
        }
        eve.get(&path).await.refused(404, "not_found");

        // Who may say what.
        let deed = async |who: &User, action: &str| who.post(&format!("{path}/tasks"), json!({"action": action})).await;
        deed(&eve, "approve").await.refused(404, "not_found");
        deed(&dora, "approve").await.refused(403, "forbidden");
        deed(&bob, "approve").await.refused(403, "forbidden");
        deed(&carl, "merge").await.refused(403, "forbidden");
        deed(&carl, "burn").await.refused(422, "rejected");
        let approved = deed(&carl, "approve").await.ok();
        assert_eq!((approved.at("/status"), approved.at("/reviewedBy/username")), (json!("approved"), json!("carl")));
        assert_eq!(deed(&carl, "unapprove").await.ok().at("/status"), "open");
        deed(&carl, "approve").await.ok();
        assert_eq!(carl.get(&path).await.ok().at("/reviewers/0/outdated"), false);
        rename(&bob, &copy, "request 2", "a later edit").await;
        assert_eq!(carl.get(&path).await.ok().at("/reviewers/0/outdated"), true, "it is not what was approved any more");

        // What it says changes; a reviewer who was there is not asked twice.
        dora.put(&path, json!({"title": "Mine", "reviewers": []}).to_string()).await.refused(403, "forbidden");
        let wrong = json!({"title": "", "reviewers": ["x", bob.id, eve.id], "description": "x".repeat(10_001)});
        let wrong = bob.put(&path, wrong.to_string()).await.refused(422, "rejected");
        let pointers: Vec<Value> = wrong.at("/errors").as_array().unwrap().iter().map(|error| error["pointer"].clone()).collect();
        assert_eq!(pointers, ["/title", "/description", "/reviewers/0", "/reviewers/1", "/reviewers/2"]);
        let both = json!({"title": "Best names", "reviewers": [carl.id, anna.id]});
        assert_eq!(bob.put(&path, both.to_string()).await.ok().at("/title"), "Best names");
        assert_eq!(app.mails_to("carl@example.com").await.iter().filter(|mail| mail.subject.contains("pull request")).count(), 0);
        assert_eq!(app.mails_to("anna@example.com").await.iter().filter(|mail| mail.subject.contains("pull request waits")).count(), 1);

        // A conflict is named, and chosen with the merge.
        rename(&anna, &parent, "request 1", "renamed by anna").await;
        assert_eq!(anna.get(&format!("{path}?changes=true")).await.ok().at("/conflicts/0/conflicts/0/pointer"), "/name");
        deed(&anna, "merge").await.refused(409, "conflict");
        assert_eq!(anna.get(&path).await.ok().at("/status"), "approved");
        let merged = anna.post(&format!("{path}/tasks"), json!({"action": "merge", "others": "mine"})).await.ok();
        assert_eq!(merged.at("/status"), "merged");
        let got = content(&anna, &parent).await.to_string();
        assert!(got.contains("renamed by bob") && got.contains("a later edit") && !got.contains("renamed by anna"), "{got}");
        for action in ["merge", "decline", "approve"] {
            deed(&anna, action).await.refused(409, "pull_merged");
        }
        let told = app.mails_to("bob@example.com").await;
        assert_eq!(told.iter().filter(|mail| mail.text.contains("anna merged your pull request")).count(), 1);
        // With the fork gone, the request is still there.
        bob.delete(&format!("/api/collections/{copy}")).await.ok();
        assert_eq!(anna.get(&path).await.ok().at("/source/exists"), false);
        app.mails().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_see_a_collection_hears_nothing_of_its_pull_requests() {
    let app = TestApp::start().await;
    let anna = app.user("anna").await;
    let team = app.team(&anna, 4).await;
    let (bob, carl) = (app.join(&team, "bob", "editor").await, app.join(&team, "carl", "viewer").await);
    let Asked { parent, path, .. } = ask(&anna, &bob, json!([])).await;
    let hide = json!({"roles": [{"op": "update", "path": "/user", "value": [{"id": carl.id, "role": "NONE"}]}]});
    anna.patch(&format!("/api/collections/{parent}/roles"), hide.to_string()).await.status(204);
    carl.get(&path).await.refused(404, "not_found");
    bob.put(&path, json!({"title": "Look", "reviewers": [carl.id]}).to_string()).await.refused(422, "rejected");
    app.settle().await;
    assert!(!app.mails_to("carl@example.com").await.iter().any(|mail| mail.subject.contains("pull request")));
    // Its author takes it back, and it can be asked again.
    let back = bob.post(&format!("{path}/tasks"), json!({"action": "decline", "comment": "Not yet."})).await.ok();
    assert_eq!(back.at("/status"), "declined");
    assert_eq!(anna.get(&path).await.ok().at("/comment"), "Not yet.");
    assert_eq!(anna.post(&format!("{path}/tasks"), json!({"action": "approve"})).await.ok().at("/status"), "approved");
    app.mails().await;
    app.finish().await;
}

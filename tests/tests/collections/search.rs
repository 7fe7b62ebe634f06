//! The library: found by a few words, by tags, by stars.

use serde_json::{Value, json};
use tests::faults::Faults;
use tests::{Client, Reply, TestApp, samples};

fn request(name: &str, method: &str, url: &str, description: &str) -> Value {
    json!({"name": name, "request": {"method": method, "url": url, "description": description}})
}

fn shop() -> String {
    let file = json!({
        "info": {"name": "Shop", "description": "Everything about Aufträge", "schema": samples::SCHEMA},
        "item": [
            {"name": "Orders", "description": {"content": "What customers bought"}, "item": [
                request("Récupérer une commande", "GET", "https://api.example.com/v1/orders/{{id}}", "Reads one order."),
                request("New order", "POST", "https://api.example.com/v1/orders", ""),
            ]},
            request("Ping", "GET", "https://status.example.com/ping", "Says whether orders are taken."),
        ],
    });
    file.to_string()
}

async fn search(who: &Client, q: &str) -> Reply {
    let q: String = q.bytes().map(|b| format!("%{b:02x}")).collect();
    who.get(&format!("/api/search?q={q}")).await.ok()
}

async fn names(who: &Client, q: &str) -> Vec<String> {
    let found = search(who, q).await.json();
    let results = found["results"].as_array().expect("results");
    assert_eq!(found["total"], results.len(), "{found}");
    results.iter().map(|one| one["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn what_one_types_is_found_and_what_changed_since_too() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let team = app.team(&anna, 3).await;
        let bob = app.join(&team, "bob", "editor").await;
        let shop = anna.import(&team.workspace, shop()).await;
        bob.post_text("/api/collections", samples::of_requests("Bob's own", 2)).await.ok();

        assert_eq!(names(&bob, "order").await, ["Orders", "New order", "Récupérer une commande", "Ping"], "the best first");
        assert_eq!(names(&bob, "RECUPERER").await, ["Récupérer une commande"]);
        assert_eq!(names(&bob, "auftrage").await, ["Shop"]);
        assert_eq!(names(&bob, "method:get url:/v1/").await, ["Récupérer une commande"]);
        assert_eq!(names(&bob, "order -type:folder method:POST").await, ["New order"]);
        assert_eq!(names(&bob, "\"customers bought\"").await, ["Orders"]);
        assert_eq!(names(&bob, "author:bob type:collection").await, ["Bob's own"]);
        assert_eq!(names(&bob, "in:orders method:post").await, ["New order"]);
        assert!(names(&bob, "").await.is_empty());
        assert!(names(&anna, "bob's").await.is_empty(), "what is in Bob's workspace is his");

        let found = search(&bob, "customers").await.json();
        let hit = &found["results"][0];
        assert_eq!(hit["match"], json!({"field": "description", "before": "What ", "text": "customers", "after": " bought"}));
        assert_eq!(
            (&hit["kind"], &hit["collection"]["name"], &hit["author"]["username"]),
            (&json!("folder"), &json!("Shop"), &json!("anna"))
        );
        let found = search(&bob, "new").await.json();
        assert_eq!(found["results"][0]["path"], json!(["Orders"]));

        // Bob changes one: found at once under its new name, and as his.
        let ping = anna.item_named(&shop, "Ping").await;
        let path = format!("/api/collections/{shop}");
        bob.patch(&format!("{path}/items/{ping}"), json!({"name": "Health"}).to_string()).await.ok();
        assert_eq!(names(&anna, "health").await, ["Health"]);
        assert!(names(&anna, "name:ping").await.is_empty());
        assert_eq!(names(&anna, "by:bob").await, ["Health"]);
        anna.post(&format!("{path}/items"), samples::request("Brand new")).await.ok();
        assert_eq!(names(&bob, "brand").await, ["Brand new"]);
        let orders = anna.item_named(&shop, "Orders").await;
        anna.delete(&format!("{path}/items/{orders}")).await.ok();
        assert_eq!(names(&bob, "order").await, ["Health"], "what stood in the folder went with it");
        let copied = anna.post(&format!("{path}/restore"), json!({"seq": 1})).await;
        copied.ok();
        assert_eq!(names(&bob, "order").await.len(), 4);
        anna.put(&path, samples::collection("Shop", &[samples::request("Only this")])).await.ok();
        assert!(names(&bob, "order").await.is_empty());
        assert_eq!(names(&bob, "only").await, ["Only this"]);
        anna.delete(&path).await.ok();
        assert!(names(&bob, "only").await.is_empty());
        app.mails().await;
    })
    .await;
}

#[tokio::test]
async fn nobody_finds_what_they_do_not_see() {
    let app = TestApp::start().await;
    let anna = app.user("anna").await;
    let team = app.team(&anna, 5).await;
    let (bob, carl) = (app.join(&team, "bob", "viewer").await, app.user("carl").await);
    let shop = anna.import(&team.workspace, shop()).await;
    assert_eq!(names(&bob, "orders").await.len(), 4);
    assert!(names(&carl, "orders").await.is_empty());
    assert_eq!(carl.get(&format!("/api/search?q=orders&workspace={}", team.workspace)).await.ok().at("/total"), 0);

    let hide = json!({"roles": [{"op": "update", "path": "/user", "value": [{"id": bob.id, "role": "NONE"}]}]});
    anna.patch(&format!("/api/collections/{shop}/roles"), hide.to_string()).await.status(204);
    assert!(names(&bob, "orders").await.is_empty(), "hidden");
    let body = json!({"q": "orders", "elementType": "requests"});
    assert_eq!(bob.post("/api/search", body.clone()).await.ok().at("/meta/total"), 0);
    anna.put(&format!("/api/collections/{shop}/tags"), json!({"tags": [{"slug": "secret-one"}]}).to_string()).await.ok();
    assert_eq!(bob.get("/api/tags/secret-one/entities").await.ok().at("/meta/count"), 0);

    anna.delete(&format!("/api/teams/{}/members/{}", team.id, bob.id)).await.ok();
    assert!(names(&bob, "orders").await.is_empty());
    // A key for one collection finds what is in it, and nothing else.
    let other = anna.import(&team.workspace, samples::collection("Other orders", &[samples::request("more orders")])).await;
    let key = anna.post("/api/me/api-keys", json!({"name": "one", "scope": "read", "collection": other})).await.ok();
    let bound = app.nobody().with("x-api-key", key.at("/api_key/key").as_str().expect("a key"));
    assert_eq!(names(&bound, "orders").await, ["Other orders", "more orders"]);
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn pages_are_whole_and_follow_each_other() {
    let app = TestApp::start().await;
    let anna = app.user("anna").await;
    let collection = anna.post_text("/api/collections", samples::of_requests("Many", 60)).await.ok();
    assert_eq!(collection.status, 200);
    let mut seen = Vec::new();
    let mut cursor = String::new();
    for page in [25, 25, 10] {
        let found = anna.get(&format!("/api/search?q=request&limit=25{cursor}")).await.ok().json();
        assert_eq!((found["results"].as_array().map(Vec::len), &found["total"]), (Some(page), &json!(60)));
        seen.extend(found["results"].as_array().into_iter().flatten().map(|one| one["id"].clone()));
        cursor = found["cursor"].as_str().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
    }
    assert_eq!(cursor, "");
    let all = seen.len();
    seen.sort_by_key(Value::to_string);
    seen.dedup();
    assert_eq!((all, seen.len()), (60, 60));
    anna.get("/api/search?q=request&cursor=nonsense").await.refused(400, "malformed");
    anna.get(&format!("/api/search?q={}", "x".repeat(600))).await.refused(422, "rejected");

    let body = json!({"q": "request", "elementType": "requests", "filters": {"$and": [{"method": {"$in": ["GET"]}}, {"visibility": {"$eq": "internal"}}]}});
    let found = anna.post("/api/search?limit=5", body).await.ok().json();
    assert_eq!((found["data"].as_array().map(Vec::len), &found["meta"]["total"]), (Some(5), &json!(60)));
    assert!(found["meta"]["nextCursor"].is_string());
    assert_eq!(found["data"][0]["method"], "GET");
    assert_eq!(found["data"][0]["collection"]["name"], "Many");
    for none in [
        json!({"q": "request", "elementType": "requests", "filters": {"$and": [{"method": {"$eq": "POST"}}]}}),
        json!({"q": "request", "elementType": "requests", "filters": {"$and": [{"visibility": {"$eq": "public"}}]}}),
        json!({"q": "request", "elementType": "flows"}),
        json!({"q": "request", "elementType": "requests", "ownership": "external"}),
    ] {
        assert_eq!(anna.post("/api/search", none).await.ok().at("/data"), json!([]));
    }
    assert_eq!(anna.post("/api/search", json!({"q": "many", "elementType": "collections"})).await.ok().at("/meta/total"), 1);
    anna.post("/api/search", json!({"q": "x", "elementType": "cats"})).await.refused(422, "rejected");
    app.finish().await;
}

#[tokio::test]
async fn ten_thousand_elements_are_searched_in_a_few_round_trips() {
    let faults = Faults::new();
    let app = TestApp::with(faults.options()).await;
    let anna = app.user("anna").await;
    let team = app.team(&anna, 1).await;
    let big = anna.import(&team.workspace, samples::of_requests("Big", 9_000)).await;
    for index in 0..10 {
        anna.import(&team.workspace, samples::of_requests(&format!("Small {index}"), 100)).await;
    }
    let item = anna.item_named(&big, "request 4711").await;
    app.settle().await;
    let path = format!("/api/search?q=4711&workspace={}", team.workspace);
    for (what, most) in [("at first", 7), ("again", 4)] {
        faults.reset();
        let found = anna.get(&path).await.ok();
        assert_eq!(found.at("/total"), 1, "{found}");
        let operations = faults.operations();
        assert!(operations.len() <= most, "10,000 elements are searched {what} with {operations:?}");
    }
    // Fifty-one edits later what is searched was written anew behind the stream, and a process that knows nothing reads it.
    for round in 0..51 {
        anna.patch(&format!("/api/collections/{big}/items/{item}"), json!({"name": format!("edited {round}")}).to_string()).await.ok();
    }
    app.settle().await;
    let parts = app.table_keys().await.into_iter().filter(|(pk, sk)| pk.ends_with(&big) && sk.starts_with("INDEX#"));
    assert!(parts.count() >= 1);
    let found = anna.get(&format!("/api/search?q=%22edited%2050%22&workspace={}", team.workspace)).await.ok();
    assert_eq!(found.at("/results/0/id"), item, "{found}");
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn tags_and_stars_sort_the_library() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let team = app.team(&anna, 3).await;
        let bob = app.join(&team, "bob", "editor").await;
        let mut ids = Vec::new();
        for (who, name) in [(&anna, "Çedille"), (&bob, "alpha"), (&anna, "Beta")] {
            ids.push(who.import(&team.workspace, samples::of_requests(name, 1)).await);
        }
        let path = |index: usize, what: &str| format!("/api/collections/{}/{what}", ids[index]);
        let listed = async |who: &Client, more: &str| -> Vec<String> {
            let listed = who.get(&format!("/api/collections?workspace={}&{more}", team.workspace)).await.ok().at("/collections");
            listed.as_array().into_iter().flatten().map(|one| one["name"].as_str().unwrap_or_default().to_owned()).collect()
        };
        assert_eq!(listed(&bob, "sort=name").await, ["alpha", "Beta", "Çedille"]);
        assert_eq!(listed(&bob, "sort=author").await[2], "alpha");
        bob.get("/api/collections?sort=colour").await.refused(422, "rejected");

        assert_eq!(bob.put(&path(0, "favorite"), "").await.ok().json(), json!({"favorite": true}));
        bob.put(&path(0, "favorite"), "").await.ok();
        assert_eq!(listed(&bob, "sort=favorites").await[0], "Çedille");
        assert_eq!(listed(&bob, "favorite=true").await, ["Çedille"]);
        assert_eq!(listed(&bob, "favorite=false").await.len(), 2);
        assert!(listed(&anna, "favorite=true").await.is_empty(), "a star is one's own");
        bob.delete(&path(0, "favorite")).await.ok();
        assert!(listed(&bob, "favorite=true").await.is_empty());

        let tags = json!({"tags": [{"slug": "needs-review"}, {"slug": "v2"}, {"slug": "v2"}]});
        assert_eq!(
            bob.put(&path(1, "tags"), tags.to_string()).await.ok().json(),
            json!({"tags": [{"slug": "needs-review"}, {"slug": "v2"}]})
        );
        assert_eq!(anna.get(&path(1, "tags")).await.ok().at("/tags/1/slug"), "v2");
        assert_eq!(listed(&anna, "tag=v2").await, ["alpha"]);
        let wrong = json!({"tags": [{"slug": "Not a tag"}, {"slug": "ok"}, {}]});
        let refused = bob.put(&path(1, "tags"), wrong.to_string()).await.refused(422, "rejected");
        assert!(refused.text.contains("/tags/0/slug"), "{refused}");
        bob.put(&path(1, "tags"), json!({"tags": (0..6).map(|n| json!({"slug": format!("tag-{n}")})).collect::<Vec<_>>()}).to_string())
            .await
            .refused(422, "rejected");
        let found = anna.get("/api/search?q=tag:v2%20type:collection").await.ok();
        assert_eq!((found.at("/results/0/name"), found.at("/results/0/tags")), (json!("alpha"), json!(["needs-review", "v2"])));

        // An edit, a deletion and its way back leave the tags where they are.
        let item = bob.item_named(&ids[1], "request 0").await;
        bob.patch(&path(1, &format!("items/{item}")), json!({"name": "edited"}).to_string()).await.ok();
        bob.delete(&format!("/api/collections/{}", ids[1])).await.ok();
        bob.post(&format!("/api/trash/{}/restore", ids[1]), json!({})).await.ok();
        assert_eq!(listed(&anna, "tag=v2").await, ["alpha"]);

        app.advance("PT1M").await;
        let anna = app.sign_in("anna").await;
        let workspace = format!("/api/workspaces/{}/tags", team.workspace);
        anna.put(&workspace, json!({"tags": [{"slug": "v2"}]}).to_string()).await.ok();
        assert_eq!(anna.get(&workspace).await.ok().json(), json!({"tags": [{"slug": "v2"}]}));
        let entities = anna.get("/api/tags/v2/entities?limit=1").await.ok().json();
        assert_eq!(entities["data"]["entities"], json!([{"entityId": team.workspace, "entityType": "workspace"}]), "the last tagged first");
        let cursor = entities["meta"]["nextCursor"].as_str().expect("a cursor");
        let entities = anna.get(&format!("/api/tags/v2/entities?limit=1&cursor={cursor}")).await.ok().json();
        assert_eq!(entities["data"]["entities"], json!([{"entityId": format!("{}-{}", bob.id, ids[1]), "entityType": "collection"}]));
        assert_eq!(entities["meta"], json!({"count": 1}));
        anna.get("/api/tags/No/entities").await.refused(422, "rejected");
        app.mails().await;
    })
    .await;
}

#[tokio::test]
async fn pages_go_on_behind_long_names() {
    let app = TestApp::start().await;
    let anna = app.user("anna").await;
    let requests: Vec<_> = (0..3).map(|number| samples::request(&format!("long {number} {}", "語".repeat(2_000)))).collect();
    anna.post_text("/api/collections", samples::collection("Names", &requests)).await.ok();
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = anna.get(&format!("/api/search?q=long&limit=1&cursor={cursor}")).await.ok();
        found.extend(page.at("/results/0/name").as_str().and_then(|name| name.get(..6)).map(str::to_owned));
        match page.at("/cursor").as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(found, ["long 0", "long 1", "long 2"]);
    app.finish().await;
}

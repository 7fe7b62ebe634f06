//! The feeds: what is shown of them, what of it is new, and what can be done with an entry.

use serde_json::{Value, json};
use tests::{Team, TestApp, User, samples};

struct World {
    anna: User,
    bob: User,
    team: Team,
    pets: String,
    plants: String,
}

/// Two collections of anna's; bob, an editor, follows both.
async fn world(app: &TestApp) -> World {
    let anna = app.user("anna").await;
    let team = app.team(&anna, 5).await;
    let bob = app.join(&team, "bob", "editor").await;
    let big = samples::folder("big", &[samples::request("bark")]);
    let file = samples::collection("Pets", &[samples::folder("dogs", &[big, samples::request("sit")]), samples::request("purr")]);
    let pets = anna.import(&team.workspace, file).await;
    let plants = anna.import(&team.workspace, samples::collection("Plants", &[samples::request("water")])).await;
    for collection in [&pets, &plants] {
        bob.put(&format!("/api/collections/{collection}/subscription"), json!({"mail": "off"}).to_string()).await.ok();
    }
    app.settle().await;
    World { anna, bob, team, pets, plants }
}

impl World {
    async fn rename(&self, user: &User, from: &str, to: &str) {
        let id = self.anna.item_named(&self.pets, from).await;
        user.patch(&format!("/api/collections/{}/items/{id}", self.pets), json!({"name": to}).to_string()).await.ok();
    }

    /// Adds requests to a collection in one go, each a change of its own.
    async fn add(&self, user: &User, collection: &str, names: impl Iterator<Item = String>) {
        let operations: Vec<Value> = names.map(|name| json!({"op": "create", "item": samples::request(&name)})).collect();
        user.post(&format!("/api/collections/{collection}/batch"), json!({"operations": operations})).await.ok();
    }

    fn feeds(&self) -> [String; 2] {
        ["/api/feed".to_owned(), format!("/api/teams/{}/feed", self.team.id)]
    }
}

fn names(entries: &Value) -> Vec<String> {
    let all = entries.as_array().expect("entries").iter();
    all.map(|entry| entry["item"]["name"].as_str().unwrap_or("-").to_owned()).collect()
}

#[tokio::test]
async fn a_filtered_page_is_read_on_until_it_is_full() {
    TestApp::on_each_engine(async |app| {
        let world = world(app).await;
        world.add(&world.anna, &world.pets, ["cat 1", "cat 2", "cat 3"].map(str::to_owned).into_iter()).await;
        for round in 0..6 {
            world.add(&world.bob, &world.plants, (0..40).map(|number| format!("plant {round}.{number}"))).await;
        }
        app.settle().await;
        for feed in world.feeds() {
            // Behind 240 entries of something else; the import is an entry, too.
            let first = world.bob.get(&format!("{feed}?collection={}&kind=create&limit=2", world.pets)).await.ok();
            assert_eq!(names(&first.at("/entries")), ["cat 3", "cat 2"], "{feed}");
            let cursor = first.at("/cursor").as_str().expect("more").to_owned();
            let next = world.bob.get(&format!("{feed}?collection={}&kind=create&limit=2&cursor={cursor}", world.pets)).await.ok();
            assert_eq!((names(&next.at("/entries")), next.at("/cursor")), (vec!["cat 1".to_owned()], Value::Null), "{feed}");
            // By whom, and of several kinds; what fits nothing is looked for to the end.
            let of_anna = world.bob.get(&format!("{feed}?user={}&kind=create,delete", world.anna.id)).await.ok();
            assert_eq!(names(&of_anna.at("/entries")), ["cat 3", "cat 2", "cat 1"], "{feed}");
            let none = world.bob.get(&format!("{feed}?kind=delete")).await.ok();
            assert_eq!((none.at("/entries"), none.at("/cursor")), (json!([]), Value::Null), "{feed}");
            for bad in ["since=yesterday", "until=2026-13-01", "kind=edit", "user=bob"] {
                let refused = world.bob.get(&format!("{feed}?{bad}")).await.refused(400, "malformed");
                let name = bad.split('=').next().expect("a name");
                assert!(refused.at("/detail").as_str().is_some_and(|detail| detail.starts_with(&format!("{name}: "))), "{refused}");
            }
            world.bob.get(&format!("{feed}?cursor=&limit=1")).await.ok();
            for cursor in ["%00", "ZZ", "nonsense!"] {
                let refused = world.bob.get(&format!("{feed}?cursor={cursor}&limit=1")).await.refused(400, "malformed");
                assert_eq!(refused.at("/detail"), "cursor: this is no cursor of ours");
            }
        }
        app.mails().await;
    })
    .await;
}

#[tokio::test]
async fn a_search_through_much_says_where_it_goes_on() {
    let app = TestApp::start().await;
    let world = world(&app).await;
    world.add(&world.anna, &world.pets, std::iter::once("cat".to_owned())).await;
    for round in 0..13 {
        world.add(&world.bob, &world.plants, (0..40).map(|number| format!("plant {round}.{number}"))).await;
    }
    app.settle().await;
    let path = format!("/api/teams/{}/feed?collection={}&kind=create", world.team.id, world.pets);
    let first = world.bob.get(&path).await.ok();
    assert_eq!(first.at("/entries"), json!([]), "500 were looked at");
    let cursor = first.at("/cursor").as_str().expect("more to look at").to_owned();
    let next = world.bob.get(&format!("{path}&cursor={cursor}")).await.ok();
    assert_eq!((names(&next.at("/entries")), next.at("/cursor")), (vec!["cat".to_owned()], Value::Null));
    let page = world.bob.get(&format!("/teams/{}/feed?collection={}&kind=create,import", world.team.id, world.pets)).await.ok();
    assert!(page.text.contains("more behind it") && page.text.contains("Older changes"), "{page}");
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn times_and_folders_narrow_a_feed_down() {
    TestApp::on_each_engine(async |app| {
        let world = world(app).await;
        world.rename(&world.anna, "bark", "bark 1").await;
        app.settle().await;
        let at = world.bob.get("/api/feed?limit=1").await.ok().at("/entries/0/at").as_str().expect("a time").to_owned();
        app.advance("PT3M").await;
        let (anna, bob) = (&world.anna, &world.bob);
        let between = app.stack().clock().now().to_string();
        app.advance("PT3M").await;
        world.rename(anna, "sit", "sit 1").await;
        world.rename(anna, "purr", "purr 1").await;
        app.settle().await;
        for feed in world.feeds() {
            let get = async |query: &str| names(&bob.get(&format!("{feed}?kind=update&{query}")).await.ok().at("/entries"));
            // Both edits within a minute are one entry, which is called what was changed last.
            assert_eq!(get("").await, ["purr 1", "bark 1"], "{feed}");
            assert_eq!(get(&format!("since={between}")).await, ["purr 1"], "{feed}");
            assert_eq!(get(&format!("until={between}")).await, ["bark 1"], "{feed}");
            assert_eq!(get(&format!("since={at}&until={between}")).await, ["bark 1"], "from then on, itself included: {feed}");
            assert!(get(&format!("until={at}")).await.is_empty(), "before it: {feed}");
            assert!(get(&format!("since={between}&until={at}")).await.is_empty(), "no time at all: {feed}");
            // A folder: with its collection, all that stands in it; alone, what an entry says by itself.
            let dogs = anna.item_named(&world.pets, "dogs").await;
            assert_eq!(get(&format!("collection={}&item={dogs}", world.pets)).await, ["sit 1", "bark 1"], "{feed}");
            assert_eq!(get(&format!("item={dogs}")).await, ["sit 1"], "{feed}");
            let bark = anna.item_named(&world.pets, "bark 1").await;
            assert_eq!(get(&format!("item={bark}")).await, ["bark 1"], "{feed}");
            // Through a range with both ends by cursor.
            let first = bob.get(&format!("{feed}?since={at}&limit=1")).await.ok();
            let cursor = first.at("/cursor").as_str().expect("more").to_owned();
            let rest = bob.get(&format!("{feed}?since={at}&limit=1&cursor={cursor}")).await.ok();
            assert_eq!((names(&first.at("/entries")), names(&rest.at("/entries"))), (vec!["purr 1".to_owned()], vec!["sit 1".to_owned()]));
        }
        app.mails().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_new_is_marked_until_it_was_seen() {
    TestApp::on_each_engine(async |app| {
        let world = world(app).await;
        let badge = "My feed, something new";
        world.bob.post("/api/feed/seen", json!({})).await.ok();
        assert!(!world.bob.get("/feed").await.ok().text.contains(badge));
        app.advance("PT1M").await;
        world.rename(&world.bob, "purr", "purr 1").await;
        app.settle().await;
        let own = world.bob.get("/api/feed?limit=1").await.ok();
        assert_eq!(own.at("/entries/0/unread"), false, "one's own edits are no news");
        assert!(!world.bob.get("/feed").await.ok().text.contains(badge));
        world.rename(&world.anna, "sit", "sit 1").await;
        app.settle().await;
        let feed = world.bob.get("/api/feed?limit=2").await.ok();
        assert_eq!((feed.at("/entries/0/unread"), feed.at("/entries/1/unread")), (json!(true), json!(false)), "{feed}");
        let page = world.bob.get("/feed").await.ok();
        assert!(page.text.contains(badge) && page.text.contains("class=\"unread\"") && page.text.contains("Mark all as seen"), "{page}");
        // Of the future nothing was seen, and nobody unsees.
        let at = feed.at("/entries/0/at");
        let seen = world.bob.post("/api/feed/seen", json!({"at": "2999-01-01T00:00:00Z"})).await.ok().at("/seen_until");
        assert!(seen.as_str() >= at.as_str() && seen.as_str().is_some_and(|seen| seen.starts_with("20")), "{seen} {at}");
        assert_eq!(world.bob.post("/api/feed/seen", json!({"at": "2026-01-01T00:00:00Z"})).await.ok().at("/seen_until"), seen);
        let feed = world.bob.get("/api/feed?limit=1").await.ok();
        assert_eq!((feed.at("/entries/0/unread"), feed.at("/seen_until")), (json!(false), seen));
        let page = world.bob.get("/feed").await.ok();
        assert!(!page.text.contains(badge) && !page.text.contains("class=\"unread\""), "{page}");
        // Anna has not looked yet.
        assert!(world.anna.get("/feed").await.ok().text.contains(badge));
        app.mails().await;
    })
    .await;
}

#[tokio::test]
async fn an_entry_opens_and_brings_back_what_was() {
    let app = TestApp::start().await;
    let world = world(&app).await;
    let vera = app.join(&world.team, "vera", "viewer").await;
    world.rename(&world.anna, "purr", "purr loudly").await;
    world.rename(&world.anna, "purr loudly", "purr all night").await;
    app.settle().await;
    let feed = format!("/teams/{}/feed", world.team.id);
    let closed = world.bob.get(&feed).await.ok();
    assert!(closed.text.contains("2 changes") && !closed.text.contains("purr loudly"), "{closed}");
    let open = format!("{feed}?kind=update%2Cmove&open={}-3", world.pets);
    let page = world.bob.get(&open).await.ok();
    assert!(page.text.contains("<del class=\"code-block\">purr</del>") && page.text.contains("purr loudly"), "{page}");
    assert!(page.text.contains("Bring back what was before") && page.text.contains("name=\"seq\" value=\"1\""), "{page}");
    assert!(page.text.contains(&format!("{feed}?kind=update%2Cmove#e-")), "it closes to what was there: {page}");
    // A viewer sees what changed, and has nothing to press.
    let seen = vera.get(&open).await.ok();
    assert!(seen.text.contains("purr loudly") && !seen.text.contains("Bring back"), "{seen}");
    let item = world.anna.item_named(&world.pets, "purr all night").await;
    world.bob.post(&format!("/api/collections/{}/restore", world.pets), json!({"seq": 1, "item": item})).await.ok();
    assert_eq!(world.anna.get(&format!("/api/collections/{}/items/{item}", world.pets)).await.ok().at("/name"), "purr");
    // What is not on the page is not opened, and what is not theirs is on no page.
    let stranger = app.user("stranger").await;
    let page = stranger.get(&format!("/feed?open={}-3", world.pets)).await.ok();
    assert!(!page.text.contains("purr"), "{page}");
    for bad in ["from=yesterday", "to=2026-02-30", "kind=nothing"] {
        let page = world.bob.get(&format!("{feed}?{bad}")).await.status(400);
        assert!(page.text.to_lowercase().contains(&format!("{}: ", bad.split('=').next().expect("a name"))), "{page}");
    }
    // The form, filled in and empty.
    let today = app.stack().clock().now().strftime("%Y-%m-%d").to_string();
    let page = world.bob.get(&format!("{feed}?collection={}&user={}&kind=&from={today}&to={today}", world.pets, world.anna.id)).await.ok();
    assert!(page.text.contains("Only a part is shown") && page.text.contains("purr all night"), "{page}");
    app.mails().await;
    app.finish().await;
}

/// What an Atom feed says: the text of each element with this name, in order.
fn said(feed: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}"), format!("</{name}>"));
    let parts = feed.split(&open).skip(1).filter_map(|part| part.split_once('>')?.1.split_once(&close));
    parts.map(|(text, _)| text.to_owned()).collect()
}

fn address(feed: &str, rel: &str) -> Option<String> {
    let tag = feed
        .split("<link ")
        .skip(1)
        .map(|tag| tag.split('>').next().unwrap_or_default())
        .find(|tag| tag.contains(&format!("rel=\"{rel}\"")))?;
    Some(tag.split("href=\"").nth(1)?.split('"').next()?.replace("&amp;", "&"))
}

#[tokio::test]
async fn readers_of_feeds_get_atom_by_a_key_in_the_address() {
    TestApp::on_each_engine(async |app| {
        let world = world(app).await;
        let made = world.bob.post("/api/me/api-keys", json!({"name": "reader", "scope": "read"})).await.ok();
        let key = made.at("/api_key/key").as_str().expect("a key").to_owned();
        world.rename(&world.anna, "dogs", "dogs 1").await;
        world.rename(&world.anna, "purr", "<b>purr & \u{8}hiss</b>").await;
        world.rename(&world.anna, "sit", "sit 1").await;
        app.settle().await;
        for path in [
            "/api/feed.atom".to_owned(),
            format!("/api/teams/{}/feed.atom", world.team.id),
            format!("/api/collections/{}/feed.atom", world.pets),
        ] {
            app.nobody().get(&path).await.refused(401, "unauthenticated");
            let feed = app.nobody().get(&format!("{path}?apikey={key}&limit=2")).await.ok();
            assert_eq!(feed.header("content-type"), "application/atom+xml; charset=utf-8");
            assert_eq!(feed.header("cache-control"), "private, no-cache");
            // Each change for itself, though both were within a minute: ids of entries never change.
            let titles = said(&feed.text, "title");
            assert_eq!(titles[1], "anna changed the request “sit 1” in Pets", "{path}: {feed}");
            assert_eq!(titles[2], "anna changed the request “&lt;b&gt;purr &amp; hiss&lt;/b&gt;” in Pets", "{path}");
            let summary = &said(&feed.text, "summary")[1];
            assert!(summary.contains("&amp;lt;b&amp;gt;purr &amp;amp; hiss"), "{summary}");
            assert_eq!(said(&feed.text, "name"), [titles[0].as_str(), "anna", "anna"], "{path}: {feed}");
            assert_eq!(address(&feed.text, "self"), Some(format!("{}{path}?apikey={key}&limit=2", app.url())));
            let ids = said(&feed.text, "id");
            assert!(ids.iter().all(|id| id.starts_with("urn:uuid:")) && ids[1] != ids[2], "{ids:?}");
            assert_eq!(said(&feed.text, "updated").len(), 3);
            // Again: nothing to send, by tag or by time; without a condition always all of it.
            let tag = feed.etag();
            let again =
                async |name: &str, value: &str| app.nobody().get(&format!("{path}?apikey={key}&limit=2")).header(name, value).await.status;
            assert_eq!(again("if-none-match", &tag).await, 304);
            assert_eq!(again("if-none-match", "\"other\"").await, 200);
            assert_eq!(again("if-modified-since", feed.header("last-modified")).await, 304);
            assert_eq!(again("if-modified-since", "Sun, 22 Nov 2020 10:00:00 GMT").await, 200);
            assert_eq!(again("accept", "*/*").await, 200);
            // What was before is the next page, with the same ids for the same.
            let next = address(&feed.text, "next").expect("more");
            let older = app.nobody().get(next.strip_prefix(app.url()).expect("ours")).await.ok();
            let all = app.nobody().get(&format!("{path}?apikey={key}&limit=3")).await.ok();
            assert_eq!(said(&older.text, "id")[1], said(&all.text, "id")[3], "{path}");
        }
        // The same change is the same entry in each of them.
        let id = async |path: &str| said(&world.bob.get(path).await.ok().text, "id")[1].clone();
        assert_eq!(id("/api/feed.atom").await, id(&format!("/api/collections/{}/feed.atom", world.pets)).await);
        let narrowed = world.bob.get(&format!("/api/feed.atom?collection={}&kind=update", world.plants)).await.ok();
        assert!(said(&narrowed.text, "entry").is_empty(), "{narrowed}");
        world.bob.get("/api/feed.atom?since=x").await.refused(400, "malformed");
        assert!(world.bob.get("/feed").await.ok().text.contains("/api/feed.atom?apikey={key}"));
        app.mails().await;
    })
    .await;
}

#[tokio::test]
async fn an_access_key_tells_what_changed_since_it_was_made_and_not_who() {
    let app = TestApp::start().await;
    let world = world(&app).await;
    world.rename(&world.anna, "purr", "before the key").await;
    app.advance("PT1M").await;
    let made = world.anna.post("/api/collection-access-keys", json!({"collectionId": world.pets})).await.ok();
    let key = made.at("/access_key/key").as_str().expect("a key").to_owned();
    let path = format!("/api/collections/{}/feed.atom?access_key={key}", world.pets);
    let empty = app.nobody().get(&path).await.ok();
    assert!(said(&empty.text, "entry").is_empty() && !empty.text.contains("before the key"), "{empty}");
    app.advance("PT1M").await;
    world.rename(&world.bob, "sit", "after the key").await;
    let feed = app.nobody().get(&path).await.ok();
    assert_eq!(said(&feed.text, "title")[1], "Pets: changed the request “after the key”");
    assert_eq!((said(&feed.text, "entry").len(), address(&feed.text, "next")), (1, None), "{feed}");
    assert!(!feed.text.contains("bob") && !feed.text.contains("before the key"), "{feed}");
    // It opens nothing else, nor longer than its maker sees it.
    app.nobody().get(&format!("/api/collections/{}/feed.atom?access_key={key}", world.plants)).await.refused(401, "unauthenticated");
    app.nobody().get(&format!("/api/feed.atom?access_key={key}")).await.refused(401, "unauthenticated");
    app.nobody().get(&format!("/api/collections/{}/changes?access_key={key}", world.pets)).await.refused(401, "unauthenticated");
    let id = made.at("/access_key/id").as_str().expect("an id").to_owned();
    world.anna.delete(&format!("/api/collection-access-keys/{id}")).await.status(204);
    app.nobody().get(&path).await.refused(401, "unauthenticated");
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn a_workspace_tells_its_activities_as_the_postman_api_does() {
    TestApp::on_each_engine(async |app| {
        let world = world(app).await;
        app.advance("PT2M").await;
        world.rename(&world.bob, "purr", "purr 1").await;
        app.settle().await;
        let path = format!("/api/workspaces/{}/activities", world.team.workspace);
        let all = world.bob.get(&path).await.ok();
        let first = all.at("/data/0");
        assert_eq!(
            (&first["action"], &first["elementType"], &first["elementName"]),
            (&json!("update"), &json!("collection"), &json!("Pets"))
        );
        assert_eq!((&first["workspaceId"], &first["user"]["username"]), (&json!(world.team.workspace), &json!("bob")));
        assert_eq!(first["elementId"], format!("{}-{}", world.anna.id, world.pets));
        assert!(first["id"].is_u64() && first["createdAt"].is_string(), "{first}");
        assert_eq!((all.at("/data/1/action"), all.at("/data").as_array().map(Vec::len)), (json!("create"), Some(3)));
        let page = world.bob.get(&format!("{path}?limit=1")).await.ok();
        let cursor = page.at("/meta/nextCursor").as_str().expect("more").to_owned();
        assert_eq!(world.bob.get(&format!("{path}?limit=1&cursor={cursor}")).await.ok().at("/data/0"), all.at("/data/1"));
        let of_anna = world.bob.get(&format!("{path}?userId={}", world.anna.id)).await.ok();
        assert_eq!(of_anna.at("/data").as_array().map(Vec::len), Some(2));
        assert_eq!(world.bob.get(&format!("{path}?elementType=collection,spec")).await.ok().at("/data").as_array().map(Vec::len), Some(3));
        assert_eq!(world.bob.get(&format!("{path}?elementType=spec")).await.ok().at("/data"), json!([]));
        world.bob.get(&format!("{path}?limit=x")).await.refused(400, "malformed");
        world.bob.get(&format!("{path}?userId=x")).await.refused(400, "malformed");
        // Another workspace has its own, and what is hidden is in none.
        let room = json!({"workspace": {"name": "Room", "type": "team", "teamId": world.team.id.to_string()}});
        let room = world.anna.post("/api/workspaces", room).await.ok().at("/workspace/id").as_str().expect("an id").to_owned();
        assert_eq!(world.bob.get(&format!("/api/workspaces/{room}/activities")).await.ok().at("/data"), json!([]));
        let own = world.bob.post_text("/api/collections", samples::of_requests("Mine", 1)).await.ok().at("/collection/id");
        app.settle().await;
        let of_all = world.bob.get("/api/workspaces").await.ok();
        let personal =
            of_all.at("/workspaces").as_array().expect("a list").iter().find(|one| one["type"] == "personal").expect("one's own").clone();
        let own_path = format!("/api/workspaces/{}/activities", personal["id"].as_str().expect("an id"));
        assert_eq!(
            world.bob.get(&own_path).await.ok().at("/data/0/elementId"),
            format!("{}-{}", world.bob.id, own.as_str().expect("an id"))
        );
        world.anna.get(&own_path).await.refused(404, "not_found");
        world
            .anna
            .put(
                &format!("/api/collections/{}/access", world.pets),
                json!({"to": format!("user:{}", world.bob.id), "role": "none"}).to_string(),
            )
            .await
            .ok();
        assert!(!world.bob.get(&path).await.ok().text.contains("Pets"));
        app.mails().await;
    })
    .await;
}

#[tokio::test]
async fn who_was_let_in_is_told_apart_from_edits() {
    TestApp::on_each_engine(async |app| {
        let world = world(app).await;
        let feed = format!("/api/teams/{}/feed", world.team.id);
        let before = world.bob.get(&feed).await.ok();
        let to = format!("user:{}", world.bob.id);
        world.anna.put(&format!("/api/collections/{}/access", world.pets), json!({"to": to, "role": "admin"}).to_string()).await.ok();
        world.anna.put(&format!("/api/collections/{}/access", world.plants), json!({"to": to, "role": "none"}).to_string()).await.ok();
        app.settle().await;
        assert_eq!(world.anna.get(&feed).await.ok().at("/entries"), before.at("/entries"), "edits are as before");
        let told = world.anna.get(&format!("{feed}?kind=access")).await.ok();
        assert_eq!((told.at("/entries/0/op"), told.at("/entries/0/access/role")), (json!("access"), json!("none")), "{told}");
        assert_eq!((told.at("/entries/1/access/role"), told.at("/entries/1/access/to/user")), (json!("admin"), json!(world.bob.id)));
        // Of what he does not see he is not told.
        let his = world.bob.get(&format!("{feed}?kind=access")).await.ok();
        assert_eq!(his.at("/entries").as_array().map(Vec::len), Some(1), "{his}");
        assert_eq!(his.at("/entries/0/collection/name"), "Pets");
        world.bob.get(&format!("{feed}?kind=access,update")).await.refused(400, "malformed");
        assert_eq!(world.bob.get("/api/feed?kind=access").await.ok().at("/entries"), json!([]));
        let page = world.bob.get(&format!("/teams/{}/feed?kind=access", world.team.id)).await.ok();
        assert!(page.text.contains("let somebody into") && page.text.contains("bob: admin"), "{page}");
        world.bob.get(&format!("/api/teams/{}/feed.atom?kind=access", world.team.id)).await.ok();
        app.mails().await;
    })
    .await;
}

#[tokio::test]
async fn a_cursor_of_nobody_is_refused_wherever_there_are_pages() {
    let app = TestApp::start().await;
    let world = world(&app).await;
    let (team, pets) = (world.team.id, &world.pets);
    let item = world.anna.item_named(pets, "purr").await;
    let hook = json!({"url": "https://example.com/told"});
    let webhook = world.anna.post(&format!("/api/collections/{pets}/webhooks"), hook).await.ok();
    let webhook = webhook.at("/webhook/id").as_str().expect("an id").to_owned();
    let pages = [
        "/api/feed?".to_owned(),
        "/api/feed.atom?".to_owned(),
        format!("/api/teams/{team}/feed?"),
        format!("/api/teams/{team}/feed.atom?"),
        format!("/api/collections/{pets}/feed.atom?"),
        format!("/api/workspaces/{}/activities?", world.team.workspace),
        "/api/notifications?".to_owned(),
        "/api/search?q=purr&".to_owned(),
        "/api/tags/none/entities?".to_owned(),
        format!("/api/collections/{pets}/comments?"),
        format!("/api/collections/{pets}/forks?"),
        "/api/collections/collection-forks?".to_owned(),
        format!("/api/collections/{pets}/pull-requests?"),
        format!("/api/collections/{pets}/items/{item}/history?"),
        format!("/api/webhooks/{webhook}/deliveries?"),
        "/api/audit/logs?".to_owned(),
    ];
    for page in &pages {
        world.anna.get(page).await.ok();
        let refused = world.anna.get(&format!("{page}cursor=nonsense!")).await.refused(400, "malformed");
        assert!(refused.at("/detail").as_str().is_some_and(|detail| detail.contains("cursor")), "{page}: {refused}");
        assert_eq!(refused.at("/error/name"), "malformedRequestError", "{page}");
    }
    app.mails().await;
    app.finish().await;
}

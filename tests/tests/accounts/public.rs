//! Public workspaces: the look for secrets before, what anybody reads then, and that it ends at once.

use serde_json::{Value, json};
use tests::{Client, Team, TestApp, samples};

async fn workspace(maker: &Client, team: &Team, name: &str, kind: &str) -> String {
    let body = json!({"workspace": {"name": name, "type": kind, "teamId": team.id.to_string(), "about": "Dogs & <b>cats</b>"}});
    maker.post("/api/workspaces", body).await.ok().at("/workspace/id").as_str().unwrap().to_owned()
}

/// A request with a credential in it. Put together here, so that nobody's look for secrets finds this file.
fn careless(name: &str) -> Value {
    let mut request = samples::request(name);
    request["request"]["header"] =
        json!([{"key": "Authorization", "value": format!("Bearer {}", ["ghp", "_abcdefghijklmnopqrstuvwxyz0123456789"].concat())}]);
    request
}

fn publish(confirm: Option<&str>) -> String {
    json!({"workspace": {"type": "public", "confirm": confirm}}).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_becomes_public_and_private_again() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let team = app.team(&anna, 5).await;
        let bob = app.join(&team, "bob", "editor").await;
        let vera = app.join(&team, "vera", "viewer").await;
        let (stranger, nobody) = (app.user("eve").await, app.nobody());
        let room = workspace(&bob, &team, "Open <i>house</i>", "private").await;
        let home = format!("/api/workspaces/{room}");
        let file = samples::collection("Pets", &[samples::folder("dogs", &[careless("bark")]), samples::request("sit")]);
        let pets = bob.import(&room, file).await;
        let veiled = bob.import(&room, samples::of_requests("Veiled", 1)).await;
        let hide = json!({"roles": [{"op": "update", "path": "/team", "value": [{"id": team.id, "role": "NONE"}]}]}).to_string();
        bob.patch(&format!("/api/collections/{veiled}/roles"), hide).await.status(204);
        let (bark, sit) = (bob.item_named(&pets, "bark").await, bob.item_named(&pets, "sit").await);
        // It takes an admin of the team who is also admin here, and who has seen what was found.
        bob.put(&home, publish(None)).await.refused(403, "forbidden");
        anna.put(&home, publish(None)).await.refused(403, "forbidden");
        bob.put(&format!("{home}/roles"), json!({"to": format!("user:{}", anna.id), "role": "admin"}).to_string()).await.ok();
        let warned = anna.put(&home, publish(None)).await.refused(409, "confirm_public");
        assert_eq!((warned.at("/total"), warned.at("/left")), (json!(2), json!(0)));
        let kinds: Vec<Value> = (0..2).map(|at| warned.at(&format!("/findings/{at}/kind"))).collect();
        assert_eq!(kinds, ["GitHub token", "credential in a header"]);
        let found = warned.at("/findings/0");
        assert_eq!(found["collection"], json!({"id": pets, "name": "Pets"}));
        assert_eq!(found["element"], json!({"id": bark, "name": "bark"}));
        assert_eq!((&found["pointer"], &found["masked"]), (&json!("/request/header/0/value"), &json!("ghp_•••• (40 characters)")));
        assert!(!warned.text.contains("abcdefghijklm"), "{}", warned.text);
        anna.put(&home, publish(Some("nonsense"))).await.refused(409, "confirm_public");
        // A confirmation is for what was looked at: after an edit there is another warning.
        let stale = warned.at("/confirm");
        anna.put(&format!("/api/collections/{pets}/items/{bark}"), samples::request("bark").to_string()).await.ok();
        let warned = anna.put(&home, publish(stale.as_str())).await.refused(409, "confirm_public");
        assert_eq!(warned.at("/findings"), json!([]));
        nobody.get(&format!("/api/collections/{pets}")).await.refused(401, "unauthenticated");
        nobody.get(&format!("/public/collections/{pets}")).await.status(404);
        anna.put(&home, publish(warned.at("/confirm").as_str())).await.ok();
        // Anybody reads what is there now …
        let open = [
            home.clone(),
            format!("/api/collections?workspace={room}"),
            format!("/api/collections/{pets}"),
            format!("/api/collections/{pets}?format=openapi"),
            format!("/api/collections/{pets}/items"),
            format!("/api/collections/{pets}/items/{sit}"),
            format!("/api/collections/{pets}/requests/{sit}"),
            format!("/public/workspaces/{room}"),
            format!("/public/collections/{pets}"),
        ];
        for path in &open {
            for who in [nobody, &stranger, &vera, &anna] {
                let seen = who.get(path).await.ok().text;
                assert!(!path.contains("workspace") || seen.contains("Pets"), "{path}: {seen}");
                let hidden = seen.contains("Veiled") || seen.contains(&veiled);
                assert!(!hidden || std::ptr::eq(who, &*anna), "{path}: {seen}");
            }
            nobody.get(path).header("authorization", "Bearer nonsense").await.ok();
        }
        assert_eq!(nobody.get(&open[1]).await.ok().at("/collections/0/isPublic"), true);
        assert_eq!(nobody.get(&open[0]).await.ok().at("/workspace/role"), Value::Null);
        // … but neither what was, nor who there is, nor more than to read.
        let closed = ["/changes", "/roles", "/access", "/subscription", "/subscribers", "/trash", "/at/1", "/state"];
        let mut closed: Vec<String> = closed.iter().map(|path| format!("/api/collections/{pets}{path}")).collect();
        closed.extend([
            format!("{home}/roles"),
            format!("{home}/trash"),
            format!("/api/collections/{pets}/items/{sit}/history"),
            format!("/api/collections/{veiled}"),
            format!("/collections/{pets}"),
            format!("/workspaces/{room}"),
        ]);
        for path in &closed {
            let (one, other) = (nobody.get(path).await.status, stranger.get(path).await.status);
            assert!(matches!((one, other), (401 | 303, 404)), "{path}: {one} {other}");
        }
        nobody.get(&format!("/public/collections/{veiled}")).await.status(404);
        for who in [nobody, &stranger] {
            let refused = if std::ptr::eq(who, nobody) { (401, "unauthenticated") } else { (404, "not_found") };
            who.post(&format!("/api/collections/{pets}/items"), samples::request("theirs")).await.refused(refused.0, refused.1);
            who.delete(&format!("/api/collections/{pets}")).await.refused(refused.0, refused.1);
            who.post_text(&format!("/api/collections?workspace={room}"), samples::of_requests("In", 1)).await.refused(refused.0, refused.1);
            who.put(&home, json!({"workspace": {"name": "Ours"}}).to_string()).await.refused(refused.0, refused.1);
            who.put(&format!("/api/collections/{pets}/subscription"), "{}").await.refused(refused.0, refused.1);
        }
        vera.patch(&format!("/api/collections/{pets}/items/{sit}"), "{\"name\": \"x\"}").await.refused(403, "forbidden");
        let mut socket = stranger.listen().await;
        let (_, refused) = socket.subscribe(&pets, None).await;
        assert_eq!(refused["data"]["code"], "not_found");
        // What search engines find: these pages, and no others.
        let page = nobody.get(&format!("/public/workspaces/{room}")).await.ok();
        assert_eq!(page.header("cache-control"), "public, no-cache");
        assert_eq!(page.header("link"), format!("<{}/public/workspaces/{room}>; rel=\"canonical\"", app.url()));
        assert!(!page.headers.contains_key("x-robots-tag") && !page.text.contains("noindex"), "{}", page.text);
        assert!(page.text.contains("<title>Open &#60;i&#62;house&#60;/i&#62; · Postroom</title>"), "{}", page.text);
        assert!(page.text.contains("name=\"description\" content=\"Dogs &#38; &#60;b&#62;cats"), "{}", page.text);
        let again = nobody.get(&format!("/public/workspaces/{room}")).header("if-none-match", page.header("etag")).await;
        assert_eq!(again.status, 304);
        let shown = nobody.get(&format!("/public/collections/{pets}")).await.ok().text;
        assert!(shown.contains("bark") && shown.contains("dogs") && !shown.contains("noindex"), "{shown}");
        let signin = nobody.get("/signin").await.ok();
        assert!(signin.header("x-robots-tag") == "noindex" && signin.text.contains("content=\"noindex\""));
        let robots = nobody.get("/robots.txt").await.ok().text;
        assert!(robots.contains("Disallow: /api/") && robots.contains(&format!("Sitemap: {}/sitemap.xml", app.url())), "{robots}");
        let map = nobody.get("/sitemap.xml").await.ok().text;
        assert!(map.contains(&format!("/public/workspaces/{room}<")) && map.contains(&format!("/public/collections/{pets}<")), "{map}");
        assert!(!map.contains(&veiled) && !map.contains(&team.workspace), "{map}");
        // A collection that moves in is looked at first.
        let more = bob.import(&team.workspace, samples::collection("More", &[careless("meow")])).await;
        let moves = format!("/api/workspaces/{}/element-transfers", team.workspace);
        let wish = |confirm: Option<&str>| json!({"id": more, "type": "collection", "to": room, "confirm": confirm});
        let warned = bob.post(&moves, wish(None)).await.refused(409, "confirm_public");
        assert_eq!(warned.at("/findings/0/element/name"), "meow");
        nobody.get(&format!("/api/collections/{more}")).await.refused(401, "unauthenticated");
        bob.post(&moves, wish(warned.at("/confirm").as_str())).await.ok();
        nobody.get(&format!("/api/collections/{more}")).await.ok();
        // Private again: at once, for everybody.
        let old = page.header("etag").to_owned();
        anna.put(&home, json!({"workspace": {"type": "private"}}).to_string()).await.ok();
        for path in &open {
            let one = nobody.get(path).header("if-none-match", &old).await;
            assert!(matches!(one.status, 401 | 404), "{path}: {one}");
            for who in [&stranger, &vera] {
                let seen = who.get(path).await;
                assert!(seen.status == 404 || path.contains('?') && seen.at("/collections") == json!([]), "{path}: {seen}");
            }
        }
        assert!(!nobody.get("/sitemap.xml").await.ok().text.contains(&room));
        app.mails().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn much_is_looked_at_within_bounds_and_a_deleted_workspace_is_gone() {
    let app = TestApp::start().await;
    let anna = app.user("anna").await;
    let team = app.team(&anna, 3).await;
    let bob = app.join(&team, "bob", "editor").await;
    let body = json!({"workspace": {"name": "Theirs", "type": "public"}});
    bob.post("/api/workspaces", body).await.refused(403, "forbidden");
    let room = workspace(&anna, &team, "Open", "public").await;
    let nobody = app.nobody();
    nobody.get(&format!("/public/workspaces/{room}")).await.ok();
    let made = bob.import(&room, samples::of_requests("Straight in", 1)).await;
    nobody.get(&format!("/api/collections/{made}")).await.ok();
    // As many findings as are told, and how many there are.
    let many: Vec<Value> = (0..300).map(|at| careless(&format!("r{at}"))).collect();
    let private = workspace(&anna, &team, "Full", "private").await;
    anna.import(&private, samples::collection("Many", &many)).await;
    let warned = anna.put(&format!("/api/workspaces/{private}"), publish(None)).await.refused(409, "confirm_public");
    assert_eq!(warned.at("/findings").as_array().map(Vec::len), Some(200));
    assert!(warned.at("/total").as_u64().unwrap() >= 600, "{}", warned.at("/total"));
    assert_eq!(warned.at("/left"), 0);
    anna.delete(&format!("/api/workspaces/{room}")).await.ok();
    nobody.get(&format!("/public/workspaces/{room}")).await.status(404);
    nobody.get(&format!("/api/collections/{made}")).await.refused(401, "unauthenticated");
    assert!(!nobody.get("/sitemap.xml").await.ok().text.contains("/public/"));
    for hostile in ["/public/workspaces/%00", "/public/workspaces/a%23b", "/public/collections/no%20id", "/public/workspaces/x?x=%ff"] {
        nobody.get(hostile).await.status(404);
    }
    app.mails().await;
    app.finish().await;
}

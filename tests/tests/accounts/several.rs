//! Several accounts in one browser, each tab with its own; and how long sessions last.

use serde_json::{Value, json};
use tests::Socket;

use crate::world::{Answer, PASSWORD, Person, World};

/// What a browser sends that is signed in as all of these; `chosen` is the account that the tab in front wrote down.
fn browser(people: &[&Person], chosen: Option<u64>) -> String {
    let mut cookies: Vec<String> = people.iter().map(|person| person.cookie.clone()).collect();
    cookies.extend(chosen.map(|user| format!("postroom_account={user}")));
    cookies.join("; ")
}

impl World {
    /// A request of a tab of `whose`, in a browser with these cookies.
    async fn tab(&self, cookies: &str, whose: u64, method: &str, path: &str) -> Answer {
        let whose = whose.to_string();
        let headers = [("cookie", cookies), ("x-postroom-account", whose.as_str()), ("content-type", "application/json")];
        self.send(method, path, &headers, (method == "POST").then(|| "{}".to_owned())).await
    }

    async fn socket(&self, cookies: &str, whose: u64) -> Socket {
        let ticket = self.tab(cookies, whose, "POST", "/api/realtime/tickets").await.is(200);
        let address = format!("{}?ticket={}", ticket["url"].as_str().unwrap(), ticket["ticket"].as_str().unwrap());
        Socket::open(&address).await.unwrap()
    }
}

/// The names of the cookies that an answer sets, those that it removes with a minus.
fn cookies(answer: &Answer) -> Vec<String> {
    let set = answer.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
    set.map(|cookie| {
        let name = cookie.split('=').next().unwrap();
        format!("{}{name}", if cookie.contains("Max-Age=0") { "-" } else { "" })
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_tab_stays_with_its_account() {
    let world = World::start().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    assert!(ann.cookie.starts_with(&format!("postroom_session_{}=", ann.id)));
    let both = browser(&[&ann, &bob], Some(bob.id));
    let me = async |cookies: &str, whose: u64| world.tab(cookies, whose, "GET", "/api/me").await.is(200)["user"]["id"].clone();
    assert_eq!((me(&both, ann.id).await, me(&both, bob.id).await), (json!(ann.id), json!(bob.id)));
    // A page that is loaded is the chosen account's; without a choice the first one's.
    let loaded = async |cookies: String| world.send("GET", "/account", &[("cookie", cookies.as_str())], None).await.body;
    let says = |person: &Person| format!("<meta name=\"postroom-account\" content=\"{}\">", person.id);
    for (chosen, whose) in [(Some(bob.id), &bob), (Some(ann.id), &ann), (None, &ann)] {
        let page = loaded(browser(&[&ann, &bob], chosen)).await;
        assert!(page.as_str().unwrap().contains(&says(whose)), "{chosen:?}");
    }
    // Whoever is named is meant, or nobody: never another account.
    world.tab(&bob.cookie, ann.id, "GET", "/api/me").await.refused(401, "unauthenticated");
    world.send("GET", "/api/me", &[("cookie", &browser(&[&bob], Some(ann.id)))], None).await.refused(401, "unauthenticated");
    let forged = [("cookie", both.as_str()), ("x-postroom-account", "1"), ("content-type", "application/json")];
    world.send("POST", "/api/teams", &forged, Some(json!({"name": "Acme"}).to_string())).await.refused(401, "unauthenticated");
    let whose = ann.id.to_string();
    let forged = [
        ("cookie", both.as_str()),
        ("x-postroom-account", whose.as_str()),
        ("content-type", "application/json"),
        ("origin", "https://evil.example"),
    ];
    world.send("POST", "/api/teams", &forged, Some(json!({"name": "Acme"}).to_string())).await.refused(403, "forged");
    // What one tab does is its account's.
    let headers = [("cookie", both.as_str()), ("x-postroom-account", whose.as_str()), ("content-type", "application/json")];
    world.send("POST", "/api/teams", &headers, Some(json!({"name": "Acme"}).to_string())).await.is(200);
    assert_eq!(world.get(&ann, "/api/teams").await["data"].as_array().unwrap().len(), 1);
    assert_eq!(world.get(&bob, "/api/teams").await["data"].as_array().unwrap().len(), 0);
    // The page of the accounts, and the switch, which a link of another site does not turn.
    let page = world.send("GET", "/accounts", &[("cookie", &both)], None).await.is(200);
    let page = page.as_str().unwrap();
    assert!(page.contains("ann@example.com") && page.contains("bob@example.com") && page.contains(&format!("/accounts/{}", ann.id)));
    let switch = async |site: &'static str| {
        let away = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let asked = away.get(format!("{}/accounts/{}", world.stack.url(), ann.id)).header("cookie", &both).header("sec-fetch-site", site);
        let answer = asked.send().await.unwrap();
        (answer.status().as_u16(), answer.headers().get("set-cookie").map(|cookie| cookie.to_str().unwrap().to_owned()))
    };
    assert_eq!(switch("cross-site").await, (303, None));
    let (status, cookie) = switch("same-origin").await;
    assert!(status == 303 && cookie.as_ref().unwrap().starts_with(&format!("postroom_account={};", ann.id)), "{cookie:?}");

    // A socket for each tab. Signing one account out leaves the other.
    let (mut hers, mut his) = (world.socket(&both, ann.id).await, world.socket(&both, bob.id).await);
    assert!(hers.following().await.is_empty() && his.following().await.is_empty());
    let out = world.tab(&both, ann.id, "DELETE", &format!("/api/sessions/{}", ann.session)).await;
    assert_eq!(cookies(&out), [format!("-postroom_session_{}", ann.id), "-postroom_account".to_owned()]);
    out.is(200);
    hers.closed().await;
    his.following().await;
    world.tab(&both, ann.id, "GET", "/api/me").await.refused(401, "unauthenticated");
    assert_eq!(me(&both, bob.id).await, bob.id);
    // All of them.
    let ann = world.sign_in("ann").await;
    let both = browser(&[&ann, &bob], Some(ann.id));
    let out = world.tab(&both, ann.id, "DELETE", "/api/sessions/here").await;
    let gone = [format!("-postroom_session_{}", ann.id), format!("-postroom_session_{}", bob.id), "-postroom_account".to_owned()];
    assert_eq!(cookies(&out), gone);
    out.is(200);
    his.closed().await;
    for person in [&ann, &bob] {
        world.tab(&both, person.id, "GET", "/api/me").await.refused(401, "unauthenticated");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_was_there_before_is_not_taken_over() {
    let world = World::start().await;
    let (ann, eve) = (world.person("ann").await, world.person("eve").await);
    // Eve has put her session into the browser, under her name and under Ann's; Ann signs in.
    let planted = eve.cookie.replace(&format!("postroom_session_{}", eve.id), &format!("postroom_session_{}", ann.id));
    let before = format!("{}; {planted}; postroom_account={}", eve.cookie, eve.id);
    let body = json!({"login": "ann", "password": PASSWORD}).to_string();
    let headers = [("cookie", before.as_str()), ("content-type", "application/json")];
    let answer = world.send("POST", "/api/sessions", &headers, Some(body)).await;
    let set: Vec<&str> = answer.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap()).collect();
    assert!(set[0].starts_with(&format!("postroom_session_{}={}.", ann.id, ann.id)) && set[0].contains("HttpOnly"), "{set:?}");
    let chosen = set.iter().find(|cookie| cookie.starts_with("postroom_account=")).unwrap();
    assert!(chosen.starts_with(&format!("postroom_account={};", ann.id)), "{set:?}");
    let session = answer.is(200)["session"]["id"].clone();
    assert!(session != eve.session && session != ann.session);
    // Eve's session under Ann's name is still Eve's, and never Ann's.
    world.tab(&planted, ann.id, "GET", "/api/me").await.refused(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_last_half_an_hour_or_thirty_days() {
    let world = World::start().await;
    world.person("ann").await;
    for (keep, within, beyond) in [(false, "PT29M", "PT31M"), (true, "P29D", "P31D")] {
        let body = json!({"login": "ann", "password": PASSWORD, "keep_signed_in": keep});
        let answer = world.anyone("POST", "/api/sessions", body).await;
        let cookie = answer.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let tokens = answer.is(200);
        let seen = async || world.send("GET", "/api/me", &[("cookie", &cookie)], None).await.status;
        let refresh =
            async |tokens: &Value| world.anyone("POST", "/api/sessions/refresh", json!({"refresh_token": tokens["refresh_token"]})).await;
        world.advance(within).await;
        assert_eq!(seen().await, 200, "a cookie within {within}");
        world.advance(within).await;
        assert_eq!(seen().await, 200, "it was used meanwhile");
        let fresh = refresh(&tokens).await.is(200);
        world.advance(within).await;
        let fresh = refresh(&fresh).await.is(200);
        world.advance(beyond).await;
        assert_eq!(seen().await, 401, "a cookie beyond {beyond}");
        refresh(&fresh).await.refused(401, "session_gone");
    }
}

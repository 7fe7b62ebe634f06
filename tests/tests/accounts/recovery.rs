//! What was forgotten, and what one signs in with: the password, the username, the address.

use serde_json::{Value, json};

use crate::world::{Answer, PASSWORD, Person, World, address, link, pointers};

const ANOTHER: &str = "seventeen purple elephants";

impl World {
    async fn sign_in_with(&self, login: &str, password: &str) -> Answer {
        self.anyone("POST", "/api/sessions", json!({"login": login, "password": password, "device": "test"})).await
    }

    /// The token of the link in the last mail to an address, which leads to this page.
    async fn token(&self, to: &str, page: &str) -> String {
        self.settle().await;
        let link = link(&self.last_mail(to));
        link.split_once(&format!("/{page}?token=")).unwrap_or_else(|| panic!("{link} does not lead to {page}")).1.to_owned()
    }

    async fn reset(&self, token: &str, password: &str) -> Answer {
        self.anyone("POST", "/api/password/reset", json!({"token": token, "password": password})).await
    }

    async fn forgot(&self, email: &str) -> Value {
        self.anyone("POST", "/api/password/forgot", json!({ "email": email })).await.is(202)
    }

    async fn lives(&self, who: &Person) -> bool {
        self.by(who, "GET", "/api/me", Value::Null).await.status == 200
    }

    async fn ask_email(&self, who: &Person, email: &str) -> Answer {
        self.by(who, "POST", "/api/me/email", json!({"email": email, "password": PASSWORD})).await
    }

    async fn with_link(&self, path: &str, token: &str) -> Answer {
        self.anyone("POST", path, json!({ "token": token })).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password_is_chosen_anew() {
    let world = World::start().await;
    let ann = world.person("ann").await;
    assert_eq!(world.forgot("Ann@example.com").await, world.forgot("nobody@example.com").await);
    let token = world.token("ann@example.com", "reset").await;
    assert!(world.mails("nobody@example.com").is_empty());
    // What is not taken says why, and uses nothing up.
    let easy = world.reset(&token, "password1").await.refused(422, "rejected");
    assert_eq!(pointers(&easy), ["/password"]);
    world.reset(&format!("{token}x"), ANOTHER).await.refused(410, "link_gone");
    world.reset("rubbish", ANOTHER).await.refused(404, "not_found");
    assert!(world.lives(&ann).await);
    assert_eq!(world.reset(&token, ANOTHER).await.is(200)["user"]["username"], "ann");
    assert!(!world.lives(&ann).await);
    world.sign_in_with("ann", PASSWORD).await.refused(401, "wrong_login");
    world.sign_in_with("ann", ANOTHER).await.is(200);
    // Once.
    world.reset(&token, PASSWORD).await.refused(410, "link_gone");
    world.settle().await;
    assert_eq!(world.last_mail("ann@example.com").subject, "Your Postroom password was changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_choose_a_password_is_good_for_half_an_hour() {
    let world = World::start().await;
    world.person("ann").await;
    world.forgot("ann@example.com").await;
    let token = world.token("ann@example.com", "reset").await;
    world.advance("PT29M").await;
    // One letter a minute, however often somebody asks.
    for _ in 0..3 {
        world.forgot("ann@example.com").await;
    }
    let second = world.token("ann@example.com", "reset").await;
    assert_eq!(world.mails("ann@example.com").len(), 3);
    world.advance("PT2M").await;
    world.reset(&token, ANOTHER).await.refused(410, "link_gone");
    world.reset(&second, ANOTHER).await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_use_one_link_at_once() {
    let world = World::start().await;
    world.person("ann").await;
    world.forgot("ann@example.com").await;
    let token = world.token("ann@example.com", "reset").await;
    let (one, other) = tokio::join!(world.reset(&token, ANOTHER), world.reset(&token, "fourteen yellow walruses"));
    let mut ended = [one.status, other.status];
    ended.sort_unstable();
    assert_eq!(ended, [200, 410]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_knows_the_password_changes_it() {
    let world = World::start().await;
    let (here, there) = (world.person("ann").await, world.sign_in("ann").await);
    let change =
        async |old: &str, new: &str| world.by(&here, "PUT", "/api/me/password", json!({"old_password": old, "password": new})).await;
    assert_eq!(pointers(&change("wrong", ANOTHER).await.refused(422, "rejected")), ["/old_password"]);
    assert_eq!(pointers(&change(PASSWORD, "ann12345").await.refused(422, "rejected")), ["/password"]);
    change(PASSWORD, ANOTHER).await.is(200);
    assert!(world.lives(&here).await, "the session that changed it stays");
    assert!(!world.lives(&there).await);
    // It stays beyond its access token, too.
    world.anyone("POST", "/api/sessions/refresh", json!({"refresh_token": here.refresh})).await.is(200);
    world.anyone("POST", "/api/sessions/refresh", json!({"refresh_token": there.refresh})).await.refused(401, "session_gone");
    world.sign_in_with("ann", ANOTHER).await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_other_sessions_end() {
    let world = World::start().await;
    let (here, there) = (world.person("ann").await, world.sign_in("ann").await);
    world.by(&here, "DELETE", "/api/sessions?others=true", Value::Null).await.is(200);
    assert!(world.lives(&here).await && !world.lives(&there).await);
    let left = world.get(&here, "/api/sessions").await["sessions"].clone();
    assert_eq!(left.as_array().unwrap().len(), 1, "{left:#}");
    assert_eq!((&left[0]["current"], &left[0]["address"]), (&json!(true), &json!("127.0.0.1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_was_first_with_an_address_does_not_get_it() {
    let world = World::start().await;
    // Somebody signs up with Ann's address, signs in, and makes a key.
    world.sign_up("thief", None).await.is(202);
    let body = |username: &str| json!({"email": "ann@example.com", "username": username, "password": PASSWORD, "accept_terms": true, "over_13": true});
    world.anyone("POST", "/api/signup", body("mallory")).await.is(202);
    let mallory = world.sign_in("mallory").await;
    let key = world.by(&mallory, "POST", "/api/me/api-keys", json!({"name": "mine"})).await.is(200)["api_key"]["key"].clone();
    // Ann comes later. Her letter has no button that would confirm somebody else's password.
    world.anyone("POST", "/api/signup", body("ann")).await.is(202);
    let token = world.token("ann@example.com", "reset").await;
    let user = world.reset(&token, ANOTHER).await.is(200)["user"].clone();
    assert_eq!(user["email"], "ann@example.com");
    assert!(!world.lives(&mallory).await);
    world.send("GET", "/api/me", &[("x-api-key", key.as_str().unwrap())], None).await.refused(401, "unauthenticated");
    let ann = world.sign_in_with("ann@example.com", ANOTHER).await.is(200);
    let bearer = format!("Bearer {}", ann["access_token"].as_str().unwrap());
    let me = world.send("GET", "/api/me", &[("authorization", &bearer)], None).await.is(200);
    assert_eq!(me["user"]["emailVerified"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn names() {
    let world = World::start().await;
    let ann = world.person("ann").await;
    let team = world.team(&ann, "Acme", 3).await;
    world.member(&ann, team, "bob", "viewer").await;
    assert_eq!(
        world.anyone("POST", "/api/username/recover", json!({"email": "ann@example.com"})).await.is(202),
        world.anyone("POST", "/api/username/recover", json!({"email": "nobody@example.com"})).await.is(202)
    );
    world.settle().await;
    assert!(world.last_mail("ann@example.com").text.contains("is named ann."));
    let change = async |body: Value| world.by(&ann, "PATCH", "/api/me", body).await;
    assert_eq!(pointers(&change(json!({"username": "BOB"})).await.refused(409, "username_taken")), ["/username"]);
    let wrong = change(json!({"username": "a", "full_name": "x".repeat(256)})).await.refused(422, "rejected");
    assert_eq!(pointers(&wrong), ["/username", "/full_name"]);
    let user = change(json!({"username": "ann-lee", "full_name": " Ann Lee "})).await.is(200)["user"].clone();
    assert_eq!((&user["username"], &user["fullName"]), (&json!("ann-lee"), &json!("Ann Lee")));
    // Only the case: still the same name.
    change(json!({"username": "Ann-Lee"})).await.is(200);
    world.sign_in("ANN-LEE").await;
    world.sign_in_with("ann", PASSWORD).await.refused(401, "wrong_login");
    let members = world.get(&ann, &format!("/api/teams/{team}/members")).await;
    assert!(members.to_string().contains("\"Ann-Lee\""), "{members:#}");
    assert_eq!(change(json!({"full_name": ""})).await.is(200)["user"]["fullName"], "Ann-Lee");
    // The old name is free.
    let body = json!({"email": "anton@example.com", "username": "ann", "password": PASSWORD, "accept_terms": true, "over_13": true});
    world.anyone("POST", "/api/signup", body).await.is(202);
    assert_eq!(world.sign_in("ann").await.email, "anton@example.com");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_address_counts_when_it_is_confirmed() {
    let world = World::start().await;
    let ann = world.person("ann").await;
    world.person("bob").await;
    let wrong = world.by(&ann, "POST", "/api/me/email", json!({"email": "lee@example.com", "password": "wrong"})).await;
    assert_eq!(pointers(&wrong.refused(422, "rejected")), ["/password"]);
    assert_eq!(pointers(&world.ask_email(&ann, "Ann@example.com").await.refused(422, "rejected")), ["/email"]);
    // Somebody else's: the answer does not say so, and their letter has nothing to click.
    world.ask_email(&ann, "bob@example.com").await.is(202);
    world.settle().await;
    let letter = world.last_mail("bob@example.com");
    assert!(letter.text.contains("belongs to your account") && !letter.text.contains("http"), "{}", letter.text);
    world.ask_email(&ann, "lee@example.com").await.is(202);
    let token = world.token("lee@example.com", "email").await;
    world.sign_in_with("lee@example.com", PASSWORD).await.refused(401, "wrong_login");
    assert_eq!(world.with_link("/api/me/email/confirm", &token).await.is(200)["user"]["email"], "lee@example.com");
    world.with_link("/api/me/email/confirm", &token).await.refused(410, "link_gone");
    assert_eq!(world.get(&ann, "/api/me").await["user"]["email"], "lee@example.com");
    world.sign_in_with("lee@example.com", PASSWORD).await.is(200);
    world.sign_in_with("ann@example.com", PASSWORD).await.refused(401, "wrong_login");
    // The old address is told, and kept for a week: nobody else gets it.
    world.settle().await;
    assert_eq!(world.last_mail("ann@example.com").subject, "Your Postroom account has another address");
    let body = json!({"email": "ann@example.com", "username": "other", "password": PASSWORD, "accept_terms": true, "over_13": true});
    world.anyone("POST", "/api/signup", body.clone()).await.is(202);
    world.sign_in_with("other", PASSWORD).await.refused(401, "wrong_login");
    world.advance("PT169H").await;
    world.anyone("POST", "/api/signup", body).await.is(202);
    world.sign_in_with("other", PASSWORD).await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_was_taken_is_taken_back() {
    let world = World::start().await;
    let thief = world.person("ann").await;
    let key = world.by(&thief, "POST", "/api/me/api-keys", json!({"name": "mine"})).await.is(200)["api_key"]["key"].clone();
    // Twice, so that the first address is not the last one any more.
    for email in ["evil@example.com", "worse@example.com"] {
        world.ask_email(&thief, email).await.is(202);
        let token = world.token(email, "email").await;
        world.with_link("/api/me/email/confirm", &token).await.is(200);
    }
    let back = world.token("ann@example.com", "way-back").await;
    world.with_link("/api/me/email/undo", &format!("{back}x")).await.refused(404, "not_found");
    world.advance("P6D").await;
    assert_eq!(world.with_link("/api/me/email/undo", &back).await.is(200)["user"]["email"], "ann@example.com");
    assert!(!world.lives(&thief).await);
    world.send("GET", "/api/me", &[("x-api-key", key.as_str().unwrap())], None).await.refused(401, "unauthenticated");
    for email in ["evil@example.com", "worse@example.com"] {
        world.sign_in_with(email, PASSWORD).await.refused(401, "wrong_login");
    }
    world.with_link("/api/me/email/undo", &back).await.refused(410, "link_gone");
    // The other addresses have no way back over the owner's head.
    world.settle().await;
    let later = link(&world.last_mail("evil@example.com"));
    let later = later.split_once("/way-back?token=").unwrap().1;
    world.reset(&world.token("ann@example.com", "reset").await, ANOTHER).await.is(200);
    world.with_link("/api/me/email/undo", later).await.refused(410, "link_gone");
    world.sign_in_with("ann@example.com", ANOTHER).await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_asked_for_with_the_old_password_is_not_taken_with_it() {
    let world = World::start().await;
    let thief = world.person("ann").await;
    world.ask_email(&thief, "evil@example.com").await.is(202);
    let token = world.token("evil@example.com", "email").await;
    world.forgot("ann@example.com").await;
    world.reset(&world.token("ann@example.com", "reset").await, ANOTHER).await.is(200);
    world.with_link("/api/me/email/confirm", &token).await.refused(410, "link_gone");
    world.sign_in_with("ann@example.com", ANOTHER).await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_back_ends_after_a_week() {
    let world = World::start().await;
    let ann = world.person("ann").await;
    world.ask_email(&ann, "lee@example.com").await.is(202);
    let token = world.token("lee@example.com", "email").await;
    world.with_link("/api/me/email/confirm", &token).await.is(200);
    let back = world.token("ann@example.com", "way-back").await;
    world.advance("PT169H").await;
    world.with_link("/api/me/email/undo", &back).await.refused(410, "link_gone");
    world.sign_in_with("lee@example.com", PASSWORD).await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_from_elsewhere_is_told() {
    let world = World::start().await;
    let ann = world.person("ann").await;
    world.advance("PT2H").await;
    let mails = || world.mails("ann@example.com").len();
    let before = mails();
    let sign_in = async |device: &str, cookie: &str| {
        let headers = [("content-type", "application/json"), ("cookie", cookie)];
        let body = json!({"login": "ann", "password": PASSWORD, "device": device, "keep_signed_in": true}).to_string();
        let answer = world.send("POST", "/api/sessions", &headers, Some(body)).await;
        let cookies = answer.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
        let mut known =
            cookies.filter(|cookie| cookie.starts_with("postroom_known_")).map(|cookie| cookie.split(';').next().unwrap().to_owned());
        let known = known.next_back().unwrap();
        answer.is(200);
        world.settle().await;
        known
    };
    let known = sign_in("Ann's <b>laptop</b>", "").await;
    assert_eq!(mails(), before + 1);
    let letter = world.last_mail("ann@example.com");
    assert_eq!(letter.subject, "A new sign-in to your Postroom account");
    assert!(letter.text.contains("from 127.0.0.1, with: Ann's <b>laptop</b>.") && !letter.html.contains("<b>laptop"), "{}", letter.text);
    // The same program again, and the same browser under another name.
    sign_in("Ann's <b>laptop</b>", "").await;
    sign_in("another name", &known).await;
    assert_eq!(mails(), before + 1);
    // What another account's browser shows counts for nothing.
    sign_in("a third", &known.replace(&ann.id.to_string(), "7")).await;
    assert_eq!(mails(), before + 2);
    let refresh = |token: String| world.anyone("POST", "/api/sessions/refresh", json!({ "refresh_token": token }));
    let here = world.sign_in("ann").await;
    let at = mails();
    refresh(here.refresh.clone()).await.is(200);
    refresh(here.refresh).await.refused(401, "session_gone");
    world.settle().await;
    assert!(at < mails());
    assert_eq!(world.last_mail(&address("ann")).subject, "A session of your Postroom account was ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_wrong_passwords_is_stopped_and_locks_no_known_browser() {
    let world = World::start().await;
    world.sign_up("ann", None).await.is(202);
    let first = world.sign_in_with("ann", PASSWORD).await;
    let cookies = first.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    let known = cookies.filter(|cookie| cookie.starts_with("postroom_known_")).map(|cookie| cookie.split(';').next().unwrap());
    let known = known.collect::<String>();
    for login in ["ann", "ann@example.com", "nobody"] {
        for _ in 0..if login == "nobody" { 10 } else { 5 } {
            world.sign_in_with(login, "wrong").await.refused(401, "wrong_login");
        }
    }
    // An account that is not there is no different.
    for login in ["ann", "ANN@example.com", "nobody"] {
        let refused = world.sign_in_with(login, PASSWORD).await;
        let wait: i64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=900).contains(&wait), "{wait}");
        refused.refused(429, "too_many");
    }
    let headers = [("content-type", "application/json"), ("cookie", known.as_str())];
    let body = json!({"login": "ann", "password": PASSWORD}).to_string();
    world.send("POST", "/api/sessions", &headers, Some(body)).await.is(200);
    world.advance("PT15M").await;
    world.sign_in_with("ann", PASSWORD).await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_are_not_sent_without_end() {
    let world = World::start().await;
    for _ in 0..60 {
        world.forgot("ann@example.com").await;
    }
    world.anyone("POST", "/api/password/forgot", json!({"email": "ann@example.com"})).await.refused(429, "too_many");
    world.anyone("POST", "/api/username/recover", json!({"email": "bob@example.com"})).await.refused(429, "too_many");
    world.advance("PT1H").await;
    world.forgot("ann@example.com").await;
}

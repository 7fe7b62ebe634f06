//! Accounts and sessions.

use serde_json::{Value, json};

use crate::world::{PASSWORD, World, address, link, pointers};

#[tokio::test(flavor = "multi_thread")]
async fn sign_up_confirm_sign_in() {
    let world = World::start().await;
    assert_eq!(world.sign_up("ann", None).await.is(202)["status"], "confirmation_sent");
    let early = world.sign_in("ann").await;
    assert_eq!(world.get(&early, "/api/me").await["user"]["emailVerified"], false);
    world.settle().await;
    let mail = world.last_mail("ann@example.com");
    assert_eq!(mail.subject, "Confirm your address for Postroom");
    let link = link(&mail);
    let token = link.split_once("/confirm?token=").unwrap().1;
    let confirm = |token: String| world.anyone("POST", "/api/signup/confirm", json!({ "token": token }));
    for _ in 0..2 {
        let user = confirm(token.to_owned()).await.is(200)["user"].clone();
        assert_eq!((&user["username"], &user["emailVerified"]), (&json!("ann"), &json!(true)));
    }
    confirm(format!("{token}x")).await.refused(404, "not_found");
    confirm("rubbish".to_owned()).await.refused(404, "not_found");
    for login in ["ann@example.com", "ANN@example.com", "ann", "Ann"] {
        assert_eq!(world.sign_in(login).await.id, early.id);
    }
    let me = world.get(&early, "/api/me").await;
    assert_eq!(me["user"]["teamId"], 0);
    assert_eq!(me["operations"], json!([]));
    assert_eq!(world.mails("ann@example.com").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_link_is_good_for_a_day() {
    let world = World::start().await;
    world.sign_up("ann", None).await.is(202);
    world.settle().await;
    let link = link(&world.last_mail("ann@example.com"));
    world.advance("PT25H").await;
    let token = link.split_once("token=").unwrap().1;
    world.anyone("POST", "/api/signup/confirm", json!({ "token": token })).await.refused(410, "link_gone");
    // Another one is sent to who asks for it, and the answer is the same for whoever has no account.
    let resend = |email: &'static str| world.anyone("POST", "/api/signup/resend", json!({ "email": email }));
    assert_eq!(resend("Ann@example.com").await.is(202), resend("nobody@example.com").await.is(202));
    world.settle().await;
    let link = crate::world::link(&world.last_mail("ann@example.com"));
    let token = link.split_once("/confirm?token=").unwrap().1;
    assert_eq!(world.anyone("POST", "/api/signup/confirm", json!({ "token": token })).await.is(200)["user"]["username"], "ann");
    // Who is confirmed gets no more of them.
    world.advance("PT2M").await;
    resend("ann@example.com").await.is(202);
    world.settle().await;
    assert_eq!((world.mails("ann@example.com").len(), world.stack.outbox().len()), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_sign_up_is_said_at_once() {
    let world = World::start().await;
    let problem = world
        .anyone("POST", "/api/signup", json!({"email": "ann", "username": "a", "password": "12345678"}))
        .await
        .refused(422, "rejected");
    assert_eq!(pointers(&problem), ["/email", "/username", "/password", "/accept_terms", "/over_13"]);
    let json = [("content-type", "application/json")];
    world.send("POST", "/api/signup", &json, Some("{\"email\":".to_owned())).await.refused(400, "malformed");
    world.send("POST", "/api/signup", &json, Some("{}}".to_owned())).await.refused(400, "malformed");
    world.send("POST", "/api/signup", &[("content-type", "text/plain")], Some("{}".to_owned())).await.refused(415, "media_type");
    let problem = world.anyone("POST", "/api/signup", json!({"email": "ann@example.com", "admin": true})).await.refused(422, "rejected");
    assert!(problem["detail"].as_str().unwrap().contains("admin"), "{problem:#}");
    world.settle().await;
    assert!(world.stack.outbox().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn taken_names_and_addresses() {
    let world = World::start().await;
    let ann = world.person("ann").await;
    let body = |email: &str, username: &str| json!({"email": email, "username": username, "password": PASSWORD, "accept_terms": true, "over_13": true});
    let problem = world.anyone("POST", "/api/signup", body("bob@example.com", "ANN")).await.refused(409, "username_taken");
    assert_eq!(pointers(&problem), ["/username"]);
    // The address is taken: the answer does not say so, its owner is told, once an hour.
    let free = world.anyone("POST", "/api/signup", body("bob@example.com", "bob")).await.is(202);
    for username in ["carl", "dora"] {
        assert_eq!(world.anyone("POST", "/api/signup", body("Ann@example.com", username)).await.is(202), free);
    }
    world.settle().await;
    let mails = world.mails("ann@example.com");
    assert_eq!(mails.len(), 2, "{mails:?}");
    assert_eq!(mails[1].subject, "You already have a Postroom account");
    assert_eq!(link(&mails[1]), format!("{}/signin", world.stack.url()));
    // Neither name was taken by it, and nothing of the account has changed.
    world.anyone("POST", "/api/sessions", json!({"login": "carl", "password": PASSWORD})).await.refused(401, "wrong_login");
    assert_eq!(world.get(&ann, "/api/me").await["user"]["username"], "ann");
    world.advance("PT61M").await;
    world.anyone("POST", "/api/signup", body("ann@example.com", "carl")).await.is(202);
    world.settle().await;
    assert_eq!(world.mails("ann@example.com").len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_login_tells_nothing() {
    let world = World::start().await;
    world.sign_up("ann", None).await.is(202);
    let mut told = Vec::new();
    for (login, password) in
        [("ann", "wrong"), ("ann@example.com", "wrong"), ("nobody", PASSWORD), ("nobody@example.com", PASSWORD), ("-", "wrong")]
    {
        let mut problem =
            world.anyone("POST", "/api/sessions", json!({"login": login, "password": password})).await.refused(401, "wrong_login");
        problem["request_id"] = Value::Null;
        told.push(problem);
    }
    assert!(told.windows(2).all(|pair| pair[0] == pair[1]), "{told:#?}");
    world.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refresh_tokens_are_good_once() {
    let world = World::start().await;
    let ann = world.person("ann").await;
    let refresh = |token: String| world.anyone("POST", "/api/sessions/refresh", json!({ "refresh_token": token }));
    let second = refresh(ann.refresh.clone()).await.is(200);
    assert_eq!(second["session"]["id"], ann.session);
    let third = refresh(second["refresh_token"].as_str().unwrap().to_owned()).await.is(200);
    world.get(&ann, "/api/me").await;
    // A made-up secret ends nothing; a used one is a copy: the session ends, for whoever holds it.
    let newest = third["refresh_token"].as_str().unwrap().to_owned();
    refresh(format!("{newest}x")).await.refused(401, "session_gone");
    world.get(&ann, "/api/me").await;
    refresh(ann.refresh.clone()).await.refused(401, "session_gone");
    refresh(newest).await.refused(401, "session_gone");
    world.by(&ann, "GET", "/api/me", Value::Null).await.refused(401, "unauthenticated");
    refresh("rubbish".to_owned()).await.refused(401, "session_gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_and_sessions_age() {
    let world = World::start().await;
    let ann = world.person("ann").await;
    world.advance("PT11M").await;
    world.by(&ann, "GET", "/api/me", Value::Null).await.refused(401, "unauthenticated");
    let fresh = world.anyone("POST", "/api/sessions/refresh", json!({"refresh_token": ann.refresh})).await.is(200);
    world.advance("PT31M").await;
    let late = world.anyone("POST", "/api/sessions/refresh", json!({"refresh_token": fresh["refresh_token"]})).await;
    late.refused(401, "session_gone");
    // A cookie that is used keeps its session alive …
    let ann = world.sign_in("ann").await;
    let cookie = [("cookie", ann.cookie.as_str())];
    for _ in 0..3 {
        world.advance("PT20M").await;
        world.send("GET", "/api/me", &cookie, None).await.is(200);
    }
    // … and one that is not does not.
    world.advance("PT31M").await;
    world.send("GET", "/api/me", &cookie, None).await.refused(401, "unauthenticated");
    let kept = world.anyone("POST", "/api/sessions", json!({"login": "ann", "password": PASSWORD, "keep_signed_in": true})).await;
    let header = kept.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(header.contains("HttpOnly") && header.contains("SameSite=Lax") && header.contains("Max-Age=2592000"), "{header}");
    world.advance("P29D").await;
    world.send("GET", "/api/me", &[("cookie", header.split(';').next().unwrap())], None).await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_changes_nothing_for_other_sites() {
    let world = World::start().await;
    let ann = world.person("ann").await;
    let team = json!({"name": "Acme"}).to_string();
    let post = async |headers: &[(&'static str, &str)]| {
        let headers = [&[("cookie", ann.cookie.as_str())], headers].concat();
        world.send("POST", "/api/teams", &headers, Some(team.clone())).await
    };
    post(&[("content-type", "text/plain")]).await.refused(403, "forged");
    post(&[("content-type", "application/x-www-form-urlencoded")]).await.refused(403, "forged");
    post(&[("content-type", "application/json"), ("origin", "https://evil.example")]).await.refused(403, "forged");
    post(&[("content-type", "application/json"), ("sec-fetch-site", "cross-site")]).await.refused(403, "forged");
    post(&[("content-type", "application/json"), ("origin", world.stack.url())]).await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_seen_and_ended() {
    let world = World::start().await;
    let (here, there) = (world.person("ann").await, world.sign_in("ann").await);
    let bob = world.person("bob").await;
    let sessions = world.get(&here, "/api/sessions").await;
    let current: Vec<&Value> = sessions["sessions"].as_array().unwrap().iter().filter(|session| session["current"] == true).collect();
    assert_eq!(current.len(), 1);
    assert_eq!((&current[0]["id"], &current[0]["device"]), (&json!(here.session), &json!("test")));
    world.by(&bob, "DELETE", &format!("/api/sessions/{}", there.session), Value::Null).await.refused(404, "not_found");
    world.by(&here, "DELETE", &format!("/api/sessions/{}", there.session), Value::Null).await.is(200);
    world.by(&there, "GET", "/api/me", Value::Null).await.refused(401, "unauthenticated");
    world.by(&here, "DELETE", &format!("/api/sessions/{}", there.session), Value::Null).await.refused(404, "not_found");
    let third = world.sign_in("ann").await;
    let ended = world.by(&here, "DELETE", "/api/sessions", Value::Null).await;
    assert!(ended.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    ended.is(200);
    for gone in [&here, &third] {
        world.by(gone, "GET", "/api/me", Value::Null).await.refused(401, "unauthenticated");
        world.send("GET", "/api/me", &[("cookie", &gone.cookie)], None).await.refused(401, "unauthenticated");
        world.anyone("POST", "/api/sessions/refresh", json!({"refresh_token": gone.refresh})).await.refused(401, "session_gone");
    }
    world.sign_in("ann").await;
    world.get(&bob, "/api/me").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn api_keys() {
    let world = World::start().await;
    let ann = world.person("ann").await;
    let make = async |body: Value| world.by(&ann, "POST", "/api/me/api-keys", body).await.is(200)["api_key"].clone();
    let (read, write) = (make(json!({"name": "CI", "scope": "read"})).await, make(json!({"name": "tool"})).await);
    let problem = world.by(&ann, "POST", "/api/me/api-keys", json!({"expires_at": "2020-01-01T00:00:00Z"})).await.refused(422, "rejected");
    assert_eq!(pointers(&problem), ["/name", "/expires_at"]);
    let (reading, writing) = (read["key"].as_str().unwrap(), write["key"].as_str().unwrap());
    assert!(reading.starts_with("PMAK-"));
    let basic = format!("Basic {}", base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("any:{reading}")));
    for headers in [[("x-api-key", reading)], [("authorization", basic.as_str())], [("authorization", &format!("Bearer {reading}"))]] {
        assert_eq!(world.send("GET", "/api/me", &headers, None).await.is(200)["user"]["id"], ann.id);
    }
    world.send("GET", &format!("/api/me?apikey={reading}"), &[], None).await.is(200);
    world.send("GET", "/api/me", &[("x-api-key", &reading[..reading.len() - 1])], None).await.refused(401, "unauthenticated");
    let post = async |key: &str, path: &str, body: Value| {
        world.send("POST", path, &[("x-api-key", key), ("content-type", "application/json")], Some(body.to_string())).await
    };
    post(reading, "/api/teams", json!({"name": "Acme"})).await.refused(403, "forbidden");
    post(writing, "/api/teams", json!({"name": "Acme"})).await.is(200);
    post(writing, "/api/me/api-keys", json!({"name": "more"})).await.refused(403, "forbidden");
    world.send("DELETE", "/api/sessions", &[("x-api-key", writing)], None).await.refused(403, "forbidden");
    let ticket = post(reading, "/api/realtime/tickets", json!({})).await.is(200);
    assert!(ticket["url"].as_str().unwrap().starts_with("ws://"), "{ticket:#}");
    assert_eq!(ticket["expires_in"], 60);
    let listed = world.get(&ann, "/api/me/api-keys").await;
    assert_eq!(listed["api_keys"].as_array().unwrap().len(), 2);
    assert!(!listed.to_string().contains("PMAK"));
    assert!(listed["api_keys"][0]["used_on"].is_string(), "{listed:#}");
    let id = read["id"].as_str().unwrap();
    world.by(&ann, "DELETE", &format!("/api/me/api-keys/{id}"), Value::Null).await.is(200);
    world.by(&ann, "DELETE", &format!("/api/me/api-keys/{id}"), Value::Null).await.refused(404, "not_found");
    world.send("GET", "/api/me", &[("x-api-key", reading)], None).await.refused(401, "unauthenticated");
    let brief = make(json!({"name": "brief", "expires_at": "2099-01-01T00:00:00Z"})).await;
    assert_eq!(brief["expires_at"], "2099-01-01T00:00:00Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_lies_in_the_table() {
    let world = World::start().await;
    let ann = world.person("ann").await;
    let key =
        world.by(&ann, "POST", "/api/me/api-keys", json!({"name": "CI"})).await.is(200)["api_key"]["key"].as_str().unwrap().to_owned();
    let team = world.team(&ann, "Acme", 3).await;
    let invite = world.invite(&ann, team, &address("bob"), "editor").await;
    world.settle().await;
    let tail = |text: &str| text.rsplit('.').next().unwrap().to_owned();
    let confirm = tail(&link(&world.mails("ann@example.com")[0]));
    let secrets = [
        PASSWORD.to_owned(),
        ann.token.clone(),
        tail(&ann.refresh),
        tail(&ann.cookie),
        key.splitn(4, '-').nth(3).unwrap().to_owned(),
        tail(invite["link"].as_str().unwrap()),
        confirm,
    ];
    let dump = crate::world::dump(&world).await;
    assert!(dump.contains("ann@example.com"));
    for secret in secrets {
        assert!(secret.len() >= 20 && !dump.contains(&secret), "{secret} lies in the table");
    }
}

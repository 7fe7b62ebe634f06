//! Programs that sign in through the browser: by a code that a person types, and by a redirect to the person's machine.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::world::{Answer, Person, World, dump, pointers};

const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

impl World {
    /// A program asks; gives what it is told.
    async fn asks(&self, name: &str) -> Value {
        self.anyone("POST", "/api/device/code", json!({"client_id": name, "scope": "all"})).await.is(200)
    }

    async fn polls(&self, asked: &Value) -> Answer {
        let body = json!({"grant_type": DEVICE, "device_code": asked["device_code"], "client_id": "tool"});
        self.anyone("POST", "/api/device/token", body).await
    }

    async fn says(&self, who: &Person, asked: &Value, answer: &str) -> Answer {
        self.by(who, "POST", "/api/device/answer", json!({"user_code": asked["user_code"], "answer": answer})).await
    }

    async fn page(&self, who: &Person, path: &str) -> Answer {
        self.send("GET", path, &[("cookie", &who.cookie)], None).await
    }
}

#[track_caller]
fn error(answer: Answer) -> String {
    assert_eq!((answer.status, &answer.headers["cache-control"]), (400, &"no-store".parse().unwrap()), "{:#}", answer.body);
    assert!(answer.body["error_description"].is_string(), "{:#}", answer.body);
    answer.body["error"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_shows_a_code_and_a_person_says_yes() {
    let world = World::start().await;
    let ann = world.person("ann").await;
    let asked = world.asks("postroom-cli").await;
    assert_eq!((&asked["expires_in"], &asked["interval"]), (&json!(300), &json!(5)));
    assert_eq!(asked["verification_uri"], format!("{}/device", world.stack.url()));
    let code = asked["user_code"].as_str().unwrap();
    assert_eq!(asked["verification_uri_complete"], format!("{}/device?user_code={code}", world.stack.url()));
    assert_eq!(error(world.polls(&asked).await), "authorization_pending");
    // Too soon, twice: ten seconds, then fifteen.
    assert_eq!(error(world.polls(&asked).await), "slow_down");
    world.advance("PT6S").await;
    assert_eq!(error(world.polls(&asked).await), "slow_down");
    world.advance("PT11S").await;
    assert_eq!(error(world.polls(&asked).await), "slow_down");
    world.advance("PT21S").await;
    assert_eq!(error(world.polls(&asked).await), "authorization_pending");
    // The page says who asks, however the code is typed.
    let page = world.page(&ann, &format!("/device?user_code={}", code.to_lowercase().replace('-', ""))).await.is(200);
    let page = page.as_str().unwrap();
    assert!(page.contains("postroom-cli") && page.contains("127.0.0.1") && page.contains(code), "{page}");
    let other = world.page(&ann, "/device?user_code=BBBB-BBBB").await.is(200);
    assert!(other.as_str().unwrap().contains("no program waits with this code"));
    assert_eq!(world.says(&ann, &asked, "approve").await.is(200)["answer"], "approved");
    world.says(&ann, &asked, "refuse").await.refused(410, "request_gone");
    // As a form, as RFC 8628 has it.
    let form = format!("grant_type={}&device_code={}&client_id=x", DEVICE.replace(':', "%3A"), asked["device_code"].as_str().unwrap());
    let granted = world.send("POST", "/api/device/token", &[FORM], Some(form.clone())).await;
    assert!(granted.headers.get("set-cookie").is_none() && granted.headers["cache-control"] == "no-store");
    let granted = granted.is(200);
    assert_eq!((&granted["token_type"], &granted["session"]["device"]), (&json!("Bearer"), &json!("postroom-cli")));
    assert_eq!(error(world.send("POST", "/api/device/token", &[FORM], Some(form)).await), "invalid_grant");
    let bearer = format!("Bearer {}", granted["access_token"].as_str().unwrap());
    assert_eq!(world.send("GET", "/api/me", &[("authorization", &bearer)], None).await.is(200)["user"]["id"], ann.id);
    // It stands among the sessions, stays fresh by its refresh token, and is signed out like any other.
    let sessions = world.get(&ann, "/api/sessions").await;
    assert!(sessions["sessions"].as_array().unwrap().iter().any(|session| session["device"] == "postroom-cli"), "{sessions:#}");
    let refresh = json!({"grant_type": "refresh_token", "refresh_token": granted["refresh_token"]});
    let fresh = world.anyone("POST", "/api/oauth/token", refresh.clone()).await.is(200);
    world.by(&ann, "DELETE", &format!("/api/sessions/{}", granted["session"]["id"].as_str().unwrap()), Value::Null).await.is(200);
    world.send("GET", "/api/me", &[("authorization", &bearer)], None).await.refused(401, "unauthenticated");
    let late = json!({"grant_type": "refresh_token", "refresh_token": fresh["refresh_token"]});
    assert_eq!(error(world.anyone("POST", "/api/oauth/token", late).await), "invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_answered_once_in_time_by_whoever_says_yes() {
    let world = World::start().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    // No.
    let asked = world.asks("tool").await;
    world.says(&ann, &asked, "refuse").await.is(200);
    assert_eq!(error(world.polls(&asked).await), "access_denied");
    // Whoever says yes, it is their account that the program gets, never another's.
    let asked = world.asks("tool").await;
    world.says(&bob, &asked, "approve").await.is(200);
    world.says(&ann, &asked, "approve").await.refused(410, "request_gone");
    let granted = world.polls(&asked).await.is(200);
    let bearer = format!("Bearer {}", granted["access_token"].as_str().unwrap());
    assert_eq!(world.send("GET", "/api/me", &[("authorization", &bearer)], None).await.is(200)["user"]["id"], bob.id);
    assert!(world.get(&ann, "/api/sessions").await["sessions"].as_array().unwrap().iter().all(|session| session["device"] != "tool"));
    // Five minutes: for the person, and for the program.
    let asked = world.asks("tool").await;
    world.advance("PT4M58S").await;
    assert_eq!(error(world.polls(&asked).await), "authorization_pending");
    world.advance("PT3S").await;
    let ann = world.sign_in("ann").await;
    world.says(&ann, &asked, "approve").await.refused(410, "request_gone");
    assert_eq!(error(world.polls(&asked).await), "expired_token");
    assert!(
        world
            .page(&ann, &format!("/device?user_code={}", asked["user_code"].as_str().unwrap()))
            .await
            .is(200)
            .as_str()
            .unwrap()
            .contains("no program waits")
    );
    // Who signs out everywhere takes a yes back that was not fetched.
    let asked = world.asks("tool").await;
    world.says(&ann, &asked, "approve").await.is(200);
    world.by(&ann, "DELETE", "/api/sessions", Value::Null).await.is(200);
    assert_eq!(error(world.polls(&asked).await), "access_denied");
    // Codes that are made up, another program's secret, rubbish.
    let (one, two) = (world.asks("one").await, world.asks("two").await);
    let secret = |asked: &Value| asked["device_code"].as_str().unwrap().split_once('.').unwrap().1.to_owned();
    let code = one["device_code"].as_str().unwrap().split_once('.').unwrap().0.to_owned();
    for made_up in [format!("{code}.{}", secret(&two)), code.clone(), "rubbish".to_owned(), format!("BBBBBBBB.{}", secret(&one))] {
        assert_eq!(error(world.polls(&json!({"device_code": made_up})).await), "invalid_grant", "{made_up}");
    }
    for (body, expected) in [
        (json!({}), "invalid_request"),
        (json!({"grant_type": "password", "password": "x"}), "unsupported_grant_type"),
        (json!({"grant_type": DEVICE}), "invalid_request"),
        (json!({"grant_type": "authorization_code", "code": "x"}), "invalid_request"),
    ] {
        assert_eq!(error(world.anyone("POST", "/api/oauth/token", body).await), expected);
    }
    world.anyone("POST", "/api/device/code", json!({})).await.refused(422, "rejected");
    let dump = dump(&world).await;
    assert!(!dump.contains(&secret(&one)) && !dump.contains(&code));
    // A key cannot say yes, and who guesses codes is stopped.
    let ann = world.sign_in("ann").await;
    let key =
        world.by(&ann, "POST", "/api/me/api-keys", json!({"name": "CI"})).await.is(200)["api_key"]["key"].as_str().unwrap().to_owned();
    let body = json!({"user_code": one["user_code"], "answer": "approve"});
    let headers = [("x-api-key", key.as_str()), ("content-type", "application/json")];
    world.send("POST", "/api/device/answer", &headers, Some(body.to_string())).await.refused(403, "forbidden");
    let guess = json!({"user_code": "BBBB-BBBB"});
    let mut statuses = Vec::new();
    for _ in 0..31 {
        statuses.push(world.says(&ann, &guess, "approve").await.status);
    }
    assert!(statuses.starts_with(&[404; 20]) && statuses.ends_with(&[429]), "{statuses:?}");
    world.says(&ann, &one, "approve").await.refused(429, "too_many");
    assert_eq!(world.page(&ann, "/device?user_code=BBBB-BBBB").await.status, 429);
}

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const BACK: &str = "http://127.0.0.1:8123/callback";

fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER))
}

impl World {
    async fn authorize(&self, who: &Person, redirect: &str, answer: &str) -> Answer {
        let body = json!({
            "client_id": "desk", "redirect_uri": redirect, "code_challenge": challenge(), "state": "s &1", "answer": answer,
        });
        self.by(who, "POST", "/api/authorize", body).await
    }

    /// The code that a browser brings back after a yes.
    async fn code(&self, who: &Person) -> String {
        let to = self.authorize(who, BACK, "approve").await.is(200)["redirect_to"].as_str().unwrap().to_owned();
        let rest = to.strip_prefix(&format!("{BACK}?code=")).unwrap_or_else(|| panic!("{to}"));
        rest.strip_suffix("&state=s%20%261").unwrap_or_else(|| panic!("{to}")).to_owned()
    }

    async fn exchange(&self, code: &str, change: (&str, &str)) -> Answer {
        let mut body = json!({
            "grant_type": "authorization_code", "code": code, "client_id": "desk", "redirect_uri": BACK, "code_verifier": VERIFIER,
        });
        if !change.0.is_empty() {
            body[change.0] = json!(change.1);
        }
        self.anyone("POST", "/api/oauth/token", body).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_answered_on_the_persons_own_machine() {
    let world = World::start().await;
    let ann = world.person("ann").await;
    let address = |redirect: &str, more: &str| {
        let redirect = redirect.replace(':', "%3A").replace('/', "%2F");
        format!("/authorize?response_type=code&client_id=desk&redirect_uri={redirect}&code_challenge={}&state=s%20%261{more}", challenge())
    };
    let good = address(BACK, "&code_challenge_method=S256");
    let page = world.page(&ann, &good).await.is(200);
    assert!(page.as_str().unwrap().contains("“desk”"), "{page}");
    // Who is not signed in signs in first and comes back.
    let away = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let location = async |path: &str, cookie: &str| {
        let answer = away.get(format!("{}{path}", world.stack.url())).header("cookie", cookie).send().await.unwrap();
        (answer.status().as_u16(), answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned()))
    };
    let (status, to) = location(&good, "").await;
    assert!(status == 303 && to.unwrap().starts_with("/signin?next=%2Fauthorize%3F"));
    // Nothing is sent anywhere but to the machine itself.
    for bad in
        ["https://evil.example/cb", "http://evil.example/", "http://127.0.0.1.evil.example/", "http://127.0.0.1@evil.example/", "app:cb"]
    {
        assert_eq!(location(&address(bad, "&code_challenge_method=S256"), &ann.cookie).await, (422, None), "{bad}");
        assert_eq!(pointers(&world.authorize(&ann, bad, "approve").await.refused(422, "rejected")), ["/redirect_uri"], "{bad}");
    }
    // What is wrong with the rest is told to the program.
    for (path, error) in [
        (address(BACK, ""), "invalid_request"),
        (address(BACK, "&code_challenge_method=plain"), "invalid_request"),
        (good.replace("response_type=code", "response_type=token"), "unsupported_response_type"),
    ] {
        assert_eq!(location(&path, &ann.cookie).await, (303, Some(format!("{BACK}?error={error}&state=s%20%261"))), "{path}");
    }
    let no = world.authorize(&ann, BACK, "refuse").await.is(200);
    assert_eq!(no["redirect_to"], format!("{BACK}?error=access_denied&state=s%20%261"));

    let code = world.code(&ann).await;
    let granted = world.exchange(&code, ("", "")).await.is(200);
    let bearer = format!("Bearer {}", granted["access_token"].as_str().unwrap());
    assert_eq!(granted["session"]["device"], "desk");
    assert_eq!(world.send("GET", "/api/me", &[("authorization", &bearer)], None).await.is(200)["user"]["id"], ann.id);
    // A code that comes twice was copied: what it gave ends.
    assert_eq!(error(world.exchange(&code, ("", "")).await), "invalid_grant");
    world.send("GET", "/api/me", &[("authorization", &bearer)], None).await.refused(401, "unauthenticated");
    // One try: who shows something else has used it up.
    let other = "e".repeat(43);
    for change in [
        ("code_verifier", other.as_str()),
        ("code_verifier", "short"),
        ("redirect_uri", "http://127.0.0.1:8124/callback"),
        ("client_id", "another"),
    ] {
        let code = world.code(&ann).await;
        assert_eq!(error(world.exchange(&code, change).await), "invalid_grant", "{change:?}");
        assert_eq!(error(world.exchange(&code, ("", "")).await), "invalid_grant", "{change:?}");
    }
    // Two at once: at most one gets in, and not for long.
    let code = world.code(&ann).await;
    let (one, two) = tokio::join!(world.exchange(&code, ("", "")), world.exchange(&code, ("", "")));
    assert!(one.status == 400 || two.status == 400);
    // A minute.
    let code = world.code(&ann).await;
    world.advance("PT59S").await;
    world.exchange(&code, ("", "")).await.is(200);
    let code = world.code(&ann).await;
    world.advance("PT61S").await;
    assert_eq!(error(world.exchange(&code, ("", "")).await), "invalid_grant");
    let code = world.code(&ann).await;
    assert!(!dump(&world).await.contains(&code));
    world.by(&ann, "DELETE", "/api/sessions", Value::Null).await.is(200);
    assert_eq!(error(world.exchange(&code, ("", "")).await), "invalid_grant");
}

//! Two-factor sign-in, and teams that ask for it.

use std::time::Duration;

use jiff::SignedDuration;
use local::Stack;
use serde_json::{Value, json};
use tests::{Client, TestApp, User, samples};
use totp_rs::{Builder, Secret, Totp};

use crate::world::{Answer, PASSWORD, Person, World, dump, pointers};

/// An authenticator that somebody has scanned a key into. Its clock is that of the stack.
pub struct Phone {
    totp: Totp,
}

impl Phone {
    pub fn scan(secret: &str) -> Phone {
        Phone { totp: Builder::new().with_secret(Secret::try_from_base32(secret).unwrap()).build_noncompliant() }
    }

    /// What it shows now, or so many steps of 30 seconds away.
    pub fn code(&self, stack: &Stack, away: i64) -> String {
        let at = stack.clock().now().as_second() + 30 * away;
        self.totp.generate(u64::try_from(at).unwrap()).to_string()
    }
}

/// Goes to the beginning of the next step of time, so that a test knows which one it is in.
async fn next_step(stack: &Stack) {
    let into = stack.clock().now().as_millisecond().rem_euclid(30_000);
    stack.advance(SignedDuration::from_millis(30_100 - into)).await;
}

impl World {
    /// Sets somebody's second factor up; gives the authenticator and the recovery codes.
    async fn with_phone(&self, who: &Person) -> (Phone, Vec<String>) {
        let set_up = self.by(who, "POST", "/api/me/second-factor", json!({"password": PASSWORD})).await.is(200);
        let phone = Phone::scan(set_up["secret"].as_str().unwrap());
        let code = phone.code(&self.stack, 0);
        let on = self.by(who, "POST", "/api/me/second-factor/confirm", json!({"code": code})).await.is(200);
        let codes = on["recovery_codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned());
        (phone, codes.collect())
    }

    async fn challenge(&self, login: &str) -> String {
        let half = self.anyone("POST", "/api/sessions", json!({"login": login, "password": PASSWORD})).await;
        assert!(half.headers.get("set-cookie").is_none(), "no session begins before the second factor: {:?}", half.headers);
        let half = half.refused(401, "second_factor_needed");
        assert_eq!(half["expires_in"], 300);
        half["challenge"].as_str().unwrap().to_owned()
    }

    async fn second_half(&self, challenge: &str, code: &str) -> Answer {
        self.anyone("POST", "/api/sessions/second-factor", json!({"challenge": challenge, "code": code})).await
    }

    fn subjects(&self, to: &str) -> Vec<String> {
        self.mails(to).iter().map(|mail| mail.subject.clone()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_asked_for_beside_the_password() {
    let world = World::start().await;
    let ann = world.person("ann").await;
    let factor = async || world.get(&ann, "/api/me/second-factor").await["second_factor"].clone();
    assert_eq!(factor().await, json!({"on": false, "since": null, "recovery_codes": 0}));
    world.by(&ann, "POST", "/api/me/second-factor/confirm", json!({"code": "123456"})).await.refused(409, "no_set_up");
    let wrong = world.by(&ann, "POST", "/api/me/second-factor", json!({"password": "wrong"})).await.refused(422, "rejected");
    assert_eq!(pointers(&wrong), ["/password"]);

    // The first of two set-ups is forgotten, and neither counts before its code has come.
    next_step(&world.stack).await;
    let first = world.by(&ann, "POST", "/api/me/second-factor", json!({"password": PASSWORD})).await.is(200);
    let set_up = world.by(&ann, "POST", "/api/me/second-factor", json!({"password": PASSWORD})).await.is(200);
    let secret = set_up["secret"].as_str().unwrap().to_owned();
    let url = set_up["otpauth_url"].as_str().unwrap();
    assert!(url.starts_with("otpauth://totp/Postroom:ann%40example.com?") && url.contains(&secret), "{url}");
    let page = world.send("GET", "/account/second-factor", &[("cookie", &ann.cookie)], None).await;
    let csp = page.headers["content-security-policy"].to_str().unwrap().to_owned();
    assert!(!csp.contains("unsafe"), "{csp}");
    let page = page.is(200).as_str().unwrap().replace(' ', "");
    assert!(page.contains(&secret) && page.contains("<svgclass=\"qr\""));
    let old = Phone::scan(first["secret"].as_str().unwrap());
    let confirm = async |code: String| world.by(&ann, "POST", "/api/me/second-factor/confirm", json!({"code": code})).await;
    assert_eq!(pointers(&confirm(old.code(&world.stack, 0)).await.refused(422, "rejected")), ["/code"]);
    world.sign_in("ann").await;
    let phone = Phone::scan(&secret);
    let code = phone.code(&world.stack, 0);
    let on = confirm(code.clone()).await.is(200);
    let recovery: Vec<String> = on["recovery_codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    assert_eq!(recovery.len(), 10);
    assert_eq!((&factor().await["on"], &factor().await["recovery_codes"]), (&json!(true), &json!(10)));
    confirm(phone.code(&world.stack, 1)).await.refused(409, "no_set_up");
    world.by(&ann, "POST", "/api/me/second-factor", json!({"password": PASSWORD})).await.refused(409, "second_factor_on");

    // A code is good once, and none that is older than one that was used.
    let challenge = world.challenge("ann").await;
    for used in [&code, &phone.code(&world.stack, -1), &phone.code(&world.stack, 3), "000", ""] {
        assert_eq!(pointers(&world.second_half(&challenge, used).await.refused(401, "wrong_code")), ["/code"]);
    }
    let ahead = phone.code(&world.stack, 1);
    let here = world.second_half(&challenge, &format!(" {} {}", &ahead[..3], &ahead[3..])).await;
    assert!(here.headers.get_all("set-cookie").iter().any(|cookie| cookie.to_str().unwrap().starts_with("postroom_session")));
    let here = here.is(200);
    world.send("GET", "/api/me", &[("authorization", &format!("Bearer {}", here["access_token"].as_str().unwrap()))], None).await.is(200);
    world.second_half(&challenge, &ahead).await.refused(401, "wrong_code");
    // Two at once: one of them.
    world.advance("PT16M").await;
    next_step(&world.stack).await;
    let challenge = world.challenge("ann").await;
    let code = phone.code(&world.stack, 0);
    let (one, other) = tokio::join!(world.second_half(&challenge, &code), world.second_half(&challenge, &code));
    let mut both = [one.status, other.status];
    both.sort_unstable();
    assert_eq!(both, [200, 401]);

    // A recovery code, typed as people type, is good once as well.
    let typed = recovery[3].to_uppercase().replace('-', " ");
    world.second_half(&challenge, &typed).await.is(200);
    world.advance("PT16M").await;
    let challenge = world.challenge("ann").await;
    world.second_half(&challenge, &recovery[3]).await.refused(401, "wrong_code");
    world.settle().await;
    let dump = dump(&world).await;
    for secret in recovery.iter().map(String::as_str).flat_map(|code| [code.to_owned(), code.replace('-', "")]).chain([secret]) {
        assert!(!dump.contains(&secret), "{secret} lies in the table");
    }
    let subjects = world.subjects("ann@example.com");
    assert!(subjects.contains(&"Two-factor sign-in is on for your Postroom account".to_owned()), "{subjects:?}");
    assert_eq!(subjects.last().unwrap(), "A recovery code of your Postroom account was used");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_changed_by_who_shows_both() {
    let world = World::start().await;
    let ann = world.person("ann").await;
    next_step(&world.stack).await;
    let (phone, recovery) = world.with_phone(&ann).await;
    let both = |password: &str, code: &str| json!({"password": password, "code": code});
    let renew = "/api/me/second-factor/recovery-codes";
    let code = phone.code(&world.stack, 1);
    assert_eq!(pointers(&world.by(&ann, "POST", renew, both("wrong", &code)).await.refused(422, "rejected")), ["/password"]);
    assert_eq!(pointers(&world.by(&ann, "POST", renew, both(PASSWORD, "123123")).await.refused(422, "rejected")), ["/code"]);
    let fresh = world.by(&ann, "POST", renew, both(PASSWORD, &code)).await.is(200)["recovery_codes"].clone();
    let challenge = world.challenge("ann").await;
    world.second_half(&challenge, &recovery[0]).await.refused(401, "wrong_code");
    world.second_half(&challenge, fresh[0].as_str().unwrap()).await.is(200);
    // A new password, by the old one or by the link of a mail, leaves it as it is.
    world.by(&ann, "PUT", "/api/me/password", json!({"old_password": PASSWORD, "password": "another horse battery"})).await.is(200);
    world.anyone("POST", "/api/password/forgot", json!({"email": ann.email})).await.is(202);
    world.settle().await;
    let link = crate::world::link(&world.last_mail(&ann.email));
    let token = link.split_once("token=").unwrap().1;
    world.anyone("POST", "/api/password/reset", json!({"token": token, "password": PASSWORD})).await.is(200);
    let challenge = world.challenge("ann").await;
    let again = world.second_half(&challenge, fresh[1].as_str().unwrap()).await.is(200);
    let ann = Person { token: again["access_token"].as_str().unwrap().to_owned(), ..ann };
    let off = async |password: &str, code: &str| world.by(&ann, "DELETE", "/api/me/second-factor", both(password, code)).await;
    assert_eq!(pointers(&off("wrong", "123123").await.refused(422, "rejected")), ["/password"]);
    assert_eq!(pointers(&off(PASSWORD, fresh[1].as_str().unwrap()).await.refused(422, "rejected")), ["/code"]);
    off(PASSWORD, fresh[2].as_str().unwrap()).await.is(200);
    off(PASSWORD, fresh[3].as_str().unwrap()).await.refused(409, "second_factor_off");
    world.sign_in("ann").await;
    world.settle().await;
    let subjects = world.subjects(&ann.email);
    for expected in ["New recovery codes for your Postroom account", "Two-factor sign-in is off for your Postroom account"] {
        assert!(subjects.contains(&expected.to_owned()), "{subjects:?}");
    }
    // Who has not confirmed the address cannot lock its owner out.
    world.sign_up("eve", None).await.is(202);
    let eve = world.sign_in("eve").await;
    world.by(&eve, "POST", "/api/me/second-factor", json!({"password": PASSWORD})).await.refused(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_ages_and_dies_with_the_password() {
    let world = World::start().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    next_step(&world.stack).await;
    let (phone, recovery) = world.with_phone(&ann).await;
    let (other, _) = world.with_phone(&bob).await;
    let challenge = world.challenge("ann").await;
    world.second_half(&challenge, &other.code(&world.stack, 1)).await.refused(401, "wrong_code");
    for not_ours in [format!("{challenge}A"), challenge.replacen(&ann.id.to_string(), &bob.id.to_string(), 1), String::new()] {
        world.second_half(&not_ours, &phone.code(&world.stack, 1)).await.refused(401, "challenge_gone");
    }
    world.advance("PT4M58S").await;
    world.second_half(&challenge, &recovery[0]).await.is(200);
    world.advance("PT4S").await;
    world.second_half(&challenge, &recovery[1]).await.refused(401, "challenge_gone");
    let challenge = world.challenge("ann").await;
    let again = world.second_half(&challenge, &recovery[1]).await.is(200);
    let ann = Person { token: again["access_token"].as_str().unwrap().to_owned(), ..ann };
    world.by(&ann, "PUT", "/api/me/password", json!({"old_password": PASSWORD, "password": "another horse battery"})).await.is(200);
    world.second_half(&challenge, &recovery[2]).await.refused(401, "challenge_gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_codes_is_held_to_a_rate() {
    let world = World::start().await;
    let ann = world.person("ann").await;
    next_step(&world.stack).await;
    let (phone, recovery) = world.with_phone(&ann).await;
    world.advance("PT16M").await;
    let challenge = world.challenge("ann").await;
    let right = [-1, 0, 1].map(|away| phone.code(&world.stack, away));
    let wrong = (0..40).map(|guess| format!("{:06}", guess * 7)).filter(|guess| !right.contains(guess));
    // Many at once are no way around it.
    let answers = futures::future::join_all(wrong.map(|guess| {
        let (world, challenge) = (&world, &challenge);
        async move { world.second_half(challenge, &guess).await.status }
    }))
    .await;
    assert_eq!(answers.iter().filter(|status| **status == 401).count(), 10, "{answers:?}");
    assert!(answers.iter().all(|status| matches!(status, 401 | 429)), "{answers:?}");
    let late = world.second_half(&challenge, &recovery[0]).await;
    let wait: u64 = late.headers["retry-after"].to_str().unwrap().parse().unwrap();
    late.refused(429, "too_many");
    assert!((1..=900).contains(&wait));
    world.stack.advance(SignedDuration::try_from(Duration::from_secs(wait + 1)).unwrap()).await;
    let challenge = world.challenge("ann").await;
    world.second_half(&challenge, &recovery[0]).await.is(200);
}

/// Sets a second factor up; gives a proof that switches it off again.
async fn arm(app: &TestApp, user: &User) -> Value {
    let password = format!("{}{}", tests::PASSWORD, user.name);
    let set_up = user.post("/api/me/second-factor", json!({"password": password})).await.ok();
    let phone = Phone::scan(set_up.at("/secret").as_str().unwrap());
    let on = user.post("/api/me/second-factor/confirm", json!({"code": phone.code(app.stack(), 0)})).await.ok();
    app.mails_to(&user.email).await;
    json!({"password": password, "code": on.at("/recovery_codes/0")})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_can_ask_for_it() {
    TestApp::on_each_engine(async |app| {
        let (anna, bob) = (app.user("anna").await, app.user("bob").await);
        let team = app.team(&anna, 6).await;
        app.bring(&team, &bob, "editor").await;
        let collection = anna.import(&team.workspace, samples::collection("Pets", &[samples::request("bark")])).await;
        app.settle().await;
        let rule = format!("/api/teams/{}/second-factor", team.id);
        let require = async |by: &Client, required: bool| by.put(&rule, json!({"required": required}).to_string()).await;
        // Who has none cannot ask others for it, nor can who is no admin.
        require(&anna, true).await.refused(403, "second_factor_required");
        arm(app, &bob).await;
        require(&bob, true).await.refused(403, "forbidden");
        let anna_off = arm(app, &anna).await;
        let carl = app.join(&team, "carl", "editor").await;
        let key = app.api_key(&carl, "write").await;
        let (mut his, mut hers) = (carl.listen().await, bob.listen().await);
        for socket in [&mut his, &mut hers] {
            socket.subscribe(&collection, None).await;
        }
        require(&anna, true).await.ok();
        assert_eq!(anna.get(&format!("/api/teams/{}", team.id)).await.ok().at("/team/requires_second_factor"), true);
        let item = anna.item_named(&collection, "bark").await;
        let path = format!("/api/collections/{collection}/items/{item}");
        anna.put(&path, anna.get(&path).await.ok().text.replace("bark", "growl")).await.ok();
        assert_eq!(hers.next_event().await["seq"], 2);
        app.settle().await;
        assert!(his.following().await.is_empty(), "no event reaches who is outside");

        // Whoever has none is outside, in every way, and is told why; what is their own stays theirs.
        let inside = async |who: &Client, is: bool| {
            let workspace = format!("/api/workspaces/{}", team.workspace);
            for path in [&format!("/api/teams/{}", team.id), &workspace, &path, &format!("/api/teams/{}/feed", team.id)] {
                let answer = who.get(path).await;
                drop(if is { answer.ok() } else { answer.refused(403, "second_factor_required") });
            }
            assert_eq!(who.get("/api/teams").await.ok().at("/data").as_array().unwrap().len(), usize::from(is));
        };
        inside(&carl, false).await;
        inside(&key, false).await;
        inside(&bob, true).await;
        carl.get("/api/me").await.ok();
        his.say(json!({"action": "subscribe", "collection": collection})).await;
        assert_eq!(his.next().await["data"]["code"], "not_found");
        // Who joins now, as whatever, is outside as well.
        let dora = app.join(&team, "dora", "admin").await;
        inside(&dora, false).await;
        require(&dora, false).await.refused(403, "second_factor_required");
        // Another role changes nothing of it.
        anna.patch(&format!("/api/teams/{}/members/{}", team.id, carl.id), "{\"role\": \"viewer\"}").await.ok();
        inside(&carl, false).await;

        // With one, they are in at once; without it again, out at once.
        let carl_off = arm(app, &carl).await;
        inside(&carl, true).await;
        inside(&key, true).await;
        his.subscribe(&collection, None).await;
        carl.ask("DELETE", "/api/me/second-factor").json(carl_off.to_string()).await.ok();
        assert!(his.following().await.is_empty());
        inside(&carl, false).await;
        // The admins who have none by now cannot drop the rule; the one who has can.
        require(&anna, false).await.ok();
        inside(&carl, true).await;
        inside(&dora, true).await;
        anna.ask("DELETE", "/api/me/second-factor").json(anna_off.to_string()).await.ok();
        inside(&anna, true).await;
        app.mails().await;
    })
    .await;
}

//! What teams pay, over months: the clock is set to the first of April 2027 and moved.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use app::Clock;
use futures::future::join_all;
use jiff::Timestamp;
use local::Options;
use serde_json::{Value, json};
use tests::TestApp;

use crate::world::{Person, World, pointers, token};

const START: &str = "2027-04-01T09:00:00Z";

async fn in_april() -> World {
    let clock = Clock::system();
    clock.advance(START.parse::<Timestamp>().unwrap().duration_since(clock.now()));
    World::with(Options { clock, ..Options::default() }).await
}

/// Lets days pass; the schedule runs, and everybody signs in again.
async fn days<const N: usize>(world: &World, days: i64, names: [&str; N]) -> [Person; N] {
    world.advance(&format!("PT{}H", 24 * days)).await;
    world.settle().await;
    let mut people = Vec::new();
    for name in names {
        people.push(world.sign_in(name).await);
    }
    people.try_into().unwrap()
}

async fn plan(world: &World, who: &Person, team: u64, plan: &str, period: &str) -> Value {
    world.by(who, "PUT", &format!("/api/teams/{team}/plan"), json!({"plan": plan, "period": period})).await.is(200)
}

async fn seats(world: &World, who: &Person, team: u64, count: u64) -> crate::world::Answer {
    world.by(who, "POST", &format!("/api/teams/{team}/seats"), json!({ "count": count })).await
}

async fn pay(world: &World, who: &Person, team: u64, number: u64) -> Value {
    world.by(who, "POST", &format!("/api/teams/{team}/invoices/{number}/paid"), json!({})).await.is(200)["invoice"].clone()
}

fn arithmetic(invoice: &Value) -> Vec<(i64, i64, i64, i64, i64)> {
    let number = |line: &Value, name: &str| line[name].as_i64().unwrap();
    let lines = invoice["lines"].as_array().unwrap().iter();
    lines
        .map(|line| (number(line, "seats"), number(line, "unit"), number(line, "days"), number(line, "of"), number(line, "cents")))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn more_costs_what_is_left_and_less_waits() {
    let world = in_april().await;
    let ann = world.person("ann").await;
    let team = world.team(&ann, "Acme", 3).await;
    let plans = world.anyone("GET", "/api/plans", Value::Null).await.is(200);
    assert_eq!(plans["plans"].as_array().unwrap().iter().map(|plan| plan["month"].as_i64().unwrap()).collect::<Vec<_>>(), [0, 800, 2_000]);
    let free = world.get(&ann, &format!("/api/teams/{team}/billing")).await["billing"].clone();
    assert_eq!((&free["plan"], &free["cycle"], &free["seats"]["free"]), (&json!("free"), &Value::Null, &json!(2)));
    let first = plan(&world, &ann, team, "team", "month").await;
    assert_eq!(arithmetic(&first["invoice"]), [(3, 800, 30, 30, 2_400)]);
    assert_eq!((&first["invoice"]["total"], &first["invoice"]["status"]), (&json!(2_400), &json!("open")));
    let due: Timestamp = first["invoice"]["due_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(due.duration_since(first["invoice"]["issued_at"].as_str().unwrap().parse().unwrap()).as_hours(), 240);
    world.settle().await;
    let mail = world.last_mail("ann@example.com");
    assert!(mail.subject == "An invoice from Postroom" && mail.text.contains("INV-0001 for Acme is over $24.00"), "{}", mail.text);
    // Paid is paid, whoever says so again.
    let paid = pay(&world, &ann, team, 1).await;
    assert_eq!((&paid["status"], &paid["paid_by"]), (&json!("paid"), &json!("ann")));
    assert_eq!(pay(&world, &ann, team, 1).await, paid);
    world.by(&ann, "POST", &format!("/api/teams/{team}/invoices/9/paid"), json!({})).await.refused(404, "not_found");
    // On the 21st ten days are left.
    let [ann] = days(&world, 20, ["ann"]).await;
    let more = seats(&world, &ann, team, 5).await.is(200);
    assert_eq!((arithmetic(&more["invoice"]), &more["seats"]["free"]), (vec![(2, 800, 10, 30, 533)], &json!(4)));
    let up = plan(&world, &ann, team, "enterprise", "month").await;
    assert_eq!(arithmetic(&up["invoice"]), [(5, 2_000, 10, 30, 3_333), (5, -800, 10, 30, -1_333)]);
    assert_eq!(up["invoice"]["total"], 2_000);
    // Fewer, and as many again, costs nothing; fewer than are used cannot be.
    assert_eq!(seats(&world, &ann, team, 1).await.is(200)["invoice"], Value::Null);
    assert_eq!(pointers(&seats(&world, &ann, team, 0).await.refused(422, "rejected")), ["/count"]);
    assert_eq!(seats(&world, &ann, team, 5).await.is(200)["invoice"], Value::Null);
    world.invite(&ann, team, "eve@example.com", "viewer").await;
    seats(&world, &ann, team, 1).await.refused(409, "seats_in_use");
    // An admin who does not look after payment takes what is paid for, and buys nothing.
    let bob = world.member(&ann, team, "bob", "admin").await;
    seats(&world, &bob, team, 4).await.is(200);
    seats(&world, &bob, team, 5).await.is(200);
    assert_eq!(pointers(&seats(&world, &bob, team, 6).await.refused(403, "needs_billing")), ["/count"]);
    world.by(&bob, "PUT", &format!("/api/teams/{team}/plan"), json!({"plan": "free"})).await.refused(403, "forbidden");
    // Less waits for the end of the cycle, and begins there.
    let down = plan(&world, &ann, team, "team", "month").await["billing"].clone();
    assert_eq!((&down["plan"], &down["next"]["plan"]), (&json!("enterprise"), &json!("team")));
    pay(&world, &ann, team, 2).await;
    pay(&world, &ann, team, 3).await;
    let [ann] = days(&world, 10, ["ann"]).await;
    let renewed = world.get(&ann, &format!("/api/teams/{team}/invoices/4")).await["invoice"].clone();
    assert_eq!(arithmetic(&renewed), [(5, 800, 31, 31, 4_000)]);
    pay(&world, &ann, team, 4).await;
    plan(&world, &ann, team, "free", "month").await;
    let [ann] = days(&world, 31, ["ann"]).await;
    let over = world.get(&ann, &format!("/api/teams/{team}/billing")).await["billing"].clone();
    assert_eq!((&over["plan"], &over["cycle"], &over["seats"]["count"]), (&json!("free"), &Value::Null, &json!(5)));
    let invoices = world.get(&ann, &format!("/api/teams/{team}/invoices")).await;
    assert_eq!(
        invoices["invoices"].as_array().unwrap().iter().map(|one| one["number"].as_u64().unwrap()).collect::<Vec<_>>(),
        [4, 3, 2, 1]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn invoices_are_told_of_as_one_chooses() {
    let world = in_april().await;
    let ann = world.person("ann").await;
    let team = world.team(&ann, "Acme", 3).await;
    plan(&world, &ann, team, "team", "month").await;
    world.settle().await;
    let told = async |ann: &Person| {
        let all = world.get(ann, "/api/notifications").await["notifications"].clone();
        all.as_array().unwrap().iter().filter(|one| one["category"] == "billing").cloned().collect::<Vec<_>>()
    };
    let first = told(&ann).await;
    assert_eq!((first.len(), &first[0]["text"]), (1, &json!("Invoice INV-0001 for Acme is over $24.00")));
    assert_eq!(first[0]["link"], format!("/teams/{team}/invoices/1"));
    // The letter ends its kind by one click; the inbox goes on.
    let mail = world.last_mail("ann@example.com");
    assert!(mail.text.contains("/notifications/settings") && mail.html.contains("/notifications/settings\""), "{mail:?}");
    let click = mail.headers["List-Unsubscribe"].trim_matches(['<', '>']).to_owned();
    let path = click[click.find("/api/").unwrap()..].to_owned();
    assert_eq!(world.anyone("POST", &path, json!({})).await.is(200)["unsubscribed"], "billing");
    let letters = world.mails("ann@example.com").len();
    pay(&world, &ann, team, 1).await;
    world.settle().await;
    assert_eq!((told(&ann).await.len(), world.mails("ann@example.com").len()), (2, letters));
    // By mail only.
    world.by(&ann, "PUT", "/api/me/notifications", json!({"billing": {"in_app": false, "mail": true}})).await.is(200);
    seats(&world, &ann, team, 5).await.is(200);
    world.settle().await;
    assert_eq!((told(&ann).await.len(), world.mails("ann@example.com").len()), (2, letters + 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_that_does_not_pay_reads_until_it_does() {
    let world = in_april().await;
    let ann = world.person("ann").await;
    let team = world.team(&ann, "Acme", 5).await;
    let bob = world.member(&ann, team, "bob", "editor").await;
    let carl = world.member(&ann, team, "carl", "editor").await;
    let dora = world.invite(&ann, team, "dora@example.com", "editor").await;
    let workspace = world.get(&ann, &format!("/api/teams/{team}")).await["team"]["workspace"].as_str().unwrap().to_owned();
    let file = json!({"collection": {
        "info": {"name": "Payments", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
        "item": [{"name": "List", "request": {"method": "GET", "url": "http://example.com"}}],
    }});
    let made = world.by(&ann, "POST", &format!("/api/collections?workspace={workspace}"), file).await.is(200);
    let items = format!("/api/collections/{}/items", made["collection"]["id"].as_str().unwrap());
    let write = async |who: &Person| world.by(who, "POST", &items, json!({"name": "New", "request": {"method": "GET", "url": "x"}})).await;
    assert_eq!(write(&bob).await.status, 200);
    plan(&world, &ann, team, "team", "month").await;
    let subjects = |name: &str| -> Vec<String> {
        let subjects = world.mails(&crate::world::address(name)).into_iter().map(|mail| mail.subject.clone());
        subjects.filter(|subject| !subject.starts_with("A new sign-in")).collect()
    };
    days(&world, 6, []).await;
    assert!(!subjects("ann").contains(&"An invoice waits to be paid".to_owned()));
    days(&world, 1, []).await;
    assert_eq!(subjects("ann").last().unwrap(), "An invoice waits to be paid");
    let [bob, carl] = days(&world, 2, [&bob.email, &carl.email]).await;
    assert_eq!(write(&bob).await.status, 200);
    let [ann, bob] = days(&world, 1, ["ann", &bob.email]).await;
    assert_eq!(subjects("ann").last().unwrap(), "Your team can only read now");
    assert!(!subjects("bob").contains(&"Your team can only read now".to_owned()));
    write(&bob).await.refused(402, "team_unpaid");
    write(&ann).await.refused(402, "team_unpaid");
    world.get(&bob, &items).await;
    assert_eq!(world.get(&bob, &format!("/api/teams/{team}")).await["team"]["readOnly"], true);
    world.by(&ann, "POST", &format!("/api/teams/{team}/invites"), json!({"emails": ["x@example.com"]})).await.refused(402, "team_unpaid");
    seats(&world, &ann, team, 9).await.refused(402, "team_unpaid");
    // Letting people go and paying are always possible. Whoever comes in meanwhile reads as well, by the next hour.
    world.by(&ann, "DELETE", &format!("/api/teams/{team}/members/{}", carl.id), Value::Null).await.is(200);
    world.sign_up("dora", Some(token(&dora))).await.is(202);
    days(&world, 1, []).await;
    let [ann, bob, dora] = days(&world, 1, ["ann", "bob", "dora"]).await;
    write(&dora).await.refused(402, "team_unpaid");
    // What is paid counts at once; the cycle had not ended.
    pay(&world, &ann, team, 1).await;
    assert_eq!(write(&bob).await.status, 200);
    assert_eq!(write(&dora).await.status, 200);
    assert_eq!(world.get(&ann, &format!("/api/teams/{team}/invoices")).await["invoices"].as_array().unwrap().len(), 1);
    world.settle().await;
    assert!(subjects("ann").contains(&"Your payment has arrived".to_owned()));
    // The next cycle is not paid for until well into the one after it: that time costs nothing.
    days(&world, 18, []).await;
    let [bob] = days(&world, 10, ["bob"]).await;
    write(&bob).await.refused(402, "team_unpaid");
    let [ann, bob] = days(&world, 40, ["ann", "bob"]).await;
    write(&bob).await.refused(402, "team_unpaid");
    assert_eq!(world.get(&ann, &format!("/api/teams/{team}/invoices")).await["invoices"].as_array().unwrap().len(), 2);
    pay(&world, &ann, team, 2).await;
    assert_eq!(write(&bob).await.status, 200);
    let third = world.get(&ann, &format!("/api/teams/{team}/invoices/3")).await["invoice"].clone();
    let today = world.stack.clock().now().to_string()[..10].to_owned();
    assert!(third["lines"][0]["text"].as_str().unwrap().contains(&format!("{today} to ")), "{third:#}");
    world.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_buys_for_a_team_that_others_use() {
    let world = in_april().await;
    let (carl, dora) = (world.person("carl").await, world.person("dora").await);
    let buy = async |body: Value| world.by(&carl, "POST", "/api/teams/buy", body).await;
    let wrong = buy(json!({"name": "", "admin": "dora", "seats": 0})).await.refused(422, "rejected");
    assert_eq!(pointers(&wrong), ["/name", "/admin", "/seats"]);
    let bought = buy(json!({"name": "Lab", "admin": "dora@example.com", "seats": 4, "plan": "team", "period": "year"})).await.is(200);
    let team = bought["team"]["id"].as_u64().unwrap();
    assert_eq!((&bought["team"]["seats"], &bought["invoice"]), (&json!({"count": 4, "used": 1, "free": 3}), &json!(1)));
    assert_eq!(pointers(&buy(json!({"name": "Lab", "admin": "dora@example.com"})).await.refused(409, "handle_taken")), ["/handle"]);
    // The buyer sees plan and invoices, and nothing else of it.
    world.by(&carl, "GET", &format!("/api/teams/{team}"), Value::Null).await.refused(404, "not_found");
    world.by(&carl, "GET", &format!("/api/teams/{team}/members"), Value::Null).await.refused(404, "not_found");
    assert_eq!(world.get(&carl, "/api/teams").await["data"], json!([]));
    assert_eq!(world.get(&carl, &format!("/api/teams/{team}/billing")).await["billing"]["period"], "year");
    let again = async |email: &str| world.by(&carl, "POST", &format!("/api/teams/{team}/admin"), json!({ "email": email })).await;
    again("dora@example.com").await.refused(409, "already_invited");
    world.settle().await;
    assert_eq!(world.last_mail("carl@example.com").subject, "An invoice from Postroom");
    let mail = world.last_mail("dora@example.com");
    assert_eq!(mail.subject, "carl invites you to Lab on Postroom");
    let link = crate::world::link(&mail);
    let accepted = json!({"token": link.rsplit_once('/').unwrap().1});
    world.by(&dora, "POST", "/api/invites/accept", accepted).await.is(200);
    world.invite(&dora, team, "eve@example.com", "viewer").await;
    again("fred@example.com").await.refused(409, "has_admin");
    world.by(&dora, "GET", &format!("/api/teams/{team}/billing"), Value::Null).await.refused(403, "forbidden");
    assert_eq!(seats(&world, &carl, team, 6).await.is(200)["seats"], json!({"count": 6, "used": 2, "free": 4}));
    // In the Postman API's shapes.
    let account = world.get(&carl, "/api/accounts").await;
    assert_eq!(account["slots"], json!({"available": 4, "consumed": 2, "total": 6, "unbilled": 0}));
    assert_eq!((&account["id"], &account["state"], &account["billingEmail"]), (&json!(team), &json!("PAID"), &json!("carl@example.com")));
    let path = format!("/api/accounts/{team}/invoices");
    world.by(&carl, "GET", &path, Value::Null).await.refused(400, "malformed");
    assert_eq!(world.get(&carl, &format!("{path}?status=PAID")).await["data"], json!([]));
    pay(&world, &carl, team, 1).await;
    let paid = world.get(&carl, &format!("{path}?status=PAID")).await["data"].clone();
    assert_eq!((&paid[0]["issuedAt"], &paid[0]["totalAmount"]), (&json!("2027-04-01"), &json!({"value": 320, "currency": "USD"})));
    world.by(&dora, "GET", &format!("{path}?status=PAID"), Value::Null).await.refused(403, "forbidden");
    let stranger = world.person("zoe").await;
    world.by(&stranger, "GET", &format!("{path}?status=PAID"), Value::Null).await.refused(404, "not_found");
    world.by(&stranger, "GET", "/api/accounts", Value::Null).await.refused(400, "malformed");
    world.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_buy_at_once_and_each_seat_is_paid_for_once() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let team = app.team(&anna, 1).await;
        let path = format!("/api/teams/{}", team.id);
        anna.put(&format!("{path}/plan"), json!({"plan": "team", "period": "year"}).to_string()).await.ok();
        let seats = format!("{path}/seats");
        let answers = join_all((2..10).map(async |count| anna.post(&seats, json!({ "count": count })).await)).await;
        answers.into_iter().for_each(|answer| assert!([200, 503].contains(&answer.status), "{answer}"));
        let billing = anna.get(&format!("{path}/billing")).await.ok();
        let invoices = anna.get(&format!("{path}/invoices")).await.ok().at("/invoices");
        let invoices = invoices.as_array().unwrap();
        let numbers: Vec<u64> = invoices.iter().rev().map(|invoice| invoice["number"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (1..=invoices.len() as u64).collect::<Vec<_>>());
        let bought: u64 = invoices.iter().map(|invoice| invoice["lines"][0]["seats"].as_u64().unwrap()).sum();
        assert_eq!(billing.at("/billing/paid_seats"), bought);
        assert_eq!(billing.at("/billing/open").as_array().unwrap().len(), invoices.len());
        app.mails().await;
    })
    .await;
}

/// What Stripe answers, as far as we ask: a page for each checkout; the same key gets the same page.
struct Stripe {
    url: String,
    asked: Arc<Mutex<Vec<Form>>>,
}

type Form = BTreeMap<String, String>;

impl Stripe {
    async fn start() -> Stripe {
        let asked: Arc<Mutex<Vec<Form>>> = Arc::default();
        let kept = Arc::clone(&asked);
        let sessions = move |headers: axum::http::HeaderMap, axum::Form(form): axum::Form<Form>| async move {
            if headers["authorization"] != "Bearer sk_test" || headers["content-type"] != "application/x-www-form-urlencoded" {
                return (axum::http::StatusCode::UNAUTHORIZED, axum::Json(json!({"error": {"type": "invalid_request_error"}})));
            }
            kept.lock().unwrap().push(form);
            let page = format!("https://checkout.stripe.example/{}", headers["idempotency-key"].to_str().unwrap());
            (axum::http::StatusCode::OK, axum::Json(json!({"id": "cs_test", "object": "checkout.session", "url": page})))
        };
        let router = axum::Router::new().route("/v1/checkout/sessions", axum::routing::post(sessions));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Stripe { url, asked }
    }
}

/// A notice as Stripe sends and signs it.
fn signed(at: Timestamp, secret: &str, body: &Value) -> (String, String) {
    use hmac::{Hmac, KeyInit, Mac};
    let (seconds, body) = (at.as_second(), body.to_string());
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{seconds}.{body}").as_bytes());
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    (format!("t={seconds},v1={hex},v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39"), body)
}

#[tokio::test(flavor = "multi_thread")]
async fn stripe_takes_the_money_and_nobody_else_says_so() {
    let stripe = Stripe::start().await;
    let secrets = app::StripeSecrets { key: "sk_test".into(), webhook_secret: "whsec_test".into(), url: stripe.url.clone() };
    let world = World::with(Options { stripe: Some(secrets), ..Options::default() }).await;
    let ann = world.person("ann").await;
    let team = world.team(&ann, "Acme & Sons", 3).await;
    plan(&world, &ann, team, "team", "year").await;
    let invoice = format!("/api/teams/{team}/invoices/1");
    let checkout = async |who: &Person| world.by(who, "POST", &format!("{invoice}/checkout"), json!({})).await;
    let page = checkout(&ann).await.is(200)["checkout"]["url"].clone();
    assert_eq!(checkout(&ann).await.is(200)["checkout"]["url"], page, "the same page for the same invoice");
    let form = stripe.asked.lock().unwrap()[0].clone();
    for (name, value) in [
        ("mode", "payment".to_owned()),
        ("line_items[0][price_data][unit_amount]", "24000".to_owned()),
        ("line_items[0][price_data][currency]", "usd".to_owned()),
        ("line_items[0][price_data][product_data][name]", "Postroom, Acme & Sons, invoice INV-0001".to_owned()),
        ("metadata[team]", team.to_string()),
        ("metadata[invoice]", "1".to_owned()),
        ("success_url", format!("{}/teams/{team}/invoices/1", world.stack.url())),
    ] {
        assert_eq!(form[name], value);
    }
    world.by(&ann, "POST", &format!("{invoice}/paid"), json!({})).await.refused(403, "forbidden");
    let notice = |cents: i64, invoice: &str| {
        json!({"id": "evt_1", "type": "checkout.session.completed", "data": {"object": {
            "id": "cs_test", "object": "checkout.session", "payment_status": "paid", "amount_total": cents, "currency": "usd",
            "metadata": {"team": team.to_string(), "invoice": invoice},
        }}})
    };
    let hear = async |(signature, body): (String, String)| {
        world
            .send("POST", "/api/payments/stripe", &[("stripe-signature", &signature), ("content-type", "application/json")], Some(body))
            .await
    };
    let status = async || world.get(&ann, &invoice).await["invoice"]["status"].clone();
    let now = world.stack.clock().now();
    // Forged, changed on the way, too old, from the future, unsigned.
    hear(signed(now, "whsec_other", &notice(24_000, "1"))).await.refused(400, "malformed");
    let (signature, body) = signed(now, "whsec_test", &notice(24_000, "1"));
    hear((signature.clone(), body.replace("\"1\"", "\"2\""))).await.refused(400, "malformed");
    hear((String::new(), body.clone())).await.refused(400, "malformed");
    for minutes in [-6, 6] {
        hear(signed(now + jiff::SignedDuration::from_mins(minutes), "whsec_test", &notice(24_000, "1"))).await.refused(400, "malformed");
    }
    // Rightly signed, but of another amount, or of something else.
    hear(signed(now, "whsec_test", &notice(1, "1"))).await.is(200);
    hear(signed(now, "whsec_test", &notice(24_000, "99"))).await.is(200);
    hear(signed(now, "whsec_test", &json!({"id": "evt_2", "type": "customer.created", "data": {"object": {}}}))).await.is(200);
    assert_eq!(status().await, "open");
    // The right one pays; again, and at the same time, it changes nothing.
    let (one, other) = tokio::join!(hear((signature.clone(), body.clone())), hear((signature.clone(), body.clone())));
    assert_eq!((one.status, other.status), (200, 200));
    hear((signature.clone(), body.clone())).await.is(200);
    let paid = world.get(&ann, &invoice).await["invoice"].clone();
    assert_eq!((&paid["status"], &paid["paid_by"]), (&json!("paid"), &json!("Stripe")));
    checkout(&ann).await.refused(409, "invoice_paid");
    world.settle().await;
    let receipts = world.mails("ann@example.com").iter().filter(|mail| mail.subject == "Your payment has arrived").count();
    assert_eq!(receipts, 1);
    world.advance("PT6M").await;
    hear((signature, body)).await.refused(400, "malformed");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_can_add_seats_hears_of_the_last_one() {
    let world = World::start().await;
    let ann = world.person("ann").await;
    let team = world.team(&ann, "Acme", 4).await;
    let bea = world.member(&ann, team, "bea", "admin").await;
    let carl = world.member(&ann, team, "carl", "editor").await;
    let told = async |who: &Person| {
        let all = world.get(who, "/api/notifications").await["notifications"].clone();
        all.as_array().unwrap().iter().filter(|one| one["category"] == "usage").cloned().collect::<Vec<_>>()
    };
    let letters = |name: &str| {
        let mails = world.mails(&format!("{name}@example.com"));
        mails.into_iter().filter(|mail| mail.subject == "All seats of your team are taken").collect::<Vec<_>>()
    };
    world.settle().await;
    assert!(told(&bea).await.is_empty() && letters("bea").is_empty(), "a seat is free");
    let invited = world.invite(&ann, team, "dan@example.com", "viewer").await;
    world.settle().await;
    let first = told(&bea).await;
    assert_eq!((first.len(), &first[0]["text"]), (1, &json!("All 4 seats of Acme are taken")));
    assert_eq!(first[0]["link"], format!("/teams/{team}/billing"));
    assert_eq!((told(&ann).await.len(), letters("ann").len()), (0, 0), "who invited saw it");
    assert_eq!((told(&carl).await.len(), letters("carl").len()), (0, 0), "an editor adds no seats");
    let [mail] = &letters("bea")[..] else { panic!("one letter to bea") };
    assert!(mail.text.contains(&format!("/teams/{team}/billing")) && mail.text.contains("/notifications/settings"), "{mail:?}");
    // A seat that comes and goes is no news within the hour.
    let id = invited["id"].as_str().unwrap();
    world.by(&ann, "DELETE", &format!("/api/teams/{team}/invites/{id}"), Value::Null).await.is(200);
    world.invite(&ann, team, "eve@example.com", "viewer").await;
    world.settle().await;
    assert_eq!((told(&bea).await.len(), letters("bea").len()), (1, 1));
    // The letter ends its kind by one click; the inbox goes on.
    let click = mail.headers["List-Unsubscribe"].trim_matches(['<', '>']).to_owned();
    let path = click[click.find("/api/").unwrap()..].to_owned();
    assert_eq!(world.anyone("POST", &path, json!({})).await.is(200)["unsubscribed"], "usage");
    seats(&world, &ann, team, 5).await.is(200);
    world.invite(&ann, team, "fay@example.com", "viewer").await;
    world.settle().await;
    let texts: Vec<Value> = told(&bea).await.into_iter().map(|one| one["text"].clone()).collect();
    assert_eq!((texts.len(), &texts[0], letters("bea").len()), (2, &json!("All 5 seats of Acme are taken"), 1));
}

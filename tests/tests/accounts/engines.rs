//! What is decided by conditions of the table, on both engines: names, seats, invitations and the last admin, wanted by
//! many at once.

use futures::future::join_all;
use serde_json::json;
use tests::{PASSWORD, TestApp, link_token};

#[tokio::test(flavor = "multi_thread")]
async fn fifty_invitations_for_ten_seats() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let team = app.team(&anna, 11).await;
        let path = format!("/api/teams/{}/invites", team.id);
        let invite = |index: usize| anna.post(&path, json!({"emails": [format!("person{index}@example.com")]}));
        let answers = join_all((0..50).map(async |index| invite(index).await)).await;
        let (invited, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
        assert_eq!(invited.len(), 10);
        refused.into_iter().for_each(|answer| drop(answer.refused(409, "no_free_seat")));
        let seats = async || anna.get(&format!("/api/teams/{}", team.id)).await.ok().at("/team/seats");
        assert_eq!(seats().await, json!({"count": 11, "used": 11, "free": 0}));
        // All of them come in at the same time, each on two devices.
        let nobody = app.nobody();
        join_all(invited.iter().map(async |answer| {
            let (email, link) = (answer.at("/invites/0/email"), answer.at("/invites/0/link"));
            let sign_up = json!({
                "email": email, "username": email.as_str().unwrap().split('@').next(), "password": PASSWORD,
                "accept_terms": true, "over_13": true, "invite": link_token(link.as_str().unwrap()),
            });
            let (one, other) = tokio::join!(async { nobody.post("/api/signup", sign_up.clone()).await }, async {
                nobody.post("/api/signup", sign_up.clone()).await
            });
            let mut statuses = [one.status, other.status];
            statuses.sort_unstable();
            assert!(matches!(statuses, [202, 409 | 410]), "{one:?} {other:?}");
        }))
        .await;
        assert_eq!(seats().await, json!({"count": 11, "used": 11, "free": 0}));
        let members = anna.get(&format!("/api/teams/{}/members", team.id)).await.ok();
        assert_eq!(members.at("/members").as_array().map(Vec::len), Some(11));
        for answer in &invited {
            app.mails_to(answer.at("/invites/0/email").as_str().unwrap()).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_name_for_one() {
    TestApp::on_each_engine(async |app| {
        let nobody = app.nobody();
        let sign_up = |index: usize| {
            let email = format!("person{index}@example.com");
            nobody.post(
                "/api/signup",
                json!({"email": email, "username": "wanted", "password": PASSWORD, "accept_terms": true, "over_13": true}),
            )
        };
        let answers = join_all((0..6).map(async |index| sign_up(index).await)).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 202).count(), 1, "{answers:?}");
        for index in 0..6 {
            app.mails_to(&format!("person{index}@example.com")).await;
        }
        let anna = app.user("anna").await;
        let teams = join_all((0..6).map(async |_| anna.post("/api/teams", json!({"name": "Acme"})).await)).await;
        let (made, refused): (Vec<_>, Vec<_>) = teams.into_iter().partition(|answer| answer.status == 200);
        assert_eq!(made.len(), 1);
        refused.into_iter().for_each(|answer| drop(answer.refused(409, "handle_taken")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_invitation_on_many_devices_and_one_admin_who_stays() {
    TestApp::on_each_engine(async |app| {
        let (anna, bob) = (app.user("anna").await, app.user("bob").await);
        let team = app.team(&anna, 5).await;
        let invites = format!("/api/teams/{}/invites", team.id);
        let invited = anna.post(&invites, json!({"emails": [bob.email], "role": "admin"})).await.ok();
        let link = invited.at("/invites/0/link");
        let token = link_token(link.as_str().unwrap());
        let accepted = join_all((0..6).map(async |_| bob.post("/api/invites/accept", json!({ "token": token })).await)).await;
        accepted.into_iter().for_each(|answer| drop(answer.ok()));
        assert_eq!(anna.get(&format!("/api/teams/{}", team.id)).await.ok().at("/team/seats/used"), 2);
        let leave = |who: &tests::User| who.delete(&format!("/api/teams/{}/members/{}", team.id, who.id));
        let (one, other) = tokio::join!(async { leave(&anna).await }, async { leave(&bob).await });
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "{one:?} {other:?}");
        app.mails_to("bob@example.com").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_is_good_for_one() {
    TestApp::on_each_engine(async |app| {
        let anna = app.user("anna").await;
        let refresh = json!({"refresh_token": anna.signed_in["refresh_token"]});
        let nobody = app.nobody();
        let answers = join_all((0..6).map(async |_| nobody.post("/api/sessions/refresh", refresh.clone()).await)).await;
        assert!(answers.iter().filter(|answer| answer.status == 200).count() <= 1, "{answers:?}");
        // Whoever got the new one: somebody has a copy, so that the session has ended.
        anna.get("/api/me").await.refused(401, "unauthenticated");
        let told: Vec<String> = app.mails().await.iter().map(|mail| mail.subject.clone()).collect();
        assert_eq!(told, ["A session of your Postroom account was ended"]);
    })
    .await;
}

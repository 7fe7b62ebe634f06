//! Whether the time of a refused sign-in tells who has an account.

use std::time::Instant;

use serde_json::json;
use tests::TestApp;

use crate::{Row, median, millis};

/// Rounds of sign-ins; after each, time passes, so that no limit of wrong passwords is met.
const ROUNDS: usize = 8;
const EACH: usize = 6;

pub async fn rows() -> Vec<Row> {
    let app = TestApp::start().await;
    app.user("anna").await;
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        for index in 0..EACH {
            // Taken in turns, so that whatever else the machine does slows both alike.
            for (login, times) in [("anna".to_owned(), &mut known), (format!("nobody-{round}-{index}"), &mut unknown)] {
                let began = Instant::now();
                app.nobody().post("/api/sessions", json!({"login": login, "password": "wrong horse"})).await.refused(401, "wrong_login");
                times.push(began.elapsed());
            }
        }
        app.advance("PT16M").await;
    }
    let (known, unknown) = (median(known), median(unknown));
    app.finish().await;
    let ratio = known.as_secs_f64() / unknown.as_secs_f64();
    vec![Row {
        what: "wrong password, of an account and of none".to_owned(),
        measured: format!("{} and {}: {ratio:.2} to 1", millis(known), millis(unknown)),
        goal: "1 to 1",
        peer: "",
    }]
}

//! Functions run in many instances, each with a memory of its own: nothing hangs on which of them is asked.

use serde_json::json;
use tests::{Client, TestApp};

use crate::assert_gapless;
use crate::delivery::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_sets_of_instances_share_one_table() {
    let first = TestApp::start().await;
    let second = first.beside().await;
    let world = World::new(&first).await;
    let mut socket = world.bob.listen().await;
    socket.following().await;
    let whole = format!("/api/collections/{}", world.collection);
    let there = |signed_in: &serde_json::Value| {
        let token = signed_in["access_token"].as_str().expect("access_token");
        second.nobody().with("authorization", &format!("Bearer {token}"))
    };
    let here: &Client = &world.anna;
    let there: [Client; 2] = [there(&world.anna.signed_in), there(&world.bob.signed_in)];
    let [anna_there, bob_there] = &there;
    // Each set remembers what it has read; a write of the other one is seen at once.
    for round in 0..20 {
        let writer = if round % 2 == 0 { here } else { anna_there };
        let name = format!("round {round}");
        writer.patch(&world.item, json!({"name": name}).to_string()).await.ok();
        let texts = [here.get(&whole).await.ok().text, bob_there.get(&whole).await.ok().text];
        assert!(texts[0].contains(&format!("\"{name}\"")), "{}", texts[0]);
        assert_eq!(texts[0], texts[1], "after {name}");
        assert_eq!(bob_there.get(&world.item).await.ok().at("/name"), name);
    }
    // Both at once, and what both fan out comes to the one socket.
    let many = async |client: &Client, name: &str| {
        for round in 0..10 {
            client.patch(&world.item, json!({"description": format!("{name} {round}")}).to_string()).await.ok();
        }
    };
    tokio::join!(many(here, "here"), many(anna_there, "there"));
    assert_eq!(socket.events_until(1, 41).await.len(), 40);
    assert_gapless(&bob_there.changes(&world.collection, 0).await, 41);
    for app in [&first, &second, &first] {
        app.settle().await;
    }
    assert_eq!(world.told_in_feeds(bob_there).await, [40, 40]);
    // Both mail, and nobody is mailed twice.
    second.settle().await;
    assert_eq!(world.told_in_mails(&first, 19).await, [1; 19]);
    second.finish().await;
    first.finish().await;
}

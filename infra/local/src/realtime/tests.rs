//! `@connections` with the real management client.

use super::*;
use crate::wire;
use app::{App, Config, Frame, Pushed, Tokens, Wiring};

#[tokio::test]
async fn the_real_client_posts_closes_and_learns_who_is_gone() {
    let realtime = Arc::new(Realtime {
        routes: BTreeMap::new(),
        stage: "live".to_owned(),
        domain: "localhost:1".to_owned(),
        sockets: Sockets::default(),
        clock: Clock::system(),
        moved: watch::Sender::new(0),
        serving: watch::Sender::new(0),
    });
    let (listener, address) = crate::serve::internal().unwrap();
    tokio::spawn(crate::serve::serve(listener, management(Arc::clone(&realtime)), std::future::pending()));
    let app = App::new(Wiring {
        config: Config { connections_url: format!("http://{address}/live"), ..Config::default() },
        aws: wire::config(wire::client(false), false),
        dynamodb: None,
        ses: None,
        events: None,
        partners: app::Partners::given(app::PartnerSecrets::default()),
        tokens: Tokens::none(),
        outbound: app::Outbound::anywhere(),
        waiting: app::Waiting::together(),
        clock: Clock::system(),
    });
    let name = identifier().unwrap();
    let id = name.parse().unwrap();
    assert_eq!(app.push.post(&id, Frame::new("x")).await, Pushed::Gone);
    let (_, mut outgoing) = realtime.sockets.open(&name, 0, String::new(), String::new());
    assert_eq!(app.push.post(&id, Frame::new("hello")).await, Pushed::Sent);
    assert_eq!(outgoing.messages.recv().await.unwrap(), b"hello");
    assert_eq!(app.push.post(&id, Frame::new(vec![b'x'; sockets::MESSAGE + 1])).await, Pushed::Failed);
    assert_eq!(app.push.close(&id).await, Pushed::Sent);
    assert_eq!(app.push.close(&id).await, Pushed::Gone);
    assert_eq!(outgoing.ending.borrow().as_ref().map(|ending| ending.code), Some(1000));
}

#[test]
fn events_are_those_of_api_gateway() {
    let realtime = Realtime {
        routes: BTreeMap::new(),
        stage: "live".to_owned(),
        domain: "localhost:1".to_owned(),
        sockets: Sockets::default(),
        clock: Clock::system(),
        moved: watch::Sender::new(0),
        serving: watch::Sender::new(0),
    };
    let client = Client {
        id: "abc=".to_owned(),
        connected_at: realtime.clock.now(),
        headers: HeaderMap::from_iter([(header::USER_AGENT, "test".parse().unwrap())]),
        query: vec![("ticket".to_owned(), "t 1".to_owned())],
        source: "127.0.0.1".to_owned(),
    };
    let connect = realtime.event(&client, "$connect", json!({"eventType": "CONNECT"}), None).unwrap();
    assert_eq!(connect.query_string_parameters.first("ticket"), Some("t 1"));
    assert_eq!(connect.headers["user-agent"], "test");
    let context = &connect.request_context;
    assert_eq!(context.connection_id.as_deref(), Some("abc="));
    assert_eq!(context.stage.as_deref(), Some("live"));
    assert_eq!(context.identity.source_ip.as_deref(), Some("127.0.0.1"));
    let message = realtime.event(&client, "$default", json!({"eventType": "MESSAGE"}), Some("{}".to_owned())).unwrap();
    assert_eq!((message.body.as_deref(), message.headers.len()), (Some("{}"), 0));
    let about = json!({"eventType": "DISCONNECT", "disconnectStatusCode": 1005, "disconnectReason": "r"});
    let end = realtime.event(&client, "$disconnect", about, None).unwrap();
    assert_eq!(end.request_context.disconnect_status_code, Some(1005));
}

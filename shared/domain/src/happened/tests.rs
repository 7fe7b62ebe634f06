//! What is told of what happened.

use super::*;

#[test]
fn an_entry_is_flat_and_comes_back() {
    let event = Event {
        id: uuid::Uuid::nil(),
        at: Timestamp::UNIX_EPOCH,
        actor: None,
        address: None,
        client: None,
        what: Happened::Invited { team: TeamId(5), invite: "i".parse().unwrap(), round: 2 },
    };
    let text = serde_json::to_string(&event).unwrap();
    assert!(text.contains(r#""what":"invited","team":5,"invite":"i","round":2"#), "{text}");
    assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
    assert_eq!(event.what.trail(), Trail::Team(TeamId(5)));
}

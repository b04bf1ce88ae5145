//! Parked events.

use crate::support::{WORDS, World};
use domain::MessageId;
use event_store::Position;
use sql::query;
use testkit::each_engine;

/// Parks an event until its next retry; `None`: as given up.
async fn park(world: &World, message: MessageId, position: Position, retry_at: Option<i64>) {
    let parked = query(
        "INSERT INTO parked (projection, position, aggregate_type, aggregate_id, event_type, state, error, attempts, \
         parked_at, retry_at) VALUES ('messages', $1, 'message', $2, 'message.edited', 'poison', 'out of ink', 3, 0, $3)",
    );
    world.meddle(parked.bind(position).bind(message.0).bind(retry_at)).await;
}

each_engine!(parked_events_are_listed_retried_and_given_up, |home| async move {
    let world = World::new(home).await;
    let (message, _) = world.say(WORDS).await;
    let position = world.edit(message, "meet me elsewhere").await;
    world.run(&["rebuild", "all"]).await.expect(0);
    let none = world.run(&["dead-letters", "list"]).await.expect(0);
    assert!(none.text.contains("no events are parked"));

    park(&world, message, position, None).await;
    let name = format!("messages:{position}");
    let listed = world.run(&["dead-letters", "list"]).await.expect(0);
    assert!(listed.text.starts_with(&name) && listed.text.contains("out of ink"), "{listed:?}");
    assert!(listed.text.contains("given up"), "{listed:?}");
    let listed = world.run(&["dead-letters", "list", "--json"]).await.expect(0).json();
    assert_eq!((&listed[0]["id"], &listed[0]["state"]), (&name.clone().into(), &"given_up".into()));
    assert!(listed[0]["retryAt"].is_null());

    world.run(&["dead-letters", "retry", "messages:999"]).await.expect(2);
    world.run(&["dead-letters", "retry", "nonsense"]).await.expect(2);
    let retried = world.run(&["dead-letters", "retry", "all"]).await.expect(0);
    assert!(retried.text.contains("1 events applied"), "{retried:?}");
    park(&world, message, position, Some(0)).await;
    let listed = world.run(&["dead-letters", "list"]).await.expect(0);
    assert!(listed.text.contains("waiting for retry at 1970-01-01T00:00:00"), "{listed:?}");
    let listed = world.run(&["dead-letters", "list", "--json"]).await.expect(0).json();
    assert_eq!(listed[0]["state"], "waiting");
    world.run(&["dead-letters", "discard", &name]).await.expect(0);
    let left = world.run(&["dead-letters", "list", "--json"]).await.expect(0).json();
    assert_eq!(left.as_array().unwrap().len(), 0);
    world.run(&["verify", "all"]).await.expect(0);
});

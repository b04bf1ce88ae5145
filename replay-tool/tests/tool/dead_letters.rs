//! Events that could not be applied.

use crate::support::{WORDS, World};
use domain::MessageId;
use event_store::Position;
use sql::query;
use testkit::each_engine;

async fn park(world: &World, message: MessageId, position: Position) {
    let parked = query(
        "INSERT INTO parked (projection, position, aggregate_type, aggregate_id, event_type, state, error, attempts, \
         parked_at) VALUES ('messages', $1, 'message', $2, 'message.edited', 'poison', 'out of ink', 3, 0)",
    );
    world.meddle(parked.bind(position).bind(message.0)).await;
}

each_engine!(parked_events_are_listed_retried_and_given_up, |home| async move {
    let world = World::new(home).await;
    let (message, _) = world.say(WORDS).await;
    let position = world.edit(message, "meet me elsewhere").await;
    world.run(&["rebuild", "all"]).await.expect(0);
    let none = world.run(&["dead-letters", "list"]).await.expect(0);
    assert!(none.text.contains("no events are parked"));

    park(&world, message, position).await;
    let name = format!("messages:{position}");
    let listed = world.run(&["dead-letters", "list"]).await.expect(0);
    assert!(listed.text.starts_with(&name) && listed.text.contains("out of ink"), "{listed:?}");
    let listed = world.run(&["dead-letters", "list", "--json"]).await.expect(0).json();
    assert_eq!((&listed[0]["id"], &listed[0]["state"]), (&name.clone().into(), &"poison".into()));

    world.run(&["dead-letters", "retry", "messages:999"]).await.expect(2);
    world.run(&["dead-letters", "retry", "nonsense"]).await.expect(2);
    let retried = world.run(&["dead-letters", "retry", "all"]).await.expect(0);
    assert!(retried.text.contains("1 events applied"), "{retried:?}");
    park(&world, message, position).await;
    world.run(&["dead-letters", "discard", &name]).await.expect(0);
    let left = world.run(&["dead-letters", "list", "--json"]).await.expect(0).json();
    assert_eq!(left.as_array().unwrap().len(), 0);
    world.run(&["verify", "all"]).await.expect(0);
});

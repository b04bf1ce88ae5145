//! A failed event stops its own stream in its own projection, and nothing else.

use super::support::{Story, World, both, clock, cure, dump, empty, groups, poisoned};
use domain::AggregateType;
use event_store::Selection;
use projections::{Error, Parked, ParkedId, ParkedState, Projection, discard, list_parked, requeue};
use sql::{Database, query};
use testkit::each_engine;

async fn parked(world: &World) -> Vec<Parked> {
    let parked = list_parked(&world.database).await.unwrap();
    assert!(parked.iter().all(|parked| parked.aggregate_type == AggregateType::Conversation.as_str()));
    parked
}

each_engine!(only_its_stream_stops, |home| async move {
    let world = World::new(home).await;
    let (mut story, history) = poisoned();
    world.append(history).await;
    world.catch_up().await;
    assert_eq!(groups(&world).await, both(("Group 0", 2)));
    assert_eq!(dump(&world.database).await["messages"].len(), 1);
    let held = parked(&world).await;
    let states: Vec<_> = held.iter().map(|parked| (parked.event_type.as_str(), parked.state)).collect();
    assert_eq!(
        states,
        [
            ("conversation.created", ParkedState::Waiting),
            ("conversation.updated", ParkedState::Behind),
            ("member.joined", ParkedState::Behind),
        ]
    );
    assert!(held[0].attempts == 3 && !held[0].error.is_empty());

    // Later events of the stream queue up, also after a restart.
    let group = story.group(0);
    story.retitle(group, 0, Some("Later"));
    world.tell(&mut story).await;
    world.catch_up().await;
    assert_eq!(parked(&world).await.len(), 4);
    assert_eq!(groups(&world).await, both(("Group 0", 2)));
});

each_engine!(a_retry_that_fails_again_changes_nothing, |home| async move {
    let world = World::new(home).await;
    world.append(poisoned().1).await;
    world.catch_up().await;
    let first = parked(&world).await[0].id;
    assert_eq!(requeue(&world.store, &world.database, first, clock).await.unwrap(), 0);
    let held = parked(&world).await;
    assert_eq!((held.len(), held[0].state, held[0].attempts), (3, ParkedState::Waiting, 4));
    assert_eq!(groups(&world).await, both(("Group 0", 2)));
});

each_engine!(once_the_cause_is_gone_a_retry_brings_the_stream_up, |home| async move {
    let world = World::new(home).await;
    let (mut story, history) = poisoned();
    world.append(history).await;
    let mut applier = world.applier().await;
    applier.apply(&world.events_after(0).await).await.unwrap();
    let first = parked(&world).await[0].id;
    let group = story.group(0);
    cure(&world, group).await;
    assert_eq!(requeue(&world.store, &world.database, first, clock).await.unwrap(), 3);
    assert_eq!(groups(&world).await, both(("Behind", 3)));
    assert!(parked(&world).await.is_empty());

    // A worker that remembers the stream as parked notices that it was released.
    story.retitle(group, 0, Some("Later"));
    world.tell(&mut story).await;
    applier.apply(&world.events_after(0).await).await.unwrap();
    assert_eq!(groups(&world).await, both(("Later", 3)));
});

each_engine!(giving_the_event_up_lets_those_behind_it_through, |home| async move {
    let world = World::new(home).await;
    world.append(poisoned().1).await;
    world.catch_up().await;
    let held = parked(&world).await;
    let not_first = discard(&world.store, &world.database, held[1].id, clock).await.unwrap_err();
    assert!(matches!(not_first, Error::NotParked), "{not_first}");
    assert_eq!(discard(&world.store, &world.database, held[0].id, clock).await.unwrap(), 2);
    assert_eq!(groups(&world).await, both(("Behind", 3)));
    assert!(parked(&world).await.is_empty());
});

each_engine!(missing_tables_are_no_events_fault, |home| async move {
    let world = World::new(home).await;
    let mut story = Story::new(1);
    story.register_all(2);
    world.tell(&mut story).await;
    let rename = async |from: &str, to: &str| {
        let sql = format!("ALTER TABLE {from} RENAME TO {to}");
        world.database.execute(query(sql)).await.unwrap();
    };
    let mut applier = world.applier().await;
    let events = world.events_after(0).await;
    rename("users", "elsewhere").await;
    let held_up = applier.apply(&events).await.unwrap_err();
    assert!(held_up.is_temporary(), "{held_up}");
    assert!(list_parked(&world.database).await.unwrap().is_empty());
    rename("elsewhere", "users").await;
    applier.apply(&events).await.unwrap();
    assert_eq!(dump(&world.database).await["users"].len(), 2);
});

each_engine!(what_does_not_open_is_parked_until_it_does, |home| async move {
    let world = World::new(home).await;
    let mut story = Story::new(1);
    story.register_all(2);
    let group = story.open_group(0, 0, &[1], false);
    story.send(0, 0, group, "sealed");
    story.react(0, 1, "👍");
    story.mark(group, 1, 1, domain::read_marker::Mark::Read);
    world.tell(&mut story).await;

    let log = Database::connect(&world.home.log(), 1).await.unwrap();
    let key = query("SELECT wrapped FROM data_keys WHERE subject = $1").bind(story.user(0).0);
    let key: Vec<u8> = log.fetch_optional(key).await.unwrap().unwrap().get("wrapped").unwrap();
    let set_key = async |key: Vec<u8>| {
        let set = query("UPDATE data_keys SET wrapped = $2 WHERE subject = $1").bind(story.user(0).0).bind(key);
        assert_eq!(log.execute(set).await.unwrap(), 1);
    };
    set_key(vec![0; key.len()]).await;
    let reopened = world.open_store().await;
    let events = reopened.read_after(0, &Selection::All, 100).await.unwrap();
    world.applier_of(&reopened, &world.database).await.apply(&events).await.unwrap();
    let tables = dump(&world.database).await;
    assert_eq!((tables["users"].len(), tables["read_markers"].len()), (1, 1), "the others went through");
    let held = list_parked(&world.database).await.unwrap();
    let poison: Vec<_> = held.iter().filter(|parked| parked.state == ParkedState::Waiting).collect();
    assert_eq!((held.len(), poison.len()), (4, 3), "account, group and message, and the reaction behind it");

    set_key(key).await;
    for parked in poison {
        requeue(&reopened, &world.database, parked.id, clock).await.unwrap();
    }
    assert!(list_parked(&world.database).await.unwrap().is_empty());
    let late = dump(&world.database).await;
    empty(&world.database).await;
    world.catch_up().await;
    assert_eq!(dump(&world.database).await, late);
});

#[test]
fn a_parked_event_is_named_by_projection_and_position() {
    let id = ParkedId { projection: Projection::ReadMarkers, position: 4711 };
    assert_eq!(id.to_string(), "read_markers:4711");
    assert_eq!(id.to_string().parse::<ParkedId>().unwrap(), id);
    for bad in ["", "users", "users:x", "nobody:1"] {
        assert!(bad.parse::<ParkedId>().is_err(), "{bad:?}");
    }
}

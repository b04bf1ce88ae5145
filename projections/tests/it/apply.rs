//! Checkpoints: every event is applied once, by whichever process.

use super::support::{PARTITIONS, Story, World, clock, dump, regrow};
use domain::Partition;
use projections::{Applier, Error, Projection, checkpoints};
use sql::query;
use testkit::each_engine;

fn busy(seed: u64) -> Story {
    let mut story = Story::new(seed);
    story.register_all(3);
    let group = story.open_group(0, 0, &[1, 2], false);
    for n in 0..40 {
        story.send(n, n % 3, group, "hello");
        story.react(n, (n + 1) % 3, "👍");
    }
    story
}

each_engine!(of_two_workers_on_a_partition_one_loses, |home| async move {
    let world = World::new(home).await;
    world.tell(&mut busy(1)).await;
    let events = world.events_after(0).await;
    let (mut first, mut second) = (world.applier().await, world.applier().await);
    first.apply(&events[..30]).await.unwrap();
    let once = dump(&world.database).await;
    let lost = second.apply(&events[..50]).await.unwrap_err();
    assert!(matches!(lost, Error::Overtaken), "{lost}");
    assert_eq!(dump(&world.database).await, once, "the loser left nothing");
    first.apply(&events).await.unwrap();
    let mut third = world.applier().await;
    third.apply(&events).await.unwrap();
    assert_eq!(dump(&world.database).await["messages"].len(), 40);
});

each_engine!(two_workers_at_the_same_instant_double_nothing, |home| async move {
    let world = World::new(home).await;
    world.tell(&mut busy(1)).await;
    let events = world.events_after(0).await;
    let work = async || {
        loop {
            let mut applier = world.applier().await;
            let mut done = Ok(());
            for batch in events.chunks(7) {
                done = applier.apply(batch).await;
                if done.is_err() {
                    break;
                }
            }
            match done {
                Ok(()) => return,
                Err(Error::Overtaken) => (),
                Err(error) => assert!(error.is_temporary(), "{error}"),
            }
        }
    };
    tokio::join!(work(), work());
    let tables = dump(&world.database).await;
    assert_eq!((tables["messages"].len(), tables["reactions"].len(), tables["members"].len()), (40, 40, 3));
    assert!(projections::list_parked(&world.database).await.unwrap().is_empty());
});

each_engine!(a_projection_of_another_version_begins_with_nothing, |home| async move {
    let world = World::new(home).await;
    world.tell(&mut busy(1)).await;
    world.catch_up().await;
    let before = dump(&world.database).await;
    // As if an older build had filled the tables.
    let older = query("UPDATE checkpoints SET version = 0 WHERE projection = 'messages'");
    world.database.execute(older).await.unwrap();
    let mut applier = world.applier().await;
    let tables = dump(&world.database).await;
    assert!(tables["messages"].is_empty() && tables["reactions"].is_empty());
    assert_eq!(tables["members"], before["members"], "the other projections stay");
    assert!(applier.marks().values().all(|marks| marks.high == 0), "the subscription begins with the least");
    applier.apply(&world.events_after(0).await).await.unwrap();
    assert_eq!(dump(&world.database).await, before);
});

each_engine!(what_a_newer_build_has_taken_over_is_left_to_it, |home| async move {
    let world = World::new(home).await;
    let mut story = busy(1);
    world.tell(&mut story).await;
    world.catch_up().await;
    let newer = query("UPDATE checkpoints SET version = 99 WHERE projection = 'messages'");
    world.database.execute(newer).await.unwrap();
    let group = story.group(0);
    story.send(100, 0, group, "for the newer build");
    story.register_all(5);
    world.tell(&mut story).await;
    world.catch_up().await;
    let tables = dump(&world.database).await;
    assert_eq!((tables["messages"].len(), tables["users"].len()), (40, 5));
});

each_engine!(read_models_of_another_log_are_made_anew, |home| async move {
    let world = World::new(home).await;
    world.tell(&mut busy(1)).await;
    world.catch_up().await;
    let whole = dump(&world.database).await;
    for stale in [
        "UPDATE source SET incarnation = (SELECT id FROM users LIMIT 1)",
        "UPDATE checkpoints SET high = 1000000 WHERE projection = 'messages' AND partition = 1",
    ] {
        world.database.execute(query(stale)).await.unwrap();
        world.applier().await;
        assert!(dump(&world.database).await.values().all(Vec::is_empty), "{stale}");
        world.catch_up().await;
        assert_eq!(dump(&world.database).await, whole);
    }
});

each_engine!(old_steps_are_cleared_away, |home| async move {
    let world = World::new(home).await;
    let mut story = busy(1);
    world.tell(&mut story).await;
    let events = world.events_after(0).await;
    let mut applier = world.applier().await;
    for event in &events {
        applier.apply(std::slice::from_ref(event)).await.unwrap();
    }
    let counted =
        "SELECT MAX(steps) AS most FROM (SELECT COUNT(*) AS steps FROM checkpoints GROUP BY projection, partition) s";
    let steps: i64 = world.database.fetch_optional(query(counted)).await.unwrap().unwrap().get("most").unwrap();
    assert!(steps <= 33, "{steps} steps are kept");
    let latest = checkpoints(&world.database).await.unwrap();
    assert_eq!(latest.len(), Projection::ALL.len() * usize::from(PARTITIONS));
    assert_eq!(&latest, applier.checkpoints());
});

each_engine!(a_share_of_the_partitions_leaves_the_others_alone, |home| async move {
    let world = World::new(home).await;
    let mut story = Story::new(1);
    story.register_all(12);
    world.tell(&mut story).await;
    let events = world.events_after(0).await;
    let part = |partitions: Vec<Partition>| {
        let (store, database) = (world.store.clone(), world.database.clone());
        async move { Applier::load(store, database, &Projection::ALL, &partitions, clock).await.unwrap() }
    };
    part(vec![Partition(0), Partition(2)]).await.apply(&events).await.unwrap();
    let some = dump(&world.database).await["users"].len();
    assert!(some > 0 && some < 12, "{some} of 12 users");
    part(vec![Partition(1), Partition(3)]).await.apply(&events).await.unwrap();
    assert_eq!(dump(&world.database).await["users"].len(), 12);
});

each_engine!(read_models_of_a_log_that_lost_its_end_and_grew_another_are_made_anew, |home| async move {
    let world = World::new(home).await;
    let mut story = Story::new(1);
    story.register_all(9);
    let end = world.tell(&mut story).await;
    world.catch_up().await;
    let whole = dump(&world.database).await;
    let lost = || query("UPDATE users SET first_name = 'Lost'");
    world.database.execute(lost()).await.unwrap();
    world.catch_up().await;
    assert_ne!(dump(&world.database).await, whole, "they are of this log as far as anybody can tell");

    regrow(&world.home, end).await;
    world.catch_up().await;
    assert_eq!(dump(&world.database).await, whole, "made anew");
    world.database.execute(lost()).await.unwrap();
    world.catch_up().await;
    assert_ne!(dump(&world.database).await, whole, "once");
});

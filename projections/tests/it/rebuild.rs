//! Rebuilding beside a live worker, stopping half-way, and filling a shadow without a swap.

use super::support::{DEADLINE, World, chatter, clock, dump, empty, life, rebuilt};
use broker::Faults;
use projections::{
    Error, Projection, Queries, list_parked,
    rebuild::{RebuildOptions, Rebuilt, rebuild},
};
use sql::query;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use testkit::each_engine;
use tokio_util::sync::CancellationToken;

each_engine!(spoiled_tables_are_whole_again, |home| async move {
    let world = World::new(home).await;
    let position = world.tell(&mut life(1)).await;
    world.catch_up().await;
    let whole = dump(&world.database).await;
    world.database.execute(query("UPDATE messages SET content = 'spoiled'")).await.unwrap();
    world.database.execute(query("DELETE FROM members")).await.unwrap();
    for jobs in [1, 3] {
        let options = RebuildOptions { jobs, ..RebuildOptions::new(clock) };
        assert_eq!(rebuilt(&world, options).await.unwrap(), Rebuilt { position, swapped: true });
        assert_eq!(dump(&world.database).await, whole);
    }
});

each_engine!(a_worker_works_on_through_a_swap, |home| async move {
    let world = World::new(home).await;
    let token = CancellationToken::new();
    let worker = world.worker(&world.broker(Faults::NONE), &token);
    let mut story = life(1);
    let mut position = world.tell(&mut story).await;
    for round in 0..4 {
        let begin = 60 + round * 40;
        let (swapped, last) = tokio::join!(rebuilt(&world, RebuildOptions::new(clock)), async {
            let mut last = 0;
            for n in (begin..begin + 40).step_by(4) {
                chatter(&mut story, n, n + 4);
                last = world.tell(&mut story).await;
            }
            last
        });
        assert!(swapped.unwrap().swapped);
        position = position.max(last);
        assert!(worker.progress().wait(position, &Projection::ALL, DEADLINE).await);
        assert_eq!(dump(&world.database).await["messages"].len() as u64, begin + 40);
    }
    token.cancel();
    worker.stopped().await;
    let live = dump(&world.database).await;
    assert!(list_parked(&world.database).await.unwrap().is_empty());
    empty(&world.database).await;
    world.catch_up().await;
    assert_eq!(dump(&world.database).await, live);
});

each_engine!(one_that_was_stopped_goes_on, |home| async move {
    let world = World::new(home).await;
    for seed in 1..12 {
        world.tell(&mut life(seed)).await;
    }
    let position = world.store.head().await.unwrap().position;
    world.catch_up().await;
    let whole = dump(&world.database).await;
    let token = CancellationToken::new();
    let (stop, read) = (token.clone(), Arc::new(AtomicU64::new(0)));
    let counter = Arc::clone(&read);
    let report = Box::new(move |events| {
        counter.store(events, Ordering::Relaxed);
        stop.cancel();
    });
    let options = RebuildOptions { report, ..RebuildOptions::new(clock) };
    let stopped = rebuild(&world.store, &world.home.read_models(), &Projection::ALL, options, token).await;
    assert!(matches!(stopped, Err(Error::Stopped)), "{stopped:?}");
    assert_eq!(dump(&world.database).await, whole, "the live tables are untouched");
    let before = read.load(Ordering::Relaxed);
    assert!(before > 0 && before < position);

    let counter = Arc::clone(&read);
    let report = Box::new(move |events| counter.store(events, Ordering::Relaxed));
    let options = RebuildOptions { report, ..RebuildOptions::new(clock) };
    assert!(rebuilt(&world, options).await.unwrap().swapped);
    assert_eq!(read.load(Ordering::Relaxed), position - before, "what was read is not read again");
    assert_eq!(dump(&world.database).await, whole);
});

each_engine!(without_a_swap_the_live_tables_stay, |home| async move {
    let world = World::new(home).await;
    world.tell(&mut life(1)).await;
    world.catch_up().await;
    world.database.execute(query("DELETE FROM members")).await.unwrap();
    let options = RebuildOptions { swap: false, max_rate: Some(100_000), ..RebuildOptions::new(clock) };
    assert!(!rebuilt(&world, options).await.unwrap().swapped);
    assert!(dump(&world.database).await["members"].is_empty());
});

each_engine!(a_forgotten_person_is_gone, |home| async move {
    let world = World::new(home).await;
    let story = &mut life(1);
    world.tell(story).await;
    world.catch_up().await;
    world.store.destroy_data_key(story.user(0).0).await.unwrap();
    rebuilt(&world, RebuildOptions::new(clock)).await.unwrap();
    let queries = Queries::new(world.database.clone());
    let forgotten = queries.user(story.user(0)).await.unwrap();
    assert_eq!((forgotten.first_name, forgotten.email, forgotten.phone), (None, None, None));
    let message = queries.message(story.user(1), story.message(0)).await.unwrap();
    assert_eq!((message.content, message.attachments.len(), message.deleted_at), (None, 0, None));
    let kept = queries.message(story.user(1), story.message(1)).await.unwrap();
    assert_eq!(kept.content.as_deref(), Some("hello"));
});

each_engine!(poison_is_parked_in_the_shadow_and_moves_with_it, |home| async move {
    let world = World::new(home).await;
    let mut story = life(1);
    let mut history = story.take();
    let again = history.iter().find(|(stream, _)| stream.id == story.group(0).0).cloned().unwrap();
    history.push(again);
    world.append(history).await;
    world.catch_up().await;
    let parked = list_parked(&world.database).await.unwrap();
    let tables = dump(&world.database).await;
    assert_eq!(parked.len(), 1);
    assert!(rebuilt(&world, RebuildOptions::new(clock)).await.unwrap().swapped);
    let moved = list_parked(&world.database).await.unwrap();
    assert_eq!((moved.len(), moved[0].id), (1, parked[0].id));
    assert_eq!(dump(&world.database).await, tables);
});

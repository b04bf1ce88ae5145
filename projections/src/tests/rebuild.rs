//! Rebuilding beside a live worker, stopping half-way, and filling a shadow only.

use super::support::{DEADLINE, Story, World, clock, dump, empty};
use crate::{
    Error, Projection, Queries, list_parked,
    rebuild::{Aside, RebuildOptions, Rebuilt, Shadow, rebuild},
};
use broker::Faults;
use domain::read_marker::Mark;
use sql::query;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use testkit::each_engine;
use tokio_util::sync::CancellationToken;

fn life(seed: u64) -> Story {
    let mut story = Story::new(seed);
    story.register_all(4);
    story.sign_in(0, 0);
    story.pair(0, 1, domain::friendship::FriendshipAct::Request);
    let group = story.open_group(0, 0, &[1, 2], false);
    chatter(&mut story, 0, 60);
    story.mark(group, 1, 30, Mark::Read);
    story
}

fn chatter(story: &mut Story, begin: u64, end: u64) {
    let group = story.group(0);
    for n in begin..end {
        story.send(n, n % 3, group, "hello");
        story.react(n, (n + 1) % 3, "+1");
    }
}

async fn rebuilt(world: &World, options: RebuildOptions) -> Result<Rebuilt, Error> {
    let token = CancellationToken::new();
    rebuild(&world.store, &world.home.read_models(), &Projection::ALL, options, token).await
}

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

each_engine!(whoever_was_forgotten_is_gone, |home| async move {
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

each_engine!(a_part_of_the_log_is_filled_in_aside, |home| async move {
    let world = World::new(home).await;
    let (mut one, mut other) = (life(1), life(2));
    world.tell(&mut one).await;
    let position = world.tell(&mut other).await;
    let aside = |scope, until| RebuildOptions {
        aside: Some(Aside { name: "look".to_owned(), until, scope }),
        ..RebuildOptions::new(clock)
    };
    let look = async || {
        let shadow = Shadow::open(&world.home.read_models(), "aside_look", 1).await.unwrap();
        let tables = dump(&shadow.database).await;
        shadow.database.close().await;
        (tables["users"].len(), tables["conversations"].len(), tables["messages"].len())
    };
    let all = rebuilt(&world, aside(None, None)).await.unwrap();
    assert_eq!((all, look().await), (Rebuilt { position, swapped: false }, (8, 2, 120)));
    rebuilt(&world, aside(Some(one.group(0).0), None)).await.unwrap();
    assert_eq!(look().await, (0, 1, 60));
    rebuilt(&world, aside(None, Some(3))).await.unwrap();
    assert_eq!(look().await, (3, 0, 0));
    assert!(dump(&world.database).await["users"].is_empty(), "the live tables are not touched");
    let misnamed = Aside { name: "x; DROP".to_owned(), until: None, scope: None };
    let refused = rebuilt(&world, RebuildOptions { aside: Some(misnamed), ..RebuildOptions::new(clock) }).await;
    assert!(matches!(refused, Err(Error::Sql(sql::Error::Location(_)))), "{refused:?}");
});

each_engine!(poison_is_parked_in_the_shadow_and_moves_with_it, |home| async move {
    let world = World::new(home).await;
    let mut story = life(1);
    let mut told = story.take();
    let again = told.iter().find(|(stream, _)| stream.id == story.group(0).0).cloned().unwrap();
    told.push(again);
    world.append(told).await;
    world.catch_up().await;
    let parked = list_parked(&world.database).await.unwrap();
    let tables = dump(&world.database).await;
    assert_eq!(parked.len(), 1);
    assert!(rebuilt(&world, RebuildOptions::new(clock)).await.unwrap().swapped);
    let moved = list_parked(&world.database).await.unwrap();
    assert_eq!((moved.len(), moved[0].id), (1, parked[0].id));
    assert_eq!(dump(&world.database).await, tables);
});

each_engine!(one_that_died_after_the_swap_does_not_stop_the_next, |home| async move {
    let world = World::new(home).await;
    world.tell(&mut life(1)).await;
    world.catch_up().await;
    let whole = dump(&world.database).await;
    // What older builds left behind: a shadow whose tables were swapped in, or one of another build.
    for spoil in ["DROP TABLE members", "DELETE FROM _sqlx_migrations WHERE version = 20"] {
        let options = RebuildOptions { swap: false, ..RebuildOptions::new(clock) };
        rebuilt(&world, options).await.unwrap();
        let shadow = Shadow::open(&world.home.read_models(), "rebuild", 1).await.unwrap();
        shadow.database.execute(query(spoil)).await.unwrap();
        shadow.keep().await;
        assert!(rebuilt(&world, RebuildOptions::new(clock)).await.unwrap().swapped, "{spoil}");
        assert_eq!(dump(&world.database).await, whole);
    }
    // The same twice in a row: nothing is left of the first.
    for _ in 0..2 {
        assert!(rebuilt(&world, RebuildOptions::new(clock)).await.unwrap().swapped);
    }
    assert_eq!(dump(&world.database).await, whole);
});

#[tokio::test]
async fn the_swap_takes_the_shadow_away() {
    let world = World::new(testkit::Home::new(testkit::Engine::Postgres).await).await;
    world.tell(&mut life(1)).await;
    world.catch_up().await;
    // As if the process died on the way from the swap to tidying up: a session holds the right that it had.
    let schemas = query("SELECT COUNT(*) FROM pg_namespace WHERE nspname LIKE 'chatchit_shadow%'");
    let options = RebuildOptions { swap: false, ..RebuildOptions::new(clock) };
    rebuilt(&world, options).await.unwrap();
    let count =
        async || -> i64 { world.database.fetch_optional(schemas.clone()).await.unwrap().unwrap().get(0).unwrap() };
    assert_eq!(count().await, 1);
    let shadow = Shadow::open(&world.home.read_models(), "rebuild", 1).await.unwrap();
    let mut tx = world.database.begin().await.unwrap();
    shadow.drop_with(&mut tx).await.unwrap();
    tx.rollback().await.unwrap();
    assert!(shadow.is_there(&world.database).await.unwrap(), "it goes with the transaction alone");
    shadow.keep().await;
    rebuilt(&world, RebuildOptions::new(clock)).await.unwrap();
    assert_eq!(count().await, 0);
}

each_engine!(one_at_a_time_has_a_shadow, |home| async move {
    let world = World::new(home).await;
    world.tell(&mut life(1)).await;
    world.catch_up().await;
    let shadow = Shadow::open(&world.home.read_models(), "rebuild", 1).await.unwrap();
    let refused = rebuilt(&world, RebuildOptions::new(clock)).await.unwrap_err();
    assert!(matches!(refused, Error::UnderWay { since: Some(_), .. }), "{refused:?}");
    assert!(refused.to_string().starts_with("a rebuild is under way since 2"), "{refused}");
    shadow.keep().await;
    assert!(rebuilt(&world, RebuildOptions::new(clock)).await.unwrap().swapped);
});

//! Shadows: one process at a time holds one, a dead process leaves nothing half-done, and a part of the log has its
//! own.

use super::support::{World, clock, dump, life, rebuilt};
use crate::{
    Error, checkpoint,
    rebuild::{PartialShadow, RebuildOptions, Rebuilt, Shadow},
};
use sql::query;
use testkit::each_engine;

each_engine!(what_others_began_meanwhile_is_not_emptied, |home| async move {
    let world = World::new(home).await;
    world.tell(&mut life(1)).await;
    world.catch_up().await;
    let whole = dump(&world.database).await;
    assert!(!whole["message_words"].is_empty());
    // As a process does that found nothing begun a moment ago.
    checkpoint::empty_slow_tables(&world.database, &world.store).await.unwrap();
    assert_eq!(dump(&world.database).await, whole);
});

each_engine!(a_part_of_the_log_is_filled_in_a_shadow_of_its_own, |home| async move {
    let world = World::new(home).await;
    let (mut one, mut other) = (life(1), life(2));
    world.tell(&mut one).await;
    let position = world.tell(&mut other).await;
    let partial = |scope, until| RebuildOptions {
        partial: Some(PartialShadow { name: "look".to_owned(), until, scope }),
        ..RebuildOptions::new(clock)
    };
    let look = async || {
        let shadow = Shadow::open(&world.home.read_models(), "aside_look", 1).await.unwrap();
        let tables = dump(&shadow.database).await;
        shadow.database.close().await;
        (tables["users"].len(), tables["conversations"].len(), tables["messages"].len())
    };
    let all = rebuilt(&world, partial(None, None)).await.unwrap();
    assert_eq!((all, look().await), (Rebuilt { position, swapped: false }, (8, 2, 120)));
    rebuilt(&world, partial(Some(one.group(0).0), None)).await.unwrap();
    assert_eq!(look().await, (0, 1, 60));
    rebuilt(&world, partial(None, Some(3))).await.unwrap();
    assert_eq!(look().await, (3, 0, 0));
    assert!(dump(&world.database).await["users"].is_empty(), "the live tables are not touched");
    let misnamed = PartialShadow { name: "x; DROP".to_owned(), until: None, scope: None };
    let refused = rebuilt(&world, RebuildOptions { partial: Some(misnamed), ..RebuildOptions::new(clock) }).await;
    assert!(matches!(refused, Err(Error::Sql(sql::Error::Location(_)))), "{refused:?}");
});

each_engine!(one_that_died_after_the_swap_does_not_stop_the_next, |home| async move {
    let world = World::new(home).await;
    world.tell(&mut life(1)).await;
    world.catch_up().await;
    let whole = dump(&world.database).await;
    // Left by older builds: a shadow whose tables were swapped in, or one of another build.
    for spoil in ["DROP TABLE members", "DELETE FROM _sqlx_migrations WHERE version = 20"] {
        let options = RebuildOptions { swap: false, ..RebuildOptions::new(clock) };
        rebuilt(&world, options).await.unwrap();
        let shadow = Shadow::open(&world.home.read_models(), "rebuild", 1).await.unwrap();
        shadow.database.execute(query(spoil)).await.unwrap();
        shadow.keep().await;
        assert!(rebuilt(&world, RebuildOptions::new(clock)).await.unwrap().swapped, "{spoil}");
        assert_eq!(dump(&world.database).await, whole);
    }
    // Twice in a row: nothing is left of the first.
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
    // As if the process died between the swap and the cleanup: a session still holds the shadow's lock.
    let schemas = query("SELECT COUNT(*) AS count FROM pg_namespace WHERE nspname LIKE 'chatchit_shadow%'");
    let options = RebuildOptions { swap: false, ..RebuildOptions::new(clock) };
    rebuilt(&world, options).await.unwrap();
    let count = async || -> i64 {
        world.database.fetch_optional(schemas.clone()).await.unwrap().unwrap().get("count").unwrap()
    };
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

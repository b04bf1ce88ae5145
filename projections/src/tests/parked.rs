//! Releasing a stream step by step: pauses, portions, and concurrent releases (I15).

use super::support::{Story, World, both, clock, cure, groups, poisoned};
use crate::{
    Applier, Error, ParkedId, ParkedState, Projection, list_parked,
    parked::{Left, Stream, hold},
    rebuild::{RebuildOptions, rebuild},
    requeue,
};
use domain::AggregateType;
use sql::{Limits, query};
use std::time::Duration;
use testkit::{Home, each_engine, until};
use tokio_util::sync::CancellationToken;

const HOUR: Duration = Duration::from_secs(3_600);

/// An applier that has parked the failed event for an hour.
async fn parked_for_an_hour(world: &World) -> (Story, Applier) {
    let (story, events) = poisoned();
    world.append(events).await;
    let mut applier = world.applier().await;
    applier.back_off([HOUR, HOUR * 2, HOUR * 3]);
    applier.apply(&world.events_after(0).await).await.unwrap();
    (story, applier)
}

async fn make_due(world: &World) {
    let sql = "UPDATE parked SET retry_at = 0 WHERE retry_at IS NOT NULL";
    world.database.execute(query(sql)).await.unwrap();
}

each_engine!(each_failure_leads_to_the_next_pause, |home| async move {
    let world = World::new(home).await;
    let (_, mut applier) = parked_for_an_hour(&world).await;
    let (id, partition) = applier.take_parked()[0];
    let mut other = world.applier().await;
    other.back_off([HOUR, HOUR * 2, HOUR * 3]);
    for hours in [2, 3] {
        assert!(applier.due(9).await.unwrap().is_empty());
        assert!(applier.retry(id, partition).await.unwrap().is_none(), "a notification that comes early, or twice");
        make_due(&world).await;
        assert_eq!(applier.due(9).await.unwrap(), [(id, partition)]);
        let tried = applier.retry(id, partition).await.unwrap().unwrap();
        let Left::Waiting(position, pause) = tried.left else { panic!("{tried:?}") };
        assert_eq!((position, pause, tried.through), (id.position, HOUR * hours, 0));
    }
    make_due(&world).await;
    assert!(matches!(other.retry(id, partition).await, Err(Error::Overtaken)), "the partition is another's now");
    let tried = applier.retry(id, partition).await.unwrap().unwrap();
    let Left::GivenUp(Some(letter)) = tried.left else { panic!("{tried:?}") };
    assert_eq!((letter.consumer.as_str(), letter.record.position, letter.attempts), ("conversations", id.position, 6));
    make_due(&world).await;
    assert!(applier.due(9).await.unwrap().is_empty());
    assert_eq!(groups(&world).await, both(("Group 0", 2)));
});

each_engine!(a_retry_set_by_a_clock_ahead_is_not_waited_for, |home| async move {
    let world = World::new(home).await;
    let (_, applier) = parked_for_an_hour(&world).await;
    let ahead = query("UPDATE parked SET retry_at = retry_at + $1 WHERE retry_at IS NOT NULL");
    world.database.execute(ahead.bind(3 * 3_600_000)).await.unwrap();
    assert_eq!(applier.due(9).await.unwrap().len(), 1);
});

each_engine!(a_long_stream_is_released_in_parts, |home| async move {
    let world = World::new(home).await;
    let (mut story, mut applier) = parked_for_an_hour(&world).await;
    let group = story.group(0);
    for n in 0..250 {
        story.retitle(group, 0, Some(&format!("Title {n}")));
    }
    let before = world.store.head().await.unwrap().position;
    world.tell(&mut story).await;
    applier.apply(&world.events_after(before).await).await.unwrap();
    cure(&world, group).await;
    make_due(&world).await;
    let (id, partition) = applier.take_parked()[0];
    let tried = applier.retry(id, partition).await.unwrap().unwrap();
    let Left::More(position) = tried.left else { panic!("{tried:?}") };
    assert_eq!(groups(&world).await, both(("Title 96", 3)), "a hundred went through, three of them others");
    assert_eq!(applier.due(9).await.unwrap(), [(ParkedId { position, ..id }, partition)]);

    // An event that arrives meanwhile queues up, and an operator's requeue takes all.
    story.retitle(group, 0, Some("Last"));
    let before = world.store.head().await.unwrap().position;
    world.tell(&mut story).await;
    applier.apply(&world.events_after(before).await).await.unwrap();
    let through = requeue(&world.store, &world.database, ParkedId { position, ..id }, clock).await.unwrap();
    assert_eq!((tried.through, through), (100, 154));
    assert_eq!(groups(&world).await, both(("Last", 3)));
    assert!(list_parked(&world.database).await.unwrap().is_empty());
});

each_engine!(what_a_rebuild_parks_is_retried_by_the_workers, |home| async move {
    let world = World::new(home).await;
    let (_, mut applier) = parked_for_an_hour(&world).await;
    let options = RebuildOptions::new(clock);
    let live = world.home.read_models();
    rebuild(&world.store, &live, &Projection::ALL, options, CancellationToken::new()).await.unwrap();
    let parked = list_parked(&world.database).await.unwrap();
    assert_eq!((parked.len(), parked[0].state, parked[0].attempts), (3, ParkedState::Waiting, 3));
    make_due(&world).await;
    let (id, partition) = applier.due(9).await.unwrap()[0];
    assert!(matches!(applier.retry(id, partition).await, Err(Error::Overtaken)));
    let tried = world.applier().await.retry(id, partition).await.unwrap().unwrap();
    assert!(matches!(tried.left, Left::Waiting(..)), "{tried:?}");
});

/// A worker that waits for a release must not consider a stream released if its next event failed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_waits_for_a_release_sees_what_it_left() {
    let world = World::new(Home::new(testkit::Engine::Postgres).await).await;
    let (story, _) = parked_for_an_hour(&world).await;
    let parked = list_parked(&world.database).await.unwrap();
    let mut release = world.database.begin().await.unwrap();
    release.set_limits(Limits::BULK).await.unwrap();
    for (sql, parked) in [
        ("DELETE FROM parked WHERE position = $1", &parked[0]),
        ("UPDATE parked SET state = 'poison' WHERE position = $1", &parked[1]),
    ] {
        release.execute(query(sql).bind(parked.id.position)).await.unwrap();
    }
    let stream = Stream::new(AggregateType::Conversation.as_str().to_owned(), story.group(0).0);
    let mut waiting = world.database.begin().await.unwrap();
    waiting.set_limits(Limits::BULK).await.unwrap();
    let held = tokio::spawn(async move { hold(&mut waiting, Projection::Conversations, &stream).await.unwrap() });
    let sql = "SELECT COUNT(*) AS waiting FROM pg_stat_activity \
               WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let waiting =
        async || world.database.fetch_optional(query(sql)).await.unwrap().unwrap().unsigned("waiting").unwrap();
    until("it to wait for the rows", async || waiting().await > 0).await;
    release.commit().await.unwrap();
    assert!(held.await.unwrap());
}

//! A poisonous event is tried again after each pause, and then given up; its neighbours never wait (I15).

use super::{
    poison::{both, cure, groups, poisoned},
    support::{DEADLINE, Story, World, clock},
};
use crate::{
    Error, Parked, ParkedId, ParkedState, Parking, Projection, Worker, WorkerSettings,
    apply::Applier,
    list_parked,
    parked::{BackOff, Stream, hold},
    rebuild::{RebuildOptions, rebuild},
    release::Left,
    requeue,
};
use broker::{Broker, Faults};
use domain::{AggregateType, Timestamp};
use sql::query;
use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};
use testkit::{Home, each_engine};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const HOUR: Duration = Duration::from_secs(3_600);

/// A clock that runs.
pub(super) fn running() -> Timestamp {
    static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
    Timestamp::from_millis(1_700_000_000_000 + i64::try_from(BEGUN.elapsed().as_millis()).unwrap())
}

pub(super) fn worker(
    world: &World,
    broker: &Broker,
    owner: u128,
    back_off: BackOff,
    token: &CancellationToken,
) -> Worker {
    let settings = WorkerSettings {
        store: world.store.clone(),
        broker: broker.clone(),
        database: world.database.clone(),
        leases_in: None,
        owner: Uuid::from_u128(owner),
        lease: Duration::from_secs(1),
        clock: running,
        build: "test".into(),
    };
    Worker::start_with(settings, back_off, token.clone())
}

/// Waits until what is parked is as wanted; answers it.
pub(super) async fn until(world: &World, wanted: impl Fn(&[Parked]) -> bool) -> Vec<Parked> {
    let waited = async {
        loop {
            let parked = list_parked(&world.database).await.unwrap();
            if wanted(&parked) {
                return parked;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(DEADLINE, waited).await.expect("in time")
}

pub(super) async fn reached(worker: &Worker, position: u64) {
    assert!(worker.progress().wait(position, &Projection::ALL, DEADLINE).await);
}

fn is_behind(parked: &Parked) -> bool {
    parked.state == ParkedState::Behind
}

/// An applier that has parked the poisonous event for an hour.
async fn parked_for_an_hour(world: &World) -> (Story, Applier) {
    let (story, told) = poisoned();
    world.append(told).await;
    let mut applier = world.applier().await;
    applier.back_off([HOUR, HOUR * 2, HOUR * 3]);
    applier.apply(&world.events_after(0).await).await.unwrap();
    (story, applier)
}

async fn make_due(world: &World) {
    let sql = "UPDATE parked SET retry_at = 0 WHERE retry_at IS NOT NULL";
    world.database.execute(query(sql)).await.unwrap();
}

each_engine!(neighbours_go_on_at_once, |home| async move {
    let world = World::new(home).await;
    let (broker, token) = (world.broker(Faults::NONE), CancellationToken::new());
    let worker = worker(&world, &broker, 1, [HOUR; 3], &token);
    reached(&worker, world.append(poisoned().1).await).await;
    assert_eq!(groups(&world).await, both(("Group 0", 2)));
    let parked = list_parked(&world.database).await.unwrap();
    assert!(parked[0].state == ParkedState::Waiting && parked[1..].iter().all(is_behind));
    let (at, next) = (parked[0].parked_at.millis(), parked[0].retry_at.unwrap().millis());
    assert_eq!((parked.len(), parked[0].attempts, next - at), (3, 3, 3_600_000));
    token.cancel();
    worker.stopped().await;
});

each_engine!(it_heals_by_itself_once_the_cause_is_gone, |home| async move {
    let world = World::new(home).await;
    let (broker, token) = (world.broker(Faults::NONE), CancellationToken::new());
    let pause = Duration::from_secs(2);
    let worker = worker(&world, &broker, 1, [Duration::from_millis(20), pause, pause], &token);
    let (mut story, told) = poisoned();
    let group = story.group(0);
    world.append(told).await;
    until(&world, |parked| parked.first().is_some_and(|poison| poison.attempts >= 4)).await;
    cure(&world, group).await;
    until(&world, <[Parked]>::is_empty).await;
    assert_eq!(groups(&world).await, both(("Behind", 3)));
    let parking = worker.progress().parking();
    assert!((2..=3).contains(&parking.retried) && parking.given_up == 0, "{parking:?}");

    story.retitle(group, 0, Some("Later"));
    reached(&worker, world.tell(&mut story).await).await;
    assert_eq!(groups(&world).await, both(("Later", 3)));
    assert_eq!(broker.stats().buried, 0);
    token.cancel();
    worker.stopped().await;
});

each_engine!(it_is_given_up_after_the_last_pause_and_can_be_requeued, |home| async move {
    let world = World::new(home).await;
    let (broker, token) = (world.broker(Faults::NONE), CancellationToken::new());
    let worker = worker(&world, &broker, 1, [Duration::from_millis(20); 3], &token);
    let (mut story, told) = poisoned();
    let group = story.group(0);
    world.append(told).await;
    let is_given_up = |parked: &[Parked]| parked.first().is_some_and(|poison| poison.state == ParkedState::GivenUp);
    let given_up = until(&world, is_given_up).await;
    assert_eq!((given_up.len(), given_up[0].attempts, given_up[0].retry_at), (3, 6, None));
    story.retitle(group, 0, Some("Later"));
    reached(&worker, world.tell(&mut story).await).await;
    let counted = async {
        let wanted = Parking { parked: 4, unreadable: 0, retried: 3, given_up: 1 };
        while worker.progress().parking() != wanted {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(DEADLINE, counted).await.expect("in time");

    let id = given_up[0].id;
    assert_eq!(requeue(&world.store, &world.database, id, running).await.unwrap(), 0, "not cured yet");
    let still = list_parked(&world.database).await.unwrap();
    assert_eq!((still.len(), still[0].state, still[0].attempts), (4, ParkedState::GivenUp, 7));
    cure(&world, group).await;
    assert_eq!(requeue(&world.store, &world.database, id, running).await.unwrap(), 4);
    assert_eq!(groups(&world).await, both(("Later", 3)));
    story.retitle(group, 0, Some("Much later"));
    reached(&worker, world.tell(&mut story).await).await;
    assert_eq!(groups(&world).await, both(("Much later", 3)));
    assert_eq!(broker.stats().buried, 1);
    token.cancel();
    worker.stopped().await;
});

each_engine!(the_next_worker_retries_what_a_dead_one_parked, |home| async move {
    let world = World::new(home).await;
    let (broker, token) = (world.broker(Faults::NONE), CancellationToken::new());
    let pauses = [Duration::from_secs(1); 3];
    let first = worker(&world, &broker, 1, pauses, &token);
    let (story, told) = poisoned();
    world.append(told).await;
    until(&world, |parked| parked.len() == 3).await;
    first.kill();
    cure(&world, story.group(0)).await;
    // Nobody tells this one: its broker has never heard of the event.
    let deaf = Broker::in_process(1);
    let second = worker(&world, &deaf, 2, pauses, &token);
    until(&world, <[Parked]>::is_empty).await;
    assert_eq!(groups(&world).await, both(("Behind", 3)));
    token.cancel();
    second.stopped().await;
});

each_engine!(each_failure_leads_to_the_next_pause, |home| async move {
    let world = World::new(home).await;
    let (_, mut applier) = parked_for_an_hour(&world).await;
    let (id, partition) = applier.take_parked()[0];
    let mut other = world.applier().await;
    other.back_off([HOUR, HOUR * 2, HOUR * 3]);
    for hours in [2, 3] {
        assert!(applier.due(9).await.unwrap().is_empty());
        assert!(applier.retry(id, partition).await.unwrap().is_none(), "a hint that comes early, or twice");
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

    // An event that comes in between queues up, and an operator's requeue takes all.
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

/// A worker that waits for a release must not take a stream for released whose next event turned out poisonous.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_for_a_release_sees_what_it_left() {
    let world = World::new(Home::new(testkit::Engine::Postgres).await).await;
    let (story, _) = parked_for_an_hour(&world).await;
    let parked = list_parked(&world.database).await.unwrap();
    let mut release = world.database.begin().await.unwrap();
    for (sql, parked) in [
        ("DELETE FROM parked WHERE position = $1", &parked[0]),
        ("UPDATE parked SET state = 'poison' WHERE position = $1", &parked[1]),
    ] {
        release.execute(query(sql).bind(parked.id.position)).await.unwrap();
    }
    let stream = Stream::new(AggregateType::Conversation.as_str().to_owned(), story.group(0).0);
    let mut waiting = world.database.begin().await.unwrap();
    let held = tokio::spawn(async move { hold(&mut waiting, Projection::Conversations, &stream).await.unwrap() });
    let blocked = async {
        let sql = "SELECT COUNT(*) FROM pg_stat_activity \
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while world.database.fetch_optional(query(sql)).await.unwrap().unwrap().unsigned(0).unwrap() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(DEADLINE, blocked).await.expect("in time");
    release.commit().await.unwrap();
    assert!(held.await.unwrap());
}

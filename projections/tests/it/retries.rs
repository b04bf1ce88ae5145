//! A failed event is retried after each pause, and then given up; its neighbours never wait (I15).

use super::support::{World, both, cure, groups, poisoned, reached, running, until, worker};
use broker::{Broker, Faults};
use projections::{Parked, ParkedState, Parking, list_parked, requeue};
use std::time::Duration;
use testkit::each_engine;
use tokio_util::sync::CancellationToken;

const HOUR: Duration = Duration::from_secs(3_600);

fn is_behind(parked: &Parked) -> bool {
    parked.state == ParkedState::Behind
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
    // The last is for a machine so busy that the cause is still there after the second.
    let pauses = [Duration::from_millis(20), Duration::from_secs(2), Duration::from_secs(10)];
    let worker = worker(&world, &broker, 1, pauses, &token);
    let (mut story, events) = poisoned();
    let group = story.group(0);
    world.append(events).await;
    until(&world, |parked| parked.first().is_some_and(|poison| poison.attempts >= 4)).await;
    cure(&world, group).await;
    until(&world, <[Parked]>::is_empty).await;
    assert_eq!(groups(&world).await, both(("Behind", 3)));
    let parking = worker.progress().parking();
    assert!(parking.retried >= 2 && parking.given_up == 0, "{parking:?}");

    story.retitle(group, 0, Some("Later"));
    reached(&worker, world.tell(&mut story).await).await;
    assert_eq!(groups(&world).await, both(("Later", 3)));
    assert_eq!(broker.stats().dead_letters, 0);
    token.cancel();
    worker.stopped().await;
});

each_engine!(it_is_given_up_after_the_last_pause_and_can_be_requeued, |home| async move {
    let world = World::new(home).await;
    let (broker, token) = (world.broker(Faults::NONE), CancellationToken::new());
    let worker = worker(&world, &broker, 1, [Duration::from_millis(20); 3], &token);
    let (mut story, events) = poisoned();
    let group = story.group(0);
    world.append(events).await;
    let is_given_up = |parked: &[Parked]| parked.first().is_some_and(|poison| poison.state == ParkedState::GivenUp);
    let given_up = until(&world, is_given_up).await;
    assert_eq!((given_up.len(), given_up[0].attempts, given_up[0].retry_at), (3, 6, None));
    story.retitle(group, 0, Some("Later"));
    reached(&worker, world.tell(&mut story).await).await;
    let wanted = Parking { parked: 4, unreadable: 0, retried: 3, given_up: 1 };
    testkit::until("what is parked to be counted", async || worker.progress().parking() == wanted).await;

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
    assert_eq!(broker.stats().dead_letters, 1);
    token.cancel();
    worker.stopped().await;
});

each_engine!(the_next_worker_retries_what_a_dead_one_parked, |home| async move {
    let world = World::new(home).await;
    let (broker, token) = (world.broker(Faults::NONE), CancellationToken::new());
    // The first worker may come to retry it once before it is killed.
    let pauses = [1, 10, 10].map(Duration::from_secs);
    let first = worker(&world, &broker, 1, pauses, &token);
    let (story, events) = poisoned();
    world.append(events).await;
    until(&world, |parked| parked.len() == 3).await;
    first.kill();
    cure(&world, story.group(0)).await;
    // This worker receives no notification: its broker never got the event.
    let silent = Broker::in_process(1);
    let second = worker(&world, &silent, 2, pauses, &token);
    until(&world, <[Parked]>::is_empty).await;
    assert_eq!(groups(&world).await, both(("Behind", 3)));
    token.cancel();
    second.stopped().await;
});

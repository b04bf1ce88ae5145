//! Publishing and subscribing.

use crate::arms::arms;
use broker::{Broker, Faults, Interest, Run, Subscription, Wake};
use domain::{Lane, Partition, Tier, Timestamp};
use event_store::{CommittedBatch, Heads, Linked, Origin, Position, Record, RecordedEvent};
use std::sync::Arc;
use uuid::Uuid;

pub(crate) const HIGH: Lane = Lane { tier: Tier::High, partition: Partition(0) };
pub(crate) const OTHER: Lane = Lane { tier: Tier::High, partition: Partition(1) };
pub(crate) const MEDIUM: Lane = Lane { tier: Tier::Medium, partition: Partition(0) };

/// A batch whose events are on these lanes, from position 1.
pub(crate) fn batch(lanes: &[Lane]) -> CommittedBatch {
    let mut heads = Heads::new(2);
    let events = lanes.iter().zip(1..).map(|(lane, position)| {
        let record = Record {
            position,
            aggregate_type: "message".to_owned(),
            aggregate_id: Uuid::nil(),
            sequence: position,
            event_type: "message.sent".to_owned(),
            event_version: 1,
            payload: "{}".to_owned(),
            metadata: "{}".to_owned(),
            scope: Uuid::nil(),
            scope_seq: 0,
            lane: *lane,
            origin: Origin::default(),
            command_key: String::new(),
            recorded_at: Timestamp::default(),
            digest: [0; 32],
        };
        Linked { event: Arc::new(RecordedEvent::sealed(record)), link: heads.advance(*lane, position) }
    });
    CommittedBatch { events: events.collect() }
}

pub(crate) fn tiers(tiers: &[Tier]) -> Interest {
    Interest::Tiers { tiers: tiers.to_vec(), wake: Wake::Always }
}

pub(crate) fn lanes(lanes: &[Lane]) -> Interest {
    Interest::Lanes { queue: "projections".to_owned(), lanes: lanes.to_vec() }
}

pub(crate) fn positions(run: &Run) -> (Lane, Vec<Position>) {
    (run.lane, run.events.iter().map(|linked| linked.event.record.position).collect())
}

/// The remaining runs after the broker has stopped.
async fn rest(mut subscription: Subscription) -> Vec<(Lane, Vec<Position>)> {
    let mut rest = Vec::new();
    while let Some(run) = subscription.next().await {
        rest.push(positions(&run));
    }
    rest
}

#[tokio::test]
async fn each_subscriber_receives_its_lanes_one_run_per_lane_and_batch() {
    for broker in arms(8) {
        let all = broker.subscribe(tiers(&Tier::DURABLE));
        let also_all = broker.subscribe(tiers(&Tier::DURABLE));
        let medium = broker.subscribe(tiers(&[Tier::Medium]));
        let some = broker.subscribe(lanes(&[OTHER, MEDIUM]));
        broker.publish(&batch(&[MEDIUM, HIGH, OTHER, HIGH]));
        drop(broker);
        let runs = [(HIGH, vec![2, 4]), (OTHER, vec![3]), (MEDIUM, vec![1])];
        assert_eq!(rest(all).await, runs);
        assert_eq!(rest(also_all).await, runs);
        assert_eq!(rest(medium).await, runs[2..]);
        assert_eq!(rest(some).await, runs[1..]);
    }
}

#[tokio::test]
async fn subscribers_with_the_same_queue_share_its_runs() {
    for broker in arms(8) {
        let one = broker.subscribe(lanes(&[HIGH]));
        let two = broker.subscribe(lanes(&[HIGH, OTHER]));
        for _ in 0..4 {
            broker.publish(&batch(&[HIGH, OTHER]));
        }
        drop(broker);
        let (one, two) = (rest(one).await, rest(two).await);
        assert!(!one.is_empty(), "both take part");
        assert_eq!(one.len() + two.len(), 8, "each run goes to one of them");
        assert!(one.iter().all(|(lane, _)| *lane == HIGH));
    }
}

#[tokio::test]
async fn publishing_never_waits_and_dropped_runs_are_counted() {
    for broker in arms(2) {
        broker.publish(&batch(&[HIGH]));
        assert_eq!(broker.dropped(), 0, "there was no subscriber");
        let mut slow = broker.subscribe(tiers(&[Tier::High]));
        broker.publish(&batch(&[HIGH]));
        broker.publish(&batch(&[OTHER]));
        broker.publish(&batch(&[HIGH]));
        assert_eq!(broker.dropped(), 1);
        assert_eq!(slow.next().await.map(|run| run.lane), Some(HIGH));
        assert_eq!(slow.next().await.map(|run| run.lane), Some(OTHER), "the newest is dropped");
        broker.publish(&batch(&[HIGH]));
        assert_eq!(slow.next().await.map(|run| run.lane), Some(HIGH), "there is room again");
        drop(slow);
        broker.publish(&batch(&[HIGH, OTHER, MEDIUM]));
        assert_eq!(broker.dropped(), 1, "a closed subscription misses nothing");
        drop(broker);
    }
}

#[tokio::test]
async fn faults_are_the_same_for_the_same_seed() {
    let received = async |faults| {
        let broker = Broker::in_process_with(2_000, faults);
        let subscription = broker.subscribe(tiers(&Tier::DURABLE));
        for _ in 0..200 {
            broker.publish(&batch(&[HIGH, OTHER, MEDIUM]));
        }
        drop(broker);
        rest(subscription).await
    };
    let faults = |seed| Faults { loss: 10, doubling: 10, disorder: 10, seed };
    assert_eq!(received(Faults::NONE).await.len(), 600);
    assert_eq!(received(faults(1)).await, received(faults(1)).await);
    assert_ne!(received(faults(1)).await, received(faults(2)).await);
    assert!(received(Faults { loss: 100, ..Faults::NONE }).await.is_empty());
    assert_eq!(received(Faults { doubling: 100, ..Faults::NONE }).await.len(), 1_200);
}

//! Runs between processes.

use super::letters::dead_letter;
use crate::{
    arms::{Processes, soon, until},
    lanes::{HIGH, MEDIUM, OTHER, batch, lanes, positions, tiers},
};
use broker::{Broker, BrokerError, Health, RabbitSettings};
use domain::{Partition, Tier, Timestamp};
use event_store::{CommittedBatch, Link, Linked, RecordedEvent};
use futures_util::FutureExt as _;
use lapin::{
    BasicProperties, Channel,
    options::{BasicPublishOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;
use uuid::Uuid;

#[tokio::test]
async fn each_process_receives_the_runs_of_others_once_and_recognises_its_own() {
    let processes = Processes::new();
    let (one, two) = (processes.join_up().await, processes.join_up().await);
    let (mut at_one, mut at_two) = (one.subscribe(tiers(&Tier::DURABLE)), two.subscribe(tiers(&Tier::DURABLE)));
    let mut workers = two.subscribe(lanes(&[OTHER]));
    soon(async { tokio::join!(at_one.ready(), at_two.ready(), workers.ready()) }).await;
    one.publish(&batch(&[HIGH, OTHER, MEDIUM, HIGH]));
    for subscription in [&mut at_one, &mut at_two] {
        let mut received = Vec::new();
        for _ in 0..3 {
            received.push(positions(&soon(subscription.next()).await.unwrap()));
        }
        received.sort_by_key(|(lane, _)| *lane);
        assert_eq!(received, [(HIGH, vec![1, 4]), (OTHER, vec![2]), (MEDIUM, vec![3])]);
    }
    assert_eq!(positions(&soon(workers.next()).await.unwrap()), (OTHER, vec![2]));
    until("confirmed", || one.stats().high.confirmed == 2 && one.stats().medium.confirmed == 1).await;
    until("recognised", || one.stats().high.own == 2 && one.stats().medium.own == 1).await;
    let (one, two) = (one.stats(), two.stats());
    assert_eq!((one.high.published, one.high.received, one.high.unsent, one.high.returned), (2, 0, 0, 0));
    assert_eq!((two.high.published, two.high.received, two.medium.received), (0, 3, 1));
}

#[tokio::test]
async fn a_dead_task_is_reported_and_restarted() {
    let processes = Processes::new();
    let (one, two) = (processes.join_up().await, processes.join_up().await);
    let mut workers = two.subscribe(lanes(&[HIGH]));
    soon(workers.ready()).await;
    let consumer = "rabbitmq.consumer.projections.high";
    for (broker, task) in [(&one, "rabbitmq.publisher"), (&two, "rabbitmq.connection"), (&two, consumer)] {
        let tasks = broker.supervisor().unwrap();
        tasks.inject(task);
        until("reported", || tasks.down().contains(&task.to_owned())).await;
        while workers.next().now_or_never().is_some() {}
        soon(async {
            while timeout(Duration::from_millis(50), workers.next()).await.is_err() {
                one.publish(&batch(&[HIGH]));
            }
        })
        .await;
    }
}

#[tokio::test]
async fn each_run_goes_to_one_of_the_processes_that_share_a_queue() {
    let processes = Processes::new();
    let (one, two, three) = (processes.join_up().await, processes.join_up().await, processes.join_up().await);
    let mut workers = [two.subscribe(lanes(&[HIGH])), three.subscribe(lanes(&[HIGH]))];
    for worker in &workers {
        soon(worker.ready()).await;
    }
    for _ in 0..100 {
        one.publish(&batch(&[HIGH, OTHER]));
    }
    let (mut at_two, mut at_three) = (0, 0);
    let [second, third] = &mut workers;
    while at_two + at_three < 100 {
        tokio::select! {
            run = soon(second.next()) => at_two += usize::from(run.is_some()),
            run = soon(third.next()) => at_three += usize::from(run.is_some()),
        }
    }
    assert!(at_two > 0 && at_three > 0, "both take part: {at_two} and {at_three}");
    until("returned what no queue wants", || one.stats().high.returned == 100).await;
    assert_eq!(two.stats().high.received + three.stats().high.received, 100);
}

#[tokio::test]
async fn a_flood_of_medium_runs_does_not_delay_high_ones() {
    let processes = Processes::new().with_capacity(10_100);
    let one = processes.join_up().await;
    let two = processes.with_capacity(64).join_up().await;
    let mut runs = two.subscribe(tiers(&Tier::DURABLE));
    soon(runs.ready()).await;
    for _ in 0..10_000 {
        one.publish(&batch(&[MEDIUM]));
    }
    for _ in 0..10 {
        one.publish(&batch(&[HIGH]));
    }
    let (mut high, mut medium_before) = (0, 0);
    while high < 10 {
        match soon(runs.next()).await.unwrap().lane.tier {
            Tier::High => high += 1,
            _ => medium_before += 1,
        }
    }
    assert!(medium_before < 5_000, "{medium_before} of 10,000 came first");
    assert_eq!((one.stats().medium.unsent, one.stats().high.unsent), (0, 0));
}

/// A tier that is not read delays neither the other tier nor the publisher.
#[tokio::test]
async fn a_slow_subscriber_still_receives_high_runs() {
    let processes = Processes::new().with_capacity(2_000);
    let one = processes.join_up().await;
    let processes = processes.with_capacity(4);
    let two = processes.join_up().await;
    let mut runs = two.subscribe(lanes(&[HIGH, MEDIUM]));
    soon(runs.ready()).await;
    for _ in 0..1_000 {
        one.publish(&batch(&[MEDIUM]));
    }
    until("confirmed", || one.stats().medium.confirmed == 1_000).await;
    one.publish(&batch(&[HIGH]));
    until("received", || two.stats().high.received == 1).await;
    let received = two.stats().medium.received;
    assert!(received <= 5, "{received} runs were taken in by one who sleeps");
    let (_connection, channel) = processes.amqp().await;
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let queue = channel.queue_declare(processes.name("projections.medium.0").into(), passive, FieldTable::default());
    let waiting = queue.await.unwrap().message_count();
    assert!(waiting > 900, "only {waiting} wait at RabbitMQ");
    assert_eq!(soon(runs.next()).await.unwrap().lane, HIGH);
    for _ in 0..1_000 {
        assert_eq!(soon(runs.next()).await.unwrap().lane, MEDIUM);
    }
}

#[tokio::test]
async fn a_run_of_another_log_or_version_is_ignored() {
    let processes = Processes::new();
    let mut other = Processes { settings: processes.settings.clone() };
    other.settings.log = Uuid::from_u128(8);
    let (one, stranger, two) = (processes.join_up().await, other.join_up().await, processes.join_up().await);
    let mut runs = two.subscribe(tiers(&[Tier::High]));
    soon(runs.ready()).await;
    stranger.publish(&batch(&[OTHER]));
    until("ignored", || two.stats().foreign == 1).await;
    let (_connection, channel) = processes.amqp().await;
    let headers = [("node", "somebody".to_owned()), ("log", processes.settings.log.to_string())];
    send(&channel, &processes, headers, "run.v2", b"{}").await;
    until("ignored", || two.stats().foreign == 2).await;
    one.publish(&batch(&[HIGH]));
    assert_eq!(soon(runs.next()).await.unwrap().lane, HIGH);
    assert_eq!((two.stats().high.received, two.stats().unreadable), (1, 0));
}

#[tokio::test]
async fn a_run_that_is_too_large_is_not_sent() {
    let processes = Processes::new();
    let (one, two) = (processes.join_up().await, processes.join_up().await);
    let mut runs = two.subscribe(tiers(&[Tier::High]));
    soon(runs.ready()).await;
    let mut record = batch(&[HIGH]).events[0].event.record.clone();
    record.payload = "x".repeat(9 << 20);
    let event = Linked { event: Arc::new(RecordedEvent::sealed(record)), link: Link::default() };
    one.publish(&CommittedBatch { events: vec![event] });
    one.publish(&batch(&[OTHER]));
    assert_eq!(soon(runs.next()).await.unwrap().lane, OTHER);
    assert_eq!((one.stats().high.unsent, one.stats().reconnections), (1, 0));
}

#[tokio::test]
async fn an_unreadable_message_becomes_a_dead_letter() {
    let processes = Processes::new();
    let (one, two) = (processes.join_up().await, processes.join_up().await);
    let mut runs = two.subscribe(tiers(&[Tier::High]));
    soon(runs.ready()).await;
    let (_connection, channel) = processes.amqp().await;
    let log = || ("log", processes.settings.log.to_string());
    send(&channel, &processes, [("node", "somebody".to_owned()), log()], "run.v1", b"{\"lane\":").await;
    send(&channel, &processes, [], "run.v1", b"unsigned").await;
    until("counted as unreadable", || two.stats().unreadable == 2).await;
    let mut letters = Vec::new();
    while letters.len() < 2 {
        letters.extend(dead_letter(&channel, &processes).await);
    }
    assert_eq!(letters[0].delivery.data, b"{\"lane\":");
    assert_eq!(letters[1].delivery.data, b"unsigned");
    one.publish(&batch(&[HIGH]));
    assert_eq!(soon(runs.next()).await.unwrap().lane, HIGH, "the lane goes on");
}

#[tokio::test]
async fn objects_with_other_properties_are_used_as_they_are() {
    let processes = Processes::new();
    let (_connection, channel) = processes.amqp().await;
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    for name in ["projections.high.0", "retry.200", "dead.letters"] {
        channel.queue_declare(processes.name(name).into(), durable, FieldTable::default()).await.unwrap();
    }
    let (one, two) = (processes.join_up().await, processes.join_up().await);
    let mut worker = two.subscribe(lanes(&[HIGH, OTHER]));
    soon(worker.ready()).await;
    one.publish(&batch(&[HIGH, OTHER]));
    let received = [soon(worker.next()).await.unwrap().lane, soon(worker.next()).await.unwrap().lane];
    assert!(received.contains(&HIGH) && received.contains(&OTHER));
    assert_eq!((one.stats().reconnections, two.stats().reconnections), (0, 0));
}

#[tokio::test]
async fn all_tasks_end_with_the_last_clone() {
    let processes = Processes::new();
    let (one, two) = (processes.join_up().await, processes.join_up().await);
    let mut runs = two.subscribe(tiers(&[Tier::High]));
    let mut signals = two.subscribe_signals(|| Timestamp::from_millis(0));
    let mut retries = two.subscribe_retries([Partition(0)].into());
    soon(async { tokio::join!(runs.ready(), signals.ready(), retries.ready()) }).await;
    one.publish(&batch(&[HIGH]));
    assert!(soon(runs.next()).await.is_some());
    drop(two);
    assert!(soon(runs.next()).await.is_none());
    assert!(soon(signals.next()).await.is_none());
    assert!(soon(retries.next()).await.is_none());
    let is_returned = || {
        one.publish(&batch(&[HIGH]));
        one.stats().high.returned > 0
    };
    until("a message is returned", is_returned).await;
}

#[tokio::test]
async fn invalid_settings_are_refused_without_quoting_the_password() {
    let with = |url: &str, namespace: &str| {
        let settings = Processes::new().settings;
        Broker::rabbitmq(RabbitSettings { url: url.to_owned(), namespace: namespace.to_owned(), ..settings })
    };
    for url in ["", "127.0.0.1", "amqp:secret", "http://guest:secret@127.0.0.1/", "amqp://guest:secret@127.0.0.1:x/"] {
        let error = with(url, "chatchit").unwrap_err();
        assert_eq!(error, BrokerError::Url);
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
    for namespace in ["", "a b", "a#", &"x".repeat(65)] {
        assert_eq!(with("amqp://127.0.0.1:1/", namespace).unwrap_err(), BrokerError::Namespace);
    }
    let broker = with("amqp://guest:secret@127.0.0.1:1/", "chatchit").unwrap();
    until("refused", || matches!(broker.health(), Health::Away { why, .. } if why.contains("refused"))).await;
    assert!(!format!("{:?} {:?}", broker.health(), Processes::new().settings).contains("guest"));
}

/// Sends a raw message to the high lane of partition 0.
async fn send<const N: usize>(
    channel: &Channel,
    processes: &Processes,
    headers: [(&'static str, String); N],
    kind: &str,
    body: &[u8],
) {
    let mut table = FieldTable::default();
    for (name, value) in headers {
        table.insert(name.into(), AMQPValue::LongString(value.into()));
    }
    let properties = BasicProperties::default().with_headers(table).with_type(kind.into());
    let exchange = processes.name("events").into();
    channel
        .basic_publish(exchange, "high.0".into(), BasicPublishOptions::default(), body, properties)
        .await
        .unwrap()
        .await
        .unwrap();
}

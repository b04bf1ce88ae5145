//! Retries and dead letters between processes.

use crate::{
    arms::{Processes, soon, until},
    lanes::{HIGH, batch},
};
use broker::{BACK_OFF, Broker, DeadLetter, Retry, RetrySubscription};
use domain::Partition;
use lapin::{Channel, message::BasicGetMessage, options::BasicGetOptions};
use std::time::Duration;

/// The next dead letter, if there is one.
pub(crate) async fn dead_letter(channel: &Channel, processes: &Processes) -> Option<BasicGetMessage> {
    let options = BasicGetOptions { no_ack: true };
    channel.basic_get(processes.name("dead.letters").into(), options).await.unwrap()
}

fn retry(partition: u16, position: u64) -> Retry {
    Retry { consumer: "messages".to_owned(), partition: Partition(partition), position }
}

async fn listen(broker: &Broker, partitions: &[u16]) -> RetrySubscription {
    let subscription = broker.subscribe_retries(partitions.iter().copied().map(Partition).collect());
    soon(subscription.ready()).await;
    subscription
}

#[tokio::test]
async fn a_retry_reaches_one_subscriber_of_its_partition_after_its_pause() {
    let processes = Processes::new();
    let (one, two, three) = (processes.join_up().await, processes.join_up().await, processes.join_up().await);
    let mut at_one = listen(&one, &[0]).await;
    let mut at_two = listen(&two, &[1, 2]).await;
    let mut at_three = listen(&three, &[1]).await;
    let (_connection, channel) = processes.amqp().await;
    one.retry_after(BACK_OFF[2], retry(2, 4));
    until("waiting", || one.health().is_up()).await;
    let name = processes.name("retry.5000");
    let options = lapin::options::QueueDeclareOptions { passive: true, ..Default::default() };
    let waits = async || {
        let queue = channel.queue_declare(name.as_str().into(), options, Default::default()).await.unwrap();
        queue.message_count() > 0
    };
    // It comes early where this is held up for longer than its pause.
    let mut early = Vec::new();
    tokio::select! {
        () = testkit::until("a retry waits", waits) => (),
        next = at_two.next() => early.push(next.unwrap()),
    }
    one.retry_after(BACK_OFF[1], retry(0, 3));
    for position in 10..20 {
        one.retry_after(BACK_OFF[0], retry(1, position));
    }
    let mut received = Vec::new();
    while received.len() < 10 {
        let next = soon(async {
            tokio::select! { next = at_two.next() => next, next = at_three.next() => next }
        });
        let next = next.await.unwrap();
        if next.partition == Partition(1) { received.push(next) } else { early.push(next) }
    }
    received.sort_by_key(|retry| retry.position);
    assert_eq!(received, (10..20).map(|position| retry(1, position)).collect::<Vec<_>>(), "each to one of them");
    assert_eq!(soon(at_one.next()).await, Some(retry(0, 3)), "a process receives its own, too");
    if early.is_empty() {
        early.extend(soon(at_two.next()).await);
    }
    assert_eq!(early, [retry(2, 4)]);
}

#[tokio::test]
async fn without_rabbitmq_retries_wait_in_the_process() {
    let processes = Processes::new();
    let (cable, behind) = processes.behind_a_cable().await;
    cable.cut();
    let broker = behind.join();
    let mut due = broker.subscribe_retries([Partition(1)].into());
    broker.retry_after(Duration::from_millis(1), retry(1, 3));
    assert_eq!(soon(due.next()).await, Some(retry(1, 3)));
    broker.dead_letter(letter());
    let stats = broker.stats();
    assert_eq!((stats.dead_letters, stats.undelivered), (1, 1));
}

#[tokio::test]
async fn a_dead_letter_is_plain_json() {
    let processes = Processes::new();
    let broker = processes.join_up().await;
    broker.dead_letter(letter());
    let (_connection, channel) = processes.amqp().await;
    let message = soon(async {
        loop {
            if let Some(message) = dead_letter(&channel, &processes).await {
                break message;
            }
        }
    })
    .await;
    let properties = &message.delivery.properties;
    assert_eq!(*properties.delivery_mode(), Some(2), "it survives a restart");
    assert_eq!(properties.kind().as_ref().unwrap().as_str(), "letter.v1");
    let read: DeadLetter = serde_json::from_slice(&message.delivery.data).unwrap();
    assert_eq!(read, letter());
    assert_eq!((broker.stats().dead_letters, broker.stats().undelivered), (1, 0));
}

fn letter() -> DeadLetter {
    let record = batch(&[HIGH]).events[0].event.record.clone();
    DeadLetter { consumer: "messages".to_owned(), record, error: "no such column".to_owned(), attempts: 4 }
}

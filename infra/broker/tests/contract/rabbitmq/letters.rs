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
async fn a_retry_comes_after_its_pause_to_one_who_wants_its_partition() {
    let processes = Processes::new();
    let (one, two, three) = (processes.join_up().await, processes.join_up().await, processes.join_up().await);
    let mut at_one = listen(&one, &[0]).await;
    let mut at_two = listen(&two, &[1, 2]).await;
    let mut at_three = listen(&three, &[1]).await;
    let (_connection, channel) = processes.amqp().await;
    one.retry_after(BACK_OFF[2], retry(2, 4));
    until("waiting", || one.health().is_up()).await;
    let waits = async {
        let name = processes.name("retry.5000");
        let options = lapin::options::QueueDeclareOptions { passive: true, ..Default::default() };
        while channel.queue_declare(name.as_str().into(), options, Default::default()).await.unwrap().message_count()
            == 0
        {
            tokio::task::yield_now().await;
        }
    };
    soon(waits).await;
    one.retry_after(BACK_OFF[1], retry(0, 3));
    for position in 10..20 {
        one.retry_after(BACK_OFF[0], retry(1, position));
    }
    let mut heard = Vec::new();
    while heard.len() < 10 {
        heard.push(
            soon(async {
                tokio::select! { next = at_two.next() => next, next = at_three.next() => next }
            })
            .await
            .unwrap(),
        );
    }
    heard.sort_by_key(|retry| retry.position);
    assert_eq!(heard, (10..20).map(|position| retry(1, position)).collect::<Vec<_>>(), "each to one of them");
    assert_eq!(soon(at_one.next()).await, Some(retry(0, 3)), "a process hears its own, too");
    assert_eq!(soon(at_two.next()).await, Some(retry(2, 4)));
}

#[tokio::test]
async fn while_rabbitmq_is_away_retries_rest_in_the_process() {
    let processes = Processes::new();
    let (cable, behind) = processes.behind_a_cable().await;
    cable.cut();
    let broker = behind.join();
    let mut heard = broker.subscribe_retries([Partition(1)].into());
    broker.retry_after(Duration::from_millis(1), retry(1, 3));
    assert_eq!(soon(heard.next()).await, Some(retry(1, 3)));
    broker.bury(letter());
    let stats = broker.stats();
    assert_eq!((stats.buried, stats.undelivered), (1, 1));
}

#[tokio::test]
async fn a_dead_letter_can_be_read_by_anybody() {
    let processes = Processes::new();
    let broker = processes.join_up().await;
    broker.bury(letter());
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
    assert_eq!((broker.stats().buried, broker.stats().undelivered), (1, 0));
}

fn letter() -> DeadLetter {
    let record = batch(&[HIGH]).events[0].event.record.clone();
    DeadLetter { consumer: "messages".to_owned(), record, error: "no such column".to_owned(), attempts: 4 }
}

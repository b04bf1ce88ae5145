//! Failed events over RabbitMQ, whose queues keep the pauses, with two processes (I15).

use super::support::{PARTITIONS, Story, World, cure, leasing, reached, running, until};
use broker::{BACK_OFF, Broker, DeadLetter, RabbitSettings};
use domain::{ConversationId, Event, Partition, conversation::ConversationCommand};
use event_store::StreamId;
use lapin::{
    Channel, Connection, ConnectionProperties,
    message::BasicGetMessage,
    options::{BasicGetOptions, QueueBindOptions, QueueDeclareOptions},
    types::FieldTable,
};
use projections::{Parked, ParkedState, list_parked, requeue};
use sql::query;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use testkit::{Home, Mix, until_some};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Enough for several groups in each partition.
const GROUPS: u64 = 16;
/// So long that no living worker loses its partitions.
const LEASE: Duration = Duration::from_secs(10);

/// A connected broker of one more process.
async fn join(world: &World) -> Broker {
    let settings = RabbitSettings {
        url: world.home.rabbitmq_url().unwrap(),
        namespace: world.home.namespace().to_owned(),
        log: world.store.incarnation(),
        partitions: PARTITIONS,
        capacity: 64,
        clock: running,
    };
    let broker = Broker::rabbitmq(settings).unwrap();
    testkit::until("the connection", async || broker.health().is_up()).await;
    broker
}

/// A queue that receives each due retry and each dead letter.
async fn overhear(channel: &Channel, world: &World) -> String {
    let queue = format!("{}.overheard", world.home.namespace());
    let exclusive = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue.as_str().into(), exclusive, FieldTable::default()).await.unwrap();
    let (dead, options) = (format!("{}.dead", world.home.namespace()), QueueBindOptions::default());
    let bound = channel.queue_bind(queue.as_str().into(), dead.into(), "#".into(), options, FieldTable::default());
    bound.await.unwrap();
    queue
}

/// The next message of a queue.
async fn get(channel: &Channel, queue: &str) -> BasicGetMessage {
    let look = async || channel.basic_get(queue.into(), BasicGetOptions { no_ack: true }).await.unwrap();
    until_some("a message", look).await
}

/// The owner of each partition, once both workers have a share.
async fn shared_out(world: &World) -> BTreeMap<Partition, Uuid> {
    until_some("both workers to have a share", async || {
        let rows = world.database.fetch_all(query("SELECT partition, owner FROM leases")).await.unwrap();
        let partition = |row: &sql::Row| Partition(u16::try_from(row.get::<i64>("partition").unwrap()).unwrap());
        let held: BTreeMap<_, Uuid> = rows.iter().map(|row| (partition(row), row.get("owner").unwrap())).collect();
        let owners: BTreeSet<_> = held.values().collect();
        (held.len() == usize::from(PARTITIONS) && owners.len() == 2).then_some(held)
    })
    .await
}

/// The groups that have the title and the members of their last events.
async fn up_to_date(world: &World) -> BTreeSet<Uuid> {
    let sql = "SELECT id FROM conversations WHERE title = 'Latest' AND member_count = 3";
    world.database.fetch_all(query(sql)).await.unwrap().iter().map(|row| row.get("id").unwrap()).collect()
}

fn poison(parked: &[Parked], group: ConversationId) -> Option<&Parked> {
    parked.iter().find(|parked| parked.aggregate_id == group.0 && parked.state != ParkedState::Behind)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_heals_and_one_is_given_up_beside_healthy_neighbours() {
    let world = World::new(Home::mix(Mix::POSTGRES.with_rabbitmq()).await).await;
    let (one, two) = (join(&world).await, join(&world).await);
    world.publish_to(&one);
    let token = CancellationToken::new();
    let workers =
        [(&one, 1), (&two, 2)].map(|(broker, owner)| leasing(&world, broker, (owner, LEASE), BACK_OFF, &token));
    let connection =
        Connection::connect(&world.home.rabbitmq_url().unwrap(), ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let overheard = overhear(&channel, &world).await;

    // In a partition of each worker, the creation of a group is appended twice; then all groups change.
    let mut story = Story::new(1);
    story.register_all(3);
    let groups: Vec<_> = (0..GROUPS).map(|n| story.open_group(n, 0, &[1], false)).collect();
    let history = story.take();
    world.append(history.clone()).await;
    let held = shared_out(&world).await;
    let partition = |group: ConversationId| Partition::of(group.0, PARTITIONS);
    let of_worker = |n: u128| *groups.iter().find(|group| held[&partition(**group)] == Uuid::from_u128(n)).unwrap();
    let (heals, dies) = (of_worker(1), of_worker(2));
    for sick in [heals, dies] {
        let neighbours = groups.iter().filter(|group| **group != sick && partition(**group) == partition(sick));
        assert!(neighbours.count() > 0, "in the same lane");
    }
    let is_sick = |stream: &StreamId| [heals.0, dies.0].contains(&stream.id);
    let mut news: Vec<(StreamId, Event)> = history.into_iter().filter(|(stream, _)| is_sick(stream)).collect();
    for group in &groups {
        story.retitle(*group, 0, Some("Latest"));
        story.conversation(*group, ConversationCommand::Join { user: story.user(2), now: Default::default() });
    }
    news.extend(story.take());
    let position = world.append(news).await;

    for worker in &workers {
        reached(worker, position).await;
    }
    let all: BTreeSet<_> = groups.iter().map(|group| group.0).collect();
    let well: BTreeSet<_> = all.iter().copied().filter(|group| ![heals.0, dies.0].contains(group)).collect();
    assert_eq!(up_to_date(&world).await, well, "neighbours go on");
    assert_eq!(list_parked(&world.database).await.unwrap().len(), 6);

    until(&world, |parked| poison(parked, heals).is_some_and(|poison| poison.attempts > 3)).await;
    cure(&world, heals).await;
    until(&world, |parked| poison(parked, heals).is_none()).await;
    assert!(up_to_date(&world).await.contains(&heals.0));

    let is_given_up =
        |parked: &[Parked]| poison(parked, dies).is_some_and(|poison| poison.state == ParkedState::GivenUp);
    let parked = until(&world, is_given_up).await;
    let given_up = poison(&parked, dies).unwrap();
    assert_eq!((parked.len(), given_up.attempts, given_up.retry_at), (3, 6, None));
    let message = get(&channel, &format!("{}.dead.letters", world.home.namespace())).await;
    let letter: DeadLetter = serde_json::from_slice(&message.delivery.data).unwrap();
    assert_eq!((letter.consumer.as_str(), letter.record.position), ("conversations", given_up.id.position));
    assert_eq!((letter.attempts, &letter.error), (6, &given_up.error));
    assert_eq!(one.stats().dead_letters + two.stats().dead_letters, 1);

    // RabbitMQ kept each pause.
    let of = |group| move |pause: Duration| format!("{}.{}", pause.as_millis(), partition(group).0);
    let mut wanted: BTreeSet<_> = BACK_OFF.map(of(dies)).into();
    wanted.extend([of(heals)(BACK_OFF[0]), "letters".to_owned()]);
    while !wanted.is_empty() {
        wanted.remove(get(&channel, &overheard).await.delivery.routing_key.as_str());
    }

    cure(&world, dies).await;
    assert_eq!(requeue(&world.store, &world.database, given_up.id, running).await.unwrap(), 3);
    assert_eq!(up_to_date(&world).await, all);
    story.retitle(dies, 0, Some("Later"));
    let position = world.tell(&mut story).await;
    for worker in &workers {
        reached(worker, position).await;
    }
    let late = all.iter().copied().filter(|group| *group != dies.0).collect();
    assert_eq!(up_to_date(&world).await, late, "the stream goes on");
    assert!(list_parked(&world.database).await.unwrap().is_empty());
    token.cancel();
    for worker in workers {
        worker.stopped().await;
    }
}

//! Hearing, over a connection of its own: a task and a channel for each subscription and tier.

use super::{
    Shared,
    link::{Link, LinkError, Pauses, within},
    topology::{self, Declaration, Names},
    wire::{Parcel, Sender, kind, read},
};
use crate::{InProcess, Retry, Run, stats::Counted};
use domain::{Lane, Partition, Tier};
use futures_util::{FutureExt, StreamExt, stream};
use lapin::{
    BasicProperties, Channel, Event,
    message::Delivery,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions},
    types::FieldTable,
};
use std::{collections::BTreeSet, convert::Infallible, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval},
};

/// How often a consumer makes sure that its queues and bindings stand.
const ASSURANCE: Duration = Duration::from_secs(10);
/// How many messages are acknowledged at once, at most.
const GROUP: usize = 16;

/// Which queues are consumed.
#[derive(Clone, Debug)]
pub(crate) enum Queues {
    /// Those of some lanes, shared by all who give the same name.
    Lanes(String, Vec<Lane>),
    /// One of a tier.
    Tier(String, Tier),
    /// Those of the retries due in some partitions.
    Due(BTreeSet<Partition>),
    /// That of the signals to this process: of calls, or all others.
    Signals { urgent: bool },
}

/// Whom the messages are handed to.
#[derive(Debug)]
pub(crate) enum Sink {
    Runs(Tier, mpsc::Sender<Arc<Run>>),
    Retries(mpsc::Sender<Retry>),
    Signals { urgent: bool, listeners: Arc<InProcess> },
}

/// The connection, when there is one.
pub(crate) type Links = watch::Sender<Option<Arc<Link>>>;

/// Keeps a connection, until it is dropped.
pub(crate) async fn keep_connected(shared: Arc<Shared>) {
    let (mut pauses, mut connected) = (Pauses::new(), false);
    loop {
        let Err(error) = connect_once(&shared, &mut connected).await;
        if let Some(link) = shared.links.send_replace(None) {
            link.cut();
        }
        shared.status.consuming.fall_by(&error);
        pauses.pause().await;
    }
}

async fn connect_once(shared: &Shared, connected: &mut bool) -> Result<Infallible, LinkError> {
    let link = Arc::new(Link::connect(&shared.address, &shared.connection_name("consuming")).await?);
    let mut events = link.events()?;
    shared.links.send_replace(Some(Arc::clone(&link)));
    if std::mem::replace(connected, true) {
        shared.counters().reconnections.one();
    }
    shared.status.consuming.rise();
    loop {
        match events.next().await {
            Some(Event::Error(error)) if !link.is_up() => return Err(error.into()),
            Some(_) => {}
            None => return Err(LinkError::Ended("the connection ended")),
        }
    }
}

/// Consumes until nobody wants it any more, over one connection after another.
pub(crate) async fn consume(shared: Arc<Shared>, queues: Queues, sink: Sink, bound: watch::Sender<bool>) {
    let mut links = shared.links.subscribe();
    let (mut pauses, mut told) = (Pauses::new(), String::new());
    let consuming = async {
        loop {
            let Ok(link) = links.wait_for(Option::is_some).await.map(|link| link.clone()) else { return };
            let Some(link) = link else { continue };
            let Err(error) = consume_over_one(&shared, &link, &queues, &sink, &bound).await;
            bound.send_replace(false);
            let why = error.to_string();
            // The connection's own failure is told by its own task.
            if link.is_up() && why != told {
                tracing::warn!(why, ?queues, "RabbitMQ does not let queues be consumed; trying on");
                told = why;
            }
            drop(link);
            pauses.pause().await;
        }
    };
    tokio::select! {
        () = sink.closed() => {}
        () = consuming => {}
    }
}

/// Consumes over one connection until something fails.
async fn consume_over_one(
    shared: &Shared,
    link: &Link,
    queues: &Queues,
    sink: &Sink,
    bound: &watch::Sender<bool>,
) -> Result<Infallible, LinkError> {
    let (names, declarations) = queues.declarations(shared);
    topology::ensure(link, &declarations, &shared.complaints).await?;
    let channel = link.channel().await?;
    within("set the prefetch", channel.basic_qos(queues.prefetch(), BasicQosOptions::default())).await?;
    let mut consumers = Vec::new();
    for name in names {
        let options = BasicConsumeOptions::default();
        let consumer = channel.basic_consume(name.into(), "".into(), options, FieldTable::default());
        let consumer = within("consume", consumer).await?;
        // A queue that is deleted ends its consumer: that one's end is an item.
        consumers.push(consumer.map(Some).chain(stream::iter([None])));
    }
    bound.send_replace(true);
    let mut assurance = interval(ASSURANCE);
    assurance.set_missed_tick_behavior(MissedTickBehavior::Delay);
    assurance.reset();
    let mut deliveries = stream::select_all(consumers);
    let mut acks = Acks::default();
    loop {
        let next = match deliveries.next().now_or_never() {
            Some(next) => next,
            None => {
                acks.flush(&channel).await?;
                tokio::select! {
                    next = deliveries.next() => next,
                    _ = assurance.tick() => {
                        topology::ensure(link, &declarations, &shared.complaints).await?;
                        continue;
                    }
                }
            }
        };
        let delivery = next.flatten().ok_or(LinkError::Ended("a queue was deleted"))??;
        let tag = delivery.delivery_tag;
        sink.take(shared, delivery).await;
        acks.done.insert(tag);
        if acks.done.len() >= GROUP {
            acks.flush(&channel).await?;
        }
    }
}

impl Queues {
    fn declarations(&self, shared: &Shared) -> (Vec<String>, Vec<Declaration>) {
        let names: &Names = shared.wire.names();
        let queues: Vec<_> = match self {
            Self::Lanes(consumer, lanes) => lanes.iter().map(|lane| names.lane(consumer, *lane)).collect(),
            Self::Tier(consumer, tier) => vec![names.tier(consumer, *tier, &shared.new_owner())],
            Self::Due(partitions) => partitions.iter().map(|partition| names.due(*partition)).collect(),
            Self::Signals { urgent } => vec![names.signals_to(*urgent, shared.wire.node(), &shared.new_owner())],
        };
        let exchanges = names.exchanges();
        let (names, queues): (Vec<_>, Vec<_>) = queues.into_iter().unzip();
        (names, exchanges.into_iter().chain(queues.into_iter().flatten()).collect())
    }

    /// How many messages of one queue may be here unacknowledged: as few as keep the line busy, for the rest stays
    /// bounded at RabbitMQ.
    const fn prefetch(&self) -> u16 {
        match self {
            Self::Lanes(..) | Self::Due(_) => 8,
            Self::Tier(..) | Self::Signals { .. } => 32,
        }
    }
}

impl Sink {
    /// Waits until nobody takes from it any more.
    async fn closed(&self) {
        match self {
            Self::Runs(_, runs) => runs.closed().await,
            Self::Retries(retries) => retries.closed().await,
            Self::Signals { .. } => std::future::pending().await,
        }
    }

    /// Hands a message on, if it is one for this process; waits until there is room.
    async fn take(&self, shared: &Shared, delivery: Delivery) {
        let counters = shared.counters();
        let counted = self.counted(shared);
        match shared.wire.sender(&delivery.properties) {
            Sender::Own if counted.is_some() => return counted.map_or((), |counted| counted.own.one()),
            Sender::Own | Sender::Peer => {}
            Sender::Foreign => return counters.foreign.one(),
            Sender::Nobody => return unreadable(shared, delivery, "it does not say who sent it".to_owned()),
        }
        let wanted = match self {
            Self::Runs(..) => kind::RUN,
            Self::Retries(_) => kind::RETRY,
            Self::Signals { .. } => kind::SIGNAL,
        };
        if delivery.properties.kind().as_ref().is_none_or(|kind| kind.as_str() != wanted) {
            return counters.foreign.one();
        }
        match self.hand(shared, &delivery.properties, &delivery.data).await {
            Ok(()) => counted.map_or((), |counted| counted.received.one()),
            Err(why) => unreadable(shared, delivery, why),
        }
    }

    /// Hands on what is in a body, or says what is wrong with it. Who has gone is handed nothing.
    async fn hand(&self, shared: &Shared, properties: &BasicProperties, body: &[u8]) -> Result<(), String> {
        match self {
            Self::Runs(_, runs) => drop(runs.send(Arc::new(shared.wire.run(body)?)).await),
            Self::Retries(retries) => drop(retries.send(read(body)?).await),
            Self::Signals { listeners, .. } => listeners.tell(&Arc::new(shared.wire.signal(properties, body)?)),
        }
        Ok(())
    }

    /// How this traffic is counted. Retries are none: a process hears its own, too.
    fn counted<'a>(&self, shared: &'a Shared) -> Option<&'a Counted> {
        match self {
            Self::Runs(tier, _) => Some(shared.counters().runs(*tier)),
            Self::Signals { urgent, .. } => Some(shared.counters().signals(*urgent)),
            Self::Retries(_) => None,
        }
    }
}

fn unreadable(shared: &Shared, delivery: Delivery, why: String) {
    shared.counters().unreadable.one();
    tracing::warn!(why, key = delivery.routing_key.as_str(), "an unreadable message goes to the dead letters");
    shared.outbox.put(Parcel::Unreadable(delivery.data, why), shared);
}

/// Deliveries that are dealt with and not yet acknowledged. Several consumers of one channel may deal with theirs out
/// of order, and an acknowledgement covers all before it.
#[derive(Debug, Default)]
struct Acks {
    acked: u64,
    done: BTreeSet<u64>,
}

impl Acks {
    async fn flush(&mut self, channel: &Channel) -> Result<(), LinkError> {
        let before = self.acked;
        while self.done.first() == Some(&(self.acked + 1)) {
            self.done.pop_first();
            self.acked += 1;
        }
        if self.acked > before {
            let ack = channel.basic_ack(self.acked, BasicAckOptions { multiple: true });
            within("acknowledge", ack).await?;
        }
        Ok(())
    }
}

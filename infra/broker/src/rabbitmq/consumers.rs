//! Consumes over a connection of its own, with a task and a channel for each subscription and tier.

use super::{
    link::{Link, LinkError, Pauses, within},
    shared::Shared,
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

/// How often a consumer declares its queues and bindings again.
const REDECLARE: Duration = Duration::from_secs(10);
/// The most messages of one acknowledgement.
const GROUP: usize = 16;

/// The queues of a subscription.
#[derive(Clone, Debug)]
pub(crate) enum Queues {
    /// Those of some lanes, shared by all subscribers with the same name.
    Lanes(String, Vec<Lane>),
    /// That of a tier, for this process.
    Tier(Tier),
    /// Those of the due retries of some partitions.
    Due(BTreeSet<Partition>),
    /// That of the signals to this process: those of calls, or all others.
    Signals { urgent: bool },
}

/// The receiver of the messages.
#[derive(Clone, Debug)]
pub(crate) enum Sink {
    Runs(Tier, mpsc::Sender<Arc<Run>>),
    /// All subscribers of whole tiers.
    Tier(Tier, Arc<InProcess>),
    Retries(mpsc::Sender<Retry>),
    Signals {
        urgent: bool,
        listeners: Arc<InProcess>,
    },
}

/// Keeps a connection open until it is dropped.
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

/// Consumes until the sink is closed, over one connection after another.
pub(crate) async fn consume(shared: Arc<Shared>, queues: Queues, sink: Sink, bound: watch::Sender<bool>) {
    // It may be true from before a panic.
    bound.send_replace(false);
    let mut links = shared.links.subscribe();
    let (mut pauses, mut warned) = (Pauses::new(), String::new());
    let consuming = async {
        loop {
            let Ok(link) = links.wait_for(Option::is_some).await.map(|link| link.clone()) else { return };
            let Some(link) = link else { continue };
            let Err(error) = consume_over_one(&shared, &link, &queues, &sink, &bound).await;
            bound.send_replace(false);
            let why = error.to_string();
            // The connection's task logs failures of the connection itself.
            if link.is_up() && why != warned {
                tracing::warn!(why, ?queues, "Failed to consume queues of RabbitMQ; trying again");
                warned = why;
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

/// Consumes over one connection until an error.
async fn consume_over_one(
    shared: &Shared,
    link: &Link,
    queues: &Queues,
    sink: &Sink,
    bound: &watch::Sender<bool>,
) -> Result<Infallible, LinkError> {
    let (names, declarations) = queues.declarations(shared);
    topology::ensure(link, &declarations, &shared.warnings).await?;
    let channel = link.channel().await?;
    within("set the prefetch", channel.basic_qos(queues.prefetch(), BasicQosOptions::default())).await?;
    let mut consumers = Vec::new();
    for name in names {
        let options = BasicConsumeOptions::default();
        let consumer = channel.basic_consume(name.into(), "".into(), options, FieldTable::default());
        let consumer = within("consume", consumer).await?;
        // The end of a consumer, whose queue was deleted, becomes an item.
        consumers.push(consumer.map(Some).chain(stream::iter([None])));
    }
    bound.send_replace(true);
    let mut redeclare = interval(REDECLARE);
    redeclare.set_missed_tick_behavior(MissedTickBehavior::Delay);
    redeclare.reset();
    let mut deliveries = stream::select_all(consumers);
    let mut acks = Acks::default();
    loop {
        let next = match deliveries.next().now_or_never() {
            Some(next) => next,
            None => {
                acks.flush(&channel).await?;
                tokio::select! {
                    next = deliveries.next() => next,
                    _ = redeclare.tick() => {
                        topology::ensure(link, &declarations, &shared.warnings).await?;
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
    /// The name of the task that consumes them.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Lanes(consumer, lanes) => {
                format!("{consumer}.{}", lanes.first().map_or(Tier::High, |lane| lane.tier).as_str())
            }
            Self::Tier(tier) => format!("node.{}", tier.as_str()),
            Self::Due(_) => "retries".to_owned(),
            Self::Signals { urgent: true } => "signals.urgent".to_owned(),
            Self::Signals { urgent: false } => "signals".to_owned(),
        }
    }

    fn declarations(&self, shared: &Shared) -> (Vec<String>, Vec<Declaration>) {
        let names: &Names = shared.wire.names();
        let queues: Vec<_> = match self {
            Self::Lanes(consumer, lanes) => lanes.iter().map(|lane| names.lane(consumer, *lane)).collect(),
            Self::Tier(tier) => vec![names.tier(*tier, &shared.new_owner())],
            Self::Due(partitions) => partitions.iter().map(|partition| names.due(*partition)).collect(),
            Self::Signals { urgent } => vec![names.signals_to(*urgent, shared.wire.node(), &shared.new_owner())],
        };
        let exchanges = names.exchanges();
        let (names, queues): (Vec<_>, Vec<_>) = queues.into_iter().unzip();
        (names, exchanges.into_iter().chain(queues.into_iter().flatten()).collect())
    }

    /// The most unacknowledged messages of a queue: as few as keep the connection busy, since the rest is bounded at
    /// RabbitMQ.
    const fn prefetch(&self) -> u16 {
        match self {
            Self::Lanes(..) | Self::Due(_) => 8,
            Self::Tier(_) | Self::Signals { .. } => 32,
        }
    }
}

impl Sink {
    /// Waits until the receiving end is closed.
    async fn closed(&self) {
        match self {
            Self::Runs(_, runs) => runs.closed().await,
            Self::Retries(retries) => retries.closed().await,
            Self::Tier(..) | Self::Signals { .. } => std::future::pending().await,
        }
    }

    /// Hands a message on, if it is for this process; waits for room.
    async fn take(&self, shared: &Shared, delivery: Delivery) {
        let counters = shared.counters();
        let counted = self.counted(shared);
        match shared.wire.sender(&delivery.properties) {
            Sender::Own if counted.is_some() => return counted.map_or((), |counted| counted.own.one()),
            Sender::Own | Sender::Peer => {}
            Sender::Foreign => return counters.foreign.one(),
            Sender::Unknown => return unreadable(shared, delivery, "it does not name its sender".to_owned()),
        }
        let wanted = match self {
            Self::Runs(..) | Self::Tier(..) => kind::RUN,
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

    /// Decodes a body and hands its content on; a closed receiver is ignored.
    async fn hand(&self, shared: &Shared, properties: &BasicProperties, body: &[u8]) -> Result<(), String> {
        match self {
            Self::Runs(_, runs) => drop(runs.send(Arc::new(shared.wire.run(body)?)).await),
            Self::Tier(_, subscribers) => subscribers.hand_of_peer(&Arc::new(shared.wire.run(body)?)),
            Self::Retries(retries) => drop(retries.send(read(body)?).await),
            Self::Signals { listeners, .. } => listeners.deliver(&Arc::new(shared.wire.signal(properties, body)?)),
        }
        Ok(())
    }

    /// The counters of this traffic; `None` for retries, of which a process receives its own, too.
    fn counted<'a>(&self, shared: &'a Shared) -> Option<&'a Counted> {
        match self {
            Self::Runs(tier, _) | Self::Tier(tier, _) => Some(shared.counters().runs(*tier)),
            Self::Signals { urgent, .. } => Some(shared.counters().signals(*urgent)),
            Self::Retries(_) => None,
        }
    }
}

fn unreadable(shared: &Shared, delivery: Delivery, why: String) {
    shared.counters().unreadable.one();
    tracing::warn!(
        why,
        key = delivery.routing_key.as_str(),
        "Received an unreadable message; it becomes a dead letter"
    );
    shared.put(Parcel::Unreadable(delivery.data, why));
}

/// Processed deliveries without an acknowledgement yet. Consumers of one channel may finish out of order, and an
/// acknowledgement covers all deliveries before it.
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

//! Sending, over a connection of its own: a channel for each kind of message, so that none waits behind another kind.

use super::{
    Shared,
    link::{Link, LinkError, PATIENCE, Pauses, within},
    topology,
    wire::{Message, Parcel},
};
use crate::stats::{Counted, Counters};
use domain::Tier;
use futures_util::{
    Stream, StreamExt,
    future::{BoxFuture, select_all},
    poll,
};
use lapin::{
    Channel, Confirmation, Event,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use std::{collections::VecDeque, convert::Infallible, sync::Arc, task::Poll, time::Duration};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout_at},
};

/// How many messages of a kind may be on their way unconfirmed.
const WINDOW: usize = 128;
/// How many retries, and how many dead letters, may wait to be sent.
const LETTERS: usize = 1_024;
/// How many signals of calls may, at least.
const CALLS: usize = 4_096;
/// The largest body sent, in bytes: RabbitMQ 4 refuses more than 16 MiB by closing the channel.
const LARGEST: usize = 8 << 20;
/// How often a publisher makes sure that what nobody consumes stands. A queue that is not used expires otherwise.
const ASSURANCE: Duration = Duration::from_secs(60);

/// The kinds of messages, urgent ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    High,
    Calls,
    Retry,
    Letter,
    Medium,
    Low,
}

/// Where messages are put in to be sent, by kind.
#[derive(Debug)]
pub(crate) struct Outbox([mpsc::Sender<Parcel>; 6]);

/// Where they come out.
#[derive(Debug)]
pub(crate) struct Parcels([mpsc::Receiver<Parcel>; 6]);

/// Messages on their way, oldest first. Those still there when it is dropped were not confirmed.
struct Flying<'a> {
    kind: Kind,
    shared: &'a Shared,
    sent: VecDeque<(BoxFuture<'static, lapin::Result<Confirmation>>, Instant)>,
}

impl Kind {
    const ALL: [Self; 6] = [Self::High, Self::Calls, Self::Retry, Self::Letter, Self::Medium, Self::Low];

    fn of(parcel: &Parcel) -> Self {
        match parcel {
            Parcel::Run(run) if run.lane.tier == Tier::High => Self::High,
            Parcel::Run(_) => Self::Medium,
            Parcel::Signal(signal, _) if signal.is_urgent() => Self::Calls,
            Parcel::Signal(..) => Self::Low,
            Parcel::Retry(..) => Self::Retry,
            Parcel::Letter(_) | Parcel::Unreadable(..) => Self::Letter,
        }
    }

    /// `None`: not traffic between processes.
    const fn counted(self, counters: &Counters) -> Option<&Counted> {
        match self {
            Self::High => Some(&counters.high),
            Self::Medium => Some(&counters.medium),
            Self::Calls => Some(&counters.calls),
            Self::Low => Some(&counters.low),
            Self::Retry | Self::Letter => None,
        }
    }

    /// It was not handed to RabbitMQ.
    fn is_unsent(self, counters: &Counters) {
        match self.counted(counters) {
            Some(counted) => counted.unsent.one(),
            None => self.is_lost(counters),
        }
    }

    /// RabbitMQ did not confirm it.
    fn is_unconfirmed(self, counters: &Counters) {
        match self.counted(counters) {
            Some(counted) => counted.unconfirmed.one(),
            None => self.is_lost(counters),
        }
    }

    fn is_lost(self, counters: &Counters) {
        // A lost retry is found by whoever looks at the parked events.
        if self == Self::Letter {
            counters.undelivered.one();
            tracing::warn!("a dead letter did not reach RabbitMQ; the event stays among the parked ones");
        }
    }
}

impl Outbox {
    /// An outbox for so many runs of each tier, and ordinary signals.
    pub(crate) fn new(capacity: usize) -> (Self, Parcels) {
        let room = |kind| match kind {
            Kind::High | Kind::Medium | Kind::Low => capacity.max(1),
            Kind::Calls => capacity.max(CALLS),
            Kind::Retry | Kind::Letter => LETTERS,
        };
        let [a, b, c, d, e, f] = Kind::ALL.map(|kind| mpsc::channel(room(kind)));
        (Self([a.0, b.0, c.0, d.0, e.0, f.0]), Parcels([a.1, b.1, c.1, d.1, e.1, f.1]))
    }

    /// Puts it in, if RabbitMQ is there and there is room; else counts it. Whether it did.
    pub(crate) fn put(&self, parcel: Parcel, shared: &Shared) -> bool {
        let kind = Kind::of(&parcel);
        let put = shared.status.publishing.is_up() && self.0[kind as usize].try_send(parcel).is_ok();
        if !put {
            kind.is_unsent(shared.counters());
        }
        put
    }
}

/// Sends until it is dropped, over one connection after another.
pub(crate) async fn publish(shared: Arc<Shared>, mut parcels: Parcels) {
    let (mut pauses, mut connected) = (Pauses::new(), false);
    loop {
        let Err(error) = publish_over_one(&shared, &mut parcels, &mut connected).await;
        shared.status.publishing.fall_by(&error);
        for parcels in &mut parcels.0 {
            while let Ok(parcel) = parcels.try_recv() {
                Kind::of(&parcel).is_unsent(shared.counters());
            }
        }
        pauses.pause().await;
    }
}

/// Sends over one connection until it fails.
async fn publish_over_one(
    shared: &Shared,
    parcels: &mut Parcels,
    connected: &mut bool,
) -> Result<Infallible, LinkError> {
    let link = Link::connect(&shared.address, &shared.connection_name("publishing")).await?;
    let events = link.events()?;
    assure(shared, &link).await?;
    let mut channels = Vec::new();
    for _ in Kind::ALL {
        let channel = link.channel().await?;
        within("select confirms", channel.confirm_select(ConfirmSelectOptions::default())).await?;
        channels.push(channel);
    }
    if std::mem::replace(connected, true) {
        shared.counters().reconnections.one();
    }
    shared.status.publishing.rise();
    let lanes = Kind::ALL.into_iter().zip(&channels).zip(&mut parcels.0);
    let sending = lanes.map(|((kind, channel), parcels)| Box::pin(send(shared, kind, channel, parcels)));
    let failed = tokio::select! {
        biased;
        failed = watch(shared, &link, events) => failed,
        failed = assure_often(shared, &link) => failed,
        (failed, ..) = select_all(sending) => failed,
    };
    link.cut();
    failed
}

async fn assure(shared: &Shared, link: &Link) -> Result<(), LinkError> {
    let declarations = shared.wire.names().for_publishing();
    topology::ensure(link, &declarations, &shared.complaints).await
}

async fn assure_often(shared: &Shared, link: &Link) -> Result<Infallible, LinkError> {
    loop {
        sleep(ASSURANCE).await;
        if shared.status.publishing.is_up() {
            assure(shared, link).await?;
        }
    }
}

/// Sends the messages of one kind until something fails.
async fn send(
    shared: &Shared,
    kind: Kind,
    channel: &Channel,
    parcels: &mut mpsc::Receiver<Parcel>,
) -> Result<Infallible, LinkError> {
    let mut flying = Flying { kind, shared, sent: VecDeque::new() };
    loop {
        let has_room = flying.sent.len() < WINDOW;
        tokio::select! {
            biased;
            confirmation = flying.next() => {
                let confirmation = confirmation?;
                flying.sent.pop_front();
                flying.settle(confirmation)?;
            }
            Some(parcel) = parcels.recv(), if has_room => {
                let message = match shared.wire.message(&parcel) {
                    Ok(Some(message)) if message.body.len() <= LARGEST => message,
                    // It has expired, or RabbitMQ might refuse it.
                    Ok(_) => {
                        kind.is_unsent(shared.counters());
                        continue;
                    }
                    Err(error) => {
                        tracing::error!(%error, "a message cannot be written as JSON");
                        kind.is_unsent(shared.counters());
                        continue;
                    }
                };
                flying.send(channel, message).await?;
            }
        }
    }
}

impl Flying<'_> {
    /// Hands a message to the connection, without waiting for anything.
    async fn send(&mut self, channel: &Channel, message: Message) -> Result<(), LinkError> {
        let channel = channel.clone();
        let mut answer: BoxFuture<_> = Box::pin(async move {
            let Message { exchange, key, mandatory, properties, body } = message;
            let options = BasicPublishOptions { mandatory, immediate: false };
            channel.basic_publish(exchange.into(), key.into(), options, &body, properties).await?.await
        });
        // It is on its way once it was polled.
        match poll!(&mut answer) {
            Poll::Pending => self.sent.push_back((answer, Instant::now() + PATIENCE)),
            Poll::Ready(Ok(confirmation)) => self.settle(confirmation)?,
            Poll::Ready(Err(error)) => {
                self.kind.is_unconfirmed(self.shared.counters());
                return Err(error.into());
            }
        }
        Ok(())
    }

    /// The answer to the oldest; never comes when there is none. Cancel-safe. While RabbitMQ blocks it may take any
    /// time: it is known to be away, and the connection's heartbeat tells whether it still lives.
    async fn next(&mut self) -> Result<Confirmation, LinkError> {
        let Some((answer, due)) = self.sent.front_mut() else { return std::future::pending().await };
        loop {
            match timeout_at(*due, &mut *answer).await {
                Ok(answer) => return Ok(answer?),
                Err(_) if self.shared.status.publishing.is_up() => return Err(LinkError::TimedOut("publish")),
                Err(_) => *due = Instant::now() + PATIENCE,
            }
        }
    }

    /// Counts what RabbitMQ says of a message.
    fn settle(&self, confirmation: Confirmation) -> Result<(), LinkError> {
        let returned = match confirmation {
            Confirmation::Ack(returned) => returned.is_some(),
            Confirmation::Nack(_) | Confirmation::NotRequested => {
                self.kind.is_unconfirmed(self.shared.counters());
                return Ok(());
            }
        };
        match self.kind.counted(self.shared.counters()) {
            Some(counted) => {
                counted.confirmed.one();
                counted.returned.add(returned.into());
            }
            None if returned => {
                self.kind.is_lost(self.shared.counters());
                return Err(LinkError::Ended("its queues of retries or dead letters are gone"));
            }
            None => {}
        }
        Ok(())
    }
}

impl Drop for Flying<'_> {
    fn drop(&mut self) {
        for _ in &self.sent {
            self.kind.is_unconfirmed(self.shared.counters());
        }
    }
}

/// Waits until the connection fails. Notes meanwhile whether RabbitMQ lets anything through: when it is short of
/// memory or disk it blocks whoever publishes.
async fn watch(
    shared: &Shared,
    link: &Link,
    mut events: impl Stream<Item = Event> + Unpin,
) -> Result<Infallible, LinkError> {
    loop {
        match events.next().await {
            Some(Event::ConnectionBlocked(why)) => shared.status.publishing.fall(&format!("RabbitMQ blocks: {why}")),
            Some(Event::ConnectionUnblocked) => shared.status.publishing.rise(),
            Some(Event::Error(error)) if !link.is_up() => return Err(error.into()),
            Some(_) => {}
            None => return Err(LinkError::Ended("the connection ended")),
        }
    }
}

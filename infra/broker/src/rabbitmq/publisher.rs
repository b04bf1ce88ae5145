//! Publishes over a connection of its own, with a channel for each kind of message, so that no kind waits for another.

use super::{
    link::{Link, LinkError, PATIENCE, Pauses, within},
    outbox::{Kind, Parcels},
    shared::Shared,
    topology,
    wire::{Message, Parcel},
};
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
    sync::{Mutex, mpsc},
    time::{Instant, sleep, timeout_at},
};

/// The most unconfirmed messages of a kind.
const WINDOW: usize = 128;
/// The largest body, in bytes: RabbitMQ 4 closes the channel at more than 16 MiB.
const LARGEST: usize = 8 << 20;
/// How often the publisher declares the queues without a consumer again. A queue that is not used expires otherwise.
const REDECLARE: Duration = Duration::from_secs(60);

/// Messages without a confirmation yet, oldest first. Those left when it is dropped count as unconfirmed.
struct InFlight<'a> {
    kind: Kind,
    shared: &'a Shared,
    sent: VecDeque<(BoxFuture<'static, lapin::Result<Confirmation>>, Instant)>,
}

/// Publishes until it is dropped, over one connection after another.
pub(crate) async fn publish(shared: Arc<Shared>, parcels: Arc<Mutex<Parcels>>) {
    let mut parcels = parcels.lock().await;
    let (mut pauses, mut connected) = (Pauses::new(), false);
    loop {
        let Err(error) = publish_over_one(&shared, &mut parcels, &mut connected).await;
        shared.status.publishing.fall_by(&error);
        for parcels in &mut parcels.0 {
            while let Ok(parcel) = parcels.try_recv() {
                Kind::of(&parcel).count_unsent(shared.counters());
            }
        }
        pauses.pause().await;
    }
}

/// Publishes over one connection until it fails.
async fn publish_over_one(
    shared: &Shared,
    parcels: &mut Parcels,
    connected: &mut bool,
) -> Result<Infallible, LinkError> {
    let link = Link::connect(&shared.address, &shared.connection_name("publishing")).await?;
    let events = link.events()?;
    declare(shared, &link).await?;
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
        failed = redeclare(shared, &link) => failed,
        (failed, ..) = select_all(sending) => failed,
    };
    link.cut();
    failed
}

async fn declare(shared: &Shared, link: &Link) -> Result<(), LinkError> {
    let declarations = shared.wire.names().for_publishing();
    topology::ensure(link, &declarations, &shared.warnings).await
}

async fn redeclare(shared: &Shared, link: &Link) -> Result<Infallible, LinkError> {
    loop {
        sleep(REDECLARE).await;
        if shared.status.publishing.is_up() {
            declare(shared, link).await?;
        }
    }
}

/// Publishes the messages of one kind until an error.
async fn send(
    shared: &Shared,
    kind: Kind,
    channel: &Channel,
    parcels: &mut mpsc::Receiver<Parcel>,
) -> Result<Infallible, LinkError> {
    let mut in_flight = InFlight { kind, shared, sent: VecDeque::new() };
    loop {
        let has_room = in_flight.sent.len() < WINDOW;
        tokio::select! {
            biased;
            confirmation = in_flight.next() => {
                let confirmation = confirmation?;
                in_flight.sent.pop_front();
                in_flight.settle(confirmation)?;
            }
            Some(parcel) = parcels.recv(), if has_room => {
                let message = match shared.wire.message(&parcel) {
                    Ok(Some(message)) if message.body.len() <= LARGEST => message,
                    // It has expired, or is too large.
                    Ok(_) => {
                        kind.count_unsent(shared.counters());
                        continue;
                    }
                    Err(error) => {
                        tracing::error!(%error, "Failed to encode a message as JSON");
                        kind.count_unsent(shared.counters());
                        continue;
                    }
                };
                in_flight.send(channel, message).await?;
            }
        }
    }
}

impl InFlight<'_> {
    /// Hands a message to the connection without waiting.
    async fn send(&mut self, channel: &Channel, message: Message) -> Result<(), LinkError> {
        let channel = channel.clone();
        let mut answer: BoxFuture<_> = Box::pin(async move {
            let Message { exchange, key, mandatory, properties, body } = message;
            let options = BasicPublishOptions { mandatory, immediate: false };
            channel.basic_publish(exchange.into(), key.into(), options, &body, properties).await?.await
        });
        // The first poll sends it.
        match poll!(&mut answer) {
            Poll::Pending => self.sent.push_back((answer, Instant::now() + PATIENCE)),
            Poll::Ready(Ok(confirmation)) => self.settle(confirmation)?,
            Poll::Ready(Err(error)) => {
                self.kind.count_unconfirmed(self.shared.counters());
                return Err(error.into());
            }
        }
        Ok(())
    }

    /// The confirmation of the oldest message; pending forever without messages. Cancel-safe. While RabbitMQ blocks
    /// publishers it may take any time: RabbitMQ counts as unavailable then, and heartbeats check the connection.
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

    /// Counts the confirmation of a message.
    fn settle(&self, confirmation: Confirmation) -> Result<(), LinkError> {
        let returned = match confirmation {
            Confirmation::Ack(returned) => returned.is_some(),
            Confirmation::Nack(_) | Confirmation::NotRequested => {
                self.kind.count_unconfirmed(self.shared.counters());
                return Ok(());
            }
        };
        match self.kind.counted(self.shared.counters()) {
            Some(counted) => {
                counted.confirmed.one();
                counted.returned.add(returned.into());
            }
            None if returned => {
                self.kind.count_lost(self.shared.counters());
                return Err(LinkError::Ended("the queues of retries or dead letters were deleted"));
            }
            None => {}
        }
        Ok(())
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        for _ in &self.sent {
            self.kind.count_unconfirmed(self.shared.counters());
        }
    }
}

/// Waits until the connection fails, and notes whether RabbitMQ blocks publishers, which it does when it is short of memory or
/// disk.
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

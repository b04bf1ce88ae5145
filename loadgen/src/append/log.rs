//! Our log under load: many commands in flight, each a message of its own.

use super::Turn;
use anyhow::{Context, Result};
use domain::{
    ConversationId, Personal, Tier, Timestamp, UserId,
    message::{MessageContent, MessageEvent, MessageType},
    text::MessageBody,
};
use event_store::{
    Append, CommandKey, CommittedBatch, EventStore, Keys, NewEvent, Origin, Record, Retention, Secret, Selection,
    Settings, StreamId,
};
use sql::Location;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{sync::mpsc, task::JoinSet};
use uuid::Uuid;

const ROOMS: usize = 20;
const SENDERS: usize = 200;

/// An open log, and who writes to it.
pub(crate) struct Log {
    store: EventStore,
    rooms: Vec<ConversationId>,
    senders: Vec<UserId>,
    body: MessageBody,
    batches: Arc<Batches>,
    mean: usize,
}

/// What the writer committed since somebody last looked.
#[derive(Default)]
struct Batches {
    count: AtomicUsize,
    events: AtomicUsize,
}

impl Log {
    /// A fresh log at a place.
    pub(crate) async fn open(location: Location, content: usize) -> Result<Self> {
        let keys = Keys { master: [7; 32] };
        let settings = Settings { location, connections: 4, partitions: 16, keys, clock };
        let (store, committed) = EventStore::open(settings).await?;
        let batches = Arc::default();
        tokio::spawn(count(committed, Arc::clone(&batches)));
        let rooms = (0..ROOMS).map(|_| ConversationId(new_id())).collect();
        let senders: Vec<_> = (0..SENDERS).map(|_| UserId(new_id())).collect();
        for subject in &senders {
            let mut append = command(*subject, new_id());
            append.secrets.push(Secret::DataKey { subject: subject.0 });
            store.append(append).await?;
        }
        let body = MessageBody::parse(&"x".repeat(content))?;
        Ok(Self { store, rooms, senders, body, batches, mean: 1 })
    }

    /// What is stored of a message.
    pub(crate) async fn sample(&self) -> Result<Record> {
        self.store.append(self.message(0)).await?;
        let page = self.store.read_after(0, &Selection::All, 1).await?;
        Ok(page.first().context("the log is empty")?.record.clone())
    }

    /// How many events the batches of the last turn had.
    pub(crate) const fn mean_batch(&self) -> usize {
        self.mean
    }

    /// Keeps so many commands in flight for a while.
    pub(crate) async fn turn(&mut self, in_flight: usize, lasts: Duration) -> Result<Turn> {
        self.batches.take();
        let begun = Instant::now();
        let mut senders = JoinSet::new();
        for number in 0..in_flight {
            let log = self.share();
            senders.spawn(async move {
                let mut times = Vec::new();
                while begun.elapsed() < lasts {
                    let append = log.message(number);
                    let since = Instant::now();
                    log.store.append(append).await?;
                    times.push(since.elapsed());
                }
                anyhow::Ok(times)
            });
        }
        let mut times = Vec::new();
        while let Some(sent) = senders.join_next().await {
            times.extend(sent??);
        }
        let rate = times.len() as f64 / begun.elapsed().as_secs_f64();
        self.mean = self.batches.take();
        Ok(Turn { rate, times })
    }

    fn share(&self) -> Self {
        Self {
            store: self.store.clone(),
            rooms: self.rooms.clone(),
            senders: self.senders.clone(),
            body: self.body.clone(),
            batches: Arc::clone(&self.batches),
            mean: self.mean,
        }
    }

    fn message(&self, number: usize) -> Append {
        let sender = self.senders[number % self.senders.len()];
        let id = new_id();
        let mut append = command(sender, id);
        let content = MessageContent { body: self.body.clone(), attachments: Vec::new() };
        let sent = MessageEvent::Sent {
            conversation: self.rooms[number % self.rooms.len()],
            sender,
            message_type: MessageType::Text,
            content: Personal::new(sender, content),
            reply_to: None,
            mentions: Vec::new(),
        };
        let stream = StreamId::new(domain::AggregateType::Message, id);
        append.events.push(NewEvent { stream, sequence: 1, event: sent.into() });
        append
    }
}

impl Batches {
    /// The mean since the last call.
    fn take(&self) -> usize {
        let (events, count) = (self.events.swap(0, Ordering::Relaxed), self.count.swap(0, Ordering::Relaxed));
        (events / count.max(1)).max(1)
    }
}

async fn count(mut committed: mpsc::Receiver<Arc<CommittedBatch>>, batches: Arc<Batches>) {
    while let Some(batch) = committed.recv().await {
        batches.count.fetch_add(1, Ordering::Relaxed);
        batches.events.fetch_add(batch.events.len(), Ordering::Relaxed);
    }
}

pub(crate) fn command(actor: UserId, key: Uuid) -> Append {
    Append {
        origin: Origin { actor: Some(actor.0), correlation_id: Some(key), causation_id: None },
        key: CommandKey { owner: actor.to_string(), key: key.to_string() },
        request_hash: [1; 32],
        retention: Retention::Week,
        tier: Tier::High,
        guards: Vec::new(),
        claims: Vec::new(),
        secrets: Vec::new(),
        events: Vec::new(),
    }
}

#[expect(clippy::disallowed_methods, reason = "this program is its own composition root")]
pub(crate) fn clock() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[expect(clippy::disallowed_methods, reason = "this program is its own composition root")]
pub(crate) fn new_id() -> Uuid {
    Uuid::now_v7()
}

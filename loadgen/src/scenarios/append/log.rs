//! The log under load: many commands in flight, one message each.

use super::Turn;
use crate::{text::Content, traffic::command};
use anyhow::{Context, Result};
use domain::{
    ConversationId, Personal, UserId,
    message::{MessageContent, MessageEvent, MessageType},
    text::MessageBody,
};
use event_store::{Append, CommittedBatch, EventStore, Keys, NewEvent, Record, Secret, Selection, Settings, StreamId};
use sql::Location;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{sync::mpsc, task::JoinSet};

const ROOMS: usize = 20;
const SENDERS: usize = 200;
/// Different texts.
const BODIES: usize = 1_000;

#[derive(Clone)]
pub(crate) struct Log {
    store: EventStore,
    rooms: Vec<ConversationId>,
    senders: Vec<UserId>,
    bodies: Arc<[MessageBody]>,
    batches: Arc<Batches>,
    mean: usize,
}

#[derive(Default)]
struct Batches {
    count: AtomicUsize,
    events: AtomicUsize,
}

impl Log {
    /// Opens an empty log.
    pub(crate) async fn open(location: Location, content: Content) -> Result<Self> {
        let keys = Keys { master: [7; 32] };
        let settings = Settings { location, connections: 4, partitions: 16, keys, clock: clock::now };
        let (store, committed) = EventStore::open(settings).await?;
        let batches = Arc::default();
        tokio::spawn(count(committed, Arc::clone(&batches)));
        let rooms = (0..ROOMS).map(|_| ConversationId(clock::new_id())).collect();
        let senders: Vec<_> = (0..SENDERS).map(|_| UserId(clock::new_id())).collect();
        for subject in &senders {
            let mut append = command(*subject, clock::new_id());
            append.secrets.push(Secret::DataKey { subject: subject.0 });
            store.append(append).await?;
        }
        let bodies = (0..BODIES).map(|number| MessageBody::parse(&content.text(number, 0)));
        let bodies = bodies.collect::<Result<_, _>>()?;
        Ok(Self { store, rooms, senders, bodies, batches, mean: 1 })
    }

    pub(crate) async fn sample(&self) -> Result<Record> {
        self.store.append(self.message(0)).await?;
        let page = self.store.read_after(0, &Selection::All, 1).await?;
        Ok(page.first().context("the log is empty")?.record.clone())
    }

    /// Mean number of events per batch in the last turn.
    pub(crate) const fn mean_batch(&self) -> usize {
        self.mean
    }

    /// Keeps so many commands in flight for a time.
    pub(crate) async fn turn(&mut self, in_flight: usize, lasts: Duration) -> Result<Turn> {
        self.batches.take();
        let begun = Instant::now();
        let mut senders = JoinSet::new();
        for number in 0..in_flight {
            let log = self.clone();
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

    fn message(&self, number: usize) -> Append {
        let sender = self.senders[number % self.senders.len()];
        let id = clock::new_id();
        let mut append = command(sender, id);
        // The end of the id is random.
        let body = self.bodies[id.as_u128() as usize % self.bodies.len()].clone();
        let content = MessageContent { body, attachments: Vec::new() };
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

//! The only task of this process that appends: takes the commands in flight, commits them, publishes and answers them.

use crate::{
    AppendError, CommittedBatch, Heads, Linked, Position, Receipt, Record, RecordedEvent,
    batch::{Intake, Queued, Reply},
    digest::event_digest,
    engine::{Appender, Fault, Outcome, Verdict},
    prepare::Prepared,
};
use metrics::{counter, histogram};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};
use traces::TraceContext;
use tracing::Span;

/// How long a batch with an unknown outcome is retried before its commands fail with `Unavailable`.
const RETRY_FOR: Duration = Duration::from_secs(10);
/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(100);

pub(crate) struct Writer {
    pub(crate) intake: Intake,
    pub(crate) appender: Appender,
    pub(crate) committed: mpsc::Sender<Arc<CommittedBatch>>,
    /// The number of batches dropped because the receiver was full.
    pub(crate) dropped: Arc<AtomicU64>,
    /// Since when the current batch has been committing.
    pub(crate) committing: watch::Sender<Option<Instant>>,
}

impl Writer {
    /// Runs until every handle of the store is dropped.
    pub(crate) async fn run(mut self) {
        while let Some(batch) = self.intake.next().await {
            let began = Instant::now();
            self.committing.send_replace(Some(began));
            let waited = histogram!("chatchit_append_queue_seconds");
            batch.iter().for_each(|queued| waited.record(began.duration_since(queued.since)));
            histogram!("chatchit_append_batch_size").record(f64::from(u32::try_from(batch.len()).unwrap_or(u32::MAX)));
            let spans = commit_spans(&batch);
            self.commit(batch).await;
            drop(spans);
            histogram!("chatchit_append_commit_seconds").record(began.elapsed());
            self.committing.send_replace(None);
        }
    }

    async fn commit(&mut self, batch: Vec<Queued>) {
        match self.outcome(&batch).await {
            Ok((outcome, is_again)) => self.settle(batch, outcome, is_again),
            Err(Fault::Unavailable(error)) => {
                tracing::error!(batch.commands = batch.len(), %error, "The event store is unavailable; refusing commands");
                counter!("chatchit_append_commands_total", "outcome" => "unavailable").increment(batch.len() as u64);
                let why = error.to_string();
                for queued in batch {
                    let _ = queued.reply.send(Err(AppendError::Unavailable(why.clone())));
                }
            }
            Err(Fault::Refused(error)) => self.commit_one_by_one(batch, &error).await,
        }
    }

    /// Retries the commands of a refused statement one by one, so that only the faulty one fails.
    async fn commit_one_by_one(&mut self, batch: Vec<Queued>, refused: &sql::Error) {
        let alone = batch.len() == 1;
        for queued in batch {
            if alone {
                tracing::error!(error = %refused, "The event store refuses a command");
                let _ = queued.reply.send(Err(AppendError::Broken(refused.to_string())));
            } else {
                Box::pin(self.commit(vec![queued])).await;
            }
        }
    }

    /// Runs the batch until its outcome is known; also returns whether it was run again. Running it again is safe: committed
    /// commands are recognised by their keys.
    async fn outcome(&mut self, batch: &[Queued]) -> Result<(Outcome, bool), Fault> {
        let commands: Vec<&Prepared> = batch.iter().map(|queued| &queued.prepared).collect();
        let oldest = batch.iter().map(|queued| queued.since).min().unwrap_or_else(Instant::now);
        let mut is_again = false;
        loop {
            match self.appender.run(&commands).await {
                // After a breaking migration by a newer build retries are useless here; the client may reach that build.
                Err(Fault::Unavailable(error)) if oldest.elapsed() < RETRY_FOR && !error.is_of_another_schema() => {
                    if !is_again {
                        tracing::warn!(batch.commands = commands.len(), %error, "The outcome of a batch is unknown; running it again");
                    }
                    is_again = true;
                    tokio::time::sleep(PAUSE).await;
                }
                outcome => return outcome.map(|outcome| (outcome, is_again)),
            }
        }
    }

    /// Publishes first and answers then, so that this process's consumers do not lag behind the answers.
    fn settle(&self, batch: Vec<Queued>, outcome: Outcome, is_again: bool) {
        let Outcome { mut position, mut heads, verdicts, scope_seqs } = outcome;
        let mut scope_seqs = scope_seqs.into_iter();
        let mut events = Vec::new();
        let mut replies = Vec::with_capacity(batch.len());
        for (queued, verdict) in batch.into_iter().zip(verdicts) {
            counter!("chatchit_append_commands_total", "outcome" => verdict.word()).increment(1);
            let answer = match verdict {
                Verdict::Appended => {
                    let first = events.len();
                    let trace = traces::context(&queued.span);
                    link(queued.prepared, trace, (&mut position, &mut heads), &mut scope_seqs, &mut events);
                    Ok(Reply::Appended(receipt(events.get(first..).unwrap_or_default())))
                }
                Verdict::Repeated(position) => Ok(Reply::Repeated(position)),
                Verdict::HasDataKey => Ok(Reply::HasDataKey),
                Verdict::Forgotten(subject) => Ok(Reply::Forgotten(subject)),
                Verdict::KeyReused => Err(AppendError::KeyReused),
                Verdict::Stale(stream) => Err(AppendError::Stale(stream)),
                Verdict::ClaimTaken(kind) => Err(AppendError::ClaimTaken(kind)),
                Verdict::TokenReplaced => Err(AppendError::TokenReplaced),
            };
            replies.push((queued.reply, answer));
        }
        counter!("chatchit_append_events_total").increment(events.len() as u64);
        // Commands committed by a run without an answer were not published: consumers read them from the store.
        let has_unpublished =
            is_again && replies.iter().any(|(_, answer)| matches!(answer, Ok(Reply::Repeated(Some(_)))));
        if has_unpublished {
            let _ = self.committed.try_send(Arc::new(CommittedBatch { events: Vec::new() }));
        }
        if !events.is_empty() && self.committed.try_send(Arc::new(CommittedBatch { events })).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        for (reply, answer) in replies {
            // The caller may have been cancelled.
            let _ = reply.send(answer);
        }
    }
}

/// The spans of the commit in the traces of its commands.
fn commit_spans(batch: &[Queued]) -> Vec<Span> {
    let traced = batch.iter().map(|queued| &queued.span).filter(|span| traces::context(span).is_some());
    traced.map(|span| traces::span!(parent: span, "commit", batch.commands = batch.len())).collect()
}

/// Assigns positions, links and the context of its trace to the events of a command.
fn link(
    command: Prepared,
    trace: Option<TraceContext>,
    (position, heads): (&mut Position, &mut Heads),
    scope_seqs: &mut impl Iterator<Item = u64>,
    events: &mut Vec<Linked>,
) {
    for prepared in command.events {
        *position += 1;
        let scope_seq = scope_seqs.next().unwrap_or_default();
        let digest = event_digest(&prepared.content, *position, scope_seq);
        let record = Record { position: *position, scope_seq, digest, ..prepared.record };
        let link = heads.advance(record.lane, *position);
        let event = RecordedEvent::known(record, prepared.event).traced(trace);
        events.push(Linked { event: Arc::new(event), link });
    }
}

fn receipt(events: &[Linked]) -> Receipt {
    let Some(Linked { event: last, .. }) = events.last() else { return Receipt::empty(false) };
    let is_one = events.iter().all(|linked| linked.event.record.scope == last.record.scope);
    let receipt = Receipt::of(last, false);
    Receipt { scope: receipt.scope.filter(|_| is_one), ..receipt }
}

impl Receipt {
    /// The receipt of a command whose last event is this one.
    pub(crate) fn of(event: &RecordedEvent, repeated: bool) -> Self {
        let record = &event.record;
        Self {
            position: Some(record.position),
            version: record.sequence,
            seq: record.scope_seq,
            stream: event.stream(),
            scope: Some(record.scope),
            recorded_at: record.recorded_at.millis(),
            repeated,
        }
    }

    /// The receipt of a command without events.
    pub(crate) const fn empty(repeated: bool) -> Self {
        Self { position: None, version: 0, seq: 0, stream: None, scope: None, recorded_at: 0, repeated }
    }
}

//! The one task of this process that appends: takes what is in flight, commits it, tells of it, answers it.

use crate::{
    AppendError, CommittedBatch, Heads, Linked, Position, Receipt, Record, RecordedEvent,
    batch::{Intake, Queued, Reply},
    digest::event_digest,
    engine::{Appender, Fault, Outcome, Verdict},
    prepare::Prepared,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::mpsc, time::Instant};

/// How long the outcome of a command is asked for before it is answered with `Unavailable`.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(100);

pub(crate) struct Writer {
    pub(crate) intake: Intake,
    pub(crate) appender: Appender,
    pub(crate) committed: mpsc::Sender<Arc<CommittedBatch>>,
    /// Batches nobody was told of, because the receiver was full.
    pub(crate) dropped: Arc<AtomicU64>,
}

impl Writer {
    /// Runs until every handle of the store is gone.
    pub(crate) async fn run(mut self) {
        while let Some(batch) = self.intake.next().await {
            self.commit(batch).await;
        }
    }

    async fn commit(&mut self, batch: Vec<Queued>) {
        match self.outcome(&batch).await {
            Ok((outcome, is_again)) => self.settle(batch, outcome, is_again),
            Err(Fault::Away(error)) => {
                tracing::error!(batch.commands = batch.len(), %error, "the event store is away; commands are refused");
                let why = error.to_string();
                for queued in batch {
                    let _ = queued.reply.send(Err(AppendError::Unavailable(why.clone())));
                }
            }
            Err(Fault::Refused(error)) => self.commit_one_by_one(batch, &error).await,
        }
    }

    /// A statement the engine refuses for good: one command is at fault, and the others must not suffer for it.
    async fn commit_one_by_one(&mut self, batch: Vec<Queued>, refused: &sql::Error) {
        let alone = batch.len() == 1;
        for queued in batch {
            if alone {
                tracing::error!(error = %refused, "the event store refuses a command");
                let _ = queued.reply.send(Err(AppendError::Broken(refused.to_string())));
            } else {
                Box::pin(self.commit(vec![queued])).await;
            }
        }
    }

    /// Runs the batch until its outcome is known, and answers whether it was asked for again. Running it again is safe:
    /// what was committed says so by its keys.
    async fn outcome(&mut self, batch: &[Queued]) -> Result<(Outcome, bool), Fault> {
        let commands: Vec<&Prepared> = batch.iter().map(|queued| &queued.prepared).collect();
        let oldest = batch.iter().map(|queued| queued.since).min().unwrap_or_else(Instant::now);
        let mut asked = false;
        loop {
            match self.appender.run(&commands).await {
                // A newer build has moved the tables on: they do not come back, and who comes again may meet that one.
                Err(Fault::Away(error)) if oldest.elapsed() < PATIENCE && !error.is_of_another_schema() => {
                    if !asked {
                        tracing::warn!(batch.commands = commands.len(), %error, "the outcome of a batch is asked for again");
                    }
                    asked = true;
                    tokio::time::sleep(PAUSE).await;
                }
                outcome => return outcome.map(|outcome| (outcome, asked)),
            }
        }
    }

    /// Tells first and answers then, so that this process's own consumers do not lag behind the answer.
    fn settle(&self, batch: Vec<Queued>, outcome: Outcome, is_again: bool) {
        let Outcome { mut position, mut heads, verdicts, scope_seqs } = outcome;
        let mut scope_seqs = scope_seqs.into_iter();
        let mut events = Vec::new();
        let mut replies = Vec::with_capacity(batch.len());
        for (queued, verdict) in batch.into_iter().zip(verdicts) {
            let answer = match verdict {
                Verdict::Appended => {
                    let first = events.len();
                    link(queued.prepared, &mut position, &mut heads, &mut scope_seqs, &mut events);
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
        // Committed before its outcome was known, and told to nobody: whoever follows the log looks for it at once.
        let is_untold = is_again && replies.iter().any(|(_, answer)| matches!(answer, Ok(Reply::Repeated(Some(_)))));
        if is_untold {
            let _ = self.committed.try_send(Arc::new(CommittedBatch { events: Vec::new() }));
        }
        if !events.is_empty() && self.committed.try_send(Arc::new(CommittedBatch { events })).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        for (reply, answer) in replies {
            // A caller that went away cancelled nothing.
            let _ = reply.send(answer);
        }
    }
}

/// Gives the events of a command their numbers and links.
fn link(
    command: Prepared,
    position: &mut Position,
    heads: &mut Heads,
    scope_seqs: &mut impl Iterator<Item = u64>,
    events: &mut Vec<Linked>,
) {
    for prepared in command.events {
        *position += 1;
        let scope_seq = scope_seqs.next().unwrap_or_default();
        let digest = event_digest(&prepared.content, *position, scope_seq);
        let record = Record { position: *position, scope_seq, digest, ..prepared.record };
        let link = heads.advance(record.lane, *position);
        events.push(Linked { event: Arc::new(RecordedEvent::known(record, prepared.event)), link });
    }
}

fn receipt(events: &[Linked]) -> Receipt {
    match events.last() {
        Some(last) => Receipt::of(&last.event, false),
        None => Receipt::empty(false),
    }
}

impl Receipt {
    /// Of a command whose last event is this one.
    pub(crate) fn of(event: &RecordedEvent, repeated: bool) -> Self {
        let record = &event.record;
        Self {
            position: Some(record.position),
            version: record.sequence,
            seq: record.scope_seq,
            stream: event.stream(),
            recorded_at: record.recorded_at.millis(),
            repeated,
        }
    }

    /// Of a command that changed nothing.
    pub(crate) const fn empty(repeated: bool) -> Self {
        Self { position: None, version: 0, seq: 0, stream: None, recorded_at: 0, repeated }
    }
}

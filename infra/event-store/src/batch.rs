//! Group commit: chooses the commands of the next commit, in order. A command that conflicts with an earlier one waits.

use crate::{
    AppendError, ClaimKind, CommandKey, Position, Receipt, Secret, StreamId,
    prepare::{Prepared, PreparedEvent},
};
use std::collections::{HashMap, HashSet, VecDeque};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};
use tracing::Span;
use uuid::Uuid;

/// The most commands of a commit.
const COMMANDS: usize = 512;
/// The most rows of a commit ([`Prepared::cost`]), about 40 ms of the log's lock. One command always fits.
const COST: usize = 2_500;
/// The most high commands of a commit while medium ones wait, so that a flood of high commands never stops them.
const HIGH_SHARE: usize = 448;
/// The most commands that wait for the next commit after this one was filled.
const WAITING: usize = 1_024;
/// The most waiting commands that write one stream; further ones queue behind them.
const OF_A_STREAM: usize = 8;
/// The most commands that queue behind those of one stream.
const BEHIND_A_STREAM: usize = 4_096;
/// The most commands that queue behind others, over all streams.
const BEHIND: usize = 8_192;

/// A command on its way to the writer.
#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) prepared: Prepared,
    pub(crate) reply: oneshot::Sender<Result<Reply, AppendError>>,
    pub(crate) since: Instant,
    /// Its append.
    pub(crate) span: Span,
}

/// The writer's answer to a command.
#[derive(Debug)]
pub(crate) enum Reply {
    /// It was appended.
    Appended(Receipt),
    /// The key was used before; the position is that of its last event.
    Repeated(Option<Position>),
    /// Another command created a data key first: seal again with the stored one.
    HasDataKey,
    /// This person was erased concurrently: drop their key.
    Forgotten(Uuid),
}

/// The writer's end of the intake.
pub(crate) struct Intake {
    high: mpsc::Receiver<Queued>,
    medium: mpsc::Receiver<Queued>,
    /// Commands that come first in the next commit.
    waiting: VecDeque<Queued>,
    /// The number of `waiting` commands per stream they write.
    writers: HashMap<StreamId, usize>,
    /// Commands that queue behind [`OF_A_STREAM`] waiting ones that write the same stream.
    behind: HashMap<StreamId, VecDeque<Queued>>,
    /// The number of commands in `behind`.
    behind_in_all: usize,
}

/// A thing that only one command of a commit may change.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Touched {
    Stream(StreamId),
    Key(CommandKey),
    Claim(ClaimKind, [u8; 32]),
    DataKey(Uuid),
    Session(Uuid),
}

/// The changes of earlier commands, and the streams on which waiting ones depend.
#[derive(Default)]
struct Footprint {
    changed: HashSet<Touched>,
    /// People whose data keys are destroyed: commands with values sealed for them wait.
    forgotten: HashSet<Uuid>,
    relied_on: HashSet<StreamId>,
}

impl Footprint {
    fn allows(&self, command: &Prepared) -> bool {
        let written = command.guards.iter().take(command.written);
        !changes(command).any(|touched| self.changed.contains(&touched))
            && !command.sealed_for.iter().any(|subject| self.forgotten.contains(subject))
            && !command.guards.iter().any(|guard| self.changed.contains(&Touched::Stream(guard.stream)))
            && !written.map(|guard| guard.stream).any(|stream| self.relied_on.contains(&stream))
    }

    fn take(&mut self, command: &Prepared) {
        self.changed.extend(changes(command));
        self.forgotten.extend(command.secrets.iter().filter_map(Secret::forgotten));
    }

    fn let_wait(&mut self, command: &Prepared) {
        self.take(command);
        self.relied_on.extend(command.guards.iter().map(|guard| guard.stream));
    }
}

fn changes(command: &Prepared) -> impl Iterator<Item = Touched> {
    let streams = command.guards.iter().take(command.written).map(|guard| Touched::Stream(guard.stream));
    let claims = command.claims.iter().map(|claim| Touched::Claim(claim.kind, claim.hash));
    let data_keys = command.data_keys.iter().map(|(subject, _)| Touched::DataKey(*subject));
    let secrets = command.secrets.iter().map(|secret| match secret {
        Secret::RefreshToken { session, .. } => Touched::Session(*session),
        Secret::Password { user: subject, .. } | Secret::DataKey { subject } | Secret::Forget { subject } => {
            Touched::DataKey(*subject)
        }
    });
    streams.chain(claims).chain(data_keys).chain(secrets).chain([Touched::Key(command.key.clone())])
}

impl Prepared {
    /// The cost of committing it, in rows: events, inbox rows, names and secrets. Guards are index look-ups; long payloads
    /// count as more rows.
    fn cost(&self) -> usize {
        let of = |event: &PreparedEvent| 1 + event.inbox.len() + event.record.payload.len() / 8_192;
        let events: usize = self.events.iter().map(of).sum();
        let beside = self.claims.len() + self.data_keys.len() + self.secrets.len();
        1 + events + beside + (self.guards.len() + self.sealed_for.len()) / 8
    }

    /// The first stream it writes.
    fn stream(&self) -> Option<StreamId> {
        self.guards.iter().take(self.written).map(|guard| guard.stream).next()
    }
}

impl Intake {
    pub(crate) fn new(high: mpsc::Receiver<Queued>, medium: mpsc::Receiver<Queued>) -> Self {
        let (waiting, writers, behind) = (VecDeque::new(), HashMap::new(), HashMap::new());
        Self { high, medium, waiting, writers, behind, behind_in_all: 0 }
    }

    /// The commands of the next commit, at least one; `None` once all senders are gone.
    pub(crate) async fn next(&mut self) -> Option<Vec<Queued>> {
        if self.waiting.is_empty() {
            let first = tokio::select! {
                biased;
                Some(queued) = self.high.recv() => queued,
                Some(queued) = self.medium.recv() => queued,
                else => return None,
            };
            self.wait(first);
        }
        Some(self.cut())
    }

    /// Takes waiting commands first, then high ones, then medium ones, in order within each. A command that does not fit or
    /// conflicts with an earlier one waits, and delays no other.
    fn cut(&mut self) -> Vec<Queued> {
        let mut footprint = Footprint::default();
        let (mut taken, mut cost) = (Vec::new(), 0);
        let mut waited = std::mem::take(&mut self.waiting);
        while taken.len() < COMMANDS && self.waiting.len() < WAITING {
            let again = waited.pop_front();
            let is_new = again.is_none();
            let Some(queued) = again.or_else(|| self.pull(taken.len())) else { break };
            if !is_new {
                self.count(&queued, false);
            } else if self.has_behind(&queued.prepared) {
                self.queue_behind(queued);
                continue;
            }
            let command = &queued.prepared;
            let with_it = cost + command.cost();
            let fits = taken.is_empty() || with_it <= COST;
            if fits && footprint.allows(command) {
                footprint.take(command);
                cost = with_it;
                taken.push(queued);
            } else {
                footprint.let_wait(command);
                if is_new { self.wait(queued) } else { self.wait_again(queued) }
            }
        }
        self.waiting.append(&mut waited);
        self.advance(&taken);
        taken
    }

    /// Whether other commands that write its stream queue, so that it must, too.
    fn has_behind(&self, command: &Prepared) -> bool {
        !self.behind.is_empty() && command.stream().is_some_and(|stream| self.behind.contains_key(&stream))
    }

    /// Lets a command wait for the next commit, or queue behind [`OF_A_STREAM`] others that write its stream.
    fn wait(&mut self, queued: Queued) {
        let writers = queued.prepared.stream().and_then(|stream| self.writers.get(&stream));
        if writers.is_some_and(|writers| *writers >= OF_A_STREAM) {
            self.queue_behind(queued);
        } else {
            self.wait_again(queued);
        }
    }

    fn wait_again(&mut self, queued: Queued) {
        self.count(&queued, true);
        self.waiting.push_back(queued);
    }

    fn queue_behind(&mut self, queued: Queued) {
        let Some(stream) = queued.prepared.stream() else { return self.wait_again(queued) };
        let queue = self.behind.entry(stream).or_default();
        if queue.len() < BEHIND_A_STREAM && self.behind_in_all < BEHIND {
            queue.push_back(queued);
            self.behind_in_all += 1;
        } else {
            if queue.is_empty() {
                self.behind.remove(&stream);
            }
            let _ = queued.reply.send(Err(AppendError::Overloaded));
        }
    }

    /// Moves commands that queued behind taken ones to `waiting`.
    fn advance(&mut self, taken: &[Queued]) {
        if self.behind.is_empty() {
            return;
        }
        for stream in taken.iter().filter_map(|queued| queued.prepared.stream()) {
            while self.writers.get(&stream).is_none_or(|writers| *writers < OF_A_STREAM) {
                let Some(queue) = self.behind.get_mut(&stream) else { break };
                let Some(next) = queue.pop_front() else { break };
                self.behind_in_all -= 1;
                if queue.is_empty() {
                    self.behind.remove(&stream);
                }
                self.wait_again(next);
            }
        }
    }

    /// Counts a waiting command for its stream, or uncounts it.
    fn count(&mut self, queued: &Queued, more: bool) {
        let Some(stream) = queued.prepared.stream() else { return };
        if more {
            *self.writers.entry(stream).or_default() += 1;
        } else if let Some(writers) = self.writers.get_mut(&stream) {
            *writers -= 1;
            if *writers == 0 {
                self.writers.remove(&stream);
            }
        }
    }

    fn pull(&mut self, taken: usize) -> Option<Queued> {
        let tiers = [&mut self.high, &mut self.medium];
        let order = if taken < HIGH_SHARE { [0, 1] } else { [1, 0] };
        order.into_iter().find_map(|tier| tiers[tier].try_recv().ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Guard;
    use domain::{AggregateType, Timestamp};

    fn stream(n: u128) -> StreamId {
        StreamId { aggregate: AggregateType::Message, id: Uuid::from_u128(n) }
    }

    /// A command that writes one stream and guards others.
    fn command(key: &str, writes: u128, guarded: &[u128]) -> Queued {
        let guard = |n: u128| Guard { stream: stream(n), version: 0 };
        let prepared = Prepared {
            key: CommandKey { owner: String::new(), key: key.to_owned() },
            request_hash: [0; 32],
            forever: false,
            accepted_at: Timestamp::default(),
            guards: [writes].iter().chain(guarded).map(|n| guard(*n)).collect(),
            written: 1,
            claims: Vec::new(),
            data_keys: Vec::new(),
            secrets: Vec::new(),
            sealed_for: Vec::new(),
            events: Vec::new(),
        };
        Queued { prepared, reply: oneshot::channel().0, since: Instant::now(), span: Span::none() }
    }

    /// The keys of all batches of the sent commands.
    async fn batches(high: Vec<Queued>, medium: Vec<Queued>) -> Vec<Vec<String>> {
        let intake = |commands: Vec<Queued>| {
            let (send, receive) = mpsc::channel(10_000);
            commands.into_iter().for_each(|queued| send.try_send(queued).unwrap());
            receive
        };
        let mut intake = Intake::new(intake(high), intake(medium));
        let mut batches = Vec::new();
        while let Some(batch) = intake.next().await {
            batches.push(batch.into_iter().map(|queued| queued.prepared.key.key).collect());
        }
        batches
    }

    #[tokio::test]
    async fn conflicting_commands_keep_their_order_in_separate_batches() {
        let high = vec![
            command("a", 1, &[]),
            command("b", 1, &[9]),
            command("guards what a writes", 2, &[1]),
            command("writes what b guards", 9, &[]),
            command("guards an unwritten stream", 3, &[8]),
            command("a", 4, &[]),
        ];
        let medium = vec![command("medium", 5, &[8])];
        assert_eq!(
            batches(high, medium).await,
            [
                vec!["a", "guards an unwritten stream", "medium"],
                vec!["b", "writes what b guards", "a"],
                vec!["guards what a writes"],
            ]
        );
    }

    #[tokio::test]
    async fn values_sealed_for_a_person_wait_for_an_earlier_erasure() {
        let (ana, ben) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let sealed = |key, writes, subject| {
            let mut queued = command(key, writes, &[]);
            queued.prepared.sealed_for = vec![subject];
            queued
        };
        let mut forget = command("forget ana", 3, &[]);
        forget.prepared.secrets = vec![Secret::Forget { subject: ana }];
        let high = vec![sealed("before", 1, ana), forget, sealed("after", 4, ana), sealed("of ben", 5, ben)];
        assert_eq!(batches(high, Vec::new()).await, [vec!["before", "forget ana", "of ben"], vec!["after"]]);
    }

    #[tokio::test]
    async fn high_commands_come_first_and_leave_a_share() {
        let many = |tier: &str, from: u128, count: u128| -> Vec<Queued> {
            (from..from + count).map(|n| command(&format!("{tier} {n}"), n, &[])).collect()
        };
        let batches = batches(many("high", 0, 1_000), many("medium", 5_000, 100)).await;
        let high: Vec<_> =
            batches.iter().map(|batch| batch.iter().filter(|key| key.starts_with("high")).count()).collect();
        assert_eq!(high, [448, 476, 76]);
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [512, 512, 76]);
    }

    #[tokio::test]
    async fn a_stream_that_many_write_blocks_no_other() {
        let mut high: Vec<_> = (0..3_000).map(|n| command(&format!("hot {n}"), 1, &[])).collect();
        high.extend((0..100).map(|n| command(&format!("other {n}"), 10_000 + n, &[])));
        let batches = batches(high, Vec::new()).await;
        let others = |batch: &Vec<String>| batch.iter().filter(|key| key.starts_with("other")).count();
        assert_eq!(batches.iter().take(2).map(others).sum::<usize>(), 100);
        let hot: Vec<_> = batches.iter().flatten().filter(|key| key.starts_with("hot")).cloned().collect();
        assert_eq!(hot, (0..3_000).map(|n| format!("hot {n}")).collect::<Vec<_>>(), "in order");
    }

    #[tokio::test]
    async fn more_commands_than_can_queue_for_a_stream_are_refused() {
        let (send, receive) = mpsc::channel(10_000);
        let (_medium, none) = mpsc::channel(1);
        let mut answers = Vec::new();
        for n in 0..BEHIND_A_STREAM + 100 {
            let (reply, answer) = oneshot::channel();
            answers.push(answer);
            send.try_send(Queued { reply, ..command(&n.to_string(), 1, &[]) }).unwrap();
        }
        let mut intake = Intake::new(receive, none);
        assert_eq!(intake.next().await.unwrap().len(), 1);
        let refused = |answer: &mut oneshot::Receiver<_>| matches!(answer.try_recv(), Ok(Err(AppendError::Overloaded)));
        assert_eq!(answers.iter_mut().map(refused).filter(|refused| *refused).count(), 100 - 1 - OF_A_STREAM);
    }

    #[tokio::test]
    async fn an_expensive_command_delays_no_cheap_one() {
        let expensive = |n: u128| {
            let mut queued = command(&format!("expensive {n}"), n, &[]);
            queued.prepared.sealed_for = vec![Uuid::nil(); 8 * 2_000];
            queued
        };
        let mut high: Vec<_> = (0..10).map(expensive).collect();
        high.push(command("cheap", 99, &[]));
        let batches = batches(high, Vec::new()).await;
        assert_eq!(batches[0], ["expensive 0", "cheap"]);
        assert_eq!(batches.len(), 10);
    }
}

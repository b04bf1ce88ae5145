//! Which commands share a commit: in order, save that one which touches what an earlier one changes waits.

use crate::{AppendError, ClaimKind, CommandKey, Position, Receipt, Secret, StreamId, prepare::Prepared};
use std::collections::{HashSet, VecDeque};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};
use uuid::Uuid;

/// Limits of one commit.
const COMMANDS: usize = 512;
const EVENTS: usize = 2_000;
/// From here on the medium tier comes first, so that it is slow under a flood of high commands and never stands still.
const HIGH_SHARE: usize = 448;
/// How many commands may wait for the next commit before no further one is looked at.
const WAITING: usize = 1_024;

/// A command on its way to the writer.
#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) prepared: Prepared,
    pub(crate) reply: oneshot::Sender<Result<Reply, AppendError>>,
    pub(crate) since: Instant,
}

/// What the writer answers.
#[derive(Debug)]
pub(crate) enum Reply {
    /// It was appended.
    Appended(Receipt),
    /// The key was used before; its last event is here.
    Repeated(Option<Position>),
    /// Somebody made a data key first: seal again with the stored one.
    HasDataKey,
    /// This person was forgotten meanwhile: their key is to be dropped.
    Forgotten(Uuid),
}

/// The writer's end of the intake.
pub(crate) struct Intake {
    high: mpsc::Receiver<Queued>,
    medium: mpsc::Receiver<Queued>,
    waiting: VecDeque<Queued>,
}

/// What two commands in one commit must not both touch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Touched {
    Stream(StreamId),
    Key(CommandKey),
    Claim(ClaimKind, [u8; 32]),
    DataKey(Uuid),
    Session(Uuid),
}

/// What earlier commands changed, and what those that wait rely on.
#[derive(Default)]
struct Footprint {
    changed: HashSet<Touched>,
    /// Whose keys are destroyed: what comes after and was sealed with one must see that.
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

impl Intake {
    pub(crate) const fn new(high: mpsc::Receiver<Queued>, medium: mpsc::Receiver<Queued>) -> Self {
        Self { high, medium, waiting: VecDeque::new() }
    }

    /// The commands of the next commit, at least one; `None` once nobody can send any more.
    pub(crate) async fn next(&mut self) -> Option<Vec<Queued>> {
        if self.waiting.is_empty() {
            let first = tokio::select! {
                biased;
                Some(queued) = self.high.recv() => queued,
                Some(queued) = self.medium.recv() => queued,
                else => return None,
            };
            self.waiting.push_back(first);
        }
        Some(self.cut())
    }

    /// Those that wait first, then high ones, then medium ones, in order within each.
    fn cut(&mut self) -> Vec<Queued> {
        let mut footprint = Footprint::default();
        let (mut taken, mut events) = (Vec::new(), 0);
        let mut waited = std::mem::take(&mut self.waiting);
        while taken.len() < COMMANDS && self.waiting.len() < WAITING {
            let Some(queued) = waited.pop_front().or_else(|| self.pull(taken.len())) else { break };
            let command = &queued.prepared;
            let fits = taken.is_empty() || events + command.events.len() <= EVENTS;
            if fits && footprint.allows(command) {
                footprint.take(command);
                events += command.events.len();
                taken.push(queued);
            } else {
                footprint.let_wait(command);
                self.waiting.push_back(queued);
                if !fits {
                    break;
                }
            }
        }
        self.waiting.append(&mut waited);
        taken
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

    /// A command that writes one stream and rests on others.
    fn command(key: &str, writes: u128, rests_on: &[u128]) -> Queued {
        let guard = |n: u128| Guard { stream: stream(n), version: 0 };
        let prepared = Prepared {
            key: CommandKey { owner: String::new(), key: key.to_owned() },
            request_hash: [0; 32],
            forever: false,
            accepted_at: Timestamp::default(),
            guards: [writes].iter().chain(rests_on).map(|n| guard(*n)).collect(),
            written: 1,
            claims: Vec::new(),
            data_keys: Vec::new(),
            secrets: Vec::new(),
            sealed_for: Vec::new(),
            events: Vec::new(),
        };
        Queued { prepared, reply: oneshot::channel().0, since: Instant::now() }
    }

    /// The keys of all batches cut from what is sent.
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
    async fn commands_that_touch_the_same_keep_their_order_in_batches_of_their_own() {
        let high = vec![
            command("a", 1, &[]),
            command("b", 1, &[9]),
            command("rests on what a writes", 2, &[1]),
            command("writes what b rests on", 9, &[]),
            command("rests on what nobody writes", 3, &[8]),
            command("a", 4, &[]),
        ];
        let medium = vec![command("medium", 5, &[8])];
        assert_eq!(
            batches(high, medium).await,
            [
                vec!["a", "rests on what nobody writes", "medium"],
                vec!["b", "writes what b rests on", "a"],
                vec!["rests on what a writes"],
            ]
        );
    }

    #[tokio::test]
    async fn what_was_sealed_for_somebody_waits_for_their_being_forgotten_before_it() {
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
}

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
    relied_on: HashSet<StreamId>,
}

impl Footprint {
    fn allows(&self, command: &Prepared) -> bool {
        let written = command.guards.iter().take(command.written);
        !changes(command).any(|touched| self.changed.contains(&touched))
            && !command.guards.iter().any(|guard| self.changed.contains(&Touched::Stream(guard.stream)))
            && !written.map(|guard| guard.stream).any(|stream| self.relied_on.contains(&stream))
    }

    fn take(&mut self, command: &Prepared) {
        self.changed.extend(changes(command));
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
        Secret::Password { user: subject, .. } | Secret::DataKey { subject } => Touched::DataKey(*subject),
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

    /// Those that wait first, then high ones, then medium ones.
    fn cut(&mut self) -> Vec<Queued> {
        let mut footprint = Footprint::default();
        let (mut taken, mut events) = (Vec::new(), 0);
        let mut waited = std::mem::take(&mut self.waiting);
        while taken.len() < COMMANDS && self.waiting.len() < WAITING {
            let next = waited.pop_front().or_else(|| self.high.try_recv().ok()).or_else(|| self.medium.try_recv().ok());
            let Some(queued) = next else { break };
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
}

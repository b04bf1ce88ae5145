//! The task of a reactor: follow the log, react to each event, remember how far it has come.

use super::{Checkpoints, Reactor};
use crate::{CommandError, Commands};
use broker::{Follower, Ordering, Subscription};
use event_store::RecordedEvent;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Events per step.
const BATCH: usize = 256;
/// How long after an event the checkpoint is saved, once for all that came meanwhile: it shares the log's disk,
/// and what it lags behind is reacted to again, under the same keys.
const SAVE_AFTER: Duration = Duration::from_secs(1);
/// Between attempts while the store or the checkpoints are away.
const RETRY: Duration = Duration::from_millis(500);
/// How often an event whose reaction fails for a reason of its own is tried.
const ATTEMPTS: usize = 5;

/// Runs `reactor` until `stop`. Several processes may run the same one: its keys make that harmless.
pub async fn run(
    reactor: Reactor,
    commands: Commands,
    hints: Subscription,
    checkpoints: Checkpoints,
    stop: CancellationToken,
) {
    stop.run_until_cancelled(follow(reactor, &commands, hints, &checkpoints)).await;
}

async fn follow(reactor: Reactor, commands: &Commands, hints: Subscription, checkpoints: &Checkpoints) {
    let store = commands.store();
    let from = loop {
        match checkpoints.load(reactor, store.partitions()).await {
            Ok(from) => break from,
            Err(error) => tracing::warn!(reactor = reactor.name(), %error, "reactor cannot read its checkpoint"),
        }
        tokio::time::sleep(RETRY).await;
    };
    let mut follower = Follower::new(store.clone(), hints, Ordering::Partition, from);
    let mut save_at = None;
    loop {
        let save_due = async {
            match save_at {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        // The due save first: a busy log must not put it off for ever. Both are cancel-safe.
        let events = tokio::select! {
            biased;
            () = save_due => {
                save_at = None;
                if let Err(error) = checkpoints.save(reactor, follower.marks()).await {
                    tracing::warn!(reactor = reactor.name(), %error, "reactor cannot save its checkpoint");
                }
                continue;
            }
            events = follower.next(BATCH) => events,
        };
        match events {
            Ok(events) => {
                for event in events {
                    commands.observe(&event);
                    react(reactor, commands, &event).await;
                }
                save_at.get_or_insert_with(|| Instant::now() + SAVE_AFTER);
            }
            Err(error) => {
                tracing::warn!(reactor = reactor.name(), %error, "reactor cannot read the log");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// Reacts until it is done, or cannot be: while the store is away it waits, a refusal is an answer.
async fn react(reactor: Reactor, commands: &Commands, event: &RecordedEvent) {
    let mut failures = 0;
    while failures < ATTEMPTS {
        match reactor.react(commands, event).await {
            Ok(()) => return,
            Err(CommandError::Unavailable | CommandError::Overloaded | CommandError::Contended) => (),
            Err(error) => {
                failures += 1;
                tracing::error!(
                    reactor = reactor.name(),
                    position = event.record.position,
                    failures,
                    ?error,
                    "reactor failed on an event"
                );
            }
        }
        tokio::time::sleep(RETRY).await;
    }
}

//! The task of a reactor: follow the log, react to each event, remember how far it has come. A reaction that fails is
//! parked before the checkpoint moves past it, and tried again.

use super::{
    Checkpoints, Reactor,
    parked::{Due, Failure},
};
use crate::{CommandError, Commands};
use broker::{Follower, Ordering, Subscription};
use domain::Event;
use event_store::RecordedEvent;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

/// Events per step.
const BATCH: usize = 256;
/// How long after an event the checkpoint is saved, once for all that came meanwhile: it shares the log's disk,
/// and what it lags behind is reacted to again, under the same keys.
const SAVE_AFTER: Duration = Duration::from_secs(1);
/// Between attempts while the store or the checkpoints are away.
const RETRY: Duration = Duration::from_millis(500);
/// How often parked reactions that are due are looked for.
const LOOK: Duration = Duration::from_secs(5);
/// The most that are tried again in one go, and how soon the next follow when there are more: new events wait for it.
const PORTION: u32 = 32;
const NEXT_PORTION: Duration = Duration::from_millis(100);
/// How long one that is tried again may wait for the store.
const PATIENCE: Duration = Duration::from_secs(15);

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
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let save_due = async {
            match save_at {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        // The due save and the look first: a busy log must not put them off for ever. All are cancel-safe.
        let events = tokio::select! {
            biased;
            () = save_due => {
                save_at = None;
                if let Err(error) = checkpoints.save(reactor, follower.marks()).await {
                    tracing::warn!(reactor = reactor.name(), %error, "reactor cannot save its checkpoint");
                }
                continue;
            }
            _ = look.tick() => {
                if try_again(reactor, commands, checkpoints).await {
                    look.reset_after(NEXT_PORTION);
                }
                continue;
            }
            events = follower.next(BATCH) => events,
        };
        match events {
            Ok(events) => {
                let mut failed = Vec::new();
                for event in events {
                    commands.observe(&event);
                    if let Err(failure) = react(reactor, commands, &event).await {
                        tracing::error!(
                            reactor = reactor.name(),
                            position = event.record.position,
                            event_type = event.record.event_type,
                            ?failure,
                            "A reaction failed and is parked until it is tried again"
                        );
                        failed.push((event, failure));
                    }
                }
                // Until they are, the checkpoint does not move on.
                while !failed.is_empty()
                    && let Err(error) = checkpoints.park(reactor, &failed).await
                {
                    tracing::warn!(reactor = reactor.name(), %error, "reactor cannot park what failed");
                    tokio::time::sleep(RETRY).await;
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

/// Reacts; while the store is away it waits.
async fn react(reactor: Reactor, commands: &Commands, event: &RecordedEvent) -> Result<(), Failure> {
    // A type that only a newer build knows may be one that its reactor is about.
    if !Event::knows(&event.record.event_type) {
        return Err(Failure::Unreadable(format!("this build does not know {}", event.record.event_type)));
    }
    loop {
        match reactor.react(commands, event).await {
            Ok(()) => return Ok(()),
            Err(error) if error.is_temporary() => tokio::time::sleep(RETRY).await,
            Err(CommandError::AnotherBuild(error)) => return Err(Failure::Unreadable(error)),
            Err(error) => return Err(Failure::Failed(format!("{error:?}"))),
        }
    }
}

/// Tries parked reactions again that are due. Answers whether there may be more.
async fn try_again(reactor: Reactor, commands: &Commands, checkpoints: &Checkpoints) -> bool {
    let due = match checkpoints.due(reactor, PORTION).await {
        Ok(due) => due,
        Err(error) => {
            tracing::warn!(reactor = reactor.name(), %error, "reactor cannot look for what is parked");
            return false;
        }
    };
    for due in &due {
        if let Err(error) = try_one(reactor, commands, checkpoints, *due).await {
            tracing::warn!(
                reactor = reactor.name(),
                position = due.position,
                error,
                "a parked reaction cannot be tried"
            );
            return false;
        }
    }
    due.len() >= PORTION as usize
}

async fn try_one(reactor: Reactor, commands: &Commands, checkpoints: &Checkpoints, due: Due) -> Result<(), String> {
    let event = commands.store().read_at(due.position).await.map_err(|error| error.to_string())?;
    let failure = match &event {
        // Not of this log any more: there is nothing to react to.
        None => None,
        Some(event) => react_once(reactor, commands, event).await?,
    };
    let noted = match &failure {
        None => checkpoints.unpark(reactor, due.position).await,
        Some(failure) => checkpoints.postpone(reactor, due, failure).await,
    };
    tracing::info!(reactor = reactor.name(), position = due.position, ?failure, "A parked reaction was tried again");
    noted.map_err(|error| error.to_string())
}

/// The same as [`react`], but gives up while the store is away: the next look tries again.
async fn react_once(
    reactor: Reactor,
    commands: &Commands,
    event: &Arc<RecordedEvent>,
) -> Result<Option<Failure>, String> {
    match tokio::time::timeout(PATIENCE, react(reactor, commands, event)).await {
        Ok(reacted) => Ok(reacted.err()),
        Err(_) => Err("the event store is away".to_owned()),
    }
}

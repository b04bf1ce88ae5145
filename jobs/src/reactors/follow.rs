//! The loop of a reactor: follow the log, react to each event, save the checkpoint. A failed reaction is parked before
//! the checkpoint moves past it, and retried.

use super::{
    Checkpoints, Reactor,
    parked::{Due, Failure},
};
use broker::{CatchUpSubscription, Ordering, Subscription};
use commands::{CommandError, Commands};
use domain::{Event, Timestamp};
use event_store::RecordedEvent;
use metrics::{counter, histogram};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, MissedTickBehavior};
use tracing::Instrument as _;

/// Events per step.
const BATCH: usize = 256;
/// The delay from an event to the save of the checkpoint, which covers all events of that time: it shares the log's
/// disk. Events after the checkpoint are reacted to again under the same keys.
const SAVE_AFTER: Duration = Duration::from_secs(1);
/// The time between attempts while the log or the checkpoints are unavailable.
const RETRY: Duration = Duration::from_millis(500);
/// The time between two checks for parked reactions that are due.
const LOOK: Duration = Duration::from_secs(5);
/// The most parked reactions retried in a row, and the pause before more of them: new events wait meanwhile.
const PORTION: u32 = 32;
const NEXT_PORTION: Duration = Duration::from_millis(100);
/// The time limit of a retry while the log is unavailable.
const PATIENCE: Duration = Duration::from_secs(15);

/// Runs `reactor` for ever. Several processes may run the same one, since its commands are keyed.
pub(super) async fn follow(
    reactor: Reactor,
    commands: &Commands,
    notifications: Subscription,
    checkpoints: &Checkpoints,
) {
    let store = commands.store();
    let from = loop {
        match checkpoints.load(reactor, store.partitions()).await {
            Ok(from) => break from,
            Err(error) => tracing::warn!(reactor = reactor.name(), %error, "a reactor cannot read its checkpoint"),
        }
        tokio::time::sleep(RETRY).await;
    };
    let mut subscription = CatchUpSubscription::new(store.clone(), notifications, Ordering::Partition, from);
    let lag = histogram!("chatchit_reactor_lag_seconds", "reactor" => reactor.name());
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
        // The due save and the retries come first, so that a busy log does not delay them. All branches are
        // cancel-safe.
        let events = tokio::select! {
            biased;
            () = save_due => {
                save_at = None;
                if let Err(error) = checkpoints.save(reactor, subscription.marks()).await {
                    tracing::warn!(reactor = reactor.name(), %error, "a reactor cannot save its checkpoint");
                    save_at = Some(Instant::now() + SAVE_AFTER);
                }
                continue;
            }
            _ = look.tick() => {
                if retry(reactor, commands, checkpoints).await {
                    look.reset_after(NEXT_PORTION);
                }
                continue;
            }
            events = subscription.next(BATCH) => events,
        };
        match events {
            Ok(events) => {
                let mut failed = Vec::new();
                let oldest = events.first().cloned();
                for event in events {
                    commands.observe(&event);
                    let span = traces::child(event.trace(), || traces::span!("reaction", reactor = reactor.name()));
                    if let Err(failure) = react(reactor, commands, &event).instrument(span).await {
                        tracing::error!(
                            reactor = reactor.name(),
                            position = event.record.position,
                            event_type = event.record.event_type,
                            ?failure,
                            "a reaction failed and is parked for a retry"
                        );
                        failed.push((event, failure));
                    }
                }
                counter!("chatchit_reactions_failed_total", "reactor" => reactor.name()).increment(failed.len() as u64);
                if let Some(oldest) = oldest {
                    lag.record(age(&oldest, store.now()));
                }
                // The checkpoint does not move on until they are parked.
                while !failed.is_empty()
                    && let Err(error) = checkpoints.park(reactor, &failed).await
                {
                    tracing::warn!(reactor = reactor.name(), %error, "a reactor cannot park failed reactions");
                    tokio::time::sleep(RETRY).await;
                }
                save_at.get_or_insert_with(|| Instant::now() + SAVE_AFTER);
            }
            Err(error) => {
                tracing::warn!(reactor = reactor.name(), %error, "a reactor cannot read the log");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// How old an event is, in seconds.
fn age(event: &RecordedEvent, now: Timestamp) -> f64 {
    now.millis().saturating_sub(event.record.recorded_at.millis()).max(0) as f64 / 1e3
}

/// Reacts, and waits while the log is unavailable.
async fn react(reactor: Reactor, commands: &Commands, event: &RecordedEvent) -> Result<(), Failure> {
    // The reactor of a newer build may react to a type that this build does not know.
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

/// Retries parked reactions that are due; true if there may be more.
async fn retry(reactor: Reactor, commands: &Commands, checkpoints: &Checkpoints) -> bool {
    let due = match checkpoints.due(reactor, PORTION).await {
        Ok(due) => due,
        Err(error) => {
            tracing::warn!(reactor = reactor.name(), %error, "a reactor cannot read its parked reactions");
            return false;
        }
    };
    for due in &due {
        if let Err(error) = retry_one(reactor, commands, checkpoints, *due).await {
            tracing::warn!(
                reactor = reactor.name(),
                position = due.position,
                error,
                "a parked reaction cannot be retried"
            );
            return false;
        }
    }
    due.len() >= PORTION as usize
}

async fn retry_one(reactor: Reactor, commands: &Commands, checkpoints: &Checkpoints, due: Due) -> Result<(), String> {
    let event = commands.store().read_at(due.position).await.map_err(|error| error.to_string())?;
    let failure = match &event {
        // The log was replaced, and has no such event.
        None => None,
        Some(event) => react_once(reactor, commands, event).await?,
    };
    let noted = match &failure {
        None => checkpoints.unpark(reactor, due.position).await,
        Some(failure) => checkpoints.postpone(reactor, due, failure).await,
    };
    tracing::info!(reactor = reactor.name(), position = due.position, ?failure, "a parked reaction was retried");
    noted.map_err(|error| error.to_string())
}

/// As [`react`], with a time limit while the log is unavailable: the next check retries.
async fn react_once(
    reactor: Reactor,
    commands: &Commands,
    event: &Arc<RecordedEvent>,
) -> Result<Option<Failure>, String> {
    match tokio::time::timeout(PATIENCE, react(reactor, commands, event)).await {
        Ok(reacted) => Ok(reacted.err()),
        Err(_) => Err("the event store is unavailable".to_owned()),
    }
}

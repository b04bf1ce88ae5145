//! One event, one projection: opening it, and trying it behind a savepoint.

use crate::{ApplyError, Error, Opened, Projection};
use event_store::{EventStore, RecordedEvent};
use sql::{Transaction, query};

/// How often an event is tried at once, before it is parked.
pub(crate) const ATTEMPTS: u32 = 3;

/// Opens an event.
pub(crate) async fn open<'e>(store: &EventStore, event: &'e RecordedEvent) -> Result<Opened<'e>, ApplyError> {
    Ok(Opened { record: &event.record, event: store.open_event(event).await? })
}

/// Tries one event up to `tries` times, each time undoing what it did. The inner result names the failure.
///
/// # Errors
/// A temporary error, which ends the transaction.
pub(crate) async fn attempt(
    tx: &mut Transaction,
    projection: Projection,
    opened: &Result<Opened<'_>, String>,
    tries: u32,
) -> Result<Result<(), String>, Error> {
    let event = match opened {
        Ok(event) => *event,
        Err(error) => return Ok(Err(error.clone())),
    };
    let mut failure = String::new();
    for _ in 0..tries {
        tx.execute(query("SAVEPOINT event")).await?;
        match projection.apply(tx, &[event]).await {
            Ok(()) => {
                tx.execute(query("RELEASE SAVEPOINT event")).await?;
                return Ok(Ok(()));
            }
            Err(error) if error.is_temporary() => return Err(Error::Apply(error)),
            Err(error) => failure = error.to_string(),
        }
        tx.execute(query("ROLLBACK TO SAVEPOINT event")).await?;
        tx.execute(query("RELEASE SAVEPOINT event")).await?;
    }
    Ok(Err(failure))
}

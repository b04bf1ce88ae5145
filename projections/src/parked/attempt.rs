//! Opens one event, and applies it to one projection behind a savepoint.

use crate::{ApplyError, Error, Opened, Projection};
use event_store::{EventStore, RecordedEvent};
use sql::{Transaction, query};

/// The immediate attempts before an event is parked.
pub(crate) const ATTEMPTS: u32 = 3;

/// Why an event was not applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) error: String,
    /// This build does not know the event; another build can apply it.
    pub(crate) unreadable: bool,
}

impl From<ApplyError> for Failure {
    fn from(error: ApplyError) -> Self {
        let unreadable = matches!(&error, ApplyError::Open(error) if error.is_for_another_build());
        Self { error: error.to_string(), unreadable }
    }
}

impl From<String> for Failure {
    fn from(error: String) -> Self {
        Self { error, unreadable: false }
    }
}

pub(crate) async fn open<'e>(store: &EventStore, event: &'e RecordedEvent) -> Result<Opened<'e>, ApplyError> {
    Ok(Opened { record: &event.record, event: store.open_event(event).await? })
}

/// Applies one event, at most `tries` times, and undoes each failed attempt. The inner result names the failure.
///
/// # Errors
/// A temporary error, which ends the transaction.
pub(crate) async fn attempt(
    tx: &mut Transaction,
    projection: Projection,
    opened: &Result<Opened<'_>, Failure>,
    tries: u32,
) -> Result<Result<(), Failure>, Error> {
    let event = match opened {
        Ok(event) => *event,
        Err(failure) => return Ok(Err(failure.clone())),
    };
    let mut failure = Failure::from(String::new());
    for _ in 0..tries {
        tx.execute(query("SAVEPOINT event")).await?;
        match projection.apply(tx, &[event]).await {
            Ok(()) => {
                tx.execute(query("RELEASE SAVEPOINT event")).await?;
                return Ok(Ok(()));
            }
            Err(error) if error.is_temporary() => return Err(Error::Apply(error)),
            Err(error) => failure = error.into(),
        }
        tx.execute(query("ROLLBACK TO SAVEPOINT event")).await?;
        tx.execute(query("RELEASE SAVEPOINT event")).await?;
    }
    Ok(Err(failure))
}

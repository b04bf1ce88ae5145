//! Events as they are read, and a state that takes one.

use domain::{Aggregate, Event};
use event_store::{EventStore, OpenError, ReadError, RecordedEvent};

/// Whether an event that does not [`open`] is one that a newer build wrote: it must not be passed over in silence.
pub async fn is_newer(store: &EventStore, event: &RecordedEvent) -> bool {
    store.open_event(event).await.is_err_and(|error| error.is_for_another_build())
}

/// Opens an event; `None`, and a line in the log, for one that this build will never open.
///
/// # Errors
/// [`ReadError`] when trying again later may open it.
pub async fn open<'e>(store: &EventStore, event: &'e RecordedEvent) -> Result<Option<&'e Event>, ReadError> {
    match store.open_event(event).await {
        Ok(event) => Ok(Some(event)),
        Err(OpenError::Read(error)) => Err(error),
        Err(error) => {
            let position = event.record.position;
            tracing::error!(event.position = position, error.cause = %error, "an event cannot be read");
            Ok(None)
        }
    }
}

/// Folds an event into a state.
pub(super) fn take<A: Aggregate>(state: &mut A, event: &A::Event) {
    state.apply(event.clone());
}

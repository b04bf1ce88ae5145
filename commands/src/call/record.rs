//! The record of a call: the message that states how it went.

use crate::{
    CommandError, Commands,
    engine::{Versioned, fold},
};
use domain::{CallId, MessageId, call::Call};
use event_store::{ClaimKind, RecordedEvent};
use std::sync::Arc;
use uuid::Builder;

impl Commands {
    /// The id of the message that records `call` in its conversation. It is constant and derived with a key of the log,
    /// so that no client can use it first.
    #[must_use]
    pub fn call_record(&self, call: CallId) -> MessageId {
        let hash = self.store().claim_hash(ClaimKind::ActiveCall, &format!("record of {call}"));
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash[..16]);
        MessageId(Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// The state of a call after the first events of its stream.
    ///
    /// # Errors
    /// Fails when an event cannot be read.
    pub async fn call_after(&self, events: &[Arc<RecordedEvent>]) -> Result<Arc<Call>, CommandError> {
        Ok(fold::<Call>(self.store(), Versioned::default(), events).await?.state)
    }
}

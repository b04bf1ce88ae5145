//! Attaching payloads to events of calls.

use super::{Attachment, Hub};
use broker::Signal;
use domain::Timestamp;
use serde::Deserialize as _;
use uuid::Uuid;

impl Hub {
    /// Sends the payload of a command on a call right after its event, or now if the event was sent already.
    pub fn attach(&self, attachment: Attachment, now: Timestamp) {
        let Attachment { from_user_id, from_session_id, .. } = attachment;
        let late = self.state().call_payloads.attach(attachment);
        let Some((call_signal, conversation)) = late else { return };
        match serde_json::to_value(&call_signal) {
            Ok(data) => {
                let signal = Signal {
                    scope: Some(conversation),
                    from: Some(from_user_id.0),
                    from_session: Some(from_session_id.0),
                    ..Signal::new("call.signal", data, i64::MAX)
                };
                self.tell(&signal, now);
            }
            Err(error) => tracing::error!(error.cause = %error, "cannot write the payload of a call's event"),
        }
    }

    /// Discards the payload: the command was refused.
    pub fn detach(&self, correlation_id: Uuid) {
        self.state().call_payloads.detach(correlation_id);
    }

    /// Takes the payload from the signal of another process, or of this one.
    pub(super) fn attach_from(&self, signal: &Signal, now: Timestamp) {
        match Attachment::deserialize(&signal.data) {
            Ok(attachment) => self.attach(attachment, now),
            Err(error) => tracing::error!(error.cause = %error, "cannot read the payload of a call's event"),
        }
    }
}

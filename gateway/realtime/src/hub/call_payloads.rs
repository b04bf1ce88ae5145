//! Payloads of commands on calls for the devices of the others, such as a session description: never stored, sent right
//! after the command's event. Payload and event may reach a process in either order.

use super::frames::frame;
use axum::extract::ws::Utf8Bytes;
use broker::Signal;
use domain::{CallId, SessionId, UserId};
use event_store::Record;
use protocol::{CallSignal, SignalKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    cell::OnceCell,
    collections::{HashMap, VecDeque},
};
use uuid::Uuid;

/// The name of the signal between processes.
pub(super) const ATTACHED: &str = "call.attached";
/// Requests remembered; the oldest are dropped first. With the largest payloads they take 16 MiB.
const REMEMBERED: usize = 1_024;
/// How long the other processes accept it, in milliseconds.
const WORTH_MS: i64 = 30_000;

/// The payload of a command on a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// The correlation id of the command and of its event.
    pub correlation_id: Uuid,
    /// The actor.
    pub from_user_id: UserId,
    /// The actor's device, the only one that does not receive it.
    pub from_session_id: SessionId,
    /// Its kind.
    pub kind: SignalKind,
    /// Any JSON.
    pub payload: Value,
}

impl Attachment {
    /// The signal to the other processes that have members of the conversation.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn signal(&self, conversation: Uuid, now: i64) -> Result<Signal, serde_json::Error> {
        Ok(Signal {
            scope: Some(conversation),
            from: Some(self.from_user_id.0),
            from_session: Some(self.from_session_id.0),
            ..Signal::new(ATTACHED, serde_json::to_value(self)?, now.saturating_add(WORTH_MS))
        })
    }

    fn into_call_signal(self, call: CallId) -> CallSignal {
        CallSignal {
            call_id: call,
            from_user_id: self.from_user_id,
            from_session_id: self.from_session_id.0,
            kind: self.kind,
            payload: self.payload,
        }
    }
}

/// The payloads of recent requests on calls.
#[derive(Default)]
pub(super) struct CallSignalPayloads {
    requests: HashMap<Uuid, Known>,
    order: VecDeque<Uuid>,
}

/// The state of one request.
enum Known {
    /// Its payload has come, and its event has not.
    Waiting(Attachment),
    /// Its event has come, of this call and conversation, and no payload.
    Dispatched(CallId, Uuid),
    /// Both were sent.
    Sent,
}

/// A payload that is sent right after its event, to all but one session.
pub(super) struct CallSignalPayload {
    pub(super) from_session: SessionId,
    call_signal: CallSignal,
    /// The JSON of its payload.
    payload: String,
    frame: OnceCell<Utf8Bytes>,
}

impl CallSignalPayload {
    /// The JSON of its payload alone.
    pub(super) fn payload(&self) -> &str {
        &self.payload
    }

    /// Its frame on `/ws`: the same bytes for all.
    pub(super) fn frame(&self) -> Utf8Bytes {
        self.frame.get_or_init(|| frame("call.signal", &self.call_signal)).clone()
    }
}

impl CallSignalPayloads {
    /// Keeps a payload that precedes its event. Answers the signal to send now if the event came first; else `None`.
    pub(super) fn attach(&mut self, attachment: Attachment) -> Option<(CallSignal, Uuid)> {
        let request = attachment.correlation_id;
        match self.requests.get(&request) {
            None => self.remember(request, Known::Waiting(attachment)),
            Some(Known::Waiting(_) | Known::Sent) => (),
            Some(Known::Dispatched(call, conversation)) => {
                let call_signal = (attachment.into_call_signal(*call), *conversation);
                self.requests.insert(request, Known::Sent);
                return Some(call_signal);
            }
        }
        None
    }

    /// Its command came to nothing.
    pub(super) fn detach(&mut self, request: Uuid) {
        if let Some(Known::Waiting(_)) = self.requests.get(&request) {
            self.requests.insert(request, Known::Sent);
        }
    }

    /// The payload to send right after an event.
    pub(super) fn beside(&self, record: &Record) -> Option<CallSignalPayload> {
        let Some(Known::Waiting(attachment)) = self.requests.get(&request_of(record)?) else { return None };
        let (from_session, payload) = (attachment.from_session_id, attachment.payload.to_string());
        let call_signal = attachment.clone().into_call_signal(record.aggregate_id.into());
        Some(CallSignalPayload { from_session, call_signal, payload, frame: OnceCell::new() })
    }

    /// An event was dispatched, together with the payload that waited for it.
    pub(super) fn dispatched(&mut self, record: &Record) {
        let Some(request) = request_of(record) else { return };
        match self.requests.get(&request) {
            None => self.remember(request, Known::Dispatched(record.aggregate_id.into(), record.scope)),
            Some(Known::Waiting(_)) => drop(self.requests.insert(request, Known::Sent)),
            Some(Known::Dispatched(..) | Known::Sent) => (),
        }
    }

    fn remember(&mut self, request: Uuid, known: Known) {
        self.requests.insert(request, known);
        self.order.push_back(request);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.requests.remove(&oldest);
        }
    }
}

/// The request that an event of a call answers.
fn request_of(record: &Record) -> Option<Uuid> {
    record.origin.correlation_id.filter(|_| record.event_type.starts_with("call."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Lane, Partition, Tier, Timestamp};
    use event_store::Origin;

    fn attachment(request: u128) -> Attachment {
        Attachment {
            correlation_id: Uuid::from_u128(request),
            from_user_id: UserId(Uuid::from_u128(1)),
            from_session_id: SessionId(Uuid::from_u128(2)),
            kind: SignalKind::Offer,
            payload: request.to_string().into(),
        }
    }

    fn event(request: u128) -> Record {
        Record {
            position: 1,
            aggregate_type: "call".to_owned(),
            aggregate_id: Uuid::from_u128(7),
            sequence: 1,
            event_type: "call.ringing".to_owned(),
            event_version: 1,
            payload: "{}".to_owned(),
            metadata: "{}".to_owned(),
            scope: Uuid::from_u128(9),
            scope_seq: 0,
            lane: Lane { tier: Tier::High, partition: Partition(0) },
            origin: Origin { actor: None, correlation_id: Some(Uuid::from_u128(request)), causation_id: None },
            command_key: String::new(),
            recorded_at: Timestamp::default(),
            digest: [0; 32],
        }
    }

    #[test]
    fn an_early_payload_is_sent_right_after_its_event() {
        let mut attached = CallSignalPayloads::default();
        assert!(attached.attach(attachment(3)).is_none() && attached.attach(attachment(3)).is_none());
        assert!(attached.beside(&event(4)).is_none(), "of another request");
        let beside = attached.beside(&event(3)).unwrap();
        let frame: Value = serde_json::from_str(&beside.frame()).unwrap();
        assert_eq!((&frame["signal"], &frame["data"]["payload"]), (&"call.signal".into(), &"3".into()));
        assert_eq!(frame["data"]["callId"], Uuid::from_u128(7).to_string());
        attached.dispatched(&event(3));
        assert!(attached.beside(&event(3)).is_none() && attached.attach(attachment(3)).is_none(), "sent once");
    }

    #[test]
    fn a_late_payload_is_sent_at_once() {
        let mut attached = CallSignalPayloads::default();
        attached.dispatched(&event(3));
        let (call_signal, conversation) = attached.attach(attachment(3)).unwrap();
        assert_eq!((call_signal.call_id.0, conversation), (Uuid::from_u128(7), Uuid::from_u128(9)));
        assert!(attached.attach(attachment(3)).is_none());
    }

    #[test]
    fn the_payload_of_a_refused_command_is_not_sent() {
        let mut attached = CallSignalPayloads::default();
        attached.attach(attachment(3));
        attached.detach(Uuid::from_u128(3));
        assert!(attached.attach(attachment(3)).is_none(), "nor when one's own signal comes back");
        assert!(attached.beside(&event(3)).is_none());
    }

    #[test]
    fn the_oldest_goes_first() {
        let mut attached = CallSignalPayloads::default();
        for request in 0..=REMEMBERED as u128 {
            attached.attach(attachment(request));
        }
        assert!(attached.beside(&event(0)).is_none());
        assert!(attached.beside(&event(1)).is_some() && attached.beside(&event(REMEMBERED as u128)).is_some());
        assert_eq!(attached.requests.len(), REMEMBERED);
    }
}

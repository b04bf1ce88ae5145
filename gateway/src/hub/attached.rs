//! What a command on a call has beside it for the devices of the others (a session description, say): never stored, told
//! right after the command's event. It and the event may come to a process in either order.

use super::{Hub, signals::frame};
use crate::calls::{CallSignal, SignalKind};
use axum::extract::ws::Utf8Bytes;
use broker::Signal;
use domain::{CallId, SessionId, Timestamp, UserId};
use event_store::Record;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    cell::OnceCell,
    collections::{HashMap, VecDeque},
};
use uuid::Uuid;

/// The name under which processes tell each other.
pub(super) const ATTACHED: &str = "call.attached";
/// How many requests are remembered; the oldest go first. Of a payload's size each at most, some 16 MiB.
const REMEMBERED: usize = 1_024;
/// How long it is worth telling the other processes, in milliseconds.
const WORTH_MS: i64 = 30_000;

/// What a command on a call has beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// The command's request: its event has the same.
    pub correlation_id: Uuid,
    /// Who commands.
    pub from_user_id: UserId,
    /// On which device; it alone is not told.
    pub from_session_id: SessionId,
    /// What it is for.
    pub kind: SignalKind,
    /// What is told.
    pub payload: Value,
}

impl Attachment {
    /// The signal by which the other processes that have members of the conversation hear of it.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn signal(&self, conversation: Uuid, now: i64) -> Result<Signal, serde_json::Error> {
        Ok(Signal {
            name: ATTACHED.to_owned(),
            scope: Some(conversation),
            users: Vec::new(),
            from: Some(self.from_user_id.0),
            from_session: Some(self.from_session_id.0),
            to_session: None,
            within: None,
            except: Vec::new(),
            told_at: None,
            data: serde_json::to_value(self)?,
            expires_at: now.saturating_add(WORTH_MS),
        })
    }

    fn told(self, call: CallId) -> CallSignal {
        CallSignal {
            call_id: call,
            from_user_id: self.from_user_id,
            from_session_id: self.from_session_id.0,
            kind: self.kind,
            payload: self.payload,
        }
    }
}

/// What is known of requests on calls.
#[derive(Default)]
pub(super) struct Attached {
    requests: HashMap<Uuid, Known>,
    order: VecDeque<Uuid>,
}

/// What is known of one request.
enum Known {
    /// What it has beside it; its event has not come.
    Waiting(Attachment),
    /// Its event has come, of this call and conversation, and nothing beside it.
    Dispatched(CallId, Uuid),
    /// Both were told.
    Told,
}

/// What is told right after an event, to all but one session.
pub(super) struct Beside {
    pub(super) from_session: SessionId,
    told: CallSignal,
    /// The JSON of its payload.
    payload: String,
    frame: OnceCell<Utf8Bytes>,
}

impl Beside {
    /// The JSON of its payload alone.
    pub(super) fn payload(&self) -> &str {
        &self.payload
    }

    /// Its frame on `/ws`: the same bytes for all.
    pub(super) fn frame(&self) -> Utf8Bytes {
        self.frame.get_or_init(|| frame("call.signal", &self.told)).clone()
    }
}

impl Attached {
    /// Keeps what comes before its event. What comes after is answered, to be told now; what comes twice is not.
    pub(super) fn attach(&mut self, attachment: Attachment) -> Option<(CallSignal, Uuid)> {
        let request = attachment.correlation_id;
        match self.requests.get(&request) {
            None => self.remember(request, Known::Waiting(attachment)),
            Some(Known::Waiting(_) | Known::Told) => (),
            Some(Known::Dispatched(call, conversation)) => {
                let told = (attachment.told(*call), *conversation);
                self.requests.insert(request, Known::Told);
                return Some(told);
            }
        }
        None
    }

    /// Its command came to nothing.
    pub(super) fn detach(&mut self, request: Uuid) {
        if let Some(Known::Waiting(_)) = self.requests.get(&request) {
            self.requests.insert(request, Known::Told);
        }
    }

    /// What is to be told right after an event.
    pub(super) fn beside(&self, record: &Record) -> Option<Beside> {
        let Some(Known::Waiting(attachment)) = self.requests.get(&request_of(record)?) else { return None };
        let (from_session, payload) = (attachment.from_session_id, attachment.payload.to_string());
        let told = attachment.clone().told(record.aggregate_id.into());
        Some(Beside { from_session, told, payload, frame: OnceCell::new() })
    }

    /// An event has been told, and what was beside it.
    pub(super) fn dispatched(&mut self, record: &Record) {
        let Some(request) = request_of(record) else { return };
        match self.requests.get(&request) {
            None => self.remember(request, Known::Dispatched(record.aggregate_id.into(), record.scope)),
            Some(Known::Waiting(_)) => drop(self.requests.insert(request, Known::Told)),
            Some(Known::Dispatched(..) | Known::Told) => (),
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

impl Hub {
    /// Tells what a command on a call has beside it right after its event, or now if that was told already.
    pub fn attach(&self, attachment: Attachment, now: Timestamp) {
        let Attachment { from_user_id, from_session_id, .. } = attachment;
        let late = self.state().attached.attach(attachment);
        let Some((told, conversation)) = late else { return };
        match serde_json::to_value(&told) {
            Ok(data) => {
                let signal = Signal {
                    name: "call.signal".to_owned(),
                    scope: Some(conversation),
                    users: Vec::new(),
                    from: Some(from_user_id.0),
                    from_session: Some(from_session_id.0),
                    to_session: None,
                    within: None,
                    except: Vec::new(),
                    told_at: None,
                    data,
                    expires_at: i64::MAX,
                };
                self.tell(&signal, now);
            }
            Err(error) => tracing::error!(error.cause = %error, "what was beside a call's event cannot be told"),
        }
    }

    /// The command came to nothing: what it has beside it is told to nobody here.
    pub fn detach(&self, correlation_id: Uuid) {
        self.state().attached.detach(correlation_id);
    }

    /// Another process attaches something, or this one hears its own signal.
    pub(super) fn attach_from(&self, signal: &Signal, now: Timestamp) {
        match Attachment::deserialize(&signal.data) {
            Ok(attachment) => self.attach(attachment, now),
            Err(error) => tracing::error!(error.cause = %error, "what is beside a call's event cannot be read"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Lane, Partition, Tier};
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
    fn what_comes_first_is_told_right_after_its_event() {
        let mut attached = Attached::default();
        assert!(attached.attach(attachment(3)).is_none() && attached.attach(attachment(3)).is_none());
        assert!(attached.beside(&event(4)).is_none(), "of another request");
        let beside = attached.beside(&event(3)).unwrap();
        let frame: Value = serde_json::from_str(&beside.frame()).unwrap();
        assert_eq!((&frame["signal"], &frame["data"]["payload"]), (&"call.signal".into(), &"3".into()));
        assert_eq!(frame["data"]["callId"], Uuid::from_u128(7).to_string());
        attached.dispatched(&event(3));
        assert!(attached.beside(&event(3)).is_none() && attached.attach(attachment(3)).is_none(), "told once");
    }

    #[test]
    fn what_comes_late_is_told_at_once() {
        let mut attached = Attached::default();
        attached.dispatched(&event(3));
        let (told, conversation) = attached.attach(attachment(3)).unwrap();
        assert_eq!((told.call_id.0, conversation), (Uuid::from_u128(7), Uuid::from_u128(9)));
        assert!(attached.attach(attachment(3)).is_none());
    }

    #[test]
    fn what_came_to_nothing_is_told_to_nobody() {
        let mut attached = Attached::default();
        attached.attach(attachment(3));
        attached.detach(Uuid::from_u128(3));
        assert!(attached.attach(attachment(3)).is_none(), "nor when one's own signal comes back");
        assert!(attached.beside(&event(3)).is_none());
    }

    #[test]
    fn the_oldest_goes_first() {
        let mut attached = Attached::default();
        for request in 0..=REMEMBERED as u128 {
            attached.attach(attachment(request));
        }
        assert!(attached.beside(&event(0)).is_none());
        assert!(attached.beside(&event(1)).is_some() && attached.beside(&event(REMEMBERED as u128)).is_some());
        assert_eq!(attached.requests.len(), REMEMBERED);
    }
}

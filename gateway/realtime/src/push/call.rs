//! A call folded up to one of its events, with the times that its resource tells.

use super::opened::{open, take};
use domain::{
    AggregateType, CallId, Event, Timestamp, UserId,
    call::{Call, CallEvent, Standing, duration},
};
use event_store::{EventStore, ReadError, Record, StreamId};
use protocol::resource;
use std::collections::BTreeMap;
use uuid::Uuid;

/// A call folded up to one of its events.
#[derive(Clone, Debug, Default)]
pub(super) struct CallFold {
    state: Call,
    ringing_at: Timestamp,
    answered_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    /// When each participant first came, and left.
    times: BTreeMap<UserId, (Timestamp, Option<Timestamp>)>,
}

impl CallFold {
    /// What it takes of memory, in bytes, about.
    pub(super) fn weight(&self) -> usize {
        512 + 160 * (self.state.size() + self.times.len())
    }

    pub(super) fn apply(&mut self, record: &Record, event: &CallEvent) {
        let at = record.recorded_at;
        match event {
            CallEvent::Ringing { caller, .. } => {
                self.ringing_at = at;
                self.times.insert(*caller, (at, None));
            }
            CallEvent::Answered { user, .. } => {
                self.answered_at = self.answered_at.or(Some(at));
                self.times.entry(*user).or_insert((at, None)).1 = None;
            }
            CallEvent::Left { user, .. } => self.leave(*user, at),
            CallEvent::Refused { .. } | CallEvent::Missed { .. } | CallEvent::Closed { .. } => (),
        }
        if event.ends() {
            self.ended_at = Some(at);
            for user in self.state.with_standing(Standing::Present).collect::<Vec<_>>() {
                self.leave(user, at);
            }
        }
        take(&mut self.state, event);
    }

    fn leave(&mut self, user: UserId, at: Timestamp) {
        if self.state.standing(user) == Some(Standing::Present)
            && let Some(times) = self.times.get_mut(&user)
        {
            times.1 = Some(at);
        }
    }

    /// The resource; `None` for a stream without events.
    pub(super) fn resource(&self, id: CallId) -> Option<resource::Call> {
        let begun = self.state.begun()?;
        let participants = self.times.iter().map(|(user, (joined_at, left_at))| resource::Participant {
            user_id: *user,
            joined_at: *joined_at,
            left_at: *left_at,
        });
        Some(resource::Call {
            id,
            conversation_id: begun.conversation,
            call_type: begun.call_type.as_str().to_owned(),
            caller_id: begun.caller,
            status: self.state.status().as_str().to_owned(),
            participants: resource::Participant::in_order(participants.collect()),
            ringing: self.state.with_standing(Standing::Ringing).collect(),
            refused: self.state.with_standing(Standing::Refused).collect(),
            ringing_at: self.ringing_at,
            answered_at: self.answered_at,
            ended_at: self.ended_at,
            end_reason: self.state.end_reason().map(|reason| reason.as_str().to_owned()),
            duration: duration(self.answered_at, self.ended_at),
        })
    }
}

/// A call as it was after its event with this sequence (`u64::MAX`: as it is), straight from the log, and the requests
/// that led to that state.
///
/// # Errors
/// [`ReadError`] when its stream cannot be read.
pub async fn call_at(
    store: &EventStore,
    id: CallId,
    sequence: u64,
) -> Result<Option<(resource::Call, Vec<Uuid>)>, ReadError> {
    let (mut fold, mut requests) = (CallFold::default(), Vec::new());
    for event in store.load_many(&[(StreamId::new(AggregateType::Call, id), sequence)]).await? {
        if let Some(Event::Call(happened)) = open(store, &event).await? {
            fold.apply(&event.record, happened);
            requests.extend(event.record.origin.correlation_id);
        }
    }
    Ok(fold.resource(id).map(|resource| (resource, requests)))
}

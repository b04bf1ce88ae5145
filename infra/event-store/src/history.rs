//! Former states of aggregates: a stream folded up to a moment by the domain's code.

use crate::{EventStore, OpenError, Position, ReadError, Record, RecordedEvent, StreamId};
use domain::{
    Aggregate, AggregateType, Timestamp, administration::Administration, audit::AuditReading, call::Call,
    conduct::Conduct, conversation::Conversation, file::File, friendship::Friendship, message::Message,
    own_settings::OwnSettings, read_marker::ReadMarker, report::Report, session::Session, story::Story, user::User,
};
use serde::Serialize;
use serde_json::Value;
use std::{fmt, str::FromStr, sync::Arc};

/// Events of a stream read at a time.
const PORTION: u32 = 1_024;

/// A point in the log: a position, or a time of the writers' clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A position.
    At(Position),
    /// A time.
    Time(Timestamp),
}

/// A text that is neither a position nor a time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither a position nor an RFC 3339 time")]
pub struct NoMoment(String);

impl Moment {
    /// Whether the event is at this moment or before it.
    #[must_use]
    pub fn is_at_or_after(&self, record: &Record) -> bool {
        match self {
            Self::At(position) => record.position <= *position,
            Self::Time(time) => record.recorded_at <= *time,
        }
    }

    /// Whether the event is at this moment or after it.
    #[must_use]
    pub fn is_at_or_before(&self, record: &Record) -> bool {
        match self {
            Self::At(position) => record.position >= *position,
            Self::Time(time) => record.recorded_at >= *time,
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(position) => position.fmt(f),
            Self::Time(time) => time.fmt(f),
        }
    }
}

impl FromStr for Moment {
    type Err = NoMoment;

    fn from_str(text: &str) -> Result<Self, NoMoment> {
        let position = text.parse().map(Self::At).ok();
        let time = || Timestamp::parse(text).map(Self::Time);
        position.or_else(time).ok_or_else(|| NoMoment(text.to_owned()))
    }
}

/// A former state of an aggregate.
#[derive(Clone, Debug, PartialEq)]
pub struct StateAt {
    /// The aggregate.
    pub stream: StreamId,
    /// The sequence of its last event.
    pub version: u64,
    /// The position of that event.
    pub position: Position,
    /// When that event was recorded.
    pub at: Timestamp,
    /// The state; values of erased people are null.
    pub state: Value,
}

impl EventStore {
    /// The state of an aggregate at a moment (`None`: now): its stream up to the last event before the first later one. `None`
    /// when it has no event up to then.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn state_at(&self, stream: StreamId, at: Option<Moment>) -> Result<Option<StateAt>, OpenError> {
        match stream.aggregate {
            AggregateType::User => self.folded::<User>(stream, at).await,
            AggregateType::Session => self.folded::<Session>(stream, at).await,
            AggregateType::Friendship => self.folded::<Friendship>(stream, at).await,
            AggregateType::Conversation => self.folded::<Conversation>(stream, at).await,
            AggregateType::Message => self.folded::<Message>(stream, at).await,
            AggregateType::ReadMarker => self.folded::<ReadMarker>(stream, at).await,
            AggregateType::Call => self.folded::<Call>(stream, at).await,
            AggregateType::OwnSettings => self.folded::<OwnSettings>(stream, at).await,
            AggregateType::File => self.folded::<File>(stream, at).await,
            AggregateType::Conduct => self.folded::<Conduct>(stream, at).await,
            AggregateType::Story => self.folded::<Story>(stream, at).await,
            AggregateType::Report => self.folded::<Report>(stream, at).await,
            AggregateType::Administration => self.folded::<Administration>(stream, at).await,
            AggregateType::Audit => self.folded::<AuditReading>(stream, at).await,
        }
    }

    /// Folds the stream, a portion at a time.
    async fn folded<A: Aggregate + Serialize>(
        &self,
        stream: StreamId,
        at: Option<Moment>,
    ) -> Result<Option<StateAt>, OpenError> {
        let mut state = A::default();
        let mut last: Option<Arc<RecordedEvent>> = None;
        'stream: loop {
            let version = last.as_ref().map_or(0, |last| last.record.sequence);
            let events = self.load_some(stream, version, None, PORTION).await?;
            let is_last = events.len() < PORTION as usize;
            for event in events {
                if at.is_some_and(|at| !at.is_at_or_after(&event.record)) {
                    break 'stream;
                }
                let opened = self.open_event(&event).await?.clone();
                let name = opened.event_type().name;
                let alien = |_| ReadError::Damaged(format!("a stream contains {name}, which is of another aggregate"));
                state.apply(A::Event::try_from(opened).map_err(alien)?);
                last = Some(event);
            }
            if is_last {
                break;
            }
        }
        let Some(last) = last else { return Ok(None) };
        let record = &last.record;
        let (version, position, at) = (record.sequence, record.position, record.recorded_at);
        Ok(Some(StateAt { stream, version, position, at, state: serde_json::to_value(state)? }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_position_or_a_time() {
        assert_eq!("17".parse(), Ok(Moment::At(17)));
        let time = Timestamp::from_millis(1_500);
        assert_eq!("1970-01-01T00:00:01.500Z".parse(), Ok(Moment::Time(time)));
        assert_eq!(Moment::Time(time).to_string(), "1970-01-01T00:00:01.500Z");
        assert!("yesterday".parse::<Moment>().is_err());
    }
}

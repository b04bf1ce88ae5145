//! Aggregates as they were: a stream folded up to a moment, by the domain's own code.

use crate::{EventStore, OpenError, Position, ReadError, Record, StreamId};
use domain::{
    Aggregate, AggregateType, Event, Timestamp, administration::Administration, audit::AuditReading, call::Call,
    conduct::Conduct, conversation::Conversation, file::File, friendship::Friendship, message::Message,
    own_settings::OwnSettings, read_marker::ReadMarker, report::Report, session::Session, story::Story, user::User,
};
use serde::Serialize;
use serde_json::Value;
use std::{fmt, str::FromStr};

/// A place in the log: a position, or a time of the writers' clocks.
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
    /// Whether the event is of this moment or before it.
    #[must_use]
    pub fn is_at_or_after(&self, record: &Record) -> bool {
        match self {
            Self::At(position) => record.position <= *position,
            Self::Time(time) => record.recorded_at <= *time,
        }
    }

    /// Whether the event is of this moment or after it.
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

/// An aggregate as it was.
#[derive(Clone, Debug, PartialEq)]
pub struct StateAt {
    /// Which one.
    pub stream: StreamId,
    /// The sequence of the last event in it.
    pub version: u64,
    /// The position of that event.
    pub position: Position,
    /// When that event was recorded.
    pub at: Timestamp,
    /// The state; what was forgotten is null.
    pub state: Value,
}

impl EventStore {
    /// The state of an aggregate as it was (`None`: as it is): its stream up to the last event before the first one
    /// that is later. `None` when it has no event up to then.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn state_at(&self, stream: StreamId, at: Option<Moment>) -> Result<Option<StateAt>, OpenError> {
        let mut events = Vec::new();
        let mut last = None;
        for event in self.load(stream, 0).await? {
            if at.is_some_and(|at| !at.is_at_or_after(&event.record)) {
                break;
            }
            events.push(self.open_event(&event).await?.clone());
            last = Some(event);
        }
        let Some(last) = last else { return Ok(None) };
        let state = match stream.aggregate {
            AggregateType::User => fold::<User>(events),
            AggregateType::Session => fold::<Session>(events),
            AggregateType::Friendship => fold::<Friendship>(events),
            AggregateType::Conversation => fold::<Conversation>(events),
            AggregateType::Message => fold::<Message>(events),
            AggregateType::ReadMarker => fold::<ReadMarker>(events),
            AggregateType::Call => fold::<Call>(events),
            AggregateType::OwnSettings => fold::<OwnSettings>(events),
            AggregateType::File => fold::<File>(events),
            AggregateType::Conduct => fold::<Conduct>(events),
            AggregateType::Story => fold::<Story>(events),
            AggregateType::Report => fold::<Report>(events),
            AggregateType::Administration => fold::<Administration>(events),
            AggregateType::Audit => fold::<AuditReading>(events),
        }?;
        let record = &last.record;
        let (version, position, at) = (record.sequence, record.position, record.recorded_at);
        Ok(Some(StateAt { stream, version, position, at, state }))
    }
}

fn fold<A: Aggregate + Serialize>(events: Vec<Event>) -> Result<Value, OpenError> {
    let mut state = A::default();
    for event in events {
        let name = event.kind().name;
        let alien = |_| ReadError::Damaged(format!("a stream contains {name}, which is of another aggregate"));
        state.apply(A::Event::try_from(event).map_err(alien)?);
    }
    Ok(serde_json::to_value(state)?)
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

//! A place in the log: a position, or a time.

use domain::Timestamp;
use event_store::{Position, Record};
use std::str::FromStr;

/// A position, or a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// A position.
    At(Position),
    /// A time of the writers' clocks.
    Time(Timestamp),
}

impl Moment {
    /// Whether the event is of this moment or before it.
    pub(crate) fn is_at_or_after(&self, record: &Record) -> bool {
        match self {
            Self::At(position) => record.position <= *position,
            Self::Time(time) => record.recorded_at <= *time,
        }
    }

    /// Whether the event is of this moment or after it.
    pub(crate) fn is_at_or_before(&self, record: &Record) -> bool {
        match self {
            Self::At(position) => record.position >= *position,
            Self::Time(time) => record.recorded_at >= *time,
        }
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let position = text.parse().map(Self::At).ok();
        let time = || Timestamp::parse(text).map(Self::Time);
        position.or_else(time).ok_or_else(|| format!("{text:?} is neither a position nor an RFC 3339 time"))
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
        assert!("yesterday".parse::<Moment>().is_err());
    }
}

//! Failures that the sockets of a run survived.

use crate::socket::Ended;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Resilience {
    /// Sockets that ended and came back.
    pub(crate) reconnects: usize,
    /// The number of ends, by reason.
    pub(crate) ended: BTreeMap<String, usize>,
    /// Messages sent again with the same key after the end of a socket.
    pub(crate) resent: usize,
    /// Temporary refusals, each followed by another attempt with the same key.
    pub(crate) refused: usize,
    /// Sockets that came back and had missed something.
    pub(crate) gaps_repaired: usize,
    /// Events that they had missed and received.
    pub(crate) events_repaired: usize,
    /// The longest time without a socket (milliseconds).
    pub(crate) longest_away: f64,
    /// The longest time without a delivery at one socket (milliseconds), from the first measured second on.
    pub(crate) longest_silence: f64,
    /// The longest time without a delivery at any socket (milliseconds).
    pub(crate) longest_silence_anywhere: f64,
}

/// The longest times without a delivery, in the measured time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Silence {
    since: Option<Instant>,
    last: Option<Instant>,
    anywhere: Duration,
    one_socket: Duration,
}

impl Silence {
    pub(crate) fn begin(&mut self, now: Instant) {
        *self = Self { since: Some(now), last: Some(now), ..Self::default() };
    }

    /// Notes a delivery at a socket whose last one was at `last_here`.
    pub(crate) fn broken(&mut self, last_here: &mut Option<Instant>, now: Instant) {
        let (here, anywhere) = (last_here.replace(now), self.last.replace(now));
        let Some(since) = self.since else { return };
        let lasted = |last: Option<Instant>| now - last.map_or(since, |last| last.max(since));
        self.one_socket = self.one_socket.max(lasted(here));
        self.anywhere = self.anywhere.max(lasted(anywhere));
    }
}

impl Resilience {
    pub(crate) fn with(self, silence: Silence) -> Self {
        let (longest_silence, longest_silence_anywhere) = (millis(silence.one_socket), millis(silence.anywhere));
        Self { longest_silence, longest_silence_anywhere, ..self }
    }

    /// Notes a reconnect, the time without a socket, and the number of messages sent again.
    pub(crate) fn back(&mut self, ended: &Ended, away: Duration, resent: usize) {
        self.reconnects += 1;
        *self.ended.entry(ended.kind()).or_default() += 1;
        self.resent += resent;
        self.longest_away = self.longest_away.max(millis(away));
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::Silence;
    use std::time::{Duration, Instant};

    #[test]
    fn silence_counts_from_the_first_measured_moment() {
        let begun = Instant::now();
        let at = |millis| begun + Duration::from_millis(millis);
        let (mut silence, mut one, mut other) = (Silence::default(), None, None);
        silence.broken(&mut one, begun);
        silence.begin(at(100));
        silence.broken(&mut one, at(150));
        silence.broken(&mut other, at(180));
        silence.broken(&mut one, at(190));
        assert_eq!((silence.one_socket.as_millis(), silence.anywhere.as_millis()), (80, 50));
    }
}

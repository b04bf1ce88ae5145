//! When a session is pinged, and when it is given up.

use crate::Settings;
use std::{pin::Pin, time::Duration};
use tokio::time::{Instant, Sleep, sleep_until};

/// The heartbeat of a session.
pub(crate) struct Heartbeat {
    interval: Duration,
    timeout: Duration,
    /// When the last ping was sent, or the session opened.
    sent: Instant,
    is_awaiting: bool,
    due: Pin<Box<Sleep>>,
}

/// What a heartbeat asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beat {
    /// The client is to be pinged.
    Ping,
    /// The client did not answer in time.
    Silent,
}

impl Heartbeat {
    /// Of a session that opens now.
    pub(crate) fn new(settings: &Settings) -> Self {
        let (interval, timeout, sent) = (settings.ping_interval, settings.ping_timeout, Instant::now());
        Self { interval, timeout, sent, is_awaiting: false, due: Box::pin(sleep_until(sent + interval)) }
    }

    /// Waits until something is to be done. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Beat {
        self.due.as_mut().await;
        if self.is_awaiting {
            return Beat::Silent;
        }
        self.sent = Instant::now();
        self.is_awaiting = true;
        self.due.as_mut().reset(self.sent + self.timeout);
        Beat::Ping
    }

    /// The client lives.
    pub(crate) fn lives(&mut self) {
        if std::mem::take(&mut self.is_awaiting) {
            self.due.as_mut().reset(self.sent + self.interval);
        }
    }
}

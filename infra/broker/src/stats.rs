//! Counts of the messages that a process published and received through its broker.

use domain::Tier;
use serde::Serialize;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts of the messages that this process published and received since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Runs of high events.
    pub high: Traffic,
    /// Runs of medium events.
    pub medium: Traffic,
    /// Signals of calls.
    pub calls: Traffic,
    /// All other signals.
    pub low: Traffic,
    /// Messages of another log, or of a version this build does not know.
    pub foreign: u64,
    /// Messages that could not be read and were dead-lettered.
    pub unreadable: u64,
    /// Connections made after the first.
    pub reconnections: u64,
    /// Dead letters of this process.
    #[serde(rename = "buried")]
    pub dead_letters: u64,
    /// Dead letters that did not reach the dead-letter queue.
    pub undelivered: u64,
}

/// Messages of one kind that wait in a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The kind, as [`Stats`] names it.
    pub lane: &'static str,
    /// `consumers` of this process, or `rabbitmq`.
    pub to: &'static str,
    /// How many.
    pub messages: usize,
}

/// Messages of one kind. A message goes to this process's own subscribers and, with RabbitMQ, to those of others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Traffic {
    /// Published by this process.
    pub published: u64,
    /// Confirmed by RabbitMQ.
    pub confirmed: u64,
    /// Handed to RabbitMQ, which did not confirm them (in time).
    pub unconfirmed: u64,
    /// Confirmed messages that no queue wanted.
    pub returned: u64,
    /// Not handed to RabbitMQ: it was unavailable or too slow, or the message had expired.
    pub unsent: u64,
    /// Received from other processes.
    pub received: u64,
    /// Copies of this process's own messages, dropped undecoded.
    pub own: u64,
    /// Dropped because a subscriber of this process did not keep up; of signals, also expired ones.
    pub dropped: u64,
}

impl Traffic {
    /// Each count with its name.
    #[must_use]
    pub const fn counts(&self) -> [(&'static str, u64); 8] {
        [
            ("published", self.published),
            ("confirmed", self.confirmed),
            ("unconfirmed", self.unconfirmed),
            ("returned", self.returned),
            ("unsent", self.unsent),
            ("received", self.received),
            ("own", self.own),
            ("dropped", self.dropped),
        ]
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Relaxed);
    }

    pub(crate) fn one(&self) {
        self.add(1);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// [`Stats`] as they are counted.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) high: Counted,
    pub(crate) medium: Counted,
    pub(crate) calls: Counted,
    pub(crate) low: Counted,
    pub(crate) foreign: Counter,
    pub(crate) unreadable: Counter,
    pub(crate) reconnections: Counter,
    pub(crate) dead_letters: Counter,
    pub(crate) undelivered: Counter,
}

/// [`Traffic`] as it is counted.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    pub(crate) published: Counter,
    pub(crate) confirmed: Counter,
    pub(crate) unconfirmed: Counter,
    pub(crate) returned: Counter,
    pub(crate) unsent: Counter,
    pub(crate) received: Counter,
    pub(crate) own: Counter,
    pub(crate) dropped: Counter,
}

impl Counters {
    /// The runs of a tier.
    pub(crate) const fn runs(&self, tier: Tier) -> &Counted {
        match tier {
            Tier::High => &self.high,
            Tier::Medium => &self.medium,
            Tier::Low => &self.low,
        }
    }

    /// The signals of calls, or all others.
    pub(crate) const fn signals(&self, urgent: bool) -> &Counted {
        if urgent { &self.calls } else { &self.low }
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats {
            high: self.high.traffic(),
            medium: self.medium.traffic(),
            calls: self.calls.traffic(),
            low: self.low.traffic(),
            foreign: self.foreign.get(),
            unreadable: self.unreadable.get(),
            reconnections: self.reconnections.get(),
            dead_letters: self.dead_letters.get(),
            undelivered: self.undelivered.get(),
        }
    }
}

impl Counted {
    fn traffic(&self) -> Traffic {
        Traffic {
            published: self.published.get(),
            confirmed: self.confirmed.get(),
            unconfirmed: self.unconfirmed.get(),
            returned: self.returned.get(),
            unsent: self.unsent.get(),
            received: self.received.get(),
            own: self.own.get(),
            dropped: self.dropped.get(),
        }
    }
}

//! Messages that wait to be sent to RabbitMQ, in a bounded queue for each kind.

use super::{status::Side, wire::Parcel};
use crate::{
    Waiting,
    stats::{Counted, Counters},
};
use domain::Tier;
use tokio::sync::mpsc;

/// Room for retries, and for dead letters.
const LETTERS: usize = 1_024;
/// Room for signals of calls, at least.
const CALLS: usize = 4_096;

/// The kinds of messages, urgent ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    High,
    Calls,
    Retry,
    Letter,
    Medium,
    Low,
}

/// The sending ends of the queues, by kind.
#[derive(Debug)]
pub(crate) struct Outbox([mpsc::Sender<Parcel>; 6]);

/// The receiving ends.
#[derive(Debug)]
pub(crate) struct Parcels(pub(crate) [mpsc::Receiver<Parcel>; 6]);

impl Kind {
    pub(crate) const ALL: [Self; 6] = [Self::High, Self::Calls, Self::Retry, Self::Letter, Self::Medium, Self::Low];

    pub(crate) fn of(parcel: &Parcel) -> Self {
        match parcel {
            Parcel::Run(run) if run.lane.tier == Tier::High => Self::High,
            Parcel::Run(_) => Self::Medium,
            Parcel::Signal(signal, _) if signal.is_urgent() => Self::Calls,
            Parcel::Signal(..) => Self::Low,
            Parcel::Retry(..) => Self::Retry,
            Parcel::Letter(_) | Parcel::Unreadable(..) => Self::Letter,
        }
    }

    /// The counters of a kind; `None` for kinds that are no traffic between processes.
    pub(crate) const fn counted(self, counters: &Counters) -> Option<&Counted> {
        match self {
            Self::High => Some(&counters.high),
            Self::Medium => Some(&counters.medium),
            Self::Calls => Some(&counters.calls),
            Self::Low => Some(&counters.low),
            Self::Retry | Self::Letter => None,
        }
    }

    /// Its name in [`Stats`](crate::Stats); `None` for kinds that are no traffic between processes.
    const fn lane(self) -> Option<&'static str> {
        match self {
            Self::High => Some("high"),
            Self::Medium => Some("medium"),
            Self::Calls => Some("calls"),
            Self::Low => Some("low"),
            Self::Retry | Self::Letter => None,
        }
    }

    /// Counts a message that was not handed to RabbitMQ.
    pub(crate) fn count_unsent(self, counters: &Counters) {
        match self.counted(counters) {
            Some(counted) => counted.unsent.one(),
            None => self.count_lost(counters),
        }
    }

    /// Counts a message that RabbitMQ did not confirm.
    pub(crate) fn count_unconfirmed(self, counters: &Counters) {
        match self.counted(counters) {
            Some(counted) => counted.unconfirmed.one(),
            None => self.count_lost(counters),
        }
    }

    pub(crate) fn count_lost(self, counters: &Counters) {
        // The consumer finds a lost retry among the parked events.
        if self == Self::Letter {
            counters.undelivered.one();
            tracing::warn!("A dead letter did not reach RabbitMQ; the event stays parked");
        }
    }
}

impl Outbox {
    /// An outbox with room for `capacity` runs of each tier, and as many ordinary signals.
    pub(crate) fn new(capacity: usize) -> (Self, Parcels) {
        let room = |kind| match kind {
            Kind::High | Kind::Medium | Kind::Low => capacity.max(1),
            Kind::Calls => capacity.max(CALLS),
            Kind::Retry | Kind::Letter => LETTERS,
        };
        let [a, b, c, d, e, f] = Kind::ALL.map(|kind| mpsc::channel(room(kind)));
        (Self([a.0, b.0, c.0, d.0, e.0, f.0]), Parcels([a.1, b.1, c.1, d.1, e.1, f.1]))
    }

    /// What waits to be handed to RabbitMQ.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = Waiting> {
        Kind::ALL.into_iter().zip(&self.0).filter_map(|(kind, parcels)| {
            let messages = parcels.max_capacity() - parcels.capacity();
            Some(Waiting { lane: kind.lane()?, to: "rabbitmq", messages })
        })
    }

    /// Queues a message, if RabbitMQ is available and there is room; counts it otherwise. Returns whether it is queued.
    pub(crate) fn put(&self, parcel: Parcel, publishing: &Side, counters: &Counters) -> bool {
        let kind = Kind::of(&parcel);
        let put = publishing.is_up() && self.0[kind as usize].try_send(parcel).is_ok();
        if !put {
            kind.count_unsent(counters);
        }
        put
    }
}

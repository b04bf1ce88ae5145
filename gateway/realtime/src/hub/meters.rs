//! What the hub counts for each event. The handles are resolved once: events are frequent.

use domain::{Tier, Timestamp};
use event_store::Record;
use metrics::{Counter, Histogram, counter, histogram};

/// The handles of the hub's metrics.
pub(super) struct Meters {
    high: OfTier,
    medium: OfTier,
    fanout: Histogram,
}

struct OfTier {
    events: Counter,
    seconds: Histogram,
}

impl OfTier {
    fn new(tier: Tier) -> Self {
        Self {
            events: counter!("chatchit_hub_events_total", "tier" => tier.as_str()),
            seconds: histogram!("chatchit_push_seconds", "tier" => tier.as_str()),
        }
    }
}

impl Meters {
    pub(super) fn new() -> Self {
        Self {
            high: OfTier::new(Tier::High),
            medium: OfTier::new(Tier::Medium),
            fanout: histogram!("chatchit_hub_fanout_size"),
        }
    }

    /// An event was handled.
    pub(super) fn handled(&self, record: &Record) {
        self.of(record).events.increment(1);
    }

    /// An event was put into the outboxes of `sockets` sockets at `now`.
    pub(super) fn pushed(&self, record: &Record, sockets: usize, now: Timestamp) {
        self.fanout.record(f64::from(u32::try_from(sockets).unwrap_or(u32::MAX)));
        if sockets > 0 {
            let age = now.millis().saturating_sub(record.recorded_at.millis()).max(0);
            self.of(record).seconds.record(age as f64 / 1e3);
        }
    }

    const fn of(&self, record: &Record) -> &OfTier {
        match record.lane.tier {
            Tier::High => &self.high,
            Tier::Medium | Tier::Low => &self.medium,
        }
    }
}

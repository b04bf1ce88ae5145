//! The reactions of the flooders: sent, answered, delivered. One thread, so plain cells.

use crate::{
    socket::Ended,
    stats::{Latencies, Quantiles},
};
use serde::Serialize;
use std::{
    cell::{Cell, RefCell, RefMut},
    collections::{BTreeMap, HashMap, HashSet},
    ops::Range,
    time::{Duration, Instant},
};

#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Counts {
    pub(super) sent: usize,
    /// Not sent: the socket had too many without an answer, or was disconnected.
    pub(super) held_back: usize,
    pub(super) accepted: usize,
    /// Accepted and stored: a reaction that changes nothing becomes no event.
    pub(super) stored: usize,
    /// By code.
    pub(super) refused: BTreeMap<String, usize>,
    /// Sent on a socket that ended before the answer.
    pub(super) unanswered: usize,
    /// By reason of the end.
    pub(super) reconnects: BTreeMap<String, usize>,
    pub(super) low_sent: usize,
    /// Not sent: the socket was disconnected.
    pub(super) low_held_back: usize,
    pub(super) low_refused: usize,
    /// Received by all sockets together.
    pub(super) low_received: usize,
}

pub(super) struct Ledger {
    fan_out: usize,
    is_closed: Cell<bool>,
    waiting: Cell<usize>,
    away: Cell<usize>,
    counts: RefCell<Counts>,
    reactions: RefCell<HashMap<u64, Reaction>>,
    /// Reactions that lack a delivery.
    open: Cell<usize>,
    begun: Instant,
    /// Of the signals that were due since then.
    low: RefCell<(Instant, Latencies)>,
    faults: RefCell<Vec<String>>,
}

#[derive(Default)]
struct Reaction {
    /// When its command was due, and the time of the acknowledgement.
    acknowledged: Option<(Instant, Instant)>,
    arrived: Vec<Instant>,
}

#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Measured {
    pub(super) offered_per_second: f64,
    pub(super) accepted_per_second: f64,
    pub(super) refused_per_second: f64,
    pub(super) deliveries_per_second: f64,
    pub(super) send_to_ack: Quantiles,
    pub(super) send_to_delivered: Quantiles,
    /// Of the signals that were not shed.
    pub(super) low_send_to_received: Quantiles,
    /// Of the load, until it had settled.
    pub(super) counts: Counts,
}

impl Ledger {
    pub(super) fn new(fan_out: usize) -> Self {
        let begun = Instant::now();
        Self {
            fan_out,
            is_closed: Cell::new(false),
            waiting: Cell::new(0),
            away: Cell::new(0),
            counts: RefCell::default(),
            reactions: RefCell::default(),
            open: Cell::new(0),
            begun,
            low: RefCell::new((begun, Latencies::default())),
            faults: RefCell::default(),
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.get()
    }

    /// Lets an answer bring the next command, or no longer.
    pub(super) fn close(&self, is_closed: bool) {
        self.is_closed.set(is_closed);
    }

    pub(super) fn count(&self) -> RefMut<'_, Counts> {
        self.counts.borrow_mut()
    }

    pub(super) fn asked(&self) {
        self.waiting.set(self.waiting.get() + 1);
        self.count().sent += 1;
    }

    pub(super) fn answered(&self) {
        self.waiting.set(self.waiting.get() - 1);
    }

    /// Notes an acceptance. `position` is that of the event, `None` if nothing changed.
    pub(super) fn accepted(&self, position: Option<u64>, sent: Instant, now: Instant) {
        self.count().accepted += 1;
        let Some(position) = position else { return };
        self.count().stored += 1;
        let repeated = self.at(position, |reaction| reaction.acknowledged.replace((sent, now)).is_some());
        if repeated {
            self.fault(format!("position {position} was acknowledged twice"));
        }
    }

    pub(super) fn refused(&self, code: &str) {
        let mut counts = self.count();
        match counts.refused.get_mut(code) {
            Some(count) => *count += 1,
            None => drop(counts.refused.insert(code.to_owned(), 1)),
        }
    }

    pub(super) fn arrived(&self, position: u64, now: Instant) {
        let fan_out = self.fan_out;
        let count = self.at(position, |reaction| {
            reaction.arrived.push(now);
            reaction.arrived.len()
        });
        if count == fan_out {
            self.open.set(self.open.get() - 1);
        } else if count > fan_out {
            self.fault(format!("position {position} arrived {count} times"));
        }
    }

    /// Microseconds since the begin of the ledger.
    pub(super) fn micros(&self, at: Instant) -> u128 {
        at.duration_since(self.begun).as_micros()
    }

    /// Measures the signals that are due from now on.
    pub(super) fn measure_low(&self, now: Instant) {
        *self.low.borrow_mut() = (now, Latencies::default());
    }

    /// Notes a signal that was due so many microseconds after the begin of the ledger.
    pub(super) fn received_low(&self, micros: u64, now: Instant) {
        self.count().low_received += 1;
        let due = self.begun + Duration::from_micros(micros);
        let mut low = self.low.borrow_mut();
        let (since, times) = &mut *low;
        if due >= *since {
            times.record(now - due);
        }
    }

    /// Notes the end of a socket, and the number of its unanswered commands.
    pub(super) fn left(&self, why: &Ended, unanswered: usize) {
        self.away.set(self.away.get() + 1);
        self.waiting.set(self.waiting.get() - unanswered);
        let mut counts = self.count();
        counts.unanswered += unanswered;
        *counts.reconnects.entry(why.kind()).or_default() += 1;
    }

    pub(super) fn back(&self) {
        self.away.set(self.away.get() - 1);
    }

    /// Everything is answered and delivered, and all sockets are connected.
    pub(super) fn is_settled(&self) -> bool {
        self.waiting.get() == 0 && self.open.get() == 0 && self.away.get() == 0
    }

    pub(super) fn fault(&self, fault: String) {
        self.faults.borrow_mut().push(fault);
    }

    pub(super) fn faults(&self) -> Vec<String> {
        self.faults.borrow().clone()
    }

    /// The positions of all known reactions, by state.
    pub(super) fn positions(&self) -> Positions {
        let reactions = self.reactions.borrow();
        let of = |which: fn(&Reaction, usize) -> bool| {
            reactions
                .iter()
                .filter(|(_, reaction)| which(reaction, self.fan_out))
                .map(|(position, _)| *position)
                .collect()
        };
        Positions {
            known: of(|_, _| true),
            acknowledged: of(|reaction, _| reaction.acknowledged.is_some()),
            undelivered: of(|reaction, fan_out| reaction.arrived.len() < fan_out),
        }
    }

    /// The figures of `window` between two counts. `offered` is the number of commands of an open load.
    pub(super) fn measured(&self, window: &Range<Instant>, at: [&Counts; 2], offered: Option<usize>) -> Measured {
        let [begun, ended] = at;
        let counts = Counts::between(begun, ended);
        let per_second = |count: usize| count as f64 / (window.end - window.start).as_secs_f64();
        let reactions = self.reactions.borrow();
        let arrivals = reactions.values().flat_map(|reaction| &reaction.arrived).filter(|at| window.contains(*at));
        let timed = || {
            let acknowledged = reactions.values().filter_map(|reaction| Some((reaction.acknowledged?, reaction)));
            acknowledged.filter(|((sent, _), _)| window.contains(sent))
        };
        let acks = timed().map(|((sent, at), _)| at - sent);
        let deliveries = timed().flat_map(|((sent, _), reaction)| reaction.arrived.iter().map(move |at| *at - sent));
        Measured {
            offered_per_second: per_second(offered.unwrap_or(counts.sent)),
            accepted_per_second: per_second(counts.accepted),
            refused_per_second: per_second(counts.refused.values().sum()),
            deliveries_per_second: per_second(arrivals.count()),
            send_to_ack: Quantiles::of(acks.collect()),
            send_to_delivered: Quantiles::of(deliveries.collect()),
            low_send_to_received: self.low.borrow().1.quantiles(),
            counts: Counts::between(begun, &self.count()),
        }
    }

    fn at<T>(&self, position: u64, change: impl FnOnce(&mut Reaction) -> T) -> T {
        let mut reactions = self.reactions.borrow_mut();
        change(reactions.entry(position).or_insert_with(|| {
            self.open.set(self.open.get() + 1);
            Reaction::default()
        }))
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Positions {
    pub(super) known: HashSet<u64>,
    pub(super) acknowledged: HashSet<u64>,
    pub(super) undelivered: HashSet<u64>,
}

impl Counts {
    fn between(before: &Self, after: &Self) -> Self {
        let words = |before: &BTreeMap<String, usize>, after: &BTreeMap<String, usize>| {
            let changed = after.iter().map(|(word, n)| (word.clone(), n - before.get(word).copied().unwrap_or(0)));
            changed.filter(|(_, count)| *count > 0).collect()
        };
        Self {
            sent: after.sent - before.sent,
            held_back: after.held_back - before.held_back,
            accepted: after.accepted - before.accepted,
            stored: after.stored - before.stored,
            refused: words(&before.refused, &after.refused),
            unanswered: after.unanswered - before.unanswered,
            reconnects: words(&before.reconnects, &after.reconnects),
            low_sent: after.low_sent - before.low_sent,
            low_held_back: after.low_held_back - before.low_held_back,
            low_refused: after.low_refused - before.low_refused,
            low_received: after.low_received - before.low_received,
        }
    }
}

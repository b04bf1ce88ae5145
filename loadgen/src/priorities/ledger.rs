//! What the flooders asked for, what became of it, and where it arrived. One thread, so plain cells.

use crate::{socket::Ended, stats::Quantiles};
use serde::Serialize;
use std::{
    cell::{Cell, RefCell, RefMut},
    collections::{BTreeMap, HashMap, HashSet},
    ops::Range,
    time::Instant,
};

/// Counts since the beginning.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Counts {
    /// Reactions sent.
    pub(super) sent: usize,
    /// Not sent: the socket had too many without an answer, or was away.
    pub(super) held_back: usize,
    /// Answered with success.
    pub(super) accepted: usize,
    /// Those of them that became an event: what a refused one before has made pointless does not.
    pub(super) stored: usize,
    /// Refused, by code.
    pub(super) refused: BTreeMap<String, usize>,
    /// Sent on a socket that ended before the answer.
    pub(super) unanswered: usize,
    /// Sockets that ended and came back, by reason.
    pub(super) reconnects: BTreeMap<String, usize>,
    /// Signals sent.
    pub(super) low_sent: usize,
    /// Not sent: the socket was away.
    pub(super) low_held_back: usize,
    /// Answered with a problem.
    pub(super) low_refused: usize,
    /// Signals that arrived, at all sockets together.
    pub(super) low_received: usize,
}

/// What the flooders asked for, and where it arrived.
pub(super) struct Ledger {
    fan_out: usize,
    is_closed: Cell<bool>,
    waiting: Cell<usize>,
    away: Cell<usize>,
    counts: RefCell<Counts>,
    reactions: RefCell<HashMap<u64, Reaction>>,
    /// Reactions that have not arrived everywhere.
    open: Cell<usize>,
    faults: RefCell<Vec<String>>,
}

/// One event, by its position.
#[derive(Default)]
struct Reaction {
    /// When it was sent and acknowledged, if it was.
    acknowledged: Option<(Instant, Instant)>,
    arrived: Vec<Instant>,
}

/// What was measured of reactions in a while.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Measured {
    pub(super) offered_per_second: f64,
    pub(super) accepted_per_second: f64,
    pub(super) refused_per_second: f64,
    pub(super) deliveries_per_second: f64,
    pub(super) send_to_ack: Quantiles,
    pub(super) send_to_delivered: Quantiles,
    /// All that came of it, until it had settled.
    pub(super) counts: Counts,
}

impl Ledger {
    /// An empty one; each reaction is to arrive at `fan_out` sockets.
    pub(super) fn new(fan_out: usize) -> Self {
        Self {
            fan_out,
            is_closed: Cell::new(false),
            waiting: Cell::new(0),
            away: Cell::new(0),
            counts: RefCell::default(),
            reactions: RefCell::default(),
            open: Cell::new(0),
            faults: RefCell::default(),
        }
    }

    /// Whether an answer brings the next command.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.get()
    }

    /// From here on an answer brings the next command, or no longer.
    pub(super) fn close(&self, is_closed: bool) {
        self.is_closed.set(is_closed);
    }

    /// What is counted.
    pub(super) fn count(&self) -> RefMut<'_, Counts> {
        self.counts.borrow_mut()
    }

    /// A reaction was sent.
    pub(super) fn asked(&self) {
        self.waiting.set(self.waiting.get() + 1);
        self.count().sent += 1;
    }

    /// One was answered.
    pub(super) fn answered(&self) {
        self.waiting.set(self.waiting.get() - 1);
    }

    /// It was accepted, and became the event at a position unless it changed nothing.
    pub(super) fn accepted(&self, position: Option<u64>, sent: Instant, now: Instant) {
        self.count().accepted += 1;
        let Some(position) = position else { return };
        self.count().stored += 1;
        let repeated = self.at(position, |reaction| reaction.acknowledged.replace((sent, now)).is_some());
        if repeated {
            self.fault(format!("position {position} was acknowledged twice"));
        }
    }

    /// It was refused.
    pub(super) fn refused(&self, code: &str) {
        let mut counts = self.count();
        match counts.refused.get_mut(code) {
            Some(count) => *count += 1,
            None => drop(counts.refused.insert(code.to_owned(), 1)),
        }
    }

    /// A reaction arrived at a socket.
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

    /// A socket ended, with so many commands unanswered.
    pub(super) fn left(&self, why: &Ended, unanswered: usize) {
        self.away.set(self.away.get() + 1);
        self.waiting.set(self.waiting.get() - unanswered);
        let mut counts = self.count();
        counts.unanswered += unanswered;
        *counts.reconnects.entry(why.kind()).or_default() += 1;
    }

    /// It is back.
    pub(super) fn back(&self) {
        self.away.set(self.away.get() - 1);
    }

    /// Whether all is answered, has arrived, and everybody is there.
    pub(super) fn is_settled(&self) -> bool {
        self.waiting.get() == 0 && self.open.get() == 0 && self.away.get() == 0
    }

    /// Notes something that must not be.
    pub(super) fn fault(&self, fault: String) {
        self.faults.borrow_mut().push(fault);
    }

    /// What must not have been.
    pub(super) fn faults(&self) -> Vec<String> {
        self.faults.borrow().clone()
    }

    /// The positions of what was acknowledged, and of what has not arrived everywhere; of all that is known.
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

    /// What happened within `window`, with the counts of its beginning and its end, and what came of it until now;
    /// `offered` is what was asked of the flooders, if not each was to wait for an answer.
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

/// Positions of reactions.
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

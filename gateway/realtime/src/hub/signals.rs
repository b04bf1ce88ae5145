//! Signals on their way to sockets: shed when a client does not keep up, and never stored.

use super::{Hub, SignalCounts, call_payloads::ATTACHED, frames::Frames, person::Seat, state::State};
use crate::outbox::{Offered, Outbox};
use broker::{Broker, Signal};
use domain::Timestamp;
use std::{
    collections::HashSet,
    sync::{Arc, atomic::Ordering::Relaxed},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The signal that also goes to the sockets that watch its sender.
const PRESENCE: &str = "presence";

impl Hub {
    /// Sends each signal to the sockets of this process that it concerns, until `stop`. `hear` receives it first and
    /// answers whether to send it.
    pub async fn relay(
        &self,
        broker: &Broker,
        hear: impl Fn(&Signal) -> bool + Send,
        clock: fn() -> Timestamp,
        stop: CancellationToken,
    ) {
        let mut signals = broker.subscribe_signals(clock);
        while let Some(Some(signal)) = stop.run_until_cancelled(signals.next()).await {
            if signal.name == ATTACHED {
                self.attach_from(&signal, clock());
            } else if hear(&signal) {
                self.tell(&signal, clock());
            }
        }
    }

    /// What became of signals so far.
    #[must_use]
    pub fn signal_counts(&self) -> SignalCounts {
        let counters = &self.0.signals;
        SignalCounts { pushed: counters.pushed.load(Relaxed), shed: counters.shed.load(Relaxed) }
    }

    /// Tells a signal to the sockets here that it is for.
    pub(super) fn tell(&self, signal: &Signal, now: Timestamp) {
        let outboxes = {
            let mut state = self.state();
            watched(signal).into_iter().for_each(|subject| state.watches.tell(subject));
            state.concerned(signal)
        };
        self.offer(outboxes, &Frames::new(signal, now), signal.is_urgent());
    }

    /// Puts a signal into outboxes, unless it is to be shed there.
    pub(super) fn offer(&self, outboxes: Vec<Arc<Outbox>>, frames: &Frames<'_>, is_urgent: bool) {
        let (mut sent, mut shed) = (0, 0);
        for outbox in outboxes {
            let frame = frames.of(outbox.dialect());
            // Delivered like an event: a call must not fail because somebody types.
            if is_urgent {
                sent += 1;
                if outbox.push(frame) {
                    outbox.wake();
                }
                continue;
            }
            match outbox.offer(frame) {
                Offered::Shed => shed += 1,
                Offered::Kept { wake } => {
                    sent += 1;
                    if wake {
                        outbox.wake();
                    }
                }
            }
        }
        self.0.signals.pushed.fetch_add(sent, Relaxed);
        self.0.signals.shed.fetch_add(shed, Relaxed);
    }
}

/// The person whose watchers receive this signal, if any.
fn watched(signal: &Signal) -> Option<Uuid> {
    signal.from.filter(|_| signal.name == PRESENCE)
}

impl State {
    /// The sockets of those whom a signal is for: the people it names, those who are in its scope now, and those who
    /// watch whom it is about; not of the one it comes from.
    pub(super) fn concerned(&self, signal: &Signal) -> Vec<Arc<Outbox>> {
        let insiders = signal.scope.into_iter().flat_map(|scope| self.insiders(scope));
        let named = signal.users.iter().copied();
        let named = named.filter(|user| signal.within.is_none_or(|scope| self.is_inside(*user, scope)));
        let mut users: HashSet<Uuid> = insiders.chain(named).collect();
        users.retain(|user| !signal.except.contains(user));
        let watchers = watched(signal).into_iter().flat_map(|subject| self.watches.of(subject));
        let watchers = watchers.filter(|(user, _)| !users.contains(user));
        let watching = watchers.flat_map(|(user, id)| self.joined(user).filter(move |seat| seat.id == id));
        let audience = users.iter().filter(|user| !signal.spares(**user)).flat_map(|user| self.joined(*user));
        let from = |seat: &Seat| match signal.from_socket {
            Some(socket) => seat.outbox.socket() == socket,
            None => signal.from_session == Some(seat.session.0),
        };
        let to = |seat: &Seat| signal.to_session.is_none_or(|session| session == seat.session.0);
        let meant = audience.chain(watching).filter(|seat| !from(seat) && to(seat));
        meant.map(|seat| Arc::clone(&seat.outbox)).collect()
    }
}

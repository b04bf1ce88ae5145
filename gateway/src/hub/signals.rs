//! Signals on their way to sockets: shed when a client does not keep up, and never stored.

use super::{Hub, State, attached::ATTACHED, person::Seat};
use crate::{
    session::{Dialect, Offered, Outbox},
    sio,
};
use axum::extract::ws::Utf8Bytes;
use broker::{Broker, Signal};
use domain::Timestamp;
use serde::Serialize;
use std::{
    cell::OnceCell,
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;
use uuid::Uuid;

/// The signal that those are told, too, who watch whom it is about.
const PRESENCE: &str = "presence";

/// What became of signals at the sockets of this process.
#[derive(Debug, Default)]
pub(super) struct Counters {
    told: AtomicU64,
    shed: AtomicU64,
}

/// What became of signals at the sockets of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignalCounts {
    /// Put into an outbox.
    pub told: u64,
    /// Kept from a client that reads too slowly.
    pub shed: u64,
}

/// The frame of a signal.
#[derive(Serialize)]
struct Frame<'a, D> {
    signal: &'a str,
    data: &'a D,
}

/// A signal on its way to sockets, rendered once for all who are told in the same dialect.
pub(super) struct Frames<'a> {
    signal: &'a Signal,
    now: Timestamp,
    plain: OnceCell<Utf8Bytes>,
    socket_io: OnceCell<Utf8Bytes>,
}

impl<'a> Frames<'a> {
    pub(super) const fn new(signal: &'a Signal, now: Timestamp) -> Self {
        Self { signal, now, plain: OnceCell::new(), socket_io: OnceCell::new() }
    }

    fn of(&self, dialect: Dialect) -> Utf8Bytes {
        let Signal { name, data, .. } = self.signal;
        let frame = match dialect {
            Dialect::Plain => self.plain.get_or_init(|| frame(name, data)),
            Dialect::SocketIo => self.socket_io.get_or_init(|| sio::signal(name, data, self.now).into()),
        };
        frame.clone()
    }
}

impl Hub {
    /// Tells the sockets of this process the signals that concern their users, until `stop`. `hear` hears of each
    /// first, and says whether it is to be told.
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
        SignalCounts { told: counters.told.load(Relaxed), shed: counters.shed.load(Relaxed) }
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
        let (mut told, mut shed) = (0, 0);
        for outbox in outboxes {
            let frame = frames.of(outbox.dialect());
            // Told like an event: a call must not fail because somebody types.
            if is_urgent {
                told += 1;
                if outbox.push(frame) {
                    outbox.wake();
                }
                continue;
            }
            match outbox.offer(frame) {
                Offered::Shed => shed += 1,
                Offered::Kept { wake } => {
                    told += 1;
                    if wake {
                        outbox.wake();
                    }
                }
            }
        }
        self.0.signals.told.fetch_add(told, Relaxed);
        self.0.signals.shed.fetch_add(shed, Relaxed);
    }
}

/// The frame of a signal.
pub(super) fn frame<D: Serialize>(name: &str, data: &D) -> Utf8Bytes {
    // Names and JSON always make a text.
    serde_json::to_string(&Frame { signal: name, data }).unwrap_or_default().into()
}

/// Whom a signal is about, if it is told to those who watch them.
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
        let told = users.iter().filter(|user| !signal.spares(**user)).flat_map(|user| self.joined(*user));
        let from = |seat: &Seat| signal.from_session == Some(seat.session.0);
        let to = |seat: &Seat| signal.to_session.is_none_or(|session| session == seat.session.0);
        let meant = told.chain(watching).filter(|seat| !from(seat) && to(seat));
        meant.map(|seat| Arc::clone(&seat.outbox)).collect()
    }
}

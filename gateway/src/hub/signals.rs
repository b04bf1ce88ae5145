//! Signals on their way to sockets: shed when a client does not keep up, and never stored.

use super::{Hub, State};
use crate::{
    session::{Dialect, Offered, Outbox},
    sio,
};
use axum::extract::ws::Utf8Bytes;
use broker::{Broker, Signal};
use domain::Timestamp;
use serde::Serialize;
use serde_json::Value;
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

/// The signal that is told like an event: a call must not fail because somebody types.
const CALL: &str = "call.signal";

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
struct Frame<'a> {
    signal: &'a str,
    data: &'a Value,
}

/// A signal on its way to sockets, rendered once for all who are told in the same dialect.
struct Frames<'a> {
    signal: &'a Signal,
    now: Timestamp,
    plain: OnceCell<Utf8Bytes>,
    socket_io: OnceCell<Utf8Bytes>,
}

impl<'a> Frames<'a> {
    const fn new(signal: &'a Signal, now: Timestamp) -> Self {
        Self { signal, now, plain: OnceCell::new(), socket_io: OnceCell::new() }
    }

    fn of(&self, dialect: Dialect) -> Utf8Bytes {
        let Signal { name, data, .. } = self.signal;
        let frame = match dialect {
            Dialect::Plain => self.plain.get_or_init(|| {
                // Names and JSON always make a text.
                serde_json::to_string(&Frame { signal: name, data }).unwrap_or_default().into()
            }),
            Dialect::SocketIo => self.socket_io.get_or_init(|| sio::signal(name, data, self.now).into()),
        };
        frame.clone()
    }
}

impl Hub {
    /// Tells the sockets of this process the signals that concern their users, until `stop`.
    pub async fn relay(&self, broker: &Broker, clock: fn() -> Timestamp, stop: CancellationToken) {
        let mut signals = broker.subscribe_signals(clock);
        while let Some(Some(signal)) = stop.run_until_cancelled(signals.next()).await {
            self.tell(&signal, clock());
        }
    }

    /// What became of signals so far.
    #[must_use]
    pub fn signal_counts(&self) -> SignalCounts {
        let counters = &self.0.signals;
        SignalCounts { told: counters.told.load(Relaxed), shed: counters.shed.load(Relaxed) }
    }

    fn tell(&self, signal: &Signal, now: Timestamp) {
        let outboxes = self.state().concerned(signal);
        let frames = Frames::new(signal, now);
        let (mut told, mut shed) = (0, 0);
        for outbox in outboxes {
            let frame = frames.of(outbox.dialect());
            if signal.name == CALL {
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

impl State {
    /// The sockets of those whom a signal is for: the people it names, and those who are in its scope now; not of
    /// the one it comes from.
    fn concerned(&self, signal: &Signal) -> Vec<Arc<Outbox>> {
        let insiders = signal.scope.into_iter().flat_map(|scope| self.insiders(scope));
        let users: HashSet<Uuid> = insiders.chain(signal.users.iter().copied()).collect();
        let users = users.into_iter().filter(|user| signal.from != Some(*user));
        users.flat_map(|user| self.listening(user)).collect()
    }
}

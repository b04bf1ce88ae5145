//! The flooders, on a thread beside the measuring one.

use super::{
    flooder::{Flooder, Turn},
    ledger::{Ledger, Measured, Positions},
};
use crate::{
    aside::Aside,
    traffic::{pacer, seed::Seeded},
};
use anyhow::{Context, Result, bail};
use std::{
    net::SocketAddr,
    ops::Range,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::sleep,
};

/// The duration of a load, and the time limit of its last answers and deliveries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lasts {
    pub(super) load: Duration,
    pub(super) settle: Duration,
}

/// A load of the flooders.
#[derive(Clone, Copy, Debug)]
pub(super) enum Load {
    /// Each flooder has so many reactions without an answer.
    Closed { in_flight: usize },
    /// All flooders together send so many reactions and signals a second, without waiting.
    Open { medium: f64, low: f64 },
}

/// One sender per flooder.
type Turns = [mpsc::UnboundedSender<Turn>];

/// The users who flood, in rooms of their own.
#[derive(Clone, Debug)]
pub(super) struct Crowd {
    pub(super) reacting: Range<usize>,
    /// Users who send signals, on other sockets, so that signals do not wait behind reactions.
    pub(super) typing: Range<usize>,
    pub(super) room: usize,
}

struct Order {
    load: Load,
    lasts: Lasts,
    done: oneshot::Sender<Measured>,
}

/// The measuring thread's handle of the flooders.
pub(super) struct Flood {
    orders: mpsc::UnboundedSender<Order>,
    thread: Aside<Outcome>,
}

pub(super) struct Outcome {
    pub(super) positions: Positions,
    pub(super) is_settled: bool,
    pub(super) faults: Vec<String>,
}

impl Flood {
    pub(super) async fn start(doors: Arc<[SocketAddr]>, seeded: Arc<Seeded>, crowd: Crowd) -> Result<Self> {
        let (orders, received) = mpsc::unbounded_channel();
        let work = move |ready| async move { flood(&doors, &seeded, crowd, ready, received).await };
        Ok(Self { orders, thread: Aside::start("flood", work).await? })
    }

    /// Runs a load, and waits until it has settled.
    pub(super) async fn load(&self, load: Load, lasts: Lasts) -> Result<Measured> {
        let (done, measured) = oneshot::channel();
        let _ = self.orders.send(Order { load, lasts, done });
        measured.await.context("the flood ended early")
    }

    pub(super) fn end(self) -> Result<Outcome> {
        drop(self.orders);
        self.thread.join()
    }
}

async fn flood(
    doors: &Arc<[SocketAddr]>,
    seeded: &Seeded,
    crowd: Crowd,
    ready: oneshot::Sender<()>,
    mut orders: mpsc::UnboundedReceiver<Order>,
) -> Result<Outcome> {
    let ledger = Rc::new(Ledger::new(crowd.room));
    let (mut flooders, mut turns) = (JoinSet::new(), Vec::new());
    for user in crowd.reacting.start..crowd.typing.end {
        let flooder = Flooder::connect(doors, seeded, user).await?;
        let (turn, turns_of_flooder) = mpsc::unbounded_channel();
        flooders.spawn_local(flooder.run(Rc::clone(&ledger), turn.clone(), turns_of_flooder));
        turns.push(turn);
    }
    let _ = ready.send(());
    let (reacting, typing) = turns.split_at(crowd.reacting.len());
    let mut is_settled = true;
    loop {
        let order = tokio::select! {
            order = orders.recv() => order,
            failed = flooders.join_next() => bail!("a flooder ended: {failed:?}"),
        };
        let Some(Order { load, lasts, done }) = order else { break };
        let (measured, settled) = tokio::select! {
            measured = measure(load, lasts, &ledger, [reacting, typing]) => measured,
            failed = flooders.join_next() => bail!("a flooder ended: {failed:?}"),
        };
        is_settled = settled;
        let _ = done.send(measured);
    }
    flooders.shutdown().await;
    Ok(Outcome { positions: ledger.positions(), is_settled, faults: ledger.faults() })
}

/// The figures of a load, and whether it has settled.
async fn measure(load: Load, lasts: Lasts, ledger: &Ledger, turns: [&Turns; 2]) -> (Measured, bool) {
    let [reacting, typing] = turns;
    let (begun, before) = (Instant::now(), ledger.count().clone());
    ledger.measure_low(begun);
    let offered = match load {
        Load::Closed { in_flight } => {
            ledger.close(true);
            for turn in (0..in_flight).flat_map(|_| reacting) {
                let _ = turn.send(Turn::Medium(begun));
            }
            sleep(lasts.load).await;
            ledger.close(false);
            None
        }
        Load::Open { medium, low } => {
            let (medium, _) = tokio::join!(
                offer(medium, lasts.load, reacting, Turn::Medium),
                offer(low, lasts.load, typing, Turn::Low),
            );
            Some(medium)
        }
    };
    let (window, after) = (begun..Instant::now(), ledger.count().clone());
    let deadline = window.end + lasts.settle;
    while !ledger.is_settled() && Instant::now() < deadline {
        sleep(Duration::from_millis(20)).await;
    }
    (ledger.measured(&window, [&before, &after], offered), ledger.is_settled())
}

/// Sends at an even rate without waiting for answers. Returns the number of turns.
async fn offer(rate: f64, lasts: Duration, turns: &Turns, turn: fn(Instant) -> Turn) -> usize {
    let mut moments = pacer::moments(rate, (rate * lasts.as_secs_f64()) as u64);
    let mut offered = 0;
    while let Some(due) = moments.recv().await {
        let _ = turns[offered % turns.len()].send(turn(due));
        offered += 1;
    }
    offered
}

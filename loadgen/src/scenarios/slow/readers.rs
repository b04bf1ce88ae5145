//! The people who stall, on a thread beside the measuring one.

use super::reader::{Reader, Seen};
use crate::{aside::Aside, traffic::seed::Seeded};
use anyhow::{Context, Result};
use std::{
    net::SocketAddr,
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::{oneshot, watch},
    task::JoinSet,
    time::timeout,
};

#[derive(Clone, Debug)]
pub(super) enum Order {
    Read,
    /// Read nothing.
    Stall,
    /// Read on. So many messages of each room were sent until then.
    CatchUp {
        since: Instant,
        of_rooms: Arc<[usize]>,
    },
    /// Read until so many messages of each room have arrived.
    Finish {
        of_rooms: Arc<[usize]>,
    },
}

/// The measuring thread's handle of the people who stall.
pub(super) struct Readers {
    orders: watch::Sender<Order>,
    seen: oneshot::Receiver<Vec<Seen>>,
    thread: Aside<()>,
}

impl Readers {
    /// Connects some of the seeded people. The last messages may take as long as `settle`.
    pub(super) async fn gather(
        doors: Arc<[SocketAddr]>,
        seeded: Arc<Seeded>,
        users: Range<usize>,
        settle: Duration,
    ) -> Result<Self> {
        let ((orders, ordered), (publish, seen)) = (watch::channel(Order::Read), oneshot::channel());
        let work = move |ready| async move {
            let _ = publish.send(read(&doors, &seeded, users, settle, ready, ordered).await?);
            Ok(())
        };
        Ok(Self { orders, seen, thread: Aside::start("readers", work).await? })
    }

    /// They read nothing from now on.
    pub(super) fn stall(&self) {
        let _ = self.orders.send(Order::Stall);
    }

    /// They read on. So many messages of each room have been sent.
    pub(super) fn catch_up(&self, of_rooms: Arc<[usize]>) {
        let _ = self.orders.send(Order::CatchUp { since: Instant::now(), of_rooms });
    }

    /// Waits until everything has arrived.
    pub(super) async fn finish(self, of_rooms: Arc<[usize]>) -> Result<Vec<Seen>> {
        let _ = self.orders.send(Order::Finish { of_rooms });
        let seen = self.seen.await;
        // Its own reason says more than that it ended.
        self.thread.join()?;
        seen.context("the readers ended early")
    }
}

async fn read(
    doors: &Arc<[SocketAddr]>,
    seeded: &Seeded,
    users: Range<usize>,
    settle: Duration,
    ready: oneshot::Sender<()>,
    mut ordered: watch::Receiver<Order>,
) -> Result<Vec<Seen>> {
    let (mut reading, count) = (JoinSet::new(), users.len());
    for user in users {
        let reader = Reader::connect(doors, seeded, user).await?;
        reading.spawn_local(reader.run(ordered.clone()));
    }
    let _ = ready.send(());
    // None ends before the last order, unless it fails.
    tokio::select! {
        _ = ordered.wait_for(|order| matches!(order, Order::Finish { .. })) => {}
        Some(ended) = reading.join_next() => {
            ended??;
        }
    }
    let mut all = Vec::with_capacity(count);
    let finished = async {
        while let Some(seen) = reading.join_next().await {
            all.push(seen??);
        }
        anyhow::Ok(())
    };
    match timeout(settle, finished).await {
        Ok(finished) => finished?,
        Err(_) => reading.shutdown().await,
    }
    Ok(all)
}

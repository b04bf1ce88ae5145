//! The account, on a thread of its own, so that it does not hold up who measures.

use super::{
    acts::{self, Stock},
    tally::Tally,
    unread,
};
use crate::rooms::seed::Seeded;
use anyhow::{Context, Result, anyhow};
use futures_util::future::join_all;
use std::{net::SocketAddr, rc::Rc, sync::Arc, thread::JoinHandle};
use tokio::{
    runtime::Builder,
    sync::{Notify, watch},
    task::LocalSet,
};

/// The account, and those who are in its groups.
pub(super) struct Crowd {
    pub(super) token: String,
    /// The others.
    pub(super) others: Vec<String>,
    /// A group of all of them.
    pub(super) group: String,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Preparing,
    Prepared,
    Over,
}

/// The account, seen from the thread that measures.
pub(super) struct Account {
    begin: Arc<Notify>,
    stage: Arc<watch::Sender<Stage>>,
    thread: JoinHandle<Result<Vec<Tally>>>,
}

impl Crowd {
    pub(super) fn of(seeded: Seeded) -> Result<Self> {
        let group = seeded.rooms.first().context("a crowd without a room")?.clone();
        let mut seats = seeded.seats.into_iter();
        let first = seats.next().context("a crowd of nobody")?;
        Ok(Self { token: first.token, others: seats.map(|seat| seat.id).collect(), group })
    }
}

impl Account {
    /// It writes what it needs for its worst.
    pub(super) fn prepare(doors: Arc<[SocketAddr]>, crowd: Crowd, only: &[String]) -> Result<Self> {
        let begin = Arc::new(Notify::new());
        let stage = Arc::new(watch::Sender::new(Stage::Preparing));
        let (beginning, staged, only) = (Arc::clone(&begin), Arc::clone(&stage), only.to_vec());
        let thread = std::thread::Builder::new().name("account".to_owned()).spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let done = runtime.block_on(LocalSet::new().run_until(live(doors, crowd, &only, &beginning, &staged)));
            staged.send_replace(Stage::Over);
            done
        })?;
        Ok(Self { begin, stage, thread })
    }

    /// Waits until it is ready to begin.
    pub(super) async fn is_prepared(&self) -> Result<()> {
        let mut stages = self.stage.subscribe();
        let stage = *stages.wait_for(|stage| *stage != Stage::Preparing).await?;
        // Why it is over is told at its end.
        (stage == Stage::Prepared).then_some(()).context("the account could not prepare its worst: see --only")
    }

    pub(super) fn begin(&self) {
        self.begin.notify_one();
    }

    /// Ends it: what it did.
    pub(super) fn end(self) -> Result<Vec<Tally>> {
        self.stage.send_replace(Stage::Over);
        self.thread.join().map_err(|_| anyhow!("the account panicked"))?
    }
}

async fn live(
    doors: Arc<[SocketAddr]>,
    crowd: Crowd,
    only: &[String],
    begin: &Notify,
    stage: &watch::Sender<Stage>,
) -> Result<Vec<Tally>> {
    let prepared = Stock::prepare(doors[0], crowd).await;
    let stock = match prepared {
        Ok(stock) => Rc::new(stock),
        Err(error) => {
            eprintln!("the account could not prepare its worst: {error:#}");
            return Err(error);
        }
    };
    stage.send_replace(Stage::Prepared);
    begin.notified().await;
    let mut stages = stage.subscribe();
    let is_wanted = |name: &str| only.is_empty() || only.iter().any(|wanted| wanted == name);
    let tallies: Vec<_> =
        acts::ALL.iter().filter(|act| is_wanted(act.name)).map(|act| (act, Tally::of(act.name))).collect();
    let (unread, subscriptions) = (Tally::of("unread answers"), Tally::of("presence subscriptions"));
    {
        let doing = join_all(tallies.iter().map(|(act, tally)| act.repeat(&stock, tally)));
        let reading = async {
            match is_wanted("unread") {
                true => unread::hold(doors[0], &stock, &unread).await,
                false => std::future::pending().await,
            }
        };
        let subscribing = async {
            match is_wanted("subscriptions") {
                true => acts::subscribe(doors[0], &stock, &subscriptions).await,
                false => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = doing => (),
            () = reading => (),
            () = subscribing => (),
            _ = stages.wait_for(|stage| *stage == Stage::Over) => (),
        }
    }
    Ok(tallies.into_iter().map(|(_, tally)| tally).chain([unread, subscriptions]).collect())
}

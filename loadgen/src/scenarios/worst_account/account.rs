//! The account, on a thread beside the measuring one.

use super::{
    acts::{self, Stock},
    tally::Tally,
    unread,
};
use crate::{aside::Aside, traffic::seed::Seeded};
use anyhow::{Context, Result};
use futures_util::future::join_all;
use std::{net::SocketAddr, sync::Arc};
use tokio::sync::oneshot;

/// The account, and the members of its groups.
pub(super) struct Crowd {
    pub(super) token: String,
    pub(super) others: Vec<String>,
    /// A group of all.
    pub(super) group: String,
}

/// The measuring thread's handle of the account.
pub(super) struct Account {
    begin: oneshot::Sender<()>,
    end: oneshot::Sender<()>,
    thread: Aside<Vec<Tally>>,
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
    /// Starts the thread, and waits until the data of the acts is prepared.
    pub(super) async fn prepare(doors: Arc<[SocketAddr]>, crowd: Crowd, only: &[String]) -> Result<Self> {
        let ((begin, begun), (end, ended)) = (oneshot::channel(), oneshot::channel());
        let only = only.to_vec();
        let work = move |ready| live(doors, crowd, only, ready, begun, ended);
        let thread = Aside::start("account", work).await.context("the account cannot prepare its acts: see --only")?;
        Ok(Self { begin, end, thread })
    }

    /// Begins the acts, does something meanwhile, and ends them.
    pub(super) async fn act_during<T>(self, work: impl Future<Output = Result<T>>) -> Result<(T, Vec<Tally>)> {
        let _ = self.begin.send(());
        let done = work.await?;
        let _ = self.end.send(());
        Ok((done, self.thread.join()?))
    }
}

async fn live(
    doors: Arc<[SocketAddr]>,
    crowd: Crowd,
    only: Vec<String>,
    ready: oneshot::Sender<()>,
    begun: oneshot::Receiver<()>,
    ended: oneshot::Receiver<()>,
) -> Result<Vec<Tally>> {
    let stock = Stock::prepare(doors[0], crowd).await?;
    let _ = ready.send(());
    begun.await?;
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
            _ = ended => (),
        }
    }
    Ok(tallies.into_iter().map(|(_, tally)| tally).chain([unread, subscriptions]).collect())
}

//! Those who drop and come back, and those who post what they miss: on a thread of their own, so that it does not hold
//! up who measures.

use crate::{
    rooms::{
        board::Board,
        member::{Absent, Member},
        seed::Seeded,
    },
    stats::Quantiles,
};
use anyhow::{Context, Result, anyhow, bail};
use std::{
    cell::RefCell,
    collections::HashSet,
    net::SocketAddr,
    rc::Rc,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tokio::{
    runtime::Builder,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::{AbortHandle, JoinSet, LocalSet},
    time::{sleep, sleep_until, timeout},
};

/// What they are to do.
pub(super) struct Plan {
    pub(super) doors: Arc<[SocketAddr]>,
    pub(super) seeded: Arc<Seeded>,
    /// How many of each room drop; one more stays, the first.
    pub(super) room: usize,
    pub(super) gap: usize,
    pub(super) content: usize,
    /// The time over which they come back.
    pub(super) within: Duration,
    /// How long they may take to be caught up.
    pub(super) settle: Duration,
}

/// How they came back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Return {
    /// From the first moment of the storm until somebody was greeted.
    pub(super) greeted: Quantiles,
    /// From there until what somebody had missed arrived.
    pub(super) arrived: Quantiles,
    /// Whether all of it did.
    pub(super) is_complete: bool,
}

/// What is judged in the end.
pub(super) struct Outcome {
    pub(super) board: Board,
    pub(super) drained: bool,
}

/// What they tell.
enum Told {
    Away,
    Back(Return),
    /// The numbers of those who left.
    Left(HashSet<usize>),
}

/// The crowd, seen from the thread that measures. It goes on when it is told to.
pub(super) struct Crowd {
    cue: UnboundedSender<()>,
    told: UnboundedReceiver<Told>,
    thread: JoinHandle<Result<Outcome>>,
}

impl Crowd {
    /// Sends for them.
    pub(super) fn gather(plan: Plan) -> Result<Self> {
        let ((cue, cues), (tell, told)) = (unbounded_channel(), unbounded_channel());
        let thread = std::thread::Builder::new().name("crowd".to_owned()).spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(LocalSet::new().run_until(storm(plan, tell, cues)))
        })?;
        Ok(Self { cue, told, thread })
    }

    /// They have come and gone, and missed what they are to miss.
    pub(super) async fn is_away(&mut self) -> Result<()> {
        match self.told.recv().await {
            Some(Told::Away) => Ok(()),
            _ => bail!("the crowd is gone"),
        }
    }

    /// They come back, until all are caught up.
    pub(super) async fn come_back(&mut self) -> Result<Return> {
        let _ = self.cue.send(());
        match self.told.recv().await {
            Some(Told::Back(back)) => Ok(back),
            _ => bail!("the crowd is gone"),
        }
    }

    /// Half of them leave again: their numbers.
    pub(super) async fn half_leaves(&mut self) -> Result<HashSet<usize>> {
        let _ = self.cue.send(());
        match self.told.recv().await {
            Some(Told::Left(left)) => Ok(left),
            _ => bail!("the crowd is gone"),
        }
    }

    /// Ends it.
    pub(super) fn disperse(self) -> Result<Outcome> {
        drop(self.cue);
        self.thread.join().map_err(|_| anyhow!("the crowd panicked"))?
    }
}

/// All of it, in order.
async fn storm(plan: Plan, tell: UnboundedSender<Told>, mut cues: UnboundedReceiver<()>) -> Result<Outcome> {
    let board = Rc::new(Board::new(plan.room + 1, 0));
    let (mut staying, mut there, mut turns) = (JoinSet::new(), Vec::new(), Vec::new());
    eprintln!("{} sockets connect", plan.seeded.seats.len());
    for user in 0..plan.seeded.seats.len() {
        let member = Member::connect(&plan.doors, &plan.seeded, user, plan.content).await?;
        if user.is_multiple_of(plan.room + 1) {
            let (turn, turns_of_member) = unbounded_channel();
            turns.push(turn);
            staying.spawn_local(member.run(Rc::clone(&board), turns_of_member));
        } else {
            there.push((user, member));
        }
    }
    board.seat(turns, false);
    eprintln!("{} drop, and miss {} events each", there.len(), plan.gap);
    let away: Vec<_> = there.into_iter().map(|(user, member)| (user, member.leave())).collect();
    tokio::select! {
        () = post(&board, plan.gap) => {}
        failed = staying.join_next() => bail!("one who stayed is gone: {failed:?}"),
    }
    let _ = tell.send(Told::Away);

    let mut back = JoinSet::new();
    if cues.recv().await.is_some() {
        let (returned, handles) = tokio::select! {
            returned = come_back(&plan, away, &board, &mut back) => returned,
            failed = staying.join_next() => bail!("one who stayed is gone: {failed:?}"),
        };
        let _ = tell.send(Told::Back(returned?));
        if cues.recv().await.is_some() {
            let left = handles.into_iter().filter(|(user, _)| user.is_multiple_of(2));
            let left = left.map(|(user, handle)| {
                handle.abort();
                user
            });
            let _ = tell.send(Told::Left(left.collect()));
            let _ = cues.recv().await;
        }
    }
    let drained = timeout(Duration::ZERO, board.drained()).await.is_ok();
    staying.shutdown().await;
    back.shutdown().await;
    let board = Rc::try_unwrap(board).map_err(|_| anyhow!("somebody is still there"))?;
    Ok(Outcome { board, drained })
}

/// Everybody who stayed posts so many messages, one after the other.
async fn post(board: &Board, gap: usize) {
    for _ in 0..gap {
        board.everybody_sends();
        sleep(Duration::from_millis(1)).await;
        while board.unacknowledged() > 0 {
            sleep(Duration::from_millis(2)).await;
        }
    }
}

/// They come back, and stay.
async fn come_back(
    plan: &Plan,
    away: Vec<(usize, Absent)>,
    board: &Rc<Board>,
    back: &mut JoinSet<Result<()>>,
) -> (Result<Return>, Vec<(usize, AbortHandle)>) {
    let begun = Instant::now();
    let greeted = Rc::new(RefCell::new(Vec::with_capacity(away.len())));
    let count = away.len() as f64;
    let come = |(number, (user, absent)): (usize, (usize, Absent))| {
        let (board, greeted) = (Rc::clone(board), Rc::clone(&greeted));
        let at = begun + plan.within.mul_f64(number as f64 / count);
        let coming = async move {
            sleep_until(at.into()).await;
            let member = absent.come_back(&board).await?;
            greeted.borrow_mut().push(begun.elapsed());
            // Nobody tells them to post.
            let (_turn, turns) = unbounded_channel();
            member.run(board, turns).await
        };
        (user, back.spawn_local(coming))
    };
    let handles = away.into_iter().enumerate().map(come).collect();
    let caught_up = async {
        tokio::select! {
            caught_up = timeout(plan.settle, board.drained()) => Ok(caught_up.is_ok()),
            failed = back.join_next() => Err(anyhow!("one who came back is gone: {failed:?}")),
        }
    };
    let is_complete = caught_up.await;
    let messages = board.messages();
    let late = messages.iter().flat_map(|message| &message.delivered).filter(|at| **at >= begun);
    let arrived = Quantiles::of(late.map(|at| *at - begun).collect());
    let returned = is_complete.context("the storm").map(|is_complete| Return {
        greeted: Quantiles::of(greeted.borrow().clone()),
        arrived,
        is_complete,
    });
    (returned, handles)
}

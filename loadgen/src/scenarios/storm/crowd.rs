//! The people who drop and come back, and those who post what they miss: on a thread beside the measuring one.

use crate::{
    aside::Aside,
    stats::Quantiles,
    text::Content,
    traffic::{
        board::Board,
        member::{Absent, Member},
        seed::Seeded,
    },
};
use anyhow::{Context, Result, anyhow, bail};
use std::{
    cell::RefCell,
    collections::HashSet,
    net::SocketAddr,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::{AbortHandle, JoinSet},
    time::{sleep, sleep_until, timeout},
};

pub(super) struct Plan {
    pub(super) doors: Arc<[SocketAddr]>,
    pub(super) seeded: Arc<Seeded>,
    /// Members of each room who drop. One more stays: the first.
    pub(super) room: usize,
    pub(super) gap: usize,
    pub(super) content: Content,
    /// The time over which they come back.
    pub(super) within: Duration,
    /// The time limit of catching up.
    pub(super) settle: Duration,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Return {
    /// From the begin of the storm to each hello.
    pub(super) greeted: Quantiles,
    /// From the begin of the storm to the arrival of each missed event.
    pub(super) arrived: Quantiles,
    /// Every missed event arrived in time.
    pub(super) is_complete: bool,
}

pub(super) struct Outcome {
    pub(super) board: Board,
    pub(super) drained: bool,
}

/// A step that the crowd has completed.
enum Step {
    Away,
    Back(Return),
    /// The numbers of the users who left.
    Left(HashSet<usize>),
}

/// The measuring thread's handle of the crowd, which goes on at each cue.
pub(super) struct Crowd {
    cue: UnboundedSender<()>,
    steps: UnboundedReceiver<Step>,
    thread: Aside<Outcome>,
}

impl Crowd {
    pub(super) fn gather(plan: Plan) -> Result<Self> {
        let ((cue, cues), (publish, steps)) = (unbounded_channel(), unbounded_channel());
        let thread = Aside::spawn("crowd", move || storm(plan, publish, cues))?;
        Ok(Self { cue, steps, thread })
    }

    /// Waits until all are connected, have dropped, and have missed their events.
    pub(super) async fn is_away(&mut self) -> Result<()> {
        let Some(Step::Away) = self.steps.recv().await else { bail!("the crowd is gone") };
        Ok(())
    }

    /// Lets all come back, and waits until they are caught up.
    pub(super) async fn come_back(&mut self) -> Result<Return> {
        let _ = self.cue.send(());
        let Some(Step::Back(back)) = self.steps.recv().await else { bail!("the crowd is gone") };
        Ok(back)
    }

    /// Lets half of them leave again. Returns their numbers.
    pub(super) async fn half_leaves(&mut self) -> Result<HashSet<usize>> {
        let _ = self.cue.send(());
        let Some(Step::Left(left)) = self.steps.recv().await else { bail!("the crowd is gone") };
        Ok(left)
    }

    pub(super) fn disperse(self) -> Result<Outcome> {
        drop(self.cue);
        self.thread.join()
    }
}

async fn storm(plan: Plan, publish: UnboundedSender<Step>, mut cues: UnboundedReceiver<()>) -> Result<Outcome> {
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
    let _ = publish.send(Step::Away);

    let mut back = JoinSet::new();
    if cues.recv().await.is_some() {
        let (returned, handles) = tokio::select! {
            returned = come_back(&plan, away, &board, &mut back) => returned,
            failed = staying.join_next() => bail!("one who stayed is gone: {failed:?}"),
        };
        let _ = publish.send(Step::Back(returned?));
        if cues.recv().await.is_some() {
            let left = handles.into_iter().filter(|(user, _)| user.is_multiple_of(2));
            let left = left.map(|(user, handle)| {
                handle.abort();
                user
            });
            let _ = publish.send(Step::Left(left.collect()));
            let _ = cues.recv().await;
        }
    }
    let drained = timeout(Duration::ZERO, board.drained()).await.is_ok();
    staying.shutdown().await;
    back.shutdown().await;
    let board = Rc::try_unwrap(board).map_err(|_| anyhow!("somebody is still there"))?;
    Ok(Outcome { board, drained })
}

/// Lets everybody who stayed post so many messages, one after the other.
async fn post(board: &Board, gap: usize) {
    for _ in 0..gap {
        board.everybody_sends();
        sleep(Duration::from_millis(1)).await;
        while board.unanswered() > 0 {
            sleep(Duration::from_millis(2)).await;
        }
    }
}

/// Lets all come back, and stay.
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
            // They never post.
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

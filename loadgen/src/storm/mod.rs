//! What a reconnect storm costs: many sockets drop at once, miss some events each, and come back by their cursors, while
//! others post at an even pace. Then: who is told to be there, is; half of them leave, and who is not there, is not.

mod crowd;
mod presence;
mod report;

use crate::{
    machine::Disk,
    rooms::{
        board::Board,
        failure::Phase,
        member::{self, Member},
        open,
        oracle::Oracle,
        seed::{self, Seeded},
    },
    server::{Server, Target},
};
use anyhow::{Result, anyhow, bail, ensure};
use clap::Args;
use crowd::{Crowd, Plan, Return};
use report::{Live, Report};
use std::{
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::mpsc,
    task::{JoinSet, LocalSet},
    time::timeout,
};

/// Longer than any storm (seconds).
const FOREVER: u64 = 24 * 60 * 60;

/// What to load, and how.
#[derive(Args, Clone, Debug)]
pub(crate) struct Settings {
    #[command(flatten)]
    target: Target,
    /// Sockets that drop at once and come back.
    #[arg(long, default_value_t = 1_000)]
    sockets: usize,
    /// How many of them share a room; one more is in each, who stays and posts what they miss.
    #[arg(long, default_value_t = 10)]
    room: usize,
    /// Events that each of them misses.
    #[arg(long, default_value_t = 100)]
    gap: usize,
    /// Seconds within which they come back, evenly; 0: all at the same moment.
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0)]
    within: f64,
    /// Sockets that post all the time, in rooms of their own.
    #[arg(long, default_value_t = 100)]
    users: usize,
    /// Members of each of these.
    #[arg(long, default_value_t = 10)]
    members: usize,
    /// Bytes of each message's content.
    #[arg(long, default_value_t = 200)]
    content: usize,
    /// Messages a second.
    #[arg(long, default_value_t = 100)]
    rate: u32,
    /// Seconds of posting before anything is measured.
    #[arg(long, default_value_t = 3)]
    warm_up: u64,
    /// Seconds of posting alone, to compare with.
    #[arg(long, default_value_t = 5)]
    measure: u64,
    /// Seconds that the last acknowledgements and deliveries may take.
    #[arg(long, default_value_t = 120)]
    settle: u64,
}

/// Loads the server; whether the oracle found nothing wrong, and presence came to the truth.
pub(crate) async fn run(settings: Settings, json: bool) -> Result<bool> {
    let Settings { sockets, room, gap, users, members, content, .. } = settings;
    ensure!(members > 0 && users.is_multiple_of(members), "--users must be a multiple of --members");
    ensure!(room > 0 && sockets > 0 && sockets.is_multiple_of(room), "--sockets must be a multiple of --room");
    ensure!(gap > 0 && settings.within >= 0.0, "--gap and --within are no numbers for a storm");
    ensure!(content >= member::MARK, "--content must be at least {}", member::MARK);
    let server = Server::reserve(&settings.target).await?;
    let local = LocalSet::new();
    let report = tokio::select! {
        report = local.run_until(load(&settings, &server)) => report,
        _ = tokio::signal::ctrl_c() => Err(anyhow!("interrupted")),
    };
    server.stop().await?;
    let report = report?;
    report.print(json)?;
    Ok(report.is_clean())
}

async fn load(settings: &Settings, server: &Server) -> Result<Report> {
    let Settings { sockets, room, gap, within, users, members, content, settle, .. } = *settings;
    let mut sizes = vec![members; users / members];
    sizes.extend(vec![room + 1; sockets / room]);
    let seeded = seed::seed(server, &sizes).await?;
    server.start().await?;
    let (posting, storming) = seeded.split(users / members);
    let (posting, storming) = (posting, Arc::new(storming));
    let oracles = [&posting, &*storming].map(|seeded| Oracle::new(seeded.rooms.len()));
    let board = Rc::new(Board::new(members, 0));
    let (mut tasks, mut turns) = (JoinSet::new(), Vec::new());
    for user in 0..users {
        let (turn, turns_of_member) = mpsc::unbounded_channel();
        turns.push(turn);
        let member = Member::connect(&server.addresses(), &posting, user, content).await?;
        tasks.spawn_local(member.run(Rc::clone(&board), turns_of_member));
    }
    board.seat(turns, false);
    let (within, settle) = (Duration::from_secs_f64(within), Duration::from_secs(settle));
    let plan = Plan { doors: server.addresses(), seeded: Arc::clone(&storming), room, gap, content, within, settle };
    let mut crowd = Crowd::gather(plan)?;
    let disk = Disk::probe(server.folder());
    let scenario = Scenario { settings, server, board: &board, seeded: &storming };
    let told = tokio::select! {
        told = scenario.all(&mut crowd) => told,
        failed = tasks.join_next() => bail!("a socket ended in the middle of the run: {failed:?}"),
    };
    let disk = disk.stop();
    let drained = timeout(settle, board.drained()).await.is_ok();
    // Why the crowd is gone says more than that it is.
    let storm = crowd.disperse()?;
    let told = told?;
    tasks.shutdown().await;
    let [of_posting, of_storm] = oracles;
    let verdicts = [
        of_posting?.check(server, &posting, &board, drained).await?,
        of_storm?.check(server, &storming, &storm.board, storm.drained).await?,
    ];
    Ok(Report::new(settings, told, storm.board.resilience().clone(), disk, verdicts))
}

/// What the steps share.
struct Scenario<'s> {
    settings: &'s Settings,
    server: &'s Server,
    board: &'s Board,
    /// Those of the storm.
    seeded: &'s Seeded,
}

/// What came of all steps.
struct Told {
    alone: Live,
    meanwhile: Live,
    back: Return,
    /// Statements of Postgres for each socket that came back, beside those of posting.
    statements: Option<f64>,
    /// Seconds until presence was true: when all were back, and when half of them had left. None: it never was.
    presence: [Option<f64>; 2],
}

impl Scenario<'_> {
    async fn all(&self, crowd: &mut Crowd) -> Result<Told> {
        let Settings { rate, users, warm_up, measure, sockets, .. } = *self.settings;
        crowd.is_away().await?;
        open(self.board, rate, users, warm_up).await;
        eprintln!("posting alone");
        let (alone, _, quiet) = self.live(open(self.board, rate, users, measure)).await?;
        eprintln!("{sockets} sockets come back");
        let posting = open(self.board, rate, users, FOREVER);
        let coming = async {
            tokio::select! {
                back = crowd.come_back() => back,
                () = posting => bail!("nobody came back in a day"),
            }
        };
        let (meanwhile, back, busy) = self.live(coming).await?;
        let expected = quiet.map(|quiet| quiet * meanwhile.seconds / alone.seconds);
        let statements = busy.zip(expected).map(|(busy, expected)| (busy - expected).max(0.0) / sockets as f64);
        eprintln!("presence is to settle");
        let all = presence::settles(self.server, self.seeded, |_| true).await?;
        let left = crowd.half_leaves().await?;
        let half = presence::settles(self.server, self.seeded, |user| !left.contains(&user)).await?;
        Ok(Told { alone, meanwhile, back: back?, statements, presence: [all, half] })
    }

    /// What was posted while something went on, what that gave, and how many statements Postgres ran.
    async fn live<T>(&self, during: impl Future<Output = T>) -> Result<(Live, T, Option<f64>)> {
        let (usage, statements) = (self.server.usage()?, self.server.statements().await?);
        let begun = Instant::now();
        let given = during.await;
        let window = begun..Instant::now();
        let after = (self.server.usage()?, self.server.statements().await?);
        let drained = timeout(Duration::from_secs(self.settings.settle), self.board.drained());
        ensure!(drained.await.is_ok(), "what was posted meanwhile did not arrive");
        let messages = self.board.messages();
        let sent = messages.iter().filter(|message| window.contains(&message.sent));
        let count = sent.clone().count();
        let live = Live::new(Phase::of(sent), window.end - window.start, [&usage, &after.0], count);
        let ran = after.1.zip(statements).map(|(after, before)| after.saturating_sub(before) as f64);
        Ok((live, given, ran))
    }
}

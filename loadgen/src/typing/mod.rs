//! What typing costs: a large room in which some people type all the time, beside other rooms that post at an even pace.
//!
//! Two turns, taken one after the other as often as is asked for: *alone* (posting), and *typing* (posting, while those
//! of the large room type).

mod crowd;
mod report;
mod tally;

use crate::{
    machine::Disk,
    rooms::{
        board::Board,
        failure::Phase,
        member::{self, Member},
        open,
        oracle::Oracle,
        seed,
    },
    server::{Server, Target},
};
use anyhow::{Result, anyhow, bail, ensure};
use clap::Args;
use crowd::Crowd;
use report::{Report, Told, Turn};
use std::{
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::{
    sync::mpsc,
    task::{JoinSet, LocalSet},
    time::{sleep, timeout},
};

/// How long people type before anything is measured.
const AHEAD: Duration = Duration::from_secs(1);

/// What to load, and how.
#[derive(Args, Clone, Debug)]
pub(crate) struct Settings {
    #[command(flatten)]
    target: Target,
    /// Members of the large room, each with a socket.
    #[arg(long, default_value_t = 200)]
    room: usize,
    /// How many of them type.
    #[arg(long, default_value_t = 20)]
    typists: usize,
    /// How often each of them says so, in a second.
    #[arg(long, default_value_t = 2.0)]
    pace: f64,
    /// Sockets that post, in rooms of their own.
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
    /// Seconds before the first turn.
    #[arg(long, default_value_t = 3)]
    warm_up: u64,
    /// Seconds of each turn.
    #[arg(long, default_value_t = 10)]
    measure: u64,
    /// How often the two turns are taken; the report ends with the medians.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Seconds that the last acknowledgements and deliveries of a turn may take.
    #[arg(long, default_value_t = 60)]
    settle: u64,
}

/// Loads the server; whether the oracle found nothing wrong.
pub(crate) async fn run(settings: Settings, json: bool) -> Result<bool> {
    let Settings { room, typists, pace, users, members, content, .. } = settings;
    ensure!(members > 0 && users.is_multiple_of(members), "--users must be a multiple of --members");
    ensure!(0 < typists && typists < room, "--typists must be fewer than the members of the --room");
    ensure!(pace > 0.0, "--pace is no rate");
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
    let Settings { room, typists, pace, users, members, .. } = *settings;
    let mut sizes = vec![members; users / members];
    sizes.push(room);
    let seeded = seed::seed(server, &sizes).await?;
    server.start().await?;
    let (posting, typing) = seeded.split(users / members);
    let oracle = Oracle::new(posting.rooms.len())?;
    let board = Rc::new(Board::new(members, 0));
    let (mut tasks, mut turns) = (JoinSet::new(), Vec::new());
    for user in 0..users {
        let (turn, turns_of_member) = mpsc::unbounded_channel();
        turns.push(turn);
        let member = Member::connect(&server.addresses(), &posting, user, settings.content).await?;
        tasks.spawn_local(member.run(Rc::clone(&board), turns_of_member));
    }
    board.seat(turns, false);
    let admin = typing.admin.clone();
    let crowd = Crowd::gather(server.addresses(), typing, typists, Duration::from_secs_f64(pace.recip())).await?;
    let disk = Disk::probe(server.folder());
    let scenario = Scenario { settings, server, board: &board, crowd: &crowd, admin: admin.as_deref() };
    let turns = tokio::select! {
        turns = scenario.all() => turns,
        failed = tasks.join_next() => bail!("a socket ended in the middle of the run: {failed:?}"),
    };
    let disk = disk.stop();
    let drained = scenario.drained().await;
    // Why the crowd is gone says more than that it is.
    crowd.disperse()?;
    let turns = turns?;
    tasks.shutdown().await;
    let verdict = oracle.check(server, &posting, &board, drained).await?;
    Ok(Report::new(settings, turns, disk, verdict))
}

/// What the turns share.
struct Scenario<'s> {
    settings: &'s Settings,
    server: &'s Server,
    board: &'s Board,
    crowd: &'s Crowd,
    admin: Option<&'s str>,
}

impl Scenario<'_> {
    async fn all(&self) -> Result<Vec<[Turn; 2]>> {
        let Settings { rate, users, warm_up, runs, .. } = *self.settings;
        open(self.board, rate, users, warm_up).await;
        let mut turns = Vec::new();
        for number in 1..=runs {
            eprintln!("run {number} of {runs}: posting alone");
            let alone = self.turn().await?;
            eprintln!("run {number} of {runs}: posting while others type");
            self.crowd.tally().types(true);
            sleep(AHEAD).await;
            let typing = self.turn().await?;
            self.crowd.tally().types(false);
            turns.push([alone, typing]);
        }
        Ok(turns)
    }

    /// Posts for the measured time, and looks at what came of it and of whatever the crowd does.
    async fn turn(&self) -> Result<Turn> {
        let Settings { rate, users, measure, .. } = *self.settings;
        let (usage, told, counted) = (self.server.usage()?, self.crowd.tally().told(), self.counted().await?);
        let begun = Instant::now();
        open(self.board, rate, users, measure).await;
        let window = begun..Instant::now();
        let after = (self.server.usage()?, self.crowd.tally().told());
        self.drained().await;
        let signals = self.counted().await?.since(&counted);
        let told = Told::between(&told, &after.1, (window.end - window.start).as_secs_f64());
        let messages = self.board.messages();
        let sent = messages.iter().filter(|message| window.contains(&message.sent));
        let count = sent.clone().count();
        Ok(Turn::new(Phase::of(sent), told, signals, [&usage, &after.0], count))
    }

    async fn counted(&self) -> Result<crate::server::Signals> {
        self.server.signals(self.admin).await
    }

    async fn drained(&self) -> bool {
        timeout(Duration::from_secs(self.settings.settle), self.board.drained()).await.is_ok()
    }
}

//! Rooms of people who post while another program breaks things: its orders come on standard input, one JSON value a
//! line, and each is answered by a line on standard output. `cargo xtask torture` is that program.

mod ends;
mod leases;
mod order;
mod presence;
mod reads;
mod recovery;

use crate::{
    rooms::{
        board::Board,
        member::{MARK, Member},
        open,
        oracle::Oracle,
        seed::{self, Seeded},
    },
    server::{Role, Server, Target},
};
use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::Args;
use leases::Leases;
use order::Order;
use reads::Reads;
use recovery::Recovery;
use serde_json::{Value, json};
use std::{
    cell::Cell,
    io::Write,
    path::PathBuf,
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::{
    sync::mpsc::{self, UnboundedReceiver},
    task::{JoinSet, LocalSet},
    time::timeout,
};

/// Longer than any trial.
const FOREVER: u64 = 24 * 60 * 60;
/// A socket on which an answer is due and nothing is said for so long is given up, as by real clients.
const PATIENCE: Duration = Duration::from_secs(5);

/// What to load, and how.
#[derive(Args, Clone, Debug)]
pub(crate) struct Settings {
    #[command(flatten)]
    target: Target,
    /// Sockets, one per user.
    #[arg(long, default_value_t = 100)]
    users: usize,
    /// Members of each room.
    #[arg(long, default_value_t = 5)]
    room: usize,
    /// Bytes of each message's content.
    #[arg(long, default_value_t = 200)]
    content: usize,
    /// Messages a second.
    #[arg(long, default_value_t = 100)]
    rate: u32,
    /// Seconds that the last acknowledgements and deliveries may take once nobody sends any more.
    #[arg(long, default_value_t = 60)]
    settle: u64,
    /// An acknowledgement, a delivery or a read that takes longer is held up (milliseconds).
    #[arg(long, default_value_t = 2_000)]
    slow: u64,
    /// Have this `chatchit-replay` verify all read models and the hash chain at the end.
    #[arg(long, value_name = "PROGRAM")]
    replay: Option<PathBuf>,
}

/// What the orders are about.
struct Trial<'t> {
    settings: &'t Settings,
    server: &'t Server,
    seeded: &'t Seeded,
    board: &'t Board,
    reads: &'t Reads,
    leases: &'t Leases,
    mark: Cell<Instant>,
}

/// Loads the server until it is told to finish; whether nothing was wrong.
pub(crate) async fn run(settings: Settings) -> Result<bool> {
    ensure!(settings.room > 1 && settings.users.is_multiple_of(settings.room), "--users must be a multiple of --room");
    ensure!(settings.content >= MARK, "--content must be at least {MARK}");
    let server = Server::reserve(&settings.target).await?;
    let local = LocalSet::new();
    let clean = tokio::select! {
        clean = local.run_until(load(&settings, &server)) => clean,
        _ = tokio::signal::ctrl_c() => Err(anyhow!("interrupted")),
    };
    server.stop().await?;
    clean
}

async fn load(settings: &Settings, server: &Server) -> Result<bool> {
    let location = server.read_models().context("a trial takes --spawn and --database-url")?;
    let seeded = seed::seed(server, &vec![settings.room; settings.users / settings.room]).await?;
    let oracle = Oracle::new(seeded.rooms.len())?;
    let leases = Leases::open(&location).await?;
    start(server, &leases).await?;

    let board = Rc::new(Board::new(settings.room, 0));
    let (mut members, mut turns) = (JoinSet::new(), Vec::new());
    let doors = server.addresses();
    for user in 0..settings.users {
        let (turn, turns_of_member) = mpsc::unbounded_channel();
        turns.push(turn);
        let member = Member::connect(&doors, &seeded, user, settings.content).await?.with_patience(PATIENCE);
        members.spawn_local(member.run(Rc::clone(&board), turns_of_member));
    }
    board.seat(turns, false);

    let reads = Reads::default();
    let trial = Trial {
        settings,
        server,
        seeded: &seeded,
        board: &board,
        reads: &reads,
        leases: &leases,
        mark: Cell::new(Instant::now()),
    };
    let is_to_finish = tokio::select! {
        finish = trial.obey() => finish?,
        () = open(&board, settings.rate, settings.users, FOREVER) => false,
        failed = members.join_next() => bail!("a socket ended in the middle of the trial: {failed:?}"),
        failed = reads.watch(server, &seeded, &board) => bail!("reading ended: {failed:?}"),
    };
    if !is_to_finish {
        return Ok(false);
    }
    board.stop();
    let drained = tokio::select! {
        drained = timeout(Duration::from_secs(settings.settle), board.drained()) => drained.is_ok(),
        failed = members.join_next() => bail!("a socket ended before its last deliveries: {failed:?}"),
    };
    members.shutdown().await;
    let verdict = oracle.check(server, &seeded, &board, drained).await?;
    let differences = match &settings.replay {
        Some(program) => ends::verify(program, server).await?,
        None => Vec::new(),
    };
    leases.close().await;
    let clean = verdict.is_clean() && differences.is_empty();
    let sent = board.messages().len();
    let survived = board.resilience().clone();
    answer(&Ok(json!({
        "clean": clean, "sent": sent, "verdict": verdict, "differences": differences, "resilience": survived,
    })))?;
    Ok(clean)
}

/// The workers first and one by one, so that it is known which lease is whose; and a gateway may say that it is not ready
/// as long as nobody works.
async fn start(server: &Server, leases: &Leases) -> Result<()> {
    let workers = server.processes().filter(|(_, role)| *role != Role::Gateway);
    for (name, _) in workers {
        server.start_one(name).await?;
        leases.learn(name).await?;
    }
    server.start().await?;
    leases.are_shared_out().await
}

impl Trial<'_> {
    /// Carries out orders until one says to finish; false when there are no more.
    async fn obey(&self) -> Result<bool> {
        let mut orders = orders();
        let processes: Vec<_> = self.server.processes().map(|(name, _)| name).collect();
        answer(&Ok(json!({"processes": processes, "rooms": self.seeded.rooms.len()})))?;
        while let Some(order) = orders.recv().await {
            let order: Order = serde_json::from_str(&order).with_context(|| format!("not an order: {order}"))?;
            if matches!(order, Order::Finish) {
                return Ok(true);
            }
            answer(&self.carry_out(order).await)?;
        }
        Ok(false)
    }

    async fn carry_out(&self, order: Order) -> Result<Value> {
        let Self { server, leases, .. } = self;
        match order {
            Order::Mark => self.mark.set(Instant::now()),
            Order::Stop { process, in_transaction } => {
                leases.note_rooms(&process, &self.seeded.rooms).await?;
                let begun = Instant::now();
                let caught = match in_transaction {
                    true => leases.stop_in_transaction(server, &process).await?,
                    false => {
                        server.stop_one(&process).await?;
                        false
                    }
                };
                self.mark.set(Instant::now());
                return Ok(json!({"inTransaction": caught, "seconds": begun.elapsed().as_secs_f64()}));
            }
            Order::GoOn { process } => server.go_on(&process).await?,
            Order::Kill { process } => {
                leases.note_rooms(&process, &self.seeded.rooms).await?;
                server.kill_one(&process).await?;
                self.mark.set(Instant::now());
            }
            Order::Start { process } => {
                server.start_one(&process).await?;
                if server.processes().any(|(name, role)| name == process && role != Role::Gateway) {
                    leases.learn(&process).await?;
                }
            }
            Order::Terminate { process, within } => {
                let ended = server.terminate(&process, Duration::from_secs_f64(within)).await?;
                let ended =
                    ended.map(|(status, after)| json!({"status": status.to_string(), "seconds": after.as_secs_f64()}));
                return Ok(json!(ended));
            }
            Order::Holder { duty } => return Ok(json!(leases.holder(&duty).await?)),
            Order::Recovered { within, of } => {
                let rooms = of.map(|process| leases.rooms_of(&process)).unwrap_or_default();
                return Ok(serde_json::to_value(self.recovered(Duration::from_secs_f64(within), &rooms).await)?);
            }
            Order::Absent => return Ok(json!(presence::absent(server, self.seeded).await?)),
            Order::Finish => bail!("it is not finished in the middle"),
        }
        Ok(Value::Null)
    }

    /// Waits until nothing is held up any more, somewhat longer than it may take.
    async fn recovered(&self, within: Duration, rooms: &[usize]) -> Recovery {
        let slow = Duration::from_millis(self.settings.slow);
        let steady = 2 * slow + Duration::from_secs(1);
        let deadline = self.mark.get() + within + steady;
        let mut calm_since = None;
        loop {
            let now = Instant::now();
            let times = recovery::Times { mark: self.mark.get(), now, slow };
            let found = Recovery::of(&times, self.board, self.reads, rooms);
            if !found.is_over() {
                calm_since = None;
            }
            let calm_since = *calm_since.get_or_insert(now);
            if (found.is_over() && now - calm_since > steady) || now > deadline {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// The lines of standard input, read by a thread of its own; they end when it does.
fn orders() -> UnboundedReceiver<String> {
    let (order, orders) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if order.send(line).is_err() {
                return;
            }
        }
    });
    orders
}

/// One line, at once.
fn answer(answer: &Result<Value>) -> Result<()> {
    let line = match answer {
        Ok(done) => json!({"ok": done}),
        Err(error) => json!({"error": format!("{error:#}")}),
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

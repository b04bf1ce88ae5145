//! Rooms of people who post while another program breaks things. Its orders come on standard input, one JSON value a line,
//! and each is answered by a line on standard output. `cargo xtask torture` is that program.

mod ends;
mod leases;
mod order;
mod reads;
mod recovery;

use crate::{
    report::{Format, Report},
    scenario::{Output, Scenario},
    server::{Budgets, Role, Server, Target},
    text::Content,
    traffic::{
        self, Plan, Posting,
        oracle::Oracle,
        presence::{Presence, members},
        seed::{self, Seeded},
    },
};
use anyhow::{Context, Result, bail, ensure};
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
    time::{Duration, Instant},
};
use tokio::sync::mpsc::{self, UnboundedReceiver};

/// Longer than any trial.
const FOREVER: u64 = 24 * 60 * 60;
/// A socket that owes an answer and is silent for so long is replaced, as real clients do.
const PATIENCE: Duration = Duration::from_secs(5);

/// Rooms of people who post, while orders on standard input break things: for `cargo xtask torture`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Trial {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    content: Content,
    /// Sockets, one per user.
    #[arg(long, default_value_t = 100)]
    users: usize,
    /// Members of each room.
    #[arg(long, default_value_t = 5)]
    room: usize,
    /// Messages a second.
    #[arg(long, default_value_t = 100)]
    rate: u32,
    /// Time limit of the last acknowledgements and deliveries after the end of sending (seconds).
    #[arg(long, default_value_t = 60)]
    settle: u64,
    /// An acknowledgement, a delivery or a read that takes longer is delayed (milliseconds).
    #[arg(long, default_value_t = 2_000)]
    slow: u64,
    /// Verify all read models and the hash chain with this `chatchit-replay` at the end.
    #[arg(long, value_name = "PROGRAM")]
    replay: Option<PathBuf>,
    /// Nothing may be parked at the end: no event, and no reaction.
    #[arg(long, requires = "replay")]
    nothing_parked: bool,
}

struct Run<'t> {
    settings: &'t Trial,
    server: &'t Server,
    seeded: &'t Seeded,
    posting: &'t Posting,
    reads: &'t Reads,
    leases: &'t Leases,
    mark: Cell<Instant>,
}

impl Scenario for Trial {
    type Place = Server;

    async fn set_up(&self) -> Result<Server> {
        ensure!(self.room > 1, "--room must be at least 2");
        traffic::check_rooms(("--users", self.users), ("--room", self.room))?;
        self.content.check()?;
        Server::reserve(&self.target, Budgets::Lifted).await
    }

    async fn run(&self, server: &Server) -> Result<Report> {
        let location = server.read_models().context("a trial takes --spawn and --database-url")?;
        let seeded = seed::seed(server, &vec![self.room; self.users / self.room]).await?;
        let oracle = Oracle::new(seeded.rooms.len(), self.content)?;
        let leases = Leases::open(&location).await?;
        start(server, &leases).await?;
        let plan = Plan::open(self.users, self.room, self.content, self.settle);
        let plan = Plan { patience: Some(PATIENCE), ..plan };
        let (posting, mut members) = Posting::connect(server, &seeded, plan).await?;
        let reads = Reads::default();
        let run = Run {
            settings: self,
            server,
            seeded: &seeded,
            posting: &posting,
            reads: &reads,
            leases: &leases,
            mark: Cell::new(Instant::now()),
        };
        let obeyed = async {
            tokio::select! {
                obeyed = run.obey() => obeyed,
                () = posting.open(f64::from(self.rate), FOREVER) => bail!("the trial was not finished within a day"),
                failed = reads.watch(server, &seeded, posting.board()) => bail!("reading ended: {failed:?}"),
            }
        };
        members.unless_lost(obeyed).await?;
        let verdict = posting.judge(members, &oracle, server, &seeded).await?;
        let differences = match &self.replay {
            Some(program) => ends::verify(program, server, self.nothing_parked).await?,
            None => Vec::new(),
        };
        leases.close().await;
        let (sent, resilience) = (posting.board().messages().len(), posting.board().resilience().clone());
        let figures = json!({"sent": sent, "verdict": verdict, "differences": differences, "resilience": resilience});
        let mut report = Report::new(format!("trial: {}", self.target.describe()), figures)?;
        report.oracle("", &verdict);
        differences.iter().for_each(|difference| report.fault(difference));
        Ok(report)
    }

    fn format(_: &Output) -> Format {
        Format::Answer
    }
}

/// Starts the workers first and one by one, to learn which leases are whose. A gateway is not ready without workers.
async fn start(server: &Server, leases: &Leases) -> Result<()> {
    let workers = server.processes().filter(|(_, role)| *role != Role::Gateway);
    for (name, _) in workers {
        server.process(name)?.start().await?;
        leases.learn(name).await?;
    }
    server.start().await?;
    leases.are_shared_out().await
}

impl Run<'_> {
    /// Carries out orders until [`Order::Finish`].
    async fn obey(&self) -> Result<()> {
        let mut orders = orders();
        let processes: Vec<_> = self.server.processes().map(|(name, _)| name).collect();
        answer(&Ok(json!({"processes": processes, "rooms": self.seeded.rooms.len()})))?;
        while let Some(order) = orders.recv().await {
            let order: Order = serde_json::from_str(&order).with_context(|| format!("not an order: {order}"))?;
            if matches!(order, Order::Finish) {
                return Ok(());
            }
            answer(&self.carry_out(order).await)?;
        }
        bail!("the orders ended without `finish`")
    }

    async fn carry_out(&self, order: Order) -> Result<Value> {
        let Self { server, leases, .. } = self;
        match order {
            Order::Mark => self.mark.set(Instant::now()),
            Order::Stop { process, in_transaction } => {
                leases.note_rooms(&process, &self.seeded.rooms).await?;
                let begun = Instant::now();
                let caught = match in_transaction {
                    true => leases.stop_in_transaction(server.process(&process)?).await?,
                    false => {
                        server.process(&process)?.stop().await?;
                        false
                    }
                };
                self.mark.set(Instant::now());
                return Ok(json!({"inTransaction": caught, "seconds": begun.elapsed().as_secs_f64()}));
            }
            Order::GoOn { process } => server.process(&process)?.go_on().await?,
            Order::Kill { process } => {
                leases.note_rooms(&process, &self.seeded.rooms).await?;
                server.process(&process)?.kill().await?;
                self.mark.set(Instant::now());
            }
            Order::Start { process, program } => {
                if let Some(program) = program {
                    server.process(&process)?.replace_program(program);
                }
                server.process(&process)?.start().await?;
                if server.processes().any(|(name, role)| name == process && role != Role::Gateway) {
                    leases.learn(&process).await?;
                }
            }
            Order::Terminate { process, within } => {
                let ended = server.process(&process)?.terminate(Duration::from_secs_f64(within)).await?;
                let ended =
                    ended.map(|(status, after)| json!({"status": status.to_string(), "seconds": after.as_secs_f64()}));
                return Ok(json!(ended));
            }
            Order::Holder { duty } => return Ok(json!(leases.holder(&duty).await?)),
            Order::Recovered { within, of } => {
                let rooms = of.map(|process| leases.rooms_of(&process)).unwrap_or_default();
                return Ok(serde_json::to_value(self.recovered(Duration::from_secs_f64(within), &rooms).await)?);
            }
            Order::Absent => return Ok(json!(self.absent().await?)),
            Order::Finish => bail!("`finish` is no order to carry out"),
        }
        Ok(Value::Null)
    }

    /// The number of people who are shown as offline at any gateway, while all are connected.
    async fn absent(&self) -> Result<usize> {
        let presence = Presence::new()?;
        let mut absent = 0;
        for door in self.server.living_doors() {
            for room in 0..self.seeded.rooms.len() {
                let Some((asking, others)) = members(self.seeded, room) else { continue };
                let online = presence.online(door, asking).await?;
                absent += others.iter().filter(|(_, seat)| !online.contains(&seat.id)).count();
            }
        }
        Ok(absent)
    }

    /// Waits until nothing is delayed any more, for at most somewhat longer than `within`.
    async fn recovered(&self, within: Duration, rooms: &[usize]) -> Recovery {
        let slow = Duration::from_millis(self.settings.slow);
        let steady = 2 * slow + Duration::from_secs(1);
        let deadline = self.mark.get() + within + steady;
        let mut calm_since = None;
        loop {
            let now = Instant::now();
            let times = recovery::Times { mark: self.mark.get(), now, slow };
            let found = Recovery::of(&times, self.posting.board(), self.reads, rooms);
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

/// The lines of standard input, read by a thread.
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

/// Writes one line, and flushes it.
fn answer(answer: &Result<Value>) -> Result<()> {
    let line = match answer {
        Ok(done) => json!({"ok": done}),
        Err(error) => json!({"error": format!("{error:#}")}),
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

//! One account at the default limits does its worst while two others talk: the latencies of the others, and the server's
//! memory.

mod account;
mod acts;
mod figures;
mod tally;
mod unread;

use crate::{
    report::Report,
    scenario::Scenario,
    server::{Budgets, Server, Target},
    text::Content,
    traffic::{Plan, Posting, oracle::Oracle, phase::Phase, seed},
};
use account::{Account, Crowd};
use anyhow::{Result, bail, ensure};
use clap::Args;
use figures::{Bounds, Figures, Memory};
use std::time::{Duration, Instant};
use tokio::time::{interval, sleep};

/// The others, who share nothing with the account.
const WITNESSES: usize = 2;
/// What they write.
const CONTENT: Content = Content::words(200);
/// The time limit of their last acknowledgements (seconds).
const SETTLE: u64 = 60;
/// The interval at which memory is read.
const LOOK: Duration = Duration::from_millis(500);
/// The time after which released memory is read.
const AFTERWARDS: Duration = Duration::from_secs(10);

/// Two people talk while one account does the worst that the default limits allow.
#[derive(Args, Clone, Debug)]
pub(crate) struct WorstAccount {
    #[command(flatten)]
    target: Target,
    /// Seconds of the account's acts; 600 for the long run.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Seconds before, in which the others talk alone.
    #[arg(long, default_value_t = 10)]
    quiet: u64,
    /// Messages a second of the others.
    #[arg(long, default_value_t = 20)]
    rate: u32,
    /// Members of the account's groups.
    #[arg(long, default_value_t = 900)]
    members: usize,
    /// Bound of the p99 of the others, from send to acknowledgement (milliseconds).
    #[arg(long, default_value_t = 100.0)]
    p99: f64,
    /// Bound of the memory of one process of the server (MiB).
    #[arg(long, default_value_t = 768.0)]
    memory: f64,
    /// Only these acts, such as `edits,search`; by default all.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

impl Scenario for WorstAccount {
    type Place = Server;

    async fn set_up(&self) -> Result<Server> {
        ensure!(self.members > 1, "--members must be at least 2");
        Server::reserve(&self.target, Budgets::Default).await
    }

    async fn run(&self, server: &Server) -> Result<Report> {
        let seeded = seed::seed(server, &[WITNESSES, self.members]).await?;
        let (seeded, crowd) = seeded.split(1);
        server.start().await?;
        let oracle = Oracle::new(seeded.rooms.len(), CONTENT)?;
        let plan = Plan::open(WITNESSES, WITNESSES, CONTENT, SETTLE);
        let (posting, mut witnesses) = Posting::connect(server, &seeded, plan).await?;
        let account = Account::prepare(server.addresses(), Crowd::of(crowd)?, &self.only).await?;
        let acting = async {
            let mut memory = Memory::default();
            let quiet = self.talk(&posting, self.quiet).await;
            memory.before = server.resident();
            eprintln!("the account does its worst for {} s", self.seconds);
            let talking = async {
                tokio::select! {
                    worst = self.talk(&posting, self.seconds) => Ok(worst),
                    failed = memory.watch(server) => bail!("memory cannot be read: {failed:?}"),
                }
            };
            let (worst, tallies) = account.act_during(talking).await?;
            sleep(AFTERWARDS).await;
            memory.after = server.resident();
            anyhow::Ok((quiet, worst, memory, tallies))
        };
        let (quiet, worst, memory, tallies) = witnesses.unless_lost(acting).await?;
        let verdict = posting.judge(witnesses, &oracle, server, &seeded).await?;
        let bounds = Bounds { p99: self.p99, memory: self.memory };
        Figures::new(bounds, [quiet, worst], memory, tallies, verdict).report(self)
    }
}

impl WorstAccount {
    /// Lets the others talk for some seconds.
    async fn talk(&self, posting: &Posting, seconds: u64) -> Phase {
        let begun = Instant::now();
        posting.open(f64::from(self.rate), seconds).await;
        // Messages under way count, too.
        posting.drained().await;
        let messages = posting.board().messages();
        Phase::of(messages.iter().filter(|message| message.due >= begun))
    }
}

impl Memory {
    /// Reads the memory until it is cancelled.
    async fn watch(&mut self, server: &Server) -> Result<()> {
        let mut looks = interval(LOOK);
        loop {
            looks.tick().await;
            let Some(now) = server.resident() else { bail!("the server was not started here") };
            self.most = self.most.max(Some(now));
        }
    }
}

//! Deliberate failures under traffic. `chatchit-loadgen trial` posts, reads, breaks the server's processes by order, and judges
//! at the end. This program gives the orders, and breaks engines and the cables to them.

mod act;
mod dice;
mod engines;
mod processes;
mod production;
mod report;
mod rolling;
mod stage;
mod traffic;

use crate::{
    programs::Programs,
    shell::{Shell, say},
};
use act::Act;
use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};
use dice::Dice;
use report::Report;
use stage::{Stage, Which};
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// Deliberate failures.
#[derive(Args)]
pub(crate) struct Torture {
    /// The scenarios; all by default.
    #[arg(value_enum)]
    scenarios: Vec<Scenario>,
    /// Chooses the victims, the moments and the lengths of failures.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The number of seeds, one after the other, from --seed on.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// Messages a second.
    #[arg(long, default_value_t = 100)]
    rate: u32,
    /// An acknowledgement, a delivery or a read that takes longer is delayed (milliseconds).
    #[arg(long, default_value_t = 2_000)]
    slow: u64,
    /// Take the programs from this folder, such as `target/debug`. Without: they are built for release.
    #[arg(long, value_name = "FOLDER")]
    binaries: Option<PathBuf>,
    /// The commit from which `rolling-upgrade` begins; it is built beside this one.
    #[arg(long, value_name = "REVISION")]
    from: Option<String>,
    /// The `chatchit` from which `rolling-upgrade` begins, already built.
    #[arg(long, value_name = "PROGRAM", conflicts_with = "from")]
    from_program: Option<PathBuf>,
}

/// A failure of a server of several processes on private engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// A gateway and a worker are killed, RabbitMQ is away for half a minute and later loses all it had, Redis is flushed
    /// and restarted.
    Production,
    /// A gateway is killed with calls that ring and calls that go on: all end by the rules.
    Calls,
    /// All processes of Postgres are stopped for some seconds, and go on.
    PostgresFrozen,
    /// Postgres is shut down in the middle of commits, fast, immediately and by SIGKILL, and started again.
    PostgresRestarted,
    /// The host of Postgres freezes without a word, and its synchronous standby is promoted.
    PostgresFailedOver,
    /// All connections to Postgres go silent, without FIN or RST; new ones pass.
    PostgresSwallowed,
    /// RabbitMQ is stopped for some seconds, and goes on.
    RabbitmqFrozen,
    /// All connections to RabbitMQ go silent; new ones pass.
    RabbitmqSwallowed,
    /// Redis is stopped for some seconds, and goes on.
    RedisFrozen,
    /// All connections to Redis go silent; new ones pass.
    RedisSwallowed,
    /// A worker is stopped inside a transaction, and goes on later.
    WorkerStopped,
    /// The same, of the worker that keeps the audit index.
    AuditStopped,
    /// A gateway is stopped, and goes on later.
    GatewayStopped,
    /// Each process is stopped in turn, and goes on.
    EachStopped,
    /// Each process gets SIGTERM while Postgres is silent.
    EndsAnyway,
    /// The clocks of the processes are minutes apart: presence stays, calls live and end by the rules.
    ClocksApart,
    /// Processes of an earlier build (`--from`) are replaced one by one by this one, back, and forth again.
    RollingUpgrade,
}

impl Scenario {
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Gateways and workers.
    const fn processes(self) -> (usize, usize) {
        match self {
            Self::Calls => (2, 1),
            Self::WorkerStopped | Self::AuditStopped | Self::EachStopped => (2, 3),
            _ => (2, 2),
        }
    }
}

/// Runs scenarios; an error when something was found to be wrong.
pub(crate) async fn run(shell: &mut Shell, torture: Torture) -> Result<()> {
    let programs = Programs::find(shell, torture.binaries.as_deref(), "torture").await?;
    let earlier = rolling::earlier(shell, &torture).await?;
    let scenarios = match &torture.scenarios[..] {
        [] => Scenario::value_variants(),
        named => named,
    };
    let asked = torture.scenarios.contains(&Scenario::RollingUpgrade);
    ensure!(earlier.is_some() || !asked, "rolling-upgrade needs --from or --from-program");
    // Without an earlier build, all are all others.
    let possible = |scenario: &&Scenario| earlier.is_some() || **scenario != Scenario::RollingUpgrade;
    let scenarios: Vec<_> = scenarios.iter().filter(possible).collect();
    let mut report = Report::default();
    for seed in torture.seed..torture.seed.saturating_add(torture.seeds) {
        for scenario in &scenarios {
            let title = format!("{}, seed {seed}", scenario.name());
            say(format_args!("{title} begins"));
            let log = programs.log(&format!("{}-{seed}", scenario.name()))?;
            let builds = Builds { programs: &programs, earlier: earlier.as_deref() };
            let played = play(shell, builds, &torture, **scenario, seed, &log);
            report.add(&title, played.await, &log)?;
        }
    }
    report.show();
    ensure!(report.is_clean(), "something did not hold");
    Ok(())
}

/// The programs of this build, and the server of an earlier one.
#[derive(Clone, Copy)]
struct Builds<'p> {
    programs: &'p Programs,
    earlier: Option<&'p Path>,
}

/// One scenario with one seed, on engines of its own.
async fn play(
    shell: &mut Shell,
    Builds { programs, earlier }: Builds<'_>,
    torture: &Torture,
    scenario: Scenario,
    seed: u64,
    log: &Path,
) -> Result<Vec<report::Line>> {
    let mut stage = Stage::set(shell, scenario == Scenario::PostgresFailedOver).await?;
    let mut dice = Dice::new(seed);
    let processes = scenario.processes();
    let mut clocks = Vec::new();
    if scenario == Scenario::ClocksApart {
        clocks = processes::clocks(&mut dice, processes);
    }
    let present = programs.program("chatchit");
    let calls = async || {
        let mut loadgen = stage.loadgen(programs, &present, "calls", processes, &clocks);
        loadgen.arg("--times=2").stdout(traffic::append(log)?).stderr(traffic::append(log)?);
        calls(loadgen).await
    };
    if scenario == Scenario::Calls {
        let Some(line) = shell.unless_interrupted(calls()).await else { bail!("interrupted") };
        return Ok(vec![line?]);
    }
    let called = match scenario {
        Scenario::ClocksApart => {
            let Some(line) = shell.unless_interrupted(calls()).await else { bail!("interrupted") };
            Some(line?)
        }
        _ => None,
    };
    let first = earlier.filter(|_| scenario == Scenario::RollingUpgrade).unwrap_or(&present);
    let mut trial = stage.loadgen(programs, first, "trial", processes, &clocks);
    if scenario == Scenario::RollingUpgrade {
        trial.arg("--nothing-parked");
    }
    trial.arg(format!("--rate={}", torture.rate)).arg(format!("--slow={}", torture.slow));
    trial.arg("--replay").arg(programs.program("chatchit-replay"));
    let mut act = Act::begin(&mut stage, trial, dice, log).await?;
    act.lines.extend(called);
    let played = async {
        match scenario {
            Scenario::Production => production::play(&mut act).await,
            Scenario::PostgresFrozen => engines::frozen(&mut act, Which::Postgres).await,
            Scenario::PostgresRestarted => engines::restarted(&mut act).await,
            Scenario::PostgresFailedOver => engines::failed_over(&mut act).await,
            Scenario::PostgresSwallowed => engines::swallowed(&mut act, Which::Postgres).await,
            Scenario::RabbitmqFrozen => engines::frozen(&mut act, Which::Rabbitmq).await,
            Scenario::RabbitmqSwallowed => engines::swallowed(&mut act, Which::Rabbitmq).await,
            Scenario::RedisFrozen => engines::frozen(&mut act, Which::Redis).await,
            Scenario::RedisSwallowed => engines::swallowed(&mut act, Which::Redis).await,
            Scenario::WorkerStopped => processes::worker_stopped(&mut act).await,
            Scenario::AuditStopped => processes::audit_stopped(&mut act).await,
            Scenario::GatewayStopped => processes::gateway_stopped(&mut act).await,
            Scenario::EachStopped => processes::each_stopped(&mut act).await,
            Scenario::EndsAnyway => processes::ends_anyway(&mut act).await,
            Scenario::ClocksApart => processes::clocks_apart(&mut act).await,
            Scenario::RollingUpgrade => rolling::play(&mut act, first, &present).await,
            Scenario::Calls => Ok(()),
        }?;
        act.finish().await
    };
    let played = shell.unless_interrupted(played).await.context("interrupted");
    let lines = act.end().await?;
    match played? {
        Ok(()) => Ok(lines),
        // Earlier measurements stay in the report.
        Err(error) => Ok([lines, vec![report::Line::failure(&error)]].concat()),
    }
}

/// Has the load generator judge calls over the death of a gateway.
async fn calls(mut loadgen: Command) -> Result<report::Line> {
    let status = loadgen.kill_on_drop(true).status().await.context("cannot run chatchit-loadgen")?;
    Ok(report::Line::judged("calls over the death of a gateway", status.success()))
}

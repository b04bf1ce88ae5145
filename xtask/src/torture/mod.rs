//! Failures on purpose, under traffic. `chatchit-loadgen trial` posts, reads, breaks the server's processes when it is told
//! to, and judges in the end; what breaks is decided here, and engines and the cables to them are broken here.

mod act;
mod dice;
mod engines;
mod processes;
mod production;
mod report;
mod stage;
mod traffic;

use crate::{
    release,
    shell::{Shell, cargo, say},
};
use act::Act;
use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};
use dice::Dice;
use report::Report;
use stage::{Stage, Which};
use std::path::PathBuf;
use tokio::process::Command;

/// What is tortured, and how often.
#[derive(Args)]
pub(crate) struct Torture {
    /// Which scenarios; all of them when none is named.
    #[arg(value_enum)]
    scenarios: Vec<Scenario>,
    /// By it the victims, the moments and the lengths of failures are chosen.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// So many seeds, one after the other, from --seed on.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// Messages a second.
    #[arg(long, default_value_t = 100)]
    rate: u32,
    /// An acknowledgement, a delivery or a read that takes longer is held up (milliseconds).
    #[arg(long, default_value_t = 2_000)]
    slow: u64,
    /// Take the programs from this folder, such as `target/debug`. Without: they are built for release.
    #[arg(long, value_name = "FOLDER")]
    binaries: Option<PathBuf>,
}

/// What is done to a server of several processes on private engines.
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
    /// Each process is told to end while Postgres is silent.
    EndsAnyway,
    /// The clocks of the processes are minutes apart: presence stays, calls live and end by the rules.
    ClocksApart,
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
    let programs = Programs::find(shell, &torture).await?;
    let scenarios = match &torture.scenarios[..] {
        [] => Scenario::value_variants(),
        named => named,
    };
    let mut report = Report::default();
    for seed in torture.seed..torture.seed.saturating_add(torture.seeds) {
        for scenario in scenarios {
            let title = format!("{}, seed {seed}", scenario.name());
            say(format_args!("{title} begins"));
            let log = programs.log(*scenario, seed)?;
            let played = play(shell, &programs, &torture, *scenario, seed, &log);
            report.add(&title, played.await, &log)?;
        }
    }
    report.show();
    ensure!(report.is_clean(), "something did not hold");
    Ok(())
}

/// One scenario with one seed, on engines of its own.
async fn play(
    shell: &mut Shell,
    programs: &Programs,
    torture: &Torture,
    scenario: Scenario,
    seed: u64,
    log: &std::path::Path,
) -> Result<Vec<report::Line>> {
    let mut stage = Stage::set(shell, scenario == Scenario::PostgresFailedOver).await?;
    let mut dice = Dice::new(seed);
    let processes = scenario.processes();
    let mut clocks = Vec::new();
    if scenario == Scenario::ClocksApart {
        clocks = processes::clocks(&mut dice, processes);
    }
    let calls = async || {
        let mut loadgen = stage.loadgen(programs, "calls", processes, &clocks);
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
    let mut trial = stage.loadgen(programs, "trial", processes, &clocks);
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
            Scenario::Calls => Ok(()),
        }?;
        act.finish().await
    };
    let played = shell.unless_interrupted(played).await.context("interrupted");
    let lines = act.end().await?;
    match played? {
        Ok(()) => Ok(lines),
        // What was seen before is part of the story.
        Err(error) => Ok([lines, vec![report::Line::failure(&error)]].concat()),
    }
}

/// Has the load generator judge calls over the death of a gateway.
async fn calls(mut loadgen: Command) -> Result<report::Line> {
    let status = loadgen.kill_on_drop(true).status().await.context("cannot run chatchit-loadgen")?;
    Ok(report::Line::judged("calls over the death of a gateway", status.success()))
}

/// The programs, and where their logs go.
pub(super) struct Programs {
    folder: PathBuf,
    logs: PathBuf,
}

impl Programs {
    async fn find(shell: &mut Shell, torture: &Torture) -> Result<Self> {
        let target = release::target_directory(shell).await?;
        let folder = match &torture.binaries {
            Some(folder) => folder.clone(),
            None => {
                shell.run(cargo().args(release::BUILD)).await?;
                target.join("release")
            }
        };
        let folder = folder.canonicalize().with_context(|| format!("there is no {}", folder.display()))?;
        let logs = target.join("torture");
        std::fs::create_dir_all(&logs)?;
        Ok(Self { folder, logs })
    }

    fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// An empty file for what the processes of one run say.
    fn log(&self, scenario: Scenario, seed: u64) -> Result<PathBuf> {
        let path = self.logs.join(format!("{}-{seed}.log", scenario.name()));
        std::fs::write(&path, "")?;
        Ok(path)
    }
}

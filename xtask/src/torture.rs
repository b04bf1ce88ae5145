//! Failures on purpose, under traffic: the oracle of `chatchit-loadgen` judges what they did.

use crate::{
    engines::{self, POSTGRES, Private, RABBITMQ, REDIS},
    release,
    shell::{Shell, cargo, end, say},
};
use anyhow::{Context, Result, bail, ensure};
use clap::Subcommand;
use std::{fmt, time::Duration};
use tokio::{
    process::Command,
    time::{Instant, sleep_until},
};

/// The scenarios.
#[derive(Subcommand)]
pub(crate) enum Torture {
    /// Two gateways and two workers on Postgres, RabbitMQ and Redis. A gateway and a worker are killed, RabbitMQ is away
    /// for half a minute and later loses all it had, Redis is flushed and restarted.
    Production {
        /// How long there is traffic, in seconds; the failures take the first two minutes.
        #[arg(long, default_value_t = 150)]
        seconds: u64,
    },
}

/// What is done to an engine.
#[derive(Clone, Copy, Debug)]
enum Deed {
    FlushRedis,
    KillRedis,
    RestartRedis,
    KillRabbitMq,
    RestartRabbitMq,
    RestartRabbitMqEmpty,
}

/// When, in seconds since the load generator was started.
const PRODUCTION: [(u64, Deed); 7] = [
    (20, Deed::FlushRedis),
    (30, Deed::KillRabbitMq),
    (60, Deed::RestartRabbitMq),
    (75, Deed::KillRedis),
    (80, Deed::RestartRedis),
    (90, Deed::KillRabbitMq),
    (100, Deed::RestartRabbitMqEmpty),
];
const KILL_GATEWAY: u64 = 45;
const KILL_WORKER: u64 = 70;

/// Runs a scenario; an error when the oracle found something wrong.
pub(crate) async fn run(shell: &mut Shell, scenario: Torture) -> Result<()> {
    match scenario {
        Torture::Production { seconds } => production(shell, seconds).await,
    }
}

async fn production(shell: &mut Shell, seconds: u64) -> Result<()> {
    shell.run(cargo().args(release::BUILD)).await?;
    let binaries = release::target_directory(shell).await?.join("release");
    let [postgres, rabbitmq, redis] = engines::programs(shell).await?;
    let starting = async {
        tokio::try_join!(
            Private::start(&POSTGRES, postgres),
            Private::start(&RABBITMQ, rabbitmq),
            Private::start(&REDIS, redis),
        )
    };
    let Some(started) = shell.unless_interrupted(starting).await else { bail!("interrupted") };
    let (postgres, mut rabbitmq, mut redis) = started?;

    let mut loadgen = Command::new(binaries.join("chatchit-loadgen"));
    loadgen.arg("rooms").arg("--spawn").arg(binaries.join("chatchit")).args(["--gateways=2", "--workers=2"]);
    loadgen.args(["--database-url", postgres.url(), "--rabbitmq-url", rabbitmq.url(), "--redis-url", redis.url()]);
    for (option, value) in
        [("seconds", seconds), ("kill-gateway-after", KILL_GATEWAY), ("kill-worker-after", KILL_WORKER)]
    {
        loadgen.arg(format!("--{option}={value}"));
    }
    let mut times = Times::start();
    let mut loadgen = loadgen.spawn().context("cannot run chatchit-loadgen")?;
    times.note("traffic begins");
    let torture = async {
        for (seconds, deed) in PRODUCTION {
            sleep_until(times.began + Duration::from_secs(seconds)).await;
            deed.carry_out(&mut rabbitmq, &mut redis).await?;
            times.note(format_args!("{deed:?}"));
        }
        std::future::pending::<Result<()>>().await
    };
    let ended = shell
        .unless_interrupted(async {
            tokio::select! {
                status = loadgen.wait() => Ok(status?),
                failed = torture => Err(failed.err().context("the torture ended")?),
            }
        })
        .await;
    let Some(Ok(status)) = ended else {
        end(&mut loadgen).await?;
        return ended.map_or_else(|| bail!("interrupted"), |failed| failed.map(drop));
    };
    times.note(format_args!("the load generator ended: {status}"));
    times.show();
    ensure!(times.notes.len() == PRODUCTION.len() + 2, "the load generator ended before all was done to it");
    ensure!(status.success(), "the oracle found faults, or the traffic did not go on: {status}");
    say("nothing was lost, doubled or disordered");
    Ok(())
}

impl Deed {
    async fn carry_out(self, rabbitmq: &mut Private, redis: &mut Private) -> Result<()> {
        match self {
            Self::FlushRedis => redis.flush().await,
            Self::RestartRedis => redis.start_again().await,
            Self::RestartRabbitMq => rabbitmq.start_again().await,
            Self::RestartRabbitMqEmpty => rabbitmq.start_again_empty().await,
            Self::KillRedis => {
                redis.kill();
                Ok(())
            }
            Self::KillRabbitMq => {
                rabbitmq.kill();
                Ok(())
            }
        }
    }
}

/// What happened, and when.
struct Times {
    began: Instant,
    notes: Vec<(Duration, String)>,
}

impl Times {
    fn start() -> Self {
        Self { began: Instant::now(), notes: Vec::new() }
    }

    fn note(&mut self, what: impl fmt::Display) {
        let note = (self.began.elapsed(), what.to_string());
        say(line(&note));
        self.notes.push(note);
    }

    /// Once more, together.
    fn show(&self) {
        say("what was done, in seconds since the load generator was started:");
        for note in &self.notes {
            say(line(note));
        }
    }
}

fn line((at, what): &(Duration, String)) -> String {
    format!("{:>7.1}  {what}", at.as_secs_f64())
}

//! Failures on purpose, under traffic: `chatchit-loadgen` judges what they did.

mod production;

use crate::{
    engines::{self, POSTGRES, Private, RABBITMQ, REDIS},
    release,
    shell::{Shell, cargo, say},
};
use anyhow::{Result, bail};
use clap::Subcommand;
use std::path::PathBuf;
use tokio::process::Command;

/// The scenarios.
#[derive(Subcommand)]
pub(crate) enum Torture {
    /// Two gateways and two workers on Postgres, RabbitMQ and Redis. A gateway and a worker are killed, RabbitMQ is away
    /// for half a minute and later loses all it had, Redis is flushed and restarted.
    Production {
        /// How long there is traffic, in seconds: at least as long as the failures take.
        #[arg(long, default_value_t = 150, value_parser = clap::value_parser!(u64).range(120..))]
        seconds: u64,
        /// Messages a second.
        #[arg(long, default_value_t = 200)]
        rate: u32,
    },
    /// Two gateways and a worker on Postgres, RabbitMQ and Redis. A gateway is killed with calls that ring and calls that
    /// go on, and started again: nobody rings for ever, and all calls end by the rules. It takes two minutes.
    Calls {
        /// Calls of each case.
        #[arg(long, default_value_t = 3)]
        times: usize,
    },
}

/// Private engines, and the programs.
struct Stage {
    binaries: PathBuf,
    postgres: Private,
    rabbitmq: Private,
    redis: Private,
}

/// Runs a scenario; an error when something was found to be wrong.
pub(crate) async fn run(shell: &mut Shell, scenario: Torture) -> Result<()> {
    match scenario {
        Torture::Production { seconds, rate } => production::run(shell, seconds, rate).await,
        Torture::Calls { times } => calls(shell, times).await,
    }
}

async fn calls(shell: &mut Shell, times: usize) -> Result<()> {
    let stage = Stage::set(shell).await?;
    let mut loadgen = stage.loadgen("calls");
    shell.run(loadgen.args(["--gateways=2", "--workers=1"]).arg(format!("--times={times}"))).await?;
    say("all calls ended by the rules");
    Ok(())
}

impl Stage {
    /// Builds the programs, and starts the engines.
    async fn set(shell: &mut Shell) -> Result<Self> {
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
        let (postgres, rabbitmq, redis) = started?;
        Ok(Self { binaries, postgres, rabbitmq, redis })
    }

    /// A scenario of the load generator against a server on these engines.
    fn loadgen(&self, scenario: &str) -> Command {
        let Self { binaries, postgres, rabbitmq, redis } = self;
        let mut loadgen = Command::new(binaries.join("chatchit-loadgen"));
        loadgen.arg(scenario).arg("--spawn").arg(binaries.join("chatchit"));
        loadgen.args(["--database-url", postgres.url(), "--rabbitmq-url", rabbitmq.url(), "--redis-url", redis.url()]);
        loadgen
    }
}

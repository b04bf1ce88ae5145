//! Private engines, and a cable to each of them.

use crate::{
    engines::{self, POSTGRES, PRIMARY, Private, RABBITMQ, REDIS},
    programs::Programs,
    shell::Shell,
};
use anyhow::{Context, Result, bail};
use cable::Cable;
use std::{net::SocketAddr, path::Path};
use tokio::process::Command;

/// An engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Postgres,
    Rabbitmq,
    Redis,
}

impl Which {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Postgres => POSTGRES.name,
            Self::Rabbitmq => RABBITMQ.name,
            Self::Redis => REDIS.name,
        }
    }
}

/// An engine, and the cable between it and the servers.
pub(super) struct Wired {
    pub(super) engine: Private,
    pub(super) cable: Cable,
}

/// All engines of a run.
pub(super) struct Stage {
    postgres: Wired,
    rabbitmq: Wired,
    redis: Wired,
    /// The load generator's own cable to the database, which is never broken.
    aside: Cable,
    standby: Option<Private>,
}

impl Wired {
    async fn of(engine: Private) -> Result<Self> {
        let cable = Cable::open(engine.address().to_string()).await?;
        Ok(Self { engine, cable })
    }

    fn url(&self) -> String {
        self.engine.url_at(self.cable.address())
    }
}

impl Stage {
    /// Starts the engines; with a synchronous standby of Postgres, if it is to fail over.
    pub(super) async fn set(shell: &mut Shell, with_standby: bool) -> Result<Self> {
        let [postgres, rabbitmq, redis] = engines::programs(shell).await?;
        let starting = async {
            let (mut primary, rabbitmq, redis) = tokio::try_join!(
                Private::start(if with_standby { &PRIMARY } else { &POSTGRES }, postgres.clone()),
                Private::start(&RABBITMQ, rabbitmq),
                Private::start(&REDIS, redis),
            )?;
            let standby = if with_standby { Some(primary.standby(postgres).await?) } else { None };
            let aside = Cable::open(primary.address().to_string()).await?;
            let (postgres, rabbitmq, redis) =
                tokio::try_join!(Wired::of(primary), Wired::of(rabbitmq), Wired::of(redis))?;
            anyhow::Ok(Self { postgres, rabbitmq, redis, aside, standby })
        };
        let Some(started) = shell.unless_interrupted(starting).await else { bail!("interrupted") };
        started
    }

    pub(super) const fn engine(&mut self, which: Which) -> &mut Wired {
        match which {
            Which::Postgres => &mut self.postgres,
            Which::Rabbitmq => &mut self.rabbitmq,
            Which::Redis => &mut self.redis,
        }
    }

    /// The host of the primary is gone without a word, and its standby becomes the primary.
    pub(super) async fn fail_over(&mut self) -> Result<()> {
        let standby = self.standby.as_mut().context("there is no standby")?;
        let address: SocketAddr = standby.address();
        self.postgres.engine.freeze();
        self.postgres.cable.lead_to(address.to_string());
        self.postgres.cable.swallow();
        self.aside.cut();
        self.aside.lead_to(address.to_string());
        standby.promote().await?;
        self.aside.mend();
        Ok(())
    }

    /// A scenario of the load generator, against a server of its own on these engines, which is this program.
    pub(super) fn loadgen(
        &self,
        programs: &Programs,
        server: &Path,
        scenario: &str,
        (gateways, workers): (usize, usize),
        clocks: &[String],
    ) -> Command {
        let mut loadgen = Command::new(programs.program("chatchit-loadgen"));
        loadgen.arg(scenario).arg("--spawn").arg(server);
        loadgen.arg("--database-url").arg(self.postgres.engine.url_at(self.aside.address()));
        loadgen.arg("--database-via").arg(self.postgres.cable.address().to_string());
        loadgen.arg("--rabbitmq-url").arg(self.rabbitmq.url()).arg("--redis-url").arg(self.redis.url());
        loadgen.arg(format!("--gateways={gateways}")).arg(format!("--workers={workers}"));
        loadgen.args(clocks.iter().map(|clock| format!("--clock={clock}")));
        loadgen
    }
}

//! Engines for a run: given ones, or private ones that end with their values.

mod docker;
mod ejabberd;
mod engine;
mod install;
mod postgres;
mod private;
mod process;
mod rabbitmq;
mod redis;
mod user;

pub(crate) use engine::Engine;
pub(crate) use postgres::{POSTGRES, PRIMARY};
pub(crate) use private::Private;
pub(crate) use rabbitmq::RABBITMQ;
pub(crate) use redis::REDIS;
pub(crate) use user::can_be_reached;

use crate::shell::{Shell, say};
use anyhow::{Context, Result, bail};
use docker::Container;

use std::path::PathBuf;

/// All engines.
pub(crate) const ALL: [&Engine; 3] = [&POSTGRES, &RABBITMQ, &REDIS];

/// The engines of a run. Dropping them ends those that were started.
pub(crate) struct Engines([Server; 3]);

/// A running engine.
enum Server {
    Given(String),
    Private(Private),
    Contained(Container),
}

/// The source of a server.
enum Source {
    /// Run elsewhere, at this URL.
    Given(String),
    /// Programs of this machine.
    Installed(PathBuf),
    Docker,
}

impl Engines {
    /// Those that the tests' variables name, and private ones for the rest.
    pub(crate) async fn for_tests(shell: &mut Shell) -> Result<Self> {
        let given = |engine: &Engine| std::env::var(engine.test_variable).ok().filter(|url| !url.is_empty());
        Self::start(shell, ALL.map(|engine| given(engine).map(Source::Given))).await
    }

    /// Engines that no other run uses.
    pub(crate) async fn fresh(shell: &mut Shell) -> Result<Self> {
        Self::start(shell, [None, None, None]).await
    }

    /// `(variable, URL)` of each, for the tests.
    pub(crate) fn test_variables(&self) -> impl Iterator<Item = (&'static str, &str)> {
        ALL.iter().zip(&self.0).map(|(engine, server)| (engine.test_variable, server.url()))
    }

    /// `(variable, URL)` of each, for the server.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&'static str, &str)> {
        ALL.iter().zip(&self.0).map(|(engine, server)| (engine.variable, server.url()))
    }

    /// Starts all that are not given, concurrently.
    async fn start(shell: &mut Shell, given: [Option<Source>; 3]) -> Result<Self> {
        let [postgres, rabbitmq, redis] = locate(shell, given).await?;
        let starting = async {
            tokio::try_join!(
                Server::start(&POSTGRES, postgres),
                Server::start(&RABBITMQ, rabbitmq),
                Server::start(&REDIS, redis),
            )
        };
        let Some(started) = shell.unless_interrupted(starting).await else { bail!("interrupted") };
        let (postgres, rabbitmq, redis) = started?;
        Ok(Self([postgres, rabbitmq, redis]))
    }
}

impl Server {
    async fn start(engine: &'static Engine, source: Source) -> Result<Self> {
        match source {
            Source::Given(url) => {
                say(format_args!("using the {} of {}", engine.name, engine.test_variable));
                Ok(Self::Given(url))
            }
            Source::Installed(program) => Private::start_in_memory(engine, program).await.map(Self::Private),
            Source::Docker => Container::start(engine).await.map(Self::Contained),
        }
    }

    fn url(&self) -> &str {
        match self {
            Self::Given(url) => url,
            Self::Private(private) => private.url(),
            Self::Contained(container) => container.url(),
        }
    }
}

/// The programs of private engines, installed if they are missing and can be.
pub(crate) async fn programs(shell: &mut Shell) -> Result<[PathBuf; 3]> {
    let missing = ALL.into_iter().filter(|engine| (engine.find)().is_none()).collect::<Vec<_>>();
    if !missing.is_empty() {
        install::packages(shell, &missing).await?;
    }
    let [postgres, rabbitmq, redis] = ALL.map(installed);
    Ok([postgres?, rabbitmq?, redis?])
}

/// The source of each engine: given, installed, Docker, or installed now.
async fn locate(shell: &mut Shell, mut sources: [Option<Source>; 3]) -> Result<[Source; 3]> {
    let mut missing = Vec::new();
    for (engine, source) in ALL.into_iter().zip(&mut sources) {
        if source.is_none() {
            *source = (engine.find)().map(Source::Installed);
        }
        if source.is_none() {
            missing.push(engine);
        }
    }
    let in_docker = !missing.is_empty() && docker::is_usable(shell).await;
    if !missing.is_empty() && !in_docker {
        install::packages(shell, &missing).await?;
    }
    let located = |(engine, source): (&Engine, Option<Source>)| match source {
        Some(source) => Ok(source),
        None if in_docker => Ok(Source::Docker),
        None => installed(engine).map(Source::Installed),
    };
    let [postgres, rabbitmq, redis] = sources;
    Ok([located((&POSTGRES, postgres))?, located((&RABBITMQ, rabbitmq))?, located((&REDIS, redis))?])
}

fn installed(engine: &Engine) -> Result<PathBuf> {
    (engine.find)().with_context(|| format!("the package {} lacks the programs of a server", engine.package))
}

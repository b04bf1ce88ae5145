//! The engines: somebody's, or private ones that live as long as their values.

mod docker;
mod install;
mod postgres;
mod private;
mod process;
mod rabbitmq;
mod redis;
mod user;

pub(crate) use postgres::{POSTGRES, PRIMARY};
pub(crate) use private::Private;
pub(crate) use rabbitmq::RABBITMQ;
pub(crate) use redis::REDIS;
pub(crate) use user::can_be_reached;

use crate::shell::{Shell, say};
use anyhow::{Context, Result, bail};
use docker::{Container, Image};
use std::{net::SocketAddr, path::PathBuf, process::Command, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// How long an engine may take to start.
const START: Duration = Duration::from_secs(120);

/// What an engine is, and how a private server of it is run.
pub(crate) struct Engine {
    /// As people call it; in lower case, the name of its folder.
    pub(crate) name: &'static str,
    /// The variable by which our server finds it.
    pub(crate) variable: &'static str,
    /// The variable by which the tests find it.
    pub(crate) test_variable: &'static str,
    /// Debian's package.
    package: &'static str,
    /// Whom to become when we are root, if there is such a user.
    user: &'static str,
    image: Image,
    /// The first bytes of a conversation, and of the answer of a server that is ready.
    hello: &'static [u8],
    ready: &'static [u8],
    url: fn(SocketAddr) -> String,
    /// The installed program, or the folder of its programs.
    find: fn() -> Option<PathBuf>,
    /// Fills the empty folder of a private server.
    prepare: fn(&Private) -> Result<()>,
    /// What has to run before the server does.
    companion: fn(&Private) -> Option<Command>,
    server: fn(&Private) -> Command,
    /// The signal upon which it ends at once, its children with it.
    end: &'static str,
}

/// All engines.
pub(crate) const ALL: [&Engine; 3] = [&POSTGRES, &RABBITMQ, &REDIS];

/// Engines of their own for a run. Dropping them ends what we started.
pub(crate) struct Engines([Server; 3]);

/// A running engine.
enum Server {
    Given(String),
    Private(Private),
    Contained(Container),
}

/// Where a server comes from.
enum Source {
    /// Somebody else runs it, at this URL.
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

    /// Engines that nobody else uses.
    pub(crate) async fn fresh(shell: &mut Shell) -> Result<Self> {
        Self::start(shell, [None, None, None]).await
    }

    /// `(variable, URL)` of each, as the tests look for them.
    pub(crate) fn test_variables(&self) -> impl Iterator<Item = (&'static str, &str)> {
        ALL.iter().zip(&self.0).map(|(engine, server)| (engine.test_variable, server.url()))
    }

    /// `(variable, URL)` of each, as our server looks for them.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&'static str, &str)> {
        ALL.iter().zip(&self.0).map(|(engine, server)| (engine.variable, server.url()))
    }

    /// Starts what is not given, all at the same time.
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
            Source::Installed(program) => Private::start(engine, program).await.map(Self::Private),
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

/// The programs of private engines, installed first where we may.
pub(crate) async fn programs(shell: &mut Shell) -> Result<[PathBuf; 3]> {
    let missing = ALL.into_iter().filter(|engine| (engine.find)().is_none()).collect::<Vec<_>>();
    if !missing.is_empty() {
        install::packages(shell, &missing).await?;
    }
    let [postgres, rabbitmq, redis] = ALL.map(installed);
    Ok([postgres?, rabbitmq?, redis?])
}

/// Where each engine comes from: given, installed, in Docker, or installed now.
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
    (engine.find)().with_context(|| format!("the package {} lacks what is needed", engine.package))
}

impl Engine {
    /// Whether a server at `address` is ready for clients.
    async fn is_ready(&self, address: SocketAddr) -> bool {
        ask(address, self.hello, self.ready).await
    }

    /// The name of its folders and containers.
    pub(crate) fn folder(&self) -> String {
        self.name.to_lowercase()
    }
}

/// Whether a server answers `question` with `answer`.
async fn ask(address: SocketAddr, question: &[u8], answer: &[u8]) -> bool {
    let asked = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(question).await?;
        let mut answered = vec![0; answer.len()];
        stream.read_exact(&mut answered).await?;
        std::io::Result::Ok(answered == answer)
    };
    matches!(timeout(Duration::from_secs(5), asked).await, Ok(Ok(true)))
}

//! Other servers with the work of `rooms`, and the client that loads them: bench/rivals.

use super::{
    figures,
    options::{Bench, Rival, name},
    place::SERVER,
    processes::{CLIENT, Part, Root},
    report::Measurement,
    server::Server,
    stage::Stage,
    watch::watch,
};
use crate::{
    copy::copy,
    engines::Private,
    install::{self, Program},
    shell::{Shell, say, workspace_root},
};
use anyhow::{Context, Result, bail};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};
use tempfile::TempDir;
use tokio::process::Command;

const FOLDER: &str = "bench/rivals";
/// The tables of ejabberd's archive, as Debian has them.
const EJABBERD_TABLES: &str = "/usr/share/ejabberd/sql/pg.sql";
/// Signs the tokens of the Node server.
const SECRET: &str = "a secret for the benchmark alone";

/// Each program, and its packages of Debian. The client is a script of Node.
const NODE: &[Program] = &[("node", &["nodejs"]), ("npm", &["npm"])];
const EJABBERD: &[Program] = &[("node", &["nodejs"]), ("ejabberdctl", &["ejabberd", "erlang-p1-pgsql"])];

/// Rivals whose programs are here.
pub(super) struct Rivals {
    folder: TempDir,
    ready: Vec<Rival>,
}

/// A running rival. Dropping it ends it.
enum Running {
    Node(Server),
    Ejabberd(Private),
}

impl Rivals {
    /// Installs missing programs, and names the rivals that cannot be had.
    pub(super) async fn prepare(shell: &mut Shell, wanted: &[Rival]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("chatchit-rivals-").tempdir()?;
        if !wanted.is_empty() {
            copy(&workspace_root().join(FOLDER), folder.path()).with_context(|| format!("cannot copy {FOLDER}"))?;
        }
        let mut ready = Vec::new();
        for rival in wanted {
            match install_one(shell, *rival, folder.path()).await {
                Ok(()) => ready.push(*rival),
                Err(error) if error.to_string() == "interrupted" => return Err(error),
                Err(error) => say(format_args!("{} is left out: {error:#}", name(*rival))),
            }
        }
        Ok(Self { folder, ready })
    }

    pub(super) fn ready(&self) -> &[Rival] {
        &self.ready
    }

    /// Starts one, and loads it, load by load.
    pub(super) async fn turn(
        &self,
        shell: &mut Shell,
        bench: &Bench,
        rival: Rival,
        stage: &Stage,
        log: &Path,
    ) -> Result<Vec<Measurement>> {
        let running = self.start(shell, rival, stage, log).await?;
        let (address, id) = running.address_and_id()?;
        let mut measured = Vec::new();
        for load in bench.loads().unwrap_or_default() {
            say(format_args!("{}: rooms {load}", name(rival)));
            let mut client = Command::new("node");
            client.arg(self.path("client/main.mjs")).arg(dialect(rival)).arg(format!("--address={address}"));
            client.args(bench.duration()).args(load.arguments()).env("SECRET", SECRET);
            let parts = |client: u32| -> Vec<Part> {
                let server = [(SERVER, Root::Tree(id))].into_iter().chain(stage.database_part());
                server.chain([(CLIENT, Root::Alone(client))]).collect()
            };
            let watched = watch(shell, &mut client, parts, bench.measured(), (None, log)).await?;
            measured.extend(figures::rooms(&load.to_string(), &name(rival), &watched));
        }
        // A fault of theirs is shown, and does not fail the run.
        measured.iter_mut().for_each(|one| one.is_faulty = false);
        Ok(measured)
    }

    async fn start(&self, shell: &mut Shell, rival: Rival, stage: &Stage, log: &Path) -> Result<Running> {
        let database = stage.database(shell, &name(rival)).await?;
        match rival {
            Rival::Node => {
                let mut node = Command::new("node");
                node.arg(self.path("node/server.mjs")).env("DATABASE_URL", &database.url).env("SECRET", SECRET);
                Ok(Running::Node(Server::start(shell, &mut node, log).await?))
            }
            Rival::Ejabberd => {
                database.file(shell, Path::new(EJABBERD_TABLES)).await?;
                let starting = Private::ejabberd(stage.database_address());
                let Some(started) = shell.unless_interrupted(starting).await else { bail!("interrupted") };
                Ok(Running::Ejabberd(started?))
            }
        }
    }

    fn path(&self, of: &str) -> PathBuf {
        self.folder.path().join(of)
    }
}

impl Running {
    fn address_and_id(&self) -> Result<(SocketAddr, u32)> {
        match self {
            Self::Node(server) => Ok((server.address, server.id()?)),
            Self::Ejabberd(private) => Ok((private.address(), private.id().context("ejabberd has ended")?)),
        }
    }
}

/// Installs the programs of a rival, whose scripts are in `folder`; an error that names them if that is not possible here.
async fn install_one(shell: &mut Shell, rival: Rival, folder: &Path) -> Result<()> {
    let programs = match rival {
        Rival::Node => NODE,
        Rival::Ejabberd => EJABBERD,
    };
    let missing = install::missing(programs);
    if !missing.is_empty() {
        bail!("not found on this machine: {}", missing.join(", "));
    }
    install::programs(shell, programs).await?;
    if rival == Rival::Node {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--silent", "--no-fund", "--no-audit"]);
        shell.run(npm.current_dir(folder.join("node"))).await?;
    }
    Ok(())
}

/// The dialect of the client.
const fn dialect(rival: Rival) -> &'static str {
    match rival {
        Rival::Node => "socketio",
        Rival::Ejabberd => "xmpp",
    }
}

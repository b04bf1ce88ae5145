//! A private server from installed binaries, in a temporary folder, as an unprivileged user.

use crate::shell::{say, which};
use anyhow::{Context, Result, bail, ensure};
use std::{
    fs,
    net::TcpListener,
    os::unix::{fs::MetadataExt, fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tempfile::TempDir;

/// A server that lives as long as this value.
pub(crate) struct Cluster {
    binaries: PathBuf,
    folder: TempDir,
    user: Option<User>,
    url: String,
}

/// Whom to become, since Postgres refuses to run as root.
struct User {
    name: String,
    uid: u32,
    gid: u32,
}

/// As in production where it matters (`fsync` stays on: the log refuses to run without), small elsewhere.
const SETTINGS: &str = "-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=400 \
                        -c wal_level=minimal -c max_wal_senders=0 -c min_wal_size=80MB -c max_wal_size=512MB \
                        -c logging_collector=off -c log_min_messages=error";

/// The folder that holds `initdb` and `pg_ctl`: the search path's, `pg_config`'s, or the newest of Debian's.
pub(crate) fn find_binaries() -> Option<PathBuf> {
    let is_complete =
        |folder: &PathBuf| ["initdb", "pg_ctl", "postgres"].iter().all(|name| folder.join(name).is_file());
    let in_path = which("initdb").and_then(|initdb| Some(initdb.canonicalize().ok()?.parent()?.to_owned()));
    let configured = || {
        let output = Command::new(which("pg_config")?).arg("--bindir").output().ok()?;
        Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
    };
    let newest_of_debian = || {
        let versions = fs::read_dir("/usr/lib/postgresql").ok()?.filter_map(Result::ok);
        let number = |folder: &PathBuf| folder.parent()?.file_name()?.to_str()?.parse::<u32>().ok();
        versions.map(|version| version.path().join("bin")).filter(is_complete).max_by_key(number)
    };
    in_path.filter(is_complete).or_else(|| configured().filter(is_complete)).or_else(newest_of_debian)
}

impl Cluster {
    /// Makes and starts a server.
    pub(crate) fn start(binaries: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("chatchit-postgres-").tempdir()?;
        let is_root = fs::metadata(folder.path())?.uid() == 0;
        let user = if is_root { Some(User::unprivileged()?) } else { None };
        if let Some(User { uid, gid, .. }) = &user {
            chown(folder.path(), Some(*uid), Some(*gid))?;
        }
        let name = user.as_ref().map_or("this user", |user| &user.name);
        say(format_args!(
            "starting a private Postgres from {} as {name} in {}",
            binaries.display(),
            folder.path().display()
        ));
        let mut cluster = Self { binaries: binaries.to_owned(), folder, user, url: String::new() };
        cluster.run("initdb", |command| {
            command.args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync"])
        })?;
        let port = cluster.serve()?;
        cluster.url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
        Ok(cluster)
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Starts the server on a port that is free; another program may take it first, so tries a few.
    fn serve(&self) -> Result<u16> {
        let log = self.folder.path().join("log");
        for _ in 0..3 {
            let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
            let options = format!("-p {port} {SETTINGS}");
            let started = self.run("pg_ctl", |command| {
                command.args(["start", "--wait", "--timeout=120", "--silent", "--options", &options, "--log"]).arg(&log)
            });
            if started.is_ok() {
                return Ok(port);
            }
        }
        bail!("Postgres did not start; its log says:\n{}", fs::read_to_string(log).unwrap_or_default())
    }

    fn run(&self, program: &str, arguments: impl FnOnce(&mut Command) -> &mut Command) -> Result<()> {
        let mut command = Command::new(self.binaries.join(program));
        arguments(&mut command).current_dir(self.folder.path()).env("PGDATA", self.folder.path().join("data"));
        for variable in ["PGPORT", "PGHOST", "PGUSER", "PGDATABASE", "PGOPTIONS"] {
            command.env_remove(variable);
        }
        if let Some(User { uid, gid, .. }) = self.user {
            command.uid(uid).gid(gid);
        }
        // The server inherits what it is given: a pipe would keep us waiting for its end.
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let status = command.status().with_context(|| format!("cannot run {program}"))?;
        ensure!(status.success(), "{program} failed: {status}");
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.folder.path().join("data");
        if data.join("postmaster.pid").exists() {
            let stopped =
                self.run("pg_ctl", |command| command.args(["stop", "--wait", "--silent", "--mode=immediate"]));
            match stopped {
                Ok(()) => say("the private Postgres is stopped and removed"),
                Err(error) => say(format_args!("the private Postgres in {} did not stop: {error}", data.display())),
            }
        }
    }
}

impl User {
    /// `postgres` when there is one, else `nobody`.
    fn unprivileged() -> Result<Self> {
        let users = fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
        let find = |name: &str| {
            let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
            let mut numbers = line.split(':').skip(2).map(str::parse);
            Some(Self { name: name.to_owned(), uid: numbers.next()?.ok()?, gid: numbers.next()?.ok()? })
        };
        find("postgres").or_else(|| find("nobody")).context("there is no unprivileged user to run Postgres as")
    }
}

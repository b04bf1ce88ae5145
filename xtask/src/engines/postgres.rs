//! Postgres.

use super::{Private, docker::Image, engine::Engine};
use crate::shell::which;
use anyhow::{Context, Result, ensure};
use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

/// Postgres.
pub(crate) const POSTGRES: Engine = Engine {
    name: "Postgres",
    variable: "DATABASE_URL",
    test_variable: "CHATCHIT_TEST_DATABASE_URL",
    package: "postgresql",
    user: "postgres",
    image: Image {
        name: "postgres:17",
        port: 5432,
        options: &["--env=POSTGRES_HOST_AUTH_METHOD=trust"],
        arguments: &["-c", "max_connections=400"],
    },
    // A startup packet: its length, protocol 3.0, the user. The answer `R` accepts the user.
    hello: b"\x00\x00\x00\x17\x00\x03\x00\x00user\x00postgres\x00\x00",
    ready: b"R",
    url: |address| format!("postgres://postgres@{address}/postgres"),
    find,
    prepare,
    companion: |_| None,
    server,
    end: "QUIT",
};

/// One that may have a standby.
pub(crate) const PRIMARY: Engine = Engine { server: primary, ..POSTGRES };
/// One that follows a primary, whose port is in its folder.
const STANDBY: Engine = Engine { prepare: copy_primary, server: primary, ..POSTGRES };

/// Further settings of a primary and its standby. The last of two equal names counts.
const REPLICATED: [&str; 3] = ["wal_level=replica", "max_wal_senders=4", "hot_standby=on"];
/// The file with the primary's port.
const PRIMARY_PORT: &str = "primary";

/// As in production where it matters (`fsync` stays on: the log refuses to run without), small elsewhere.
const SETTINGS: [&str; 9] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=400",
    "wal_level=minimal",
    "max_wal_senders=0",
    "min_wal_size=80MB",
    "max_wal_size=512MB",
    "logging_collector=off",
    "log_min_messages=error",
];

/// The folder that holds `initdb` and `postgres`: the search path's, `pg_config`'s, or the newest of Debian's.
fn find() -> Option<PathBuf> {
    let is_complete = |folder: &PathBuf| ["initdb", "postgres"].iter().all(|name| folder.join(name).is_file());
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

fn prepare(private: &Private) -> Result<()> {
    let mut initdb = private.command(private.program().join("initdb"));
    initdb.args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync", "--pgdata"]);
    let status = initdb.arg(private.folder().join("data")).stdin(Stdio::null()).stdout(Stdio::null()).status();
    let status = status.context("cannot run initdb")?;
    ensure!(status.success(), "initdb failed: {status}");
    Ok(())
}

/// Becomes a copy of the primary that follows it.
fn copy_primary(private: &Private) -> Result<()> {
    let port = fs::read_to_string(private.folder().join(PRIMARY_PORT))?;
    let mut copy = private.command(private.program().join("pg_basebackup"));
    copy.args(["--host=127.0.0.1", "--username=postgres", "--write-recovery-conf", "--checkpoint=fast", "--no-sync"]);
    copy.arg(format!("--port={port}")).arg("--pgdata").arg(private.folder().join("data"));
    let status = copy.stdin(Stdio::null()).status().context("cannot run pg_basebackup")?;
    ensure!(status.success(), "pg_basebackup failed: {status}");
    Ok(())
}

fn primary(private: &Private) -> Command {
    let mut primary = server(private);
    for setting in REPLICATED {
        primary.args(["-c", setting]);
    }
    primary
}

impl Private {
    /// A synchronous standby: the primary commits nothing without it.
    pub(crate) async fn standby(&mut self, program: PathBuf) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("chatchit-standby-").tempdir()?.keep();
        fs::write(folder.join(PRIMARY_PORT), self.port().to_string())?;
        let standby = Self::start_in(&STANDBY, program, folder).await?;
        let settings = self.folder().join("data/postgresql.auto.conf");
        let mut written = fs::read_to_string(&settings)?;
        written.push_str("synchronous_standby_names = '*'\n");
        fs::write(&settings, written)?;
        self.signal("HUP");
        Ok(standby)
    }

    /// Makes a primary of a standby.
    pub(crate) async fn promote(&self) -> Result<()> {
        let mut promote = self.command(self.program().join("pg_ctl"));
        promote.arg("promote").arg("-D").arg(self.folder().join("data")).stdin(Stdio::null()).stdout(Stdio::null());
        let status = tokio::process::Command::from(promote).status().await.context("cannot run pg_ctl")?;
        ensure!(status.success(), "pg_ctl promote failed: {status}");
        Ok(())
    }
}

fn server(private: &Private) -> Command {
    let mut server = private.command(private.program().join("postgres"));
    server.arg("-D").arg(private.folder().join("data")).arg("-p").arg(private.port().to_string());
    for setting in SETTINGS {
        server.args(["-c", setting]);
    }
    server
}

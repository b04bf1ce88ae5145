//! Postgres.

use super::{Engine, Private, docker::Image};
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
    // A startup packet: its length, protocol 3.0, the user. One that may come in is told so.
    hello: b"\x00\x00\x00\x17\x00\x03\x00\x00user\x00postgres\x00\x00",
    ready: b"R",
    url: |address| format!("postgres://postgres@{address}/postgres"),
    find,
    prepare,
    companion: |_| None,
    server,
    end: "QUIT",
};

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

fn server(private: &Private) -> Command {
    let mut server = private.command(private.program().join("postgres"));
    server.arg("-D").arg(private.folder().join("data")).arg("-p").arg(private.port().to_string());
    for setting in SETTINGS {
        server.args(["-c", setting]);
    }
    server
}

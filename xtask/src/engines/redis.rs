//! Redis: keeps nothing on disk, for all of it can be made again.

use super::{
    Private,
    docker::Image,
    engine::{Engine, ask},
};
use crate::shell::which;
use anyhow::{Result, ensure};
use std::process::Command;

/// Redis.
pub(crate) const REDIS: Engine = Engine {
    name: "Redis",
    variable: "REDIS_URL",
    test_variable: "CHATCHIT_TEST_REDIS_URL",
    package: "redis-server",
    user: "redis",
    image: Image { name: "redis:7", port: 6379, options: &[], arguments: &FORGETFUL },
    hello: b"PING\r\n",
    ready: b"+PONG",
    url: |address| format!("redis://{address}/"),
    find: || which("redis-server"),
    prepare: |private| private.make_folder("data"),
    companion: |_| None,
    server,
    end: "KILL",
};

const FORGETFUL: [&str; 4] = ["--save", "", "--appendonly", "no"];

fn server(private: &Private) -> Command {
    let mut command = private.command(private.program());
    command.args(["--bind", "127.0.0.1", "--port"]).arg(private.port().to_string());
    command.arg("--dir").arg(private.folder().join("data")).args(FORGETFUL);
    command
}

impl Private {
    /// Makes a Redis forget everything.
    pub(crate) async fn flush(&self) -> Result<()> {
        ensure!(ask(self.address(), b"FLUSHALL\r\n", b"+OK").await, "Redis could not be flushed");
        Ok(())
    }
}

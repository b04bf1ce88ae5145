//! RabbitMQ: with an Erlang node, a cookie and a port mapper (`epmd`) of its own, apart from the machine's.

use super::{Private, docker::Image, engine::Engine};
use crate::shell::which;
use anyhow::Result;
use std::{fs, path::PathBuf, process::Command};

/// RabbitMQ.
pub(crate) const RABBITMQ: Engine = Engine {
    name: "RabbitMQ",
    variable: "RABBITMQ_URL",
    test_variable: "CHATCHIT_TEST_RABBITMQ_URL",
    package: "rabbitmq-server",
    user: "rabbitmq",
    image: Image { name: "rabbitmq:4", port: 5672, options: &[], arguments: &[] },
    hello: b"AMQP\x00\x00\x09\x01",
    // The frame of a method (1) on channel 0: `Connection.Start`.
    ready: b"\x01\x00\x00",
    url: |address| format!("amqp://guest:guest@{address}/%2f"),
    find,
    prepare,
    companion: |private| {
        let mut epmd = command(private, which("epmd")?);
        epmd.args(["-address", "127.0.0.1"]);
        Some(epmd)
    },
    server,
    end: "KILL",
};

const CONFIGURATION: &str = "vm_memory_high_watermark.absolute = 6442450944\nlog.console.level = warning\n";

/// A machine may lack `/etc/hosts`.
const HOSTS: &str = "{host, {127,0,0,1}, [\"localhost\"]}.\n{lookup, [file, native]}.\n";

/// The server's own script. Packages put a wrapper into the search path that changes the user.
fn find() -> Option<PathBuf> {
    let packaged = PathBuf::from("/usr/lib/rabbitmq/bin/rabbitmq-server");
    let in_path = || which("rabbitmq-server")?.canonicalize().ok().filter(|path| path.ends_with("rabbitmq-server"));
    let script = Some(packaged).filter(|path| path.is_file()).or_else(in_path)?;
    (which("erl").is_some() && which("epmd").is_some()).then_some(script)
}

fn prepare(private: &Private) -> Result<()> {
    private.make_folder("data")?;
    let folder = private.folder();
    fs::write(folder.join("rabbitmq.conf"), CONFIGURATION)?;
    fs::write(folder.join("enabled_plugins"), "[].\n")?;
    fs::write(folder.join("inetrc"), HOSTS)?;
    Ok(())
}

fn server(private: &Private) -> Command {
    let [port, distribution, _] = private.ports();
    let folder = private.folder();
    let mut server = command(private, private.program().to_owned());
    server
        // The script then becomes the server, instead of waiting for it.
        .env("RUNNING_UNDER_SYSTEMD", "true")
        .env("RABBITMQ_NODENAME", "chatchit@localhost")
        .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
        .env("RABBITMQ_NODE_PORT", port.to_string())
        .env("RABBITMQ_DIST_PORT", distribution.to_string())
        .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2")
        .env("RABBITMQ_LOGS", "-")
        .env("ERL_INETRC", folder.join("inetrc"))
        // The settings of the machine must not apply.
        .env("RABBITMQ_CONF_ENV_FILE", "/dev/null");
    for (variable, name) in [
        ("RABBITMQ_MNESIA_BASE", "data"),
        ("RABBITMQ_LOG_BASE", "data"),
        ("RABBITMQ_CONFIG_FILE", "rabbitmq.conf"),
        ("RABBITMQ_CONFIG_FILES", "conf.d"),
        ("RABBITMQ_ADVANCED_CONFIG_FILE", "advanced.config"),
        ("RABBITMQ_ENABLED_PLUGINS_FILE", "enabled_plugins"),
    ] {
        server.env(variable, folder.join(name));
    }
    server
}

/// Started by the server, `epmd` would be a daemon: we start it first, so that we can end it.
fn command(private: &Private, program: PathBuf) -> Command {
    let mut command = private.command(program);
    let [.., epmd] = private.ports();
    command.env("ERL_EPMD_ADDRESS", "127.0.0.1").env("ERL_EPMD_PORT", epmd.to_string());
    command
}

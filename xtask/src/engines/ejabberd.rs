//! ejabberd, with its archive in Postgres: a server that ChatChit is compared with.

use super::{Private, docker::Image, engine::Engine};
use crate::shell::which;
use anyhow::{Context, Result};
use std::{fs, net::SocketAddr, path::PathBuf, process::Command};

/// ejabberd. It is no engine of ChatChit: nothing names its URL.
const EJABBERD: Engine = Engine {
    name: "ejabberd",
    variable: "",
    test_variable: "",
    package: "ejabberd",
    user: "ejabberd",
    // It is taken from Debian alone.
    image: Image { name: "", port: 0, options: &[], arguments: &[] },
    hello: b"<?xml version='1.0'?><stream:stream to='localhost' xmlns='jabber:client' \
             xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>",
    ready: b"<?xml version='1.0'?>",
    url: |address| address.to_string(),
    find,
    prepare,
    companion: |_| None,
    server,
    end: "KILL",
};

const CONFIGURATION: &str = include_str!("../../../bench/rivals/ejabberd/ejabberd.yml");
/// The file with Postgres's port.
const DATABASE_PORT: &str = "database";
/// Its ports are known only when it starts.
const START: &str = "sed -e \"s/@PORT@/$PORT/\" -e \"s/@DATABASE_PORT@/$(cat database)/\" template.yml > data/ejabberd.yml && \
                     exec erl -noinput +K true -mnesia dir \"\\\"$PWD/data\\\"\" -s ejabberd";

/// The folder of Erlang libraries that holds it: Debian's, which is named after the processor.
fn find() -> Option<PathBuf> {
    which("erl")?;
    let mut folders = fs::read_dir("/usr/lib").ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    folders.find(|folder| {
        let mut libraries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
        libraries.any(|library| library.file_name().to_string_lossy().starts_with("ejabberd-"))
    })
}

fn prepare(private: &Private) -> Result<()> {
    private.make_folder("data")?;
    fs::write(private.folder().join("template.yml"), CONFIGURATION)?;
    Ok(())
}

fn server(private: &Private) -> Command {
    let folder = private.folder();
    let mut server = private.command("sh");
    server.args(["-c", START]).env("PORT", private.port().to_string()).env("ERL_LIBS", private.program());
    server.env("EJABBERD_CONFIG_PATH", folder.join("data/ejabberd.yml"));
    server.env("EJABBERD_LOG_PATH", folder.join("data/ejabberd.log"));
    server
}

impl Private {
    /// Starts an ejabberd. Its database is named `ejabberd`, on the Postgres at this address, and has its tables.
    pub(crate) async fn ejabberd(database: SocketAddr) -> Result<Self> {
        let program = find().context("ejabberd is not installed")?;
        let folder = tempfile::Builder::new().prefix("chatchit-ejabberd-").tempdir()?.keep();
        fs::write(folder.join(DATABASE_PORT), database.port().to_string())?;
        Self::start_in(&EJABBERD, program, folder).await
    }
}

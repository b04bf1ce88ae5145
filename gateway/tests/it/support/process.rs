//! The server as a process of its own.

use super::{Door, soon};
use serde_json::Value;
use std::{net::TcpListener, path::Path, process::Stdio};
use testkit::Home;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

pub(crate) const SECRET: &str = "one signing secret for all processes";
/// How many times as fast as usual a process watches itself.
pub(crate) const HURRY: &str = "CHATCHIT_TEST_MONITORING_HURRY";
/// 32 times 0x42.
const MASTER_KEY: &str = "4242424242424242424242424242424242424242424242424242424242424242";

/// A free port below those of outgoing connections: when its process is killed, no other program takes it. The load
/// generator takes lower ones.
pub(crate) fn low_port() -> u16 {
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let first = 30_000 + u16::try_from(std::process::id() % 2_000).unwrap();
    (first..32_000).chain(30_000..first).find(is_free).expect("a free port")
}

/// A process of the server on the engines of a home.
pub(crate) struct Process {
    pub(crate) child: Child,
    pub(crate) door: Door,
}

impl Process {
    /// Starts a role with a data folder of its own, and waits until it listens.
    pub(crate) async fn start(home: &Home, role: &str) -> Self {
        let data = tempfile::tempdir_in(home.folder()).unwrap().keep();
        Self::start_in(home, &data, role, &[]).await
    }

    /// As [`start`](Self::start), in a folder, and with settings that override those of the home.
    pub(crate) async fn start_in(home: &Home, data: &Path, role: &str, own: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chatchit"));
        command.arg(role).current_dir(data).env_clear().kill_on_drop(true);
        command.envs([("PORT", "0"), ("LOG_FORMAT", "json"), ("JWT_ACCESS_TOKEN", SECRET)]);
        command.env("CHATCHIT_MASTER_KEY", MASTER_KEY).env("CHATCHIT_NAMESPACE", home.namespace());
        let engines = [
            ("DATABASE_URL", home.database_url()),
            ("RABBITMQ_URL", home.rabbitmq_url()),
            ("REDIS_URL", home.redis_url()),
        ];
        command.envs(engines.into_iter().filter_map(|(name, url)| Some((name, url?)))).envs(own.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = loop {
            let line = soon("the server's address", lines.next_line()).await.unwrap().expect("it listens");
            let line: Value = serde_json::from_str(&line).unwrap_or_default();
            if let Some(address) = line["fields"]["server.address"].as_str() {
                break address.parse().unwrap();
            }
        };
        // Reads on, so that the process never waits for us.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { child, door: Door { address } }
    }

    /// Ends it by SIGTERM, and waits for the end.
    pub(crate) async fn terminate(mut self) {
        let id = self.child.id().unwrap().to_string();
        // The shell's own `kill`: a bare Debian has no other.
        assert!(Command::new("sh").args(["-c", "kill -TERM $0", &id]).status().await.unwrap().success());
        assert!(soon("the process to end", self.child.wait()).await.unwrap().success());
    }

    /// Ends it by SIGKILL.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

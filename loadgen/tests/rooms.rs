//! The built program against a server on each engine: a short run finds nothing lost and nothing doubled.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use gateway::{Application, Config, hub::HubSettings};
use serde_json::Value;
use std::{net::SocketAddr, process::Output};
use testkit::{Home, each_engine};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

async fn load(address: SocketAddr, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatchit-loadgen"));
    command.args(["rooms", "--address", &address.to_string(), "--users", "6", "--room", "3", "--json"]);
    command.args(["--warm-up", "0", "--measure", "1"]).args(more).kill_on_drop(true).output().await.unwrap()
}

async fn serve(home: &Home, token: CancellationToken) -> SocketAddr {
    let config = Config {
        host: "127.0.0.1".to_owned(),
        port: 0,
        data: home.folder().to_owned(),
        database_url: home.database_url(),
        hub: HubSettings { frames_per_second: 100_000, frames_at_once: 100_000, ..HubSettings::default() },
        password_cost: commands::PasswordCost { memory_kib: 8, iterations: 1, parallelism: 1 },
        ..Config::default()
    };
    let application = Application::build(config).await.unwrap();
    let address = application.local_addr();
    tokio::spawn(application.run(token));
    address
}

each_engine!(rooms_closed_and_open, |home| async move {
    let token = CancellationToken::new();
    let address = serve(&home, token.clone()).await;
    for mode in [&["--runs", "2"][..], &["--rate", "50"]] {
        let output = load(address, mode).await;
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{} {complaint}", String::from_utf8_lossy(&output.stdout));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let first = &report["runs"][0];
        assert!(first["sent"].as_u64().unwrap() > 0, "{report}");
        assert!(first["deliveriesPerSecond"].as_f64().unwrap() > 0.0, "{report}");
        assert_eq!(first["verdict"]["lost"], 0);
    }
    token.cancel();
});

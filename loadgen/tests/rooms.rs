//! The built program against a server on each engine: a short run finds nothing lost and nothing doubled.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use config::{Config, PasswordCost, SocketSettings};
use gateway::Application;
use serde_json::Value;
use std::{
    net::SocketAddr,
    path::Path,
    process::{Output, Stdio},
    time::Duration,
};
use testkit::{Cable, Engine, Home, each_engine};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};
use tokio_util::sync::CancellationToken;

fn command(more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatchit-loadgen"));
    command.args(["rooms", "--users", "6", "--room", "3", "--json", "--warm-up", "0"]).args(more).kill_on_drop(true);
    command
}

async fn load(more: &[&str]) -> Value {
    let output = command(more).output().await.unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    report(output, &complaint)
}

fn report(output: Output, complaint: &str) -> Value {
    let Output { status, stdout, .. } = output;
    assert_eq!(status.code(), Some(0), "{} {complaint}", String::from_utf8_lossy(&stdout));
    serde_json::from_slice(&stdout).unwrap()
}

/// The server as a program: see `examples/server.rs`.
fn program() -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_chatchit-loadgen")).with_file_name("examples").join("server");
    program.to_str().unwrap().to_owned()
}

async fn serve(home: &Home, token: CancellationToken) -> SocketAddr {
    let config = Config {
        host: "127.0.0.1".to_owned(),
        port: 0,
        data: home.folder().to_owned(),
        database_url: home.database_url(),
        sockets: SocketSettings { frames_per_second: 100_000, frames_at_once: 100_000, ..SocketSettings::default() },
        password_cost: PasswordCost { memory_kib: 8, iterations: 1, parallelism: 1 },
        rate_limits: false,
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
    for mode in [&["--measure", "1", "--runs", "2"][..], &["--measure", "1", "--rate", "50"]] {
        let report = load(&[&["--address", &address.to_string()], mode].concat()).await;
        let first = &report["runs"][0];
        assert!(first["sent"].as_u64().unwrap() > 0, "{report}");
        assert!(first["deliveriesPerSecond"].as_f64().unwrap() > 0.0, "{report}");
        assert_eq!(first["verdict"]["lost"], 0);
    }
    token.cancel();
});

#[tokio::test]
async fn a_killed_gateway_and_a_killed_worker_lose_and_double_nothing() {
    let database = Home::new(Engine::Postgres).await;
    let (program, url) = (program(), database.database_url().unwrap());
    let target = ["--spawn", &program, "--database-url", &url, "--gateways", "2", "--workers", "2"];
    let failures = ["--kill-gateway-after", "1", "--kill-worker-after", "1", "--restart-after", "1"];
    let report = load(&[&target[..], &failures, &["--rate", "50", "--measure", "3"]].concat()).await;
    let first = &report["runs"][0];
    let costs = first["processes"].as_array().unwrap();
    let names: Vec<_> = costs.iter().map(|cost| cost["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["gateway-1", "gateway-2", "worker-1", "worker-2", "postgres", "client"]);
    assert!(costs[1]["residentMib"].as_f64().unwrap() > 1.0, "{report}");
    assert_eq!(first["verdict"]["unlikeLog"], 0);
    assert!(first["resilience"]["reconnects"].as_u64().unwrap() >= 3, "half of the sockets: {report}");
    assert!(first["phases"]["during"]["sendToDelivered"]["count"].as_u64().unwrap() > 0, "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_absent_database_loses_and_doubles_nothing() {
    let home = Home::new(Engine::Postgres).await;
    let url = home.database_url().unwrap();
    let (front, rest) = url.split_once('@').unwrap();
    let (server, name) = rest.split_once('/').unwrap();
    let cable = Cable::to(if server.contains(':') { server.to_owned() } else { format!("{server}:5432") }).await;
    let behind = format!("{front}@{}/{name}", cable.address());
    let program = program();
    let target =
        ["--spawn", &program, "--database-url", &behind, "--gateways", "2", "--rate", "50", "--outage", "1..2"];
    let mut running = command(&[&target[..], &["--measure", "4"]].concat());
    let mut running = running.stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(running.stderr.take().unwrap()).lines();
    while lines.next_line().await.unwrap().expect("it measures") != "measuring" {}
    cable.cut();
    // Long enough to be noticed: the traffic is what is waited for.
    tokio::time::sleep(Duration::from_secs(1)).await;
    cable.mend();
    let mut complaint = String::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        complaint += &line;
    }
    let report = report(running.wait_with_output().await.unwrap(), &complaint);
    let survived = &report["runs"][0]["resilience"];
    // Commands that wait for it are refused, or answered when it is back.
    let is_late = survived["longestSilenceAnywhere"].as_f64() > Some(500.0);
    assert!(is_late || survived["refused"].as_u64() > Some(0), "nobody noticed: {report}");
}

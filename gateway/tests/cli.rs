//! The program `chatchit` itself.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that finds nothing has failed")]

use serde_json::{Value, json};
use std::{path::Path, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStderr, Command},
    time::timeout,
};

const DEADLINE: Duration = Duration::from_secs(60);

/// The program in a folder of its own, with nothing configured but `settings`.
fn chatchit(folder: &Path, settings: &[(&str, &str)], arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatchit"));
    command.args(arguments).current_dir(folder).env_clear().env("LOG_FORMAT", "json").kill_on_drop(true);
    command.envs(settings.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A running server.
struct Server {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
    address: String,
}

impl Server {
    async fn start(folder: &Path) -> Self {
        let mut child = chatchit(folder, &[("PORT", "0")], &[]).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = loop {
            let line = timeout(DEADLINE, lines.next_line()).await.unwrap().unwrap().expect("the server is listening");
            let line: Value = serde_json::from_str(&line).unwrap_or_default();
            if let Some(address) = line["fields"]["server.address"].as_str() {
                break address.to_owned();
            }
        };
        Self { child, lines, address }
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let request = reqwest::Client::new().post(format!("http://{}{path}", self.address)).json(&body);
        timeout(DEADLINE, async { request.send().await.unwrap().json().await.unwrap() }).await.unwrap()
    }

    /// Asks it to end, and answers the rest of what it said.
    async fn terminate(mut self) -> String {
        let id = self.child.id().unwrap().to_string();
        // The shell's own `kill`: a bare Debian has no other.
        assert!(Command::new("sh").args(["-c", "kill -TERM $0", &id]).status().await.unwrap().success());
        let mut rest = String::new();
        while let Some(line) = timeout(DEADLINE, self.lines.next_line()).await.unwrap().unwrap() {
            rest.push_str(&line);
        }
        assert!(timeout(DEADLINE, self.child.wait()).await.unwrap().unwrap().success(), "{rest}");
        rest
    }
}

#[tokio::test]
async fn the_first_start_needs_nothing_and_offers_the_bootstrap_token_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path()).await;
    let token = loop {
        let line = timeout(DEADLINE, server.lines.next_line()).await.unwrap().unwrap().expect("the token");
        if let Some((_, token)) = line.rsplit_once("bootstrapToken ") {
            break token.to_owned();
        }
    };
    let body = json!({
        "email": "ana@test.example", "password": "correct horse", "firstName": "Ana", "lastName": "Test",
        "bootstrapToken": token,
    });
    let admin = server.post("/auth/register", body).await;
    assert_eq!(admin["user"]["role"], "ADMIN");
    assert!(!server.terminate().await.contains(&token));

    let server = Server::start(folder.path()).await;
    let credentials = json!({"email": "ana@test.example", "password": "correct horse"});
    assert_eq!(server.post("/auth/login", credentials).await["user"]["id"], admin["user"]["id"]);
    assert!(!server.terminate().await.contains("bootstrapToken"));
}

#[tokio::test]
async fn an_administrator_is_made_on_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let create = async |password: &str| {
        let arguments = ["user", "create", "--email", "root@test.example", "--role", "admin", "--password-stdin"];
        let mut child = chatchit(folder.path(), &[], &arguments).spawn().unwrap();
        child.stdin.take().unwrap().write_all(password.as_bytes()).await.unwrap();
        timeout(DEADLINE, child.wait_with_output()).await.unwrap().unwrap()
    };
    assert!(!create("short\n").await.status.success());
    assert!(create("correct horse\n").await.status.success());
    let again = create("correct horse\n").await;
    assert!(!again.status.success());
    assert!(String::from_utf8(again.stderr).unwrap().contains("taken"));
    for role in ["moderator", "user"] {
        let email = format!("{role}@test.example");
        let arguments = ["user", "create", "--email", &email, "--role", role, "--password-stdin"];
        let mut child = chatchit(folder.path(), &[], &arguments).spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"correct horse\n").await.unwrap();
        assert!(timeout(DEADLINE, child.wait_with_output()).await.unwrap().unwrap().status.success());
    }
    let server = Server::start(folder.path()).await;
    for (name, role) in [("root", "ADMIN"), ("moderator", "MODERATOR"), ("user", "USER")] {
        let credentials = json!({"email": format!("{name}@test.example"), "password": "correct horse"});
        assert_eq!(server.post("/auth/login", credentials).await["user"]["role"], role);
    }
    server.terminate().await;
}

#[tokio::test]
async fn every_fault_of_the_configuration_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), "APP_ENV=production\n").unwrap();
    std::fs::write(folder.path().join("chatchit.toml"), "jwt_access_expired = \"soon\"\n").unwrap();
    let output = chatchit(folder.path(), &[("PORT", "none")], &["serve"]).output().await.unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    for name in ["PORT", "JWT_ACCESS_TOKEN", "CHATCHIT_MASTER_KEY", "CHATCHIT_AUDIT_KEY", "JWT_ACCESS_EXPIRED"] {
        assert!(told.contains(&format!("- {name} ")), "{name} is not named: {told}");
    }
    assert!(!folder.path().join("data").exists());
}

#[tokio::test]
async fn help_lists_every_setting() {
    let folder = tempfile::tempdir().unwrap();
    let output = chatchit(folder.path(), &[], &["--help"]).output().await.unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let variables = &gateway::config::variables::VARIABLES;
    assert!(variables.iter().all(|variable| help.contains(variable.name)), "{help}");
}

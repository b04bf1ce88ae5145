//! The program `chatchit` itself.

use crate::support::{Program, chatchit, lines_of};
use config::variables::VARIABLES;
use serde_json::json;
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{io::AsyncWriteExt as _, time::timeout};

const DEADLINE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn the_first_start_needs_nothing_and_offers_the_bootstrap_token_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Program::start(folder.path()).await;
    let token = server.bootstrap_token().await;
    let body = json!({
        "email": "ana@test.example", "password": "correct horse", "firstName": "Ana", "lastName": "Test",
        "bootstrapToken": token,
    });
    let admin = server.post("/auth/register", body).await;
    assert_eq!(admin["user"]["role"], "ADMIN");
    let warns = |said: &str| lines_of(said).iter().any(|line| line.contains("WARN"));
    assert!(!warns(&server.beginning), "{}", server.beginning);
    let [fails, passes] = ["/nowhere", "/livez"].map(|path| format!("http://{}{path}", server.address));
    let [fails, passes] = [reqwest::get(fails).await.unwrap(), reqwest::get(passes).await.unwrap()];
    assert_eq!((fails.status().as_u16(), passes.status().as_u16()), (404, 200));
    let [fails, passes] = [fails, passes].map(|answer| answer.headers()["x-request-id"].to_str().unwrap().to_owned());
    let rest = server.terminate().await;
    assert!(!rest.contains(&token) && !warns(&rest), "{rest}");
    assert!(rest.contains(&fails) && !rest.contains(&passes), "a probe has a line when it fails: {rest}");

    let server = Program::start(folder.path()).await;
    let credentials = json!({"email": "ana@test.example", "password": "correct horse"});
    assert_eq!(server.post("/auth/login", credentials).await["user"]["id"], admin["user"]["id"]);
    assert!(!server.terminate().await.contains("bootstrapToken"));
}

#[tokio::test]
async fn an_administrator_is_made_on_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let root = async |password: &str| {
        let arguments = ["user", "create", "--email", "root@test.example", "--role", "admin", "--password-stdin"];
        let mut child = chatchit(folder.path(), &[], &arguments).spawn().unwrap();
        child.stdin.take().unwrap().write_all(password.as_bytes()).await.unwrap();
        timeout(DEADLINE, child.wait_with_output()).await.unwrap().unwrap()
    };
    assert!(!root("short\n").await.status.success());
    assert!(root("correct horse\n").await.status.success());
    let again = root("correct horse\n").await;
    assert!(!again.status.success());
    assert!(String::from_utf8(again.stderr).unwrap().contains("taken"));
    for role in ["moderator", "user"] {
        create(folder.path(), role, role).await;
    }
    let server = Program::start(folder.path()).await;
    for (name, role) in [("root", "ADMIN"), ("moderator", "MODERATOR"), ("user", "USER")] {
        let credentials = json!({"email": format!("{name}@test.example"), "password": "correct horse"});
        assert_eq!(server.post("/auth/login", credentials).await["user"]["role"], role);
    }
    server.terminate().await;
}

#[tokio::test]
async fn the_bootstrap_token_is_void_once_an_administrator_was_made_on_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Program::start(folder.path()).await;
    let token = server.bootstrap_token().await;
    let body = |name: &str| {
        json!({
            "email": format!("{name}@test.example"), "password": "correct horse", "firstName": "Eve", "lastName": "Test",
            "bootstrapToken": token,
        })
    };
    create(folder.path(), "ben", "user").await;
    create(folder.path(), "root", "admin").await;
    assert_eq!(server.post("/auth/register", body("eve")).await["code"], "bootstrap_token_used");
    server.terminate().await;
    let server = Program::start(folder.path()).await;
    assert_eq!(server.post("/auth/register", body("eve")).await["code"], "bootstrap_token_used");
    server.terminate().await;
}

#[tokio::test]
async fn what_is_kept_is_its_owners_alone_whatever_the_mode_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for open in [&data, &data.join("files")] {
        fs::create_dir(open).unwrap();
        fs::set_permissions(open, fs::Permissions::from_mode(0o755)).unwrap();
    }
    create(folder.path(), "root", "admin").await;
    let others = || {
        let files = found(&data).into_iter();
        let files = files.filter(|path| fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0));
        files.collect::<Vec<_>>()
    };
    assert_eq!(others(), [data.join("files")], "who makes an account does not open the files");
    // As a build left them that did not mind.
    for path in found(&data).into_iter().filter(|path| path.is_file()) {
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    }
    let server = Program::start(folder.path()).await;
    let ana = json!({
        "email": "ana@test.example", "password": "correct horse", "firstName": "Ana", "lastName": "Test",
    });
    let ana = server.post("/auth/register", ana).await;
    let part = reqwest::multipart::Part::bytes(b"hello".as_slice()).file_name("x.txt");
    let upload = reqwest::Client::new().post(format!("http://{}/files", server.address));
    let upload = upload.bearer_auth(ana["accessToken"].as_str().unwrap());
    let answer = upload.multipart(reqwest::multipart::Form::new().part("file", part)).send().await.unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
    assert_eq!(others(), Vec::<PathBuf>::new());
    assert!(found(&data.join("files")).iter().any(|path| path.is_file()), "the file is there");
    assert!(["log.db-wal", "read.db-wal", "master.key"].iter().all(|name| data.join(name).exists()));
    server.terminate().await;
    assert_eq!(others(), Vec::<PathBuf>::new());
}

/// All files and folders below one.
fn found(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(self::found(&path));
        }
        found.push(path);
    }
    found
}

/// Opens an account on the command line.
async fn create(folder: &Path, name: &str, role: &str) {
    let email = format!("{name}@test.example");
    let arguments = ["user", "create", "--email", &email, "--role", role, "--password-stdin"];
    let mut child = chatchit(folder, &[], &arguments).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"correct horse\n").await.unwrap();
    let output = timeout(DEADLINE, child.wait_with_output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test]
async fn a_request_that_a_problem_names_is_found_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let server = Program::start(folder.path()).await;
    let secret = "a-secret-of-the-query";
    let problem = server.post(&format!("/auth/login?{secret}=1"), json!({})).await;
    let request = problem["requestId"].as_str().expect("the problem names its request").to_owned();
    let invite = server.post("/invites/a-secret-code/accept", json!({})).await;
    assert_eq!(invite["code"], "unauthenticated");
    let livez = reqwest::get(format!("http://{}/livez", server.address)).await.unwrap();
    let probe = livez.headers()["x-request-id"].to_str().unwrap().to_owned();
    let log = server.terminate().await;
    let line = log.split("{\"timestamp\"").find(|line| line.contains(&request)).expect("a line with the id");
    let wanted = ["INFO", "POST", "/auth/login", "422", "unknown_field", "duration.ms", "http.route"];
    assert!(wanted.iter().all(|word| line.contains(word)), "{line}");
    assert!(!log.contains(secret) && !log.contains("a-secret-code") && !log.contains(&probe), "{log}");
    assert!(!log.contains('\u{1b}'), "colours are for terminals");
}

#[tokio::test]
async fn every_fault_of_the_configuration_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".env"), "APP_ENV=production\n").unwrap();
    fs::write(folder.path().join("chatchit.toml"), "jwt_access_expired = \"soon\"\n").unwrap();
    let output = chatchit(folder.path(), &[("PORT", "none")], &["serve"]).output().await.unwrap();
    let received = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{received}");
    for name in ["PORT", "JWT_ACCESS_TOKEN", "CHATCHIT_MASTER_KEY", "CHATCHIT_AUDIT_KEY", "JWT_ACCESS_EXPIRED"] {
        assert!(received.contains(&format!("- {name} ")), "{name} is not named: {received}");
    }
    assert!(!folder.path().join("data").exists());
}

#[tokio::test]
async fn help_lists_every_setting() {
    let folder = tempfile::tempdir().unwrap();
    let output = chatchit(folder.path(), &[], &["--help"]).output().await.unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(VARIABLES.iter().all(|variable| help.contains(variable.name)), "{help}");
}

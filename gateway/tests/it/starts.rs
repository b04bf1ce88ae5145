//! Starts that fail: each names the variable, the place and the remedy, begins nothing, and tells no secret.

use crate::support::{Program, config, run, texts};
use config::Config;
use gateway::Application;
use sql::Database;
use std::fs;
use testkit::{Engine, Home};
use tokio::net::TcpListener;

const TOKEN: (&str, &str) = ("JWT_ACCESS_TOKEN", "one signing secret for all processes");

#[tokio::test]
async fn a_taken_port_is_named_and_nothing_is_created() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = run(folder.path(), &[("PORT", &port)], &["serve"], "").await;
    let (_, said) = texts(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for part in [&format!("127.0.0.1:{port}"), "PORT", "another process listens there"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_second_server_on_a_data_folder_is_refused_while_the_first_lives() {
    let folder = tempfile::tempdir().unwrap();
    let first = Program::start(folder.path()).await;
    let second = run(folder.path(), &[("PORT", "0")], &["serve"], "").await;
    let (_, said) = texts(&second);
    assert_eq!(second.status.code(), Some(1), "{said}");
    for part in ["CHATCHIT_DATA", "./data", "another chatchit", "DATABASE_URL"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let create = ["user", "create", "--email", "ana@test.example", "--password-stdin"];
    assert!(run(folder.path(), &[], &create, "correct horse\n").await.status.success(), "verbs work beside it");
    first.terminate().await;
    Program::start(folder.path()).await.terminate().await;
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("data"), "").unwrap();
    let output = run(folder.path(), &[("PORT", "0")], &["serve"], "").await;
    let (_, said) = texts(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("./data (CHATCHIT_DATA)") && said.contains("must own it"), "{said}");
}

#[tokio::test]
async fn an_absent_postgres_is_named_without_its_password() {
    let folder = tempfile::tempdir().unwrap();
    // A port on which nobody listens.
    let port = 1;
    let url = format!("postgres://chatchit:windy@127.0.0.1:{port}/chatchit");
    let output = run(folder.path(), &[TOKEN, ("PORT", "0"), ("DATABASE_URL", &url)], &["gateway"], "").await;
    let (_, said) = texts(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let place = format!("DATABASE_URL postgres://chatchit:***@127.0.0.1:{port}/chatchit cannot be reached");
    assert!(said.contains(&place) && said.contains("is Postgres running there") && !said.contains("windy"), "{said}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn engines_that_can_wait_are_named_and_the_server_serves() {
    let folder = tempfile::tempdir().unwrap();
    // A port on which nobody listens.
    let port = 1;
    let url = |scheme: &str| format!("{scheme}://user:windy@127.0.0.1:{port}");
    let [rabbitmq, redis] = ["amqp", "redis"].map(url);
    let settings = [("RABBITMQ_URL", rabbitmq.as_str()), ("REDIS_URL", redis.as_str())];
    let mut server = Program::start_with(folder.path(), &settings).await;
    for (variable, scheme) in [("RABBITMQ_URL", "amqp"), ("REDIS_URL", "redis")] {
        let line = server.line_with("an engine is not connected").await;
        let place = format!("{scheme}://user:***@127.0.0.1:{port}");
        assert!(line.contains(variable) && line.contains(&place) && !line.contains("windy"), "{line}");
    }
    let url = format!("http://{}/readyz", server.address);
    assert_eq!(reqwest::get(url).await.unwrap().status().as_u16(), 200);
    assert!(!server.terminate().await.contains("windy"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_fails_leaves_an_empty_database_empty() {
    let home = Home::new(Engine::Postgres).await.emptied().await;
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = Application::build(Config { port, ..config(&home) }).await.err().expect("the port is taken");
    assert!(error.to_string().contains("another process listens there"), "{error}");
    for place in [home.log(), home.read_models()] {
        assert!(!Database::exists(&place).await.unwrap(), "{place:?}");
    }
}

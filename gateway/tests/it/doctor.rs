//! `chatchit doctor` on real engines.

use crate::support::{run, texts};
use serde_json::Value;
use sql::{Database, Location, query};
use std::path::Path;
use testkit::{Home, Mix};

const TOKEN: (&str, &str) = ("JWT_ACCESS_TOKEN", "one signing secret for all processes");

/// The report, by the exit status and the checks.
async fn report(folder: &Path, settings: &[(&str, &str)]) -> (bool, Vec<Value>, String) {
    let output = run(folder, settings, &["doctor", "--json"], "").await;
    let (printed, said) = texts(&output);
    let mut report: Value = serde_json::from_str(&printed).unwrap_or_else(|_| panic!("{printed} {said}"));
    assert_eq!(report["ok"] == true, output.status.success(), "{printed} {said}");
    let checks = serde_json::from_value(report["checks"].take()).unwrap();
    (output.status.success(), checks, printed)
}

fn check<'c>(checks: &'c [Value], name: &str) -> &'c Value {
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{name}: {checks:#?}"))
}

#[tokio::test]
async fn engines_that_can_be_used_are_well() {
    let home = Home::mix(Mix::PRODUCTION).await;
    let [database, rabbitmq, redis] = [home.database_url(), home.rabbitmq_url(), home.redis_url()].map(Option::unwrap);
    let settings = [
        TOKEN,
        ("PORT", "0"),
        ("DATABASE_URL", database.as_str()),
        ("RABBITMQ_URL", rabbitmq.as_str()),
        ("REDIS_URL", redis.as_str()),
        ("CHATCHIT_NAMESPACE", home.namespace()),
    ];
    let (_, checks, printed) = report(home.folder(), &settings).await;
    // Whatever the disk of this machine is like.
    assert!(checks.iter().all(|check| check["verdict"] != "fail" || check["name"] == "disk"), "{printed}");
    for name in [
        "postgres.reach",
        "postgres.version",
        "postgres.rights",
        "postgres.processes",
        "clock",
        "rabbitmq.reach",
        "rabbitmq.version",
        "rabbitmq.rights",
        "redis.reach",
        "redis.version",
        "redis.eviction",
        "port",
    ] {
        assert_eq!(check(&checks, name)["verdict"], "ok", "{name}: {printed}");
    }
    assert!(check(&checks, "postgres.connections")["found"].as_str().unwrap().contains("34"), "{printed}");
    let password = rabbitmq.split_once("://").and_then(|(_, rest)| rest.split_once('@')?.0.split_once(':'));
    if let Some((_, password)) = password {
        assert!(!printed.contains(&format!(":{password}@")), "{printed}");
    }
}

#[tokio::test]
async fn engines_that_are_absent_or_refuse_are_named_with_a_remedy() {
    let home = Home::mix(Mix::EMBEDDED).await;
    // A port on which nobody listens.
    let port = 1;
    let url = |scheme: &str| format!("{scheme}://user:windy@127.0.0.1:{port}/x");
    let [database, rabbitmq, redis] = ["postgres", "amqp", "redis"].map(url);
    let redis = redis.replace("/x", "/0");
    let settings = [
        TOKEN,
        ("PORT", "0"),
        ("DATABASE_URL", database.as_str()),
        ("RABBITMQ_URL", rabbitmq.as_str()),
        ("REDIS_URL", redis.as_str()),
    ];
    let (is_well, checks, printed) = report(home.folder(), &settings).await;
    assert!(!is_well);
    for (name, variable) in
        [("postgres.reach", "DATABASE_URL"), ("rabbitmq.reach", "RABBITMQ_URL"), ("redis.reach", "REDIS_URL")]
    {
        let check = check(&checks, name);
        assert_eq!(check["verdict"], "fail", "{printed}");
        assert!(check["remedy"].as_str().unwrap().contains(variable), "{printed}");
        assert!(check["found"].as_str().unwrap().contains(&format!("127.0.0.1:{port}")), "{printed}");
    }
    assert!(!printed.contains("windy"), "{printed}");
}

#[tokio::test]
async fn a_user_without_rights_is_named() {
    let home = Home::mix(Mix::POSTGRES).await.emptied().await;
    let url = home.database_url().unwrap();
    let (owner, rest) = url.split_once("://").unwrap().1.split_once('@').unwrap();
    let location = Location::Postgres { url: url.clone(), schema: "pg_catalog".to_owned() };
    let admin = Database::connect(&location, 1).await.unwrap();
    let name = format!("poor_{}", home.namespace().replace('-', "_"));
    admin.execute(query(format!("CREATE ROLE {name} LOGIN PASSWORD 'windy'"))).await.unwrap();
    let poor = format!("postgres://{name}:windy@{rest}");
    let (is_well, checks, printed) = report(home.folder(), &[TOKEN, ("PORT", "0"), ("DATABASE_URL", &poor)]).await;
    admin.execute(query(format!("DROP ROLE {name}"))).await.unwrap();
    assert!(!is_well, "{owner}");
    assert_eq!(check(&checks, "postgres.reach")["verdict"], "ok", "{printed}");
    assert_eq!(check(&checks, "postgres.rights")["verdict"], "fail", "{printed}");
    assert!(!printed.contains("windy"), "{printed}");
}

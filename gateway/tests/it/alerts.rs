//! Alerts are raised and cleared by what they are about. The machine may give rise to others: each test looks at its own rule and
//! subject. Those of processes, engines, dead letters and stalled parts are in `monitoring.rs`.

use crate::support::{HURRY, Program, SECRET, Server, config, run, soon, texts, until};
use config::{AlertThreshold, Config, MonitoringSettings, Role};
use monitoring::Identity;
use protocol::{Alert, AlertState};
use serde_json::{Value, json};
use sql::{Database, Limits, query};
use std::time::Duration;
use testkit::{Engine, Home, until_some};

/// How long a slow commit takes at least: twice the threshold, four times the target of urgent commands.
const SLOW: Duration = Duration::from_millis(400);

/// A server that watches itself closely, and over a short time.
fn closely(home: &Home) -> Config {
    let monitoring =
        MonitoringSettings { every: Duration::from_millis(250), window: Duration::from_secs(4), pace: 0.01 };
    Config { monitoring, ..config(home) }
}

fn threshold(rule: &str, raise: f64) -> AlertThreshold {
    AlertThreshold { rule: rule.to_owned(), raise }
}

async fn find(server: &Server, rule: &str, subject: &str) -> Option<Alert> {
    let alerts = server.app.monitoring.alerts().await.ok()?;
    alerts.into_iter().find(|alert| alert.rule == rule && alert.subject == subject)
}

/// Waits until an alert is raised or cleared.
async fn becomes(server: &Server, rule: &str, subject: &str, state: AlertState) -> Alert {
    let look = async || find(server, rule, subject).await.filter(|alert| alert.state == state);
    until_some(&format!("{rule} of {subject} to be {state:?}"), look).await
}

async fn is_raised(server: &Server, rule: &str, subject: &str) -> bool {
    find(server, rule, subject).await.is_some_and(|alert| alert.is_raised())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_does_not_answer_raises_an_alert_until_it_does() {
    let home = Home::new(Engine::Sqlite).await;
    let server = Server::start_with(closely(&home)).await;
    let log = Database::connect(&home.log(), 1).await.unwrap();
    log.execute(query("ALTER TABLE ledger RENAME TO ledger_away")).await.unwrap();
    let raised = becomes(&server, "DatabaseAway", "database", AlertState::Raised).await;
    assert_eq!(raised.summary, "1 processes get no answer from the database");
    log.execute(query("ALTER TABLE ledger_away RENAME TO ledger")).await.unwrap();
    becomes(&server, "DatabaseAway", "database", AlertState::Cleared).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_model_that_is_locked_raises_alerts_until_its_events_are_applied() {
    let home = Home::new(Engine::Postgres).await;
    // A few events instead of a thousand, half a second instead of ten.
    let alert_thresholds = vec![threshold("ReadModelsBehind", 5.0), threshold("EventsWait", 0.5)];
    let server = Server::start_with(Config { alert_thresholds, ..closely(&home) }).await;
    let ana = server.register("ana").await;
    let room = server.conversation(&ana, "group", &[]).await;
    let mut socket = server.connect(&ana, None).await;
    let read_models = Database::connect(&home.read_models(), 1).await.unwrap();
    let mut holding = read_models.begin().await.unwrap();
    holding.set_limits(Limits::BULK).await.unwrap();
    holding.execute(query("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE")).await.unwrap();
    for n in 0..10 {
        socket.say(&room, &n.to_string()).await;
    }
    let behind = becomes(&server, "ReadModelsBehind", "messages", AlertState::Raised).await;
    assert!(behind.value >= 5.0, "{behind:?}");
    let waits = becomes(&server, "EventsWait", "high", AlertState::Raised).await;
    assert!(waits.value >= 0.5, "{waits:?}");
    holding.rollback().await.unwrap();
    becomes(&server, "ReadModelsBehind", "messages", AlertState::Cleared).await;
    becomes(&server, "EventsWait", "high", AlertState::Cleared).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_that_wait_for_another_session_raise_alerts_until_they_do_not() {
    let home = Home::new(Engine::Sqlite).await;
    let server = Server::start_with(closely(&home)).await;
    let ana = server.register("ana").await;
    let room = server.conversation(&ana, "group", &[]).await;
    let mut socket = server.connect(&ana, None).await;
    let log = Database::connect(&home.log(), 1).await.unwrap();
    // The alert of the commits, while both are raised.
    let raised = async || {
        let commits = find(&server, "CommitsSlow", "log").await.filter(|alert| alert.is_raised())?;
        is_raised(&server, "CommandsSlow", "high").await.then_some(commits)
    };
    let sending = async {
        loop {
            if let Some(commits) = raised().await {
                break commits;
            }
            let holding = log.begin().await.unwrap();
            let message = json!({"conversationId": room, "messageType": "TEXT", "content": "late"});
            let asked = socket.issue("message.send", message).await;
            let waits = async || server.app.store.committing_for().is_some_and(|time| time >= SLOW);
            until("a commit to wait", waits).await;
            holding.rollback().await.unwrap();
            assert!(socket.reply(&asked).await["ok"].is_object());
            // Of fewer commits a percentile says nothing; of a hundred one is not enough.
            for _ in 0..30 {
                socket.say(&room, "soon").await;
            }
        }
    };
    let commits = soon("slow commits to raise alerts", sending).await;
    assert!(commits.value >= 0.2, "{commits:?}");
    becomes(&server, "CommitsSlow", "log", AlertState::Cleared).await;
    becomes(&server, "CommandsSlow", "high", AlertState::Cleared).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes_that_come_by_way_of_the_log_raise_an_alert_until_they_have_passed() {
    // Without RabbitMQ between them, a gateway looks every 200 ms for what another one has appended.
    let home = Home::new(Engine::Postgres).await;
    let one = Server::start_with(closely(&home)).await;
    let two = Server::start_with(Config { role: Role::Gateway, ..closely(&home) }).await;
    let [ana, ben] = [one.register("ana").await, one.register("ben").await];
    let room = one.conversation(&ana, "group", &[&ben]).await;
    let mut sender = one.connect(&ana, None).await;
    let mut receiver = two.connect(&ben, None).await;
    let sending = async {
        while !is_raised(&one, "PushesSlow", "high").await {
            let mut last = Value::Null;
            for _ in 0..20 {
                last = sender.say(&room, "hello").await;
            }
            receiver.pushes_to(last["position"].as_u64().unwrap()).await;
        }
    };
    soon("slow pushes to raise an alert", sending).await;
    becomes(&one, "PushesSlow", "high", AlertState::Cleared).await;
    two.stop().await;
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_fail_raise_an_alert_until_they_succeed() {
    let home = Home::new(Engine::Sqlite).await;
    let server = Server::start_with(closely(&home)).await;
    let root = server.administrator().await;
    let read_models = Database::connect(&home.read_models(), 1).await.unwrap();
    read_models.execute(query("ALTER TABLE reports RENAME TO reports_away")).await.unwrap();
    let failing = async {
        while !is_raised(&server, "ServerErrors", "http").await {
            assert!(server.get(&root, "/admin/reports").await.status.is_server_error());
        }
    };
    soon("failures to raise an alert", failing).await;
    read_models.execute(query("ALTER TABLE reports_away RENAME TO reports")).await.unwrap();
    let succeeding = async {
        while is_raised(&server, "ServerErrors", "http").await {
            server.read(&root, "/admin/reports").await;
        }
    };
    soon("successes to clear the alert", succeeding).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_table_is_missing_raises_an_alert_until_a_round_is_done() {
    let home = Home::new(Engine::Sqlite).await;
    let server = Server::start_with(closely(&home)).await;
    let lag = || {
        let text = server.app.metrics.render();
        let mut lines = text.lines();
        let lag = lines.find_map(|line| line.strip_prefix("chatchit_job_lag_seconds{job=\"stories.expire\"} "));
        lag.map(|seconds| seconds.parse::<f64>().unwrap())
    };
    until("the job to begin", async || lag() == Some(0.0)).await;
    let read_models = Database::connect(&home.read_models(), 1).await.unwrap();
    read_models.execute(query("ALTER TABLE stories RENAME TO stories_away")).await.unwrap();
    let raised = becomes(&server, "JobFails", "stories.expire", AlertState::Raised).await;
    assert!(raised.value >= 1.0 && raised.runbook == "docs/runbook.md#jobfails", "{raised:?}");
    until("the lag to grow", async || lag() > Some(0.5)).await;
    read_models.execute(query("ALTER TABLE stories_away RENAME TO stories")).await.unwrap();
    becomes(&server, "JobFails", "stories.expire", AlertState::Cleared).await;
    until("the lag to end", async || lag() < Some(0.5)).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_fuller_than_the_threshold_raises_an_alert_until_the_threshold_is_higher() {
    let home = Home::new(Engine::Sqlite).await;
    let with = |raise| Config { alert_thresholds: vec![threshold("DiskNearlyFull", raise)], ..closely(&home) };
    // No disk is twice as full as it can be, and each is at least empty.
    let server = Server::start_with(with(2.0)).await;
    let instance = Identity::instance(server.address.port());
    server.app.live.set(&with(0.0));
    let raised = becomes(&server, "DiskNearlyFull", &instance, AlertState::Raised).await;
    assert!((0.0..=1.0).contains(&raised.value), "{raised:?}");
    server.app.live.set(&with(2.0));
    becomes(&server, "DiskNearlyFull", &instance, AlertState::Cleared).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_take_more_connections_than_there_are_raise_an_alert_until_one_ends() {
    let home = Home::new(Engine::Postgres).await;
    let read_models = Database::connect(&home.read_models(), 1).await.unwrap();
    // A process takes up to 34: there is room for one.
    let limit = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I CONNECTION LIMIT 60', current_database()); END $$";
    read_models.execute(query(limit)).await.unwrap();
    let server = Server::start_with(closely(&home)).await;
    let own = async || {
        let all = server.app.monitoring.installation(&server.app.app).await.ok()?;
        all.value("chatchit_sql_connections_max", &[])
    };
    until("the process to publish", async || own().await == Some(34.0)).await;
    assert!(!is_raised(&server, "ConnectionsScarce", "postgres").await);

    let url = home.database_url().unwrap();
    let settings = [
        ("DATABASE_URL", url.as_str()),
        ("JWT_ACCESS_TOKEN", SECRET),
        ("CHATCHIT_DATA", home.folder().to_str().unwrap()),
        ("CHATCHIT_NAMESPACE", home.namespace()),
        (HURRY, "20"),
    ];
    let second = Program::start_with(home.folder(), &settings).await;
    assert!(second.beginning.contains("all processes together"), "{}", second.beginning);
    let raised = becomes(&server, "ConnectionsScarce", "postgres", AlertState::Raised).await;
    assert!((raised.value - 68.0 / 60.0).abs() < 1e-9, "{raised:?}");
    let (printed, said) = texts(&run(home.folder(), &settings, &["doctor", "--json"], "").await);
    let report: Value = serde_json::from_str(&printed).unwrap_or_else(|_| panic!("{printed} {said}"));
    let mut checks = report["checks"].as_array().unwrap().iter();
    let together = checks.find(|check| check["name"] == "postgres.processes").unwrap();
    assert_eq!((&together["verdict"], together["remedy"].is_string()), (&json!("warn"), true), "{printed}");
    assert!(together["found"].as_str().unwrap().contains("68 of 60"), "{printed}");
    second.terminate().await;
    becomes(&server, "ConnectionsScarce", "postgres", AlertState::Cleared).await;
    server.stop().await;
}

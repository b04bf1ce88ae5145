//! The figures of all processes, the dashboard, alerts, and the first page.

use crate::support::{Client, HURRY, Person, Process, SECRET, Server, config, low_port, soon, until};
use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode as Code},
    routing::post,
};
use config::{AlertWebhook, Config, MasterKey, MonitoringSettings, Role, Secret};
use monitoring::{Identity, alerts::signature};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sql::{Database, Limits, query};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use testkit::{Cable, Engine, Home, Mix, each_mix, until_some};
use tokio::{net::TcpListener, sync::mpsc};
use uuid::Uuid;

const DASHBOARD: &str = "/chat/performance/dashboard";
const ALERTS: &str = "/chat/performance/alerts";

/// A server that watches itself fifty times as closely.
fn hurried(home: &Home) -> Config {
    let monitoring =
        MonitoringSettings { every: Duration::from_millis(200), window: Duration::from_secs(10), pace: 0.02 };
    Config { monitoring, ..config(home) }
}

fn alert<'a>(alerts: &'a Value, rule: &str, subject: &str) -> Option<&'a Value> {
    alerts["items"].as_array().unwrap().iter().find(|alert| alert["rule"] == rule && alert["subject"] == subject)
}

/// Waits until an alert is `raised` or `cleared`.
async fn becomes(server: &Server, root: &Person, rule: &str, subject: &str, state: &str) -> Value {
    let is_so = |alerts: &Value| alert(alerts, rule, subject).is_some_and(|alert| alert["state"] == state);
    let alerts = server.get_until(root, ALERTS, is_so).await;
    alert(&alerts, rule, subject).unwrap().clone()
}

/// Says something in a conversation, and types.
async fn talk(socket: &mut Client, room: &str) {
    socket.ok("message.send", json!({"conversationId": room, "content": "hello"})).await;
    socket.ok("typing.start", json!({"conversationId": room})).await;
}

each_mix!(the_dashboard_shows_what_happens_and_how_old_its_figures_are, |home| async move {
    let server = Server::start_with(hurried(&home)).await;
    let root = server.administrator().await;
    let [ana, ben] = [server.register("ana").await, server.register("ben").await];
    let room = server.conversation(&ana, "group", &[&ben]).await;
    let mut socket = server.connect(&ana, None).await;
    // Rates are of the last ten seconds, and figures count while they are new: on a busy machine they are read again.
    let busy = |board: &Value| {
        let rates = &board["perSecond"];
        ["messages", "typing", "events", "commands", "httpRequests", "pushes"]
            .iter()
            .all(|of| rates[of].as_f64() > Some(0.0))
    };
    let board = until_some("the dashboard", async || {
        talk(&mut socket, &room).await;
        Some(server.read(&root, DASHBOARD).await).filter(busy)
    })
    .await;
    let processes = board["processes"].as_array().unwrap();
    assert_eq!(processes.len(), 1);
    assert!(processes[0]["current"] == true && processes[0]["ageSeconds"].as_f64() < Some(60.0), "{board}");
    assert_eq!((&processes[0]["role"], board["sockets"]["ws"].as_f64()), (&json!("all"), Some(1.0)));
    let high = &board["latency"][0];
    assert_eq!((&high["tier"], &high["target"]), (&json!("high"), &json!(0.1)));
    for kind in ["append", "push"] {
        assert!(high[kind]["count"].as_f64() > Some(0.0) && high[kind]["p50"].as_f64() <= high[kind]["p99"].as_f64());
    }
    let engines: Vec<_> = board["engines"].as_array().unwrap().iter().map(|engine| &engine["engine"]).collect();
    assert_eq!(engines.contains(&&json!("redis")), home.redis_url().is_some());
    assert_eq!(engines.contains(&&json!("rabbitmq")), home.rabbitmq_url().is_some());
    assert!(engines.contains(&&json!("database")) && board["projections"]["messages"].is_number());
    assert!(board["health"]["score"].as_u64() <= Some(100) && board["health"]["formula"].is_string());
    assert_eq!(board["health"]["inputs"]["currentProcesses"], 1);

    let of = |items: &Value| {
        let found = items.as_array()?.iter().find(|series| series["name"] == "chatchit_append_events_total");
        found?["value"].as_f64()
    };
    let is_counted = |metrics: &Value| of(&metrics["items"]).is_some();
    let metrics = server.get_until(&root, "/chat/performance/metrics", is_counted).await;
    assert_eq!(of(&metrics["items"]), of(&metrics["processes"][0]["items"]));
    let waits = |high: &Value| high["consumers"] != 16 || high["depth"] != 0;
    let queues = until_some("the queues", async || {
        let queues = server.read(&root, "/chat/queue/stats").await;
        let high = &queues["tiers"][0];
        let is_appended = high["appendedPerSecond"].as_f64() > Some(0.0);
        if !is_appended {
            talk(&mut socket, &room).await;
        }
        (is_appended && !waits(high)).then_some(queues)
    })
    .await;
    assert_eq!((queues["tiers"].as_array().unwrap().len(), queues["partitions"].as_array().unwrap().len()), (2, 32));
    assert_eq!(queues["tiers"][0]["parked"], 0);
    let is_whole = |caches: &Value| {
        caches["processes"][0]["current"] == true && caches["redis"].is_object() == home.redis_url().is_some()
    };
    let caches = server.get_until(&root, "/chat/cache/stats", is_whole).await;
    if home.redis_url().is_some() {
        assert!(caches["redis"]["usedMemoryBytes"].as_u64() > Some(0) && caches["redis"]["latencySeconds"].is_number());
    }
    assert!(caches["all"]["hits"].is_number());
    let alerts = server.read(&root, ALERTS).await;
    assert!(alerts["rules"].as_array().unwrap().iter().any(|rule| rule["name"] == "ProcessGone"));
    server.stop().await;
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_gateway_answers_for_all_processes_until_they_end() {
    let home = Home::mix(Mix::PRODUCTION).await;
    let worker = Process::start(&home, "worker").await;
    let two = Process::start(&home, "gateway").await;
    let one = Server::start_with(beside(&home)).await;
    let root = one.administrator().await;
    let roles = |board: &Value| -> Vec<String> {
        let current = board["processes"].as_array().unwrap().iter().filter(|process| process["current"] == true);
        current.map(|process| process["role"].as_str().unwrap().to_owned()).collect()
    };
    let are = |want: &'static [&str]| {
        move |board: &Value| {
            let mut found = roles(board);
            found.sort();
            found == want
        }
    };
    for door in [&*one, &two.door] {
        let board = door.get_until(&root, DASHBOARD, are(&["gateway", "gateway", "worker"])).await;
        assert!(board["processes"].as_array().unwrap().iter().all(|process| process["ageSeconds"].is_number()));
    }
    two.terminate().await;
    worker.terminate().await;
    let board = one.get_until(&root, DASHBOARD, are(&["gateway"])).await;
    assert_eq!(board["processes"].as_array().unwrap().len(), 1, "who ends in order is not missed");
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_is_missed_until_it_is_back() {
    let home = Home::mix(Mix::PRODUCTION).await;
    // A process is missed after 2 s instead of 20, and the alert comes a second later instead of ten.
    let worker = async |port: &str| {
        let data = tempfile::tempdir_in(home.folder()).unwrap().keep();
        Process::start_in(&home, &data, "worker", &[(HURRY, "10"), ("PORT", port)]).await
    };
    // Nobody takes the port of the killed one before it is back.
    let port = low_port();
    let (_first, second) = (worker("0").await, worker(&port.to_string()).await);
    let monitoring = MonitoringSettings::default().hurried(10);
    let server = Server::start_with(Config { monitoring, ..beside(&home) }).await;
    let root = server.administrator().await;
    let all = |board: &Value| board["processes"].as_array().unwrap().len() == 3;
    server.get_until(&root, DASHBOARD, all).await;
    second.kill().await;
    let instance = Identity::instance(port);
    let raised = becomes(&server, &root, "ProcessGone", &instance, "raised").await;
    assert_eq!(raised["severity"], "critical");
    // On a busy machine another one may be late for a moment.
    let is_one = |board: &Value| board["health"]["inputs"]["silentProcesses"] == 1 && all(board);
    server.get_until(&root, DASHBOARD, is_one).await;
    let _again = worker(&port.to_string()).await;
    becomes(&server, &root, "ProcessGone", &instance, "cleared").await;
    server.stop().await;
}

/// A gateway in this process, beside those that are processes of their own.
fn beside(home: &Home) -> Config {
    Config {
        role: Role::Gateway,
        master_key: Some(MasterKey([0x42; 32])),
        access_secret: Some(Secret::new(SECRET)),
        ..config(home)
    }
}

/// Receives the webhooks of a rule, and refuses the first `failing` tries of each. The machine may give rise to others,
/// such as that of a disk that is nearly full.
async fn hook(rule: &'static str, failing: usize) -> (String, mpsc::UnboundedReceiver<(HeaderMap, String)>) {
    let (sender, received) = mpsc::unbounded_channel();
    let tries = Arc::new(Mutex::new(BTreeMap::<String, usize>::new()));
    let receive = move |headers: HeaderMap, body: Bytes| {
        let (sender, tries) = (sender.clone(), Arc::clone(&tries));
        async move {
            let alert: Value = serde_json::from_slice(&body).unwrap();
            if alert["data"]["rule"] != rule {
                return Code::NO_CONTENT;
            }
            let id = headers["webhook-id"].to_str().unwrap().to_owned();
            let is_refused = {
                let mut tries = tries.lock().unwrap();
                let of_id = tries.entry(id).or_default();
                *of_id += 1;
                *of_id <= failing
            };
            let _ = sender.send((headers, String::from_utf8(body.to_vec()).unwrap()));
            if is_refused { Code::INTERNAL_SERVER_ERROR } else { Code::NO_CONTENT }
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/in", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/in", post(receive))).await });
    (url, received)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_engine_is_shown_pushed_to_administrators_and_posted_until_it_is_back() {
    let home = Home::mix(Mix::EMBEDDED.with_redis()).await;
    let redis = home.redis_url().unwrap();
    let authority = redis.strip_prefix("redis://").unwrap();
    let (host, path) = authority.split_once('/').unwrap_or((authority, ""));
    let cable = Cable::to(host).await;
    let (url, mut received) = hook("EngineAway", 2).await;
    let secret = Secret::new([7; 32]);
    let server = Server::start_with(Config {
        redis_url: Some(format!("redis://{}/{path}", cable.address())),
        alert_webhook: Some(AlertWebhook { url, secret: secret.clone() }),
        ..hurried(&home)
    })
    .await;
    let (root, ana) = (server.administrator().await, server.register("ana").await);
    let mut admin = server.connect(&root, None).await;
    let mut other = server.connect(&ana, None).await;
    let engine_is = |up: bool| {
        move |board: &Value| {
            board["engines"].as_array().unwrap().iter().any(|engine| engine["engine"] == "redis" && engine["up"] == up)
        }
    };
    server.get_until(&root, DASHBOARD, engine_is(true)).await;

    cable.cut();
    let raised = becomes(&server, &root, "EngineAway", "redis", "raised").await;
    assert_eq!((&raised["severity"], &raised["runbook"]), (&json!("warning"), &json!("docs/runbook.md#engineaway")));
    let board = server.get_until(&root, DASHBOARD, engine_is(false)).await;
    assert!(board["health"]["score"].as_u64() < Some(100), "{board}");
    let pushed = soon("the alert at the administrator's socket", pushed(&mut admin, "EngineAway")).await;
    assert_eq!((&pushed["state"], &pushed["summary"]), (&json!("raised"), &json!("1 processes do not reach redis")));
    // On a busy machine the alert may come and go: each change is posted under an id of its own, the same at each try.
    let mut tries = BTreeMap::<String, usize>::new();
    loop {
        let (headers, body) = soon("the webhook", received.recv()).await.unwrap();
        let header = |name: &str| headers[name].to_str().unwrap().to_owned();
        let (id, at) = (header("webhook-id"), header("webhook-timestamp").parse().unwrap());
        assert_eq!(header("webhook-signature"), signature(&secret, &id, at, &body));
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["data"]["rule"], "EngineAway");
        let of_id = tries.entry(id).or_default();
        *of_id += 1;
        if body["type"] == "alert.raised" && *of_id == 3 {
            break;
        }
    }

    cable.mend();
    let cleared = becomes(&server, &root, "EngineAway", "redis", "cleared").await;
    assert!(cleared["clearedAt"].is_string());
    let posted = soon("the webhook of the end", async {
        loop {
            let (_, body) = received.recv().await.unwrap();
            let body: Value = serde_json::from_str(&body).unwrap();
            if body["type"] == "alert.cleared" {
                break body;
            }
        }
    });
    assert_eq!(posted.await["data"]["rule"], "EngineAway");
    // A signal to her comes after all alerts that she would have received.
    let room = server.conversation(&root, "group", &[&ana]).await;
    admin.ok("signal.send", json!({"conversationId": room, "name": "here", "payload": [1]})).await;
    assert_eq!(other.signal().await["signal"], "custom");
    server.stop().await;
}

/// The data of the next alert of a rule at a socket.
async fn pushed(socket: &mut Client, rule: &str) -> Value {
    loop {
        let signal = socket.signal().await;
        if signal["signal"] == "alert" && signal["data"]["rule"] == rule {
            return signal["data"].clone();
        }
    }
}

each_mix!(dead_letters_raise_an_alert_until_they_are_dealt_with, |home| async move {
    let server = Server::start_with(hurried(&home)).await;
    let root = server.administrator().await;
    let read_models = Database::connect(&home.read_models(), 1).await.unwrap();
    let park = "INSERT INTO parked (projection, position, aggregate_type, aggregate_id, event_type, state, error, \
                attempts, parked_at) VALUES ('messages', 1000001, 'message', $1, 'message.sent', 'poison', 'x', 3, 0)";
    read_models.execute(query(park).bind(Uuid::from_u128(1))).await.unwrap();
    // Another build retries a reaction to an unreadable event: it is no dead letter.
    let log = Database::connect(&home.log(), 1).await.unwrap();
    let park = "INSERT INTO parked_reactions (reactor, position, aggregate_type, aggregate_id, event_type, error, \
                attempts, parked_at, build) VALUES ('test', 1000002, 'message', $1, 'message.sent', 'x', 1, 0, 'test')";
    log.execute(query(park).bind(Uuid::from_u128(1))).await.unwrap();
    let is_counted = async || {
        let text = server.send(server.request(Method::GET, "/metrics", None)).await.expect(StatusCode::OK);
        text.as_str().unwrap().contains("chatchit_unreadable{what=\"reactions\"} 1")
    };
    until("the unreadable reaction to be counted", is_counted).await;
    let raised = becomes(&server, &root, "DeadLetters", "events", "raised").await;
    assert_eq!((&raised["value"], &raised["severity"]), (&json!(1.0), &json!("critical")));
    let queues = server.read(&root, "/chat/queue/stats").await;
    assert_eq!((&queues["tiers"][0]["parked"], &queues["tiers"][0]["givenUp"]), (&json!(1), &json!(1)));
    assert!(alert(&server.read(&root, ALERTS).await, "DeadLetters", "reactions").is_none());
    read_models.execute(query("DELETE FROM parked WHERE position = 1000001")).await.unwrap();
    becomes(&server, &root, "DeadLetters", "events", "cleared").await;
    server.stop().await;
});

#[tokio::test(flavor = "multi_thread")]
async fn a_read_model_that_does_not_move_raises_an_alert_until_it_does() {
    let home = Home::new(Engine::Postgres).await;
    let server = Server::start_with(hurried(&home)).await;
    let root = server.administrator().await;
    let group = server.conversation(&root, "group", &[]).await;
    let read_models = Database::connect(&home.read_models(), 1).await.unwrap();
    let mut holding = read_models.begin().await.unwrap();
    holding.set_limits(Limits::BULK).await.unwrap();
    holding.execute(query("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE")).await.unwrap();
    let position = server.app.store.head().await.unwrap().position;
    let mut socket = server.connect(&root, None).await;
    socket.ok("message.send", json!({"conversationId": group, "content": "hello"})).await;
    let stalled = |alerts: &Value| {
        let mut items = alerts["items"].as_array().unwrap().iter();
        items.any(|alert| alert["rule"] == "Stalled" && alert["state"] == "raised")
    };
    server.get_until(&root, ALERTS, stalled).await;
    holding.rollback().await.unwrap();
    server.get_until(&root, ALERTS, |alerts| !stalled(alerts)).await;
    assert!(server.app.store.head().await.unwrap().position > position);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_died_raises_an_alert_until_it_runs_again() {
    let home = Home::new(Engine::Sqlite).await;
    let server = Server::start_with(hurried(&home)).await;
    let root = server.administrator().await;
    server.app.supervisor.inject("typing");
    becomes(&server, &root, "Stalled", "task:typing", "raised").await;
    becomes(&server, &root, "Stalled", "task:typing", "cleared").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_gets_pages_and_a_program_json() {
    let home = Home::new(Engine::Sqlite).await;
    let server = Server::start(&home).await;
    let page = async |path: &str, accept: &str| {
        let answer = reqwest::Client::new().get(server.url(path)).header("accept", accept).send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        (status, headers, answer.text().await.unwrap())
    };
    let browser = "text/html,application/xhtml+xml,*/*;q=0.8";
    for path in ["/", DASHBOARD] {
        let (status, headers, text) = page(path, browser).await;
        assert_eq!((status, &headers["content-type"]), (StatusCode::OK, &"text/html; charset=utf-8".parse().unwrap()));
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!((&headers["vary"], text.contains("ChatChit")), (&"accept".parse().unwrap(), true));
        let named = text.split(['"', '\'']).filter(|part| part.starts_with("/chat/performance/") && part.contains('.'));
        for file in named {
            assert_eq!(page(file, "*/*").await.0, StatusCode::OK, "{file}");
        }
    }
    let first = server.send(server.request(Method::GET, "/", None)).await.expect(StatusCode::OK);
    assert_eq!((&first["name"], &first["status"]), (&json!("ChatChit"), &json!("ok")));
    for link in first["links"].as_object().unwrap().values() {
        let (status, ..) = page(link.as_str().unwrap(), browser).await;
        assert_eq!(status, StatusCode::OK, "{link}");
    }
    server.send(server.request(Method::GET, DASHBOARD, None)).await.refused(401, "unauthenticated");
    server.stop().await;
}

//! What Prometheus reads.

use crate::support::{Server, config, document, until};
use config::{Config, Secret};
use domain::EventType;
use jobs::Reactor;
use limits::Kind;
use operations::{Operation, Operations, Registry as _, Visitor};
use projections::Projection;
use protocol::{Close, codes::CODES};
use reqwest::{Method, StatusCode};
use serde_json::json;
use sql::{Database, Limits, query};
use std::{collections::BTreeSet, fs, path::Path};
use telemetry::{CATALOGUE, Metric};
use testkit::{Engine, Home, each_mix};

each_mix!(what_the_server_does_is_counted_and_described, |home| async move {
    let server = Server::start(&home).await;
    let [ana, ben] = [server.register("ana").await, server.register("ben").await];
    let room = server.conversation(&ana, "group", &[&ben]).await;
    server.text(&ana, &room, "hello").await;
    let mut socket = server.connect(&ben, None).await;
    let asked = socket.issue("message.send", json!({"conversationId": room, "nothing": 1})).await;
    assert_eq!(socket.reply(&asked).await["error"]["code"], "unknown_field");
    server.file(&ana).await;
    let said = server.text(&ana, &room, "hello again").await;
    while socket.push().await["data"]["id"] != said["id"] {}
    let read = async || {
        let text = server.send(server.request(Method::GET, "/metrics", None)).await.expect(StatusCode::OK);
        text.as_str().unwrap().to_owned()
    };
    let is_seen = async || {
        let text = read().await;
        let wanted = [
            "chatchit_reactor_lag_seconds_count{reactor=\"keep_leads\"}",
            "chatchit_projection_lag_events{projection=\"messages\"} 0",
            "chatchit_job_rounds_total{job=\"stories.expire\",outcome=\"done\"} ",
        ];
        wanted.iter().all(|wanted| text.contains(wanted))
    };
    until("readers to have come that far", is_seen).await;
    let text = read().await;
    for line in [
        "chatchit_http_requests_total{method=\"POST\",route=\"/conversations/{id}/messages\",status=\"201\"} ",
        "chatchit_http_request_seconds_count{method=\"POST\",route=\"/conversations/{id}/messages\"} ",
        "chatchit_commands_total{door=\"ws\",command=\"message.send\",outcome=\"unknown_field\"} 1",
        "chatchit_commands_total{door=\"rest\",command=\"message.send\",outcome=\"done\"} 2",
        "chatchit_sign_ins_total{way=\"register\",outcome=\"done\"} 2",
        "chatchit_sign_ins_total{way=\"socket\",outcome=\"done\"} 1",
        "chatchit_uploads_total{outcome=\"received\"} 1",
        "chatchit_upload_bytes_total ",
        "chatchit_sockets_open{door=\"ws\"} ",
        "chatchit_append_commands_total{outcome=\"appended\"} ",
        "chatchit_append_commit_seconds_bucket{le=\"0.05\"} ",
        "chatchit_lane_messages_total{lane=\"high\",what=\"published\"} ",
        "chatchit_projection_lag_events{projection=\"messages\"} ",
        "chatchit_engine_up{engine=\"database\"} 1",
        "chatchit_sql_connections{place=\"log\",state=\"idle\"} ",
        "chatchit_sql_wait_seconds_count ",
        "chatchit_hub_catch_ups_total{from=\"ring\"} 1",
        "chatchit_hub_events_total{tier=\"high\"} ",
        "chatchit_hub_fanout_size_bucket{le=\"1\"} ",
        "chatchit_hub_lag_events{tier=\"medium\"} ",
        "chatchit_push_seconds_count{tier=\"high\"} ",
        "chatchit_outbox_bytes ",
        "chatchit_lane_lag_seconds_count{tier=\"high\"} ",
        "chatchit_lane_waiting_messages{lane=\"high\",to=\"consumers\"} ",
        "chatchit_projection_lag_seconds{projection=\"messages\"} ",
        "chatchit_projection_batch_size_count ",
        "chatchit_projection_apply_seconds_count{projection=\"messages\"} ",
        "chatchit_reactor_lag_seconds_count{reactor=\"keep_leads\"} ",
        "chatchit_reactor_lag_events{reactor=\"keep_leads\"} ",
        "chatchit_job_lag_seconds{job=\"stories.expire\"} ",
        "chatchit_job_failed_rounds{job=\"stories.expire\"} 0",
        "chatchit_parked_events 0",
        "chatchit_tasks_down 0",
        "chatchit_job_rounds_total{",
        "chatchit_process_resident_memory_bytes ",
    ] {
        assert!(text.lines().any(|there| there.starts_with(line)), "{line} is not in\n{text}");
    }
    let values = Values::of();
    let series: Vec<_> = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    for line in &series {
        described(line, &values);
    }
    assert!(series.len() < SERIES, "{} series", series.len());
    server.stop().await;
});

/// The most series of a test's server.
const SERIES: usize = 3_000;

/// The values that labels may have.
struct Values {
    commands: BTreeSet<&'static str>,
    jobs: BTreeSet<&'static str>,
}

impl Visitor for Values {
    fn visit<O: Operation>(&mut self) {
        self.commands.insert(O::NAME);
    }
}

impl Values {
    fn of() -> Self {
        let jobs = [
            "accounts.forget",
            "alerts.post",
            "alerts.watch",
            "calls.drop_the_lost",
            "calls.time_out",
            "files.keep",
            "log.purge",
            "stories.expire",
        ];
        let mut values =
            Self { commands: ["auth", "getOnlineUsers", "ping", "sync", "unknown"].into(), jobs: jobs.into() };
        Operations::visit(&mut values);
        values
    }

    /// Whether `value` is one of the few that this label has.
    fn has(&self, label: &str, value: &str) -> bool {
        let code = |word| CODES.iter().any(|code| code.word == word);
        let close = || Close::ALL.iter().any(|close| close.code().to_string() == value);
        let outcomes = [
            "admitted",
            "appended",
            "claim_taken",
            "done",
            "failed",
            "forgotten",
            "has_data_key",
            "key_reused",
            "received",
            "repeated",
            "stale",
            "token_replaced",
            "unavailable",
        ];
        let words: &[&str] = match label {
            "version" => &[env!("CARGO_PKG_VERSION")],
            "method" => &["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "other"],
            "way" => &["password", "refresh", "register", "socket"],
            "status" => return value.len() == 3 && value.parse::<u16>().is_ok(),
            "route" => return value == "none" || document()["paths"].get(value).is_some(),
            "door" => &["rest", "socket.io", "ws"],
            "code" => return value == "1006" || close(),
            "command" => return self.commands.contains(value),
            "outcome" => return outcomes.contains(&value) || code(value),
            "budget" => return Kind::ALL.iter().any(|kind| kind.name() == value),
            "lane" => &["calls", "high", "low", "medium"],
            "what" => &[
                "all",
                "cache",
                "confirmed",
                "dropped",
                "events",
                "free",
                "graph",
                "own",
                "published",
                "pushed",
                "reactions",
                "received",
                "returned",
                "shed",
                "shed_on_entry",
                "unconfirmed",
                "unsent",
            ],
            "to" => &["consumers", "rabbitmq"],
            "tier" => &["high", "low", "medium"],
            "why" => &["missed", "outbox", "process"],
            "from" => &["log", "ring"],
            "projection" => return Projection::ALL.iter().any(|projection| projection.name() == value),
            "engine" => &["database", "rabbitmq", "redis"],
            "place" => &["log", "read_models"],
            "state" => &["idle", "used"],
            "kind" => &["conflict", "connection", "other", "timeout"],
            "job" => return self.jobs.contains(value),
            "reactor" => return Reactor::ALL.iter().any(|reactor| reactor.name() == value),
            "type" => return EventType::all().any(|kind| kind.name == value),
            "name" => &["alert", "call.attached", "call.signal", "custom", "presence", "typing"],
            "partition" => return value.parse::<u16>().is_ok_and(|partition| partition < 16),
            "le" => return value == "+Inf" || value.parse::<f64>().is_ok(),
            _ => &[],
        };
        words.contains(&value)
    }
}

/// That the series of this line is in the catalogue, with the labels that it says and values that are bounded.
fn described(line: &str, values: &Values) {
    let name = line.split(['{', ' ']).next().unwrap();
    if name.starts_with("chatchit_process_") {
        return;
    }
    let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    let known = CATALOGUE.iter().find(|metric| metric.name == name || metric.name == base);
    let Metric { labels, .. } = known.unwrap_or_else(|| panic!("{name} is not in the catalogue"));
    let inner = line.split_once('{').map_or("", |(_, rest)| rest.rsplit_once('}').unwrap().0);
    let found: BTreeSet<_> = inner.split("\",").filter_map(|label| Some(label.split_once('=')?.0)).collect();
    let wanted: BTreeSet<_> = labels.iter().copied().chain(found.contains("le").then_some("le")).collect();
    assert_eq!(found, wanted, "{line}");
    for (label, value) in inner.split("\",").filter_map(|label| label.split_once("=\"")) {
        let value = value.trim_end_matches('"');
        assert!(values.has(label, value), "{label} may not be {value}: {line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reactor_that_cannot_save_its_checkpoint_shows_how_far_it_is_behind() {
    let home = Home::new(Engine::Postgres).await;
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let behind = async || {
        let text = server.send(server.request(Method::GET, "/metrics", None)).await.expect(StatusCode::OK);
        let mut lines = text.as_str().unwrap().lines();
        let events = lines.find_map(|line| line.strip_prefix("chatchit_reactor_lag_events{reactor=\"keep_leads\"} "));
        events.map(|events| events.parse::<f64>().unwrap())
    };
    until("all reactions", async || behind().await == Some(0.0)).await;
    let log = Database::connect(&home.log(), 1).await.unwrap();
    let mut holding = log.begin().await.unwrap();
    holding.set_limits(Limits::BULK).await.unwrap();
    holding.execute(query("LOCK TABLE reactor_checkpoints IN EXCLUSIVE MODE")).await.unwrap();
    let room = server.conversation(&ana, "group", &[]).await;
    server.text(&ana, &room, "hello").await;
    until("the reactor to be behind", async || behind().await > Some(0.0)).await;
    holding.rollback().await.unwrap();
    until("all reactions", async || behind().await == Some(0.0)).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_for_this_machine_and_for_who_has_the_token() {
    let home = Home::new(Engine::Sqlite).await;
    let token = "a token of some length";
    let server =
        Server::start_with(Config { metrics_token: Some(Secret::new(token.replace(' ', "_"))), ..config(&home) }).await;
    let ask = |bearer: Option<&str>, forwarded: bool| {
        let request = server.request(Method::GET, "/metrics", bearer);
        if forwarded { request.header("x-forwarded-for", "192.0.2.1") } else { request }
    };
    let token = token.replace(' ', "_");
    for (bearer, forwarded, status) in [
        (None, false, 200),
        (None, true, 401),
        (Some(token.as_str()), true, 200),
        (Some("a_token_of_some_lengtH"), false, 401),
        (Some(""), true, 401),
    ] {
        let answer = server.send(ask(bearer, forwarded)).await;
        assert_eq!(answer.status.as_u16(), status, "{bearer:?}, forwarded: {forwarded}");
    }
    server.stop().await;
}

#[test]
fn every_metric_is_documented() {
    let page = include_str!("../../../docs/metrics.md");
    for Metric { name, help, labels, .. } in CATALOGUE {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
        let row = row.unwrap_or_else(|| panic!("{name} is not documented"));
        assert!(row.contains(help) && labels.iter().all(|label| row.contains(&format!("`{label}`"))), "{row}");
    }
}

#[test]
fn dashboards_and_rules_ask_for_metrics_that_exist_and_each_rule_has_its_page() {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy");
    let rules = fs::read_to_string(deploy.join("prometheus/alerts.yml")).unwrap();
    let dashboard = fs::read_to_string(deploy.join("grafana/chatchit.json")).unwrap();
    let mut found = 0;
    for text in [&rules, &dashboard] {
        for (at, _) in text.match_indices("chatchit_") {
            let name: String = text[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
            let is_known = name.starts_with("chatchit_process_") || CATALOGUE.iter().any(|metric| metric.name == base);
            assert!(is_known, "{name} is no metric");
            found += 1;
        }
    }
    assert!(found > 20, "the files are read: {found}");
    let runbook = include_str!("../../../docs/runbook.md");
    for alert in rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        assert!(runbook.contains(&format!("\n## {alert}\n")), "{alert} has no page");
        assert!(rules.contains(&format!("docs/runbook.md#{}\n", alert.to_lowercase())), "{alert} names no page");
    }
}

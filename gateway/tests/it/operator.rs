//! The verbs of the program `chatchit` for operators, on the embedded default.

use crate::support::{Door, Program, lines_of, run, soon, texts, until};
use config::variables::VARIABLES;
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt as _};
use testkit::{Home, Mix};

#[tokio::test]
async fn migrating_says_from_which_version_to_which() {
    let folder = tempfile::tempdir().unwrap();
    let first = run(folder.path(), &[], &["migrate"], "").await;
    let (printed, said) = texts(&first);
    assert!(first.status.success(), "{said}");
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines.len(), 2, "{printed}");
    assert!(lines[0].starts_with("log: from version none to ") && lines[0].contains("CHATCHIT_DATA"), "{printed}");
    assert!(lines[1].starts_with("read models: from version none to "), "{printed}");
    let (printed, _) = texts(&run(folder.path(), &[], &["migrate"], "").await);
    assert!(printed.lines().all(|line| line.contains(" already ")), "{printed}");
    Program::start(folder.path()).await.terminate().await;
}

#[tokio::test]
async fn migrating_postgres_creates_the_schemas() {
    let home = Home::mix(Mix::POSTGRES).await.emptied().await;
    let url = home.database_url().unwrap();
    let settings = [("DATABASE_URL", url.as_str()), ("JWT_ACCESS_TOKEN", "one signing secret for all processes")];
    let output = run(home.folder(), &settings, &["migrate"], "").await;
    let (printed, said) = texts(&output);
    assert!(output.status.success() && printed.contains("DATABASE_URL postgres://"), "{printed} {said}");
    let (printed, _) = texts(&run(home.folder(), &settings, &["migrate"], "").await);
    assert!(printed.lines().count() == 2 && printed.lines().all(|line| line.contains(" already ")), "{printed}");
}

#[tokio::test]
async fn checking_the_configuration_shows_origins_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("chatchit.toml"), "port = 8099").unwrap();
    fs::write(folder.path().join("token"), "north-wind-and-the-sun\n").unwrap();
    let settings = [("METRICS_TOKEN_FILE", "token"), ("REDIS_URL", "redis://:windy@h/0"), ("PROT", "1")];
    let output = run(folder.path(), &settings, &["config", "check", "--json"], "").await;
    let (printed, said) = texts(&output);
    assert!(output.status.success(), "{said}");
    let report: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(report["warnings"], json!(["PROT is not a setting; did you mean PORT?"]));
    let setting = |name: &str| {
        let settings = report["settings"].as_array().unwrap();
        settings.iter().find(|setting| setting["name"] == name).unwrap().clone()
    };
    assert_eq!(report["settings"].as_array().unwrap().len(), VARIABLES.len());
    assert_eq!(setting("PORT"), json!({"name": "PORT", "value": "8099", "from": "chatchit.toml"}));
    assert_eq!(setting("REDIS_URL")["value"], "redis://:***@h/0");
    assert_eq!(setting("METRICS_TOKEN")["value"], "(hidden)");
    let (plain, _) = texts(&run(folder.path(), &settings, &["config", "check"], "").await);
    for text in [&printed, &plain] {
        assert!(!text.contains("north-wind") && !text.contains("windy") && !text.contains('\u{1b}'), "{text}");
    }
    assert!(plain.contains("warning: PROT is not a setting") && plain.contains("(from chatchit.toml)"), "{plain}");
    assert!(!folder.path().join("data").exists());
}

#[tokio::test]
async fn checking_a_faulty_configuration_names_every_fault_and_fails() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [
        ("PORT", "none"),
        ("CHATCHIT_DATABASE", "x"),
        ("RUST_LOG", "info=debug=trace"),
        ("TURN_SECRET_FILE", "/nowhere"),
    ];
    for arguments in [&["config", "check"][..], &["serve"], &["doctor"], &["migrate"]] {
        let output = run(folder.path(), &settings, arguments, "").await;
        let (printed, said) = texts(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        for fault in
            ["PORT must be", "CHATCHIT_DATABASE is not a setting", "RUST_LOG is not a filter", "TURN_SECRET_FILE: "]
        {
            assert!(printed.contains(fault) || said.contains(fault), "{arguments:?} {fault}: {printed} {said}");
        }
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is begun");
}

#[tokio::test]
async fn health_asks_the_server_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let server = Program::start(folder.path()).await;
    let port = server.address.strip_prefix("127.0.0.1:").unwrap().to_owned();
    let settings = [("PORT", port.as_str()), ("HOST", "0.0.0.0")];
    let well = run(folder.path(), &settings, &["health"], "").await;
    assert!(well.status.success() && texts(&well).0.contains("\"status\""), "{well:?}");
    let url = format!("http://{}/", server.address);
    assert!(run(folder.path(), &[("PORT", "x")], &["health", "--url", &url], "").await.status.success());
    server.terminate().await;
    let absent = run(folder.path(), &settings, &["health"], "").await;
    assert_eq!(absent.status.code(), Some(1));
    assert!(texts(&absent).1.contains("/readyz does not answer"), "{absent:?}");
}

#[tokio::test]
async fn printed_secrets_are_new_each_time_and_make_a_production_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let [(one, _), (other, _)] = [
        texts(&run(folder.path(), &[], &["secrets"], "").await),
        texts(&run(folder.path(), &[], &["secrets"], "").await),
    ];
    let generated = VARIABLES.iter().filter(|variable| variable.generated);
    assert_eq!(one.lines().count(), generated.clone().count());
    for (variable, (one, other)) in generated.zip(one.lines().zip(other.lines())) {
        assert!(one.starts_with(&format!("{}=", variable.name)) && one != other, "{one}");
    }
    fs::write(folder.path().join(".env"), one).unwrap();
    let output = run(folder.path(), &[("APP_ENV", "production")], &["config", "check"], "").await;
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test]
async fn a_password_is_set_beside_a_running_server_and_ends_the_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let create = ["user", "create", "--email", "ana@test.example", "--password-stdin"];
    assert!(run(folder.path(), &[], &create, "correct horse\n").await.status.success());
    let server = Program::start(folder.path()).await;
    let credentials = |password: &str| json!({"email": "ana@test.example", "password": password});
    let ana = server.post("/auth/login", credentials("correct horse")).await;
    let me = reqwest::Client::new().get(format!("http://{}/users/me", server.address));
    let me = me.bearer_auth(ana["accessToken"].as_str().unwrap());
    let status = async || me.try_clone().unwrap().send().await.unwrap().status().as_u16();
    assert_eq!(status().await, 200);

    let set = ["user", "password", "--email", "ana@test.example", "--password-stdin"];
    let weak = run(folder.path(), &[], &set, "short\n").await;
    assert_eq!(weak.status.code(), Some(1));
    let done = run(folder.path(), &[], &set, "battery staple\n").await;
    assert!(done.status.success() && !texts(&done).1.contains("staple"), "{done:?}");
    until("the session to end", async || status().await == 401).await;
    assert_eq!(server.post("/auth/login", credentials("correct horse")).await["code"], "wrong_credentials");
    assert!(server.post("/auth/login", credentials("battery staple")).await["accessToken"].is_string());
    let nobody = ["user", "password", "--email", "nobody@test.example", "--password-stdin"];
    let nobody = run(folder.path(), &[], &nobody, "battery staple\n").await;
    assert!(nobody.status.code() == Some(1) && texts(&nobody).1.contains("there is no such account"), "{nobody:?}");
    server.terminate().await;
}

#[tokio::test]
async fn completions_and_manual_pages_name_every_verb() {
    let folder = tempfile::tempdir().unwrap();
    let verbs = [
        "serve",
        "gateway",
        "worker",
        "migrate",
        "config",
        "doctor",
        "health",
        "secrets",
        "user",
        "completions",
        "man",
    ];
    for shell in ["bash", "zsh", "fish"] {
        let (script, said) = texts(&run(folder.path(), &[], &["completions", shell], "").await);
        assert!(verbs.iter().all(|verb| script.contains(verb)), "{shell}: {said}");
    }
    let pages = folder.path().join("man");
    let output = run(folder.path(), &[], &["man", pages.to_str().unwrap()], "").await;
    assert!(output.status.success(), "{output:?}");
    assert!(verbs.iter().all(|verb| pages.join(format!("chatchit-{verb}.1")).exists()));
    assert!(fs::read_to_string(pages.join("chatchit.1")).unwrap().contains("DATABASE_URL"));
    for verb in verbs {
        assert!(run(folder.path(), &[], &[verb, "--help"], "").await.status.success(), "{verb}");
    }
}

#[tokio::test]
async fn a_start_on_the_embedded_default_prints_three_lines() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Program::start(folder.path()).await;
    let lines = lines_of(&server.beginning);
    assert_eq!(lines.iter().filter(|line| line.contains("\"level\"")).count(), 1, "{lines:#?}");
    assert!(server.line_with("SQLite").await.contains("./data"));
    let token = server.bootstrap_token().await;
    assert!(!token.is_empty());
    // What the background tasks of a start might say would come before the answer to this.
    let address = server.address.clone();
    let ready = async || reqwest::get(format!("http://{address}/readyz")).await.unwrap().text().await.unwrap();
    until("all to be well", async || ready().await == r#"{"status":"ok"}"#).await;
    let rest = server.terminate().await;
    let lines = lines_of(&rest);
    assert!(lines.iter().all(|line| line.contains("stopping") || line.contains("/readyz")), "{lines:#?}");
}

#[tokio::test]
async fn a_hangup_takes_over_what_can_change_and_names_what_cannot() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chatchit.toml");
    fs::write(&file, "metrics_token = \"north-wind-and-sun\"").unwrap();
    let mut server = Program::start(folder.path()).await;
    let address = server.address.clone();
    let scrape = async |token: &str| {
        let request = reqwest::Client::new().get(format!("http://{address}/metrics")).bearer_auth(token);
        soon("an answer", request.send()).await.unwrap().status().as_u16()
    };
    let [first, second] = ["north-wind-and-sun", "south-wind-and-sun"];
    assert_eq!((scrape(first).await, scrape(second).await), (200, 401));

    fs::write(&file, format!("metrics_token = \"{second}\"\nmax_connections = 9\nrust_log = \"debug\"")).unwrap();
    server.signal("HUP").await;
    let refused = server.line_with("need a restart").await;
    assert!(refused.contains("MAX_CONNECTIONS") && !refused.contains("METRICS_TOKEN"), "{refused}");
    let taken = server.line_with("read again").await;
    assert!(taken.contains("METRICS_TOKEN, RUST_LOG") && !taken.contains(second), "{taken}");
    assert_eq!((scrape(first).await, scrape(second).await), (401, 200));
    server.line_with("\"level\":\"DEBUG\"").await;

    fs::write(&file, "metrics_token = \"short\"\nmax_connections = \"none\"").unwrap();
    server.signal("HUP").await;
    let faulty = server.line_with("nothing is changed").await;
    assert!(faulty.contains("METRICS_TOKEN must be") && faulty.contains("MAX_CONNECTIONS must be"), "{faulty}");
    assert_eq!(scrape(second).await, 200);
    server.terminate().await;
}

#[tokio::test]
async fn a_hangup_lets_pages_of_another_origin_in_and_keeps_those_of_the_former_out() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chatchit.toml");
    let [former, later] = ["https://former.example", "https://later.example"];
    fs::write(&file, format!("allowed_origins = [\"{former}\"]")).unwrap();
    let mut server = Program::start(folder.path()).await;
    let door = Door { address: server.address.parse().unwrap() };
    let ana = door.register("ana").await;
    // How REST and `/ws` answer a page.
    let answers = async |origin: &str| {
        let request = reqwest::Client::new().get(door.url("/users/me")).bearer_auth(&ana.token);
        let response = soon("an answer", request.header("origin", origin).send()).await.unwrap();
        let is_shown = response.headers().get("access-control-allow-origin").is_some_and(|shown| shown == origin);
        assert_eq!(is_shown, response.status().is_success(), "{origin}");
        let headers = [("authorization", Some(format!("Bearer {}", ana.token))), ("origin", Some(origin.to_owned()))];
        let opened = door.open_at("/ws", &headers).await;
        [response.status().as_u16(), opened.map_or_else(|refused| refused.status().as_u16(), |_| 101)]
    };
    assert_eq!([answers(former).await, answers(later).await], [[200, 101], [403, 403]]);

    fs::write(&file, format!("allowed_origins = [\"{later}\"]\nalert_thresholds = [\"EventsWait=30\"]")).unwrap();
    server.signal("HUP").await;
    let taken = server.line_with("read again").await;
    assert!(taken.contains("ALLOWED_ORIGINS, ALERT_THRESHOLDS"), "{taken}");
    assert_eq!([answers(former).await, answers(later).await], [[403, 403], [200, 101]]);

    fs::write(&file, format!("allowed_origins = [\"{former}\"]\nalert_thresholds = \"Nothing=1\"")).unwrap();
    server.signal("HUP").await;
    let faulty = server.line_with("nothing is changed").await;
    assert!(faulty.contains("ALERT_THRESHOLDS: Nothing is no rule"), "{faulty}");
    assert_eq!([answers(former).await, answers(later).await], [[403, 403], [200, 101]]);
    server.terminate().await;
}

#[tokio::test]
async fn systemd_is_notified_of_the_states() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = tokio::net::UnixDatagram::bind(&path).unwrap();
    let state = async || {
        let mut bytes = [0; 1_024];
        let length = soon("a state", socket.recv(&mut bytes)).await.unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    };
    let server = Program::start_with(folder.path(), &[("NOTIFY_SOCKET", path.to_str().unwrap())]).await;
    assert!(state().await.contains("READY=1"));
    server.signal("HUP").await;
    let reloading = state().await;
    assert!(reloading.contains("RELOADING=1") && reloading.contains("MONOTONIC_USEC="), "{reloading}");
    assert!(state().await.contains("READY=1"));
    server.terminate().await;
    assert!(state().await.contains("STOPPING=1"));
}

#[tokio::test]
async fn a_doctor_of_the_embedded_default_finds_all_well() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let server = Program::start(folder.path()).await;
    let port = server.address.rsplit_once(':').unwrap().1.to_owned();
    let output = run(folder.path(), &[("PORT", &port), ("MAX_CONNECTIONS", "10")], &["doctor", "--json"], "").await;
    let (printed, said) = texts(&output);
    let report: Value = serde_json::from_str(&printed).unwrap_or_else(|_| panic!("{printed} {said}"));
    // Whatever the disk of this machine is like.
    let is_well = |check: &Value| check["verdict"] != "fail" || check["name"] == "disk";
    assert!(report["checks"].as_array().unwrap().iter().all(is_well), "{report}");
    assert_eq!(output.status.success(), report["ok"] == true, "{report}");
    let check = |name: &str| {
        let checks = report["checks"].as_array().unwrap();
        checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{name}: {report}")).clone()
    };
    assert!(check("port")["found"].as_str().unwrap().contains("answers"), "{report}");
    assert_eq!(check("data.folder")["verdict"], "ok");
    assert!(check("data.secrets")["found"].as_str().unwrap().contains("CHATCHIT_MASTER_KEY"), "{report}");
    let before = fs::read_dir(folder.path().join("data")).unwrap().count();
    let (plain, _) = texts(&run(folder.path(), &[("PORT", "0")], &["doctor"], "").await);
    assert!(
        plain.lines().all(|line| ["ok  ", "warn", "fail"].iter().any(|verdict| line.starts_with(verdict))),
        "{plain}"
    );
    assert_eq!(fs::read_dir(folder.path().join("data")).unwrap().count(), before, "it leaves no traces");
    server.terminate().await;
}

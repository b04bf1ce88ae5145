//! The dependency arrows of ARCHITECTURE.md, checked against what cargo resolves.

use crate::shell::{Shell, cargo, say};
use anyhow::{Result, bail};
use serde::Deserialize;

/// Each crate, and the workspace's crates it may depend on. Tests may also use [`FOR_TESTS`] and [`SERVED_IN_TESTS`].
const ALLOWED: &[(&str, &[&str])] = &[
    ("text", &[]),
    ("domain", &["text"]),
    ("private-files", &[]),
    ("clock", &["domain"]),
    ("sql", &["private-files"]),
    ("event-store", &["domain", "sql", "traces"]),
    ("supervisor", &[]),
    ("traces", &[]),
    ("telemetry", &["traces"]),
    ("broker", &["domain", "supervisor", "event-store", "traces"]),
    ("graph", &["domain", "supervisor", "event-store"]),
    ("blobs", &["private-files"]),
    ("passwords", &["text"]),
    ("commands", &["domain", "event-store", "passwords"]),
    ("commands-testkit", &["domain", "event-store", "commands", "testkit"]),
    ("words", &["domain"]),
    ("queries", &["domain", "sql", "event-store", "words"]),
    ("projections", &["domain", "sql", "event-store", "broker", "graph", "queries", "words", "traces"]),
    (
        "jobs",
        &["domain", "sql", "event-store", "broker", "graph", "blobs", "commands", "projections", "config", "traces"],
    ),
    ("config", &["domain", "private-files", "clock", "sql"]),
    ("audit", &["domain", "event-store"]),
    ("tokens", &["domain"]),
    (
        "realtime",
        &[
            "domain",
            "sql",
            "event-store",
            "broker",
            "graph",
            "commands",
            "projections",
            "config",
            "protocol",
            "engine-io",
            "traces",
        ],
    ),
    ("protocol", &["domain", "sql", "event-store", "broker", "commands", "projections"]),
    ("explorer", &[]),
    ("engine-io", &[]),
    ("limits", &["domain", "sql", "graph", "protocol"]),
    ("files", &["domain", "blobs", "commands", "projections", "config", "protocol", "limits"]),
    (
        "operations",
        &[
            "domain",
            "sql",
            "supervisor",
            "event-store",
            "broker",
            "graph",
            "commands",
            "projections",
            "config",
            "audit",
            "tokens",
            "protocol",
            "realtime",
            "limits",
        ],
    ),
    (
        "monitoring",
        &[
            "domain",
            "sql",
            "telemetry",
            "broker",
            "commands",
            "projections",
            "jobs",
            "config",
            "protocol",
            "operations",
        ],
    ),
    (
        "rest",
        &[
            "domain",
            "supervisor",
            "telemetry",
            "event-store",
            "broker",
            "graph",
            "commands",
            "projections",
            "jobs",
            "config",
            "audit",
            "tokens",
            "explorer",
            "protocol",
            "realtime",
            "limits",
            "files",
            "operations",
            "traces",
            "monitoring",
        ],
    ),
    (
        "sockets",
        &[
            "domain",
            "sql",
            "event-store",
            "broker",
            "commands",
            "projections",
            "config",
            "tokens",
            "engine-io",
            "protocol",
            "realtime",
            "limits",
            "operations",
            "traces",
        ],
    ),
    (
        "gateway",
        &[
            "domain",
            "private-files",
            "clock",
            "sql",
            "supervisor",
            "telemetry",
            "event-store",
            "broker",
            "graph",
            "blobs",
            "commands",
            "projections",
            "jobs",
            "config",
            "audit",
            "tokens",
            "protocol",
            "realtime",
            "limits",
            "files",
            "operations",
            "monitoring",
            "rest",
            "sockets",
        ],
    ),
    (
        "replay-tool",
        &["domain", "private-files", "clock", "sql", "event-store", "broker", "projections", "config", "audit"],
    ),
    ("loadgen", &["domain", "clock", "sql", "event-store", "projections", "audit", "tokens"]),
    ("bench-limits", &[]),
    ("cable", &[]),
    ("testkit", &["sql", "cable"]),
    ("xtask", &["cable"]),
];

const FOR_TESTS: &[&str] = &["testkit", "commands-testkit", "sql"];

/// The tests of these start a server.
const SERVED_IN_TESTS: [(&str, [&str; 2]); 2] =
    [("loadgen", ["gateway", "config"]), ("replay-tool", ["gateway", "config"])];

/// Crates that must not be reached, not even indirectly: I/O by the domain, HTTP by crates below the gateway, and what only
/// the server links of the tools beside it.
const OUT_OF_REACH: &[(&str, &[&str])] = &[
    ("domain", &["sqlx", "mio", "socket2", "hyper", "axum", "reqwest", "tracing-subscriber"]),
    ("event-store", &["axum", "hyper", "reqwest"]),
    ("broker", &["axum", "hyper", "reqwest"]),
    ("commands", &["axum", "hyper", "reqwest"]),
    ("words", &["sqlx", "mio", "hyper", "axum"]),
    ("queries", &["axum", "hyper", "reqwest", "lapin", "redis"]),
    ("projections", &["axum", "hyper", "reqwest"]),
    ("jobs", &["axum", "gateway"]),
    ("config", &["axum", "hyper", "commands", "projections", "event-store", "object_store"]),
    ("audit", &["axum", "hyper"]),
    ("tokens", &["axum", "hyper", "sqlx"]),
    ("replay-tool", &["axum", "hyper", "image", "ammonia", "utoipa-swagger-ui", "object_store"]),
    ("loadgen", &["axum", "image", "ammonia", "utoipa-swagger-ui", "object_store"]),
];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    path: Option<String>,
}

/// Fails, naming each arrow that runs another way.
pub(crate) async fn check(shell: &mut Shell) -> Result<()> {
    let metadata = shell.output(cargo().args(["metadata", "--format-version=1", "--no-deps", "--locked"])).await?;
    let mut faults = wrong_arrows(&serde_json::from_str(&metadata)?);
    for (name, forbidden) in OUT_OF_REACH {
        let tree = ["tree", "--locked", "--package", name, "--edges=normal,build", "--prefix=none", "--format={p}"];
        let tree = shell.output(cargo().args(tree)).await?;
        let reached = |wanted: &str| tree.lines().any(|line| line.split(' ').next() == Some(wanted));
        let reached = forbidden.iter().filter(|wanted| reached(wanted));
        faults.extend(reached.map(|wanted| format!("{name} reaches {wanted}")));
    }
    if faults.is_empty() {
        say("the crates depend on each other as ARCHITECTURE.md says");
        return Ok(());
    }
    bail!("the arrows of ARCHITECTURE.md do not hold:\n  {}", faults.join("\n  "))
}

fn wrong_arrows(metadata: &Metadata) -> Vec<String> {
    let mut faults = Vec::new();
    for Package { name, dependencies } in &metadata.packages {
        let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| known == name) else {
            faults.push(format!("{name} has no place among the arrows: give it one in xtask/src/arrows.rs"));
            continue;
        };
        for dependency in dependencies.iter().filter(|dependency| dependency.path.is_some()) {
            let to = dependency.name.as_str();
            let is_served = SERVED_IN_TESTS.iter().any(|(of, served)| name == of && served.contains(&to));
            let for_tests = dependency.kind.as_deref() == Some("dev") && (FOR_TESTS.contains(&to) || is_served);
            if !for_tests && !allowed.contains(&to) {
                faults.push(format!("{name} depends on {to}"));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::{Metadata, wrong_arrows};

    #[test]
    fn an_arrow_that_runs_another_way_is_named() {
        let metadata = r#"{"packages": [
            {"name": "domain", "dependencies": [
                {"name": "serde", "kind": null},
                {"name": "sql", "kind": null, "path": "/sql"},
                {"name": "testkit", "kind": "dev", "path": "/testkit"}]},
            {"name": "commands", "dependencies": [
                {"name": "domain", "kind": null, "path": "/domain"},
                {"name": "projections", "kind": "dev", "path": "/projections"}]},
            {"name": "new", "dependencies": []}]}"#;
        let metadata: Metadata = serde_json::from_str(metadata).unwrap();
        let faults = wrong_arrows(&metadata);
        assert_eq!(faults.len(), 3, "{faults:?}");
        assert_eq!(faults[0], "domain depends on sql");
        assert_eq!(faults[1], "commands depends on projections");
        assert!(faults[2].starts_with("new has no place"));
    }
}

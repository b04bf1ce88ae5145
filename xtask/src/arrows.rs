//! The dependency arrows of ARCHITECTURE.md, checked against what cargo resolves.

use crate::shell::{Shell, cargo, say};
use anyhow::{Result, bail};
use serde::Deserialize;

/// Each crate, and the crates of ours it may depend on. Tests may use [`FOR_TESTS`] besides.
const ALLOWED: [(&str, &[&str]); 14] = [
    ("domain", &[]),
    ("sql", &[]),
    ("event-store", &["domain", "sql"]),
    ("broker", &["domain", "event-store"]),
    ("graph", &["domain", "event-store"]),
    ("blobs", &[]),
    ("commands", &["domain", "sql", "event-store", "broker", "graph"]),
    ("projections", &["domain", "sql", "event-store", "broker", "graph"]),
    ("gateway", &["domain", "sql", "event-store", "broker", "graph", "blobs", "commands", "projections"]),
    (
        "replay-tool",
        &["domain", "sql", "event-store", "broker", "graph", "blobs", "commands", "projections", "gateway"],
    ),
    ("loadgen", &["domain", "sql", "event-store", "broker", "graph", "blobs", "commands", "projections", "gateway"]),
    ("cable", &[]),
    ("testkit", &["sql", "cable"]),
    ("xtask", &["cable"]),
];

const FOR_TESTS: [&str; 2] = ["testkit", "sql"];

/// Crates that stay out of reach, however indirectly: I/O of the domain, HTTP of everything below the gateway.
const OUT_OF_REACH: [(&str, &[&str]); 5] = [
    ("domain", &["sqlx", "mio", "socket2", "hyper", "axum", "reqwest", "tracing-subscriber"]),
    ("event-store", &["axum", "hyper", "reqwest"]),
    ("broker", &["axum", "hyper", "reqwest"]),
    ("commands", &["axum", "hyper", "reqwest"]),
    ("projections", &["axum", "hyper", "reqwest"]),
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
            let for_tests = dependency.kind.as_deref() == Some("dev") && FOR_TESTS.contains(&to);
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

//! The machine, the versions of the programs and the commit.

use crate::{engines, shell::Shell};
use anyhow::Result;
use serde_json::{Map, Value, json};
use std::{fs, num::NonZero, path::PathBuf, thread::available_parallelism};
use tokio::process::Command;

/// Debian's packages whose versions are noted, if they are installed.
const PACKAGES: [&str; 3] = ["rabbitmq-server", "redis-server", "ejabberd"];

/// Describes them; Postgres's is asked for if the engines take part.
pub(super) async fn describe(shell: &mut Shell, with_engines: bool) -> Result<Value> {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let mut versions = Map::new();
    let mut asked = vec![("rustc", PathBuf::from("rustc")), ("node", PathBuf::from("node"))];
    if with_engines {
        let [postgres, ..] = engines::programs(shell).await?;
        asked.push(("postgres", postgres.join("postgres")));
    }
    for (name, program) in asked {
        if let Ok(version) = shell.output(Command::new(program).arg("--version")).await {
            versions.insert(name.to_owned(), version.trim().into());
        }
    }
    for package in PACKAGES {
        let mut query = Command::new("dpkg-query");
        query.args(["--show", "--showformat=${Version}", package]);
        if shell.succeeds(&mut query).await {
            let mut query = Command::new("dpkg-query");
            let version = shell.output(query.args(["--show", "--showformat=${Version}", package])).await?;
            versions.insert(package.to_owned(), version.into());
        }
    }
    let commit = shell.output(Command::new("git").args(["rev-parse", "HEAD"])).await?;
    let changed = shell.output(Command::new("git").args(["status", "--porcelain", "--untracked-files=no"])).await?;
    let date = shell.output(Command::new("date").args(["-u", "+%FT%TZ"])).await?;
    Ok(json!({
        "date": date.trim(),
        "commit": commit.trim(),
        "changed": !changed.trim().is_empty(),
        "machine": {
            "processor": value(&cpu, "model name"),
            "cores": available_parallelism().map_or(1, NonZero::get),
            "memory": value(&memory, "MemTotal"),
            "kernel": fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim(),
        },
        "versions": versions,
    }))
}

/// The value of the first line `name : value`.
fn value<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(of, _)| of.trim() == name).map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn a_value_is_found_by_its_name() {
        let text = "processor\t: 0\nmodel name\t: A Processor: fast\nmodel name\t: Another\n";
        assert_eq!(value(text, "model name"), Some("A Processor: fast"));
        assert_eq!(value(text, "model"), None);
    }
}

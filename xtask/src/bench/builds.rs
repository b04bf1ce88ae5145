//! The builds that take turns: this tree, and perhaps another commit.

use crate::{
    programs::Programs,
    revision::{self, Revision},
    shell::{Shell, say},
};
use anyhow::Result;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// The folder of temporary files in memory.
const MEMORY: &str = "/dev/shm";

/// A server, and the load generator of the same commit: that one writes into the server's tables before it starts.
pub(super) struct Build {
    /// The addition to the names of its rows.
    suffix: String,
    pub(super) server: PathBuf,
    loadgen: PathBuf,
    /// `--json` of its load generator names a file. That of earlier commits prints.
    writes_files: bool,
}

impl Build {
    /// This tree.
    pub(super) async fn present(shell: &mut Shell, programs: &Programs) -> Result<Self> {
        let [server, loadgen] = [revision::SERVER, revision::LOADGEN].map(|(_, name)| programs.program(name));
        Self::new(shell, String::new(), server, loadgen).await
    }

    /// Another commit, which is built.
    pub(super) async fn of(shell: &mut Shell, revision: &str) -> Result<Self> {
        let parts = [revision::SERVER, revision::LOADGEN];
        let built = Revision::build(shell, revision, &parts).await?;
        let commit = built.commit.get(..9).unwrap_or(&built.commit);
        let same = ["diff", "--quiet", commit, "--", "loadgen"];
        if !shell.succeeds(Command::new("git").args(same)).await {
            say(format_args!("the load generator of {commit} is another: it may be the cause of a difference"));
        }
        let [server, loadgen] = parts.map(|(_, name)| built.program(name));
        Self::new(shell, format!(", {commit}"), server, loadgen).await
    }

    async fn new(shell: &mut Shell, suffix: String, server: PathBuf, loadgen: PathBuf) -> Result<Self> {
        let help = shell.output(Command::new(&loadgen).arg("--help")).await?;
        Ok(Self { suffix, server, loadgen, writes_files: takes_file(&help) })
    }

    /// The name of its row in a place.
    pub(super) fn row(&self, place: &str) -> String {
        format!("{place}{}", self.suffix)
    }

    /// A scenario of its load generator, and the file of its report, if it writes one.
    pub(super) fn loadgen(&self, scenario: &str, log: &Path, in_memory: bool) -> (Command, Option<PathBuf>) {
        let mut loadgen = Command::new(&self.loadgen);
        loadgen.arg(scenario);
        if in_memory && Path::new(MEMORY).is_dir() {
            loadgen.env("TMPDIR", MEMORY);
        }
        if !self.writes_files {
            loadgen.arg("--json");
            return (loadgen, None);
        }
        let file = log.with_extension("json");
        // That of an earlier turn.
        let _ = std::fs::remove_file(&file);
        loadgen.arg(format!("--json={}", file.display()));
        (loadgen, Some(file))
    }
}

/// Whether `--json` takes a value, by the program's own help.
fn takes_file(help: &str) -> bool {
    help.lines().any(|line| ["--json <", "--json [<"].iter().any(|form| line.trim_start().starts_with(form)))
}

#[cfg(test)]
mod tests {
    use super::takes_file;

    #[test]
    fn both_forms_of_the_option_are_known() {
        assert!(takes_file("Options:\n      --json <FILE>\n          Writes"));
        assert!(!takes_file("Options:\n      --json     Print one JSON document"));
    }
}

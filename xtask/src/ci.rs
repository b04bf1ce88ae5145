//! Everything a change must pass, cheapest first.

use crate::{
    arrows, circles, e2e, features, release,
    shell::{Shell, cargo, say},
    suite, words,
};
use anyhow::Result;
use std::time::{Duration, Instant};

/// Runs all checks; the first that fails ends it.
pub(crate) async fn run(shell: &mut Shell) -> Result<()> {
    let mut steps = Steps::default();
    steps.begin("format");
    shell.run(cargo().args(["fmt", "--all", "--check"])).await?;
    steps.begin("arrows");
    arrows::check(shell).await?;
    circles::check(shell).await?;
    steps.begin("words");
    words::check()?;
    steps.begin("features");
    features::check(shell).await?;
    steps.begin("deny");
    deny(shell).await?;
    steps.begin("clippy");
    let clippy = ["clippy", "--workspace", "--all-targets", "--locked", "--", "--deny=warnings"];
    shell.run(cargo().args(clippy)).await?;
    steps.begin("test");
    suite::test(shell, &["--locked".to_owned()]).await?;
    steps.begin("e2e");
    // With the programs of the tests: a release build takes minutes, and differs in optimisation alone.
    shell.run(cargo().args(["build", "--workspace", "--bins", "--locked"])).await?;
    let programs = release::target_directory(shell).await?.join("debug");
    // The deployment and the dashboard are checked by hand: `cargo xtask e2e ops dashboard`.
    let suites = e2e::ALL.into_iter().filter(|suite| !matches!(suite, e2e::Suite::Ops | e2e::Suite::Dashboard));
    let (possible, impossible): (Vec<_>, Vec<_>) = suites.partition(|suite| suite.missing().is_empty());
    for suite in impossible {
        say(format_args!("{} is not run here: it needs {}", suite.name(), suite.missing().join(", ")));
    }
    if !possible.is_empty() {
        e2e::run(shell, &possible, Some(&programs)).await?;
    }
    steps.end();
    Ok(())
}

/// Checks licences, sources and bans; advisories only if they can be fetched.
async fn deny(shell: &mut Shell) -> Result<()> {
    if !shell.succeeds(cargo().args(["deny", "--version"])).await {
        say("cargo-deny is not installed: deny.toml is not checked here");
        return Ok(());
    }
    shell.run(cargo().args(["deny", "--locked", "check", "bans", "licenses", "sources"])).await?;
    if shell.succeeds(cargo().args(["deny", "--locked", "fetch", "db"])).await {
        return shell.run(cargo().args(["deny", "--locked", "check", "advisories"])).await;
    }
    say("the advisory database cannot be fetched here: advisories are not checked");
    Ok(())
}

/// Names each step, and prints the duration of each at the end.
#[derive(Default)]
struct Steps {
    done: Vec<(&'static str, Duration)>,
    current: Option<(&'static str, Instant)>,
}

impl Steps {
    fn begin(&mut self, name: &'static str) {
        self.finish();
        say(format_args!("==> {name}"));
        self.current = Some((name, Instant::now()));
    }

    fn finish(&mut self) {
        if let Some((name, since)) = self.current.take() {
            self.done.push((name, since.elapsed()));
        }
    }

    fn end(mut self) {
        self.finish();
        for (name, took) in &self.done {
            say(format_args!("{name:<8} ok  {:>6.1} s", took.as_secs_f64()));
        }
        let total: Duration = self.done.iter().map(|(_, took)| *took).sum();
        say(format_args!("all passed in {:.1} minutes", total.as_secs_f64() / 60.0));
    }
}

//! A load generator as it runs: its report, and the processor time and memory of the processes around it meanwhile.

use super::processes::{self, Cost, Part, Usage};
use crate::shell::{self, Shell};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, Command},
    time::{Instant, interval, sleep_until, timeout},
};

/// The word on standard error with which the measured time begins.
const MEASURING: &str = "measuring";
/// The interval between looks at the processes before that.
const LOOK: Duration = Duration::from_secs(1);
/// The time in which an interrupted load generator ends the processes that it started.
const GRACE: Duration = Duration::from_secs(60);

/// A load generator that has run.
pub(super) struct Watched {
    pub(super) report: Value,
    /// Whether it found nothing lost or doubled.
    pub(super) is_clean: bool,
    pub(super) costs: Vec<Cost>,
    /// The time in which the costs arose.
    pub(super) seconds: f64,
    /// It is the measured time, not that from the beginning to the end of the program.
    pub(super) is_window: bool,
}

/// The use of all parts until a moment.
struct Look {
    at: Instant,
    usage: Vec<Usage>,
}

impl Look {
    fn now(parts: &[Part]) -> Self {
        // The usage first: the time that looking takes is not part of the window.
        let usage = processes::usage(parts);
        Self { at: Instant::now(), usage }
    }
}

/// Runs a load generator that measures for so long. Its report is in `file`, else on its standard output; its standard error
/// is appended to `log`. `parts` are the processes that take part, given the id of the load generator.
pub(super) async fn watch(
    shell: &mut Shell,
    command: &mut Command,
    parts: impl FnOnce(u32) -> Vec<Part>,
    measure: Duration,
    (file, log): (Option<&Path>, &Path),
) -> Result<Watched> {
    let shown = shell::show(command);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut said = File::options().create(true).append(true).open(log)?;
    writeln!(said, "$ {shown}")?;
    let mut child = command.spawn().with_context(|| format!("cannot run {shown}"))?;
    let parts = parts(child.id().context("a load generator without a process")?);
    let following = follow(&mut child, &parts, measure, said);
    let Some(followed) = shell.unless_interrupted(following).await else {
        interrupt(&mut child).await;
        bail!("interrupted")
    };
    let (printed, looks, is_window) = followed?;
    let status = child.wait().await?;
    let text = match file {
        Some(file) => fs::read_to_string(file).unwrap_or_default(),
        None => printed,
    };
    let report = serde_json::from_str::<Value>(&text);
    let report = report.with_context(|| format!("no report, {status}: see {}", log.display()))?;
    let [before, after] = looks;
    let costs = processes::costs(&parts, &before.usage, &after.usage);
    let is_clean = status.success() && report.get("clean").and_then(Value::as_bool).unwrap_or(true);
    let seconds = (after.at - before.at).as_secs_f64();
    Ok(Watched { report, is_clean, costs, seconds, is_window })
}

/// Reads its output to the end, and looks at the beginning and at the end of the measured time. Without such a time:
/// when it begins, and before it ends. Returns its standard output, both looks, and whether there was a measured time.
async fn follow(
    child: &mut Child,
    parts: &[Part],
    measure: Duration,
    mut log: File,
) -> Result<(String, [Look; 2], bool)> {
    let mut output = child.stdout.take().context("no standard output")?;
    let mut lines = BufReader::new(child.stderr.take().context("no standard error")?).lines();
    let printed = async {
        let mut text = String::new();
        output.read_to_string(&mut text).await?;
        anyhow::Ok(text)
    };
    let looked = async {
        let (mut first, mut last) = (Look::now(parts), Look::now(parts));
        let (mut is_measuring, mut is_measured) = (false, false);
        let mut ticks = interval(LOOK);
        loop {
            let end = first.at + measure;
            tokio::select! {
                () = sleep_until(end), if is_measuring && !is_measured => {
                    last = Look::now(parts);
                    is_measured = true;
                }
                line = lines.next_line() => {
                    let Some(line) = line? else { break };
                    writeln!(log, "{line}")?;
                    if !is_measuring && line.contains(MEASURING) {
                        first = Look::now(parts);
                        is_measuring = true;
                    }
                }
                _ = ticks.tick(), if !is_measuring => last = Look::now(parts),
            }
        }
        if is_measuring && !is_measured {
            bail!("it ended before the measured time did");
        }
        anyhow::Ok(([first, last], is_measured))
    };
    let (printed, looked) = tokio::join!(printed, looked);
    let (looks, is_window) = looked?;
    Ok((printed?, looks, is_window))
}

/// Lets it end as after Ctrl-C, which a terminal sends to it as well.
async fn interrupt(child: &mut Child) {
    if let Some(id) = child.id() {
        let asked = Command::new("sh").args(["-c", &format!("kill -INT {id}")]).stderr(Stdio::null()).status().await;
        if asked.is_ok() {
            // After the grace it is killed when it is dropped.
            let _ = timeout(GRACE, child.wait()).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::watch;
    use crate::{bench::processes::Root, shell::Shell};
    use std::{path::Path, time::Duration};
    use tokio::process::Command;

    async fn run(script: &str, measure: Duration, log: &Path) -> anyhow::Result<super::Watched> {
        let mut shell = Shell::new().unwrap();
        let parts = |id| vec![("client", Root::Alone(id))];
        watch(&mut shell, Command::new("sh").args(["-c", script]), parts, measure, (None, log)).await
    }

    #[tokio::test]
    async fn the_window_is_the_measured_time() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let script = "echo seeding >&2; echo measuring >&2; sleep 5; echo '{\"clean\": false, \"rate\": 1}'; exit 1";
        let watched = run(script, Duration::from_millis(100), log.path()).await.unwrap();
        assert!(watched.is_window && !watched.is_clean && watched.report["rate"] == 1);
        assert!((0.1..5.0).contains(&watched.seconds), "{}", watched.seconds);
        assert!(std::fs::read_to_string(log.path()).unwrap().contains("seeding\nmeasuring\n"));
    }

    #[tokio::test]
    async fn without_a_measured_time_the_window_is_all_of_it() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let watched = run("echo '{}'", Duration::from_secs(60), log.path()).await.unwrap();
        assert!(!watched.is_window && watched.is_clean && watched.costs.len() == 1);
        assert!(run("echo nonsense; exit 2", Duration::from_secs(1), log.path()).await.is_err());
    }
}

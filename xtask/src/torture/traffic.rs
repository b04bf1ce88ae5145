//! The load generator, which obeys orders.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::{fs::File, path::Path, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

/// The longest that an order may take: to read everything back and to verify it.
const ORDER: Duration = Duration::from_secs(15 * 60);

/// A running load generator. Dropping it ends it, and the server's processes with it.
pub(super) struct Traffic {
    child: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    processes: Vec<String>,
}

/// Delays, in seconds from the mark; `None` while there is one.
pub(super) struct Recovery {
    pub(super) commands: Option<f64>,
    pub(super) deliveries: Option<f64>,
    pub(super) reads: Option<f64>,
    pub(super) longest_read_elsewhere: Option<f64>,
}

/// A file opened for appending.
pub(super) fn append(path: &Path) -> Result<File> {
    File::options().append(true).create(true).open(path).with_context(|| format!("cannot write {}", path.display()))
}

impl Traffic {
    /// Starts it, and waits until it posts. It and the server write to `log`.
    pub(super) async fn begin(mut loadgen: Command, log: &Path) -> Result<Self> {
        loadgen.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(append(log)?).kill_on_drop(true);
        // Ctrl-C must reach xtask alone, which ends it.
        let mut child = loadgen.process_group(0).spawn().context("cannot run chatchit-loadgen")?;
        let orders = child.stdin.take().context("the load generator has no standard input")?;
        let answers = BufReader::new(child.stdout.take().context("the load generator has no standard output")?).lines();
        let mut traffic = Self { child, orders, answers, processes: Vec::new() };
        let begun = traffic.answer().await?;
        let processes = begun["processes"].as_array().into_iter().flatten();
        traffic.processes = processes.filter_map(|name| name.as_str().map(str::to_owned)).collect();
        Ok(traffic)
    }

    /// The names of the processes of a role, or of all.
    pub(super) fn processes(&self, role: &str) -> Vec<String> {
        self.processes.iter().filter(|name| name.starts_with(role)).cloned().collect()
    }

    /// Times count from now.
    pub(super) async fn mark(&mut self) -> Result<()> {
        self.order(json!("mark")).await.map(drop)
    }

    /// Stops a process (SIGSTOP), inside a transaction if possible. Returns whether it is. Times count from then.
    pub(super) async fn stop(&mut self, process: &str, in_transaction: bool) -> Result<bool> {
        let stop = json!({"stop": {"process": process, "inTransaction": in_transaction}});
        Ok(self.order(stop).await?["inTransaction"] == true)
    }

    /// Lets it go on (SIGCONT).
    pub(super) async fn go_on(&mut self, process: &str) -> Result<()> {
        self.order(json!({"goOn": {"process": process}})).await.map(drop)
    }

    /// Kills it (SIGKILL). Times count from then.
    pub(super) async fn kill(&mut self, process: &str) -> Result<()> {
        self.order(json!({"kill": {"process": process}})).await.map(drop)
    }

    /// Starts it again, and waits until it is ready.
    pub(super) async fn start(&mut self, process: &str) -> Result<()> {
        self.order(json!({"start": {"process": process}})).await.map(drop)
    }

    /// Does the same with another program, which it keeps.
    pub(super) async fn start_with(&mut self, process: &str, program: &Path) -> Result<()> {
        self.order(json!({"start": {"process": process, "program": program}})).await.map(drop)
    }

    /// Asks it to end (SIGTERM): after how many seconds it did; none when it had to be killed.
    pub(super) async fn terminate(&mut self, process: &str, within: f64) -> Result<Option<f64>> {
        Ok(self.order(json!({"terminate": {"process": process, "within": within}})).await?["seconds"].as_f64())
    }

    /// The process that holds a duty.
    pub(super) async fn holder(&mut self, duty: &str) -> Result<Option<String>> {
        Ok(self.order(json!({"holder": {"duty": duty}})).await?.as_str().map(str::to_owned))
    }

    /// Waits until nothing is delayed. Reads of the rooms that process `of` held count apart.
    pub(super) async fn recovered(&mut self, within: f64, of: Option<&str>) -> Result<Recovery> {
        let answer = self.order(json!({"recovered": {"within": within, "of": of}})).await?;
        let seconds = |name: &str| answer[name].as_f64();
        Ok(Recovery {
            commands: seconds("commands"),
            deliveries: seconds("deliveries"),
            reads: seconds("reads"),
            longest_read_elsewhere: seconds("longestReadElsewhere"),
        })
    }

    /// The number of connected people who are shown as offline.
    pub(super) async fn absent(&mut self) -> Result<u64> {
        self.order(json!("absent")).await?.as_u64().context("not a number of people")
    }

    /// Ends the traffic, and returns the findings of the oracle and the replay tool.
    pub(super) async fn finish(&mut self) -> Result<Value> {
        self.order(json!("finish")).await
    }

    /// Ends it and everything it started.
    pub(super) async fn end(self) -> Result<()> {
        let Self { mut child, orders, .. } = self;
        // Without orders it ends by itself.
        drop(orders);
        if timeout(Duration::from_secs(60), child.wait()).await.is_err() {
            child.kill().await?;
        }
        Ok(())
    }

    async fn order(&mut self, order: Value) -> Result<Value> {
        self.orders.write_all(format!("{order}\n").as_bytes()).await.context("the load generator has ended")?;
        self.answer().await.with_context(|| format!("{order}"))
    }

    async fn answer(&mut self) -> Result<Value> {
        let line = timeout(ORDER, self.answers.next_line()).await.context("the load generator does not answer")??;
        let Some(line) = line else {
            let status = timeout(Duration::from_secs(60), self.child.wait()).await.context("it is mute")??;
            bail!("the load generator ended: {status}");
        };
        let mut answer: Value = serde_json::from_str(&line).with_context(|| format!("not an answer: {line}"))?;
        match answer["error"].as_str() {
            Some(error) => bail!("{error}"),
            None => Ok(answer["ok"].take()),
        }
    }
}

//! Limits that `chatchit-limits` measures: bench/limits.

use super::super::{
    figures::{self, find, measurement, number},
    options::Bench,
    place::around,
    processes::{CLIENT, Part, Root},
    report::Measurement,
    stage::Stage,
    watch::watch,
};
use super::{append, copy};
use crate::shell::Shell;
use anyhow::Result;
use serde_json::Value;
use std::{path::Path, time::Duration};
use tokio::process::Command;

/// The row of the fan-out.
pub(in crate::bench) const FAN_OUT: &str = "bare fan-out";
/// The row of stock cqrs-es.
pub(in crate::bench) const CQRS_ES: &str = "cqrs-es";

/// The work of `rooms` without any storage: it starts its server itself, as chatchit-loadgen does.
pub(super) async fn fan_out(shell: &mut Shell, bench: &Bench, program: &Path, log: &Path) -> Result<Vec<Measurement>> {
    let mut measured = Vec::new();
    for load in bench.loads().unwrap_or_default() {
        let mut command = Command::new(program);
        command.arg("fan-out").args(bench.duration()).args(load.arguments());
        let parts = |id| around(id, Vec::new());
        let watched = watch(shell, &mut command, parts, bench.measured(), (None, log)).await?;
        measured.extend(figures::rooms(&load.to_string(), FAN_OUT, &watched));
    }
    Ok(measured)
}

/// Messages through RabbitMQ, confirmed and consumed.
pub(super) async fn rabbitmq(
    shell: &mut Shell,
    bench: &Bench,
    program: &Path,
    stage: &Stage,
    log: &Path,
) -> Result<Vec<Measurement>> {
    let mut measured = Vec::new();
    for load in bench.loads().unwrap_or_default() {
        let mut command = Command::new(program);
        command.args(["rabbitmq", "--url", stage.rabbitmq_url()]).args(bench.duration()).args(load.arguments());
        let parts = |id: u32| -> Vec<Part> {
            let engine = stage.parts().into_iter().filter(|(name, _)| *name == "rabbitmq");
            engine.chain([(CLIENT, Root::Alone(id))]).collect()
        };
        let watched = watch(shell, &mut command, parts, bench.measured(), (None, log)).await?;
        measured.extend(figures::scenario("RabbitMQ alone", &load.to_string(), &watched));
    }
    Ok(measured)
}

/// Append and replay of stock cqrs-es, as rows beside our own.
pub(super) async fn cqrs_es(shell: &mut Shell, program: &Path, stage: &Stage, log: &Path) -> Result<Vec<Measurement>> {
    let database = stage.database(shell, "bench_cqrs_es").await?;
    let mut command = Command::new(program);
    command.args(["cqrs-es", "--database-url", &database.url]);
    let nothing = |_: u32| Vec::new();
    let watched = watch(shell, &mut command, nothing, Duration::ZERO, (None, log)).await?;
    let turns = find(&watched.report, "turns").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut measured: Vec<_> = turns.iter().map(|turn| append::row(turn, "Postgres", CQRS_ES)).collect();
    if let Some(replay) = find(&watched.report, "replay") {
        let figures = [("events/s", "eventsPerSecond"), ("seconds", "seconds")];
        let figures = figures.into_iter().filter_map(|(name, of)| Some((name.to_owned(), number(replay, of)?)));
        measured.push(measurement(copy::TABLE.to_owned(), CQRS_ES, figures.collect()));
    }
    Ok(measured)
}

//! Failures of the server's processes.

use super::{
    act::{Act, ENGINE, PARTITIONS, UNCONCERNED},
    dice::Dice,
    report::Line,
    stage::Which,
};
use anyhow::{Context, Result};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How far apart clocks are, in milliseconds.
const APART: [i64; 4] = [60_000, -60_000, 300_000, -300_000];
/// The bound of the end after SIGTERM, whatever an engine does (seconds).
const ENDS: f64 = 22.0;
/// The time limit until people are shown as online, and the time of watching them then.
const SOON: Duration = Duration::from_secs(30);
const WATCHED: Duration = Duration::from_secs(75);

/// A worker is stopped inside a transaction: its partitions move, and others are not delayed. Later it goes on.
pub(super) async fn worker_stopped(act: &mut Act<'_>) -> Result<()> {
    for worker in act.dice.shuffled(act.traffic.processes("worker")).into_iter().take(2) {
        stop_worker(act, &worker).await?;
    }
    Ok(())
}

/// The same, of the worker that keeps the audit index.
pub(super) async fn audit_stopped(act: &mut Act<'_>) -> Result<()> {
    act.calm().await;
    let holder = act.traffic.holder("audit").await?.context("no worker has the duty `audit`")?;
    stop_worker(act, &holder).await
}

async fn stop_worker(act: &mut Act<'_>, worker: &str) -> Result<()> {
    act.calm().await;
    let how = if act.traffic.stop(worker, true).await? { "inside a transaction" } else { "between transactions" };
    let phase = format!("{worker} is stopped {how}");
    act.recovers(&phase, [UNCONCERNED, UNCONCERNED, PARTITIONS], Some(worker)).await?;
    act.lasts(1, 10).await;
    act.traffic.go_on(worker).await?;
    act.works_again(&format!("{worker} goes on"), PARTITIONS).await
}

/// A gateway is stopped: its clients reconnect to another. Later it goes on.
pub(super) async fn gateway_stopped(act: &mut Act<'_>) -> Result<()> {
    for gateway in act.dice.shuffled(act.traffic.processes("gateway")) {
        stop_gateway(act, &gateway).await?;
    }
    Ok(())
}

async fn stop_gateway(act: &mut Act<'_>, gateway: &str) -> Result<()> {
    act.calm().await;
    act.traffic.stop(gateway, false).await?;
    act.recovers(&format!("{gateway} is stopped"), [ENGINE; 3], None).await?;
    act.lasts(1, 10).await;
    act.traffic.go_on(gateway).await?;
    act.works_again(&format!("{gateway} goes on"), ENGINE).await
}

/// Each process in turn.
pub(super) async fn each_stopped(act: &mut Act<'_>) -> Result<()> {
    for process in act.dice.shuffled(act.traffic.processes("")) {
        match process.starts_with("gateway") {
            true => stop_gateway(act, &process).await?,
            false => stop_worker(act, &process).await?,
        }
    }
    Ok(())
}

/// A gateway and a worker get SIGTERM while Postgres is silent, and again while it is frozen.
pub(super) async fn ends_anyway(act: &mut Act<'_>) -> Result<()> {
    let gateways = act.dice.shuffled(act.traffic.processes("gateway"));
    let workers = act.dice.shuffled(act.traffic.processes("worker"));
    let mut rounds = vec!["silent", "frozen"];
    rounds = act.dice.shuffled(rounds);
    for (how, victims) in rounds.into_iter().zip(gateways.into_iter().zip(workers)) {
        act.calm().await;
        match how {
            "silent" => act.stage.engine(Which::Postgres).cable.hang(),
            _ => act.stage.engine(Which::Postgres).engine.freeze(),
        }
        act.lasts(0, 5).await;
        let victims = [victims.0, victims.1];
        for process in &victims {
            let ended = act.traffic.terminate(process, ENDS + 30.0).await?;
            act.note(Line::seconds(&format!("{process} gets SIGTERM, Postgres is {how}"), "ended", ended, ENDS));
        }
        match how {
            "silent" => act.stage.engine(Which::Postgres).cable.mend(),
            _ => act.stage.engine(Which::Postgres).engine.thaw(),
        }
        act.works_again(&format!("Postgres is no more {how}"), ENGINE).await?;
        for process in &victims {
            act.traffic.start(process).await?;
        }
        act.works_again("they are started again", ENGINE).await?;
    }
    Ok(())
}

/// Sets the clocks of processes apart.
pub(super) fn clocks(dice: &mut Dice, (gateways, workers): (usize, usize)) -> Vec<String> {
    let names = (1..=gateways).map(|n| format!("gateway-{n}")).chain((1..=workers).map(|n| format!("worker-{n}")));
    names.zip(dice.shuffled(APART)).map(|(name, ahead)| format!("{name}={ahead}")).collect()
}

/// With clocks apart, connected people stay online for everybody, for longer than any lease.
pub(super) async fn clocks_apart(act: &mut Act<'_>) -> Result<()> {
    act.works_again("clocks are apart", ENGINE).await?;
    let begun = Instant::now();
    while act.traffic.absent().await? > 0 && begun.elapsed() < SOON {
        sleep(Duration::from_secs(1)).await;
    }
    let (watched, mut most) = (Instant::now(), 0);
    while watched.elapsed() < WATCHED {
        most = most.max(act.traffic.absent().await?);
        sleep(Duration::from_secs(3)).await;
    }
    act.note(Line::none_of("clocks are apart", "connected people shown as offline", most as f64));
    act.works_again("clocks were apart", ENGINE).await
}

//! `chatchit-limits`: a fan-out over WebSocket, RabbitMQ and stock cqrs-es on a machine, without ChatChit.
//!
//! `cargo xtask bench` runs it. Each prints one JSON document with the fields of `chatchit-loadgen rooms --json`.

mod board;
mod cqrs_es;
mod fan_out;
mod pace;
mod quantiles;
mod rabbitmq;

use anyhow::Result;
use clap::{Parser, Subcommand};
use serde_json::Value;
use tokio::{runtime::Builder, task::LocalSet};

/// Measures the bounds that engines and machine set.
#[derive(Parser)]
#[command(name = "chatchit-limits", version)]
struct Arguments {
    #[command(subcommand)]
    limit: Limit,
}

#[derive(Subcommand)]
enum Limit {
    /// Messages to the members of rooms by WebSocket. Starts its server as a process of its own.
    FanOut(fan_out::FanOut),
    /// The server of `fan-out`.
    FanOutServer(fan_out::Server),
    /// Messages through a queue of RabbitMQ, confirmed and consumed.
    Rabbitmq(rabbitmq::Rabbitmq),
    /// Append and replay of stock cqrs-es and postgres-es.
    CqrsEs(cqrs_es::CqrsEs),
}

/// One thread: the client shares the machine with the server.
#[expect(clippy::print_stdout, reason = "the output is the result")]
fn main() -> Result<()> {
    let Arguments { limit } = Arguments::parse();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(LocalSet::new().run_until(measure(limit)))?;
    println!("{report:#}");
    Ok(())
}

async fn measure(limit: Limit) -> Result<Value> {
    match limit {
        Limit::FanOut(fan_out) => fan_out.measure().await,
        Limit::FanOutServer(server) => match server.serve().await? {},
        Limit::Rabbitmq(rabbitmq) => rabbitmq.measure().await,
        Limit::CqrsEs(cqrs_es) => cqrs_es.measure().await,
    }
}

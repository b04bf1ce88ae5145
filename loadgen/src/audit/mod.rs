//! Questions to the audit log, over a log of a million events: how long the first page of each takes.
//!
//! The events are written into the table at once, not appended: what is measured reads them, and how they came there is
//! none of its business. The index is filled as the server fills it.

mod fill;
mod questions;

use crate::{append::clock, server::TemporaryDatabase, stats::Quantiles};
use anyhow::{Result, anyhow};
use clap::Args;
use event_store::{EventStore, Keys, Settings as LogSettings};
use fill::Filled;
use gateway::resource::AuditEvent;
use projections::audit::{AuditFilter, AuditIndex, Order};
use questions::{QUESTIONS, Question, Random};
use serde::Serialize;
use sql::{Database, Durability, Location};
use std::{
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

/// The longest that 99 of a hundred first pages may take, in milliseconds.
const TARGET: f64 = 50.0;
/// Events of a page.
const PAGE: usize = 50;

/// How many events, and where.
#[derive(Args, Clone, Debug)]
pub(crate) struct Settings {
    /// A Postgres server; a database is made on it for the run. Without: SQLite.
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// Events in the log.
    #[arg(long, default_value_t = 1_000_000)]
    events: u64,
    /// First pages of each question.
    #[arg(long, default_value_t = 300)]
    requests: usize,
    /// Print how the engine reads each.
    #[arg(long)]
    plans: bool,
}

/// What was measured.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    engine: &'static str,
    events: u64,
    /// Events a second into the index.
    indexed_per_second: f64,
    questions: Vec<Measured>,
}

/// What one question took.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Measured {
    question: &'static str,
    /// Milliseconds.
    first_page: Quantiles,
    /// Events of the pages, in the mean.
    events: f64,
    plan: Vec<String>,
}

/// Measures and prints; whether each question was answered in time.
pub(crate) async fn run(settings: Settings, json: bool) -> Result<bool> {
    let folder = tempfile::Builder::new().prefix("chatchit-audit-").tempdir()?;
    let database = match &settings.database_url {
        Some(url) => Some(TemporaryDatabase::create(url).await?),
        None => None,
    };
    let report = tokio::select! {
        report = measure(&settings, folder.path(), database.as_ref()) => report,
        _ = tokio::signal::ctrl_c() => Err(anyhow!("interrupted")),
    };
    if let Some(database) = database {
        database.destroy().await?;
    }
    let report = report?;
    print(&report, json)?;
    Ok(report.questions.iter().all(|measured| measured.first_page.p99 < TARGET))
}

async fn measure(settings: &Settings, folder: &Path, database: Option<&TemporaryDatabase>) -> Result<Report> {
    let place = |name: &str, durability| match database {
        Some(database) => Location::Postgres { url: database.url().to_owned(), schema: name.to_owned() },
        None => Location::Sqlite { path: folder.join(format!("{name}.db")), durability },
    };
    let log = place("log", Durability::Full);
    let keys = Keys { master: [7; 32] };
    let opened = LogSettings { location: log.clone(), connections: 4, partitions: 16, keys, clock };
    let (store, _committed) = EventStore::open(opened).await?;
    let read_models = Database::connect(&place("read", Durability::Normal), 4).await?;
    read_models.migrate(projections::migrator(read_models.engine())).await?;

    eprintln!("writing {} events", settings.events);
    let filled = fill::log(&log, settings.events).await?;
    eprintln!("filling the index");
    let index = AuditIndex::new(read_models.clone());
    let begun = Instant::now();
    fill::index(&index, &store).await?;
    let indexed_per_second = settings.events as f64 / begun.elapsed().as_secs_f64();
    fill::settle(&read_models).await?;

    let mut random = Random::new(2);
    let mut questions = Vec::new();
    for question in &QUESTIONS {
        questions.push(ask(settings, question, &index, &store, &filled, &mut random).await?);
    }
    read_models.close().await;
    let engine = if settings.database_url.is_some() { "Postgres" } else { "SQLite" };
    Ok(Report { engine, events: settings.events, indexed_per_second, questions })
}

async fn ask(
    settings: &Settings,
    question: &Question,
    index: &AuditIndex,
    store: &EventStore,
    filled: &Filled,
    random: &mut Random,
) -> Result<Measured> {
    let (mut times, mut events) = (Vec::new(), 0);
    for _ in 0..settings.requests {
        let filter = (question.filter)(filled, random);
        let since = Instant::now();
        events += first_page(index, store, &filter).await?;
        times.push(since.elapsed());
    }
    let plan = match settings.plans {
        true => index.explain(&(question.filter)(filled, random), PAGE).await?,
        false => Vec::new(),
    };
    let events = events as f64 / settings.requests.max(1) as f64;
    eprintln!("{}: {:.2} ms in the mean", question.name, mean(&times));
    Ok(Measured { question: question.name, first_page: Quantiles::of(times), events, plan })
}

/// As the server answers one: found in the index, read from the log, opened, written as JSON.
async fn first_page(index: &AuditIndex, store: &EventStore, filter: &AuditFilter) -> Result<usize> {
    let found = index.search(filter, Order::Newest, None, PAGE).await?;
    let mut page = Vec::with_capacity(found.positions.len());
    for event in store.read_many(&found.positions).await? {
        page.push(AuditEvent::opened(store, &event).await?);
    }
    serde_json::to_vec(&page)?;
    Ok(page.len())
}

fn mean(times: &[Duration]) -> f64 {
    times.iter().sum::<Duration>().as_secs_f64() * 1e3 / times.len().max(1) as f64
}

fn print(report: &Report, json: bool) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, report)?;
        return Ok(writeln!(out)?);
    }
    let Report { engine, events, indexed_per_second, questions } = report;
    writeln!(out, "audit, {engine}, {events} events, {indexed_per_second:.0} events/s into the index")?;
    writeln!(out, "{:<44}  first page p50 / p99 / max ms  events", "question")?;
    for Measured { question, first_page: Quantiles { p50, p99, max, .. }, events, plan } in questions {
        let late = if *p99 < TARGET { "" } else { "  too slow" };
        writeln!(out, "{question:<44}  {p50:>8.2} / {p99:>7.2} / {max:>7.2}  {events:>6.1}{late}")?;
        for line in plan {
            writeln!(out, "      {line}")?;
        }
    }
    Ok(())
}

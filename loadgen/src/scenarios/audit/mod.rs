//! Searches of the audit log, over a log of a million events: the time of the first page of each.
//!
//! The events are written into the table in bulk, not appended, because only reads are measured. The index is filled as the
//! server fills it.

mod fill;
mod questions;

use crate::{
    random::Random,
    report::Report,
    scenario::{Databases, Scenario},
    stats::Quantiles,
};
use anyhow::Result;
use audit::AuditEvent;
use clap::Args;
use event_store::{EventStore, Keys, Settings as LogSettings};
use fill::Filled;
use projections::audit::{AuditFilter, AuditIndex, Order};
use questions::{QUESTIONS, Question};
use serde::Serialize;
use sql::{Database, Durability};
use std::time::Instant;
use tokio::runtime::Builder;

/// The bound of the p99 of a first page (milliseconds).
const TARGET: f64 = 50.0;
/// Events of a page.
const PAGE: usize = 50;

/// Searches of the audit log, over a million events.
#[derive(Args, Clone, Debug)]
pub(crate) struct Audit {
    /// A Postgres server; a database is made on it for the run. Without: SQLite.
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// Events in the log.
    #[arg(long, default_value_t = 1_000_000)]
    events: u64,
    /// First pages of each search.
    #[arg(long, default_value_t = 300)]
    requests: usize,
    /// Print the engine's plan of each.
    #[arg(long)]
    plans: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Figures {
    engine: &'static str,
    events: u64,
    /// Events a second into the index.
    indexed_per_second: f64,
    questions: Vec<Measured>,
}

/// The first pages of one search.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Measured {
    question: &'static str,
    /// Milliseconds.
    first_page: Quantiles,
    /// Mean number of events of a page.
    events: f64,
    plan: Vec<String>,
}

impl Scenario for Audit {
    type Place = Databases;

    fn runtime() -> Builder {
        Builder::new_multi_thread()
    }

    async fn set_up(&self) -> Result<Databases> {
        Databases::create(self.database_url.as_deref()).await
    }

    async fn run(&self, place: &Databases) -> Result<Report> {
        let log = place.location("log", Durability::Full);
        let keys = Keys { master: [7; 32] };
        let opened = LogSettings { location: log.clone(), connections: 4, partitions: 16, keys, clock: clock::now };
        let (store, _committed) = EventStore::open(opened).await?;
        let read_models = Database::connect(&place.location("read", Durability::Normal), 4).await?;
        read_models.migrate(projections::migrator(read_models.engine())).await?;

        eprintln!("writing {} events", self.events);
        let filled = fill::log(&log, self.events).await?;
        eprintln!("filling the index");
        let index = AuditIndex::new(read_models.clone());
        let begun = Instant::now();
        fill::index(&index, &store).await?;
        let indexed_per_second = self.events as f64 / begun.elapsed().as_secs_f64();
        fill::settle(&read_models).await?;

        let mut random = Random::new(2);
        let mut questions = Vec::new();
        for question in &QUESTIONS {
            questions.push(ask(self, question, &index, &store, &filled, &mut random).await?);
        }
        read_models.close().await;
        Figures { engine: place.engine(), events: self.events, indexed_per_second, questions }.report()
    }
}

impl Figures {
    fn report(&self) -> Result<Report> {
        let Self { engine, events, indexed_per_second, questions } = self;
        let title = format!("audit, {engine}, {events} events, {indexed_per_second:.0} events/s into the index");
        let mut report = Report::new(title, self)?;
        report.latencies(questions.iter().map(|measured| (measured.question, measured.first_page)));
        for Measured { question, first_page, events, plan } in questions {
            report.check(format_args!("{question}: {events:.1} events a page"), first_page.p99 < TARGET);
            plan.iter().for_each(|line| report.line(format_args!("      {line}")));
        }
        Ok(report)
    }
}

async fn ask(
    settings: &Audit,
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
    let first_page = Quantiles::of(times);
    eprintln!("{}: {:.2} ms (p50)", question.name, first_page.p50);
    Ok(Measured { question: question.name, first_page, events, plan })
}

/// Answers as the server does: searches the index, reads and opens the events, and writes JSON.
async fn first_page(index: &AuditIndex, store: &EventStore, filter: &AuditFilter) -> Result<usize> {
    let found = index.search(filter, Order::Newest, None, PAGE).await?;
    let mut page = Vec::with_capacity(found.positions.len());
    for event in store.read_many(&found.positions).await? {
        page.push(AuditEvent::opened(store, &event).await?);
    }
    serde_json::to_vec(&page)?;
    Ok(page.len())
}

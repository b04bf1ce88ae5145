//! A scenario: settings of the command line, an empty place that is set up for them, and a report of what was measured.
//!
//! A new scenario is a file in `scenarios/` and its line in [`Scenarios`](crate::scenarios::Scenarios).

use crate::{
    report::{Format, Report},
    server::{Server, TemporaryDatabase},
};
use anyhow::{Result, anyhow};
use clap::Args;
use sql::{Durability, Location};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tokio::{runtime::Builder, task::LocalSet};

/// One load and its judgement. The implementing type is the settings.
pub(crate) trait Scenario: Args {
    /// What is loaded: a server, or databases without one.
    type Place: Place;

    /// Checks the settings, and sets up an empty place.
    async fn set_up(&self) -> Result<Self::Place>;

    /// Loads the place, and measures and judges what came of it.
    async fn run(&self, place: &Self::Place) -> Result<Report>;

    /// One thread by default: the client shares its machine with the server.
    fn runtime() -> Builder {
        Builder::new_current_thread()
    }

    /// How the report is printed.
    fn format(output: &Output) -> Format {
        match &output.json {
            Some(path) if path == Path::new(STANDARD_OUTPUT) => Format::Json,
            _ => Format::Text,
        }
    }
}

/// Where the report goes.
#[derive(Args, Clone, Debug)]
pub(crate) struct Output {
    /// Write the report as one JSON document into a file, beside the tables; without a file on standard output, in their place.
    #[arg(long, global = true, value_name = "FILE", num_args = 0..=1, default_missing_value = STANDARD_OUTPUT)]
    json: Option<PathBuf>,
    /// Write the report as a page with curves, which needs nothing but itself, into a file.
    #[arg(long, global = true, value_name = "FILE")]
    html: Option<PathBuf>,
}

const STANDARD_OUTPUT: &str = "-";

impl Output {
    fn write(&self, report: &Report) -> Result<()> {
        if let Some(path) = self.json.as_deref().filter(|path| *path != Path::new(STANDARD_OUTPUT)) {
            report.write_json(path)?;
        }
        match &self.html {
            Some(path) => report.write_html(path),
            None => Ok(()),
        }
    }
}

/// What a scenario loads. It is removed at the end, also after a failure or an interrupt.
pub(crate) trait Place {
    async fn remove(self) -> Result<()>;
}

/// Plays a scenario, prints its report, and returns whether everything held.
pub(crate) fn play<S: Scenario>(scenario: &S, output: &Output) -> Result<bool> {
    let played = async {
        let place = scenario.set_up().await?;
        let local = LocalSet::new();
        let report = tokio::select! {
            report = local.run_until(scenario.run(&place)) => report,
            _ = tokio::signal::ctrl_c() => Err(anyhow!("interrupted")),
        };
        let written = match &report {
            Ok(report) => report.print(S::format(output)).and_then(|()| output.write(report)),
            Err(_) => Ok(()),
        };
        place.remove().await?;
        written.and(report)
    };
    Ok(S::runtime().enable_all().build()?.block_on(played)?.is_clean())
}

impl Place for Server {
    async fn remove(self) -> Result<()> {
        self.stop().await
    }
}

/// Databases without a server: schemas of a temporary Postgres database, or files in a temporary folder.
pub(crate) struct Databases {
    folder: TempDir,
    postgres: Option<TemporaryDatabase>,
}

impl Databases {
    /// A place on a Postgres server; `None` is SQLite.
    pub(crate) async fn create(url: Option<&str>) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("chatchit-load-").tempdir()?;
        let postgres = match url {
            Some(url) => Some(TemporaryDatabase::create(url).await?),
            None => None,
        };
        Ok(Self { folder, postgres })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) const fn engine(&self) -> &'static str {
        if self.postgres.is_some() { "Postgres" } else { "SQLite" }
    }

    /// The location of a set of tables.
    pub(crate) fn location(&self, name: &str, durability: Durability) -> Location {
        match &self.postgres {
            Some(database) => Location::Postgres { url: database.url().to_owned(), schema: name.to_owned() },
            None => Location::Sqlite { path: self.folder().join(format!("{name}.db")), durability },
        }
    }
}

impl Place for Databases {
    async fn remove(self) -> Result<()> {
        match self.postgres {
            Some(database) => database.destroy().await,
            None => Ok(()),
        }
    }
}

//! The log alone, beside a bare durable insert into the same table: chatchit-loadgen's `append`.

use super::super::{
    builds::Build,
    figures::{find, measurement, number},
    report::{Figures, Measurement},
    watch::watch,
};
use crate::shell::Shell;
use anyhow::{Context, Result};
use serde_json::Value;
use std::{path::Path, time::Duration};

/// The rows of these tables, which are compared.
pub(in crate::bench) const ROWS: [&str; 2] = ["append", "bare insert"];

/// One turn of each number of commands in flight, on SQLite or on a Postgres.
pub(super) async fn turn(
    shell: &mut Shell,
    build: &Build,
    database_url: Option<&str>,
    in_memory: bool,
    log: &Path,
) -> Result<Vec<Measurement>> {
    let (mut loadgen, file) = build.loadgen("append", log, in_memory);
    loadgen.arg("--turns=1").args(database_url.map(|url| format!("--database-url={url}")));
    let nothing = |_: u32| Vec::new();
    let watched = watch(shell, &mut loadgen, nothing, Duration::ZERO, (file.as_deref(), log)).await?;
    let engine = if database_url.is_some() { "Postgres" } else { "SQLite" };
    let turns = find(&watched.report, "turns").and_then(Value::as_array).context("a report without turns")?;
    Ok(turns.iter().flat_map(|turn| rows(turn, engine)).collect())
}

/// Both rows of a number of commands in flight.
fn rows(turn: &Value, engine: &str) -> [Measurement; 2] {
    let [ours, bare] = ROWS;
    let limit = figures(turn, "bareRowsPerSecond", "bareBatch");
    [Measurement { document: turn.clone(), ..row(turn, engine, ours) }, measurement(table(turn, engine), bare, limit)]
}

/// A row of a number of commands in flight.
pub(super) fn row(turn: &Value, engine: &str, name: &str) -> Measurement {
    measurement(table(turn, engine), name, figures(turn, "appendsPerSecond", "append"))
}

fn table(turn: &Value, engine: &str) -> String {
    format!("append on {engine}, {} in flight", number(turn, "inFlight").unwrap_or_default())
}

fn figures(turn: &Value, rate: &str, times: &str) -> Figures {
    let rate = number(turn, rate).map(|rate| ("rows/s".to_owned(), rate));
    let times = ["p50", "p99"].into_iter().filter_map(|quantile| {
        let time = find(turn, times).and_then(|times| number(times, quantile))?;
        Some((format!("{quantile} ms"), time))
    });
    rate.into_iter().chain(times).collect()
}

#[cfg(test)]
mod tests {
    use super::rows;
    use serde_json::json;

    #[test]
    fn a_turn_has_a_row_of_ours_and_one_of_the_bare_insert() {
        let turn = json!({
            "inFlight": 64, "appendsPerSecond": 7_622.0, "bareRowsPerSecond": 17_048.0,
            "append": {"p50": 8.0, "p99": 12.0}, "bareBatch": {"p50": 2.0},
        });
        let rows = rows(&turn, "Postgres");
        assert_eq!(rows[0].table, "append on Postgres, 64 in flight");
        let figures =
            |of: usize| rows[of].figures.iter().map(|(name, value)| (name.as_str(), *value)).collect::<Vec<_>>();
        assert_eq!((rows[0].row.as_str(), rows[1].row.as_str()), ("append", "bare insert"));
        assert_eq!(figures(0), [("rows/s", 7_622.0), ("p50 ms", 8.0), ("p99 ms", 12.0)]);
        assert_eq!(figures(1), [("rows/s", 17_048.0), ("p50 ms", 2.0)]);
    }
}

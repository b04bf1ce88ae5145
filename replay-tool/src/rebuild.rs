//! Rebuilds read models from the log in a shadow, then swaps them in.

use crate::{
    arguments::{Rebuild, Which},
    installation::Installation,
    outcome::Outcome,
    output::Output,
    progress::Progress,
};
use anyhow::Result;
use event_store::Position;
use projections::{
    Error, audit,
    rebuild::{RebuildOptions, rebuild},
};
use serde_json::json;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Rebuilds. When cancelled, it leaves the live tables unchanged, and the next rebuild continues where this one stopped.
pub(crate) async fn run(
    installation: &Installation,
    output: &Output,
    which: &Rebuild,
    token: CancellationToken,
) -> Result<Outcome> {
    // Each page and the swap is one transaction: a dropped one is rolled back.
    let position = tokio::select! {
        position = all(installation, which, &token) => position,
        () = token.cancelled() => Err(Error::Stopped.into()),
    };
    let position = position.map_err(|error| match error.downcast_ref() {
        Some(Error::Stopped) => anyhow::anyhow!("stopped; the next rebuild goes on from here"),
        _ => error,
    })?;
    let (names, swapped) = (which.projection.names(), !which.no_swap);
    output.json(&json!({ "projections": names, "position": position, "swapped": swapped }))?;
    let result = if swapped { "rebuilt and swapped in" } else { "rebuilt in a shadow; rebuild again to swap it in" };
    output.text(format_args!("{}: {result}, up to position {position}", names.join(", ")))?;
    Ok(Outcome::Clean)
}

/// Returns the position up to which the log was read.
pub(crate) async fn all(installation: &Installation, which: &Rebuild, token: &CancellationToken) -> Result<Position> {
    let Rebuild { projection: Which { projections, audit }, no_swap, jobs, max_rate } = which;
    let mut position = 0;
    if !projections.is_empty() {
        let progress = Arc::new(Progress::new("rebuild", installation.store.head().await?.position));
        let reported = Arc::clone(&progress);
        let options = RebuildOptions {
            jobs: *jobs,
            max_rate: *max_rate,
            swap: !no_swap,
            report: Box::new(move |done| reported.at(done)),
            ..RebuildOptions::new(clock::now)
        };
        let rebuilt =
            rebuild(&installation.store, &installation.read_location, projections, options, token.clone()).await;
        progress.finish();
        position = rebuilt?.position;
    }
    if *audit {
        let progress = Progress::new("rebuild audit", installation.store.head().await?.position);
        let report = |done| progress.at(done);
        let rebuilt = audit::rebuild(&installation.store, &installation.read_location, !no_swap, token, &report).await;
        progress.finish();
        position = position.max(rebuilt?);
    }
    Ok(position)
}

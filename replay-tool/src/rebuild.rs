//! Builds read models anew from the log, aside, then swaps them in.

use crate::{
    Outcome,
    arguments::{Rebuild, Which},
    output::Output,
    place::{Place, clock},
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

/// Rebuilds; cancelled, it leaves the live tables as they are, and the next rebuild goes on where this one stopped.
pub(crate) async fn run(place: &Place, output: &Output, which: &Rebuild, token: CancellationToken) -> Result<Outcome> {
    // Every page and the swap are one transaction each: whatever is dropped half-way did not happen.
    let position = tokio::select! {
        position = all(place, which, &token) => position,
        () = token.cancelled() => Err(Error::Stopped.into()),
    };
    let position = position.map_err(|error| match error.downcast_ref() {
        Some(Error::Stopped) => anyhow::anyhow!("stopped; the next rebuild goes on from here"),
        _ => error,
    })?;
    let (names, swapped) = (which.projection.names(), !which.no_swap);
    output.document(&json!({ "projections": names, "position": position, "swapped": swapped }))?;
    let what = if swapped { "rebuilt and swapped in" } else { "rebuilt aside; rebuild again to swap it in" };
    output.say(format_args!("{}: {what}, up to position {position}", names.join(", ")))?;
    Ok(Outcome::Well)
}

/// Answers up to where.
async fn all(place: &Place, which: &Rebuild, token: &CancellationToken) -> Result<Position> {
    let Rebuild { projection: Which { projections, audit }, no_swap, jobs, max_rate } = which;
    let mut position = 0;
    if !projections.is_empty() {
        let progress = Arc::new(Progress::new("rebuild", place.store.head().await?.position));
        let told = Arc::clone(&progress);
        let options = RebuildOptions {
            jobs: *jobs,
            max_rate: *max_rate,
            swap: !no_swap,
            report: Box::new(move |done| told.at(done)),
            ..RebuildOptions::new(clock)
        };
        let rebuilt = rebuild(&place.store, &place.read_location, projections, options, token.clone()).await;
        progress.finish();
        position = rebuilt?.position;
    }
    if *audit {
        let progress = Progress::new("rebuild audit", place.store.head().await?.position);
        let report = |done| progress.at(done);
        let rebuilt = audit::rebuild(&place.store, &place.read_location, !no_swap, token, &report).await;
        progress.finish();
        position = position.max(rebuilt?);
    }
    Ok(position)
}

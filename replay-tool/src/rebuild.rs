//! Builds read models anew from the log, aside, then swaps them in.

use crate::{
    Outcome,
    arguments::Rebuild,
    output::Output,
    place::{Place, clock},
    progress::Progress,
};
use anyhow::Result;
use projections::{
    Error, Projection,
    rebuild::{RebuildOptions, rebuild},
};
use serde_json::json;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Rebuilds; cancelled, it leaves the live tables as they are, and the next rebuild goes on where this one stopped.
pub(crate) async fn run(place: &Place, output: &Output, which: &Rebuild, token: CancellationToken) -> Result<Outcome> {
    let Rebuild { projection, no_swap, jobs, max_rate } = which;
    let projections = &projection.0;
    let progress = Arc::new(Progress::new("rebuild", place.store.head().await?.position));
    let told = Arc::clone(&progress);
    let options = RebuildOptions {
        jobs: *jobs,
        max_rate: *max_rate,
        swap: !no_swap,
        report: Box::new(move |done| told.at(done)),
        ..RebuildOptions::new(clock)
    };
    // Every page and the swap are one transaction each: whatever is dropped half-way did not happen.
    let rebuilt = tokio::select! {
        rebuilt = rebuild(&place.store, &place.read_location, projections, options, token.clone()) => rebuilt,
        () = token.cancelled() => Err(Error::Stopped),
    };
    progress.finish();
    let rebuilt = rebuilt.map_err(|error| match error {
        Error::Stopped => anyhow::anyhow!("stopped; the next rebuild goes on from here"),
        error => error.into(),
    })?;
    let names = projections.iter().copied().map(Projection::name).collect::<Vec<_>>();
    output.document(&json!({ "projections": names, "position": rebuilt.position, "swapped": rebuilt.swapped }))?;
    let what = if rebuilt.swapped { "rebuilt and swapped in" } else { "rebuilt aside; rebuild again to swap it in" };
    output.say(format_args!("{}: {what}, up to position {}", names.join(", "), rebuilt.position))?;
    Ok(Outcome::Well)
}

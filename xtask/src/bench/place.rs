//! A turn of our own server: started by its load generator, as one process in an empty place.

use super::{
    builds::Build,
    figures,
    options::{Bench, Load, Place, name},
    processes::{CLIENT, Part, Root},
    report::Measurement,
    stage::Stage,
    watch::watch,
};
use crate::shell::{Shell, say};
use anyhow::Result;
use std::path::Path;

/// The part that is the server's processes.
pub(super) const SERVER: &str = "server";

/// Loads each build in a place, load by load.
pub(super) async fn turn(
    shell: &mut Shell,
    bench: &Bench,
    place: Place,
    builds: &[&Build],
    stage: Option<&Stage>,
    log: &Path,
) -> Result<Vec<Measurement>> {
    let mut measured = Vec::new();
    let loads: Vec<Option<Load>> = match bench.loads() {
        Some(loads) => loads.iter().copied().map(Some).collect(),
        None => vec![None],
    };
    for load in loads {
        for build in builds {
            let row = build.row(&name(place));
            say(format_args!("{row}: {} {}", bench.scenario, load.map(|load| load.to_string()).unwrap_or_default()));
            let (mut loadgen, file) = build.loadgen(&bench.scenario, log, bench.memory);
            loadgen.arg("--spawn").arg(&build.server);
            loadgen.args(stage.map(Stage::options).into_iter().flatten());
            if let Some(load) = load {
                loadgen.args(bench.duration()).args(load.arguments());
            }
            loadgen.args(&bench.arguments);
            let engines = stage.map(Stage::parts).unwrap_or_default();
            let parts = |id| around(id, engines);
            let watched = watch(shell, &mut loadgen, parts, bench.measured(), (file.as_deref(), log)).await?;
            measured.extend(match load {
                Some(load) => figures::rooms(&load.to_string(), &row, &watched),
                None => figures::scenario(&bench.scenario, &row, &watched),
            });
        }
    }
    Ok(measured)
}

/// A load generator, the server it started, and engines.
pub(super) fn around(loadgen: u32, engines: Vec<Part>) -> Vec<Part> {
    [vec![(SERVER, Root::Below(loadgen))], engines, vec![(CLIENT, Root::Alone(loadgen))]].concat()
}

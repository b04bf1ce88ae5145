//! End to end: stock clients against the release binaries, on the embedded default and on private engines.

mod chromium;
mod place;
mod scripts;
mod tour;

use crate::{
    engines::Engines,
    release,
    shell::{Shell, cargo, say, which},
};
use anyhow::{Result, ensure};
use clap::ValueEnum;
use place::Place;
use scripts::Scripts;
use std::path::{Path, PathBuf};

/// What can be run alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Suite {
    /// docs/tour.md as it is written, with curl and wscat.
    Tour,
    /// Every row of the Socket.IO table, with the official client.
    #[value(name = "socketio")]
    SocketIo,
    /// A call with voice and video between two pages of a headless Chromium.
    #[value(name = "webrtc")]
    WebRtc,
}

/// All suites.
pub(crate) const ALL: [Suite; 3] = [Suite::Tour, Suite::SocketIo, Suite::WebRtc];

impl Suite {
    /// What this machine lacks for it, and cannot be given here.
    pub(crate) fn missing(self) -> Vec<&'static str> {
        let (programs, chromium): (&[_], _) = match self {
            Self::Tour => (&["bash", "curl", "jq", "npm"], false),
            Self::SocketIo => (&["node", "npm"], false),
            Self::WebRtc => (&["node"], !chromium::can_be_had()),
        };
        let missing = programs.iter().copied().filter(|program| which(program).is_none());
        missing.chain(chromium.then_some(chromium::PACKAGE)).collect()
    }

    /// What it is called on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// Runs some suites, or all when none is named.
pub(crate) async fn run(shell: &mut Shell, suites: &[Suite]) -> Result<()> {
    let suites = if suites.is_empty() { &ALL } else { suites };
    for suite in suites {
        let missing = suite.missing();
        ensure!(missing.is_empty(), "{} needs {}, which this machine lacks", suite.name(), missing.join(", "));
    }
    shell.run(cargo().args(release::BUILD)).await?;
    if suites.contains(&Suite::Tour) {
        tour::run(shell).await?;
    }
    let with_scripts: Vec<_> = suites.iter().copied().filter(|suite| *suite != Suite::Tour).collect();
    if with_scripts.is_empty() {
        return Ok(());
    }
    let scripts = Scripts::prepare(shell, &with_scripts).await?;
    say("one process, on SQLite");
    let place = Place::embedded(shell, scripts.origin()).await?;
    scripts.run(shell, &place).await?;
    drop(place);
    say("two gateways and a worker, on Postgres, RabbitMQ and Redis");
    let engines = Engines::fresh(shell).await?;
    let place = Place::two_gateways(shell, scripts.origin(), &engines).await?;
    scripts.run(shell, &place).await
}

/// The folder above this crate's.
fn workspace_root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_owned()
}

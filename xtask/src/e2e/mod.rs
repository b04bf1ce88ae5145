//! End to end: stock clients against the release binaries, on the embedded default and on private engines.

mod api;
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
use api::Api;
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
    /// Every route of the OpenAPI document, by Schemathesis.
    Api,
}

/// All suites.
pub(crate) const ALL: [Suite; 4] = [Suite::Tour, Suite::SocketIo, Suite::WebRtc, Suite::Api];

impl Suite {
    /// What this machine lacks for it, and cannot be given here.
    pub(crate) fn missing(self) -> Vec<&'static str> {
        let (programs, package): (&[_], _) = match self {
            Self::Tour => (&["bash", "curl", "jq", "npm"], None),
            Self::SocketIo => (&["node", "npm"], None),
            Self::WebRtc => (&["node"], (!chromium::can_be_had()).then_some(chromium::PACKAGE)),
            Self::Api => (&[], (!api::can_be_had()).then_some("python3")),
        };
        let missing = programs.iter().copied().filter(|program| which(program).is_none());
        missing.chain(package).collect()
    }

    /// Whether it is a script of Node.
    const fn is_of_node(self) -> bool {
        matches!(self, Self::SocketIo | Self::WebRtc)
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
    let scripts: Vec<_> = suites.iter().copied().filter(|suite| suite.is_of_node()).collect();
    let api = if suites.contains(&Suite::Api) { Some(Api::prepare(shell).await?) } else { None };
    if scripts.is_empty() && api.is_none() {
        return Ok(());
    }
    let scripts = Scripts::prepare(shell, &scripts).await?;
    say("one process, on SQLite");
    let place = Place::embedded(shell, scripts.origin()).await?;
    in_place(shell, &scripts, api.as_ref(), &place).await?;
    drop(place);
    say("two gateways and a worker, on Postgres, RabbitMQ and Redis");
    let engines = Engines::fresh(shell).await?;
    let place = Place::two_gateways(shell, scripts.origin(), &engines).await?;
    in_place(shell, &scripts, api.as_ref(), &place).await
}

/// Runs in one place what is to run there; the first to register is the administrator.
async fn in_place(shell: &mut Shell, scripts: &Scripts, api: Option<&Api>, place: &Place) -> Result<()> {
    if let Some(api) = api {
        api.run(shell, place).await?;
    }
    scripts.run(shell, place).await
}

/// The folder above this crate's.
fn workspace_root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_owned()
}

//! End to end: stock clients against the programs, on the embedded default and on private engines.

mod api;
mod chromium;
mod ops;
mod place;
mod python;
mod scripts;
mod stock;
mod tour;

pub(crate) use place::SECRETS;

use crate::{
    engines::Engines,
    programs::Programs,
    shell::{Shell, say, which},
};
use anyhow::{Result, ensure};
use api::Api;
use clap::ValueEnum;
use place::{Limits, Place};
use scripts::Scripts;
use std::path::Path;

/// A suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Suite {
    /// docs/tour.md as it is written, with curl and wscat.
    Tour,
    /// Every row of the Socket.IO table, with the official client; stock clients of three languages through a proxy.
    #[value(name = "socketio")]
    SocketIo,
    /// A call with voice and video between two pages of a headless Chromium.
    #[value(name = "webrtc")]
    WebRtc,
    /// The dashboard in a headless Chromium: signed in at, looked at, with a picture of it.
    Dashboard,
    /// The two documents: linters, generated clients, and every route by Schemathesis.
    Api,
    /// Deployment: the files, and two gateways and two workers behind nginx.
    Ops,
}

/// All suites.
pub(crate) const ALL: [Suite; 6] =
    [Suite::Tour, Suite::SocketIo, Suite::WebRtc, Suite::Dashboard, Suite::Api, Suite::Ops];

impl Suite {
    /// Requirements that are missing and cannot be installed here.
    pub(crate) fn missing(self) -> Vec<&'static str> {
        let (programs, package): (&[_], _) = match self {
            Self::Tour => (&["bash", "curl", "jq", "npm"], None),
            Self::SocketIo => return stock::missing(),
            Self::WebRtc | Self::Dashboard => (&["node"], (!chromium::can_be_had()).then_some(chromium::PACKAGE)),
            Self::Api => return api::missing(),
            Self::Ops => return ops::missing(),
        };
        let missing = programs.iter().copied().filter(|program| which(program).is_none());
        missing.chain(package).collect()
    }

    const fn is_of_node(self) -> bool {
        matches!(self, Self::SocketIo | Self::WebRtc | Self::Dashboard)
    }

    /// The name on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// Runs some suites, or all when none is named, with the programs in `binaries`; `None` builds them for release.
pub(crate) async fn run(shell: &mut Shell, suites: &[Suite], binaries: Option<&Path>) -> Result<()> {
    let suites = if suites.is_empty() { &ALL } else { suites };
    for suite in suites {
        let missing = suite.missing();
        ensure!(missing.is_empty(), "{} needs {}, which this machine lacks", suite.name(), missing.join(", "));
    }
    let programs = Programs::find(shell, binaries, "e2e").await?;
    if suites.contains(&Suite::Tour) {
        tour::run(shell, &programs).await?;
    }
    let scripts: Vec<_> = suites.iter().copied().filter(|suite| suite.is_of_node()).collect();
    if !scripts.is_empty() {
        in_node(shell, &programs, &scripts).await?;
    }
    if suites.contains(&Suite::Api) {
        ask_everything(shell, &programs).await?;
    }
    if suites.contains(&Suite::Ops) {
        ops::run(shell, &programs).await?;
    }
    Ok(())
}

/// Runs scripts of Node on a server of each make.
async fn in_node(shell: &mut Shell, programs: &Programs, suites: &[Suite]) -> Result<()> {
    let scripts = Scripts::prepare(shell, suites).await?;
    say("one process, on SQLite");
    let place = Place::embedded(shell, programs, scripts.origin(), Limits::On).await?;
    scripts.run(shell, &place).await?;
    drop(place);
    say("two gateways and a worker, on Postgres, RabbitMQ and Redis");
    let engines = Engines::fresh(shell).await?;
    let place = Place::two_gateways(shell, programs, scripts.origin(), &engines, Limits::On).await?;
    scripts.run(shell, &place).await
}

/// Asks a server of each make everything that its document names.
async fn ask_everything(shell: &mut Shell, programs: &Programs) -> Result<()> {
    let (api, nobody) = (Api::prepare(shell).await?, String::new);
    say("every route of one process, on SQLite");
    let place = Place::embedded(shell, programs, nobody(), Limits::Off).await?;
    api.run(shell, &place).await?;
    drop(place);
    say("every route of two gateways and a worker, on Postgres, RabbitMQ and Redis");
    let engines = Engines::fresh(shell).await?;
    let place = Place::two_gateways(shell, programs, nobody(), &engines, Limits::Off).await?;
    api.run(shell, &place).await
}

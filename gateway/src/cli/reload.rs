//! SIGHUP: reads the configuration again, and takes over the settings that can change while the server runs.

use super::{
    logging::{Logging, filter},
    serve::notify,
    settings,
};
use anyhow::Result;
use config::{Live, Sources, variables::Variable};
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The configuration in force, and how it changes.
pub(super) struct Reloading {
    hangups: Signal,
    /// At the start: what a restart would change.
    first: Sources,
    /// At the last reload.
    last: Sources,
    logging: Logging,
}

impl Reloading {
    /// From here on SIGHUP does not end the process.
    pub(super) fn new(sources: Sources, logging: Logging) -> Result<Self> {
        Ok(Self { hangups: signal(SignalKind::hangup())?, first: sources.clone(), last: sources, logging })
    }

    /// Reloads at each SIGHUP.
    pub(super) async fn run(mut self, live: Live) {
        while self.hangups.recv().await.is_some() {
            let mut states = vec![NotifyState::Reloading];
            states.extend(NotifyState::monotonic_usec_now());
            notify(&states);
            self.reload(&live);
            notify(&[NotifyState::Ready]);
        }
    }

    fn reload(&mut self, live: &Live) {
        let sources = Sources::here();
        let read = settings::of(&sources).and_then(|config| {
            let filter = filter(&config.log).map_err(|fault| config::Faults(vec![fault]))?;
            Ok((config, filter))
        });
        let (config, filter) = match read {
            Ok(read) => read,
            Err(config::Faults(faults)) => {
                return tracing::error!(
                    config.faults = faults.join("; "),
                    "the new configuration has faults; nothing is changed"
                );
            }
        };
        for warning in &sources.warnings {
            tracing::warn!("{warning}");
        }
        let taken: Vec<_> = sources.changed(&self.last).filter(|variable| variable.reloaded).collect();
        let refused: Vec<_> = sources.changed(&self.first).filter(|variable| !variable.reloaded).collect();
        live.set(&config);
        self.logging.set(filter);
        if !refused.is_empty() {
            tracing::warn!(config.settings = names(&refused), "these settings have changed and need a restart");
        }
        tracing::info!(config.settings = names(&taken), "the configuration was read again");
        self.last = sources;
    }
}

fn names(variables: &[&Variable]) -> String {
    variables.iter().map(|variable| variable.name).collect::<Vec<_>>().join(", ")
}

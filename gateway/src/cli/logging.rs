//! Log lines: their filter, which can change while the server runs, and their format.

use super::output::has_colours;
use config::Config;
use std::io;
use telemetry::Traces;
use tracing_subscriber::{
    EnvFilter, Layer as _, Registry, fmt, layer::SubscriberExt as _, reload, util::SubscriberInitExt as _,
};

/// The filter of log lines, which can be replaced.
pub(super) struct Logging(reload::Handle<EnvFilter, Registry>);

impl Logging {
    /// Begins to write log lines to the standard error, and to hand spans to `traces`.
    pub(super) fn start(config: &Config, traces: Option<&Traces>) -> Self {
        let first = filter(&config.log).unwrap_or_else(|_| EnvFilter::new("info"));
        let (filter, handle) = reload::Layer::new(first);
        let lines = fmt::layer().with_writer(io::stderr).with_ansi(has_colours(&io::stderr()));
        let lines = if config.log_json { lines.json().boxed() } else { lines.boxed() };
        let subscriber = tracing_subscriber::registry().with(lines.with_filter(filter));
        // Another subscriber, in a test say, stays.
        let _ = subscriber.with(traces.map(Traces::layer)).try_init();
        Self(handle)
    }

    /// Replaces the filter.
    pub(super) fn set(&self, filter: EnvFilter) {
        if let Err(error) = self.0.reload(filter) {
            tracing::warn!(error.cause = %error, "the filter of log lines could not be replaced");
        }
    }
}

/// The filter that RUST_LOG describes.
pub(super) fn filter(log: &str) -> Result<EnvFilter, String> {
    let filter = EnvFilter::try_new(log).map_err(|error| format!("RUST_LOG is not a filter: {error}"))?;
    // lapin reports each ordinary reconnection as an error, and each returned message whole; the broker says what counts.
    match "lapin=off".parse() {
        Ok(silent) if !log.contains("lapin") => Ok(filter.add_directive(silent)),
        _ => Ok(filter),
    }
}

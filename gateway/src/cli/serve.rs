//! `chatchit serve`, `gateway` and `worker`.

use super::{logging::Logging, reload::Reloading, settings};
use crate::Application;
use anyhow::{Context as _, Result};
use config::{Config, MonitoringSettings, Role, Sources, TraceSettings, secrets::without_password};
use rest::HttpApp;
use sd_notify::NotifyState;
use std::{net::SocketAddr, num::NonZeroU32, time::Duration};
use telemetry::Traces;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::spawn_blocking,
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

/// After this long an engine that is not connected is reported with its setting.
const CONNECTED_WITHIN: Duration = Duration::from_secs(5);
/// For tests only: how many times as fast as usual this process publishes its figures and raises alerts.
const HURRY: &str = "CHATCHIT_TEST_MONITORING_HURRY";

/// Serves until SIGTERM or SIGINT, with the parts of `role`, or those that CHATCHIT_ROLE names.
pub(super) async fn serve(role: Option<Role>) -> Result<()> {
    let sources = Sources::here();
    let mut config = settings::of(&sources)?;
    config.role = role.unwrap_or(config.role);
    let begin = |TraceSettings { endpoint, ratio }: &_| Traces::begin(endpoint, *ratio, env!("CARGO_PKG_VERSION"));
    let traces = config.traces.as_ref().map(begin).transpose().context("OTEL_EXPORTER_OTLP_ENDPOINT")?;
    let logging = Logging::start(&config, traces.as_ref());
    let served = run(sources, config, logging).await;
    if let Some(traces) = traces {
        // It blocks while it exports what is left.
        spawn_blocking(move || traces.end()).await?;
    }
    served
}

async fn run(sources: Sources, mut config: Config, logging: Logging) -> Result<()> {
    config.monitoring = hurried(config.monitoring);
    for warning in settings::warnings(&sources, Some(&config)) {
        tracing::warn!("{warning}");
    }
    let shutdown = CancellationToken::new();
    stop_on_signal(&shutdown)?;
    let reloading = Reloading::new(sources, logging)?;
    let Some(application) = shutdown.run_until_cancelled(Application::build_alone(config)).await else { return Ok(()) };
    let application = application?;
    let app = application.app().clone();
    introduce(&app, application.local_addr()).await?;
    let _reloading = AbortOnDropHandle::new(tokio::spawn(reloading.run(app.live.clone())));
    let _absent = AbortOnDropHandle::new(tokio::spawn(report_absent(app)));
    notify(&[NotifyState::Ready]);
    Ok(application.run(shutdown).await?)
}

fn hurried(usual: MonitoringSettings) -> MonitoringSettings {
    let times = std::env::var(HURRY).ok().and_then(|text| text.parse().ok()).map(NonZeroU32::get);
    times.map_or(usual, |times| {
        tracing::warn!(times, "This process watches itself in a hurry, for a test");
        usual.hurried(times)
    })
}

fn stop_on_signal(shutdown: &CancellationToken) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let asked = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => (),
            _ = tokio::signal::ctrl_c() => (),
        }
        notify(&[NotifyState::Stopping]);
        asked.cancel();
    });
    Ok(())
}

/// The three lines of a start: where it listens, where the data is, how the first administrator registers.
async fn introduce(app: &HttpApp, address: SocketAddr) -> Result<()> {
    let config = &app.config;
    let role = match config.role {
        Role::All => "all",
        Role::Gateway => "gateway",
        Role::Worker => "worker",
    };
    let engine = if config.database_url.is_some() { "Postgres" } else { "SQLite" };
    tracing::info!(server.address = %address, server.role = role, "chatchit is listening on http://{address}");
    tracing::info!(
        server.engine = engine,
        server.rabbitmq = config.rabbitmq_url.is_some(),
        server.redis = config.redis_url.is_some(),
        "the data is in {engine}: {}",
        config.database_place()
    );
    if let Some(token) = app.bootstrap.offered(&app.store).await? {
        // Not a log line: logs are kept.
        eprintln!("Nobody is registered yet. The first administrator registers with bootstrapToken {token}");
    }
    Ok(())
}

/// Reports RabbitMQ or Redis that is not connected some time after the start. The server works without them, more slowly.
async fn report_absent(app: HttpApp) {
    sleep(CONNECTED_WITHIN).await;
    let Config { rabbitmq_url, redis_url, .. } = &app.config;
    let engines = [
        ("RABBITMQ_URL", rabbitmq_url, app.broker.health().is_up()),
        ("REDIS_URL", redis_url, app.graph.graph().health().is_up()),
    ];
    for (name, url, is_up) in engines {
        if let (Some(url), false) = (url, is_up) {
            let place = without_password(url);
            tracing::warn!(
                setting = name,
                engine.url = place,
                "an engine is not connected; `chatchit doctor` tries it"
            );
        }
    }
}

/// Tells systemd the state of the service, if it asks for that.
pub(super) fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(false, states) {
        tracing::debug!(error.cause = %error, "systemd could not be notified");
    }
}

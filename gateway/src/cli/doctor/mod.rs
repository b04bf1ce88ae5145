//! `chatchit doctor`: tries every configured engine and the machine, and says what is wrong and how to mend it. It leaves no
//! traces, and never prints a secret.

mod check;
mod engines;
mod machine;
mod postgres;

use super::{output::say, settings};
use anyhow::{Result, bail};
use check::{Check, Verdict};
use config::{Config, Faults, Role, Sources};
use std::time::Duration;
use tokio::time::timeout;

/// How long one engine may take in all.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn examine(options: &Options) -> Result<()> {
    let sources = Sources::here();
    let checks = match settings::of(&sources) {
        Ok(config) => examined(&sources, &config).await,
        Err(Faults(faults)) => faults
            .into_iter()
            .map(|fault| Check::fail("configuration", fault, "mend the setting; `chatchit config check` shows all"))
            .collect(),
    };
    let failed = checks.iter().filter(|check| check.verdict == Verdict::Fail).count();
    if options.json {
        say(&serde_json::to_string(&serde_json::json!({"ok": failed == 0, "checks": checks}))?)?;
    } else {
        for check in &checks {
            say(&check.line())?;
        }
    }
    match failed {
        0 => Ok(()),
        1 => bail!("one check failed"),
        count => bail!("{count} checks failed"),
    }
}

async fn examined(sources: &Sources, config: &Config) -> Vec<Check> {
    let warnings = settings::warnings(sources, Some(config));
    let mut checks = match warnings.is_empty() {
        true => vec![Check::ok("configuration", "no faults")],
        false => {
            let warned = |warning| Check::warn("configuration", warning, "change it, unless it is meant");
            warnings.into_iter().map(warned).collect()
        }
    };
    checks.extend(machine::examine(config));
    checks.push(machine::port(config).await);
    if let Some(url) = &config.database_url {
        checks.extend(in_time("postgres", postgres::examine(config, url)).await);
    }
    if let Some(url) = &config.rabbitmq_url {
        checks.extend(in_time("rabbitmq", engines::rabbitmq(config, url)).await);
    }
    if let Some(url) = &config.redis_url {
        checks.extend(in_time("redis", engines::redis(config, url)).await);
    }
    if config.files.bucket.is_some() {
        checks.extend(in_time("files", engines::bucket(config)).await);
    }
    checks.extend(missing(config));
    checks
}

/// Engines without which processes of this role cannot work together.
fn missing(config: &Config) -> Option<Check> {
    let lacks = config.rabbitmq_url.is_none() || config.redis_url.is_none() || config.database_url.is_none();
    (lacks && config.role != Role::All).then(|| {
        let found = "CHATCHIT_ROLE names one of several processes, without an engine for each of them";
        Check::warn("engines", found, "set DATABASE_URL, RABBITMQ_URL and REDIS_URL")
    })
}

async fn in_time(name: &'static str, checks: impl Future<Output = Vec<Check>>) -> Vec<Check> {
    timeout(PATIENCE, checks).await.unwrap_or_else(|_| {
        let found = format!("no answer within {PATIENCE:?}");
        vec![Check::fail(name, found, "is it running, and does a firewall drop its packets?")]
    })
}
